import { rfc3339 } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import { deepEqual, deepFreeze } from '../../base/freeze.ts'
import type { Log } from '../../base/log.ts'
import type { Api } from '../client/api.ts'
import { isStatusError } from '../kinds/status-error.ts'
import type { ContainerStatus, Pod, PodCondition, PodStatus } from '../kinds/generated/types.ts'
import { KUBELET_CONDITIONS, containersReadyCondition, readyCondition } from './pod-conditions.ts'
import { isMirrorPod, isStaticPod, isTerminalPhase } from './pod-spec.ts'

interface Entry {
  pod: Pod
  status: PodStatus
  /** All of its containers have ended and its resources are given back. */
  finished: boolean
  version: number
  sentVersion: number
  sending: boolean
  /** Ends sending after a deletion was asked for. */
  deleteSent: boolean
}

export interface StatusManagerOptions {
  api: Api
  clock: Clock
  log: Log
  /** The API's pod: the mirror of a static pod; undefined when there is none. */
  apiPod(pod: Pod): Pod | undefined
  /** Containers of the pod may still run, so a terminal phase has to wait. */
  couldHaveRunningContainers(uid: string): boolean
  /** Told of each status before it takes the place of the last one. */
  onChange?(before: PodStatus | undefined, after: PodStatus): void
  /** Nothing is sent meanwhile. */
  isSuspended(): boolean
}

const RETRY_MS = 1_000

/**
 * Keeps what the kubelet knows of each pod's status and brings it to the API: changes that come while a write is under way go into the next
 * one. Also asks for the final deletion of pods that have ended. k8s: pkg/kubelet/status status_manager.go
 */
export class StatusManager {
  readonly #options: StatusManagerOptions
  readonly #entries = new Map<string, Entry>()
  #stopped = false

  constructor(options: StatusManagerOptions) {
    this.#options = options
  }

  stop(): void {
    this.#stopped = true
  }

  get(uid: string): PodStatus | undefined {
    return this.#entries.get(uid)?.status
  }

  /** Takes a status as already known to the API (after a restart). */
  adopt(pod: Pod, status: PodStatus): void {
    this.#entries.set(pod.metadata.uid!, { pod, status, finished: false, version: 0, sentVersion: 0, sending: false, deleteSent: false })
  }

  set(pod: Pod, status: PodStatus): void {
    this.#update(pod, status, false, pod.metadata.deletionTimestamp !== undefined)
  }

  /** The sandbox, its network and the volumes are there, long before images are pulled. Nothing else of the status is told yet, not even the addresses. k8s: Kubelet OnPodSandboxReady */
  setSandboxReady(pod: Pod): void {
    const status = this.#entries.get(pod.metadata.uid!)?.status ?? pod.status ?? {}
    const ready: PodCondition = { type: 'PodReadyToStartContainers', status: 'True', ...(pod.metadata.generation ? { observedGeneration: pod.metadata.generation } : {}), lastProbeTime: null as unknown as string }
    const conditions = status.conditions ?? []
    const isKnown = conditions.some(({ type }) => type === ready.type)
    this.#update(pod, { ...status, conditions: isKnown ? conditions.map((c) => c.type === ready.type ? ready : c) : [...conditions, ready] }, false, pod.metadata.deletionTimestamp !== undefined)
  }

  /** k8s: SetContainerReadiness */
  setReadiness(pod: Pod, containerId: string, ready: boolean): void {
    const entry = this.#entries.get(pod.metadata.uid!)
    const found = entry && containerById(entry.status, containerId)
    if (!entry || !found || found.ready === ready) return
    const status = withContainer(entry.status, containerId, { ready })
    const statuses = [...status.initContainerStatuses ?? [], ...status.containerStatuses ?? []]
    const input = { pod, phase: status.phase ?? '', statuses, others: status.conditions ?? [] }
    const fresh = [readyCondition(input), containersReadyCondition(input)]
    status.conditions = (status.conditions ?? []).map((c) => fresh.find((f) => f.type === c.type) ?? c)
    this.#update(pod, status, false, false)
  }

  /** k8s: SetContainerStartup */
  setStartup(pod: Pod, containerId: string, started: boolean): void {
    const entry = this.#entries.get(pod.metadata.uid!)
    const found = entry && containerById(entry.status, containerId)
    if (!entry || !found || found.started === started) return
    this.#update(pod, withContainer(entry.status, containerId, { started }), false, false)
  }

