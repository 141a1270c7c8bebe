import { base64Of } from '../../../base/base64.ts'
import type { Proc } from '../../../unix/types.ts'
import type { Secret } from '../../kinds/generated/types.ts'
import { parseGoDuration } from '../../kinds/duration.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import type { inClusterEvents } from '../in-cluster/events.ts'
import { parseIp } from '../../kinds/ip.ts'
import { certificateRequestPem, chainOf, newPrivateKey, signRequest, validityOf } from './signing.ts'
import { GROUP, withCondition } from './types.ts'
import type { Certificate, CertificateRequest, Issuer, IssuerRef } from './types.ts'

const DEFAULT_DURATION_MS = 90 * 24 * 3600 * 1000
const DEFAULT_USAGES = ['digital signature', 'key encipherment']
const API = `/apis/${GROUP}/v1`
const encode = (text: string) => base64Of(new TextEncoder().encode(text))
const stamp = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`

export interface CertificatesOptions {
  proc: Proc
  client: ClusterClient
  events: ReturnType<typeof inClusterEvents>
  issuers: ReadonlyMap<string, Issuer>
  clusterIssuers: ReadonlyMap<string, Issuer>
  secrets: ReadonlyMap<string, Secret>
  requests: ReadonlyMap<string, CertificateRequest>
  /** Where ClusterIssuers look for Secrets. */
  clusterResourceNamespace: string
}

/** Brings Certificates to their Secrets: one step after the other, each read from what the cluster shows. k8s: cert-manager/pkg/controller/certificates */
export class Certificates {
  readonly #options: CertificatesOptions

  constructor(options: CertificatesOptions) {
    this.#options = options
  }

  /** One step for a Certificate. Resolves with the time at which to look again, if any. */
  async sync(certificate: Certificate): Promise<number | undefined> {
    const { secrets, proc } = this.#options
    const { namespace } = certificate.metadata
    const nowMs = proc.clock.nowMs()
    const secret = secrets.get(`${namespace}/${certificate.spec.secretName}`)
    const cause = causeOf(certificate, secret, this.#options.requests.get(`${namespace}/${certificate.metadata.name}-${certificate.status?.revision ?? 0}`), nowMs)
    const issuing = certificate.status?.conditions?.find(({ type }) => type === 'Issuing')
    if (issuing?.status === 'True') return this.#issue(certificate, secret)
    await this.#writeReadiness(certificate, secret, cause)
    if (cause) {
      // What failed is tried again after an hour. k8s: trigger, retryAfterLastFailure
      const failedMs = issuing?.reason === 'Failed' ? Date.parse(issuing.lastTransitionTime) + 3600_000 : 0
      if (failedMs > nowMs) return failedMs
      this.#event(certificate, 'Normal', 'Issuing', cause.message)
      await this.#status(certificate, { conditions: withCondition(certificate.status?.conditions, { type: 'Issuing', status: 'True', reason: cause.reason, message: cause.message, observedGeneration: certificate.metadata.generation ?? 0 }, nowMs) })
      return undefined
    }
    return certificate.status?.renewalTime ? Date.parse(certificate.status.renewalTime) : undefined
  }

  /** Approves and signs a request whose issuer is cert-manager's own. k8s: pkg/controller/certificaterequests */
  async syncRequest(request: CertificateRequest): Promise<void> {
    const { proc, secrets } = this.#options
    const { namespace } = request.metadata
    const { issuerRef } = request.spec
    if ((issuerRef.group || GROUP) !== GROUP) return
    const conditions = request.status?.conditions ?? []
    const nowMs = proc.clock.nowMs()
    if (conditions.some(({ type, status }) => type === 'Denied' && status === 'True')) return
    if (!conditions.some(({ type }) => type === 'Approved')) {
      const message = 'Certificate request has been approved by cert-manager.io'
      this.#event(request, 'Normal', 'cert-manager.io', message)
      return this.#put(`${API}/namespaces/${namespace}/certificaterequests/${request.metadata.name}`, { ...request, status: { ...request.status, conditions: withCondition(conditions, { type: 'Approved', status: 'True', reason: 'cert-manager.io', message }, nowMs) } })
    }
    const ready = conditions.find(({ type }) => type === 'Ready')
    if (ready?.reason === 'Issued' || ready?.reason === 'Failed') return
    const say = async (status: 'True' | 'False', reason: string, message: string, more: CertificateRequest['status'] = {}) => {
      if (ready?.reason === reason && ready.message === message) return
      this.#event(request, reason === 'Pending' || status === 'True' ? 'Normal' : 'Warning', status === 'True' ? 'CertificateIssued' : reason === 'Pending' ? 'IssuerNotFound' : reason, message)
      await this.#put(`${API}/namespaces/${namespace}/certificaterequests/${request.metadata.name}`, { ...request, status: { ...request.status, ...more, conditions: withCondition(conditions, { type: 'Ready', status, reason, message }, nowMs) } })
    }
    const found = this.#issuerOf(issuerRef, namespace)
    if (!found) return say('False', 'Pending', `Referenced "${issuerRef.kind || 'Issuer'}" not found: ${issuerRef.kind === 'ClusterIssuer' ? 'clusterissuer' : 'issuer'}.cert-manager.io "${issuerRef.name}" not found`)
    const { issuer, secretsIn } = found
    if (!issuer.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) return say('False', 'Pending', 'Referenced issuer does not have a Ready status condition')
    const { durationMs, signerKey } = { durationMs: parseGoDuration(request.spec.duration ?? '') || DEFAULT_DURATION_MS, signerKey: request.metadata.annotations?.['cert-manager.io/private-key-secret-name'] ?? '' }
    const data = issuer.spec.ca ? secrets.get(`${secretsIn}/${issuer.spec.ca.secretName}`)?.data : secrets.get(`${namespace}/${signerKey}`)?.data
    if (!data?.['tls.key']) return say('False', 'Pending', issuer.spec.ca ? `Referenced secret ${secretsIn}/${issuer.spec.ca.secretName} not found` : `Referenced secret ${namespace}/${signerKey} not found`)
    const authority = issuer.spec.ca ? atob(data['tls.crt']!) : undefined
    try {
      const certificate = await proc.clock.outside(signRequest({
        requestPem: atob(request.spec.request), durationMs, isCa: request.spec.isCA === true, usages: request.spec.usages?.length ? request.spec.usages : DEFAULT_USAGES, nowMs, serialNumber: `3${proc.random.hex(15)}`,
        signer: authority ? { certificatePem: authority, keyPem: atob(data['tls.key']) } : { keyPem: atob(data['tls.key']) },
      }))
      const { chainPem, authorityPem } = chainOf(certificate, authority ? `${authority}\n${atob(data['ca.crt'] ?? '')}` : certificate)
      await say('True', 'Issued', 'Certificate fetched from issuer successfully', { certificate: encode(authority ? chainPem : certificate), ca: encode(authorityPem) })
    } catch (error) {
      if (isStatusError(error) || proc.killed.aborted) throw error
      await say('False', 'Failed', `Error generating certificate template: ${(error as Error).message}`, { failureTime: stamp(nowMs) })
    }
  }

  #issuerOf({ name, kind = 'Issuer' }: IssuerRef, namespace: string): { issuer: Issuer; secretsIn: string } | undefined {
    const { issuers, clusterIssuers, clusterResourceNamespace } = this.#options
    const issuer = kind === 'ClusterIssuer' ? clusterIssuers.get(name) : issuers.get(`${namespace}/${name}`)
    return issuer && { issuer, secretsIn: kind === 'ClusterIssuer' ? clusterResourceNamespace : namespace }
  }

  /** The next private key, the request with it, and once that is signed the Secret. */
  async #issue(certificate: Certificate, secret: Secret | undefined): Promise<undefined> {
    const { proc, client, secrets, requests } = this.#options
    const { metadata: { name, namespace, uid, generation = 0 }, spec, status = {} } = certificate
    const nowMs = proc.clock.nowMs()
    const ownerReferences = [{ apiVersion: `${GROUP}/v1`, kind: 'Certificate', name, uid, controller: true, blockOwnerDeletion: true }]
    const next = status.nextPrivateKeySecretName ? secrets.get(`${namespace}/${status.nextPrivateKeySecretName}`) : undefined
    if (!next) {
      const kept = spec.privateKey?.rotationPolicy === 'Never' ? secret?.data?.['tls.key'] : undefined
      const key = kept ? atob(kept) : await proc.clock.outside(newPrivateKey(spec))
      const made = await apiCall<Secret>(client, 'POST', `/api/v1/namespaces/${namespace}/secrets`, { apiVersion: 'v1', kind: 'Secret', metadata: { generateName: `${name}-`, namespace, ownerReferences, labels: { 'cert-manager.io/next-private-key': 'true', 'controller.cert-manager.io/fao': 'true' } }, type: 'Opaque', data: { 'tls.key': encode(key) } })
      if (kept) this.#event(certificate, 'Normal', 'Reused', `Reusing private key stored in existing Secret resource "${spec.secretName}"`)
      else this.#event(certificate, 'Normal', 'Generated', `Stored new private key in temporary Secret resource "${made.metadata.name}"`)
      await this.#status(certificate, { nextPrivateKeySecretName: made.metadata.name! })
      return undefined
    }
    const keyPem = atob(next.data!['tls.key']!)
    const revision = (status.revision ?? 0) + 1
    const requestName = `${name}-${revision}`
    const request = requests.get(`${namespace}/${requestName}`)
    if (!request) {
      const pem = await proc.clock.outside(certificateRequestPem(spec, keyPem))
      const made = {
        apiVersion: `${GROUP}/v1`, kind: 'CertificateRequest',
        metadata: { name: requestName, namespace, ownerReferences, annotations: { 'cert-manager.io/certificate-name': name, 'cert-manager.io/certificate-revision': String(revision), 'cert-manager.io/private-key-secret-name': next.metadata.name } },
        spec: { request: encode(pem), issuerRef: spec.issuerRef, ...spec.duration ? { duration: spec.duration } : {}, ...spec.isCA ? { isCA: true } : {}, ...spec.usages?.length ? { usages: spec.usages } : {} },
      }
      await apiCall(client, 'POST', `${API}/namespaces/${namespace}/certificaterequests`, made).then(() => this.#event(certificate, 'Normal', 'Requested', `Created new CertificateRequest resource "${requestName}"`), (error: unknown) => { if (!isStatusError(error, 'AlreadyExists')) throw error })
      return undefined
    }
    const ready = request.status?.conditions?.find(({ type }) => type === 'Ready')
    if (ready?.reason === 'Failed') {
      const message = `The certificate request has failed to complete and will be retried: ${ready.message}`
      this.#event(certificate, 'Warning', 'Failed', message)
      await apiCall(client, 'DELETE', `${API}/namespaces/${namespace}/certificaterequests/${requestName}`)
      await this.#status(certificate, { conditions: withCondition(status.conditions, { type: 'Issuing', status: 'False', reason: 'Failed', message, observedGeneration: generation }, nowMs) })
      return undefined
    }
    if (ready?.reason !== 'Issued') return undefined
    const issued = atob(request.status!.certificate!)
    const { commonName, names } = validityOf(issued)
    const { name: issuerName, kind = 'Issuer', group = GROUP } = spec.issuerRef
    const annotations = {
      'cert-manager.io/alt-names': names.filter((each) => !spec.ipAddresses?.includes(each)).join(','), 'cert-manager.io/certificate-name': name, 'cert-manager.io/common-name': commonName, 'cert-manager.io/ip-sans': (spec.ipAddresses ?? []).join(','), 'cert-manager.io/issuer-group': group,
      'cert-manager.io/issuer-kind': kind, 'cert-manager.io/issuer-name': issuerName, 'cert-manager.io/uri-sans': '',
    }
    const data = { 'ca.crt': request.status!.ca ?? '', 'tls.crt': request.status!.certificate!, 'tls.key': encode(keyPem) }
    const labels = { 'controller.cert-manager.io/fao': 'true' }
    if (secret) await apiCall(client, 'PUT', `/api/v1/namespaces/${namespace}/secrets/${spec.secretName}`, { ...secret, metadata: { ...secret.metadata, labels: { ...secret.metadata.labels, ...labels }, annotations: { ...secret.metadata.annotations, ...annotations } }, data: { ...secret.data, ...data } })
    else await apiCall(client, 'POST', `/api/v1/namespaces/${namespace}/secrets`, { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name: spec.secretName, namespace, labels, annotations }, data })
    await apiCall(client, 'DELETE', `/api/v1/namespaces/${namespace}/secrets/${next.metadata.name}`)
    const message = 'The certificate has been successfully issued'
    this.#event(certificate, 'Normal', 'Issuing', message)
    // k8s: revisionmanager
    const oldest = revision - (spec.revisionHistoryLimit ?? 1) + 1
    for (const { metadata } of requests.values()) {
      if (metadata.namespace !== namespace || metadata.annotations?.['cert-manager.io/certificate-name'] !== name || !(Number(metadata.annotations['cert-manager.io/certificate-revision']) < oldest)) continue
      await apiCall(client, 'DELETE', `${API}/namespaces/${namespace}/certificaterequests/${metadata.name}`).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error })
    }
    const { nextPrivateKeySecretName: _gone, ...rest } = status
    await this.#put(`${API}/namespaces/${namespace}/certificates/${name}`, { ...certificate, status: { ...rest, ...timesOf(issued, spec), revision, conditions: withCondition(withCondition(status.conditions, { type: 'Ready', status: 'True', reason: 'Ready', message: 'Certificate is up to date and has not expired', observedGeneration: generation }, nowMs), { type: 'Issuing', status: 'False', reason: 'Issued', message, observedGeneration: generation }, nowMs).filter(({ type }) => type !== 'Issuing') } })
    return undefined
  }

  async #writeReadiness(certificate: Certificate, secret: Secret | undefined, cause: Cause | undefined): Promise<void> {
    const status = cause && cause.reason !== 'Renewing' ? 'False' : 'True'
    const [reason, message] = cause && cause.reason !== 'Renewing' ? [cause.reason, cause.message] : ['Ready', 'Certificate is up to date and has not expired']
    const times: Partial<ReturnType<typeof timesOf>> = secret?.data?.['tls.crt'] && status === 'True' ? timesOf(atob(secret.data['tls.crt']), certificate.spec) : {}
    const known = certificate.status?.conditions?.find(({ type }) => type === 'Ready')
    if (known?.status === status && known.reason === reason && known.message === message && (!times.renewalTime || times.renewalTime === certificate.status?.renewalTime)) return
    await this.#status(certificate, { ...times, conditions: withCondition(certificate.status?.conditions, { type: 'Ready', status, reason, message, observedGeneration: certificate.metadata.generation ?? 0 }, this.#options.proc.clock.nowMs()) })
  }

  #event(about: Certificate | CertificateRequest, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#options.events.event(about, type, reason, message)
  }

  #status(certificate: Certificate, more: NonNullable<Certificate['status']>): Promise<void> {
    const { namespace, name } = certificate.metadata
    return this.#put(`${API}/namespaces/${namespace}/certificates/${name}`, { ...certificate, status: { ...certificate.status, ...more } })
  }

  /** A change in between comes again by its watch. */
  async #put(path: string, object: unknown): Promise<void> {
    await apiCall(this.#options.client, 'PUT', `${path}/status`, object).catch((error: unknown) => { if (!isStatusError(error, 'Conflict') && !isStatusError(error, 'NotFound')) throw error })
  }
}

interface Cause {
  reason: string
  message: string
}

/** Why a Certificate must be issued. k8s: cert-manager/internal/controller/certificates/policies */
function causeOf({ spec, status }: Certificate, secret: Secret | undefined, request: CertificateRequest | undefined, nowMs: number): Cause | undefined {
  if (!secret) return { reason: 'DoesNotExist', message: 'Issuing certificate as Secret does not exist' }
  const { 'tls.crt': certificate, 'tls.key': key } = secret.data ?? {}
  if (!secret.data) return { reason: 'MissingData', message: 'Issuing certificate as Secret does not contain any data' }
  if (!key) return { reason: 'MissingData', message: 'Issuing certificate as Secret does not contain a private key' }
  if (!certificate) return { reason: 'MissingData', message: 'Issuing certificate as Secret does not contain a certificate' }
  const { name, kind = 'Issuer', group = GROUP } = spec.issuerRef
  const of = (field: string) => secret.metadata.annotations?.[`cert-manager.io/issuer-${field}`] ?? ''
  if (of('name') !== name || of('kind') !== kind) return { reason: 'IncorrectIssuer', message: `Issuing certificate as Secret was previously issued by "${of('kind')}.${of('group') || group}/${of('name')}"` }
  const { names, commonName, notAfterMs } = validityOf(atob(certificate))
  const wanted = [...spec.dnsNames ?? [], ...spec.ipAddresses ?? []]
  // One address can be written in several ways.
  const inOrder = (list: readonly string[]) => list.map((each) => parseIp(each)?.bytes.join('.') ?? each).sort().join()
  const violations = [...(spec.commonName ?? '') === commonName || (!spec.commonName && commonName === '') ? [] : ['spec.commonName'], ...inOrder(names) === inOrder(wanted) ? [] : ['spec.dnsNames'],
    ...request && (parseGoDuration(request.spec.duration ?? '') ?? 0) !== (parseGoDuration(spec.duration ?? '') ?? 0) ? ['spec.duration'] : [], ...request && (request.spec.isCA ?? false) !== (spec.isCA ?? false) ? ['spec.isCA'] : [],
    ...request && inOrder(request.spec.usages ?? []) !== inOrder(spec.usages ?? []) ? ['spec.usages'] : []]
  if (violations.length > 0) return { reason: 'RequestChanged', message: `Fields on existing CertificateRequest resource not up to date: [${violations.join(' ')}]` }
  if (notAfterMs <= nowMs) return { reason: 'Expired', message: `Certificate expired on ${new Date(notAfterMs).toUTCString().replace('GMT', 'UTC')}` }
  if (status?.renewalTime && Date.parse(status.renewalTime) <= nowMs) return { reason: 'Renewing', message: `Renewing certificate as renewal was scheduled at ${status.renewalTime.replace('T', ' ').replace('Z', ' +0000 UTC')}` }
  return undefined
}

/** k8s: cert-manager/pkg/util/pki RenewalTime: a third of the time before the end, unless it says otherwise. */
function timesOf(pem: string, { renewBefore }: Certificate['spec']): { notBefore: string; notAfter: string; renewalTime: string } {
  const { notBeforeMs, notAfterMs } = validityOf(pem)
  const given = parseGoDuration(renewBefore ?? '')
  const beforeMs = given && given < notAfterMs - notBeforeMs ? given : (notAfterMs - notBeforeMs) / 3
  return { notBefore: stamp(notBeforeMs), notAfter: stamp(notAfterMs), renewalTime: stamp(notAfterMs - beforeMs) }
}
