import type { Platform } from './platform.ts'

/** A pending callback of a {@link Clock}. */
export interface Timer {
  cancel(): void
}

/**
 * Who goes on first of those that give way. Most are prompt. What the machines of a cluster do is patient: while the control plane or a user
 * has something to do it gets {@link PATIENT_PART} of the places in each turn, as there is one processor for what are many in a real cluster.
 * Each kind of work then runs in a row, which processors like better than a medley.
 */
export type Lane = 'prompt' | 'patient'

/** The one source of time. Everything below the hosts reads and waits through it, so that time can be paused, scaled and stepped. */
export interface Clock {
  /** Cluster time, milliseconds since 1970. */
  nowMs(): number
  /** Calls `fn` once `delayMs` of cluster time have passed (never synchronously, also not for 0). */
  after(delayMs: number, fn: () => void): Timer
  /** Resolves after `delayMs` of cluster time; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
  /** Gives the event loop a turn if this code has been running for long ({@link BREATH_MS}); call it in long loops. Patient work also lets those pass that wait already. */
  breathe(lane?: Lane): Promise<void>
  /**
   * Waits until the work at hand leaves the event loop time to spare, but not longer than {@link LEISURE_MS}: for what nobody waits for.
   * To be asked before each piece of such work. With a stepped clock everything comes in its turn.
   */
  leisure(): Promise<void>
  /**
   * Waits for something outside cluster time (WebCrypto, a real socket, IndexedDB). While it is pending, a stepped clock doesn't move on.
   */
  outside<T>(work: Promise<T>): Promise<T>
}

/** Longest time in milliseconds that work may keep the event loop. */
export const SLICE_MS = 8

/** After so many milliseconds work gives way at the next opportunity, which leaves time for the step that it is in. */
const BREATH_MS = 4

/** Most of those who wait (for their time, for a breath) that get one turn of the event loop together: after many that were quick, as many may be slow. */
const MAX_PER_TURN = 8

/** Longest that {@link Clock.leisure} waits for a busy event loop, in milliseconds of real time. */
const LEISURE_MS = 3_000

/** A turn of the event loop that takes less, in milliseconds, had nothing else to do. */
const IDLE_TURN_MS = 1
/** So many such turns in a row are leisure; a busy loop has short ones too. */
const IDLE_TURNS = 3
/** How long leisure lasts before it is asked for anew, in milliseconds: once it was found, and once patience had an end. */
const SPARE_MS = 4
const OVERDUE_MS = 1_000

/** How long {@link ClusterClock.settle} waits for work to come to rest, in milliseconds of real time. */
const RESTLESS_MS = 2_000

/** How much longer it waits for what is outside of cluster time, in milliseconds of real time. */
const OUTSIDE_MS = 30_000

/** A wake-up that comes later than this, in milliseconds of real time, means that nobody was there to take it: the tab was frozen, the laptop closed. */
const ABSENCE_MS = 5_000

export type ClockMode = 'running' | 'paused'

/** Fewer cancelled timers than this aren't worth clearing. */
const MANY_CANCELLED = 256

/** Of each turn's places, what the patient ones get at least. */
const PATIENT_PART = 1 / 8

interface Pending {
  dueMs: number
  sequence: number
  fn: () => void
  cancelled: boolean
}

/** How many of a crowd get a turn of the event loop together. */
class Portion {
  #size = 2

  get size(): number {
    return this.#size
  }

  /** What the last portion kept the event loop, with all that it set going. */
  took(ms: number): void {
    if (ms > SLICE_MS) this.#size = Math.max(1, this.#size >> 1)
    else if (ms < SLICE_MS / 2) this.#size = Math.min(MAX_PER_TURN, this.#size * 2)
  }
}

let lastSecond = NaN
let lastText = ''

/** RFC 3339 with whole seconds, the format of metav1.Time. */
export function rfc3339(ms: number): string {
  const second = Math.floor(ms / 1000)
  // Most texts are of the second that it is just now.
  if (second !== lastSecond) {
    lastText = new Date(second * 1000).toISOString().slice(0, 19) + 'Z'
    lastSecond = second
  }
  return lastText
}

/** RFC 3339 with microseconds, the format of metav1.MicroTime. */
export function rfc3339Micro(ms: number): string {
  const whole = Math.floor(ms)
  const micros = Math.floor((ms - whole) * 1000)
  return new Date(whole).toISOString().slice(0, 23) + String(micros).padStart(3, '0') + 'Z'
}

