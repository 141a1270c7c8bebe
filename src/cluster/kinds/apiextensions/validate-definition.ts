/** Rules for custom resource definitions. k8s: apiextensions-apiserver/pkg/apis/apiextensions/validation */
import { deepEqual } from '../../../base/freeze.ts'
import { checkImmutable, checkOneOf } from '../checks.ts'
import { checkWebhookService, checkWebhookUrl } from '../admissionregistration/validate-webhook.ts'
import { duplicate, forbidden, invalid, pointed, required, tooMany, type Finding } from '../findings.ts'
import type { CustomResourceColumnDefinition, CustomResourceConversion, CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceSubresources, SelectableField } from '../generated/types.ts'
import { byteLength, dns1035LabelProblems, dnsSubdomainProblems } from '../names.ts'
import { caBundleProblem } from './ca-bundle.ts'
import { schemaFieldProblem } from '../structural/field-path.ts'
import { internalSpec, versionText, type InternalSpec, type PerVersion, type SentSchema } from './internal-form.ts'
import { validateVersionSchema } from './validate-open-api-schema.ts'
import { structuralFormProblem } from './validate-structural.ts'

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string']
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']
const REVIEW_VERSIONS = ['v1', 'v1beta1']
const MAX_SELECTABLE_FIELDS = 8
const APPROVAL = 'api-approved.kubernetes.io'
const APPROVAL_LINK = 'see https://github.com/kubernetes/enhancements/pull/1111'

/** k8s: ValidateCustomResourceDefinition, after ObjectMeta */
export function validateDefinition(definition: Readonly<CustomResourceDefinition>): Finding[] {
  const { metadata, spec, status } = definition
  const out: Finding[] = []
  const wanted = `${spec.names.plural}.${spec.group}`
  for (const field of ['generateName', 'name'] as const) {
    const name = metadata[field]
    if (name && name !== wanted) out.push(invalid(`metadata.${field}`, name, 'must be spec.names.plural+"."+spec.group'))
  }
  checkSpec(out, internalSpec(spec), { knownReviewVersion: true, validCaBundle: false })
  checkStatus(out, definition)
  checkStoredVersions(out, status?.storedVersions ?? [], spec)
  checkApproval(out, definition)
  checkPreservation(out, definition)
  return out
}

/** k8s: ValidateCustomResourceDefinitionUpdate, after ObjectMeta */
export function validateDefinitionUpdate(definition: Readonly<CustomResourceDefinition>, old: Readonly<CustomResourceDefinition>): Finding[] {
  const out: Finding[] = []
  const { spec } = definition
  const reviews = old.spec.conversion?.webhook?.conversionReviewVersions ?? []
  const established = old.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false
  const oldBundle = old.spec.conversion?.webhook?.clientConfig?.caBundle
  checkSpec(out, internalSpec(spec), {
    knownReviewVersion: reviews.length === 0 || reviews.some((version) => REVIEW_VERSIONS.includes(version)),
    validCaBundle: established && (!oldBundle || caBundleProblem(oldBundle) === undefined),
  }, versionsWithUnchangedSchemas(spec, old.spec))
  if (established) {
    checkImmutable(out, spec.scope, old.spec.scope, 'spec.scope')
    checkImmutable(out, spec.names.kind, old.spec.names.kind, 'spec.names.kind')
  }
  checkImmutable(out, spec.group, old.spec.group, 'spec.group')
  checkImmutable(out, spec.names.plural, old.spec.names.plural, 'spec.names.plural')
  checkStatus(out, definition)
  checkStoredVersions(out, definition.status?.storedVersions ?? [], spec)
  if (approvalState(definition) !== approvalState(old)) checkApproval(out, definition)
  if (!old.spec.preserveUnknownFields) checkPreservation(out, definition)
  return out
}

/** k8s: ValidateUpdateCustomResourceDefinitionStatus, after ObjectMeta */
export function validateDefinitionStatus(definition: Readonly<CustomResourceDefinition>): Finding[] {
  const out: Finding[] = []
  checkStatus(out, definition)
  return out
}

function checkStatus(out: Finding[], { status }: Readonly<CustomResourceDefinition>): void {
  if (status?.acceptedNames) checkNames(out, status.acceptedNames, 'status.acceptedNames')
}

function checkStoredVersions(out: Finding[], stored: readonly string[], spec: Readonly<CustomResourceDefinition['spec']>): void {
  const at = 'status.storedVersions'
  if (stored.length === 0) {
    out.push(invalid(at, null, 'must have at least one stored version'))
    return
  }
  const versions = spec.versions ?? []
  // Of versions with the same name the first takes the entry.
  const left = new Set(stored)
  for (const { name, storage } of versions) {
    if (!left.delete(name) && storage) out.push(invalid(at, stored, `must have the storage version ${name}`))
  }
  stored.forEach((version, i) => {
    if (versions.some(({ name }) => name === version)) return
    out.push(invalid(`${at}[${i}]`, version, `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`))
  })
}

