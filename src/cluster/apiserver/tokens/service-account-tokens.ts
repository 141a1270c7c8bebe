/** Tokens of service accounts: made, and judged. k8s: pkg/serviceaccount */
import type { Random } from '../../../base/random.ts'
import { rfc3339, type Clock } from '../../../base/clock.ts'
import type { Api } from '../../client/api.ts'
import type { KubeObject } from '../../kinds/object.ts'
import type { TokenKey } from '../pki/cluster-pki.ts'
import type { Reader, UserInfo } from '../seams.ts'
import { type Claims, parseJwt, signJwt, verifyJwt } from './jwt.ts'

/** kubeadm's --service-account-issuer, which is also the API server's audience. */
export const ISSUER = 'https://kubernetes.default.svc.cluster.local'
/** Issuer of the tokens in Secrets of type kubernetes.io/service-account-token. */
const LEGACY_ISSUER = 'kubernetes/serviceaccount'
/** Labels of Secrets with tokens: when one was last used, and since when it is taken no more (days, `2026-01-31`). */
const LAST_USED = 'kubernetes.io/legacy-token-last-used'
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since'
const AUTO_GENERATED_WARNING = 'Use tokens from the TokenRequest API or manually created secret-based tokens instead of auto-generated secret-based tokens.'
const DAY_MS = 24 * 3_600_000
/** k8s: jwt.DefaultLeeway: how far clocks may differ, and how long tokens outlive their object, in seconds. */
const LEEWAY_SECONDS = 60
/** Verified tokens that are remembered. */
const CACHE_SIZE = 4096

interface Ref {
  name: string
  uid: string
}

interface KubernetesClaims {
  namespace: string
  serviceaccount: Ref
  pod?: Ref
  secret?: Ref
  node?: Ref
  warnafter?: number
}

export interface TokenSubject {
  namespace: string
  serviceAccount: KubeObject
  pod?: KubeObject | undefined
  secret?: KubeObject | undefined
  node?: KubeObject | undefined
}

/** A token that was accepted. */
export interface AcceptedToken {
  user: UserInfo
  audiences: readonly string[]
  /** What the answer's Warning header says of it. */
  warning?: string
  /** Annotations for the audit event, by key. */
  annotations?: Readonly<Record<string, string>>
}

/** Why a token was refused, in upstream's words. */
export class TokenRefused extends Error {}

/** A token without end, for a Secret of type kubernetes.io/service-account-token. Uses WebCrypto: wrap in `clock.outside`. k8s: LegacyClaims */
export function legacyServiceAccountToken(serviceAccount: KubeObject, secretName: string, key: TokenKey): Promise<string> {
  const { namespace, name, uid } = serviceAccount.metadata
  return signJwt({
    iss: LEGACY_ISSUER, 'kubernetes.io/serviceaccount/namespace': namespace, 'kubernetes.io/serviceaccount/secret.name': secretName,
    'kubernetes.io/serviceaccount/service-account.name': name, 'kubernetes.io/serviceaccount/service-account.uid': uid, sub: `system:serviceaccount:${namespace}:${name}`,
  }, key)
}

export class ServiceAccountTokens {
  readonly #key: TokenKey
  readonly #clock: Clock
  readonly #random: Random
  readonly #reader: Reader
  readonly #api: Api | undefined
  /** Claims by token; null for tokens whose signature is wrong. Only what never changes is remembered. */
  readonly #verified = new Map<string, Claims | null>()

  /** @param parts `api`: writes down when the token of a Secret was used, with the server's own rights */
  constructor(parts: { key: TokenKey; clock: Clock; random: Random; reader: Reader; api?: Api }) {
    this.#key = parts.key
    this.#clock = parts.clock
    this.#random = parts.random
    this.#reader = parts.reader
    this.#api = parts.api
  }

