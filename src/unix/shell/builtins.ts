import { readAll } from '../../base/streams.ts'
import { errno, errorText } from '../errno.ts'
import { findInPath } from '../exec.ts'
import { isSharedReader, readLineBytes } from '../input.ts'
import { sendSignal } from '../machine.ts'
import { resolvePath } from '../path.ts'
import { SIGNAL_NUMBERS, parseSignal, signalText } from '../signals.ts'
import { ProcessExit, UnixError } from '../types.ts'
import type { OpenFile, Signal } from '../types.ts'
import { unescapeEcho } from './escapes.ts'
import { evaluate } from './expand.ts'
import { jobLine, jobState } from './jobs.ts'
import { formatPrintf } from './printf.ts'
import { Jump, ShellError } from './shell.ts'
import type { Shell } from './shell.ts'
import { complete, compgen } from './programmable-completion.ts'
import { evaluateTest, TestError } from './test-expression.ts'

/** A command that runs inside the shell. */
export type Builtin = (shell: Shell, argv: readonly string[]) => Promise<number>

const OPTION_LETTERS: Readonly<Record<string, string>> = { e: 'errexit', f: 'noglob', u: 'nounset', x: 'xtrace', v: 'verbose', n: 'noexec', a: 'allexport', C: 'noclobber', m: 'monitor', b: 'notify', h: 'hashall', E: 'errtrace', B: 'braceexpand' }
const OPTION_NAMES = [...Object.values(OPTION_LETTERS), 'pipefail', 'ignoreeof', 'vi', 'emacs', 'posix', 'nolog']
const decoder = new TextDecoder()

/** Built-ins whose assignments stay and whose errors are grave (POSIX 2.14). */
export const specialBuiltins: ReadonlySet<string> = new Set([':', '.', 'source', 'break', 'continue', 'eval', 'exec', 'exit', 'export', 'readonly', 'return', 'set', 'shift', 'times', 'trap', 'unset'])

const echo: Builtin = async (shell, argv) => {
  let newline = true
  // dash's echo always understands escapes; BusyBox and bash want -e.
  let escapes = shell.flavour === 'dash'
  let i = 1
  for (; i < argv.length; i++) {
    const match = (shell.flavour === 'dash' ? /^-n$/ : /^-[neE]+$/).exec(argv[i]!)
    if (!match) break
    for (const letter of argv[i]!.slice(1)) {
      if (letter === 'n') newline = false
      else escapes = letter === 'e'
    }
  }
  let text = argv.slice(i).join(' ')
  if (escapes) {
    const result = unescapeEcho(text)
    text = result.text
    if (result.stopped) newline = false
  }
  return written(shell, 'echo', newline ? `${text}\n` : text)
}

async function written(shell: Shell, name: string, text: string): Promise<number> {
  try {
    await shell.out(text)
    return 0
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    await shell.complain(`${name}: ${shell.isBash ? 'write error: ' : 'I/O error: '}${errorText(error)}`)
    return 1
  }
}

const printf: Builtin = async (shell, argv) => {
  let args = argv.slice(1)
  let variable: string | undefined
  if (args[0] === '-v' && shell.isBash) { variable = args[1]; args = args.slice(2) }
  if (args[0] === '--') args = args.slice(1)
  if (args.length === 0) { await shell.complain(shell.isBash ? 'printf: usage: printf [-v var] format [arguments]' : 'printf: usage: printf format [arg ...]'); return 2 }
  const { text, errors } = formatPrintf(args[0]!, args.slice(1), quoteWord, shell.proc.clock.nowMs())
  for (const error of errors) await shell.complain(shell.isBash ? `printf: ${error}: invalid number` : `printf: ${error}: expected numeric value`)
  if (variable !== undefined) { shell.variables.set(variable, text); return errors.length > 0 ? 1 : 0 }
  const status = await written(shell, 'printf', text)
  return errors.length > 0 ? 1 : status
}

