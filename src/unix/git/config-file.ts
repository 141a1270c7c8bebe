import { fatal } from './failure.ts'

/** One setting: its name in full (`remote.origin.url`, section and last part in lower case) and where in the file it stands. */
export interface ConfigEntry {
  name: string
  /** Undefined where only the name is written, which means true. */
  value: string | undefined
  section: string
  /** Lines [from, to) that say it. */
  from: number
  to: number
}

/** Splits `remote.origin.url` at its first and last dot. */
export function splitName(name: string): { section: string; subsection: string | undefined; key: string } {
  const [first, last] = [name.indexOf('.'), name.lastIndexOf('.')]
  return { section: name.slice(0, first).toLowerCase(), subsection: first === last ? undefined : name.slice(first + 1, last), key: name.slice(last + 1).toLowerCase() }
}

export function normalName(name: string): string {
  const { section, subsection, key } = splitName(name)
  return subsection === undefined ? `${section}.${key}` : `${section}.${subsection}.${key}`
}

/** A file of settings, that is changed line by line, so that comments and order stay. */
export class ConfigFile {
  readonly path: string
  #lines: string[]

  constructor(path: string, text: string) {
    this.path = path
    this.#lines = text.split('\n')
    if (this.#lines.at(-1) === '') this.#lines.pop()
  }

  get text(): string {
    return this.#lines.map((line) => `${line}\n`).join('')
  }

  entries(): ConfigEntry[] {
    const out: ConfigEntry[] = []
    let section: string | undefined
    for (let i = 0; i < this.#lines.length; i++) {
      let line = this.#lines[i]!.trim()
      const head = /^\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]/.exec(line)
      if (head) {
        section = head[2] === undefined ? head[1]!.toLowerCase() : `${head[1]!.toLowerCase()}.${head[2].replace(/\\(.)/g, '$1')}`
        line = line.slice(head[0].length).trim()
      }
      if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
      const pair = /^([A-Za-z][\w-]*)\s*(?:=\s*(.*))?$/.exec(line)
      if (!pair || section === undefined) throw fatal(`bad config line ${i + 1} in file ${this.path}`)
      const from = i
      let raw = pair[2]
      while (raw !== undefined && /(?:^|[^\\])(?:\\\\)*\\$/.test(raw) && i + 1 < this.#lines.length) raw = raw.slice(0, -1) + this.#lines[++i]!
      out.push({ name: `${section}.${pair[1]!.toLowerCase()}`, value: raw === undefined ? undefined : unquoted(raw), section, from, to: i + 1 })
    }
    return out
  }

  /** Writes one more line into a setting's section, which is made where it is missing. */
  add(name: string, value: string): void {
    const line = `\t${name.slice(name.lastIndexOf('.') + 1)} = ${quoted(value)}`
    const { section, subsection } = splitName(name)
    const full = subsection === undefined ? section : `${section}.${subsection}`
    const end = this.#endOfSection(full)
    if (end !== undefined) { this.#lines.splice(end, 0, line); return }
    this.#lines.push(subsection === undefined ? `[${name.slice(0, name.indexOf('.'))}]` : `[${section} "${subsection.replace(/["\\]/g, '\\$&')}"]`, line)
  }

  #sectionAt(i: number): string | undefined {
    const head = /^\s*\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]/.exec(this.#lines[i]!)
    return head ? head[2] === undefined ? head[1]!.toLowerCase() : `${head[1]!.toLowerCase()}.${head[2].replace(/\\(.)/g, '$1')}` : undefined
  }

  #endOfSection(section: string): number | undefined {
    let end: number | undefined
    let inside = false
    for (let i = 0; i < this.#lines.length; i++) {
      const head = this.#sectionAt(i)
      if (head !== undefined) inside = head === section
      if (inside) end = i + 1
    }
    return end
  }

  replace(entry: ConfigEntry, value: string): void {
    const key = /^\s*(?:\[.*?\]\s*)?([A-Za-z][\w-]*)/.exec(this.#lines[entry.from]!)![1]!
    this.#lines.splice(entry.from, entry.to - entry.from, `\t${key} = ${quoted(value)}`)
  }

  /** Takes a setting away, and its section's heading if nothing is left in it. */
  remove(entry: ConfigEntry): void {
    this.#lines.splice(entry.from, entry.to - entry.from)
    const head = entry.from - 1
    if (head >= 0 && this.#sectionAt(head) !== undefined && (entry.from >= this.#lines.length || this.#sectionAt(entry.from) !== undefined)) this.#lines.splice(head, 1)
  }

  /** @returns whether there was such a section */
  removeSection(section: string): boolean {
    let inside = false
    const before = this.#lines.length
    this.#lines = this.#lines.filter((_, i) => {
      const head = this.#sectionAt(i)
      if (head !== undefined) inside = head === section
      return !inside
    })
    return this.#lines.length < before
  }

  /** @returns whether there was such a section */
  renameSection(from: string, to: string): boolean {
    let found = false
    const { section, subsection } = splitName(`${to}.x`)
    for (let i = 0; i < this.#lines.length; i++) {
      if (this.#sectionAt(i) !== from) continue
      this.#lines[i] = subsection === undefined ? `[${section}]` : `[${section} "${subsection}"]`
      found = true
    }
    return found
  }
}

function unquoted(raw: string): string {
  let value = ''
  let kept = 0
  let inside = false
  for (let i = 0; i < raw.length; i++) {
    const char = raw[i]!
    if (char === '"') { inside = !inside; kept = value.length; continue }
    if (!inside && (char === '#' || char === ';')) break
    if (char === '\\') {
      const next = raw[++i]
      value += next === 'n' ? '\n' : next === 't' ? '\t' : next === 'b' ? '\b' : next ?? ''
      kept = value.length
      continue
    }
    value += char
    if (inside || !/\s/.test(char)) kept = value.length
  }
  return value.slice(0, kept)
}

function quoted(value: string): string {
  const escaped = value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n').replace(/\t/g, '\\t')
  return /^\s|\s$|[#;]/.test(value) ? `"${escaped}"` : escaped
}
