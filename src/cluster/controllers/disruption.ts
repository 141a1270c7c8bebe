import { rfc3339 } from '../../base/clock.ts'
import { deepEqual } from '../../base/freeze.ts'
import { withCondition } from '../client/conditions.ts'
import type { Controller, ControllerContext } from '../client/controller-runner.ts'
import { keyOf } from '../client/informers.ts'
import { selects } from '../client/label-selection.ts'
import { controllerOf } from '../client/owner-references.ts'
import { goLabelSelector } from '../kinds/label-selector.ts'
import type { Condition } from '../kinds/object.ts'
import type { Pod, PodDisruptionBudget, PodDisruptionBudgetStatus, ReplicaSet } from '../kinds/generated/types.ts'
import { compact } from './compact.ts'
import { scaledValue } from './int-or-percent.ts'
import { messageOf } from './pod-control.ts'
import { isPodReady, timeMs } from './pods.ts'

/** How long an allowed eviction may take to show as a deletion. k8s: DeletionTimeout */
const DELETION_TIMEOUT_MS = 2 * 60_000
const SCALED: Record<string, string> = { ReplicaSet: 'replicasets.apps', StatefulSet: 'statefulsets.apps', ReplicationController: 'replicationcontrollers', Deployment: 'deployments.apps' }

/** Tells how many pods may be evicted. k8s: pkg/controller/disruption */
export const disruptionController: Controller = {
  name: 'disruption-controller', for: 'poddisruptionbudgets.policy', reads: ['replicasets.apps', 'statefulsets.apps', 'replicationcontrollers', 'deployments.apps'],
  minIntervalMs: 4,
  // Of the controllers of pods only what they say is read: their changes show in pods.
  watches: [
    {
      resource: 'pods',
      keys: ({ type, object, old }, { cache }) => {
        if (type === 'update' && isPodReady(object) === isPodReady(old) && object.metadata.deletionTimestamp === old.metadata.deletionTimestamp && object.metadata.labels === old.metadata.labels && object.status?.phase === old.status?.phase) return []
        return cache.list<PodDisruptionBudget>('poddisruptionbudgets.policy', object.metadata.namespace).filter((pdb) => selects(pdb.spec!.selector, object.metadata.labels) || (old && selects(pdb.spec!.selector, old.metadata.labels))).map(keyOf)
      },
    },
  ],
  async reconcile(key, context) {
    const { api, cache, clock, events } = context
    const pdb = cache.get<PodDisruptionBudget>('poddisruptionbudgets.policy', key)
    if (!pdb) return
    const nowMs = clock.nowMs()
    const pods = cache.list<Pod>('pods', pdb.metadata.namespace).filter((pod) => selects(pdb.spec!.selector, pod.metadata.labels))
    if (pods.length === 0) events.event(pdb, 'Normal', 'NoPods', 'No matching pods found')
    let expected: number
    let desired: number
    try {
      ({ expected, desired } = computeExpectation(pdb, pods, context))
    } catch (error) {
      const message = messageOf(error)
      events.event(pdb, 'Warning', 'CalculateExpectedPodCountFailed', `Failed to calculate the number of expected pods: ${message}`)
      const conditions = withCondition(pdb.status?.conditions as Condition[] | undefined, { type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message, observedGeneration: pdb.status?.observedGeneration ?? 0 }, nowMs)
      await api.updateStatus('poddisruptionbudgets.policy', { ...pdb, status: { ...pdb.status, disruptionsAllowed: 0, conditions } })
      throw error
    }
    // Evictions that were allowed but haven't shown yet.
    const disrupted: Record<string, string> = {}
    let recheckMs: number | undefined
    for (const pod of pods) {
      const at = pdb.status?.disruptedPods?.[pod.metadata.name!]
      if (at === undefined || pod.metadata.deletionTimestamp !== undefined) continue
      const restMs = timeMs(at) + DELETION_TIMEOUT_MS - nowMs
      if (restMs < 0) {
        events.event(pod, 'Warning', 'NotDeleted', `Pod was expected by PDB ${pdb.metadata.namespace}/${pdb.metadata.namespace} to be deleted but it wasn't`)
        continue
      }
      disrupted[pod.metadata.name!] = at
      recheckMs = Math.min(recheckMs ?? Infinity, restMs)
    }
    const healthy = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && disrupted[pod.metadata.name!] === undefined && isPodReady(pod)).length
    const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired)
    const generation = pdb.metadata.generation
    const next: PodDisruptionBudgetStatus = compact({
      currentHealthy: healthy, desiredHealthy: desired, expectedPods: expected, disruptionsAllowed: allowed,
      disruptedPods: Object.keys(disrupted).length > 0 ? disrupted : undefined, observedGeneration: generation,
      conditions: setAllowed(pdb, allowed > 0, generation, nowMs),
    }) as PodDisruptionBudgetStatus
    if (!deepEqual(next, pdb.status)) await api.updateStatus('poddisruptionbudgets.policy', { ...pdb, status: next })
    if (recheckMs !== undefined) return { requeueAfterMs: recheckMs + 1 }
  },
}

