/** Turns a CustomResourceDefinition into the kinds it serves. k8s: apiextensions-apiserver/pkg/apiserver/customresource_handler.go, registry/customresource */
import { base64Of } from '../../../base/base64.ts'
import { deepEqual, thaw } from '../../../base/freeze.ts'
import { sha256 } from '@noble/hashes/sha2.js'
import { DecodeError } from '../../kinds/decode.ts'
import { invalid, type Finding } from '../../kinds/findings.ts'
import { goSprint } from '../../kinds/go-text.ts'
import type { CustomKind, Kind, Strategy, SubresourceInfo, Verb } from '../../kinds/kind.ts'
import { dnsSubdomainProblems, labelKeyProblems } from '../../kinds/names.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { Correlation } from '../../kinds/structural/correlation.ts'
import { coerceEmbedded, decodeObjectMeta, validateEmbedded } from '../../kinds/structural/embedded-resources.ts'
import { mergeType } from '../../kinds/patch/merge-type.ts'
import type { Schema } from '../../kinds/schema-table.ts'
import type { JsonObject, JsonSchema } from '../../kinds/structural/json-schema.ts'
import { validateListTypes } from '../../kinds/structural/list-types.ts'
import { pruneNulls, pruneUnknownFields } from '../../kinds/structural/prune.ts'
import { applyStructuralDefaults } from '../../kinds/structural/structural-defaults.ts'
import { validateAgainstSchema } from '../../kinds/structural/validate-schema.ts'
import { hasRules, validateRules } from '../../kinds/structural/validation-rules.ts'
import { validateObjectMeta } from '../../kinds/validate-metadata.ts'
import { compareVersions } from '../discovery/compare-versions.ts'
import type { ConversionWebhook } from './conversion-webhook.ts'
import { customResourceSchemas, schemaName } from './custom-resource-schemas.ts'
import type { Definition, DefinitionVersion, ScalePaths } from './definition.ts'
import { columnsOf, fieldValue } from './printer-columns.ts'
import { nestedInteger, nestedText, PathError } from './nested-value.ts'

const VERBS: readonly Verb[] = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']
const SUBRESOURCE_VERBS = ['get', 'patch', 'update']
const STANDARD_FINALIZERS = ['orphan', 'foregroundDeletion', 'kubernetes']
const MAX_INT32 = 2 ** 31 - 1

/** The kind of each served version. `webhook`: how versions become one another, where the definition asks for a webhook. */
export function customResourceKinds(definition: Definition, webhook: ConversionWebhook | undefined): Kind[] {
  return definition.spec.versions.filter((version) => version.served).map((version) => kindOf(definition, version, webhook))
}

