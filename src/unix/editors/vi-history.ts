import type { Place } from './text-lines.ts'

const MAX_STEPS = 500

/** A text as it was, and when it was changed. */
interface Snapshot {
  lines: string[]
  cursor: Place
  atMs: number
}

/** What undo and redo change. */
interface Text {
  lines: string[]
  cursor: Place
}

/** The steps that can be undone, and those that can be done again. */
export class ViHistory {
  readonly #undo: Snapshot[] = []
  readonly #redo: Snapshot[] = []
  #changeNumber = 0

  clear(): void {
    this.#undo.length = this.#redo.length = 0
  }

  /** The text is about to be changed. */
  push({ lines, cursor }: Text, nowMs: number): void {
    this.#undo.push({ lines: [...lines], cursor: { ...cursor }, atMs: nowMs })
    if (this.#undo.length > MAX_STEPS) this.#undo.shift()
    this.#redo.length = 0
    this.#changeNumber += 1
  }

  /** Takes a change back. Returns what there is to say of it, or undefined where there is none. */
  undo(text: Text, nowMs: number): string | undefined {
    const before = this.#undo.pop()
    if (!before) return undefined
    this.#redo.push({ lines: [...text.lines], cursor: { ...text.cursor }, atMs: before.atMs })
    const said = this.#restore(text, before, 'before', nowMs)
    this.#changeNumber -= 1
    return said
  }

  /** Makes a change again that was taken back. Returns as {@link undo}. */
  redo(text: Text, nowMs: number): string | undefined {
    const after = this.#redo.pop()
    if (!after) return undefined
    this.#undo.push({ lines: [...text.lines], cursor: { ...text.cursor }, atMs: after.atMs })
    this.#changeNumber += 1
    return this.#restore(text, after, 'after', nowMs)
  }

  #restore(text: Text, snapshot: Snapshot, side: 'before' | 'after', nowMs: number): string {
    const difference = snapshot.lines.length - text.lines.length
    let row = 0
    while (row < snapshot.lines.length && snapshot.lines[row] === text.lines[row]) row += 1
    text.lines = [...snapshot.lines]
    text.cursor = side === 'before' ? { ...snapshot.cursor } : { row: Math.min(row, text.lines.length - 1), col: 0 }
    const seconds = Math.floor((nowMs - snapshot.atMs) / 1000)
    const what = difference === 0 ? '1 change' : Math.abs(difference) === 1 ? difference > 0 ? '1 more line' : '1 line less' : difference > 0 ? `${difference} more lines` : `${-difference} fewer lines`
    return `${what}; ${side} #${this.#changeNumber}  ${seconds === 1 ? '1 second' : `${seconds} seconds`} ago`
  }
}
