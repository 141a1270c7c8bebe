import { defineKind } from '../define-kind.ts'
import type { Job } from '../generated/types.ts'

export const job = defineKind<Job>({ group: 'batch', version: 'v1', resource: 'jobs' })
