import { UnixError } from '../../../../unix/types.ts'
import type { FileSystem } from '../../../../unix/types.ts'
import type { UserRecord } from './accounts.ts'
import type { TableDefinition } from './ast.ts'
import { SqlError } from './errors.ts'
import { parseExpression } from './parser.ts'
import type { Session } from './session.ts'
import { Table } from './table.ts'
import type { Database, Row, Transaction } from './table.ts'
import { defaultVariables } from './variables.ts'

/** The log is folded into the tables' files once it is longer, in bytes, and longer than what was written then. */
const LOG_BYTES = 128 * 1024

/** Databases that every server has, and that nobody can change. */
export const SYSTEM_DATABASES = ['information_schema', 'mysql', 'performance_schema', 'sys']

export interface InstanceOptions {
  version: string
  files: FileSystem
  directory: string
  hostname: string
  nowMs(): number
  random(): number
  /** What is kept of a password. */
  hashPassword(password: string): string
}

/** All that a server has in its data directory: databases, accounts, settings. */
export class Instance {
  readonly options: InstanceOptions
  readonly version: string
  /** 5.x: older texts, other defaults. */
  readonly old: boolean
  readonly databases = new Map<string, Database>()
  accounts: UserRecord[] = []
  readonly variables: Map<string, string>
  readonly sessions = new Map<number, Session>()
  readonly startedMs: number
  /** Counters of SHOW STATUS. */
  readonly counters = new Map<string, number>()
  #log: string
  #logBytes = 0
  /** What the last checkpoint wrote. */
  #writtenBytes = 0
  readonly #dirty = new Set<Table>()

  constructor(options: InstanceOptions) {
    this.options = options
    this.version = options.version
    this.old = options.version.startsWith('5.')
    this.startedMs = options.nowMs()
    this.variables = defaultVariables(options.version, options.directory, options.hostname)
    this.#log = this.path(this.old ? 'ib_logfile0' : '#innodb_redo/#ib_redo0')
  }

  path(name: string): string { return `${this.options.directory}/${name}` }

  count(name: string): void { this.counters.set(name, (this.counters.get(name) ?? 0) + 1) }

  /** @throws SqlError 1049 */
  database(name: string): Database {
    const found = this.databases.get(name)
    if (!found) throw new SqlError(1049, `Unknown database '${name}'`)
    return found
  }

  /** Makes what --initialize-insecure makes. */
  initialize(): void {
    const { files } = this.options
    for (const name of ['mysql', 'performance_schema', 'sys', ...(this.old ? [] : ['#innodb_redo'])]) files.mkdir(this.path(name), { recursive: true, mode: 0o750 })
    const hex = (n: number) => Array.from({ length: n }, () => Math.floor(this.options.random() * 16).toString(16)).join('')
    files.writeFile(this.path('auto.cnf'), `[auto]\nserver-uuid=${hex(8)}-${hex(4)}-11ef-${hex(4)}-${hex(12)}\n`, { mode: 0o640 })
    for (const name of ['ibdata1', 'ibtmp1', 'ib_buffer_pool', 'ca.pem', 'server-cert.pem', 'client-cert.pem', ...(this.old ? [] : ['undo_001', 'undo_002', 'binlog.index'])]) files.writeFile(this.path(name), '', { mode: 0o640 })
    this.accounts = [{ name: 'root', host: 'localhost', password: '', grants: [{ database: '*', table: '*', privileges: new Set(['ALL PRIVILEGES']), withGrant: true }] }]
    this.saveAccounts()
  }

