/** Rules for device classes and for what claims ask for. k8s: pkg/apis/resource/validation */
import { deepEqual } from '../../../base/freeze.ts'
import { compileProblem } from '../cel/cel-problem.ts'
import { celTypeText, DYN, mapType, simpleType, type CelType } from '../cel/cel-checker.ts'
import { checkDnsLabel, checkDnsSubdomain, checkQualifiedName } from '../checks.ts'
import { checkTemplateMeta } from '../core/validate-claim.ts'
import { internalValue } from '../core/spec-diff.ts'
import { isExtendedResource } from '../core/validate-resources.ts'
import { checkDriverName } from '../core/validate-volume.ts'
import { duplicate, invalid, notSupported, required, tooLong, tooMany, type Finding } from '../findings.ts'
import type {
  DeviceClaim, DeviceClass, DeviceConstraint, DeviceRequest, DeviceSelector, DeviceSubRequest, DeviceToleration, ExactDeviceRequest, OpaqueDeviceConfiguration, ResourceClaimTemplate, ResourceResourceClaim,
} from '../generated/types.ts'
import { byteLength, cIdentifierProblems, labelKeyProblems, labelValueProblems } from '../names.ts'
import { IMMUTABLE } from '../validate-metadata.ts'

const MAX_ENTRIES = 32
const MAX_ALTERNATIVES = 8
const MAX_EXPRESSION_BYTES = 10 * 1024
const MAX_PARAMETER_BYTES = 10 * 1024
const MAX_ID_BYTES = 32
const EFFECTS = ['NoExecute', 'NoSchedule', 'None']
const ONE_REQUEST = 'exactly one of `exactly` or `firstAvailable` is required'
const NAME_OF_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"

/** Requests by name, with the names of their alternatives. */
export type RequestNames = ReadonlyMap<string, ReadonlySet<string>>

export function requestNamesOf(claim: Readonly<DeviceClaim> | undefined): RequestNames {
  return new Map((claim?.requests ?? []).map((request) => [request.name, new Set((request.firstAvailable ?? []).map(({ name }) => name))]))
}

/** k8s: validateSlice: too many entries aren't looked at one by one */
export function checkEach<T>(out: Finding[], list: readonly T[] | undefined, max: number, at: string, check: (item: T, at: string) => void): void {
  if (!list) return
  if (max >= 0 && list.length > max) out.push(tooMany(at, list.length, max))
  else list.forEach((item, i) => check(item, `${at}[${i}]`))
}

/** k8s: validateSet. `shownKey`: how messages show what came twice. */
export function checkSet<T>(out: Finding[], list: readonly T[] | undefined, max: number, at: string, key: (item: T) => string, check: (item: T, at: string) => void, shownKey: (item: T) => unknown = key): void {
  checkEach(out, list, max, at, check)
  if (!list || (max >= 0 && list.length > max)) return
  const seen = new Set<string>()
  list.forEach((item, i) => {
    if (seen.has(key(item))) out.push(duplicate(`${at}[${i}]`, shownKey(item)))
    seen.add(key(item))
  })
}

/** k8s: ValidateResourceClaim */
export function validateClaim(claim: Readonly<ResourceResourceClaim>): Finding[] {
  const out: Finding[] = []
  checkClaim(out, claim.spec?.devices, 'spec.devices')
  return out
}

/** k8s: ValidateResourceClaimUpdate, after ObjectMeta */
export function validateClaimUpdate(claim: Readonly<ResourceResourceClaim>, old: Readonly<ResourceResourceClaim>): Finding[] {
  return deepEqual(claim.spec ?? {}, old.spec ?? {}) ? [] : [invalid('spec', internalValue('ResourceClaimSpec', claim.spec), IMMUTABLE)]
}

/** k8s: ValidateResourceClaimTemplate */
export function validateClaimTemplate({ spec }: Readonly<ResourceClaimTemplate>): Finding[] {
  const out: Finding[] = []
  checkTemplateMeta(out, spec.metadata ?? {}, 'spec.metadata')
  checkClaim(out, spec.spec.devices, 'spec.spec.devices')
  return out
}

/** k8s: ValidateResourceClaimTemplateUpdate, after ObjectMeta */
export function validateClaimTemplateUpdate(template: Readonly<ResourceClaimTemplate>, old: Readonly<ResourceClaimTemplate>): Finding[] {
  return deepEqual(template.spec, old.spec) ? [] : [invalid('spec', internalValue('ResourceClaimTemplateSpec', template.spec), IMMUTABLE)]
}

