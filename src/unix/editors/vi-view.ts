import type { FullScreen } from './full-screen.ts'
import { highlight } from './highlight.ts'
import { cellsOf, columnOf } from './text-lines.ts'
import type { Place } from './text-lines.ts'
import { vimPattern } from './vi-motions.ts'
import type { ViOptions } from './vi-options.ts'
import type { Prompt } from './vi-prompt.ts'

export type Mode = 'normal' | 'insert' | 'replace' | 'visual' | 'visual-line' | 'visual-block'

/** What of an editing session is shown. */
export interface ViState {
  readonly lines: readonly string[]
  readonly cursor: Place
  readonly mode: Mode
  readonly options: ViOptions
  readonly path: string | undefined
  readonly message: string
  readonly lastSearch: { text: string } | undefined
  readonly showMatches: boolean
  /** The `:` or `/` line while one is typed. */
  readonly prompt: Prompt | undefined
  /** What has been typed of a command. */
  readonly pending: string
  /** The register into which a macro is recorded. */
  readonly recordingTo: string | undefined
  isSelected(row: number, col: number): boolean
}

/** The screen of an editing session: which part of the text is seen, and how. */
export class ViView {
  /** The first row of the text that is seen. */
  top = 0
  readonly #screen: FullScreen
  readonly #state: ViState

  constructor(screen: FullScreen, state: ViState) {
    this.#screen = screen
    this.#state = state
  }

