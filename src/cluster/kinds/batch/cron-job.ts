import { timeSince } from '../age.ts'
import { selectorCell, templateCells } from '../cells.ts'
import { defineKind } from '../define-kind.ts'
import type { CronJob } from '../generated/types.ts'
import { specAndStatus } from '../strategies.ts'
import { defaultJobSpec } from './job.ts'

export const cronJob = defineKind<CronJob>({
  group: 'batch', version: 'v1', resource: 'cronjobs',
  defaults({ spec }) {
    spec.concurrencyPolicy ??= 'Allow'
    spec.suspend ??= false
    spec.successfulJobsHistoryLimit ??= 3
    spec.failedJobsHistoryLimit ??= 1
    if (spec.jobTemplate?.spec) defaultJobSpec(spec.jobTemplate.spec)
  },
  strategy: specAndStatus<CronJob>('io.k8s.api.batch.v1.CronJobStatus'),
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
