/** The types that rules of a schema see, with the sizes it allows. k8s: apiserver/pkg/cel/common SchemaDeclType */
import { DYN, listType, mapType, simpleType, type CelType } from '../cel/cel-checker.ts'
import { celIdentifier, isReservedWord } from '../structural/cel-values.ts'
import type { SentSchema } from './internal-form.ts'

/** Bytes of the largest request that sizes are reckoned with. k8s: apiserver/pkg/apis/cel MaxRequestSizeBytes */
export const LARGEST_REQUEST = 3 * 1024 * 1024
/** What brackets or quotes take. */
const ENCLOSING = 2
/** Bytes in UTF-8 of a character at most. */
const CHARACTER_BYTES = 4

/** How long values of a format are as JSON. */
interface FormatType {
  type: string
  most: number
  leastBytes: number
}
const FORMATS: Record<string, FormatType> = {
  duration: { type: 'google.protobuf.Duration', most: 32, leastBytes: 3 },
  date: { type: 'google.protobuf.Timestamp', most: 12, leastBytes: 12 },
  'date-time': { type: 'google.protobuf.Timestamp', most: 32, leastBytes: 21 },
}

const limited = (type: CelType, most: number, leastBytes: number): CelType => ({ ...type, limits: { most: Math.max(most, 0), leastBytes } })
const scalar = (name: string, leastBytes: number) => limited(simpleType(name), 0, leastBytes)
const KEY = simpleType('string')
const TEXT = limited(simpleType('string'), LARGEST_REQUEST - ENCLOSING, ENCLOSING)
const leastBytes = (type: CelType) => type.limits?.leastBytes ?? 0

/** The type with names for the objects in it, by which messages call them and by which they are told apart. k8s: DeclType.MaybeAssignTypeName */
export function namedType(type: CelType, name: string): CelType {
  if (type.fields) {
    const own = type.name === 'object' ? name : type.name
    return { ...type, name: own, fields: Object.fromEntries(Object.entries(type.fields).map(([field, inner]) => [field, namedType(inner, `${own}.${field}`)])) }
  }
  const [first, second] = type.params ?? []
  if (type.name === 'list' && first) return { ...type, params: [namedType(first, `${name}.@idx`)] }
  return type.name === 'map' && first && second ? { ...type, params: [first, namedType(second, `${name}.@elem`)] } : type
}

/** Undefined for what rules can't see. */
export function celTypeOfSchema(schema: SentSchema, isResource = schema['x-kubernetes-embedded-resource'] === true): CelType | undefined {
  if (schema['x-kubernetes-int-or-string']) return limited(DYN, schema.maxLength === undefined ? LARGEST_REQUEST - ENCLOSING : schema.maxLength * CHARACTER_BYTES, 1)
  switch (schema.type) {
    case 'array': {
      const items = schema.items && !Array.isArray(schema.items) ? celTypeOfSchema(schema.items as SentSchema) : undefined
      return items && limited(listType(items), schema.maxItems ?? Math.floor((LARGEST_REQUEST - ENCLOSING) / (leastBytes(items) + 1)), ENCLOSING)
    }
    case 'object': return objectType(schema, isResource)
    case 'string': return stringType(schema)
    case 'boolean': return scalar('bool', 4)
    case 'integer': return scalar('int', 1)
    case 'number': return scalar('double', 1)
    default: return undefined
  }
}

/** Whether the schema says itself what every resource has. k8s: WithTypeAndObjectMeta */
function hasObjectMeta({ properties }: SentSchema): boolean {
  const isText = (of: SentSchema | undefined) => of?.type === 'string'
  const metadata = properties?.['metadata']
  return isText(properties?.['kind']) && isText(properties?.['apiVersion']) && metadata?.type === 'object' && isText(metadata.properties?.['name']) && isText(metadata.properties?.['generateName'])
}

function objectType(schema: SentSchema, asResource: boolean): CelType | undefined {
  const isResource = asResource && !hasObjectMeta(schema)
  if (typeof schema.additionalProperties === 'object') {
    const values = celTypeOfSchema(schema.additionalProperties)
    // A key with quotes, a colon, a comma: six bytes and the value.
    return values && limited(mapType(KEY, values), schema.maxProperties ?? Math.floor((LARGEST_REQUEST - ENCLOSING) / (leastBytes(values) + 6)), ENCLOSING)
  }
  const fields: Record<string, CelType> = {}
  let least = ENCLOSING
  const add = (name: string, type: CelType | undefined, filledIn: boolean) => {
    if (!type) return
    const identifier = celIdentifier(name)
    if (identifier !== undefined) fields[identifier] = type
    if (isReservedWord(name)) fields[name] = type
    if (!filledIn && schema.required?.includes(name)) least += name.length + leastBytes(type) + 4
  }
  for (const name in schema.properties ?? {}) {
    const property = schema.properties![name]!
    if (!isResource || (name !== 'kind' && name !== 'apiVersion' && name !== 'metadata')) add(name, celTypeOfSchema(property), property.default !== undefined && property.default !== null)
  }
  if (isResource) {
    add('kind', TEXT, false)
    add('apiVersion', TEXT, false)
    add('metadata', limited({ name: 'object', fields: { name: TEXT, generateName: TEXT } }, 0, ENCLOSING), false)
  }
  return limited({ name: 'object', fields }, 0, least)
}

function stringType({ format, maxLength, enum: values }: SentSchema): CelType {
  if (format === 'byte') return limited(simpleType('bytes'), maxLength ?? LARGEST_REQUEST - ENCLOSING, ENCLOSING)
  const known = format && Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined
  if (known) return limited(simpleType(known.type), known.most, known.leastBytes)
  if (maxLength !== undefined) return limited(simpleType('string'), maxLength * CHARACTER_BYTES, ENCLOSING)
  if (!values?.length) return TEXT
  return limited(simpleType('string'), Math.max(...values.map((value) => (typeof value === 'string' ? new TextEncoder().encode(value).length : 0))), ENCLOSING)
}
