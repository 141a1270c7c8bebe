import { numberText, type MetricFamily, type Sample } from './prometheus.ts'

/** Counts per bucket and their sum. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = bounds.map(() => 0)
  }

  observe(value: number): void {
    this.#count++
    this.#sum += value
    const at = this.#bounds.findIndex((bound) => value <= bound)
    if (at >= 0) this.#counts[at]!++
  }

  samples(labels: Record<string, string>): Sample[] {
    let below = 0
    const buckets = this.#bounds.map((bound, i) => ({ suffix: '_bucket', labels, le: numberText(bound), value: (below += this.#counts[i]!) }))
    return [...buckets, { suffix: '_bucket', labels, le: '+Inf', value: this.#count }, { suffix: '_sum', labels, value: this.#sum }, { suffix: '_count', labels, value: this.#count }]
  }
}

/** Bounds that grow by a factor. k8s: metrics.ExponentialBuckets */
export function exponentialBuckets(first: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first * factor ** i)
}

export type MetricLabels = Readonly<Record<string, string>>

/** A value for each combination of labels, which all name the same labels in the same order. */
class MetricVector<T> {
  readonly #make: () => T
  readonly #values = new Map<string, { labels: MetricLabels; value: T }>()

  constructor(make: () => T) {
    this.#make = make
  }

  get(labels: MetricLabels): { labels: MetricLabels; value: T } {
    const key = Object.values(labels).join('\0')
    let known = this.#values.get(key)
    if (!known) this.#values.set(key, known = { labels, value: this.#make() })
    return known
  }

  all(): IterableIterator<{ labels: MetricLabels; value: T }> {
    return this.#values.values()
  }
}

/** A counter for each combination of labels. */
export class CounterVector {
  readonly #counts = new MetricVector(() => 0)

  add(labels: MetricLabels, by = 1): void {
    this.#counts.get(labels).value += by
  }

  samples(): Sample[] {
    return [...this.#counts.all()]
  }
}

/** A histogram for each combination of labels. */
export class HistogramVector {
  readonly #histograms: MetricVector<Histogram>

  constructor(bounds: readonly number[]) {
    this.#histograms = new MetricVector(() => new Histogram(bounds))
  }

  observe(labels: MetricLabels, value: number): void {
    this.#histograms.get(labels).value.observe(value)
  }

  samples(): Sample[] {
    return [...this.#histograms.all()].flatMap(({ labels, value }) => value.samples({ ...labels }))
  }
}

/** A family of which there is one value without labels, or a list of samples. */
export function metricFamily(type: MetricFamily['type'], name: string, help: string, value: number | Iterable<Sample>): MetricFamily {
  return { name, help, type, samples: typeof value === 'number' ? [{ value }] : value }
}
