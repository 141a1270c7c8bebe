import { allFlags, rootCommand } from './command.ts'
import type { CommandSpec } from './command.ts'
import type { FlagSpec } from './flags.ts'
import { flagUsage, GROUPS, longHelp, shortHelp } from './help-texts.ts'

/** A command's help in the layout of kubectl's templates. */
export function helpText(spec: CommandSpec): string {
  const parts: string[] = []
  const { long, examples } = longHelp(spec.path)
  parts.push(long)
  if (spec.aliases.length > 0) parts.push(`Aliases:\n${[spec.name, ...spec.aliases].join(', ')}`)
  if (examples.length > 0) parts.push(`Examples:\n${examples.map((l) => `  ${l}`.trimEnd() === '' ? '  ' : `  ${l}`).join('\n')}`)
  if (spec === rootCommand()) {
    const width = Math.max(...spec.children.map((c) => c.name.length)) + 3
    for (const [title, names] of GROUPS) parts.push([title, ...(names.length > 0 ? [commandList(names.map((n) => spec.children.find((c) => c.name === n)!), width)] : [])].join('\n'))
  } else if (spec.children.length > 0) parts.push(`Available Commands:\n${commandList([...spec.children].sort((a, b) => a.name < b.name ? -1 : 1))}`)
  const own = spec.flags.filter((f) => !f.hidden)
  if (own.length > 0) parts.push(`Options:\n${flagList(own)}`)
  parts.push(`Usage:\n  ${usageLine(spec)}`)
  const tail: string[] = []
  if (spec.children.length > 0) tail.push(`Use "${spec.path} <command> --help" for more information about a given command.`)
  tail.push('Use "kubectl options" for a list of global command-line options (applies to all commands).')
  parts.push(tail.join('\n'))
  return `${parts.join('\n\n')}\n`
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

/** `--name='default':` with the text below. */
function flagList(flags: readonly FlagSpec[]): string {
  return [...flags].sort((a, b) => a.name < b.name ? -1 : 1).map((f) => {
    const shown = f.type === 'string' ? `'${f.defaultText}'` : f.defaultText || (f.type === 'duration' ? '0s' : '')
    return `    ${f.short ? `-${f.short}, ` : ''}--${f.name}=${shown}:\n\t${flagUsage(f.name)}`
  }).join('\n\n')
}

/** What `kubectl options` prints. */
export function optionsHelp(flags: readonly FlagSpec[], home: string): string {
  const shown = [...flags, ...allFlags(rootCommand()).filter((f) => ['v', 'vmodule', 'log-flush-frequency'].includes(f.name))]
  return `The following options can be passed to any command:\n\n${flagList(shown.map((flag) => ({ ...flag, defaultText: flag.defaultText.replace('$HOME', home) })))}\n`
}

export function unknownHelpTopic(words: readonly string[]): string {
  return `Unknown help topic [${words.map((w) => `\`${w}\``).join(' ')}]\n${helpText(rootCommand())}`
}
