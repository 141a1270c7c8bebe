import type { AlterAction, CheckConstraint, ColumnDefinition, ColumnPosition, ForeignKey, IndexDefinition, Statement, TableDefinition } from './ast.ts'
import { AccountParser } from './account-parser.ts'
import { unsupported } from './errors.ts'

/** Reads statements that make, change and remove databases, tables, indexes and views. */
export class DefinitionParser extends AccountParser {
  protected create(): Statement {
    if (this.oneOf('database', 'schema')) {
      const ifNotExists = this.ifNotExists()
      return { kind: 'create database', ifNotExists, name: this.name(), ...this.charsetOptions() }
    }
    if (this.eat('user')) return this.users(false)
    const replace = this.eat('or', 'replace')
    if (this.eat('algorithm')) { this.expect('='); this.name() }
    if (this.eat('definer')) { this.expect('='); this.account() }
    if (this.eat('sql', 'security')) this.name()
    if (this.eat('view')) {
      const view = this.tableName()
      const columns = this.is('(') ? this.names() : undefined
      this.expect('as')
      const start = this.token.start
      const query = this.query()
      return { kind: 'create view', view, replace, query, text: this.sql.slice(start, this.tokens[this.at - 1]!.end), ...(columns ? { columns } : {}) }
    }
    if (replace) this.fail()
    const unique = this.indexKind()
    if (this.oneOf('index', 'key')) {
      const name = this.name()
      if (this.eat('using')) this.name()
      this.expect('on')
      const table = this.tableName()
      const columns = this.indexColumns()
      while (this.token.kind === 'word') this.at += 1
      return { kind: 'alter table', table, actions: [{ kind: 'add index', index: { name, columns, kind: unique ?? 'plain' } }] }
    }
    if (unique) this.fail()
    for (const what of ['procedure', 'function', 'trigger', 'event', 'role', 'tablespace', 'server']) if (this.is(what)) unsupported(`CREATE ${what.toUpperCase()}`)
    this.eat('temporary')
    this.expect('table')
    const ifNotExists = this.ifNotExists()
    const table = this.tableName()
    const definition: TableDefinition = { columns: [], indexes: [], foreignKeys: [], checks: [] }
    const like = this.eat('like') ? this.tableName() : this.is('(', 'like') ? this.inParentheses(() => { this.expect('like'); return this.tableName() }) : undefined
    if (like) return { kind: 'create table', table, ifNotExists, definition, like }
    if (this.is('(') && !['select', 'with'].includes(this.peek().text.toLowerCase())) this.inParentheses(() => this.list(() => this.createDefinition(definition)))
    Object.assign(definition, this.tableOptions())
    this.eat('as')
    const query = this.is('select') || this.is('(') || this.is('with') ? this.query() : undefined
    if (!query && definition.columns.length === 0) this.fail()
    return { kind: 'create table', table, ifNotExists, definition, ...(query ? { query } : {}) }
  }

  protected charsetOptions(): { charset?: string; collation?: string } {
    const out: { charset?: string; collation?: string } = {}
    for (;;) {
      this.eat('default')
      if (this.eat('character', 'set') || this.eat('charset')) { this.eat('='); out.charset = this.nameOrString() } else if (this.eat('collate')) { this.eat('='); out.collation = this.nameOrString() } else return out
    }
  }

  protected tableOptions(): Partial<TableDefinition> {
    const options: Partial<TableDefinition> = {}
    for (;;) {
      this.eat(',')
      Object.assign(options, this.charsetOptions())
      const option = this.oneOf('engine', 'auto_increment', 'comment', 'row_format', 'key_block_size', 'max_rows', 'min_rows', 'avg_row_length', 'stats_persistent', 'stats_auto_recalc', 'pack_keys', 'checksum', 'delay_key_write', 'compression', 'encryption')
      if (!option) return options
      this.eat('=')
      const value = this.tokens[this.at++]!.text
      if (option === 'engine') options.engine = value
      else if (option === 'auto_increment') options.autoIncrement = Number(value)
      else if (option === 'comment') options.comment = value
    }
  }

