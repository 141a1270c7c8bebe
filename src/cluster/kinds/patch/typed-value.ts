/** Walks over objects along their merge type. k8s: structured-merge-diff/typed */
import { deepEqual, setOwn } from '../../../base/freeze.ts'
import { givenEmpty } from '../decode.ts'
import { EMPTY_SET, type FieldSet, FieldSetBuilder, below, fieldTypeOf, hasMember, isEmptySet } from './field-set.ts'
import { firstPlace, isShareable, nextPlace, sharedSet, sortElements } from './field-set-table.ts'
import { goJson, goSyntax, goTypeName, goValue } from './go-format.ts'
import type { ListMergeType, MapMergeType, MergeType } from './merge-type.ts'

type Json = Record<string, unknown>

const isMap = (value: unknown): value is Json => value !== null && typeof value === 'object' && !Array.isArray(value)

/** The walk that fits a value: its own form if the type allows it, else the type's first. k8s: deduceAtom, handleAtom */
function formOf(type: MergeType, value: unknown): 'map' | 'scalar' | 'list' | undefined {
  if (value !== undefined && value !== null) {
    if (Array.isArray(value)) { if (type.list) return 'list' }
    else if (typeof value === 'object') { if (type.map) return 'map' }
    else if (type.scalar) return 'scalar'
  }
  return type.map ? 'map' : type.scalar ? 'scalar' : type.list ? 'list' : undefined
}

/** The path element of a list's item, or the reason why it has none. */
function elementOf(list: ListMergeType, item: unknown): string | Error {
  const { keys } = list
  if (keys.length === 0) {
    if (isMap(item)) return new Error("associative list without keys has an element that's a map type")
    if (Array.isArray(item)) return new Error('not supported: associative list with lists as elements')
    if (item === null || item === undefined) return new Error("associative list without keys has an element that's an explicit null")
    return `v:${goJson(item)}`
  }
  if (item === null || item === undefined) return new Error('associative list with keys may not have a null element')
  if (!isMap(item)) return new Error('associative list with keys may not have non-map elements')
  if (keys.length === 1) {
    const value = item[keys[0]!] ?? list.keyDefaults[keys[0]!]
    if (value !== undefined) return `k:{"${keys[0]}":${goJson(value)}}`
  } else {
    let text = ''
    for (const key of sortedKeys(keys)) {
      const value = item[key] !== undefined ? item[key] : list.keyDefaults[key]
      if (value !== undefined) text += `${text ? ',' : ''}"${key}":${goJson(value)}`
    }
    if (text) return `k:{${text}}`
  }
  return new Error(`associative list with keys has an element that omits all key fields [${keys.map((k) => JSON.stringify(k)).join(' ')}] (and doesn't have default values for any key fields)`)
}

const keyOrders = new WeakMap<readonly string[], readonly string[]>()
function sortedKeys(keys: readonly string[]): readonly string[] {
  let order = keyOrders.get(keys)
  if (!order) keyOrders.set(keys, order = [...keys].sort())
  return order
}

/** What differs between two objects. */
export interface Comparison {
  removed: FieldSet
  modified: FieldSet
  added: FieldSet
}

type Children = Record<string, FieldSet>

/** Gathers the three sets below one element; each exists only once it has a member, as most parts of two states are alike. */
class Comparer {
  removed: Children | undefined = undefined
  modified: Children | undefined = undefined
  added: Children | undefined = undefined
}

/** Compares two objects of a type. Undefined members count as absent. Parts that both share are skipped. */
export function compareObjects(left: unknown, right: unknown, type: MergeType): Comparison {
  const into = new Comparer()
  compareInside(left, right, type, into)
  return { removed: setOf(into.removed), modified: setOf(into.modified), added: setOf(into.added) }
}

function setOf(children: Children | undefined): FieldSet {
  return children ? sharedSet(children) : EMPTY_SET
}