function kindOf(definition: Definition, version: DefinitionVersion, webhook: ConversionWebhook | undefined): Kind<KubeObject> {
  const { spec, status } = definition
  const { group, scope } = spec
  const names = status.acceptedNames
  const apiVersion = `${group}/${version.name}`
  const storage = spec.versions.find((candidate) => candidate.storage)!
  const storageApiVersion = `${group}/${storage.name}`
  const schema = version.schema?.openAPIV3Schema
  const { status: statusSubresource, scale } = version.subresources ?? {}
  const terminating = isTrue(definition, 'Terminating')
  const preservesAll = spec.preserveUnknownFields === true
  const fields = (version.selectableFields ?? []).map(({ jsonPath }) => ({ name: jsonPath.replace(/^\./, ''), value: fieldValue(jsonPath) }))
  const subresources: Record<string, SubresourceInfo> = {
    ...(statusSubresource ? { status: { verbs: SUBRESOURCE_VERBS } } : {}),
    ...(scale ? { scale: { verbs: SUBRESOURCE_VERBS, group: 'autoscaling', version: 'v1', kind: 'Scale' } } : {}),
  }
  const check = new Validation({ group, version: version.name, kind: names.kind, namespaced: scope === 'Namespaced', schema, scale })

  const schemaOf = (of: string | undefined) => spec.versions.find(({ name }) => `${group}/${name}` === of)?.schema?.openAPIV3Schema
  const decodeBy = (own: JsonSchema | undefined, value: unknown): ReturnType<CustomKind['decode']> => {
    const object = thaw(value) as KubeObject
    const unknownFields: string[] = []
    let metadata: KubeObject['metadata'] | undefined
    if (object.metadata !== undefined) {
      const decoded = decodeObjectMeta(object.metadata)
      metadata = decoded.metadata
      unknownFields.push(...decoded.unknownFields.map((field) => `metadata.${field}`))
    }
    const isOfKind = object.kind === names.kind && String(object.apiVersion).startsWith(`${group}/`)
    if (isOfKind && !preservesAll) {
      unknownFields.push(...pruneUnknownFields(object, own))
      pruneNulls(object, own)
    }
    if (isOfKind) unknownFields.push(...coerceEmbedded(object, own))
    if (metadata) object.metadata = metadata
    return { object, unknownFields }
  }
  const decode: CustomKind['decode'] = (value) => decodeBy(schema, value)
  const merged: CustomKind['merged'] = (value) => {
    const object = thaw(value) as KubeObject
    try {
      if (object.metadata !== undefined) object.metadata = decodeObjectMeta(object.metadata).metadata
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      // Times aren't read before they are set anew.
      for (const field of ['creationTimestamp', 'deletionTimestamp'] as const) delete object.metadata[field]
      object.metadata = decodeObjectMeta(object.metadata).metadata
    }
    return object
  }
  const coerced = (object: KubeObject) => {
    try {
      return decodeBy(schemaOf(object.apiVersion), object).object
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      return thaw(object) as KubeObject
    }
  }
  // What etcd holds is pruned and completed by the schema of the version it is in; other versions only prune what they don't know.
  const fromEtcd = (stored: KubeObject) => {
    const object = coerced(stored)
    applyStructuralDefaults(object, schemaOf(stored.apiVersion))
    return object
  }
  let schemas: Readonly<Record<string, Schema>> | undefined
  const custom: CustomKind = {
    decode,
    terminating,
    ...(scale ? { scale } : {}),
    get openApi() { return schemas ??= customResourceSchemas(definition, version) },
    usesWebhook: webhook !== undefined,
    needsWebhook: (stored) => webhook !== undefined && stored.apiVersion !== apiVersion,
    convertTo: async (object, to) => (await webhook!.convert([object], to))[0]!,
    mergeTypeIn: (of) => spec.versions.some(({ name }) => `${group}/${name}` === of) ? mergeType(schemaName(group, of.slice(group.length + 1), names.kind)) : undefined,
    merged,
    async convert(stored) {
      const out: KubeObject[] = []
      // k8s: storage decodes, and so converts, object by object
      for (const object of stored) out.push(coerced((await webhook!.convert([fromEtcd(object)], apiVersion))[0]!))
      return out
    },
    read(stored) {
      const object = fromEtcd(stored)
      if (stored.apiVersion !== apiVersion) return coerced({ ...object, apiVersion })
      return deepEqual(object, stored) ? stored : object
    },
    store(draft) {
      if (draft.apiVersion === storageApiVersion) return draft
      if (webhook) return webhook.convert([draft], storageApiVersion).then(([converted]) => coerced(converted!))
      return coerced({ ...draft, apiVersion: storageApiVersion })
    },
  }
  return {
    schema: schemaName(group, version.name, names.kind), group, version: version.name, kind: names.kind, listKind: names.listKind ?? `${names.kind}List`,
    resource: names.plural, singular: names.singular ?? '', shortNames: names.shortNames ?? [], categories: names.categories ?? [], namespaced: scope === 'Namespaced',
    verbs: VERBS, subresources, storageVersion: storage.name, storagePrefix: `${group}/${names.plural}`,
    storageVersionHash: base64Of(sha256(new TextEncoder().encode(`${group}/${storage.name}/${spec.names.kind}`)).subarray(0, 8)),
    ...(version.deprecated ? { deprecationWarning: version.deprecationWarning ?? defaultDeprecationWarning(definition, version) } : {}),
    defaults: (draft) => applyStructuralDefaults(draft, schema),
    validate: (object) => check.creation(object),
    validateUpdate: (object, old) => check.update(object, old),
    validateStatusUpdate: (object, old) => check.statusUpdate(object, old),
    strategy: strategyOf(statusSubresource !== undefined, check),
    columns: columnsOf(version.additionalPrinterColumns),
    selectableFieldNames: ['metadata.name', ...scope === 'Namespaced' ? ['metadata.namespace'] : [], ...fields.map((field) => field.name)],
    selectableFields: (object) => Object.fromEntries(fields.map(({ name, value }) => {
      const found = value(object)
      return [name, found === undefined || found === null ? '' : goSprint(found)]
    })),
    custom,
  }
}

