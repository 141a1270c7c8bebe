import { goJson, goSprint } from './go-text.ts'

/** kubectl's JSONPath templates. k8s: client-go/util/jsonpath */

type Node =
  | { type: 'list'; nodes: Node[] }
  | { type: 'text'; text: string }
  | { type: 'field'; name: string }
  | { type: 'array'; params: [Param, Param, Param] }
  | { type: 'filter'; left: ListNode; right: ListNode; operator: string }
  | { type: 'literal'; value: number | boolean; float?: boolean }
  | { type: 'wildcard' }
  | { type: 'recursive' }
  | { type: 'union'; lists: ListNode[] }
  | { type: 'identifier'; name: string }
type ListNode = Extract<Node, { type: 'list' }>
interface Param { known: boolean; value: number; derived: boolean }

class Parser {
  readonly #input: string
  #pos = 0
  readonly root: ListNode = { type: 'list', nodes: [] }

  constructor(input: string) { this.#input = input }

  parse(): ListNode {
    while (this.#pos < this.#input.length) {
      const open = this.#input.indexOf('{', this.#pos)
      if (open < 0) {
        this.root.nodes.push({ type: 'text', text: this.#input.slice(this.#pos) })
        break
      }
      if (open > this.#pos) this.root.nodes.push({ type: 'text', text: this.#input.slice(this.#pos, open) })
      this.#pos = open + 1
      const action: ListNode = { type: 'list', nodes: [] }
      this.root.nodes.push(action)
      this.#action(action.nodes)
    }
    return this.root
  }

  #action(nodes: Node[]): void {
    for (;;) {
      const rest = this.#input.slice(this.#pos)
      if (rest.startsWith('}')) { this.#pos++; return }
      if (rest.startsWith('[?(')) { this.#filter(nodes); continue }
      if (rest.startsWith('..')) {
        if (nodes.at(-1)?.type === 'recursive') throw new Error('invalid multiple recursive descent')
        this.#pos += 2
        nodes.push({ type: 'recursive' })
        if (/^[\p{L}\p{Nd}_]/u.test(this.#input.slice(this.#pos))) this.#field(nodes)
        continue
      }
      const c = rest[0]
      if (c === undefined || c === '\n' || c === '\r') throw new Error('unclosed action')
      if (c === ' ' || c === '@' || c === '$') { this.#pos++; continue }
      if (c === '[') { this.#array(nodes); continue }
      if (c === '"' || c === "'") { this.#quote(nodes, c); continue }
      if (c === '.') { this.#pos++; this.#field(nodes); continue }
      if (/[+\-0-9]/.test(c)) {
        const text = /^[+-]?[0-9.]*/.exec(rest)![0]
        this.#pos += text.length
        if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(text)) throw new Error(`cannot parse number ${text}`)
        nodes.push({ type: 'literal', value: Number(text), float: text.includes('.') })
        continue
      }
      if (/[\p{L}_]/u.test(c)) {
        const name = /^[^\s.,[\]$@{}]*/.exec(rest)![0]
        this.#pos += name.length
        nodes.push(name === 'true' || name === 'false' ? { type: 'literal', value: name === 'true' } : { type: 'identifier', name })
        continue
      }
      throw new Error(`unrecognized character in action: U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')} '${c}'`)
    }
  }

  #field(nodes: Node[]): void {
    const text = /^(?:\\[\s\S]|[^\s.,[\]$@{}\\])*/.exec(this.#input.slice(this.#pos))![0]
    this.#pos += text.length
    nodes.push(text === '*' ? { type: 'wildcard' } : { type: 'field', name: text.replaceAll('\\', '') })
  }

  #quote(nodes: Node[], end: string): void {
    let at = this.#pos + 1
    for (; ; at++) {
      const c = this.#input[at]
      if (c === undefined || c === '\n') throw new Error('unterminated quoted string')
      if (c === end && this.#input[at - 1] !== '\\') break
    }
    nodes.push({ type: 'text', text: unescapeGo(this.#input.slice(this.#pos + 1, at)) })
    this.#pos = at + 1
  }

  #array(nodes: Node[]): void {
    const close = this.#input.indexOf(']', this.#pos)
    const line = this.#input.indexOf('\n', this.#pos)
    if (close < 0 || (line >= 0 && line < close)) throw new Error('unterminated array')
    let text = this.#input.slice(this.#pos + 1, close)
    this.#pos = close + 1
    if (text === '*') text = ':'
    const parts = text.split(',')
    if (parts.length > 1) {
      nodes.push({ type: 'union', lists: parts.map((p) => parseAction(`[${p.trim()}]`)) })
      return
    }
    const key = /^'([^']*)'$/.exec(text)
    if (key) { nodes.push(...parseAction(`.${key[1]}`).nodes); return }
    const slice = /^(-?\d*)(:-?\d*)?(:-?\d*)?$/.exec(text)
    if (!slice) throw new Error(`invalid array index ${text}`)
    const params = [0, 1, 2].map((i): Param => {
      const part = slice[i + 1]
      if (part) {
        const digits = i > 0 ? part.slice(1) : part
        if (i > 0 && digits === '') return { known: false, value: 0, derived: false }
        if (digits === '-') throw new Error(`array index ${digits} is not a number`)
        return { known: true, value: Number(digits), derived: false }
      }
      return i === 1 ? { known: true, value: Number(slice[1] || 0) + 1, derived: true } : { known: false, value: 0, derived: false }
    })
    nodes.push({ type: 'array', params: params as [Param, Param, Param] })
  }

  #filter(nodes: Node[]): void {
    const start = this.#pos += 3
    let begun = false
    let ended = false
    let pair = ''
    for (; ; this.#pos++) {
      const c = this.#input[this.#pos]
      if (c === undefined || c === '\n') throw new Error('unterminated filter')
      if (c === '"' || c === "'") {
        if (!begun) { begun = true; pair = c; continue }
        if (this.#input[this.#pos - 1] !== '\\' && c === pair) ended = true
      } else if (c === ')' && begun === ended) break
    }
    const text = this.#input.slice(start, this.#pos)
    if (this.#input[this.#pos + 1] !== ']') throw new Error('unclosed array expect ]')
    this.#pos += 2
    const parts = /^([^!<>=]+)([!<>=]+)(.+?)$/.exec(text)
    nodes.push(parts
      ? { type: 'filter', left: parseAction(parts[1]!), right: parseAction(parts[3]!), operator: parts[2]! }
      : { type: 'filter', left: parseAction(text), right: { type: 'list', nodes: [] }, operator: 'exists' })
  }
}

function parseAction(text: string): ListNode {
  return new Parser(`{${text}}`).parse().nodes[0] as ListNode
}

/** The escapes of a Go string. */
export function unescapeGo(text: string): string {
  return text.replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/gs, (_, e: string) => {
    const simple: Record<string, string> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v', '\\': '\\', '"': '"', "'": "'" }
    if (simple[e] !== undefined) return simple[e]
    if (/^[xuU]/.test(e)) return String.fromCodePoint(parseInt(e.slice(1), 16))
    if (/^[0-7]{3}$/.test(e)) return String.fromCharCode(parseInt(e, 8))
    throw new Error(`unquote string "${text}" error invalid syntax`)
  })
}

const isMap = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v)
const isNil = (v: unknown) => v === null || v === undefined

/** A parsed template. */
export class JsonPath {
  readonly #root: ListNode
  readonly #allowMissingKeys: boolean
  #beginRange = 0
  #inRange = 0
  #endRange = 0
  #lastEnd: Node | undefined

  /** @throws Error when the template is malformed. */
  constructor(template: string, options: { allowMissingKeys?: boolean } = {}) {
    this.#root = new Parser(template).parse()
    this.#allowMissingKeys = options.allowMissingKeys ?? false
  }

  /** One list of values per part of the template. @throws Error */
  find(data: unknown): unknown[][] {
    this.#beginRange = this.#inRange = this.#endRange = 0
    return this.#find(data, this.#root.nodes)
  }

  /** What kubectl prints. */
  print(data: unknown, asJson = false): string {
    const all = this.find(data)
    if (asJson) return all.map((values) => `${goJson(values, '    ')}\n`).join('')
    return all.map((values) => values.map(jsonPathText).join(' ')).join('')
  }

  #find(data: unknown, nodes: readonly Node[]): unknown[][] {
    const out: unknown[][] = []
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]!
      const results = this.#walk([data], node)
      if (this.#endRange > 0 && this.#endRange <= this.#inRange) {
        this.#endRange--
        this.#lastEnd = node
        break
      }
      if (this.#beginRange > 0) {
        this.#beginRange--
        this.#inRange++
        const rest = nodes.slice(i + 1)
        if (results.length > 0) for (const value of results) out.push(...this.#find(value, rest))
        else this.#find(null, rest)
        this.#inRange--
        const end = nodes.findIndex((n, k) => k > i && n === this.#lastEnd)
        if (end >= 0) i = end
        continue
      }
      out.push(results)
    }
    return out
  }

  #walk(input: unknown[], node: Node): unknown[] {
    switch (node.type) {
      case 'list': return node.nodes.reduce((values, n) => this.#walk(values, n), input)
      case 'text': return [node.text]
      case 'literal': return input.map(() => node.value)
      case 'identifier':
        if (node.name === 'range') { this.#beginRange++; return input }
        if (node.name === 'end') {
          if (this.#inRange <= 0) throw new Error('not in range, nothing to end')
          this.#endRange++
          return []
        }
        throw new Error(`unrecognized identifier ${node.name}`)
      case 'field': {
        if (input.length === 0) return []
        const out: unknown[] = []
        for (const value of input) if (isMap(value) && Object.hasOwn(value, node.name)) out.push(value[node.name])
        if (out.length === 0 && !this.#allowMissingKeys) throw new Error(`${node.name} is not found`)
        return out
      }
      // Of a text it means the bytes.
      case 'wildcard': return input.flatMap((v) => typeof v === 'string' ? [...new TextEncoder().encode(v)] : children(v))
      case 'recursive': return this.#recursive(input)
      case 'union': return node.lists.flatMap((l) => this.#walk(input, l))
      case 'array': return this.#array(input, node.params)
      case 'filter': return this.#filter(input, node)
    }
  }

  #recursive(input: unknown[]): unknown[] {
    const out: unknown[] = []
    for (const value of input) {
      // A text has its bytes below it, which have nothing below them.
      if (typeof value === 'string' && value !== '') out.push(value)
      const below = typeof value === 'string' ? [] : children(value)
      if (below.length > 0) out.push(value, ...this.#recursive(below))
    }
    return out
  }

  #array(input: unknown[], [start, end, step]: [Param, Param, Param]): unknown[] {
    const out: unknown[] = []
    for (const value of input) {
      if (isNil(value)) continue
      if (!Array.isArray(value)) throw new Error(`${goType(value)} is not array or slice`)
      const length = value.length
      let from = start.known ? start.value : 0
      if (from < 0) from += length
      let to = end.known ? end.value : length
      if (to < 0 || (to === 0 && end.derived)) to += length
      if (from === to) return out
      if (from >= length || from < 0) throw new Error(`array index out of bounds: index ${from}, length ${length}`)
      if (to > length || to < 0) throw new Error(`array index out of bounds: index ${to - 1}, length ${length}`)
      if (from > to) throw new Error(`starting index ${from} is greater than ending index ${to}`)
      if (step.known && step.value <= 0) throw new Error('step must be > 0')
      for (let i = from; i < to; i += step.known ? step.value : 1) out.push(value[i])
    }
    return out
  }

  #filter(input: unknown[], node: Extract<Node, { type: 'filter' }>): unknown[] {
    const out: unknown[] = []
    for (const value of input) {
      if (!Array.isArray(value)) throw new Error(`${isNil(value) ? '<nil>' : goSprint(value)} is not array or slice and cannot be filtered`)
      for (const item of value) {
        let lefts: unknown[] = []
        let failure: unknown
        try {
          lefts = this.#walk([item], node.left)
        } catch (error) { failure = error }
        if (node.operator === 'exists') { if (lefts.length > 0) out.push(item); continue }
        if (failure) throw failure
        if (lefts.length === 0) continue
        if (lefts.length > 1) throw new Error('can only compare one element at a time')
        const rights = this.#walk([item], node.right)
        if (rights.length === 0) continue
        if (rights.length > 1) throw new Error('can only compare one element at a time')
        if (isFloat(node.left, lefts[0]) !== isFloat(node.right, rights[0])) throw new Error('incompatible types for comparison')
        if (compare(node.operator, lefts[0], rights[0])) out.push(item)
      }
    }
    return out
  }
}

function children(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  if (isMap(value)) return Object.keys(value).sort().map((k) => value[k])
  return []
}

function goType(value: unknown): string {
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  return 'map[string]interface {}'
}

/** Whether Go has a side of a comparison as float64: `80.0` isn't 80. */
function isFloat(node: ListNode, value: unknown): boolean {
  const [only] = node.nodes
  return only?.type === 'literal' ? only.float === true : typeof value === 'number' && !Number.isInteger(value)
}

function compare(operator: string, left: unknown, right: unknown): boolean {
  if (isNil(left) || isNil(right)) throw new Error('invalid type for comparison')
  if (typeof left !== typeof right) throw new Error('incompatible types for comparison')
  const [a, b] = [left as number, right as number]
  switch (operator) {
    case '==': return a === b
    case '!=': return a !== b
    case '<': return a < b
    case '>': return a > b
    case '<=': return a <= b
    case '>=': return a >= b
    default: throw new Error(`unrecognized filter operator ${operator}`)
  }
}

/** One value as text: containers as JSON, the rest plainly. */
export function jsonPathText(value: unknown): string {
  if (isNil(value)) return 'null'
  return typeof value === 'object' ? goJson(value) : goSprint(value)
}

/**
 * Accepts `metadata.name`, `.metadata.name`, `{metadata.name}` and `{.metadata.name}`.
 * k8s: kubectl/pkg/cmd/get RelaxedJSONPathExpression
 */
export function relaxedJsonPath(path: string): string {
  if (path === '') return path
  const match = /^\{\.?([^{}]+)\}$|^\.?([^{}]+)$/.exec(path)
  if (!match) throw new Error("unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'")
  return `{.${match[1] ?? match[2]}}`
}
