/** Samples of a series that will not change: what is regular takes no room. */
export interface Chunk {
  fromMs: number
  toMs: number
  count: number
  /** What it takes, about. */
  bytes: number
  timeAt(i: number): number
  valueAt(i: number): number
  /** Indices at which the series ended. */
  stale: readonly number[] | undefined
}

/** What a chunk's object takes besides its arrays. */
const OVERHEAD_BYTES = 120

/** Packs samples: times of one distance are two numbers, values that stay the same one, small steps two bytes each. */
export function packChunk(times: readonly number[], values: readonly number[], stale: readonly number[] | undefined): Chunk {
  const count = times.length
  const first = times[0]!
  const step = count > 1 ? times[1]! - first : 0
  const isRegular = times.every((time, i) => time === first + i * step)
  const offsets = isRegular ? undefined : Uint32Array.from(times, (time) => time - first)
  const packed = packValues(values)
  return {
    fromMs: first, toMs: times[count - 1]!, count, stale, bytes: OVERHEAD_BYTES + (offsets?.byteLength ?? 0) + packed.bytes,
    timeAt: offsets ? (i) => first + offsets[i]! : (i) => first + i * step,
    valueAt: packed.at,
  }
}

function packValues(values: readonly number[]): { bytes: number; at: (i: number) => number } {
  const base = values[0]!
  if (values.every((value) => Object.is(value, base))) return { bytes: 8, at: () => base }
  if (values.every((value) => Number.isSafeInteger(value) && !Object.is(value, -0))) {
    const distances = values.map((value) => value - base)
    const most = Math.max(...distances.map(Math.abs))
    if (most < 2 ** 15) { const small = Int16Array.from(distances); return { bytes: small.byteLength, at: (i) => base + small[i]! } }
    if (most < 2 ** 31) { const middle = Int32Array.from(distances); return { bytes: middle.byteLength, at: (i) => base + middle[i]! } }
  }
  const whole = Float64Array.from(values)
  return { bytes: whole.byteLength, at: (i) => whole[i]! }
}
