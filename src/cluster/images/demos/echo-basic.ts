import { UpgradeResponse, webSocketPair } from '../../../base/http.ts'
import type { HttpRequest, HttpVersion } from '../../../base/http.ts'
import type { HttpPeer, Program, TlsServerOptions } from '../../../unix/types.ts'
import { goDuration, goProgram, goResponse, untilKilled } from '../agnhost/go-server.ts'
import { grpcEcho } from './grpc-echo.ts'
import { goHeaders, requestHost, requestUri } from './request-echo.ts'

/** gateway-api/echo-basic: what came, and at which pod, as JSON. Set up by HTTP_PORT, HTTPS_PORT, TLS_SERVER_CERT, TLS_SERVER_PRIVKEY, NAMESPACE, SERVICE_NAME, INGRESS_NAME and POD_NAME. */
// @k8s part: echo-basic image: gRPC has no reflection; of TLS it tells the name that was asked for, but nothing of clients' certificates
export const echoBasic: Program = (proc) => goProgram(proc, async () => {
  const { env } = proc
  const file = (path: string) => proc.fs.readText(proc.resolve(path))
  const tls = env.TLS_SERVER_CERT && env.TLS_SERVER_PRIVKEY ? { certificatePem: file(env.TLS_SERVER_CERT), keyPem: file(env.TLS_SERVER_PRIVKEY) } : undefined
  const say = (text: string) => { void proc.stdout.write(`${text}\n`).catch(() => {}) }
  if (env.GRPC_ECHO_SERVER) {
    const [port, tlsPort] = [Number(env.HTTP_PORT || '3000'), Number(env.HTTPS_PORT || '8443')]
    proc.net.listenHttp(port, grpcEcho(proc), { versions: ['h2'] })
    say(`plaintext server listening at [::]:${port}`)
    if (tls) {
      proc.net.listenHttp(tlsPort, grpcEcho(proc), { versions: ['h2'], tls })
      say(`secure server listening at [::]:${tlsPort}`)
    }
    return untilKilled(proc)
  }
  const context = { namespace: env.NAMESPACE ?? '', ingress: env.INGRESS_NAME ?? '', service: env.SERVICE_NAME ?? '', pod: env.POD_NAME ?? '' }
  const echo = async (request: HttpRequest, { remote: { ip, port }, tls, version }: HttpPeer): Promise<Response> => {
    say(`Echoing back request made to ${requestUri(request)} to client (${ip}:${port})`)
    const delay = new URL(request.url).searchParams.get('delay') ?? ''
    const delayMs = delay === '' ? 0 : goDuration(delay)
    if (delayMs === undefined) return goResponse(proc, JSON.stringify({ message: `time: invalid duration ${JSON.stringify(delay)}` }), { status: 500, headers: { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' } })
    if (delayMs > 0) await proc.sleep(delayMs)
    const headers: Record<string, string[]> = {}
    for (const [name, value] of goHeaders(request)) (headers[name] ??= []).push(value)
    const answer = goResponse(proc, JSON.stringify({ path: requestUri(request), host: requestHost(request), method: request.method, proto: version === 'h2' ? 'HTTP/2.0' : 'HTTP/1.1', headers, ...context, ...tls ? { tls: { version: 'TLSv1.3', ...version === 'h2' ? { negotiatedProtocol: 'h2' } : {}, serverName: tls.serverName ?? '', cipherSuite: 'TLS_AES_128_GCM_SHA256' } } : {} }, null, 1), { headers: { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' } })
    for (const pair of (request.headers.get('x-echo-set-header') ?? '').split(',')) {
      const [, name, value] = /^\s*([^:\s]+):(.*)$/.exec(pair) ?? []
      if (name) answer.headers.append(name, value!.trim())
    }
    return answer
  }
  /** What comes goes back. */
  const echoSocket = ({ remote }: HttpPeer): Response => {
    say(`established websocket connection ${remote.ip}:${remote.port}`)
    const [client, server] = webSocketPair()
    const copy = async () => { for await (const message of server.messages) server.send(message) }
    void copy().catch(() => {})
    return new UpgradeResponse(client)
  }
  const answer = (request: HttpRequest, peer: HttpPeer): Promise<Response> => {
    const { pathname } = new URL(request.url)
    if (pathname === '/health') return Promise.resolve(goResponse(proc, 'OK'))
    if (pathname.startsWith('/status/')) return Promise.resolve(goResponse(proc, '', { status: Number(/^\/status\/(\d\d\d)$/.exec(requestUri(request))?.[1] ?? 400) }))
    if (pathname === '/ws') return Promise.resolve(request.headers.get('upgrade')?.toLowerCase() === 'websocket' ? echoSocket(peer) : goResponse(proc, '', { status: 400 }))
    return echo(request, peer)
  }
  const listen = (port: string, protocol: string, versions: readonly HttpVersion[], identity?: TlsServerOptions) => {
    say(`Starting server, listening on port ${port} (${protocol})`)
    proc.net.listenHttp(Number(port), answer, { versions, ...identity ? { tls: identity } : {} })
  }
  listen(env.HTTP_PORT || '3000', 'http', ['http/1.1'])
  listen(env.H2C_PORT || '3001', 'h2c', ['h2', 'http/1.1'])
  if (tls) listen(env.HTTPS_PORT || '8443', 'https', ['h2', 'http/1.1'], tls)
  return untilKilled(proc)
})