/** Compares what lies at one element and records it, the element included. */
function compareAt(element: string, left: unknown, right: unknown, type: MergeType | undefined, into: Comparer): void {
  if (left === right) return
  if (left === undefined) {
    (into.added ??= {})[element] = wholeNode(right, type)
    return
  }
  if (right === undefined) {
    (into.removed ??= {})[element] = wholeNode(left, type)
    return
  }
  if (!type || (!type.map && !type.list)) {
    if (!deepEqual(left, right)) (into.modified ??= {})[element] = EMPTY_SET
    return
  }
  const inner = new Comparer()
  const leaf = compareInside(left, right, type, inner)
  if (inner.added) (into.added ??= {})[element] = setOf(inner.added)
  if (inner.removed) (into.removed ??= {})[element] = setOf(inner.removed)
  if (leaf === 'modified') (into.modified ??= {})[element] = memberNode(inner.modified)
  else if (inner.modified) (into.modified ??= {})[element] = setOf(inner.modified)
}

/** A member with what lies below it. */
function memberNode(children: Children | undefined): FieldSet {
  return children ? sharedSet({ '.': EMPTY_SET, ...children }) : EMPTY_SET
}

/** The node of a value that only one side has: a member, and every element below it. */
function wholeNode(value: unknown, type: MergeType | undefined): FieldSet {
  if (!type || value === null || typeof value !== 'object') return EMPTY_SET
  if (Array.isArray(value)) return type.list && !type.list.atomic && value.length > 0 ? wholeList(value, type.list) : EMPTY_SET
  const { map } = type
  if (!map || map.atomic) return EMPTY_SET
  const keys = sortElements(Object.keys(value))
  // Mostly the table knows the set already, and it needs no object of its own.
  let place = nextPlace(firstPlace(), '.', EMPTY_SET)
  let isEmpty = true
  let isShared = true
  for (let i = 0; i < keys.length && isShared; i++) {
    const inner = (value as Json)[keys[i]!]
    if (inner === undefined) continue
    isEmpty = false
    const field = map.fields.get(keys[i]!)
    const element = field ? field.pathElement : `f:${keys[i]}`
    const children = typeof inner === 'object' ? wholeNode(inner, field ? field.type : map.element) : EMPTY_SET
    isShared = isShareable(element, children)
    if (isShared) place = nextPlace(place, element, children)
  }
  if (isEmpty) return EMPTY_SET
  if (isShared && place.set) return place.set
  const made: Children = { '.': EMPTY_SET }
  for (const key of keys) {
    const inner = (value as Json)[key]
    const field = map.fields.get(key)
    if (inner !== undefined) made[field ? field.pathElement : `f:${key}`] = wholeNode(inner, field ? field.type : map.element)
  }
  return sharedSet(made)
}

function wholeList(items: readonly unknown[], list: ListMergeType): FieldSet {
  let made: Children | undefined
  for (const [element, found] of grouped(items, list)) (made ??= { '.': EMPTY_SET })[element] = found.length === 1 ? wholeNode(found[0], list.element) : EMPTY_SET
  return made ? sharedSet(made) : EMPTY_SET
}

function leafChange(left: unknown, right: unknown): 'added' | 'removed' | 'modified' | undefined {
  if (left === undefined) return 'added'
  if (right === undefined) return 'removed'
  return left !== right && !deepEqual(left, right) ? 'modified' : undefined
}

function isBare(value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (Array.isArray(value)) return value.length === 0
  if (typeof value === 'object') { for (const _ in value) return false; return true }
  return false
}

/** A member, and not what every JavaScript object has under that name. */
function own(object: Json, key: string): unknown {
  const value = object[key]
  return typeof value === 'function' || value === Object.prototype ? undefined : value
}

/** Records changes below; answers with the change if the whole is one value. */
function compareInside(left: unknown, right: unknown, type: MergeType, into: Comparer): 'added' | 'removed' | 'modified' | undefined {
  if (type.scalar && type.map && isGiven(left) && isGiven(right) && formOf(type, left) !== formOf(type, right)) return compareForms(left, right, type.map, into)
  const form = formOf(type, right === undefined || (right === null && left !== undefined && left !== null) ? left : right)
  if (form === undefined || form === 'scalar') return leafChange(left, right)
  if (form === 'map') {
    const map = type.map!
    const l = isMap(left) ? left : undefined
    const r = isMap(right) ? right : undefined
    if (map.atomic || (isBare(l) && isBare(r)) || (left !== undefined && left !== null && !l) || (right !== undefined && right !== null && !r)) return leafChange(left, right)
    if (l) {
      for (const key in l) {
        const mine = l[key]
        if (mine === undefined) continue
        if (mine !== r?.[key]) compareMember(key, mine, r && own(r, key), map, into)
        // Nothing and an empty list look alike, but who gave the list owns it.
        else if (mine === null && givenEmpty(r, key)) compareMember(key, null, map.fields.get(key)?.type?.list ? [] : {}, map, into)
      }
    }
    if (r) for (const key in r) if (r[key] !== undefined && (l === undefined || own(l, key) === undefined)) compareMember(key, undefined, r[key], map, into)
    return undefined
  }
  const list = type.list!
  const l = Array.isArray(left) ? left : undefined
  const r = Array.isArray(right) ? right : undefined
  if (list.atomic || (isBare(l) && isBare(r)) || (left !== undefined && left !== null && !l) || (right !== undefined && right !== null && !r)) return leafChange(left, right)
  compareLists(l ?? [], r ?? [], list, into)
  return undefined
}

