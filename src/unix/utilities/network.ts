import { CookieJar } from '../../base/cookie-jar.ts'
import { allHeaderLines, appendHeaderLine, httpRequest, trailersOf, versionOf } from '../../base/http.ts'
import type { HttpVersion } from '../../base/http.ts'
import { errorText } from '../errno.ts'
import { isAddress, urlHost, urlPort } from '../net/addresses.ts'
import { connectTo, redirectionOf } from './curl-addresses.ts'
import { reverseName } from '../net/dns.ts'
import type { DnsMessage, RecordType } from '../net/dns.ts'
import { NO_HTTP1, NO_HTTP2, reasonPhrase } from '../net/http1.ts'
import { CertificateError } from '../net/server-certificate.ts'
import { askDns, candidateNames, readResolverConfig } from '../net/names.ts'
import { socketPair } from '../net/stack.ts'
import type { MemoryFileSystem } from '../file-system.ts'
import { isCapable } from '../capabilities.ts'
import { UnixError } from '../types.ts'
import type { Proc } from '../types.ts'
import type { TcpSocket } from '../types.ts'
import { busyboxNslookup } from './busybox-nslookup.ts'
import { durationMs } from './processes.ts'
import { baseName } from '../path.ts'
import { UsageError, parseOptions } from './utility.ts'
import type { Utility, UtilityContext } from './utility.ts'

/** Headers after Host as curl sends them: its own first. */
function inCurlsOrder(headers: Headers): [string, string][] {
  const place = (name: string) => ['user-agent', 'accept'].indexOf(name) + 1 || 3
  return allHeaderLines(headers).filter(([name]) => name !== 'host').sort(([a], [b]) => place(a) - place(b))
}

/** OpenSSL's numbers of what goes wrong in a handshake. */
const TLS_ERRORS: Readonly<Record<string, string>> = { 'wrong version number': '0A00010B', 'unexpected eof while reading': '0A000126', 'sslv3 alert handshake failure': '0A000410', 'tlsv1 alert protocol version': '0A00042E', 'tlsv1 alert internal error': '0A000438', 'bad signature': '0A00007B', 'tlsv1 alert no application protocol': '0A000460' }

/** nc: connects or listens, and copies both ways. */
export const nc: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, `lp:w:zvnutkq:s:i:e:N46${context.busybox ? '' : 'U'}`, {})
  if (options.has('U')) return unixNc(context, options.operands.at(-1), options.has('l'), options.has('k'))
  const port = Number(options.has('l') ? options.value('p') ?? options.operands.at(-1) : options.operands[1])
  const timeoutMs = options.value('w') === undefined ? undefined : Number(options.value('w')) * 1000
  if (!options.has('l')) {
    const [host, portText] = options.operands
    if (host === undefined || portText === undefined || !/^\d+(-\d+)?$/.test(portText)) throw new UsageError('missing port number', 'bad port')
    if (options.has('u')) {
      const ip = (await proc.net.lookup(host))[0]!
      if (options.has('v') && !context.busybox) await context.err(`Connection to ${host} (${ip}) ${port} port [udp/*] succeeded!\n`)
      const payload = await proc.stdin.read()
      if (payload) try { await context.out(await proc.net.askUdp(ip, port, payload, timeoutMs ?? 5_000)) } catch { /* Silence is no error. */ }
      return 0
    }
    let socket: TcpSocket
    try {
      socket = await proc.net.connectTcp(host, port, timeoutMs === undefined ? {} : { timeoutMs })
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') return context.complain(context.busybox ? `bad address '${host}'` : `getaddrinfo for host "${host}" port ${port}: Name or service not known`)
      const ip = isAddress(host) ? host : (await proc.net.lookup(host).catch(() => [host]))[0]!
      if (context.busybox) return context.complain(`${error.code === 'ETIMEDOUT' && timeoutMs !== undefined ? 'timed out' : `can't connect to remote host (${ip}): ${errorText(error)}`}`)
      return options.has('v') || error.code !== 'ECONNREFUSED' ? context.complain(`connect to ${host} (${ip}) port ${port} (tcp) failed: ${errorText(error)}`) : 1
    }
    if (options.has('v')) await context.err(context.busybox ? `${host} (${socket.remote.ip}:${port}) open\n` : `Connection to ${host} (${socket.remote.ip}) ${port} port [tcp/*] succeeded!\n`)
    if (options.has('z')) { socket.destroy(); return 0 }
    return pump(context, socket, timeoutMs)
  }
  if (!(port > 0)) throw new UsageError('missing port number', 'bad port')
  for (;;) {
    const socket = await new Promise<TcpSocket>((resolve) => {
      const listener = proc.net.listenTcp(port, (accepted) => { listener.close(); resolve(accepted) })
      if (options.has('v')) void context.err(context.busybox ? `listening on [::]:${port} ...\n` : `Listening on 0.0.0.0 ${port}\n`)
    })
    const program = options.value('e')
    if (program !== undefined) await proc.spawn([program], { stdin: socket.reader, stdout: socket.writer }).wait().finally(() => socket.writer.close())
    else await pump(context, socket, timeoutMs)
    if (!options.has('k')) return 0
  }
}

