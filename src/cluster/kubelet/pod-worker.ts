import type { Timer } from '../../base/clock.ts'
import { timeMs } from '../kinds/time-text.ts'
import { quantityValue } from '../kinds/quantity.ts'
import { isStatusError } from '../kinds/status-error.ts'
import type { Container, Pod, PodStatus, ResourceRequirements, RuntimeClass } from '../kinds/generated/types.ts'
import { RuntimeError } from '../runtime/cri.ts'
import { VolumeAttachLimitExceededError } from '../storage/volume.ts'
import type { ContainerStatus, EndedContainer, PodSandbox, PodSandboxConfig } from '../runtime/cri.ts'
import { bareContainerId } from './container-id.ts'
import { ContainerStarter } from './container-starter.ts'
import type { StartFailure } from './container-statuses.ts'
import { usesDevices } from './devices/device-claims.ts'
import { missingClusterDns, podDnsConfig, podDnsWithinLimits, podHostname } from './dns-config.ts'
import { StartError } from './image-manager.ts'
import { runHook, tellsHttpFallback } from './lifecycle-hooks.ts'
import type { NodeContext } from './node-context.ts'
import { computePodActions } from './pod-actions.ts'
import type { KillReason, RuntimePodStatus } from './pod-actions.ts'
import { containerReference, containerSpec, hostPortsOf, isSidecar, isStaticPod, isTerminalPhase, podLogDirectory, podReference, podText, sysctlsOf } from './pod-spec.ts'
import type { AnyContainer } from './pod-spec.ts'
import { isRestartingAll } from './restart-all.ts'
import { PodResize } from './pod-resize.ts'
import { computePodStatus } from './pod-status.ts'
import { containerLimits } from './container-limits.ts'
import { podCgroup, podCgroupLimits } from './pod-cgroup.ts'

/** k8s: pkg/kubelet syncFrequency, backOffPeriod and their jitters */
const RESYNC_MS = 60_000
/** From a container's start to when its state is looked at, in milliseconds. A real kubelet lists every second, which would make everyone wait. */
const LISTING_MS = 10
const RETRY_MS = 10_000
const RELIST_MS = 1_000

/** Why a pod has to end although nobody deleted it. */
export interface Eviction {
  reason: string
  message: string
  /** Grace period instead of the pod's own. */
  graceSeconds?: number
  condition?: { reason: string; message: string }
}

/**
 * Drives one pod: compares what it should be with what runs, whenever either changed, one step after the other.
 * k8s: pkg/kubelet/pod_workers.go, kubelet.go SyncPod, SyncTerminatingPod, SyncTerminatedPod
 */
export class PodWorker {
  pod: Pod
  readonly #node: NodeContext
  readonly #starter: ContainerStarter
  readonly #uid: string
  readonly #resize: PodResize
  #stage: 'syncing' | 'terminating' | 'terminated' | 'finished' = 'syncing'
  #dirty = false
  #running = false
  #stopped = false
  #timer: Timer | undefined
  #timerMs = Infinity
  #deadline: Timer | undefined
  /** Gone from the API: there is nobody to report to. */
  #orphaned = false
  #eviction: Eviction | undefined
  #lastIps: readonly string[] = []
  #failures = new Map<string, StartFailure>()
  #waiting = new AbortController()
  #killing: AbortController | undefined
  #graceSeconds: number | undefined

  constructor(node: NodeContext, starter: ContainerStarter, pod: Pod) {
    this.#node = node
    this.#starter = starter
    this.pod = pod
    this.#uid = pod.metadata.uid!
    this.#resize = new PodResize(pod)
    this.#armDeadline()
  }

  get isFinished(): boolean {
    return this.#stage === 'finished'
  }

  /** Its pod was taken away, in the API or on disk. */
  get isOrphaned(): boolean {
    return this.#orphaned
  }

  get couldHaveRunningContainers(): boolean {
    return this.#stage === 'syncing' || this.#stage === 'terminating'
  }

  /** A resize waits until the node has room. */
  get waitsForResources(): boolean {
    return this.#resize.isPending
  }

  get isTerminating(): boolean {
    return this.#stage !== 'syncing' || this.#mustEnd()
  }

