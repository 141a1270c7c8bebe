import { UnixError } from '../types.ts'
import type { Proc } from '../types.ts'
import { errorText } from '../errno.ts'
import type { FullScreen, Key } from './full-screen.ts'
import { columnOf, loadText, saveText } from './text-lines.ts'
import type { Place } from './text-lines.ts'
import { recased, swappedCase } from './vi-case.ts'
import { runExCommand } from './vi-ex.ts'
import { ViHistory } from './vi-history.ts'
import { insertMode, startInsert } from './vi-insert.ts'
import { ViKeys } from './vi-keys.ts'
import { textObject } from './vi-motions.ts'
import { ViMovement } from './vi-movement.ts'
import { setViOption } from './vi-options.ts'
import { readPrompt } from './vi-prompt.ts'
import type { Prompt } from './vi-prompt.ts'
import { ViText } from './vi-text.ts'
import { ViView } from './vi-view.ts'
import type { Mode, ViState } from './vi-view.ts'
import { VisualMode } from './vi-visual.ts'

/** One editing session: files, normal mode with its operators, undo. Public members are for the other modes and the commands of the `:` line. */
export class ViEditor extends ViText implements ViState {
  readonly proc: Proc
  readonly #screen: FullScreen
  path: string | undefined
  readonly files: string[]
  fileIndex = 0
  readOnly: boolean
  noEol = false
  isNew = false
  modified = false
  exitCode: number | undefined
  mode: Mode = 'normal'
  lastVisual: { start: Place; end: Place; mode: Mode } | undefined
  readonly view: ViView
  readonly keys: ViKeys
  readonly movement = new ViMovement(this)
  readonly visual = new VisualMode(this)
  readonly marks = new Map<string, Place>()
  lastSearch: { text: string; direction: 1 | -1 } | undefined
  showMatches = false
  readonly #history = new ViHistory()
  #inChange = false
  readonly history: Record<':' | '/', string[]> = { ':': [], '/': [] }
  lastSubstitute: { pattern: string; replacement: string; flags: string } | undefined
  pending = ''

  constructor(proc: Proc, screen: FullScreen, files: string[], readOnly: boolean) {
    super()
    this.proc = proc
    this.#screen = screen
    this.view = new ViView(screen, this)
    this.keys = new ViKeys(async () => {
      if (!screen.hasMore) await this.view.draw()
      return screen.key()
    })
    this.files = files
    this.readOnly = readOnly
    screen.onResize = () => { void this.view.draw() }
  }

  async run(commands: readonly string[]): Promise<number> {
    this.#readSettings()
    this.open(this.files[0])
    for (const command of commands) await runExCommand(this, command)
    while (this.exitCode === undefined) {
      this.pending = ''
      this.keys.beginCommand()
      this.clampCursor()
      const key = await this.keys.next()
      if (key === undefined) return 1
      if (!this.keys.isReplaying) this.message = ''
      await this.command(key)
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
    this.view.top = this.movement.wanted = 0
    this.marks.clear()
    if (path === undefined) { this.lines = ['']; this.isNew = this.hasNoLines = true; return }
    const loaded = loadText(this.proc, path)
    this.lines = loaded.lines
    this.isNew = loaded.isNew
    this.noEol = loaded.noEol
    this.hasNoLines = loaded.sizeBytes === 0
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
      const { bytes, isNew } = saveText(this.proc, target, this.hasNoLines ? [] : lines, { append: options.append ?? false })
      if (!options.range && (path === undefined || path === this.path || this.path === undefined)) { this.modified = false; this.path ??= path; this.isNew = false }
      this.message = `"${target}" ${isNew ? '[New] ' : ''}${bytes === 0 ? 0 : lines.length}L, ${bytes}B ${options.append ? 'appended' : 'written'}`
      return true
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      this.message = error.code === 'EACCES' || error.code === 'EROFS' || error.code === 'ENOENT' ? `"${target}" E212: Can't open file for writing` : `"${target}" ${errorText(error)}`
      return false
    }
  }

  // --- normal mode ------------------------------------------------------------------------------------------------------------

