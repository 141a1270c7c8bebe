import { matchingRestartRule, shouldRestartAfter } from '../kinds/core/restart-rules.ts'
import type { Container, EphemeralContainer, Pod } from '../kinds/generated/types.ts'
import type { ContainerStatus, PodSandbox } from '../runtime/cri.ts'
import { isSidecar } from './pod-spec.ts'
import type { AnyContainer } from './pod-spec.ts'

/** What the runtime knows of a pod. */
export interface RuntimePodStatus {
  sandbox: PodSandbox | undefined
  ips: readonly string[]
  /** Newest first. */
  containers: readonly ContainerStatus[]
}

export type KillReason = '' | 'StartupProbe' | 'LivenessProbe'

export interface ContainerKill {
  id: string
  container: AnyContainer
  message: string
  reason: KillReason
}

/** A container that is taken out of the runtime, so that all begin anew. */
export interface ContainerReset {
  id: string
  container: Container
  isRunning: boolean
}

/** What has to be done for a pod. */
export interface PodActions {
  killPod: boolean
  createSandbox: boolean
  attempt: number
  ephemeralToStart: EphemeralContainer[]
  initToStart: Container[]
  toStart: Container[]
  toKill: ContainerKill[]
  toReset: ContainerReset[]
}

/** Results of probes by container id; undefined: no result yet. */
export interface ProbeResults {
  liveness(containerId: string): 'success' | 'failure' | 'unknown' | undefined
  startup(containerId: string): 'success' | 'failure' | 'unknown' | undefined
  /** The container's resources changed in a way that its policy wants a restart for. */
  resizeNeedsRestart?(container: Container): boolean
}

/** The part of a container's spec whose change restarts it. k8s: pkg/kubelet/container HashContainer */
export function containerHash(container: AnyContainer): string {
  return `${container.name}\n${container.image ?? ''}`
}

export function findContainer(status: RuntimePodStatus, name: string): ContainerStatus | undefined {
  return status.containers.find((c) => c.name === name)
}

/** k8s: pkg/kubelet/container ShouldContainerBeRestarted */
export function shouldContainerStart(container: AnyContainer, pod: Pod, status: RuntimePodStatus): boolean {
  if (pod.metadata.deletionTimestamp) return false
  const last = findContainer(status, container.name)
  if (!last) return true
  if (last.state === 'running') return false
  if (last.state === 'unknown' || last.state === 'created') return true
  return shouldRestartAfter(container, pod.spec, last.exitCode)
}

/** Whether the pod needs a (new) sandbox. k8s: pkg/kubelet/kuberuntime/util PodSandboxChanged */
export function sandboxChanged(status: RuntimePodStatus): { changed: boolean; attempt: number; id: string } {
  const { sandbox } = status
  if (!sandbox) return { changed: true, attempt: 0, id: '' }
  if (sandbox.state !== 'ready') return { changed: true, attempt: sandbox.config.attempt + 1, id: sandbox.id }
  return { changed: false, attempt: sandbox.config.attempt, id: sandbox.id }
}

const restartsOnFailure = (pod: Pod) => pod.spec.restartPolicy !== 'Never'
const wasChanged = (container: AnyContainer, status: ContainerStatus) => status.annotations.hash !== containerHash(container)

/** Those whose end set it off come last. k8s: pkg/kubelet/kuberuntime getContainersToReset */
function containersToReset({ spec }: Pod, { containers: runs }: RuntimePodStatus): ContainerReset[] {
  const isSource = ({ state, exitCode }: ContainerStatus, container: Container) => state === 'exited' && matchingRestartRule(container, exitCode)?.action === 'RestartAllContainers'
  const ofKind = (containers: readonly Container[], wanted: boolean) => containers.flatMap((container) =>
    runs.filter((run) => run.name === container.name && isSource(run, container) === wanted).map((run) => ({ id: run.id, container, isRunning: run.state !== 'exited' })))
  const init = spec.initContainers ?? []
  return [...ofKind(spec.containers, false), ...ofKind(init, false), ...ofKind(spec.containers, true), ...ofKind(init, true)]
}

