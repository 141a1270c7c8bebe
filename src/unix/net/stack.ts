import type { Clock } from '../../base/clock.ts'
import { withVersion } from '../../base/http.ts'
import type { HttpRequest, HttpVersion } from '../../base/http.ts'
import type { Random } from '../../base/random.ts'
import { concatBytes, createPipe } from '../../base/streams.ts'
import { errno } from '../errno.ts'
import { UnixError } from '../types.ts'
import type { Fabric, FetchOptions, HttpHandler, HttpListenOptions, Listener, NetStack, SocketAddress, StackPort, TcpSocket, TlsServerOptions } from '../types.ts'
import { isAddress, isLoopback, urlHost, urlPort } from './addresses.ts'
import { NO_HTTP1, NO_HTTP2, fetchHttp1, serveHttp1 } from './http1.ts'
import { certificateProblem } from './server-certificate.ts'

export interface NetStackOptions {
  hostname: string
  /** Own addresses, without loopback; empty: no network. */
  addresses: readonly string[]
  /** Addresses of names that everybody on its network knows. */
  neighbour?: (name: string) => string | undefined
  fabric: Fabric
  clock: Clock
  random: Random
}

interface Bound {
  port: number
  ip: string | undefined
  tcp?: (socket: TcpSocket) => void
  http?: HttpHandler
  tls?: TlsServerOptions
  versions?: readonly HttpVersion[]
}

interface BoundUdp {
  port: number
  ip: string | undefined
  handler: Parameters<NetStack['listenUdp']>[1]
}

/** What the first byte of TLS says. */
const TLS_HANDSHAKE = 22
/** What a client of HTTP/2 begins with. */
const PREFACE_START = new TextEncoder().encode('PRI * HTTP/2.0')
const USUAL: readonly HttpVersion[] = ['http/1.1']
const FIRST_EPHEMERAL = 32_768
const EPHEMERAL_COUNT = 28_232

/** A machine's sockets: loopback, listening ports, and connections through the fabric. Costs nothing until it is used. */
export function createNetStack(options: NetStackOptions): NetStack & StackPort {
  return new Stack(options)
}

class Stack implements NetStack, StackPort {
  readonly hostname: string
  readonly addresses: readonly string[]
  readonly #neighbour: ((name: string) => string | undefined) | undefined
  readonly #fabric: Fabric
  readonly #clock: Clock
  readonly #random: Random
  #tcp: Map<number, Bound[]> | undefined
  #udp: Map<number, BoundUdp[]> | undefined
  #nextPort: number | undefined

  constructor(options: NetStackOptions) {
    this.hostname = options.hostname
    this.addresses = options.addresses
    this.#neighbour = options.neighbour
    this.#fabric = options.fabric
    this.#clock = options.clock
    this.#random = options.random
  }

  listenHttp(port: number, handler: HttpHandler, options: HttpListenOptions = {}): Listener {
    return this.#bindTcp({ port, ip: specific(options.ip), http: handler, ...(options.tls ? { tls: options.tls } : {}), ...(options.versions ? { versions: options.versions } : {}) })
  }

  listenTcp(port: number, handler: (socket: TcpSocket) => void, options: { ip?: string } = {}): Listener {
    return this.#bindTcp({ port, ip: specific(options.ip), tcp: handler })
  }

  listenUdp(port: number, handler: BoundUdp['handler'], options: { ip?: string } = {}): Listener {
    return bind(this.#udp ??= new Map(), { port, ip: specific(options.ip), handler }, () => this.#ephemeralPort())
  }

  #bindTcp(bound: Bound): Listener {
    this.#checkOwn(bound.ip)
    return bind(this.#tcp ??= new Map(), bound, () => this.#ephemeralPort())
  }

  #checkOwn(ip: string | undefined): void {
    if (ip !== undefined && !this.#isOwn(ip)) throw errno('EADDRNOTAVAIL', ip)
  }

  #isOwn(ip: string): boolean {
    return isLoopback(ip) || this.addresses.includes(ip)
  }

