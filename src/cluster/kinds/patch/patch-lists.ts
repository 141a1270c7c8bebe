/** What applying and making strategic merge patches share: how lists are matched and ordered. k8s: apimachinery/pkg/util/strategicpatch/patch.go */
import { type MergeType } from './merge-type.ts'
import { goTypeName, goText, goValue } from './go-format.ts'

export type Json = Record<string, unknown>

/** A patch that can't be applied or made, in upstream's words. */
export class StrategicPatchError extends Error {
  /** 400 and 422 where the server says so; otherwise the error surfaces as 500. */
  readonly code: 400 | 422 | 500
  constructor(message: string, code: 400 | 422 | 500 = 500) {
    super(message)
    this.code = code
  }
}

export const DIRECTIVE = '$patch'
export const RETAIN_KEYS = '$retainKeys'
export const DELETE_FROM_PRIMITIVE_LIST = '$deleteFromPrimitiveList'
export const SET_ELEMENT_ORDER = '$setElementOrder'

export const badFormat = {
  primitiveList: () => new StrategicPatchError('invalid patch format of primitive list', 400),
  retainKeys: () => new StrategicPatchError('invalid patch format of retainKeys', 400),
  setElementOrder: () => new StrategicPatchError('invalid patch format of setElementOrder list', 400),
}

