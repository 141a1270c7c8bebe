import { rfc3339 } from '../../../base/clock.ts'
import { deepEqual } from '../../../base/freeze.ts'
import { findCondition } from '../../client/conditions.ts'
import type { Controller, ControllerContext, ReconcileResult } from '../../client/controller-runner.ts'
import { keyOf } from '../../client/informers.ts'
import { selects } from '../../client/label-selection.ts'
import { controllerOf } from '../../client/owner-references.ts'
import type { Container, EnvVar, Job, JobCondition, JobStatus, Pod } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { compact } from '../compact.ts'
import { claim, ORPHANS } from '../ownership.ts'
import { createOwnedPod, deleteOwnedPod, isNamespaceTerminating, podFromTemplate, slowStart } from '../pod-control.ts'
import { byDeletionPreference, isPodActive, isPodReady, isPodTerminating, timeMs } from '../pods.ts'
import { formatIndexes, parseIndexes } from './indexes.ts'
import { matchPodFailurePolicy } from './pod-failure-policy.ts'

const TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking'
const INDEX = 'batch.kubernetes.io/job-completion-index'
const INDEX_FAILURES = 'batch.kubernetes.io/job-index-failure-count'
const INDEX_IGNORED_FAILURES = 'batch.kubernetes.io/job-index-ignored-failure-count'

/** Changes of pods are looked at together. k8s: SyncJobBatchPeriod */
const BATCH_MS = 1000
const FIRST_BACKOFF_MS = 10_000
const MAX_BACKOFF_MS = 600_000
const MAX_CREATE_DELETE = 500
const MAX_UNCOUNTED = 500

/** k8s: DefaultJobApiBackOff, MaxJobApiBackOff */
const API_RETRY = { firstMs: 1000, maxMs: 60_000, isLimited: false }

interface Backoff {
  failures: number
  lastFailureMs: number
}

export function isJobFinished(job: Readonly<Job>): boolean {
  return job.status?.conditions?.some(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True') ?? false
}

/** Runs pods to completion. k8s: pkg/controller/job */
export function jobController(): Controller {
  const backoffs = new Map<string, Backoff>()
  return {
    name: 'job-controller', for: 'jobs.batch', reads: ['pods'], retry: API_RETRY,
    indexes: [{ resource: 'pods', ...ORPHANS }],
    watches: [{
      resource: 'pods',
      keys: ({ type, object: pod, old }, { cache, enqueue }) => {
        const owner = controllerOf(pod)
        const before = old && controllerOf(old)
        const keys = new Set<string>()
        for (const reference of [owner, before]) if (reference?.kind === 'Job') keys.add(`${pod.metadata.namespace}/${reference.name}`)
        if (!owner && type !== 'delete') for (const job of cache.list<Job>('jobs.batch', pod.metadata.namespace)) if (selects(job.spec!.selector, pod.metadata.labels)) keys.add(keyOf(job))
        for (const key of keys) enqueue(key, BATCH_MS)
        return []
      },
    }],
    wants: ({ type, object, old }) => type !== 'update' || object.metadata.generation !== old.metadata.generation || object.metadata.deletionTimestamp !== old.metadata.deletionTimestamp,
    async reconcile(key, context) {
      const job = context.cache.get<Job>('jobs.batch', key)
      if (!job) {
        backoffs.delete(key)
        return
      }
      if (job.spec!.managedBy && job.spec!.managedBy !== 'kubernetes.io/job-controller') return
      if (isJobFinished(job)) {
        backoffs.delete(key)
        return
      }
      return new JobSync(job, key, backoffs, context).run()
    },
  }
}

/** Takes the finalizer off pods whose job is gone. k8s: syncOrphanPod */
export const jobOrphanPodController: Controller = {
  name: 'job-orphan-pod-controller', for: 'pods', reads: ['jobs.batch'], retry: API_RETRY,
  wants: ({ type, object }) => type !== 'delete' && Boolean(object.metadata.finalizers?.includes(TRACKING_FINALIZER)),
  watches: [{
    resource: 'jobs.batch',
    keys: ({ type, object }, { cache }) => type !== 'delete' ? [] : cache.ownedBy<Pod>(object, 'pods').filter((pod) => pod.metadata.finalizers?.includes(TRACKING_FINALIZER)).map(keyOf),
  }],
  async reconcile(key, { api, cache }) {
    const pod = cache.get<Pod>('pods', key)
    if (!pod?.metadata.finalizers?.includes(TRACKING_FINALIZER)) return
    const owner = controllerOf(pod)
    if (owner?.kind === 'Job') {
      const job = cache.get<Job>('jobs.batch', `${pod.metadata.namespace}/${owner.name}`) ??
        await api.get<Job>('jobs.batch', owner.name, pod.metadata.namespace).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error; return undefined })
      if (job?.metadata.uid === owner.uid && (!isJobFinished(job) || job.spec!.managedBy)) return
    }
    await removeFinalizer(pod, { api })
  },
}

