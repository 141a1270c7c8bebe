import { readAll } from '../../../base/streams.ts'
import { errno, errorText } from '../../errno.ts'
import { resolvePath } from '../../path.ts'
import { ProcessExit } from '../../types.ts'
import type { OpenFile } from '../../types.ts'
import { jobState } from '../jobs.ts'
import { Jump, ShellError } from '../shell-errors.ts'
import type { Shell } from '../shell.ts'
import type { Builtin } from './builtin.ts'

/** `break` and `continue`: leave or repeat the given number of loops. */
export function jumpOut(kind: 'break' | 'continue'): Builtin {
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

/** `exit [STATUS]`; an interactive shell warns once of stopped jobs. */
export const exit: Builtin = async (shell, argv) => {
  if (shell.interactive && argv.length === 1 && shell.jobs.all().some((job) => jobState(job) === 'Stopped') && !exitWarned.has(shell)) {
    exitWarned.add(shell)
    await shell.err('There are stopped jobs.\n')
    return 1
  }
  throw new ProcessExit(statusArgument(shell, 'exit', argv[1]))
}

const exitWarned = new WeakSet<Shell>()

/** `return [STATUS]` from a function or a sourced file. */
export const returnBuiltin: Builtin = async (shell, argv) => {
  const status = statusArgument(shell, 'return', argv[1])
  if (shell.state.functionDepth === 0 && shell.state.sourceDepth === 0) {
    if (shell.isBash) { await shell.complain("return: can only `return' from a function or sourced script"); return 1 }
    throw new ProcessExit(status)
  }
  shell.state.lastStatus = status
  throw new Jump('return', status)
}

/** `eval TEXT...`. */
export const evalBuiltin: Builtin = async (shell, argv) => {
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

/** `.` and `source`: runs a file in this shell, looked for in PATH. */
export const dot: Builtin = async (shell, argv) => {
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
