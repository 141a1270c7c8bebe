import { defineKind } from '../define-kind.ts'
import type { ResourceQuota } from '../generated/types.ts'

export const resourceQuota = defineKind<ResourceQuota>({ group: '', version: 'v1', resource: 'resourcequotas' })
