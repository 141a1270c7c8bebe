import { goSprint } from '../../cluster/kinds/go-text.ts'
import { unescapeGo } from '../../cluster/kinds/jsonpath.ts'

/** A small text/template: actions, pipelines, variables, if/range/with/define/template/block, and the functions kubectl offers. */

/** Functions that a program offers besides Go's. */
type TemplateFunctions = Readonly<Record<string, (...args: any[]) => unknown>>

/** Where something stands in the template, for errors: characters from its beginning, and its words. */
interface Place { at: number; text: string }
type Expression = Place & (
  | { type: 'dot' }
  | { type: 'nil' }
  | { type: 'literal'; value: unknown; goType: string }
  | { type: 'field'; on: Expression; names: string[] }
  | { type: 'variable'; name: string; names: string[] }
  | { type: 'function'; name: string }
  | { type: 'pipe'; pipe: Pipeline }
)
interface Command extends Place { words: Expression[] }
interface Pipeline extends Place { declare: string[]; assign: boolean; commands: Command[] }
type Node =
  | { type: 'text'; text: string }
  | { type: 'action'; pipe: Pipeline }
  | { type: 'if' | 'with' | 'range'; pipe: Pipeline; body: Node[]; otherwise: Node[] }
  | { type: 'template'; name: string; pipe: Pipeline | undefined }
  | { type: 'break' | 'continue' }

/** Marks a missing map key, printed as `<no value>`. */
const NO_VALUE = Symbol('no value')

interface Token { kind: 'word' | 'string' | 'char' | 'number' | 'field' | 'variable' | 'punct' | 'space'; text: string; at: number }

function tokenize(action: string, offset: number): Token[] {
  const out: Token[] = []
  const pattern = /\s+|"(?:\\.|[^"\\])*"|`[^`]*`|'(?:\\.|[^'\\])+'|[+-]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\$[\p{L}\p{Nd}_]*|\.[\p{L}\p{Nd}_]+|[\p{L}_][\p{L}\p{Nd}_]*|:=|[|()=,.]/uy
  while (pattern.lastIndex < action.length) {
    const at = pattern.lastIndex
    const text = pattern.exec(action)?.[0]
    if (text === undefined) throw new Error(action[at] === '"' ? 'unterminated quoted string' : action[at] === '`' ? 'unterminated raw quoted string' : action[at] === "'" ? 'unterminated character constant' : `unexpected ${JSON.stringify(action[at])} in operand`)
    const c = text[0]!
    out.push({
      text, at: offset + at,
      kind: /\s/.test(c) ? 'space' : c === '"' || c === '`' ? 'string' : c === "'" ? 'char' : /^[+-]?\d/.test(text) ? 'number' : c === '$' ? 'variable' : /^\.[\p{L}\p{Nd}_]/u.test(text) ? 'field' : /[\p{L}_]/u.test(c) ? 'word' : 'punct',
    })
  }
  return out
}

class ActionParser {
  readonly #functions: TemplateFunctions
  readonly #tokens: Token[]
  readonly #context: string
  #at = 0
  /** @param offset where the text begins in the template @param context what the pipeline belongs to, for errors */
  constructor(text: string, offset: number, functions: TemplateFunctions, context = 'command') {
    this.#context = context
    this.#functions = functions
    this.#tokens = tokenize(text, offset)
  }

  #peek(): Token | undefined { return this.#tokens[this.#at] }
  #skip(): boolean { if (this.#peek()?.kind !== 'space') return false; this.#at++; return true }

