import { unescapeGo } from '../jsonpath.ts'
import { lex } from './lex.ts'
import type { Token, TokenKind } from './lex.ts'
import { GoInt } from './values.ts'

/** Where something stands in the template, for errors: characters from its beginning, and its words. */
export interface Place { at: number; text: string }

export type Expression = Place & (
  | { type: 'dot' }
  | { type: 'nil' }
  | { type: 'literal'; value: unknown; literal: 'number' | 'string' | 'bool' }
  | { type: 'field'; names: readonly string[] }
  | { type: 'variable'; name: string; names: readonly string[] }
  | { type: 'chain'; on: Expression; names: readonly string[] }
  | { type: 'function'; name: string }
  | { type: 'pipe'; pipe: Pipeline }
)
export interface Command extends Place { words: readonly Expression[] }
export interface Pipeline extends Place { declare: readonly string[]; assign: boolean; commands: readonly Command[] }
export type Node = Place & (
  | { type: 'text' }
  | { type: 'action'; pipe: Pipeline }
  | { type: 'if' | 'with' | 'range'; pipe: Pipeline; body: readonly Node[]; otherwise: readonly Node[] | undefined }
  | { type: 'template'; name: string; pipe: Pipeline | undefined }
  | { type: 'break' | 'continue' }
)

/** One named template. */
export interface Tree {
  name: string
  /** The name of the text that it stood in. */
  parseName: string
  source: string
  nodes: readonly Node[]
}

/** Whether nothing but blanks is in it. k8s: parse.IsEmptyTree */
export const isEmptyTree = (tree: Tree): boolean => tree.nodes.every((node) => node.type === 'text' && node.text.trim() === '')

const unquoted = (token: Token) => token.kind === 'rawString' ? token.text.slice(1, -1).replaceAll('\r', '') : unescapeGo(token.text.slice(1, -1))

/**
 * Parses a text and the templates that it defines.
 * @param knows whether there is a function of that name
 * @throws Error `template: NAME:LINE: what is wrong`
 */
export function parseTemplate(name: string, source: string, knows: (name: string) => boolean): Tree[] {
  return new Parser(name, source, knows).all()
}

class Parser {
  readonly #name: string
  readonly #source: string
  readonly #knows: (name: string) => boolean
  readonly #tokens: readonly Token[]
  readonly #trees = new Map<string, Tree>()
  #next = 0
  #variables: string[] = ['$']
  #rangeDepth = 0
  #actionLine = 0

  constructor(name: string, source: string, knows: (name: string) => boolean) {
    this.#name = name
    this.#source = source
    this.#knows = knows
    this.#tokens = lex(source)
  }

  all(): Tree[] {
    const nodes: Node[] = []
    while (this.#peek().kind !== 'eof') {
      if (this.#peek().kind === 'left') {
        const save = this.#next++
        if (this.#isKeyword(this.#takeNonSpace(), 'define')) {
          this.#definition()
          continue
        }
        this.#next = save
      }
      const node = this.#textOrAction()
      if ('stop' in node) this.#fail(`unexpected {{${node.stop}}}`)
      nodes.push(node)
    }
    this.#add({ name: this.#name, parseName: this.#name, source: this.#source, nodes })
    return [...this.#trees.values()]
  }

  #add(tree: Tree): void {
    const old = this.#trees.get(tree.name)
    if (!old || isEmptyTree(old)) this.#trees.set(tree.name, tree)
    else if (!isEmptyTree(tree)) this.#fail(`template: multiple definition of template ${JSON.stringify(tree.name)}`)
  }

