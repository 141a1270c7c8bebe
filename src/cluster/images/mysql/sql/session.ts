import { digests } from '../../../../unix/node/digests.ts'
import type { UserRecord } from './accounts.ts'
import { isGranted } from './accounts.ts'
import { manageAccounts } from './account-statements.ts'
import type { Assignment, ColumnDefinition, Expression, ForeignKey, Query, Statement, TableName, TableReference } from './ast.ts'
import { defineTables } from './ddl.ts'
import { SqlError } from './errors.ts'
import { Scope, compile } from './evaluate.ts'
import type { EvaluationContext, ScopeColumn } from './evaluate.ts'
import { informationSchema } from './information-schema.ts'
import { SYSTEM_DATABASES } from './instance.ts'
import type { Instance } from './instance.ts'
import { parseQuery, parseStatement, splitStatements } from './parser.ts'
import { prepare } from './select.ts'
import type { ResultSet, Source, Tables } from './select.ts'
import { show } from './show.ts'
import { Table, Transaction } from './table.ts'
import type { Row } from './table.ts'
import { coerce, compareForOrder, dateTimeText, shown, toNumber, toText, truth } from './values.ts'
import type { Value } from './values.ts'
import { GLOBAL_VARIABLES, READ_ONLY_VARIABLES } from './variables.ts'

/** What a statement gave: rows, or how many it changed. */
export type Result =
  | { kind: 'rows'; set: ResultSet; warnings: number }
  | { kind: 'ok'; affected: number; insertId: bigint; info: string; warnings: number }

export interface Warning { level: 'Note' | 'Warning' | 'Error'; code: number; message: string }

/** Statements that a server with super_read_only refuses. */
const WRITES = new Set<Statement['kind']>(['insert', 'update', 'delete', 'create database', 'alter database', 'drop database', 'create table', 'drop table', 'alter table', 'rename table', 'truncate', 'create view', 'create user', 'drop user', 'rename user', 'set password', 'grant'])
const COUNTERS: Partial<Record<Statement['kind'], string>> = { query: 'Com_select', insert: 'Com_insert', update: 'Com_update', delete: 'Com_delete', 'create table': 'Com_create_table', 'create database': 'Com_create_db' }

/** One connection's view of a server: who it is, which database it uses, its transaction. */
export class Session {
  readonly instance: Instance
  readonly id: number
  readonly user: UserRecord
  /** `name@host` of whoever is connected. */
  readonly login: string
  readonly connectedMs: number
  readonly variables = new Map<string, string>()
  readonly context: EvaluationContext
  /** Where this session's queries find tables. */
  readonly tables: Tables
  database: string | undefined
  warnings: Warning[] = []
  /** What PROCESSLIST shows. */
  command = 'Sleep'
  state = ''
  info: string | null = null
  sinceMs: number
  /** KILL asks the connection to go. */
  kill: () => void = () => {}
  /** KILL QUERY ends what the connection waits for, and leaves it. */
  killQuery: () => void = () => {}
  /** SHUTDOWN. */
  shutdown: () => void = () => {}
  /** How long the statement waits before it answers: SLEEP(). */
  sleepMs = 0
  transaction = new Transaction()
  #inTransaction = false
  #lastInsertId = 0n
  #rowCount = -1n
  #foundRows = 0n

