import { headerLines, httpRequest } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { errorText } from '../../../unix/errno.ts'
import { hostPort } from '../../../unix/net/addresses.ts'
import { UnixError } from '../../../unix/types.ts'
import type { HttpPeer, Listener, Proc } from '../../../unix/types.ts'
import { canonicalHeader } from '../../../unix/net/http1.ts'
import { formValues, goDuration, goError, goGet, goFlags, agnhostLog, goResponse, showDuration } from './go-server.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const DIAL_TIMEOUT_MS = 5_000

/** An HTTP and a UDP server that tell about themselves and about their clients. k8s: test/images/agnhost/netexec */
export async function netexec(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags } = goFlags(args)
  const httpPort = Number(flags.get('http-port') ?? 8080)
  const udpPort = Number(flags.get('udp-port') ?? 8081)
  const delaySeconds = Number(flags.get('delay-shutdown') ?? 0)
  const override = flags.get('http-override')
  const certificate = flags.get('tls-cert-file')
  const privateKey = flags.get('tls-private-key-file')
  const state = { terminating: false, ready: false }
  let end!: (code: number) => void
  const ended = new Promise<number>((resolve) => { end = resolve })
  proc.onSignal('SIGTERM', () => {
    if (state.terminating) return
    state.terminating = true
    if (delaySeconds <= 0) return end(0)
    agnhostLog(proc, `Sleeping ${delaySeconds} seconds before terminating...`)
    proc.sleep(delaySeconds * 1000).then(() => end(0), () => {})
  })
  const server = { proc, httpPort, state, end: (code: number) => end(code) }
  const listeners: Listener[] = []
  try {
    if (udpPort !== -1) {
      // The same address may be given twice: as the node's and as the pod's.
      for (const ip of new Set((flags.get('udp-listen-addresses') ?? '').split(','))) {
        listeners.push(proc.net.listenUdp(udpPort, (payload, from) => answerUdp(proc, udpPort, payload, from), ip ? { ip } : {}))
        agnhostLog(proc, `Started UDP server on port ${ip} ${udpPort}`)
      }
      state.ready = true
    }
    agnhostLog(proc, `Started HTTP server on port ${httpPort}`)
    listeners.push(proc.net.listenHttp(httpPort, (request, peer) => override === undefined
      ? answer(server, request, peer)
      : answer(server, httpRequest(new URL(override, request.url).href, { signal: request.signal }), peer), certificate ? { tls: { certificatePem: proc.fs.readText(certificate), ...(privateKey ? { keyPem: proc.fs.readText(privateKey) } : {}) } } : {}))
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    agnhostLog(proc, `listen tcp :${httpPort}: bind: ${errorText(error).toLowerCase()}`)
    return 1
  }
  return ended
}

interface NetexecServer {
  proc: Proc
  httpPort: number
  state: { terminating: boolean; ready: boolean }
  end(code: number): void
}

async function answer(server: NetexecServer, request: HttpRequest, peer: HttpPeer): Promise<Response> {
  const { proc, state } = server
  const url = new URL(request.url)
  const log = (text: string) => agnhostLog(proc, text)
  const say = (body: string, status = 200) => goResponse(proc, body, { status })
  switch (url.pathname) {
    case '/clientip': log('GET /clientip'); return say(hostPort(peer.remote.ip, peer.remote.port))
    case '/serverport': log('GET /serverport'); return say(String(server.httpPort))
    case '/hostname': log('GET /hostname'); return say(proc.machine.hostname)
    case '/hostName': log('GET /hostName'); return say(proc.machine.hostname)
    case '/healthz': log('GET /healthz'); return say('', state.ready ? 200 : 412)
    case '/readyz': {
      log('GET /readyz')
      return state.terminating ? say('shutting down', 503) : state.ready ? say('ok') : say('', 412)
    }
    case '/header': {
      const key = (await formValues(request)).get('key')
      log(key ? `GET /header?key=${key}` : 'GET /header')
      return say(key ? headerLines(request.headers, key)[0] ?? '' : JSON.stringify(Object.fromEntries([...request.headers].map(([name]) => [canonicalHeader(name), headerLines(request.headers, name)]))))
    }
    case '/echo': {
      const values = await formValues(request)
      const message = values.get('msg') ?? ''
      const code = values.get('code') ?? ''
      log(`GET /echo?msg=${message}&code=${code}`)
      if (code !== '' && !/^\d+$/.test(code)) return say(`argument 'code' must be an integer or empty, got "${code}"\n`)
      return say(message, code === '' ? 200 : Number(code))
    }
    case '/redirect': {
      const values = await formValues(request)
      const location = values.get('location') ?? ''
      const code = values.get('code') ?? ''
      log(`${request.method} /redirect?msg=${location}&code=${code}`)
      return redirect(proc, location, code === '' ? 302 : Number(code))
    }
    case '/shutdown': log('GET /shutdown'); server.end(0); return new Promise(() => {})
    case '/exit': return exit(server, request)
    case '/dial': return dial(proc, url)
    case '/shell': return shell(proc, request)
    case '/upload': return upload(proc, request)
    default: log('GET /'); return say(`NOW: ${new Date(proc.clock.nowMs()).toISOString().replace('T', ' ').replace('Z', '')} +0000 UTC`)
  }
}

