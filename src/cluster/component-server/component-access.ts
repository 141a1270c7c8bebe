import { CertificateTrust } from '../../base/certificate-trust.ts'
import type { Clock } from '../../base/clock.ts'
import type { HttpRequest } from '../../base/http.ts'
import type { HttpPeer } from '../../unix/types.ts'
import { jsonText } from '../apiserver/json-text.ts'
import { answer, statusAnswer } from '../apiserver/responses.ts'
import type { Api } from '../client/api.ts'
import type { SubjectAccessReview, TokenReview, UserInfo } from '../kinds/generated/types.ts'
import { apiError } from '../kinds/status-error.ts'

export interface ComponentAccessOptions {
  /** The component's own client, that asks the API server who somebody is and what they may. */
  api: Api
  clock: Clock
  /** Authority of clients' certificates. */
  clientCaPem: string
  /** Paths that everybody may read; one that ends with `*` stands for all below. k8s: --authorization-always-allow-paths */
  openPaths: readonly string[]
}

const ANONYMOUS: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] }
const STYLE = { encoding: 'json', pretty: true } as const
/** How long an answer of the API server counts. k8s: --authentication-token-webhook-cache-ttl, --authorization-webhook-cache-authorized-ttl */
const CACHE_MS = 10_000

/** Who may ask a component of the control plane: the API server says so. k8s: apiserver/pkg/server/options DelegatingAuthenticationOptions, DelegatingAuthorizationOptions */
export class ComponentAccess {
  readonly #options: ComponentAccessOptions
  readonly #trust: CertificateTrust
  readonly #users = new Map<string, { untilMs: number; user: UserInfo | undefined }>()
  readonly #decisions = new Map<string, { untilMs: number; allowed: boolean }>()

  constructor(options: ComponentAccessOptions) {
    this.#options = options
    this.#trust = new CertificateTrust(options.clientCaPem, options.clock)
  }

  /** The refusal of a request, or undefined when it may go on. */
  async refusal(request: HttpRequest, peer: HttpPeer): Promise<Response | undefined> {
    const user = await this.#userOf(request, peer)
    if (!user) return answer(401, jsonText({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 }), STYLE)
    const path = new URL(request.url).pathname
    if (this.#options.openPaths.some((open) => open.endsWith('*') ? path.startsWith(open.slice(0, -1)) : path === open)) return undefined
    const verb = request.method.toLowerCase()
    if (user.groups?.includes('system:masters') || await this.#may(user, verb, path)) return undefined
    return statusAnswer(apiError.generic(403, 'Forbidden', `forbidden: User ${JSON.stringify(user.username)} cannot ${verb} path ${JSON.stringify(path)}`, {}), STYLE)
  }

  async #userOf({ headers }: HttpRequest, { clientCertificatePem }: HttpPeer): Promise<UserInfo | undefined> {
    const identity = clientCertificatePem ? await this.#trust.identify(clientCertificatePem) : undefined
    if (identity?.commonName) return { username: identity.commonName, groups: [...identity.organizations, 'system:authenticated'] }
    const token = /^bearer\s+(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1]
    if (!token) return ANONYMOUS
    const { api, clock } = this.#options
    const known = this.#users.get(token)
    if (known && known.untilMs > clock.nowMs()) return known.user
    const review = await api.create<TokenReview>('tokenreviews.authentication.k8s.io', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token } } as TokenReview).catch(() => undefined)
    const user = review?.status?.authenticated ? review.status.user : undefined
    if (this.#users.size > 100) this.#users.clear()
    this.#users.set(token, { untilMs: clock.nowMs() + CACHE_MS, user })
    return user
  }

  async #may(user: UserInfo, verb: string, path: string): Promise<boolean> {
    const { api, clock } = this.#options
    const key = JSON.stringify([user.username, user.groups, verb, path])
    const known = this.#decisions.get(key)
    if (known && known.untilMs > clock.nowMs()) return known.allowed
    const spec = { user: user.username ?? '', groups: [...user.groups ?? []], ...(user.uid ? { uid: user.uid } : {}), ...(user.extra ? { extra: user.extra } : {}), nonResourceAttributes: { verb, path } }
    const review = await api.create<SubjectAccessReview>('subjectaccessreviews.authorization.k8s.io', { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', metadata: {}, spec } as unknown as SubjectAccessReview).catch(() => undefined)
    const allowed = review?.status?.allowed === true
    if (this.#decisions.size > 100) this.#decisions.clear()
    this.#decisions.set(key, { untilMs: clock.nowMs() + CACHE_MS, allowed })
    return allowed
  }
}
