import { setOwn } from '../../../base/freeze.ts'
import type { Kind } from '../kind.ts'
import { apiError } from '../status-error.ts'
import { deepEqual } from '../../../base/freeze.ts'
import { goTypeName, goValue, jsonKind } from './go-format.ts'
import { type MergeType, mergeType } from './merge-type.ts'
import {
  DELETE_FROM_PRIMITIVE_LIST, DIRECTIVE, RETAIN_KEYS, SET_ELEMENT_ORDER, type Json, StrategicPatchError, badArgType, badFormat, badPatchType, elementKindOf, isDeletion, isMap,
  joinOrdered, noMergeKey, partition, patchMetaOf, withoutDuplicates,
} from './patch-lists.ts'

/**
 * Applies a strategic merge patch to an object of a built-in kind and returns the new one; parts that the patch doesn't name are shared.
 * k8s: apimachinery/pkg/util/strategicpatch StrategicMergeMapPatch
 * @param of the kind, or its key in the schema table
 * @throws StatusError as the server answers: 400 and 422 for bad directives, 500 where upstream has no better code
 */
export function applyStrategicMergePatch<T = unknown>(of: Kind | string, current: T, patch: unknown): T {
  if (patch === null) return current
  if (!isMap(patch)) throw apiError.badRequest(`json: cannot unmarshal ${jsonKind(patch)} into Go value of type map[string]interface {}`)
  try {
    return mergeMap(current as Json, patch, mergeType(typeof of === 'string' ? of : of.schema), APPLY) as T
  } catch (error) {
    if (!(error instanceof StrategicPatchError)) throw error
    throw strategicPatchStatus(error)
  }
}

/** The answer that the server gives. k8s: handlers/patch.go interpretStrategicMergePatchError */
function strategicPatchStatus(error: StrategicPatchError) {
  const status = error.code === 400 ? apiError.badRequest(error.message)
    : error.code === 422 ? apiError.generic(422, 'Invalid', 'the server rejected our request due to an error in our request', {})
      : apiError.generic(500, '', error.message)
  if (error.code === 500) delete status.status.reason
  status.cause = error
  return status
}

export interface MergeOptions {
  /** Applies list directives; otherwise keeps them, for joining two patches. */
  mergeParallelLists: boolean
  /** Drops nulls for what isn't there. */
  ignoreUnmatchedNulls: boolean
}

const APPLY: MergeOptions = { mergeParallelLists: true, ignoreUnmatchedNulls: true }

/** The algorithm. Neither argument is changed. @throws StrategicPatchError */
export function mergeMap(original: Json, patch: Json, type: MergeType, options: MergeOptions): Json {
  if (DIRECTIVE in patch) {
    const directive = patch[DIRECTIVE]
    if (directive === 'replace') return without(patch, DIRECTIVE)
    if (directive === 'delete') return {}
    throw badPatchType(directive, patch)
  }
  const out: Json = { ...original }
  const todo: Json = { ...patch }
  retainKeys(out, todo, options)
  orderLists(out, todo, type, options)

  for (const patchKey of Object.keys(todo)) {
    const value = todo[patchKey]
    let key = patchKey
    let isDeleteList = false
    if (patchKey.startsWith(DELETE_FROM_PRIMITIVE_LIST)) {
      if (!options.mergeParallelLists) {
        out[patchKey] = value
        continue
      }
      key = afterSlash(patchKey, DELETE_FROM_PRIMITIVE_LIST) ?? fail(badFormat.primitiveList())
      isDeleteList = true
    }
    if (value === null || value === undefined) {
      delete out[key]
      if (options.ignoreUnmatchedNulls) continue
    }
    const present = Object.hasOwn(out, key)
    if (!present || goTypeName(out[key]) !== goTypeName(value)) {
      if (isDeleteList) continue
      const clean = withoutDirectives(options.ignoreUnmatchedNulls ? withoutNulls(value) : value)
      if (clean === DROPPED) delete out[key]
      else setOwn(out, key, clean)
      continue
    }
    if (isMap(value)) {
      const meta = patchMetaOf(type, key, 'struct')
      setOwn(out, key, meta.strategy === 'replace' ? value : mergeMap(out[key] as Json, value, meta.type, options))
    } else if (Array.isArray(value)) {
      const meta = patchMetaOf(type, key, 'slice')
      setOwn(out, key, mergeLists(out[key] as unknown[], value, meta.type, meta.strategy, meta.mergeKey, isDeleteList, options))
    } else {
      setOwn(out, key, value)
    }
  }
  return out
}

function retainKeys(out: Json, todo: Json, options: MergeOptions): void {
  if (!(RETAIN_KEYS in todo)) return
  const wanted = todo[RETAIN_KEYS]
  delete todo[RETAIN_KEYS]
  if (!options.mergeParallelLists) {
    if (RETAIN_KEYS in out) {
      if (!deepEqual(out[RETAIN_KEYS], wanted))
        throw new StrategicPatchError(`${goValue(out[RETAIN_KEYS])} and ${goValue(wanted)} are not deep equal: this may happen when calculating the 3-way diff patch`)
    } else out[RETAIN_KEYS] = wanted
    return
  }
  if (!Array.isArray(wanted)) throw badFormat.retainKeys()
  for (const key of Object.keys(todo)) {
    if (todo[key] === null || key.startsWith(DELETE_FROM_PRIMITIVE_LIST) || key.startsWith(SET_ELEMENT_ORDER)) continue
    if (!wanted.includes(key)) throw badFormat.retainKeys()
  }
  for (const key of Object.keys(out)) if (!wanted.includes(key)) delete out[key]
}

