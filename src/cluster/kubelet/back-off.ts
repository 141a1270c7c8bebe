/** Delays that double with each failure of a key. k8s: client-go/util/flowcontrol Backoff */
export class BackOff {
  readonly #initialMs: number
  readonly #maxMs: number
  readonly #entries = new Map<string, { delayMs: number; updatedMs: number }>()

  constructor(initialMs: number, maxMs: number) {
    this.#initialMs = initialMs
    this.#maxMs = maxMs
  }

  delayMs(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0
  }

  updatedMs(key: string): number {
    return this.#entries.get(key)?.updatedMs ?? 0
  }

  /** Counts a failure that happened at `eventMs`. */
  next(key: string, eventMs: number, nowMs: number): void {
    const entry = this.#entries.get(key)
    const delayMs = !entry || this.#isOver(entry, eventMs) ? this.#initialMs : Math.min(entry.delayMs * 2, this.#maxMs)
    this.#entries.set(key, { delayMs, updatedMs: nowMs })
  }

  /** Whether the delay since `eventMs` is still running. */
  isRunningSince(key: string, eventMs: number, nowMs: number): boolean {
    const entry = this.#entries.get(key)
    return entry !== undefined && !this.#isOver(entry, eventMs) && nowMs - eventMs < entry.delayMs
  }

  /** Whether the delay since the last failure is still running. */
  isRunningSinceUpdate(key: string, nowMs: number): boolean {
    const entry = this.#entries.get(key)
    return entry !== undefined && !this.#isOver(entry, nowMs) && nowMs - entry.updatedMs < entry.delayMs
  }

  /** Forgets every key that begins so. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key)
  }

  /** A quiet time of twice the longest delay starts over. */
  #isOver(entry: { updatedMs: number }, eventMs: number): boolean {
    return eventMs - entry.updatedMs > this.#maxMs * 2
  }
}
