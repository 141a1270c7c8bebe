import type { QuotaEvaluator, ResourceList } from './quota-evaluators.ts'
import type { ResourceResourceClaim } from '../../kinds/generated/types.ts'
import { addQuantities } from '../../kinds/quantity.ts'

const RESOURCE = 'resourceclaims.resource.k8s.io'
const COUNT = `count/${RESOURCE}`
/** Behind the name of a device class. k8s: corev1.ResourceClaimsPerClass */
const PER_CLASS = '.deviceclass.resource.k8s.io/devices'
/** What a request for all devices counts for, at worst. k8s: resource.AllocationResultsMaxSize */
const MOST_DEVICES = 32

interface DeviceRequest { deviceClassName?: string | undefined; allocationMode?: string | undefined; count?: number | undefined }

function devicesOf({ allocationMode, count = 0 }: DeviceRequest): number {
  return allocationMode === 'All' ? MOST_DEVICES : allocationMode === 'ExactCount' ? count : 0
}

/**
 * ResourceClaims count for themselves and for the devices of each class that they ask for.
 * differs: devices that a pod asks for by the name of an extended resource count for the pod alone, not by their class too.
 * k8s: pkg/quota/v1/evaluator/core resource_claims.go
 */
export const resourceClaimQuota: QuotaEvaluator = {
  resource: RESOURCE,
  usage(object) {
    const out: ResourceList = { [COUNT]: '1' }
    for (const { exactly, firstAvailable = [] } of (object as ResourceResourceClaim).spec.devices?.requests ?? []) {
      // Of alternatives the one with the most devices of a class counts.
      const most: Record<string, number> = {}
      for (const request of firstAvailable.length > 0 ? firstAvailable : exactly ? [exactly] : []) {
        const name = request.deviceClassName + PER_CLASS
        most[name] = Math.max(most[name] ?? 0, devicesOf(request))
      }
      for (const name in most) out[name] = addQuantities(out[name] ?? '0', String(most[name]))
    }
    return out
  },
  matchingNames: (names) => names.filter((name) => name === COUNT || name.endsWith(PER_CLASS)),
  matchesScope: () => false,
}
