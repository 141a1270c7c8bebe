import type { Proc } from '../../unix/types.ts'
import { allFlags, rootCommand } from './command.ts'
import type { CommandSpec } from './command.ts'
import type { FlagSpec } from './flags.ts'
import { flagUsage, GROUPS, longHelp, shortHelp } from './help-texts.ts'
import { wordWrap } from './word-wrap.ts'

/**
 * The width that help is wrapped at, in columns: the widest of 120, 100 and 80 that the terminal has room for. Nothing is wrapped on narrower ones, or
 * where the output is none. k8s: kubectl util/term NewResponsiveWriter
 */
export function helpWidth(proc: Proc): number {
  if (!proc.isTty(1) || !proc.tty) return Infinity
  return [120, 100, 80].find((columns) => proc.tty!.columns >= columns) ?? Infinity
}

/** A command's help in the layout of kubectl's templates, for lines of a width. */
export function helpText(spec: CommandSpec, width = Infinity): string {
  const parts: string[] = []
  const { long, examples } = longHelp(spec.path)
  parts.push(long)
  if (spec.aliases.length > 0) parts.push(`Aliases:\n${[spec.name, ...spec.aliases].join(', ')}`)
  if (examples.length > 0) parts.push(`Examples:\n${examples.map((l) => `  ${l}`).join('\n')}`)
  if (spec === rootCommand()) {
    const column = Math.max(...spec.children.map((c) => c.name.length)) + 3
    for (const [title, names] of GROUPS) parts.push([title, ...(names.length > 0 ? [commandList(names.map((n) => spec.children.find((c) => c.name === n)!), column)] : [])].join('\n'))
  } else if (spec.children.length > 0) parts.push(`Available Commands:\n${commandList([...spec.children].sort((a, b) => a.name < b.name ? -1 : 1))}`)
  const own = spec.flags.filter((f) => !f.hidden)
  if (own.length > 0) parts.push(`Options:\n${flagList(own, spec.path, width)}`)
  parts.push(`Usage:\n  ${usageLine(spec)}`)
  const tail: string[] = []
  if (spec.children.length > 0) tail.push(`Use "${spec.path} <command> --help" for more information about a given command.`)
  tail.push('Use "kubectl options" for a list of global command-line options (applies to all commands).')
  parts.push(tail.join('\n'))
  return wordWrap(`${parts.join('\n\n')}\n`, width)
}

/** Commands whose usage line names flags and options both. k8s: cobra DisableFlagsInUseLine is not set */
const SHOWS_FLAGS = new Set(['', ' api-resources', ' auth', ' cluster-info', ' cluster-info dump', ' config current-context', ' config get-clusters', ' config get-users', ' config view',
  ' create cronjob', ' create service', ' kustomize', ' plugin list', ' top', ' version'].map((path) => `kubectl${path}`))

export function usageLine(spec: CommandSpec): string {
  const parent = spec.parent ? `${spec.parent.path} ` : ''
  return `${parent}${spec.use}${SHOWS_FLAGS.has(spec.path) ? ' [flags]' : ''}${spec.use.includes('[options]') ? '' : ' [options]'}`
}

function commandList(specs: readonly CommandSpec[], width = Math.max(...specs.map((s) => s.name.length), 11) + 3): string {
  return specs.map((s) => `  ${s.name.padEnd(width - 1)} ${shortHelp(s.path)}`.trimEnd()).join('\n')
}

/** Room that is left for what stands in front of a flag's text. k8s: kubectl util/templates HelpFlagPrinter, offset */
const TEXT_OFFSET = 10

/** `--name='default':` with the text below. */
function flagList(flags: readonly FlagSpec[], path: string, width: number): string {
  return [...flags].sort((a, b) => a.name < b.name ? -1 : 1).map((f) => {
    const shown = f.type === 'string' ? `'${f.defaultText}'` : f.defaultText || (f.type === 'duration' ? '0s' : '')
    return `    ${f.short ? `-${f.short}, ` : ''}--${f.name}=${shown}:\n\t${wordWrap(flagUsage(path, f.name), width - TEXT_OFFSET).replaceAll('\n', '\n\t')}`
  }).join('\n\n')
}

/** What `kubectl options` prints. */
export function optionsHelp(flags: readonly FlagSpec[], home: string, width = Infinity): string {
  const shown = [...flags, ...allFlags(rootCommand()).filter((f) => ['v', 'vmodule', 'log-flush-frequency'].includes(f.name))]
  return wordWrap(`The following options can be passed to any command:\n\n${flagList(shown.map((flag) => ({ ...flag, defaultText: flag.defaultText.replace('$HOME', home) })), 'kubectl', width)}\n`, width)
}

export function unknownHelpTopic(words: readonly string[]): string {
  return `Unknown help topic [${words.map((w) => `\`${w}\``).join(' ')}]\n${helpText(rootCommand())}`
}
