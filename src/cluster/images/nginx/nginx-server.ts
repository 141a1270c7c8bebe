import { joinPath, resolvePath } from '../../../unix/path.ts'
import { copyHeaders, httpRequest, httpResponse, trailersOf, withTrailers } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { NO_HTTP1, NO_HTTP2, reasonPhrase } from '../../../unix/net/http1.ts'
import { hostPort } from '../../../unix/net/addresses.ts'
import { UnixError } from '../../../unix/types.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import { accessEntries } from './access-log.ts'
import type { AccessEntry } from './access-log.ts'
import { accessRefusal } from './access-phase.ts'
import { DEFAULT_ROOT, expression, innermost, logError, otherVersionText, serverNameMatches, substitute, valueOf, variable } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import { KNOWN_DIRECTIVES, NginxConfigError, checkExpressions, parseNginxConfig } from './nginx-config.ts'
import type { Directive } from './nginx-config.ts'
import { rewritePhase } from './rewrite-phase.ts'

/** A certificate with its key, both PEM. */
export interface ServerIdentity {
  certificatePem: string
  keyPem: string
}

/** What a configuration comes to: the servers by port. */
export interface NginxSetup {
  ports: Map<number, { ip: string | undefined; servers: Directive[][]; tls?: ServerIdentity; speaksHttp2?: boolean }>
  upstreams: Map<string, string[]>
  http: Directive[]
  /** Whom workers run as. */
  user: Directive | undefined
  errorLog: string
  /** Texts of the files by path, in the order in which they were read. */
  files: ReadonlyMap<string, string>
  /** Where the master writes its process id. */
  pidFile: string
  /** Folders for what doesn't fit into memory. */
  temporaryFolders: string[]
}

/** Temporary folders by what they are for, and where they are when the configuration doesn't say. */
const TEMPORARY_FOLDERS: Readonly<Record<string, string>> = Object.fromEntries([['client_body_temp_path', 'client_temp'], ['proxy_temp_path', 'proxy_temp'], ['fastcgi_temp_path', 'fastcgi_temp'], ['uwsgi_temp_path', 'uwsgi_temp'], ['scgi_temp_path', 'scgi_temp']].map(([name, folder]) => [name, `/var/cache/nginx/${folder}`]))

const parsed = new Map<string, Directive[]>()

function parseCached(text: string, file: string): Directive[] {
  const key = `${file}\0${text}`
  let directives = parsed.get(key)
  // A thousand pods of one image read the same text.
  if (!directives) { directives = parseNginxConfig(text, file); if (parsed.size > 200) parsed.clear(); parsed.set(key, directives) }
  return directives
}

