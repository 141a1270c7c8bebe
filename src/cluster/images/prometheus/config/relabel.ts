import { md5 } from '@noble/hashes/legacy.js'
import { Labels, isPlainLabelName } from '../labels.ts'
import { expanded, replacedBy } from '../promql/label-functions.ts'
import { anchored } from '../promql/matchers.ts'
import { ConfigError } from './go-yaml.ts'
import type { YamlNode, YamlReader } from './go-yaml.ts'

const ACTIONS = ['replace', 'keep', 'drop', 'keepequal', 'dropequal', 'hashmod', 'labelmap', 'labeldrop', 'labelkeep', 'lowercase', 'uppercase'] as const
type Action = typeof ACTIONS[number]

/** One step that changes labels, or refuses whoever has them. */
export interface RelabelConfig {
  sourceLabels: readonly string[]
  separator: string
  regex: string
  modulus: number
  targetLabel: string
  replacement: string
  action: Action
}

const DEFAULT_REGEX = '(.*)'
const hasVariable = (text: string) => /\$/.test(text)

/** k8s: prometheus model/relabel Config.Validate @throws ConfigError */
export function readRelabelConfig(yaml: YamlReader, at: YamlNode): RelabelConfig {
  const given = yaml.fields(at, 'relabel.plain', {
    source_labels: yaml.list('model.LabelNames', yaml.string), separator: yaml.string, regex: yaml.string, modulus: yaml.number, target_label: yaml.string, replacement: yaml.string, action: yaml.string,
  })
  const action = (given.action ?? 'replace').toLowerCase() as Action
  if (!ACTIONS.includes(action)) throw new ConfigError(`unknown relabel action ${JSON.stringify(given.action)}`)
  const config: RelabelConfig = { sourceLabels: given.source_labels ?? [], separator: given.separator ?? ';', regex: given.regex ?? DEFAULT_REGEX, modulus: given.modulus ?? 0, targetLabel: given.target_label ?? '', replacement: given.replacement ?? '$1', action }
  try {
    anchored(config.regex)
  } catch (error) {
    throw new ConfigError((error as Error).message)
  }
  const { targetLabel } = config
  if (config.modulus === 0 && action === 'hashmod') throw new ConfigError('relabel configuration for hashmod requires non-zero modulus')
  if (['replace', 'hashmod', 'lowercase', 'uppercase', 'keepequal', 'dropequal'].includes(action) && targetLabel === '') throw new ConfigError(`relabel configuration for ${action} action requires 'target_label' value`)
  if (['lowercase', 'uppercase', 'keepequal', 'dropequal'].includes(action) && config.replacement !== '$1') throw new ConfigError(`'replacement' can not be set for ${action} action`)
  const others = config.modulus !== 0 || config.separator !== ';' || config.replacement !== '$1'
  if ((action === 'dropequal' || action === 'keepequal') && (config.regex !== DEFAULT_REGEX || others)) throw new ConfigError(`${action} action requires only 'source_labels' and \`target_label\`, and no other fields`)
  if ((action === 'labeldrop' || action === 'labelkeep') && (given.source_labels || targetLabel !== '' || others)) throw new ConfigError(`${action} action requires only 'regex', and no other fields`)
  return config
}

/** Labels after all steps; undefined where one refuses them. */
export function relabel(labels: ReadonlyMap<string, string>, steps: readonly RelabelConfig[]): Map<string, string> | undefined {
  const out = new Map(labels)
  for (const step of steps) if (!carryOut(step, out)) return undefined
  return out
}

export function relabelSeries(labels: Labels, steps: readonly RelabelConfig[]): Labels | undefined {
  if (steps.length === 0) return labels
  const out = relabel(new Map(labels), steps)
  return out && Labels.of(out)
}

function carryOut({ sourceLabels, separator, regex, modulus, targetLabel, replacement, action }: RelabelConfig, labels: Map<string, string>): boolean {
  const value = sourceLabels.map((name) => labels.get(name) ?? '').join(separator)
  const set = (name: string, text: string) => { if (text === '') labels.delete(name); else labels.set(name, text) }
  switch (action) {
    case 'drop': return !anchored(regex).matches(value)
    case 'keep': return anchored(regex).matches(value)
    case 'dropequal': return (labels.get(targetLabel) ?? '') !== value
    case 'keepequal': return (labels.get(targetLabel) ?? '') === value
    case 'replace': {
      const target = hasVariable(targetLabel) ? replacedBy(regex, value, targetLabel) : anchored(regex).matches(value) ? targetLabel : undefined
      if (target !== undefined && target !== '' && (!hasVariable(targetLabel) || isPlainLabelName(target))) set(target, replacedBy(regex, value, replacement)!)
      return true
    }
    case 'lowercase': set(targetLabel, value.toLowerCase()); return true
    case 'uppercase': set(targetLabel, value.toUpperCase()); return true
    case 'hashmod': {
      const digest = md5(new TextEncoder().encode(value))
      const last = new DataView(digest.buffer, digest.byteOffset, 16).getBigUint64(8)
      set(targetLabel, String(last % BigInt(modulus)))
      return true
    }
    case 'labelmap': {
      const pattern = anchored(regex)
      for (const [name, text] of [...labels]) {
        const matcher = pattern.matcher(name)
        if (!matcher.matches()) continue
        const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? '')
        set(expanded(replacement, groups, pattern.namedGroups() as Record<string, number>), text)
      }
      return true
    }
    case 'labeldrop': for (const name of [...labels.keys()]) if (anchored(regex).matches(name)) labels.delete(name); return true
    case 'labelkeep': for (const name of [...labels.keys()]) if (!anchored(regex).matches(name)) labels.delete(name); return true
  }
}
