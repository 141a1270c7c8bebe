import { httpRequest, UpgradeResponse } from '../base/http.ts'
import type { WebSocketEnd } from '../base/http.ts'
import type { KubeList, KubeObject, WatchEvent } from '../cluster/kinds/object.ts'
import { failureOf } from '../cluster/kinds/response-failure.ts'
import { StatusError } from '../cluster/kinds/status-error.ts'
import type { Status } from '../cluster/kinds/status-error.ts'
import type { FetchOptions, NetStack } from '../unix/types.ts'

/** Where the API server is and who asks. */
export interface RestConfig {
  /** Without a slash at the end. */
  server: string
  tls: FetchOptions
  /** Sent with every request: Authorization, Impersonate-*. */
  headers: readonly (readonly [string, string])[]
  userAgent: string
  /** Milliseconds; 0 for none. */
  timeoutMs: number
  /** Credentials that must be asked for, where {@link headers} and {@link tls} have none. */
  credentials?: CredentialSource
}

export interface Credentials {
  headers: readonly (readonly [string, string])[]
  tls: Pick<FetchOptions, 'clientCertificatePem' | 'clientKeyPem'>
}

/** Hands out credentials and hears when the server refuses them. */
export interface CredentialSource {
  get(): Promise<Credentials>
  refused(used: Credentials): Promise<void>
}

export interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined> | readonly (readonly [string, string])[]
  body?: unknown
  contentType?: string
  accept?: string
  signal?: AbortSignal
  /** A stream is wanted: no time-out. */
  streaming?: boolean
}

export interface RestHooks {
  /** The text of a Warning header. */
  onWarning(text: string): void
  /** Before each exchange, for `-v`. */
  onRequest?(method: string, url: string, headers: readonly (readonly [string, string])[], body: string | undefined): void
  /** After each exchange, for `-v`. */
  onExchange?(method: string, url: string, status: number, elapsedMs: number, headers: Headers): void
  /** The text of each answer, for `-v`. */
  onBody?(text: string, method: string, url: string): void
  nowMs(): number
  /** Runs something after a time, for --request-timeout. */
  after(ms: number, run: () => void): { cancel(): void }
  /** Makes an error of a failed connection. */
  connectionError(method: string, url: string, error: Error): Error
}

/** Talks to an API server: JSON in, JSON out, failures as {@link StatusError}. */
export class RestClient {
  readonly config: RestConfig
  readonly #net: NetStack
  readonly #hooks: RestHooks

  constructor(config: RestConfig, net: NetStack, hooks: RestHooks) {
    this.config = config
    this.#net = net
    this.#hooks = hooks
  }

  url(path: string, query?: RequestOptions['query']): string {
    const params = new URLSearchParams()
    for (const [k, v] of Array.isArray(query) ? query as [string, string][] : Object.entries(query ?? {})) if (v !== undefined) params.append(k, String(v))
    const text = params.toString()
    return `${this.config.server}${path}${text ? `${path.includes('?') ? '&' : '?'}${text}` : ''}`
  }

  /** Headers and TLS of the credentials in force, for those who make requests of their own. @throws Error */
  async credentials(): Promise<Credentials> {
    return await this.config.credentials?.get() ?? { headers: [], tls: {} }
  }

