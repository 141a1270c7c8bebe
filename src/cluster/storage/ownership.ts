import type { MountableFileSystem } from '../../unix/types.ts'
import type { Pod } from '../kinds/generated/types.ts'

/**
 * Gives a volume to the pod's group: everything in it, unless the policy is to look at its root only and that is as it should be.
 * k8s: pkg/volume volume_linux.go VolumeOwnership.ChangePermissions
 */
export function giveToGroup(files: MountableFileSystem, root: string, pod: Pod): void {
  const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {}
  if (fsGroup === undefined) return
  const path = files.realpath(root)
  if (fsGroupChangePolicy === 'OnRootMismatch' && isGiven(files, path, fsGroup)) return
  give(files, path, fsGroup)
}

const FILE_BITS = 0o660
const DIRECTORY_BITS = FILE_BITS | 0o110 | 0o2000

/** k8s: requiresPermissionChange */
function isGiven(files: MountableFileSystem, root: string, group: number): boolean {
  const { gid, mode } = files.stat(root)
  return gid === group && (mode & DIRECTORY_BITS) === DIRECTORY_BITS
}

function give(files: MountableFileSystem, path: string, group: number): void {
  const stat = files.lstat(path)
  // What is below is changed first, so that a root that is right stands for a volume that is.
  if (stat.type === 'directory') for (const name of files.readdir(path)) give(files, `${path === '/' ? '' : path}/${name}`, group)
  if (stat.type === 'symlink') return
  files.chown(path, stat.uid, group)
  files.chmod(path, stat.mode | (stat.type === 'directory' ? DIRECTORY_BITS : FILE_BITS))
}
