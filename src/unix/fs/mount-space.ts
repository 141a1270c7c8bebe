import { joinPath } from '../path.ts'
import type { FileUser } from './file-permissions.ts'
import type { Inode, Tree } from './tree.ts'

/** Files that cover a place of other files. */
export interface Mount {
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
  shared?: PlaceOfMount
}

/** A directory of another machine, as a network file system shows it. */
export interface RemoteDirectory {
  /** Where it is now. @throws UnixError EIO while nobody serves it, ESTALE when it is gone */
  locate(): RemoteLocation
  /** Whom the server takes a user for. */
  userOf(user: FileUser | undefined): FileUser | undefined
}

/** A file or directory where it lies. */
export interface RemoteLocation {
  tree: Tree
  inode: Inode
  treePath: string
}

/** An absolute, resolved path in one view. */
export interface PlaceOfMount {
  space: MountSpace
  path: string
}

/** A root tree with what is mounted in it: shared by all views of one machine, as a mount namespace is. What is mounted spreads to other spaces as mount_namespaces(7) says. */
export class MountSpace {
  readonly root: Tree
  /** By absolute, resolved path. */
  readonly mounts: Map<string, Mount>
  /** Views that show what is mounted here. */
  followers: Set<MountSpace> | undefined
  /** The view in which everything that is mounted here from now on is mounted too. */
  peer: MountSpace | undefined
  /** Places of other views that show what is mounted below one of these. They hold no view that nobody uses any more. */
  #receivers: { from: string; space: WeakRef<MountSpace>; to: string }[] | undefined

  constructor(root: Tree, mounts = new Map<string, Mount>()) {
    this.root = root
    this.mounts = mounts
  }

  /** Mounts something, here and wherever that spreads to. @returns takes it away again: what it covered is seen anew */
  add(at: string, mount: Mount): () => void {
    const undo = this.#peersOf(at).map(({ space: { mounts }, path }) => {
      const covered = mounts.get(path)
      mounts.set(path, mount)
      return () => {
        if (mounts.get(path) !== mount) return
        if (covered) mounts.set(path, covered)
        else mounts.delete(path)
      }
    })
    return () => { for (const each of undo) each() }
  }

  /** Takes a mount away, here and wherever it has spread to. */
  delete(at: string, mount: Mount): void {
    for (const { space, path } of this.#peersOf(at)) if (space.mounts.get(path) === mount) space.mounts.delete(path)
  }

  /** The mount that a place is in; undefined in the root. */
  over(at: string): Mount | undefined {
    for (let path = at; path !== ''; path = path.slice(0, path.lastIndexOf('/'))) {
      const mount = this.mounts.get(path)
      if (mount) return mount
    }
    return undefined
  }

  /** What is mounted below a place, by its path from there: with a slash at its beginning. */
  below(at: string): [path: string, mount: Mount][] {
    const prefix = at === '/' ? '' : at
    return [...this.mounts].filter(([path]) => path.startsWith(`${prefix}/`) && path !== '/').map(([path, mount]) => [path.slice(prefix.length), mount])
  }

  /** What is mounted below a place of this view from now on is seen in the other view too. */
  sendTo(from: string, space: MountSpace, to: string): void {
    const receivers = (this.#receivers ?? []).filter((each) => each.space.deref() !== undefined)
    this.#receivers = [...receivers, { from, space: new WeakRef(space), to }]
  }

  /** The place itself and those in other views that show what is mounted there. */
  #peersOf(at: string): PlaceOfMount[] {
    const out: PlaceOfMount[] = [{ space: this, path: at }]
    // Most views share nothing, and every container makes a dozen mounts.
    if (!this.peer && !this.followers && !this.#receivers && !this.#sharedAbove(at)) return out
    for (const { space, path } of out) {
      const shared = space.#sharedAbove(path)
      const alike = [...(space.peer ? [space.peer] : []), ...space.followers ?? []].map((each) => ({ space: each, path }))
      for (const next of [...(shared ? [shared] : []), ...alike, ...space.#receiversOf(path)])
        if (!out.some((each) => each.space === next.space)) out.push(next)
    }
    return out
  }

  /** Where mounts show a place that lies below what they are mounts of. */
  #receiversOf(path: string): PlaceOfMount[] {
    return (this.#receivers ?? []).flatMap(({ from, space: view, to }) => {
      const receiver = path.startsWith(from === '/' ? '/' : `${from}/`) ? view.deref() : undefined
      return receiver ? [{ space: receiver, path: joinPath(to, path.slice(from === '/' ? 1 : from.length + 1)) }] : []
    })
  }

  /** Where a place below a shared mount is in the view that it is shared with. */
  #sharedAbove(at: string): PlaceOfMount | undefined {
    for (let end = at.lastIndexOf('/'); end > 0; end = at.lastIndexOf('/', end - 1)) {
      const mount = this.mounts.get(at.slice(0, end))
      if (mount) return mount.shared && { space: mount.shared.space, path: joinPath(mount.shared.path, at.slice(end + 1)) }
    }
    return undefined
  }
}
