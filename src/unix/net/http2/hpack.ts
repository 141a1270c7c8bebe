import { HUFFMAN_LENGTHS, STATIC_TABLE } from './hpack-tables.ts'

export type HeaderField = readonly [name: string, value: string]

const encoder = new TextEncoder()
const decoder = new TextDecoder()
/** What an entry counts for in the table besides its bytes. */
const ENTRY_BYTES = 32
const DEFAULT_TABLE_BYTES = 4096

/** A node of the Huffman tree: what follows a 0 and a 1, or a byte. */
type HuffmanNode = [HuffmanNode | number | undefined, HuffmanNode | number | undefined]
let huffmanRoot: HuffmanNode | undefined

/** Codes are given out by length, and within one by byte. */
function huffmanTree(): HuffmanNode {
  if (huffmanRoot) return huffmanRoot
  const root: HuffmanNode = [undefined, undefined]
  let code = 0
  let before = 0
  for (const byte of Array.from(HUFFMAN_LENGTHS.keys()).sort((a, b) => HUFFMAN_LENGTHS[a]! - HUFFMAN_LENGTHS[b]! || a - b)) {
    const length = HUFFMAN_LENGTHS[byte]!
    code *= 2 ** (length - before)
    before = length
    let at = root
    for (let bit = length - 1; bit > 0; bit--) at = (at[Math.floor(code / 2 ** bit) % 2] ??= [undefined, undefined]) as HuffmanNode
    at[code % 2] = byte
    code += 1
  }
  return huffmanRoot = root
}

function decodeHuffman(bytes: Uint8Array): string {
  const out: number[] = []
  let at = huffmanTree()
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const next = at[byte >> bit & 1]
      if (next === undefined) throw new Error('hpack: invalid Huffman-encoded data')
      if (typeof next === 'number') { out.push(next); at = huffmanTree() } else at = next
    }
  }
  return decoder.decode(Uint8Array.from(out))
}

/** Reads the header blocks of one connection, which refer to earlier ones. RFC 7541 */
export class HpackDecoder {
  readonly #table: HeaderField[] = []
  #tableBytes = 0
  #limitBytes = DEFAULT_TABLE_BYTES

  /** @throws Error for a block that is none */
  decode(block: Uint8Array): HeaderField[] {
    const out: HeaderField[] = []
    let at = 0
    const integer = (prefixBits: number): number => {
      const most = 2 ** prefixBits - 1
      let value = block[at++]! & most
      if (value < most) return value
      for (let shift = 0; ; shift += 7) {
        const byte = block[at++]
        if (byte === undefined) throw new Error('hpack: truncated headers')
        value += (byte & 0x7f) * 2 ** shift
        if (byte < 0x80) return value
      }
    }
    const text = (): string => {
      const isHuffman = (block[at]! & 0x80) !== 0
      const length = integer(7)
      const bytes = block.subarray(at, at + length)
      if (bytes.length < length) throw new Error('hpack: truncated headers')
      at += length
      return isHuffman ? decodeHuffman(bytes) : decoder.decode(bytes)
    }
    const entry = (index: number): HeaderField => {
      const found = STATIC_TABLE[index - 1] ?? this.#table[index - 1 - STATIC_TABLE.length]
      if (!found) throw new Error(`hpack: invalid indexed representation index ${index}`)
      return found
    }
    while (at < block.length) {
      const first = block[at]!
      if (first & 0x80) out.push(entry(integer(7)))
      else if ((first & 0xe0) === 0x20) {
        this.#limitBytes = integer(5)
        this.#evict()
      } else {
        const isKept = (first & 0x40) !== 0
        const index = integer(isKept ? 6 : 4)
        const field: HeaderField = [index === 0 ? text() : entry(index)[0], text()]
        out.push(field)
        if (!isKept) continue
        this.#table.unshift(field)
        this.#tableBytes += sizeOf(field)
        this.#evict()
      }
    }
    return out
  }

  #evict(): void {
    while (this.#tableBytes > this.#limitBytes && this.#table.length > 0) this.#tableBytes -= sizeOf(this.#table.pop()!)
  }
}

function sizeOf([name, value]: HeaderField): number {
  return encoder.encode(name).length + encoder.encode(value).length + ENTRY_BYTES
}

/** A header block that refers to no other one: each field is written out. */
export function encodeHeaders(fields: readonly HeaderField[]): Uint8Array {
  const out: number[] = []
  const text = (value: string) => {
    const bytes = encoder.encode(value)
    let rest = bytes.length
    if (rest < 0x7f) out.push(rest)
    else {
      out.push(0x7f)
      for (rest -= 0x7f; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push(rest % 0x80 + 0x80)
      out.push(rest)
    }
    out.push(...bytes)
  }
  for (const [name, value] of fields) {
    out.push(0)
    text(name)
    text(value)
  }
  return Uint8Array.from(out)
}
