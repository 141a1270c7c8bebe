/** The Common Expression Language as Kubernetes offers it. k8s: apiserver/pkg/cel/{environment,library} */
import { CelFailure } from './cel-failure.ts'
import { compileNode } from './cel-evaluator.ts'
import { parseCel } from './cel-syntax.ts'
import { CelOptional, CelUint, isCelMap, mapEntries } from './cel-values.ts'
import { CelQuantity } from './kubernetes-functions.ts'

/** An expression that can't be compiled or has failed, in upstream's words. */
export class CelError extends CelFailure {}

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

/** Nothing may catch this: it isn't a failure that a later operand could make up for. */
class CostLimitExceeded extends Error {}

function compile(expression: string): CelProgram | CelError {
  const { node, issues } = parseCel(expression)
  if (!node) return new CelError(issues[0]?.text ?? 'Syntax error')
  const run = compileNode(node)
  return {
    evaluate(variables, budget) {
      let spent = 0
      const charge = (cost: number) => {
        spent += cost
        if (spent > PER_CALL_LIMIT) throw new CostLimitExceeded(CALL_LIMIT_EXCEEDED)
      }
      try {
        return run({ variables, charge })
      } catch (error) {
        if (error instanceof CelError) throw error
        if (error instanceof CelFailure || error instanceof CostLimitExceeded) throw new CelError(error.message)
        throw error
      } finally {
        if (budget) budget.left -= spent
      }
    },
  }
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
  if (value instanceof CelUint) return Number(value.value)
  if (value instanceof CelQuantity) return value.text
  if (value instanceof CelOptional) return value.hasValue ? jsonOfCel(value.value) : null
  if (Array.isArray(value)) return value.map(jsonOfCel)
  if (isCelMap(value)) return Object.fromEntries(mapEntries(value).map(([key, inner]) => [String(key), jsonOfCel(inner)]))
  return value
}
