/** Go's filepath.Match as a regular expression: `*` and `?` stop at slashes. Undefined for patterns that can't be read. k8s: Go path/filepath match.go */
export function pathPattern(pattern: string): RegExp | undefined {
  const chars = [...pattern]
  let out = ''
  let i = 0
  /** The character that stands at i, itself or behind a backslash. */
  const literal = (): string | undefined => {
    const c = chars[i++]
    return c === '\\' ? chars[i++] : c
  }
  /** One of a class: `-` and `]` stand for themselves only behind a backslash. */
  const member = (): number | undefined => chars[i] === '-' || chars[i] === ']' ? undefined : literal()?.codePointAt(0)
  while (i < chars.length) {
    if (chars[i] === '*') { out += '[^/]*'; i++ }
    else if (chars[i] === '?') { out += '[^/]'; i++ }
    else if (chars[i] !== '[') {
      const c = literal()
      if (c === undefined) return undefined
      out += codeUnit(c.codePointAt(0)!)
    } else {
      const negated = chars[++i] === '^'
      if (negated) i++
      let ranges = ''
      for (let first = true; first || chars[i] !== ']'; first = false) {
        const low = member()
        let high = low
        if (chars[i] === '-') { i++; high = member() }
        if (low === undefined || high === undefined) return undefined
        // A range from above to below holds nothing.
        if (low <= high) ranges += `${codeUnit(low)}-${codeUnit(high)}`
      }
      i++
      out += `[${negated ? '^' : ''}${ranges}]`
    }
  }
  return new RegExp(`^${out}$`, 'su')
}

const codeUnit = (code: number) => `\\u{${code.toString(16)}}`
