import { defineKind } from '../define-kind.ts'
import type { LimitRange } from '../generated/types.ts'

export const limitRange = defineKind<LimitRange>({ group: '', version: 'v1', resource: 'limitranges' })
