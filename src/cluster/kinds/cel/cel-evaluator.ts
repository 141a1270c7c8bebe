/** Turns a parsed expression into a function. What fails while it runs fails in cel-go's words. k8s: cel-go/interpreter */
import { hasTwoVariables, isComprehension, NAMESPACES } from './cel-checker.ts'
import { CelFailure, type Charge } from './cel-failure.ts'
import { literalValue } from './cel-literals.ts'
import { callFunction, hasFunction } from './cel-runtime-functions.ts'
import type { CelNode } from './cel-syntax.ts'
import { celCompare, celEquals, CelOptional, celTypeOf, CelTypeName, CelUint, isCelMap, isOpaque, mapEntries, mapFind, mapPart } from './cel-values.ts'

/** One evaluation: variables, also those of macros, and its meter. */
export interface Scope {
  readonly variables: Readonly<Record<string, unknown>>
  readonly charge: Charge
  /** Of macros: looked at first. */
  readonly locals?: { readonly name: string; readonly value: unknown; readonly outer: Scope['locals'] }
}

export type Step = (scope: Scope) => unknown

const NO_OVERLOAD = 'no such overload'
const TYPES = new Set(['int', 'uint', 'double', 'bool', 'string', 'bytes', 'list', 'map', 'null_type', 'type', 'google.protobuf.Duration', 'google.protobuf.Timestamp', 'net.IP', 'net.CIDR', 'optional_type'])

const fail = (message: string): never => {
  throw new CelFailure(message)
}

/** A dotted name, where the node is one. */
function dottedName(node: CelNode): string | undefined {
  if (node.kind === 'ident') return node.name
  if (node.kind !== 'select' || node.optional) return undefined
  const before = dottedName(node.of)
  return before === undefined ? undefined : `${before}.${node.field}`
}

/** Compiles. `locals`: names that macros around it introduce. */
export function compileNode(node: CelNode, locals: readonly string[] = []): Step {
  switch (node.kind) {
    case 'literal': {
      const value = literalValue(node.type, node.value ?? '')
      return () => value
    }
    case 'ident': return ident(node.name)
    case 'select': return select(node, locals)
    case 'index': return index(node, locals)
    case 'list': return list(node, locals)
    case 'map': return map(node, locals)
    case 'message': return message(node, locals)
    case 'call': return call(node, locals)
  }
}

function ident(name: string): Step {
  const type = TYPES.has(name) ? new CelTypeName(name) : undefined
  return (scope) => {
    for (let local = scope.locals; local; local = local.outer) if (local.name === name) return local.value
    scope.charge(1)
    if (Object.hasOwn(scope.variables, name)) return scope.variables[name]
    return type ?? fail(`no such attribute(s): ${name}`)
  }
}

function select(node: Extract<CelNode, { kind: 'select' }>, locals: readonly string[]): Step {
  const of = compileNode(node.of, locals)
  const { field, optional } = node
  const name = dottedName(node)
  const isLocal = name !== undefined && locals.includes(name.split('.')[0]!)
  const type = name !== undefined && !isLocal && TYPES.has(name) ? new CelTypeName(name) : undefined
  if (type) return () => type
  const qualified = name !== undefined && !isLocal ? name : undefined
  return (scope) => {
    if (qualified !== undefined && Object.hasOwn(scope.variables, qualified)) return scope.variables[qualified]
    const value = of(scope)
    scope.charge(1)
    return optional || value instanceof CelOptional ? optionalPart(value, field) : part(value, field)
  }
}

/** A field, entry or item. k8s: cel-go/interpreter/attributes.go refQualify */
function part(value: unknown, key: unknown): unknown {
  if (isCelMap(value)) {
    const found = mapPart(value, key) ?? mapFind(value, `__${String(key)}__`)
    return found ? found.value : fail(`no such key: ${keyText(key)}`)
  }
  if (Array.isArray(value)) {
    const position = listIndex(key)
    return position >= 0 && position < value.length ? value[position] : fail(`index out of bounds: ${keyText(key)}`)
  }
  return fail(`no such key: ${keyText(key)}`)
}

function listIndex(key: unknown): number {
  if (typeof key === 'bigint') return Number(key)
  if (key instanceof CelUint) return Number(key.value)
  if (typeof key === 'number') return Number.isInteger(key) ? key : fail(`unsupported index value ${key} in list`)
  return fail(`unsupported index type '${celTypeOf(key)}' in list`)
}