class JobSync {
  readonly #job: Job
  readonly #key: string
  readonly #backoffs: Map<string, Backoff>
  readonly #context: ControllerContext
  readonly #nowMs: number
  #status: JobStatus
  #pods: Pod[] = []
  #active: Pod[] = []
  #succeeded = 0
  #failed = 0
  #ready = 0
  #terminating = 0
  #succeededIndexes = new Set<number>()
  #previouslySucceeded = new Set<number>()
  #failedIndexes: Set<number> | undefined
  #delayed = new Map<number, Pod>()
  #finished: JobCondition | undefined
  #requeueMs: number | undefined

  constructor(job: Job, key: string, backoffs: Map<string, Backoff>, context: ControllerContext) {
    this.#job = job
    this.#key = key
    this.#backoffs = backoffs
    this.#context = context
    this.#nowMs = context.clock.nowMs()
    this.#status = { ...job.status, conditions: [...job.status?.conditions ?? []], uncountedTerminatedPods: { ...job.status?.uncountedTerminatedPods } }
  }

  get #spec() { return this.#job.spec! }
  get #isIndexed() { return this.#spec.completionMode === 'Indexed' }
  get #perIndex() { return this.#isIndexed && this.#spec.backoffLimitPerIndex !== undefined }
  get #isSuspended() { return this.#spec.suspend ?? false }
  get #replacesOnlyFailed() { return this.#spec.podReplacementPolicy === 'Failed' || (this.#spec.podReplacementPolicy === undefined && this.#spec.podFailurePolicy !== undefined) }