/** Compares what runs with what should. `restartAll`: all containers are to begin anew. k8s: pkg/kubelet/kuberuntime computePodActions */
export function computePodActions(pod: Pod, status: RuntimePodStatus, probes: ProbeResults, restartAll = false): PodActions {
  const { changed, attempt } = sandboxChanged(status)
  const actions: PodActions = { killPod: changed, createSandbox: changed, attempt, ephemeralToStart: [], initToStart: [], toStart: [], toKill: [], toReset: [] }
  if (restartAll) return { ...actions, toReset: containersToReset(pod, status) }
  const init = pod.spec.initContainers ?? []
  if (changed) {
    if (!restartsOnFailure(pod) && attempt !== 0 && status.containers.length > 0) return { ...actions, createSandbox: false }
    const toStart = pod.spec.containers.filter((container) => {
      const runOnce = (container.restartPolicy ?? pod.spec.restartPolicy) === 'OnFailure'
      const last = findContainer(status, container.name)
      return !(runOnce && last?.state === 'exited' && last.exitCode === 0)
    })
    if (toStart.length === 0 && pod.spec.containers.some((c) => findContainer(status, c.name))) return { ...actions, createSandbox: false }
    return init.length > 0 ? { ...actions, initToStart: [init[0]!] } : { ...actions, toStart }
  }
  for (const container of pod.spec.ephemeralContainers ?? []) if (!findContainer(status, container.name)) actions.ephemeralToStart.push(container)

  if (!planInit(pod, status, probes, actions) || actions.killPod) return actions

  let keep = 0
  for (const container of pod.spec.containers) {
    const last = findContainer(status, container.name)
    if (!last || last.state !== 'running') {
      if (shouldContainerStart(container, pod, status)) actions.toStart.push(container)
      continue
    }
    let restart = container.restartPolicy !== undefined ? container.restartPolicy !== 'Never' : restartsOnFailure(pod)
    let message: string
    let reason: KillReason = ''
    if (wasChanged(container, last)) {
      message = `Container ${container.name} definition changed`
      restart = true
    } else if (probes.liveness(last.id) === 'failure') {
      message = `Container ${container.name} failed liveness probe`
      reason = 'LivenessProbe'
    } else if (probes.startup(last.id) === 'failure') {
      message = `Container ${container.name} failed startup probe`
      reason = 'StartupProbe'
    } else if (probes.resizeNeedsRestart?.(container)) {
      actions.toKill.push({ id: last.id, container, message: `Container ${container.name} resize requires restart`, reason: '' })
      actions.toStart.push(container)
      continue
    } else {
      keep++
      continue
    }
    if (restart) {
      message = `${message}, will be restarted`
      actions.toStart.push(container)
    }
    actions.toKill.push({ id: last.id, container, message, reason })
  }
  if (keep === 0 && actions.toStart.length === 0) {
    actions.killPod = true
    actions.initToStart = []
  }
  return actions
}

/** Whether the pod is initialised. k8s: pkg/kubelet/kuberuntime computeInitContainerActions */
function planInit(pod: Pod, status: RuntimePodStatus, probes: ProbeResults, actions: PodActions): boolean {
  const init = pod.spec.initContainers ?? []
  if (init.length === 0) return true
  let initialized = pod.spec.containers.some((c) => {
    const state = findContainer(status, c.name)?.state
    return state === 'created' || state === 'running'
  })
  let previously = initialized
  const start = (index: number) => { actions.initToStart.push(init[index]!) }
  for (let i = init.length - 1; i >= 0; i--) {
    const container = init[i]!
    const sidecar = isSidecar(container)
    const last = findContainer(status, container.name)
    if (!last) {
      if (previously && sidecar) start(i)
      continue
    }
    if (previously && !sidecar) continue
    if (last.state === 'created') start(i)
    else if (last.state === 'running') {
      if (sidecar) planSidecar(container, last, i)
      else planResize(container, last, i)
    } else if (last.state === 'exited') {
      if (sidecar) start(i)
      else if (last.exitCode !== 0) {
        if (!shouldContainerStart(container, pod, status)) {
          actions.killPod = true
          actions.initToStart = []
          return false
        }
        start(i)
      } else if (i === init.length - 1) initialized = true
      else start(i + 1)
    } else start(i)
    previously = true
  }
  if (!previously) start(0)
  actions.initToStart.reverse()
  return initialized

  function planSidecar(container: Container, last: ContainerStatus, i: number): void {
    const kill = (message: string, reason: KillReason) => {
      actions.toKill.push({ id: last.id, container, message: `Init container ${container.name} ${message}`, reason })
      start(i)
    }
    if (container.startupProbe) {
      const result = probes.startup(last.id)
      if (result === 'failure') kill('failed startup probe', 'StartupProbe')
      if (result !== 'success') return
    }
    if (i === init.length - 1) initialized = true
    else if (!previously) start(i + 1)
    if (wasChanged(container, last)) return kill('definition changed', '')
    if (container.livenessProbe && probes.liveness(last.id) === 'failure') return kill('failed liveness probe', 'LivenessProbe')
    planResize(container, last, i)
  }

  function planResize(container: Container, last: ContainerStatus, i: number): void {
    if (!probes.resizeNeedsRestart?.(container)) return
    actions.toKill.push({ id: last.id, container, message: `Container ${container.name} resize requires restart`, reason: '' })
    start(i)
  }
}
