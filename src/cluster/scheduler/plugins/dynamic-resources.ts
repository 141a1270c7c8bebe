import { keyOf } from '../../client/informers.ts'
import type { Amounts } from '../../client/pod-resources.ts'
import { matchesNodeSelector } from '../../client/node-selection.ts'
import { claimNameOf, DEVICE_CLASSES, isReservedFor, RESOURCE_CLAIMS, RESOURCE_SLICES, whyNotForPod } from '../../client/resource-claims.ts'
import type { DeviceClass, Pod, ResourceResourceClaim, ResourceSlice } from '../../kinds/generated/types.ts'
import { deepEqual } from '../../../base/freeze.ts'
import { BINDING_TIMEOUT_MS, bindingConditionsOf, isBindingTimedOut, waitForBinding } from '../devices/binding-conditions.ts'
import { bindClaim, deleteClaim, NOT_YET_MADE, unreserveClaim } from '../devices/claim-binding.ts'
import { claimNotFound, trackerOf } from '../devices/claim-tracker.ts'
import { AllocationFailure, AllocationTimeout, DeviceAllocator, NodeAllocationFailure } from '../devices/device-allocator.ts'
import { classOfResource, mayBeDevices } from '../devices/device-class-resolver.ts'
import { alternativesOf, fullName } from '../devices/device-request.ts'
import { extendedClaimFor, extendedClaimOn } from '../devices/extended-resource-claim.ts'
import { DYNAMIC_RESOURCES as NAME, type DynamicResourcesState } from '../devices/state.ts'
import {
  normalizeByMax, on, type Cycle, type FilterPlugin, type Handle, type PostFilterPlugin, type PreBindPlugin, type PreEnqueuePlugin, type PreFilterPlugin, type ReservePlugin, type ScorePlugin,
} from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { failed, PASS, SKIP, unresolvable, type SchedulingStatus } from '../status.ts'

/** k8s: resource/v1 FirstAvailableDeviceRequestMaxSize */
const MAX_ALTERNATIVES = 8

const stateOf = ({ state }: Cycle) => state.get(NAME) as DynamicResourcesState | undefined

/** The claims that a pod names, or why it has to wait for them. k8s: foreachPodResourceClaim */
function claimsOf(pod: Pod, handle: Handle): ResourceResourceClaim[] | string {
  const claims: ResourceResourceClaim[] = []
  for (const entry of pod.spec.resourceClaims ?? []) {
    let named
    try {
      named = claimNameOf(pod, entry)
    } catch (error) {
      return (error as Error).message
    }
    if (named.name === undefined) continue
    const key = `${pod.metadata.namespace}/${named.name}`
    const claim = trackerOf(handle).get(key)
    if (!claim) return claimNotFound(key)
    if (claim.metadata.deletionTimestamp) return `resourceclaim ${JSON.stringify(named.name)} is being deleted`
    const problem = named.isGenerated ? whyNotForPod(pod, claim) : undefined
    if (problem) return problem
    claims.push(claim)
  }
  return claims
}

/** Whether a class stands for one of the extended resources. Every pod passes here: nothing is allocated. */
function asksForDevices(requests: Amounts, { informers }: Handle): boolean {
  for (const name in requests) if (requests[name]! > 0 && mayBeDevices(name) && classOfResource(informers, name)) return true
  return false
}

/** What is missing for the claim's requests on every node. k8s: validateDeviceClass */
function classProblem({ metadata, spec }: ResourceResourceClaim, { informers }: Handle): SchedulingStatus | undefined {
  const classes = informers.for<DeviceClass>(DEVICE_CLASSES)
  for (const request of spec.devices?.requests ?? []) {
    const alternatives = alternativesOf(request)
    if (alternatives.length === 0) return unresolvable(`resource claim ${metadata.namespace}/${metadata.name}, request ${request.name}: unknown request type`)
    for (const wanted of alternatives) if (!classes.get(wanted.className)) return unresolvable(`request ${fullName(wanted)}: device class ${wanted.className} does not exist`)
  }
  return undefined
}

/**
 * Pods get the devices that their claims ask for. k8s: plugins/dynamicresources
 * @param bindingTimeoutMs how long devices may take to be ready. k8s: apis/config DynamicResourcesArgs
 */
