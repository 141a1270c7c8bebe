import type { Clock } from '../../base/clock.ts'
import type { HttpRequest } from '../../base/http.ts'
import type { HttpPeer } from '../../unix/types.ts'
import type { Api } from '../client/api.ts'
import { DelegatedAuth } from '../client/delegated-auth.ts'

export interface KubeletAccessOptions {
  nodeName: string
  /** The kubelet's own client: it asks the API server who may do what. */
  api: Api
  clock: Clock
  /** Authority of clients' certificates. */
  clientCaPem: string
  /** Whether who shows nothing is `system:anonymous`. k8s: authentication.anonymous.enabled */
  allowsAnonymous?: boolean
  /** Whether everybody may do everything. k8s: authorization.mode AlwaysAllow */
  allowsAll?: boolean
}

/** How long an answer of the API server counts. k8s: kubelet webhook cache TTLs */
const CACHE_MS = 30_000

/** Who may use the kubelet's port: certificates and tokens, checked and authorized by the API server; nobody else unless the configuration wants it. k8s: pkg/kubelet/server InstallAuthFilter */
export class KubeletAccess {
  readonly #nodeName: string
  readonly #allowsAll: boolean
  readonly #auth: DelegatedAuth

  constructor({ nodeName, allowsAll = false, allowsAnonymous = false, ...options }: KubeletAccessOptions) {
    this.#nodeName = nodeName
    this.#allowsAll = allowsAll
    this.#auth = new DelegatedAuth({ ...options, allowsAnonymous, cacheMs: CACHE_MS })
  }

  /** The refusal of a request, or undefined when it may go on. */
  async refusal(request: HttpRequest, { clientCertificatePem }: HttpPeer): Promise<Response | undefined> {
    const user = await this.#auth.userOf(request, clientCertificatePem)
    if (!user) return text(401, 'Unauthorized')
    if (this.#allowsAll) return undefined
    const verb = { POST: 'create', GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[request.method] ?? ''
    const subresources = subresourcesOf(new URL(request.url).pathname)
    for (const subresource of subresources) {
      try {
        if (await this.#auth.mayDo(user, { resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: this.#nodeName } })) return undefined
      } catch {
        return text(500, `Authorization error (user=${user.username}, verb=${verb}, resource=nodes, subresource=${subresource})`)
      }
    }
    return text(403, `Forbidden (user=${user.username}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}])\n`)
  }
}

/** Which rights on the node a path asks for; any of them is enough. k8s: pkg/kubelet/server/auth.go GetRequestAttributes */
function subresourcesOf(path: string): string[] {
  const isBelow = (root: string) => path === root || path.startsWith(`${root}/`)
  if (isBelow('/stats')) return ['stats']
  if (isBelow('/metrics')) return ['metrics']
  if (isBelow('/logs')) return ['log']
  if (isBelow('/checkpoint')) return ['checkpoint']
  if (isBelow('/pods') || isBelow('/runningpods')) return ['pods', 'proxy']
  if (isBelow('/healthz')) return ['healthz', 'proxy']
  if (isBelow('/configz')) return ['configz', 'proxy']
  return ['proxy']
}

const text = (status: number, body: string) => new Response(body, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } })
