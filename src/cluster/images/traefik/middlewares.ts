import { copyHeaders, httpResponse } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import type { Secret } from '../../kinds/generated/types.ts'
import { parseGoDuration } from '../../kinds/duration.ts'
import { cidrContains, parseCidr, parseIp } from '../../kinds/ip.ts'
import { isPassword } from '../../../unix/openssl/kept-passwords.ts'
import { credentialsOf } from '../front/basic-auth.ts'
import type { MiddlewareSpec } from './crd-types.ts'
import { gatewayMiddlewares } from './gateway/middlewares.ts'

/** One request on its way; middlewares change path, headers and host. */
export interface Passage {
  request: HttpRequest
  peer: HttpPeer
  scheme: 'http' | 'https'
  /** As the backend will see it. */
  host: string
  path: string
  search: string
  headers: Headers
  body: Uint8Array | undefined
  /** A body that is passed on as it comes, in the place of one that was read: gRPC's, whose client may wait for an answer before it goes on. */
  stream?: ReadableStream<Uint8Array>
  user: string
  /** What is learnt on the way: the address of the server that was asked last, and what is to follow its answer's body. */
  found: { server: string; trailers?: Promise<Headers> }
}

export type Handler = (passage: Passage) => Promise<Response>

/** Puts something before a handler. */
export type Wrap = (next: Handler) => Handler

export interface MiddlewareContext {
  proc: Proc
  namespace: string
  secret(key: string): Secret | undefined
  /** Others by name, for chains. @throws Error */
  resolve(name: string): Wrap
}

/** Options of `headers` that are followed; others are refused. */
const HEADER_OPTIONS = new Set(['customRequestHeaders', 'customResponseHeaders', 'accessControlAllowOriginList', 'accessControlAllowOriginListRegex', 'accessControlAllowMethods', 'accessControlAllowHeaders', 'accessControlExposeHeaders', 'accessControlAllowCredentials', 'accessControlMaxAge', 'addVaryHeader', 'frameDeny', 'customFrameOptionsValue', 'contentTypeNosniff', 'browserXssFilter', 'referrerPolicy', 'contentSecurityPolicy', 'permissionsPolicy', 'stsSeconds', 'stsIncludeSubdomains', 'stsPreload', 'forceSTSHeader'])

/** Options of the other kinds that are followed. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  addPrefix: ['prefix'], stripPrefix: ['prefixes', 'forceSlash'], stripPrefixRegex: ['regex'], replacePath: ['path'], replacePathRegex: ['regex', 'replacement'], redirectScheme: ['scheme', 'port', 'permanent'], redirectRegex: ['regex', 'replacement', 'permanent'], chain: ['middlewares'],
  basicAuth: ['secret', 'realm', 'removeHeader', 'headerField'], ipAllowList: ['sourceRange', 'rejectStatusCode'], ipWhiteList: ['sourceRange'], rateLimit: ['average', 'period', 'burst'], inFlightReq: ['amount'], retry: ['attempts', 'initialInterval'],
}

/** What a Middleware object does. @throws Error with the words for the log where it can't be. k8s: traefik/pkg/server/middleware */
export function middlewareOf(spec: MiddlewareSpec, context: MiddlewareContext): Wrap {
  const [kind, ...more] = Object.keys(spec)
  if (kind === undefined) throw new Error('invalid middleware: empty')
  if (more.length > 0) throw new Error('cannot create middleware: multi-types middleware not supported, consider declaring two different pieces of middleware instead')
  const make = MAKERS[kind]
  if (!make) throw new Error(`invalid middleware: type ${kind} is not supported by this build`)
  const strange = Object.keys(spec[kind as keyof MiddlewareSpec] ?? {}).find((key) => OPTIONS[kind]?.includes(key) === false)
  if (strange !== undefined) throw new Error(`invalid middleware: ${kind}.${strange} is not supported by this build`)
  return make(spec, context)
}

