import type { Proc } from '../../unix/types.ts'
import { argumentCompletions, flagValueCompletions } from './completion-functions.ts'
import { allFlags, findCommand, rootCommand } from './command.ts'
import type { CommandSpec } from './command.ts'
import { Factory } from './factory.ts'
import { findFlag, FlagValues, parseFlags } from './flags.ts'
import type { FlagSpec } from './flags.ts'
import { flagUsage, shortHelp } from './help-texts.ts'
import { createCommandIo } from './io.ts'
import { requiredFlags } from './required-flags.ts'
import { Directive } from '../completion-script.ts'
import type { CompletionAnswer } from '../completion-script.ts'

/**
 * What the last word may become, as `kubectl __complete` says it: commands and flags with what they are for, values of flags, types, names, containers, ports.
 * @param words the words behind `kubectl`, up to the cursor; the last one is being completed and may be empty
 * @returns never rejects: a cluster that doesn't answer just has no names. k8s: spf13/cobra completions.go getCompletions
 */
export async function completeKubectl(words: readonly string[], proc: Proc): Promise<CompletionAnswer> {
  let current = words.at(-1) ?? ''
  const { spec, rest } = findCommand(words.slice(0, -1))
  if (spec === rootCommand() && rest[0] === 'help') return helpTopics(rest.slice(1), current)
  const dash = rest.indexOf('--')
  const unknown = (dash < 0 ? rest : rest.slice(0, dash)).find((word, i) => !word.startsWith('-') && !takesValue(allFlags(spec), rest[i - 1]))
  if (spec === rootCommand() && unknown !== undefined) return { candidates: [], directive: Directive.default, error: `unable to find a command for arguments: [${words.slice(0, -1).join(' ')}]` }

  const known = allFlags(spec)
  const asked = flagBefore(known, rest, current)
  current = asked.current
  let flags: FlagValues
  let args: string[]
  let behindDash = false
  try {
    const parsed = parseFlags(known, asked.rest)
    flags = parsed.values
    args = parsed.args
    behindDash = parsed.argsBeforeDash >= 0
  } catch (error) {
    return { candidates: [], directive: Directive.default, error: `Error while parsing flags from args [${asked.rest.join(' ')}]: ${(error as Error).message}` }
  }
  if (asked.unknown !== undefined && !behindDash) return { candidates: [], directive: Directive.default, error: `Subcommand '${spec.name}' does not support flag '${asked.unknown}'` }
  if (flags.bool('help')) return { candidates: [], directive: Directive.noFileComp }
  const flag = behindDash ? undefined : asked.flag
  // k8s: cmdutil.AddJsonFilenameFlag
  if (flag?.name === 'filename') return { candidates: ['json', 'yaml', 'yml'], directive: Directive.filterFileExt }
  if (!flag && current.startsWith('-') && !current.includes('=') && !behindDash) return { candidates: flagNames(spec, known, flags, current), directive: Directive.noFileComp }

  const candidates: string[] = []
  let directive: number = Directive.default
  if (!flag) {
    const ownGiven = spec.flags.some(({ name }) => flags.changed(name))
    if (args.length === 0 && !ownGiven && spec.children.length > 0) {
      candidates.push(...subcommands(spec, current))
      directive = Directive.noFileComp
    }
    candidates.push(...missingFlags(spec, known, flags, current))
    // k8s: the command's ValidArgs
    if (spec.path === 'kubectl completion') return { candidates: args.length === 0 ? SHELLS.filter((shell) => shell.startsWith(current)) : [], directive: args.length === 0 ? Directive.noFileComp : directive }
  }
  try {
    const f = quietFactory(proc, flags, spec)
    const more = flag ? await flagValueCompletions(f, spec, flag, args, current) : await argumentCompletions(f, spec, args, current)
    if (more) {
      candidates.push(...more.candidates)
      directive = more.directive
    }
  } catch {
    directive = Directive.noFileComp
  }
  return { candidates, directive }
}

/** In kubectl's order. */
const SHELLS = ['bash', 'zsh', 'fish', 'powershell']

const described = (name: string, text: string) => text ? `${name}\t${text}` : name

/** k8s: cobra IsAvailableCommand; alpha holds nothing. */
function subcommands(spec: CommandSpec, current: string): string[] {
  const names = spec.children.filter(({ path }) => path !== 'kubectl alpha').map((child) => ({ name: child.name, text: shortHelp(child.path) }))
  if (spec === rootCommand()) names.push({ name: 'help', text: 'Show what a command does' })
  return names.filter(({ name }) => name.startsWith(current)).sort((a, b) => a.name < b.name ? -1 : 1).map(({ name, text }) => described(name, text))
}

