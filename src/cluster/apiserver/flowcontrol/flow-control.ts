import type { Clock, Timer } from '../../../base/clock.ts'
import type { MetricFamily, Sample } from '../../../base/prometheus.ts'
import type { PriorityLevelConfiguration } from '../../kinds/generated/types.ts'
import type { RequestInfo } from '../request-info.ts'
import { Histogram } from '../../../base/histogram.ts'
import type { Reader, UserInfo } from '../seams.ts'
import { type Classification, FlowSchemas, PRIORITY_LEVELS } from './flow-schemas.ts'

/** kube-apiserver's --max-requests-inflight and --max-mutating-requests-inflight together. */
const SERVER_CONCURRENCY = 600
/** A quarter of the request's time is the longest it waits. k8s: priority-and-fairness.go defaultRequestWaitLimit */
const WAIT_LIMIT_MS = 15_000

// @k8s part: API priority and fairness: requests are classified, limited and queued by flow; seats aren't lent between levels, and every request takes one

/** Thrown for a request that found no place: answered with 429. */
export class TooManyRequests extends Error {}

interface Waiting {
  resolve(): void
  reject(error: TooManyRequests): void
  timer: Timer
}

/** Seconds. k8s: flowcontrol/metrics requestDurationSecondsBuckets */
const WAIT_BUCKETS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]

/** What metrics say of the requests that one schema sends to one level. */
class SchemaCounts {
  readonly labels: { flow_schema: string; priority_level: string }
  executing = 0
  waiting = 0
  dispatched = 0
  readonly rejected = new Map<string, number>()
  readonly waits = new Map<boolean, Histogram>()

  constructor(flow_schema: string, priority_level: string) {
    this.labels = { flow_schema, priority_level }
  }

  reject(reason: string): TooManyRequests {
    this.rejected.set(reason, (this.rejected.get(reason) ?? 0) + 1)
    return new TooManyRequests(reason)
  }

  waited(ms: number, execute: boolean): void {
    let histogram = this.waits.get(execute)
    if (!histogram) this.waits.set(execute, histogram = new Histogram(WAIT_BUCKETS))
    histogram.observe(ms / 1000)
  }
}

/** One priority level's seats and queues. */
class LevelState {
  level: PriorityLevelConfiguration
  limit = 1
  executing = 0
  dispatched = 0
  rejected = 0
  timedOut = 0
  /** Waiting requests by flow; flows take turns. */
  readonly queues = new Map<string, Waiting[]>()

  constructor(level: PriorityLevelConfiguration) {
    this.level = level
  }

  get waiting(): number {
    let sum = 0
    for (const queue of this.queues.values()) sum += queue.length
    return sum
  }
}

/** Classifies requests and gives each a seat of its priority level, at once or after a wait. k8s: apiserver/pkg/util/flowcontrol */
export class FlowControl {
  readonly #clock: Clock
  readonly #reader: Reader
  readonly #schemas: FlowSchemas
  readonly #levels = new Map<string, LevelState>()
  readonly #counts = new Map<string, SchemaCounts>()
  readonly #stopListening: () => void

  constructor({ clock, reader }: { clock: Clock; reader: Reader }) {
    this.#clock = clock
    this.#reader = reader
    this.#schemas = new FlowSchemas(reader)
    this.#stopListening = reader.onChange(PRIORITY_LEVELS, () => this.#readLevels())
    this.#readLevels()
  }

  stop(): void {
    this.#stopListening()
    this.#schemas.stop()
  }

  classify(user: UserInfo, info: RequestInfo): Classification | undefined {
    return this.#schemas.classify(user, info)
  }

