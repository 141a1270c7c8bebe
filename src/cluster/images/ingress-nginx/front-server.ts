import { copyHeaders, httpRequest, httpResponse, trailersOf, withTrailers } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { cidrContains, parseCidr, parseIp } from '../../kinds/ip.ts'
import { textMark } from '../front/text-mark.ts'
import { HOP_HEADERS, askUpstream, countedResponse } from '../front/upstream.ts'
import { otherVersionText, protocolOf } from '../nginx/exchange.ts'
import { errorPage } from '../nginx/nginx-server.ts'
import type { CorsOptions, IngressOptions } from './annotations.ts'
import { isPassword } from '../../../unix/openssl/kept-passwords.ts'
import { credentialsOf } from '../front/basic-auth.ts'
import { CATCH_ALL, DEFAULT_BACKEND, DEFAULT_ENDPOINT, isRewritten } from './configuration.ts'
import type { Backend, Configuration, Location, Server } from './configuration.ts'
import type { GlobalOptions } from './global-options.ts'
import { Router } from './route.ts'
import type { ServerCertificate } from '../front/server-certificate.ts'

/** All that the front server works by; replaced as a whole. */
export interface FrontSetup {
  configuration: Configuration
  global: GlobalOptions
  /** More headers for backends and for clients. */
  proxyHeaders: Readonly<Record<string, string>>
  responseHeaders: Readonly<Record<string, string>>
}

/** One request on its way. */
interface Exchange {
  setup: FrontSetup
  request: HttpRequest
  peer: HttpPeer
  startMs: number
  scheme: 'http' | 'https'
  port: number
  /** As the client sent them. */
  httpHost: string
  requestUri: string
  /** Decoded, without the query. */
  uri: string
  query: string
  remoteIp: string
  requestId: string
  /** Who logged in. */
  user: string
  body: Uint8Array | undefined
  /** What is to follow the answer's body. */
  trailers: Promise<Headers> | undefined
  server: Server
  location: Location | undefined
  backend: Backend | undefined
  alternative: string
  upstream: { addresses: string[]; statuses: string[]; seconds: string[]; bytes: string[] }
}

/** What a location without an Ingress works by. */
type Options = Pick<IngressOptions, 'accessLog' | 'bodyLimitBytes' | 'connectTimeoutMs' | 'readTimeoutMs' | 'nextUpstreamTries'> & Partial<IngressOptions>

const ACME_PATH = '/.well-known/acme-challenge'

/** The nginx that the controller configures: takes requests on ports 80 and 443, and passes them on. */
export class FrontServer {
  readonly #proc: Proc
  #setup: FrontSetup | undefined
  #router: Router | undefined
  #connections = 0
  readonly #turns = new Map<string, number>()
  readonly #rates = new Map<string, { excess: number; atMs: number }>()

  constructor(proc: Proc) {
    this.#proc = proc
  }

  /** @throws SyntaxError for a path that is no regular expression where one is wanted; the setup before it stays */
  configure(setup: FrontSetup): void {
    this.#router = new Router(setup.configuration)
    this.#setup = setup
  }

  /** Whether connections over TLS may be HTTP/2's. */
  get usesHttp2(): boolean {
    return this.#setup?.global.usesHttp2 ?? true
  }

  /** What the name that a client asks for is shown. */
  certificateFor(name: string | undefined): ServerCertificate | undefined {
    const server = this.#router?.serverFor(name?.toLowerCase() ?? CATCH_ALL)
    return server?.certificate ?? this.#router?.serverFor(CATCH_ALL).certificate
  }

