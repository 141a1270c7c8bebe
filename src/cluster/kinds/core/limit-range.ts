import { defineKind } from '../define-kind.ts'
import type { LimitRange } from '../generated/types.ts'
import { roundUpToMillis } from './pod-defaults.ts'

export const limitRange = defineKind<LimitRange>({
  group: '', version: 'v1', resource: 'limitranges',
  defaults({ spec }) {
    for (const item of spec.limits ?? []) {
      for (const list of [item.max, item.min, item.default, item.defaultRequest, item.maxLimitRequestRatio]) if (list) roundUpToMillis(list)
      if (item.type !== 'Container') continue
      const limits = { ...item.default }
      for (const name in item.max) limits[name] ??= item.max[name]!
      const requests = { ...item.defaultRequest }
      for (const name in limits) requests[name] ??= limits[name]!
      for (const name in item.min) requests[name] ??= item.min[name]!
      if (Object.keys(limits).length > 0) item.default = limits
      if (Object.keys(requests).length > 0) item.defaultRequest = requests
    }
  },
  strategy: { allowCreateOnUpdate: true },
})
