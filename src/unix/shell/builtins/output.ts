import { errorText } from '../../errno.ts'
import { UnixError } from '../../types.ts'
import { unescapeEcho } from '../escapes.ts'
import { formatPrintf } from '../printf.ts'
import type { Shell } from '../shell.ts'
import type { Builtin } from './builtin.ts'
import { quoteWord } from './quoting.ts'

/** `echo`: joins its arguments; which escapes it knows depends on the shell. */
export const echo: Builtin = async (shell, argv) => {
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

/** Writes what a built-in says. Status 0, or 1 after a message when nobody takes it. */
export async function written(shell: Shell, name: string, text: string): Promise<number> {
  try {
    await shell.out(text)
    return 0
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    await shell.complain(`${name}: ${shell.isBash ? 'write error: ' : 'I/O error: '}${errorText(error)}`)
    return 1
  }
}

/** `printf FORMAT [ARGUMENT...]`, and in bash `-v NAME`. */
export const printf: Builtin = async (shell, argv) => {
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
