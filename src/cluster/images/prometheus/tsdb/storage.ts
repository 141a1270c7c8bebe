import { Labels, compareText } from '../labels.ts'
import type { Matcher } from '../promql/matchers.ts'
import type { SeriesData } from '../promql/values.ts'
import { packChunk } from './chunk.ts'
import type { Chunk } from './chunk.ts'

const CHUNK_SAMPLES = 120
/** What a sample that isn't packed yet and a series take, about. */
const OPEN_SAMPLE_BYTES = 16
const SERIES_BYTES = 500
/** Samples as young as this stay even when there are too many. */
const SPARED_MS = 120_000
/** Series whose samples are unpacked in one go. */
const PORTION = 32

/** A series in memory. */
export class MemSeries {
  readonly labels: Labels
  readonly ref: number
  readonly chunks: Chunk[] = []
  times: number[] = []
  values: number[] = []
  stale: number[] | undefined
  lastMs = -Infinity
  lastValue = NaN
  isStale = true

  constructor(labels: Labels, ref: number) {
    this.labels = labels
    this.ref = ref
  }
}

export interface StorageOptions {
  /** How long samples are kept. */
  retentionMs: number
  /** Most that all samples may take; the oldest go first. */
  maxBytes: number
}

export type AppendResult = 'added' | 'out of order' | 'duplicate'

/** Series with their samples, in memory, found by their labels. */
export class Storage {
  readonly #options: StorageOptions
  readonly #series = new Map<string, MemSeries>()
  /** By label and value. */
  readonly #postings = new Map<string, Map<string, Set<MemSeries>>>()
  #nextRef = 1
  #chunkBytes = 0
  appendedSamples = 0
  createdSeries = 0
  removedSeries = 0
  outOfOrderSamples = 0
  /** Told of what is added, for those who keep it elsewhere. */
  onAppend: ((series: MemSeries, timeMs: number, value: number, isStale: boolean) => void) | undefined

  constructor(options: StorageOptions) {
    this.#options = options
  }

  get seriesCount(): number {
    return this.#series.size
  }

  get bytes(): number {
    return this.#chunkBytes + this.#series.size * (SERIES_BYTES + (CHUNK_SAMPLES / 2) * OPEN_SAMPLE_BYTES)
  }

  all(): IterableIterator<MemSeries> {
    return this.#series.values()
  }

  /** The series of these labels, made if there is none. */
  seriesOf(labels: Labels): MemSeries {
    const known = this.#series.get(labels.key)
    if (known) return known
    const series = new MemSeries(labels, this.#nextRef++)
    this.#series.set(labels.key, series)
    this.createdSeries++
    for (const [name, value] of labels) {
      let values = this.#postings.get(name)
      if (!values) this.#postings.set(name, values = new Map())
      let found = values.get(value)
      if (!found) values.set(value, found = new Set())
      found.add(series)
    }
    return series
  }

  /** Whether the series is still the one that queries find. */
  holds(series: MemSeries): boolean {
    return this.#series.get(series.labels.key) === series
  }

  append(series: MemSeries, timeMs: number, value: number, isStale = false): AppendResult {
    if (timeMs <= series.lastMs) {
      if (timeMs === series.lastMs && Object.is(value, series.lastValue)) return 'added'
      this.outOfOrderSamples++
      return timeMs === series.lastMs ? 'duplicate' : 'out of order'
    }
    if (series.times.length >= CHUNK_SAMPLES) this.#pack(series)
    if (isStale) (series.stale ??= []).push(series.times.length)
    series.times.push(timeMs)
    series.values.push(value)
    series.lastMs = timeMs
    series.lastValue = value
    series.isStale = isStale
    this.appendedSamples++
    this.onAppend?.(series, timeMs, value, isStale)
    return 'added'
  }

  #pack(series: MemSeries): void {
    const chunk = packChunk(series.times, series.values, series.stale)
    series.chunks.push(chunk)
    this.#chunkBytes += chunk.bytes
    series.times = []
    series.values = []
    series.stale = undefined
  }

