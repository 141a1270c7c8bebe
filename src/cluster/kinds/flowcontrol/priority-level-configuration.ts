import { defineKind } from '../define-kind.ts'
import type { PriorityLevelConfiguration } from '../generated/types.ts'

export const priorityLevelConfiguration = defineKind<PriorityLevelConfiguration>({ group: 'flowcontrol.apiserver.k8s.io', version: 'v1', resource: 'prioritylevelconfigurations' })
