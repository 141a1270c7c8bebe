import { MemoryFileSystem, createMemoryFileSystem } from '../../unix/file-system.ts'
import type { BlockDevice } from '../../unix/fs/block-device.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../kinds/generated/types.ts'
import { NodeExpansion, growing } from './node-expansion.ts'
import { giveToGroup } from './ownership.ts'
import type { MountedVolume, VolumeContext } from './volume.ts'

const NAME = 'kubernetes.io/local-volume'
const MOUNTS = '/var/lib/kubelet/plugins/kubernetes.io/local-volume/mounts'
const DEFAULT_FS_TYPE = 'ext4'

/**
 * A directory of the node, or what is on a block device of it, which is formatted if nothing is; or the device itself.
 * @throws Error with the text of an event. k8s: pkg/volume/local
 */
export async function setUpLocal(volume: PersistentVolume, claim: PersistentVolumeClaim, readOnly: boolean, pod: Pod, context: VolumeContext, signal: AbortSignal): Promise<MountedVolume> {
  const { nodeFiles } = context
  const name = volume.metadata.name!
  const { path, fsType } = volume.spec!.local!
  const isBlock = volume.spec!.volumeMode === 'Block'
  if (!nodeFiles.exists(path)) throw new Error(isBlock ? `MapVolume.MapPodDevice failed for volume ${JSON.stringify(name)} : stat ${path}: no such file or directory` : `MountVolume.NewMounter initialization failed for volume ${JSON.stringify(name)} : path ${JSON.stringify(path)} does not exist`)
  const device = (nodeFiles as MemoryFileSystem).blockDevice(path)
  if (isBlock) {
    if (!device) throw new Error(`MapVolume.MapPodDevice failed for volume ${JSON.stringify(name)} : ${path} is not a block device`)
    return { plugin: NAME, tree: nodeFiles, root: path, readOnly, device, usedBytes: () => 0 }
  }
  let root = path
  if (device) {
    root = `${MOUNTS}/${name}`
    mountOnce(nodeFiles as MemoryFileSystem, device, path, root, fsType ?? DEFAULT_FS_TYPE, context, name)
  }
  if (!readOnly) giveToGroup(nodeFiles, root, pod)
  const expansion = new NodeExpansion({
    volume, claim, pod, readOnly, context, signal,
    // A directory has the room that its disk has: there is nothing to do. k8s: localVolumePlugin.NodeExpand
    async expand() {
      if (device?.fileSystem) device.fileSystem.files.space.root.sizeLimitBytes = device.sizeBytes
    },
  })
  await expansion.whileMounting(async () => {})
  return growing({ plugin: NAME, tree: nodeFiles, root, readOnly, usedBytes: () => 0 }, expansion)
}

/** Mounts what is on a device for all pods of the node, and formats it if nothing is. k8s: mount-utils SafeFormatAndMount */
function mountOnce(files: MemoryFileSystem, device: BlockDevice, path: string, target: string, fsType: string, { clock, newUuid }: VolumeContext, name: string): void {
  files.mkdir(target, { recursive: true, mode: 0o750 })
  if (files.isMountPoint(target)) return
  try {
    if (!device.fileSystem) {
      const made = createMemoryFileSystem({ clock, sizeLimitBytes: device.sizeBytes })
      made.mkdir('/lost+found', { mode: 0o700 })
      device.format({ type: fsType, uuid: newUuid(), label: '', files: made })
    }
    const { files: onDevice, type } = device.fileSystem!
    if (type !== fsType) throw new Error(`failed to mount the volume as ${JSON.stringify(fsType)}, it already contains ${type}. Mount error: mount failed: exit status 32`)
    files.mount(target, onDevice, { source: path, type })
  } catch (error) {
    throw new Error(`MountVolume.MountDevice failed for volume ${JSON.stringify(name)} : local: failed to mount device ${path} at ${target} (fstype: ${fsType}), error ${(error as Error).message}`)
  }
}
