import type { ColumnType, Expression, OrderItem, Query, Select, SelectItem, TableReference } from './ast.ts'
import { SqlError } from './errors.ts'
import { Scope, childrenOf, compile, findColumn, hasAggregate, isNullable, staticType } from './evaluate.ts'
import type { CompileOptions, Evaluate, EvaluationContext, ScopeColumn } from './evaluate.ts'
import { compareForOrder, groupKey, isNumericType, toNumber, truth } from './values.ts'
import type { Value } from './values.ts'

export interface ResultColumn {
  name: string
  /** What its values are, where that can be told without them. */
  type?: ColumnType
  /** It may be NULL. */
  nullable?: boolean
  table?: string
  database?: string
}

export interface ResultSet {
  columns: ResultColumn[]
  rows: Value[][]
}

/** A table's columns and rows, wherever they come from. */
export interface Source {
  columns: ScopeColumn[]
  rows(): Value[][]
}

/** Where queries find tables. */
export interface Tables {
  open(name: { database?: string; name: string }, alias: string, outer: Scope | undefined): Source
  readonly context: EvaluationContext
}

type CommonTables = ReadonlyMap<string, { columns: ResultColumn[]; rows: () => Value[][] }>

/** Most rounds of a recursive table. */
const RECURSION_LIMIT = 1000

/** A query made ready: names are known, rows come when they are asked for. */
export interface Prepared { columns: ResultColumn[]; rows(): Value[][] }

/** Checks a query's names and makes it ready. @throws SqlError */
export function prepare(query: Query, tables: Tables, outer?: Scope, common: CommonTables = new Map()): Prepared {
  const known = new Map(common)
  for (const { name, columns, query: body } of query.with?.tables ?? []) {
    if (query.with!.recursive && body.more.length > 0) known.set(name, recursive(name, columns, body, tables, outer, known))
    else {
      const prepared = prepare(body, tables, outer, known)
      known.set(name, { columns: renamed(prepared.columns, columns), rows: () => prepared.rows() })
    }
  }
  if (query.more.length === 0 && 'kind' in query.first) return limited(query, prepareSelect(query.first, tables, outer, known, query.orderBy), tables, outer)
  const first = prepareTerm(query.first, tables, outer, known)
  const more = query.more.map(({ all, select }) => ({ all, prepared: prepareTerm(select, tables, outer, known) }))
  for (const { prepared } of more) if (prepared.columns.length !== first.columns.length) throw new SqlError(1222, 'The used SELECT statements have a different number of columns')
  const scope = new Scope(first.columns.map(({ name }) => ({ table: '', name })), outer)
  const order = (query.orderBy ?? []).map(({ expression, descending }) => ({ value: orderValue(expression, first.columns, { context: tables.context, scope, clause: 'order clause' }), descending }))
  return limited(query, {
    columns: first.columns,
    rows() {
      let rows = first.rows()
      for (const { all, prepared } of more) { rows = [...rows, ...prepared.rows()]; if (!all) rows = distinct(rows) }
      return sorted(rows.map((row) => { scope.row = row; return { row, keys: order.map(({ value }) => value()) } }), order)
    },
  }, tables, outer)
}

function prepareTerm(term: Select | Query, tables: Tables, outer: Scope | undefined, common: CommonTables): Prepared {
  return 'kind' in term ? prepareSelect(term, tables, outer, common) : prepare(term, tables, outer, common)
}

function renamed(columns: ResultColumn[], names: readonly string[] | undefined): ResultColumn[] {
  if (names && names.length !== columns.length) throw new SqlError(1353, "In definition of view, derived table or common table expression, SELECT list and column names list have different column counts")
  return names ? columns.map((column, i) => ({ ...column, name: names[i]! })) : columns
}

function recursive(name: string, names: string[] | undefined, body: Query, tables: Tables, outer: Scope | undefined, known: CommonTables): { columns: ResultColumn[]; rows: () => Value[][] } {
  const seed = prepareTerm(body.first, tables, outer, known)
  const columns = renamed(seed.columns, names)
  return {
    columns,
    rows() {
      let fresh = seed.rows()
      const all = [...fresh]
      const steps = body.more.map(({ select }) => prepareTerm(select, tables, outer, new Map([...known, [name, { columns, rows: () => fresh }]])))
      for (let round = 0; fresh.length > 0; round++) {
        if (round > RECURSION_LIMIT) throw new SqlError(3636, 'Recursive query aborted after 1001 iterations. Try increasing @@cte_max_recursion_depth to a larger value.')
        fresh = steps.flatMap((step) => step.rows())
        all.push(...fresh)
      }
      return all
    },
  }
}

