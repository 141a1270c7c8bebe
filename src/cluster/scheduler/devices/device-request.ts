import type { CapacityRequirements, DeviceClass, DeviceRequest, DeviceSelector, DeviceSubRequest, DeviceToleration, ExactDeviceRequest } from '../../kinds/generated/types.ts'

/** One request of a claim, or one of its alternatives, in one shape. k8s: requestAccessor */
export interface WantedDevices {
  /** Name of the request. */
  request: string
  /** Name of the alternative. */
  subRequest: string | undefined
  className: string
  mode: string
  count: number
  adminAccess: boolean
  selectors: readonly DeviceSelector[]
  tolerations: readonly DeviceToleration[] | undefined
  capacity: CapacityRequirements | undefined
}

/** The same with what is known of the cluster. */
export interface PreparedRequest extends WantedDevices {
  class: DeviceClass
  /** How many devices it takes. */
  devices: number
}

export const fullName = ({ request, subRequest }: Readonly<WantedDevices>): string => subRequest === undefined ? request : `${request}/${subRequest}`
export const ownName = ({ request, subRequest }: Readonly<WantedDevices>): string => subRequest ?? request

/** The alternatives of a request, the first the best; most requests have one. */
export function alternativesOf({ name, exactly, firstAvailable = [] }: Readonly<DeviceRequest>): WantedDevices[] {
  const wanted = (from: Readonly<ExactDeviceRequest | DeviceSubRequest>, subRequest: string | undefined): WantedDevices => ({
    request: name, subRequest, className: from.deviceClassName, mode: from.allocationMode ?? 'ExactCount', count: from.count ?? 0, adminAccess: ('adminAccess' in from && from.adminAccess) || false,
    selectors: from.selectors ?? [], tolerations: from.tolerations, capacity: from.capacity,
  })
  return firstAvailable.length > 0 ? firstAvailable.map((each) => wanted(each, each.name)) : exactly ? [wanted(exactly, undefined)] : []
}