  async #fetch(method: string, url: string, headers: [string, string][], body: string | Uint8Array | null, signal: AbortSignal | undefined, streaming = false): Promise<Response> {
    const { credentials: source, timeoutMs } = this.config
    const stop = new AbortController()
    let late = false
    const timer = timeoutMs > 0 ? this.#hooks.after(timeoutMs, () => { late = true; stop.abort() }) : undefined
    const onAbort = () => { timer?.cancel(); stop.abort(signal?.reason) }
    signal?.addEventListener('abort', onAbort, { once: true })
    let used: Credentials | undefined
    let response: Response
    try {
      if (source) used = await source.get().catch((error: Error) => { throw new Error(`getting credentials: ${error.message}`) })
      if (late) throw new Error()
      const made = httpRequest(url, { method, headers: used ? [...headers, ...used.headers as [string, string][]] : headers, body, ...(signal || timer ? { signal: stop.signal } : {}) })
      const answered = this.#net.fetch(made, used ? { ...this.config.tls, ...used.tls } : this.config.tls)
      response = timer ? await Promise.race([answered, new Promise<never>((_, reject) => { stop.signal.addEventListener('abort', () => reject(new Error()), { once: true }) })]) : await answered
    } catch (error) {
      timer?.cancel()
      if (signal?.aborted) throw error
      throw this.#hooks.connectionError(method, url, late ? new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)') : error as Error)
    }
    // A stream ends with the time, too; other answers are there at once.
    if (!streaming) timer?.cancel()
    if (used && response.status === 401) await source!.refused(used).catch(() => {})
    return response
  }

  /** The answer as it is, whatever its status; warnings are reported. */
  async send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const headers: [string, string][] = [['Accept', options.accept ?? 'application/json'], ['User-Agent', this.config.userAgent]]
    let body: string | Uint8Array | null = null
    if (options.body !== undefined) {
      body = typeof options.body === 'string' || options.body instanceof Uint8Array ? options.body : JSON.stringify(options.body)
      headers.push(['Content-Type', options.contentType ?? 'application/json'])
    }
    headers.push(...this.config.headers as [string, string][])
    const query = this.config.timeoutMs && !options.streaming && !Array.isArray(options.query) ? { ...options.query as object, timeout: `${Math.round(this.config.timeoutMs / 1000)}s` } : options.query
    const url = this.url(path, query)
    this.#hooks.onRequest?.(method, url, headers, typeof body === 'string' ? body : '')
    const started = this.#hooks.nowMs()
    const response = await this.#fetch(method, url, headers, body, options.signal, options.streaming)
    this.#hooks.onExchange?.(method, url, response.status, this.#hooks.nowMs() - started, response.headers)
    for (const text of warningTexts(response.headers.get('warning'))) this.#hooks.onWarning(text)
    return response
  }

  /** The answer's text. @throws StatusError unless 2xx */
  async text(method: string, path: string, options?: RequestOptions): Promise<string> {
    const response = await this.send(method, path, options)
    const text = await response.text()
    this.#hooks.onBody?.(text, method, this.url(path))
    if (response.status < 200 || response.status > 299) throw failureOf(response.status, text, method, path)
    return text
  }

  /** The answer's JSON. @throws StatusError unless 2xx */
  async json<T = any>(method: string, path: string, options?: RequestOptions): Promise<T> {
    const text = await this.text(method, path, options)
    return (text ? JSON.parse(text) : {}) as T
  }

  /** The body as a stream. @throws StatusError unless 2xx */
  async stream(path: string, options: RequestOptions = {}): Promise<ReadableStream<Uint8Array>> {
    const response = await this.send('GET', path, { ...options, streaming: true })
    if (response.status < 200 || response.status > 299) throw failureOf(response.status, await response.text(), 'GET', path)
    return response.body ?? new ReadableStream({ start(c) { c.close() } })
  }

  /** A watch. An ERROR event ends it by throwing its Status. */
  async *watch<T = KubeObject>(path: string, options: RequestOptions = {}): AsyncGenerator<WatchEvent<T>> {
    const body = await this.stream(path, { ...options, query: { ...options.query as object, watch: 'true' } })
    const reader = body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader()
    let rest = ''
    try {
      for (;;) {
        const { value, done } = await reader.read()
        if (done) return
        rest += value
        const lines = rest.split('\n')
        rest = lines.pop()!
        for (const line of lines) {
          if (!line.trim()) continue
          const event = JSON.parse(line) as WatchEvent<any>
          if (event.type === 'ERROR') throw new StatusError(event.object as unknown as Status)
          yield event
        }
      }
    } catch (error) {
      if (options.signal?.aborted) return
      throw error
    } finally {
      reader.cancel().catch(() => {})
    }
  }

  /**
   * An upgraded connection. A refused one is asked for once more with POST, which takes other permissions: that answer counts.
   * k8s: client-go/tools/remotecommand FallbackExecutor, streaming/pkg/httpstream/spdy SpdyRoundTripper.NewConnection
   * @throws Error that quotes the refusal
   */
  async webSocket(path: string, protocols: readonly string[], query: RequestOptions['query'], signal?: AbortSignal): Promise<WebSocketEnd> {
    const url = this.url(path, query)
    const headers: [string, string][] = [
      ['Connection', 'Upgrade'], ['Upgrade', 'websocket'], ['Sec-WebSocket-Version', '13'], ['Sec-WebSocket-Protocol', protocols.join(', ')], ['User-Agent', this.config.userAgent],
      ...this.config.headers as [string, string][],
    ]
    const ask = async (method: 'GET' | 'POST') => {
      this.#hooks.onRequest?.(method, url, headers.filter(([name]) => !/^(connection|upgrade|sec-websocket-version)$/i.test(name)), undefined)
      const started = this.#hooks.nowMs()
      const response = await this.#fetch(method, url, headers, null, signal)
      this.#hooks.onExchange?.(method, url, response.status, this.#hooks.nowMs() - started, response.headers)
      const socket = response instanceof UpgradeResponse ? response.webSocket : (response as { webSocket?: WebSocketEnd }).webSocket
      return socket ? { socket } : { status: response.status, text: await response.text() }
    }
    const first = await ask('GET')
    if (first.socket) return first.socket
    const second = await ask('POST').catch(() => first)
    if (second.socket) return second.socket
    // Servers that know no other way to upgrade refuse the second attempt as such.
    throw new Error(`unable to upgrade connection: ${refusalText((second.status === first.status ? second : first).text!)}`)
  }

  list<T = KubeObject>(path: string, query?: RequestOptions['query']): Promise<KubeList<T>> {
    return this.json<KubeList<T>>('GET', path, { query })
  }
}

/** What a refused upgrade says. k8s: spdy upgradeErrorMessage */
function refusalText(body: string): string {
  try {
    const { message, error } = JSON.parse(body) as { message?: unknown; error?: unknown }
    for (const text of [message, error]) if (typeof text === 'string' && text.trim()) return text.trim()
  } catch { /* plain text */ }
  return body.trim() || 'empty server response'
}

/** The texts of a Warning header, which may hold several: `299 - "text", 299 - "other"`. */
function warningTexts(header: string | null): string[] {
  if (!header) return []
  return [...header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((m) => utf8Of(m[1]!.replace(/\\(.)/g, '$1')))
}

/** A header's characters are bytes. */
function utf8Of(text: string): string {
  return /^[\x00-\x7f]*$/.test(text) ? text : new TextDecoder().decode(Uint8Array.from(text, (char) => char.charCodeAt(0)))
}