const plain = (status: number, text: string, headers: Record<string, string> = {}) => new Response(`${text}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', 'content-length': String(new TextEncoder().encode(text).length + 1), ...headers } })
const REASONS: Readonly<Record<number, string>> = { 301: 'Moved Permanently', 302: 'Found', 307: 'Temporary Redirect', 308: 'Permanent Redirect', 401: 'Unauthorized', 403: 'Forbidden', 429: 'Too Many Requests' }

/** Go's templates of regular expressions, `${1}`, as JavaScript has them. */
const goReplacement = (text: string) => text.replace(/\$\$|\$\{(\w+)\}|\$(\w+)/g, (match, braced: string | undefined, bare: string | undefined) => (match === '$$' ? '$$' : /^\d+$/.test(braced ?? bare ?? '') ? `$${braced ?? bare}` : `$<${braced ?? bare}>`))
const regexOf = (text: string, flags = ''): RegExp => { try { return new RegExp(text.trim().replaceAll('(?P<', '(?<'), flags) } catch (error) { throw new Error(`error compiling regular expression ${text}: ${(error as Error).message}`) } }

const MAKERS: Readonly<Record<string, (spec: MiddlewareSpec, context: MiddlewareContext) => Wrap>> = {
  addPrefix({ addPrefix: { prefix = '' } = {} }) {
    if (prefix === '') throw new Error('prefix cannot be empty')
    return (next) => (passage) => next({ ...passage, path: `${prefix.startsWith('/') ? '' : '/'}${prefix}${passage.path}` })
  },
  stripPrefix({ stripPrefix: { prefixes = [] } = {} }) {
    return (next) => (passage) => {
      const prefix = prefixes.map((each) => each.trim()).find((each) => passage.path.startsWith(each))
      if (prefix === undefined) return next(passage)
      return next({ ...passage, path: withSlash(passage.path.slice(prefix.length)), headers: adding(passage.headers, 'x-forwarded-prefix', prefix) })
    }
  },
  stripPrefixRegex({ stripPrefixRegex: { regex = [] } = {} }) {
    const patterns = regex.map((each) => regexOf(`^(?:${each})`))
    return (next) => (passage) => {
      const found = patterns.map((pattern) => pattern.exec(passage.path)?.[0]).find((each) => each)
      return found === undefined ? next(passage) : next({ ...passage, path: withSlash(passage.path.slice(found.length)), headers: adding(passage.headers, 'x-forwarded-prefix', found) })
    }
  },
  replacePath({ replacePath: { path = '' } = {} }) {
    return (next) => (passage) => next({ ...passage, path, headers: adding(passage.headers, 'x-replaced-path', passage.path) })
  },
  replacePathRegex({ replacePathRegex: { regex = '', replacement = '' } = {} }) {
    const pattern = regexOf(regex, 'g')
    return (next) => (passage) => {
      pattern.lastIndex = 0
      if (!pattern.test(passage.path)) return next(passage)
      return next({ ...passage, path: passage.path.replace(pattern, goReplacement(replacement.trim())), headers: adding(passage.headers, 'x-replaced-path', passage.path) })
    }
  },
  redirectScheme({ redirectScheme: { scheme = '', port = '', permanent = false } = {} }) {
    if (scheme === '') throw new Error('you must provide a target scheme')
    const toPort = port !== '' && !(scheme === 'http' && port === '80') && !(scheme === 'https' && port === '443') ? `:${port}` : ''
    return (next) => (passage) => {
      const url = requestUrl(passage)
      const target = url.replace(/^(?:https?:\/\/)?(\[[\w:.]+\]|[\w._-]+)?(?::\d+)?(.*)$/, (_, host: string, rest: string) => `${scheme}://${host}${toPort}${rest}`)
      return target === url ? next(passage) : Promise.resolve(moved(passage, target, permanent))
    }
  },
  redirectRegex({ redirectRegex: { regex = '', replacement = '', permanent = false } = {} }) {
    const pattern = regexOf(regex, 'g')
    return (next) => (passage) => {
      const url = requestUrl(passage)
      const target = url.replace(pattern, goReplacement(replacement))
      return target === url ? next(passage) : Promise.resolve(moved(passage, target, permanent))
    }
  },
  chain({ chain: { middlewares = [] } = {} }, { resolve, namespace }) {
    const wraps = middlewares.map(({ name, namespace: other }) => resolve(name.includes('@') ? name : `${other ?? namespace}-${name}@kubernetescrd`))
    return (next) => wraps.reduceRight((handler, wrap) => wrap(handler), next)
  },
  headers: headersMiddleware,
  basicAuth({ basicAuth: { secret = '', realm = 'traefik', removeHeader = false, headerField = '' } = {} }, { proc, secret: find, namespace }) {
    if (secret === '') throw new Error('auth secret must be set')
    const found = find(`${namespace}/${secret}`)
    if (!found) throw new Error(`failed to fetch secret '${namespace}/${secret}': secret "${secret}" not found`)
    const users = usersOf(found, `${namespace}/${secret}`)
    return (next) => async (passage) => {
      const credentials = credentialsOf(passage.headers.get('authorization'))
      const kept = credentials && users.get(credentials.user)
      if (kept === undefined || !await proc.clock.outside(isPassword(credentials!.password, kept))) return plain(401, '401 Unauthorized', { 'www-authenticate': `Basic realm="${realm}"` })
      const headers = copyHeaders(passage.headers)
      if (removeHeader) headers.delete('authorization')
      if (headerField !== '') headers.set(headerField, credentials!.user)
      return next({ ...passage, headers, user: credentials!.user })
    }
  },
  ipAllowList: ({ ipAllowList: { sourceRange = [], rejectStatusCode = 403 } = {} }) => allowList(sourceRange, rejectStatusCode),
  ipWhiteList: ({ ipWhiteList: { sourceRange = [] } = {} }) => allowList(sourceRange, 403),
  rateLimit,
  inFlightReq({ inFlightReq: { amount = 0 } = {} }) {
    const busy = new Map<string, number>()
    return (next) => async (passage) => {
      // Without a criterion the host of the request decides.
      const now = busy.get(passage.host) ?? 0
      if (now >= amount) return plain(429, 'Too Many Requests')
      busy.set(passage.host, now + 1)
      try { return await next(passage) } finally { busy.set(passage.host, busy.get(passage.host)! - 1) }
    }
  },
  ...gatewayMiddlewares,
  retry({ retry: { attempts = 0, initialInterval = 0 } = {} }, { proc }) {
    if (attempts <= 0) throw new Error(`incorrect (or empty) value for attempt (${attempts})`)
    const firstMs = durationMs(initialInterval, 0)
    return (next) => async (passage) => {
      // Only what no server answered is tried again.
      for (let tries = 1, waitMs = firstMs; ; tries++, waitMs *= 1.5) {
        const response = await next(passage)
        if (tries >= attempts || response.headers.get(NO_ANSWER) === null) return response
        if (waitMs > 0) await proc.sleep(waitMs)
      }
    }
  },
}

