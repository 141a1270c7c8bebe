import { rfc3339 } from '../../base/clock.ts'
import { deepEqual } from '../../base/freeze.ts'
import { findCondition } from '../client/conditions.ts'
import type { Controller, ControllerContext } from '../client/controller-runner.ts'
import { keyOf } from '../client/informers.ts'
import { holdsAll, matcherOf } from '../client/label-selection.ts'
import { controllerOf } from '../client/owner-references.ts'
import type { Pod, ReplicaSet, ReplicaSetStatus, ReplicationController } from '../kinds/generated/types.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { compact } from './compact.ts'
import { claim, ORPHANS } from './ownership.ts'
import { createOwnedPod, deleteOwnedPod, isNamespaceTerminating, messageOf, podFromTemplate, slowStart, startAll } from './pod-control.ts'
import { byDeletionPreference, isPodActive, isPodAvailable, isPodReady, isPodTerminating, nextAvailabilityMs } from './pods.ts'

/** Most pods that one run creates or deletes. k8s: BurstReplicas */
const BURST_REPLICAS = 500

/** What a ReplicaSet and a ReplicationController have in common. */
type Replicated = ReplicaSet | ReplicationController

/** How many pods to create, and which to remove. */
export interface ReplicasPlan {
  create: number
  remove: Pod[]
}

/**
 * Compares wanted with active pods. `relatedPods` are pods of the same Deployment, for spreading what is left over the nodes.
 * k8s: pkg/controller/replicaset manageReplicas
 */
function planReplicas(replicas: number, activePods: readonly Pod[], relatedPods: () => readonly Pod[], nowMs: number): ReplicasPlan {
  const diff = Math.max(-BURST_REPLICAS, Math.min(BURST_REPLICAS, activePods.length - replicas))
  if (diff <= 0) return { create: -diff, remove: [] }
  if (diff === activePods.length) return { create: 0, remove: [...activePods] }
  const podsOnNode = new Map<string, number>()
  for (const pod of relatedPods()) {
    if (!isPodActive(pod)) continue
    const node = pod.spec.nodeName ?? ''
    podsOnNode.set(node, (podsOnNode.get(node) ?? 0) + 1)
  }
  const ranks = new Map(activePods.map((pod) => [pod, podsOnNode.get(pod.spec.nodeName ?? '') ?? 0]))
  return { create: 0, remove: [...activePods].sort(byDeletionPreference(ranks, nowMs)).slice(0, diff) }
}

/** The status that the pods give. k8s: pkg/controller/replicaset calculateStatus */
function computeReplicaStatus(owner: Readonly<Replicated>, activePods: readonly Pod[], terminatingPods: readonly Pod[] | undefined, failure: unknown, nowMs: number): ReplicaSetStatus {
  const minReadySeconds = owner.spec!.minReadySeconds ?? 0
  const templateLabels = owner.spec!.template!.metadata?.labels
  let fullyLabeledReplicas = 0
  let readyReplicas = 0
  let availableReplicas = 0
  for (const pod of activePods) {
    if (holdsAll(templateLabels, pod.metadata.labels)) fullyLabeledReplicas++
    if (!isPodReady(pod)) continue
    readyReplicas++
    if (isPodAvailable(pod, minReadySeconds, nowMs)) availableReplicas++
  }
  let conditions = owner.status?.conditions
  const failing = findCondition(conditions, 'ReplicaFailure')
  if (failure !== undefined && !failing) {
    const diff = activePods.length - owner.spec!.replicas!
    conditions = [...conditions ?? [], {
      type: 'ReplicaFailure', status: 'True', lastTransitionTime: rfc3339(nowMs),
      ...(diff === 0 ? {} : { reason: diff < 0 ? 'FailedCreate' : 'FailedDelete' }), message: messageOf(failure),
    }]
  } else if (failure === undefined && failing) {
    conditions = conditions!.filter((condition) => condition !== failing)
  }
  return compact({
    ...owner.status, replicas: activePods.length, fullyLabeledReplicas: fullyLabeledReplicas || undefined, readyReplicas: readyReplicas || undefined,
    availableReplicas: availableReplicas || undefined, ...(terminatingPods ? { terminatingReplicas: terminatingPods.length } : {}),
    conditions: conditions?.length ? [...conditions] : undefined,
  })
}