  /** Answers one request that came to a port, and writes the access log. */
  async answer(request: HttpRequest, peer: HttpPeer, scheme: 'http' | 'https', port: number): Promise<Response> {
    const [setup, router] = [this.#setup!, this.#router!]
    this.#connections++
    const url = new URL(request.url)
    const forwarded = (name: string) => (setup.global.usesForwardedHeaders ? request.headers.get(name)?.split(',')[0]!.trim() : undefined)
    const httpHost = forwarded('x-forwarded-host') ?? request.headers.get('host') ?? url.host
    const host = httpHost.replace(/:\d+$/, '').toLowerCase()
    const server = router.serverFor(host)
    const uri = decoded(url.pathname).replace(/\/{2,}/g, '/')
    const location = router.locationFor(server, uri)
    const exchange: Exchange = {
      setup, request, peer, startMs: this.#proc.clock.nowMs(), scheme: (forwarded('x-forwarded-proto') as 'http' | undefined) ?? scheme, port, httpHost, requestUri: url.pathname + url.search, uri, query: url.search.slice(1),
      remoteIp: forwarded('x-forwarded-for') ?? peer.remote.ip, requestId: request.headers.get('x-request-id') || (setup.global.generatesRequestId ? this.#proc.random.hex(16) : ''),
      user: '', trailers: undefined, body: request.body && request.headers.get('upgrade') === null ? new Uint8Array(await request.arrayBuffer()) : undefined, server, location, backend: location && setup.configuration.backends.get(location.backend), alternative: '',
      upstream: { addresses: [], statuses: [], seconds: [], bytes: [] },
    }
    const options = optionsOf(exchange)
    const isHealthCheck = server.hostname === CATCH_ALL && (uri === '/healthz' || uri === '/nginx_status')
    const toWww = router.redirectFor(host)
    const response = isHealthCheck ? healthAnswer(exchange) : toWww ? redirect(setup.global.redirectStatus, `${exchange.scheme}://${toWww.hostname}${exchange.requestUri}`) : await this.#process(exchange, options)
    if (response.status === 101) { this.#log(exchange, 101, 0); return response }
    return this.#finish(exchange, response, options.accessLog && setup.global.accessLog && !isHealthCheck && location !== undefined)
  }

  /** The phases of nginx: what the server says, size, rewriting and redirects, limits, access, and then the backend. */
  async #process(exchange: Exchange, options: Options): Promise<Response> {
    const { setup: { global }, server, location, backend, uri, body, scheme } = exchange
    const appRoot = uri === '/' ? server.locations.find(({ taken }) => taken?.options.appRoot)?.taken?.options.appRoot : undefined
    if (appRoot) return redirect(302, `${scheme}://${exchange.httpHost}${appRoot}`)
    if (this.#router!.needsSlash(server, uri)) return redirect(301, `${scheme}://${exchange.httpHost.split(':')[0]}${uri}/${exchange.query === '' ? '' : `?${exchange.query}`}`)
    if (!location) return page(404)
    if (body && options.bodyLimitBytes > 0 && body.length > options.bodyLimitBytes) {
      this.#error(exchange, `client intended to send too large body: ${body.length} bytes`)
      return page(413)
    }
    if (options.denied !== undefined) return page(503)
    if (options.cors && exchange.request.method === 'OPTIONS' && isFromOrigin(exchange, options.cors)) return new Response(null, { status: 204, headers: { 'content-type': 'text/plain charset=UTF-8' } })
    if (options.redirect?.url) return redirect(options.redirect.status, options.redirect.url)
    if (scheme === 'http' && !location.path.startsWith(ACME_PATH) && (options.forceSslRedirect || (options.sslRedirect && this.#hasCertificate(exchange)))) {
      const target = options.preserveTrailingSlash ? exchange.requestUri : exchange.requestUri.replace(/\/$/, '')
      return redirect(global.redirectStatus, `https://${exchange.httpHost.split(':')[0]}${options.usesPortInRedirects ? ':443' : ''}${target}`)
    }
    if (!backend || backend.endpoints.length === 0) return page(503)
    const chosen = this.#takenOver(exchange, backend)
    if (options.requestsPerSecond && this.#exceeds(exchange, options.requestsPerSecond, options.burstMultiplier!)) {
      this.#error(exchange, 'limiting requests, excess')
      return page(503)
    }
    const refusal = await this.#refuse(exchange, options)
    if (refusal) return refusal
    const response = chosen.endpoints[0] === DEFAULT_ENDPOINT ? page(404) : await this.#pass(exchange, chosen, options)
    return options.customHttpErrors?.includes(response.status) ? this.#explain(exchange, response, options) : response
  }

  /** By address and by login: both must do, unless one is said to be enough. */
  async #refuse(exchange: Exchange, options: Options): Promise<Response | undefined> {
    const { remoteIp } = exchange
    const isListed = !options.denylist?.some((range) => isIn(remoteIp, range)) && (!options.allowlist?.length || options.allowlist.some((range) => isIn(remoteIp, range)))
    if (!isListed && !(options.satisfiesAny && options.basicAuth)) {
      this.#error(exchange, 'access forbidden by rule')
      return page(403)
    }
    if (!options.basicAuth || (options.satisfiesAny && isListed && options.allowlist?.length)) return undefined
    const { realm, file, passwords } = options.basicAuth
    const credentials = credentialsOf(exchange.request.headers.get('authorization'))
    const kept = credentials && passwords.get(credentials.user)
    if (kept !== undefined && await this.#proc.clock.outside(isPassword(credentials!.password, kept))) {
      exchange.user = credentials!.user
      return undefined
    }
    if (credentials) this.#error(exchange, kept === undefined ? `user "${credentials.user}" was not found in "${file}"` : `user "${credentials.user}": password mismatch`)
    const refused = page(401)
    refused.headers.set('www-authenticate', `Basic realm="${realm}"`)
    return refused
  }

  /** What the backend for errors says instead of an answer. k8s: nginx.tmpl CUSTOM_ERRORS */
  async #explain(exchange: Exchange, response: Response, options: Options): Promise<Response> {
    const { location, request } = exchange
    await response.body?.cancel()
    const backend = exchange.setup.configuration.backends.get(location!.errorBackend)
    if (!backend || backend.endpoints[0] === DEFAULT_ENDPOINT) return page(404)
    const headers: Record<string, string> = {
      'x-code': String(response.status), 'x-format': request.headers.get('accept') ?? '', 'x-original-uri': exchange.requestUri, 'x-namespace': location!.taken!.ingress.metadata.namespace!, 'x-ingress-name': location!.taken!.ingress.metadata.name!,
      'x-service-name': location!.service?.name ?? '', 'x-service-port': location!.service?.port ?? '',
    }
    return this.#pass({ ...exchange, requestUri: '/', uri: '/', query: '', body: undefined, request: httpRequest(request.url, { headers: { ...Object.fromEntries(request.headers), ...headers } }) }, backend, { ...options, rewriteTarget: '' })
  }

  #hasCertificate({ httpHost }: Exchange): boolean {
    const server = this.#router!.serverFor(httpHost.replace(/:\d+$/, '').toLowerCase())
    return server.hostname !== CATCH_ALL && server.certificate !== undefined
  }

  /** The canary instead of the backend, for the requests that it takes. k8s: ingress-nginx balancer.lua route_to_alternative_balancer */
  #takenOver(exchange: Exchange, backend: Backend): Backend {
    const alternative = exchange.setup.configuration.backends.get(backend.alternatives[0] ?? '')
    const policy = alternative?.canary
    if (!alternative || !policy || alternative.endpoints.length === 0 || !this.#takes(exchange, policy)) return backend
    exchange.alternative = alternative.name
    return alternative
  }

  #takes({ request: { headers } }: Exchange, { header, headerValue, headerPattern, cookie, weight, weightTotal }: NonNullable<Backend['canary']>): boolean {
    const value = header === '' ? null : headers.get(header)
    if (value !== null) {
      if (headerValue !== '') { if (value === headerValue) return true }
      else if (headerPattern !== '') { if (matches(headerPattern, value)) return true }
      else if (value === 'always') return true
      else if (value === 'never') return false
    }
    const kept = cookie === '' ? undefined : cookieOf(headers, cookie)
    if (kept === 'always') return true
    if (kept === 'never') return false
    return 1 + this.#proc.random.int(Math.max(100, weightTotal)) <= weight
  }

  /** nginx' leaky bucket, without delay: k8s: buildRateLimit */
  #exceeds({ remoteIp, location, startMs }: Exchange, rate: number, burstMultiplier: number): boolean {
    const key = `${location!.taken!.ingress.metadata.uid} ${remoteIp}`
    const known = this.#rates.get(key)
    const excess = known ? Math.max(0, known.excess - rate * (startMs - known.atMs) / 1000) + 1 : 0
    if (excess > rate * burstMultiplier) return true
    if (this.#rates.size > 10_000) this.#rates.clear()
    this.#rates.set(key, { excess, atMs: startMs })
    return false
  }

  async #pass(exchange: Exchange, backend: Backend, options: Options): Promise<Response> {
    const { request, location, uri, query, upstream } = exchange
    const { clock } = this.#proc
    const isGrpc = options.backendProtocol?.startsWith('GRPC') ?? false
    const isTls = options.backendProtocol === 'HTTPS' || options.backendProtocol === 'GRPCS' || (options.backendProtocol === 'AUTO_HTTP' && exchange.scheme === 'https')
    const rewritten = options.rewriteTarget && isRewritten(location!) ? rewrite(location!.path, options.rewriteTarget!, uri) : undefined
    const path = rewritten === undefined ? exchange.requestUri : `${encodeURI(rewritten)}${query === '' ? '' : `?${query}`}`
    const headers = this.#requestHeaders(exchange, options)
    const cookie = backend.affinity && cookieOf(request.headers, backend.affinity.cookieName)
    const first = backend.affinity ? this.#turnOf(backend, cookie ?? exchange.requestId) : this.#nextTurn(backend)
    const tries = Math.min(backend.endpoints.length, Math.max(1, options.nextUpstreamTries))
    for (let attempt = 0; attempt < tries; attempt++) {
      const endpoint = backend.endpoints[(first + attempt) % backend.endpoints.length]!
      const target = `${isTls ? 'https' : 'http'}://${endpoint}${path}`
      const beginMs = clock.nowMs()
      upstream.addresses.push(endpoint)
      const response = await askUpstream(this.#proc, (signal) => httpRequest(target, { method: request.method, headers, body: exchange.body ?? null, signal }), { connectTimeoutMs: options.connectTimeoutMs, readTimeoutMs: options.readTimeoutMs, client: request.signal, versions: [isGrpc ? 'h2' : 'http/1.1'] })
      if (typeof response !== 'string') {
        upstream.statuses.push(String(response.status))
        upstream.seconds.push(((clock.nowMs() - beginMs) / 1000).toFixed(3))
        if (response.status === 101) return response
        exchange.trailers = trailersOf(response)
        const answer = copyHeaders(response.headers)
        for (const name of [...HOP_HEADERS, 'server', 'date']) answer.delete(name)
        if (backend.affinity && cookie === undefined) answer.append('set-cookie', affinityCookie(exchange, backend.affinity, clock.nowMs()))
        return httpResponse(response.body, { status: response.status, statusText: response.statusText, headers: answer })
      }
      const isLate = response === 'read-timeout' || response === 'connect-timeout'
      upstream.statuses.push(isLate ? '504' : '502')
      upstream.seconds.push(((clock.nowMs() - beginMs) / 1000).toFixed(3))
      upstream.bytes.push('0')
      if (response === 'client-gone') return new Response(null, { status: 499 })
      const what = isLate ? `upstream timed out (110: Operation timed out) while ${response === 'read-timeout' ? 'reading response header from' : 'connecting to'} upstream`
        : response === 'other-version' ? otherVersionText(isGrpc) : response === 'reset' ? 'upstream prematurely closed connection while reading response header from upstream' : `connect() failed (${response === 'refused' ? '111: Connection refused' : '113: Host is unreachable'}) while connecting to upstream`
      this.#error(exchange, what, isGrpc ? target.replace(/^http/, 'grpc') : target)
      // proxy_next_upstream names errors and time limits alone.
      if (attempt === tries - 1 || response === 'other-version') return page(isLate ? 504 : 502)
    }
    return page(502)
  }

  #nextTurn(backend: Backend): number {
    const turn = this.#turns.get(backend.name) ?? this.#proc.random.int(backend.endpoints.length)
    this.#turns.set(backend.name, turn + 1)
    return turn
  }

