/** What OpenAPI says of a custom resource. k8s: apiextensions-apiserver/pkg/controller/openapi/builder */
import { schemas, type Schema } from '../../kinds/schema-table.ts'
import { deepEqual } from '../../../base/freeze.ts'
import { isJsonObject, type JsonSchema } from '../../kinds/structural/json-schema.ts'
import type { Definition, DefinitionVersion } from './definition.ts'

const API_VERSION = 'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources'
const KIND = 'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds'
const EMBEDDED_API_VERSION = 'apiVersion defines the versioned schema of this representation of an object. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources'
const EMBEDDED_KIND = 'kind is a string value representing the type of this object. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds'
const OBJECT_METADATA = "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
const LIST_METADATA = 'Standard list metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds'
const REF = '#/components/schemas/'

/** `com.example.stable.v1.CronTab`: a type's name among all. */
export function schemaName(group: string, version: string, kind: string): string {
  return `${group.split('.').reverse().join('.')}.${version}.${kind}`
}

const reference = (name: string, description: string): Schema => ({ description, allOf: [{ $ref: REF + name }] })
const objectMeta = () => reference('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', OBJECT_METADATA)

/** Schemas of the kind and its list, for OpenAPI v3. */
export function customResourceSchemas({ spec, status }: Definition, version: DefinitionVersion): Record<string, Schema> {
  const { group } = spec
  const { kind, listKind = `${kind}List`, plural } = status.acceptedNames
  const name = schemaName(group, version.name, kind)
  const given = version.schema?.openAPIV3Schema
  const gvk = (of: string) => ({ 'x-kubernetes-group-version-kind': [{ group, version: version.name, kind: of }] })
  const typeMeta = { apiVersion: { description: API_VERSION, type: 'string' }, kind: { description: KIND, type: 'string' } }
  const own: Schema = given
    ? { ...embedded(given), properties: { ...embedded(given).properties, ...typeMeta, metadata: objectMeta() }, ...gvk(kind) }
    : { type: 'object', ...gvk(kind) }
  const selectable = version.selectableFields?.length ? { 'x-kubernetes-selectable-fields': version.selectableFields.map(({ jsonPath }) => ({ fieldPath: jsonPath.replace(/^\./, '') })) } : {}
  return {
    [name]: { ...own, ...selectable },
    [schemaName(group, version.name, listKind)]: {
      description: `${listKind} is a list of ${kind}`, type: 'object', required: ['items'],
      properties: {
        ...typeMeta,
        items: { description: `List of ${plural}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md`, type: 'array', items: { $ref: REF + name } },
        metadata: reference('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta', LIST_METADATA),
      },
      ...gvk(listKind), ...selectable,
    },
  }
}

const INT_OR_STRING: readonly JsonSchema[] = [{ type: 'integer' }, { type: 'string' }]

/** Says of an integer or string what it may be. k8s: apiserver/schema/unfold.go */
function unfolded(schema: JsonSchema): JsonSchema {
  if (deepEqual(schema.anyOf, INT_OR_STRING) || deepEqual(schema.allOf?.[0]?.anyOf, INT_OR_STRING)) return schema
  return schema.anyOf ? { ...schema, allOf: [{ anyOf: INT_OR_STRING }, ...schema.allOf ?? []] } : { ...schema, anyOf: INT_OR_STRING }
}

/** With the fields that embedded resources have. Shares what is as it was. */
function embedded(schema: JsonSchema): Schema {
  const properties = schema.properties && changedValues(schema.properties)
  const items = schema.items && embedded(schema.items)
  const values = typeof schema.additionalProperties === 'object' ? embedded(schema.additionalProperties) : undefined
  if (schema['x-kubernetes-int-or-string']) return unfolded(schema) as Schema
  if (!schema['x-kubernetes-embedded-resource']) {
    if (properties === schema.properties && items === schema.items && (values === undefined || values === schema.additionalProperties)) return schema as Schema
    return { ...schema, ...(properties ? { properties } : {}), ...(items ? { items } : {}), ...(values ? { additionalProperties: values } : {}) } as Schema
  }
  const required = [...schema.required ?? []]
  for (const field of ['kind', 'apiVersion']) if (!required.includes(field)) required.push(field)
  return {
    ...schema, ...(items ? { items } : {}), ...(values ? { additionalProperties: values } : {}), required,
    properties: { ...properties, apiVersion: { description: EMBEDDED_API_VERSION, type: 'string' }, kind: { description: EMBEDDED_KIND, type: 'string' }, metadata: objectMeta() },
  } as Schema
}

function changedValues(properties: Readonly<Record<string, JsonSchema>>): Readonly<Record<string, JsonSchema>> {
  let out: Record<string, JsonSchema> | undefined
  for (const [name, property] of Object.entries(properties)) {
    const next = embedded(property) as JsonSchema
    if (next !== property) (out ??= { ...properties })[name] = next
  }
  return out ?? properties
}

/**
 * The form for OpenAPI v2, which knows neither nullable values nor alternatives; what clients would read too strictly is left out.
 * k8s: controller/openapi/v2 ToStructuralOpenAPIV2
 */
export function withoutV3Only(schema: Schema): Schema {
  const isRoot = schema['x-kubernetes-group-version-kind'] !== undefined
  if (isRoot && schema['x-kubernetes-preserve-unknown-fields']) return { type: 'object', 'x-kubernetes-group-version-kind': schema['x-kubernetes-group-version-kind']! }
  return lowered(schema)
}

function lowered(schema: Schema): Schema {
  if (schema.allOf?.length === 1 && schema.allOf[0]!.$ref) return schema
  const { allOf: _, oneOf: __, anyOf: ___, not: ____, default: _____, nullable, ...rest } = schema
  const out: Schema = { ...rest }
  if (nullable) {
    delete out.type
    delete out.items
    delete out.properties
  }
  if (schema['x-kubernetes-preserve-unknown-fields']) {
    delete out.items
    delete out.properties
    // Clients would take the fields of embedded resources for all that there may be.
    if (out['x-kubernetes-embedded-resource'] && out.required) {
      const required = out.required.filter((name) => name !== 'kind' && name !== 'apiVersion')
      if (required.length > 0) out.required = required
      else delete out.required
    }
    if (out.type === 'object') delete out.type
  }
  if (out.type === 'array' && !out.items) delete out.type
  if (out.properties) {
    const optional = Object.entries(out.properties).filter(([, property]) => property['nullable']).map(([name]) => name)
    if (out.required && optional.length > 0) out.required = out.required.filter((name) => !optional.includes(name))
    if (out.required?.length === 0) delete out.required
    out.properties = Object.fromEntries(Object.entries(out.properties).map(([name, property]) => [name, lowered(property)]))
  }
  if (out.items) out.items = lowered(out.items)
  if (isJsonObject(out.additionalProperties)) out.additionalProperties = lowered(out.additionalProperties as Schema)
  return out
}

/** A schema by name, built-in or custom. */
export function schemaOf(name: string, custom: Readonly<Record<string, Schema>>): Schema | undefined {
  return Object.hasOwn(custom, name) ? custom[name] : schemas[name]
}
