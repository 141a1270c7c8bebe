import type { ColumnDefinition, ColumnType, Expression, OrderItem, Query } from './ast.ts'
import { SqlError } from './errors.ts'
import { addInterval, aggregateFunctions, arithmetic, scalarFunctions } from './functions.ts'
import type { FunctionContext } from './functions.ts'
import { Decimal, asDecimal, coerce, collate, compare, compareForOrder, fromTruth, groupKey, numeric, toNumber, toText, truth } from './values.ts'
import type { Value } from './values.ts'

/** A column that expressions can name. */
export interface ScopeColumn {
  database?: string
  /** The table's name or alias. */
  table: string
  name: string
  definition?: ColumnDefinition
  /** Joined with USING: unqualified names mean the other table's. */
  hidden?: boolean
  /** Of a primary key, on which the table's other columns depend. */
  primary?: boolean
}

/** What an expression sees: columns, the row that is looked at, and the scope of the query around it. */
export class Scope {
  readonly columns: ScopeColumn[]
  readonly outer: Scope | undefined
  row: Value[] = []
  /** The rows of the group that is looked at. */
  group: Value[][] | undefined
  constructor(columns: ScopeColumn[], outer?: Scope) {
    this.columns = columns
    this.outer = outer
  }
}

/** What evaluating needs of the session. */
export interface EvaluationContext extends FunctionContext {
  /** All rows of a query within another. */
  subquery(query: Query, outer: Scope): { width: number; rows(): Value[][] }
  userVariables: Map<string, Value>
  systemVariable(name: string, global: boolean): Value
}

export type Evaluate = () => Value

export interface CompileOptions {
  context: EvaluationContext
  scope: Scope
  /** Where the expression stands, for messages: `field list`, `where clause` ... */
  clause: string
  /** Names of the SELECT list, for HAVING, GROUP BY and ORDER BY. */
  aliases?: ReadonlyMap<string, Expression>
  /** Aggregates are allowed. */
  grouped?: boolean
}

const AGGREGATES = new Set([...Object.keys(aggregateFunctions), 'group_concat'])

/** Whether an expression aggregates rows (not counting those of queries inside). */
export function hasAggregate(expression: Expression): boolean {
  return (expression.kind === 'call' && AGGREGATES.has(expression.name)) || childrenOf(expression).some(hasAggregate)
}

export function childrenOf(expression: Expression): Expression[] {
  switch (expression.kind) {
    case 'binary': case 'quantified': return expression.kind === 'binary' ? [expression.left, expression.right] : [expression.left]
    case 'unary': case 'is': case 'cast': case 'binary string': return [expression.operand]
    case 'call': return [...expression.args, ...(expression.order ?? []).map(({ expression: each }) => each)]
    case 'case': return [...(expression.subject ? [expression.subject] : []), ...expression.whens.flatMap(({ when, then }) => [when, then]), ...(expression.otherwise ? [expression.otherwise] : [])]
    case 'in': return [expression.operand, ...(expression.list ?? [])]
    case 'between': return [expression.operand, expression.low, expression.high]
    case 'like': return [expression.operand, expression.pattern]
    case 'row': return expression.items
    case 'interval': return [expression.amount]
    case 'user variable': return expression.assign ? [expression.assign] : []
    default: return []
  }
}

/** The position of a column in the scope or one around it. @throws SqlError 1052, 1054 */
export function findColumn(scope: Scope, { database, table, name }: { database?: string; table?: string; name: string }, clause: string): { scope: Scope; index: number } {
  for (let at: Scope | undefined = scope; at; at = at.outer) {
    const found: number[] = []
    at.columns.forEach((column, index) => {
      if (column.name.toLowerCase() !== name.toLowerCase() || (table !== undefined ? column.table !== table : column.hidden) || (database !== undefined && column.database !== database)) return
      found.push(index)
    })
    if (found.length > 1) throw new SqlError(1052, `Column '${table === undefined ? name : `${table}.${name}`}' in ${clause} is ambiguous`)
    if (found.length === 1) return { scope: at, index: found[0]! }
  }
  throw new SqlError(1054, `Unknown column '${[database, table, name].filter((part) => part !== undefined).join('.')}' in '${clause}'`)
}

