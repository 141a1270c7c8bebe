import type { ContainerStatus, Pod, PodCondition } from '../kinds/generated/types.ts'
import { isSidecar } from './pod-spec.ts'
import { restartAllCondition } from './restart-all.ts'
import { sandboxChanged } from './pod-actions.ts'
import type { RuntimePodStatus } from './pod-actions.ts'

/** Conditions that the kubelet owns. k8s: pkg/kubelet/types PodConditionByKubelet */
export const KUBELET_CONDITIONS: ReadonlySet<string> = new Set([
  'PodScheduled', 'Ready', 'Initialized', 'ContainersReady', 'PodResizePending', 'PodResizeInProgress', 'PodReadyToStartContainers', 'AllContainersRestarting',
])

interface ConditionInput {
  pod: Pod
  phase: string
  /** Of init and regular containers, as they will be reported. */
  statuses: readonly ContainerStatus[]
  /** Conditions of others, for readiness gates. */
  others: readonly PodCondition[]
  /** Whether the pod was initialised before. */
  wasInitialized: boolean
  /** Whether all containers are to begin anew; undefined: no rule can ask for it. */
  restartAll: boolean | undefined
  runtime: RuntimePodStatus
}

const goList = (names: readonly string[]) => `[${names.join(' ')}]`

function condition(pod: Pod, type: string, status: 'True' | 'False', reason = '', message = ''): PodCondition {
  const generation = pod.metadata.generation ?? 0
  const made: PodCondition = { type, status }
  if (generation) made.observedGeneration = generation
  made.lastProbeTime = null as unknown as string
  if (reason) made.reason = reason
  if (message) made.message = message
  return made
}

const terminalReason = (phase: string) => phase === 'Failed' ? 'PodFailed' : 'PodCompleted'

/** k8s: pkg/kubelet/status GenerateContainersReadyCondition */
export function containersReadyCondition({ pod, phase, statuses }: Pick<ConditionInput, 'pod' | 'phase' | 'statuses'>): PodCondition {
  const unknown: string[] = []
  const unready: string[] = []
  const sidecars = pod.spec.initContainers?.filter(isSidecar)
  for (const container of sidecars ? [...sidecars, ...pod.spec.containers] : pod.spec.containers) {
    const status = statuses.find((s) => s.name === container.name)
    if (!status) unknown.push(container.name)
    else if (!status.ready) unready.push(container.name)
  }
  if ((phase === 'Succeeded' && unknown.length === 0) || phase === 'Failed') return condition(pod, 'ContainersReady', 'False', terminalReason(phase))
  const messages = [
    ...(unknown.length > 0 ? [`containers with unknown status: ${goList(unknown)}`] : []),
    ...(unready.length > 0 ? [`containers with unready status: ${goList(unready)}`] : []),
  ]
  return messages.length > 0 ? condition(pod, 'ContainersReady', 'False', 'ContainersNotReady', messages.join(', ')) : condition(pod, 'ContainersReady', 'True')
}

/** k8s: pkg/kubelet/status GeneratePodReadyCondition */
export function readyCondition(input: Pick<ConditionInput, 'pod' | 'phase' | 'statuses' | 'others'>, containers = containersReadyCondition(input)): PodCondition {
  if (containers.status !== 'True') return { ...containers, type: 'Ready' }
  const messages: string[] = []
  for (const gate of input.pod.spec.readinessGates ?? []) {
    const found = input.others.find((c) => c.type === gate.conditionType)
    if (!found) messages.push(`corresponding condition of pod readiness gate ${JSON.stringify(gate.conditionType)} does not exist.`)
    else if (found.status !== 'True') messages.push(`the status of pod readiness gate ${JSON.stringify(gate.conditionType)} is not "True", but ${found.status}`)
  }
  return messages.length > 0 ? condition(input.pod, 'Ready', 'False', 'ReadinessGatesNotReady', messages.join(', ')) : condition(input.pod, 'Ready', 'True')
}

/** k8s: pkg/kubelet/status GeneratePodInitializedCondition */
function initializedCondition({ pod, phase, statuses, wasInitialized }: ConditionInput): PodCondition {
  const unknown: string[] = []
  const incomplete: string[] = []
  for (const container of pod.spec.initContainers ?? []) {
    const status = statuses.find((s) => s.name === container.name)
    if (!status) unknown.push(container.name)
    else if (isSidecar(container) ? !status.started : !status.ready) incomplete.push(container.name)
  }
  if (phase === 'Succeeded' && unknown.length === 0) return condition(pod, 'Initialized', 'True', 'PodCompleted')
  const anyStarted = pod.spec.containers.some((c) => {
    const status = statuses.find((s) => s.name === c.name)
    return status !== undefined && (status.started || status.state?.running || status.state?.terminated || status.lastState?.terminated)
  })
  if (anyStarted) return condition(pod, 'Initialized', 'True')
  const messages = [
    ...(unknown.length > 0 ? [`containers with unknown status: ${goList(unknown)}`] : []),
    ...(incomplete.length > 0 ? [`containers with incomplete status: ${goList(incomplete)}`] : []),
  ]
  if (messages.length === 0 || wasInitialized) return condition(pod, 'Initialized', 'True')
  return condition(pod, 'Initialized', 'False', 'ContainersNotInitialized', messages.join(', '))
}

/** The kubelet's own conditions, in its order, without transition times. */
export function kubeletConditions(input: ConditionInput): PodCondition[] {
  const containers = containersReadyCondition(input)
  return [
    condition(input.pod, 'PodReadyToStartContainers', sandboxChanged(input.runtime).changed ? 'False' : 'True'),
    initializedCondition(input),
    readyCondition(input, containers),
    containers,
    condition(input.pod, 'PodScheduled', 'True'),
    ...(input.restartAll === undefined ? [] : [restartAllCondition({ ...input, restartAll: input.restartAll })]),
  ]
}
