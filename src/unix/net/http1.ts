import { UpgradeResponse, allHeaderLines, appendHeaderLine, copyHeaders, httpRequest, httpResponse, webSocketPair } from '../../base/http.ts'
import type { HttpRequest } from '../../base/http.ts'
import type { ByteReader } from '../../base/streams.ts'
import { concatBytes } from '../../base/streams.ts'
import { UnixError } from '../types.ts'
import type { HttpHandler, TcpSocket } from '../types.ts'
import { acceptKey, joinWebSocket } from './websocket.ts'
import { hostPort } from './addresses.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('latin1')
const MAX_HEAD_BYTES = 1 << 20
/** What clients say of a server that doesn't begin with the frames of HTTP/2. */
export const NO_HTTP2 = 'Error in the HTTP2 framing layer'
/** What clients of HTTP/1.1 say of a server that begins with something else. */
export const NO_HTTP1 = 'Received HTTP/0.9 when not allowed'

/** Reads from a connection by lines, counts and ends, keeping what came too early. */
export class BufferedReader {
  readonly #source: ByteReader
  #held: Uint8Array = new Uint8Array(0)

  constructor(source: ByteReader) {
    this.#source = source
  }

  async #more(): Promise<boolean> {
    const chunk = await this.#source.read()
    if (!chunk) return false
    this.#held = this.#held.length > 0 ? concatBytes([this.#held, chunk]) : chunk
    return true
  }

  /** A line without its end; null at the end of input. */
  async line(): Promise<string | null> {
    for (let from = 0; ;) {
      const at = this.#held.indexOf(10, from)
      if (at >= 0) {
        const line = decoder.decode(this.#held.subarray(0, at))
        this.#held = this.#held.subarray(at + 1)
        return line.endsWith('\r') ? line.slice(0, -1) : line
      }
      if (this.#held.length > MAX_HEAD_BYTES) throw new UnixError('EPROTO', 'header too large')
      from = this.#held.length
      if (!(await this.#more())) return null
    }
  }

  /** Some bytes, at most `limit`; null at the end. */
  async some(limit = Infinity): Promise<Uint8Array | null> {
    if (this.#held.length === 0 && !(await this.#more())) return null
    const out = this.#held.subarray(0, Math.min(limit, this.#held.length))
    this.#held = this.#held.subarray(out.length)
    return out
  }

  /** Exactly `count` bytes; null when the input ends before. */
  async exactly(count: number): Promise<Uint8Array | null> {
    while (this.#held.length < count) if (!(await this.#more())) return null
    const out = this.#held.slice(0, count)
    this.#held = this.#held.subarray(count)
    return out
  }

  /** The rest as a plain reader. */
  asReader(): ByteReader {
    return { read: () => this.some(), cancel: () => this.#source.cancel() }
  }
}

/** Serves HTTP/1.1 on one connection until either end closes it. */
export async function serveHttp1(socket: TcpSocket, handler: HttpHandler): Promise<void> {
  const input = new BufferedReader(socket.reader)
  try {
    while (await serveOne(socket, input, handler));
  } catch {
    // A connection that breaks is the client's business.
  } finally {
    socket.writer.close()
  }
}

async function serveOne(socket: TcpSocket, input: BufferedReader, handler: HttpHandler): Promise<boolean> {
  let start = await input.line()
  if (start === '') start = await input.line()
  if (start === null) return false
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP\/(\d)\.(\d)$/.exec(start)
  const refuse = async (status: number, text: string) => {
    await socket.writer.write(`HTTP/1.1 ${status} ${text}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status} ${text}`)
    return false
  }
  if (!match) return refuse(400, 'Bad Request')
  const headers = await readHeaders(input)
  if (!headers) return refuse(400, 'Bad Request')
  const [, method, target, , minor] = match
  if (minor !== '0' && !headers.has('host')) return refuse(400, 'Bad Request: missing required Host header')
  const host = headers.get('host') ?? hostPort(socket.local.ip, socket.local.port)
  const url = /^https?:\/\//.test(target!) ? target! : `http://${host}${target!.startsWith('/') ? target : `/${target}`}`
  if (headers.get('expect')?.toLowerCase() === '100-continue') await socket.writer.write('HTTP/1.1 100 Continue\r\n\r\n')
  const body = bodyOf(input, headers, false)
  const gone = new AbortController()
  const request = httpRequest(url, { method: method!, headers, body: body?.stream ?? null, signal: gone.signal })
  const connection = (headers.get('connection') ?? '').toLowerCase()
  let keepAlive = minor === '0' ? connection.includes('keep-alive') : !connection.includes('close')
  let response: Response
  try {
    response = await handler(request, { remote: socket.remote, local: socket.local })
  } catch (error) {
    if (error instanceof UnixError && error.code === 'ECONNRESET') { socket.destroy(); return false }
    response = new Response('Internal Server Error\n', { status: 500 })
  }
  if (response instanceof UpgradeResponse) {
    const key = headers.get('sec-websocket-key') ?? ''
    const protocol = response.webSocket.protocol
    await socket.writer.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${await acceptKey(key)}\r\n${protocol ? `Sec-WebSocket-Protocol: ${protocol}\r\n` : ''}\r\n`)
    await joinWebSocket(response.webSocket, input, socket.writer, { masks: false })
    return false
  }
  try {
    keepAlive = await writeResponse(socket, response, { isHead: method === 'HEAD', keepAlive, http10: minor === '0' })
  } catch (error) {
    gone.abort(error)
    throw error
  }
  await body?.drain()
  return keepAlive
}

async function readHeaders(input: BufferedReader): Promise<Headers | undefined> {
  const headers = new Headers()
  for (;;) {
    const line = await input.line()
    if (line === null) return undefined
    if (line === '') return headers
    const colon = line.indexOf(':')
    if (colon <= 0) return undefined
    try {
      appendHeaderLine(headers, line.slice(0, colon), line.slice(colon + 1).trim())
    } catch {
      return undefined
    }
  }
}

interface Body {
  stream: ReadableStream<Uint8Array>
  /** Reads what the handler left, so that the next message starts where it should. */
  drain(): Promise<void>
}

/** A message's body; undefined when it has none. */
function bodyOf(input: BufferedReader, headers: Headers, untilEnd: boolean): Body | undefined {
  let next: () => Promise<Uint8Array | null>
  const length = headers.get('content-length')
  if (headers.get('transfer-encoding')?.toLowerCase().includes('chunked')) next = chunkReader(input)
  else if (length !== null && /^\d+$/.test(length)) {
    let left = Number(length)
    if (left === 0 && !untilEnd) return undefined
    next = async () => {
      if (left === 0) return null
      const chunk = await input.some(left)
      if (!chunk) throw new UnixError('ECONNRESET', 'unexpected EOF')
      left -= chunk.length
      return chunk
    }
  } else if (untilEnd) next = () => input.some()
  else return undefined
  let ended = false
  const read = async () => {
    if (ended) return null
    const chunk = await next()
    if (!chunk) ended = true
    return chunk
  }
  return {
    stream: new ReadableStream<Uint8Array>({
      async pull(controller) {
        const chunk = await read()
        if (chunk) controller.enqueue(chunk.slice())
        else controller.close()
      },
    }, { highWaterMark: 0 }),
    async drain() { while (await read()); },
  }
}

function chunkReader(input: BufferedReader): () => Promise<Uint8Array | null> {
  let left = 0
  let first = true
  return async () => {
    if (left === 0) {
      if (!first) await input.line()
      first = false
      const line = await input.line()
      left = line === null ? NaN : parseInt(line, 16)
      if (Number.isNaN(left)) throw new UnixError('ECONNRESET', 'unexpected EOF')
      if (left === 0) {
        // Trailers end with an empty line.
        for (let trailer = await input.line(); trailer; trailer = await input.line());
        return null
      }
    }
    const chunk = await input.some(left)
    if (!chunk) throw new UnixError('ECONNRESET', 'unexpected EOF')
    left -= chunk.length
    return chunk
  }
}

const REASONS: Readonly<Record<number, string>> = {
  100: 'Continue', 101: 'Switching Protocols', 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No Content', 206: 'Partial Content', 301: 'Moved Permanently', 302: 'Found',
  303: 'See Other', 304: 'Not Modified', 307: 'Temporary Redirect', 308: 'Permanent Redirect', 400: 'Bad Request', 401: 'Unauthorized',
  403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed', 406: 'Not Acceptable', 408: 'Request Timeout', 409: 'Conflict', 410: 'Gone',
  411: 'Length Required', 413: 'Request Entity Too Large', 415: 'Unsupported Media Type', 418: "I'm a teapot", 422: 'Unprocessable Entity', 429: 'Too Many Requests',
  500: 'Internal Server Error', 501: 'Not Implemented', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout',
}

/** The words after a status code. */
export function reasonPhrase(status: number): string {
  return REASONS[status] ?? 'Unknown'
}

/** `content-type` as servers write it: `Content-Type`. */
export function canonicalHeader(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase())
}

async function writeResponse(socket: TcpSocket, response: Response, options: { isHead: boolean; keepAlive: boolean; http10: boolean }): Promise<boolean> {
  const { status } = response
  const bodyless = options.isHead || status === 204 || status === 304 || status < 200
  const reader = !bodyless ? response.body?.getReader() : undefined
  const given = response.headers.get('content-length')
  let keepAlive = options.keepAlive
  let first: Uint8Array | undefined
  let isWhole = !reader
  if (reader && given === null) {
    // Bodies of one piece get their length; others are chunked.
    const one = await reader.read()
    first = one.value
    isWhole = one.done
  }
  let head = `HTTP/1.1 ${status} ${response.statusText || reasonPhrase(status)}\r\n`
  for (const [name, value] of allHeaderLines(response.headers)) if (name !== 'transfer-encoding' && name !== 'connection') head += `${canonicalHeader(name)}: ${value}\r\n`
  const chunked = reader !== undefined && given === null && !isWhole && !options.http10
  if (!bodyless && given === null && (isWhole || !reader)) head += `Content-Length: ${first?.length ?? 0}\r\n`
  else if (chunked) head += 'Transfer-Encoding: chunked\r\n'
  else if (reader && given === null) keepAlive = false
  if (!keepAlive) head += 'Connection: close\r\n'
  await socket.writer.write(head + '\r\n')
  if (!reader) return keepAlive
  const send = (chunk: Uint8Array) => chunked ? socket.writer.write(concatBytes([encoder.encode(`${chunk.length.toString(16)}\r\n`), chunk, encoder.encode('\r\n')])) : socket.writer.write(chunk)
  try {
    if (first && first.length > 0) await send(first)
    for (let part = await reader.read(); !part.done; part = await reader.read()) if (part.value.length > 0) await send(part.value)
    if (chunked) await socket.writer.write('0\r\n\r\n')
  } catch (error) {
    reader.cancel(error).catch(() => {})
    throw error
  }
  return keepAlive
}

/** One HTTP/1.1 exchange over a fresh connection, which ends with it. */
export async function fetchHttp1(socket: TcpSocket, request: HttpRequest): Promise<Response> {
  const url = new URL(request.url)
  const headers = copyHeaders(request.headers)
  if (!headers.has('host')) headers.set('host', url.host)
  const upgrade = headers.get('upgrade')?.toLowerCase() === 'websocket'
  if (!upgrade) headers.set('connection', 'close')
  const body = request.body
  let payload: Uint8Array | undefined
  if (body && !headers.has('content-length')) {
    payload = new Uint8Array(await request.arrayBuffer())
    headers.set('content-length', String(payload.length))
  }
  const onAbort = () => socket.destroy()
  request.signal.addEventListener('abort', onAbort, { once: true })
  let head = `${request.method} ${url.pathname}${url.search} HTTP/1.1\r\n`
  for (const [name, value] of allHeaderLines(headers)) head += `${canonicalHeader(name)}: ${value}\r\n`
  await socket.writer.write(head + '\r\n')
  if (payload && payload.length > 0) await socket.writer.write(payload)
  else if (body && !payload) for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) await socket.writer.write(chunk)
  const input = new BufferedReader(socket.reader)
  for (;;) {
    const start = await input.line()
    if (start === null) throw new UnixError('ECONNRESET', 'Empty reply from server')
    const match = /^HTTP\/\d\.\d (\d{3}) ?(.*)$/.exec(start)
    if (!match) throw new UnixError('EPROTO', NO_HTTP1)
    const status = Number(match[1])
    const answer = await readHeaders(input)
    if (!answer) throw new UnixError('ECONNRESET', 'unexpected EOF')
    if (status === 101) return new UpgradeResponse(joinedClient(input, socket, answer.get('sec-websocket-protocol') ?? ''), answer)
    if (status < 200) continue
    const bodyless = request.method === 'HEAD' || status === 204 || status === 304
    const received = bodyless ? undefined : bodyOf(input, answer, true)
    answer.delete('transfer-encoding')
    return httpResponse(received?.stream ?? null, { status, statusText: match[2] ?? '', headers: answer })
  }
}

function joinedClient(input: BufferedReader, socket: TcpSocket, protocol: string) {
  const [mine, theirs] = webSocketPair(protocol)
  void joinWebSocket(theirs, input, socket.writer, { masks: true })
  return mine
}