/** Reads the configuration with everything it includes. @throws NginxConfigError */
export function loadNginxConfig(proc: Proc, file: string): NginxSetup {
  const files = new Map<string, string>()
  const parse = (path: string, from?: Directive) => {
    const text = read(proc, path, from)
    files.set(path, text)
    return parseCached(text, path)
  }
  const expand = (directives: readonly Directive[]): Directive[] => directives.flatMap((directive) => {
    if (directive.name === 'include') return included(proc, directive).flatMap((path) => expand(parse(path, directive)))
    return [directive.block ? { ...directive, block: expand(directive.block) } : directive]
  })
  const all = expand(parse(file))
  check(all)
  const http = all.find((directive) => directive.name === 'http')?.block ?? []
  const ports: NginxSetup['ports'] = new Map()
  const upstreams: NginxSetup['upstreams'] = new Map()
  if (!all.some((directive) => directive.name === 'events')) throw new NginxConfigError(`no "events" section in configuration`)
  for (const directive of http) {
    if (directive.name === 'upstream') upstreams.set(directive.args[0]!, (directive.block ?? []).filter((d) => d.name === 'server' && !d.args.includes('down')).flatMap((d) => Array.from({ length: Number(/^weight=(\d+)$/.exec(d.args.find((arg) => arg.startsWith('weight=')) ?? '')?.[1] ?? 1) }, () => d.args[0]!)))
    if (directive.name !== 'server') continue
    const listens = directive.block!.filter((d) => d.name === 'listen')
    for (const listen of listens.length > 0 ? listens : [{ name: 'listen', args: ['80'], file: directive.file, line: directive.line }]) {
      const match = /^(?:(\[[^\]]*\]|[^:]+):)?(\d+)$/.exec(listen.args[0] ?? '') ?? (/^[\d.]+$/.test(listen.args[0] ?? '') ? [, listen.args[0], '80'] : undefined)
      if (!match) throw new NginxConfigError(`invalid port in "${listen.args[0] ?? ''}" of the "listen" directive in ${listen.file}:${listen.line}`)
      const port = Number(match[2])
      const ip = match[1] === '*' || match[1]?.startsWith('[') ? undefined : match[1]
      const held = ports.get(port) ?? { ip, servers: [] }
      if (!held.servers.includes(directive.block!)) {
        if (listen.args.includes('default_server')) held.servers.unshift(directive.block!)
        else held.servers.push(directive.block!)
      }
      // All servers of a port share what is spoken there.
      if (listen.args.includes('http2') || (valueOf(directive.block!, 'http2') ?? valueOf(http, 'http2')) === 'on') held.speaksHttp2 = true
      if (listen.args.includes('ssl')) held.tls ??= identityOf(proc, [...directive.block!, ...http], listen)
      ports.set(port, held)
    }
    for (const location of directive.block!.filter((d) => d.name === 'location'))
      for (const pass of (location.block ?? []).filter((d) => d.name === 'proxy_pass'))
        if (!/^(https?:\/\/|\$)/.test(pass.args[0] ?? '')) throw new NginxConfigError(`invalid URL prefix in ${pass.file}:${pass.line}`)
  }
  return {
    ports, upstreams, http, user: all.find(({ name }) => name === 'user'), errorLog: errorLogOf(valueOf(http, 'error_log') ?? valueOf(all, 'error_log')), files, pidFile: resolvePath('/etc/nginx', valueOf(all, 'pid') ?? '/run/nginx.pid'),
    temporaryFolders: Object.entries(TEMPORARY_FOLDERS).map(([name, folder]) => resolvePath('/etc/nginx', valueOf(http, name) ?? folder)),
  }
}

function errorLogOf(target: string | undefined): string {
  return target === 'stderr' ? '/dev/stderr' : resolvePath('/etc/nginx', target ?? '/var/log/nginx/error.log')
}

/** The certificate that a port answers with. @throws NginxConfigError when it or its key can't be read */
function identityOf(proc: Proc, directives: readonly Directive[], listen: Directive): ServerIdentity {
  const file = (name: string) => {
    const path = directives.find((directive) => directive.name === name)?.args[0]
    if (path === undefined) throw new NginxConfigError(`no "${name}" is defined for the "listen ... ssl" directive in ${listen.file}:${listen.line}`)
    return resolvePath('/etc/nginx', path)
  }
  const readPem = (what: string, path: string) => {
    try {
      return proc.fs.readText(path)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      const [number, why] = error.code === 'EACCES' ? ['8000000D', 'Permission denied'] : ['80000002', 'No such file or directory']
      throw new NginxConfigError(`cannot load ${what} "${path}": BIO_new_file() failed (SSL: error:${number}:system library::${why}:calling fopen(${path}, r) error:10000080:BIO routines::no such file)`)
    }
  }
  return { certificatePem: readPem('certificate', file('ssl_certificate')), keyPem: readPem('certificate key', file('ssl_certificate_key')) }
}

/** Looks up the hosts of proxy_pass and grpc_pass, as nginx does once when it starts. @throws NginxConfigError host not found in upstream */
export async function resolveUpstreams(proc: Proc, setup: NginxSetup): Promise<void> {
  const walk = async (directives: readonly Directive[]): Promise<void> => {
    for (const directive of directives) {
      if (directive.block) await walk(directive.block)
      const target = directive.name === 'proxy_pass' ? /^https?:\/\/([^/:]+)/.exec(directive.args[0] ?? '')?.[1] : directive.name === 'grpc_pass' ? /^(?:grpcs?:\/\/)?([^/:]+)/.exec(directive.args[0] ?? '')?.[1] : undefined
      if (!target || target.includes('$') || setup.upstreams.has(target)) continue
      try { await proc.net.lookup(target) } catch { throw new NginxConfigError(`host not found in upstream "${target}" in ${directive.file}:${directive.line}`) }
    }
  }
  await walk(setup.http)
}

