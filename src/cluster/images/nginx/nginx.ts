import { httpRequest } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { UnixError } from '../../../unix/types.ts'
import type { HttpPeer, Listener, Proc } from '../../../unix/types.ts'
import { ConfigurationError, chooseLocation, parseConfiguration, readServers } from './configuration.ts'
import type { Server, Settings } from './configuration.ts'

const CONFIGURATION = '/etc/nginx/nginx.conf'
const TYPES: Record<string, string> = { html: 'text/html', htm: 'text/html', css: 'text/css', js: 'application/javascript', json: 'application/json', txt: 'text/plain', xml: 'text/xml', svg: 'image/svg+xml', png: 'image/png', jpg: 'image/jpeg', gif: 'image/gif', ico: 'image/x-icon', pdf: 'application/pdf', wasm: 'application/wasm' }
const PHRASES: Record<number, string> = { 301: 'Moved Permanently', 302: 'Found', 307: 'Temporary Redirect', 308: 'Permanent Redirect', 400: 'Bad Request', 401: 'Authorization Required', 403: 'Forbidden', 404: 'Not Found', 405: 'Not Allowed', 413: 'Request Entity Too Large', 499: 'Client Closed Request', 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Temporarily Unavailable', 504: 'Gateway Time-out' }

/**
 * nginx of one version: reads its configuration, serves files, returns and proxies, and logs each request. The arguments are the process's
 * own unless given, by a script that becomes nginx.
 */
export function nginx(version: string): (proc: Proc, args?: readonly string[]) => Promise<number> {
  return async (proc, args = proc.argv.slice(1)) => {
    const file = args.includes('-c') ? args[args.indexOf('-c') + 1]! : CONFIGURATION
    if (args.includes('-v')) { await proc.stderr.write(`nginx version: nginx/${version}\n`); return 0 }
    let servers: Server[]
    let upstreams: Map<string, string[]>
    const load = () => { ({ servers, upstreams } = readConfiguration(proc, file)) }
    try {
      load()
    } catch (error) {
      const message = error instanceof UnixError ? `open() "${error.path ?? file}" failed (2: No such file or directory)` : (error as Error).message
      await proc.stderr.write(`${args.includes('-t') ? '' : `${errorTime(proc)} [emerg] ${proc.pid}#${proc.pid}: ${message}\n`}nginx: [emerg] ${message}\n`)
      if (args.includes('-t')) await proc.stderr.write(`nginx: configuration file ${file} test failed\n`)
      return 1
    }
    if (args.includes('-t')) {
      await proc.stderr.write(`nginx: the configuration file ${file} syntax is ok\nnginx: configuration file ${file} test is successful\n`)
      return 0
    }
    if (args.includes('-s')) return signalMaster(proc, args[args.indexOf('-s') + 1] ?? '')
    const notice = (text: string) => proc.stderr.write(`${errorTime(proc)} [notice] ${proc.pid}#${proc.pid}: ${text}\n`)
    let requests = 0
    let open = 0
    let idle: (() => void) | undefined
    const listeners = new Map<number, Listener>()
    const listen = () => {
      const ports = new Set(servers.flatMap((server) => server.ports))
      for (const [port, listener] of listeners) if (!ports.has(port)) { listener.close(); listeners.delete(port) }
      for (const port of ports) {
        if (listeners.has(port)) continue
        listeners.set(port, proc.net.listenHttp(port, async (request, peer) => {
          requests++
          open++
          try {
            return await answer({ proc, version, servers, upstreams, requests: () => requests, open: () => open }, port, request, peer)
          } finally {
            open--
            if (open === 0) idle?.()
          }
        }))
      }
    }
    try {
      listen()
    } catch (error) {
      const port = [...new Set(servers!.flatMap((server) => server.ports))][0]
      await proc.stderr.write(`${errorTime(proc)} [emerg] ${proc.pid}#${proc.pid}: bind() to 0.0.0.0:${port} failed (${(error as UnixError).code === 'EACCES' ? '13: Permission denied' : '98: Address already in use'})\n`)
      return 1
    }
    proc.useMemory(8 * 1024 * 1024)
    proc.fs.writeFile('/run/nginx.pid', `${proc.pid}\n`)
    await notice('using the "epoll" event method')
    await notice(`nginx/${version}`)
    await notice('built by gcc 12.2.0 (Debian 12.2.0-14+deb12u1) ')
    await notice('OS: Linux 6.12.0')
    await notice('getrlimit(RLIMIT_NOFILE): 1048576:1048576')
    await notice('start worker processes')
    await notice(`start worker process ${proc.pid + 28}`)
    for (;;) {
      const signal = await proc.signal('SIGQUIT', 'SIGTERM', 'SIGINT', 'SIGHUP')
      if (signal === 'SIGHUP') {
        await notice('signal 1 (SIGHUP) received, reconfiguring')
        try {
          load()
          listen()
          await notice('reconfiguring')
        } catch (error) {
          await proc.stderr.write(`${errorTime(proc)} [emerg] ${proc.pid}#${proc.pid}: ${(error as Error).message}\n`)
        }
        continue
      }
      const graceful = signal === 'SIGQUIT'
      await notice(graceful ? 'signal 3 (SIGQUIT) received, shutting down' : `signal ${signal === 'SIGINT' ? '2 (SIGINT)' : '15 (SIGTERM)'} received, exiting`)
      for (const listener of listeners.values()) listener.close()
      if (graceful && open > 0) await new Promise<void>((resolve) => { idle = resolve })
      await notice('exit')
      return 0
    }
  }
}

function readConfiguration(proc: Proc, file: string): { servers: Server[]; upstreams: Map<string, string[]> } {
  const include = (pattern: string) => {
    const full = pattern.startsWith('/') ? pattern : `/etc/nginx/${pattern}`
    if (!full.includes('*')) return proc.fs.exists(full) ? [{ file: full, text: proc.fs.readText(full) }] : fail(`open() "${full}" failed (2: No such file or directory)`)
    const folder = full.slice(0, full.lastIndexOf('/'))
    const name = new RegExp(`^${full.slice(folder.length + 1).replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*')}$`)
    if (!proc.fs.exists(folder)) return []
    return proc.fs.readdir(folder).filter((n) => name.test(n)).map((n) => ({ file: `${folder}/${n}`, text: proc.fs.readText(`${folder}/${n}`) }))
  }
  return readServers(parseConfiguration(proc.fs.readText(file), file, include), file)
}

function fail(message: string): never {
  throw new ConfigurationError(message)
}

function signalMaster(proc: Proc, name: string): number {
  const signal = ({ stop: 'SIGTERM', quit: 'SIGQUIT', reload: 'SIGHUP' } as const)[name as 'stop']
  const pid = proc.fs.exists('/run/nginx.pid') ? Number(proc.fs.readText('/run/nginx.pid')) : 0
  const master = proc.machine.process(pid)
  if (!signal || !master) return 1
  master.kill(signal)
  return 0
}

interface Serving {
  proc: Proc
  version: string
  servers: readonly Server[]
  upstreams: ReadonlyMap<string, string[]>
  requests(): number
  open(): number
}

async function answer(serving: Serving, port: number, request: HttpRequest, peer: HttpPeer): Promise<Response> {
  const url = new URL(request.url)
  const host = (request.headers.get('host') ?? url.host).replace(/:\d+$/, '')
  const candidates = serving.servers.filter((s) => s.ports.includes(port))
  const server = candidates.find((s) => s.names.some((name) => name === host || (name.startsWith('*.') && host.endsWith(name.slice(1))))) ?? candidates.find((s) => s.isDefault) ?? candidates[0]
  if (!server) return errorPage(404, serving.version)
  let path: string
  try {
    path = decodeURIComponent(url.pathname)
  } catch {
    return finish(errorPage(400, serving.version), serving, request, peer, server.settings, url)
  }
  const variables = (text: string) => text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => variable(braced ?? bare!, { request, peer, url, host, port, serving }) ?? whole)
  let response = await serve(serving, server, path, request, url, variables, 0)
  const settings = chooseLocation(server, path)?.settings ?? server.settings
  const page = settings.errorPages.get(response.status)
  if (page && !/^@|^=/.test(page)) {
    const custom = await serve(serving, server, page, request, url, variables, 1)
    if (custom.status === 200) response = new Response(custom.body, { status: response.status, headers: custom.headers })
  }
  return finish(response, serving, request, peer, settings, url, variables)
}

function finish(response: Response, serving: Serving, request: HttpRequest, peer: HttpPeer, settings: Settings, url: URL, variables: (text: string) => string = (t) => t): Response {
  response.headers.set('server', `nginx/${serving.version}`)
  response.headers.set('date', new Date(serving.proc.clock.nowMs()).toUTCString())
  if ([200, 201, 204, 206, 301, 302, 303, 304, 307, 308].includes(response.status)) for (const [name, value] of settings.headers) response.headers.append(name, variables(value))
  if (settings.accessLog) {
    const size = response.headers.get('content-length') ?? '0'
    const line = `${peer.remote.ip} - - [${accessTime(serving.proc)}] "${request.method} ${url.pathname}${url.search} HTTP/1.1" ${response.status} ${request.method === 'HEAD' ? 0 : size} "${request.headers.get('referer') ?? '-'}" "${request.headers.get('user-agent') ?? '-'}" "${request.headers.get('x-forwarded-for') ?? '-'}"\n`
    serving.proc.stdout.write(line).catch(() => {})
  }
  return response
}

async function serve(serving: Serving, server: Server, path: string, request: HttpRequest, url: URL, variables: (text: string) => string, depth: number): Promise<Response> {
  const { proc, version } = serving
  const location = chooseLocation(server, path)
  const settings = location?.settings ?? server.settings
  const returns = settings.returns ?? server.settings.returns
  if (returns) {
    const text = variables(returns.text)
    if (returns.status >= 300 && returns.status < 400) return htmlError(returns.status, version, { location: text })
    return text || returns.status === 204 ? sized(returns.status === 204 ? '' : text, { 'content-type': settings.defaultType }, returns.status) : errorPage(returns.status, version)
  }
  if (settings.deny) return errorPage(403, version)
  if (settings.stubStatus) return sized(`Active connections: ${serving.open()} \nserver accepts handled requests\n ${serving.requests()} ${serving.requests()} ${serving.requests()} \nReading: 0 Writing: 1 Waiting: 0 \n`, { 'content-type': 'text/plain' })
  if (settings.proxyPass) return proxy(serving, settings, location!.path, path, request, url, variables)
  if (request.method !== 'GET' && request.method !== 'HEAD') return errorPage(405, version)
  const root = settings.root ?? '/etc/nginx/html'
  const fileOf = (p: string) => settings.alias !== undefined && location ? settings.alias + p.slice(location.path.length) : root + p
  if (settings.tryFiles) {
    for (const [i, candidate] of settings.tryFiles.entries()) {
      const tried = candidate.replace(/\$uri/g, path)
      if (tried.startsWith('=')) return errorPage(Number(tried.slice(1)), version)
      const isLast = i === settings.tryFiles.length - 1
      if (isLast) return depth < 10 && tried !== path ? serve(serving, server, tried, request, url, variables, depth + 1) : errorPage(404, version)
      if (tried.endsWith('/') ? isDirectory(proc, fileOf(tried)) : isFile(proc, fileOf(tried))) return sendPath(serving, settings, fileOf(tried), tried)
    }
  }
  return sendPath(serving, settings, fileOf(path), path)
}

function sendPath({ proc, version }: Serving, settings: Settings, file: string, path: string): Response {
  if (!proc.fs.exists(file)) {
    proc.stderr.write(`${errorTime(proc)} [error] ${proc.pid + 28}#${proc.pid + 28}: *1 open() "${file}" failed (2: No such file or directory)\n`).catch(() => {})
    return errorPage(404, version)
  }
  if (isDirectory(proc, file)) {
    if (!path.endsWith('/')) return htmlError(301, version, { location: `${path}/` })
    const index = (settings.index ?? ['index.html']).map((name) => `${file.replace(/\/$/, '')}/${name}`).find((each) => isFile(proc, each))
    if (index) return sendFile(proc, settings, index)
    if (!settings.autoindex) {
      proc.stderr.write(`${errorTime(proc)} [error] ${proc.pid + 28}#${proc.pid + 28}: *1 directory index of "${file}" is forbidden\n`).catch(() => {})
      return errorPage(403, version)
    }
    const escape = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;')
    const entries = proc.fs.readdir(file).map((name) => `<a href="${encodeURIComponent(name)}">${escape(name)}</a>`).join('\n')
    return sized(`<html>\r\n<head><title>Index of ${escape(path)}</title></head>\r\n<body>\r\n<h1>Index of ${escape(path)}</h1><hr><pre><a href="../">../</a>\r\n${entries}\r\n</pre><hr></body>\r\n</html>\r\n`, { 'content-type': 'text/html' })
  }
  return sendFile(proc, settings, file)
}

function sendFile(proc: Proc, settings: Settings, file: string): Response {
  let data: Uint8Array
  try {
    data = proc.fs.readFile(file)
  } catch {
    return errorPage(403, '')
  }
  const stat = proc.fs.stat(file)
  const modified = new Date(Math.floor(stat.modifiedMs / 1000) * 1000)
  return new Response(data as BodyInit, {
    headers: {
      'content-type': TYPES[/\.(\w+)$/.exec(file)?.[1]?.toLowerCase() ?? ''] ?? settings.defaultType, 'content-length': String(data.length), 'last-modified': modified.toUTCString(),
      etag: `"${Math.floor(stat.modifiedMs / 1000).toString(16)}-${data.length.toString(16)}"`, 'accept-ranges': 'bytes',
    },
  })
}

async function proxy({ proc, version, upstreams }: Serving, settings: Settings, prefix: string, path: string, request: HttpRequest, url: URL, variables: (text: string) => string): Promise<Response> {
  const target = new URL(variables(settings.proxyPass!))
  const upstream = upstreams.get(target.hostname)
  if (upstream?.length) target.host = proc.random.pick(upstream)
  // With a path of its own, that path takes the place of the location's.
  const hasPath = /^https?:\/\/[^/]+\//.test(settings.proxyPass!)
  target.pathname = hasPath ? target.pathname + path.slice(prefix.length) : path
  target.search = url.search
  const headers = new Headers(request.headers)
  headers.set('host', target.host)
  headers.set('connection', 'close')
  for (const [name, value] of settings.proxyHeaders) headers.set(name, variables(value))
  try {
    const response = await proc.net.fetch(httpRequest(target.href, { method: request.method, headers, body: request.body ? new Uint8Array(await request.arrayBuffer()) : null, signal: request.signal }), { connectTimeoutMs: 60_000, insecure: true })
    return new Response(response.body, { status: response.status, headers: response.headers })
  } catch (error) {
    const code = (error as UnixError).code
    const reason = code === 'ECONNREFUSED' ? 'connect() failed (111: Connection refused) while connecting to upstream' : code === 'ETIMEDOUT' ? 'upstream timed out (110: Operation timed out) while connecting to upstream' : `${target.hostname} could not be resolved`
    proc.stderr.write(`${errorTime(proc)} [error] ${proc.pid + 28}#${proc.pid + 28}: *1 ${reason}, upstream: "${target.href}"\n`).catch(() => {})
    return errorPage(code === 'ETIMEDOUT' ? 504 : 502, version)
  }
}

function variable(name: string, { request, peer, url, host, port, serving }: { request: HttpRequest; peer: HttpPeer; url: URL; host: string; port: number; serving: Serving }): string | undefined {
  switch (name) {
    case 'host': case 'server_name': return host
    case 'http_host': return request.headers.get('host') ?? host
    case 'hostname': return serving.proc.net.hostname
    case 'remote_addr': case 'proxy_add_x_forwarded_for': return peer.remote.ip
    case 'remote_port': return String(peer.remote.port)
    case 'server_addr': return peer.local.ip
    case 'server_port': return String(port)
    case 'scheme': return 'http'
    case 'request_method': return request.method
    case 'request_uri': return url.pathname + url.search
    case 'uri': case 'document_uri': return url.pathname
    case 'args': case 'query_string': return url.search.slice(1)
    case 'is_args': return url.search ? '?' : ''
    case 'nginx_version': return serving.version
    case 'time_iso8601': return new Date(serving.proc.clock.nowMs()).toISOString().slice(0, 19) + '+00:00'
  }
  if (name.startsWith('http_')) return request.headers.get(name.slice(5).replace(/_/g, '-')) ?? ''
  if (name.startsWith('arg_')) return url.searchParams.get(name.slice(4)) ?? ''
  return undefined
}

function isFile(proc: Proc, file: string): boolean {
  return proc.fs.exists(file) && proc.fs.stat(file).type === 'file'
}

function isDirectory(proc: Proc, file: string): boolean {
  return proc.fs.exists(file) && proc.fs.stat(file).type === 'directory'
}

function sized(text: string, headers: Record<string, string>, status = 200): Response {
  const data = new TextEncoder().encode(text)
  return new Response(status === 204 ? null : data as BodyInit, { status, headers: { ...headers, 'content-length': String(data.length) } })
}

function errorPage(status: number, version: string): Response {
  return htmlError(status, version)
}

function htmlError(status: number, version: string, headers: Record<string, string> = {}): Response {
  const title = `${status} ${PHRASES[status] ?? ''}`.trim()
  return sized(`<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx/${version}</center>\r\n</body>\r\n</html>\r\n`, { 'content-type': 'text/html', ...headers }, status)
}

/** `2026/11/21 05:10:00` */
function errorTime(proc: Proc): string {
  return new Date(proc.clock.nowMs()).toISOString().slice(0, 19).replace(/-/g, '/').replace('T', ' ')
}

/** `21/Nov/2026:05:10:00 +0000` */
function accessTime(proc: Proc): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(proc.clock.nowMs()).toUTCString())!
  return `${day}/${month}/${year}:${time} +0000`
}
