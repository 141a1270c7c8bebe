import { defineKind } from '../define-kind.ts'
import type { Namespace } from '../generated/types.ts'

export const namespace = defineKind<Namespace>({ group: '', version: 'v1', resource: 'namespaces' })
