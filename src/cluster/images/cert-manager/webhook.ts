import { createAuthority, generateKeys, importPrivateKey, privateKeyPem, serialOf, signCertificate, alternativeNames } from '../../../base/certificates.ts'
import { base64Of } from '../../../base/base64.ts'
import * as x509 from '../../../base/x509.ts'
import type { Proc } from '../../../unix/types.ts'
import type { Secret } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import { klog } from '../in-cluster/klog.ts'
import { certManagerFlags } from './flags.ts'
import { isKnownUsage } from './signing.ts'
import type { Certificate, Issuer } from './types.ts'

/** What of a Certificate's subject is written into its request. */
const SUBJECT_FIELDS = ['countries', 'organizations', 'organizationalUnits', 'localities', 'provinces']
const YEAR_MS = 365 * 24 * 3600 * 1000
const encode = (text: string) => base64Of(new TextEncoder().encode(text))

interface Review {
  apiVersion: string
  kind: string
  request: { uid: string; kind: { kind: string }; object?: Record<string, unknown>; userInfo: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> }; operation: string }
}

/** cert-manager's webhook: judges its objects, and says in requests who made them. Its authority lies in a Secret. k8s: cert-manager/cmd/webhook */
export async function webhook(proc: Proc): Promise<number> {
  const flags = await certManagerFlags(proc, ['secure-port', 'dynamic-serving-ca-secret-namespace', 'dynamic-serving-ca-secret-name', 'dynamic-serving-dns-names'])
  if (!flags) return 1
  const client = clusterClient(proc, 'cert-manager-webhook')
  const namespace = flags.get('dynamic-serving-ca-secret-namespace') ?? proc.env.POD_NAMESPACE ?? 'cert-manager'
  const name = flags.get('dynamic-serving-ca-secret-name') ?? 'cert-manager-webhook-ca'
  // The flag is given once for each name.
  const given = proc.argv.filter((arg) => arg.startsWith('--dynamic-serving-dns-names=')).flatMap((arg) => arg.slice(arg.indexOf('=') + 1).split(','))
  const hosts = given.length > 0 ? given : ['cert-manager-webhook', `cert-manager-webhook.${namespace}`, `cert-manager-webhook.${namespace}.svc`]
  proc.net.listenHttp(6080, () => new Response('ok'))
  proc.useMemory(20 * 2 ** 20)
  const authority = await authoritySecret(proc, client, namespace, name)
  const serving = await proc.clock.outside(servingCertificate(atob(authority.data!['tls.crt']!), atob(authority.data!['tls.key']!), hosts, proc.clock.nowMs()))
  klog(proc, 'I', 'dynamic_source.go:213', '"Updated cert-manager TLS certificate" logger="cert-manager" DNSNames=' + JSON.stringify(hosts))
  proc.net.listenHttp(Number(flags.get('secure-port') ?? 6443), async (request) => {
    const { pathname } = new URL(request.url)
    const review = JSON.parse(await request.text()) as Review
    const { uid } = review.request
    const answer = (response: object) => new Response(JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: { uid, ...response } }), { headers: { 'content-type': 'application/json' } })
    if (pathname === '/mutate') {
      const patch = patchOf(review)
      return answer({ allowed: true, ...patch.length > 0 ? { patchType: 'JSONPatch', patch: encode(JSON.stringify(patch)) } : {} })
    }
    const problem = problemOf(review)
    return answer(problem === undefined ? { allowed: true } : { allowed: false, status: { status: 'Failure', message: problem, reason: 'NotAcceptable', code: 406 } })
  }, { tls: { certificatePem: serving.certificatePem, keyPem: serving.keyPem } })
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}

async function authoritySecret(proc: Proc, client: ReturnType<typeof clusterClient>, namespace: string, name: string): Promise<Secret> {
  const path = `/api/v1/namespaces/${namespace}/secrets`
  for (;;) {
    try { return await apiCall<Secret>(client, 'GET', `${path}/${name}`) } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
    const made = await proc.clock.outside(createAuthority('cert-manager-webhook-ca', proc.clock.nowMs(), YEAR_MS))
    const data = { 'ca.crt': encode(made.certificatePem), 'tls.crt': encode(made.certificatePem), 'tls.key': encode(await proc.clock.outside(privateKeyPem(made.key))) }
    await apiCall(client, 'POST', path, { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace, annotations: { 'cert-manager.io/allow-direct-injection': 'true' } }, type: 'Opaque', data }).catch((error: unknown) => { if (!isStatusError(error, 'AlreadyExists')) throw error })
  }
}

