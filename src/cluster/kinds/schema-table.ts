/**
 * The schema table, compiled: what fields a type has, in Go's order, and how Go would print them. Everything that must know the shape of a
 * built-in object (decoding, pruning, OpenAPI) reads these nodes. Compiled on first use, type by type.
 */
import schemaTable from './schemas.json' with { type: 'json' }
import goFields from './go-fields.json' with { type: 'json' }

/** An entry of schemas.json: OpenAPI v3, without descriptions. */
export interface Schema {
  type?: string
  format?: string
  $ref?: string
  allOf?: Schema[]
  oneOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  additionalProperties?: Schema
  enum?: unknown[]
  default?: unknown
  description?: string
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[]
  'x-kubernetes-list-type'?: string
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-map-type'?: string
  'x-kubernetes-patch-merge-key'?: string
  'x-kubernetes-patch-strategy'?: string
  'x-kubernetes-unions'?: unknown
  [extension: string]: unknown
}

/** All types of the API by their OpenAPI name, e.g. `io.k8s.api.core.v1.Pod`. */
export const schemas = schemaTable as unknown as Readonly<Record<string, Schema>>

/** How a value is read and written. `raw` is any JSON, kept as it is. */
export type NodeKind =
  | 'string' | 'integer' | 'number' | 'boolean' | 'bytes' | 'time' | 'microtime' | 'quantity' | 'int-or-string' | 'raw'
  | 'schema-or-bool' | 'schema-or-array' | 'schema-or-strings' | 'struct' | 'list' | 'map'

/** A type. */
export interface TypeNode {
  readonly kind: NodeKind
  /** As Go names it in errors: `int32`, `[]v1.Container`, `map[string]string`. */
  readonly goType: string
  /** Of integers: 32 or 64. */
  readonly bits?: number
  /** Of structs: the name without package; the fields in Go's order. */
  readonly structName?: string
  readonly fields?: readonly FieldNode[]
  readonly byName?: ReadonlyMap<string, FieldNode>
  /** Of structs: the fields that Go writes when nothing was given, in its order. */
  readonly required?: readonly FieldNode[]
  /** Of lists and maps. */
  readonly items?: TypeNode
}

/** A field of a struct. */
export interface FieldNode {
  readonly name: string
  /** Its place among the fields of its struct. */
  readonly index: number
  readonly type: TypeNode
  /** Absent and zero are different. */
  readonly pointer: boolean
  readonly omitEmpty: boolean
  readonly omitZero: boolean
  /** An empty list is told from none, so that it can be refused. */
  readonly keepsEmpty: boolean
  /** The embedded Go struct the field comes from, which Go's errors name in paths. */
  readonly embeddedIn: readonly string[]
}

/** Lists in which validation finds fault with being empty, but not with being absent. What is let in has none of these empty. */
const KEEPS_EMPTY = new Set(['io.k8s.api.autoscaling.v2.HPAScalingRules.policies'])

const REF = '#/components/schemas/'
const SPECIAL: Record<string, NodeKind> = {
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'time',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'microtime',
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'quantity',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'int-or-string',
  'io.k8s.apimachinery.pkg.runtime.RawExtension': 'raw',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'raw',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Patch': 'raw',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON': 'raw',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool': 'schema-or-bool',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray': 'schema-or-array',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray': 'schema-or-strings',
}

/** The name a schema refers to, if it does: `{allOf: [{$ref}]}` or `{$ref}`. */
export function refOf(schema: Schema): string | undefined {
  const ref = schema.$ref ?? (schema.allOf?.length === 1 ? schema.allOf[0]!.$ref : undefined)
  return ref?.startsWith(REF) ? ref.slice(REF.length) : undefined
}

const compiled = new Map<string, TypeNode>()

/** The compiled form of a type of the table. @throws Error for a name that isn't in it */
export function typeNode(name: string): TypeNode {
  const known = compiled.get(name)
  if (known) return known
  const schema = schemas[name]
  if (!schema) throw new Error(`no schema named ${name}`)
  const parts = name.split('.')
  const goName = `${parts.at(-2)}.${parts.at(-1)}`
  const special = SPECIAL[name]
  if (special || !schema.properties) {
    const node: TypeNode = { kind: special ?? (schema.type === 'object' ? 'struct' : 'string'), goType: goName, structName: parts.at(-1)!, fields: [], byName: new Map(), required: [] }
    compiled.set(name, node)
    return node
  }
  // Types refer to themselves (JSONSchemaProps), so the node is known before its fields are.
  const fields: FieldNode[] = []
  const byName = new Map<string, FieldNode>()
  const required: FieldNode[] = []
  const node: TypeNode = { kind: 'struct', goType: goName, structName: parts.at(-1)!, fields, byName, required }
  compiled.set(name, node)
  const facts = (goFields as Record<string, string>)[name] ?? ''
  for (const fact of facts.split(';')) {
    if (!fact) continue
    const [path = '', flags = '', goType = ''] = fact.split(' ')
    const [fieldName = '', ...embeddedIn] = path.split('@')
    const property = schema.properties[fieldName]!
    const field: FieldNode = {
      name: fieldName, index: fields.length, type: nodeOf(property, goType), pointer: flags.includes('p'), omitEmpty: flags.includes('o'), omitZero: flags.includes('z'), keepsEmpty: KEEPS_EMPTY.has(`${name}.${fieldName}`), embeddedIn,
    }
    fields.push(field)
    byName.set(fieldName, field)
    if (!mayOmit(field)) required.push(field)
  }
  return node
}

function nodeOf(schema: Schema, goType: string): TypeNode {
  const name = refOf(schema)
  if (name !== undefined) {
    const node = typeNode(name)
    return node.kind === 'struct' || node.goType === goType ? node : { ...node, goType }
  }
  switch (schema.type) {
    case 'array':
      return { kind: 'list', goType, items: nodeOf(schema.items ?? {}, elementType(goType)) }
    case 'object':
      return schema.additionalProperties ? { kind: 'map', goType, items: nodeOf(schema.additionalProperties, elementType(goType)) } : { kind: 'raw', goType }
    case 'string':
      return { kind: schema.format === 'byte' ? 'bytes' : 'string', goType }
    case 'integer':
      return { kind: 'integer', goType, bits: schema.format === 'int32' ? 32 : 64 }
    case 'number':
      return { kind: 'number', goType }
    case 'boolean':
      return { kind: 'boolean', goType }
    default:
      return { kind: 'raw', goType }
  }
}

/** Named list and map types, as far as the table uses them. */
const NAMED: Record<string, string> = { 'v1.ResourceList': 'resource.Quantity', 'v1.ExtraValue': 'string', 'v1.ValidationRules': 'v1.ValidationRule', 'v1.Verbs': 'string' }

function elementType(goType: string): string {
  if (goType.startsWith('[]')) return goType.slice(2)
  if (goType.startsWith('map[')) return goType.slice(goType.indexOf(']') + 1)
  return NAMED[goType] ?? goType
}

/** Whether Go leaves the field out when nothing was given. */
export function mayOmit(field: FieldNode): boolean {
  if (field.pointer || field.omitZero) return field.omitEmpty || field.omitZero
  if (!field.omitEmpty) return false
  // omitempty has no effect on struct values.
  switch (field.type.kind) {
    case 'struct': case 'time': case 'microtime': case 'quantity': case 'int-or-string': case 'schema-or-bool': case 'schema-or-array': case 'schema-or-strings':
      return false
    case 'raw':
      return !field.type.goType.endsWith('.RawExtension') && !field.type.goType.endsWith('.JSON')
    default:
      return true
  }
}
