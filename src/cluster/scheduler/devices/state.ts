import type { AllocationResult, ContainerExtendedResourceRequest, ResourceResourceClaim } from '../../kinds/generated/types.ts'
import type { DeviceAllocator } from './device-allocator.ts'

export const DYNAMIC_RESOURCES = 'DynamicResources'

/** The claim for what of a pod's extended resources is devices on one node. */
export interface ExtendedClaim {
  claim: ResourceResourceClaim
  mappings: ContainerExtendedResourceRequest[]
}

/** What the plugin keeps between its steps. */
export interface DynamicResourcesState {
  /** The pod's claims; that for its extended resources is the last. */
  claims: ResourceResourceClaim[]
  /** Whether the last claim is that for extended resources. */
  isExtended: boolean
  /** Of claims that have no allocation yet: there, once there is any. */
  allocator?: DeviceAllocator
  /** By claim: what was decided and is to be written. */
  allocations: (AllocationResult | undefined)[]
  /** Allocated claims that aren't available on some node. */
  unavailable: Set<number>
  /** By node: results for the claims without an allocation, in their order. */
  nodes: Map<string, { allocations: AllocationResult[]; extended?: ExtendedClaim }>
}
