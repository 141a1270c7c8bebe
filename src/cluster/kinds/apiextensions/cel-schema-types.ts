/** The types that rules of a schema see. k8s: apiserver/pkg/cel/common SchemaDeclType */
import { DYN, listType, mapType, simpleType, type CelType } from '../cel/cel-checker.ts'
import { celIdentifier } from '../structural/cel-values.ts'
import type { SentSchema } from './internal-form.ts'

const STRING = simpleType('string')
const FORMATS: Record<string, CelType> = { byte: simpleType('bytes'), duration: simpleType('google.protobuf.Duration'), date: simpleType('google.protobuf.Timestamp'), 'date-time': simpleType('google.protobuf.Timestamp') }

/** Undefined for what rules can't see. */
export function celTypeOfSchema(schema: SentSchema, isResource = schema['x-kubernetes-embedded-resource'] === true): CelType | undefined {
  if (schema['x-kubernetes-int-or-string']) return DYN
  switch (schema.type) {
    case 'array': {
      const items = schema.items && !Array.isArray(schema.items) ? celTypeOfSchema(schema.items as SentSchema) : undefined
      return items && listType(items)
    }
    case 'object': {
      if (typeof schema.additionalProperties === 'object') {
        const values = celTypeOfSchema(schema.additionalProperties)
        return values && mapType(STRING, values)
      }
      const fields: Record<string, CelType> = {}
      for (const name in schema.properties ?? {}) {
        const identifier = celIdentifier(name)
        const type = celTypeOfSchema(schema.properties![name]!)
        if (identifier !== undefined && type) fields[identifier] = type
      }
      if (isResource) {
        fields['kind'] = STRING
        fields['apiVersion'] = STRING
        fields['metadata'] = { name: 'object', fields: { name: STRING, generateName: STRING } }
      }
      return { name: 'object', fields }
    }
    case 'string': return (schema.format && FORMATS[schema.format]) || STRING
    case 'boolean': return simpleType('bool')
    case 'integer': return simpleType('int')
    case 'number': return simpleType('double')
    default: return undefined
  }
}
