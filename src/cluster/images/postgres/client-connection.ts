import { base64Of } from '../../../base/base64.ts'
import { md5 } from '@noble/hashes/legacy.js'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, TcpSocket } from '../../../unix/types.ts'
import { clientFinal } from '../mongo/scram.ts'
import { BodyReader, BodyWriter, CANCEL_REQUEST, MessageStream, PROTOCOL_3, message, readFields, readReport, readRow, textMessage } from './protocol.ts'
import type { Field, Report } from './protocol.ts'

export const SOCKET_DIRECTORY = '/var/run/postgresql'

/** Where and as whom a client connects. */
export interface ConnectionOptions {
  /** A name, an address, or the directory of a Unix socket (also where it is empty). */
  host: string
  port: string
  user: string
  database: string
  password: string | undefined
  applicationName: string
  options?: string
  connectTimeoutMs?: number
}

/** Why there is no connection, in libpq's words; `report` is what the server said. */
export class ConnectError extends Error {
  readonly report: Report | undefined
  /** The server wants a password, and none was given. */
  readonly needsPassword: boolean
  constructor(text: string, options: { report?: Report; needsPassword?: boolean } = {}) {
    super(text)
    this.report = options.report
    this.needsPassword = options.needsPassword ?? false
  }
}

/** The connection broke. */
export class ConnectionLost extends Error {}

/** What comes while statements are carried out. */
export type Answer =
  | { kind: 'rows'; fields: Field[]; rows: (string | null)[][]; tag: string }
  | { kind: 'done'; tag: string }
  | { kind: 'empty' }
  | { kind: 'error'; report: Report }
  | { kind: 'notice'; report: Report }
  | { kind: 'notification'; channel: string; payload: string; pid: number }
  | { kind: 'copy-in' }
  | { kind: 'copy-out'; data: Uint8Array }

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')

/** Words for what a connection failed with. */
const REASONS: Readonly<Record<string, string>> = { ECONNREFUSED: 'Connection refused', EHOSTUNREACH: 'No route to host', ENETUNREACH: 'Network is unreachable', ETIMEDOUT: 'Connection timed out', ECONNRESET: 'Connection reset by peer', ENOENT: 'No such file or directory', EACCES: 'Permission denied' }

/** Connects a socket. @throws ConnectError */
export async function openSocket(proc: Proc, options: Pick<ConnectionOptions, 'host' | 'port' | 'connectTimeoutMs'>): Promise<{ socket: TcpSocket; where: string; address: string | undefined }> {
  const { host, port } = options
  if (host === '' || host.startsWith('/')) {
    const path = `${host || SOCKET_DIRECTORY}/.s.PGSQL.${port}`
    const where = `connection to server on socket "${path}" failed: `
    try { return { socket: await proc.net.connectTcp('127.0.0.1', Number(proc.fs.readText(path))), where, address: undefined } } catch (error) {
      if (!(error instanceof UnixError)) throw error
      throw new ConnectError(`${where}${REASONS[error.code] ?? error.code}\n\tIs the server running locally and accepting connections on that socket?`)
    }
  }
  let address = host
  if (!/^[\d.]+$|:/.test(host)) {
    try { address = (await proc.net.lookup(host))[0]! } catch (error) {
      if (!(error instanceof UnixError)) throw error
      throw new ConnectError(`could not translate host name "${host}" to address: ${error.code === 'EAI_AGAIN' ? 'Temporary failure in name resolution' : 'Name or service not known'}`)
    }
  }
  const where = `connection to server at "${host}"${address === host ? '' : ` (${address})`}, port ${port} failed: `
  try { return { socket: await proc.net.connectTcp(address, Number(port), options.connectTimeoutMs ? { timeoutMs: options.connectTimeoutMs } : {}), where, address } } catch (error) {
    if (!(error instanceof UnixError)) throw error
    if (error.code === 'ETIMEDOUT' && options.connectTimeoutMs) throw new ConnectError(`${where}timeout expired`)
    throw new ConnectError(`${where}${REASONS[error.code] ?? error.code}\n\tIs the server running on that host and accepting TCP/IP connections?`)
  }
}

/** A client's connection: libpq's part. */
export class ClientConnection {
  readonly options: ConnectionOptions
  /** The server's address; undefined behind a Unix socket. */
  readonly address: string | undefined
  readonly parameters = new Map<string, string>()
  pid = 0
  #secret = 0
  readonly #proc: Proc
  readonly #stream: MessageStream
  /** I, T or E: outside of a transaction, in one, in one that failed. */
  status = 'I'
  /** A password was asked for. */
  usedPassword = false

  private constructor(proc: Proc, stream: MessageStream, options: ConnectionOptions, address: string | undefined) {
    this.#proc = proc
    this.#stream = stream
    this.options = options
    this.address = address
  }

