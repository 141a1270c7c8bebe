import { AGGREGATES } from './ast.ts'

export type TokenKind = 'eof' | 'identifier' | 'metric identifier' | 'string' | 'number' | 'duration' | 'operator' | 'keyword' | 'aggregator' | 'sign'

export interface Token { kind: TokenKind; text: string; from: number; to: number; /** Of strings: what they say. */ value?: string }

const KEYWORDS = new Set(['offset', 'by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'bool', 'smoothed', 'anchored', 'fill', 'fill_left', 'fill_right'])
const WORD_OPERATORS = new Set(['and', 'or', 'unless', 'atan2'])

/** A mistake in a query, at a place of its text. */
export class PromqlError extends Error {
  constructor(text: string, at: number, message: string) {
    const before = text.slice(0, at)
    const line = before.split('\n').length
    super(`${line}:${at - before.lastIndexOf('\n')}: parse error: ${message}`)
  }
}

const quotedSign = (sign: string) => sign === "'" ? `'\\''` : `'${sign}'`

/** The words of a query. @throws PromqlError in the words of promql/parser/lex.go */
export function lex(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  let parens = 0
  let inBraces = false
  let inBrackets = false
  const fail = (message: string, where = at): never => { throw new PromqlError(text, where, message) }
  const add = (kind: TokenKind, from: number, to: number, value?: string) => {
    tokens.push({ kind, text: text.slice(from, to), from, to, ...(value === undefined ? {} : { value }) })
    at = to
  }
  while (at < text.length) {
    const sign = text[at]!
    const two = text.slice(at, at + 2)
    if (/\s/.test(sign)) { at++; continue }
    if (sign === '#') { while (at < text.length && text[at] !== '\n') at++; continue }
    if (sign === '"' || sign === "'" || sign === '`') { const [to, value] = readString(text, at, fail); add('string', at, to, value); continue }
    if (inBraces) {
      if (sign === '}') { inBraces = false; add('sign', at, at + 1) }
      else if (sign === '{') fail(`unexpected left brace ${quotedSign(sign)}`)
      else if (sign === ',') add('sign', at, at + 1)
      else if (two === '=~' || two === '!~' || two === '!=') add('operator', at, at + 2)
      else if (sign === '=') add('operator', at, at + 1)
      else if (sign === '!') fail(`unexpected character after '!' inside braces: ${quotedSign(text[at + 1] ?? '')}`)
      else if (/[a-zA-Z_]/.test(sign)) add('identifier', at, at + /^[a-zA-Z_][a-zA-Z0-9_]*/.exec(text.slice(at))![0].length)
      else fail(`unexpected character inside braces: ${quotedSign(sign)}`)
      continue
    }
    if (sign === '{') { inBraces = true; add('sign', at, at + 1); continue }
    if (sign === '}') fail(`unexpected right brace ${quotedSign(sign)}`)
    if (sign === ',') { add('sign', at, at + 1); continue }
    if (sign === '(') { parens++; add('sign', at, at + 1); continue }
    if (sign === ')') { if (--parens < 0) fail(`unexpected right parenthesis ${quotedSign(sign)}`); add('sign', at, at + 1); continue }
    if (sign === '[') { if (inBrackets) fail(`unexpected left bracket ${quotedSign(sign)}`); inBrackets = true; add('sign', at, at + 1); continue }
    if (sign === ']') { if (!inBrackets) fail(`unexpected right bracket ${quotedSign(sign)}`); inBrackets = false; add('sign', at, at + 1); continue }
    if (sign === '@') { add('sign', at, at + 1); continue }
    if (sign === ':' && inBrackets) { add('sign', at, at + 1); continue }
    if (['==', '!=', '<=', '>=', '=~', '!~'].includes(two)) { add('operator', at, at + 2); continue }
    if (sign === '=') { add('operator', at, at + 1); continue }
    if (sign === '!') fail(`unexpected character after '!': ${quotedSign(text[at + 1] ?? '')}`)
    if ('+-*/%^<>'.includes(sign)) { add('operator', at, at + 1); continue }
    if (/[0-9]/.test(sign) || (sign === '.' && /[0-9]/.test(text[at + 1] ?? ''))) { readNumber(); continue }
    if (/[a-zA-Z_:]/.test(sign)) {
      const word = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(text.slice(at))![0]
      const lower = word.toLowerCase()
      if (inBrackets && sign === ':') fail(`unexpected colon ${quotedSign(sign)}`)
      if (KEYWORDS.has(lower)) add('keyword', at, at + word.length)
      else if (WORD_OPERATORS.has(lower)) add('operator', at, at + word.length)
      else if (AGGREGATES.has(lower)) add('aggregator', at, at + word.length)
      else if (lower === 'inf' || lower === 'nan') add('number', at, at + word.length)
      else add(word.includes(':') ? 'metric identifier' : 'identifier', at, at + word.length)
      continue
    }
    fail(`unexpected character: ${quotedSign(String.fromCodePoint(text.codePointAt(at)!))}`)
  }
  if (inBraces) fail('unexpected end of input inside braces')
  if (parens > 0) fail('unclosed left parenthesis')
  if (inBrackets) fail('unclosed left bracket')
  tokens.push({ kind: 'eof', text: '', from: text.length, to: text.length })
  return tokens

  function readNumber(): void {
    const rest = text.slice(at)
    const duration = /^(?:\d+(?:ms|[smhdwy]))+/.exec(rest)?.[0]
    const number = /^(?:0[xX][0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/.exec(rest)![0]
    const found = duration !== undefined && duration.length >= number.length ? duration : number
    const next = rest[found.length]
    if (next !== undefined && /[a-zA-Z0-9_]/.test(next)) {
      const whole = /^[\w.]+/.exec(rest)![0]
      fail(`bad number or duration syntax: ${JSON.stringify(whole.slice(0, found.length + 1))}`)
    }
    add(found === duration ? 'duration' : 'number', at, at + found.length)
  }
}

const ESCAPES: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\' }

function readString(text: string, from: number, fail: (message: string) => never): [to: number, value: string] {
  const quote = text[from]!
  let value = ''
  for (let at = from + 1; at < text.length; at++) {
    const sign = text[at]!
    if (sign === quote) return [at + 1, value]
    if (quote === '`') { value += sign; continue }
    if (sign === '\n') break
    if (sign !== '\\') { value += sign; continue }
    const escape = text[++at]
    if (escape === undefined) return fail('escape sequence not terminated')
    const simple = escape === quote ? quote : ESCAPES[escape]
    if (simple !== undefined) { value += simple; continue }
    const length = { x: 2, u: 4, U: 8 }[escape]
    if (length !== undefined) {
      const digits = text.slice(at + 1, at + 1 + length)
      if (!new RegExp(`^[0-9a-fA-F]{${length}}$`).test(digits)) return fail('escape sequence not terminated')
      if (parseInt(digits, 16) > 0x10ffff) return fail('escape sequence is an invalid Unicode code point')
      value += String.fromCodePoint(parseInt(digits, 16))
      at += length
      continue
    }
    const octal = /^[0-7]{3}/.exec(text.slice(at))?.[0]
    if (octal === undefined) return fail(`unknown escape sequence U+${escape.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')} ${quotedSign(escape)}`)
    value += String.fromCharCode(parseInt(octal, 8))
    at += 2
  }
  return fail(quote === '`' ? 'unterminated raw string' : 'unterminated quoted string')
}

/** How a message names a word. */
export function tokenText({ kind, text }: Token): string {
  if (kind === 'eof') return 'end of input'
  const shown = kind === 'keyword' ? `<${text}>` : kind === 'operator' ? `<op:${text}>` : kind === 'aggregator' ? `<aggr:${text}>`
    : kind === 'identifier' || kind === 'metric identifier' || text.length <= 10 ? JSON.stringify(text) : `${JSON.stringify(text.slice(0, 10))}...`
  return kind === 'identifier' || kind === 'metric identifier' || kind === 'string' || kind === 'number' || kind === 'duration' ? `${kind} ${shown}` : shown
}
