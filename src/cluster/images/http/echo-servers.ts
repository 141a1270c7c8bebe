import type { HttpRequest } from '../../../base/http.ts'
import { canonicalHeader, reasonPhrase } from '../../../unix/net/http1.ts'
import type { HttpPeer, Proc, Program } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { utilityPrograms } from '../../../unix/utilities/list.ts'
import { goFlags, goResponse } from '../agnhost/go-server.ts'
import { alpine } from '../alpine.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'

/** `http-echo -text=hello -listen=:5678` */
const httpEcho: Program = async (proc) => {
  const { flags } = goFlags(proc.argv.slice(1))
  const text = flags.get('text') ?? proc.env.ECHO_TEXT
  if (text === undefined) { await proc.stderr.write('Missing -text option!\n'); return 127 }
  const listen = flags.get('listen') ?? ':5678'
  const status = Number(flags.get('status-code') ?? 200)
  proc.net.listenHttp(Number(listen.slice(listen.lastIndexOf(':') + 1)), async (request, peer) => {
    const url = new URL(request.url)
    const healthy = url.pathname === '/health'
    const body = healthy ? '{"status":"ok"}\n' : `${text}\n`
    if (!healthy) await proc.stdout.write(`${formatDate('%Y/%m/%d %H:%M:%S', proc.clock.nowMs())} ${request.headers.get('host') ?? url.host} ${peer.remote.ip}:${peer.remote.port} "${request.method} ${url.pathname} HTTP/1.1" ${status} ${body.length} "${request.headers.get('user-agent') ?? ''}" 13.2µs\n`)
    return goResponse(proc, body, { status: healthy ? 200 : status, headers: { 'x-app-name': 'http-echo', 'x-app-version': '1.0.0' } })
  })
  await proc.stdout.write(`${formatDate('%Y/%m/%d %H:%M:%S', proc.clock.nowMs())} [INFO] server is listening on ${listen}\n`)
  await proc.signal('SIGTERM', 'SIGINT')
  await proc.stdout.write(`${formatDate('%Y/%m/%d %H:%M:%S', proc.clock.nowMs())} [INFO] interrupted, gracefully shutting down\n`)
  return 0
}

/** What of an echoserver's answer is its version's. */
interface EchoServerRelease {
  nginx: string
  lua: number
  /** How it was up to 1.4: other headings, and nothing of who answers. */
  isOld?: boolean
}

/** echoserver: tells a request back as text. */
const echoServer = ({ nginx, lua, isOld = false }: EchoServerRelease): Program => async (proc) => {
  proc.net.listenHttp(8080, async (request, peer) => {
    const url = new URL(request.url)
    const body = await request.text() || '-no body in request-'
    const uri = `http://${url.hostname}:8080${url.pathname}${url.search}`
    const version = `nginx: ${nginx} - lua: ${lua}`
    const host = request.headers.get('host') ?? url.host
    const headers = [...new Map([...request.headers, ['host', host] as [string, string]])].sort(([a], [b]) => a < b ? -1 : 1)
    if (isOld) return goResponse(proc, `CLIENT VALUES:\nclient_address=${peer.remote.ip}\ncommand=${request.method}\nreal path=${url.pathname}${url.search}\nquery=${url.search.slice(1) || 'nil'}\nrequest_version=1.1\nrequest_uri=${uri}\n\nSERVER VALUES:\nserver_version=${version}\n\nHEADERS RECEIVED:\n${headers.map(([name, value]) => `${name}=${value}\n`).join('')}BODY:\n${body}`, { headers: { 'content-type': 'text/plain' } })
    const { NODE_NAME, POD_NAME, POD_NAMESPACE, POD_IP } = proc.env
    const pod = NODE_NAME || POD_NAME ? `\tnode name:\t${NODE_NAME ?? ''}\n\tpod name:\t${POD_NAME ?? ''}\n\tpod namespace:\t${POD_NAMESPACE ?? ''}\n\tpod IP:\t${POD_IP ?? ''}\n` : '\t-no pod information available-\n'
    return goResponse(proc, `\n\nHostname: ${proc.machine.hostname}\n\nPod Information:\n${pod}\nServer values:\n\tserver_version=${version}\n\nRequest Information:\n\tclient_address=${peer.remote.ip}\n\tmethod=${request.method}\n\treal path=${url.pathname}${url.search}\n\tquery=${url.search.slice(1)}\n\trequest_version=1.1\n\trequest_scheme=http\n\trequest_uri=${uri}\n\nRequest Headers:\n${headers.map(([name, value]) => `\t${name}=${value}\n`).join('')}\nRequest Body:\n\t${body}\n\n`, { headers: { 'content-type': 'text/plain' } })
  })
  await proc.signal('SIGTERM', 'SIGQUIT', 'SIGINT')
  return 0
}

