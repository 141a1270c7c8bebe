import { KahanSum, Mean, QueryError, quantileOf } from './values.ts'

/** The samples of one series in a range: indices from `lo` to before `hi`. */
export interface Window {
  times: Float64Array
  values: Float64Array
  lo: number
  hi: number
  /** Excluded. */
  startMs: number
  endMs: number
  /** When the expression is evaluated; without offsets the same as `endMs`. */
  timeMs: number
}

type RangeFunction = (window: Window, args: readonly number[]) => number | undefined

/** k8s: prometheus promql/functions.go extrapolatedRate */
function extrapolated({ times, values, lo, hi, startMs, endMs }: Window, isCounter: boolean, isRate: boolean): number | undefined {
  const last = hi - 1
  if (last - lo < 1) return undefined
  let result = values[last]! - values[lo]!
  if (isCounter) for (let i = lo + 1; i <= last; i++) if (values[i]! < values[i - 1]!) result += values[i - 1]!
  let toStart = (times[lo]! - startMs) / 1000
  let toEnd = (endMs - times[last]!) / 1000
  const sampled = (times[last]! - times[lo]!) / 1000
  const between = sampled / (last - lo)
  const threshold = between * 1.1
  if (toStart >= threshold) toStart = between / 2
  if (isCounter && result > 0 && values[lo]! >= 0) toStart = Math.min(toStart, sampled * (values[lo]! / result))
  if (toEnd >= threshold) toEnd = between / 2
  let factor = sampled === 0 ? 1 : (sampled + toStart + toEnd) / sampled
  if (isRate) factor /= (endMs - startMs) / 1000
  return result * factor
}

function instant({ times, values, lo, hi }: Window, isRate: boolean): number | undefined {
  if (hi - lo < 2) return undefined
  const [before, last] = [values[hi - 2]!, values[hi - 1]!]
  const ms = times[hi - 1]! - times[hi - 2]!
  if (ms === 0) return undefined
  const change = isRate && last < before ? last : last - before
  return isRate ? change / (ms / 1000) : change
}

/** Least squares over seconds since `interceptMs`. */
function regression({ times, values, lo, hi }: Window, interceptMs: number): { slope: number; intercept: number } {
  const [sumX, sumY, sumXY, sumX2] = [new KahanSum(), new KahanSum(), new KahanSum(), new KahanSum()]
  const first = values[lo]!
  let isConstant = true
  for (let i = lo; i < hi; i++) {
    const x = (times[i]! - interceptMs) / 1000
    const y = values[i]!
    if (y !== first) isConstant = false
    sumX.add(x)
    sumY.add(y)
    sumXY.add(x * y)
    sumX2.add(x * x)
  }
  if (isConstant) return Number.isFinite(first) ? { slope: 0, intercept: first } : { slope: NaN, intercept: NaN }
  const n = hi - lo
  const slope = (sumXY.total - (sumX.total * sumY.total) / n) / (sumX2.total - (sumX.total * sumX.total) / n)
  return { slope, intercept: sumY.total / n - (slope * sumX.total) / n }
}

function variance({ values, lo, hi }: Window): number {
  const [mean, squares] = [new KahanSum(), new KahanSum()]
  for (let i = lo; i < hi; i++) {
    const delta = values[i]! - mean.total
    mean.add(delta / (i - lo + 1))
    squares.add(delta * (values[i]! - mean.total))
  }
  return squares.total / (hi - lo)
}

function doubleExponential({ values, lo, hi }: Window, smoothing: number, trend: number): number | undefined {
  const shown = (value: number) => value.toFixed(6)
  if (smoothing <= 0 || smoothing >= 1) throw new QueryError(`invalid smoothing factor. Expected: 0 < sf < 1, got: ${shown(smoothing)}`)
  if (trend <= 0 || trend >= 1) throw new QueryError(`invalid trend factor. Expected: 0 < tf < 1, got: ${shown(trend)}`)
  if (hi - lo < 2) return undefined
  let before = 0
  let now = values[lo]!
  let b = values[lo + 1]! - values[lo]!
  for (let i = lo + 1; i < hi; i++) {
    if (i > lo + 1) b = trend * (now - before) + (1 - trend) * b
    const next = smoothing * values[i]! + (1 - smoothing) * (now + b)
    before = now
    now = next
  }
  return now
}

