import { readAll } from '../../base/streams.ts'
import { displayWidth } from '../display-width.ts'
import { errorText } from '../errno.ts'
import { baseName } from '../path.ts'
import { UnixError } from '../types.ts'
import type { Proc, Program } from '../types.ts'
import { FullScreen } from './full-screen.ts'
import type { Key } from './full-screen.ts'

const decoder = new TextDecoder()
/** Colours and other attributes that output may carry. */
const ATTRIBUTES = /\x1b\[[0-9;]*m/g

const HELP = [
  '', '                   SUMMARY OF LESS COMMANDS', '', '  h                 this help', '  q                 quit', '', '                           MOVING', '',
  '  e  j  Return      forward  one line', '  y  k              backward one line', '  f  Space          forward  one window', '  b                 backward one window', '  d                 forward  one half-window', '  u                 backward one half-window',
  '  Right  Left       half a screen to the right or left, with -S', '  g  <              first line, or line N with a number before it', '  G  >              last line', '  F                 forward forever, until ^C', '',
  '                          SEARCHING', '', '  /pattern          search forward', '  ?pattern          search backward', '  n  N              repeat the search, in the other direction', '  &pattern          show only lines that match', '',
  '  -N  -S  -i        line numbers, long lines cut, case ignored: on or off', '',
]

/** Options by letter; those of the environment come first. */
interface Options {
  chops: boolean
  numbers: boolean
  ignoresCase: boolean
  quitsIfOneScreen: boolean
  raw: boolean
  startsAtEnd: boolean
  pattern: string | undefined
  line: number | undefined
}

/** `less` and `more`: a text page by page. Keys come from the terminal, also when the text comes through a pipe. */
// @k8s part: less: marks, tags, several windows, editing the file and options other than -N, -S, -i, -I, -R, -r, -F, -X, -e, -E, -p, +N, +G, +F, +/pattern are missing
export const less: Program = async (proc) => {
  const name = baseName(proc.argv[0] ?? 'less')
  const options: Options = { chops: false, numbers: false, ignoresCase: false, quitsIfOneScreen: name === 'more', raw: false, startsAtEnd: false, pattern: undefined, line: undefined }
  const files: string[] = []
  let follows = false
  let quitsAtEnd = name === 'more'
  const given = name === 'less' && proc.env.LESS ? [`-${proc.env.LESS.replace(/^-/, '').replace(/\s+-?/g, '')}`] : []
  const args = [...given, ...proc.argv.slice(1)]
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (arg === '--version' || arg === '-V') { await proc.stdout.write(name === 'more' ? 'more from util-linux 2.38.1\n' : 'less 590 (GNU regular expressions)\n'); return 0 }
    if (arg === '+G') options.startsAtEnd = true
    else if (arg === '+F') follows = true
    else if (/^\+\d+$/.test(arg)) options.line = Number(arg.slice(1))
    else if (arg.startsWith('+/')) options.pattern = arg.slice(2)
    else if (arg === '--') { files.push(...args.slice(i + 1)); break }
    else if (/^-./.test(arg)) {
      for (let letters = arg.startsWith('--') ? longOption(arg) : arg.slice(1); letters !== ''; letters = letters.slice(1)) {
        const letter = letters[0]!
        if (letter === 'p') { options.pattern = letters.slice(1) || args[++i] || ''; break }
        if (letter === 'N') options.numbers = true
        else if (letter === 'S') options.chops = true
        else if (letter === 'i' || letter === 'I') options.ignoresCase = true
        else if (letter === 'F') options.quitsIfOneScreen = true
        else if (letter === 'R' || letter === 'r') options.raw = true
        else if (letter === 'e' || letter === 'E') quitsAtEnd = true
        else if (!'XKMmnqQsfgGwWcd'.includes(letter)) { await proc.stderr.write(`There is no ${letter} option ("${name} --help" for help)\n`); return 1 }
      }
    } else files.push(arg)
  }
  if (files.length === 0 && proc.isTty(0)) { await proc.stderr.write(`Missing filename ("${name} --help" for help)\n`); return 1 }
  const { tty } = proc
  if (!tty || !proc.isTty(1)) return passOn(proc, files)
  const text = new Text(proc, files)
  try {
    const problem = await text.open()
    if (problem !== undefined) { await proc.stderr.write(`${problem}\n`); return 1 }
    const pager = new Pager(proc, new FullScreen(proc, tty, { keys: tty.stdin }), text, options, { name, quitsAtEnd })
    return await pager.run(follows)
  } finally {
    text.close()
  }
}