const isGiven = (value: unknown) => value !== undefined && value !== null

/** What was of one form and is of another, where no schema says which: members of the one are gone, those of the other new. k8s: compareWalker.compare */
function compareForms(left: unknown, right: unknown, map: MapMergeType, into: Comparer): 'modified' {
  if (isMap(left) && !map.atomic) for (const key in left) if (left[key] !== undefined) compareMember(key, left[key], undefined, map, into)
  if (isMap(right) && !map.atomic) for (const key in right) if (right[key] !== undefined) compareMember(key, undefined, right[key], map, into)
  return 'modified'
}

function compareMember(key: string, left: unknown, right: unknown, map: MapMergeType, into: Comparer): void {
  const field = map.fields.get(key)
  if (field) compareAt(field.pathElement, left, right, field.type, into)
  else compareAt(`f:${key}`, left, right, map.element, into)
}

/** More items than this are found by their elements' texts. */
const MAX_PAIRED = 16

/** Whether both lists have the same items in the same order, each once: so it mostly is with conditions. */
function arePaired(left: readonly unknown[], right: readonly unknown[], { keys, keyDefaults }: ListMergeType): boolean {
  if (left.length !== right.length || right.length > MAX_PAIRED || keys.length === 0) return false
  for (let i = 0; i < right.length; i++) {
    if (!isMap(right[i]) || !isMap(left[i])) return false
    for (let j = i; j >= 0; j--) {
      let same = true
      for (let k = 0; k < keys.length && same; k++) {
        const key = keys[k]!
        const mine = (right[i] as Json)[key]
        const theirs = ((j === i ? left[i] : right[j]) as Json)[key]
        if (mine === null || theirs === null) return false
        const value = mine === undefined ? keyDefaults[key] : mine
        if (value === undefined || typeof value === 'object') return false
        same = value === (theirs === undefined ? keyDefaults[key] : theirs)
      }
      if (same !== (j === i)) return false
    }
  }
  return true
}

function compareLists(left: readonly unknown[], right: readonly unknown[], list: ListMergeType, into: Comparer): void {
  if (arePaired(left, right, list)) {
    for (let i = 0; i < right.length; i++) if (left[i] !== right[i]) compareAt(elementOf(list, right[i]) as string, left[i], right[i], list.element, into)
    return
  }
  const lefts = grouped(left, list)
  const rights = grouped(right, list)
  for (const element of new Set([...lefts.keys(), ...rights.keys()])) {
    const l = lefts.get(element) ?? []
    const r = rights.get(element) ?? []
    if (l.length <= 1 && r.length <= 1) compareAt(element, l[0], r[0], list.element, into)
    else if (l.length >= 2 && r.length >= 2) { if (!deepEqual(l, r)) (into.modified ??= {})[element] = EMPTY_SET }
    else if (l.length >= 2) {
      // The duplicates are one thing that went; a single item in their place is new.
      if (r.length) compareAt(element, undefined, r[0], list.element, into)
      ;(into.removed ??= {})[element] = EMPTY_SET
    } else {
      if (l.length) compareAt(element, l[0], undefined, list.element, into)
      ;(into.added ??= {})[element] = EMPTY_SET
    }
  }
}

/** An item of a list that can't be told from the others: what has one has no type, as upstream sees it. */
export class KeylessItem extends Error {}

