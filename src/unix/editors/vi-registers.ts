/** Text that was deleted or yanked. */
export interface Register {
  text: string[]
  kind: 'char' | 'line' | 'block'
}

/** What is deleted, yanked and put. */
export class ViRegisters {
  readonly #held = new Map<string, Register>()

  /** Without a name: what was stored last. */
  get(name = '"'): Register | undefined {
    return this.#held.get(name.toLowerCase())
  }

  /** Those that hold something, in the order in which they first did. */
  entries(): IterableIterator<[string, Register]> {
    return this.#held.entries()
  }

  /** Stores text under a name (a capital one adds to what is there) and as the last one; `_` takes nothing. */
  store(name: string | undefined, text: string[], kind: Register['kind'], isYank: boolean): void {
    if (name === '_') return
    if (name && /[A-Z]/.test(name)) {
      const old = this.#held.get(name.toLowerCase())
      if (old) { this.#held.set(name.toLowerCase(), { text: kind === 'line' || old.kind === 'line' ? [...old.text, ...text] : [...old.text.slice(0, -1), old.text.at(-1)! + text[0]!, ...text.slice(1)], kind: old.kind === 'line' ? 'line' : kind }); return }
    }
    const entry: Register = { text, kind }
    if (name) this.#held.set(name.toLowerCase(), entry)
    this.#held.set('"', entry)
    if (isYank) { if (!name) this.#held.set('0', entry) } else if (!name) this.#held.set('1', entry)
  }
}
