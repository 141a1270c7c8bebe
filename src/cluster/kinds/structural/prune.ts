/** Removal of what a structural schema doesn't know. k8s: apiextensions-apiserver/pkg/apiserver/schema/{pruning,defaulting} */
import { asResourceRoot, isJsonObject, propertySchema, valuesSchema, type JsonObject, type JsonSchema } from './json-schema.ts'

const META_FIELDS = new Set(['apiVersion', 'kind', 'metadata'])

/** Drops unknown fields of a resource in place and answers with their paths, sorted. */
export function pruneUnknownFields(resource: JsonObject, schema: JsonSchema | undefined): string[] {
  const unknown: string[] = []
  prune(resource, asResourceRoot(schema), '', unknown)
  return unknown.sort()
}

function prune(value: unknown, schema: JsonSchema | undefined, path: string, unknown: string[]): void {
  if (schema?.['x-kubernetes-preserve-unknown-fields']) return skip(value, schema, path, unknown)
  if (Array.isArray(value)) {
    value.forEach((item, i) => prune(item, schema?.items, `${path}[${i}]`, unknown))
    return
  }
  if (!isJsonObject(value)) return
  for (const key of Object.keys(value)) {
    if (schema?.['x-kubernetes-embedded-resource'] && META_FIELDS.has(key)) continue
    const below = path ? `${path}.${key}` : key
    const property = propertySchema(schema, key)
    if (property) prune(value[key], property, below, unknown)
    else if (schema?.additionalProperties !== undefined) prune(value[key], valuesSchema(schema), below, unknown)
    else {
      if (!META_FIELDS.has(key) || path) unknown.push(below)
      delete value[key]
    }
  }
}

/** Below x-kubernetes-preserve-unknown-fields only what has a schema is pruned. */
function skip(value: unknown, schema: JsonSchema | undefined, path: string, unknown: string[]): void {
  if (!schema) return
  if (Array.isArray(value)) {
    value.forEach((item, i) => skip(item, schema.items, `${path}[${i}]`, unknown))
    return
  }
  if (!isJsonObject(value)) return
  for (const key of Object.keys(value)) {
    if (schema['x-kubernetes-embedded-resource'] && META_FIELDS.has(key)) continue
    const below = path ? `${path}.${key}` : key
    const property = propertySchema(schema, key)
    if (property) prune(value[key], property, below, unknown)
    else if (schema.additionalProperties !== undefined) prune(value[key], valuesSchema(schema), below, unknown)
  }
}

/** Drops nulls where the schema allows none and has no default to put in their place. */
export function pruneNulls(value: unknown, schema: JsonSchema | undefined): void {
  if (Array.isArray(value)) {
    for (const item of value) pruneNulls(item, schema?.items)
    return
  }
  if (!isJsonObject(value)) return
  for (const key of Object.keys(value)) {
    const below = propertySchema(schema, key) ?? (schema && valuesSchema(schema))
    if (value[key] === null && below && !below.nullable && isAbsent(below.default)) delete value[key]
    else pruneNulls(value[key], below)
  }
}

const isAbsent = (value: unknown) => value === undefined || value === null
