import { UnixError } from '../types.ts'
import type { Proc, Program } from '../types.ts'
import { errorText } from '../errno.ts'
import { FullScreen } from './full-screen.ts'
import type { Key } from './full-screen.ts'
import { highlight } from './highlight.ts'
import { cellsOf, colAt, columnOf, loadText, saveText } from './text-lines.ts'
import type { Place } from './text-lines.ts'

/** `nano [+LINE] [FILE]` */
// @k8s part: nano: several buffers, spelling and the file browser are missing
export const nano: Program = async (proc) => {
  const { tty } = proc
  if (!tty || !proc.isTty(0) || !proc.isTty(1)) {
    await proc.stderr.write('Standard input is not a terminal\n')
    return 1
  }
  let line: number | undefined
  let file: string | undefined
  let numbers = false
  let readOnly = false
  for (const arg of proc.argv.slice(1)) {
    if (/^\+\d+(?:,\d+)?$/.test(arg)) line = Number.parseInt(arg.slice(1), 10)
    else if (arg === '-V' || arg === '--version') { await proc.stdout.write(' GNU nano, version 8.4 (of the little Unix of Drydock)\n'); return 0 }
    else if (arg === '-l' || arg === '--linenumbers') numbers = true
    else if (arg === '-v' || arg === '--view') readOnly = true
    else if (!arg.startsWith('-')) file ??= arg
  }
  const screen = new FullScreen(proc, tty, { altEscapes: true })
  await screen.enter()
  try {
    return await new Nano(proc, screen, file, { numbers, readOnly }).run(line)
  } finally {
    await screen.leave()
  }
}

const HELP: [string, string][] = [
  ['^G', 'Help'], ['^O', 'Write Out'], ['^W', 'Where Is'], ['^K', 'Cut'], ['^T', 'Execute'], ['^C', 'Location'],
  ['^X', 'Exit'], ['^R', 'Read File'], ['^\\', 'Replace'], ['^U', 'Paste'], ['M-U', 'Undo'], ['^_', 'Go To Line'],
]

/** A state to go back to, and what was done from it. */
interface Step {
  lines: string[]
  cursor: Place
  kind: string
}

class Nano {
  readonly #proc: Proc
  readonly #screen: FullScreen
  #path: string | undefined
  #lines: string[] = ['']
  #cursor: Place = { row: 0, col: 0 }
  #wanted = 0
  #top = 0
  #modified = false
  #message = ''
  #numbers: boolean
  readonly #readOnly: boolean
  #cut: string[] = []
  #lastWasCut = false
  #mark: Place | undefined
  #search = ''
  readonly #undo: Step[] = []
  readonly #redo: Step[] = []
  #lastChange = ''
  #prompt: { label: string; text: string; help: [string, string][] } | undefined
  #done = false

