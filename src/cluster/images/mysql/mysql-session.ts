import type { Proc } from '../../../unix/types.ts'
import { ClientConnection, SOCKET } from './client-connection.ts'

export type SqlParameter = string | number | null
export type SqlRow = Record<string, string | null>

/** A string between quotes, as mysql_real_escape_string has it. */
export function quoted(text: string): string {
  return `'${text.replace(/[\0\n\r\\'"\x1a]/g, (sign) => `\\${({ '\0': '0', '\n': 'n', '\r': 'r', '\x1a': 'Z' } as Record<string, string>)[sign] ?? sign}`)}'`
}

/** A statement with its parameters in place of question marks. */
function withParameters(sql: string, parameters: readonly SqlParameter[]): string {
  let next = 0
  return sql.replace(/\?/g, () => {
    const value = parameters[next++] ?? null
    return value === null ? 'NULL' : typeof value === 'number' ? String(value) : quoted(value)
  })
}

/** A program's connection to MySQL, with statements one after the other. */
export class MysqlSession {
  readonly #connection: ClientConnection
  #busy: Promise<unknown> = Promise.resolve()

  private constructor(connection: ClientConnection) { this.#connection = connection }

  /** @throws ClientError when it can't be reached or refuses */
  static async open(proc: Proc, { host, port, user, password, database }: { host: string; port: number; user: string; password: string; database?: string | undefined }): Promise<MysqlSession> {
    return new MysqlSession(await ClientConnection.open(proc, { host, port, user, password, database, socket: SOCKET, old: true }))
  }

  get serverVersion(): string { return this.#connection.serverVersion }

  async #ask(sql: string) {
    const answer = this.#busy.then(() => this.#connection.ask(sql))
    this.#busy = answer.catch(() => {})
    return answer
  }

  /** The rows that a statement gives. @throws ClientError */
  async rows(sql: string, ...parameters: SqlParameter[]): Promise<SqlRow[]> {
    const answer = await this.#ask(withParameters(sql, parameters))
    return answer.kind === 'rows' ? answer.rows.map((row) => Object.fromEntries(answer.fields.map(({ name }, i) => [name, row[i] ?? null]))) : []
  }

  /** Carries a statement out. @throws ClientError */
  async run(sql: string, ...parameters: SqlParameter[]): Promise<{ affected: number; insertId: number }> {
    const answer = await this.#ask(withParameters(sql, parameters))
    return answer.kind === 'ok' ? answer : { affected: 0, insertId: 0 }
  }

  close(): Promise<void> { return this.#connection.close() }
}
