import type { Clock } from '../../base/clock.ts'
import { errno } from '../errno.ts'
import { openBlockDevice } from './block-device.ts'
import type { BlockDevice } from './block-device.ts'
import { programMode } from '../set-user-id.ts'
import type { FileSystem, FileType, OpenFile, Program, Tty, User } from '../types.ts'
import type { ByteReader, ByteWriter } from '../../base/streams.ts'

/** The process that looks at files, for /proc/self and /dev/stdout. */
export interface FileViewer {
  pid: number
  stdin: ByteReader
  stdout: ByteWriter
  stderr: ByteWriter
  /** Its terminal. */
  tty: Pick<Tty, 'stdin' | 'stdout'> | undefined
  /** What it may do beyond its user's rights. */
  capabilities: bigint
}

/** Opens a device or a pipe. */
export type OpenDevice = (flags: 'r' | 'w' | 'a' | 'r+', viewer: FileViewer | undefined) => OpenFile

/** Contents made on the spot: /proc. */
export interface Synthetic {
  text?(viewer: FileViewer | undefined): string
  /** Takes what is written; without it nothing can be. @throws UnixError */
  write?(text: string): void
  target?(viewer: FileViewer | undefined): string
  /** A link that leads to the root of other files, as /proc/PID/root does; undefined: {@link target} says where it leads. */
  root?(user: Pick<User, 'uid'> | undefined, viewer: FileViewer | undefined): FileSystem | 'denied' | undefined
  /** The process whose namespace a link of /proc/PID/ns names. */
  process?: object
  names?(viewer: FileViewer | undefined): string[]
  entry?(name: string, viewer: FileViewer | undefined): Inode | undefined
}

/** A file, directory, link or device. Inodes of a lower layer are shared and never changed. */
export interface Inode {
  readonly tree: Tree
  readonly number: number
  type: FileType
  mode: number
  uid: number
  gid: number
  modifiedMs: number
  accessedMs: number
  changedMs: number
  links: number
  /** Bytes of a file; only the first {@link sizeBytes} count, and where there are fewer the rest is a hole of zeros. */
  content?: Uint8Array
  sizeBytes: number
  /** Somebody was handed a view of `content`: overwriting has to copy first. */
  shared?: boolean
  /** Entries of a directory, by name; null hides an entry of the lower layer. */
  entries?: Map<string, Inode | null>
  /** The directory of the layer below that this one is merged with. */
  lower?: Inode
  target?: string
  program?: Program
  device?: OpenDevice
  /** What a block device is. */
  block?: BlockDevice
  synthetic?: Synthetic
}

/** What a new tree may contain. */
export type InitialFile =
  | string | Uint8Array
  | { content: string | Uint8Array; mode?: number; uid?: number; gid?: number }
  | { link: string }
  | { directory: true; mode?: number; uid?: number; gid?: number }
  | { program: Program; mode?: number }

/** A change listener of {@link Tree}: paths are those inside the tree. */
export interface TreeWatcher {
  path: string
  listener: (path: string) => void
}

const encoder = new TextEncoder()
const EMPTY = new Uint8Array(0)

/** One layer of files with its own inodes, size and listeners; possibly on top of another layer. */
export class Tree {
  readonly clock: Pick<Clock, 'nowMs'>
  readonly root: Inode
  sizeLimitBytes: number
  readOnly: boolean
  usedBytes = 0
  #lastInode = 1
  #watchers: Set<TreeWatcher> | undefined

  constructor(clock: Pick<Clock, 'nowMs'>, options: { lower?: Inode; readOnly?: boolean; sizeLimitBytes?: number } = {}) {
    this.clock = clock
    this.readOnly = options.readOnly ?? false
    this.sizeLimitBytes = options.sizeLimitBytes ?? Infinity
    this.root = options.lower ? this.copyUp(options.lower) : this.create('directory', 0o755)
  }

