import type { Clock, Timer } from '../../base/clock.ts'
import { deepEqual } from '../../base/freeze.ts'
import { needsLess } from '../client/pod-resources.ts'
import type { Pod } from '../kinds/generated/types.ts'
import { on, type ClusterEvent, type EventAction, type Handle, type Plugin, type PreEnqueuePlugin, type QueuedPod, type QueueSortPlugin, type RetryRule } from './framework.ts'
import { podInfoOf } from './pod-info.ts'
import { eventLabel, type SchedulerCounters, type SchedulerGauges } from './scheduler-counters.ts'

/** k8s: pkg/scheduler/backend/queue DefaultPodInitialBackoffDuration and others */
const INITIAL_BACKOFF_MS = 1000
const MAX_BACKOFF_MS = 10_000
const BACKOFF_WINDOW_MS = 1000
/** What metrics call the return of a pod that could not be placed. */
const ATTEMPT_FAILURE = 'ScheduleAttemptFailure'
const MAX_IN_UNSCHEDULABLE_MS = 5 * 60_000
const FLUSH_UNSCHEDULABLE_MS = 30_000

export interface SchedulingQueueOptions {
  clock: Clock
  plugins: readonly Plugin[]
  handle: () => Handle
  counters: SchedulerCounters
  /** How long a pod waits after its first failure, and at most. k8s: podInitialBackoffSeconds, podMaxBackoffSeconds */
  initialBackoffMs?: number
  maxBackoffMs?: number
  /** Called when a pod became ready to be popped. */
  wake: () => void
}

/**
 * Pods that wait for a node: active (may be tried), backing off (failed lately), and unschedulable (wait for an event that may help).
 */
export class SchedulingQueue {
  readonly #clock: Clock
  readonly #handle: () => Handle
  readonly #counters: SchedulerCounters
  readonly #wake: () => void
  /** How long a pod waits after so many failures. k8s: calculateBackoffDuration */
  readonly #backoffMs: (failures: number) => number
  readonly #less: (a: QueuedPod, b: QueuedPod) => boolean
  readonly #preEnqueue: readonly PreEnqueuePlugin[]
  readonly #rules = new Map<string, readonly RetryRule[]>()
  readonly #active: QueuedPod[] = []
  readonly #activeUids = new Set<string>()
  readonly #backoff = new Map<string, QueuedPod>()
  readonly #unschedulable = new Map<string, QueuedPod>()
  /** What a pod that is being tried has to be remembered by. */
  readonly #inFlight = new Map<string, QueuedPod>()
  /** Pods gone while in the heap. */
  readonly #removed = new Set<string>()
  #backoffTimer: { dueMs: number; timer: Timer } | undefined
  #flushTimer: Timer | undefined
  #sequence = 0

  constructor({ clock, plugins, handle, counters, wake, initialBackoffMs = INITIAL_BACKOFF_MS, maxBackoffMs = MAX_BACKOFF_MS }: SchedulingQueueOptions) {
    this.#backoffMs = (failures) => Math.min(initialBackoffMs * 2 ** (failures - 1), maxBackoffMs)
    this.#clock = clock
    this.#handle = handle
    this.#counters = counters
    this.#wake = wake
    this.#less = (plugins.find((plugin) => plugin.less) as QueueSortPlugin).less
    this.#preEnqueue = plugins.filter((plugin) => plugin.preEnqueue) as PreEnqueuePlugin[]
    for (const { name, retryOn } of plugins) {
      if (!retryOn) continue
      const hears = (action: EventAction) => retryOn.some((rule) => rule.resource === 'Node' && rule.actions.includes(action))
      // Whoever waits for new nodes is told of changed taints, too. k8s: buildQueueingHintMap
      this.#rules.set(name, hears('Add') && !hears('UpdateNodeTaint') ? [...retryOn, on('Node', 'UpdateNodeTaint')] : retryOn)
    }
    this.#scheduleFlush()
  }

