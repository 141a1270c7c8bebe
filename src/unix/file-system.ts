import type { Clock } from '../base/clock.ts'
import { createPipe } from '../base/streams.ts'
import { ALL_FILE_RIGHTS, FileRight } from './capabilities.ts'
import type { FileAccess, FileCall, FileGuard } from './confinement.ts'
import { errno } from './errno.ts'
import { resolvePath } from './path.ts'
import { programMode } from './set-user-id.ts'
import { UnixError } from './types.ts'
import type { FileStat, MountableFileSystem, OpenFile, Program, User } from './types.ts'
import type { BlockDevice } from './fs/block-device.ts'
import { Tree, childOf, namesOf, populate } from './fs/tree.ts'
import type { FileViewer, InitialFile, Inode } from './fs/tree.ts'

export type { InitialFile } from './fs/tree.ts'

export interface MemoryFileSystemOptions {
  clock: Pick<Clock, 'nowMs'>
  files?: Readonly<Record<string, InitialFile>>
  readOnly?: boolean
  /** Writes beyond it fail with ENOSPC. */
  sizeLimitBytes?: number
}

/** An empty file system in memory, or one with the given files. */
export function createMemoryFileSystem(options: MemoryFileSystemOptions): MemoryFileSystem {
  const tree = new Tree(options.clock, { sizeLimitBytes: options.sizeLimitBytes, readOnly: options.readOnly })
  if (options.files) populate(tree, options.files)
  return new MemoryFileSystem({ root: tree, mounts: new Map() })
}

/**
 * A layer on top of another tree: reads fall through, changes stay in the layer, so a thousand containers share one image.
 * The lower tree must not change any more.
 */
export function createOverlay(lower: MountableFileSystem, clock: Pick<Clock, 'nowMs'>, options: { readOnly?: boolean; files?: Readonly<Record<string, InitialFile>>; sizeLimitBytes?: number } = {}): MemoryFileSystem {
  if (!(lower instanceof MemoryFileSystem)) throw new TypeError('only memory file systems can be overlaid')
  const tree = new Tree(clock, { lower: lower.space.root.root, readOnly: options.readOnly, sizeLimitBytes: options.sizeLimitBytes })
  if (options.files) populate(tree, options.files)
  return new MemoryFileSystem({ root: tree, mounts: new Map() })
}

/** A view of another view's files with mounts of its own: what a mount namespace is. `follows`: what is mounted in the other view is mounted here too. */
export function withOwnMounts(files: MountableFileSystem, options: { follows?: boolean } = {}): MemoryFileSystem {
  if (!(files instanceof MemoryFileSystem)) throw new TypeError('only memory file systems can be shared')
  const space: MountSpace = { root: files.space.root, mounts: options.follows ? new Map(files.space.mounts) : new Map() }
  if (options.follows) (files.space.followers ??= new Set()).add(space)
  return new MemoryFileSystem(space)
}

interface Mount {
  tree: () => Tree
  /** The inode that covers the mount point. */
  inode: () => Inode
  treePath: string
  readOnly: boolean
  source: string
  type: string
  /** Lies on another machine: where it leads is asked each time. */
  remote?: RemoteDirectory
  /** The view whose mounts are these as well (shared propagation), and the path of this mount there. */
  shared?: { space: MountSpace; path: string }
}

/** A directory of another machine, as a network file system shows it. */
export interface RemoteDirectory {
  /** Where it is now. @throws UnixError EIO while nobody serves it, ESTALE when it is gone */
  locate(): RemoteLocation
  /** Whom the server takes a user for. */
  userOf(user: Pick<User, 'uid' | 'gid' | 'groups'> | undefined): Pick<User, 'uid' | 'gid' | 'groups'> | undefined
}

export interface RemoteLocation {
  tree: Tree
  inode: Inode
  treePath: string
}

/** The files of a directory on another machine, to be mounted. */
export function createRemoteFileSystem(clock: Pick<Clock, 'nowMs'>, remote: RemoteDirectory, options: { readOnly: boolean; source: string; type: string }): MemoryFileSystem {
  const mount: Mount = { tree: () => remote.locate().tree, inode: () => remote.locate().inode, treePath: '/', ...options, remote }
  return new MemoryFileSystem({ root: new Tree(clock, {}), mounts: new Map([['/', mount]]) })
}

/** A root tree with what is mounted in it: shared by all views of one machine. */
interface MountSpace {
  root: Tree
  /** By absolute, resolved path. */
  mounts: Map<string, Mount>
  /** Views that show what is mounted here. */
  followers?: Set<MountSpace>
  /** The view in which everything that is mounted here from now on is mounted too. */
  peer?: MountSpace
  /** Places of other views that show what is mounted below one of these. They hold no view that nobody uses any more. */
  receivers?: { from: string; space: WeakRef<MountSpace>; to: string }[]
}

/** How files are mounted. */
export interface MountOptions {
  readOnly?: boolean
  subPath?: string
  source?: string
  type?: string
  /** With what is mounted in them. */
  recursive?: boolean
  /** What is mounted below later is mounted in those files too (shared propagation). */
  shared?: boolean
  /** What is mounted in those files later is mounted here too (slave and shared propagation). */
  receives?: boolean
}

/** One step of a walk. */
interface Frame {
  inode: Inode
  tree: Tree
  treePath: string
  path: string
  name: string
  readOnly: boolean
  /** Who it is for those files: a server may take users for others. */
  user: Viewing
  /** The mount that it is in, if that leads to another machine. */
  remote: Mount | undefined
}

type Viewing = Pick<User, 'uid' | 'gid' | 'groups'> | undefined

/** Where a path leads: the frames of its directories and the last name, which may not exist. */
interface Place {
  directories: Frame[]
  name: string
  path: string
  treePath: string
  tree: Tree
  readOnly: boolean
  inode: Inode | undefined
  user: Viewing
  remote: Mount | undefined
  /** The path ends at a mount point or the root. */
  isMountPoint: boolean
}

