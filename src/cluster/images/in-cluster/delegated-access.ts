import { CertificateTrust } from '../../../base/certificate-trust.ts'
import type { HttpRequest } from '../../../base/http.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import type { ClusterClient } from './cluster-client.ts'

export interface DelegatedUser {
  username: string
  uid?: string
  groups: string[]
  extra?: Record<string, string[]>
}

/** What a request is about, for the API server to judge. */
export type AccessAttributes =
  | { resourceAttributes: { group: string; version: string; resource: string; subresource?: string; namespace?: string; name?: string; verb: string } }
  | { nonResourceAttributes: { path: string; verb: string } }

const CACHE_MS = 10_000

/** Leaves to the API server who asks and who may do what, as extension API servers do. k8s: apiserver/pkg/server/options authentication.go, authorization.go */
export class DelegatedAccess {
  readonly #proc: Proc
  readonly #client: ClusterClient
  readonly #proxies: CertificateTrust | undefined
  readonly #proxyNames: readonly string[]
  readonly #clients: CertificateTrust | undefined
  readonly #decisions = new Map<string, { untilMs: number; allowed: boolean }>()

  private constructor(proc: Proc, client: ClusterClient, data: Record<string, string>) {
    this.#proc = proc
    this.#client = client
    const trust = (pem: string | undefined) => (pem ? new CertificateTrust(pem, proc.clock) : undefined)
    this.#proxies = trust(data['requestheader-client-ca-file'])
    this.#proxyNames = JSON.parse(data['requestheader-allowed-names'] ?? '[]') as string[]
    this.#clients = trust(data['client-ca-file'])
  }

  /** Reads whom to trust from the cluster. @throws Error in the words of the library where that isn't allowed */
  static async load(proc: Proc, client: ClusterClient): Promise<DelegatedAccess> {
    const response = await client.fetch('/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')
    const body = await response.json() as { data?: Record<string, string>; message?: string }
    if (response.status !== 200) throw new Error(body.message ?? `${response.status}`)
    return new DelegatedAccess(proc, client, body.data ?? {})
  }

  /** Undefined for credentials that nobody vouches for. */
  async userOf({ headers }: HttpRequest, { clientCertificatePem }: HttpPeer): Promise<DelegatedUser | undefined> {
    const name = headers.get('x-remote-user')
    if (clientCertificatePem && name && this.#proxies) {
      const proxy = await this.#proxies.identify(clientCertificatePem)
      if (proxy && (this.#proxyNames.length === 0 || this.#proxyNames.includes(proxy.commonName))) return fromProxy(headers, name)
    }
    if (clientCertificatePem && this.#clients) {
      const identity = await this.#clients.identify(clientCertificatePem)
      if (!identity?.commonName) return undefined
      return { username: identity.commonName, groups: [...identity.organizations, 'system:authenticated'] }
    }
    const token = /^bearer\s+(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1]
    if (!token) return { username: 'system:anonymous', groups: ['system:unauthenticated'] }
    const review = await this.#review('/apis/authentication.k8s.io/v1/tokenreviews', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } })
    return review?.['authenticated'] ? review['user'] as DelegatedUser : undefined
  }

  async allows(user: DelegatedUser, attributes: AccessAttributes): Promise<boolean> {
    if (user.groups.includes('system:masters')) return true
    const key = JSON.stringify([user, attributes])
    const nowMs = this.#proc.clock.nowMs()
    const known = this.#decisions.get(key)
    if (known && known.untilMs > nowMs) return known.allowed
    const spec = { user: user.username, groups: user.groups, ...(user.uid ? { uid: user.uid } : {}), ...(user.extra ? { extra: user.extra } : {}), ...attributes }
    const review = await this.#review('/apis/authorization.k8s.io/v1/subjectaccessreviews', { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec })
    const allowed = review?.['allowed'] === true
    if (this.#decisions.size > 1000) this.#decisions.clear()
    this.#decisions.set(key, { untilMs: nowMs + CACHE_MS, allowed })
    return allowed
  }

  async #review(path: string, body: unknown): Promise<Record<string, unknown> | undefined> {
    try {
      const response = await this.#client.fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
      return (await response.json() as { status?: Record<string, unknown> }).status
    } catch {
      return undefined
    }
  }
}

function fromProxy(headers: Headers, username: string): DelegatedUser {
  const list = (value: string | null) => (value === null ? [] : value.split(',').map((part) => part.trim()).filter(Boolean))
  const extra: Record<string, string[]> = {}
  headers.forEach((value, key) => {
    if (key.startsWith('x-remote-extra-')) extra[decodeURIComponent(key.slice('x-remote-extra-'.length))] = list(value)
  })
  const uid = headers.get('x-remote-uid')
  const groups = list(headers.get('x-remote-group'))
  // k8s: authentication/group AuthenticatedGroupAdder
  if (!groups.includes('system:authenticated') && !groups.includes('system:unauthenticated')) groups.push('system:authenticated')
  return { username, groups, ...(uid ? { uid } : {}), ...(Object.keys(extra).length > 0 ? { extra } : {}) }
}
