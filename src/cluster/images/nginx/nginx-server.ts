import { joinPath, resolvePath } from '../../../unix/path.ts'
import { httpRequest } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { reasonPhrase } from '../../../unix/net/http1.ts'
import { hostPort } from '../../../unix/net/addresses.ts'
import { UnixError } from '../../../unix/types.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { contentType } from '../http/content-type.ts'
import { accessEntries } from './access-log.ts'
import type { AccessEntry } from './access-log.ts'
import { KNOWN_DIRECTIVES, NginxConfigError, parseNginxConfig } from './nginx-config.ts'
import type { Directive } from './nginx-config.ts'

/** A certificate with its key, both PEM. */
export interface ServerIdentity {
  certificatePem: string
  keyPem: string
}

/** What a configuration comes to: the servers by port. */
export interface NginxSetup {
  ports: Map<number, { ip: string | undefined; servers: Directive[][]; tls?: ServerIdentity }>
  upstreams: Map<string, string[]>
  http: Directive[]
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
  const expand = (directives: readonly Directive[]): Directive[] => directives.flatMap((directive) => {
    if (directive.name === 'include') return included(proc, directive).flatMap((path) => expand(parseCached(read(proc, path, directive), path)))
    return [directive.block ? { ...directive, block: expand(directive.block) } : directive]
  })
  const all = expand(parseCached(read(proc, file), file))
  check(all)
  const http = all.find((directive) => directive.name === 'http')?.block ?? []
  const ports: NginxSetup['ports'] = new Map()
  const upstreams: NginxSetup['upstreams'] = new Map()
  if (!all.some((directive) => directive.name === 'events')) throw new NginxConfigError(`no "events" section in configuration`)
  for (const directive of http) {
    if (directive.name === 'upstream') upstreams.set(directive.args[0]!, (directive.block ?? []).filter((d) => d.name === 'server').map((d) => d.args[0]!))
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
      if (listen.args.includes('ssl')) held.tls ??= identityOf(proc, [...directive.block!, ...http], listen)
      ports.set(port, held)
    }
    for (const location of directive.block!.filter((d) => d.name === 'location'))
      for (const pass of (location.block ?? []).filter((d) => d.name === 'proxy_pass'))
        if (!/^(https?:\/\/|\$)/.test(pass.args[0] ?? '')) throw new NginxConfigError(`invalid URL prefix in ${pass.file}:${pass.line}`)
  }
  return {
    ports, upstreams, http, pidFile: resolvePath('/etc/nginx', valueOf(all, 'pid') ?? '/run/nginx.pid'),
    temporaryFolders: Object.entries(TEMPORARY_FOLDERS).map(([name, folder]) => resolvePath('/etc/nginx', valueOf(http, name) ?? folder)),
  }
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

