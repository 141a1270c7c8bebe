import type { MountableFileSystem } from '../../unix/types.ts'
import type { Mount } from './cri.ts'

/** What /proc/mounts says of the disk that a node's files are on. */
const NODE_DISK = { source: '/dev/vda1', type: 'ext4' }

/**
 * Puts a container's mounts into its root, outer ones first, so that a mount below another one isn't hidden by it. `withMounts` tells the
 * files that are to be mounted instead, together with what is mounted in them.
 */
export function mountAll(root: MountableFileSystem, mounts: readonly Mount[], withMounts: (mount: Mount) => MountableFileSystem | undefined = () => undefined): void {
  const byDepth = [...mounts].sort((a, b) => depth(a.containerPath) - depth(b.containerPath))
  for (const mount of byDepth) {
    const { containerPath, tree, subPath, readOnly, inMemory, propagation } = mount
    const whole = withMounts(mount)
    const propagates = { shared: propagation === 'Bidirectional', receives: propagation === 'HostToContainer' || propagation === 'Bidirectional' }
    if (whole && (subPath ?? '/') === '/') root.mountWithMounts(containerPath, whole, { readOnly, ...propagates, ...NODE_DISK })
    else if (whole && propagation !== 'Bidirectional') root.mount(containerPath, whole, { readOnly, recursive: true, ...propagates, subPath: subPath!, ...NODE_DISK })
    else root.mount(containerPath, tree, { readOnly, recursive: true, ...propagates, ...(subPath ? { subPath } : {}), ...(inMemory ? {} : NODE_DISK) })
  }
}

function depth(path: string): number {
  let count = 0
  for (let i = 1; i < path.length; i++) if (path[i] !== '/' && path[i - 1] === '/') count++
  return count
}
