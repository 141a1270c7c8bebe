import { httpRequest } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { joinPath, resolvePath } from '../../../unix/path.ts'
import { reasonPhrase } from '../../../unix/net/http1.ts'
import { UnixError } from '../../../unix/types.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { contentType } from '../http/content-type.ts'
import { HttpdConfigError, parseHttpdConfig } from './httpd-config.ts'
import type { HttpdDirective } from './httpd-config.ts'
import { SERVER_ROOT } from './httpd-paths.ts'

/** Modules that the image's httpd.conf loads, or that are built in. */
const MODULES = new Set(['access_compat_module', 'alias_module', 'auth_basic_module', 'authn_core_module', 'authn_file_module', 'authz_core_module', 'authz_host_module', 'authz_user_module', 'autoindex_module', 'dir_module', 'env_module', 'filter_module', 'headers_module', 'log_config_module', 'mime_module', 'mpm_event_module', 'reqtimeout_module', 'setenvif_module', 'status_module', 'unixd_module', 'version_module'])

/** What a configuration comes to. */
export interface HttpdSetup {
  main: HttpdDirective[]
  hosts: HttpdDirective[]
  /** Ports and the address of each, undefined for all. */
  listens: { port: number; ip: string | undefined }[]
}

/** Reads the configuration with all that it includes. @throws HttpdConfigError */
export function loadHttpdConfig(proc: Proc, file: string): HttpdSetup {
  const loaded = new Set(MODULES)
  const read = (path: string): string => {
    try {
      return proc.fs.readText(path)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      throw new HttpdConfigError(`httpd: Could not open configuration file ${path}: ${error.code === 'EACCES' ? 'Permission denied' : 'No such file or directory'}\n`)
    }
  }
  const load = (path: string): HttpdDirective[] => {
    const text = read(path)
    for (const [, module] of text.matchAll(/^\s*LoadModule\s+(\w+)/gim)) loaded.add(module!)
    return parseHttpdConfig(text, path, (name) => loaded.has(name) || loaded.has(name.replace(/^mod_(\w+)\.c$/, '$1_module'))).flatMap((directive) => {
      if (directive.name !== 'include' && directive.name !== 'includeoptional') return [directive]
      return filesOf(proc, directive).flatMap(load)
    })
  }
  const main = load(file)
  const listens = main.filter((d) => d.name === 'listen').map(({ args, file: from, line }) => {
    const match = /^(?:(\[[^\]]*\]|[^:]+):)?(\d+)$/.exec(args[0] ?? '')
    if (!match) throw new HttpdConfigError(`AH00526: Syntax error on line ${line} of ${from}:\nPort must be specified\n`)
    return { port: Number(match[2]), ip: match[1]?.startsWith('[') || match[1] === '*' || match[1] === '0.0.0.0' ? undefined : match[1] }
  })
  if (listens.length === 0) throw new HttpdConfigError('no listening sockets available, shutting down\nAH00015: Unable to open logs\n')
  for (const { args, file: from, line } of main.filter((d) => d.name === 'documentroot')) {
    if (!isDirectory(proc, rooted(args[0] ?? ''))) throw new HttpdConfigError(`AH00526: Syntax error on line ${line} of ${from}:\nDocumentRoot '${args[0]}' is not a directory, or is not readable\n`)
  }
  return { main, hosts: main.filter((d) => d.name === 'virtualhost'), listens }
}

const rooted = (path: string) => path.startsWith('/') ? path : joinPath(SERVER_ROOT, path)

function isDirectory(proc: Proc, path: string): boolean {
  try { return proc.fs.stat(path).type === 'directory' } catch { return false }
}

function filesOf(proc: Proc, { name, args, file, line }: HttpdDirective): string[] {
  const path = rooted(args[0] ?? '')
  const slash = path.lastIndexOf('/')
  const isPattern = /[*?]/.test(path)
  const pattern = new RegExp(`^${path.slice(slash + 1).replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('?', '.').replaceAll('*', '.*')}$`)
  const folder = isPattern ? path.slice(0, slash) || '/' : isDirectory(proc, path) ? path : undefined
  const found = folder === undefined ? proc.fs.exists(path) ? [path] : [] : isDirectory(proc, folder) ? proc.fs.readdir(folder).filter((each) => !isPattern || pattern.test(each)).sort().map((each) => joinPath(folder, each)) : []
  if (found.length === 0 && name === 'include' && !isPattern) throw new HttpdConfigError(`AH00526: Syntax error on line ${line} of ${file}:\nCould not open configuration file ${path}: No such file or directory\n`)
  return found
}

