import { defineKind } from '../define-kind.ts'
import type { ReplicaSet } from '../generated/types.ts'

export const replicaSet = defineKind<ReplicaSet>({ group: 'apps', version: 'v1', resource: 'replicasets' })
