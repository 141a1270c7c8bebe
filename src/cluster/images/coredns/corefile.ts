/** A word of a Corefile. */
export interface Token {
  text: string
  /** The imported file that it is from; empty for the Corefile itself. */
  file: string
  line: number
  isLineStart: boolean
}

/** One line of a server block: a plugin with its arguments, and the lines of its own block. */
export interface Directive {
  name: string
  args: readonly string[]
  block: readonly (readonly string[])[]
  line: number
  /** All of it as it was read. */
  tokens: readonly Token[]
}

/** What is served for some zones. */
export interface ServerBlock {
  /** What stands in front of the block. */
  keys: readonly string[]
  /** Zones without the final dot, the root is empty, and the ports where they are asked for. */
  zones: readonly { zone: string; port: number }[]
  directives: readonly Directive[]
}

/** Files that a Corefile includes, by the pattern that it names them with. */
export type Importer = (pattern: string) => readonly { name: string; text: string }[]

/** How often a Corefile may import: one that imports itself would never end. */
const MOST_IMPORTS = 1_000

/** Words, quoted or not, without comments. */
function tokensOf(text: string, file = ''): Token[] {
  const out: Token[] = []
  for (const [i, line] of text.split('\n').entries()) {
    let isLineStart = true
    for (const [, quoted, bare] of line.matchAll(/"((?:[^"\\]|\\.)*)"|(#.*$|[^\s"]+)/g)) {
      if (bare?.startsWith('#')) break
      out.push({ text: quoted !== undefined ? quoted.replace(/\\"/g, '"') : bare!, file, line: i + 1, isLineStart })
      isLineStart = false
    }
  }
  return out
}

/** Reads a Corefile. @throws Error in CoreDNS' words, with the line. @param file its name in these */
export function parseCorefile(text: string, file = 'Corefile', importer: Importer = () => []): ServerBlock[] {
  const tokens = tokensOf(text)
  const snippets = new Map<string, readonly Token[]>()
  const out: ServerBlock[] = []
  let at = 0
  let imports = 0
  const problem = (where: Token | undefined, what: string) => new Error(`${where?.file || file}:${where?.line ?? 1} - Error during parsing: ${what}`)
  const isImport = (token: Token) => token.text === 'import' && token.isLineStart
  /** Puts what a line imports in its place. */
  const expand = (): void => {
    const line = tokens[at]!
    let end = at + 1
    while (end < tokens.length && !tokens[end]!.isLineStart) end++
    const pattern = end > at + 1 ? tokens[at + 1]!.text : ''
    const imported = snippets.get(pattern) ?? importer(pattern).flatMap(({ name, text: content }) => tokensOf(content, name))
    if (imported.length === 0 && !snippets.has(pattern) && !pattern.includes('*') && importer(pattern).length === 0) throw problem(line, `File to import not found: ${pattern}`)
    if (++imports > MOST_IMPORTS) throw problem(line, `too many imports: ${pattern}`)
    tokens.splice(at, end - at, ...imported)
  }
  const next = (from: Token | undefined): Token => {
    while (at < tokens.length && isImport(tokens[at]!)) expand()
    const token = tokens[at++]
    if (!token) throw problem(from, "Unexpected EOF, expecting '}'")
    return token
  }
  const restOfLine = (): string[] => {
    const words: string[] = []
    while (at < tokens.length && !tokens[at]!.isLineStart) words.push(tokens[at++]!.text)
    return words
  }
  const directives = (): Directive[] => {
    const found: Directive[] = []
    for (;;) {
      const token = next(tokens.at(-1))
      if (token.text === '}') return found
      const start = at - 1
      const args = restOfLine()
      const block: string[][] = []
      if (args.at(-1) === '{') {
        args.pop()
        for (let depth = 1; depth > 0;) {
          const inner = next(token)
          if (inner.text === '}') { depth--; continue }
          const words = [inner.text, ...restOfLine()]
          if (words.at(-1) === '{') depth++
          block.push(words)
        }
      }
      found.push({ name: token.text, args, block, line: token.line, tokens: tokens.slice(start, at) })
    }
  }
  /** What is between braces, as it stands there. */
  const body = (): Token[] => {
    const found: Token[] = []
    for (let depth = 1; ;) {
      const token = tokens[at++]
      if (!token) throw problem(tokens.at(-1), "Unexpected EOF, expecting '}'")
      depth += token.text === '{' ? 1 : token.text === '}' ? -1 : 0
      if (depth === 0) return found
      found.push(token)
    }
  }
  while (at < tokens.length) {
    const first = tokens[at]!
    if (isImport(first)) { expand(); continue }
    const keys: string[] = []
    while (at < tokens.length && tokens[at]!.text !== '{') {
      if (tokens[at]!.text === '}') throw problem(tokens[at], "unexpected '}'")
      keys.push(tokens[at++]!.text.replace(/,$/, ''))
    }
    if (at >= tokens.length) throw problem(first, "Unexpected EOF, expecting '{'")
    at++
    const snippet = /^\((.+)\)$/.exec(keys[0] ?? '')
    if (snippet) snippets.set(snippet[1]!, body())
    else out.push({ keys, zones: keys.map(zoneOf), directives: directives() })
  }
  return out
}

/** What the plugin reload makes its hash of: the blocks as they were read, without comments and with what they import. coredns: plugin/reload parse */
export function hashedText(blocks: readonly ServerBlock[]): string {
  const text = JSON.stringify(blocks.map(({ keys, directives }) => {
    const tokens: Record<string, { File: string; Line: number; Text: string }[]> = {}
    for (const directive of [...directives].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))) (tokens[directive.name] ??= []).push(...directive.tokens.map(({ file, line, text: word }) => ({ File: file, Line: line, Text: word })))
    return { Keys: keys, Tokens: tokens }
  }))
  // As Go writes JSON.
  return text.replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
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
