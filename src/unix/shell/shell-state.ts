import { machineName } from '../architecture.ts'
import type { Proc } from '../types.ts'
import type { Command } from './ast.ts'
import { Description, DescriptorTable } from './descriptors.ts'
import type { CompletionRule } from './programmable-completion.ts'
import { Variables } from './variables.ts'

/** Whose messages and small differences: Debian's sh, BusyBox' sh, or bash. */
export type ShellFlavour = 'dash' | 'ash' | 'bash'

/** What a shell knows while it runs; a subshell has a copy. */
export interface ShellState {
  variables: Variables
  functions: Map<string, { body: Command; text: string }>
  aliases: Map<string, string>
  options: Set<string>
  /** What `shopt -s` switched on. */
  shopts: Set<string>
  /** What `complete` was told, by command. */
  completions: Map<string, CompletionRule>
  positional: string[]
  name: string
  traps: Map<string, string>
  lastStatus: number
  lastBackground: number | undefined
  descriptors: DescriptorTable
  loopDepth: number
  functionDepth: number
  sourceDepth: number
}

/** The state of a shell that begins. */
export function initialState(proc: Proc, flavour: ShellFlavour): ShellState {
  const variables = new Variables()
  importEnvironment(variables, proc, flavour)
  return {
    variables, functions: new Map(), aliases: new Map(), options: new Set(), shopts: new Set(), completions: new Map(), positional: [], name: proc.argv[0] ?? 'sh', traps: new Map(),
    lastStatus: 0, lastBackground: undefined, descriptors: standardDescriptors(proc), loopDepth: 0, functionDepth: 0, sourceDepth: 0,
  }
}

/** The state of a subshell, in the process of its own. */
export function subshellState(from: ShellState, proc: Proc): ShellState {
  return {
    variables: from.variables.clone(), functions: new Map(from.functions), aliases: new Map(from.aliases), options: new Set(from.options), shopts: new Set(from.shopts),
    completions: new Map(from.completions), positional: [...from.positional], name: from.name,
    // A subshell forgets traps, but keeps ignoring what was ignored.
    traps: new Map([...from.traps].filter(([, action]) => action === '')),
    lastStatus: from.lastStatus, lastBackground: from.lastBackground, descriptors: standardDescriptors(proc), loopDepth: 0, functionDepth: from.functionDepth, sourceDepth: from.sourceDepth,
  }
}

function standardDescriptors({ stdin, stdout, stderr }: Proc): DescriptorTable {
  return new DescriptorTable(new Map([[0, new Description({ reader: stdin })], [1, new Description({ writer: stdout })], [2, new Description({ writer: stderr })]]))
}

/** What a shell that begins takes from its process, and sets by itself. */
function importEnvironment(variables: Variables, proc: Proc, flavour: ShellFlavour): void {
  for (const [name, value] of Object.entries(proc.env)) {
    // Also names that no script can write, such as a.b: children get them all the same.
    variables.set(name, value)
    variables.export(name)
  }
  variables.set('PWD', proc.cwd)
  variables.export('PWD')
  variables.set('IFS', ' \t\n')
  variables.set('OPTIND', '1')
  variables.set('PPID', String(proc.ppid))
  if (variables.get('PATH') === undefined) variables.set('PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')
  if (flavour === 'bash') {
    const level = Number(variables.get('SHLVL') ?? '0') + 1
    variables.set('SHLVL', String(level))
    variables.export('SHLVL')
    variables.set('BASH_VERSION', '5.2.37(1)-release')
    variables.set('HOSTNAME', proc.machine.hostname)
    variables.set('UID', String(proc.user.uid))
    variables.set('EUID', String(proc.user.uid))
    variables.set('BASH', '/bin/bash')
    variables.set('OSTYPE', 'linux-gnu')
    variables.set('HOSTTYPE', machineName(proc.machine.hardware.architecture))
  }
}