function read(proc: Proc, path: string, from?: Directive): string {
  try {
    return proc.fs.readText(path)
  } catch (error) {
    const code = (error as UnixError).code === 'EACCES' ? '13: Permission denied' : '2: No such file or directory'
    throw new NginxConfigError(`open() "${path}" failed (${code})${from ? ` in ${from.file}:${from.line}` : ''}`)
  }
}

function included(proc: Proc, directive: Directive): string[] {
  const pattern = resolvePath('/etc/nginx', directive.args[0] ?? '')
  if (!/[*?[]/.test(pattern)) return [pattern]
  const slash = pattern.lastIndexOf('/')
  const directory = pattern.slice(0, slash) || '/'
  const expression = new RegExp(`^${pattern.slice(slash + 1).replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('?', '.').replaceAll('*', '.*')}$`)
  try { return proc.fs.readdir(directory).filter((name) => !name.startsWith('.') && expression.test(name)).map((name) => joinPath(directory, name)) } catch { return [] }
}

function check(directives: readonly Directive[], inside?: string): void {
  for (const directive of directives) {
    if (inside === 'types' || inside === 'map') continue
    const where = `${directive.file}:${directive.line}`
    if (directive.name === 'stream') throw new NginxConfigError(`the "stream" module is not supported here in ${where}`)
    if (directive.name === 'load_module') throw new NginxConfigError(`dlopen() "${resolvePath('/etc/nginx', directive.args[0] ?? '')}" failed (${resolvePath('/etc/nginx', directive.args[0] ?? '')}: cannot open shared object file: No such file or directory) in ${where}`)
    checkExpressions(directive)
    if (!KNOWN_DIRECTIVES.has(directive.name)) throw new NginxConfigError(`unknown directive "${directive.name}" in ${directive.file}:${directive.line}`)
    if (directive.name === 'server' && inside !== 'http' && inside !== 'upstream') throw new NginxConfigError(`"server" directive is not allowed here in ${directive.file}:${directive.line}`)
    if (directive.name === 'location' && inside !== 'server' && inside !== 'location') throw new NginxConfigError(`"location" directive is not allowed here in ${directive.file}:${directive.line}`)
    if (directive.block) check(directive.block, directive.name)
  }
}

/** Answers one request as the server blocks say. `errors` collects what goes to the error log, `access` what goes to access logs. */
export async function answerRequest(proc: Proc, setup: NginxSetup, version: string, port: number, request: HttpRequest, peer: HttpPeer, connection: number, { errors, access }: { errors: string[]; access: AccessEntry[] }): Promise<Response> {
  const startedMs = proc.clock.nowMs()
  const url = new URL(request.url)
  const host = (request.headers.get('host') ?? url.host).replace(/:\d+$/, '')
  const servers = setup.ports.get(port)!.servers
  const server = servers.find((block) => block.some((d) => d.name === 'server_name' && d.args.some((name) => serverNameMatches(name, host)))) ?? servers[0]!
  const exchange: Exchange = { proc, setup, version, request, peer, server, port, url, host, connection, errors, variables: new Map(), body: request.body && request.headers.get('upgrade') === null ? new Uint8Array(await request.arrayBuffer()) : undefined, args: url.search.slice(1), levels: [setup.http, server], upstream: [] }
  const response = await process(exchange, decodeURIComponentSafely(url.pathname))
  response.headers.set('server', valueOf([...setup.http, ...server], 'server_tokens') === 'off' ? 'nginx' : `nginx/${version}`)
  response.headers.set('date', new Date(proc.clock.nowMs()).toUTCString())
  const sentBytes = request.method === 'HEAD' ? '0' : response.headers.get('content-length') ?? '0'
  const tookSeconds = ((proc.clock.nowMs() - startedMs) / 1000).toFixed(3)
  access.push(...accessEntries(setup.http, exchange.levels, (name) => {
    switch (name) {
      case 'status': return String(response.status)
      case 'body_bytes_sent': case 'bytes_sent': return sentBytes
      case 'request_time': return tookSeconds
      case 'upstream_addr': return exchange.upstream.join(', ')
      case 'upstream_response_time': return exchange.upstream.length === 0 ? '' : tookSeconds
      case 'upstream_status': return exchange.upstream.length === 0 ? '' : String(response.status)
      default: return name.startsWith('sent_http_') ? response.headers.get(name.slice(10).replaceAll('_', '-')) ?? '' : variable(exchange, name, decodeURIComponentSafely(url.pathname))
    }
  }))
  return exchange.trailers ? withTrailers(response, exchange.trailers) : response
}

function decodeURIComponentSafely(path: string): string {
  try { return decodeURIComponent(path) } catch { return path }
}

/** The location for a path: exact, then the longest prefix, unless a regular expression matches. */
function locationFor(directives: readonly Directive[], path: string): Directive | undefined {
  const locations = directives.filter((d) => d.name === 'location')
  const exact = locations.find((d) => d.args[0] === '=' && d.args[1] === path)
  if (exact) return exact
  const prefixes = locations.filter((d) => d.args.length === 1 && !d.args[0]!.startsWith('@') || d.args[0] === '^~').map((d) => ({ d, prefix: d.args.at(-1)! })).filter(({ prefix }) => path.startsWith(prefix)).sort((a, b) => b.prefix.length - a.prefix.length)
  if (prefixes[0]?.d.args[0] === '^~') return prefixes[0].d
  return locations.find((d) => (d.args[0] === '~' || d.args[0] === '~*') && expression(d.args[1]!, d.args[0] === '~*').test(path)) ?? prefixes[0]?.d
}

/** A URI that the configuration sends on to another one this often goes round in circles. */
const MAX_TURNS = 10

/** How a request came to a location. */
interface Turn {
  turns?: number
  /** A location with a name (`@name`). */
  named?: Directive
  /** Not from the client: what is `internal` is there then. */
  isInternal?: boolean
}

/** The phases of nginx: what the server rewrites, the location, what that rewrites, who may, and then the content. */
async function process(exchange: Exchange, path: string, { turns = 0, named, isInternal = turns > 0 }: Turn = {}): Promise<Response> {
  if (turns > MAX_TURNS) {
    logError(exchange, `rewrite or internal redirection cycle while internally redirecting to "${path}"`)
    return errorResponse(exchange, 500)
  }
  exchange.levels = [exchange.setup.http, exchange.server]
  if (turns === 0) {
    const outcome = rewritePhase(exchange, exchange.server, path)
    if (outcome.answer) return finish(exchange, returnResponse(exchange, outcome.answer, path), path, turns)
    path = outcome.path
    exchange.levels = [...exchange.levels, ...outcome.blocks]
  }
  const location = named ?? locationFor(exchange.server, path)
  const nested = location?.block ? locationFor(location.block, path) : undefined
  const own = [...(nested?.block ?? location?.block ?? [])]
  exchange.levels = [...exchange.levels, location?.block ?? [], nested?.block ?? []]
  if (!isInternal && own.some((d) => d.name === 'internal')) return finish(exchange, errorResponse(exchange, 404), path, turns)
  const outcome = rewritePhase(exchange, own, path)
  exchange.levels = [...exchange.levels, ...outcome.blocks]
  if (outcome.answer) return finish(exchange, returnResponse(exchange, outcome.answer, path), path, turns)
  if (outcome.path !== path && outcome.isFinal) path = outcome.path
  else if (outcome.path !== path) return process(exchange, outcome.path, { turns: turns + 1 })
  return finish(exchange, await content(exchange, nested ?? location, own, path, turns), path, turns)
}

async function content(exchange: Exchange, location: Directive | undefined, own: readonly Directive[], path: string, turns: number): Promise<Response> {
  const { levels } = exchange
  const chain = levels.flat()
  const sentBytes = exchange.body?.length ?? 0
  const limitBytes = bytesOf(valueOf(chain, 'client_max_body_size') ?? '1m')
  if (limitBytes > 0 && sentBytes > limitBytes) {
    logError(exchange, `client intended to send too large body: ${sentBytes} bytes`)
    return errorResponse(exchange, 413)
  }
  const refusal = await accessRefusal(exchange, own)
  if (refusal) {
    const response = errorResponse(exchange, refusal.status)
    if (refusal.realm !== undefined) response.headers.set('www-authenticate', `Basic realm="${substitute(exchange, refusal.realm, path)}"`)
    return response
  }
  // Within `if` there may be another one.
  const handlers = [...own, ...levels.slice(4).flat()]
  const pass = handlers.findLast((d) => d.name === 'proxy_pass' || d.name === 'grpc_pass')
  if (pass && location) return proxy(exchange, pass, location, path)
  if (handlers.some((d) => d.name === 'fastcgi_pass')) {
    logError(exchange, 'FastCGI is not supported here, so no upstream answers')
    return errorResponse(exchange, 502)
  }
  if (handlers.some((d) => d.name === 'stub_status')) return new Response(`Active connections: 1 \nserver accepts handled requests\n ${exchange.connection} ${exchange.connection} ${exchange.connection} \nReading: 0 Writing: 1 Waiting: 0 \n`, { headers: { 'content-type': 'text/plain' } })
  return serveFiles(exchange, chain, handlers, location, path, turns)
}

/** An own page for an error, and what is added to an answer. */
async function finish(exchange: Exchange, answer: Response, path: string, turns: number): Promise<Response> {
  const { levels } = exchange
  let response = answer
  const page = response.status >= 300 && !exchange.isErrorPage ? innermost(levels, 'error_page').find((d) => d.args.slice(0, -1).includes(String(response.status))) : undefined
  const target = page?.args.at(-1)
  if (target?.startsWith('@') || target?.startsWith('/') && target !== path) {
    const named = exchange.server.find((d) => d.name === 'location' && d.args[0] === target)
    exchange.isErrorPage = true
    const replaced = await process(exchange, named ? path : target, { turns: turns + 1, ...(named ? { named } : {}) })
    const changed = page!.args.find((arg) => /^=\d+$/.test(arg))
    const status = changed ? Number(changed.slice(1)) : page!.args.includes('=') ? replaced.status : response.status
    if (replaced.status < 400 || page!.args.includes('=')) return httpResponse(replaced.body, { status, headers: replaced.headers })
    exchange.levels = levels
  }
  const chain = levels.flat()
  response = await withSubstitutions(exchange, response, path)
  const charset = valueOf(chain, 'charset')
  const type = response.headers.get('content-type')
  if (charset !== undefined && charset !== 'off' && type !== null && CHARSET_TYPES.has(type)) response.headers.set('content-type', `${type}; charset=${charset}`)
  const isPlain = PLAIN_STATUSES.has(response.status)
  if (isPlain) expire(exchange, response, valueOf(chain, 'expires'))
  for (const header of innermost(levels, 'add_header')) if (isPlain || header.args.includes('always')) response.headers.append(header.args[0]!, substitute(exchange, header.args[1] ?? '', path))
  return response
}

/** Statuses of answers that headers are added to without `always`. */
const PLAIN_STATUSES: ReadonlySet<number> = new Set([200, 201, 204, 206, 301, 302, 303, 304, 307, 308])
const CHARSET_TYPES: ReadonlySet<string> = new Set(['text/html', 'text/xml', 'text/plain', 'text/vnd.wap.wml', 'application/javascript', 'application/rss+xml'])
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, M: 2_592_000, y: 31_536_000 }