const keyText = (key: unknown) => key instanceof CelUint ? String(key.value) : String(key)

function optionalPart(value: unknown, key: unknown): CelOptional {
  if (value instanceof CelOptional) return value.hasValue ? optionalPart(value.value, key) : value
  if (isCelMap(value)) {
    const found = mapPart(value, key)
    return found ? CelOptional.of(found.value) : CelOptional.none
  }
  if (Array.isArray(value)) {
    const position = listIndex(key)
    return position >= 0 && position < value.length ? CelOptional.of(value[position]) : CelOptional.none
  }
  return CelOptional.none
}

function index(node: Extract<CelNode, { kind: 'index' }>, locals: readonly string[]): Step {
  const [of, by] = [compileNode(node.of, locals), compileNode(node.by, locals)]
  return (scope) => {
    const value = of(scope)
    const key = by(scope)
    scope.charge(1)
    return node.optional || value instanceof CelOptional ? optionalPart(value, key) : part(value, key)
  }
}

/** The value of an entry written with `?`, or undefined where it is to be left out. */
function optionalEntry(value: unknown): { value: unknown } | undefined {
  if (!(value instanceof CelOptional)) return fail(`cannot initialize optional entry from non-optional value ${String(value)}`)
  return value.hasValue ? { value: value.value } : undefined
}

function list({ items, optionals }: Extract<CelNode, { kind: 'list' }>, locals: readonly string[]): Step {
  const steps = items.map((item) => compileNode(item, locals))
  return (scope) => {
    scope.charge(10)
    const out: unknown[] = []
    steps.forEach((step, i) => {
      const value = step(scope)
      if (!optionals?.has(i)) return void out.push(value)
      const entry = optionalEntry(value)
      if (entry) out.push(entry.value)
    })
    return out
  }
}

function map({ entries, optionals }: Extract<CelNode, { kind: 'map' }>, locals: readonly string[]): Step {
  const steps = entries.map(([key, value]) => [compileNode(key, locals), compileNode(value, locals)] as const)
  return (scope) => {
    scope.charge(30)
    const out = new Map<unknown, unknown>()
    steps.forEach(([keyStep, valueStep], i) => {
      const key = keyStep(scope)
      const value = valueStep(scope)
      const entry = optionals?.has(i) ? optionalEntry(value) : { value }
      if (entry) out.set(key, entry.value)
    })
    return out
  }
}

/** `JSONPatch{op: "add"}`, `Object.spec{replicas: 1}`: their values are used as maps. */
function message({ fields, optionals }: Extract<CelNode, { kind: 'message' }>, locals: readonly string[]): Step {
  const steps = fields.map(([name, value]) => [name, compileNode(value, locals)] as const)
  return (scope) => {
    scope.charge(40)
    const out = new Map<unknown, unknown>()
    steps.forEach(([name, step], i) => {
      const value = step(scope)
      const entry = optionals?.has(i) ? optionalEntry(value) : { value }
      if (entry) out.set(name, entry.value)
    })
    return out
  }
}

function call(node: Extract<CelNode, { kind: 'call' }>, locals: readonly string[]): Step {
  const { name, target, args } = node
  if (name === 'has' && !target && args.length === 1) return has(args[0]!, locals)
  if (isComprehension(node)) return comprehension(node, locals)
  const steps = args.length > 0 && isBinding(node) ? [] : args.map((arg) => compileNode(arg, locals))
  switch (name) {
    case '_&&_': return logical(steps, false)
    case '_||_': return logical(steps, true)
    case '_?_:_': return (scope) => {
      const condition = steps[0]!(scope)
      return condition === true ? steps[1]!(scope) : condition === false ? steps[2]!(scope) : fail(NO_OVERLOAD)
    }
    case '_==_': return (scope) => equality(steps, scope)
    case '_!=_': return (scope) => !equality(steps, scope)
    // Nothing is in an empty list; upstream doesn't even look at it.
    case '@in': if (args[1]?.kind === 'list' && args[1].items.length === 0) return () => false
      return (scope) => isIn(steps[0]!(scope), steps[1]!(scope), scope.charge)
  }
  if (isBinding(node)) return binding(node, locals)
  if (target && (name === 'optMap' || name === 'optFlatMap') && args.length === 2) return optionalMap(node, locals)
  if (target && name === 'sortBy' && args.length === 2) return sortBy(node, locals)
  const dotted = target && dottedName(target)
  const qualified = dotted !== undefined && NAMESPACES.has(dotted) && !locals.includes(dotted) ? `${dotted}.${name}` : undefined
  if (qualified !== undefined && hasFunction(qualified)) return (scope) => callFunction(qualified, steps.map((step) => step(scope)), scope.charge)
  const of = target && compileNode(target, locals)
  return (scope) => callFunction(name, of ? [of(scope), ...steps.map((step) => step(scope))] : steps.map((step) => step(scope)), scope.charge)
}

