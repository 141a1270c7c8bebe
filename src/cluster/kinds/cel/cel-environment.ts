/** The Common Expression Language as Kubernetes offers it. k8s: apiserver/pkg/cel/{environment,library} */
import { Environment } from '@marcbachmann/cel-js'
import { goPattern } from '../go-pattern.ts'
import { addKubernetesFunctions, CelQuantity } from './kubernetes-functions.ts'
import { addHasField, addOptionalMacros, addSortBy, addTwoVariableMacros } from './macros.ts'

/** An expression that can't be compiled or has failed, in the words of the library. */
export class CelError extends Error {}

/** What evaluations may cost, in the language's units: about one per variable, field and call. */
export interface CelBudget {
  /** Less than zero: used up, and nothing more is to be evaluated. */
  left: number
}

/** k8s: apiserver/pkg/apis/cel PerCallLimit: what one evaluation may cost. */
const PER_CALL_LIMIT = 1_000_000
export const CALL_LIMIT_EXCEEDED = 'operation cancelled: actual cost limit exceeded'

/** A compiled expression. */
export interface CelProgram {
  /**
   * @param budget what the evaluation cost is taken from it
   * @throws CelError, with {@link CALL_LIMIT_EXCEEDED} when one evaluation costs too much
   */
  evaluate(variables: Readonly<Record<string, unknown>>, budget?: CelBudget): unknown
}

let shared: Environment | undefined

function environment(): Environment {
  if (shared) return shared
  const env = new Environment({ unlistedVariablesAreDyn: true, enableOptionalTypes: true, homogeneousAggregateLiterals: false })
  addKubernetesFunctions(env, charge)
  addTwoVariableMacros(env)
  addSortBy(env, charge)
  addOptionalMacros(env)
  addHasField(env)
  const matches = (text: string, pattern: string) => goPattern(pattern).test(text)
  for (const signature of ['string.matchesGoPattern(string): bool', 'matchesGoPattern(string, string): bool']) env.registerFunction(signature, matches as never)
  meterCosts(env)
  return shared = env
}

/** What the evaluation that runs has cost so far. */
let spent = 0

/** @throws Error when one evaluation costs too much */
function charge(cost: number): void {
  spent += cost
  if (spent > PER_CALL_LIMIT) throw new Error(CALL_LIMIT_EXCEEDED)
}

/** Steps that cost other than one. k8s: cel-go/interpreter/runtimecost.go */
const COSTS: Readonly<Record<string, number>> = { value: 0, '&&': 0, '||': 0, '?:': 2, comprehension: 0, list: 10, map: 30 }

interface EvaluatedNode { op: string; args: unknown; evaluate(evaluator: Evaluator, node: unknown, context: unknown): unknown }
interface Evaluator {
  run(node: EvaluatedNode, context: unknown): unknown
}

/** A list is searched from its beginning. */
function chargeSearch(evaluator: Evaluator, { args }: EvaluatedNode, context: unknown): void {
  const where = (args as EvaluatedNode[])[1]!
  // Only what costs nothing to look at.
  if (where.op !== 'id' && where.op !== '.') return
  const before = spent
  const list = evaluator.run(where, context)
  spent = before
  if (Array.isArray(list)) charge(list.length)
}

/** Every step of an evaluation goes through the evaluator, which only macros get to see. */
function meterCosts(env: Environment): void {
  env.registerFunction('meterCosts(ast): bool', (({ args }: { args: unknown[] }) => ({
    args, async: false,
    typeCheck: (checker: { getType(name: string): unknown }) => checker.getType('bool'),
    evaluate(evaluator: Evaluator) {
      evaluator.run = function (node, context) {
        charge(COSTS[node.op] ?? 1)
        if (node.op === 'in') chargeSearch(this, node, context)
        return node.evaluate(this, node, context)
      }
      return true
    },
  })) as never)
  env.parse('meterCosts(true)')({})
}

