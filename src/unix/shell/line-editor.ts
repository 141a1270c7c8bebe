import type { Timer } from '../../base/clock.ts'
import { isSharedReader, readLineBytes } from '../input.ts'
import { displayWidth, isWide } from '../display-width.ts'
import { pastedText, splitKeys } from '../terminal-keys.ts'
import type { Completer } from './completer.ts'
import { commonPrefix, completeLine, listColumns } from './completion.ts'
import type { Proc } from '../types.ts'
import type { Shell } from './shell.ts'

const decoder = new TextDecoder()
const encoder = new TextEncoder()
/** How long no key may come before Tab's answer is proposed, in milliseconds. */
const HINT_MS = 120

/** Whose lines are read: a shell, or another program that asks line by line. */
export interface LineReaderOwner {
  readonly proc: Proc
  /** Lines of before, the newest last. */
  readonly history: readonly string[]
  /** Whether a line is being read, so that the terminal is raw for a reason. */
  editing: boolean
  /** ^D is answered with a new line, as bash does. */
  readonly isBash: boolean
}

/** Reads lines from a terminal with the keys of readline: cursor, words, kill and yank, history, search, completion. */
export class LineEditor {
  readonly #owner: LineReaderOwner
  /** Whose words Tab completes. */
  readonly #shell: Shell | undefined
  readonly #completer: Completer | undefined
  #prompt = ''
  #text: string[] = []
  #cursor = 0
  #killed: string[] = []
  /** Rows between the prompt's first row and the cursor's at the last drawing. */
  #cursorRow = 0
  #historyAt = 0
  #draft = ''
  #lastWasTab = false
  #undo: { text: string[]; cursor: number }[] = []
  /** Keys read but not used yet. */
  #keys: string[] = []

  /** How the line may go on, in grey behind the cursor. */
  #hint = ''
  readonly #hints: () => boolean
  /** Looks at what Tab would add once no key has come for a moment. */
  #hintTimer: Timer | undefined

  /** `shell`: whose words Tab completes; nothing is completed without one. `hints`: whether to propose how a line may go on. */
  constructor(owner: LineReaderOwner, shell: Shell | undefined, completer: Completer | undefined, hints: () => boolean = () => false) {
    this.#owner = owner
    this.#shell = shell
    this.#completer = completer
    this.#hints = hints
  }