/** One request with the directives that hold for it: the main server's, then those of its virtual host. */
interface Exchange {
  proc: Proc
  version: string
  request: HttpRequest
  peer: HttpPeer
  url: URL
  port: number
  directives: readonly HttpdDirective[]
}

/** Answers one request. */
export async function answerRequest(proc: Proc, setup: HttpdSetup, version: string, port: number, request: HttpRequest, peer: HttpPeer): Promise<Response> {
  const url = new URL(request.url)
  const name = (request.headers.get('host') ?? url.host).replace(/:\d+$/, '')
  const candidates = setup.hosts.filter((host) => host.args.some((address) => /:\*$|^\*$/.test(address) || address.endsWith(`:${port}`)))
  const host = candidates.find(({ section = [] }) => section.some((d) => (d.name === 'servername' && d.args[0]!.replace(/:\d+$/, '') === name) || (d.name === 'serveralias' && d.args.includes(name)))) ?? candidates[0]
  const exchange: Exchange = { proc, version, request, peer, url, port, directives: [...setup.main.filter((d) => d.name !== 'virtualhost'), ...host?.section ?? []] }
  let response = await respond(exchange)
  const document = response.status >= 400 ? exchange.directives.findLast((d) => d.name === 'errordocument' && d.args[0] === String(response.status))?.args[1] : undefined
  if (document?.startsWith('/')) {
    const file = fileAt(exchange, document)
    if (file && proc.fs.exists(file)) response = new Response(proc.fs.readFile(file).slice(), { status: response.status, headers: { 'content-type': contentType(file, 'text/html') } })
  } else if (document?.startsWith('http')) response = redirection(exchange, 302, document)
  else if (document !== undefined) response = new Response(document, { status: response.status, headers: { 'content-type': 'text/html; charset=iso-8859-1', 'content-length': String(document.length) } })
  for (const { args } of matching(exchange, url.pathname).filter((d) => d.name === 'header')) {
    const [action, key, value] = args[0] === 'always' ? args.slice(1) : args
    if (action === 'unset') response.headers.delete(key!)
    else if (key !== undefined && value !== undefined) action === 'set' ? response.headers.set(key, value) : response.headers.append(key, value)
  }
  response.headers.set('date', new Date(proc.clock.nowMs()).toUTCString())
  response.headers.set('server', valueOf(exchange, 'servertokens')?.toLowerCase() === 'prod' ? 'Apache' : `Apache/${version} (Unix)`)
  return response
}

function valueOf({ directives }: Pick<Exchange, 'directives'>, name: string): string | undefined {
  return directives.findLast((d) => d.name === name)?.args[0]
}

/** Directives in force for a path: those outside of sections, then those of the folders and locations that hold it. */
function matching(exchange: Exchange, path: string): HttpdDirective[] {
  const file = fileAt(exchange, path)
  const within = (prefix: string, whole: string) => whole === prefix || whole.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)
  return exchange.directives.flatMap((directive) => {
    const { name, args, section } = directive
    if (!section) return [directive]
    const holds = name === 'location' ? args[0] === '~' ? new RegExp(args[1]!).test(path) : within(args[0]!, path)
      : name === 'locationmatch' ? new RegExp(args[0]!).test(path)
        : name === 'directory' ? file !== undefined && within(args[0]!, file)
          : name === 'filesmatch' ? file !== undefined && new RegExp(args[0]!).test(file.slice(file.lastIndexOf('/') + 1))
            : name === 'files' ? file !== undefined && file.slice(file.lastIndexOf('/') + 1) === args[0] : false
    return holds ? section : []
  })
}

/** The file behind a path: an alias, or below the document root. */
function fileAt({ directives }: Pick<Exchange, 'directives'>, path: string): string | undefined {
  for (const { name, args } of directives) {
    if (name !== 'alias' || args[0] === undefined || args[1] === undefined) continue
    if (path === args[0].replace(/\/$/, '') || path.startsWith(args[0].endsWith('/') ? args[0] : `${args[0]}/`)) return joinPath(rooted(args[1]), path.slice(args[0].length))
  }
  const root = directives.findLast((d) => d.name === 'documentroot')?.args[0] ?? 'htdocs'
  return resolvePath('/', joinPath(rooted(root), path))
}

