import type { Informer, Informers, ObjectKey } from '../../client/informers.ts'
import { keyOf } from '../../client/informers.ts'
import { RESOURCE_CLAIMS } from '../../client/resource-claims.ts'
import type { AllocationResult, ResourceResourceClaim } from '../../kinds/generated/types.ts'
import type { ClusterState } from '../cluster-state.ts'
import { addConsumed, type ConsumedCapacity } from './device-capacity.ts'
import type { AllocatedDevices } from './device-allocator.ts'
import { deviceId, type DeviceId } from './device-id.ts'

/** Claims as the scheduler has left them, also where the watch doesn't show it yet. k8s: plugins/dynamicresources/dra_manager.go */
class ClaimTracker {
  readonly #claims: Informer<ResourceResourceClaim>
  /** Allocations that were decided and not written yet, by the claim's uid. */
  readonly #pending = new Map<string, AllocationResult>()
  /** What was written last, until the watch has come that far. */
  readonly #written = new Map<ObjectKey, ResourceResourceClaim>()

  constructor(claims: Informer<ResourceResourceClaim>) {
    this.#claims = claims
  }

  get(key: ObjectKey): ResourceResourceClaim | undefined {
    const written = this.#written.get(key)
    if (written && this.#claims.seenRevision < Number(written.metadata.resourceVersion)) return written
    this.#written.delete(key)
    return this.#claims.get(key)
  }

  wrote(claim: ResourceResourceClaim): void {
    this.#written.set(keyOf(claim), claim)
  }

  list(): ResourceResourceClaim[] {
    const out = new Map(this.#claims.list().map((claim) => [keyOf(claim), claim]))
    for (const key of [...this.#written.keys()]) {
      const claim = this.get(key)
      if (claim) out.set(key, claim)
    }
    return [...out.values()]
  }

  isPending(uid: string): boolean {
    return this.#pending.has(uid)
  }

  setPending(uid: string, allocation: AllocationResult): void {
    this.#pending.set(uid, allocation)
  }

  clearPending(uid: string): void {
    this.#pending.delete(uid)
  }

  /** All devices that claims have or are about to get. k8s: GatherAllocatedState */
  allocated(): AllocatedDevices {
    const dedicated = new Set<DeviceId>()
    const shared = new Map<DeviceId, ConsumedCapacity>()
    const count = (allocation: AllocationResult | undefined) => {
      for (const { driver, pool, device, adminAccess, shareID, consumedCapacity } of allocation?.devices?.results ?? []) {
        if (adminAccess) continue
        const id = deviceId(driver, pool, device)
        if (shareID === undefined) dedicated.add(id)
        else shared.set(id, addConsumed(shared.get(id) ?? {}, (consumedCapacity ?? {}) as ConsumedCapacity))
      }
    }
    for (const { metadata, status } of this.list()) if (!this.#pending.has(metadata.uid!)) count(status?.allocation)
    for (const allocation of this.#pending.values()) count(allocation)
    return { dedicated, shared }
  }
}

/** k8s: pkg/scheduler/util/assumecache NotFoundError */
export const claimNotFound = (key: ObjectKey): string => `could not find ResourceClaim ${JSON.stringify(key)}`

const trackers = new WeakMap<ClusterState, ClaimTracker>()

/** The tracker of a scheduler. */
export function trackerOf({ cluster, informers }: { cluster: ClusterState; informers: Informers }): ClaimTracker {
  let tracker = trackers.get(cluster)
  if (!tracker) trackers.set(cluster, tracker = new ClaimTracker(informers.for<ResourceResourceClaim>(RESOURCE_CLAIMS)))
  return tracker
}
