import { timeSince } from '../age.ts'
import { selectorCell, templateCells } from '../cells.ts'
import { checkNotNegative, checkOneOf } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { invalid, notSupported, required, type Finding } from '../findings.ts'
import type { CronJob } from '../generated/types.ts'
import { specAndStatus } from '../strategies.ts'
import { byteLength } from '../names.ts'
import { isTimeZone, parseCron } from './cron-schedule.ts'
import { defaultJobSpec } from './job.ts'
import { validateJobTemplate } from './validate-job.ts'
import { templateWarnings } from '../core/pod-warnings.ts'

export const cronJob = defineKind<CronJob>({
  group: 'batch', version: 'v1', resource: 'cronjobs',
  defaults({ spec }) {
    spec.concurrencyPolicy ??= 'Allow'
    spec.suspend ??= false
    spec.successfulJobsHistoryLimit ??= 3
    spec.failedJobsHistoryLimit ??= 1
    if (spec.jobTemplate?.spec) defaultJobSpec(spec.jobTemplate.spec)
  },
  validate(object) {
    const out = validateCronJob(object)
    if (byteLength(object.metadata.name ?? '') > 52) out.push(invalid('metadata.name', object.metadata.name, 'must be no more than 52 characters'))
    return out
  },
  validateUpdate: validateCronJob,
  strategy: {
    ...specAndStatus<CronJob>('io.k8s.api.batch.v1.CronJobStatus'),
    ...templateWarnings<CronJob>((object) => object.spec.jobTemplate?.spec?.template, 'spec.jobTemplate.spec.template'),
  },
  cells: {
    Schedule: ({ spec }) => spec.schedule,
    Timezone: ({ spec }) => spec.timeZone ?? '<none>',
    Suspend: ({ spec }) => (spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False'),
    Active: ({ status }) => status?.active?.length ?? 0,
    'Last Schedule': ({ status }, nowMs) => (status?.lastScheduleTime ? timeSince(status.lastScheduleTime, nowMs) : '<none>'),
    ...templateCells<CronJob>((object) => object.spec.jobTemplate?.spec?.template),
    ...selectorCell<CronJob>((object) => object.spec.jobTemplate?.spec?.selector),
  },
})

/** k8s: validateCronJobSpec */
function validateCronJob({ spec }: Readonly<CronJob>, old?: Readonly<CronJob>): Finding[] {
  const out: Finding[] = []
  if (!spec.schedule) out.push(required('spec.schedule'))
  else {
    const zoneAllowed = old?.spec.schedule.includes('TZ') ?? false
    try {
      parseCron(spec.schedule)
    } catch (error) {
      out.push(invalid('spec.schedule', spec.schedule, (error as Error).message))
    }
    if (spec.schedule.includes('TZ')) {
      if (!zoneAllowed) out.push(invalid('spec.schedule', spec.schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'))
      else if (spec.timeZone !== undefined) out.push(invalid('spec.schedule', spec.schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'))
    }
  }
  checkNotNegative(out, spec.startingDeadlineSeconds, 'spec.startingDeadlineSeconds')
  if (spec.timeZone !== old?.spec.timeZone) checkTimeZone(out, spec.timeZone, 'spec.timeZone')
  checkOneOf(out, spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'], 'spec.concurrencyPolicy')
  const jobSpec = spec.jobTemplate?.spec
  if (jobSpec) validateJobTemplate(out, jobSpec, 'spec.jobTemplate.spec')
  if (jobSpec?.selector) out.push(invalid('spec.jobTemplate.spec.selector', jobSpec.selector, '`selector` will be auto-generated'))
  if (jobSpec?.manualSelector) out.push(notSupported('spec.jobTemplate.spec.manualSelector', true, ['nil', 'false']))
  checkNotNegative(out, spec.successfulJobsHistoryLimit, 'spec.successfulJobsHistoryLimit')
  checkNotNegative(out, spec.failedJobsHistoryLimit, 'spec.failedJobsHistoryLimit')
  return out
}

function checkTimeZone(out: Finding[], zone: string | undefined, at: string): void {
  if (zone === undefined) return
  if (zone === '') {
    out.push(invalid(at, zone, 'timeZone must be nil or non-empty string'))
    return
  }
  for (const part of zone.split('/')) {
    if (part === '.' || part === '..' || part.startsWith('-') || !/^[A-Za-z.\-_0-9+]{1,14}$/.test(part)) {
      out.push(invalid(at, zone, `unknown time zone ${zone}`))
      return
    }
  }
  if (zone.toLowerCase() === 'local') out.push(invalid(at, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'))
  if (!isTimeZone(zone)) out.push(invalid(at, zone, zone.includes('..') ? 'time: invalid location name' : `unknown time zone ${zone}`))
}