/** Whether text is compared byte by byte: columns and casts say so. */
function isBinary(expression: Expression, scope: Scope): boolean {
  if (expression.kind === 'binary string') return true
  if (expression.kind !== 'column') return false
  try {
    const { scope: at, index } = findColumn(scope, expression, '')
    const definition = at.columns[index]!.definition
    return definition !== undefined && (definition.binary === true || /blob|binary|json/.test(definition.type.name))
  } catch { return false }
}

/** What an expression always is, as far as it can be told without rows. */
export function staticType(expression: Expression, scope: Scope): ColumnType | undefined {
  if (expression.kind === 'column') {
    try {
      const { scope: at, index } = findColumn(scope, expression, '')
      return at.columns[index]!.definition?.type
    } catch { return undefined }
  }
  if (expression.kind === 'cast') return expression.type
  if (expression.kind === 'call' && ['min', 'max', 'any_value', 'ifnull', 'coalesce'].includes(expression.name) && expression.args[0]) return staticType(expression.args[0], scope)
  if (expression.kind === 'call' && expression.name === 'count') return { name: 'bigint' }
  return undefined
}

const NEVER_NULL = new Set(['count', 'now', 'current_timestamp', 'sysdate', 'curdate', 'current_date', 'curtime', 'current_time', 'utc_timestamp', 'user', 'current_user', 'version', 'connection_id', 'uuid', 'rand', 'pi', 'sleep', 'last_insert_id', 'row_count', 'found_rows', 'isnull', 'concat_ws'])
const OFTEN_NULL = new Set(['min', 'max', 'sum', 'avg', 'group_concat', 'std', 'stddev', 'variance', 'nullif', 'elt', 'json_extract', 'database', 'schema', 'any_value', 'str_to_date', 'date_format'])

/** Whether a result's column says that NULL may come. */
export function isNullable(expression: Expression, scope: Scope): boolean {
  switch (expression.kind) {
    case 'literal': return expression.value === null
    case 'column': {
      try {
        const { scope: at, index } = findColumn(scope, expression, '')
        return at.columns[index]!.definition?.notNull !== true
      } catch { return true }
    }
    case 'is': case 'exists': return false
    case 'subquery': case 'quantified': case 'user variable': return true
    case 'system variable': return false
    case 'call': return !NEVER_NULL.has(expression.name) && (OFTEN_NULL.has(expression.name) || (expression.name === 'ifnull' || expression.name === 'coalesce' ? expression.args.every((arg) => isNullable(arg, scope)) : expression.args.some((arg) => isNullable(arg, scope))))
    case 'binary': return ['/', '%', 'div'].includes(expression.operator) || childrenOf(expression).some((child) => isNullable(child, scope))
    case 'case': return !expression.otherwise || childrenOf(expression).some((child) => isNullable(child, scope))
    default: return childrenOf(expression).some((child) => isNullable(child, scope))
  }
}

/** Digits behind the point of an exact number; undefined for what is none. */
function exactScale(expression: Expression, scope: Scope): number | undefined {
  if (expression.kind === 'literal') return expression.value instanceof Decimal ? expression.value.scale : typeof expression.value === 'bigint' || expression.value === null ? 0 : undefined
  if (expression.kind === 'call') {
    const of = expression.args[0] && expression.args[0].kind !== 'star' ? exactScale(expression.args[0], scope) : undefined
    return expression.name === 'count' ? 0 : of === undefined ? undefined : ['sum', 'min', 'max'].includes(expression.name) ? of : expression.name === 'avg' ? of + 4 : undefined
  }
  const type = staticType(expression, scope)
  return type?.name === 'decimal' ? type.scale ?? 0 : type && /int$/.test(type.name) ? 0 : undefined
}

