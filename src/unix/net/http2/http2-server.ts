import { allHeaderLines, appendHeaderLine, httpRequest, trailersOf } from '../../../base/http.ts'
import { AsyncQueue } from '../../../base/queue.ts'
import { concatBytes } from '../../../base/streams.ts'
import type { ByteReader } from '../../../base/streams.ts'
import { BufferedReader } from '../http1.ts'
import { UnixError } from '../../types.ts'
import type { HttpHandler, TcpSocket } from '../../types.ts'
import { DEFAULT_WINDOW, ERROR, FLAG, FRAME, PREFACE, SETTING, frame, readFrames, settingsPayload, uint32 } from './frames.ts'
import { HpackDecoder, encodeHeaders } from './hpack.ts'
import type { HeaderField } from './hpack.ts'
import { SendWindows } from './send-windows.ts'

/** What a client may send of one request before somebody reads it, in bytes. */
const OWN_WINDOW = 2 ** 20
/** What belongs to a connection of HTTP/1.1, and is no header here. RFC 9113, section 8.2.2 */
const CONNECTION_HEADERS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'proxy-connection'])

/** One request and its answer. */
interface Exchange {
  /** The request's body, as it comes. */
  body: AsyncQueue<Uint8Array>
  gone: AbortController
}

/** Serves HTTP/2 on one connection until either end closes it. @param scheme of the addresses that handlers see */
export async function serveHttp2(socket: TcpSocket, handler: HttpHandler, scheme: 'http' | 'https'): Promise<void> {
  const input = new BufferedReader(socket.reader)
  try {
    const preface = await input.exactly(PREFACE.length)
    if (preface && PREFACE.every((byte, i) => byte === preface[i])) await new ServerConnection(socket, input.asReader(), handler, scheme).run()
    // Whoever speaks something else sees what servers of HTTP/2 begin with.
    else await socket.writer.write(frame(FRAME.settings, 0, 0, new Uint8Array(0)))
  } catch {
    // A connection that breaks is the client's business.
  } finally {
    socket.writer.close()
  }
}

class ServerConnection {
  readonly #socket: TcpSocket
  readonly #reader: ByteReader
  readonly #handler: HttpHandler
  readonly #scheme: string
  readonly #hpack = new HpackDecoder()
  readonly #exchanges = new Map<number, Exchange>()
  readonly #windows = new SendWindows()
  #writing: Promise<unknown> = Promise.resolve()

  constructor(socket: TcpSocket, reader: ByteReader, handler: HttpHandler, scheme: string) {
    this.#socket = socket
    this.#reader = reader
    this.#handler = handler
    this.#scheme = scheme
  }