  protected createDefinition(into: TableDefinition): void {
    const constraint = this.eat('constraint') ? this.is('primary') || this.is('unique') || this.is('foreign') || this.is('check') ? '' : this.name() : undefined
    if (this.eat('primary', 'key')) {
      if (this.eat('using')) this.name()
      into.indexes.push({ name: 'PRIMARY', columns: this.indexColumns(), kind: 'primary' })
    } else if (this.eat('foreign', 'key')) into.foreignKeys.push(this.foreignKey(constraint ?? ''))
    else if (this.eat('check')) into.checks.push(this.check(constraint ?? ''))
    else if (this.is('unique') || this.is('index') || this.is('key') || this.is('fulltext') || this.is('spatial')) into.indexes.push(this.index(constraint))
    else if (constraint !== undefined) this.fail()
    else {
      const { column, indexes, check, key } = this.columnDefinition()
      into.columns.push(column)
      into.indexes.push(...indexes)
      if (check) into.checks.push(check)
      if (key) into.foreignKeys.push(key)
    }
  }

  /** @throws SqlError 1235 for indexes that nothing here would search */
  protected indexKind(): 'unique' | undefined {
    const kind = this.oneOf('unique', 'fulltext', 'spatial')
    if (kind === 'fulltext' || kind === 'spatial') unsupported(`${kind.toUpperCase()} indexes`)
    return kind === 'unique' ? kind : undefined
  }

  protected index(constraint?: string): IndexDefinition {
    const kind = this.indexKind() ?? 'plain'
    if (!this.oneOf('index', 'key') && kind !== 'unique') this.fail()
    const name = this.isName() && !this.is('using') ? this.name() : constraint ?? ''
    if (this.eat('using')) this.name()
    const columns = this.indexColumns()
    if (this.eat('using')) this.name()
    if (this.eat('comment')) this.string()
    return { name: name || columns[0]!, columns, kind }
  }

  protected indexColumns(): string[] {
    return this.inParentheses(() => this.list(() => {
      const name = this.name()
      if (this.is('(')) this.inParentheses(() => this.integer())
      this.oneOf('asc', 'desc')
      return name
    }))
  }

  protected foreignKey(name: string): ForeignKey {
    const own = this.isName() ? this.name() : name
    const columns = this.names()
    return { name: name || own, columns, ...this.references() }
  }

  protected references(): Omit<ForeignKey, 'name' | 'columns'> {
    this.expect('references')
    const table = this.tableName()
    const out: Omit<ForeignKey, 'name' | 'columns'> = { table, references: this.is('(') ? this.names() : [] }
    while (this.eat('on')) {
      const event = this.oneOf('delete', 'update') ?? this.fail()
      const action = this.eat('set', 'null') ? 'SET NULL' : this.eat('no', 'action') ? 'NO ACTION' : this.eat('set', 'default') ? 'SET DEFAULT' : (this.oneOf('cascade', 'restrict') ?? this.fail()).toUpperCase()
      if (event === 'delete') out.onDelete = action
      else out.onUpdate = action
    }
    return out
  }

  protected check(name: string): CheckConstraint {
    this.expect('(')
    const start = this.token.start
    const expression = this.expression()
    const text = this.sql.slice(start, this.token.start).trimEnd()
    this.expect(')')
    this.eat('enforced')
    return { name, expression, text }
  }

  protected columnDefinition(): { column: ColumnDefinition; indexes: IndexDefinition[]; check?: CheckConstraint; key?: ForeignKey } {
    const name = this.name()
    const column: ColumnDefinition = { name, type: { name: 'int' }, notNull: false }
    const indexes: IndexDefinition[] = []
    let check: CheckConstraint | undefined
    let key: ForeignKey | undefined
    if (this.eat('serial')) {
      Object.assign(column, { type: { name: 'bigint', unsigned: true }, notNull: true, autoIncrement: true })
      indexes.push({ name, columns: [name], kind: 'unique' })
    } else column.type = this.type()
    for (;;) {
      if (this.eat('not', 'null')) column.notNull = true
      else if (this.eat('null')) column.notNull = false
      else if (this.eat('default')) column.default = this.is('(') ? this.inParentheses(() => this.expression()) : this.primary()
      else if (this.eat('auto_increment')) { column.autoIncrement = true; column.notNull = true } else if (this.eat('primary', 'key') || this.eat('primary') || (!this.is('key', '(') && this.eat('key'))) indexes.push({ name: 'PRIMARY', columns: [name], kind: 'primary' })
      else if (this.eat('unique')) { this.eat('key'); indexes.push({ name, columns: [name], kind: 'unique' }) } else if (this.eat('comment')) column.comment = this.string()
      else if (this.eat('collate')) column.binary = /_(?:bin|cs)$/.test(this.nameOrString())
      else if (this.eat('character', 'set') || this.eat('charset')) this.nameOrString()
      else if (this.eat('binary')) column.binary = true
      else if (this.eat('on', 'update')) { this.primary(); column.onUpdateNow = true } else if (this.is('references')) key = { name: '', columns: [name], ...this.references() }
      else if (this.is('check') || this.is('constraint')) { const own = this.eat('constraint') && !this.is('check') ? this.name() : ''; this.expect('check'); check = this.check(own) } else break
    }
    return { column, indexes, ...(check ? { check } : {}), ...(key ? { key } : {}) }
  }