/** A word as the shell would take it back. */
export function quoteWord(text: string): string {
  if (text === '') return "''"
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

const cd: Builtin = async (shell, argv) => {
  const { variables, proc } = shell
  const args = argv.slice(1).filter((arg) => arg !== '-P' && arg !== '-L' && arg !== '--')
  let target: string | undefined = args[0]
  let tells = false
  if (target === undefined) {
    target = variables.get('HOME')
    if (!target) { await shell.complain('cd: HOME not set'); return 1 }
  } else if (target === '-') {
    target = variables.get('OLDPWD')
    if (!target) { await shell.complain('cd: OLDPWD not set'); return 1 }
    tells = true
  }
  let path = resolvePath(proc.cwd, target)
  const searched = variables.get('CDPATH')
  if (searched && !/^\.{0,2}\//.test(target) && !path.startsWith('.')) {
    for (const directory of searched.split(':')) {
      const candidate = resolvePath(proc.cwd, `${directory || '.'}/${target}`)
      if (!isDirectory(shell, candidate)) continue
      tells = directory !== '' && directory !== '.'
      path = candidate
      break
    }
  }
  try {
    if (proc.fs.stat(path).type !== 'directory') throw errno('ENOTDIR')
    if (proc.fs.access && !proc.fs.access(path, 1)) throw errno('EACCES')
  } catch (error) {
    await shell.complain(shell.isBash ? `cd: ${target}: ${errorText(error)}` : `cd: can't cd to ${target}${shell.flavour === 'ash' ? `: ${errorText(error)}` : ''}`)
    return shell.isBash ? 1 : shell.flavour === 'ash' ? 1 : 2
  }
  variables.set('OLDPWD', proc.cwd)
  variables.export('OLDPWD')
  proc.cwd = path
  variables.set('PWD', path)
  if (tells) await shell.out(`${path}\n`)
  return 0
}

function isDirectory(shell: Shell, path: string): boolean {
  try { return shell.proc.fs.stat(path).type === 'directory' } catch { return false }
}

const exportBuiltin: Builtin = async (shell, argv) => {
  const { variables } = shell
  const args = argv.slice(1)
  let exported = true
  while (/^-[npf]$/.test(args[0] ?? '')) if (args.shift() === '-n') exported = false
  if (args.length === 0) {
    for (const [name, { value, exported: isExported }] of variables.entries())
      if (isExported) await shell.out(`${shell.isBash ? 'declare -x' : 'export'} ${name}${value === undefined ? '' : `=${shell.isBash ? doubleQuoted(value) : singleQuoted(value)}`}\n`)
    return 0
  }
  return eachAssignment(shell, argv[0]!, args, (name) => variables.export(name, exported))
}

async function eachAssignment(shell: Shell, command: string, args: readonly string[], mark: (name: string) => void): Promise<number> {
  let status = 0
  for (const arg of args) {
    const match = /^([A-Za-z_]\w*)(?:(\+?)=([\s\S]*))?$/.exec(arg)
    if (!match) {
      await shell.complain(shell.isBash ? `${command}: \`${arg}': not a valid identifier` : `${command}: ${arg.split('=')[0]}: bad variable name`)
      if (!shell.isBash && !shell.interactive) throw new ProcessExit(2)
      status = 1
      continue
    }
    if (match[3] !== undefined) shell.variables.set(match[1]!, match[2] === '+' ? (shell.variables.get(match[1]!) ?? '') + match[3] : match[3])
    mark(match[1]!)
  }
  return status
}

function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`
}

function doubleQuoted(text: string): string {
  return `"${text.replace(/[$`"\\]/g, '\\$&')}"`
}

const readonlyBuiltin: Builtin = async (shell, argv) => {
  const args = argv.slice(1).filter((arg) => arg !== '-p')
  if (args.length > 0) return eachAssignment(shell, 'readonly', args, (name) => shell.variables.makeReadonly(name))
  for (const [name, { value, readonly }] of shell.variables.entries()) if (readonly) await shell.out(`readonly ${name}${value === undefined ? '' : `=${singleQuoted(value)}`}\n`)
  return 0
}

const unset: Builtin = async (shell, argv) => {
  let args = argv.slice(1)
  let functions = false
  if (/^-[fv]$/.test(args[0] ?? '')) { functions = args[0] === '-f'; args = args.slice(1) }
  for (const name of args) {
    const element = /^([A-Za-z_]\w*)\[(.+)\]$/.exec(name)
    if (element) shell.variables.variable(element[1]!)?.elements?.delete(element[2]!)
    else if (functions) shell.state.functions.delete(name)
    else if (shell.isBash && shell.variables.variable(name) === undefined) shell.state.functions.delete(name)
    else shell.variables.unset(name)
  }
  return 0
}

const set: Builtin = async (shell, argv) => {
  const { state } = shell
  if (argv.length === 1) {
    for (const [name, { value }] of shell.variables.entries()) if (value !== undefined) await shell.out(`${name}=${shell.isBash ? quoteWord(value) : singleQuoted(value)}\n`)
    return 0
  }
  for (let i = 1; i < argv.length; i++) {
    const arg = argv[i]!
    if (arg === '--') { state.positional = argv.slice(i + 1); return 0 }
    if (arg === '-' ) { state.options.delete('xtrace'); state.options.delete('verbose'); if (i + 1 < argv.length) state.positional = argv.slice(i + 1); return 0 }
    if (!/^[-+]./.test(arg)) { state.positional = argv.slice(i); return 0 }
    const on = arg[0] === '-'
    for (const letter of arg.slice(1)) {
      if (letter === 'o') {
        const name = argv[++i]
        if (name === undefined) { for (const each of OPTION_NAMES) await shell.out(on ? `${each.padEnd(15)}\t${state.options.has(each) ? 'on' : 'off'}\n` : `set ${state.options.has(each) ? '-' : '+'}o ${each}\n`); return 0 }
        if (!OPTION_NAMES.includes(name)) { await shell.complain(shell.isBash ? `set: ${name}: invalid option name` : `set: Illegal option -o ${name}`); if (!shell.isBash && !shell.interactive) throw new ProcessExit(2); return shell.isBash ? 2 : 2 }
        if (on) state.options.add(name); else state.options.delete(name)
        continue
      }
      const name = OPTION_LETTERS[letter]
      if (!name) { await shell.complain(shell.isBash ? `set: ${arg}: invalid option` : `set: Illegal option ${arg[0]}${letter}`); if (!shell.isBash && !shell.interactive) throw new ProcessExit(2); return 2 }
      if (on) state.options.add(name); else state.options.delete(name)
    }
  }
  return 0
}

const shift: Builtin = async (shell, argv) => {
  const count = argv[1] === undefined ? 1 : Number(argv[1])
  if (!Number.isInteger(count) || count < 0 || count > shell.state.positional.length) {
    if (shell.isBash) return 1
    throw new ShellError("shift: can't shift that many", 2)
  }
  shell.state.positional.splice(0, count)
  return 0
}