function limited(query: Query, prepared: Prepared, { context }: Tables, outer: Scope | undefined): Prepared {
  if (!query.limit) return prepared
  const number = (expression: Expression) => toNumber(compile(expression, { context, scope: new Scope([], outer), clause: 'limit clause' })())
  const count = number(query.limit.count)
  const offset = query.limit.offset ? number(query.limit.offset) : 0
  return { columns: prepared.columns, rows: () => prepared.rows().slice(offset, offset + count) }
}

function distinct(rows: Value[][]): Value[][] {
  const seen = new Set<string>()
  return rows.filter((row) => { const key = row.map((value) => groupKey(value)).join('\0'); return !seen.has(key) && seen.add(key) })
}

function sorted(rows: { row: Value[]; keys: Value[] }[], order: readonly { descending: boolean }[]): Value[][] {
  if (order.length > 0) {
    rows.sort((a, b) => {
      for (let i = 0; i < order.length; i++) { const d = compareForOrder(a.keys[i]!, b.keys[i]!); if (d !== 0) return order[i]!.descending ? -d : d }
      return 0
    })
  }
  return rows.map(({ row }) => row)
}

/** ORDER BY's number or expression; a number is a column of the result. */
function orderValue(expression: Expression, columns: readonly ResultColumn[], options: CompileOptions): Evaluate {
  if (expression.kind !== 'literal' || typeof expression.value !== 'bigint') return compile(expression, options)
  const at = Number(expression.value)
  if (at < 1 || at > columns.length) throw new SqlError(1054, `Unknown column '${at}' in 'order clause'`)
  return () => options.scope.row[at - 1] ?? null
}

/** The rows of FROM, as functions of the scope around. */
function prepareFrom(reference: TableReference, tables: Tables, outer: Scope | undefined, common: CommonTables): Source {
  switch (reference.kind) {
    case 'table': {
      const { table } = reference
      const alias = reference.alias ?? table.name
      const shared = table.database === undefined ? common.get(table.name) : undefined
      if (shared) return { columns: shared.columns.map(({ name, type, nullable }) => ({ table: alias, name, ...(type ? { definition: { name, type, notNull: !nullable } } : {}) })), rows: shared.rows }
      return tables.open(table, alias, outer)
    }
    case 'derived': {
      const prepared = prepare(reference.query, tables, outer, common)
      return { columns: renamed(prepared.columns, reference.columns).map(({ name, type, nullable }) => ({ table: reference.alias, name, ...(type ? { definition: { name, type, notNull: !nullable } } : {}) })), rows: () => prepared.rows() }
    }
    case 'join': {
      const [left, right] = [prepareFrom(reference.left, tables, outer, common), prepareFrom(reference.right, tables, outer, common)]
      for (const column of right.columns) if (left.columns.some((other) => other.table === column.table && other.database === column.database)) throw new SqlError(1066, `Not unique table/alias: '${column.table}'`)
      const using = reference.natural ? left.columns.filter(({ name }) => right.columns.some((other) => other.name === name)).map(({ name }) => name) : reference.using ?? []
      const [l, r] = [new Scope(left.columns, outer), new Scope(right.columns, outer)]
      const pairs = using.map((name) => [findColumn(l, { name }, 'from clause').index, findColumn(r, { name }, 'from clause').index] as const)
      const columns = [...left.columns, ...right.columns.map((column, i) => pairs.some(([, at]) => at === i) ? { ...column, hidden: true } : column)]
      const scope = new Scope(columns, outer)
      const on = reference.on && compile(reference.on, { context: tables.context, scope, clause: 'on clause' })
      const matches = (row: Value[]): boolean => {
        for (const [a, b] of pairs) { const [x, y] = [row[a]!, row[left.columns.length + b]!]; if (x === null || y === null || compareForOrder(x, y) !== 0) return false }
        if (!on) return true
        scope.row = row
        return truth(on()) === true
      }
      const keys = equalities(reference.on, scope, left.columns.length, pairs)
      const nulls = (source: Source): Value[] => source.columns.map(() => null)
      return {
        columns,
        rows() {
          const [lefts, rights] = [left.rows(), right.rows()]
          const out: Value[][] = []
          if (reference.type === 'right') {
            const candidates = lookup(lefts, keys.map(([a]) => a))
            for (const b of rights) {
              const found = candidates(keys.map(([, at]) => b[at]!)).map((a) => [...a, ...b]).filter(matches)
              out.push(...(found.length > 0 ? found : [[...nulls(left), ...b]]))
            }
            return out
          }
          const candidates = lookup(rights, keys.map(([, b]) => b))
          for (const a of lefts) {
            const before = out.length
            for (const b of candidates(keys.map(([at]) => a[at]!))) { const row = [...a, ...b]; if (matches(row)) out.push(row) }
            if (reference.type === 'left' && out.length === before) out.push([...a, ...nulls(right)])
          }
          return out
        },
      }
    }
  }
}

