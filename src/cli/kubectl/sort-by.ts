import { goSort } from './go-sort.ts'
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
  return goSort(keyed, (a, b) => a.key === undefined || (b.key !== undefined && isLess(a.key, b.key, field))).map((k) => k.item)
}

/** Texts that are both quantities by their amounts, others by code. k8s: isLess */
function isLess(a: unknown, b: unknown, field: string): boolean {
  if (typeof a === 'object' && a !== null)
    throw new UnsortableField(`Field ${field} in [][][]reflect.Value is an unsortable type: interface, err: unsortable type: ${Array.isArray(a) ? '[]interface {}' : 'map[string]interface {}'}`)
  if (a === null || b === null) return a === null && b !== null
  if (typeof a !== 'string' || typeof b !== 'string') return (a as number) < (b as number)
  try {
    return compareQuantities(a, b) < 0
  } catch {
    return a < b
  }
}
