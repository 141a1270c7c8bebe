import { compareQuantities } from '../../cluster/kinds/quantity.ts'
import type { KubeObject } from '../../cluster/kinds/object.ts'
import { JsonPath, relaxedJsonPath } from '../../cluster/kinds/jsonpath.ts'

/** A sort order that Go's client can't compute; it ends the program there. */
export class UnsortableField extends Error {}

/**
 * The objects in the order of a field. k8s: kubectl/pkg/cmd/get sorter
 * @throws Error when no object has the field.
 */
export function sortedBy<T>(items: readonly T[], path: string, objectOf: (item: T) => KubeObject | undefined): T[] {
  const field = relaxedJsonPath(path)
  const parser = new JsonPath(field, { allowMissingKeys: true })
  const keyed = items.map((item) => ({ item, key: parser.find(objectOf(item) ?? {})[0]?.[0] }))
  if (items.length > 0 && keyed.every((k) => k.key === undefined)) throw new Error(`couldn't find any field with path ${JSON.stringify(field)} in the list of objects`)
  for (const { key } of keyed) if (typeof key === 'object' && key !== null && items.length > 1)
    throw new UnsortableField(`Field ${field} in [][][]reflect.Value is an unsortable type: interface, err: unsortable type: ${Array.isArray(key) ? '[]interface {}' : 'map[string]interface {}'}`)
  return keyed.sort((a, b) => compareValues(a.key, b.key)).map((k) => k.item)
}

function compareValues(a: unknown, b: unknown): number {
  if (a === undefined || a === null) return b === undefined || b === null ? 0 : -1
  if (b === undefined || b === null) return 1
  if (typeof a === 'string' && typeof b === 'string') {
    try {
      return compareQuantities(a, b)
    } catch {
      return naturalCompare(a, b)
    }
  }
  return (a as number) < (b as number) ? -1 : a === b ? 0 : 1
}

/** Digits by value, the rest by code. */
function naturalCompare(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? []
  const right = b.match(/\d+|\D+/g) ?? []
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const x = left[i]!, y = right[i]!
    if (x === y) continue
    if (/^\d/.test(x) && /^\d/.test(y)) {
      const difference = Number(x) - Number(y)
      if (difference !== 0) return difference
    }
    return x < y ? -1 : 1
  }
  return left.length - right.length
}
