import { columnOf } from './text-lines.ts'
import type { Place } from './text-lines.ts'
import { DEFAULT_OPTIONS } from './vi-options.ts'
import type { ViOptions } from './vi-options.ts'
import { ViRegisters } from './vi-registers.ts'

/** The text that is edited, with its cursor: what edits do, whatever keys or commands asked for them. */
export abstract class ViText {
  lines: string[] = ['']
  cursor: Place = { row: 0, col: 0 }
  /** There is not even an empty line. */
  protected hasNoLines = false
  /** What the last line of the screen says. */
  message = ''
  readonly registers = new ViRegisters()
  readonly options: ViOptions = { ...DEFAULT_OPTIONS }

  /** Changes the text as one step of undo. */
  abstract change(work: () => void): void

  /** The line that the cursor is on. */
  get line(): string {
    return this.lines[this.cursor.row] ?? ''
  }

  setLine(row: number, text: string): void {
    this.lines[row] = text
  }

  /** The column of the first character that is no blank, or the last one. */
  firstNonBlank(row: number): number {
    const at = this.lines[row]!.search(/\S/)
    return at < 0 ? Math.max(0, this.lines[row]!.length - 1) : at
  }

  /** Removes text (end excluded) into a register. */
  cut(from: Place, to: Place, register: string | undefined): void {
    this.registers.store(register, this.between(from, to), 'char', false)
    this.lines.splice(from.row, to.row - from.row + 1, this.lines[from.row]!.slice(0, from.col) + this.lines[to.row]!.slice(to.col))
    this.cursor = { ...from }
  }

  /** Text from one place to another (end excluded). */
  between(from: Place, to: Place): string[] {
    if (from.row === to.row) return [this.lines[from.row]!.slice(from.col, to.col)]
    return [this.lines[from.row]!.slice(from.col), ...this.lines.slice(from.row + 1, to.row), this.lines[to.row]!.slice(0, to.col)]
  }

  /** Inserts text, of several lines perhaps, and goes behind it. */
  insertText(text: string): void {
    const pieces = text.split('\n')
    const { line, cursor } = this
    const before = line.slice(0, cursor.col) + pieces[0]!
    if (pieces.length === 1) { this.setLine(cursor.row, before + line.slice(cursor.col)); cursor.col = before.length; return }
    const last = pieces.at(-1)!
    this.lines.splice(cursor.row, 1, before, ...pieces.slice(1, -1), last + line.slice(cursor.col))
    this.cursor = { row: cursor.row + pieces.length - 1, col: last.length }
  }

  /** Deletes whole lines into a register. */
  deleteLines(first: number, last: number, register?: string): void {
    const count = last - first + 1
    this.registers.store(register, this.lines.slice(first, last + 1), 'line', false)
    this.lines.splice(first, count)
    if (this.lines.length === 0) { this.lines = ['']; this.hasNoLines = true; this.message = '--No lines in buffer--' } else if (count > 2) this.message = `${count} fewer lines`
    this.cursor.row = Math.min(first, this.lines.length - 1)
    this.cursor.col = this.firstNonBlank(this.cursor.row)
  }

  /** Indents lines by steps of 'shiftwidth', or takes as much away. */
  shiftLines(first: number, last: number, steps: number): void {
    const { shiftwidth, tabstop, expandtab } = this.options
    const width = (shiftwidth || tabstop)
    for (let row = first; row <= last; row++) {
      const line = this.lines[row]!
      if (line.trim() === '') continue
      const indent = /^\s*/.exec(line)![0]
      const columns = Math.max(0, columnOf(indent, indent.length, tabstop) + steps * width)
      this.setLine(row, (expandtab ? ' '.repeat(columns) : '\t'.repeat(Math.floor(columns / tabstop)) + ' '.repeat(columns % tabstop)) + line.slice(indent.length))
    }
    this.cursor = { row: first, col: this.firstNonBlank(first) }
    const count = last - first + 1
    if (count > 2) this.message = `${count} lines ${steps > 0 ? '>' : '<'}ed ${Math.abs(steps)} time${Math.abs(steps) === 1 ? '' : 's'}`
  }

  /** Makes one line of several. @param spaced with a blank between them, without their indentation */
  join(first: number, last: number, spaced: boolean): void {
    let text = this.lines[first]!
    let col = text.length
    for (let row = first + 1; row <= last; row++) {
      const next = spaced ? this.lines[row]!.trimStart() : this.lines[row]!
      col = text.length
      text += spaced && text !== '' && !text.endsWith(' ') && next !== '' && !next.startsWith(')') ? ` ${next}` : next
    }
    this.lines.splice(first, last - first + 1, text)
    this.cursor = { row: first, col: Math.max(0, Math.min(col, text.length - 1)) }
  }

  /** Puts a register behind the cursor or before it. */
  put(after: boolean, times: number, name: string | undefined): void {
    const register = this.registers.get(name)
    if (!register) { this.message = `E353: Nothing in register ${name ?? '"'}`; return }
    this.change(() => {
      const { row } = this.cursor
      if (register.kind === 'line') {
        const text = Array.from({ length: times }, () => register.text).flat()
        this.lines.splice(after ? row + 1 : row, 0, ...text)
        this.cursor = { row: after ? row + 1 : row, col: 0 }
        this.cursor.col = this.firstNonBlank(this.cursor.row)
        if (text.length > 2) this.message = `${text.length} more lines`
        return
      }
      const col = after && this.line !== '' ? this.cursor.col + 1 : this.cursor.col
      if (register.kind === 'block') {
        register.text.forEach((piece, i) => {
          if (row + i >= this.lines.length) this.lines.push('')
          const line = this.lines[row + i]!.padEnd(col)
          this.setLine(row + i, line.slice(0, col) + piece.repeat(times) + line.slice(col))
        })
        return
      }
      const text = times === 1 ? register.text : Array.from({ length: times }, () => register.text.join('\n')).join('').split('\n')
      const { line } = this
      const pieces = [...text]
      pieces[0] = line.slice(0, col) + pieces[0]!
      const endCol = pieces.at(-1)!.length
      pieces[pieces.length - 1] += line.slice(col)
      this.lines.splice(row, 1, ...pieces)
      this.cursor = text.length === 1 ? { row, col: endCol - 1 } : { row, col }
    })
  }

  /** Adds to the number under the cursor or after it. */
  addToNumber(by: number): void {
    const { line, cursor } = this
    for (const match of line.matchAll(/-?\d+/g)) {
      if (match.index + match[0].length <= cursor.col) continue
      return this.change(() => {
        const text = String(Number(match[0]) + by)
        this.setLine(cursor.row, line.slice(0, match.index) + text + line.slice(match.index + match[0].length))
        this.cursor.col = match.index + text.length - 1
      })
    }
  }
}