/**
 * The cluster's clock: runs with the platform's time at any speed, can be paused and stepped, and jumps from timer to timer
 * when a test says so ({@link advance}, {@link until}).
 */
export class ClusterClock implements Clock {
  readonly #platform: Platform
  #mode: ClockMode
  #scale: number
  /** Cluster time at {@link #anchorRealMs}. */
  #anchorMs: number
  #anchorRealMs: number
  #heap: Pending[] = []
  /** Of the heap's. */
  #cancelled = 0
  #sequence = 0
  #cancelWakeup: (() => void) | undefined
  #wakeupDueMs = Infinity
  /** When it is due in real time. */
  #wakeupRealMs = Infinity
  /** What keeps a stepped clock from moving on. */
  #holds = 0
  /** Those among them that wait for something outside. */
  #outside = 0
  #sliceStartMs: number
  /** Who waits for another turn of the event loop, first come first served. */
  readonly #breathing: Record<Lane, (() => void)[]> = { prompt: [], patient: [] }
  #isBreathing = false
  /** What the patient ones are owed of turns with fewer places than would give them one. */
  #patientShare = 0
  readonly #breaths = new Portion()
  /** Whether the last portion was as large as it may be. */
  #isPortionFull = false
  #leisure: Promise<void> | undefined
  #leisureUntilMs = -Infinity
  readonly #firing = new Portion()
  /** When the last turn began that left due timers waiting. */
  #firedMs: number | undefined

  constructor(platform: Platform, options: { startMs?: number; scale?: number; mode?: ClockMode } = {}) {
    this.#platform = platform
    this.#mode = options.mode ?? 'running'
    this.#scale = options.scale ?? 1
    this.#anchorMs = options.startMs ?? platform.wallMs()
    this.#anchorRealMs = platform.monotonicMs()
    this.#sliceStartMs = this.#anchorRealMs
  }

  get mode(): ClockMode {
    return this.#mode
  }

  /** Cluster seconds per real second while running. */
  get scale(): number {
    return this.#scale
  }

