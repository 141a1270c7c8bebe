import { ShellSyntaxError } from './ast.ts'
import type { Assignment, Case, Command, List, Redirect, SimpleCommand, Word, WordPart } from './ast.ts'
import { WordReader, plainText } from './words.ts'
import type { Cursor } from './words.ts'

interface Token {
  kind: 'word' | 'operator' | 'newline' | 'end' | 'io-number'
  text: string
  word?: Word
  line: number
  /** Where it starts in the text. */
  start: number
}

const OPERATORS = ['<<<', '<<-', '&>>', ';;&', '&&', '||', ';;', ';&', '<<', '>>', '<&', '>&', '<>', '>|', '&>', '|&', '|', '&', ';', '<', '>', '(', ')']
const REDIRECTS = new Set(['<<<', '<<-', '&>>', '<<', '>>', '<&', '>&', '<>', '>|', '&>', '<', '>'])
const RESERVED = new Set(['if', 'then', 'else', 'elif', 'fi', 'do', 'done', 'case', 'esac', 'while', 'until', 'for', '{', '}', '!', 'in', 'function', '[['])
/** Words that end a list. */
const CLOSERS = new Set(['then', 'else', 'elif', 'fi', 'do', 'done', 'esac', '}'])

export interface ParserOptions {
  /** Asked at each command, as the one before may have changed them. */
  aliases?: () => ReadonlyMap<string, string> | undefined
  /** Number of the first line. */
  line?: number
}

/** Parses shell text one complete command line at a time, so that what comes first runs before a later mistake is seen. */
export class Parser {
  readonly #cursor: Cursor
  readonly #words: WordReader
  readonly #aliases: () => ReadonlyMap<string, string> | undefined
  #token: Token | undefined
  #hereDocuments: { redirect: Redirect; delimiter: string; strip: boolean; quoted: boolean }[] = []
  /** Aliases being expanded: a name isn't expanded inside itself. */
  #expanding: { name: string; until: number }[] = []

  constructor(text: string, options: ParserOptions = {}) {
    this.#cursor = { text, at: 0, line: options.line ?? 1 }
    this.#aliases = options.aliases ?? (() => undefined)
    this.#words = new WordReader(this.#cursor, () => this.#nestedList(), (inner, line) => new Parser(inner, { ...options, line }).all())
  }

  get line(): number {
    return this.#cursor.line
  }

  /** How far the text has been consumed. */
  get position(): number {
    return this.#token ? this.#token.start : this.#cursor.at
  }

