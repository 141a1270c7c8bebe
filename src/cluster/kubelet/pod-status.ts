import type { ContainerStatus as ApiContainerStatus, Pod, PodCondition, PodStatus } from '../kinds/generated/types.ts'
import type { ContainerStatus } from '../runtime/cri.ts'
import { containerStatuses } from './container-statuses.ts'
import type { ContainerStatusInput, StartFailure } from './container-statuses.ts'
import type { RuntimePodStatus } from './pod-actions.ts'
import { KUBELET_CONDITIONS, kubeletConditions } from './pod-conditions.ts'
import { podPhase } from './pod-phase.ts'
import { podQosClass } from '../kinds/core/pod-qos.ts'
import { podLimits, podRequests } from './pod-resources.ts'
import { isMirrorPod, isStaticPod, isTerminalPhase } from './pod-spec.ts'

export interface PodStatusInput {
  pod: Pod
  runtime: RuntimePodStatus
  /** The last status this kubelet computed, or the API's. */
  old: PodStatus
  podIsTerminal: boolean
  hostIps: readonly string[]
  failure(containerName: string): StartFailure | undefined
  message(container: ContainerStatus): string
  resources: ContainerStatusInput['resources']
  /** Sets `started` and `ready` by the probes' results. */
  applyProbes(pod: Pod, status: PodStatus): void
  /** The pod must end, whatever its containers say. */
  evict?: { reason: string; message: string } | undefined
  resizeConditions: readonly PodCondition[]
}

/** cgroup's `memory.max` of a pod without a limit, as the kubelet reads it back. */
const NO_MEMORY_LIMIT = '9007199254740988Ki'

/** The whole status of a pod, apart from transition times. k8s: pkg/kubelet generateAPIPodStatus */
export function computePodStatus(input: PodStatusInput): PodStatus {
  const { pod, runtime, old } = input
  const shared = { pod, runtime, failure: input.failure, message: input.message, resources: input.resources }
  const init = containerStatuses({ ...shared, previous: old.initContainerStatuses ?? [], containers: pod.spec.initContainers ?? [], isInit: true })
  const regular = containerStatuses({ ...shared, previous: old.containerStatuses ?? [], containers: pod.spec.containers, isInit: false })
  const ephemeral = containerStatuses({ ...shared, previous: old.ephemeralContainerStatuses ?? [], containers: pod.spec.ephemeralContainers ?? [], isInit: false })
  const ips = pod.spec.hostNetwork ? (old.podIPs?.map((p) => p.ip) ?? [...input.hostIps]) : [...runtime.ips]

  const anyActive = pod.spec.containers.some((c) => runtime.containers.some((r) => r.name === c.name && r.sandboxId === runtime.sandbox?.id && r.state !== 'created'))
  let phase: string = podPhase(pod, [...regular, ...init], input.podIsTerminal, anyActive)
  if (!isTerminalPhase(phase)) {
    if (isTerminalPhase(old.phase)) phase = old.phase!
    else if (isTerminalPhase(pod.status?.phase)) phase = pod.status!.phase!
  }
  let reason: string | undefined
  let message: string | undefined
  if (phase === old.phase) {
    reason = old.reason || pod.status?.reason
    message = old.message || pod.status?.message
  }
  if (input.evict) {
    phase = 'Failed'
    reason = input.evict.reason
    message = input.evict.message
  }
  if (isTerminalPhase(pod.status?.phase)) phase = pod.status!.phase!

  const requests = podRequests(pod)
  const status: PodStatus = {
    phase: phase as NonNullable<PodStatus['phase']>, ...(reason ? { reason } : {}), ...(message ? { message } : {}),
    ...(pod.metadata.generation && !isStaticPod(pod) && !isMirrorPod(pod) ? { observedGeneration: pod.metadata.generation } : {}),
    ...(input.hostIps.length > 0 ? { hostIP: input.hostIps[0]!, hostIPs: input.hostIps.map((ip) => ({ ip })) } : {}),
    ...(ips.length > 0 ? { podIP: ips[0]!, podIPs: ips.map((ip) => ({ ip })) } : {}),
    qosClass: podQosClass(pod.spec),
    ...(init.length > 0 ? { initContainerStatuses: init } : {}),
    containerStatuses: regular,
    ...(ephemeral.length > 0 ? { ephemeralContainerStatuses: ephemeral } : {}),
    ...(Object.keys(requests).length > 0 ? { allocatedResources: requests } : {}),
    resources: podLevelResources(pod, requests),
  }
  input.applyProbes(pod, status)

  const others = (pod.status?.conditions ?? []).filter((c) => !KUBELET_CONDITIONS.has(c.type))
  const disruption = old.conditions?.find((c) => c.type === 'DisruptionTarget')
  const kept: PodCondition[] = [...others.filter((c) => !disruption || c.type !== 'DisruptionTarget'), ...input.resizeConditions, ...(disruption ? [disruption] : [])]
  status.conditions = [...kept, ...kubeletConditions({
    pod, phase, statuses: [...status.initContainerStatuses ?? [], ...status.containerStatuses ?? []] as ApiContainerStatus[], others: kept, runtime,
    wasInitialized: old.conditions?.some((c) => c.type === 'Initialized' && c.status === 'True') ?? false,
  })]
  return status
}

/** k8s: pkg/kubelet convertToAPIPodLevelResourcesStatus (what the pod's cgroup says once it runs) */
function podLevelResources(pod: Pod, requests: Record<string, string>): NonNullable<PodStatus['resources']> {
  const limits = podLimits(pod)
  if (pod.status?.phase === 'Running' && !('memory' in limits)) limits.memory = NO_MEMORY_LIMIT
  return { ...pod.spec.resources, ...(Object.keys(limits).length > 0 ? { limits } : {}), ...(Object.keys(requests).length > 0 ? { requests } : {}) }
}
