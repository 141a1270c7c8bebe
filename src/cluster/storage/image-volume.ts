import type { VolumePlugin } from './volume.ts'

/** The files of an image, read-only. k8s: pkg/volume/image */
export const imageVolumePlugin: VolumePlugin = {
  name: 'kubernetes.io/image',
  supports: (volume) => volume.image !== undefined,
  async setUp(volume, _pod, context) {
    if (!context.imageRoot) throw new Error('image volumes are not available on this node')
    const tree = await context.imageRoot(volume.image!.reference ?? '', volume.image!.pullPolicy)
    return { plugin: this.name, tree, root: '/', readOnly: true, usedBytes: () => 0 }
  },
}
