/** Most entries that one chunk may hold before it is split. */
const CHUNK_LIMIT = 512

/** Anything that is filed under a key. */
export interface Keyed {
  readonly key: string
}

/**
 * Entries sorted by key: an array of sorted chunks, so that insertion moves little memory and a prefix scan walks plain arrays.
 * Keys are ordered by UTF-16 code units, which for the ASCII keys that Kubernetes uses is the byte order of etcd.
 */
export class KeyIndex<T extends Keyed> {
  #chunks: T[][] = [[]]

  /** Files an entry whose key is not there yet. */
  insert(entry: T): void {
    const chunkAt = this.#chunkFor(entry.key)
    const chunk = this.#chunks[chunkAt]!
    const last = chunk[chunk.length - 1]
    if (last === undefined || last.key < entry.key) chunk.push(entry)
    else chunk.splice(lowerBound(chunk, entry.key), 0, entry)
    if (chunk.length > CHUNK_LIMIT) {
      // Keys often arrive in order: leave the left half full then, instead of two halves that never fill up.
      const cut = chunk[chunk.length - 1] === entry ? CHUNK_LIMIT : chunk.length >> 1
      this.#chunks.splice(chunkAt + 1, 0, chunk.splice(cut))
    }
  }

  remove(key: string): void {
    const chunkAt = this.#chunkFor(key)
    const chunk = this.#chunks[chunkAt]!
    const at = lowerBound(chunk, key)
    if (chunk[at]?.key !== key) return
    chunk.splice(at, 1)
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(chunkAt, 1)
  }

  /**
   * Visits entries from `from` up to (not including) `end` in order; `undefined` as end means to the last one.
   * Stops when `visit` returns false. The index must not change meanwhile.
   */
  scan(from: string, end: string | undefined, visit: (entry: T) => boolean | void): void {
    let chunkAt = this.#chunkFor(from)
    let at = lowerBound(this.#chunks[chunkAt]!, from)
    for (; chunkAt < this.#chunks.length; chunkAt++, at = 0) {
      const chunk = this.#chunks[chunkAt]!
      for (; at < chunk.length; at++) {
        const entry = chunk[at]!
        if (end !== undefined && entry.key >= end) return
        if (visit(entry) === false) return
      }
    }
  }

  /** The last chunk whose first key is not after `key`. */
  #chunkFor(key: string): number {
    let low = 0
    let high = this.#chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#chunks[middle]![0]!.key <= key) low = middle
      else high = middle - 1
    }
    return low
  }
}

function lowerBound<T extends Keyed>(chunk: readonly T[], key: string): number {
  let low = 0
  let high = chunk.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (chunk[middle]!.key < key) low = middle + 1
    else high = middle
  }
  return low
}