  /** @param warnAfterSeconds when use of the token counts as stale; for tokens that live longer than they were asked to */
  async issue(subject: TokenSubject, audiences: readonly string[], expirationSeconds: number, warnAfterSeconds?: number): Promise<string> {
    const now = Math.floor(this.#clock.nowMs() / 1000)
    const refOf = (object: KubeObject | undefined) => object && { name: object.metadata.name!, uid: object.metadata.uid! }
    const { name } = subject.serviceAccount.metadata
    const kubernetes: KubernetesClaims = {
      namespace: subject.namespace,
      ...(subject.node ? { node: refOf(subject.node)! } : {}), ...(subject.pod ? { pod: refOf(subject.pod)! } : {}), ...(subject.secret ? { secret: refOf(subject.secret)! } : {}),
      serviceaccount: refOf(subject.serviceAccount)!,
      ...(warnAfterSeconds ? { warnafter: now + warnAfterSeconds } : {}),
    }
    const claims: Claims = {
      aud: audiences, exp: now + expirationSeconds, iat: now, iss: ISSUER, jti: this.#random.uuid(), 'kubernetes.io': kubernetes, nbf: now,
      sub: `system:serviceaccount:${subject.namespace}:${name}`,
    }
    return this.#clock.outside(signJwt(claims, this.#key))
  }

  /**
   * Who a token speaks for; undefined when it isn't one of this cluster.
   * @param wanted the audiences to be accepted for; none: the API server's own
   * @throws TokenRefused
   */
  async authenticate(token: string, wanted: readonly string[] = [ISSUER]): Promise<AcceptedToken | undefined> {
    let claims = this.#verified.get(token)
    if (claims === undefined) {
      claims = await this.#verify(token)
      if (this.#verified.size >= CACHE_SIZE) this.#verified.delete(this.#verified.keys().next().value!)
      this.#verified.set(token, claims)
    }
    if (claims === null) return undefined
    return claims.iss === LEGACY_ISSUER ? this.#legacy(claims, token, wanted) : this.#current(claims, wanted)
  }

  async #verify(token: string): Promise<Claims | null> {
    const jwt = parseJwt(token)
    if (!jwt || (jwt.claims.iss !== ISSUER && jwt.claims.iss !== LEGACY_ISSUER)) return null
    if (jwt.header.alg !== 'ES256') return null
    if (!await this.#clock.outside(verifyJwt(jwt, this.#key.publicKey))) throw new TokenRefused('go-jose/go-jose: error in cryptographic primitive')
    return jwt.claims
  }

  #current(claims: Claims, wanted: readonly string[]): AcceptedToken {
    const held = claims.aud === undefined ? [] : typeof claims.aud === 'string' ? [claims.aud] : claims.aud
    const audiences = audiencesFor(held, wanted)
    const nowMs = this.#clock.nowMs()
    if (claims.exp !== undefined && nowMs / 1000 - LEEWAY_SECONDS > claims.exp) throw new TokenRefused('service account token has expired')
    if (claims.nbf !== undefined && nowMs / 1000 + LEEWAY_SECONDS < claims.nbf) throw new TokenRefused('service account token is not valid yet')
    const { namespace, serviceaccount, pod, secret, node } = claims['kubernetes.io'] as KubernetesClaims
    this.#checkAccount(namespace, serviceaccount.name, serviceaccount.uid)
    if (secret) this.#checkBound('secrets', 'secret', namespace, secret)
    if (pod) this.#checkBound('pods', 'pod', namespace, pod)
    if (node && !pod) this.#checkBound('nodes', 'node', undefined, node)
    const extra: Record<string, readonly string[]> = {
      ...(pod ? { 'authentication.kubernetes.io/pod-name': [pod.name], 'authentication.kubernetes.io/pod-uid': [pod.uid] } : {}),
      ...(node ? { 'authentication.kubernetes.io/node-name': [node.name], ...(node.uid ? { 'authentication.kubernetes.io/node-uid': [node.uid] } : {}) } : {}),
      ...(claims.jti ? { 'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`] } : {}),
    }
    return { user: serviceAccountUser(namespace, serviceaccount.name, serviceaccount.uid, extra), audiences }
  }

  /** k8s: pkg/serviceaccount/legacy.go */
  async #legacy(claims: Claims, token: string, wanted: readonly string[]): Promise<AcceptedToken> {
    const audiences = audiencesFor([ISSUER], wanted)
    const text = (name: string) => String(claims[`kubernetes.io/serviceaccount/${name}`] ?? '')
    const namespace = text('namespace')
    const name = text('service-account.name')
    const uid = text('service-account.uid')
    const secret = this.#reader.get('secrets', namespace, text('secret.name'))
    if (!secret || secret.metadata.deletionTimestamp) throw new TokenRefused('Token has been invalidated')
    if (atob((secret.data as Record<string, string> | undefined)?.token ?? '') !== token) throw new TokenRefused("Token does not match server's copy")
    const account = this.#reader.get('serviceaccounts', namespace, name)
    if (!account) throw new TokenRefused(`serviceaccounts "${name}" not found`)
    if (account.metadata.deletionTimestamp) throw new TokenRefused(`ServiceAccount ${namespace}/${name} has been deleted`)
    if (account.metadata.uid !== uid) throw new TokenRefused(`ServiceAccount UID (${account.metadata.uid}) does not match claim (${uid})`)
    await this.#rememberUse(secret)
    if (secret.metadata.labels?.[INVALID_SINCE])
      throw new TokenRefused(`the token in secret ${namespace}/${secret.metadata.name} for service account ${namespace}/${name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${INVALID_SINCE}' label from the secret to temporarily allow use of this token`)
    const isGenerated = ((account['secrets'] ?? []) as { name?: string }[]).some((ref) => ref.name === secret.metadata.name)
    return {
      user: serviceAccountUser(namespace, name, uid), audiences, ...(isGenerated ? { warning: AUTO_GENERATED_WARNING } : {}),
      annotations: { [`authentication.k8s.io/legacy-token-${isGenerated ? 'autogenerated' : 'manual'}-secret`]: secret.metadata.name! },
    }
  }

  /** Notes the day on the Secret, once a day. Whoever holds the token doesn't learn when that fails. */
  async #rememberUse({ metadata: { name, namespace, uid, labels } }: KubeObject): Promise<void> {
    const day = (ms: number) => rfc3339(ms).slice(0, 10)
    const nowMs = this.#clock.nowMs()
    const last = labels?.[LAST_USED]
    if (!this.#api || last === day(nowMs) || last === day(nowMs + DAY_MS)) return
    await this.#api.patch('secrets', name!, namespace, 'application/merge-patch+json', { metadata: { uid, labels: { [LAST_USED]: day(nowMs) } } }, { fieldManager: 'kube-apiserver' }).catch(() => {})
  }

  #checkAccount(namespace: string, name: string, uid: string): void {
    const account = this.#reader.get('serviceaccounts', namespace, name)
    if (!account) throw new TokenRefused(`serviceaccounts "${name}" not found`)
    if (account.metadata.uid !== uid) throw new TokenRefused(`service account UID (${account.metadata.uid}) does not match claim (${uid})`)
    if (this.#isGone(account)) throw new TokenRefused(`service account ${namespace}/${name} has been deleted`)
  }

  #checkBound(resource: string, what: string, namespace: string | undefined, ref: Ref): void {
    const object = this.#reader.get(resource, namespace, ref.name)
    if (!object || this.#isGone(object)) throw new TokenRefused('service account token has been invalidated')
    if (object.metadata.uid !== ref.uid) throw new TokenRefused(`${what} UID (${object.metadata.uid}) does not match service account ${what} ref claim (${ref.uid})`)
  }

  #isGone(object: KubeObject): boolean {
    const deleted = object.metadata.deletionTimestamp
    return deleted !== undefined && Date.parse(deleted) < this.#clock.nowMs() - LEEWAY_SECONDS * 1000
  }
}

/** k8s: authentication/token/jwt: `[]%q` lists in the message */
function audiencesFor(held: readonly string[], wanted: readonly string[]): readonly string[] {
  const audiences = held.filter((audience) => wanted.includes(audience))
  if (audiences.length === 0) {
    const shown = (list: readonly string[]) => `[${list.map((item) => JSON.stringify(item)).join(' ')}]`
    throw new TokenRefused(`token audiences ${shown(held)} is invalid for the target audiences ${shown(wanted)}`)
  }
  return audiences
}

/** The user that a service account is. */
function serviceAccountUser(namespace: string, name: string, uid: string | undefined, extra: Readonly<Record<string, readonly string[]>> = {}): UserInfo {
  return {
    name: `system:serviceaccount:${namespace}:${name}`, ...(uid ? { uid } : {}),
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  }
}