function longOption(arg: string): string {
  return { '--chop-long-lines': 'S', '--LINE-NUMBERS': 'N', '--ignore-case': 'i', '--RAW-CONTROL-CHARS': 'R', '--quit-if-one-screen': 'F', '--no-init': 'X', '--quit-at-eof': 'e' }[arg] ?? arg.slice(2)
}

/** Where nobody looks, the text goes on as it is. */
async function passOn(proc: Proc, files: readonly string[]): Promise<number> {
  let status = 0
  for (const file of files.length > 0 ? files : ['-']) {
    if (file === '-') { for (let chunk = await proc.stdin.read(); chunk; chunk = await proc.stdin.read()) await proc.stdout.write(chunk); continue }
    try {
      await proc.stdout.write(proc.fs.readFile(proc.resolve(file)))
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await proc.stderr.write(`${file}: ${errorText(error)}\n`)
      status = 1
    }
  }
  return status
}

/** The lines of what is shown: of files, or of a pipe that may still bring more. */
class Text {
  readonly lines: string[] = []
  /** Whether everything is there. */
  isComplete = false
  onMore: () => void = () => {}
  readonly title: string
  readonly #proc: Proc
  readonly #files: readonly string[]
  #rest = ''
  #closed = false

  constructor(proc: Proc, files: readonly string[]) {
    this.#proc = proc
    this.#files = files
    this.title = files.length === 0 ? '' : files.join(' ')
  }

  /** Begins; says what is wrong when there is nothing to show. */
  async open(): Promise<string | undefined> {
    const fromPipe = this.#files.length === 0 || this.#files[0] === '-'
    if (fromPipe) {
      // Nobody reads on once the process has ended.
      this.#read().catch(() => {})
      return undefined
    }
    for (const file of this.#files) {
      const path = this.#proc.resolve(file)
      try {
        if (this.#proc.fs.stat(path).type === 'directory') return `${file} is a directory`
        const open = this.#proc.fs.open(path, 'r')
        this.#add(decoder.decode(await readAll({ read: () => open.read(), cancel: () => open.close() })))
        open.close()
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        return `${file}: ${errorText(error)}`
      }
    }
    this.#end()
    return undefined
  }

  close(): void {
    this.#closed = true
    if (!this.isComplete) this.#proc.stdin.cancel()
  }

  async #read(): Promise<void> {
    for (let chunk = await this.#proc.stdin.read(); chunk && !this.#closed; chunk = await this.#proc.stdin.read()) {
      this.#add(decoder.decode(chunk, { stream: true }))
      this.onMore()
    }
    this.#end()
    this.onMore()
  }

  #add(text: string): void {
    const pieces = (this.#rest + text).split('\n')
    this.#rest = pieces.pop()!
    for (const piece of pieces) this.lines.push(piece.replace(/\r$/, ''))
  }

  #end(): void {
    if (this.#rest !== '') this.lines.push(this.#rest)
    this.#rest = ''
    this.isComplete = true
  }
}

class Pager {
  readonly #proc: Proc
  readonly #screen: FullScreen
  readonly #text: Text
  readonly #options: Options
  readonly #name: string
  readonly #quitsAtEnd: boolean
  /** Number of the first line on the screen, counted from 0, and how many of its rows are above it. */
  #top = 0
  #topRow = 0
  #left = 0
  #pattern: RegExp | undefined
  #backward = false
  #message: string | undefined
  #filter: RegExp | undefined
  #follows = false
  #prompt: string | undefined
  #count = ''
  #help: { top: number } | undefined
  #wasAtEnd = false