  nowMs(): number {
    if (this.#mode === 'paused') return this.#anchorMs
    const realMs = this.#platform.monotonicMs()
    if (realMs - this.#wakeupRealMs > ABSENCE_MS) {
      // Time stood still: otherwise whoever wakes first would find everybody else late, and nodes silent for hours.
      this.#anchorRealMs += realMs - this.#wakeupRealMs
      this.#wakeupRealMs = realMs
    }
    return this.#anchorMs + (realMs - this.#anchorRealMs) * this.#scale
  }

  after(delayMs: number, fn: () => void): Timer {
    const pending: Pending = { dueMs: this.nowMs() + Math.max(0, delayMs), sequence: this.#sequence++, fn, cancelled: false }
    this.#push(pending)
    if (this.#mode === 'running' && pending.dueMs < this.#wakeupDueMs) this.#arm()
    return { cancel: () => this.#cancel(pending) }
  }

  /** Timers that are kept: those that wait, and cancelled ones that were not cleared away yet. */
  get keptTimers(): number {
    return this.#heap.length
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => { timer.cancel(); reject(signal!.reason) }
      const timer = this.after(delayMs, () => { signal?.removeEventListener('abort', onAbort); resolve() })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  breathe(lane: Lane = 'prompt'): Promise<void> {
    const { prompt, patient } = this.#breathing
    if (!this.shouldGiveWay() && (lane === 'prompt' || prompt.length + patient.length === 0)) return DONE
    return new Promise<void>((resolve) => {
      this.#breathing[lane].push(resolve)
      if (this.#isBreathing) return
      this.#isBreathing = true
      this.#holds++
      this.#queueBreath()
    })
  }

  /** What a portion sets going runs between these two, and nothing else does: timers and messages come before or after. */
  #queueBreath(): void {
    this.#platform.macrotask(() => this.#breatheOn())
    this.#platform.macrotask(() => this.#haveBreathed())
  }

  /** Whether anybody has given way. */
  get #hasCrowd(): boolean {
    return this.#breathing.prompt.length + this.#breathing.patient.length > 0
  }

  /** Whether the work at hand has kept the event loop long enough. */
  protected shouldGiveWay(): boolean {
    return this.#platform.monotonicMs() - this.#sliceStartMs >= BREATH_MS
  }

  /** How many of those who gave way go on together in one turn. */
  protected get breathsPerTurn(): number {
    return this.#breaths.size
  }

  /** Hundreds of writes that wait must not go on at once. */
  #breatheOn(): void {
    this.#sliceStartMs = this.#platform.monotonicMs()
    const released = this.#nextToBreathe(this.breathsPerTurn)
    for (const goOn of released) goOn()
    this.#isPortionFull = released.length === this.breathsPerTurn
  }

  #nextToBreathe(count: number): (() => void)[] {
    const { prompt, patient } = this.#breathing
    this.#patientShare = patient.length > 0 ? this.#patientShare + count * PATIENT_PART : 0
    const owed = Math.floor(this.#patientShare)
    this.#patientShare -= owed
    const patientCount = Math.min(patient.length, Math.max(count - prompt.length, owed))
    return [...prompt.splice(0, count - patientCount), ...patient.splice(0, patientCount)]
  }

  #haveBreathed(): void {
    const tookMs = this.#platform.monotonicMs() - this.#sliceStartMs
    if (this.#isPortionFull || tookMs > SLICE_MS) this.#breaths.took(tookMs)
    if (this.#hasCrowd) return this.#queueBreath()
    this.#isBreathing = false
    this.#holds--
  }

  leisure(): Promise<void> {
    if (this.#mode === 'paused' || this.#platform.monotonicMs() < this.#leisureUntilMs) return DONE
    return this.#leisure ??= this.outside(this.#awaitIdleTurn()).then((spareMs) => {
      this.#leisure = undefined
      this.#leisureUntilMs = this.#platform.monotonicMs() + spareMs
    })
  }

  /** Resolves with the milliseconds for which nobody needs to ask again. */
  async #awaitIdleTurn(): Promise<number> {
    const patienceMs = this.#platform.monotonicMs() + LEISURE_MS
    for (let idleTurns = 0; idleTurns < IDLE_TURNS;) {
      const startMs = this.#platform.monotonicMs()
      await new Promise<void>((resolve) => this.#platform.macrotask(resolve))
      const nowMs = this.#platform.monotonicMs()
      // Who was kept waiting so long may finish what has gathered.
      if (nowMs > patienceMs || this.#mode === 'paused') return OVERDUE_MS
      const next = this.#peek()
      // What is about to come due must not wait for what is done at leisure.
      const isIdle = nowMs - startMs < IDLE_TURN_MS && !this.#hasCrowd && !(next && next.dueMs <= this.nowMs() + SPARE_MS * this.#scale)
      idleTurns = isIdle ? idleTurns + 1 : 0
    }
    return SPARE_MS
  }

  async outside<T>(work: Promise<T>): Promise<T> {
    this.#holds++
    this.#outside++
    try {
      return await work
    } finally {
      this.#holds--
      this.#outside--
    }
  }

  /** Whether work goes on here, apart from what waits for something outside. */
  protected get isBusy(): boolean {
    return this.#holds > this.#outside
  }

  pause(): void {
    if (this.#mode === 'paused') return
    this.#anchorMs = this.nowMs()
    this.#mode = 'paused'
    this.#disarm()
  }

  resume(): void {
    if (this.#mode === 'running') return
    this.#anchorRealMs = this.#platform.monotonicMs()
    this.#mode = 'running'
    this.#arm()
  }

  /** Sets the speed in cluster seconds per real second; must be positive. */
  setScale(scale: number): void {
    if (!(scale > 0) || !Number.isFinite(scale)) throw new RangeError(`clock scale must be a positive number, not ${scale}`)
    this.#anchorMs = this.nowMs()
    this.#anchorRealMs = this.#platform.monotonicMs()
    this.#scale = scale
    if (this.#mode === 'running') this.#arm()
  }

  /** Moves a paused clock forward by `ms`, firing every timer on the way in order and letting the work it causes finish. */
  async advance(ms: number): Promise<void> {
    await this.#drive(this.nowMs() + ms, () => false)
  }

  /**
   * Lets time jump from timer to timer until `done()` holds. The clock is paused while it drives.
   * @throws Error when `withinMs` of cluster time did not suffice.
   */
  async until(done: () => boolean | Promise<boolean>, options: { withinMs?: number; what?: string } = {}): Promise<void> {
    const withinMs = options.withinMs ?? 60_000
    if (!(await this.#drive(this.nowMs() + withinMs, done)))
      throw new Error(`${options.what ?? 'condition'} not reached within ${withinMs} ms of cluster time`)
  }

  /** Resolves once no work is left that could go on without time passing, or when it doesn't come to rest (a process in a busy loop). */
  async settle(): Promise<void> {
    const startMs = this.#platform.monotonicMs()
    let patienceMs = startMs + RESTLESS_MS
    for (let quietTurns = 0; quietTurns < 3 && this.#platform.monotonicMs() < patienceMs;) {
      // What ends in a turn that it kept for long has only begun to have an effect.
      const wasOutside = this.#outside > 0
      await new Promise<void>((resolve) => this.#platform.macrotask(resolve))
      this.#sliceStartMs = this.#platform.monotonicMs()
      quietTurns = this.#holds > 0 ? 0 : quietTurns + 1
      // A key may take a slow machine long; a busy loop is none of this.
      if (wasOutside || this.#outside > 0) patienceMs = Math.min(this.#sliceStartMs, startMs + OUTSIDE_MS) + RESTLESS_MS
    }
  }

  async #drive(endMs: number, done: () => boolean | Promise<boolean>): Promise<boolean> {
    const wasRunning = this.#mode === 'running'
    this.pause()
    try {
      for (;;) {
        await this.settle()
        if (await done()) return true
        const next = this.#peek()
        if (!next || next.dueMs > endMs) {
          this.#anchorMs = Math.max(this.#anchorMs, endMs)
          return false
        }
        this.#pop()
        this.#anchorMs = Math.max(this.#anchorMs, next.dueMs)
        next.fn()
      }
    } finally {
      if (wasRunning) this.resume()
    }
  }

  #arm(): void {
    this.#disarm()
    const next = this.#peek()
    if (!next) return
    this.#wakeupDueMs = next.dueMs
    // Timers of all platforms overflow at 2^31 ms; waking early is harmless.
    const delayMs = Math.min(Math.max(0, (next.dueMs - this.nowMs()) / this.#scale), 2 ** 31 - 1)
    this.#wakeupRealMs = this.#platform.monotonicMs() + delayMs
    this.#cancelWakeup = this.#platform.setTimer(() => this.#fireDue(), delayMs)
  }

  #disarm(): void {
    this.#cancelWakeup?.()
    this.#cancelWakeup = undefined
    this.#wakeupDueMs = this.#wakeupRealMs = Infinity
  }

  #fireDue(): void {
    this.nowMs()
    this.#cancelWakeup = undefined
    this.#wakeupDueMs = this.#wakeupRealMs = Infinity
    // Timers that callbacks add for "now" wait for the next turn, so a chain of zero delays can't starve the event loop.
    const lastSequence = this.#sequence
    const startMs = this.#platform.monotonicMs()
    if (this.#firedMs !== undefined) this.#firing.took(startMs - this.#firedMs)
    this.#firedMs = undefined
    const most = this.#firing.size
    this.#sliceStartMs = startMs
    let fired = 0
    for (let next = this.#peek(); next && next.dueMs <= this.nowMs() && next.sequence < lastSequence; next = this.#peek()) {
      // Hundreds of pods whose time has come together take turns with the keys.
      if (fired++ === most) {
        this.#firedMs = startMs
        this.#wakeupDueMs = -Infinity
        let cancelled = false
        this.#cancelWakeup = () => { cancelled = true }
        this.#platform.macrotask(() => { if (!cancelled) this.#fireDue() })
        return
      }
      this.#pop()
      next.fn()
      if (this.#mode !== 'running') return
    }
    this.#arm()
  }

  /** Lets go of what the timer holds at once; the heap is cleared when most of it is cancelled (time-outs of requests that were answered). */
  #cancel(pending: Pending): void {
    if (pending.cancelled) return
    pending.cancelled = true
    pending.fn = nothing
    if (++this.#cancelled < MANY_CANCELLED || this.#cancelled * 2 < this.#heap.length) return
    // A sorted list is a heap.
    this.#heap = this.#heap.filter((kept) => !kept.cancelled).sort((a, b) => a.dueMs - b.dueMs || a.sequence - b.sequence)
    this.#cancelled = 0
  }

  #peek(): Pending | undefined {
    while (this.#heap[0]?.cancelled) this.#pop()
    return this.#heap[0]
  }

  #push(item: Pending): void {
    const heap = this.#heap
    let i = heap.push(item) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(item, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = item
  }

  #pop(): void {
    const heap = this.#heap
    const top = heap[0]
    if (top?.cancelled) this.#cancelled--
    // Once fired, it can't be cancelled any more.
    else if (top) top.cancelled = true
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
  }
}

const DONE = Promise.resolve()
const nothing = () => {}

function before(a: Pending, b: Pending): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence)
}
