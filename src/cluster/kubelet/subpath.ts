import { UnixError } from '../../unix/types.ts'
import type { MountableFileSystem } from '../../unix/types.ts'

/** A directory below a volume that a container has instead of the volume. */
export interface SubPathMount {
  tree: MountableFileSystem
  /** The volume's root in the tree. */
  root: string
  subPath: string
  /** Links to absolute paths lead elsewhere on the node, not into this tree. */
  isWholeTree: boolean
  volumeMount: string
  container: string
}

const MAX_LINKS = 255

/**
 * The place of a subPath, made if it is missing, where no link leads out of the volume.
 * @throws Error whose text doesn't tell what is on the node. k8s: pkg/kubelet makeMounts, pkg/volume/util/subpath SafeMakeDir, PrepareSafeSubpath
 */
export function prepareSubPath(mount: SubPathMount): string {
  const { tree, volumeMount, container } = mount
  const about = `for volumeMount ${JSON.stringify(volumeMount)} of container ${JSON.stringify(container)}`
  const base = mount.isWholeTree ? '/' : tree.realpath(mount.root)
  const wanted = below(base, mount.subPath)
  let found: Found
  try {
    found = follow(mount, base, wanted)
    if (found.missing.length > 0) {
      if (!isWithin(found.path, base)) throw new Error('outside')
      const mode = tree.stat(mount.root).mode
      let path = found.path
      for (const name of found.missing) {
        path = below(path, name)
        tree.mkdir(path, { mode })
        tree.chmod(path, mode)
      }
      found = follow(mount, base, wanted)
    }
  } catch (error) {
    if (error instanceof OutsideError) throw new Error(`failed to prepare subPath ${about}`)
    throw new Error(`failed to create subPath directory ${about}`)
  }
  if (found.missing.length > 0 || !isWithin(found.path, base)) throw new Error(`failed to prepare subPath ${about}`)
  return found.path
}

/** Where a path really is, as far as it is there. */
interface Found {
  path: string
  missing: string[]
}

class OutsideError extends Error {}

function follow({ tree, isWholeTree }: SubPathMount, base: string, path: string): Found {
  const parts = path.slice(base === '/' ? 1 : base.length + 1).split('/').filter(Boolean)
  let at = base
  for (let links = 0; parts.length > 0;) {
    const part = parts.shift()!
    if (part === '.') continue
    if (part === '..') {
      if (isWholeTree && at === '/') throw new OutsideError()
      at = at.slice(0, at.lastIndexOf('/')) || '/'
      continue
    }
    const next = below(at, part)
    let stat
    try {
      stat = tree.lstat(next)
    } catch (error) {
      if (error instanceof UnixError && error.code === 'ENOENT') return { path: at, missing: [part, ...parts] }
      throw error
    }
    if (stat.type !== 'symlink') {
      at = next
      continue
    }
    if (++links > MAX_LINKS) throw new Error('too many links')
    const target = tree.readlink(next)
    if (target.startsWith('/')) {
      if (isWholeTree) throw new OutsideError()
      at = '/'
    }
    parts.unshift(...target.split('/').filter(Boolean))
  }
  return { path: at, missing: [] }
}

function below(directory: string, name: string): string {
  return `${directory === '/' ? '' : directory}/${name.split('/').filter((part) => part !== '' && part !== '.').join('/')}`
}

function isWithin(path: string, base: string): boolean {
  return base === '/' || path === base || path.startsWith(`${base}/`)
}
