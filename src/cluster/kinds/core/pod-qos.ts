import { addQuantities, compareQuantities, isZeroQuantity } from '../quantity.ts'
import type { Pod, PodSpec } from '../generated/types.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

const COUNTED = ['cpu', 'memory']

/** How a pod is treated when its node runs short. k8s: pkg/apis/core/v1/helper/qos ComputePodQOS */
export function podQosClass(spec: Readonly<PodSpec>): QosClass {
  const requests: Record<string, string> = {}
  const limits: Record<string, string> = {}
  let guaranteed = true
  const add = (into: Record<string, string>, list: Record<string, string> | undefined): Set<string> => {
    const seen = new Set<string>()
    for (const name of COUNTED) {
      const value = list?.[name]
      if (value === undefined || isZeroQuantity(value)) continue
      seen.add(name)
      into[name] = into[name] === undefined ? value : addQuantities(into[name]!, value)
    }
    return seen
  }
  if (spec.resources) {
    add(requests, spec.resources.requests)
    const limited = add(limits, spec.resources.limits)
    if (!COUNTED.every((name) => limited.has(name))) guaranteed = false
  } else {
    for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
      if (!container.resources) {
        guaranteed = false
        continue
      }
      add(requests, container.resources.requests)
      const limited = add(limits, container.resources.limits)
      if (limited.size < COUNTED.length) guaranteed = false
    }
  }
  const requested = Object.keys(requests)
  if (requested.length === 0 && Object.keys(limits).length === 0) return 'BestEffort'
  if (guaranteed) {
    for (const name of requested) if (limits[name] === undefined || compareQuantities(limits[name]!, requests[name]!) !== 0) guaranteed = false
  }
  return guaranteed && requested.length === Object.keys(limits).length ? 'Guaranteed' : 'Burstable'
}

export function qosOf(pod: Readonly<Pod>): QosClass {
  return (pod.status?.qosClass as QosClass | undefined) ?? podQosClass(pod.spec)
}