  constructor(proc: Proc, screen: FullScreen, path: string | undefined, options: { numbers: boolean; readOnly: boolean }) {
    this.#proc = proc
    this.#screen = screen
    this.#path = path
    this.#numbers = options.numbers
    this.#readOnly = options.readOnly
    screen.onResize = () => { void this.#draw() }
  }

  async run(line: number | undefined): Promise<number> {
    if (this.#path !== undefined) {
      const loaded = loadText(this.#proc, this.#path)
      if (loaded.problem === 'is a directory') {
        this.#message = `"${this.#path}" is a directory`
        this.#path = undefined
      } else {
        this.#lines = loaded.lines
        const count = loaded.sizeBytes === 0 ? 0 : loaded.lines.length
        this.#message = loaded.problem ? `Error reading ${this.#path}: ${loaded.problem}` : loaded.isNew ? 'New File' : `Read ${count} line${count === 1 ? '' : 's'}`
      }
    }
    if (line !== undefined) this.#cursor.row = Math.max(0, Math.min(this.#lines.length, line) - 1)
    while (!this.#done) {
      if (!this.#screen.hasMore) await this.#draw()
      const key = await this.#screen.key()
      if (key === undefined) return 1
      this.#message = ''
      await this.#press(key)
    }
    return 0
  }

  get #line(): string {
    return this.#lines[this.#cursor.row]!
  }

  async #press(key: Key): Promise<void> {
    const wasCut = this.#lastWasCut
    this.#lastWasCut = false
    if (typeof key !== 'string') return this.#change('paste', () => this.#insert(key.paste))
    const { rows } = this.#screen
    const page = Math.max(1, rows - 5)
    switch (key) {
      case '\x18': return this.#exit()
      case '\x0f': case '\x13': await this.#writeOut(key === '\x13'); return
      case '\x07': case '<F1>': return this.#help()
      case '\x17': case '<M-w>': return this.#whereIs(key === '<M-w>')
      case '\x1c': case '<M-r>': return this.#replace()
      case '\x0b': return this.#cutText(wasCut)
      case '<M-6>': case '<M-^>': {
        const [from, to] = this.#selection() ?? [{ row: this.#cursor.row, col: 0 }, { row: this.#cursor.row + 1, col: 0 }]
        this.#cut = this.#between(from, to)
        if (!this.#mark) this.#moveTo({ row: Math.min(this.#lines.length - 1, this.#cursor.row + 1), col: 0 })
        this.#mark = undefined
        return
      }
      case '\x15': if (this.#cut.length > 0) this.#change('paste', () => this.#insert(this.#cut.join('\n'))); return
      case '<M-a>': case '<M-A>': case '\x1e': this.#mark = this.#mark ? undefined : { ...this.#cursor }; this.#message = this.#mark ? 'Mark Set' : 'Mark Unset'; return
      case '<M-u>': return this.#restore(this.#undo, this.#redo, 'Undid')
      case '<M-e>': return this.#restore(this.#redo, this.#undo, 'Redid')
      case '<M-n>': this.#numbers = !this.#numbers; this.#message = `Line numbering ${this.#numbers ? 'enabled' : 'disabled'}`; return
      case '\x03': {
        const chars = this.#lines.slice(0, this.#cursor.row).reduce((sum, line) => sum + line.length + 1, 0) + this.#cursor.col
        const total = this.#lines.reduce((sum, line) => sum + line.length + 1, 0)
        const percent = (part: number, all: number) => `${Math.floor(all === 0 ? 0 : part * 100 / all)}%`
        this.#message = `line ${this.#cursor.row + 1}/${this.#lines.length} (${percent(this.#cursor.row + 1, this.#lines.length)}), col ${this.#cursor.col + 1}/${this.#line.length + 1} (${percent(this.#cursor.col + 1, this.#line.length + 1)}), char ${chars}/${total} (${percent(chars, total)})`
        return
      }
      case '\x1f': case '<M-g>': return this.#goTo()
      case '\x12': return this.#readFile()
      case '<Up>': case '\x10': return this.#vertical(-1)
      case '<Down>': case '\x0e': return this.#vertical(1)
      case '<PageUp>': case '\x19': return this.#vertical(-page)
      case '<PageDown>': case '\x16': return this.#vertical(page)
      case '<Left>': case '\x02': return this.#moveTo(this.#cursor.col > 0 ? { ...this.#cursor, col: this.#cursor.col - 1 } : this.#cursor.row > 0 ? { row: this.#cursor.row - 1, col: this.#lines[this.#cursor.row - 1]!.length } : this.#cursor)
      case '<Right>': case '\x06': return this.#moveTo(this.#cursor.col < this.#line.length ? { ...this.#cursor, col: this.#cursor.col + 1 } : this.#cursor.row + 1 < this.#lines.length ? { row: this.#cursor.row + 1, col: 0 } : this.#cursor)
      case '<Home>': case '\x01': return this.#moveTo({ ...this.#cursor, col: 0 })
      case '<End>': case '\x05': return this.#moveTo({ ...this.#cursor, col: this.#line.length })
      case '<C-Right>': case '<M- >': { const rest = /^[\p{L}\p{N}_]*[^\p{L}\p{N}_]*/u.exec(this.#line.slice(this.#cursor.col))![0]; return this.#moveTo(rest === '' && this.#cursor.row + 1 < this.#lines.length ? { row: this.#cursor.row + 1, col: 0 } : { ...this.#cursor, col: this.#cursor.col + rest.length }) }
      case '<C-Left>': case '\x00': { const rest = /[\p{L}\p{N}_]*[^\p{L}\p{N}_]*$/u.exec(this.#line.slice(0, this.#cursor.col))![0]; return this.#moveTo(rest === '' && this.#cursor.row > 0 ? { row: this.#cursor.row - 1, col: this.#lines[this.#cursor.row - 1]!.length } : { ...this.#cursor, col: this.#cursor.col - rest.length }) }
      case '<M-\\>': case '<M-|>': case '<C-Home>': return this.#moveTo({ row: 0, col: 0 })
      case '<M-/>': case '<M-?>': case '<C-End>': return this.#moveTo({ row: this.#lines.length - 1, col: this.#lines.at(-1)!.length })
      case '<Del>': case '\x04': return this.#change('delete', () => this.#deleteForward())
      case '<BS>': return this.#change('delete', () => {
        if (this.#cursor.col > 0) this.#cursor.col -= 1
        else if (this.#cursor.row > 0) this.#cursor = { row: this.#cursor.row - 1, col: this.#lines[this.#cursor.row - 1]!.length }
        else return
        this.#deleteForward()
      })
      case '<CR>': return this.#change('enter', () => this.#insert('\n'))
      case '\t': return this.#change('type', () => this.#insert('\t'))
      case '\x0c': this.#screen.forget(); return
      default:
        if (key < ' ' || /^<[\w-]+.*>$/.test(key) && key.length > 1) { if (key.startsWith('<M-')) this.#message = 'Unbound key'; return }
        return this.#change('type', () => this.#insert(key))
    }
  }

  #moveTo(place: Place): void {
    this.#cursor = { ...place }
    this.#wanted = columnOf(this.#line, place.col, 8)
    this.#lastChange = ''
  }

  #vertical(rows: number): void {
    const row = Math.max(0, Math.min(this.#lines.length - 1, this.#cursor.row + rows))
    this.#cursor = { row, col: colAt(this.#lines[row]!, this.#wanted, 8) }
    this.#lastChange = ''
  }

  /** Changes the text; typing without a pause between is undone together. */
  #change(kind: string, work: () => void): void {
    if (this.#readOnly) { this.#message = 'Key is invalid in view mode'; return }
    if (kind !== this.#lastChange || kind === 'paste' || kind === 'cut') { this.#undo.push({ lines: [...this.#lines], cursor: { ...this.#cursor }, kind }); this.#redo.length = 0 }
    const selected = this.#selection()
    if (selected && (kind === 'delete' || kind === 'cut')) { this.#remove(...selected); this.#mark = undefined } else { this.#mark = undefined; work() }
    this.#modified = true
    this.#lastChange = kind
    this.#wanted = columnOf(this.#line, this.#cursor.col, 8)
  }

  #restore(from: Step[], to: Step[], word: string): void {
    const step = from.pop()
    if (!step) { this.#message = `Nothing to ${word === 'Undid' ? 'undo' : 'redo'}`; return }
    to.push({ lines: [...this.#lines], cursor: { ...this.#cursor }, kind: step.kind })
    this.#lines = [...step.lines]
    this.#moveTo(step.cursor)
    this.#modified = true
    this.#message = `${word} ${{ type: 'addition', enter: 'line break', delete: 'deletion', cut: 'cut', paste: 'paste', replace: 'replacement' }[step.kind] ?? 'change'}`
  }

  #insert(text: string): void {
    const pieces = text.split('\n')
    const before = this.#line.slice(0, this.#cursor.col)
    const after = this.#line.slice(this.#cursor.col)
    const last = pieces.at(-1)!
    if (pieces.length === 1) { this.#lines[this.#cursor.row] = before + last + after; this.#cursor.col += last.length; return }
    this.#lines.splice(this.#cursor.row, 1, before + pieces[0]!, ...pieces.slice(1, -1), last + after)
    this.#cursor = { row: this.#cursor.row + pieces.length - 1, col: last.length }
  }

  #deleteForward(): void {
    if (this.#cursor.col < this.#line.length) this.#lines[this.#cursor.row] = this.#line.slice(0, this.#cursor.col) + this.#line.slice(this.#cursor.col + 1)
    else if (this.#cursor.row + 1 < this.#lines.length) this.#lines.splice(this.#cursor.row, 2, this.#line + this.#lines[this.#cursor.row + 1]!)
  }

  #selection(): [Place, Place] | undefined {
    if (!this.#mark) return undefined
    const [a, b] = [this.#mark, this.#cursor]
    return a.row < b.row || (a.row === b.row && a.col <= b.col) ? [{ ...a }, { ...b }] : [{ ...b }, { ...a }]
  }

  #between(from: Place, to: Place): string[] {
    if (to.row >= this.#lines.length) return [...this.#lines.slice(from.row), '']
    if (from.row === to.row) return [this.#lines[from.row]!.slice(from.col, to.col)]
    return [this.#lines[from.row]!.slice(from.col), ...this.#lines.slice(from.row + 1, to.row), this.#lines[to.row]!.slice(0, to.col)]
  }

  #remove(from: Place, to: Place): void {
    const tail = to.row < this.#lines.length ? this.#lines[to.row]!.slice(to.col) : ''
    this.#lines.splice(from.row, to.row - from.row + 1, this.#lines[from.row]!.slice(0, from.col) + tail)
    this.#cursor = { ...from }
  }

  #cutText(more: boolean): void {
    const selected = this.#selection()
    const piece = selected ? this.#between(...selected) : [this.#line, '']
    this.#cut = more && !selected ? [...this.#cut.slice(0, -1), ...piece] : piece
    this.#change('cut', () => {
      this.#lines.splice(this.#cursor.row, 1)
      if (this.#lines.length === 0) this.#lines = ['']
      this.#cursor = { row: Math.min(this.#cursor.row, this.#lines.length - 1), col: 0 }
    })
    this.#lastWasCut = true
  }

  // --- questions ------------------------------------------------------------------------------------------------------------------

  /** A line typed at the bottom; undefined when cancelled. */
  async #ask(label: string, text = ''): Promise<string | undefined> {
    const prompt = { label, text, help: [['^C', 'Cancel'], ['^M', 'Enter']] as [string, string][] }
    this.#prompt = prompt
    try {
      for (;;) {
        await this.#draw()
        const key = await this.#screen.key()
        if (key === undefined || key === '\x03' || key === '<Esc>' || key === '\x18') { this.#message = 'Cancelled'; return undefined }
        if (typeof key !== 'string') prompt.text += key.paste.replace(/\n/g, ' ')
        else if (key === '<CR>') return prompt.text
        else if (key === '<BS>') prompt.text = prompt.text.slice(0, -1)
        else if (key === '\x15' || key === '\x0b') prompt.text = ''
        else if (key >= ' ' && !/^<[\w-]+.*>$/.test(key) || key === '<') prompt.text += key
      }
    } finally {
      this.#prompt = undefined
    }
  }

  /** Yes, no, or cancelled. */
  async #confirm(label: string, withAll = false): Promise<'yes' | 'no' | 'all' | undefined> {
    this.#prompt = { label, text: '', help: withAll ? [[' Y', 'Yes'], [' A', 'All'], [' N', 'No'], ['^C', 'Cancel']] : [[' Y', 'Yes'], [' N', 'No'], ['^C', 'Cancel']] }
    try {
      for (;;) {
        await this.#draw()
        const key = await this.#screen.key()
        if (key === undefined || key === '\x03' || key === '<Esc>') { this.#message = 'Cancelled'; return undefined }
        if (key === 'y' || key === 'Y') return 'yes'
        if (key === 'n' || key === 'N') return 'no'
        if (withAll && (key === 'a' || key === 'A')) return 'all'
      }
    } finally {
      this.#prompt = undefined
    }
  }

  async #exit(): Promise<void> {
    if (this.#modified) {
      const answer = await this.#confirm('Save modified buffer? ')
      if (answer === undefined) return
      if (answer === 'yes' && !await this.#writeOut()) return
    }
    this.#done = true
  }

  async #writeOut(withoutAsking = false): Promise<boolean> {
    const name = withoutAsking && this.#path !== undefined ? this.#path : await this.#ask('File Name to Write: ', this.#path ?? '')
    if (name === undefined || name === '') return false
    if (name !== this.#path && this.#proc.fs.exists(this.#proc.resolve(name)) && await this.#confirm(`File "${name}" exists; OVERWRITE? `) !== 'yes') return false
    try {
      saveText(this.#proc, name, this.#lines.length === 1 && this.#lines[0] === '' ? [] : this.#lines)
      this.#path = name
      this.#modified = false
      const count = this.#lines.length === 1 && this.#lines[0] === '' ? 0 : this.#lines.length
      this.#message = `Wrote ${count} line${count === 1 ? '' : 's'}`
      return true
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      this.#message = `Error writing ${name}: ${errorText(error)}`
      return false
    }
  }

  async #readFile(): Promise<void> {
    const name = await this.#ask('File to insert [from ./]: ')
    if (!name) return
    const loaded = loadText(this.#proc, name)
    if (loaded.isNew || loaded.problem) { this.#message = `Error reading ${name}: ${loaded.problem ?? 'No such file or directory'}`; return }
    this.#change('paste', () => this.#insert(`${loaded.lines.join('\n')}\n`))
    this.#message = `Read ${loaded.lines.length} line${loaded.lines.length === 1 ? '' : 's'}`
  }

  async #goTo(): Promise<void> {
    const text = await this.#ask('Enter line number, column number: ')
    if (!text) return
    const [row, col] = text.split(/[,.;: ]+/).map(Number)
    if (!Number.isInteger(row)) { this.#message = 'Invalid line or column number'; return }
    const at = row! < 0 ? this.#lines.length + row! : row! - 1
    const clamped = Math.max(0, Math.min(this.#lines.length - 1, at))
    this.#moveTo({ row: clamped, col: Math.max(0, Math.min(this.#lines[clamped]!.length, (col ?? 1) - 1)) })
  }

  #find(from: Place): { place: Place; wrapped: boolean } | undefined {
    const needle = this.#search.toLowerCase()
    for (let i = 0; i <= this.#lines.length; i++) {
      const row = (from.row + i) % this.#lines.length
      const at = this.#lines[row]!.toLowerCase().indexOf(needle, i === 0 ? from.col + 1 : 0)
      if (at >= 0 && (i < this.#lines.length || at <= from.col)) return { place: { row, col: at }, wrapped: i > 0 && row <= from.row }
    }
    return undefined
  }

  async #whereIs(again: boolean): Promise<void> {
    if (!again || this.#search === '') {
      const text = await this.#ask(`Search${this.#search ? ` [${this.#search}]` : ''}: `)
      if (text === undefined) return
      if (text !== '') this.#search = text
      if (this.#search === '') { this.#message = 'Cancelled'; return }
    }
    const found = this.#find(this.#cursor)
    if (!found) { this.#message = `"${this.#search}" not found`; return }
    if (found.place.row === this.#cursor.row && found.place.col === this.#cursor.col) this.#message = 'This is the only occurrence'
    else if (found.wrapped) this.#message = 'Search Wrapped'
    this.#moveTo(found.place)
  }

  async #replace(): Promise<void> {
    const text = await this.#ask(`Search (to replace)${this.#search ? ` [${this.#search}]` : ''}: `)
    if (text === undefined) return
    if (text !== '') this.#search = text
    if (this.#search === '') return
    const replacement = await this.#ask('Replace with: ')
    if (replacement === undefined) return
    let all = false
    let count = 0
    const start = { ...this.#cursor, col: this.#cursor.col - 1 }
    let from = start
    let hasWrapped = false
    for (;;) {
      const found = this.#find(from)
      if (!found) break
      if (found.wrapped) hasWrapped = true
      const beyond = found.place.row > start.row || (found.place.row === start.row && found.place.col > start.col)
      if (hasWrapped && beyond) break
      this.#moveTo(found.place)
      const answer = all ? 'yes' : await this.#confirm('Replace this instance? ', true)
      if (answer === undefined) break
      if (answer === 'all') all = true
      if (answer === 'no') { from = { ...found.place }; continue }
      this.#change('replace', () => {
        this.#lines[found.place.row] = this.#line.slice(0, found.place.col) + replacement + this.#line.slice(found.place.col + this.#search.length)
        this.#cursor.col = found.place.col + replacement.length
      })
      count += 1
      from = { row: found.place.row, col: found.place.col + replacement.length - 1 }
      if (count > 100_000) break
    }
    this.#message = count === 0 ? `"${this.#search}" not found` : `Replaced ${count} occurrence${count === 1 ? '' : 's'}`
  }

  async #help(): Promise<void> {
    const rows = [' Main nano help text', '', ' ^X leaves (and asks whether to save), ^O saves, ^S saves at once.', ' ^W searches, M-W again, ^\\ replaces, ^_ goes to a line, ^C tells where you are.', ' ^K cuts a line (or what is marked), ^U pastes, M-6 copies, M-A marks.', ' M-U undoes, M-E redoes, ^R inserts a file, M-N shows line numbers.', ' ^A and ^E go to the ends of a line, ^Y and ^V page, M-\\ and M-/ go to the ends of the file.', '', ' Press any key to go back.']
    await this.#screen.draw(rows, { row: rows.length, column: 0 })
    await this.#screen.key()
  }

  // --- drawing --------------------------------------------------------------------------------------------------------------------

  async #draw(): Promise<void> {
    const { rows: height, columns } = this.#screen
    const space = Math.max(1, height - 4)
    if (this.#cursor.row < this.#top || this.#cursor.row >= this.#top + space) this.#top = Math.max(0, this.#cursor.row - Math.floor(space / 2))
    const gutter = this.#numbers ? Math.max(2, String(this.#lines.length).length) + 1 : 0
    const width = Math.max(1, columns - gutter)
    const name = this.#path ?? 'New Buffer'
    const left = '  GNU nano 8.4'
    const state = this.#readOnly ? 'View' : this.#modified ? 'Modified' : ''
    const middle = Math.max(left.length + 2, Math.floor((columns - name.length) / 2))
    const rows = [`\x1b[7m${`${left.padEnd(middle)}${name}`.padEnd(Math.max(0, columns - state.length - 1)).slice(0, Math.max(0, columns - state.length - 1))}${state} \x1b[0m`]
    const selected = this.#selection()
    const cursorColumn = columnOf(this.#line, this.#cursor.col, 8)
    const page = Math.max(1, width - 2)
    for (let i = 0; i < space; i++) {
      const row = this.#top + i
      const line = this.#lines[row]
      if (line === undefined) { rows.push(''); continue }
      // Only the cursor's line scrolls sideways, as nano does it.
      const from = row === this.#cursor.row && cursorColumn > width - 1 ? Math.floor(cursorColumn / page) * page : 0
      const styles = highlight(line, this.#path)
      let text = ''
      let column = 0
      let style = ''
      for (let col = 0; col < line.length && column - from < width; col++) {
        const cell = cellsOf(line[col]!, column, 8)
        column += cell.width
        if (column - from <= 0) continue
        const isSelected = selected && (row > selected[0].row || (row === selected[0].row && col >= selected[0].col)) && (row < selected[1].row || (row === selected[1].row && col < selected[1].col)) && row >= selected[0].row && row <= selected[1].row
        const wanted = isSelected ? '\x1b[7m' : styles?.[col] ?? ''
        if (wanted !== style) { text += `\x1b[0m${wanted}`; style = wanted }
        text += cell.text
      }
      const overflow = columnOf(line, line.length, 8) - from > width
      rows.push(`${gutter ? `\x1b[7m${String(row + 1).padStart(gutter - 1)}\x1b[0m ` : ''}${text}${overflow ? `\x1b[0m\x1b[${columns}G\x1b[7m>` : ''}\x1b[0m`)
    }
    if (this.#prompt) rows.push(`\x1b[7m${`${this.#prompt.label}${this.#prompt.text}`.padEnd(columns).slice(-columns)}\x1b[0m`)
    else {
      const said = this.#message === '' ? '' : `[ ${this.#message} ]`
      const clipped = said.slice(0, columns)
      rows.push(said === '' ? '' : `${' '.repeat(Math.max(0, Math.floor((columns - clipped.length) / 2)))}\x1b[7m${clipped}\x1b[0m`)
    }
    const help = this.#prompt?.help ?? HELP
    const perRow = Math.max(1, Math.min(Math.ceil(help.length / 2), Math.floor(columns / 14)))
    const cell = Math.floor(columns / perRow)
    for (const half of [help.slice(0, Math.ceil(help.length / 2)), help.slice(Math.ceil(help.length / 2))]) rows.push(half.slice(0, perRow).map(([key, text]) => `\x1b[7m${key}\x1b[0m ${text.slice(0, Math.max(0, cell - key.length - 2)).padEnd(Math.max(0, cell - key.length - 1))}`).join(''))
    const from = cursorColumn > width - 1 ? Math.floor(cursorColumn / page) * page : 0
    await this.#screen.draw(rows, this.#prompt ? { row: height - 3, column: Math.min(columns - 1, this.#prompt.label.length + this.#prompt.text.length) } : { row: 1 + this.#cursor.row - this.#top, column: gutter + cursorColumn - from })
  }
}
