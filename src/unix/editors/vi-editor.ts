import { UnixError } from '../types.ts'
import type { Proc } from '../types.ts'
import { errorText } from '../errno.ts'
import type { FullScreen, Key } from './full-screen.ts'
import { colAt, columnOf, loadText, saveText } from './text-lines.ts'
import type { Place } from './text-lines.ts'
import { runExCommand } from './vi-ex.ts'
import { ViHistory } from './vi-history.ts'
import { findOnLine, matchingBracket, paragraph, searchFrom, textObject, vimPattern, wordBackward, wordEnd, wordEndBackward, wordForward } from './vi-motions.ts'
import { DEFAULT_OPTIONS, setViOption } from './vi-options.ts'
import type { ViOptions } from './vi-options.ts'
import { readPrompt } from './vi-prompt.ts'
import type { Prompt } from './vi-prompt.ts'
import { ViRegisters } from './vi-registers.ts'
import { ViView } from './vi-view.ts'
import type { Mode, ViState } from './vi-view.ts'

/** What a motion reaches: exclusive unless it says otherwise. */
interface Motion extends Place {
  linewise?: boolean
  inclusive?: boolean
  /** Keeps the wanted column (j, k) or sets it to the line's end ($). */
  keepsColumn?: boolean
  toEnd?: boolean
  start?: Place
}

/** One editing session. Public members are for the commands of the `:` line. */
export class ViEditor implements ViState {
  readonly proc: Proc
  readonly #screen: FullScreen
  lines: string[] = ['']
  cursor: Place = { row: 0, col: 0 }
  path: string | undefined
  readonly files: string[]
  fileIndex = 0
  readOnly: boolean
  noEol = false
  /** There is not even an empty line. */
  #hasNoLines = false
  isNew = false
  modified = false
  message = ''
  exitCode: number | undefined
  mode: Mode = 'normal'
  #anchor: Place = { row: 0, col: 0 }
  lastVisual: { start: Place; end: Place; mode: Mode } | undefined
  #blockToEnd = false
  #wanted = 0
  readonly #view: ViView
  readonly registers = new ViRegisters()
  readonly marks = new Map<string, Place>()
  readonly options: ViOptions = { ...DEFAULT_OPTIONS }
  lastSearch: { text: string; direction: 1 | -1 } | undefined
  showMatches = false
  #lastFind: { command: string; char: string } | undefined
  readonly #history = new ViHistory()
  /** Keys of the command that runs, and of the last that changed something, for `.`. */
  #recording: Key[] = []
  #lastChange: Key[] = []
  #replay: Key[] = []
  #isReplaying = false
  /** The macro being recorded, and those that were. */
  #macro: { name: string; keys: Key[] } | undefined
  readonly #macros = new Map<string, Key[]>()
  #lastMacro = ''
  #inChange = false
  readonly history: Record<':' | '/', string[]> = { ':': [], '/': [] }
  lastSubstitute: { pattern: string; replacement: string; flags: string } | undefined
  pending = ''

