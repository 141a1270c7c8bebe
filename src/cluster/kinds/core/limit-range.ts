import { defineKind } from '../define-kind.ts'
import { duplicate, forbidden, invalid, required, type Finding } from '../findings.ts'
import { labelKeyProblems } from '../names.ts'
import { compareQuantities, parseQuantity } from '../quantity.ts'
import { validateObjectMeta } from '../validate-metadata.ts'
import type { LimitRange } from '../generated/types.ts'
import { roundUpToMillis } from './pod-defaults.ts'
import { checkContainerResourceName, checkResourceName } from './validate-resources.ts'

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
  validate: validateLimitRange,
  updatesWithoutMeta: true,
  validateUpdate: (object) => [...validateObjectMeta({ namespaced: true }, object.metadata), ...validateLimitRange(object)],
  strategy: {
    allowCreateOnUpdate: true,
    beforeCreate(draft) {
      // k8s: a name from NewUUID, which the object has at hand as its uid
      if (!draft.metadata.name) draft.metadata.name = draft.metadata.uid
    },
  },
})

const NANO = 1_000_000_000n
const MILLI = 1_000_000n
const MAX_MILLI_VALUE = (2n ** 63n - 1n) / 1000n

/** Away from zero, as Quantity's ScaledValue does. */
function roundUp(nanos: bigint, unit: bigint): bigint {
  const whole = nanos / unit
  return nanos % unit === 0n ? whole : whole + (nanos > 0n ? 1n : -1n)
}

/** k8s: ValidateLimitRange */
function validateLimitRange({ spec }: Readonly<LimitRange>): Finding[] {
  const out: Finding[] = []
  const types = new Set<string>()
  ;(spec.limits ?? []).forEach((item, i) => {
    const at = `spec.limits[${i}]`
    const problems = labelKeyProblems(item.type)
    for (const problem of problems) out.push(invalid(`${at}.type`, item.type, problem))
    if (problems.length === 0 && !item.type.includes('/') && !['Pod', 'Container', 'PersistentVolumeClaim'].includes(item.type)) out.push(invalid(`${at}.type`, item.type, 'must be a standard limit type or fully qualified'))
    if (types.has(item.type)) out.push(duplicate(`${at}.type`, item.type))
    types.add(item.type)
    const checkName = item.type === 'Pod' || item.type === 'Container' ? checkContainerResourceName : checkResourceName
    const names = new Set<string>()
    const look = (list: Record<string, string> | undefined, field: string) => {
      for (const name in list) {
        checkName(out, name, `${at}.${field}[${name}]`)
        names.add(name)
      }
    }
    look(item.max, 'max')
    look(item.min, 'min')
    const isPod = item.type === 'Pod'
    for (const field of ['default', 'defaultRequest'] as const) {
      if (!isPod) look(item[field], field)
      else if (Object.keys(item[field] ?? {}).length > 0) out.push(forbidden(`${at}.${field}`, "may not be specified when `type` is 'Pod'"))
    }
    if (item.type === 'PersistentVolumeClaim' && item.min?.storage === undefined && item.max?.storage === undefined) out.push(required(`${at}.limits`, 'either minimum or maximum storage value is required, but neither was provided'))
    look(item.maxLimitRequestRatio, 'maxLimitRequestRatio')
    for (const name of names) {
      const min = own(item.min, name)
      const max = own(item.max, name)
      const limit = isPod ? undefined : own(item.default, name)
      const request = isPod ? undefined : own(item.defaultRequest, name)
      const ratio = own(item.maxLimitRequestRatio, name)
      const above = (a: string | undefined, b: string | undefined) => a !== undefined && b !== undefined && compareQuantities(a, b) > 0
      if (above(min, max)) out.push(invalid(`${at}.min[${name}]`, min, `min value ${min} is greater than max value ${max}`))
      if (above(min, request)) out.push(invalid(`${at}.defaultRequest[${name}]`, request, `min value ${min} is greater than default request value ${request}`))
      if (above(request, max)) out.push(invalid(`${at}.defaultRequest[${name}]`, request, `default request value ${request} is greater than max value ${max}`))
      if (above(request, limit)) out.push(invalid(`${at}.defaultRequest[${name}]`, request, `default request value ${request} is greater than default limit value ${limit}`))
      if (above(min, limit)) out.push(invalid(`${at}.default[${name}]`, min, `min value ${min} is greater than default value ${limit}`))
      if (above(limit, max)) out.push(invalid(`${at}.default[${name}]`, max, `default value ${limit} is greater than max value ${max}`))
      if (ratio === undefined) continue
      if (compareQuantities(ratio, '1') < 0) out.push(invalid(`${at}.maxLimitRequestRatio[${name}]`, ratio, `ratio ${ratio} is less than 1`))
      if (min !== undefined && max !== undefined) {
        // In thousandths, unless one is so big that only whole numbers fit. k8s: resource.MaxMilliValue
        const whole = [ratio, min, max].map((quantity) => roundUp(parseQuantity(quantity).nanos, NANO))
        const fine = whole.every((value) => value < MAX_MILLI_VALUE)
        const [ratioValue, minValue, maxValue] = fine ? [ratio, min, max].map((quantity) => Number(roundUp(parseQuantity(quantity).nanos, MILLI))) as [number, number, number] : whole.map(Number) as [number, number, number]
        const highest = maxValue / minValue
        if ((fine ? ratioValue / 1000 : ratioValue) > highest) out.push(invalid(`${at}.maxLimitRequestRatio[${name}]`, ratio, `ratio ${ratio} is greater than max/min = ${highest.toFixed(6)}`))
      }
    }
  })
  return out
}

/** A map's own entry: resources may be called `toString`. */
function own(map: Readonly<Record<string, string>> | undefined, name: string): string | undefined {
  return map && Object.hasOwn(map, name) ? map[name] : undefined
}
