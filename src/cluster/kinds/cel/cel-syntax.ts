/** Reads the Common Expression Language, and says what is wrong with it in the words of the parser that the API server uses (ANTLR's). k8s: cel-go/parser */

/** A place in the text: offset of a character. */
export type Place = number

/** What the checker and the evaluator look at. `optionals`: positions of what is written with a `?` before it. */
export type CelNode =
  | { kind: 'literal'; type: string; at: Place; value?: string }
  | { kind: 'ident'; name: string; at: Place }
  | { kind: 'select'; of: CelNode; field: string; optional: boolean; at: Place }
  | { kind: 'index'; of: CelNode; by: CelNode; optional: boolean; at: Place }
  | { kind: 'call'; name: string; target?: CelNode; args: CelNode[]; at: Place }
  | { kind: 'list'; items: CelNode[]; optionals?: ReadonlySet<number>; at: Place }
  | { kind: 'map'; entries: [CelNode, CelNode][]; optionals?: ReadonlySet<number>; at: Place }
  | { kind: 'message'; type: string; fields: [string, CelNode, Place][]; optionals?: ReadonlySet<number>; at: Place }

/** Something wrong, with its place. */
export interface CelIssue {
  at: Place
  text: string
}

interface Token {
  kind: 'ident' | 'op' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'end'
  text: string
  at: Place
}

