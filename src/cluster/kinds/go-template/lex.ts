/** Splits a template into texts and the words of its actions. k8s: Go text/template/parse lex.go */

export type TokenKind =
  | 'text' | 'left' | 'right' | 'space' | 'identifier' | 'field' | 'variable' | 'keyword' | 'string' | 'rawString' | 'charConstant' | 'number' | 'bool' | 'nil' | 'dot'
  | 'pipe' | 'assign' | 'declare' | 'leftParen' | 'rightParen' | 'char' | 'error' | 'eof'

export interface Token { kind: TokenKind; text: string; at: number; line: number }

const KEYWORDS = new Set(['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'range', 'template', 'with'])
const isSpace = (c: string | undefined) => c === ' ' || c === '\t' || c === '\r' || c === '\n'
const isAlphaNumeric = (c: string | undefined) => c !== undefined && /[\p{L}\p{Nd}_]/u.test(c)

/** Go's %#U */
const unicodeName = (c: string) => `U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}${/[\x20-\x7e\u00a1-\u{10ffff}]/u.test(c) ? ` '${c}'` : ''}`

/** All tokens, with `eof` or `error` at the end. */
export function lex(source: string): Token[] {
  const tokens: Token[] = []
  let line = 1
  let pos = 0
  let start = 0
  let startLine = 1
  const emit = (kind: TokenKind, from = start, to = pos, atLine = startLine) => tokens.push({ kind, text: source.slice(from, to), at: from, line: atLine })
  const advance = (to: number) => { for (let i = pos; i < to; i++) if (source[i] === '\n') line++; pos = to }
  const begin = () => { start = pos; startLine = line }
  const fail = (message: string) => { tokens.push({ kind: 'error', text: message, at: start, line: startLine }); return tokens }
  const rightTrim = () => isSpace(source[pos]) && source[pos + 1] === '-' && source.startsWith('}}', pos + 2)

  let trimNext = false
  for (;;) {
    // Text up to the next action.
    begin()
    const open = source.indexOf('{{', pos)
    const end = open < 0 ? source.length : open
    let textStart = pos
    if (trimNext) while (textStart < end && isSpace(source[textStart])) textStart++
    advance(textStart)
    begin()
    const trimsLeft = open >= 0 && source[open + 2] === '-' && isSpace(source[open + 3])
    let textEnd = end
    if (trimsLeft) while (textEnd > textStart && isSpace(source[textEnd - 1])) textEnd--
    if (textEnd > textStart) emit('text', textStart, textEnd)
    trimNext = false
    advance(end)
    if (open < 0) { begin(); emit('eof'); return tokens }

    // The action's beginning; comments are no actions.
    begin()
    const inner = open + 2 + (trimsLeft ? 2 : 0)
    if (source.startsWith('/*', inner)) {
      const close = source.indexOf('*/', inner)
      if (close < 0) return fail('unclosed comment')
      advance(close + 2)
      const trims = rightTrim()
      if (!trims && !source.startsWith('}}', pos)) return fail('comment ends before closing delimiter')
      trimNext = trims
      advance(pos + (trims ? 4 : 2))
      continue
    }
    pos = open + 2
    emit('left')
    advance(inner)
    let depth = 0
    for (;;) {
      begin()
      const trims = rightTrim()
      if (trims || source.startsWith('}}', pos)) {
        if (depth > 0) return fail('unclosed left paren')
        if (trims) { pos += 2; start = pos }
        pos += 2
        emit('right')
        trimNext = trims
        break
      }
      if (pos >= source.length) return fail('unclosed action')
      const c = String.fromCodePoint(source.codePointAt(pos)!)
      const atTerminator = () => {
        const next = source[pos]
        return next === undefined || isSpace(next) || '.,|:()'.includes(next) || next === '=' || source.startsWith('}}', pos)
      }
      const word = () => { while (pos < source.length && isAlphaNumeric(String.fromCodePoint(source.codePointAt(pos)!))) pos += String.fromCodePoint(source.codePointAt(pos)!).length }
      const badCharacter = () => fail(`bad character ${unicodeName(String.fromCodePoint(source.codePointAt(pos)!))}`)
      if (isSpace(c)) {
        let to = pos
        while (isSpace(source[to])) to++
        // The blank before a trim marker belongs to it.
        if (source[to] === '-' && source.startsWith('}}', to + 1)) to--
        if (to > pos) { advance(to); emit('space') }
      } else if (c === '=') { pos++; emit('assign') }
      else if (c === ':') {
        if (source[pos + 1] !== '=') return fail('expected :=')
        pos += 2
        emit('declare')
      } else if (c === '|') { pos++; emit('pipe') }
      else if (c === '"') {
        for (pos++; ; pos++) {
          const d = source[pos]
          if (d === undefined || d === '\n') return fail('unterminated quoted string')
          if (d === '\\') { if (source[pos + 1] === undefined || source[pos + 1] === '\n') return fail('unterminated quoted string'); pos++ }
          else if (d === '"') break
        }
        pos++
        emit('string')
      } else if (c === '`') {
        const close = source.indexOf('`', pos + 1)
        if (close < 0) return fail('unterminated raw quoted string')
        advance(close + 1)
        emit('rawString')
      } else if (c === '$') {
        pos++
        word()
        if (pos > start + 1 && !atTerminator()) return badCharacter()
        if (pos === start + 1 && !atTerminator()) return badCharacter()
        emit('variable')
      } else if (c === '\'') {
        for (pos++; ; pos++) {
          const d = source[pos]
          if (d === undefined || d === '\n') return fail('unterminated character constant')
          if (d === '\\') pos++
          else if (d === '\'') break
        }
        pos++
        emit('charConstant')
      } else if (c === '.' && !/[0-9]/.test(source[pos + 1] ?? '')) {
        pos++
        if (atTerminator()) emit('dot')
        else {
          word()
          if (!atTerminator()) return badCharacter()
          emit('field')
        }
      } else if (c === '.' || c === '+' || c === '-' || /[0-9]/.test(c)) {
        const number = /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*|0[bB][01_]*|[0-9_]*)(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?/y
        number.lastIndex = pos
        pos += number.exec(source)![0].length
        if (isAlphaNumeric(source[pos])) {
          pos++
          return fail(`bad number syntax: ${JSON.stringify(source.slice(start, pos))}`)
        }
        emit('number')
      } else if (isAlphaNumeric(c)) {
        word()
        if (!atTerminator()) return badCharacter()
        const text = source.slice(start, pos)
        emit(KEYWORDS.has(text) ? 'keyword' : text === 'true' || text === 'false' ? 'bool' : text === 'nil' ? 'nil' : 'identifier')
      } else if (c === '(') { pos++; depth++; emit('leftParen') }
      else if (c === ')') {
        pos++
        depth--
        if (depth < 0) return fail('unexpected right paren')
        emit('rightParen')
      } else if (/[\x21-\x7e]/.test(c)) { pos++; emit('char') }
      else return fail(`unrecognized character in action: ${unicodeName(c)}`)
    }
  }
}