const isBinding = ({ name, target, args }: Extract<CelNode, { kind: 'call' }>): boolean => name === 'bind' && target?.kind === 'ident' && target.name === 'cel' && args.length === 3

function equality([a, b]: readonly Step[], scope: Scope): boolean {
  const [left, right] = [a!(scope), b!(scope)]
  scope.charge(1 + Math.floor(Math.min(sizeOf(left), sizeOf(right)) / 10))
  return celEquals(left, right)
}

const sizeOf = (value: unknown): number => typeof value === 'string' || Array.isArray(value) || value instanceof Uint8Array ? value.length : 1

function isIn(wanted: unknown, where: unknown, charge: Charge): boolean {
  if (Array.isArray(where)) {
    charge(1 + where.length)
    return where.some((item) => celEquals(item, wanted))
  }
  charge(1)
  return isCelMap(where) ? mapFind(where, wanted) !== undefined : fail(NO_OVERLOAD)
}

/** An operand that decides wins over one that fails, whatever their order. */
function logical(steps: readonly Step[], decisive: boolean): Step {
  return (scope) => decide(steps, (step) => step(scope), decisive)
}

/** Goes through what decides at once; a failure counts only where nothing decided. */
function decide<T>(items: Iterable<T>, evaluate: (item: T) => unknown, decisive: boolean): boolean {
  let failure: unknown
  for (const item of items) {
    try {
      const value = evaluate(item)
      if (value === decisive) return decisive
      if (value !== !decisive) failure ??= new CelFailure(NO_OVERLOAD)
    } catch (error) {
      if (!(error instanceof CelFailure)) throw error
      failure ??= error
    }
  }
  if (failure !== undefined) throw failure
  return !decisive
}

function has(arg: CelNode, locals: readonly string[]): Step {
  if (arg.kind !== 'select') return () => fail('invalid argument to has() macro')
  const of = compileNode(arg.of, locals)
  return (scope) => {
    const value = of(scope)
    scope.charge(1)
    return optionalPart(value, arg.field).hasValue
  }
}

function withLocal(scope: Scope, name: string, value: unknown): Scope {
  return { variables: scope.variables, charge: scope.charge, locals: { name, value, outer: scope.locals } }
}

const nameOf = (node: CelNode): string => node.kind === 'ident' ? node.name : ''

function binding({ args }: Extract<CelNode, { kind: 'call' }>, locals: readonly string[]): Step {
  const name = nameOf(args[0]!)
  const [value, body] = [compileNode(args[1]!, locals), compileNode(args[2]!, [...locals, name])]
  return (scope) => body(withLocal(scope, name, value(scope)))
}

function optionalMap({ name, target, args }: Extract<CelNode, { kind: 'call' }>, locals: readonly string[]): Step {
  const variable = nameOf(args[0]!)
  const [of, body] = [compileNode(target!, locals), compileNode(args[1]!, [...locals, variable])]
  return (scope) => {
    const value = of(scope)
    if (!(value instanceof CelOptional)) return fail(NO_OVERLOAD)
    if (!value.hasValue) return value
    const result = body(withLocal(scope, variable, value.value))
    return name === 'optFlatMap' ? result : CelOptional.of(result)
  }
}

function sortBy({ target, args }: Extract<CelNode, { kind: 'call' }>, locals: readonly string[]): Step {
  const variable = nameOf(args[0]!)
  const [of, body] = [compileNode(target!, locals), compileNode(args[1]!, [...locals, variable])]
  return (scope) => {
    const items = of(scope)
    if (!Array.isArray(items)) return fail(NO_OVERLOAD)
    scope.charge(11 + 2 * items.length ** 2)
    const keyed = items.map((item: unknown) => ({ item, key: body(withLocal(scope, variable, item)) }))
    return keyed.sort((a, b) => celCompare(a.key, b.key) ?? fail('list elements must have the same type')).map(({ item }) => item)
  }
}