/** Whether nothing follows that names anything. */
function isRest(parts: readonly string[]): boolean {
  for (let i = parts.length - 1; i >= 0; i--) if (parts[i] !== '' && parts[i] !== '.') return false
  return true
}

const ROOT = { uid: 0, gid: 0, groups: [] }
const MAX_LINKS = 40
const CHUNK_BYTES = 65_536
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Who answers at which socket. */
const socketServers = new WeakMap<Inode, object>()

/** The place itself and those in other views that show what is mounted there. */
function peersOf(space: MountSpace, at: string): { space: MountSpace; path: string }[] {
  const out = [{ space, path: at }]
  for (const place of out) {
    const shared = sharedAbove(place.space, place.path)
    const alike = [...(place.space.peer ? [place.space.peer] : []), ...place.space.followers ?? []].map((each) => ({ space: each, path: place.path }))
    for (const next of [...(shared ? [shared] : []), ...alike, ...receiversOf(place)])
      if (!out.some((each) => each.space === next.space)) out.push(next)
  }
  return out
}

/** Where mounts show a place that lies below what they are mounts of. */
function receiversOf({ space, path }: { space: MountSpace; path: string }): { space: MountSpace; path: string }[] {
  return (space.receivers ?? []).flatMap(({ from, space: view, to }) => {
    const receiver = path.startsWith(from === '/' ? '/' : `${from}/`) ? view.deref() : undefined
    return receiver ? [{ space: receiver, path: join(to, path.slice(from === '/' ? 1 : from.length + 1)) }] : []
  })
}

/** Where a place below a shared mount is in the view that it is shared with. */
function sharedAbove({ mounts }: MountSpace, at: string): { space: MountSpace; path: string } | undefined {
  for (let end = at.lastIndexOf('/'); end > 0; end = at.lastIndexOf('/', end - 1)) {
    const mount = mounts.get(at.slice(0, end))
    if (mount) return mount.shared && { space: mount.shared.space, path: join(mount.shared.path, at.slice(end + 1)) }
  }
  return undefined
}

/** The mount that a place is in; undefined in the root. */
function mountOver({ mounts }: MountSpace, at: string): Mount | undefined {
  for (let path = at; path !== ''; path = path.slice(0, path.lastIndexOf('/'))) {
    const mount = mounts.get(path)
    if (mount) return mount
  }
  return undefined
}

function isInGroup(user: Viewing, gid: number): boolean {
  return !user || user.gid === gid || user.groups.includes(gid)
}

/** Who holds locks on files: until the signal aborts. */
const locked = new WeakMap<Inode, AbortSignal>()

/** A file tree in memory, seen by one user (or by the kernel, who may do everything). */
export class MemoryFileSystem implements MountableFileSystem {
  readonly space: MountSpace
  readonly #user: Pick<User, 'uid' | 'gid' | 'groups'> | undefined
  readonly #viewer: FileViewer | undefined
  /** What the user may do beyond the permissions of files, {@link FileRight}s. */
  readonly #rights: number
  readonly #guard: FileGuard | undefined
  /** Permission bits that new files don't get. */
  umask = 0o022

  constructor(space: MountSpace, user?: Pick<User, 'uid' | 'gid' | 'groups'>, viewer?: FileViewer, rights = user === undefined || user.uid === 0 ? ALL_FILE_RIGHTS : 0, guard?: FileGuard) {
    this.space = space
    this.#user = user
    this.#viewer = viewer
    this.#rights = rights
    this.#guard = guard
  }

  /** The same files with a user's permissions, for one process. @param rights {@link FileRight}s; root has them all by default */
  viewAs(user: Pick<User, 'uid' | 'gid' | 'groups'>, viewer?: FileViewer, rights?: number, guard?: FileGuard): MemoryFileSystem {
    return new MemoryFileSystem(this.space, user, viewer, rights, guard)
  }

  // --- reading -------------------------------------------------------------------------------------------------------------------

