/**
 * Definitions as the server holds them: what all versions have in common is written once, above the versions. Findings name fields of that
 * form and show its values. k8s: apiextensions-apiserver/pkg/apis/apiextensions, v1/conversion.go
 */
import { deepEqual } from '../../../base/freeze.ts'
import { givenEmpty } from '../decode.ts'
import { sortKeys } from '../go-text.ts'
import type { CustomResourceDefinitionSpec, CustomResourceDefinitionVersion } from '../generated/types.ts'
import type { JsonSchema } from '../structural/json-schema.ts'

/** A schema as it was sent, with what structural schemas may not have. */
export interface SentSchema extends Omit<JsonSchema, 'items' | 'properties' | 'allOf' | 'anyOf' | 'oneOf' | 'not' | 'additionalProperties'> {
  $ref?: string
  $schema?: string
  id?: string
  items?: SentSchema | readonly SentSchema[]
  properties?: Readonly<Record<string, SentSchema>>
  patternProperties?: Readonly<Record<string, SentSchema>>
  definitions?: Readonly<Record<string, SentSchema>>
  dependencies?: Readonly<Record<string, SentSchema | readonly string[]>>
  additionalProperties?: SentSchema | boolean
  additionalItems?: SentSchema | boolean
  allOf?: readonly SentSchema[]
  anyOf?: readonly SentSchema[]
  oneOf?: readonly SentSchema[]
  not?: SentSchema
  externalDocs?: { description?: string; url?: string }
}

type Version = Pick<CustomResourceDefinitionVersion, 'name' | 'served' | 'storage' | 'deprecated' | 'deprecationWarning'> & PerVersion

/** What may stand above the versions. */
export interface PerVersion {
  schema?: { openAPIV3Schema?: SentSchema }
  subresources?: CustomResourceDefinitionVersion['subresources']
  additionalPrinterColumns?: CustomResourceDefinitionVersion['additionalPrinterColumns']
  selectableFields?: CustomResourceDefinitionVersion['selectableFields']
}

/** The form in which definitions are validated. */
export interface InternalSpec {
  spec: Readonly<CustomResourceDefinitionSpec>
  common: PerVersion
  versions: Version[]
}

const SHARED = ['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields'] as const

/** k8s: Convert_v1_CustomResourceDefinitionSpec_To_apiextensions_CustomResourceDefinitionSpec */
export function internalSpec(spec: Readonly<CustomResourceDefinitionSpec>): InternalSpec {
  const versions = (spec.versions ?? []).map((version) => ({ ...version })) as unknown as Version[]
  const common: Record<string, unknown> = {}
  if (versions.length > 0) {
    for (const field of SHARED) {
      const first = versions[0]![field]
      if (!versions.every((version) => deepEqual(version[field], first))) continue
      if (first !== undefined) common[field] = first
      for (const version of versions) delete version[field]
    }
  }
  return { spec, common: common as PerVersion, versions }
}

/** A version as messages show it. */
export function versionText(version: Readonly<Version>): Record<string, unknown> {
  const { schema, subresources } = version
  return {
    Name: version.name, Served: version.served, Storage: version.storage, Deprecated: version.deprecated ?? false, DeprecationWarning: version.deprecationWarning ?? null,
    Schema: schema ? { OpenAPIV3Schema: schema.openAPIV3Schema ? schemaText(schema.openAPIV3Schema) : null } : null,
    Subresources: subresources ? {
      Status: subresources.status ? {} : null,
      Scale: subresources.scale ? { SpecReplicasPath: subresources.scale.specReplicasPath, StatusReplicasPath: subresources.scale.statusReplicasPath, LabelSelectorPath: subresources.scale.labelSelectorPath ?? null } : null,
    } : null,
    AdditionalPrinterColumns: version.additionalPrinterColumns?.map((column) => ({ Name: column.name, Type: column.type, Format: column.format ?? '', Description: column.description ?? '', Priority: column.priority ?? 0, JSONPath: column.jsonPath })) ?? null,
    SelectableFields: version.selectableFields?.map(({ jsonPath }) => ({ JSONPath: jsonPath })) ?? null,
  }
}

