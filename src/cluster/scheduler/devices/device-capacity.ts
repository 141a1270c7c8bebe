/** Shares of devices that several claims can have. k8s: dynamic-resource-allocation/structured/internal/incubating/consumable_capacity.go */
import type { CapacityRequestPolicy, CapacityRequirements, DeviceCapacity } from '../../kinds/generated/types.ts'
import { addQuantities, compareQuantities, quantityOf, quantityValue, subQuantities } from '../../kinds/quantity.ts'

/** Amounts in use by the name of the capacity. */
export type ConsumedCapacity = Readonly<Record<string, string>>

type Capacities = Readonly<Record<string, DeviceCapacity>> | undefined

export function addConsumed(a: ConsumedCapacity, b: ConsumedCapacity): ConsumedCapacity {
  const out: Record<string, string> = { ...a }
  for (const name in b) out[name] = out[name] === undefined ? b[name]! : addQuantities(out[name], b[name]!)
  return out
}

export function subtractConsumed(a: ConsumedCapacity, b: ConsumedCapacity): ConsumedCapacity {
  const out: Record<string, string> = { ...a }
  for (const name in b) if (out[name] !== undefined) out[name] = subQuantities(out[name], b[name]!)
  return out
}

/** What a request takes of each capacity. k8s: GetConsumedCapacityFromRequest */
export function consumedBy(request: Readonly<CapacityRequirements> | undefined, capacities: Capacities): ConsumedCapacity {
  const out: Record<string, string> = {}
  for (const name in capacities) out[name] = consumed(request?.requests?.[name], capacities[name]!)
  return out
}

/** Whether the request fits beside what is in use. False also for a capacity that the device hasn't. k8s: CmpRequestOverCapacity */
export function fitsCapacity(inUse: ConsumedCapacity, request: Readonly<CapacityRequirements> | undefined, capacities: Capacities): boolean {
  for (const name in request?.requests) if (capacities?.[name] === undefined) return false
  for (const name in capacities) {
    const capacity = capacities[name]!
    const taken = consumed(request?.requests?.[name], capacity)
    if (violates(taken, capacity.requestPolicy)) return false
    if (compareQuantities(inUse[name] === undefined ? taken : addQuantities(inUse[name], taken), capacity.value) > 0) return false
  }
  return true
}

/** k8s: calculateConsumedCapacity */
function consumed(wanted: string | undefined, { value, requestPolicy }: Readonly<DeviceCapacity>): string {
  if (wanted === undefined) return String(requestPolicy?.default ?? value)
  const range = requestPolicy?.validRange
  if (range?.min !== undefined) {
    if (compareQuantities(wanted, range.min) < 0) return String(range.min)
    if (range.step === undefined) return wanted
    const [min, step] = [quantityValue(range.min), quantityValue(range.step)]
    return quantityOf(min + step * Math.ceil((quantityValue(wanted) - min) / step), 'BinarySI')
  }
  return String(requestPolicy?.validValues?.find((valid) => compareQuantities(wanted, valid) <= 0) ?? wanted)
}

/** k8s: violatesPolicy */
function violates(amount: string, policy: Readonly<CapacityRequestPolicy> | undefined): boolean {
  if (!policy || (policy.default !== undefined && compareQuantities(amount, policy.default) === 0)) return false
  const { validRange, validValues = [] } = policy
  if (validRange) {
    if (validRange.max !== undefined && compareQuantities(amount, validRange.max) > 0) return true
    return validRange.step !== undefined && (quantityValue(amount) - quantityValue(validRange.min)) % quantityValue(validRange.step) !== 0
  }
  return validValues.length > 0 && !validValues.some((valid) => compareQuantities(amount, valid) === 0)
}