  /** Whether the directory holds a server's data. */
  get initialized(): boolean { return this.options.files.exists(this.#accountsPath) }

  get #accountsPath(): string { return this.path(this.old ? 'mysql/user.MYD' : 'mysql.ibd') }

  /** Reads everything back, log included. @throws UnixError, SyntaxError when files are damaged */
  load(): void {
    const { files } = this.options
    this.accounts = (JSON.parse(files.readText(this.#accountsPath)) as (Omit<UserRecord, 'grants'> & { grants: { database: string; table: string; privileges: string[]; withGrant: boolean }[] })[]).map((user) => ({ ...user, grants: user.grants.map((grant) => ({ ...grant, privileges: new Set(grant.privileges) })) }))
    for (const name of files.readdir(this.options.directory)) {
      if (SYSTEM_DATABASES.includes(name) || name.startsWith('#') || name.includes('.') || files.stat(this.path(name)).type !== 'directory' || name === 'lost+found') continue
      this.#loadDatabase(name)
    }
    let log: string
    try { log = files.readText(this.#log) } catch (error) { if (!(error instanceof UnixError)) throw error; log = '' }
    for (const line of log.split('\n')) {
      if (line === '') continue
      const [database, name, next, rows] = JSON.parse(line) as [string, string, string, [number, (string | null)[] | null][]]
      const table = this.databases.get(database)?.tables.get(name)
      if (!table) continue
      for (const [id, row] of rows) table.restore(id, row ? table.decodeRow(row) : undefined)
      table.autoIncrement = BigInt(next)
      this.#dirty.add(table)
    }
    this.checkpoint()
  }

  #loadDatabase(name: string): void {
    const { files } = this.options
    const options = files.exists(this.path(`${name}/db.opt`)) ? JSON.parse(files.readText(this.path(`${name}/db.opt`))) as { charset: string; collation: string; views: [string, { text: string; columns?: string[] }][] } : undefined
    const database: Database = { name, charset: options?.charset ?? this.variables.get('character_set_server')!, collation: options?.collation ?? this.variables.get('collation_server')!, tables: new Map(), views: new Map(options?.views) }
    this.databases.set(name, database)
    for (const file of files.readdir(this.path(name))) {
      if (!file.endsWith('.ibd')) continue
      const saved = JSON.parse(files.readText(this.path(`${name}/${file}`)), (_, value: unknown) => value && typeof value === 'object' && '$int' in value ? BigInt(value.$int as string) : value) as TableDefinition & { next: string; createdMs: number; rows: [number, (string | null)[]][]; checks: { name: string; text: string }[] }
      const { next, createdMs, rows, ...definition } = saved
      const table = new Table(name, file.slice(0, -4), { ...definition, checks: definition.checks.map((check) => ({ ...check, expression: parseExpression(check.text) })) }, createdMs, { bareKeys: this.old })
      for (const [id, row] of rows) table.restore(id, table.decodeRow(row))
      table.autoIncrement = BigInt(next)
      database.tables.set(table.name, table)
    }
  }

  saveAccounts(): void {
    this.options.files.writeFile(this.#accountsPath, JSON.stringify(this.accounts.map((user) => ({ ...user, grants: user.grants.map((grant) => ({ ...grant, privileges: [...grant.privileges] })) }))), { mode: 0o640 })
  }

  saveDatabase({ name, charset, collation, views }: Database): void {
    this.options.files.mkdir(this.path(name), { recursive: true, mode: 0o750 })
    this.options.files.writeFile(this.path(`${name}/db.opt`), JSON.stringify({ charset, collation, views: [...views] }), { mode: 0o640 })
  }

  removeDatabase(name: string): void {
    this.checkpoint()
    this.databases.delete(name)
    this.options.files.remove(this.path(name), { recursive: true, force: true })
  }

  /** Writes a table's file; its length. */
  saveTable(table: Table): number {
    const text = table.serialize()
    this.options.files.writeFile(this.path(`${table.database}/${table.name}.ibd`), text, { mode: 0o640 })
    this.#dirty.delete(table)
    return text.length
  }

  removeTable(table: Table): void {
    this.#dirty.delete(table)
    this.options.files.remove(this.path(`${table.database}/${table.name}.ibd`), { force: true })
  }

  /** Writes a transaction's rows to the log: they survive whatever comes. */
  commit(transaction: Transaction): void {
    const byTable = new Map<Table, Map<number, Row | undefined>>()
    for (const { table, id } of transaction.changes) {
      let rows = byTable.get(table)
      if (!rows) byTable.set(table, rows = new Map())
      rows.set(id, table.row(id))
    }
    let lines = ''
    for (const [table, rows] of byTable) {
      lines += `${JSON.stringify([table.database, table.name, String(table.autoIncrement), [...rows].map(([id, row]) => [id, row ? table.encodeRow(row) : null])])}\n`
      this.#dirty.add(table)
    }
    transaction.end()
    if (lines === '') return
    this.options.files.writeFile(this.#log, lines, { append: true, mode: 0o640 })
    this.#logBytes += lines.length
    if (this.#logBytes > Math.max(LOG_BYTES, this.#writtenBytes)) this.checkpoint()
  }

  /** Folds the log into the tables' files. */
  checkpoint(): void {
    this.#writtenBytes = 0
    for (const table of [...this.#dirty]) this.#writtenBytes += this.saveTable(table)
    this.options.files.writeFile(this.#log, '', { mode: 0o640 })
    this.#logBytes = 0
  }
}