/** Turns an expression into a function of the scope's row. @throws SqlError for names that nobody knows. */
export function compile(expression: Expression, options: CompileOptions): Evaluate {
  const { context, scope, clause } = options
  const sub = (each: Expression) => compile(each, options)
  switch (expression.kind) {
    case 'literal': { const { value } = expression; return () => value }
    case 'column': {
      const alias = expression.table === undefined ? options.aliases?.get(expression.name.toLowerCase()) : undefined
      let place: { scope: Scope; index: number } | undefined
      try { place = findColumn(scope, expression, clause) } catch (error) { if (!alias) throw error }
      // HAVING and ORDER BY mean the SELECT list first, GROUP BY the tables.
      if (alias && (!place || clause !== 'group statement') && !(alias.kind === 'column' && alias.name.toLowerCase() === expression.name.toLowerCase())) { const { aliases: _, ...rest } = options; return compile(alias, rest) }
      const { scope: at, index } = place!
      return () => at.row[index] ?? null
    }
    case 'star': throw new SqlError(1064, `You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near '*' at line 1`)
    case 'row': throw new SqlError(1241, 'Operand should contain 1 column(s)')
    case 'unary': {
      const operand = sub(expression.operand)
      if (expression.operator === 'not') return () => { const value = truth(operand()); return fromTruth(value === undefined ? undefined : !value) }
      if (expression.operator === '~') return () => { const value = operand(); return value === null ? null : BigInt.asUintN(64, ~BigInt(Math.round(toNumber(value)))) }
      return () => { const value = operand(); if (value === null) return null; const n = numeric(value); return n instanceof Decimal ? new Decimal(-n.unscaled, n.scale) : -n }
    }
    case 'binary': return compileBinary(expression, options)
    case 'is': {
      const operand = sub(expression.operand)
      const { what, not } = expression
      return () => { const value = operand(); const holds = what === 'null' || what === 'unknown' ? value === null : truth(value) === (what === 'true'); return fromTruth(holds !== not) }
    }
    case 'in': return compileIn(expression, options)
    case 'between': {
      const [operand, low, high] = [sub(expression.operand), sub(expression.low), sub(expression.high)]
      return () => {
        const [value, from, to] = [operand(), low(), high()]
        if (value === null || from === null || to === null) return null
        return fromTruth((compare(value, from) >= 0 && compare(value, to) <= 0) !== expression.not)
      }
    }
    case 'like': {
      const [operand, pattern] = [sub(expression.operand), sub(expression.pattern)]
      const binary = isBinary(expression.operand, scope) || isBinary(expression.pattern, scope)
      let known: { text: string; expression: RegExp } | undefined
      return () => {
        const [value, like] = [operand(), pattern()]
        if (value === null || like === null) return null
        const text = toText(like)
        if (known?.text !== text) known = { text, expression: likePattern(text, expression.escape, binary) }
        return fromTruth(known.expression.test(binary ? toText(value) : collate(toText(value))) !== expression.not)
      }
    }
    case 'case': {
      const subject = expression.subject && sub(expression.subject)
      const whens = expression.whens.map(({ when, then }) => ({ when: sub(when), then: sub(then) }))
      const otherwise = expression.otherwise ? sub(expression.otherwise) : () => null
      return () => {
        const value = subject?.()
        for (const { when, then } of whens) {
          const condition = when()
          if (subject ? value !== null && value !== undefined && condition !== null && compare(value, condition) === 0 : truth(condition)) return then()
        }
        return otherwise()
      }
    }
    case 'exists': { const query = context.subquery(expression.query, scope); return () => fromTruth(query.rows().length > 0) }
    case 'subquery': {
      const query = context.subquery(expression.query, scope)
      if (query.width !== 1) throw new SqlError(1241, 'Operand should contain 1 column(s)')
      return () => {
        const rows = query.rows()
        if (rows.length > 1) throw new SqlError(1242, 'Subquery returns more than 1 row')
        return rows[0]?.[0] ?? null
      }
    }
    case 'quantified': {
      const left = sub(expression.left)
      const query = context.subquery(expression.query, scope)
      return () => {
        const value = left()
        const results = query.rows().map(([other]) => value === null || other === null || other === undefined ? undefined : holds(expression.operator, compare(value, other)))
        if (expression.all) return fromTruth(results.includes(false) ? false : results.includes(undefined) ? undefined : true)
        return fromTruth(results.includes(true) ? true : results.includes(undefined) ? undefined : false)
      }
    }
    case 'user variable': {
      const { name } = expression
      const assign = expression.assign && sub(expression.assign)
      return () => { if (assign) context.userVariables.set(name, assign()); return context.userVariables.get(name) ?? null }
    }
    case 'system variable': { const value = context.systemVariable(expression.name, expression.global); return () => value }
    case 'cast': {
      const operand = sub(expression.operand)
      return () => { const value = operand(); return value === null ? null : castTo(value, expression.type) }
    }
    case 'binary string': return sub(expression.operand)
    case 'interval': return sub(expression.amount)
    case 'default': throw new SqlError(1364, `Field '${expression.column ?? ''}' doesn't have a default value`)
    case 'call': return compileCall(expression, options)
  }
}

