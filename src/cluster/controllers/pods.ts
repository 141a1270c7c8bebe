import { findCondition } from '../client/conditions.ts'
import type { Pod, PodCondition } from '../kinds/generated/types.ts'

/** Milliseconds of an RFC 3339 text; 0 for none. */
export function timeMs(text: string | null | undefined): number {
  return text ? Date.parse(text) : 0
}

/** Whether the pod has ended for good. */
export function isPodTerminal(pod: Pod): boolean {
  const phase = pod.status?.phase
  return phase === 'Succeeded' || phase === 'Failed'
}

/** Neither ended nor being deleted. k8s: pkg/controller IsPodActive */
export function isPodActive(pod: Pod): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined
}

/** Being deleted, but not ended. k8s: pkg/controller IsPodTerminating */
export function isPodTerminating(pod: Pod): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp !== undefined
}

export function readyCondition(pod: Pod): PodCondition | undefined {
  return findCondition(pod.status?.conditions, 'Ready')
}

export function isPodReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === 'True'
}

/** Ready for at least `minReadySeconds`. k8s: pkg/api/v1/pod IsPodAvailable */
export function isPodAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const ready = readyCondition(pod)
  if (ready?.status !== 'True') return false
  return minReadySeconds === 0 || (!!ready.lastTransitionTime && timeMs(ready.lastTransitionTime) + minReadySeconds * 1000 <= nowMs)
}

/** Milliseconds until the next of the ready pods becomes available; undefined when none will by waiting. k8s: FindMinNextPodAvailabilityCheck */
export function nextAvailabilityMs(pods: readonly Pod[], minReadySeconds: number, nowMs: number): number | undefined {
  if (minReadySeconds <= 0) return undefined
  let next: number | undefined
  for (const pod of pods) {
    const ready = readyCondition(pod)
    if (ready?.status !== 'True') continue
    const restMs = timeMs(ready.lastTransitionTime) + minReadySeconds * 1000 - nowMs
    if (restMs > 0 && (next === undefined || restMs < next)) next = restMs
  }
  return next
}

const PHASE_RANK: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 }

function maxRestarts(pod: Pod): [regular: number, sidecar: number] {
  let regular = 0
  let sidecar = 0
  for (const status of pod.status?.containerStatuses ?? []) regular = Math.max(regular, status.restartCount ?? 0)
  const restartable = new Set((pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always').map((c) => c.name))
  for (const status of pod.status?.initContainerStatuses ?? []) if (restartable.has(status.name)) sidecar = Math.max(sidecar, status.restartCount ?? 0)
  return [regular, sidecar]
}

function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost']
  return text !== undefined && /^(0|-?[1-9][0-9]*)$/.test(text) ? Number(text) : 0
}

/** Ages in powers of two (of nanoseconds): so that which of several equally old pods goes is up to chance. */
function ageRank(time: string | null | undefined, nowMs: number): number {
  const ageNs = (nowMs - timeMs(time)) * 1e6
  return ageNs > 0 ? Math.floor(Math.log2(ageNs)) : -1
}

/**
 * Orders pods so that those whose loss hurts least come first; `ranks` counts active pods of the same owner on each pod's node.
 * k8s: pkg/controller ActivePodsWithRanks
 */
export function byDeletionPreference(ranks: ReadonlyMap<Pod, number>, nowMs: number): (a: Pod, b: Pod) => number {
  return (a, b) => {
    const nodeA = a.spec.nodeName ?? ''
    const nodeB = b.spec.nodeName ?? ''
    if (nodeA !== nodeB && (nodeA === '' || nodeB === '')) return nodeA === '' ? -1 : 1
    const phase = (PHASE_RANK[a.status?.phase ?? ''] ?? 0) - (PHASE_RANK[b.status?.phase ?? ''] ?? 0)
    if (phase !== 0) return phase
    const readyA = isPodReady(a)
    const readyB = isPodReady(b)
    if (readyA !== readyB) return readyA ? 1 : -1
    const cost = deletionCost(a) - deletionCost(b)
    if (cost !== 0) return cost
    const rank = (ranks.get(b) ?? 0) - (ranks.get(a) ?? 0)
    if (rank !== 0) return rank
    const byUid = () => a.metadata.uid! < b.metadata.uid! ? -1 : 1
    if (readyA && readyB) {
      const timeA = readyCondition(a)!.lastTransitionTime
      const timeB = readyCondition(b)!.lastTransitionTime
      if (timeA !== timeB) {
        if (!timeA || !timeB) return timeA ? 1 : -1
        return ageRank(timeA, nowMs) - ageRank(timeB, nowMs) || byUid()
      }
    }
    const [restartsA, sidecarsA] = maxRestarts(a)
    const [restartsB, sidecarsB] = maxRestarts(b)
    if (restartsA !== restartsB) return restartsB - restartsA
    if (sidecarsA !== sidecarsB) return sidecarsB - sidecarsA
    const createdA = a.metadata.creationTimestamp
    const createdB = b.metadata.creationTimestamp
    if (createdA !== createdB) return ageRank(createdA, nowMs) - ageRank(createdB, nowMs) || byUid()
    return 0
  }
}
