import type { ScrapeConfig } from '../config/load.ts'
import { relabel } from '../config/relabel.ts'
import { durationText, parseDuration } from '../durations.ts'
import { Labels } from '../labels.ts'

/** A group of targets as discovery found it; `source` says which group it replaces. */
export interface TargetGroup {
  source: string
  labels: Readonly<Record<string, string>>
  targets: readonly Readonly<Record<string, string>>[]
}

/** What to scrape, after relabeling. */
export interface TargetSpec {
  /** As found, before relabeling. */
  discovered: ReadonlyMap<string, string>
  labels: Labels
  url: string
  intervalMs: number
  timeoutMs: number
}

/** k8s: prometheus scrape/target.go PopulateLabels; undefined where relabeling drops it. @throws Error */
export function targetOf(config: ScrapeConfig, group: TargetGroup, target: Readonly<Record<string, string>>): TargetSpec | { dropped: ReadonlyMap<string, string> } {
  const found = new Map<string, string>([...Object.entries(group.labels), ...Object.entries(target)])
  const preset: Record<string, string> = {
    job: config.jobName, __scrape_interval__: durationText(config.intervalMs), __scrape_timeout__: durationText(config.timeoutMs), __metrics_path__: config.path, __scheme__: config.scheme,
    ...Object.fromEntries(Object.entries(config.params).filter(([, values]) => values.length > 0).map(([name, values]) => [`__param_${name}`, values[0]!])),
  }
  for (const [name, value] of Object.entries(preset)) if (!found.get(name)) found.set(name, value)
  const labels = relabel(found, config.relabel)
  if (!labels) return { dropped: found }
  const address = labels.get('__address__')
  if (!address) throw new Error('no address')
  if (address.includes('/')) throw new Error(`${JSON.stringify(address)} is not a valid hostname`)
  const scheme = labels.get('__scheme__') ?? 'http'
  if (scheme !== 'http' && scheme !== 'https') throw new Error(`invalid scheme: ${JSON.stringify(scheme)}`)
  const intervalMs = parseDuration(labels.get('__scrape_interval__') ?? '')
  const timeoutMs = parseDuration(labels.get('__scrape_timeout__') ?? '')
  if (intervalMs === 0) throw new Error('scrape interval cannot be 0')
  if (timeoutMs === 0) throw new Error('scrape timeout cannot be 0')
  if (timeoutMs > intervalMs) throw new Error(`scrape timeout cannot be greater than scrape interval (${JSON.stringify(labels.get('__scrape_timeout__'))} > ${JSON.stringify(labels.get('__scrape_interval__'))})`)
  const params = new URLSearchParams()
  for (const [name, values] of Object.entries(config.params)) for (const value of values) params.append(name, value)
  for (const [label, value] of labels) {
    if (!label.startsWith('__param_')) continue
    // A label is the first of a parameter's values; the others stay.
    const name = label.slice('__param_'.length)
    const [, ...others] = params.getAll(name)
    params.delete(name)
    for (const each of [value, ...others]) params.append(name, each)
  }
  params.sort()
  const query = params.toString()
  const path = labels.get('__metrics_path__') ?? '/metrics'
  const url = `${scheme}://${address}${path.startsWith('/') ? path : `/${path}`}${query && `${path.includes('?') ? '&' : '?'}${query}`}`
  if (!labels.get('instance')) labels.set('instance', address)
  return { discovered: found, labels: Labels.of(labels).filter((name) => !name.startsWith('__')), url, intervalMs, timeoutMs }
}
