/**
 * MySQL's statements as far as this server knows them. A parser of our own: of the libraries, node-sql-parser refuses much of what the monitor is used
 * for (SHOW VARIABLES, <=>, USING in a list, DEFAULT in VALUES), forgets where things stood in the text (headings and the words of error 1064 need that)
 * and how numbers were written.
 */
import type { Assignment, Expression, OrderItem, Query, Statement, TableName, TableReference } from './ast.ts'
import { DefinitionParser } from './definition-parser.ts'
import { unsupported } from './errors.ts'
import { tokenize } from './lexer.ts'
import { WITHOUT_PARENTHESES } from './query-parser.ts'

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

/** Reads whole statements; what reads data is in its base classes. */
class Parser extends DefinitionParser {
  // --- statements ---------------------------------------------------------------------------------------------------------------

  /** A statement that fills the whole text. */
  statement(): Statement {
    const statement = this.oneStatement()
    this.eat(';')
    if (this.token.kind !== 'end') this.fail()
    return statement
  }

  protected oneStatement(): Statement {
    if (this.is('select') || this.is('with') || this.is('(') || this.is('values') || this.is('table')) return { kind: 'query', query: this.query() }
    if (this.is('insert') || this.is('replace')) return this.insert()
    if (this.eat('update')) return this.update()
    if (this.eat('delete')) return this.delete()
    if (this.eat('create')) return this.create()
    if (this.eat('drop')) return this.drop()
    if (this.eat('alter')) return this.alter()
    if (this.eat('show')) return this.show()
    if (this.eat('set')) return this.set()
    if (this.eat('use')) return { kind: 'use', name: this.name() }
    if (this.eat('begin')) { this.eat('work'); return { kind: 'transaction', action: 'begin' } }
    if (this.eat('start', 'transaction')) {
      while (this.token.kind === 'word' || this.is(',')) this.at += 1
      return { kind: 'transaction', action: 'begin' }
    }
    if (this.eat('commit')) { this.eat('work'); return { kind: 'transaction', action: 'commit' } }
    if (this.eat('savepoint')) return { kind: 'savepoint', action: 'set', name: this.name() }
    if (this.eat('release', 'savepoint')) return { kind: 'savepoint', action: 'release', name: this.name() }
    if (this.eat('rollback')) {
      this.eat('work')
      if (!this.eat('to')) return { kind: 'transaction', action: 'rollback' }
      this.eat('savepoint')
      return { kind: 'savepoint', action: 'rollback', name: this.name() }
    }
    if (this.oneOf('describe', 'desc', 'explain')) {
      if (this.is('select') || this.is('with') || this.is('(')) return { kind: 'explain', query: this.query() }
      const table = this.tableName()
      return { kind: 'describe', table, ...(this.token.kind === 'end' || this.is(';') ? {} : { like: this.nameOrString() }) }
    }
    if (this.eat('truncate')) { this.eat('table'); return { kind: 'truncate', table: this.tableName() } }
    if (this.eat('rename', 'user')) { const from = this.account(); this.expect('to'); return { kind: 'rename user', from, to: this.account() } }
    if (this.eat('rename', 'table')) return { kind: 'rename table', renames: this.list(() => { const from = this.tableName(); this.expect('to'); return { from, to: this.tableName() } }) }
    if (this.eat('grant')) return this.grant(false)
    if (this.eat('revoke')) return this.grant(true)
    if (this.eat('flush')) { while (this.token.kind !== 'end' && !this.is(';')) this.at += 1; return { kind: 'nothing' } }
    if (this.eat('do')) { const items = this.list(() => this.expression()); return { kind: 'query', query: { first: { kind: 'select', distinct: false, items: items.map((expression) => ({ expression, name: '', aliased: true })), where: { kind: 'literal', value: 0n } }, more: [] } } }
    if (this.eat('lock', 'tables') || this.eat('lock', 'table')) return { kind: 'lock', tables: this.list(() => { const table = this.tableName(); if (this.isName() && !this.is('read') && !this.is('write')) this.name(); if (!this.oneOf('read', 'write')) this.fail(); this.eat('local'); return table }) }
    if (this.eat('unlock', 'tables') || this.eat('unlock', 'table')) return { kind: 'lock', tables: [] }
    if (this.eat('kill')) { const query = this.eat('query'); this.eat('connection'); return { kind: 'kill', query, id: this.integer() } }
    if (this.eat('shutdown')) return { kind: 'shutdown' }
    const maintenance = this.oneOf('analyze', 'optimize', 'check', 'repair')
    if (maintenance) { this.eat('no_write_to_binlog'); this.expect('table'); return { kind: 'maintenance', command: maintenance, tables: this.list(() => this.tableName()) } }
    if (this.token.kind === 'word' && UNSUPPORTED.has(this.token.text.toLowerCase())) unsupported([this.token, this.peek()].filter(({ kind }) => kind === 'word').map(({ text }) => text.toUpperCase()).join(' '))
    return this.fail()
  }

