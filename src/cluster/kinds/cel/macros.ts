/** Macros that the library lacks, or has in a narrower form. */
import { Optional, type Environment } from '@marcbachmann/cel-js'
import { comparingCost } from './kubernetes-functions.ts'

/* What the library hands to macros; it has no types for them. */
interface Node { op: string; args: unknown }
interface Context { forkWithVariable(name: string, type: unknown): Context; reuse(parent: Context): Context; setIterValue(value: unknown, evaluator: Evaluator): Context }
interface Checker { check(node: Node, context: Context): unknown; getType(name: string): unknown; createError(code: string, message: string, node: Node): Error }
interface Evaluator { run(node: Node, context: Context): unknown; createError(code: string, message: string, node: Node): Error }
interface Call { args: Node[]; receiver: Node; ast: Node }
interface Macro { args: Node[]; receiver: Node; ast: Node; inner?: Context; outer?: Context; [key: string]: unknown }

type Pair = readonly [unknown, unknown]

/** Positions or keys with their values. */
function pairsOf(value: unknown, macro: Macro, evaluator: Evaluator): Pair[] {
  if (Array.isArray(value)) return value.map((item, i) => [BigInt(i), item] as const)
  if (value instanceof Map) return [...value]
  if (typeof value === 'object' && value !== null) return Object.entries(value)
  throw evaluator.createError('invalid_receiver', 'no such overload', macro.receiver)
}

type Run = (step: number, pair: Pair) => unknown

/** Makes the macro of a name; `work` gets the pairs and a way to run the steps after the two variables. */
function macro(result: string, work: (pairs: readonly Pair[], run: Run) => unknown) {
  return ({ args, receiver, ast }: Call) => ({
    args, receiver, ast, async: false,
    typeCheck(checker: Checker, self: Macro, context: Context) {
      for (const variable of args.slice(0, 2)) if (variable.op !== 'id') throw checker.createError('invalid_macro_argument', 'invalid iteration variable', variable)
      checker.check(receiver, context)
      const dyn = checker.getType('dyn')
      self.outer = context.forkWithVariable(args[0]!.args as string, dyn)
      self.inner = self.outer.forkWithVariable(args[1]!.args as string, dyn)
      for (const step of args.slice(2)) checker.check(step, self.inner)
      return checker.getType(result)
    },
    evaluate(evaluator: Evaluator, self: Macro, context: Context) {
      const pairs = pairsOf(evaluator.run(receiver, context), self, evaluator)
      const run: Run = (step, [key, value]) => evaluator.run(args[2 + step]!, self.inner!.reuse(self.outer!.reuse(context).setIterValue(key, evaluator)).setIterValue(value, evaluator))
      return work(pairs, run)
    },
  })
}

/** An error in one element doesn't count when another decides. */
function decide(pairs: readonly Pair[], run: Run, decisive: boolean): boolean {
  let failure: unknown
  for (const pair of pairs) {
    try {
      if (run(0, pair) === decisive) return decisive
    } catch (error) {
      failure ??= error
    }
  }
  if (failure !== undefined) throw failure
  return !decisive
}

function merged(into: Record<string, unknown>, entry: unknown): void {
  if (typeof entry !== 'object' || entry === null) return
  for (const [key, value] of entry instanceof Map ? entry : Object.entries(entry)) into[String(key)] = value
}

/** `hasField(a[0].b)`: what `has` is in the language. */
export function addHasField(env: Environment): void {
  env.registerFunction('hasField(ast): bool', (({ args }: Call) => {
    const [node] = args as [Node]
    const [receiver, field] = (Array.isArray(node.args) ? node.args : []) as [Node, string]
    return {
      args, async: false,
      typeCheck(checker: Checker, _self: unknown, context: Context) {
        if (node.op !== '.' && node.op !== '.?') throw checker.createError('invalid_macro_argument', 'invalid argument to has() macro', node)
        checker.check(receiver, context)
        return checker.getType('bool')
      },
      evaluate(evaluator: Evaluator, _self: unknown, context: Context) {
        let value = evaluator.run(receiver, context)
        if (value instanceof Optional) {
          if (!value.hasValue()) return false
          value = value.value()
        }
        if (value instanceof Map) return value.has(field)
        if (typeof value !== 'object' || value === null) throw evaluator.createError('no_such_overload', 'no such overload', node)
        return Object.hasOwn(value, field) && (value as Record<string, unknown>)[field] !== undefined
      },
    }
  }) as never)
}

