import { defineKind } from '../define-kind.ts'
import type { Service } from '../generated/types.ts'

export const service = defineKind<Service>({ group: '', version: 'v1', resource: 'services' })
