import type { Proc } from '../../unix/types.ts'
import { parseYaml } from '../yaml.ts'
import { allFlags, findCommand } from './command.ts'
import { findFlag } from './flags.ts'

/** The user's kuberc: defaults for flags and short forms of commands. k8s: kubectl/pkg/kuberc */
export interface Preferences {
  apiVersion: string
  kind: string
  defaults?: { command: string; options?: { name: string; default: string }[] }[]
  aliases?: { name: string; command: string; prependArgs?: string[]; appendArgs?: string[]; options?: { name: string; default: string }[] }[]
  [field: string]: unknown
}

/** Where the preferences are: --kuberc, $KUBERC, ~/.kube/kuberc; `off` for nowhere. */
export function preferencesPath(proc: Proc, explicit = ''): string | undefined {
  if (explicit === 'off' || (!explicit && proc.env['KUBERC'] === 'off') || (proc.env['KUBECTL_KUBERC'] ?? 'true') === 'false') return undefined
  return explicit || proc.env['KUBERC'] || `${proc.env['HOME'] || proc.user.home}/.kube/kuberc`
}

export function readPreferences(proc: Proc, path: string): Preferences | undefined {
  const absolute = proc.resolve(path)
  return proc.fs.exists(absolute) ? parseYaml(proc.fs.readText(absolute)) as Preferences : undefined
}

/** The command line with the preferences worked in: aliases replaced, default flags put where the user gave none. */
export function applyPreferences(proc: Proc, words: readonly string[]): string[] {
  const at = words.findIndex((w) => w === '--kuberc' || w.startsWith('--kuberc='))
  const explicit = at < 0 ? '' : words[at] === '--kuberc' ? words[at + 1] ?? '' : words[at]!.slice('--kuberc='.length)
  const path = preferencesPath(proc, explicit)
  let preferences: Preferences | undefined
  try {
    preferences = path ? readPreferences(proc, path) : undefined
  } catch {
    return [...words]
  }
  if (!preferences) return [...words]
  let out = [...words]
  let defaults = preferences.defaults ?? []
  const first = out.findIndex((w) => !w.startsWith('-'))
  const alias = first < 0 ? undefined : preferences.aliases?.find((a) => a.name === out[first])
  if (alias) {
    out = [...out.slice(0, first), ...alias.command.split(' '), ...(alias.prependArgs ?? []), ...out.slice(first + 1), ...(alias.appendArgs ?? [])]
    defaults = [{ command: alias.command, options: alias.options ?? [] }]
  }
  const { spec, rest } = findCommand(out)
  const known = allFlags(spec)
  const end = rest.indexOf('--')
  const given = end < 0 ? rest : rest.slice(0, end)
  const presets: string[] = []
  for (const entry of defaults) {
    if (`kubectl ${entry.command}` !== spec.path) continue
    for (const option of entry.options ?? []) {
      const flag = findFlag(known, option.name)
      if (!flag) continue
      const used = given.some((w) => w === `--${flag.name}` || w.startsWith(`--${flag.name}=`) || (flag.short && /^-[^-]/.test(w) && w.slice(1).includes(flag.short)))
      if (!used) presets.push(`--${flag.name}=${option.default}`)
    }
  }
  const dash = out.indexOf('--')
  return dash < 0 ? [...out, ...presets] : [...out.slice(0, dash), ...presets, ...out.slice(dash)]
}
