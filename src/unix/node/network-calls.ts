import { httpRequest } from '../../base/http.ts'
import { concatBytes } from '../../base/streams.ts'
import { isAddress } from '../net/addresses.ts'
import { UnixError } from '../types.ts'
import type { HttpPeer, Proc, TcpSocket, TlsServerOptions } from '../types.ts'
import type { HttpRequest } from '../../base/http.ts'
import type { EventLoop } from './event-loop.ts'

/** Brings an event to the script: in a turn of its own, to whoever opened that id. */
export type Notify = (id: number, ...values: unknown[]) => void

type Pairs = [name: string, value: string][]

/** An answer on its way: what the script has said of it so far. */
class Exchange {
  #head: { status: number; statusText: string; headers: Pairs } | undefined
  #chunks: Uint8Array[] = []
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #ended = false
  #sent = false
  readonly #isHead: boolean
  readonly #resolve: (response: Response) => void
  readonly #reject: (error: unknown) => void

  constructor(isHead: boolean, resolve: (response: Response) => void, reject: (error: unknown) => void) {
    this.#isHead = isHead
    this.#resolve = resolve
    this.#reject = reject
  }

  respond(status: number, statusText: string, headers: Pairs): void {
    this.#head = { status, statusText, headers }
    // What the script says in the same turn goes out together.
    queueMicrotask(() => this.#send())
  }

  write(chunk: Uint8Array): void {
    if (this.#controller) this.#controller.enqueue(chunk)
    else this.#chunks.push(chunk)
  }

  end(): void {
    this.#ended = true
    this.#controller?.close()
  }

  abort(): void {
    const error = new UnixError('ECONNRESET', 'Connection reset by peer')
    if (this.#controller) try { this.#controller.error(error) } catch { /* The client has gone already. */ }
    else if (!this.#sent) { this.#sent = true; this.#reject(error) }
  }

  #send(): void {
    if (this.#sent || !this.#head) return
    this.#sent = true
    const { status, statusText, headers } = this.#head
    const own = new Headers()
    for (const [name, value] of headers) own.append(name, value)
    const isBodiless = this.#isHead || status === 204 || status === 304 || status < 200
    const body = isBodiless ? null : this.#ended ? concatBytes(this.#chunks) as Uint8Array<ArrayBuffer> : new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller
        for (const chunk of this.#chunks) controller.enqueue(chunk)
        this.#chunks = []
      },
      cancel: () => { this.#controller = undefined },
    })
    const response = new Response(body, { status: status < 200 ? 200 : status, statusText: statusText.replace(/[^\x20-\x7e]/g, '?'), headers: own })
    if (status < 200) Object.defineProperty(response, 'status', { value: status })
    this.#resolve(response)
  }
}

/** How a client of HTTP asks. */
interface ClientCall {
  url: string
  method: string
  headers: Pairs
  insecure: boolean
  ca: string | null
  cert: string | null
  key: string | null
  servername: string | null
}

/** The calls of node:http, node:net and node:dns that the host answers. Ids below zero are given by the host. */
export function networkCalls(proc: Proc, loop: EventLoop, notify: Notify): Record<string, (...args: never[]) => unknown> {
  const exchanges = new Map<number, Exchange>()
  const sockets = new Map<number, TcpSocket>()
  const ports = new Map<number, number>()
  let lastId = 0

  const serve = (server: number, request: HttpRequest, peer: HttpPeer, { anyIp, secure }: { anyIp: boolean; secure: boolean }): Promise<Response> => new Promise((resolve, reject) => {
    const id = --lastId
    const url = new URL(request.url)
    const headers: Pairs = [...request.headers]
    if (!request.headers.has('host')) headers.unshift(['host', url.host])
    exchanges.set(id, new Exchange(request.method === 'HEAD', resolve, reject))
    notify(server, 'request', id, { method: request.method, path: `${url.pathname}${url.search}`, headers, remote: peer.remote, local: { ...peer.local, any: anyIp }, secure })
    request.signal.addEventListener('abort', () => notify(server, 'gone', id), { once: true })
    void (async () => {
      const reader = request.body?.getReader()
      for (;;) {
        const part = await reader?.read().catch(() => undefined)
        if (!part || part.done) break
        notify(server, 'data', id, part.value)
      }
      notify(server, 'end', id)
    })()
  })

  const listening = (id: number, open: () => { port: number; close(): void }) => {
    const listener = open()
    ports.set(id, listener.port)
    loop.open(id, () => listener.close())
  }

  const pump = async (id: number, socket: TcpSocket) => {
    try {
      for (let chunk = await socket.reader.read(); chunk; chunk = await socket.reader.read()) notify(id, 'data', chunk)
    } catch { /* An end is an end. */ }
    notify(id, 'end')
  }

  const ask = async (id: number, call: ClientCall, body: Uint8Array | null, signal: AbortSignal) => {
    const headers = new Headers()
    for (const [name, value] of call.headers) headers.append(name, value)
    const extra = proc.env.NODE_EXTRA_CA_CERTS
    const ca = call.ca ?? (extra !== undefined && proc.fs.exists(extra) ? proc.fs.readText(extra) : null)
    const options = { insecure: call.insecure, ...(ca === null ? {} : { caPem: ca }), ...(call.cert === null ? {} : { clientCertificatePem: call.cert }), ...(call.key === null ? {} : { clientKeyPem: call.key }), ...(call.servername === null ? {} : { serverName: call.servername }) }
    const response = await proc.net.fetch(httpRequest(call.url, { method: call.method, headers, body, signal }), options)
    notify(id, 'head', { status: response.status, statusText: response.statusText, headers: [...response.headers] })
    const reader = response.body?.getReader()
    for (;;) {
      const part = await reader?.read()
      if (!part || part.done) break
      notify(id, 'data', part.value)
    }
    notify(id, 'end')
  }
  /** Node names the address that it could not reach. */
  const told = async (error: unknown, hostname: string) => {
    const { code = 'ECONNRESET', message } = error as UnixError
    const address = isAddress(hostname) ? hostname : await proc.net.lookup(hostname).then(([first]) => first, () => undefined)
    return { code, message, ...(address === undefined ? {} : { address }) }
  }

  const calls = {
    listen(id: number, port: number, ip: string | null, tls: TlsServerOptions | null) {
      listening(id, () => proc.net.listenHttp(port, (request, peer) => serve(id, request, peer, { anyIp: ip === null, secure: tls !== null }), { ...(ip === null ? {} : { ip }), ...(tls ? { tls } : {}) }))
    },
    listenTcp(id: number, port: number, ip: string | null) {
      listening(id, () => proc.net.listenTcp(port, (socket) => {
        const connection = --lastId
        sockets.set(connection, socket)
        notify(id, 'connection', connection, { local: socket.local, remote: socket.remote })
      }, ip === null ? {} : { ip }))
    },
    listenedPort: (id: number) => ports.get(id),
    adopt(id: number) {
      const socket = sockets.get(id)!
      loop.open(id, () => socket.destroy())
      void pump(id, socket)
    },
    respond: (id: number, status: number, statusText: string, headers: Pairs) => exchanges.get(id)?.respond(status, statusText, headers),
    bodyChunk: (id: number, chunk: Uint8Array) => exchanges.get(id)?.write(chunk),
    bodyEnd: (id: number) => exchanges.get(id)?.end(),
    bodyAbort: (id: number) => exchanges.get(id)?.abort(),
    request(id: number, call: ClientCall, body: Uint8Array | null) {
      const controller = new AbortController()
      loop.open(id, () => controller.abort())
      const hostname = new URL(call.url).hostname.replace(/^\[|\]$/g, '')
      ask(id, call, body, controller.signal).catch(async (error) => { if (!controller.signal.aborted) notify(id, 'error', await told(error, hostname)) })
    },
    connect(id: number, hostname: string, port: number) {
      loop.open(id, () => sockets.get(id)?.destroy())
      proc.net.connectTcp(hostname, port).then((socket) => {
        if (!loop.isOpen(id)) { socket.destroy(); return }
        sockets.set(id, socket)
        notify(id, 'connected', { local: socket.local, remote: socket.remote })
        void pump(id, socket)
      }, async (error) => notify(id, 'error', await told(error, hostname)))
    },
    socketWrite(id: number, bytes: Uint8Array) { sockets.get(id)?.writer.write(bytes).catch(() => {}) },
    socketEnd: (id: number) => sockets.get(id)?.writer.close(),
    lookup(id: number, name: string) {
      loop.open(id)
      proc.net.lookup(name).then((addresses) => notify(id, null, addresses), (error) => notify(id, (error as UnixError).code ?? 'EAI_AGAIN', []))
    },
    addresses: () => [...proc.net.addresses],
  }
  return calls
}