export function isMap(value: unknown): value is Json {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

export function noMergeKey(map: Json, key: string): StrategicPatchError {
  return new StrategicPatchError(`map: ${goValue(map)} does not contain declared merge key: ${key}`)
}

export function badArgType(expected: 'map[string]interface {}' | '[]interface {}', actual: unknown): StrategicPatchError {
  return new StrategicPatchError(`expected a ${expected}, but received a ${goTypeName(actual)}`)
}

export function badPatchType(type: unknown, map: Json): StrategicPatchError {
  return new StrategicPatchError(`unknown patch type: ${goText(type)} in map: ${goValue(map)}`)
}

/** How a field is patched. */
export interface PatchMeta {
  /** The type of the map, or of the list's elements. */
  type: MergeType
  /** '' , 'merge' or 'replace'. */
  strategy: string
  retainKeys: boolean
  mergeKey: string
}

/** @throws StrategicPatchError for a field that the type doesn't have */
export function patchMetaOf(type: MergeType, field: string, as: 'struct' | 'slice'): PatchMeta {
  const map = type.map
  if (!map || map.fields.size === 0)
    throw new StrategicPatchError(`merging an object in json but data type is not struct, instead is: ${type.scalar ? 'string' : 'map'}`)
  const found = map.fields.get(field)
  if (!found) throw new StrategicPatchError(`unable to find api field in struct ${map.structName ?? ''} for the json field ${JSON.stringify(field)}`)
  const retainKeys = found.patchStrategies.includes('retainKeys')
  const strategy = found.patchStrategies.find((s) => s !== 'retainKeys') ?? ''
  const inner = as === 'slice' ? found.type.list?.element ?? found.type : found.type
  return { type: inner, strategy, retainKeys, mergeKey: found.patchMergeKey }
}

type ElementKind = 'map' | 'scalar'

/** @throws StrategicPatchError for lists of lists and mixed lists */
export function elementKindOf(...lists: readonly (readonly unknown[] | undefined)[]): ElementKind {
  let first: string | undefined
  for (const list of lists) {
    for (const item of list ?? []) {
      const name = goTypeName(item)
      if (first === undefined) {
        first = name
        if (Array.isArray(item)) throw new StrategicPatchError('lists of lists are not supported', 422)
      } else if (name !== first) {
        throw new StrategicPatchError(`list element types are not identical: ${goValue(lists.map((l) => l ?? []))}`)
      }
    }
  }
  if (first === undefined) throw new StrategicPatchError('no elements in any of the given slices')
  return first === 'map[string]interface {}' ? 'map' : 'scalar'
}

export function keyOf(item: unknown, mergeKey: string, kind: ElementKind): unknown {
  return kind === 'map' ? (isMap(item) ? item[mergeKey] : undefined) : item
}

function indexIn(list: readonly unknown[], item: unknown, mergeKey: string, kind: ElementKind): number {
  const key = keyOf(item, mergeKey, kind)
  return list.findIndex((other) => keyOf(other, mergeKey, kind) === key)
}

/** Items in the order of another list; items that it lacks stay about where they are, deletions go last. */
export function inOrderOf(items: readonly unknown[], order: readonly unknown[], mergeKey: string, kind: ElementKind): unknown[] {
  let sorted = [...items]
  let deletions: unknown[] = []
  if (kind === 'map') {
    for (const item of [...items, ...order]) {
      if (!isMap(item)) throw badArgType('map[string]interface {}', item)
      if (!(mergeKey in item)) throw noMergeKey(item, mergeKey)
    }
    deletions = sorted.filter(isDeletion)
    sorted = sorted.filter((item) => !isDeletion(item))
  }
  // The comparison is no order at all where an item is missing; only the same algorithm gives the same result. k8s: sort.SliceStable
  const before = (a: unknown, b: unknown) => {
    const i = indexIn(order, a, mergeKey, kind)
    const j = i < 0 ? -1 : indexIn(order, b, mergeKey, kind)
    return i < 0 || j < 0 ? true : i < j
  }
  for (let i = 1; i < sorted.length; i++)
    for (let j = i; j > 0 && before(sorted[j], sorted[j - 1]); j--) [sorted[j], sorted[j - 1]] = [sorted[j - 1], sorted[j]]
  return [...sorted, ...deletions]
}

export function isDeletion(item: unknown): boolean {
  return isMap(item) && item[DIRECTIVE] === 'delete'
}

/** Joins what the patch orders with what only the server has. */
export function joinOrdered(patchItems: unknown[], serverOnly: unknown[], patchOrder: readonly unknown[], serverOrder: readonly unknown[], mergeKey: string, kind: ElementKind): unknown[] {
  const left = inOrderOf(serverOnly, serverOrder, mergeKey, kind)
  const right = inOrderOf(patchItems, patchOrder, mergeKey, kind)
  const out: unknown[] = []
  let i = 0
  let j = 0
  while (i < left.length || j < right.length) {
    if (i >= left.length) out.push(right[j++])
    else if (j >= right.length) out.push(left[i++])
    else {
      const li = indexIn(serverOrder, left[i], mergeKey, kind)
      const ri = indexIn(serverOrder, right[j], mergeKey, kind)
      out.push(li >= 0 && ri >= 0 && li < ri ? left[i++] : right[j++])
    }
  }
  return out
}

/** Splits into what `by` names and the rest. */
export function partition(items: readonly unknown[], by: readonly unknown[], mergeKey: string): { named: unknown[]; rest: unknown[] } {
  const kind: ElementKind = mergeKey === '' ? 'scalar' : 'map'
  // k8s: findMapInSliceBasedOnKeyValue looks no further than the first element that is no map
  const strange = kind === 'map' ? by.findIndex((item) => !isMap(item)) : -1
  const keys = new Set((strange < 0 ? by : by.slice(0, strange)).map((item) => keyOf(item, mergeKey, kind)))
  const named: unknown[] = []
  const rest: unknown[] = []
  for (const item of items) {
    if (kind === 'map') {
      if (!isMap(item)) throw badArgType('map[string]interface {}', item)
      if (!(mergeKey in item)) throw noMergeKey(item, mergeKey)
    }
    const isNamed = keys.has(keyOf(item, mergeKey, kind))
    if (!isNamed && strange >= 0) throw new StrategicPatchError(`value for key ${strange} is not a map`)
    ;(isNamed ? named : rest).push(item)
  }
  return { named, rest }
}

/** k8s: deduplicateScalars, including the places it moves items to. */
export function withoutDuplicates(items: readonly unknown[]): unknown[] {
  const out = [...items]
  for (let i = 0; i < out.length - 1; i++) {
    for (let j = i + 1; j < out.length; j++) {
      if (out[i] !== out[j]) continue
      out[j] = out[out.length - 1]
      out.pop()
      j--
    }
  }
  return out
}

export function sortedScalars(items: readonly unknown[]): unknown[] {
  return [...items].sort((a, b) => { const x = goValue(a); const y = goValue(b); return x < y ? -1 : x > y ? 1 : 0 })
}
