import { defineKind } from '../define-kind.ts'
import type { VolumeAttributesClass } from '../generated/types.ts'
import { validateVolumeAttributesClass, validateVolumeAttributesClassUpdate } from './validate-storage.ts'

export const volumeAttributesClass = defineKind<VolumeAttributesClass>({
  group: 'storage.k8s.io', version: 'v1', resource: 'volumeattributesclasses',
  validate: validateVolumeAttributesClass,
  validateUpdate: validateVolumeAttributesClassUpdate,
  cells: { DriverName: (object) => object.driverName },
})
