import { createPipe } from '../../base/streams.ts'
import type { ByteReader, Pipe } from '../../base/streams.ts'
import { errorText } from '../errno.ts'
import { UnixError } from '../types.ts'
import type { Process } from '../types.ts'
import { AwkSyntaxError, parseAwk } from './awk-parser.ts'
import type { AwkProgram, Expression, Statement } from './awk-parser.ts'
import { formatDate } from './date.ts'
import { posixRegex } from './posix-regex.ts'
import { openInput } from './utility.ts'
import type { Utility, UtilityContext } from './utility.ts'

/** Text that counts as a number in comparisons if it looks like one: fields, input, elements of split. */
class Input {
  readonly text: string
  readonly number: number | undefined
  constructor(text: string) {
    this.text = text
    this.number = /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/.test(text) ? Number(text) : undefined
  }
}

type Value = number | string | Input
type Table = Map<string, Value>

class Jump {
  readonly kind: 'next' | 'nextfile' | 'break' | 'continue' | 'exit' | 'return'
  readonly value: Value | undefined
  constructor(kind: Jump['kind'], value?: Value) {
    this.kind = kind
    this.value = value
  }
}

class AwkError extends Error {}

/** awk: a record is answered before the next one is read. */
export const awk: Utility = async (context) => {
  const { proc } = context
  const args = [...context.args]
  const assignments: [string, string][] = []
  const sources: string[] = []
  let separator: string | undefined
  while (args.length > 0 && /^-./.test(args[0]!)) {
    const arg = args.shift()!
    if (arg === '--') break
    if (arg === '--version' || arg === '-W') { await context.out('mawk 1.3.4 20240123\n'); return 0 }
    const value = arg.slice(2) || args.shift()
    if (value === undefined) { await context.err(`awk: option requires an argument -- ${arg[1]}\n`); return 2 }
    if (arg[1] === 'F') separator = value === 't' ? '\t' : unescape(value)
    else if (arg[1] === 'v') { const at = value.indexOf('='); assignments.push([value.slice(0, at), unescape(value.slice(at + 1))]) } else if (arg[1] === 'f') {
      try { sources.push(proc.fs.readText(proc.resolve(value))) } catch (error) { await context.err(`awk: cannot open "${value}" (${errorText(error)})\n`); return 2 }
    } else { await context.err(`awk: not an option: ${arg}\n`); return 2 }
  }
  if (sources.length === 0) {
    const source = args.shift()
    if (source === undefined) { await context.err('Usage: mawk [Options] [Program] [file ...]\n'); return 2 }
    sources.push(source)
  }
  let program: AwkProgram
  try { program = parseAwk(sources.join('\n')) } catch (error) {
    if (!(error instanceof AwkSyntaxError)) throw error
    await context.err(`awk: ${error.message}\n`)
    return 2
  }
  const machine = new Awk(context, program, ['awk', ...args])
  machine.set('FS', separator ?? ' ')
  for (const [name, value] of assignments) machine.set(name, new Input(value))
  try {
    return await machine.run()
  } catch (error) {
    if (!(error instanceof AwkError)) throw error
    await context.err(`awk: ${error.message}\n`)
    return 2
  } finally {
    await machine.close()
  }
}

function unescape(text: string): string {
  return text.replace(/\\([\s\S])/g, (whole, char: string) => ({ n: '\n', t: '\t', r: '\r', '\\': '\\', '"': '"', '/': '/' })[char] ?? whole)
}

/** Records of a stream, as RS separates them. */
class Records {
  readonly #input: ByteReader
  readonly #decoder = new TextDecoder()
  #rest = ''
  #ended = false

  constructor(input: ByteReader) {
    this.#input = input
  }