  create(type: FileType, mode: number, uid = 0, gid = 0): Inode {
    const now = this.clock.nowMs()
    const inode: Inode = { tree: this, number: ++this.#lastInode, type, mode, uid, gid, modifiedMs: now, accessedMs: now, changedMs: now, links: 1, sizeBytes: 0 }
    if (type === 'directory') { inode.entries = new Map(); inode.links = 2 }
    return inode
  }

  /** A file that opens a block device. */
  createDevice(device: BlockDevice, mode: number): Inode {
    return Object.assign(this.create('block', mode), { block: device, device: ((flags) => openBlockDevice(device, flags)) satisfies OpenDevice })
  }

  /** An inode of this layer that stands for one of the layer below. */
  copyUp(from: Inode): Inode {
    const { type, mode, uid, gid, modifiedMs, accessedMs, changedMs, links, sizeBytes } = from
    const inode: Inode = { tree: this, number: ++this.#lastInode, type, mode, uid, gid, modifiedMs, accessedMs, changedMs, links, sizeBytes }
    if (type === 'directory') { inode.entries = new Map(); inode.lower = from }
    if (from.content) { inode.content = from.content.subarray(0, sizeBytes); inode.shared = true; this.usedBytes += sizeBytes }
    if (from.target !== undefined) inode.target = from.target
    if (from.program) inode.program = from.program
    if (from.device) inode.device = from.device
    if (from.block) inode.block = from.block
    if (from.synthetic) inode.synthetic = from.synthetic
    return inode
  }

  /** Replaces the content. @throws UnixError ENOSPC */
  setContent(inode: Inode, data: Uint8Array): void {
    this.#account(data.length - inode.sizeBytes)
    inode.content = data
    inode.shared = true
    inode.sizeBytes = data.length
    delete inode.program
    inode.modifiedMs = inode.changedMs = this.clock.nowMs()
  }

  /** Writes at a position, growing the file as needed. @throws UnixError ENOSPC */
  writeAt(inode: Inode, position: number, data: Uint8Array): void {
    const end = position + data.length
    const oldSize = inode.sizeBytes
    if (end > oldSize) this.#account(end - oldSize)
    let content = inode.content ?? EMPTY
    const overwrites = position < oldSize
    const solid = Math.min(content.length, oldSize)
    if (end > content.length || (inode.shared && overwrites) || (inode.shared && content.length === oldSize)) {
      const grown = new Uint8Array(end <= solid ? solid : Math.max(end, end > content.length ? Math.min(content.length * 2, end + 1_048_576) : content.length))
      grown.set(content.subarray(0, solid))
      inode.content = content = grown
      inode.shared = false
    }
    content.set(data, position)
    inode.sizeBytes = Math.max(oldSize, end)
    delete inode.program
    inode.modifiedMs = inode.changedMs = this.clock.nowMs()
  }

  /** Makes a file longer, by zeros that take no memory, or shorter. @throws UnixError ENOSPC */
  resize(inode: Inode, sizeBytes: number): void {
    this.#account(sizeBytes - inode.sizeBytes)
    // What lies behind the end must not come back when the file grows again.
    if (inode.content && inode.content.length > Math.min(sizeBytes, inode.sizeBytes)) {
      inode.content = inode.content.subarray(0, Math.min(sizeBytes, inode.sizeBytes))
      inode.shared = true
    }
    inode.sizeBytes = sizeBytes
    delete inode.program
    inode.modifiedMs = inode.changedMs = this.clock.nowMs()
  }

  /** Called when a name of the inode goes. */
  dropLink(inode: Inode): void {
    if (inode.tree !== this) return
    inode.links -= 1
    if (inode.type === 'file' && inode.links <= 0) this.usedBytes -= inode.sizeBytes
    if (inode.type === 'directory') for (const child of inode.entries!.values()) if (child) this.dropLink(child)
  }

  #account(growth: number): void {
    if (growth > 0 && this.usedBytes + growth > this.sizeLimitBytes) throw errno('ENOSPC')
    this.usedBytes += growth
  }

  watch(watcher: TreeWatcher): () => void {
    this.#watchers ??= new Set()
    this.#watchers.add(watcher)
    return () => { this.#watchers?.delete(watcher) }
  }

  /** Tells listeners of the path and of its parents. */
  changed(path: string): void {
    if (!this.#watchers?.size) return
    for (const watcher of [...this.#watchers])
      if (watcher.path === '/' || path === watcher.path || path.startsWith(watcher.path + '/')) watcher.listener(path)
  }
}

/** A directory's entry, wherever its layer is. */
export function childOf(directory: Inode, name: string, viewer?: FileViewer): Inode | undefined {
  for (let at: Inode | undefined = directory; at; at = at.lower) {
    if (at.synthetic?.entry) {
      const found = at.synthetic.entry(name, viewer)
      if (found) return found
    }
    const child = at.entries?.get(name)
    if (child === null) return undefined
    if (child) return child
  }
  return undefined
}

/** Names of a directory over all its layers, sorted. */
export function namesOf(directory: Inode, viewer?: FileViewer): string[] {
  const names = new Set<string>()
  const hidden = new Set<string>()
  for (let at: Inode | undefined = directory; at; at = at.lower) {
    for (const name of at.synthetic?.names?.(viewer) ?? []) names.add(name)
    for (const [name, child] of at.entries ?? []) {
      if (child === null) hidden.add(name)
      else if (!hidden.has(name)) names.add(name)
    }
  }
  return [...names].sort((a, b) => a < b ? -1 : a > b ? 1 : 0)
}

/** Fills a tree with files given by absolute path; missing parents are made with mode 755. */
export function populate(tree: Tree, files: Readonly<Record<string, InitialFile>>): void {
  for (const [path, file] of Object.entries(files)) {
    const parts = path.split('/').filter(Boolean)
    const name = parts.pop()
    let directory = tree.root
    for (const part of parts) {
      let next = childOf(directory, part)
      if (next?.tree !== tree) {
        next = next ? tree.copyUp(next) : tree.create('directory', 0o755)
        directory.entries!.set(part, next)
      }
      directory = next
    }
    if (name === undefined) { if (typeof file === 'object' && 'directory' in file) applyOwner(tree.root, file); continue }
    directory.entries!.set(name, initialInode(tree, file, childOf(directory, name)))
  }
}

function initialInode(tree: Tree, file: InitialFile, existing: Inode | undefined): Inode {
  if (typeof file === 'string' || file instanceof Uint8Array) file = { content: file }
  if ('link' in file) return Object.assign(tree.create('symlink', 0o777), { target: file.link, sizeBytes: file.link.length })
  if ('directory' in file) {
    const directory = existing?.type === 'directory' ? existing.tree === tree ? existing : tree.copyUp(existing) : tree.create('directory', 0o755)
    applyOwner(directory, file)
    return directory
  }
  if ('program' in file) return Object.assign(tree.create('file', file.mode ?? programMode(file.program)), { program: file.program, sizeBytes: 0 })
  const content = typeof file.content === 'string' ? encoder.encode(file.content) : file.content
  const inode = tree.create('file', file.mode ?? 0o644, file.uid, file.gid)
  inode.content = content
  inode.shared = true
  inode.sizeBytes = content.length
  tree.usedBytes += content.length
  return inode
}

function applyOwner(inode: Inode, file: { mode?: number; uid?: number; gid?: number }): void {
  if (file.mode !== undefined) inode.mode = file.mode
  if (file.uid !== undefined) inode.uid = file.uid
  if (file.gid !== undefined) inode.gid = file.gid
}
