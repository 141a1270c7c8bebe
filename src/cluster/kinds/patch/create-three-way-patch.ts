/** Makes strategic merge patches, as kubectl does. k8s: apimachinery/pkg/util/strategicpatch CreateTwoWayMergePatch, CreateThreeWayMergePatch */
import { deepEqual, setOwn } from '../../../base/freeze.ts'
import type { Kind } from '../kind.ts'
import { goTypeName, goValue } from './go-format.ts'
import { type MergeType, mergeType } from './merge-type.ts'
import {
  DELETE_FROM_PRIMITIVE_LIST, DIRECTIVE, RETAIN_KEYS, SET_ELEMENT_ORDER, type Json, StrategicPatchError, elementKindOf, inOrderOf, isMap, noMergeKey, patchMetaOf, sortedScalars, withoutDuplicates,
} from './patch-lists.ts'
import { mergeMap } from './strategic-merge-patch.ts'

/** Looks at a finished patch; false refuses it. */
export type PatchPrecondition = (patch: Json) => boolean

/** kubectl apply's: a patch may not change what the object is. k8s: mergepatch RequireKeyUnchanged, RequireMetadataKeyUnchanged */
export const identityUnchanged: readonly PatchPrecondition[] = [
  (patch) => !('apiVersion' in patch),
  (patch) => !('kind' in patch),
  (patch) => !isMap(patch.metadata) || !('name' in patch.metadata),
]

interface DiffOptions {
  setElementOrder?: boolean
  ignoreDeletions?: boolean
  ignoreChangesAndAdditions?: boolean
  retainKeys?: boolean
}

const typeOf = (of: Kind | string) => mergeType(typeof of === 'string' ? of : of.schema)

/** The patch that turns `original` into `modified`. @throws StrategicPatchError */
export function createTwoWayMergePatch(of: Kind | string, original: object, modified: object, preconditions: readonly PatchPrecondition[] = []): Json {
  return checked(diffMaps(original as Json, modified as Json, typeOf(of), { setElementOrder: true }), preconditions)
}

/**
 * The patch that `kubectl apply` sends: additions and changes from `current` to `modified`, deletions from `original` to `modified`.
 * @throws StrategicPatchError
 */
export function createThreeWayMergePatch(of: Kind | string, original: object, modified: object, current: object, options: { overwrite?: boolean; preconditions?: readonly PatchPrecondition[] } = {}): Json {
  const type = typeOf(of)
  const changes = diffMaps(current as Json, modified as Json, type, { ignoreDeletions: true, setElementOrder: true })
  const deletions = diffMaps(original as Json, modified as Json, type, { setElementOrder: true, ignoreChangesAndAdditions: true })
  const patch = checked(mergeMap(deletions, changes, type, { mergeParallelLists: false, ignoreUnmatchedNulls: false }), options.preconditions ?? [])
  if (options.overwrite === false) {
    const changed = diffMaps(original as Json, current as Json, type, {})
    if (haveConflicts(patch, changed, type, '', ''))
      throw new StrategicPatchError(`patch:\n${goValue(patch)}\nconflicts with changes made from original to current:\n${goValue(changed)}\n`)
  }
  return patch
}

function checked(patch: Json, preconditions: readonly PatchPrecondition[]): Json {
  for (const holds of preconditions) if (!holds(patch)) throw new StrategicPatchError(`precondition failed for: ${goValue(patch)}`)
  return patch
}

