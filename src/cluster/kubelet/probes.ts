import type { Clock, Timer } from '../../base/clock.ts'
import { UnixError } from '../../unix/types.ts'
import type { NetStack } from '../../unix/types.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import { timeMs } from '../kinds/time-text.ts'
import type { Container, ContainerStatus, Pod, PodStatus, Probe } from '../kinds/generated/types.ts'
import { RuntimeError } from '../runtime/cri.ts'
import type { RuntimeService } from '../runtime/cri.ts'
import { bareContainerId, containerIdText } from './container-id.ts'
import { expand } from './environment.ts'
import { shouldRestartAfter } from '../kinds/core/restart-rules.ts'
import { shouldRestartAll } from './restart-all.ts'
import { containerReference, isSidecar, isTerminalPhase } from './pod-spec.ts'
import { fetchForProbe, resolvePort } from './http-action.ts'
import type { StatusManager } from './status-manager.ts'

/** From a container's start to its first probe, in milliseconds: the way of the news through a real kubelet. */
const FIRST_PROBE_MS = 150

export type ProbeType = 'Readiness' | 'Liveness' | 'Startup'
export type ProbeResult = 'success' | 'failure' | 'unknown'

interface Outcome {
  result: 'success' | 'warning' | 'failure' | 'error'
  output: string
}

export interface ProbeManagerOptions {
  clock: Clock
  runtime: RuntimeService
  /** Where HTTP and TCP probes come from. */
  hostStack: NetStack
  events: EventRecorder
  statuses: StatusManager
  /** Nobody probes meanwhile. */
  isSuspended(): boolean
  /** A result changed: the pod wants a look. */
  onChange(podUid: string): void
}

const PROPERTY = { Readiness: 'readinessProbe', Liveness: 'livenessProbe', Startup: 'startupProbe' } as const
const RETRIES = 3
const MAX_OUTPUT_BYTES = 10 * 1024

/** Probes containers and keeps the results. k8s: pkg/kubelet/prober */
export class ProbeManager {
  readonly options: ProbeManagerOptions
  readonly #workers = new Map<string, Map<string, ProbeWorker>>()
  readonly results: Record<ProbeType, Map<string, ProbeResult>> = { Readiness: new Map(), Liveness: new Map(), Startup: new Map() }

  /** When containers were taken over that ran before this kubelet did, in cluster time. */
  readonly #takenOver = new Map<string, number>()

  constructor(options: ProbeManagerOptions) {
    this.options = options
  }

  /** A container that ran before this kubelet did is what its status says until a probe says otherwise. */
  takeOver(container: Pick<Container, 'readinessProbe' | 'startupProbe'>, { containerID, ready, started }: ContainerStatus): void {
    const id = bareContainerId(containerID)
    this.#takenOver.set(id, this.options.clock.nowMs())
    if (ready && container.readinessProbe) this.results.Readiness.set(id, 'success')
    if (started && container.startupProbe) this.results.Startup.set(id, 'success')
  }

  takenOverMs(containerId: string): number | undefined {
    return this.#takenOver.get(containerId)
  }

