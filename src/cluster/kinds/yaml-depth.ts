import { Lexer } from 'yaml'

/**
 * Deepest nesting that the YAML parser, which works recursively, is given. Beyond it the stack may end inside the regular expression
 * compiler, which takes the whole process with it; nothing that people write comes near.
 */
const MAX_DEPTH = 400

/** Whether a YAML text nests too deeply to be parsed. */
export function nestsTooDeeply(text: string): boolean {
  return looksDeep(text) && isDeep(text)
}

/** A quick look that errs on the side of suspicion: it doesn't know strings from structure. */
function looksDeep(text: string): boolean {
  let brackets = 0
  let marks = 0
  let indent = 0
  let atStart = true
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 10) {
      marks = indent = 0
      atStart = true
    } else if (c === 91 || c === 123) {
      if (++brackets > MAX_DEPTH) return true
    } else if (c === 93 || c === 125) brackets = Math.max(0, brackets - 1)
    else if (c === 32 || c === 9) {
      if (atStart && ++indent > MAX_DEPTH) return true
    } else if (c === 45 || c === 63 || c === 58) {
      if (++marks > MAX_DEPTH) return true
      continue
    }
    if (c !== 32 && c !== 9 && c !== 10) atStart = false
  }
  return false
}

/** Counts by tokens; the lexer doesn't recurse. */
function isDeep(text: string): boolean {
  let flow = 0
  let marks = 0
  const indents: number[] = []
  let lineStart = true
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') {
      if (++flow > MAX_DEPTH) return true
    } else if (token === ']' || token === '}') flow = Math.max(0, flow - 1)
    else if (token === '-' || token === '?' || token === ':') {
      // Inside brackets these part keys from values; only in blocks does each open one more.
      if (flow === 0 && ++marks + indents.length > MAX_DEPTH) return true
    }
    if (token === '\n' || token === '\r\n') {
      marks = 0
      lineStart = true
      continue
    }
    if (!lineStart) continue
    lineStart = false
    const indent = /^[ \t]+$/.test(token) ? token.length : 0
    while (indents.length > 0 && indents[indents.length - 1]! >= indent) indents.pop()
    if (indent > 0) indents.push(indent)
    if (indents.length > MAX_DEPTH) return true
  }
  return false
}