function jumpOut(kind: 'break' | 'continue'): Builtin {
  return async (shell, argv) => {
    const levels = argv[1] === undefined ? 1 : Number(argv[1])
    if (!Number.isInteger(levels) || levels < 1) throw new ShellError(`${kind}: Illegal number: ${argv[1]}`, 2)
    if (shell.state.loopDepth === 0) {
      if (shell.isBash) await shell.complain(`${kind}: only meaningful in a \`for', \`while', or \`until' loop`)
      return 0
    }
    throw new Jump(kind, Math.min(levels, shell.state.loopDepth))
  }
}

function statusArgument(shell: Shell, name: string, text: string | undefined): number {
  if (text === undefined) return shell.state.lastStatus
  if (!/^-?\d+$/.test(text)) throw new ShellError(shell.isBash ? `${name}: ${text}: numeric argument required` : `${name}: Illegal number: ${text}`, 2)
  return Number(text) & 255
}

const exit: Builtin = async (shell, argv) => {
  if (shell.interactive && argv.length === 1 && shell.jobs.all().some((job) => jobState(job) === 'Stopped') && !exitWarned.has(shell)) {
    exitWarned.add(shell)
    await shell.err('There are stopped jobs.\n')
    return 1
  }
  throw new ProcessExit(statusArgument(shell, 'exit', argv[1]))
}
const exitWarned = new WeakSet<Shell>()

const returnBuiltin: Builtin = async (shell, argv) => {
  const status = statusArgument(shell, 'return', argv[1])
  if (shell.state.functionDepth === 0 && shell.state.sourceDepth === 0) {
    if (shell.isBash) { await shell.complain("return: can only `return' from a function or sourced script"); return 1 }
    throw new ProcessExit(status)
  }
  shell.state.lastStatus = status
  throw new Jump('return', status)
}

const evalBuiltin: Builtin = async (shell, argv) => {
  const text = argv.slice(1).join(' ')
  return text.trim() === '' ? 0 : shell.runText(text)
}

/** All that comes through a pipe with a name, as process substitutions have. */
async function textOfPipe(pipe: OpenFile): Promise<string> {
  try {
    return new TextDecoder().decode(await readAll({ read: () => pipe.read(), cancel() {} }))
  } finally {
    pipe.close()
  }
}

const dot: Builtin = async (shell, argv) => {
  const name = argv[1]
  if (name === undefined) {
    if (shell.isBash) { await shell.complain(`${argv[0]}: filename argument required`); return 2 }
    throw new ShellError(`${argv[0]}: filename argument required`)
  }
  const { fs, cwd } = shell.proc
  let path = name.includes('/') ? resolvePath(cwd, name) : undefined
  if (path === undefined) {
    for (const directory of (shell.variables.get('PATH') ?? '').split(':')) {
      const candidate = resolvePath(cwd, `${directory || '.'}/${name}`)
      if (fs.exists(candidate) && fs.stat(candidate).type === 'file') { path = candidate; break }
    }
    if (path === undefined && (shell.isBash || shell.flavour === 'ash') && fs.exists(resolvePath(cwd, name))) path = resolvePath(cwd, name)
  }
  let text: string
  try {
    if (path === undefined) throw errno('ENOENT')
    text = fs.stat(path).type === 'fifo' ? await textOfPipe(fs.open(path, 'r')) : fs.readText(path)
  } catch (error) {
    if (shell.isBash) { await shell.complain(`${name}: ${errorText(error)}`); return 1 }
    const message = shell.flavour === 'ash' ? `.: can't open '${name}': ${errorText(error)}` : name.includes('/') ? `.: cannot open ${name}: No such file` : `.: ${name}: not found`
    throw new ShellError(message, 2)
  }
  const positional = shell.state.positional
  if (argv.length > 2) shell.state.positional = argv.slice(2)
  shell.state.sourceDepth += 1
  try {
    return await shell.runText(text)
  } catch (error) {
    if (error instanceof Jump && error.kind === 'return') return error.levels
    throw error
  } finally {
    shell.state.sourceDepth -= 1
    if (argv.length > 2) shell.state.positional = positional
  }
}

const trap: Builtin = async (shell, argv) => {
  let args = argv.slice(1)
  if (args[0] === '--') args = args.slice(1)
  if (args[0] === '-l') { await shell.out(`${Object.entries(SIGNAL_NUMBERS).map(([name, number]) => `${number}) ${name}`).join('\n')}\n`); return 0 }
  if (args[0] === '-p') args = []
  if (args.length === 0) {
    for (const [name, action] of shell.state.traps) await shell.out(`trap -- ${singleQuoted(action)} ${shell.isBash || !name.startsWith('SIG') ? name : name.slice(3)}\n`)
    return 0
  }
  const resets = args.length === 1 || args[0] === '-' || /^\d+$/.test(args[0]!)
  const action = resets ? undefined : args[0]!
  let status = 0
  for (const spec of resets && args[0] !== '-' ? args : args.slice(1)) {
    const name = spec === '0' || spec.toUpperCase() === 'EXIT' ? 'EXIT' : ['ERR', 'DEBUG', 'RETURN'].includes(spec.toUpperCase()) && shell.isBash ? spec.toUpperCase() : parseSignal(spec)
    if (!name) { await shell.complain(shell.isBash ? `trap: ${spec}: invalid signal specification` : `trap: ${spec}: bad trap`); status = 1; continue }
    shell.setTrap(name, action)
  }
  return status
}

