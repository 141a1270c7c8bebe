import { withoutV3Only } from '../custom-resources/custom-resource-schemas.ts'
import type { Schema } from '../../kinds/schema-table.ts'

/** What types and their fields mean: by schema, then by field; the empty field is the type itself. */
export type Descriptions = Readonly<Record<string, Readonly<Record<string, string>>>>

const REF = '#/components/schemas/'

/** Names of the schemas that one refers to. */
export function referencesOf(schema: Schema): string[] {
  const out = new Set<string>()
  const visit = (value: unknown): void => {
    if (value === null || typeof value !== 'object') return
    if (Array.isArray(value)) { for (const item of value) visit(item); return }
    for (const [key, item] of Object.entries(value)) {
      if (key === '$ref' && typeof item === 'string') out.add(item.slice(item.lastIndexOf('/') + 1))
      else visit(item)
    }
  }
  visit(schema)
  return [...out]
}

/** A schema for OpenAPI v3, with descriptions. */
export function schemaV3(name: string, schema: Schema, descriptions: Descriptions): Schema {
  const texts = descriptions[name]
  if (!texts) return schema
  return {
    ...(texts[''] ? { description: texts[''] } : {}),
    ...schema,
    ...(schema.properties ? { properties: Object.fromEntries(Object.entries(schema.properties).map(([field, property]) => [field, texts[field] && property.description === undefined ? { description: texts[field], ...property } : property])) } : {}),
  }
}

/** The same for OpenAPI v2: definitions, no defaults on references, plain int-or-string. k8s: kube-openapi openapiconv */
export function schemaV2(name: string, schema: Schema, descriptions: Descriptions, isCustom = false): Schema {
  return lower(schemaV3(name, isCustom ? withoutV3Only(schema) : schema, descriptions)) as Schema
}

function lower(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lower)
  if (value === null || typeof value !== 'object') return value
  const schema = value as Schema
  if (schema.allOf?.length === 1 && schema.allOf[0]!.$ref) {
    const { allOf, default: _, ...rest } = schema
    return { ...(lower(rest) as object), ...(lower(allOf[0]) as object) }
  }
  const out: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(schema)) {
    // k8s: kube-openapi/pkg/schemamutation PruneDefaults
    if (key === 'default') continue
    if (key === '$ref' && typeof item === 'string') out[key] = item.replace(REF, '#/definitions/')
    else if (key === 'oneOf') out['type'] = 'string'
    // Properties may have the names of keywords, as those of schemas themselves do.
    else if (key === 'properties') out[key] = Object.fromEntries(Object.entries(item as Record<string, unknown>).map(([name, property]) => [name, lower(property)]))
    else out[key] = key === 'enum' ? item : lower(item)
  }
  return out
}
