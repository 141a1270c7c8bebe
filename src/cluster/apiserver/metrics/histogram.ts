import type { Sample } from '../../../base/prometheus.ts'

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
    const buckets = this.#bounds.map((bound, i) => ({ suffix: '_bucket', labels, le: String(bound), value: (below += this.#counts[i]!) }))
    return [...buckets, { suffix: '_bucket', labels, le: '+Inf', value: this.#count }, { suffix: '_sum', labels, value: this.#sum }, { suffix: '_count', labels, value: this.#count }]
  }
}
