/** The text format of Prometheus, as Go's client library writes it. */

export interface Sample {
  labels?: Readonly<Record<string, string>>
  value: number
  /** When it was measured, milliseconds since 1970; absent: now. */
  timeMs?: number
  /** Added to the family's name: `_sum`, `_count`, `_bucket`. */
  suffix?: string
}

export interface MetricFamily {
  name: string
  help: string
  type: 'counter' | 'gauge' | 'histogram'
  samples: readonly Sample[]
}

/** Families by name, each with HELP and TYPE. Families without samples are left out. */
export function prometheusText(families: readonly MetricFamily[]): string {
  const parts: string[] = []
  for (const { name, help, type, samples } of [...families].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (samples.length === 0) continue
    parts.push(`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`)
    // A histogram's parts stay together.
    const ordered = type === 'histogram' ? samples : [...samples].sort((a, b) => compareText(labelText(a.labels ?? {}), labelText(b.labels ?? {})))
    for (const { labels, value, timeMs, suffix = '' } of ordered) parts.push(`${name}${suffix}${labels ? labelText(labels) : ''} ${numberText(value)}${timeMs === undefined ? '' : ` ${Math.floor(timeMs)}`}\n`)
  }
  return parts.join('')
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores'

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`)
  return pairs.length > 0 ? `{${pairs.join(',')}}` : ''
}

/** Go's strconv.FormatFloat(value, 'g', -1, 64): an exponent below 1e-04 and from 1e+06 on. */
export function numberText(value: number): string {
  if (value === Infinity) return '+Inf'
  if (value === -Infinity) return '-Inf'
  if (Number.isNaN(value)) return 'NaN'
  if (value === 0) return '0'
  const [digits = '', exponent = '0'] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power < -4 || power >= 6) return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
  return String(value)
}
