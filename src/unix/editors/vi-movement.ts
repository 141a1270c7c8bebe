import type { Key } from './full-screen.ts'
import { colAt, columnOf } from './text-lines.ts'
import type { Place } from './text-lines.ts'
import { swappedCase } from './vi-case.ts'
import type { ViEditor } from './vi-editor.ts'
import { findOnLine, matchingBracket, paragraph, searchFrom, vimPattern, wordBackward, wordEnd, wordEndBackward, wordForward } from './vi-motions.ts'

/** What a motion reaches: exclusive unless it says otherwise. */
export interface Motion extends Place {
  linewise?: boolean
  inclusive?: boolean
  /** Keeps the wanted column (j, k) or sets it to the line's end ($). */
  keepsColumn?: boolean
  toEnd?: boolean
}

/** Which way keys lead through the text, and what of it is remembered: the wanted column, what `;` finds again. */
export class ViMovement {
  readonly #editor: ViEditor
  /** The column that moving up and down keeps to; Infinity: the line's end. */
  wanted = 0
  #lastFind: { command: string; char: string } | undefined

  constructor(editor: ViEditor) {
    this.#editor = editor
  }

  /** Goes where a motion leads. */
  move(motion: Motion | undefined): void {
    if (!motion) return
    this.#editor.cursor = { row: motion.row, col: motion.col }
    if (motion.toEnd) this.wanted = Infinity
    else if (!motion.keepsColumn) this.wanted = columnOf(this.#editor.line, motion.col, this.#editor.options.tabstop)
  }

  /** Where a motion leads; undefined for keys that are none, and for motions that fail. */
  async motion(key: Key | undefined, count: number | undefined, operator?: string): Promise<Motion | undefined> {
    if (typeof key !== 'string') return undefined
    const { lines, cursor } = this.#editor
    const times = count ?? 1
    const repeat = (step: (from: Place) => Place): Place => { let at: Place = { ...cursor }; for (let i = 0; i < times; i++) at = step(at); return at }
    const page = Math.max(1, this.#editor.rows - 3)
    switch (key) {
      case 'h': case '<Left>': case '<BS>': return key === '<BS>' && cursor.col === 0 && cursor.row > 0 ? { row: cursor.row - 1, col: Math.max(0, lines[cursor.row - 1]!.length - 1) } : cursor.col === 0 ? undefined : { row: cursor.row, col: Math.max(0, cursor.col - times) }
      case 'l': case '<Right>': case ' ': return { row: cursor.row, col: Math.min(operator || this.#editor.mode !== 'normal' ? this.#editor.line.length : Math.max(0, this.#editor.line.length - 1), cursor.col + times) }
      case 'j': case '<Down>': case '\x0e': return cursor.row + times > lines.length - 1 && operator ? undefined : this.#vertical(times)
      case 'k': case '<Up>': case '\x10': return cursor.row - times < 0 && operator ? undefined : this.#vertical(-times)
      case '+': case '<CR>': return this.#toLine(cursor.row + times)
      case '-': return this.#toLine(cursor.row - times)
      case '_': return this.#toLine(cursor.row + times - 1)
      case '0': case '<Home>': return { row: cursor.row, col: 0 }
      case '^': return { row: cursor.row, col: this.#editor.firstNonBlank(cursor.row) }
      case '$': case '<End>': { const row = Math.min(lines.length - 1, cursor.row + times - 1); return { row, col: Math.max(0, lines[row]!.length - 1), inclusive: lines[row] !== '', toEnd: true } }
      case 'g_': return { row: cursor.row, col: Math.max(0, this.#editor.line.trimEnd().length - 1), inclusive: true }
      case '|': return { row: cursor.row, col: Math.min(this.#editor.line.length, colAt(this.#editor.line, times - 1, this.#editor.options.tabstop)) }
      case 'w': case 'W': case '<C-Right>': {
        const big = key === 'W'
        // Changing a word leaves the blank behind it.
        if (operator === 'c' && /\S/.test(this.#editor.line[cursor.col] ?? ' ')) return { ...repeat((from) => wordEnd(lines, from, big)), inclusive: true, ...(times === 1 ? this.#endOfWord(big) : {}) }
        const to = repeat((from) => wordForward(lines, from, big))
        // An operator doesn't reach into the next line.
        if (operator && to.row > cursor.row && lines[to.row]!.slice(0, to.col).trim() === '') { const row = to.row - 1; return { row, col: lines[row]!.length } }
        return to
      }
      case 'b': case 'B': case '<C-Left>': return repeat((from) => wordBackward(lines, from, key === 'B'))
      case 'e': case 'E': return { ...repeat((from) => wordEnd(lines, from, key === 'E')), inclusive: true }
      case 'ge': case 'gE': return { ...repeat((from) => wordEndBackward(lines, from, key === 'gE')), inclusive: true }
      case 'G': case '<C-End>': this.#editor.marks.set("'", { ...cursor }); return this.#toLine(count === undefined ? lines.length - 1 : count - 1)
      case 'gg': case '<C-Home>': this.#editor.marks.set("'", { ...cursor }); return this.#toLine(times - 1)
      case 'gj': return this.#vertical(times)
      case 'gk': return this.#vertical(-times)
      case 'H': return this.#toLine(this.#editor.view.top + times - 1)
      case 'L': return this.#toLine(this.#editor.view.bottomRow() - times + 1)
      case 'M': return this.#toLine(Math.floor((this.#editor.view.top + this.#editor.view.bottomRow()) / 2))
      case '}': return repeat((from) => paragraph(lines, from, 1))
      case '{': return repeat((from) => paragraph(lines, from, -1))
      case '\x06': case '<PageDown>': this.#editor.view.top = Math.min(lines.length - 1, this.#editor.view.top + page * times); return this.#toLine(Math.max(this.#editor.view.top, cursor.row))
      case '\x02': case '<PageUp>': this.#editor.view.top = Math.max(0, this.#editor.view.top - page * times); return this.#toLine(Math.min(this.#editor.view.top + page, cursor.row))
      case '\x04': { const half = count ?? Math.max(1, Math.floor(page / 2)); this.#editor.view.top = Math.min(Math.max(0, lines.length - 1), this.#editor.view.top + half); return this.#vertical(half) }
      case '\x15': { const half = count ?? Math.max(1, Math.floor(page / 2)); this.#editor.view.top = Math.max(0, this.#editor.view.top - half); return this.#vertical(-half) }
      case '%': {
        if (count !== undefined) return this.#toLine(Math.ceil(count * lines.length / 100) - 1)
        const to = matchingBracket(lines, cursor)
        return to && { ...to, inclusive: true }
      }
      case 'f': case 'F': case 't': case 'T': case ';': case ',': {
        let command: string = key
        let char: string | undefined
        if (key === ';' || key === ',') {
          if (!this.#lastFind) return undefined
          char = this.#lastFind.char
          command = key === ';' ? this.#lastFind.command : swappedCase(this.#lastFind.command)
        } else {
          char = await this.#editor.keys.char()
          if (char === undefined) return undefined
          this.#lastFind = { command: key, char }
        }
        const skip = (key === ';' || key === ',') && (command === 't' && this.#editor.line[cursor.col + 1] === char || command === 'T' && this.#editor.line[cursor.col - 1] === char)
        const col = findOnLine(this.#editor.line, skip ? cursor.col + (command === 't' ? 1 : -1) : cursor.col, command, char, times)
        return col === undefined ? undefined : { row: cursor.row, col, inclusive: command === 'f' || command === 't' }
      }
      case 'n': case 'N': return this.search((key === 'n' ? 1 : -1), times)
      case '*': case '#': case 'g*': case 'g#': {
        const before = /[\p{L}\p{N}_]*$/u.exec(this.#editor.line.slice(0, cursor.col))![0]
        const after = /^[^\p{L}\p{N}_]*([\p{L}\p{N}_]+)/u.exec(this.#editor.line.slice(cursor.col - before.length))
        if (!after) { this.#editor.message = 'E348: No string under cursor'; return undefined }
        this.#editor.lastSearch = { text: key.startsWith('g') ? after[1]! : `\\<${after[1]}\\>`, direction: key.endsWith('*') ? 1 : -1 }
        this.#editor.cursor.col -= before.length
        const found = this.search(1, times)
        this.#editor.cursor.col += before.length
        return found
      }
      case '/': case '?': {
        const text = await this.#editor.readLine(key)
        if (text === undefined) return undefined
        if (text !== '') this.#editor.lastSearch = { text, direction: key === '/' ? 1 : -1 }
        else if (this.#editor.lastSearch) this.#editor.lastSearch = { ...this.#editor.lastSearch, direction: key === '/' ? 1 : -1 }
        return this.search(1, times)
      }
      case "'": case '`': {
        const name = await this.#editor.keys.char()
        const mark = name === key ? this.#editor.marks.get("'") : name === undefined ? undefined : this.#mark(name)
        if (!mark) { this.#editor.message = 'E20: Mark not set'; return undefined }
        this.#editor.marks.set("'", { ...cursor })
        return key === "'" ? this.#toLine(mark.row) : { ...mark }
      }
      default: return undefined
    }
  }

  /** Rows down or up, in the wanted column. */
  #vertical(rows: number): Motion {
    const row = Math.max(0, Math.min(this.#editor.lines.length - 1, this.#editor.cursor.row + rows))
    const line = this.#editor.lines[row]!
    return { row, col: this.wanted === Infinity ? Math.max(0, line.length - 1) : Math.min(Math.max(0, line.length - 1), colAt(line, this.wanted, this.#editor.options.tabstop)), linewise: true, keepsColumn: true }
  }

  /** To the first character of a line that is no blank. */
  #toLine(row: number): Motion {
    const clamped = Math.max(0, Math.min(this.#editor.lines.length - 1, row))
    return { row: clamped, col: this.#editor.firstNonBlank(clamped), linewise: true }
  }

  #endOfWord(big: boolean): Place {
    // `cw` on the last letter of a word changes that letter only.
    const { cursor } = this.#editor
    const next = this.#editor.line[cursor.col + 1]
    const kind = (char: string | undefined) => char === undefined || /\s/.test(char) ? 0 : big || /[\p{L}\p{N}_]/u.test(char) ? 1 : 2
    return kind(next) === kind(this.#editor.line[cursor.col]) ? wordEnd(this.#editor.lines, cursor, big) : { ...cursor }
  }

  #mark(name: string): Place | undefined {
    if (name === '<') return this.#editor.lastVisual?.start
    if (name === '>') return this.#editor.lastVisual?.end
    return this.#editor.marks.get(name)
  }

  /** Goes to the next match of the last pattern: `sense` 1 in its direction, -1 against it. */
  search(sense: 1 | -1, times = 1): Motion | undefined {
    if (!this.#editor.lastSearch) { this.#editor.message = 'E35: No previous regular expression'; return undefined }
    const pattern = this.pattern(this.#editor.lastSearch.text)
    if (!pattern) return undefined
    this.#editor.showMatches = true
    const direction = this.#editor.lastSearch.direction * sense as 1 | -1
    let at = this.#editor.cursor
    let wrapped = false
    for (let i = 0; i < times; i++) {
      const found = searchFrom(this.#editor.lines, at, pattern, direction)
      if (!found) { this.#editor.message = `E486: Pattern not found: ${this.#editor.lastSearch.text}`; return undefined }
      at = found.place
      wrapped ||= found.wrapped
    }
    this.#editor.message = wrapped ? direction > 0 ? 'search hit BOTTOM, continuing at TOP' : 'search hit TOP, continuing at BOTTOM' : `${direction > 0 ? '/' : '?'}${this.#editor.lastSearch.text}`
    this.#editor.marks.set("'", { ...this.#editor.cursor })
    return { ...at }
  }

  /** A pattern as a regular expression; undefined with a message if it is none. */
  pattern(text: string): RegExp | undefined {
    try {
      return vimPattern(text, { ignoreCase: this.#editor.options.ignorecase, smartCase: this.#editor.options.smartcase })
    } catch {
      this.#editor.message = `E383: Invalid search string: ${text}`
      return undefined
    }
  }
}
