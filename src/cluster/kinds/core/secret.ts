import { defineKind } from '../define-kind.ts'
import type { Secret } from '../generated/types.ts'

export const secret = defineKind<Secret>({ group: '', version: 'v1', resource: 'secrets' })
