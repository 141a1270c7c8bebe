import type { ByteReader } from '../../base/streams.ts'
import { errorText } from '../errno.ts'
import { baseName } from '../path.ts'
import { UnixError } from '../types.ts'
import type { Proc, Program } from '../types.ts'

/** Whose options and messages: GNU coreutils or BusyBox. */
export type UtilityFlavour = 'gnu' | 'busybox'

/** What a utility gets: its process, its arguments without the name, and helpers that word things as its family does. */
export interface UtilityContext {
  proc: Proc
  name: string
  args: string[]
  flavour: UtilityFlavour
  busybox: boolean
  out(text: string | Uint8Array): Promise<void>
  err(text: string): Promise<void>
  /** `name: text` on standard error; returns 1. */
  complain(text: string): Promise<number>
}

export type Utility = (context: UtilityContext) => Promise<number>

/** A utility as a program. */
export function utilityProgram(utility: Utility, flavour: UtilityFlavour, name?: string): Program {
  return async (proc) => {
    const own = name ?? baseName(proc.argv[0] ?? '')
    const context: UtilityContext = {
      proc, name: own, args: proc.argv.slice(1), flavour, busybox: flavour === 'busybox',
      out: (text) => proc.stdout.write(text),
      err: (text) => proc.stderr.write(text),
      async complain(text) { await proc.stderr.write(`${own}: ${text}\n`); return 1 },
    }
    try {
      return await utility(context)
    } catch (error) {
      if (error instanceof UsageError) {
        await proc.stderr.write(flavour === 'busybox' ? `${own}: ${error.busyboxMessage}\n` : `${own}: ${error.message}\nTry '${own} --help' for more information.\n`)
        return error.status
      }
      if (error instanceof UnixError) { await proc.stderr.write(`${own}: ${error.path !== undefined ? `${error.path}: ` : ''}${errorText(error)}\n`); return 1 }
      throw error
    }
  }
}

/** Wrong options. */
export class UsageError extends Error {
  readonly busyboxMessage: string
  readonly status: number
  constructor(message: string, busyboxMessage = message, status = 1) {
    super(message)
    this.busyboxMessage = busyboxMessage
    this.status = status
  }
}

export interface ParsedOptions {
  /** By letter or long name: true, or the value. */
  flags: Map<string, string | true>
  /** How often a flag was given, in order, for those that may repeat. */
  all: [string, string | true][]
  operands: string[]
  has(...names: string[]): boolean
  value(...names: string[]): string | undefined
}

/**
 * getopt_long: `spec` lists letters, with `:` after those that take a value; `long` maps long names to letters (a `=` at the end: takes a value).
 * @throws UsageError
 */
export function parseOptions(args: readonly string[], spec: string, long: Readonly<Record<string, string>> = {}, options: { stopAtOperand?: boolean } = {}): ParsedOptions {
  const flags = new Map<string, string | true>()
  const all: [string, string | true][] = []
  const operands: string[] = []
  const set = (name: string, value: string | true) => { flags.set(name, value); all.push([name, value]) }
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (arg === '--') { operands.push(...args.slice(i + 1)); break }
    if (arg.startsWith('--')) {
      const at = arg.indexOf('=')
      const given = at < 0 ? arg.slice(2) : arg.slice(2, at)
      const key = Object.keys(long).find((name) => name.replace(/=$/, '') === given) ?? onlyOne(Object.keys(long).filter((name) => name.startsWith(given)))
      if (key === undefined) throw new UsageError(`unrecognized option '${arg}'`, `unrecognized option: ${given}`)
      const letter = long[key]!
      if (!key.endsWith('=')) { set(letter, at < 0 ? true : arg.slice(at + 1)); continue }
      const value = at < 0 ? args[++i] : arg.slice(at + 1)
      if (value === undefined) throw new UsageError(`option '--${given}' requires an argument`, `option requires an argument: ${given}`)
      set(letter, value)
      continue
    }
    if (!/^-./.test(arg)) {
      operands.push(arg)
      if (options.stopAtOperand) { operands.push(...args.slice(i + 1)); break }
      continue
    }
    for (let j = 1; j < arg.length; j++) {
      const letter = arg[j]!
      const at = letter === ':' ? -1 : spec.indexOf(letter)
      if (at < 0) throw new UsageError(`invalid option -- '${letter}'`, `unrecognized option: ${letter}`)
      if (spec[at + 1] !== ':') { set(letter, true); continue }
      const value = arg.slice(j + 1) || args[++i]
      if (value === undefined) throw new UsageError(`option requires an argument -- '${letter}'`, `option requires an argument: ${letter}`)
      set(letter, value)
      break
    }
  }
  return {
    flags, all, operands,
    has: (...names) => names.some((name) => flags.has(name)),
    value: (...names) => { for (const name of names) { const value = flags.get(name); if (typeof value === 'string') return value } return undefined },
  }
}

function onlyOne(names: string[]): string | undefined {
  return names.length === 1 ? names[0] : undefined
}

/** Opens an operand for reading: `-` is standard input. @throws UnixError */
export function openInput(proc: Proc, path: string): ByteReader & { close(): void } {
  if (path === '-') return { read: () => proc.stdin.read(), cancel() {}, close() {} }
  const file = proc.fs.open(proc.resolve(path), 'r')
  return { read: () => file.read(), cancel: () => file.close(), close: () => file.close() }
}

/**
 * Calls `work` for each operand's stream, standard input if there is none; what can't be opened is complained about in the family's words.
 * @returns 1 when something failed
 */
export async function eachInput(context: UtilityContext, operands: readonly string[], work: (input: ByteReader, name: string) => Promise<void>, message: (path: string, error: unknown) => string = (path, error) => context.busybox ? `can't open '${path}': ${errorText(error)}` : `${path}: ${errorText(error)}`): Promise<number> {
  let status = 0
  for (const path of operands.length > 0 ? operands : ['-']) {
    let input: ReturnType<typeof openInput>
    try {
      input = openInput(context.proc, path)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      // Reading a directory opens it first.
      status = await context.complain(error.code === 'EISDIR' ? context.busybox ? `read error: ${errorText(error)}` : `${path}: ${errorText(error)}` : message(path, error))
      continue
    }
    try {
      await work(input, path)
    } finally {
      input.close()
    }
  }
  return status
}