  #fail(message: string): never {
    const token = this.#tokens[Math.max(0, Math.min(this.#next, this.#tokens.length) - 1)]!
    throw new Error(`template: ${this.#name}:${token.line}: ${message}`)
  }

  #unexpected(token: Token, context: string): never {
    if (token.kind !== 'error') this.#fail(`unexpected ${shown(token)} in ${context}`)
    let extra = ''
    if (this.#actionLine !== 0 && this.#actionLine !== token.line) {
      extra = ` in action started at ${this.#name}:${this.#actionLine}`
      if (token.text.endsWith(' action')) extra = extra.slice(' in action'.length)
    }
    this.#fail(token.text + extra)
  }

  #peek(): Token { return this.#tokens[Math.min(this.#next, this.#tokens.length - 1)]! }
  #take(): Token { const token = this.#peek(); this.#next++; return token }
  #takeNonSpace(): Token { for (;;) { const token = this.#take(); if (token.kind !== 'space') return token } }
  #peekNonSpace(): Token { while (this.#peek().kind === 'space') this.#next++; return this.#peek() }
  #isKeyword(token: Token, text: string): boolean { return token.kind === 'keyword' && token.text === text }
  #expect(context: string, ...kinds: TokenKind[]): Token {
    const token = this.#takeNonSpace()
    if (!kinds.includes(token.kind)) this.#unexpected(token, context)
    return token
  }

  /** A named template inside this text, with variables of its own. */
  #inner(name: string, context: string): void {
    const variables = this.#variables
    const depth = this.#rangeDepth
    this.#variables = ['$']
    this.#rangeDepth = 0
    const { nodes, stop } = this.#list()
    if (stop !== 'end') this.#fail(`unexpected {{${stop}}} in ${context}`)
    this.#variables = variables
    this.#rangeDepth = depth
    this.#add({ name, parseName: this.#name, source: this.#source, nodes })
  }

  #definition(): void {
    const name = this.#expect('define clause', 'string', 'rawString')
    this.#expect('define clause', 'right')
    this.#inner(unquoted(name), 'define clause')
  }

  #list(): { nodes: Node[]; stop: 'end' | 'else' } {
    const nodes: Node[] = []
    while (this.#peekNonSpace().kind !== 'eof') {
      const node = this.#textOrAction()
      if ('stop' in node) return { nodes, stop: node.stop }
      nodes.push(node)
    }
    this.#next++
    return this.#fail('unexpected EOF')
  }

  #textOrAction(): Node | { stop: 'end' | 'else' } {
    const token = this.#takeNonSpace()
    if (token.kind === 'text') return { type: 'text', text: token.text, at: token.at }
    if (token.kind !== 'left') this.#unexpected(token, 'input')
    this.#actionLine = token.line
    const node = this.#action()
    this.#actionLine = 0
    return node
  }

  #action(): Node | { stop: 'end' | 'else' } {
    const token = this.#takeNonSpace()
    if (token.kind === 'keyword') {
      switch (token.text) {
        case 'end': this.#expect('end', 'right'); return { stop: 'end' }
        case 'else': {
          const next = this.#peekNonSpace()
          if (!this.#isKeyword(next, 'if') && !this.#isKeyword(next, 'with')) this.#expect('else', 'right')
          return { stop: 'else' }
        }
        case 'if': case 'with': case 'range': return this.#control(token.text, token.at)
        case 'break': case 'continue': {
          const after = this.#takeNonSpace()
          if (after.kind !== 'right') this.#unexpected(after, `{{${token.text}}}`)
          if (this.#rangeDepth === 0) this.#fail(`{{${token.text}}} outside {{range}}`)
          return { type: token.text, at: token.at, text: `{{${token.text}}}` }
        }
        case 'template': case 'block': {
          const context = `${token.text} clause`
          const name = this.#takeNonSpace()
          if (name.kind !== 'string' && name.kind !== 'rawString') this.#unexpected(name, context)
          const key = unquoted(name)
          let pipe: Pipeline | undefined
          if (token.text === 'template' && this.#peekNonSpace().kind === 'right') this.#next++
          else pipe = this.#pipeline(context, 'right')
          if (token.text === 'block') this.#inner(key, context)
          return { type: 'template', name: key, pipe, at: name.at, text: `{{template ${JSON.stringify(key)}${pipe ? ` ${pipe.text}` : ''}}}` }
        }
      }
    }
    this.#next--
    const { at } = this.#peek()
    const pipe = this.#pipeline('command', 'right')
    return { type: 'action', pipe, at, text: `{{${pipe.text}}}` }
  }

  #control(type: 'if' | 'with' | 'range', at: number): Node {
    const before = this.#variables.length
    const pipe = this.#pipeline(type, 'right')
    if (type === 'range') this.#rangeDepth++
    const body = this.#list()
    if (type === 'range') this.#rangeDepth--
    let otherwise: readonly Node[] | undefined
    if (body.stop === 'else') {
      const next = this.#peek()
      if (next.kind === 'keyword' && next.text === type && type !== 'range') {
        this.#next++
        otherwise = [this.#control(type, next.at)]
      } else {
        const rest = this.#list()
        if (rest.stop !== 'end') this.#fail(`expected end; found {{${rest.stop}}}`)
        otherwise = rest.nodes
      }
    }
    this.#variables.length = before
    return { type, pipe, body: body.nodes, otherwise, at: pipe.at, text: `{{${type} ${pipe.text}}}` } as Node
  }

  #pipeline(context: string, end: 'right' | 'rightParen'): Pipeline {
    const start = this.#peekNonSpace()
    const declare: string[] = []
    let assign = false
    while (this.#peekNonSpace().kind === 'variable') {
      const save = this.#next
      const variable = this.#take()
      const next = this.#peekNonSpace()
      if (next.kind === 'assign' || next.kind === 'declare') {
        assign = next.kind === 'assign'
        this.#next++
        declare.push(variable.text)
        this.#variables.push(variable.text)
        break
      }
      if (next.kind === 'char' && next.text === ',') {
        this.#next++
        declare.push(variable.text)
        this.#variables.push(variable.text)
        if (context === 'range' && declare.length < 2) {
          if (['variable', 'right', 'rightParen'].includes(this.#peekNonSpace().kind)) continue
          this.#fail('range can only initialize variables')
        }
        this.#fail(`too many declarations in ${context}`)
      }
      this.#next = save
      break
    }
    const commands: Command[] = []
    for (;;) {
      const token = this.#takeNonSpace()
      if (token.kind === end) break
      if (!['bool', 'charConstant', 'dot', 'field', 'identifier', 'number', 'nil', 'rawString', 'string', 'variable', 'leftParen'].includes(token.kind)) this.#unexpected(token, context)
      this.#next--
      commands.push(this.#command())
    }
    if (commands.length === 0) this.#fail(`missing value for ${context}`)
    commands.forEach((command, i) => {
      if (i > 0 && ['literal', 'dot', 'nil'].includes(command.words[0]!.type)) this.#fail(`non executable command in pipeline stage ${i + 1}`)
    })
    const declared = declare.length > 0 ? `${declare.join(', ')} ${assign ? '=' : ':='} ` : ''
    return { declare, assign, commands, at: start.at, text: declared + commands.map((c) => c.text).join(' | ') }
  }

  #command(): Command {
    const { at } = this.#peekNonSpace()
    const words: Expression[] = []
    for (;;) {
      this.#peekNonSpace()
      const operand = this.#operand()
      if (operand) words.push(operand)
      const token = this.#take()
      if (token.kind === 'space') continue
      if (token.kind === 'right' || token.kind === 'rightParen') this.#next--
      else if (token.kind !== 'pipe') this.#unexpected(token, 'operand')
      break
    }
    if (words.length === 0) this.#fail('empty command')
    return { words, at, text: words.map((w) => w.text).join(' ') }
  }

  #operand(): Expression | undefined {
    const term = this.#term()
    if (!term || this.#peek().kind !== 'field') return term
    // What a chain of fields is called by stands where its second part begins.
    const { at } = this.#peek()
    const names: string[] = []
    while (this.#peek().kind === 'field') names.push(this.#take().text.slice(1))
    const text = term.text + names.map((n) => `.${n}`).join('')
    switch (term.type) {
      case 'field': case 'variable': return { ...term, names: [...term.names, ...names], at, text }
      case 'literal': case 'nil': case 'dot': return this.#fail(`unexpected . after term ${JSON.stringify(term.text)}`)
      default: return { type: 'chain', on: term, names, at, text }
    }
  }

  #term(): Expression | undefined {
    const token = this.#takeNonSpace()
    const { at, text } = token
    switch (token.kind) {
      case 'identifier':
        if (!this.#knows(text)) this.#fail(`function ${JSON.stringify(text)} not defined`)
        return { type: 'function', name: text, at, text }
      case 'dot': return { type: 'dot', at, text: '.' }
      case 'nil': return { type: 'nil', at, text: 'nil' }
      case 'variable':
        if (!this.#variables.includes(text)) this.#fail(`undefined variable ${JSON.stringify(text)}`)
        return { type: 'variable', name: text, names: [], at, text }
      case 'field': return { type: 'field', names: [text.slice(1)], at, text }
      case 'bool': return { type: 'literal', literal: 'bool', value: text === 'true', at, text }
      case 'string': case 'rawString': return { type: 'literal', literal: 'string', value: unquoted(token), at, text }
      case 'charConstant': return { type: 'literal', literal: 'number', value: new GoInt(unescapeGo(text.slice(1, -1)).codePointAt(0)!, 'int'), at, text }
      case 'number': return { type: 'literal', literal: 'number', value: this.#number(text), at, text }
      case 'leftParen': {
        const pipe = this.#pipeline('parenthesized pipeline', 'rightParen')
        return { type: 'pipe', pipe, at, text: `(${pipe.text})` }
      }
      default:
        this.#next--
        return undefined
    }
  }

  #number(text: string): unknown {
    const digits = text.replaceAll('_', '').replace(/^\+/, '')
    // Powers of two: 0x1p60.
    const [, sign, whole, part = '', power] = /^(-?)0[xX]([\da-fA-F]*)(?:\.([\da-fA-F]*))?[pP]([+-]?\d+)$/.exec(digits) ?? []
    if (power !== undefined) return Number(`${sign}1`) * parseInt(`${whole}${part}`, 16) * 2 ** (Number(power) - 4 * part.length)
    const value = /^-0[xXoObB]/.test(digits) ? -Number(digits.slice(1)) : /^-?0[0-7]+$/.test(digits) ? parseInt(digits, 8) : Number(digits)
    if (Number.isNaN(value)) this.#fail(`illegal number syntax: ${JSON.stringify(text)}`)
    return /[.eEpP]/.test(text) && !/^[+-]?0[xX]/.test(text) ? value : new GoInt(value)
  }
}

/** k8s: parse.item.String */
function shown(token: Token): string {
  if (token.kind === 'eof') return 'EOF'
  if (token.kind === 'keyword' || token.kind === 'dot' || token.kind === 'nil') return `<${token.text}>`
  return token.text.length > 10 ? `${JSON.stringify(token.text.slice(0, 10))}...` : JSON.stringify(token.text)
}
