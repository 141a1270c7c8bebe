import { errorText } from '../errno.ts'
import { UnixError } from '../types.ts'
import { posixRegex } from './posix-regex.ts'
import { linesOf } from './text.ts'
import { openInput } from './utility.ts'
import type { Utility, UtilityContext } from './utility.ts'

type Address = { kind: 'line'; line: number } | { kind: 'last' } | { kind: 'match'; expression: RegExp | undefined } | { kind: 'step'; first: number; step: number } | { kind: 'plus'; count: number } | { kind: 'multiple'; of: number }

interface Command {
  from?: Address
  to?: Address
  negated: boolean
  name: string
  /** Text of a, i, c; label of b, t, T; file of r, w; exit code of q. */
  text: string
  expression?: RegExp | undefined
  replacement?: readonly Piece[]
  flags?: { global: boolean; print: boolean; number: number; file: string | undefined }
  /** For y. */
  map?: ReadonlyMap<string, string>
  /** Where a block ends. */
  end: number
  /** Within a range, and from which line. */
  active: boolean
  activeUntil: number
}

type Piece = string | { group: number } | { change: 'U' | 'L' | 'u' | 'l' | 'E' }

/** A script that can't be understood, in sed's words. */
class ScriptError extends Error {}

const decoder = new TextDecoder()

