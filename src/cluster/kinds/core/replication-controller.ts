import { defineKind } from '../define-kind.ts'
import type { ReplicationController } from '../generated/types.ts'

export const replicationController = defineKind<ReplicationController>({ group: '', version: 'v1', resource: 'replicationcontrollers' })