  constructor(proc: Proc, screen: FullScreen, files: string[], readOnly: boolean) {
    this.proc = proc
    this.#screen = screen
    this.#view = new ViView(screen, this)
    this.files = files
    this.readOnly = readOnly
    screen.onResize = () => { void this.#view.draw() }
  }

  async run(commands: readonly string[]): Promise<number> {
    this.#readSettings()
    this.open(this.files[0])
    for (const command of commands) await runExCommand(this, command)
    while (this.exitCode === undefined) {
      this.pending = ''
      this.#recording = []
      if (this.#replay.length === 0) this.#isReplaying = false
      this.clampCursor()
      const key = await this.#key()
      if (key === undefined) return 1
      if (!this.#isReplaying) this.message = ''
      await this.#command(key)
    }
    return this.exitCode
  }

  /** `~/.vimrc`: its `set` lines. */
  #readSettings(): void {
    try {
      for (const line of this.proc.fs.readText(`${this.proc.env['HOME'] ?? ''}/.vimrc`).split('\n')) {
        const set = /^\s*set?\s+(.*?)(?:\s*".*)?$/.exec(line)
        if (set) for (const each of set[1]!.split(/\s+/)) this.setOption(each)
      }
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
    }
  }

  /** As {@link setViOption}; whoever asks for matches to be shown sees them at once. */
  setOption(text: string): string | undefined {
    if (/^(?:inv)?hls(?:earch)?!?$/.test(text)) this.showMatches = true
    return setViOption(this.options, text)
  }

  /** Takes up another file. */
  open(path: string | undefined): void {
    this.path = path
    this.#history.clear()
    this.modified = false
    this.cursor = { row: 0, col: 0 }
    this.#view.top = this.#wanted = 0
    this.marks.clear()
    if (path === undefined) { this.lines = ['']; this.isNew = this.#hasNoLines = true; return }
    const loaded = loadText(this.proc, path)
    this.lines = loaded.lines
    this.isNew = loaded.isNew
    this.noEol = loaded.noEol
    this.#hasNoLines = loaded.sizeBytes === 0
    if (/\.ya?ml$/.test(path)) Object.assign(this.options, { shiftwidth: this.options.shiftwidth === 8 ? 2 : this.options.shiftwidth, softtabstop: this.options.softtabstop || 2, expandtab: true, autoindent: true })
    if (!loaded.isNew && !this.readOnly && this.proc.fs.access && !this.proc.fs.access(this.proc.resolve(path), 2)) this.readOnly = true
    this.message = loaded.problem ? `"${path}" ${loaded.problem}` : loaded.isNew ? `"${path}" [New]` : `"${path}" ${this.readOnly ? '[readonly] ' : ''}${this.noEol ? '[noeol] ' : ''}${this.#countLines(loaded.sizeBytes)}`
  }

  #countLines(bytes: number): string {
    const lines = bytes === 0 ? 0 : this.lines.length
    return `${lines}L, ${bytes}B`
  }

  /** Writes lines to a file; returns false with a message when that failed. */
  write(path: string | undefined, options: { force?: boolean; range?: [number, number]; append?: boolean } = {}): boolean {
    const target = path ?? this.path
    if (target === undefined) { this.message = 'E32: No file name'; return false }
    if (this.readOnly && !options.force && path === undefined) { this.message = "E45: 'readonly' option is set (add ! to override)"; return false }
    if (path !== undefined && path !== this.path && !options.force && !options.append && this.proc.fs.exists(this.proc.resolve(path))) { this.message = 'E13: File exists (add ! to override)'; return false }
    const lines = options.range ? this.lines.slice(options.range[0], options.range[1] + 1) : this.lines
    try {
      const { bytes, isNew } = saveText(this.proc, target, this.#hasNoLines ? [] : lines, { append: options.append ?? false })
      if (!options.range && (path === undefined || path === this.path || this.path === undefined)) { this.modified = false; this.path ??= path; this.isNew = false }
      this.message = `"${target}" ${isNew ? '[New] ' : ''}${bytes === 0 ? 0 : lines.length}L, ${bytes}B ${options.append ? 'appended' : 'written'}`
      return true
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      this.message = error.code === 'EACCES' || error.code === 'EROFS' || error.code === 'ENOENT' ? `"${target}" E212: Can't open file for writing` : `"${target}" ${errorText(error)}`
      return false
    }
  }

  // --- keys -------------------------------------------------------------------------------------------------------------------

  async #key(): Promise<Key | undefined> {
    const replayed = this.#replay.shift()
    if (replayed !== undefined) { this.#recording.push(replayed); return replayed }
    if (!this.#screen.hasMore) await this.#view.draw()
    const key = await this.#screen.key()
    if (key !== undefined) { this.#recording.push(key); this.#macro?.keys.push(key) }
    return key
  }

  /** A key that must be one character; undefined when the command was given up. */
  async #char(): Promise<string | undefined> {
    const key = await this.#key()
    return typeof key !== 'string' || key === '<Esc>' || key === '\x03' ? undefined : key === '<CR>' ? '\n' : key.length > 1 && key.startsWith('<') ? undefined : key
  }

  // --- normal mode ------------------------------------------------------------------------------------------------------------

  async #command(first: Key): Promise<void> {
    let register: string | undefined
    let key: Key | undefined = first
    let count: number | undefined
    for (;;) {
      if (typeof key !== 'string') { if (key && 'paste' in key) this.#change(() => this.#insertText(key as { paste: string })); return }
      if (key === '"') { register = await this.#char(); this.pending = `"${register ?? ''}`; key = await this.#key(); continue }
      if (/^[1-9]$/.test(key) || (key === '0' && count !== undefined)) { count = (count ?? 0) * 10 + Number(key); this.pending += key; key = await this.#key(); continue }
      break
    }
    if ('dcy><=!'.includes(key) && key.length === 1) return this.#operate(key, count, register)
    if (key === 'g') {
      this.pending += 'g'
      const next = await this.#char()
      if (next === '~' || next === 'u' || next === 'U') return this.#operate(`g${next}`, count, register)
      if (next === 'v') return this.#reselect()
      if (next === 'J') return this.#joinLines(Math.max(2, count ?? 2), false)
      if (next === 'i') { const mark = this.marks.get('^'); if (mark) this.cursor = { ...mark }; return this.#startInsert('i', count) }
      if (next === 'p' || next === 'P') return this.#put(next === 'p', count ?? 1, register)
      return this.#move(await this.#motion(`g${next}`, count))
    }
    if (key === 'z' || key === 'Z') {
      this.pending += key
      const next = await this.#char()
      if (key === 'Z') {
        if (next === 'Q') this.exitCode = 0
        else if (next === 'Z' && (!this.modified || this.write(undefined))) this.exitCode = 0
        return
      }
      const height = this.#screen.rows - 1
      if (next === 'z' || next === '.') this.#view.top = Math.max(0, this.cursor.row - Math.floor(height / 2))
      if (next === 't' || next === '\n') this.#view.top = this.cursor.row
      if (next === 'b' || next === '-') this.#view.top = Math.max(0, this.cursor.row - height + 1)
      return
    }
    const { cursor } = this
    const times = count ?? 1
    switch (key) {
      case 'i': case 'a': case 'I': case 'A': case 'o': case 'O': case '<Ins>': return this.#startInsert(key === '<Ins>' ? 'i' : key, count)
      case 'R': return this.#startInsert('R', count)
      case 'x': case '<Del>': return this.#deleteChars(cursor.col, Math.min(this.line.length, cursor.col + times), register)
      case 'X': return this.#deleteChars(Math.max(0, cursor.col - times), cursor.col, register)
      case 's': if (this.line !== '') this.#deleteChars(cursor.col, Math.min(this.line.length, cursor.col + times), register, true); return this.#insertMode()
      case 'S': return this.#operateLines('c', cursor.row, cursor.row + times - 1, register)
      case 'D': return this.#finishChange(() => this.#cut({ row: cursor.row, col: cursor.col }, { row: Math.min(this.lines.length - 1, cursor.row + times - 1), col: this.lines[Math.min(this.lines.length - 1, cursor.row + times - 1)]!.length }, register))
      case 'C': this.#begin(); this.#cut({ ...cursor }, { row: cursor.row, col: this.line.length }, register); return this.#insertMode()
      case 'Y': return this.#operateLines('y', cursor.row, cursor.row + times - 1, register)
      case 'p': case 'P': return this.#put(key === 'p', times, register)
      case 'J': return this.#joinLines(Math.max(2, times), true)
      case 'u': for (let i = 0; i < times; i++) this.undo(); return
      case '\x12': for (let i = 0; i < times; i++) this.redo(); return
      case 'r': {
        const char = await this.#key()
        if (typeof char !== 'string' || char === '<Esc>' || cursor.col + times > this.line.length) return
        return this.#finishChange(() => {
          if (char === '<CR>') { const { line } = this; this.lines.splice(cursor.row, 1, line.slice(0, cursor.col), line.slice(cursor.col + times)); this.cursor = { row: cursor.row + 1, col: 0 } } else if (char.length === 1 || [...char].length === 1) {
            this.setLine(cursor.row, this.line.slice(0, cursor.col) + char.repeat(times) + this.line.slice(cursor.col + times))
            this.cursor.col += times - 1
          }
        })
      }
      case '~': return this.#finishChange(() => {
        const end = Math.min(this.line.length, cursor.col + times)
        this.setLine(cursor.row, this.line.slice(0, cursor.col) + swapCase(this.line.slice(cursor.col, end)) + this.line.slice(end))
        this.cursor.col = Math.min(end, Math.max(0, this.line.length - 1))
      })
      case '&': return void await runExCommand(this, 's')
      case '.': {
        if (this.#lastChange.length === 0) return
        const keys = [...this.#lastChange]
        this.#isReplaying = true
        this.#recording = []
        this.#replay.push(...keys)
        return
      }
      case '\x01': case '\x18': return this.#addToNumber(key === '\x01' ? times : -times)
      case 'v': case 'V': case '\x16': return this.#visual(key === 'v' ? 'visual' : key === 'V' ? 'visual-line' : 'visual-block')
      case 'm': { const name = await this.#char(); if (name) this.marks.set(name, { ...cursor }); return }
      case 'q': {
        if (this.#macro) { this.#macros.set(this.#macro.name, this.#macro.keys.slice(0, -1)); this.#macro = undefined; return }
        const name = await this.#char()
        if (name) this.#macro = { name, keys: [] }
        return
      }
      case '@': {
        const name = await this.#char()
        const keys = this.#macros.get(name === '@' ? this.#lastMacro : name ?? '')
        if (!keys) return
        if (name !== '@') this.#lastMacro = name!
        this.#replay.unshift(...Array.from({ length: times }, () => keys).flat())
        return
      }
      case ':': return this.#exLine(count === undefined ? '' : count === 1 ? '.' : `.,.+${count - 1}`)
      case '\x07': { this.message = `"${this.path ?? '[No Name]'}"${this.modified ? ' [Modified]' : ''} ${this.lines.length} lines --${Math.floor((cursor.row + 1) * 100 / this.lines.length)}%--`; return }
      case '\x0c': this.#screen.forget(); this.showMatches = false; return
      case '\x05': this.#view.top = Math.min(this.lines.length - 1, this.#view.top + times); this.cursor.row = Math.max(this.cursor.row, this.#view.top); return
      case '\x19': this.#view.top = Math.max(0, this.#view.top - times); this.cursor.row = Math.min(this.cursor.row, this.#view.top + this.#screen.rows - 2); return
      case '<Esc>': case '\x03': if (key === '\x03') this.message = this.modified ? 'Type  :qa!  and press <Enter> to abandon all changes and exit Vim' : 'Type  :qa  and press <Enter> to exit Vim'; return
      case '\x1a': this.message = 'Stopping Vim is not possible here'; return
      default: return this.#move(await this.#motion(key, count))
    }
  }

  get recordingTo(): string | undefined {
    return this.#macro?.name
  }

  get line(): string {
    return this.lines[this.cursor.row] ?? ''
  }

  setLine(row: number, text: string): void {
    this.lines[row] = text
  }

  /** Keeps the cursor on the text. */
  clampCursor(): void {
    if (this.lines.length === 0) this.lines = ['']
    this.cursor.row = Math.max(0, Math.min(this.lines.length - 1, this.cursor.row))
    const last = this.mode === 'insert' || this.mode === 'replace' || this.mode.startsWith('visual') ? this.line.length : this.line.length - 1
    this.cursor.col = Math.max(0, Math.min(last, this.cursor.col))
  }

  #move(motion: Motion | undefined): void {
    if (!motion) return
    this.cursor = { row: motion.row, col: motion.col }
    if (motion.toEnd) this.#wanted = Infinity
    else if (!motion.keepsColumn) this.#wanted = columnOf(this.line, motion.col, this.options.tabstop)
  }

  #firstNonBlank(row: number): number {
    const at = this.lines[row]!.search(/\S/)
    return at < 0 ? Math.max(0, this.lines[row]!.length - 1) : at
  }

  #vertical(rows: number): Motion {
    const row = Math.max(0, Math.min(this.lines.length - 1, this.cursor.row + rows))
    const line = this.lines[row]!
    return { row, col: this.#wanted === Infinity ? Math.max(0, line.length - 1) : Math.min(Math.max(0, line.length - 1), colAt(line, this.#wanted, this.options.tabstop)), linewise: true, keepsColumn: true }
  }

  #toLine(row: number): Motion {
    const clamped = Math.max(0, Math.min(this.lines.length - 1, row))
    return { row: clamped, col: this.#firstNonBlank(clamped), linewise: true }
  }

  /** Where a motion leads; undefined for keys that are none, and for motions that fail. */
  async #motion(key: Key | undefined, count: number | undefined, operator?: string): Promise<Motion | undefined> {
    if (typeof key !== 'string') return undefined
    const { lines, cursor } = this
    const times = count ?? 1
    const repeat = (step: (from: Place) => Place): Place => { let at: Place = { ...cursor }; for (let i = 0; i < times; i++) at = step(at); return at }
    const page = Math.max(1, this.#screen.rows - 3)
    switch (key) {
      case 'h': case '<Left>': case '<BS>': return key === '<BS>' && cursor.col === 0 && cursor.row > 0 ? { row: cursor.row - 1, col: Math.max(0, lines[cursor.row - 1]!.length - 1) } : cursor.col === 0 ? undefined : { row: cursor.row, col: Math.max(0, cursor.col - times) }
      case 'l': case '<Right>': case ' ': return { row: cursor.row, col: Math.min(operator || this.mode !== 'normal' ? this.line.length : Math.max(0, this.line.length - 1), cursor.col + times) }
      case 'j': case '<Down>': case '\x0e': return cursor.row + times > lines.length - 1 && operator ? undefined : this.#vertical(times)
      case 'k': case '<Up>': case '\x10': return cursor.row - times < 0 && operator ? undefined : this.#vertical(-times)
      case '+': case '<CR>': return this.#toLine(cursor.row + times)
      case '-': return this.#toLine(cursor.row - times)
      case '_': return this.#toLine(cursor.row + times - 1)
      case '0': case '<Home>': return { row: cursor.row, col: 0 }
      case '^': return { row: cursor.row, col: this.#firstNonBlank(cursor.row) }
      case '$': case '<End>': { const row = Math.min(lines.length - 1, cursor.row + times - 1); return { row, col: Math.max(0, lines[row]!.length - 1), inclusive: lines[row] !== '', toEnd: true } }
      case 'g_': return { row: cursor.row, col: Math.max(0, this.line.trimEnd().length - 1), inclusive: true }
      case '|': return { row: cursor.row, col: Math.min(this.line.length, colAt(this.line, times - 1, this.options.tabstop)) }
      case 'w': case 'W': case '<C-Right>': {
        const big = key === 'W'
        // Changing a word leaves the blank behind it.
        if (operator === 'c' && /\S/.test(this.line[cursor.col] ?? ' ')) return { ...repeat((from) => wordEnd(lines, { row: from.row, col: from.col - (from === cursor ? 0 : 0) }, big)), inclusive: true, ...(times === 1 ? this.#endOfWord(big) : {}) }
        const to = repeat((from) => wordForward(lines, from, big))
        // An operator doesn't reach into the next line.
        if (operator && to.row > cursor.row && lines[to.row]!.slice(0, to.col).trim() === '') { const row = to.row - 1; return { row, col: lines[row]!.length } }
        return to
      }
      case 'b': case 'B': case '<C-Left>': return repeat((from) => wordBackward(lines, from, key === 'B'))
      case 'e': case 'E': return { ...repeat((from) => wordEnd(lines, from, key === 'E')), inclusive: true }
      case 'ge': case 'gE': return { ...repeat((from) => wordEndBackward(lines, from, key === 'gE')), inclusive: true }
      case 'G': case '<C-End>': this.marks.set("'", { ...cursor }); return this.#toLine(count === undefined ? lines.length - 1 : count - 1)
      case 'gg': case '<C-Home>': this.marks.set("'", { ...cursor }); return this.#toLine(times - 1)
      case 'gj': return this.#vertical(times)
      case 'gk': return this.#vertical(-times)
      case 'H': return this.#toLine(this.#view.top + times - 1)
      case 'L': return this.#toLine(this.#view.bottomRow() - times + 1)
      case 'M': return this.#toLine(Math.floor((this.#view.top + this.#view.bottomRow()) / 2))
      case '}': return repeat((from) => paragraph(lines, from, 1))
      case '{': return repeat((from) => paragraph(lines, from, -1))
      case '\x06': case '<PageDown>': this.#view.top = Math.min(lines.length - 1, this.#view.top + page * times); return this.#toLine(Math.max(this.#view.top, cursor.row))
      case '\x02': case '<PageUp>': this.#view.top = Math.max(0, this.#view.top - page * times); return this.#toLine(Math.min(this.#view.top + page, cursor.row))
      case '\x04': { const half = count ?? Math.max(1, Math.floor(page / 2)); this.#view.top = Math.min(Math.max(0, lines.length - 1), this.#view.top + half); return this.#vertical(half) }
      case '\x15': { const half = count ?? Math.max(1, Math.floor(page / 2)); this.#view.top = Math.max(0, this.#view.top - half); return this.#vertical(-half) }
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
          command = key === ';' ? this.#lastFind.command : swapCase(this.#lastFind.command)
        } else {
          char = await this.#char()
          if (char === undefined) return undefined
          this.#lastFind = { command: key, char }
        }
        const skip = (key === ';' || key === ',') && (command === 't' && this.line[cursor.col + 1] === char || command === 'T' && this.line[cursor.col - 1] === char)
        const col = findOnLine(this.line, skip ? cursor.col + (command === 't' ? 1 : -1) : cursor.col, command, char, times)
        return col === undefined ? undefined : { row: cursor.row, col, inclusive: command === 'f' || command === 't' }
      }
      case 'n': case 'N': return this.search((key === 'n' ? 1 : -1), times)
      case '*': case '#': case 'g*': case 'g#': {
        const before = /[\p{L}\p{N}_]*$/u.exec(this.line.slice(0, cursor.col))![0]
        const after = /^[^\p{L}\p{N}_]*([\p{L}\p{N}_]+)/u.exec(this.line.slice(cursor.col - before.length))
        if (!after) { this.message = 'E348: No string under cursor'; return undefined }
        this.lastSearch = { text: key.startsWith('g') ? after[1]! : `\\<${after[1]}\\>`, direction: key.endsWith('*') ? 1 : -1 }
        this.cursor.col -= before.length
        const found = this.search(1, times)
        this.cursor.col += before.length
        return found
      }
      case '/': case '?': {
        const text = await this.#readLine(key)
        if (text === undefined) return undefined
        if (text !== '') this.lastSearch = { text, direction: key === '/' ? 1 : -1 }
        else if (this.lastSearch) this.lastSearch = { ...this.lastSearch, direction: key === '/' ? 1 : -1 }
        return this.search(1, times)
      }
      case "'": case '`': {
        const name = await this.#char()
        const mark = name === key ? this.marks.get("'") : name === undefined ? undefined : this.#mark(name)
        if (!mark) { this.message = 'E20: Mark not set'; return undefined }
        this.marks.set("'", { ...cursor })
        return key === "'" ? this.#toLine(mark.row) : { ...mark }
      }
      default: return undefined
    }
  }

  #endOfWord(big: boolean): Place {
    // `cw` on the last letter of a word changes that letter only.
    const { cursor } = this
    const next = this.line[cursor.col + 1]
    const kind = (char: string | undefined) => char === undefined || /\s/.test(char) ? 0 : big || /[\p{L}\p{N}_]/u.test(char) ? 1 : 2
    return kind(next) === kind(this.line[cursor.col]) ? wordEnd(this.lines, cursor, big) : { ...cursor }
  }

  #mark(name: string): Place | undefined {
    if (name === '<') return this.lastVisual?.start
    if (name === '>') return this.lastVisual?.end
    return this.marks.get(name)
  }

  /** Goes to the next match of the last pattern: `sense` 1 in its direction, -1 against it. */
  search(sense: 1 | -1, times = 1): Motion | undefined {
    if (!this.lastSearch) { this.message = 'E35: No previous regular expression'; return undefined }
    const pattern = this.pattern(this.lastSearch.text)
    if (!pattern) return undefined
    this.showMatches = true
    const direction = this.lastSearch.direction * sense as 1 | -1
    let at = this.cursor
    let wrapped = false
    for (let i = 0; i < times; i++) {
      const found = searchFrom(this.lines, at, pattern, direction)
      if (!found) { this.message = `E486: Pattern not found: ${this.lastSearch.text}`; return undefined }
      at = found.place
      wrapped ||= found.wrapped
    }
    this.message = wrapped ? direction > 0 ? 'search hit BOTTOM, continuing at TOP' : 'search hit TOP, continuing at BOTTOM' : `${direction > 0 ? '/' : '?'}${this.lastSearch.text}`
    this.marks.set("'", { ...this.cursor })
    return { ...at }
  }

  /** A pattern as a regular expression; undefined with a message if it is none. */
  pattern(text: string): RegExp | undefined {
    try {
      return vimPattern(text, { ignoreCase: this.options.ignorecase, smartCase: this.options.smartcase })
    } catch {
      this.message = `E383: Invalid search string: ${text}`
      return undefined
    }
  }

  // --- changes ----------------------------------------------------------------------------------------------------------------

  #begin(): void {
    if (this.#inChange) return
    this.#inChange = true
    this.#hasNoLines = false
    this.#history.push(this, this.proc.clock.nowMs())
  }

  #end(): void {
    if (!this.#inChange) return
    this.#inChange = false
    this.modified = true
    if (this.#recording[0] !== ':' && (!this.#isReplaying || this.#replay.length === 0)) this.#lastChange = [...this.#recording]
    this.clampCursor()
    this.#wanted = columnOf(this.line, this.cursor.col, this.options.tabstop)
  }

  #finishChange(work: () => void): void {
    this.#begin()
    work()
    this.#end()
  }

  #change(work: () => void): void {
    this.#finishChange(work)
  }

  /** Changes the text as one step of undo, for commands of the `:` line. */
  change(work: () => void): void {
    this.#finishChange(work)
  }

  /** Types keys on these lines, one after the other, once the command that runs is done. */
  typeOnLines(rows: readonly number[], keys: string): void {
    this.#replay.unshift(...rows.flatMap((row) => [...`:${row + 1}`, '<CR>', ...keys, '<Esc>']))
  }

  undo(): void {
    this.#hasUndone(this.#history.undo(this, this.proc.clock.nowMs()), 'Already at oldest change')
  }

  redo(): void {
    this.#hasUndone(this.#history.redo(this, this.proc.clock.nowMs()), 'Already at newest change')
  }

  #hasUndone(said: string | undefined, otherwise: string): void {
    this.message = said ?? otherwise
    if (said === undefined) return
    this.modified = true
    this.clampCursor()
  }

  #deleteChars(from: number, to: number, register: string | undefined, more = false): void {
    if (from >= to) return
    this.#begin()
    this.registers.store(register, [this.line.slice(from, to)], 'char', false)
    this.setLine(this.cursor.row, this.line.slice(0, from) + this.line.slice(to))
    this.cursor.col = from
    if (!more) this.#end()
  }

  /** Removes text (end excluded) into a register. */
  #cut(from: Place, to: Place, register: string | undefined): void {
    this.registers.store(register, this.#between(from, to), 'char', false)
    this.lines.splice(from.row, to.row - from.row + 1, this.lines[from.row]!.slice(0, from.col) + this.lines[to.row]!.slice(to.col))
    this.cursor = { ...from }
  }

  #between(from: Place, to: Place): string[] {
    if (from.row === to.row) return [this.lines[from.row]!.slice(from.col, to.col)]
    return [this.lines[from.row]!.slice(from.col), ...this.lines.slice(from.row + 1, to.row), this.lines[to.row]!.slice(0, to.col)]
  }

  async #operate(operator: string, count: number | undefined, register: string | undefined): Promise<void> {
    this.pending += operator
    let key = await this.#key()
    let inner: number | undefined
    while (typeof key === 'string' && (/^[1-9]$/.test(key) || (key === '0' && inner !== undefined))) { inner = (inner ?? 0) * 10 + Number(key); this.pending += key; key = await this.#key() }
    if (typeof key !== 'string' || key === '<Esc>' || key === '\x03') return
    const times = count === undefined && inner === undefined ? undefined : (count ?? 1) * (inner ?? 1)
    if (key === operator || (operator.length === 2 && key === operator[1]) ) {
      const last = this.cursor.row + (times ?? 1) - 1
      if (last > this.lines.length - 1 && times !== undefined && this.cursor.row === this.lines.length - 1 && times > 1) return
      return this.#operateLines(operator, this.cursor.row, Math.min(this.lines.length - 1, last), register)
    }
    if (key === 'i' || key === 'a') {
      const object = await this.#char()
      const found = object === undefined ? undefined : textObject(this.lines, this.cursor, key === 'a', object)
      if (!found) return
      if (found.linewise) return this.#operateLines(operator, found.start.row, found.end.row, register)
      return this.#operateChars(operator, found.start, { row: found.end.row, col: found.end.col + 1 }, register)
    }
    const motion = key === 'g' ? await this.#motion(`g${await this.#char()}`, times, operator) : await this.#motion(key, times, operator)
    if (!motion) return
    const forward = motion.row > this.cursor.row || (motion.row === this.cursor.row && motion.col >= this.cursor.col)
    const [from, to] = forward ? [{ ...this.cursor }, motion] : [motion, { ...this.cursor }]
    if (motion.linewise) return this.#operateLines(operator, from.row, to.row, register)
    return this.#operateChars(operator, { row: from.row, col: from.col }, { row: to.row, col: to.col + (motion.inclusive ? 1 : 0) }, register)
  }

  #operateLines(operator: string, first: number, last: number, register: string | undefined): Promise<void> | void {
    const end = Math.min(this.lines.length - 1, last)
    const count = end - first + 1
    switch (operator) {
      case 'y':
        this.registers.store(register, this.lines.slice(first, end + 1), 'line', true)
        this.cursor.row = first
        if (count > 2) this.message = `${count} lines yanked`
        return
      case 'd': return this.#finishChange(() => this.deleteLines(first, end, register))
      case 'c': {
        this.#begin()
        this.registers.store(register, this.lines.slice(first, end + 1), 'line', false)
        const indent = this.options.autoindent ? /^\s*/.exec(this.lines[first]!)![0] : ''
        this.lines.splice(first, count, indent)
        this.cursor = { row: first, col: indent.length }
        return this.#insertMode()
      }
      case '>': case '<': return this.#finishChange(() => this.shiftLines(first, end, operator === '>' ? 1 : -1))
      case '=': this.cursor = { row: first, col: this.#firstNonBlank(first) }; return
      default: return this.#finishChange(() => {
        for (let row = first; row <= end; row++) this.setLine(row, recase(operator, this.lines[row]!))
        this.cursor.row = first
      })
    }
  }

  /** Deletes whole lines into a register. */
  deleteLines(first: number, last: number, register?: string): void {
    const count = last - first + 1
    this.registers.store(register, this.lines.slice(first, last + 1), 'line', false)
    this.lines.splice(first, count)
    if (this.lines.length === 0) { this.lines = ['']; this.#hasNoLines = true; this.message = '--No lines in buffer--' } else if (count > 2) this.message = `${count} fewer lines`
    this.cursor.row = Math.min(first, this.lines.length - 1)
    this.cursor.col = this.#firstNonBlank(this.cursor.row)
  }

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
    this.cursor = { row: first, col: this.#firstNonBlank(first) }
    const count = last - first + 1
    if (count > 2) this.message = `${count} lines ${steps > 0 ? '>' : '<'}ed ${Math.abs(steps)} time${Math.abs(steps) === 1 ? '' : 's'}`
  }

  #operateChars(operator: string, from: Place, to: Place, register: string | undefined): Promise<void> | void {
    if (from.row === to.row && from.col >= to.col && operator !== 'c') return
    switch (operator) {
      case 'y': this.registers.store(register, this.#between(from, to), 'char', true); this.cursor = { ...from }; return
      case 'd': return this.#finishChange(() => this.#cut(from, to, register))
      case 'c': this.#begin(); this.#cut(from, to, register); return this.#insertMode()
      case '>': case '<': case '=': return this.#operateLines(operator, from.row, to.row, register)
      default: return this.#finishChange(() => {
        for (let row = from.row; row <= to.row; row++) {
          const line = this.lines[row]!
          const start = row === from.row ? from.col : 0
          const end = row === to.row ? to.col : line.length
          this.setLine(row, line.slice(0, start) + recase(operator, line.slice(start, end)) + line.slice(end))
        }
        this.cursor = { ...from }
      })
    }
  }

