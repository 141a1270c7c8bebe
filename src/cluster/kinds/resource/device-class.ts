import { defineKind } from '../define-kind.ts'
import type { DeviceClass } from '../generated/types.ts'
import { countedGeneration } from '../strategies.ts'

export const deviceClass = defineKind<DeviceClass>({
  group: 'resource.k8s.io', version: 'v1', resource: 'deviceclasses',
  strategy: countedGeneration<DeviceClass>('spec'),
})
