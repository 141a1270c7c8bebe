import { parse } from 'yaml'
import { ConfigError } from './fluentd-config.ts'

/** A section of Fluent Bit's configuration; names are in small letters. */
export interface BitSection {
  kind: 'service' | 'input' | 'filter' | 'output' | 'parser'
  /** In their order; names may repeat. */
  properties: [string, string][]
}

/** Reads the classic format: `[INPUT]` and indented `Name value`. @throws ConfigError */
export function parseClassic(text: string, env: Readonly<Record<string, string>>, include: (path: string) => string): BitSection[] {
  const sections: BitSection[] = []
  const variables: Record<string, string> = { ...env }
  text.split('\n').forEach((raw, number) => {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) return
    const [, name, value] = /^@(\w+)\s+(.*)$/.exec(line) ?? []
    if (name?.toUpperCase() === 'INCLUDE') { sections.push(...parseClassic(include(value!), variables, include)); return }
    if (name?.toUpperCase() === 'SET') { const [key = '', text = ''] = value!.split('='); variables[key.trim()] = text.trim(); return }
    const head = /^\[(\w+)\]$/.exec(line)?.[1]?.toLowerCase()
    if (head !== undefined) {
      if (!['service', 'input', 'filter', 'output', 'parser'].includes(head)) throw new ConfigError(`section '${head}' is not followed here`)
      sections.push({ kind: head as BitSection['kind'], properties: [] })
      return
    }
    const section = sections.at(-1)
    if (!section || !/^\s/.test(raw)) throw new ConfigError(`line ${number + 1}: invalid indentation level`)
    const [, key = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line)!
    section.properties.push([key.toLowerCase(), filled(rest, variables)])
  })
  return sections
}

/** Reads the format of YAML: `service`, `pipeline.inputs`, `filters`, `outputs`, `parsers`. @throws ConfigError */
export function parseYaml(text: string, env: Readonly<Record<string, string>>): BitSection[] {
  const document = (parse(text) ?? {}) as { env?: Record<string, unknown>; service?: object; pipeline?: Record<string, object[]>; parsers?: object[] }
  const variables = { ...env, ...Object.fromEntries(Object.entries(document.env ?? {}).map(([name, value]) => [name, String(value)])) }
  for (const key of Object.keys(document)) if (!['env', 'service', 'pipeline', 'parsers'].includes(key)) throw new ConfigError(`section '${key}' is not followed here`)
  const section = (kind: BitSection['kind'], of: object): BitSection => ({ kind, properties: Object.entries(of).flatMap(([key, value]): [string, string][] => (Array.isArray(value) ? value : [value]).map((each) => [key.toLowerCase(), filled(String(each), variables)])) })
  return [
    ...(document.service ? [section('service', document.service)] : []), ...(document.parsers ?? []).map((each) => section('parser', each)), ...(document.pipeline?.inputs ?? []).map((each) => section('input', each)),
    ...(document.pipeline?.filters ?? []).map((each) => section('filter', each)), ...(document.pipeline?.outputs ?? []).map((each) => section('output', each)),
  ]
}

const filled = (text: string, variables: Readonly<Record<string, string>>) => text.replace(/\$\{(\w+)\}/g, (_, name: string) => variables[name] ?? '')