  #put(after: boolean, times: number, name: string | undefined): void {
    const register = this.registers.get(name)
    if (!register) { this.message = `E353: Nothing in register ${name ?? '"'}`; return }
    this.#finishChange(() => {
      const { row } = this.cursor
      if (register.kind === 'line') {
        const text = Array.from({ length: times }, () => register.text).flat()
        this.lines.splice(after ? row + 1 : row, 0, ...text)
        this.cursor = { row: after ? row + 1 : row, col: 0 }
        this.cursor.col = this.#firstNonBlank(this.cursor.row)
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

  #joinLines(count: number, spaced: boolean): void {
    if (this.cursor.row + 1 >= this.lines.length) return
    this.#finishChange(() => this.join(this.cursor.row, Math.min(this.lines.length - 1, this.cursor.row + count - 1), spaced))
  }

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

  #addToNumber(by: number): void {
    const { line, cursor } = this
    for (const match of line.matchAll(/-?\d+/g)) {
      if (match.index + match[0].length <= cursor.col) continue
      return this.#finishChange(() => {
        const text = String(Number(match[0]) + by)
        this.setLine(cursor.row, line.slice(0, match.index) + text + line.slice(match.index + match[0].length))
        this.cursor.col = match.index + text.length - 1
      })
    }
  }

  // --- insert mode ------------------------------------------------------------------------------------------------------------

  async #startInsert(how: string, count: number | undefined): Promise<void> {
    this.#begin()
    const { cursor } = this
    if (how === 'a') cursor.col = Math.min(this.line.length, cursor.col + 1)
    if (how === 'A') cursor.col = this.line.length
    if (how === 'I') cursor.col = Math.max(0, this.line.search(/\S|$/))
    if (how === 'o' || how === 'O') {
      const indent = this.options.autoindent && !this.options.paste ? /^\s*/.exec(this.line)![0] : ''
      const row = how === 'o' ? cursor.row + 1 : cursor.row
      this.lines.splice(row, 0, indent)
      this.cursor = { row, col: indent.length }
    }
    return this.#insertMode(how === 'R' ? 'replace' : 'insert', count ?? 1, how === 'o' || how === 'O')
  }

  async #insertMode(mode: 'insert' | 'replace' = 'insert', count = 1, opened = false): Promise<void> {
    this.#begin()
    this.mode = mode
    const start = { ...this.cursor }
    const replaced: (string | undefined)[] = []
    for (;;) {
      const key = await this.#key()
      if (key === undefined || key === '<Esc>' || key === '\x03') break
      this.message = ''
      if (typeof key !== 'string') { this.#insertText(key); continue }
      const { cursor } = this
      switch (key) {
        case '<CR>': {
          const { line } = this
          const indent = this.options.autoindent && !this.options.paste ? /^\s*/.exec(line)![0].slice(0, cursor.col) : ''
          // Indentation alone isn't kept on an empty line.
          const before = line.slice(0, cursor.col)
          this.lines.splice(cursor.row, 1, before.trim() === '' && indent ? '' : before, indent + line.slice(cursor.col).replace(indent ? /^[ \t]+/ : /^/, ''))
          this.cursor = { row: cursor.row + 1, col: indent.length }
          break
        }
        case '<BS>':
          if (mode === 'replace') {
            if (replaced.length > 0) {
              const old = replaced.pop()
              cursor.col -= 1
              this.setLine(cursor.row, this.line.slice(0, cursor.col) + (old ?? '') + this.line.slice(cursor.col + 1))
            } else if (cursor.col > 0) cursor.col -= 1
          } else if (cursor.col > 0) {
            const { softtabstop } = this.options
            const before = this.line.slice(0, cursor.col)
            const remove = softtabstop > 0 && /^ +$/.test(before) ? (before.length - 1) % softtabstop + 1 : 1
            this.setLine(cursor.row, this.line.slice(0, cursor.col - remove) + this.line.slice(cursor.col))
            cursor.col -= remove
          } else if (cursor.row > 0) {
            const above = this.lines[cursor.row - 1]!
            this.lines.splice(cursor.row - 1, 2, above + this.line)
            this.cursor = { row: cursor.row - 1, col: above.length }
          }
          break
        case '<Del>':
          if (cursor.col < this.line.length) this.setLine(cursor.row, this.line.slice(0, cursor.col) + this.line.slice(cursor.col + 1))
          else if (cursor.row + 1 < this.lines.length) this.lines.splice(cursor.row, 2, this.line + this.lines[cursor.row + 1]!)
          break
        case '\x17': { const before = this.line.slice(0, cursor.col).replace(/(?:[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]+)?\s*$/u, ''); this.setLine(cursor.row, before + this.line.slice(cursor.col)); cursor.col = before.length; break }
        case '\x15': this.setLine(cursor.row, this.line.slice(cursor.col)); cursor.col = 0; break
        case '\x14': case '\x04': { const before = this.line.length; const { col } = cursor; this.shiftLines(cursor.row, cursor.row, key === '\x14' ? 1 : -1); this.cursor.col = Math.max(0, col + this.line.length - before); break }
        case '\x12': { const name = await this.#char(); const register = name && this.registers.get(name); if (register) this.#insertText({ paste: register.text.join('\n') + (register.kind === 'line' ? '\n' : '') }); break }
        case '\x0f': { const next = await this.#key(); if (next !== undefined) { this.mode = 'normal'; await this.#command(next); this.mode = mode; this.#begin() } break }
        case '\t': {
          const { expandtab, softtabstop, tabstop } = this.options
          const width = softtabstop || tabstop
          this.#insertText({ paste: expandtab ? ' '.repeat(width - columnOf(this.line, cursor.col, tabstop) % width) : '\t' })
          break
        }
        case '<Up>': case '<Down>': case '<Left>': case '<Right>': case '<Home>': case '<End>': case '<PageUp>': case '<PageDown>': case '<C-Left>': case '<C-Right>': {
          if (key === '<End>') { cursor.col = this.line.length; break }
          if (key === '<Right>') { cursor.col = Math.min(this.line.length, cursor.col + 1); break }
          if (key === '<Up>' || key === '<Down>') this.#wanted = columnOf(this.line, cursor.col, this.options.tabstop)
          const { col } = cursor
          const motion = await this.#motion(key, undefined)
          if (motion) this.cursor = { row: motion.row, col: key === '<Up>' || key === '<Down>' ? Math.min(this.lines[motion.row]!.length, colAt(this.lines[motion.row]!, this.#wanted, this.options.tabstop)) : motion.col }
          else if (key === '<Left>' && col > 0) this.cursor.col = col - 1
          break
        }
        default: {
          const text = key === '\x16' ? await this.#char() ?? '' : key
          if (text.startsWith('<') && text.length > 1 && /^<[\w-]+>$/.test(text)) break
          if (key !== '\x16' && key < ' ') break
          if (mode === 'replace') {
            replaced.push(this.line[cursor.col])
            this.setLine(cursor.row, this.line.slice(0, cursor.col) + text + this.line.slice(cursor.col + 1))
            cursor.col += text.length
          } else this.#insertText({ paste: text })
        }
      }
    }
    if (count > 1 && (this.cursor.row > start.row || this.cursor.col > start.col)) {
      const typed = this.#between(start, this.cursor).join('\n')
      const indent = opened ? `\n${/^\s*/.exec(this.lines[start.row]!)![0].slice(0, start.col)}` : ''
      for (let i = 1; i < count; i++) this.#insertText({ paste: indent + typed })
    }
    this.mode = 'normal'
    this.marks.set('^', { ...this.cursor })
    if (this.lines[this.cursor.row]?.trim() === '' && this.options.autoindent && !this.options.paste && this.cursor.col > 0 && this.line.length === this.cursor.col) { this.setLine(this.cursor.row, ''); this.cursor.col = 0 } else this.cursor.col = Math.max(0, this.cursor.col - 1)
    this.#end()
  }

  #insertText({ paste }: { paste: string }): void {
    const pieces = paste.split('\n')
    const { line, cursor } = this
    const before = line.slice(0, cursor.col) + pieces[0]!
    if (pieces.length === 1) { this.setLine(cursor.row, before + line.slice(cursor.col)); cursor.col = before.length; return }
    const last = pieces.at(-1)!
    this.lines.splice(cursor.row, 1, before, ...pieces.slice(1, -1), last + line.slice(cursor.col))
    this.cursor = { row: cursor.row + pieces.length - 1, col: last.length }
  }

  // --- visual mode ------------------------------------------------------------------------------------------------------------

  #reselect(): Promise<void> | void {
    if (!this.lastVisual) return
    this.#anchor = { ...this.lastVisual.start }
    this.cursor = { ...this.lastVisual.end }
    return this.#visual(this.lastVisual.mode, this.#anchor)
  }

  async #visual(mode: Mode, anchor: Place = { ...this.cursor }): Promise<void> {
    this.mode = mode
    this.#anchor = anchor
    this.#blockToEnd = false
    let register: string | undefined
    let count: number | undefined
    for (;;) {
      const key = await this.#key()
      if (key === undefined) { this.exitCode = 1; return }
      this.message = ''
      if (typeof key !== 'string') continue
      if (/^[1-9]$/.test(key) || (key === '0' && count !== undefined)) { count = (count ?? 0) * 10 + Number(key); continue }
      const leave = () => {
        const [start, end] = this.#selection()
        this.lastVisual = { start, end, mode: this.mode }
        this.mode = 'normal'
      }
      const times = count ?? 1
      count = undefined
      switch (key) {
        case '<Esc>': case '\x03': leave(); this.clampCursor(); return
        case 'v': case 'V': case '\x16': {
          const next = key === 'v' ? 'visual' : key === 'V' ? 'visual-line' : 'visual-block'
          if (this.mode === next) { leave(); this.clampCursor(); return }
          this.mode = next
          continue
        }
        case 'o': case 'O': { const { cursor } = this; this.cursor = this.#anchor; this.#anchor = cursor; continue }
        case '"': register = await this.#char(); continue
        case ':': { leave(); return this.#exLine("'<,'>") }
        case 'i': case 'a':
          if (this.mode !== 'visual-block') {
            const object = await this.#char()
            const found = object === undefined ? undefined : textObject(this.lines, this.cursor, key === 'a', object)
            if (found) { this.#anchor = found.start; this.cursor = found.end; if (found.linewise) this.mode = 'visual-line' }
          }
          continue
        case 'g': {
          const next = await this.#char()
          if (next === 'u' || next === 'U' || next === '~') { const done = this.#operateSelection(`g${next}`, register); leave(); return done }
          this.#move(await this.#motion(`g${next}`, times === 1 ? undefined : times))
          continue
        }
        case 'd': case 'x': case '<Del>': case 'y': case 'c': case 's': case '>': case '<': case '=': case 'u': case 'U': case '~': case 'J': case 'p': case 'P': case 'D': case 'X': case 'Y': case 'R': case 'S': case 'C': case 'r': case 'I': case 'A': {
          const [start, end] = this.#selection()
          this.lastVisual = { start, end, mode: this.mode }
          return this.#visualCommand(key, register, times)
        }
        default: {
          const motion = await this.#motion(key, times === 1 ? undefined : times)
          if (motion) { this.#blockToEnd = motion.toEnd ?? (this.#blockToEnd && (motion.keepsColumn ?? false)); this.#move(motion) }
        }
      }
    }
  }

  /** First and last place of the selection. */
  #selection(): [Place, Place] {
    const before = this.#anchor.row < this.cursor.row || (this.#anchor.row === this.cursor.row && this.#anchor.col <= this.cursor.col)
    return before ? [{ ...this.#anchor }, { ...this.cursor }] : [{ ...this.cursor }, { ...this.#anchor }]
  }

  #block(): { first: number; last: number; left: number; right: number } {
    return { first: Math.min(this.#anchor.row, this.cursor.row), last: Math.max(this.#anchor.row, this.cursor.row), left: Math.min(this.#anchor.col, this.cursor.col), right: this.#blockToEnd ? Infinity : Math.max(this.#anchor.col, this.cursor.col) }
  }

  #operateSelection(operator: string, register: string | undefined): Promise<void> | void {
    const [start, end] = this.#selection()
    if (this.mode === 'visual-line') { this.mode = 'normal'; return this.#operateLines(operator, start.row, end.row, register) }
    this.mode = 'normal'
    const to = end.col >= this.lines[end.row]!.length && end.row + 1 < this.lines.length && operator !== 'c' ? { row: end.row + 1, col: 0 } : { row: end.row, col: Math.min(end.col + 1, this.lines[end.row]!.length) }
    return this.#operateChars(operator, start, to, register)
  }

  async #visualCommand(key: string, register: string | undefined, times: number): Promise<void> {
    const [start, end] = this.#selection()
    const wasBlock = this.mode === 'visual-block'
    const operator = { x: 'd', '<Del>': 'd', s: 'c', u: 'gu', U: 'gU', '~': 'g~' }[key] ?? key
    if (wasBlock && !'><J=:'.includes(key)) return this.#blockCommand(operator, register)
    switch (operator) {
      case 'd': case 'y': case 'c': case 'gu': case 'gU': case 'g~': case '=': return this.#operateSelection(operator, register)
      case '>': case '<': this.mode = 'normal'; return this.#finishChange(() => this.shiftLines(start.row, end.row, operator === '>' ? times : -times))
      case 'D': case 'X': this.mode = 'normal'; return this.#operateLines('d', start.row, end.row, register)
      case 'Y': this.mode = 'normal'; return this.#operateLines('y', start.row, end.row, register)
      case 'R': case 'S': case 'C': this.mode = 'normal'; return this.#operateLines('c', start.row, end.row, register)
      case 'J': this.mode = 'normal'; return this.#finishChange(() => this.join(start.row, Math.max(end.row, Math.min(start.row + 1, this.lines.length - 1)), true))
      case 'r': {
        const char = await this.#char()
        const linewise = this.mode === 'visual-line'
        this.mode = 'normal'
        if (char === undefined) return
        return this.#finishChange(() => {
          for (let row = start.row; row <= end.row; row++) {
            const line = this.lines[row]!
            const from = linewise || row > start.row ? 0 : start.col
            const to = linewise || row < end.row ? line.length : Math.min(line.length, end.col + 1)
            this.setLine(row, line.slice(0, from) + char.repeat(Math.max(0, to - from)) + line.slice(to))
          }
          this.cursor = { ...start }
        })
      }
      case 'p': case 'P': {
        const wanted = this.registers.get(register)
        const linewise = this.mode === 'visual-line'
        this.mode = 'normal'
        if (!wanted) return
        return this.#finishChange(() => {
          if (linewise) this.deleteLines(start.row, end.row)
          else this.#cut(start, { row: end.row, col: Math.min(end.col + 1, this.lines[end.row]!.length) }, undefined)
          const text = [...wanted.text]
          if (linewise) {
            const wasAll = this.lines.length === 1 && this.lines[0] === ''
            this.lines.splice(start.row, wasAll ? 1 : 0, ...text)
            this.cursor = { row: start.row, col: 0 }
          } else if (wanted.kind === 'line') {
            const line = this.lines[start.row]!
            this.lines.splice(start.row, 1, line.slice(0, start.col), ...text, line.slice(start.col))
            this.cursor = { row: start.row + 1, col: 0 }
          } else { this.cursor = { ...start }; this.#insertText({ paste: text.join('\n') }); this.cursor.col -= 1 }
        })
      }
      default: {
        // I and A of a plain selection go to its ends.
        this.mode = 'normal'
        this.cursor = key === 'I' ? start : { row: end.row, col: Math.min(this.lines[end.row]!.length, end.col + 1) }
        return this.#startInsert('i', 1)
      }
    }
  }

  async #blockCommand(operator: string, register: string | undefined): Promise<void> {
    const { first, last, left, right } = this.#block()
    const pieces = this.lines.slice(first, last + 1).map((line) => line.slice(left, right === Infinity ? undefined : right + 1))
    const remove = () => {
      for (let row = first; row <= last; row++) this.setLine(row, this.lines[row]!.slice(0, left) + (right === Infinity ? '' : this.lines[row]!.slice(right + 1)))
      this.cursor = { row: first, col: left }
    }
    const finish = async (at: (line: string) => number | undefined): Promise<void> => {
      this.mode = 'normal'
      const before = this.lines[first]!
      await this.#insertMode()
      const typed = this.lines[first]!.length - before.length
      if (typed <= 0) return
      const col = at(before)!
      const text = this.lines[first]!.slice(col, col + typed)
      for (let row = first + 1; row <= last; row++) {
        const place = at(this.lines[row]!)
        if (place !== undefined) this.setLine(row, this.lines[row]!.slice(0, place).padEnd(place) + text + this.lines[row]!.slice(place))
      }
      this.cursor = { row: first, col: left }
    }
    switch (operator) {
      case 'y': this.mode = 'normal'; this.registers.store(register, pieces, 'block', true); this.cursor = { row: first, col: left }; return
      case 'd': case 'D': case 'X': this.mode = 'normal'; return this.#finishChange(() => { this.registers.store(register, pieces, 'block', false); remove() })
      case 'c': case 'C': case 'S': case 'R': this.#begin(); this.registers.store(register, pieces, 'block', false); remove(); return finish((line) => line.length >= left ? left : undefined)
      case 'I': this.#begin(); this.cursor = { row: first, col: left }; return finish((line) => line.length >= left ? left : undefined)
      case 'A': {
        this.#begin()
        const end = (line: string) => right === Infinity ? line.length : right + 1
        this.setLine(first, this.lines[first]!.padEnd(right === Infinity ? 0 : right + 1))
        this.cursor = { row: first, col: end(this.lines[first]!) }
        return finish(end)
      }
      case 'r': {
        const char = await this.#char()
        this.mode = 'normal'
        if (char === undefined) return
        return this.#finishChange(() => { for (let row = first; row <= last; row++) { const line = this.lines[row]!; const to = Math.min(line.length, right + 1); if (to > left) this.setLine(row, line.slice(0, left) + char.repeat(to - left) + line.slice(to)) } })
      }
      default:
        this.mode = 'normal'
        return this.#finishChange(() => {
          for (let row = first; row <= last; row++) { const line = this.lines[row]!; this.setLine(row, line.slice(0, left) + recase(operator, line.slice(left, right + 1)) + line.slice(right + 1)) }
          this.cursor = { row: first, col: left }
        })
    }
  }

  // --- the line at the bottom ---------------------------------------------------------------------------------------------------

  prompt: Prompt | undefined

  /** Reads a `:` or `/` line; undefined when it was given up. */
  async #readLine(lead: string, initial = ''): Promise<string | undefined> {
    this.prompt = { lead, text: initial, cursor: initial.length }
    try {
      return await readPrompt(this.prompt, this.history[lead === ':' ? ':' : '/'], () => this.#key(), this.proc)
    } finally {
      this.prompt = undefined
    }
  }

  async #exLine(initial: string): Promise<void> {
    const text = await this.#readLine(':', initial)
    if (text !== undefined && text !== '') await runExCommand(this, text)
  }

  /** Asks with one key at the bottom of the screen. */
  async ask(question: string): Promise<string | undefined> {
    this.message = question
    const key = await this.#key()
    this.message = ''
    return typeof key === 'string' ? key : undefined
  }

  /** Runs a shell command on the ordinary screen and waits for Enter. */
  async shell(command: string): Promise<void> {
    await this.#screen.leave()
    await this.proc.stdout.write(`:!${command}\n`)
    const { code } = await this.proc.spawn(['/bin/sh', '-c', command]).wait()
    await this.proc.stdout.write(`${code === 0 ? '' : `\nshell returned ${code}\n`}\nPress ENTER or type command to continue`)
    await this.#screen.tty.setRaw(true)
    await this.#screen.key()
    await this.#screen.enter()
  }

  /** Output of a shell command fed with text, as lines. */
  async filter(command: string, input: string): Promise<string[]> {
    const chunks: string[] = []
    const decoder = new TextDecoder()
    const sink = { write: async (data: Uint8Array | string) => { chunks.push(typeof data === 'string' ? data : decoder.decode(data, { stream: true })) }, close() {} }
    let rest: Uint8Array | null = new TextEncoder().encode(input)
    const { code } = await this.proc.spawn(['/bin/sh', '-c', command], { stdin: { read: async () => { const data = rest; rest = null; return data && data.length > 0 ? data : null }, cancel() {} }, stdout: sink, stderr: sink }).wait()
    if (code !== 0) this.message = `shell returned ${code}`
    const lines = chunks.join('').split('\n')
    if (lines.at(-1) === '') lines.pop()
    return lines
  }

  /** Whether a character belongs to what is selected. */
  isSelected(row: number, col: number): boolean {
    if (!this.mode.startsWith('visual')) return false
    if (this.mode === 'visual-block') { const { first, last, left, right } = this.#block(); return row >= first && row <= last && col >= left && col <= right }
    const [start, end] = this.#selection()
    if (row < start.row || row > end.row) return false
    return this.mode === 'visual-line' || ((row > start.row || col >= start.col) && (row < end.row || col <= end.col))
  }
}

function swapCase(text: string): string {
  return [...text].map((char) => char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase()).join('')
}

function recase(operator: string, text: string): string {
  return operator === 'gu' ? text.toLowerCase() : operator === 'gU' ? text.toUpperCase() : swapCase(text)
}