/** nc -U: the same with a Unix socket, whose file stays. */
async function unixNc(context: UtilityContext, name: string | undefined, listens: boolean, again: boolean): Promise<number> {
  const { proc } = context
  if (name === undefined) throw new UsageError('missing path', 'missing path')
  const path = proc.resolve(name)
  const files = proc.fs as MemoryFileSystem
  try {
    if (!listens) {
      const server = files.socketServer(path) as StreamServer | undefined
      if (!server?.accept) throw new UnixError('ECONNREFUSED')
      const [client, accepted] = socketPair(NOWHERE, NOWHERE)
      server.accept(accepted)
      return await pump(context, client, undefined)
    }
    const server: StreamServer = { accept: undefined }
    files.bindSocket(path, server)
    do {
      const socket = await new Promise<TcpSocket>((resolve) => { server.accept = resolve })
      server.accept = undefined
      await pump(context, socket, undefined)
    } while (again)
    return 0
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return context.complain(`${listens ? 'unix bind' : 'unix connect'} failed: ${errorText(error)}`)
  }
}

/** Who listens at a Unix socket for streams; without `accept` nobody does just now. */
interface StreamServer { accept: ((socket: TcpSocket) => void) | undefined }
/** Unix sockets have no address. */
const NOWHERE = { ip: '', port: 0 }

async function pump(context: UtilityContext, socket: TcpSocket, timeoutMs: number | undefined): Promise<number> {
  const { proc } = context
  const sending = (async () => {
    for (let chunk = await proc.stdin.read(); chunk; chunk = await proc.stdin.read()) await socket.writer.write(chunk)
    socket.writer.close()
  })().catch(() => {})
  const receiving = (async () => {
    for (let chunk = await socket.reader.read(); chunk; chunk = await socket.reader.read()) await context.out(chunk)
  })()
  const idle = timeoutMs === undefined ? undefined : sending.then(() => proc.sleep(timeoutMs))
  await (idle ? Promise.race([receiving, idle]) : receiving)
  socket.destroy()
  return 0
}

/** How BusyBox' wget words failures to connect. */
function wgetFailure(error: UnixError, host: string, ip: string, port: number): string {
  switch (error.code) {
    case 'ENOTFOUND': case 'EAI_AGAIN': return `bad address '${host}'`
    case 'ETIMEDOUT': case 'ECANCELED': return 'download timed out'
    case 'ECONNRESET': case 'EPROTO': return 'error getting response: Connection reset by peer'
    default: return `can't connect to remote host (${ip}): ${errorText(error)}` + (port < 0 ? '' : '')
  }
}

const MAX_REDIRECTS = 5

