import type { CommandSpec } from '../kubectl/command.ts'
import type { FlagSpec } from '../kubectl/flags.ts'
import texts from './help-texts.json' with { type: 'json' }

const commands: Readonly<Record<string, string>> = texts.commands
const flags: Readonly<Record<string, string>> = texts.flags
const special: Readonly<Record<string, string>> = texts.special

/** What commands are for, at more length than in the list of commands. */
const LONG: Readonly<Record<string, string>> = {
  'helm': `Helm installs charts: packages of templates that become Kubernetes objects.

Often needed:

- helm search:    look for charts
- helm pull:      fetch a chart into a local directory to look at
- helm install:   install a chart on Kubernetes
- helm list:      list what is installed

Where Helm keeps its files can be told with $HELM_CACHE_HOME, $HELM_CONFIG_HOME and
$HELM_DATA_HOME, or $XDG_CACHE_HOME, $XDG_CONFIG_HOME and $XDG_DATA_HOME; 'helm env' shows it.`,
  'helm create': `Makes a directory with a chart in it: Chart.yaml, values.yaml, templates and tests
as most charts have them.

    foo/
    ├── .helmignore   # files that stay out of packages
    ├── Chart.yaml    # what the chart is
    ├── values.yaml   # defaults for its templates
    ├── charts/       # charts that this one depends on
    └── templates/    # the templates
        └── tests/    # tests of a release`,
  'helm install': `Installs a chart: a directory, an archive, 'REPOSITORY/CHART' or an address.

    $ helm install myredis ./redis
    $ helm install -f myvalues.yaml myredis ./redis
    $ helm install --set name=prod myredis ./redis

Values of later files and flags count more than those of earlier ones; --set counts more than -f.
--dry-run shows what would be installed.`,
  'helm upgrade': `Upgrades a release to another version of its chart, or to other values.

    $ helm upgrade -f myvalues.yaml redis ./redis
    $ helm upgrade --reuse-values --set foo=bar redis ./redis
    $ helm upgrade --install redis ./redis`,
  'helm rollback': `Rolls a release back to an earlier revision: the one named, or the one before.
'helm history RELEASE' shows which there are.`,
  'helm uninstall': `Deletes all objects of a release, and the release from the history.
--dry-run shows whether it could be done.`,
  'helm template': `Carries out a chart's templates here and shows the result. What only a cluster knows is made up.`,
  'helm list': `Lists the releases of a namespace: those that are deployed or have failed, unless flags
such as --uninstalled or --all ask for others. --filter chooses by name.

    $ helm list --filter 'ara[a-z]+'`,
  'helm history': `Prints the revisions of a release, by default the last 256.`,
  'helm status': `Shows the state of a release: when it was deployed last, its namespace, its tests and notes.`,
  'helm lint': `Checks a chart for mistakes ([ERROR]) and for what goes against convention ([WARNING]).`,
  'helm version': `Prints the version of this client.`,
}

/** `helm install [NAME] [CHART] [flags]` */
export function usageLine(spec: CommandSpec): string {
  const parent = spec.parent ? `${spec.parent.path} ` : ''
  return `${parent}${spec.use}${spec.children.length > 0 && spec.flags.length === 0 && !spec.parent ? '' : ' [flags]'}`
}

/** A command's help in cobra's layout. */
export function helmHelp(spec: CommandSpec, home: string): string {
  const short = commands[spec.path] ?? ''
  const parts = [`${LONG[spec.path] ?? `${short[0]?.toUpperCase() ?? ''}${short.slice(1)}`}\n`]
  const runs = spec.children.length === 0
  parts.push(`Usage:\n${runs ? `  ${usageLine(spec)}\n` : ''}${spec.children.length > 0 ? `  ${spec.path} [command]\n` : ''}`)
  if (spec.aliases.length > 0) parts.push(`Aliases:\n  ${[spec.name, ...spec.aliases].join(', ')}\n`)
  if (spec.children.length > 0) {
    const list = [...spec.children.map((c) => [c.name, commands[c.path] ?? ''] as const), ...(spec.parent ? [] : [['help', 'Help about any command'] as const])].sort(([a], [b]) => a < b ? -1 : 1)
    const width = Math.max(11, ...list.map(([name]) => name.length))
    parts.push(`Available Commands:\n${list.map(([name, text]) => `  ${name.padEnd(width)} ${text}\n`).join('')}`)
  }
  const help: FlagSpec = { name: 'help', short: 'h', type: 'bool', defaultText: 'false', noOptionText: 'true', hidden: false, deprecated: false }
  const own = [...spec.flags, help, ...(spec.parent ? [] : spec.persistent)]
  parts.push(`Flags:\n${flagList(own, spec, home)}`)
  let top = spec
  while (top.parent) top = top.parent
  if (spec.parent) parts.push(`Global Flags:\n${flagList(top.persistent, top, home)}`)
  if (spec.children.length > 0) parts.push(`Use "${spec.path} [command] --help" for more information about a command.\n`)
  return parts.join('\n')
}

const SHOWN_TYPES: Readonly<Record<string, string>> = { stringSlice: 'strings', bool: '', stringToString: 'stringToString' }

/** k8s: spf13/pflag FlagUsages */
function flagList(list: readonly FlagSpec[], spec: CommandSpec, home: string): string {
  const rows = [...list].filter((f) => !f.hidden && (f.name === 'help' || usageOf(f, spec) !== undefined)).sort((a, b) => a.name < b.name ? -1 : 1).map((flag) => {
    const type = SHOWN_TYPES[flag.type] ?? flag.type
    const left = `  ${flag.short ? `-${flag.short}, ` : '    '}--${flag.name}${type ? ` ${flag.name === 'output' ? 'format' : type}` : ''}${flag.noOptionText && type ? `[="${flag.noOptionText}"]` : ''}`
    const zero = ['', '0', '0s', 'false', '[]'].includes(flag.defaultText)
    const text = flag.defaultText.replace('$HOME', home)
    return [left, `${flag.name === 'help' ? `help for ${spec.name}` : usageOf(flag, spec)}${zero ? '' : ` (default ${flag.type === 'string' && flag.name !== 'output' ? JSON.stringify(text) : text})`}`] as const
  })
  const width = Math.max(0, ...rows.map(([left]) => left.length)) + 3
  return rows.map(([left, text]) => `${left.padEnd(width)}${text}\n`).join('')
}

const usageOf = (flag: FlagSpec, spec: CommandSpec) => special[`${spec.path} ${flag.name}`] ?? flags[flag.name]
