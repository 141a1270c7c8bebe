import { BUILTINS } from './builtins.ts'
import { isEmptyTree, parseTemplate } from './parse.ts'
import type { Command, Expression, Node, Pipeline, Place, Tree } from './parse.ts'
import { GoInt, goPrint, goTypeOf, isGoMap, isGoObject, isNil, isTrue, NO_VALUE, sortedKeys } from './values.ts'
import type { GoFunction, GoMap } from './values.ts'

/** What a key that a map doesn't have is: nothing at all, the zero of its type (nil), or an error. */
export type MissingKey = 'invalid' | 'zero' | 'error'

export interface TemplateSetOptions {
  functions?: Readonly<Record<string, GoFunction>>
  missingKey?: MissingKey
}

/** A template can't be carried out; the message says where. k8s: Go text/template ExecError */
export class TemplateExecError extends Error {}

/** How deep templates may call each other. The engine's own stack ends earlier than Go's. */
const MAX_DEPTH = 1500

/** Go's text/template: templates that know each other by name. */
export class TemplateSet {
  readonly #trees: Map<string, Tree>
  readonly functions: Readonly<Record<string, GoFunction>>
  readonly missingKey: MissingKey
  /** How many templates are being carried out inside each other. */
  depth = 0

  constructor(options: TemplateSetOptions = {}, trees = new Map<string, Tree>()) {
    this.functions = options.functions ?? {}
    this.missingKey = options.missingKey ?? 'invalid'
    this.#trees = trees
  }