const wait: Builtin = async (shell, argv) => {
  const args = argv.slice(1).filter((arg) => arg !== '-n')
  if (args.length === 0) {
    for (const job of [...shell.jobs.all()]) {
      const status = await shell.waitFor(job.processes)
      if (job.processes.every((process) => process.status)) shell.jobs.remove(job)
      else if (status > 128) return status
    }
    return 0
  }
  let status = 0
  for (const arg of args) {
    const job = arg.startsWith('%') ? shell.jobs.find(arg) : shell.jobs.byPid(Number(arg))
    const processes = arg.startsWith('%') ? job?.processes : job?.processes.filter((process) => process.pid === Number(arg))
    if (!job || !processes) {
      if (shell.isBash) await shell.complain(arg.startsWith('%') ? `wait: ${arg}: no such job` : `wait: pid ${arg} is not a child of this shell`)
      status = 127
      continue
    }
    status = await shell.waitFor(processes)
    const { signal } = processes.at(-1)?.status ?? {}
    if (signal && !shell.isBash && !shell.interactive) await shell.err(`${signalText(signal)}\n`)
    if (job.processes.every((process) => process.status)) shell.jobs.remove(job)
  }
  return status
}

const jobs: Builtin = async (shell, argv) => {
  const all = shell.jobs.all()
  for (const [i, job] of [...all].entries()) {
    if (argv[1] === '-p') await shell.out(`${job.processes[0]!.pid}\n`)
    else await shell.out(jobLine(job, i === all.length - 1 ? '+' : i === all.length - 2 ? '-' : ' ', shell.isBash ? 'bash' : 'dash', argv[1] === '-l'))
  }
  for (const job of [...all]) if (jobState(job) === 'Done') shell.jobs.remove(job)
  return 0
}

const fg: Builtin = async (shell, argv) => {
  const job = shell.jobs.find(argv[1] ?? '%+')
  if (!job) { await shell.complain(shell.isBash ? `fg: ${argv[1] ?? 'current'}: no such job` : `fg: No current job`); return shell.isBash ? 1 : 2 }
  await shell.out(`${job.text}\n`)
  return shell.resume(job)
}

const bg: Builtin = async (shell, argv) => {
  const job = shell.jobs.find(argv[1] ?? '%+')
  if (!job) { await shell.complain(shell.isBash ? `bg: ${argv[1] ?? 'current'}: no such job` : `bg: No current job`); return shell.isBash ? 1 : 2 }
  job.background = true
  job.told = 'Running'
  await shell.out(shell.isBash ? `[${job.id}]+ ${job.text} &\n` : `[${job.id}] ${job.text}\n`)
  for (const process of job.processes) process.kill('SIGCONT')
  return 0
}

const kill: Builtin = async (shell, argv) => {
  let args = argv.slice(1)
  let signal: Signal | undefined = 'SIGTERM'
  let probing = false
  const first = args[0]
  if (first === '-l' || first === '-L') {
    if (args[1] !== undefined) { const number = Number(args[1]) > 128 ? Number(args[1]) - 128 : args[1]; await shell.out(`${(parseSignal(String(number)) ?? '').slice(3)}\n`); return 0 }
    await shell.out(`${Object.entries(SIGNAL_NUMBERS).map(([name, number]) => shell.isBash ? `${String(number).padStart(2)}) ${name}` : name.slice(3)).join('\n')}\n`)
    return 0
  }
  if (first === '-s' || first === '-n') { signal = parseSignal(args[1] ?? ''); probing = args[1] === '0'; if (!signal && !probing) return badSignal(shell, args[1] ?? ''); args = args.slice(2) }
  else if (first !== undefined && /^-[A-Za-z0-9]/.test(first)) { probing = first === '-0'; signal = probing ? undefined : parseSignal(first.slice(1)); if (!signal && !probing) return badSignal(shell, first.slice(1)); args = args.slice(1) }
  if (args[0] === '--') args = args.slice(1)
  if (args.length === 0) { await shell.complain(shell.isBash ? 'kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]' : 'kill: Usage: kill [-s sigspec | -signum | -sigspec] [pid | job]... or\nkill -l [exitstatus]'); return shell.isBash ? 2 : 2 }
  let status = 0
  for (const target of args) {
    try {
      if (target.startsWith('%')) {
        const job = shell.jobs.find(target)
        if (!job) { await shell.complain(`kill: ${target}: no such job`); status = 1; continue }
        for (const process of job.processes) { if (signal) process.kill(signal); if (process.stopped && (signal === 'SIGTERM' || signal === 'SIGHUP')) process.kill('SIGCONT') }
      } else if (/^-?\d+$/.test(target)) sendSignal(shell.proc, Number(target), probing ? undefined : signal)
      else { await shell.complain(shell.isBash ? `kill: ${target}: arguments must be process or job IDs` : `kill: Illegal number: ${target}`); status = 1 }
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await shell.complain(shell.isBash ? `kill: (${target}) - ${errorText(error)}` : shell.flavour === 'ash' ? `kill: can't kill pid ${target}: ${errorText(error)}` : `kill: ${errorText(error)}`)
      status = 1
    }
  }
  // Let a signal to ourselves run its trap before the next command.
  await undefined
  return status
}

async function badSignal(shell: Shell, text: string): Promise<number> {
  await shell.complain(shell.isBash ? `kill: ${text}: invalid signal specification` : `kill: bad signal name '${text}'`)
  return 1
}

