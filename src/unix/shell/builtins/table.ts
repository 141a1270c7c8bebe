import { compgen, complete } from '../programmable-completion.ts'
import { getopts, shift, testBuiltin } from './arguments.ts'
import type { Builtin } from './builtin.ts'
import { dot, evalBuiltin, exit, jumpOut, returnBuiltin } from './control.ts'
import { cd, pwd } from './directories.ts'
import { mapfile, read } from './input.ts'
import { bg, fg, jobs, kill, trap, wait } from './jobs.ts'
import { alias, command, hash, history, type, unalias } from './names.ts'
import { set, shopt, ulimit, umask } from './options.ts'
import { echo, printf } from './output.ts'
import { declare, exportBuiltin, letBuiltin, local, readonlyBuiltin, unset } from './variables.ts'

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