  /** A copy that can take more templates; its functions may be others. */
  clone(functions: Readonly<Record<string, GoFunction>> = this.functions): TemplateSet {
    return new TemplateSet({ functions, missingKey: this.missingKey }, new Map(this.#trees))
  }

  /** Adds a text and what it defines. Later ones take the place of earlier ones, unless they are empty. @throws Error in Go's words */
  parse(name: string, source: string): void {
    for (const tree of parseTemplate(name, source, (fn) => Object.hasOwn(this.functions, fn) || Object.hasOwn(BUILTINS, fn)))
      if (!this.#trees.has(tree.name) || !isEmptyTree(tree)) this.#trees.set(tree.name, tree)
  }

  lookup(name: string): Tree | undefined { return this.#trees.get(name) }

  /** @param out takes what is made, also when it fails on the way @throws TemplateExecError in Go's words */
  execute(name: string, data: unknown, out: string[] = []): string {
    const tree = this.#trees.get(name)
    if (!tree) throw new Error(`template: no template ${JSON.stringify(name)} associated with template "gotpl"`)
    new Execution(this, tree, out).run({ value: data, boxed: false })
    return out.join('')
  }
}

/** A single template with what it defines itself. */
export class GoTemplate {
  readonly #set: TemplateSet
  readonly #name: string

  /** @throws Error in Go's words when the template is malformed. */
  constructor(source: string, options: TemplateSetOptions & { name?: string } = {}) {
    this.#name = options.name ?? 'output'
    this.#set = new TemplateSet(options)
    this.#set.parse(this.#name, source)
  }

  /** @param out takes what is made, also when it fails on the way @throws TemplateExecError in Go's words when it can't be carried out. */
  execute(data: unknown, out: string[] = []): string {
    return this.#set.execute(this.#name, data, out)
  }
}

/** A value and whether Go knows it only as an interface: what comes out of maps and lists. Pipelines look inside. */
interface Held { value: unknown; boxed: boolean }
const held = (value: unknown, boxed = false): Held => ({ value, boxed })
/** No value comes from an earlier command of the pipeline. */
const NOTHING: Held = { value: NO_VALUE, boxed: false }

class Loop extends Error {
  readonly kind: 'break' | 'continue'
  constructor(kind: 'break' | 'continue') {
    super(kind)
    this.kind = kind
  }
}

/** k8s: Go text/template exec.go state */
class Execution {
  readonly #set: TemplateSet
  readonly #tree: Tree
  readonly #out: string[]
  #place: Place | undefined
  #variables: { name: string; held: Held }[] = []

  constructor(set: TemplateSet, tree: Tree, out: string[]) {
    this.#set = set
    this.#tree = tree
    this.#out = out
  }

  run(dot: Held): void {
    this.#variables = [{ name: '$', held: dot }]
    this.#walk(this.#tree.nodes, dot)
  }

  #fail(message: string): never {
    const name = this.#tree.name
    const place = this.#place
    if (!place) throw new TemplateExecError(`template: ${name}: ${message}`)
    const before = this.#tree.source.slice(0, place.at)
    const column = new TextEncoder().encode(before.slice(before.lastIndexOf('\n') + 1)).length
    throw new TemplateExecError(`template: ${this.#tree.parseName}:${before.split('\n').length}:${column}: executing ${JSON.stringify(name)} at <${place.text}>: ${message}`)
  }

  #walk(nodes: readonly Node[], dot: Held): void {
    for (const node of nodes) {
      this.#place = node
      switch (node.type) {
        case 'text': this.#out.push(node.text); break
        case 'break': case 'continue': throw new Loop(node.type)
        case 'action': {
          const { value } = this.#pipeline(node.pipe, dot)
          if (node.pipe.declare.length === 0) this.#out.push(isNil(value) ? '<no value>' : goPrint(value))
          break
        }
        case 'template': this.#template(node.name, node.pipe, dot); break
        case 'if': case 'with': {
          const mark = this.#variables.length
          const found = this.#pipeline(node.pipe, dot)
          if (isTrue(found.value)) this.#walk(node.body, node.type === 'with' ? found : dot)
          else if (node.otherwise) this.#walk(node.otherwise, dot)
          this.#variables.length = mark
          break
        }
        case 'range': this.#range(node, dot)
      }
    }
  }

  #template(name: string, pipe: Pipeline | undefined, dot: Held): void {
    const tree = this.#set.lookup(name)
    if (!tree) this.#fail(`template ${JSON.stringify(name)} not defined`)
    if (this.#set.depth >= MAX_DEPTH) this.#fail('exceeded maximum template depth (100000)')
    const data = pipe ? this.#pipeline(pipe, dot) : NOTHING
    this.#set.depth++
    new Execution(this.#set, tree, this.#out).run(data)
    this.#set.depth--
  }

  #range(node: Node & { type: 'range' | 'if' | 'with' }, dot: Held): void {
    const start = this.#variables.length
    const { declare, assign } = node.pipe
    const { value } = this.#pipeline(node.pipe, dot)
    const mark = this.#variables.length
    const each = (index: unknown, item: Held): boolean => {
      if (assign) {
        if (declare.length > 1) this.#assign(declare[0]!, held(index))
        if (declare.length > 0) this.#assign(declare.at(-1)!, item)
      } else {
        if (declare.length > 0) this.#variables[mark - 1] = { name: declare.at(-1)!, held: item }
        if (declare.length > 1) this.#variables[mark - 2] = { name: declare[0]!, held: held(index) }
      }
      try {
        this.#walk(node.body, item)
      } catch (error) {
        if (!(error instanceof Loop)) throw error
        if (error.kind === 'break') return false
      } finally {
        this.#variables.length = mark
      }
      return true
    }
    let any = false
    if (value instanceof GoInt) {
      if (declare.length > 1) this.#fail(`can't use ${value} to iterate over more than one variable`)
      for (let i = 0; i < value.value; i++) { any = true; if (!each(NO_VALUE, held(new GoInt(i, value.goType)))) break }
    } else if (Array.isArray(value) || value instanceof Uint8Array) {
      for (let i = 0; i < value.length; i++) { any = true; if (!each(new GoInt(i), held(value instanceof Uint8Array ? new GoInt(value[i]!, 'uint8') : value[i], true))) break }
    } else if (isGoMap(value)) {
      for (const key of sortedKeys(value)) { any = true; if (!each(key, held(value[key], true))) break }
    } else if (isGoObject(value) && value.range) {
      for (const [key, item] of value.range()) { any = true; if (!each(key, held(item, true))) break }
    } else if (!isNil(value)) this.#fail(`range can't iterate over ${goPrint(value)}`)
    if (!any && node.otherwise) this.#walk(node.otherwise, dot)
    this.#variables.length = start
  }

  #assign(name: string, value: Held): void {
    for (let i = this.#variables.length - 1; i >= 0; i--) if (this.#variables[i]!.name === name) { this.#variables[i]!.held = value; return }
    this.#fail(`undefined variable: ${name}`)
  }

  #variable(name: string): Held {
    for (let i = this.#variables.length - 1; i >= 0; i--) if (this.#variables[i]!.name === name) return this.#variables[i]!.held
    return this.#fail(`undefined variable: ${name}`)
  }

  #pipeline(pipe: Pipeline, dot: Held): Held {
    this.#place = pipe
    let found: Held | undefined
    for (const command of pipe.commands) {
      found = this.#command(command, dot, found)
      if (found.boxed || isNil(found.value)) found = held(isNil(found.value) ? NO_VALUE : found.value)
    }
    const value = found!
    for (const name of pipe.declare) {
      if (pipe.assign) this.#assign(name, value)
      else this.#variables.push({ name, held: value })
    }
    return value
  }

  /** @param final what the pipeline brings, if anything */
  #command(command: Command, dot: Held, final: Held | undefined): Held {
    const first = command.words[0]!
    const rest = command.words.slice(1)
    const noArguments = () => { if (rest.length > 0 || final) this.#fail(`can't give argument to non-function ${first.type === 'pipe' ? first.pipe.text : first.text}`) }
    switch (first.type) {
      case 'field': this.#place = first; return this.#fields(dot, dot, first, first.names, rest, final)
      case 'chain': return this.#chain(first, dot, rest, final)
      case 'function': return this.#function(first, command, dot, rest, final)
      case 'pipe': noArguments(); return this.#pipeline(first.pipe, dot)
      case 'variable': {
        this.#place = first
        const value = this.#variable(first.name)
        if (first.names.length > 0) return this.#fields(dot, value, first, first.names, rest, final)
        noArguments()
        return value
      }
    }
    this.#place = first
    noArguments()
    if (first.type === 'nil') this.#fail('nil is not a command')
    return first.type === 'dot' ? dot : held(first.value)
  }

  #chain(chain: Expression & { type: 'chain' }, dot: Held, rest: readonly Expression[], final: Held | undefined): Held {
    this.#place = chain
    if (chain.on.type === 'nil') this.#fail(`indirection through explicit nil in ${chain.text}`)
    return this.#fields(dot, this.#operand(chain.on, dot), chain, chain.names, rest, final)
  }

