import { copyHeaders, httpRequest, httpResponse } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import { cidrContains, parseCidr, parseIp } from '../../kinds/ip.ts'
import { HOP_HEADERS, askUpstream, countedResponse } from '../front/upstream.ts'
import type { UpstreamFailure } from '../front/upstream.ts'
import { textMark } from '../front/text-mark.ts'
import { accessLogLine } from './access-log.ts'
import type { Cluster, EnvoyConfiguration, HeadersPolicy, RetryPolicy, Route, WeightedCluster } from './configuration.ts'
import { LoadBalancers } from './load-balancer.ts'
import { routeFor, virtualHostFor } from './route-match.ts'

/** One request on its way through Envoy. */
export interface Exchange {
  request: HttpRequest
  peer: HttpPeer
  scheme: 'http' | 'https'
  startMs: number
  /** As the client sent them. */
  authority: string
  path: string
  requestId: string
  forwardedFor: string
  /** Of the client's body. */
  bytesReceived: number
  /** `address:port` of the endpoint that was asked last. */
  upstreamHost: string
  upstreamMs: number | undefined
  /** Envoy's short words for what went wrong. */
  flags: string
}

type Forward = Extract<Route['action'], { kind: 'forward' }>

const REDIRECT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 }
const FAILURES: Readonly<Record<Exclude<UpstreamFailure, 'client-gone'>, { status: number; flags: string; body: string }>> = {
  refused: { status: 503, flags: 'UF', body: 'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: delayed connect error: Connection refused' },
  unreachable: { status: 503, flags: 'UF', body: 'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: delayed connect error: No route to host' },
  untrusted: { status: 503, flags: 'UF', body: 'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end' },
  reset: { status: 503, flags: 'UC', body: 'upstream connect error or disconnect/reset before headers. reset reason: connection termination' },
  'other-version': { status: 502, flags: 'UPE', body: 'upstream connect error or disconnect/reset before headers. reset reason: protocol error' },
  'connect-timeout': { status: 503, flags: 'UF', body: 'upstream connect error or disconnect/reset before headers. reset reason: connection timeout' },
  'read-timeout': { status: 504, flags: 'UT', body: 'upstream request timeout' },
}

/** Envoy's HTTP connection manager and router: finds virtual host and route for requests, and passes them on. */
export class HttpProxy {
  readonly #proc: Proc
  readonly #balancers: LoadBalancers
  #configuration: EnvoyConfiguration = { http: [], https: [], clusters: [] }
  #clusters = new Map<string, Cluster>()
  #active = 0
  readonly #answered = new Map<number, number>()

  constructor(proc: Proc) {
    this.#proc = proc
    this.#balancers = new LoadBalancers(proc)
  }

