/**
 * What merging needs to know of a type: which lists are sets or maps of what keys, which maps and lists are one value, and how strategic
 * merge treats a field. Compiled from the schema table on first use; CRDs add their own schemas.
 */
import { type Schema, refOf, schemas, typeNode } from '../schema-table.ts'

export type ScalarType = 'string' | 'numeric' | 'boolean' | 'untyped'

/** k8s: structured-merge-diff schema.Atom: what a value of the type may be. Usually one of the three. */
export interface MergeType {
  scalar?: ScalarType
  list?: ListMergeType
  map?: MapMergeType
}

export interface ListMergeType {
  /** One value: whoever owns it owns all of it. Otherwise a set, or with `keys` a map. */
  atomic: boolean
  keys: readonly string[]
  /** Defaults of key fields that may be left out. */
  keyDefaults: Readonly<Record<string, unknown>>
  element: MergeType
}

export interface MapMergeType {
  atomic: boolean
  fields: ReadonlyMap<string, FieldMergeType>
  /** Of keys that aren't fields; absent where there may be none. */
  element?: MergeType
  /** Name of the Go struct, for messages. */
  structName?: string
}

export interface FieldMergeType {
  type: MergeType
  /** How sets of fields name it: `f:spec`. */
  pathElement: string
  default?: unknown
  /** x-kubernetes-patch-strategy, split. */
  patchStrategies: readonly string[]
  patchMergeKey: string
}

const NO_FIELDS: ReadonlyMap<string, FieldMergeType> = new Map()

const untyped: MergeType = { scalar: 'untyped' }
untyped.list = { atomic: true, keys: [], keyDefaults: {}, element: untyped }
untyped.map = { atomic: true, fields: NO_FIELDS, element: untyped }

const deduced: MergeType = { scalar: 'untyped', list: { atomic: true, keys: [], keyDefaults: {}, element: untyped } }
deduced.map = { atomic: false, fields: NO_FIELDS, element: deduced }

/** The type of objects without a schema: maps merge, everything else is one value. */
export const deducedMergeType: MergeType = deduced

const compiled = new Map<string, MergeType>()
const added = new Map<string, Schema>()

/** Makes the schema of a custom resource known under `name` (the `schema` of its Kind), replacing an earlier one. */
export function addMergeSchema(name: string, schema: Schema): void {
  added.set(name, schema)
  compiled.delete(name)
}

/** Forgets a custom resource's schema. */
export function removeMergeSchema(name: string): void {
  added.delete(name)
  compiled.delete(name)
}

/** The type of that name; objects of unknown types merge as if they had no schema. */
export function mergeType(name: string): MergeType {
  const known = compiled.get(name)
  if (known) return known
  const custom = added.get(name)
  const schema = custom ?? schemas[name]
  if (!schema) return deducedMergeType
  // Types refer to themselves, so the object is known before it is filled.
  const type: MergeType = {}
  compiled.set(name, type)
  Object.assign(type, named(name, schema, custom !== undefined))
  if (custom) addObjectFields(type)
  return type
}

function named(name: string, schema: Schema, custom: boolean): MergeType {
  if (name === 'io.k8s.apimachinery.pkg.api.resource.Quantity') return { scalar: 'untyped' }
  if (name === 'io.k8s.apimachinery.pkg.runtime.RawExtension') return untyped
  const type = inline(schema, custom && schema['x-kubernetes-preserve-unknown-fields'] === true)
  if (type.map && schema.properties) type.map.structName = name.split('.').at(-1)!
  return type
}

/** Custom resources may leave kind, apiVersion and metadata out of their schema. */
function addObjectFields(type: MergeType): void {
  if (!type.map) return
  const fields = new Map(type.map.fields)
  for (const name of ['apiVersion', 'kind']) fields.set(name, { type: { scalar: 'string' }, pathElement: `f:${name}`, patchStrategies: [], patchMergeKey: '' })
  fields.set('metadata', { type: mergeType('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'), pathElement: 'f:metadata', patchStrategies: [], patchMergeKey: '' })
  type.map = { ...type.map, fields }
}