const read: Builtin = async (shell, argv) => {
  let raw = false
  let silent = false
  let prompt: string | undefined
  let delimiter = '\n'
  let limit: number | undefined
  let timeoutMs: number | undefined
  let array: string | undefined
  let fd = 0
  const names: string[] = []
  for (let i = 1; i < argv.length; i++) {
    const arg = argv[i]!
    if (names.length === 0 && /^-[a-zA-Z]/.test(arg)) {
      for (let j = 1; j < arg.length; j++) {
        const letter = arg[j]!
        if (letter === 'r') raw = true
        else if (letter === 's') silent = true
        else if (letter === 'e') continue
        else {
          const value = arg.slice(j + 1) || argv[++i] || ''
          if (letter === 'p') prompt = value
          else if (letter === 'd') delimiter = value.slice(0, 1) || '\0'
          else if (letter === 'n' || letter === 'N') limit = Number(value)
          else if (letter === 't') timeoutMs = Number(value) * 1000
          else if (letter === 'a') array = value
          else if (letter === 'u') fd = Number(value)
          else { await shell.complain(`read: Illegal option -${letter}`); return 2 }
          break
        }
      }
    } else if (arg !== '--') names.push(arg)
  }
  if (!shell.isBash && names.length === 0 && shell.flavour === 'dash') { await shell.complain('read: arg count'); return 2 }
  const reader = shell.state.descriptors.reader(fd)
  if (prompt !== undefined && shell.proc.isTty(0)) await shell.err(prompt)
  const { tty } = shell.proc
  const wasRaw = tty?.raw
  if (silent && tty && !wasRaw) tty.setRaw(true)
  let text = ''
  let complete = false
  const readAll = async () => {
    for (;;) {
      if (limit !== undefined) {
        const chunk = await reader.read()
        if (!chunk) break
        const decoded = decoder.decode(chunk)
        const stop = decoded.indexOf(delimiter)
        const take = [...decoded].slice(0, limit - [...text].length).join('')
        const used = stop >= 0 && stop < take.length ? decoded.slice(0, stop + 1) : take
        const rest = new TextEncoder().encode(decoded.slice(used.length))
        if (isSharedReader(reader)) reader.unread(rest)
        text += used.endsWith(delimiter) ? used.slice(0, -1) : used
        if (used.endsWith(delimiter) || [...text].length >= limit) { complete = true; break }
        continue
      }
      const line = await readLineBytes(reader, silent && tty && delimiter === '\n' ? 13 : delimiter.charCodeAt(0))
      if (!line) break
      const decoded = decoder.decode(line)
      if (decoded.endsWith(delimiter) || (silent && decoded.endsWith('\r'))) {
        const body = decoded.slice(0, -1)
        // A backslash before the newline continues the line.
        if (!raw && /(^|[^\\])(\\\\)*\\$/.test(body)) { text += body.slice(0, -1); continue }
        text += body
        complete = true
      } else text += decoded
      break
    }
  }
  try {
    if (timeoutMs !== undefined) {
      const timedOut = await Promise.race([readAll().then(() => false), shell.proc.sleep(timeoutMs).then(() => true)])
      if (timedOut) return 142
    } else await readAll()
  } finally {
    if (silent && tty && !wasRaw) tty.setRaw(false)
  }
  const ifs = shell.variables.get('IFS') ?? ' \t\n'
  if (array !== undefined) {
    shell.variables.setElements(array, new Map(splitFields(text, ifs, Infinity, raw).map((value, i) => [String(i), value])))
    return complete ? 0 : 1
  }
  if (names.length === 0) { shell.variables.set('REPLY', raw ? text : text.replace(/\\([\s\S])/g, '$1')); return complete ? 0 : 1 }
  const fields = splitFields(text, ifs, names.length, raw)
  names.forEach((name, i) => shell.variables.set(name, fields[i] ?? ''))
  return complete ? 0 : 1
}

/** Splits a line for `read`: the last of `count` fields takes the rest. */
function splitFields(text: string, ifs: string, count: number, raw: boolean): string[] {
  const chars: { char: string; quoted: boolean }[] = []
  for (let i = 0; i < text.length; i++) {
    if (!raw && text[i] === '\\' && i + 1 < text.length) chars.push({ char: text[++i]!, quoted: true })
    else chars.push({ char: text[i]!, quoted: false })
  }
  const isIfs = (c: { char: string; quoted: boolean } | undefined) => c !== undefined && !c.quoted && ifs.includes(c.char)
  const isBlank = (c: { char: string; quoted: boolean } | undefined) => isIfs(c) && /[ \t\n]/.test(c!.char)
  const fields: string[] = []
  let at = 0
  while (isBlank(chars[at])) at += 1
  while (at < chars.length) {
    if (fields.length === count - 1) {
      let end = chars.length
      while (end > at && isBlank(chars[end - 1])) end -= 1
      // One separator at the very end belongs to no field.
      const rest = chars.slice(at, end)
      const lastIfs = rest.findLastIndex((c) => isIfs(c) && !isBlank(c))
      if (lastIfs === rest.length - 1 && lastIfs >= 0 && !rest.slice(0, -1).some((c) => isIfs(c) && !isBlank(c))) rest.pop()
      fields.push(rest.map((c) => c.char).join(''))
      return fields
    }
    let field = ''
    while (at < chars.length && !isIfs(chars[at])) field += chars[at++]!.char
    fields.push(field)
    while (isBlank(chars[at])) at += 1
    if (at < chars.length && isIfs(chars[at])) { at += 1; while (isBlank(chars[at])) at += 1 }
  }
  return fields
}

const local: Builtin = async (shell, argv) => {
  if (!shell.variables.inFunction) {
    if (shell.isBash) { await shell.complain('local: can only be used in a function'); return 1 }
    throw new ShellError('local: not in a function')
  }
  return declareLocals(shell, argv.slice(1))
}

