/** The data of a Redis server: databases of keys with values of five types, some of which expire. */

export type Value =
  | { type: 'string'; value: string }
  | { type: 'list'; value: string[] }
  | { type: 'hash'; value: Map<string, string> }
  | { type: 'set'; value: Set<string> }
  | { type: 'zset'; value: Map<string, number> }
export type ValueType = Value['type']
interface Values { string: string; list: string[]; hash: Map<string, string>; set: Set<string>; zset: Map<string, number> }
export type ValueOf<T extends ValueType> = Values[T]

interface Entry {
  held: Value
  expiresMs: number | undefined
  /** Ascending in the order of insertion: the cursor of SCAN. */
  serial: number
}

/** A command's failure; the message is the error reply. */
export class CommandError extends Error {}

const DATABASES = 16
/** What a key costs besides its bytes. */
const KEY_OVERHEAD_BYTES = 72

/** One numbered database. Keys past their time are gone for every reader. */
export class Database {
  readonly #entries = new Map<string, Entry>()
  readonly #nowMs: () => number
  #serial = 0

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  #entry(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry?.expiresMs !== undefined && entry.expiresMs <= this.#nowMs()) {
      this.#entries.delete(key)
      return undefined
    }
    return entry
  }

  type(key: string): ValueType | undefined {
    return this.#entry(key)?.held.type
  }

  has(key: string): boolean {
    return this.#entry(key) !== undefined
  }

  /** @throws CommandError WRONGTYPE */
  get<T extends ValueType>(key: string, type: T): ValueOf<T> | undefined {
    const entry = this.#entry(key)
    if (!entry) return undefined
    if (entry.held.type !== type) throw new CommandError('WRONGTYPE Operation against a key holding the wrong kind of value')
    return entry.held.value as ValueOf<T>
  }

  /** Puts a value in place of the old one. */
  put(key: string, held: Value, options: { keepExpiry?: boolean; expiresMs?: number | undefined } = {}): void {
    const old = this.#entry(key)
    this.#entries.set(key, { held, expiresMs: options.keepExpiry ? old?.expiresMs : options.expiresMs, serial: old?.serial ?? ++this.#serial })
  }

  delete(key: string): boolean {
    return this.#entry(key) !== undefined && this.#entries.delete(key)
  }

  /** Collections don't stay once they are empty. */
  deleteIfEmpty(key: string): void {
    const held = this.#entry(key)?.held
    if (held && held.type !== 'string' && (held.type === 'list' ? held.value.length : held.value.size) === 0) this.#entries.delete(key)
  }

  expiry(key: string): number | undefined {
    return this.#entry(key)?.expiresMs
  }

  setExpiry(key: string, expiresMs: number | undefined): boolean {
    const entry = this.#entry(key)
    if (!entry) return false
    entry.expiresMs = expiresMs
    return true
  }

  rename(from: string, to: string): void {
    const entry = this.#entry(from)
    if (!entry || from === to) return
    this.#entries.delete(from)
    this.#entries.delete(to)
    this.#entries.set(to, { ...entry, serial: ++this.#serial })
  }

  keys(): string[] {
    return [...this.#entries.keys()].filter((key) => this.has(key))
  }

  /** Keys after a cursor, at most `count`; the next cursor is 0 at the end. */
  scan(cursor: number, count: number): { cursor: number; keys: string[] } {
    const keys: string[] = []
    let last = cursor
    for (const [key, entry] of this.#entries) {
      if (entry.serial <= cursor) continue
      if (keys.length >= count) return { cursor: last, keys }
      last = entry.serial
      if (this.has(key)) keys.push(key)
    }
    return { cursor: 0, keys }
  }

  get size(): number {
    for (const key of [...this.#entries.keys()]) this.#entry(key)
    return this.#entries.size
  }

  get expiring(): number {
    let count = 0
    for (const entry of this.#entries.values()) if (entry.expiresMs !== undefined) count += 1
    return count
  }

  clear(): void {
    this.#entries.clear()
  }

  /** About how much memory the data takes. */
  usedBytes(): number {
    let bytes = 0
    for (const [key, { held }] of this.#entries) {
      bytes += KEY_OVERHEAD_BYTES + key.length
      if (held.type === 'string') bytes += held.value.length
      else if (held.type === 'hash') for (const [field, value] of held.value) bytes += field.length + value.length + 16
      else for (const item of held.value.keys()) bytes += (typeof item === 'string' ? item.length : held.type === 'list' ? held.value[item]!.length : 0) + 16
    }
    return bytes
  }

  snapshot(): KeySnapshot[] {
    return this.keys().map((key) => {
      const { held, expiresMs } = this.#entry(key)!
      const value = held.type === 'string' ? held.value : held.type === 'zset' ? [...held.value].map(([member, score]): [string, string] => [member, String(score)]) : [...held.value]
      return { key, type: held.type, value, ...(expiresMs === undefined ? {} : { expiresMs }) }
    })
  }

  restore(keys: readonly KeySnapshot[]): void {
    for (const { key, type, value, expiresMs } of keys) {
      const held = type === 'string' || type === 'list' ? { type, value } : { type, value: type === 'set' ? new Set(value as string[]) : type === 'hash' ? new Map(value as [string, string][]) : new Map((value as [string, string][]).map(([member, score]) => [member, Number(score)])) }
      this.put(key, held as Value, { expiresMs })
    }
  }
}

/** A key as it is written to disk. */
export interface KeySnapshot {
  key: string
  type: ValueType
  value: string | readonly (string | readonly [string, string])[]
  expiresMs?: number
}

/** All databases of a server. */
export class Store {
  readonly databases: readonly Database[]

  constructor(nowMs: () => number) {
    this.databases = Array.from({ length: DATABASES }, () => new Database(nowMs))
  }

  clear(): void {
    for (const database of this.databases) database.clear()
  }

  get size(): number {
    return this.databases.reduce((sum, database) => sum + database.size, 0)
  }

  usedBytes(): number {
    return this.databases.reduce((sum, database) => sum + database.usedBytes(), 0)
  }

  snapshot(): Record<number, KeySnapshot[]> {
    return Object.fromEntries(this.databases.map((database, number) => [number, database.snapshot()] as const).filter(([, keys]) => keys.length > 0))
  }

  restore(snapshot: Readonly<Record<number, readonly KeySnapshot[]>>): void {
    for (const [number, keys] of Object.entries(snapshot)) this.databases[Number(number)]?.restore(keys)
  }
}