/** wget */
export const wget: Utility = async (context) => {
  const { proc, busybox } = context
  const options = parseOptions(context.args, 'qO:T:SscP:U:t:Y:vd', {
    quiet: 'q', 'output-document=': 'O', 'timeout=': 'T', 'server-response': 'S', spider: 's', 'header=': 'H', 'post-data=': 'p', 'post-file=': 'f', 'user-agent=': 'U', 'tries=': 't', 'no-check-certificate': 'k', 'no-verbose': 'v', 'directory-prefix=': 'P', 'method=': 'M', 'body-data=': 'p',
  })
  const [given] = options.operands
  if (given === undefined) throw new UsageError('missing URL')
  let url: URL
  try { url = new URL(/^[a-z]+:\/\//i.test(given) ? given : `http://${given}`) } catch { return context.complain(`bad address '${given}'`) }
  const quiet = options.has('q')
  const timeoutMs = Number(options.value('T') ?? 900) * 1000
  const headers = new Headers({ 'user-agent': options.value('U') ?? (busybox ? 'Wget' : 'Wget/1.24.5'), ...(busybox ? {} : { accept: '*/*' }) })
  for (const [name, value] of options.all) if (name === 'H') { const at = String(value).indexOf(':'); headers.set(String(value).slice(0, at).trim(), String(value).slice(at + 1).trim()) }
  const body = options.value('p') ?? (options.value('f') === undefined ? undefined : proc.fs.readText(proc.resolve(options.value('f')!)))
  if (body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/x-www-form-urlencoded')
  for (let hop = 0; ; hop++) {
    const host = urlHost(url)
    const port = urlPort(url)
    let ip = host
    let response: Response
    const deadline = new AbortController()
    const timer = proc.clock.after(timeoutMs, () => deadline.abort(new UnixError('ETIMEDOUT', 'Connection timed out')))
    try {
      const found = await proc.net.lookup(host).catch((error: unknown) => { if (!proc.net.outside) throw error })
      ip = found?.[0] ?? host
      if (!quiet) await context.err(busybox ? `Connecting to ${url.host} (${ip}:${port})\n` : `--  ${url.href}\nConnecting to ${host} (${host})${found ? `|${ip}|` : ''}:${port}... connected.\nHTTP request sent, awaiting response... `)
      headers.set('host', url.host)
      response = await proc.net.fetch(httpRequest(url.href, { method: options.value('M') ?? (body === undefined ? options.has('s') && !busybox ? 'HEAD' : 'GET' : 'POST'), headers, body: body ?? null, signal: deadline.signal }), { insecure: true, ...(found ? { connectTo: { ip, port } } : {}), connectTimeoutMs: timeoutMs })
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      if (busybox) return context.complain(wgetFailure(error, host, ip, -1))
      await context.err(error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN' ? `wget: unable to resolve host address '${host}'\n` : `failed: ${errorText(error)}.\n`)
      return 4
    } finally {
      timer.cancel()
    }
    if (options.has('S')) { await context.err(`  HTTP/1.1 ${response.status} ${statusText(response)}\n`); for (const [name, value] of response.headers) await context.err(`  ${headerName(name)}: ${value}\n`) }
    const location = response.headers.get('location')
    if (response.status >= 300 && response.status < 400 && location !== null) {
      if (hop >= MAX_REDIRECTS) return context.complain('too many redirections')
      url = new URL(location, url)
      continue
    }
    if (response.status >= 400 || response.status < 200) {
      if (busybox) return context.complain(`server returned error: HTTP/1.1 ${response.status} ${statusText(response)}`)
      await context.err(`${response.status} ${statusText(response)}\nERROR ${response.status}: ${statusText(response)}.\n`)
      return 8
    }
    if (options.has('s')) { await response.body?.cancel(); if (busybox && !quiet) await context.err('remote file exists\n'); return 0 }
    const target = options.value('O') ?? `${options.value('P') ? `${options.value('P')}/` : ''}${baseName(url.pathname) === '/' || url.pathname.endsWith('/') ? 'index.html' : baseName(url.pathname)}`
    if (!quiet && busybox && target !== '-') await context.err(`saving to '${target}'\n`)
    const file = target === '-' ? undefined : proc.fs.open(proc.resolve(target), 'w')
    let bytes = 0
    try {
      for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        bytes += chunk.length
        if (file) await file.write(chunk)
        else await context.out(chunk)
      }
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      return context.complain(`error getting response: ${errorText(error)}`)
    } finally {
      file?.close()
    }
    if (!quiet && busybox) {
      const label = (target === '-' ? '-' : baseName(target)).slice(0, 20).padEnd(20)
      await context.err(`${label} 100% |${'*'.repeat(32)}| ${String(bytes).padStart(5)}  0:00:00 ETA\n${target === '-' ? 'written to stdout\n' : `'${target}' saved\n`}`)
    } else if (!quiet) await context.err(`200 OK\nLength: ${bytes}\nSaving to: '${target === '-' ? 'STDOUT' : target}'\n\n'${target === '-' ? '-' : target}' saved [${bytes}/${bytes}]\n`)
    return 0
  }
}

function statusText(response: Response): string {
  return response.statusText || reasonPhrase(response.status)
}

function headerName(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase())
}

const CURL_LETTERS = 'X:d:H:o:OsSvkLIifu:A:m:w:GF:T:b:c:e:x:r:NnZ#046Vgq'
const CURL_LONG = {
  'request=': 'X', 'data=': 'd', 'data-raw=': 'R', 'data-binary=': 'B', 'data-urlencode=': 'U', 'json=': 'J', 'header=': 'H', 'output=': 'o', 'remote-name': 'O', silent: 's', 'show-error': 'S', verbose: 'v', insecure: 'k', location: 'L', head: 'I', include: 'i', fail: 'f', 'fail-with-body': '1', 'user=': 'u', 'user-agent=': 'A', 'max-time=': 'm', 'connect-timeout=': 'C', 'write-out=': 'w', get: 'G', 'cacert=': 'E', 'cert=': 'K', 'key=': 'Y', 'retry=': 'y', 'retry-delay=': 'z', 'retry-connrefused': '2', 'retry-all-errors': '3', 'resolve=': 'r', 'connect-to=': '5', 'cookie=': 'b', 'cookie-jar=': 'c', 'referer=': 'e', 'no-buffer': 'N', compressed: '7', http1: '8', 'http1.1': '8', http2: '!', 'http2-prior-knowledge': '*', 'upload-file=': 'T', 'no-progress-meter': '9', version: 'V', 'proxy=': 'x', 'unix-socket=': '-', 'max-redirs=': '_', ipv4: '4', globoff: 'g', disable: 'q', 'interface=': '@',
}

/** What curl adds to a certificate that it doesn't trust. */
const CERTIFICATE_HELP = 'More details here: https://curl.se/docs/sslcerts.html\n\ncurl failed to verify the legitimacy of the server and therefore could not\nestablish a secure connection to it. To learn more about this situation and\nhow to fix it, please visit the webpage mentioned above.'

/** The authorities that the system trusts, or the environment names. */
function systemAuthorities(proc: UtilityContext['proc']): string | undefined {
  const path = proc.env.CURL_CA_BUNDLE ?? proc.env.SSL_CERT_FILE ?? '/etc/ssl/certs/ca-certificates.crt'
  return proc.fs.exists(path) ? proc.fs.readText(path) : undefined
}

/** curl */
export const curl: Utility = async (context) => {
  let options
  try { options = parseOptions(context.args, CURL_LETTERS, CURL_LONG) } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const what = /'([^']*)'/.exec(error.message)?.[1] ?? ''
    await context.err(`curl: option ${what.startsWith('-') ? what : `-${what}`}: is unknown\ncurl: try 'curl --help' or 'curl --manual' for more information\n`)
    return 2
  }
  if (options.has('V')) { await context.out('curl 8.15.0 (x86_64-pc-linux-gnu) libcurl/8.15.0\nRelease-Date: 2025-07-16\nProtocols: file http https\n'); return 0 }
  if (options.operands.length === 0) { await context.err("curl: (2) no URL specified\ncurl: try 'curl --help' or 'curl --manual' for more information\n"); return 2 }
  let status = 0
  for (const target of options.operands) status = await curlOne(context, options, target)
  return status
}

