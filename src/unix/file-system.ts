import type { Clock } from '../base/clock.ts'
import { FileRight } from './capabilities.ts'
import type { FileAccess, FileCall, FileGuard } from './confinement.ts'
import { errno } from './errno.ts'
import { joinPath, resolvePath } from './path.ts'
import { programMode } from './set-user-id.ts'
import { UnixError } from './types.ts'
import type { FileStat, MountableFileSystem, OpenFile, Program } from './types.ts'
import type { BlockDevice } from './fs/block-device.ts'
import { FilePermissions, isInGroup } from './fs/file-permissions.ts'
import type { FileUser, Permission } from './fs/file-permissions.ts'
import { MountSpace } from './fs/mount-space.ts'
import type { Mount, RemoteDirectory, RemoteLocation } from './fs/mount-space.ts'
import { contentOf, openFifo, openForReading, openForWriting, openTaker, openText, solidOf } from './fs/open-files.ts'
import { owned, ownedDirectory, targetOf, walk } from './fs/path-walk.ts'
import type { MakeDirectory, Place } from './fs/path-walk.ts'
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
  return new MemoryFileSystem(new MountSpace(tree))
}

/**
 * A layer on top of another tree: reads fall through, changes stay in the layer, so a thousand containers share one image.
 * The lower tree must not change any more.
 */
export function createOverlay(lower: MountableFileSystem, clock: Pick<Clock, 'nowMs'>, options: { readOnly?: boolean; files?: Readonly<Record<string, InitialFile>>; sizeLimitBytes?: number } = {}): MemoryFileSystem {
  if (!(lower instanceof MemoryFileSystem)) throw new TypeError('only memory file systems can be overlaid')
  const tree = new Tree(clock, { lower: lower.space.root.root, readOnly: options.readOnly, sizeLimitBytes: options.sizeLimitBytes })
  if (options.files) populate(tree, options.files)
  return new MemoryFileSystem(new MountSpace(tree))
}

/** A view of another view's files with mounts of its own: what a mount namespace is. `follows`: what is mounted in the other view is mounted here too. */
export function withOwnMounts(files: MountableFileSystem, options: { follows?: boolean } = {}): MemoryFileSystem {
  if (!(files instanceof MemoryFileSystem)) throw new TypeError('only memory file systems can be shared')
  const space = new MountSpace(files.space.root, options.follows ? new Map(files.space.mounts) : new Map())
  if (options.follows) (files.space.followers ??= new Set()).add(space)
  return new MemoryFileSystem(space)
}

