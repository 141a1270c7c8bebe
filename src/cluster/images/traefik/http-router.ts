import { copyHeaders, httpRequest, httpResponse, trailersOf, withTrailers } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import { HOP_HEADERS, askUpstream, countedResponse } from '../front/upstream.ts'
import { isForHost } from '../front/server-certificate.ts'
import type { ServerCertificate } from '../front/server-certificate.ts'
import type { ClusterObjects } from './cluster-objects.ts'
import type { DynamicConfiguration, Router, Sticky, TraefikService } from './configuration.ts'
import { NO_ANSWER, middlewareOf } from './middlewares.ts'
import type { Handler, Passage, Wrap } from './middlewares.ts'
import { stickyMark } from './names.ts'
import { parseRule } from './rule.ts'
import type { Matcher } from './rule.ts'
import type { TraefikLog } from './log.ts'
import type { EntryPoint } from './static-configuration.ts'

interface Route {
  router: Router
  priority: number
  matches: Matcher
  handle: Handler
}

const CONNECT_TIMEOUT_MS = 30_000

/** Finds routers for requests and passes them through their middlewares to servers. k8s: traefik/pkg/server/router */
export class HttpRouter {
  readonly #proc: Proc
  readonly #log: TraefikLog
  readonly #writesAccessLog: boolean
  #routes = new Map<string, Route[]>()
  #services: DynamicConfiguration['services'] = new Map()
  #certificates: readonly ServerCertificate[] = []
  #internal: ReadonlyMap<string, Handler> = new Map()
  /** Services behind middlewares of their own. */
  #wrapped: ReadonlyMap<string, Handler> = new Map()
  readonly #turns = new Map<string, number>()
  /** Kept while their Middleware says the same, with what they remember of clients. */
  #kept = new Map<string, { text: string; wrap: Wrap }>()
  #requests = 0
  readonly #answered = new Map<string, number>()

  constructor(proc: Proc, log: TraefikLog, writesAccessLog: boolean) {
    this.#proc = proc
    this.#log = log
    this.#writesAccessLog = writesAccessLog
  }

