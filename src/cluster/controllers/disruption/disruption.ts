import { rfc3339 } from '../../../base/clock.ts'
import { deepEqual } from '../../../base/freeze.ts'
import { withCondition } from '../../client/conditions.ts'
import type { Controller, ControllerContext } from '../../client/controller-runner.ts'
import { keyOf } from '../../client/informers.ts'
import type { ApiFetch } from '../../client/json-client.ts'
import { selects } from '../../client/label-selection.ts'
import { controllerOf } from '../../client/owner-references.ts'
import { goLabelSelector } from '../../kinds/label-selector.ts'
import type { Condition } from '../../kinds/object.ts'
import type { Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../kinds/generated/types.ts'
import { compact } from '../compact.ts'
import { scaledValue } from '../int-or-percent.ts'
import { messageOf } from '../pod-control.ts'
import { isPodReady, timeMs } from '../pods.ts'
import { PodOwners } from './pod-owners.ts'

/** How long an allowed eviction may take to show as a deletion. k8s: DeletionTimeout */
const DELETION_TIMEOUT_MS = 2 * 60_000

/** Tells how many pods may be evicted. `fetch` asks the API as the controller's user: what owns pods tells its size by a scale subresource. k8s: pkg/controller/disruption */
export function disruptionController(fetch: ApiFetch): Controller {
  let owners: PodOwners | undefined
  return {
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
        ({ expected, desired } = await computeExpectation(pdb, pods, owners ??= new PodOwners(cache, fetch, clock), context))
      } catch (error) {
        const message = messageOf(error)
        events.event(pdb, 'Warning', 'CalculateExpectedPodCountFailed', `Failed to calculate the number of expected pods: ${message}`)
        const conditions = withCondition(pdb.status?.conditions as Condition[] | undefined, { type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message, observedGeneration: pdb.status?.observedGeneration ?? 0 }, nowMs)
        // No further try: the next change of a pod or the budget is the next occasion. k8s: failSafe
        const failed = { ...pdb.status, disruptionsAllowed: 0, conditions } as PodDisruptionBudgetStatus
        if (!deepEqual(failed, pdb.status)) await api.updateStatus('poddisruptionbudgets.policy', { ...pdb, status: failed })
        return
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
}

function setAllowed(pdb: PodDisruptionBudget, allowed: boolean, observedGeneration: number | undefined, nowMs: number): any[] {
  const next: Condition = { type: 'DisruptionAllowed', status: allowed ? 'True' : 'False', reason: allowed ? 'SufficientPods' : 'InsufficientPods', message: '', lastTransitionTime: rfc3339(nowMs), ...(observedGeneration === undefined ? {} : { observedGeneration }) }
  return [...withCondition(pdb.status?.conditions as Condition[] | undefined, next, nowMs)]
}

/** k8s: getExpectedPodCount */
async function computeExpectation(pdb: PodDisruptionBudget, pods: readonly Pod[], owners: PodOwners, context: ControllerContext): Promise<{ expected: number; desired: number }> {
  const { maxUnavailable, minAvailable } = pdb.spec!
  if (maxUnavailable !== undefined) {
    const expected = await expectedScale(pdb, pods, owners, context)
    return { expected, desired: Math.max(0, expected - scaledValue(maxUnavailable, expected, true)) }
  }
  if (typeof minAvailable === 'string') {
    const expected = await expectedScale(pdb, pods, owners, context)
    return { expected, desired: scaledValue(minAvailable, expected, true) }
  }
  return { expected: pods.length, desired: minAvailable ?? 0 }
}

/** Sizes of everything that owns the pods. k8s: getExpectedScale */
async function expectedScale(pdb: PodDisruptionBudget, pods: readonly Pod[], owners: PodOwners, { events }: ControllerContext): Promise<number> {
  const scales = new Map<string, number>()
  const unmanaged: string[] = []
  for (const pod of pods) {
    const ref = controllerOf(pod)
    if (!ref) {
      unmanaged.push(pod.metadata.name!)
      continue
    }
    if (scales.has(ref.uid)) continue
    const owner = await owners.find(ref, pod.metadata.namespace!)
    if (!owner) throw new Error(`found no controllers for pod "${pod.metadata.name}"`)
    scales.set(owner.uid, owner.replicas)
  }
  if (unmanaged.length > 0)
    events.event(pdb, 'Warning', 'UnmanagedPods', `Pods selected by this PodDisruptionBudget (selector: ${goLabelSelector(pdb.spec!.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`)
  let sum = 0
  for (const scale of scales.values()) sum += scale
  return sum
}
