import { readLines } from '../../../base/streams.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { parseYaml, printYaml } from '../../yaml.ts'
import { aggregate } from '../errors.ts'
import { preferencesPath, readPreferencesText } from '../preferences.ts'
import type { PreferenceOption, Preferences } from '../preferences.ts'
import { printerFor } from '../print.ts'
import type { CommandHandler, Invocation } from './handler.ts'

const IDENTITY = { kind: 'Preference', apiVersion: 'kubectl.config.k8s.io/v1beta1' }

/** Fields in the order of their declaration, which JSON output keeps. */
function ordered(p: Preferences): Preferences {
  const options = (list: readonly PreferenceOption[] | undefined) => (list ?? []).map((o) => ({ name: o.name, default: o.default }))
  return {
    kind: p.kind, apiVersion: p.apiVersion,
    defaults: (p.defaults ?? []).map((d) => ({ command: d.command, options: options(d.options) })),
    aliases: (p.aliases ?? []).map((a) => ({
      name: a.name, command: a.command, ...(a.prependArgs?.length ? { prependArgs: a.prependArgs } : {}), ...(a.appendArgs?.length ? { appendArgs: a.appendArgs } : {}),
      ...(a.options?.length ? { options: options(a.options) } : {}),
    })),
    ...(p.credentialPluginPolicy ? { credentialPluginPolicy: p.credentialPluginPolicy } : {}),
    ...(p.credentialPluginAllowlist?.length ? { credentialPluginAllowlist: p.credentialPluginAllowlist } : {}),
  }
}

/** k8s: kuberc.SavePreference */
function save(inv: Invocation, path: string, preferences: Preferences): void {
  const { fs } = inv.f.proc
  const absolute = inv.f.proc.resolve(path)
  fs.mkdir(absolute.replace(/\/[^/]*$/, '') || '/', { recursive: true })
  // What isn't set is written as null, as a Go slice without elements is.
  const { defaults, aliases, ...rest } = preferences
  const full = ordered(preferences)
  fs.writeFile(absolute, printYaml({ ...rest, ...full, defaults: defaults ? full.defaults : null, aliases: aliases ? full.aliases : null }), { mode: 0o644 })
  void inv.out(`Updated ${path}\n`)
}

function place(inv: Invocation): { path: string; explicit: boolean } {
  const found = preferencesPath(inv.f.proc, inv.flags.changed('kuberc') ? inv.flags.str('kuberc') : '')
  if (!found) throw new Error('KUBERC is disabled via KUBERC=off environment variable')
  return found
}

function read(inv: Invocation, path: string): Preferences | undefined {
  let text: string | undefined
  try {
    text = readPreferencesText(inv.f.proc, path)
  } catch (error) {
    throw new Error(`error reading kuberc file: ${(error as Error).message}`)
  }
  if (text === undefined) return undefined
  try {
    return (parseYaml(text) ?? {}) as Preferences
  } catch (error) {
    throw new Error(`error parsing kuberc file: ${(error as Error).message}`)
  }
}

// k8s: kubectl/pkg/cmd/kuberc ViewOptions
const view: CommandHandler = async (inv) => {
  const { f, out } = inv
  const { path, explicit } = place(inv)
  let preferences = read(inv, path)
  if (!preferences) {
    if (explicit) throw new Error(`kuberc file not found at ${path}`)
    void out(`kuberc file not found at ${path}\nWould you like to generate a default kuberc file with recommended options? (y/N): `)
    await f.io.flush()
    for await (const line of readLines(f.proc.stdin)) {
      const answer = line.trim()
      if (answer === '') return
      if (answer.toLowerCase() === 'y')
        return save(inv, path, { ...IDENTITY, defaults: [{ command: 'apply', options: [{ name: 'server-side', default: 'true' }] }, { command: 'delete', options: [{ name: 'interactive', default: 'true' }] }] })
      preferences = {} as Preferences
      break
    }
    if (!preferences) return
  }
  void out(printerFor(f, { defaultOutput: 'yaml', keepOrder: true })(ordered(preferences) as unknown as KubeObject))
}

