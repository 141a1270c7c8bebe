import type { HttpRequest } from '../../../base/http.ts'
import { resolvePath } from '../../../unix/path.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import type { Directive } from './nginx-config.ts'
import type { NginxSetup } from './nginx-server.ts'

/** Where files are when the configuration doesn't say. */
export const DEFAULT_ROOT = '/etc/nginx/html'

/** One request on its way through the configuration. */
export interface Exchange {
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
  /** What the client sent; upgrades' streams aren't read. */
  body: Uint8Array | undefined
  /** The query, which rewriting may change; `url` stays what was asked for. */
  args: string
  /** An error is answered with a page of its own: for what fails then there is none. */
  isErrorPage?: boolean
  /** Directives of http, server and locations that answer, outermost first. */
  levels: readonly (readonly Directive[])[]
  /** Whom the request was passed on to. */
  upstream: string[]
  /** What is to follow the answer's body. */
  trailers?: Promise<Headers>
}

/** The first argument of a directive, of which the last one counts. */
export function valueOf(directives: readonly Directive[], name: string): string | undefined {
  return directives.findLast((directive) => directive.name === name)?.args[0]
}

/** All directives of some names on the innermost level that has one: levels replace what is further out, they don't add to it. */
export function innermost(levels: readonly (readonly Directive[])[], ...names: readonly string[]): readonly Directive[] {
  return levels.map((level) => level.filter(({ name }) => names.includes(name))).findLast((found) => found.length > 0) ?? []
}

/** Whether a name of server_name covers a host. */
export function serverNameMatches(name: string, host: string): boolean {
  if (name.startsWith('~')) return expression(name.slice(1)).test(host)
  if (name.startsWith('*.')) return host.endsWith(name.slice(1))
  if (name.endsWith('.*')) return host.startsWith(name.slice(0, -1))
  return name === host
}

/** Writes to the error log, once the request is answered. @param upstream the address that was asked */
export function logError(exchange: Exchange, text: string, upstream?: string): void {
  const { request, url, peer, server } = exchange
  exchange.errors.push(`*${exchange.connection} ${text}, client: ${peer.remote.ip}, server: ${valueOf(server, 'server_name') ?? ''}, request: "${request.method} ${url.pathname}${url.search} ${protocolOf(peer)}"${upstream === undefined ? '' : `, upstream: "${upstream}"`}, host: "${request.headers.get('host') ?? url.host}"`)
}

/** The version of HTTP as nginx and its logs name it. */
export function protocolOf({ version }: HttpPeer): string {
  return version === 'h2' ? 'HTTP/2.0' : 'HTTP/1.1'
}

/** What nginx says of a backend that answers in another version of HTTP than it was asked in. What a server of HTTP/1.1 begins with reads as a frame of that length. */
export function otherVersionText(isGrpc: boolean): string {
  return `upstream sent ${isGrpc ? 'too large http2 frame: 4740180' : 'no valid HTTP/1.0 header'} while reading response header from upstream`
}

/** A text with its variables filled in. */
export function substitute(exchange: Exchange, text: string, path: string): string {
  return text.replace(/\$\{?(\w+)\}?/g, (match, name: string) => variable(exchange, name, path) ?? (match.startsWith('${') ? match : ''))
}

/** The value of a variable for a request; undefined for one that there isn't. */
export function variable(exchange: Exchange, name: string, path: string): string | undefined {
  const { proc, request, url, peer } = exchange
  switch (name) {
    case 'host': return exchange.host
    case 'http_host': return request.headers.get('host') ?? ''
    case 'uri': case 'document_uri': return path
    case 'request_uri': return url.pathname + url.search
    case 'request': return `${request.method} ${url.pathname}${url.search} ${protocolOf(peer)}`
    case 'server_protocol': return protocolOf(peer)
    case 'http2': return peer.version === 'h2' ? peer.tls ? 'h2' : 'h2c' : ''
    case 'args': case 'query_string': return exchange.args
    case 'is_args': return exchange.args === '' ? '' : '?'
    case 'scheme': return exchange.setup.ports.get(exchange.port)?.tls ? 'https' : 'http'
    case 'https': return exchange.setup.ports.get(exchange.port)?.tls ? 'on' : ''
    case 'request_filename': return resolvePath('/', (valueOf(exchange.levels.flat(), 'root') ?? DEFAULT_ROOT) + path)
    case 'document_root': return valueOf(exchange.levels.flat(), 'root') ?? DEFAULT_ROOT
    case 'content_type': return request.headers.get('content-type') ?? ''
    case 'content_length': return request.headers.get('content-length') ?? ''
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
      if (name.startsWith('arg_')) return new URLSearchParams(exchange.args).get(name.slice(4)) ?? ''
      if (name.startsWith('cookie_')) return cookie(request, name.slice(7))
      return exchange.variables.get(name) ?? mapped(exchange, name, path)
  }
}

/** What a `map` of the configuration makes of its source: an equal text counts before expressions, whose order counts. */
function mapped(exchange: Exchange, name: string, path: string): string | undefined {
  const map = exchange.setup.http.find((directive) => directive.name === 'map' && directive.args[1] === `$${name}`)
  if (!map) return undefined
  // One that comes back to itself has no value.
  exchange.variables.set(name, '')
  const source = substitute(exchange, map.args[0]!, path)
  exchange.variables.delete(name)
  const rows = map.block!.filter((row) => !['default', 'hostnames', 'volatile'].includes(row.name))
  const isHost = map.block!.some((row) => row.name === 'hostnames')
  const row = rows.find((each) => each.name.replace(/^\\/, '').toLowerCase() === source.toLowerCase()) ?? (isHost ? rows.find((each) => !each.name.startsWith('~') && serverNameMatches(each.name, source)) : undefined)
    ?? rows.find((each) => each.name.startsWith('~') && matches(exchange, each.name.replace(/^~\*?/, ''), source, each.name.startsWith('~*'))) ?? map.block!.find((each) => each.name === 'default')
  return row ? substitute(exchange, row.args[0] ?? '', path) : ''
}

/** Whether an expression fits; what its groups hold is then in $1 and so on, or in variables of their names. */
export function matches(exchange: Exchange, pattern: string, text: string, ignoresCase = false): RegExpExecArray | undefined {
  const match = expression(pattern, ignoresCase).exec(text)
  if (!match) return undefined
  match.forEach((group, i) => exchange.variables.set(String(i), group ?? ''))
  for (const [group, value] of Object.entries(match.groups ?? {})) exchange.variables.set(group, value ?? '')
  return match
}

/** A regular expression of a configuration, which is PCRE's: of what differs, the names of groups and (?i) are translated. */
export function expression(pattern: string, ignoresCase = false): RegExp {
  const isInsensitive = pattern.startsWith('(?i)')
  return new RegExp((isInsensitive ? pattern.slice(4) : pattern).replace(/\(\?P</g, '(?<'), ignoresCase || isInsensitive ? 'i' : '')
}

function cookie(request: HttpRequest, name: string): string {
  return (request.headers.get('cookie') ?? '').split(/;\s*/).find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? ''
}

/** Who the client says they are. */
function remoteUser(request: HttpRequest): string {
  const credentials = /^Basic (\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
  try { return credentials === undefined ? '' : atob(credentials).split(':')[0]! } catch { return '' }
}
