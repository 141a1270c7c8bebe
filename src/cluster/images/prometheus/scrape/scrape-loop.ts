import type { Proc } from '../../../../unix/types.ts'
import type { ScrapeConfig } from '../config/load.ts'
import { relabelSeries } from '../config/relabel.ts'
import { durationText } from '../durations.ts'
import { Labels, METRIC_NAME } from '../labels.ts'
import type { MemSeries, Storage } from '../tsdb/storage.ts'
import { HttpClient } from './http-client.ts'
import type { TargetSpec } from './target.ts'
import { parseSeries, parseTextFormat } from './text-format.ts'
import type { MetricMetadata } from './text-format.ts'

const ACCEPT = 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1'
/** Samples that are looked at in one go. */
const PORTION = 200
/** What is kept of each scrape itself. */
const REPORTS = ['up', 'scrape_duration_seconds', 'scrape_samples_scraped', 'scrape_samples_post_metric_relabeling', 'scrape_series_added'] as const

/** What a target's page says of a series of it. */
interface Known { series: MemSeries | undefined; seenIn: number; /** With a time of its own. */ isTimed: boolean }

/** Asks one target again and again, and keeps what it says. */
export class ScrapeLoop {
  readonly spec: TargetSpec
  readonly metadata = new Map<string, MetricMetadata>()
  lastScrapeMs: number | undefined
  lastDurationMs = 0
  lastError = ''
  /** Why every scrape fails without asking the target; empty: it doesn't. */
  refusal = ''
  health: 'unknown' | 'up' | 'down' = 'unknown'
  readonly #proc: Proc
  readonly #config: ScrapeConfig
  readonly #storage: Storage
  readonly #client: HttpClient
  readonly #version: string
  readonly #known = new Map<string, Known>()
  #round = 0
  #stopped = false
  #wake: (() => void) | undefined

  constructor(proc: Proc, config: ScrapeConfig, storage: Storage, spec: TargetSpec, version: string) {
    this.#proc = proc
    this.#config = config
    this.#storage = storage
    this.spec = spec
    this.#client = new HttpClient(proc, config.http)
    this.#version = version
  }

  /** Until it is stopped: one scrape at each interval, at an offset that the target's labels decide. */
  async run(): Promise<void> {
    const { intervalMs } = this.spec
    const offsetMs = hashOf(`${this.spec.labels.key}\xff${this.spec.url}`) % intervalMs
    const nowMs = this.#proc.clock.nowMs()
    let nextMs = Math.floor((nowMs - offsetMs) / intervalMs + 1) * intervalMs + offsetMs
    while (!this.#stopped) {
      await this.#sleep(nextMs - this.#proc.clock.nowMs())
      if (this.#stopped) return
      await this.#scrape(nextMs)
      const afterMs = this.#proc.clock.nowMs()
      nextMs = Math.max(nextMs + intervalMs, Math.floor((afterMs - offsetMs) / intervalMs) * intervalMs + offsetMs)
    }
  }

  /** Scrapes no more; somebody else may go on with the series. */
  stop(): void {
    this.#stopped = true
    this.#wake?.()
  }

  /** Marks the end of the series, too. */
  end(): void {
    this.stop()
    const nowMs = Math.floor(this.#proc.clock.nowMs())
    for (const { series, isTimed } of this.#known.values()) if (series && !isTimed) this.#end(series, nowMs)
    for (const name of REPORTS) this.#end(this.#storage.seriesOf(this.spec.labels.with(METRIC_NAME, name)), nowMs)
  }

  #end(series: MemSeries, timeMs: number): void {
    if (!series.isStale) this.#storage.append(series, timeMs, NaN, true)
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#proc.clock.after(Math.max(0, ms), resolve)
      this.#wake = () => { timer.cancel(); resolve() }
    })
  }

