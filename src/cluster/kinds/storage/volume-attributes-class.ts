import { defineKind } from '../define-kind.ts'
import type { VolumeAttributesClass } from '../generated/types.ts'

export const volumeAttributesClass = defineKind<VolumeAttributesClass>({
  group: 'storage.k8s.io', version: 'v1', resource: 'volumeattributesclasses',
  cells: { DriverName: (object) => object.driverName },
})
