import dns from 'node:dns/promises'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import os from 'node:os'
import { Readable, type Writable } from 'node:stream'
import tls from 'node:tls'
import { WebSocket } from 'ws'
import type { HttpRequest } from '../base/http.ts'
import { UpgradeResponse, webSocketPair, type WebSocketEnd } from '../base/http.ts'
import type { ByteReader, ByteWriter } from '../base/streams.ts'
import { BrokenPipeError } from '../base/streams.ts'
import { serveHttp1 } from '../unix/net/http1.ts'
import { CertificateError } from '../unix/net/server-certificate.ts'
import { UnixError } from '../unix/types.ts'
import type { FetchOptions, NetStack, TcpSocket } from '../unix/types.ts'

/** Sockets of the real machine, as far as programs of the terminal use them. */
export function createNodeNet(): NetStack {
  const unsupported = (what: string) => () => { throw new UnixError('ENOTSUP', `${what} is not supported here`) }
  const stack: NetStack = {
    hostname: os.hostname(),
    addresses: [],
    listenHttp: (port, handler, options) => stack.listenTcp(port, (socket) => { void serveHttp1(socket, handler) }, options),
    listenUdp: unsupported('listenUdp'),
    askUdp: async () => unsupported('askUdp')(),
    listeners: () => [],
    listenTcp(port, handler, options = {}) {
      const server = net.createServer((socket) => handler(tcpSocket(socket)))
      // Listening is asynchronous in Node; an address in use shows up on the first turn of the event loop.
      const listener = { port, close: () => { server.close() }, ready: undefined as unknown as Promise<number> }
      listener.ready = new Promise((resolve, reject) => {
        server.once('error', (error: NodeJS.ErrnoException) => reject(new UnixError(error.code ?? 'EIO', error.message)))
        server.listen(port, options.ip ?? '127.0.0.1', () => { listener.port = (server.address() as net.AddressInfo).port; resolve(listener.port) })
      })
      listener.ready.catch(() => {})
      return listener
    },
    connectTcp: (host, port, options = {}) => new Promise((resolve, reject) => {
      const socket = net.connect({ host, port })
      if (options.timeoutMs) socket.setTimeout(options.timeoutMs, () => socket.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })))
      socket.once('error', (error: NodeJS.ErrnoException) => reject(unixError(error)))
      socket.once('connect', () => { socket.setTimeout(0); resolve(tcpSocket(socket)) })
    }),
    lookup: async (name) => {
      try {
        return (await dns.lookup(name, { all: true })).map((a) => a.address)
      } catch (error) {
        throw unixError(error as NodeJS.ErrnoException)
      }
    },
    fetch: (request, options = {}) => isUpgrade(request) ? fetchUpgrade(request, options) : fetchPlain(request, options),
  }
  return stack
}

const isUpgrade = (request: HttpRequest) => request.method === 'GET' && request.headers.get('upgrade')?.toLowerCase() === 'websocket'

/** Connections are kept per TLS identity, so that a command's many requests share one. */
const agents = new Map<string, http.Agent>()
function agentFor(url: URL, options: FetchOptions): http.Agent {
  const key = JSON.stringify([url.protocol, options.insecure, options.caPem, options.clientCertificatePem, options.serverName, options.proxyUrl])
  let agent = agents.get(key)
  if (!agent) {
    agent = url.protocol !== 'https:' ? new http.Agent({ keepAlive: true }) : options.proxyUrl ? tunnelAgent(new URL(options.proxyUrl), options) : new https.Agent({ keepAlive: true, ...tlsOptions(options) })
    agents.set(key, agent)
  }
  return agent
}

/** Opens its connections through a proxy. */
function tunnelAgent(proxy: URL, options: FetchOptions): https.Agent {
  const agent = new https.Agent({ keepAlive: true, ...tlsOptions(options) })
  agent.createConnection = (target, callback) => {
    const { host, port, servername } = target as { host: string; port: number; servername?: string }
    openTunnel(proxy, host, Number(port)).then(
      (socket) => callback?.(null, tls.connect({ ...tlsOptions(options), socket, ...(servername && !net.isIP(servername) ? { servername } : {}), host })),
      (error: Error) => callback?.(error, undefined as unknown as net.Socket),
    )
    return undefined as unknown as net.Socket
  }
  return agent
}

