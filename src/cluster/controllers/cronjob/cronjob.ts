import { rfc3339 } from '../../../base/clock.ts'
import { deepEqual } from '../../../base/freeze.ts'
import type { Controller, ControllerContext, ReconcileResult } from '../../client/controller-runner.ts'
import { keyOf, type Change } from '../../client/informers.ts'
import { controllerReference, type ObjectReference } from '../../client/owner-references.ts'
import type { CronJob, CronJobStatus, Job } from '../../kinds/generated/types.ts'
import { isTimeZone, parseCron, type CronSchedule } from '../../kinds/batch/cron-schedule.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { compact } from '../compact.ts'
import { isNamespaceTerminating, messageOf } from '../pod-control.ts'
import { timeMs } from '../pods.ts'
import { nextRun, rfc3339In } from './next-run.ts'

const SCHEDULED_AT = 'batch.kubernetes.io/cronjob-scheduled-timestamp'
const MANY_MISSED = 100
/** Upstream looks a little after the minute, so that it is not too early. k8s: nextScheduleDelta */
const DELTA_MS = 100

/** A schedule such as February 30 fires never, which upstream's arithmetic takes for always the same moment. */
const NEVER = 'time difference between two schedules is less than 1 second'

interface MostRecent {
  /** The latest moment up to now at which a job was due. */
  dueMs: number | undefined
  /** From where on runs count. */
  earliestMs: number
  missed: number
}

/** @throws Error for a schedule that never fires. k8s: mostRecentScheduleTime */
function mostRecentRun({ metadata, spec, status }: Readonly<CronJob>, schedule: CronSchedule, nowMs: number, withDeadline = true): MostRecent {
  let earliestMs = timeMs(status?.lastScheduleTime ?? metadata.creationTimestamp)
  if (withDeadline && spec!.startingDeadlineSeconds !== undefined) earliestMs = Math.max(earliestMs, nowMs - spec!.startingDeadlineSeconds * 1000)
  const zone = spec!.timeZone ?? ''
  const first = nextRun(schedule, earliestMs, zone)
  if (first === undefined) throw new Error(NEVER)
  if (nowMs < first) return { dueMs: undefined, earliestMs, missed: 0 }
  const second = nextRun(schedule, first, zone)
  if (second === undefined) throw new Error(NEVER)
  if (nowMs < second) return { dueMs: first, earliestMs, missed: 0 }
  const betweenMs = Math.round((second - first) / 1000) * 1000
  if (betweenMs < 1000) throw new Error(NEVER)
  const missed = Math.floor((nowMs - first) / betweenMs) + 1
  let dueMs: number | undefined
  for (let t = nextRun(schedule, first + (missed - 2) * betweenMs, zone); t !== undefined && t <= nowMs; t = nextRun(schedule, t, zone)) dueMs = t
  return { dueMs, earliestMs, missed }
}

/** How long until the next run; undefined for never. k8s: nextScheduleTimeDuration */
function nextDelayMs(cronJob: Readonly<CronJob>, schedule: CronSchedule, nowMs: number): number | undefined {
  let fromMs = nowMs
  try {
    const { dueMs, earliestMs, missed } = mostRecentRun(cronJob, schedule, nowMs, false)
    fromMs = dueMs ?? (missed === 0 ? earliestMs : nowMs)
  } catch {
    // Whatever is wrong with it: the next one from now.
  }
  const next = nextRun(schedule, fromMs, cronJob.spec!.timeZone ?? '')
  return next === undefined ? undefined : next - nowMs + DELTA_MS
}

/** Creates Jobs by the clock. k8s: pkg/controller/cronjob */
export const cronJobController: Controller = {
  name: 'cronjob-controller', for: 'cronjobs.batch', owns: ['jobs.batch'],
  // Another schedule waits for its next moment: what it would have missed so far is none of its business. k8s: updateCronJob
  wants: (change) => !isRescheduled(change),
  watches: [{
    resource: 'cronjobs.batch',
    keys: (change: Change<CronJob>, { clock, enqueue, events }) => {
      if (!isRescheduled(change)) return []
      const { object } = change
      try {
        const delayMs = nextDelayMs(object, parseCron(object.spec!.schedule), clock.nowMs())
        if (delayMs !== undefined) enqueue(keyOf(object), delayMs)
      } catch {
        events.event(object, 'Warning', 'UnParseableCronJobSchedule', `unparseable schedule for cronjob: ${object.spec!.schedule}`)
      }
      return []
    },
  }],
  async reconcile(key, context) {
    const cronJob = context.cache.get<CronJob>('cronjobs.batch', key)
    if (!cronJob) return
    return sync(cronJob, context)
  },
}

