import { compareLabels } from '../labels.ts'
import type { Labels } from '../labels.ts'
import { parseDuration } from '../durations.ts'
import { parseQuery } from './parser.ts'
import { queryInstant, queryRange } from './query.ts'
import type { Answer } from './query.ts'
import { parseSeriesNotation } from './series-notation.ts'
import type { NotedValue } from './series-notation.ts'
import type { SeriesData, SeriesSource } from './values.ts'

/** What became of one `eval` of a script. */
export interface Verdict {
  line: number
  query: string
  /** Undefined: as expected. */
  failure?: string
}

interface Eval {
  line: number
  query: string
  startMs: number
  endMs: number
  stepMs: number | undefined
  ordered: boolean
  expectsFailure: boolean
  message?: string
  pattern?: RegExp
  expected: { labels: Labels | undefined; values: NotedValue[]; text?: string }[]
}

/** Runs a script in the format of Prometheus' own PromQL tests (load, clear, eval instant, eval range): for tests only. */
export async function runPromqlScript(script: string, options: { delaysNames?: boolean } = {}): Promise<Verdict[]> {
  const series = new Map<string, { labels: Labels; points: Map<number, NotedValue> }>()
  const source: SeriesSource = {
    select: (matchers, fromMs, toMs) => [...series.values()].filter(({ labels }) => matchers.every((matcher) => matcher.matches(labels.get(matcher.name)))).map(({ labels, points }) => dataOf(labels, points, fromMs, toMs)),
  }
  const verdicts: Verdict[] = []
  const lines = script.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!.trim()
    if (line === '' || line.startsWith('#')) continue
    const body: string[] = []
    const start = at
    while (at + 1 < lines.length && /^\s+\S/.test(lines[at + 1]!)) body.push(lines[++at]!.trim())
    const rest = body.filter((each) => !each.startsWith('#'))
    if (line === 'clear') series.clear()
    else if (/^load(?:_with_nhcb)? /.test(line)) {
      const stepMs = parseDuration(line.split(/\s+/)[1]!)
      for (const each of rest) {
        const { labels, values } = parseSeriesNotation(each)
        const found = series.get(labels.key) ?? { labels, points: new Map<number, NotedValue>() }
        series.set(labels.key, found)
        values.forEach((value, i) => { if (value !== 'none') found.points.set(i * stepMs, value) })
      }
    } else {
      const command = parseEval(line, rest, start + 1)
      let failure: string | undefined
      try {
        failure = compare(command, await run(command, source, options.delaysNames ?? false))
      } catch (error) {
        const { message } = error as Error
        if (!command.expectsFailure) failure = message
        else if (command.message !== undefined && command.message !== message) failure = `failed with ${message}`
        else if (command.pattern && !command.pattern.test(message)) failure = `failed with ${message}`
        verdicts.push({ line: command.line, query: command.query, ...(failure === undefined ? {} : { failure }) })
        continue
      }
      if (command.expectsFailure) failure = 'did not fail'
      verdicts.push({ line: command.line, query: command.query, ...(failure === undefined ? {} : { failure }) })
    }
  }
  return verdicts
}

function dataOf(labels: Labels, points: ReadonlyMap<number, NotedValue>, fromMs: number, toMs: number): SeriesData {
  const kept = [...points].filter(([time]) => time > fromMs && time <= toMs).sort(([a], [b]) => a - b)
  return { labels, times: Float64Array.from(kept, ([time]) => time), values: Float64Array.from(kept, ([, value]) => value === 'stale' ? NaN : value as number), stale: Uint8Array.from(kept, ([, value]) => Number(value === 'stale')) }
}

const timeOf = (text: string) => /^-?[\d.]+$/.test(text) ? Number(text) * 1000 : text.startsWith('-') ? -parseDuration(text.slice(1)) : parseDuration(text)