async function curlOne(context: UtilityContext, options: ReturnType<typeof parseOptions>, target: string): Promise<number> {
  const { proc } = context
  const silent = options.has('s')
  const explain = async (code: number, text: string) => { if (!silent || options.has('S')) await context.err(`curl: (${code}) ${text}\n`); return code }
  let url: URL
  try { url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(target) ? target : `http://${target}`) } catch { return explain(3, 'URL rejected: Malformed input to a URL function') }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return explain(1, `Protocol "${url.protocol.slice(0, -1)}" not supported`)
  const headers = new Headers({ 'user-agent': options.value('A') ?? 'curl/8.15.0', accept: '*/*' })
  let data: string | undefined
  const add = (text: string) => { data = data === undefined ? text : `${data}&${text}` }
  for (const [name, value] of options.all) {
    const text = String(value)
    if (name === 'd') add(text.startsWith('@') ? (text === '@-' ? await stdinText(context) : proc.fs.readText(proc.resolve(text.slice(1)))).replace(/[\r\n]/g, '') : text)
    else if (name === 'R') add(text)
    else if (name === 'B') add(text.startsWith('@') ? text === '@-' ? await stdinText(context) : proc.fs.readText(proc.resolve(text.slice(1))) : text)
    else if (name === 'U') { const at = text.indexOf('='); add(at > 0 ? `${text.slice(0, at)}=${encodeURIComponent(text.slice(at + 1))}` : encodeURIComponent(text.replace(/^=/, ''))) }
    else if (name === 'J') { add(text); headers.set('content-type', 'application/json'); headers.set('accept', 'application/json') }
  }
  if (options.has('G') && data !== undefined) { url.search += `${url.search ? '&' : '?'}${data}`; data = undefined }
  const upload = options.value('T')
  if (upload !== undefined) data = upload === '-' ? await stdinText(context) : proc.fs.readText(proc.resolve(upload))
  if (data !== undefined && !headers.has('content-type') && upload === undefined) headers.set('content-type', 'application/x-www-form-urlencoded')
  const given = new Set<string>()
  for (const [name, value] of options.all) {
    if (name !== 'H') continue
    const at = String(value).indexOf(':')
    const key = String(value).slice(0, at).trim()
    const text = String(value).slice(at + 1).trim()
    if (text === '') headers.delete(key)
    else if (given.has(key.toLowerCase())) appendHeaderLine(headers, key, text)
    else headers.set(key, text)
    given.add(key.toLowerCase())
  }
  const [cookies, cookieFile] = [options.value('b'), options.value('c')]
  const jar = cookieFile !== undefined || (cookies !== undefined && !cookies.includes('=')) ? new CookieJar() : undefined
  if (cookies !== undefined && !cookies.includes('=') && cookies !== '' && proc.fs.exists(proc.resolve(cookies))) jar!.read(proc.fs.readText(proc.resolve(cookies)), proc.clock.nowMs())
  const ownCookie = cookies?.includes('=') ? cookies : headers.get('cookie')
  if (options.value('u')) headers.set('authorization', `Basic ${btoa(options.value('u')!)}`)
  else if (url.username) headers.set('authorization', `Basic ${btoa(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`)}`)
  let method = options.value('X') ?? (options.has('I') ? 'HEAD' : upload !== undefined ? 'PUT' : data !== undefined ? 'POST' : 'GET')
  const from = options.value('@')
  if (from !== undefined && isAddress(from) && !from.startsWith('127.') && !proc.net.addresses.includes(from)) return explain(45, 'bind failed with errno 99: Address not available')
  const startMs = proc.clock.nowMs()
  const maxMs = options.value('m') === undefined ? Infinity : durationMs(options.value('m')!) ?? Infinity
  const connectMs = options.value('C') === undefined ? undefined : durationMs(options.value('C')!)
  const retries = Number(options.value('y') ?? 0)
  /** What -w asks for, also after a failure. */
  const writeOut = async (hops: number, { response, bytes = 0, ip }: { response?: Response; bytes?: number; ip?: string } = {}) => {
    const format = options.value('w')
    if (format === undefined) return
    const seconds = ((proc.clock.nowMs() - startMs) / 1000).toFixed(6)
    const connected = response ? { time_connect: '0.000100', time_starttransfer: seconds, remote_ip: ip ?? '', remote_port: String(urlPort(url)) } : { time_connect: '0.000000', time_starttransfer: '0.000000', remote_ip: '', remote_port: '0' }
    const values: Record<string, string> = {
      http_code: String(response?.status ?? 0).padStart(3, '0'), response_code: String(response?.status ?? 0).padStart(3, '0'), size_download: String(bytes), time_total: seconds, ...connected, url_effective: url.href, num_redirects: String(hops),
      http_version: response ? versionOf(response) === 'h2' ? '2' : '1.1' : '0', content_type: response?.headers.get('content-type') ?? '', method, scheme: url.protocol.slice(0, -1), redirect_url: redirectionOf(response, url),
    }
    await context.out(format.replace(/%\{(\w+)\}|\\n|\\t|\\r|%%/g, (match, name?: string) => name !== undefined ? values[name] ?? '' : match === '\\n' ? '\n' : match === '\\t' ? '\t' : match === '\\r' ? '\r' : '%'))
  }
  let attempt = 0
  for (let hops = 0; ;) {
    const fail = async (code: number, text: string, response?: Response): Promise<number> => {
      await explain(code, text)
      await writeOut(hops, response ? { response } : {})
      return code
    }
    const host = urlHost(url)
    const port = urlPort(url)
    const deadline = new AbortController()
    const leftMs = Math.max(0, maxMs - (proc.clock.nowMs() - startMs))
    // A moment later than connecting is given up, so that it shows which of both took too long.
    const timer = maxMs === Infinity ? undefined : proc.clock.after(leftMs + 1, () => deadline.abort(new UnixError('ETIMEDOUT', 'Connection timed out')))
    try {
      let ip: string | undefined
      const elsewhere = connectTo(options.all.flatMap(([name, value]) => (name === '5' ? [String(value)] : [])), host, port)
      const connectPort = elsewhere.port ?? port
      try {
        const pinned = options.all.filter(([name]) => name === 'r').map(([, value]) => String(value).split(':')).find((parts) => parts[0] === host && Number(parts[1]) === port)
        ip = pinned ? pinned.slice(2).join(':').replace(/^\[|\]$/g, '') : (await proc.net.lookup(elsewhere.host ?? host))[0]!
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        if (error.code !== 'ENOTFOUND' || !proc.net.outside) return await fail(6, `Could not resolve host: ${elsewhere.host ?? host}`)
      }
      const kept = [ownCookie, jar?.header(url, proc.clock.nowMs(), (headers.get('host') ?? url.host).replace(/:\d+$/, ''))].filter((each) => each != null).join('; ')
      if (kept !== '') headers.set('cookie', kept)
      else headers.delete('cookie')
      const headerText = inCurlsOrder(headers).map(([name, value]) => `> ${headerName(name)}: ${value}\n`).join('')
      /** The request as -v shows it. Over TLS its version isn't settled before. */
      const requestLines = (version: HttpVersion) => `> ${method} ${url.pathname}${url.search} ${version === 'h2' ? 'HTTP/2' : 'HTTP/1.1'}\n> Host: ${url.host}\n${headerText}> \n`
      if (options.has('v') && ip !== undefined) await context.err(`* Host ${host}:${port} was resolved.\n*   Trying ${ip}:${port}...\n* Connected to ${host} (${ip}) port ${port}\n`)
      if (options.has('v') && ip !== undefined && url.protocol === 'http:') await context.err(requestLines(options.has('*') ? 'h2' : 'http/1.1'))
      if (!headers.has('host') || hops > 0) headers.set('host', url.host)
      const patienceMs = Math.min(connectMs ?? Infinity, leftMs)
      const versions: readonly HttpVersion[] = options.has('*') ? ['h2'] : options.has('8') ? ['http/1.1'] : ['h2', 'http/1.1']
      let response: Response
      try {
        const pem = (name: string) => options.value(name) === undefined ? undefined : proc.fs.readText(proc.resolve(options.value(name)!))
        if (options.has('E') && !proc.fs.exists(proc.resolve(options.value('E')!))) return await fail(77, `error setting certificate file: ${options.value('E')!}`)
        const [ca, cert, key] = [pem('E') ?? systemAuthorities(proc), pem('K'), pem('Y')]
        response = await proc.net.fetch(httpRequest(url.href, { method, headers, body: data ?? null, signal: deadline.signal }), {
          insecure: options.has('k'), acceptCommonName: true, ...(ip === undefined ? {} : { connectTo: { ip, port: connectPort } }), ...(ca === undefined ? {} : { caPem: ca }), ...(cert === undefined ? {} : { clientCertificatePem: cert }), ...(key === undefined ? {} : { clientKeyPem: key }),
          ...(patienceMs === Infinity ? {} : { connectTimeoutMs: patienceMs }), versions,
        })
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        const elapsed = Math.round(proc.clock.nowMs() - startMs)
        if (attempt < retries && (error.code !== 'ECONNREFUSED' || options.has('2', '3'))) { attempt += 1; await proc.sleep(Number(options.value('z') ?? 2 ** (attempt - 1)) * 1000); continue }
        if (error instanceof CertificateError) return await fail(60, `${error.code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? 'SSL' : 'SSL certificate problem'}: ${error.message}\n${CERTIFICATE_HELP}`)
        switch (error.code) {
          case 'ENOTFOUND': return await fail(6, `Could not resolve host: ${host}`)
          case 'ETIMEDOUT': case 'ECANCELED': return await fail(28, deadline.signal.aborted ? `Operation timed out after ${elapsed} milliseconds with 0 bytes received` : elapsed >= patienceMs ? `Connection timed out after ${elapsed} milliseconds` : `Failed to connect to ${host} port ${port} after ${elapsed} ms: Could not connect to server`)
          case 'ECONNRESET': return await fail(52, 'Empty reply from server')
          case 'EPROTO':
            if (error.message === NO_HTTP2) return await fail(16, error.message)
            if (error.message === NO_HTTP1) return await fail(1, error.message)
            return await fail(35, `TLS connect error: error:${TLS_ERRORS[error.message] ?? '0A00010B'}:SSL routines::${error.message in TLS_ERRORS ? error.message : 'wrong version number'}`)
          default: return await fail(7, `Failed to connect to ${host} port ${port} after ${elapsed} ms: Could not connect to server`)
        }
      }
      jar?.take(url, response.headers, proc.clock.nowMs(), (headers.get('host') ?? url.host).replace(/:\d+$/, ''))
      if (jar && cookieFile !== undefined) proc.fs.writeFile(proc.resolve(cookieFile), jar.text)
      const isHttp2 = versionOf(response) === 'h2'
      if (options.has('v') && ip !== undefined && url.protocol === 'https:') await context.err(requestLines(versionOf(response)))
      const shownHeaders = `${isHttp2 ? `HTTP/2 ${response.status} ` : `HTTP/1.1 ${response.status} ${statusText(response)}`}\r\n${allHeaderLines(response.headers).map(([name, value]) => `${isHttp2 ? name : headerName(name)}: ${value}\r\n`).join('')}\r\n`
      if (options.has('v')) await context.err(shownHeaders.split('\r\n').slice(0, -1).map((line) => `< ${line}\r\n`).join(''))
      const location = response.headers.get('location')
      if (options.has('L') && location !== null && response.status >= 300 && response.status < 400) {
        if (++hops > 50) return await fail(47, 'Maximum (50) redirects followed')
        if (options.has('i', 'I')) await context.out(shownHeaders)
        url = new URL(location, url)
        if (response.status === 303 || (method === 'POST' && response.status < 303 && options.value('X') === undefined)) { method = 'GET'; data = undefined; headers.delete('content-type') }
        await response.body?.cancel()
        continue
      }
      if (options.has('f') && response.status >= 400) { await response.body?.cancel(); return await fail(22, `The requested URL returned error: ${response.status}`, response) }
      const path = options.has('O') ? baseName(url.pathname) : options.value('o')
      const file = path === undefined || path === '-' ? undefined : proc.fs.open(proc.resolve(path), 'w')
      const write = (chunk: Uint8Array | string) => file ? file.write(chunk) : context.out(chunk)
      if (options.has('i', 'I')) await write(shownHeaders)
      let bytes = 0
      try {
        if (method !== 'HEAD') for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
          bytes += chunk.length
          await write(chunk)
          if (deadline.signal.aborted) return await fail(28, `Operation timed out after ${Math.round(proc.clock.nowMs() - startMs)} milliseconds with ${bytes} bytes received`)
        }
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        return await fail(error.code === 'ETIMEDOUT' ? 28 : 18, error.code === 'ETIMEDOUT' ? `Operation timed out after ${Math.round(proc.clock.nowMs() - startMs)} milliseconds with ${bytes} bytes received` : 'transfer closed with outstanding read data remaining')
      } finally {
        file?.close()
      }
      const trailers = await trailersOf(response)
      if (trailers && isHttp2) for (const [name, value] of allHeaderLines(trailers)) {
        if (options.has('v')) await context.err(`< ${name}: ${value}\r\n`)
        if (options.has('i')) await context.out(`${name}: ${value}\r\n`)
      }
      await writeOut(hops, { response, bytes, ip })
      if (options.has('1') && response.status >= 400) return await explain(22, `The requested URL returned error: ${response.status}`)
      return 0
    } finally {
      timer?.cancel()
    }
  }
}

async function stdinText(context: UtilityContext): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for (let chunk = await context.proc.stdin.read(); chunk; chunk = await context.proc.stdin.read()) text += decoder.decode(chunk, { stream: true })
  return text
}

interface Asked {
  name: string
  answer: DnsMessage | undefined
  server: string
}

/** Asks the name servers for a name and its search candidates until one has records. */
export async function askServers(context: UtilityContext, name: string, type: RecordType, options: { server?: string | undefined; search: boolean }): Promise<Asked> {
  const { proc } = context
  const config = readResolverConfig(proc.fs)
  const server = options.server ?? config.nameservers[0] ?? '127.0.0.1'
  const names = options.search ? candidateNames(name, config) : [name.replace(/\.$/, '')]
  let last: Asked = { name: names[0]!, answer: undefined, server }
  for (const candidate of names) {
    try {
      const answer = await askDns(proc.net, server, candidate, type, proc.random.int(65_536), config.timeoutMs)
      last = { name: candidate, answer, server }
      if (answer.code === 'NOERROR' && answer.answers.length > 0) return last
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
    }
  }
  return last
}

/** nslookup */
export const nslookup: Utility = async (context) => {
  if (context.busybox) return busyboxNslookup(context)
  const { proc } = context
  const args = context.args.filter((arg) => !/^-(?!type|query|q=)/.test(arg))
  const wanted = args.filter((arg) => arg.startsWith('-')).map((arg) => arg.split('=')[1]!.toUpperCase() as RecordType)
  const [name, serverName] = args.filter((arg) => !arg.startsWith('-'))
  if (name === undefined) throw new UsageError('missing name')
  let server: string | undefined
  if (serverName !== undefined) {
    try { server = (await proc.net.lookup(serverName))[0] } catch { return context.complain(`couldn't get address for '${serverName}': not found`) }
  }
  const reverse = isAddress(name)
  const types: RecordType[] = wanted.length > 0 ? wanted : reverse ? ['PTR'] : ['A', 'AAAA']
  const used = server ?? readResolverConfig(proc.fs).nameservers[0] ?? '127.0.0.1'
  const results = await Promise.all(types.map((type) => askServers(context, reverse ? reverseName(name) : name, type, { server, search: !reverse })))
  if (results.every((result) => !result.answer)) {
    await context.out(`;; communications error to ${used}#53: timed out\n;; no servers could be reached\n\n`)
    return 1
  }
  await context.out(`Server:\t\t${used}\nAddress:\t${used}#53\n\n`)
  const found = results.filter((result) => (result.answer?.answers.length ?? 0) > 0)
  if (found.length === 0) {
    const code = results[0]!.answer?.code ?? 'SERVFAIL'
    if (code === 'NOERROR') { await context.out(`*** Can't find ${name}: No answer\n\n`); return 1 }
    await context.out(`** server can't find ${name}: ${code}\n\n`)
    return 1
  }
  for (const { answer } of found) {
    for (const record of answer!.answers) {
      if (record.type === 'CNAME') await context.out(`${record.name}\tcanonical name = ${record.data}\n`)
      else if (record.type === 'PTR') await context.out(`${record.name}\tname = ${record.data}\n`)
      else if (record.type === 'SRV') await context.out(`${record.name}\tservice = ${record.data}\n`)
      else if (record.type === 'A' || record.type === 'AAAA') await context.out(`Name:\t${record.name}\nAddress: ${record.data}\n`)
      else await context.out(`${record.name}\t${record.type.toLowerCase()} = ${record.data}\n`)
    }
    await context.out('\n')
  }
  return 0
}