  protected drop(): Statement {
    if (this.oneOf('database', 'schema')) { const ifExists = this.ifExists(); return { kind: 'drop database', ifExists, name: this.name() } }
    if (this.eat('user')) { const ifExists = this.ifExists(); return { kind: 'drop user', ifExists, accounts: this.list(() => this.account()) } }
    if (this.eat('index')) { const name = this.name(); this.expect('on'); return { kind: 'alter table', table: this.tableName(), actions: [{ kind: 'drop index', name }] } }
    this.eat('temporary')
    const view = this.eat('view')
    if (!view && !this.eat('table') && !this.eat('tables')) this.fail()
    const ifExists = this.ifExists()
    const tables = this.list(() => this.tableName())
    this.oneOf('restrict', 'cascade')
    return { kind: 'drop table', tables, ifExists, view }
  }

  protected alter(): Statement {
    if (this.eat('user')) return this.users(true)
    if (this.oneOf('database', 'schema')) return { kind: 'alter database', name: this.name(), ...this.charsetOptions() }
    this.expect('table')
    const table = this.tableName()
    return { kind: 'alter table', table, actions: this.list(() => this.alterActions()).flat() }
  }

  protected position(): { position?: ColumnPosition } {
    return this.eat('first') ? { position: { first: true } } : this.eat('after') ? { position: { after: this.name() } } : {}
  }

  protected alterActions(): AlterAction[] {
    if (this.eat('add')) {
      if (['primary', 'unique', 'foreign', 'check', 'index', 'key', 'fulltext', 'spatial', 'constraint'].some((word) => this.is(word))) {
        const made: TableDefinition = { columns: [], indexes: [], foreignKeys: [], checks: [] }
        this.createDefinition(made)
        return [...made.indexes.map((index) => ({ kind: 'add index' as const, index })), ...made.foreignKeys.map((key) => ({ kind: 'add foreign key' as const, key })), ...made.checks.map((check) => ({ kind: 'add check' as const, check }))]
      }
      this.eat('column')
      const one = (): AlterAction => { const { column, indexes } = this.columnDefinition(); return { kind: 'add column', column, indexes, ...this.position() } }
      return this.is('(') ? this.inParentheses(() => this.list(one)) : [one()]
    }
    if (this.eat('drop')) {
      if (this.eat('primary', 'key')) return [{ kind: 'drop index', name: 'PRIMARY' }]
      if (this.oneOf('index', 'key')) return [{ kind: 'drop index', name: this.name() }]
      if (this.eat('foreign', 'key')) return [{ kind: 'drop foreign key', name: this.name() }]
      if (this.oneOf('check', 'constraint')) return [{ kind: 'drop check', name: this.name() }]
      this.eat('column')
      return [{ kind: 'drop column', name: this.name() }]
    }
    if (this.oneOf('modify')) {
      this.eat('column')
      const { column, indexes } = this.columnDefinition()
      return [{ kind: 'change column', old: column.name, column, indexes, ...this.position() }]
    }
    if (this.eat('change')) {
      this.eat('column')
      const old = this.name()
      const { column, indexes } = this.columnDefinition()
      return [{ kind: 'change column', old, column, indexes, ...this.position() }]
    }
    if (this.eat('rename')) {
      if (this.eat('column')) { const old = this.name(); this.expect('to'); return [{ kind: 'rename column', old, name: this.name() }] }
      if (this.oneOf('index', 'key')) { const old = this.name(); this.expect('to'); return [{ kind: 'rename index', old, name: this.name() }] }
      if (!this.eat('to')) this.eat('as')
      return [{ kind: 'rename', to: this.tableName() }]
    }
    if (this.eat('alter')) {
      this.eat('column')
      const name = this.name()
      if (this.eat('drop', 'default')) return [{ kind: 'set default', name }]
      this.expect('set', 'default')
      return [{ kind: 'set default', name, default: this.primary() }]
    }
    this.eat('convert', 'to')
    const before = this.at
    const options = this.tableOptions()
    if (this.at === before) this.fail()
    return [{ kind: 'options', options }]
  }
}
