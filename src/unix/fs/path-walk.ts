import { errno } from '../errno.ts'
import { joinPath } from '../path.ts'
import type { FileSystem } from '../types.ts'
import { FilePermissions } from './file-permissions.ts'
import type { FileUser } from './file-permissions.ts'
import { MountSpace } from './mount-space.ts'
import type { Mount } from './mount-space.ts'
import { childOf } from './tree.ts'
import type { FileViewer, Inode, Tree } from './tree.ts'

/** More symbolic links than that on one way are a loop (the kernel's MAXSYMLINKS). */
const MAX_LINKS = 40
const ROOT: FileUser = { uid: 0, gid: 0, groups: [] }

/** One step of a walk. */
interface Frame {
  inode: Inode
  tree: Tree
  treePath: string
  path: string
  name: string
  readOnly: boolean
  /** Who it is for those files: a server may take users for others. */
  user: FileUser | undefined
  /** The mount that it is in, if that leads to another machine. */
  remote: Mount | undefined
}

/** Where a path leads: the frames of its directories and the last name, which may not exist. */
export interface Place {
  directories: Frame[]
  name: string
  path: string
  treePath: string
  tree: Tree
  readOnly: boolean
  inode: Inode | undefined
  /** Who walks there, as the server of these files sees it. */
  user: FileUser | undefined
  /** The mount that it is in, if that leads to another machine. */
  remote: Mount | undefined
  /** The path ends at a mount point or the root. */
  isMountPoint: boolean
}

/** Who walks through files, and through which. */
export interface Walker {
  readonly space: MountSpace
  readonly permissions: FilePermissions
  readonly viewer: FileViewer | undefined
}

/** Makes a directory that is missing on the way; the directories of its place become those of the walk. @returns false where it makes none: the walk ends there */
export type MakeDirectory = (missing: Place) => boolean

/** Follows a path through directories, mounts and symbolic links, as path_resolution(7) does. @throws UnixError ENOENT, ENOTDIR, EACCES, ELOOP, and what servers of files answer */
export function walk(walker: Walker, path: string, followLast: boolean, makeDirectory?: MakeDirectory): Place {
  if (path[0] !== '/') throw errno('ENOENT', path)
  const { space: { root, mounts }, permissions, viewer } = walker
  const { user } = permissions
  const rootMount = mounts.get('/')
  const rootFrame: Frame = rootMount ? enter(rootMount, user, '/', '')
    : { inode: root.root, tree: root, treePath: '/', path: '/', name: '', readOnly: root.readOnly, user, remote: undefined }
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
    permissions.demand(here.inode, 1, path, here.user)
    if (part === '..') { if (frames.length > 1) frames.pop(); continue }
    const childPath = here.path === '/' ? `/${part}` : `${here.path}/${part}`
    const mount = mounts.size > 0 ? mounts.get(childPath) : undefined
    if (mount) {
      frames.push(enter(mount, user, childPath, part))
      continue
    }
    const child = childOf(here.inode, part, viewer)
    const isLast = isRest(parts)
    const treePath = here.treePath === here.path ? childPath : joinPath(here.treePath, part)
    if (!child) {
      const missing: Place = { directories: frames, name: part, path: childPath, treePath, tree: here.tree, readOnly: here.readOnly, inode: undefined, user: here.user, remote: here.remote, isMountPoint: false }
      if (isLast) return missing
      if (!makeDirectory) throw errno('ENOENT', path)
      if (!makeDirectory(missing)) return missing
      parts.push(part)
      continue
    }
    if (child.type === 'symlink' && (!isLast || followLast || mustBeDirectory)) {
      if (++links > MAX_LINKS) throw errno('ELOOP', path)
      const elsewhere = child.synthetic?.root?.(user, viewer)
      if (elsewhere) {
        const space = spaceOf(elsewhere)
        if (!space) throw errno('EACCES', path)
        const there: Walker = { space, permissions: new FilePermissions(user ?? ROOT, permissions.rights), viewer }
        const place = walk(there, `/${parts.reverse().join('/')}`, followLast, makeDirectory)
        return { ...place, path: joinPath(childPath, place.path) }
      }
      const target = targetOf(child, viewer)
      if (target.startsWith('/')) frames = [rootFrame]
      parts.push(...target.split('/').reverse())
      continue
    }
    frames.push({ inode: child, tree: here.tree, treePath, path: childPath, name: part, readOnly: here.readOnly, user: here.user, remote: here.remote })
  }
}

/** Where a symbolic link points to. */
export function targetOf(link: Inode, viewer: FileViewer | undefined): string {
  return link.synthetic?.target?.(viewer) ?? link.target ?? ''
}

/** What a walk finds behind a mount point. @throws UnixError EIO, ESTALE where that is another machine's */
function enter(mount: Mount, user: FileUser | undefined, path: string, name: string): Frame {
  if (!mount.remote) {
    const tree = mount.tree()
    return { inode: mount.inode(), tree, treePath: mount.treePath, path, name, readOnly: mount.readOnly || tree.readOnly, user, remote: undefined }
  }
  const { inode, tree, treePath } = mount.remote.locate()
  return { inode, tree, treePath, path, name, readOnly: mount.readOnly || tree.readOnly, user: mount.remote.userOf(user), remote: mount }
}

/** The mounts of files that have any. */
function spaceOf(files: FileSystem | 'denied'): MountSpace | undefined {
  return typeof files === 'object' && 'space' in files && files.space instanceof MountSpace ? files.space : undefined
}

/** Whether nothing follows that names anything. */
function isRest(parts: readonly string[]): boolean {
  for (let i = parts.length - 1; i >= 0; i--) if (parts[i] !== '' && parts[i] !== '.') return false
  return true
}

/** The directory of a place as an inode of its own tree, so that it may change (copy on write). */
export function ownedDirectory({ directories }: Place): Inode {
  for (let i = 0; i < directories.length; i++) {
    const frame = directories[i]!
    if (frame.inode.tree === frame.tree) continue
    const copy = frame.tree.copyUp(frame.inode)
    directories[i - 1]!.inode.entries!.set(frame.name, copy)
    frame.inode = copy
  }
  return directories[directories.length - 1]!.inode
}

/** What is at a place, which must exist, as an inode of its own tree, so that it may change (copy on write). */
export function owned(place: Place): Inode {
  const inode = place.inode!
  if (inode.tree === place.tree || inode.synthetic || place.isMountPoint) return inode
  const directory = ownedDirectory(place)
  const copy = place.tree.copyUp(inode)
  directory.entries!.set(place.name, copy)
  place.inode = copy
  return copy
}