/** @throws KeylessItem */
function grouped(items: readonly unknown[], list: ListMergeType): Map<string, unknown[]> {
  const out = new Map<string, unknown[]>()
  for (const item of items) {
    const element = elementOf(list, item)
    if (typeof element !== 'string') throw new KeylessItem(element.message)
    const known = out.get(element)
    if (known) known.push(item)
    else out.set(element, [item])
  }
  return out
}

/** The fields that an applied configuration names. k8s: TypedValue.ToFieldSet */
export function fieldSetOf(value: unknown, type: MergeType): FieldSet {
  const into = new FieldSetBuilder()
  collect(value, type, into)
  return into.result()
}

/** Collects below; true when the value itself is a leaf. */
function collect(value: unknown, type: MergeType | undefined, into: FieldSetBuilder): boolean {
  if (!type) return true
  const form = formOf(type, value)
  if (form === undefined || form === 'scalar') return true
  if (form === 'map') {
    const map = type.map!
    if (map.atomic) return true
    if (!isMap(value)) return false
    for (const key in value) {
      const inner = value[key]
      if (inner === undefined) continue
      const children = new FieldSetBuilder()
      const leaf = collect(inner, fieldTypeOf(map, key), children)
      const member = leaf || inner === null || (isMap(inner) && isBare(inner)) || !map.fields.has(key)
      into.add(`f:${key}`, member, children)
    }
    return false
  }
  const list = type.list!
  if (list.atomic) return true
  if (!Array.isArray(value)) return false
  for (const [element, items] of grouped(value, list)) {
    const children = new FieldSetBuilder()
    if (items.length === 1) collect(items[0], list.element, children)
    into.add(element, true, children)
  }
  return false
}

/** Removes the members of a set from an object; undefined where nothing is left. k8s: TypedValue.RemoveItems */
export function removeFields(value: unknown, set: FieldSet, type: MergeType | undefined): unknown {
  if (!type || isEmptySet(set)) return value
  const form = formOf(type, value)
  if (form === 'map') {
    if (!isMap(value) || type.map!.atomic || isBare(value)) return undefined
    const out: Json = {}
    for (const key of Object.keys(value)) {
      const element = `f:${key}`
      if (hasMember(set, element)) continue
      const inner = below(set, element)
      const kept = isEmptySet(inner) ? value[key] : removeFields(value[key], inner, fieldTypeOf(type.map, key))
      setOwn(out, key, kept === undefined ? null : kept)
    }
    return isBare(out) ? undefined : out
  }
  if (form === 'list') {
    if (!Array.isArray(value) || type.list!.atomic || value.length === 0) return undefined
    const out: unknown[] = []
    for (const item of value) {
      const element = elementOf(type.list!, item)
      if (typeof element !== 'string') { out.push(item); continue }
      if (hasMember(set, element)) continue
      const inner = below(set, element)
      out.push(isEmptySet(inner) ? item : removeFields(item, inner, type.list!.element) ?? null)
    }
    return out.length ? out : undefined
  }
  return value
}

/** Lays an applied configuration over the live object; what the configuration doesn't name is shared. k8s: TypedValue.Merge */
export function mergeObjects(live: unknown, applied: unknown, type: MergeType | undefined): unknown {
  if (applied === undefined) return live
  if (live === undefined && !type) return applied
  if (!type) return applied
  const form = formOf(type, applied)
  if (form === undefined || form === 'scalar') return applied
  if (form === 'map') {
    const map = type.map!
    const l = isMap(live) ? live : undefined
    const r = isMap(applied) ? applied : undefined
    if (map.atomic || (isBare(l) && isBare(r)) || (live !== undefined && live !== null && !l)) return applied
    if (!r) return live
    const out: Json = { ...l }
    for (const key of Object.keys(r)) if (r[key] !== undefined) setOwn(out, key, mergeObjects(l?.[key], r[key], fieldTypeOf(map, key)))
    return out
  }
  const list = type.list!
  const l = Array.isArray(live) ? live : undefined
  const r = Array.isArray(applied) ? applied : undefined
  if (list.atomic || (isBare(l) && isBare(r)) || (live !== undefined && live !== null && !l)) return applied
  if (!r) return live
  return mergeLists(l ?? [], r, list)
}

