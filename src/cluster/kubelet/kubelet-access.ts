import { CertificateTrust } from '../../base/certificate-trust.ts'
import type { Clock } from '../../base/clock.ts'
import type { HttpRequest } from '../../base/http.ts'
import type { HttpPeer } from '../../unix/types.ts'
import type { Api } from '../client/api.ts'
import type { SubjectAccessReview, TokenReview, UserInfo } from '../kinds/generated/types.ts'

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

const ANONYMOUS: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] }

/** How long an answer of the API server counts. k8s: kubelet webhook cache TTLs */
const CACHE_MS = 30_000

/** Who may use the kubelet's port: certificates and tokens, checked and authorized by the API server; nobody else unless the configuration wants it. k8s: pkg/kubelet/server InstallAuthFilter */
export class KubeletAccess {
  readonly #options: KubeletAccessOptions
  readonly #trust: CertificateTrust
  readonly #tokens = new Map<string, { untilMs: number; user: UserInfo | undefined }>()
  readonly #decisions = new Map<string, { untilMs: number; allowed: boolean }>()

  constructor(options: KubeletAccessOptions) {
    this.#options = options
    this.#trust = new CertificateTrust(options.clientCaPem, options.clock)
  }

  /** The refusal of a request, or undefined when it may go on. */
  async refusal(request: HttpRequest, peer: HttpPeer): Promise<Response | undefined> {
    const user = await this.#userOf(request, peer)
    if (!user) return text(401, 'Unauthorized')
    if (this.#options.allowsAll) return undefined
    const verb = { POST: 'create', GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[request.method] ?? ''
    const subresources = subresourcesOf(new URL(request.url).pathname)
    for (const subresource of subresources) if (await this.#mayUse(user, verb, subresource)) return undefined
    return text(403, `Forbidden (user=${user.username}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}])\n`)
  }

  async #userOf({ headers }: HttpRequest, { clientCertificatePem }: HttpPeer): Promise<UserInfo | undefined> {
    const identity = clientCertificatePem ? await this.#trust.identify(clientCertificatePem) : undefined
    if (identity?.commonName) return { username: identity.commonName, groups: [...identity.organizations, 'system:authenticated'] }
    const token = /^bearer\s+(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1]
    if (!token) return this.#options.allowsAnonymous ? ANONYMOUS : undefined
    const { api, clock } = this.#options
    const known = this.#tokens.get(token)
    if (known && known.untilMs > clock.nowMs()) return known.user
    const review = await api.create<TokenReview>('tokenreviews.authentication.k8s.io', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token } } as TokenReview).catch(() => undefined)
    const user = review?.status?.authenticated ? review.status.user : undefined
    if (this.#tokens.size > 1000) this.#tokens.clear()
    this.#tokens.set(token, { untilMs: clock.nowMs() + CACHE_MS, user })
    return user
  }

  async #mayUse(user: UserInfo, verb: string, subresource: string): Promise<boolean> {
    const { api, clock, nodeName } = this.#options
    const key = JSON.stringify([user.username, user.groups, verb, subresource])
    const known = this.#decisions.get(key)
    if (known && known.untilMs > clock.nowMs()) return known.allowed
    const spec = { user: user.username ?? '', groups: [...user.groups ?? []], ...(user.uid ? { uid: user.uid } : {}), ...(user.extra ? { extra: user.extra } : {}), resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName } }
    const review = await api.create<SubjectAccessReview>('subjectaccessreviews.authorization.k8s.io', { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', metadata: {}, spec } as unknown as SubjectAccessReview).catch(() => undefined)
    const allowed = review?.status?.allowed === true
    if (this.#decisions.size > 1000) this.#decisions.clear()
    this.#decisions.set(key, { untilMs: clock.nowMs() + CACHE_MS, allowed })
    return allowed
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