const holds = (operator: string, order: number) => operator === '=' ? order === 0 : operator === '<>' ? order !== 0 : operator === '<' ? order < 0 : operator === '<=' ? order <= 0 : operator === '>' ? order > 0 : order >= 0

function compileBinary(expression: Extract<Expression, { kind: 'binary' }>, options: CompileOptions): Evaluate {
  const { operator, left: l, right: r } = expression
  const { scope } = options
  if (l.kind === 'row' && r.kind === 'row' && ['=', '<>', '<=>'].includes(operator)) {
    if (l.items.length !== r.items.length) throw new SqlError(1241, `Operand should contain ${l.items.length} column(s)`)
    const all = l.items.map((item, i): Expression => ({ kind: 'binary', operator: operator === '<>' ? '=' : operator, left: item, right: r.items[i]! })).reduce((a, b) => ({ kind: 'binary', operator: 'and', left: a, right: b }))
    return compile(operator === '<>' ? { kind: 'unary', operator: 'not', operand: all } : all, options)
  }
  // A date and an interval.
  if ((operator === '+' || operator === '-') && (r.kind === 'interval' || (operator === '+' && l.kind === 'interval'))) {
    const interval = (r.kind === 'interval' ? r : l) as Extract<Expression, { kind: 'interval' }>
    const [date, amount] = [compile(r.kind === 'interval' ? l : r, options), compile(interval.amount, options)]
    return () => { const n = amount(); return addInterval(date(), n === null || operator === '+' ? n : arithmetic('-', 0n, n), interval.unit) }
  }
  const [left, right] = [compile(l, options), compile(r, options)]
  switch (operator) {
    case 'and': return () => { const a = truth(left()); if (a === false) return 0n; const b = truth(right()); return b === false ? 0n : a === undefined || b === undefined ? null : 1n }
    case 'or': return () => { const a = truth(left()); if (a) return 1n; const b = truth(right()); return b ? 1n : a === undefined || b === undefined ? null : 0n }
    case 'xor': return () => { const [a, b] = [truth(left()), truth(right())]; return a === undefined || b === undefined ? null : fromTruth(a !== b) }
    case 'regexp': {
      const binary = isBinary(l, scope) || isBinary(r, scope)
      return () => {
        const [value, pattern] = [left(), right()]
        if (value === null || pattern === null) return null
        try { return fromTruth(new RegExp(toText(pattern).replaceAll('[[:<:]]', '\\b').replaceAll('[[:>:]]', '\\b').replace(/\[:alpha:\]/g, 'a-zA-Z').replace(/\[:digit:\]/g, '0-9').replace(/\[:alnum:\]/g, 'a-zA-Z0-9').replace(/\[:space:\]/g, '\\s'), binary ? 'u' : 'iu').test(toText(value))) } catch { throw new SqlError(3685, 'Illegal argument to a regular expression.') }
      }
    }
    case '<=>': return () => { const [a, b] = [left(), right()]; return fromTruth(a === null || b === null ? a === b : compare(a, b) === 0) }
    case '=': case '<>': case '<': case '<=': case '>': case '>=': {
      const binary = isBinary(l, scope) || isBinary(r, scope)
      return () => { const [a, b] = [left(), right()]; return a === null || b === null ? null : fromTruth(holds(operator, compare(a, b, binary))) }
    }
    default: return () => arithmetic(operator, left(), right())
  }
}

