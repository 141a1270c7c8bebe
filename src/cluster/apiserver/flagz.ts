import { goDurationText, parseGoDuration } from '../kinds/duration.ts'
import defaults from './flagz-defaults.json' with { type: 'json' }

/** Flags that are maps; what they print is sorted. */
const MAPS = ['feature-gates', 'runtime-config']

/**
 * Every flag of kube-apiserver with its value as Go prints it, sorted: the ones of a command line, the others as they are by default.
 * k8s: component-base/cli/flag NamedFlagSetsReader, printed by component-base/zpages/flagz
 */
export function flagValues(argv: readonly string[]): Record<string, string> {
  const values = withFlags(defaults, argv)
  // What completing the options fills in.
  if (values['advertise-address']) values['external-hostname'] ||= values['advertise-address']
  return values
}

/** The flags of any component: its defaults, and what its command line says. */
export function withFlags(usual: Readonly<Record<string, string>>, argv: readonly string[]): Record<string, string> {
  const values: Record<string, string> = { ...usual }
  const given = new Map<string, string[]>()
  for (let i = 1; i < argv.length; i++) {
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/s.exec(argv[i]!) ?? []
    const usual = name === undefined ? undefined : values[name]
    if (name === undefined || usual === undefined) continue
    // Only switches stand alone.
    const text = value ?? (isSwitch(usual) ? 'true' : argv[++i] ?? '')
    given.set(name, [...given.get(name) ?? [], text])
  }
  for (const [name, texts] of given) values[name] = printed(name, values[name]!, texts)
  return values
}

const isSwitch = (usual: string) => usual === 'true' || usual === 'false'

function printed(name: string, usual: string, texts: readonly string[]): string {
  const last = texts.at(-1)!
  if (MAPS.includes(name)) return texts.flatMap((text) => text.split(',')).map((pair) => pair.trim()).filter(Boolean).sort().join(',')
  if (usual.startsWith('[')) return `[${texts.join(',')}]`
  if (isSwitch(usual)) return /^(1|t|true)$/i.test(last) ? 'true' : 'false'
  if (/^\d[\d.hms]*[hms]$/.test(usual)) return goDurationText(parseGoDuration(last) ?? 0)
  return last
}

/** For people. `name`: the component. */
export function flagzText(values: Readonly<Record<string, string>>, name = 'apiserver'): string {
  return `\n${name} flagz\nWarning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n`
    + Object.entries(values).map(([name, value]) => `${name}: ${value}\n`).join('')
}

/** For programs. */
export function flagzObject(values: Readonly<Record<string, string>>, version: string, name = 'apiserver'): Record<string, unknown> {
  return { kind: 'Flagz', apiVersion: `config.k8s.io/${version}`, metadata: { name }, flags: values }
}
