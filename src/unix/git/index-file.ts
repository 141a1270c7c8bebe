import { concatBytes } from '../../base/streams.ts'
import type { FileStat, FileSystem } from '../types.ts'
import { byteOrder, decodeText, encodeText, hexBytes, hexText } from './bytes.ts'
import { fatal } from './failure.ts'
import { sha1 } from './sha1.ts'

/** One path of the index. Stages 1 to 3 are the sides of a merge that isn't settled: base, ours, theirs. */
export interface IndexEntry {
  path: string
  mode: number
  id: string
  stage: 0 | 1 | 2 | 3
  /** What the file was like when its content was last known to be this. */
  stat?: { sizeBytes: number; modifiedMs: number; inode: number; uid: number; gid: number }
  /** `git add -N`: known, but without content. */
  intent?: boolean
}

export const statOf = ({ sizeBytes, modifiedMs, inode, uid, gid }: FileStat): NonNullable<IndexEntry['stat']> => ({ sizeBytes, modifiedMs, inode, uid, gid })

/** The staging area: what the next commit will hold. */
export class Index {
  readonly #fs: FileSystem
  readonly path: string
  #entries = new Map<string, IndexEntry>()
  /** When the file was written: what changed at that moment or later may have changed unseen. */
  readonly writtenMs: number

  constructor(fs: FileSystem, path: string) {
    this.#fs = fs
    this.path = path
    const there = fs.exists(path)
    this.writtenMs = there ? fs.stat(path).modifiedMs : 0
    if (there) for (const entry of parseIndex(fs.readFile(path))) this.#entries.set(keyOf(entry.path, entry.stage), entry)
  }

  /** In order of path and stage. */
  entries(): IndexEntry[] {
    return [...this.#entries.values()].sort((a, b) => byteOrder(a.path, b.path) || a.stage - b.stage)
  }

  get(path: string, stage: IndexEntry['stage'] = 0): IndexEntry | undefined {
    return this.#entries.get(keyOf(path, stage))
  }

  /** Whether any stage of a path is there. */
  has(path: string): boolean {
    return ([0, 1, 2, 3] as const).some((stage) => this.#entries.has(keyOf(path, stage)))
  }

  isUnmerged(path: string): boolean {
    return ([1, 2, 3] as const).some((stage) => this.#entries.has(keyOf(path, stage)))
  }

  /** Paths of merges that aren't settled. */
  unmerged(): string[] {
    return [...new Set([...this.#entries.values()].filter((entry) => entry.stage > 0).map((entry) => entry.path))].sort(byteOrder)
  }

  /** Settles a path, or with a stage adds a side. What was a folder or file in its way goes. */
  set(entry: IndexEntry): void {
    if (entry.stage === 0) {
      for (const stage of [1, 2, 3] as const) this.#entries.delete(keyOf(entry.path, stage))
      if (!this.#entries.has(keyOf(entry.path, 0))) this.#clearWay(entry.path)
    }
    this.#entries.set(keyOf(entry.path, entry.stage), entry)
  }

  #clearWay(path: string): void {
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) this.#entries.delete(keyOf(path.slice(0, slash), 0))
    if (this.#folders === undefined) return
    if (!this.#folderNames) {
      this.#folderNames = new Set()
      for (const entry of this.#entries.values()) this.#rememberFolders(entry.path)
    }
    this.#rememberFolders(path)
    if (!this.#folderNames.has(path)) return
    for (const [key, entry] of this.#entries) if (entry.path.startsWith(`${path}/`)) this.#entries.delete(key)
  }

  /** Folders in which there is or was something. */
  #folderNames: Set<string> | undefined
  #rememberFolders(path: string): void {
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) this.#folderNames?.add(path.slice(0, slash))
  }

  #folders: true | undefined
  /** From now on a file that is added takes the place of the folder of its name. */
  replacesFolders(): void {
    this.#folders = true
  }

  remove(path: string): void {
    for (const stage of [0, 1, 2, 3] as const) this.#entries.delete(keyOf(path, stage))
  }

  clear(): void {
    this.#entries.clear()
  }

  write(): void {
    this.#fs.writeFile(this.path, formatIndex(this.entries()))
  }
}

const keyOf = (path: string, stage: number) => `${stage}${path}`

function parseIndex(bytes: Uint8Array): IndexEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.getUint32(0) !== 0x44495243) throw fatal('bad signature')
  const version = view.getUint32(4)
  if (version !== 2 && version !== 3) throw fatal(`index uses version ${version}, which we do not understand`)
  const entries: IndexEntry[] = []
  let at = 12
  for (let i = 0; i < view.getUint32(8); i++) {
    const flags = view.getUint16(at + 60)
    const extended = (flags & 0x4000) !== 0
    const nameAt = at + (extended ? 64 : 62)
    const end = bytes.indexOf(0, nameAt)
    entries.push({
      path: decodeText(bytes.subarray(nameAt, end)), mode: view.getUint32(at + 24), id: hexText(bytes.subarray(at + 40, at + 60)), stage: ((flags >> 12) & 3) as IndexEntry['stage'],
      stat: { modifiedMs: view.getUint32(at + 8) * 1000 + view.getUint32(at + 12) / 1e6, inode: view.getUint32(at + 20), uid: view.getUint32(at + 28), gid: view.getUint32(at + 32), sizeBytes: view.getUint32(at + 36) },
      ...(extended && view.getUint16(at + 62) & 0x2000 ? { intent: true } : {}),
    })
    at += Math.ceil((end - at + 1) / 8) * 8
  }
  return entries
}

function formatIndex(entries: readonly IndexEntry[]): Uint8Array {
  const head = new Uint8Array(12)
  const headView = new DataView(head.buffer)
  headView.setUint32(0, 0x44495243)
  headView.setUint32(4, entries.some((entry) => entry.intent) ? 3 : 2)
  headView.setUint32(8, entries.length)
  const parts = [head]
  for (const { path, mode, id, stage, stat, intent } of entries) {
    const name = encodeText(path)
    const fixed = intent ? 64 : 62
    const bytes = new Uint8Array(Math.ceil((fixed + name.length + 1) / 8) * 8)
    const view = new DataView(bytes.buffer)
    if (stat) {
      for (const offset of [0, 8]) {
        view.setUint32(offset, Math.floor(stat.modifiedMs / 1000))
        view.setUint32(offset + 4, Math.round((stat.modifiedMs % 1000) * 1e6))
      }
      view.setUint32(20, stat.inode)
      view.setUint32(28, stat.uid)
      view.setUint32(32, stat.gid)
      view.setUint32(36, stat.sizeBytes)
    }
    view.setUint32(24, mode)
    bytes.set(hexBytes(id), 40)
    view.setUint16(60, (stage << 12) | Math.min(name.length, 0xfff) | (intent ? 0x4000 : 0))
    if (intent) view.setUint16(62, 0x2000)
    bytes.set(name, fixed)
    parts.push(bytes)
  }
  const body = concatBytes(parts)
  return concatBytes([body, hexBytes(sha1(body))])
}