async function respond(exchange: Exchange): Promise<Response> {
  const { proc, request, url, directives } = exchange
  let path: string
  try { path = resolvePath('/', decodeURIComponent(url.pathname)) + (url.pathname.endsWith('/') && url.pathname !== '/' ? '/' : '') } catch { return errorPage(exchange, 400) }
  for (const { name, args } of directives) {
    const [status, from, to] = name === 'redirect' && args.length === 3 ? args : name === 'redirect' || name === 'redirecttemp' ? ['302', ...args] : name === 'redirectpermanent' ? ['301', ...args] : []
    if (status === undefined || from === undefined || to === undefined || !(path === from || path.startsWith(from.endsWith('/') ? from : `${from}/`))) continue
    return redirection(exchange, { permanent: 301, temp: 302, seeother: 303 }[status] ?? Number(status), to + path.slice(from.length))
  }
  const pass = directives.find((d) => d.name === 'proxypass' && d.args[1] !== '!' && path.startsWith(d.args[0]!))
  if (pass) return proxy(exchange, pass.args[1]! + url.pathname.slice(pass.args[0]!.length) + url.search)
  const inForce = matching(exchange, path)
  const required = inForce.findLast((d) => d.name === 'require')
  if (required?.args.join(' ') === 'all denied' || /\/\.ht/.test(path)) return errorPage(exchange, 403)
  if (request.method === 'OPTIONS') return new Response(null, { headers: { allow: 'OPTIONS,HEAD,GET,POST,TRACE', 'content-length': '0', 'content-type': 'httpd/unix-directory' } })
  if (!['GET', 'HEAD', 'POST'].includes(request.method)) return errorPage(exchange, 405, { allow: 'OPTIONS,HEAD,GET,POST,TRACE' })
  if (inForce.findLast((d) => d.name === 'sethandler')?.args[0] === 'server-status') return new Response('Apache Server Status\n', { headers: { 'content-type': 'text/html; charset=ISO-8859-1' } })
  const file = fileAt(exchange, path)!
  try {
    const { type } = proc.fs.stat(file)
    if (type !== 'directory') return path.endsWith('/') ? errorPage(exchange, 404) : serveFile(exchange, file)
    if (!path.endsWith('/')) return redirection(exchange, 301, `${path}/`)
    for (const index of inForce.filter((d) => d.name === 'directoryindex').at(-1)?.args ?? ['index.html']) if (proc.fs.exists(joinPath(file, index))) return serveFile(exchange, joinPath(file, index))
    const options = inForce.findLast((d) => d.name === 'options')?.args ?? []
    return options.some((option) => /^\+?(Indexes|All)$/i.test(option)) ? listing(exchange, path, file) : errorPage(exchange, 403)
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return errorPage(exchange, error.code === 'EACCES' ? 403 : 404)
  }
}

function serveFile({ proc, request }: Exchange, file: string): Response {
  const content = proc.fs.readFile(file)
  const { modifiedMs } = proc.fs.stat(file)
  const changed = new Date(modifiedMs).toUTCString()
  const headers = new Headers({ 'last-modified': changed, etag: `"${content.length.toString(16)}-${Math.floor(modifiedMs * 1000).toString(16)}"`, 'accept-ranges': 'bytes' })
  if (request.headers.get('if-none-match') === headers.get('etag') || request.headers.get('if-modified-since') === changed) return new Response(null, { status: 304, headers })
  headers.set('content-length', String(content.length))
  const type = contentType(file, '')
  if (type) headers.set('content-type', type)
  return new Response(content.slice(), { headers })
}

/** A plain list, as mod_autoindex makes it without fancy indexing. */
function listing({ proc }: Exchange, path: string, folder: string): Response {
  const entries = proc.fs.readdir(folder).filter((name) => !/^\.(?:ht|\?)/.test(name)).sort().map((name) => isDirectory(proc, joinPath(folder, name)) ? `${name}/` : name)
  const parent = path === '/' ? [] : [`<li><a href="${path.replace(/[^/]+\/$/, '')}"> Parent Directory</a></li>\n`]
  const text = `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n<html>\n <head>\n  <title>Index of ${escaped(path.replace(/(.)\/$/, '$1'))}</title>\n </head>\n <body>\n<h1>Index of ${escaped(path.replace(/(.)\/$/, '$1'))}</h1>\n<ul>${parent.join('')}${entries.map((name) => `<li><a href="${encodeURI(name)}"> ${escaped(name)}</a></li>\n`).join('')}</ul>\n</body></html>\n`
  return new Response(text, { headers: { 'content-type': 'text/html;charset=ISO-8859-1', 'content-length': String(text.length) } })
}