function extreme({ values, lo, hi }: Window, isBetter: (a: number, b: number) => boolean, orEqual = false): number {
  let at = lo
  for (let i = lo + 1; i < hi; i++) if (isBetter(values[i]!, values[at]!) || Number.isNaN(values[at]!) || (orEqual && values[i] === values[at])) at = i
  return at
}

const larger = (a: number, b: number) => a > b
const smaller = (a: number, b: number) => a < b
const inWindow = ({ values, lo, hi }: Window) => Array.from(values.subarray(lo, hi))

/** Functions of a range that give one number for each series; `args` are the scalars beside the range. */
export const RANGE_FUNCTIONS: Readonly<Record<string, RangeFunction>> = {
  rate: (window) => extrapolated(window, true, true),
  increase: (window) => extrapolated(window, true, false),
  delta: (window) => extrapolated(window, false, false),
  irate: (window) => instant(window, true),
  idelta: (window) => instant(window, false),
  deriv: (window) => window.hi - window.lo < 2 ? undefined : regression(window, window.times[window.lo]!).slope,
  predict_linear(window, [seconds = 0]) {
    if (window.hi - window.lo < 2) return undefined
    const { slope, intercept } = regression(window, window.timeMs)
    return slope * seconds + intercept
  },
  double_exponential_smoothing: (window, [smoothing = 0, trend = 0]) => doubleExponential(window, smoothing, trend),
  sum_over_time({ values, lo, hi }) {
    const sum = new KahanSum()
    for (let i = lo; i < hi; i++) sum.add(values[i]!)
    return sum.total
  },
  avg_over_time({ values, lo, hi }) {
    const mean = new Mean()
    for (let i = lo; i < hi; i++) mean.add(values[i]!)
    return mean.value
  },
  count_over_time: ({ lo, hi }) => hi - lo,
  present_over_time: () => 1,
  first_over_time: ({ values, lo }) => values[lo],
  last_over_time: ({ values, hi }) => values[hi - 1],
  max_over_time: (window) => window.values[extreme(window, larger)],
  min_over_time: (window) => window.values[extreme(window, smaller)],
  ts_of_first_over_time: ({ times, lo }) => times[lo]! / 1000,
  ts_of_last_over_time: ({ times, hi }) => times[hi - 1]! / 1000,
  ts_of_max_over_time: (window) => window.times[extreme(window, larger, true)]! / 1000,
  ts_of_min_over_time: (window) => window.times[extreme(window, smaller, true)]! / 1000,
  stddev_over_time: (window) => Math.sqrt(variance(window)),
  stdvar_over_time: variance,
  quantile_over_time: (window, [q = NaN]) => quantileOf(q, inWindow(window)),
  mad_over_time(window) {
    const values = inWindow(window)
    if (values.some(Number.isNaN)) return NaN
    const median = quantileOf(0.5, [...values])
    return quantileOf(0.5, values.map((value) => Math.abs(value - median)))
  },
  changes({ values, lo, hi }) {
    let count = 0
    for (let i = lo + 1; i < hi; i++) if (values[i] !== values[i - 1] && !(Number.isNaN(values[i]!) && Number.isNaN(values[i - 1]!))) count++
    return count
  },
  resets({ values, lo, hi }) {
    let count = 0
    for (let i = lo + 1; i < hi; i++) if (values[i]! < values[i - 1]!) count++
    return count
  },
}

/** Those whose results are still the metric itself. */
export const KEEPS_NAME: ReadonlySet<string> = new Set(['first_over_time', 'last_over_time'])
/** Those that only make sense for counters. */
export const FOR_COUNTERS: ReadonlySet<string> = new Set(['rate', 'increase', 'irate'])