/** `list.all(i, v, ...)`, `map.transformList(k, v, ...)`: comprehensions over positions and values. k8s: cel-go ext.TwoVarComprehensions */
export function addTwoVariableMacros(env: Environment): void {
  const add = (signature: string, handler: unknown) => env.registerFunction(signature, handler as never)
  const asMap = (pairs: readonly Pair[], of: (pair: Pair) => unknown) => Object.fromEntries(pairs.map((pair) => [String(pair[0]), of(pair)]))
  for (const receiver of ['list', 'map']) {
    add(`${receiver}.all(ast, ast, ast): bool`, macro('bool', (pairs, run) => decide(pairs, run, false)))
    add(`${receiver}.exists(ast, ast, ast): bool`, macro('bool', (pairs, run) => decide(pairs, run, true)))
    for (const name of ['existsOne', 'exists_one']) add(`${receiver}.${name}(ast, ast, ast): bool`, macro('bool', (pairs, run) => pairs.filter((pair) => run(0, pair) === true).length === 1))
    add(`${receiver}.transformList(ast, ast, ast): list<dyn>`, macro('list', (pairs, run) => pairs.map((pair) => run(0, pair))))
    add(`${receiver}.transformList(ast, ast, ast, ast): list<dyn>`, macro('list', (pairs, run) => pairs.filter((pair) => run(0, pair) === true).map((pair) => run(1, pair))))
    add(`${receiver}.transformMap(ast, ast, ast): map<dyn, dyn>`, macro('map', (pairs, run) => asMap(pairs, (pair) => run(0, pair))))
    add(`${receiver}.transformMap(ast, ast, ast, ast): map<dyn, dyn>`, macro('map', (pairs, run) => asMap(pairs.filter((pair) => run(0, pair) === true), (pair) => run(1, pair))))
    add(`${receiver}.transformMapEntry(ast, ast, ast): map<dyn, dyn>`, macro('map', (pairs, run) => {
      const out = {}
      for (const pair of pairs) merged(out, run(0, pair))
      return out
    }))
    add(`${receiver}.transformMapEntry(ast, ast, ast, ast): map<dyn, dyn>`, macro('map', (pairs, run) => {
      const out = {}
      for (const pair of pairs) if (run(0, pair) === true) merged(out, run(1, pair))
      return out
    }))
  }
}

/** `list.sortBy(e, key)`: ordered by keys; equal keys stay in order. k8s: cel-go ext.Lists */
export function addSortBy(env: Environment, charge: (cost: number) => void): void {
  env.registerFunction('list.sortBy(ast, ast): list<dyn>', (({ args, receiver, ast }: Call) => ({
    args, receiver, ast, async: false,
    typeCheck(checker: Checker, self: Macro, context: Context) {
      if (args[0]!.op !== 'id') throw checker.createError('invalid_macro_argument', 'sortBy() variable name must be a simple identifier', args[0]!)
      const type = checker.check(receiver, context)
      self.inner = context.forkWithVariable(args[0]!.args as string, checker.getType('dyn'))
      checker.check(args[1]!, self.inner)
      return type
    },
    evaluate(evaluator: Evaluator, self: Macro, context: Context) {
      const list = evaluator.run(receiver, context)
      if (!Array.isArray(list)) throw evaluator.createError('invalid_receiver', 'no such overload', receiver)
      charge(comparingCost(list))
      const keyed = list.map((item: unknown) => ({ item, key: evaluator.run(args[1]!, self.inner!.reuse(context).setIterValue(item, evaluator)) as string }))
      return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ item }) => item)
    },
  })) as never)
}

/** `optional.optMap(v, expr)`, `optional.optFlatMap(v, expr)`. k8s: cel-go OptionalTypes */
export function addOptionalMacros(env: Environment): void {
  for (const [name, flat] of [['optMap', false], ['optFlatMap', true]] as const) {
    env.registerFunction(`optional.${name}(ast, ast): optional<dyn>`, (({ args, receiver, ast }: Call) => ({
      args, receiver, ast, async: false,
      typeCheck(checker: Checker, self: Macro, context: Context) {
        if (args[0]!.op !== 'id') throw checker.createError('invalid_macro_argument', `${name}() variable name must be a simple identifier`, args[0]!)
        checker.check(receiver, context)
        self.inner = context.forkWithVariable(args[0]!.args as string, checker.getType('dyn'))
        checker.check(args[1]!, self.inner)
        return checker.getType('optional')
      },
      evaluate(evaluator: Evaluator, self: Macro, context: Context) {
        const optional = evaluator.run(receiver, context)
        if (!(optional instanceof Optional)) throw evaluator.createError('no_such_overload', 'no such overload', receiver)
        if (!optional.hasValue()) return optional
        const result = evaluator.run(args[1]!, self.inner!.reuse(context).setIterValue(optional.value(), evaluator))
        return flat ? result : Optional.of(result)
      },
    })) as never)
  }
}
