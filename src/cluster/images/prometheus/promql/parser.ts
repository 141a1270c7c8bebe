import { parseDuration } from '../durations.ts'
import { METRIC_NAME } from '../labels.ts'
import type { AtModifier, Expr, Matching, VectorSelector } from './ast.ts'
import { PARAMETER_AGGREGATES, SET_OPERATORS } from './ast.ts'
import { checkTypes } from './check-types.ts'
import { PromqlError, lex, tokenText } from './lexer.ts'
import type { Token } from './lexer.ts'
import { Matcher } from './matchers.ts'
import type { MatchType } from './matchers.ts'
import { SIGNATURES } from './signatures.ts'

export interface ParseOptions {
  /** `--enable-feature=promql-experimental-functions`. */
  experimentalFunctions?: boolean
}

const PRECEDENCE: Readonly<Record<string, number>> = { or: 1, and: 2, unless: 2, '==': 3, '!=': 3, '<': 3, '<=': 3, '>': 3, '>=': 3, '+': 4, '-': 4, '*': 5, '/': 5, '%': 5, atan2: 5, '^': 6 }
const EXPERIMENTAL_AGGREGATES = new Set(['limitk', 'limit_ratio'])

/**
 * Reads a query. The parser is ours because the library for PromQL's grammar knows where a mistake is, and not what Prometheus says of it.
 * @throws PromqlError in Prometheus' words
 */
export function parseQuery(text: string, options: ParseOptions = {}): Expr {
  const parser = new Parser(text, options)
  const expr = parser.whole()
  checkTypes(text, expr)
  return expr
}

/** A selector alone, as `match[]` takes it. */
export function parseSelector(text: string): readonly Matcher[] {
  const expr = parseQuery(text)
  if (expr.type !== 'vector' || expr.hasOffset || expr.at !== undefined) throw new PromqlError(text, 0, 'unexpected expression, expected a series selector')
  return expr.matchers
}

class Parser {
  readonly #text: string
  readonly #tokens: readonly Token[]
  readonly #options: ParseOptions
  #next = 0

  constructor(text: string, options: ParseOptions) {
    this.#text = text
    this.#options = options
    this.#tokens = lex(text)
  }

  whole(): Expr {
    if (this.#tokens.length === 1) throw new PromqlError(this.#text, 0, 'no expression found in input')
    const expr = this.#binary(1)
    if (this.#peek.kind !== 'eof') this.#unexpected()
    return expr
  }

  get #peek(): Token {
    return this.#tokens[this.#next]!
  }

  #take(): Token {
    return this.#tokens[this.#next++]!
  }