  #staysHere(protocol: 'TCP' | 'UDP', ip: string, port: number): boolean {
    return this.#isOwn(ip) && this.#fabric.redirects?.(protocol, { ip, port }) !== true
  }

  async connectTcp(host: string, port: number, options: { timeoutMs?: number } = {}): Promise<TcpSocket> {
    const ip = isAddress(host) ? host : (await this.lookup(host))[0]!
    if (!this.#staysHere('TCP', ip, port)) return this.#fabric.openTcp(this.#source(), { ip, port }, options)
    const to = { ip: isLoopback(ip) ? '127.0.0.1' : ip, port }
    const [client, server] = socketPair({ ip: to.ip, port: this.#ephemeralPort() }, to)
    this.acceptTcp(server)
    return client
  }

  async askUdp(ip: string, port: number, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    if (!this.#staysHere('UDP', ip, port)) return this.#fabric.askUdp(this.#source(), { ip, port }, payload, timeoutMs)
    const answer = await this.acceptUdp({ ip, port }, { ip, port: this.#ephemeralPort() }, payload)
    if (answer) return answer
    await this.#clock.sleep(timeoutMs)
    throw errno('ETIMEDOUT')
  }

  async fetch(request: HttpRequest, options: FetchOptions = {}): Promise<Response> {
    const url = new URL(request.url)
    const host = options.connectTo?.ip ?? urlHost(url)
    const port = options.connectTo?.port ?? urlPort(url)
    const tls = url.protocol === 'https:' || url.protocol === 'wss:'
    const ip = isAddress(host) ? host : (await this.lookup(host))[0]!
    if (!this.#staysHere('TCP', ip, port)) return this.#fabric.fetch(this.#source(), { ip, port }, request, { ...options, tls })
    const own = isLoopback(ip) ? '127.0.0.1' : ip
    return this.acceptHttp({ ip: own, port }, { ip: own, port: this.#ephemeralPort() }, request, { ...options, tls })
  }

  /** Only what needs no files; a machine looks names up as its /etc says. @throws UnixError ENOTFOUND */
  async lookup(name: string): Promise<string[]> {
    if (isAddress(name)) return [name]
    if (name === 'localhost' || name.endsWith('.localhost')) return ['127.0.0.1']
    if (name === this.hostname && this.addresses.length > 0) return [...this.addresses]
    const neighbour = this.#neighbour?.(name)
    if (neighbour !== undefined) return [neighbour]
    throw errno('ENOTFOUND', name)
  }

  listeners(): { protocol: 'tcp' | 'udp'; ip: string; port: number }[] {
    const rows: { protocol: 'tcp' | 'udp'; ip: string; port: number }[] = []
    for (const bounds of this.#tcp?.values() ?? []) for (const { ip, port } of bounds) rows.push({ protocol: 'tcp', ip: ip ?? '0.0.0.0', port })
    for (const bounds of this.#udp?.values() ?? []) for (const { ip, port } of bounds) rows.push({ protocol: 'udp', ip: ip ?? '0.0.0.0', port })
    return rows
  }

  acceptTcp(socket: TcpSocket): void {
    const bound = this.#boundTo(socket.local)
    if (bound.tcp) bound.tcp(socket)
    else if (bound.tls) void this.#acceptTls(socket, bound.tls, bound.http!, bound.versions ?? USUAL).catch(() => socket.destroy())
    else if (bound.versions?.includes('h2')) void this.#acceptPlain(socket, bound.http!, bound.versions).catch(() => socket.destroy())
    else void serveHttp1(socket, bound.http!)
  }

  /** A connection to a port that takes HTTP/2: its first bytes say whether the client begins with that. */
  async #acceptPlain(socket: TcpSocket, handler: HttpHandler, versions: readonly HttpVersion[]): Promise<void> {
    let first: Uint8Array = new Uint8Array(0)
    const isHttp2 = () => PREFACE_START.every((byte, i) => i >= first.length || first[i] === byte)
    // It may come in pieces, of which the first is the beginning of POST, too.
    while (first.length < PREFACE_START.length && isHttp2()) {
      const more = await socket.reader.read()
      if (!more) break
      first = concatBytes([first, more])
    }
    if (first.length === 0) return socket.writer.close()
    return isHttp2() || !versions.includes('http/1.1') ? this.#serveHttp2(withFirst(socket, first), handler, 'http') : serveHttp1(withFirst(socket, first), handler)
  }

  async #serveHttp2(socket: TcpSocket, handler: HttpHandler, scheme: 'http' | 'https'): Promise<void> {
    const { serveHttp2 } = await this.#clock.outside(import('./http2/http2-server.ts'))
    return serveHttp2(socket, handler, scheme)
  }

  /** A connection to a TLS port, which the client may have taken for a plain one. */
  async #acceptTls(socket: TcpSocket, tls: TlsServerOptions, handler: HttpHandler, versions: readonly HttpVersion[]): Promise<void> {
    const first = await socket.reader.read()
    if (!first) return socket.writer.close()
    if (first[0] !== TLS_HANDSHAKE) return serveHttp1(withFirst(socket, first), tls.plainAnswer ?? plainOnTlsPort)
    const { acceptTls } = await this.#clock.outside(import('./tls/server.ts'))
    const pem = async (part: TlsServerOptions['keyPem'], name: string | undefined) => typeof part === 'function' ? part(name) : part ?? ''
    let serverName: string | undefined
    const identity = async (name: string | undefined) => {
      serverName = name
      return { certificatePem: await pem(tls.certificatePem, name), keyPem: await pem(tls.keyPem, name) }
    }
    const inside = await acceptTls(socket, { clock: this.#clock, random: this.#random, first, identity, protocols: versions })
    if (!inside) return
    const serve: HttpHandler = (request, peer) => handler(request, { ...peer, tls: { serverName } })
    if (inside.protocol === 'h2' || !versions.includes('http/1.1')) await this.#serveHttp2(inside.socket, serve, 'https')
    else await serveHttp1(inside.socket, serve)
  }

  /** HTTPS over a stream of bytes. */
  async #fetchTls(socket: TcpSocket, request: HttpRequest, options: FetchOptions): Promise<Response> {
    const host = options.serverName ?? urlHost(new URL(request.url))
    const { connectTls } = await this.#clock.outside(import('./tls/client.ts'))
    const { socket: inside, certificatePem, protocol } = await connectTls(socket, { serverName: host, protocols: options.versions ?? USUAL, clock: this.#clock, random: this.#random })
    const problem = options.insecure ? undefined : await this.#clock.outside(certificateProblem({ serverPem: certificatePem, caPem: options.caPem, host, nowMs: this.#clock.nowMs() }))
    if (problem) { inside.destroy(); throw problem }
    return protocol === 'h2' || beginsWithHttp2(options) ? this.#fetchHttp2(inside, request) : fetchHttp1(inside, request)
  }

  async #fetchHttp2(socket: TcpSocket, request: HttpRequest): Promise<Response> {
    const { fetchHttp2 } = await this.#clock.outside(import('./http2/fetch.ts'))
    return fetchHttp2(socket, request)
  }

  async acceptHttp(to: SocketAddress, from: SocketAddress, request: HttpRequest, options: FetchOptions & { tls: boolean }): Promise<Response> {
    const bound = this.#boundTo(to)
    if (bound.http) {
      if (options.tls && !bound.tls) throw new UnixError('EPROTO', 'wrong version number')
      if (!options.tls && bound.tls) return (bound.tls.plainAnswer ?? plainOnTlsPort)()
      const host = options.serverName ?? urlHost(new URL(request.url))
      const version = agreedVersion(bound, options)
      if (bound.tls && !options.insecure) {
        const { certificatePem } = bound.tls
        const serverPem = typeof certificatePem === 'string' ? certificatePem : await this.#clock.outside(certificatePem(isAddress(host) ? undefined : host))
        const problem = await this.#clock.outside(certificateProblem({ serverPem, caPem: options.caPem, host, acceptCommonName: options.acceptCommonName ?? false, nowMs: this.#clock.nowMs() }))
        if (problem) throw problem
      }
      const peer = { remote: from, local: to, ...(bound.tls ? { tls: { serverName: isAddress(host) ? undefined : host } } : {}), ...(options.clientCertificatePem && bound.tls ? { clientCertificatePem: options.clientCertificatePem } : {}), ...(version === 'h2' ? { version } : {}) }
      const answer = Promise.resolve(bound.http(request, peer))
      return abortable(request, version === 'h2' ? answer.then((response) => withVersion(response, version)) : answer)
    }
    const [client, server] = socketPair(from, to)
    bound.tcp!(server)
    return abortable(request, options.tls ? this.#fetchTls(client, request, options) : beginsWithHttp2(options) ? this.#fetchHttp2(client, request) : fetchHttp1(client, request))
  }

  async acceptUdp(to: SocketAddress, from: SocketAddress, payload: Uint8Array): Promise<Uint8Array | undefined> {
    const bound = this.#udp?.get(to.port)?.find((b) => covers(b.ip, to.ip))
    if (!bound) throw errno('ECONNREFUSED')
    return bound.handler(payload, from)
  }

  #boundTo(to: SocketAddress): Bound {
    const bound = this.#tcp?.get(to.port)?.find((b) => covers(b.ip, to.ip))
    if (!bound) throw errno('ECONNREFUSED')
    return bound
  }

  #source(): SocketAddress {
    const ip = this.addresses[0]
    if (ip === undefined) throw errno('ENETUNREACH')
    return { ip, port: this.#ephemeralPort() }
  }

  #ephemeralPort(): number {
    let port = this.#nextPort ?? FIRST_EPHEMERAL + this.#random.int(EPHEMERAL_COUNT)
    while (this.#tcp?.has(port) || this.#udp?.has(port)) port = port + 1 < FIRST_EPHEMERAL + EPHEMERAL_COUNT ? port + 1 : FIRST_EPHEMERAL
    this.#nextPort = port + 1 < FIRST_EPHEMERAL + EPHEMERAL_COUNT ? port + 1 : FIRST_EPHEMERAL
    return port
  }
}

/** A connection of which some bytes were read already. */
function withFirst(socket: TcpSocket, first: Uint8Array): TcpSocket {
  let rest: Uint8Array | undefined = first
  const { reader, writer, local, remote } = socket
  return { writer, local, remote, destroy: () => socket.destroy(), reader: { cancel: () => reader.cancel(), async read() { const next = rest; rest = undefined; return next ?? reader.read() } } }
}

/** Whether a client whom nobody tells what the server speaks begins with HTTP/2. */
const beginsWithHttp2 = ({ versions = USUAL }: FetchOptions): boolean => !versions.includes('http/1.1')

/**
 * The version of HTTP that a client and a server come to terms about.
 * @throws UnixError EPROTO where there is none
 */
function agreedVersion({ tls, versions: served = USUAL }: Bound, { versions: spoken = USUAL }: FetchOptions): HttpVersion {
  const common = served.find((version) => spoken.includes(version))
  if (tls) {
    if (!common) throw new UnixError('EPROTO', 'tlsv1 alert no application protocol')
    return common
  }
  // Without TLS nobody asks: a client begins with HTTP/1.1, unless it has nothing but HTTP/2.
  const begun = beginsWithHttp2({ versions: spoken }) ? 'h2' : 'http/1.1'
  if (!served.includes(begun)) throw new UnixError('EPROTO', begun === 'h2' ? NO_HTTP2 : NO_HTTP1)
  return begun
}

/** What Go's servers answer a client that forgot the `s`. */
function plainOnTlsPort(): Response {
  return new Response('Client sent an HTTP request to an HTTPS server.\n', { status: 400 })
}

function specific(ip: string | undefined): string | undefined {
  return ip === undefined || ip === '' || ip === '0.0.0.0' || ip === '::' ? undefined : ip
}

function covers(bound: string | undefined, ip: string): boolean {
  return bound === undefined || bound === ip || (isLoopback(bound) && isLoopback(ip))
}

function bind<T extends { port: number; ip: string | undefined }>(table: Map<number, T[]>, bound: T, ephemeral: () => number): Listener {
  if (bound.port === 0) bound.port = ephemeral()
  const others = table.get(bound.port) ?? []
  if (others.some((other) => other.ip === undefined || bound.ip === undefined || other.ip === bound.ip)) throw errno('EADDRINUSE', String(bound.port))
  others.push(bound)
  table.set(bound.port, others)
  return {
    port: bound.port,
    close() {
      const rest = (table.get(bound.port) ?? []).filter((other) => other !== bound)
      if (rest.length > 0) table.set(bound.port, rest)
      else table.delete(bound.port)
    },
  }
}

/** Lets a client that goes away stop waiting for the answer. */
function abortable<T>(request: HttpRequest, work: Promise<T>): Promise<T> {
  const signal = request.signal
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason instanceof Error ? signal.reason : new UnixError('ECANCELED', 'Operation canceled'))
    if (signal.aborted) { work.catch(() => {}); onAbort(); return }
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** Both ends of a connection inside one machine. */
export function socketPair(client: SocketAddress, server: SocketAddress): [TcpSocket, TcpSocket] {
  const up = createPipe()
  const down = createPipe()
  const destroy = () => {
    for (const pipe of [up, down]) { pipe.writer.close(); pipe.reader.cancel() }
  }
  return [
    { reader: down.reader, writer: up.writer, local: client, remote: server, destroy },
    { reader: up.reader, writer: down.writer, local: server, remote: client, destroy },
  ]
}