/** k8s: findVersionsWithUnchangedSchemas */
function versionsWithUnchangedSchemas(spec: Readonly<CustomResourceDefinition['spec']>, old: Readonly<CustomResourceDefinition['spec']>): Set<string> {
  const before = new Map((old.versions ?? []).map((version) => [version.name, version.schema]))
  return new Set((spec.versions ?? []).filter(({ name, schema }) => before.has(name) && deepEqual(schema, before.get(name))).map(({ name }) => name))
}

/** What conversion must fulfil; updates may leave alone what was let in before. */
interface ConversionOptions {
  knownReviewVersion: boolean
  validCaBundle: boolean
}

/** k8s: validateCustomResourceDefinitionSpec */
function checkSpec(out: Finding[], { spec, common, versions }: InternalSpec, options: ConversionOptions, unchangedSchemas: ReadonlySet<string> = new Set()): void {
  const { group, names, conversion } = spec
  const groupProblems = dnsSubdomainProblems(group)
  if (!group) out.push(required('spec.group'))
  else if (groupProblems.length > 0) out.push(invalid('spec.group', group, groupProblems.join(',')))
  else if (!group.includes('.')) out.push(invalid('spec.group', group, 'should be a domain with at least one dot'))
  checkOneOf(out, spec.scope, ['Cluster', 'Namespaced'], 'spec.scope')
  if (!common.schema?.openAPIV3Schema) {
    versions.forEach(({ schema }, i) => {
      if (!schema?.openAPIV3Schema) out.push(required(`spec.versions[${i}].schema.openAPIV3Schema`))
    })
  }
  if (spec.preserveUnknownFields && [common, ...versions].some(({ schema }) => hasDefaults(schema?.openAPIV3Schema))) out.push(invalid('spec.preserveUnknownFields', true, 'must be false in order to use defaults in the schema'))
  const perVersionSubresources = versions.some(({ subresources }) => subresources)
  versions.forEach((version, i) => {
    const at = `spec.versions[${i}]`
    const problems = dns1035LabelProblems(version.name)
    if (problems.length > 0) out.push(invalid(`${at}.name`, version.name, problems.join(',')))
    for (const problem of deprecationProblems(version.deprecated, version.deprecationWarning)) out.push(invalid(`${at}.deprecationWarning`, pointed(version.deprecationWarning ?? ''), problem))
    validateVersionSchema(out, version.schema, { statusEnabled: Boolean((perVersionSubresources ? version.subresources : common.subresources)?.status), unchanged: unchangedSchemas.has(version.name) }, `${at}.schema`)
    checkShared(out, version, at)
    if (version.selectableFields?.length) {
      const schema = version.schema?.openAPIV3Schema
      if (!schema) out.push(invalid(`${at}.selectableFields`, '', 'may only be set when `version.schema.openAPIV3Schema` is not included'))
      else checkSelectableFields(out, version.selectableFields, schema, at)
    }
  })
  const stored = versions.filter(({ storage }) => storage).length
  const shown = () => versions.map(versionText)
  if (new Set(versions.map(({ name }) => name)).size < versions.length) out.push(invalid('spec.versions', shown(), 'must contain unique version names'))
  if (stored !== 1) out.push(invalid('spec.versions', spec.versions ? shown() : null, 'must have exactly one version marked as storage version'))
  if (versions.length > 0) {
    const first = versions[0]!.name
    const problems = dns1035LabelProblems(first)
    if (first && problems.length > 0) out.push(invalid('spec.version', first, problems.join(',')))
  }
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) if (!names[field]) out.push(required(`spec.names.${field}`))
  checkNames(out, names, 'spec.names')
  const statusEnabled = Boolean(common.subresources?.status) || versions.some(({ subresources }) => subresources?.status)
  validateVersionSchema(out, common.schema, { statusEnabled, unchanged: versions.length > 0 && unchangedSchemas.has(versions[0]!.name) }, 'spec.validation')
  checkShared(out, common, 'spec')
  if (common.selectableFields?.length) {
    if (!common.schema) out.push(invalid('spec.selectableFields', '', 'may only be set when validations.schema is included'))
    else checkSelectableFields(out, common.selectableFields, common.schema.openAPIV3Schema ?? {}, 'spec')
  }
  if (conversion && conversion.strategy !== 'None' && spec.preserveUnknownFields) out.push(invalid('spec.conversion.strategy', conversion.strategy, 'must be None if spec.preserveUnknownFields is true'))
  if (conversion) checkConversion(out, conversion, options)
}

