/** Rules for what drivers publish about their devices. k8s: pkg/apis/resource/validation */
import { deepEqual } from '../../../base/freeze.ts'
import { checkDnsLabel, checkDnsSubdomain, checkImmutable, checkQualifiedName } from '../checks.ts'
import { validateNodeSelector } from '../core/validate-scheduling.ts'
import { checkDriverName } from '../core/validate-volume.ts'
import { givenEmpty } from '../decode.ts'
import { duplicate, forbidden, invalid, required, tooLong, tooMany, type Finding } from '../findings.ts'
import type { CapacityRequestPolicy, CapacityRequestPolicyRange, Counter, Device, DeviceAttribute, DeviceCapacity, ResourceSlice } from '../generated/types.ts'
import { byteLength, dnsSubdomainProblems } from '../names.ts'
import { addQuantities, compareQuantities, quantityValue } from '../quantity.ts'
import { checkDeviceFieldName, checkEach, checkSet, checkTaint } from './validate-devices.ts'

const MAX_POOL_NAME_BYTES = 253
const MAX_DEVICES = 128
const MAX_DEVICES_WITH_DETAILS = 64
const MAX_COUNTER_SETS = 8
const MAX_COUNTERS = 32
const MAX_CONSUMPTIONS = 2
const MAX_PROPERTIES = 32
const MAX_TAINTS = 16
const MAX_CONDITIONS = 4
const MAX_VALUES = 10
const MAX_ATTRIBUTE_BYTES = 64
const MAX_SHOWN_NAME = 96
const NUMBER = String.raw`(0|[1-9]\d*)`
const SEMVER = new RegExp(String.raw`^${NUMBER}\.${NUMBER}\.${NUMBER}(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$`)
const ONE_PLACE = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'
const ONE_DEVICE_PLACE = 'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec'