/** k8s: ValidateDeviceClass */
export function validateDeviceClass({ spec }: Readonly<DeviceClass>): Finding[] {
  const out: Finding[] = []
  checkSelectors(out, spec.selectors, 'spec.selectors')
  checkEach(out, spec.config, MAX_ENTRIES, 'spec.config', (config, at) => checkConfiguration(out, config.opaque, at))
  if (spec.extendedResourceName !== undefined && !isExtendedResource(spec.extendedResourceName)) out.push(invalid('spec.extendedResourceName', spec.extendedResourceName, 'must be a valid extended resource name'))
  return out
}

function checkClaim(out: Finding[], claim: Readonly<DeviceClaim> | undefined, at: string): void {
  const names = requestNamesOf(claim)
  checkSet(out, claim?.requests, MAX_ENTRIES, `${at}.requests`, ({ name }) => name, (request, here) => checkRequest(out, request, here))
  checkEach(out, claim?.constraints, MAX_ENTRIES, `${at}.constraints`, (constraint, here) => checkConstraint(out, constraint, names, here))
  checkEach(out, claim?.config, MAX_ENTRIES, `${at}.config`, (config, here) => {
    checkRequestRefs(out, config.requests, names, `${here}.requests`)
    checkConfiguration(out, config.opaque, here)
  })
}

function checkRequest(out: Finding[], { name, exactly, firstAvailable }: Readonly<DeviceRequest>, at: string): void {
  checkDnsLabel(out, name, `${at}.name`)
  if (firstAvailable?.length && exactly) out.push(invalid(at, null, `${ONE_REQUEST}, but multiple fields are set`))
  else if (firstAvailable?.length) {
    checkSet(out, firstAvailable, MAX_ALTERNATIVES, `${at}.firstAvailable`, (request) => request.name, (request, here) => {
      checkDnsLabel(out, request.name, `${here}.name`)
      checkDevices(out, request, here)
    })
  } else if (exactly) checkDevices(out, exactly, `${at}.exactly`)
  else out.push(required(at, ONE_REQUEST))
}

function checkDevices(out: Finding[], { deviceClassName, selectors, allocationMode, count = 0, tolerations }: Readonly<ExactDeviceRequest | DeviceSubRequest>, at: string): void {
  if (!deviceClassName) out.push(required(`${at}.deviceClassName`))
  else checkDnsSubdomain(out, deviceClassName, `${at}.deviceClassName`)
  checkSelectors(out, selectors, `${at}.selectors`)
  if (allocationMode === 'All') {
    if (count !== 0) out.push(invalid(`${at}.count`, count, "must not be specified when allocationMode is 'All'"))
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) out.push(invalid(`${at}.count`, count, 'must be greater than zero'))
  } else out.push(notSupported(`${at}.allocationMode`, allocationMode ?? '', ['All', 'ExactCount']))
  tolerations?.forEach((toleration, i) => checkToleration(out, toleration, `${at}.tolerations[${i}]`))
}

function checkToleration(out: Finding[], { key, operator, value = '', effect }: Readonly<DeviceToleration>, at: string): void {
  if (key) checkQualifiedName(out, key, `${at}.key`)
  if (operator === 'Exists') {
    if (value !== '') out.push(invalid(`${at}.value`, value, 'must be empty for operator `Exists`'))
  } else if (operator === 'Equal') for (const problem of labelValueProblems(value)) out.push(invalid(`${at}.value`, value, problem))
  else if (!operator) out.push(required(`${at}.operator`))
  else out.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']))
  if (effect && !EFFECTS.includes(effect)) out.push(notSupported(`${at}.effect`, effect, EFFECTS))
}

