import { rfc3339 } from '../../../base/clock.ts'
import { defineKind } from '../define-kind.ts'
import type { ResourceSlice } from '../generated/types.ts'
import { countedGeneration } from '../strategies.ts'
import { validateSlice } from './validate-slice.ts'

const generation = countedGeneration<ResourceSlice>('spec')

export const resourceSlice = defineKind<ResourceSlice>({
  group: 'resource.k8s.io', version: 'v1', resource: 'resourceslices',
  validate: (object) => validateSlice(object),
  validateUpdate: validateSlice,
  strategy: {
    warningsOnCreate: driverWarnings,
    warningsOnUpdate: driverWarnings,
    beforeCreate(draft, context) {
      generation.beforeCreate(draft, context)
      dropListAttributes(draft)
      stampTaints(draft, context.nowMs)
    },
    beforeUpdate(draft, old, context) {
      generation.beforeUpdate(draft, old, context)
      dropListAttributes(draft)
      stampTaints(draft, context.nowMs)
    },
  },
  cells: { Node: ({ spec }) => spec.nodeName ?? '', Driver: ({ spec }) => spec.driver, Pool: ({ spec }) => spec.pool?.name ?? '' },
  selectableFields: ({ spec }) => ({ 'spec.nodeName': spec.nodeName ?? '', 'spec.driver': spec.driver ?? '' }),
})

function driverWarnings({ spec: { driver } }: Readonly<ResourceSlice>): string[] {
  return driver === driver.toLowerCase() ? [] : [`spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`]
}

/** The feature is off by default. k8s: dropDisableDRAListTypeAttributesFields */
function dropListAttributes({ spec }: ResourceSlice): void {
  for (const device of spec.devices ?? []) {
    for (const attribute of Object.values(device.attributes ?? {})) for (const field of ['bools', 'ints', 'strings', 'versions'] as const) delete attribute[field]
    delete device.nodeAllocatableResourceMappings
  }
}

/** k8s: SetDefaults_DeviceTaint */
function stampTaints({ spec }: ResourceSlice, nowMs: number): void {
  for (const device of spec.devices ?? []) for (const taint of device.taints ?? []) taint.timeAdded ??= rfc3339(nowMs)
}
