/**
 * What go-yaml objects to in a text, in its words and with its line: a scanner and a parser that keep nothing but the place.
 * Only asked for texts that can't be read. k8s: go.yaml.in/yaml/v2 scannerc.go, parserc.go, decode.go fail
 */

type TokenType =
  | 'stream end' | 'directive' | 'document start' | 'document end' | 'block sequence start' | 'block mapping start' | 'block end' | 'block entry'
  | 'flow sequence start' | 'flow sequence end' | 'flow mapping start' | 'flow mapping end' | 'flow entry' | 'key' | 'value' | 'alias' | 'anchor' | 'tag' | 'scalar'

/** Zero-based. */
interface Mark {
  index: number
  line: number
  column: number
}

interface Token {
  type: TokenType
  start: Mark
  /** Name of an anchor, handle of a tag. */
  name?: string
}

/** Something that turns into a key as soon as a colon follows. */
interface SimpleKey {
  possible: boolean
  /** It stands where only a key may stand. */
  required: boolean
  /** Which of all tokens it is. */
  number: number
  mark: Mark
}

class Objection extends Error {}

/** The first objection to the first document of a text, `yaml: line 3: did not find expected key`; undefined when there is none. */
export function goYamlObjection(text: string): string | undefined {
  try {
    new DocumentCheck(new Scanner([...text])).document()
    return undefined
  } catch (error) {
    if (error instanceof Objection) return `yaml: ${error.message}`
    // Nested deeper than this machine can follow.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

const located = (line: number, what: string) => new Objection(line === 0 ? what : `line ${line}: ${what}`)

/** Longest text of a key, in characters. */
const MAX_KEY_LENGTH = 1024
const BREAK = /^[\r\n\x85\u2028\u2029]$/
const WORD = /^[0-9A-Za-z_-]$/
const TAG_URI = /^[0-9A-Za-z_\-;/?:@&=+$,.!~*'()[\]%]$/
const ESCAPES = new Map<string, number>([...'0abt\tnvfre "\'\\N_LP'].map((each): [string, number] => [each, 0]))
ESCAPES.set('x', 2).set('u', 4).set('U', 8)

class Scanner {
  readonly #chars: readonly string[]
  #mark: Mark = { index: 0, line: 0, column: 0 }
  #tokens: Token[] = []
  #taken = 0
  #indent = -1
  #indents: number[] = []
  #flowLevel = 0
  #keys: SimpleKey[] = [{ possible: false, required: false, number: -1, mark: this.#mark }]
  /** Where in {@link #keys} the key stands that begins with a token. */
  readonly #keyOfToken = new Map<number, number>()
  #keyAllowed = true

  constructor(chars: readonly string[]) {
    this.#chars = chars
  }

  /** The next token, which stays the next. */
  peek(): Token {
    while (this.#tokens.length === 0 || this.#headMayBeKey()) this.#fetch()
    return this.#tokens[0]!
  }

  /** Takes the token that was peeked at. */
  take(): void {
    this.#tokens.shift()
    this.#taken++
  }

  #headMayBeKey(): boolean {
    const place = this.#keyOfToken.get(this.#taken)
    return place !== undefined && this.#valid(this.#keys[place]!)
  }

  #at(ahead = 0): string { return this.#chars[this.#mark.index + ahead] ?? '' }
  #isBreak(ahead = 0): boolean { return BREAK.test(this.#at(ahead)) }
  #isBlank(ahead = 0): boolean { return this.#at(ahead) === ' ' || this.#at(ahead) === '\t' }
  #isEnd(ahead = 0): boolean { return this.#mark.index + ahead >= this.#chars.length }
  #isBlankOrEnd(ahead = 0): boolean { return this.#isBlank(ahead) || this.#isBreak(ahead) || this.#isEnd(ahead) }

  #skip(count = 1): void {
    const { index, line, column } = this.#mark
    this.#mark = { index: index + count, line, column: column + count }
  }

  #skipLine(): void {
    const { index, line } = this.#mark
    this.#mark = { index: index + (this.#at() === '\r' && this.#at(1) === '\n' ? 2 : 1), line: line + 1, column: 0 }
  }

  #skipComment(): void {
    if (this.#at() === '#') while (!this.#isBreak() && !this.#isEnd()) this.#skip()
  }

  #object(what: string): Objection {
    return located(this.#mark.line === 0 ? 0 : this.#mark.line + 1, what)
  }

  #add(type: TokenType, start = this.#mark, place = this.#tokens.length, name?: string): void {
    this.#tokens.splice(place < 0 ? this.#tokens.length : place, 0, { type, start, ...(name === undefined ? {} : { name }) })
  }

  #addIndicator(type: TokenType, length = 1): void {
    const start = this.#mark
    this.#skip(length)
    this.#add(type, start)
  }

  #valid(key: SimpleKey): boolean {
    if (!key.possible) return false
    if (key.mark.line >= this.#mark.line && key.mark.index + MAX_KEY_LENGTH >= this.#mark.index) return true
    if (key.required) throw this.#object("could not find expected ':'")
    key.possible = false
    return false
  }

  #saveKey(): void {
    if (!this.#keyAllowed) return
    this.#removeKey()
    const number = this.#taken + this.#tokens.length
    this.#keys[this.#keys.length - 1] = { possible: true, required: this.#flowLevel === 0 && this.#indent === this.#mark.column, number, mark: this.#mark }
    this.#keyOfToken.set(number, this.#keys.length - 1)
  }

  #removeKey(): void {
    const key = this.#keys.at(-1)!
    if (!key.possible) return
    if (key.required) throw this.#object("could not find expected ':'")
    key.possible = false
    this.#keyOfToken.delete(key.number)
  }

  #rollIndent(column: number, type: TokenType, mark: Mark, place?: number): void {
    if (this.#flowLevel > 0 || this.#indent >= column) return
    this.#indents.push(this.#indent)
    this.#indent = column
    this.#add(type, mark, place)
  }

  #unrollIndent(column: number): void {
    if (this.#flowLevel > 0) return
    while (this.#indent > column) {
      this.#add('block end')
      this.#indent = this.#indents.pop()!
    }
  }

  #isDocumentIndicator(sign: string): boolean {
    return this.#mark.column === 0 && this.#at() === sign && this.#at(1) === sign && this.#at(2) === sign && this.#isBlankOrEnd(3)
  }

  #fetch(): void {
    this.#skipToToken()
    this.#unrollIndent(this.#mark.column)
    const sign = this.#at()
    const inFlow = this.#flowLevel > 0
    if (this.#isEnd()) return this.#fetchEnd()
    if (this.#mark.column === 0 && sign === '%') return this.#fetchDirective()
    if (this.#isDocumentIndicator('-')) return this.#fetchDocumentIndicator('document start')
    if (this.#isDocumentIndicator('.')) return this.#fetchDocumentIndicator('document end')
    switch (sign) {
      case '[': return this.#fetchFlowStart('flow sequence start')
      case '{': return this.#fetchFlowStart('flow mapping start')
      case ']': return this.#fetchFlowEnd('flow sequence end')
      case '}': return this.#fetchFlowEnd('flow mapping end')
      case ',':
        this.#removeKey()
        this.#keyAllowed = true
        return this.#addIndicator('flow entry')
      case '*': case '&': return this.#fetchAnchor(sign)
      case '!': return this.#fetchTag()
      case '\'': case '"': return this.#fetchQuoted(sign)
    }
    if (sign === '-' && this.#isBlankOrEnd(1)) return this.#fetchBlockEntry()
    if (sign === '?' && (inFlow || this.#isBlankOrEnd(1))) return this.#fetchKey()
    if (sign === ':' && (inFlow || this.#isBlankOrEnd(1))) return this.#fetchValue()
    if ((sign === '|' || sign === '>') && !inFlow) return this.#fetchBlockScalar()
    const starts = !this.#isBlankOrEnd() && !'-?:#|>%@`'.includes(sign)
    if (starts || (sign === '-' && !this.#isBlank(1)) || (!inFlow && (sign === '?' || sign === ':'))) return this.#fetchPlain()
    throw this.#object('found character that cannot start any token')
  }

  #skipToToken(): void {
    for (;;) {
      if (this.#mark.column === 0 && this.#at() === '\ufeff') this.#skip()
      // A tab may not stand where it would be indentation.
      while (this.#at() === ' ' || ((this.#flowLevel > 0 || !this.#keyAllowed) && this.#at() === '\t')) this.#skip()
      this.#skipComment()
      if (!this.#isBreak()) return
      this.#skipLine()
      if (this.#flowLevel === 0) this.#keyAllowed = true
    }
  }

  #fetchEnd(): void {
    if (this.#mark.column !== 0) this.#mark = { ...this.#mark, line: this.#mark.line + 1, column: 0 }
    this.#unrollIndent(-1)
    this.#removeKey()
    this.#keyAllowed = false
    this.#add('stream end')
  }

  #fetchDirective(): void {
    this.#unrollIndent(-1)
    this.#removeKey()
    this.#keyAllowed = false
    const start = this.#mark
    this.#skip()
    let name = ''
    for (; WORD.test(this.#at()); this.#skip()) name += this.#at()
    if (name === '') throw this.#object('could not find expected directive name')
    if (!this.#isBlankOrEnd()) throw this.#object('found unexpected non-alphabetical character')
    if (name !== 'YAML' && name !== 'TAG') throw this.#object('found unknown directive name')
    let value = ''
    for (; !this.#isBreak() && !this.#isEnd(); this.#skip()) value += this.#at()
    this.#add('directive', start, undefined, `${name}${value}`)
  }

  #fetchDocumentIndicator(type: TokenType): void {
    this.#unrollIndent(-1)
    this.#removeKey()
    this.#keyAllowed = false
    this.#addIndicator(type, 3)
  }

  #fetchFlowStart(type: TokenType): void {
    this.#saveKey()
    this.#keys.push({ possible: false, required: false, number: this.#taken + this.#tokens.length, mark: this.#mark })
    this.#flowLevel++
    this.#keyAllowed = true
    this.#addIndicator(type)
  }

  #fetchFlowEnd(type: TokenType): void {
    this.#removeKey()
    if (this.#flowLevel > 0) {
      this.#flowLevel--
      this.#keyOfToken.delete(this.#keys.pop()!.number)
    }
    this.#keyAllowed = false
    this.#addIndicator(type)
  }

  #fetchBlockEntry(): void {
    if (this.#flowLevel === 0) {
      if (!this.#keyAllowed) throw this.#object('block sequence entries are not allowed in this context')
      this.#rollIndent(this.#mark.column, 'block sequence start', this.#mark)
    }
    this.#removeKey()
    this.#keyAllowed = true
    this.#addIndicator('block entry')
  }

  #fetchKey(): void {
    if (this.#flowLevel === 0) {
      if (!this.#keyAllowed) throw this.#object('mapping keys are not allowed in this context')
      this.#rollIndent(this.#mark.column, 'block mapping start', this.#mark)
    }
    this.#removeKey()
    this.#keyAllowed = this.#flowLevel === 0
    this.#addIndicator('key')
  }

  #fetchValue(): void {
    const key = this.#keys.at(-1)!
    if (this.#valid(key)) {
      const place = key.number - this.#taken
      this.#add('key', key.mark, place)
      this.#rollIndent(key.mark.column, 'block mapping start', key.mark, place)
      key.possible = false
      this.#keyOfToken.delete(key.number)
      this.#keyAllowed = false
    } else {
      if (this.#flowLevel === 0) {
        if (!this.#keyAllowed) throw this.#object('mapping values are not allowed in this context')
        this.#rollIndent(this.#mark.column, 'block mapping start', this.#mark)
      }
      this.#keyAllowed = this.#flowLevel === 0
    }
    this.#addIndicator('value')
  }

  #fetchAnchor(sign: '*' | '&'): void {
    this.#saveKey()
    this.#keyAllowed = false
    const start = this.#mark
    this.#skip()
    let name = ''
    for (; WORD.test(this.#at()); this.#skip()) name += this.#at()
    if (name === '' || !(this.#isBlankOrEnd() || '?:,]}%@`'.includes(this.#at()))) throw this.#object('did not find expected alphabetic or numeric character')
    this.#add(sign === '*' ? 'alias' : 'anchor', start, undefined, name)
  }

  #fetchTag(): void {
    this.#saveKey()
    this.#keyAllowed = false
    const start = this.#mark
    let handle = ''
    if (this.#at(1) === '<') {
      this.#skip(2)
      this.#skipTagUri(false)
      if (this.#at() !== '>') throw this.#object("did not find the expected '>'")
      this.#skip()
    } else {
      this.#skip()
      let name = ''
      for (; WORD.test(this.#at()); this.#skip()) name += this.#at()
      if (this.#at() === '!') {
        handle = `!${name}!`
        this.#skip()
      }
      this.#skipTagUri(handle === '')
    }
    if (!this.#isBlankOrEnd()) throw this.#object('did not find expected whitespace or line break')
    this.#add('tag', start, undefined, handle)
  }

  #skipTagUri(mayBeEmpty: boolean): void {
    const from = this.#mark.index
    while (TAG_URI.test(this.#at())) {
      if (this.#at() === '%' && !/^[0-9A-Fa-f]{2}$/.test(this.#at(1) + this.#at(2))) throw this.#object('did not find URI escaped octet')
      this.#skip(this.#at() === '%' ? 3 : 1)
    }
    if (this.#mark.index === from && !mayBeEmpty) throw this.#object('did not find expected tag URI')
  }

  #fetchBlockScalar(): void {
    this.#removeKey()
    this.#keyAllowed = true
    const start = this.#mark
    this.#skip()
    let increment = 0
    let chomps = false
    for (;;) {
      if (!chomps && (this.#at() === '+' || this.#at() === '-')) chomps = true
      else if (increment === 0 && /^\d$/.test(this.#at())) {
        if (this.#at() === '0') throw this.#object('found an indentation indicator equal to 0')
        increment = Number(this.#at())
      } else break
      this.#skip()
    }
    while (this.#isBlank()) this.#skip()
    this.#skipComment()
    if (!this.#isBreak() && !this.#isEnd()) throw this.#object('did not find expected comment or line break')
    if (this.#isBreak()) this.#skipLine()
    let indent = this.#skipEmptyLines(increment === 0 ? 0 : Math.max(this.#indent, 0) + increment)
    while (this.#mark.column === indent && !this.#isEnd()) {
      while (!this.#isBreak() && !this.#isEnd()) this.#skip()
      if (this.#isBreak()) this.#skipLine()
      indent = this.#skipEmptyLines(indent)
    }
    this.#add('scalar', start)
  }

  /** Goes to the first line of a block scalar that has text; the indentation, found if it isn't known (0). */
  #skipEmptyLines(indent: number): number {
    let widest = 0
    for (;;) {
      while ((indent === 0 || this.#mark.column < indent) && this.#at() === ' ') this.#skip()
      widest = Math.max(widest, this.#mark.column)
      if ((indent === 0 || this.#mark.column < indent) && this.#at() === '\t') throw this.#object('found a tab character where an indentation space is expected')
      if (!this.#isBreak()) break
      this.#skipLine()
    }
    return indent === 0 ? Math.max(widest, this.#indent + 1, 1) : indent
  }

  #fetchQuoted(quote: '\'' | '"'): void {
    this.#saveKey()
    this.#keyAllowed = false
    const start = this.#mark
    this.#skip()
    for (;;) {
      if (this.#isDocumentIndicator('-') || this.#isDocumentIndicator('.')) throw this.#object('found unexpected document indicator')
      if (this.#isEnd()) throw this.#object('found unexpected end of stream')
      while (!this.#isBlankOrEnd()) {
        if (quote === '\'' && this.#at() === '\'' && this.#at(1) === '\'') this.#skip(2)
        else if (this.#at() === quote) break
        else if (quote === '"' && this.#at() === '\\') {
          if (this.#isBreak(1)) {
            this.#skip()
            this.#skipLine()
            break
          }
          this.#skipEscape()
        } else this.#skip()
      }
      if (this.#at() === quote) break
      while (this.#isBlank() || this.#isBreak()) this.#isBlank() ? this.#skip() : this.#skipLine()
    }
    this.#skip()
    this.#add('scalar', start)
  }

  #skipEscape(): void {
    const length = ESCAPES.get(this.#at(1))
    if (length === undefined) throw this.#object('found unknown escape character')
    this.#skip(2)
    let code = ''
    for (let i = 0; i < length; i++) code += /^[0-9A-Fa-f]$/.test(this.#at(i)) ? this.#at(i) : ' '
    if (code.includes(' ')) throw this.#object('did not find expected hexdecimal number')
    const value = Number.parseInt(code || '0', 16)
    if ((value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff) throw this.#object('found invalid Unicode character escape code')
    this.#skip(length)
  }

  #fetchPlain(): void {
    this.#saveKey()
    this.#keyAllowed = false
    const start = this.#mark
    const indent = this.#indent + 1
    let overLines = false
    for (;;) {
      if (this.#isDocumentIndicator('-') || this.#isDocumentIndicator('.') || this.#at() === '#') break
      while (!this.#isBlankOrEnd()) {
        if ((this.#at() === ':' && this.#isBlankOrEnd(1)) || (this.#flowLevel > 0 && ',?[]{}'.includes(this.#at()))) break
        overLines = false
        this.#skip()
      }
      if (!this.#isBlank() && !this.#isBreak()) break
      while (this.#isBlank() || this.#isBreak()) {
        if (this.#isBreak()) {
          this.#skipLine()
          overLines = true
          continue
        }
        if (overLines && this.#mark.column < indent && this.#at() === '\t') throw this.#object('found a tab character that violates indentation')
        this.#skip()
      }
      if (this.#flowLevel === 0 && this.#mark.column < indent) break
    }
    this.#add('scalar', start)
    if (overLines) this.#keyAllowed = true
  }
}

/** Follows the grammar of one document. */
class DocumentCheck {
  readonly #scanner: Scanner
  readonly #anchors = new Set<string>()
  readonly #handles = new Set(['', '!!'])

  constructor(scanner: Scanner) {
    this.#scanner = scanner
  }

  document(): void {
    if (this.#is('stream end')) return
    if (this.#is('directive', 'document start')) {
      this.#directives()
      if (!this.#accept('document start')) throw this.#object('did not find expected <document start>')
      if (this.#is('directive', 'document start', 'document end', 'stream end')) return
    }
    this.#node(true, false)
    this.#scanner.peek()
  }

  #is(...types: TokenType[]): boolean { return types.includes(this.#scanner.peek().type) }

  #accept(type: TokenType): boolean {
    if (this.#scanner.peek().type !== type) return false
    this.#scanner.take()
    return true
  }

  #object(what: string, { start } = this.#scanner.peek()): Objection {
    return located(start.line, what)
  }

  #directives(): void {
    let versioned = false
    while (this.#is('directive')) {
      const [name, value, ...rest] = this.#scanner.peek().name!.split(/\s+/)
      if (name === 'YAML') {
        if (versioned) throw this.#object('found duplicate %YAML directive')
        if (value !== '1.1' || rest.some((each) => each !== '' && !each.startsWith('#'))) throw this.#object('found incompatible YAML document')
        versioned = true
      } else this.#handles.add(value ?? '')
      this.#scanner.take()
    }
  }

  #node(block: boolean, indentless: boolean): void {
    if (this.#is('alias')) {
      const { name } = this.#scanner.peek()
      if (!this.#anchors.has(name!)) throw new Objection(`unknown anchor '${name}' referenced`)
      return this.#scanner.take()
    }
    const first = this.#scanner.peek()
    let tag: Token | undefined
    let anchor: Token | undefined
    for (let token = first; (token.type === 'anchor' && !anchor) || (token.type === 'tag' && !tag); token = this.#scanner.peek()) {
      if (token.type === 'anchor') this.#anchors.add((anchor = token).name!)
      else tag = token
      this.#scanner.take()
    }
    if (tag && !this.#handles.has(tag.name!)) throw this.#object('found undefined tag handle', tag)
    if (indentless && this.#is('block entry')) return this.#indentlessSequence()
    switch (this.#scanner.peek().type) {
      case 'scalar': return this.#scanner.take()
      case 'flow sequence start': return this.#flowSequence()
      case 'flow mapping start': return this.#flowMapping()
      case 'block sequence start': if (block) return this.#blockSequence(); break
      case 'block mapping start': if (block) return this.#blockMapping(); break
    }
    if (!anchor && !tag) throw this.#object('did not find expected node content')
  }

  #blockSequence(): void {
    this.#scanner.take()
    while (this.#accept('block entry')) if (!this.#is('block entry', 'block end')) this.#node(true, false)
    if (!this.#accept('block end')) throw this.#object("did not find expected '-' indicator")
  }

  #indentlessSequence(): void {
    while (this.#accept('block entry')) if (!this.#is('block entry', 'key', 'value', 'block end')) this.#node(true, false)
  }

  #blockMapping(): void {
    this.#scanner.take()
    while (this.#accept('key')) {
      if (!this.#is('key', 'value', 'block end')) this.#node(true, true)
      if (this.#accept('value') && !this.#is('key', 'value', 'block end')) this.#node(true, true)
    }
    if (!this.#accept('block end')) throw this.#object('did not find expected key')
  }

  #flowSequence(): void {
    this.#scanner.take()
    for (let first = true; !this.#is('flow sequence end'); first = false) {
      if (!first && !this.#accept('flow entry')) throw this.#object("did not find expected ',' or ']'")
      if (this.#accept('key')) {
        if (this.#is('value', 'flow entry', 'flow sequence end')) this.#scanner.take()
        else this.#node(false, false)
        if (this.#accept('value') && !this.#is('flow entry', 'flow sequence end')) this.#node(false, false)
      } else if (!this.#is('flow sequence end')) this.#node(false, false)
      else break
    }
    this.#scanner.take()
  }

  #flowMapping(): void {
    this.#scanner.take()
    for (let first = true; !this.#is('flow mapping end'); first = false) {
      if (!first && !this.#accept('flow entry')) throw this.#object("did not find expected ',' or '}'")
      if (this.#accept('key')) {
        if (!this.#is('value', 'flow entry', 'flow mapping end')) this.#node(false, false)
        if (this.#accept('value') && !this.#is('flow entry', 'flow mapping end')) this.#node(false, false)
      } else if (!this.#is('flow mapping end')) this.#node(false, false)
      else break
    }
    this.#scanner.take()
  }
}
