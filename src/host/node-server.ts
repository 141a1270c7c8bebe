import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { WebSocketServer } from 'ws'
import { UpgradeResponse } from '../base/http.ts'
import type { HttpRequest } from '../base/http.ts'
import type { ConnectionInfo } from '../cluster/apiserver/seams.ts'
import { drained, joinConnection, joinWebSocket } from './node-net.ts'

type Handle = (request: HttpRequest, connection: ConnectionInfo) => Promise<Response>

export interface ServerOptions {
  handle: Handle
  /** 0 chooses a free port. */
  port: number
  /** Address to listen on; loopback unless asked otherwise. */
  address: string
  certificatePem: string
  keyPem: string
  /** Client certificates signed by these are asked for. */
  clientCaPem: string
}

export interface ApiServerListener {
  port: number
  /** Listens again after {@link shut}. */
  open(): void
  /** Connections end, and new ones are refused. */
  shut(): void
  close(): Promise<void>
}

/** k8s: apiserver/pkg/server/secure_serving.go MaxHeaderBytes */
const MAX_HEADER_BYTES = 1024 * 1024
/** Bytes that a client may send ahead per stream. k8s: secure_serving.go resourceBody99Percentile */
const STREAM_WINDOW_BYTES = 256 * 1024
/** Requests under way on one connection. k8s: secure_serving.go http2Options.MaxConcurrentStreams */
const MAX_STREAMS = 100

/** Serves `handle` over HTTPS: HTTP/2 and HTTP/1.1 with streamed answers, and upgrades of the latter to WebSockets and SPDY. Decides nothing. */
export async function serveHttps(options: ServerOptions): Promise<ApiServerListener> {
  const server = http2.createSecureServer({
    cert: options.certificatePem, key: options.keyPem, ca: options.clientCaPem,
    // Whoever has no certificate may still bring a token; the API server checks what it is shown.
    requestCert: true, rejectUnauthorized: false,
    allowHTTP1: true,
    settings: { maxConcurrentStreams: MAX_STREAMS, initialWindowSize: STREAM_WINDOW_BYTES, maxFrameSize: STREAM_WINDOW_BYTES, maxHeaderListSize: MAX_HEADER_BYTES },
    // The size is what limits headers, and how much is under way is limited by the streams.
    maxHeaderListPairs: 65_536, maxSessionMemory: 4096,
  })
  // Clients keep connections that they opened and didn't need: one that ends under its first request looks like a crash to them.
  Object.assign(server as unknown as Server, { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0, maxHeaderSize: MAX_HEADER_BYTES })
  server.on('session', (session) => {
    session.setLocalWindowSize(STREAM_WINDOW_BYTES * MAX_STREAMS)
    session.on('error', () => {})
  })
  server.on('request', (incoming, outgoing) => {
    // Node gives HTTP/2's requests and answers the surface of HTTP/1.1's; what differs is asked of streamOf().
    void answer(options.handle, incoming as unknown as IncomingMessage, outgoing as unknown as ServerResponse)
  })
  const upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  // Named here because ws refuses names with a slash in them, such as kubectl's SPDY/3.1+portforward.k8s.io.
  upgrades.on('headers', (headers, request: UpgradeRequest) => { if (request.chosenProtocol) headers.push(`Sec-WebSocket-Protocol: ${request.chosenProtocol}`) })
  server.on('upgrade', (incoming: UpgradeRequest, socket, head) => {
    void upgrade(options.handle, upgrades, incoming, socket as net.Socket, head)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(error, socket as net.Socket & { _httpMessage?: ServerResponse }))
  server.on('tlsClientError', () => {})
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket: net.Socket) => {
    socket.setNoDelay(true)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.address, resolve)
  })
  const { port } = server.address() as net.AddressInfo
  const shut = (done?: () => void) => {
    server.close(done)
    for (const socket of sockets) socket.destroy()
  }
  return {
    port,
    open() { if (!server.listening) server.listen(port, options.address) },
    shut: () => shut(),
    close: () => new Promise((resolve) => shut(() => resolve())),
  }
}