  async run(): Promise<void> {
    this.#write(concatBytes([frame(FRAME.settings, 0, 0, settingsPayload([[SETTING.initialWindow, OWN_WINDOW]])), frame(FRAME.windowUpdate, 0, 0, uint32(OWN_WINDOW - DEFAULT_WINDOW))]))
    try {
      await this.#read()
    } finally {
      for (const id of [...this.#exchanges.keys()]) this.#drop(id)
      await this.#writing
    }
  }

  async #read(): Promise<void> {
    let block: { id: number; parts: Uint8Array[]; ends: boolean } | undefined
    for await (const { type, flags, id, payload, length } of readFrames(this.#reader)) {
      switch (type) {
        case FRAME.headers: case FRAME.continuation:
          block = type === FRAME.headers ? { id, parts: [payload], ends: (flags & FLAG.endStream) !== 0 } : { ...block!, parts: [...block!.parts, payload] }
          if (flags & FLAG.endHeaders) this.#headers(block.id, this.#hpack.decode(concatBytes(block.parts)), block.ends)
          break
        case FRAME.data: {
          const exchange = this.#exchanges.get(id)
          if (length > 0) this.#write(frame(FRAME.windowUpdate, 0, 0, uint32(length)))
          // Room for this request comes as its body is read; padding takes none.
          if (exchange && length > payload.length) this.#write(frame(FRAME.windowUpdate, 0, id, uint32(length - payload.length)))
          if (payload.length > 0) exchange?.body.push(payload.slice())
          if (flags & FLAG.endStream) exchange?.body.end()
          break
        }
        case FRAME.settings:
          if (flags & FLAG.ack) break
          this.#windows.configure(payload)
          this.#write(frame(FRAME.settings, FLAG.ack, 0, new Uint8Array(0)))
          break
        case FRAME.ping:
          if (!(flags & FLAG.ack)) this.#write(frame(FRAME.ping, FLAG.ack, 0, payload))
          break
        case FRAME.windowUpdate: this.#windows.grow({ id, payload }); break
        case FRAME.reset: this.#drop(id); break
        case FRAME.goAway: if (this.#exchanges.size === 0) return
      }
    }
  }

  /** A request begins, or what follows its body has come. */
  #headers(id: number, fields: readonly HeaderField[], ends: boolean): void {
    const known = this.#exchanges.get(id)
    if (known) return known.body.end()
    const pseudo = new Map<string, string>()
    const headers = new Headers()
    try {
      for (const [name, value] of fields) {
        if (name.startsWith(':')) pseudo.set(name, value)
        // A client may send each cookie for itself.
        else if (name === 'cookie' && headers.has('cookie')) headers.set('cookie', `${headers.get('cookie')}; ${value}`)
        else appendHeaderLine(headers, name, value)
      }
    } catch {
      return this.#reset(id, ERROR.protocol)
    }
    const [method, path, authority] = [pseudo.get(':method'), pseudo.get(':path'), pseudo.get(':authority') ?? headers.get('host') ?? `${this.#socket.local.ip}:${this.#socket.local.port}`]
    const url = `${this.#scheme}://${authority}${path ?? ''}`
    if (method === undefined || path === undefined || !URL.canParse(url)) return this.#reset(id, ERROR.protocol)
    headers.set('host', authority)
    const exchange: Exchange = { body: new AsyncQueue(), gone: new AbortController() }
    this.#exchanges.set(id, exchange)
    this.#windows.open(id)
    if (ends) exchange.body.end()
    const request = httpRequest(url, { method, headers, body: ends ? null : this.#bodyOf(id, exchange), signal: exchange.gone.signal })
    void this.#answer(id, exchange, request)
  }

  #bodyOf(id: number, { body }: Exchange): ReadableStream<Uint8Array> {
    const chunks = body[Symbol.asyncIterator]()
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const { done, value } = await chunks.next()
        if (done) return controller.close()
        if (this.#exchanges.has(id)) this.#write(frame(FRAME.windowUpdate, 0, id, uint32(value.length)))
        controller.enqueue(value)
      },
    }, { highWaterMark: 0 })
  }

  async #answer(id: number, exchange: Exchange, request: ReturnType<typeof httpRequest>): Promise<void> {
    const { remote, local } = this.#socket
    try {
      await this.#send(id, exchange, request.method, await this.#handler(request, { remote, local, version: 'h2' }))
      this.#end(id)
    } catch (error) {
      if (!this.#exchanges.has(id)) return
      // A process that has ended doesn't keep its connections.
      if (error instanceof UnixError && error.code === 'ECONNRESET') this.#socket.destroy()
      else this.#reset(id, ERROR.internal)
    }
  }

  async #send(id: number, { gone }: Exchange, method: string, response: Response): Promise<void> {
    // Nobody waits for it any more; a watch, say, would go on for ever.
    if (gone.signal.aborted) return response.body?.cancel()
    const reader = method === 'HEAD' ? undefined : response.body?.getReader()
    const trailers = trailersOf(response)
    const fields: HeaderField[] = [[':status', String(response.status)], ...allHeaderLines(response.headers).filter(([name]) => !CONNECTION_HEADERS.has(name))]
    this.#writeHeaders(id, fields, !reader && !trailers)
    if (!reader && !trailers) return
    gone.signal.addEventListener('abort', () => { reader?.cancel().catch(() => {}) }, { once: true })
    for (let part = await reader?.read(); part && !part.done; part = await reader!.read()) {
      if (!await this.#windows.send(id, part.value, false, (bytes) => this.#write(bytes))) return
      // Who produces faster than the connection takes waits.
      await this.#writing
    }
    const last = await trailers
    if (!this.#exchanges.has(id)) return
    if (last) this.#writeHeaders(id, [...last], true)
    else this.#write(frame(FRAME.data, FLAG.endStream, id, new Uint8Array(0)))
    await this.#writing
  }

  #writeHeaders(id: number, fields: readonly HeaderField[], ends: boolean): void {
    const block = encodeHeaders(fields)
    const { maxFrame } = this.#windows
    const parts: Uint8Array[] = []
    for (let at = 0; at === 0 || at < block.length; at += maxFrame) {
      const isLast = at + maxFrame >= block.length
      parts.push(frame(at === 0 ? FRAME.headers : FRAME.continuation, (isLast ? FLAG.endHeaders : 0) | (at === 0 && ends ? FLAG.endStream : 0), id, block.subarray(at, at + maxFrame)))
    }
    this.#write(concatBytes(parts))
  }

  #reset(id: number, code: number): void {
    this.#end(id)
    this.#write(frame(FRAME.reset, 0, id, uint32(code)))
  }

  /** Nobody waits for an answer any more. */
  #drop(id: number): void {
    const exchange = this.#exchanges.get(id)
    if (!exchange) return
    this.#end(id)
    exchange.gone.abort(new UnixError('ECANCELED', 'the client is gone'))
    exchange.body.end()
  }

  #end(id: number): void {
    this.#exchanges.delete(id)
    this.#windows.close(id)
  }

  #write(bytes: Uint8Array): void {
    this.#writing = this.#writing.then(() => this.#socket.writer.write(bytes)).catch(() => { this.#socket.destroy() })
  }
}