  /** The pod's last status: every container has ended, what isn't known counts as failed. k8s: TerminatePod */
  terminate(pod: Pod): void {
    const entry = this.#entries.get(pod.metadata.uid!)
    const status = { ...entry?.status ?? pod.status ?? {} }
    const lost = (s: ContainerStatus): ContainerStatus => s.state?.terminated ? s : {
      ...s, state: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message: 'The container could not be located when the pod was terminated', startedAt: null as unknown as string, finishedAt: null as unknown as string } },
    }
    if (hasInitialized(pod, status)) status.containerStatuses = (status.containerStatuses ?? []).map(lost)
    const init = status.initContainerStatuses ?? []
    let started = init.length
    while (started > 1 && init[started - 1]!.state?.waiting && !init[started - 1]!.lastState?.terminated) started--
    if (init.length > 0) status.initContainerStatuses = init.map((s, i) => i < started ? lost(s) : s)
    if (!isStaticPod(pod) && !isTerminalPhase(status.phase)) status.phase = 'Failed'
    this.#update(pod, status, true, true)
  }

  forget(uid: string): void {
    this.#entries.delete(uid)
  }

  /** The API's pod changed: a deletion that waited for a terminal phase may go on, a status that differs is sent again. */
  apiChanged(pod: Pod): void {
    const entry = this.#entries.get(pod.metadata.uid!)
    if (!entry) return
    if (!isMirrorPod(pod)) entry.pod = pod
    if (entry.finished && pod.metadata.deletionTimestamp) void this.#send(entry)
  }

  /** The status is not what the API has: send it (again). */
  refresh(uid: string): void {
    const entry = this.#entries.get(uid)
    if (!entry) return
    entry.sentVersion = -1
    void this.#send(entry)
  }

  /** Sends what couldn't be sent while the kubelet was suspended. */
  resume(): void {
    for (const entry of this.#entries.values()) if (entry.sentVersion !== entry.version || entry.finished) void this.#send(entry)
  }

  #update(pod: Pod, draft: PodStatus, finished: boolean, force: boolean): void {
    const uid = pod.metadata.uid!
    const entry = this.#entries.get(uid)
    const old = entry?.status ?? this.#options.apiPod(pod)?.status ?? pod.status ?? {}
    this.#options.onChange?.(old, draft)
    const nowText = rfc3339(this.#options.clock.nowMs())
    const status: PodStatus = { ...draft }
    status.conditions = (draft.conditions ?? []).map((c) => {
      const before = old.conditions?.find((o) => o.type === c.type)
      const at = before && before.status === c.status ? before.lastTransitionTime : undefined
      return c.lastTransitionTime !== undefined && !KUBELET_CONDITIONS.has(c.type) ? c : { ...c, lastTransitionTime: at ?? nowText }
    })
    status.startTime = old.startTime ?? draft.startTime ?? nowText
    if ((old.observedGeneration ?? 0) > (status.observedGeneration ?? 0)) status.observedGeneration = old.observedGeneration!
    if (entry && !force && deepEqual(entry.status, status) && entry.finished === (entry.finished || finished)) {
      entry.pod = pod
      return
    }
    deepFreeze(status)
    const next: Entry = entry ?? { pod, status, finished: false, version: 0, sentVersion: -1, sending: false, deleteSent: false }
    // Without force, the same status went no further than the test above.
    const changed = !entry || !force || !deepEqual(entry.status, status) || (finished && !entry.finished)
    next.pod = pod
    next.status = status
    next.finished ||= finished
    if (changed) next.version++
    this.#entries.set(uid, next)
    void this.#send(next)
  }

  async #send(entry: Entry): Promise<void> {
    if (entry.sending || this.#stopped || this.#options.isSuspended()) return
    entry.sending = true
    try {
      // Whatever else happens in this turn belongs to the same write.
      await undefined
      for (;;) {
        const { version } = entry
        const done = await this.#sync(entry)
        if (done) entry.sentVersion = version
        if (this.#stopped || this.#options.isSuspended() || (done && entry.version === version)) return
        if (!done) await this.#options.clock.sleep(RETRY_MS)
        if (this.#entries.get(entry.pod.metadata.uid!) !== entry) return
      }
    } finally {
      entry.sending = false
    }
  }

  /** One attempt; false: try again later. k8s: syncPod */
  async #sync(entry: Entry): Promise<boolean> {
    const { api, log } = this.#options
    let apiPod = this.#options.apiPod(entry.pod)
    if (!apiPod) return true
    const { name, namespace, uid } = apiPod.metadata
    try {
      for (let attempt = 0; ; attempt++) {
        const merged = this.#merged(entry, apiPod)
        if (isSameStatus(merged, apiPod.status ?? {})) break
        try {
          apiPod = await api.updateStatus<Pod>('pods', { ...apiPod, status: merged })
          break
        } catch (error) {
          if (!isStatusError(error, 'Conflict') || attempt > 4) throw error
          apiPod = await api.get<Pod>('pods', name!, namespace)
          if (apiPod.metadata.uid !== uid) return true
        }
      }
      // k8s: canBeDeleted
      if (apiPod.metadata.deletionTimestamp && !isMirrorPod(apiPod) && isTerminalPhase(apiPod.status?.phase) && entry.finished && !entry.deleteSent) {
        entry.deleteSent = true
        await api.delete('pods', name!, namespace, { gracePeriodSeconds: 0, preconditions: { uid: uid! } })
      }
      return true
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return true
      entry.deleteSent = false
      if (isStatusError(error, 'Conflict')) return true
      if (!this.#stopped) log.warn('failed to update the status of a pod', { pod: `${namespace}/${name}`, error: String(error) })
      return false
    }
  }

  /** What goes to the API, given what is there. k8s: mergePodStatus */
  #merged(entry: Entry, apiPod: Pod): PodStatus {
    const old = apiPod.status ?? {}
    const status: PodStatus = { ...entry.status }
    const disruption = entry.status.conditions?.find((c) => c.type === 'DisruptionTarget')
    const ending = !isTerminalPhase(old.phase) && isTerminalPhase(status.phase)
    const mayRun = this.#options.couldHaveRunningContainers(entry.pod.metadata.uid!)
    const conditions = (old.conditions ?? []).filter((c) => !KUBELET_CONDITIONS.has(c.type))
    if (disruption && ending && !mayRun) {
      const at = conditions.findIndex((c) => c.type === 'DisruptionTarget')
      if (at >= 0) conditions[at] = disruption
      else conditions.push(disruption)
    }
    status.conditions = [...conditions, ...(status.conditions ?? []).filter((c) => KUBELET_CONDITIONS.has(c.type))]
    if (ending && mayRun) {
      for (const field of ['phase', 'reason', 'message'] as const) {
        if (old[field] === undefined) delete status[field]
        else (status as Record<string, unknown>)[field] = old[field]
      }
    }
    if (isTerminalPhase(status.phase)) {
      status.conditions = status.conditions.map((c) => (c.type === 'Ready' || c.type === 'ContainersReady') && c.status === 'True'
        ? { ...c, status: 'False', reason: status.phase === 'Failed' ? 'PodFailed' : 'PodCompleted', message: undefined as unknown as string, lastTransitionTime: rfc3339(this.#options.clock.nowMs()) } : c)
    }
    for (const field of ['resourceClaimStatuses', 'extendedResourceClaimStatus', 'nominatedNodeName', 'resize'] as const)
      if (old[field] !== undefined) (status as Record<string, unknown>)[field] = old[field]
    if (isMirrorPod(apiPod)) {
      delete status.observedGeneration
      status.conditions = status.conditions.map(({ observedGeneration: _, ...c }) => c)
    }
    return status
  }
}

/** Whether nothing differs that means anything. k8s: isPodStatusByKubeletEqual, normalizeStatus */
function isSameStatus(a: PodStatus, b: PodStatus): boolean {
  const [mine, theirs] = [a.conditions ?? [], b.conditions ?? []]
  if (mine.length !== theirs.length) return false
  for (let i = 0; i < mine.length; i++) {
    const [c, other] = [mine[i]!, theirs[i]!]
    if (c !== other && !deepEqual({ ...c, lastProbeTime: undefined }, { ...other, lastProbeTime: undefined })) return false
  }
  return deepEqual({ ...a, conditions: undefined }, { ...b, conditions: undefined })
}

function containerById(status: PodStatus, id: string): ContainerStatus | undefined {
  return status.containerStatuses?.find((c) => c.containerID === id) ?? status.initContainerStatuses?.find((c) => c.containerID === id)
}

function withContainer(status: PodStatus, id: string, change: Partial<ContainerStatus>): PodStatus {
  const apply = (list: ContainerStatus[] | undefined) => list?.map((c) => c.containerID === id ? { ...c, ...change } : c)
  return {
    ...status, ...(status.containerStatuses ? { containerStatuses: apply(status.containerStatuses)! } : {}),
    ...(status.initContainerStatuses ? { initContainerStatuses: apply(status.initContainerStatuses)! } : {}),
  }
}

/** k8s: hasPodInitialized */
function hasInitialized(pod: Pod, status: PodStatus): boolean {
  const init = pod.spec.initContainers ?? []
  if (init.length === 0) return true
  if (status.containerStatuses?.some((s) => s.lastState?.terminated || !s.state?.waiting)) return true
  const last = status.initContainerStatuses?.[init.length - 1]
  if (!last) return false
  if (init[init.length - 1]!.restartPolicy === 'Always') return last.state?.running !== undefined && last.started === true
  return last.state?.terminated?.exitCode === 0 || last.lastState?.terminated?.exitCode === 0
}