/** k8s: ValidateResourceSlice and, with the old one, ValidateResourceSliceUpdate */
export function validateSlice({ spec }: Readonly<ResourceSlice>, old?: Readonly<ResourceSlice>): Finding[] {
  const out: Finding[] = []
  checkDriverName(out, spec.driver, 'spec.driver')
  checkPoolName(out, spec.pool?.name, 'spec.pool.name')
  if ((spec.pool?.resourceSliceCount ?? 0) <= 0) out.push(invalid('spec.pool.resourceSliceCount', spec.pool?.resourceSliceCount ?? 0, 'must be greater than zero'))
  if ((spec.pool?.generation ?? 0) < 0) out.push(invalid('spec.pool.generation', spec.pool.generation, 'must be greater than or equal to zero'))
  if (old) {
    checkImmutable(out, spec.pool.name, old.spec.pool.name, 'spec.pool.name')
    checkImmutable(out, spec.driver, old.spec.driver, 'spec.driver')
    checkImmutable(out, spec.nodeName, old.spec.nodeName, 'spec.nodeName')
  }
  const places = checkPlace(out, spec, 'must be either unset or set to a non-empty string', 'spec')
  if (spec.nodeSelector && spec.nodeSelector.nodeSelectorTerms?.length !== 1) {
    const terms = (spec.nodeSelector.nodeSelectorTerms ?? []).map((term) => ({ MatchExpressions: expressions(term.matchExpressions), MatchFields: expressions(term.matchFields) }))
    out.push(invalid('spec.nodeSelector.nodeSelectorTerms', terms.length > 0 ? terms : givenEmpty(spec.nodeSelector, 'nodeSelectorTerms') ? [] : null, 'must have exactly one node selector term'))
  }
  checkTrue(out, places, spec, 'allNodes', 'spec')
  checkTrue(out, places, spec, 'perDeviceNodeSelection', 'spec')
  if (places.length === 0) out.push(required('spec', ONE_PLACE))
  else if (places.length > 1) out.push(invalid('spec', `{${places.join(', ')}}`, `${ONE_PLACE}, but multiple fields are set`))
  const given = (field: 'sharedCounters' | 'devices') => spec[field] !== undefined || givenEmpty(spec, field)
  if (given('sharedCounters') && given('devices')) out.push(invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed'))
  const detailed = (spec.devices ?? []).some((device) => device.taints?.length || device.consumesCounters?.length)
  checkSet(out, spec.devices, detailed ? MAX_DEVICES_WITH_DETAILS : MAX_DEVICES, 'spec.devices', ({ name }) => name, (device, at) =>
    checkDevice(out, device, old?.spec.devices?.find(({ name }) => name === device.name), spec.perDeviceNodeSelection, at))
  checkSet(out, spec.sharedCounters, MAX_COUNTER_SETS, 'spec.sharedCounters', ({ name }) => name, ({ name, counters }, at) => {
    if (!name) out.push(required(`${at}.name`))
    else checkDnsLabel(out, name, `${at}.name`)
    checkCounters(out, counters, `${at}.counters`)
  })
  return out
}

/** k8s: validatePoolName */
export function checkPoolName(out: Finding[], name: string | undefined, at: string): void {
  if (!name) {
    out.push(required(at))
    return
  }
  if (byteLength(name) > MAX_POOL_NAME_BYTES) out.push(tooLong(at, MAX_POOL_NAME_BYTES))
  for (const part of name.split('/')) checkDnsSubdomain(out, part, at)
}

const expressions = (list: readonly { key: string; operator: string; values?: readonly string[] }[] | undefined) => list?.map(({ key, operator, values }) => ({ Key: key, Operator: operator, Values: values ?? null })) ?? null

/** Where devices are. Returns which fields tell it. */
function checkPlace(out: Finding[], { nodeName, nodeSelector }: Readonly<Pick<Device, 'nodeName' | 'nodeSelector'>>, emptyName: string, at: string): string[] {
  const places: string[] = []
  if (nodeName === '') out.push(invalid(`${at}.nodeName`, nodeName, emptyName))
  else if (nodeName !== undefined) {
    places.push('`nodeName`')
    for (const problem of dnsSubdomainProblems(nodeName)) out.push(invalid(`${at}.nodeName`, nodeName, problem))
  }
  if (nodeSelector) {
    places.push('`nodeSelector`')
    validateNodeSelector(out, nodeSelector, `${at}.nodeSelector`)
  }
  return places
}

function checkTrue<K extends string>(out: Finding[], places: string[], of: Readonly<{ [field in K]?: boolean }>, field: K, at: string): void {
  if (of[field] === undefined) return
  if (of[field]) places.push(`\`${field}\``)
  else out.push(invalid(`${at}.${field}`, false, 'must be either unset or set to true'))
}

function checkCounters(out: Finding[], counters: Readonly<Record<string, Counter>> | undefined, at: string): void {
  const names = Object.keys(counters ?? {}).sort()
  if (names.length === 0) out.push(required(at))
  else if (names.length > MAX_COUNTERS) out.push(tooMany(at, names.length, MAX_COUNTERS))
  else for (const name of names) checkDnsLabel(out, name, at)
}

function checkDevice(out: Finding[], device: Readonly<Device>, old: Readonly<Device> | undefined, perDevice: boolean | undefined, at: string): void {
  checkDnsLabel(out, device.name, `${at}.name`)
  const { attributes = {}, capacity = {} } = device
  const properties = Object.keys(attributes).length + Object.keys(capacity).length
  if (properties > MAX_PROPERTIES) out.push(invalid(at, properties, `the total number of attributes and capacities must not exceed ${MAX_PROPERTIES}`))
  for (const name of Object.keys(attributes).sort()) {
    checkDeviceFieldName(out, name, `${at}.attributes`)
    checkAttribute(out, attributes[name]!, `${at}.attributes[${shortened(name)}]`)
  }
  for (const name of Object.keys(capacity).sort()) {
    checkDeviceFieldName(out, name, `${at}.capacity`)
    checkCapacity(out, capacity[name]!, device.allowMultipleAllocations === true, `${at}.capacity[${shortened(name)}].requestPolicy`)
  }
  if (!old || !deepEqual(old.taints ?? [], device.taints ?? [])) checkEach(out, device.taints, MAX_TAINTS, `${at}.taints`, (taint, here) => checkTaint(out, taint, here))
  checkSet(out, device.consumesCounters, MAX_CONSUMPTIONS, `${at}.consumesCounters`, ({ counterSet }) => counterSet, ({ counterSet, counters }, here) => {
    if (!counterSet) out.push(required(`${here}.counterSet`))
    else checkDnsLabel(out, counterSet, `${here}.counterSet`)
    checkCounters(out, counters, `${here}.counters`)
  })
  if (perDevice) {
    const places = checkPlace(out, device, 'must not be empty', at)
    checkTrue(out, places, device, 'allNodes', at)
    if (places.length === 0) out.push(required(at, ONE_DEVICE_PLACE))
    else if (places.length > 1) out.push(invalid(at, `{${places.join(', ')}}`, ONE_DEVICE_PLACE))
  } else if (device.nodeName !== undefined || device.nodeSelector !== undefined || device.allNodes !== undefined) {
    out.push(invalid(at, null, '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec'))
  }
  checkBinding(out, device, at)
}

/** A name as paths show it: the middle of a long one is left out. k8s: truncateIfTooLong */
function shortened(name: string): string {
  if (name.length <= MAX_SHOWN_NAME) return name
  const rest = MAX_SHOWN_NAME - 3
  return `${name.slice(0, Math.ceil(rest / 2))}...${name.slice(name.length - Math.floor(rest / 2))}`
}

function checkAttribute(out: Finding[], attribute: Readonly<DeviceAttribute>, at: string): void {
  const { string, version } = attribute
  if (string !== undefined && byteLength(string) > MAX_ATTRIBUTE_BYTES) out.push(tooLong(`${at}.string`, MAX_ATTRIBUTE_BYTES))
  if (version !== undefined) {
    if (!SEMVER.test(version)) out.push(invalid(`${at}.version`, version, 'must be a string compatible with semver.org spec 2.0.0'))
    if (byteLength(version) > MAX_ATTRIBUTE_BYTES) out.push(tooLong(`${at}.version`, MAX_ATTRIBUTE_BYTES))
  }
  const count = (['bool', 'int', 'string', 'version'] as const).filter((field) => attribute[field] !== undefined).length
  if (count === 1) return
  const { int, bool } = attribute
  const shown = { IntValue: int ?? null, BoolValue: bool ?? null, StringValue: string ?? null, VersionValue: version ?? null, IntValues: null, BoolValues: null, StringValues: null, VersionValues: null }
  out.push(invalid(at, count === 0 ? '' : shown, 'exactly one value must be specified'))
}

function checkCapacity(out: Finding[], { value, requestPolicy }: Readonly<DeviceCapacity>, shared: boolean, at: string): void {
  if (!requestPolicy) return
  if (!shared) out.push(forbidden(at, 'allowMultipleAllocations must be true'))
  else checkRequestPolicy(out, requestPolicy, value, at)
}

function checkRequestPolicy(out: Finding[], policy: Readonly<CapacityRequestPolicy>, most: string, at: string): void {
  const { validValues = [], validRange, default: normal } = policy
  if (validValues.length > 0 && validRange) {
    out.push(forbidden(at, 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'))
  } else if (validValues.length > 0) {
    if (!normal) out.push(required(`${at}.default`, 'required when validValues is defined'))
    else checkValidValues(out, validValues, normal, most, `${at}.validValues`)
  } else if (validRange) {
    if (!normal) out.push(required(`${at}.default`, 'required when validRange is defined'))
    else checkValidRange(out, validRange, normal, most, `${at}.validRange`)
  }
}

function checkValidValues(out: Finding[], values: readonly string[], normal: string, most: string, at: string): void {
  for (let i = 1; i < values.length; i++) if (compareQuantities(values[i - 1]!, values[i]!) > 0) out.push(invalid(`${at}[${i}]`, values[i], 'values must be sorted in ascending order'))
  let found = false
  checkSet(out, values, MAX_VALUES, at, (value) => String(quantityValue(value)), (value, here) => {
    if (compareQuantities(value, most) > 0) out.push(invalid(here, value, `option is larger than capacity value: ${most}`))
    if (compareQuantities(value, normal) === 0) found = true
  })
  if (!found) out.push(invalid(at, normal, 'default value is not valid according to the requestPolicy'))
}

function checkValidRange(out: Finding[], { min, max, step }: Readonly<CapacityRequestPolicyRange>, normal: string, most: string, at: string): void {
  if (!min) {
    out.push(required(`${at}.min`, 'required when validRange is defined'))
    return
  }
  if (compareQuantities(min, most) > 0) out.push(invalid(`${at}.min`, min, `min is larger than capacity value: ${most}`))
  if (compareQuantities(normal, min) < 0) out.push(invalid(`${at}.min`, normal, `default is less than min: ${min}`))
  if (max) {
    if (compareQuantities(min, max) > 0) out.push(invalid(`${at}.max`, min, `min is larger than max: ${max}`))
    if (compareQuantities(max, most) > 0) out.push(invalid(`${at}.max`, max, `max is larger than capacity value: ${most}`))
    if (compareQuantities(normal, max) > 0) out.push(invalid(`${at}.max`, normal, `default is more than max: ${max}`))
  }
  if (!step) return
  const first = addQuantities(min, step)
  if (compareQuantities(first, most) > 0) out.push(invalid(`${at}.step`, step, `one step ${first} is larger than capacity value: ${most}`))
  for (const value of !max ? [normal] : [normal, max]) {
    if ((quantityValue(value) - quantityValue(min)) % quantityValue(step) !== 0) out.push(invalid(`${at}.step`, value, `value is not a multiple of a given step (${step}) from (${min})`))
  }
}

/** k8s: validateDeviceBindingParameters */
export function checkBinding(out: Finding[], device: Readonly<Pick<Device, 'bindingConditions' | 'bindingFailureConditions'>>, at: string): void {
  const lists = { bindingConditions: device.bindingConditions ?? [], bindingFailureConditions: device.bindingFailureConditions ?? [] }
  const none = (field: keyof typeof lists) => givenEmpty(device, field) ? [] : null
  for (const field of ['bindingConditions', 'bindingFailureConditions'] as const) checkEach(out, lists[field], MAX_CONDITIONS, `${at}.${field}`, (condition, here) => checkQualifiedName(out, condition, here))
  for (const field of ['bindingConditions', 'bindingFailureConditions'] as const) {
    lists[field].forEach((condition, i) => {
      const here = `${at}.${field}[${i}]`
      if (lists[field].indexOf(condition) < i) out.push(duplicate(here, condition))
      if (field === 'bindingFailureConditions' && lists.bindingConditions.includes(condition)) out.push(invalid(here, condition, 'bindingFailureConditions must not overlap with bindingConditions'))
    })
  }
  if (lists.bindingConditions.length === 0 && lists.bindingFailureConditions.length > 0) out.push(invalid(`${at}.bindingConditions`, none('bindingConditions'), 'bindingConditions are required to use bindingFailureConditions'))
  if (lists.bindingFailureConditions.length === 0 && lists.bindingConditions.length > 0) out.push(invalid(`${at}.bindingFailureConditions`, none('bindingFailureConditions'), 'bindingFailureConditions are required to use bindingConditions'))
}
