/**
 * Sets of fields in the form that managedFields carry (FieldsV1). The JSON is the working form: sets are immutable, share parts, and need no
 * decoding. A key is a path element (`f:name`, `k:{"name":"a"}`, `v:"x"`, `i:0`); an empty node is a member, a node with children is one if it has `.`.
 * k8s: structured-merge-diff/fieldpath Set
 */
import type { MapMergeType, MergeType } from './merge-type.ts'

/** The children of a node, and of the whole set. */
export interface FieldSet {
  readonly [element: string]: FieldSet
}

export const EMPTY_SET: FieldSet = Object.freeze({})
/** A member without children. */
const LEAF = EMPTY_SET

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false
  return true
}

function isMember(node: FieldSet): boolean {
  return isEmptySet(node) || '.' in node
}

/** A node of its parts; undefined where it would hold nothing. */
function nodeOf(member: boolean, children: FieldSet | undefined): FieldSet | undefined {
  if (children) for (const _ in children) return member ? { '.': LEAF, ...children } : children
  return member ? LEAF : undefined
}

/** An operation on two sets, or on the nodes below an element of both. */
export type SetOperation = (a: FieldSet, b: FieldSet) => FieldSet

/** @param inner the same operation, as it is to be done for what lies below an element; it may remember what it did before */
export function unionOf(a: FieldSet, b: FieldSet, inner: SetOperation = unionOf): FieldSet {
  if (a === b || isEmptySet(b)) return a
  if (isEmptySet(a)) return b
  const out: Record<string, FieldSet> = {}
  let changed = false
  for (const key in a) if (key !== '.') out[key] = a[key]!
  for (const key in b) {
    if (key === '.') continue
    const mine = out[key]
    const theirs = b[key]!
    if (mine === theirs) continue
    if (mine === undefined) out[key] = theirs
    else {
      const children = inner(mine, theirs)
      const isMine = isMember(mine)
      if (children === mine && (isMine || !isMember(theirs))) continue
      out[key] = nodeOf(isMine || isMember(theirs), withoutSelf(children)) ?? LEAF
    }
    changed = true
  }
  return changed ? sorted(out) : a
}

/** Members of `a` that aren't members of `b`. Children of a removed member stay unless they are members themselves. `inner`: see {@link unionOf}. */
export function differenceOf(a: FieldSet, b: FieldSet, inner: SetOperation = differenceOf): FieldSet {
  return without(a, b, (mine, theirs) => inner(mine, theirs))
}

/** As {@link differenceOf}, but a member of `b` takes everything below it along. */
export function recursiveDifferenceOf(a: FieldSet, b: FieldSet, inner: SetOperation = recursiveDifferenceOf): FieldSet {
  return without(a, b, (mine, theirs) => isMember(theirs) ? EMPTY_SET : inner(mine, theirs))
}

/** @param childrenOf what stays below an element that both have; the node itself if all of it does */
function without(a: FieldSet, b: FieldSet, childrenOf: SetOperation): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return a
  let out: Record<string, FieldSet> | undefined
  for (const key in b) {
    if (key === '.') continue
    const mine = a[key]
    if (mine === undefined) continue
    const theirs = b[key]!
    const children = childrenOf(mine, theirs)
    const stays = isMember(mine) && !isMember(theirs)
    if (children === mine && (stays || !isMember(mine))) continue
    const rest = nodeOf(stays, withoutSelf(children))
    out ??= { ...a }
    if (rest) out[key] = rest
    else delete out[key]
  }
  return out ?? a
}

export function intersectionOf(a: FieldSet, b: FieldSet): FieldSet {
  const out: Record<string, FieldSet> = {}
  for (const key in a) {
    if (key === '.') continue
    const theirs = b[key]
    if (theirs === undefined) continue
    const mine = a[key]!
    const node = nodeOf(isMember(mine) && isMember(theirs), intersectionOf(withoutSelf(mine), withoutSelf(theirs)))
    if (node) out[key] = node
  }
  return out
}

function withoutSelf(node: FieldSet): FieldSet {
  if (!('.' in node)) return node
  const { '.': _, ...children } = node
  return children
}

/** Whether the element itself is a member. */
export function hasMember(set: FieldSet, element: string): boolean {
  const node = set[element]
  return node !== undefined && isMember(node)
}

/** What lies below an element. */
export function below(set: FieldSet, element: string): FieldSet {
  const node = set[element]
  return node === undefined ? EMPTY_SET : withoutSelf(node)
}

/** Every named field on the way becomes a member, so that structs left empty can be removed. k8s: Set.EnsureNamedFieldsAreMembers */
export function withNamedFields(set: FieldSet, type: MergeType | undefined): FieldSet {
  const out: Record<string, FieldSet> = {}
  for (const key in set) {
    if (key === '.') continue
    const node = set[key]!
    const isField = key.startsWith('f:')
    const name = key.slice(2)
    const next = isField ? fieldTypeOf(type?.map, name) : type?.list?.element
    const member = isMember(node) || (isField && type?.map?.fields.has(name) === true)
    const made = nodeOf(member, withNamedFields(withoutSelf(node), next))
    if (made) out[key] = made
  }
  return out
}

export function fieldTypeOf(map: MapMergeType | undefined, name: string): MergeType | undefined {
  return map?.fields.get(name)?.type ?? map?.element
}

/** Every member's path in upstream's order and writing: `.spec.ports[port=80,protocol="TCP"].targetPort`. */
export function pathsOf(set: FieldSet, prefix = ''): string[] {
  const keys = Object.keys(set).filter((key) => key !== '.').sort(byElement)
  return [
    ...keys.filter((key) => isMember(set[key]!)).map((key) => prefix + elementText(key)),
    ...keys.flatMap((key) => pathsOf(withoutSelf(set[key]!), prefix + elementText(key))),
  ]
}

function elementText(element: string): string {
  const body = element.slice(2)
  switch (element[0]) {
    case 'k': return `[${Object.entries(JSON.parse(body) as Record<string, unknown>).map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`
    case 'v': return `[=${body}]`
    case 'i': return `[${body}]`
    default: return `.${body}`
  }
}

const RANK: Record<string, number> = { '.': -1, f: 0, k: 1, v: 2, i: 3 }

function byElement(a: string, b: string): number {
  const rank = RANK[a[0]!]! - RANK[b[0]!]!
  return rank !== 0 ? rank : a < b ? -1 : a > b ? 1 : 0
}

/** In the order that upstream writes them. */
export function sorted(node: Record<string, FieldSet>): FieldSet {
  let last: string | undefined
  let ordered = true
  for (const key in node) {
    if (last !== undefined && byElement(last, key) > 0) { ordered = false; break }
    last = key
  }
  if (ordered) return node
  const out: Record<string, FieldSet> = {}
  for (const key of Object.keys(node).sort(byElement)) out[key] = node[key]!
  return out
}

/** Collects members while walking two objects. */
export class FieldSetBuilder {
  #children: Record<string, FieldSet> | undefined

  /** Adds what was found below (or at) an element. */
  add(element: string, member: boolean, inner: FieldSetBuilder | undefined): void {
    const children = inner === undefined ? undefined : inner.#children
    const node = member ? (children ? { '.': LEAF, ...sorted(children) } : LEAF) : children ? sorted(children) : undefined
    if (node) (this.#children ??= {})[element] = node
  }

  result(): FieldSet {
    return this.#children ? sorted(this.#children) : EMPTY_SET
  }
}