/** Strings, and what the library understands too narrowly: patterns, which are Go's, and `has` of a field behind an index. */
const STRINGS_AND_RENAMED = /[rRbB]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\.\s*matches\s*\(|(?<![\w.])(?:has|matches)\s*\(/g

function withOwnFunctions(expression: string): string {
  if (!expression.includes('matches') && !expression.includes('has')) return expression
  return expression.replace(STRINGS_AND_RENAMED, (part) => part.startsWith('.') ? '.matchesGoPattern(' : /^matches\s*\($/.test(part) ? 'matchesGoPattern(' : /^has\s*\($/.test(part) ? 'hasField(' : part)
}

/** Compiled expressions that are kept. */
const CACHE_SIZE = 500
const cache = new Map<string, CelProgram | CelError>()

/** Compiles an expression; each text once. @throws CelError */
export function compileCel(expression: string): CelProgram {
  let known = cache.get(expression)
  if (!known) {
    known = compile(expression)
    if (cache.size >= CACHE_SIZE) cache.delete(cache.keys().next().value!)
    cache.set(expression, known)
  }
  if (known instanceof CelError) throw known
  return known
}

function compile(expression: string): CelProgram | CelError {
  try {
    const run = environment().parse(withOwnFunctions(withMapsForMessages(expression)))
    return {
      evaluate(variables, budget) {
        spent = 0
        try {
          return run(variables as Record<string, unknown>) as unknown
        } catch (error) {
          throw new CelError(wordsOf(error).replace(/^found no matching overload for.*/, 'no such overload'))
        } finally {
          if (budget) budget.left -= spent
        }
      },
    }
  } catch (error) {
    return new CelError(wordsOf(error))
  }
}

/** The first line of the library's message, in cel-go's words where they differ. */
function wordsOf(error: unknown): string {
  const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return first.replace(/^No such key: index out of bounds, index (-?\d+).*/, 'index out of bounds: $1').replace(/^No such key/, 'no such key').replace(/^No such overload/, 'no such overload').replace(/^Division by zero/i, 'division by zero')
}

const converted = new WeakMap<object, unknown>()

/** JSON data as CEL sees it: whole numbers are ints. */
export function celValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
  if (value === null || typeof value !== 'object') return value
  const known = Object.isFrozen(value) ? converted.get(value) : undefined
  if (known !== undefined) return known
  let out: unknown
  if (Array.isArray(value)) out = value.map(celValue)
  else {
    const map: Record<string, unknown> = {}
    for (const key of Object.keys(value)) {
      const inner = (value as Record<string, unknown>)[key]
      if (inner !== undefined) map[key] = celValue(inner)
    }
    out = map
  }
  if (Object.isFrozen(value)) converted.set(value, out)
  return out
}

/** CEL's result as JSON data. */
export function jsonOfCel(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof CelQuantity) return value.text
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [String(key), jsonOfCel(inner)]))
  if (Array.isArray(value)) return value.map(jsonOfCel)
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, jsonOfCel(inner)]))
  return value
}

/**
 * Writes messages (`JSONPatch{op: "add"}`, `Object.spec{replicas: 1}`) as maps, which is how their values are used.
 */
function withMapsForMessages(expression: string): string {
  if (!/\b(?:JSONPatch|Object)[\w.]*\s*\{/.test(expression)) return expression
  let out = ''
  /** For every open bracket: whether its names are fields of a message. */
  const open: boolean[] = []
  let expectsName = false
  for (let i = 0; i < expression.length;) {
    const rest = expression.slice(i)
    const string = /^(?:[rRbB]{0,2})(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/.exec(rest)
    if (string) { out += string[0]; i += string[0].length; expectsName = false; continue }
    const message = /^(?:JSONPatch|Object(?:\.\w+)*)\s*\{/.exec(rest)
    if (message && !/[\w.]$/.test(out)) { out += '{'; open.push(true); expectsName = true; i += message[0].length; continue }
    const word = /^[A-Za-z_]\w*/.exec(rest)
    if (word) {
      out += expectsName && open.at(-1) && /^\s*:/.test(rest.slice(word[0].length)) ? JSON.stringify(word[0]) : word[0]
      expectsName = false
      i += word[0].length
      continue
    }
    const char = rest[0]!
    if ('([{'.includes(char)) { open.push(false); expectsName = false }
    else if (')]}'.includes(char)) { open.pop(); expectsName = false }
    else if (char === ',') expectsName = true
    else if (!/\s/.test(char)) expectsName = false
    out += char
    i++
  }
  return out
}
