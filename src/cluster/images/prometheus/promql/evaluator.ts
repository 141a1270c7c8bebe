import { METADATA_LABELS, METRIC_NAME, Labels } from '../labels.ts'
import { aggregate, groupLabels } from './aggregate.ts'
import { SET_OPERATORS, unwrapped } from './ast.ts'
import type { Aggregate, Binary, Call, Expr, MatrixSelector, Subquery, VectorSelector } from './ast.ts'
import { scalarOperation, setOperation, vectorOperation } from './binary.ts'
import { typeOf } from './check-types.ts'
import { bucketFraction, bucketQuantile } from './histogram.ts'
import type { Bucket } from './histogram.ts'
import { joinLabels, replaceLabel } from './label-functions.ts'
import { NUMBER_FUNCTIONS, OPERATORS, TIME_FUNCTIONS } from './number-functions.ts'
import { FOR_COUNTERS, KEEPS_NAME, RANGE_FUNCTIONS } from './range-functions.ts'
import { QueryError } from './values.ts'
import type { Annotations, Sample, SeriesData, SeriesSource } from './values.ts'

export interface EvaluatorOptions {
  source: SeriesSource
  /** The query's own times, milliseconds; equal for an instant. */
  startMs: number
  endMs: number
  stepMs: number
  /** How long a sample counts. */
  lookbackMs: number
  /** Step of subqueries that name none. */
  subqueryStepMs: number
  /** Whether what was measured just when a range begins belongs to it: before version 3. */
  includesStart?: boolean
  /** Names go when everything is done, not at each function. */
  delaysNames: boolean
  /** Most samples that may be looked at at a time. */
  maxSamples: number
  /** Lets others have their turn; throws when the query must end. */
  breathe(): Promise<void>
}

export type Value = { type: 'scalar'; value: number } | { type: 'string'; value: string } | { type: 'vector'; samples: Sample[] }

interface Loaded {
  series: SeriesData[]
  /** Without marks of where series end. */
  clean?: SeriesData[]
}

/** Elements that are looked at in one go. */
const PORTION = 256
const TOO_MANY_SAMPLES = 'query processing would load too many samples into memory in query execution'

/** Works an expression out at one time after the other; what it needs of series is read once. */
export class Evaluator {
  readonly annotations: Annotations = { warnings: new Set(), infos: new Set() }
  readonly #options: EvaluatorOptions
  readonly #loaded = new Map<VectorSelector, Loaded>()
  readonly #inner = new Map<Subquery, Map<number, Sample[]>>()
  readonly #remembered = new Map<Expr, Map<Labels, Labels>>()
  readonly #nameless = new Map<Labels, Labels>()
  #samples = 0

  constructor(options: EvaluatorOptions) {
    this.#options = options
  }

  /** Reads what the expression needs of the series. */
  async load(expr: Expr, fromMs = this.#options.startMs, toMs = this.#options.endMs): Promise<void> {
    const shifted = (node: { offsetMs: number; at: VectorSelector['at'] }, backMs: number): [number, number] => {
      const at = this.#fixed(node.at)
      return [(at ?? fromMs) - node.offsetMs - backMs, (at ?? toMs) - node.offsetMs]
    }
    switch (expr.type) {
      case 'vector': return this.#read(expr, ...shifted(expr, this.#options.lookbackMs))
      case 'matrix': return this.#read(expr.vector, ...shifted(expr.vector, expr.rangeMs))
      case 'subquery': return this.load(expr.expr, ...shifted(expr, expr.rangeMs))
      case 'paren': case 'unary': return this.load(expr.expr, fromMs, toMs)
      case 'call': for (const arg of expr.args) await this.load(arg, fromMs, toMs); return
      case 'aggregate':
        if (expr.param) await this.load(expr.param, fromMs, toMs)
        return this.load(expr.expr, fromMs, toMs)
      case 'binary':
        await this.load(expr.lhs, fromMs, toMs)
        return this.load(expr.rhs, fromMs, toMs)
    }
  }

