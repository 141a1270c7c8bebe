import { deflate } from 'pako'
import { concatBytes } from '../../base/streams.ts'
import type { Clock } from '../../base/clock.ts'
import type { FileSystem } from '../types.ts'
import { hexBytes, hexText } from './bytes.ts'
import { fatal } from './failure.ts'
import { hashObject, inflateAt } from './objects.ts'
import type { GitObject, ObjectStore, ObjectType } from './objects.ts'
import { sha1 } from './sha1.ts'

const TYPES: readonly (ObjectType | undefined)[] = [undefined, 'commit', 'tree', 'blob', 'tag']
const OFFSET_DELTA = 6
const NAMED_DELTA = 7

/** The head of an entry: what it is, how large, and where its data begin. */
interface EntryHead {
  type: number
  size: number
  dataAt: number
  /** Of a delta: where or what it is a difference to. */
  base?: number | string
}

function readHead(pack: Uint8Array, offset: number): EntryHead {
  let at = offset
  let byte = pack[at++]!
  const type = (byte >> 4) & 7
  let size = byte & 15
  for (let factor = 16; byte & 0x80; factor *= 128) {
    byte = pack[at++]!
    size += (byte & 0x7f) * factor
  }
  if (type === NAMED_DELTA) return { type, size, dataAt: at + 20, base: hexText(pack.subarray(at, at + 20)) }
  if (type !== OFFSET_DELTA) return { type, size, dataAt: at }
  byte = pack[at++]!
  let back = byte & 0x7f
  while (byte & 0x80) {
    byte = pack[at++]!
    back = (back + 1) * 128 + (byte & 0x7f)
  }
  return { type, size, dataAt: at, base: offset - back }
}

/** What a delta makes of its base. */
function applyDelta(base: Uint8Array, delta: Uint8Array): Uint8Array {
  let at = 0
  const size = () => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = delta[at++]!
      value += (byte & 0x7f) * factor
      if (!(byte & 0x80)) return value
    }
  }
  if (size() !== base.length) throw fatal('delta base size mismatch')
  const out = new Uint8Array(size())
  let to = 0
  while (at < delta.length) {
    const op = delta[at++]!
    if (!(op & 0x80)) {
      out.set(delta.subarray(at, at + op), to)
      at += op
      to += op
      continue
    }
    let offset = 0
    let length = 0
    for (let i = 0; i < 4; i++) if (op & (1 << i)) offset += delta[at++]! * 2 ** (8 * i)
    for (let i = 0; i < 3; i++) if (op & (16 << i)) length += delta[at++]! * 2 ** (8 * i)
    if (length === 0) length = 0x10000
    out.set(base.subarray(offset, offset + length), to)
    to += length
  }
  return out
}

/** A pack with its index (version 2), read when first asked. */
export class Pack {
  readonly #fs: FileSystem
  /** Path without suffix. */
  readonly path: string
  #index: { view: DataView; bytes: Uint8Array; size: number } | undefined
  #bytes: Uint8Array | undefined
  readonly #read = new Map<number, GitObject>()

  constructor(fs: FileSystem, path: string) {
    this.#fs = fs
    this.path = path
  }

  get #table(): { view: DataView; bytes: Uint8Array; size: number } {
    if (!this.#index) {
      const bytes = this.#fs.readFile(`${this.path}.idx`)
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      if (view.getUint32(0) !== 0xff744f63) throw fatal(`index file ${this.path}.idx is too old`)
      this.#index = { view, bytes, size: view.getUint32(8 + 255 * 4) }
    }
    return this.#index
  }

  get size(): number {
    return this.#table.size
  }

  id(position: number): string {
    const at = 8 + 1024 + position * 20
    return hexText(this.#table.bytes.subarray(at, at + 20))
  }

  ids(): string[] {
    return Array.from({ length: this.size }, (_, i) => this.id(i))
  }

  /** The first position whose name is not before the prefix. */
  #lowest(prefix: string): number {
    let [low, high] = [0, this.size]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.id(middle) < prefix) low = middle + 1
      else high = middle
    }
    return low
  }

  has(id: string): boolean {
    const at = this.#lowest(id)
    return at < this.size && this.id(at) === id
  }

  named(prefix: string): string[] {
    const found: string[] = []
    for (let i = this.#lowest(prefix); i < this.size && this.id(i).startsWith(prefix); i++) found.push(this.id(i))
    return found
  }

  read(id: string, elsewhere: (id: string) => GitObject | undefined): GitObject | undefined {
    const at = this.#lowest(id)
    if (at >= this.size || this.id(at) !== id) return undefined
    const { view, size } = this.#table
    const offsets = 8 + 1024 + size * 24
    const small = view.getUint32(offsets + at * 4)
    const offset = small & 0x80000000 ? Number(view.getBigUint64(offsets + size * 4 + (small & 0x7fffffff) * 8)) : small
    this.#bytes ??= this.#fs.readFile(`${this.path}.pack`)
    return this.#at(offset, elsewhere)
  }

  #at(offset: number, elsewhere: (id: string) => GitObject | undefined): GitObject {
    const kept = this.#read.get(offset)
    if (kept) return kept
    const head = readHead(this.#bytes!, offset)
    const { content } = inflateAt(this.#bytes!, head.dataAt)
    let object: GitObject
    if (head.base === undefined) object = { type: TYPES[head.type]!, content }
    else {
      const base = typeof head.base === 'number' ? this.#at(head.base, elsewhere) : this.read(head.base, elsewhere) ?? elsewhere(head.base)
      if (!base) throw fatal('delta base object is missing')
      object = { type: base.type, content: applyDelta(base.content, content) }
    }
    // Bases are asked for again and again; many large ones would be too much to keep.
    if (object.content.length < 65_536) this.#read.set(offset, object)
    return object
  }
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
  return n >>> 0
})

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

