import { ShellSyntaxError } from './ast.ts'
import type { List, Parameter, Word, WordPart } from './ast.ts'
import { unescapeAnsi } from './escapes.ts'

/** Where the parser stands in its text. */
export interface Cursor {
  text: string
  at: number
  line: number
}

/** Parses commands up to a closing word or character: given by the parser, since words contain commands and commands words. */
export type ParseNested = (cursor: Cursor, until: ')' ) => List

const NAME_START = /[A-Za-z_]/
const NAME_CHAR = /[A-Za-z0-9_]/
const META = new Set([' ', '\t', '\n', ';', '&', '|', '<', '>', '(', ')'])

/** Reads words: quotes, escapes and everything that starts with `$`. */
export class WordReader {
  readonly cursor: Cursor
  readonly #nested: ParseNested
  readonly #parseText: (text: string, line: number) => List

  constructor(cursor: Cursor, nested: ParseNested, parseText: (text: string, line: number) => List) {
    this.cursor = cursor
    this.#nested = nested
    this.#parseText = parseText
  }

  peek(offset = 0): string {
    return this.cursor.text[this.cursor.at + offset] ?? ''
  }

  take(): string {
    const char = this.cursor.text[this.cursor.at] ?? ''
    this.cursor.at += 1
    if (char === '\n') this.cursor.line += 1
    return char
  }

  startsWith(text: string): boolean {
    return this.cursor.text.startsWith(text, this.cursor.at)
  }

  /** A word up to an unquoted operator or blank. `stop` are further characters that end it at depth 0. */
  word(stop = ''): Word {
    const start = this.cursor.at
    const parts = this.#parts((char) => META.has(char) || stop.includes(char))
    return { parts, text: this.cursor.text.slice(start, this.cursor.at) }
  }