  async #scrape(timeMs: number): Promise<void> {
    const { clock } = this.#proc
    const startedMs = clock.nowMs()
    this.#round++
    let failure: Error | undefined
    let scraped = 0
    let kept = 0
    let added = 0
    try {
      if (this.refusal) throw new Error(this.refusal)
      const { status, text } = await this.#client.request(this.spec.url, { timeoutMs: this.spec.timeoutMs, headers: { accept: ACCEPT, 'user-agent': `Prometheus/${this.#version}`, 'x-prometheus-scrape-timeout-seconds': String(this.spec.timeoutMs / 1000) } })
      if (this.#stopped) return
      if (status !== 200) throw new Error(`server returned HTTP status ${status} ${STATUS_TEXT[status] ?? ''}`.trimEnd())
      for (const sample of parseTextFormat(text, this.metadata)) {
        if (!sample) continue
        if (++scraped % PORTION === 0) await clock.breathe()
        if (this.#stopped) return
        let known = this.#known.get(sample.series)
        if (!known || (known.series && !this.#storage.holds(known.series))) {
          const labels = this.#labelsOf(sample.series)
          known = { series: labels && this.#storage.seriesOf(labels), seenIn: 0, isTimed: false }
          this.#known.set(sample.series, known)
          if (known.series) added++
        }
        known.seenIn = this.#round
        if (!known.series) continue
        kept++
        if (this.#config.sampleLimit > 0 && kept > this.#config.sampleLimit) throw new Error('sample limit exceeded')
        known.isTimed = sample.timeMs !== undefined && this.#config.honorTimestamps
        this.#storage.append(known.series, known.isTimed ? sample.timeMs! : timeMs, sample.value)
      }
    } catch (error) {
      if (this.#proc.killed.aborted || this.#stopped) return
      failure = error as Error
    }
    for (const [key, known] of this.#known) {
      if (known.seenIn === this.#round && !failure) continue
      if (known.series && !known.isTimed) this.#end(known.series, timeMs)
      // What is back at the next scrape counts as new.
      this.#known.delete(key)
    }
    this.lastScrapeMs = startedMs
    this.lastDurationMs = clock.nowMs() - startedMs
    this.lastError = failure?.message ?? ''
    this.health = failure ? 'down' : 'up'
    const reports: Readonly<Record<typeof REPORTS[number], number>> = { up: failure ? 0 : 1, scrape_duration_seconds: this.lastDurationMs / 1000, scrape_samples_scraped: failure ? 0 : scraped, scrape_samples_post_metric_relabeling: failure ? 0 : kept, scrape_series_added: failure ? 0 : added }
    for (const name of REPORTS) this.#storage.append(this.#storage.seriesOf(this.spec.labels.with(METRIC_NAME, name)), timeMs, reports[name])
  }

  /** The series' labels with the target's; undefined where relabeling drops it. */
  #labelsOf(series: string): Labels | undefined {
    const own = new Map(parseSeries(series))
    for (const [name, value] of own) if (value === '') own.delete(name)
    const target = this.spec.labels
    if (this.#config.honorLabels) { for (const [name, value] of target) if (!own.has(name)) own.set(name, value) } else {
      for (const [name, value] of target) {
        const existing = own.get(name)
        if (existing !== undefined) {
          let other = `exported_${name}`
          while (own.has(other) || target.get(other)) other = `exported_${other}`
          own.set(other, existing)
        }
        own.set(name, value)
      }
    }
    const labels = relabelSeries(Labels.of(own), this.#config.metricRelabel)
    if (labels && this.#config.labelLimit > 0 && labels.size > this.#config.labelLimit) throw new Error(`label_limit exceeded (metric: ${JSON.stringify(labels.get(METRIC_NAME))}, number of labels: ${labels.size}, limit: ${this.#config.labelLimit})`)
    return labels && labels.get(METRIC_NAME) ? labels : undefined
  }

  get interval(): string {
    return durationText(this.spec.intervalMs)
  }
}

const STATUS_TEXT: Readonly<Record<number, string>> = { 301: 'Moved Permanently', 302: 'Found', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed', 429: 'Too Many Requests', 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout' }

/** FNV-1a, so that targets are spread over their interval in the same way at each start. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  return hash
}
