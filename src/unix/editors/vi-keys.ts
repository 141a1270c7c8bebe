import type { Key } from './full-screen.ts'

/** Where keys come from: the keyboard, a macro, or the last change that `.` repeats. */
export class ViKeys {
  readonly #read: () => Promise<Key | undefined>
  /** Keys of the command that runs, and of the last that changed something. */
  #recording: Key[] = []
  #lastChange: Key[] = []
  #replay: Key[] = []
  #isReplaying = false
  /** The macro being recorded, and those that were. */
  #macro: { name: string; keys: Key[] } | undefined
  readonly #macros = new Map<string, Key[]>()
  #lastMacro = ''

  /** @param read the next key of the keyboard; undefined when there won't be any */
  constructor(read: () => Promise<Key | undefined>) {
    this.#read = read
  }

  /** The next key; undefined when there won't be any. */
  async next(): Promise<Key | undefined> {
    const replayed = this.#replay.shift()
    if (replayed !== undefined) { this.#recording.push(replayed); return replayed }
    const key = await this.#read()
    if (key !== undefined) { this.#recording.push(key); this.#macro?.keys.push(key) }
    return key
  }

  /** A key that must be one character; undefined when the command was given up. */
  async char(): Promise<string | undefined> {
    const key = await this.next()
    return typeof key !== 'string' || key === '<Esc>' || key === '\x03' ? undefined : key === '<CR>' ? '\n' : key.length > 1 && key.startsWith('<') ? undefined : key
  }

  /** A new command begins. */
  beginCommand(): void {
    this.#recording = []
    if (this.#replay.length === 0) this.#isReplaying = false
  }

  /** Whether keys come from the last change. */
  get isReplaying(): boolean {
    return this.#isReplaying
  }

  /** The command that runs has changed something: `.` will do it again, unless it came from the `:` line. */
  keepAsChange(): void {
    if (this.#recording[0] !== ':' && (!this.#isReplaying || this.#replay.length === 0)) this.#lastChange = [...this.#recording]
  }

  /** Types the keys of the last change again. */
  repeatChange(): void {
    if (this.#lastChange.length === 0) return
    this.#isReplaying = true
    this.#recording = []
    this.#replay.push(...this.#lastChange)
  }

  /** Keys that come before all others. */
  push(keys: readonly Key[]): void {
    this.#replay.unshift(...keys)
  }

  /** The register into which a macro is recorded. */
  get recordingTo(): string | undefined {
    return this.#macro?.name
  }

  /** Begins to record a macro, or ends it (`q`). */
  async toggleMacro(): Promise<void> {
    if (this.#macro) { this.#macros.set(this.#macro.name, this.#macro.keys.slice(0, -1)); this.#macro = undefined; return }
    const name = await this.char()
    if (name) this.#macro = { name, keys: [] }
  }

  /** Types the keys of a macro that is asked for (`@`). */
  async playMacro(times: number): Promise<void> {
    const name = await this.char()
    const keys = this.#macros.get(name === '@' ? this.#lastMacro : name ?? '')
    if (!keys) return
    if (name !== '@') this.#lastMacro = name!
    this.push(Array.from({ length: times }, () => keys).flat())
  }
}