function setAllowed(pdb: PodDisruptionBudget, allowed: boolean, observedGeneration: number | undefined, nowMs: number): any[] {
  const next: Condition = { type: 'DisruptionAllowed', status: allowed ? 'True' : 'False', reason: allowed ? 'SufficientPods' : 'InsufficientPods', message: '', lastTransitionTime: rfc3339(nowMs), ...(observedGeneration === undefined ? {} : { observedGeneration }) }
  return [...withCondition(pdb.status?.conditions as Condition[] | undefined, next, nowMs)]
}

/** k8s: getExpectedPodCount */
function computeExpectation(pdb: PodDisruptionBudget, pods: readonly Pod[], context: ControllerContext): { expected: number; desired: number } {
  const { maxUnavailable, minAvailable } = pdb.spec!
  if (maxUnavailable !== undefined) {
    const expected = expectedScale(pdb, pods, context)
    return { expected, desired: Math.max(0, expected - scaledValue(maxUnavailable, expected, true)) }
  }
  if (typeof minAvailable === 'string') {
    const expected = expectedScale(pdb, pods, context)
    return { expected, desired: scaledValue(minAvailable, expected, true) }
  }
  return { expected: pods.length, desired: minAvailable ?? 0 }
}

/** Sizes of everything that owns the pods. k8s: getExpectedScale */
function expectedScale(pdb: PodDisruptionBudget, pods: readonly Pod[], { cache, events }: ControllerContext): number {
  const scales = new Map<string, number>()
  const unmanaged: string[] = []
  for (const pod of pods) {
    let owner = controllerOf(pod)
    if (!owner) {
      unmanaged.push(pod.metadata.name!)
      continue
    }
    if (scales.has(owner.uid)) continue
    const key = (name: string) => `${pod.metadata.namespace}/${name}`
    if (owner.kind === 'ReplicaSet') {
      const parent = controllerOf(cache.get<ReplicaSet>('replicasets.apps', key(owner.name)) ?? { metadata: {} })
      if (parent?.kind === 'Deployment') owner = parent
    }
    const resource = SCALED[owner.kind]
    const object = resource ? cache.get<any>(resource, key(owner.name)) : undefined
    if (!object || object.metadata.uid !== owner.uid) throw new Error(resource ? `found no controllers for pod "${pod.metadata.name}"` : `${owner.kind.toLowerCase()}s.${owner.apiVersion.split('/')[0]} does not implement the scale subresource`)
    scales.set(owner.uid, object.spec.replicas ?? 1)
  }
  if (unmanaged.length > 0)
    events.event(pdb, 'Warning', 'UnmanagedPods', `Pods selected by this PodDisruptionBudget (selector: ${goLabelSelector(pdb.spec!.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`)
  let sum = 0
  for (const scale of scales.values()) sum += scale
  return sum
}