function compileIn(expression: Extract<Expression, { kind: 'in' }>, options: CompileOptions): Evaluate {
  const { context, scope } = options
  const items = expression.operand.kind === 'row' ? expression.operand.items : [expression.operand]
  const operand = items.map((item) => compile(item, options))
  let candidates: () => Value[][]
  if (expression.query) {
    const query = context.subquery(expression.query, scope)
    if (query.width !== items.length) throw new SqlError(1241, `Operand should contain ${items.length} column(s)`)
    candidates = () => query.rows()
  } else {
    const list = expression.list!.map((each) => {
      const parts = each.kind === 'row' ? each.items : [each]
      if (parts.length !== items.length) throw new SqlError(1241, `Operand should contain ${items.length} column(s)`)
      return parts.map((part) => compile(part, options))
    })
    candidates = () => list.map((parts) => parts.map((part) => part()))
  }
  const binary = items.some((item) => isBinary(item, scope))
  return () => {
    const values = operand.map((each) => each())
    let unknown = false
    for (const candidate of candidates()) {
      const results = values.map((value, i) => value === null || candidate[i] === null || candidate[i] === undefined ? undefined : compare(value, candidate[i]!, binary) === 0)
      if (results.every((each) => each === true)) return fromTruth(!expression.not)
      if (!results.includes(false)) unknown = true
    }
    return unknown ? null : fromTruth(expression.not)
  }
}

/** A pattern of LIKE. */
export function likePattern(pattern: string, escape = '\\', binary = false): RegExp {
  let source = ''
  const characters = [...(binary ? pattern : collate(pattern))]
  for (let i = 0; i < characters.length; i++) {
    const char = characters[i]!
    if (char === escape && i + 1 < characters.length) source += characters[++i]!.replace(/[^\w\s]/, '\\$&')
    else source += char === '%' ? '[\\s\\S]*' : char === '_' ? '[\\s\\S]' : char.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&')
  }
  return new RegExp(`^${source}$`)
}

function castTo(value: Exclude<Value, null>, type: ColumnType): Value {
  if (type.name === 'bigint') {
    const number = numeric(value)
    const whole = typeof number === 'bigint' ? number : number instanceof Decimal ? number.rescale(0).unscaled : typeof value === 'string' ? BigInt(Math.trunc(number)) : BigInt(Math.round(number))
    return type.unsigned ? BigInt.asUintN(64, whole) : BigInt.asIntN(64, whole)
  }
  if (type.name === 'decimal') { const number = numeric(value); return coerce(typeof number === 'number' ? number : number, type, { column: '', row: 1 }) }
  if (type.name === 'double' || type.name === 'float') return toNumber(value)
  if (['date', 'datetime', 'time', 'json'].includes(type.name)) { try { return coerce(value, type, { column: '', row: 1 }) } catch (error) { if (type.name === 'json') throw error; return null } }
  const text = toText(value)
  return type.length === undefined ? text : [...text].slice(0, type.length).join('')
}

