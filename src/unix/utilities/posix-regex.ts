/** A POSIX basic or extended regular expression as the source of a JavaScript one (flag u). */
export function posixRegex(pattern: string, extended: boolean): string {
  let out = ''
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!
    if (char === '[') {
      const end = bracketEnd(pattern, i)
      if (end < 0) throw new SyntaxError('Unmatched [')
      out += bracketSource(pattern.slice(i + 1, end))
      i = end
      continue
    }
    if (char === '\\') {
      const next = pattern[++i]
      if (next === undefined) throw new SyntaxError('Trailing backslash')
      if (!extended && '(){}|+?'.includes(next)) out += next
      else if (next === '<' ) out += '\\b(?=\\w)'
      else if (next === '>') out += '\\b(?<=\\w)'
      else if (/[1-9bBwWsS]/.test(next)) out += `\\${next}`
      else if (next === 'd' || next === 'D') out += `\\${next}`
      else out += next.replace(/[.*+?^${}()|[\]\\/]/, '\\$&')
      continue
    }
    if (!extended && '(){}|+?'.includes(char)) { out += `\\${char}`; continue }
    if (char === '*' && (out === '' || out.endsWith('(') && !out.endsWith('\\(') || (!extended && out === '^'))) { out += '\\*'; continue }
    if (char === '{' && !/^\{\d*,?\d*\}/.test(pattern.slice(i))) { out += '\\{'; continue }
    if (char === '}' && !/\{\d*,?\d*$/.test(out)) { out += '\\}'; continue }
    // Anchors stand at the edges of the expression, of a group, or of an alternative.
    if (!extended && char === '^' && !/(?:^|[^\\])[(|]$|^$/.test(out)) { out += '\\^'; continue }
    if (!extended && char === '$' && i < pattern.length - 1 && !pattern.startsWith('\\)', i + 1) && !pattern.startsWith('\\|', i + 1)) { out += '\\$'; continue }
    if (char === ']' || char === '/') { out += `\\${char}`; continue }
    out += char
  }
  return out
}

function bracketEnd(pattern: string, start: number): number {
  let i = start + 1
  if (pattern[i] === '^') i += 1
  if (pattern[i] === ']') i += 1
  for (; i < pattern.length; i++) {
    if (pattern.startsWith('[:', i)) { const close = pattern.indexOf(':]', i + 2); if (close > 0) { i = close + 1; continue } }
    if (pattern[i] === ']') return i
  }
  return -1
}

const CLASSES: Readonly<Record<string, string>> = { alpha: 'A-Za-z', digit: '0-9', alnum: 'A-Za-z0-9', upper: 'A-Z', lower: 'a-z', space: '\\s', blank: ' \\t', punct: '!-\\/:-@\\[-`\\{-~', xdigit: '0-9A-Fa-f', cntrl: '\\x00-\\x1f\\x7f', print: '\\x20-\\x7e', graph: '\\x21-\\x7e' }

function bracketSource(body: string): string {
  const negated = body.startsWith('^')
  const inner = (negated ? body.slice(1) : body).replace(/\[:(\w+):\]|[\s\S]/g, (match, name?: string, offset?: number, whole?: string) => {
    if (name !== undefined) return CLASSES[name] ?? ''
    if (match === '-' && (offset === 0 || offset === whole!.length - 1)) return '\\-'
    return /[\\\]^[&~|{}()/]/.test(match) ? `\\${match}` : match
  })
  return `[${negated ? '^' : ''}${inner}]`
}