  /** The next line of commands; undefined at the end. @throws ShellSyntaxError */
  next(): List | undefined {
    while (this.#peek().kind === 'newline') this.#take()
    if (this.#peek().kind === 'end') return undefined
    const list = this.#list(true)
    const token = this.#peek()
    if (token.kind === 'newline') this.#take()
    else if (token.kind !== 'end') this.#unexpected(token)
    return list
  }

  /** Everything as one list. */
  all(): List {
    const list: List = { kind: 'list', items: [] }
    for (let line = this.next(); line; line = this.next()) list.items.push(...line.items)
    return list
  }

  /** Commands up to a closing parenthesis, and how much text they took with it. */
  nested(): { list: List; length: number } {
    const list = this.#nestedList()
    return { list, length: this.#cursor.at }
  }

  // --- tokens ----------------------------------------------------------------------------------------------------------------------

  #peek(): Token {
    return this.#token ??= this.#lex()
  }

  #take(): Token {
    const token = this.#peek()
    this.#token = undefined
    return token
  }

  #lex(): Token {
    const words = this.#words
    for (;;) {
      const char = words.peek()
      if (char === ' ' || char === '\t' || char === '\r' && words.peek(1) === '\n') words.take()
      else if (char === '\\' && words.peek(1) === '\n') { words.take(); words.take() }
      else if (char === '#') while (words.peek() !== '\n' && words.peek() !== '') words.take()
      else break
    }
    const start = this.#cursor.at
    const line = this.#cursor.line
    const char = words.peek()
    if (char === '') {
      if (this.#hereDocuments.length > 0) this.#readHereDocuments()
      return { kind: 'end', text: 'end of file', line, start }
    }
    if (char === '\n') {
      words.take()
      if (this.#hereDocuments.length > 0) this.#readHereDocuments()
      return { kind: 'newline', text: 'newline', line, start }
    }
    const isProcess = (char === '<' || char === '>') && words.peek(1) === '('
    if (!isProcess) {
      const operator = OPERATORS.find((each) => words.startsWith(each))
      if (operator) {
        this.#cursor.at += operator.length
        return { kind: 'operator', text: operator, line, start }
      }
    }
    const number = /^\d+(?=[<>])/.exec(this.#cursor.text.slice(start, start + 12))
    if (number) {
      this.#cursor.at += number[0].length
      return { kind: 'io-number', text: number[0], line, start }
    }
    const word = words.word()
    return { kind: 'word', text: word.text, word, line, start }
  }

  #readHereDocuments(): void {
    const pending = this.#hereDocuments
    this.#hereDocuments = []
    for (const { redirect, delimiter, strip, quoted } of pending) {
      const { text } = this.#cursor
      const line = this.#cursor.line
      let body = ''
      for (;;) {
        // dash takes the end of the text for the end of the document; a terminal may still bring more.
        if (this.#cursor.at >= text.length) { this.endedInHereDocument = true; break }
        const end = text.indexOf('\n', this.#cursor.at)
        let row = text.slice(this.#cursor.at, end < 0 ? text.length : end)
        this.#cursor.at = end < 0 ? text.length : end + 1
        this.#cursor.line += 1
        if (strip) row = row.replace(/^\t+/, '')
        if (row === delimiter) break
        body += row + (end < 0 ? '' : '\n')
      }
      if (quoted) redirect.body = { parts: [{ kind: 'literal', text: body, quoted: true }], text: body }
      else {
        const reader = new WordReader({ text: body, at: 0, line }, (cursor) => nestedIn(cursor), (inner, innerLine) => new Parser(inner, { line: innerLine }).all())
        redirect.body = { parts: reader.quotedParts('', line), text: body }
      }
    }
  }

  /** Whether a here-document lacked its end. */
  endedInHereDocument = false

  #unexpected(token: Token, expecting?: string): never {
    throw new ShellSyntaxError(token.kind === 'word' || token.kind === 'operator' || token.kind === 'io-number' ? token.text : token.kind === 'newline' ? 'newline' : 'end of file', token.line, { incomplete: token.kind === 'end', ...(expecting ? { expecting } : {}) })
  }

  #isOperator(...texts: string[]): boolean {
    const token = this.#peek()
    return token.kind === 'operator' && texts.includes(token.text)
  }

  /** The reserved word that comes next, if any. */
  #reserved(): string | undefined {
    const token = this.#peek()
    if (token.kind !== 'word') return undefined
    const text = plainText(token.word!)
    return text !== undefined && RESERVED.has(text) ? text : undefined
  }

  #expect(text: string): void {
    const token = this.#peek()
    const matches = token.kind === 'operator' ? token.text === text : token.kind === 'word' && plainText(token.word!) === text
    if (!matches) this.#unexpected(token, text)
    this.#take()
  }

  #skipNewlines(): void {
    while (this.#peek().kind === 'newline') this.#take()
  }

  // --- grammar ---------------------------------------------------------------------------------------------------------------------

  #nestedList(): List {
    this.#token = undefined
    const list = this.#list(false)
    const token = this.#peek()
    if (!this.#isOperator(')')) this.#unexpected(token, ')')
    this.#token = undefined
    return list
  }

  /** Commands up to something that can't start one; a single line if `oneLine`. */
  #list(oneLine: boolean): List {
    const list: List = { kind: 'list', items: [] }
    if (!oneLine) this.#skipNewlines()
    for (;;) {
      const token = this.#peek()
      if (token.kind === 'end' || token.kind === 'newline') break
      if (token.kind === 'operator' && [')', ';;', ';&', ';;&'].includes(token.text)) break
      const word = this.#reserved()
      if (word && CLOSERS.has(word)) { if (oneLine) this.#unexpected(token); break }
      const start = token.start
      const command = this.#andOr()
      const text = this.#cursor.text.slice(start, this.#peek().start).trim()
      const background = this.#isOperator('&')
      list.items.push({ command, background, text })
      if (this.#isOperator('&', ';')) {
        this.#take()
        if (!oneLine) this.#skipNewlines()
      } else if (this.#peek().kind === 'newline' && !oneLine) this.#skipNewlines()
      else break
    }
    return list
  }

  /** A list that must contain a command. */
  #body(): List {
    const list = this.#list(false)
    if (list.items.length === 0) this.#unexpected(this.#peek())
    return list
  }

  #andOr(): Command {
    let left = this.#pipeline()
    while (this.#isOperator('&&', '||')) {
      const operator = this.#take().text as '&&' | '||'
      this.#skipNewlines()
      left = { kind: 'and-or', left, operator, right: this.#pipeline() }
    }
    return left
  }

  #pipeline(): Command {
    let negated = false
    let timed = false
    for (;;) {
      if (this.#reserved() === '!') { this.#take(); negated = !negated }
      else if (this.#peek().kind === 'word' && plainText(this.#peek().word!) === 'time' && !timed) { this.#take(); timed = true }
      else break
    }
    const commands = [this.#command()]
    const stderrToo: boolean[] = []
    while (this.#isOperator('|', '|&')) {
      stderrToo.push(this.#take().text === '|&')
      this.#skipNewlines()
      commands.push(this.#command())
    }
    if (commands.length === 1 && !negated && !timed) return commands[0]!
    return { kind: 'pipeline', commands, negated, stderrToo, ...(timed ? { timed } : {}) }
  }

  #command(): Command {
    this.#expandAlias()
    const token = this.#peek()
    if (token.kind === 'operator' && token.text === '(') {
      if (this.#cursor.text[token.start + 1] === '(') {
        const arithmetic = this.#arithmeticCommand(token)
        if (arithmetic) return { ...arithmetic, redirects: this.#redirects() }
      }
      this.#take()
      const body = this.#body()
      this.#expect(')')
      return { kind: 'subshell', body, redirects: this.#redirects() }
    }
    if (token.kind === 'operator' && !REDIRECTS.has(token.text)) this.#unexpected(token)
    if (token.kind === 'end' || token.kind === 'newline') this.#unexpected(token)
    switch (this.#reserved()) {
      case '{': {
        this.#take()
        const body = this.#body()
        this.#expect('}')
        return { kind: 'group', body, redirects: this.#redirects() }
      }
      case 'if': return this.#if()
      case 'while': case 'until': {
        const until = this.#take().text === 'until'
        const condition = this.#body()
        return { kind: 'loop', until, condition, body: this.#doGroup(), redirects: this.#redirects() }
      }
      case 'for': return this.#for()
      case 'case': return this.#case()
      case 'function': return this.#functionKeyword()
      case '[[': return this.#conditional()
      case undefined: case 'in': return this.#simple()
      default: return this.#unexpected(token)
    }
  }

  #arithmeticCommand(token: Token): { kind: 'arithmetic'; expression: Word } | undefined {
    const saved = { at: this.#cursor.at, line: this.#cursor.line }
    this.#cursor.at = token.start + 2
    const expression = this.#words.arithmeticText()
    if (expression) { this.#token = undefined; return { kind: 'arithmetic', expression } }
    Object.assign(this.#cursor, saved)
    return undefined
  }

  #doGroup(): List {
    this.#expect('do')
    const body = this.#body()
    this.#expect('done')
    return body
  }

  #if(): Command {
    const branches: { condition: List; body: List }[] = []
    let otherwise: List | undefined
    this.#take()
    for (;;) {
      const condition = this.#body()
      this.#expect('then')
      branches.push({ condition, body: this.#body() })
      const next = this.#reserved()
      if (next === 'elif') { this.#take(); continue }
      if (next === 'else') { this.#take(); otherwise = this.#body() }
      this.#expect('fi')
      return { kind: 'if', branches, ...(otherwise ? { otherwise } : {}), redirects: this.#redirects() }
    }
  }

  #for(): Command {
    this.#take()
    const token = this.#peek()
    if (token.kind === 'operator' && token.text === '(' && this.#cursor.text[token.start + 1] === '(') {
      const expression = this.#arithmeticCommand(token)
      if (!expression) return this.#unexpected(token)
      const [start, condition, step] = splitForExpressions(expression.expression)
      if (this.#isOperator(';')) this.#take()
      this.#skipNewlines()
      return { kind: 'counted-for', start: start!, condition: condition!, step: step!, body: this.#braceOrDo(), redirects: this.#redirects() }
    }
    this.#take()
    const name = token.word ? plainText(token.word) : undefined
    if (name === undefined || !/^[A-Za-z_]\w*$/.test(name)) throw new ShellSyntaxError(token.text, token.line, { message: 'Bad for loop variable' })
    let words: Word[] | undefined
    this.#skipNewlines()
    if (this.#reserved() === 'in') {
      this.#take()
      words = []
      while (this.#peek().kind === 'word' || this.#peek().kind === 'io-number') { const taken = this.#take(); words.push(taken.word ?? literal(taken.text)) }
      if (this.#isOperator(';')) this.#take()
      else if (this.#peek().kind !== 'newline') this.#unexpected(this.#peek())
    } else if (this.#isOperator(';')) this.#take()
    this.#skipNewlines()
    const body = this.#braceOrDo()
    return { kind: 'for', name, ...(words ? { words } : {}), body, redirects: this.#redirects() }
  }

  #braceOrDo(): List {
    if (this.#reserved() !== '{') return this.#doGroup()
    this.#take()
    const body = this.#body()
    this.#expect('}')
    return body
  }

  #case(): Command {
    this.#take()
    const token = this.#take()
    if (token.kind !== 'word') this.#unexpected(token)
    this.#skipNewlines()
    this.#expect('in')
    this.#skipNewlines()
    const arms: Case['arms'] = []
    while (this.#reserved() !== 'esac') {
      if (this.#isOperator('(')) this.#take()
      const patterns: Word[] = []
      for (;;) {
        const pattern = this.#take()
        if (pattern.kind !== 'word' && pattern.kind !== 'io-number') this.#unexpected(pattern)
        patterns.push(pattern.word ?? literal(pattern.text))
        if (!this.#isOperator('|')) break
        this.#take()
      }
      this.#expect(')')
      const body = this.#list(false)
      const arm: Case['arms'][number] = { patterns, body, next: ';;' }
      arms.push(arm)
      if (this.#isOperator(';;', ';&', ';;&')) { arm.next = this.#take().text as ';;'; this.#skipNewlines() }
      else if (this.#reserved() !== 'esac') this.#unexpected(this.#peek(), ';;')
    }
    this.#take()
    return { kind: 'case', word: token.word!, arms, redirects: this.#redirects() }
  }

  #functionKeyword(): Command {
    const start = this.#take().start
    const token = this.#take()
    if (token.kind !== 'word') this.#unexpected(token)
    if (this.#isOperator('(')) { this.#take(); this.#expect(')') }
    this.#skipNewlines()
    const body = this.#command()
    return { kind: 'function', name: token.text, body, text: this.#cursor.text.slice(start, this.position).trim() }
  }

  #conditional(): Command {
    const line = this.#take().line
    const words: Word[] = []
    for (;;) {
      const token = this.#peek()
      if (token.kind === 'end') this.#unexpected(token, ']]')
      if (token.kind === 'newline') { this.#take(); continue }
      if (token.kind === 'word' && plainText(token.word!) === ']]') { this.#take(); break }
      const before = words[words.length - 1]
      // The right side of =~ may contain parentheses and bars.
      if (before && plainText(before) === '=~') {
        this.#cursor.at = token.start
        this.#token = undefined
        words.push(this.#regexWord())
        continue
      }
      this.#take()
      words.push(token.kind === 'word' ? token.word! : literal(token.text))
    }
    return { kind: 'conditional', words, redirects: this.#redirects(), line }
  }

  #regexWord(): Word {
    let depth = 0
    const { text } = this.#cursor
    let end = this.#cursor.at
    for (; end < text.length; end++) {
      const char = text[end]!
      if (char === '\\') { end += 1; continue }
      if (char === '"' || char === "'") { const close = text.indexOf(char, end + 1); if (close > 0) end = close; continue }
      if (char === '(') depth += 1
      else if (char === ')') depth -= 1
      else if (/\s/.test(char) && depth <= 0) break
    }
    const raw = text.slice(this.#cursor.at, end)
    this.#cursor.at = end
    // Read it as a word whose metacharacters are ordinary.
    const reader = new WordReader({ text: raw.replace(/[()|<>;&]/g, '\\$&').replace(/\\\\(?=[()|<>;&])/g, '\\'), at: 0, line: this.#cursor.line }, (cursor) => nestedIn(cursor), (inner, line) => new Parser(inner, { line }).all())
    const word = reader.word()
    return { parts: word.parts.map((part) => part.kind === 'literal' && part.quoted && '()|<>;&'.includes(part.text) ? { ...part, quoted: false } : part), text: raw }
  }

  #simple(): Command {
    const first = this.#peek()
    const command: SimpleCommand = { kind: 'simple', assignments: [], words: [], redirects: [], line: first.line }
    for (;;) {
      const token = this.#peek()
      if (token.kind === 'io-number' || (token.kind === 'operator' && REDIRECTS.has(token.text))) {
        command.redirects.push(this.#redirect())
        continue
      }
      if (token.kind !== 'word') {
        if (command.words.length === 1 && command.assignments.length === 0 && this.#isOperator('(')) return this.#functionDefinition(command, first)
        break
      }
      if (command.words.length === 0) {
        const assignment = this.#assignment(token)
        if (assignment) { command.assignments.push(assignment); if (command.redirects.length === 0) this.#expandAlias(); continue }
      } else if (isDeclaration(command.words[0]!)) {
        const assignment = this.#assignment(token)
        if (assignment?.elements) (command.declared ??= []).push(assignment)
        if (assignment) { command.words.push(declarationWord(assignment, token)); continue }
      }
      command.words.push(this.#take().word!)
    }
    if (command.words.length === 0 && command.assignments.length === 0 && command.redirects.length === 0) this.#unexpected(first)
    return command
  }

  #functionDefinition(command: SimpleCommand, first: Token): Command {
    const name = plainText(command.words[0]!)
    if (name === undefined) return this.#unexpected(this.#peek())
    this.#take()
    this.#expect(')')
    this.#skipNewlines()
    const body = this.#command()
    return { kind: 'function', name, body, text: this.#cursor.text.slice(first.start, this.position).trim() }
  }

  /** `name=value`, `name+=value`, `name[i]=value`, `name=(...)`; consumes the token if it is one. */
  #assignment(token: Token): Assignment | undefined {
    const part = token.word!.parts[0]
    if (part?.kind !== 'literal' || part.quoted) return undefined
    const match = /^([A-Za-z_]\w*)(\[([^\]]*)\])?(\+?)=/.exec(part.text)
    const subscripted = match ? undefined : subscriptedAssignment(token)
    if (subscripted) {
      this.#take()
      return subscripted
    }
    if (!match) return undefined
    this.#take()
    const rest = part.text.slice(match[0].length)
    const value: Word = { parts: [...(rest ? [{ ...part, text: rest }] : []), ...token.word!.parts.slice(1)], text: token.text.slice(match[0].length) }
    const assignment: Assignment = { name: match[1]!, value, append: match[4] === '+', ...(match[3] !== undefined ? { index: literal(match[3]) } : {}) }
    if (value.text === '' && this.#cursor.text[this.#cursor.at] === '(' && !this.#token) {
      this.#cursor.at += 1
      assignment.elements = []
      for (;;) {
        const next = this.#take()
        if (next.kind === 'newline') continue
        if (next.kind === 'operator' && next.text === ')') break
        if (next.kind !== 'word' && next.kind !== 'io-number') this.#unexpected(next, ')')
        assignment.elements.push(next.word ?? literal(next.text))
      }
    }
    return assignment
  }

  #redirects(): Redirect[] {
    const redirects: Redirect[] = []
    for (;;) {
      const token = this.#peek()
      if (token.kind !== 'io-number' && !(token.kind === 'operator' && REDIRECTS.has(token.text))) return redirects
      redirects.push(this.#redirect())
    }
  }

  #redirect(): Redirect {
    let fd: number | undefined
    if (this.#peek().kind === 'io-number') fd = Number(this.#take().text)
    const operator = this.#take()
    const target = this.#take()
    if (target.kind !== 'word' && target.kind !== 'io-number') this.#unexpected(target)
    const word = target.word ?? literal(target.text)
    if (operator.text !== '<<' && operator.text !== '<<-') return { fd, operator: operator.text as Redirect['operator'], target: word }
    const redirect: Redirect = { fd, operator: '<<', target: word }
    const quoted = /['"\\]/.test(word.text)
    this.#hereDocuments.push({ redirect, delimiter: unquote(word), strip: operator.text === '<<-', quoted })
    return redirect
  }

  /** Replaces an alias in command position by its text. */
  #expandAlias(): void {
    const aliases = this.#aliases()
    if (!aliases?.size) return
    const token = this.#peek()
    this.#expanding = this.#expanding.filter((each) => token.start < each.until)
    const name = token.kind === 'word' ? plainText(token.word!) : undefined
    const text = name === undefined ? undefined : aliases.get(name)
    if (text === undefined || this.#expanding.some((each) => each.name === name)) return
    const after = this.#cursor.text.slice(token.start + name!.length)
    const added = `${text} `
    this.#expanding = this.#expanding.map((each) => ({ ...each, until: each.until + added.length - name!.length }))
    this.#expanding.push({ name: name!, until: token.start + added.length })
    this.#cursor.text = this.#cursor.text.slice(0, token.start) + added + after
    this.#cursor.at = token.start
    this.#token = undefined
    this.#expandAlias()
  }
}

function nestedIn(cursor: Cursor): List {
  // The nested commands end at the parenthesis that closes them; parse the rest and see how far it went.
  const parser = new Parser(cursor.text.slice(cursor.at), { line: cursor.line })
  const { list, length } = parser.nested()
  cursor.at += length
  return list
}

/** `name[$key]=value`, whose subscript is more than plain text. */
function subscriptedAssignment(token: Token): Assignment | undefined {
  const [first, ...others] = token.word!.parts
  const opened = first?.kind === 'literal' ? /^([A-Za-z_]\w*)\[([^\]]*)$/.exec(first.text) : undefined
  const end = others.findIndex((part) => part.kind === 'literal' && !part.quoted && part.text.includes(']'))
  const last = others[end]
  if (!opened || last?.kind !== 'literal') return undefined
  const closed = /^([^\]]*)\](\+?)=([\s\S]*)$/.exec(last.text)
  if (!closed) return undefined
  const text = (piece: string): WordPart[] => piece === '' ? [] : [{ kind: 'literal', text: piece, quoted: false }]
  const at = token.text.search(/\]\+?=/)
  return {
    name: opened[1]!, append: closed[2] === '+', index: { parts: [...text(opened[2]!), ...others.slice(0, end), ...text(closed[1]!)], text: token.text.slice(opened[1]!.length + 1, at) },
    value: { parts: [...text(closed[3]!), ...others.slice(end + 1)], text: token.text.slice(token.text.indexOf('=', at) + 1) },
  }
}

function isDeclaration(word: Word): boolean {
  return ['export', 'readonly', 'local', 'declare', 'typeset', 'alias'].includes(plainText(word) ?? '')
}

/** The argument of `export name=value`: its value is expanded without splitting, like an assignment's. */
function declarationWord(assignment: Assignment, token: Token): Word {
  if (assignment.elements) return literal(assignment.name)
  return { parts: [{ kind: 'literal', text: `${assignment.name}${assignment.append ? '+' : ''}=`, quoted: true }, { kind: 'double', parts: assignment.value.parts }], text: token.text }
}

function literal(text: string): Word {
  return { parts: [{ kind: 'literal', text, quoted: false }], text }
}

function unquote(word: Word): string {
  return word.parts.map((part) => part.kind === 'literal' ? part.text : part.kind === 'double' ? part.parts.map((p) => p.kind === 'literal' ? p.text : '').join('') : word.text).join('')
}

function splitForExpressions(word: Word): Word[] {
  const out: Word[] = [{ parts: [], text: '' }]
  for (const part of word.parts) {
    if (part.kind !== 'literal') { out[out.length - 1]!.parts.push(part); continue }
    part.text.split(';').forEach((text, i) => {
      if (i > 0) out.push({ parts: [], text: '' })
      if (text) out[out.length - 1]!.parts.push({ ...part, text })
    })
  }
  while (out.length < 3) out.push({ parts: [], text: '' })
  return out
}
