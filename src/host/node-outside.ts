import dns from 'node:dns/promises'
import http from 'node:http'
import net from 'node:net'
import { Readable } from 'node:stream'
import tls from 'node:tls'
import type { ClusterDialer } from '../cluster/apiserver/seams.ts'
import type { HttpRequest } from '../base/http.ts'
import { goNetError } from '../unix/net/go-net-error.ts'
import { certificateProblem } from '../unix/net/server-certificate.ts'
import { UnixError } from '../unix/types.ts'

/** How the API server reaches what is outside of its cluster, webhooks above all: over this machine's network, failing in Go's words. */
export const outsideHttp: ClusterDialer['http'] = async (host, port, request, { tls: secure = false } = {}) => {
  try {
    const socket = await connected(host, port, request.signal)
    return await exchange(secure ? await secured(socket, host, secure === true ? { insecure: true } : secure) : socket, request)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') throw new Error(`dial tcp: lookup ${host} on ${nameServer()}: no such host`)
    throw new Error(goNetError(unixError(error), host, port))
  }
}

async function connected(host: string, port: number, signal: AbortSignal): Promise<net.Socket> {
  const address = net.isIP(host) ? host : (await dns.lookup(host)).address
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: address, port, signal })
    socket.once('error', reject)
    socket.once('connect', () => resolve(socket))
  })
}

function nameServer(): string {
  const [first = '127.0.0.1'] = dns.getServers()
  return /:\d+$/.test(first) && (first.startsWith('[') || net.isIPv4(first.replace(/:\d+$/, ''))) ? first : `${net.isIPv6(first) ? `[${first}]` : first}:53`
}

/** The certificate is checked as everywhere in the cluster, before a byte of the request is sent. */
async function secured(socket: net.Socket, host: string, options: { insecure?: boolean; caPem?: string; serverName?: string; clientCertificatePem?: string }): Promise<net.Socket> {
  const name = options.serverName ?? host
  const wrapped = tls.connect({ socket, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'], ...(net.isIP(name) ? {} : { servername: name }) })
  await new Promise<void>((resolve, reject) => {
    wrapped.once('error', reject)
    wrapped.once('close', () => reject(new UnixError('ECONNRESET', 'EOF')))
    wrapped.once('secureConnect', resolve)
  })
  const problem = options.insecure ? undefined : await certificateProblem({ serverPem: shown(wrapped), caPem: options.caPem, host: name, nowMs: Date.now() })
  if (!problem) return wrapped
  wrapped.destroy()
  throw problem
}

/** PEM of the certificates that the server showed. */
function shown(socket: tls.TLSSocket): string {
  const out: string[] = []
  const seen = new Set<string>()
  for (let next: tls.DetailedPeerCertificate | undefined = socket.getPeerCertificate(true); next?.raw && !seen.has(next.fingerprint256); next = next.issuerCertificate) {
    seen.add(next.fingerprint256)
    out.push(`-----BEGIN CERTIFICATE-----\n${next.raw.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`)
  }
  return out.join('')
}

async function exchange(socket: net.Socket, request: HttpRequest): Promise<Response> {
  const url = new URL(request.url)
  const body = request.body ? Buffer.from(await request.arrayBuffer()) : undefined
  return new Promise((resolve, reject) => {
    const outgoing = http.request({
      createConnection: () => socket, method: request.method, path: url.pathname + url.search,
      headers: { host: url.host, ...Object.fromEntries(request.headers), ...(body ? { 'content-length': body.length } : {}), connection: 'close' },
    }, (incoming) => {
      const headers = new Headers()
      for (let i = 0; i < incoming.rawHeaders.length; i += 2) headers.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!)
      const status = incoming.statusCode ?? 502
      const bodyless = status === 204 || status === 205 || status === 304
      if (bodyless) incoming.resume()
      resolve(new Response(bodyless ? null : Readable.toWeb(incoming) as ReadableStream<Uint8Array>, { status, headers }))
    })
    outgoing.on('error', reject)
    request.signal.addEventListener('abort', () => outgoing.destroy(), { once: true })
    outgoing.end(body)
  })
}

function unixError(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (error instanceof UnixError || code === undefined) return error
  // OpenSSL reads the answer of a server that speaks no TLS as a record of another version.
  if (/^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)/.test(code)) return new UnixError('EPROTO', message)
  return new UnixError(code, message)
}
