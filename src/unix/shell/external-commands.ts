import { errorText } from '../errno.ts'
import { findInPath } from '../exec.ts'
import { resolvePath } from '../path.ts'
import { ProcessExit, UnixError } from '../types.ts'
import { withAssignments } from './assignments.ts'
import type { Redirect, SimpleCommand } from './ast.ts'
import { applyRedirects } from './redirect.ts'
import { ShellError } from './shell-errors.ts'
import type { Shell } from './shell.ts'

/** Errors that keep a program from being started. */
const START_FAILURES = new Set(['ENOENT', 'EACCES', 'ENOEXEC', 'ENOTDIR', 'ELOOP', 'EISDIR'])

/** Runs a program. @param options.last the shell has nothing to do after it; options.text the command, for messages and jobs */
export async function runExternal(shell: Shell, argv: string[], command: SimpleCommand, options: { last?: boolean; text?: string }): Promise<number> {
  shell.noteWait()
  // A shell that has nothing left to do becomes its last command, unless a trap still needs it.
  const becomes = options.last === true && !shell.interactive && shell.proc.exec !== undefined && shell.state.traps.size === 0
  return withAssignments(shell, command.assignments, () => shell.withRedirects(command.redirects, async () => {
    if (becomes) {
      const status = await replaceProcess(shell, argv)
      if (typeof status === 'number') throw new ProcessExit(status)
      return complainNotStarted(shell, argv[0]!, status)
    }
    const { descriptors } = shell.state
    try {
      const path = findInPath(shell.proc.fs, argv[0]!, shell.variables.get('PATH') ?? '', shell.proc.cwd)
      if (!argv[0]!.includes('/')) shell.hashed.set(argv[0]!, path)
      const process = shell.proc.spawn(argv, {
        env: shell.variables.environment(), cwd: shell.proc.cwd,
        stdin: descriptors.reader(0), stdout: descriptors.writer(1), stderr: descriptors.writer(2),
        ...(shell.interactive ? { newGroup: true } : {}),
      })
      return await shell.foreground([process], options.text ?? argv.join(' '))
    } catch (error) {
      if (!(error instanceof UnixError) || !START_FAILURES.has(error.code)) throw error
      if (error.code === 'ENOEXEC') return shell.foreground([shell.fork((child) => runScript(child, argv, error.path!), shell.interactive ? { newGroup: true } : {})], options.text ?? argv.join(' '))
      return complainNotStarted(shell, argv[0]!, error)
    }
  }))
}

/** The built-in command `exec`: makes redirections for good, and has a program take the shell's process over. */
export async function runExec(shell: Shell, argv: string[], redirects: readonly Redirect[]): Promise<number> {
  try {
    await applyRedirects(shell, redirects)
  } catch (error) {
    if (!(error instanceof UnixError || error instanceof ShellError)) throw error
    await shell.complain(errorText(error))
    if (!shell.interactive) throw new ProcessExit(shell.isBash ? 1 : 2)
    return 1
  }
  const rest = argv.slice(1)
  if (rest[0] === '--') rest.shift()
  if (rest[0] === '-a') rest.splice(0, 2)
  if (rest.length === 0) return 0
  const status = await replaceProcess(shell, rest)
  if (typeof status === 'number') throw new ProcessExit(status)
  await complainNotStarted(shell, rest[0]!, status, 'exec: ')
  if (!shell.interactive) throw new ProcessExit(status.code === 'ENOENT' ? 127 : 126)
  return status.code === 'ENOENT' ? 127 : 126
}

/** exec(2): the program takes this process over. */
async function replaceProcess(shell: Shell, argv: readonly string[]): Promise<number | UnixError> {
  const { descriptors } = shell.state
  const env = shell.variables.environment()
  shell.traps.release()
  const options = { env, cwd: shell.proc.cwd, stdin: descriptors.reader(0), stdout: descriptors.writer(1), stderr: descriptors.writer(2) }
  try {
    if (shell.proc.exec) return await shell.proc.exec(argv, options)
    return (await shell.proc.spawn(argv, options).wait()).code
  } catch (error) {
    if (error instanceof UnixError && error.path !== undefined && START_FAILURES.has(error.code)) {
      if (error.code === 'ENOEXEC') return runScript(shell, argv, error.path)
      return error
    }
    throw error
  }
}

/** Runs a file without `#!` as a script of this shell. */
async function runScript(shell: Shell, argv: readonly string[], path: string): Promise<number> {
  const text = shell.proc.fs.readText(resolvePath(shell.proc.cwd, path))
  if (text.includes('\0')) { await shell.complain(shell.isBash ? `${argv[0]}: cannot execute binary file: Exec format error` : `${argv[0]}: Exec format error`); return 126 }
  shell.state.name = argv[0]!
  shell.script = argv[0]!
  shell.state.positional = argv.slice(1)
  shell.state.functions.clear()
  return shell.runText(text)
}

/** Why a command couldn't be started, in the shell's words. */
async function complainNotStarted(shell: Shell, name: string, error: UnixError, context = ''): Promise<number> {
  const missing = error.code === 'ENOENT' || error.code === 'ENOTDIR'
  if (shell.isBash) {
    const badInterpreter = missing && error.path !== undefined && error.path !== name && name !== ''
    if (badInterpreter) await shell.complain(`${name}: cannot execute: required file not found`)
    else if (missing) await shell.complain(`${context}${name}: ${name.includes('/') ? 'No such file or directory' : context ? 'not found' : 'command not found'}`)
    else if (error.code === 'EACCES' && isDirectory(shell, name)) await shell.complain(`${context}${name}: Is a directory`)
    else await shell.complain(`${context}${name}: ${errorText(error)}`)
  } else await shell.complain(`${context}${name}: ${missing ? 'not found' : errorText(error)}`)
  return missing ? 127 : 126
}

function isDirectory(shell: Shell, name: string): boolean {
  try { return shell.proc.fs.stat(shell.proc.resolve(name)).type === 'directory' } catch { return false }
}
