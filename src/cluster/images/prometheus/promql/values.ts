import type { Labels } from '../labels.ts'

/** Samples of one series within a time: as many times (milliseconds, ascending) as values; `stale` marks where the series ended, where it did. */
export interface SeriesData {
  labels: Labels
  times: Float64Array
  values: Float64Array
  stale?: Uint8Array
}

/** Where queries find series. */
export interface SeriesSource {
  /** Series that fit all matchers, with their samples from `fromMs` (excluded) to `toMs`. */
  select(matchers: readonly { name: string; matches(value: string): boolean }[], fromMs: number, toMs: number): Promise<SeriesData[]> | SeriesData[]
}

/** One element of an instant vector. */
export interface Sample {
  metric: Labels
  value: number
  /** When it was measured, where it comes straight from a selector. */
  sourceMs?: number
  /** Loses its name at the query's end. */
  dropsName?: boolean
}

export interface Series {
  metric: Labels
  times: number[]
  values: number[]
}

export type QueryResult =
  | { type: 'scalar'; timeMs: number; value: number }
  | { type: 'string'; timeMs: number; value: string }
  | { type: 'vector'; timeMs: number; samples: Sample[] }
  | { type: 'matrix'; series: Series[] }

/** What was noticed besides the result. */
export interface Annotations {
  warnings: Set<string>
  infos: Set<string>
}

/** Why a query can't be carried out. */
export class QueryError extends Error {}

/** strconv.FormatFloat(value, 'f', -1, 64). */
export function plainNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (Object.is(value, -0)) return '-0'
  const text = String(value)
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text)
  if (!match) return text
  const [, sign = '', first = '', rest = '', exponent = '0'] = match
  const power = Number(exponent)
  const digits = first + rest
  if (power < 0) return `${sign}0.${'0'.repeat(-power - 1)}${digits}`
  return sign + digits.padEnd(power + 1, '0')
}

/** A sum that keeps what is lost by rounding. */
export class KahanSum {
  sum = 0
  lost = 0

  add(value: number): void {
    const next = this.sum + value
    if (!Number.isFinite(next)) this.lost = 0
    else if (Math.abs(this.sum) >= Math.abs(value)) this.lost += this.sum - next + value
    else this.lost += value - next + this.sum
    this.sum = next
  }

  get total(): number {
    return this.sum + this.lost
  }
}

/** A mean that overflows only where it must. k8s: prometheus promql aggregation of AVG */
export class Mean {
  #sum = new KahanSum()
  #count = 0
  #isIncremental = false

  add(value: number): void {
    this.#count++
    if (!this.#isIncremental) {
      const before = { sum: this.#sum.sum, lost: this.#sum.lost }
      this.#sum.add(value)
      if (this.#count === 1 || Math.abs(this.#sum.sum) !== Infinity) return
      this.#isIncremental = true
      this.#sum.sum = before.sum / (this.#count - 1)
      this.#sum.lost = before.lost / (this.#count - 1)
    }
    const share = (this.#count - 1) / this.#count
    this.#sum.sum *= share
    this.#sum.lost *= share
    this.#sum.add(value / this.#count)
  }

  get value(): number {
    return this.#isIncremental ? this.#sum.total : this.#sum.sum / this.#count + this.#sum.lost / this.#count
  }
}

/** The q-quantile; sorts the values. k8s: prometheus promql quantile */
export function quantileOf(q: number, values: number[]): number {
  if (values.length === 0 || Number.isNaN(q)) return NaN
  if (q < 0) return -Infinity
  if (q > 1) return Infinity
  // NaN is the smallest.
  values.sort((a, b) => (Number.isNaN(a) ? (Number.isNaN(b) ? 0 : -1) : Number.isNaN(b) ? 1 : a - b))
  const rank = q * (values.length - 1)
  const lower = Math.max(0, Math.floor(rank))
  const upper = Math.min(values.length - 1, lower + 1)
  const weight = rank - Math.floor(rank)
  return values[lower]! * (1 - weight) + values[upper]! * weight
}