async function proxy(exchange: Exchange, target: string): Promise<Response> {
  const { proc, request, url, peer } = exchange
  const headers = new Headers(request.headers)
  if (valueOf(exchange, 'proxypreservehost')?.toLowerCase() !== 'on') headers.set('host', new URL(target).host)
  headers.set('x-forwarded-for', [request.headers.get('x-forwarded-for'), peer.remote.ip].filter((each) => each !== null).join(', '))
  headers.set('x-forwarded-host', request.headers.get('host') ?? url.host)
  headers.set('x-forwarded-server', valueOf(exchange, 'servername') ?? proc.machine.hostname)
  try {
    const response = await proc.net.fetch(httpRequest(target, { method: request.method, headers, body: request.body }))
    return new Response(response.body, { status: response.status, headers: new Headers(response.headers) })
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN' ? errorPage(exchange, 502, {}, '<p>The proxy server received an invalid\r\nresponse from an upstream server.<br />\r\nThe proxy server could not handle the request<p>Reason: <strong>DNS lookup failure for: ' + escaped(new URL(target).hostname) + '</strong></p></p>') : errorPage(exchange, 503)
  }
}

function redirection(exchange: Exchange, status: number, location: string): Response {
  const absolute = location.startsWith('/') ? `http://${exchange.request.headers.get('host') ?? exchange.url.host}${location}` : location
  return errorPage(exchange, status, { location: absolute }, `<p>The document has moved <a href="${escaped(absolute)}">here</a>.</p>`)
}

const EXPLANATIONS: Readonly<Record<number, string>> = {
  400: '<p>Your browser sent a request that this server could not understand.<br />\n</p>',
  403: "<p>You don't have permission to access this resource.</p>",
  404: '<p>The requested URL was not found on this server.</p>',
  503: '<p>The server is temporarily unable to service your\nrequest due to maintenance downtime or capacity\nproblems. Please try again later.</p>',
}

function errorPage(exchange: Pick<Exchange, 'request'>, status: number, headers: Record<string, string> = {}, explanation = status === 405 ? `<p>The requested method ${exchange.request.method} is not allowed for this URL.</p>` : EXPLANATIONS[status] ?? ''): Response {
  const title = reasonPhrase(status)
  const text = `<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>${status} ${title}</title>\n</head><body>\n<h1>${title}</h1>\n${explanation}\n</body></html>\n`
  return new Response(text, { status, headers: { ...headers, 'content-type': 'text/html; charset=iso-8859-1', 'content-length': String(text.length) } })
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character]!)
}

/** The line of the access log for a request, in the format that CustomLog names; undefined where there is no such log. */
export function accessLine(setup: HttpdSetup, nowMs: number, request: Pick<HttpRequest, 'method' | 'url' | 'headers'>, peer: HttpPeer, response: Response): string | undefined {
  const custom = setup.main.findLast((d) => d.name === 'customlog')
  if (!custom) return undefined
  const named = custom.args[1] ?? 'common'
  const format = named.includes('%') ? named : setup.main.findLast((d) => d.name === 'logformat' && d.args[1] === named)?.args[0] ?? '%h %l %u %t "%r" %>s %b'
  const url = new URL(request.url)
  const length = request.method === 'HEAD' ? '0' : response.headers.get('content-length') ?? '0'
  const values: Record<string, string> = { h: peer.remote.ip, a: peer.remote.ip, l: '-', u: '-', t: formatDate('[%d/%b/%Y:%H:%M:%S %z]', nowMs), r: `${request.method} ${url.pathname}${url.search} HTTP/1.1`, s: String(response.status), b: length === '0' ? '-' : length, B: length, m: request.method, U: url.pathname, q: url.search, H: 'HTTP/1.1', v: url.hostname, D: '312', T: '0', p: url.port || '80', I: '0', O: length }
  return format.replace(/%>?(?:\{([^}]*)\})?(\w)/g, (match, key: string | undefined, letter: string) => key === undefined ? values[letter] ?? match : letter === 'i' ? request.headers.get(key) ?? '-' : letter === 'o' ? response.headers.get(key) ?? '-' : '-')
}