  /** Where a client's cookie leads, as long as that endpoint is there: the highest of all endpoints' marks. */
  #turnOf({ endpoints }: Backend, cookie: string): number {
    const marks = endpoints.map((endpoint) => textMark(`${cookie} ${endpoint}`))
    return marks.indexOf(Math.max(...marks))
  }

  #requestHeaders(exchange: Exchange, options: Options): Headers {
    const { setup, request, httpHost, scheme, port, remoteIp, requestId } = exchange
    const headers = copyHeaders(request.headers)
    for (const name of [...headers.keys()]) if (name.includes('_')) headers.delete(name)
    const set = (name: string, value: string | null) => { if (value === null || value === '') headers.delete(name); else headers.set(name, value) }
    const [before, hostBefore] = [request.headers.get('x-forwarded-for'), request.headers.get('x-forwarded-host')]
    set('host', options.upstreamVhost || httpHost)
    set('connection', request.headers.get('upgrade') ? 'upgrade' : null)
    set('x-request-id', requestId)
    set('x-real-ip', remoteIp)
    set('x-forwarded-for', remoteIp)
    set('x-forwarded-host', httpHost)
    set('x-forwarded-port', String(port))
    set('x-forwarded-proto', scheme)
    set('x-forwarded-scheme', scheme)
    set('x-scheme', scheme)
    set('x-original-forwarded-for', before)
    set('x-original-forwarded-host', hostBefore)
    set('proxy', null)
    if (options.basicAuth) set('authorization', null)
    if (exchange.location?.backend.startsWith('custom-default-backend-')) set('x-code', '503')
    if (options.rewriteTarget && options.forwardedPrefix) set('x-forwarded-prefix', options.forwardedPrefix)
    for (const [name, value] of Object.entries(setup.proxyHeaders)) set(name, this.#variable(exchange, value))
    if (exchange.body) set('content-length', String(exchange.body.length))
    return headers
  }

  /** Puts on what every answer has, and writes the log once its last byte is sent. */
  #finish(exchange: Exchange, response: Response, isLogged: boolean): Response {
    const { setup: { global, responseHeaders }, request, scheme } = exchange
    const { headers } = response
    headers.set('date', new Date(this.#proc.clock.nowMs()).toUTCString())
    if (global.showsServerTokens) headers.set('server', 'nginx')
    if (scheme === 'https' && global.hsts && this.#hasCertificate(exchange)) headers.set('strict-transport-security', `max-age=${global.hstsMaxAge}${global.hstsIncludeSubdomains ? '; includeSubDomains' : ''}${global.hstsPreload ? '; preload' : ''}`)
    for (const [name, value] of Object.entries(responseHeaders)) headers.set(name, this.#variable(exchange, value))
    const cors = optionsOf(exchange).cors
    if (cors && isFromOrigin(exchange, cors)) {
      headers.set('access-control-allow-origin', cors.origins.includes('*') ? '*' : request.headers.get('origin')!)
      if (cors.credentials) headers.set('access-control-allow-credentials', 'true')
      headers.set('access-control-allow-methods', cors.methods)
      headers.set('access-control-allow-headers', cors.headers)
      if (cors.exposeHeaders !== '') headers.set('access-control-expose-headers', cors.exposeHeaders)
      headers.set('access-control-max-age', String(cors.maxAgeSeconds))
    }
    const done = (bytes: number) => { if (isLogged) this.#log(exchange, response.status, bytes) }
    const counted = countedResponse(response, request.method, done)
    return exchange.trailers ? withTrailers(counted, exchange.trailers) : counted
  }

  #log(exchange: Exchange, status: number, bytes: number): void {
    const { upstream } = exchange
    if (upstream.bytes.length < upstream.addresses.length) upstream.bytes.push(String(bytes))
    const line = this.#variable(exchange, exchange.setup.global.logFormat, { status: String(status), body_bytes_sent: String(bytes), bytes_sent: String(bytes) })
    void this.#proc.stdout.write(`${line}\n`).catch(() => {})
  }

  #variable(exchange: Exchange, text: string, more: Readonly<Record<string, string>> = {}): string {
    const { request, peer, requestUri, uri, query, upstream, location, scheme, port, httpHost, server } = exchange
    const { clock } = this.#proc
    const list = (values: readonly string[]) => values.join(', ') || '-'
    return text.replace(/\$\{?(\w+)\}?/g, (match, name: string) => {
      if (more[name] !== undefined) return more[name]
      switch (name) {
        case 'remote_addr': return exchange.remoteIp
        case 'remote_port': return String(peer.remote.port)
        case 'remote_user': return exchange.user || '-'
        case 'time_local': return formatDate('%d/%b/%Y:%H:%M:%S %z', clock.nowMs())
        case 'time_iso8601': return formatDate('%Y-%m-%dT%H:%M:%S+00:00', clock.nowMs())
        case 'request': return `${request.method} ${requestUri} ${protocolOf(peer)}`
        case 'request_method': return request.method
        case 'request_uri': return requestUri
        case 'uri': return uri
        case 'args': case 'query_string': return query || '-'
        case 'host': return httpHost.replace(/:\d+$/, '')
        case 'server_name': return server.hostname
        case 'server_port': return String(port)
        case 'server_protocol': return protocolOf(peer)
        case 'scheme': case 'pass_access_scheme': return scheme
        case 'request_length': return String(requestLength(exchange))
        case 'request_time': return ((clock.nowMs() - exchange.startMs) / 1000).toFixed(3)
        case 'proxy_upstream_name': return location?.backend ?? '-'
        case 'proxy_alternative_upstream_name': return exchange.alternative
        case 'upstream_addr': return list(upstream.addresses)
        case 'upstream_status': return list(upstream.statuses)
        case 'upstream_response_time': return list(upstream.seconds)
        case 'upstream_response_length': return list(upstream.bytes)
        case 'req_id': case 'request_id': return exchange.requestId
        case 'namespace': return location?.taken?.ingress.metadata.namespace ?? ''
        case 'ingress_name': return location?.taken?.ingress.metadata.name ?? ''
        case 'service_name': return location?.service?.name ?? ''
        case 'service_port': return location?.service?.port ?? ''
        default: return name.startsWith('http_') ? request.headers.get(name.slice(5).replaceAll('_', '-')) || '-' : match
      }
    })
  }

  #error({ request, requestUri, server, httpHost, remoteIp }: Exchange, what: string, upstream?: string): void {
    const { clock, pid, stderr } = this.#proc
    void stderr.write(`${formatDate('%Y/%m/%d %H:%M:%S', clock.nowMs())} [error] ${pid}#${pid}: *${this.#connections} ${what}, client: ${remoteIp}, server: ${server.hostname}, request: "${request.method} ${requestUri} HTTP/1.1", ${upstream ? `upstream: "${upstream}", ` : ''}host: "${httpHost}"\n`).catch(() => {})
  }
}