  /** How many requests were answered, by their labels in the text of Prometheus. */
  get answered(): ReadonlyMap<string, number> { return this.#answered }
  /** Those that serve some entry point. */
  get routers(): readonly Router[] { return [...new Set([...this.#routes.values()].flat().map(({ router }) => router))] }
  get services(): DynamicConfiguration['services'] { return this.#services }

  /** @param internal handlers of services that are Traefik's own, `api@internal` */
  configure(configuration: DynamicConfiguration, entryPoints: readonly EntryPoint[], secrets: ClusterObjects['secrets'], internal: ReadonlyMap<string, Handler>): void {
    const { routers, services, middlewares, certificates } = configuration
    this.#services = services
    this.#certificates = certificates
    const kept = new Map<string, { text: string; wrap: Wrap }>()
    const building: string[] = []
    const resolve = (name: string): Wrap => {
      const found = middlewares.get(name)
      if (!found) throw new Error(`middleware "${name}" does not exist`)
      if (building.includes(name)) throw new Error(`could not instantiate middleware ${name}: recursion detected in ${[...building, name].join('->')}`)
      const secret = found.spec.basicAuth?.secret
      const text = JSON.stringify([found.spec, secret ? secrets.get(`${found.namespace}/${secret}`)?.data : undefined])
      const before = found.spec.chain ? undefined : this.#kept.get(name)
      building.push(name)
      try {
        const wrap = before?.text === text ? before.wrap : middlewareOf(found.spec, { proc: this.#proc, namespace: found.namespace, secret: (key) => secrets.get(key), resolve })
        kept.set(name, { text, wrap })
        return wrap
      } finally { building.pop() }
    }
    this.#internal = internal
    const wrapped = new Map<string, Handler>()
    for (const [name, service] of services) {
      if (service.kind !== 'servers' || !service.middlewares?.length) continue
      const last: Handler = (passage) => this.#pass(name, service, passage)
      try { wrapped.set(name, service.middlewares.map(resolve).reduceRight((handler, wrap) => wrap(handler), last)) } catch (error) {
        this.#log('ERR', (error as Error).message, { serviceName: name })
        wrapped.set(name, () => Promise.resolve(new Response(null, { status: 500, headers: { 'content-length': '0' } })))
      }
    }
    this.#wrapped = wrapped
    const routes = new Map<string, Route[]>(entryPoints.map(({ name }) => [name, []]))
    const usual = entryPoints.filter(({ isDefault }) => isDefault)
    for (const router of routers.values()) {
      const names = router.entryPoints.length > 0 ? router.entryPoints : (usual.length > 0 ? usual : entryPoints.filter(({ name }) => name !== 'traefik')).map(({ name }) => name)
      for (const name of names) {
        const of = { entryPointName: name, routerName: router.name }
        if (!routes.has(name)) { this.#log('ERR', `EntryPoint doesn't exist`, of); continue }
        try {
          const last = internal.get(router.service) ?? this.#serviceHandler(router.service)
          const handle = router.middlewares.map(resolve).reduceRight((handler, wrap) => wrap(handler), last)
          routes.get(name)!.push({ router, priority: router.priority || router.rule.length, matches: parseRule(router.rule), handle })
        } catch (error) {
          this.#log('ERR', (error as Error).message, of)
        }
      }
    }
    for (const list of routes.values()) list.sort((a, b) => b.priority - a.priority || (a.router.name < b.router.name ? -1 : 1))
    this.#routes = routes
    this.#kept = kept
  }

  certificateFor(name: string | undefined): ServerCertificate | undefined {
    return name === undefined ? undefined : this.#certificates.find((certificate) => isForHost(certificate, name))
  }

  /** Answers one request that came to an entry point. */
  async answer({ name, tls }: EntryPoint, request: HttpRequest, peer: HttpPeer, scheme: 'http' | 'https'): Promise<Response> {
    const startMs = this.#proc.clock.nowMs()
    const number = ++this.#requests
    const url = new URL(request.url)
    const authority = request.headers.get('host') ?? url.host
    const host = authority.replace(/:\d+$/, '').toLowerCase().replace(/\.$/, '')
    const seen = { host, path: decoded(url.pathname), method: request.method, headers: request.headers, query: url.searchParams, clientIp: peer.remote.ip }
    const route = this.#routes.get(name)?.find(({ router, matches }) => (router.tls || tls) === (scheme === 'https') && matches(seen))
    const headers = copyHeaders(request.headers)
    for (const each of ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto', 'x-forwarded-server', 'x-real-ip']) headers.delete(each)
    const stream = isGrpc(request, peer) ? request.body ?? undefined : undefined
    const body = request.body && !stream && request.headers.get('upgrade') === null ? new Uint8Array(await request.arrayBuffer()) : undefined
    const found: Passage['found'] = { server: '-' }
    const response = route ? await route.handle({ request, peer, scheme, host: authority, path: url.pathname, search: url.search, headers, body, ...stream ? { stream } : {}, user: '', found }) : notFound()
    const labels = `code="${response.status}",entrypoint="${name}",method="${request.method}",protocol="${request.headers.get('upgrade') === null ? 'http' : 'websocket'}"`
    this.#answered.set(labels, (this.#answered.get(labels) ?? 0) + 1)
    const finish = (whole: Response) => found.trailers ? withTrailers(whole, found.trailers) : whole
    if (response.status === 101) return response
    unmark(response)
    if (!this.#writesAccessLog) return finish(response)
    return finish(countedResponse(response, request.method, (bytes) => {
      const at = new Date(startMs).toISOString()
      const day = `${at.slice(8, 10)}/${['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][Number(at.slice(5, 7)) - 1]}/${at.slice(0, 4)}:${at.slice(11, 19)} +0000`
      void this.#proc.stdout.write(`${peer.remote.ip} - - [${day}] "${request.method} ${url.pathname}${url.search} ${peer.version === 'h2' ? 'HTTP/2.0' : 'HTTP/1.1'}" ${response.status} ${bytes} "${request.headers.get('referer') ?? '-'}" "${request.headers.get('user-agent') ?? '-'}" ${number} "${route?.router.name ?? '-'}" "${found.server}" ${Math.round(this.#proc.clock.nowMs() - startMs)}ms\n`).catch(() => {})
    }))
  }

  #serviceHandler(name: string): Handler {
    if (!this.#services.has(name)) throw new Error(`the service "${name}" does not exist`)
    return (passage) => this.#passOn(name, passage)
  }

  #passOn(name: string, passage: Passage): Promise<Response> {
    const handler = this.#internal.get(name) ?? this.#wrapped.get(name)
    if (handler) return handler(passage)
    const service = this.#services.get(name)
    return service ? this.#pass(name, service, passage) : Promise.resolve(unavailable())
  }

  #pass(name: string, service: TraefikService, passage: Passage): Promise<Response> {
    if (service.kind === 'servers') return this.#ask(name, service, passage)
    const usable = service.services.filter(({ weight, name: other, status, grpc }) => weight > 0 && (status !== undefined || grpc !== undefined || this.#internal.has(other) || this.#services.has(other)))
    if (usable.length === 0) return Promise.resolve(unavailable())
    const stuck = service.sticky && cookieOf(passage.headers, service.sticky.cookie)
    const chosen = usable.find((each) => stickyMark(each.name) === stuck) ?? this.#byWeight(name, usable)
    if (chosen.grpc) return Promise.resolve(new Response(null, { headers: { 'content-type': 'application/grpc', 'grpc-status': String(chosen.grpc.code), 'grpc-message': chosen.grpc.message } }))
    const answer = chosen.status === undefined ? this.#passOn(chosen.name, passage) : Promise.resolve(new Response(null, { status: chosen.status, headers: { 'content-length': '0' } }))
    return service.sticky && stuck !== stickyMark(chosen.name) ? answer.then((response) => withCookie(response, service.sticky!, stickyMark(chosen.name))) : answer
  }

  /** Smooth weighted round robin: a small share doesn't come all at once. */
  #byWeight<T extends { name: string; weight: number }>(key: string, services: readonly T[]): T {
    const total = services.reduce((sum, { weight }) => sum + weight, 0)
    const credit = ({ name }: T) => this.#turns.get(`${key} ${name}`) ?? 0
    for (const service of services) this.#turns.set(`${key} ${service.name}`, credit(service) + service.weight)
    const chosen = services.reduce((best, service) => (credit(service) > credit(best) ? service : best))
    this.#turns.set(`${key} ${chosen.name}`, credit(chosen) - total)
    return chosen
  }

  async #ask(name: string, { servers, scheme, passHostHeader, sticky, tls }: Extract<TraefikService, { kind: 'servers' }>, { request, peer, scheme: shown, host, path, search, headers: given, body, stream, found }: Passage): Promise<Response> {
    if (servers.length === 0) return unavailable()
    const stuck = sticky && cookieOf(given, sticky.cookie)
    const kept = servers.find((server) => stickyMark(`${scheme}://${server}`) === stuck)
    const turn = this.#turns.get(name) ?? this.#proc.random.int(servers.length)
    if (kept === undefined) this.#turns.set(name, turn + 1)
    const server = kept ?? servers[turn % servers.length]!
    found.server = `${scheme}://${server}`
    const headers = copyHeaders(given)
    if (request.headers.get('upgrade') === null) headers.delete('connection')
    headers.set('host', passHostHeader ? host : server)
    headers.set('x-forwarded-for', peer.remote.ip)
    headers.set('x-forwarded-host', host)
    headers.set('x-forwarded-port', /:(\d+)$/.exec(host)?.[1] ?? (shown === 'https' ? '443' : '80'))
    headers.set('x-forwarded-proto', request.headers.get('upgrade') === null ? shown : shown === 'https' ? 'wss' : 'ws')
    headers.set('x-forwarded-server', this.#proc.net.hostname)
    headers.set('x-real-ip', peer.remote.ip)
    if (body) headers.set('content-length', String(body.length))
    const url = `${scheme === 'h2c' ? 'http' : scheme}://${server}${path}${search}`
    const response = await askUpstream(this.#proc, (signal) => httpRequest(url, { method: request.method, headers, body: stream ?? body ?? null, signal }), { connectTimeoutMs: CONNECT_TIMEOUT_MS, readTimeoutMs: undefined, client: request.signal, versions: scheme === 'h2c' ? ['h2'] : scheme === 'https' ? ['h2', 'http/1.1'] : ['http/1.1'], ...tls ? { caPem: tls.authorities, serverName: tls.serverName } : {} })
    if (typeof response === 'string') {
      const status = response === 'client-gone' ? 499 : response === 'connect-timeout' || response === 'read-timeout' ? 504 : response === 'untrusted' ? 500 : 502
      this.#log('DBG', `${status} ${REASONS[status]}`, { error: response })
      const text = REASONS[status]!
      return new Response(text, { status, headers: { 'content-length': String(text.length), [NO_ANSWER]: url } })
    }
    if (response.status === 101) return response
    const trailers = trailersOf(response)
    if (trailers) found.trailers = trailers
    const answer = copyHeaders(response.headers)
    for (const each of HOP_HEADERS) answer.delete(each)
    const passed = httpResponse(response.body, { status: response.status, statusText: response.statusText, headers: answer })
    return sticky && kept === undefined ? withCookie(passed, sticky, stickyMark(found.server)) : passed
  }
}

const REASONS: Readonly<Record<number, string>> = { 499: 'Client Closed Request', 500: 'Internal Server Error', 502: 'Bad Gateway', 504: 'Gateway Timeout' }

const plain = (status: number, text: string) => new Response(text, { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', 'content-length': String(text.length) } })
const notFound = () => plain(404, '404 page not found\n')
const unavailable = () => plain(503, 'no available server\n')

function unmark(response: Response): void {
  response.headers.delete(NO_ANSWER)
}

function isGrpc({ headers }: HttpRequest, { version }: HttpPeer): boolean {
  return version === 'h2' && headers.get('content-type')?.startsWith('application/grpc') === true
}

const SAME_SITE: Readonly<Record<string, readonly string[]>> = { none: ['SameSite=None'], lax: ['SameSite=Lax'], strict: ['SameSite=Strict'] }

function withCookie(response: Response, { cookie, secure, httpOnly, path, domain, maxAge, sameSite }: Sticky, value: string): Response {
  const headers = copyHeaders(response.headers)
  headers.append('set-cookie', [`${cookie}=${value}`, `Path=${path}`, ...domain ? [`Domain=${domain}`] : [], ...maxAge === 0 ? [] : [`Max-Age=${Math.max(0, maxAge)}`], ...httpOnly ? ['HttpOnly'] : [], ...secure ? ['Secure'] : [], ...SAME_SITE[sameSite.toLowerCase()] ?? []].join('; '))
  return httpResponse(response.body, { status: response.status, statusText: response.statusText, headers })
}

function cookieOf(headers: Headers, name: string): string | undefined {
  return (headers.get('cookie') ?? '').split(';').map((pair) => pair.trim().split('=')).find(([key]) => key === name)?.slice(1).join('=')
}

function decoded(path: string): string {
  try { return decodeURIComponent(path) } catch { return path }
}
