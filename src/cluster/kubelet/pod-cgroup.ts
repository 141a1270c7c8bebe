import type { MachineLimits } from '../../unix/types.ts'
import { qosOf } from '../kinds/core/pod-qos.ts'
import type { Pod } from '../kinds/generated/types.ts'
import { isZeroQuantity, quantityMilliValue, quantityValue } from '../kinds/quantity.ts'
import { MIN_SHARES, sharesOf } from './container-limits.ts'
import { podLimits, podRequests } from './pod-resources.ts'

/** Where the kubelet keeps all pods, as systemd names groups. k8s: pkg/kubelet/cm defaultNodeAllocatableCgroupName, CgroupName.ToSystemd */
const ALL_PODS = 'kubepods'

/** The control group of a pod, below /sys/fs/cgroup of its node. k8s: pkg/kubelet/cm GetPodContainerName */
export function podCgroup(pod: Pod): string {
  const qos = qosOf(pod)
  const names = [ALL_PODS, ...(qos === 'Guaranteed' ? [] : [qos.toLowerCase()]), `pod${pod.metadata.uid!.replaceAll('-', '_')}`]
  // A slice is named after all slices that it lies in.
  return names.map((_, i) => `${names.slice(0, i + 1).join('-')}.slice`).join('/')
}

/** What all containers of a pod together may have. k8s: pkg/kubelet/cm ResourceConfigForPod */
export function podCgroupLimits(pod: Pod): MachineLimits {
  const qos = qosOf(pod)
  if (qos === 'BestEffort') return { cpuShares: MIN_SHARES }
  const limits = podLimits(pod)
  const isLimited = (name: 'cpu' | 'memory') => qos === 'Guaranteed' || isSet(pod.spec.resources?.limits?.[name])
    || [...pod.spec.containers, ...pod.spec.initContainers ?? []].every((container) => isSet(container.resources?.limits?.[name]))
  return {
    cpuShares: sharesOf(quantityMilliValue(podRequests(pod).cpu ?? '0')),
    ...(isLimited('cpu') && limits.cpu !== undefined ? { cpuMillis: quantityMilliValue(limits.cpu) } : {}),
    ...(isLimited('memory') && limits.memory !== undefined ? { memoryBytes: quantityValue(limits.memory) } : {}),
  }
}

function isSet(quantity: string | undefined): boolean {
  return quantity !== undefined && !isZeroQuantity(quantity)
}
