import { isSharedReader, readLineBytes } from '../input.ts'
import { errorText } from '../errno.ts'
import type { Proc, Program } from '../types.ts'
import { ShellSyntaxError } from './ast.ts'
import { runInteractive } from './interactive.ts'
import type { Completer } from './completer.ts'
import { Parser } from './parser.ts'
import { Shell } from './shell.ts'
import type { ShellFlavour } from './shell-state.ts'

export interface ShellProgramOptions {
  flavour: ShellFlavour
  /** Completes words in interactive shells; file and command names are completed in any case. */
  completer?: Completer
  /** Whether interactive shells propose in grey how a line may go on: from history, else what Tab would add. */
  hints?: () => boolean
  /** Interactive shells wait for it before they say that a command is done. */
  beforePrompt?: () => Promise<void>
  /** Version text of `--version`. */
  version?: string
}

const LETTERS: Readonly<Record<string, string>> = { e: 'errexit', f: 'noglob', u: 'nounset', x: 'xtrace', v: 'verbose', n: 'noexec', a: 'allexport', C: 'noclobber' }
const decoder = new TextDecoder()

/** A shell as a program: `sh script args`, `sh -c text name args`, `sh -s`, or interactive on a terminal. */
export function shellProgram(options: ShellProgramOptions): Program {
  return (proc) => main(proc, options)
}

/** Debian's /bin/sh. */
export const dash: Program = shellProgram({ flavour: 'dash' })
/** BusyBox' /bin/sh. */
export const ash: Program = shellProgram({ flavour: 'ash' })
/** GNU bash. */
export const bash: Program = shellProgram({ flavour: 'bash', version: 'GNU bash, version 5.2.37(1)-release (x86_64-pc-linux-gnu)' })

async function main(proc: Proc, options: ShellProgramOptions): Promise<number> {
  const args = proc.argv.slice(1)
  let interactive: boolean | undefined
  let login = proc.argv[0]?.startsWith('-') ?? false
  let command = false
  let fromInput = false
  const set: string[] = []
  while (args.length > 0 && /^[-+]./.test(args[0]!)) {
    const arg = args.shift()!
    if (arg === '--') break
    if (arg === '--version') { await proc.stdout.write(`${options.version ?? 'sh'}\n`); return 0 }
    if (arg === '--login') { login = true; continue }
    if (arg === '--norc' || arg === '--noprofile' || arg === '--posix') continue
    if (arg === '--rcfile' || arg === '--init-file') { args.shift(); continue }
    if (arg.startsWith('--')) { await proc.stderr.write(`${proc.argv[0]}: ${options.flavour === 'bash' ? `${arg}: invalid option` : `0: Illegal option --`}\n`); return 2 }
    for (const letter of arg.slice(1)) {
      if (letter === 'c') command = true
      else if (letter === 's') fromInput = true
      else if (letter === 'i') interactive = true
      else if (letter === 'l') login = true
      else if (letter === 'o') { const name = args.shift(); if (name) set.push((arg[0] === '-' ? '' : '!') + name) }
      else if (LETTERS[letter]) set.push((arg[0] === '-' ? '' : '!') + LETTERS[letter])
      else if (!'mbhBEPT'.includes(letter)) { await proc.stderr.write(options.flavour === 'bash' ? `${proc.argv[0]}: -${letter}: invalid option\n` : `${proc.argv[0]}: 0: Illegal option -${letter}\n`); return 2 }
    }
  }
  if (args[0] === '-' ) args.shift()
  const isInteractive = interactive ?? (!command && !fromInput && args.length === 0 && proc.isTty(0) && proc.isTty(2))
  const shell = new Shell(proc, { flavour: options.flavour, interactive: isInteractive })
  for (const name of set) if (name.startsWith('!')) shell.state.options.delete(name.slice(1)); else shell.state.options.add(name)
  if (command) {
    const text = args.shift()
    if (text === undefined) { await proc.stderr.write(options.flavour === 'bash' ? `${proc.argv[0]}: -c: option requires an argument\n` : `${proc.argv[0]}: 0: -c requires an argument\n`); return 2 }
    if (args.length > 0) shell.state.name = args.shift()!
    shell.state.positional = args
    return shell.runToEnd(() => shell.runText(text, { last: true }))
  }
  if (args.length > 0 && !fromInput) {
    const script = args.shift()!
    shell.state.name = script
    shell.state.positional = args
    let text: string
    try {
      const path = proc.resolve(script)
      text = proc.fs.readText(path)
    } catch (error) {
      await proc.stderr.write(options.flavour === 'bash' ? `${proc.argv[0]}: ${script}: ${errorText(error)}\n` : options.flavour === 'ash' ? `${proc.argv[0]}: can't open '${script}': ${errorText(error)}\n` : `${proc.argv[0]}: 0: cannot open ${script}: ${errorText(error) === 'No such file or directory' ? 'No such file' : errorText(error)}\n`)
      return options.flavour === 'bash' ? 127 : 2
    }
    shell.script = script
    return shell.runToEnd(() => shell.runText(text))
  }
  shell.state.positional = args
  if (login || isInteractive) await readStartupFiles(shell, login, isInteractive)
  if (isInteractive) return runInteractive(shell, options)
  shell.state.name = proc.argv[0] ?? 'sh'
  return shell.runToEnd(() => runFromInput(shell))
}

/** Runs commands as they arrive on standard input, leaving the rest of it to them. */
async function runFromInput(shell: Shell): Promise<number> {
  const { stdin } = shell.proc
  if (!isSharedReader(stdin)) throw new TypeError('standard input must take bytes back')
  let pending = ''
  let line = 1
  let status = 0
  for (;;) {
    const bytes = await readLineBytes(stdin)
    if (bytes) pending += decoder.decode(bytes)
    if (pending.trim() === '' && bytes) { line += 1; pending = ''; continue }
    if (pending === '') return status
    try {
      const probe = new Parser(pending, { aliases: () => shell.aliases, line })
      probe.all()
      if (probe.endedInHereDocument && bytes) continue
    } catch (error) {
      if (error instanceof ShellSyntaxError && error.incomplete && bytes) continue
    }
    const text = pending
    pending = ''
    const count = text.split('\n').length - 1
    status = await shell.runText(text, { line })
    line += count
    if (!bytes) return status
  }
}

async function readStartupFiles(shell: Shell, login: boolean, interactive: boolean): Promise<void> {
  const home = shell.variables.get('HOME') ?? '/'
  const files: string[] = []
  if (login) files.push('/etc/profile', ...(shell.isBash ? [`${home}/.bash_profile`, `${home}/.profile`] : [`${home}/.profile`]))
  if (interactive && shell.isBash) files.push('/etc/bash.bashrc', `${home}/.bashrc`)
  const env = shell.variables.get('ENV')
  if (interactive && !shell.isBash && env) files.push(env)
  for (const file of files) {
    if (!shell.proc.fs.exists(file)) continue
    try {
      await shell.runText(shell.proc.fs.readText(file))
    } catch (error) {
      await shell.statusOf(error)
    }
  }
}
