/**
 * Reads JSON as Go's decoder does: finds duplicate keys, words errors the same way, survives deep nesting, `__proto__` and huge numbers.
 */
import { setOwn } from '../../base/freeze.ts'

/** Text that is no JSON (or YAML), in upstream's words. */
export class SyntaxProblem extends Error {}

/** Keys that came more than once, by the object they came in. */
export type DuplicateKeys = Map<object, string[]>

/** k8s: sigs.k8s.io/json maxNestingDepth */
const MAX_DEPTH = 10_000

const QUOTE = 34
const BACKSLASH = 92

/**
 * How numbers were written that JavaScript would write otherwise (`3.0`, `1e2`, `1.10`), or that take more than 32 bits, by the object or list they are in
 * and their key or index.
 */
export type SpelledNumbers = Map<object, Map<string, string>>

const spelledIn = new WeakMap<object, SpelledNumbers>()

/** What a parsed text had of those. Go doesn't read them as integers, though JavaScript has but one number. */
export function spelledNumbers(document: unknown): SpelledNumbers | undefined {
  return typeof document === 'object' && document !== null ? spelledIn.get(document) : undefined
}

/** Says of a document made from `source` how its numbers were written there: merged member by member, lists as they are. */
export function carrySpelledNumbers(source: unknown, document: unknown): void {
  carrySpelledParts(source, document, [[source, document]])
}

/** The same where parts of `source` went to certain places of the document: pairs of what was there and what is here. */
export function carrySpelledParts(source: unknown, document: unknown, parts: readonly (readonly [unknown, unknown, Readonly<Record<string, string>>?])[]): void {
  const spelled = spelledNumbers(source)
  if (!spelled || typeof document !== 'object' || document === null) return
  const carried: SpelledNumbers = new Map()
  const walk = (from: unknown, to: unknown, renamed?: Readonly<Record<string, string>>) => {
    const nameOf = (key: string) => renamed && Object.hasOwn(renamed, key) ? renamed[key]! : key
    if (typeof from !== 'object' || from === null || typeof to !== 'object' || to === null) return
    for (const [key, literal] of spelled.get(from) ?? []) {
      const members = carried.get(to) ?? new Map<string, string>()
      carried.set(to, members.set(nameOf(key), literal))
    }
    for (const [key, value] of Object.entries(from)) if (Object.hasOwn(to, nameOf(key))) walk(value, (to as Record<string, unknown>)[nameOf(key)])
  }
  for (const [from, to, renamed] of parts) walk(from, to, renamed)
  if (carried.size > 0) spelledIn.set(document, carried)
}

/**
 * The same of a document that came through YAML on its way to JSON: of what fits into 64 bits the digits stay, everything else has its shortest form.
 * k8s: sigs.k8s.io/yaml convertToJSONableObject
 */
export function carryBigNumbers(source: unknown, document: unknown): void {
  carrySpelledNumbers(source, document)
  for (const [container, members] of spelledNumbers(document) ?? []) {
    for (const [key, literal] of members) {
      const value = (container as Record<string, number>)[key]!
      if (!Number.isInteger(value) || Math.abs(value) < 2 ** 31) members.delete(key)
      else if (!isInt64(literal) && !isUint64(literal)) members.set(key, String(value))
    }
  }
}

const isUint64 = (literal: string) => /^\d+$/.test(literal) && BigInt.asUintN(64, BigInt(literal)) === BigInt(literal)

/** Whether Go reads a number that is written like this as one of 64 bits. */
export function isInt64(literal: string): boolean {
  return /^-?\d+$/.test(literal) && BigInt.asIntN(64, BigInt(literal)) === BigInt(literal)
}

/** Where the members of objects end in the text, in the order of the text. */
export type MemberEnds = Map<object, [key: string, end: number][]>

/** Parses one JSON value of at most this nesting. @throws SyntaxProblem */
export function parseJson(text: string, duplicates: DuplicateKeys = new Map(), maxDepth = MAX_DEPTH, ends?: MemberEnds): unknown {
  return new JsonReader(text, duplicates, maxDepth, ends).document()
}