  /** Carries out a command that begins with a key. */
  async command(first: Key): Promise<void> {
    let register: string | undefined
    let key: Key | undefined = first
    let count: number | undefined
    for (;;) {
      if (typeof key !== 'string') { if (key && 'paste' in key) { const { paste } = key; this.change(() => this.insertText(paste)) } return }
      if (key === '"') { register = await this.keys.char(); this.pending = `"${register ?? ''}`; key = await this.keys.next(); continue }
      if (/^[1-9]$/.test(key) || (key === '0' && count !== undefined)) { count = (count ?? 0) * 10 + Number(key); this.pending += key; key = await this.keys.next(); continue }
      break
    }
    if ('dcy><=!'.includes(key) && key.length === 1) return this.#operate(key, count, register)
    if (key === 'g') {
      this.pending += 'g'
      const next = await this.keys.char()
      if (next === '~' || next === 'u' || next === 'U') return this.#operate(`g${next}`, count, register)
      if (next === 'v') return this.visual.reselect()
      if (next === 'J') return this.#joinLines(Math.max(2, count ?? 2), false)
      if (next === 'i') { const mark = this.marks.get('^'); if (mark) this.cursor = { ...mark }; return startInsert(this, 'i', count) }
      if (next === 'p' || next === 'P') return this.put(next === 'p', count ?? 1, register)
      return this.movement.move(await this.movement.motion(`g${next}`, count))
    }
    if (key === 'z' || key === 'Z') {
      this.pending += key
      const next = await this.keys.char()
      if (key === 'Z') {
        if (next === 'Q') this.exitCode = 0
        else if (next === 'Z' && (!this.modified || this.write(undefined))) this.exitCode = 0
        return
      }
      const height = this.rows - 1
      if (next === 'z' || next === '.') this.view.top = Math.max(0, this.cursor.row - Math.floor(height / 2))
      if (next === 't' || next === '\n') this.view.top = this.cursor.row
      if (next === 'b' || next === '-') this.view.top = Math.max(0, this.cursor.row - height + 1)
      return
    }
    const { cursor } = this
    const times = count ?? 1
    switch (key) {
      case 'i': case 'a': case 'I': case 'A': case 'o': case 'O': case '<Ins>': return startInsert(this, key === '<Ins>' ? 'i' : key, count)
      case 'R': return startInsert(this, 'R', count)
      case 'x': case '<Del>': return this.#deleteChars(cursor.col, Math.min(this.line.length, cursor.col + times), register)
      case 'X': return this.#deleteChars(Math.max(0, cursor.col - times), cursor.col, register)
      case 's': if (this.line !== '') this.#deleteChars(cursor.col, Math.min(this.line.length, cursor.col + times), register, true); return insertMode(this)
      case 'S': return this.operateLines('c', cursor.row, cursor.row + times - 1, register)
      case 'D': return this.change(() => this.cut({ row: cursor.row, col: cursor.col }, { row: Math.min(this.lines.length - 1, cursor.row + times - 1), col: this.lines[Math.min(this.lines.length - 1, cursor.row + times - 1)]!.length }, register))
      case 'C': this.begin(); this.cut({ ...cursor }, { row: cursor.row, col: this.line.length }, register); return insertMode(this)
      case 'Y': return this.operateLines('y', cursor.row, cursor.row + times - 1, register)
      case 'p': case 'P': return this.put(key === 'p', times, register)
      case 'J': return this.#joinLines(Math.max(2, times), true)
      case 'u': for (let i = 0; i < times; i++) this.undo(); return
      case '\x12': for (let i = 0; i < times; i++) this.redo(); return
      case 'r': {
        const char = await this.keys.next()
        if (typeof char !== 'string' || char === '<Esc>' || cursor.col + times > this.line.length) return
        return this.change(() => {
          if (char === '<CR>') { const { line } = this; this.lines.splice(cursor.row, 1, line.slice(0, cursor.col), line.slice(cursor.col + times)); this.cursor = { row: cursor.row + 1, col: 0 } } else if (char.length === 1 || [...char].length === 1) {
            this.setLine(cursor.row, this.line.slice(0, cursor.col) + char.repeat(times) + this.line.slice(cursor.col + times))
            this.cursor.col += times - 1
          }
        })
      }
      case '~': return this.change(() => {
        const end = Math.min(this.line.length, cursor.col + times)
        this.setLine(cursor.row, this.line.slice(0, cursor.col) + swappedCase(this.line.slice(cursor.col, end)) + this.line.slice(end))
        this.cursor.col = Math.min(end, Math.max(0, this.line.length - 1))
      })
      case '&': return void await runExCommand(this, 's')
      case '.': return this.keys.repeatChange()
      case '\x01': case '\x18': return this.addToNumber(key === '\x01' ? times : -times)
      case 'v': case 'V': case '\x16': return this.visual.run(key === 'v' ? 'visual' : key === 'V' ? 'visual-line' : 'visual-block')
      case 'm': { const name = await this.keys.char(); if (name) this.marks.set(name, { ...cursor }); return }
      case 'q': return this.keys.toggleMacro()
      case '@': return this.keys.playMacro(times)
      case ':': return this.exLine(count === undefined ? '' : count === 1 ? '.' : `.,.+${count - 1}`)
      case '\x07': { this.message = `"${this.path ?? '[No Name]'}"${this.modified ? ' [Modified]' : ''} ${this.lines.length} lines --${Math.floor((cursor.row + 1) * 100 / this.lines.length)}%--`; return }
      case '\x0c': this.#screen.forget(); this.showMatches = false; return
      case '\x05': this.view.top = Math.min(this.lines.length - 1, this.view.top + times); this.cursor.row = Math.max(this.cursor.row, this.view.top); return
      case '\x19': this.view.top = Math.max(0, this.view.top - times); this.cursor.row = Math.min(this.cursor.row, this.view.top + this.rows - 2); return
      case '<Esc>': case '\x03': if (key === '\x03') this.message = this.modified ? 'Type  :qa!  and press <Enter> to abandon all changes and exit Vim' : 'Type  :qa  and press <Enter> to exit Vim'; return
      case '\x1a': this.message = 'Stopping Vim is not possible here'; return
      default: return this.movement.move(await this.movement.motion(key, count))
    }
  }

