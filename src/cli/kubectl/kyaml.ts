import { sortKeys } from '../../cluster/kinds/go-text.ts'
import { parseYaml } from '../yaml.ts'

/** YAML in flow style with quoted texts: unambiguous, and JSON-like. k8s: sigs.k8s.io/yaml/kyaml */
export function printKyaml(value: unknown): string {
  return `---\n${render(sortKeys(value), 0)}\n`
}

function render(value: unknown, indent: number): string {
  const pad = ' '.repeat(indent + 2)
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]'
    // Structures hug the brackets.
    if (value.every((v) => v !== null && typeof v === 'object')) return `[${value.map((v) => render(v, indent)).join(', ')}]`
    return `[\n${value.map((v) => `${pad}${render(v, indent + 2)},\n`).join('')}${' '.repeat(indent)}]`
  }
  if (value !== null && typeof value === 'object') {
    const keys = Object.keys(value)
    if (keys.length === 0) return '{}'
    return `{\n${keys.map((k) => `${pad}${keyText(k)}: ${render((value as Record<string, unknown>)[k], indent + 2)},\n`).join('')}${' '.repeat(indent)}}`
  }
  if (typeof value === 'string') return text(value, indent)
  return value === null || value === undefined ? 'null' : String(value)
}

function keyText(key: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_./-]*$/.test(key)) return JSON.stringify(key)
  let meaning: unknown = key
  try {
    meaning = parseYaml(key)
  } catch { /* quoted below */ }
  return meaning === key ? key : JSON.stringify(key)
}

function text(value: string, indent: number): string {
  if (!value.includes('\n') || value.trimEnd() === '') return JSON.stringify(value)
  // One source line per line of the text, joined by escaped line ends.
  const pad = ' '.repeat(indent + 2)
  const lines = value.split('\n')
  const parts = lines.map((line, i) => JSON.stringify(line).slice(1, -1) + (i < lines.length - 1 ? '\\n' : ''))
  if (parts.at(-1) === '') parts.pop()
  return `"\\\n${parts.map((p) => `${pad}${/^\s/.test(p) ? '\\' : ' '}${p}`).join('\\\n')}\\\n${pad}"`
}