  /** k8s: syncJob */
  async run(): Promise<ReconcileResult | void> {
    const job = this.#job
    const spec = this.#spec
    const { api, cache, events } = this.#context
    const before = this.#status
    this.#pods = await claim<Pod>('pods', job, (pod) => selects(spec.selector, pod.metadata.labels), { api, cache })
    this.#active = this.#pods.filter(isPodActive)
    this.#ready = this.#active.filter(isPodReady).length
    this.#terminating = this.#pods.filter(isPodTerminating).length
    const uncounted = { succeeded: new Set(before.uncountedTerminatedPods?.succeeded), failed: new Set(before.uncountedTerminatedPods?.failed) }
    const newlySucceeded = this.#pods.filter((pod) => this.#isTracked(pod) && pod.status?.phase === 'Succeeded' && !uncounted.succeeded.has(pod.metadata.uid!))
    const newlyFailed = this.#pods.filter((pod) => this.#isTracked(pod) && this.#isFailed(pod) && !uncounted.failed.has(pod.metadata.uid!))
    this.#succeeded = (before.succeeded ?? 0) + newlySucceeded.length + uncounted.succeeded.size
    this.#failed = (before.failed ?? 0) + newlyFailed.filter((pod) => matchPodFailurePolicy(spec.podFailurePolicy, pod).counts).length + uncounted.failed.size
    if (!before.startTime && !this.#isSuspended) this.#status.startTime = rfc3339(this.#nowMs)
    const backoff = nextBackoff(this.#backoffs.get(this.#key), newlySucceeded, newlyFailed)

    this.#finished = this.#judge()
    if (this.#isIndexed) this.#judgeIndexes()

    let activeCount = this.#active.length
    let suspensionChanged = false
    let failure: unknown
    if (this.#finished) {
      const deleted = await this.#deletePods(this.#active, 'tracked')
      if (deleted.count !== activeCount) this.#finished = undefined
      activeCount -= deleted.count
      failure = deleted.error
    } else {
      let managed = false
      if (job.metadata.deletionTimestamp === undefined) {
        const result = await this.#manage(backoff)
        activeCount = result.active
        failure = result.error
        managed = true
      }
      const complete = activeCount === 0 && (spec.completions === undefined ? this.#succeeded > 0 : this.#succeeded >= spec.completions)
      if (complete) this.#finished = this.#condition('SuccessCriteriaMet', 'CompletionsReached', 'Reached expected number of succeeded pods')
      else if (managed) suspensionChanged = this.#noteSuspension()
    }
    if (suspensionChanged) events.event(job, 'Normal', this.#isSuspended ? 'Suspended' : 'Resumed', this.#isSuspended ? 'Job suspended' : 'Job resumed')

    this.#status.active = activeCount || undefined
    this.#status.ready = this.#ready
    this.#status.terminating = this.#terminating
    await this.#track(backoff)
    if (failure !== undefined) throw failure
    if (this.#requeueMs !== undefined) return { requeueAfterMs: this.#requeueMs }
  }

  /** Whether the job is to end now, and how. */
  #judge(): JobCondition | undefined {
    const { conditions = [], startTime } = this.#status
    const spec = this.#spec
    const met = conditions.find(({ type, status }) => type === 'SuccessCriteriaMet' && status === 'True')
    if (met) return met
    const target = conditions.find(({ type, status }) => type === 'FailureTarget' && status === 'True')
    if (target) return this.#condition('Failed', target.reason!, target.message!)
    for (const pod of this.#pods) {
      const message = spec.podFailurePolicy && this.#isFailed(pod) ? matchPodFailurePolicy(spec.podFailurePolicy, pod).failJobMessage : undefined
      if (message) return this.#condition('FailureTarget', 'PodFailurePolicy', message)
    }
    if (this.#failed > (spec.backoffLimit ?? 6) || this.#isPastRestarts()) return this.#condition('FailureTarget', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit')
    if (spec.activeDeadlineSeconds !== undefined && !this.#isSuspended && startTime) {
      const restMs = timeMs(startTime) + spec.activeDeadlineSeconds * 1000 - this.#nowMs
      if (restMs <= 0) return this.#condition('FailureTarget', 'DeadlineExceeded', 'Job was active longer than specified deadline')
      this.#later(restMs)
    }
    return undefined
  }

  /** With restartPolicy OnFailure the restarts of containers count. k8s: pastBackoffLimitOnFailure */
  #isPastRestarts(): boolean {
    const spec = this.#spec
    if (spec.template.spec?.restartPolicy !== 'OnFailure') return false
    let restarts = 0
    for (const { status } of this.#pods) {
      if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue
      for (const container of [...status.initContainerStatuses ?? [], ...status.containerStatuses ?? []]) restarts += container.restartCount ?? 0
    }
    const limit = spec.backoffLimit ?? 6
    return limit === 0 ? restarts > 0 : restarts >= limit
  }

  #judgeIndexes(): void {
    const spec = this.#spec
    const completions = spec.completions!
    this.#previouslySucceeded = parseIndexes(this.#status.completedIndexes, completions)
    this.#succeededIndexes = new Set(this.#previouslySucceeded)
    for (const pod of this.#pods) {
      const index = indexOf(pod)
      if (pod.status?.phase === 'Succeeded' && index !== undefined && index < completions && hasFinalizer(pod)) this.#succeededIndexes.add(index)
    }
    this.#succeeded = this.#succeededIndexes.size
    if (this.#perIndex) {
      const failed = this.#failedIndexes = parseIndexes(this.#status.failedIndexes, completions)
      for (const pod of this.#pods) {
        const index = indexOf(pod)
        if (index === undefined || index >= completions || !hasFinalizer(pod) || !this.#isFailed(pod)) continue
        const { action, counts } = matchPodFailurePolicy(spec.podFailurePolicy, pod)
        if (action === 'FailIndex' || (counts && failuresOf(pod) >= spec.backoffLimitPerIndex!)) failed.add(index)
      }
      if (!this.#finished) {
        if (spec.maxFailedIndexes !== undefined && failed.size > spec.maxFailedIndexes)
          this.#finished = this.#condition('FailureTarget', 'MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes')
        else if (failed.size > 0 && failed.size + this.#succeededIndexes.size >= completions) this.#finished = this.#condition('FailureTarget', 'FailedIndexes', 'Job has failed indexes')
      }
      // The last failed pod of an index stays until its successor has taken its count over.
      const active = new Set(this.#active.map(indexOf))
      for (const pod of this.#pods) {
        const index = indexOf(pod)
        if (index === undefined || index >= completions || !hasFinalizer(pod) || !this.#isFailed(pod) || active.has(index) || failed.has(index) || this.#succeededIndexes.has(index)) continue
        const known = this.#delayed.get(index)
        if (!known || totalFailuresOf(known) < totalFailuresOf(pod)) this.#delayed.set(index, pod)
      }
    }
    if (this.#finished) return
    for (const [at, rule] of (spec.successPolicy?.rules ?? []).entries()) {
      const required = rule.succeededIndexes === undefined ? undefined : parseIndexes(rule.succeededIndexes, completions)
      const matching = required ? [...required].filter((index) => this.#succeededIndexes.has(index)).length : this.#succeededIndexes.size
      const met = this.#succeededIndexes.size > 0 && (required ? required.size > 0 && (matching === required.size || (rule.succeededCount !== undefined && matching >= rule.succeededCount)) : rule.succeededCount !== undefined && matching >= rule.succeededCount)
      if (!met) continue
      this.#finished = this.#condition('SuccessCriteriaMet', 'SuccessPolicy', `Matched rules at index ${at}`)
      return
    }
  }

  /** Creates and removes pods. k8s: manageJob */
  async #manage(backoff: Backoff): Promise<{ active: number; error?: unknown }> {
    const spec = this.#spec
    const active = this.#active.length
    const remove = async (pods: Pod[]) => {
      const { count, error } = await this.#deletePods(pods, 'untracked')
      return { active: active - count, error }
    }
    if (this.#isSuspended) return remove(this.#surplus(active))
    const parallelism = spec.parallelism ?? 1
    const want = spec.completions === undefined ? (this.#succeeded > 0 ? active : parallelism) : Math.max(0, Math.min(parallelism, spec.completions - this.#succeeded))
    const surplus = this.#surplus(Math.max(0, active - want)).slice(0, MAX_CREATE_DELETE)
    if (surplus.length > 0) return remove(surplus)
    let missing = Math.min(MAX_CREATE_DELETE, want - active - (this.#replacesOnlyFailed ? this.#terminating : 0))
    if (missing <= 0) return { active }
    if (!this.#perIndex) {
      const waitMs = remainingBackoffMs(backoff, this.#nowMs)
      if (waitMs > 0) {
        this.#later(waitMs)
        return { active }
      }
    }
    let indexes: number[] | undefined
    if (this.#isIndexed) {
      indexes = this.#pendingIndexes(missing)
      if (this.#perIndex) {
        const due = indexes.filter((index) => this.#indexWaitMs(index) <= 0)
        if (due.length === 0 && indexes.length > 0) this.#later(Math.min(...indexes.map((index) => this.#indexWaitMs(index))))
        indexes = due
      }
      missing = indexes.length
    }
    const { done, error } = await slowStart(missing, (i) => createOwnedPod(this.#pod(indexes?.[i]), this.#job, this.#context).catch((problem: unknown) => {
      if (!isNamespaceTerminating(problem)) throw problem
    }), this.#context.clock)
    return { active: active + done, error }
  }

  #pod(index: number | undefined): Pod {
    const job = this.#job
    const template = this.#spec.template
    const pod = podFromTemplate(template, job)
    pod.metadata.finalizers = [...(pod.metadata.finalizers ?? []).filter((name) => name !== TRACKING_FINALIZER), TRACKING_FINALIZER]
    if (index === undefined) return pod
    const suffix = `-${index}-`
    pod.metadata.generateName = `${job.metadata.name!.slice(0, 253 - 5 - suffix.length)}${suffix}`
    pod.metadata.annotations = { ...pod.metadata.annotations, [INDEX]: String(index) }
    pod.metadata.labels = { ...pod.metadata.labels, [INDEX]: String(index) }
    if (this.#perIndex) {
      const last = this.#delayed.get(index)
      const counted = last && matchPodFailurePolicy(this.#spec.podFailurePolicy, last).counts
      pod.metadata.annotations[INDEX_FAILURES] = String(last ? failuresOf(last) + (counted ? 1 : 0) : 0)
      const ignored = last ? Number(last.metadata.annotations?.[INDEX_IGNORED_FAILURES] ?? 0) + (counted ? 0 : 1) : 0
      if (ignored > 0) pod.metadata.annotations[INDEX_IGNORED_FAILURES] = String(ignored)
    }
    const { initContainers } = pod.spec
    pod.spec = {
      ...pod.spec, hostname: `${job.metadata.name}-${index}`, containers: pod.spec.containers.map(withIndexVariable),
      ...(initContainers ? { initContainers: initContainers.map(withIndexVariable) } : {}),
    }
    return pod
  }

  #pendingIndexes(count: number): number[] {
    const taken = new Set<number | undefined>([...this.#active, ...this.#replacesOnlyFailed ? this.#pods.filter(isPodTerminating) : []].map(indexOf))
    const out: number[] = []
    for (let index = 0; index < this.#spec.completions! && out.length < count; index++)
      if (!taken.has(index) && !this.#succeededIndexes.has(index) && !this.#failedIndexes?.has(index)) out.push(index)
    return out
  }

  #indexWaitMs(index: number): number {
    const last = this.#delayed.get(index)
    return last ? remainingBackoffMs({ failures: totalFailuresOf(last) + 1, lastFailureMs: finishedMs(last) }, this.#nowMs) : 0
  }

  /** Pods to remove: those whose index nobody needs, and at least so many. k8s: activePodsForRemoval */
  #surplus(atLeast: number): Pod[] {
    const remove: Pod[] = []
    let rest = [...this.#active].sort(byDeletionPreference(new Map(), this.#nowMs))
    if (this.#isIndexed) {
      const kept = new Map<number, Pod>()
      for (const pod of [...rest].reverse()) {
        const index = indexOf(pod)
        if (index === undefined || index >= this.#spec.completions! || kept.has(index)) remove.push(pod)
        else kept.set(index, pod)
      }
      rest = rest.filter((pod) => !remove.includes(pod))
    }
    return [...remove, ...rest.slice(0, Math.max(0, atLeast - remove.length))]
  }

  /**
   * Pods of a job that has ended stay tracked, so that they count as failed; those that are too many (of a suspended job: all) don't count.
   * k8s: deleteActivePods, deleteJobPods
   */
  async #deletePods(pods: readonly Pod[], as: 'tracked' | 'untracked'): Promise<{ count: number; error?: unknown }> {
    let count = 0
    let error: unknown
    const results = await Promise.allSettled(pods.map(async (pod) => {
      if (as === 'untracked' && hasFinalizer(pod)) await removeFinalizer(pod, this.#context)
      await deleteOwnedPod(pod, this.#job, this.#context)
    }))
    for (const [i, result] of results.entries()) {
      if (result.status === 'rejected' && !isStatusError(result.reason, 'NotFound')) error = result.reason
      else {
        count++
        this.#terminating++
        if (isPodReady(pods[i]!)) this.#ready--
      }
    }
    return { count, error }
  }

  #noteSuspension(): boolean {
    const conditions = this.#status.conditions!
    const known = conditions.findIndex(({ type }) => type === 'Suspended')
    const status = this.#isSuspended ? 'True' : 'False'
    if (known < 0 ? !this.#isSuspended : conditions[known]!.status === status) return false
    const next = this.#condition('Suspended', this.#isSuspended ? 'JobSuspended' : 'JobResumed', this.#isSuspended ? 'Job suspended' : 'Job resumed', status)
    if (known < 0) conditions.push(next)
    else conditions[known] = next
    this.#status.startTime = this.#isSuspended ? undefined : rfc3339(this.#nowMs)
    return true
  }

  /** Counts each ended pod exactly once: first in the status, then its finalizer goes. k8s: trackJobStatusAndRemoveFinalizers */
  async #track(backoff: Backoff): Promise<void> {
    const spec = this.#spec
    const status = this.#status
    const uncounted = { succeeded: [...status.uncountedTerminatedPods?.succeeded ?? []], failed: [...status.uncountedTerminatedPods?.failed ?? []] }
    const tracked = new Set(this.#pods.filter(hasFinalizer).map((pod) => pod.metadata.uid!))
    this.#countGone(uncounted, tracked)
    const release: Pod[] = []
    let full = false
    const newIndexes = new Set<number>()
    const pods = this.#isIndexed ? [...this.#pods].sort((a, b) => (indexOf(a) ?? -1) - (indexOf(b) ?? -1)) : this.#pods
    for (const pod of pods) {
      if (!hasFinalizer(pod)) continue
      const uid = pod.metadata.uid!
      const failed = this.#isFailed(pod)
      const over = this.#job.metadata.deletionTimestamp !== undefined || this.#finished !== undefined || pod.status?.phase === 'Succeeded'
      const index = indexOf(pod)
      if (!over && (!failed || (this.#perIndex && index !== undefined && this.#delayed.get(index)?.metadata.uid === uid))) continue
      release.push(pod)
      const validIndex = index !== undefined && index < (spec.completions ?? 0)
      if (pod.status?.phase === 'Succeeded' && !uncounted.failed.includes(uid)) {
        if (this.#isIndexed) {
          if (validIndex && !this.#previouslySucceeded.has(index)) newIndexes.add(index)
        } else if (!uncounted.succeeded.includes(uid)) uncounted.succeeded.push(uid)
      } else if (failed || (this.#finished && this.#finished.type !== 'SuccessCriteriaMet')) {
        if (!uncounted.failed.includes(uid) && (!this.#isIndexed || validIndex) && matchPodFailurePolicy(spec.podFailurePolicy, pod).counts) uncounted.failed.push(uid)
      }
      if (newIndexes.size + uncounted.succeeded.length + uncounted.failed.length >= MAX_UNCOUNTED) {
        full = true
        break
      }
    }
    if (this.#isIndexed) {
      const all = new Set([...this.#previouslySucceeded, ...newIndexes])
      status.succeeded = all.size || undefined
      status.completedIndexes = formatIndexes(all) || undefined
      if (this.#failedIndexes) status.failedIndexes = formatIndexes(this.#failedIndexes)
    }
    let finished = this.#finished
    if (finished?.type === 'FailureTarget') {
      status.conditions!.push(finished)
      finished = this.#condition('Failed', finished.reason!, finished.message!)
    }
    if (finished?.type === 'SuccessCriteriaMet') {
      if (!findCondition(status.conditions, 'SuccessCriteriaMet')) status.conditions!.push(finished)
      finished = this.#condition('Complete', finished.reason!, finished.message!)
    }
    this.#setUncounted(uncounted)
    let job = await this.#write(this.#job)
    this.#backoffs.set(this.#key, backoff)

    let failure: unknown
    for (const [i, result] of (await Promise.allSettled(release.map((pod) => removeFinalizer(pod, this.#context)))).entries()) {
      if (result.status === 'fulfilled') tracked.delete(release[i]!.metadata.uid!)
      else failure = result.reason
    }
    this.#countGone(uncounted, tracked)
    this.#setUncounted(uncounted)
    if (failure !== undefined) {
      await this.#write(job)
      throw failure
    }
    const isOver = finished !== undefined && !full && uncounted.succeeded.length + uncounted.failed.length === 0 && this.#terminating === 0
    if (isOver) {
      status.conditions = [...status.conditions!.filter(({ type }) => type !== finished!.type), finished!]
      if (finished!.type === 'Complete') status.completionTime = finished!.lastTransitionTime
    }
    job = await this.#write(job)
    if (!isOver) return
    const { events } = this.#context
    if (finished!.type === 'Complete') {
      if (spec.completions !== undefined && (status.succeeded ?? 0) > spec.completions)
        events.event(job, 'Warning', 'TooManySucceededPods', 'Too many succeeded pods running after completion count reached')
      events.event(job, 'Normal', 'Completed', 'Job completed')
    } else events.event(job, 'Warning', finished!.reason!, finished!.message!)
  }

  /** Pods that are noted as ended and have no finalizer any more move into the counters. k8s: cleanUncountedPodsWithoutFinalizers */
  #countGone(uncounted: { succeeded: string[]; failed: string[] }, tracked: ReadonlySet<string>): void {
    const status = this.#status
    const stay = { succeeded: uncounted.succeeded.filter((uid) => tracked.has(uid)), failed: uncounted.failed.filter((uid) => tracked.has(uid)) }
    if (!this.#isIndexed) status.succeeded = (status.succeeded ?? 0) + uncounted.succeeded.length - stay.succeeded.length || undefined
    status.failed = (status.failed ?? 0) + uncounted.failed.length - stay.failed.length || undefined
    Object.assign(uncounted, stay)
  }

  #setUncounted({ succeeded, failed }: { succeeded: string[]; failed: string[] }): void {
    this.#status.uncountedTerminatedPods = { ...(failed.length > 0 ? { failed: [...failed] } : {}), ...(succeeded.length > 0 ? { succeeded: [...succeeded] } : {}) }
  }

  async #write(job: Job): Promise<Job> {
    const status = compact({ ...this.#status, conditions: this.#status.conditions!.length > 0 ? [...this.#status.conditions!] : undefined })
    return deepEqual(status, job.status) ? job : this.#context.api.updateStatus<Job>('jobs.batch', { ...job, status })
  }

  #isTracked(pod: Pod): boolean {
    if (!hasFinalizer(pod)) return false
    const index = indexOf(pod)
    return !this.#isIndexed || (index !== undefined && index < this.#spec.completions!)
  }

  /** k8s: isPodFailed */
  #isFailed(pod: Pod): boolean {
    if (pod.status?.phase === 'Failed') return true
    return !this.#replacesOnlyFailed && pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded'
  }

  #condition(type: string, reason: string, message: string, status: 'True' | 'False' = 'True'): JobCondition {
    const now = rfc3339(this.#nowMs)
    return { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message }
  }

  #later(ms: number): void {
    this.#requeueMs = Math.min(this.#requeueMs ?? Infinity, Math.max(1, ms))
  }
}

const hasFinalizer = (pod: Pod) => pod.metadata.finalizers?.includes(TRACKING_FINALIZER) ?? false

function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[INDEX]
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

const failuresOf = (pod: Pod) => Number(pod.metadata.annotations?.[INDEX_FAILURES] ?? 0)
const totalFailuresOf = (pod: Pod) => failuresOf(pod) + Number(pod.metadata.annotations?.[INDEX_IGNORED_FAILURES] ?? 0)

function withIndexVariable(container: Container): Container {
  const name = 'JOB_COMPLETION_INDEX'
  if (container.env?.some((variable) => variable.name === name)) return container
  const variable: EnvVar = { name, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.labels['${INDEX}']` } } }
  return { ...container, env: [...container.env ?? [], variable] }
}

/** When the pod came to its end. k8s: getFinishedTime */
function finishedMs(pod: Pod): number {
  const statuses = pod.status?.containerStatuses ?? []
  const ends = statuses.map((status) => timeMs(status.state?.terminated?.finishedAt))
  if (ends.length > 0 && ends.every((end) => end > 0)) return Math.max(...ends)
  const ready = findCondition(pod.status?.conditions, 'Ready')
  if (ready?.status === 'False' && ready.lastTransitionTime) return timeMs(ready.lastTransitionTime)
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata
  return deletionTimestamp ? timeMs(deletionTimestamp) - deletionGracePeriodSeconds * 1000 : timeMs(creationTimestamp)
}

/** Failures since the last success. k8s: newBackoffRecord */
function nextBackoff(known: Backoff | undefined, succeeded: readonly Pod[], failed: readonly Pod[]): Backoff {
  const old = known ?? { failures: 0, lastFailureMs: 0 }
  const failures = failed.map(finishedMs).sort((a, b) => a - b)
  if (succeeded.length === 0) return failures.length === 0 ? old : { failures: old.failures + failures.length, lastFailureMs: failures.at(-1)! }
  const lastSuccessMs = Math.max(...succeeded.map(finishedMs))
  const later = failures.filter((ms) => ms > lastSuccessMs)
  return { failures: later.length, lastFailureMs: later.at(-1) ?? 0 }
}

function remainingBackoffMs({ failures, lastFailureMs }: Backoff, nowMs: number): number {
  if (failures === 0) return 0
  return Math.max(0, lastFailureMs + Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS) - nowMs)
}

async function removeFinalizer(pod: Pod, { api }: Pick<ControllerContext, 'api'>): Promise<void> {
  const finalizers = (pod.metadata.finalizers ?? []).filter((name) => name !== TRACKING_FINALIZER)
  try {
    await api.patch('pods', pod.metadata.name!, pod.metadata.namespace, 'application/strategic-merge-patch+json', {
      metadata: { uid: pod.metadata.uid, '$deleteFromPrimitiveList/finalizers': [TRACKING_FINALIZER], ...(finalizers.length > 0 ? { '$setElementOrder/finalizers': finalizers } : {}) },
    })
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
}
