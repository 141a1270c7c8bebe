/**
 * YAML as the API server reads it: YAML 1.1 scalars, converted to JSON. k8s: sigs.k8s.io/yaml YAMLToJSON (go-yaml v2)
 */
import { Composer, isAlias, isMap, isPair, isScalar, isSeq, LineCounter, Parser, type Document, type Node, type ParsedNode, type Scalar } from 'yaml'
import { setOwn } from '../../base/freeze.ts'
import { quoted } from './go-text.ts'
import { goYamlObjection } from './go-yaml-syntax.ts'
import { SyntaxProblem } from './json-text.ts'
import { nestsTooDeeply } from './yaml-depth.ts'

/** A YAML document as JSON. */
export interface YamlText {
  value: unknown
  /** `line 5: key "name" already set in map`, in order. */
  duplicateKeys: string[]
}

/** Aliases may multiply a document up to this many nodes. k8s: go-yaml refuses excessive aliasing */
const MAX_NODES = 4_000_000
const MAX_DEPTH = 10_000

/** Parses the first document of a text. @throws SyntaxProblem in go-yaml's words */
export function parseYaml(text: string): YamlText {
  if (/^%YAML\s+(?!1\.1\s)/m.exec(text)?.index === 0) throw new SyntaxProblem('yaml: found incompatible YAML document')
  // k8s: go-yaml readerc.go
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]/.test(text)) throw new SyntaxProblem('yaml: control characters are not allowed')
  if (nestsTooDeeply(text)) throw new SyntaxProblem('yaml: exceeded max depth of 10000')
  const lines = new LineCounter()
  const parser = new Parser(lines.addNewLine)
  const composer = new Composer({ schema: 'failsafe', merge: true, uniqueKeys: false, lineCounter: lines, keepSourceTokens: false })
  let document: Document.Parsed | undefined
  try {
    for (const parsed of composer.compose(parser.parse(text))) {
      document = parsed as Document.Parsed
      break
    }
    if (!document) for (const parsed of composer.end()) { document = parsed as Document.Parsed; break }
  } catch (error) {
    if (error instanceof RangeError) throw new SyntaxProblem('yaml: exceeded max depth')
    throw error
  }
  // What only one of the two libraries minds is decided by go-yaml: it reads no further than the first thing that is whole.
  const objection = !document || document.errors.length > 0 || !text.startsWith('{') || /\\[xuU]/.test(text) ? goYamlObjection(text) : undefined
  if (objection !== undefined) throw new SyntaxProblem(objection)
  if (!document) return { value: null, duplicateKeys: [] }
  const conversion: Conversion = { document, lines, duplicateKeys: [], nodes: 0, open: new Set() }
  const value = convert(document.contents as ParsedNode | null, conversion, 0)
  return { value, duplicateKeys: conversion.duplicateKeys }
}

interface Conversion {
  document: Document.Parsed
  lines: LineCounter
  duplicateKeys: string[]
  nodes: number
  /** What aliases are being followed to. */
  open: Set<Node>
}

function convert(node: Node | null | undefined, state: Conversion, depth: number): unknown {
  if (++state.nodes > MAX_NODES) throw new SyntaxProblem('yaml: document contains excessive aliasing')
  if (depth > MAX_DEPTH) throw new SyntaxProblem('yaml: exceeded max depth')
  if (node === null || node === undefined) return null
  if (isAlias(node)) {
    const target = node.resolve(state.document)
    if (!target) throw new SyntaxProblem(`yaml: unknown anchor '${node.source}' referenced`)
    if (state.open.has(target)) throw new SyntaxProblem(`yaml: anchor '${node.source}' value contains itself`)
    state.open.add(target)
    const value = convert(target, state, depth + 1)
    state.open.delete(target)
    return value
  }
  if (isScalar(node)) {
    const value = scalarValue(node)
    if (typeof value === 'number' && !Number.isFinite(value)) throw new SyntaxProblem(`json: unsupported value: ${Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'}`)
    return value
  }
  if (isSeq(node)) return node.items.map((item) => convert(item as Node, state, depth + 1))
  if (isMap(node)) {
    const entries = new Map<string, unknown>()
    const own = new Set<string>()
    for (const pair of node.items) {
      if (!isPair(pair)) continue
      const keyNode = pair.key as Node | null
      if (isScalar(keyNode) && keyNode.source === '<<' && keyNode.type === 'PLAIN') {
        for (const [key, value] of mergedEntries(pair.value as Node, state, depth)) if (!own.has(key) && !entries.has(key)) entries.set(key, value)
        continue
      }
      const value = convert(pair.value as Node, state, depth + 1)
      const key = keyText(keyNode, value, state, depth)
      if (own.has(key)) {
        const line = keyNode?.range ? state.lines.linePos(keyNode.range[0]).line : 0
        state.duplicateKeys.push(`line ${line}: key ${JSON.stringify(key)} already set in map`)
      }
      own.add(key)
      entries.set(key, value)
    }
    const out: Record<string, unknown> = {}
    // Go marshals the intermediate map with sorted keys.
    for (const key of [...entries.keys()].sort()) setOwn(out, key, entries.get(key))
    return out
  }
  return null
}