function parseEval(line: string, body: readonly string[], number: number): Eval {
  const instant = /^eval(_fail|_ordered|_warn|_info)?\s+instant\s+(?:at\s+(\S+)\s+)?(.*)$/.exec(line)
  const range = /^eval(_fail|_ordered|_warn|_info)?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.*)$/.exec(line)
  if (!instant && !range) throw new Error(`line ${number}: ${line}`)
  const made: Eval = range
    ? { line: number, query: range[5]!, startMs: timeOf(range[2]!), endMs: timeOf(range[3]!), stepMs: timeOf(range[4]!), ordered: false, expectsFailure: range[1] === '_fail', expected: [] }
    : { line: number, query: instant![3]!, startMs: timeOf(instant![2] ?? '0'), endMs: timeOf(instant![2] ?? '0'), stepMs: undefined, ordered: instant![1] === '_ordered', expectsFailure: instant![1] === '_fail', expected: [] }
  for (const each of body) {
    const expectation = /^expect\s+(\w+)\s*(.*)$/.exec(each)
    if (expectation) {
      const [, what = '', rest = ''] = expectation
      if (what === 'ordered') made.ordered = true
      else if (what === 'string') made.expected.push({ labels: undefined, values: [], text: rest.slice(1, -1) })
      else if (what === 'fail') {
        made.expectsFailure = true
        const [, kind, text = ''] = /^(msg|regex):?\s*(.*)$/.exec(rest) ?? []
        if (kind === 'msg') made.message = text
        else if (kind === 'regex') made.pattern = new RegExp(text)
      }
    } else if (/^expected_fail_(message|regexp)/.test(each)) {
      const [, kind, text = ''] = /^expected_fail_(\w+)\s+(.*)$/.exec(each)!
      if (kind === 'message') made.message = text
      else made.pattern = new RegExp(text)
    } else if (/^[-+]?(?:\d|\.\d|inf\b|nan\b)/i.test(each) && !/[{]/.test(each)) made.expected.push({ labels: undefined, values: parseSeriesNotation(`x ${each}`).values })
    else made.expected.push(parseSeriesNotation(each))
  }
  return made
}

function run({ query, startMs, endMs, stepMs }: Eval, source: SeriesSource, delaysNames: boolean): Promise<Answer> {
  const expr = parseQuery(query, { experimentalFunctions: true })
  const options = { source, lookbackMs: 300_000, subqueryStepMs: 60_000, delaysNames, maxSamples: 50_000_000, breathe: () => Promise.resolve() }
  return stepMs === undefined ? queryInstant(expr, startMs, options) : queryRange(expr, startMs, endMs, stepMs, options)
}

function isNear(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b)
  if (a === b) return true
  return Math.abs(a - b) <= 1e-6 * (Math.abs(a) + Math.abs(b)) || (Math.min(Math.abs(a), Math.abs(b)) === 0 && Math.abs(a - b) < 1e-300)
}

function compare({ expected, ordered, startMs, endMs, stepMs }: Eval, { result }: Answer): string | undefined {
  if (result.type === 'string') return expected[0]?.text === result.value ? undefined : `got ${JSON.stringify(result.value)}`
  if (result.type === 'scalar') return expected.length === 1 && isNear(result.value, expected[0]!.values[0] as number) ? undefined : `got ${result.value}`
  if (result.type === 'vector') {
    const { samples } = result
    const shown = () => `got ${samples.map(({ metric, value }) => `${metric} ${value}`).join(', ') || 'nothing'}`
    if (samples.length !== expected.length) return shown()
    const order = (labels: Labels) => expected.findIndex((each) => each.labels?.key === labels.key)
    for (const [i, { metric, value }] of samples.entries()) {
      const at = order(metric)
      if (at < 0 || (ordered && at !== i) || !isNear(value, expected[at]!.values[0] as number)) return shown()
    }
    return undefined
  }
  const wanted = expected.filter(({ values }) => values.some((value) => value !== 'none')).sort((a, b) => compareLabels(a.labels!, b.labels!))
  const shown = () => `got ${result.series.map(({ metric, times, values }) => `${metric} ${values.map((value, i) => `${value}@${times[i]}`).join(' ')}`).join(', ') || 'nothing'}`
  if (result.series.length !== wanted.length) return shown()
  for (const [i, { metric, times, values }] of result.series.entries()) {
    const other = wanted[i]!
    if (other.labels!.key !== metric.key) return shown()
    const points = other.values.map((value, step) => [startMs + step * (stepMs ?? 0), value] as const).filter(([time, value]) => value !== 'none' && (stepMs === undefined || time <= endMs))
    if (points.length !== values.length || (stepMs !== undefined && points.some(([time], at) => times[at] !== time)) || points.some(([, value], at) => !isNear(values[at]!, value as number))) return shown()
  }
  return undefined
}