function optionsOf({ location, setup: { global } }: Exchange): Options {
  return location?.taken?.options ?? { accessLog: location?.backend !== DEFAULT_BACKEND, bodyLimitBytes: global.bodyLimitBytes, connectTimeoutMs: global.connectTimeoutMs, readTimeoutMs: global.readTimeoutMs, nextUpstreamTries: 3 }
}

function healthAnswer({ uri, remoteIp }: Exchange): Response {
  return uri === '/healthz' ? new Response(null, { status: 200, headers: { 'content-type': 'text/html' } }) : page(remoteIp === '127.0.0.1' ? 404 : 403)
}

const page = (status: number) => errorPage(status, 'nginx')

function redirect(status: number, location: string): Response {
  const made = page(status)
  made.headers.set('location', location)
  return made
}

/** nginx' rewrite: the expression may match anywhere, what it finds replaces the whole path. Undefined where it doesn't match. */
function rewrite(path: string, target: string, uri: string): string | undefined {
  const match = new RegExp(path, 'i').exec(uri)
  return match ? target.replace(/\$(\d)/g, (_, group: string) => match[Number(group)] ?? '') : undefined
}

function decoded(path: string): string {
  try { return decodeURIComponent(path) } catch { return path }
}

function matches(pattern: string, text: string): boolean {
  try { return new RegExp(pattern).test(text) } catch { return false }
}