/** dig */
export const dig: Utility = async (context) => {
  let server: string | undefined
  let name: string | undefined
  let type: RecordType = 'A'
  let short = false
  let search = false
  let answerOnly = false
  for (let i = 0; i < context.args.length; i++) {
    const arg = context.args[i]!
    if (arg.startsWith('@')) server = (await context.proc.net.lookup(arg.slice(1)))[0]
    else if (arg === '+short') short = true
    else if (arg === '+search') search = true
    else if (arg === '+noall' || arg === '+answer') answerOnly = true
    else if (arg === '-x') { name = reverseName(context.args[++i] ?? ''); type = 'PTR' }
    else if (arg === '-t') type = (context.args[++i] ?? 'A').toUpperCase() as RecordType
    else if (/^(A|AAAA|SRV|PTR|CNAME|TXT|NS|SOA|MX|ANY)$/i.test(arg)) type = arg.toUpperCase() as RecordType
    else if (!arg.startsWith('+') && !arg.startsWith('-')) name = arg
  }
  const asked = await askServers(context, name ?? '.', type, { server, search })
  if (!asked.answer) { await context.out(`;; communications error to ${asked.server}#53: timed out\n;; no servers could be reached\n`); return 9 }
  const { answer } = asked
  const dotted = (record: DnsMessage['answers'][number]) => ['CNAME', 'PTR', 'SRV', 'NS', 'MX'].includes(record.type) ? `${record.data}.` : record.type === 'TXT' ? `"${record.data}"` : record.data
  if (short) { for (const record of answer.answers) await context.out(`${dotted(record)}\n`); return 0 }
  const rows = answer.answers.map((record) => `${record.name}.\t${record.ttlSeconds}\tIN\t${record.type}\t${dotted(record)}\n`).join('')
  if (answerOnly) { await context.out(rows); return 0 }
  const authority = answer.authorities.map((record) => `${record.name}.\t${record.ttlSeconds}\tIN\t${record.type}\t${dotted(record)}\n`).join('')
  await context.out(`\n; <<>> DiG 9.20.11 <<>> ${context.args.join(' ')}\n;; global options: +cmd\n;; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: ${answer.code}, id: ${answer.id}\n;; flags: qr${answer.authoritative ? ' aa' : ''} rd ra; QUERY: 1, ANSWER: ${answer.answers.length}, AUTHORITY: ${answer.authorities.length}, ADDITIONAL: ${answer.additionals.length}\n\n;; QUESTION SECTION:\n;${asked.name}.\t\tIN\t${type}\n\n${rows ? `;; ANSWER SECTION:\n${rows}\n` : ''}${authority ? `;; AUTHORITY SECTION:\n${authority}\n` : ''};; Query time: 0 msec\n;; SERVER: ${asked.server}#53(${asked.server}) (UDP)\n;; MSG SIZE  rcvd: ${64 + rows.length}\n\n`)
  return 0
}

