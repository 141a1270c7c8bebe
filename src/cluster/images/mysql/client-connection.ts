import { UnixError } from '../../../unix/types.ts'
import type { Proc, TcpSocket } from '../../../unix/types.ts'
import { scramble } from './authentication.ts'
import type { AuthenticationPlugin } from './authentication.ts'
import { CAPABILITIES, COMMANDS, NOT_NULL_FLAG, PacketReader, PacketStream, PacketWriter, STATUS, isNumericField } from './protocol.ts'

export const SOCKET = '/var/run/mysqld/mysqld.sock'

/** Where and as whom a client connects. */
export interface ConnectionOptions {
  /** Undefined: the server of this machine, by its socket. */
  host: string | undefined
  port: number
  socket: string
  user: string
  password: string
  database: string | undefined
  /** Clients of 5.x name the host without its port. */
  old: boolean
}

/** What the server or the network says no with, as the clients print it: `ERROR 1045 (28000): ...`. */
export class ClientError extends Error {
  readonly code: number
  readonly state: string
  constructor(code: number, state: string, message: string) {
    super(message)
    this.code = code
    this.state = state
  }
}

export interface Field { name: string; numeric: boolean; notNull: boolean }

export type Answer =
  | { kind: 'ok'; affected: number; insertId: number; warnings: number; info: string; more: boolean }
  | { kind: 'rows'; fields: Field[]; rows: (string | null)[][]; warnings: number; more: boolean }

const ERRNO: Readonly<Record<string, number>> = { ECONNREFUSED: 111, EHOSTUNREACH: 113, ENETUNREACH: 101, ETIMEDOUT: 110, ECONNRESET: 104 }

/** A connection of a client. */
export class ClientConnection {
  readonly #stream: PacketStream
  readonly id: number
  readonly serverVersion: string

  private constructor(stream: PacketStream, id: number, serverVersion: string) {
    this.#stream = stream
    this.id = id
    this.serverVersion = serverVersion
  }

  /** @throws ClientError 2002, 2003, 2005 and what the server says */
  static async open(proc: Proc, options: ConnectionOptions): Promise<ClientConnection> {
    const socket = await openSocket(proc, options)
    const stream = new PacketStream(socket)
    const greeting = await stream.read()
    if (!greeting) throw new ClientError(2013, 'HY000', "Lost connection to MySQL server at 'reading initial communication packet', system error: 0")
    if (greeting[0] === 0xff) throw serverError(greeting)
    const reader = new PacketReader(greeting)
    reader.int(1)
    const version = reader.zeroText()
    const id = reader.int(4)
    const nonce = new Uint8Array(20)
    nonce.set(reader.bytes(8))
    reader.bytes(19)
    nonce.set(reader.bytes(12), 8)
    reader.int(1)
    let plugin = reader.zeroText() as AuthenticationPlugin
    const flags = CAPABILITIES.longPassword | CAPABILITIES.protocol41 | CAPABILITIES.transactions | CAPABILITIES.secureConnection | CAPABILITIES.multiStatements | CAPABILITIES.multiResults | CAPABILITIES.pluginAuthentication | (options.database ? CAPABILITIES.connectWithDatabase : 0)
    const answer = scramble(plugin, options.password, nonce)
    const hello = new PacketWriter().int(flags, 4).int(2 ** 24, 4).int(255, 1).bytes(new Uint8Array(23)).zeroText(options.user).int(answer.length, 1).bytes(answer)
    if (options.database) hello.zeroText(options.database)
    await stream.write(hello.zeroText(plugin).packet)
    for (;;) {
      const packet = await stream.read()
      if (!packet) throw new ClientError(2013, 'HY000', "Lost connection to MySQL server at 'reading authorization packet', system error: 0")
      if (packet[0] === 0xff) { socket.destroy(); throw serverError(packet) }
      if (packet[0] === 0) return new ClientConnection(stream, id, version)
      if (packet[0] === 0xfe) {
        const change = new PacketReader(packet)
        change.int(1)
        plugin = change.zeroText() as AuthenticationPlugin
        await stream.write(scramble(plugin, options.password, change.bytes(20)))
      }
    }
  }

  async #send(command: number, text = ''): Promise<void> {
    this.#stream.sequence = 0
    try { await this.#stream.write(new PacketWriter().int(command, 1).text(text).packet) } catch (error) { throw lost(error) }
  }

