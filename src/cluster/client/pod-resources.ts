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
function sumContainers(spec: Readonly<PodSpec>, of: (container: Readonly<Container>, runsThroughout: boolean) => Amounts): Amounts {
  const total: Amounts = {}
  for (const container of spec.containers) add(total, of(container, true))
  const sidecars: Amounts = {}
  const init: Amounts = {}
  for (const container of spec.initContainers ?? []) {
    const isSidecar = container.restartPolicy === 'Always'
    const own = of(container, isSidecar)
    if (isSidecar) {
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

/** A resize that is not yet done counts with the most of what is asked, held and allotted; one that can't be done doesn't count. k8s: component-helpers/resource determineEffectiveRequests */
function inEffect({ status }: Readonly<Pod>, asked: Parameters<typeof amountsOf>[0], held: Parameters<typeof amountsOf>[0], allotted: Parameters<typeof amountsOf>[0]): Amounts {
  const amounts = amountsOf(held)
  max(amounts, amountsOf(allotted))
  if (!status?.conditions?.some(({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible')) max(amounts, amountsOf(asked))
  return amounts
}

/** Whether a pod needs less of some resource than before. k8s: scheduler framework extractPodScaleDown */
export function needsLess(pod: Readonly<Pod>, old: Readonly<Pod>): boolean {
  // What a pod asks for can't have changed before its first generation is over: the usual case, found without sums.
  if ((pod.metadata.generation ?? 1) <= 1) return false
  const now = podAmounts(pod)
  return Object.entries(podAmounts(old)).some(([name, amount]) => amount > (now[name] ?? 0))
}

/** Requests (or limits) of the whole pod with overhead. `atLeast`: what containers count with that don't say. k8s: component-helpers/resource PodRequests, PodLimits */
export function podAmounts(pod: Readonly<Pod>, kind: AmountsKind = 'requests', atLeast?: Readonly<Amounts>): Amounts {
  const { spec, status } = pod
  const held = kind === 'requests' ? new Map([...status?.containerStatuses ?? [], ...status?.initContainerStatuses ?? []].map((c) => [c.name, c])) : undefined
  const total = sumContainers(spec, (container, runsThroughout) => {
    const asked = container.resources?.[kind]
    const { resources, allocatedResources } = (runsThroughout ? held?.get(container.name) : undefined) ?? {}
    const amounts = resources ? inEffect(pod, asked, resources.requests, allocatedResources) : amountsOf(asked)
    return atLeast ? { ...atLeast, ...amounts } : amounts
  })
  const podLevel = spec.resources?.[kind]
  if (podLevel) {
    const amounts = kind === 'requests' && status?.resources ? inEffect(pod, podLevel, status.resources.requests, status.allocatedResources) : amountsOf(podLevel)
    for (const name in podLevel) if (name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')) total[name] = amounts[name] ?? 0
  }
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

const UNASKED: Readonly<Amounts> = { cpu: DEFAULT_CPU_MILLIS, memory: DEFAULT_MEMORY_BYTES }

/** CPU and memory where a container that asks for nothing counts a little. */
export function nonZeroRequests(pod: Readonly<Pod>): { cpu: number; memory: number } {
  const { cpu = 0, memory = 0 } = podAmounts(pod, 'requests', UNASKED)
  return { cpu, memory }
}

/**
 * The same of containers alone: what the pod asks for as a whole, and what a resize has changed, don't count where nodes are compared for a pod that has none yet.
 * k8s: plugins/noderesources NewFit, whose scorer is told of neither
 */
export function nonZeroContainerRequests(pod: Readonly<Pod>): { cpu: number; memory: number } {
  const { resources: _, ...spec } = pod.spec
  const { cpu = 0, memory = 0 } = podAmounts({ ...pod, spec, status: {} }, 'requests', UNASKED)
  return { cpu, memory }
}
