/** Rules for ObjectMeta, the same for every kind. k8s: apimachinery/pkg/api/validation/objectmeta.go */
import { deepEqual } from '../../base/freeze.ts'
import { forbidden, invalid, notSupported, required, tooLong, type Finding } from './findings.ts'
import { byteLength, labelKeyProblems, labelName, labelValueProblems, subdomainName } from './names.ts'
import type { Kind } from './kind.ts'
import type { Condition, ManagedFieldsEntry, ObjectMeta, OwnerReference } from './object.ts'

const ANNOTATIONS_LIMIT_BYTES = 256 * 1024
export const IMMUTABLE = 'field is immutable'

/** k8s: ValidateObjectMeta */
export function validateObjectMeta(kind: Pick<Kind, 'namespaced' | 'nameRule'> & Partial<Pick<Kind, 'schema'>>, meta: Readonly<ObjectMeta>, at = 'metadata'): Finding[] {
  const findings: Finding[] = []
  const nameRule = kind.nameRule ?? subdomainName
  if (meta.generateName) for (const problem of nameRule(meta.generateName, true)) findings.push(invalid(`${at}.generateName`, meta.generateName, problem))
  if (!meta.name) findings.push(required(`${at}.name`, 'name or generateName is required'))
  else for (const problem of nameRule(meta.name, false)) findings.push(invalid(`${at}.name`, meta.name, problem))
  if (kind.namespaced) {
    if (!meta.namespace) findings.push(required(`${at}.namespace`))
    else for (const problem of labelName(meta.namespace, false)) findings.push(invalid(`${at}.namespace`, meta.namespace, problem))
  } else if (meta.namespace) findings.push(forbidden(`${at}.namespace`, 'not allowed on this type'))
  if ((meta.generation ?? 0) < 0) findings.push(invalid(`${at}.generation`, meta.generation, 'must be greater than or equal to 0'))
  if (meta.labels) findings.push(...validateLabels(meta.labels, `${at}.labels`))
  if (meta.annotations) findings.push(...validateAnnotations(meta.annotations, `${at}.annotations`))
  if (meta.ownerReferences) findings.push(...validateOwnerReferences(meta.ownerReferences, `${at}.ownerReferences`))
  if (meta.finalizers) {
    findings.push(...validateFinalizers(meta.finalizers, `${at}.finalizers`))
    if (kind.schema === undefined || asksForQualifiedFinalizers(kind)) findings.push(...validateQualifiedFinalizers(meta.finalizers, `${at}.finalizers`))
  }
  if (meta.managedFields) findings.push(...validateManagedFields(meta.managedFields, `${at}.managedFields`))
  return findings
}

/** k8s: ValidateObjectMetaUpdate */
export function validateObjectMetaUpdate(meta: Readonly<ObjectMeta>, old: Readonly<ObjectMeta>, at = 'metadata'): Finding[] {
  const findings: Finding[] = []
  if (old.deletionTimestamp) {
    const extra = (meta.finalizers ?? []).filter((finalizer) => !old.finalizers?.includes(finalizer)).sort()
    if (extra.length > 0) {
      findings.push(forbidden(`${at}.finalizers`, `no new finalizers can be added if the object is being deleted, found new finalizers []string{${extra.map((name) => JSON.stringify(name)).join(', ')}}`))
    }
  }
  if (!meta.resourceVersion) findings.push(invalid(`${at}.resourceVersion`, meta.resourceVersion ?? '', 'must be specified for an update'))
  if ((meta.generation ?? 0) < (old.generation ?? 0)) findings.push(invalid(`${at}.generation`, meta.generation ?? 0, 'must not be decremented'))
  const fixed = <K extends keyof ObjectMeta>(field: K, zero: unknown) => {
    if (!deepEqual(meta[field] ?? undefined, old[field] ?? undefined)) findings.push(invalid(`${at}.${field}`, meta[field] ?? zero, IMMUTABLE))
  }
  fixed('name', '')
  fixed('namespace', '')
  fixed('uid', '')
  fixed('creationTimestamp', null)
  fixed('deletionTimestamp', null)
  fixed('deletionGracePeriodSeconds', null)
  if (meta.labels) findings.push(...validateLabels(meta.labels, `${at}.labels`))
  if (meta.annotations) findings.push(...validateAnnotations(meta.annotations, `${at}.annotations`))
  if (meta.ownerReferences) findings.push(...validateOwnerReferences(meta.ownerReferences, `${at}.ownerReferences`))
  if (meta.managedFields) findings.push(...validateManagedFields(meta.managedFields, `${at}.managedFields`))
  return findings
}

/** The same of a kind of the core, where finalizers have a domain too. k8s: pkg/apis/core/validation ValidateObjectMetaUpdate */
export function validateKindMetaUpdate(kind: Pick<Kind, 'schema'>, meta: Readonly<ObjectMeta>, old: Readonly<ObjectMeta>): Finding[] {
  const findings = validateObjectMetaUpdate(meta, old)
  return asksForQualifiedFinalizers(kind) ? findings.concat(validateQualifiedFinalizers(meta.finalizers)) : findings
}