  constructor(instance: Instance, id: number, user: UserRecord, login: string) {
    this.instance = instance
    this.id = id
    this.user = user
    this.login = login
    this.connectedMs = this.sinceMs = instance.options.nowMs()
    const session = this
    this.context = {
      version: instance.version, user: login, account: `${user.name}@${user.host}`, connectionId: id, userVariables: new Map(),
      get database() { return session.database }, get lastInsertId() { return session.#lastInsertId }, get rowCount() { return session.#rowCount }, get foundRows() { return session.#foundRows },
      nowMs: () => this.sinceMs, random: () => instance.options.random(), addSleep: (ms) => { this.sleepMs += ms },
      digest: (algorithm, text) => [...digests[algorithm]!(new TextEncoder().encode(text))].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
      systemVariable: (name, global) => this.systemVariable(name, global),
      subquery: (query, outer) => { const prepared = prepare(query, this.tables, outer); return { width: prepared.columns.length, rows: () => prepared.rows() } },
    }
    this.tables = { context: this.context, open: (name, alias) => this.#open(name, alias) }
  }


  get autocommit(): boolean { return this.#setting('autocommit') === 'ON' }

  #setting(name: string): string { return this.variables.get(name) ?? this.instance.variables.get(name)! }

  systemVariable(name: string, global: boolean): Value {
    const text = (global ? undefined : this.variables.get(name)) ?? this.instance.variables.get(name)
    if (name === 'server_uuid') return /server-uuid=(.*)/.exec(this.instance.options.files.readText(this.instance.path('auto.cnf')))?.[1] ?? ''
    if (text === undefined) throw new SqlError(1193, `Unknown system variable '${name}'`)
    return text === 'ON' ? 1n : text === 'OFF' ? 0n : /^\d+$/.test(text) ? BigInt(text) : text
  }

  // --- names and rights ---------------------------------------------------------------------------------------------------------

  /** The database a name is in. @throws SqlError 1046 */
  databaseOf(name: TableName): string {
    const database = name.database ?? this.database
    if (database === undefined) throw new SqlError(1046, 'No database selected')
    return database
  }

  #quotedUser(): string { return `'${this.user.name}'@'${this.user.host}'` }

  /** @throws SqlError 1142 */
  require(privilege: string, name: TableName): void {
    if (isGranted(this.user, privilege, this.databaseOf(name), name.name)) return
    throw new SqlError(1142, `${privilege} command denied to user '${this.user.name}'@'${this.login.slice(this.login.lastIndexOf('@') + 1)}' for table '${name.name}'`)
  }

  /** @throws SqlError 1044 */
  requireDatabase(name: string, privilege?: string): void {
    if (SYSTEM_DATABASES.slice(0, 1).includes(name) || (name === 'performance_schema' && privilege === undefined)) return
    if (!isGranted(this.user, privilege, name)) throw new SqlError(1044, `Access denied for user ${this.#quotedUser()} to database '${name}'`)
  }

  /** @throws SqlError 1227 */
  requireGlobal(privilege: string): void {
    if (!isGranted(this.user, privilege)) throw new SqlError(1227, `Access denied; you need (at least one of) the ${privilege} privilege(s) for this operation`)
  }

  /** @throws SqlError 1049, 1044 */
  use(name: string): void {
    this.requireDatabase(name)
    if (!SYSTEM_DATABASES.includes(name)) this.instance.database(name)
    this.database = name
  }

  /** A table that can be written. @throws SqlError 1046, 1146 */
  table(name: TableName): Table {
    const database = this.databaseOf(name)
    const table = this.instance.databases.get(database)?.tables.get(name.name)
    if (table) return table
    if (!this.instance.databases.has(database) && !SYSTEM_DATABASES.includes(database)) throw new SqlError(1049, `Unknown database '${database}'`)
    if (database === 'information_schema') throw new SqlError(1044, `Access denied for user ${this.#quotedUser()} to database 'information_schema'`)
    if (this.instance.databases.get(database)?.views.has(name.name)) throw new SqlError(1347, `'${database}.${name.name}' is not BASE TABLE`)
    throw new SqlError(1146, `Table '${database}.${name.name}' doesn't exist`)
  }

  #open(name: TableName, alias: string): Source {
    const database = this.databaseOf(name)
    if (SYSTEM_DATABASES.includes(database)) {
      const set = informationSchema(this, database, name.name)
      if (!set) throw database === 'information_schema' ? new SqlError(1109, `Unknown table '${name.name.toUpperCase()}' in information_schema`) : new SqlError(1146, `Table '${database}.${name.name}' doesn't exist`)
      if (database === 'mysql') this.require('SELECT', name)
      return { columns: set.columns.map((column) => ({ table: alias, name: column.name, ...(column.type ? { definition: { name: column.name, type: column.type, notNull: false } } : {}) })), rows: () => set.rows }
    }
    const view = this.instance.databases.get(database)?.views.get(name.name)
    if (view) {
      this.require('SELECT', name)
      const before = this.database
      this.database = database
      try {
        const prepared = prepare(parseQuery(view.text), this.tables)
        return { columns: prepared.columns.map(({ name: column, type, nullable }, i) => ({ table: alias, name: view.columns?.[i] ?? column, ...(type ? { definition: { name: column, type, notNull: !nullable } } : {}) })), rows: () => prepared.rows() }
      } finally { this.database = before }
    }
    if (!isGranted(this.user, 'SELECT', database, name.name)) this.require('SELECT', name)
    const table = this.table(name)
    return { columns: scopeColumns(table, alias), rows: () => table.scan(this.transaction).map(({ row }) => row) }
  }

  note(level: Warning['level'], code: number, message: string): void { this.warnings.push({ level, code, message }) }

  // --- statements ---------------------------------------------------------------------------------------------------------------

  /** Runs the statements of a text, one result each. The text ends with the first that fails. @throws SqlError, RowLocked: then nothing of that statement has happened. */
  *execute(sql: string): Generator<Result, void> {
    const texts = splitStatements(sql)
    if (texts.length === 0) throw new SqlError(1065, 'Query was empty')
    for (const text of texts) yield this.#one(text)
  }

  /** The same without the first statements, which are done. */
  *executeAfter(sql: string, done: number): Generator<Result, void> {
    for (const text of splitStatements(sql).slice(done)) yield this.#one(text)
  }

  #one(text: string): Result {
    this.sinceMs = this.instance.options.nowMs()
    const mark = this.transaction.changes.length
    const before = this.warnings
    this.warnings = []
    this.instance.count('Questions')
    try {
      const statement = parseStatement(text)
      this.instance.count(COUNTERS[statement.kind] ?? 'Com_other')
      if (WRITES.has(statement.kind) && this.instance.variables.get('super_read_only') === 'ON') throw new SqlError(1290, 'The MySQL server is running with the --super-read-only option so it cannot execute this statement')
      if (WRITES.has(statement.kind) && this.instance.variables.get('read_only') === 'ON' && !isGranted(this.user, 'SUPER')) throw new SqlError(1290, 'The MySQL server is running with the --read-only option so it cannot execute this statement')
      if (statement.kind === 'show' && /^(?:count )?(?:warnings|errors)$/.test(statement.what)) this.warnings = before
      const result = this.#run(statement)
      if (result.kind === 'ok') this.#rowCount = BigInt(result.affected)
      else { this.#foundRows = BigInt(result.set.rows.length); this.#rowCount = -1n }
      if (!this.#inTransaction && this.autocommit) this.instance.commit(this.transaction)
      return result
    } catch (error) {
      this.transaction.undo(mark)
      if (!this.#inTransaction && this.autocommit) this.transaction.end()
      if (error instanceof SqlError) { this.warnings = [{ level: 'Error', code: error.code, message: error.message }]; this.#rowCount = -1n }
      throw error
    }
  }

  ok(affected = 0, info = '', insertId = 0n): Result { return { kind: 'ok', affected, insertId, info, warnings: this.warnings.length } }

  rows(set: ResultSet): Result { return { kind: 'rows', set, warnings: this.warnings.length } }

  #run(statement: Statement): Result {
    switch (statement.kind) {
      case 'query': return this.rows(this.select(statement.query))
      case 'insert': return this.#insert(statement)
      case 'update': return this.#update(statement)
      case 'delete': return this.#delete(statement)
      case 'use': this.use(statement.name); return this.ok()
      case 'describe': return this.rows(show(this, { kind: 'show', what: 'columns', table: statement.table, full: false, ...(statement.like === undefined ? {} : { like: statement.like }) }))
      case 'show': return this.rows(show(this, statement))
      case 'explain': return this.#explain(statement.query)
      case 'set': return this.#set(statement)
      case 'transaction':
        if (statement.action === 'rollback') this.rollback()
        else this.commit()
        this.#inTransaction = statement.action === 'begin'
        return this.ok()
      case 'savepoint': return this.#savepoint(statement)
      case 'nothing': return this.ok()
      case 'lock': this.commit(); for (const table of statement.tables) this.table(table); return this.ok()
      case 'kill': {
        const session = this.instance.sessions.get(statement.id)
        if (!session) throw new SqlError(1094, `Unknown thread id: ${statement.id}`)
        if (session.user !== this.user) this.requireGlobal('SUPER')
        if (statement.query) session.killQuery()
        else session.kill()
        return this.ok()
      }
      case 'shutdown': this.requireGlobal('SHUTDOWN'); this.shutdown(); return this.ok()
      case 'maintenance': {
        const rows = statement.tables.map((name): Value[] => { const table = this.table(name); return [`${table.database}.${table.name}`, statement.command, 'status', 'OK'] })
        return this.rows({ columns: ['Table', 'Op', 'Msg_type', 'Msg_text'].map((name) => ({ name })), rows })
      }
      case 'create user': case 'drop user': case 'rename user': case 'set password': case 'grant':
        this.commit()
        manageAccounts(this, statement)
        return this.ok()
      default:
        this.commit()
        return defineTables(this, statement)
    }
  }

  /** Ends the open transaction with all that was done. */
  commit(): void { this.instance.commit(this.transaction); this.#inTransaction = false }

  rollback(): void { this.transaction.undo(); this.transaction.end(); this.#inTransaction = false }

  #savepoint({ action, name }: Extract<Statement, { kind: 'savepoint' }>): Result {
    const { savepoints, changes } = this.transaction
    if (action === 'set') { savepoints.set(name, changes.length); return this.ok() }
    const mark = savepoints.get(name)
    if (mark === undefined) throw new SqlError(1305, `SAVEPOINT ${name} does not exist`)
    if (action === 'rollback') this.transaction.undo(mark)
    else savepoints.delete(name)
    return this.ok()
  }

  select(query: Query): ResultSet {
    const prepared = prepare(query, this.tables)
    const rows = prepared.rows()
    return { columns: prepared.columns, rows: rows.map((row) => row.map((value, i) => { const type = prepared.columns[i]?.type; return value === null || !type || !(type.zerofill || type.name === 'bit') ? value : shown(value, type) })) }
  }

  #set({ assignments }: Extract<Statement, { kind: 'set' }>): Result {
    for (const { variable, value } of assignments) {
      if (variable.kind === 'user variable') { this.context.userVariables.set(variable.name, this.evaluate(value)); continue }
      const { name, global } = variable
      if (!this.instance.variables.has(name)) throw new SqlError(1193, `Unknown system variable '${name}'`)
      if (READ_ONLY_VARIABLES.has(name)) throw new SqlError(1238, `Variable '${name}' is a read only variable`)
      if (!global && GLOBAL_VARIABLES.has(name)) throw new SqlError(1229, `Variable '${name}' is a GLOBAL variable and should be set with SET GLOBAL`)
      if (global) this.requireGlobal('SUPER')
      const known = this.instance.variables.get(name)!
      let text = value.kind === 'default' ? known : toText(this.evaluate(value) ?? '')
      if (known === 'ON' || known === 'OFF') text = /^(?:1|on|true)$/i.test(text) ? 'ON' : /^(?:0|off|false)$/i.test(text) ? 'OFF' : (() => { throw new SqlError(1231, `Variable '${name}' can't be set to the value of '${text}'`) })()
      else if (/^\d+$/.test(known) && !/^\d+$/.test(text)) throw new SqlError(1232, `Incorrect argument type to variable '${name}'`)
      if (name === 'autocommit' && text === 'ON' && !this.autocommit) this.commit()
      if (global) { this.instance.variables.set(name, text); if (name === 'super_read_only' && text === 'ON') this.instance.variables.set('read_only', 'ON') } else this.variables.set(name, text)
    }
    return this.ok()
  }

  /** The value of an expression without rows. */
  evaluate(expression: Expression): Value { return compile(expression, { context: this.context, scope: new Scope([]), clause: 'field list' })() }

  #explain(query: Query): Result {
    prepare(query, this.tables)
    const names = 'kind' in query.first && query.first.from ? tableReferences(query.first.from) : []
    const rows = (names.length > 0 ? names : [undefined]).map((reference): Value[] => {
      const table = reference && this.instance.databases.get(reference.table.database ?? this.database ?? '')?.tables.get(reference.table.name)
      return [1n, 'SIMPLE', reference ? reference.alias ?? reference.table.name : null, null, table ? 'ALL' : null, null, null, null, null, table ? BigInt(table.size) : null, table ? '100.00' : null, table ? null : 'No tables used']
    })
    const integer = { name: 'bigint' }
    return this.rows({ columns: ['id', 'select_type', 'table', 'partitions', 'type', 'possible_keys', 'key', 'key_len', 'ref', 'rows', 'filtered', 'Extra'].map((name) => ({ name, ...(['id', 'rows', 'filtered'].includes(name) ? { type: integer } : {}) })), rows })
  }

  // --- rows ---------------------------------------------------------------------------------------------------------------------

  /** Whether sql_mode takes 0000-00-00 for a date. */
  get zeroDates(): boolean { return !String(this.systemVariable('sql_mode', false)).includes('NO_ZERO_DATE') }

  /** What a column holds where an INSERT says nothing. @throws SqlError 1364 */
  default(column: ColumnDefinition): Value {
    if (column.autoIncrement) return null
    if (column.default) { const value = this.evaluate(column.default); return value === null ? null : coerce(value, column.type, { column: column.name, row: 1, zeroDates: this.zeroDates }) }
    if (!column.notNull) return null
    throw new SqlError(1364, `Field '${column.name}' doesn't have a default value`)
  }

  #insert(statement: Extract<Statement, { kind: 'insert' }>): Result {
    const table = this.table(statement.table)
    this.require(statement.replace ? 'DELETE' : 'INSERT', statement.table)
    const { columns } = table.definition
    const positions = statement.columns && !(statement.columns.length === 0) ? statement.columns.map((name) => table.position(name)) : columns.map((_, i) => i)
    const repeated = positions.find((position, i) => positions.indexOf(position) !== i)
    if (repeated !== undefined) throw new SqlError(1110, `Column '${columns[repeated]!.name}' specified twice`)
    let rows: (Value | undefined)[][]
    if (statement.query) {
      const set = this.select(statement.query)
      if (set.columns.length !== positions.length) throw new SqlError(1136, "Column count doesn't match value count at row 1")
      rows = set.rows
    } else {
      rows = statement.rows!.map((values, i) => {
        if (values.length !== positions.length && !(values.length === 0)) throw new SqlError(1136, `Column count doesn't match value count at row ${i + 1}`)
        const row = new Scope(scopeColumns(table, table.name))
        row.row = columns.map(() => null)
        return values.map((value, at) => {
          if (value.kind === 'default') return undefined
          const out = compile(value, { context: this.context, scope: row, clause: 'field list' })()
          row.row[positions[at]!] = out
          return out
        })
      })
    }
    let affected = 0
    let duplicates = 0
    let first: bigint | undefined
    rows.forEach((values, i) => {
      try {
        const { row, generated } = this.#newRow(table, positions, values, i + 1)
        const conflict = table.conflict(row)
        if (conflict && statement.onDuplicate) {
          duplicates += 1
          affected += this.#onDuplicate(table, conflict.id, row, statement.onDuplicate) ? 2 : 0
          return
        }
        if (statement.replace) {
          for (let found = table.conflict(row); found; found = table.conflict(row)) { this.#deleteRow(table, found.id); affected += 1; duplicates += 1 }
        }
        this.#checkReferences(table, row)
        table.insert(row, this.transaction)
        affected += 1
        if (generated !== undefined) first ??= generated
      } catch (error) {
        if (!statement.ignore || !(error instanceof SqlError)) throw error
        this.note('Warning', error.code, error.message)
        duplicates += 1
      }
    })
    if (first !== undefined) this.#lastInsertId = first
    const many = rows.length > 1 || statement.query !== undefined
    return this.ok(affected, many ? `Records: ${rows.length}  Duplicates: ${duplicates}  Warnings: ${this.warnings.length}` : '', first ?? 0n)
  }

  /** A complete row from the values of an INSERT. */
  #newRow(table: Table, positions: readonly number[], values: readonly (Value | undefined)[], number: number): { row: Row; generated?: bigint } {
    const { columns } = table.definition
    let generated: bigint | undefined
    const row = columns.map((column, position): Value => {
      const at = values.length === 0 ? -1 : positions.indexOf(position)
      let value = at < 0 ? undefined : values[at]
      if (column.autoIncrement && (value === undefined || value === null || (typeof value !== 'string' && toNumber(value) === 0))) {
        generated = table.autoIncrement
        table.autoIncrement += 1n
        return generated
      }
      if (value === undefined) value = this.default(column)
      if (value === null) {
        if (column.notNull) throw new SqlError(1048, `Column '${column.name}' cannot be null`)
        return null
      }
      const kept = coerce(value, column.type, { column: column.name, row: number, zeroDates: this.zeroDates })
      if (column.autoIncrement && typeof kept === 'bigint' && kept >= table.autoIncrement) table.autoIncrement = kept + 1n
      return kept
    })
    this.#checkConstraints(table, row)
    return { row, ...(generated === undefined ? {} : { generated }) }
  }

  #checkConstraints(table: Table, row: Row): void {
    for (const { name, expression } of table.definition.checks) {
      const scope = new Scope(scopeColumns(table, table.name))
      scope.row = row
      if (truth(compile(expression, { context: this.context, scope, clause: 'check constraint' })()) === false) throw new SqlError(3819, `Check constraint '${name}' is violated.`)
    }
  }

  #onDuplicate(table: Table, id: number, proposed: Row, assignments: readonly Assignment[]): boolean {
    const scope = new Scope([...scopeColumns(table, table.name), ...scopeColumns(table, '#values').map((column) => ({ ...column, hidden: true }))])
    const old = table.row(id)!
    scope.row = [...old, ...proposed]
    return this.#changeRow(table, id, old, assignments, scope, 1)
  }

