/** An unbounded queue between a producer that pushes and one consumer that iterates. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  #items: T[] = []
  #waiting: ((result: IteratorResult<T>) => void) | undefined
  #failWaiting: ((error: unknown) => void) | undefined
  #ended = false
  #error: unknown

  get size(): number {
    return this.#items.length
  }

  /** Ignored once the queue has ended. */
  push(item: T): void {
    if (this.#ended) return
    if (this.#waiting) {
      const resolve = this.#waiting
      this.#waiting = this.#failWaiting = undefined
      resolve({ value: item, done: false })
    } else this.#items.push(item)
  }

  /** No more items; the consumer still gets those already pushed, then the end (or `error`). */
  end(error?: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    if (!this.#waiting) return
    if (error === undefined) this.#waiting({ value: undefined, done: true })
    else this.#failWaiting!(error)
    this.#waiting = this.#failWaiting = undefined
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#items.length > 0) return Promise.resolve({ value: this.#items.shift()!, done: false })
    if (this.#ended) return this.#error === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(this.#error)
    return new Promise((resolve, reject) => { this.#waiting = resolve; this.#failWaiting = reject })
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return { next: () => this.next(), return: async () => { this.end(); return { value: undefined, done: true } } }
  }
}