/** httpbin: the paths that people use to try clients. */
const httpbin: Program = async (proc) => {
  const stamp = () => formatDate('%Y-%m-%d %H:%M:%S +0000', proc.clock.nowMs())
  const bind = proc.argv.find((arg) => /:\d+$/.test(arg)) ?? '0.0.0.0:80'
  await proc.stderr.write(`[${stamp()}] [1] [INFO] Starting gunicorn 19.9.0\n[${stamp()}] [1] [INFO] Listening at: http://${bind} (1)\n[${stamp()}] [1] [INFO] Using worker: gevent\n[${stamp()}] [9] [INFO] Booting worker with pid: 9\n`)
  proc.net.listenHttp(Number(bind.split(':').at(-1)), (request, peer) => answerHttpbin(proc, request, peer))
  await proc.signal('SIGTERM', 'SIGINT')
  await proc.stderr.write(`[${stamp()}] [1] [INFO] Handling signal: term\n[${stamp()}] [1] [INFO] Shutting down: Master\n`)
  return 0
}

async function answerHttpbin(proc: Proc, request: HttpRequest, peer: HttpPeer): Promise<Response> {
  const url = new URL(request.url)
  const headers = { server: 'gunicorn/19.9.0', 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true' }
  const json = (value: unknown, status = 200) => goResponse(proc, `${JSON.stringify(value, null, 2)}\n`, { status, headers: { ...headers, 'content-type': 'application/json' } })
  const shownHeaders = Object.fromEntries([...request.headers].sort().map(([name, value]) => [canonicalHeader(name), value]))
  const base = { args: Object.fromEntries(url.searchParams), headers: shownHeaders, origin: peer.remote.ip, url: url.href }
  const withBody = async () => {
    const data = await request.text()
    const isForm = request.headers.get('content-type')?.startsWith('application/x-www-form-urlencoded') ?? false
    let parsed: unknown = null
    try { parsed = JSON.parse(data) } catch { /* Not JSON: null. */ }
    return { args: base.args, data: isForm ? '' : data, files: {}, form: isForm ? Object.fromEntries(new URLSearchParams(data)) : {}, headers: shownHeaders, json: isForm ? null : parsed, origin: base.origin, url: base.url }
  }
  const [, first = '', second = ''] = url.pathname.split('/')
  switch (first) {
    case '': return goResponse(proc, '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="UTF-8"><title>httpbin.org</title></head>\n<body><h1>httpbin.org</h1><p>A simple HTTP Request &amp; Response Service.</p></body>\n</html>\n', { headers: { ...headers, 'content-type': 'text/html; charset=utf-8' } })
    case 'get': return request.method === 'GET' || request.method === 'HEAD' ? json(base) : json({}, 405)
    case 'post': case 'put': case 'patch': case 'delete': return request.method === first.toUpperCase() ? json(await withBody()) : goResponse(proc, '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n<title>405 Method Not Allowed</title>\n<h1>Method Not Allowed</h1>\n<p>The method is not allowed for the requested URL.</p>\n', { status: 405, headers: { ...headers, 'content-type': 'text/html' } })
    case 'anything': return json({ ...await withBody(), method: request.method })
    case 'headers': return json({ headers: shownHeaders })
    case 'ip': return json({ origin: base.origin })
    case 'user-agent': return json({ 'user-agent': request.headers.get('user-agent') })
    case 'uuid': return json({ uuid: proc.random.uuid() })
    case 'status': {
      const status = Number(second.split(',')[0]) || 200
      return goResponse(proc, status === 418 ? '\n    -=[ teapot ]=-\n\n' : '', { status: status >= 200 && status <= 599 ? status : 400, headers: { ...headers, ...(status >= 300 && status < 400 ? { location: '/redirect/1' } : {}) } })
    }
    case 'delay': await proc.sleep(Math.min(10, Number(second) || 0) * 1000); return json(await withBody())
    case 'redirect': { const left = Number(second) || 1; return goResponse(proc, '', { status: 302, headers: { ...headers, location: left > 1 ? `/redirect/${left - 1}` : '/get' } }) }
    case 'redirect-to': return goResponse(proc, '', { status: Number(url.searchParams.get('status_code') ?? 302), headers: { ...headers, location: url.searchParams.get('url') ?? '/' } })
    case 'basic-auth': {
      const wanted = `Basic ${btoa(url.pathname.split('/').slice(2, 4).join(':'))}`
      return request.headers.get('authorization') === wanted ? json({ authenticated: true, user: second }) : goResponse(proc, '', { status: 401, headers: { ...headers, 'www-authenticate': 'Basic realm="Fake Realm"' } })
    }
    case 'bearer': { const auth = request.headers.get('authorization') ?? ''; return auth.startsWith('Bearer ') ? json({ authenticated: true, token: auth.slice(7) }) : goResponse(proc, '', { status: 401, headers: { ...headers, 'www-authenticate': 'Bearer' } }) }
    case 'bytes': return new Response(proc.random.bytes(Math.min(102_400, Number(second) || 0)) as Uint8Array<ArrayBuffer>, { headers: { ...headers, 'content-type': 'application/octet-stream' } })
    case 'base64': return goResponse(proc, atob(second), { headers })
    case 'cookies': return json({ cookies: Object.fromEntries((request.headers.get('cookie') ?? '').split('; ').filter(Boolean).map((pair) => pair.split('='))) })
    case 'robots.txt': return goResponse(proc, 'User-agent: *\nDisallow: /deny\n', { headers: { ...headers, 'content-type': 'text/plain' } })
    default: return goResponse(proc, `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n<title>404 ${reasonPhrase(404)}</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server.  If you entered the URL manually please check your spelling and try again.</p>\n`, { status: 404, headers: { ...headers, 'content-type': 'text/html' } })
  }
}

export const httpEchoImage = defineImage({ repository: 'docker.io/hashicorp/http-echo', tags: ['alpine', '0.2.3', '1.0', '1.0.0', 'latest'], sizeBytes: 2_800_000, entrypoint: ['/http-echo'], exposedPorts: [5678], user: '65532', programs: { '/http-echo': httpEcho } })
const echoServerPrograms = (release: EchoServerRelease): Record<string, Program> => ({ '/usr/local/bin/run.sh': echoServer(release) })
export const echoServerImage = defineImage({
  repository: 'registry.k8s.io/echoserver', tags: ['1.4', '1.8', '1.9', '1.10'], sizeBytes: 35_000_000, cmd: ['/usr/local/bin/run.sh'], exposedPorts: [8080], base: debian, programs: echoServerPrograms({ nginx: '1.13.3', lua: 10008 }),
  variants: { '1.4': { programs: echoServerPrograms({ nginx: '1.10.0', lua: 10001, isOld: true }) } },
})
export const e2eEchoServerImage = defineImage({ repository: 'registry.k8s.io/e2e-test-images/echoserver', tags: ['2.2', '2.3', '2.4', '2.5'], sizeBytes: 35_000_000, cmd: ['/usr/local/bin/run.sh'], exposedPorts: [8080], base: debian, programs: echoServerPrograms({ nginx: '1.14.2', lua: 10015 }) })
export const httpbinImage = defineImage({ repository: 'docker.io/kennethreitz/httpbin', tags: ['latest'], sizeBytes: 200_000_000, cmd: ['gunicorn', '-b', '0.0.0.0:80', 'httpbin:app', '-k', 'gevent'], exposedPorts: [80], base: debian, programs: { '/usr/local/bin/gunicorn': httpbin } })

/** curl's own image: its entrypoint runs curl with the arguments. */
const curlEntrypoint: Program = async (proc) => {
  const args = proc.argv.slice(1)
  const isCommand = args[0] !== undefined && !args[0].startsWith('-') && ['/usr/bin', '/bin', '/sbin'].some((directory) => proc.fs.exists(`${directory}/${args[0]}`) || args[0]!.startsWith('/'))
  return proc.exec!(isCommand ? args : ['curl', ...args])
}

export const curlImage = defineImage({
  repository: 'docker.io/curlimages/curl', tags: ['latest', ...['7.65.3', '7.70.0', '7.72.0', '7.73.0', '7.78.0', '7.79.1', '7.80.0', '7.81.0', '7.82.0', '7.83.1', '7.84.0', '7.85.0', '7.86.0', '7.87.0', '7.88.1', '8.00.1', '8.1.2', '8.2.1', '8.3.0', '8.4.0', '8.5.0', '8.6.0'], '8.7.1', '8.8.0', '8.9.1', '8.10.1', '8.11.1', '8.12.1', '8.13.0', '8.14.1', '8.15.0', '8.16.0', '8.17.0'], sizeBytes: 9_600_000, entrypoint: ['/entrypoint.sh'], cmd: ['curl'], user: '100:101', workingDir: '/home/curl_user', base: alpine,
  files: { '/home/curl_user': { directory: true, uid: 100, gid: 101 } },
  programs: { '/entrypoint.sh': curlEntrypoint, ...utilityPrograms('gnu', { names: ['curl'] }) },
})