  /** Series that fit, in no order. */
  matching(matchers: readonly Pick<Matcher, 'name' | 'matches'>[]): MemSeries[] {
    let candidates: Set<MemSeries>[] | undefined
    let fewest = Infinity
    for (const matcher of matchers) {
      if (matcher.matches('')) continue
      const found: Set<MemSeries>[] = []
      let size = 0
      for (const [value, series] of this.#postings.get(matcher.name) ?? []) if (matcher.matches(value)) { found.push(series); size += series.size }
      if (size < fewest) { fewest = size; candidates = found }
      if (size === 0) return []
    }
    const out: MemSeries[] = []
    for (const group of candidates ?? [this.#series.values()]) for (const series of group) if (matchers.every((matcher) => matcher.matches(series.labels.get(matcher.name)))) out.push(series)
    return out
  }

  /** Samples after `fromMs` up to `toMs`; a little more may come with them. Lets others have their turn. */
  async select(matchers: readonly Pick<Matcher, 'name' | 'matches'>[], fromMs: number, toMs: number, breathe: () => Promise<void>): Promise<SeriesData[]> {
    const out: SeriesData[] = []
    let count = 0
    for (const series of this.matching(matchers)) {
      if (++count % PORTION === 0) await breathe()
      const data = samplesOf(series, fromMs, toMs)
      if (data) out.push(data)
    }
    return out
  }

  labelNames(series?: readonly MemSeries[]): string[] {
    const names = series ? new Set(series.flatMap(({ labels }) => labels.flat.filter((_, i) => i % 2 === 0))) : this.#postings.keys()
    return [...names].sort(compareText)
  }

  labelValues(name: string, series?: readonly MemSeries[]): string[] {
    const values = series ? new Set(series.map(({ labels }) => labels.get(name)).filter(Boolean)) : this.#postings.get(name)?.keys() ?? []
    return [...values].sort(compareText)
  }

  /** How many series there are for each value of a label. */
  *counts(): Generator<[name: string, value: string, series: number]> {
    for (const [name, values] of this.#postings) for (const [value, series] of values) yield [name, value, series.size]
  }

  /** Lets go of what is too old, or too much; series that have ended go with their last sample. */
  prune(nowMs: number): void {
    this.#dropBefore(nowMs - this.#options.retentionMs)
    if (this.bytes <= this.#options.maxBytes) return
    const lastFromMs = nowMs - SPARED_MS
    // A tenth of the time at once, so that there is room for a while. What isn't packed yet stays with its series, however old.
    for (let keptFromMs = this.oldestMs; this.bytes > this.#options.maxBytes && keptFromMs < lastFromMs;) {
      keptFromMs = Math.min(keptFromMs + (nowMs - keptFromMs) / 10, lastFromMs)
      this.#dropBefore(keptFromMs)
    }
  }

  /** Samples of all series. */
  get sampleCount(): number {
    let count = 0
    for (const { chunks, times } of this.#series.values()) count += times.length + chunks.reduce((sum, chunk) => sum + chunk.count, 0)
    return count
  }

  get chunkCount(): number {
    let count = 0
    for (const { chunks, times } of this.#series.values()) count += chunks.length + Number(times.length > 0)
    return count
  }

  get newestMs(): number {
    let newestMs = -Infinity
    for (const { lastMs } of this.#series.values()) newestMs = Math.max(newestMs, lastMs)
    return newestMs
  }

  get oldestMs(): number {
    let oldestMs = Infinity
    for (const { chunks, times } of this.#series.values()) oldestMs = Math.min(oldestMs, chunks[0]?.fromMs ?? times[0] ?? Infinity)
    return oldestMs
  }

  #dropBefore(timeMs: number): void {
    for (const series of this.#series.values()) {
      while (series.chunks.length > 0 && series.chunks[0]!.toMs < timeMs) this.#chunkBytes -= series.chunks.shift()!.bytes
      if (series.lastMs < timeMs && series.chunks.length === 0) this.#remove(series)
    }
  }

  /** Deletes samples of series that fit; whole series only. */
  delete(matchers: readonly Matcher[]): void {
    for (const series of this.matching(matchers)) this.#remove(series)
  }

  #remove(series: MemSeries): void {
    for (const chunk of series.chunks) this.#chunkBytes -= chunk.bytes
    this.#series.delete(series.labels.key)
    this.removedSeries++
    for (const [name, value] of series.labels) {
      const values = this.#postings.get(name)!
      values.get(value)?.delete(series)
      if (values.get(value)?.size === 0) values.delete(value)
      if (values.size === 0) this.#postings.delete(name)
    }
  }
}

function samplesOf({ labels, chunks, times, values, stale }: MemSeries, fromMs: number, toMs: number): SeriesData | undefined {
  const wanted = chunks.filter((chunk) => chunk.toMs >= fromMs && chunk.fromMs <= toMs)
  const hasOpen = times.length > 0 && times.at(-1)! >= fromMs && times[0]! <= toMs
  const most = wanted.reduce((sum, { count }) => sum + count, 0) + (hasOpen ? times.length : 0)
  if (most === 0) return undefined
  const outTimes = new Float64Array(most)
  const outValues = new Float64Array(most)
  let marks: Uint8Array | undefined
  let count = 0
  const add = (time: number, value: number, isStale: boolean) => {
    if (time < fromMs || time > toMs) return
    outTimes[count] = time
    outValues[count] = value
    if (isStale) (marks ??= new Uint8Array(most))[count] = 1
    count++
  }
  for (const chunk of wanted) for (let i = 0; i < chunk.count; i++) add(chunk.timeAt(i), chunk.valueAt(i), chunk.stale?.includes(i) ?? false)
  if (hasOpen) for (let i = 0; i < times.length; i++) add(times[i]!, values[i]!, stale?.includes(i) ?? false)
  if (count === 0) return undefined
  return { labels, times: outTimes.subarray(0, count), values: outValues.subarray(0, count), ...(marks ? { stale: marks.subarray(0, count) } : {}) }
}