/** What can't be read as a request is refused as Go does, once the answer that is under way is out. */
function refuse(error: NodeJS.ErrnoException, socket: net.Socket & { _httpMessage?: ServerResponse }): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const end = () => { socket.end('HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request') }
  const underWay = socket._httpMessage
  if (underWay && !underWay.writableFinished) underWay.once('finish', end)
  else end()
}

type UpgradeRequest = IncomingMessage & { chosenProtocol?: string }

/** k8s: apiserver/pkg/endpoints/handlers/responsewriters/writers.go defaultGzipThresholdBytes */
const GZIP_THRESHOLD_BYTES = 128 * 1024
const gzipped = promisify(zlib.gzip)

/** What fits into a connection's buffer. */
const SMALL_BYTES = 8 * 1024

/** Nothing but the bare word is understood, neither a star nor a quality. k8s: negotiateContentEncoding */
function takesGzip({ headers }: IncomingMessage): boolean {
  return String(headers['accept-encoding'] ?? '').split(',').some((part) => part.trim() === 'gzip')
}

/** The stream of a request that came over HTTP/2. */
function streamOf(incoming: IncomingMessage): http2.ServerHttp2Stream | undefined {
  return incoming.httpVersionMajor === 2 ? (incoming as unknown as http2.Http2ServerRequest).stream : undefined
}

/** One per connection, which many requests of HTTP/2 share. */
function socketOf(incoming: IncomingMessage): TLSSocket {
  return (streamOf(incoming)?.session?.socket ?? incoming.socket) as TLSSocket
}

/** What belongs to a connection of HTTP/1.1 and came along from a server that was asked; HTTP/2 has no place for it. */
const CONNECTION_HEADERS = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']

async function answer(handle: Handle, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const gone = new AbortController()
  const stream = streamOf(incoming)
  // Whoever has the whole answer isn't gone.
  outgoing.once('close', () => { if (stream ? stream.rstCode !== http2.constants.NGHTTP2_NO_ERROR : !outgoing.writableFinished) gone.abort() })
  // Connections stay open without a word about it, as Go's do.
  if (!stream) outgoing.removeHeader('connection')
  try {
    const response = await handle(requestOf(incoming, gone.signal), connectionOf(socketOf(incoming)))
    const headers: Record<string, string | string[]> = {}
    response.headers.forEach((value, name) => { if (!stream || !CONNECTION_HEADERS.includes(name)) headers[name] = value })
    if (!response.body) {
      outgoing.writeHead(response.status, headers)
      outgoing.end()
      return
    }
    const reader = response.body.getReader()
    gone.signal.addEventListener('abort', () => { reader.cancel().catch(() => {}) }, { once: true })
    // What is there already goes out in one piece, with its length; everything else is streamed.
    const now = new Promise<undefined>((resolve) => { setImmediate(resolve, undefined) })
    const ready: Uint8Array[] = []
    let next = reader.read()
    for (let part = await Promise.race([next, now]); part && ready.length < 2; part = await Promise.race([next, now])) {
      if (part.done) {
        const whole = ready.length === 1 ? ready[0]! : Buffer.concat(ready)
        const compresses = whole.length > GZIP_THRESHOLD_BYTES && takesGzip(incoming) && /^application\//.test(headers['content-type'] as string ?? '') && headers['content-encoding'] === undefined
        const body = compresses ? await gzipped(whole, { level: 1 }) : whole
        if (compresses) Object.assign(headers, { 'content-encoding': 'gzip', vary: [headers['vary'], 'Accept-Encoding'].filter(Boolean).join(', ') })
        outgoing.writeHead(response.status, { ...headers, 'content-length': body.length })
        // While a connection has too much to send, Node stops its parser when the next request begins, and over TLS fails on the rest of that
        // request. Who doesn't have the end yet doesn't send another request.
        const most = body.length > SMALL_BYTES ? body.length - 1 : 0
        if (most > 0 && !outgoing.write(body.subarray(0, most))) await drained(outgoing)
        outgoing.end(body.subarray(most))
        return
      }
      ready.push(part.value)
      next = reader.read()
    }
    outgoing.writeHead(response.status, headers)
    // Header first: clients of a watch wait for it before the first event.
    outgoing.flushHeaders()
    for (const chunk of ready) if (!outgoing.write(chunk)) await drained(outgoing)
    for (let part = await next; !part.done; part = await reader.read()) {
      if (!outgoing.write(part.value)) await drained(outgoing)
      if (gone.signal.aborted) break
    }
    outgoing.end()
  } catch (error) {
    if (outgoing.headersSent) outgoing.destroy()
    else outgoing.writeHead(500, { 'content-type': 'text/plain' }).end(`internal error: ${(error as Error).message}\n`)
  }
}

