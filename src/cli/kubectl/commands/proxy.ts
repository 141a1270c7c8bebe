import { UpgradeResponse, httpRequest, httpResponse } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import type { UnixError } from '../../../unix/types.ts'
import type { Credentials } from '../../rest-client.ts'
import { unixText } from '../factory.ts'
import type { Factory } from '../factory.ts'
import { klogLine } from '../klog.ts'
import type { CommandHandler } from './handler.ts'

/** Which requests a proxy passes on. k8s: kubectl/pkg/proxy FilterServer */
interface Filter { acceptPaths: RegExp[]; rejectPaths: RegExp[]; acceptHosts: RegExp[]; rejectMethods: RegExp[] }

const patterns = (text: string): RegExp[] => text === '' ? [] : text.split(',').map((part) => {
  try {
    return new RegExp(part)
  } catch (error) {
    throw new Error(`Error compiling re: error parsing regexp: ${(error as Error).message}`)
  }
})
const matches = (text: string, list: readonly RegExp[]) => list.some((pattern) => pattern.test(text))

function accepts(filter: Filter, method: string, path: string, host: string): boolean {
  if (matches(path, filter.rejectPaths) || matches(method, filter.rejectMethods)) return false
  return matches(path, filter.acceptPaths) && matches(host, filter.acceptHosts)
}