export function createDynamicResources(bindingTimeoutMs = BINDING_TIMEOUT_MS): PreEnqueuePlugin & PreFilterPlugin & FilterPlugin & PostFilterPlugin & ScorePlugin & ReservePlugin & PreBindPlugin {
  return {
    name: NAME,
    weight: 2,
    preEnqueue(pod, handle) {
      if (!pod.spec.resourceClaims?.length) return PASS
      const claims = claimsOf(pod, handle)
      return typeof claims === 'string' ? unresolvable(claims) : PASS
    },
    preFilter(cycle, handle) {
      const { pod, info } = cycle
      const extended = asksForDevices(info.requests, handle)
      if (!pod.spec.resourceClaims?.length && !extended) {
        cycle.skipScore.add(NAME)
        return SKIP
      }
      const own: DynamicResourcesState = { claims: [], isExtended: false, allocations: [], unavailable: new Set(), nodes: new Map() }
      cycle.state.set(NAME, own)
      const claims = claimsOf(pod, handle)
      if (typeof claims === 'string') return unresolvable(claims)
      if (extended) claims.push(extendedClaimFor(pod, handle))
      if (claims.length === 0) return SKIP
      const tracker = trackerOf(handle)
      for (const [i, claim] of claims.entries()) {
        if (claim.status?.allocation) continue
        if (tracker.isPending(claim.metadata.uid!)) return unresolvable(`resource claim ${keyOf(claim)} is in the process of being allocated`)
        const problem = extended && i === claims.length - 1 ? undefined : classProblem(claim, handle)
        if (problem) return problem
      }
      own.claims = claims
      own.isExtended = extended
      if (claims.some((claim) => !claim.status?.allocation)) own.allocator = new DeviceAllocator({
        slices: handle.informers.for<ResourceSlice>(RESOURCE_SLICES).list(), deviceClass: (name) => handle.informers.for<DeviceClass>(DEVICE_CLASSES).get(name), allocated: tracker.allocated(), random: handle.random,
      })
      return PASS
    },
    filter(cycle, info, handle) {
      const own = stateOf(cycle)
      if (!own || own.claims.length === 0) return PASS
      const { node } = info
      const special = own.isExtended ? extendedClaimOn(own.claims.at(-1)!, cycle, info, handle) : undefined
      if (special && 'code' in special) return special
      const users = own.isExtended ? own.claims.length - 1 : own.claims.length
      if (users === 0 && !special) return PASS
      const unavailable: number[] = []
      for (const [i, claim] of own.claims.entries()) {
        const { nodeSelector } = claim.status?.allocation ?? {}
        if (nodeSelector && !matchesNodeSelector(nodeSelector, node)) unavailable.push(i)
        else if (claim.status?.allocation) {
          const binding = bindingConditionsOf(claim)
          if (binding.failure !== undefined || (!binding.isReady && isBindingTimedOut(claim, handle.clock.nowMs(), bindingTimeoutMs))) unavailable.push(i)
        }
      }
      let allocations: NonNullable<ReturnType<DeviceAllocator['allocate']>> = []
      if (own.allocator) {
        const open = own.claims.flatMap((claim, i) => claim.status?.allocation ? [] : i >= users ? special?.claim ?? claim : claim)
        try {
          const found = own.allocator.allocate(node, open)
          if (!found) return unresolvable('cannot allocate all claims')
          allocations = found
        } catch (error) {
          if (error instanceof NodeAllocationFailure) return unresolvable(error.message)
          if (error instanceof AllocationTimeout) return failed(`node ${node.metadata.name}: timed out trying to allocate devices`)
          if (error instanceof AllocationFailure) return failed(error.message)
          throw error
        }
      }
      if (unavailable.length > 0) {
        for (const i of unavailable) own.unavailable.add(i)
        return unresolvable('resourceclaim not available on the node')
      }
      if (own.allocator) own.nodes.set(node.metadata.name!, { allocations, ...(special ? { extended: special } : {}) })
      return PASS
    },
    postFilter(cycle, _diagnosis, handle) {
      const own = stateOf(cycle)
      // It wasn't asked before another plugin turned the pod away for good.
      if (!own && !cycle.skipFilter.has(NAME)) return { message: 'not found', failed: true }
      if (!own || own.claims.length === 0) return { message: 'no new claims to deallocate' }
      const special = own.isExtended ? own.claims.at(-1)! : undefined
      const later = (work: Promise<unknown>, what: string) => void work.catch((error: unknown) => handle.log.warn(`${what} failed`, { error: String(error) }))
      const idle = handle.random.shuffle([...own.unavailable]).map((i) => own.claims[i]!).find((claim) => claim !== special && (claim.status?.reservedFor ?? []).every(({ uid }) => uid === cycle.pod.metadata.uid))
      if (idle) {
        later(handle.api.updateStatus<ResourceResourceClaim>(RESOURCE_CLAIMS, { ...idle, status: {} }), `deallocation of resource claim ${keyOf(idle)}`)
        return { message: 'deallocation of ResourceClaim completed' }
      }
      // Left by an earlier attempt: what it was made for may be out of date.
      if (special && special.metadata.name !== NOT_YET_MADE) {
        later(deleteClaim(special, handle), `deletion of resource claim ${keyOf(special)}`)
        return { message: 'deletion of ResourceClaim completed' }
      }
      return { message: 'still not schedulable' }
    },
    score(cycle, { node }) {
      const own = stateOf(cycle)
      const onNode = own?.nodes.get(node.metadata.name!)
      if (!own || !onNode) return 0
      let score = 0
      let next = 0
      for (const claim of own.claims) {
        const allocation = claim.status?.allocation ?? onNode.allocations[next++]
        const chosen = new Set((allocation?.devices?.results ?? []).map(({ request }) => request))
        for (const { name, firstAvailable = [] } of claim.spec.devices?.requests ?? [])
          for (const [i, alternative] of firstAvailable.entries()) if (chosen.has(`${name}/${alternative.name}`)) score += MAX_ALTERNATIVES - i
      }
      return score
    },
    normalize: (_cycle, scores) => normalizeByMax(scores),
    reserve(cycle, { node }: NodeInfo, handle) {
      const own = stateOf(cycle)
      const onNode = own?.nodes.get(node.metadata.name!)
      if (!own || !onNode) return PASS
      let next = 0
      for (const [i, claim] of own.claims.entries()) {
        if (claim.status?.allocation) continue
        const allocation = onNode.allocations[next++]
        if (!allocation) continue
        own.allocations[i] = allocation
        trackerOf(handle).setPending(claim.metadata.uid!, allocation)
      }
      return PASS
    },
    unreserve(cycle, _nodeName, handle) {
      const own = stateOf(cycle)
      if (!own || own.claims.length === 0) return
      for (const [i, claim] of own.claims.entries()) {
        const isSpecial = own.isExtended && i === own.claims.length - 1
        trackerOf(handle).clearPending(claim.metadata.uid!)
        const work = isSpecial ? claim.metadata.name === NOT_YET_MADE ? undefined : deleteClaim(claim, handle)
          : claim.status?.allocation && isReservedFor(cycle.pod, claim) ? unreserveClaim(claim, cycle.pod, handle) : undefined
        void work?.catch((error: unknown) => handle.log.warn(`claim ${keyOf(claim)} could not be given back`, { error: String(error) }))
      }
    },
    needsPreBind: (cycle) => (stateOf(cycle)?.claims.length ?? 0) > 0,
    async preBind(cycle, nodeName, handle) {
      const own = stateOf(cycle)!
      try {
        for (const [i, claim] of own.claims.entries()) if (!isReservedFor(cycle.pod, claim)) own.claims[i] = await bindClaim(own, i, cycle.pod, nodeName, handle)
        await waitForBinding(own, cycle.pod, nodeName, handle, bindingTimeoutMs)
      } catch (error) {
        return failed((error as Error).message)
      }
      return PASS
    },
    retryOn: [
      on('Node', ['Add', 'UpdateNodeLabel', 'UpdateNodeAllocatable']),
      on('ResourceClaim', ['Add', 'Update'], (pod, { object, old }, handle) => {
        const claims = claimsOf(pod, handle)
        if (typeof claims === 'string') return false
        const [now, before] = [object as unknown as ResourceResourceClaim, old as unknown as ResourceResourceClaim | undefined]
        if (before?.status?.allocation && !now.status?.allocation) return true
        if (!claims.some(({ metadata }) => metadata.uid === now.metadata.uid)) return false
        return !before || !deepEqual(before.status, now.status)
      }),
      on('Pod', 'UpdatePodGeneratedResourceClaim', (pod, { object }, handle) => pod.metadata.uid === object.metadata.uid && typeof claimsOf(object as Pod, handle) !== 'string'),
      on('DeviceClass', ['Add', 'Update']), on('ResourceSlice', ['Add', 'Update']),
    ],
  }
}

/** As it is in the default profile. */
export const dynamicResources = createDynamicResources()