  constructor(proc: Proc, screen: FullScreen, text: Text, options: Options, how: { name: string; quitsAtEnd: boolean }) {
    this.#proc = proc
    this.#screen = screen
    this.#text = text
    this.#options = options
    this.#name = how.name
    this.#quitsAtEnd = how.quitsAtEnd
  }

  get #page(): number {
    return Math.max(1, this.#screen.rows - 1)
  }

  get #lines(): readonly string[] {
    if (this.#help) return HELP
    const filter = this.#filter
    return filter ? this.#text.lines.filter((line) => filter.test(plainLine(line))) : this.#text.lines
  }

  async run(follows: boolean): Promise<number> {
    if (this.#options.quitsIfOneScreen) {
      // Whether it fits is known when all has come, or too much.
      await this.#until(() => this.#text.isComplete || this.#text.lines.length > this.#page)
      if (this.#text.isComplete && this.#text.lines.reduce((sum, line) => sum + this.#rowsOf(line).length, 0) < this.#screen.rows) {
        await this.#proc.stdout.write(this.#text.lines.map((line) => `${this.#options.raw ? line : plainLine(line)}\n`).join(''))
        return 0
      }
    } else await this.#until(() => this.#text.isComplete || this.#text.lines.length >= this.#page)
    await this.#screen.enter()
    this.#screen.onResize = () => { void this.#draw() }
    this.#text.onMore = () => {
      if (this.#follows) this.#toEnd()
      if (this.#follows || this.#text.lines.length < this.#top + this.#page + 2) void this.#draw()
    }
    try {
      this.#message = this.#text.title === '' ? undefined : this.#text.title
      if (this.#options.line !== undefined) this.#go(this.#options.line - 1)
      if (this.#options.pattern !== undefined) this.#search(this.#options.pattern, false)
      if (this.#options.startsAtEnd || follows) { if (!follows) await this.#until(() => this.#text.isComplete); this.#toEnd() }
      this.#follows = follows
      for (;;) {
        if (!this.#screen.hasMore) await this.#draw()
        const key = await this.#screen.key()
        if (key === undefined) return 1
        if (this.#follows) { if (key === '\x03') this.#follows = false; continue }
        if (typeof key !== 'string') continue
        if (await this.#press(key)) return 0
      }
    } finally {
      this.#text.onMore = () => {}
      await this.#screen.leave()
    }
  }

  /** Waits for the text until a condition holds. */
  #until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve()
    return new Promise((resolve) => {
      this.#text.onMore = () => { if (holds()) { this.#text.onMore = () => {}; resolve() } }
    })
  }

  /** Whether that was all. */
  async #press(key: Key & string): Promise<boolean> {
    const count = this.#count === '' ? undefined : Number(this.#count)
    this.#message = undefined
    if (/^\d$/.test(key)) { this.#count += key; return false }
    this.#count = ''
    switch (key) {
      case 'q': case 'Q': case 'Z':
        if (!this.#help) return true
        this.#help = undefined
        return false
      case '\x03': return this.#name === 'more'
      case ' ': case 'f': case '\x06': case '\x16': case '<PageDown>': return this.#forward(count ?? this.#page)
      case 'j': case 'e': case '<CR>': case '<Down>': case '\x0e': case '\x05': return this.#forward(count ?? 1)
      case 'b': case '\x02': case '<PageUp>': this.#back(count ?? this.#page); return false
      case 'k': case 'y': case '<Up>': case '\x10': case '\x19': this.#back(count ?? 1); return false
      case 'd': case '\x04': return this.#forward(count ?? Math.floor(this.#page / 2))
      case 'u': case '\x15': this.#back(count ?? Math.floor(this.#page / 2)); return false
      case 'g': case '<': case '<Home>': this.#go((count ?? 1) - 1); return false
      case 'G': case '>': case '<End>':
        if (count !== undefined) this.#go(count - 1)
        else { await this.#until(() => this.#text.isComplete); this.#toEnd() }
        return false
      case '<Right>': if (this.#options.chops) this.#left += Math.floor(this.#screen.columns / 2); return false
      case '<Left>': this.#left = Math.max(0, this.#left - Math.floor(this.#screen.columns / 2)); return false
      case 'F': await this.#until(() => true); this.#toEnd(); this.#follows = true; return false
      case 'h': case 'H': case '<F1>': this.#help = { top: this.#top }; this.#top = 0; this.#topRow = 0; return false
      case '/': case '?': {
        const text = await this.#ask(key)
        if (text !== undefined) this.#search(text === '' ? this.#pattern?.source ?? '' : text, key === '?')
        return false
      }
      case 'n': this.#next(this.#backward); return false
      case 'N': this.#next(!this.#backward); return false
      case '&': {
        const text = await this.#ask('&/')
        if (text !== undefined) { this.#filter = text === '' ? undefined : this.#expression(text); this.#top = 0; this.#topRow = 0 }
        return false
      }
      case '-': {
        const letter = await this.#ask('-', 1)
        if (letter === 'N') this.#options.numbers = !this.#options.numbers
        else if (letter === 'S') { this.#options.chops = !this.#options.chops; this.#left = 0 }
        else if (letter === 'i' || letter === 'I') this.#options.ignoresCase = !this.#options.ignoresCase
        else if (letter !== undefined) this.#message = `There is no ${letter} option`
        return false
      }
      case '=': {
        const last = this.#lastShown()
        this.#message = `${this.#text.title} lines ${this.#top + 1}-${last}/${this.#lines.length}${last >= this.#lines.length ? ' (END)' : ''}`.trim()
        return false
      }
      case 'r': case 'R': case '\x0c': this.#screen.forget(); return false
      default: return false
    }
  }

  /** Rows of the screen that a line takes. */
  #rowsOf(line: string): string[] {
    const shown = this.#options.raw ? line : plainLine(line)
    const width = Math.max(1, this.#screen.columns - (this.#options.numbers ? 8 : 0))
    if (this.#options.chops) return [cut(shown, this.#left, width)]
    const total = displayWidth(plainLine(shown))
    return Array.from({ length: Math.max(1, Math.ceil(total / width)) }, (_, i) => cut(shown, i * width, width))
  }

  #draw(): Promise<void> {
    const rows: string[] = []
    const lines = this.#lines
    for (let i = this.#top; i < lines.length && rows.length < this.#page; i++) {
      this.#rowsOf(lines[i]!).slice(i === this.#top ? this.#topRow : 0).forEach((row, part) => {
        if (rows.length >= this.#page) return
        const number = !this.#options.numbers ? '' : part === 0 ? `${String(i + 1).padStart(7)} ` : ' '.repeat(8)
        rows.push(number + (this.#pattern ? marked(row, this.#pattern) : row))
      })
    }
    while (rows.length < this.#page) rows.push('~')
    const atEnd = this.#isAtEnd()
    const status = cut(this.#prompt ?? (this.#follows ? 'Waiting for data... (interrupt to abort)' : this.#message ?? (this.#count !== '' ? `:${this.#count}` : this.#help ? 'HELP -- Press RETURN for more, or q when done' : atEnd ? '(END)' : this.#name === 'more' ? '--More--' : ':')), 0, this.#screen.columns)
    const isPlain = this.#prompt !== undefined || status === ':' || this.#count !== ''
    rows.push(isPlain ? status : `\x1b[7m${status}\x1b[27m`)
    return this.#screen.draw(rows, { row: this.#screen.rows - 1, column: displayWidth(status) })
  }

  #isAtEnd(): boolean {
    let left = this.#page + this.#topRow
    for (let i = this.#top; i < this.#lines.length; i++) {
      left -= this.#rowsOf(this.#lines[i]!).length
      if (left < 0) return false
    }
    return this.#help !== undefined || this.#text.isComplete
  }

  #lastShown(): number {
    let left = this.#page + this.#topRow
    let i = this.#top
    for (; i < this.#lines.length && left > 0; i++) left -= this.#rowsOf(this.#lines[i]!).length
    return i
  }

  /** Whether that led beyond the end, for those who leave there. */
  #forward(rows: number): boolean {
    for (let i = 0; i < rows && !this.#isAtEnd() && this.#top < this.#lines.length; i++) {
      if (this.#topRow + 1 < this.#rowsOf(this.#lines[this.#top]!).length) this.#topRow += 1
      else { this.#top += 1; this.#topRow = 0 }
    }
    const isOver = this.#wasAtEnd
    this.#wasAtEnd = this.#isAtEnd()
    return this.#quitsAtEnd && (isOver || this.#name === 'more' && this.#wasAtEnd)
  }

  #back(rows: number): void {
    this.#wasAtEnd = false
    for (let i = 0; i < rows && (this.#top > 0 || this.#topRow > 0); i++) {
      if (this.#topRow > 0) this.#topRow -= 1
      else { this.#top -= 1; this.#topRow = this.#rowsOf(this.#lines[this.#top]!).length - 1 }
    }
  }

  #go(line: number): void {
    this.#top = Math.max(0, Math.min(line, this.#lines.length - 1))
    this.#topRow = 0
    if (this.#isAtEnd() && line > 0) this.#toEnd()
  }

  #toEnd(): void {
    this.#top = this.#lines.length
    this.#topRow = 0
    this.#back(this.#page)
  }

  #expression(text: string): RegExp | undefined {
    try {
      return new RegExp(text, this.#options.ignoresCase && text === text.toLowerCase() ? 'i' : '')
    } catch {
      this.#message = 'Invalid pattern'
      return undefined
    }
  }

  #search(text: string, backward: boolean): void {
    const pattern = this.#expression(text)
    if (!pattern) return
    this.#pattern = pattern
    this.#backward = backward
    const isHere = !backward && this.#lines[this.#top] !== undefined && pattern.test(plainLine(this.#lines[this.#top]!))
    if (!isHere) this.#next(backward)
  }

  #next(backward: boolean): void {
    const pattern = this.#pattern
    if (!pattern) { this.#message = 'No previous regular expression'; return }
    for (let i = this.#top + (backward ? -1 : 1); i >= 0 && i < this.#lines.length; i += backward ? -1 : 1) {
      if (!pattern.test(plainLine(this.#lines[i]!))) continue
      this.#top = i
      this.#topRow = 0
      return
    }
    this.#message = 'Pattern not found'
  }

  /** A line typed at the bottom; undefined when it was given up. */
  async #ask(label: string, length = Infinity): Promise<string | undefined> {
    let text = ''
    try {
      for (;;) {
        this.#prompt = label + text
        await this.#draw()
        const key = await this.#screen.key()
        if (key === undefined || key === '<Esc>' || key === '\x03') return undefined
        if (key === '<CR>') return text
        if (typeof key !== 'string') text += key.paste
        else if (key === '<BS>') { if (text === '') return undefined; text = text.slice(0, -1) }
        else if (key.length === 1 || !key.startsWith('<')) text += key
        if (text.length >= length) return text
      }
    } finally {
      this.#prompt = undefined
    }
  }
}

/** A line without attributes, its tabs as blanks. */
function plainLine(line: string): string {
  return expandTabs(line.replace(ATTRIBUTES, ''))
}

function expandTabs(line: string): string {
  if (!line.includes('\t')) return line
  let out = ''
  for (const char of line) out += char === '\t' ? ' '.repeat(8 - displayWidth(out) % 8) : char
  return out
}

/** The cells of a line from a column on; attributes before them still hold. */
function cut(line: string, from: number, width: number): string {
  let at = 0
  let out = ''
  for (const piece of expandTabs(line).match(/\x1b\[[0-9;]*m|[\s\S]/gu) ?? []) {
    if (piece.startsWith('\x1b[')) { out += piece; continue }
    const cells = displayWidth(piece)
    if (at >= from && at + cells <= from + width) out += piece < ' ' ? `^${String.fromCharCode(piece.charCodeAt(0) + 64)}` : piece
    at += cells
  }
  return out
}

/** A row whose matches stand out. */
function marked(row: string, pattern: RegExp): string {
  return row.replace(new RegExp(pattern.source, `${pattern.flags}g`), (match) => match === '' ? '' : `\x1b[7m${match}\x1b[27m`)
}
