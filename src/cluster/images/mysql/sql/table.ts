import type { TableDefinition } from './ast.ts'
import { SqlError } from './errors.ts'
import { collate, compareForOrder, decimalOf, groupKey, isBinaryType, isNumericType, toText } from './values.ts'
import type { Value } from './values.ts'

export type Row = Value[]

/** What a transaction did to one row. */
export interface Change { table: Table; id: number; before: Row | undefined }

/** Somebody else's transaction holds a row: the statement has to wait for its end. */
export class RowLocked extends Error {
  readonly holder: Transaction
  constructor(holder: Transaction) {
    super('row locked')
    this.holder = holder
  }
}

/** Changes that belong together. Others see the rows as they were until {@link Transaction.end}. */
export class Transaction {
  readonly changes: Change[] = []
  readonly savepoints = new Map<string, number>()
  #waiters: (() => void)[] = []

  /** Takes back what was done since a mark. */
  undo(mark = 0): void {
    while (this.changes.length > mark) {
      const { table, id, before } = this.changes.pop()!
      table.restore(id, before)
      if (!this.changes.some((change) => change.table === table && change.id === id)) table.release(id)
    }
  }

  /** After the last word: rows are everybody's again. */
  end(): void {
    for (const { table, id } of this.changes) table.release(id)
    this.changes.length = 0
    this.savepoints.clear()
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }

  onEnd(wake: () => void): void { this.#waiters.push(wake) }
}

/** A table's rows, in the order of its primary key. */
export class Table {
  readonly database: string
  name: string
  definition: TableDefinition
  autoIncrement = 1n
  createdMs: number
  /** Up to 5.7 messages name keys without their table. */
  readonly #bareKeys: boolean
  readonly #rows = new Map<number, Row>()
  #nextId = 1
  #unique: { name: string; positions: number[]; ids: Map<string, number> }[] = []
  #order: number[] | undefined
  /** Rows of transactions that haven't ended, with what others see of them. */
  readonly #pending = new Map<number, { transaction: Transaction; committed: Row | undefined }>()

  constructor(database: string, name: string, definition: TableDefinition, createdMs: number, { bareKeys = false }: { bareKeys?: boolean } = {}) {
    this.#bareKeys = bareKeys
    this.database = database
    this.name = name
    this.definition = definition
    this.createdMs = createdMs
    this.reindex()
  }