function mergedEntries(node: Node, state: Conversion, depth: number): [string, unknown][] {
  if (isAlias(node)) {
    const named = node.resolve(state.document)
    if (!named || state.open.has(named)) throw new SyntaxProblem(`yaml: anchor '${node.source}' value contains itself`)
    state.open.add(named)
    const entries = mergedEntries(named, state, depth + 1)
    state.open.delete(named)
    return entries
  }
  const target = node
  if (isSeq(target)) return target.items.flatMap((item) => mergedEntries(item as Node, state, depth))
  if (!isMap(target)) throw new SyntaxProblem('yaml: map merge requires map or sequence of maps as the value')
  const value = convert(target, state, depth + 1)
  return Object.entries(value as Record<string, unknown>)
}

function keyText(node: Node | null, value: unknown, state: Conversion, depth: number): string {
  if (isAlias(node)) return keyText(node.resolve(state.document) ?? null, value, state, depth)
  if (!isScalar(node)) {
    if (node === null) throw nullKey(value)
    throw new SyntaxProblem(`yaml: invalid map key: ${goSyntax(convert(node, state, depth + 1))}`)
  }
  const key = scalarValue(node)
  if (key === null) throw nullKey(value)
  return typeof key === 'string' ? key : String(key)
}

const nullKey = (value: unknown) => new SyntaxProblem(nullKeyProblem(value))

/** What is said of a key without text. */
export function nullKeyProblem(value: unknown): string {
  return `unsupported map key of type: %!s(<nil>), key: <nil>, value: ${value === null || value === undefined ? '<nil>' : goSyntax(value)}`
}

/** %#v of what go-yaml reads without a type. */
export function goSyntax(value: unknown): string {
  if (value === null || value === undefined) return 'interface {}(nil)'
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`
  if (typeof value === 'object') return `map[interface {}]interface {}{${Object.entries(value).map(([key, item]) => `${quoted(key)}:${goSyntax(item)}`).join(', ')}}`
  return typeof value === 'string' ? quoted(value) : String(value)
}

const CONSTANTS = new Map<string, boolean | null | number>()
for (const word of ['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON']) CONSTANTS.set(word, true)
for (const word of ['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF']) CONSTANTS.set(word, false)
for (const word of ['', '~', 'null', 'Null', 'NULL']) CONSTANTS.set(word, null)
for (const word of ['.nan', '.NaN', '.NAN']) CONSTANTS.set(word, NaN)
for (const word of ['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF']) CONSTANTS.set(word, Infinity)
for (const word of ['-.inf', '-.Inf', '-.INF']) CONSTANTS.set(word, -Infinity)

/** What a scalar means. k8s: go-yaml v2 resolve @throws SyntaxProblem for binary that isn't base64 */
export function scalarValue(node: Scalar): unknown {
  const text = typeof node.value === 'string' ? node.value : (node.source ?? '')
  const tag = node.tag
  if (tag !== undefined && tag !== '' && tag !== '!') {
    if (tag === 'tag:yaml.org,2002:str') return text
    if (tag === 'tag:yaml.org,2002:binary') return binaryText(text)
  }
  if (node.type !== 'PLAIN' && node.type !== undefined) return text
  return resolvePlain(text)
}

function binaryText(text: string): string {
  try {
    return atob(text)
  } catch {
    throw new SyntaxProblem('yaml: !!binary value contains invalid base64 data')
  }
}

/** The value of an unquoted scalar: YAML 1.1 booleans, null, integers of any base, floats, else the text. */
function resolvePlain(text: string): unknown {
  const constant = CONSTANTS.get(text)
  if (constant !== undefined) return constant
  const first = text.charCodeAt(0)
  if (first === 46 /* . */) {
    return /^\.\d+(?:[eE][-+]?\d+)?$/.test(text) ? Number(text) : text
  }
  if (!(first >= 48 && first <= 57) && first !== 43 && first !== 45) return text
  const plain = text.replaceAll('_', '')
  const integer = goInteger(plain)
  if (integer !== undefined) return integer
  if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(plain)) {
    const value = Number(plain)
    if (Number.isFinite(value)) return value
  }
  return text
}

/** k8s: strconv.ParseInt(text, 0, 64) */
function goInteger(text: string): number | undefined {
  const match = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/.exec(text)
  if (!match) return undefined
  const digits = match[2]!
  const literal = /^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits
  const value = BigInt(literal.toLowerCase())
  if (value > (1n << 64n) - 1n || (match[1] === '-' && value > 1n << 63n)) return undefined
  return Number(match[1] === '-' ? -value : value)
}