  pipeline(close = ''): Pipeline {
    const declare: string[] = []
    let assign = false
    this.#skip()
    const save = this.#at
    if (this.#peek()?.kind === 'variable') {
      const names = [this.#tokens[this.#at++]!.text]
      this.#skip()
      if (this.#peek()?.text === ',') {
        this.#at++
        this.#skip()
        if (this.#peek()?.kind === 'variable') names.push(this.#tokens[this.#at++]!.text)
        this.#skip()
      }
      const operator = this.#peek()?.text
      if (operator === ':=' || operator === '=') { this.#at++; declare.push(...names); assign = operator === '=' } else this.#at = save
    }
    const commands: Command[] = []
    const start = this.#peek()?.at ?? 0
    for (;;) {
      const words: Expression[] = []
      for (;;) {
        this.#skip()
        const token = this.#peek()
        if (!token || token.text === '|' || token.text === close) break
        words.push(this.#operand())
      }
      if (words.length === 0) throw new Error(commands.length > 0 ? 'missing value for command' : `missing value for ${this.#context}`)
      if (commands.length > 0 && ['literal', 'dot', 'nil'].includes(words[0]!.type)) throw new Error(`non executable command in pipeline stage ${commands.length + 1}`)
      commands.push({ words, at: words[0]!.at, text: words.map((w) => w.text).join(' ') })
      const token = this.#tokens[this.#at]
      if (!token) { if (close) throw new Error('unclosed left paren'); break }
      this.#at++
      if (token.text === close) break
    }
    const declared = declare.length > 0 ? `${declare.join(', ')} ${assign ? '=' : ':='} ` : ''
    return { declare, assign, commands, at: start, text: declared + commands.map((c) => c.text).join(' | ') }
  }

  #operand(): Expression {
    const token = this.#tokens[this.#at++]!
    const place = { at: token.at, text: token.text }
    let base: Expression
    switch (token.kind) {
      case 'string': base = { ...place, type: 'literal', goType: 'string', value: token.text[0] === '`' ? token.text.slice(1, -1) : unescapeGo(token.text.slice(1, -1)) }; break
      case 'char': base = { ...place, type: 'literal', goType: 'int32', value: unescapeGo(token.text.slice(1, -1)).codePointAt(0) }; break
      case 'number': base = { ...place, type: 'literal', goType: /^[+-]?0[xX]/.test(token.text) || !/[.eE]/.test(token.text) ? 'int' : 'float64', value: Number(token.text) }; break
      case 'field': base = { ...place, type: 'field', on: { type: 'dot', at: token.at, text: '.' }, names: [token.text.slice(1)] }; break
      case 'variable': base = { ...place, type: 'variable', name: token.text, names: [] }; break
      case 'word':
        if (token.text === 'true' || token.text === 'false') base = { ...place, type: 'literal', goType: 'bool', value: token.text === 'true' }
        else if (token.text === 'nil') base = { ...place, type: 'nil' }
        else {
          if (!FUNCTIONS[token.text] && !this.#functions[token.text] && token.text !== 'and' && token.text !== 'or') throw new Error(`function ${JSON.stringify(token.text)} not defined`)
          base = { ...place, type: 'function', name: token.text }
        }
        break
      case 'punct':
        if (token.text === '.') { base = { ...place, type: 'dot' }; break }
        if (token.text === '(') {
          const pipe = this.pipeline(')')
          base = { at: token.at, text: `(${pipe.text})`, type: 'pipe', pipe }
          break
        }
        throw new Error(`unexpected ${JSON.stringify(token.text)} in command`)
      default: throw new Error(`unexpected ${JSON.stringify(token.text)} in command`)
    }
    // What a chain of fields is called by stands where its second part begins.
    const chain = this.#peek()
    while (this.#peek()?.kind === 'field') {
      const { text } = this.#tokens[this.#at++]!
      if (base.type === 'field' || base.type === 'variable') base = { ...base, names: [...base.names, text.slice(1)], at: chain!.at, text: base.text + text }
      else base = { type: 'field', on: base, names: [text.slice(1)], at: chain!.at, text: base.text + text }
    }
    return base
  }
}

/** A parsed template. */
export class GoTemplate {
  readonly #name: string
  readonly #source: string
  readonly #root: Node[]
  readonly #defined = new Map<string, Node[]>()
  readonly #missingKeyError: boolean
  readonly #functions: TemplateFunctions

  /** @throws Error in Go's words when the template is malformed. */
  constructor(source: string, options: { name?: string; missingKeyError?: boolean; /** More of them. */ functions?: TemplateFunctions } = {}) {
    this.#functions = options.functions ?? {}
    this.#name = options.name ?? 'output'
    this.#source = source
    this.#missingKeyError = options.missingKeyError ?? false
    this.#root = this.#parse()
  }

  /** @param out takes what is made, also when it fails on the way @throws Error in Go's words when it can't be carried out. */
  execute(data: unknown, out: string[] = []): string {
    this.#run(this.#root, data, new Scope(undefined, { $: data }), out)
    return out.join('')
  }

  #fail(line: number, message: string): never {
    throw new Error(`template: ${this.#name}:${line}: ${message}`)
  }

  #parse(): Node[] {
    const parts: { text: string; action?: string; line: number; at: number }[] = []
    const pattern = /\{\{(-\s)?([\s\S]*?)(\s-)?\}\}/g
    let at = 0
    let line = 1
    let trimNext = false
    for (let m = pattern.exec(this.#source); m; m = pattern.exec(this.#source)) {
      // Quotes may hide closing braces.
      let end = m.index + m[0].length
      let inner = m[2]!
      let trimRight = Boolean(m[3])
      while (((inner.match(/(?<!\\)"/g)?.length ?? 0) % 2 === 1 || (inner.match(/`/g)?.length ?? 0) % 2 === 1) && this.#source.indexOf('}}', end) >= 0) {
        const next = this.#source.indexOf('}}', end)
        inner = this.#source.slice(m.index + 2 + (m[1]?.length ?? 0), next)
        trimRight = /\s-$/.test(inner)
        if (trimRight) inner = inner.slice(0, -2)
        end = next + 2
        pattern.lastIndex = end
      }
      let text = this.#source.slice(at, m.index)
      if (trimNext) text = text.trimStart()
      if (m[1]) text = text.trimEnd()
      line += this.#source.slice(at, m.index).split('\n').length - 1
      parts.push({ text, line, at: 0 })
      if (!inner.trimStart().startsWith('/*')) parts.push({ text: '', action: inner, line, at: m.index + 2 + (m[1]?.length ?? 0) + inner.length - inner.trimStart().length })
      line += inner.split('\n').length - 1
      trimNext = trimRight
      at = end
    }
    const tail = this.#source.slice(at)
    if (tail.includes('{{')) this.#fail(line, 'unclosed action')
    parts.push({ text: trimNext ? tail.trimStart() : tail, line, at: 0 })

    let index = 0
    const block = (ends: string[]): { nodes: Node[]; end: string; rest: string; line: number; at: number } => {
      const nodes: Node[] = []
      while (index < parts.length) {
        const part = parts[index++]!
        if (part.action === undefined) {
          if (part.text) nodes.push({ type: 'text', text: part.text })
          continue
        }
        const action = part.action.trim()
        const keyword = /^[a-z]+\b/.exec(action)?.[0] ?? ''
        const rest = action.slice(keyword.length)
        try {
          if (keyword === 'end' || keyword === 'else') {
            if (!ends.includes(keyword)) this.#fail(part.line, `unexpected {{${keyword}}}`)
            return { nodes, end: keyword, rest: rest.trim(), line: part.line, at: part.at + keyword.length + rest.length - rest.trimStart().length }
          }
          if (keyword === 'if' || keyword === 'with' || keyword === 'range') nodes.push(control(keyword, rest, part.at + keyword.length))
          else if (keyword === 'break' || keyword === 'continue') nodes.push({ type: keyword })
          else if (keyword === 'define' || keyword === 'block') {
            const [, name, more] = /^\s*("(?:\\.|[^"\\])*"|`[^`]*`)([\s\S]*)$/.exec(rest) ?? this.#fail(part.line, `unexpected ${JSON.stringify(rest)} in ${keyword} clause`)
            const key = unescapeGo(name!.slice(1, -1))
            this.#defined.set(key, block(['end']).nodes)
            if (keyword === 'block') nodes.push({ type: 'template', name: key, pipe: new ActionParser(more!, part.at + action.length - more!.length, this.#functions, 'block clause').pipeline() })
          } else if (keyword === 'template') {
            const [, name, more] = /^\s*("(?:\\.|[^"\\])*"|`[^`]*`)([\s\S]*)$/.exec(rest) ?? this.#fail(part.line, `unexpected ${JSON.stringify(rest)} in template clause`)
            nodes.push({ type: 'template', name: unescapeGo(name!.slice(1, -1)), pipe: more!.trim() ? new ActionParser(more!, part.at + action.length - more!.length, this.#functions, 'template clause').pipeline() : undefined })
          } else nodes.push({ type: 'action', pipe: new ActionParser(action, part.at, this.#functions).pipeline() })
        } catch (error) {
          if ((error as Error).message.startsWith('template: ')) throw error
          this.#fail(part.line, (error as Error).message)
        }
      }
      if (ends.length > 0) this.#fail(line, 'unexpected EOF')
      return { nodes, end: '', rest: '', line, at: 0 }
    }
    const control = (type: 'if' | 'with' | 'range', text: string, at: number): Node => {
      const pipe = new ActionParser(text, at, this.#functions, type).pipeline()
      const body = block(['end', 'else'])
      let otherwise: Node[] = []
      if (body.end === 'else') {
        const chained = /^(if|with)\b/.exec(body.rest)
        otherwise = chained ? [control(chained[1] as 'if', body.rest.slice(chained[0].length), body.at + chained[0].length)] : block(['end']).nodes
      }
      return { type, pipe, body: body.nodes, otherwise }
    }
    const nodes = block([]).nodes
    for (const body of this.#defined.values()) this.#checkVariables(body, ['$'])
    this.#checkVariables(nodes, ['$'])
    return nodes
  }

  /** Go knows at once which variables there are. @throws Error for the first that isn't declared */
  #checkVariables(nodes: readonly Node[], known: string[]): void {
    const word = (expression: Expression): void => {
      if (expression.type === 'variable' && !known.includes(expression.name)) this.#fail(this.#source.slice(0, expression.at).split('\n').length, `undefined variable ${JSON.stringify(expression.name)}`)
      if (expression.type === 'field') word(expression.on)
      if (expression.type === 'pipe') pipe(expression.pipe)
    }
    const pipe = (of: Pipeline): void => {
      for (const name of of.assign ? of.declare : []) if (!known.includes(name)) this.#fail(this.#source.slice(0, of.at).split('\n').length, `undefined variable ${JSON.stringify(name)}`)
      for (const command of of.commands) command.words.forEach(word)
      if (!of.assign) known.push(...of.declare)
    }
    for (const node of nodes) {
      if (node.type === 'action' || node.type === 'template') { if (node.pipe) pipe(node.pipe) }
      else if (node.type === 'if' || node.type === 'with' || node.type === 'range') {
        const before = known.length
        pipe(node.pipe)
        const inner = known.splice(before)
        this.#checkVariables(node.body, [...known, ...inner])
        this.#checkVariables(node.otherwise, [...known, ...inner])
      }
    }
  }

  /** Returns what ended the loop, if a break or continue did. */
  #run(nodes: readonly Node[], dot: unknown, scope: Scope, out: string[]): 'break' | 'continue' | undefined {
    for (const node of nodes) {
      switch (node.type) {
        case 'text': out.push(node.text); break
        case 'break': case 'continue': return node.type
        case 'action': {
          const value = this.#pipeline(node.pipe, dot, scope)
          if (node.pipe.declare.length === 0) out.push(shownValue(value))
          break
        }
        case 'template': {
          const body = this.#defined.get(node.name)
          if (!body) throw new Error(`template: ${this.#name}:1:11: executing ${JSON.stringify(this.#name)} at <{{template ${JSON.stringify(node.name)}}}>: template ${JSON.stringify(node.name)} not defined`)
          const data = node.pipe ? this.#pipeline(node.pipe, dot, scope) : undefined
          this.#run(body, data, new Scope(undefined, { $: data }), out)
          break
        }
        case 'if': case 'with': {
          const inner = new Scope(scope)
          const value = this.#pipeline(node.pipe, dot, inner)
          const stop = isTrue(value) ? this.#run(node.body, node.type === 'with' ? value : dot, inner, out) : this.#run(node.otherwise, dot, inner, out)
          if (stop) return stop
          break
        }
        case 'range': {
          const inner = new Scope(scope)
          const value = this.#pipeline({ ...node.pipe, declare: [] }, dot, inner)
          const entries = rangeEntries(value)
          if (!entries) throw this.#execError(lastEvaluated(node.pipe), `range can't iterate over ${shownValue(value)}`)
          if (entries.length === 0) { this.#run(node.otherwise, dot, inner, out); break }
          const names = node.pipe.declare
          for (const [key, item] of entries) {
            const each = new Scope(inner)
            if (names.length === 1) each.declare(names[0]!, item)
            if (names.length === 2) { each.declare(names[0]!, key); each.declare(names[1]!, item) }
            if (this.#run(node.body, item, each, out) === 'break') break
          }
          break
        }
      }
    }
    return undefined
  }

  #execError({ at, text }: Place, message: string): Error {
    const before = this.#source.slice(0, at)
    const column = new TextEncoder().encode(before.slice(before.lastIndexOf('\n') + 1)).length
    return new Error(`template: ${this.#name}:${before.split('\n').length}:${column}: executing ${JSON.stringify(this.#name)} at <${text}>: ${message}`)
  }

  #pipeline(pipe: Pipeline, dot: unknown, scope: Scope): unknown {
    let value: unknown
    pipe.commands.forEach((command, i) => { value = this.#command(command, dot, scope, i > 0 ? [value] : [], i > 0 ? pipe.commands[i - 1]!.words[0] : undefined) })
    if (pipe.declare.length > 0) {
      const name = pipe.declare[0]!
      if (pipe.assign) scope.assign(name, value)
      else scope.declare(name, value)
    }
    return value
  }

  /** @param final what the pipeline brings, if anything @param maker what made that */
  #command(command: Command, dot: unknown, scope: Scope, final: unknown[], maker?: Expression): unknown {
    const [first, ...rest] = command.words
    if (first!.type === 'function') {
      const name = first!.name
      if (name === 'and' || name === 'or') {
        // Short-circuits.
        let value: unknown
        for (const word of rest) {
          value = this.#evaluate(word, dot, scope)
          if (isTrue(value) === (name === 'or')) return value
        }
        return final.length > 0 ? final[0] : value
      }
      const args = [...rest.map((w) => this.#evaluate(w, dot, scope)), ...final]
      try {
        const plain = args.map((a) => a === NO_VALUE ? undefined : a)
        const types = plain.map((value, i) => goTypeOf(rest[i] ?? maker, value))
        if (COMPARISONS.has(name)) checkComparison(name, plain, types)
        if (name === 'printf') {
          if (typeof plain[0] !== 'string') throw this.#execError(command, `wrong type for value; expected string; got ${types[0] || '<nil>'}`)
          return sprintf(plain[0], plain.slice(1), types.slice(1))
        }
        if (name === 'len') return lengthOf(plain[0], types[0]!)
        return (this.#functions[name] ?? FUNCTIONS[name]!)(...plain)
      } catch (error) {
        if ((error as Error).message.startsWith('template: ')) throw error
        throw this.#execError(command, `error calling ${name}: ${(error as Error).message}`)
      }
    }
    if (rest.length > 0 || final.length > 0) {
      const what = first!.type === 'field' ? first!.names.at(-1) : first!.type
      throw this.#execError(first!, first!.type === 'field' ? `${what} is not a method but has arguments` : `can't give argument to non-function ${first!.text}`)
    }
    if (first!.type === 'nil') throw this.#execError(first!, 'nil is not a command')
    return this.#evaluate(first!, dot, scope)
  }

  #evaluate(expression: Expression, dot: unknown, scope: Scope): unknown {
    switch (expression.type) {
      case 'dot': return dot
      case 'nil': return undefined
      case 'literal': return expression.value
      case 'variable': return this.#fields(scope.get(expression.name), expression.names, expression)
      case 'field': return this.#fields(this.#evaluate(expression.on, dot, scope), expression.names, expression)
      case 'pipe': return this.#pipeline(expression.pipe, dot, scope)
      case 'function': return this.#command({ words: [expression], at: expression.at, text: expression.text }, dot, scope, [])
    }
  }

  #fields(value: unknown, names: readonly string[], place: Place): unknown {
    for (const name of names) {
      if (value === NO_VALUE) {
        if (this.#missingKeyError) throw this.#execError(place, `nil data; no entry for key ${JSON.stringify(name)}`)
        continue
      }
      if (value === undefined || value === null) throw this.#execError(place, `nil pointer evaluating interface {}.${name}`)
      if (typeof value !== 'object' || Array.isArray(value)) throw this.#execError(place, `can't evaluate field ${name} in type interface {}`)
      if (Object.hasOwn(value, name)) value = (value as Record<string, unknown>)[name]
      else if (this.#missingKeyError) throw this.#execError(place, `map has no entry for key ${JSON.stringify(name)}`)
      else value = NO_VALUE
    }
    return value
  }
}

const COMPARISONS = new Set(['eq', 'ne', 'lt', 'le', 'gt', 'ge'])

/** What Go was at last when it evaluated a pipeline; errors of range point there. */
function lastEvaluated(pipe: Pipeline): Place {
  const command = pipe.commands.at(-1)!
  const [first] = command.words
  return first!.type === 'function' ? command : first!.type === 'pipe' ? lastEvaluated(first!.pipe) : first!
}

/** Go's name of the type that an expression's value has: the template's own numbers are plain ints or floats, those of JSON have 64 bits. */
function goTypeOf(expression: Expression | undefined, value: unknown): string {
  if (expression?.type === 'literal') return expression.goType
  if (expression?.type === 'pipe') return goTypeOf(expression.pipe.commands.at(-1)!.words[0], value)
  return goType(value, expression?.type === 'function' && expression.name === 'len')
}

function goType(value: unknown, plainInt: boolean): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return '[]interface {}'
  switch (typeof value) {
    case 'number': return Number.isInteger(value) ? plainInt ? 'int' : 'int64' : 'float64'
    case 'boolean': return 'bool'
    case 'string': return 'string'
    default: return 'map[string]interface {}'
  }
}

/** k8s: Go text/template eq, lt @throws Error where the types don't go together */
function checkComparison(name: string, values: readonly unknown[], types: readonly string[]): void {
  if (values.length < 2) throw new Error(values.length === 0 ? `wrong number of args for ${name}: want at least 1 got 0` : 'missing argument for comparison')
  const ordering = name !== 'eq' && name !== 'ne'
  const basic = (type: string) => type.startsWith('int') ? type.startsWith('interface') ? type : 'int' : type
  for (const [i, type] of types.entries()) {
    if (ordering && (type === '' || /[[]/.test(type))) throw new Error('invalid type for comparison')
    if (i > 0 && type !== '' && types[0] !== '' && basic(type) !== basic(types[0]!)) throw new Error(`incompatible types for comparison: ${types[0]} and ${type}`)
    if (!ordering && i > 0 && /[[]/.test(type) && /[[]/.test(types[0]!)) throw new Error(`non-comparable types ${goSprint(values[0])}: ${types[0]}, ${type}: ${goSprint(values[i])}`)
  }
}

class Scope {
  readonly #parent: Scope | undefined
  readonly #variables: Map<string, unknown>
  constructor(parent: Scope | undefined, variables: Record<string, unknown> = {}) {
    this.#parent = parent
    this.#variables = new Map(Object.entries(variables))
  }
  get(name: string): unknown {
    if (this.#variables.has(name)) return this.#variables.get(name)
    if (!this.#parent) throw new Error(`undefined variable ${JSON.stringify(name)}`)
    return this.#parent.get(name)
  }
  declare(name: string, value: unknown): void { this.#variables.set(name, value) }
  assign(name: string, value: unknown): void {
    if (this.#variables.has(name)) this.#variables.set(name, value)
    else if (this.#parent) this.#parent.assign(name, value)
    else throw new Error(`undefined variable ${JSON.stringify(name)}`)
  }
}

function shownValue(value: unknown): string {
  return value === NO_VALUE || value === undefined || value === null ? '<no value>' : goSprint(value)
}

function isTrue(value: unknown): boolean {
  if (value === NO_VALUE || value === undefined || value === null) return false
  if (typeof value === 'object') return Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0
  return Boolean(value)
}

function rangeEntries(value: unknown): [unknown, unknown][] | undefined {
  if (value === NO_VALUE || value === undefined || value === null) return []
  if (Array.isArray(value)) return value.map((v, i) => [i, v])
  if (typeof value === 'object') return Object.keys(value).sort().map((k) => [k, (value as Record<string, unknown>)[k]])
  if (typeof value === 'number' && Number.isInteger(value)) return Array.from({ length: Math.max(0, value) }, (_, i) => [i, i])
  return undefined
}

function lengthOf(value: unknown, type: string): number {
  if (typeof value === 'string') return new TextEncoder().encode(value).length
  if (Array.isArray(value)) return value.length
  if (typeof value === 'object' && value !== null) return Object.keys(value).length
  throw new Error(value === undefined || value === null ? 'len of nil pointer' : `len of type ${type}`)
}

function index(value: unknown, ...keys: unknown[]): unknown {
  for (const key of keys) {
    if (value === null || value === undefined) throw new Error('index of untyped nil')
    if (Array.isArray(value) || typeof value === 'string') {
      if (typeof key !== 'number') throw new Error(`cannot index slice/array with type ${typeof key}`)
      if (key < 0 || key >= value.length) throw new Error(`index out of range: ${key}`)
      value = typeof value === 'string' ? value.charCodeAt(key) : value[key]
    } else if (typeof value === 'object') value = (value as Record<string, unknown>)[String(key)] ?? NO_VALUE
    else throw new Error(`can't index item of type ${typeof value}`)
  }
  return value
}

function basicCompare(a: unknown, b: unknown): number {
  return (a as string) < (b as string) ? -1 : a === b ? 0 : 1
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }

const FUNCTIONS: Record<string, (...args: any[]) => unknown> = {
  not: (v) => !isTrue(v),
  len: (value) => lengthOf(value, goType(value, false)),
  index,
  slice: (v: string | unknown[], from = 0, to?: number) => v.slice(from, to),
  print: (...args) => args.map((a, i) => (i > 0 && typeof a !== 'string' && typeof args[i - 1] !== 'string' ? ' ' : '') + goSprint(a)).join(''),
  println: (...args) => args.map(goSprint).join(' ') + '\n',
  printf: (format: string, ...args) => sprintf(format, args),
  html: (...args) => args.map(goSprint).join('').replace(/[&<>"']/g, (c) => escapes[c]!),
  js: (...args) => args.map(goSprint).join('').replace(/[\\'"<>&=\n]/g, (c) => c === '\n' ? '\\u000A' : '\\<>&='.includes(c) && c !== '\\' ? `\\u${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}` : `\\${c}`),
  urlquery: (...args) => encodeURIComponent(args.map(goSprint).join('')).replaceAll('%20', '+').replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
  eq: (a, ...rest) => rest.some((b) => (a ?? null) === (b ?? null)),
  ne: (a, b) => (a ?? null) !== (b ?? null),
  lt: (a, b) => basicCompare(a, b) < 0,
  le: (a, b) => basicCompare(a, b) <= 0,
  gt: (a, b) => basicCompare(a, b) > 0,
  ge: (a, b) => basicCompare(a, b) >= 0,
  exists: (value, ...keys) => {
    for (const key of keys) {
      if (value === null || value === undefined || typeof value !== 'object') return false
      value = (value as Record<string, unknown>)[String(key)]
    }
    return value !== undefined && value !== null
  },
  base64decode: (text: string) => {
    try {
      return new TextDecoder().decode(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)))
    } catch {
      throw new Error('base64 decode failed: illegal base64 data at input byte 0')
    }
  },
}

/** The verbs of fmt.Printf that templates use. @param types Go's types of the arguments; told from the values by default */
export function sprintf(format: string, args: readonly unknown[], types: readonly string[] = args.map((a) => goType(a, false))): string {
  let next = 0
  const text = format.replace(/%([-+# 0]*)(\d+|\*)?(?:\.(\d+))?([a-zA-Z%])/g, (_, flags: string, width: string | undefined, precision: string | undefined, verb: string) => {
    if (verb === '%') return '%'
    const size = width === '*' ? Number(args[next++]) : Number(width ?? 0)
    if (next >= args.length) return `%!${verb}(MISSING)`
    const type = types[next] ?? ''
    let out = formatted(verb, args[next++], type, flags, precision === undefined ? undefined : Number(precision))
    if (out === undefined) return `%!${verb}(${type ? `${type}=${goSprint(args[next - 1])}` : '<nil>'})`
    if (flags.includes('+') && 'dfFeEgGv'.includes(verb) && typeof args[next - 1] === 'number' && (args[next - 1] as number) >= 0) out = `+${out}`
    if (flags.includes('-')) return out.padEnd(size)
    return flags.includes('0') && /^[+-]/.test(out) && typeof args[next - 1] === 'number' ? out[0]! + out.slice(1).padStart(size - 1, '0') : out.padStart(size, flags.includes('0') ? '0' : ' ')
  })
  const extra = args.slice(next)
  return extra.length > 0 ? `${text}%!(EXTRA ${extra.map((a, i) => types[next + i] ? `${types[next + i]}=${goSprint(a)}` : '<nil>').join(', ')})` : text
}

/** One argument, or undefined where the verb doesn't suit its type. */
function formatted(verb: string, value: unknown, type: string, flags: string, precision: number | undefined): string | undefined {
  if (verb === 'T') return type || '<nil>'
  if (verb === 'v') return goSprint(value)
  if (Array.isArray(value)) {
    const items = value.map((v) => formatted(verb, v, goType(v, false), flags, precision) ?? `%!${verb}(${goType(v, false)}=${goSprint(v)})`)
    return `[${items.join(' ')}]`
  }
  const whole = type.startsWith('int')
  switch (verb) {
    case 'd': return whole ? String(value) : undefined
    case 'b': case 'o': case 'X': case 'x': {
      if (whole) {
        const digits = (value as number).toString(verb === 'b' ? 2 : verb === 'o' ? 8 : 16)
        return (flags.includes('#') ? verb === 'o' ? '0' : verb === 'b' ? '0b' : '0x' : '') + (verb === 'X' ? digits.toUpperCase() : digits)
      }
      if (type !== 'string' || verb === 'b' || verb === 'o') return undefined
      const hex = [...new TextEncoder().encode(value as string)].map((b) => b.toString(16).padStart(2, '0')).join('')
      return verb === 'X' ? hex.toUpperCase() : hex
    }
    case 'c': return whole ? String.fromCodePoint(value as number) : undefined
    case 'f': case 'F': return type === 'float64' ? (value as number).toFixed(precision ?? 6) : undefined
    case 'g': case 'G': return type === 'float64' ? goSprint(value) : undefined
    case 'e': case 'E': return type === 'float64' ? (value as number).toExponential(precision ?? 6).replace(/e([+-])(\d)$/, 'e$10$2') : undefined
    case 't': return type === 'bool' ? String(value) : undefined
    case 'q': return type === 'string' ? JSON.stringify(value) : whole ? `'${String.fromCodePoint(value as number)}'` : undefined
    case 's': return type === 'string' ? precision === undefined ? value as string : [...value as string].slice(0, precision).join('') : undefined
    default: return undefined
  }
}