  protected insert(): Statement {
    const replace = this.eat('replace')
    if (!replace) this.expect('insert')
    while (this.oneOf('low_priority', 'delayed', 'high_priority'));
    const ignore = this.eat('ignore')
    this.eat('into')
    const table = this.tableName()
    const statement: Extract<Statement, { kind: 'insert' }> = { kind: 'insert', table, ignore, replace }
    if (this.is('(') && !['select', 'with'].includes(this.peek().text.toLowerCase())) {
      statement.columns = this.peek().text === ')' ? (this.expect('(', ')'), []) : this.inParentheses(() => this.list(() => { const name = this.name(); return this.eat('.') ? this.name() : name }))
    }
    if (this.oneOf('values', 'value')) {
      statement.rows = this.list(() => { this.eat('row'); return this.inParentheses(() => this.is(')') ? [] : this.list(() => this.valueOrDefault())) })
      if (this.eat('as')) this.name()
    } else if (this.eat('set')) {
      const assignments = this.assignments()
      statement.columns = assignments.map(({ column }) => column)
      statement.rows = [assignments.map(({ value }) => value)]
    } else if (this.is('select') || this.is('(') || this.is('with')) statement.query = this.query()
    else this.fail()
    if (this.eat('on', 'duplicate', 'key', 'update')) statement.onDuplicate = this.assignments()
    return statement
  }

  protected valueOrDefault(): Expression { return this.is('default') && this.peek().text !== '(' ? (this.at += 1, { kind: 'default' }) : this.expression() }

  protected assignments(): Assignment[] {
    return this.list(() => {
      const names = [this.name()]
      while (this.eat('.')) names.push(this.name())
      if (!this.eat('=') && !this.eat(':=')) this.fail()
      return { column: names.pop()!, ...(names.length > 0 ? { table: names.pop()! } : {}), value: this.valueOrDefault() }
    })
  }

  protected update(): Statement {
    this.eat('low_priority')
    const ignore = this.eat('ignore')
    const tables = this.tableReferences()
    this.expect('set')
    return { kind: 'update', tables, assignments: this.assignments(), ignore, ...this.condition() }
  }

  protected condition(): { where?: Expression; orderBy?: OrderItem[]; limit?: Expression } {
    return {
      ...(this.eat('where') ? { where: this.expression() } : {}), ...(this.eat('order', 'by') ? { orderBy: this.orderItems() } : {}),
      ...(this.eat('limit') ? { limit: this.expression() } : {}),
    }
  }

  protected delete(): Statement {
    while (this.oneOf('low_priority', 'quick', 'ignore'));
    if (this.eat('from')) {
      const tables = this.tableReferences()
      if (this.eat('using')) return { kind: 'delete', targets: tableNames(tables), tables: this.tableReferences(), ...this.condition() }
      return { kind: 'delete', tables, ...this.condition() }
    }
    const targets = this.list(() => { const name = this.tableName().name; this.eat('.', '*'); return name })
    this.expect('from')
    return { kind: 'delete', targets, tables: this.tableReferences(), ...this.condition() }
  }

