import { UnixError } from '../../../unix/types.ts'
import type { FileSystem } from '../../../unix/types.ts'

/**
 * How a database cluster's files are kept in its data directory: the files as initdb made them, packed, and a log of what became of them since.
 * The engine writes pages of 8 KiB all over big files; here a change costs what it is big, and is there as a whole or not at all.
 */

/** One change of the engine's files; paths begin at the data directory: `/base/5/1259`. */
export type FileChange =
  | { kind: 'remove'; path: string }
  | { kind: 'mkdir'; path: string }
  /** `chunks` lie anywhere in the file; `whole`: there is nothing else in it. */
  | { kind: 'write'; path: string; size: number; whole: boolean; chunks: readonly { at: number; data: Uint8Array }[] }
  /** The file begins as another one of the packed files. */
  | { kind: 'copy'; path: string; from: string }

/** Files and directories (null) by path. */
export type ClusterTree = Map<string, Uint8Array | null>

const MAGIC = 0x50474c31
const HEADER_BYTES = 16
/** A segment that has so many bytes is followed by another one: small files are written out fast. */
const SEGMENT_BYTES = 128 * 1024
const BLOCK = 64
const ZEROS = 0x8000_0000
const RESET = 1
const PAGE = 8192

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A growing run of bytes. */
class Bytes {
  #data = new Uint8Array(4096)
  #view = new DataView(this.#data.buffer)
  length = 0

