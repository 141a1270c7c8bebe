/** Lists that must not hold a thing twice. k8s: apiextensions-apiserver/pkg/apiserver/schema/listtype */
import { duplicate, invalid, type Finding } from '../findings.ts'
import { goJson } from '../go-text.ts'
import { childPath, isJsonObject, keyPath, propertySchema, valuesSchema, type JsonSchema } from './json-schema.ts'

const concerned = new WeakMap<JsonSchema, boolean>()

function hasSetsOrMaps(schema: JsonSchema): boolean {
  const before = concerned.get(schema)
  if (before !== undefined) return before
  const values = valuesSchema(schema)
  const type = schema['x-kubernetes-list-type']
  const found = type === 'set' || type === 'map' || Object.values(schema.properties ?? {}).some(hasSetsOrMaps)
    || (schema.items !== undefined && hasSetsOrMaps(schema.items)) || (values !== undefined && hasSetsOrMaps(values))
  concerned.set(schema, found)
  return found
}

/** Items that come twice in sets, and keys that come twice in lists that are maps. */
export function validateListTypes(value: unknown, schema: JsonSchema | undefined, path = ''): Finding[] {
  if (!schema || !hasSetsOrMaps(schema)) return []
  if (Array.isArray(value)) {
    const type = schema['x-kubernetes-list-type']
    const findings = type === 'set' ? repeatedIn(value).map((i) => duplicate(`${path}[${i}]`, value[i]))
      : type === 'map' ? validateListMap(value, schema['x-kubernetes-list-map-keys'] ?? [], path) : []
    if (schema.items) value.forEach((item, i) => findings.push(...validateListTypes(item, schema.items, `${path}[${i}]`)))
    return findings
  }
  if (!isJsonObject(value)) return []
  const values = valuesSchema(schema)
  const keys = Object.keys(value).sort()
  return [
    ...values ? keys.flatMap((key) => validateListTypes(value[key], values, keyPath(path, key))) : [],
    ...keys.flatMap((key) => validateListTypes(value[key], propertySchema(schema, key), childPath(path, key))),
  ]
}

/** Positions where something already seen comes for the first time again. */
function repeatedIn(items: readonly unknown[]): number[] {
  const times = new Map<unknown, number>()
  const repeated: number[] = []
  items.forEach((item, i) => {
    const key = typeof item === 'object' && item !== null ? `json:${goJson(item)}` : typeof item === 'string' ? `text:${item}` : item
    const before = times.get(key) ?? 0
    times.set(key, before + 1)
    if (before === 1) repeated.push(i)
  })
  return repeated
}

function validateListMap(items: readonly unknown[], keyFields: readonly string[], path: string): Finding[] {
  for (const [i, item] of items.entries()) {
    if (item !== null && !isJsonObject(item)) return [invalid(`${path}[${i}]`, item, 'must be an object for an array of list-type map')]
  }
  const keys = items.map((item) => Object.fromEntries(keyFields.filter((field) => isJsonObject(item) && item[field] !== undefined).sort().map((field) => [field, (item as Record<string, unknown>)[field]])))
  return repeatedIn(keys).map((i) => duplicate(`${path}[${i}]`, keys[i]))
}