function checkShared(out: Finding[], { subresources, additionalPrinterColumns }: Readonly<PerVersion>, at: string): void {
  checkScale(out, subresources, `${at}.subresources`)
  ;(additionalPrinterColumns ?? []).forEach((column, i) => checkColumn(out, column, `${at}.additionalPrinterColumns[${i}]`))
}

function hasDefaults(schema: SentSchema | undefined): boolean {
  if (!schema) return false
  if (schema.default !== undefined && schema.default !== null) return true
  const below = [...(Array.isArray(schema.items) ? schema.items : [schema.items]), ...Object.values(schema.properties ?? {}), ...(typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : [])] as (SentSchema | undefined)[]
  return below.some(hasDefaults)
}

function deprecationProblems(deprecated: boolean | undefined, warning: string | undefined): string[] {
  if (warning === undefined) return []
  if (!deprecated) return ['can only be set for deprecated versions']
  const problems: string[] = []
  if (byteLength(warning) > 256) problems.push('must be <= 256 characters long')
  if (warning === '') problems.push('must not be an empty string')
  // eslint-disable-next-line no-control-regex -- what is looked for
  const index = warning.search(/[\u0000-\u001f\u007f-\u00a0\u00ad\u2028\u2029]/)
  if (index >= 0) problems.push(`must only contain printable UTF-8 characters; non-printable character found at index ${index}`)
  return problems
}

/** k8s: ValidateCustomResourceDefinitionNames */
function checkNames(out: Finding[], names: Readonly<CustomResourceDefinitionNames>, at: string): void {
  const label = (value: string | undefined, field: string, mixedCase = false) => {
    if (!value) return
    const problems = dns1035LabelProblems(mixedCase ? value.toLowerCase() : value)
    if (problems.length > 0) out.push(invalid(`${at}.${field}`, value, `${mixedCase ? 'may have mixed case, but should otherwise match: ' : ''}${problems.join(',')}`))
  }
  label(names.plural, 'plural')
  label(names.singular, 'singular')
  label(names.kind, 'kind', true)
  label(names.listKind, 'listKind', true)
  const each = (values: readonly string[] | undefined, field: string) => (values ?? []).forEach((value, i) => {
    const problems = dns1035LabelProblems(value)
    if (problems.length > 0) out.push(invalid(`${at}.${field}[${i}]`, value, problems.join(',')))
  })
  each(names.shortNames, 'shortNames')
  if (names.kind && names.kind === names.listKind) out.push(invalid(`${at}.listKind`, names.listKind, 'kind and listKind may not be the same'))
  each(names.categories, 'categories')
}

/** k8s: ValidateCustomResourceColumnDefinition */
function checkColumn(out: Finding[], column: Readonly<CustomResourceColumnDefinition>, at: string): void {
  const types = `must be one of ${COLUMN_TYPES.join(',')}`
  if (!column.name) out.push(required(`${at}.name`))
  if (!column.type) out.push(required(`${at}.type`, types))
  else if (!COLUMN_TYPES.includes(column.type)) out.push(invalid(`${at}.type`, column.type, types))
  if (column.format && !COLUMN_FORMATS.includes(column.format)) out.push(invalid(`${at}.format`, column.format, `must be one of ${COLUMN_FORMATS.join(',')}`))
  if (!column.jsonPath) out.push(required(`${at}.JSONPath`))
  else checkSimplePath(out, column.jsonPath, `${at}.JSONPath`)
}

function checkSimplePath(out: Finding[], path: string, at: string): boolean {
  if (path.startsWith('.')) return true
  out.push(invalid(at, path, 'must be a simple json path starting with .'))
  return false
}

/** k8s: ValidateCustomResourceDefinitionSubresources */
function checkScale(out: Finding[], subresources: Readonly<CustomResourceSubresources> | undefined, at: string): void {
  const scale = subresources?.scale
  if (!scale) return
  for (const [field, parent] of [['specReplicasPath', '.spec.'], ['statusReplicasPath', '.status.']] as const) {
    const here = `${at}.scale.${field}`
    const path = scale[field]
    if (!path) out.push(required(here))
    else if (checkSimplePath(out, path, here) && !path.startsWith(parent)) out.push(invalid(here, path, `should be a json path under ${parent.slice(0, -1)}`))
  }
  const selector = scale.labelSelectorPath
  if (selector && checkSimplePath(out, selector, `${at}.scale.labelSelectorPath`) && !/^\.(?:spec|status)\./.test(selector)) out.push(invalid(`${at}.scale.labelSelectorPath`, selector, 'should be a json path under either .spec or .status'))
}

