import type { Clock } from '../../../base/clock.ts'
import { httpRequest, type HttpRequest } from '../../../base/http.ts'
import { fromBase64 } from '../../kinds/base64.ts'
import { plainText } from '../responses.ts'
import type { ClusterDialer, Reader, UserInfo } from '../seams.ts'
import { isAvailable, type RemoteApiService } from './api-services.ts'
import { serviceAddress } from './service-address.ts'

/** k8s: apiserver/pkg/util/proxy aggregatedDiscoveryTimeout */
const DISCOVERY_TIMEOUT_MS = 5_000

export interface ApiServiceProxyOptions {
  clock: Clock
  reader: Reader
  dialer: ClusterDialer
  /** PEM of the certificate (and key) by which extension servers know this one; they believe its X-Remote-* headers. */
  clientCertificatePem: string | undefined
}

export interface ProxiedRequest {
  request: HttpRequest
  /** Path and query, as they go out. */
  path: string
  query: URLSearchParams
  user: UserInfo
  auditId?: string
  remoteAddress?: string
}

/** Passes requests of an APIService on to its Service. k8s: kube-aggregator/pkg/apiserver/handler_proxy.go */
export class ApiServiceProxy {
  readonly #options: ApiServiceProxyOptions

  constructor(options: ApiServiceProxyOptions) {
    this.#options = options
  }

  async serve(apiService: RemoteApiService, asked: ProxiedRequest): Promise<Response> {
    if (!isAvailable(apiService)) return unavailable('service unavailable')
    const { namespace, name, port = 443 } = apiService.spec.service
    let address: { host: string; port: number }
    try {
      address = serviceAddress(this.#options.reader, namespace, name, port)
    } catch {
      return unavailable('service unavailable')
    }
    const { clock } = this.#options
    const isDiscovery = asked.path.split('/').filter(Boolean).length === 3
    const deadline = isDiscovery ? new AbortController() : undefined
    const timer = deadline && clock.after(DISCOVERY_TIMEOUT_MS, () => deadline.abort(new Error('context deadline exceeded')))
    try {
      return passedOn(await this.send(apiService, address, asked, deadline?.signal))
    } catch (error) {
      return unavailable(`error trying to reach service: ${error instanceof Error ? error.message : String(error)}`)
    } finally {
      timer?.cancel()
    }
  }

  /** One exchange with the server behind an APIService. Rejects with an Error that reads like Go's. */
  send(apiService: RemoteApiService, { host, port }: { host: string; port: number }, { request, path, query, user, auditId, remoteAddress }: ProxiedRequest, limit?: AbortSignal): Promise<Response> {
    const { spec } = apiService
    const headers = proxiedHeaders(request.headers, user)
    if (auditId) headers.set('audit-id', auditId)
    if (remoteAddress) headers.append('x-forwarded-for', remoteAddress)
    const search = sorted(query)
    const { signal, release } = either(request.signal, limit)
    const outgoing = httpRequest(`https://${host}:${port}${path}${search}`, { method: request.method, headers, body: request.body, signal })
    return this.#options.dialer.http(host, port, outgoing, {
      tls: {
        serverName: `${spec.service.name}.${spec.service.namespace}.svc`,
        ...(spec.insecureSkipTLSVerify ? { insecure: true } : {}), ...(spec.caBundle ? { caPem: new TextDecoder().decode(fromBase64(spec.caBundle)) } : {}),
        ...(this.#options.clientCertificatePem ? { clientCertificatePem: this.#options.clientCertificatePem } : {}),
      },
    }).finally(release)
  }
}

/** Says who asks in the headers that extension servers believe. k8s: client-go/transport SetAuthProxyHeaders */
function proxiedHeaders(given: Headers, user: UserInfo): Headers {
  const headers = new Headers()
  given.forEach((value, key) => {
    if (key === 'authorization' || key === 'host' || key.startsWith('impersonate-') || key.startsWith('x-remote-')) return
    headers.append(key, value)
  })
  headers.set('x-remote-user', user.name)
  if (user.uid) headers.set('x-remote-uid', user.uid)
  for (const group of user.groups) headers.append('x-remote-group', group)
  for (const [key, values] of Object.entries(user.extra ?? {})) for (const value of values) headers.append(`x-remote-extra-${encodeURIComponent(key)}`, value)
  return headers
}

function sorted(query: URLSearchParams): string {
  const copy = new URLSearchParams(query)
  copy.sort()
  const text = copy.toString()
  return text ? `?${text}` : ''
}

function passedOn(response: Response): Response {
  if (response.status === 101) return response
  const headers = new Headers(response.headers)
  for (const hop of ['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'proxy-authenticate', 'te', 'trailer']) headers.delete(hop)
  return new Response(response.body, { status: response.status, headers })
}

const unavailable = (why: string) => plainText(503, `${why}\n`)

/** A signal that aborts when either does. */
function either(a: AbortSignal, b: AbortSignal | undefined): { signal: AbortSignal; release(): void } {
  if (!b) return { signal: a, release() {} }
  const both = new AbortController()
  const forward = (of: AbortSignal) => () => both.abort(of.reason)
  const [onA, onB] = [forward(a), forward(b)]
  if (a.aborted) onA()
  else if (b.aborted) onB()
  a.addEventListener('abort', onA, { once: true })
  b.addEventListener('abort', onB, { once: true })
  // Answers that stream go on to end with their client; only the wait for the answer's beginning is limited.
  return { signal: both.signal, release: () => b.removeEventListener('abort', onB) }
}