  get size(): number { return this.#rows.size }

  /** The position of a column. @throws SqlError 1054 */
  position(name: string, clause = 'field list'): number {
    const index = this.find(name)
    if (index < 0) throw new SqlError(1054, `Unknown column '${name}' in '${clause}'`)
    return index
  }

  find(name: string): number { return this.definition.columns.findIndex((column) => column.name.toLowerCase() === name.toLowerCase()) }

  #isBinary(position: number): boolean { const column = this.definition.columns[position]!; return column.binary === true || isBinaryType(column.type) }

  #key(row: Row, positions: readonly number[]): string | undefined {
    if (positions.some((position) => row[position] === null)) return undefined
    return positions.map((position) => groupKey(row[position]!, this.#isBinary(position))).join('\0')
  }

  /** Makes the unique indexes anew. @throws SqlError 1062 when rows don't allow one. */
  reindex(): void {
    this.#unique = this.definition.indexes.filter(({ kind }) => kind !== 'plain').map(({ name, columns }) => ({ name, positions: columns.map((column) => this.position(column)), ids: new Map() }))
    for (const [id, row] of this.#rows) for (const index of this.#unique) {
      const key = this.#key(row, index.positions)
      if (key === undefined) continue
      if (index.ids.has(key)) throw this.#duplicate(index, row)
      index.ids.set(key, id)
    }
    this.#order = undefined
  }

  #duplicate(index: { name: string; positions: number[] }, row: Row): SqlError {
    return new SqlError(1062, `Duplicate entry '${index.positions.map((position) => toText(row[position]!)).join('-').slice(0, 64)}' for key '${this.#bareKeys ? '' : `${this.name}.`}${index.name}'`)
  }

  /** The row that has a value of a unique index already, besides `except`. */
  conflict(row: Row, except?: number): { id: number; error: SqlError } | undefined {
    for (const index of this.#unique) {
      const key = this.#key(row, index.positions)
      const id = key === undefined ? undefined : index.ids.get(key)
      if (id !== undefined && id !== except) return { id, error: this.#duplicate(index, row) }
    }
    return undefined
  }

  /** Rows as this transaction sees them. */
  scan(transaction?: Transaction): { id: number; row: Row }[] {
    this.#order ??= this.#sorted()
    const out: { id: number; row: Row }[] = []
    for (const id of this.#order) {
      const pending = this.#pending.get(id)
      const row = pending && pending.transaction !== transaction ? pending.committed : this.#rows.get(id)
      if (row) out.push({ id, row })
    }
    for (const [id, { transaction: owner, committed }] of this.#pending) if (owner !== transaction && committed && !this.#rows.has(id)) out.push({ id, row: committed })
    return out
  }

  #sorted(): number[] {
    const ids = [...this.#rows.keys()]
    const key = this.#unique.find(({ name }) => name === 'PRIMARY')
    if (!key) return ids
    return ids.sort((a, b) => { for (const position of key.positions) { const d = compareForOrder(this.#rows.get(a)![position]!, this.#rows.get(b)![position]!, this.#isBinary(position)); if (d !== 0) return d } return 0 })
  }

  #claim(id: number, transaction: Transaction): void {
    const pending = this.#pending.get(id)
    if (pending && pending.transaction !== transaction) throw new RowLocked(pending.transaction)
    if (!pending) this.#pending.set(id, { transaction, committed: this.#rows.get(id) })
  }

  /** @throws SqlError 1062, RowLocked */
  insert(row: Row, transaction: Transaction): number {
    const conflict = this.conflict(row)
    if (conflict) { this.#claim(conflict.id, transaction); throw conflict.error }
    const id = this.#nextId++
    this.#claim(id, transaction)
    transaction.changes.push({ table: this, id, before: undefined })
    this.restore(id, row)
    return id
  }

  /** @throws SqlError 1062, RowLocked */
  update(id: number, row: Row, transaction: Transaction): void {
    this.#claim(id, transaction)
    const conflict = this.conflict(row, id)
    if (conflict) { this.#claim(conflict.id, transaction); throw conflict.error }
    transaction.changes.push({ table: this, id, before: this.#rows.get(id) })
    this.restore(id, row)
  }

  /** @throws RowLocked */
  delete(id: number, transaction: Transaction): void {
    this.#claim(id, transaction)
    transaction.changes.push({ table: this, id, before: this.#rows.get(id) })
    this.restore(id, undefined)
  }

  /** Puts a row where it was, or takes it away. */
  restore(id: number, row: Row | undefined): void {
    const old = this.#rows.get(id)
    if (old) for (const index of this.#unique) { const key = this.#key(old, index.positions); if (key !== undefined && index.ids.get(key) === id) index.ids.delete(key) }
    if (row) {
      this.#rows.set(id, row)
      for (const index of this.#unique) { const key = this.#key(row, index.positions); if (key !== undefined) index.ids.set(key, id) }
    } else this.#rows.delete(id)
    this.#nextId = Math.max(this.#nextId, id + 1)
    if (this.#order && !(old && row && !this.#unique.some(({ name }) => name === 'PRIMARY'))) this.#order = undefined
  }

  release(id: number): void { this.#pending.delete(id) }

  row(id: number): Row | undefined { return this.#rows.get(id) }

  /** Whether a transaction that hasn't ended wrote here. */
  get busy(): Transaction | undefined { return this.#pending.values().next().value?.transaction }

  clear(): void {
    this.#rows.clear()
    this.#order = undefined
    this.reindex()
  }

  /** Changes all rows, for ALTER TABLE. */
  rewrite(change: (row: Row) => Row): void {
    for (const [id, row] of this.#rows) this.#rows.set(id, change(row))
  }

  /** The rows' size on disk, roughly. */
  usedBytes(): number {
    let bytes = 0
    for (const row of this.#rows.values()) for (const value of row) bytes += value === null ? 1 : toText(value).length + 4
    return Math.max(16_384, Math.ceil(bytes / 16_384) * 16_384)
  }

  // --- on disk ------------------------------------------------------------------------------------------------------------------

  /** A row as it is written: numbers as text, so that nothing is lost. */
  encodeRow(row: Row): (string | null)[] { return row.map((value) => value === null ? null : toText(value)) }

  decodeRow(row: readonly (string | null)[]): Row {
    return this.definition.columns.map(({ type }, i) => {
      const text = row[i] ?? null
      if (text === null) return null
      if (type.name === 'decimal') return decimalOf(text)
      if (type.name === 'double' || type.name === 'float') return Number(text)
      return isNumericType(type) ? BigInt(text) : text
    })
  }

  /** The table with what transactions have brought to an end. */
  serialize(): string {
    const { checks, ...definition } = this.definition
    return JSON.stringify({ ...definition, columns: definition.columns, checks: checks.map(({ name, text }) => ({ name, text })), next: String(this.autoIncrement), createdMs: this.createdMs, rows: this.scan().map(({ id, row }) => [id, this.encodeRow(row)]) }, (_, value: unknown) => typeof value === 'bigint' ? { $int: String(value) } : value)
  }
}

/** One database: its tables and views. */
export interface Database {
  name: string
  charset: string
  collation: string
  tables: Map<string, Table>
  views: Map<string, { text: string; columns?: string[] }>
}

/** Names as LIKE and ORDER BY sort them. */
export const byName = (a: string, b: string) => { const [x, y] = [collate(a), collate(b)]; return x < y ? -1 : x > y ? 1 : 0 }