  async #read(node: VectorSelector, fromMs: number, toMs: number): Promise<void> {
    const series = await this.#options.source.select(node.matchers, fromMs, toMs)
    for (const { times } of series) this.#samples += times.length
    if (this.#samples > this.#options.maxSamples) throw new QueryError(TOO_MANY_SAMPLES)
    this.#loaded.set(node, { series })
    await this.#options.breathe()
  }

  #fixed(at: VectorSelector['at']): number | undefined {
    return at === 'start' ? this.#options.startMs : at === 'end' ? this.#options.endMs : at
  }

  /** The samples of a range, for queries that ask for nothing else. */
  async range(expr: MatrixSelector | Subquery, timeMs: number): Promise<{ metric: Labels; times: number[]; values: number[] }[]> {
    const { series, startMs, endMs } = await this.#rangeOf(expr, timeMs)
    return series.flatMap(({ labels, times, values }) => {
      const [lo, hi] = [this.#from(times, startMs), after(times, endMs)]
      return lo === hi ? [] : [{ metric: labels, times: Array.from(times.subarray(lo, hi)), values: Array.from(values.subarray(lo, hi)) }]
    })
  }

  async evaluate(expr: Expr, timeMs: number): Promise<Value> {
    switch (expr.type) {
      case 'number': return { type: 'scalar', value: expr.value }
      case 'string': return { type: 'string', value: expr.value }
      case 'paren': return this.evaluate(expr.expr, timeMs)
      case 'vector': return { type: 'vector', samples: await this.#instant(expr, timeMs) }
      case 'unary': {
        const inner = await this.evaluate(expr.expr, timeMs)
        if (expr.op === '+' || inner.type === 'string') return inner
        if (inner.type === 'scalar') return { type: 'scalar', value: -inner.value }
        return this.#vector(inner.samples.map(({ metric, value, dropsName }) => this.#drop({ metric, value: -value, ...(dropsName ? { dropsName } : {}) })))
      }
      case 'aggregate': return this.#aggregate(expr, timeMs)
      case 'binary': return this.#binary(expr, timeMs)
      case 'call': return this.#call(expr, timeMs)
      default: throw new QueryError(`unexpected ${expr.type}`)
    }
  }

  /** Takes names away that were to go at the end. */
  finish(samples: Sample[]): Sample[] {
    if (!this.#options.delaysNames || !samples.some((sample) => sample.dropsName)) return samples
    const out = samples.map((sample) => sample.dropsName ? { ...sample, metric: this.#withoutName(sample.metric) } : sample)
    refuseTwins(out)
    return out
  }

  /** Index of the first sample of a range that begins at a time. */
  #from(times: Float64Array, startMs: number): number {
    return after(times, this.#options.includesStart ? startMs - 0.5 : startMs)
  }

  #withoutName(metric: Labels): Labels {
    let known = this.#nameless.get(metric)
    if (!known) this.#nameless.set(metric, known = metric.without(METADATA_LABELS))
    return known
  }

  #drop(sample: Sample): Sample {
    return this.#options.delaysNames ? { ...sample, dropsName: true } : { ...sample, metric: this.#withoutName(sample.metric) }
  }

  #vector(samples: Sample[]): Value {
    if (!this.#options.delaysNames) refuseTwins(samples)
    return { type: 'vector', samples }
  }

  async #samplesOf(expr: Expr, timeMs: number): Promise<Sample[]> {
    const value = await this.evaluate(expr, timeMs)
    return value.type === 'vector' ? value.samples : []
  }

  async #numberOf(expr: Expr, timeMs: number): Promise<number> {
    const value = await this.evaluate(expr, timeMs)
    return value.type === 'scalar' ? value.value : NaN
  }

  async #instant(node: VectorSelector, timeMs: number): Promise<Sample[]> {
    const { series } = this.#loaded.get(node)!
    const atMs = (this.#fixed(node.at) ?? timeMs) - node.offsetMs
    const out: Sample[] = []
    for (let i = 0; i < series.length; i++) {
      if (i % PORTION === PORTION - 1) await this.#options.breathe()
      const { labels, times, values, stale } = series[i]!
      const last = after(times, atMs) - 1
      if (last < 0 || last < this.#from(times, atMs - this.#options.lookbackMs) || stale?.[last]) continue
      out.push({ metric: labels, value: values[last]!, sourceMs: times[last]! })
    }
    return out
  }

  async #rangeOf(given: Expr, timeMs: number): Promise<{ series: readonly SeriesData[]; startMs: number; endMs: number }> {
    const expr = unwrapped(given)
    if (expr.type === 'matrix') {
      const loaded = this.#loaded.get(expr.vector)!
      const endMs = (this.#fixed(expr.vector.at) ?? timeMs) - expr.vector.offsetMs
      return { series: loaded.clean ??= loaded.series.map(withoutEnds), startMs: endMs - expr.rangeMs, endMs }
    }
    if (expr.type !== 'subquery') throw new QueryError(`expected a range, got ${expr.type}`)
    const endMs = (this.#fixed(expr.at) ?? timeMs) - expr.offsetMs
    const startMs = endMs - expr.rangeMs
    const stepMs = expr.stepMs || this.#options.subqueryStepMs
    const known = this.#inner.get(expr) ?? new Map<number, Sample[]>()
    this.#inner.set(expr, known)
    if (expr.at === undefined) for (const time of known.keys()) if (time < startMs) known.delete(time)
    const bySeries = new Map<string, { metric: Labels; dropsName: boolean; times: number[]; values: number[] }>()
    const first = Math.floor(startMs / stepMs) * stepMs
    for (let time = first < startMs || !this.#options.includesStart ? first + stepMs : first; time <= endMs; time += stepMs) {
      let samples = known.get(time)
      if (!samples) {
        samples = await this.#samplesOf(expr.expr, time)
        known.set(time, samples)
        this.#samples += samples.length
        if (this.#samples > this.#options.maxSamples) throw new QueryError(TOO_MANY_SAMPLES)
        await this.#options.breathe()
      }
      for (const { metric, value, dropsName } of samples) {
        let found = bySeries.get(metric.key)
        if (!found) bySeries.set(metric.key, found = { metric, dropsName: dropsName ?? false, times: [], values: [] })
        found.times.push(time)
        found.values.push(value)
      }
    }
    return { series: [...bySeries.values()].map(({ metric, dropsName, times, values }) => ({ labels: metric, times: Float64Array.from(times), values: Float64Array.from(values), ...(dropsName ? { dropsName } : {}) })), startMs, endMs }
  }

  /** What is worked out of a series' labels, by the expression that does. */
  #remember(expr: Expr, work: (metric: Labels) => Labels): (metric: Labels) => Labels {
    let known = this.#remembered.get(expr)
    if (!known) this.#remembered.set(expr, known = new Map())
    const results = known
    return (metric) => {
      let result = results.get(metric)
      if (!result) {
        if (results.size > 50_000) results.clear()
        results.set(metric, result = work(metric))
      }
      return result
    }
  }

  async #aggregate(node: Aggregate, timeMs: number): Promise<Value> {
    const param = node.param && await this.evaluate(node.param, timeMs)
    const value = param && param.type !== 'vector' ? param.value : undefined
    if (node.op === 'quantile' && typeof value === 'number' && !(value >= 0 && value <= 1)) this.annotations.warnings.add(`PromQL warning: quantile value should be between 0 and 1, got ${value}`)
    const input = await this.#samplesOf(node.expr, timeMs)
    await this.#options.breathe()
    return { type: 'vector', samples: aggregate(node, input, value, this.#remember(node, (metric) => groupLabels(metric, node))) }
  }

  async #binary(node: Binary, timeMs: number): Promise<Value> {
    const lhs = await this.evaluate(node.lhs, timeMs)
    const rhs = await this.evaluate(node.rhs, timeMs)
    await this.#options.breathe()
    if (lhs.type === 'string' || rhs.type === 'string') throw new QueryError('binary expression must contain only scalar and instant vector types')
    if (lhs.type === 'scalar' && rhs.type === 'scalar') return { type: 'scalar', value: OPERATORS[node.op]!(lhs.value, rhs.value) }
    if (lhs.type === 'vector' && rhs.type === 'vector') {
      const matching = node.matching!
      const signature = this.#remember(node, (metric) => metric.matching(matching.on, matching.labels))
      if (SET_OPERATORS.has(node.op)) return { type: 'vector', samples: setOperation(node.op, lhs.samples, rhs.samples, signature) }
      return this.#vector(vectorOperation(node, lhs.samples, rhs.samples, signature, this.#options.delaysNames))
    }
    const [samples, scalar] = lhs.type === 'vector' ? [lhs.samples, (rhs as { value: number }).value] : [(rhs as { samples: Sample[] }).samples, (lhs as { value: number }).value]
    return this.#vector(scalarOperation(node, samples, scalar, lhs.type === 'scalar', (sample) => this.#drop(sample)))
  }

  async #call(node: Call, timeMs: number): Promise<Value> {
    const { name, args } = node
    if (name in RANGE_FUNCTIONS) return this.#overRange(node, timeMs)
    const first = args[0]
    const scalars = async (from: number) => {
      const out: number[] = []
      for (const arg of args.slice(from)) out.push(await this.#numberOf(arg, timeMs))
      return out
    }
    const mapped = async (work: (value: number) => number) => this.#vector((await this.#samplesOf(first!, timeMs)).map(({ metric, value }) => this.#drop({ metric, value: work(value) })))
    const texts = () => args.slice(1).map((arg) => (unwrapped(arg) as { value: string }).value)
    if (name in NUMBER_FUNCTIONS) {
      const others = await scalars(1)
      if (name === 'clamp' && others[1]! < others[0]!) return { type: 'vector', samples: [] }
      return mapped((value) => NUMBER_FUNCTIONS[name]!(value, others))
    }
    if (name in TIME_FUNCTIONS) {
      const work = TIME_FUNCTIONS[name]!
      return first ? mapped(work) : { type: 'vector', samples: [{ metric: Labels.empty, value: work(timeMs / 1000) }] }
    }
    switch (name) {
      case 'time': return { type: 'scalar', value: timeMs / 1000 }
      case 'pi': return { type: 'scalar', value: Math.PI }
      case 'start': return { type: 'scalar', value: this.#options.startMs / 1000 }
      case 'end': return { type: 'scalar', value: this.#options.endMs / 1000 }
      case 'step': return { type: 'scalar', value: this.#options.stepMs / 1000 }
      case 'range': return { type: 'scalar', value: (this.#options.endMs - this.#options.startMs) / 1000 }
      case 'max_of': case 'min_of': return { type: 'scalar', value: Math[name === 'max_of' ? 'max' : 'min'](...await scalars(0)) }
      case 'vector': return { type: 'vector', samples: [{ metric: Labels.empty, value: await this.#numberOf(first!, timeMs) }] }
      case 'scalar': {
        const samples = await this.#samplesOf(first!, timeMs)
        return { type: 'scalar', value: samples.length === 1 ? samples[0]!.value : NaN }
      }
      case 'timestamp': return this.#vector((await this.#samplesOf(first!, timeMs)).map(({ metric, sourceMs }) => this.#drop({ metric, value: (sourceMs ?? timeMs) / 1000 })))
      case 'absent': {
        const samples = await this.#samplesOf(first!, timeMs)
        return { type: 'vector', samples: samples.length > 0 ? [] : [{ metric: absentLabels(first!), value: 1 }] }
      }
      case 'absent_over_time': {
        const { series, startMs, endMs } = await this.#rangeOf(first!, timeMs)
        return { type: 'vector', samples: series.some(({ times }) => this.#from(times, startMs) < after(times, endMs)) ? [] : [{ metric: absentLabels(first!), value: 1 }] }
      }
      case 'sort': case 'sort_desc': {
        const sign = name === 'sort' ? 1 : -1
        const samples = [...await this.#samplesOf(first!, timeMs)]
        return { type: 'vector', samples: samples.sort((a, b) => Number.isNaN(a.value) ? (Number.isNaN(b.value) ? 0 : 1) : Number.isNaN(b.value) ? -1 : sign * (a.value - b.value)) }
      }
      case 'sort_by_label': case 'sort_by_label_desc': {
        const names = texts()
        const sign = name === 'sort_by_label' ? 1 : -1
        const order = new Intl.Collator('en', { numeric: true })
        const samples = [...await this.#samplesOf(first!, timeMs)]
        const compare = (a: Labels, b: Labels) => {
          for (const label of names) { const by = order.compare(a.get(label), b.get(label)); if (by !== 0) return by }
          return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
        }
        return { type: 'vector', samples: samples.sort((a, b) => sign * compare(a.metric, b.metric)) }
      }
      case 'label_replace': {
        const samples = replaceLabel(await this.#samplesOf(first!, timeMs), texts())
        refuseTwins(samples)
        return { type: 'vector', samples }
      }
      case 'label_join': {
        const samples = joinLabels(await this.#samplesOf(first!, timeMs), texts())
        refuseTwins(samples)
        return { type: 'vector', samples }
      }
      case 'histogram_quantile': {
        const q = await this.#numberOf(first!, timeMs)
        if (!(q >= 0 && q <= 1)) this.annotations.warnings.add(`PromQL warning: quantile value should be between 0 and 1, got ${q}`)
        return this.#ofBuckets(await this.#samplesOf(args[1]!, timeMs), (buckets) => {
          const { value, forcedMonotonic } = bucketQuantile(q, buckets)
          if (forcedMonotonic) this.annotations.infos.add('PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)')
          return value
        })
      }
      case 'histogram_fraction': {
        const [lower, upper] = [await this.#numberOf(first!, timeMs), await this.#numberOf(args[1]!, timeMs)]
        return this.#ofBuckets(await this.#samplesOf(args[2]!, timeMs), (buckets) => bucketFraction(lower, upper, buckets))
      }
      case 'histogram_quantiles': {
        const samples = await this.#samplesOf(first!, timeMs)
        const label = texts()[0]!
        const quantiles = await scalars(2)
        const all = quantiles.map((q) => this.#ofBuckets(samples, (buckets) => bucketQuantile(q, buckets).value, (metric) => metric.with(label, String(q))))
        return { type: 'vector', samples: all.flatMap((value) => value.type === 'vector' ? value.samples : []) }
      }
      // Native histograms are not kept, and these leave out everything else.
      case 'histogram_avg': case 'histogram_count': case 'histogram_sum': case 'histogram_stddev': case 'histogram_stdvar':
        await this.#samplesOf(first!, timeMs)
        return { type: 'vector', samples: [] }
      default: throw new QueryError(`${name}() can't be carried out here`)
    }
  }

  #ofBuckets(samples: readonly Sample[], work: (buckets: Bucket[]) => number, labels: (metric: Labels) => Labels = (metric) => metric): Value {
    const groups = new Map<string, { metric: Labels; buckets: Bucket[] }>()
    for (const { metric, value } of samples) {
      const bound = metric.get('le')
      const upperBound = /^\+?inf$/i.test(bound) ? Infinity : /^-inf$/i.test(bound) ? -Infinity : bound === '' ? NaN : Number(bound)
      if (Number.isNaN(upperBound)) {
        this.annotations.warnings.add(`PromQL warning: bucket label "le" is missing or has a malformed value of ${JSON.stringify(bound)} for metric name ${JSON.stringify(metric.get(METRIC_NAME))}`)
        continue
      }
      const key = metric.without(['le', METRIC_NAME])
      const group = groups.get(key.key)
      const bucket = { upperBound, count: value }
      if (group) group.buckets.push(bucket)
      else groups.set(key.key, { metric: this.#options.delaysNames ? metric.without(['le']) : key, buckets: [bucket] })
    }
    return { type: 'vector', samples: [...groups.values()].map(({ metric, buckets }) => this.#drop({ metric: labels(metric), value: work(buckets) })) }
  }

  async #overRange({ name, args }: Call, timeMs: number): Promise<Value> {
    const at = args.findIndex((arg) => typeOf(arg) === 'range vector')
    const others: number[] = []
    for (const [i, arg] of args.entries()) if (i !== at) others.push(await this.#numberOf(arg, timeMs))
    if (name === 'quantile_over_time' && !(others[0]! >= 0 && others[0]! <= 1)) this.annotations.warnings.add(`PromQL warning: quantile value should be between 0 and 1, got ${others[0]}`)
    const { series, startMs, endMs } = await this.#rangeOf(args[at]!, timeMs)
    const work = RANGE_FUNCTIONS[name]!
    const keepsName = KEEPS_NAME.has(name)
    const out: Sample[] = []
    for (let i = 0; i < series.length; i++) {
      if (i % PORTION === PORTION - 1) await this.#options.breathe()
      const { labels: metric, times, values, dropsName } = series[i]! as SeriesData & { dropsName?: boolean }
      const lo = this.#from(times, startMs)
      const hi = after(times, endMs)
      if (lo === hi) continue
      const value = work({ times, values, lo, hi, startMs, endMs, timeMs }, others)
      if (value === undefined) continue
      if (FOR_COUNTERS.has(name)) {
        const own = metric.get(METRIC_NAME)
        if (own && !/(?:_total|_sum|_count|_bucket)$/.test(own)) this.annotations.infos.add(`PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${JSON.stringify(own)} (1:${args[at]!.from + 1})`)
      }
      out.push(keepsName ? { metric, value, ...(dropsName ? { dropsName } : {}) } : this.#drop({ metric, value }))
    }
    return this.#vector(out)
  }
}

/** Index of the first time that is later. */
function after(times: Float64Array, timeMs: number): number {
  let lo = 0
  let hi = times.length
  while (lo < hi) {
    const middle = (lo + hi) >> 1
    if (times[middle]! <= timeMs) lo = middle + 1
    else hi = middle
  }
  return lo
}

function withoutEnds(data: SeriesData): SeriesData {
  const { labels, times, values, stale } = data
  if (!stale) return data
  const isKept = (_: number, i: number) => !stale[i]
  return { labels, times: times.filter(isKept), values: values.filter(isKept) }
}

function refuseTwins(samples: readonly Sample[]): void {
  if (samples.length < 2) return
  const seen = new Set<string>()
  for (const { metric } of samples) {
    if (seen.has(metric.key)) throw new QueryError('vector cannot contain metrics with the same labelset')
    seen.add(metric.key)
  }
}

/** What is known of a series that isn't there. k8s: prometheus promql createLabelsForAbsentFunction */
function absentLabels(given: Expr): Labels {
  const node = given.type === 'matrix' ? given.vector : given
  if (node.type !== 'vector') return Labels.empty
  const values = new Map<string, string>()
  const seen = new Set<string>()
  for (const { name, type, value } of node.matchers) {
    if (name === METRIC_NAME) continue
    if (type === '=' && !seen.has(name)) { values.set(name, value); seen.add(name) }
    else values.delete(name)
  }
  return Labels.of(values)
}