  get recordingTo(): string | undefined {
    return this.keys.recordingTo
  }

  /** Keeps the cursor on the text. */
  clampCursor(): void {
    if (this.lines.length === 0) this.lines = ['']
    this.cursor.row = Math.max(0, Math.min(this.lines.length - 1, this.cursor.row))
    const last = this.mode === 'insert' || this.mode === 'replace' || this.mode.startsWith('visual') ? this.line.length : this.line.length - 1
    this.cursor.col = Math.max(0, Math.min(last, this.cursor.col))
  }

  // --- changes ----------------------------------------------------------------------------------------------------------------

  /** What changes from now on is one step of undo, until {@link end}. */
  begin(): void {
    if (this.#inChange) return
    this.#inChange = true
    this.hasNoLines = false
    this.#history.push(this, this.proc.clock.nowMs())
  }

  /** A change is complete. */
  end(): void {
    if (!this.#inChange) return
    this.#inChange = false
    this.modified = true
    this.keys.keepAsChange()
    this.clampCursor()
    this.movement.wanted = columnOf(this.line, this.cursor.col, this.options.tabstop)
  }

  change(work: () => void): void {
    this.begin()
    work()
    this.end()
  }

  /** Types keys on these lines, one after the other, once the command that runs is done. */
  typeOnLines(rows: readonly number[], keys: string): void {
    this.keys.push(rows.flatMap((row) => [...`:${row + 1}`, '<CR>', ...keys, '<Esc>']))
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
    this.begin()
    this.registers.store(register, [this.line.slice(from, to)], 'char', false)
    this.setLine(this.cursor.row, this.line.slice(0, from) + this.line.slice(to))
    this.cursor.col = from
    if (!more) this.end()
  }

  async #operate(operator: string, count: number | undefined, register: string | undefined): Promise<void> {
    this.pending += operator
    let key = await this.keys.next()
    let inner: number | undefined
    while (typeof key === 'string' && (/^[1-9]$/.test(key) || (key === '0' && inner !== undefined))) { inner = (inner ?? 0) * 10 + Number(key); this.pending += key; key = await this.keys.next() }
    if (typeof key !== 'string' || key === '<Esc>' || key === '\x03') return
    const times = count === undefined && inner === undefined ? undefined : (count ?? 1) * (inner ?? 1)
    if (key === operator || (operator.length === 2 && key === operator[1]) ) {
      const last = this.cursor.row + (times ?? 1) - 1
      if (last > this.lines.length - 1 && times !== undefined && this.cursor.row === this.lines.length - 1 && times > 1) return
      return this.operateLines(operator, this.cursor.row, Math.min(this.lines.length - 1, last), register)
    }
    if (key === 'i' || key === 'a') {
      const object = await this.keys.char()
      const found = object === undefined ? undefined : textObject(this.lines, this.cursor, key === 'a', object)
      if (!found) return
      if (found.linewise) return this.operateLines(operator, found.start.row, found.end.row, register)
      return this.operateChars(operator, found.start, { row: found.end.row, col: found.end.col + 1 }, register)
    }
    const motion = key === 'g' ? await this.movement.motion(`g${await this.keys.char()}`, times, operator) : await this.movement.motion(key, times, operator)
    if (!motion) return
    const forward = motion.row > this.cursor.row || (motion.row === this.cursor.row && motion.col >= this.cursor.col)
    const [from, to] = forward ? [{ ...this.cursor }, motion] : [motion, { ...this.cursor }]
    if (motion.linewise) return this.operateLines(operator, from.row, to.row, register)
    return this.operateChars(operator, { row: from.row, col: from.col }, { row: to.row, col: to.col + (motion.inclusive ? 1 : 0) }, register)
  }

  /** Carries an operator out on whole lines. */
  operateLines(operator: string, first: number, last: number, register: string | undefined): Promise<void> | void {
    const end = Math.min(this.lines.length - 1, last)
    const count = end - first + 1
    switch (operator) {
      case 'y':
        this.registers.store(register, this.lines.slice(first, end + 1), 'line', true)
        this.cursor.row = first
        if (count > 2) this.message = `${count} lines yanked`
        return
      case 'd': return this.change(() => this.deleteLines(first, end, register))
      case 'c': {
        this.begin()
        this.registers.store(register, this.lines.slice(first, end + 1), 'line', false)
        const indent = this.options.autoindent ? /^\s*/.exec(this.lines[first]!)![0] : ''
        this.lines.splice(first, count, indent)
        this.cursor = { row: first, col: indent.length }
        return insertMode(this)
      }
      case '>': case '<': return this.change(() => this.shiftLines(first, end, operator === '>' ? 1 : -1))
      case '=': this.cursor = { row: first, col: this.firstNonBlank(first) }; return
      default: return this.change(() => {
        for (let row = first; row <= end; row++) this.setLine(row, recased(operator, this.lines[row]!))
        this.cursor.row = first
      })
    }
  }

  /** Carries an operator out from one place to another (end excluded). */
  operateChars(operator: string, from: Place, to: Place, register: string | undefined): Promise<void> | void {
    if (from.row === to.row && from.col >= to.col && operator !== 'c') return
    switch (operator) {
      case 'y': this.registers.store(register, this.between(from, to), 'char', true); this.cursor = { ...from }; return
      case 'd': return this.change(() => this.cut(from, to, register))
      case 'c': this.begin(); this.cut(from, to, register); return insertMode(this)
      case '>': case '<': case '=': return this.operateLines(operator, from.row, to.row, register)
      default: return this.change(() => {
        for (let row = from.row; row <= to.row; row++) {
          const line = this.lines[row]!
          const start = row === from.row ? from.col : 0
          const end = row === to.row ? to.col : line.length
          this.setLine(row, line.slice(0, start) + recased(operator, line.slice(start, end)) + line.slice(end))
        }
        this.cursor = { ...from }
      })
    }
  }

  #joinLines(count: number, spaced: boolean): void {
    if (this.cursor.row + 1 >= this.lines.length) return
    this.change(() => this.join(this.cursor.row, Math.min(this.lines.length - 1, this.cursor.row + count - 1), spaced))
  }

  // --- the line at the bottom ---------------------------------------------------------------------------------------------------

  prompt: Prompt | undefined

  /** Reads a `:` or `/` line; undefined when it was given up. */
  async readLine(lead: string, initial = ''): Promise<string | undefined> {
    this.prompt = { lead, text: initial, cursor: initial.length }
    try {
      return await readPrompt(this.prompt, this.history[lead === ':' ? ':' : '/'], () => this.keys.next(), this.proc)
    } finally {
      this.prompt = undefined
    }
  }

  /** Reads a `:` line and carries it out. */
  async exLine(initial: string): Promise<void> {
    const text = await this.readLine(':', initial)
    if (text !== undefined && text !== '') await runExCommand(this, text)
  }

  /** Asks with one key at the bottom of the screen. */
  async ask(question: string): Promise<string | undefined> {
    this.message = question
    const key = await this.keys.next()
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

  /** Rows of the screen. */
  get rows(): number {
    return this.#screen.rows
  }

  isSelected(row: number, col: number): boolean {
    return this.visual.isSelected(row, col)
  }
}