function cookieOf(headers: Headers, name: string): string | undefined {
  for (const pair of (headers.get('cookie') ?? '').split(';')) {
    const [key, ...value] = pair.trim().split('=')
    if (key === name) return value.join('=')
  }
  return undefined
}

function affinityCookie({ requestId, location, scheme }: Exchange, { cookieName, path, maxAge, sameSite, secure }: NonNullable<IngressOptions['affinity']>, nowMs: number): string {
  const value = `${(nowMs / 1000).toFixed(3)}.${requestId.slice(0, 3)}|${requestId}`
  return [`${cookieName}=${value}`, ...(maxAge ? [`Max-Age=${maxAge}`] : []), `Path=${path || location!.path}`, ...(secure ?? scheme === 'https' ? ['Secure'] : []), 'HttpOnly', ...(sameSite ? [`SameSite=${sameSite}`] : [])].join('; ')
}

function isFromOrigin({ request }: Exchange, { origins }: CorsOptions): boolean {
  const origin = request.headers.get('origin')
  if (origins.includes('*')) return true
  return origin !== null && origins.some((allowed) => allowed === origin || (allowed.includes('*.') && new RegExp(`^${allowed.replaceAll('.', '\\.').replace('*\\.', '[A-Za-z0-9\\-]+\\.')}$`).test(origin)))
}

function isIn(ip: string, range: string): boolean {
  const [cidr, address] = [parseCidr(range), parseIp(ip)]
  return cidr && address ? cidrContains(cidr, address) : range === ip
}

/** Bytes of the request as it came over the wire. */
function requestLength({ request, requestUri, body }: Exchange): number {
  let bytes = `${request.method} ${requestUri} HTTP/1.1\r\n\r\n`.length + (body?.length ?? 0)
  request.headers.forEach((value, name) => { bytes += name.length + value.length + 4 })
  return bytes
}
