import { Inflate } from 'pako'
import { concatBytes } from '../../../base/streams.ts'
import { headerDictionary } from './header-dictionary.ts'

const Z_SYNC_FLUSH = 2
const MAX_STORED_BYTES = 65_535

/** Reads the header blocks of one session: they are one zlib stream with a preset dictionary, flushed after each block. */
export class HeaderDecoder {
  readonly #inflate: Inflate
  #chunks: Uint8Array[] = []

  constructor() {
    this.#inflate = new Inflate({ dictionary: headerDictionary })
    this.#inflate.onData = (chunk: Uint8Array) => { this.#chunks.push(chunk) }
  }

  /** @throws Error for a broken block. */
  decode(block: Uint8Array): Map<string, string> {
    this.#inflate.push(block, Z_SYNC_FLUSH)
    if (this.#inflate.err) throw new Error(`broken SPDY header block: ${this.#inflate.msg}`)
    const bytes = concatBytes(this.#chunks)
    this.#chunks = []
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const text = new TextDecoder()
    const headers = new Map<string, string>()
    let at = 4
    const next = () => {
      const length = view.getUint32(at)
      const out = text.decode(bytes.subarray(at + 4, at + 4 + length))
      at += 4 + length
      return out
    }
    for (let count = view.getUint32(0); count > 0; count--) {
      const name = next()
      headers.set(name.toLowerCase(), next().split('\0')[0]!)
    }
    return headers
  }
}

/** Writes header blocks. They are stored rather than compressed, which every zlib reader takes and needs no dictionary. */
export class HeaderEncoder {
  #started = false

  encode(headers: ReadonlyMap<string, string>): Uint8Array {
    const text = new TextEncoder()
    const parts: Uint8Array[] = [word(headers.size)]
    for (const [name, value] of headers) for (const piece of [name, value]) {
      const bytes = text.encode(piece)
      parts.push(word(bytes.length), bytes)
    }
    const block = concatBytes(parts)
    const out: Uint8Array[] = this.#started ? [] : [Uint8Array.of(0x78, 0x01)]
    this.#started = true
    for (let start = 0; start < block.length; start += MAX_STORED_BYTES) {
      const piece = block.subarray(start, start + MAX_STORED_BYTES)
      const n = piece.length
      out.push(Uint8Array.of(0, n & 255, n >> 8, ~n & 255, (~n >> 8) & 255), piece)
    }
    // The mark of a flush: readers hand out what they have when they meet it.
    out.push(Uint8Array.of(0, 0, 0, 255, 255))
    return concatBytes(out)
  }
}

function word(value: number): Uint8Array {
  return Uint8Array.of((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
}
