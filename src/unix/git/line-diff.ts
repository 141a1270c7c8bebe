/** Lines [from, to) of either side that differ. */
export interface LineChange {
  a: [from: number, to: number]
  b: [from: number, to: number]
}

export interface LineDiffOptions {
  /** Lines that are equal under this are the same. */
  fold?: (line: string) => string
  /** Moves changes to where indentation suggests that people see them. On by default. */
  indentHeuristic?: boolean
}

/** How two texts differ by lines, as Git's xdiff finds it: Myers' algorithm in linear space, then runs of changes moved to where they read best. */
export function diffLines(a: readonly string[], b: readonly string[], { fold, indentHeuristic = true }: LineDiffOptions = {}): LineChange[] {
  const [left, right] = classify(a, b, fold)
  const changedA = new Uint8Array(a.length + 1)
  const changedB = new Uint8Array(b.length + 1)
  let start = 0
  while (start < a.length && start < b.length && left[start] === right[start]) start++
  let [endA, endB] = [a.length, b.length]
  while (endA > start && endB > start && left[endA - 1] === right[endB - 1]) { endA--; endB-- }
  const keptA = worthComparing(left, right, start, endA, changedA)
  const keptB = worthComparing(right, left, start, endB, changedB)
  new Search(Int32Array.from(keptA, (i) => left[i]!), Int32Array.from(keptB, (i) => right[i]!), (i) => { changedA[keptA[i]!] = 1 }, (i) => { changedB[keptB[i]!] = 1 }).run()
  compact(left, a, changedA, changedB, b.length, indentHeuristic)
  compact(right, b, changedB, changedA, a.length, indentHeuristic)
  const out: LineChange[] = []
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (!changedA[i] && !changedB[j]) { i++; j++; continue }
    const [from, to] = [i, j]
    while (i < a.length && changedA[i]) i++
    while (j < b.length && changedB[j]) j++
    out.push({ a: [from, i], b: [to, j] })
  }
  return out
}

/** Numbers for lines; equal ones have the same. */
function classify(a: readonly string[], b: readonly string[], fold: ((line: string) => string) | undefined): [Int32Array, Int32Array] {
  const numbers = new Map<string, number>()
  const number = (line: string) => {
    const key = fold ? fold(line) : line
    let found = numbers.get(key)
    if (found === undefined) numbers.set(key, found = numbers.size)
    return found
  }
  return [Int32Array.from(a, number), Int32Array.from(b, number)]
}

function roughRoot(n: number): number {
  let root = 1
  for (; n > 0; n >>= 2) root <<= 1
  return root
}

/** Leaves out lines that the other side doesn't have, and common ones among such, which would only mislead the search. */
function worthComparing(own: Int32Array, other: Int32Array, start: number, end: number, changed: Uint8Array): number[] {
  const counts = new Map<number, number>()
  for (const line of other) counts.set(line, (counts.get(line) ?? 0) + 1)
  const many = Math.min(roughRoot(own.length), 1024)
  const kinds = new Uint8Array(own.length)
  for (let i = start; i < end; i++) {
    const count = counts.get(own[i]!) ?? 0
    kinds[i] = count === 0 ? 0 : count >= many ? 2 : 1
  }
  const kept: number[] = []
  for (let i = start; i < end; i++) {
    if (kinds[i] === 1 || (kinds[i] === 2 && !isAmongUnmatched(kinds, i, start, end - 1))) kept.push(i)
    else changed[i] = 1
  }
  return kept
}

function isAmongUnmatched(kinds: Uint8Array, i: number, first: number, last: number): boolean {
  const look = (step: number, limit: number): [unmatched: number, common: number] => {
    let [unmatched, common] = [0, 1]
    for (let at = i + step, n = 0; n < 100 && (step < 0 ? at >= limit : at <= limit); at += step, n++) {
      if (kinds[at] === 0) unmatched++
      else if (kinds[at] === 2) common++
      else break
    }
    return [unmatched, common]
  }
  const [before, commonBefore] = look(-1, first)
  if (before === 0) return false
  const [after, commonAfter] = look(1, last)
  if (after === 0) return false
  return (commonBefore + commonAfter) * 4 < commonBefore + commonAfter + before + after
}

/** Myers' search from both ends at once. */
class Search {
  readonly #a: Int32Array
  readonly #b: Int32Array
  readonly #markA: (i: number) => void
  readonly #markB: (i: number) => void
  readonly #forward: Int32Array
  readonly #backward: Int32Array
  readonly #zero: number
  readonly #costLimit: number

