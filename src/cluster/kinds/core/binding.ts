import { defineKind } from '../define-kind.ts'
import type { Binding } from '../generated/types.ts'

export const binding = defineKind<Binding>({ group: '', version: 'v1', resource: 'bindings' })
