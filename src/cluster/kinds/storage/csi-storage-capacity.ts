import { defineKind } from '../define-kind.ts'
import type { CSIStorageCapacity } from '../generated/types.ts'

export const csiStorageCapacity = defineKind<CSIStorageCapacity>({
  group: 'storage.k8s.io', version: 'v1', resource: 'csistoragecapacities',
  strategy: { allowUnconditionalUpdate: false },
})
