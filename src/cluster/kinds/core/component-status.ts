import { defineKind } from '../define-kind.ts'
import type { ComponentStatus } from '../generated/types.ts'

const healthy = (object: Readonly<ComponentStatus>) => object.conditions?.find((condition) => condition.type === 'Healthy')

export const componentStatus = defineKind<ComponentStatus>({
  group: '', version: 'v1', resource: 'componentstatuses',
  deprecationWarning: 'v1 ComponentStatus is deprecated in v1.19+',
  cells: {
    Status: (object) => (!healthy(object) ? 'Unknown' : healthy(object)!.status === 'True' ? 'Healthy' : 'Unhealthy'),
    Message: (object) => healthy(object)?.message ?? '',
    Error: (object) => healthy(object)?.error ?? '',
  },
})