  #parts(ends: (char: string) => boolean): WordPart[] {
    const parts: WordPart[] = []
    let text = ''
    const flush = () => { if (text) parts.push({ kind: 'literal', text, quoted: false }); text = '' }
    for (;;) {
      const char = this.peek()
      if (char === '') break
      if ((char === '<' || char === '>') && this.peek(1) === '(') {
        flush()
        this.cursor.at += 2
        parts.push({ kind: 'process', body: this.#nested(this.cursor, ')'), direction: char })
        continue
      }
      if (ends(char)) break
      if (char === '\\') {
        this.take()
        if (this.peek() === '\n') { this.take(); continue }
        if (this.peek() === '') { text += '\\'; continue }
        flush()
        parts.push({ kind: 'literal', text: this.take(), quoted: true })
      } else if (char === "'") {
        flush()
        parts.push({ kind: 'literal', text: this.#single(), quoted: true })
      } else if (char === '"') {
        flush()
        parts.push(this.#double())
      } else if (char === '`') {
        flush()
        parts.push(this.#backquotes(false))
      } else if (char === '$') {
        const part = this.#dollar(false)
        if (typeof part === 'string') text += part
        else { flush(); parts.push(part) }
      } else text += this.take()
    }
    flush()
    return parts
  }

  #single(): string {
    const line = this.cursor.line
    this.take()
    let text = ''
    for (;;) {
      const char = this.take()
      if (char === '') throw new ShellSyntaxError('end of file', line, { incomplete: true, message: 'Unterminated quoted string', quote: "'" })
      if (char === "'") return text
      text += char
    }
  }

  #double(): WordPart {
    const line = this.cursor.line
    this.take()
    const parts = this.quotedParts('"', line)
    this.take()
    return { kind: 'double', parts }
  }

  /** Parts inside double quotes (or a here-document, with end ''), up to but without the end. */
  quotedParts(end: string, line: number): WordPart[] {
    const unfinished = end === '' ? undefined : () => new ShellSyntaxError('end of file', line, { incomplete: true, message: 'Unterminated quoted string', quote: end })
    return this.#quotedRun(end, `$\`\\${end}`, unfinished)
  }

  /**
   * Quoted parts up to one of `ends`. A backslash counts before `escapable` characters and newlines only.
   * @throws what `unfinished` makes when the text ends first; without it the end of the text is the end of the run
   */
  #quotedRun(ends: string, escapable: string, unfinished?: () => ShellSyntaxError): WordPart[] {
    const parts: WordPart[] = []
    let text = ''
    const flush = () => { if (text) parts.push({ kind: 'literal', text, quoted: true }); text = '' }
    for (;;) {
      const char = this.peek()
      if (char === '') {
        if (unfinished) throw unfinished()
        break
      }
      if (ends.includes(char)) break
      if (char === '\\') {
        this.take()
        const next = this.peek()
        if (next === '\n') this.take()
        else if (next !== '' && escapable.includes(next)) text += this.take()
        else text += '\\'
      } else if (char === '`') { flush(); parts.push(this.#backquotes(true)) }
      else if (char === '$') {
        const part = this.#dollar(true)
        if (typeof part === 'string') text += part
        else { flush(); parts.push(part) }
      } else text += this.take()
    }
    flush()
    return parts
  }

  #backquotes(inQuotes: boolean): WordPart {
    const line = this.cursor.line
    this.take()
    let text = ''
    for (;;) {
      const char = this.take()
      if (char === '') throw new ShellSyntaxError('end of file', line, { incomplete: true, message: 'EOF in backquote substitution' })
      if (char === '`') break
      if (char === '\\') {
        const next = this.take()
        text += next === '$' || next === '`' || next === '\\' || (inQuotes && next === '"') ? next : `\\${next}`
      } else text += char
    }
    return { kind: 'command', body: this.#parseText(text, line) }
  }

  /** What follows a `$`; the text itself when it is just a dollar. */
  #dollar(inQuotes: boolean): WordPart | string {
    const next = this.peek(1)
    if (next === '(') {
      if (this.peek(2) === '(') {
        const arithmetic = this.#arithmetic()
        if (arithmetic) return arithmetic
      }
      this.cursor.at += 2
      return { kind: 'command', body: this.#nested(this.cursor, ')') }
    }
    if (next === '{') return this.#braced(inQuotes)
    if (next === "'" && !inQuotes) return this.#ansi()
    if (next === '"' && !inQuotes) { this.take(); return this.#double() }
    if (NAME_START.test(next)) {
      this.take()
      return { kind: 'parameter', name: this.#name() }
    }
    if (next !== '' && '@*#?-$!0123456789'.includes(next)) {
      this.take()
      return { kind: 'parameter', name: this.take() }
    }
    return this.take()
  }

  #name(): string {
    let name = ''
    while (NAME_CHAR.test(this.peek())) name += this.take()
    return name
  }

  #ansi(): WordPart {
    const line = this.cursor.line
    this.take()
    this.take()
    let raw = ''
    for (;;) {
      const char = this.take()
      if (char === '') throw new ShellSyntaxError('end of file', line, { incomplete: true, message: 'Unterminated quoted string', quote: "'" })
      if (char === "'") break
      raw += char
      if (char === '\\') raw += this.take()
    }
    return { kind: 'literal', text: unescapeAnsi(raw), quoted: true }
  }

  /** `$((...))`; undefined when it turns out to be a command substitution that starts with a subshell. */
  #arithmetic(): WordPart | undefined {
    const { at, line } = this.cursor
    this.cursor.at += 3
    const expression = this.arithmeticText()
    if (expression) return { kind: 'arithmetic', expression }
    this.cursor.at = at
    this.cursor.line = line
    return undefined
  }

  /** An expression up to `))`, which is consumed; undefined when there is no such end. */
  arithmeticText(): Word | undefined {
    const start = this.cursor.at
    const parts: WordPart[] = []
    let text = ''
    let depth = 0
    const flush = () => { if (text) parts.push({ kind: 'literal', text, quoted: true }); text = '' }
    for (;;) {
      const char = this.peek()
      if (char === '') { throw new ShellSyntaxError('end of file', this.cursor.line, { incomplete: true, message: "Missing '))'" }) }
      if (char === ')') {
        if (depth === 0) {
          if (this.peek(1) !== ')') return undefined
          const word = { parts, text: this.cursor.text.slice(start, this.cursor.at) }
          flush()
          this.cursor.at += 2
          return word
        }
        depth -= 1
        text += this.take()
      } else if (char === '(') { depth += 1; text += this.take() }
      else if (char === '`') { flush(); parts.push(this.#backquotes(true)) }
      else if (char === '$') {
        const part = this.#dollar(true)
        if (typeof part === 'string') text += part
        else { flush(); parts.push(part) }
      } else if (char === '"' || char === '\\') this.take()
      else text += this.take()
    }
  }

  /** `${...}` */
  #braced(inQuotes: boolean): WordPart {
    const line = this.cursor.line
    const start = this.cursor.at
    this.cursor.at += 2
    const parameter: Parameter = { kind: 'parameter', name: '' }
    const bad = (): never => {
      const end = this.cursor.text.indexOf('}', this.cursor.at)
      if (end < 0) throw new ShellSyntaxError('end of file', line, { incomplete: true, message: "Missing '}'" })
      throw new ShellSyntaxError(this.cursor.text.slice(start, end + 1), line, { message: 'Bad substitution' })
    }
    if (this.peek() === '#' && this.peek(1) !== '}' && !(':-=?+%#/'.includes(this.peek(1)) && this.peek(2) !== '}' )) { parameter.length = true; this.take() }
    else if (this.peek() === '!' && NAME_START.test(this.peek(1))) { parameter.indirect = true; this.take() }
    if (NAME_START.test(this.peek())) parameter.name = this.#name()
    else if (/[0-9]/.test(this.peek())) while (/[0-9]/.test(this.peek())) parameter.name += this.take()
    else if (this.peek() !== '' && '@*#?-$!'.includes(this.peek())) parameter.name = this.take()
    else bad()
    if (this.peek() === '[') {
      this.take()
      parameter.index = { parts: this.#parts((char) => char === ']'), text: '' }
      this.take()
    }
    if (this.peek() === '}') { this.take(); return parameter }
    if (parameter.length) bad()
    const three = ['//', '/#', '/%', ':-', ':=', ':?', ':+', '%%', '##', '^^', ',,', '-', '=', '?', '+', '%', '#', '/', ':', '^', ',', '@']
    const operator = three.find((each) => this.startsWith(each))
    if (operator === undefined) bad()
    this.cursor.at += operator!.length
    parameter.operator = operator!
    const operand = (stop: string): Word => {
      const from = this.cursor.at
      // Patterns keep their own quoting even inside double quotes; defaults inside double quotes are quoted text.
      const isPattern = '%#/^,@'.includes(operator![0]!) || operator === ':'
      const parts = inQuotes && !isPattern ? this.#quotedOperand(line) : this.#parts((char) => char === '}' || stop.includes(char))
      return { parts, text: this.cursor.text.slice(from, this.cursor.at) }
    }
    if (operator![0] === '/') {
      parameter.word = operand('/')
      if (this.peek() === '/') { this.take(); parameter.second = operand('') }
    } else if (operator === ':') {
      parameter.word = operand(':')
      if (this.peek() === ':') { this.take(); parameter.second = operand('') }
    } else parameter.word = operand('')
    if (this.peek() !== '}') throw new ShellSyntaxError('end of file', line, { incomplete: true, message: "Missing '}'" })
    this.take()
    return parameter
  }

  #quotedOperand(line: number): WordPart[] {
    const parts: WordPart[] = []
    const unfinished = () => new ShellSyntaxError('end of file', line, { incomplete: true, message: "Missing '}'" })
    for (;;) {
      parts.push(...this.#quotedRun('}"', '$`\\"}', unfinished))
      if (this.peek() !== '"') return parts
      parts.push(this.#double())
    }
  }
}

/** The text of a word without quotes or expansions; undefined when it has any. */
export function plainText(word: Word): string | undefined {
  if (word.parts.length === 0) return word.text === '' ? '' : undefined
  if (word.parts.length > 1) return undefined
  const part = word.parts[0]!
  return part.kind === 'literal' && !part.quoted ? part.text : undefined
}