function compileCall(call: Extract<Expression, { kind: 'call' }>, options: CompileOptions): Evaluate {
  const { context, scope, clause } = options
  const { name } = call
  if (AGGREGATES.has(name)) {
    if (!options.grouped) throw new SqlError(1111, 'Invalid use of group function')
    return compileAggregate(call, options)
  }
  if (name === 'date_add' || name === 'date_sub' || ((name === 'adddate' || name === 'subdate') && call.args[1]?.kind === 'interval')) {
    const [date, interval] = call.args
    if (!date || interval?.kind !== 'interval') throw new SqlError(1064, `You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near ')' at line 1`)
    return compileBinary({ kind: 'binary', operator: name === 'date_add' || name === 'adddate' ? '+' : '-', left: date, right: interval }, options)
  }
  if (name === 'values') {
    // VALUES(column) in ON DUPLICATE KEY UPDATE: what would have been inserted.
    const [column] = call.args
    if (column?.kind === 'column') { const { scope: at, index } = findColumn(scope, { table: '#values', name: column.name }, clause); return () => at.row[index] ?? null }
  }
  const run = scalarFunctions[name]
  if (!run) throw context.database === undefined ? new SqlError(1305, `FUNCTION ${name} does not exist`) : new SqlError(1305, `FUNCTION ${context.database}.${name} does not exist`)
  const args = call.args.map((arg) => compile(arg, options))
  if (name === 'ifnull' || name === 'coalesce') {
    // Exact numbers are all shown alike.
    const scales = call.args.map((arg) => exactScale(arg, scope))
    const scale = scales.includes(undefined) ? 0 : Math.max(...scales as number[])
    if (scale > 0) return () => { const value = run(context, args.map((arg) => arg())); return typeof value === 'bigint' || value instanceof Decimal ? asDecimal(value).rescale(scale) : value }
  }
  // Only the branch that is taken counts.
  if (name === 'if') { if (args.length !== 3) throw wrongCount(name); return () => truth(args[0]!()) ? args[1]!() : args[2]!() }
  if (args.length < (MINIMUM[name] ?? 0)) throw wrongCount(name)
  return () => run(context, args.map((arg) => arg()))
}

const MINIMUM: Readonly<Record<string, number>> = { ifnull: 2, nullif: 2, concat: 1, length: 1, upper: 1, lower: 1, substring: 2, left: 2, right: 2, replace: 3, repeat: 2, lpad: 3, rpad: 3, locate: 2, instr: 2, abs: 1, round: 1, truncate: 2, floor: 1, ceil: 1, mod: 2, pow: 2, date_format: 2, datediff: 2, from_unixtime: 1, sleep: 1 }
const wrongCount = (name: string) => new SqlError(1582, `Incorrect parameter count in the call to native function '${name.toUpperCase()}'`)

function compileAggregate(call: Extract<Expression, { kind: 'call' }>, options: CompileOptions): Evaluate {
  const { scope } = options
  const { grouped: _, ...inside } = options
  const star = call.args[0]?.kind === 'star'
  const args = star ? [] : call.args.map((arg) => compile(arg, inside))
  const order = (call.order ?? []).map(({ expression, descending }: OrderItem) => ({ value: compile(expression, inside), descending }))
  return () => {
    const kept = scope.row
    const found: { value: Exclude<Value, null>; key: string; sort: Value[] }[] = []
    for (const row of scope.group ?? []) {
      scope.row = row
      const values = args.map((arg) => arg())
      if (values.includes(null)) continue
      found.push({ value: star ? 1n : values.length === 1 ? values[0]! : values.map((value) => toText(value!)).join(''), key: values.map((value) => groupKey(value)).join('\0'), sort: order.map(({ value }) => value()) })
    }
    scope.row = kept
    let values = found
    if (call.distinct) { const seen = new Set<string>(); values = values.filter(({ key }) => !seen.has(key) && seen.add(key)) }
    if (order.length > 0) values = [...values].sort((a, b) => { for (const [i, { descending }] of order.entries()) { const d = compareForOrder(a.sort[i]!, b.sort[i]!); if (d !== 0) return descending ? -d : d } return 0 })
    if (call.name === 'group_concat') return values.length === 0 ? null : values.map(({ value }) => toText(value)).join(call.separator ?? ',').slice(0, 1024)
    return aggregateFunctions[call.name]!(values.map(({ value }) => value))
  }
}
