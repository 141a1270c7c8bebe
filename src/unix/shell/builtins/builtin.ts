import type { Shell } from '../shell.ts'

/** A command that runs inside the shell. */
export type Builtin = (shell: Shell, argv: readonly string[]) => Promise<number>

/** Built-ins whose assignments stay and whose errors are grave (POSIX 2.14). */
export const specialBuiltins: ReadonlySet<string> = new Set([':', '.', 'source', 'break', 'continue', 'eval', 'exec', 'exit', 'export', 'readonly', 'return', 'set', 'shift', 'times', 'trap', 'unset'])
