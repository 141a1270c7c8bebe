/** The text format of Prometheus, as Go's client library writes it. */

export interface Sample {
  labels?: Readonly<Record<string, string>>
  /** Upper bound of a histogram's bucket; stands behind the other labels. */
  le?: string
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
  /** Read once. */
  samples: Iterable<Sample>
}

/** Lines that are written in one go; a fraction of a millisecond. */
const LINES = 200

/** Families by name, each with HELP and TYPE. Families without samples are left out. */
export function prometheusText(families: readonly MetricFamily[]): string {
  return [...prometheusPieces(families)].join('')
}

/** The same text piece by piece, each made when it is asked for; a piece may be empty. */
export function* prometheusPieces(families: readonly MetricFamily[]): Generator<string> {
  for (const { name, help, type, samples } of [...families].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const head = `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`
    // A histogram's parts stay together.
    yield* type === 'histogram' ? inTheirOrder(head, name, samples) : byLabels(head, name, samples)
  }
}

interface Line { shown: string; line: string }

function* linesOf(name: string, samples: Iterable<Sample>): Generator<Line> {
  let labels: Sample['labels']
  let text = ''
  for (const sample of samples) {
    // A histogram's buckets share their labels.
    if (sample.labels !== labels) text = (labels = sample.labels) ? pairsText(labels) : ''
    const shown = sample.le === undefined ? text : `${text}${text && ','}le="${sample.le}"`
    yield { shown, line: `${name}${sample.suffix ?? ''}${shown && `{${shown}}`} ${numberText(sample.value)}${sample.timeMs === undefined ? '' : ` ${Math.floor(sample.timeMs)}`}\n` }
  }
}

function* inTheirOrder(head: string, name: string, samples: Iterable<Sample>): Generator<string> {
  let piece = ''
  let count = 0
  for (const { line } of linesOf(name, samples)) {
    piece += count === 0 ? head + line : line
    if (++count % LINES > 0) continue
    yield piece
    piece = ''
  }
  if (piece) yield piece
}

function* byLabels(head: string, name: string, samples: Iterable<Sample>): Generator<string> {
  const lines: Line[] = []
  for (const line of linesOf(name, samples)) if (lines.push(line) % LINES === 0) yield ''
  lines.sort((a, b) => compareText(a.shown, b.shown))
  for (let at = 0; at < lines.length; at += LINES) {
    yield (at === 0 ? head : '') + lines.slice(at, at + LINES).map(({ line }) => line).join('')
  }
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores'

function pairsText(labels: Readonly<Record<string, string>>): string {
  let out = ''
  for (const key in labels) {
    const value = labels[key]!
    out += `${out && ','}${key}="${/[\\"\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value}"`
  }
  return out
}

/** Go's strconv.FormatFloat(value, 'g', -1, 64): an exponent below 1e-04 and from 1e+06 on. */
export function numberText(value: number): string {
  if (value === Infinity) return '+Inf'
  if (value === -Infinity) return '-Inf'
  if (Number.isNaN(value)) return 'NaN'
  if (value === 0) return '0'
  if (Number.isInteger(value) && value > 0 && value < 1e6) return String(value)
  const [digits = '', exponent = '0'] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power < -4 || power >= 6) return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
  return String(value)
}
