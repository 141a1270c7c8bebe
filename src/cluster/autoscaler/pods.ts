import { findCondition } from '../client/conditions.ts'
import { selects } from '../client/label-selection.ts'
import { controllerOf } from '../client/owner-references.ts'
import type { Node, Pod, PodDisruptionBudget } from '../kinds/generated/types.ts'
import type { AutoscalingOptions } from './options.ts'

const SAFE_TO_EVICT = 'cluster-autoscaler.kubernetes.io/safe-to-evict'
const SAFE_LOCAL_VOLUMES = 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes'
const MIRROR = 'kubernetes.io/config.mirror'
/** Until then a pod whose time to end is over may still be there. k8s: drain.PodLongTerminatingExtraThreshold */
const LONG_TERMINATING_MS = 30_000
/** Kinds of controllers that bring a pod back. */
const REPLICATING = ['ReplicationController', 'Job', 'ReplicaSet', 'StatefulSet']

export const isMirrorPod = ({ metadata }: Pod) => metadata.annotations?.[MIRROR] !== undefined
export const isDaemonSetPod = (pod: Pod) => controllerOf(pod)?.kind === 'DaemonSet' || pod.metadata.annotations?.['cluster-autoscaler.kubernetes.io/daemonset-pod'] === 'true'
/** Whether it has ended for good. */
export const isOver = ({ status }: Pod) => status?.phase === 'Succeeded' || status?.phase === 'Failed'

/** Whether the scheduler has said that there is no place for a pod. k8s: utils/kubernetes UnschedulablePods */
export function isUnschedulable(pod: Pod): boolean {
  const condition = findCondition(pod.status?.conditions, 'PodScheduled')
  return !pod.spec.nodeName && condition?.status === 'False' && condition.reason === 'Unschedulable' && pod.metadata.deletionTimestamp === undefined && !isOver(pod)
}

/** Whether a node takes pods. k8s: utils/kubernetes GetNodeReadiness */
export const isReady = ({ status }: Node) => findCondition(status?.conditions, 'Ready')?.status === 'True'

/** Why a pod holds its node. k8s: utils/drain BlockingPodReason */
export type BlockingReason = 'NotReplicated' | 'LocalStorageRequested' | 'NotSafeToEvictAnnotation' | 'UnmovableKubeSystemPod' | 'NotEnoughPdb'

/** The pods that leave with a node, or the one that holds it. Mirror pods and those of DaemonSets go with it. k8s: simulator/drainability/rules */
export function podsToMove(pods: readonly Pod[], budgets: readonly PodDisruptionBudget[], options: AutoscalingOptions, nowMs: number): { pods: Pod[] } | { blocked: Pod; reason: BlockingReason } {
  const moving: Pod[] = []
  for (const pod of pods) {
    if (isMirrorPod(pod) || isDaemonSetPod(pod) || isLongTerminating(pod, nowMs)) continue
    const reason = blockedBy(pod, budgets.filter((budget) => isAbout(budget, pod)), options, nowMs)
    if (reason) return { blocked: pod, reason }
    moving.push(pod)
  }
  return { pods: moving }
}

/** Budgets once pods have been taken from what they allow. k8s: core/scaledown/pdb RemovePods */
export function withoutPods(budgets: readonly PodDisruptionBudget[], pods: readonly Pod[]): readonly PodDisruptionBudget[] {
  return budgets.map((budget) => {
    const count = pods.filter((pod) => isAbout(budget, pod)).length
    return count === 0 ? budget : { ...budget, status: { ...budget.status!, disruptionsAllowed: (budget.status?.disruptionsAllowed ?? 0) - count } }
  })
}

const isAbout = ({ metadata, spec }: PodDisruptionBudget, pod: Pod) => metadata.namespace === pod.metadata.namespace && selects(spec?.selector, pod.metadata.labels)

/** The first rule that has something to say decides. */
function blockedBy(pod: Pod, budgets: readonly PodDisruptionBudget[], options: AutoscalingOptions, nowMs: number): BlockingReason | undefined {
  const safe = pod.metadata.annotations?.[SAFE_TO_EVICT]
  if (safe === 'true' || isOver(pod)) return undefined
  const kind = controllerOf(pod)?.kind
  if (kind === undefined || (options.skipNodesWithCustomControllerPods && !REPLICATING.includes(kind))) return 'NotReplicated'
  if (pod.metadata.namespace === 'kube-system' && options.skipNodesWithSystemPods && budgets.length === 0) {
    const hasBlockedLongEnough = Date.parse(pod.metadata.creationTimestamp ?? '') + options.systemPodsBlockMs < nowMs
    return hasBlockedLongEnough ? undefined : 'UnmovableKubeSystemPod'
  }
  if (safe === 'false') return 'NotSafeToEvictAnnotation'
  if (options.skipNodesWithLocalStorage && hasLocalStorage(pod)) return 'LocalStorageRequested'
  return budgets.some(({ status }) => (status?.disruptionsAllowed ?? 0) < 1) ? 'NotEnoughPdb' : undefined
}

function hasLocalStorage({ spec, metadata }: Pod): boolean {
  const safe = new Set((metadata.annotations?.[SAFE_LOCAL_VOLUMES] ?? '').split(',').filter(Boolean))
  return (spec.volumes ?? []).some(({ name, hostPath, emptyDir }) => (hostPath !== undefined || (emptyDir !== undefined && emptyDir.medium !== 'Memory')) && !safe.has(name))
}

function isLongTerminating({ metadata, spec }: Pod, nowMs: number): boolean {
  if (metadata.deletionTimestamp === undefined) return false
  const graceMs = (spec.terminationGracePeriodSeconds ?? 30) * 1_000
  // deletionTimestamp already lies at the end of the grace period; Kubernetes counts it once more.
  return Date.parse(metadata.deletionTimestamp) + graceMs + LONG_TERMINATING_MS < nowMs
}