  #room(count: number): void {
    if (this.length + count <= this.#data.length) return
    const grown = new Uint8Array(Math.max(this.#data.length * 2, this.length + count))
    grown.set(this.#data)
    this.#data = grown
    this.#view = new DataView(grown.buffer)
  }

  u8(value: number): void { this.#room(1); this.#data[this.length++] = value }
  u32(value: number): void { this.#room(4); this.#view.setUint32(this.length, value); this.length += 4 }
  setU32(at: number, value: number): void { this.#view.setUint32(at, value) }
  bytes(data: Uint8Array): void { this.#room(data.length); this.#data.set(data, this.length); this.length += data.length }
  text(text: string): void { const data = encoder.encode(text); this.u32(data.length); this.bytes(data) }
  get data(): Uint8Array { return this.#data.subarray(0, this.length) }
}

/** Adler-32's sum: tells a group that was written by half. */
function checksum(data: Uint8Array): number {
  let a = 1
  let b = 0
  for (let i = 0; i < data.length;) {
    for (const end = Math.min(data.length, i + 3800); i < end; i++) { a += data[i]!; b += a }
    a %= 65_521
    b %= 65_521
  }
  return (b * 65_536 + a) >>> 0
}

function isZero(data: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (data[i] !== 0) return false
  return true
}

/** Writes a chunk as runs of bytes and runs of zeros, of which pages are full. Returns how many. */
function writeRuns(out: Bytes, at: number, data: Uint8Array): number {
  let runs = 0
  for (let start = 0; start < data.length;) {
    const zero = isZero(data, start, Math.min(start + BLOCK, data.length))
    let end = start
    while (end < data.length && isZero(data, end, Math.min(end + BLOCK, data.length)) === zero) end = Math.min(end + BLOCK, data.length)
    out.u32(at + start)
    out.u32(zero ? (end - start) + ZEROS : end - start)
    if (!zero) out.bytes(data.subarray(start, end))
    runs++
    start = end
  }
  return runs
}

const KINDS = ['remove', 'mkdir', 'write', 'copy'] as const

/** A group of changes that happen together. */
export function encodeGroup(changes: Iterable<FileChange>, options: { reset?: boolean } = {}): Uint8Array {
  const out = new Bytes()
  for (let i = 0; i < HEADER_BYTES; i++) out.u8(0)
  for (const change of changes) {
    out.u8(KINDS.indexOf(change.kind))
    out.text(change.path)
    if (change.kind === 'copy') out.text(change.from)
    if (change.kind !== 'write') continue
    out.u32(change.size)
    out.u8(change.whole ? 1 : 0)
    const countAt = out.length
    out.u32(0)
    let runs = 0
    for (const { at, data } of change.chunks) runs += writeRuns(out, at, data)
    out.setU32(countAt, runs)
  }
  out.setU32(0, MAGIC)
  out.setU32(4, out.length - HEADER_BYTES)
  out.setU32(8, checksum(out.data.subarray(HEADER_BYTES)))
  out.setU32(12, options.reset ? RESET : 0)
  return out.data
}

/** Carries the groups of a segment out. Ends at one that isn't whole. @returns the bytes of those that are */
function replay(segment: Uint8Array, tree: ClusterTree, own: Set<string>, packed: ClusterTree, onReset: (bytes: number) => void): number {
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength)
  let at = 0
  while (at < segment.length) {
    if (segment.length - at < HEADER_BYTES || view.getUint32(at) !== MAGIC) return at
    const length = view.getUint32(at + 4)
    const start = at + HEADER_BYTES
    const end = start + length
    if (end > segment.length || checksum(segment.subarray(start, end)) !== view.getUint32(at + 8)) return at
    if (view.getUint32(at + 12) === RESET) {
      onReset(HEADER_BYTES + length)
      tree.clear()
      own.clear()
      for (const [path, data] of packed) tree.set(path, data)
    }
    at = start
    const text = () => { const size = view.getUint32(at); at += 4 + size; return decoder.decode(segment.subarray(at - size, at)) }
    while (at < end) {
      const kind = KINDS[segment[at++]!]!
      const path = text()
      if (kind === 'mkdir') tree.set(path, null)
      else if (kind === 'copy') { tree.set(path, packed.get(text())!); own.delete(path) }
      else if (kind === 'remove') { for (const each of [...tree.keys()]) if (each === path || each.startsWith(`${path}/`)) { tree.delete(each); own.delete(each) } } else {
        const size = view.getUint32(at)
        const whole = segment[at + 4] === 1
        let runs = view.getUint32(at + 5)
        at += 9
        const old = tree.get(path)
        let data = whole || !old ? new Uint8Array(size) : old
        if (!whole && old && (!own.has(path) || old.length !== size)) {
          data = new Uint8Array(size)
          data.set(old.subarray(0, size))
        }
        for (; runs > 0; runs--) {
          const position = view.getUint32(at)
          const count = view.getUint32(at + 4)
          at += 8
          if (count >= ZEROS) { data.fill(0, position, position + count - ZEROS); continue }
          data.set(segment.subarray(at, at + count), position)
          at += count
        }
        tree.set(path, data)
        own.add(path)
      }
    }
  }
  return at
}

/** The log of a cluster's changes: files named as those of the write-ahead log, in which it takes part. */
export class PageLog {
  readonly #fs: FileSystem
  readonly #directory: string
  #number = 0
  #segmentBytes = 0
  /** Of all segments. */
  bytes = 0
  /** What of them tells the state that the log begins with. */
  #stateBytes = 0

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs
    this.#directory = directory
  }

  #path(number: number): string { return `${this.#directory}/00000001${number.toString(16).toUpperCase().padStart(16, '0')}` }

  #segments(): number[] {
    return this.#fs.readdir(this.#directory).filter((name) => /^00000001[0-9A-F]{16}$/.test(name)).map((name) => parseInt(name.slice(8), 16)).sort((a, b) => a - b)
  }

  /** The files as they are after all that was logged. What follows a group that was written by half is forgotten. */
  load(packed: ClusterTree): ClusterTree {
    const tree: ClusterTree = new Map(packed)
    const own = new Set<string>()
    let whole = true
    for (const number of this.#segments()) {
      if (!whole) { this.#fs.remove(this.#path(number)); continue }
      const segment = this.#fs.readFile(this.#path(number))
      const length = replay(segment, tree, own, packed, (bytes) => { this.#stateBytes = bytes })
      whole = length === segment.length
      // What is left of a group must not stand before the next one.
      if (!whole) this.#fs.writeFile(this.#path(number), segment.slice(0, length))
      this.#number = number
      this.bytes += length
      this.#segmentBytes = length
    }
    return tree
  }

  /** Adds a group: it is there when this returns. @throws UnixError ENOSPC */
  append(group: Uint8Array): void {
    if (this.#number === 0 || this.#segmentBytes + group.length > SEGMENT_BYTES) { this.#number++; this.#segmentBytes = 0 }
    this.#fs.writeFile(this.#path(this.#number), group, { mode: 0o600, append: this.#segmentBytes > 0 })
    this.#segmentBytes += group.length
    this.bytes += group.length
  }

  /** Puts a description of the whole state in the place of everything so far. */
  replace(group: Uint8Array): void {
    const old = this.#segments()
    this.#segmentBytes = SEGMENT_BYTES
    this.append(group)
    for (const number of old) try { this.#fs.remove(this.#path(number)) } catch (error) { if (!(error instanceof UnixError)) throw error }
    this.bytes = group.length
    this.#stateBytes = group.length
  }

  /** Whether telling the state anew is worth its cost, which grows with the state: more than `limitBytes` and more than the state itself came after it. */
  hasGrown(limitBytes: number): boolean { return this.bytes - this.#stateBytes > Math.max(limitBytes, this.#stateBytes) }
}

/** What makes one state of the other: databases begin as template1, so that their files are told as its copies. */
export function* differences(packed: ClusterTree, now: ClusterTree): Generator<FileChange> {
  for (const path of packed.keys()) if (!now.has(path)) yield { kind: 'remove', path }
  for (const [path, data] of now) {
    if (data === null) { if (!packed.has(path)) yield { kind: 'mkdir', path }; continue }
    let before = packed.get(path)
    if (!before) {
      const twin = path.replace(/^\/base\/\d+\//, '/base/1/')
      before = twin === path ? undefined : packed.get(twin)
      if (before) yield { kind: 'copy', path, from: twin }
    }
    if (!before) { yield { kind: 'write', path, size: data.length, whole: true, chunks: [{ at: 0, data }] }; continue }
    const chunks: { at: number; data: Uint8Array }[] = []
    for (let at = 0; at < data.length; at += PAGE) {
      const end = Math.min(at + PAGE, data.length)
      let same = end <= before.length
      for (let i = at; same && i < end; i++) same = data[i] === before[i]
      if (!same) chunks.push({ at, data: data.subarray(at, end) })
    }
    if (chunks.length > 0 || data.length !== before.length) yield { kind: 'write', path, size: data.length, whole: false, chunks }
  }
}
