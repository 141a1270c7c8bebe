import type { HttpRequest } from '../../../base/http.ts'
import type { Proc, Program } from '../../../unix/types.ts'
import { goDuration, goError, goFlags, goLog, goProgram, goResponse, untilKilled } from '../agnhost/go-server.ts'
import { goHeaders, requestHost, requestUri } from './request-echo.ts'

const UNITS: Readonly<Record<string, number>> = { kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30, tb: 2 ** 40 }
/** More than this isn't made up. */
const MAX_DATA_BYTES = 64 * 2 ** 20
const CHARSET = '-ABCDEFGHIJKLMNOPQRSTUVWXYZ'

const isTrue = (text: string | null) => text !== null && ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)

/** traefik/whoami: who answers, and what it was asked. `-port`, `-name`, `-verbose`, `-cert` and `-key`. */
// @k8s part: whoami image: WebSockets (`/echo`), gRPC, client certificates and more than 64 MB of data are missing
export const whoami: Program = (proc) => goProgram(proc, async () => {
  const { flags } = goFlags(proc.argv.slice(1), new Set(['verbose']))
  const port = flags.get('port') ?? (proc.env.WHOAMI_PORT_NUMBER || '80')
  const name = flags.get('name') ?? proc.env.WHOAMI_NAME ?? ''
  const verbose = flags.get('verbose') === 'true'
  let healthStatus = 200
  goLog(proc, `Starting up on port ${port}`)
  const addresses = () => ['127.0.0.1', ...proc.net.addresses.filter((ip) => ip !== '127.0.0.1')]
  const answer = async (request: HttpRequest, remote: string): Promise<Response> => {
    const { pathname, searchParams } = new URL(request.url)
    switch (pathname) {
      case '/bench': return goResponse(proc, '1', { headers: { 'content-type': 'text/plain' } })
      case '/echo': return goError(proc, 'Bad Request', 400)
      case '/data': return data(proc, searchParams)
      case '/health': {
        if (request.method !== 'POST') return goResponse(proc, '', { status: healthStatus })
        const text = await request.text()
        if (!/^\s*\d+\s*$/.test(text)) return goError(proc, text.trim() === '' ? 'EOF' : 'json: cannot unmarshal string into Go value of type int', 400)
        healthStatus = Number(text)
        goLog(proc, `Update health check status code [${healthStatus}]`)
        return goResponse(proc, '')
      }
      case '/api': {
        const headers: Record<string, string[]> = {}
        for (const [header, value] of goHeaders(request)) (headers[header] ??= []).push(value)
        const shown = {
          hostname: proc.machine.hostname, ip: addresses(), headers, url: requestUri(request), host: requestHost(request), method: request.method, ...(name === '' ? {} : { name }), remoteAddr: remote,
          ...(isTrue(searchParams.get('env')) ? { environ: environment(proc) } : {}),
        }
        return goResponse(proc, `${JSON.stringify(shown)}\n`, { headers: { 'content-type': 'application/json' } })
      }
    }
    const wait = goDuration(searchParams.get('wait') ?? '')
    if (wait !== undefined && wait > 0) await proc.sleep(wait)
    const body = await request.text()
    const headers = goHeaders(request)
    // Go writes Host and User-Agent first.
    const first = headers.filter(([header]) => header === 'User-Agent')
    const lines = [['Host', requestHost(request)], ...first, ...headers.filter(([header]) => header !== 'User-Agent')]
    return goResponse(proc, [
      ...name === '' ? [] : [`Name: ${name}\n`], `Hostname: ${proc.machine.hostname}\n`, ...addresses().map((ip) => `IP: ${ip}\n`), `RemoteAddr: ${remote}\n`,
      `${request.method} ${requestUri(request)} HTTP/1.1\r\n`, ...lines.map(([header, value]) => `${header}: ${value}\r\n`), '\r\n', body,
      ...isTrue(searchParams.get('env')) ? environment(proc).map((line) => `${line}\n`) : [],
    ].join(''))
  }
  const certificate = flags.get('cert')
  const key = flags.get('key')
  const file = (path: string) => proc.fs.readText(proc.resolve(path))
  const tls = certificate && key ? { certificatePem: file(certificate), keyPem: file(key) } : undefined
  proc.net.listenHttp(Number(port), async (request, { remote }) => {
    const response = await answer(request, `${remote.ip}:${remote.port}`)
    if (verbose) goLog(proc, `${remote.ip}:${remote.port} - - "${request.method} ${requestUri(request)} HTTP/1.1" - -`)
    return response
  }, tls ? { tls } : {})
  return untilKilled(proc)
})

function environment(proc: Proc): string[] {
  return Object.entries(proc.env).map(([name, value]) => `${name}=${value}`)
}

/** `/data?size=n&unit=KB`: so much of something. */
function data(proc: Proc, query: URLSearchParams): Response {
  const given = query.get('size') ?? ''
  const size = Math.max(0, /^[+-]?\d+$/.test(given) ? Number(given) : 1) * (UNITS[(query.get('unit') ?? '').toLowerCase()] ?? 1)
  if (size > MAX_DATA_BYTES) return goError(proc, `this server makes at most ${MAX_DATA_BYTES} bytes here`, 501)
  const bytes = Uint8Array.from({ length: size }, (_, i) => i === 0 || i === size - 1 ? 124 : CHARSET.charCodeAt(i % CHARSET.length))
  return new Response(bytes, { headers: { 'content-type': 'text/plain; charset=utf-8', 'content-length': String(size), date: new Date(proc.clock.nowMs()).toUTCString(), ...(isTrue(query.get('attachment')) ? { 'content-disposition': 'Attachment' } : {}) } })
}
