import { qosOf } from '../kinds/core/pod-qos.ts'
import type { Pod } from '../kinds/generated/types.ts'
import { isZeroQuantity, quantityMilliValue, quantityValue } from '../kinds/quantity.ts'
import type { MachineLimits } from '../../unix/types.ts'
import { containerRequests } from './pod-resources.ts'
import { isSidecar } from './pod-spec.ts'
import type { AnyContainer } from './pod-spec.ts'

/** The least weight of a group for the processor. */
export const MIN_SHARES = 2
const MAX_SHARES = 262_144
const GUARANTEED_SCORE = -997
const BEST_EFFORT_SCORE = 1_000
const NODE_CRITICAL_PRIORITY = 2_000_001_000

/** What a container's resources mean to the kernel. k8s: kuberuntime generateLinuxContainerResources */
export function containerLimits(pod: Pod, container: AnyContainer, memoryCapacityBytes: number): MachineLimits {
  const memory = limitOf(pod, container, 'memory')
  const cpu = limitOf(pod, container, 'cpu')
  return {
    ...(memory !== undefined ? { memoryBytes: quantityValue(memory) } : {}), ...(cpu !== undefined ? { cpuMillis: quantityMilliValue(cpu) } : {}),
    cpuShares: sharesOf(quantityMilliValue(container.resources?.requests?.cpu ?? cpu ?? '0')),
    oomScoreAdjust: oomScoreAdjust(pod, container, memoryCapacityBytes),
  }
}

/** A container that names no limit may have as much as the pod. k8s: kuberuntime getCPULimit, getMemoryLimit */
function limitOf(pod: Pod, container: AnyContainer, resource: 'cpu' | 'memory'): string | undefined {
  return [container.resources?.limits?.[resource], pod.spec.resources?.limits?.[resource]].find((limit) => limit !== undefined && !isZeroQuantity(limit))
}

/** k8s: pkg/kubelet/cm MilliCPUToShares */
export function sharesOf(milliCpu: number): number {
  return milliCpu === 0 ? MIN_SHARES : Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor(milliCpu * 1024 / 1000)))
}

/** k8s: pkg/kubelet/qos GetContainerOOMScoreAdjust */
function oomScoreAdjust(pod: Pod, container: AnyContainer, memoryCapacityBytes: number): number {
  if ((pod.spec.priority ?? 0) >= NODE_CRITICAL_PRIORITY) return GUARANTEED_SCORE
  const qos = qosOf(pod)
  if (qos === 'Guaranteed') return GUARANTEED_SCORE
  if (qos === 'BestEffort') return BEST_EFFORT_SCORE
  const requested = (of: AnyContainer) => quantityValue(of.resources?.requests?.memory ?? '0')
  const share = unclaimedMemoryPerContainer(pod)
  const scoreFor = (bytes: number) => 1_000 - Math.floor(1_000 * (bytes + share) / memoryCapacityBytes)
  const least = isSidecar(container) ? Math.min(...pod.spec.containers.map(requested)) : 0
  const score = scoreFor(Math.max(requested(container), least))
  if (score < 1_000 + GUARANTEED_SCORE) return 1_000 + GUARANTEED_SCORE
  return score === BEST_EFFORT_SCORE ? score - 1 : score
}

/** Of what the pod requests as a whole, each container counts for a part of what none of them requests, in bytes. k8s: pkg/kubelet/qos remainingPodMemReqPerContainer */
function unclaimedMemoryPerContainer(pod: Pod): number {
  const whole = pod.spec.resources?.requests?.memory
  if (whole === undefined || isZeroQuantity(whole)) return 0
  return Math.trunc((quantityValue(whole) - quantityValue(containerRequests(pod).memory ?? '0')) / (pod.spec.containers.length + (pod.spec.initContainers?.length ?? 0)))
}