/** A connection to host and port by way of an HTTP proxy (CONNECT) or a SOCKS 5 server. */
async function openTunnel(proxy: URL, host: string, port: number): Promise<net.Socket> {
  if (proxy.protocol === 'socks5:') return openSocks(proxy, host, port)
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const credentials = proxy.username ? { 'Proxy-Authorization': `Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64')}` } : {}
  return new Promise((resolve, reject) => {
    const secure = proxy.protocol === 'https:'
    const request = (secure ? https : http).request({ host: proxy.hostname.replace(/^\[|\]$/g, ''), port: proxy.port || (secure ? 443 : 80), method: 'CONNECT', path: authority, headers: { Host: authority, ...credentials } })
    request.once('connect', (answer, socket) => {
      if (answer.statusCode === 200) resolve(socket)
      else {
        socket.destroy()
        reject(new Error(answer.statusMessage ?? `proxy answered ${answer.statusCode}`))
      }
    })
    request.once('response', (answer) => { answer.resume(); reject(new Error(answer.statusMessage ?? `proxy answered ${answer.statusCode}`)) })
    request.once('error', (error: NodeJS.ErrnoException) => reject(Object.assign(new Error(`proxyconnect tcp: dial tcp ${proxy.host}: ${error.code === 'ECONNREFUSED' ? 'connect: connection refused' : error.message}`), { code: 'EPROXY' })))
    request.end()
  })
}

/** RFC 1928, with user and password of RFC 1929 where the address has them. */
async function openSocks(proxy: URL, host: string, port: number): Promise<net.Socket> {
  const socket = net.connect({ host: proxy.hostname, port: Number(proxy.port || 1080) })
  const refuse = (text: string) => { socket.destroy(); return new Error(`socks connect tcp ${proxy.host}->${host}:${port}: ${text}`) }
  await new Promise<void>((resolve, reject) => { socket.once('connect', resolve); socket.once('error', reject) })
  const read = async (count: number): Promise<Buffer> => {
    for (;;) {
      const bytes = socket.read(count) as Buffer | null
      if (bytes) return bytes
      await new Promise<void>((resolve, reject) => { socket.once('readable', resolve); socket.once('end', () => reject(refuse('EOF'))) })
    }
  }
  socket.write(Buffer.from(proxy.username ? [5, 2, 0, 2] : [5, 1, 0]))
  const [, method] = await read(2)
  if (method === 2) {
    const user = Buffer.from(decodeURIComponent(proxy.username))
    const password = Buffer.from(decodeURIComponent(proxy.password))
    socket.write(Buffer.concat([Buffer.from([1, user.length]), user, Buffer.from([password.length]), password]))
    if ((await read(2))[1] !== 0) throw refuse('username/password authentication failed')
  } else if (method !== 0) throw refuse('no acceptable authentication methods')
  const name = Buffer.from(host)
  socket.write(Buffer.concat([Buffer.from([5, 1, 0, 3, name.length]), name, Buffer.from([port >> 8, port & 255])]))
  const [, reply, , kind] = await read(4)
  if (reply !== 0) throw refuse(['', 'general SOCKS server failure', 'connection not allowed by ruleset', 'network unreachable', 'host unreachable', 'connection refused', 'TTL expired', 'command not supported', 'address type not supported'][reply!] ?? 'unknown error')
  await read((kind === 1 ? 4 : kind === 4 ? 16 : (await read(1))[0]!) + 2)
  return socket
}

function tlsOptions(options: FetchOptions): https.AgentOptions {
  return {
    ...(options.caPem ? { ca: options.caPem } : {}),
    ...(options.clientCertificatePem ? { cert: options.clientCertificatePem, key: options.clientKeyPem ?? '' } : {}),
    ...(options.serverName ? { servername: options.serverName } : {}),
    rejectUnauthorized: !options.insecure,
  }
}

/** Headers of which each value is sent on a line of its own. */
const REPEATED = /^impersonate-(group|extra-)/

async function fetchPlain(request: HttpRequest, options: FetchOptions): Promise<Response> {
  const url = new URL(request.url)
  const body = request.body ? Buffer.from(await request.arrayBuffer()) : undefined
  const headers: Record<string, string | string[]> = {}
  // These may be repeated, and one of them may hold a comma of its own.
  request.headers.forEach((value, name) => { headers[name] = REPEATED.test(name) ? value.split(', ') : value })
  if (body) headers['content-length'] = String(body.length)
  return new Promise((resolve, reject) => {
    const outgoing = (url.protocol === 'https:' ? https : http).request(url, { method: request.method, headers, agent: agentFor(url, options) }, (incoming) => {
      const answerHeaders = new Headers()
      for (let i = 0; i < incoming.rawHeaders.length; i += 2) answerHeaders.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!)
      const status = incoming.statusCode ?? 502
      const bodyless = status === 204 || status === 205 || status === 304
      if (bodyless) incoming.resume()
      resolve(new Response(bodyless ? null : Readable.toWeb(incoming) as ReadableStream<Uint8Array>, { status, headers: answerHeaders }))
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => reject(unixError(error)))
    if (options.connectTimeoutMs) outgoing.setTimeout(options.connectTimeoutMs, () => outgoing.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })))
    request.signal.addEventListener('abort', () => outgoing.destroy(), { once: true })
    outgoing.end(body)
  })
}