/** Columns of both sides of a join that must be equal: what it can look rows up by. Positions in the left and in the right row. */
function equalities(on: Expression | undefined, scope: Scope, width: number, pairs: readonly (readonly [number, number])[]): [number, number][] {
  const out: [number, number][] = []
  const kind = (index: number) => { const type = scope.columns[index]!.definition?.type; return type === undefined ? undefined : isNumericType(type) ? 'number' : /char|text|enum/.test(type.name) ? 'text' : undefined }
  const add = (a: number, b: number) => { if (kind(a) !== undefined && kind(a) === kind(b)) out.push([a, b - width]) }
  for (const [a, b] of pairs) add(a, width + b)
  const visit = (expression: Expression | undefined): void => {
    if (expression?.kind !== 'binary') return
    if (expression.operator === 'and') { visit(expression.left); visit(expression.right) }
    if (expression.operator !== '=' || expression.left.kind !== 'column' || expression.right.kind !== 'column') return
    const [l, r] = [findColumn(scope, expression.left, 'on clause'), findColumn(scope, expression.right, 'on clause')]
    if (l.scope !== scope || r.scope !== scope) return
    const [a, b] = l.index < r.index ? [l.index, r.index] : [r.index, l.index]
    if (a < width && b >= width) add(a, b)
  }
  visit(on)
  return out
}

/** Rows by the values of some of their columns: all that may match, more than do where text is compared byte by byte. */
function lookup(rows: readonly Value[][], columns: readonly number[]): (values: Value[]) => readonly Value[][] {
  if (columns.length === 0) return () => rows
  const byKey = new Map<string, Value[][]>()
  const keyOf = (values: readonly Value[]) => values.map((value) => groupKey(value)).join('\0')
  for (const row of rows) {
    const key = keyOf(columns.map((column) => row[column]!))
    const found = byKey.get(key)
    if (found) found.push(row)
    else byKey.set(key, [row])
  }
  return (values) => byKey.get(keyOf(values)) ?? []
}

/** `*` becomes columns. */
function expandStars(items: readonly SelectItem[], scope: Scope): SelectItem[] {
  return items.flatMap((item) => {
    const { expression } = item
    if (expression.kind !== 'star') return [item]
    const columns = scope.columns.filter((column) => expression.table === undefined ? !column.hidden : column.table === expression.table)
    if (columns.length === 0) throw expression.table === undefined ? new SqlError(1096, 'No tables used') : new SqlError(1051, `Unknown table '${expression.table}'`)
    return columns.map((column): SelectItem => ({ expression: { kind: 'column', name: column.name, table: column.table, ...(column.database === undefined ? {} : { database: column.database }) }, name: column.name, aliased: false }))
  })
}