export function isTrue(definition: Definition, type: string): boolean {
  return definition.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false
}

function defaultDeprecationWarning({ spec }: Definition, version: DefinitionVersion): string {
  const text = `${spec.group}/${version.name} ${spec.names.kind} is deprecated`
  const better = spec.versions.filter((other) => other.served && !other.deprecated && compareVersions(version.name, other.name) > 0).map((other) => other.name).sort(compareVersions)[0]
  return better ? `${text}; use ${spec.group}/${better} ${spec.names.kind}` : text
}

/** k8s: customresource strategy.go, status_strategy.go */
function strategyOf(hasStatus: boolean, check: Validation): Strategy<KubeObject> {
  return {
    allowUnconditionalUpdate: false,
    beforeCreate(draft) {
      if (hasStatus) delete draft['status']
      draft.metadata.generation = 1
    },
    beforeUpdate(draft, old) {
      if (hasStatus) {
        if (old['status'] !== undefined) draft['status'] = old['status']
        else delete draft['status']
      }
      const { metadata: _, ...now } = draft
      const { metadata: __, ...before } = old
      if (!deepEqual(now, before)) draft.metadata.generation = (old.metadata.generation ?? 0) + 1
    },
    beforeStatusUpdate(draft, old) {
      const { status } = draft as JsonObject
      const { managedFields, resourceVersion } = draft.metadata
      for (const key of Object.keys(draft)) delete (draft as JsonObject)[key]
      Object.assign(draft, thaw(old))
      if (managedFields) draft.metadata.managedFields = managedFields
      else delete draft.metadata.managedFields
      draft.metadata.resourceVersion = resourceVersion
      if (status !== undefined) draft['status'] = status
      else delete draft['status']
    },
    warningsOnCreate: (object) => finalizerWarnings(object.metadata.finalizers ?? []),
    warningsOnUpdate: (object, old) => [...finalizerWarnings((object.metadata.finalizers ?? []).filter((name) => !old.metadata.finalizers?.includes(name)))],
    warningsOfValidation: (object) => check.takeWarnings(object),
  }
}

/** k8s: customresource validateKubeFinalizerName */
function finalizerWarnings(finalizers: readonly string[]): string[] {
  return [...new Set(finalizers)].sort().flatMap((name) => {
    const at = `metadata.finalizers: ${JSON.stringify(name)}`
    const out = labelKeyProblems(name).map((problem) => `${at}: ${problem}`)
    if (name.includes('/') || STANDARD_FINALIZERS.includes(name)) return out
    return [...out, `${at}: prefer a domain-qualified finalizer name ${name.includes('.') ? 'including a path (/) ' : ''}to avoid accidental conflicts with other finalizer writers`]
  })
}

interface ValidationOptions {
  group: string
  version: string
  kind: string
  namespaced: boolean
  schema: JsonSchema | undefined
  scale: ScalePaths | undefined
}

/** Findings that keep rules from being looked at. k8s: hasBlockingErr */
const BLOCKING = new Set(['FieldValueNotSupported', 'FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany', 'FieldValueTypeInvalid'])

/** What a custom resource may not be. k8s: registry/customresource/validator.go and strategy.go */
class Validation {
  readonly #options: ValidationOptions
  readonly #schema: JsonSchema
  readonly #warnings = new WeakMap<object, string[]>()

  constructor(options: ValidationOptions) {
    this.#options = options
    this.#schema = options.schema ?? {}
  }

