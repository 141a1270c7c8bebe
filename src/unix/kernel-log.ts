/** Lines kept; older ones are dropped. */
const LIMIT = 1_000

/** What a kernel says, as dmesg(1) shows it. */
export class KernelLog {
  readonly #nowMs: () => number
  readonly #bootMs: number
  readonly #lines: { atMs: number; text: string }[] = []
  #serial = 0

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
    this.#bootMs = nowMs()
  }

  /** @param line makes the text, given the time in milliseconds and the line's number since the start */
  add(line: (atMs: number, serial: number) => string): void {
    const atMs = this.#nowMs()
    this.#lines.push({ atMs, text: line(atMs, ++this.#serial) })
    if (this.#lines.length > LIMIT * 1.5) this.#lines.splice(0, this.#lines.length - LIMIT)
  }

  /** Oldest first, with seconds since the start in front, or with what `stamp` makes of a line's time. */
  lines(stamp = (atMs: number) => ((atMs - this.#bootMs) / 1000).toFixed(6).padStart(12)): string[] {
    return this.#lines.map(({ atMs, text }) => `[${stamp(atMs)}] ${text}`)
  }
}
