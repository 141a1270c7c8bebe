import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { directoryName } from '../../../unix/path.ts'
import { ClientError } from '../mysql/client-connection.ts'
import { MysqlSession } from '../mysql/mysql-session.ts'
import type { SqlParameter, SqlRow } from '../mysql/mysql-session.ts'
import { SqliteError, SqliteSession } from '../sqlite/sqlite-session.ts'
import type { GhostConfiguration } from './configuration.ts'

/** A failed statement or connection as Node's drivers word it. */
export class DatabaseError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

const CODES: Readonly<Record<number, string>> = { 1044: 'ER_DBACCESS_DENIED_ERROR', 1045: 'ER_ACCESS_DENIED_ERROR', 1049: 'ER_BAD_DB_ERROR', 1062: 'ER_DUP_ENTRY', 1130: 'ER_HOST_NOT_PRIVILEGED', 1146: 'ER_NO_SUCH_TABLE', 2013: 'PROTOCOL_CONNECTION_LOST' }

/** Ghost's database: MySQL over the network, or SQLite in a file. A connection that was lost is made anew for the next statement. */
export class Database {
  readonly #proc: Proc
  readonly #database: GhostConfiguration['database']
  #session: MysqlSession | SqliteSession | undefined

  constructor(proc: Proc, database: GhostConfiguration['database']) {
    this.#proc = proc
    this.#database = database
  }

  get isMysql(): boolean { return ['mysql', 'mysql2'].includes(this.#database.client) }

  /** Makes MySQL's database where it isn't there. @throws DatabaseError */
  async create(): Promise<void> {
    if (!this.isMysql) return
    const session = await this.#worded(this.#openMysql(false))
    try { await this.#worded(session.run(`CREATE DATABASE IF NOT EXISTS \`${(this.#database.connection.database ?? '').replaceAll('`', '``')}\` CHARACTER SET utf8mb4`)) } finally { await session.close() }
  }

  #openMysql(withDatabase: boolean): Promise<MysqlSession> {
    const { host = '127.0.0.1', port = 3306, user = 'root', password = '', database } = this.#database.connection
    return MysqlSession.open(this.#proc, { host, port: Number(port), user, password: String(password), database: withDatabase ? database : undefined })
  }

  async #open(): Promise<MysqlSession | SqliteSession> {
    if (this.#session) return this.#session
    if (this.isMysql) return this.#session = await this.#openMysql(true)
    if (this.#database.client !== 'sqlite3') throw new DatabaseError('MODULE_NOT_FOUND', `Knex: run\n$ npm install ${this.#database.client} --save\nCannot find module '${this.#database.client}'`)
    const file = this.#database.connection.filename ?? ''
    if (!this.#proc.fs.exists(directoryName(file))) throw new SqliteError('SQLITE_CANTOPEN', 'unable to open database file')
    return this.#session = await SqliteSession.open(this.#proc, file)
  }

  async rows(sql: string, ...parameters: SqlParameter[]): Promise<SqlRow[]> { return this.#worded(this.#open().then((session) => session.rows(sql, ...parameters))) }

  async run(sql: string, ...parameters: SqlParameter[]): Promise<{ affected: number }> { return this.#worded(this.#open().then((session) => session.run(sql, ...parameters))) }

  async #worded<T>(work: Promise<T>): Promise<T> {
    try { return await work } catch (error) {
      if (error instanceof SqliteError) throw new DatabaseError(error.code, error.message)
      if (!(error instanceof ClientError)) throw error
      if ([2002, 2003, 2005, 2013].includes(error.code)) this.#session = undefined
      const { host = '127.0.0.1', port = 3306 } = this.#database.connection
      if (error.code === 2005) { const code = error.message.includes('(-3)') ? 'EAI_AGAIN' : 'ENOTFOUND'; throw new DatabaseError(code, `getaddrinfo ${code} ${host}`) }
      if (error.code === 2003) {
        const number = Number(/\((\d+)\)$/.exec(error.message)?.[1])
        if (number === 110) throw new DatabaseError('ETIMEDOUT', 'connect ETIMEDOUT')
        throw new DatabaseError(number === 113 ? 'EHOSTUNREACH' : 'ECONNREFUSED', `connect ${number === 113 ? 'EHOSTUNREACH' : 'ECONNREFUSED'} ${await this.#address(host)}:${port}`)
      }
      throw new DatabaseError(CODES[error.code] ?? `ER_${error.code}`, error.code === 2013 ? 'Connection lost: The server closed the connection.' : error.message)
    }
  }

  async #address(host: string): Promise<string> {
    try { return (await this.#proc.net.lookup(host))[0] ?? host } catch (error) {
      if (!(error instanceof UnixError)) throw error
      return host
    }
  }

  async close(): Promise<void> { await this.#session?.close() }
}