function isRescheduled({ type, object, old }: Change<any>): boolean {
  return type === 'update' && (old.spec.schedule !== object.spec.schedule || old.spec.timeZone !== object.spec.timeZone)
}

async function sync(cronJob: CronJob, context: ControllerContext): Promise<ReconcileResult | void> {
  const { api, cache, clock, events } = context
  const { namespace, name } = cronJob.metadata
  const spec = cronJob.spec!
  const nowMs = clock.nowMs()
  const jobs = cache.ownedBy<Job>(cronJob, 'jobs.batch')
  let active: ObjectReference[] = [...cronJob.status?.active ?? []]
  let { lastScheduleTime, lastSuccessfulTime } = cronJob.status ?? {}
  const write = async () => {
    const status: CronJobStatus = compact({ active: active.length > 0 ? active : undefined, lastScheduleTime, lastSuccessfulTime })
    if (!deepEqual(status, cronJob.status)) await api.updateStatus('cronjobs.batch', { ...cronJob, status })
  }

  // Jobs beyond the history go first, also those whose end nobody has seen yet. k8s: cleanupFinishedJobs
  const gone = await dropHistory(cronJob, jobs, context)
  active = active.filter(({ uid }) => !gone.has(uid!))
  for (const job of jobs) {
    const known = active.some(({ uid }) => uid === job.metadata.uid)
    const end = finishedAs(job)
    if (!end) {
      if (!known) events.event(cronJob, 'Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${job.metadata.name}`)
      continue
    }
    if (known) {
      active = active.filter(({ uid }) => uid !== job.metadata.uid)
      events.event(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${job.metadata.name}, condition: ${end}`)
    }
    const completed = job.status?.completionTime
    if (end === 'Complete' && completed && (!lastSuccessfulTime || timeMs(completed) > timeMs(lastSuccessfulTime))) lastSuccessfulTime = completed
  }
  for (const reference of [...active]) {
    if (jobs.some((job) => job.metadata.uid === reference.uid)) continue
    const found = await api.get<Job>('jobs.batch', reference.name!, reference.namespace).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error; return undefined })
    if (found) continue
    events.event(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${reference.name}`)
    active = active.filter(({ uid }) => uid !== reference.uid)
  }
  try {
    return await start()
  } finally {
    await write()
  }

  async function start(): Promise<ReconcileResult | void> {
    if (cronJob.metadata.deletionTimestamp !== undefined) return
    if (spec.timeZone !== undefined && !isTimeZone(spec.timeZone)) {
      events.event(cronJob, 'Warning', 'UnknownTimeZone', `invalid timeZone: "${spec.timeZone}": unknown time zone ${spec.timeZone}`)
      return
    }
    if (spec.suspend) return
    let schedule: CronSchedule
    try {
      schedule = parseCron(spec.schedule)
    } catch (error) {
      events.event(cronJob, 'Warning', 'UnparseableSchedule', `unparseable schedule: "${spec.schedule}" : ${messageOf(error)}`)
      return
    }
    if (spec.schedule.includes('TZ')) events.event(cronJob, 'Warning', 'UnsupportedSchedule', `CRON_TZ or TZ used in schedule "${spec.schedule}" is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details`)
    const again = (): ReconcileResult | void => {
      const delayMs = nextDelayMs(lastScheduleTime === undefined ? cronJob : { ...cronJob, status: { ...cronJob.status, lastScheduleTime } }, schedule, nowMs)
      return delayMs === undefined ? undefined : { requeueAfterMs: delayMs }
    }
    let dueMs: number | undefined
    let missed: number
    try {
      ;({ dueMs, missed } = mostRecentRun(cronJob, schedule, nowMs))
    } catch (error) {
      events.event(cronJob, 'Warning', 'InvalidSchedule', `invalid schedule: ${spec.schedule} : ${messageOf(error)}`)
      return
    }
    if (dueMs !== undefined && missed > MANY_MISSED)
      events.event(cronJob, 'Warning', 'TooManyMissedTimes', 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew')
    if (dueMs === undefined) return again()
    if (spec.startingDeadlineSeconds !== undefined && dueMs + spec.startingDeadlineSeconds * 1000 < nowMs) {
      events.event(cronJob, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${new Date(dueMs).toUTCString().replace('GMT', '+0000')}`)
      return again()
    }
    const jobName = `${name}-${Math.floor(dueMs / 60_000)}`
    if (active.some((reference) => reference.name === jobName) || timeMs(lastScheduleTime) === dueMs) return again()
    if (spec.concurrencyPolicy === 'Forbid' && active.length > 0) {
      events.event(cronJob, 'Normal', 'JobAlreadyActive', 'Not starting job because prior execution is running and concurrency policy is Forbid')
      return again()
    }
    if (spec.concurrencyPolicy === 'Replace') for (const reference of [...active]) {
      await api.get('jobs.batch', reference.name!, reference.namespace).catch((error: unknown) => {
        events.event(cronJob, 'Warning', 'FailedGet', `Get job: ${messageOf(error)}`)
        throw error
      })
      if (!(await deleteJob(reference.name!, cronJob, context))) throw new Error(`could not replace job ${namespace}/${reference.name}`)
      active = active.filter(({ uid }) => uid !== reference.uid)
    }
    const { labels, annotations } = spec.jobTemplate.metadata ?? {}
    let job: Job
    try {
      job = await api.create<Job>('jobs.batch', {
        apiVersion: 'batch/v1', kind: 'Job',
        metadata: {
          name: jobName, namespace: namespace!, ...(labels ? { labels } : {}), annotations: { ...annotations, [SCHEDULED_AT]: rfc3339In(dueMs, spec.timeZone ?? '') },
          ownerReferences: [controllerReference(cronJob)],
        },
        spec: spec.jobTemplate.spec,
      } as unknown as Job)
      events.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`)
    } catch (error) {
      if (isStatusError(error, 'AlreadyExists')) {
        job = await api.get<Job>('jobs.batch', jobName, namespace)
        if (!job.metadata.ownerReferences?.some((owner) => owner.uid === cronJob.metadata.uid) || active.some(({ uid }) => uid === job.metadata.uid)) return
      } else {
        if (!isNamespaceTerminating(error)) events.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`)
        throw error
      }
    }
    active.push({ kind: 'Job', namespace: namespace!, name: job.metadata.name!, uid: job.metadata.uid!, apiVersion: 'batch/v1', resourceVersion: job.metadata.resourceVersion! })
    lastScheduleTime = rfc3339(dueMs)
    return again()
  }
}

function finishedAs(job: Job): string | undefined {
  return job.status?.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True')?.type
}

/** The uids of those that were deleted. k8s: cleanupFinishedJobs */
async function dropHistory(cronJob: CronJob, jobs: readonly Job[], context: ControllerContext): Promise<Set<string>> {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec!
  const gone = new Set<string>()
  const startMs = (job: Job) => job.status?.startTime ? timeMs(job.status.startTime) : Infinity
  for (const [type, limit] of [['Complete', successfulJobsHistoryLimit], ['Failed', failedJobsHistoryLimit]] as const) {
    if (limit === undefined) continue
    const ended = jobs.filter((job) => finishedAs(job) === type)
    if (ended.length <= limit) continue
    ended.sort((a, b) => startMs(a) === startMs(b) ? a.metadata.name! < b.metadata.name! ? -1 : 1 : startMs(a) - startMs(b))
    for (const job of ended.slice(0, ended.length - limit)) if (await deleteJob(job.metadata.name!, cronJob, context)) gone.add(job.metadata.uid!)
  }
  return gone
}

async function deleteJob(name: string, cronJob: CronJob, { api, events }: ControllerContext): Promise<boolean> {
  try {
    await api.delete('jobs.batch', name, cronJob.metadata.namespace, { propagationPolicy: 'Background' })
    events.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`)
    return true
  } catch (error) {
    events.event(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${messageOf(error)}`)
    return false
  }
}
