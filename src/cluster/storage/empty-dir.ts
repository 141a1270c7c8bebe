import type { MountableFileSystem } from '../../unix/types.ts'
import { quantityValue } from '../kinds/quantity.ts'
import type { VolumePlugin } from './volume.ts'

/** Scratch space for as long as the pod lives. k8s: pkg/volume/emptydir */
export const emptyDirPlugin: VolumePlugin = {
  name: 'kubernetes.io/empty-dir',
  supports: (volume) => volume.emptyDir !== undefined,
  async setUp(volume, pod, context) {
    const { medium, sizeLimit } = volume.emptyDir!
    const gid = pod.spec.securityContext?.fsGroup
    const prepare = (tree: MountableFileSystem, root: string) => {
      tree.chmod(root, gid === undefined ? 0o777 : 0o2777)
      if (gid !== undefined) tree.chown(root, 0, gid)
    }
    if (medium === 'Memory') {
      // Only tmpfs is bounded by the kernel; a limit on disk is watched and punished by eviction.
      const tree = context.createFileSystem(sizeLimit === undefined ? {} : { maxBytes: quantityValue(sizeLimit) })
      prepare(tree, '/')
      return { plugin: this.name, tree, root: '/', readOnly: false, inMemory: true, usedBytes: () => tree.usedBytes() }
    }
    // On the node's disk, so that it outlives the kubelet like the pod does.
    const { nodeFiles } = context
    const root = `/var/lib/kubelet/pods/${pod.metadata.uid}/volumes/kubernetes.io~empty-dir/${volume.name}`
    if (!nodeFiles.exists(root)) {
      nodeFiles.mkdir(root, { recursive: true })
      prepare(nodeFiles, root)
    }
    return { plugin: this.name, tree: nodeFiles, root, readOnly: false, usedBytes: () => bytesBelow(nodeFiles, root), tearDown: () => nodeFiles.remove(root, { recursive: true, force: true }) }
  },
}

function bytesBelow(files: MountableFileSystem, path: string): number {
  const stat = files.lstat(path)
  if (stat.type !== 'directory') return stat.type === 'file' ? stat.sizeBytes : 0
  return files.readdir(path).reduce((sum, name) => sum + bytesBelow(files, `${path}/${name}`), 0)
}