  /** A word that is an argument. */
  #operand(word: Expression, dot: Held): Held {
    this.#place = word
    switch (word.type) {
      case 'dot': return dot
      case 'nil': return held(null, true)
      case 'literal': return held(word.value)
      case 'field': return this.#fields(dot, dot, word, word.names, [], undefined)
      case 'variable': return this.#fields(dot, this.#variable(word.name), word, word.names, [], undefined)
      case 'pipe': return this.#pipeline(word.pipe, dot)
      case 'function': return this.#function(word, word, dot, [], undefined)
      case 'chain': return this.#chain(word, dot, [], undefined)
    }
  }

  #fields(dot: Held, from: Held, place: Place, names: readonly string[], rest: readonly Expression[], final: Held | undefined): Held {
    let value = from
    names.forEach((name, i) => {
      const last = i === names.length - 1
      value = this.#field(dot, name, place, last ? rest : [], last ? final : undefined, value)
    })
    return value
  }

  #field(dot: Held, name: string, place: Place, rest: readonly Expression[], final: Held | undefined, { value, boxed }: Held): Held {
    if (value === NO_VALUE || (isNil(value) && !boxed)) {
      if (this.#set.missingKey === 'error') this.#fail(`nil data; no entry for key ${JSON.stringify(name)}`)
      return NOTHING
    }
    const type = boxed ? 'interface {}' : goTypeOf(value)
    if (isNil(value)) this.#fail(`nil pointer evaluating ${type}.${name}`)
    const hasArguments = rest.length > 0 || final !== undefined
    if (isGoObject(value)) {
      const method = value.method?.(name)
      if (method) return this.#call(method, place, name, dot, rest, final)
      const field = value.field?.(name)
      if (field) {
        if (hasArguments) this.#fail(`${name} has arguments but cannot be invoked as function`)
        return held(field.value)
      }
    } else if (isGoMap(value)) {
      if (hasArguments) this.#fail(`${name} is not a method but has arguments`)
      if (Object.hasOwn(value, name)) return held((value as GoMap)[name], true)
      switch (this.#set.missingKey) {
        case 'error': return this.#fail(`map has no entry for key ${JSON.stringify(name)}`)
        case 'zero': return held(goTypeOf(value) === 'map[string]string' ? '' : null, true)
        default: return NOTHING
      }
    }
    return this.#fail(`can't evaluate field ${name} in type ${type}`)
  }

  #function(word: Expression & { type: 'function' }, command: Place, dot: Held, rest: readonly Expression[], final: Held | undefined): Held {
    this.#place = word
    const { name } = word
    if ((name === 'and' || name === 'or') && !Object.hasOwn(this.#set.functions, name)) {
      if (rest.length === 0 && !final) this.#fail(`wrong number of args for ${name}: want at least 1 got 0`)
      let found = NOTHING
      for (const each of rest) {
        found = this.#operand(each, dot)
        if (isTrue(found.value) === (name === 'or')) return found
      }
      return final ?? found
    }
    const fn = Object.hasOwn(this.#set.functions, name) ? this.#set.functions[name]! : BUILTINS[name]!
    return this.#call(fn, command, name, dot, rest, final)
  }

  #call(fn: GoFunction, place: Place, name: string, dot: Held, rest: readonly Expression[], final: Held | undefined): Held {
    const { params } = fn
    const count = rest.length + (final ? 1 : 0)
    const variadic = params.at(-1)?.startsWith('...') ?? false
    if (variadic ? rest.length < params.length - 1 && count < params.length - 1 : count !== params.length)
      this.#fail(variadic ? `wrong number of args for ${name}: want at least ${params.length - 1} got ${rest.length}` : `wrong number of args for ${name}: want ${params.length} got ${count}`)
    const typeOf = (i: number) => variadic && i >= params.length - 1 ? params.at(-1)!.slice(3) : params[i]!
    const args = rest.map((word, i) => this.#argument(word, dot, typeOf(i)))
    if (final) args.push(this.#checked(final, typeOf(rest.length)))
    try {
      return held(fn.call(...args))
    } catch (error) {
      if (error instanceof Loop || (error as { passesTemplates?: boolean }).passesTemplates) throw error
      this.#place = place
      return this.#fail(`error calling ${name}: ${(error as Error).message}`)
    }
  }

  #argument(word: Expression, dot: Held, type: string): unknown {
    this.#place = word
    if (word.type === 'nil') {
      if (NILABLE.test(type)) return null
      this.#fail(`cannot assign nil to ${type}`)
    }
    if (word.type === 'literal' && type !== 'any' && type !== 'value') {
      // Constants take the type that is asked for.
      const { value } = word
      if (INTEGER.test(type)) {
        const number = value instanceof GoInt ? value.value : typeof value === 'number' && Number.isInteger(value) ? value : undefined
        if (number === undefined) this.#fail(`expected integer; found ${word.text}`)
        return new GoInt(number, type as GoInt['goType'])
      }
      if (type === 'float64') {
        if (typeof value !== 'number' && !(value instanceof GoInt)) this.#fail(`expected float; found ${word.text}`)
        return Number(value)
      }
      if (type === 'string') { if (typeof value !== 'string') this.#fail(`expected string; found ${word.text}`); return value }
      if (type === 'bool') { if (typeof value !== 'boolean') this.#fail(`expected bool; found ${word.text}`); return value }
      this.#fail(`can't handle ${word.text} for arg of type ${type}`)
    }
    return this.#checked(this.#operand(word, dot), type)
  }

  /** k8s: Go text/template state.validateType */
  #checked({ value, boxed }: Held, type: string): unknown {
    if (type === 'value') return value
    if (type === 'any') return value === NO_VALUE ? null : value
    if (value === NO_VALUE || (isNil(value) && !boxed)) {
      if (NILABLE.test(type)) return null
      this.#fail(`invalid value; expected ${type}`)
    }
    const actual = goTypeOf(value)
    if (actual === type || (type === 'map[string]interface {}' && isGoMap(value) && actual === 'chartutil.Values') || (type === 'number' && (typeof value === 'number' || value instanceof GoInt))) return value
    return this.#fail(`wrong type for value; expected ${type}; got ${isNil(value) ? 'interface {}' : actual}`)
  }
}

/** Types that have a nil. */
const NILABLE = /^(map\[|\[\]|\*|interface|any$|value$)/
const INTEGER = /^u?int(8|32|64)?$/