  /** Sets columns of a row; whether that changed anything. */
  #changeRow(table: Table, id: number, old: Row, assignments: readonly Assignment[], scope: Scope, number: number): boolean {
    const row = [...old]
    for (const { column: name, value } of assignments) {
      const position = table.position(name)
      const column = table.definition.columns[position]!
      const computed = value.kind === 'default' ? this.default(column) : compile(value, { context: this.context, scope, clause: 'field list' })()
      if (computed === null && column.notNull) throw new SqlError(1048, `Column '${column.name}' cannot be null`)
      row[position] = computed === null ? null : coerce(computed, column.type, { column: column.name, row: number, zeroDates: this.zeroDates })
    }
    if (row.every((value, i) => same(value, old[i]!))) return false
    table.definition.columns.forEach((column, i) => { if (column.onUpdateNow && same(row[i]!, old[i]!)) row[i] = coerce(dateTimeText(this.sinceMs, 6), column.type, { column: column.name, row: number }) })
    this.#checkConstraints(table, row)
    this.#checkReferences(table, row)
    this.#parentChanges(table, old, row)
    table.update(id, row, this.transaction)
    return true
  }

  #update(statement: Extract<Statement, { kind: 'update' }>): Result {
    const { rows, tables, scope } = this.#rowsOf(statement.tables, statement)
    const byTable = new Map<number, Assignment[]>()
    for (const assignment of statement.assignments) {
      const at = tables.findIndex(({ table, alias }) => (assignment.table === undefined || assignment.table === alias) && table.find(assignment.column) >= 0)
      if (at < 0) throw new SqlError(1054, `Unknown column '${assignment.table === undefined ? '' : `${assignment.table}.`}${assignment.column}' in 'field list'`)
      this.require('UPDATE', { database: tables[at]!.table.database, name: tables[at]!.table.name })
      if (assignment.value.kind !== 'default') compile(assignment.value, { context: this.context, scope, clause: 'field list' })
      byTable.set(at, [...byTable.get(at) ?? [], assignment])
    }
    let changed = 0
    let matched = 0
    const done = new Set<string>()
    for (const { ids, row } of rows) {
      for (const [at, assignments] of byTable) {
        const id = ids[at]
        if (id === undefined || done.has(`${at} ${id}`)) continue
        done.add(`${at} ${id}`)
        matched += 1
        scope.row = row
        const { table } = tables[at]!
        try {
          if (this.#changeRow(table, id, table.row(id)!, assignments, scope, matched)) changed += 1
        } catch (error) {
          if (!statement.ignore || !(error instanceof SqlError)) throw error
          this.note('Warning', error.code, error.message)
        }
      }
    }
    return this.ok(changed, `Rows matched: ${matched}  Changed: ${changed}  Warnings: ${this.warnings.length}`)
  }

  #delete(statement: Extract<Statement, { kind: 'delete' }>): Result {
    const { rows, tables } = this.#rowsOf(statement.tables, statement)
    const targets = statement.targets ? statement.targets.map((target) => {
      const at = tables.findIndex(({ alias }) => alias === target)
      if (at < 0) throw new SqlError(1109, `Unknown table '${target}' in MULTI DELETE`)
      return at
    }) : [0]
    for (const at of targets) this.require('DELETE', { database: tables[at]!.table.database, name: tables[at]!.table.name })
    let affected = 0
    const done = new Set<string>()
    for (const { ids } of rows) {
      for (const at of targets) {
        const id = ids[at]
        if (id === undefined || done.has(`${at} ${id}`)) continue
        done.add(`${at} ${id}`)
        this.#deleteRow(tables[at]!.table, id)
        affected += 1
      }
    }
    return this.ok(affected)
  }

  /** Rows that an UPDATE or DELETE means, with their ids per table. */
  #rowsOf(reference: TableReference, { where, orderBy, limit }: { where?: Expression; orderBy?: { expression: Expression; descending: boolean }[]; limit?: Expression }): { rows: { ids: (number | undefined)[]; row: Row }[]; tables: { table: Table; alias: string }[]; scope: Scope } {
    const named = tableReferences(reference)
    const tables = named.map((each) => ({ table: this.table(each.table), alias: each.alias ?? each.table.name }))
    let rows: { ids: (number | undefined)[]; row: Row }[]
    let scope: Scope
    if (reference.kind === 'table') {
      scope = new Scope(scopeColumns(tables[0]!.table, tables[0]!.alias))
      rows = tables[0]!.table.scan(this.transaction).map(({ id, row }) => ({ ids: [id], row }))
    } else {
      // A join's rows carry where they come from.
      const opened: ScopeColumn[] = []
      const withIds: Tables = {
        context: this.context,
        open: (name, alias, outer) => {
          const at = tables.findIndex((each) => each.alias === alias)
          if (at < 0) return this.tables.open(name, alias, outer)
          const { table } = tables[at]!
          const columns: ScopeColumn[] = [...scopeColumns(table, alias), { table: alias, name: '#id', hidden: true }]
          opened.push(...columns)
          return { columns, rows: () => table.scan(this.transaction).map(({ id, row }) => [...row, BigInt(id)]) }
        },
      }
      const prepared = prepare({ first: { kind: 'select', distinct: false, items: [{ expression: { kind: 'star' }, name: '*', aliased: false }, ...tables.map(({ alias }) => ({ expression: { kind: 'column' as const, table: alias, name: '#id' }, name: '#id', aliased: false }))], from: reference, ...(where ? { where } : {}) }, more: [] }, withIds)
      const width = prepared.columns.length - tables.length
      scope = new Scope(prepared.columns.slice(0, width).map(({ name, table = '', database }) => ({ name, table, ...(database === undefined ? {} : { database }) })))
      rows = prepared.rows().map((row) => ({ ids: row.slice(width).map((id) => id === null ? undefined : Number(id)), row: row.slice(0, width) }))
    }
    const test = where && reference.kind === 'table' ? compile(where, { context: this.context, scope, clause: 'where clause' }) : undefined
    const order = (orderBy ?? []).map(({ expression, descending }) => ({ value: compile(expression, { context: this.context, scope, clause: 'order clause' }), descending }))
    let found = rows.filter(({ row }) => { scope.row = row; return !test || truth(test()) === true })
    if (order.length > 0) {
      const keyed = found.map((each) => { scope.row = each.row; return { each, keys: order.map(({ value }) => value()) } })
      keyed.sort((a, b) => { for (const [i, { descending }] of order.entries()) { const d = compareForOrder(a.keys[i]!, b.keys[i]!); if (d !== 0) return descending ? -d : d } return 0 })
      found = keyed.map(({ each }) => each)
    }
    return { rows: limit ? found.slice(0, toNumber(this.evaluate(limit))) : found, tables, scope }
  }

  // --- foreign keys -------------------------------------------------------------------------------------------------------------

  #checkReferences(table: Table, row: Row): void {
    if (this.#setting('foreign_key_checks') === 'OFF') return
    for (const key of table.definition.foreignKeys) {
      const values = key.columns.map((column) => row[table.position(column)] ?? null)
      if (values.includes(null)) continue
      const parent = this.instance.databases.get(key.table.database ?? table.database)?.tables.get(key.table.name)
      const positions = key.references.map((column) => parent?.position(column) ?? 0)
      const own = parent === table && positions.every((position, i) => same(row[position]!, values[i]!))
      if (own || parent?.scan(this.transaction).some(({ row: other }) => positions.every((position, i) => same(other[position]!, values[i]!)))) continue
      throw new SqlError(1452, `Cannot add or update a child row: a foreign key constraint fails (${constraintText(table, key)})`)
    }
  }

  /** Rows that refer to one that goes or changes. */
  #parentChanges(table: Table, old: Row, fresh: Row | undefined): void {
    if (this.#setting('foreign_key_checks') === 'OFF') return
    for (const database of this.instance.databases.values()) for (const child of database.tables.values()) for (const key of child.definition.foreignKeys) {
      if (key.table.name !== table.name || (key.table.database ?? child.database) !== table.database) continue
      const values = key.references.map((column) => old[table.position(column)] ?? null)
      if (values.includes(null) || (fresh && key.references.every((column, i) => same(fresh[table.position(column)]!, values[i]!)))) continue
      const positions = key.columns.map((column) => child.position(column))
      for (const { id, row } of child.scan(this.transaction)) {
        if (!positions.every((position, i) => same(row[position]!, values[i]!))) continue
        const action = fresh ? key.onUpdate : key.onDelete
        if (action === 'CASCADE' && !fresh) this.#deleteRow(child, id)
        else if (action === 'CASCADE' || action === 'SET NULL') child.update(id, row.map((value, i) => positions.includes(i) ? action === 'CASCADE' ? fresh![table.position(key.references[positions.indexOf(i)]!)]! : null : value), this.transaction)
        else throw new SqlError(1451, `Cannot delete or update a parent row: a foreign key constraint fails (${constraintText(child, key)})`)
      }
    }
  }

  #deleteRow(table: Table, id: number): void {
    const row = table.row(id)
    if (!row) return
    this.#parentChanges(table, row, undefined)
    table.delete(id, this.transaction)
  }
}

