import { METRIC_NAME } from '../labels.ts'
import type { Labels } from '../labels.ts'
import type { Aggregate } from './ast.ts'
import { KahanSum, Mean, QueryError, plainNumber, quantileOf } from './values.ts'
import type { Sample } from './values.ts'

interface Group {
  metric: Labels
  samples: Sample[]
}

/** The labels that a group of an aggregation has. */
export function groupLabels(metric: Labels, { grouping, without }: Pick<Aggregate, 'grouping' | 'without'>): Labels {
  return without ? metric.filter((name) => name !== METRIC_NAME && !grouping.includes(name)) : metric.filter((name) => grouping.includes(name))
}

/** Carries an aggregation out. `labelsOf` is {@link groupLabels}, remembered. @throws QueryError */
export function aggregate(node: Aggregate, input: readonly Sample[], param: number | string | undefined, labelsOf: (metric: Labels) => Labels): Sample[] {
  const groups = new Map<string, Group>()
  for (const sample of input) {
    const metric = labelsOf(sample.metric)
    const group = groups.get(metric.key)
    if (group) group.samples.push(sample)
    else groups.set(metric.key, { metric, samples: [sample] })
  }
  switch (node.op) {
    case 'topk': case 'bottomk': case 'limitk': return chosen(node.op, groups, count(param as number))
    case 'limit_ratio': throw new QueryError('limit_ratio() can\'t be carried out here')
    case 'count_values': return countedValues(groups, param as string)
  }
  const reduce = REDUCERS[node.op]!
  return [...groups.values()].map(({ metric, samples }) => ({ metric, value: reduce(samples, param as number), ...(samples.some((sample) => sample.dropsName) ? { dropsName: true } : {}) }))
}

function count(param: number): number {
  if (Number.isNaN(param)) throw new QueryError('Parameter value is NaN')
  if (param > 9.223372036854775e18) throw new QueryError(`Scalar value ${param} overflows int64`)
  if (param < -9.223372036854775e18) throw new QueryError(`Scalar value ${param} underflows int64`)
  return Math.trunc(param)
}

/** Like Go's heaps NaN counts as what is wanted least. */
function chosen(op: string, groups: ReadonlyMap<string, Group>, k: number): Sample[] {
  if (k < 1) return []
  const sign = op === 'topk' ? -1 : 1
  const order = (a: Sample, b: Sample) => Number.isNaN(a.value) ? (Number.isNaN(b.value) ? 0 : 1) : Number.isNaN(b.value) ? -1 : sign * (a.value - b.value)
  return [...groups.values()].flatMap(({ samples }) => (op === 'limitk' ? samples : [...samples].sort(order)).slice(0, k))
}

function countedValues(groups: ReadonlyMap<string, Group>, label: string): Sample[] {
  if (label === '') throw new QueryError(`invalid label name ${JSON.stringify(label)}`)
  const out = new Map<string, Sample>()
  for (const { metric, samples } of groups.values()) {
    for (const { value } of samples) {
      const labels = metric.with(label, plainNumber(value))
      const known = out.get(labels.key)
      if (known) known.value++
      else out.set(labels.key, { metric: labels, value: 1 })
    }
  }
  return [...out.values()]
}

function variance(samples: readonly Sample[]): number {
  let mean = 0
  let squares = 0
  samples.forEach(({ value }, i) => {
    if (i === 0) { mean = value; squares = Number.isFinite(value) ? 0 : NaN; return }
    const delta = value - mean
    mean += delta / (i + 1)
    squares += delta * (value - mean)
  })
  return squares / samples.length
}

function extreme(samples: readonly Sample[], isBetter: (a: number, b: number) => boolean): number {
  return samples.reduce((best, { value }) => isBetter(value, best) || Number.isNaN(best) ? value : best, samples[0]!.value)
}

const REDUCERS: Readonly<Record<string, (samples: readonly Sample[], param: number) => number>> = {
  sum(samples) {
    const sum = new KahanSum()
    for (const { value } of samples) sum.add(value)
    return sum.total
  },
  avg(samples) {
    const mean = new Mean()
    for (const { value } of samples) mean.add(value)
    return mean.value
  },
  count: (samples) => samples.length,
  group: () => 1,
  min: (samples) => extreme(samples, (a, b) => a < b),
  max: (samples) => extreme(samples, (a, b) => a > b),
  stdvar: variance,
  stddev: (samples) => Math.sqrt(variance(samples)),
  quantile: (samples, q) => quantileOf(q, samples.map(({ value }) => value)),
}
