import type { ColumnType, Expression, OrderItem, Query, Select, SelectItem, TableReference } from './ast.ts'
import { unsupported } from './errors.ts'
import { RESERVED, TokenReader } from './token-reader.ts'
import { decimalOf } from './values.ts'

/** Reserved words that are functions all the same. */
const RESERVED_FUNCTIONS = new Set(['if', 'left', 'right', 'replace', 'insert', 'mod', 'values', 'interval'])
/** Functions that are called without parentheses. */
export const WITHOUT_PARENTHESES = new Set(['current_timestamp', 'current_date', 'current_time', 'current_user', 'localtime', 'localtimestamp', 'utc_timestamp', 'utc_date', 'utc_time'])
const UNITS = new Set(['microsecond', 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'])
const TYPE_ALIASES: Readonly<Record<string, string>> = { integer: 'int', int4: 'int', int8: 'bigint', dec: 'decimal', numeric: 'decimal', fixed: 'decimal', bool: 'tinyint', boolean: 'tinyint', character: 'char', nchar: 'char', nvarchar: 'varchar', real: 'double', long: 'mediumtext' }
const TYPES = new Set('bit tinyint smallint mediumint int bigint decimal float double date time datetime timestamp year char varchar binary varbinary tinyblob blob mediumblob longblob tinytext text mediumtext longtext enum set json'.split(' '))

/** Reads queries, and the expressions and types that all statements have. */
export class QueryParser extends TokenReader {
  // --- queries ------------------------------------------------------------------------------------------------------------------

  query(): Query {
    const query: Query = { first: undefined as never, more: [] }
    if (this.eat('with')) {
      const recursive = this.eat('recursive')
      query.with = { recursive, tables: this.list(() => { const name = this.name(); const columns = this.is('(') ? this.names() : undefined; this.expect('as'); return { name, query: this.inParentheses(() => this.query()), ...(columns ? { columns } : {}) } }) }
    }
    query.first = this.queryTerm()
    while (this.eat('union')) {
      const all = this.eat('all')
      if (!all) this.eat('distinct')
      query.more.push({ all, select: this.queryTerm() })
    }
    if (this.eat('order', 'by')) query.orderBy = this.orderItems()
    if (this.eat('limit')) {
      const first = this.expression()
      query.limit = this.eat(',') ? { offset: first, count: this.expression() } : this.eat('offset') ? { count: first, offset: this.expression() } : { count: first }
    }
    if (this.eat('for', 'update') || this.eat('for', 'share')) this.oneOf('nowait')
    else this.eat('lock', 'in', 'share', 'mode')
    return query
  }

  protected queryTerm(): Select | Query {
    if (this.is('(')) return this.inParentheses(() => this.query())
    if (this.eat('table')) return { kind: 'select', distinct: false, items: [{ expression: { kind: 'star' }, name: '*', aliased: false }], from: { kind: 'table', table: this.tableName() } }
    this.expect('select')
    let distinct = false
    for (let word; (word = this.oneOf('all', 'distinct', 'distinctrow', 'high_priority', 'straight_join', 'sql_calc_found_rows', 'sql_no_cache', 'sql_small_result'));) if (word.startsWith('distinct')) distinct = true
    const select: Select = { kind: 'select', distinct, items: this.list(() => this.selectItem()) }
    if (this.eat('from') && !this.eat('dual')) select.from = this.tableReferences()
    if (this.eat('where')) select.where = this.expression()
    if (this.eat('group', 'by')) { select.groupBy = this.list(() => { const expression = this.expression(); this.oneOf('asc', 'desc'); return expression }); if (this.is('with', 'rollup')) unsupported('WITH ROLLUP') }
    if (this.eat('having')) select.having = this.expression()
    return select
  }

  protected selectItem(): SelectItem {
    if (this.eat('*')) return { expression: { kind: 'star' }, name: '*', aliased: false }
    if (this.isName() && this.peek().text === '.' && this.peek(2).text === '*') { const table = this.name(); this.expect('.', '*'); return { expression: { kind: 'star', table }, name: '*', aliased: false } }
    if (this.isName() && this.peek().text === '.' && this.peek(3).text === '.' && this.peek(4).text === '*') { this.name(); this.expect('.'); const table = this.name(); this.expect('.', '*'); return { expression: { kind: 'star', table }, name: '*', aliased: false } }
    const start = this.token.start
    const expression = this.expression()
    const text = this.sql.slice(start, this.tokens[this.at - 1]!.end)
    if (this.eat('as')) return { expression, name: this.nameOrString(), aliased: true }
    if (this.isName() || this.token.kind === 'string') return { expression, name: this.nameOrString(), aliased: true }
    const heading = expression.kind === 'column' ? expression.name : expression.kind === 'literal' && typeof expression.value === 'string' ? expression.value : text
    return { expression, name: heading, aliased: false }
  }

  protected orderItems(): OrderItem[] {
    return this.list(() => { const expression = this.expression(); return { expression, descending: this.oneOf('asc', 'desc') === 'desc' } })
  }

  protected tableReferences(): TableReference {
    let left = this.joined()
    while (this.eat(',')) left = { kind: 'join', type: 'inner', left, right: this.joined() }
    return left
  }

  protected joined(): TableReference {
    let left = this.tableFactor()
    for (;;) {
      const natural = this.eat('natural')
      const side = this.oneOf('left', 'right')
      if (side) this.eat('outer')
      else if (!natural || !this.is('join')) this.oneOf('inner', 'cross')
      if (!this.eat('join') && !this.eat('straight_join')) {
        if (natural || side) this.fail()
        return left
      }
      const right = this.tableFactor()
      const join: Extract<TableReference, { kind: 'join' }> = { kind: 'join', type: (side ?? 'inner') as 'inner' | 'left' | 'right', left, right, ...(natural ? { natural } : {}) }
      if (this.eat('on')) join.on = this.expression()
      else if (this.eat('using')) join.using = this.names()
      else if (side && !natural) this.fail()
      left = join
    }
  }

  protected tableFactor(): TableReference {
    if (this.is('(')) {
      let depth = 1
      while (this.peek(depth).text === '(') depth += 1
      if (['select', 'with', 'values'].includes(this.peek(depth).text.toLowerCase())) {
        const query = this.inParentheses(() => this.query())
        this.eat('as')
        if (!this.isName()) this.fail()
        const alias = this.name()
        return { kind: 'derived', query, alias, ...(this.is('(') ? { columns: this.names() } : {}) }
      }
      return this.inParentheses(() => this.tableReferences())
    }
    const table = this.tableName()
    if (this.eat('as')) return { kind: 'table', table, alias: this.nameOrString() }
    const word = this.token.text.toLowerCase()
    if (this.isName() && !(this.token.kind === 'word' && (word === 'straight_join' || word === 'offset'))) return { kind: 'table', table, alias: this.name() }
    for (const hint of ['use', 'force', 'ignore']) if (this.is(hint, 'index') || this.is(hint, 'key')) { this.at += 2; this.names() }
    return { kind: 'table', table }
  }

  // --- expressions --------------------------------------------------------------------------------------------------------------

  expression(): Expression {
    let left = this.xor()
    while (this.oneOf('or', '||')) left = { kind: 'binary', operator: 'or', left, right: this.xor() }
    return left
  }

  protected xor(): Expression {
    let left = this.and()
    while (this.eat('xor')) left = { kind: 'binary', operator: 'xor', left, right: this.and() }
    return left
  }

  protected and(): Expression {
    let left = this.not()
    while (this.oneOf('and', '&&')) left = { kind: 'binary', operator: 'and', left, right: this.not() }
    return left
  }

  protected not(): Expression { return this.eat('not') ? { kind: 'unary', operator: 'not', operand: this.not() } : this.comparison() }

  protected comparison(): Expression {
    let left = this.bitOr()
    for (;;) {
      const operator = this.oneOf('=', '<=>', '>=', '>', '<=', '<>', '<', '!=')
      if (operator) {
        const quantifier = this.is('any', '(') || this.is('some', '(') || this.is('all', '(') ? this.oneOf('any', 'some', 'all') : undefined
        left = quantifier ? { kind: 'quantified', operator: operator === '!=' ? '<>' : operator, left, all: quantifier === 'all', query: this.inParentheses(() => this.query()) } : { kind: 'binary', operator: operator === '!=' ? '<>' : operator, left, right: this.bitOr() }
        continue
      }
      if (this.eat('is')) {
        const not = this.eat('not')
        left = { kind: 'is', operand: left, what: (this.oneOf('null', 'true', 'false', 'unknown') ?? this.fail()) as 'null', not }
        continue
      }
      const not = this.is('not') && ['like', 'in', 'between', 'regexp', 'rlike'].includes(this.peek().text.toLowerCase()) && this.eat('not')
      if (this.eat('in')) {
        this.expect('(')
        left = this.is('select') || this.is('with') ? { kind: 'in', operand: left, query: this.query(), not } : { kind: 'in', operand: left, list: this.list(() => this.expression()), not }
        this.expect(')')
      } else if (this.eat('between')) {
        const low = this.bitOr()
        this.expect('and')
        left = { kind: 'between', operand: left, low, high: this.bitOr(), not }
      } else if (this.eat('like')) {
        const pattern = this.bitOr()
        left = { kind: 'like', operand: left, pattern, escape: this.eat('escape') ? this.string() : '\\', not }
      } else if (this.oneOf('regexp', 'rlike')) {
        const matches: Expression = { kind: 'binary', operator: 'regexp', left, right: this.bitOr() }
        left = not ? { kind: 'unary', operator: 'not', operand: matches } : matches
      } else return left
    }
  }

  protected binary(operators: readonly string[], next: () => Expression): Expression {
    let left = next()
    for (let operator; (operator = this.oneOf(...operators));) left = { kind: 'binary', operator: operator === 'mod' ? '%' : operator, left, right: next() }
    return left
  }

  protected bitOr(): Expression { return this.binary(['|'], () => this.binary(['&'], () => this.binary(['<<', '>>'], () => this.binary(['+', '-'], () => this.binary(['*', '/', '%', 'div', 'mod'], () => this.binary(['^'], () => this.unary())))))) }

  protected unary(): Expression {
    if (this.eat('-')) {
      const operand = this.unary()
      return { kind: 'unary', operator: '-', operand }
    }
    if (this.eat('+')) return this.unary()
    if (this.eat('~')) return { kind: 'unary', operator: '~', operand: this.unary() }
    if (this.eat('!')) return { kind: 'unary', operator: 'not', operand: this.unary() }
    if (this.is('binary') && this.peek().text !== '(' && (this.isName(this.peek()) || this.peek().kind === 'string')) { this.at += 1; return { kind: 'binary string', operand: this.unary() } }
    let operand = this.primary()
    for (;;) {
      if (this.eat('collate')) { if (/_(?:bin|cs)$/.test(this.nameOrString())) operand = { kind: 'binary string', operand } } else if (this.is('->') || this.is('->>')) {
        const unquote = this.tokens[this.at++]!.text === '->>'
        const extract: Expression = { kind: 'call', name: 'json_extract', args: [operand, { kind: 'literal', value: this.string() }] }
        operand = unquote ? { kind: 'call', name: 'json_unquote', args: [extract] } : extract
      } else return operand
    }
  }

  protected variable(): Expression {
    const text = this.tokens[this.at++]!.text
    if (!text.startsWith('@@')) {
      const name = text === '@' ? this.nameOrString() : text.slice(1)
      return this.eat(':=') ? { kind: 'user variable', name: name.toLowerCase(), assign: this.expression() } : { kind: 'user variable', name: name.toLowerCase() }
    }
    const [scope, ...rest] = text.slice(2).toLowerCase().split('.')
    return rest.length > 0 && ['global', 'session', 'local'].includes(scope!) ? { kind: 'system variable', name: rest.join('.'), global: scope === 'global' } : { kind: 'system variable', name: text.slice(2).toLowerCase(), global: false }
  }

  protected primary(): Expression {
    const token = this.token
    if (token.kind === 'number') { this.at += 1; return { kind: 'literal', value: numberValue(token.text) } }
    if (token.kind === 'hex') { this.at += 1; return { kind: 'literal', value: (token.text.match(/.{1,2}/g) ?? []).map((byte) => String.fromCharCode(parseInt(byte, 16))).join('') } }
    if (token.kind === 'bits') { this.at += 1; return { kind: 'literal', value: BigInt(`0b${token.text || '0'}`) } }
    if (token.kind === 'string') {
      let value = ''
      while (this.token.kind === 'string') value += this.string()
      return { kind: 'literal', value }
    }
    if (token.kind === 'variable') return this.variable()
    if (this.is('(')) {
      this.at += 1
      if (this.is('select') || this.is('with')) { const query = this.query(); this.expect(')'); return { kind: 'subquery', query } }
      const items = this.list(() => this.expression())
      this.expect(')')
      return items.length === 1 ? items[0]! : { kind: 'row', items }
    }
    if (token.kind !== 'word' && token.kind !== 'quoted') this.fail()
    const word = token.kind === 'word' ? token.text.toLowerCase() : ''
    const call = this.peek().text === '(' && this.peek().kind === 'operator'
    if (word === 'null') { this.at += 1; return { kind: 'literal', value: null } }
    if (word === 'true' || word === 'false') { this.at += 1; return { kind: 'literal', value: word === 'true' ? 1n : 0n } }
    if (/^_[a-z]/.test(word) && this.peek().kind === 'string') { this.at += 1; return this.primary() }
    if (['date', 'time', 'timestamp'].includes(word) && this.peek().kind === 'string') { this.at += 1; return { kind: 'literal', value: this.string() } }
    if (word === 'exists' && call) { this.at += 1; return { kind: 'exists', query: this.inParentheses(() => this.query()) } }
    if (word === 'case') return this.case()
    if (word === 'row' && call) { this.at += 2; const items = this.list(() => this.expression()); this.expect(')'); return { kind: 'row', items } }
    if (word === 'interval' && !call || (word === 'interval' && UNITS.has(this.intervalUnitAfterParentheses()))) {
      this.at += 1
      const amount = this.expression()
      return { kind: 'interval', amount, unit: this.unit() }
    }
    if (word === 'default' && call) { this.at += 1; return { kind: 'default', column: this.inParentheses(() => this.name()) } }
    if (call && (!RESERVED.has(word) || RESERVED_FUNCTIONS.has(word)) && word !== '') return this.call(word)
    if (WITHOUT_PARENTHESES.has(word)) { this.at += 1; return { kind: 'call', name: word, args: [] } }
    const names = [this.name()]
    while (names.length < 3 && this.is('.')) { this.at += 1; names.push(this.name()) }
    const [name, table, database] = names.reverse()
    return { kind: 'column', name: name!, ...(table === undefined ? {} : { table }), ...(database === undefined ? {} : { database }) }
  }

  /** The word behind the parentheses that come next: INTERVAL (1) DAY is no call. */
  protected intervalUnitAfterParentheses(): string {
    let depth = 0
    for (let i = this.at + 1; i < this.tokens.length; i++) {
      const { kind, text } = this.tokens[i]!
      if (kind === 'operator' && text === '(') depth += 1
      if (kind === 'operator' && text === ')') { depth -= 1; if (depth === 0) return this.tokens[i + 1]!.text.toLowerCase() }
    }
    return ''
  }

  protected unit(): string {
    const unit = this.token.text.toLowerCase()
    if (this.token.kind !== 'word' || !UNITS.has(unit)) this.fail()
    this.at += 1
    return unit
  }

  protected case(): Expression {
    this.at += 1
    const subject = this.is('when') ? undefined : this.expression()
    const whens: { when: Expression; then: Expression }[] = []
    while (this.eat('when')) {
      const when = this.expression()
      this.expect('then')
      whens.push({ when, then: this.expression() })
    }
    if (whens.length === 0) this.fail()
    const otherwise = this.eat('else') ? this.expression() : undefined
    this.expect('end')
    return { kind: 'case', whens, ...(subject ? { subject } : {}), ...(otherwise ? { otherwise } : {}) }
  }

  protected call(name: string): Expression {
    this.at += 2
    const literal = (value: string): Expression => ({ kind: 'literal', value })
    const done = (expression: Expression): Expression => { this.expect(')'); return expression }
    if (name === 'cast' || name === 'convert') {
      const operand = this.expression()
      if (name === 'convert' && this.eat('using')) { this.nameOrString(); return done(operand) }
      if (!(name === 'cast' ? this.eat('as') : this.eat(','))) this.fail()
      const sign = this.oneOf('signed', 'unsigned')
      if (sign) { this.oneOf('integer', 'int'); return done({ kind: 'cast', operand, type: { name: 'bigint', unsigned: sign === 'unsigned' } }) }
      const type = this.type()
      if (this.eat('character', 'set') || this.eat('charset')) this.nameOrString()
      return done({ kind: 'cast', operand, type })
    }
    if (name === 'extract') { const unit = this.unit(); this.expect('from'); return done({ kind: 'call', name: 'extract', args: [literal(unit), this.expression()] }) }
    if (name === 'position') { const args = [this.bitOr()]; this.expect('in'); args.push(this.expression()); return done({ kind: 'call', name: 'locate', args }) }
    if (name === 'timestampdiff' || name === 'timestampadd') { const unit = this.unit(); this.expect(','); return done({ kind: 'call', name, args: [literal(unit), ...this.list(() => this.expression())] }) }
    if (name === 'trim') {
      const side = this.oneOf('both', 'leading', 'trailing') ?? 'both'
      const first = this.is('from') ? literal(' ') : this.expression()
      return done({ kind: 'call', name, args: this.eat('from') ? [this.expression(), first, literal(side)] : [first, literal(' '), literal(side)] })
    }
    if (name === 'count' && this.eat('*')) return this.over(done({ kind: 'call', name, args: [{ kind: 'star' }] }))
    const distinct = this.eat('distinct')
    if (this.eat(')')) return this.over({ kind: 'call', name, args: [] })
    const args = this.list(() => this.expression())
    if ((name === 'substring' || name === 'substr') && this.eat('from')) { args.push(this.expression()); if (this.eat('for')) args.push(this.expression()) }
    if (name === 'char' && this.eat('using')) this.nameOrString()
    const order = this.eat('order', 'by') ? this.orderItems() : undefined
    const separator = this.eat('separator') ? this.string() : undefined
    return this.over(done({ kind: 'call', name, args, ...(distinct ? { distinct } : {}), ...(order ? { order } : {}), ...(separator === undefined ? {} : { separator }) }))
  }

  protected over(call: Expression): Expression {
    if (this.is('over')) unsupported('window functions')
    return call
  }

  /** A type of a column or a cast. */
  protected type(): ColumnType {
    if (this.token.kind !== 'word') this.fail()
    const word = this.token.text.toLowerCase()
    const name = TYPE_ALIASES[word] ?? word
    if (!TYPES.has(name)) this.fail()
    this.at += 1
    const type: ColumnType = { name }
    if (word === 'bool' || word === 'boolean') type.length = 1
    if (name === 'double') this.eat('precision')
    if (word === 'character' && this.eat('varying')) type.name = 'varchar'
    if (name === 'enum' || name === 'set') type.values = this.inParentheses(() => this.list(() => this.string()))
    else if (this.is('(')) this.inParentheses(() => { type.length = this.integer(); if (this.eat(',')) type.scale = this.integer() })
    if (type.name === 'varchar' && type.length === undefined) this.fail()
    for (;;) {
      if (this.eat('unsigned')) type.unsigned = true
      else if (this.eat('zerofill')) { type.zerofill = true; type.unsigned = true } else if (!this.eat('signed')) return type
    }
  }
}

/** A number as written: integers and decimals are exact, others are doubles. */
function numberValue(text: string): bigint | number | ReturnType<typeof decimalOf> {
  return /e/i.test(text) ? Number(text) : text.includes('.') ? decimalOf(text) : BigInt(text)
}
