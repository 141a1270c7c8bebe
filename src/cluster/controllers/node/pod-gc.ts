import { rfc3339 } from '../../../base/clock.ts'
import { conditionInPatch } from '../../client/conditions.ts'
import type { Controller, ControllerContext } from '../../client/controller-runner.ts'
import type { Node, Pod } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { isPodTerminal, timeMs } from '../pods.ts'

const CHECK_MS = 20_000
const QUARANTINE_MS = 40_000
/** k8s: TerminatedPodGCThreshold */
const TERMINATED_THRESHOLD = 12_500
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service'

/** Removes pods whose node is gone, that were never placed, or of which there are too many that have ended. k8s: pkg/controller/podgc */
export function podGcController(terminatedThreshold = TERMINATED_THRESHOLD): Controller {
  const missingSince = new Map<string, number>()
  let stopped = false

  async function collect(context: ControllerContext): Promise<void> {
    const { api, cache, clock } = context
    const nowMs = clock.nowMs()
    const pods = cache.list<Pod>('pods')
    const nodes = new Map(cache.list<Node>('nodes').map((node) => [node.metadata.name!, node]))
    const ended = pods.filter((pod) => isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined)
    if (terminatedThreshold > 0 && ended.length > terminatedThreshold) {
      const isEvicted = (pod: Pod) => pod.status?.phase === 'Failed' && pod.status.reason === 'Evicted'
      ended.sort((a, b) => Number(isEvicted(b)) - Number(isEvicted(a)) || timeMs(a.metadata.creationTimestamp) - timeMs(b.metadata.creationTimestamp))
      for (const pod of ended.slice(0, ended.length - terminatedThreshold)) await remove(pod, context)
    }
    const missing = new Set<string>()
    for (const pod of pods) {
      const name = pod.spec.nodeName
      if (!name) {
        if (pod.metadata.deletionTimestamp !== undefined && !isPodTerminal(pod)) await remove(pod, context)
        continue
      }
      const node = nodes.get(name)
      if (node) {
        const isOut = node.spec?.taints?.some((taint) => taint.key === OUT_OF_SERVICE) && !node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
        if (isOut && pod.metadata.deletionTimestamp !== undefined) await remove(pod, context)
        continue
      }
      missing.add(name)
      const since = missingSince.get(name)
      if (since === undefined) {
        missingSince.set(name, nowMs)
        continue
      }
      if (nowMs - since < QUARANTINE_MS) continue
      const exists = await api.get('nodes', name).then(() => true, (error: unknown) => !isStatusError(error, 'NotFound'))
      if (!exists) await remove(pod, context, { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' })
    }
    for (const name of missingSince.keys()) if (!missing.has(name)) missingSince.delete(name)
  }

  return {
    name: 'pod-garbage-collector', for: 'nodes', reads: ['pods'], wants: () => false,
    start(context) {
      const loop = () => {
        if (stopped) return
        void collect(context).catch((error: unknown) => context.log.info('pods were not all collected', { error: String(error) }))
        context.clock.after(CHECK_MS, loop)
      }
      context.clock.after(CHECK_MS, loop)
      return () => { stopped = true }
    },
    async reconcile() {},
  }
}

/** k8s: markFailedAndDeletePodWithCondition */
async function remove(pod: Pod, { api, clock }: ControllerContext, condition?: { type: string; status: string; reason: string; message: string }): Promise<void> {
  const { name, namespace, uid, generation } = pod.metadata
  try {
    if (!isPodTerminal(pod)) await api.patch('pods', name!, namespace, 'application/strategic-merge-patch+json', {
      metadata: { uid },
      status: {
        phase: 'Failed', ...(generation ? { observedGeneration: generation } : {}),
        ...(condition ? conditionInPatch(pod.status?.conditions, { ...condition, ...(generation ? { observedGeneration: generation } : {}), lastTransitionTime: rfc3339(clock.nowMs()) }) : {}),
      },
    }, { subresource: 'status' })
    await api.delete('pods', name!, namespace, { gracePeriodSeconds: 0 })
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
}
