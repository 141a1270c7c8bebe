import { rfc3339, type Timer } from '../../../base/clock.ts'
import { conditionInPatch } from '../../client/conditions.ts'
import type { Controller, ControllerContext } from '../../client/controller-runner.ts'
import { keyOf } from '../../client/informers.ts'
import { toleratesTaint } from '../../client/tolerations.ts'
import type { Node, Pod, Taint, Toleration } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { timeMs } from '../pods.ts'
import { PODS_BY_NODE } from './node-lifecycle.ts'

/**
 * How long the pod may stay: seconds, Infinity for ever, or 0 when a taint isn't tolerated at all.
 * k8s: processPodOnNode
 */
export function secondsTolerated(taints: readonly Taint[], tolerations: readonly Toleration[] | undefined): number {
  let seconds = Infinity
  for (const taint of taints) {
    const used = (tolerations ?? []).filter((toleration) => toleratesTaint(toleration, taint))
    if (used.length === 0) return 0
    for (const { tolerationSeconds } of used) if (tolerationSeconds !== undefined) seconds = Math.min(seconds, Math.max(0, tolerationSeconds))
  }
  return seconds
}

/** Deletes pods from nodes with NoExecute taints once they have stayed as long as they may. k8s: pkg/controller/tainteviction */
export function taintEvictionController(): Controller {
  const pending = new Map<string, { dueMs: number; timer: Timer }>()
  const cancel = (key: string) => {
    pending.get(key)?.timer.cancel()
    return pending.delete(key)
  }

  async function evict(key: string, uid: string, { api, cache, clock, events, enqueue }: ControllerContext): Promise<void> {
    pending.delete(key)
    const pod = cache.get<Pod>('pods', key)
    if (!pod || pod.metadata.uid !== uid || pod.metadata.deletionTimestamp !== undefined) return
    const { name, namespace, generation } = pod.metadata
    events.event(podReference(pod), 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${namespace}/${name}`)
    try {
      await api.patch('pods', name!, namespace, 'application/strategic-merge-patch+json', {
        metadata: { uid },
        status: conditionInPatch(pod.status?.conditions, {
          type: 'DisruptionTarget', ...(generation ? { observedGeneration: generation } : {}), status: 'True', lastTransitionTime: rfc3339(clock.nowMs()),
          reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint',
        }),
      }, { subresource: 'status' })
      await api.delete('pods', name!, namespace)
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) enqueue(key, 1000)
    }
  }

  return {
    name: 'taint-eviction-controller', for: 'pods', reads: ['nodes'],
    indexes: [{ resource: 'pods', ...PODS_BY_NODE }],
    wants: ({ type, object, old }) => type !== 'update' || object.spec.nodeName !== old.spec.nodeName || object.metadata.generation !== old.metadata.generation,
    watches: [{
      resource: 'nodes',
      keys: ({ type, object, old }, { cache }) => {
        const taints = type === 'delete' ? [] : noExecuteTaints(object)
        if (taints.length === 0 && (!old || noExecuteTaints(old).length === 0) && type !== 'delete') return []
        return cache.byIndex<Pod>('pods', PODS_BY_NODE.name, object.metadata.name).map(keyOf)
      },
    }],
    start: () => () => { for (const key of [...pending.keys()]) cancel(key) },
    async reconcile(key, context) {
      const { cache, clock, events } = context
      const pod = cache.get<Pod>('pods', key)
      if (!pod || !pod.spec.nodeName) {
        cancel(key)
        return
      }
      const node = cache.get<Node>('nodes', pod.spec.nodeName)
      const taints = node ? noExecuteTaints(node) : []
      const seconds = taints.length === 0 ? Infinity : secondsTolerated(taints, pod.spec.tolerations)
      if (seconds === Infinity) {
        const { name, namespace } = pod.metadata
        if (cancel(key)) events.event(podReference(pod), 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${namespace}/${name}`)
        return
      }
      const uid = pod.metadata.uid!
      if (seconds === 0) {
        cancel(key)
        await evict(key, uid, context)
        return
      }
      // The time counts from when the controller saw the taint first.
      const known = pending.get(key)
      const startMs = Math.min(clock.nowMs(), ...taints.map((taint) => taint.timeAdded ? timeMs(taint.timeAdded) : Infinity))
      const dueMs = startMs + seconds * 1000
      if (known && known.dueMs <= dueMs) return
      cancel(key)
      pending.set(key, { dueMs, timer: clock.after(dueMs - clock.nowMs(), () => void evict(key, uid, context)) })
    },
  }
}

/** Upstream's events tell of a pod by its name alone. k8s: emitPodDeletionEvent */
const podReference = ({ metadata: { name, namespace } }: Pod) => ({ apiVersion: 'v1', kind: 'Pod', name: name!, namespace: namespace! })

function noExecuteTaints(node: Node): Taint[] {
  return (node.spec?.taints ?? []).filter((taint) => taint.effect === 'NoExecute')
}