/** Keeps the configuration's order among its own items, and items that only the live list has about where they are. k8s: mergingWalker.visitListItems */
function mergeLists(live: readonly unknown[], applied: readonly unknown[], list: ListMergeType): unknown[] {
  const out: unknown[] = []
  const lefts = live.map((item) => elementOf(list, item))
  const rights = applied.map((item) => elementOf(list, item))
  const inLeft = new Map<string | Error, unknown>()
  lefts.forEach((element, i) => inLeft.set(element, inLeft.has(element) ? null : live[i]))
  const inRight = new Map<string | Error, unknown>()
  rights.forEach((element, i) => inRight.set(element, applied[i]))
  const shared = rights.filter((element) => inLeft.has(element))
  let next = shared.shift()
  const done = new Set<string | Error>()
  const take = (element: string | Error) => {
    done.add(element)
    out.push(mergeObjects(inLeft.get(element) ?? undefined, inRight.get(element), list.element))
  }
  for (let l = 0, r = 0; l < lefts.length || r < rights.length;) {
    if (l < lefts.length && r < rights.length) {
      const element = lefts[l]!
      if (element === rights[r]) {
        take(element)
        l++
        r++
        next = shared.shift()
        continue
      }
      if (inRight.has(element) && next !== undefined && next !== element) { l++; continue }
    }
    if (l < lefts.length) {
      const element = lefts[l]!
      if (!inRight.has(element)) { out.push(live[l]); l++; continue }
      if (done.has(element)) l++
    }
    if (r < rights.length) {
      const element = rights[r]!
      take(element)
      r++
      if (next === element) next = shared.shift()
    }
  }
  return out
}

/** Checks an applied configuration against its type. Answers with upstream's messages, paths included. k8s: TypedValue.Validate */
export function validateTyped(value: unknown, type: MergeType | undefined, path = '', allowDuplicates = false): string[] {
  if (!type) return []
  const at = (message: string) => path ? `${path}: ${message}` : message
  const form = formOf(type, value)
  switch (form) {
    case 'scalar': return scalarProblem(value, type).map(at)
    case 'map': {
      if (value === null || value === undefined) return []
      if (!isMap(value)) return [at(`expected map, got ${goPointer(value)}`)]
      const map = type.map!
      const out: string[] = []
      for (const key of Object.keys(value)) {
        if (value[key] === undefined) continue
        const next = fieldTypeOf(map, key)
        if (!next) { out.push(`${path}.${key}: field not declared in schema`); break }
        out.push(...validateTyped(value[key], next, `${path}.${key}`, allowDuplicates))
      }
      return out
    }
    case 'list': {
      if (value === null || value === undefined) return []
      if (!Array.isArray(value)) return [at(`expected list, got ${goPointer(value)}`)]
      const list = type.list!
      const out: string[] = []
      const seen = new Set<string>()
      for (const [i, item] of value.entries()) {
        if (list.atomic) { out.push(...validateTyped(item, list.element, `${path}[${i}]`, allowDuplicates)); continue }
        const element = elementOf(list, item)
        if (typeof element !== 'string') { out.push(at(`element ${i}: ${element.message}`)); return out }
        const text = shownElement(element)
        if (seen.has(element) && !allowDuplicates) out.push(at(`duplicate entries for key ${text}`))
        seen.add(element)
        out.push(...validateTyped(item, list.element, path + text, allowDuplicates))
      }
      return out
    }
    default: return []
  }
}

function shownElement(element: string): string {
  if (element.startsWith('v:')) return `[=${element.slice(2)}]`
  return `[${Object.entries(JSON.parse(element.slice(2)) as Json).map(([name, value]) => `${name}=${valueText(value)}`).join(',')}]`
}

/** k8s: structured-merge-diff/value ToString */
function valueText(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  return Array.isArray(value) ? `[${value.map(valueText).join(',')}]` : Object.entries(value).map(([name, member]) => `${name}=${valueText(member)}`).join('')
}

const goPointer = (value: unknown) => `&{${goValue(value)}}`

function scalarProblem(value: unknown, type: MergeType): string[] {
  if (value === null || value === undefined) return []
  switch (type.scalar) {
    case 'numeric': return typeof value === 'number' ? [] : [`expected numeric (int or float), got ${goTypeName(value)}`]
    case 'string': return typeof value === 'string' ? [] : [`expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`]
    case 'boolean': return typeof value === 'boolean' ? [] : [`expected boolean, got ${goPointer(value)}`]
    default: return typeof value === 'object' ? [`expected any scalar, got ${goPointer(value)}`] : []
  }
}
