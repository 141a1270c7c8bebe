import { goJson } from '../../cluster/kinds/go-text.ts'

/**
 * YAML in flow style with quoted texts: unambiguous, and JSON-like. Fields keep the order that they have.
 * k8s: sigs.k8s.io/yaml/kyaml
 */
export function printKyaml(value: unknown): string {
  return `---\n${render(value, 0)}\n`
}

/** As {@link printKyaml} with sorted fields, as everything is whose type kubectl doesn't know. */
export function printSortedKyaml(value: unknown): string {
  return printKyaml(JSON.parse(goJson(value)))
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
    const fields = Object.entries(value).filter(([, v]) => v !== undefined)
    if (fields.length === 0) return '{}'
    return `{\n${fields.map(([k, v]) => `${pad}${keyText(k)}: ${render(v, indent + 2)},\n`).join('')}${' '.repeat(indent)}}`
  }
  if (typeof value === 'string') return text(value, indent)
  return value === null || value === undefined ? 'null' : String(value)
}

function keyText(key: string): string {
  const plain = /^[\p{L}\p{N}_](?:[\p{L}\p{N}_./-]*[\p{L}\p{N}_])?$/u.test(key) && !isAmbiguous(key)
  return plain ? key : `"${[...key].map((c) => c === '\n' ? '\\n' : c === '\t' ? '\\t' : escaped(c)).join('')}"`
}

/** Whether a YAML parser may take the bare text for something else than text. k8s: kyaml isTypeAmbiguous */
function isAmbiguous(text: string): boolean {
  if (/^(null|~|true|false|t|f|y|yes|on|n|no|off|[-+]?\.inf|\.nan)$/i.test(text)) return true
  const digits = text.replaceAll('_', '')
  if (/^[+-]?(0x[0-9a-f]+|0b[01]+|0o?[0-7]+|\d+)$/i.test(digits) || /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(digits) || /^[+-]?(inf|infinity)$|^nan$/i.test(digits)) return true
  return /^[+-]?[1-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$/.test(text) || /^\d{4}-\d{1,2}-\d{1,2}($|[Tt ])/.test(text)
}

/** Texts of several lines have one source line each, joined by escaped line ends. */
function text(value: string, indent: number): string {
  if (!value.includes('\n')) return `"${[...value].map((c) => c === '\t' ? c : escaped(c)).join('')}"`
  const pad = ' '.repeat(indent + 2)
  const lines = value.split('\n')
  const last = lines.pop()!
  const shown = (line: string, end: string) => `${pad}${/^\s/u.test(line) ? '\\' : ' '}${[...line].map((c) => c === '\t' ? c : escaped(c)).join('')}${end}\\\n`
  return `"\\\n${lines.map((line) => shown(line, '\\n')).join('')}${last === '' ? '' : shown(last, '')}${pad}"`
}

const NAMED: Record<string, string> = { '\u0000': '0', '\u0007': 'a', '\b': 'b', '\t': 't', '\n': 'n', '\v': 'v', '\f': 'f', '\r': 'r', '\u001b': 'e', '\u0085': 'N', '\u00a0': '_', '\u2028': 'L', '\u2029': 'P' }

function escaped(c: string): string {
  if (c === '"' || c === '\\') return `\\${c}`
  if (c === ' ' || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(c)) return c
  if (NAMED[c]) return `\\${NAMED[c]}`
  const code = c.codePointAt(0)!
  const hex = (digits: number) => code.toString(16).padStart(digits, '0')
  return code < 0x20 || code === 0x7f ? `\\x${hex(2)}` : code < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`
}
