import { concatBytes } from '../../base/streams.ts'
import type { ByteReader } from '../../base/streams.ts'

/** Archives are made of these. */
export const BLOCK_BYTES = 512

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'link' | 'fifo' | 'other'

/** What an archive says of a member. */
export interface TarEntry {
  type: TarEntryType
  /** As stored: a directory's ends with a slash. */
  name: string
  linkName: string
  mode: number
  uid: number
  gid: number
  userName: string
  groupName: string
  sizeBytes: number
  modifiedMs: number
}

/** An archive that isn't one, or ends too early. */
export class TarFormatError extends Error {
  readonly reason: 'not an archive' | 'too short'
  constructor(reason: 'not an archive' | 'too short') {
    super(reason)
    this.reason = reason
  }
}

const TYPE_FLAGS: Readonly<Record<TarEntryType, string>> = { file: '0', link: '1', symlink: '2', directory: '5', fifo: '6', other: '0' }

/** Bytes that fill up the last block of `sizeBytes`. */
export function paddingOf(sizeBytes: number): number {
  return (BLOCK_BYTES - sizeBytes % BLOCK_BYTES) % BLOCK_BYTES
}

/** The header of a member, with GNU's long name blocks before it where needed. */
export function encodeHeader(entry: TarEntry): Uint8Array {
  const name = encoder.encode(entry.name)
  const linkName = encoder.encode(entry.linkName)
  const long = (bytes: Uint8Array, flag: string) => {
    const size = bytes.length + 1
    return bytes.length > 100 ? [block({ ...entry, uid: 0, gid: 0, mode: 0, userName: 'root', groupName: 'root', modifiedMs: 0, sizeBytes: size }, encoder.encode('././@LongLink'), new Uint8Array(0), flag), bytes, new Uint8Array(1 + paddingOf(size))] : []
  }
  return concatBytes([...long(linkName, 'K'), ...long(name, 'L'), block(entry, name, linkName, TYPE_FLAGS[entry.type])])
}

function block(entry: TarEntry, name: Uint8Array, linkName: Uint8Array, flag: string): Uint8Array {
  const out = new Uint8Array(BLOCK_BYTES)
  const text = (at: number, value: string) => out.set(encoder.encode(value), at)
  const octal = (at: number, length: number, value: number) => text(at, value.toString(8).padStart(length - 1, '0'))
  out.set(name.subarray(0, 100), 0)
  octal(100, 8, entry.mode & 0o7777)
  octal(108, 8, entry.uid)
  octal(116, 8, entry.gid)
  octal(124, 12, entry.sizeBytes)
  octal(136, 12, Math.max(0, Math.floor(entry.modifiedMs / 1000)))
  text(156, flag)
  out.set(linkName.subarray(0, 100), 157)
  text(257, 'ustar  ')
  text(265, entry.userName.slice(0, 31))
  text(297, entry.groupName.slice(0, 31))
  text(148, `${checksum(out).toString(8).padStart(6, '0')}\0 `)
  return out
}

/** The sum of a header's bytes, its own field counted as blanks. */
function checksum(header: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < BLOCK_BYTES; i++) sum += i >= 148 && i < 156 ? 32 : header[i]!
  return sum
}

/** Reads an archive member by member: {@link next}, then {@link content} or straight on. */
export class TarReader {
  readonly #input: ByteReader
  #held: Uint8Array = new Uint8Array(0)
  #left = 0
  #padding = 0
  /** Whether anything was there to read. */
  empty = true

  constructor(input: ByteReader) {
    this.#input = input
  }

