import type { Container, Pod, ResourceRequirements } from '../kinds/generated/types.ts'
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

/** What a pod asks of its node. k8s: component-helpers/resource PodRequests */
export function podRequests(pod: Pod): ResourceList {
  const sum = total(pod, (c) => c.resources?.requests)
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

/** k8s: pkg/apis/core/v1/helper/qos ComputePodQOS */
export function podQosClass(pod: Pod): 'BestEffort' | 'Burstable' | 'Guaranteed' {
  const requests: ResourceList = {}
  const limits: ResourceList = {}
  let guaranteed = true
  const collect = (list: Readonly<ResourceList> | undefined, to: ResourceList) => {
    const seen = new Set<string>()
    for (const name of ['cpu', 'memory']) {
      const value = list?.[name]
      if (value === undefined || isZeroQuantity(value)) continue
      to[name] = name in to ? addQuantities(to[name]!, value) : value
      seen.add(name)
    }
    return seen.size === 2
  }
  const parts: (ResourceRequirements | undefined)[] = pod.spec.resources ? [pod.spec.resources] : [...pod.spec.containers, ...pod.spec.initContainers ?? []].map((c) => c.resources)
  for (const part of parts) {
    collect(part?.requests, requests)
    if (!collect(part?.limits, limits)) guaranteed = false
  }
  if (Object.keys(requests).length === 0 && Object.keys(limits).length === 0) return 'BestEffort'
  if (guaranteed && Object.keys(requests).length === Object.keys(limits).length)
    for (const name in requests) if (!(name in limits) || compareQuantities(requests[name]!, limits[name]!) !== 0) guaranteed = false
  return guaranteed && Object.keys(requests).length === Object.keys(limits).length ? 'Guaranteed' : 'Burstable'
}
