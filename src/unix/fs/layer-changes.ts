import { MemoryFileSystem } from '../file-system.ts'
import type { FileSystem, MountableFileSystem } from '../types.ts'
import { childOf, namesOf } from './tree.ts'
import type { Inode } from './tree.ts'

/** One difference between a layer and what is below it. */
export type LayerChange =
  | { path: string; kind: 'removed' }
  /** `replaces`: nothing of the directory below shows through. */
  | { path: string; kind: 'directory'; inode: Inode; replaces: boolean }
  | { path: string; kind: 'file' | 'symlink'; inode: Inode }

/** What the uppermost layer of files changes of the layers below it, directories before what is in them. Devices, pipes and sockets don't count. */
export function* layerChanges(files: MountableFileSystem): Generator<LayerChange> {
  if (!(files instanceof MemoryFileSystem)) throw new TypeError('only memory file systems have layers')
  const { root } = files.space.root
  yield* changesIn(root, '', root.lower)
}

function* changesIn(directory: Inode, path: string, below: Inode | undefined): Generator<LayerChange> {
  // A directory that was moved here brings along what is below it elsewhere.
  const isMerged = directory.lower === below
  for (const name of isMerged ? [...directory.entries!.keys()].sort() : namesOf(directory)) {
    const child = isMerged ? directory.entries!.get(name) : childOf(directory, name)
    const childPath = `${path}/${name}`
    const covered = below && childOf(below, name)
    if (child === null) { if (covered) yield { path: childPath, kind: 'removed' } }
    else if (child?.type === 'directory') {
      const directoryBelow = covered?.type === 'directory' ? covered : undefined
      const isOverlaid = directoryBelow !== undefined && child.lower === directoryBelow
      yield { path: childPath, kind: 'directory', inode: child, replaces: covered !== undefined && !isOverlaid }
      yield* changesIn(child, childPath, isOverlaid ? directoryBelow : undefined)
    } else if (child?.type === 'file' || child?.type === 'symlink') yield { path: childPath, kind: child.type, inode: child }
  }
}

/** Makes one change in other files. */
export function applyChange(files: FileSystem, change: LayerChange): void {
  const { path } = change
  if (change.kind === 'removed') return files.remove(path, { recursive: true, force: true })
  const { inode } = change
  if (change.kind === 'directory') {
    if (change.replaces) files.remove(path, { recursive: true, force: true })
    files.mkdir(path, { recursive: true })
  } else {
    files.remove(path, { recursive: true, force: true })
    if (change.kind === 'symlink') return files.symlink(inode.target ?? '', path)
    if (inode.program && files instanceof MemoryFileSystem) files.installProgram(path, inode.program)
    else {
      files.writeFile(path, inode.content?.subarray(0, inode.sizeBytes) ?? new Uint8Array(0))
      if ((inode.content?.length ?? 0) < inode.sizeBytes && files instanceof MemoryFileSystem) files.resize(path, inode.sizeBytes)
    }
  }
  files.chmod(path, inode.mode)
  files.chown(path, inode.uid, inode.gid)
  if (change.kind === 'file') files.utimes(path, inode.modifiedMs, inode.modifiedMs)
}
