/** What a claim's devices must have in common or apart. k8s: dynamic-resource-allocation/structured/internal/incubating constraint */
import type { Device, DeviceAttribute, DeviceConstraint } from '../../kinds/generated/types.ts'

/** Follows the devices that are picked for a claim. */
export interface Constraint {
  /** Whether the device may be picked; it counts from then on. */
  add(request: string, subRequest: string | undefined, device: Readonly<Device>, driver: string): boolean
  /** Takes a device back that was added. */
  remove(request: string, subRequest: string | undefined): void
}

type Value = readonly [type: string, value: string | number | boolean]

/** Values of one type are compared; versions as texts, which are minimal. */
function valueOf({ string, int, bool, version }: Readonly<DeviceAttribute>): Value | undefined {
  if (string !== undefined) return ['string', string]
  if (int !== undefined) return ['int', int]
  if (bool !== undefined) return ['bool', bool]
  return version === undefined ? undefined : ['version', version]
}

/** An attribute by its full name; the driver's own may be without a domain. k8s: lookupAttribute */
function attributeOf({ attributes = {} }: Readonly<Device>, driver: string, name: string): Value | undefined {
  const [domain, id = ''] = name.split('/')
  const attribute = attributes[name] ?? (domain === driver ? attributes[id] : undefined)
  return attribute && valueOf(attribute)
}

const equals = (a: Value, b: Value) => a[0] === b[0] && a[1] === b[1]

/** @returns undefined for a kind of constraint that isn't known */
export function constraintOf({ requests = [], matchAttribute, distinctAttribute }: Readonly<DeviceConstraint>): Constraint | undefined {
  const concerns = (request: string, sub: string | undefined) => requests.length === 0 || requests.includes(request) || (sub !== undefined && requests.includes(`${request}/${sub}`))
  if (matchAttribute !== undefined) {
    let common: Value | undefined
    let count = 0
    return {
      add(request, sub, device, driver) {
        if (!concerns(request, sub)) return true
        const value = attributeOf(device, driver, matchAttribute)
        if (!value || (count > 0 && !equals(value, common!))) return false
        common = value
        count++
        return true
      },
      remove(request, sub) { if (concerns(request, sub)) count-- },
    }
  }
  if (distinctAttribute === undefined) return undefined
  // One value per request, the last: a request for three devices compares each with the one before it.
  const last = new Map<string, Value>()
  return {
    add(request, sub, device, driver) {
      if (!concerns(request, sub)) return true
      const value = attributeOf(device, driver, distinctAttribute)
      if (!value) return false
      for (const other of last.values()) if (equals(other, value)) return false
      last.set(request, value)
      return true
    },
    remove(request, sub) { if (concerns(request, sub)) last.delete(request) },
  }
}