/** host */
export const host: Utility = async (context) => {
  const name = context.args.find((arg) => !arg.startsWith('-'))
  if (name === undefined) throw new UsageError('missing name')
  const reverse = isAddress(name)
  const asked = await askServers(context, reverse ? reverseName(name) : name, reverse ? 'PTR' : 'A', { search: !reverse })
  if (!asked.answer) { await context.out(`;; connection timed out; no servers could be reached\n`); return 1 }
  if (asked.answer.answers.length === 0) { await context.out(`Host ${name} not found: 3(${asked.answer.code})\n`); return 1 }
  for (const record of asked.answer.answers) await context.out(record.type === 'PTR' ? `${record.name} domain name pointer ${record.data}.\n` : record.type === 'CNAME' ? `${record.name} is an alias for ${record.data}.\n` : `${record.name} has address ${record.data}\n`)
  return 0
}

/** Whether a process may send echo requests: with raw sockets, or because its group is one of those that may. */
function mayPing(proc: Proc): boolean {
  if (isCapable(proc, 'NET_RAW')) return true
  const range = '/proc/sys/net/ipv4/ping_group_range'
  const [first = 1, last = 0] = proc.fs.exists(range) ? proc.fs.readText(range).trim().split(/\s+/).map(Number) : [0, Infinity]
  return [proc.user.gid, ...proc.user.groups].some((gid) => gid >= first && gid <= last)
}

