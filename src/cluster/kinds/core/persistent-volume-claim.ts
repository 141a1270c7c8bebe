import { defineKind } from '../define-kind.ts'
import type { PersistentVolumeClaim } from '../generated/types.ts'

export const persistentVolumeClaim = defineKind<PersistentVolumeClaim>({ group: '', version: 'v1', resource: 'persistentvolumeclaims' })
