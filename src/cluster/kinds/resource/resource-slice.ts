import { defineKind } from '../define-kind.ts'
import type { ResourceSlice } from '../generated/types.ts'
import { countedGeneration } from '../strategies.ts'

export const resourceSlice = defineKind<ResourceSlice>({
  group: 'resource.k8s.io', version: 'v1', resource: 'resourceslices',
  strategy: countedGeneration<ResourceSlice>('spec'),
  cells: { Node: ({ spec }) => spec.nodeName ?? '', Driver: ({ spec }) => spec.driver, Pool: ({ spec }) => spec.pool?.name ?? '' },
  selectableFields: ({ spec }) => ({ 'spec.nodeName': spec.nodeName ?? '', 'spec.driver': spec.driver ?? '' }),
})
