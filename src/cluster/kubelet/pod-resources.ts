import type { Container, Pod } from '../kinds/generated/types.ts'
import { addQuantities, compareQuantities, isZeroQuantity } from '../kinds/quantity.ts'
import { isSidecar } from './pod-spec.ts'

type ResourceList = Record<string, string>

function add(to: ResourceList, more: Readonly<ResourceList> | undefined): void {
  for (const name in more) to[name] = name in to ? addQuantities(to[name]!, more[name]!) : more[name]!
}

function raise(to: ResourceList, other: Readonly<ResourceList> | undefined): void {
  for (const name in other) if (!(name in to) || compareQuantities(to[name]!, other[name]!) < 0) to[name] = other[name]!
}

function total(pod: Pod, of: (container: Container) => Readonly<ResourceList> | undefined): ResourceList {
  const sum: ResourceList = {}
  for (const container of pod.spec.containers) add(sum, of(container))
  const sidecars: ResourceList = {}
  const peak: ResourceList = {}
  for (const container of pod.spec.initContainers ?? []) {
    if (isSidecar(container)) {
      add(sum, of(container))
      add(sidecars, of(container))
      raise(peak, sidecars)
    } else {
      const need = { ...sidecars }
      add(need, of(container))
      raise(peak, need)
    }
  }
  raise(sum, peak)
  return sum
}

/** What a pod's containers ask of its node, as many as run at a time. k8s: component-helpers/resource AggregateContainerRequests */
export function containerRequests(pod: Pod): ResourceList {
  return total(pod, (c) => c.resources?.requests)
}

/** What a pod asks of its node. k8s: component-helpers/resource PodRequests */
export function podRequests(pod: Pod): ResourceList {
  const sum = containerRequests(pod)
  Object.assign(sum, pod.spec.resources?.requests)
  add(sum, pod.spec.overhead)
  return sum
}

/** k8s: component-helpers/resource PodLimits */
export function podLimits(pod: Pod): ResourceList {
  const sum = total(pod, (c) => c.resources?.limits)
  Object.assign(sum, pod.spec.resources?.limits)
  if (pod.spec.overhead) for (const name in pod.spec.overhead) if (name in sum && !isZeroQuantity(sum[name]!)) sum[name] = addQuantities(sum[name]!, pod.spec.overhead[name]!)
  return sum
}
