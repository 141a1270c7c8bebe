import { MAX_NODE_SCORE, type ScorePlugin } from '../framework.ts'

const MEBIBYTE = 1024 * 1024
const MIN_BYTES = 23 * MEBIBYTE
const MAX_BYTES_PER_CONTAINER = 1000 * MEBIBYTE

/** `nginx` means `nginx:latest`. */
function withTag(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name
}

/** Prefers nodes that have large images already, unless few nodes do. k8s: plugins/imagelocality */
export const imageLocality: ScorePlugin = {
  name: 'ImageLocality',
  weight: 1,
  score({ pod }, node, { cluster }) {
    if (node.images.size === 0) return 0
    let bytes = 0
    const look = (reference: string | undefined) => {
      if (!reference) return
      const name = withTag(reference)
      const size = node.images.get(name)
      if (size !== undefined) bytes += Math.trunc(size * cluster.nodesWithImage(name) / cluster.nodes.length)
    }
    for (const container of pod.spec.initContainers ?? []) look(container.image)
    for (const container of pod.spec.containers) look(container.image)
    for (const volume of pod.spec.volumes ?? []) look(volume.image?.reference)
    const most = MAX_BYTES_PER_CONTAINER * (pod.spec.containers.length + (pod.spec.initContainers?.length ?? 0))
    return Math.trunc(MAX_NODE_SCORE * (Math.min(Math.max(bytes, MIN_BYTES), most) - MIN_BYTES) / (most - MIN_BYTES))
  },
}