  /** A line without its newline; `interrupted` after ^C, undefined after ^D or at the end of input. */
  async readLine(prompt: string): Promise<string | 'interrupted' | undefined> {
    const { proc } = this.#owner
    const { tty } = proc
    if (!tty || !proc.isTty(0)) {
      await proc.stderr.write(prompt)
      const line = await readLineBytes(proc.stdin)
      return line ? decoder.decode(line).replace(/\n$/, '') : undefined
    }
    const lines = prompt.split('\n')
    this.#prompt = lines.pop()!
    this.#text = []
    this.#cursor = 0
    this.#cursorRow = 0
    this.#undo = []
    this.#historyAt = this.#owner.history.length
    tty.setRaw(true)
    this.#owner.editing = true
    const stopResize = tty.onResize(() => { void this.#draw() })
    try {
      // Bracketed paste: pasted newlines don't run anything by themselves.
      await proc.stdout.write(`\x1b[?2004h${lines.map((line) => `${line}\r\n`).join('')}`)
      await this.#draw()
      for (;;) {
        const key = await this.#nextKey()
        const done = key === undefined ? { value: undefined } : await this.#handle(key)
        if (!done) continue
        return done.value
      }
    } finally {
      this.#forgetHint()
      stopResize()
      await proc.stdout.write('\x1b[?2004l').catch(() => {})
      // What was typed ahead belongs to the command that runs now.
      const rest = this.#keys.splice(0).join('')
      if (rest && isSharedReader(proc.stdin)) proc.stdin.unread(encoder.encode(rest))
      tty.setRaw(false)
      this.#owner.editing = false
    }
  }

  #partial = ''
  readonly #stream = new TextDecoder()

  async #nextKey(): Promise<string | undefined> {
    while (this.#keys.length === 0) {
      const bytes = await this.#owner.proc.stdin.read()
      if (!bytes) return undefined
      const { keys, rest } = splitKeys(this.#partial + this.#stream.decode(bytes, { stream: true }))
      this.#keys = keys
      this.#partial = rest
    }
    return this.#keys.shift()
  }

  async #handle(key: string): Promise<{ value: string | 'interrupted' | undefined } | undefined> {
    const wasTab = this.#lastWasTab
    this.#lastWasTab = false
    const text = this.#text
    switch (key) {
      case '\r': case '\n': {
        this.#forgetHint()
        this.#cursor = text.length
        await this.#draw()
        await this.#write('\r\n')
        return { value: text.join('') }
      }
      case '\x03':
        this.#forgetHint()
        this.#cursor = text.length
        await this.#draw()
        await this.#write('^C\r\n')
        return { value: 'interrupted' }
      case '\x04':
        if (text.length === 0) { await this.#write(this.#owner.isBash ? '\r\n' : ''); return { value: undefined } }
        if (this.#cursor < text.length) { this.#remember(); text.splice(this.#cursor, 1) }
        break
      case '\x01': case '\x1b[H': case '\x1b[1~': case '\x1bOH': this.#cursor = 0; break
      case '\x05': case '\x1b[F': case '\x1b[4~': case '\x1bOF': if (!this.#takeHint()) this.#cursor = text.length; break
      case '\x02': case '\x1b[D': case '\x1bOD': this.#cursor = Math.max(0, this.#cursor - 1); break
      case '\x06': case '\x1b[C': case '\x1bOC': if (!this.#takeHint()) this.#cursor = Math.min(text.length, this.#cursor + 1); break
      case '\x1bb': case '\x1b[1;5D': case '\x1b[1;3D': case '\x1b\x1b[D': this.#cursor = this.#wordStart(); break
      case '\x1bf': case '\x1b[1;5C': case '\x1b[1;3C': case '\x1b\x1b[C': this.#cursor = this.#wordEnd(); break
      case '\x7f': case '\b': if (this.#cursor > 0) { this.#remember(); text.splice(--this.#cursor, 1) } break
      case '\x1b[3~': if (this.#cursor < text.length) { this.#remember(); text.splice(this.#cursor, 1) } break
      case '\x0b': this.#remember(); this.#killed = text.splice(this.#cursor); break
      case '\x15': this.#remember(); this.#killed = text.splice(0, this.#cursor); this.#cursor = 0; break
      case '\x17': case '\x1b\x7f': case '\x1b\b': {
        this.#remember()
        const start = key === '\x17' ? this.#blankWordStart() : this.#wordStart()
        this.#killed = text.splice(start, this.#cursor - start)
        this.#cursor = start
        break
      }
      case '\x1bd': this.#remember(); this.#killed = text.splice(this.#cursor, this.#wordEnd() - this.#cursor); break
      case '\x19': this.#remember(); text.splice(this.#cursor, 0, ...this.#killed); this.#cursor += this.#killed.length; break
      case '\x14': if (this.#cursor > 0 && text.length > 1) {
        this.#remember()
        const at = Math.min(this.#cursor, text.length - 1)
        const moved = text.splice(at, 1)
        text.splice(at - 1, 0, ...moved)
        this.#cursor = Math.min(text.length, at + 1)
      } break
      case '\x1f': case '\x18\x15': { const before = this.#undo.pop(); if (before) { this.#text = before.text; this.#cursor = before.cursor } break }
      case '\x0c': await this.#write('\x1b[H\x1b[2J'); this.#cursorRow = 0; break
      case '\x10': case '\x1b[A': case '\x1bOA': this.#recall(-1); break
      case '\x0e': case '\x1b[B': case '\x1bOB': this.#recall(1); break
      case '\x1b<': this.#recall(-this.#historyAt); break
      case '\x1b>': this.#recall(this.#owner.history.length - this.#historyAt); break
      case '\x1b.': case '\x1b_': { const last = this.#owner.history.at(-1)?.trim().split(/\s+/).at(-1); if (last) this.#insert(last); break }
      case '\x12': { const done = await this.#search(); if (done) return done; break }
      case '\t': await this.#complete(wasTab); this.#lastWasTab = true; break
      default: {
        const pasted = pastedText(key)
        if (pasted !== undefined) this.#insert(pasted.replace(/\n$/, ''))
        else if (key >= ' ' && !key.startsWith('\x1b')) this.#insert(key)
        else return undefined
      }
    }
    this.#findHint(key)
    await this.#draw()
    return undefined
  }

  #forgetHint(): void {
    this.#hint = ''
    this.#hintTimer?.cancel()
    this.#hintTimer = undefined
  }

  /** Makes the proposal part of the line. */
  #takeHint(): boolean {
    if (this.#hint === '' || this.#cursor < this.#text.length) return false
    this.#insert(this.#hint)
    return true
  }

  /** The last command that began like this line; else what Tab would add, after a moment. */
  #findHint(key: string): void {
    this.#forgetHint()
    const line = this.#text.join('')
    if (!this.#hints() || line.trim() === '' || this.#cursor < this.#text.length || line.includes('\n') || /^\x1b\[[AB]$|^[\x10\x0e]$/.test(key)) return
    const before = this.#owner.history.findLast((entry) => entry.startsWith(line) && entry !== line && !entry.includes('\n'))
    if (before !== undefined) { this.#hint = before.slice(line.length); return }
    if (key === '\t' || line.endsWith(' ')) return
    this.#hintTimer = this.#owner.proc.clock.after(HINT_MS, () => void this.#hintFromCompletion(line).catch(() => {}))
  }

  async #hintFromCompletion(line: string): Promise<void> {
    if (!this.#shell) return
    const { start, completions, quote } = await completeLine(this.#shell, this.#completer, line, line.length)
    if (this.#hintTimer === undefined || this.#text.join('') !== line || completions.length !== 1) return
    const whole = quote(completions[0]!.value)
    if (!whole.startsWith(line.slice(start)) || whole.length === line.length - start) return
    this.#hint = whole.slice(line.length - start)
    await this.#draw()
  }

  #remember(): void {
    this.#undo.push({ text: [...this.#text], cursor: this.#cursor })
    if (this.#undo.length > 200) this.#undo.shift()
  }

  #insert(text: string): void {
    this.#remember()
    const chars = [...text]
    this.#text.splice(this.#cursor, 0, ...chars)
    this.#cursor += chars.length
  }

  #wordStart(): number {
    let at = this.#cursor
    while (at > 0 && !/\w/.test(this.#text[at - 1]!)) at -= 1
    while (at > 0 && /\w/.test(this.#text[at - 1]!)) at -= 1
    return at
  }

  #blankWordStart(): number {
    let at = this.#cursor
    while (at > 0 && this.#text[at - 1] === ' ') at -= 1
    while (at > 0 && this.#text[at - 1] !== ' ') at -= 1
    return at
  }

  #wordEnd(): number {
    let at = this.#cursor
    while (at < this.#text.length && !/\w/.test(this.#text[at]!)) at += 1
    while (at < this.#text.length && /\w/.test(this.#text[at]!)) at += 1
    return at
  }

  #recall(step: number): void {
    const { history } = this.#owner
    const next = this.#historyAt + step
    if (next < 0 || next > history.length || step === 0) return
    if (this.#historyAt === history.length) this.#draft = this.#text.join('')
    this.#historyAt = next
    this.#text = [...(next === history.length ? this.#draft : history[next]!)]
    this.#cursor = this.#text.length
    this.#undo = []
  }

  /** ^R: searches history backwards while typing. */
  async #search(): Promise<{ value: string | 'interrupted' } | undefined> {
    const { history } = this.#owner
    const prompt = this.#prompt
    let query = ''
    let at = history.length
    let failed = false
    const look = (from: number) => {
      for (let i = from; i >= 0; i--) if (history[i]!.includes(query)) { at = i; failed = false; return }
      failed = true
    }
    const stop = () => { this.#prompt = prompt }
    for (;;) {
      const found = history[at] ?? ''
      this.#prompt = `(${failed ? 'failed ' : ''}reverse-i-search)\`${query}': `
      if (query) { this.#text = [...found]; this.#cursor = Math.max(0, [...found.slice(0, found.indexOf(query))].length) }
      await this.#draw()
      const key = await this.#nextKey()
      if (key === '\x12') { if (query) look(at - 1) }
      else if (key === '\x7f' || key === '\b') { query = query.slice(0, -1); at = history.length; if (query) look(history.length - 1) }
      else if (key === '\x07' || key === '\x03') { stop(); this.#text = []; this.#cursor = 0; return undefined }
      else if (key !== undefined && key >= ' ' && !key.startsWith('\x1b') && key !== '\x7f') { query += key; look(Math.min(at, history.length - 1)) }
      else {
        stop()
        if (at < history.length) this.#historyAt = at
        if (key === undefined || key === '\x1b') return undefined
        await this.#draw()
        return this.#handle(key) as Promise<{ value: string } | undefined>
      }
    }
  }

  async #complete(again: boolean): Promise<void> {
    if (!this.#shell) { await this.#write('\x07'); return }
    const line = this.#text.join('')
    const cursor = this.#text.slice(0, this.#cursor).join('').length
    const { start, completions, quote } = await completeLine(this.#shell, this.#completer, line, cursor)
    if (completions.length === 0) { await this.#write('\x07'); return }
    const replace = (value: string) => {
      this.#remember()
      const before = [...line.slice(0, start)]
      const chars = [...value]
      this.#text = [...before, ...chars, ...this.#text.slice(this.#cursor)]
      this.#cursor = before.length + chars.length
    }
    if (completions.length === 1) {
      const only = completions[0]!
      replace(quote(only.value) + (only.partial ? '' : ' '))
      return
    }
    const prefix = commonPrefix(completions.map((each) => each.value))
    const current = line.slice(start, cursor)
    if (quote(prefix).length > current.length) { replace(quote(prefix)); return }
    if (!again) { await this.#write('\x07'); return }
    await this.#write(`\r\n${listColumns(completions.map((each) => each.label ?? each.value), this.#owner.proc.tty?.columns || 80).replaceAll('\n', '\r\n')}`)
    this.#cursorRow = 0
  }

  #write(text: string): Promise<void> {
    return this.#owner.proc.stdout.write(text)
  }

  /** Draws the prompt and the line, wherever it wraps, and puts the cursor in its place. */
  #draw(): Promise<void> {
    const columns = this.#owner.proc.tty?.columns || 80
    const promptWidth = displayWidth(this.#prompt)
    const end = position(promptWidth, this.#text, columns)
    const cursor = position(promptWidth, this.#text.slice(0, this.#cursor), columns)
    let out = this.#cursorRow > 0 ? `\x1b[${this.#cursorRow}A` : ''
    out += `\r\x1b[J${this.#prompt}${this.#text.map((char) => char === '\n' ? '\r\n' : char < ' ' ? `^${String.fromCharCode(char.charCodeAt(0) + 64)}` : char).join('')}`
    const room = columns - end.column - 1
    if (this.#hint !== '' && this.#cursor === this.#text.length && room > 0) out += `\x1b[90m${this.#hint.slice(0, room)}\x1b[39m`
    // At the right edge the terminal waits with wrapping; a blank makes it happen.
    if (end.column === 0 && end.row > 0 && this.#text.at(-1) !== '\n') out += ' \r\x1b[K'
    if (end.row > cursor.row) out += `\x1b[${end.row - cursor.row}A`
    out += `\r${cursor.column > 0 ? `\x1b[${cursor.column}C` : ''}`
    this.#cursorRow = cursor.row
    return this.#write(out)
  }
}

function position(start: number, text: readonly string[], columns: number): { row: number; column: number } {
  let row = Math.floor(start / columns)
  let column = start % columns
  for (const char of text) {
    if (char === '\n') { row += 1; column = 0; continue }
    const width = char < ' ' ? 2 : isWide(char) ? 2 : 1
    if (column + width > columns) { row += 1; column = 0 }
    column += width
    if (column >= columns) { row += 1; column = 0 }
  }
  return { row, column }
}
