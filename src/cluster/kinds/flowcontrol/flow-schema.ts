import { defineKind } from '../define-kind.ts'
import type { FlowSchema } from '../generated/types.ts'

export const flowSchema = defineKind<FlowSchema>({ group: 'flowcontrol.apiserver.k8s.io', version: 'v1', resource: 'flowschemas' })
