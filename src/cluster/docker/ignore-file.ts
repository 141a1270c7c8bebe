/** What a .dockerignore says: the last pattern that matches a path, or a directory above it, decides. */
export class IgnoreFile {
  readonly #patterns: { regex: RegExp; keeps: boolean }[] = []

  constructor(source: string) {
    for (const line of source.split(/\r?\n/)) {
      if (line.startsWith('#')) continue
      let pattern = line.trim()
      const keeps = pattern.startsWith('!')
      if (keeps) pattern = pattern.slice(1).trim()
      pattern = pattern.replace(/^\/+/, '').replace(/^\.\//, '').replace(/\/+$/, '')
      if (pattern === '') continue
      this.#patterns.push({ regex: new RegExp(`^${patternSource(pattern)}(?:/|$)`), keeps })
    }
  }

  /** Whether something below an ignored directory may be wanted all the same. */
  get hasExceptions(): boolean {
    return this.#patterns.some(({ keeps }) => keeps)
  }

  /** @param path relative to the context, without a slash at its beginning */
  ignores(path: string): boolean {
    let ignored = false
    for (const { regex, keeps } of this.#patterns) if (regex.test(path)) ignored = !keeps
    return ignored
  }
}

/** Go's filepath.Match with `**`, as a regular expression. */
export function patternSource(pattern: string): string {
  let out = ''
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!
    if (char === '*' && pattern[i + 1] === '*') {
      i += 1
      if (pattern[i + 1] === '/') { out += '(?:.*/)?'; i += 1 } else out += '.*'
    } else if (char === '*') out += '[^/]*'
    else if (char === '?') out += '[^/]'
    else if (char === '[') {
      const end = pattern.indexOf(']', i + 1)
      if (end < 0) { out += '\\['; continue }
      out += `[${pattern.slice(i + 1, end).replace(/\\/g, '\\\\')}]`
      i = end
    } else if (char === '\\' && i + 1 < pattern.length) out += pattern[++i]!.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
    else out += char.replace(/[.+^${}()|\]\\/]/g, '\\$&')
  }
  return out
}
