import type { Proc } from '../../unix/types.ts'
import { completionAnswer, Directive } from '../completion-script.ts'
import { editDistance } from '../kubectl/command.ts'
import { parseFlags } from '../kubectl/flags.ts'
import type { FlagSpec, FlagType, FlagValues } from '../kubectl/flags.ts'

/** A flag of a command with what its help says. */
export interface CobraFlag {
  name: string
  short?: string
  type: FlagType
  /** As a text; the type's zero by default. */
  value?: string
  /** What it is without a value; booleans are true. */
  alone?: string
  usage: string
  /** What its help shows in place of the type. */
  shown?: string
}

/** What a command runs with. */
export interface CobraRun {
  proc: Proc
  flags: FlagValues
  args: readonly string[]
  /** How many arguments stood before `--`; -1 without one. */
  argsBeforeDash: number
  out(text: string): Promise<void>
  err(text: string): Promise<void>
  /** The command's help, as it is printed for --help. */
  help(): string
}

/** A command of a program that is built on cobra. */
export interface CobraCommand {
  /** `load <IMAGE>`: the name and what may follow. */
  use: string
  short: string
  long?: string
  example?: string
  aliases?: readonly string[]
  flags?: readonly CobraFlag[]
  /** Flags that sub-commands have too. */
  persistent?: readonly CobraFlag[]
  children?: readonly CobraCommand[]
  /** Not in lists. */
  hidden?: boolean
  /** What is wrong with so many arguments; `path` is the command's. */
  arity?(args: readonly string[], path: string): string | undefined
  run?(run: CobraRun): Promise<number>
}

/** A command line that can't be taken; the text is what the program says. */
export class CobraError extends Error {}

export const noArguments = (args: readonly string[], path: string): string | undefined => args.length > 0 ? `unknown command ${JSON.stringify(args[0])} for ${JSON.stringify(path)}` : undefined

/** A command that was found in the tree, with those above it. */
interface Found {
  command: CobraCommand
  above: readonly CobraCommand[]
  rest: readonly string[]
}

const nameOf = ({ use }: CobraCommand) => use.split(' ')[0]!
const pathOf = ({ command, above }: Pick<Found, 'command' | 'above'>) => [...above, command].map(nameOf).join(' ')

const HELP: CobraFlag = { name: 'help', short: 'h', type: 'bool', usage: '' }
const ZERO: Partial<Record<FlagType, string>> = { bool: 'false', int: '0', int32: '0', int64: '0', duration: '0s', stringSlice: '[]', stringArray: '[]' }

function specOf({ name, short = '', type, value, alone }: CobraFlag): FlagSpec {
  return { name, short, type, defaultText: value ?? ZERO[type] ?? '', noOptionText: alone ?? (type === 'bool' ? 'true' : ''), hidden: false, deprecated: false }
}

/** Those that a command takes. */
const flagsOf = ({ command, above }: Pick<Found, 'command' | 'above'>): CobraFlag[] => [...command.flags ?? [], ...command.persistent ?? [], ...above.flatMap(({ persistent = [] }) => persistent), HELP]

/** k8s: spf13/cobra Command.Find */
function find(root: CobraCommand, words: readonly string[]): Found {
  let command = root
  const above: CobraCommand[] = []
  const rest = [...words]
  for (;;) {
    const known = flagsOf({ command, above }).map(specOf)
    const at = firstOperand(rest, known)
    const child = at === undefined ? undefined : command.children?.find((each) => nameOf(each) === rest[at] || each.aliases?.includes(rest[at]!))
    if (!child) return { command, above, rest }
    rest.splice(at!, 1)
    above.push(command)
    command = child
  }
}

function firstOperand(words: readonly string[], known: readonly FlagSpec[]): number | undefined {
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (word === '--') return undefined
    if (!word.startsWith('-') || word === '-') return i
    if (word.includes('=')) continue
    const flag = word.startsWith('--') ? known.find(({ name }) => name === word.slice(2)) : known.find(({ short }) => short !== '' && short === word.at(-1))
    if ((word.startsWith('--') || word.length === 2) && flag && !flag.noOptionText) i++
  }
  return undefined
}

/**
 * Runs a command line. @returns the exit code
 * @throws CobraError with cobra's words for a command line that can't be taken
 */