function diffMaps(original: Json, modified: Json, type: MergeType, options: DiffOptions): Json {
  const patch: Json = {}
  const retained: string[] = []
  for (const key of Object.keys(modified)) {
    const after = modified[key]
    if (after === undefined) continue
    if (options.retainKeys && after !== null) retained.push(key)
    if (original[key] === undefined) {
      if (!options.ignoreChangesAndAdditions) setOwn(patch, key, after)
      continue
    }
    const before = original[key]
    if (key === DIRECTIVE) {
      if (typeof before !== 'string' || typeof after !== 'string') throw new StrategicPatchError(`invalid value for special key: ${DIRECTIVE}`)
      if (before !== after) patch[DIRECTIVE] = after
      continue
    }
    if (goTypeName(before) !== goTypeName(after)) {
      if (!options.ignoreChangesAndAdditions) setOwn(patch, key, after)
    } else if (isMap(before)) {
      diffMapField(key, before, after as Json, patch, type, options)
    } else if (Array.isArray(before)) {
      diffListField(key, before, after as unknown[], patch, type, options)
    } else if (!options.ignoreChangesAndAdditions && before !== after) {
      setOwn(patch, key, after)
    }
  }
  if (!options.ignoreDeletions) for (const key of Object.keys(original)) if (original[key] !== undefined && modified[key] === undefined) setOwn(patch, key, null)
  const hasNew = Object.keys(original).some((key) => original[key] !== null && original[key] !== undefined && modified[key] === undefined)
  if (retained.length > 0 && (Object.keys(patch).length > 0 || hasNew)) patch[RETAIN_KEYS] = sortedScalars(retained)
  return patch
}

/** What the schema doesn't know is no trouble as long as it doesn't change. */
function metaUnlessEqual(type: MergeType, key: string, as: 'struct' | 'slice', before: unknown, after: unknown) {
  try {
    return patchMetaOf(type, key, as)
  } catch (error) {
    if (deepEqual(before, after)) return undefined
    throw error
  }
}

function diffMapField(key: string, before: Json, after: Json, patch: Json, type: MergeType, options: DiffOptions): void {
  const meta = metaUnlessEqual(type, key, 'struct', before, after)
  if (!meta) return
  if (meta.strategy === 'replace') {
    if (!options.ignoreChangesAndAdditions) setOwn(patch, key, after)
    return
  }
  const inner = diffMaps(before, after, meta.type, { ...options, retainKeys: meta.retainKeys })
  if (Object.keys(inner).length > 0) setOwn(patch, key, inner)
}

function diffListField(key: string, before: unknown[], after: unknown[], patch: Json, type: MergeType, options: DiffOptions): void {
  const meta = metaUnlessEqual(type, key, 'slice', before, after)
  if (!meta) return
  if (meta.strategy !== 'merge') {
    if (!options.ignoreChangesAndAdditions && !deepEqual(before, after)) setOwn(patch, key, after)
    return
  }
  const { add, remove, order } = diffLists(before, after, meta.type, meta.mergeKey, { ...options, retainKeys: meta.retainKeys })
  if (add.length > 0) setOwn(patch, key, add)
  if (remove.length > 0) patch[`${DELETE_FROM_PRIMITIVE_LIST}/${key}`] = remove
  if (order.length > 0) patch[`${SET_ELEMENT_ORDER}/${key}`] = order
}

function diffLists(before: unknown[], after: unknown[], element: MergeType, mergeKey: string, options: DiffOptions): { add: unknown[]; remove: unknown[]; order: unknown[] } {
  if (before.length === 0) return { add: options.ignoreChangesAndAdditions ? [] : after, remove: [], order: [] }
  const kind = elementKindOf(before, after)
  if (kind === 'scalar') {
    const { add, remove } = diffScalars(before, after, options)
    const order = options.setElementOrder && ((!options.ignoreDeletions && remove.length > 0) || (!options.ignoreChangesAndAdditions && !deepEqual(before, after))) ? after : []
    return { add: inOrderOf(add, after, mergeKey, kind), remove, order }
  }
  const { changed, deletions } = diffListsOfMaps(before as Json[], after as Json[], element, mergeKey, options)
  const orderSame = before.length === after.length && before.every((item, i) => (item as Json)[mergeKey] === (after[i] as Json)[mergeKey])
  const add = [...inOrderOf(changed, after, mergeKey, kind), ...deletions]
  const setOrder = options.setElementOrder && ((!options.ignoreChangesAndAdditions && (add.length > 0 || !orderSame)) || (!options.ignoreDeletions && add.length > 0))
  return { add, remove: [], order: setOrder ? after.map((item) => ({ [mergeKey]: (item as Json)[mergeKey] })) : [] }
}

