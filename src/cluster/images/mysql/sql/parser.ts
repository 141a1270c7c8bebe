/**
 * MySQL's statements as far as this server knows them. A parser of our own: of the libraries, node-sql-parser refuses much of what the monitor is used
 * for (SHOW VARIABLES, <=>, USING in a list, DEFAULT in VALUES), forgets where things stood in the text (headings and the words of error 1064 need that)
 * and how numbers were written.
 */
import type { Account, AlterAction, Assignment, CheckConstraint, ColumnDefinition, ColumnPosition, ColumnType, Expression, ForeignKey, IndexDefinition, OrderItem, Query, Select, SelectItem, Statement, TableDefinition, TableName, TableReference } from './ast.ts'
import { unsupported } from './errors.ts'
import { syntaxError, tokenize } from './lexer.ts'
import type { Token } from './lexer.ts'
import { decimalOf } from './values.ts'

/** Words that can't be names without quotes. */
const RESERVED = new Set('add all alter and as asc between by case change check column constraint create cross delete desc describe distinct div drop else exists explain false for foreign from fulltext grant group having if in index inner insert interval into is join key keys left like limit lock mod natural not null on or order outer primary references regexp rename replace revoke right rlike select set show table then to true union unique unlock update use using values when where with xor'.split(' '))
/** Reserved words that are functions all the same. */
const RESERVED_FUNCTIONS = new Set(['if', 'left', 'right', 'replace', 'insert', 'mod', 'values', 'interval'])
const WITHOUT_PARENTHESES = new Set(['current_timestamp', 'current_date', 'current_time', 'current_user', 'localtime', 'localtimestamp', 'utc_timestamp', 'utc_date', 'utc_time'])
const UNITS = new Set(['microsecond', 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'])
const TYPE_ALIASES: Readonly<Record<string, string>> = { integer: 'int', int4: 'int', int8: 'bigint', dec: 'decimal', numeric: 'decimal', fixed: 'decimal', bool: 'tinyint', boolean: 'tinyint', character: 'char', nchar: 'char', nvarchar: 'varchar', real: 'double', long: 'mediumtext' }
const TYPES = new Set('bit tinyint smallint mediumint int bigint decimal float double date time datetime timestamp year char varchar binary varbinary tinyblob blob mediumblob longblob tinytext text mediumtext longtext enum set json'.split(' '))

/** Beginnings of statements that MySQL has and this server doesn't. */
const UNSUPPORTED = new Set(['call', 'change', 'start', 'stop', 'reset', 'purge', 'prepare', 'execute', 'deallocate', 'load', 'handler', 'install', 'uninstall', 'xa', 'import', 'clone', 'binlog'])

/** Cuts a text into statements' texts, without their semicolons. */
export function splitStatements(sql: string): string[] {
  const out: string[] = []
  let from = 0
  for (const token of tokenize(sql)) {
    if (token.kind !== 'end' && !(token.kind === 'operator' && token.text === ';')) continue
    if (sql.slice(from, token.start).trim() !== '') out.push(sql.slice(from, token.start).trim())
    from = token.end
  }
  return out
}

/** Reads one statement. @throws SqlError 1064 */
export function parseStatement(sql: string): Statement {
  return new Parser(sql).statement()
}

/** Reads a stored expression: of a check or a view's condition. */
export function parseExpression(sql: string): Expression {
  return new Parser(sql).expression()
}

/** Reads a stored query: a view's. */
export function parseQuery(sql: string): Query {
  return new Parser(sql).query()
}

class Parser {
  readonly #sql: string
  readonly #tokens: Token[]
  #at = 0

  constructor(sql: string) {
    this.#sql = sql
    this.#tokens = tokenize(sql)
  }

  get #token(): Token { return this.#tokens[this.#at]! }

  #peek(offset = 1): Token { return this.#tokens[Math.min(this.#at + offset, this.#tokens.length - 1)]! }

  #fail(): never { throw syntaxError(this.#sql, this.#token.start) }

  /** Whether these words (in lower case) or operators come next. */
  #is(...words: string[]): boolean {
    return words.every((word, i) => {
      const token = this.#peek(i)
      return (token.kind === 'word' && token.text.toLowerCase() === word) || (token.kind === 'operator' && token.text === word)
    })
  }

  /** Takes them if they come next. */
  #eat(...words: string[]): boolean {
    if (!this.#is(...words)) return false
    this.#at += words.length
    return true
  }

  /** The first of these that comes next, taken. */
  #oneOf(...words: string[]): string | undefined {
    return words.find((word) => this.#eat(word))
  }

  #expect(...words: string[]): void {
    for (const word of words) if (!this.#eat(word)) this.#fail()
  }

  #isName(token = this.#token): boolean {
    return token.kind === 'quoted' || (token.kind === 'word' && !RESERVED.has(token.text.toLowerCase()))
  }

  #name(): string {
    const token = this.#token
    const afterDot = this.#at > 0 && this.#tokens[this.#at - 1]!.text === '.'
    if (!this.#isName(token) && !(afterDot && token.kind === 'word')) this.#fail()
    this.#at += 1
    return token.text
  }

  #string(): string {
    if (this.#token.kind !== 'string') this.#fail()
    return this.#tokens[this.#at++]!.text
  }

  #nameOrString(): string { return this.#token.kind === 'string' ? this.#string() : this.#name() }

  #integer(): number {
    if (this.#token.kind !== 'number') this.#fail()
    return Number(this.#tokens[this.#at++]!.text)
  }

  #list<T>(read: () => T): T[] {
    const out = [read()]
    while (this.#eat(',')) out.push(read())
    return out
  }

  #inParentheses<T>(read: () => T): T {
    this.#expect('(')
    const out = read()
    this.#expect(')')
    return out
  }

  #names(): string[] { return this.#inParentheses(() => this.#list(() => this.#name())) }

  #tableName(): TableName {
    const name = this.#name()
    return this.#eat('.') ? { database: name, name: this.#name() } : { name }
  }

  // --- statements ---------------------------------------------------------------------------------------------------------------

  statement(): Statement {
    const statement = this.#statement()
    this.#eat(';')
    if (this.#token.kind !== 'end') this.#fail()
    return statement
  }

  #statement(): Statement {
    if (this.#is('select') || this.#is('with') || this.#is('(') || this.#is('values') || this.#is('table')) return { kind: 'query', query: this.query() }
    if (this.#is('insert') || this.#is('replace')) return this.#insert()
    if (this.#eat('update')) return this.#update()
    if (this.#eat('delete')) return this.#delete()
    if (this.#eat('create')) return this.#create()
    if (this.#eat('drop')) return this.#drop()
    if (this.#eat('alter')) return this.#alter()
    if (this.#eat('show')) return this.#show()
    if (this.#eat('set')) return this.#set()
    if (this.#eat('use')) return { kind: 'use', name: this.#name() }
    if (this.#eat('begin')) { this.#eat('work'); return { kind: 'transaction', action: 'begin' } }
    if (this.#eat('start', 'transaction')) {
      while (this.#token.kind === 'word' || this.#is(',')) this.#at += 1
      return { kind: 'transaction', action: 'begin' }
    }
    if (this.#eat('commit')) { this.#eat('work'); return { kind: 'transaction', action: 'commit' } }
    if (this.#eat('savepoint')) return { kind: 'savepoint', action: 'set', name: this.#name() }
    if (this.#eat('release', 'savepoint')) return { kind: 'savepoint', action: 'release', name: this.#name() }
    if (this.#eat('rollback')) {
      this.#eat('work')
      if (!this.#eat('to')) return { kind: 'transaction', action: 'rollback' }
      this.#eat('savepoint')
      return { kind: 'savepoint', action: 'rollback', name: this.#name() }
    }
    if (this.#oneOf('describe', 'desc', 'explain')) {
      if (this.#is('select') || this.#is('with') || this.#is('(')) return { kind: 'explain', query: this.query() }
      const table = this.#tableName()
      return { kind: 'describe', table, ...(this.#token.kind === 'end' || this.#is(';') ? {} : { like: this.#nameOrString() }) }
    }
    if (this.#eat('truncate')) { this.#eat('table'); return { kind: 'truncate', table: this.#tableName() } }
    if (this.#eat('rename', 'user')) { const from = this.#account(); this.#expect('to'); return { kind: 'rename user', from, to: this.#account() } }
    if (this.#eat('rename', 'table')) return { kind: 'rename table', renames: this.#list(() => { const from = this.#tableName(); this.#expect('to'); return { from, to: this.#tableName() } }) }
    if (this.#eat('grant')) return this.#grant(false)
    if (this.#eat('revoke')) return this.#grant(true)
    if (this.#eat('flush')) { while (this.#token.kind !== 'end' && !this.#is(';')) this.#at += 1; return { kind: 'nothing' } }
    if (this.#eat('do')) { const items = this.#list(() => this.expression()); return { kind: 'query', query: { first: { kind: 'select', distinct: false, items: items.map((expression) => ({ expression, name: '', aliased: true })), where: { kind: 'literal', value: 0n } }, more: [] } } }
    if (this.#eat('lock', 'tables') || this.#eat('lock', 'table')) return { kind: 'lock', tables: this.#list(() => { const table = this.#tableName(); if (this.#isName() && !this.#is('read') && !this.#is('write')) this.#name(); if (!this.#oneOf('read', 'write')) this.#fail(); this.#eat('local'); return table }) }
    if (this.#eat('unlock', 'tables') || this.#eat('unlock', 'table')) return { kind: 'lock', tables: [] }
    if (this.#eat('kill')) { const query = this.#eat('query'); this.#eat('connection'); return { kind: 'kill', query, id: this.#integer() } }
    if (this.#eat('shutdown')) return { kind: 'shutdown' }
    const maintenance = this.#oneOf('analyze', 'optimize', 'check', 'repair')
    if (maintenance) { this.#eat('no_write_to_binlog'); this.#expect('table'); return { kind: 'maintenance', command: maintenance, tables: this.#list(() => this.#tableName()) } }
    if (this.#token.kind === 'word' && UNSUPPORTED.has(this.#token.text.toLowerCase())) unsupported([this.#token, this.#peek()].filter(({ kind }) => kind === 'word').map(({ text }) => text.toUpperCase()).join(' '))
    return this.#fail()
  }

  #insert(): Statement {
    const replace = this.#eat('replace')
    if (!replace) this.#expect('insert')
    while (this.#oneOf('low_priority', 'delayed', 'high_priority'));
    const ignore = this.#eat('ignore')
    this.#eat('into')
    const table = this.#tableName()
    const statement: Extract<Statement, { kind: 'insert' }> = { kind: 'insert', table, ignore, replace }
    if (this.#is('(') && !['select', 'with'].includes(this.#peek().text.toLowerCase())) {
      statement.columns = this.#peek().text === ')' ? (this.#expect('(', ')'), []) : this.#inParentheses(() => this.#list(() => { const name = this.#name(); return this.#eat('.') ? this.#name() : name }))
    }
    if (this.#oneOf('values', 'value')) {
      statement.rows = this.#list(() => { this.#eat('row'); return this.#inParentheses(() => this.#is(')') ? [] : this.#list(() => this.#valueOrDefault())) })
      if (this.#eat('as')) this.#name()
    } else if (this.#eat('set')) {
      const assignments = this.#assignments()
      statement.columns = assignments.map(({ column }) => column)
      statement.rows = [assignments.map(({ value }) => value)]
    } else if (this.#is('select') || this.#is('(') || this.#is('with')) statement.query = this.query()
    else this.#fail()
    if (this.#eat('on', 'duplicate', 'key', 'update')) statement.onDuplicate = this.#assignments()
    return statement
  }

  #valueOrDefault(): Expression { return this.#is('default') && this.#peek().text !== '(' ? (this.#at += 1, { kind: 'default' }) : this.expression() }

  #assignments(): Assignment[] {
    return this.#list(() => {
      const names = [this.#name()]
      while (this.#eat('.')) names.push(this.#name())
      if (!this.#eat('=') && !this.#eat(':=')) this.#fail()
      return { column: names.pop()!, ...(names.length > 0 ? { table: names.pop()! } : {}), value: this.#valueOrDefault() }
    })
  }

  #update(): Statement {
    this.#eat('low_priority')
    const ignore = this.#eat('ignore')
    const tables = this.#tableReferences()
    this.#expect('set')
    return { kind: 'update', tables, assignments: this.#assignments(), ignore, ...this.#condition() }
  }

  #condition(): { where?: Expression; orderBy?: OrderItem[]; limit?: Expression } {
    return {
      ...(this.#eat('where') ? { where: this.expression() } : {}), ...(this.#eat('order', 'by') ? { orderBy: this.#orderItems() } : {}),
      ...(this.#eat('limit') ? { limit: this.expression() } : {}),
    }
  }

  #delete(): Statement {
    while (this.#oneOf('low_priority', 'quick', 'ignore'));
    if (this.#eat('from')) {
      const tables = this.#tableReferences()
      if (this.#eat('using')) return { kind: 'delete', targets: tableNames(tables), tables: this.#tableReferences(), ...this.#condition() }
      return { kind: 'delete', tables, ...this.#condition() }
    }
    const targets = this.#list(() => { const name = this.#tableName().name; this.#eat('.', '*'); return name })
    this.#expect('from')
    return { kind: 'delete', targets, tables: this.#tableReferences(), ...this.#condition() }
  }

  #ifNotExists(): boolean { return this.#eat('if', 'not', 'exists') }

  #ifExists(): boolean { return this.#eat('if', 'exists') }

  #create(): Statement {
    if (this.#oneOf('database', 'schema')) {
      const ifNotExists = this.#ifNotExists()
      return { kind: 'create database', ifNotExists, name: this.#name(), ...this.#charsetOptions() }
    }
    if (this.#eat('user')) return this.#users(false)
    const replace = this.#eat('or', 'replace')
    if (this.#eat('algorithm')) { this.#expect('='); this.#name() }
    if (this.#eat('definer')) { this.#expect('='); this.#account() }
    if (this.#eat('sql', 'security')) this.#name()
    if (this.#eat('view')) {
      const view = this.#tableName()
      const columns = this.#is('(') ? this.#names() : undefined
      this.#expect('as')
      const start = this.#token.start
      const query = this.query()
      return { kind: 'create view', view, replace, query, text: this.#sql.slice(start, this.#tokens[this.#at - 1]!.end), ...(columns ? { columns } : {}) }
    }
    if (replace) this.#fail()
    const unique = this.#indexKind()
    if (this.#oneOf('index', 'key')) {
      const name = this.#name()
      if (this.#eat('using')) this.#name()
      this.#expect('on')
      const table = this.#tableName()
      const columns = this.#indexColumns()
      while (this.#token.kind === 'word') this.#at += 1
      return { kind: 'alter table', table, actions: [{ kind: 'add index', index: { name, columns, kind: unique ?? 'plain' } }] }
    }
    if (unique) this.#fail()
    for (const what of ['procedure', 'function', 'trigger', 'event', 'role', 'tablespace', 'server']) if (this.#is(what)) unsupported(`CREATE ${what.toUpperCase()}`)
    this.#eat('temporary')
    this.#expect('table')
    const ifNotExists = this.#ifNotExists()
    const table = this.#tableName()
    const definition: TableDefinition = { columns: [], indexes: [], foreignKeys: [], checks: [] }
    const like = this.#eat('like') ? this.#tableName() : this.#is('(', 'like') ? this.#inParentheses(() => { this.#expect('like'); return this.#tableName() }) : undefined
    if (like) return { kind: 'create table', table, ifNotExists, definition, like }
    if (this.#is('(') && !['select', 'with'].includes(this.#peek().text.toLowerCase())) this.#inParentheses(() => this.#list(() => this.#createDefinition(definition)))
    Object.assign(definition, this.#tableOptions())
    this.#eat('as')
    const query = this.#is('select') || this.#is('(') || this.#is('with') ? this.query() : undefined
    if (!query && definition.columns.length === 0) this.#fail()
    return { kind: 'create table', table, ifNotExists, definition, ...(query ? { query } : {}) }
  }

  #charsetOptions(): { charset?: string; collation?: string } {
    const out: { charset?: string; collation?: string } = {}
    for (;;) {
      this.#eat('default')
      if (this.#eat('character', 'set') || this.#eat('charset')) { this.#eat('='); out.charset = this.#nameOrString() } else if (this.#eat('collate')) { this.#eat('='); out.collation = this.#nameOrString() } else return out
    }
  }

  #tableOptions(): Partial<TableDefinition> {
    const options: Partial<TableDefinition> = {}
    for (;;) {
      this.#eat(',')
      Object.assign(options, this.#charsetOptions())
      const option = this.#oneOf('engine', 'auto_increment', 'comment', 'row_format', 'key_block_size', 'max_rows', 'min_rows', 'avg_row_length', 'stats_persistent', 'stats_auto_recalc', 'pack_keys', 'checksum', 'delay_key_write', 'compression', 'encryption')
      if (!option) return options
      this.#eat('=')
      const value = this.#tokens[this.#at++]!.text
      if (option === 'engine') options.engine = value
      else if (option === 'auto_increment') options.autoIncrement = Number(value)
      else if (option === 'comment') options.comment = value
    }
  }

  #createDefinition(into: TableDefinition): void {
    const constraint = this.#eat('constraint') ? this.#is('primary') || this.#is('unique') || this.#is('foreign') || this.#is('check') ? '' : this.#name() : undefined
    if (this.#eat('primary', 'key')) {
      if (this.#eat('using')) this.#name()
      into.indexes.push({ name: 'PRIMARY', columns: this.#indexColumns(), kind: 'primary' })
    } else if (this.#eat('foreign', 'key')) into.foreignKeys.push(this.#foreignKey(constraint ?? ''))
    else if (this.#eat('check')) into.checks.push(this.#check(constraint ?? ''))
    else if (this.#is('unique') || this.#is('index') || this.#is('key') || this.#is('fulltext') || this.#is('spatial')) into.indexes.push(this.#index(constraint))
    else if (constraint !== undefined) this.#fail()
    else {
      const { column, indexes, check, key } = this.#columnDefinition()
      into.columns.push(column)
      into.indexes.push(...indexes)
      if (check) into.checks.push(check)
      if (key) into.foreignKeys.push(key)
    }
  }

  /** @throws SqlError 1235 for indexes that nothing here would search */
  #indexKind(): 'unique' | undefined {
    const kind = this.#oneOf('unique', 'fulltext', 'spatial')
    if (kind === 'fulltext' || kind === 'spatial') unsupported(`${kind.toUpperCase()} indexes`)
    return kind === 'unique' ? kind : undefined
  }

  #index(constraint?: string): IndexDefinition {
    const kind = this.#indexKind() ?? 'plain'
    if (!this.#oneOf('index', 'key') && kind !== 'unique') this.#fail()
    const name = this.#isName() && !this.#is('using') ? this.#name() : constraint ?? ''
    if (this.#eat('using')) this.#name()
    const columns = this.#indexColumns()
    if (this.#eat('using')) this.#name()
    if (this.#eat('comment')) this.#string()
    return { name: name || columns[0]!, columns, kind }
  }

  #indexColumns(): string[] {
    return this.#inParentheses(() => this.#list(() => {
      const name = this.#name()
      if (this.#is('(')) this.#inParentheses(() => this.#integer())
      this.#oneOf('asc', 'desc')
      return name
    }))
  }

  #foreignKey(name: string): ForeignKey {
    const own = this.#isName() ? this.#name() : name
    const columns = this.#names()
    return { name: name || own, columns, ...this.#references() }
  }

  #references(): Omit<ForeignKey, 'name' | 'columns'> {
    this.#expect('references')
    const table = this.#tableName()
    const out: Omit<ForeignKey, 'name' | 'columns'> = { table, references: this.#is('(') ? this.#names() : [] }
    while (this.#eat('on')) {
      const event = this.#oneOf('delete', 'update') ?? this.#fail()
      const action = this.#eat('set', 'null') ? 'SET NULL' : this.#eat('no', 'action') ? 'NO ACTION' : this.#eat('set', 'default') ? 'SET DEFAULT' : (this.#oneOf('cascade', 'restrict') ?? this.#fail()).toUpperCase()
      if (event === 'delete') out.onDelete = action
      else out.onUpdate = action
    }
    return out
  }

  #check(name: string): CheckConstraint {
    this.#expect('(')
    const start = this.#token.start
    const expression = this.expression()
    const text = this.#sql.slice(start, this.#token.start).trimEnd()
    this.#expect(')')
    this.#eat('enforced')
    return { name, expression, text }
  }

  #columnDefinition(): { column: ColumnDefinition; indexes: IndexDefinition[]; check?: CheckConstraint; key?: ForeignKey } {
    const name = this.#name()
    const column: ColumnDefinition = { name, type: { name: 'int' }, notNull: false }
    const indexes: IndexDefinition[] = []
    let check: CheckConstraint | undefined
    let key: ForeignKey | undefined
    if (this.#eat('serial')) {
      Object.assign(column, { type: { name: 'bigint', unsigned: true }, notNull: true, autoIncrement: true })
      indexes.push({ name, columns: [name], kind: 'unique' })
    } else column.type = this.type()
    for (;;) {
      if (this.#eat('not', 'null')) column.notNull = true
      else if (this.#eat('null')) column.notNull = false
      else if (this.#eat('default')) column.default = this.#is('(') ? this.#inParentheses(() => this.expression()) : this.#primary()
      else if (this.#eat('auto_increment')) { column.autoIncrement = true; column.notNull = true } else if (this.#eat('primary', 'key') || this.#eat('primary') || (!this.#is('key', '(') && this.#eat('key'))) indexes.push({ name: 'PRIMARY', columns: [name], kind: 'primary' })
      else if (this.#eat('unique')) { this.#eat('key'); indexes.push({ name, columns: [name], kind: 'unique' }) } else if (this.#eat('comment')) column.comment = this.#string()
      else if (this.#eat('collate')) column.binary = /_(?:bin|cs)$/.test(this.#nameOrString())
      else if (this.#eat('character', 'set') || this.#eat('charset')) this.#nameOrString()
      else if (this.#eat('binary')) column.binary = true
      else if (this.#eat('on', 'update')) { this.#primary(); column.onUpdateNow = true } else if (this.#is('references')) key = { name: '', columns: [name], ...this.#references() }
      else if (this.#is('check') || this.#is('constraint')) { const own = this.#eat('constraint') && !this.#is('check') ? this.#name() : ''; this.#expect('check'); check = this.#check(own) } else break
    }
    return { column, indexes, ...(check ? { check } : {}), ...(key ? { key } : {}) }
  }

  /** A type of a column or a cast. */
  type(): ColumnType {
    if (this.#token.kind !== 'word') this.#fail()
    const word = this.#token.text.toLowerCase()
    const name = TYPE_ALIASES[word] ?? word
    if (!TYPES.has(name)) this.#fail()
    this.#at += 1
    const type: ColumnType = { name }
    if (word === 'bool' || word === 'boolean') type.length = 1
    if (name === 'double') this.#eat('precision')
    if (word === 'character' && this.#eat('varying')) type.name = 'varchar'
    if (name === 'enum' || name === 'set') type.values = this.#inParentheses(() => this.#list(() => this.#string()))
    else if (this.#is('(')) this.#inParentheses(() => { type.length = this.#integer(); if (this.#eat(',')) type.scale = this.#integer() })
    if (type.name === 'varchar' && type.length === undefined) this.#fail()
    for (;;) {
      if (this.#eat('unsigned')) type.unsigned = true
      else if (this.#eat('zerofill')) { type.zerofill = true; type.unsigned = true } else if (!this.#eat('signed')) return type
    }
  }

  #drop(): Statement {
    if (this.#oneOf('database', 'schema')) { const ifExists = this.#ifExists(); return { kind: 'drop database', ifExists, name: this.#name() } }
    if (this.#eat('user')) { const ifExists = this.#ifExists(); return { kind: 'drop user', ifExists, accounts: this.#list(() => this.#account()) } }
    if (this.#eat('index')) { const name = this.#name(); this.#expect('on'); return { kind: 'alter table', table: this.#tableName(), actions: [{ kind: 'drop index', name }] } }
    this.#eat('temporary')
    const view = this.#eat('view')
    if (!view && !this.#eat('table') && !this.#eat('tables')) this.#fail()
    const ifExists = this.#ifExists()
    const tables = this.#list(() => this.#tableName())
    this.#oneOf('restrict', 'cascade')
    return { kind: 'drop table', tables, ifExists, view }
  }

  #alter(): Statement {
    if (this.#eat('user')) return this.#users(true)
    if (this.#oneOf('database', 'schema')) return { kind: 'alter database', name: this.#name(), ...this.#charsetOptions() }
    this.#expect('table')
    const table = this.#tableName()
    return { kind: 'alter table', table, actions: this.#list(() => this.#alterActions()).flat() }
  }

  #position(): { position?: ColumnPosition } {
    return this.#eat('first') ? { position: { first: true } } : this.#eat('after') ? { position: { after: this.#name() } } : {}
  }

  #alterActions(): AlterAction[] {
    if (this.#eat('add')) {
      if (['primary', 'unique', 'foreign', 'check', 'index', 'key', 'fulltext', 'spatial', 'constraint'].some((word) => this.#is(word))) {
        const made: TableDefinition = { columns: [], indexes: [], foreignKeys: [], checks: [] }
        this.#createDefinition(made)
        return [...made.indexes.map((index) => ({ kind: 'add index' as const, index })), ...made.foreignKeys.map((key) => ({ kind: 'add foreign key' as const, key })), ...made.checks.map((check) => ({ kind: 'add check' as const, check }))]
      }
      this.#eat('column')
      const one = (): AlterAction => { const { column, indexes } = this.#columnDefinition(); return { kind: 'add column', column, indexes, ...this.#position() } }
      return this.#is('(') ? this.#inParentheses(() => this.#list(one)) : [one()]
    }
    if (this.#eat('drop')) {
      if (this.#eat('primary', 'key')) return [{ kind: 'drop index', name: 'PRIMARY' }]
      if (this.#oneOf('index', 'key')) return [{ kind: 'drop index', name: this.#name() }]
      if (this.#eat('foreign', 'key')) return [{ kind: 'drop foreign key', name: this.#name() }]
      if (this.#oneOf('check', 'constraint')) return [{ kind: 'drop check', name: this.#name() }]
      this.#eat('column')
      return [{ kind: 'drop column', name: this.#name() }]
    }
    if (this.#oneOf('modify')) {
      this.#eat('column')
      const { column, indexes } = this.#columnDefinition()
      return [{ kind: 'change column', old: column.name, column, indexes, ...this.#position() }]
    }
    if (this.#eat('change')) {
      this.#eat('column')
      const old = this.#name()
      const { column, indexes } = this.#columnDefinition()
      return [{ kind: 'change column', old, column, indexes, ...this.#position() }]
    }
    if (this.#eat('rename')) {
      if (this.#eat('column')) { const old = this.#name(); this.#expect('to'); return [{ kind: 'rename column', old, name: this.#name() }] }
      if (this.#oneOf('index', 'key')) { const old = this.#name(); this.#expect('to'); return [{ kind: 'rename index', old, name: this.#name() }] }
      if (!this.#eat('to')) this.#eat('as')
      return [{ kind: 'rename', to: this.#tableName() }]
    }
    if (this.#eat('alter')) {
      this.#eat('column')
      const name = this.#name()
      if (this.#eat('drop', 'default')) return [{ kind: 'set default', name }]
      this.#expect('set', 'default')
      return [{ kind: 'set default', name, default: this.#primary() }]
    }
    this.#eat('convert', 'to')
    const before = this.#at
    const options = this.#tableOptions()
    if (this.#at === before) this.#fail()
    return [{ kind: 'options', options }]
  }

  #show(): Statement {
    const full = this.#eat('full')
    const show = (what: string, extra: Partial<Extract<Statement, { kind: 'show' }>> = {}): Statement => ({ kind: 'show', what, full, ...extra, ...this.#showFilter() })
    const inDatabase = (): { database?: string } => this.#oneOf('from', 'in') ? { database: this.#name() } : {}
    const ofTable = (): { table: TableName } => {
      if (!this.#oneOf('from', 'in')) this.#fail()
      const table = this.#tableName()
      return { table: { ...table, ...inDatabase() } as TableName }
    }
    if (this.#oneOf('databases', 'schemas')) return show('databases')
    if (this.#eat('tables')) return show('tables', inDatabase())
    if (this.#eat('table', 'status')) return show('table status', inDatabase())
    if (this.#oneOf('columns', 'fields')) return show('columns', ofTable())
    if (this.#oneOf('index', 'indexes', 'keys')) return show('index', ofTable())
    if (this.#eat('create', 'table')) return show('create table', { table: this.#tableName() })
    if (this.#eat('create', 'view')) return show('create view', { table: this.#tableName() })
    if (this.#eat('create', 'database') || this.#eat('create', 'schema')) { this.#ifNotExists(); return show('create database', { database: this.#name() }) }
    if (this.#eat('create', 'user')) return show('create user', { account: this.#account() })
    if (this.#eat('grants')) return show('grants', this.#eat('for') ? { account: this.#account() } : {})
    if (this.#eat('processlist')) return show('processlist')
    this.#oneOf('global', 'session', 'local')
    if (this.#eat('variables')) return show('variables')
    if (this.#eat('status')) return show('status')
    for (const words of ['engines', 'storage engines', 'warnings', 'errors', 'character set', 'charset', 'collation', 'privileges', 'plugins', 'triggers', 'events', 'procedure status', 'function status', 'master status', 'binary log status', 'slave status', 'replica status', 'binary logs', 'master logs', 'slave hosts', 'replicas', 'open tables']) {
      if (!this.#eat(...words.split(' '))) continue
      if (['triggers', 'events'].includes(words)) return show(words, inDatabase())
      if (words === 'warnings' && this.#eat('limit')) this.#integer()
      return show(words)
    }
    if (this.#is('count', '(')) { this.#expect('count', '(', '*', ')'); return show(`count ${this.#oneOf('warnings', 'errors') ?? this.#fail()}`) }
    if (this.#eat('engine')) { this.#name(); this.#expect('status'); return show('engine status') }
    return this.#fail()
  }

  #showFilter(): { like?: string; where?: Expression } {
    return this.#eat('like') ? { like: this.#string() } : this.#eat('where') ? { where: this.expression() } : {}
  }

  #set(): Statement {
    if (this.#eat('names') || this.#eat('character', 'set') || this.#eat('charset')) {
      this.#nameOrString()
      if (this.#eat('collate')) this.#nameOrString()
      return { kind: 'nothing' }
    }
    if (this.#eat('password')) {
      const account = this.#eat('for') ? this.#account() : undefined
      this.#expect('=')
      const password = this.#eat('password', '(') ? this.#string() : this.#string()
      this.#eat(')')
      return { kind: 'set password', password, ...(account ? { account } : {}) }
    }
    if (this.#is('transaction') || this.#is('session', 'transaction') || this.#is('global', 'transaction')) {
      while (this.#token.kind !== 'end' && !this.#is(';')) this.#at += 1
      return { kind: 'nothing' }
    }
    return {
      kind: 'set', assignments: this.#list(() => {
        const scope = this.#oneOf('global', 'session', 'local', 'persist')
        const token = this.#token
        const variable = scope === undefined && token.kind === 'variable' ? this.#variable() as Extract<Expression, { kind: 'user variable' | 'system variable' }> : { kind: 'system variable' as const, name: this.#name().toLowerCase(), global: scope === 'global' || scope === 'persist' }
        if (!this.#eat('=') && !this.#eat(':=')) this.#fail()
        const word = this.#token
        // ON, OFF, READ-COMMITTED and other words are values here.
        const value: Expression = word.kind === 'word' && !['(', '.'].includes(this.#peek().text) && (this.#isName(word) || word.text.toLowerCase() === 'on') && !WITHOUT_PARENTHESES.has(word.text.toLowerCase()) ? (this.#at += 1, word.text.toLowerCase() === 'default' ? { kind: 'default' } : { kind: 'literal', value: word.text }) : this.expression()
        return { variable, value }
      }),
    }
  }

  #account(): Account {
    if (this.#eat('current_user')) { if (this.#eat('(')) this.#expect(')'); return { name: '', host: '' } }
    const name = this.#nameOrString()
    const token = this.#token
    if (token.kind !== 'variable') return { name, host: '%' }
    this.#at += 1
    return { name, host: token.text === '@' ? this.#nameOrString() : token.text.slice(1) }
  }

  #identified(): { password?: string } {
    if (!this.#eat('identified')) return {}
    if (this.#eat('with')) { this.#nameOrString(); if (!this.#oneOf('by', 'as')) return {} } else this.#expect('by')
    this.#eat('password')
    return { password: this.#string() }
  }

  #users(alter: boolean): Statement {
    const ifNotExists = alter ? this.#ifExists() : this.#ifNotExists()
    const users = this.#list(() => ({ account: this.#account(), ...this.#identified() }))
    // Limits, expiry, TLS: accepted, and of no consequence.
    while (this.#token.kind === 'word' || this.#token.kind === 'number') this.#at += 1
    return { kind: 'create user', users, ifNotExists, alter }
  }

  #grant(revoke: boolean): Statement {
    const privileges = this.#list(() => {
      let text = ''
      while (this.#token.kind === 'word' && !this.#is('on') && !this.#is('to') && !this.#is('from')) text += ` ${this.#tokens[this.#at++]!.text.toUpperCase()}`
      if (this.#is('(')) unsupported(`${revoke ? 'REVOKE' : 'GRANT'} of privileges on columns`)
      return text.trim() || this.#fail()
    })
    const on = { database: '*', table: '*' }
    if (this.#eat('on')) {
      this.#eat('table')
      const part = () => this.#eat('*') ? '*' : this.#name()
      const first = part()
      if (this.#eat('.')) Object.assign(on, { database: first, table: part() })
      else Object.assign(on, first === '*' ? { database: '', table: '*' } : { database: '', table: first })
    }
    this.#expect(revoke ? 'from' : 'to')
    const accounts = this.#list(() => ({ account: this.#account(), ...this.#identified() }))
    const withGrant = this.#eat('with', 'grant', 'option')
    return { kind: 'grant', revoke, privileges, on, accounts, withGrant }
  }

  // --- queries ------------------------------------------------------------------------------------------------------------------

  query(): Query {
    const query: Query = { first: undefined as never, more: [] }
    if (this.#eat('with')) {
      const recursive = this.#eat('recursive')
      query.with = { recursive, tables: this.#list(() => { const name = this.#name(); const columns = this.#is('(') ? this.#names() : undefined; this.#expect('as'); return { name, query: this.#inParentheses(() => this.query()), ...(columns ? { columns } : {}) } }) }
    }
    query.first = this.#queryTerm()
    while (this.#eat('union')) {
      const all = this.#eat('all')
      if (!all) this.#eat('distinct')
      query.more.push({ all, select: this.#queryTerm() })
    }
    if (this.#eat('order', 'by')) query.orderBy = this.#orderItems()
    if (this.#eat('limit')) {
      const first = this.expression()
      query.limit = this.#eat(',') ? { offset: first, count: this.expression() } : this.#eat('offset') ? { count: first, offset: this.expression() } : { count: first }
    }
    if (this.#eat('for', 'update') || this.#eat('for', 'share')) this.#oneOf('nowait')
    else this.#eat('lock', 'in', 'share', 'mode')
    return query
  }

  #queryTerm(): Select | Query {
    if (this.#is('(')) return this.#inParentheses(() => this.query())
    if (this.#eat('table')) return { kind: 'select', distinct: false, items: [{ expression: { kind: 'star' }, name: '*', aliased: false }], from: { kind: 'table', table: this.#tableName() } }
    this.#expect('select')
    let distinct = false
    for (let word; (word = this.#oneOf('all', 'distinct', 'distinctrow', 'high_priority', 'straight_join', 'sql_calc_found_rows', 'sql_no_cache', 'sql_small_result'));) if (word.startsWith('distinct')) distinct = true
    const select: Select = { kind: 'select', distinct, items: this.#list(() => this.#selectItem()) }
    if (this.#eat('from') && !this.#eat('dual')) select.from = this.#tableReferences()
    if (this.#eat('where')) select.where = this.expression()
    if (this.#eat('group', 'by')) { select.groupBy = this.#list(() => { const expression = this.expression(); this.#oneOf('asc', 'desc'); return expression }); if (this.#is('with', 'rollup')) unsupported('WITH ROLLUP') }
    if (this.#eat('having')) select.having = this.expression()
    return select
  }

  #selectItem(): SelectItem {
    if (this.#eat('*')) return { expression: { kind: 'star' }, name: '*', aliased: false }
    if (this.#isName() && this.#peek().text === '.' && this.#peek(2).text === '*') { const table = this.#name(); this.#expect('.', '*'); return { expression: { kind: 'star', table }, name: '*', aliased: false } }
    if (this.#isName() && this.#peek().text === '.' && this.#peek(3).text === '.' && this.#peek(4).text === '*') { this.#name(); this.#expect('.'); const table = this.#name(); this.#expect('.', '*'); return { expression: { kind: 'star', table }, name: '*', aliased: false } }
    const start = this.#token.start
    const expression = this.expression()
    const text = this.#sql.slice(start, this.#tokens[this.#at - 1]!.end)
    if (this.#eat('as')) return { expression, name: this.#nameOrString(), aliased: true }
    if (this.#isName() || this.#token.kind === 'string') return { expression, name: this.#nameOrString(), aliased: true }
    const heading = expression.kind === 'column' ? expression.name : expression.kind === 'literal' && typeof expression.value === 'string' ? expression.value : text
    return { expression, name: heading, aliased: false }
  }

  #orderItems(): OrderItem[] {
    return this.#list(() => { const expression = this.expression(); return { expression, descending: this.#oneOf('asc', 'desc') === 'desc' } })
  }

  #tableReferences(): TableReference {
    let left = this.#joined()
    while (this.#eat(',')) left = { kind: 'join', type: 'inner', left, right: this.#joined() }
    return left
  }

  #joined(): TableReference {
    let left = this.#tableFactor()
    for (;;) {
      const natural = this.#eat('natural')
      const side = this.#oneOf('left', 'right')
      if (side) this.#eat('outer')
      else if (!natural || !this.#is('join')) this.#oneOf('inner', 'cross')
      if (!this.#eat('join') && !this.#eat('straight_join')) {
        if (natural || side) this.#fail()
        return left
      }
      const right = this.#tableFactor()
      const join: Extract<TableReference, { kind: 'join' }> = { kind: 'join', type: (side ?? 'inner') as 'inner' | 'left' | 'right', left, right, ...(natural ? { natural } : {}) }
      if (this.#eat('on')) join.on = this.expression()
      else if (this.#eat('using')) join.using = this.#names()
      else if (side && !natural) this.#fail()
      left = join
    }
  }

  #tableFactor(): TableReference {
    if (this.#is('(')) {
      let depth = 1
      while (this.#peek(depth).text === '(') depth += 1
      if (['select', 'with', 'values'].includes(this.#peek(depth).text.toLowerCase())) {
        const query = this.#inParentheses(() => this.query())
        this.#eat('as')
        if (!this.#isName()) this.#fail()
        const alias = this.#name()
        return { kind: 'derived', query, alias, ...(this.#is('(') ? { columns: this.#names() } : {}) }
      }
      return this.#inParentheses(() => this.#tableReferences())
    }
    const table = this.#tableName()
    if (this.#eat('as')) return { kind: 'table', table, alias: this.#nameOrString() }
    const word = this.#token.text.toLowerCase()
    if (this.#isName() && !(this.#token.kind === 'word' && (word === 'straight_join' || word === 'offset'))) return { kind: 'table', table, alias: this.#name() }
    for (const hint of ['use', 'force', 'ignore']) if (this.#is(hint, 'index') || this.#is(hint, 'key')) { this.#at += 2; this.#names() }
    return { kind: 'table', table }
  }

  // --- expressions --------------------------------------------------------------------------------------------------------------

  expression(): Expression {
    let left = this.#xor()
    while (this.#oneOf('or', '||')) left = { kind: 'binary', operator: 'or', left, right: this.#xor() }
    return left
  }

  #xor(): Expression {
    let left = this.#and()
    while (this.#eat('xor')) left = { kind: 'binary', operator: 'xor', left, right: this.#and() }
    return left
  }

  #and(): Expression {
    let left = this.#not()
    while (this.#oneOf('and', '&&')) left = { kind: 'binary', operator: 'and', left, right: this.#not() }
    return left
  }

  #not(): Expression { return this.#eat('not') ? { kind: 'unary', operator: 'not', operand: this.#not() } : this.#comparison() }

  #comparison(): Expression {
    let left = this.#bitOr()
    for (;;) {
      const operator = this.#oneOf('=', '<=>', '>=', '>', '<=', '<>', '<', '!=')
      if (operator) {
        const quantifier = this.#is('any', '(') || this.#is('some', '(') || this.#is('all', '(') ? this.#oneOf('any', 'some', 'all') : undefined
        left = quantifier ? { kind: 'quantified', operator: operator === '!=' ? '<>' : operator, left, all: quantifier === 'all', query: this.#inParentheses(() => this.query()) } : { kind: 'binary', operator: operator === '!=' ? '<>' : operator, left, right: this.#bitOr() }
        continue
      }
      if (this.#eat('is')) {
        const not = this.#eat('not')
        left = { kind: 'is', operand: left, what: (this.#oneOf('null', 'true', 'false', 'unknown') ?? this.#fail()) as 'null', not }
        continue
      }
      const not = this.#is('not') && ['like', 'in', 'between', 'regexp', 'rlike'].includes(this.#peek().text.toLowerCase()) && this.#eat('not')
      if (this.#eat('in')) {
        this.#expect('(')
        left = this.#is('select') || this.#is('with') ? { kind: 'in', operand: left, query: this.query(), not } : { kind: 'in', operand: left, list: this.#list(() => this.expression()), not }
        this.#expect(')')
      } else if (this.#eat('between')) {
        const low = this.#bitOr()
        this.#expect('and')
        left = { kind: 'between', operand: left, low, high: this.#bitOr(), not }
      } else if (this.#eat('like')) {
        const pattern = this.#bitOr()
        left = { kind: 'like', operand: left, pattern, escape: this.#eat('escape') ? this.#string() : '\\', not }
      } else if (this.#oneOf('regexp', 'rlike')) {
        const matches: Expression = { kind: 'binary', operator: 'regexp', left, right: this.#bitOr() }
        left = not ? { kind: 'unary', operator: 'not', operand: matches } : matches
      } else return left
    }
  }

  #binary(operators: readonly string[], next: () => Expression): Expression {
    let left = next()
    for (let operator; (operator = this.#oneOf(...operators));) left = { kind: 'binary', operator: operator === 'mod' ? '%' : operator, left, right: next() }
    return left
  }

  #bitOr(): Expression { return this.#binary(['|'], () => this.#binary(['&'], () => this.#binary(['<<', '>>'], () => this.#binary(['+', '-'], () => this.#binary(['*', '/', '%', 'div', 'mod'], () => this.#binary(['^'], () => this.#unary())))))) }

  #unary(): Expression {
    if (this.#eat('-')) {
      const operand = this.#unary()
      return { kind: 'unary', operator: '-', operand }
    }
    if (this.#eat('+')) return this.#unary()
    if (this.#eat('~')) return { kind: 'unary', operator: '~', operand: this.#unary() }
    if (this.#eat('!')) return { kind: 'unary', operator: 'not', operand: this.#unary() }
    if (this.#is('binary') && this.#peek().text !== '(' && (this.#isName(this.#peek()) || this.#peek().kind === 'string')) { this.#at += 1; return { kind: 'binary string', operand: this.#unary() } }
    let operand = this.#primary()
    for (;;) {
      if (this.#eat('collate')) { if (/_(?:bin|cs)$/.test(this.#nameOrString())) operand = { kind: 'binary string', operand } } else if (this.#is('->') || this.#is('->>')) {
        const unquote = this.#tokens[this.#at++]!.text === '->>'
        const extract: Expression = { kind: 'call', name: 'json_extract', args: [operand, { kind: 'literal', value: this.#string() }] }
        operand = unquote ? { kind: 'call', name: 'json_unquote', args: [extract] } : extract
      } else return operand
    }
  }

  #variable(): Expression {
    const text = this.#tokens[this.#at++]!.text
    if (!text.startsWith('@@')) {
      const name = text === '@' ? this.#nameOrString() : text.slice(1)
      return this.#eat(':=') ? { kind: 'user variable', name: name.toLowerCase(), assign: this.expression() } : { kind: 'user variable', name: name.toLowerCase() }
    }
    const [scope, ...rest] = text.slice(2).toLowerCase().split('.')
    return rest.length > 0 && ['global', 'session', 'local'].includes(scope!) ? { kind: 'system variable', name: rest.join('.'), global: scope === 'global' } : { kind: 'system variable', name: text.slice(2).toLowerCase(), global: false }
  }

  #primary(): Expression {
    const token = this.#token
    if (token.kind === 'number') { this.#at += 1; return { kind: 'literal', value: numberValue(token.text) } }
    if (token.kind === 'hex') { this.#at += 1; return { kind: 'literal', value: (token.text.match(/.{1,2}/g) ?? []).map((byte) => String.fromCharCode(parseInt(byte, 16))).join('') } }
    if (token.kind === 'bits') { this.#at += 1; return { kind: 'literal', value: BigInt(`0b${token.text || '0'}`) } }
    if (token.kind === 'string') {
      let value = ''
      while (this.#token.kind === 'string') value += this.#string()
      return { kind: 'literal', value }
    }
    if (token.kind === 'variable') return this.#variable()
    if (this.#is('(')) {
      this.#at += 1
      if (this.#is('select') || this.#is('with')) { const query = this.query(); this.#expect(')'); return { kind: 'subquery', query } }
      const items = this.#list(() => this.expression())
      this.#expect(')')
      return items.length === 1 ? items[0]! : { kind: 'row', items }
    }
    if (token.kind !== 'word' && token.kind !== 'quoted') this.#fail()
    const word = token.kind === 'word' ? token.text.toLowerCase() : ''
    const call = this.#peek().text === '(' && this.#peek().kind === 'operator'
    if (word === 'null') { this.#at += 1; return { kind: 'literal', value: null } }
    if (word === 'true' || word === 'false') { this.#at += 1; return { kind: 'literal', value: word === 'true' ? 1n : 0n } }
    if (/^_[a-z]/.test(word) && this.#peek().kind === 'string') { this.#at += 1; return this.#primary() }
    if (['date', 'time', 'timestamp'].includes(word) && this.#peek().kind === 'string') { this.#at += 1; return { kind: 'literal', value: this.#string() } }
    if (word === 'exists' && call) { this.#at += 1; return { kind: 'exists', query: this.#inParentheses(() => this.query()) } }
    if (word === 'case') return this.#case()
    if (word === 'row' && call) { this.#at += 2; const items = this.#list(() => this.expression()); this.#expect(')'); return { kind: 'row', items } }
    if (word === 'interval' && !call || (word === 'interval' && UNITS.has(this.#intervalUnitAfterParentheses()))) {
      this.#at += 1
      const amount = this.expression()
      return { kind: 'interval', amount, unit: this.#unit() }
    }
    if (word === 'default' && call) { this.#at += 1; return { kind: 'default', column: this.#inParentheses(() => this.#name()) } }
    if (call && (!RESERVED.has(word) || RESERVED_FUNCTIONS.has(word)) && word !== '') return this.#call(word)
    if (WITHOUT_PARENTHESES.has(word)) { this.#at += 1; return { kind: 'call', name: word, args: [] } }
    const names = [this.#name()]
    while (names.length < 3 && this.#is('.')) { this.#at += 1; names.push(this.#name()) }
    const [name, table, database] = names.reverse()
    return { kind: 'column', name: name!, ...(table === undefined ? {} : { table }), ...(database === undefined ? {} : { database }) }
  }

  /** The word behind the parentheses that come next: INTERVAL (1) DAY is no call. */
  #intervalUnitAfterParentheses(): string {
    let depth = 0
    for (let i = this.#at + 1; i < this.#tokens.length; i++) {
      const { kind, text } = this.#tokens[i]!
      if (kind === 'operator' && text === '(') depth += 1
      if (kind === 'operator' && text === ')') { depth -= 1; if (depth === 0) return this.#tokens[i + 1]!.text.toLowerCase() }
    }
    return ''
  }

  #unit(): string {
    const unit = this.#token.text.toLowerCase()
    if (this.#token.kind !== 'word' || !UNITS.has(unit)) this.#fail()
    this.#at += 1
    return unit
  }

  #case(): Expression {
    this.#at += 1
    const subject = this.#is('when') ? undefined : this.expression()
    const whens: { when: Expression; then: Expression }[] = []
    while (this.#eat('when')) {
      const when = this.expression()
      this.#expect('then')
      whens.push({ when, then: this.expression() })
    }
    if (whens.length === 0) this.#fail()
    const otherwise = this.#eat('else') ? this.expression() : undefined
    this.#expect('end')
    return { kind: 'case', whens, ...(subject ? { subject } : {}), ...(otherwise ? { otherwise } : {}) }
  }

  #call(name: string): Expression {
    this.#at += 2
    const literal = (value: string): Expression => ({ kind: 'literal', value })
    const done = (expression: Expression): Expression => { this.#expect(')'); return expression }
    if (name === 'cast' || name === 'convert') {
      const operand = this.expression()
      if (name === 'convert' && this.#eat('using')) { this.#nameOrString(); return done(operand) }
      if (!(name === 'cast' ? this.#eat('as') : this.#eat(','))) this.#fail()
      const sign = this.#oneOf('signed', 'unsigned')
      if (sign) { this.#oneOf('integer', 'int'); return done({ kind: 'cast', operand, type: { name: 'bigint', unsigned: sign === 'unsigned' } }) }
      const type = this.type()
      if (this.#eat('character', 'set') || this.#eat('charset')) this.#nameOrString()
      return done({ kind: 'cast', operand, type })
    }
    if (name === 'extract') { const unit = this.#unit(); this.#expect('from'); return done({ kind: 'call', name: 'extract', args: [literal(unit), this.expression()] }) }
    if (name === 'position') { const args = [this.#bitOr()]; this.#expect('in'); args.push(this.expression()); return done({ kind: 'call', name: 'locate', args }) }
    if (name === 'timestampdiff' || name === 'timestampadd') { const unit = this.#unit(); this.#expect(','); return done({ kind: 'call', name, args: [literal(unit), ...this.#list(() => this.expression())] }) }
    if (name === 'trim') {
      const side = this.#oneOf('both', 'leading', 'trailing') ?? 'both'
      const first = this.#is('from') ? literal(' ') : this.expression()
      return done({ kind: 'call', name, args: this.#eat('from') ? [this.expression(), first, literal(side)] : [first, literal(' '), literal(side)] })
    }
    if (name === 'count' && this.#eat('*')) return this.#over(done({ kind: 'call', name, args: [{ kind: 'star' }] }))
    const distinct = this.#eat('distinct')
    if (this.#eat(')')) return this.#over({ kind: 'call', name, args: [] })
    const args = this.#list(() => this.expression())
    if ((name === 'substring' || name === 'substr') && this.#eat('from')) { args.push(this.expression()); if (this.#eat('for')) args.push(this.expression()) }
    if (name === 'char' && this.#eat('using')) this.#nameOrString()
    const order = this.#eat('order', 'by') ? this.#orderItems() : undefined
    const separator = this.#eat('separator') ? this.#string() : undefined
    return this.#over(done({ kind: 'call', name, args, ...(distinct ? { distinct } : {}), ...(order ? { order } : {}), ...(separator === undefined ? {} : { separator }) }))
  }

  #over(call: Expression): Expression {
    if (this.#is('over')) unsupported('window functions')
    return call
  }
}

/** A number as written: integers and decimals are exact, others are doubles. */
function numberValue(text: string): bigint | number | ReturnType<typeof decimalOf> {
  return /e/i.test(text) ? Number(text) : text.includes('.') ? decimalOf(text) : BigInt(text)
}

function tableNames(reference: TableReference): string[] {
  return reference.kind === 'join' ? [...tableNames(reference.left), ...tableNames(reference.right)] : [reference.kind === 'table' ? reference.alias ?? reference.table.name : reference.alias]
}
