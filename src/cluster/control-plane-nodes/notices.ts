/** What processes wait to be told: each waits by its name for one notice. */
export class Notices<T> {
  readonly #waiting = new Map<string, (notice: T) => void>()

  /** Resolves with the next notice for a name; never once the signal has come. */
  next(name: string, signal: AbortSignal): Promise<T> {
    return new Promise((resolve) => {
      this.#waiting.set(name, resolve)
      signal.addEventListener('abort', () => { if (this.#waiting.get(name) === resolve) this.#waiting.delete(name) }, { once: true })
    })
  }

  give(name: string, notice: T): void {
    this.#waiting.get(name)?.(notice)
  }
}