  /**
   * Waits for a seat; returns the way to give it back. Requests that need no limit get theirs at once.
   * @throws TooManyRequests
   */
  admit({ flowSchema, priorityLevel, flow }: Classification): (() => void) | Promise<() => void> {
    const state = this.#levels.get(priorityLevel.metadata.name!)
    if (!state) return () => {}
    const isExempt = priorityLevel.spec.type === 'Exempt'
    const counts = this.#countsOf(flowSchema.metadata.name!, priorityLevel.metadata.name!)
    if (isExempt || state.executing < state.limit) {
      if (!isExempt) counts.waited(0, true)
      return this.#seat(state, counts)
    }
    const response = priorityLevel.spec.limited?.limitResponse
    const queuing = response?.type === 'Queue' ? response.queuing : undefined
    const key = `${flowSchema.metadata.name}\n${flow}`
    const queue = state.queues.get(key) ?? []
    if (!queuing || queue.length >= (queuing.queueLengthLimit ?? 50) * Math.max(1, queuing.handSize ?? 1)) {
      state.rejected++
      throw counts.reject(queuing ? 'queue-full' : 'concurrency-limit')
    }
    state.queues.set(key, queue)
    counts.waiting++
    const beganMs = this.#clock.nowMs()
    return new Promise<() => void>((resolve, reject) => {
      const waiting: Waiting = {
        resolve: () => {
          counts.waiting--
          counts.waited(this.#clock.nowMs() - beganMs, true)
          resolve(this.#seat(state, counts))
        },
        reject,
        timer: this.#clock.after(WAIT_LIMIT_MS, () => {
          const at = queue.indexOf(waiting)
          if (at >= 0) queue.splice(at, 1)
          if (queue.length === 0) state.queues.delete(key)
          state.timedOut++
          counts.waiting--
          counts.waited(this.#clock.nowMs() - beganMs, false)
          reject(counts.reject('time-out'))
        }),
      }
      queue.push(waiting)
    })
  }

  #seat(state: LevelState, counts: SchemaCounts): () => void {
    state.executing++
    state.dispatched++
    counts.executing++
    counts.dispatched++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      state.executing--
      counts.executing--
      this.#dispatch(state)
    }
  }

  #countsOf(flowSchema: string, priorityLevel: string): SchemaCounts {
    const key = `${priorityLevel}/${flowSchema}`
    let counts = this.#counts.get(key)
    if (!counts) this.#counts.set(key, counts = new SchemaCounts(flowSchema, priorityLevel))
    return counts
  }

  /** The flow whose turn it is gets the seat, and goes to the end of the line. */
  #dispatch(state: LevelState): void {
    while (state.executing < state.limit) {
      const next = state.queues.entries().next()
      if (next.done) return
      const [key, queue] = next.value
      const waiting = queue.shift()!
      state.queues.delete(key)
      if (queue.length > 0) state.queues.set(key, queue)
      waiting.timer.cancel()
      waiting.resolve()
    }
  }

  /** k8s: apf_controller.go: a level's part of the server's seats, by its shares */
  #readLevels(): void {
    const levels = this.#reader.list<PriorityLevelConfiguration>(PRIORITY_LEVELS)
    const shares = (level: PriorityLevelConfiguration) => level.spec.limited?.nominalConcurrencyShares ?? level.spec.exempt?.nominalConcurrencyShares ?? 0
    const all = levels.reduce((sum, level) => sum + shares(level), 0)
    for (const level of levels) {
      const name = level.metadata.name!
      const state = this.#levels.get(name) ?? new LevelState(level)
      this.#levels.set(name, state)
      state.level = level
      state.limit = all > 0 ? Math.ceil((SERVER_CONCURRENCY * shares(level)) / all) : 1
      this.#dispatch(state)
    }
    const names = new Set(levels.map((level) => level.metadata.name!))
    for (const [name, state] of this.#levels) if (!names.has(name) && state.executing === 0 && state.waiting === 0) this.#levels.delete(name)
  }

  /** `/debug/api_priority_and_fairness/*`: undefined for what isn't there. k8s: apf_controller_debug.go */
  debugText(what: string): string | undefined {
    const states = [...this.#levels].sort(([a], [b]) => (a < b ? -1 : 1))
    if (what === 'dump_priority_levels')
      return csv([
        ['PriorityLevelName', 'ActiveQueues', 'IsIdle', 'IsQuiescing', 'WaitingRequests', 'ExecutingRequests', 'DispatchedRequests', 'RejectedRequests', 'TimedoutRequests', 'CancelledRequests'],
        ...states.map(([name, s]) => [name, s.queues.size, s.executing === 0 && s.waiting === 0, false, s.waiting, s.executing, s.dispatched, s.rejected, s.timedOut, 0]),
      ])
    return undefined
  }

  metrics(): MetricFamily[] {
    const all = [...this.#counts.values()]
    const limited = all.filter(({ labels }) => this.#levels.get(labels.priority_level)?.level.spec.type !== 'Exempt')
    const family = (name: string, type: MetricFamily['type'], help: string, samples: Iterable<Sample>): MetricFamily => ({ name: `apiserver_flowcontrol_${name}`, type, help: `[BETA] ${help}`, samples })
    const of = (counts: readonly SchemaCounts[], valueOf: (counts: SchemaCounts) => number): Sample[] => counts.map((one) => ({ labels: one.labels, value: valueOf(one) }))
    return [
      family('current_executing_requests', 'gauge', 'Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority and Fairness subsystem', of(all, ({ executing }) => executing)),
      family('current_executing_seats', 'gauge', 'Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage otherwise) requests in the API Priority and Fairness subsystem', of(all, ({ executing }) => executing)),
      family('current_inqueue_requests', 'gauge', 'Number of requests currently pending in queues of the API Priority and Fairness subsystem', of(limited, ({ waiting }) => waiting)),
      family('dispatched_requests_total', 'counter', 'Number of requests executed by API Priority and Fairness subsystem', of(all, ({ dispatched }) => dispatched)),
      family('nominal_limit_seats', 'gauge', 'Nominal number of execution seats configured for each priority level', [...this.#levels].map(([priority_level, { limit }]) => ({ labels: { priority_level }, value: limit }))),
      family('rejected_requests_total', 'counter', 'Number of requests rejected by API Priority and Fairness subsystem', all.flatMap(({ labels, rejected }) => [...rejected].map(([reason, value]) => ({ labels: { ...labels, reason }, value })))),
      family('request_wait_duration_seconds', 'histogram', 'Length of time a request spent waiting in its queue', all.flatMap(({ labels, waits }) => [...waits].flatMap(([execute, histogram]) => histogram.samples({ execute: String(execute), ...labels })))),
    ]
  }
}

/** Columns as Go's tabwriter lays them out: cells end with a comma, at least eight wide. */
function csv(rows: readonly (readonly (string | number | boolean)[])[]): string {
  const cells = rows.map((row) => row.map((cell, i) => (i < row.length - 1 ? `${cell},` : String(cell))))
  const widths = cells[0]!.map((_, i) => Math.max(8, ...cells.map((row) => row[i]!.length + 1)))
  return cells.map((row) => row.map((cell, i) => (i < row.length - 1 ? cell.padEnd(widths[i]!) : cell)).join('') + '\n').join('')
}