async function declareLocals(shell: Shell, args: readonly string[]): Promise<number> {
  const flags = args.filter((arg) => /^-/.test(arg)).join('')
  for (const arg of args) {
    if (/^-/.test(arg)) continue
    const [, name, , value] = /^([A-Za-z_]\w*)((?:\+?=)([\s\S]*))?$/.exec(arg) ?? []
    if (!name) throw new ShellError(`local: ${arg}: bad variable name`)
    shell.variables.makeLocal(name, !shell.isBash)
    if (shell.isBash && /[aA]/.test(flags)) shell.variables.setElements(name, new Map(), flags.includes('A'))
    if (value !== undefined) shell.variables.set(name, value)
  }
  return 0
}

const declare: Builtin = async (shell, argv) => {
  const flags = argv.slice(1).filter((arg) => /^[-+]/.test(arg)).join('')
  const args = argv.slice(1).filter((arg) => !/^[-+]/.test(arg))
  if (flags.includes('f') || flags.includes('F')) {
    for (const [name, { text }] of shell.state.functions) if (args.length === 0 || args.includes(name)) await shell.out(flags.includes('F') ? `declare -f ${name}\n` : `${text}\n`)
    return 0
  }
  if (flags.includes('p') || args.length === 0) {
    for (const [name, { value, exported, readonly, elements, isMap }] of shell.variables.entries()) {
      if (args.length > 0 && !args.includes(name)) continue
      const marks = `${isMap ? 'A' : elements ? 'a' : ''}${readonly ? 'r' : ''}${exported ? 'x' : ''}`
      const list = elements && [...elements].map(([at, each]) => `[${at}]=${doubleQuoted(each)}`).join(' ')
      await shell.out(`declare -${marks || '-'} ${name}${elements ? `=(${list}${isMap && list ? ' ' : ''})` : value === undefined ? '' : `=${doubleQuoted(value)}`}\n`)
    }
    return 0
  }
  if (shell.variables.inFunction && !flags.includes('g')) await declareLocals(shell, args.map((arg) => arg.split('=')[0]!))
  for (const arg of args) {
    const [, name, value] = /^([A-Za-z_]\w*)(?:=([\s\S]*))?$/.exec(arg) ?? []
    if (!name) { await shell.complain(`declare: \`${arg}': not a valid identifier`); return 1 }
    if (flags.includes('A')) shell.variables.setElements(name, shell.variables.variable(name)?.elements ?? new Map(), true)
    else if (flags.includes('a')) shell.variables.setElements(name, shell.variables.variable(name)?.elements ?? new Map())
    if (value !== undefined) shell.variables.set(name, flags.includes('i') ? evaluate(shell, value).toString() : value)
    if (flags.includes('x')) shell.variables.export(name)
    if (flags.includes('r')) shell.variables.makeReadonly(name)
  }
  return 0
}

const getopts: Builtin = async (shell, argv) => {
  const [, spec, name] = argv
  if (spec === undefined || name === undefined) { await shell.complain('getopts: Usage: getopts optstring var [arg]'); return 2 }
  const args = argv.length > 3 ? argv.slice(3) : shell.state.positional
  const { variables } = shell
  let index = Number(variables.get('OPTIND') ?? '1')
  let offset = getoptsOffset.get(shell)?.index === index ? getoptsOffset.get(shell)!.offset : 1
  const silent = spec.startsWith(':')
  const arg = args[index - 1]
  const end = () => { variables.set('OPTIND', String(index)); variables.set(name, '?'); getoptsOffset.delete(shell); return 1 }
  if (arg === undefined || !/^-./.test(arg)) return end()
  if (arg === '--') { index += 1; return end() }
  const letter = arg[offset]!
  offset += 1
  const at = letter === ':' ? -1 : spec.indexOf(letter, silent ? 1 : 0)
  variables.unset('OPTARG')
  let found = letter
  if (at < 0) {
    found = '?'
    if (silent) variables.set('OPTARG', letter)
    else await shell.err(shell.isBash ? `${shell.state.name}: illegal option -- ${letter}\n` : `Illegal option -${letter}\n`)
  } else if (spec[at + 1] === ':') {
    const rest = arg.slice(offset)
    offset = arg.length
    if (rest !== '') variables.set('OPTARG', rest)
    else if (args[index] !== undefined) { variables.set('OPTARG', args[index]!); index += 1 }
    else if (silent) { found = ':'; variables.set('OPTARG', letter) }
    else { found = '?'; await shell.err(shell.isBash ? `${shell.state.name}: option requires an argument -- ${letter}\n` : `No arg for -${letter} option\n`) }
  }
  if (offset >= arg.length) { index += 1; offset = 1 }
  variables.set(name, found)
  variables.set('OPTIND', String(index))
  getoptsOffset.set(shell, { index, offset })
  return 0
}
const getoptsOffset = new WeakMap<Shell, { index: number; offset: number }>()

const testBuiltin: Builtin = async (shell, argv) => {
  let args = argv.slice(1)
  if (argv[0] === '[') {
    if (args.at(-1) !== ']') { await shell.complain(shell.isBash ? "[: missing `]'" : '[: missing ]'); return 2 }
    args = args.slice(0, -1)
  }
  try {
    return evaluateTest(shell.proc, args) ? 0 : 1
  } catch (error) {
    if (!(error instanceof TestError)) throw error
    const number = /^Illegal number: (.*)$/.exec(error.message)
    await shell.complain(`${argv[0]}: ${number ? shell.isBash ? `${number[1]}: integer expression expected` : shell.flavour === 'ash' ? `bad number` : error.message : shell.isBash ? error.message.replace(/^(.*): unexpected operator$/, 'too many arguments').replace(/^(.*): unknown operand$/, '$1: unary operator expected') : error.message}`)
    return 2
  }
}

