import type { FileStat, Proc } from '../../../unix/types.ts'
import { UnixError } from '../../../unix/types.ts'

type Engine = Awaited<ReturnType<(typeof import('sql.js/dist/sql-wasm-inline.js'))['default']>>
let engine: Promise<Engine> | undefined

/** What SQLite says no with: `SQLITE_CANTOPEN: unable to open database file`. */
export class SqliteError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(`${code}: ${message}`)
    this.code = code
  }
}

/** A SQLite database in a file of a machine. Each statement is a transaction; its changes are in the file before it is answered. */
export class SqliteSession {
  readonly #proc: Proc
  readonly #path: string
  readonly #engine: Engine
  #database: InstanceType<Engine['Database']>
  /** The file as it was read or written last: others may have changed it since. */
  #seen: FileStat | undefined

  private constructor(proc: Proc, path: string, loaded: Engine) {
    this.#proc = proc
    this.#path = path
    this.#engine = loaded
    this.#database = this.#read()
  }

  /** @throws SqliteError when the file can't be read */
  static async open(proc: Proc, path: string): Promise<SqliteSession> {
    const loaded = await proc.clock.outside(engine ??= import('sql.js/dist/sql-wasm-inline.js').then((module) => module.default()))
    return new SqliteSession(proc, path, loaded)
  }

  #read(): InstanceType<Engine['Database']> {
    const { fs } = this.#proc
    try {
      if (!fs.exists(this.#path)) fs.writeFile(this.#path, '', { mode: 0o644 })
      this.#seen = fs.stat(this.#path)
      return new this.#engine.Database(fs.readFile(this.#path))
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      throw new SqliteError('SQLITE_CANTOPEN', 'unable to open database file')
    }
  }

  #refresh(): void {
    const { fs } = this.#proc
    const now = fs.exists(this.#path) ? fs.stat(this.#path) : undefined
    if (now?.inode === this.#seen?.inode && now?.changedMs === this.#seen?.changedMs && now?.sizeBytes === this.#seen?.sizeBytes) return
    this.#database.close()
    this.#database = this.#read()
  }

  #ask(sql: string, parameters: readonly (string | number | null)[]): Record<string, string | null>[] {
    this.#refresh()
    let statement
    try { statement = this.#database.prepare(sql) } catch (error) { throw new SqliteError('SQLITE_ERROR', (error as Error).message) }
    try {
      statement.bind(parameters)
      const rows: Record<string, string | null>[] = []
      while (statement.step()) rows.push(Object.fromEntries(Object.entries(statement.getAsObject()).map(([name, value]) => [name, value === null ? null : value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value)])))
      return rows
    } catch (error) {
      throw new SqliteError((error as Error).message.includes('constraint') ? 'SQLITE_CONSTRAINT' : 'SQLITE_ERROR', (error as Error).message)
    } finally {
      statement.free()
    }
  }

  async rows(sql: string, ...parameters: (string | number | null)[]): Promise<Record<string, string | null>[]> { return this.#ask(sql, parameters) }

  async run(sql: string, ...parameters: (string | number | null)[]): Promise<{ affected: number }> {
    this.#ask(sql, parameters)
    const affected = this.#database.getRowsModified()
    this.#proc.fs.writeFile(this.#path, this.#database.export())
    this.#seen = this.#proc.fs.stat(this.#path)
    return { affected }
  }

  async close(): Promise<void> { this.#database.close() }
}