/** k8s: kube-openapi/pkg/schemaconv parseSchema */
function inline(schema: Schema, preserve: boolean): MergeType {
  // The schema of a custom resource gives it no type.
  if (schema['x-kubernetes-int-or-string']) return deduced
  switch (schema.type) {
    case 'object':
      return { map: mapOf(schema, preserve) }
    case 'array':
      return { list: listOf(schema, preserve) }
    case 'integer':
    case 'number':
      return { scalar: 'numeric' }
    case 'boolean':
      return { scalar: 'boolean' }
    case 'string':
      return { scalar: schema.format === undefined || schema.format === 'byte' || schema.format === '' ? 'string' : 'untyped' }
    default:
      return { scalar: 'untyped', list: listOf(schema, preserve), map: mapOf(schema, preserve) }
  }
}

function reference(schema: Schema, preserve: boolean): MergeType {
  const name = refOf(schema)
  if (name === undefined) return inline(schema, preserve || schema['x-kubernetes-preserve-unknown-fields'] === true)
  const type = mergeType(name)
  const mapType = schema['x-kubernetes-map-type']
  if (mapType === undefined || !type.map) return type
  return { ...type, map: { ...type.map, atomic: mapType === 'atomic' } }
}

function mapOf(schema: Schema, preserve: boolean): MapMergeType {
  const fields = new Map<string, FieldMergeType>()
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const strategy = property['x-kubernetes-patch-strategy']
    fields.set(name, {
      pathElement: `f:${name}`, type: reference(property, preserve),
      ...(property.default !== undefined ? { default: property.default } : {}),
      patchStrategies: strategy ? strategy.split(',') : [],
      patchMergeKey: property['x-kubernetes-patch-merge-key'] ?? '',
    })
  }
  if (schema['x-kubernetes-embedded-resource']) {
    const wrapper: MergeType = { map: { atomic: false, fields } }
    addObjectFields(wrapper)
    return { ...wrapper.map!, atomic: schema['x-kubernetes-map-type'] === 'atomic', ...(preserve ? { element: deduced } : {}) }
  }
  let element: MergeType | undefined
  if (schema.additionalProperties) element = typeof schema.additionalProperties === 'object' ? reference(schema.additionalProperties, preserve) : deduced
  else if (preserve || fields.size === 0) element = deduced
  return { atomic: schema['x-kubernetes-map-type'] === 'atomic', fields, ...(element ? { element } : {}) }
}

function listOf(schema: Schema, preserve: boolean): ListMergeType {
  const element = schema.items ? reference(schema.items, preserve) : untyped
  const relation = schema['x-kubernetes-list-type']
  let keys: readonly string[] = []
  let atomic = true
  if (relation === 'set') atomic = false
  else if (relation === 'map') {
    atomic = false
    keys = schema['x-kubernetes-list-map-keys'] ?? []
  } else if (relation === undefined && schema['x-kubernetes-patch-strategy']?.split(',').includes('merge')) {
    atomic = false
    const key = schema['x-kubernetes-patch-merge-key']
    keys = key ? [key] : []
  }
  return { atomic, keys, element, get keyDefaults() { return keyDefaultsOf(keys, element) } }
}

function keyDefaultsOf(keys: readonly string[], element: MergeType): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const key of keys) {
    const value = element.map?.fields.get(key)?.default
    // k8s: a zero default is what OpenAPI shows for a required field; it takes part nevertheless
    if (value !== undefined) out[key] = value
  }
  return out
}

const empties = new Map<string, Readonly<Record<string, unknown>>>()

/**
 * A fresh object of a built-in type as Go holds it: structs that aren't pointers are there from the start, so nobody comes to own them.
 */
export function emptyObject(schema: string): Readonly<Record<string, unknown>> {
  const known = empties.get(schema)
  if (known) return known
  const made = schemas[schema] && !added.has(schema) ? emptyStruct(schema) : {}
  empties.set(schema, made)
  return made
}

function emptyStruct(schema: string): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const field of typeNode(schema).fields ?? []) {
    if (field.name === 'kind' || field.name === 'apiVersion') continue
    if (field.pointer || field.omitZero) {
      if (!field.omitEmpty && !field.omitZero) out[field.name] = null
    } else if (field.type.kind === 'struct') {
      const property = schemas[schema]!.properties![field.name]!
      const name = refOf(property)
      out[field.name] = name ? emptyStruct(name) : {}
    } else if (!field.omitEmpty || field.type.kind === 'time' || field.type.kind === 'microtime') {
      // Times are structs, which omitempty doesn't leave out.
      out[field.name] = zeroOf(field.type.kind)
    }
  }
  return out
}

function zeroOf(kind: string): unknown {
  switch (kind) {
    case 'string': return ''
    case 'integer': case 'number': return 0
    case 'boolean': return false
    default: return null
  }
}
