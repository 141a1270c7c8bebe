import type { Clock, Timer } from '../../../base/clock.ts'
import type { MetricFamily, Sample } from '../../../base/prometheus.ts'
import type { PriorityLevelConfiguration } from '../../kinds/generated/types.ts'
import type { RequestInfo } from '../request-info.ts'
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
    if (isExempt || state.executing < state.limit) return this.#seat(state)
    const response = priorityLevel.spec.limited?.limitResponse
    const queuing = response?.type === 'Queue' ? response.queuing : undefined
    const key = `${flowSchema.metadata.name}\n${flow}`
    const queue = state.queues.get(key) ?? []
    if (!queuing || queue.length >= (queuing.queueLengthLimit ?? 50) * Math.max(1, queuing.handSize ?? 1)) {
      state.rejected++
      throw new TooManyRequests(queuing ? 'queue-full' : 'concurrency-limit')
    }
    state.queues.set(key, queue)
    return new Promise<() => void>((resolve, reject) => {
      const waiting: Waiting = {
        resolve: () => resolve(this.#seat(state)), reject,
        timer: this.#clock.after(WAIT_LIMIT_MS, () => {
          const at = queue.indexOf(waiting)
          if (at >= 0) queue.splice(at, 1)
          if (queue.length === 0) state.queues.delete(key)
          state.timedOut++
          reject(new TooManyRequests('time-out'))
        }),
      }
      queue.push(waiting)
    })
  }

  #seat(state: LevelState): () => void {
    state.executing++
    state.dispatched++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      state.executing--
      this.#dispatch(state)
    }
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
    const gauge = (name: string, help: string, valueOf: (state: LevelState) => number, type: MetricFamily['type'] = 'gauge', more: Record<string, string> = {}): MetricFamily =>
      ({ name: `apiserver_flowcontrol_${name}`, help, type, samples: [...this.#levels].map(([priority_level, state]): Sample => ({ labels: { priority_level, ...more }, value: valueOf(state) })) })
    return [
      gauge('current_executing_seats', '[BETA] Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage otherwise) requests in the API Priority and Fairness subsystem', (s) => s.executing),
      gauge('current_inqueue_requests', '[BETA] Number of requests currently pending in queues of the API Priority and Fairness subsystem', (s) => s.waiting),
      gauge('dispatched_requests_total', '[BETA] Number of requests executed by API Priority and Fairness subsystem', (s) => s.dispatched, 'counter'),
      gauge('nominal_limit_seats', '[BETA] Nominal number of execution seats configured for each priority level', (s) => s.limit),
      gauge('rejected_requests_total', '[BETA] Number of requests rejected by API Priority and Fairness subsystem', (s) => s.rejected + s.timedOut, 'counter', { reason: 'queue-full' }),
    ]
  }
}

/** Columns as Go's tabwriter lays them out: cells end with a comma, at least eight wide. */
function csv(rows: readonly (readonly (string | number | boolean)[])[]): string {
  const cells = rows.map((row) => row.map((cell, i) => (i < row.length - 1 ? `${cell},` : String(cell))))
  const widths = cells[0]!.map((_, i) => Math.max(8, ...cells.map((row) => row[i]!.length + 1)))
  return cells.map((row) => row.map((cell, i) => (i < row.length - 1 ? cell.padEnd(widths[i]!) : cell)).join('') + '\n').join('')
}
