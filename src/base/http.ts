import { AsyncQueue } from './queue.ts'

/**
 * What handlers read of a request. The global Request has this shape; browsers forbid it headers such as Upgrade and Host,
 * so code inside the cluster makes its requests with {@link httpRequest}, which forbids nothing.
 */
export interface HttpRequest {
  readonly method: string
  /** Absolute. */
  readonly url: string
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal
  text(): Promise<string>
  arrayBuffer(): Promise<ArrayBuffer>
}

/** Headers that came in several lines, or are to go so: their lines, by name. What is joined by commas elsewhere is not in here. */
const lines = new WeakMap<Headers, Map<string, string[]>>()

/** Adds a line, also where there is one of that name already. */
export function appendHeaderLine(headers: Headers, name: string, value: string): void {
  const before = headers.has(name) ? headerLines(headers, name) : undefined
  headers.append(name, value)
  const key = name.toLowerCase()
  // Cookies are kept apart by the standard itself.
  if (!before || key === 'set-cookie') return
  let own = lines.get(headers)
  if (!own) lines.set(headers, own = new Map())
  own.set(key, [...before, value.trim()])
}

/** The lines of a header as they stand on the wire; none where there is no such header. */
export function headerLines(headers: Headers, name: string): string[] {
  const value = headers.get(name)
  if (value === null) return []
  if (name.toLowerCase() === 'set-cookie') return headers.getSetCookie()
  const own = lines.get(headers)?.get(name.toLowerCase())
  // Whoever has set it anew meanwhile meant one line.
  return own && own.join(', ') === value ? own : [value]
}

/** All lines, by name. */
export function allHeaderLines(headers: Headers): [name: string, value: string][] {
  return [...new Set(headers.keys())].flatMap((name) => headerLines(headers, name).map((value): [string, string] => [name, value]))
}

/** A copy that has the lines, too. */
export function copyHeaders(headers: Headers): Headers {
  const copy = new Headers(headers)
  const own = lines.get(headers)
  if (own) lines.set(copy, new Map(own))
  return copy
}

export interface HttpRequestInit {
  method?: string
  headers?: HeadersInit
  body?: string | Uint8Array | ReadableStream<Uint8Array> | null
  signal?: AbortSignal
}

export function httpRequest(url: string, init: HttpRequestInit = {}): HttpRequest {
  const given = init.body ?? null
  // A Response is the one standard object that reads any body without the Request's restrictions.
  const read = () => new Response(given as BodyInit | null)
  return {
    method: (init.method ?? 'GET').toUpperCase(),
    url,
    headers: init.headers instanceof Headers ? copyHeaders(init.headers) : new Headers(init.headers),
    get body() { return given instanceof ReadableStream ? given : given === null ? null : read().body },
    signal: init.signal ?? new AbortController().signal,
    text: async () => typeof given === 'string' ? given : await read().text(),
    arrayBuffer: () => read().arrayBuffer(),
  }
}

/** A Response with all of its headers, line by line: browsers drop Set-Cookie from those that their programs make. */
export function httpResponse(body: BodyInit | null, init: Omit<ResponseInit, 'headers'> & { headers: Headers }): Response {
  const response = new Response(body, init)
  if (lines.has(init.headers) || (init.headers.has('set-cookie') && !response.headers.has('set-cookie'))) Object.defineProperty(response, 'headers', { value: init.headers })
  return response
}

/** A version of HTTP, as ALPN names it. */
export type HttpVersion = 'http/1.1' | 'h2'

const versions = new WeakMap<Response, HttpVersion>()
const trailers = new WeakMap<Response, Promise<Headers>>()

/** By which version of HTTP an answer came. */
export function versionOf(response: Response): HttpVersion {
  return versions.get(response) ?? 'http/1.1'
}

/** Notes by which version of HTTP an answer comes. */
export function withVersion(response: Response, version: HttpVersion): Response {
  // Most are of the usual one, which needs no note.
  if (versionOf(response) !== version) versions.set(response, version)
  return response
}

/** Adds the fields that follow an answer's body; clients of HTTP/1.1 don't get them. @param fields resolves once the body has ended */
export function withTrailers(response: Response, fields: Promise<Headers>): Response {
  fields.catch(() => { /* told to whoever asks for them */ })
  trailers.set(response, fields)
  return response
}

/** The fields that follow an answer's body, once that has ended; undefined where none are to come. */
export function trailersOf(response: Response): Promise<Headers> | undefined {
  return trailers.get(response)
}

/** A close frame. */
export interface WebSocketClose {
  code: number
  reason: string
}

/** One end of a WebSocket inside the process: messages, not frames. */
export interface WebSocketEnd {
  /** The negotiated subprotocol. */
  readonly protocol: string
  /** Ignored after either end has closed. */
  send(message: Uint8Array | string): void
  /** Messages of the other end, in order, up to its close. For one consumer. */
  readonly messages: AsyncIterable<Uint8Array | string>
  close(code?: number, reason?: string): void
  /** Resolves when either end has closed. */
  readonly closed: Promise<WebSocketClose>
  /** Bytes sent that the other end has not taken yet, for back-pressure. */
  readonly bufferedBytes: number
}

/** Two joined ends. */
export function webSocketPair(protocol = ''): [WebSocketEnd, WebSocketEnd] {
  let markClosed!: (close: WebSocketClose) => void
  let isClosed = false
  const closed = new Promise<WebSocketClose>((resolve) => { markClosed = resolve })
  const queues = [new AsyncQueue<Uint8Array | string>(), new AsyncQueue<Uint8Array | string>()] as const
  const buffered = [0, 0]
  const end = (mine: 0 | 1, theirs: 0 | 1): WebSocketEnd => ({
    protocol,
    closed,
    get bufferedBytes() { return buffered[theirs]! },
    send(message) {
      if (isClosed) return
      buffered[theirs]! += message.length
      queues[theirs].push(message)
    },
    messages: {
      async *[Symbol.asyncIterator]() {
        for await (const message of queues[mine]) {
          buffered[mine]! -= message.length
          yield message
        }
      },
    },
    close(code = 1000, reason = '') {
      if (isClosed) return
      isClosed = true
      queues[0].end()
      queues[1].end()
      markClosed({ code, reason })
    },
  })
  return [end(0, 1), end(1, 0)]
}

/**
 * Status 101 with the client's end of the WebSocket: the convention of edge runtimes. The standard Response can't have that status.
 * With an `upgrade` header it is another protocol, and the messages are the connection's bytes as they come.
 */
export class UpgradeResponse extends Response {
  readonly webSocket: WebSocketEnd
  constructor(webSocket: WebSocketEnd, headers: HeadersInit = {}) {
    super(null, { status: 200, headers })
    Object.defineProperty(this, 'status', { value: 101 })
    Object.defineProperty(this, 'ok', { value: false })
    this.webSocket = webSocket
  }
}