/** Marks answers that Traefik made because no server gave one; taken off before they are sent. */
export const NO_ANSWER = 'x-traefik-no-answer'

const withSlash = (path: string) => (path.startsWith('/') ? path : `/${path}`)

function adding(headers: Headers, name: string, value: string): Headers {
  const out = copyHeaders(headers)
  out.append(name, value)
  return out
}

/** The address as the client asked for it. */
function requestUrl({ request, scheme, path, search, headers }: Passage): string {
  const forwarded = headers.get('x-forwarded-proto')?.toLowerCase()
  const shown = forwarded === 'https' || forwarded === 'wss' ? 'https' : forwarded === 'http' || forwarded === 'ws' ? 'http' : scheme
  const host = request.headers.get('host') ?? new URL(request.url).host
  return `${shown}://${host.replace(shown === 'http' ? /:80$/ : /:443$/, '')}${path}${search}`
}

function moved({ request }: Passage, location: string, permanent: boolean): Response {
  const status = permanent ? (request.method === 'GET' ? 301 : 308) : request.method === 'GET' ? 302 : 307
  const text = REASONS[status]!
  return new Response(text, { status, headers: { location, 'content-length': String(text.length) } })
}

/** Users of a Secret: of type basic-auth one, else a file of htpasswd as its only key. */
function usersOf({ type, data = {} }: Secret, key: string): Map<string, string> {
  if (type === 'kubernetes.io/basic-auth') return new Map([[atob(data.username ?? ''), `{PLAIN}${atob(data.password ?? '')}`]])
  const values = Object.values(data)
  if (values.length !== 1) throw new Error(`found ${values.length} elements for secret '${key}', must be single element exactly`)
  return new Map(atob(values[0]!).split(/\r?\n/).filter((line) => line.includes(':') && !line.startsWith('#')).map((line) => { const [user = '', ...rest] = line.trim().split(':'); return [user, rest.join(':')] as const }))
}

function allowList(ranges: readonly string[], status: number): Wrap {
  if (ranges.length === 0) throw new Error('sourceRange is empty, IPAllowLister not created')
  const parsed = ranges.map((range) => { const cidr = parseCidr(range.includes('/') ? range : `${range}/${range.includes(':') ? 128 : 32}`); if (!cidr) throw new Error(`cannot parse CIDRs ${ranges.join(',')}: parsing CIDR trusted IPs ${range}: invalid CIDR address: ${range}`); return cidr })
  return (next) => (passage) => {
    const ip = parseIp(passage.peer.remote.ip)
    return ip && parsed.some((cidr) => cidrContains(cidr, ip)) ? next(passage) : Promise.resolve(plain(status, REASONS[status] ?? String(status)))
  }
}

function durationMs(given: string | number, otherwise: number): number {
  if (typeof given === 'number') return given * 1000
  return /^\d+$/.test(given) ? Number(given) * 1000 : parseGoDuration(given) ?? otherwise
}

