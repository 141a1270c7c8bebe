/**
 * Equal sets of fields as one frozen object. Most objects of a kind are owned alike (a thousand pods of a Deployment, their events), so that sets
 * made here cost no memory of their own, and what was worked out for a pair of them holds for all.
 */
import { deepFreeze } from '../../../base/freeze.ts'
import { EMPTY_SET, type FieldSet, type SetOperation, sorted } from './field-set.ts'

/** A step on the way through the elements of a sorted set. */
export class Place {
  set: FieldSet | undefined = undefined
  /** By elements without children. */
  readonly leaves = new Map<string, Place>()
  /** By elements with children, which are sets of this table. */
  inner: Map<FieldSet, Map<string, Place>> | undefined = undefined
}

/** Sets of names that users chose come and go: at this many places the table starts over. */
const MAX_PLACES = 20_000
let root = new Place()
let places = 0

/** The table's sets, those from before it started over included. */
const shared = new WeakSet<FieldSet>([EMPTY_SET])

/** Whether a set may be that of many objects. */
export function isShared(set: FieldSet): boolean {
  return shared.has(set)
}

/** Whether the table's object may hold this element: a pod's address is its own, and whatever contains it is met once. */
export function isShareable(element: string, children: FieldSet): boolean {
  return (children === EMPTY_SET || shared.has(children)) && !element.startsWith('k:{"ip":')
}

/** The place that an element with these children leads to; both must be shareable. */
export function nextPlace(place: Place, element: string, children: FieldSet): Place {
  let steps = place.leaves
  if (children !== EMPTY_SET) {
    place.inner ??= new Map()
    const known = place.inner.get(children)
    if (known) steps = known
    else place.inner.set(children, steps = new Map())
  }
  const known = steps.get(element)
  if (known) return known
  const made = new Place()
  steps.set(element, made)
  places++
  return made
}

/** Where every set begins. */
export function firstPlace(): Place {
  if (places > MAX_PLACES) {
    root = new Place()
    places = 0
  }
  return root
}

/** Sorts a few elements in place, without the work arrays that the built-in sort makes for every call. */
export function sortElements(elements: string[]): string[] {
  for (let i = 1; i < elements.length; i++) {
    const element = elements[i]!
    let at = i
    while (at > 0 && elements[at - 1]! > element) {
      elements[at] = elements[at - 1]!
      at--
    }
    elements[at] = element
  }
  return elements
}

/** The table's object for a set in any order; a set of its own if an element isn't shareable. Knows no positions in lists (`i:0`). */
export function sharedSet(set: FieldSet): FieldSet {
  for (const element in set) if (!isShareable(element, set[element]!)) return sorted(set)
  const elements = sortElements(Object.keys(set))
  let place = firstPlace()
  for (let i = 0; i < elements.length; i++) place = nextPlace(place, elements[i]!, set[elements[i]!]!)
  if (place.set) return place.set
  const made: Record<string, FieldSet> = {}
  for (const element of elements) made[element] = set[element]!
  if (elements.length === 0) return place.set = EMPTY_SET
  shared.add(made)
  return place.set = deepFreeze(made)
}

/** The table's object for a set that no object was looked at for, such as a constant; its parts are the table's too. */
export function tableSet(set: FieldSet): FieldSet {
  const parts: Record<string, FieldSet> = {}
  for (const element in set) parts[element] = tableSet(set[element]!)
  return sharedSet(parts)
}

/** Remembers what an operation on two shared sets gave, also where they are parts of others. */
export function rememberingPairs(operation: (a: FieldSet, b: FieldSet, inner: SetOperation) => FieldSet): SetOperation {
  const MAX_PAIRS = 8_000
  const results = new Map<FieldSet, Map<FieldSet, FieldSet>>()
  let pairs = 0
  const remembering: SetOperation = (a, b) => {
    const known = results.get(a)?.get(b)
    if (known) return known
    const result = operation(a, b, remembering)
    if (!shared.has(a) || !shared.has(b)) return result
    if (++pairs > MAX_PAIRS) {
      results.clear()
      pairs = 1
    }
    shared.add(deepFreeze(result))
    const ofA = results.get(a)
    if (ofA) ofA.set(b, result)
    else results.set(a, new Map([[b, result]]))
    return result
  }
  return remembering
}
