import { parseDocument } from 'yaml'
import type { YAMLError } from 'yaml'

/** A syntax error in the words of the YAML library that kubectl uses. */
export class YamlSyntaxError extends Error {}

/**
 * Parses one YAML (or JSON) document with the rules of Go's YAML 1.1 reader: `yes` is true, `0644` is octal, dates stay texts.
 * @throws YamlSyntaxError
 */
export function parseYaml(text: string): unknown {
  const document = parseDocument(text, { version: '1.1', schema: 'yaml-1.1', uniqueKeys: false, merge: true, stringKeys: false, logLevel: 'silent', customTags: (tags) => tags.filter((t) => {
    const name = typeof t === 'string' ? t : (t as { tag: string; format?: string })
    const tag = typeof name === 'string' ? name : name.tag
    const format = typeof name === 'string' ? '' : name.format ?? ''
    // Dates and base-60 numbers are plain texts for Kubernetes.
    return !/timestamp|binary|omap|pairs|set$/.test(tag) && format !== 'TIME'
  }) })
  const error = document.errors[0]
  if (error) throw new YamlSyntaxError(goMessage(error, text))
  return toPlain(document.toJS({ maxAliasCount: 10_000 }))
}

function toPlain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(toPlain)
  if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [String(k), toPlain(v)]))
  return Object.fromEntries(Object.entries(value as Record<string, unknown>).map(([k, v]) => [k, toPlain(v)]))
}

/** Which library error corresponds to which of libyaml's, and whether libyaml counts its line from 0 (parser) or 1 (scanner). */
function goMessage(error: YAMLError, text: string): string {
  const offset = error.pos[0]
  const line = text.slice(0, offset).split('\n').length
  const at = (n: number, message: string) => n > 0 ? `yaml: line ${n}: ${message}` : `yaml: ${message}`
  const message = error.message
  switch (error.code) {
    case 'TAB_AS_INDENT': return at(line === 1 ? 0 : line, 'found character that cannot start any token')
    case 'BLOCK_AS_IMPLICIT_KEY': {
      // The colon that is one too many.
      const colon = text.slice(offset).search(/:(\s|$)/)
      const end = text.slice(0, offset + Math.max(0, colon)).split('\n').length
      return at(end === 1 ? 0 : end, 'mapping values are not allowed in this context')
    }
    case 'BLOCK_IN_FLOW': return at(line, "did not find expected ',' or '}'")
    case 'BAD_ALIAS': return at(line, 'did not find expected alphabetic or numeric character')
    case 'BAD_DQ_ESCAPE': return at(line, 'found unknown escape character')
    case 'MULTILINE_IMPLICIT_KEY': return at(line, "could not find expected ':'")
    case 'MISSING_CHAR':
      if (/closing ['"]|closing quote/i.test(message)) return at(text.split('\n').length, 'found unexpected end of stream')
      // Behind a bracket, comma or colon libyaml waits for a value, not for the end.
      if (/flow|[\]}]/.test(message) && /[[{,:]\s*$/.test(text)) return at(Math.max(1, line), 'did not find expected node content')
      if (/flow sequence|\]/.test(message)) return at(Math.max(1, line), "did not find expected ',' or ']'")
      if (/flow map|\}/.test(message)) return at(Math.max(1, line), "did not find expected ',' or '}'")
      return at(line + 1, "could not find expected ':'")
    case 'BAD_INDENT':
      if (/flow/i.test(message) && /[[{,:]\s*$/.test(text)) return at(Math.max(1, line - 1), 'did not find expected node content')
      if (/flow/i.test(message)) return at(Math.max(1, line - 1), /sequence/.test(message) ? "did not find expected ',' or ']'" : "did not find expected ',' or '}'")
      return at(Math.max(1, line - 1), /sequence/i.test(message) ? "did not find expected '-' indicator" : 'did not find expected key')
    case 'UNEXPECTED_TOKEN':
      return at(Math.max(1, line - 1), /seq/.test(message) ? "did not find expected '-' indicator" : 'did not find expected key')
    case 'BAD_SCALAR_START': return at(line, 'found character that cannot start any token')
    default: return at(Math.max(1, line - 1), 'did not find expected key')
  }
}

/** The documents of a file, split at lines that begin with `---`; empty ones are left out. k8s: apimachinery/pkg/util/yaml splitYAMLDocument */
export function splitYamlDocuments(text: string): string[] {
  const parts: string[] = []
  let current: string[] = []
  for (const line of text.split('\n')) {
    if (/^---(\s|$)/.test(line)) {
      parts.push(current.join('\n'))
      const rest = line.slice(3).trim()
      current = rest && !rest.startsWith('#') ? [rest] : []
    } else current.push(line)
  }
  parts.push(current.join('\n'))
  return parts.filter((p) => p.trim() !== '')
}

export { compareYamlKeys, printYaml } from '../cluster/kinds/print-yaml.ts'