  /** The pod changed in the API (or on disk). */
  update(pod: Pod): void {
    this.pod = pod
    this.#node.probes.updatePod(pod)
    this.#armDeadline()
    const grace = pod.metadata.deletionGracePeriodSeconds
    if (this.#stage === 'terminating' && grace !== undefined && this.#graceSeconds !== undefined && grace < this.#graceSeconds) this.#killing?.abort()
    this.kick()
  }

  /** The pod is no longer in the API. */
  remove(): void {
    this.#orphaned = true
    this.kick()
  }

  evict(eviction: Eviction): void {
    this.#eviction ??= eviction
    this.kick()
  }

  /** Something about the pod may have changed: look soon. */
  kick(): void {
    if (this.#stopped || this.#stage === 'finished') return
    this.#dirty = true
    if (this.#node.isSuspended()) return
    if (this.#mustEnd()) this.#waiting.abort(new Error('the pod is being terminated'))
    if (!this.#running) void this.#run()
  }

  /** Looks again after `delayMs`, unless it does sooner anyway. */
  kickAfter(delayMs: number): void {
    const { clock } = this.#node
    const atMs = clock.nowMs() + delayMs
    if (this.#stopped || this.#stage === 'finished' || atMs >= this.#timerMs) return
    this.#timer?.cancel()
    this.#timerMs = atMs
    this.#timer = clock.after(delayMs, () => {
      this.#timerMs = Infinity
      this.kick()
    })
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#deadline?.cancel()
    this.#waiting.abort(new Error('the kubelet stops'))
    this.#killing?.abort()
  }

  /** Takes a pod over that ran before this kubelet did. */
  async restore(): Promise<void> {
    this.#running = true
    try {
      await this.#restore()
    } catch (error) {
      this.#node.log.warn('could not take a pod over', { pod: podText(this.pod), error: String(error) })
    }
    this.#running = false
    this.kick()
  }

  #mustEnd(): boolean {
    return this.pod.metadata.deletionTimestamp !== undefined || this.#orphaned || this.#eviction !== undefined
  }

  async #run(): Promise<void> {
    this.#running = true
    const { clock, random, log } = this.#node
    while (this.#dirty && !this.#stopped && !this.#node.isSuspended()) {
      this.#dirty = false
      try {
        await this.#step()
      } catch (error) {
        if (this.#stopped) break
        if (!this.#waiting.signal.aborted) log.warn('could not bring a pod to its desired state', { pod: podText(this.pod), error: String(error) })
        this.kickAfter(RETRY_MS * (1 + random.float() * 0.5))
      }
      await clock.breathe('patient')
    }
    this.#running = false
  }

  async #step(): Promise<void> {
    if (this.#stage === 'syncing') {
      if (this.#mustEnd()) this.#stage = 'terminating'
      else await this.#sync()
    }
    if (this.#stage === 'terminating') await this.#terminate()
    if (this.#stage !== 'terminated') return
    const unmounting = this.#node.volumes.unmount(this.#uid)
    if (unmounting) await unmounting
    if (!this.#stopped) this.#cleanUp()
  }

  // k8s: pkg/kubelet/pod_workers.go podWorkerLoop, container/sync_result.go
  #logFailures(): void {
    const texts = [...this.#failures].map(([name, { reason, message }]) => `failed to "StartContainer" for ${JSON.stringify(name)} with ${reason}: ${JSON.stringify(message)}`)
    const { namespace, name } = this.pod.metadata
    if (texts.length > 0) this.#node.log.error('Error syncing pod, skipping', { err: texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`, pod: `${namespace}/${name}`, podUID: this.#uid })
  }

  #runtimeStatus(): RuntimePodStatus {
    const { runtime } = this.#node
    const sandbox = runtime.podSandbox(this.#uid)
    if (sandbox?.state === 'ready' && sandbox.ips.length > 0) this.#lastIps = sandbox.ips
    return { sandbox, ips: this.#lastIps, containers: runtime.listContainers(this.#uid) }
  }

  #status(runtime: RuntimePodStatus, podIsTerminal: boolean): PodStatus {
    const { statuses, hostIps, probes } = this.#node
    const old = statuses.get(this.#uid) ?? this.pod.status ?? {}
    const status = computePodStatus({
      pod: this.allotted, runtime, old, podIsTerminal, hostIps, runtimeName: this.#node.runtime.name, failure: (name) => this.#failures.get(name), message: (c) => this.#starter.message(this.pod, c),
      resources: (container, run) => this.#resources(container, run), applyProbes: (pod, s) => probes.applyTo(pod, s), evict: this.#eviction, resizeConditions: podIsTerminal ? [] : this.#resize.conditions, inForce: this.#resize.inForce(this.pod),
    })
    this.#node.devices.addTo(this.pod, status)
    const condition = this.#eviction?.condition
    if (condition && !status.conditions!.some((c) => c.type === 'DisruptionTarget'))
      status.conditions!.unshift({ type: 'DisruptionTarget', status: 'True', reason: condition.reason, message: condition.message, ...(this.pod.metadata.generation ? { observedGeneration: this.pod.metadata.generation } : {}) })
    return status
  }

  #resources(container: AnyContainer, _run: ContainerStatus): ResourceRequirements {
    return this.#resize.applied(container.name) ?? container.resources ?? {}
  }

  /** The pod with what the node has given it, which may be less than it asks for. */
  get allotted(): Pod {
    return this.#resize.allotted(this.pod)
  }

  // k8s: allocation handlePodResourcesResize, kuberuntime doPodResizeAction
  #followResources(): void {
    const { clock, events, runtime } = this.#node
    const event = this.#resize.plan(this.pod, clock.nowMs(), () => this.#node.refuseResize(this.pod))
    if (event) events.event(podReference(this.pod), event.type, event.reason, event.message)
    if (!this.#resize.isInProgress) return
    const pod = this.allotted
    const running = runtime.listContainers(this.#uid).filter((c) => c.state === 'running')
    const toUpdate = [...pod.spec.containers, ...pod.spec.initContainers ?? []].flatMap((container) => {
      const run = running.find((c) => c.name === container.name)
      return run && this.#resize.changeOf(container) === 'update' ? [{ container, id: run.id }] : []
    })
    const problem = this.#whyNotResized(pod, toUpdate)
    if (problem !== undefined) {
      const error = this.#resize.fail(pod, problem)
      if (error) events.event(podReference(this.pod), error.type, error.reason, error.message)
      return
    }
    for (const { container, id } of toUpdate) {
      runtime.updateContainerResources(id, containerLimits(pod, container, quantityValue(this.#node.capacity.memory ?? '0')))
      this.#resize.apply(container.name)
    }
    const sandbox = runtime.podSandbox(this.#uid)
    if (sandbox) runtime.updatePodSandboxResources(sandbox.id, podCgroupLimits(pod))
    this.#resize.applyToPod()
  }

  /** Memory that is in use can't be taken away. k8s: kuberuntime validateMemoryResizeAction */
  #whyNotResized(pod: Pod, toUpdate: readonly { container: Container; id: string }[]): string | undefined {
    const { runtime } = this.#node
    const podUsage = runtime.listContainers(this.#uid).reduce((sum, { id }) => sum + (runtime.stats(id)?.memoryBytes ?? 0), 0)
    const [before, after] = [runtime.podSandbox(this.#uid)?.resources.memoryBytes, podCgroupLimits(pod).memoryBytes]
    const problems = after !== undefined && (before === undefined || after < before) && podUsage >= after ? [`attempting to set pod memory limit (${after}) below current usage (${podUsage})`] : []
    for (const { container, id } of toUpdate) {
      const limit = this.#resize.loweredMemoryLimit(container)
      if (limit !== undefined && (runtime.stats(id)?.memoryBytes ?? 0) >= limit) problems.push(`attempting to set container ${JSON.stringify(container.name)} memory limit (${limit}) below current usage (${podUsage})`)
    }
    if (problems.length === 0) return undefined
    return `cannot decrease memory limits: ${problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`}`
  }

  #finishResize(): void {
    const done = this.#resize.complete(this.pod, this.#node.runtime.listContainers(this.#uid).filter((c) => c.state === 'running').map((c) => c.name))
    if (done) this.#node.events.event(podReference(this.pod), done.type, done.reason, done.message)
  }

  async #sync(): Promise<void> {
    const { statuses, network, volumes, probes, events, clock, random, runtime } = this.#node
    const before = this.#runtimeStatus()
    this.#followResources()
    this.#finishResize()
    const status = this.#status(before, false)
    statuses.set(this.pod, status)
    if (isTerminalPhase(status.phase)) {
      this.#stage = 'terminating'
      return
    }
    if (isStaticPod(this.pod)) this.#node.reconcileMirror(this.pod)
    if (!this.pod.spec.hostNetwork && network.notReady !== undefined) {
      events.event(podReference(this.pod), 'Warning', 'NetworkNotReady', `network is not ready: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: ${network.notReady}`)
      this.kickAfter(RELIST_MS * (1 + random.float() * 0.5))
      return
    }
    try {
      await volumes.waitForMounts(this.pod, this.#waiting.signal)
    } catch (error) {
      if (this.#waiting.signal.aborted) {
        this.#dirty = true
        return
      }
      if (error instanceof VolumeAttachLimitExceededError) {
        // k8s: kubelet SyncPod, rejectPod
        const reason = 'VolumeAttachmentLimitExceeded'
        events.event(podReference(this.pod), 'Warning', reason, error.message)
        this.evict({ reason, message: `Pod was rejected: ${error.message}` })
        return
      }
      events.event(podReference(this.pod), 'Warning', 'FailedMount', `Unable to attach or mount volumes: ${(error as Error).message}`)
      throw error
    }
    probes.addPod(this.pod)
    const restartAll = isRestartingAll(status)
    const failures = await this.#act(before, restartAll)
    if (restartAll && runtime.listContainers(this.#uid).length < before.containers.length) {
      // They are gone; the next step starts them.
      this.#dirty = true
      return
    }
    // What ends at once is over by the runtime's next listing, so that nobody sees it running.
    if (runtime.listContainers(this.#uid).some((c) => c.state === 'running' && !before.containers.some((b) => b.id === c.id))) await clock.sleep(LISTING_MS, this.#waiting.signal).catch(() => {})
    this.#prune()
    if (failures.length > 0 && !this.#mustEnd()) this.#logFailures()
    if (this.#mustEnd()) {
      this.#dirty = true
      return
    }
    const nowMs = clock.nowMs()
    let nextMs = RESYNC_MS * (1 + random.float() * 0.5)
    const refreshMs = volumes.refreshMs(this.#uid)
    if (refreshMs !== undefined) nextMs = Math.min(nextMs, Math.max(1_000, refreshMs - nowMs))
    for (const { retryAtMs } of failures) nextMs = Math.min(nextMs, retryAtMs !== undefined ? Math.max(0, retryAtMs - nowMs) + random.float() * 500 : RETRY_MS * (1 + random.float() * 0.5))
    // A new sandbox makes the runtime's next listing look at the pod again, so a failed start shows its back-off soon.
    if (failures.length > 0 && before.sandbox !== this.#node.runtime.podSandbox(this.#uid)) nextMs = Math.min(nextMs, RELIST_MS)
    this.kickAfter(nextMs)
    // What was started or failed shows at once, as the runtime's next listing would make it.
    const after = this.#runtimeStatus()
    if (after.containers.length !== before.containers.length || after.sandbox !== before.sandbox || failures.length > 0 || after.containers.some((c, i) => c.state !== before.containers[i]?.state)) {
      const next = this.#status(after, false)
      statuses.set(this.pod, next)
      // What comes after a sidecar doesn't wait for its end: the runtime's next listing tells that it has started.
      if (after.containers.some((c) => c.state === 'running' && !before.containers.some((b) => b.id === c.id) && this.pod.spec.initContainers?.some((i) => i.name === c.name && isSidecar(i)))) this.kickAfter(LISTING_MS)
      if (isTerminalPhase(next.phase) || runtime.listContainers(this.#uid).some((c) => c.state === 'exited' && !before.containers.some((b) => b.id === c.id))) this.#dirty = true
    }
  }

  /** Of each container the newest and the one before stay, for their logs. k8s: MaxPerPodContainerCount */
  #prune(): void {
    const { runtime } = this.#node
    const seen = new Map<string, number>()
    for (const { id, name, state } of runtime.listContainers(this.#uid)) {
      const count = (seen.get(name) ?? 0) + 1
      seen.set(name, count)
      if (count > 2 && state === 'exited') runtime.removeContainer(id)
    }
  }

  /** Carries out what the plan says. k8s: kuberuntime SyncPod */
  async #act(before: RuntimePodStatus, restartAll: boolean): Promise<StartError[]> {
    const { runtime, events, statuses, probes, counters } = this.#node
    let status = before
    const pod = this.allotted
    const actions = computePodActions(pod, status, {
      liveness: (id) => probes.results.Liveness.get(id), startup: (id) => probes.results.Startup.get(id), resizeNeedsRestart: (container) => this.#resize.changeOf(container) === 'restart',
    }, restartAll)
    if (actions.createSandbox && status.sandbox) events.event(podReference(pod), 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
    if (actions.killPod) {
      await this.#killPod(status, undefined)
      if (actions.createSandbox && status.sandbox) for (const c of status.containers) if (pod.spec.initContainers?.some((i) => i.name === c.name)) runtime.removeContainer(c.id)
    } else {
      for (const { id, container, message, reason } of actions.toKill) await this.#killContainer(id, container, message, reason, undefined)
      for (const { id, container, isRunning } of actions.toReset) {
        if (isRunning) await this.#killContainer(id, container, 'killing', '', 0)
        runtime.removeContainer(id, { keepLog: true })
      }
    }
    if (actions.createSandbox) {
      if (usesDevices(pod)) try {
        await this.#node.devices.prepare(pod)
      } catch (error) {
        events.event(podReference(pod), 'Warning', 'FailedPrepareDynamicResources', `Failed to prepare dynamic resources: ${(error as Error).message}`)
        return []
      }
      counters.podStarts(pod)
      this.#tellMissingDns(pod)
      for (const warning of podDnsWithinLimits(pod, this.#node.dns).warnings) events.event(podReference(pod), 'Warning', 'DNSConfigForming', warning)
      try {
        await runtime.runPodSandbox(this.#sandboxConfig(actions.attempt), await this.#runtimeHandler())
      } catch (error) {
        if (this.#mustEnd()) return []
        const text = isStatusError(error) ? error.message : `rpc error: code = ${error instanceof RuntimeError ? error.code : 'Unknown'} desc = ${(error as Error).message}`
        counters.podFailed(pod, 'sandbox')
        events.event(podReference(pod), 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${text}`)
        return [new StartError('CreatePodSandboxError', text)]
      }
      const fresh = this.#runtimeStatus()
      if (!this.#mustEnd()) statuses.setSandboxReady(pod)
      // Init containers that were taken away count all the same: they start once more.
      status = { ...fresh, containers: before.containers }
    }
    const failures: StartError[] = []
    const start = async (container: AnyContainer): Promise<boolean> => {
      const refuse = (error: unknown): false => {
        if (!(error instanceof StartError)) throw error
        this.#failures.set(container.name, error)
        failures.push(error)
        return false
      }
      try {
        this.#checkBackOff(container, status)
      } catch (error) {
        return refuse(error)
      }
      counters.containerStarts(pod, container)
      try {
        await this.#starter.start(pod, container, status, (id, c, message) => this.#killContainer(id, c, message, '', undefined))
        this.#failures.delete(container.name)
        this.#resize.apply(container.name)
        return true
      } catch (error) {
        if (error instanceof StartError) counters.containerFailed(pod, container, error.reason)
        return refuse(error)
      }
    }
    for (const container of actions.ephemeralToStart) await start(container)
    let isReady = true
    for (const container of actions.initToStart) if (isReady && !(await start(container)) && !isSidecar(container)) isReady = false
    for (const container of isReady ? actions.toStart : []) {
      if (this.#mustEnd()) break
      await start(container)
    }
    if (actions.createSandbox && failures.length > 0) counters.podFailed(pod, 'containers')
    return failures
  }

  // k8s: kuberuntime doBackOff
  #checkBackOff(container: AnyContainer, status: RuntimePodStatus): void {
    const last = status.containers.find((c) => c.name === container.name && c.state === 'exited')
    if (!last) return
    const { crashLoop, clock, events } = this.#node
    const key = `${this.#uid}/${container.name}/${container.image ?? ''}`
    const nowMs = clock.nowMs()
    if (crashLoop.isRunningSince(key, last.finishedMs, nowMs)) {
      const delayMs = crashLoop.delayMs(key)
      events.event(containerReference(this.pod, container), 'Warning', 'BackOff', `Back-off restarting failed container ${container.name} in pod ${podText(this.pod)}`)
      throw new StartError('CrashLoopBackOff', `back-off ${goSeconds(delayMs / 1000)} restarting failed container=${container.name} pod=${podText(this.pod)}`, last.finishedMs + delayMs)
    }
    crashLoop.next(key, last.finishedMs, nowMs)
  }

  // k8s: kuberuntime killContainersWithSyncResult, terminationOrdering
  async #killPod(status: RuntimePodStatus, graceSeconds: number | undefined, signal?: AbortSignal): Promise<void> {
    const { runtime } = this.#node
    const pod = this.pod
    const running = status.containers.filter((c) => c.state === 'running')
    const ended = new Map<string, Promise<void>>()
    const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map((c) => c.name)
    const order = [...running].sort((a, b) => sidecars.indexOf(b.name) - sidecars.indexOf(a.name))
    const kills: Promise<void>[] = []
    const regular = order.filter((c) => !sidecars.includes(c.name))
    const byLast = order.filter((c) => sidecars.includes(c.name))
    for (const container of [...regular, ...byLast]) {
      const spec = containerSpec(pod, container.name)
      if (!spec) continue
      const at = sidecars.indexOf(container.name)
      // A sidecar goes after the containers it serves, and after the sidecars that were started later.
      const before = at < 0 ? [] : [...ended].filter(([name]) => { const other = sidecars.indexOf(name); return other < 0 || other > at }).map(([, done]) => done)
      const kill = this.#killContainer(container.id, spec, '', '', graceSeconds, before.length > 0 ? Promise.all(before) : undefined, signal)
      ended.set(container.name, kill)
      kills.push(kill)
    }
    await Promise.all(kills)
    if (signal?.aborted) return
    if (status.sandbox) await runtime.stopPodSandbox(status.sandbox.id)
  }

  // k8s: kuberuntime killContainer
  async #killContainer(id: string, container: AnyContainer, message: string, reason: KillReason, override: number | undefined, turn?: Promise<unknown>, signal?: AbortSignal): Promise<void> {
    const { runtime, events, clock, network } = this.#node
    const pod = this.pod
    let grace = pod.metadata.deletionGracePeriodSeconds ?? (reason === 'StartupProbe' ? container.startupProbe?.terminationGracePeriodSeconds : reason === 'LivenessProbe' ? container.livenessProbe?.terminationGracePeriodSeconds : undefined)
      ?? pod.spec.terminationGracePeriodSeconds ?? 30
    const about = containerReference(pod, container)
    events.event(about, 'Normal', 'Killing', message || `Stopping container ${container.name}`)
    if (override !== undefined) grace = override
    const hook = container.lifecycle?.preStop
    if (hook && grace > 0) {
      const startMs = clock.nowMs()
      const limit = new AbortController()
      const run = runHook(hook, container, id, this.#lastIps[0] ?? this.#node.hostIps[0] ?? '', { runtime, hostStack: network.hostStack, clock, onHttpFallback: tellsHttpFallback(pod, events) }).catch(() => {
        events.event(about, 'Warning', 'FailedPreStopHook', 'PreStopHook failed')
      })
      await Promise.race([run, clock.sleep(grace * 1000, limit.signal).catch(() => {}), ...(signal ? [aborted(signal)] : [])])
      limit.abort()
      grace -= Math.floor((clock.nowMs() - startMs) / 1000)
    }
    if (turn && grace > 0) {
      const startMs = clock.nowMs()
      const limit = new AbortController()
      await Promise.race([turn, clock.sleep(grace * 1000, limit.signal).catch(() => {}), ...(signal ? [aborted(signal)] : [])])
      limit.abort()
      grace -= Math.floor((clock.nowMs() - startMs) / 1000)
    }
    if (signal?.aborted) return
    await runtime.stopContainer(id, Math.max(grace, 2), signal)
  }

  async #terminate(): Promise<void> {
    const { statuses, probes, runtime } = this.#node
    const status = this.#runtimeStatus()
    statuses.set(this.pod, this.#status(status, false))
    probes.stopLivenessAndStartup(this.#uid)
    const deletion = this.pod.metadata.deletionGracePeriodSeconds
    const override = this.#eviction?.graceSeconds ?? (deletion !== undefined ? Math.max(1, deletion) : undefined)
    this.#graceSeconds = override ?? this.pod.spec.terminationGracePeriodSeconds ?? 30
    this.#killing = new AbortController()
    await this.#killPod(status, override, this.#killing.signal)
    if (this.#stopped) return
    if (this.#killing.signal.aborted) {
      this.#dirty = true
      return
    }
    probes.removePod(this.#uid)
    if (runtime.listContainers(this.#uid).some((c) => c.state === 'running')) throw new Error('containers run on after the pod was killed')
    if (usesDevices(this.pod)) await this.#node.devices.unprepare(this.pod)
    this.#stage = 'terminated'
    statuses.set(this.pod, this.#status(this.#runtimeStatus(), true))
  }

  #cleanUp(): void {
    const { statuses, objects, crashLoop, imageManager, onFinished } = this.#node
    objects.release(this.#uid)
    statuses.terminate(this.pod)
    crashLoop.forget(`${this.#uid}/`)
    imageManager.forget(this.#uid)
    this.#stage = 'finished'
    this.#timer?.cancel()
    this.#deadline?.cancel()
    onFinished(this.#uid)
  }

  // k8s: pkg/kubelet active_deadline.go
  #armDeadline(): void {
    const seconds = this.pod.spec.activeDeadlineSeconds
    this.#deadline?.cancel()
    if (seconds === undefined) return
    const { clock, statuses } = this.#node
    const startedMs = timeMs(statuses.get(this.#uid)?.startTime ?? this.pod.status?.startTime)
    if (Number.isNaN(startedMs)) {
      // It starts to count once the pod has a start time, which the next update tells.
      this.#deadline = clock.after(1_000, () => this.#armDeadline())
      return
    }
    this.#deadline = clock.after(startedMs + seconds * 1000 - clock.nowMs(), () => {
      if (this.#stage !== 'syncing') return
      const message = 'Pod was active on the node longer than the specified deadline'
      this.#node.events.event(podReference(this.pod), 'Normal', 'DeadlineExceeded', message)
      this.evict({ reason: 'DeadlineExceeded', message })
    })
  }

  /** Containers go on under their identity, with their log, in a sandbox with the address that they had; their processes begin anew. */
  async #restore(): Promise<void> {
    const { runtime, statuses, images, network, clock } = this.#node
    const { pod } = this
    const old = pod.status ?? {}
    statuses.adopt(pod, old)
    if (!pod.spec.hostNetwork) for (const { ip } of old.podIPs ?? []) network.continueAfter(ip)
    const isOver = isTerminalPhase(old.phase)
    const sandbox = isOver || this.#node.isColdBoot ? undefined : await this.#restoreSandbox(old)
    const { id: sandboxId } = sandbox ?? runtime.recordPodSandbox(this.#sandboxConfig(0))
    for (const s of [...old.initContainerStatuses ?? [], ...old.containerStatuses ?? [], ...old.ephemeralContainerStatuses ?? []]) {
      const spec = containerSpec(pod, s.name)
      if (!spec) continue
      images.importImage(spec.image ?? '')
      const { running, terminated } = s.state ?? {}
      const record = (attempt: number, id: string | undefined, end: Pick<EndedContainer, 'startedMs' | 'finishedMs' | 'exitCode' | 'reason' | 'message'>) => {
        const { uid = 0, gid = 0, supplementalGroups = [] } = s.user?.linux ?? {}
        if (id) runtime.recordExited(sandboxId, this.#starter.endedConfig(pod, spec, attempt, s.imageID), { id: bareContainerId(id), image: s.image, imageRef: s.imageID, user: { uid, gid, supplementalGroups }, ...end })
      }
      const last = s.lastState?.terminated
      // One that waits to be started again has its last run as its last state.
      if (last) record(running || terminated ? Math.max(0, s.restartCount - 1) : s.restartCount, last.containerID, ended(last))
      if (terminated) record(s.restartCount, terminated.containerID, ended(terminated))
      if (!running || !s.containerID) continue
      const startedMs = timeMs(running.startedAt)
      try {
        if (!sandbox) throw new Error('its sandbox is gone')
        const config = await this.#starter.config(pod, spec, this.#runtimeStatus(), s.restartCount, s.imageID)
        this.#node.probes.takeOver(spec, s)
        await runtime.restoreContainer(sandboxId, config, { id: bareContainerId(s.containerID), startedMs })
      } catch (error) {
        // It ended with the machine, or what it needs is there no more. containerd: internal/cri/server/restart.go unknownExitCode, unknownExitReason
        if (!this.#node.isColdBoot) this.#node.log.warn('could not take a container over', { pod: podText(pod), container: s.name, error: String(error) })
        record(s.restartCount, s.containerID, { startedMs, finishedMs: clock.nowMs(), exitCode: 255, reason: 'Unknown', message: '' })
      }
    }
    if (isOver) this.#stage = pod.metadata.deletionTimestamp ? 'terminated' : 'finished'
  }

  /** Undefined where it can't be had again; then the pod gets another one, as on a node that was off. */
  async #restoreSandbox({ podIPs }: PodStatus): Promise<PodSandbox | undefined> {
    const { runtime, volumes } = this.#node
    const { pod } = this
    const ips = pod.spec.hostNetwork ? [] : podIPs?.map(({ ip }) => ip) ?? []
    if (!pod.spec.hostNetwork && ips.length === 0) return undefined
    this.#lastIps = ips
    let sandbox: PodSandbox | undefined
    try {
      sandbox = await runtime.runPodSandbox({ ...this.#sandboxConfig(0), ...(ips[0] === undefined ? {} : { ip: ips[0] }) }, await this.#runtimeHandler())
      await volumes.waitForMounts(pod, this.#waiting.signal)
      return sandbox
    } catch (error) {
      this.#node.log.warn('could not take a sandbox over', { pod: podText(pod), error: String(error) })
      if (sandbox) await runtime.stopPodSandbox(sandbox.id)
      return undefined
    }
  }

  /** What its RuntimeClass calls the runtime's way to run it. @throws StatusError k8s: pkg/kubelet/runtimeclass LookupRuntimeHandler */
  async #runtimeHandler(): Promise<string> {
    const { runtimeClassName } = this.pod.spec
    return runtimeClassName ? (await this.#node.api.get<RuntimeClass>('runtimeclasses.node.k8s.io', runtimeClassName)).handler : ''
  }

  #tellMissingDns(pod: Pod): void {
    const { dns, events, nodeName } = this.#node
    const missing = missingClusterDns(pod, dns)
    if (missing === undefined) return
    const { name, namespace, uid } = pod.metadata
    events.event({ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeName }, 'Warning', 'MissingClusterDNS', missing)
    events.event(podReference(pod), 'Warning', 'MissingClusterDNS', `pod: ${JSON.stringify(`${name}_${namespace}(${uid})`)}. ${missing}`)
  }

  #sandboxConfig(attempt: number): PodSandboxConfig {
    const { pod } = this
    const { namespace, name } = pod.metadata
    const { hostname, domain } = podHostname(pod, this.#node.dns.clusterDomain)
    return {
      uid: this.#uid, namespace: namespace!, name: name!, attempt, hostname: pod.spec.hostNetwork ? this.#node.nodeName : hostname, hostDomain: domain, logDirectory: podLogDirectory(pod), dns: podDnsConfig(pod, this.#node.dns),
      hostNetwork: pod.spec.hostNetwork ?? false, portMappings: hostPortsOf(pod), sysctls: sysctlsOf(pod), shareProcesses: pod.spec.shareProcessNamespace ?? false, hostProcesses: pod.spec.hostPID ?? false, hostMounts: pod.spec.volumes?.some((volume) => volume.hostPath !== undefined && leadsIntoKernel(volume.hostPath.path)) ?? false,
      cgroupParent: podCgroup(this.allotted), resources: podCgroupLimits(this.allotted),
    }
  }
}

/** Whether a path of the node, or what is mounted below it, is the kernel's and not on its disk. */
function leadsIntoKernel(path: string): boolean {
  return /^\/+(?:proc(?:\/.*)?|sys(?:\/fs(?:\/cgroup(?:\/.*)?)?)?\/*)?$/.test(path)
}

function ended(t: { startedAt?: string; finishedAt?: string; exitCode: number; reason?: string; message?: string }) {
  return { startedMs: timeMs(t.startedAt) || 0, finishedMs: timeMs(t.finishedAt) || 0, exitCode: t.exitCode, reason: t.reason ?? '', message: t.message ?? '' }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => { if (signal.aborted) resolve(); else signal.addEventListener('abort', () => resolve(), { once: true }) })
}

/** Go's text of a duration of whole seconds: `10s`, `2m40s`, `5m0s`. */
export function goSeconds(seconds: number): string {
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