/** k8s: kubectl/pkg/cmd/kuberc SetOptions.Validate @throws Error */
function validate(inv: Invocation): void {
  const { flags } = inv
  const section = flags.str('section')
  if (!['defaults', 'aliases', 'credentialplugin'].includes(section)) throw new Error(`--section must be "defaults", "aliases", or "credentialplugin", got: ${section}`)
  if (section === 'aliases' && !flags.str('name')) throw new Error('--name is required when --section=aliases')
  if (section === 'defaults' && flags.str('name')) throw new Error('--name should not be specified when --section=defaults')
  if (section === 'defaults' && (flags.list('prependarg').length > 0 || flags.list('appendarg').length > 0)) throw new Error('--prependarg and --appendarg are only valid for --section=aliases')
  if (section !== 'credentialplugin' && !flags.str('command')) throw new Error('--command is required when --section=aliases or --section=defaults')
  if (section !== 'credentialplugin') return
  const policy = flags.str('policy')
  const entries = flags.list('allowlist-entry').length
  if (!policy) throw new Error('--policy is required when --section=credentialplugin')
  if (!['AllowAll', 'DenyAll', 'Allowlist'].includes(policy)) throw new Error(` --policy must be  "AllowAll", "DenyAll", or "Allowlist", got: ${policy}`)
  if (policy !== 'Allowlist' && entries > 0) throw new Error('--allowlist-entry may only be used when --section=credentialplugin and --policy=Allowlist')
  if (policy === 'Allowlist' && entries === 0) throw new Error('--allowlist-entry is required when --section=credentialplugin and --policy=Allowlist')
}

function allowlist(texts: readonly string[]): { command: string }[] {
  const errors: Error[] = []
  const out: { command: string }[] = []
  for (const pair of texts.flatMap((t) => t.split(','))) {
    const at = pair.indexOf('=')
    const field = pair.slice(0, at)
    const command = pair.slice(at + 1)
    if (at < 0) errors.push(new Error(`improperly formatted allowlist entry: ${JSON.stringify(pair)}`))
    else if (field === 'name') errors.push(new Error('allowlist entry field "name" is deprecated, use "command" instead'))
    else if (field !== 'command') errors.push(new Error(`unrecognized allowlist entry field: ${JSON.stringify(field)}`))
    else if (command.trim() === '') errors.push(new Error(`empty value in allowlist entry for field ${JSON.stringify(field)}`))
    else out.push({ command })
  }
  const failure = aggregate(errors)
  if (failure) throw failure
  return out
}

// k8s: kubectl/pkg/cmd/kuberc SetOptions
const set: CommandHandler = (inv) => {
  const { flags } = inv
  const { path } = place(inv)
  validate(inv)
  const found = read(inv, path)
  const preferences: Preferences = found && Object.keys(found).length > 0 ? { ...found } : { ...IDENTITY }
  const options = flags.list('option').map((o) => {
    const at = o.indexOf('=')
    if (at < 0) throw new Error(`invalid option format ${JSON.stringify(o)}, expected flag=value`)
    return { name: o.slice(0, at).replace(/^-+/, ''), default: o.slice(at + 1) }
  })
  const command = flags.str('command')
  const overwrite = flags.bool('overwrite')
  if (flags.str('section') === 'defaults') {
    const list = [...(preferences.defaults ?? [])]
    const at = list.findIndex((d) => d.command === command)
    if (at >= 0 && !overwrite) throw new Error(`defaults for command ${JSON.stringify(command)} already exist, use --overwrite to replace`)
    // Overwriting without options keeps the old ones.
    if (at < 0) list.push({ command, options })
    else if (options.length > 0) list[at] = { command, options }
    preferences.defaults = list
  } else if (flags.str('section') === 'aliases') {
    const name = flags.str('name')
    const list = [...(preferences.aliases ?? [])]
    const at = list.findIndex((a) => a.name === name)
    if (at >= 0 && !overwrite) throw new Error(`alias ${JSON.stringify(name)} already exists, use --overwrite to replace`)
    const old = list[at]
    const kept = <T>(next: T[], before: T[] | undefined) => next.length > 0 ? next : before ?? []
    list[at < 0 ? list.length : at] = { name, command, prependArgs: kept(flags.list('prependarg'), old?.prependArgs), appendArgs: kept(flags.list('appendarg'), old?.appendArgs), options: kept(options, old?.options) }
    preferences.aliases = list
  } else {
    if (flags.str('policy') === 'Allowlist') preferences.credentialPluginAllowlist = allowlist(flags.list('allowlist-entry'))
    preferences.credentialPluginPolicy = flags.str('policy') as NonNullable<Preferences['credentialPluginPolicy']>
  }
  save(inv, path, preferences)
}

export const KUBERC_COMMANDS: Record<string, CommandHandler> = { 'kuberc view': view, 'kuberc set': set }
