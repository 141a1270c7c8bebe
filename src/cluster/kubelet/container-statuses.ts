import { rfc3339 } from '../../base/clock.ts'
import type { ContainerState, ContainerStatus as ApiContainerStatus, Pod, ResourceRequirements } from '../kinds/generated/types.ts'
import type { ContainerStatus } from '../runtime/cri.ts'
import { containerIdText } from './container-id.ts'
import { findContainer, shouldContainerStart } from './pod-actions.ts'
import type { RuntimePodStatus } from './pod-actions.ts'
import { isSidecar } from './pod-spec.ts'
import { RESTARTING_ALL } from './restart-all.ts'
import type { AnyContainer } from './pod-spec.ts'

/** Why a container could not be started: the reason and message of its waiting state. */
export interface StartFailure {
  reason: string
  message: string
}

export interface ContainerStatusInput {
  pod: Pod
  runtime: RuntimePodStatus
  previous: readonly ApiContainerStatus[]
  containers: readonly AnyContainer[]
  isInit: boolean
  /** All of the pod's containers are to begin anew: those that are gone were taken away for that. */
  restartAll: boolean
  failure(containerName: string): StartFailure | undefined
  /** How the container runtime calls itself. */
  runtimeName: string
  /** Termination message of an ended container. */
  message(container: ContainerStatus): string
  /** Resources in force for a container that runs. */
  resources(container: AnyContainer, status: ContainerStatus): ResourceRequirements
}

const UNKNOWN_REASON = 'ContainerStatusUnknown'

/** What containers report. k8s: pkg/kubelet convertToAPIContainerStatuses */
export function containerStatuses(input: ContainerStatusInput): ApiContainerStatus[] {
  const { pod, runtime, containers } = input
  const hasInit = (pod.spec.initContainers?.length ?? 0) > 0
  const defaultReason = hasInit ? 'PodInitializing' : 'ContainerCreating'
  const out: ApiContainerStatus[] = []
  for (const container of containers) {
    const old = input.previous.find((s) => s.name === container.name)
    const runs = runtime.containers.filter((c) => c.name === container.name).slice(0, 2)
    let status: ApiContainerStatus
    if (runs.length > 0) {
      status = converted(runs[0]!, container, old, input)
      if (runs[1]) status.lastState = converted(runs[1], container, old, input).state!
    } else status = absent(container, old, defaultReason, input)
    out.push(waitingToStart(status, container, input))
  }
  if (!input.isInit) out.sort((a, b) => a.name < b.name ? -1 : 1)
  return out
}

function converted(run: ContainerStatus, container: AnyContainer, old: ApiContainerStatus | undefined, input: ContainerStatusInput): ApiContainerStatus {
  const containerID = containerIdText(input.runtimeName, run.id)
  let restartCount = run.attempt
  let lastState: ContainerState = {}
  if (old) {
    restartCount = Math.max(restartCount, old.restartCount)
    if (old.containerID !== containerID && old.state?.terminated) lastState = { terminated: old.state.terminated }
    else if (old.lastState?.terminated) lastState = { terminated: old.lastState.terminated }
  }
  let state: ContainerState
  switch (run.state) {
    case 'running':
      state = { running: { startedAt: rfc3339(run.startedMs) } }
      if (old?.state?.terminated && old.restartCount >= run.attempt) restartCount = old.restartCount + 1
      break
    case 'exited': {
      const message = input.message(run)
      state = { terminated: { containerID, exitCode: run.exitCode, finishedAt: rfc3339(run.finishedMs), ...(message ? { message } : {}), ...(run.reason ? { reason: run.reason } : {}), startedAt: rfc3339(run.startedMs) } }
      break
    }
    default: state = { waiting: {} }
  }
  const status: ApiContainerStatus = { name: container.name, state, lastState, ready: false, restartCount, image: run.image, imageID: run.imageRef, containerID }
  if (container.resources?.requests) status.allocatedResources = container.resources.requests
  status.resources = run.state === 'running' ? input.resources(container, run) : container.resources ?? {}
  const mounts = old?.volumeMounts ?? volumeMountStatuses(container)
  if (mounts) status.volumeMounts = mounts
  status.user = { linux: { uid: run.user.uid, gid: run.user.gid, supplementalGroups: [...run.user.supplementalGroups] } }
  return status
}

function volumeMountStatuses(container: AnyContainer): ApiContainerStatus['volumeMounts'] {
  if (!container.volumeMounts || container.volumeMounts.length === 0) return undefined
  return container.volumeMounts.map((mount) => ({
    name: mount.name, mountPath: mount.mountPath,
    ...(mount.readOnly ? { readOnly: true, recursiveReadOnly: mount.recursiveReadOnly === 'Enabled' || mount.recursiveReadOnly === 'IfPossible' ? 'Enabled' : 'Disabled' } : {}),
  }))
}

function neverSeen(container: AnyContainer, old: ApiContainerStatus | undefined, defaultReason: string): ApiContainerStatus {
  const mounts = volumeMountStatuses(container)
  return {
    name: container.name, image: container.image ?? '', imageID: '', ready: false, restartCount: old?.restartCount ?? 0,
    state: { waiting: { reason: defaultReason } }, lastState: old?.lastState ?? {}, ...(mounts ? { volumeMounts: mounts } : {}),
  }
}

function reset(status: ApiContainerStatus, { restartCount }: ApiContainerStatus): ApiContainerStatus {
  const why = { reason: RESTARTING_ALL, message: 'The container is removed because RestartAllContainers in place' }
  return {
    ...status, restartCount: restartCount + 1, state: { waiting: why },
    lastState: { terminated: { ...why, exitCode: 137, startedAt: null as unknown as string, finishedAt: null as unknown as string } },
  }
}

/** A container that the runtime doesn't know (yet, or any more). */
function absent(container: AnyContainer, old: ApiContainerStatus | undefined, defaultReason: string, { pod, restartAll }: ContainerStatusInput): ApiContainerStatus {
  if (restartAll && old && !old.state?.waiting) return reset(old.state?.terminated ? old : neverSeen(container, old, defaultReason), old)
  if (old?.state?.terminated) return { ...old }
  const status = neverSeen(container, old, defaultReason)
  if (old?.state?.running && !status.lastState?.terminated) {
    status.lastState = { terminated: { exitCode: 137, reason: UNKNOWN_REASON, message: 'The container could not be located when the pod was deleted.  The container used to be Running', startedAt: null as unknown as string, finishedAt: null as unknown as string } }
    if (!pod.metadata.deletionTimestamp) status.restartCount++
  }
  return status
}

/** A container that is to be started and couldn't be shows why. */
function waitingToStart(status: ApiContainerStatus, container: AnyContainer, { pod, runtime, isInit, failure }: ContainerStatusInput): ApiContainerStatus {
  if (isInit) {
    const last = findContainer(runtime, container.name)
    if (last?.state === 'exited' && last.exitCode === 0 && !isSidecar(container)) return status
    if (!last && !isSidecar(container) && status.state?.waiting && pod.spec.containers.some((c) => findContainer(runtime, c.name)))
      return { ...status, state: { terminated: { exitCode: 0, reason: 'Completed', message: 'Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally', startedAt: null as unknown as string, finishedAt: null as unknown as string } } }
  }
  if (!shouldContainerStart(container, pod, runtime)) return status
  const why = failure(container.name)
  if (!why) return status
  return {
    ...status, ...(status.state?.terminated ? { lastState: status.state } : {}),
    state: { waiting: { reason: why.reason, ...(why.message ? { message: why.message } : {}) } },
  }
}
