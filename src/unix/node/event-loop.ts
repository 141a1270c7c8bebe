import type { Proc } from '../types.ts'

/** Turns that took less, in milliseconds of a core, follow each other without a pause. */
const SHORT_TURN_MS = 4

/** What a script has opened: a timer, a server, a request under way. */
interface Handle {
  close(): void
  /** Whether the process lives for it. */
  counts: boolean
}

/**
 * The order in which a script's turns come: one after the other, with room for the rest of the worker between them, and as much processor as
 * the process has.
 */
export class EventLoop {
  readonly #proc: Proc
  readonly #handles = new Map<number, Handle>()
  #turns: (() => void)[] = []
  #laterTurns: (() => void)[] = []
  #wake: (() => void) | undefined
  #stopped = false
  /** Computed by the turn just over, in milliseconds of a core. */
  #computedMs = 0

  constructor(proc: Proc) {
    this.#proc = proc
  }

  /** A turn to come. */
  post(turn: () => void): void {
    if (this.#stopped) return
    this.#turns.push(turn)
    this.#wake?.()
  }

  /** A turn for when no other is due. */
  postLater(turn: () => void): void {
    if (this.#stopped) return
    this.#laterTurns.push(turn)
    this.#wake?.()
  }

  open(id: number, close: () => void = () => {}): void {
    this.#handles.set(id, { close, counts: true })
  }

  isOpen(id: number): boolean {
    return this.#handles.has(id)
  }

  close(id: number): void {
    const handle = this.#handles.get(id)
    this.#handles.delete(id)
    handle?.close()
  }

  /** Whether the process lives for it. */
  count(id: number, counts: boolean): void {
    const handle = this.#handles.get(id)
    if (handle) handle.counts = counts
    this.#wake?.()
  }

  /** Nothing comes any more. */
  stop(): void {
    this.#stopped = true
    this.#turns = this.#laterTurns = []
    for (const { close } of this.#handles.values()) close()
    this.#handles.clear()
    this.#wake?.()
  }

  /** What a turn computed; the process pays for it. */
  computed(ms: number): void {
    this.#computedMs += ms
    this.#proc.useCpu(ms * 1e6)
  }

  /** Runs turns until nothing is left that could bring one; `whenIdle` may open something anew. */
  async run(whenIdle: () => void): Promise<void> {
    for (let wasIdle = false; !this.#stopped;) {
      const turn = this.#turns.shift() ?? this.#laterTurns.shift()
      if (turn) {
        wasIdle = false
        const startedMs = this.#proc.clock.nowMs()
        turn()
        await this.#payFor(startedMs)
      } else if ([...this.#handles.values()].some(({ counts }) => counts)) {
        await new Promise<void>((resolve) => { this.#wake = resolve })
        this.#wake = undefined
      } else if (wasIdle) return
      else {
        wasIdle = true
        whenIdle()
      }
    }
  }

  /** Lets as much time pass as the turn would have taken on the process's share of a core, and others have theirs. */
  async #payFor(startedMs: number): Promise<void> {
    const computedMs = this.#computedMs
    this.#computedMs = 0
    if (computedMs < SHORT_TURN_MS) return this.#proc.clock.breathe()
    const takesMs = computedMs * 1000 / Math.min(1000, this.#proc.machine.limits.cpuMillis ?? 1000)
    await this.#proc.sleep(Math.max(0, takesMs - (this.#proc.clock.nowMs() - startedMs)))
  }
}
