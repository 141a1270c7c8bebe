import type { Controller } from '../../client/controller-runner.ts'
import type { Node } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'

const ANNOTATION = 'node.alpha.kubernetes.io/ttl'
/** Up to how many nodes kubelets may keep Secrets and ConfigMaps for how many seconds; the sizes overlap, so that one node more or less changes little. */
const STEPS = [
  { sizeMin: 0, sizeMax: 100, ttlSeconds: 0 }, { sizeMin: 90, sizeMax: 500, ttlSeconds: 15 }, { sizeMin: 450, sizeMax: 1000, ttlSeconds: 30 },
  { sizeMin: 900, sizeMax: 2000, ttlSeconds: 60 }, { sizeMin: 1800, sizeMax: Infinity, ttlSeconds: 300 },
]

/** Tells kubelets by an annotation how long they may rely on what they have read. k8s: pkg/controller/ttl/ttl_controller.go */
export function nodeTtlController(): Controller {
  let step = 0
  return {
    name: 'ttl-controller', for: 'nodes',
    wants: ({ type, object }) => type !== 'delete' && object.metadata.annotations?.[ANNOTATION] !== String(STEPS[step]!.ttlSeconds),
    async reconcile(key, { api, cache }) {
      const node = cache.get<Node>('nodes', key)
      const count = cache.list('nodes').length
      while (count > STEPS[step]!.sizeMax) step++
      while (count < STEPS[step]!.sizeMin) step--
      const wanted = String(STEPS[step]!.ttlSeconds)
      if (!node || node.metadata.annotations?.[ANNOTATION] === wanted) return
      try {
        await api.patch('nodes', key, undefined, 'application/strategic-merge-patch+json', { metadata: { annotations: { [ANNOTATION]: wanted } } })
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error
      }
    },
  }
}