/** A token bucket for each client. */
function rateLimit({ rateLimit: { average = 0, period = '1s', burst = 1 } = {} }: MiddlewareSpec, { proc }: MiddlewareContext): Wrap {
  if (average <= 0) return (next) => next
  const perMs = average / (durationMs(period, 1000) || 1000)
  const size = Math.max(1, burst)
  const longestMs = perMs * 1000 < 1 ? 500 : 1000 / (Math.floor(perMs * 1000) * 2)
  const buckets = new Map<string, { tokens: number; atMs: number }>()
  return (next) => async (passage) => {
    const nowMs = proc.clock.nowMs()
    const known = buckets.get(passage.peer.remote.ip)
    const tokens = Math.min(size, known ? known.tokens + (nowMs - known.atMs) * perMs : size) - 1
    const waitMs = tokens >= 0 ? 0 : -tokens / perMs
    if (waitMs > longestMs) return new Response('Too Many Requests', { status: 429, headers: { 'content-length': '17', 'retry-after': String(Math.ceil(waitMs / 1000)), 'x-retry-in': `${Number((waitMs / 1000).toFixed(9))}s` } })
    if (buckets.size > 65_536) buckets.clear()
    buckets.set(passage.peer.remote.ip, { tokens, atMs: nowMs })
    if (waitMs > 0) await proc.sleep(waitMs)
    return next(passage)
  }
}

function headersMiddleware({ headers: options = {} }: MiddlewareSpec): Wrap {
  const unknown = Object.keys(options).find((key) => !HEADER_OPTIONS.has(key))
  if (unknown !== undefined) throw new Error(`headers.${unknown} is not supported by this build`)
  if (Object.keys(options).length === 0) throw new Error('headers configuration not valid')
  const list = (key: string) => (options[key] as string[] | undefined) ?? []
  const origins = list('accessControlAllowOriginList')
  const patterns = list('accessControlAllowOriginListRegex').map((each) => regexOf(each))
  const allowed = (origin: string | null) => (origin === null ? undefined : origins.includes('*') ? '*' : origins.includes(origin) || patterns.some((pattern) => pattern.test(origin)) ? origin : undefined)
  const secure: [string, string | undefined][] = [
    ['x-frame-options', (options.customFrameOptionsValue as string | undefined) || (options.frameDeny ? 'DENY' : undefined)], ['x-content-type-options', options.contentTypeNosniff ? 'nosniff' : undefined], ['x-xss-protection', options.browserXssFilter ? '1; mode=block' : undefined],
    ['referrer-policy', options.referrerPolicy as string | undefined], ['content-security-policy', options.contentSecurityPolicy as string | undefined], ['permissions-policy', options.permissionsPolicy as string | undefined],
  ]
  return (next) => async (passage) => {
    const origin = passage.headers.get('origin')
    if (passage.request.method === 'OPTIONS' && origin !== null && passage.headers.get('access-control-request-method') !== null && origins.length + patterns.length > 0) {
      const answer = new Headers({ 'content-length': '0' })
      if (options.accessControlAllowCredentials) answer.set('access-control-allow-credentials', 'true')
      if (list('accessControlAllowHeaders').length > 0) answer.set('access-control-allow-headers', list('accessControlAllowHeaders').join(','))
      if (list('accessControlAllowMethods').length > 0) answer.set('access-control-allow-methods', list('accessControlAllowMethods').join(','))
      const match = allowed(origin)
      if (match) answer.set('access-control-allow-origin', match)
      if (options.accessControlMaxAge !== undefined) answer.set('access-control-max-age', String(options.accessControlMaxAge))
      return new Response(null, { status: 200, headers: answer })
    }
    const headers = copyHeaders(passage.headers)
    let { host } = passage
    for (const [name, value] of Object.entries(options.customRequestHeaders ?? {})) {
      if (value === '') headers.delete(name)
      else if (name.toLowerCase() === 'host') host = value
      else headers.set(name, value)
    }
    const response = await next({ ...passage, headers, host })
    if (response.status === 101) return response
    const answer = copyHeaders(response.headers)
    for (const [name, value] of Object.entries(options.customResponseHeaders ?? {})) if (value === '') answer.delete(name); else answer.set(name, value)
    for (const [name, value] of secure) if (value !== undefined) answer.set(name, value)
    const isSecure = passage.scheme === 'https' || passage.headers.get('x-forwarded-proto') === 'https'
    if (options.stsSeconds && (isSecure || options.forceSTSHeader)) answer.set('strict-transport-security', `max-age=${Number(options.stsSeconds)}${options.stsIncludeSubdomains ? '; includeSubDomains' : ''}${options.stsPreload ? '; preload' : ''}`)
    const match = allowed(origin)
    if (match) answer.set('access-control-allow-origin', match)
    if (options.accessControlAllowCredentials) answer.set('access-control-allow-credentials', 'true')
    if (list('accessControlExposeHeaders').length > 0) answer.set('access-control-expose-headers', list('accessControlExposeHeaders').join(','))
    if (options.addVaryHeader && answer.get('vary') !== 'Origin') answer.set('vary', answer.has('vary') ? `${answer.get('vary')},Origin` : 'Origin')
    return httpResponse(response.body, { status: response.status, statusText: response.statusText, headers: answer })
  }
}
