import { qosOf } from '../kinds/core/pod-qos.ts'
import type { Pod } from '../kinds/generated/types.ts'
import { quantityMilliValue, quantityValue } from '../kinds/quantity.ts'
import type { MachineLimits } from '../../unix/types.ts'
import { isSidecar } from './pod-spec.ts'
import type { AnyContainer } from './pod-spec.ts'

const MIN_SHARES = 2
const MAX_SHARES = 262_144
const GUARANTEED_SCORE = -997
const BEST_EFFORT_SCORE = 1_000
const NODE_CRITICAL_PRIORITY = 2_000_001_000

/** What a container's resources mean to the kernel. k8s: kuberuntime generateLinuxContainerResources */
export function containerLimits(pod: Pod, container: AnyContainer, memoryCapacityBytes: number): MachineLimits {
  const { memory, cpu } = container.resources?.limits ?? {}
  const request = container.resources?.requests?.cpu
  return {
    ...(memory !== undefined ? { memoryBytes: quantityValue(memory) } : {}), ...(cpu !== undefined ? { cpuMillis: quantityMilliValue(cpu) } : {}),
    cpuShares: sharesOf(quantityMilliValue((request !== undefined && quantityMilliValue(request) > 0 ? request : cpu) ?? '0')),
    oomScoreAdjust: oomScoreAdjust(pod, container, memoryCapacityBytes),
  }
}

/** k8s: pkg/kubelet/cm MilliCPUToShares */
function sharesOf(milliCpu: number): number {
  return milliCpu === 0 ? MIN_SHARES : Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor(milliCpu * 1024 / 1000)))
}

/** k8s: pkg/kubelet/qos GetContainerOOMScoreAdjust */
function oomScoreAdjust(pod: Pod, container: AnyContainer, memoryCapacityBytes: number): number {
  if ((pod.spec.priority ?? 0) >= NODE_CRITICAL_PRIORITY) return GUARANTEED_SCORE
  const qos = qosOf(pod)
  if (qos === 'Guaranteed') return GUARANTEED_SCORE
  if (qos === 'BestEffort') return BEST_EFFORT_SCORE
  const requested = (of: AnyContainer) => quantityValue(of.resources?.requests?.memory ?? '0')
  const scoreFor = (bytes: number) => 1_000 - Math.floor(1_000 * bytes / memoryCapacityBytes)
  const least = isSidecar(container) ? Math.min(...pod.spec.containers.map(requested)) : 0
  const score = scoreFor(Math.max(requested(container), least))
  if (score < 1_000 + GUARANTEED_SCORE) return 1_000 + GUARANTEED_SCORE
  return score === BEST_EFFORT_SCORE ? score - 1 : score
}
