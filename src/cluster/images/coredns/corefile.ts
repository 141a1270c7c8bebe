/** One line of a server block: a plugin with its arguments, and the lines of its own block. */
export interface Directive {
  name: string
  args: readonly string[]
  block: readonly (readonly string[])[]
  line: number
}

/** What is served for some zones. */
export interface ServerBlock {
  /** Zones without the final dot, the root is empty, and the ports where they are asked for. */
  zones: readonly { zone: string; port: number }[]
  directives: readonly Directive[]
}

/** Files that a Corefile includes, by the pattern that it names them with; undefined: there are none. */
export type Importer = (pattern: string) => string | undefined

interface Token { text: string; line: number; isLineStart: boolean }

/** Words, quoted or not, without comments. */
function tokensOf(text: string): Token[] {
  const out: Token[] = []
  for (const [i, line] of text.split('\n').entries()) {
    let isLineStart = true
    for (const [, quoted, bare] of line.matchAll(/"((?:[^"\\]|\\.)*)"|(#.*$|[^\s"]+)/g)) {
      if (bare?.startsWith('#')) break
      out.push({ text: quoted !== undefined ? quoted.replace(/\\"/g, '"') : bare!, line: i + 1, isLineStart })
      isLineStart = false
    }
  }
  return out
}

/** Reads a Corefile. @throws Error in CoreDNS' words, with the line. @param file its name in these */
export function parseCorefile(text: string, file = 'Corefile', importer: Importer = () => undefined): ServerBlock[] {
  const tokens = tokensOf(text)
  const snippets = new Map<string, Directive[]>()
  const out: ServerBlock[] = []
  let at = 0
  const problem = (line: number, what: string) => new Error(`${file}:${line} - Error during parsing: ${what}`)
  const restOfLine = (): string[] => {
    const words: string[] = []
    while (at < tokens.length && !tokens[at]!.isLineStart) words.push(tokens[at++]!.text)
    return words
  }
  const directives = (): Directive[] => {
    const found: Directive[] = []
    for (;;) {
      const token = tokens[at]
      if (!token) throw problem(tokens.at(-1)?.line ?? 1, "Unexpected EOF, expecting '}'")
      at++
      if (token.text === '}') return found
      const args = restOfLine()
      const block: string[][] = []
      if (args.at(-1) === '{') {
        args.pop()
        for (let depth = 1; depth > 0;) {
          const inner = tokens[at]
          if (!inner) throw problem(token.line, "Unexpected EOF, expecting '}'")
          at++
          if (inner.text === '}') { depth--; continue }
          const words = [inner.text, ...restOfLine()]
          if (words.at(-1) === '{') depth++
          block.push(words)
        }
      }
      if (token.text !== 'import') { found.push({ name: token.text, args, block, line: token.line }); continue }
      const pattern = args[0] ?? ''
      const included = snippets.get(pattern)
      if (included) { found.push(...included); continue }
      const more = importer(pattern)
      if (more !== undefined) found.push(...parseCorefile(`. {\n${more}\n}`, pattern, importer)[0]!.directives)
      else if (!pattern.includes('*')) throw problem(token.line, `File to import not found: ${pattern}`)
    }
  }
  while (at < tokens.length) {
    const { line, text: first } = tokens[at]!
    const keys: string[] = []
    while (at < tokens.length && tokens[at]!.text !== '{') {
      if (tokens[at]!.text === '}') throw problem(tokens[at]!.line, "unexpected '}'")
      if (first === 'import' && tokens[at]!.line !== line) break
      keys.push(tokens[at++]!.text.replace(/,$/, ''))
    }
    if (first === 'import') {
      const more = importer(keys[1] ?? '')
      if (more !== undefined) out.push(...parseCorefile(more, keys[1], importer))
      continue
    }
    if (at >= tokens.length) throw problem(line, "Unexpected EOF, expecting '{'")
    at++
    const own = directives()
    const snippet = /^\((.+)\)$/.exec(keys[0] ?? '')
    if (snippet) snippets.set(snippet[1]!, own)
    else out.push({ zones: keys.map(zoneOf), directives: own })
  }
  return out
}

/** `dns://example.org.:1053` */
function zoneOf(key: string): { zone: string; port: number } {
  const [, name = '', port] = /^(?:dns:\/\/)?(.*?)(?::(\d+))?$/.exec(key)!
  return { zone: name.replace(/\.$/, '').toLowerCase(), port: port === undefined ? 53 : Number(port) }
}

/** Milliseconds of a duration such as `30s`; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  const [, value, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? []
  return value === undefined ? undefined : Number(value) * { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[(unit ?? 's') as 'ms' | 's' | 'm' | 'h']
}
