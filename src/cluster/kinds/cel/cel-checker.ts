/** Types of expressions and what doesn't fit, in the words of cel-go's checker. k8s: cel-go/checker, apiserver/pkg/cel/library */
import { CEL_FUNCTIONS } from './cel-functions.ts'
import type { CelIssue, CelNode } from './cel-syntax.ts'

/** A type: a name with parameters, and fields where they are known. */
export interface CelType {
  name: string
  params?: readonly CelType[]
  /** Of objects whose fields are known. */
  fields?: Readonly<Record<string, CelType>>
  /** Of types from a schema: how many characters, items or entries a value has at most, and how many bytes its JSON has at least. */
  limits?: Readonly<{ most: number; leastBytes: number }>
}

export const DYN: CelType = { name: 'dyn' }
export const simpleType = (name: string): CelType => ({ name })
export const listType = (of: CelType): CelType => ({ name: 'list', params: [of] })
export const mapType = (key: CelType, value: CelType): CelType => ({ name: 'map', params: [key, value] })
const BOOL = simpleType('bool')
const INT = simpleType('int')
/** What an expression with an error has: nothing more is said of it. */
const ERROR: CelType = { name: '!error!' }

const SHORT_NAMES: Readonly<Record<string, string>> = { null_type: 'null', 'google.protobuf.Duration': 'duration', 'google.protobuf.Timestamp': 'timestamp' }

/** As cel-go prints it in messages: `list(int)`. */
export function celTypeText({ name, params }: CelType): string {
  const shown = SHORT_NAMES[name]
  if (shown !== undefined) return shown
  return params ? `${name}(${params.map(celTypeText).join(', ')})` : name
}

/** One form of a function: what it takes and gives. */
export interface Overload {
  target?: CelType
  args: CelType[]
  result: CelType
}

let overloads: Map<string, Overload[]> | undefined

/** `string.charAt(int) string`, `size(list(A)) int` */
function declared(): Map<string, Overload[]> {
  if (overloads) return overloads
  overloads = new Map()
  for (const line of CEL_FUNCTIONS) {
    const reader = new TypeReader(line)
    const overload = reader.declaration()
    const known = overloads.get(overload.name)
    if (known) known.push(overload)
    else overloads.set(overload.name, [overload])
  }
  return overloads
}