/** Looks up the hosts of proxy_pass, as nginx does once when it starts. @throws NginxConfigError host not found in upstream */
export async function resolveUpstreams(proc: Proc, setup: NginxSetup): Promise<void> {
  const walk = async (directives: readonly Directive[]): Promise<void> => {
    for (const directive of directives) {
      if (directive.block) await walk(directive.block)
      const isPass = directive.name === 'proxy_pass'
      const target = isPass ? /^https?:\/\/([^/:]+)/.exec(directive.args[0] ?? '')?.[1] : undefined
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
    if (!KNOWN_DIRECTIVES.has(directive.name)) throw new NginxConfigError(`unknown directive "${directive.name}" in ${directive.file}:${directive.line}`)
    if (directive.name === 'server' && inside !== 'http' && inside !== 'upstream' && inside !== 'stream') throw new NginxConfigError(`"server" directive is not allowed here in ${directive.file}:${directive.line}`)
    if (directive.name === 'location' && inside !== 'server' && inside !== 'location') throw new NginxConfigError(`"location" directive is not allowed here in ${directive.file}:${directive.line}`)
    if (directive.block) check(directive.block, directive.name)
  }
}

/** One request on its way through the configuration. */
interface Exchange {
  proc: Proc
  setup: NginxSetup
  version: string
  request: HttpRequest
  peer: HttpPeer
  server: readonly Directive[]
  port: number
  url: URL
  host: string
  /** Number of the connection, as the error log counts. */
  connection: number
  errors: string[]
  variables: Map<string, string>
  /** Directives of http, server and locations that answer, outermost first. */
  levels: readonly (readonly Directive[])[]
  /** Whom the request was passed on to. */
  upstream: string[]
}

/** Answers one request as the server blocks say. `errors` collects what goes to the error log, `access` what goes to access logs. */
export async function answerRequest(proc: Proc, setup: NginxSetup, version: string, port: number, request: HttpRequest, peer: HttpPeer, connection: number, { errors, access }: { errors: string[]; access: AccessEntry[] }): Promise<Response> {
  const startedMs = proc.clock.nowMs()
  const url = new URL(request.url)
  const host = (request.headers.get('host') ?? url.host).replace(/:\d+$/, '')
  const servers = setup.ports.get(port)!.servers
  const server = servers.find((block) => block.some((d) => d.name === 'server_name' && d.args.some((name) => serverNameMatches(name, host)))) ?? servers[0]!
  const exchange: Exchange = { proc, setup, version, request, peer, server, port, url, host, connection, errors, variables: new Map(), levels: [setup.http, server], upstream: [] }
  const response = await process(exchange, decodeURIComponentSafely(url.pathname), 0)
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
  return response
}

function decodeURIComponentSafely(path: string): string {
  try { return decodeURIComponent(path) } catch { return path }
}

function serverNameMatches(name: string, host: string): boolean {
  if (name.startsWith('~')) return new RegExp(name.slice(1)).test(host)
  if (name.startsWith('*.')) return host.endsWith(name.slice(1))
  if (name.endsWith('.*')) return host.startsWith(name.slice(0, -1))
  return name === host
}

function valueOf(directives: readonly Directive[], name: string): string | undefined {
  return directives.findLast((directive) => directive.name === name)?.args[0]
}

/** The location for a path: exact, then the longest prefix, unless a regular expression matches. */
function locationFor(directives: readonly Directive[], path: string): Directive | undefined {
  const locations = directives.filter((d) => d.name === 'location')
  const exact = locations.find((d) => d.args[0] === '=' && d.args[1] === path)
  if (exact) return exact
  const prefixes = locations.filter((d) => d.args.length === 1 && !d.args[0]!.startsWith('@') || d.args[0] === '^~').map((d) => ({ d, prefix: d.args.at(-1)! })).filter(({ prefix }) => path.startsWith(prefix)).sort((a, b) => b.prefix.length - a.prefix.length)
  if (prefixes[0]?.d.args[0] === '^~') return prefixes[0].d
  return locations.find((d) => (d.args[0] === '~' || d.args[0] === '~*') && new RegExp(d.args[1]!, d.args[0] === '~*' ? 'i' : '').test(path)) ?? prefixes[0]?.d
}

async function process(exchange: Exchange, path: string, depth: number, named?: Directive): Promise<Response> {
  if (depth > 10) return errorResponse(exchange, 500)
  const location = named ?? locationFor(exchange.server, path)
  const nested = location?.block ? locationFor(location.block, path) : undefined
  exchange.levels = [exchange.setup.http, exchange.server, location?.block ?? [], nested?.block ?? []]
  const chain = exchange.levels.flat()
  const own = [...(nested?.block ?? location?.block ?? [])]
  for (const directive of [...exchange.server.filter((d) => d.name === 'set'), ...own.filter((d) => d.name === 'set')]) exchange.variables.set(directive.args[0]!.slice(1), substitute(exchange, directive.args[1] ?? '', path))
  let response: Response
  const rewritten = rewrite([...(location ? [] : exchange.server), ...own], path)
  const returns = own.find((d) => d.name === 'return') ?? exchange.server.find((d) => d.name === 'return')
  const pass = own.find((d) => d.name === 'proxy_pass')
  if (returns) response = returnResponse(exchange, returns, path)
  else if (rewritten !== undefined && rewritten !== path) return process(exchange, rewritten, depth + 1)
  else if (own.some((d) => d.name === 'deny' && d.args[0] === 'all')) response = errorResponse(exchange, 403)
  else if (pass) response = await proxy(exchange, pass, location!, path, own)
  else if (own.some((d) => d.name === 'stub_status')) response = new Response(`Active connections: 1 \nserver accepts handled requests\n ${exchange.connection} ${exchange.connection} ${exchange.connection} \nReading: 0 Writing: 1 Waiting: 0 \n`, { headers: { 'content-type': 'text/plain' } })
  else response = await serveFiles(exchange, chain, own, location, path, depth)
  if (response.status >= 400 && depth < 9) {
    const page = chain.findLast((d) => d.name === 'error_page' && d.args.slice(0, -1).includes(String(response.status)))
    const target = page?.args.at(-1)
    if (target?.startsWith('/') && target !== path) {
      const replaced = await process(exchange, target, 9)
      if (replaced.status < 400) response = new Response(replaced.body, { status: response.status, headers: replaced.headers })
    }
  }
  for (const header of chain.filter((d) => d.name === 'add_header')) if (response.status < 400 || header.args.includes('always')) response.headers.set(header.args[0]!, substitute(exchange, header.args[1] ?? '', path))
  return response
}

function rewrite(directives: readonly Directive[], path: string): string | undefined {
  for (const { name, args } of directives) {
    if (name !== 'rewrite' || !args[0] || !args[1]) continue
    const match = new RegExp(args[0]).exec(path)
    if (match) return args[1].replace(/\$(\d)/g, (_, n: string) => match[Number(n)] ?? '')
  }
  return undefined
}

function returnResponse(exchange: Exchange, directive: Directive, path: string): Response {
  const [first, second] = directive.args
  if (!/^\d{3}$/.test(first ?? '')) return redirect(exchange, 302, substitute(exchange, first ?? '', path))
  const status = Number(first)
  if (second === undefined) return status >= 300 ? errorResponse(exchange, status) : new Response(null, { status })
  const text = substitute(exchange, second, path)
  if ([301, 302, 303, 307, 308].includes(status)) return redirect(exchange, status, text)
  const type = valueOf([...exchange.setup.http, ...exchange.server, ...(locationFor(exchange.server, path)?.block ?? [])], 'default_type') ?? 'text/plain'
  return new Response(text, { status, headers: { 'content-type': type, 'content-length': String(new TextEncoder().encode(text).length) } })
}

function redirect(exchange: Exchange, status: number, location: string): Response {
  const response = errorResponse(exchange, status)
  response.headers.set('location', location.startsWith('/') ? `http://${exchange.request.headers.get('host') ?? exchange.url.host}${location}` : location)
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

function substitute(exchange: Exchange, text: string, path: string): string {
  return text.replace(/\$\{?(\w+)\}?/g, (match, name: string) => variable(exchange, name, path) ?? (match.startsWith('${') ? match : ''))
}

/** The value of a variable for a request; undefined for one that there isn't. */
function variable(exchange: Exchange, name: string, path: string): string | undefined {
  const { proc, request, url, peer } = exchange
  switch (name) {
    case 'host': return exchange.host
    case 'http_host': return request.headers.get('host') ?? ''
    case 'uri': case 'document_uri': return path
    case 'request_uri': return url.pathname + url.search
    case 'request': return `${request.method} ${url.pathname}${url.search} HTTP/1.1`
    case 'server_protocol': return 'HTTP/1.1'
    case 'args': case 'query_string': return url.search.slice(1)
    case 'is_args': return url.search ? '?' : ''
    case 'scheme': return 'http'
    case 'hostname': return proc.machine.hostname
    case 'remote_addr': return peer.remote.ip
    case 'remote_port': return String(peer.remote.port)
    case 'remote_user': return remoteUser(request)
    case 'server_addr': return peer.local.ip
    case 'server_port': return String(exchange.port)
    case 'server_name': return valueOf(exchange.server, 'server_name') ?? ''
    case 'request_method': return request.method
    case 'nginx_version': return exchange.version
    case 'pid': return String(proc.pid)
    case 'connection': return String(exchange.connection)
    case 'time_local': return formatDate('%d/%b/%Y:%H:%M:%S %z', proc.clock.nowMs())
    case 'time_iso8601': return formatDate('%Y-%m-%dT%H:%M:%S+00:00', proc.clock.nowMs())
    case 'msec': return (proc.clock.nowMs() / 1000).toFixed(3)
    case 'request_id': {
      // One for the whole request.
      const id = exchange.variables.get(name) ?? proc.random.uuid().replaceAll('-', '')
      exchange.variables.set(name, id)
      return id
    }
    case 'proxy_add_x_forwarded_for': return [request.headers.get('x-forwarded-for'), peer.remote.ip].filter(Boolean).join(', ')
    default:
      if (name.startsWith('http_')) return request.headers.get(name.slice(5).replaceAll('_', '-')) ?? ''
      if (name.startsWith('arg_')) return url.searchParams.get(name.slice(4)) ?? ''
      return exchange.variables.get(name)
  }
}

/** Who the client says they are. */
function remoteUser(request: HttpRequest): string {
  const credentials = /^Basic (\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
  try { return credentials === undefined ? '' : atob(credentials).split(':')[0]! } catch { return '' }
}

async function serveFiles(exchange: Exchange, chain: readonly Directive[], own: readonly Directive[], location: Directive | undefined, path: string, depth: number): Promise<Response> {
  const { proc, request } = exchange
  if (request.method !== 'GET' && request.method !== 'HEAD') return errorResponse(exchange, 405)
  const alias = own.find((d) => d.name === 'alias')?.args[0]
  const root = valueOf(chain, 'root') ?? '/etc/nginx/html'
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
    if (last.startsWith('@')) { const target = exchange.server.find((d) => d.name === 'location' && d.args[0] === last); return target ? process(exchange, path, depth + 1, target) : errorResponse(exchange, 500) }
    const uri = substitute(exchange, last, path).replace(/\?.*$/, '')
    return uri === path ? errorResponse(exchange, 404) : process(exchange, uri, depth + 1)
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
    const headers = { 'content-type': contentType(target, valueOf(chain, 'default_type') ?? 'application/octet-stream'), 'content-length': String(data.length), 'last-modified': modified, etag, 'accept-ranges': 'bytes' }
    if (request.headers.get('if-none-match') === etag || request.headers.get('if-modified-since') === modified) return new Response(null, { status: 304, headers: { 'last-modified': modified, etag } })
    return new Response(request.method === 'HEAD' ? null : data.slice(), { headers })
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    const denied = error.code === 'EACCES'
    logError(exchange, `open() "${target}" failed (${denied ? '13: Permission denied' : '2: No such file or directory'})`)
    return errorResponse(exchange, denied ? 403 : 404)
  }
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

function logError(exchange: Exchange, text: string): void {
  const { request, url, peer, server } = exchange
  exchange.errors.push(`*${exchange.connection} ${text}, client: ${peer.remote.ip}, server: ${valueOf(server, 'server_name') ?? ''}, request: "${request.method} ${url.pathname}${url.search} HTTP/1.1", host: "${request.headers.get('host') ?? url.host}"`)
}

async function proxy(exchange: Exchange, pass: Directive, location: Directive, path: string, own: readonly Directive[]): Promise<Response> {
  const { proc, request, setup, url } = exchange
  const target = substitute(exchange, pass.args[0]!, path)
  const match = /^(https?):\/\/([^/]+)(\/.*)?$/.exec(target)
  if (!match) return errorResponse(exchange, 500)
  const [, scheme, authority, uri] = match
  const upstream = setup.upstreams.get(authority!)
  const prefix = location.args.at(-1)!
  const rest = uri === undefined ? url.pathname : uri + (pass.args[0]!.includes('$') ? '' : url.pathname.slice(prefix.length))
  const headers = new Headers(request.headers)
  headers.set('host', authority!)
  headers.set('connection', 'close')
  for (const directive of [...exchange.server, ...own].filter((d) => d.name === 'proxy_set_header')) {
    const value = substitute(exchange, directive.args[1] ?? '', path)
    if (value === '') headers.delete(directive.args[0]!)
    else headers.set(directive.args[0]!, value)
  }
  const peers = upstream ?? [authority!]
  const start = exchange.connection % peers.length
  for (let i = 0; i < peers.length; i++) {
    const peer = peers[(start + i) % peers.length]!
    exchange.upstream.push(peer)
    const address = `${scheme}://${peer}${rest}${url.search}`
    try {
      const response = await proc.net.fetch(httpRequest(address, { method: request.method, headers, body: request.body, signal: request.signal }), { insecure: true, connectTimeoutMs: 60_000 })
      if (response.status === 101) return response
      const answer = new Headers(response.headers)
      for (const name of ['connection', 'transfer-encoding', 'server', 'date']) answer.delete(name)
      return new Response(response.body, { status: response.status, headers: answer })
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      const timedOut = error.code === 'ETIMEDOUT'
      const ip = peer.replace(/:\d+$/, '')
      logError(exchange, `${timedOut ? 'upstream timed out (110: Connection timed out)' : error.code === 'ECONNREFUSED' ? 'connect() failed (111: Connection refused)' : `connect() failed (113: ${error.message})`} while connecting to upstream, upstream: "${scheme}://${/:\d+$/.test(peer) ? peer : hostPort(ip, scheme === 'https' ? 443 : 80)}${rest}"`)
      if (i === peers.length - 1) return errorResponse(exchange, timedOut ? 504 : 502)
    }
  }
  return errorResponse(exchange, 502)
}