async function upgrade(handle: Handle, server: WebSocketServer, incoming: UpgradeRequest, socket: net.Socket, head: Buffer): Promise<void> {
  const gone = new AbortController()
  socket.once('close', () => gone.abort())
  socket.on('error', () => {})
  const response = await handle(requestOf(incoming, gone.signal), connectionOf(socket as TLSSocket))
  const protocol = response.headers.get('upgrade')
  if (response instanceof UpgradeResponse && protocol) {
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade']
    response.headers.forEach((value, name) => { lines.push(`${name}: ${value}`) })
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    joinConnection(socket, head, response.webSocket)
    return
  }
  if (response instanceof UpgradeResponse) {
    incoming.chosenProtocol = response.webSocket.protocol
    delete incoming.headers['sec-websocket-protocol']
    server.handleUpgrade(incoming, socket, head, (webSocket) => joinWebSocket(webSocket, response.webSocket))
    return
  }
  const body = Buffer.from(await response.arrayBuffer())
  const lines = [`HTTP/1.1 ${response.status} ${response.statusText || 'Error'}`, 'Connection: close', `Content-Length: ${body.length}`]
  response.headers.forEach((value, name) => { if (name !== 'content-length' && name !== 'connection') lines.push(`${name}: ${value}`) })
  socket.end(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]))
}

function requestOf(incoming: IncomingMessage, signal: AbortSignal): HttpRequest {
  const headers = new Headers()
  const stream = streamOf(incoming)
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
    // The request line of HTTP/2.
    if (incoming.rawHeaders[i]!.startsWith(':')) continue
    try {
      headers.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!)
    } catch {
      // A header that the standard type refuses means nothing to the API server either.
    }
  }
  const hasBody = stream ? !stream.endAfterHeaders : incoming.headers['content-length'] !== undefined ? incoming.headers['content-length'] !== '0' : incoming.headers['transfer-encoding'] !== undefined
  let bytes: ReadableStream<Uint8Array> | null = null
  const body = () => hasBody ? bytes ??= bodyOf(incoming) : null
  const read = () => new Response(body())
  return {
    method: incoming.method ?? 'GET',
    // The path is kept as it came: URL parsing is the API server's business.
    url: `https://${incoming.headers[':authority'] ?? incoming.headers.host ?? 'localhost'}${incoming.url ?? '/'}`,
    headers,
    get body() { return body() },
    signal,
    text: () => read().text(),
    arrayBuffer: () => read().arrayBuffer(),
  }
}

/**
 * The bytes of a request. Whoever gives up reading them (too large a body) leaves them to flow by, so that the connection can go on to its next request.
 */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  /** Given up, or broken off. */
  let isOver = false
  return new ReadableStream<Uint8Array>({
    start(controller) {
      incoming.on('data', (chunk: Buffer) => {
        if (isOver) return
        controller.enqueue(chunk)
        if ((controller.desiredSize ?? 1) <= 0) incoming.pause()
      })
      incoming.once('end', () => { if (!isOver) controller.close() })
      incoming.once('close', () => {
        if (isOver || incoming.complete) return
        isOver = true
        controller.error(new Error('the client has gone'))
      })
      incoming.once('error', () => {})
    },
    pull() {
      incoming.resume()
    },
    cancel() {
      isOver = true
      incoming.resume()
    },
  })
}

const certificates = new WeakMap<TLSSocket, string | undefined>()

function connectionOf(socket: TLSSocket): ConnectionInfo {
  if (!certificates.has(socket)) {
    const der = socket.getPeerCertificate?.()?.raw
    certificates.set(socket, der ? `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/(.{64})/g, '$1\n').trimEnd()}\n-----END CERTIFICATE-----\n` : undefined)
  }
  const pem = certificates.get(socket)
  return { ...(pem ? { clientCertificatePem: pem } : {}), ...(socket.remoteAddress ? { remoteAddress: socket.remoteAddress } : {}) }
}
