/** A classic histogram's bucket: how many observations were at most `upperBound`. */
export interface Bucket {
  upperBound: number
  count: number
}

const SMALL_DELTA = 1e-12

export interface Quantile {
  value: number
  /** Counts went down and were put right. */
  forcedMonotonic: boolean
}

/** k8s: prometheus promql/quantile.go BucketQuantile */
export function bucketQuantile(q: number, given: Bucket[]): Quantile {
  const plain = (value: number): Quantile => ({ value, forcedMonotonic: false })
  if (Number.isNaN(q)) return plain(NaN)
  if (q < 0) return plain(-Infinity)
  if (q > 1) return plain(Infinity)
  const buckets = sorted(given)
  if (buckets.at(-1)?.upperBound !== Infinity) return plain(NaN)
  const forcedMonotonic = makeMonotonic(buckets)
  if (buckets.length < 2) return { value: NaN, forcedMonotonic }
  const observations = buckets.at(-1)!.count
  if (observations === 0) return { value: NaN, forcedMonotonic }
  let rank = q * observations
  const last = buckets.length - 1
  let at = 0
  while (at < last && !(buckets[at]!.count >= rank)) at++
  if (at === last) return { value: buckets[last - 1]!.upperBound, forcedMonotonic }
  if (at === 0 && buckets[0]!.upperBound <= 0) return { value: buckets[0]!.upperBound, forcedMonotonic }
  let from = 0
  let count = buckets[at]!.count
  if (at > 0) {
    from = buckets[at - 1]!.upperBound
    count -= buckets[at - 1]!.count
    rank -= buckets[at - 1]!.count
  }
  return { value: from + (buckets[at]!.upperBound - from) * (rank / count), forcedMonotonic }
}

/** Which share of the observations lies between two values. k8s: prometheus promql/quantile.go BucketFraction */
export function bucketFraction(lower: number, upper: number, given: Bucket[]): number {
  const buckets = sorted(given)
  if (buckets.at(-1)?.upperBound !== Infinity) return NaN
  const total = buckets.at(-1)!.count
  if (total === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return NaN
  if (lower >= upper) return 0
  const rankOf = (value: number): number => {
    let rank = 0
    let from = buckets[0]!.upperBound <= 0 ? -Infinity : 0
    for (const { upperBound, count } of buckets) {
      if (from >= value) return rank
      if (upperBound > value) return from === -Infinity ? count : rank + (count - rank) * (value - from) / (upperBound - from)
      rank = count
      from = upperBound
    }
    return total
  }
  return (Math.min(rankOf(upper), total) - Math.min(rankOf(lower), total)) / total
}

/** By bound, those with the same one added up. */
function sorted(given: Bucket[]): Bucket[] {
  given.sort((a, b) => a.upperBound - b.upperBound || 0)
  const out: Bucket[] = []
  for (const bucket of given) {
    const last = out.at(-1)
    if (last?.upperBound === bucket.upperBound) last.count += bucket.count
    else out.push({ ...bucket })
  }
  return out
}

function makeMonotonic(buckets: Bucket[]): boolean {
  let forced = false
  let previous = buckets[0]!.count
  for (const bucket of buckets.slice(1)) {
    if (bucket.count === previous) continue
    if (Math.abs(bucket.count - previous) < SMALL_DELTA * (Math.abs(bucket.count) + Math.abs(previous))) bucket.count = previous
    else if (bucket.count < previous) { bucket.count = previous; forced = true }
    else previous = bucket.count
  }
  return forced
}