  creation(object: Readonly<KubeObject>): Finding[] {
    const typeMeta = this.#typeMeta(object)
    if (typeMeta.length > 0) return typeMeta
    const findings = [
      ...validateAgainstSchema(object, this.#schema), ...this.#specReplicas(object), ...this.#statusReplicas(object),
      ...validateEmbedded(object, this.#schema), ...validateListTypes(object, this.#schema),
    ]
    const metadata = () => validateObjectMeta({ namespaced: this.#options.namespaced, nameRule: dnsSubdomainRule, schema: '' }, object.metadata)
    return [...findings, ...this.#rules(object, findings, metadata)]
  }

  update(object: Readonly<KubeObject>, old: Readonly<KubeObject>): Finding[] {
    const typeMeta = this.#typeMeta(object)
    if (typeMeta.length > 0) return typeMeta
    const correlation = new Correlation(object, old, this.#schema)
    const findings = [
      ...validateAgainstSchema(object, this.#schema, '', correlation), ...this.#specReplicas(object), ...this.#statusReplicas(object), ...validateEmbedded(object, this.#schema),
      ...this.#newListProblems(object, old),
    ]
    return [...findings, ...this.#rules(object, findings, () => [], old, correlation)]
  }

  statusUpdate(object: Readonly<KubeObject>, old: Readonly<KubeObject>): Finding[] {
    const typeMeta = this.#typeMeta(object)
    if (typeMeta.length > 0) return typeMeta
    const correlation = new Correlation(object, old, this.#schema)
    const statusSchema = this.#schema.properties?.['status']
    const findings = [
      ...object['status'] !== undefined && statusSchema ? validateAgainstSchema(object['status'], statusSchema, 'status', correlation.key('status')) : [],
      ...this.#statusReplicas(object), ...this.#newListProblems(object, old),
    ]
    return [...findings, ...this.#rules(object, findings, () => [], old, correlation)]
  }

  /** Warnings of the last validation of an object. */
  takeWarnings(object: Readonly<KubeObject>): string[] {
    return this.#warnings.get(object) ?? []
  }

  #rules(object: Readonly<KubeObject>, before: readonly Finding[], metadata: () => Finding[], old?: Readonly<KubeObject>, correlation?: Correlation): Finding[] {
    if (!hasRules(this.#schema)) return []
    if ([...before, ...metadata()].some((finding) => BLOCKING.has(finding.type)))
      return [invalid('<nil>', null, 'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation')]
    const { findings, warnings } = validateRules(object, this.#schema, old, correlation)
    if (warnings.length > 0) this.#warnings.set(object, warnings)
    return findings
  }

  #newListProblems(object: Readonly<KubeObject>, old: Readonly<KubeObject>): Finding[] {
    const findings = validateListTypes(object, this.#schema)
    return findings.length > 0 && validateListTypes(old, this.#schema).length === 0 ? findings : []
  }

  #typeMeta(object: Readonly<KubeObject>): Finding[] {
    const { group, version, kind } = this.#options
    const findings: Finding[] = []
    if (object.kind !== kind) findings.push(invalid('kind', object.kind ?? '', `must be ${kind}`))
    if (object.apiVersion !== `${group}/${version}`) findings.push(invalid('apiVersion', object.apiVersion ?? '', `must be ${group}/${version}`))
    return findings
  }

  #specReplicas(object: Readonly<KubeObject>): Finding[] {
    const { scale } = this.#options
    return scale ? replicasFindings(object, scale.specReplicasPath) : []
  }

  #statusReplicas(object: Readonly<KubeObject>): Finding[] {
    const { scale } = this.#options
    if (!scale) return []
    const findings = replicasFindings(object, scale.statusReplicasPath)
    if (scale.labelSelectorPath) {
      try {
        nestedText(object, scale.labelSelectorPath)
      } catch (error) {
        if (!(error instanceof PathError)) throw error
        findings.push(invalid(scale.labelSelectorPath, '', error.message))
      }
    }
    return findings
  }
}

const dnsSubdomainRule = (name: string, isPrefix: boolean) => dnsSubdomainProblems(isPrefix ? name.replace(/-$/, 'a') : name)

function replicasFindings(object: Readonly<KubeObject>, path: string): Finding[] {
  try {
    const replicas = nestedInteger(object, path) ?? 0
    if (replicas < 0) return [invalid(path, replicas, 'should be a non-negative integer')]
    return replicas > MAX_INT32 ? [invalid(path, replicas, `should be less than or equal to ${MAX_INT32}`)] : []
  } catch (error) {
    if (!(error instanceof PathError)) throw error
    return [invalid(path, 0, error.message)]
  }
}

