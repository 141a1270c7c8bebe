/** One instruction of a Dockerfile. */
export interface Instruction {
  /** In capitals. */
  name: string
  /** What follows the name and its flags, lines joined. */
  rest: string
  /** The arguments where they are a JSON list. */
  json: string[] | undefined
  /** `--name=value`, in order. */
  flags: [name: string, value: string][]
  heredocs: Heredoc[]
  /** Lines of the file, counted from 1. */
  line: number
  endLine: number
  /** As the file has it, in one line. */
  text: string
}

export interface Heredoc {
  name: string
  content: string
  /** Variables in it are replaced. */
  expands: boolean
}

/** A Dockerfile that isn't one. */
export class DockerfileError extends Error {
  readonly line: number
  constructor(line: number, message: string) {
    super(`dockerfile parse error on line ${line}: ${message}`)
    this.line = line
  }
}

const INSTRUCTIONS = ['ADD', 'ARG', 'CMD', 'COPY', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'FROM', 'HEALTHCHECK', 'LABEL', 'MAINTAINER', 'ONBUILD', 'RUN', 'SHELL', 'STOPSIGNAL', 'USER', 'VOLUME', 'WORKDIR']
const WITH_FLAGS = new Set(['ADD', 'COPY', 'FROM', 'HEALTHCHECK', 'RUN'])
const WITH_JSON = new Set(['ADD', 'CMD', 'COPY', 'ENTRYPOINT', 'RUN', 'SHELL', 'VOLUME'])
const WITH_HEREDOCS = new Set(['ADD', 'COPY', 'RUN'])