const alias: Builtin = async (shell, argv) => {
  let status = 0
  const show = (name: string, text: string) => shell.out(`${shell.isBash ? 'alias ' : ''}${name}=${singleQuoted(text)}\n`)
  if (argv.length === 1) for (const [name, text] of [...shell.state.aliases].sort()) await show(name, text)
  for (const arg of argv.slice(1)) {
    const at = arg.indexOf('=')
    if (at > 0) { shell.state.aliases.set(arg.slice(0, at), arg.slice(at + 1)); continue }
    const text = shell.state.aliases.get(arg)
    if (text === undefined) { await shell.complain(`alias: ${arg}${shell.isBash ? ':' : ''} not found`); status = 1 } else await show(arg, text)
  }
  return status
}

const unalias: Builtin = async (shell, argv) => {
  let status = 0
  for (const arg of argv.slice(1)) {
    if (arg === '-a') shell.state.aliases.clear()
    else if (!shell.state.aliases.delete(arg)) { await shell.complain(`unalias: ${arg}${shell.isBash ? ': not found' : ' not found'}`); status = 1 }
  }
  return status
}

/** What a name would run. */
function kindOf(shell: Shell, name: string): { kind: 'alias' | 'keyword' | 'function' | 'builtin' | 'file'; text: string } | undefined {
  const aliased = shell.state.aliases.get(name)
  if (aliased !== undefined) return { kind: 'alias', text: aliased }
  if (['if', 'then', 'else', 'elif', 'fi', 'do', 'done', 'case', 'esac', 'while', 'until', 'for', '{', '}', '!', 'in', ...(shell.isBash ? ['function', '[[', ']]', 'time'] : [])].includes(name)) return { kind: 'keyword', text: name }
  const defined = shell.state.functions.get(name)
  if (defined) return { kind: 'function', text: defined.text }
  if (builtins.has(name)) return { kind: 'builtin', text: name }
  try {
    const path = findInPath(shell.proc.fs, name, shell.variables.get('PATH') ?? '', shell.proc.cwd)
    return { kind: 'file', text: path }
  } catch {
    return undefined
  }
}

const type: Builtin = async (shell, argv) => {
  let status = 0
  const short = argv[1] === '-t'
  const pathOnly = argv[1] === '-p' || argv[1] === '-P'
  for (const name of argv.slice(1).filter((arg) => !/^-[tpPa]$/.test(arg))) {
    const found = kindOf(shell, name)
    if (!found) {
      status = 1
      if (short || pathOnly) continue
      if (shell.isBash) await shell.complain(`type: ${name}: not found`)
      else { await shell.out(`${name}: not found\n`); status = 127 }
      continue
    }
    if (short) await shell.out(`${found.kind}\n`)
    else if (pathOnly) { if (found.kind === 'file') await shell.out(`${found.text}\n`) }
    else await shell.out(`${describeKind(shell, name, found)}\n`)
  }
  return status
}

function describeKind(shell: Shell, name: string, found: NonNullable<ReturnType<typeof kindOf>>): string {
  switch (found.kind) {
    case 'alias': return shell.isBash ? `${name} is aliased to \`${found.text}'` : `${name} is an alias for ${found.text}`
    case 'keyword': return `${name} is a shell keyword`
    case 'function': return shell.isBash ? `${name} is a function\n${found.text}` : `${name} is a shell function`
    case 'builtin': return !shell.isBash && specialBuiltins.has(name) ? `${name} is a special shell builtin` : `${name} is a shell builtin`
    case 'file': return `${name} is ${found.text}`
  }
}

const command: Builtin = async (shell, argv) => {
  const args = argv.slice(1)
  if (args[0] === '-v' || args[0] === '-V') {
    let status = 0
    for (const name of args.slice(1)) {
      const found = kindOf(shell, name)
      if (!found) {
        status = shell.isBash ? 1 : 127
        if (args[0] === '-V') { if (shell.isBash) await shell.complain(`command: ${name}: not found`); else await shell.out(`${name}: not found\n`) }
      }
      else if (args[0] === '-V') await shell.out(`${describeKind(shell, name, found)}\n`)
      else await shell.out(found.kind === 'alias' ? `alias ${name}=${singleQuoted(found.text)}\n` : found.kind === 'file' ? `${found.text}\n` : `${name}\n`)
    }
    return status
  }
  if (args[0] === '-p' || args[0] === '--') args.shift()
  if (args.length === 0) return 0
  const builtin = builtins.get(args[0]!)
  if (builtin) return builtin(shell, args)
  return shell.run({ kind: 'simple', assignments: [], words: args.map((text) => ({ parts: [{ kind: 'literal', text, quoted: true }], text })), redirects: [], line: shell.line })
}

const umask: Builtin = async (shell, argv) => {
  const { fs } = shell.proc
  const mask = fs.umask ?? 0o022
  if (argv[1] === undefined) { await shell.out(`${mask.toString(8).padStart(4, '0')}\n`); return 0 }
  if (argv[1] === '-S') {
    const part = (bits: number) => `${bits & 4 ? 'r' : ''}${bits & 2 ? 'w' : ''}${bits & 1 ? 'x' : ''}`
    await shell.out(`u=${part(~mask >> 6)},g=${part(~mask >> 3)},o=${part(~mask)}\n`)
    return 0
  }
  if (!/^[0-7]+$/.test(argv[1])) { await shell.complain(`umask: Illegal number: ${argv[1]}`); return 1 }
  fs.umask = parseInt(argv[1], 8)
  return 0
}

const ulimit: Builtin = async (shell, argv) => {
  if (argv[1] === '-n') await shell.out('1048576\n')
  else await shell.out('unlimited\n')
  return 0
}