/** k8s: ValidateCustomResourceSelectableFields */
function checkSelectableFields(out: Finding[], fields: readonly SelectableField[], schema: SentSchema, at: string): void {
  const formProblem = structuralFormProblem(schema)
  if (formProblem !== undefined) {
    out.push(invalid(`${at}.schema.openAPIV3Schema`, '', formProblem))
    return
  }
  const seen = new Set<string>()
  fields.forEach(({ jsonPath }, i) => {
    const here = `${at}.selectableFields[${i}].jsonPath`
    if (!jsonPath) {
      out.push(required(here))
      return
    }
    const { problem, schema: found, path } = schemaFieldProblem(jsonPath, schema, { withoutArrayNotation: true })
    if (problem !== undefined) {
      out.push(invalid(here, jsonPath, `is an invalid path: ${problem}`))
      return
    }
    if (path[0] === 'metadata') out.push(invalid(here, jsonPath, 'must not point to fields in metadata'))
    if (!['string', 'boolean', 'integer'].includes(found?.type ?? '')) out.push(invalid(here, jsonPath, 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'))
    const normal = path.join('.')
    if (seen.has(normal)) out.push(duplicate(here, jsonPath))
    seen.add(normal)
  })
  if (seen.size > MAX_SELECTABLE_FIELDS) out.push(tooMany(`${at}.selectableFields`, seen.size, MAX_SELECTABLE_FIELDS))
}

/** k8s: validateCustomResourceConversion */
function checkConversion(out: Finding[], { strategy, webhook }: Readonly<CustomResourceConversion>, { knownReviewVersion, validCaBundle }: ConversionOptions): void {
  const at = 'spec.conversion'
  checkOneOf(out, strategy, ['None', 'Webhook'], `${at}.strategy`)
  const config = webhook?.clientConfig
  const versions = webhook?.conversionReviewVersions ?? []
  const configAt = `${at}.webhookClientConfig`
  if (strategy !== 'Webhook') {
    if (config) out.push(forbidden(configAt, 'should not be set when strategy is not set to Webhook'))
    if (versions.length > 0) out.push(forbidden(`${at}.conversionReviewVersions`, 'should not be set when strategy is not set to Webhook'))
    return
  }
  if (!config) out.push(required(configAt, 'required when strategy is set to Webhook'))
  else if ((config.url === undefined) === (config.service === undefined)) out.push(required(configAt, 'exactly one of url or service is required'))
  else if (config.url !== undefined) checkWebhookUrl(out, config.url, `${configAt}.url`)
  // Upstream hands over name and namespace the wrong way round.
  else checkWebhookService(out, { ...config.service!, name: config.service!.namespace, namespace: config.service!.name }, `${configAt}.service`)
  const bundleProblem = config?.caBundle && validCaBundle ? caBundleProblem(config.caBundle) : undefined
  if (bundleProblem !== undefined) out.push(invalid(`${configAt}.caBundle`, config!.caBundle, `unable to load root certificates: ${bundleProblem}`))
  const versionsAt = `${at}.conversionReviewVersions`
  if (versions.length === 0) {
    out.push(required(versionsAt))
    return
  }
  versions.forEach((version, i) => {
    if (versions.indexOf(version) < i) out.push(invalid(`${versionsAt}[${i}]`, version, 'duplicate version'))
    else for (const problem of dns1035LabelProblems(version)) out.push(invalid(`${versionsAt}[${i}]`, version, problem))
  })
  if (knownReviewVersion && !versions.some((version) => REVIEW_VERSIONS.includes(version))) out.push(invalid(versionsAt, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`))
}

type Approval = 'missing' | 'bypassed' | 'approved' | 'invalid'

/** k8s: GetAPIApprovalState */
function approvalState({ metadata }: Readonly<CustomResourceDefinition>): Approval {
  const text = metadata.annotations?.[APPROVAL] ?? ''
  if (text === '') return 'missing'
  if (text.startsWith('unapproved')) return 'bypassed'
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#\s]+/.test(text) ? 'approved' : 'invalid'
}

function checkApproval(out: Finding[], definition: Readonly<CustomResourceDefinition>): void {
  const { group } = definition.spec
  if (!/(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group)) return
  const at = `metadata.annotations[${APPROVAL}]`
  const state = approvalState(definition)
  if (state === 'missing') out.push(required(at, `protected groups must have approval annotation "${APPROVAL}", ${APPROVAL_LINK}`))
  if (state === 'invalid') out.push(invalid(at, definition.metadata.annotations![APPROVAL], `protected groups must have approval annotation "${APPROVAL}" with either a URL or a reason starting with "unapproved", ${APPROVAL_LINK}`))
}

function checkPreservation(out: Finding[], { spec }: Readonly<CustomResourceDefinition>): void {
  if (spec.preserveUnknownFields) out.push(invalid('spec.preserveUnknownFields', true, 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'))
}
