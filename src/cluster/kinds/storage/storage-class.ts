import { defineKind } from '../define-kind.ts'
import type { StorageClass } from '../generated/types.ts'

export const storageClass = defineKind<StorageClass>({ group: 'storage.k8s.io', version: 'v1', resource: 'storageclasses' })