/** A rule as messages show it. */
export function ruleText(rule: Readonly<NonNullable<JsonSchema['x-kubernetes-validations']>[number]>): Record<string, unknown> {
  return { Rule: rule.rule, Message: rule.message ?? '', MessageExpression: rule.messageExpression ?? '', Reason: rule.reason ?? null, FieldPath: rule.fieldPath ?? '', OptionalOldSelf: rule.optionalOldSelf ?? null }
}

/** A schema as messages show it. */
export function schemaText(schema: Readonly<SentSchema>): Record<string, unknown> {
  const none = (field: string) => givenEmpty(schema, field) ? [] : null
  const list = (field: 'allOf' | 'oneOf' | 'anyOf') => schema[field]?.map(schemaText) ?? none(field)
  const map = (field: 'properties' | 'patternProperties' | 'definitions') =>
    schema[field] ? Object.fromEntries(Object.entries(schema[field]).map(([key, value]) => [key, schemaText(value)])) : givenEmpty(schema, field) ? {} : null
  const allows = (value: SentSchema | boolean | undefined) => (value === undefined ? null : typeof value === 'boolean' ? { Allows: value, Schema: null } : { Allows: true, Schema: schemaText(value) })
  return {
    ID: schema.id ?? '', Schema: schema.$schema ?? '', Ref: schema.$ref ?? null, Description: schema.description ?? '', Type: schema.type ?? '', Nullable: schema.nullable ?? false, Format: schema.format ?? '', Title: schema.title ?? '',
    Default: sortKeys(schema.default) ?? null, Maximum: schema.maximum ?? null, ExclusiveMaximum: schema.exclusiveMaximum ?? false, Minimum: schema.minimum ?? null, ExclusiveMinimum: schema.exclusiveMinimum ?? false,
    MaxLength: schema.maxLength ?? null, MinLength: schema.minLength ?? null, Pattern: schema.pattern ?? '', MaxItems: schema.maxItems ?? null, MinItems: schema.minItems ?? null, UniqueItems: schema.uniqueItems ?? false,
    MultipleOf: schema.multipleOf ?? null, Enum: sortKeys(schema.enum) ?? none('enum'), MaxProperties: schema.maxProperties ?? null, MinProperties: schema.minProperties ?? null, Required: schema.required ?? none('required'),
    Items: schema.items ? itemsText(schema.items) : null, AllOf: list('allOf'), OneOf: list('oneOf'), AnyOf: list('anyOf'), Not: schema.not ? schemaText(schema.not) : null, Properties: map('properties'),
    AdditionalProperties: allows(schema.additionalProperties), PatternProperties: map('patternProperties'), Dependencies: schema.dependencies ? Object.fromEntries(Object.entries(schema.dependencies).map(([key, value]) => [key, Array.isArray(value) ? { Schema: null, Property: value } : { Schema: schemaText(value as SentSchema), Property: null }])) : null, AdditionalItems: allows(schema.additionalItems),
    Definitions: map('definitions'), ExternalDocs: schema.externalDocs ? { Description: schema.externalDocs.description ?? '', URL: schema.externalDocs.url ?? '' } : null, Example: sortKeys(schema.example) ?? null,
    XPreserveUnknownFields: schema['x-kubernetes-preserve-unknown-fields'] ?? null, XEmbeddedResource: schema['x-kubernetes-embedded-resource'] ?? false, XIntOrString: schema['x-kubernetes-int-or-string'] ?? false,
    XListMapKeys: schema['x-kubernetes-list-map-keys'] ?? none('x-kubernetes-list-map-keys'), XListType: schema['x-kubernetes-list-type'] ?? null, XMapType: schema['x-kubernetes-map-type'] ?? null,
    XValidations: schema['x-kubernetes-validations']?.map(ruleText) ?? none('x-kubernetes-validations'),
  }
}

export function itemsText(items: SentSchema | readonly SentSchema[]): Record<string, unknown> {
  return Array.isArray(items) ? { Schema: null, JSONSchemas: items.map(schemaText) } : { Schema: schemaText(items as SentSchema), JSONSchemas: null }
}
