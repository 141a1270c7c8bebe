import { ClusterClock } from '../src/base/clock.ts'
import { nodePlatform } from '../src/host/platform-node.ts'

/** Turns of the event loop in which nothing happens: whatever went on has come to rest. */
const QUIET_TURNS = 3
/** What takes longer to come in, in milliseconds of real time, waits for something that is asked for later: that one goes first. */
const STUCK_MS = 1_000
/** Work gives way after so many steps, not after so much time. */
const STEPS = 100

/**
 * A paused clock with which the same seed gives the same run: what comes from outside (keys, signatures, code that is loaded) comes in one by one, in the
 * order in which it was asked for, and each once everything else has come to rest, however long it really took.
 */
export class OrderedClock extends ClusterClock {
  /** Who waits, first come first served. */
  readonly #waiting: { settled: boolean; deliver(): void }[] = []
  #delivering = false
  #steps = 0

  constructor(options: { startMs: number }) {
    super(nodePlatform, { ...options, mode: 'paused' })
  }

  protected override shouldGiveWay(): boolean {
    return ++this.#steps % STEPS === 0
  }

  protected override get breathsPerTurn(): number {
    return 1
  }

  override outside<T>(work: Promise<T>): Promise<T> {
    return super.outside(new Promise<T>((resolve) => {
      const entry = { settled: false, deliver: () => resolve(work) }
      const settle = () => { entry.settled = true }
      work.then(settle, settle)
      this.#waiting.push(entry)
      if (!this.#delivering) void this.#deliverAll()
    }))
  }

  async #deliverAll(): Promise<void> {
    this.#delivering = true
    while (this.#waiting.length > 0) {
      await this.#rest()
      const startMs = nodePlatform.monotonicMs()
      while (!this.#waiting[0]!.settled && !(nodePlatform.monotonicMs() - startMs > STUCK_MS && this.#waiting.some(({ settled }) => settled))) await turn()
      const at = this.#waiting.findIndex(({ settled }) => settled)
      this.#waiting.splice(at, 1)[0]!.deliver()
    }
    this.#delivering = false
  }

  async #rest(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet = this.isBusy ? 0 : quiet + 1) await turn()
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => { nodePlatform.macrotask(resolve) })
}
