import { isCollection, isNode, isScalar, parseDocument, visit } from 'yaml'
import { goYamlObjection } from '../cluster/kinds/go-yaml-syntax.ts'
import { goSyntax, nullKeyProblem, scalarValue } from '../cluster/kinds/yaml-text.ts'

/** A syntax error in the words of the YAML library that kubectl uses. */
export class YamlSyntaxError extends Error {}

/** Words that YAML 1.1 takes for booleans and the newer reader of Go for texts. go: yaml.v3 resolve */
const OLD_BOOLEANS = /^(y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$/

/**
 * Parses one YAML (or JSON) document with the rules of Go's YAML 1.1 reader: `yes` is true, `0644` is octal, dates stay texts.
 * @param oldBooleans whether `yes`, `off` and the like are booleans; for kustomize they are texts
 * @throws YamlSyntaxError
 */
export function parseYaml(text: string, { oldBooleans = true } = {}): unknown {
  const document = parseDocument(text, { version: '1.1', schema: 'failsafe', uniqueKeys: false, merge: true, stringKeys: false, logLevel: 'silent' })
  // What only one of the two libraries minds is decided by kubectl's: it reads no further than the first thing that is whole.
  const objection = goYamlObjection(text)
  if (objection !== undefined) throw new YamlSyntaxError(objection)
  // What a scalar means is for Go's rules: a library for YAML 1.1 takes `e1` for a number.
  visit(document, { Scalar(_, node) { if (typeof node.value === 'string' && (oldBooleans || !OLD_BOOLEANS.test(node.value))) node.value = scalarValue(node) } })
  visit(document, {
    Pair(_, { key, value }) {
      if (isCollection(key)) throw new YamlSyntaxError(`yaml: invalid map key: ${goSyntax(toPlain(key.toJS(document)))}`)
      if (key === null || (isScalar(key) && key.value === null)) throw new YamlSyntaxError(nullKeyProblem(isNode(value) ? toPlain(value.toJS(document)) : null))
    },
  })
  return toPlain(document.toJS({ maxAliasCount: 10_000 }))
}

function toPlain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(toPlain)
  if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [String(k), toPlain(v)]))
  return Object.fromEntries(Object.entries(value as Record<string, unknown>).map(([k, v]) => [k, toPlain(v)]))
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
  // A last line counts as a line, also without its break.
  return parts.filter((part) => part.trim() !== '').map((part) => part.endsWith('\n') ? part : `${part}\n`)
}

export { compareYamlKeys, printYaml } from '../cluster/kinds/print-yaml.ts'