function orderLists(out: Json, todo: Json, type: MergeType, options: MergeOptions): void {
  for (const directive of Object.keys(todo)) {
    if (!directive.startsWith(SET_ELEMENT_ORDER)) continue
    const order = todo[directive]
    if (!options.mergeParallelLists) {
      if (directive in out) {
        if (!deepEqual(out[directive], order)) throw badFormat.setElementOrder()
      } else out[directive] = order
    }
    delete todo[directive]
    if (!Array.isArray(order)) throw badArgType('[]interface {}', order)
    const key = afterSlash(directive, SET_ELEMENT_ORDER) ?? fail(badFormat.setElementOrder())
    const originalList = out[key]
    const patchList = todo[key]
    if (originalList !== undefined && !Array.isArray(originalList)) throw badArgType('[]interface {}', originalList)
    if (patchList !== undefined && !Array.isArray(patchList)) throw badArgType('[]interface {}', patchList)
    const meta = patchMetaOf(type, key, 'slice')
    checkOrder(patchList ?? [], order, meta.mergeKey)
    let merged: unknown[]
    if (originalList && patchList) merged = mergeLists(originalList, patchList, meta.type, meta.strategy, meta.mergeKey, false, options)
    else if (originalList) merged = originalList
    else if (patchList) merged = withoutDirectives(patchList) as unknown[]
    else continue
    const { named, rest } = partition(merged, order, meta.mergeKey)
    const kind = elementKindOf(originalList, patchList)
    out[key] = joinOrdered(named, rest, order, originalList ?? [], meta.mergeKey, kind)
    delete todo[key]
  }
}

/** The patch's list must be in the order that it demands. */
function checkOrder(patchList: unknown[], order: unknown[], mergeKey: string): void {
  if (order.length === 0 || patchList.length === 0) return
  const items = mergeKey === '' ? patchList : patchList.filter((item) => { if (!isMap(item)) throw badArgType('map[string]interface {}', item); return !isDeletion(item) })
  let i = 0
  let j = 0
  while (i < items.length && j < order.length) {
    const item = items[i]
    if (isMap(item) && DIRECTIVE in item) { i++; continue }
    if (keyFor(item, mergeKey) === keyFor(order[j], mergeKey)) i++
    j++
  }
  if (i < items.length && j >= order.length)
    throw new StrategicPatchError(`The order in patch list:\n${goValue(patchList)}\n doesn't match ${SET_ELEMENT_ORDER} list:\n${goValue(order)}\n`)
}

function keyFor(item: unknown, mergeKey: string): unknown {
  if (mergeKey === '') return item
  if (!isMap(item)) throw badArgType('map[string]interface {}', item)
  if (!(mergeKey in item)) throw noMergeKey(item, mergeKey)
  return item[mergeKey]
}

function mergeLists(original: unknown[], patch: unknown[], element: MergeType, strategy: string, mergeKey: string, isDeleteList: boolean, options: MergeOptions): unknown[] {
  if (strategy !== 'merge' && !isDeleteList) return patch
  if (original.length === 0 && patch.length === 0) return original
  const kind = elementKindOf(original, patch)
  if (kind === 'scalar') {
    if (options.mergeParallelLists && isDeleteList) return original.filter((item) => !patch.includes(item))
    const merged = withoutDuplicates([...original, ...patch])
    const { named, rest } = partition(merged, patch, '')
    return joinOrdered(named, rest, patch, original, mergeKey, kind)
  }
  if (mergeKey === '') throw new StrategicPatchError(`cannot merge lists without merge key for ${element.map?.structName ?? ''}`)
  let base = original
  const additions: unknown[] = []
  let replace = false
  for (const item of patch) {
    const map = item as Json
    if (!(DIRECTIVE in map)) { additions.push(map); continue }
    switch (map[DIRECTIVE]) {
      case 'delete': {
        if (!(mergeKey in map)) throw noMergeKey(map, mergeKey)
        base = base.filter((other) => (other as Json)[mergeKey] !== map[mergeKey])
        break
      }
      case 'replace': replace = true; break
      case 'merge': throw new StrategicPatchError('merging lists cannot yet be specified in the patch')
      default: throw badPatchType(map[DIRECTIVE], map)
    }
  }
  const order = replace ? [] : additions
  if (replace) base = additions
  const merged = [...base]
  if (!replace) {
    for (const item of additions) {
      const map = item as Json
      if (!(mergeKey in map)) throw noMergeKey(map, mergeKey)
      const at = merged.findIndex((other) => (other as Json)[mergeKey] === map[mergeKey])
      if (at >= 0) merged[at] = mergeMap(merged[at] as Json, map, element, options)
      else merged.push(map)
    }
  }
  const { named, rest } = partition(merged, order, mergeKey)
  return joinOrdered(named, rest, order, base, mergeKey, kind)
}

const DROPPED = Symbol('dropped')

/** New values may not hold directives: maps with `$patch` go. k8s: removeDirectives */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== DROPPED)
  if (!isMap(value)) return value
  if (DIRECTIVE in value) return DROPPED
  const out: Json = {}
  for (const key of Object.keys(value)) {
    const clean = withoutDirectives(value[key])
    if (clean !== DROPPED) setOwn(out, key, clean)
  }
  return out
}

/** A copy without fields that are null, at any depth; items of lists stay. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isMap(value)) return value
  const out: Json = {}
  for (const key of Object.keys(value)) if (value[key] !== null) setOwn(out, key, withoutNulls(value[key]))
  return out
}

function without(map: Json, key: string): Json {
  const { [key]: _, ...rest } = map
  return rest
}

function afterSlash(text: string, prefix: string): string | undefined {
  return text.startsWith(`${prefix}/`) ? text.slice(prefix.length + 1) : undefined
}

function fail(error: Error): never {
  throw error
}
