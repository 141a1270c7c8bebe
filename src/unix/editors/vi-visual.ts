import type { Place } from './text-lines.ts'
import { recased } from './vi-case.ts'
import type { ViEditor } from './vi-editor.ts'
import { insertMode, startInsert } from './vi-insert.ts'
import { textObject } from './vi-motions.ts'
import type { Mode } from './vi-view.ts'

/** Visual mode: what is selected, by characters, lines or a block of columns, and the commands for it. */
export class VisualMode {
  readonly #editor: ViEditor
  /** Where the selection was begun; its other end is the cursor. */
  #anchor: Place = { row: 0, col: 0 }
  /** The block reaches to the ends of its lines. */
  #blockToEnd = false

  constructor(editor: ViEditor) {
    this.#editor = editor
  }

  /** Selects again what was selected last (`gv`). */
  reselect(): Promise<void> | void {
    if (!this.#editor.lastVisual) return
    this.#anchor = { ...this.#editor.lastVisual.start }
    this.#editor.cursor = { ...this.#editor.lastVisual.end }
    return this.run(this.#editor.lastVisual.mode, this.#anchor)
  }

  /** Takes keys until something was done with the selection or it was given up. */
  async run(mode: Mode, anchor: Place = { ...this.#editor.cursor }): Promise<void> {
    this.#editor.mode = mode
    this.#anchor = anchor
    this.#blockToEnd = false
    let register: string | undefined
    let count: number | undefined
    for (;;) {
      const key = await this.#editor.keys.next()
      if (key === undefined) { this.#editor.exitCode = 1; return }
      this.#editor.message = ''
      if (typeof key !== 'string') continue
      if (/^[1-9]$/.test(key) || (key === '0' && count !== undefined)) { count = (count ?? 0) * 10 + Number(key); continue }
      const leave = () => {
        const [start, end] = this.#selection()
        this.#editor.lastVisual = { start, end, mode: this.#editor.mode }
        this.#editor.mode = 'normal'
      }
      const times = count ?? 1
      count = undefined
      switch (key) {
        case '<Esc>': case '\x03': leave(); this.#editor.clampCursor(); return
        case 'v': case 'V': case '\x16': {
          const next = key === 'v' ? 'visual' : key === 'V' ? 'visual-line' : 'visual-block'
          if (this.#editor.mode === next) { leave(); this.#editor.clampCursor(); return }
          this.#editor.mode = next
          continue
        }
        case 'o': case 'O': { const { cursor } = this.#editor; this.#editor.cursor = this.#anchor; this.#anchor = cursor; continue }
        case '"': register = await this.#editor.keys.char(); continue
        case ':': { leave(); return this.#editor.exLine("'<,'>") }
        case 'i': case 'a':
          if (this.#editor.mode !== 'visual-block') {
            const object = await this.#editor.keys.char()
            const found = object === undefined ? undefined : textObject(this.#editor.lines, this.#editor.cursor, key === 'a', object)
            if (found) { this.#anchor = found.start; this.#editor.cursor = found.end; if (found.linewise) this.#editor.mode = 'visual-line' }
          }
          continue
        case 'g': {
          const next = await this.#editor.keys.char()
          if (next === 'u' || next === 'U' || next === '~') { const done = this.#operateSelection(`g${next}`, register); leave(); return done }
          this.#editor.movement.move(await this.#editor.movement.motion(`g${next}`, times === 1 ? undefined : times))
          continue
        }
        case 'd': case 'x': case '<Del>': case 'y': case 'c': case 's': case '>': case '<': case '=': case 'u': case 'U': case '~': case 'J': case 'p': case 'P': case 'D': case 'X': case 'Y': case 'R': case 'S': case 'C': case 'r': case 'I': case 'A': {
          const [start, end] = this.#selection()
          this.#editor.lastVisual = { start, end, mode: this.#editor.mode }
          return this.#command(key, register, times)
        }
        default: {
          const motion = await this.#editor.movement.motion(key, times === 1 ? undefined : times)
          if (motion) { this.#blockToEnd = motion.toEnd ?? (this.#blockToEnd && (motion.keepsColumn ?? false)); this.#editor.movement.move(motion) }
        }
      }
    }
  }

  /** A command for what is selected. */
  async #command(key: string, register: string | undefined, times: number): Promise<void> {
    const [start, end] = this.#selection()
    const wasBlock = this.#editor.mode === 'visual-block'
    const operator = { x: 'd', '<Del>': 'd', s: 'c', u: 'gu', U: 'gU', '~': 'g~' }[key] ?? key
    if (wasBlock && !'><J=:'.includes(key)) return this.#blockCommand(operator, register)
    switch (operator) {
      case 'd': case 'y': case 'c': case 'gu': case 'gU': case 'g~': case '=': return this.#operateSelection(operator, register)
      case '>': case '<': this.#editor.mode = 'normal'; return this.#editor.change(() => this.#editor.shiftLines(start.row, end.row, operator === '>' ? times : -times))
      case 'D': case 'X': this.#editor.mode = 'normal'; return this.#editor.operateLines('d', start.row, end.row, register)
      case 'Y': this.#editor.mode = 'normal'; return this.#editor.operateLines('y', start.row, end.row, register)
      case 'R': case 'S': case 'C': this.#editor.mode = 'normal'; return this.#editor.operateLines('c', start.row, end.row, register)
      case 'J': this.#editor.mode = 'normal'; return this.#editor.change(() => this.#editor.join(start.row, Math.max(end.row, Math.min(start.row + 1, this.#editor.lines.length - 1)), true))
      case 'r': {
        const char = await this.#editor.keys.char()
        const linewise = this.#editor.mode === 'visual-line'
        this.#editor.mode = 'normal'
        if (char === undefined) return
        return this.#editor.change(() => {
          for (let row = start.row; row <= end.row; row++) {
            const line = this.#editor.lines[row]!
            const from = linewise || row > start.row ? 0 : start.col
            const to = linewise || row < end.row ? line.length : Math.min(line.length, end.col + 1)
            this.#editor.setLine(row, line.slice(0, from) + char.repeat(Math.max(0, to - from)) + line.slice(to))
          }
          this.#editor.cursor = { ...start }
        })
      }
      case 'p': case 'P': {
        const wanted = this.#editor.registers.get(register)
        const linewise = this.#editor.mode === 'visual-line'
        this.#editor.mode = 'normal'
        if (!wanted) return
        return this.#editor.change(() => {
          if (linewise) this.#editor.deleteLines(start.row, end.row)
          else this.#editor.cut(start, { row: end.row, col: Math.min(end.col + 1, this.#editor.lines[end.row]!.length) }, undefined)
          const text = [...wanted.text]
          if (linewise) {
            const wasAll = this.#editor.lines.length === 1 && this.#editor.lines[0] === ''
            this.#editor.lines.splice(start.row, wasAll ? 1 : 0, ...text)
            this.#editor.cursor = { row: start.row, col: 0 }
          } else if (wanted.kind === 'line') {
            const line = this.#editor.lines[start.row]!
            this.#editor.lines.splice(start.row, 1, line.slice(0, start.col), ...text, line.slice(start.col))
            this.#editor.cursor = { row: start.row + 1, col: 0 }
          } else { this.#editor.cursor = { ...start }; this.#editor.insertText(text.join('\n')); this.#editor.cursor.col -= 1 }
        })
      }
      default: {
        // I and A of a plain selection go to its ends.
        this.#editor.mode = 'normal'
        this.#editor.cursor = key === 'I' ? start : { row: end.row, col: Math.min(this.#editor.lines[end.row]!.length, end.col + 1) }
        return startInsert(this.#editor, 'i', 1)
      }
    }
  }

  /** A command for a block of columns. */
  async #blockCommand(operator: string, register: string | undefined): Promise<void> {
    const { first, last, left, right } = this.#block()
    const pieces = this.#editor.lines.slice(first, last + 1).map((line) => line.slice(left, right === Infinity ? undefined : right + 1))
    const remove = () => {
      for (let row = first; row <= last; row++) this.#editor.setLine(row, this.#editor.lines[row]!.slice(0, left) + (right === Infinity ? '' : this.#editor.lines[row]!.slice(right + 1)))
      this.#editor.cursor = { row: first, col: left }
    }
    const finish = async (at: (line: string) => number | undefined): Promise<void> => {
      this.#editor.mode = 'normal'
      const before = this.#editor.lines[first]!
      await insertMode(this.#editor)
      const typed = this.#editor.lines[first]!.length - before.length
      if (typed <= 0) return
      const col = at(before)!
      const text = this.#editor.lines[first]!.slice(col, col + typed)
      for (let row = first + 1; row <= last; row++) {
        const place = at(this.#editor.lines[row]!)
        if (place !== undefined) this.#editor.setLine(row, this.#editor.lines[row]!.slice(0, place).padEnd(place) + text + this.#editor.lines[row]!.slice(place))
      }
      this.#editor.cursor = { row: first, col: left }
    }
    switch (operator) {
      case 'y': this.#editor.mode = 'normal'; this.#editor.registers.store(register, pieces, 'block', true); this.#editor.cursor = { row: first, col: left }; return
      case 'd': case 'D': case 'X': this.#editor.mode = 'normal'; return this.#editor.change(() => { this.#editor.registers.store(register, pieces, 'block', false); remove() })
      case 'c': case 'C': case 'S': case 'R': this.#editor.begin(); this.#editor.registers.store(register, pieces, 'block', false); remove(); return finish((line) => line.length >= left ? left : undefined)
      case 'I': this.#editor.begin(); this.#editor.cursor = { row: first, col: left }; return finish((line) => line.length >= left ? left : undefined)
      case 'A': {
        this.#editor.begin()
        const end = (line: string) => right === Infinity ? line.length : right + 1
        this.#editor.setLine(first, this.#editor.lines[first]!.padEnd(right === Infinity ? 0 : right + 1))
        this.#editor.cursor = { row: first, col: end(this.#editor.lines[first]!) }
        return finish(end)
      }
      case 'r': {
        const char = await this.#editor.keys.char()
        this.#editor.mode = 'normal'
        if (char === undefined) return
        return this.#editor.change(() => { for (let row = first; row <= last; row++) { const line = this.#editor.lines[row]!; const to = Math.min(line.length, right + 1); if (to > left) this.#editor.setLine(row, line.slice(0, left) + char.repeat(to - left) + line.slice(to)) } })
      }
      default:
        this.#editor.mode = 'normal'
        return this.#editor.change(() => {
          for (let row = first; row <= last; row++) { const line = this.#editor.lines[row]!; this.#editor.setLine(row, line.slice(0, left) + recased(operator, line.slice(left, right + 1)) + line.slice(right + 1)) }
          this.#editor.cursor = { row: first, col: left }
        })
    }
  }

  #operateSelection(operator: string, register: string | undefined): Promise<void> | void {
    const [start, end] = this.#selection()
    if (this.#editor.mode === 'visual-line') { this.#editor.mode = 'normal'; return this.#editor.operateLines(operator, start.row, end.row, register) }
    this.#editor.mode = 'normal'
    const to = end.col >= this.#editor.lines[end.row]!.length && end.row + 1 < this.#editor.lines.length && operator !== 'c' ? { row: end.row + 1, col: 0 } : { row: end.row, col: Math.min(end.col + 1, this.#editor.lines[end.row]!.length) }
    return this.#editor.operateChars(operator, start, to, register)
  }

  /** First and last place of the selection. */
  #selection(): [Place, Place] {
    const before = this.#anchor.row < this.#editor.cursor.row || (this.#anchor.row === this.#editor.cursor.row && this.#anchor.col <= this.#editor.cursor.col)
    return before ? [{ ...this.#anchor }, { ...this.#editor.cursor }] : [{ ...this.#editor.cursor }, { ...this.#anchor }]
  }

  #block(): { first: number; last: number; left: number; right: number } {
    return { first: Math.min(this.#anchor.row, this.#editor.cursor.row), last: Math.max(this.#anchor.row, this.#editor.cursor.row), left: Math.min(this.#anchor.col, this.#editor.cursor.col), right: this.#blockToEnd ? Infinity : Math.max(this.#anchor.col, this.#editor.cursor.col) }
  }

  /** Whether a character belongs to what is selected. */
  isSelected(row: number, col: number): boolean {
    if (!this.#editor.mode.startsWith('visual')) return false
    if (this.#editor.mode === 'visual-block') { const { first, last, left, right } = this.#block(); return row >= first && row <= last && col >= left && col <= right }
    const [start, end] = this.#selection()
    if (row < start.row || row > end.row) return false
    return this.#editor.mode === 'visual-line' || ((row > start.row || col >= start.col) && (row < end.row || col <= end.col))
  }
}
