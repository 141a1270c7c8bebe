import { defineKind } from '../define-kind.ts'
import type { CSIStorageCapacity } from '../generated/types.ts'
import { validateCsiStorageCapacity, validateCsiStorageCapacityUpdate } from './validate-storage.ts'

export const csiStorageCapacity = defineKind<CSIStorageCapacity>({
  group: 'storage.k8s.io', version: 'v1', resource: 'csistoragecapacities',
  validate: validateCsiStorageCapacity,
  validateUpdate: (object, old) => [...validateCsiStorageCapacity(object), ...validateCsiStorageCapacityUpdate(object, old)],
  strategy: { allowUnconditionalUpdate: false },
})
