import type { Proc } from '../../unix/types.ts'
import { UnixError } from '../../unix/types.ts'
import { parseYaml, splitYamlDocuments } from '../yaml.ts'
import { allFlags, findCommand, rootCommand } from './command.ts'
import type { CommandSpec } from './command.ts'
import { unixText } from './factory.ts'
import { findFlag } from './flags.ts'
import type { FlagSpec } from './flags.ts'

export interface PreferenceOption { name: string; default: string }

/** Which programs a kubeconfig may start for credentials. */
export interface PluginPolicy {
  /** Empty means AllowAll. */
  policy: '' | 'AllowAll' | 'DenyAll' | 'Allowlist'
  allowlist: readonly { name?: string; command?: string }[] | undefined
}

/** The user's kuberc: defaults for flags and short forms of commands. k8s: kubectl/pkg/config/v1beta1 Preference */
export interface Preferences {
  apiVersion: string
  kind: string
  defaults?: { command: string; options?: PreferenceOption[] }[]
  aliases?: { name: string; command: string; prependArgs?: string[]; appendArgs?: string[]; options?: PreferenceOption[] }[]
  credentialPluginPolicy?: PluginPolicy['policy']
  credentialPluginAllowlist?: { name?: string; command?: string }[]
}

/** Where the preferences are: --kuberc, $KUBERC, ~/.kube/kuberc; undefined where $KUBERC turns them off. k8s: kuberc.LoadKuberc @throws Error */
export function preferencesPath(proc: Proc, flag = ''): { path: string; explicit: boolean } | undefined {
  const env = proc.env['KUBERC'] ?? ''
  if (env === 'off') {
    if (flag) throw new Error('disabling kuberc via KUBERC=off and passing kuberc flag are mutually exclusive')
    return undefined
  }
  if (flag || env) return { path: flag || env, explicit: true }
  return { path: `${proc.env['HOME'] || proc.user.home}/.kube/kuberc`, explicit: false }
}

/** The file's text; undefined where there is none. @throws Error */
export function readPreferencesText(proc: Proc, path: string): string | undefined {
  try {
    return proc.fs.readText(proc.resolve(path))
  } catch (error) {
    if (error instanceof UnixError && error.code === 'ENOENT') return undefined
    throw new Error(`open ${path}: ${unixText(error)}`)
  }
}

/** What a command line becomes once the preferences are worked in. */
export interface PreparedCommandLine {
  words: string[]
  /** Flags that the preferences set for the command. */
  presets: { flag: FlagSpec; text: string }[]
  pluginPolicy: PluginPolicy
}

/**
 * Replaces aliases and finds the flags that get another default.
 * k8s: kuberc.Preferences.Apply
 * @throws Error
 */
export function applyPreferences(proc: Proc, given: readonly string[], warn: (text: string) => void): PreparedCommandLine {
  const plain: PreparedCommandLine = { words: [...given], presets: [], pluginPolicy: { policy: '', allowlist: undefined } }
  if (given.length === 0 || (proc.env['KUBECTL_KUBERC'] ?? 'true') === 'false') return plain
  const preferences = load(proc, explicitFile(given), warn)
  if (!preferences) return plain
  const pluginPolicy: PluginPolicy = { policy: preferences.credentialPluginPolicy ?? '', allowlist: preferences.credentialPluginAllowlist }
  validate(preferences, pluginPolicy)
  const first = given.findIndex((w) => !w.startsWith('-'))
  const { spec } = findCommand(given)
  const alias = first < 0 || spec !== rootCommand() ? undefined : preferences.aliases?.find((a) => a.name === given[first])
  if (alias) {
    const command = fields(alias.command)
    const { spec: target, rest } = findCommand(command)
    if (target === rootCommand() || rest.length > 0) throw new Error(`command ${JSON.stringify(alias.command)} not found to set alias ${JSON.stringify(alias.name)}: [${rest.join(' ')}]`)
    const words = [...given.slice(0, first), ...command, ...(alias.prependArgs ?? []), ...given.slice(first + 1), ...(alias.appendArgs ?? [])]
    const presets = presetsFor(target, alias.options ?? [], given, (name) => `invalid alias flag ${name} in alias kubectl`)
    return { words, presets, pluginPolicy }
  }
  if (spec === rootCommand()) return { ...plain, pluginPolicy }
  const presets: PreparedCommandLine['presets'] = []
  for (const entry of preferences.defaults ?? []) {
    const { spec: target, rest } = findCommand(fields(entry.command))
    if (target === rootCommand() || (rest.length > 0 && target.children.length > 0)) { warn(`Warning: command ${JSON.stringify(entry.command)} not found to set kuberc override\n`); continue }
    // Only the last word of the command's name is compared.
    if (target.name !== spec.name) continue
    presets.push(...presetsFor(spec, entry.options ?? [], given, (name) => `invalid flag ${name} for command ${entry.command}`))
  }
  return { words: [...given], presets, pluginPolicy }
}