  readFile(path: string): Uint8Array {
    if (this.#guard) this.#check('open', path, 4)
    const place = this.#walk(path, true)
    const inode = place.inode ?? this.#missing(path)
    this.#demand(inode, 4, path, place.user)
    if (inode.type === 'directory') throw errno('EISDIR', path)
    if (inode.synthetic?.text) return encoder.encode(inode.synthetic.text(this.#viewer))
    if (inode.block) return inode.block.read(0, inode.block.sizeBytes)
    const solid = solidOf(inode)
    if (solid.length === inode.sizeBytes) return solid
    const whole = new Uint8Array(inode.sizeBytes)
    whole.set(solid)
    return whole
  }

  /** What of a file takes memory: the rest up to its size are zeros. @throws UnixError */
  readSolid(path: string): Uint8Array {
    const inode = this.#existing(path)
    this.#demand(inode, 4, path, this.#user)
    return solidOf(inode)
  }

  /** Makes a file longer, by zeros that take no memory, or shorter (ftruncate). @throws UnixError */
  resize(path: string, sizeBytes: number): void {
    if (this.#guard) this.#check('open', path, 2)
    const place = this.#walk(path, true)
    place.tree.resize(this.#writable(place, path, 0o666 & ~this.umask), sizeBytes)
    place.tree.changed(place.treePath)
  }

  /** The device that a file opens; undefined for other files. @throws UnixError ENOENT */
  blockDevice(path: string): BlockDevice | undefined {
    return this.#existing(path).block
  }

  /** A file that can be attached to a loop device. @throws UnixError ENOENT, EISDIR, EROFS */
  loopFile(path: string): { tree: Tree; inode: Inode; path: string } {
    const place = this.#walk(path, true)
    if (!place.inode) throw errno('ENOENT', path)
    if (place.inode.type !== 'file') throw errno(place.inode.type === 'directory' ? 'EISDIR' : 'EINVAL', path)
    return { tree: place.tree, inode: this.#owned(place), path: place.path }
  }

  /** Another file for a block device. @throws UnixError EEXIST */
  makeBlockDevice(path: string, mode: number, device: BlockDevice): void {
    const place = this.#walk(path, false)
    if (place.inode) throw errno('EEXIST', path)
    const inode = place.tree.createDevice(device, mode)
    if (place.user) { inode.uid = place.user.uid; inode.gid = place.user.gid }
    this.#link(place, inode, path)
  }

  readText(path: string): string {
    return decoder.decode(this.readFile(path))
  }

  stat(path: string): FileStat {
    return this.#statOf(this.#existing(path))
  }

  lstat(path: string): FileStat {
    return this.#statOf(this.#existing(path, false))
  }

  exists(path: string): boolean {
    try {
      return this.#walk(path, true).inode !== undefined
    } catch {
      return false
    }
  }

  readdir(path: string): string[] {
    if (this.#guard) this.#check('getdents', path, 4)
    const place = this.#walk(path, true)
    const inode = place.inode ?? this.#missing(path)
    if (inode.type !== 'directory') throw errno('ENOTDIR', path)
    this.#demand(inode, 4, path, place.user)
    return namesOf(inode, this.#viewer)
  }

  readlink(path: string): string {
    const inode = this.#existing(path, false)
    if (inode.type !== 'symlink') throw errno('EINVAL', path)
    return this.#targetOf(inode)
  }

  realpath(path: string): string {
    const place = this.#walk(path, true)
    if (!place.inode) throw errno('ENOENT', path)
    return place.path
  }

  program(path: string): Program | undefined {
    return this.#existing(path).program
  }

  watch(path: string, listener: (changedPath: string) => void): () => void {
    const place = this.#walk(path, true)
    const prefix = place.treePath === '/' ? '' : place.treePath
    const mountPrefix = place.path === '/' ? '' : place.path
    return place.tree.watch({ path: place.treePath, listener: (changed) => listener(mountPrefix + changed.slice(prefix.length) || '/') })
  }

  // --- changing ------------------------------------------------------------------------------------------------------------------

  writeFile(path: string, data: Uint8Array | string, options: { mode?: number; append?: boolean } = {}): void {
    if (this.#guard) this.#check('open', path, 2)
    const place = this.#walk(path, true)
    const bytes = typeof data === 'string' ? encoder.encode(data) : data
    if (place.inode?.synthetic?.write) {
      this.#demand(place.inode, 2, path, place.user)
      return place.inode.synthetic.write(decoder.decode(bytes))
    }
    const device = place.inode?.device ?? (place.inode?.type === 'fifo' ? this.#fifo(place.inode) : undefined)
    if (device) { void device('w', this.#viewer).write(bytes).catch(() => {}); return }
    const inode = this.#writable(place, path, options.mode ?? 0o666 & ~this.umask)
    if (options.append) place.tree.writeAt(inode, inode.sizeBytes, bytes)
    else place.tree.setContent(inode, typeof data === 'string' ? bytes : bytes.slice())
    place.tree.changed(place.treePath)
  }

  mkdir(path: string, options: { recursive?: boolean; mode?: number } = {}): void {
    if (this.#guard) this.#check('mkdir', path, 2)
    const make = (missing: Place) => this.#link(missing, missing.tree.create('directory', 0o777 & ~this.umask, missing.user?.uid, missing.user?.gid), missing.path)
    const place = this.#walk(path, true, options.recursive ? make : undefined)
    if (place.inode) {
      if (options.recursive && place.inode.type === 'directory') return
      throw errno('EEXIST', path)
    }
    const inode = place.tree.create('directory', options.mode ?? 0o777 & ~this.umask, place.user?.uid, place.user?.gid)
    this.#link(place, inode, path)
  }

  remove(path: string, options: { recursive?: boolean; force?: boolean } = {}): void {
    if (this.#guard && this.#isThere(path)) this.#check('unlink', path, 2, false)
    let place: Place
    try {
      place = this.#walk(path, false)
      if (!place.inode) throw errno('ENOENT', path)
    } catch (error) {
      if (options.force && (error as UnixError).code === 'ENOENT') return
      throw error
    }
    if (place.isMountPoint) throw errno('EBUSY', path)
    if (place.inode!.type === 'directory') {
      if (!options.recursive) throw errno('EISDIR', path)
      for (const name of namesOf(place.inode!, this.#viewer)) this.remove(join(place.path, name), { recursive: true })
      place = this.#walk(path, false)
    }
    this.#unlink(place, path)
  }

  /** Removes an empty directory. @throws UnixError ENOTEMPTY, ENOTDIR */
  rmdir(path: string): void {
    if (this.#guard) this.#check('rmdir', path, 2, false)
    const place = this.#walk(path, false)
    if (!place.inode) throw errno('ENOENT', path)
    if (place.inode.type !== 'directory') throw errno('ENOTDIR', path)
    if (place.isMountPoint) throw errno('EBUSY', path)
    if (namesOf(place.inode, this.#viewer).length > 0) throw errno('ENOTEMPTY', path)
    this.#unlink(place, path)
  }

  rename(from: string, to: string): void {
    if (this.#guard) { this.#check('rename', from, 2, false); this.#check('rename', to, 2, false) }
    const source = this.#walk(from, false)
    if (!source.inode) throw errno('ENOENT', from)
    if (source.isMountPoint) throw errno('EBUSY', from)
    const target = this.#walk(to, false)
    if (target.isMountPoint) throw errno('EBUSY', to)
    if (target.inode === source.inode) return
    if (source.tree !== target.tree) throw errno('EXDEV', to)
    if ((target.path + '/').startsWith(source.path + '/')) throw errno('EINVAL', to)
    if (target.inode?.type === 'directory') {
      if (source.inode.type !== 'directory') throw errno('EISDIR', to)
      if (namesOf(target.inode, this.#viewer).length > 0) throw errno('ENOTEMPTY', to)
    } else if (target.inode && source.inode.type === 'directory') throw errno('ENOTDIR', to)
    this.#demandChange(source, from)
    this.#demandChange(target, to)
    const inode = this.#owned(source)
    const sourceDirectory = this.#ownedDirectory(source)
    if (target.inode) target.tree.dropLink(target.inode)
    this.#ownedDirectory(this.#walk(to, false)).entries!.set(target.name, inode)
    this.#forget(sourceDirectory, source.name)
    inode.changedMs = source.tree.clock.nowMs()
    source.tree.changed(source.treePath)
    target.tree.changed(target.treePath)
  }

  symlink(target: string, path: string): void {
    if (this.#guard) this.#check('symlink', path, 2, false)
    const place = this.#walk(path, false)
    if (place.inode) throw errno('EEXIST', path)
    const inode = place.tree.create('symlink', 0o777, place.user?.uid, place.user?.gid)
    inode.target = target
    inode.sizeBytes = target.length
    this.#link(place, inode, path)
  }

  /** Another name for a file. @throws UnixError EPERM for directories, EXDEV across trees */
  link(existing: string, path: string): void {
    if (this.#guard) this.#check('link', path, 2, false)
    const source = this.#walk(existing, false)
    if (!source.inode) throw errno('ENOENT', existing)
    if (source.inode.type === 'directory') throw errno('EPERM', existing)
    const inode = this.#owned(source)
    const place = this.#walk(path, false)
    if (place.inode) throw errno('EEXIST', path)
    if (place.tree !== source.tree) throw errno('EXDEV', path)
    inode.links += 1
    this.#link(place, inode, path)
  }

  /** A copy of an executable that is one of ours. */
  copyProgram(from: string, to: string): void {
    const source = this.#existing(from)
    this.installProgram(to, source.program, source.mode)
  }

  /** A new executable that is one of ours. */
  installProgram(path: string, program: Program | undefined, mode = program ? programMode(program) : 0o755): void {
    const place = this.#walk(path, true)
    if (place.inode) throw errno('EEXIST', path)
    const inode = place.tree.create('file', mode, place.user?.uid, place.user?.gid)
    if (program) inode.program = program
    this.#link(place, inode, path)
  }

  /** A named pipe. */
  lock(path: string, until: AbortSignal): boolean {
    const inode = this.#existing(path)
    if (locked.get(inode)?.aborted === false) return false
    locked.set(inode, until)
    return true
  }

  mkfifo(path: string, mode = 0o666 & ~this.umask): void {
    if (this.#guard) this.#check('mknod', path, 2, false)
    const place = this.#walk(path, false)
    if (place.inode) throw errno('EEXIST', path)
    this.#link(place, place.tree.create('fifo', mode, place.user?.uid, place.user?.gid), path)
  }

  chmod(path: string, mode: number): void {
    if (this.#guard) this.#check('chmod', path, 2)
    this.#change(path, true, (inode) => {
      const keepsGroup = !(mode & 0o2000) || this.#rights & FileRight.KeepSetId || isInGroup(this.#user, inode.gid)
      inode.mode = mode & (keepsGroup ? 0o7777 : 0o5777)
    })
  }

  chown(path: string, uid: number, gid: number): void {
    if (this.#guard) this.#check('chown', path, 2)
    const { user, inode: known } = this.#walk(path, true)
    const { uid: owner, gid: group } = known ?? this.#missing(path)
    if (!(this.#rightsOf(user) & FileRight.ChangeOwner) && ((uid >= 0 && uid !== owner) || (gid >= 0 && gid !== group && !(user!.uid === owner && isInGroup(user, gid))))) throw errno('EPERM', path)
    this.#change(path, true, (inode) => {
      if (uid >= 0) inode.uid = uid
      if (gid >= 0) inode.gid = gid
      // What another user's file could do in their name is over.
      if (this.#user && inode.type === 'file') inode.mode &= inode.mode & 0o010 ? 0o1777 : 0o3777
    }, FileRight.ChangeOwner)
  }

  utimes(path: string, accessedMs: number, modifiedMs: number): void {
    if (this.#guard) this.#check('utimes', path, 2)
    this.#change(path, true, (inode) => { inode.accessedMs = accessedMs; inode.modifiedMs = modifiedMs })
  }

  open(path: string, flags: 'r' | 'w' | 'a' | 'r+'): OpenFile {
    if (this.#guard) this.#check('open', path, flags === 'r' ? 4 : 2)
    const place = this.#walk(path, true)
    if (place.inode?.device) {
      this.#demand(place.inode, flags === 'r' ? 4 : 2, path, place.user)
      return place.inode.device(flags, this.#viewer)
    }
    if (place.inode?.type === 'fifo') return this.#fifo(place.inode)(flags, this.#viewer)
    if (flags === 'r') return this.#openForReading(place, path)
    const takes = place.inode?.synthetic?.write
    if (takes) {
      this.#demand(place.inode!, 2, path, place.user)
      return { async read() { throw errno('EBADF', path) }, async write(data) { takes(typeof data === 'string' ? data : decoder.decode(data)) }, close() {} }
    }
    if (flags === 'r+') { if (!place.inode) throw errno('ENOENT', path); this.#demand(place.inode, 4, path, place.user) }
    const inode = this.#writable(place, path, 0o666 & ~this.umask)
    if (flags === 'w' && inode.sizeBytes > 0) { place.tree.setContent(inode, new Uint8Array(0)); place.tree.changed(place.treePath) }
    let position = 0
    return {
      async read(maxBytes = CHUNK_BYTES) {
        if (flags !== 'r+') throw errno('EBADF', path)
        const chunk = chunkOf(inode, position, maxBytes)
        position += chunk.length
        return chunk.length > 0 ? chunk : null
      },
      async write(data) {
        const bytes = typeof data === 'string' ? encoder.encode(data) : data
        if (flags === 'a') position = inode.sizeBytes
        place.tree.writeAt(inode, position, bytes)
        position += bytes.length
        place.tree.changed(place.treePath)
      },
      seek(positionBytes) { position = positionBytes },
      close() {},
    }
  }

  // --- mounts --------------------------------------------------------------------------------------------------------------------

  mount(path: string, tree: MountableFileSystem, options: MountOptions = {}): () => void {
    if (!(tree instanceof MemoryFileSystem)) throw new TypeError('only memory file systems can be mounted')
    if (options.recursive && tree.space.mounts.size > 0) this.#mountBelow(path, tree, options)
    const subPath = options.subPath ? resolvePath('/', options.subPath) : '/'
    const inside = tree.#walk(subPath, true)
    if (!inside.inode) throw errno('ENOENT', subPath)
    if (inside.remote) {
      const { remote, source, type, readOnly } = inside.remote
      const locate = (): RemoteLocation => {
        const now = tree.#walk(subPath, true)
        if (!now.inode) throw errno('ESTALE', path)
        return { tree: now.tree, inode: now.inode, treePath: now.treePath }
      }
      const through: RemoteDirectory = { locate, userOf: (user) => remote!.userOf(user) }
      return this.#addMount(path, inside.inode.type === 'directory', { tree: () => locate().tree, inode: () => locate().inode, treePath: '/', readOnly: readOnly || (options.readOnly ?? false), source, type, remote: through })
    }
    const inode = inside.treePath === '/' ? inside.inode : tree.#owned(inside)
    // Not the place itself, which holds on to every directory on the way.
    const { tree: mounted, treePath } = inside
    // A mount of a mount shows what lies there, whatever the files around it are on.
    if (options.receives) {
      const receivers = (tree.space.receivers ?? []).filter(({ space }) => space.deref() !== undefined)
      tree.space.receivers = [...receivers, { from: inside.path, space: new WeakRef(this.space), to: resolvePath('/', path) }]
    }
    const outer = mountOver(tree.space, inside.path)
    return this.#addMount(path, inode.type === 'directory', {
      tree: () => mounted, inode: () => inode, treePath, readOnly: (options.readOnly ?? false) || (outer?.readOnly ?? false),
      source: outer?.source ?? options.source ?? 'tmpfs', type: outer?.type ?? options.type ?? 'tmpfs', ...(options.shared ? { shared: { space: tree.space, path: inside.path } } : {}),
    })
  }

  /** What is mounted below a directory comes along with it. */
  #mountBelow(path: string, tree: MemoryFileSystem, { subPath = '/', readOnly }: MountOptions): void {
    const at = resolvePath('/', path)
    const from = resolvePath('/', subPath)
    for (const [inside, mount] of tree.space.mounts)
      if (inside.startsWith(from === '/' ? '/' : `${from}/`) && inside !== '/') this.space.mounts.set(join(at, inside.slice(from === '/' ? 1 : from.length + 1)), readOnly ? { ...mount, readOnly: true } : mount)
  }

  /** Undoes the topmost mount of a place, also where others share it. @throws UnixError EINVAL where nothing is mounted */
  unmount(path: string): void {
    const { path: at, isMountPoint } = this.#walk(path, true)
    const mount = isMountPoint ? this.space.mounts.get(at) : undefined
    if (!mount) throw errno('EINVAL', path)
    for (const { space, path: each } of peersOf(this.space, at)) if (space.mounts.get(each) === mount) space.mounts.delete(each)
  }

  /** Whether something is mounted just there. @throws UnixError ENOENT and what else a walk meets */
  isMountPoint(path: string): boolean {
    const place = this.#walk(path, true)
    if (!place.inode) throw errno('ENOENT', path)
    return this.space.mounts.has(place.path)
  }

  /** Makes a socket that `server` answers at (bind(2)). @throws UnixError EADDRINUSE where a file of that name is */
  bindSocket(path: string, server: object): void {
    const place = this.#walk(path, false)
    if (place.inode) throw errno('EADDRINUSE', path)
    const inode = place.tree.create('socket', 0o777 & ~this.umask, place.user?.uid, place.user?.gid)
    socketServers.set(inode, server)
    this.#link(place, inode, path)
  }

  /** Who answers at a socket; undefined: nobody ever did in this process. @throws UnixError ENOENT, EACCES, ECONNREFUSED where the file is no socket */
  socketServer(path: string): object | undefined {
    const place = this.#walk(path, true)
    if (!place.inode) throw errno('ENOENT', path)
    if (place.inode.type !== 'socket') throw errno('ECONNREFUSED', path)
    this.#demand(place.inode, 2, path, place.user)
    return socketServers.get(place.inode)
  }

  /** Mounts other files with everything that is mounted in them (a recursive bind mount). */
  mountWithMounts(path: string, files: MountableFileSystem, options: Omit<MountOptions, 'subPath' | 'recursive'> = {}): void {
    if (!(files instanceof MemoryFileSystem)) throw new TypeError('only memory file systems can be mounted')
    this.mount(path, files, options)
    const at = resolvePath('/', path)
    for (const [inside, mount] of files.space.mounts) this.space.mounts.set(`${at === '/' ? '' : at}${inside}`, options.readOnly ? { ...mount, readOnly: true } : mount)
  }

  /**
   * What is mounted here from now on is mounted in the other view too, which this one follows: both are one mount namespace.
   * @returns what ends that, and takes away what was mounted here
   */
  shareMountsWith(files: MemoryFileSystem): () => void {
    const before = new Set(files.space.mounts.values())
    this.space.peer = files.space
    return () => {
      delete this.space.peer
      files.space.followers?.delete(this.space)
      for (const [path, mount] of this.space.mounts) if (!before.has(mount) && files.space.mounts.get(path) === mount) files.space.mounts.delete(path)
    }
  }

  /** The process to whose namespaces a link of /proc/PID/ns leads; undefined for other files. @throws UnixError ENOENT, EACCES */
  namespaceOwner(path: string): object | undefined {
    return this.#existing(path, false).synthetic?.process
  }

  /** Where a directory is, for whoever shows it to other machines. @throws UnixError ENOENT, ENOTDIR */
  locate(path: string): RemoteLocation {
    const place = this.#walk(path, true)
    if (!place.inode) throw errno('ENOENT', path)
    if (place.inode.type !== 'directory') throw errno('ENOTDIR', path)
    return { tree: place.tree, inode: place.treePath === '/' ? place.inode : this.#owned(place), treePath: place.treePath }
  }

  /** These files as a process sees them whose root is a directory of them. @throws UnixError ENOENT, ENOTDIR */
  rootedAt(path: string): MemoryFileSystem {
    const place = this.#walk(path, true)
    if (!place.inode) throw errno('ENOENT', path)
    if (place.inode.type !== 'directory') throw errno('ENOTDIR', path)
    const inode = place.treePath === '/' ? place.inode : this.#owned(place)
    const { tree, treePath, readOnly } = place
    const mounts = new Map<string, Mount>([['/', { tree: () => tree, inode: () => inode, treePath, readOnly, source: 'overlay', type: 'overlay' }]])
    const prefix = place.path === '/' ? '' : place.path
    for (const [at, mount] of this.space.mounts) if (at.startsWith(`${prefix}/`) && at !== '/') mounts.set(at.slice(prefix.length), mount)
    return new MemoryFileSystem({ root: this.space.root, mounts })
  }

  /** The same files and mounts; what is mounted from now on is seen by one of them only. */
  withMountsOfItsOwn(): MemoryFileSystem {
    return new MemoryFileSystem({ root: this.space.root, mounts: new Map(this.space.mounts) })
  }

  /** Shows a file or directory of these files at another place too. @throws UnixError */
  bind(from: string, path: string, readOnly: boolean): void {
    const place = this.#walk(from, true)
    const inode = place.inode ? place.treePath === '/' ? place.inode : this.#owned(place) : this.#missing(from)
    const { tree, treePath } = place
    this.#addMount(path, inode.type === 'directory', { tree: () => tree, inode: () => inode, treePath, readOnly: readOnly || place.readOnly, source: '/dev/vda1', type: 'ext4' })
  }

  /** Makes a mount read-only or writable. @returns whether something is mounted there */
  remount(path: string, readOnly: boolean): boolean {
    const { mounts, root } = this.space
    const mount = mounts.get(path)
    if (mount) mounts.set(path, { ...mount, readOnly })
    else if (path === '/') root.readOnly = readOnly
    return mount !== undefined || path === '/'
  }

  /** A device file: another one's double, or one that nobody here may open. */
  makeDevice(path: string, mode: number, like: string | undefined): void {
    const place = this.#walk(path, false)
    if (place.inode) throw errno('EEXIST', path)
    const inode = place.tree.create('character', mode, place.user?.uid, place.user?.gid)
    inode.device = (like === undefined ? undefined : this.#existing(like).device) ?? (() => { throw errno('EPERM', path) })
    this.#link(place, inode, path)
  }

  /** Mounts a tree that is made on first use: /proc and /dev of machines that mostly never look at them. */
  mountLazily(path: string, make: () => Tree, type: string, readOnly = false): () => void {
    let made: Tree | undefined
    const tree = () => made ??= make()
    return this.#addMount(path, true, { tree, inode: () => tree().root, treePath: '/', readOnly, source: type, type })
  }

  /** What is mounted, as /proc/mounts tells. */
  mounts(): { path: string; source: string; type: string; readOnly: boolean; tree: Tree }[] {
    const root = { path: '/', source: 'overlay', type: 'overlay', readOnly: this.space.root.readOnly, tree: this.space.root }
    return [root, ...[...this.space.mounts].map(([path, m]) => ({ path, source: m.source, type: m.type, readOnly: m.readOnly, tree: m.remote ? this.space.root : m.tree() }))]
  }

  usedBytes(): number {
    return this.space.root.usedBytes
  }

  #addMount(path: string, isDirectory: boolean, mount: Mount): () => void {
    const kernel = this.#user ? new MemoryFileSystem(this.space) : this
    const { path: at } = kernel.#makeMountPoint(path, isDirectory)
    const undo = peersOf(this.space, at).map(({ space: { mounts }, path: each }) => {
      const covered = mounts.get(each)
      mounts.set(each, mount)
      return () => {
        if (mounts.get(each) !== mount) return
        if (covered) mounts.set(each, covered)
        else mounts.delete(each)
      }
    })
    return () => { for (const each of undo) each() }
  }

  #makeMountPoint(path: string, isDirectory: boolean): Place {
    const at = resolvePath('/', path)
    const make = (missing: Place) => { this.#ownedDirectory(missing).entries!.set(missing.name, missing.tree.create('directory', 0o755)) }
    const place = this.#walk(at, true, make)
    if (place.inode) {
      if (isDirectory !== (place.inode.type === 'directory')) throw errno('ENOTDIR', path)
      return place
    }
    this.#ownedDirectory(place).entries!.set(place.name, place.tree.create(isDirectory ? 'directory' : 'file', isDirectory ? 0o755 : 0o644))
    return place
  }

  // --- the walk ------------------------------------------------------------------------------------------------------------------

  /** @param makeDirectory makes a directory that is missing on the way; the directories of its place become those of the walk */
  #walk(path: string, followLast: boolean, makeDirectory?: (missing: Place) => void): Place {
    if (path[0] !== '/') throw errno('ENOENT', path)
    const { root, mounts } = this.space
    const rootMount = mounts.get('/')
    const rootFrame: Frame = rootMount
      ? { ...this.#entering(rootMount), path: '/', name: '', readOnly: rootMount.readOnly }
      : { inode: root.root, tree: root, treePath: '/', path: '/', name: '', readOnly: root.readOnly, user: this.#user, remote: undefined }
    let frames: Frame[] = [rootFrame]
    const mustBeDirectory = path.length > 1 && path.endsWith('/')
    const parts = path.split('/').reverse()
    let links = 0
    for (;;) {
      const part = parts.pop()
      const here = frames[frames.length - 1]!
      if (part === undefined) {
        if (mustBeDirectory && here.inode.type !== 'directory') throw errno('ENOTDIR', path)
        const isMountPoint = frames.length === 1 || mounts.has(here.path)
        frames.pop()
        return { directories: frames, name: here.name, path: here.path, treePath: here.treePath, tree: here.tree, readOnly: here.readOnly, inode: here.inode, user: here.user, remote: here.remote, isMountPoint }
      }
      if (part === '' || part === '.') continue
      if (here.inode.type !== 'directory') throw errno('ENOTDIR', path)
      this.#demand(here.inode, 1, path, here.user)
      if (part === '..') { if (frames.length > 1) frames.pop(); continue }
      const childPath = join(here.path, part)
      const mount = mounts.size > 0 ? mounts.get(childPath) : undefined
      if (mount) {
        const entered = this.#entering(mount)
        frames.push({ ...entered, path: childPath, name: part, readOnly: mount.readOnly || entered.tree.readOnly })
        continue
      }
      const child = childOf(here.inode, part, this.#viewer)
      const isLast = isRest(parts)
      const treePath = here.treePath === here.path ? childPath : join(here.treePath, part)
      if (!child) {
        const missing: Place = { directories: frames, name: part, path: childPath, treePath, tree: here.tree, readOnly: here.readOnly, inode: undefined, user: here.user, remote: here.remote, isMountPoint: false }
        if (isLast) return missing
        if (!makeDirectory) throw errno('ENOENT', path)
        makeDirectory(missing)
        parts.push(part)
        continue
      }
      if (child.type === 'symlink' && (!isLast || followLast || mustBeDirectory)) {
        if (++links > MAX_LINKS) throw errno('ELOOP', path)
        const elsewhere = child.synthetic?.root?.(this.#user, this.#viewer)
        if (elsewhere) {
          if (!(elsewhere instanceof MemoryFileSystem)) throw errno('EACCES', path)
          const place = elsewhere.viewAs(this.#user ?? ROOT, this.#viewer, this.#rights).#walk(`/${parts.reverse().join('/')}`, followLast, makeDirectory)
          return { ...place, path: join(childPath, place.path) }
        }
        const target = this.#targetOf(child)
        if (target.startsWith('/')) frames = [rootFrame]
        parts.push(...target.split('/').reverse())
        continue
      }
      frames.push({ inode: child, tree: here.tree, treePath, path: childPath, name: part, readOnly: here.readOnly, user: here.user, remote: here.remote })
    }
  }

  /** What a walk finds behind a mount point. @throws UnixError EIO, ESTALE where that is another machine's */
  #entering(mount: Mount): Pick<Frame, 'inode' | 'tree' | 'treePath' | 'user' | 'remote'> {
    if (!mount.remote) return { inode: mount.inode(), tree: mount.tree(), treePath: mount.treePath, user: this.#user, remote: undefined }
    return { ...mount.remote.locate(), user: mount.remote.userOf(this.#user), remote: mount }
  }

  #existing(path: string, follow = true): Inode {
    return this.#walk(path, follow).inode ?? this.#missing(path)
  }

  #missing(path: string): never {
    throw errno('ENOENT', path)
  }

  #targetOf(inode: Inode): string {
    return inode.synthetic?.target?.(this.#viewer) ?? inode.target ?? ''
  }

  #statOf(inode: Inode): FileStat {
    const { type, mode, uid, gid, sizeBytes, modifiedMs, accessedMs, changedMs, number, links } = inode
    return { type, mode, uid, gid, sizeBytes: type === 'directory' ? 4096 : sizeBytes, modifiedMs, accessedMs, changedMs, inode: number, links }
  }

  // --- copy on write, permissions ------------------------------------------------------------------------------------------------

  /** The directory of a place as an inode of its own tree, so that it may change. */
  #ownedDirectory(place: Place): Inode {
    const frames = place.directories
    for (let i = 0; i < frames.length; i++) {
      const frame = frames[i]!
      if (frame.inode.tree === frame.tree) continue
      const copy = frame.tree.copyUp(frame.inode)
      frames[i - 1]!.inode.entries!.set(frame.name, copy)
      frame.inode = copy
    }
    return frames[frames.length - 1]!.inode
  }

  #owned(place: Place): Inode {
    const inode = place.inode!
    if (inode.tree === place.tree || inode.synthetic || place.isMountPoint) return inode
    const directory = this.#ownedDirectory(place)
    const copy = place.tree.copyUp(inode)
    directory.entries!.set(place.name, copy)
    place.inode = copy
    return copy
  }

  /** The file to write to, made if it is missing. */
  #writable(place: Place, path: string, mode: number): Inode {
    if (place.inode) {
      if (place.inode.type === 'directory') throw errno('EISDIR', path)
      if (place.readOnly) throw errno('EROFS', path)
      this.#demand(place.inode, 2, path, place.user)
      if (place.inode.synthetic) throw errno('EACCES', path)
      const owned = this.#owned(place)
      if (owned.mode & 0o6000 && !(this.#rights & FileRight.KeepSetId)) owned.mode &= 0o1777
      return owned
    }
    const inode = place.tree.create('file', mode, place.user?.uid, place.user?.gid)
    this.#link(place, inode, path)
    return inode
  }

  #link(place: Place, inode: Inode, path: string): void {
    this.#demandChange(place, path)
    const directory = this.#ownedDirectory(place)
    // What is made in a directory with the set-group-ID bit belongs to its group; directories hand the bit on.
    if (directory.mode & 0o2000 && (inode.type === 'directory' || inode.links === 1)) {
      inode.gid = directory.gid
      if (inode.type === 'directory') inode.mode |= 0o2000
    }
    directory.entries!.set(place.name, inode)
    directory.modifiedMs = directory.changedMs = place.tree.clock.nowMs()
    place.tree.changed(place.treePath)
  }

  #unlink(place: Place, path: string): void {
    this.#demandChange(place, path)
    const directory = this.#ownedDirectory(place)
    const { user } = place
    if (directory.mode & 0o1000 && !(this.#rightsOf(user) & FileRight.ActAsOwner) && user!.uid !== directory.uid && user!.uid !== place.inode!.uid) throw errno('EPERM', path)
    place.tree.dropLink(place.inode!)
    this.#forget(directory, place.name)
    directory.modifiedMs = directory.changedMs = place.tree.clock.nowMs()
    place.tree.changed(place.treePath)
  }

  #forget(directory: Inode, name: string): void {
    if (directory.lower && childOf(directory.lower, name)) directory.entries!.set(name, null)
    else directory.entries!.delete(name)
  }

  /** @param rights with which somebody else than the owner may do it */
  #change(path: string, follow: boolean, act: (inode: Inode) => void, rights = FileRight.ActAsOwner as number): void {
    const place = this.#walk(path, follow)
    if (!place.inode) throw errno('ENOENT', path)
    if (place.readOnly) throw errno('EROFS', path)
    if (!(this.#rightsOf(place.user) & rights) && place.user!.uid !== place.inode.uid) throw errno('EPERM', path)
    const inode = this.#owned(place)
    act(inode)
    inode.changedMs = place.tree.clock.nowMs()
    place.tree.changed(place.treePath)
  }

  #demandChange(place: Place, path: string): void {
    if (place.readOnly) throw errno('EROFS', path)
    const directory = place.directories[place.directories.length - 1]
    if (!directory) throw errno('EBUSY', path)
    if (directory.inode.synthetic) throw errno('EPERM', path)
    this.#demand(directory.inode, 2, path, place.user)
  }

  /** @throws UnixError EACCES unless the user has the permission (4 read, 2 write, 1 execute or search). */
  #demand(inode: Inode, bit: 1 | 2 | 4, path: string, user: Viewing): void {
    if (!this.allows(inode, bit, user)) throw errno('EACCES', path)
  }

  allows(inode: Pick<Inode, 'mode' | 'uid' | 'gid' | 'type'>, bit: 1 | 2 | 4, user: Viewing = this.#user): boolean {
    const rights = this.#rightsOf(user)
    if (rights & FileRight.Override) return bit !== 1 || inode.type === 'directory' || (inode.mode & 0o111) !== 0
    const shift = user!.uid === inode.uid ? 6 : isInGroup(user, inode.gid) ? 3 : 0
    return ((inode.mode >> shift) & bit) !== 0 || (rights & FileRight.Search) !== 0 && (bit === 4 || bit === 1 && inode.type === 'directory')
  }

  /** What somebody may do beyond permissions: capabilities are the own user's only, a server of files knows users. */
  #rightsOf(user: Viewing): number {
    if (user === this.#user) return this.#rights
    return user === undefined || user.uid === 0 ? ALL_FILE_RIGHTS : 0
  }

  /** access(2): whether the user may read (4), write (2) or execute (1). */
  access(path: string, bit: 1 | 2 | 4): boolean {
    try {
      const place = this.#walk(path, true)
      return place.inode !== undefined && this.allows(place.inode, bit, place.user ?? ROOT) && !(bit === 2 && place.readOnly)
    } catch {
      return false
    }
  }

  /** Asks the guard about a path as it is without links. */
  #check(call: FileCall, path: string, access: FileAccess, follow = true): void {
    let resolved = path
    try { resolved = this.#walk(path, follow).path } catch { /* the call itself says what is wrong with the path */ }
    this.#guard!.check(call, resolved, access)
  }

  #isThere(path: string): boolean {
    try { return this.#walk(path, false).inode !== undefined } catch { return false }
  }

  // --- open files ----------------------------------------------------------------------------------------------------------------

  #openForReading(place: Place, path: string): OpenFile {
    const inode = place.inode ?? this.#missing(path)
    this.#demand(inode, 4, path, place.user)
    if (inode.type === 'directory') throw errno('EISDIR', path)
    if (inode.synthetic?.text) {
      let rest: Uint8Array | null = encoder.encode(inode.synthetic.text(this.#viewer))
      return { async read() { const out = rest; rest = null; return out && out.length > 0 ? out : null }, async write() { throw errno('EBADF', path) }, close() {} }
    }
    let position = 0
    const current = () => {
      // A file of the image that was copied up after opening goes on in the copy.
      if (inode.tree === place.tree) return inode
      const now = childOf(place.directories[place.directories.length - 1]!.inode, place.name, this.#viewer)
      return now ?? inode
    }
    return {
      async read(maxBytes = CHUNK_BYTES) {
        const now = current()
        if (position > now.sizeBytes) position = 0
        const chunk = chunkOf(now, position, maxBytes)
        position += chunk.length
        return chunk.length > 0 ? chunk : null
      },
      async write() { throw errno('EBADF', path) },
      seek(positionBytes) { position = positionBytes },
      close() {},
    }
  }

  #fifo(inode: Inode): NonNullable<Inode['device']> {
    let writers = 0
    let pipe = createPipe()
    let hasReader = false
    /** Its writers came and went before any reader. */
    let written = false
    const renew = () => { pipe.writer.close(); pipe = createPipe(); hasReader = false }
    return inode.device ??= (flags) => {
      const mine = pipe
      if (flags !== 'r') writers += 1
      // Opening to write would wait for a reader; here what was written waits for it instead.
      else if (writers === 0 && written) { renew(); written = false }
      else hasReader = true
      return {
        read: () => mine.reader.read(),
        write: (data) => mine.writer.write(data),
        close() {
          if (flags === 'r' || --writers > 0) return
          if (hasReader) renew()
          else written = true
        },
      }
    }
  }
}

/** The bytes of a file that it has any for. */
function solidOf(inode: Inode): Uint8Array {
  if (!inode.content) return new Uint8Array(0)
  inode.shared = true
  return inode.content.subarray(0, inode.sizeBytes)
}

/** A copy of at most so many bytes of a file, with the zeros of a hole at its end. */
function chunkOf({ content, sizeBytes }: Inode, position: number, maxBytes: number): Uint8Array {
  const end = Math.min(position + maxBytes, sizeBytes)
  if (content && content.length >= end) return content.slice(position, end)
  const chunk = new Uint8Array(Math.max(0, end - position))
  if (content && content.length > position) chunk.set(content.subarray(position, end))
  return chunk
}

function join(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`
}
