import { defineKind } from '../define-kind.ts'
import type { DeviceClass } from '../generated/types.ts'
import type { Kind } from '../kind.ts'
import { declaredLongName } from '../names.ts'
import { countedGeneration } from '../strategies.ts'
import { validateKindMetaUpdate, validateObjectMeta } from '../validate-metadata.ts'
import { validateDeviceClass } from './validate-devices.ts'

export const deviceClass: Kind<DeviceClass> = defineKind<DeviceClass>({
  group: 'resource.k8s.io', version: 'v1', resource: 'deviceclasses', nameRule: declaredLongName,
  validate: validateDeviceClass,
  updatesWithoutMeta: true,
  validateUpdate: (object, old) => [...validateObjectMeta(deviceClass, object.metadata), ...validateKindMetaUpdate(deviceClass, object.metadata, old.metadata), ...validateDeviceClass(object)],
  strategy: countedGeneration<DeviceClass>('spec'),
})
