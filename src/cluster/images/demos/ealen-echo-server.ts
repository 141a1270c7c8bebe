import type { HttpRequest } from '../../../base/http.ts'
import type { HttpPeer, Proc, Program } from '../../../unix/types.ts'
import { goResponse } from '../agnhost/go-server.ts'
import { requestHost, requestUri } from './request-echo.ts'

const MAX_DELAY_MS = 60_000

/** ealen/echo-server: everything about a request and its server as JSON; clients choose status, body, headers, and delay of the answer. */
// @k8s part: ealen/echo-server image: settings other than PORT, ENABLE__HOST, ENABLE__HTTP, ENABLE__REQUEST and ENABLE__ENVIRONMENT aren't followed
export const ealenEchoServer: Program = async (proc) => {
  const port = Number(proc.env.PORT || 80)
  proc.net.listenHttp(port, (request, peer) => answer(proc, request, peer))
  await proc.stdout.write(`Listening on port ${port}.\n`)
  // Node leaves pid 1 without handlers: only SIGKILL ends it, or the signal where it is no pid 1.
  await new Promise(() => {})
  return 0
}

async function answer(proc: Proc, request: HttpRequest, { remote }: HttpPeer): Promise<Response> {
  const url = new URL(request.url)
  const wish = (name: string) => url.searchParams.get(`echo_${name}`) ?? request.headers.get(`x-echo-${name.replace('_', '-')}`)
  const isOn = (setting: string) => (proc.env[`ENABLE__${setting}`] ?? 'true') !== 'false'
  const uri = requestUri(request)
  const hostname = requestHost(request).replace(/:\d+$/, '')
  const text = await request.text()
  const type = request.headers.get('content-type') ?? ''
  let body: unknown = {}
  if (type.includes('json')) {
    try { body = JSON.parse(text) } catch { return goResponse(proc, 'Bad Request', { status: 400 }) }
  } else if (type.includes('x-www-form-urlencoded')) body = Object.fromEntries(new URLSearchParams(text))
  else if (type.startsWith('text/')) body = text
  const cookies = Object.fromEntries((request.headers.get('cookie') ?? '').split('; ').filter(Boolean).map((pair) => pair.split('=')))
  const shown = {
    ...isOn('HOST') ? { host: { hostname, ip: `::ffff:${remote.ip}`, ips: [] } } : {},
    ...isOn('HTTP') ? { http: { method: request.method, baseUrl: '', originalUrl: uri, protocol: 'http' } } : {},
    ...isOn('REQUEST') ? { request: { params: { 0: url.pathname }, query: Object.fromEntries(url.searchParams), cookies, body, headers: { host: requestHost(request), ...Object.fromEntries(request.headers) } } } : {},
    ...isOn('ENVIRONMENT') ? { environment: proc.env } : {},
  }
  const now = new Date(proc.clock.nowMs())
  await proc.stdout.write(`${JSON.stringify({ name: 'echo-server', hostname: proc.machine.hostname, pid: proc.pid, level: 30, ...shown, msg: `${now.toUTCString()} | [${request.method}] - http://${requestHost(request)}${uri}`, time: now.toISOString(), v: 0 })}\n`)
  const delay = Number(wish('time') ?? 0)
  if (delay > 0 && delay <= MAX_DELAY_MS) await proc.sleep(delay)
  const codes = (wish('code') ?? '').split('-').map(Number).filter((code) => code >= 200 && code <= 599)
  const own = Object.fromEntries((wish('header') ?? '').split(',').map((each) => /^\s*([^:\s]+)\s*:\s*(.*?)\s*$/.exec(each)).filter((match) => match !== null).map((match) => [match[1]!, match[2]!]))
  const environment = wish('env_body')
  let what: unknown = wish('body') ?? (environment !== null && isOn('ENVIRONMENT') ? proc.env[environment] ?? '' : undefined)
  const path = wish('file')
  if (path !== null && isOn('FILE') && what === undefined) {
    try {
      what = proc.fs.stat(path).type === 'directory' ? proc.fs.readdir(path) : proc.fs.readText(path)
    } catch {
      what = `${path}: no such file or directory`
    }
  }
  return goResponse(proc, JSON.stringify(what ?? shown), { status: codes.length > 0 ? proc.random.pick(codes) : 200, headers: { 'x-powered-by': 'Express', 'content-type': 'application/json; charset=utf-8', ...own } })
}
