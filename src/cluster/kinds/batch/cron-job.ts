import { defineKind } from '../define-kind.ts'
import type { CronJob } from '../generated/types.ts'

export const cronJob = defineKind<CronJob>({ group: 'batch', version: 'v1', resource: 'cronjobs' })
