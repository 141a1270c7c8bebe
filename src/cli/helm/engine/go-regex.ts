import { RE2JS } from 're2js'

/** A regular expression of Go's syntax. */
export interface GoRegex {
  test(text: string): boolean
  /** @param n how many at most; negative: all */
  findAll(text: string, n: number): string[]
  /** `$1` and `${name}` stand for groups. */
  replaceAll(text: string, by: string): string
  replaceAllLiteral(text: string, by: string): string
  split(text: string, n: number): string[]
}

const compiled = new Map<string, RE2JS>()

/** @throws Error in Go's words */
export function goRegex(source: string): GoRegex {
  let regex = compiled.get(source)
  if (!regex) {
    try {
      regex = RE2JS.compile(source)
    } catch (error) {
      throw new Error(`error parsing regexp: ${(error as Error).message.replace(/^error parsing regexp: /, '')}`)
    }
    compiled.set(source, regex)
  }
  const pattern = regex
  const matches = (text: string, n: number) => {
    const out: { from: number; to: number; group: (which: number | string) => string }[] = []
    const matcher = pattern.matcher(text)
    while ((n < 0 || out.length < n) && matcher.find()) {
      const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? '')
      const names = pattern.namedGroups() as Record<string, number>
      out.push({ from: matcher.start(), to: matcher.end(), group: (which) => groups[typeof which === 'number' ? which : names[which] ?? -1] ?? '' })
    }
    return out
  }
  const replaced = (text: string, by: (match: { group: (which: number | string) => string }) => string) => {
    let at = 0
    let out = ''
    for (const match of matches(text, -1)) { out += text.slice(at, match.from) + by(match); at = match.to }
    return out + text.slice(at)
  }
  return {
    test: (text) => matches(text, 1).length > 0,
    findAll: (text, n) => matches(text, n).map((m) => m.group(0)),
    replaceAll: (text, by) => replaced(text, (m) => by.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, bare: string | undefined, braced: string | undefined) => {
      const name = bare ?? braced
      return name === undefined ? '$' : m.group(/^\d+$/.test(name) ? Number(name) : name)
    })),
    replaceAllLiteral: (text, by) => replaced(text, () => by),
    split(text, n) {
      if (n === 0) return []
      const out: string[] = []
      let at = 0
      for (const match of matches(text, -1)) {
        if (n > 0 && out.length === n - 1) break
        if (match.to === 0 && match.from === 0) continue
        out.push(text.slice(at, match.from))
        at = match.to
      }
      out.push(text.slice(at))
      return out
    },
  }
}
