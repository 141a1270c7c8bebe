import { MAX_NODE_SCORE, type PreScorePlugin, type ScorePlugin } from '../framework.ts'
import { PASS, SKIP } from '../status.ts'

const NAME = 'ImageLocality'
const MEBIBYTE = 1024 * 1024
const MIN_BYTES = 23 * MEBIBYTE
const MAX_BYTES_PER_CONTAINER = 1000 * MEBIBYTE

interface State {
  /** The pod's images that some node has, with the share of nodes that do. */
  images: { name: string; spread: number }[]
  mostBytes: number
}

/** `nginx` means `nginx:latest`. */
function withTag(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name
}

/** Prefers nodes that have large images already, unless few nodes do. k8s: plugins/imagelocality */
export const imageLocality: PreScorePlugin & ScorePlugin = {
  name: NAME,
  weight: 1,
  preScore({ pod, state }, _, { cluster }) {
    const { containers, initContainers = [], volumes = [] } = pod.spec
    const images: State['images'] = []
    for (const reference of [...initContainers.map((c) => c.image), ...containers.map((c) => c.image), ...volumes.map((v) => v.image?.reference)]) {
      if (!reference) continue
      const name = withTag(reference)
      const nodes = cluster.nodesWithImage(name)
      if (nodes > 0) images.push({ name, spread: nodes / cluster.nodes.length })
    }
    if (images.length === 0) return SKIP
    state.set(NAME, { images, mostBytes: MAX_BYTES_PER_CONTAINER * (containers.length + initContainers.length) } satisfies State)
    return PASS
  },
  score({ state }, node, { cluster }) {
    const { images, mostBytes } = state.get(NAME) as State
    let bytes = 0
    for (const { name, spread } of images) if (node.images.has(name)) bytes += Math.trunc(cluster.imageBytes(name) * spread)
    return Math.trunc(MAX_NODE_SCORE * (Math.min(Math.max(bytes, MIN_BYTES), mostBytes) - MIN_BYTES) / (mostBytes - MIN_BYTES))
  },
}