/** The files of a directory on another machine, to be mounted. */
export function createRemoteFileSystem(clock: Pick<Clock, 'nowMs'>, remote: RemoteDirectory, options: { readOnly: boolean; source: string; type: string }): MemoryFileSystem {
  const mount: Mount = { tree: () => remote.locate().tree, inode: () => remote.locate().inode, treePath: '/', ...options, remote }
  return new MemoryFileSystem(new MountSpace(new Tree(clock, {}), new Map([['/', mount]])))
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

/** What a user must be allowed to open a device or a named pipe so. */
const DEMANDS = { r: [4], w: [2], a: [2], 'r+': [4, 2] } as const
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** For whoever only wants to know whether something is there: an error, which gathers its stack, takes longer than the whole walk. */
const endHere: MakeDirectory = () => false

/** Who answers at which socket. */
const socketServers = new WeakMap<Inode, object>()

/** Who holds locks on files: until the signal aborts. */
const locked = new WeakMap<Inode, AbortSignal>()

/** A file tree in memory, seen by one user (or by the kernel, who may do everything). */
export class MemoryFileSystem implements MountableFileSystem {
  readonly space: MountSpace
  readonly permissions: FilePermissions
  readonly viewer: FileViewer | undefined
  readonly #guard: FileGuard | undefined
  /** Permission bits that new files don't get. */
  umask = 0o022

  /** @param guard a filter or profile that is asked first */
  constructor(space: MountSpace, permissions = new FilePermissions(), viewer?: FileViewer, guard?: FileGuard) {
    this.space = space
    this.permissions = permissions
    this.viewer = viewer
    this.#guard = guard
  }

  /** The same files with a user's permissions, for one process. @param rights {@link FileRight}s; root has them all by default */
  viewAs(user: FileUser, viewer?: FileViewer, rights?: number, guard?: FileGuard): MemoryFileSystem {
    return new MemoryFileSystem(this.space, new FilePermissions(user, rights), viewer, guard)
  }

  // --- reading -------------------------------------------------------------------------------------------------------------------

  readFile(path: string): Uint8Array {
    if (this.#guard) this.#check('open', path, 4)
    const place = this.#walk(path, true)
    const inode = place.inode ?? this.#missing(path)
    this.#demand(inode, 4, path, place.user)
    if (inode.type === 'directory') throw errno('EISDIR', path)
    if (inode.synthetic?.text) return encoder.encode(inode.synthetic.text(this.viewer))
    if (inode.block) return inode.block.read(0, inode.block.sizeBytes)
    return contentOf(inode)
  }

  /** What of a file takes memory: the rest up to its size are zeros. @throws UnixError */
  readSolid(path: string): Uint8Array {
    const inode = this.#existing(path)
    this.#demand(inode, 4, path, this.permissions.user)
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
    return { tree: place.tree, inode: owned(place), path: place.path }
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
      return this.#walk(path, true, endHere).inode !== undefined
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
    return namesOf(inode, this.viewer)
  }

  readlink(path: string): string {
    const inode = this.#existing(path, false)
    if (inode.type !== 'symlink') throw errno('EINVAL', path)
    return targetOf(inode, this.viewer)
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
    const device = place.inode?.device ?? (place.inode?.type === 'fifo' ? openFifo(place.inode) : undefined)
    if (device) {
      this.#demand(place.inode!, 2, path, place.user)
      void device('w', this.viewer).write(bytes).catch(() => {})
      return
    }
    const inode = this.#writable(place, path, options.mode ?? 0o666 & ~this.umask)
    if (options.append) place.tree.writeAt(inode, inode.sizeBytes, bytes)
    else place.tree.setContent(inode, typeof data === 'string' ? bytes : bytes.slice())
    place.tree.changed(place.treePath)
  }

  mkdir(path: string, options: { recursive?: boolean; mode?: number } = {}): void {
    if (this.#guard) this.#check('mkdir', path, 2)
    const make = (missing: Place) => {
      this.#link(missing, missing.tree.create('directory', 0o777 & ~this.umask, missing.user?.uid, missing.user?.gid), missing.path)
      return true
    }
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
      for (const name of namesOf(place.inode!, this.viewer)) this.remove(joinPath(place.path, name), { recursive: true })
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
    if (namesOf(place.inode, this.viewer).length > 0) throw errno('ENOTEMPTY', path)
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
      if (namesOf(target.inode, this.viewer).length > 0) throw errno('ENOTEMPTY', to)
    } else if (target.inode && source.inode.type === 'directory') throw errno('ENOTDIR', to)
    this.#demandChange(source, from)
    this.#demandChange(target, to)
    const inode = owned(source)
    const sourceDirectory = ownedDirectory(source)
    if (target.inode) target.tree.dropLink(target.inode)
    ownedDirectory(this.#walk(to, false)).entries!.set(target.name, inode)
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
    const inode = owned(source)
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

  lock(path: string, until: AbortSignal): boolean {
    const inode = this.#existing(path)
    if (locked.get(inode)?.aborted === false) return false
    locked.set(inode, until)
    return true
  }

  /** A named pipe. @throws UnixError EEXIST */
  mkfifo(path: string, mode = 0o666 & ~this.umask): void {
    if (this.#guard) this.#check('mknod', path, 2, false)
    const place = this.#walk(path, false)
    if (place.inode) throw errno('EEXIST', path)
    this.#link(place, place.tree.create('fifo', mode, place.user?.uid, place.user?.gid), path)
  }

  chmod(path: string, mode: number): void {
    if (this.#guard) this.#check('chmod', path, 2)
    this.#change(path, true, (inode) => {
      const keepsGroup = !(mode & 0o2000) || this.permissions.rights & FileRight.KeepSetId || isInGroup(this.permissions.user, inode.gid)
      inode.mode = mode & (keepsGroup ? 0o7777 : 0o5777)
    })
  }

  chown(path: string, uid: number, gid: number): void {
    if (this.#guard) this.#check('chown', path, 2)
    const { user, inode: known } = this.#walk(path, true)
    const { uid: owner, gid: group } = known ?? this.#missing(path)
    if (!(this.permissions.rightsOf(user) & FileRight.ChangeOwner) && ((uid >= 0 && uid !== owner) || (gid >= 0 && gid !== group && !(user!.uid === owner && isInGroup(user, gid))))) throw errno('EPERM', path)
    this.#change(path, true, (inode) => {
      if (uid >= 0) inode.uid = uid
      if (gid >= 0) inode.gid = gid
      // What another user's file could do in their name is over.
      if (this.permissions.user && inode.type === 'file') inode.mode &= inode.mode & 0o010 ? 0o1777 : 0o3777
    }, FileRight.ChangeOwner)
  }

  utimes(path: string, accessedMs: number, modifiedMs: number): void {
    if (this.#guard) this.#check('utimes', path, 2)
    this.#change(path, true, (inode) => { inode.accessedMs = accessedMs; inode.modifiedMs = modifiedMs })
  }

  open(path: string, flags: 'r' | 'w' | 'a' | 'r+'): OpenFile {
    if (this.#guard) this.#check('open', path, flags === 'r' ? 4 : 2)
    const place = this.#walk(path, true)
    const device = place.inode?.device ?? (place.inode?.type === 'fifo' ? openFifo(place.inode) : undefined)
    if (device) {
      for (const bit of DEMANDS[flags]) this.#demand(place.inode!, bit, path, place.user)
      return device(flags, this.viewer)
    }
    if (flags === 'r') {
      const inode = place.inode ?? this.#missing(path)
      this.#demand(inode, 4, path, place.user)
      if (inode.type === 'directory') throw errno('EISDIR', path)
      return inode.synthetic?.text ? openText(inode.synthetic.text(this.viewer), path) : openForReading(inode, place, path, this.viewer)
    }
    const take = place.inode?.synthetic?.write
    if (take) {
      this.#demand(place.inode!, 2, path, place.user)
      return openTaker(take, path)
    }
    if (flags === 'r+') { if (!place.inode) throw errno('ENOENT', path); this.#demand(place.inode, 4, path, place.user) }
    const inode = this.#writable(place, path, 0o666 & ~this.umask)
    if (flags === 'w' && inode.sizeBytes > 0) { place.tree.setContent(inode, new Uint8Array(0)); place.tree.changed(place.treePath) }
    return openForWriting(inode, place, path, flags)
  }

  // --- mounts --------------------------------------------------------------------------------------------------------------------

  mount(path: string, tree: MountableFileSystem, options: MountOptions = {}): () => void {
    if (!(tree instanceof MemoryFileSystem)) throw new TypeError('only memory file systems can be mounted')
    const subPath = options.subPath ? resolvePath('/', options.subPath) : '/'
    if (options.recursive) this.#mountBelow(path, tree.space, subPath, options.readOnly)
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
    const inode = inside.treePath === '/' ? inside.inode : owned(inside)
    // Not the place itself, which holds on to every directory on the way.
    const { tree: mounted, treePath } = inside
    // A mount of a mount shows what lies there, whatever the files around it are on.
    if (options.receives) tree.space.sendTo(inside.path, this.space, resolvePath('/', path))
    const outer = tree.space.over(inside.path)
    return this.#addMount(path, inode.type === 'directory', {
      tree: () => mounted, inode: () => inode, treePath, readOnly: (options.readOnly ?? false) || (outer?.readOnly ?? false),
      source: outer?.source ?? options.source ?? 'tmpfs', type: outer?.type ?? options.type ?? 'tmpfs', ...(options.shared ? { shared: { space: tree.space, path: inside.path } } : {}),
    })
  }

  /** What is mounted below a directory of other files comes along with it. */
  #mountBelow(path: string, space: MountSpace, from: string, readOnly = false): void {
    const at = resolvePath('/', path)
    for (const [inside, mount] of space.below(from)) this.space.mounts.set(joinPath(at, inside.slice(1)), readOnly ? { ...mount, readOnly } : mount)
  }

  /** Undoes the topmost mount of a place, also where others share it. @throws UnixError EINVAL where nothing is mounted */
  unmount(path: string): void {
    const { path: at, isMountPoint } = this.#walk(path, true)
    const mount = isMountPoint ? this.space.mounts.get(at) : undefined
    if (!mount) throw errno('EINVAL', path)
    this.space.delete(at, mount)
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
    this.#mountBelow(path, files.space, '/', options.readOnly)
  }

  /**
   * What is mounted here from now on is mounted in the other view too, which this one follows: both are one mount namespace.
   * @returns what ends that, and takes away what was mounted here
   */
  shareMountsWith(files: MemoryFileSystem): () => void {
    const before = new Set(files.space.mounts.values())
    this.space.peer = files.space
    return () => {
      this.space.peer = undefined
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
    return { tree: place.tree, inode: place.treePath === '/' ? place.inode : owned(place), treePath: place.treePath }
  }

  /** These files as a process sees them whose root is a directory of them. @throws UnixError ENOENT, ENOTDIR */
  rootedAt(path: string): MemoryFileSystem {
    const place = this.#walk(path, true)
    if (!place.inode) throw errno('ENOENT', path)
    if (place.inode.type !== 'directory') throw errno('ENOTDIR', path)
    const inode = place.treePath === '/' ? place.inode : owned(place)
    const { tree, treePath, readOnly } = place
    const mounts = new Map<string, Mount>([['/', { tree: () => tree, inode: () => inode, treePath, readOnly, source: 'overlay', type: 'overlay' }]])
    for (const [at, mount] of this.space.below(place.path)) mounts.set(at, mount)
    return new MemoryFileSystem(new MountSpace(this.space.root, mounts))
  }

  /** The same files and mounts; what is mounted from now on is seen by one of them only. */
  withMountsOfItsOwn(): MemoryFileSystem {
    return new MemoryFileSystem(new MountSpace(this.space.root, new Map(this.space.mounts)))
  }

  /** Shows a file or directory of these files at another place too. @throws UnixError */
  bind(from: string, path: string, readOnly: boolean): void {
    const place = this.#walk(from, true)
    const inode = place.inode ? place.treePath === '/' ? place.inode : owned(place) : this.#missing(from)
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
  makeDevice(path: string, mode: number, like: string | undefined, type: 'character' | 'block' = 'character'): void {
    const place = this.#walk(path, false)
    if (place.inode) throw errno('EEXIST', path)
    const inode = place.tree.create(type, mode, place.user?.uid, place.user?.gid)
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
    const kernel = this.permissions.user ? new MemoryFileSystem(this.space) : this
    const { path: at } = kernel.#makeMountPoint(path, isDirectory)
    return this.space.add(at, mount)
  }

  #makeMountPoint(path: string, isDirectory: boolean): Place {
    const at = resolvePath('/', path)
    const make = (missing: Place) => {
      ownedDirectory(missing).entries!.set(missing.name, missing.tree.create('directory', 0o755))
      return true
    }
    const place = this.#walk(at, true, make)
    if (place.inode) {
      if (isDirectory !== (place.inode.type === 'directory')) throw errno('ENOTDIR', path)
      return place
    }
    ownedDirectory(place).entries!.set(place.name, place.tree.create(isDirectory ? 'directory' : 'file', isDirectory ? 0o755 : 0o644))
    return place
  }

  // --- places, permissions -------------------------------------------------------------------------------------------------------

  #walk(path: string, followLast: boolean, makeDirectory?: MakeDirectory): Place {
    return walk(this, path, followLast, makeDirectory)
  }

  #existing(path: string, follow = true): Inode {
    return this.#walk(path, follow).inode ?? this.#missing(path)
  }

  #missing(path: string): never {
    throw errno('ENOENT', path)
  }

  #statOf(inode: Inode): FileStat {
    const { type, mode, uid, gid, sizeBytes, modifiedMs, accessedMs, changedMs, number, links } = inode
    return { type, mode, uid, gid, sizeBytes: type === 'directory' ? 4096 : sizeBytes, modifiedMs, accessedMs, changedMs, inode: number, links }
  }

  /** The file to write to, made if it is missing. */
  #writable(place: Place, path: string, mode: number): Inode {
    if (place.inode) {
      if (place.inode.type === 'directory') throw errno('EISDIR', path)
      if (place.readOnly) throw errno('EROFS', path)
      this.#demand(place.inode, 2, path, place.user)
      if (place.inode.synthetic) throw errno('EACCES', path)
      const inode = owned(place)
      if (inode.mode & 0o6000 && !(this.permissions.rights & FileRight.KeepSetId)) inode.mode &= 0o1777
      return inode
    }
    const inode = place.tree.create('file', mode, place.user?.uid, place.user?.gid)
    this.#link(place, inode, path)
    return inode
  }

  #link(place: Place, inode: Inode, path: string): void {
    this.#demandChange(place, path)
    const directory = ownedDirectory(place)
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
    const directory = ownedDirectory(place)
    const { user } = place
    if (directory.mode & 0o1000 && !(this.permissions.rightsOf(user) & FileRight.ActAsOwner) && user!.uid !== directory.uid && user!.uid !== place.inode!.uid) throw errno('EPERM', path)
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
    if (!(this.permissions.rightsOf(place.user) & rights) && place.user!.uid !== place.inode.uid) throw errno('EPERM', path)
    const inode = owned(place)
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

  #demand(inode: Inode, bit: Permission, path: string, user: FileUser | undefined): void {
    this.permissions.demand(inode, bit, path, user)
  }

  /** access(2): whether the user may read (4), write (2) or execute (1). */
  access(path: string, bit: 1 | 2 | 4): boolean {
    try {
      const place = this.#walk(path, true)
      return place.inode !== undefined && this.permissions.allows(place.inode, bit, place.user) && !(bit === 2 && place.readOnly)
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

}