function checkConstraint(out: Finding[], { requests, matchAttribute, distinctAttribute }: Readonly<DeviceConstraint>, names: RequestNames, at: string): void {
  checkRequestRefs(out, requests, names, `${at}.requests`)
  if (matchAttribute !== undefined) checkFullName(out, matchAttribute, `${at}.matchAttribute`)
  else if (distinctAttribute !== undefined) checkFullName(out, distinctAttribute, `${at}.distinctAttribute`)
  else out.push(required(at, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'))
}

function checkRequestRefs(out: Finding[], requests: readonly string[] | undefined, names: RequestNames, at: string): void {
  checkSet(out, requests, MAX_ENTRIES, at, (name) => name, (name, here) => checkRequestRef(out, name, names, here))
}

/** k8s: validateRequestNameRef */
export function checkRequestRef(out: Finding[], name: string, names: RequestNames, at: string): void {
  const segments = name.split('/')
  if (segments.length > 2) {
    out.push(invalid(at, name, NAME_OF_REQUEST))
    return
  }
  for (const segment of segments) checkDnsLabel(out, segment, at)
  const alternatives = names.get(segments[0]!)
  if (!alternatives || (segments.length === 2 && !alternatives.has(segments[1]!))) out.push(invalid(at, name, NAME_OF_REQUEST))
}

/** k8s: validateDeviceConfiguration */
export function checkConfiguration(out: Finding[], opaque: Readonly<OpaqueDeviceConfiguration> | undefined, at: string): void {
  if (!opaque) {
    out.push(required(`${at}.opaque`))
    return
  }
  checkDriverName(out, opaque.driver, `${at}.opaque.driver`)
  checkRawObject(out, opaque.parameters, MAX_PARAMETER_BYTES, `${at}.opaque.parameters`)
}

/** k8s: validateRawExtension */
export function checkRawObject(out: Finding[], value: unknown, maxBytes: number, at: string): void {
  if (value === undefined || value === null) out.push(required(at))
  else if (byteLength(JSON.stringify(value)) > maxBytes) out.push(tooLong(at, maxBytes))
  else if (typeof value !== 'object' || Array.isArray(value)) out.push(invalid(at, '<value omitted>', 'must be a valid JSON object'))
}

/** k8s: validateQualifiedName of this package: an optional domain and a C identifier */
export function checkDeviceFieldName(out: Finding[], name: string, at: string): void {
  const parts = name.split('/')
  if (parts.length > 2) return
  const id = parts.at(-1)!
  if (parts.length === 2) {
    if (parts[0] === '') out.push(invalid(at, '', 'the domain must not be empty'))
    else checkDriverName(out, parts[0], at)
    if (id === '') {
      out.push(invalid(at, '', 'the name must not be empty'))
      return
    }
  }
  if (byteLength(id) > MAX_ID_BYTES) out.push(tooLong(at, MAX_ID_BYTES))
  for (const problem of cIdentifierProblems(id)) out.push(invalid(at, id, problem))
}

function checkFullName(out: Finding[], name: string, at: string): void {
  checkDeviceFieldName(out, name, at)
  if (!name.includes('/')) out.push(invalid(at, name, 'a fully qualified name must be a domain and a name separated by a slash'))
}

function checkSelectors(out: Finding[], selectors: readonly DeviceSelector[] | undefined, at: string): void {
  checkEach(out, selectors, MAX_ENTRIES, at, ({ cel }, here) => {
    if (!cel) {
      out.push(required(`${here}.cel`))
      return
    }
    const where = `${here}.cel.expression`
    const expression = cel.expression ?? ''
    if (byteLength(expression) > MAX_EXPRESSION_BYTES) out.push(tooLong(where, MAX_EXPRESSION_BYTES))
    else {
      const problem = selectorProblem(expression)
      if (problem !== undefined) out.push(invalid(where, expression, problem))
    }
  })
}

const STRING = simpleType('string')
/** What a selector sees. k8s: dynamic-resource-allocation/cel newCompiler */
const device: CelType = {
  name: 'kubernetes.DRADevice',
  fields: {
    driver: STRING, allowMultipleAllocations: simpleType('bool'), attributes: mapType(STRING, mapType(STRING, simpleType('any'))), capacity: mapType(STRING, mapType(STRING, simpleType('kubernetes.Quantity'))),
  },
}

function selectorProblem(expression: string): string | undefined {
  const { type, problem } = compileProblem(expression, { device }, {}, true)
  if (problem !== undefined) return `compilation failed: ${problem}`
  const got = celTypeText(type ?? DYN)
  return got === 'bool' || got === 'any' ? undefined : `must evaluate to bool or the unknown type, not ${got}`
}

/** k8s: validateDeviceTaint */
export function checkTaint(out: Finding[], { key = '', value, effect }: Readonly<{ key?: string; value?: string; effect?: string }>, at: string): void {
  for (const problem of labelKeyProblems(key)) out.push(invalid(`${at}.key`, key, problem))
  if (value) for (const problem of labelValueProblems(value)) out.push(invalid(`${at}.value`, value, problem))
  if (!effect) out.push(required(`${at}.effect`))
  else if (!EFFECTS.includes(effect)) out.push(notSupported(`${at}.effect`, effect, EFFECTS))
}