class TypeReader {
  readonly #text: string
  #i = 0
  constructor(text: string) {
    this.#text = text
  }
  declaration(): Overload & { name: string } {
    // Member functions are written `<type>::name(...)`.
    const split = this.#text.indexOf('::')
    const target = split < 0 ? undefined : this.type()
    if (split >= 0) this.#i = split + 2
    const open = this.#text.indexOf('(', this.#i)
    const name = this.#text.slice(this.#i, open)
    this.#i = open + 1
    const args: CelType[] = []
    while (this.#text[this.#i] !== ')') {
      args.push(this.type())
      if (this.#text[this.#i] === ',') this.#i += 2
    }
    this.#i += 2
    return { name, args, result: this.type(), ...(target ? { target } : {}) }
  }
  type(): CelType {
    const name = /^[\w.]+/.exec(this.#text.slice(this.#i))![0]
    this.#i += name.length
    if (this.#text[this.#i] !== '(') return { name }
    this.#i++
    const params: CelType[] = []
    while (this.#text[this.#i] !== ')') {
      params.push(this.type())
      if (this.#text[this.#i] === ',') this.#i += 2
    }
    this.#i++
    return { name, params }
  }
}

/** A call as it was resolved: `sets.contains(a, b)` is one function without a target. */
export interface ResolvedCall {
  name: string
  target?: CelNode
  args: readonly CelNode[]
  /** Those that may be meant; several where types are known only when it runs. */
  overloads: readonly Overload[]
}

/** What was found out of an expression's parts. */
export interface CheckedCel {
  types: ReadonlyMap<CelNode, CelType>
  calls: ReadonlyMap<CelNode, ResolvedCall>
}

/** Checks a parsed expression against what its variables are. `hasBindings`: whether there is cel.bind, which most of Kubernetes' expressions don't have. */
export function checkCelTypes(node: CelNode, variables: Readonly<Record<string, CelType>>, messages: Readonly<Record<string, CelType>> = {}, hasBindings = false): { type: CelType; issues: CelIssue[]; checked: CheckedCel } {
  const checker = new Checker(variables, messages, hasBindings)
  const type = checker.of(node)
  return { type, issues: checker.issues, checked: checker }
}

/** Whether a call is a macro that goes through a list or map. */
export function isComprehension({ name, target, args }: Extract<CelNode, { kind: 'call' }>): boolean {
  return target !== undefined && (COMPREHENSIONS[name]?.includes(args.length) ?? false)
}

/** Whether a comprehension names positions or keys as well as values. */
export function hasTwoVariables({ name, args }: Extract<CelNode, { kind: 'call' }>): boolean {
  return name.startsWith('transform') || (args.length === 3 && name !== 'map')
}

const COMPREHENSIONS: Record<string, readonly number[]> = { all: [2, 3], exists: [2, 3], exists_one: [2, 3], existsOne: [3], map: [2, 3], filter: [2], transformList: [3, 4], transformMap: [3, 4], transformMapEntry: [3, 4] }
/** What lists can be sorted by. */
const COMPARABLE = new Set(['int', 'uint', 'double', 'bool', 'string', 'bytes', 'google.protobuf.Duration', 'google.protobuf.Timestamp'])
/** Names before functions: `sets.contains(...)` is one function. */
export const NAMESPACES: ReadonlySet<string> = new Set(['sets', 'lists', 'optional', 'format', 'ip', 'jsonpatch', 'math', 'base64', 'strings'])

const QUALIFIED_TYPES = new Set(['google.protobuf.Duration', 'google.protobuf.Timestamp', 'net.IP', 'net.CIDR'])

function qualifiedName(node: CelNode): string | undefined {
  if (node.kind === 'ident') return node.name
  if (node.kind !== 'select' || node.optional) return undefined
  const before = qualifiedName(node.of)
  return before === undefined ? undefined : `${before}.${node.field}`
}

class Checker {
  readonly issues: CelIssue[] = []
  readonly types = new Map<CelNode, CelType>()
  readonly calls = new Map<CelNode, ResolvedCall>()
  #variables: Readonly<Record<string, CelType>>
  readonly #messages: Readonly<Record<string, CelType>>
  readonly #hasBindings: boolean
  constructor(variables: Readonly<Record<string, CelType>>, messages: Readonly<Record<string, CelType>>, hasBindings: boolean) {
    this.#variables = variables
    this.#hasBindings = hasBindings
    this.#messages = messages
  }

  #problem(at: number, text: string): CelType {
    this.issues.push({ at, text })
    return ERROR
  }

  of(node: CelNode): CelType {
    const type = this.#of(node)
    this.types.set(node, type)
    return type
  }

  #of(node: CelNode): CelType {
    switch (node.kind) {
      case 'literal': return simpleType(node.type)
      case 'ident': return this.#ident(node.name, node.at)
      case 'select': return this.#select(node)
      case 'index': return this.#index(node)
      case 'call': return this.#call(node)
      case 'list': return listType(this.#joined(node.items, node.optionals))
      case 'map': return node.entries.length === 0 ? mapType(DYN, DYN) : mapType(this.#joined(node.entries.map(([key]) => key)), this.#joined(node.entries.map(([, value]) => value), node.optionals))
      case 'message': return this.#message(node)
    }
  }

  #ident(name: string, at: number): CelType {
    if (Object.hasOwn(this.#variables, name)) return this.#variables[name]!
    if (['int', 'uint', 'double', 'bool', 'string', 'bytes', 'list', 'map', 'null_type', 'type', 'optional_type'].includes(name)) return { name: 'type', params: [name === 'list' ? listType(DYN) : name === 'map' ? mapType(DYN, DYN) : simpleType(name)] }
    return this.#problem(at, `undeclared reference to '${name}' (in container '')`)
  }

  #select(node: Extract<CelNode, { kind: 'select' }>): CelType {
    const name = qualifiedName(node)
    if (name !== undefined && !Object.hasOwn(this.#variables, name.split('.')[0]!) && QUALIFIED_TYPES.has(name)) return { name: 'type', params: [simpleType(name)] }
    if (name !== undefined && Object.hasOwn(this.#variables, name)) return this.#variables[name]!
    const of = this.of(node.of)
    const optional = of.name === 'optional_type'
    const type = this.#field(optional ? of.params![0]! : of, node.field, node.at)
    return type !== ERROR && (node.optional || optional) ? { name: 'optional_type', params: [type] } : type
  }

  #field(of: CelType, field: string, at: number): CelType {
    if (of === ERROR) return ERROR
    if (isDynamic(of)) return DYN
    if (of.name === 'map') return of.params![1]!
    if (of.fields) {
      if (Object.hasOwn(of.fields, field)) return of.fields[field]!
      // Fields with names of the language's own words can be written plainly.
      return of.fields[`__${field}__`] ?? this.#problem(at, `undefined field '${field}'`)
    }
    if (of.name.startsWith('kubernetes.')) return this.#problem(at, `unexpected failed resolution of '${of.name}'`)
    return this.#problem(at, `type '${celTypeText(of)}' does not support field selection`)
  }

  #index(node: Extract<CelNode, { kind: 'index' }>): CelType {
    const whole = this.of(node.of)
    const by = this.of(node.by)
    if (whole === ERROR) return ERROR
    const of = whole.name === 'optional_type' ? whole.params![0]! : whole
    const wrap = (type: CelType): CelType => (node.optional || whole !== of ? { name: 'optional_type', params: [type] } : type)
    if (isDynamic(of)) return wrap(DYN)
    if (of.name === 'list' && fits(by, INT)) return wrap(of.params![0]!)
    if (of.name === 'map' && fits(by, of.params![0]!)) return wrap(of.params![1]!)
    return this.#problem(node.at, `found no matching overload for '${node.optional ? '_[?_]' : '_[_]'}' applied to '(${celTypeText(whole)}, ${celTypeText(by)})'`)
  }

  /** The type of values that stand together; what differs makes it dynamic. */
  #joined(nodes: readonly CelNode[], optionals?: ReadonlySet<number>): CelType {
    let joined: CelType | undefined
    for (const [i, node] of nodes.entries()) {
      let type = this.of(node)
      if (type === ERROR) continue
      if (optionals?.has(i)) {
        if (type.name === 'optional_type') type = type.params![0]!
        else if (type.name !== 'dyn') this.#problem(node.at, `expected type 'optional_type(${celTypeText(type)})' but found '${celTypeText(type)}'`)
      }
      joined = joined === undefined ? type : fits(type, joined) && !isDynamic(joined) && !isDynamic(type) ? moreGeneral(joined, type) : DYN
    }
    return joined ?? DYN
  }

  #message(node: Extract<CelNode, { kind: 'message' }>): CelType {
    const type = this.#messages[node.type] ?? (Object.hasOwn(this.#messages, 'Object') && /^Object(?:\.\w+)*$/.test(node.type) ? simpleType(node.type) : undefined)
    const given = node.fields.map(([, value]) => this.of(value))
    if (!type) return this.#problem(node.at, `undeclared reference to '${node.type}' (in container '')`)
    for (const [i, [name, , colon]] of node.fields.entries()) {
      if (!type.fields) continue
      const wanted = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined
      if (!wanted || !fits(given[i]!, wanted)) this.#problem(colon, `expected type of field '${name}' is '${wanted ? celTypeText(wanted) : ''}' but provided type is '${celTypeText(given[i]!)}'`)
    }
    return { name: type.name }
  }

  #call(node: Extract<CelNode, { kind: 'call' }>): CelType {
    const { name, target, args } = node
    if (name === 'has' && !target && args.length === 1) {
      const arg = args[0]!
      if (arg.kind !== 'select') return this.#problem(arg.at, 'invalid argument to has() macro')
      const known = this.issues.length
      const of = this.of(arg.of)
      if (of === ERROR || this.issues.length > known) return ERROR
      // What is missing is missing from the macro.
      const field = this.#field(of.name === 'optional_type' ? of.params![0]! : of, arg.field, node.at)
      this.types.set(arg, field)
      return field === ERROR ? ERROR : BOOL
    }
    if (isComprehension(node)) return this.#comprehension(node)
    if (this.#hasBindings && target?.kind === 'ident' && target.name === 'cel' && name === 'bind' && args.length === 3) return this.#binding(args)
    if (target && name === 'sortBy' && args.length === 2) return this.#sorted(node)
    if (target && (name === 'optMap' || name === 'optFlatMap') && args.length === 2) return this.#optional(node)
    const qualified = target?.kind === 'ident' && NAMESPACES.has(target.name) && !Object.hasOwn(this.#variables, target.name) ? `${target.name}.${name}` : undefined
    if (qualified !== undefined && declared().has(qualified) && (!qualified.startsWith('jsonpatch.') || Object.hasOwn(this.#messages, 'JSONPatch'))) return this.#resolve(node, qualified, undefined)
    const of = target && this.of(target)
    if (!declared().has(name)) {
      this.#problem(node.at, `undeclared reference to '${name}' (in container '')`)
      for (const arg of args) this.of(arg)
      return ERROR
    }
    if (name === '_&&_' || name === '_||_') {
      for (const arg of args) {
        const type = this.of(arg)
        if (type !== ERROR && !fits(type, BOOL)) this.#problem(arg.at, `expected type 'bool' but found '${celTypeText(type)}'`)
      }
      return BOOL
    }
    return this.#resolve(node, name, of)
  }

  #resolve(node: Extract<CelNode, { kind: 'call' }>, name: string, target: CelType | undefined): CelType {
    const { args, at } = node
    const types = args.map((arg) => this.of(arg))
    const results: CelType[] = []
    const found: Overload[] = []
    for (const overload of declared().get(name) ?? []) {
      if ((overload.target === undefined) !== (target === undefined) || overload.args.length !== types.length) continue
      const bound = new Map<string, CelType>()
      if (target && !matches(target, overload.target!, bound)) continue
      if (!types.every((type, i) => matches(type, overload.args[i]!, bound))) continue
      results.push(substitute(overload.result, bound))
      found.push(overload)
    }
    this.calls.set(node, { name, args, overloads: found, ...(target ? { target: node.target! } : {}) })
    if (results.length === 0) {
      const shown = `(${types.map(celTypeText).join(', ')})`
      return this.#problem(at, `found no matching overload for '${name}' applied to '${target ? `${celTypeText(target)}.` : ''}${shown}'`)
    }
    const first = celTypeText(results[0]!)
    return results.every((result) => celTypeText(result) === first) ? results[0]! : DYN
  }

  #comprehension(node: Extract<CelNode, { kind: 'call' }>): CelType {
    const { name, target, args, at } = node
    const range = this.of(target!)
    const two = hasTwoVariables(node)
    const names = args.slice(0, two ? 2 : 1)
    for (const variable of names) if (variable.kind !== 'ident') return this.#problem(variable.at, 'argument must be a simple name')
    let [key, value]: [CelType, CelType] = [DYN, DYN]
    if (range.name === 'list') [key, value] = two ? [INT, range.params![0]!] : [range.params![0]!, DYN]
    else if (range.name === 'map') [key, value] = [range.params![0]!, range.params![1]!]
    else if (range.name !== 'dyn') {
      if (range !== ERROR) this.#problem(target!.at, `expression of type '${celTypeText(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`)
      key = value = ERROR
    }
    const outside = this.#variables
    const inside: Record<string, CelType> = { ...outside, [(names[0] as { name: string }).name]: key }
    if (two) inside[(names[1] as { name: string }).name] = value
    this.#variables = inside
    const rest = args.slice(names.length).map((arg) => [arg, this.of(arg)] as const)
    this.#variables = outside
    const condition = ([node, type]: readonly [CelNode, CelType], result?: CelType) => {
      if (type === ERROR || fits(type, BOOL)) return
      // Some of these macros are written with a conditional, which is what the message shows.
      if (result) this.#problem(at, `found no matching overload for '_?_:_' applied to '(${[type, result, result].map(celTypeText).join(', ')})'`)
      else this.#problem(node.at, `expected type 'bool' but found '${celTypeText(type)}'`)
    }
    if (name === 'all' || name.startsWith('exists')) {
      condition(rest[0]!, name === 'exists_one' || name === 'existsOne' ? INT : undefined)
      return BOOL
    }
    if (name === 'filter') {
      const result = listType(range.name === 'list' || range.name === 'map' ? key : DYN)
      condition(rest[0]!, result)
      return result
    }
    const out = rest.at(-1)![1]
    if (rest.length === 2) condition(rest[0]!, listType(out === ERROR ? DYN : out))
    if (name === 'map' || name === 'transformList') return listType(out === ERROR ? DYN : out)
    // Entries are maps themselves.
    if (name === 'transformMapEntry') {
      if (out.name === 'map') return out
      return out === ERROR || isDynamic(out) ? mapType(DYN, DYN) : this.#problem(at, `found no matching overload for 'cel.@mapInsert' applied to '(map(dyn, dyn), ${celTypeText(out)})'`)
    }
    return mapType(key === ERROR ? DYN : key, out === ERROR ? DYN : out)
  }

  /** What the macro is written with shows in messages. k8s: cel-go ext sortByMacro */
  #sorted(node: Extract<CelNode, { kind: 'call' }>): CelType {
    const keys = this.#comprehension({ ...node, name: 'map' })
    const [key] = keys.params ?? []
    const known = this.issues.length
    const range = this.of(node.target!)
    this.issues.length = known
    if (key === undefined || key === ERROR || range === ERROR) return ERROR
    if (key.name !== 'dyn' && !COMPARABLE.has(key.name)) return this.#problem(node.at, `found no matching overload for '@sortByAssociatedKeys' applied to '${celTypeText(range)}.(${celTypeText(keys)})'`)
    return range
  }

  /** `cel.bind(name, value, result)` */
  #binding([variable, value, result]: readonly CelNode[]): CelType {
    const type = this.of(value!)
    if (variable!.kind !== 'ident') return this.#problem(variable!.at, 'cel.bind() variable names must be simple identifiers')
    const outside = this.#variables
    this.#variables = { ...outside, [variable!.name]: type }
    const out = this.of(result!)
    this.#variables = outside
    return out
  }

  #optional({ name, target, args, at }: Extract<CelNode, { kind: 'call' }>): CelType {
    const of = this.of(target!)
    const variable = args[0]!
    if (variable.kind !== 'ident') return this.#problem(variable.at, 'argument must be a simple name')
    const outside = this.#variables
    this.#variables = { ...outside, [variable.name]: of.params?.[0] ?? DYN }
    const result = this.of(args[1]!)
    this.#variables = outside
    // The macro is written with a conditional, whose other outcome is no value.
    if (name === 'optFlatMap' && result !== ERROR && !fits(result, { name: 'optional_type', params: [DYN] })) return this.#problem(at, `found no matching overload for '_?_:_' applied to '(bool, ${celTypeText(result)}, optional_type(dyn))'`)
    return result === ERROR || name === 'optFlatMap' ? result : { name: 'optional_type', params: [result] }
  }
}

/** Of two types that go for each other the one that says less. k8s: cel-go/checker mostGeneral */
const moreGeneral = (a: CelType, b: CelType): CelType => isDynamic(b) || (b.params?.some((param, i) => a.params?.[i] !== undefined && moreGeneral(a.params[i], param) !== a.params[i]) ?? false) ? b : a

/** `any` is a message whose type isn't known before it is there. */
const isDynamic = ({ name }: CelType) => name === 'dyn' || name === 'any'

const isParameter = (type: CelType) => /^[A-Z]$/.test(type.name)

/** Whether a value of one type can be used where another is asked for. */
function fits(type: CelType, wanted: CelType): boolean {
  return matches(type, wanted, new Map())
}

function matches(type: CelType, wanted: CelType, bound: Map<string, CelType>): boolean {
  if (isParameter(wanted)) {
    const known = bound.get(wanted.name)
    if (!known) {
      bound.set(wanted.name, type)
      return true
    }
    if (isDynamic(known) || isDynamic(type)) {
      bound.set(wanted.name, isDynamic(known) ? known : type)
      return true
    }
    return matches(type, known, new Map()) || matches(known, type, new Map())
  }
  if (isDynamic(type) || isDynamic(wanted) || type.name === '!error!' || wanted.name === '!error!') return true
  // Types of values are all of one type.
  if (type.name === 'type' && wanted.name === 'type') return true
  // Null is a value of every message, duration, time and optional.
  if (type.name === 'null_type' && (wanted.fields || wanted.name.includes('.') || wanted.name === 'optional_type')) return true
  if (type.name !== wanted.name) return false
  if (type.params && wanted.params) return type.params.every((param, i) => matches(param, wanted.params![i]!, bound))
  return true
}

function substitute(type: CelType, bound: ReadonlyMap<string, CelType>): CelType {
  if (isParameter(type)) return bound.get(type.name) ?? DYN
  return type.params ? { ...type, params: type.params.map((param) => substitute(param, bound)) } : type
}
