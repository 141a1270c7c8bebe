import type { Configuration, Entry, Snapshot } from './types.ts'

/** The entries of one member, from a place on. */
export class RaftLog {
  /** The place before the first entry. */
  #base: { index: number; term: number }
  #entries: Entry[]
  #snapshot: Snapshot

  constructor(snapshot: Snapshot, base: { index: number; term: number } = snapshot, entries: readonly Entry[] = []) {
    this.#snapshot = snapshot
    this.#base = { index: base.index, term: base.term }
    this.#entries = [...entries]
  }

  get snapshot(): Snapshot {
    return this.#snapshot
  }

  get base(): { readonly index: number; readonly term: number } {
    return this.#base
  }

  get entries(): readonly Entry[] {
    return this.#entries
  }

  get lastIndex(): number {
    return this.#base.index + this.#entries.length
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#base.term
  }

  /** The term of a place; undefined where it is forgotten or still to come. */
  termAt(index: number): number | undefined {
    if (index === this.#base.index) return this.#base.term
    return this.#entries[index - this.#base.index - 1]?.term
  }

  /** The entries from a place on (it included) up to another (it included). */
  slice(from: number, to = this.lastIndex): readonly Entry[] {
    return this.#entries.slice(from - this.#base.index - 1, to - this.#base.index)
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) this.#entries.push(entry)
  }

  /** Forgets everything from a place on. */
  truncate(from: number): void {
    this.#entries.length = from - this.#base.index - 1
  }

  /** Takes what the entries up to `index` led to; keeps `trailing` of them for members that are a little behind. */
  compact(index: number, configuration: Configuration, trailing: number): void {
    this.#snapshot = { index, term: this.termAt(index)!, configuration }
    const base = index - trailing
    if (base <= this.#base.index) return
    const term = this.termAt(base)!
    this.#entries = this.#entries.slice(base - this.#base.index)
    this.#base = { index: base, term }
  }

  /** Begins anew where a snapshot ends. */
  restore(snapshot: Snapshot): void {
    this.#snapshot = snapshot
    this.#base = { index: snapshot.index, term: snapshot.term }
    this.#entries = []
  }
}