const fields = (text: string) => text.split(/\s+/).filter(Boolean)

function presetsFor(spec: CommandSpec, options: readonly PreferenceOption[], given: readonly string[], unknown: (name: string) => string): PreparedCommandLine['presets'] {
  const known = allFlags(spec)
  const out: PreparedCommandLine['presets'] = []
  for (const option of options) {
    const flag = findFlag(known, option.name)
    if (!flag) throw new Error(unknown(option.name))
    if (!given.some((word) => sets(word, flag))) out.push({ flag, text: String(option.default) })
  }
  return out
}

/** Whether a word of the command line sets the flag. k8s: kuberc searchInArgs */
function sets(word: string, flag: FlagSpec): boolean {
  if (word === `--${flag.name}` || word.startsWith(`--${flag.name}=`)) return true
  if (!flag.short) return false
  return word.startsWith(`-${flag.short}`) || (/^-[a-zA-Z]+$/.test(word) && word.slice(1).includes(flag.short))
}

/** --kuberc, looked for before anything is parsed. */
function explicitFile(words: readonly string[]): string {
  for (const [i, word] of words.entries()) {
    if (word === '--') return ''
    const value = word === '--kuberc' ? words[i + 1] : word.includes('--kuberc=') ? word.split('=')[1] : undefined
    if (word === '--kuberc' || word.includes('--kuberc=')) {
      if (!value) throw new Error('kuberc file is not found')
      return value
    }
  }
  return ''
}

function load(proc: Proc, flag: string, warn: (text: string) => void): Preferences | undefined {
  const place = (() => {
    try { return preferencesPath(proc, flag) } catch (error) { throw new Error(`kuberc error ${(error as Error).message}`) }
  })()
  if (!place) return undefined
  try {
    const text = readPreferencesText(proc, place.path)
    if (text === undefined) {
      if (place.explicit) throw new Error(`open ${place.path}: no such file or directory`)
      return undefined
    }
    return decode(text, place.path)
  } catch (error) {
    if (place.explicit) throw new Error(`kuberc error kuberc: ${(error as Error).message}`)
    warn(`kuberc: no preferences loaded from ${place.path}: ${(error as Error).message}`)
    return undefined
  }
}

/** The first document that is a Preference of a known version. k8s: kuberc decodePreference @throws Error */
function decode(text: string, path: string): Preferences | undefined {
  let attempted = 0
  for (const document of splitYamlDocuments(text)) {
    if (document.trim() === '') continue
    attempted++
    let found: Record<string, any>
    try {
      found = parseYaml(document) as Record<string, any>
    } catch { continue }
    if (found?.['kind'] !== 'Preference') continue
    if (found['apiVersion'] === 'kubectl.config.k8s.io/v1beta1') return found as unknown as Preferences
    if (found['apiVersion'] !== 'kubectl.config.k8s.io/v1alpha1') continue
    const renamed = (entry: any) => ({ ...entry, options: entry.flags })
    return { ...found, defaults: (found['overrides'] ?? []).map(renamed), aliases: (found['aliases'] ?? []).map(renamed) } as unknown as Preferences
  }
  if (attempted > 0) throw new Error(`no valid preferences found in ${path}, use --v=5 to see details`)
  return undefined
}

function validate(preferences: Preferences, plugins: PluginPolicy): void {
  const named = (options: readonly PreferenceOption[] | undefined) => {
    for (const { name } of options ?? []) if (name.startsWith('-')) throw new Error(`flag name ${name} should be in long form without dashes`)
  }
  const seen = new Set<string>()
  for (const alias of preferences.aliases ?? []) {
    if (!/^[a-zA-Z]+$/.test(alias.name)) throw new Error('invalid alias name, can only include alphabetical characters')
    named(alias.options)
    if (seen.has(alias.name)) throw new Error(`duplicate alias name ${alias.name}`)
    seen.add(alias.name)
  }
  for (const entry of preferences.defaults ?? []) named(entry.options)
  validatePluginPolicy(plugins)
}

/** k8s: client-go/plugin/pkg/client/auth/exec ValidatePluginPolicy @throws Error */
function validatePluginPolicy({ policy, allowlist }: PluginPolicy): void {
  switch (policy) {
    case '': case 'AllowAll': case 'DenyAll':
      if (allowlist) throw new Error(`misconfigured credential plugin allowlist: plugin policy is ${JSON.stringify(policy)} but allowlist is non-nil`)
      return
    case 'Allowlist':
      if (!allowlist) throw new Error('credential plugin policy set to "Allowlist", but allowlist is unspecified')
      if (allowlist.length === 0) throw new Error('credential plugin policy set to "Allowlist", but allowlist is empty; use "DenyAll" policy instead')
      for (const [i, entry] of allowlist.entries()) if (!entry.command && !entry.name) throw new Error(`misconfigured credential plugin allowlist: empty allowlist entry #${i + 1}`)
      return
    default: throw new Error(`unknown plugin policy: ${JSON.stringify(policy)}`)
  }
}