/** ping: there are no packets here, so hosts answer when a connection to them is refused or accepted rather than lost. */
export const ping: Utility = async (context) => {
  const { proc, busybox } = context
  const options = parseOptions(context.args, 'c:i:W:w:qs:4nI:', {})
  const [name] = options.operands
  if (name === undefined) throw new UsageError('usage error: Destination address required', 'missing host')
  if (!mayPing(proc)) {
    if (busybox) return context.complain('permission denied (are you root?)')
    await context.err('ping: socktype: SOCK_RAW\nping: socket: Operation not permitted\nping: => missing cap_net_raw+p capability or setuid?\n')
    return 2
  }
  let ip: string
  try { ip = (await proc.net.lookup(name))[0]! } catch { return busybox ? context.complain(`bad address '${name}'`) : (await context.err(`ping: ${name}: Name or service not known\n`), 2) }
  const count = Number(options.value('c') ?? Infinity)
  const waitMs = Number(options.value('W') ?? 10) * 1000
  await context.out(busybox ? `PING ${name} (${ip}): 56 data bytes\n` : `PING ${name} (${ip}) 56(84) bytes of data.\n`)
  let sent = 0
  let received = 0
  let stopped = false
  proc.onSignal('SIGINT', () => { stopped = true })
  const own = ip.startsWith('127.') || proc.net.addresses.includes(ip)
  const times: number[] = []
  const startedMs = proc.clock.nowMs()
  while (sent < count && !stopped) {
    sent += 1
    const askedMs = proc.clock.nowMs()
    let answers = own
    // A port that hardly anybody listens on: a refusal comes from the host itself.
    if (!own) try { (await proc.net.connectTcp(ip, 7, { timeoutMs: waitMs })).destroy(); answers = true } catch (error) { answers = (error as UnixError).code === 'ECONNREFUSED' }
    if (answers) {
      received += 1
      const ms = proc.clock.nowMs() - askedMs
      times.push(ms)
      await context.out(busybox ? `64 bytes from ${ip}: seq=${sent - 1} ttl=64 time=${ms.toFixed(3)} ms\n` : `64 bytes from ${name === ip ? ip : `${name} (${ip})`}: icmp_seq=${sent} ttl=64 time=${ms.toFixed(3)} ms\n`)
    }
    if (sent < count && !stopped) await proc.sleep(Number(options.value('i') ?? 1) * 1000)
  }
  const lost = Math.round((sent - received) / sent * 100)
  await context.out(`\n--- ${name} ping statistics ---\n${sent} packets transmitted, ${received} ${busybox ? 'packets received' : 'received'}, ${lost}% packet loss${busybox ? '' : `, time ${Math.round(proc.clock.nowMs() - startedMs)}ms`}\n`)
  if (times.length > 0) {
    const mean = times.reduce((a, b) => a + b, 0) / times.length
    const deviation = Math.sqrt(Math.max(0, times.reduce((sum, each) => sum + each * each, 0) / times.length - mean * mean))
    await context.out(busybox ? `round-trip min/avg/max = ${Math.min(...times).toFixed(3)}/${mean.toFixed(3)}/${Math.max(...times).toFixed(3)} ms\n` : `rtt min/avg/max/mdev = ${Math.min(...times).toFixed(3)}/${mean.toFixed(3)}/${Math.max(...times).toFixed(3)}/${deviation.toFixed(3)} ms\n`)
  }
  return received > 0 ? 0 : 1
}

/** traceroute: the simulated network has no hops to show. */
export const traceroute: Utility = async (context) => context.complain('the network of this machine has no routers to trace')