/** Labels that were found valid before: pods of a template carry the same few. */
const knownLabels = new Map<string, string>()

/** k8s: metav1 validation ValidateLabels */
export function validateLabels(labels: Readonly<Record<string, string>>, at: string): Finding[] {
  const findings: Finding[] = []
  for (const key of Object.keys(labels)) {
    const value = labels[key]!
    if (knownLabels.get(key) === value) continue
    const before = findings.length
    for (const problem of labelKeyProblems(key)) findings.push(invalid(at, key, problem))
    for (const problem of labelValueProblems(value)) findings.push(invalid(at, value, problem))
    if (findings.length === before) {
      if (knownLabels.size > 5000) knownLabels.clear()
      knownLabels.set(key, value)
    }
  }
  return findings
}

/** k8s: ValidateAnnotations */
export function validateAnnotations(annotations: Readonly<Record<string, string>>, at: string): Finding[] {
  const findings: Finding[] = []
  let bytes = 0
  for (const key of Object.keys(annotations)) {
    for (const problem of labelKeyProblems(key.toLowerCase())) findings.push(invalid(at, key, problem))
    bytes += byteLength(key) + byteLength(annotations[key]!)
  }
  if (bytes > ANNOTATIONS_LIMIT_BYTES) findings.push(tooLong(at, ANNOTATIONS_LIMIT_BYTES))
  return findings
}

function validateOwnerReferences(references: readonly OwnerReference[], at: string): Finding[] {
  const findings: Finding[] = []
  let controller = ''
  for (const reference of references) {
    const [first = '', second, ...more] = reference.apiVersion.split('/')
    // What has two slashes doesn't parse, and leaves no version.
    const version = more.length > 0 ? '' : second ?? first
    if (!version) findings.push(invalid(`${at}.apiVersion`, reference.apiVersion, 'version must not be empty'))
    if (!reference.kind) findings.push(invalid(`${at}.kind`, reference.kind, 'must not be empty'))
    if (!reference.name) findings.push(invalid(`${at}.name`, reference.name, 'must not be empty'))
    if (!reference.uid) findings.push(invalid(`${at}.uid`, reference.uid, 'must not be empty'))
    if (reference.apiVersion === 'v1' && reference.kind === 'Event') findings.push(invalid(at, reference, '/v1, Kind=Event is disallowed from being an owner'))
    if (reference.controller) {
      const name = `${reference.kind}/${reference.name}`
      if (controller) findings.push(invalid(at, references, `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`))
      else controller = name
    }
  }
  return findings
}

/** Finalizers that need no domain. k8s: pkg/apis/core/helper standardFinalizers */
const STANDARD_FINALIZERS = new Set(['kubernetes', 'orphan', 'foregroundDeletion'])