async function servingCertificate(authorityPem: string, authorityKeyPem: string, hosts: readonly string[], nowMs: number): Promise<{ certificatePem: string; keyPem: string }> {
  const keys = await generateKeys()
  const certificatePem = await signCertificate({ certificatePem: authorityPem, certificate: new x509.X509Certificate(authorityPem), key: await importPrivateKey(authorityKeyPem) }, {
    subject: [], publicKey: keys.publicKey, serialNumber: await serialOf(await crypto.subtle.exportKey('spki', keys.publicKey)), notBeforeMs: nowMs, notAfterMs: nowMs + YEAR_MS, keyUsages: x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment,
    extendedKeyUsages: [x509.ExtendedKeyUsage.serverAuth], alternativeNames: alternativeNames(hosts),
  })
  return { certificatePem: certificatePem + authorityPem, keyPem: await privateKeyPem(keys.privateKey) }
}

/** Who asks for a certificate is written into the request. */
function patchOf({ request: { kind, object, userInfo, operation } }: Review): { op: string; path: string; value: unknown }[] {
  if (kind.kind !== 'CertificateRequest' || operation !== 'CREATE' || !object) return []
  const add = (field: string, value: unknown) => (value === undefined || value === '' ? [] : [{ op: 'add', path: `/spec/${field}`, value }])
  return [...add('username', userInfo.username), ...add('groups', userInfo.groups), ...add('uid', userInfo.uid), ...add('extra', userInfo.extra)]
}

/** What is wrong with an object; undefined where nothing is. k8s: cert-manager/internal/apis/certmanager/validation */
function problemOf({ request: { kind, object } }: Review): string | undefined {
  if (!object) return undefined
  if (kind.kind === 'Issuer' || kind.kind === 'ClusterIssuer') {
    const { spec } = object as unknown as Issuer
    const given = ['acme', 'ca', 'vault', 'selfSigned', 'venafi'].filter((each) => spec[each] !== undefined)
    if (given.length === 0) return 'spec: Required value: at least one issuer must be configured'
    if (given.length > 1) return `spec.${given[1]}: Forbidden: may not specify more than one issuer type`
    const [field] = [...Object.keys(spec.selfSigned ?? {}).map((key) => `selfSigned.${key}`), ...Object.keys(spec.ca ?? {}).filter((key) => key !== 'secretName').map((key) => `ca.${key}`)]
    return field === undefined ? undefined : `spec.${field}: Forbidden: not supported by this build`
  }
  if (kind.kind !== 'Certificate') return undefined
  const { spec } = object as unknown as Certificate
  if (!spec.issuerRef?.name) return 'spec.issuerRef.name: Required value: must be specified'
  if (!spec.commonName && !['dnsNames', 'uris', 'ipAddresses', 'emailAddresses', 'otherNames', 'literalSubject'].some((each) => (spec[each] as unknown[] | undefined)?.length)) return 'spec: Invalid value: "": at least one of commonName (from the commonName field or from a literalSubject), dnsNames, uriSANs, ipAddresses, emailSANs or otherNames must be set'
  if ((spec.commonName ?? '').length > 64) return `spec.commonName: Too long: may not be more than 64 bytes`
  const usage = spec.usages?.find((each) => !isKnownUsage(each))
  if (usage !== undefined) return `spec.usages: Invalid value: "${usage}": not supported by this build`
  const subject = Object.keys(spec.subject ?? {}).find((key) => !SUBJECT_FIELDS.includes(key))
  if (subject !== undefined) return `spec.subject.${subject}: Forbidden: not supported by this build`
  const unsupported = ['uris', 'emailAddresses', 'otherNames', 'literalSubject', 'keystores', 'additionalOutputFormats', 'nameConstraints', 'secretTemplate', 'renewBeforePercentage', 'encodeUsagesInRequest', 'signatureAlgorithm'].find((each) => spec[each] !== undefined)
  return unsupported === undefined ? undefined : `spec.${unsupported}: Forbidden: not supported by this build`
}
