import { defineKind } from '../define-kind.ts'
import type { RuntimeClass } from '../generated/types.ts'

export const runtimeClass = defineKind<RuntimeClass>({ group: 'node.k8s.io', version: 'v1', resource: 'runtimeclasses' })
