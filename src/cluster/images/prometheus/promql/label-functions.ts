import { METRIC_NAME } from '../labels.ts'
import { anchored } from './matchers.ts'
import { QueryError } from './values.ts'
import type { Sample } from './values.ts'

/** `$1`, `${1}` and `${name}` of a replacement. k8s: Go's regexp Expand */
export function expanded(template: string, groups: readonly string[], names: Readonly<Record<string, number>>): string {
  return template.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, bare: string | undefined, braced: string | undefined) => {
    const name = bare ?? braced
    if (name === undefined) return '$'
    return groups[/^\d+$/.test(name) ? Number(name) : names[name] ?? -1] ?? ''
  })
}

/** Expands a replacement with the groups of a regular expression that fits the whole text; undefined where it doesn't fit. */
export function replacedBy(pattern: string, text: string, template: string): string | undefined {
  const regex = anchored(pattern)
  const matcher = regex.matcher(text)
  if (!matcher.matches()) return undefined
  const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? '')
  return expanded(template, groups, regex.namedGroups() as Record<string, number>)
}

/** @throws QueryError */
export function replaceLabel(samples: readonly Sample[], [target = '', replacement = '', source = '', pattern = '']: readonly string[]): Sample[] {
  try {
    anchored(pattern)
  } catch {
    throw new QueryError(`invalid regular expression in label_replace(): ${pattern}`)
  }
  if (target === '') throw new QueryError(`invalid destination label name in label_replace(): ${target}`)
  return samples.map((sample) => {
    const value = replacedBy(pattern, sample.metric.get(source), replacement)
    return value === undefined ? sample : relabelled(sample, target, value)
  })
}

/** @throws QueryError */
export function joinLabels(samples: readonly Sample[], [target = '', separator = '', ...sources]: readonly string[]): Sample[] {
  const strange = sources.find((source) => source === '')
  if (strange !== undefined) throw new QueryError(`invalid source label name in label_join(): ${strange}`)
  if (target === '') throw new QueryError(`invalid destination label name in label_join(): ${target}`)
  return samples.map((sample) => relabelled(sample, target, sources.map((source) => sample.metric.get(source)).join(separator)))
}

function relabelled({ metric, value, dropsName }: Sample, target: string, text: string): Sample {
  return { metric: metric.with(target, text), value, ...(dropsName && target !== METRIC_NAME ? { dropsName } : {}) }
}
