import commandTable from './commands.json' with { type: 'json' }
import { findFlag, parseFlags } from './flags.ts'
import type { FlagSpec, FlagValues } from './flags.ts'

/** A command's place in the tree, its usage line and flags: facts taken from the real kubectl. */
export interface CommandSpec {
  /** `kubectl rollout status`. */
  path: string
  name: string
  use: string
  aliases: readonly string[]
  flags: readonly FlagSpec[]
  /** Flags that sub-commands have too. */
  persistent: readonly FlagSpec[]
  parent: CommandSpec | undefined
  children: CommandSpec[]
}

type RawFlag = [name: string, short: string, type: string, defaultText: string, noOptionText: string, bits?: number]
/** A line of the table that a tree of commands is made of. */
export interface RawCommand { path: string; use: string; aliases?: string[]; flags?: RawFlag[]; persistent?: RawFlag[] }

/** The order of commands in kubectl's own help, which suggestions follow. */
const HELP_ORDER = ['create', 'expose', 'run', 'set', 'explain', 'get', 'edit', 'delete', 'rollout', 'scale', 'autoscale', 'certificate', 'cluster-info', 'top', 'cordon', 'uncordon',
  'drain', 'taint', 'describe', 'logs', 'attach', 'exec', 'port-forward', 'proxy', 'cp', 'auth', 'debug', 'events', 'diff', 'apply', 'patch', 'replace', 'wait', 'kustomize',
  'label', 'annotate', 'completion', 'alpha', 'api-resources', 'api-versions', 'config', 'kuberc', 'plugin', 'version', 'options']

const toFlag = ([name, short, type, defaultText, noOptionText, bits = 0]: RawFlag): FlagSpec =>
  ({ name, short, type: type as FlagSpec['type'], defaultText, noOptionText, hidden: (bits & 1) !== 0, deprecated: (bits & 2) !== 0 })

let root: CommandSpec | undefined

/** The tree of all commands. */
export function rootCommand(): CommandSpec {
  if (root) return root
  root = commandTree(commandTable as unknown as RawCommand[])
  root.children.sort((a, b) => HELP_ORDER.indexOf(a.name) - HELP_ORDER.indexOf(b.name))
  return root
}

/** Makes a tree of a table whose first line is the root. */
export function commandTree(table: readonly RawCommand[]): CommandSpec {
  const byPath = new Map<string, CommandSpec>()
  for (const raw of table) {
    const parent = byPath.get(raw.path.slice(0, raw.path.lastIndexOf(' ')))
    const spec: CommandSpec = {
      path: raw.path, name: raw.path.slice(raw.path.lastIndexOf(' ') + 1), use: raw.use, aliases: raw.aliases ?? [],
      flags: (raw.flags ?? []).map(toFlag), persistent: (raw.persistent ?? []).map(toFlag), parent, children: [],
    }
    byPath.set(raw.path, spec)
    parent?.children.push(spec)
  }
  return byPath.get(table[0]!.path)!
}

/** A flag that is there for those who ask for it with $KUBECTL_APPLYSET. k8s: cmdutil.AddPruningFlags */
export const APPLYSET_FLAG = toFlag(['applyset', '', 'string', '', ''])

/** The command's own and inherited flags. */
export function allFlags(spec: CommandSpec): FlagSpec[] {
  const out = [...spec.flags, HELP_FLAG]
  const have = new Set(out.map((f) => f.name))
  for (let at: CommandSpec | undefined = spec; at; at = at.parent)
    for (const flag of at.persistent) if (!have.has(flag.name)) { have.add(flag.name); out.push(flag) }
  for (const flag of KLOG_FLAGS) if (!have.has(flag.name)) out.push(flag)
  return out
}

const HELP_FLAG = toFlag(['help', 'h', 'bool', 'false', 'true', 1])
/** Logging flags that every command takes. */
const KLOG_FLAGS = [toFlag(['v', 'v', 'int', '0', '']), toFlag(['vmodule', '', 'moduleLevels', '', '']), toFlag(['log-flush-frequency', '', 'duration', '5s', ''])]

/** A mistake in the command line. The text is complete. */
export class UsageError extends Error {}

/** `usageErrorf`: the message with the pointer to -h. */
export function usageError(spec: CommandSpec, message: string): UsageError {
  return new UsageError(`${message}\nSee '${spec.path} -h' for help and examples`)
}

export interface ParsedCommandLine {
  spec: CommandSpec
  flags: FlagValues
  /** Positional arguments, those behind `--` included. */
  args: string[]
  /** How many of {@link args} stood before `--`; -1 without one. */
  argsBeforeDash: number
}

/** The sub-command of that name or alias. */
export function childNamed(spec: CommandSpec, name: string): CommandSpec | undefined {
  return spec.children.find((c) => c.name === name || c.aliases.includes(name))
}

/**
 * Finds the command and parses its flags. k8s: cobra Find, Traverse off
 * @throws UsageError
 */
export function parseCommandLine(words: readonly string[], presets: readonly { flag: FlagSpec; text: string }[] = [], more: readonly FlagSpec[] = []): ParsedCommandLine {
  const { spec, rest } = findCommand(words)
  const known = [...allFlags(spec), ...more]
  try {
    const { values, args, argsBeforeDash } = parseFlags(known, rest, (values) => {
      for (const { flag, text } of presets) values.set(flag, text)
    })
    return { spec, flags: values, args, argsBeforeDash }
  } catch (error) {
    // diff has its own exit codes, and with them its own word.
    if (spec.path === 'kubectl diff') throw usageError(spec, (error as Error).message)
    throw new UsageError(`${(error as Error).message}\nSee '${spec.path} --help' for usage.`)
  }
}

/** Walks down the tree, passing over flags as cobra does; what isn't part of the command's path is left over in order. */
export function findCommand(words: readonly string[], root = rootCommand()): { spec: CommandSpec; rest: string[] } {
  let spec = root
  const rest = [...words]
  for (;;) {
    const at = firstPositional(allFlags(spec), rest)
    const child = at === undefined ? undefined : childNamed(spec, rest[at]!)
    if (!child) return { spec, rest }
    rest.splice(at!, 1)
    spec = child
  }
}

/** Where the first word is that is neither a flag nor a flag's value. k8s: cobra stripFlags */
export function firstPositional(known: readonly FlagSpec[], words: readonly string[]): number | undefined {
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (word === '--') return undefined
    if (!word.startsWith('-') || word === '-') return i
    if (word.includes('=')) continue
    const flag = word.startsWith('--') ? findFlag(known, word.slice(2)) : known.find((f) => f.short === word[word.length - 1])
    if ((word.startsWith('--') || word.length === 2) && flag && !flag.noOptionText) i++
  }
  return undefined
}

/** Names that were perhaps meant. k8s: cobra SuggestionsFor */
export function suggestionsFor(spec: CommandSpec, typed: string): string[] {
  return spec.children
    .filter((c) => c.name !== 'options' && c.name !== 'alpha')
    .filter((c) => editDistance(typed.toLowerCase(), c.name.toLowerCase()) <= 2 || c.name.toLowerCase().startsWith(typed.toLowerCase()))
    .map((c) => c.name)
}

/** Levenshtein distance. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
