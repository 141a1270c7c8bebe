import { rfc3339 } from '../../../base/clock.ts'
import { conditionInPatch } from '../../client/conditions.ts'
import type { Controller, ControllerContext, ReconcileResult } from '../../client/controller-runner.ts'
import { keyOf } from '../../client/informers.ts'
import { claimNameOf, isReservedFor, RESOURCE_CLAIMS, RESOURCE_SLICES, toleratesDeviceTaint, whyNotForPod } from '../../client/resource-claims.ts'
import type { DeviceRequestAllocationResult, DeviceTaint, Pod, ResourceResourceClaim, ResourceSlice } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { timeMs } from '../pods.ts'
import { PODS_BY_RESOURCE_CLAIM } from './resource-claim.ts'

const BY_POOL = 'pool'
const poolKey = (driver: string, pool: string) => `${driver}/${pool}`
const noExecute = ({ effect }: DeviceTaint) => effect === 'NoExecute'
const isTainted = ({ spec }: ResourceSlice) => spec.devices?.some(({ taints }) => taints?.some(noExecute)) ?? false

// @k8s part: DeviceTaintRules: their API is off by default and isn't served; taints that drivers put into ResourceSlices evict pods

/** Deletes pods whose devices got a NoExecute taint that their claims don't tolerate. k8s: pkg/controller/devicetainteviction */
export function deviceTaintEvictionController(): Controller {
  /** Uids of pods that are to go later, by key. */
  const pending = new Map<string, string>()

  async function evict({ metadata }: Pod, { api, clock, events }: ControllerContext): Promise<void> {
    const { name, namespace, uid } = metadata
    try {
      const pod = await api.get<Pod>('pods', name!, namespace)
      if (pod.metadata.uid !== uid || pod.metadata.deletionTimestamp !== undefined) return
      tell(metadata, 'Marking for deletion', events)
      await api.patch('pods', name!, namespace, 'application/strategic-merge-patch+json', {
        metadata: { uid },
        status: conditionInPatch(pod.status?.conditions, {
          // Unlike others that evict, this one doesn't say which generation it saw.
          type: 'DisruptionTarget', status: 'True', lastTransitionTime: rfc3339(clock.nowMs()),
          reason: 'DeletionByDeviceTaintManager', message: 'Device Taint manager: deleting due to NoExecute taint',
        }),
      }, { subresource: 'status' })
      await api.delete('pods', name!, namespace, { preconditions: { uid: uid! } })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }

  const tell = ({ name, namespace, uid }: Pod['metadata'], message: string, events: ControllerContext['events']) => events.event({ apiVersion: 'v1', kind: 'Pod', name: name!, namespace: namespace!, uid: uid! }, 'Normal', 'DeviceTaintManagerEviction', message)

  return {
    name: 'device-taint-eviction-controller', for: 'pods', reads: [RESOURCE_CLAIMS, RESOURCE_SLICES], workers: 10,
    indexes: [PODS_BY_RESOURCE_CLAIM, {
      resource: RESOURCE_CLAIMS, name: BY_POOL, values: ({ status }: ResourceResourceClaim) => [...new Set((status?.allocation?.devices?.results ?? []).map(({ driver, pool }) => poolKey(driver, pool)))],
    }, { resource: RESOURCE_SLICES, name: BY_POOL, values: ({ spec }: ResourceSlice) => [poolKey(spec.driver, spec.pool.name)] }],
    wants: ({ type, object }) => type !== 'delete' && (object as Pod).spec.resourceClaims !== undefined,
    watches: [
      { resource: RESOURCE_CLAIMS, keys: ({ object }, { cache }) => cache.byIndex<Pod>('pods', PODS_BY_RESOURCE_CLAIM.name, keyOf(object)).map(keyOf) },
      {
        resource: RESOURCE_SLICES,
        keys: ({ object, old }, { cache }) => !isTainted(object) && !(old && isTainted(old)) ? []
          : cache.byIndex<ResourceResourceClaim>(RESOURCE_CLAIMS, BY_POOL, poolKey(object.spec.driver, object.spec.pool.name)).flatMap((claim) => cache.byIndex<Pod>('pods', PODS_BY_RESOURCE_CLAIM.name, keyOf(claim)).map(keyOf)),
      },
    ],
    async reconcile(key, context): Promise<ReconcileResult | void> {
      const { cache, clock, events } = context
      const pod = cache.get<Pod>('pods', key)
      const waiting = pending.get(key)
      pending.delete(key)
      if (!pod?.spec.nodeName || pod.metadata.deletionTimestamp !== undefined) return
      const dueMs = evictionMs(pod, cache)
      if (dueMs === Infinity) {
        if (waiting === pod.metadata.uid) tell(pod.metadata, 'Cancelling deletion', events)
        return
      }
      if (dueMs <= clock.nowMs()) return evict(pod, context)
      pending.set(key, pod.metadata.uid!)
      return { requeueAfterMs: dueMs - clock.nowMs() }
    },
  }
}

/** When the pod has to go; Infinity: it may stay. k8s: podEvictionTime */
function evictionMs(pod: Pod, cache: ControllerContext['cache']): number {
  let dueMs = Infinity
  for (const entry of pod.spec.resourceClaims ?? []) {
    let named
    try {
      named = claimNameOf(pod, entry)
    } catch {
      continue
    }
    const claim = named.name === undefined ? undefined : cache.get<ResourceResourceClaim>(RESOURCE_CLAIMS, `${pod.metadata.namespace}/${named.name}`)
    if (!claim?.status?.allocation || (named.isGenerated && whyNotForPod(pod, claim)) || !isReservedFor(pod, claim)) continue
    for (const result of claim.status.allocation.devices?.results ?? []) for (const taint of taintsOf(result, cache)) dueMs = Math.min(dueMs, toleratedUntilMs(result, taint))
  }
  return dueMs
}

/** Taints of an allocated device, as the pool's newest slices have it. */
function taintsOf({ driver, pool, device }: DeviceRequestAllocationResult, cache: ControllerContext['cache']): DeviceTaint[] {
  const slices = cache.byIndex<ResourceSlice>(RESOURCE_SLICES, BY_POOL, poolKey(driver, pool))
  const generation = Math.max(...slices.map(({ spec }) => spec.pool.generation))
  const found = slices.filter(({ spec }) => spec.pool.generation === generation).flatMap(({ spec }) => spec.devices ?? []).find(({ name }) => name === device)
  return (found?.taints ?? []).filter(noExecute)
}

/** k8s: claimEvictionTime */
function toleratedUntilMs({ tolerations = [] }: DeviceRequestAllocationResult, taint: DeviceTaint): number {
  const matching = tolerations.filter((toleration) => toleration.effect === 'NoExecute' && toleratesDeviceTaint(toleration, taint))
  if (matching.some(({ tolerationSeconds }) => tolerationSeconds === undefined)) return Infinity
  const addedMs = timeMs(taint.timeAdded)
  return matching.length === 0 ? addedMs : addedMs + 1000 * Math.min(...matching.map(({ tolerationSeconds }) => Math.max(0, tolerationSeconds!)))
}
