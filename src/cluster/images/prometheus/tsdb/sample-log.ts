import type { Proc } from '../../../../unix/types.ts'
import { Labels } from '../labels.ts'
import type { MemSeries, Storage } from './storage.ts'

/** A log that has grown to this is written anew, from what is kept. */
const MOST_BYTES = 24 * 2 ** 20
/** What a sample takes in the log, about. */
const SAMPLE_BYTES = 24
/** Series that are handled in one go. */
const PORTION = 100

/**
 * Samples in a file of the data directory, so that they are there after a restart with the same volume. Once a minute what came since is added,
 * a line for each series: its number, with its labels where it is new, then times and values; what a killed process hadn't written is lost.
 */
export class SampleLog {
  readonly #proc: Proc
  readonly #path: string
  readonly #storage: Storage
  readonly #mostBytes: number
  #fresh = new Map<MemSeries, string>()
  readonly #named = new Set<MemSeries>()
  #bytes = 0

  constructor(proc: Proc, folder: string, storage: Storage, mostBytes = MOST_BYTES) {
    this.#proc = proc
    this.#mostBytes = mostBytes
    this.#path = `${folder}/samples.log`
    this.#storage = storage
    storage.onAppend = (series, timeMs, value, isStale) => { this.#fresh.set(series, `${this.#fresh.get(series) ?? ''} ${timeMs} ${isStale ? 'stale' : value}`) }
  }

  /** Takes up what an earlier process wrote. */
  async load(): Promise<void> {
    const { fs, clock } = this.#proc
    if (!fs.exists(this.#path)) return
    const byNumber = new Map<string, MemSeries>()
    const text = fs.readText(this.#path)
    this.#bytes = text.length
    const { onAppend } = this.#storage
    this.#storage.onAppend = undefined
    let count = 0
    for (let at = 0; at < text.length;) {
      let end = text.indexOf('\n', at)
      // What a killed process was about to write.
      if (end < 0) end = text.length
      const line = text.slice(at, end)
      at = end + 1
      if (++count % PORTION === 0) await clock.breathe()
      const labelsAt = line.indexOf(' [')
      const number = line.slice(0, line.indexOf(' '))
      let rest = line.slice(number.length + 1)
      if (labelsAt === number.length) {
        const close = line.lastIndexOf(']')
        try { byNumber.set(number, this.#storage.seriesOf(Labels.of(pairs(JSON.parse(line.slice(labelsAt + 1, close + 1)) as string[])))) } catch { continue }
        rest = line.slice(close + 2)
      }
      const series = byNumber.get(number)
      if (!series) continue
      const words = rest.split(' ')
      for (let i = 0; i + 1 < words.length; i += 2) this.#storage.append(series, Number(words[i]), words[i + 1] === 'stale' ? NaN : Number(words[i + 1]), words[i + 1] === 'stale')
    }
    this.#storage.onAppend = onAppend
    // Numbers are those of this process from now on.
    await this.#rewrite()
  }

  /** Adds what came since. */
  async save(): Promise<void> {
    if (this.#bytes > this.#mostBytes) { await this.#rewrite(); return }
    const fresh = this.#fresh
    this.#fresh = new Map()
    let piece = ''
    let count = 0
    for (const [series, samples] of fresh) {
      piece += this.#line(series, samples)
      if (++count % PORTION > 0) continue
      this.#write(piece, true)
      piece = ''
      await this.#proc.clock.breathe()
    }
    this.#write(piece, true)
  }

  #line(series: MemSeries, samples: string): string {
    const isNew = !this.#named.has(series)
    if (isNew) this.#named.add(series)
    return `${series.ref}${isNew ? ` ${JSON.stringify(series.labels.flat)}` : ''}${samples}\n`
  }

  #write(text: string, append: boolean): void {
    if (text === '' && append) return
    try {
      this.#proc.fs.writeFile(this.#path, text, { append })
    } catch (error) {
      // Labels that weren't written must come again.
      this.#named.clear()
      throw error
    }
    this.#bytes = (append ? this.#bytes : 0) + text.length
  }

  async #rewrite(): Promise<void> {
    this.#fresh = new Map()
    this.#named.clear()
    // The newest only, as many as half of the room takes.
    const share = this.#mostBytes / 2 / (this.#storage.sampleCount * SAMPLE_BYTES)
    const nowMs = this.#proc.clock.nowMs()
    const fromMs = share < 1 ? nowMs - (nowMs - this.#storage.oldestMs) * share : -Infinity
    this.#write('', false)
    for (const series of [...this.#storage.all()]) {
      // Gone while others were written.
      if (!this.#storage.holds(series)) continue
      let text = ''
      for (const chunk of series.chunks) for (let i = 0; i < chunk.count; i++) if (chunk.timeAt(i) >= fromMs) text += ` ${chunk.timeAt(i)} ${chunk.stale?.includes(i) ? 'stale' : chunk.valueAt(i)}`
      series.times.forEach((time, i) => { if (time >= fromMs) text += ` ${time} ${series.stale?.includes(i) ? 'stale' : series.values[i]}` })
      // What came while this was written is in it.
      this.#fresh.delete(series)
      if (text) this.#write(this.#line(series, text), true)
      await this.#proc.clock.breathe()
    }
  }
}

function* pairs(flat: readonly string[]): Generator<[string, string]> {
  for (let i = 0; i + 1 < flat.length; i += 2) yield [flat[i]!, flat[i + 1]!]
}