const pwd: Builtin = async (shell, argv) => written(shell, 'pwd', `${argv[1] === '-P' ? shell.proc.fs.realpath(shell.proc.cwd) : shell.variables.get('PWD') ?? shell.proc.cwd}\n`)

const letBuiltin: Builtin = async (shell, argv) => {
  let value = 0n
  for (const arg of argv.slice(1)) value = evaluate(shell, arg)
  return value === 0n ? 1 : 0
}

const history: Builtin = async (shell, argv) => {
  if (argv[1] === '-c') { shell.history.length = 0; return 0 }
  const count = argv[1] === undefined ? shell.history.length : Number(argv[1])
  const start = Math.max(0, shell.history.length - count)
  for (const [i, line] of shell.history.slice(start).entries()) await shell.out(`${String(start + i + 1).padStart(5)}  ${line}\n`)
  return 0
}

const hash: Builtin = async (shell, argv) => {
  if (argv[1] === '-r') { shell.hashed.clear(); return 0 }
  if (argv.length === 1) for (const path of shell.hashed.values()) await shell.out(`${path}\n`)
  return 0
}

/** Switches of bash that are on unless somebody switches them off. */
const SHOPTS_ON = new Set(['checkwinsize', 'cmdhist', 'complete_fullquote', 'extglob', 'extquote', 'force_fignore', 'globasciiranges', 'hostcomplete', 'interactive_comments', 'progcomp', 'promptvars', 'sourcepath'])
const SHOPTS = new Set([...SHOPTS_ON, 'autocd', 'cdspell', 'checkhash', 'checkjobs', 'compat44', 'direxpand', 'dirspell', 'dotglob', 'execfail', 'expand_aliases', 'extdebug', 'failglob', 'globstar', 'gnu_errfmt', 'histappend', 'histreedit', 'histverify', 'huponexit', 'inherit_errexit', 'lastpipe', 'lithist', 'localvar_inherit', 'login_shell', 'mailwarn', 'no_empty_cmd_completion', 'nocaseglob', 'nocasematch', 'nullglob', 'progcomp_alias', 'restricted_shell', 'shift_verbose', 'xpg_echo'])

// @k8s part: bash's shopt: of the switches only expand_aliases has an effect
const shopt: Builtin = async (shell, argv) => {
  const flags = argv.slice(1).filter((arg) => arg.startsWith('-')).join('')
  const names = argv.slice(1).filter((arg) => !arg.startsWith('-'))
  if (flags.includes('o')) return set(shell, ['set', ...names.flatMap((name) => [flags.includes('u') ? '+o' : '-o', name])])
  const { shopts } = shell.state
  const isOn = (name: string) => shopts.has(name) || name === 'expand_aliases' && shell.interactive && !shopts.has('!expand_aliases') || SHOPTS_ON.has(name) && !shopts.has(`!${name}`)
  let status = 0
  for (const name of names.length > 0 ? names : flags === '' || flags === '-p' ? [...SHOPTS].sort() : []) {
    if (!SHOPTS.has(name)) {
      await shell.complain(`shopt: ${name}: invalid shell option name`)
      status = 1
    } else if (flags.includes('s') || flags.includes('u')) {
      const on = flags.includes('s')
      shopts.delete(on ? `!${name}` : name)
      shopts.add(on ? name : `!${name}`)
    } else {
      if (!isOn(name) && names.length > 0) status = 1
      if (!flags.includes('q')) await shell.out(flags.includes('p') ? `shopt -${isOn(name) ? 's' : 'u'} ${name}\n` : `${name.padEnd(15)}\t${isOn(name) ? 'on' : 'off'}\n`)
    }
  }
  return status
}

const mapfile: Builtin = async (shell, argv) => {
  const strips = argv.includes('-t')
  const name = argv.slice(1).find((arg) => !arg.startsWith('-')) ?? 'MAPFILE'
  const elements = new Map<string, string>()
  const reader = shell.state.descriptors.reader(0)
  for (let line = await readLineBytes(reader); line; line = await readLineBytes(reader)) {
    const text = decoder.decode(line)
    elements.set(String(elements.size), strips ? text.replace(/\n$/, '') : text)
  }
  shell.variables.setElements(name, elements)
  return 0
}

const always = (status: number): Builtin => async () => status

/** Every command that the shell has built in. */
export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  [':', always(0)], ['true', always(0)], ['false', always(1)], ['echo', echo], ['printf', printf], ['cd', cd], ['chdir', cd], ['pwd', pwd], ['export', exportBuiltin], ['readonly', readonlyBuiltin],
  ['unset', unset], ['set', set], ['shift', shift], ['break', jumpOut('break')], ['continue', jumpOut('continue')], ['exit', exit], ['return', returnBuiltin], ['eval', evalBuiltin],
  ['.', dot], ['source', dot], ['trap', trap], ['wait', wait], ['jobs', jobs], ['fg', fg], ['bg', bg], ['kill', kill], ['read', read], ['local', local], ['declare', declare], ['typeset', declare],
  ['getopts', getopts], ['test', testBuiltin], ['[', testBuiltin], ['alias', alias], ['unalias', unalias], ['type', type], ['command', command], ['builtin', command], ['umask', umask], ['ulimit', ulimit],
  ['let', letBuiltin], ['history', history], ['hash', hash], ['shopt', shopt], ['complete', complete], ['compgen', compgen], ['compopt', always(0)], ['mapfile', mapfile], ['readarray', mapfile], ['exec', always(0)],
  ['times', async (shell) => { await shell.out('0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n'); return 0 }],
  ['disown', always(0)], ['logout', exit],
])
