import { defineKind } from '../define-kind.ts'
import type { PersistentVolume } from '../generated/types.ts'

export const persistentVolume = defineKind<PersistentVolume>({ group: '', version: 'v1', resource: 'persistentvolumes' })
