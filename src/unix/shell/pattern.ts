/**
 * Shell patterns as regular expressions. Quoted characters are given with a backslash in front ({@link quotePattern}).
 * `*` and `?` match any character; with `forPaths` not a slash.
 */
export function patternSource(pattern: string, options: { forPaths?: boolean; shortest?: boolean; extended?: boolean } = {}): string {
  let out = ''
  const any = options.forPaths ? '[^/]' : '[\\s\\S]'
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!
    const group = options.extended && '?*+@!'.includes(char) && pattern[i + 1] === '(' ? extendedGroup(pattern, i, options) : undefined
    if (group) { out += group.source; i = group.end; continue }
    if (char === '\\') { i += 1; out += escapeRegExp(pattern[i] ?? '\\') }
    else if (char === '*') out += any + (options.shortest ? '*?' : '*')
    else if (char === '?') out += any
    else if (char === '[') {
      const set = bracket(pattern, i)
      if (!set) { out += '\\['; continue }
      out += set.source
      i = set.end
    } else out += escapeRegExp(char)
  }
  return out
}

function extendedGroup(pattern: string, start: number, options: { forPaths?: boolean; shortest?: boolean; extended?: boolean }): { source: string; end: number } | undefined {
  const alternatives: string[] = ['']
  let depth = 1
  let i = start + 2
  for (; i < pattern.length; i++) {
    const char = pattern[i]!
    if (char === '\\') { alternatives[alternatives.length - 1] += char + (pattern[++i] ?? ''); continue }
    if (char === '(') depth += 1
    if (char === ')' && --depth === 0) break
    if (char === '|' && depth === 1) alternatives.push('')
    else alternatives[alternatives.length - 1] += char
  }
  if (depth > 0) return undefined
  const body = alternatives.map((each) => patternSource(each, options)).join('|')
  const kind = pattern[start]!
  if (kind === '!') return { source: `(?:(?!(?:${body})$)[\\s\\S]*)`, end: i }
  return { source: `(?:${body})${kind === '@' ? '' : kind}`, end: i }
}

const CLASSES: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z', digit: '0-9', alnum: 'A-Za-z0-9', upper: 'A-Z', lower: 'a-z', space: '\\s', blank: ' \\t', punct: '!-\\/:-@\\[-`{-~', xdigit: '0-9A-Fa-f', cntrl: '\\x00-\\x1f\\x7f', print: '\\x20-\\x7e', graph: '\\x21-\\x7e', word: '\\w',
}

function bracket(pattern: string, start: number): { source: string; end: number } | undefined {
  let i = start + 1
  let body = ''
  const negated = pattern[i] === '!' || pattern[i] === '^'
  if (negated) i += 1
  for (let first = true; i < pattern.length; i++, first = false) {
    const char = pattern[i]!
    if (char === ']' && !first) return { source: `[${negated ? '^' : ''}${body}]`, end: i }
    const named = /^\[:(\w+):\]/.exec(pattern.slice(i))
    if (named) { body += CLASSES[named[1]!] ?? ''; i += named[0].length - 1; continue }
    if (char === '\\') { i += 1; body += escapeSet(pattern[i] ?? '') }
    else if (char === '-' && pattern[i + 1] !== ']' && !first) body += '-'
    else body += escapeSet(char)
  }
  return undefined
}

function escapeSet(char: string): string {
  return /[\\\]^[-]/.test(char) ? `\\${char}` : char
}

export function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}

/** A pattern that matches exactly this text. */
export function quotePattern(text: string): string {
  return text.replace(/[*?[\]\\()|!+@-]/g, '\\$&')
}

/** Whether the whole text matches. */
export function matchesPattern(text: string, pattern: string, options: { extended?: boolean; ignoreCase?: boolean } = {}): boolean {
  return new RegExp(`^(?:${patternSource(pattern, { extended: options.extended ?? true })})$`, options.ignoreCase ? 'iu' : 'u').test(text)
}

/** Whether a pattern has anything but ordinary characters. */
export function hasWildcards(pattern: string): boolean {
  return /(^|[^\\])(\\\\)*[*?[]/.test(pattern)
}

/** A pattern without its backslashes. */
export function unquotePattern(pattern: string): string {
  return pattern.replace(/\\([\s\S])/g, '$1')
}
