import type { ContainerStatus as ApiContainerStatus, Pod, PodCondition, PodStatus } from '../kinds/generated/types.ts'
import type { ContainerStatus } from '../runtime/cri.ts'
import { containerStatuses } from './container-statuses.ts'
import type { ContainerStatusInput, StartFailure } from './container-statuses.ts'
import type { RuntimePodStatus } from './pod-actions.ts'
import { KUBELET_CONDITIONS, kubeletConditions } from './pod-conditions.ts'
import { podPhase } from './pod-phase.ts'
import { qosOf } from '../kinds/core/pod-qos.ts'
import { allContainersCouldRestart } from '../kinds/core/restart-rules.ts'
import { podLimits, podRequests } from './pod-resources.ts'
import { shouldRestartAll } from './restart-all.ts'
import { isMirrorPod, isStaticPod, isTerminalPhase } from './pod-spec.ts'
import type { AnyContainer } from './pod-spec.ts'

export interface PodStatusInput {
  pod: Pod
  runtime: RuntimePodStatus
  /** The last status this kubelet computed, or the API's. */
  old: PodStatus
  podIsTerminal: boolean
  hostIps: readonly string[]
  failure(containerName: string): StartFailure | undefined
  /** How the container runtime calls itself. */
  runtimeName: string
  message(container: ContainerStatus): string
  resources: ContainerStatusInput['resources']
  /** Sets `started` and `ready` by the probes' results. */
  applyProbes(pod: Pod, status: PodStatus): void
  /** The pod must end, whatever its containers say. */
  evict?: { reason: string; message: string } | undefined
  resizeConditions: readonly PodCondition[]
  /** The pod with the resources that its control group has; those that it was allotted by default. */
  inForce?: Pod
}

/** cgroup's `memory.max` of a pod without a limit, as the kubelet reads it back. */
const NO_MEMORY_LIMIT = '9007199254740988Ki'

/** The whole status of a pod, apart from transition times. k8s: pkg/kubelet generateAPIPodStatus */
export function computePodStatus(input: PodStatusInput): PodStatus {
  const { pod, runtime, old } = input
  const restartAll = allContainersCouldRestart(pod.spec) ? shouldRestartAll(pod, runtime, old) : undefined
  const shared = { pod, runtime, restartAll: restartAll ?? false, failure: input.failure, message: input.message, resources: input.resources, runtimeName: input.runtimeName }
  const statusesOf = (containers: readonly AnyContainer[] | undefined, previous: readonly ApiContainerStatus[] | undefined, isInit: boolean) =>
    containers && containers.length > 0 ? containerStatuses({ ...shared, previous: previous ?? [], containers, isInit }) : []
  const init = statusesOf(pod.spec.initContainers, old.initContainerStatuses, true)
  const regular = statusesOf(pod.spec.containers, old.containerStatuses, false)
  const ephemeral = statusesOf(pod.spec.ephemeralContainers, old.ephemeralContainerStatuses, false)
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
  const status: PodStatus = { phase: phase as NonNullable<PodStatus['phase']> }
  if (reason) status.reason = reason
  if (message) status.message = message
  if (pod.metadata.generation && !isStaticPod(pod) && !isMirrorPod(pod)) status.observedGeneration = pod.metadata.generation
  if (input.hostIps.length > 0) {
    status.hostIP = input.hostIps[0]!
    status.hostIPs = input.hostIps.map((ip) => ({ ip }))
  }
  if (ips.length > 0) {
    status.podIP = ips[0]!
    status.podIPs = ips.map((ip) => ({ ip }))
  }
  status.qosClass = qosOf(pod)
  if (init.length > 0) status.initContainerStatuses = init
  status.containerStatuses = regular
  if (ephemeral.length > 0) status.ephemeralContainerStatuses = ephemeral
  if (Object.keys(requests).length > 0) status.allocatedResources = requests
  const { inForce = pod } = input
  status.resources = podLevelResources(inForce, inForce === pod ? requests : podRequests(inForce))
  input.applyProbes(pod, status)

  const others = (pod.status?.conditions ?? []).filter((c) => !KUBELET_CONDITIONS.has(c.type))
  const disruption = old.conditions?.find((c) => c.type === 'DisruptionTarget')
  const kept: PodCondition[] = [...others.filter((c) => !disruption || c.type !== 'DisruptionTarget'), ...input.resizeConditions, ...(disruption ? [disruption] : [])]
  status.conditions = [...kept, ...kubeletConditions({
    pod, phase, statuses: [...status.initContainerStatuses ?? [], ...status.containerStatuses ?? []] as ApiContainerStatus[], others: kept, runtime, restartAll,
    wasInitialized: old.conditions?.some((c) => c.type === 'Initialized' && c.status === 'True') ?? false,
  })]
  return status
}

/** k8s: pkg/kubelet convertToAPIPodLevelResourcesStatus (what the pod's cgroup says once it runs) */
function podLevelResources(pod: Pod, requests: Record<string, string>): NonNullable<PodStatus['resources']> {
  const limits = podLimits(pod)
  if (pod.status?.phase === 'Running' && !('memory' in limits)) limits.memory = NO_MEMORY_LIMIT
  const resources: NonNullable<PodStatus['resources']> = { ...pod.spec.resources }
  if (Object.keys(limits).length > 0) resources.limits = limits
  if (Object.keys(requests).length > 0) resources.requests = requests
  return resources
}
