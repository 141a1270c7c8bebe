/** Defaults of a structural schema. k8s: apiextensions-apiserver/pkg/apiserver/schema/defaulting */
import { setOwn, thaw } from '../../../base/freeze.ts'
import { isJsonObject, propertySchema, valuesSchema, type JsonSchema } from './json-schema.ts'

/** Fills in defaults in place. */
export function applyStructuralDefaults(value: unknown, schema: JsonSchema | undefined): void {
  if (!schema || !hasDefaults(schema)) return
  if (Array.isArray(value)) {
    const { items } = schema
    if (!items) return
    for (let i = 0; i < value.length; i++) {
      if (value[i] === null && !items.nullable) value[i] = thaw(items.default ?? null)
      applyStructuralDefaults(value[i], items)
    }
    return
  }
  if (!isJsonObject(value)) return
  for (const name of Object.keys(schema.properties ?? {})) {
    const property = schema.properties![name]!
    if (property.default === undefined || property.default === null) continue
    const given = Object.hasOwn(value, name) ? value[name] : undefined
    if (given === undefined || (given === null && !property.nullable)) setOwn(value, name, thaw(property.default))
  }
  const values = valuesSchema(schema)
  for (const key of Object.keys(value)) {
    const property = propertySchema(schema, key)
    if (property) applyStructuralDefaults(value[key], property)
    else if (values) {
      if (value[key] === null && !values.nullable) setOwn(value, key, thaw(values.default ?? null))
      applyStructuralDefaults(value[key], values)
    }
  }
}

const known = new WeakMap<JsonSchema, boolean>()

/** Whether the schema or one below it has a default, or null items that would become one. */
function hasDefaults(schema: JsonSchema): boolean {
  const before = known.get(schema)
  if (before !== undefined) return before
  const values = valuesSchema(schema)
  const found = (schema.default !== undefined && schema.default !== null)
    || Object.values(schema.properties ?? {}).some(hasDefaults)
    || (schema.items !== undefined && hasDefaults(schema.items))
    || (values !== undefined && hasDefaults(values))
  known.set(schema, found)
  return found
}