function prepareSelect(select: Select, tables: Tables, outer: Scope | undefined, common: CommonTables, orderBy?: OrderItem[]): Prepared {
  const from: Source = select.from ? prepareFrom(select.from, tables, outer, common) : { columns: [], rows: () => [[]] }
  const scope = new Scope(from.columns, outer)
  const { context } = tables
  const items = expandStars(select.items, scope)
  const aliases = new Map(items.filter(({ aliased }) => aliased).map(({ name, expression }) => [name.toLowerCase(), expression]))
  const grouped = select.groupBy !== undefined || items.some(({ expression }) => hasAggregate(expression)) || (select.having !== undefined && hasAggregate(select.having)) || (orderBy ?? []).some(({ expression }) => hasAggregate(expression))
  const options: CompileOptions = { context, scope, clause: 'field list', ...(grouped ? { grouped } : {}) }
  const where = select.where && compile(select.where, { context, scope, clause: 'where clause' })
  const groupBy = select.groupBy?.map((expression) => itemAt(expression, items, 'group statement') ?? expression)
  const groupKeys = groupBy?.map((expression) => compile(expression, { context, scope, clause: 'group statement', aliases }))
  if (grouped) requireGrouped(items, groupBy, aliases, scope, context)
  const values = items.map(({ expression }) => compile(expression, options))
  const having = select.having && compile(select.having, { ...options, clause: 'having clause', aliases })
  const order = (orderBy ?? []).map(({ expression, descending }) => ({ value: compile(itemAt(expression, items, 'order clause') ?? expression, { ...options, clause: 'order clause', aliases }), descending }))
  const columns = items.map(({ name: heading, aliased, expression }): ResultColumn => {
    let name = heading
    const type = staticType(expression, scope)
    let origin: ScopeColumn | undefined
    if (expression.kind === 'column') { try { const found = findColumn(scope, expression, ''); origin = found.scope.columns[found.index] } catch { /* an alias */ } }
    // Tables of the information schema have their own spelling.
    if (origin && !aliased && origin.name === heading.toUpperCase()) name = origin.name
    return { name, nullable: isNullable(expression, scope), ...(type ? { type } : {}), ...(origin ? { table: origin.table, ...(origin.database === undefined ? {} : { database: origin.database }) } : {}) }
  })
  return {
    columns,
    rows() {
      const found: Value[][] = []
      for (const row of from.rows()) {
        scope.row = row
        if (!where || truth(where()) === true) found.push(row)
      }
      const out: { row: Value[]; keys: Value[] }[] = []
      const emit = (row: Value[]) => {
        scope.row = row
        if (having && truth(having()) !== true) return
        out.push({ row: values.map((value) => value()), keys: order.map(({ value }) => value()) })
      }
      if (grouped) {
        const groups = new Map<string, Value[][]>()
        if (!groupKeys) groups.set('', found)
        else for (const row of found) {
          scope.row = row
          const key = groupKeys.map((value) => groupKey(value())).join('\0')
          const group = groups.get(key)
          if (group) group.push(row)
          else groups.set(key, [row])
        }
        for (const group of groups.values()) { scope.group = group; emit(group[0] ?? from.columns.map(() => null)) }
        scope.group = undefined
      } else for (const row of found) emit(row)
      if (select.distinct) {
        const seen = new Set<string>()
        return sorted(out.filter(({ row }) => { const key = row.map((value) => groupKey(value)).join('\0'); return !seen.has(key) && seen.add(key) }), order)
      }
      return sorted(out, order)
    },
  }
}

/** GROUP BY 2, ORDER BY 2: the SELECT list's second. */
function itemAt(expression: Expression, items: readonly SelectItem[], clause: string): Expression | undefined {
  if (expression.kind !== 'literal' || typeof expression.value !== 'bigint') return undefined
  const item = items[Number(expression.value) - 1]
  if (!item) throw new SqlError(1054, `Unknown column '${expression.value}' in '${clause}'`)
  return item.expression
}

/** sql_mode ONLY_FULL_GROUP_BY. @throws SqlError 1055, 1140 */
function requireGrouped(items: readonly SelectItem[], groupBy: readonly Expression[] | undefined, aliases: ReadonlyMap<string, Expression>, scope: Scope, context: EvaluationContext): void {
  if (!String(context.systemVariable('sql_mode', false)).includes('ONLY_FULL_GROUP_BY')) return
  const keys = (groupBy ?? []).map((each) => each.kind === 'column' && each.table === undefined ? aliases.get(each.name.toLowerCase()) ?? each : each)
  const indexOf = (expression: Expression): number | undefined => {
    if (expression.kind !== 'column') return undefined
    try { const found = findColumn(scope, expression, ''); return found.scope === scope ? found.index : undefined } catch { return undefined }
  }
  const texts = new Set(keys.map(textOf))
  const grouped = new Set(keys.map(indexOf))
  const tablesByKey = new Set(scope.columns.filter((column, i) => column.primary && grouped.has(i)).map(({ table }) => table))
  const stray = (expression: Expression): number | undefined => {
    if (expression.kind === 'call' && hasAggregate({ ...expression, args: [] })) return undefined
    if (texts.has(textOf(expression))) return undefined
    const index = indexOf(expression)
    if (index !== undefined) return grouped.has(index) || tablesByKey.has(scope.columns[index]!.table) ? undefined : index
    for (const child of childrenOf(expression)) { const found = stray(child); if (found !== undefined) return found }
    return undefined
  }
  items.forEach(({ expression }, i) => {
    const index = stray(expression)
    if (index === undefined) return
    const column = scope.columns[index]!
    const name = [column.database, column.table, column.name].filter((part) => part !== undefined).join('.')
    throw groupBy ? new SqlError(1055, `Expression #${i + 1} of SELECT list is not in GROUP BY clause and contains nonaggregated column '${name}' which is not functionally dependent on columns in GROUP BY clause; this is incompatible with sql_mode=only_full_group_by`)
      : new SqlError(1140, `In aggregated query without GROUP BY, expression #${i + 1} of SELECT list contains nonaggregated column '${name}'; this is incompatible with sql_mode=only_full_group_by`)
  })
}

const textOf = (expression: Expression) => JSON.stringify(expression, (_, value: unknown) => typeof value === 'bigint' ? String(value) : value)