  /** Requests that are being answered. */
  get active(): number { return this.#active }
  get configuration(): EnvoyConfiguration { return this.#configuration }
  /** How many requests were answered, by class of status: 2 for 200 to 299. */
  get answered(): ReadonlyMap<number, number> { return this.#answered }

  configure(configuration: EnvoyConfiguration): void {
    this.#configuration = configuration
    this.#clusters = new Map(configuration.clusters.map((cluster) => [cluster.name, cluster]))
  }

  /** Answers one request that came to a listener, and writes the access log. */
  async answer(request: HttpRequest, peer: HttpPeer, scheme: 'http' | 'https'): Promise<Response> {
    const url = new URL(request.url)
    const before = request.headers.get('x-forwarded-for')
    const exchange: Exchange = {
      request, peer, scheme, startMs: this.#proc.clock.nowMs(), authority: request.headers.get('host') ?? url.host, path: url.pathname.replace(/\/{2,}/g, '/') + url.search, requestId: request.headers.get('x-request-id') || uuid(this.#proc),
      forwardedFor: before ? `${before},${peer.remote.ip}` : peer.remote.ip, bytesReceived: 0, upstreamHost: '', upstreamMs: undefined, flags: '-',
    }
    this.#active++
    const response = await this.#respond(exchange).catch((error: unknown) => { this.#active--; throw error })
    const log = (bytes: number) => {
      this.#active--
      const kind = Math.floor(response.status / 100)
      this.#answered.set(kind, (this.#answered.get(kind) ?? 0) + 1)
      void this.#proc.stdout.write(accessLogLine(exchange, response.status, bytes, this.#proc.clock.nowMs())).catch(() => {})
    }
    if (response.status === 101) { log(0); return response }
    response.headers.set('date', new Date(this.#proc.clock.nowMs()).toUTCString())
    response.headers.set('server', 'envoy')
    return countedResponse(response, request.method, log)
  }

  async #respond(exchange: Exchange): Promise<Response> {
    const { request, scheme, authority } = exchange
    const host = authority.replace(/:\d+$/, '')
    const virtualHost = virtualHostFor(scheme === 'https' ? this.#configuration.https : this.#configuration.http, host)
    const [path = '/', search = ''] = split(exchange.path)
    const route = virtualHost && routeFor(virtualHost, { path, authority: host, headers: request.headers, query: new URLSearchParams(search) })
    if (!route) { exchange.flags = 'NR'; return new Response(null, { status: 404, headers: { 'content-length': '0' } }) }
    if (route.addresses && !isAllowed(route.addresses, exchange.peer.remote.ip)) return local(403, 'RBAC: access denied')
    if (route.requiresTls && scheme === 'http') return redirect(301, `https://${host}${exchange.path}`)
    const { action } = route
    if (action.kind === 'answer') return action.body === '' ? new Response(null, { status: action.status, headers: { 'content-length': '0' } }) : local(action.status, action.body)
    if (action.kind === 'redirect') {
      const toScheme = action.scheme || scheme
      const port = action.port || (action.scheme ? 0 : Number(/:(\d+)$/.exec(authority)?.[1] ?? 0))
      const target = action.path !== undefined ? withQuery(action.path, search) : action.prefix !== undefined ? withQuery(action.prefix + path.slice(route.path.path.length), search) : exchange.path
      return redirect(action.status || 302, `${toScheme}://${action.host || host}${port && port !== REDIRECT_PORTS[toScheme] ? `:${port}` : ''}${target}`)
    }
    const response = await this.#forward(exchange, route, action)
    applyHeaders(response.headers, route.responseHeaders, exchange)
    return response
  }

  async #forward(exchange: Exchange, route: Route, action: Forward): Promise<Response> {
    const { request, peer, scheme, authority } = exchange
    if (request.headers.get('upgrade') !== null && !action.allowsUpgrade) return new Response(null, { status: 403, headers: { 'content-length': '0' } })
    const chosen = this.#chooseCluster(action.clusters)
    const cluster = chosen && this.#clusters.get(chosen.name)
    if (!cluster || cluster.endpoints.length === 0) { exchange.flags = 'UH'; return local(503, 'no healthy upstream') }
    const body = request.body && request.headers.get('upgrade') === null ? new Uint8Array(await request.arrayBuffer()) : undefined
    exchange.bytesReceived = body?.length ?? 0
    const headers = copyHeaders(request.headers)
    if (request.headers.get('upgrade') === null) headers.delete('connection')
    headers.set('host', authority)
    headers.set('x-request-id', exchange.requestId)
    headers.set('x-forwarded-for', exchange.forwardedFor)
    headers.set('x-forwarded-proto', scheme)
    if (isInternal(peer.remote.ip) && !request.headers.has('x-forwarded-for')) headers.set('x-envoy-internal', 'true')
    else headers.set('x-envoy-external-address', peer.remote.ip)
    headers.set('x-envoy-expected-rq-timeout-ms', String(action.timeoutMs ?? 0))
    applyHeaders(headers, route.requestHeaders, exchange)
    applyHeaders(headers, chosen!.requestHeaders, exchange)
    if (body) headers.set('content-length', String(body.length))
    let path = exchange.path
    if (action.prefixRewrite !== undefined) {
      headers.set('x-envoy-original-path', path)
      path = action.prefixRewrite + path.slice(route.path.path.length)
    }
    const cookie = action.affinity && cookieOf(request.headers, action.affinity.name)
    const affinity = action.affinity && (cookie ?? this.#proc.random.hex(16))
    const key = affinity ?? (action.hashHeaders.length > 0 ? action.hashHeaders.map((name) => request.headers.get(name) ?? '').join('\0') : undefined)
    const deadlineMs = action.timeoutMs === undefined ? undefined : exchange.startMs + action.timeoutMs
    for (let tries = 0; ; tries++) {
      const endpoint = this.#balancers.choose(cluster, key === undefined ? undefined : textMark(key), tries)
      exchange.upstreamHost = endpoint
      const nowMs = this.#proc.clock.nowMs()
      const left = deadlineMs === undefined ? undefined : Math.max(1, deadlineMs - nowMs)
      const perTry = action.retry?.perTryTimeoutMs
      const result = await this.#balancers.during(cluster.name, endpoint, () => askUpstream(this.#proc, (signal) => httpRequest(`${cluster.tls ? 'https' : 'http'}://${endpoint}${path}`, { method: request.method, headers, body: body ?? null, signal }), {
        connectTimeoutMs: cluster.connectTimeoutMs, readTimeoutMs: perTry === undefined ? left : Math.min(perTry, left ?? Infinity), client: request.signal, ...(cluster.validation ? { caPem: cluster.validation.caPem, serverName: cluster.validation.subjectName } : {}),
      }))
      if (result === 'client-gone') { exchange.flags = 'DC'; return new Response(null, { status: 499 }) }
      const hasTime = deadlineMs === undefined || this.#proc.clock.nowMs() < deadlineMs
      if (action.retry && tries < action.retry.retries && hasTime && isRetried(result, action.retry)) {
        if (typeof result !== 'string') await result.body?.cancel()
        await this.#proc.sleep(this.#proc.random.int(25 * 2 ** Math.min(tries, 4)) + 1)
        continue
      }
      if (typeof result === 'string') {
        const { status, flags, body: text } = FAILURES[result]
        exchange.flags = action.retry && tries >= action.retry.retries && tries > 0 ? `${flags},URX` : flags
        return local(status, text)
      }
      if (result.status === 101) return result
      const answer = copyHeaders(result.headers)
      for (const name of HOP_HEADERS) answer.delete(name)
      exchange.upstreamMs = this.#proc.clock.nowMs() - nowMs
      answer.set('x-envoy-upstream-service-time', String(Math.round(exchange.upstreamMs)))
      if (action.affinity && cookie === undefined) answer.append('set-cookie', `${action.affinity.name}="${affinity}"; Path=/; HttpOnly`)
      applyHeaders(answer, chosen!.responseHeaders, exchange)
      return httpResponse(result.body, { status: result.status, statusText: result.statusText, headers: answer })
    }
  }

  /** By weight; where none has any, equally. */
  #chooseCluster(clusters: readonly WeightedCluster[]): WeightedCluster | undefined {
    const total = clusters.reduce((sum, { weight }) => sum + weight, 0)
    if (clusters.length <= 1 || total === 0) return clusters.length <= 1 ? clusters[0] : clusters[this.#proc.random.int(clusters.length)]
    let at = this.#proc.random.int(total)
    return clusters.find(({ weight }) => (at -= weight) < 0)
  }
}

function split(path: string): [string, string] {
  const at = path.indexOf('?')
  return at < 0 ? [path, ''] : [path.slice(0, at), path.slice(at + 1)]
}

const withQuery = (path: string, search: string) => (search === '' ? path : `${path}?${search}`)

/** Envoy: RetryStateImpl */
function isRetried(result: Response | UpstreamFailure, { on, statusCodes }: RetryPolicy): boolean {
  const asks = (...names: string[]) => names.some((name) => on.includes(name))
  if (typeof result === 'string') {
    if (asks('5xx', 'gateway-error')) return true
    if (result === 'refused' || result === 'unreachable' || result === 'connect-timeout') return asks('connect-failure', 'reset', 'reset-before-request')
    return asks('reset')
  }
  const { status } = result
  return (asks('5xx') && status >= 500) || (asks('gateway-error') && [502, 503, 504].includes(status)) || (asks('retriable-4xx') && status === 409) || (asks('retriable-status-codes') && statusCodes.includes(status))
}

function applyHeaders(headers: Headers, policy: HeadersPolicy | undefined, exchange: Exchange): void {
  if (!policy) return
  for (const [name, value] of Object.entries(policy.set)) headers.set(name, expand(value, exchange))
  for (const name of policy.remove) headers.delete(name)
  const host = policy.hostRewriteHeader ? exchange.request.headers.get(policy.hostRewriteHeader) : policy.hostRewrite
  if (host) headers.set('host', host)
}

/** Envoy's variables in a header's value; those that nobody here knows are empty. */
function expand(value: string, { request, peer, scheme, authority, upstreamHost }: Exchange): string {
  if (!value.includes('%')) return value
  return value.replace(/%%|%([A-Z0-9_]+)(?:\(:?([\w-]+)[^)]*\))?(?::\d+)?%/g, (match, name: string | undefined, argument: string | undefined) => {
    switch (name) {
      case undefined: return match === '%%' ? '%' : match
      case 'REQ': return argument === 'authority' ? authority : request.headers.get(argument ?? '') ?? '-'
      case 'DOWNSTREAM_REMOTE_ADDRESS': return `${peer.remote.ip}:${peer.remote.port}`
      case 'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT': return peer.remote.ip
      case 'DOWNSTREAM_LOCAL_ADDRESS': return `${peer.local.ip}:${peer.local.port}`
      case 'DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT': return peer.local.ip
      case 'DOWNSTREAM_LOCAL_PORT': return String(peer.local.port)
      case 'UPSTREAM_REMOTE_ADDRESS': return upstreamHost
      case 'PROTOCOL': return 'HTTP/1.1'
      case 'DOWNSTREAM_TLS_VERSION': return scheme === 'https' ? 'TLSv1.3' : '-'
      default: return '-'
    }
  })
}

function local(status: number, body: string): Response {
  return new Response(body, { status, headers: { 'content-length': String(new TextEncoder().encode(body).length), 'content-type': 'text/plain' } })
}

function redirect(status: number, location: string): Response {
  return new Response(null, { status, headers: { location, 'content-length': '0' } })
}

function isAllowed({ allow, ranges }: NonNullable<Route['addresses']>, ip: string): boolean {
  const address = parseIp(ip)
  return ranges.some((range) => { const cidr = parseCidr(range); return cidr && address && cidrContains(cidr, address) }) === allow
}

/** Envoy calls private addresses internal. */
function isInternal(ip: string): boolean {
  return /^(10\.|127\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(ip)
}

function cookieOf(headers: Headers, name: string): string | undefined {
  return new RegExp(`(?:^|;\\s*)${name.replace(/[^\w-]/g, '\\$&')}="?([^;"]*)"?`).exec(headers.get('cookie') ?? '')?.[1]
}

function uuid(proc: Proc): string {
  const hex = proc.random.hex(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-9${hex.slice(17, 20)}-${hex.slice(20)}`
}