/** @throws DockerfileError */
export function parseDockerfile(source: string): { instructions: Instruction[]; escape: string } {
  const lines = source.replace(/^\uFEFF/, '').split(/\r?\n/)
  let escape = '\\'
  let directives = true
  const instructions: Instruction[] = []
  for (let at = 0; at < lines.length;) {
    const first = lines[at]!
    const directive = directives ? /^#\s*(\w+)\s*=\s*(.+?)\s*$/.exec(first) : null
    if (directive) {
      if (directive[1]!.toLowerCase() === 'escape') {
        if (directive[2] !== '\\' && directive[2] !== '`') throw new DockerfileError(at + 1, `invalid escape token '${directive[2]}' does not match \` or \\`)
        escape = directive[2]
      }
      at += 1
      continue
    }
    directives = false
    if (/^\s*(?:#|$)/.test(first)) { at += 1; continue }
    const start = at
    const continued = escape === '\\' ? /\\[ \t]*$/ : /`[ \t]*$/
    let text = ''
    for (;;) {
      const line = lines[at++]!
      const more = continued.test(line)
      text += more ? line.replace(continued, '') : line
      if (!more) break
      // Comments and empty lines don't end an instruction.
      while (at < lines.length && /^\s*(?:#|$)/.test(lines[at]!)) at += 1
      if (at >= lines.length) break
    }
    text = text.trim()
    const [, word, after = ''] = /^(\S+)\s*([\s\S]*)$/.exec(text)!
    const name = word!.toUpperCase()
    if (!INSTRUCTIONS.includes(name)) throw new DockerfileError(start + 1, `unknown instruction: ${word}${suggestion(name)}`)
    const heredocs: Heredoc[] = []
    if (WITH_HEREDOCS.has(name)) {
      for (const mark of after.matchAll(/(?<![<\w])<<(-?)(["']?)([A-Za-z_]\w*)\2/g)) {
        const [, dash, quote, end] = mark
        const content: string[] = []
        for (;;) {
          if (at >= lines.length) throw new DockerfileError(start + 1, 'unterminated heredoc')
          const line = lines[at++]!
          if ((dash ? line.replace(/^\t+/, '') : line) === end) break
          content.push(dash ? line.replace(/^\t+/, '') : line)
        }
        heredocs.push({ name: end!, content: content.map((line) => `${line}\n`).join(''), expands: quote === '' })
      }
    }
    instructions.push({ ...parseArguments(name, after, start + 1), heredocs, line: start + 1, endLine: at, text: `${word} ${after}`.trim() })
  }
  return { instructions, escape }
}

/** An instruction that is written inside another one (ONBUILD). @throws DockerfileError */
export function parseInstruction(text: string, line: number): Instruction {
  const { instructions } = parseDockerfile(text)
  return { ...instructions[0]!, line, endLine: line }
}

function parseArguments(name: string, text: string, line: number): Pick<Instruction, 'name' | 'rest' | 'json' | 'flags'> {
  const flags: Instruction['flags'] = []
  let rest = text
  if (WITH_FLAGS.has(name)) {
    for (let match = /^--([a-z-]+)(?:=("[^"]*"|\S*))?(?:\s+|$)/.exec(rest); match; match = /^--([a-z-]+)(?:=("[^"]*"|\S*))?(?:\s+|$)/.exec(rest)) {
      flags.push([match[1]!, (match[2] ?? 'true').replace(/^"(.*)"$/, '$1')])
      rest = rest.slice(match[0].length)
    }
  }
  if (rest === '' && name !== 'CMD' && name !== 'ENTRYPOINT' && name !== 'SHELL') throw new DockerfileError(line, `${name} requires ${name === 'FROM' ? 'either one or three arguments' : name === 'COPY' || name === 'ADD' ? 'at least two arguments, but only one was provided. Destination could not be determined' : name === 'ENV' || name === 'LABEL' || name === 'EXPOSE' || name === 'RUN' || name === 'VOLUME' || name === 'ARG' || name === 'ONBUILD' || name === 'HEALTHCHECK' ? 'at least one argument' : 'exactly one argument'}`)
  const body = name === 'HEALTHCHECK' ? rest.replace(/^CMD\s+/i, '') : rest
  let json: string[] | undefined
  if ((WITH_JSON.has(name) || name === 'HEALTHCHECK') && body.startsWith('[')) {
    try {
      const parsed: unknown = JSON.parse(body)
      if (Array.isArray(parsed) && parsed.every((each) => typeof each === 'string')) json = parsed
    } catch { /* Then it is a line for the shell. */ }
  }
  return { name, rest, json, flags }
}

/** The instruction that was probably meant. */
function suggestion(name: string): string {
  const [near] = INSTRUCTIONS.map((each) => ({ each, far: distance(each, name) })).filter(({ far }) => far <= 2).sort((a, b) => a.far - b.far)
  return near ? ` (did you mean ${near.each}?)` : ''
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}

/** Replaces `$NAME`, `${NAME}`, `${NAME:-word}` and `${NAME:+word}`; a variable behind the escape character stays. */
export function expandVariables(text: string, variables: Readonly<Record<string, string>>, escape = '\\'): string {
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (char === escape && i + 1 < text.length) {
      if (text[i + 1] === '$') { out += '$'; i += 1 } else { out += char + text[i + 1]!; i += 1 }
      continue
    }
    if (char === "'") {
      const end = text.indexOf("'", i + 1)
      if (end > 0) { out += text.slice(i, end + 1); i = end; continue }
    }
    if (char !== '$') { out += char; continue }
    const plain = /^[A-Za-z_]\w*/.exec(text.slice(i + 1))
    if (plain) { out += variables[plain[0]] ?? ''; i += plain[0].length; continue }
    const braces = /^\{([A-Za-z_]\w*)(?:(:?[-+?])((?:[^{}]|\$\{[^}]*\})*))?\}/.exec(text.slice(i + 1))
    if (!braces) { out += char; continue }
    const [whole, name, operator, word = ''] = braces
    const value = variables[name!]
    const isSet = operator?.startsWith(':') ? value !== undefined && value !== '' : value !== undefined
    if (operator?.endsWith('-')) out += isSet ? value : expandVariables(word, variables, escape)
    else if (operator?.endsWith('+')) out += isSet ? expandVariables(word, variables, escape) : ''
    else if (operator?.endsWith('?') && !isSet) throw new Error(`failed to process "${text}": ${name}: ${word || 'not set'}`)
    else out += value ?? ''
    i += whole.length
  }
  return out
}

/** Words as ENV, LABEL, COPY and others split them: blanks separate, quotes and the escape character hide them. */
export function splitWords(text: string, escape = '\\'): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (char === escape && quote !== "'" && i + 1 < text.length) { word = (word ?? '') + text[++i]!; continue }
    if (quote) { if (char === quote) quote = ''; else word = (word ?? '') + char; continue }
    if (char === '"' || char === "'") { quote = char; word ??= ''; continue }
    if (char === ' ' || char === '\t') { if (word !== undefined) words.push(word); word = undefined; continue }
    word = (word ?? '') + char
  }
  if (word !== undefined) words.push(word)
  return words
}

/** `NAME=value` pairs of ENV and LABEL; the old form `NAME value` too. */
export function splitPairs(text: string, escape = '\\'): [name: string, value: string][] {
  const words = splitWords(text, escape)
  if (!/^\S*=/.test(text)) {
    const [, name, value = ''] = /^(\S+)\s*([\s\S]*)$/.exec(text)!
    return [[name!, value.replace(/^(["'])(.*)\1$/, '$2')]]
  }
  return words.map((word) => { const at = word.indexOf('='); return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)] })
}
