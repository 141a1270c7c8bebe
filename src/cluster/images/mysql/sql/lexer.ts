import { SqlError } from './errors.ts'

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'hex' | 'bits' | 'operator' | 'variable' | 'end'

/** A piece of a statement. `text` is the value: a string without quotes, an operator as written. */
export interface Token {
  kind: TokenKind
  text: string
  start: number
  end: number
}

const OPERATORS = ['->>', '<=>', '||', '&&', '<<', '>>', '<=', '>=', '<>', '!=', ':=', '->']
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', 0: '\0', Z: '\x1a' }

/** ER_PARSE_ERROR for what stands at an offset of the statement. */
export function syntaxError(sql: string, at: number): SqlError {
  const line = sql.slice(0, at).split('\n').length
  return new SqlError(1064, `You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near '${sql.slice(at, at + 80)}' at line ${line}`)
}

/** Cuts a statement into tokens. @throws SqlError for text that can't be one. */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = []
  let i = 0
  /** Inside of a version comment, whose content counts. */
  let conditional = false
  const push = (kind: TokenKind, text: string, start: number) => tokens.push({ kind, text, start, end: i })
  while (i < sql.length) {
    const start = i
    const char = sql[i]!
    if (/\s/.test(char)) { i += 1; continue }
    if (char === '#' || (char === '-' && sql[i + 1] === '-' && (i + 2 >= sql.length || /\s/.test(sql[i + 2]!)))) {
      while (i < sql.length && sql[i] !== '\n') i += 1
      continue
    }
    if (char === '/' && sql[i + 1] === '*') {
      const version = /^\/\*!\d*/.exec(sql.slice(i, i + 12))
      if (version) { conditional = true; i += version[0].length; continue }
      const end = sql.indexOf('*/', i + 2)
      if (end < 0) throw syntaxError(sql, i)
      i = end + 2
      continue
    }
    if (conditional && char === '*' && sql[i + 1] === '/') { conditional = false; i += 2; continue }
    if (char === "'" || char === '"' || char === '`') {
      let text = ''
      for (i += 1; ; i += 1) {
        if (i >= sql.length) throw syntaxError(sql, start)
        const c = sql[i]!
        if (c === char) {
          if (sql[i + 1] !== char) break
          text += char
          i += 1
        } else if (c === '\\' && char !== '`') {
          i += 1
          const escaped = sql[i] ?? ''
          // The wildcards keep their backslash: it means something in a pattern.
          text += escaped === '%' || escaped === '_' ? `\\${escaped}` : ESCAPES[escaped] ?? escaped
        } else text += c
      }
      i += 1
      push(char === '`' ? 'quoted' : 'string', text, start)
      continue
    }
    const special = /^(?:0x([0-9a-fA-F]+)|[xX]'([0-9a-fA-F]*)'|0b([01]+)|[bB]'([01]*)')(?![\w$])/.exec(sql.slice(i, i + 4096))
    if (special) {
      i += special[0].length
      const hex = special[1] ?? special[2]
      push(hex === undefined ? 'bits' : 'hex', hex ?? special[3] ?? special[4]!, start)
      continue
    }
    const number = /^(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/.exec(sql.slice(i, i + 400))
    const word = /^[A-Za-z0-9_$\u0080-\uffff]+/.exec(sql.slice(i, i + 400))
    const afterDot = sql[i - 1] === '.' && tokens[tokens.length - 1]?.text === '.'
    if (number && (char === '.' || afterDot || !word || number[0].length >= word[0].length) && !(afterDot && word)) {
      i += number[0].length
      push('number', number[0], start)
      continue
    }
    if (word) {
      i += word[0].length
      push('word', word[0], start)
      continue
    }
    const variable = /^@@?(?:[A-Za-z0-9_$.]+|`[^`]*`)?/.exec(sql.slice(i, i + 200))
    if (variable) {
      i += variable[0].length
      push('variable', variable[0].replaceAll('`', ''), start)
      continue
    }
    const operator = OPERATORS.find((each) => sql.startsWith(each, i)) ?? char
    i += operator.length
    push('operator', operator, start)
  }
  tokens.push({ kind: 'end', text: '', start: sql.length, end: sql.length })
  return tokens
}