  protected show(): Statement {
    const full = this.eat('full')
    const show = (what: string, extra: Partial<Extract<Statement, { kind: 'show' }>> = {}): Statement => ({ kind: 'show', what, full, ...extra, ...this.showFilter() })
    const inDatabase = (): { database?: string } => this.oneOf('from', 'in') ? { database: this.name() } : {}
    const ofTable = (): { table: TableName } => {
      if (!this.oneOf('from', 'in')) this.fail()
      const table = this.tableName()
      return { table: { ...table, ...inDatabase() } as TableName }
    }
    if (this.oneOf('databases', 'schemas')) return show('databases')
    if (this.eat('tables')) return show('tables', inDatabase())
    if (this.eat('table', 'status')) return show('table status', inDatabase())
    if (this.oneOf('columns', 'fields')) return show('columns', ofTable())
    if (this.oneOf('index', 'indexes', 'keys')) return show('index', ofTable())
    if (this.eat('create', 'table')) return show('create table', { table: this.tableName() })
    if (this.eat('create', 'view')) return show('create view', { table: this.tableName() })
    if (this.eat('create', 'database') || this.eat('create', 'schema')) { this.ifNotExists(); return show('create database', { database: this.name() }) }
    if (this.eat('create', 'user')) return show('create user', { account: this.account() })
    if (this.eat('grants')) return show('grants', this.eat('for') ? { account: this.account() } : {})
    if (this.eat('processlist')) return show('processlist')
    this.oneOf('global', 'session', 'local')
    if (this.eat('variables')) return show('variables')
    if (this.eat('status')) return show('status')
    for (const words of ['engines', 'storage engines', 'warnings', 'errors', 'character set', 'charset', 'collation', 'privileges', 'plugins', 'triggers', 'events', 'procedure status', 'function status', 'master status', 'binary log status', 'slave status', 'replica status', 'binary logs', 'master logs', 'slave hosts', 'replicas', 'open tables']) {
      if (!this.eat(...words.split(' '))) continue
      if (['triggers', 'events'].includes(words)) return show(words, inDatabase())
      if (words === 'warnings' && this.eat('limit')) this.integer()
      return show(words)
    }
    if (this.is('count', '(')) { this.expect('count', '(', '*', ')'); return show(`count ${this.oneOf('warnings', 'errors') ?? this.fail()}`) }
    if (this.eat('engine')) { this.name(); this.expect('status'); return show('engine status') }
    return this.fail()
  }

  protected showFilter(): { like?: string; where?: Expression } {
    return this.eat('like') ? { like: this.string() } : this.eat('where') ? { where: this.expression() } : {}
  }

  protected set(): Statement {
    if (this.eat('names') || this.eat('character', 'set') || this.eat('charset')) {
      this.nameOrString()
      if (this.eat('collate')) this.nameOrString()
      return { kind: 'nothing' }
    }
    if (this.eat('password')) {
      const account = this.eat('for') ? this.account() : undefined
      this.expect('=')
      const password = this.eat('password', '(') ? this.string() : this.string()
      this.eat(')')
      return { kind: 'set password', password, ...(account ? { account } : {}) }
    }
    if (this.is('transaction') || this.is('session', 'transaction') || this.is('global', 'transaction')) {
      while (this.token.kind !== 'end' && !this.is(';')) this.at += 1
      return { kind: 'nothing' }
    }
    return {
      kind: 'set', assignments: this.list(() => {
        const scope = this.oneOf('global', 'session', 'local', 'persist')
        const token = this.token
        const variable = scope === undefined && token.kind === 'variable' ? this.variable() as Extract<Expression, { kind: 'user variable' | 'system variable' }> : { kind: 'system variable' as const, name: this.name().toLowerCase(), global: scope === 'global' || scope === 'persist' }
        if (!this.eat('=') && !this.eat(':=')) this.fail()
        const word = this.token
        // ON, OFF, READ-COMMITTED and other words are values here.
        const value: Expression = word.kind === 'word' && !['(', '.'].includes(this.peek().text) && (this.isName(word) || word.text.toLowerCase() === 'on') && !WITHOUT_PARENTHESES.has(word.text.toLowerCase()) ? (this.at += 1, word.text.toLowerCase() === 'default' ? { kind: 'default' } : { kind: 'literal', value: word.text }) : this.expression()
        return { variable, value }
      }),
    }
  }

}

function tableNames(reference: TableReference): string[] {
  return reference.kind === 'join' ? [...tableNames(reference.left), ...tableNames(reference.right)] : [reference.kind === 'table' ? reference.alias ?? reference.table.name : reference.alias]
}
