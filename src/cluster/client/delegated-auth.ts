import { CertificateTrust } from '../../base/certificate-trust.ts'
import type { Clock } from '../../base/clock.ts'
import type { HttpRequest } from '../../base/http.ts'
import type { SubjectAccessReview, TokenReview, UserInfo } from '../kinds/generated/types.ts'
import type { Api } from './api.ts'

export interface DelegatedAuthOptions {
  /** The component's own client, that asks the API server who somebody is and what they may. */
  api: Api
  clock: Clock
  /** Authority of clients' certificates. */
  clientCaPem: string
  /** How long an answer of the API server counts. */
  cacheMs: number
  /** Whether who shows nothing is `system:anonymous` (default). */
  allowsAnonymous?: boolean
}

type ReviewSpec = SubjectAccessReview['spec']
/** What somebody wants to do, as the API server is asked for it. */
export type ReviewedAttributes = Pick<ReviewSpec, 'resourceAttributes'> | Pick<ReviewSpec, 'nonResourceAttributes'>

const ANONYMOUS: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] }
/** Answers that are remembered of each kind, beyond which all are forgotten. */
const MAX_REMEMBERED = 1000

/**
 * Who asks a component that isn't the API server, and whether they may: the API server says so. Its answers count for a while, failures to ask don't.
 * k8s: apiserver/pkg/authentication/authenticatorfactory DelegatingAuthenticatorConfig, authorization/authorizerfactory DelegatingAuthorizerConfig
 */
export class DelegatedAuth {
  readonly #options: DelegatedAuthOptions
  readonly #trust: CertificateTrust
  readonly #users = new Remembered<UserInfo | undefined>()
  readonly #decisions = new Remembered<boolean>()

  constructor(options: DelegatedAuthOptions) {
    this.#options = options
    this.#trust = new CertificateTrust(options.clientCaPem, options.clock)
  }

  /** Whose certificate or token it is; undefined for nobody that is known. */
  async userOf({ headers }: HttpRequest, clientCertificatePem: string | undefined): Promise<UserInfo | undefined> {
    const { api, clock, cacheMs, allowsAnonymous = true } = this.#options
    const identity = clientCertificatePem ? await this.#trust.identify(clientCertificatePem) : undefined
    if (identity?.commonName) return { username: identity.commonName, groups: [...identity.organizations, 'system:authenticated'] }
    const token = /^bearer\s+(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1]
    if (!token) return allowsAnonymous ? ANONYMOUS : undefined
    const known = this.#users.get(token, clock.nowMs())
    if (known) return known.value
    const review = await api.create<TokenReview>('tokenreviews.authentication.k8s.io', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token } } as TokenReview).catch(() => undefined)
    if (!review) return undefined
    return this.#users.put(token, review.status?.authenticated ? review.status.user : undefined, clock.nowMs() + cacheMs)
  }

  /** Whether a user may do something. @throws when the API server can't say */
  async mayDo(user: UserInfo, attributes: ReviewedAttributes): Promise<boolean> {
    const { api, clock, cacheMs } = this.#options
    const key = JSON.stringify([user.username, user.groups, attributes])
    const known = this.#decisions.get(key, clock.nowMs())
    if (known) return known.value
    const spec = { user: user.username ?? '', groups: [...user.groups ?? []], ...(user.uid ? { uid: user.uid } : {}), ...(user.extra ? { extra: user.extra } : {}), ...attributes }
    const review = await api.create<SubjectAccessReview>('subjectaccessreviews.authorization.k8s.io', { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', metadata: {}, spec } as unknown as SubjectAccessReview)
    return this.#decisions.put(key, review.status?.allowed === true, clock.nowMs() + cacheMs)
  }
}

/** Answers that count for a while. */
class Remembered<T> {
  readonly #values = new Map<string, { untilMs: number; value: T }>()

  get(key: string, nowMs: number): { value: T } | undefined {
    const known = this.#values.get(key)
    return known && known.untilMs > nowMs ? known : undefined
  }

  put(key: string, value: T, untilMs: number): T {
    if (this.#values.size >= MAX_REMEMBERED) this.#values.clear()
    this.#values.set(key, { untilMs, value })
    return value
  }
}
