import { defineKind } from '../define-kind.ts'
import type { StatefulSet } from '../generated/types.ts'

export const statefulSet = defineKind<StatefulSet>({ group: 'apps', version: 'v1', resource: 'statefulsets' })