  /** The next member, or undefined at the end, when the input has been read to its end. @throws TarFormatError */
  async next(): Promise<TarEntry | undefined> {
    let name: string | undefined
    let linkName: string | undefined
    let pax = new Map<string, string>()
    for (;;) {
      for await (const _ of this.content()) { /* What wasn't wanted is passed over. */ }
      const header = await this.#exactly(BLOCK_BYTES, true)
      if (!header || header.every((byte) => byte === 0)) { await this.#drain(); return undefined }
      const string = (at: number, length: number) => {
        const bytes = header.subarray(at, at + length)
        const end = bytes.indexOf(0)
        return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end))
      }
      const number = (at: number, length: number) => header[at]! & 0x80 ? header.subarray(at + 1, at + length).reduce((sum, byte) => sum * 256 + byte, 0) : parseInt(string(at, length).trim() || '0', 8)
      if (number(148, 8) !== checksum(header)) throw new TarFormatError('not an archive')
      const flag = String.fromCharCode(header[156]!)
      const sizeBytes = Number(pax.get('size') ?? number(124, 12))
      this.#left = '123456'.includes(flag) ? 0 : sizeBytes
      this.#padding = paddingOf(this.#left)
      if (flag === 'L' || flag === 'K' || flag === 'x' || flag === 'g') {
        const chunks: Uint8Array[] = []
        for await (const chunk of this.content()) chunks.push(chunk)
        const bytes = concatBytes(chunks)
        if (flag === 'L') name = decoder.decode(bytes).replace(/\0.*$/s, '')
        else if (flag === 'K') linkName = decoder.decode(bytes).replace(/\0.*$/s, '')
        else if (flag === 'x') pax = paxRecords(bytes)
        continue
      }
      const prefix = string(257, 6) === 'ustar' ? string(345, 155) : ''
      const stored = pax.get('path') ?? name ?? (prefix ? `${prefix}/${string(0, 100)}` : string(0, 100))
      const types: Record<string, TarEntryType> = { '0': 'file', '\0': 'file', '7': 'file', '1': 'link', '2': 'symlink', '5': 'directory', '6': 'fifo' }
      const type = types[flag] ?? 'other'
      return {
        type: type === 'file' && stored.endsWith('/') ? 'directory' : type, name: stored, linkName: pax.get('linkpath') ?? linkName ?? string(157, 100),
        mode: number(100, 8), uid: Number(pax.get('uid') ?? number(108, 8)), gid: Number(pax.get('gid') ?? number(116, 8)), userName: string(265, 32), groupName: string(297, 32),
        sizeBytes: this.#left, modifiedMs: pax.has('mtime') ? Math.floor(Number(pax.get('mtime')) * 1000) : number(136, 12) * 1000,
      }
    }
  }

  /** The bytes of the member that {@link next} gave. @throws TarFormatError */
  async* content(): AsyncGenerator<Uint8Array> {
    while (this.#left > 0) {
      const chunk = this.#held.length > 0 ? this.#held : await this.#input.read()
      if (!chunk) throw new TarFormatError('too short')
      const mine = chunk.subarray(0, this.#left)
      this.#held = chunk.subarray(mine.length)
      this.#left -= mine.length
      yield mine
    }
    if (this.#padding > 0) { await this.#exactly(this.#padding); this.#padding = 0 }
  }

  async #exactly(length: number, mayEnd = false): Promise<Uint8Array | undefined> {
    while (this.#held.length < length) {
      const chunk = await this.#input.read()
      if (!chunk) {
        if (mayEnd && this.#held.length === 0) return undefined
        throw new TarFormatError(this.empty ? 'not an archive' : 'too short')
      }
      this.#held = concatBytes([this.#held, chunk])
    }
    this.empty = false
    const out = this.#held.subarray(0, length)
    this.#held = this.#held.subarray(length)
    return out
  }

  /** Whoever writes into a pipe shall be able to end. */
  async #drain(): Promise<void> {
    while (await this.#input.read()) { /* The rest of the last record. */ }
  }
}

/** `length key=value` lines. */
function paxRecords(bytes: Uint8Array): Map<string, string> {
  const records = new Map<string, string>()
  for (let at = 0; at < bytes.length;) {
    const blank = bytes.indexOf(32, at)
    const length = parseInt(decoder.decode(bytes.subarray(at, blank)), 10)
    if (blank < 0 || !(length > 0)) break
    const [key, ...value] = decoder.decode(bytes.subarray(blank + 1, at + length - 1)).split('=')
    records.set(key!, value.join('='))
    at += length
  }
  return records
}