  async next(separator: string, regex: (source: string) => RegExp): Promise<string | undefined> {
    // An empty separator: paragraphs.
    const expression = separator === '' ? /\n\n+/g : separator.length === 1 ? undefined : regex(separator)
    for (;;) {
      if (separator === '') this.#rest = this.#rest.replace(/^\n+/, '')
      if (expression) {
        expression.lastIndex = 0
        const match = expression.exec(this.#rest)
        if (match && match[0] !== '' && (match.index + match[0].length < this.#rest.length || this.#ended)) { const record = this.#rest.slice(0, match.index); this.#rest = this.#rest.slice(match.index + match[0].length); return record }
      } else {
        const at = this.#rest.indexOf(separator)
        if (at >= 0) { const record = this.#rest.slice(0, at); this.#rest = this.#rest.slice(at + 1); return record }
      }
      if (this.#ended) {
        const record = this.#rest.replace(/\n$/, separator === '\n' ? '$&' : '')
        this.#rest = ''
        return record === '' ? undefined : record
      }
      const chunk = await this.#input.read()
      if (chunk) this.#rest += this.#decoder.decode(chunk, { stream: true })
      else { this.#rest += this.#decoder.decode(); this.#ended = true }
    }
  }
}

class Awk {
  readonly #context: UtilityContext
  readonly #program: AwkProgram
  readonly #globals = new Map<string, Value | Table>()
  #locals: Map<string, Value | Table | undefined> | undefined
  #record = ''
  #fields: string[] | undefined
  #fieldCount: number | undefined
  readonly #regexes = new Map<string, RegExp>()
  #pending = ''
  #main: Records | undefined
  #nextArgument = 1
  #usedInput = false
  #openMain: { close(): void } | undefined
  readonly #readers = new Map<string, { records: Records; close(): Promise<number> }>()
  readonly #writers = new Map<string, { write(text: string): Promise<void>; close(): Promise<number> }>()
  #exitCode = 0
  #seed = 0

  constructor(context: UtilityContext, program: AwkProgram, argv: readonly string[]) {
    this.#context = context
    this.#program = program
    const defaults: Record<string, Value> = { NR: 0, FNR: 0, NF: 0, OFS: ' ', ORS: '\n', RS: '\n', SUBSEP: '\x1c', CONVFMT: '%.6g', OFMT: '%.6g', RSTART: 0, RLENGTH: -1, FILENAME: '', ARGC: argv.length }
    for (const [name, value] of Object.entries(defaults)) this.#globals.set(name, value)
    this.#globals.set('ARGV', new Map(argv.map((each, i) => [String(i), new Input(each)])))
    this.#globals.set('ENVIRON', new Map(Object.entries(context.proc.env).map(([name, value]) => [name, new Input(value)])))
  }

  set(name: string, value: Value): void {
    this.#globals.set(name, value)
  }

  async run(): Promise<number> {
    const { rules } = this.#program
    try {
      try {
        for (const rule of rules) if (rule.kind === 'begin') await this.#body(rule.body!)
        if (rules.some((rule) => rule.kind !== 'begin')) {
          for (let record = await this.#readMain(); record !== undefined; record = await this.#readMain()) {
            this.#setRecord(record)
            try {
              for (const rule of rules) {
                if (rule.kind !== 'pattern') continue
                let matches = true
                if (rule.from && rule.to) {
                  matches = rule.active || await this.#truth(rule.from)
                  if (matches) rule.active = !await this.#truth(rule.to)
                } else if (rule.from) matches = await this.#truth(rule.from)
                if (!matches) continue
                if (rule.body) await this.#body(rule.body)
                else this.#pending += this.#record + this.#text(this.#get('ORS') as Value)
              }
            } catch (jump) {
              if (!(jump instanceof Jump)) throw jump
              if (jump.kind === 'nextfile') { this.#openMain?.close(); this.#main = undefined } else if (jump.kind !== 'next') throw jump
            }
            await this.#flush()
          }
        }
      } catch (jump) {
        if (!(jump instanceof Jump) || jump.kind !== 'exit') throw jump
        if (jump.value !== undefined) this.#exitCode = this.#number(jump.value)
      }
      for (const rule of rules) if (rule.kind === 'end') await this.#body(rule.body!)
    } catch (jump) {
      if (!(jump instanceof Jump) || jump.kind !== 'exit') throw jump
      if (jump.value !== undefined) this.#exitCode = this.#number(jump.value)
    }
    await this.#flush()
    return this.#exitCode & 255
  }

  async close(): Promise<void> {
    this.#openMain?.close()
    for (const each of [...this.#writers.values(), ...this.#readers.values()]) await each.close()
  }

  async #flush(): Promise<void> {
    const text = this.#pending
    this.#pending = ''
    if (text !== '') await this.#context.out(text)
  }

  // --- input --------------------------------------------------------------------------------------------------------------------

  async #readMain(): Promise<string | undefined> {
    for (;;) {
      if (!this.#main && !await this.#openNext()) return undefined
      const record = await this.#main!.next(this.#text(this.#get('RS') as Value), (source) => this.#regex(source))
      if (record !== undefined) {
        this.#globals.set('NR', this.#number(this.#get('NR') as Value) + 1)
        this.#globals.set('FNR', this.#number(this.#get('FNR') as Value) + 1)
        return record
      }
      this.#openMain?.close()
      this.#main = undefined
    }
  }

  async #openNext(): Promise<boolean> {
    const argv = this.#globals.get('ARGV') as Table
    const count = this.#number(this.#get('ARGC') as Value)
    for (; this.#nextArgument < count;) {
      const argument = this.#text(argv.get(String(this.#nextArgument++)) ?? '')
      if (argument === '') continue
      const assignment = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(argument)
      if (assignment) { this.#globals.set(assignment[1]!, new Input(unescape(assignment[2]!))); continue }
      this.#usedInput = true
      try {
        const input = openInput(this.#context.proc, argument)
        this.#main = new Records(input)
        this.#openMain = input
        this.#globals.set('FILENAME', argument)
        this.#globals.set('FNR', 0)
        return true
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        await this.#flush()
        await this.#context.err(this.#context.busybox ? `awk: ${argument}: ${errorText(error)}\n` : `awk: cannot open "${argument}" (${errorText(error)})\n`)
        this.#exitCode = 2
      }
    }
    if (this.#usedInput) return false
    this.#usedInput = true
    this.#main = new Records({ read: () => this.#context.proc.stdin.read(), cancel() {} })
    this.#openMain = { close() {} }
    return true
  }

  #setRecord(record: string): void {
    this.#record = record
    this.#fields = undefined
    this.#fieldCount = undefined
  }

  #split(): string[] {
    return this.#fields ??= this.#cut(this.#record, this.#text(this.#get('FS') as Value))
  }

  #cut(text: string, separator: string): string[] {
    if (text === '') return []
    if (separator === ' ') return text.trim() === '' ? [] : text.replace(/^[ \t\n]+|[ \t\n]+$/g, '').split(/[ \t\n]+/)
    if (separator === '') return [...text]
    if (separator.length === 1 && !/[\\^$.[\]|()*+?{}]/.test(separator) || separator === '|') return text.split(separator)
    const expression = this.#regex(separator)
    const out: string[] = []
    let at = 0
    expression.lastIndex = 0
    for (const match of text.matchAll(expression)) {
      if (match[0] === '') continue
      out.push(text.slice(at, match.index))
      at = match.index + match[0].length
    }
    return [...out, text.slice(at)]
  }

  #field(index: number): Value {
    if (index === 0) return new Input(this.#record)
    const field = this.#split()[index - 1]
    return field === undefined ? '' : new Input(field)
  }

  #setField(index: number, value: string): void {
    if (index < 0) throw new AwkError(`negative field index $${index}`)
    if (index === 0) return this.#setRecord(value)
    const fields = this.#split()
    while (fields.length < index) fields.push('')
    fields[index - 1] = value
    this.#record = fields.join(this.#text(this.#get('OFS') as Value))
  }

  // --- values -------------------------------------------------------------------------------------------------------------------

  #regex(source: string): RegExp {
    let expression = this.#regexes.get(source)
    if (!expression) {
      try { expression = new RegExp(posixRegex(source.replace(/\\([tnrfvy"/])/g, (whole, char: string) => ({ t: '\t', n: '\n', r: '\r', f: '\f', v: '\v', y: '\\b', '"': '"', '/': '/' })[char] ?? whole), true), 'gu') } catch { throw new AwkError(`regular expression compile failed: ${source}`) }
      this.#regexes.set(source, expression)
    }
    expression.lastIndex = 0
    return expression
  }

  #number(value: Value): number {
    if (typeof value === 'number') return value
    const text = typeof value === 'string' ? value : value.text
    return Number(/^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/.exec(text)?.[0] ?? 0)
  }

  #text(value: Value, format = 'CONVFMT'): string {
    if (typeof value === 'string') return value
    if (typeof value !== 'number') return value.text
    if (Number.isInteger(value)) return Math.abs(value) < 1e16 ? String(value) : value.toPrecision(17).replace(/\.?0+$/, '')
    if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
    return this.#format(this.#text(this.#globals.get(format) as Value), [value])
  }

  #isTrue(value: Value): boolean {
    return typeof value === 'number' ? value !== 0 : typeof value === 'string' ? value !== '' : value.number !== undefined ? value.number !== 0 : value.text !== ''
  }

  async #truth(expression: Expression): Promise<boolean> {
    return this.#isTrue(await this.#value(expression))
  }

  #get(name: string): Value | Table {
    if (this.#locals?.has(name)) return this.#locals.get(name) ?? ''
    if (name === 'NF') return this.#fieldCount ?? this.#split().length
    return this.#globals.get(name) ?? ''
  }

  #table(name: string): Table {
    const scope = this.#locals?.has(name) ? this.#locals : this.#globals
    let table = scope.get(name)
    if (table === undefined || table === '') scope.set(name, table = new Map<string, Value>())
    if (!(table instanceof Map)) throw new AwkError(`can't use scalar ${name} as array`)
    return table
  }

  async #key(keys: readonly Expression[]): Promise<string> {
    const parts: string[] = []
    for (const key of keys) parts.push(this.#text(await this.#value(key)))
    return parts.join(this.#text(this.#get('SUBSEP') as Value))
  }

  async #store(target: Expression, value: Value): Promise<void> {
    switch (target.is) {
      case 'name':
        if (this.#locals?.has(target.name)) this.#locals.set(target.name, value)
        else if (target.name === 'NF') {
          const fields = this.#split()
          const count = Math.max(0, Math.floor(this.#number(value)))
          while (fields.length < count) fields.push('')
          fields.length = count
          this.#record = fields.join(this.#text(this.#get('OFS') as Value))
        } else this.#globals.set(target.name, value)
        return
      case 'field': return this.#setField(Math.floor(this.#number(await this.#value(target.index))), this.#text(value))
      case 'index': { const key = await this.#key(target.keys); this.#table(target.name).set(key, value); return }
      case 'group': return this.#store(target.inner, value)
      default: throw new AwkError('assignment to something that is no variable')
    }
  }

  #compare(operator: string, left: Value, right: Value): boolean {
    const numeric = (value: Value) => typeof value === 'number' ? value : typeof value === 'string' ? undefined : value.number
    const [a, b] = [numeric(left), numeric(right)]
    const difference = a !== undefined && b !== undefined ? a - b : ((x, y) => x < y ? -1 : x > y ? 1 : 0)(this.#text(left), this.#text(right))
    switch (operator) {
      case '<': return difference < 0
      case '<=': return difference <= 0
      case '>': return difference > 0
      case '>=': return difference >= 0
      case '==': return difference === 0
      default: return difference !== 0
    }
  }

  #calculate(operator: string, a: number, b: number): number {
    switch (operator) {
      case '+': return a + b
      case '-': return a - b
      case '*': return a * b
      case '/': if (b === 0) throw new AwkError('division by zero'); return a / b
      case '%': if (b === 0) throw new AwkError('division by zero in %'); return a % b
      default: return a ** b
    }
  }

  async #pattern(expression: Expression): Promise<RegExp> {
    return this.#regex(expression.is === 'regex' ? expression.source : this.#text(await this.#value(expression)))
  }

  async #value(expression: Expression): Promise<Value> {
    switch (expression.is) {
      case 'number': return expression.value
      case 'string': return expression.value
      case 'regex': return this.#regex(expression.source).test(this.#record) ? 1 : 0
      case 'group': return this.#value(expression.inner)
      case 'name': {
        const value = this.#get(expression.name)
        if (value instanceof Map) throw new AwkError(`can't use array ${expression.name} as scalar`)
        return value
      }
      case 'field': return this.#field(Math.floor(this.#number(await this.#value(expression.index))))
      case 'index': {
        const key = await this.#key(expression.keys)
        const table = this.#table(expression.name)
        const value = table.get(key)
        if (value === undefined) table.set(key, '')
        return value ?? ''
      }
      case 'assign': {
        let value = await this.#value(expression.value)
        if (expression.operator !== '=') value = this.#calculate(expression.operator[0]!, this.#number(await this.#value(expression.target)), this.#number(value))
        await this.#store(expression.target, value)
        return value
      }
      case 'step': {
        const old = this.#number(await this.#value(expression.target))
        await this.#store(expression.target, old + expression.by)
        return expression.before ? old + expression.by : old
      }
      case 'unary': {
        const value = await this.#value(expression.operand)
        return expression.operator === '!' ? this.#isTrue(value) ? 0 : 1 : expression.operator === '-' ? -this.#number(value) : this.#number(value)
      }
      case 'binary': {
        const left = await this.#value(expression.left)
        const right = await this.#value(expression.right)
        if (expression.operator === ' ') return this.#text(left) + this.#text(right)
        return '+-*/%^'.includes(expression.operator) ? this.#calculate(expression.operator, this.#number(left), this.#number(right)) : this.#compare(expression.operator, left, right) ? 1 : 0
      }
      case 'and': return await this.#truth(expression.left) && await this.#truth(expression.right) ? 1 : 0
      case 'or': return await this.#truth(expression.left) || await this.#truth(expression.right) ? 1 : 0
      case 'choice': return await this.#truth(expression.test) ? this.#value(expression.yes) : this.#value(expression.no)
      case 'match': {
        const text = this.#text(await this.#value(expression.left))
        return (await this.#pattern(expression.right)).test(text) !== expression.negated ? 1 : 0
      }
      case 'in': return this.#table(expression.name).has(await this.#key(expression.keys)) ? 1 : 0
      case 'getline': return this.#getline(expression)
      case 'call': return this.#call(expression.name, expression.args)
    }
  }

  async #getline({ target, file, command }: Extract<Expression, { is: 'getline' }>): Promise<number> {
    let record: string | undefined
    if (!file && !command) record = await this.#readMain()
    else {
      const name = this.#text(await this.#value((file ?? command)!))
      let reader = this.#readers.get(name)
      if (!reader) {
        const { proc } = this.#context
        if (file) {
          try { const input = openInput(proc, name); reader = { records: new Records(input), close: async () => { input.close(); return 0 } } } catch (error) { if (error instanceof UnixError) return -1; throw error }
        } else {
          await this.#flush()
          const pipe = createPipe()
          const process = proc.spawn(['/bin/sh', '-c', name], { stdout: pipe.writer })
          void process.wait().then(() => pipe.writer.close())
          reader = { records: new Records(pipe.reader), close: async () => { pipe.reader.cancel(); return (await process.wait()).code } }
        }
        this.#readers.set(name, reader)
      }
      record = await reader.records.next(this.#text(this.#get('RS') as Value), (source) => this.#regex(source))
      if (record !== undefined && command) this.#globals.set('NR', this.#number(this.#get('NR') as Value) + 1)
    }
    if (record === undefined) return 0
    if (target) await this.#store(target, new Input(record))
    else this.#setRecord(record)
    return 1
  }

  async #call(name: string, args: readonly Expression[]): Promise<Value> {
    const own = this.#program.functions.get(name)
    if (own) {
      const locals = new Map<string, Value | Table | undefined>()
      for (const [i, parameter] of own.parameters.entries()) {
        const argument = args[i]
        if (!argument) { locals.set(parameter, undefined); continue }
        // Arrays go by reference; what isn't anything yet may become one.
        const held = argument.is === 'name' ? this.#get(argument.name) : undefined
        locals.set(parameter, held instanceof Map ? held : argument.is === 'name' && held === '' && !(this.#locals?.has(argument.name) ?? this.#globals.has(argument.name)) ? this.#lazyTable(argument.name, own.body, parameter) : await this.#value(argument))
      }
      const outer = this.#locals
      this.#locals = locals
      try {
        await this.#body(own.body)
        return ''
      } catch (jump) {
        if (jump instanceof Jump && jump.kind === 'return') return jump.value ?? ''
        throw jump
      } finally {
        this.#locals = outer
      }
    }
    const text = async (i: number) => args[i] ? this.#text(await this.#value(args[i])) : ''
    const number = async (i: number) => args[i] ? this.#number(await this.#value(args[i])) : 0
    switch (name) {
      case 'length': {
        if (args.length === 0) return [...this.#record].length
        const [argument] = args
        if (argument!.is === 'name') { const held = this.#get(argument!.name); if (held instanceof Map) return held.size }
        return [...await text(0)].length
      }
      case 'substr': {
        const chars = [...await text(0)]
        const start = Math.round(await number(1))
        const end = args[2] ? start + Math.round(await number(2)) : Infinity
        return chars.slice(Math.max(0, start - 1), Math.max(0, Math.min(chars.length + 1, end) - 1)).join('')
      }
      case 'index': return (await text(0)).indexOf(await text(1)) + 1
      case 'split': {
        const source = await text(0)
        const target = args[1]
        if (target?.is !== 'name') throw new AwkError('split needs an array')
        const parts = this.#cut(source, args[2] ? args[2].is === 'regex' ? args[2].source : await text(2) : this.#text(this.#get('FS') as Value))
        const table = this.#table(target.name)
        table.clear()
        parts.forEach((part, i) => table.set(String(i + 1), new Input(part)))
        return parts.length
      }
      case 'sub': case 'gsub': {
        const expression = await this.#pattern(args[0]!)
        const replacement = await text(1)
        const target: Expression = args[2] ?? { is: 'field', index: { is: 'number', value: 0 } }
        const before = this.#text(await this.#value(target))
        let count = 0
        let out = ''
        let at = 0
        expression.lastIndex = 0
        for (const match of before.matchAll(expression)) {
          if (name === 'sub' && count === 1) break
          count += 1
          out += before.slice(at, match.index) + replacement.replace(/\\\\&|\\&|&/g, (each) => each === '&' ? match[0] : each === '\\&' ? '&' : `\\${match[0]}`)
          at = match.index + match[0].length
        }
        if (count > 0) await this.#store(target, out + before.slice(at))
        return count
      }
      case 'gensub': {
        const expression = await this.#pattern(args[0]!)
        const replacement = await text(1)
        const which = await text(2)
        let count = 0
        return (args[3] ? await text(3) : this.#record).replace(expression, (...match: unknown[]) => {
          count += 1
          return /^[gG]/.test(which) || Number(which) === count ? replacement.replace(/\\(\d)|\\&|&/g, (each, digit?: string) => digit !== undefined ? String(match[Number(digit)] ?? '') : each === '&' ? String(match[0]) : '&') : String(match[0])
        })
      }
      case 'match': {
        const source = await text(0)
        const expression = await this.#pattern(args[1]!)
        expression.lastIndex = 0
        const found = expression.exec(source)
        this.#globals.set('RSTART', found ? found.index + 1 : 0)
        this.#globals.set('RLENGTH', found ? found[0].length : -1)
        if (args[2]?.is === 'name') { const table = this.#table(args[2].name); table.clear(); found?.forEach((each, i) => table.set(String(i), new Input(each ?? ''))) }
        return found ? found.index + 1 : 0
      }
      case 'sprintf': { const values: Value[] = []; for (const argument of args.slice(1)) values.push(await this.#value(argument)); return this.#format(await text(0), values) }
      case 'sin': return Math.sin(await number(0))
      case 'cos': return Math.cos(await number(0))
      case 'atan2': return Math.atan2(await number(0), await number(1))
      case 'exp': return Math.exp(await number(0))
      case 'log': return Math.log(await number(0))
      case 'sqrt': return Math.sqrt(await number(0))
      case 'int': return Math.trunc(await number(0))
      case 'rand': return this.#context.proc.random.float()
      case 'srand': { const before = this.#seed; this.#seed = args.length > 0 ? await number(0) : Math.floor(this.#context.proc.clock.nowMs() / 1000); return before }
      case 'tolower': return (await text(0)).toLowerCase()
      case 'toupper': return (await text(0)).toUpperCase()
      case 'system': { const command = await text(0); await this.#flush(); return (await this.#context.proc.spawn(['/bin/sh', '-c', command]).wait()).code }
      case 'fflush': await this.#flush(); return 0
      case 'close': {
        const target = await text(0)
        const found = this.#writers.get(target) ?? this.#readers.get(target)
        this.#writers.delete(target)
        this.#readers.delete(target)
        return found ? found.close() : -1
      }
      case 'systime': return Math.floor(this.#context.proc.clock.nowMs() / 1000)
      case 'strftime': return formatDate(args[0] ? await text(0) : '%a %b %d %H:%M:%S %Z %Y', args[1] ? await number(1) * 1000 : this.#context.proc.clock.nowMs())
      default: throw new AwkError(`calling undefined function ${name}`)
    }
  }

  /** An untouched name that a function uses as an array becomes one. */
  #lazyTable(name: string, body: readonly Statement[], parameter: string): Table | undefined {
    const used = JSON.stringify(body)
    return used.includes(`{"is":"index","name":"${parameter}"`) || used.includes(`"of":"${parameter}"`) || new RegExp(`"name":"split","args":\\[.*"name":"${parameter}"`).test(used) ? this.#table(name) : undefined
  }

  #format(format: string, values: readonly Value[]): string {
    let next = 0
    const take = (): Value => values[next++] ?? ''
    return format.replace(/%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?[hlLqjzt]*([a-zA-Z%])/g, (whole, flags: string, widthText: string | undefined, precisionText: string | undefined, kind: string) => {
      if (kind === '%') return '%'
      let width = widthText === '*' ? this.#number(take()) : Number(widthText ?? 0)
      const hasPrecision = whole.includes('.')
      const precision = precisionText === '*' ? this.#number(take()) : Number(precisionText ?? 0)
      let left = flags.includes('-')
      if (width < 0) { left = true; width = -width }
      let body: string
      let isNumber = true
      const value = take()
      switch (kind) {
        case 'd': case 'i': case 'u': {
          const whole = Math.trunc(this.#number(value))
          body = Math.abs(whole) < 1e21 ? BigInt(Number.isFinite(whole) ? Math.abs(whole) : 0).toString() : String(Math.abs(whole))
          if (hasPrecision) body = body.padStart(precision, '0')
          body = (whole < 0 ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '') + body
          break
        }
        case 'o': body = Math.trunc(this.#number(value)).toString(8); break
        case 'x': body = Math.trunc(this.#number(value)).toString(16); break
        case 'X': body = Math.trunc(this.#number(value)).toString(16).toUpperCase(); break
        case 'f': case 'F': body = signed(this.#number(value), flags, (n) => n.toFixed(hasPrecision ? precision : 6)); break
        case 'e': case 'E': body = signed(this.#number(value), flags, (n) => n.toExponential(hasPrecision ? precision : 6).replace(/e([+-])(\d)$/, 'e$10$2')); if (kind === 'E') body = body.toUpperCase(); break
        case 'g': case 'G': body = signed(this.#number(value), flags, (n) => general(n, hasPrecision ? precision || 1 : 6)); if (kind === 'G') body = body.toUpperCase(); break
        case 'c': body = typeof value === 'number' || (typeof value === 'object' && value.number !== undefined) ? String.fromCodePoint(this.#number(value)) : [...this.#text(value)][0] ?? ''; isNumber = false; break
        case 's': body = this.#text(value); if (hasPrecision) body = [...body].slice(0, precision).join(''); isNumber = false; break
        default: return whole
      }
      if (left) return body.padEnd(width)
      if (isNumber && flags.includes('0') && !(hasPrecision && 'diu'.includes(kind))) return /^[-+ ]/.test(body) ? body[0]! + body.slice(1).padStart(width - 1, '0') : body.padStart(width, '0')
      return body.padStart(width)
    })
  }

  // --- statements ---------------------------------------------------------------------------------------------------------------

  async #body(statements: readonly Statement[]): Promise<void> {
    for (const statement of statements) await this.#do(statement)
  }

  /** Runs the body of a loop; false after a break. */
  async #turn(body: Statement): Promise<boolean> {
    try { await this.#do(body) } catch (jump) {
      if (!(jump instanceof Jump)) throw jump
      if (jump.kind === 'break') return false
      if (jump.kind !== 'continue') throw jump
    }
    await this.#context.proc.clock.breathe()
    return true
  }

  async #do(statement: Statement): Promise<void> {
    switch (statement.do) {
      case 'expression': await this.#value(statement.value); return
      case 'block': return this.#body(statement.body)
      case 'print': {
        const values: Value[] = []
        for (const value of statement.values) values.push(await this.#value(value))
        const text = statement.formatted ? this.#format(this.#text(values[0] ?? ''), values.slice(1))
          : (values.length === 0 ? this.#record : values.map((value) => this.#text(value, 'OFMT')).join(this.#text(this.#get('OFS') as Value))) + this.#text(this.#get('ORS') as Value)
        if (!statement.to) { this.#pending += text; if (this.#pending.length > 8192) await this.#flush(); return }
        await (await this.#writer(statement.to.kind, this.#text(await this.#value(statement.to.target)))).write(text)
        return
      }
      case 'if': if (await this.#truth(statement.test)) return this.#do(statement.yes); if (statement.no) return this.#do(statement.no); return
      case 'while': while (await this.#truth(statement.test)) if (!await this.#turn(statement.body)) return; return
      case 'until': do { if (!await this.#turn(statement.body)) return } while (await this.#truth(statement.test)); return
      case 'for':
        if (statement.start) await this.#do(statement.start)
        while (!statement.test || await this.#truth(statement.test)) {
          if (!await this.#turn(statement.body)) return
          if (statement.step) await this.#do(statement.step)
        }
        return
      case 'each':
        for (const key of [...this.#table(statement.of).keys()]) {
          await this.#store({ is: 'name', name: statement.name }, new Input(key))
          if (!await this.#turn(statement.body)) return
        }
        return
      case 'delete':
        if (statement.keys) this.#table(statement.name).delete(await this.#key(statement.keys))
        else this.#table(statement.name).clear()
        return
      case 'next': case 'nextfile': case 'break': case 'continue': throw new Jump(statement.do)
      case 'exit': case 'return': throw new Jump(statement.do, statement.value && await this.#value(statement.value))
    }
  }

  async #writer(kind: '>' | '>>' | '|', target: string): Promise<{ write(text: string): Promise<void> }> {
    const known = this.#writers.get(target)
    if (known) return known
    const { proc } = this.#context
    await this.#flush()
    let writer: { write(text: string): Promise<void>; close(): Promise<number> }
    if (kind === '|') {
      const pipe: Pipe = createPipe()
      const process: Process = proc.spawn(['/bin/sh', '-c', target], { stdin: pipe.reader })
      writer = { write: async (text) => { await pipe.writer.write(text).catch(() => {}) }, close: async () => { pipe.writer.close(); return (await process.wait()).code } }
    } else if (target === '/dev/stdout' || target === '-') writer = { write: async (text) => this.#context.out(text), close: async () => 0 }
    else if (target === '/dev/stderr') writer = { write: (text) => this.#context.err(text), close: async () => 0 }
    else {
      try {
        const file = proc.fs.open(proc.resolve(target), kind === '>' ? 'w' : 'a')
        writer = { write: (text) => file.write(text), close: async () => { file.close(); return 0 } }
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        throw new AwkError(`cannot open "${target}" for output (${errorText(error)})`)
      }
    }
    this.#writers.set(target, writer)
    return writer
  }
}

function signed(value: number, flags: string, show: (absolute: number) => string): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  return (value < 0 || Object.is(value, -0) ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '') + show(Math.abs(value))
}

/** %g */
function general(value: number, precision: number): string {
  if (value === 0) return '0'
  const exponent = Math.floor(Math.log10(value))
  if (exponent < -4 || exponent >= precision) return value.toExponential(precision - 1).replace(/\.?0+e/, 'e').replace(/e([+-])(\d)$/, 'e$10$2')
  const text = value.toPrecision(precision)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}