const plain = (status: number, text: string) => new Response(`${text}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' } })
const withSlash = (prefix: string) => prefix.endsWith('/') ? prefix : `${prefix}/`

// @k8s no: kubectl proxy --unix-socket: programs of the terminal have no Unix sockets
// k8s: kubectl/pkg/cmd/proxy ProxyOptions, kubectl/pkg/proxy
export const proxy: CommandHandler = async ({ f, flags, out }) => {
  const config = f.rest().config
  const staticPrefix = withSlash(flags.str('www-prefix'))
  const apiPrefix = withSlash(flags.str('api-prefix'))
  const warn = (line: number, text: string) => void f.io.err(klogLine(f.proc, 'W', `proxy.go:${line}`, text))
  const serverPath = new URL(config.server).pathname.replace(/\/$/, '')
  const append = flags.bool('append-server-path')
  if (!append && serverPath) warn(172, `Your kube context contains a server path ${serverPath}, use --append-server-path to automatically append the path to each request`)
  let filter: Filter | undefined
  if (flags.bool('disable-filter')) {
    if (!flags.str('unix-socket')) warn(177, 'Request filter disabled, your proxy is vulnerable to XSRF attacks, please be cautious')
  } else filter = { acceptPaths: patterns(flags.str('accept-paths')), rejectPaths: patterns(flags.str('reject-paths')), acceptHosts: patterns(flags.str('accept-hosts')), rejectMethods: patterns(flags.str('reject-methods')) }
  const port = flags.int('port')
  if (flags.str('unix-socket')) throw new Error(port !== 8001 ? 'cannot set --unix-socket and --port at the same time' : `listen unix ${flags.str('unix-socket')}: socket: operation not supported`)
  const folder = flags.str('www')
  if (folder) checkFolder(f, folder, warn)

  const origin = append ? config.server : config.server.slice(0, config.server.length - serverPath.length)
  const handler = async (request: HttpRequest): Promise<Response> => {
    const url = new URL(request.url)
    if (folder && url.pathname.startsWith(staticPrefix)) return serveFile(f, folder, url.pathname.slice(staticPrefix.length))
    if (folder && `${url.pathname}/` === staticPrefix) return redirect(staticPrefix)
    if (!url.pathname.startsWith(apiPrefix)) return `${url.pathname}/` === apiPrefix ? redirect(apiPrefix) : plain(404, '404 page not found')
    // Prefixes below /api are part of the API's own paths.
    const path = apiPrefix.startsWith('/api') ? url.pathname : `/${url.pathname.slice(apiPrefix.length)}`
    if (filter && !accepts(filter, request.method, path, hostOf(request))) return plain(403, 'Forbidden')
    return passOn(f, request, `${origin}${path}${url.search}`)
  }
  const address = flags.str('address')
  if (port < 0 || port > 65535) throw new Error(`listen tcp: address ${port}: invalid port`)
  let listener
  try {
    listener = f.proc.net.listenHttp(port, (request) => handler(request), { ip: address })
    const bound = listener.ready ? await listener.ready : listener.port
    void out(`Starting to serve on ${address.includes(':') ? `[${address}]` : address}:${bound}\n`)
    await f.io.flush()
  } catch (error) {
    throw new Error(`listen tcp ${address.includes(':') ? `[${address}]` : address}:${port}: bind: ${unixText(error as UnixError)}`)
  }
  try {
    await new Promise<void>((resolve) => { f.proc.killed.addEventListener('abort', () => resolve(), { once: true }) })
  } finally {
    listener.close()
  }
}

const hostOf = (request: HttpRequest) => (request.headers.get('host') ?? new URL(request.url).host).replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
const redirect = (to: string) => new Response(`<a href="${to}">Moved Permanently</a>.\n\n`, { status: 301, headers: { location: to, 'content-type': 'text/html; charset=utf-8' } })

/** Headers that belong to one connection only. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'te', 'trailer', 'host', 'content-length', 'proxy-connection']

async function passOn(f: Factory, request: HttpRequest, url: string): Promise<Response> {
  const rest = f.rest()
  const headers = new Headers(request.headers)
  const upgrading = headers.get('upgrade')?.toLowerCase() === 'websocket'
  for (const name of HOP_BY_HOP) headers.delete(name)
  if (upgrading) headers.set('Connection', 'Upgrade')
  // Who brings credentials speaks for themselves.
  let extra: Credentials
  try {
    extra = await rest.credentials()
  } catch (error) {
    return plain(500, `getting credentials: ${(error as Error).message}`)
  }
  for (const [name, value] of [...rest.config.headers, ...extra.headers]) if (name.toLowerCase() !== 'authorization' || !headers.has(name)) headers.append(name, value)
  let answer: Response
  try {
    answer = await f.proc.net.fetch(httpRequest(url, { method: request.method, headers, body: request.body, signal: request.signal }), { ...rest.config.tls, ...extra.tls })
  } catch (error) {
    void f.io.err(klogLine(f.proc, 'E', 'proxy_server.go:147', `Error while proxying request: ${(error as Error).message}`))
    return plain(500, (error as Error).message)
  }
  if (answer instanceof UpgradeResponse) return answer
  const shown = new Headers(answer.headers)
  for (const name of ['connection', 'keep-alive', 'transfer-encoding']) shown.delete(name)
  return httpResponse(answer.body, { status: answer.status, headers: shown })
}

function checkFolder(f: Factory, folder: string, warn: (line: number, text: string) => void): void {
  try {
    if (f.proc.fs.stat(f.proc.resolve(folder)).type !== 'directory') warn(202, `Static file directory ${folder} is not a directory`)
  } catch (error) {
    warn(200, `Failed to stat static file directory ${folder}: stat ${folder}: ${unixText(error)}`)
  }
}

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8', htm: 'text/html; charset=utf-8', css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8', json: 'application/json', svg: 'image/svg+xml',
  png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', txt: 'text/plain; charset=utf-8', xml: 'text/xml; charset=utf-8', pdf: 'application/pdf', wasm: 'application/wasm',
}

/** A file below the folder, index.html or a listing for directories. k8s: net/http FileServer */
function serveFile(f: Factory, folder: string, path: string): Response {
  const { fs } = f.proc
  const parts = decodeURIComponent(path).split('/').filter((part) => part !== '' && part !== '.')
  // Nothing leads out of the folder.
  if (parts.includes('..')) return plain(400, 'invalid URL path')
  const file = [f.proc.resolve(folder), ...parts].join('/')
  try {
    if (fs.stat(file).type !== 'directory') return new Response(new Uint8Array(fs.readFile(file)), { headers: { 'content-type': TYPES[file.slice(file.lastIndexOf('.') + 1)] ?? 'application/octet-stream' } })
    if (path !== '' && !path.endsWith('/')) return new Response(null, { status: 301, headers: { location: `${parts.at(-1)}/` } })
    if (fs.exists(`${file}/index.html`)) return new Response(new Uint8Array(fs.readFile(`${file}/index.html`)), { headers: { 'content-type': TYPES['html']! } })
    const entries = [...fs.readdir(file)].sort().map((name) => fs.stat(`${file}/${name}`).type === 'directory' ? `${name}/` : name)
    const escaped = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
    return new Response(`<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${entries.map((name) => `<a href="${encodeURI(name)}">${escaped(name)}</a>\n`).join('')}</pre>\n`, { headers: { 'content-type': TYPES['html']! } })
  } catch {
    return plain(404, '404 page not found')
  }
}
