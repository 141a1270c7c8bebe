import { defineKind } from '../define-kind.ts'
import type { DaemonSet } from '../generated/types.ts'

export const daemonSet = defineKind<DaemonSet>({ group: 'apps', version: 'v1', resource: 'daemonsets' })
