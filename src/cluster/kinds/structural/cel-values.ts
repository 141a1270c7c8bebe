/** JSON data as the rules of a schema see it: typed by the schema. k8s: apiserver/pkg/cel/common UnstructuredToVal, apiserver/pkg/cel/escaping.go */
import { bytesOfBase64 } from '../../../base/base64.ts'
import { celValue } from '../cel/cel-environment.ts'
import { parseDuration, parseTimestamp } from '../cel/cel-time.ts'
import { isJsonObject, propertySchema, valuesSchema, type JsonSchema } from './json-schema.ts'

const RESERVED = new Set(['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while'])
const ESCAPES: Record<string, string> = { __: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' }

/** Whether rules may write the property by its own name too, behind a dot. k8s: apiserver/pkg/cel/types.go recognizeKeywordAsFieldName */
export function isReservedWord(name: string): boolean {
  return RESERVED.has(name)
}

/** A property's name as an identifier; undefined for names that can't be written as one. */
export function celIdentifier(name: string): string | undefined {
  if (RESERVED.has(name)) return `__${name}__`
  if (!/^[a-zA-Z_./-][a-zA-Z0-9_./-]*$/.test(name) || name === '') return undefined
  return name.replace(/__|[./-]/g, (part) => ESCAPES[part]!)
}

/** A value as CEL sees it. Fields that the schema doesn't name can't be seen. */
export function typedCelValue(value: unknown, schema: JsonSchema, isRoot = false): unknown {
  if (value === null || value === undefined) return null
  if (schema['x-kubernetes-int-or-string']) return celValue(value)
  switch (schema.type) {
    case 'object': return isJsonObject(value) ? objectValue(value, schema, isRoot || schema['x-kubernetes-embedded-resource'] === true) : celValue(value)
    case 'array': return Array.isArray(value) && schema.items ? value.map((item) => typedCelValue(item, schema.items!)) : celValue(value)
    case 'integer': return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value
    case 'number': return value
    case 'string': return typeof value === 'string' ? stringValue(value, schema.format) : value
    default: return celValue(value)
  }
}

function objectValue(value: Record<string, unknown>, schema: JsonSchema, isResource: boolean): unknown {
  const out: Record<string, unknown> = {}
  const values = valuesSchema(schema)
  for (const key of Object.keys(value)) {
    const given = value[key]
    if (isResource && (key === 'kind' || key === 'apiVersion')) out[key] = given
    else if (isResource && key === 'metadata') out[key] = metadataValue(given)
    else {
      const property = propertySchema(schema, key)
      if (property) {
        const name = celIdentifier(key)
        if (name !== undefined && (given !== null || property.nullable)) {
          out[name] = typedCelValue(given, property)
          if (isReservedWord(key)) out[key] = out[name]
        }
      } else if (values) out[key] = typedCelValue(given, values)
    }
  }
  return out
}

/** Rules see a resource's name and generateName. */
function metadataValue(metadata: unknown): unknown {
  if (!isJsonObject(metadata)) return metadata
  const { name, generateName } = metadata
  return { ...(name !== undefined ? { name } : {}), ...(generateName !== undefined ? { generateName } : {}) }
}

function stringValue(text: string, format: string | undefined): unknown {
  switch (format) {
    case 'byte':
      try {
        return bytesOfBase64(text)
      } catch {
        return text
      }
    case 'date': return parseTimestamp(`${text}T00:00:00Z`) ?? text
    case 'date-time': case 'datetime': return parseTimestamp(text.toUpperCase()) ?? text
    case 'duration': return parseDuration(text) ?? text
    default: return text
  }
}