/** Without recursion, so that nesting can't exhaust the stack. */
class JsonReader {
  readonly #text: string
  readonly #duplicates: DuplicateKeys
  readonly #maxDepth: number
  readonly #ends: MemberEnds | undefined
  #at = 0
  #spelled: SpelledNumbers | undefined
  /** Of the number just read, where it is such a one. */
  #spelling: string | undefined

  constructor(text: string, duplicates: DuplicateKeys, maxDepth: number, ends: MemberEnds | undefined) {
    this.#ends = ends
    this.#text = text
    this.#duplicates = duplicates
    this.#maxDepth = maxDepth
  }

  document(): unknown {
    const stack: (Record<string, unknown> | unknown[])[] = []
    const keys: string[] = []
    let value: unknown
    this.#space()
    for (;;) {
      // A value begins here.
      const c = this.#text.charCodeAt(this.#at)
      let open = false
      if (c === 123 /* { */) {
        this.#at++
        this.#space()
        const object: Record<string, unknown> = {}
        if (this.#text.charCodeAt(this.#at) === 125) {
          this.#at++
          value = object
        } else {
          stack.push(object)
          keys.push(this.#key('looking for beginning of object key string'))
          open = true
        }
      } else if (c === 91 /* [ */) {
        this.#at++
        this.#space()
        const list: unknown[] = []
        if (this.#text.charCodeAt(this.#at) === 93) {
          this.#at++
          value = list
        } else {
          stack.push(list)
          open = true
        }
      } else value = this.#scalar(c)
      if (open) {
        if (stack.length > this.#maxDepth) throw new SyntaxProblem('exceeded max depth')
        continue
      }
      // The value is complete: hand it to its container, and close containers that end.
      for (;;) {
        this.#space()
        const container = stack.at(-1)
        if (container === undefined) {
          if (this.#at < this.#text.length) this.#unexpected('after top-level value')
          if (this.#spelled) spelledIn.set(value as object, this.#spelled)
          return value
        }
        const next = this.#text.charCodeAt(this.#at)
        if (Array.isArray(container)) {
          if (this.#spelling !== undefined) this.#noteSpelling(container, String(container.length))
          container.push(value)
          if (next === 44) {
            this.#at++
            this.#space()
            break
          }
          if (next !== 93) this.#unexpected('after array element')
        } else {
          const key = keys.pop()!
          if (this.#ends) {
            const list = this.#ends.get(container)
            if (list) list.push([key, this.#at])
            else this.#ends.set(container, [[key, this.#at]])
          }
          if (Object.hasOwn(container, key)) {
            const list = this.#duplicates.get(container)
            if (list) list.push(key)
            else this.#duplicates.set(container, [key])
          }
          if (this.#spelling !== undefined) this.#noteSpelling(container, key)
          if (key === '__proto__') setOwn(container, key, value)
          else container[key] = value
          if (next === 44) {
            this.#at++
            this.#space()
            keys.push(this.#key('looking for beginning of object key string'))
            break
          }
          if (next !== 125) this.#unexpected('after object key:value pair')
        }
        this.#at++
        value = container
        stack.pop()
      }
    }
  }

  #noteSpelling(container: object, key: string): void {
    this.#spelled ??= new Map()
    const members = this.#spelled.get(container) ?? new Map<string, string>()
    members.set(key, this.#spelling!)
    this.#spelled.set(container, members)
    this.#spelling = undefined
  }

  #space(): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at)
      if (c === 32 || c === 10 || c === 13 || c === 9) this.#at++
      else return
    }
  }

  #key(context: string): string {
    if (this.#text.charCodeAt(this.#at) !== QUOTE) this.#unexpected(context)
    const key = this.#string()
    this.#space()
    if (this.#text.charCodeAt(this.#at) !== 58) this.#unexpected('after object key')
    this.#at++
    this.#space()
    return key
  }

  #scalar(c: number): unknown {
    if (c === QUOTE) return this.#string()
    if (c === 45 || (c >= 48 && c <= 57)) return this.#number()
    if (c === 116) return this.#literal('true', true)
    if (c === 102) return this.#literal('false', false)
    if (c === 110) return this.#literal('null', null)
    return this.#unexpected('looking for beginning of value')
  }

  #literal<T>(word: string, value: T): T {
    for (let i = 1; i < word.length; i++) {
      this.#at++
      if (this.#text[this.#at] !== word[i]) this.#unexpected(`in literal ${word} (expecting '${word[i]}')`)
    }
    this.#at++
    return value
  }

  #number(): number {
    const start = this.#at
    const text = this.#text
    const digits = (context: string) => {
      if (!isDigit(text.charCodeAt(this.#at))) this.#unexpected(context)
      while (isDigit(text.charCodeAt(this.#at))) this.#at++
    }
    if (text.charCodeAt(this.#at) === 45) this.#at++
    if (text.charCodeAt(this.#at) === 48) this.#at++
    else digits('in numeric literal')
    if (text.charCodeAt(this.#at) === 46) {
      this.#at++
      digits('after decimal point in numeric literal')
    }
    const e = text.charCodeAt(this.#at)
    if (e === 101 || e === 69) {
      this.#at++
      const sign = text.charCodeAt(this.#at)
      if (sign === 43 || sign === 45) this.#at++
      digits('in exponent of numeric literal')
    }
    const literal = text.slice(start, this.#at)
    const value = Number(literal)
    if (!Number.isFinite(value)) throw new SyntaxProblem(`json: cannot unmarshal number ${literal} into Go value of type float64`)
    if (!Number.isInteger(value) ? literal !== String(value) : value >= 2 ** 31 || value < -(2 ** 31) || /[.eE]/.test(literal)) this.#spelling = literal
    return value
  }

  #string(): string {
    const text = this.#text
    const start = ++this.#at
    for (;;) {
      const c = text.charCodeAt(this.#at)
      if (c === QUOTE) return text.slice(start, this.#at++)
      if (c === BACKSLASH) return this.#escapedString(start)
      if (!(c >= 32)) this.#unexpected('in string literal')
      this.#at++
    }
  }

  #escapedString(start: number): string {
    const text = this.#text
    let out = text.slice(start, this.#at)
    let run = this.#at
    for (;;) {
      const c = text.charCodeAt(this.#at)
      if (c === QUOTE) {
        out += text.slice(run, this.#at++)
        // Go has no half surrogates.
        return out.replace(/\p{Surrogate}/gu, '\ufffd')
      }
      if (!(c >= 32)) this.#unexpected('in string literal')
      if (c !== BACKSLASH) {
        this.#at++
        continue
      }
      out += text.slice(run, this.#at++)
      const escape = text[this.#at] ?? ''
      if (escape === 'u') {
        for (let i = 0; i < 4; i++) {
          this.#at++
          if (!/[0-9a-fA-F]/.test(text[this.#at] ?? '')) this.#unexpected('in \\u hexadecimal character escape')
        }
        out += String.fromCharCode(parseInt(text.slice(this.#at - 3, this.#at + 1), 16))
      } else {
        const plain = ESCAPES[escape]
        if (plain === undefined) this.#unexpected('in string escape code')
        out += plain
      }
      run = ++this.#at
    }
  }

  #unexpected(context: string): never {
    if (this.#at >= this.#text.length) throw new SyntaxProblem('unexpected end of JSON input')
    const character = String.fromCodePoint(this.#text.codePointAt(this.#at)!)
    throw new SyntaxProblem(`invalid character ${quoteCharacter(character)} ${context}`)
  }
}

const ESCAPES: Record<string, string> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

function isDigit(c: number): boolean {
  return c >= 48 && c <= 57
}

/** k8s: encoding/json quoteChar (it sees bytes; characters beyond ASCII are shown by their first byte as Latin-1). */
function quoteCharacter(character: string): string {
  if (character === "'") return "'\\''"
  if (character === '"') return `'"'`
  const code = character.codePointAt(0)!
  if (code > 0x7e) {
    const first = new TextEncoder().encode(character)[0]!
    return `'${String.fromCharCode(first)}'`
  }
  const quoted = JSON.stringify(character).slice(1, -1)
  const short = quoted.startsWith('\\u') ? `\\x${quoted.slice(4)}` : quoted
  return `'${short}'`
}