const STARTS = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
const INDEX_STARTS = STARTS.replace("'!', ", "'!', '?', ")
const RESERVED = new Set(['as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while'])
const STRING = /(?:(?:[rR][bB]?|[bB][rR])(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"[^"\n\r]*"|'[^'\n\r]*')|[bB]?(?:"""(?:[^\\]|\\[\s\S])*?"""|'''(?:[^\\]|\\[\s\S])*?'''|"(?:[^"\\\n\r]|\\[^\n\r])*"|'(?:[^'\\\n\r]|\\[^\n\r])*'))/y
const ESCAPES = /\\(?:[abfnrtv"'`\\?]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/y
const NUMBER = /(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?|0x[0-9a-fA-F]+[uU]?|\d+[uU]?)/y
const OPERATOR = /(?:==|!=|<=|>=|&&|\|\||[<>[\]{}().,\-!?:+*/%])/y
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y

function tokensOf(text: string, issues: CelIssue[]): Token[] {
  const tokens: Token[] = []
  const at = (pattern: RegExp, i: number): string | undefined => {
    pattern.lastIndex = i
    return pattern.exec(text)?.[0]
  }
  for (let i = 0; i < text.length;) {
    const char = text[i]!
    if (/\s/.test(char)) {
      i++
      continue
    }
    if (text.startsWith('//', i)) {
      const end = text.indexOf('\n', i)
      i = end < 0 ? text.length : end
      continue
    }
    const string = at(STRING, i)
    if (string !== undefined) {
      const quote = string.search(/["']/)
      const bad = /r/i.test(string.slice(0, quote)) ? -1 : badEscape(string)
      if (bad >= 0) {
        issues.push({ at: i, text: `Syntax error: token recognition error at: '${string.slice(0, bad + 2)}'` })
        i += bad + 2
        continue
      }
      tokens.push({ kind: /b/i.test(string.slice(0, quote)) ? 'bytes' : 'string', text: string, at: i })
      i += string.length
      continue
    }
    if (char === '"' || char === "'") {
      const line = /[^\n\r]*/.exec(text.slice(i))![0]
      issues.push({ at: i, text: `Syntax error: token recognition error at: '${line}'` })
      i += line.length
      continue
    }
    const number = at(NUMBER, i)
    if (number !== undefined) {
      tokens.push({ kind: /^0x/.test(number) ? (/u$/i.test(number) ? 'uint' : 'int') : /[.eE]/.test(number) ? 'double' : /u$/i.test(number) ? 'uint' : 'int', text: number, at: i })
      i += number.length
      continue
    }
    const word = at(WORD, i)
    if (word !== undefined) {
      tokens.push({ kind: 'ident', text: word, at: i })
      i += word.length
      continue
    }
    const operator = at(OPERATOR, i)
    if (operator !== undefined) {
      tokens.push({ kind: 'op', text: operator, at: i })
      i += operator.length
      continue
    }
    if (char === '`') {
      const quoted = /^`[A-Za-z0-9_./ -]*`/.exec(text.slice(i))?.[0]
      if (quoted !== undefined) {
        // Kubernetes leaves cel-go's identifiers in backticks switched off.
        issues.push({ at: i, text: "unsupported syntax: '`'" })
        tokens.push({ kind: 'ident', text: quoted.slice(1, -1), at: i })
        i += quoted.length
        continue
      }
    }
    // The beginning of a longer operator takes the character after it along.
    const taken = '=&|'.includes(char) ? text.slice(i, i + 2) : char
    issues.push({ at: i, text: `Syntax error: token recognition error at: '${taken}'` })
    i += taken.length
  }
  tokens.push({ kind: 'end', text: '<EOF>', at: text.length })
  return tokens
}

/** Offset of the first escape that means nothing, or -1. */
function badEscape(string: string): number {
  for (let i = 0; i < string.length; i++) {
    if (string[i] !== '\\') continue
    ESCAPES.lastIndex = i
    const escape = ESCAPES.exec(string)
    if (!escape) return i
    i += escape[0].length - 1
  }
  return -1
}

class Unparsable extends Error {}

/** Whether an expression can begin with it. */
function isStart({ kind, text }: Token): boolean {
  return kind === 'op' ? ['[', '{', '(', '.', '-', '!'].includes(text) : kind !== 'end'
}

/** Parses an expression. Without a node there are issues. */
export function parseCel(text: string): { node?: CelNode; issues: CelIssue[] } {
  const issues: CelIssue[] = []
  const parser = new Parser(tokensOf(text, issues), issues)
  try {
    const node = parser.whole()
    return issues.length > 0 ? { issues } : { node, issues }
  } catch (error) {
    if (error instanceof Unparsable) return { issues }
    throw error
  }
}

/** Whether an expression uses a variable. */
export function mentionsCelName(text: string, name: string): boolean {
  const { node } = parseCel(text)
  const walk = (at: CelNode): boolean => {
    switch (at.kind) {
      case 'literal': return false
      case 'ident': return at.name === name
      case 'select': return walk(at.of)
      case 'index': return walk(at.of) || walk(at.by)
      case 'call': return (at.target !== undefined && walk(at.target)) || at.args.some(walk)
      case 'list': return at.items.some(walk)
      case 'map': return at.entries.some(([key, value]) => walk(key) || walk(value))
      case 'message': return at.fields.some(([, value]) => walk(value))
    }
  }
  return node !== undefined && walk(node)
}

class Parser {
  readonly #tokens: readonly Token[]
  readonly #issues: CelIssue[]
  #i = 0
  constructor(tokens: readonly Token[], issues: CelIssue[]) {
    this.#tokens = tokens
    this.#issues = issues
  }

  get #token(): Token {
    return this.#tokens[this.#i]!
  }
  get #next(): Token {
    return this.#tokens[this.#i + 1] ?? this.#token
  }

  #is(text: string): boolean {
    return this.#token.kind === 'op' && this.#token.text === text
  }

  #take(text: string): Token | undefined {
    if (!this.#is(text)) return undefined
    return this.#tokens[this.#i++]
  }

  #fail(text: string, at = this.#token.at): never {
    this.#issues.push({ at, text: `Syntax error: ${text}` })
    throw new Unparsable()
  }

  /** ANTLR mends what one token more or less would mend, but says so. */
  #expect(text: string): void {
    if (this.#take(text)) return
    const token = this.#token
    if (this.#next !== token && this.#next.kind === 'op' && this.#next.text === text) this.#fail(`extraneous input '${token.text}' expecting '${text}'`)
    if (token.kind === 'end' ? text !== ':' : text === ':' && isStart(token)) this.#fail(`missing '${text}' at '${token.text}'`)
    this.#fail(`mismatched input '${token.text}' expecting '${text}'`)
  }

  whole(): CelNode {
    const node = this.#expression()
    if (this.#token.kind !== 'end') this.#fail(`${this.#next.kind === 'end' ? 'extraneous' : 'mismatched'} input '${this.#token.text}' expecting <EOF>`)
    return node
  }

  #expression(starts = STARTS): CelNode {
    const condition = this.#either(starts)
    const question = this.#take('?')
    if (!question) return condition
    const yes = this.#either(STARTS)
    this.#expect(':')
    return { kind: 'call', name: '_?_:_', args: [condition, yes, this.#expression()], at: question.at }
  }

  #either(starts: string): CelNode {
    let left = this.#both(starts)
    for (let op = this.#take('||'); op; op = this.#take('||')) left = { kind: 'call', name: '_||_', args: [left, this.#both(STARTS)], at: op.at }
    return left
  }

  #both(starts: string): CelNode {
    let left = this.#relation(starts)
    for (let op = this.#take('&&'); op; op = this.#take('&&')) left = { kind: 'call', name: '_&&_', args: [left, this.#relation(STARTS)], at: op.at }
    return left
  }

  #relation(starts: string): CelNode {
    let left = this.#sum(starts)
    for (;;) {
      const token = this.#token
      const isIn = token.kind === 'ident' && token.text === 'in'
      if (!isIn && !(token.kind === 'op' && ['<', '<=', '>=', '>', '==', '!='].includes(token.text))) return left
      this.#i++
      left = { kind: 'call', name: isIn ? '@in' : `_${token.text}_`, args: [left, this.#sum(STARTS)], at: token.at }
    }
  }

  #sum(starts: string): CelNode {
    let left = this.#product(starts)
    for (let op = this.#take('+') ?? this.#take('-'); op; op = this.#take('+') ?? this.#take('-')) left = { kind: 'call', name: `_${op.text}_`, args: [left, this.#product(STARTS)], at: op.at }
    return left
  }

  #product(starts: string): CelNode {
    let left = this.#unary(starts)
    const op = () => this.#take('*') ?? this.#take('/') ?? this.#take('%')
    for (let token = op(); token; token = op()) left = { kind: 'call', name: `_${token.text}_`, args: [left, this.#unary(STARTS)], at: token.at }
    return left
  }

  #unary(starts: string): CelNode {
    for (const sign of ['!', '-']) {
      const first = this.#take(sign)
      if (!first) continue
      let count = 1
      while (this.#take(sign)) count++
      const operand = this.#member(STARTS)
      if (count % 2 === 0) return operand
      if (sign === '-' && operand.kind === 'literal' && (operand.type === 'int' || operand.type === 'double')) return { ...operand, value: `-${operand.value}`, at: first.at }
      return { kind: 'call', name: `${sign}_`, args: [operand], at: first.at }
    }
    return this.#member(starts)
  }

  #member(starts: string): CelNode {
    let node = this.#primary(starts)
    for (;;) {
      const dot = this.#take('.')
      if (dot) {
        const optional = this.#take('?') !== undefined
        if (this.#token.kind !== 'ident') this.#fail(`no viable alternative at input '.${this.#token.kind === 'end' ? '' : this.#token.text}'`)
        const name = this.#tokens[this.#i++]!.text
        const open = optional ? undefined : this.#take('(')
        node = open ? { kind: 'call', name, target: node, args: this.#arguments(), at: open.at } : { kind: 'select', of: node, field: name, optional, at: dot.at }
        continue
      }
      const open = this.#take('[')
      if (!open) return node
      const optional = this.#take('?') !== undefined
      const by = this.#expression(optional ? STARTS : INDEX_STARTS)
      this.#expect(']')
      node = { kind: 'index', of: node, by, optional, at: open.at }
    }
  }

  #arguments(): CelNode[] {
    const args: CelNode[] = []
    if (this.#take(')')) return args
    do args.push(this.#expression())
    while (this.#take(','))
    this.#expect(')')
    return args
  }

  #primary(starts: string): CelNode {
    const token = this.#token
    const { kind, at } = token
    if (kind === 'int' || kind === 'uint' || kind === 'double' || kind === 'string' || kind === 'bytes') {
      this.#i++
      // The least number has no positive counterpart.
      const negative = this.#tokens[this.#i - 2]?.text === '-'
      if (kind === 'int' && BigInt(token.text) > (negative ? 2n ** 63n : 2n ** 63n - 1n)) this.#issues.push({ at, text: 'invalid int literal' })
      if (kind === 'uint' && BigInt(token.text.slice(0, -1)) >= 2n ** 64n) this.#issues.push({ at, text: 'invalid uint literal' })
      if (kind === 'double' && !Number.isFinite(Number(token.text))) this.#issues.push({ at, text: 'invalid double literal' })
      if (kind === 'bytes' && /^b[^r]/i.test(token.text) && /(?<!\\)(?:\\\\)*\\[uU]/.test(token.text)) this.#issues.push({ at, text: 'unable to unescape string' })
      return { kind: 'literal', type: kind, at, value: token.text }
    }
    if (this.#take('(')) {
      const inner = this.#expression()
      this.#expect(')')
      return inner
    }
    if (this.#take('[')) return { kind: 'list', ...this.#items(), at }
    if (this.#take('{')) return { kind: 'map', ...this.#entries(), at }
    const dotted = kind === 'op' && token.text === '.'
    if (dotted) {
      this.#i++
      if (this.#token.kind !== 'ident') this.#fail(`no viable alternative at input '.${this.#token.kind === 'end' ? '' : this.#token.text}'`)
    }
    if (this.#token.kind !== 'ident' || this.#token.text === 'in') this.#noStart(starts)
    const { text: name, at: nameAt } = this.#tokens[this.#i++]!
    if (name === 'true' || name === 'false') return { kind: 'literal', type: 'bool', at: nameAt, value: name }
    if (name === 'null') return { kind: 'literal', type: 'null_type', at: nameAt }
    if (RESERVED.has(name)) this.#issues.push({ at: nameAt, text: `reserved identifier: ${name}` })
    const open = this.#take('(')
    if (open) return { kind: 'call', name, args: this.#arguments(), at: open.at }
    const message = this.#message(name)
    return message ?? { kind: 'ident', name, at: nameAt }
  }

  #noStart(starts: string): never {
    const token = this.#token
    const follows = this.#next
    const mended = token.kind !== 'end' && isStart(follows)
    return this.#fail(`${mended ? 'extraneous' : 'mismatched'} input '${token.text}' expecting ${starts}`)
  }

  #items(): { items: CelNode[]; optionals?: ReadonlySet<number> } {
    const items: CelNode[] = []
    const optionals = new Set<number>()
    while (!this.#take(']')) {
      if (this.#take('?')) optionals.add(items.length)
      items.push(this.#expression())
      if (this.#take(',')) continue
      if (!this.#is(']')) this.#fail(`${this.#next.text === ']' || this.#next.text === ',' ? 'extraneous' : 'mismatched'} input '${this.#token.text}' expecting {']', ','}`)
    }
    return optionals.size > 0 ? { items, optionals } : { items }
  }

  #entries(): { entries: [CelNode, CelNode][]; optionals?: ReadonlySet<number> } {
    const entries: [CelNode, CelNode][] = []
    const optionals = new Set<number>()
    while (!this.#take('}')) {
      if (this.#take('?')) optionals.add(entries.length)
      const key = this.#expression()
      this.#expect(':')
      entries.push([key, this.#expression()])
      if (this.#take(',')) continue
      if (!this.#is('}')) this.#fail(`mismatched input '${this.#token.text}' expecting {'}', ','}`)
    }
    return optionals.size > 0 ? { entries, optionals } : { entries }
  }

  /** `Object.spec{replicas: 1}`: only if the name, dots and all, is followed by a brace. */
  #message(first: string): CelNode | undefined {
    let i = this.#i
    let type = first
    while (this.#tokens[i]?.text === '.' && this.#tokens[i]!.kind === 'op' && this.#tokens[i + 1]?.kind === 'ident') {
      type += `.${this.#tokens[i + 1]!.text}`
      i += 2
    }
    const open = this.#tokens[i]
    if (open?.kind !== 'op' || open.text !== '{') return undefined
    this.#i = i + 1
    const fields: [string, CelNode, Place][] = []
    const optionals = new Set<number>()
    while (!this.#take('}')) {
      if (this.#take('?')) optionals.add(fields.length)
      const name = this.#token
      if (name.kind !== 'ident') this.#fail(`mismatched input '${name.text}' expecting {'}', ','}`)
      this.#i++
      const colon = this.#token.at
      this.#expect(':')
      fields.push([name.text, this.#expression(), colon])
      if (this.#take(',')) continue
      if (!this.#is('}')) this.#fail(`mismatched input '${this.#token.text}' expecting {'}', ','}`)
    }
    return { kind: 'message', type, fields, ...(optionals.size > 0 ? { optionals } : {}), at: open.at }
  }
}