  addPod(pod: Pod): void {
    const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar)
    for (const container of [...pod.spec.containers, ...sidecars])
      for (const type of ['Startup', 'Readiness', 'Liveness'] as const) {
        const probe = container[PROPERTY[type]]
        if (!probe) continue
        let workers = this.#workers.get(pod.metadata.uid!)
        if (!workers) this.#workers.set(pod.metadata.uid!, workers = new Map())
        const key = `${container.name}/${type}`
        if (workers.has(key)) continue
        const worker = new ProbeWorker(this, pod, container, type, probe)
        workers.set(key, worker)
        worker.start()
      }
  }

  updatePod(pod: Pod): void {
    for (const worker of this.#workers.get(pod.metadata.uid!)?.values() ?? []) worker.pod = pod
  }

  /** The pod ends: only readiness still counts. */
  stopLivenessAndStartup(uid: string): void {
    const workers = this.#workers.get(uid)
    for (const [key, worker] of workers ?? []) if (!key.endsWith('/Readiness')) { worker.stop(); workers!.delete(key) }
  }

  removePod(uid: string): void {
    for (const worker of this.#workers.get(uid)?.values() ?? []) worker.stop()
    this.#workers.delete(uid)
  }

  stop(): void {
    for (const uid of [...this.#workers.keys()]) this.removePod(uid)
  }

  removeWorker(worker: ProbeWorker): void {
    const workers = this.#workers.get(worker.pod.metadata.uid!)
    workers?.delete(`${worker.container.name}/${worker.type}`)
    if (workers?.size === 0) this.#workers.delete(worker.pod.metadata.uid!)
  }

  setResult(type: ProbeType, containerId: string, result: ProbeResult, pod: Pod): void {
    const map = this.results[type]
    if (map.get(containerId) === result) return
    map.set(containerId, result)
    if (type === 'Readiness') this.options.statuses.setReadiness(pod, containerIdText(this.options.runtime.name, containerId), result === 'success')
    else if (type === 'Startup') this.options.statuses.setStartup(pod, containerIdText(this.options.runtime.name, containerId), result === 'success')
    if (type !== 'Liveness' || result === 'failure') this.options.onChange(pod.metadata.uid!)
  }

  /** Sets `started` and `ready` of a status that is being computed. k8s: prober_manager UpdatePodStatus */
  applyTo(pod: Pod, status: PodStatus): void {
    const started = (container: Container, s: ContainerStatus): boolean => {
      if (!s.state?.running) return false
      const id = bareContainerId(s.containerID)
      const result = this.results.Startup.get(id)
      if (result !== undefined) return result === 'success'
      return !this.#workers.get(pod.metadata.uid!)?.has(`${container.name}/Startup`) && container.startupProbe === undefined
    }
    const ready = (container: Container, s: ContainerStatus): boolean => {
      if (!s.state?.running) return false
      if (this.results.Readiness.get(bareContainerId(s.containerID)) === 'success') return true
      const worker = this.#workers.get(pod.metadata.uid!)?.get(`${container.name}/Readiness`)
      if (!worker) return container.readinessProbe === undefined
      worker.trigger()
      return false
    }
    for (const s of status.containerStatuses ?? []) {
      const container = pod.spec.containers.find((c) => c.name === s.name)
      if (!container) continue
      s.started = started(container, s)
      s.ready = s.started && ready(container, s)
    }
    for (const s of status.initContainerStatuses ?? []) {
      const container = pod.spec.initContainers?.find((c) => c.name === s.name)
      if (!container) continue
      s.started = started(container, s)
      if (!isSidecar(container)) s.ready = s.state?.terminated?.exitCode === 0
      else s.ready = s.started && ready(container, s)
    }
  }
}

class ProbeWorker {
  pod: Pod
  readonly container: Container
  readonly type: ProbeType
  readonly #probe: Probe
  readonly #manager: ProbeManager
  #timer: Timer | undefined
  #stopped = false
  #probing = false
  #containerId = ''
  #takenOverMs: number | undefined
  #onHold = false
  #lastResult: ProbeResult | undefined
  #run = 0

  constructor(manager: ProbeManager, pod: Pod, container: Container, type: ProbeType, probe: Probe) {
    this.#manager = manager
    this.pod = pod
    this.container = container
    this.type = type
    this.#probe = probe
  }

  /** differs: upstream delays the first probe by a random part of its period while a kubelet is young, to spare API servers. */
  start(): void {
    this.#timer = this.#manager.options.clock.after(FIRST_PROBE_MS, () => void this.#tick())
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    if (this.#containerId) this.#manager.results[this.type].delete(this.#containerId)
  }

  /** Probes now rather than at the next tick. */
  trigger(): void {
    if (this.#stopped || this.#probing || this.#onHold) return
    this.#timer?.cancel()
    this.#timer = this.#manager.options.clock.after(FIRST_PROBE_MS, () => void this.#tick())
  }

  async #tick(): Promise<void> {
    if (this.#stopped || this.#probing) return
    this.#probing = true
    const { clock } = this.#manager.options
    const startMs = clock.nowMs()
    const goOn = this.#manager.options.isSuspended() || await this.#doProbe().catch(() => true)
    this.#probing = false
    if (this.#stopped) return
    if (!goOn) {
      this.stop()
      this.#manager.removeWorker(this)
      return
    }
    const periodMs = (this.#probe.periodSeconds ?? 10) * 1000
    this.#timer = clock.after(Math.max(0, startMs + periodMs - clock.nowMs()), () => void this.#tick())
  }

  // k8s: pkg/kubelet/prober worker.doProbe
  async #doProbe(): Promise<boolean> {
    const { clock, statuses } = this.#manager.options
    const status = statuses.get(this.pod.metadata.uid!)
    if (!status) return true
    if (isTerminalPhase(status.phase)) return false
    const own = [...status.containerStatuses ?? [], ...status.initContainerStatuses ?? []].find((s) => s.name === this.container.name)
    if (!own?.containerID) return true
    const id = bareContainerId(own.containerID)
    if (this.#containerId !== id) {
      this.#takenOverMs = this.#manager.takenOverMs(id)
      if (this.#containerId) this.#manager.results[this.type].delete(this.#containerId)
      this.#containerId = id
      const initial: ProbeResult = this.type === 'Readiness' ? 'failure' : this.type === 'Liveness' ? 'success' : 'unknown'
      if (this.#manager.results[this.type].get(id) === undefined) this.#manager.setResult(this.type, id, initial, this.pod)
      this.#onHold = false
      this.#lastResult = undefined
    }
    if (this.#onHold) return true
    if (!own.state?.running) {
      this.#manager.setResult(this.type, id, 'failure', this.pod)
      if (!own.state?.terminated) return true
      return shouldRestartAfter(this.container, this.pod.spec, own.state.terminated.exitCode) || shouldRestartAll(this.pod, undefined, status)
    }
    if (this.pod.metadata.deletionTimestamp && this.type !== 'Readiness') {
      this.#manager.setResult(this.type, id, 'success', this.pod)
      return false
    }
    const { initialDelaySeconds = 0, periodSeconds = 10 } = this.#probe
    // The processes of a container that was taken over have just begun, whenever the container did: they get the time that they had then, and a period.
    const sinceMs = this.#takenOverMs ?? timeMs(own.state.running.startedAt)
    if (Math.floor((clock.nowMs() - sinceMs) / 1000) < (this.#takenOverMs === undefined ? initialDelaySeconds : Math.max(initialDelaySeconds, periodSeconds))) return true
    if (own.started ? this.type === 'Startup' : this.type !== 'Startup') return true

    const outcome = await this.#probeWithRetries(status, id)
    if (this.#stopped || this.#containerId !== id) return !this.#stopped
    const about = containerReference(this.pod, this.container)
    const { events } = this.#manager.options
    if (outcome.result === 'error') {
      events.event(about, 'Warning', 'Unhealthy', `${this.type} probe errored and resulted in unknown state: ${outcome.output}`)
      return true
    }
    if (outcome.result === 'warning') events.event(about, 'Warning', 'ProbeWarning', `${this.type} probe warning: ${outcome.output}`)
    if (outcome.result === 'failure') events.event(about, 'Warning', 'Unhealthy', `${this.type} probe failed: ${outcome.output}`)
    const result: ProbeResult = outcome.result === 'failure' ? 'failure' : 'success'
    if (this.#lastResult === result) this.#run++
    else {
      this.#lastResult = result
      this.#run = 1
    }
    if (this.#run < (result === 'failure' ? this.#probe.failureThreshold ?? 3 : this.#probe.successThreshold ?? 1)) return true
    if ((this.type === 'Liveness' && result === 'failure') || this.type === 'Startup') {
      this.#onHold = true
      this.#run = 0
    }
    this.#manager.setResult(this.type, id, result, this.pod)
    return true
  }

  async #probeWithRetries(status: PodStatus, id: string): Promise<Outcome> {
    let outcome: Outcome = { result: 'error', output: '' }
    for (let i = 0; i < RETRIES; i++) {
      outcome = await this.#probeOnce(status, id)
      if (outcome.result !== 'error') return outcome
    }
    return outcome
  }

  async #probeOnce(status: PodStatus, id: string): Promise<Outcome> {
    const { runtime, hostStack, clock } = this.#manager.options
    const timeoutMs = (this.#probe.timeoutSeconds ?? 1) * 1000
    const podIp = status.podIP ?? ''
    if (this.#probe.exec) {
      const env = new Map((this.container.env ?? []).filter((e) => e.value !== undefined).map((e) => [e.name, e.value!]))
      const command = (this.#probe.exec.command ?? []).map((part) => expand(part, (name) => env.get(name)))
      try {
        const { exitCode, output } = await runtime.execSync(id, command, timeoutMs)
        return { result: exitCode === 0 ? 'success' : 'failure', output: new TextDecoder().decode(output.subarray(0, MAX_OUTPUT_BYTES)) }
      } catch (error) {
        if (error instanceof RuntimeError && error.code === 'DeadlineExceeded') return { result: 'failure', output: `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${this.#probe.timeoutSeconds ?? 1}s` }
        return { result: 'error', output: `rpc error: code = ${error instanceof RuntimeError ? error.code : 'Unknown'} desc = ${(error as Error).message}` }
      }
    }
    if (this.#probe.httpGet) {
      const port = resolvePort(this.#probe.httpGet.port, this.container)
      if (port === undefined) return { result: 'error', output: `couldn't find port: ${String(this.#probe.httpGet.port)} for ${this.container.name}` }
      return await fetchForProbe(this.#probe.httpGet, podIp, port, { stack: hostStack, clock, timeoutMs, userAgent: 'kube-probe/1.36' })
    }
    if (this.#probe.tcpSocket) {
      const port = resolvePort(this.#probe.tcpSocket.port, this.container)
      if (port === undefined) return { result: 'error', output: `couldn't find port: ${String(this.#probe.tcpSocket.port)} for ${this.container.name}` }
      return await this.#tcp(this.#probe.tcpSocket.host || podIp, port, timeoutMs)
    }
    if (this.#probe.grpc) {
      const { probeGrpc } = await clock.outside(import('./grpc-probe.ts'))
      return await probeGrpc(podIp, this.#probe.grpc.port, this.#probe.grpc.service ?? '', { stack: hostStack, clock, timeoutMs })
    }
    return { result: 'error', output: `missing probe handler for ${this.container.name}` }
  }

  async #tcp(host: string, port: number, timeoutMs: number): Promise<Outcome> {
    try {
      const socket = await this.#manager.options.hostStack.connectTcp(host, port, { timeoutMs })
      socket.destroy()
      return { result: 'success', output: '' }
    } catch (error) {
      return { result: 'failure', output: dialError(host, port, error) }
    }
  }
}

function dialError(host: string, port: number, error: unknown): string {
  const code = error instanceof UnixError ? error.code : ''
  const at = `dial tcp ${host.includes(':') ? `[${host}]` : host}:${port}: `
  if (code === 'ETIMEDOUT') return `${at}i/o timeout`
  if (code === 'EHOSTUNREACH') return `${at}connect: no route to host`
  return `${at}connect: connection refused`
}