  async #read(): Promise<Uint8Array> {
    let packet: Uint8Array | undefined
    try { packet = await this.#stream.read() } catch (error) { throw lost(error) }
    if (!packet) throw new ClientError(2013, 'HY000', 'Lost connection to MySQL server during query')
    return packet
  }

  /** Sends statements; their answers come one after the other. @throws ClientError */
  async *query(sql: string): AsyncGenerator<Answer> {
    await this.#send(COMMANDS.query, sql)
    for (let more = true; more;) {
      const answer = await this.#answer()
      more = answer.more
      yield answer
    }
  }

  /** The answer to one statement. @throws ClientError */
  async ask(sql: string): Promise<Answer> {
    let last: Answer | undefined
    for await (const answer of this.query(sql)) last = answer
    return last!
  }

  async #answer(): Promise<Answer> {
    const packet = await this.#read()
    const reader = new PacketReader(packet)
    if (packet[0] === 0xff) throw serverError(packet)
    if (packet[0] === 0) {
      reader.int(1)
      const affected = reader.lengthEncoded()
      const insertId = reader.lengthEncoded()
      const status = reader.int(2)
      const warnings = reader.int(2)
      return { kind: 'ok', affected, insertId, warnings, info: reader.left > 0 ? reader.lengthEncodedText() ?? '' : '', more: (status & STATUS.moreResults) !== 0 }
    }
    const fields: Field[] = []
    for (let count = reader.lengthEncoded(); count > 0; count--) {
      const field = new PacketReader(await this.#read())
      for (let i = 0; i < 4; i++) field.lengthEncodedText()
      const name = field.lengthEncodedText()!
      field.lengthEncodedText()
      field.bytes(7)
      const numeric = isNumericField(field.int(1))
      fields.push({ name, numeric, notNull: (field.int(2) & NOT_NULL_FLAG) !== 0 })
    }
    await this.#read()
    const rows: (string | null)[][] = []
    for (;;) {
      const row = await this.#read()
      const values = new PacketReader(row)
      if (row[0] === 0xff) throw serverError(row)
      if (row[0] === 0xfe && row.length < 9) {
        values.int(1)
        return { kind: 'rows', fields, rows, warnings: values.int(2), more: (values.int(2) & STATUS.moreResults) !== 0 }
      }
      rows.push(fields.map(() => values.lengthEncodedText()))
    }
  }

  /** @throws ClientError */
  async use(database: string): Promise<void> { await this.#send(COMMANDS.useDatabase, database); await this.#answer() }

  async ping(): Promise<void> { await this.#send(COMMANDS.ping); await this.#answer() }

  /** One line about the server. */
  async statistics(): Promise<string> { await this.#send(COMMANDS.statistics); return new PacketReader(await this.#read()).rest() }

  async close(): Promise<void> {
    await this.#send(COMMANDS.quit).catch(() => {})
    this.#stream.socket.destroy()
  }
}

async function openSocket(proc: Proc, options: ConnectionOptions): Promise<TcpSocket> {
  const { host, port, socket } = options
  if (host === undefined) {
    try { return await proc.net.connectTcp('127.0.0.1', Number(proc.fs.readText(socket))) } catch (error) {
      if (!(error instanceof UnixError)) throw error
      throw new ClientError(2002, 'HY000', `Can't connect to local MySQL server through socket '${socket}' (${error.code === 'ENOENT' ? 2 : 111})`)
    }
  }
  try { return await proc.net.connectTcp(host, port) } catch (error) {
    if (!(error instanceof UnixError)) throw error
    if (error.code === 'ENOTFOUND') throw new ClientError(2005, 'HY000', `Unknown MySQL server host '${host}' (-2)`)
    if (error.code === 'EAI_AGAIN') throw new ClientError(2005, 'HY000', `Unknown MySQL server host '${host}' (-3)`)
    throw new ClientError(2003, 'HY000', `Can't connect to MySQL server on '${options.old ? host : `${host}:${port}`}' (${ERRNO[error.code] ?? 111})`)
  }
}

function serverError(packet: Uint8Array): ClientError {
  const reader = new PacketReader(packet)
  reader.int(1)
  const code = reader.int(2)
  const text = reader.rest()
  return text.startsWith('#') ? new ClientError(code, text.slice(1, 6), text.slice(6)) : new ClientError(code, 'HY000', text)
}

function lost(error: unknown): unknown {
  return (error as { code?: string }).code === undefined && !(error instanceof UnixError) ? error : new ClientError(2013, 'HY000', 'Lost connection to MySQL server during query')
}
