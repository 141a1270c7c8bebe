/** A program of awk as a tree. */
export interface AwkProgram {
  rules: AwkRule[]
  functions: Map<string, { parameters: string[]; body: Statement[] }>
}

export interface AwkRule {
  kind: 'begin' | 'end' | 'pattern'
  from?: Expression
  to?: Expression
  /** Missing: print the record. */
  body?: Statement[]
  active: boolean
}

export type Expression =
  | { is: 'number'; value: number }
  | { is: 'string'; value: string }
  | { is: 'regex'; source: string }
  | { is: 'name'; name: string }
  | { is: 'field'; index: Expression }
  | { is: 'index'; name: string; keys: Expression[] }
  | { is: 'assign'; operator: string; target: Expression; value: Expression }
  | { is: 'unary'; operator: string; operand: Expression }
  | { is: 'step'; by: 1 | -1; before: boolean; target: Expression }
  | { is: 'binary'; operator: string; left: Expression; right: Expression }
  | { is: 'and' | 'or'; left: Expression; right: Expression }
  | { is: 'choice'; test: Expression; yes: Expression; no: Expression }
  | { is: 'match'; negated: boolean; left: Expression; right: Expression }
  | { is: 'in'; keys: Expression[]; name: string }
  | { is: 'call'; name: string; args: Expression[] }
  | { is: 'getline'; target: Expression | undefined; file?: Expression; command?: Expression }
  | { is: 'group'; inner: Expression }

export type Statement =
  | { do: 'expression'; value: Expression }
  | { do: 'print'; values: Expression[]; formatted: boolean; to?: { kind: '>' | '>>' | '|'; target: Expression } }
  | { do: 'if'; test: Expression; yes: Statement; no?: Statement }
  | { do: 'while'; test: Expression; body: Statement }
  | { do: 'until'; test: Expression; body: Statement }
  | { do: 'for'; start?: Statement; test?: Expression; step?: Statement; body: Statement }
  | { do: 'each'; name: string; of: string; body: Statement }
  | { do: 'block'; body: Statement[] }
  | { do: 'delete'; name: string; keys?: Expression[] }
  | { do: 'next' | 'nextfile' | 'break' | 'continue' }
  | { do: 'exit' | 'return'; value?: Expression }

/** A program that can't be understood. */
export class AwkSyntaxError extends Error {}

type Token = { type: 'number' | 'string' | 'regex' | 'name' | 'call' | 'word' | 'op' | 'newline' | 'end'; text: string }

const WORDS = new Set(['BEGIN', 'END', 'function', 'func', 'if', 'else', 'while', 'for', 'do', 'break', 'continue', 'next', 'nextfile', 'exit', 'return', 'delete', 'in', 'getline', 'print', 'printf'])
const AWK_FUNCTIONS = new Set(['length', 'substr', 'index', 'split', 'sub', 'gsub', 'gensub', 'match', 'sprintf', 'sin', 'cos', 'atan2', 'exp', 'log', 'sqrt', 'int', 'rand', 'srand', 'tolower', 'toupper', 'system', 'close', 'fflush', 'systime', 'strftime', 'asort'])