/** sed: writes each line as soon as it was read. */
export const sed: Utility = async (context) => {
  const { proc } = context
  const scripts: string[] = []
  const files: string[] = []
  let quiet = false
  let extended = false
  let separate = false
  let nullData = false
  let inPlace: string | undefined
  const args = [...context.args]
  while (args.length > 0) {
    const arg = args.shift()!
    if (arg === '--') { files.push(...args.splice(0)); break }
    if (arg === '--version') { await context.out('sed (GNU sed) 4.9\n'); return 0 }
    const long = /^--(\w[\w-]*)(?:=([\s\S]*))?$/.exec(arg)
    const letters = long ? { quiet: 'n', silent: 'n', expression: 'e', file: 'f', 'regexp-extended': 'E', 'in-place': 'i', separate: 's', 'null-data': 'z', unbuffered: 'u', posix: 'p', sandbox: 'p' }[long[1]!] ?? '?' : arg.startsWith('-') && arg !== '-' ? arg.slice(1) : undefined
    if (letters === undefined) { files.push(arg); continue }
    for (let i = 0; i < letters.length; i++) {
      const letter = letters[i]!
      const rest = long ? long[2] : letters.slice(i + 1)
      if (letter === 'n') quiet = true
      else if (letter === 'E' || letter === 'r') extended = true
      else if (letter === 's') separate = true
      else if (letter === 'z') nullData = true
      else if (letter === 'u' || letter === 'p' || letter === 'l') continue
      else if (letter === 'i') { inPlace = rest ?? ''; break }
      else if (letter === 'e' || letter === 'f') {
        const value = rest || args.shift()
        if (value === undefined) { await context.err(`sed: option requires an argument -- '${letter}'\n`); return 1 }
        try { scripts.push(letter === 'e' ? value : proc.fs.readText(proc.resolve(value)).replace(/\n$/, '')) } catch (error) { await context.err(`sed: couldn't open file ${value}: ${errorText(error)}\n`); return 1 }
        break
      } else { await context.err(`sed: ${long ? `unrecognized option '${arg}'` : `invalid option -- '${letter}'`}\nUsage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n`); return 1 }
    }
  }
  if (scripts.length === 0) {
    const script = files.shift()
    if (script === undefined) { await context.err('Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n'); return 1 }
    scripts.push(script)
  }
  let commands: Command[]
  const text = scripts.join('\n')
  if (/^#n(?:\n|$)/.test(text)) quiet = true
  try { commands = parse(text, extended) } catch (error) {
    if (!(error instanceof ScriptError)) throw error
    await context.err(context.busybox ? `sed: ${error.message.replace(/^-e expression #1, char \d+: /, '')}\n` : `sed: ${error.message}\n`)
    return 1
  }
  const editor = new Editor(context, commands, { quiet, delimiter: nullData ? '\0' : '\n' })
  if (inPlace !== undefined) {
    let status = 0
    for (const file of files) {
      if (editor.exitCode !== undefined) break
      const path = proc.resolve(file)
      try {
        if (proc.fs.stat(path).type !== 'file') { await context.err(`sed: couldn't edit ${file}: not a regular file\n`); status = 4; continue }
        const before = proc.fs.readFile(path)
        const collected: string[] = []
        await editor.run([file], (piece) => { collected.push(piece) })
        if (inPlace !== '') proc.fs.writeFile(inPlace.includes('*') ? proc.resolve(inPlace.replaceAll('*', file)) : `${path}${inPlace}`, before)
        proc.fs.writeFile(path, collected.join(''))
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        await context.err(`sed: can't read ${file}: ${errorText(error)}\n`)
        status = 2
      }
    }
    return editor.exitCode ?? status
  }
  if (separate) { for (const file of files) await editor.run([file]); return editor.exitCode ?? editor.status }
  await editor.run(files.length > 0 ? files : ['-'])
  return editor.exitCode ?? editor.status
}

class Editor {
  readonly #context: UtilityContext
  readonly #commands: readonly Command[]
  readonly #quiet: boolean
  readonly #delimiter: string
  exitCode: number | undefined
  status = 0
  #hold = ''
  #line = 0
  #emit: (text: string) => Promise<void> | void = (text) => this.#context.out(text)
  readonly #written = new Set<string>()

  constructor(context: UtilityContext, commands: readonly Command[], options: { quiet: boolean; delimiter: string }) {
    this.#context = context
    this.#commands = commands
    this.#quiet = options.quiet
    this.#delimiter = options.delimiter
  }

  /** Lines of all files in turn, one ahead so that the last is known. */
  async *#input(files: readonly string[]): AsyncGenerator<{ text: string; ended: boolean }> {
    for (const file of files) {
      let input: ReturnType<typeof openInput>
      try { input = openInput(this.#context.proc, file) } catch (error) {
        if (!(error instanceof UnixError)) throw error
        await this.#context.err(error.code === 'EISDIR' ? `sed: couldn't edit ${file}: not a regular file\n` : this.#context.busybox ? `sed: ${file}: ${errorText(error)}\n` : `sed: can't read ${file}: ${errorText(error)}\n`)
        this.status = this.#context.busybox ? 1 : 2
        continue
      }
      try {
        if (this.#delimiter === '\n') for await (const { line, ended } of linesOf(input)) yield { text: line, ended }
        else {
          const chunks: string[] = []
          for (let chunk = await input.read(); chunk; chunk = await input.read()) chunks.push(decoder.decode(chunk, { stream: true }))
          const parts = chunks.join('').split('\0')
          for (let i = 0; i < parts.length; i++) if (i < parts.length - 1 || parts[i] !== '') yield { text: parts[i]!, ended: i < parts.length - 1 }
        }
      } finally { input.close() }
    }
  }

  async run(files: readonly string[], emit?: (text: string) => void): Promise<void> {
    if (emit) this.#emit = emit
    this.#line = emit ? 0 : this.#line
    const source = this.#input(files)
    // Only scripts that ask for the last line have to wait for the line after.
    const looksAhead = this.#commands.some(({ from, to, name }) => from?.kind === 'last' || to?.kind === 'last' || 'nN'.includes(name))
    let ahead: { text: string; ended: boolean } | undefined
    let hasAhead = false
    let atEnd = false
    const next = async (): Promise<{ text: string; ended: boolean } | undefined> => {
      if (hasAhead) { hasAhead = false; const given = ahead; ahead = undefined; return given }
      if (atEnd) return undefined
      const { value, done } = await source.next()
      if (done) { atEnd = true; return undefined }
      return value
    }
    const isLast = async (): Promise<boolean> => {
      if (!looksAhead) return false
      if (!hasAhead && !atEnd) { ahead = await next(); hasAhead = ahead !== undefined; if (!hasAhead) atEnd = true }
      return !hasAhead
    }
    let space = ''
    let ended = true
    let restart = false
    for (;;) {
      if (!restart) {
        const read = await next()
        if (!read) break
        this.#line += 1
        space = read.text
        ended = read.ended
      }
      restart = false
      const after: string[] = []
      let substituted = false
      let deleted = false
      const end = () => ended ? this.#delimiter : ''
      let at = 0
      for (; at < this.#commands.length; at++) {
        const command = this.#commands[at]!
        if (!await this.#applies(command, space, isLast)) { if (command.name === '{') at = command.end; continue }
        switch (command.name) {
          case '{': case '}': case ':': case '#': break
          case 's': {
            const { expression, flags } = command
            const changed = substitute(space, expression ?? this.#lastExpression, command.replacement!, flags!)
            if (command.expression) this.#lastExpression = command.expression
            if (changed === undefined) break
            space = changed
            substituted = true
            if (flags!.print) await this.#emit(space + this.#delimiter)
            if (flags!.file !== undefined) await this.#write(flags!.file, space)
            break
          }
          case 'y': space = [...space].map((char) => command.map!.get(char) ?? char).join(''); break
          case 'd': deleted = true; at = this.#commands.length; break
          case 'D':
            if (!space.includes('\n')) { deleted = true; at = this.#commands.length; break }
            space = space.slice(space.indexOf('\n') + 1)
            deleted = true
            restart = true
            at = this.#commands.length
            break
          case 'p': await this.#emit(space + this.#delimiter); break
          case 'P': await this.#emit(space.split('\n')[0]! + this.#delimiter); break
          case '=': await this.#emit(`${this.#line}\n`); break
          case 'l': await this.#emit(`${unambiguous(space)}$\n`); break
          case 'n': case 'N': {
            if (await isLast()) {
              // GNU prints what is there when there is no next line.
              if (!this.#quiet) await this.#emit(space + end())
              for (const each of after) await this.#emit(each)
              return
            }
            if (command.name === 'n') { if (!this.#quiet) await this.#emit(space + this.#delimiter); for (const each of after.splice(0)) await this.#emit(each) }
            const read = (await next())!
            this.#line += 1
            ended = read.ended
            space = command.name === 'n' ? read.text : `${space}\n${read.text}`
            break
          }
          case 'g': space = this.#hold; break
          case 'G': space += `\n${this.#hold}`; break
          case 'h': this.#hold = space; break
          case 'H': this.#hold += `\n${space}`; break
          case 'x': [space, this.#hold] = [this.#hold, space]; break
          case 'a': after.push(`${command.text}\n`); break
          case 'i': await this.#emit(`${command.text}\n`); break
          case 'c':
            if (!command.to || command.negated || !command.active) await this.#emit(`${command.text}\n`)
            deleted = true
            at = this.#commands.length
            break
          case 'r': try { after.push(this.#context.proc.fs.readText(this.#context.proc.resolve(command.text))) } catch { /* A file that isn't there adds nothing. */ } break
          case 'w': await this.#write(command.text, space); break
          case 'b': at = this.#label(command.text); break
          case 't': if (substituted) { substituted = false; at = this.#label(command.text) } break
          case 'T': if (!substituted) at = this.#label(command.text); substituted = false; break
          case 'z': space = ''; break
          case 'q': case 'Q':
            if (command.name === 'q') { if (!this.#quiet) await this.#emit(space + end()); for (const each of after) await this.#emit(each) }
            this.exitCode = Number(command.text || 0)
            await source.return(undefined)
            return
        }
      }
      if (!deleted && !this.#quiet) await this.#emit(space + end())
      for (const each of after) await this.#emit(each)
    }
  }

  #lastExpression: RegExp | undefined

  #label(name: string): number {
    if (name === '') return this.#commands.length
    return this.#commands.findIndex((command) => command.name === ':' && command.text === name)
  }

  async #write(file: string, text: string): Promise<void> {
    if (file === '/dev/stdout') return void await this.#emit(text + this.#delimiter)
    if (file === '/dev/stderr') return this.#context.err(text + this.#delimiter)
    this.#context.proc.fs.writeFile(this.#context.proc.resolve(file), text + this.#delimiter, { append: this.#written.has(file) })
    this.#written.add(file)
  }

  async #applies(command: Command, space: string, isLast: () => Promise<boolean>): Promise<boolean> {
    const { from, to } = command
    if (!from) return true
    const matches = async (address: Address): Promise<boolean> => {
      switch (address.kind) {
        case 'line': return this.#line === address.line
        case 'last': return isLast()
        case 'step': return address.step <= 0 ? this.#line === address.first : this.#line >= address.first && (this.#line - address.first) % address.step === 0
        case 'match': {
          const expression = address.expression ?? this.#lastExpression
          if (address.expression) this.#lastExpression = address.expression
          if (!expression) return false
          expression.lastIndex = 0
          return expression.test(space)
        }
        default: return false
      }
    }
    let result: boolean
    if (!to) result = await matches(from)
    else if (command.active) {
      result = true
      if (command.activeUntil > 0 ? this.#line >= command.activeUntil : to.kind === 'line' ? this.#line >= to.line : await matches(to)) {
        command.active = false
        // A range whose last line has passed already covers one line only.
        if (to.kind === 'line' && this.#line > to.line) result = from.kind === 'line' ? false : await matches(from)
      }
    } else {
      result = from.kind === 'line' && from.line === 0 ? this.#line === 1 : await matches(from)
      if (result) {
        command.activeUntil = to.kind === 'plus' ? this.#line + to.count : to.kind === 'multiple' ? Math.ceil(this.#line / Math.max(1, to.of)) * Math.max(1, to.of) : 0
        command.active = to.kind === 'line' ? to.line > this.#line : to.kind === 'plus' || to.kind === 'multiple' ? command.activeUntil > this.#line : to.kind === 'last' ? !await isLast() : true
        if (from.kind === 'line' && from.line === 0 && await matches(to)) command.active = false
      }
    }
    return result !== command.negated
  }
}

function substitute(space: string, expression: RegExp | undefined, replacement: readonly Piece[], flags: { global: boolean; number: number }): string | undefined {
  if (!expression) throw new ScriptError('no previous regular expression')
  let out = ''
  let at = 0
  let count = 0
  let changed = false
  for (const match of space.matchAll(expression)) {
    count += 1
    if (count < flags.number) continue
    out += space.slice(at, match.index) + fill(replacement, match)
    at = match.index + match[0].length
    changed = true
    if (!flags.global) break
  }
  return changed ? out + space.slice(at) : undefined
}

function fill(pieces: readonly Piece[], match: RegExpMatchArray): string {
  let out = ''
  let mode: 'U' | 'L' | undefined
  let once: 'u' | 'l' | undefined
  for (const piece of pieces) {
    if (typeof piece === 'object' && 'change' in piece) {
      if (piece.change === 'u' || piece.change === 'l') once = piece.change
      else mode = piece.change === 'E' ? undefined : piece.change
      continue
    }
    let text = typeof piece === 'string' ? piece : match[piece.group] ?? ''
    if (mode) text = mode === 'U' ? text.toUpperCase() : text.toLowerCase()
    if (once && text !== '') { text = (once === 'u' ? text[0]!.toUpperCase() : text[0]!.toLowerCase()) + text.slice(1); once = undefined }
    out += text
  }
  return out
}

function unambiguous(text: string): string {
  return text.replace(/[\\\x00-\x1f\x7f]/g, (char) => ({ '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r', '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\v': '\\v' })[char] ?? `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)
}

/** @throws ScriptError */
function parse(script: string, extended: boolean): Command[] {
  const commands: Command[] = []
  const blocks: number[] = []
  let at = 0
  const fail = (message: string): never => { throw new ScriptError(`-e expression #1, char ${at}: ${message}`) }
  const skip = (pattern: RegExp) => { pattern.lastIndex = at; const match = pattern.exec(script); if (match) at += match[0].length; return match }
  const blanks = () => skip(/[ \t]*/y)

  const delimited = (separator: string, isRegex: boolean, what = "unterminated address regex"): string => {
    let out = ''
    let inBracket = false
    for (; at < script.length; at++) {
      const char = script[at]!
      if (char === '\\' && at + 1 < script.length && !(inBracket && isRegex)) {
        const next = script[at + 1]!
        at += 1
        if (next === separator && separator !== '\\') out += isRegex && /[.*+?^${}()|[\]]/.test(separator) ? `\\${next}` : next
        else if (next === 'n' && isRegex) out += '\n'
        else out += `\\${next}`
        continue
      }
      if (isRegex && char === '[' && !inBracket) { inBracket = true; out += char; if (script[at + 1] === '^') out += script[++at]; if (script[at + 1] === ']') out += script[++at]; continue }
      if (isRegex && char === ']' && inBracket) inBracket = false
      if (char === separator && !inBracket) { at += 1; return out }
      out += char
    }
    return fail(what)
  }

  const compile = (pattern: string, flags: string): RegExp | undefined => {
    if (pattern === '') return undefined
    try {
      const escaped = pattern.replace(/\\([tnrfv])|\\x([0-9a-fA-F]{2})|\\([\s\S])/g, (whole, letter?: string, hex?: string) => letter ? { t: '\t', n: '\n', r: '\r', f: '\f', v: '\v' }[letter]! : hex ? ((char) => /[.*+?^${}()|[\]\\]/.test(char) ? `\\${char}` : char)(String.fromCharCode(Number.parseInt(hex, 16))) : whole)
      return new RegExp(posixRegex(escaped, extended), `gu${flags}`)
    } catch { return fail('Invalid preceding regular expression') }
  }

  const address = (): Address | undefined => {
    const number = skip(/\d+/y)
    if (number) {
      const step = skip(/~(\d+)/y)
      return step ? { kind: 'step', first: Number(number[0]), step: Number(step[1]) } : { kind: 'line', line: Number(number[0]) }
    }
    if (script[at] === '$') { at += 1; return { kind: 'last' } }
    if (script[at] === '/' || script[at] === '\\') {
      if (script[at] === '\\') at += 1
      const separator = script[at++]!
      const pattern = delimited(separator, true)
      const flags = skip(/[IM]*/y)![0]
      return { kind: 'match', expression: compile(pattern, `${flags.includes('I') ? 'i' : ''}${flags.includes('M') ? 'm' : ''}`) }
    }
    return undefined
  }

  while (at < script.length) {
    skip(/[\s;]*/y)
    if (at >= script.length) break
    const command: Command = { negated: false, name: '', text: '', end: 0, active: false, activeUntil: 0 }
    const from = address()
    if (from) {
      command.from = from
      blanks()
      if (script[at] === ',') {
        at += 1
        blanks()
        const plus = skip(/([+~])(\d+)/y)
        const to: Address | undefined = plus ? plus[1] === '+' ? { kind: 'plus', count: Number(plus[2]) } : { kind: 'multiple', of: Number(plus[2]) } : address()
        if (!to) return fail("unexpected `,'")
        command.to = to
      }
    }
    blanks()
    while (script[at] === '!') { command.negated = true; at += 1; blanks() }
    const name = script[at++]
    if (name === undefined) return fail('missing command')
    command.name = name
    switch (name) {
      case '#': skip(/[^\n]*/y); continue
      case '{': blocks.push(commands.length); commands.push(command); continue
      case '}': {
        const open = blocks.pop()
        if (open === undefined) return fail("unexpected `}'")
        commands[open]!.end = commands.length
        commands.push(command)
        break
      }
      case 's': {
        const separator = script[at++]
        if (separator === undefined || separator === '\n') return fail("unterminated `s' command")
        const pattern = delimited(separator, true, "unterminated `s' command")
        const replacement = delimited(separator, false, "unterminated `s' command")
        const given = skip(/[gpiImMe0-9]*/y)![0]
        const file = script[at] === 'w' ? (at += 1, skip(/[ \t]*([^\n]*)/y)![1]) : undefined
        command.expression = compile(pattern, `${/[iI]/.test(given) ? 'i' : ''}${/[mM]/.test(given) ? 'm' : ''}`)
        command.replacement = pieces(replacement)
        command.flags = { global: given.includes('g'), print: given.includes('p'), number: Number(/\d+/.exec(given)?.[0] ?? 1), file }
        skip(/[ \t]*/y)
        if (at < script.length && !/[\n;}#]/.test(script[at]!)) { at += 1; return fail("unknown option to `s'") }
        break
      }
      case 'y': {
        const separator = script[at++]!
        const unescape = (text: string) => [...text.replace(/\\([\s\S])/g, (_, char: string) => ({ n: '\n', t: '\t' })[char] ?? char)]
        const [source, target] = [unescape(delimited(separator, false, "unterminated `y' command")), unescape(delimited(separator, false, "unterminated `y' command"))]
        if (source.length !== target.length) return fail("strings for `y' command are different lengths")
        command.map = new Map(source.map((char, i) => [char, target[i]!]))
        break
      }
      case 'a': case 'i': case 'c': {
        // One line (GNU), or a backslash and lines that end with one.
        skip(/[ \t]*(?:\\\n)?[ \t]*/y)
        if (script[at] === '\\' && script[at + 1] !== undefined && script[at + 1] !== '\n') at += 1
        let text = ''
        while (at < script.length && script[at] !== '\n') {
          if (script[at] === '\\' && at + 1 < script.length) { const next = script[at + 1]!; text += next === 't' ? '\t' : next; at += 2; continue }
          text += script[at++]
        }
        if (text === '' && at >= script.length) return fail("expected \\ after `a', `c' or `i'")
        command.text = text
        break
      }
      case ':': command.text = skip(/[ \t]*([^\s;]*)/y)![1]!; if (command.text === '') return fail('":" lacks a label'); break
      case 'b': case 't': case 'T': command.text = skip(/[ \t]*([^\s;}]*)/y)![1]!; break
      case 'r': case 'R': case 'w': case 'W': command.text = skip(/[ \t]*([^\n]*)/y)![1]!; if (command.text === '') return fail(`missing filename in r/R/w/W commands`); break
      case 'q': case 'Q': command.text = skip(/[ \t]*(\d*)/y)![1]!; break
      case 'l': case 'L': skip(/[ \t]*\d*/y); break
      case 'd': case 'D': case 'p': case 'P': case 'n': case 'N': case 'g': case 'G': case 'h': case 'H': case 'x': case '=': case 'z': case 'F': break
      default: return fail(`unknown command: \`${name}'`)
    }
    commands.push(...(name === '}' ? [] : [command]))
    blanks()
    if (at < script.length && !/[\n;}#]/.test(script[at]!)) { at += 1; return fail('extra characters after command') }
  }
  if (blocks.length > 0) { at = 0; return fail("unmatched `{'") }
  for (const command of commands) if ('btT'.includes(command.name) && command.text !== '' && !commands.some((each) => each.name === ':' && each.text === command.text)) throw new ScriptError(`-e expression #1, char ${script.length}: can't find label for jump to \`${command.text}'`)
  return commands
}

function pieces(text: string): Piece[] {
  const out: Piece[] = []
  let plain = ''
  const flush = () => { if (plain !== '') out.push(plain); plain = '' }
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (char === '&') { flush(); out.push({ group: 0 }); continue }
    if (char !== '\\' || i + 1 >= text.length) { plain += char; continue }
    const next = text[++i]!
    if (/\d/.test(next)) { flush(); out.push({ group: Number(next) }) } else if ('ULulE'.includes(next)) { flush(); out.push({ change: next as 'U' }) } else if (next === 'x' && /^[0-9a-fA-F]{2}/.test(text.slice(i + 1))) { plain += String.fromCharCode(Number.parseInt(text.slice(i + 1, i + 3), 16)); i += 2 } else plain += { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v', a: '\x07' }[next] ?? next
  }
  flush()
  return out
}