  /** Takes a new pod in. */
  add(pod: Pod): void {
    const uid = pod.metadata.uid!
    if (this.#find(uid) || this.#inFlight.has(uid)) return
    const nowMs = this.#clock.nowMs()
    this.#enter({ info: podInfoOf(pod), queuedMs: nowMs, initialAttemptMs: nowMs, attempts: 0, attemptMs: nowMs, rejections: 0, errorsInRow: 0, rejectors: new Set(), backoffUntilMs: 0, gated: false, sequence: this.#sequence++ }, 'UnschedulablePodAdd')
  }

  /** A pod in the queue has changed. */
  update(pod: Pod, old: Pod): void {
    const uid = pod.metadata.uid!
    const inFlight = this.#inFlight.get(uid)
    if (inFlight) return
    const queued = this.#find(uid)
    if (!queued) {
      this.add(pod)
      return
    }
    queued.info = podInfoOf(pod)
    if (!this.#unschedulable.has(uid)) return
    if (queued.gated) {
      this.#unschedulable.delete(uid)
      this.#enter(queued, 'UnschedulablePodUpdate')
      return
    }
    for (const event of podEvents(pod, old)) {
      if (!this.#helps(queued, event)) continue
      this.#unschedulable.delete(uid)
      this.#requeue(queued, eventLabel(event))
      return
    }
  }

  delete(uid: string): void {
    if (this.#activeUids.delete(uid)) this.#removed.add(uid)
    this.#backoff.delete(uid)
    this.#unschedulable.delete(uid)
  }

  /** The next pod to try; it counts as in flight until {@link done} or {@link returnUnschedulable}. */
  pop(): QueuedPod | undefined {
    const queued = this.#popActive() ?? this.#popBackoff()
    if (!queued) return undefined
    queued.attempts++
    this.#inFlight.set(queued.info.pod.metadata.uid!, queued)
    return queued
  }

  done(uid: string): void {
    this.#inFlight.delete(uid)
  }

  /**
   * A pod whose attempt failed. `rejectors` are the plugins that turned it away; none means an error: it is simply tried again later.
   * Errors and rejections wait by counts of their own. k8s: AddUnschedulableIfNotPresent, getBackoffTime
   */
  returnUnschedulable(queued: QueuedPod, pod: Pod, rejectors: ReadonlySet<string>): void {
    const uid = pod.metadata.uid!
    this.#inFlight.delete(uid)
    queued.info = podInfoOf(pod)
    queued.rejectors = rejectors
    queued.queuedMs = this.#clock.nowMs()
    if (rejectors.size === 0) queued.errorsInRow++
    else {
      queued.rejections++
      queued.errorsInRow = 0
    }
    queued.backoffUntilMs = backoffEndMs(queued.queuedMs + this.#backoffMs(queued.errorsInRow || queued.rejections))
    if (rejectors.size === 0) this.#requeue(queued, ATTEMPT_FAILURE)
    else {
      this.#counters.incoming('unschedulable', ATTEMPT_FAILURE)
      this.#unschedulable.set(uid, queued)
    }
  }

  /** Something happened in the cluster: frees pods that it may help. `concerns` leaves out those that it is nothing to. */
  moveOn(event: ClusterEvent, concerns?: (queued: QueuedPod) => boolean): void {
    if (this.#unschedulable.size === 0) return
    // Who may not enter is put back: of a copy, or it would come round again and again.
    for (const [uid, queued] of [...this.#unschedulable]) {
      if ((concerns && !concerns(queued)) || !this.#helps(queued, event)) continue
      this.#unschedulable.delete(uid)
      this.#requeue(queued, eventLabel(event))
    }
  }

  /** Asks again whether a pod that was kept out may enter. */
  ungate(uid: string): void {
    const queued = this.#unschedulable.get(uid)
    if (!queued?.gated) return
    this.#unschedulable.delete(uid)
    this.#enter(queued, 'ForceActivate')
  }

  /** How many pods wait where, and for which plugins' sake. */
  gauges(): Pick<SchedulerGauges, 'queues' | 'rejected'> {
    const parked = [...this.#unschedulable.values()]
    const gated = parked.filter((queued) => queued.gated).length
    const rejected = new Map<string, number>()
    for (const { rejectors } of [...parked, ...this.#backoff.values()]) for (const name of rejectors) rejected.set(name, (rejected.get(name) ?? 0) + 1)
    return { queues: { active: this.#activeUids.size, backoff: this.#backoff.size, gated, unschedulable: parked.length - gated }, rejected }
  }

  stop(): void {
    this.#backoffTimer?.timer.cancel()
    this.#flushTimer?.cancel()
  }

  #find(uid: string): QueuedPod | undefined {
    return this.#backoff.get(uid) ?? this.#unschedulable.get(uid) ?? (this.#activeUids.has(uid) ? this.#active.find((queued) => queued.info.pod.metadata.uid === uid) : undefined)
  }

  #enter(queued: QueuedPod, event: string): void {
    const { pod } = queued.info
    const wasGated = queued.gated
    queued.gated = false
    for (const plugin of this.#preEnqueue) {
      const status = plugin.preEnqueue(pod, this.#handle())
      if (!status) continue
      queued.gated = true
      queued.rejectors = new Set([plugin.name])
      if (!wasGated) this.#counters.incoming('unschedulable', event)
      this.#unschedulable.set(pod.metadata.uid!, queued)
      return
    }
    this.#removed.delete(pod.metadata.uid!)
    this.#activeUids.add(pod.metadata.uid!)
    this.#counters.incoming('active', event)
    this.#push(queued)
    this.#wake()
  }

  #requeue(queued: QueuedPod, event: string): void {
    queued.gated = false
    const restMs = queued.backoffUntilMs - this.#clock.nowMs()
    if (restMs <= 0) {
      this.#enter(queued, event)
      return
    }
    this.#backoff.set(queued.info.pod.metadata.uid!, queued)
    this.#counters.incoming('backoff', event)
    // With nothing else to do, pods that were only turned away needn't wait. k8s: SchedulerPopFromBackoffQ
    if (queued.rejectors.size > 0) this.#wake()
    this.#armBackoff(queued.backoffUntilMs)
  }

  #armBackoff(dueMs: number): void {
    if (this.#backoffTimer && this.#backoffTimer.dueMs <= dueMs) return
    this.#backoffTimer?.timer.cancel()
    this.#backoffTimer = { dueMs, timer: this.#clock.after(dueMs - this.#clock.nowMs(), () => {
      this.#backoffTimer = undefined
      const nowMs = this.#clock.nowMs()
      let next = Infinity
      for (const [uid, queued] of this.#backoff) {
        if (queued.backoffUntilMs <= nowMs) {
          this.#backoff.delete(uid)
          this.#enter(queued, 'BackoffComplete')
        } else next = Math.min(next, queued.backoffUntilMs)
      }
      if (next < Infinity) this.#armBackoff(next)
    }) }
  }

  /** Nobody waits for ever on an event that was overlooked. */
  #scheduleFlush(): void {
    this.#flushTimer = this.#clock.after(FLUSH_UNSCHEDULABLE_MS, () => {
      const nowMs = this.#clock.nowMs()
      for (const [uid, queued] of [...this.#unschedulable]) {
        if (queued.gated || nowMs - queued.queuedMs <= MAX_IN_UNSCHEDULABLE_MS) continue
        this.#unschedulable.delete(uid)
        this.#requeue(queued, 'UnschedulableTimeout')
      }
      this.#scheduleFlush()
    })
  }

  #helps(queued: QueuedPod, event: ClusterEvent): boolean {
    for (const name of queued.rejectors)
      for (const rule of this.#rules.get(name) ?? [])
        if (rule.resource === event.resource && rule.actions.some((action) => event.actions.includes(action)) && (!rule.helps || rule.helps(queued.info.pod, event, this.#handle()))) return true
    return false
  }

  #popBackoff(): QueuedPod | undefined {
    let first: QueuedPod | undefined
    for (const queued of this.#backoff.values())
      if (queued.rejectors.size > 0 && (!first || queued.backoffUntilMs < first.backoffUntilMs)) first = queued
    if (first) this.#backoff.delete(first.info.pod.metadata.uid!)
    return first
  }

  #push(item: QueuedPod): void {
    const heap = this.#active
    let i = heap.push(item) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!this.#less(item, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = item
  }

  #popActive(): QueuedPod | undefined {
    const heap = this.#active
    while (heap.length > 0) {
      const first = heap[0]!
      const last = heap.pop()!
      if (heap.length > 0) {
        let i = 0
        for (;;) {
          let child = 2 * i + 1
          if (child >= heap.length) break
          if (child + 1 < heap.length && this.#less(heap[child + 1]!, heap[child]!)) child++
          if (!this.#less(heap[child]!, last)) break
          heap[i] = heap[child]!
          i = child
        }
        heap[i] = last
      }
      const uid = first.info.pod.metadata.uid!
      if (this.#removed.delete(uid)) continue
      this.#activeUids.delete(uid)
      return first
    }
    return undefined
  }
}

/** When a pod may be tried again: backoff ends with a window of a second. k8s: alignToWindow, isPodBackingoff */
function backoffEndMs(earliestMs: number): number {
  return (Math.floor(earliestMs / BACKOFF_WINDOW_MS) + 1) * BACKOFF_WINDOW_MS
}

/** What changed about a waiting pod, as far as plugins care. */
function podEvents(pod: Pod, old: Pod): ClusterEvent[] {
  const actions: ClusterEvent['actions'][number][] = []
  if (!deepEqual(pod.metadata.labels, old.metadata.labels)) actions.push('UpdatePodLabel')
  if ((pod.spec.tolerations?.length ?? 0) !== (old.spec.tolerations?.length ?? 0)) actions.push('UpdatePodTolerations')
  if (old.spec.schedulingGates?.length && !pod.spec.schedulingGates?.length) actions.push('UpdatePodSchedulingGatesEliminated')
  if (needsLess(pod, old)) actions.push('UpdatePodScaleDown')
  if (pod.spec.resourceClaims && pod.status?.resourceClaimStatuses !== old.status?.resourceClaimStatuses) actions.push('UpdatePodGeneratedResourceClaim')
  return actions.length === 0 ? [] : [{ resource: 'Pod', actions, object: pod, old }]
}
