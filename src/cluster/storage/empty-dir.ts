import { quantityValue } from '../kinds/quantity.ts'
import type { VolumePlugin } from './volume.ts'

/** Scratch space for as long as the pod lives. k8s: pkg/volume/emptydir */
export const emptyDirPlugin: VolumePlugin = {
  name: 'kubernetes.io/empty-dir',
  supports: (volume) => volume.emptyDir !== undefined,
  async setUp(volume, pod, context) {
    const { medium, sizeLimit } = volume.emptyDir!
    // Only tmpfs is bounded by the kernel; a limit on disk is watched and punished by eviction.
    const maxBytes = medium === 'Memory' && sizeLimit !== undefined ? quantityValue(sizeLimit) : undefined
    const tree = context.createFileSystem(maxBytes === undefined ? {} : { maxBytes })
    tree.chmod('/', 0o777)
    const gid = pod.spec.securityContext?.fsGroup
    if (gid !== undefined) {
      tree.chown('/', 0, gid)
      tree.chmod('/', 0o2777)
    }
    return { plugin: this.name, tree, root: '/', readOnly: false, usedBytes: () => tree.usedBytes() }
  },
}