  #is(text: string): boolean {
    const { kind, text: own } = this.#peek
    return kind !== 'string' && own.toLowerCase() === text
  }

  #accept(text: string): boolean {
    if (!this.#is(text)) return false
    this.#next++
    return true
  }

  #fail(at: number, message: string): never {
    throw new PromqlError(this.#text, at, message)
  }

  #unexpected(context = '', expected = ''): never {
    return this.#fail(this.#peek.from, `unexpected ${tokenText(this.#peek)}${context && ` in ${context}`}${expected && `, expected ${expected}`}`)
  }

  get #end(): number {
    return this.#tokens[this.#next - 1]!.to
  }

  #binary(least: number): Expr {
    let lhs = this.#unary()
    for (;;) {
      const token = this.#peek
      const op = token.text.toLowerCase()
      const precedence = token.kind === 'operator' ? PRECEDENCE[op] : undefined
      if (precedence === undefined || precedence < least) return lhs
      this.#take()
      const { returnBool, matching, hasMatching } = this.#modifiers(op)
      const rhs = this.#binary(op === '^' ? precedence : precedence + 1)
      lhs = { type: 'binary', op, lhs, rhs, returnBool, matching, hasMatching, opFrom: token.from, from: lhs.from, to: rhs.to }
    }
  }

  #modifiers(op: string): { returnBool: boolean; matching: Matching; hasMatching: boolean } {
    const returnBool = this.#accept('bool')
    const matching = { card: SET_OPERATORS.has(op) ? 'many-to-many' : 'one-to-one', on: false, labels: [] as readonly string[], include: [] as readonly string[] } as { -readonly [K in keyof Matching]: Matching[K] }
    let hasMatching = false
    if (this.#is('on') || this.#is('ignoring')) {
      hasMatching = true
      matching.on = this.#take().text.toLowerCase() === 'on'
      matching.labels = this.#labelNames()
      if (this.#is('group_left') || this.#is('group_right')) {
        matching.card = this.#take().text.toLowerCase() === 'group_left' ? 'many-to-one' : 'one-to-many'
        if (this.#is('(')) matching.include = this.#labelNames()
      }
    }
    if (this.#peek.kind === 'keyword' && this.#peek.text.toLowerCase().startsWith('fill')) this.#fail(this.#peek.from, 'binop fill modifiers are experimental and not enabled')
    return { returnBool, matching, hasMatching }
  }

  #labelNames(): string[] {
    if (!this.#accept('(')) this.#unexpected('grouping opts', '"("')
    const names: string[] = []
    while (!this.#accept(')')) {
      const token = this.#peek
      if (token.kind === 'string') names.push(token.value!)
      else if (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(token.text)) names.push(token.text)
      else if (token.kind === 'metric identifier') this.#fail(token.from, `invalid label name for grouping: ${JSON.stringify(token.text)}`)
      else this.#unexpected('grouping opts', 'label')
      this.#take()
      if (!this.#is(')') && !this.#accept(',')) this.#unexpected('grouping opts', '"," or ")"')
    }
    return names
  }

  #unary(): Expr {
    const token = this.#peek
    if (token.kind === 'operator' && (token.text === '-' || token.text === '+')) {
      this.#take()
      // -1 ^ 2 is -(1 ^ 2).
      const expr = this.#binary(6)
      if (expr.type === 'number') return { ...expr, value: token.text === '-' ? -expr.value : expr.value, from: token.from }
      return { type: 'unary', op: token.text, expr, from: token.from, to: expr.to }
    }
    return this.#postfix(this.#primary())
  }

  #postfix(expr: Expr): Expr {
    for (;;) {
      if (this.#is('[')) expr = this.#brackets(expr)
      else if (this.#is('offset')) { this.#take(); expr = this.#offset(expr) }
      else if (this.#is('@')) { this.#take(); expr = this.#at(expr) }
      else if (this.#is('anchored') || this.#is('smoothed')) this.#fail(expr.from, `${this.#peek.text.toLowerCase()} modifier is experimental and not enabled`)
      else return expr
    }
  }

  /** Milliseconds. */
  #duration(context: string, expected: string): number {
    const token = this.#peek
    if (token.kind !== 'number' && token.kind !== 'duration') {
      if (token.kind === 'operator' || token.text === '(' || /^(?:step|range|min_of|max_of)$/.test(token.text)) this.#fail(token.from, 'experimental duration expression is not enabled')
      this.#unexpected(context, expected)
    }
    this.#take()
    const ms = token.kind === 'duration' ? this.#durationValue(token) : this.#numberValue(token) * 1000
    if (!(Math.abs(ms) < 9_223_372_036_854)) this.#fail(token.from, 'duration out of range')
    return ms
  }

  #brackets(expr: Expr): Expr {
    const bracket = this.#take()
    const at = this.#peek
    const rangeMs = Math.round(this.#duration('subquery or range selector', 'number, duration, step(), or range()'))
    if (rangeMs <= 0) this.#fail(at.from, 'duration must be greater than 0')
    if (this.#accept(':')) {
      let stepMs = 0
      if (!this.#is(']')) {
        const stepAt = this.#peek
        stepMs = Math.round(this.#duration('subquery selector', 'number, duration, step(), range(), or "]"'))
        if (stepMs <= 0) this.#fail(stepAt.from, 'duration must be greater than 0')
      }
      if (!this.#accept(']')) this.#unexpected('subquery selector', '"]"')
      return { type: 'subquery', expr, rangeMs, stepMs, offsetMs: 0, hasOffset: false, at: undefined, from: expr.from, to: this.#end }
    }
    if (['+', '-', '*', '/', '%', '^'].some((op) => this.#is(op))) this.#fail(at.from, 'experimental duration expression is not enabled')
    if (!this.#accept(']')) this.#unexpected('subquery or range', '":" or "]"')
    if (expr.type !== 'vector') this.#fail(bracket.from, 'ranges only allowed for vector selectors')
    if (expr.hasOffset) this.#fail(bracket.from, 'no offset modifiers allowed before range')
    if (expr.at !== undefined) this.#fail(bracket.from, 'no @ modifiers allowed before range')
    return { type: 'matrix', vector: expr, rangeMs, from: expr.from, to: this.#end }
  }

  #offset(expr: Expr): Expr {
    const sign = this.#is('-') ? -1 : 1
    if (this.#is('-') || this.#is('+')) this.#take()
    const offsetMs = sign * Math.round(this.#duration('offset', 'number, duration, step(), or range()'))
    const target = this.#shiftable(expr, 'offset modifier must be preceded by an instant vector selector or range vector selector or a subquery')
    if (target.hasOffset) this.#fail(expr.from, 'offset may not be set multiple times')
    return this.#shifted(expr, { offsetMs, hasOffset: true })
  }

  #at(expr: Expr): Expr {
    const token = this.#peek
    let at: AtModifier
    if ((this.#is('start') || this.#is('end')) && this.#tokens[this.#next + 1]?.text === '(') {
      at = this.#take().text.toLowerCase() as 'start' | 'end'
      this.#take()
      if (!this.#accept(')')) this.#unexpected('@', 'timestamp')
    } else {
      const sign = this.#is('-') ? -1 : 1
      if (this.#is('-') || this.#is('+')) this.#take()
      const number = this.#peek
      if (number.kind !== 'number' && number.kind !== 'duration') this.#unexpected('@', 'timestamp')
      this.#take()
      const seconds = sign * (number.kind === 'duration' ? this.#durationValue(number) / 1000 : this.#numberValue(number))
      if (!(Math.abs(seconds) < 9_223_372_036_854_775)) this.#fail(token.from, `timestamp out of bounds for @ modifier: ${Number.isFinite(seconds) ? seconds.toFixed(6) : Number.isNaN(seconds) ? 'NaN' : seconds > 0 ? '+Inf' : '-Inf'}`)
      at = Math.round(seconds * 1000)
    }
    const target = this.#shiftable(expr, '@ modifier must be preceded by an instant vector selector or range vector selector or a subquery')
    if (target.at !== undefined) this.#fail(expr.from, '@ <timestamp> may not be set multiple times')
    return this.#shifted(expr, { at })
  }

  #shiftable(expr: Expr, refusal: string): { hasOffset: boolean; at: AtModifier | undefined } {
    if (expr.type === 'matrix') return expr.vector
    if (expr.type === 'vector' || expr.type === 'subquery') return expr
    return this.#fail(expr.from, refusal)
  }

  #shifted(expr: Expr, change: Partial<Pick<VectorSelector, 'offsetMs' | 'hasOffset' | 'at'>>): Expr {
    if (expr.type === 'matrix') return { ...expr, vector: { ...expr.vector, ...change }, to: this.#end }
    return { ...expr, ...change, to: this.#end } as Expr
  }

  #numberValue(token: Token): number {
    const text = token.text.replaceAll('_', '').toLowerCase()
    if (text === 'inf') return Infinity
    if (text === 'nan') return NaN
    // As in Go, a leading zero means base eight, but not where there is a fraction.
    if (/^0[0-7]+$/.test(text)) return parseInt(text, 8)
    return Number(text)
  }

  #durationValue(token: Token): number {
    try {
      return parseDuration(token.text)
    } catch (error) {
      return this.#fail(token.from, (error as Error).message)
    }
  }

  #primary(): Expr {
    const token = this.#peek
    switch (token.kind) {
      case 'number':
        this.#take()
        return { type: 'number', value: this.#numberValue(token), isDuration: false, from: token.from, to: token.to }
      case 'duration':
        this.#take()
        return { type: 'number', value: this.#durationValue(token) / 1000, isDuration: true, from: token.from, to: token.to }
      case 'string':
        this.#take()
        return { type: 'string', value: token.value!, from: token.from, to: token.to }
      case 'sign': {
        if (token.text === '{') return this.#selector('', token.from)
        if (token.text !== '(') return this.#unexpected()
        this.#take()
        const expr = this.#binary(1)
        if (!this.#accept(')')) this.#unexpected()
        return { type: 'paren', expr, from: token.from, to: this.#end }
      }
      case 'aggregator': {
        const after = this.#tokens[this.#next + 1]!
        const isCalled = after.kind !== 'string' && (after.text === '(' || ['by', 'without'].includes(after.text.toLowerCase()))
        return isCalled ? this.#aggregate() : this.#named()
      }
      case 'identifier': case 'metric identifier': case 'keyword': case 'operator':
        if (token.kind === 'operator' && !/^[a-z]/i.test(token.text)) return this.#unexpected()
        return this.#tokens[this.#next + 1]!.text === '(' && this.#tokens[this.#next + 1]!.kind === 'sign' && token.kind === 'identifier' ? this.#call() : this.#named()
      default: return this.#unexpected()
    }
  }

  #named(): VectorSelector {
    const token = this.#take()
    return this.#selector(token.text, token.from)
  }

  #selector(name: string, from: number): VectorSelector {
    const matchers: Matcher[] = []
    let ownName = name
    if (this.#accept('{')) {
      while (!this.#accept('}')) {
        const token = this.#peek
        if (token.kind !== 'identifier' && token.kind !== 'string') this.#unexpected('label matching', 'identifier or "}"')
        this.#take()
        if (token.kind === 'string' && (this.#is(',') || this.#is('}'))) {
          if (ownName !== '') this.#fail(from, `metric name must not be set twice: ${JSON.stringify(ownName)} or ${JSON.stringify(token.value)}`)
          ownName = token.value!
        } else {
          const operator = this.#peek
          if (operator.kind !== 'operator') this.#unexpected('label matching', 'label matching operator')
          this.#take()
          const value = this.#peek
          if (value.kind !== 'string') this.#unexpected('label matching', 'string')
          this.#take()
          try {
            matchers.push(new Matcher(token.value ?? token.text, operator.text as MatchType, value.value!))
          } catch (error) {
            this.#fail(token.from, (error as Error).message)
          }
        }
        if (!this.#is('}') && !this.#accept(',')) this.#unexpected('label matching', '"," or "}"')
      }
    }
    if (ownName !== '') {
      const twice = matchers.find((matcher) => matcher.name === METRIC_NAME)
      if (twice) this.#fail(from, `metric name must not be set twice: ${JSON.stringify(ownName)} or ${JSON.stringify(twice.value)}`)
      matchers.push(new Matcher(METRIC_NAME, '=', ownName))
    }
    if (matchers.every((matcher) => matcher.matches(''))) this.#fail(from, 'vector selector must contain at least one non-empty matcher')
    return { type: 'vector', name: ownName, matchers, offsetMs: 0, hasOffset: false, at: undefined, from, to: this.#end }
  }

  #args(): Expr[] {
    this.#take()
    const args: Expr[] = []
    if (this.#accept(')')) return args
    for (;;) {
      args.push(this.#binary(1))
      if (this.#accept(')')) return args
      const comma = this.#peek
      if (!this.#accept(',')) this.#unexpected()
      if (this.#is(')')) this.#fail(comma.from, 'trailing commas not allowed in function call args')
    }
  }

  #call(): Expr {
    const token = this.#take()
    const signature = SIGNATURES.get(token.text)
    if (!signature) this.#fail(token.from, `unknown function with name ${JSON.stringify(token.text)}`)
    if (signature.isExperimental && !this.#options.experimentalFunctions) this.#fail(token.from, `function ${JSON.stringify(token.text)} is not enabled`)
    const args = this.#args()
    return { type: 'call', name: token.text, args, from: token.from, to: this.#end }
  }

  #aggregate(): Expr {
    const token = this.#take()
    const op = token.text.toLowerCase()
    let grouping: readonly string[] | undefined
    let without = false
    const readGrouping = () => {
      if (grouping !== undefined || !(this.#is('by') || this.#is('without'))) return
      without = this.#take().text.toLowerCase() === 'without'
      grouping = this.#labelNames()
    }
    readGrouping()
    if (!this.#is('(')) this.#unexpected('aggregation')
    const args = this.#args()
    readGrouping()
    const to = this.#end
    if (EXPERIMENTAL_AGGREGATES.has(op) && !this.#options.experimentalFunctions) this.#fail(token.from, `${op}() is experimental and must be enabled with --enable-feature=promql-experimental-functions`)
    if (args.length === 0) this.#fail(token.from, 'no arguments for aggregate expression provided')
    const wanted = op in PARAMETER_AGGREGATES ? 2 : 1
    if (args.length !== wanted) this.#fail(token.from, `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`)
    return { type: 'aggregate', op, expr: args[wanted - 1]!, param: wanted === 2 ? args[0] : undefined, grouping: grouping ?? [], without, from: token.from, to }
  }
}

