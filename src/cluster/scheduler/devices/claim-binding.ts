/** Writes down what the scheduler decided about claims. k8s: plugins/dynamicresources bindClaim */
import { rfc3339 } from '../../../base/clock.ts'
import { keyOf } from '../../client/informers.ts'
import { CLAIM_FINALIZER, RESOURCE_CLAIMS } from '../../client/resource-claims.ts'
import type { Pod, ResourceResourceClaim } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import type { Handle } from '../framework.ts'
import { trackerOf } from './claim-tracker.ts'
import type { DynamicResourcesState } from './state.ts'

/** The name of a claim for extended resources that isn't in the cluster. k8s: specialClaimInMemName */
export const NOT_YET_MADE = '<extended-resources>'
/** k8s: client-go/util/retry DefaultRetry */
const ATTEMPTS = 5
const RETRY_MS = 10

const wrapped = (what: string, error: unknown) => new Error(`${what}: ${(error as Error).message}`)
const withFinalizers = (claim: ResourceResourceClaim, finalizers: readonly string[]): ResourceResourceClaim => ({ ...claim, metadata: { ...claim.metadata, finalizers: [...finalizers] } })

/** Allocates and reserves a claim for the pod. @throws Error that says what went wrong */
export async function bindClaim(state: DynamicResourcesState, index: number, pod: Pod, nodeName: string, handle: Handle): Promise<ResourceResourceClaim> {
  const { api, clock } = handle
  const tracker = trackerOf(handle)
  const allocation = state.allocations[index]
  const extended = state.isExtended && index === state.claims.length - 1 ? state.nodes.get(nodeName)?.extended : undefined
  let claim = state.claims[index]!
  // A device plugin has all that was asked for.
  if (state.isExtended && index === state.claims.length - 1 && !allocation && !claim.spec.devices?.requests) return claim
  const pendingUid = claim.metadata.uid!
  try {
    if (claim.metadata.name === NOT_YET_MADE) {
      claim = await createExtendedClaim(extended?.claim, nodeName, handle)
      state.claims[index] = claim
    }
    for (let attempt = 1; ; attempt++) {
      try {
        claim = await writeClaim(claim, allocation, pod, handle)
        break
      } catch (error) {
        if (!(error instanceof Conflicted) || attempt >= ATTEMPTS) throw error
        await clock.sleep(RETRY_MS)
        const { name, namespace } = claim.metadata
        claim = await api.get<ResourceResourceClaim>(RESOURCE_CLAIMS, name!, namespace).catch((failure: unknown) => { throw wrapped(`get updated claim ${namespace}/${name} after conflict`, failure) })
      }
    }
    tracker.wrote(claim)
  } finally {
    tracker.clearPending(pendingUid)
  }
  if (extended) await tellPod(pod, claim, extended.mappings, handle)
  return claim
}

class Conflicted extends Error {}

async function writeClaim(from: ResourceResourceClaim, allocation: DynamicResourcesState['allocations'][number], pod: Pod, { api, clock }: Handle): Promise<ResourceResourceClaim> {
  let claim = from
  const name = keyOf(claim)
  const attempt = async (what: string, write: () => Promise<ResourceResourceClaim>) => {
    try {
      return await write()
    } catch (error) {
      const said = wrapped(`${what} claim ${name}`, error)
      throw isStatusError(error, 'Conflict') ? new Conflicted(said.message) : said
    }
  }
  if (claim.metadata.deletionTimestamp) throw new Error(`claim ${name} got deleted in the meantime`)
  if (allocation) {
    if (claim.status?.allocation) throw new Error(`claim ${name} got allocated elsewhere in the meantime`)
    const { finalizers = [] } = claim.metadata
    if (!finalizers.includes(CLAIM_FINALIZER)) claim = await attempt('add finalizer to', () => api.update<ResourceResourceClaim>(RESOURCE_CLAIMS, withFinalizers(claim, [...finalizers, CLAIM_FINALIZER])))
  } else if (!claim.status?.allocation) throw new Error(`claim ${name} got deallocated elsewhere in the meantime`)
  const kept = allocation ?? claim.status!.allocation!
  const reservation = { resource: 'pods', name: pod.metadata.name!, uid: pod.metadata.uid! }
  return await attempt(allocation ? 'add allocation and reservation to' : 'add reservation to', () => api.updateStatus<ResourceResourceClaim>(RESOURCE_CLAIMS, {
    ...claim, status: { ...claim.status, allocation: { ...kept, allocationTimestamp: kept.allocationTimestamp ?? rfc3339(clock.nowMs()) }, reservedFor: [...claim.status?.reservedFor ?? [], reservation] },
  }))
}

async function createExtendedClaim(claim: ResourceResourceClaim | undefined, nodeName: string, { api }: Handle): Promise<ResourceResourceClaim> {
  if (!claim) throw new Error(`extended resource claim not found for node ${nodeName}`)
  const { name: _name, uid: _uid, ...metadata } = claim.metadata
  try {
    return await api.create<ResourceResourceClaim>(RESOURCE_CLAIMS, { ...claim, metadata })
  } catch (error) {
    throw wrapped(`create claim for extended resources ${metadata.namespace}/`, error)
  }
}

async function tellPod({ metadata }: Pod, claim: ResourceResourceClaim, requestMappings: unknown[], { api }: Handle): Promise<void> {
  try {
    await api.patch('pods', metadata.name!, metadata.namespace, 'application/strategic-merge-patch+json', { status: { extendedResourceClaimStatus: { requestMappings, resourceClaimName: claim.metadata.name } } }, { subresource: 'status' })
  } catch (error) {
    throw wrapped(`update pod ${metadata.namespace}/${metadata.name} ExtendedResourceClaimStatus`, error)
  }
}

/** Takes the pod's reservation back. */
export async function unreserveClaim({ metadata: { name, namespace, uid } }: ResourceResourceClaim, pod: Pod, handle: Handle): Promise<void> {
  const claim = await handle.api.patch<ResourceResourceClaim>(RESOURCE_CLAIMS, name!, namespace, 'application/strategic-merge-patch+json', { metadata: { uid }, status: { reservedFor: [{ $patch: 'delete', uid: pod.metadata.uid }] } }, { subresource: 'status' })
  trackerOf(handle).wrote(claim)
}

/** Deletes a claim that the scheduler made itself. k8s: deleteClaim */
export async function deleteClaim(claim: ResourceResourceClaim, { api }: Handle): Promise<void> {
  const { name, namespace } = claim.metadata
  for (let attempt = 1, now = claim; ; attempt++) {
    try {
      await api.update<ResourceResourceClaim>(RESOURCE_CLAIMS, withFinalizers(now, (now.metadata.finalizers ?? []).filter((each) => each !== CLAIM_FINALIZER)))
      break
    } catch (error) {
      if (!isStatusError(error, 'Conflict') || attempt >= ATTEMPTS) throw wrapped(`update resourceclaim ${namespace}/${name}`, error)
      now = await api.get<ResourceResourceClaim>(RESOURCE_CLAIMS, name!, namespace)
    }
  }
  await api.delete(RESOURCE_CLAIMS, name!, namespace)
}
