/** A section of fluentd's configuration: `<name argument> ... </name>`. */
export interface Section {
  name: string
  argument: string
  /** Parameters in their order. */
  params: Map<string, string>
  sections: Section[]
}

/** Wrong configuration, as fluentd says it. */
export class ConfigError extends Error {
  readonly errorClass: string
  constructor(message: string, errorClass = 'Fluent::ConfigError') {
    super(message)
    this.errorClass = errorClass
  }
}

/** What a configuration may refer to. */
export interface ConfigSource {
  /** Files that a path or pattern of `@include` means, with their text. */
  include(pattern: string): { path: string; text: string }[]
  env: Readonly<Record<string, string>>
}

/** Reads a configuration. @throws ConfigError */
export function parseConfig(text: string, path: string, source: ConfigSource): Section {
  const root: Section = { name: 'ROOT', argument: '', params: new Map(), sections: [] }
  const open = [root]
  readInto(open, text, path, source, 0)
  if (open.length > 1) throw new ConfigError(`unexpected end of file at ${path}: </${open.at(-1)!.name}> is missing`, 'Fluent::ConfigParseError')
  return root
}

function readInto(open: Section[], text: string, path: string, source: ConfigSource, depth: number): void {
  if (depth > 20) throw new ConfigError(`@include is nested too deeply in ${path}`)
  text.split('\n').forEach((raw, number) => {
    const line = raw.trim()
    const here = open.at(-1)!
    if (line === '' || line.startsWith('#')) return
    const start = /^<\s*([@\w]+)\s*([^>]*)>(?:\s*#.*)?$/.exec(line)
    if (start) {
      const section: Section = { name: start[1]!, argument: valueOf(start[2]!.trim(), source.env), params: new Map(), sections: [] }
      here.sections.push(section)
      open.push(section)
      return
    }
    const end = /^<\s*\/\s*([@\w]+)\s*>$/.exec(line)
    if (end) {
      if (open.length === 1 || here.name !== end[1]) throw new ConfigError(`unmatched end tag at ${path} line ${number + 1}, 0\n ${number + 1}: ${raw}`, 'Fluent::ConfigParseError')
      open.pop()
      return
    }
    const [, key = '', rest = ''] = /^(\S+)(?:\s+(.*))?$/.exec(line)!
    if (key === '@include') { for (const file of source.include(valueOf(rest, source.env))) readInto(open, file.text, file.path, source, depth + 1); return }
    // The plugin's own default stands.
    if (/use_(?:default|nil)\b/.test(rest) && valueOf(rest, source.env) === '') return
    here.params.set(key === 'type' || key === 'id' ? `@${key}` : key, valueOf(rest, source.env))
  })
}

/** A value without its comment and quotes; `"#{...}"` looks variables of the environment up. */
function valueOf(text: string, env: Readonly<Record<string, string>>): string {
  const quoted = /^"((?:[^"\\]|\\.|#\{[^}]*\})*)"(?:\s*#.*)?$/.exec(text)
  if (!quoted) return /^'([^']*)'$/.exec(text)?.[1] ?? text.replace(/\s+#(?!\{).*$/, '')
  return quoted[1]!.replace(/#\{([^}]*)\}/g, (_, code: string) => embedded(code, env)).replace(/\\(["\\nt])/g, (_, letter: string) => ({ n: '\n', t: '\t' })[letter] ?? letter)
}

/** What is inside of `#{}`: variables with something instead, and the host's name; Ruby itself isn't run. @throws ConfigError */
function embedded(code: string, env: Readonly<Record<string, string>>): string {
  for (const part of code.split('||').map((each) => each.trim())) {
    const [, name, , otherwise] = /^ENV(?:\.fetch\(|\[)\s*['"](\w+)['"]\s*(,\s*['"]?([^'")]*)['"]?)?\s*[)\]]$/.exec(part) ?? []
    if (name !== undefined) { const value = env[name] ?? otherwise; if (value !== undefined) return value; continue }
    if (/^(?:Socket\.gethostname|hostname)$/.test(part)) return env.HOSTNAME ?? ''
    if (part === 'use_default' || part === 'use_nil' || part === 'nil') return ''
    const literal = /^(?:'([^']*)'|"([^"]*)"|(\d+|true|false))$/.exec(part)
    if (!literal) throw new ConfigError(`#{${code}}: only ENV and the host's name are looked up here`)
    return literal[1] ?? literal[2] ?? literal[3]!
  }
  return ''
}

/** The configuration as fluentd shows it when it starts. */
export function configText({ params, sections }: Section, indent = '  '): string {
  const own = [...params].map(([key, value]) => `${indent}${key} ${/passw|secret/i.test(key) ? 'xxxxxx' : /[\s#"]/.test(value) && !value.startsWith('/') ? JSON.stringify(value) : value}\n`)
  return own.join('') + sections.map((each) => `${indent}<${each.name}${each.argument ? ` ${each.argument}` : ''}>\n${configText(each, `${indent}  `)}${indent}</${each.name}>\n`).join('')
}

/** Seconds of `5s`, `1m`, `10`. */
export function secondsOf(text: string | undefined, otherwise: number): number {
  const [, number, unit = 's'] = /^([\d.]+)\s*([smhd]?)$/.exec(text ?? '') ?? []
  return number === undefined ? otherwise : Number(number) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit || 's'] ?? 1)
}
