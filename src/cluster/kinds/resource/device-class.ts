import { defineKind } from '../define-kind.ts'
import type { DeviceClass } from '../generated/types.ts'

export const deviceClass = defineKind<DeviceClass>({ group: 'resource.k8s.io', version: 'v1', resource: 'deviceclasses' })