function fetchUpgrade(request: HttpRequest, options: FetchOptions): Promise<Response> {
  const protocols = (request.headers.get('sec-websocket-protocol') ?? '').split(',').map((p) => p.trim()).filter(Boolean)
  const headers: Record<string, string> = {}
  request.headers.forEach((value, name) => { if (!/^(sec-websocket-.*|upgrade|connection|host)$/i.test(name)) headers[name] = value })
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(request.url.replace(/^http/, 'ws'), protocols, { headers, ...tlsOptions(options), perMessageDeflate: false, ...(options.proxyUrl ? { agent: agentFor(new URL(request.url.replace(/^ws/, 'http')), options) } : {}) })
    socket.binaryType = 'nodebuffer'
    socket.once('error', (error: NodeJS.ErrnoException) => reject(unixError(error)))
    socket.once('unexpected-response', (_, incoming) => {
      resolve(new Response(Readable.toWeb(incoming) as ReadableStream<Uint8Array>, { status: incoming.statusCode ?? 502, headers: incoming.headers as Record<string, string> }))
    })
    socket.once('open', () => {
      const [mine, theirs] = webSocketPair(socket.protocol)
      joinWebSocket(socket, theirs)
      resolve(new UpgradeResponse(mine))
    })
  })
}

/** Moves bytes between a connection that speaks another protocol now and one end of a pair. `head`: what came already. */
export function joinConnection(socket: net.Socket, head: Buffer, end: WebSocketEnd): void {
  const receive = (data: Buffer) => end.send(new Uint8Array(data))
  if (head.length > 0) receive(head)
  socket.on('data', receive)
  socket.on('close', () => end.close())
  void (async () => {
    for await (const message of end.messages) if (!socket.write(message)) await drained(socket)
    socket.end()
  })()
}

/** Resolves once there is room again, or nobody is left to read; leaves no listener behind. */
export function drained(to: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      to.off('drain', done)
      to.off('close', done)
      resolve()
    }
    to.on('drain', done)
    to.on('close', done)
  })
}

/** Moves messages between a real WebSocket and one end of a pair. */
export function joinWebSocket(socket: WebSocket, end: ReturnType<typeof webSocketPair>[0]): void {
  socket.on('message', (data: Buffer, isBinary: boolean) => end.send(isBinary ? new Uint8Array(data.buffer, data.byteOffset, data.length).slice() : data.toString('utf8')))
  socket.on('close', (code, reason) => end.close(code === 1005 || code === 1006 ? 1000 : code, reason.toString()))
  socket.on('error', () => end.close(1006, 'connection error'))
  void (async () => {
    for await (const message of end.messages) {
      socket.send(message)
      // Back-pressure: don't let a fast producer fill the process's memory.
      while (socket.bufferedAmount > 1 << 20 && socket.readyState === WebSocket.OPEN) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const { code, reason } = await end.closed
    if (socket.readyState === WebSocket.OPEN) socket.close(code >= 1000 && code !== 1005 && code !== 1006 ? code : 1000, reason.slice(0, 120))
  })()
}

/** A Node socket as a {@link TcpSocket}. */
export function tcpSocket(socket: net.Socket): TcpSocket {
  const chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
  socket.on('error', () => {})
  const reader: ByteReader = {
    async read() {
      try {
        const { value, done } = await chunks.next()
        return done ? null : new Uint8Array(value)
      } catch {
        return null
      }
    },
    cancel() { socket.destroy() },
  }
  const writer: ByteWriter = {
    write: (data) => new Promise((resolve, reject) => {
      if (socket.destroyed || socket.writableEnded) return reject(new BrokenPipeError())
      socket.write(data, (error) => error ? reject(new BrokenPipeError()) : resolve())
    }),
    close() { socket.end() },
  }
  return {
    reader, writer,
    local: { ip: socket.localAddress ?? '127.0.0.1', port: socket.localPort ?? 0 },
    remote: { ip: socket.remoteAddress ?? '127.0.0.1', port: socket.remotePort ?? 0 },
    destroy: () => { socket.destroy() },
  }
}

function unixError(error: NodeJS.ErrnoException): UnixError {
  const inner = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException) : error
  // Node's names of the certificate, in Go's words.
  const names = (inner as { cert?: { subjectaltname?: string }; host?: string }).cert?.subjectaltname
  if (inner.code === 'ERR_TLS_CERT_ALTNAME_INVALID' && names !== undefined) {
    const host = (inner as { host?: string }).host ?? ''
    const of = (kind: string) => names.split(', ').filter((entry) => entry.startsWith(`${kind}:`)).map((entry) => entry.slice(kind.length + 1))
    return new CertificateError(inner.code, inner.message, `tls: failed to verify certificate: x509: certificate is valid for ${of(net.isIP(host) ? 'IP Address' : 'DNS').join(', ')}, not ${host}`)
  }
  return new UnixError(inner.code ?? 'EIO', inner.message)
}