/** Behind `help` stand names of commands. k8s: cobra InitDefaultHelpCmd */
function helpTopics(before: readonly string[], current: string): CompletionAnswer {
  const { spec, rest } = findCommand(before)
  return { candidates: rest.length > 0 ? [] : subcommands(spec, current), directive: Directive.noFileComp }
}

const takesValue = (known: readonly FlagSpec[], word: string | undefined) => word !== undefined && waitingFlag(known, word)?.flag?.noOptionText === ''

/** The flag that a word names without giving it a value, by its name or as the last of its letters. */
function waitingFlag(known: readonly FlagSpec[], word: string): { name: string; flag: FlagSpec | undefined } | undefined {
  if (!/^(--[^-=]|-[^-=])/.test(word) || word.includes('=')) return undefined
  const name = word.startsWith('--') ? word.slice(2) : word.slice(-1)
  return { name, flag: flagCalled(known, name) }
}

const flagCalled = (known: readonly FlagSpec[], name: string) => name.length === 1 ? known.find(({ short }) => short === name) ?? findFlag(known, name) : findFlag(known, name)

/** The flag whose value is being written; without that word among the rest. k8s: checkIfFlagCompletion */
function flagBefore(known: readonly FlagSpec[], rest: readonly string[], current: string): { flag?: FlagSpec; rest: readonly string[]; current: string; unknown?: string } {
  if (current.startsWith('-')) {
    const at = current.indexOf('=')
    if (at < 0) return { rest, current }
    const name = current.startsWith('--') ? current.slice(2, at) : current.slice(at - 1, at)
    const flag = flagCalled(known, name)
    return flag ? { flag, rest, current: current.slice(at + 1) } : { rest, current, unknown: name }
  }
  const waiting = waitingFlag(known, rest.at(-1) ?? '')
  if (!waiting) return { rest, current }
  if (!waiting.flag) return { rest, current, unknown: waiting.name }
  return waiting.flag.noOptionText ? { rest, current } : { flag: waiting.flag, rest: rest.slice(0, -1), current }
}

/** Both spellings of a flag. k8s: getFlagNameCompletions */
function spellings(spec: CommandSpec, flag: FlagSpec, current: string): string[] {
  if (flag.name !== 'help' && (flag.hidden || flag.deprecated)) return []
  const text = flag.name === 'help' ? `help for ${spec.name}` : flagUsage(spec.path, flag.name)
  return [`--${flag.name}`, ...(flag.short ? [`-${flag.short}`] : [])].filter((name) => name.startsWith(current)).map((name) => described(name, text))
}

/** Required flags that weren't given stand before all others. k8s: completeRequireFlags */
function missingFlags(spec: CommandSpec, known: readonly FlagSpec[], flags: FlagValues, current: string): string[] {
  return [...requiredFlags(spec)].sort().filter((name) => !flags.changed(name)).flatMap((name) => spellings(spec, findFlag(known, name)!, current))
}

/** Inherited flags, then the command's own, each in order of the alphabet; what was given isn't offered again unless it may be given several times. */
function flagNames(spec: CommandSpec, known: readonly FlagSpec[], flags: FlagValues, current: string): string[] {
  const required = missingFlags(spec, known, flags, current)
  if (required.length > 0) return required
  // The root inherits none, although some of its flags are made elsewhere.
  const own = new Set((spec === rootCommand() ? known : [...spec.flags, ...spec.persistent]).map(({ name }) => name)).add('help')
  const order = (some: readonly FlagSpec[]) => [...some].sort((a, b) => a.name < b.name ? -1 : 1)
  return [...order(known.filter(({ name }) => !own.has(name))), ...order(known.filter(({ name }) => own.has(name)))]
    .filter(({ name, type }) => !flags.changed(name) || /Slice|Array|^stringTo|^map/.test(type))
    .flatMap((flag) => spellings(spec, flag, current))
}

/** A factory for questions on the side: what the command line says about cluster and namespace counts, and nothing is printed. */
function quietFactory(proc: Proc, flags: FlagValues, spec: CommandSpec): Factory {
  const silent = { write: async () => {}, close() {} }
  return new Factory(proc, createCommandIo({ ...proc, stdout: silent, stderr: silent }), flags, spec)
}