function validateFinalizers(finalizers: readonly string[], at: string): Finding[] {
  const findings: Finding[] = []
  for (const finalizer of finalizers) for (const problem of labelKeyProblems(finalizer)) findings.push(invalid(at, finalizer, problem))
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    findings.push(invalid(at, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'))
  }
  return findings
}

/** Kinds that are validated without the core's rules for ObjectMeta. */
const ANY_FINALIZER = /^io\.k8s\.api\.(?:admissionregistration|coordination|node|policy)\.|^io\.k8s\.api\.(?:core|events)\.v1\.Event$/

/** Of the built-in kinds all but those that define other kinds do. */
function asksForQualifiedFinalizers({ schema }: Partial<Pick<Kind, 'schema'>>): boolean {
  return (schema?.startsWith('io.k8s.api.') ?? false) && !ANY_FINALIZER.test(schema!)
}

/** Core kinds also ask that a finalizer is known or has a domain. k8s: pkg/apis/core/validation ValidateFinalizerName */
export function validateQualifiedFinalizers(finalizers: readonly string[] | undefined, at = 'metadata.finalizers'): Finding[] {
  const findings: Finding[] = []
  ;(finalizers ?? []).forEach((finalizer, i) => {
    if (!finalizer.includes('/') && !STANDARD_FINALIZERS.has(finalizer)) {
      findings.push(invalid(`${at}[${i}]`, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'))
    }
  })
  return findings
}

/** k8s: metav1 validation ValidateFieldManager */
function validateFieldManager(manager: string, at: string): Finding[] {
  const findings: Finding[] = []
  if (byteLength(manager) > 128) findings.push(tooLong(at, 128))
  let position = 0
  for (const character of manager) {
    const code = character.codePointAt(0)!
    // k8s: unicode.IsPrint, as far as control characters and odd spaces go
    if (code < 32 || (code >= 127 && code < 161) || code === 0xad || /[\p{Z}\p{C}]/u.test(character) && character !== ' ') {
      findings.push(invalid(at, manager, `invalid character U+${code.toString(16).toUpperCase().padStart(4, '0')}${code < 32 || (code >= 127 && code < 160) ? '' : ` '${character}'`} (at position ${position})`))
    }
    position += byteLength(character)
  }
  return findings
}

/** Entries that were found sound; frozen ones stay so, and come with every write of their object. */
const soundEntries = new WeakSet<ManagedFieldsEntry>()

function validateManagedFields(entries: readonly ManagedFieldsEntry[], at: string): Finding[] {
  const findings: Finding[] = []
  entries.forEach((entry, i) => {
    if (soundEntries.has(entry)) return
    const before = findings.length
    const here = `${at}[${i}]`
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') findings.push(invalid(`${here}.operation`, entry.operation ?? '', 'must be `Apply` or `Update`'))
    if (entry.fieldsType && entry.fieldsType !== 'FieldsV1') findings.push(invalid(`${here}.fieldsType`, entry.fieldsType, 'must be `FieldsV1`'))
    if (entry.manager) findings.push(...validateFieldManager(entry.manager, `${here}.manager`))
    if (entry.subresource && byteLength(entry.subresource) > 256) findings.push(tooLong(`${here}.subresource`, 256))
    if (findings.length === before && Object.isFrozen(entry)) soundEntries.add(entry)
  })
  return findings
}

/** k8s: metav1 validation ValidateLabelSelector */
export function validateLabelSelector(
  selector: { matchLabels?: Record<string, string>; matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] }[] } | null | undefined, at: string,
  options: { allowInvalidValues?: boolean } = {},
): Finding[] {
  if (!selector) return []
  const findings = selector.matchLabels ? validateLabels(selector.matchLabels, `${at}.matchLabels`) : []
  selector.matchExpressions?.forEach((expression, i) => checkSelectorRequirement(findings, expression, `${at}.matchExpressions[${i}]`, options))
  return findings
}

/** How many values an operator of a selector wants. Operators that nobody knows are for the caller. @returns whether the operator is known */
export function checkOperatorValues(out: Finding[], { operator, values = [] }: { operator: string; values?: readonly string[] }, at: string): boolean {
  switch (operator) {
    case 'In': case 'NotIn':
      if (values.length === 0) out.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
      return true
    case 'Exists': case 'DoesNotExist':
      if (values.length > 0) out.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
      return true
    default:
      return false
  }
}

/** k8s: metav1 validation ValidateLabelSelectorRequirement */
export function checkSelectorRequirement(
  out: Finding[], requirement: { key: string; operator: string; values?: readonly string[] }, at: string, options: { allowInvalidValues?: boolean; allowUnknownOperator?: boolean } = {},
): void {
  if (!checkOperatorValues(out, requirement, at) && !options.allowUnknownOperator) out.push(invalid(`${at}.operator`, requirement.operator, 'not a valid selector operator'))
  for (const problem of labelKeyProblems(requirement.key)) out.push(invalid(`${at}.key`, requirement.key, problem))
  if (options.allowInvalidValues) return
  requirement.values?.forEach((value, i) => {
    for (const problem of labelValueProblems(value)) out.push(invalid(`${at}.values[${i}]`, value, problem))
  })
}

/** k8s: metav1 validation ValidateConditions */
export function validateConditions(conditions: readonly Condition[] | undefined, at: string, reasonProblems: (reason: string) => string[]): Finding[] {
  const findings: Finding[] = []
  const seen = new Set<string>()
  ;(conditions ?? []).forEach((condition, i) => {
    const here = `${at}[${i}]`
    if (seen.has(condition.type)) findings.push({ type: 'FieldValueDuplicate', field: `${here}.type`, body: `Duplicate value: ${JSON.stringify(condition.type)}`, message: `${here}.type: Duplicate value: ${JSON.stringify(condition.type)}` })
    seen.add(condition.type)
    for (const problem of labelKeyProblems(condition.type)) findings.push(invalid(`${here}.type`, condition.type, problem))
    if (!['True', 'False', 'Unknown'].includes(condition.status)) findings.push(notSupported(`${here}.status`, condition.status, ['False', 'True', 'Unknown']))
    if ((condition.observedGeneration ?? 0) < 0) findings.push(invalid(`${here}.observedGeneration`, condition.observedGeneration, 'must be greater than or equal to zero'))
    if (!condition.lastTransitionTime) findings.push(required(`${here}.lastTransitionTime`))
    if (!condition.reason) findings.push(required(`${here}.reason`))
    else {
      for (const problem of reasonProblems(condition.reason)) findings.push(invalid(`${here}.reason`, condition.reason, problem))
      if (byteLength(condition.reason) > 1024) findings.push(tooLong(`${here}.reason`, 1024))
    }
    if (byteLength(condition.message ?? '') > 32 * 1024) findings.push(tooLong(`${here}.message`, 32 * 1024))
  })
  return findings
}