function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < source.length) {
    const rest = source.slice(at)
    const skipped = /^(?:[ \t\r]+|\\\n|#[^\n]*)/.exec(rest)
    if (skipped) { at += skipped[0].length; continue }
    if (rest[0] === '\n') { tokens.push({ type: 'newline', text: '\n' }); at += 1; continue }
    const number = /^(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/.exec(rest)
    if (number) { tokens.push({ type: 'number', text: number[0] }); at += number[0].length; continue }
    if (rest[0] === '"') {
      let text = ''
      let i = 1
      for (; i < rest.length && rest[i] !== '"'; i++) {
        if (rest[i] === '\n') throw new AwkSyntaxError('unterminated string')
        if (rest[i] !== '\\') { text += rest[i]; continue }
        const next = rest[++i] ?? ''
        const octal = /^[0-7]{1,3}/.exec(rest.slice(i))
        if (octal) { text += String.fromCharCode(Number.parseInt(octal[0], 8)); i += octal[0].length - 1 } else text += next === '\n' ? '' : { n: '\n', t: '\t', r: '\r', '\\': '\\', '"': '"', '/': '/', a: '\x07', b: '\b', f: '\f', v: '\v' }[next] ?? `\\${next}`
      }
      if (i >= rest.length) throw new AwkSyntaxError('unterminated string')
      tokens.push({ type: 'string', text })
      at += i + 1
      continue
    }
    const previous = tokens.at(-1)
    const afterValue = previous && (['number', 'string', 'name', 'regex'].includes(previous.type) || [')', ']', '$', '++', '--'].includes(previous.text))
    if (rest[0] === '/' && !afterValue) {
      let i = 1
      let inBracket = false
      for (; i < rest.length && (rest[i] !== '/' || inBracket); i++) {
        if (rest[i] === '\\') i += 1
        else if (rest[i] === '[' && !inBracket) { inBracket = true; if (rest[i + 1] === '^') i += 1; if (rest[i + 1] === ']') i += 1 } else if (rest[i] === ']') inBracket = false
        else if (rest[i] === '\n') throw new AwkSyntaxError('unterminated regexp')
      }
      if (i >= rest.length) throw new AwkSyntaxError('unterminated regexp')
      tokens.push({ type: 'regex', text: rest.slice(1, i).replaceAll('\\/', '/') })
      at += i + 1
      continue
    }
    const word = /^[A-Za-z_]\w*/.exec(rest)
    if (word) {
      const type = WORDS.has(word[0]) ? 'word' : rest[word[0].length] === '(' && !AWK_FUNCTIONS.has(word[0]) ? 'call' : 'name'
      tokens.push({ type, text: word[0] })
      at += word[0].length
      continue
    }
    const operator = /^(?:\*\*=|\*\*|&&|\|\||\+\+|--|[-+*/%^=!<>]=|>>|!~|[-+*/%^<>=!~?:;,{}()[\]$|])/.exec(rest)
    if (!operator) throw new AwkSyntaxError(`syntax error at source line 1: unexpected character '${rest[0]}'`)
    tokens.push({ type: 'op', text: { '**': '^', '**=': '^=' }[operator[0]] ?? operator[0] })
    at += operator[0].length
  }
  tokens.push({ type: 'end', text: 'end of program' })
  return tokens
}

/** @throws AwkSyntaxError */
export function parseAwk(source: string): AwkProgram {
  return new Parser(tokenize(source)).program()
}

class Parser {
  readonly #tokens: Token[]
  #at = 0
  /** `>` means output, `in` a loop. */
  #noGreater = false
  #noIn = false

  constructor(tokens: Token[]) {
    this.#tokens = tokens
  }

  get #token(): Token {
    return this.#tokens[this.#at]!
  }

  #is(...texts: string[]): boolean {
    const { type, text } = this.#token
    return (type === 'op' || type === 'word') && texts.includes(text)
  }

  #take(...texts: string[]): boolean {
    if (!this.#is(...texts)) return false
    this.#at += 1
    return true
  }

  #need(text: string): void {
    if (!this.#take(text)) this.#fail()
  }

  #fail(): never {
    throw new AwkSyntaxError(`syntax error near ${this.#token.text === '\n' ? 'end of line' : this.#token.text}`)
  }

  #newlines(): void {
    while (this.#token.type === 'newline') this.#at += 1
  }

  #ends(): void {
    while (this.#token.type === 'newline' || this.#is(';')) this.#at += 1
  }

  program(): AwkProgram {
    const program: AwkProgram = { rules: [], functions: new Map() }
    for (this.#ends(); this.#token.type !== 'end'; this.#ends()) {
      if (this.#take('function', 'func')) {
        const name = this.#token.text
        this.#at += 1
        this.#need('(')
        const parameters: string[] = []
        while (!this.#take(')')) { parameters.push(this.#token.text); this.#at += 1; this.#take(','); this.#newlines() }
        this.#newlines()
        program.functions.set(name, { parameters, body: this.#block() })
      } else if (this.#take('BEGIN')) { this.#newlines(); program.rules.push({ kind: 'begin', body: this.#block(), active: false }) } else if (this.#take('END')) { this.#newlines(); program.rules.push({ kind: 'end', body: this.#block(), active: false }) } else {
        const rule: AwkRule = { kind: 'pattern', active: false }
        if (!this.#is('{')) {
          rule.from = this.#expression()
          if (this.#take(',')) { this.#newlines(); rule.to = this.#expression() }
        }
        if (this.#is('{')) rule.body = this.#block()
        program.rules.push(rule)
      }
    }
    return program
  }

  #block(): Statement[] {
    this.#need('{')
    const body: Statement[] = []
    for (this.#ends(); !this.#take('}'); this.#ends()) {
      if (this.#token.type === 'end') this.#fail()
      body.push(this.#statement())
    }
    return body
  }

  /** A statement after `if (...)` and the like; an empty one may be a semicolon. */
  #inner(): Statement {
    this.#newlines()
    if (this.#take(';')) return { do: 'block', body: [] }
    return this.#statement()
  }

  #statement(): Statement {
    if (this.#is('{')) return { do: 'block', body: this.#block() }
    if (this.#take('if')) {
      this.#need('(')
      const test = this.#expression()
      this.#need(')')
      const yes = this.#inner()
      const mark = this.#at
      this.#ends()
      if (this.#take('else')) return { do: 'if', test, yes, no: this.#inner() }
      this.#at = mark
      return { do: 'if', test, yes }
    }
    if (this.#take('while')) {
      this.#need('(')
      const test = this.#expression()
      this.#need(')')
      return { do: 'while', test, body: this.#inner() }
    }
    if (this.#take('do')) {
      const body = this.#inner()
      this.#ends()
      this.#need('while')
      this.#need('(')
      const test = this.#expression()
      this.#need(')')
      return { do: 'until', test, body }
    }
    if (this.#take('for')) {
      this.#need('(')
      const [name, word, of, close] = [this.#token, this.#tokens[this.#at + 1], this.#tokens[this.#at + 2], this.#tokens[this.#at + 3]]
      if (name.type === 'name' && word?.text === 'in' && of?.type === 'name' && close?.text === ')') {
        this.#at += 4
        return { do: 'each', name: name.text, of: of.text, body: this.#inner() }
      }
      const start = this.#is(';') ? undefined : this.#simple()
      this.#need(';')
      this.#newlines()
      const test = this.#is(';') ? undefined : this.#expression()
      this.#need(';')
      this.#newlines()
      const step = this.#is(')') ? undefined : this.#simple()
      this.#need(')')
      return { do: 'for', ...(start ? { start } : {}), ...(test ? { test } : {}), ...(step ? { step } : {}), body: this.#inner() }
    }
    const statement = this.#simple()
    if (!this.#isAtEnd()) this.#fail()
    return statement
  }

  /** Whether a statement ends here. */
  #isAtEnd(...more: string[]): boolean {
    const { type } = this.#token
    return type === 'newline' || type === 'end' || this.#is(';', '}', ...more)
  }

  #simple(): Statement {
    for (const word of ['next', 'nextfile', 'break', 'continue'] as const) if (this.#take(word)) return { do: word }
    for (const word of ['exit', 'return'] as const) {
      if (!this.#take(word)) continue
      return this.#isAtEnd() ? { do: word } : { do: word, value: this.#expression() }
    }
    if (this.#take('delete')) {
      const name = this.#token.text
      this.#at += 1
      if (!this.#take('[')) return { do: 'delete', name }
      const keys = this.#list(']')
      return { do: 'delete', name, keys }
    }
    if (this.#is('print', 'printf')) {
      const formatted = this.#token.text === 'printf'
      this.#at += 1
      const outer = this.#noGreater
      this.#noGreater = true
      let values: Expression[] = []
      if (!this.#isAtEnd('>', '>>', '|')) {
        const mark = this.#at
        // `print (a, b) > "f"`: the list may stand in parentheses.
        if (this.#take('(')) {
          this.#noGreater = false
          values = this.#list(')')
          this.#noGreater = true
          if (!this.#isAtEnd('>', '>>', '|')) { this.#at = mark; values = this.#expressions() }
        } else values = this.#expressions()
      }
      this.#noGreater = outer
      for (const kind of ['>>', '>', '|'] as const) if (this.#take(kind)) return { do: 'print', values, formatted, to: { kind, target: this.#concatenation() } }
      return { do: 'print', values, formatted }
    }
    return { do: 'expression', value: this.#expression() }
  }

  #expressions(): Expression[] {
    const out = [this.#expression()]
    while (this.#take(',')) { this.#newlines(); out.push(this.#expression()) }
    return out
  }

  #list(close: string): Expression[] {
    const out: Expression[] = []
    this.#newlines()
    while (!this.#take(close)) {
      out.push(this.#expression())
      this.#newlines()
      if (!this.#is(close)) { this.#need(','); this.#newlines() }
    }
    return out
  }

  #expression(): Expression {
    const left = this.#choice()
    if (this.#is('=', '+=', '-=', '*=', '/=', '%=', '^=') && ['name', 'field', 'index'].includes(left.is)) {
      const operator = this.#token.text
      this.#at += 1
      this.#newlines()
      return { is: 'assign', operator, target: left, value: this.#expression() }
    }
    return left
  }

  #choice(): Expression {
    const test = this.#or()
    if (!this.#take('?')) return test
    this.#newlines()
    const yes = this.#expression()
    this.#newlines()
    this.#need(':')
    this.#newlines()
    return { is: 'choice', test, yes, no: this.#expression() }
  }

  #or(): Expression {
    let left = this.#and()
    while (this.#take('||')) { this.#newlines(); left = { is: 'or', left, right: this.#and() } }
    return left
  }

  #and(): Expression {
    let left = this.#membership()
    while (this.#take('&&')) { this.#newlines(); left = { is: 'and', left, right: this.#membership() } }
    return left
  }

  #membership(): Expression {
    let left = this.#match()
    while (!this.#noIn && this.#is('in')) { this.#at += 1; const name = this.#token.text; this.#at += 1; left = { is: 'in', keys: [left], name } }
    return left
  }

  #match(): Expression {
    let left = this.#comparison()
    while (this.#is('~', '!~')) { const negated = this.#token.text === '!~'; this.#at += 1; left = { is: 'match', negated, left, right: this.#comparison() } }
    return left
  }

  #comparison(): Expression {
    const left = this.#concatenation()
    if (this.#is('<', '<=', '==', '!=', '>=') || (!this.#noGreater && this.#is('>'))) {
      const operator = this.#token.text
      this.#at += 1
      return { is: 'binary', operator, left, right: this.#concatenation() }
    }
    return left
  }

  #startsValue(): boolean {
    const { type } = this.#token
    return type === 'number' || type === 'string' || type === 'name' || type === 'call' || this.#is('$', '!', '(', '-', '+', '++', '--') && !this.#is('-', '+')
  }

  #concatenation(): Expression {
    let left = this.#additive()
    for (;;) {
      if (this.#is('|') && this.#tokens[this.#at + 1]?.text === 'getline') { this.#at += 2; left = { is: 'getline', target: this.#lvalue(), command: left }; continue }
      if (!this.#startsValue() || this.#is('in')) return left
      left = { is: 'binary', operator: ' ', left, right: this.#additive() }
    }
  }

  #additive(): Expression {
    let left = this.#multiplicative()
    while (this.#is('+', '-')) { const operator = this.#token.text; this.#at += 1; left = { is: 'binary', operator, left, right: this.#multiplicative() } }
    return left
  }

  #multiplicative(): Expression {
    let left = this.#unary()
    while (this.#is('*', '/', '%')) { const operator = this.#token.text; this.#at += 1; left = { is: 'binary', operator, left, right: this.#unary() } }
    return left
  }

  #unary(): Expression {
    if (this.#is('!', '-', '+')) { const operator = this.#token.text; this.#at += 1; return { is: 'unary', operator, operand: this.#unary() } }
    return this.#power()
  }

  #power(): Expression {
    const left = this.#postfix()
    if (this.#take('^')) return { is: 'binary', operator: '^', left, right: this.#is('-', '+', '!') ? this.#unary() : this.#power() }
    return left
  }

  #postfix(): Expression {
    const left = this.#primary()
    if (['name', 'field', 'index'].includes(left.is)) {
      if (this.#take('++')) return { is: 'step', by: 1, before: false, target: left }
      if (this.#take('--')) return { is: 'step', by: -1, before: false, target: left }
    }
    return left
  }

  #lvalue(): Expression | undefined {
    if (this.#is('$')) return this.#primary()
    return this.#token.type === 'name' && !AWK_FUNCTIONS.has(this.#token.text) ? this.#primary() : undefined
  }

  #primary(): Expression {
    const { type, text } = this.#token
    this.#at += 1
    switch (type) {
      case 'number': return { is: 'number', value: Number(text) }
      case 'string': return { is: 'string', value: text }
      case 'regex': return { is: 'regex', source: text }
      case 'call': this.#need('('); return { is: 'call', name: text, args: this.#inParentheses() }
      case 'name':
        if (AWK_FUNCTIONS.has(text)) return { is: 'call', name: text, args: this.#take('(') ? this.#inParentheses() : [] }
        if (this.#take('[')) return { is: 'index', name: text, keys: this.#list(']') }
        return { is: 'name', name: text }
      case 'word':
        if (text === 'getline') {
          const target = this.#lvalue()
          if (this.#take('<')) return { is: 'getline', target, file: this.#primary() }
          return { is: 'getline', target }
        }
        break
      case 'op':
        if (text === '$') return { is: 'field', index: this.#is('++', '--') ? this.#primary() : this.#is('-') ? this.#unary() : this.#primary() }
        if (text === '++' || text === '--') return { is: 'step', by: text === '++' ? 1 : -1, before: true, target: this.#primary() }
        if (text === '-' || text === '+' || text === '!') return { is: 'unary', operator: text, operand: this.#unary() }
        if (text === '(') {
          const outer = this.#noGreater
          this.#noGreater = false
          const values = this.#expressions()
          this.#newlines()
          this.#need(')')
          this.#noGreater = outer
          if (values.length > 1) { this.#need('in'); const name = this.#token.text; this.#at += 1; return { is: 'in', keys: values, name } }
          return { is: 'group', inner: values[0]! }
        }
    }
    this.#at -= 1
    return this.#fail()
  }

  #inParentheses(): Expression[] {
    const outer = this.#noGreater
    this.#noGreater = false
    const values = this.#list(')')
    this.#noGreater = outer
    return values
  }
}