/** `http.Redirect` */
export function redirect(proc: Proc, location: string, status: number): Response {
  const text = { 301: 'Moved Permanently', 302: 'Found', 303: 'See Other', 307: 'Temporary Redirect', 308: 'Permanent Redirect' }[status] ?? ''
  const escaped = location.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&#34;')
  return goResponse(proc, `<a href="${escaped}">${text}</a>.\n\n`, { status, headers: { location, 'content-type': 'text/html; charset=utf-8' } })
}

async function exit(server: NetexecServer, request: HttpRequest): Promise<Response> {
  const { proc } = server
  const values = await formValues(request)
  const [waitText, timeoutText, codeText] = [values.get('wait') ?? '', values.get('timeout') ?? '', values.get('code') ?? '']
  agnhostLog(proc, `GET /exit?code=${codeText}&timeout=${timeoutText}&wait=${waitText}`)
  const timeout = timeoutText === '' ? 0 : goDuration(timeoutText)
  if (timeout === undefined) return goResponse(proc, `argument 'timeout' must be a valid golang duration or empty, got "${timeoutText}"\n`)
  const wait = waitText === '' ? 0 : goDuration(waitText)
  if (wait === undefined) return goResponse(proc, `argument 'wait' must be a valid golang duration or empty, got "${waitText}"\n`)
  if (codeText !== '' && !/^-?\d+$/.test(codeText)) return goResponse(proc, `argument 'code' must be an integer [0-127] or empty, got "${codeText}"\n`)
  agnhostLog(proc, `Will begin shutdown in ${showDuration(wait)}, allowing ${showDuration(timeout)} for connections to close, then will exit with ${Number(codeText)}`)
  if (wait > 0) await proc.sleep(wait)
  if (timeout === 0) {
    server.end(Number(codeText))
    return new Promise(() => {})
  }
  // The answer still goes out before the server has shut down.
  void proc.clock.breathe().then(() => { agnhostLog(proc, 'Graceful shutdown completed with: <nil>'); server.end(Number(codeText)) })
  return goResponse(proc, '')
}

