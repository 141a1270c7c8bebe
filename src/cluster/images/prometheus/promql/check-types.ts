import { COMPARISONS, PARAMETER_AGGREGATES, SET_OPERATORS } from './ast.ts'
import type { Binary, Expr, ValueType } from './ast.ts'
import { PromqlError } from './lexer.ts'
import { SIGNATURES } from './signatures.ts'

/** What an expression gives. */
export function typeOf(expr: Expr): ValueType {
  switch (expr.type) {
    case 'number': return 'scalar'
    case 'string': return 'string'
    case 'vector': case 'aggregate': return 'instant vector'
    case 'matrix': case 'subquery': return 'range vector'
    case 'call': return SIGNATURES.get(expr.name)!.returns
    case 'unary': case 'paren': return typeOf(expr.expr)
    case 'binary': return typeOf(expr.lhs) === 'scalar' && typeOf(expr.rhs) === 'scalar' ? 'scalar' : 'instant vector'
  }
}

/** Go's names of the types, where a message takes them from there. */
const RAW: Readonly<Record<ValueType, string>> = { 'instant vector': 'vector', 'range vector': 'matrix', scalar: 'scalar', string: 'string' }

/** @throws PromqlError for what can't be put together. k8s: prometheus promql/parser checkAST */
export function checkTypes(text: string, expr: Expr): void {
  const fail = (at: number, message: string): never => { throw new PromqlError(text, at, message) }
  const expect = (node: Expr, wanted: ValueType, context: string) => {
    check(node)
    if (typeOf(node) !== wanted) fail(node.from, `expected type ${wanted} in ${context}, got ${typeOf(node)}`)
  }
  const check = (node: Expr): void => {
    switch (node.type) {
      case 'paren': return check(node.expr)
      case 'matrix': return check(node.vector)
      case 'aggregate':
        expect(node.expr, 'instant vector', 'aggregation expression')
        if (node.param) expect(node.param, PARAMETER_AGGREGATES[node.op]!, 'aggregation parameter')
        return
      case 'binary': return checkBinary(node)
      case 'call': {
        const { args, variadic } = SIGNATURES.get(node.name)!
        const name = JSON.stringify(node.name)
        if (variadic === 0) {
          if (node.args.length !== args.length) fail(node.from, `expected ${args.length} argument(s) in call to ${name}, got ${node.args.length}`)
        } else {
          const least = args.length - 1
          if (node.args.length < least) fail(node.from, `expected at least ${least} argument(s) in call to ${name}, got ${node.args.length}`)
          if (variadic > 0 && node.args.length > least + variadic) fail(node.from, `expected at most ${least + variadic} argument(s) in call to ${name}, got ${node.args.length}`)
        }
        node.args.forEach((arg, i) => expect(arg, args[Math.min(i, args.length - 1)]!, `call to function ${name}`))
        return
      }
      case 'unary': {
        check(node.expr)
        const type = typeOf(node.expr)
        if (type !== 'scalar' && type !== 'instant vector') fail(node.from, `unary expression only allowed on expressions of type scalar or instant vector, got ${JSON.stringify(type)}`)
        return
      }
      case 'subquery': {
        check(node.expr)
        const type = typeOf(node.expr)
        if (type !== 'instant vector') fail(node.from, `subquery is only allowed on instant vector, got ${RAW[type]} instead`)
      }
    }
  }
  const checkBinary = (node: Binary): void => {
    check(node.lhs)
    check(node.rhs)
    const [left, right] = [typeOf(node.lhs), typeOf(node.rhs)]
    const { op, opFrom } = node
    if (node.returnBool && !COMPARISONS.has(op)) fail(opFrom, 'bool modifier can only be used on comparison operators')
    if (COMPARISONS.has(op) && !node.returnBool && left === 'scalar' && right === 'scalar') fail(opFrom, 'comparisons between scalars must use BOOL modifier')
    const matching = node.matching!
    if (SET_OPERATORS.has(op) && matching.card !== 'many-to-many') fail(node.from, `no grouping allowed for ${JSON.stringify(op)} operation`)
    if (matching.on) for (const label of matching.include) if (matching.labels.includes(label)) fail(opFrom, `label ${JSON.stringify(label)} must not occur in ON and GROUP clause at once`)
    if (left !== 'scalar' && left !== 'instant vector') fail(node.lhs.from, 'binary expression must contain only scalar and instant vector types')
    if (right !== 'scalar' && right !== 'instant vector') fail(node.rhs.from, 'binary expression must contain only scalar and instant vector types')
    if (left !== 'instant vector' || right !== 'instant vector') {
      if (node.hasMatching && matching.labels.length > 0) fail(node.from, 'vector matching only allowed between instant vectors')
      if (SET_OPERATORS.has(op)) fail(node.from, `set operator ${JSON.stringify(op)} not allowed in binary scalar expression`)
      node.matching = undefined
    }
  }
  check(expr)
}
