/**
 * What an expression costs at most, from its text and the sizes that a schema allows.
 * k8s: cel-go/checker Cost, cel-go/ext lists and sets, apiserver/pkg/cel/library CostEstimator.EstimateCallCost
 */
import { hasTwoVariables, isComprehension, type CelType, type CheckedCel, type Overload, type ResolvedCall } from './cel-checker.ts'
import type { CelNode } from './cel-syntax.ts'

/** Where nothing is known: sizes and costs go no higher. */
const UNBOUNDED = 2 ** 64

const LIST_COST = 10
const MAP_COST = 30
const MESSAGE_COST = 40
const PER_CHARACTER = 0.1
const PER_PATTERN_CHARACTER = 0.25
const LONGEST_FORMAT_PATTERN = 128
const LONGEST_FORMAT = 64
/** Bytes of the longest address. */
const ADDRESS_BYTES = 16

/** Characters, bytes, items or entries. */
interface Size {
  min: number
  max: number
}

/** Sizes of the keys and values of a list or map written in the expression. */
interface EntrySize {
  list: boolean
  key: Size
  value: Size
}

interface Variable {
  path?: readonly string[]
  size?: Size
  entries?: EntrySize
}

interface CallCost {
  cost: number
  size?: Size
}

const UNKNOWN: Size = { min: 0, max: UNBOUNDED }
const ONE: Size = { min: 1, max: 1 }
const SCALARS = new Set(['bool', 'double', 'google.protobuf.Duration', 'int', 'google.protobuf.Timestamp', 'uint'])
/** Whose equality is decided in one step. */
const EQUAL_AT_ONCE = new Set(['net.IP', 'net.CIDR', 'kubernetes.Quantity', 'kubernetes.Semver'])

const fixed = (size: number): Size => ({ min: size, max: size })
const plus = (a: number, b: number) => Math.min(a + b, UNBOUNDED)
const times = (a: number, b: number) => (a === 0 || b === 0 ? 0 : Math.min(a * b, UNBOUNDED))
const scaled = (size: number, factor: number) => Math.min(Math.ceil(size * factor), UNBOUNDED)
const join = (a: Size, b: Size): Size => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) })
const sum = (...costs: number[]) => costs.reduce(plus, 0)

/** The most that a checked expression costs, `UNBOUNDED` when there is no saying. Its variables are values of the type `root`. */
export function estimateCelCost(node: CelNode, checked: CheckedCel, root: CelType): number {
  return new Estimator(checked, root).cost(node)
}

class Estimator {
  readonly #checked: CheckedCel
  readonly #root: CelType
  /** Where in the root's type a value comes from. */
  readonly #paths = new Map<CelNode, readonly string[]>()
  readonly #sizes = new Map<CelNode, Size>()
  readonly #entries = new Map<CelNode, EntrySize>()
  readonly #variables = new Map<string, Variable[]>()

  constructor(checked: CheckedCel, root: CelType) {
    this.#checked = checked
    this.#root = root
  }

  cost(node: CelNode): number {
    switch (node.kind) {
      case 'literal': return 0
      case 'ident': return this.#ident(node)
      case 'select': return this.#select(node)
      case 'index': return this.#index(node)
      case 'list': return this.#list(node)
      case 'map': return this.#map(node)
      case 'message': return sum(MESSAGE_COST, ...node.fields.map(([, value]) => this.cost(value)))
      case 'call': return this.#call(node)
    }
  }