function diffScalars(before: unknown[], after: unknown[], options: DiffOptions): { add: unknown[]; remove: unknown[] } {
  const old = sortedScalars(before)
  const now = sortedScalars(after)
  const add: unknown[] = []
  const remove: unknown[] = []
  for (let i = 0, j = 0; i < old.length || j < now.length;) {
    const x = i < old.length ? goValue(old[i]) : undefined
    const y = j < now.length ? goValue(now[j]) : undefined
    if (x !== undefined && x === y) { i++; j++ }
    else if (x === undefined || (y !== undefined && x > y)) { if (!options.ignoreChangesAndAdditions) add.push(now[j]); j++ }
    else { if (!options.ignoreDeletions) remove.push(old[i]); i++ }
  }
  return { add, remove: withoutDuplicates(remove) }
}

function diffListsOfMaps(before: Json[], after: Json[], element: MergeType, mergeKey: string, options: DiffOptions): { changed: Json[]; deletions: Json[] } {
  const changed: Json[] = []
  const deletions: Json[] = []
  const old = sortedByKey(before, mergeKey)
  const now = sortedByKey(after, mergeKey)
  for (let i = 0, j = 0; i < old.length || j < now.length;) {
    const x = i < old.length ? goValue(keyIn(old[i]!, mergeKey)) : undefined
    const y = j < now.length ? goValue(keyIn(now[j]!, mergeKey)) : undefined
    if (x !== undefined && x === y) {
      const inner = diffMaps(old[i]!, now[j]!, element, options)
      if (Object.keys(inner).length > 0) changed.push({ ...inner, [mergeKey]: now[j]![mergeKey] })
      i++
      j++
    } else if (x === undefined || (y !== undefined && x > y)) {
      if (!options.ignoreChangesAndAdditions) changed.push(now[j]!)
      j++
    } else {
      if (!options.ignoreDeletions) deletions.push({ [mergeKey]: old[i]![mergeKey], [DIRECTIVE]: 'delete' })
      i++
    }
  }
  return { changed, deletions }
}

function keyIn(map: Json, mergeKey: string): unknown {
  if (!(mergeKey in map)) throw noMergeKey(map, mergeKey)
  return map[mergeKey]
}

/** Those of the same key come out in reverse, since upstream's comparison calls equal keys less. k8s: strategicpatch SortableSliceOfMaps */
function sortedByKey(list: Json[], mergeKey: string): Json[] {
  return [...list].reverse().sort((a, b) => { const x = goValue(a[mergeKey]); const y = goValue(b[mergeKey]); return x < y ? -1 : x > y ? 1 : 0 })
}

function haveConflicts(left: unknown, right: unknown, type: MergeType, strategy: string, mergeKey: string): boolean {
  if (isMap(left)) {
    if (!isMap(right)) return true
    if ((DIRECTIVE in left || DIRECTIVE in right) && left[DIRECTIVE] !== right[DIRECTIVE]) return true
    if (strategy === 'replace') return false
    for (const key of Object.keys(left)) {
      if (key === DIRECTIVE || key === RETAIN_KEYS || !(key in right)) continue
      const value = left[key]
      if (isMap(value) || Array.isArray(value)) {
        const meta = patchMetaOf(type, key, Array.isArray(value) ? 'slice' : 'struct')
        if (haveConflicts(value, right[key], meta.type, meta.strategy, meta.mergeKey)) return true
      } else if (!deepEqual(value, right[key])) return true
    }
    return false
  }
  if (Array.isArray(left)) {
    if (!Array.isArray(right)) return true
    const kind = elementKindOf(left, right)
    if (strategy === 'merge') {
      if (kind !== 'map') return false
      return left.some((item) => { const other = right.find((o) => (o as Json)[mergeKey] === (item as Json)[mergeKey]); return other !== undefined && haveConflicts(item, other, type, '', '') })
    }
    if (left.length !== right.length) return true
    const a = kind === 'map' ? left : sortedScalars(left)
    const b = kind === 'map' ? right : sortedScalars(right)
    return a.some((item, i) => haveConflicts(item, b[i], type, '', ''))
  }
  return !deepEqual(left, right)
}