/** What receiving a pack came to. */
export interface ReceivedPack {
  objects: number
  deltas: number
}

/** Keeps a pack that came from elsewhere with an index made for it, completed with bases that only this repository has. */
export async function receivePack(fs: FileSystem, store: ObjectStore, received: Uint8Array, clock: Clock): Promise<ReceivedPack> {
  const view = new DataView(received.buffer, received.byteOffset, received.length)
  if (received.length < 32 || view.getUint32(0) !== 0x5041434b) throw fatal('protocol error: bad pack header')
  const count = view.getUint32(8)
  if (sha1(received.subarray(0, -20)) !== hexText(received.subarray(-20))) throw fatal('pack is corrupted (SHA1 mismatch)')
  if (count === 0) return { objects: 0, deltas: 0 }
  interface Entry { offset: number; end: number; head: EntryHead; data: Uint8Array; object?: GitObject; id?: string }
  const entries: Entry[] = []
  const byOffset = new Map<number, Entry>()
  let at = 12
  for (let i = 0; i < count; i++) {
    const head = readHead(received, at)
    const { content, used } = inflateAt(received, head.dataAt)
    const entry: Entry = { offset: at, end: head.dataAt + used, head, data: content }
    entries.push(entry)
    byOffset.set(at, entry)
    at = entry.end
    await clock.breathe()
  }
  const byId = new Map<string, Entry>()
  const named = (entry: Entry, object: GitObject) => {
    entry.object = object
    entry.id = hashObject(object.type, object.content)
    byId.set(entry.id, entry)
  }
  let waiting = entries.filter((entry) => {
    if (entry.head.base !== undefined) return true
    named(entry, { type: TYPES[entry.head.type]!, content: entry.data })
    return false
  })
  const deltas = waiting.length
  const borrowed = new Map<string, GitObject>()
  while (waiting.length > 0) {
    const later: Entry[] = []
    for (const entry of waiting) {
      const { base } = entry.head
      let from = typeof base === 'number' ? byOffset.get(base)?.object : byId.get(base!)?.object
      if (!from && typeof base === 'string') {
        from = store.find(base)
        if (from) borrowed.set(base, from)
      }
      if (from) named(entry, { type: from.type, content: applyDelta(from.content, entry.data) })
      else later.push(entry)
      await clock.breathe()
    }
    if (later.length === waiting.length) throw fatal(`pack has ${later.length} unresolved delta${later.length === 1 ? '' : 's'}`)
    waiting = later
  }
  const parts: Uint8Array[] = [received.subarray(0, -20)]
  const rows = entries.map((entry) => ({ id: entry.id!, offset: entry.offset, crc: crc32(received.subarray(entry.offset, entry.end)) }))
  let length = received.length - 20
  for (const [id, object] of borrowed) {
    const packed = packEntry(object)
    rows.push({ id, offset: length, crc: crc32(packed) })
    parts.push(packed)
    length += packed.length
  }
  let pack = received
  if (borrowed.size > 0) {
    const body = concatBytes(parts)
    new DataView(body.buffer).setUint32(8, rows.length)
    pack = concatBytes([body, hexBytes(sha1(body))])
  }
  const checksum = pack.subarray(-20)
  const folder = `${store.directory}/pack`
  if (!fs.exists(folder)) fs.mkdir(folder, { recursive: true })
  const path = `${folder}/pack-${hexText(checksum)}`
  fs.writeFile(`${path}.pack`, pack, { mode: 0o444 })
  fs.writeFile(`${path}.idx`, packIndex(rows, checksum), { mode: 0o444 })
  store.forgetPacks()
  return { objects: count, deltas }
}

function packIndex(rows: { id: string; offset: number; crc: number }[], checksum: Uint8Array): Uint8Array {
  rows.sort((a, b) => a.id < b.id ? -1 : 1)
  const bytes = new Uint8Array(8 + 1024 + rows.length * 28 + 40)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 0xff744f63)
  view.setUint32(4, 2)
  let count = 0
  for (let first = 0; first < 256; first++) {
    while (count < rows.length && Number.parseInt(rows[count]!.id.slice(0, 2), 16) <= first) count++
    view.setUint32(8 + first * 4, count)
  }
  rows.forEach(({ id, offset, crc }, i) => {
    bytes.set(hexBytes(id), 1032 + i * 20)
    view.setUint32(1032 + rows.length * 20 + i * 4, crc)
    view.setUint32(1032 + rows.length * 24 + i * 4, offset)
  })
  bytes.set(checksum, bytes.length - 40)
  bytes.set(hexBytes(sha1(bytes.subarray(0, -20))), bytes.length - 20)
  return bytes
}

function packEntry({ type, content }: GitObject): Uint8Array {
  const head: number[] = []
  let size = Math.floor(content.length / 16)
  let byte = (TYPES.indexOf(type) << 4) | (content.length & 15)
  while (size > 0) {
    head.push(byte | 0x80)
    byte = size & 0x7f
    size = Math.floor(size / 128)
  }
  head.push(byte)
  return concatBytes([Uint8Array.from(head), deflate(content)])
}

/** A pack of whole objects, none of them as a delta. */
export async function buildPack(store: ObjectStore, ids: readonly string[], clock: Clock): Promise<Uint8Array> {
  const head = new Uint8Array(12)
  const view = new DataView(head.buffer)
  view.setUint32(0, 0x5041434b)
  view.setUint32(4, 2)
  view.setUint32(8, ids.length)
  const parts: Uint8Array[] = [head]
  for (const id of ids) {
    parts.push(packEntry(store.read(id)))
    await clock.breathe()
  }
  const body = concatBytes(parts)
  return concatBytes([body, hexBytes(sha1(body))])
}
