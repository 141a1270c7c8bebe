import type { Clock, Timer } from '../../base/clock.ts'
import type { QueueCounters } from './work-queue-metrics.ts'

/** k8s: client-go/util/workqueue DefaultTypedControllerRateLimiter */
const FIRST_BACKOFF_MS = 5
const MAX_BACKOFF_MS = 1_000_000
const BUCKET_QPS = 10
const BUCKET_BURST = 100

/** How what failed comes back. k8s: client-go/util/workqueue TypedRateLimiter */
export interface Retry {
  /** Wait after the first failure (default 5 ms), doubled with each further one. */
  firstMs?: number
  /** The longest wait (default 1000 s). */
  maxMs?: number
  /** Whether retries of all keys together are limited too, ten a second after the first hundred (default). */
  isLimited?: boolean
  /** A key that has failed so often in a row is left alone until something adds it anew (default: never). */
  times?: number
}

export interface WorkQueueOptions {
  clock: Clock
  /** Does one key's work. Never called for the same key twice at once. A rejection is the caller's to handle inside. */
  process: (key: string) => Promise<void>
  /** How many keys are worked on at once. */
  workers?: number
  /**
   * Least cluster time between two runs for a key. In-process writes take microseconds where etcd's disk takes milliseconds; without
   * it a controller would run (and write status) for every single event of a burst.
   */
  minIntervalMs?: number | ((key: string) => number)
  retry?: Retry
  /** Counts what goes on. */
  counters?: QueueCounters
}

/**
 * Keys waiting for work: a key that is added many times waits once; a key that is added while being worked on is worked on again
 * afterwards. k8s: client-go/util/workqueue
 */
export class WorkQueue {
  readonly #clock: Clock
  readonly #process: (key: string) => Promise<void>
  readonly #workers: number
  readonly #retry: Required<Retry>
  readonly #counters: QueueCounters | undefined
  readonly #minIntervalMs: ((key: string) => number) | undefined
  /** Insertion order is working order. */
  readonly #ready = new Set<string>()
  readonly #processing = new Set<string>()
  readonly #dirty = new Set<string>()
  readonly #delayed = new Map<string, { dueMs: number; timer: Timer }>()
  readonly #failures = new Map<string, number>()
  readonly #lastRunMs = new Map<string, number>()
  #bucketMs = -Infinity
  #running = 0
  #pumping = false
  #stopped = false

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock
    this.#process = options.process
    this.#workers = options.workers ?? 5
    this.#retry = { firstMs: FIRST_BACKOFF_MS, maxMs: MAX_BACKOFF_MS, isLimited: true, times: Infinity, ...options.retry }
    this.#counters = options.counters
    const { minIntervalMs } = options
    this.#minIntervalMs = typeof minIntervalMs === 'number' ? () => minIntervalMs : minIntervalMs
  }

  /** Keys that wait or are worked on. */
  get size(): number {
    return this.#ready.size + this.#processing.size
  }

  add(key: string): void {
    if (this.#stopped) return
    if (this.#processing.has(key)) {
      // It waits from now on, though only who works on it puts it back. Where there is a least time between runs, it isn't in the queue before that.
      if (!this.#dirty.has(key) && !this.#minIntervalMs) this.#counters?.added(key, this.#clock.nowMs())
      this.#dirty.add(key)
      return
    }
    if (this.#ready.has(key)) return
    if (this.#minIntervalMs) {
      const restMs = (this.#lastRunMs.get(key) ?? -Infinity) + this.#minIntervalMs(key) - this.#clock.nowMs()
      if (restMs > 0) {
        this.addAfter(key, restMs)
        return
      }
    }
    this.#counters?.added(key, this.#clock.nowMs())
    this.#ready.add(key)
    this.#pump()
  }

  /** Adds the key once `delayMs` of cluster time have passed; of several delays for a key the shortest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#stopped) return
    if (delayMs <= 0) {
      this.add(key)
      return
    }
    const dueMs = this.#clock.nowMs() + delayMs
    const waiting = this.#delayed.get(key)
    if (waiting) {
      if (waiting.dueMs <= dueMs) return
      waiting.timer.cancel()
    }
    this.#delayed.set(key, { dueMs, timer: this.#clock.after(delayMs, () => { this.#delayed.delete(key); this.add(key) }) })
  }

  /** Adds the key after a back-off that doubles with every failure since {@link forget}. */
  addRateLimited(key: string): void {
    const { firstMs, maxMs, isLimited, times } = this.#retry
    const failures = this.#failures.get(key) ?? 0
    if (failures >= times) {
      this.#failures.delete(key)
      return
    }
    this.#failures.set(key, failures + 1)
    if (this.#counters) this.#counters.retries++
    this.addAfter(key, Math.max(Math.min(firstMs * 2 ** failures, maxMs), isLimited ? this.#bucketDelayMs() : 0))
  }

  /** How often the key failed in a row. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0
  }

  forget(key: string): void {
    this.#failures.delete(key)
  }

  stop(): void {
    this.#stopped = true
    for (const { timer } of this.#delayed.values()) timer.cancel()
    this.#delayed.clear()
    this.#ready.clear()
    this.#dirty.clear()
  }

  /** Overall limit of retries: a bucket of tokens. */
  #bucketDelayMs(): number {
    const now = this.#clock.nowMs()
    const perTokenMs = 1000 / BUCKET_QPS
    // The moment at which the token taken now is (or was) there.
    this.#bucketMs = Math.max(this.#bucketMs + perTokenMs, now - (BUCKET_BURST - 1) * perTokenMs)
    return Math.max(0, this.#bucketMs - now)
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    // Later in the same turn, so that a batch of events becomes one run per key.
    void Promise.resolve().then(() => {
      this.#pumping = false
      while (!this.#stopped && this.#running < this.#workers && this.#ready.size > 0) void this.#work()
    })
  }

  async #work(): Promise<void> {
    this.#running++
    try {
      for (;;) {
        const next = this.#ready.values().next()
        if (next.done || this.#stopped) return
        const key = next.value
        this.#ready.delete(key)
        this.#processing.add(key)
        await this.#clock.breathe()
        this.#counters?.began(key, this.#clock.nowMs())
        if (this.#minIntervalMs) this.#lastRunMs.set(key, this.#clock.nowMs())
        try {
          await this.#process(key)
        } finally {
          this.#processing.delete(key)
          this.#counters?.ended(key, this.#clock.nowMs())
          if (this.#dirty.delete(key)) this.add(key)
          else if (this.#minIntervalMs && this.#lastRunMs.size > 10_000) this.#lastRunMs.clear()
        }
      }
    } finally {
      this.#running--
    }
  }
}