  /** @throws ConnectError */
  static async open(proc: Proc, options: ConnectionOptions): Promise<ClientConnection> {
    const { socket, where, address } = await openSocket(proc, options)
    const connection = new ClientConnection(proc, new MessageStream(socket), options, address)
    try { await connection.#start(where) } catch (error) { socket.destroy(); throw error }
    return connection
  }

  async #start(where: string): Promise<void> {
    const { user, database, password, applicationName, options } = this.options
    const stream = this.#stream
    const body = new BodyWriter().int(PROTOCOL_3, 4).text('user').text(user).text('database').text(database).text('application_name').text(applicationName).text('client_encoding').text('UTF8')
    if (options) body.text('options').text(options)
    const closed = () => new ConnectError(`${where}server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n\tbefore or while processing the request.`)
    await stream.write(message('', body.int(0, 1).body)).catch(() => { throw closed() })
    let clientFirst = ''
    let serverFirst = ''
    for (;;) {
      const next = await stream.read().catch(() => undefined)
      if (!next) throw closed()
      if (next.type === 'E') { const report = readReport(next.body); throw new ConnectError(`${where}${report.severity}:  ${report.message}${report.detail ? `\nDETAIL:  ${report.detail}` : ''}${report.hint ? `\nHINT:  ${report.hint}` : ''}`, { report }) }
      if (next.type === 'S') { const reader = new BodyReader(next.body); this.parameters.set(reader.text(), reader.text()) }
      if (next.type === 'K') { const reader = new BodyReader(next.body); this.pid = reader.int32(); this.#secret = reader.int32() }
      if (next.type === 'Z') return
      if (next.type !== 'R') continue
      const reader = new BodyReader(next.body)
      const kind = reader.int32()
      if (kind === 0) continue
      this.usedPassword = true
      if (password === undefined || password === '') throw new ConnectError(`${where}fe_sendauth: no password supplied`, { needsPassword: true })
      if (kind === 3) await stream.write(textMessage('p', password))
      else if (kind === 5) await stream.write(textMessage('p', `md5${hex(md5(new Uint8Array([...encoder.encode(hex(md5(encoder.encode(password + user)))), ...reader.bytes(4)])))}`))
      else if (kind === 10) {
        clientFirst = `n=,r=${base64Of(this.#proc.random.bytes(18))}`
        const first = encoder.encode(`n,,${clientFirst}`)
        await stream.write(message('p', new BodyWriter().text('SCRAM-SHA-256').int(first.length, 4).bytes(first).body))
      } else if (kind === 11) {
        serverFirst = decoder.decode(reader.rest())
        await stream.write(message('p', encoder.encode(await this.#proc.clock.outside(clientFinal(password, clientFirst, serverFirst)))))
      } else if (kind !== 12) throw new ConnectError(`${where}authentication method ${kind} not supported`)
    }
  }

  /** Sends statements; their answers come one after the other, until the server is ready again. @throws ConnectionLost */
  async * query(sql: string): AsyncGenerator<Answer> {
    await this.#stream.write(textMessage('Q', sql)).catch(() => { throw new ConnectionLost() })
    let fields: Field[] = []
    let rows: (string | null)[][] | undefined
    for (;;) {
      const next = await this.#stream.read().catch(() => undefined)
      if (!next) throw new ConnectionLost()
      const reader = new BodyReader(next.body)
      switch (next.type) {
        case 'T': fields = readFields(next.body); rows = []; break
        case 'D': rows?.push(readRow(next.body)); break
        case 'C': {
          const tag = reader.text()
          yield rows ? { kind: 'rows', fields, rows, tag } : { kind: 'done', tag }
          rows = undefined
          break
        }
        case 'I': yield { kind: 'empty' }; break
        case 'E': rows = undefined; yield { kind: 'error', report: readReport(next.body) }; break
        case 'N': yield { kind: 'notice', report: readReport(next.body) }; break
        case 'A': { const pid = reader.int32(); yield { kind: 'notification', pid, channel: reader.text(), payload: reader.text() }; break }
        case 'G': yield { kind: 'copy-in' }; break
        case 'd': yield { kind: 'copy-out', data: next.body }; break
        case 'S': this.parameters.set(reader.text(), reader.text()); break
        case 'Z': this.status = String.fromCharCode(next.body[0]!); return
        default:
      }
    }
  }

  /** Data of a COPY; null ends it, an error text lets it fail. */
  async copyData(data: Uint8Array | null, failure?: string): Promise<void> {
    await this.#stream.write(data ? message('d', data) : failure === undefined ? message('c') : textMessage('f', failure)).catch(() => { throw new ConnectionLost() })
  }

  /** Rows of one statement. @throws QueryError */
  async rows(sql: string): Promise<(string | null)[][]> {
    const rows: (string | null)[][] = []
    let failure: Report | undefined
    for await (const answer of this.query(sql)) {
      if (answer.kind === 'rows') rows.push(...answer.rows)
      if (answer.kind === 'error') failure = answer.report
    }
    if (failure) throw new QueryError(failure)
    return rows
  }

  /** Asks the server, over another connection, to end what it does for this one. */
  async cancel(): Promise<void> {
    try {
      const { socket } = await openSocket(this.#proc, this.options)
      await new MessageStream(socket).write(message('', new BodyWriter().int(CANCEL_REQUEST, 4).int(this.pid, 4).int(this.#secret, 4).body))
    } catch (error) { if (!(error instanceof ConnectError)) throw error }
  }

  async close(): Promise<void> {
    await this.#stream.write(message('X')).catch(() => {})
    this.#stream.socket.destroy()
  }
}

/** A statement failed. */
export class QueryError extends Error {
  readonly report: Report
  constructor(report: Report) { super(report.message); this.report = report }
}
