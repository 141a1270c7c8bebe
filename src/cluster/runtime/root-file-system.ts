import type { MountableFileSystem } from '../../unix/types.ts'
import type { Mount } from './cri.ts'

/** What /proc/mounts says of the disk that a node's files are on. */
const NODE_DISK = { source: '/dev/vda1', type: 'ext4' }

/** Puts a container's mounts into its root, outer ones first, so that a mount below another one isn't hidden by it. */
export function mountAll(root: MountableFileSystem, mounts: readonly Mount[]): void {
  const byDepth = [...mounts].sort((a, b) => depth(a.containerPath) - depth(b.containerPath))
  for (const { containerPath, tree, subPath, readOnly, inMemory } of byDepth) root.mount(containerPath, tree, { readOnly, ...(subPath ? { subPath } : {}), ...(inMemory ? {} : NODE_DISK) })
}

function depth(path: string): number {
  let count = 0
  for (let i = 1; i < path.length; i++) if (path[i] !== '/' && path[i - 1] === '/') count++
  return count
}
