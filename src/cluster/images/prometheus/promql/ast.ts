import type { Matcher } from './matchers.ts'

/** What an expression gives. */
export type ValueType = 'scalar' | 'instant vector' | 'range vector' | 'string'

/** Offsets into the query's text. */
export interface Span { from: number; to: number }

/** A fixed time of evaluation, by `@`: milliseconds, or the query's own ends. */
export type AtModifier = number | 'start' | 'end'

interface Shifted {
  /** Into the past, milliseconds. */
  offsetMs: number
  hasOffset: boolean
  at: AtModifier | undefined
}

export interface NumberLiteral extends Span { type: 'number'; value: number; isDuration: boolean }
export interface StringLiteral extends Span { type: 'string'; value: string }
export interface VectorSelector extends Span, Shifted { type: 'vector'; name: string; matchers: readonly Matcher[] }
export interface MatrixSelector extends Span { type: 'matrix'; vector: VectorSelector; rangeMs: number }
export interface Subquery extends Span, Shifted { type: 'subquery'; expr: Expr; rangeMs: number; /** 0: the default. */ stepMs: number }
export interface Call extends Span { type: 'call'; name: string; args: readonly Expr[] }
export interface Aggregate extends Span { type: 'aggregate'; op: string; expr: Expr; param: Expr | undefined; grouping: readonly string[]; without: boolean }
export interface Unary extends Span { type: 'unary'; op: '+' | '-'; expr: Expr }
export interface Paren extends Span { type: 'paren'; expr: Expr }
export interface Matching {
  card: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many'
  on: boolean
  labels: readonly string[]
  /** Taken over from the `one` side. */
  include: readonly string[]
}
export interface Binary extends Span { type: 'binary'; op: string; lhs: Expr; rhs: Expr; returnBool: boolean; matching: Matching | undefined; opFrom: number; hasMatching: boolean }

export type Expr = NumberLiteral | StringLiteral | VectorSelector | MatrixSelector | Subquery | Call | Aggregate | Unary | Paren | Binary

/** Without the parentheses around it. */
export function unwrapped(expr: Expr): Expr {
  while (expr.type === 'paren') expr = expr.expr
  return expr
}

export const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>='])
export const SET_OPERATORS: ReadonlySet<string> = new Set(['and', 'or', 'unless'])
/** Those with a parameter. */
export const PARAMETER_AGGREGATES: Readonly<Record<string, 'scalar' | 'string'>> = { topk: 'scalar', bottomk: 'scalar', quantile: 'scalar', count_values: 'string', limitk: 'scalar', limit_ratio: 'scalar' }
export const AGGREGATES: ReadonlySet<string> = new Set(['sum', 'avg', 'count', 'min', 'max', 'group', 'stddev', 'stdvar', ...Object.keys(PARAMETER_AGGREGATES)])
