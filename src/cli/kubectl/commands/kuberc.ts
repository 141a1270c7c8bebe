import { readLines } from '../../../base/streams.ts'
import { printYaml } from '../../yaml.ts'
import { preferencesPath, readPreferences } from '../preferences.ts'
import type { Preferences } from '../preferences.ts'
import { printerFor } from '../print.ts'
import type { CommandHandler, Invocation } from './handler.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'

const empty = (): Preferences => ({ apiVersion: 'kubectl.config.k8s.io/v1beta1', kind: 'Preference' })

function save(inv: Invocation, path: string, preferences: Preferences): void {
  const { fs } = inv.f.proc
  const absolute = inv.f.proc.resolve(path)
  fs.mkdir(absolute.replace(/\/[^/]*$/, '') || '/', { recursive: true })
  fs.writeFile(absolute, printYaml({ aliases: [], defaults: [], ...preferences }), { mode: 0o600 })
}

// k8s: kubectl/pkg/cmd/kuberc
const view: CommandHandler = async (inv) => {
  const { f, flags, out } = inv
  const path = preferencesPath(f.proc, flags.str('kuberc'))
  if (!path) throw new Error('kuberc is disabled')
  const preferences = readPreferences(f.proc, path)
  if (!preferences) {
    void out(`kuberc file not found at ${path}\nWould you like to generate a default kuberc file with recommended options? (y/N): `)
    await f.io.flush()
    for await (const line of readLines(f.proc.stdin)) {
      if (line.trim().toLowerCase() !== 'y') return
      save(inv, path, { ...empty(), defaults: [{ command: 'delete', options: [{ name: 'interactive', default: 'true' }] }, { command: 'apply', options: [{ name: 'server-side', default: 'true' }] }] })
      void out(`Generated ${path}\n`)
      return
    }
    return
  }
  void out(printerFor(f, { defaultOutput: 'yaml' })({ aliases: [], ...preferences } as unknown as KubeObject))
}

const set: CommandHandler = (inv) => {
  const { f, flags, out } = inv
  const section = flags.str('section')
  if (!flags.changed('section')) throw new Error('required flag(s) "section" not set')
  if (!['defaults', 'aliases', 'credentialplugin'].includes(section)) throw new Error(`--section must be "defaults", "aliases", or "credentialplugin", got: ${section}`)
  const command = flags.str('command')
  if (section !== 'credentialplugin' && !command) throw new Error('--command is required when --section=aliases or --section=defaults')
  if (section === 'aliases' && !flags.str('name')) throw new Error('--name is required when --section=aliases')
  const path = preferencesPath(f.proc, flags.str('kuberc'))
  if (!path) throw new Error('kuberc is disabled')
  const preferences = readPreferences(f.proc, path) ?? empty()
  const options = flags.list('option').map((o) => {
    const at = o.indexOf('=')
    if (at < 0) throw new Error(`invalid option format ${JSON.stringify(o)}, must be flag=value`)
    return { default: o.slice(at + 1), name: o.slice(0, at).replace(/^-+/, '') }
  })
  if (section === 'defaults') {
    const others = (preferences.defaults ?? []).filter((d) => d.command !== command)
    if (others.length !== (preferences.defaults ?? []).length && !flags.bool('overwrite')) throw new Error(`defaults for command ${JSON.stringify(command)} already exist, use --overwrite to replace`)
    preferences.defaults = [...others, { command, options }]
  } else if (section === 'aliases') {
    const name = flags.str('name')
    const others = (preferences.aliases ?? []).filter((a) => a.name !== name)
    if (others.length !== (preferences.aliases ?? []).length && !flags.bool('overwrite')) throw new Error(`alias ${JSON.stringify(name)} already exists, use --overwrite to replace`)
    const prepend = flags.list('prependarg')
    const append = flags.list('appendarg')
    preferences.aliases = [...others, { ...(append.length > 0 ? { appendArgs: append } : {}), command, name, ...(options.length > 0 ? { options } : {}), ...(prepend.length > 0 ? { prependArgs: prepend } : {}) }]
  } else {
    if (flags.str('policy')) preferences['credentialPluginPolicy'] = flags.str('policy')
  }
  save(inv, path, preferences)
  void out(`Updated ${path}\n`)
}

export const KUBERC_COMMANDS: Record<string, CommandHandler> = { 'kuberc view': view, 'kuberc set': set }