  get #line(): string {
    return this.#state.lines[this.#state.cursor.row] ?? ''
  }

  /** Screen rows that a line takes. */
  #heightOf(row: number, width: number): number {
    if (!this.#state.options.wrap) return 1
    return Math.max(1, Math.ceil(columnOf(this.#state.lines[row]!, this.#state.lines[row]!.length, this.#state.options.tabstop) / width))
  }

  #gutter(): number {
    return this.#state.options.number || this.#state.options.relativenumber ? Math.max(3, String(this.#state.lines.length).length) + 1 : 0
  }

  /** The last row of the text that is on the screen. */
  bottomRow(): number {
    const width = this.#screen.columns - this.#gutter()
    let room = this.#screen.rows - 1
    let row = this.top
    while (row < this.#state.lines.length) { room -= this.#heightOf(row, width); if (room < 0) break; row += 1 }
    return Math.max(this.top, row - 1)
  }

  #scroll(width: number): void {
    const height = this.#screen.rows - 1
    if (this.#state.cursor.row < this.top) this.top = this.#state.cursor.row < this.top - height ? Math.max(0, this.#state.cursor.row - Math.floor(height / 2)) : this.#state.cursor.row
    let used = 0
    let first = this.#state.cursor.row
    for (; first >= 0; first--) { used += this.#heightOf(first, width); if (used > height) break }
    const lowestTop = Math.min(this.#state.cursor.row, first + 1)
    if (this.top < lowestTop) this.top = this.#state.cursor.row > this.top + 2 * height ? Math.max(0, this.#state.cursor.row - Math.floor(height / 2)) : lowestTop
  }

  /** Paints everything. */
  async draw(): Promise<void> {
    const screen = this.#screen
    const { columns } = screen
    const height = screen.rows - 1
    const gutter = this.#gutter()
    const width = Math.max(1, columns - gutter)
    this.#state.cursor.row = Math.max(0, Math.min(this.#state.lines.length - 1, this.#state.cursor.row))
    this.#scroll(width)
    const { tabstop } = this.#state.options
    const pattern = this.#state.options.hlsearch && this.#state.showMatches && this.#state.lastSearch ? this.#quietPattern(this.#state.lastSearch.text) : undefined
    const rows: string[] = []
    let cursorAt = { row: 0, column: 0 }
    let row = this.top
    for (; row < this.#state.lines.length && rows.length < height; row++) {
      const line = this.#state.lines[row]!
      const needed = this.#heightOf(row, width)
      if (rows.length + needed > height && row !== this.#state.cursor.row && rows.length > 0) break
      const label = gutter === 0 ? '' : `\x1b[33m${String(this.#state.options.relativenumber && row !== this.#state.cursor.row ? Math.abs(row - this.#state.cursor.row) : row + 1).padStart(gutter - 1)} \x1b[39m`
      const styles = this.#state.options.syntax ? highlight(line, this.#state.path) : undefined
      if (row === this.#state.cursor.row) {
        const column = columnOf(line, this.#state.cursor.col, tabstop)
        const wide = line[this.#state.cursor.col] === '\t' && this.#state.mode === 'normal' ? cellsOf('\t', column, tabstop).width - 1 : 0
        const shown = column + wide
        cursorAt = { row: rows.length + (this.#state.options.wrap ? Math.floor(shown / width) : 0), column: gutter + (this.#state.options.wrap ? shown % width : Math.min(shown, width - 1)) }
      }
      const matches = pattern ? [...line.matchAll(pattern)].filter((m) => m[0] !== '').map((m) => [m.index, m.index + m[0].length] as const) : []
      let text = label
      let column = 0
      let style = ''
      const put = (piece: string, pieceWidth: number, wanted: string) => {
        if (column + pieceWidth > width) {
          if (!this.#state.options.wrap) return
          rows.push(text + (style ? '\x1b[0m' : ''))
          text = ' '.repeat(gutter)
          column = 0
          style = ''
        }
        if (wanted !== style) { text += `\x1b[0m${wanted}`; style = wanted }
        text += piece
        column += pieceWidth
      }
      let absolute = 0
      for (let col = 0; col < line.length; col++) {
        const cell = cellsOf(line[col]!, absolute, tabstop)
        absolute += cell.width
        const wanted = this.#state.isSelected(row, col) ? '\x1b[7m' : matches.some(([from, to]) => col >= from && col < to) ? '\x1b[30;43m' : styles?.[col] ?? (cell.width === 2 && line[col]! < ' ' ? '\x1b[34m' : '')
        if (cell.width > 1 && line[col] === '\t') for (let i = 0; i < cell.width; i++) put(this.#state.options.list ? i === 0 ? '>' : '-' : ' ', 1, wanted)
        else put(cell.text, cell.width, wanted)
      }
      if (line === '' && this.#state.isSelected(row, 0)) put(' ', 1, '\x1b[7m')
      rows.push(text + (style ? '\x1b[0m' : ''))
    }
    while (rows.length < height) rows.push(row < this.#state.lines.length ? '\x1b[94m@\x1b[0m' : '\x1b[94m~\x1b[0m')
    rows.length = height
    const bottom = this.#bottomLine(columns)
    rows.push(bottom.text)
    if (bottom.cursor !== undefined) cursorAt = { row: height, column: bottom.cursor }
    await screen.draw(rows, cursorAt, this.#state.mode === 'insert' ? 6 : this.#state.mode === 'replace' ? 4 : 0)
  }

  #quietPattern(text: string): RegExp | undefined {
    try { return vimPattern(text, { ignoreCase: this.#state.options.ignorecase, smartCase: this.#state.options.smartcase }) } catch { return undefined }
  }

  #bottomLine(columns: number): { text: string; cursor?: number } {
    if (this.#state.prompt) {
      const shown = this.#state.prompt.lead + this.#state.prompt.text
      const from = Math.max(0, this.#state.prompt.cursor + 2 - columns)
      return { text: shown.slice(from, from + columns), cursor: this.#state.prompt.cursor + 1 - from }
    }
    const modes: Record<Mode, string> = { normal: '', insert: '-- INSERT --', replace: '-- REPLACE --', visual: '-- VISUAL --', 'visual-line': '-- VISUAL LINE --', 'visual-block': '-- VISUAL BLOCK --' }
    const left = this.#state.mode === 'normal' ? this.#state.message : modes[this.#state.mode]
    const column = columnOf(this.#line, this.#state.cursor.col, this.#state.options.tabstop) + 1
    const place = `${this.#state.cursor.row + 1},${this.#line === '' ? '0-1' : column === this.#state.cursor.col + 1 ? this.#state.cursor.col + 1 : `${this.#state.cursor.col + 1}-${column}`}`
    const last = this.bottomRow()
    const where = this.top === 0 && last >= this.#state.lines.length - 1 ? 'All' : this.top === 0 ? 'Top' : last >= this.#state.lines.length - 1 ? 'Bot' : `${Math.floor(this.top * 100 / Math.max(1, this.#state.lines.length - (last - this.top + 1)))}%`
    const ruler = columns >= 40 ? `${this.#state.pending.slice(-10).padEnd(11)}${place.padEnd(14)}${where}` : ''
    const room = Math.max(0, columns - 29)
    const hidesRuler = ruler === '' || left.length > room - 1
    const isError = /^E\d+:/.test(left)
    const clipped = left.slice(0, columns - 1)
    if (this.#state.recordingTo && this.#state.mode === 'normal' && left === '') return { text: `recording @${this.#state.recordingTo}` }
    const styled = isError ? `\x1b[97;41m${clipped}\x1b[0m` : this.#state.mode === 'normal' ? clipped : `\x1b[1m${clipped}\x1b[0m`
    return { text: !hidesRuler ? `${styled}${' '.repeat(Math.max(0, room - clipped.length))}${ruler}` : styled }
  }
}
