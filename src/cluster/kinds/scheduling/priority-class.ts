import { defineKind } from '../define-kind.ts'
import type { PriorityClass } from '../generated/types.ts'

export const priorityClass = defineKind<PriorityClass>({ group: 'scheduling.k8s.io', version: 'v1', resource: 'priorityclasses' })