const same = (a: Value, b: Value) => a === null || b === null ? a === b : typeof a === 'string' && typeof b === 'string' ? a === b : compareForOrder(a, b) === 0

function constraintText(table: Table, key: ForeignKey): string {
  const names = (list: readonly string[]) => list.map((name) => `\`${name}\``).join(', ')
  return `\`${table.database}\`.\`${table.name}\`, CONSTRAINT \`${key.name}\` FOREIGN KEY (${names(key.columns)}) REFERENCES \`${key.table.name}\` (${names(key.references)})${key.onDelete && key.onDelete !== 'NO ACTION' ? ` ON DELETE ${key.onDelete}` : ''}${key.onUpdate && key.onUpdate !== 'NO ACTION' ? ` ON UPDATE ${key.onUpdate}` : ''}`
}

function scopeColumns(table: Table, alias: string): ScopeColumn[] {
  const primary = table.definition.indexes.find(({ kind }) => kind === 'primary')?.columns
  return table.definition.columns.map((definition) => ({ database: table.database, table: alias, name: definition.name, definition, ...(primary?.length === 1 && primary[0]!.toLowerCase() === definition.name.toLowerCase() ? { primary: true } : {}) }))
}

function tableReferences(reference: TableReference): Extract<TableReference, { kind: 'table' }>[] {
  return reference.kind === 'join' ? [...tableReferences(reference.left), ...tableReferences(reference.right)] : reference.kind === 'table' ? [reference] : []
}