/** `expires`: how long clients may keep an answer. */
function expire({ proc }: Exchange, response: Response, value: string | undefined): void {
  if (value === undefined || value === 'off') return
  const set = (date: Date, control: string) => { response.headers.set('expires', date.toUTCString()); response.headers.set('cache-control', control) }
  if (value === 'epoch') return set(new Date(1000), 'no-cache')
  if (value === 'max') return set(new Date(Date.UTC(2037, 11, 31, 23, 55, 55)), 'max-age=315360000')
  const seconds = [...value.matchAll(/(\d+)([smhdwMy]?)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_SECONDS[unit || 's']!, 0) * (value.startsWith('-') ? -1 : 1)
  set(new Date(proc.clock.nowMs() + seconds * 1000), seconds < 0 ? 'no-cache' : `max-age=${seconds}`)
}

/** `sub_filter`: texts in answers that are replaced, once each unless `sub_filter_once` is off. */
async function withSubstitutions(exchange: Exchange, response: Response, path: string): Promise<Response> {
  const filters = innermost(exchange.levels, 'sub_filter')
  const types = ['text/html', ...innermost(exchange.levels, 'sub_filter_types').flatMap((d) => d.args)]
  const type = (response.headers.get('content-type') ?? '').replace(/;.*/, '')
  if (filters.length === 0 || response.body === null || !(types.includes(type) || types.includes('*'))) return response
  const isOnce = valueOf(exchange.levels.flat(), 'sub_filter_once') !== 'off'
  let text = await response.text()
  for (const { args: [from = '', to = ''] } of filters) {
    const [old, fresh] = [substitute(exchange, from, path), substitute(exchange, to, path)]
    text = isOnce ? text.replace(old, () => fresh) : text.replaceAll(old, () => fresh)
  }
  const headers = copyHeaders(response.headers)
  headers.delete('last-modified')
  headers.set('content-length', String(new TextEncoder().encode(text).length))
  return httpResponse(text, { status: response.status, statusText: response.statusText, headers })
}

/** A size such as 10m, in bytes. */
function bytesOf(text: string): number {
  const [, count, unit] = /^(\d+)([kmg]?)$/i.exec(text) ?? []
  return Number(count ?? 0) * 1024 ** ['', 'k', 'm', 'g'].indexOf((unit ?? '').toLowerCase())
}

function returnResponse(exchange: Exchange, directive: Directive, path: string): Response {
  const [first, second] = directive.args
  if (directive.name === 'rewrite') return redirect(exchange, directive.args[2] === 'permanent' ? 301 : 302, substitute(exchange, second!, path))
  if (!/^\d{3}$/.test(first ?? '')) return redirect(exchange, 302, substitute(exchange, first ?? '', path))
  const status = Number(first)
  if (second === undefined) return status >= 300 ? errorResponse(exchange, status) : new Response(null, { status })
  const text = substitute(exchange, second, path)
  if ([301, 302, 303, 307, 308].includes(status)) return redirect(exchange, status, text)
  const type = valueOf(exchange.levels.flat(), 'default_type') ?? 'text/plain'
  return new Response(text, { status, headers: { 'content-type': type, 'content-length': String(new TextEncoder().encode(text).length) } })
}

function redirect(exchange: Exchange, status: number, location: string): Response {
  const response = errorResponse(exchange, status)
  response.headers.set('location', location.startsWith('/') && valueOf(exchange.levels.flat(), 'absolute_redirect') !== 'off' ? `${variable(exchange, 'scheme', '/')}://${exchange.request.headers.get('host') ?? exchange.url.host}${location}` : location)
  return response
}

function errorResponse(exchange: Pick<Exchange, 'version'>, status: number): Response {
  return errorPage(status, `nginx/${exchange.version}`)
}

/** nginx' own page for a status, with its name below the line. */
export function errorPage(status: number, signature: string): Response {
  const statusText = { 302: 'Moved Temporarily', 405: 'Not Allowed', 503: 'Service Temporarily Unavailable', 504: 'Gateway Time-out' }[status] ?? reasonPhrase(status)
  const title = `${status} ${status === 302 ? 'Found' : status === 401 ? 'Authorization Required' : statusText}`
  const text = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>${signature}</center>\r\n</body>\r\n</html>\r\n`
  return new Response(text, { status, statusText, headers: { 'content-type': 'text/html', 'content-length': String(text.length) } })
}

/** nginx' page for a client that forgot the `s` of https. */
export function plainOnTlsPage(signature: string): Response {
  const what = 'The plain HTTP request was sent to HTTPS port'
  const text = `<html>\r\n<head><title>400 ${what}</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n<center>${what}</center>\r\n<hr><center>${signature}</center>\r\n</body>\r\n</html>\r\n`
  return new Response(text, { status: 400, headers: { 'content-type': 'text/html', 'content-length': String(text.length), ...(signature === 'nginx' ? {} : { server: signature }) } })
}

async function serveFiles(exchange: Exchange, chain: readonly Directive[], own: readonly Directive[], location: Directive | undefined, path: string, turns: number): Promise<Response> {
  const { proc, request } = exchange
  if (request.method !== 'GET' && request.method !== 'HEAD') return errorResponse(exchange, 405)
  const alias = own.find((d) => d.name === 'alias')?.args[0]
  const root = valueOf(chain, 'root') ?? DEFAULT_ROOT
  const fileOf = (uri: string) => alias !== undefined ? resolvePath('/', alias + uri.slice(location!.args.at(-1)!.length)) : resolvePath('/', root + resolvePath('/', uri))
  const isFile = (file: string) => { try { return proc.fs.stat(file).type === 'file' } catch { return false } }
  const isDirectory = (file: string) => { try { return proc.fs.stat(file).type === 'directory' } catch { return false } }
  const tries = own.find((d) => d.name === 'try_files')
  if (tries) {
    for (const candidate of tries.args.slice(0, -1)) {
      const uri = substitute(exchange, candidate, path)
      if (candidate.endsWith('/') ? isDirectory(fileOf(uri)) : isFile(fileOf(uri))) return serveFile(exchange, chain, uri, fileOf(uri))
    }
    const last = tries.args.at(-1)!
    if (last.startsWith('=')) return errorResponse(exchange, Number(last.slice(1)))
    if (last.startsWith('@')) { const target = exchange.server.find((d) => d.name === 'location' && d.args[0] === last); return target ? process(exchange, path, { turns: turns + 1, named: target }) : errorResponse(exchange, 500) }
    const uri = substitute(exchange, last, path).replace(/\?.*$/, '')
    return uri === path ? errorResponse(exchange, 404) : process(exchange, uri, { turns: turns + 1 })
  }
  return serveFile(exchange, chain, path, fileOf(path))
}

function serveFile(exchange: Exchange, chain: readonly Directive[], path: string, file: string): Response {
  const { proc, request } = exchange
  let target = file
  try {
    if (proc.fs.stat(target).type === 'directory') {
      if (!path.endsWith('/')) return redirect(exchange, 301, `${path}/`)
      const indexes = chain.findLast((d) => d.name === 'index')?.args ?? ['index.html']
      const index = indexes.map((name) => joinPath(target, name)).find((candidate) => proc.fs.exists(candidate))
      if (index === undefined) {
        if (valueOf(chain, 'autoindex') === 'on') return listing(exchange, path, target)
        logError(exchange, `directory index of "${joinPath(target, '')}" is forbidden`)
        return errorResponse(exchange, 403)
      }
      target = index
    }
    const data = proc.fs.readFile(target)
    const stat = proc.fs.stat(target)
    const modified = new Date(stat.modifiedMs).toUTCString()
    const etag = `"${Math.floor(stat.modifiedMs / 1000).toString(16)}-${data.length.toString(16)}"`
    const headers = { 'content-type': mediaType(exchange, target), 'content-length': String(data.length), 'last-modified': modified, etag, 'accept-ranges': 'bytes' }
    if (request.headers.get('if-none-match') === etag || request.headers.get('if-modified-since') === modified) return new Response(null, { status: 304, headers: { 'last-modified': modified, etag } })
    return new Response(request.method === 'HEAD' ? null : data.slice(), { headers })
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    const denied = error.code === 'EACCES'
    logError(exchange, `open() "${target}" failed (${denied ? '13: Permission denied' : '2: No such file or directory'})`)
    return errorResponse(exchange, denied ? 403 : 404)
  }
}

/** Without `types` nginx knows these. */
const BUILT_IN_TYPES: readonly Pick<Directive, 'name' | 'args'>[] = [{ name: 'text/html', args: ['html'] }, { name: 'image/gif', args: ['gif'] }, { name: 'image/jpeg', args: ['jpg'] }]

/** The media type of a file, by `types` and `default_type`. */
function mediaType({ levels }: Exchange, file: string): string {
  const extension = /\.([^./]+)$/.exec(file)?.[1]?.toLowerCase()
  const blocks = innermost(levels, 'types')
  const types = blocks.length > 0 ? blocks.flatMap(({ block = [] }) => block) : BUILT_IN_TYPES
  return types.findLast(({ args }) => extension !== undefined && args.includes(extension))?.name ?? valueOf(levels.flat(), 'default_type') ?? 'text/plain'
}

function listing(exchange: Exchange, path: string, directory: string): Response {
  const { fs } = exchange.proc
  const rows = fs.readdir(directory).map((name) => {
    const stat = fs.stat(joinPath(directory, name))
    const label = stat.type === 'directory' ? `${name}/` : name
    return `<a href="${encodeURI(label)}">${label}</a>${' '.repeat(Math.max(1, 51 - label.length))}${new Date(stat.modifiedMs).toUTCString().slice(5, 22)} ${(stat.type === 'directory' ? '-' : String(stat.sizeBytes)).padStart(19)}\r\n`
  })
  return new Response(`<html>\r\n<head><title>Index of ${path}</title></head>\r\n<body>\r\n<h1>Index of ${path}</h1><hr><pre><a href="../">../</a>\r\n${rows.join('')}</pre><hr></body>\r\n</html>\r\n`, { headers: { 'content-type': 'text/html' } })
}

async function proxy(exchange: Exchange, pass: Directive, location: Directive, path: string): Promise<Response> {
  const { proc, request, setup, url } = exchange
  const target = substitute(exchange, pass.args[0]!, path)
  const isGrpc = pass.name === 'grpc_pass'
  const own = isGrpc ? 'grpc' : 'proxy'
  const match = (isGrpc ? /^(?:(grpcs?):\/\/)?([^/]+)()$/ : /^(https?):\/\/([^/]+)(\/.*)?$/).exec(target)
  if (!match) return errorResponse(exchange, 500)
  const [, shown = 'grpc', authority] = match
  const uri = isGrpc ? undefined : match[3]
  const scheme = shown.replace('grpc', 'http')
  const upstream = setup.upstreams.get(authority!)
  const prefix = location.args.at(-1)!
  const isRewritten = path !== decodeURIComponentSafely(url.pathname)
  const rest = isRewritten ? encodeURI(path) : uri === undefined ? url.pathname : uri + (pass.args[0]!.includes('$') ? '' : url.pathname.slice(prefix.length))
  const query = exchange.args === '' ? '' : `?${exchange.args}`
  const headers = copyHeaders(request.headers)
  headers.set('host', authority!)
  headers.set('connection', 'close')
  for (const directive of innermost(exchange.levels, `${own}_set_header`)) {
    const value = substitute(exchange, directive.args[1] ?? '', path)
    if (value === '') headers.delete(directive.args[0]!)
    else headers.set(directive.args[0]!, value)
  }
  const peers = upstream ?? [authority!]
  const start = exchange.connection % peers.length
  for (let i = 0; i < peers.length; i++) {
    const peer = peers[(start + i) % peers.length]!
    exchange.upstream.push(peer)
    const address = `${scheme}://${peer}${rest}${query}`
    try {
      const response = await proc.net.fetch(httpRequest(address, { method: request.method, headers, body: exchange.body ?? request.body, signal: request.signal }), { insecure: true, connectTimeoutMs: 60_000, versions: [isGrpc ? 'h2' : 'http/1.1'] })
      if (response.status === 101) return response
      const trailers = trailersOf(response)
      if (trailers) exchange.trailers = trailers
      const answer = copyHeaders(response.headers)
      for (const name of ['connection', 'transfer-encoding', 'server', 'date', ...innermost(exchange.levels, `${own}_hide_header`).map((d) => d.args[0]!)]) answer.delete(name)
      return httpResponse(response.body, { status: response.status, headers: answer })
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      const timedOut = error.code === 'ETIMEDOUT'
      const isOtherVersion = error.message === NO_HTTP1 || error.message === NO_HTTP2
      const ip = peer.replace(/:\d+$/, '')
      const what = isOtherVersion ? otherVersionText(isGrpc) : `${timedOut ? 'upstream timed out (110: Connection timed out)' : error.code === 'ECONNREFUSED' ? 'connect() failed (111: Connection refused)' : `connect() failed (113: ${error.message})`} while connecting to upstream`
      logError(exchange, what, `${shown}://${/:\d+$/.test(peer) ? peer : hostPort(ip, scheme === 'https' ? 443 : 80)}${rest}`)
      // Only errors and time limits lead to the next one.
      if (i === peers.length - 1 || isOtherVersion) return errorResponse(exchange, timedOut ? 504 : 502)
    }
  }
  return errorResponse(exchange, 502)
}
