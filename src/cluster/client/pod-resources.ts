import { quantityMilliValue, quantityValue } from '../kinds/quantity.ts'
import type { Container, Pod, PodSpec } from '../kinds/generated/types.ts'

/** Amounts by resource name: CPU in thousandths, everything else in whole units. */
export type Amounts = Record<string, number>

export function amountOf(resource: string, quantity: string | number): number {
  return resource === 'cpu' ? quantityMilliValue(quantity) : quantityValue(quantity)
}

function amountsOf(list: Readonly<Record<string, string | number>> | undefined): Amounts {
  const out: Amounts = {}
  for (const name in list) out[name] = amountOf(name, list[name]!)
  return out
}

function add(into: Amounts, more: Amounts): void {
  for (const name in more) into[name] = (into[name] ?? 0) + more[name]!
}

function max(into: Amounts, other: Amounts): void {
  for (const name in other) if (other[name]! > (into[name] ?? 0)) into[name] = other[name]!
}

export type AmountsKind = 'requests' | 'limits'

/** What a pod that sums up its containers' amounts needs: init containers one after another, sidecars throughout. */
function sumContainers(spec: Readonly<PodSpec>, of: (container: Readonly<Container>) => Amounts): Amounts {
  const total: Amounts = {}
  for (const container of spec.containers) add(total, of(container))
  const sidecars: Amounts = {}
  const init: Amounts = {}
  for (const container of spec.initContainers ?? []) {
    const own = of(container)
    if (container.restartPolicy === 'Always') {
      add(total, own)
      add(sidecars, own)
      max(init, sidecars)
    } else {
      const peak = { ...sidecars }
      add(peak, own)
      max(init, peak)
    }
  }
  max(total, init)
  return total
}

/** Requests (or limits) of the whole pod with overhead. k8s: component-helpers/resource PodRequests, PodLimits */
export function podAmounts(pod: Readonly<Pod>, kind: AmountsKind = 'requests'): Amounts {
  const { spec, status } = pod
  // A resize that is not yet done counts with the larger of what is asked and what is held.
  const held = kind === 'requests' ? new Map([...status?.containerStatuses ?? [], ...status?.initContainerStatuses ?? []].map((c) => [c.name, c])) : undefined
  const total = sumContainers(spec, (container) => {
    const own = amountsOf(container.resources?.[kind])
    const allocated = held?.get(container.name)
    if (allocated?.resources?.requests && kind === 'requests') max(own, amountsOf(allocated.resources.requests))
    return own
  })
  const podLevel = spec.resources?.[kind]
  if (podLevel) for (const name in podLevel) if (name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')) total[name] = amountOf(name, podLevel[name]!)
  if (spec.overhead) {
    const overhead = amountsOf(spec.overhead)
    if (kind === 'requests') add(total, overhead)
    else for (const name in overhead) if (total[name]) total[name]! += overhead[name]!
  }
  return total
}

/** What a container without requests counts as when nodes are compared. k8s: DefaultMilliCPURequest, DefaultMemoryRequest */
const DEFAULT_CPU_MILLIS = 100
const DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024

/** CPU and memory where a container that asks for nothing counts a little. */
export function nonZeroRequests(pod: Readonly<Pod>): { cpu: number; memory: number } {
  const total = sumContainers(pod.spec, (container) => {
    const requests = container.resources?.requests
    return {
      cpu: requests?.cpu === undefined ? DEFAULT_CPU_MILLIS : amountOf('cpu', requests.cpu),
      memory: requests?.memory === undefined ? DEFAULT_MEMORY_BYTES : amountOf('memory', requests.memory),
    }
  })
  const podLevel = pod.spec.resources?.requests
  return {
    cpu: (podLevel?.cpu !== undefined ? amountOf('cpu', podLevel.cpu) : total.cpu!) + (pod.spec.overhead?.cpu ? amountOf('cpu', pod.spec.overhead.cpu) : 0),
    memory: (podLevel?.memory !== undefined ? amountOf('memory', podLevel.memory) : total.memory!) + (pod.spec.overhead?.memory ? amountOf('memory', pod.spec.overhead.memory) : 0),
  }
}
