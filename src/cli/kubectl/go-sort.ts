/**
 * Sorts as Go's `sort.Sort` does: pattern-defeating quicksort, which is not stable. Where many things count as equal (events of one
 * second), only the same steps give the same order. k8s: Go's sort package, pdqsort
 */
export function goSort<T>(items: readonly T[], isLess: (a: T, b: T) => boolean): T[] {
  const data = [...items]
  new Sorting(data, isLess).sort(0, data.length, bitLength(data.length))
  return data
}

const INSERTION_MAX = 12
const NINTHER_MIN = 50
const SHIFTING_MIN = 50
const SHIFTING_STEPS = 5

const bitLength = (n: number) => n === 0 ? 0 : 32 - Math.clz32(n)

class Sorting<T> {
  readonly #data: T[]
  readonly #isLess: (a: T, b: T) => boolean

  constructor(data: T[], isLess: (a: T, b: T) => boolean) {
    this.#data = data
    this.#isLess = isLess
  }

  #less(i: number, j: number): boolean { return this.#isLess(this.#data[i]!, this.#data[j]!) }

  #swap(i: number, j: number): void {
    const kept = this.#data[i]!
    this.#data[i] = this.#data[j]!
    this.#data[j] = kept
  }

  /** Sorts [from, to). `limit`: how many bad pivots are put up with before heap sort takes over. */
  sort(from: number, to: number, limit: number): void {
    let balanced = true
    let partitioned = true
    for (;;) {
      const length = to - from
      if (length <= INSERTION_MAX) return this.#insertionSort(from, to)
      if (limit === 0) return this.#heapSort(from, to)
      if (!balanced) {
        this.#breakPatterns(from, to)
        limit--
      }
      let { pivot, hint } = this.#choosePivot(from, to)
      if (hint === 'decreasing') {
        for (let i = from, j = to - 1; i < j; i++, j--) this.#swap(i, j)
        pivot = to - 1 - (pivot - from)
        hint = 'increasing'
      }
      if (balanced && partitioned && hint === 'increasing' && this.#partialInsertionSort(from, to)) return
      // Nothing is less than the pivot: many equal ones.
      if (from > 0 && !this.#less(from - 1, pivot)) {
        from = this.#partitionEqual(from, to, pivot)
        continue
      }
      const { middle, already } = this.#partition(from, to, pivot)
      partitioned = already
      const left = middle - from
      const right = to - middle
      const enough = Math.floor(length / 8)
      if (left < right) {
        balanced = left >= enough
        this.sort(from, middle, limit)
        from = middle + 1
      } else {
        balanced = right >= enough
        this.sort(middle + 1, to, limit)
        to = middle
      }
    }
  }

  #insertionSort(from: number, to: number): void {
    for (let i = from + 1; i < to; i++) for (let j = i; j > from && this.#less(j, j - 1); j--) this.#swap(j, j - 1)
  }

  #heapSort(from: number, to: number): void {
    const siftDown = (root: number, end: number) => {
      for (;;) {
        let child = 2 * root + 1
        if (child >= end) return
        if (child + 1 < end && this.#less(from + child, from + child + 1)) child++
        if (!this.#less(from + root, from + child)) return
        this.#swap(from + root, from + child)
        root = child
      }
    }
    const length = to - from
    for (let i = Math.floor((length - 1) / 2); i >= 0; i--) siftDown(i, length)
    for (let i = length - 1; i >= 0; i--) {
      this.#swap(from, from + i)
      siftDown(0, i)
    }
  }

  /** Less than the pivot to the left, the rest to the right. */
  #partition(from: number, to: number, pivot: number): { middle: number; already: boolean } {
    this.#swap(from, pivot)
    let i = from + 1
    let j = to - 1
    const meet = () => {
      while (i <= j && this.#less(i, from)) i++
      while (i <= j && !this.#less(j, from)) j--
      return i > j
    }
    let already = true
    while (!meet()) {
      already = false
      this.#swap(i++, j--)
    }
    this.#swap(j, from)
    return { middle: j, already }
  }

  /** Those equal to the pivot to the left; none is less. @returns where the others begin */
  #partitionEqual(from: number, to: number, pivot: number): number {
    this.#swap(from, pivot)
    let i = from + 1
    let j = to - 1
    for (;;) {
      while (i <= j && !this.#less(from, i)) i++
      while (i <= j && this.#less(from, j)) j--
      if (i > j) return i
      this.#swap(i++, j--)
    }
  }

  /** Mends a few places that are out of order. @returns whether it is sorted now */
  #partialInsertionSort(from: number, to: number): boolean {
    let i = from + 1
    for (let step = 0; step < SHIFTING_STEPS; step++) {
      while (i < to && !this.#less(i, i - 1)) i++
      if (i === to) return true
      if (to - from < SHIFTING_MIN) return false
      this.#swap(i, i - 1)
      if (i - from >= 2) for (let j = i - 1; j >= 1 && this.#less(j, j - 1); j--) this.#swap(j, j - 1)
      if (to - i >= 2) for (let j = i + 1; j < to && this.#less(j, j - 1); j++) this.#swap(j, j - 1)
    }
    return false
  }

  #breakPatterns(from: number, to: number): void {
    const length = to - from
    if (length < 8) return
    let random = BigInt(length)
    const modulus = 1n << BigInt(bitLength(length))
    const middle = from + Math.floor(length / 4) * 2
    for (let i = middle - 1; i <= middle + 1; i++) {
      random = BigInt.asUintN(64, random ^ (random << 13n))
      random ^= random >> 7n
      random = BigInt.asUintN(64, random ^ (random << 17n))
      let other = Number(random & (modulus - 1n))
      if (other >= length) other -= length
      this.#swap(i, from + other)
    }
  }

  #choosePivot(from: number, to: number): { pivot: number; hint: 'increasing' | 'decreasing' | 'unknown' } {
    const length = to - from
    const quarter = Math.floor(length / 4)
    let swaps = 0
    const median = (a: number, b: number, c: number) => {
      if (this.#less(b, a)) { swaps++; [a, b] = [b, a] }
      if (this.#less(c, b)) { swaps++; [b, c] = [c, b] }
      if (this.#less(b, a)) { swaps++; [a, b] = [b, a] }
      return b
    }
    let [i, j, k] = [from + quarter, from + quarter * 2, from + quarter * 3]
    if (length >= NINTHER_MIN) [i, j, k] = [median(i - 1, i, i + 1), median(j - 1, j, j + 1), median(k - 1, k, k + 1)]
    if (length >= 8) j = median(i, j, k)
    return { pivot: j, hint: swaps === 0 ? 'increasing' : swaps === 12 ? 'decreasing' : 'unknown' }
  }
}