async function reconcile(key: string, context: ControllerContext, of: Flavour): Promise<{ requeueAfterMs?: number } | void> {
  const { api, cache, clock } = context
  const owner = cache.get<Replicated>(of.resource, key)
  if (!owner) return
  const matches = of.matcher(owner)
  const owned = cache.ownedBy<Pod>(owner, 'pods')
  const activePods = await claim<Pod>('pods', owner, (pod) => matches(pod.metadata.labels), { api, cache, wants: isPodActive })
  const terminatingPods = of.countsTerminating ? owned.filter((pod) => isPodTerminating(pod) && matches(pod.metadata.labels)) : undefined

  let failure: unknown
  if (owner.metadata.deletionTimestamp === undefined) {
    const plan = planReplicas(owner.spec!.replicas!, activePods, () => of.related(owner, context), clock.nowMs())
    if (plan.create > 0) {
      const pod = podFromTemplate(owner.spec!.template!, owner)
      failure = (await slowStart(plan.create, () => createOwnedPod(pod, owner, context).catch((error: unknown) => {
        if (!isNamespaceTerminating(error)) throw error
      }), clock)).error
    } else {
      for (const result of await startAll(plan.remove, (pod) => deleteOwnedPod(pod, owner, context), clock))
        if (result.status === 'rejected' && !isStatusError(result.reason, 'NotFound')) failure ??= result.reason
    }
  }

  const nowMs = clock.nowMs()
  const status = computeReplicaStatus(owner, activePods, terminatingPods, failure, nowMs)
  const { generation } = owner.metadata
  if (!deepEqual(status, { ...owner.status, replicas: owner.status?.replicas ?? 0 }) || generation !== owner.status?.observedGeneration)
    await updateStatus(owner, { ...status, observedGeneration: generation }, of, context)
  if (failure !== undefined) throw failure
  const minReadySeconds = owner.spec!.minReadySeconds ?? 0
  if (minReadySeconds > 0 && status.readyReplicas !== status.availableReplicas)
    return { requeueAfterMs: nextAvailabilityMs(activePods, minReadySeconds, nowMs) ?? minReadySeconds * 1000 }
}

/** Writes the status; once more on the current object when someone else was faster. */
async function updateStatus(owner: Replicated, status: ReplicaSetStatus, of: Flavour, { api }: ControllerContext): Promise<void> {
  try {
    await api.updateStatus(of.resource, { ...owner, status })
  } catch (error) {
    if (!isStatusError(error, 'Conflict')) throw error
    const fresh = await api.get<Replicated>(of.resource, owner.metadata.name!, owner.metadata.namespace)
    await api.updateStatus(of.resource, { ...fresh, status })
  }
}

interface Flavour {
  resource: 'replicasets.apps' | 'replicationcontrollers'
  matcher(owner: Replicated): (labels: Record<string, string> | undefined) => boolean
  countsTerminating: boolean
  related(owner: Replicated, context: ControllerContext): readonly Pod[]
}

/** How long a set rests between runs: each run looks at every pod, so the large ones gather more changes for a run. */
export const restMs = (replicas: number | undefined) => Math.min(5 + (replicas ?? 0) / 30, 50)

function replicaController(name: string, of: Flavour): Controller {
  return {
    name, for: of.resource, owns: ['pods'], minIntervalMs: (key, cache) => restMs(cache.get<Replicated>(of.resource, key)?.spec?.replicas),
    indexes: [{ resource: 'pods', ...ORPHANS }],
    watches: [{
      resource: 'pods',
      // An orphan may be what a set is waiting for.
      keys: ({ type, object }, { cache }) => type === 'delete' || controllerOf(object) ? []
        : cache.list<Replicated>(of.resource, object.metadata.namespace).filter((owner) => of.matcher(owner)(object.metadata.labels)).map(keyOf),
    }],
    reconcile: (key, context) => reconcile(key, context, of),
  }
}

/** Pods of all ReplicaSets of the same Deployment. k8s: getIndirectlyRelatedPods */
function podsOfSiblings(owner: Replicated, { cache }: ControllerContext): readonly Pod[] {
  const parent = controllerOf(owner)
  if (!parent) return cache.ownedBy<Pod>(owner, 'pods')
  return cache.list<ReplicaSet>('replicasets.apps', owner.metadata.namespace)
    .filter((sibling) => controllerOf(sibling)?.uid === parent.uid).flatMap((sibling) => cache.ownedBy<Pod>(sibling, 'pods'))
}

/** Keeps the wanted number of pods. k8s: pkg/controller/replicaset */
export const replicaSetController = replicaController('replicaset-controller', {
  resource: 'replicasets.apps',
  matcher: (owner) => matcherOf((owner as ReplicaSet).spec!.selector),
  countsTerminating: true,
  related: podsOfSiblings,
})

/** The same for ReplicationControllers. k8s: pkg/controller/replication */
export const replicationController = replicaController('replication-controller', {
  resource: 'replicationcontrollers',
  matcher: (owner) => (labels) => holdsAll((owner as ReplicationController).spec!.selector, labels),
  countsTerminating: false,
  related: (owner, { cache }) => cache.ownedBy<Pod>(owner, 'pods'),
})