export async function runCobra(root: CobraCommand, proc: Proc, words: readonly string[] = proc.argv.slice(1)): Promise<number> {
  const out = (text: string) => proc.stdout.write(text)
  const err = (text: string) => proc.stderr.write(text)
  if (words[0] === '__complete' || words[0] === '__completeNoDesc') {
    const answer = completionAnswer({ candidates: candidates(root, words.slice(1)), directive: Directive.noFileComp })
    await out(answer.stdout)
    await err(answer.stderr)
    return 0
  }
  const isHelp = words[0] === 'help'
  const found = find(root, isHelp ? words.slice(1) : words)
  const { command, above, rest } = found
  const help = () => helpText(found)
  if (isHelp) { await out(help()); return 0 }
  const operand = firstOperand(rest, flagsOf(found).map(specOf))
  if (above.length === 0 && operand !== undefined && !command.arity) throw new CobraError(unknownCommand(root, rest[operand]!))
  let parsed
  try {
    parsed = parseFlags(flagsOf(found).map(specOf), rest)
  } catch (error) {
    throw new CobraError((error as Error).message)
  }
  const { values: flags, args, argsBeforeDash } = parsed
  if (flags.bool('help') || !command.run) { await out(help()); return 0 }
  const wrong = command.arity?.(args, pathOf(found))
  if (wrong !== undefined) throw new CobraError(wrong)
  return command.run({ proc, flags, args, argsBeforeDash, out, err, help })
}

function unknownCommand(root: CobraCommand, word: string): string {
  const near = (root.children ?? []).filter((each) => !each.hidden && (editDistance(word.toLowerCase(), nameOf(each)) <= 2 || nameOf(each).startsWith(word.toLowerCase()))).map(nameOf)
  return `unknown command ${JSON.stringify(word)} for ${JSON.stringify(nameOf(root))}${near.length > 0 ? `\n\nDid you mean this?\n${near.map((name) => `\t${name}\n`).join('')}` : ''}`
}

/** Words that the last one may become: commands, or flags. */
function candidates(root: CobraCommand, words: readonly string[]): string[] {
  const last = words.at(-1) ?? ''
  const found = find(root, words.slice(0, -1))
  if (last.startsWith('-')) return flagsOf(found).map(({ name }) => `--${name}`)
  return (found.command.children ?? []).filter(({ hidden }) => !hidden).map(nameOf)
}

/** A command's help in cobra's own layout. */
function helpText(found: Found): string {
  const { command, above } = found
  const parts = [(command.long ?? command.short).trimEnd(), '\n\n', usageText(found)]
  if (above.length === 0 && !command.run && !command.children) parts.length = 1
  return parts.join('')
}

/** k8s: spf13/cobra defaultUsageTemplate */
function usageText(found: Found): string {
  const { command, above } = found
  const path = pathOf(found)
  const own = [...command.flags ?? [], ...command.persistent ?? [], { ...HELP, usage: `help for ${nameOf(command)}` }]
  const global = above.flatMap(({ persistent = [] }) => persistent)
  const children = (command.children ?? []).filter(({ hidden }) => !hidden)
  const line = `${[...above.map(nameOf), command.use].join(' ')}${command.use.includes('[flags]') ? '' : ' [flags]'}`
  const parts = [`Usage:${command.run ? `\n  ${line}` : ''}${children.length > 0 ? `\n  ${path} [command]` : ''}`]
  if (command.aliases?.length) parts.push(`Aliases:\n  ${[nameOf(command), ...command.aliases].join(', ')}`)
  if (command.example) parts.push(`Examples:\n${command.example}`)
  if (children.length > 0) {
    const rows = [...children.map((child) => [nameOf(child), child.short] as const), ...(above.length === 0 ? [['help', 'Help about any command'] as const] : [])].sort(([a], [b]) => a < b ? -1 : 1)
    const width = Math.max(11, ...rows.map(([name]) => name.length))
    parts.push(`Available Commands:\n${rows.map(([name, text]) => `  ${name.padEnd(width)} ${text}`).join('\n')}`)
  }
  parts.push(`Flags:\n${flagRows(own)}`)
  if (global.length > 0) parts.push(`Global Flags:\n${flagRows(global)}`)
  if (children.length > 0) parts.push(`Use "${path} [command] --help" for more information about a command.`)
  return `${parts.join('\n\n')}\n`
}

const SHOWN: Partial<Record<FlagType, string>> = { bool: '', stringSlice: 'strings', stringToString: 'stringToString' }

/** k8s: spf13/pflag FlagUsages */
function flagRows(flags: readonly CobraFlag[]): string {
  const rows = [...flags].sort((a, b) => a.name < b.name ? -1 : 1).map((flag) => {
    const word = flag.shown ?? SHOWN[flag.type] ?? flag.type
    const left = `  ${flag.short ? `-${flag.short}, ` : '    '}--${flag.name}${word ? ` ${word}` : ''}${flag.alone !== undefined && flag.type !== 'bool' ? `[=${flag.type === 'string' ? JSON.stringify(flag.alone) : flag.alone}]` : ''}`
    const isZero = flag.value === undefined || ['', '0', '0s', 'false', '[]'].includes(flag.value)
    return [left, `${flag.usage}${isZero ? '' : ` (default ${flag.type === 'string' ? JSON.stringify(flag.value) : flag.value})`}`] as const
  })
  const width = Math.max(0, ...rows.map(([left]) => left.length)) + 3
  return rows.map(([left, text]) => `${left.padEnd(width)}${text}`.trimEnd()).join('\n')
}
