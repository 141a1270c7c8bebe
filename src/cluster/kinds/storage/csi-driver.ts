import { defineKind } from '../define-kind.ts'
import type { CSIDriver } from '../generated/types.ts'

export const csiDriver = defineKind<CSIDriver>({ group: 'storage.k8s.io', version: 'v1', resource: 'csidrivers' })