  #ident(node: Extract<CelNode, { kind: 'ident' }>): number {
    const variable = this.#variable(node.name)
    const path = variable ? variable.path : [node.name]
    if (path) this.#paths.set(node, path)
    return 1
  }

  #select(node: Extract<CelNode, { kind: 'select' }>): number {
    const of = this.cost(node.of)
    if (node.optional) return plus(of, 1)
    const type = this.#type(node.of)
    this.#paths.set(node, [...(this.#path(node.of) ?? []), node.field])
    return type.name === 'map' || type.fields || type.name.startsWith('kubernetes.') ? plus(of, 1) : of
  }

  #index(node: Extract<CelNode, { kind: 'index' }>): number {
    const cost = sum(1, this.cost(node.of), this.cost(node.by))
    const { name } = this.#type(node.of)
    if (node.optional || (name !== 'list' && name !== 'map' && name !== 'dyn')) return cost
    this.#paths.set(node, [...(this.#path(node.of) ?? []), name === 'list' ? '@items' : '@values'])
    const size = this.#entriesOf(node.of)?.value ?? this.#size(node)
    if (size) this.#sizes.set(node, size)
    return cost
  }

  #list(node: Extract<CelNode, { kind: 'list' }>): number {
    const cost = sum(LIST_COST, ...node.items.map((item) => this.cost(item)))
    this.#entries.set(node, { list: true, key: ONE, value: this.#sizeOfAll(node.items) })
    return cost
  }

  #map(node: Extract<CelNode, { kind: 'map' }>): number {
    const cost = sum(MAP_COST, ...node.entries.map(([key, value]) => plus(this.cost(key), this.cost(value))))
    this.#entries.set(node, { list: false, key: this.#sizeOfAll(node.entries.map(([key]) => key)), value: this.#sizeOfAll(node.entries.map(([, value]) => value)) })
    return cost
  }

  #sizeOfAll(nodes: readonly CelNode[]): Size {
    return nodes.length === 0 ? fixed(0) : nodes.map((node) => this.#known(node)).reduce(join)
  }

  #call(node: Extract<CelNode, { kind: 'call' }>): number {
    const { name, target, args } = node
    if (name === 'has' && !target && args[0]?.kind === 'select') return this.cost(args[0].of)
    if (isComprehension(node)) return this.#comprehension(node)
    if (target && name === 'sortBy' && args.length === 2) return this.#sortBy(node, target)
    if (target && (name === 'optMap' || name === 'optFlatMap') && args.length === 2) return this.#optional(node, target)
    const resolved = this.#checked.calls.get(node) ?? { name, args, overloads: [] }
    const ofTarget = resolved.target ? this.cost(resolved.target) : 0
    const costs = resolved.args.map((arg) => this.cost(arg))
    if (name === '_&&_' || name === '_||_') return sum(...costs)
    if (name === '_?_:_') {
      const [, yes, no] = args as [CelNode, CelNode, CelNode]
      this.#sizes.set(node, join(this.#known(yes), this.#known(no)))
      this.#joinEntries(node, yes, no)
      return plus(costs[0]!, Math.max(costs[1]!, costs[2]!))
    }
    if (name === 'dyn') {
      this.#copySizes(node, args[0]!)
      return sum(1, ...costs)
    }
    let most = 0
    let size: Size | undefined
    for (const overload of resolved.overloads) {
      const found = this.#function(node, resolved, overload)
      most = Math.max(most, found.cost)
      if (found.size) size = size ? join(size, found.size) : found.size
      size ??= this.#size(node)
    }
    if (size) this.#sizes.set(node, size)
    return sum(ofTarget, most, ...costs)
  }

  /** What a function itself costs. */
  #function(node: CelNode, { name, target, args }: ResolvedCall, overload: Overload): CallCost {
    const first = (overload.target ?? overload.args[0])?.name
    const on = target ?? args[0]
    const traversal = (of: CelNode, times = 1): CallCost => ({ cost: scaled(this.#known(of).max, times * PER_CHARACTER) })
    switch (name) {
      case '_==_': return this.#equality(args[0]!, args[1]!)
      case '_!=_': return { cost: this.#comparison(args[0]!, args[1]!) }
      case '_<_': case '_<=_': case '_>_': case '_>=_': return { cost: first === 'string' || first === 'bytes' ? this.#comparison(args[0]!, args[1]!) : 1 }
      case '_+_': return first === 'string' || first === 'bytes' || first === 'list' ? this.#concatenation(node, args[0]!, args[1]!, first) : { cost: 1 }
      case '@in': return { cost: overload.args[1]!.name === 'list' ? this.#known(args[1]!).max : 1 }
      case 'startsWith': case 'endsWith': return traversal(args[0]!)
      case 'contains': return { cost: times(traversal(target!).cost, traversal(args[0]!).cost) }
      case 'matches': return { cost: target ? this.#pattern(target, args[0]!) : 1 }
      case 'find': case 'findAll': return { cost: this.#pattern(target!, args[0]!), size: { min: 0, max: this.#known(target!).max } }
      case 'format': return traversal(target!)
      case 'bytes': return first === 'string' ? { ...traversal(on!), size: { min: this.#known(on!).min, max: times(this.#known(on!).max, 4) } } : { cost: 1 }
      case 'string': return first === 'bytes' ? { ...traversal(on!), size: { min: Math.floor(this.#known(on!).min / 4), max: this.#known(on!).max } } : { cost: 1 }
      case 'strings.quote': return { ...traversal(on!), size: { min: plus(this.#known(on!).min, 2), max: plus(times(this.#known(on!).max, 2), 2) } }
      case 'url': case 'jsonpatch.escapeKey': case 'lowerAscii': case 'upperAscii': case 'substring': case 'trim': return { ...traversal(on!), size: this.#known(on!) }
      case 'cidr': case 'isIP': case 'isCIDR': case 'quantity': case 'isQuantity': case 'semver': case 'isSemver': return traversal(on!)
      case 'ip': return target ? { cost: 1 } : traversal(args[0]!)
      case 'ip.isCanonical': return traversal(on!, 2)
      case 'containsIP': return { cost: sum(scaled(2 * ADDRESS_BYTES, PER_CHARACTER), ofText(overload) ? traversal(args[0]!).cost : 0) }
      case 'containsCIDR': return { cost: sum(scaled(2 * ADDRESS_BYTES, PER_CHARACTER), scaled(ADDRESS_BYTES, PER_CHARACTER), 1, ofText(overload) ? traversal(args[0]!).cost : 0) }
      case 'validate': return { cost: scaled(traversal(args[0]!).cost, LONGEST_FORMAT_PATTERN * PER_PATTERN_CHARACTER) }
      case 'replace': return args.length >= 2 ? { ...traversal(target!, 2), size: replacedSize(this.#known(target!), this.#known(args[0]!), this.#known(args[1]!)) } : { cost: 1 }
      case 'split': return { ...traversal(target!, 2), size: { min: 0, max: intLiteral(args[1]) ?? this.#known(target!).max } }
      case 'join': return this.#joined(target!, args[0])
      case 'isSorted': case 'sum': case 'max': case 'min': case 'indexOf': case 'lastIndexOf': return { cost: this.#lookThrough(target!) }
      case 'sets.contains': case 'sets.intersects': return { cost: plus(1, times(this.#known(args[0]!).max, this.#known(args[1]!).max)) }
      case 'sets.equivalent': return { cost: plus(1, times(2, times(this.#known(args[0]!).max, this.#known(args[1]!).max))) }
      case 'slice': {
        const length = (intLiteral(args[1]) ?? this.#known(target!).max) - (intLiteral(args[0]) ?? 0)
        return newList(1, fixed(length < 0 ? UNBOUNDED : length))
      }
      case 'lists.range': return newList(1, fixed(intLiteral(args[0]) ?? UNBOUNDED))
      case 'reverse': return first === 'list' ? newList(1, this.#known(target!)) : { cost: 1 }
      case 'flatten': return newList(args.length === 0 ? 1 : (intLiteral(args[0]) ?? UNBOUNDED), this.#known(target!))
      case 'distinct': return newList(2, square(this.#known(target!)))
      case 'sort': return sorted(this.#known(target!), overload.target!.params![0]!.name)
      default: return { cost: 1 }
    }
  }

  #equality(a: CelNode, b: CelNode): CallCost {
    const { name } = this.#type(a)
    if (name === this.#type(b).name) {
      if (EQUAL_AT_ONCE.has(name)) return { cost: 1 }
      if (name === 'kubernetes.NamedFormat') return { cost: scaled(LONGEST_FORMAT, PER_CHARACTER) }
      if (name === 'kubernetes.URL') return { cost: scaled(this.#size(b)?.max ?? 1, PER_CHARACTER) }
    }
    return { cost: this.#comparison(a, b) }
  }

  #comparison(a: CelNode, b: CelNode): number {
    return scaled(Math.min(this.#known(a).max, this.#known(b).max), PER_CHARACTER)
  }

  #concatenation(node: CelNode, a: CelNode, b: CelNode, of: string): CallCost {
    const [left, right] = [this.#known(a), this.#known(b)]
    const size = { min: plus(left.min, right.min), max: plus(left.max, right.max) }
    this.#joinEntries(node, a, b)
    return { cost: of === 'list' ? 1 : scaled(size.max, PER_CHARACTER), size }
  }

  #pattern(text: CelNode, pattern: CelNode): number {
    return times(scaled(plus(this.#known(text).max, 1), PER_CHARACTER), scaled(this.#known(pattern).max, PER_PATTERN_CHARACTER))
  }

  #joined(list: CelNode, separator: CelNode | undefined): CallCost {
    const items = this.#known(list)
    const item = this.#itemSize(list)
    let size: Size = item ? { min: times(items.min, item.min), max: times(items.max, item.max) } : fixed(0)
    if (separator) {
      const between = this.#known(separator)
      size = { min: plus(size.min, times(between.min, Math.max(items.min - 1, 0))), max: plus(size.max, times(between.max, Math.max(items.max - 1, 0))) }
    }
    return { cost: scaled(size.max, PER_CHARACTER), size }
  }

  /** One pass over a list, or over a text. */
  #lookThrough(on: CelNode): number {
    const { params } = this.#type(on)
    const { max } = this.#known(on)
    if (!params) return scaled(max, PER_CHARACTER)
    const isText = params[0]!.name === 'string' || params[0]!.name === 'bytes'
    return times(max, isText ? plus(1, scaled(this.#itemSize(on)!.max, PER_CHARACTER)) : 1)
  }

  /** Of an item of a list, by the schema alone. */
  #itemSize(list: CelNode): Size | undefined {
    if (!this.#type(list).params) return undefined
    const path = this.#path(list)
    return (path && this.#sizeAt([...path, '@items'])) ?? UNKNOWN
  }

  #comprehension(node: Extract<CelNode, { kind: 'call' }>): number {
    const { name, target, args } = node
    const range = target!
    const ofRange = this.cost(range)
    const two = hasTwoVariables(node)
    const count = this.#known(range)
    const entries = this.#entriesOf(range)
    const isList = entries ? entries.list : this.#type(range).name === 'list'
    const path = this.#path(range) ?? []
    const key: Variable = { path: [...path, isList ? '@indices' : '@keys'], ...(entries ? { size: entries.key } : {}) }
    const value: Variable = { path: [...path, isList ? '@items' : '@values'], ...(entries ? { size: entries.value } : {}) }
    const names = args.slice(0, two ? 2 : 1).map((variable) => (variable as { name: string }).name)
    const variables = two ? [key, value] : [isList ? value : key]
    const parts = this.#within(names, variables, () => {
      const costs = args.slice(names.length).map((arg) => this.cost(arg))
      const kept = name === 'filter' ? args[0]! : args.at(-1)!
      if (name === 'filter') this.cost(kept)
      return { costs, kept: this.#known(kept) }
    })
    const [condition, transform] = parts.costs.length === 2 ? (parts.costs as [number, number]) : [0, parts.costs[0]!]
    const filtered = parts.costs.length === 2
    const total = (before: number, perItem: number, after: number) => sum(ofRange, before, times(count.max, perItem), after)
    const makesList = () => {
      this.#sizes.set(node, count)
      this.#entries.set(node, { list: true, key: ONE, value: join(fixed(0), parts.kept) })
    }
    switch (name) {
      case 'all': case 'exists': {
        this.#sizes.set(node, ONE)
        return total(0, sum(name === 'all' ? 2 : 3, 1, transform), 1)
      }
      case 'exists_one': case 'existsOne': {
        this.#sizes.set(node, ONE)
        return total(0, sum(transform, 2), 2)
      }
      case 'filter': {
        makesList()
        return total(LIST_COST, sum(transform, 3, LIST_COST), 1)
      }
      case 'map': case 'transformList': {
        makesList()
        return total(LIST_COST, sum(condition, 2, LIST_COST, transform), 1)
      }
      default: {
        this.#sizes.set(node, count)
        const step = sum(name === 'transformMap' ? 3 : 2, transform)
        return total(MAP_COST, filtered ? plus(condition, step) : step, 1)
      }
    }
  }

  /** Bound to a name, mapped to keys, then sorted by them. k8s: cel-go ext sortByMacro */
  #sortBy(node: Extract<CelNode, { kind: 'call' }>, target: CelNode): number {
    const ofTarget = this.cost(target)
    const path = this.#path(target)
    const count = this.#known(target)
    const entries = this.#entriesOf(target)
    const item: Variable = { path: [...(path ?? []), '@items'], ...(entries ? { size: entries.value } : {}) }
    const [variable, by] = node.args as [{ name: string } & CelNode, CelNode]
    const key = this.#within([variable.name], [item], () => this.cost(by))
    const call = sorted(count, this.#type(by).name)
    this.#sizes.set(node, call.size!)
    const keys = sum(1, LIST_COST, times(count.max, sum(2, LIST_COST, key)), 1)
    return sum(LIST_COST, ofTarget, 1, keys, call.cost)
  }

  /** A conditional on there being a value, which is bound to a name. k8s: cel-go optMap, optFlatMap */
  #optional(node: Extract<CelNode, { kind: 'call' }>, target: CelNode): number {
    const ofTarget = this.cost(target)
    const [variable, result] = node.args as [{ name: string } & CelNode, CelNode]
    const ofResult = this.#within([variable.name], [{}], () => this.cost(result))
    return sum(ofTarget, 1, node.name === 'optMap' ? 1 : 0, LIST_COST, ofTarget, 1, ofResult)
  }

  #within<T>(names: readonly string[], variables: readonly Variable[], work: () => T): T {
    names.forEach((name, i) => this.#variables.set(name, [...(this.#variables.get(name) ?? []), variables[i]!]))
    const result = work()
    for (const name of names) this.#variables.get(name)!.pop()
    return result
  }

  #variable(name: string): Variable | undefined {
    return this.#variables.get(name)?.at(-1)
  }

  #type(node: CelNode): CelType {
    return this.#checked.types.get(node) ?? { name: 'dyn' }
  }

  #path(node: CelNode): readonly string[] | undefined {
    const variable = node.kind === 'ident' ? this.#variable(node.name) : undefined
    return variable ? variable.path : this.#paths.get(node)
  }

  #known(node: CelNode): Size {
    return this.#size(node) ?? UNKNOWN
  }

  #size(node: CelNode): Size | undefined {
    const computed = this.#sizes.get(node) ?? writtenSize(node)
    if (computed) return computed
    const path = this.#path(node)
    const bySchema = path && this.#sizeAt(path)
    if (bySchema) {
      this.#sizes.set(node, bySchema)
      return bySchema
    }
    if (isScalar(this.#type(node))) return ONE
    return node.kind === 'ident' ? this.#variable(node.name)?.size : undefined
  }

  /** k8s: apiextensions sizeEstimator.EstimateSize */
  #sizeAt(path: readonly string[]): Size | undefined {
    let type: CelType | undefined = this.#root
    for (const step of path.slice(1)) {
      if (step === '@items' || step === '@values') type = type.params?.at(-1)
      else if (step === '@keys') {
        // What keys are is known, not how long they may be.
        if (type.name === 'map') return { min: 0, max: 0 }
        return undefined
      } else type = type.fields && Object.hasOwn(type.fields, step) ? type.fields[step] : undefined
      if (!type) return undefined
    }
    return { min: 0, max: type.limits?.most ?? 0 }
  }

  #entriesOf(node: CelNode): EntrySize | undefined {
    return this.#entries.get(node) ?? (node.kind === 'ident' ? this.#variable(node.name)?.entries : undefined)
  }

  #joinEntries(node: CelNode, a: CelNode, b: CelNode): void {
    const [left, right] = [this.#entriesOf(a), this.#entriesOf(b)]
    if (left && right) this.#entries.set(node, { list: left.list, key: join(left.key, right.key), value: join(left.value, right.value) })
  }

  #copySizes(to: CelNode, from: CelNode): void {
    const size = this.#size(from)
    if (size) this.#sizes.set(to, size)
    const entries = this.#entriesOf(from)
    if (entries) this.#entries.set(to, entries)
  }
}

const ofText = ({ args }: Overload) => args[0]?.name === 'string'

function newList(factor: number, size: Size): CallCost {
  return { cost: sum(scaled(size.max, factor), 1, LIST_COST), size }
}

const square = ({ min, max }: Size): Size => ({ min: times(min, min), max: times(max, max) })

function sorted(size: Size, by: string): CallCost {
  return newList(by === 'string' || by === 'bytes' || by === 'dyn' ? 2 + PER_CHARACTER : 2, square(size))
}

/** The longest and shortest that replacing can make of a text. */
function replacedSize(text: Size, old: Size, by: Size): Size {
  const longest = old.min === 0 ? plus(times(plus(text.max, 1), by.max), text.max) : by.max <= old.min ? text.max : times(Math.ceil(text.max / old.min), by.max)
  const shortest = old.max === 0 ? plus(times(plus(text.min, 1), by.min), text.min) : old.max <= by.min ? text.min : times(Math.ceil(text.min / old.max), by.min)
  return { min: shortest, max: longest }
}

function isScalar({ name, params }: CelType): boolean {
  return SCALARS.has(name) || (name === 'optional_type' && params !== undefined && isScalar(params[0]!))
}

function intLiteral(node: CelNode | undefined): number | undefined {
  return node?.kind === 'literal' && node.type === 'int' ? Number(node.value) : undefined
}

/** Of what is written out in the expression. */
function writtenSize(node: CelNode): Size | undefined {
  switch (node.kind) {
    case 'literal': return fixed(node.type === 'string' || node.type === 'bytes' ? textLength(node.value!, node.type === 'bytes') : 1)
    case 'list': return fixed(node.items.length)
    case 'map': return fixed(node.entries.length)
    default: return undefined
  }
}

const TEXT = /^([rRbB]*)("{3}|'{3}|["'])([\s\S]*)\2$/
const ESCAPE = /\\(?:[0-3][0-7]{2}|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)/g

function textLength(literal: string, inBytes: boolean): number {
  const [, prefix = '', , body = ''] = TEXT.exec(literal) ?? []
  const text = /r/i.test(prefix) ? body : body.replace(ESCAPE, 'x')
  return inBytes ? new TextEncoder().encode(text).length : [...text].length
}
