import { Random } from '../../../base/random.ts'
import type { CounterSet, Device, DeviceCapacity } from '../../kinds/generated/types.ts'
import { quantityOf, quantityValue } from '../../kinds/quantity.ts'

export interface GpuOptions {
  nodeName: string
  count: number
  /** Parts that each GPU can be had in; 0: whole ones only. */
  partitions: number
  bindingConditions: boolean
  allowMultipleAllocations: boolean
  /** Earlier versions say less. */
  version: string
}

const MEMORY = '80Gi'
const COMPUTE = '100'

/** The node's GPUs, as slices of its pool. dra-example-driver internal/profiles/gpu EnumerateDevices */
export function gpuSlices({ nodeName, count, partitions, bindingConditions, allowMultipleAllocations, version }: GpuOptions): { devices?: Device[]; sharedCounters?: CounterSet[] }[] {
  // differs: Go's generator, seeded with the node's name.
  const random = new Random(nodeName)
  const isOld = version < 'v0.3.0'
  const sharing = version < 'v0.4.0' ? {} : { allowMultipleAllocations }
  const capacity = (value: string, min: string): DeviceCapacity => ({ value, ...(allowMultipleAllocations ? { requestPolicy: { default: value, validRange: { min, step: min, max: value } } } : {}) })
  const capacities = (memory: string, compute: string) => ({ memory: capacity(memory, '1Gi'), ...(version < 'v0.4.0' ? {} : { compute: capacity(compute, '1') }) })
  const devices: Device[] = []
  const sharedCounters: CounterSet[] = []
  for (let i = 0; i < count; i++) {
    const attributes = { driverVersion: { version: '1.0.0' }, index: { int: i }, model: { string: 'LATEST-GPU-MODEL' }, uuid: { string: `gpu-${random.uuid()}` } }
    if (partitions <= 0 || isOld) {
      devices.push({ name: `gpu-${i}`, attributes, capacity: capacities(MEMORY, COMPUTE), ...sharing })
      continue
    }
    const counterSet = `gpu-${i}-counters`
    const counters = (memory: string, compute: string) => ({ memory: { value: memory }, compute: { value: compute } })
    sharedCounters.push({ name: counterSet, counters: counters(MEMORY, COMPUTE) })
    const [memory, compute] = [quantityOf(Math.trunc(quantityValue(MEMORY) / partitions), 'BinarySI'), quantityOf(Math.trunc(quantityValue(COMPUTE) / partitions))]
    for (let j = 0; j < partitions; j++)
      devices.push({ name: `gpu-${i}-partition-${j}`, attributes: { ...attributes, partition: { int: j }, partitionable: { bool: true } }, capacity: capacities(memory, compute), ...sharing, consumesCounters: [{ counterSet, counters: counters(memory, compute) }] })
    devices.push({ name: `gpu-${i}-full`, attributes: { ...attributes, partitionable: { bool: true }, full: { bool: true } }, capacity: capacities(MEMORY, COMPUTE), ...sharing, consumesCounters: [{ counterSet, counters: counters(MEMORY, COMPUTE) }] })
  }
  if (bindingConditions) for (const device of devices) Object.assign(device, { bindingConditions: ['BindingConditions'], bindingFailureConditions: ['BindingFailureConditions'] })
  return sharedCounters.length > 0 ? [{ sharedCounters }, { devices }] : [{ devices }]
}
