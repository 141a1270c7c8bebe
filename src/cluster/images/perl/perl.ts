import { machineName } from '../../../unix/architecture.ts'
import type { Proc, Program } from '../../../unix/types.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'
import { piDigits } from './pi.ts'

const VERSIONS: Readonly<Record<string, string>> = { '5.34': '5.34.3', '5.34.0': '5.34.0', '5.36': '5.36.3', '5.38': '5.38.5', '5.40': '5.40.3', '5.42': '5.42.0', '5': '5.42.0', latest: '5.42.0' }
/** What a digit of π costs Perl's big numbers, milliseconds of a core; it grows with the square of their number. */
const MS_PER_DIGIT_SQUARED = 0.0008

class PerlError extends Error {}

type Value = string | number

/** A piece of source text: a number, a string, a name or a sign. */
interface Token {
  kind: 'number' | 'string' | 'name' | 'sign' | 'end'
  text: string
}

// @k8s part: perl: one-liners with print, say, sleep, exit, die, numbers, strings, $ENV{NAME}, arithmetic and bpi

/**
 * What one-liners of manifests need of Perl: print, sleep, exit, die, numbers, strings, $ENV{NAME}, arithmetic, and bpi of bignum. It says
 * so of everything else rather than guess.
 */
class OneLiner {
  readonly #proc: Proc
  readonly #tokens: readonly Token[]
  readonly #lineEnd: string
  readonly #bignum: boolean
  #at = 0

  constructor(proc: Proc, source: string, options: { lineEnd: string; bignum: boolean }) {
    this.#proc = proc
    this.#tokens = tokens(source)
    this.#lineEnd = options.lineEnd
    this.#bignum = options.bignum
  }

