/** Rules for what a job's controller, of whatever make, tells of it. k8s: pkg/apis/batch/validation ValidateJobStatusUpdate, pkg/registry/batch/job getStatusValidationOptions */
import { deepEqual } from '../../../base/freeze.ts'
import { checkNotNegative } from '../checks.ts'
import { duplicate, invalid, required, type Finding } from '../findings.ts'
import type { Job, JobStatus } from '../generated/types.ts'
import { countIndexes, invalidWithoutValue } from './validate-job.ts'

const CONDITIONS = 'status.conditions'

export const hasCondition = (status: Readonly<JobStatus> | undefined, type: string, value = 'True') =>
  status?.conditions?.some((condition) => condition.type === type && condition.status === value) ?? false

/** Most rules hold only for what changed, so that a status that was let through before can still be written. */
export function validateJobStatusUpdate(job: Readonly<Job>, old: Readonly<Job>): Finding[] {
  const out: Finding[] = []
  const status = job.status ?? {}
  const before = old.status ?? {}
  checkCounts(out, status)
  checkEnd(out, job, status, before)
  checkIndexes(out, job, status, before)
  const changed = (field: keyof JobStatus) => !deepEqual(status[field] ?? null, before[field] ?? null)
  const ended = isFinished(status)
  const endChanged = ended !== isFinished(before)
  if ((endChanged || changed('terminating')) && ended && (status.terminating ?? 0) > 0) out.push(invalid('status.terminating', status.terminating, 'terminating>0 is invalid for finished job'))
  if ((changed('ready') || changed('active')) && status.ready !== undefined && status.ready > (status.active ?? 0)) out.push(invalid('status.ready', status.ready, 'cannot set more ready pods than active'))
  if (hasCondition(status, 'SuccessCriteriaMet')) {
    for (const [type, shown] of [['Failed', 'Failed=true'], ['FailureTarget', 'FailureTarget=true']] as const) {
      if (hasCondition(status, type)) out.push(invalidWithoutValue(CONDITIONS, `cannot set SuccessCriteriaMet=True and ${shown} conditions`))
    }
  } else if (job.spec.successPolicy && hasCondition(status, 'Complete')) out.push(invalidWithoutValue(CONDITIONS, 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True'))
  checkHistory(out, job, status, before)
  return out
}

const isFinished = (status: Readonly<JobStatus>) => hasCondition(status, 'Complete') || hasCondition(status, 'Failed')

function checkCounts(out: Finding[], status: Readonly<JobStatus>): void {
  for (const field of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const) checkNotNegative(out, status[field], `status.${field}`)
  const seen = new Set<string>()
  for (const field of ['succeeded', 'failed'] as const) {
    ;(status.uncountedTerminatedPods?.[field] ?? []).forEach((uid, i) => {
      const at = `status.uncountedTerminatedPods.${field}[${i}]`
      if (uid === '') out.push(invalid(at, uid, 'must not be empty'))
      else if (seen.has(uid)) out.push(duplicate(at, uid))
      seen.add(uid)
    })
  }
}

/** What has to come together with the end of a job. */
function checkEnd(out: Finding[], { spec }: Readonly<Job>, status: Readonly<JobStatus>, before: Readonly<JobStatus>): void {
  const complete = hasCondition(status, 'Complete')
  const failed = hasCondition(status, 'Failed')
  const ended = complete || failed
  const turned = (type: string) => hasCondition(status, type) !== hasCondition(before, type)
  const changed = (field: keyof JobStatus) => !deepEqual(status[field] ?? null, before[field] ?? null)
  const endChanged = ended !== isFinished(before)
  if ((turned('Complete') || turned('Failed')) && complete && failed) out.push(invalidWithoutValue(CONDITIONS, 'cannot set Complete=True and Failed=true conditions'))
  if ((turned('Complete') || turned('FailureTarget')) && complete && hasCondition(status, 'FailureTarget')) out.push(invalidWithoutValue(CONDITIONS, 'cannot set Complete=True and FailureTarget=true conditions'))
  if (turned('Complete') || changed('completionTime')) {
    if (status.completionTime && !complete) out.push(invalid('status.completionTime', status.completionTime, 'cannot set completionTime when there is no Complete=True condition'))
    if (!status.completionTime && complete) out.push(required('status.completionTime', 'completionTime is required for Complete jobs'))
  }
  if ((changed('startTime') || changed('completionTime')) && status.startTime && status.completionTime && Date.parse(status.completionTime) < Date.parse(status.startTime)) {
    out.push(invalid('status.completionTime', status.completionTime, 'must be equal to or after `startTime`'))
  }
  if ((turned('Failed') || changed('failedIndexes')) && failed && !hasCondition(status, 'FailureTarget')) out.push(invalidWithoutValue(CONDITIONS, 'cannot set Failed=True condition without the FailureTarget=true condition'))
  if ((turned('Complete') || turned('SuccessCriteriaMet')) && complete && !hasCondition(status, 'SuccessCriteriaMet')) out.push(invalidWithoutValue(CONDITIONS, 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition'))
  if (!ended) return
  if ((endChanged || changed('active')) && (status.active ?? 0) > 0) out.push(invalid('status.active', status.active, 'active>0 is invalid for finished job'))
  if ((endChanged || changed('startTime')) && !status.startTime && !(spec.suspend && spec.completions === 0)) out.push(required('status.startTime', 'startTime is required for finished job'))
  const { uncountedTerminatedPods: uncounted } = status
  if ((endChanged || changed('uncountedTerminatedPods')) && (uncounted?.failed?.length || uncounted?.succeeded?.length)) {
    out.push(invalid('status.uncountedTerminatedPods', { Succeeded: uncounted.succeeded ?? null, Failed: uncounted.failed ?? null }, 'must be empty for finished job'))
  }
}

function checkIndexes(out: Finding[], { spec }: Readonly<Job>, status: Readonly<JobStatus>, before: Readonly<JobStatus>): void {
  const completed = status.completedIndexes ?? ''
  const { failedIndexes } = status
  const completedChanged = completed !== (before.completedIndexes ?? '')
  const failedChanged = failedIndexes !== before.failedIndexes
  const problem = (field: 'completedIndexes' | 'failedIndexes', text: string) => {
    const found = countIndexes(text, spec.completions ?? 0)
    if (typeof found === 'string') out.push(invalid(`status.${field}`, text, `error parsing ${field}: ${found}`))
  }
  if (completedChanged && spec.completions !== undefined) problem('completedIndexes', completed)
  if (failedChanged && spec.completions !== undefined && spec.backoffLimitPerIndex !== undefined && failedIndexes !== undefined) problem('failedIndexes', failedIndexes)
  if (completedChanged && completed !== '' && spec.completionMode !== 'Indexed') out.push(invalid('status.completedIndexes', completed, 'cannot set non-empty completedIndexes when non-indexed completion mode'))
  if (failedChanged && spec.backoffLimitPerIndex === undefined && failedIndexes !== undefined) out.push(invalid('status.failedIndexes', failedIndexes, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'))
}

/** What can't be taken back. */
function checkHistory(out: Finding[], { spec }: Readonly<Job>, status: Readonly<JobStatus>, before: Readonly<JobStatus>): void {
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    if (hasCondition(before, type) && !hasCondition(status, type)) out.push(invalidWithoutValue(CONDITIONS, `cannot disable the terminal ${type}=True condition`))
  }
  if ((status.failed ?? 0) < (before.failed ?? 0)) out.push(invalid('status.failed', status.failed ?? 0, 'cannot decrease the failed counter'))
  const scalable = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism
  if (!scalable && (status.succeeded ?? 0) < (before.succeeded ?? 0)) out.push(invalid('status.succeeded', status.succeeded ?? 0, 'cannot decrease the succeeded counter'))
  if (status.completionTime && before.completionTime && status.completionTime !== before.completionTime) out.push(invalid('status.completionTime', status.completionTime, 'field is immutable'))
  const resuming = hasCondition(before, 'Suspended') && hasCondition(status, 'Suspended', 'False')
  if (!resuming && before.startTime && status.startTime !== before.startTime && !spec.suspend) out.push(invalid('status.startTime', status.startTime ?? null, 'field is immutable for unsuspended job once set'))
  const met = hasCondition(status, 'SuccessCriteriaMet')
  const wasMet = hasCondition(before, 'SuccessCriteriaMet')
  if (wasMet && !met) out.push(invalidWithoutValue(CONDITIONS, 'cannot disable the SuccessCriteriaMet=True condition'))
  if (hasCondition(before, 'Complete') && !wasMet && met) out.push(invalidWithoutValue(CONDITIONS, 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'))
}
