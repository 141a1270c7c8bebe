/** Values of an update beside what they were before, as far as the schema lets tell. k8s: apiserver/pkg/cel/common CorrelatedObject */
import { deepEqual } from '../../../base/freeze.ts'
import { isJsonObject, propertySchema, valuesSchema, type JsonSchema } from './json-schema.ts'

/** A new value and the old one that it came from. */
export class Correlation {
  readonly value: unknown
  readonly old: unknown
  readonly #schema: JsonSchema
  #same: boolean | undefined
  #oldByKey: Map<string, unknown> | undefined

  constructor(value: unknown, old: unknown, schema: JsonSchema) {
    this.value = value
    this.old = old
    this.#schema = schema
  }

  /** Nothing has changed here, as far as everything below can be told apart by the schema. */
  get same(): boolean {
    return this.#same ??= this.#isSame()
  }

  #isSame(): boolean {
    const { value, old } = this
    if (Array.isArray(value)) {
      if (!Array.isArray(old) || value.length !== old.length) return false
      if (this.#schema['x-kubernetes-list-type'] !== 'map') return deepEqual(value, old)
      return value.every((_, i) => this.index(i)?.same ?? false)
    }
    if (!isJsonObject(value)) return deepEqual(value, old)
    if (!isJsonObject(old)) return false
    const keys = Object.keys(value)
    return keys.length === Object.keys(old).length && keys.every((key) => this.key(key)?.same ?? false)
  }

  /** The field below, where both sides have it. */
  key(field: string): Correlation | undefined {
    const { value, old } = this
    if (!isJsonObject(value) || !isJsonObject(old) || !Object.hasOwn(value, field) || !Object.hasOwn(old, field)) return undefined
    const schema = propertySchema(this.#schema, field) ?? valuesSchema(this.#schema)
    return schema && new Correlation(value[field], old[field], schema)
  }

  /** The item below: only lists that are maps have items with an identity. */
  index(i: number): Correlation | undefined {
    const { value, old } = this
    const { items } = this.#schema
    if (!items || !Array.isArray(value) || !Array.isArray(old)) return undefined
    const before = oldItem(this.#schema, value[i], () => this.#oldByKey ??= itemsByKey(this.#schema, old))
    return before === undefined || before === null ? undefined : new Correlation(value[i], before, items)
  }
}

/** Items of a list that is a map, by their keys. */
export function itemsByKey(schema: JsonSchema, items: readonly unknown[]): Map<string, unknown> {
  const out = new Map<string, unknown>()
  for (const item of items) {
    const key = keyOf(schema, item)
    if (key !== undefined && !out.has(key)) out.set(key, item)
  }
  return out
}

/** The item with the same keys among the old ones. */
export function oldItem(schema: JsonSchema, item: unknown, olds: () => Map<string, unknown>): unknown {
  if (schema['x-kubernetes-list-type'] !== 'map') return undefined
  const key = keyOf(schema, item)
  return key === undefined ? undefined : olds().get(key)
}

function keyOf(schema: JsonSchema, item: unknown): string | undefined {
  if (!isJsonObject(item)) return undefined
  const values = (schema['x-kubernetes-list-map-keys'] ?? []).map((field) => item[field])
  // Only scalars tell items apart. k8s: apiserver/pkg/cel/common maplist.go CompositeKeyFor
  return values.some((value) => value === undefined || value === null || typeof value === 'object') ? undefined : JSON.stringify(values)
}