  constructor(a: Int32Array, b: Int32Array, markA: (i: number) => void, markB: (i: number) => void) {
    this.#a = a
    this.#b = b
    this.#markA = markA
    this.#markB = markB
    const diagonals = a.length + b.length + 3
    this.#forward = new Int32Array(diagonals * 2 + 2)
    this.#backward = new Int32Array(diagonals * 2 + 2)
    this.#zero = b.length + 1
    this.#costLimit = Math.max(roughRoot(diagonals), 256)
  }

  run(): void {
    this.#compare(0, this.#a.length, 0, this.#b.length, false)
  }

  #compare(a0: number, a1: number, b0: number, b1: number, exact: boolean): void {
    while (a0 < a1 && b0 < b1 && this.#a[a0] === this.#b[b0]) { a0++; b0++ }
    while (a0 < a1 && b0 < b1 && this.#a[a1 - 1] === this.#b[b1 - 1]) { a1--; b1-- }
    if (a0 === a1) { for (let j = b0; j < b1; j++) this.#markB(j); return }
    if (b0 === b1) { for (let i = a0; i < a1; i++) this.#markA(i); return }
    const { a, b, exactLow, exactHigh } = this.#split(a0, a1, b0, b1, exact)
    this.#compare(a0, a, b0, b, exactLow)
    this.#compare(a, a1, b, b1, exactHigh)
  }

  /** A point on a shortest way, or on a good one where that would take too long. */
  #split(a0: number, a1: number, b0: number, b1: number, exact: boolean): { a: number; b: number; exactLow: boolean; exactHigh: boolean } {
    const [A, B, forward, backward, zero] = [this.#a, this.#b, this.#forward, this.#backward, this.#zero]
    const [low, high] = [a0 - b1, a1 - b0]
    const [middleF, middleB] = [a0 - b0, a1 - b1]
    const odd = ((middleF - middleB) & 1) !== 0
    let [minF, maxF, minB, maxB] = [middleF, middleF, middleB, middleB]
    forward[zero + middleF] = a0
    backward[zero + middleB] = a1
    for (let cost = 1; ; cost++) {
      if (minF > low) forward[zero + --minF - 1] = -1
      else ++minF
      if (maxF < high) forward[zero + ++maxF + 1] = -1
      else --maxF
      for (let d = maxF; d >= minF; d -= 2) {
        let i = forward[zero + d - 1]! >= forward[zero + d + 1]! ? forward[zero + d - 1]! + 1 : forward[zero + d + 1]!
        let j = i - d
        while (i < a1 && j < b1 && A[i] === B[j]) { i++; j++ }
        forward[zero + d] = i
        if (odd && minB <= d && d <= maxB && backward[zero + d]! <= i) return { a: i, b: j, exactLow: true, exactHigh: true }
      }
      if (minB > low) backward[zero + --minB - 1] = 0x7fffffff
      else ++minB
      if (maxB < high) backward[zero + ++maxB + 1] = 0x7fffffff
      else --maxB
      for (let d = maxB; d >= minB; d -= 2) {
        let i = backward[zero + d - 1]! < backward[zero + d + 1]! ? backward[zero + d - 1]! : backward[zero + d + 1]! - 1
        let j = i - d
        while (i > a0 && j > b0 && A[i - 1] === B[j - 1]) { i--; j-- }
        backward[zero + d] = i
        if (!odd && minF <= d && d <= maxF && i <= forward[zero + d]!) return { a: i, b: j, exactLow: true, exactHigh: true }
      }
      if (exact || cost < this.#costLimit) continue
      let [best, bestA] = [-1, -1]
      for (let d = maxF; d >= minF; d -= 2) {
        let i = Math.min(forward[zero + d]!, a1)
        let j = i - d
        if (j > b1) { i = b1 + d; j = b1 }
        if (best < i + j) { best = i + j; bestA = i }
      }
      let [least, leastA] = [0x7fffffff, 0]
      for (let d = maxB; d >= minB; d -= 2) {
        let i = Math.max(backward[zero + d]!, a0)
        let j = i - d
        if (j < b0) { i = b0 + d; j = b0 }
        if (i + j < least) { least = i + j; leastA = i }
      }
      if (a1 + b1 - best < least - (a0 + b0)) return { a: bestA, b: best - bestA, exactLow: true, exactHigh: false }
      return { a: leastA, b: least - leastA, exactLow: false, exactHigh: true }
    }
  }
}

/** A run of changed lines [start, end), which may be empty: every unchanged line ends one. */
class Group {
  start = 0
  end = 0
  readonly #changed: Uint8Array
  readonly #length: number
  readonly #lines: Int32Array | undefined

  constructor(changed: Uint8Array, length: number, lines?: Int32Array) {
    this.#changed = changed
    this.#length = length
    this.#lines = lines
    while (this.#changed[this.end]) this.end++
  }

  next(): boolean {
    if (this.end === this.#length) return false
    this.start = this.end + 1
    for (this.end = this.start; this.#changed[this.end]; this.end++);
    return true
  }

  previous(): boolean {
    if (this.start === 0) return false
    this.end = this.start - 1
    for (this.start = this.end; this.start > 0 && this.#changed[this.start - 1]; this.start--);
    return true
  }

  slideDown(): boolean {
    const lines = this.#lines!
    if (this.end >= this.#length || lines[this.start] !== lines[this.end]) return false
    this.#changed[this.start++] = 0
    this.#changed[this.end++] = 1
    while (this.#changed[this.end]) this.end++
    return true
  }

  slideUp(): boolean {
    const lines = this.#lines!
    if (this.start <= 0 || lines[this.start - 1] !== lines[this.end - 1]) return false
    this.#changed[--this.start] = 1
    this.#changed[--this.end] = 0
    while (this.start > 0 && this.#changed[this.start - 1]) this.start--
    return true
  }
}

const MAX_SLIDE = 100

/** Moves runs of changes that could stand elsewhere: beside a change of the other side, else where indentation puts them, else down. */
function compact(lines: Int32Array, texts: readonly string[], changed: Uint8Array, otherChanged: Uint8Array, otherLength: number, indentHeuristic: boolean): void {
  const group = new Group(changed, texts.length, lines)
  const other = new Group(otherChanged, otherLength)
  do {
    if (group.end === group.start) continue
    let size: number
    let earliestEnd: number
    let beside: number
    do {
      size = group.end - group.start
      beside = -1
      while (group.slideUp()) other.previous()
      earliestEnd = group.end
      if (other.end > other.start) beside = group.end
      while (group.slideDown()) {
        other.next()
        if (other.end > other.start) beside = group.end
      }
    } while (size !== group.end - group.start)
    if (group.end === earliestEnd) continue
    if (beside !== -1) {
      while (other.end === other.start) { group.slideUp(); other.previous() }
    } else if (indentHeuristic) {
      let best = -1
      let bestScore: Score | undefined
      for (let shift = Math.max(earliestEnd, group.end - size - 1, group.end - MAX_SLIDE); shift <= group.end; shift++) {
        const score: Score = { indent: 0, penalty: 0 }
        addSplit(texts, shift, score)
        addSplit(texts, shift - size, score)
        if (!bestScore || compareScores(score, bestScore) <= 0) { best = shift; bestScore = score }
      }
      while (group.end > best) { group.slideUp(); other.previous() }
    }
  } while (group.next() && (other.next() || true))
}

interface Score { indent: number; penalty: number }

const compareScores = (a: Score, b: Score) => 60 * Math.sign(a.indent - b.indent) + (a.penalty - b.penalty)

/** Columns of white space before a line's text; -1 for a blank one. */
function indentOf(line: string): number {
  let indent = 0
  for (const char of line) {
    if (char === ' ') indent++
    else if (char === '\t') indent += 8 - (indent % 8)
    else if (!/\s/.test(char)) return indent
    if (indent >= 200) return 200
  }
  return -1
}

/** How bad it would be to let a run begin or end before a line. The weights are Git's, found by looking at many changes. */
function addSplit(lines: readonly string[], split: number, score: Score): void {
  const atEnd = split >= lines.length
  const own = atEnd ? -1 : indentOf(lines[split]!)
  const look = (from: number, step: number): [indent: number, blank: number] => {
    let blank = 0
    for (let i = from; i >= 0 && i < lines.length; i += step) {
      const indent = indentOf(lines[i]!)
      if (indent !== -1) return [indent, blank]
      if (++blank === 20) return [0, blank]
    }
    return [-1, blank]
  }
  const [before, blankBefore] = look(split - 1, -1)
  const [after, blankAfter] = look(split + 1, 1)
  if (before === -1 && blankBefore === 0) score.penalty += 1
  if (atEnd) score.penalty += 21
  const blankBehind = own === -1 ? 1 + blankAfter : 0
  const blanks = blankBefore + blankBehind
  score.penalty += -30 * blanks + 6 * blankBehind
  const indent = own !== -1 ? own : after
  score.indent += indent
  if (indent === -1 || before === -1 || indent === before) return
  if (indent > before) score.penalty += blanks ? 10 : -4
  else if (after !== -1 && after > indent) score.penalty += blanks ? 17 : 24
  else score.penalty += blanks ? 17 : 23
}