/** Macros that go through a list or a map. k8s: cel-go/parser/macro.go, ext/comprehensions.go */
function comprehension(node: Extract<CelNode, { kind: 'call' }>, locals: readonly string[]): Step {
  const { name, target, args } = node
  const two = hasTwoVariables(node)
  const names = args.slice(0, two ? 2 : 1).map(nameOf)
  const range = compileNode(target!, locals)
  const inner = [...locals, ...names]
  const steps = args.slice(names.length).map((arg) => compileNode(arg, inner))
  const run = comprehensionBody(name, steps)
  // A step of a macro looks at its accumulator, tests it and combines it.
  const stepCost = 3
  return (scope) => {
    const value = range(scope)
    let items: readonly (readonly [unknown, unknown])[]
    if (Array.isArray(value)) items = value.map((item, i) => two ? [BigInt(i), item] as const : [item, undefined] as const)
    else if (isCelMap(value)) items = mapEntries(value)
    else return fail(`got '${goTypeOf(value)}', expected iterable type`)
    const scopeOf = ([first, second]: readonly [unknown, unknown]): Scope => {
      scope.charge(stepCost)
      const one = withLocal(scope, names[0]!, first)
      return two ? withLocal(one, names[1]!, second) : one
    }
    return run(items, scopeOf)
  }
}

type Pairs = readonly (readonly [unknown, unknown])[]
type ScopeOf = (pair: readonly [unknown, unknown]) => Scope

function condition(step: Step, scope: Scope): boolean {
  const value = step(scope)
  return typeof value === 'boolean' ? value : fail(NO_OVERLOAD)
}

function comprehensionBody(name: string, steps: readonly Step[]): (pairs: Pairs, scopeOf: ScopeOf) => unknown {
  const [first, second] = steps as [Step, Step | undefined]
  /** The last step for every pair that the step before it, if there is one, lets through. */
  const results = function* (pairs: Pairs, scopeOf: ScopeOf): Generator<readonly [unknown, unknown]> {
    for (const pair of pairs) {
      const scope = scopeOf(pair)
      if (second && !condition(first, scope)) continue
      yield [pair[0], (second ?? first)(scope)]
    }
  }
  switch (name) {
    case 'all': return (pairs, scopeOf) => decided(pairs, scopeOf, first, false)
    case 'exists': return (pairs, scopeOf) => decided(pairs, scopeOf, first, true)
    case 'exists_one': case 'existsOne': return (pairs, scopeOf) => pairs.filter((pair) => condition(first, scopeOf(pair))).length === 1
    case 'filter': return (pairs, scopeOf) => pairs.filter((pair) => condition(first, scopeOf(pair))).map(([item]) => item)
    case 'map': case 'transformList': return (pairs, scopeOf) => [...results(pairs, scopeOf)].map(([, value]) => value)
    case 'transformMap': return (pairs, scopeOf) => new Map(results(pairs, scopeOf))
    default: return (pairs, scopeOf) => {
      const out = new Map<unknown, unknown>()
      for (const [, entry] of results(pairs, scopeOf)) {
        if (!isCelMap(entry)) return fail(NO_OVERLOAD)
        for (const [key, value] of mapEntries(entry)) {
          if (mapFind(out, key)) fail(`insert failed: key ${keyText(key)} already exists`)
          out.set(key, value)
        }
      }
      return out
    }
  }
}

function decided(pairs: Pairs, scopeOf: ScopeOf, step: Step, decisive: boolean): boolean {
  return decide(pairs, (pair) => step(scopeOf(pair)), decisive)
}

/** How Go names the types of what can't be gone through. */
function goTypeOf(value: unknown): string {
  if (isOpaque(value)) return value.celType
  const names: Record<string, string> = { int: 'Int', uint: 'Uint', double: 'Double', string: 'String', bool: 'Bool', bytes: 'Bytes', null_type: 'Null', 'google.protobuf.Duration': 'Duration', 'google.protobuf.Timestamp': 'Timestamp' }
  const name = celTypeOf(value)
  return value instanceof CelOptional ? '*types.Optional' : value instanceof CelTypeName ? '*types.Type' : `types.${names[name] ?? name}`
}
