/**
 * Equal sets of fields as one frozen object. Most objects of a kind are owned alike (a thousand pods of a Deployment, their events), so that sets
 * made here cost no memory of their own, and what was worked out for a pair of them holds for all.
 */
import { deepFreeze } from '../../../base/freeze.ts'
import { EMPTY_SET, type FieldSet } from './field-set.ts'

/** A step on the way through the elements of a sorted set. */
class Place {
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

function next(place: Place, element: string, children: FieldSet): Place {
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

/** Goes through a set's elements in order and answers with the table's object for it. */
export class SetFinder {
  readonly #elements: string[] = []
  readonly #children: FieldSet[] = []
  #place: Place

  constructor() {
    if (places > MAX_PLACES) {
      root = new Place()
      places = 0
    }
    this.#place = root
  }

  add(element: string, children: FieldSet): void {
    this.#place = next(this.#place, element, children)
    this.#elements.push(element)
    this.#children.push(children)
  }

  result(): FieldSet {
    const found = this.#place.set
    if (found) return found
    const made: Record<string, FieldSet> = {}
    this.#elements.forEach((element, i) => { made[element] = this.#children[i]! })
    return this.#place.set = this.#elements.length > 0 ? deepFreeze(made) : EMPTY_SET
  }
}

/** The table's object for a set in any order whose children are the table's. Knows no positions in lists (`i:0`). */
export function sharedSet(set: FieldSet): FieldSet {
  const elements = Object.keys(set)
  if (elements.length > 1) elements.sort()
  const finder = new SetFinder()
  for (const element of elements) finder.add(element, set[element]!)
  return finder.result()
}

/** Remembers what an operation on two shared sets gave. */
export function rememberingPairs(operation: (a: FieldSet, b: FieldSet) => FieldSet): (a: FieldSet, b: FieldSet) => FieldSet {
  const MAX_PAIRS = 2_000
  const results = new Map<FieldSet, Map<FieldSet, FieldSet>>()
  let pairs = 0
  return (a, b) => {
    const known = results.get(a)?.get(b)
    if (known) return known
    const result = operation(a, b)
    if (!Object.isFrozen(a) || !Object.isFrozen(b)) return result
    if (++pairs > MAX_PAIRS) {
      results.clear()
      pairs = 1
    }
    const ofA = results.get(a)
    if (ofA) ofA.set(b, deepFreeze(result))
    else results.set(a, new Map([[b, deepFreeze(result)]]))
    return result
  }
}
