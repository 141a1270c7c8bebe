import type { ByteReader } from '../../base/streams.ts'
import { KeyReader, pastedText } from '../terminal-keys.ts'
import type { Proc, Tty } from '../types.ts'

/** Names of keys that terminals send as sequences. */
const NAMES: Readonly<Record<string, string>> = {
  '\x1b[A': '<Up>', '\x1bOA': '<Up>', '\x1b[B': '<Down>', '\x1bOB': '<Down>', '\x1b[C': '<Right>', '\x1bOC': '<Right>', '\x1b[D': '<Left>', '\x1bOD': '<Left>',
  '\x1b[H': '<Home>', '\x1bOH': '<Home>', '\x1b[1~': '<Home>', '\x1b[F': '<End>', '\x1bOF': '<End>', '\x1b[4~': '<End>', '\x1b[5~': '<PageUp>', '\x1b[6~': '<PageDown>', '\x1b[3~': '<Del>', '\x1b[2~': '<Ins>',
  '\x1b[1;5C': '<C-Right>', '\x1b[1;5D': '<C-Left>', '\x1b[1;5H': '<C-Home>', '\x1b[1;5F': '<C-End>', '\x1b[Z': '<S-Tab>', '\x1b[1;5A': '<C-Up>', '\x1b[1;5B': '<C-Down>',
  '\x7f': '<BS>', '\b': '<BS>', '\r': '<CR>', '\n': '<CR>', '\x1b': '<Esc>', '\x1bOP': '<F1>',
}

/** A key: one character, a name in angle brackets, or a pasted text. */
export type Key = string | { paste: string }

/**
 * The terminal as a program sees it that takes the whole screen: the alternate buffer, keys by name, rows that are sent only when they changed.
 * @throws ProcessKilled out of {@link key}
 */
export class FullScreen {
  readonly tty: Tty
  readonly #proc: Proc
  readonly #keys: KeyReader
  readonly #altEscapes: boolean
  #shown: string[] = []
  #stopResize: (() => void) | undefined
  /** Called when the size changed; draw again. */
  onResize: () => void = () => {}

  /** `altEscapes`: Alt with a key comes as `<M-x>`; else as Escape and the key. `keys`: where they come from, if not from standard input. */
  constructor(proc: Proc, tty: Tty, options: { altEscapes?: boolean; keys?: ByteReader } = {}) {
    this.#proc = proc
    this.tty = tty
    this.#altEscapes = options.altEscapes ?? false
    this.#keys = new KeyReader(options.keys ?? proc.stdin)
  }

  get rows(): number {
    return this.tty.rows
  }

  get columns(): number {
    return this.tty.columns
  }

  /** Takes the screen. */
  async enter(): Promise<void> {
    this.tty.setRaw(true)
    this.#shown = []
    this.#stopResize ??= this.tty.onResize(() => { this.#shown = []; this.onResize() })
    await this.#proc.stdout.write('\x1b[?1049h\x1b[?2004h\x1b[H\x1b[2J')
  }

  /** Gives the screen back as it was before. */
  async leave(): Promise<void> {
    this.#stopResize?.()
    this.#stopResize = undefined
    await this.#proc.stdout.write('\x1b[0m\x1b[?25h\x1b[0 q\x1b[?2004l\x1b[?1049l').catch(() => {})
    this.tty.setRaw(false)
  }

  /** The next key; undefined once the terminal has gone. */
  async key(): Promise<Key | undefined> {
    const key = await this.#keys.next()
    if (key === undefined) return undefined
    const paste = pastedText(key)
    if (paste !== undefined) return { paste }
    const name = NAMES[key]
    if (name) return name
    if (key.length >= 2 && key[0] === '\x1b') {
      if (key[1] === '[' || key[1] === 'O') return '<Nop>'
      const rest = [...key.slice(1)]
      if (this.#altEscapes) return `<M-${NAMES[rest[0]!] ?? rest[0]!.toLowerCase()}>`
      this.#keys.unread(...rest)
      return '<Esc>'
    }
    return key
  }

  /** Whether more keys wait: drawing can be left to the last of them. */
  get hasMore(): boolean {
    return this.#keys.hasMore
  }

  /** Shows rows from the top, each at most as wide as the screen, and puts the cursor somewhere. `shape`: as DECSCUSR counts. */
  async draw(rows: readonly string[], cursor: { row: number; column: number }, shape = 0): Promise<void> {
    let out = '\x1b[?25l'
    for (let i = 0; i < this.tty.rows; i++) {
      const row = rows[i] ?? ''
      if (this.#shown[i] === row) continue
      out += `\x1b[${i + 1};1H\x1b[0m${row}\x1b[0m\x1b[K`
      this.#shown[i] = row
    }
    out += `\x1b[${cursor.row + 1};${Math.min(cursor.column, this.tty.columns - 1) + 1}H\x1b[${shape} q\x1b[?25h`
    await this.#proc.stdout.write(out)
  }

  /** Everything is drawn anew next time. */
  forget(): void {
    this.#shown = []
  }
}
