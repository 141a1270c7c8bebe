/** Files below this size are written whenever they change. */
const HEAVY_BYTES = 256 * 1024
/** Big ones are written anew that fast on the average, in bytes per millisecond. */
const PACE = 1_000

interface Heavy {
  bytes: number
  writtenMs: number
  /** A change waits for its turn. */
  waiting?: { cancel(): void; write(): void }
}

/**
 * Big files are written as a whole each time. A program that goes on adding to one must not keep everybody busy with that, so that the bigger a
 * file is, the rarer it is written: a file of 5 MB every five seconds.
 */
export class HeavyFiles {
  readonly #setTimer: (fn: () => void, delayMs: number) => () => void
  readonly #realMs: () => number
  readonly #heavy = new Map<string, Heavy>()

  constructor(options: { setTimer: (fn: () => void, delayMs: number) => () => void; realMs: () => number }) {
    this.#setTimer = options.setTimer
    this.#realMs = options.realMs
  }

  /** A file changed: `write` is called at once, or when its turn has come. */
  changed(key: string, write: () => void): void {
    const heavy = this.#heavy.get(key)
    if (heavy?.waiting) return
    const waitMs = heavy ? heavy.writtenMs + heavy.bytes / PACE - this.#realMs() : 0
    if (!heavy || waitMs <= 0) return write()
    const cancel = this.#setTimer(() => {
      delete heavy.waiting
      write()
    }, waitMs)
    heavy.waiting = { cancel, write }
  }

  /** A file was written. */
  written(key: string, bytes: number): void {
    const known = this.#heavy.get(key)
    if (known) {
      known.bytes = bytes
      known.writtenMs = this.#realMs()
    }
    if (bytes >= HEAVY_BYTES && !known) this.#heavy.set(key, { bytes, writtenMs: this.#realMs() })
    else if (bytes < HEAVY_BYTES && !known?.waiting) this.#heavy.delete(key)
  }

  /** Lets those go on that wait. */
  release(wanted: (key: string) => boolean = () => true): void {
    for (const [key, heavy] of this.#heavy) {
      if (!wanted(key)) continue
      const { waiting } = heavy
      delete heavy.waiting
      waiting?.cancel()
      waiting?.write()
    }
  }
}