async function dial(proc: Proc, url: URL): Promise<Response> {
  const value = (name: string) => url.searchParams.get(name) ?? ''
  const [host, port, request, protocol] = [value('host'), value('port'), value('request'), value('protocol')]
  const triesText = value('tries')
  agnhostLog(proc, `GET /dial?host=${host}&protocol=${protocol}&port=${port}&request=${request}&tries=${triesText}`)
  if (triesText !== '' && !/^-?\d+$/.test(triesText)) return goError(proc, `tries parameter is invalid. strconv.Atoi: parsing "${triesText}": invalid syntax`, 400)
  if (request === '') return goError(proc, 'request parameter not specified. <nil>', 400)
  const kind = protocol.toLowerCase()
  if (!['', 'http', 'udp'].includes(kind)) return goError(proc, `unsupported protocol. ${protocol}`, 400)
  let ip: string
  try { ip = (await proc.net.lookup(host))[0]! } catch { return goError(proc, `host and/or port param are invalid. lookup ${host}: no such host`, 400) }
  const responses: string[] = []
  const errors: string[] = []
  for (let i = 0; i < (triesText === '' ? 1 : Number(triesText)); i++) {
    try {
      if (kind === 'udp') responses.push(decoder.decode(await proc.net.askUdp(ip, Number(port), encoder.encode(request), DIAL_TIMEOUT_MS)))
      else responses.push(await goGet(proc, `http://${hostPort(ip, Number(port))}/${request}`, DIAL_TIMEOUT_MS))
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      errors.push(kind === 'udp' ? `reading from udp connection failed. err:'read udp: i/o timeout'` : error.message)
    }
  }
  return goResponse(proc, JSON.stringify({ ...(errors.length > 0 ? { errors } : {}), ...(responses.at(-1) ? { responses } : {}) }))
}

async function shell(proc: Proc, request: HttpRequest): Promise<Response> {
  const values = await formValues(request)
  const command = values.get('shellCommand') || values.get('cmd') || ''
  agnhostLog(proc, `GET /shell?cmd=${command}`)
  let text = ''
  const stream = new TextDecoder()
  const sink = { write: async (data: Uint8Array | string) => { text += typeof data === 'string' ? data : stream.decode(data, { stream: true }) }, close() {} }
  const status = await proc.spawn(['/bin/sh', '-c', command], { stdin: { read: async () => null, cancel() {} }, stdout: sink, stderr: sink }).wait()
  const output = { ...(status.code !== 0 ? { error: status.signal ? `signal: ${status.signal.slice(3).toLowerCase()}` : `exit status ${status.code}` } : {}), ...(text ? { output: text } : {}) }
  agnhostLog(proc, `Output: map[${Object.entries(output).map(([key, value]) => `${key}:${value}`).join(' ')}]`)
  return goResponse(proc, JSON.stringify(output))
}

async function upload(proc: Proc, request: HttpRequest): Promise<Response> {
  agnhostLog(proc, 'GET /upload')
  let data: Uint8Array
  try {
    const form = await new Response(await request.arrayBuffer(), { headers: { 'content-type': request.headers.get('content-type') ?? '' } }).formData()
    const file = form.get('file')
    if (file === null || typeof file === 'string') throw new TypeError('no file')
    data = new Uint8Array(await file.arrayBuffer())
  } catch (error) {
    agnhostLog(proc, `Unable to upload file: ${errorText(error)}`)
    return goResponse(proc, JSON.stringify({ error: 'Unable to upload file.' }))
  }
  const path = `/uploads/upload${proc.random.int(1_000_000_000)}`
  try { proc.fs.writeFile(path, data, { mode: 0o700 }) } catch (error) {
    agnhostLog(proc, `Unable to open file for write: ${errorText(error)}`)
    return goResponse(proc, JSON.stringify({ error: 'Unable to open file for write' }))
  }
  agnhostLog(proc, `Wrote upload to ${path}`)
  return goResponse(proc, JSON.stringify({ output: path }), { status: 201 })
}

function answerUdp(proc: Proc, port: number, payload: Uint8Array, from: { ip: string; port: number }): Uint8Array | undefined {
  const text = decoder.decode(payload).trim().toLowerCase()
  const client = hostPort(from.ip, from.port)
  if (text === 'hostname') { agnhostLog(proc, 'Sending udp hostName response'); return encoder.encode(proc.machine.hostname) }
  if (text.startsWith('echo ')) { agnhostLog(proc, `Echoing ${text.slice(5)} to UDP client ${client}`); return encoder.encode(text.slice(5)) }
  if (text === 'clientip') { agnhostLog(proc, `Sending clientip back to UDP client ${client}`); return encoder.encode(client) }
  if (text === 'serverport') { agnhostLog(proc, `Sending server port to UDP client ${port}`); return encoder.encode(String(port)) }
  if (text !== '') agnhostLog(proc, `Unknown UDP command received from ${client}: ${text}`)
  return undefined
}