  /** @returns the exit code. */
  async run(): Promise<number> {
    while (this.#peek().kind !== 'end') {
      if (this.#takes(';')) continue
      const code = await this.#statement()
      if (code !== undefined) return code
      if (this.#peek().kind !== 'end' && !this.#takes(';')) throw this.#unknown()
    }
    return 0
  }

  async #statement(): Promise<number | undefined> {
    const { kind, text } = this.#peek()
    if (kind !== 'name' || !['print', 'say', 'sleep', 'exit', 'die'].includes(text)) { await this.#expression(); return undefined }
    this.#at++
    const values = await this.#list()
    if (text === 'exit') return Number(values[0] ?? 0) & 255
    if (text === 'sleep') { await this.#proc.sleep(Number(values[0] ?? 0) * 1000); return undefined }
    const said = values.map(String).join('')
    if (text === 'die') {
      await this.#proc.stderr.write(said === '' ? 'Died at -e line 1.\n' : said.endsWith('\n') ? said : `${said} at -e line 1.\n`)
      return 255
    }
    await this.#proc.stdout.write(said + (text === 'say' ? '\n' : this.#lineEnd))
    return undefined
  }

  async #list(): Promise<Value[]> {
    const values: Value[] = []
    const inParentheses = this.#takes('(')
    while (![';', ')'].includes(this.#peek().text) && this.#peek().kind !== 'end') {
      values.push(await this.#expression())
      if (!this.#takes(',')) break
    }
    if (inParentheses && !this.#takes(')')) throw this.#unknown()
    return values
  }

  async #expression(): Promise<Value> {
    let left = await this.#product()
    for (;;) {
      if (this.#takes('.')) left = `${left}${await this.#product()}`
      else if (this.#takes('+')) left = Number(left) + Number(await this.#product())
      else if (this.#takes('-')) left = Number(left) - Number(await this.#product())
      else return left
    }
  }

  async #product(): Promise<Value> {
    let left = await this.#power()
    for (;;) {
      if (this.#takes('*')) left = Number(left) * Number(await this.#power())
      else if (this.#takes('x')) left = String(left).repeat(Math.max(0, Number(await this.#power())))
      else if (this.#takes('/')) left = Number(left) / this.#divisor(Number(await this.#power()), 'division by zero')
      else if (this.#takes('%')) left = Math.trunc(Number(left)) % this.#divisor(Math.trunc(Number(await this.#power())), 'modulus zero')
      else return left
    }
  }

  #divisor(value: number, problem: string): number {
    if (value === 0) throw new PerlError(`Illegal ${problem} at -e line 1.\n`)
    return value
  }

  async #power(): Promise<Value> {
    const base = await this.#atom()
    return this.#takes('**') ? Number(base) ** Number(await this.#power()) : base
  }

  async #atom(): Promise<Value> {
    if (this.#takes('-')) return -Number(await this.#power())
    if (this.#takes('(')) {
      const value = await this.#expression()
      if (!this.#takes(')')) throw this.#unknown()
      return value
    }
    const { kind, text } = this.#peek()
    if (kind === 'number') { this.#at++; return Number(text) }
    if (kind === 'string') { this.#at++; return text.replace(/\$ENV\{['"]?(\w+)['"]?\}/g, (_, name: string) => this.#proc.env[name] ?? '') }
    const variable = /^\$ENV\{(\w+)\}$/.exec(text)
    if (variable) { this.#at++; return this.#proc.env[variable[1]!] ?? '' }
    if (kind === 'name' && text === 'bpi' && this.#bignum) { this.#at++; return this.#pi(Number((await this.#list())[0] ?? 40)) }
    if (kind === 'name' && text === 'time') { this.#at++; return Math.floor(this.#proc.clock.nowMs() / 1000) }
    throw this.#unknown()
  }

  async #pi(digits: number): Promise<string> {
    const ms = digits * digits * MS_PER_DIGIT_SQUARED
    await this.#proc.sleep(ms / Math.min(1, (this.#proc.machine.limits.cpuMillis ?? 1000) / 1000))
    this.#proc.useCpu(ms * 1e6)
    return piDigits(digits, this.#proc.clock)
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '' }
  }

  #takes(sign: string): boolean {
    const { kind, text } = this.#peek()
    if (text !== sign || (kind !== 'sign' && kind !== 'name')) return false
    this.#at++
    return true
  }

  #unknown(): PerlError {
    return new PerlError(`syntax error at -e line 1, near ${JSON.stringify(this.#peek().text)}\n(this perl knows print, say, sleep, exit, die, numbers, strings, $ENV{NAME}, arithmetic and bpi)\n`)
  }
}

const TOKEN = /\s*(?:(\d+(?:\.\d+)?(?:e[+-]?\d+)?)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\$ENV\{['"]?\w+['"]?\}|[A-Za-z_]\w*)|(\*\*|.))/gys
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\', '"': '"', $: '$' }

function tokens(source: string): Token[] {
  const found: Token[] = []
  for (const [, number, double, single, name, sign] of source.trim().matchAll(TOKEN)) {
    if (number !== undefined) found.push({ kind: 'number', text: number })
    else if (double !== undefined) found.push({ kind: 'string', text: double.replace(/\\(.)/g, (_, c: string) => ESCAPES[c] ?? c) })
    else if (single !== undefined) found.push({ kind: 'string', text: single })
    else if (name !== undefined) found.push({ kind: 'name', text: name.replace(/['"]/g, '') })
    else found.push({ kind: 'sign', text: sign! })
  }
  return found
}

function perl(version: string): Program {
  return async (proc) => {
    let lineEnd = ''
    let bignum = false
    let source: string | undefined
    const args = proc.argv.slice(1)
    for (let i = 0; i < args.length && source === undefined; i++) {
      const arg = args[i]!
      if (arg === '-v' || arg === '--version') { await proc.stdout.write(`\nThis is perl 5, version ${version.split('.')[1]}, subversion ${version.split('.')[2]} (v${version}) built for ${machineName(proc.machine.hardware.architecture)}-linux-gnu\n\nCopyright 1987-2025, Larry Wall\n`); return 0 }
      if (arg.startsWith('-M')) { bignum ||= /^-Mbignum\b.*\bbpi\b/.test(arg); continue }
      const flags = /^-([wlnE]*)([eE])(.*)$/s.exec(arg)
      if (!flags) { if (/^-[wl]+$/.test(arg)) { if (arg.includes('l')) lineEnd = '\n'; continue } break }
      if (flags[1]!.includes('l')) lineEnd = '\n'
      source = flags[3] || args[i + 1]
    }
    if (source === undefined) { await proc.stderr.write('perl: this perl runs one-liners only (perl -e PROGRAM)\n'); return 2 }
    try {
      return await new OneLiner(proc, source, { lineEnd, bignum }).run()
    } catch (error) {
      if (!(error instanceof PerlError)) throw error
      await proc.stderr.write(error.message)
      return 255
    }
  }
}

const perlPrograms = (version: string): Record<string, Program> => ({ '/usr/local/bin/perl': perl(version) })

/** Perl as far as one-liners of manifests go. */
export const perlImage = defineImage({
  repository: 'docker.io/library/perl', tags: Object.keys(VERSIONS), sizeBytes: 336_000_000, cmd: ['perl5.42.0', '-de0'], workingDir: '/usr/src/app', base: debian, programs: perlPrograms(VERSIONS.latest!),
  variants: Object.fromEntries(Object.entries(VERSIONS).map(([tag, version]) => [tag, { programs: perlPrograms(version) }])),
})
