import { goSort } from './go-sort.ts'
import { compareQuantities } from '../../cluster/kinds/quantity.ts'
import type { KubeObject } from '../../cluster/kinds/object.ts'
import { JsonPath, relaxedJsonPath } from '../../cluster/kinds/jsonpath.ts'

/** A sort order that Go's client can't compute; it ends the program there. */
export class UnsortableField extends Error {
  /** Where upstream says so: `sorter.go:375`. */
  readonly place: string
  constructor(field: string, what: string, inRows: boolean) {
    super(`Field ${field} in ${inRows ? '[][][]reflect.Value' : '*unstructured.Unstructured'} is an unsortable type: ${what}`)
    this.place = inRows ? 'sorter.go:375' : 'sorter.go:329'
  }
}

/**
 * The objects in the order of a field. k8s: kubectl/pkg/cmd/get sorter
 * @param inRows whether they are rows of a table, which upstream sorts by other means
 * @throws Error when no object has the field; UnsortableField
 */
export function sortedBy<T>(items: readonly T[], path: string, objectOf: (item: T) => KubeObject | undefined, inRows = false): T[] {
  const field = relaxedJsonPath(path)
  const parser = new JsonPath(field, { allowMissingKeys: true })
  const keyed = items.map((item) => ({ item, key: parser.find(objectOf(item) ?? {})[0]?.[0] }))
  if (items.length > 0 && keyed.every((k) => k.key === undefined)) throw new Error(`couldn't find any field with path ${JSON.stringify(field)} in the list of objects`)
  return goSort(keyed, (a, b) => a.key === undefined || (b.key !== undefined && isLess(a.key, b.key, (what) => { throw new UnsortableField(field, what, inRows) }))).map((k) => k.item)
}

/** Texts that are both quantities by their amounts, others by code. k8s: isLess */
function isLess(a: unknown, b: unknown, refuse: (what: string) => never): boolean {
  if (typeof a === 'object' && a !== null) refuse(`interface, err: unsortable type: ${Array.isArray(a) ? '[]interface {}' : 'map[string]interface {}'}`)
  if (a === null || b === null) return a === null && b !== null
  if (typeof a === 'boolean') refuse('interface, err: unsortable type: bool')
  // Whole numbers and fractions are of two types in Go.
  if (typeof a !== typeof b || (typeof a === 'number' && Number.isInteger(a) !== Number.isInteger(b))) refuse('interface, err: unsortable interface: interface')
  if (typeof a !== 'string' || typeof b !== 'string') return (a as number) < (b as number)
  try {
    return compareQuantities(a, b) < 0
  } catch {
    return a < b
  }
}
