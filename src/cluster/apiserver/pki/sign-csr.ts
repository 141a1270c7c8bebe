/** Certificate signing requests: read, judged and signed. k8s: pkg/controller/certificates/{approver,signer}, pkg/apis/certificates */
import { BACKDATE_MS, type CertificateAuthority, YEAR_MS, serialOf, signCertificate } from '../../../base/certificates.ts'
import { derOf } from '../../../base/pem.ts'
import * as x509 from '../../../base/x509.ts'

/** Object identifier of the extension. */
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17'

export interface SigningRequest {
  request: x509.Pkcs10CertificateRequest
  commonName: string
  organizations: readonly string[]
  dnsNames: readonly string[]
  ipAddresses: readonly string[]
  emails: readonly string[]
  uris: readonly string[]
}

/** Reads the base64 of a PEM request. The error's message is upstream's. */
export function parseSigningRequest(base64: string): SigningRequest | Error {
  let pem: string
  try {
    pem = atob(base64)
  } catch {
    return new Error('PEM block type must be CERTIFICATE REQUEST')
  }
  const der = derOf('CERTIFICATE REQUEST', pem)
  if (!der) return new Error('PEM block type must be CERTIFICATE REQUEST')
  try {
    const request = new x509.Pkcs10CertificateRequest(der)
    const names = (request.getExtension(SUBJECT_ALTERNATIVE_NAME) as x509.SubjectAlternativeNameExtension | null)?.names.toJSON() ?? []
    const of = (type: string) => names.filter((name) => name.type === type).map((name) => name.value)
    return {
      request, commonName: request.subjectName.getField('CN').at(-1) ?? '', organizations: request.subjectName.getField('O'),
      dnsNames: of('dns'), ipAddresses: of('ip'), emails: of('email'), uris: of('url'),
    }
  } catch (error) {
    return new Error(error instanceof Error ? error.message : String(error))
  }
}

const KUBE_APISERVER_CLIENT = 'kubernetes.io/kube-apiserver-client'
const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet'
const KUBELET_SERVING = 'kubernetes.io/kubelet-serving'
const LEGACY_UNKNOWN = 'kubernetes.io/legacy-unknown'

/** The signers that kube-controller-manager serves. */
export const SIGNERS: readonly string[] = [KUBE_APISERVER_CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY_UNKNOWN]

const isNodeIdentity = ({ organizations, commonName }: SigningRequest) => organizations.length === 1 && organizations[0] === 'system:nodes' && commonName.startsWith('system:node:')

const usagesAmong = (usages: readonly string[], allowed: readonly string[]) => usages.every((usage) => allowed.includes(usage))

/**
 * Why a signer refuses a request; undefined when it takes it. k8s: signer.go isKubeletServing and the like, pkg/apis/certificates helpers
 */
export function signerRefusal(signerName: string, request: SigningRequest, usages: readonly string[]): string | undefined {
  switch (signerName) {
    case KUBELET_SERVING: {
      if (request.organizations.length !== 1 || request.organizations[0] !== 'system:nodes') return 'subject organization is not system:nodes'
      if (request.dnsNames.length + request.ipAddresses.length < 1) return 'DNS or IP subjectAltName is required'
      if (request.emails.length > 0) return 'Email subjectAltNames are not allowed'
      if (request.uris.length > 0) return 'URI subjectAltNames are not allowed'
      if (!usages.includes('server auth') || !usagesAmong(usages, ['key encipherment', 'digital signature', 'server auth']))
        return 'usages did not match [digital signature key encipherment server auth]'
      return request.commonName.startsWith('system:node:') ? undefined : 'subject common name does not begin with system:node: '
    }
    case KUBELET_CLIENT: {
      if (request.organizations.length !== 1 || request.organizations[0] !== 'system:nodes') return 'subject organization is not system:nodes'
      if (request.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed'
      if (request.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed'
      if (request.emails.length > 0) return 'Email subjectAltNames are not allowed'
      if (request.uris.length > 0) return 'URI subjectAltNames are not allowed'
      if (!request.commonName.startsWith('system:node:')) return 'subject common name does not begin with system:node: '
      return usages.includes('client auth') && usagesAmong(usages, ['key encipherment', 'digital signature', 'client auth']) ? undefined : 'usages did not match [digital signature key encipherment client auth]'
    }
    case KUBE_APISERVER_CLIENT:
      return usages.includes('client auth') && usagesAmong(usages, ['client auth', 'digital signature', 'key encipherment']) ? undefined : 'usages did not match [client auth digital signature key encipherment]'
    default: return undefined
  }
}

/** Which permission lets a kubelet's request be approved by itself, if any. k8s: approver/sarapprove.go recognizers */
export function autoApproval(request: SigningRequest, usages: readonly string[], username: string): { subresource: 'nodeclient' | 'selfnodeclient'; message: string } | undefined {
  if (!isNodeIdentity(request) || signerRefusal(KUBELET_CLIENT, request, usages) !== undefined) return undefined
  return username === request.commonName
    ? { subresource: 'selfnodeclient', message: 'Auto approving self kubelet client certificate after SubjectAccessReview.' }
    : { subresource: 'nodeclient', message: 'Auto approving kubelet client certificate after SubjectAccessReview.' }
}

const KEY_USAGES: Readonly<Record<string, number>> = {
  'signing': x509.KeyUsageFlags.digitalSignature, 'digital signature': x509.KeyUsageFlags.digitalSignature, 'content commitment': x509.KeyUsageFlags.nonRepudiation,
  'key encipherment': x509.KeyUsageFlags.keyEncipherment, 'key agreement': x509.KeyUsageFlags.keyAgreement, 'data encipherment': x509.KeyUsageFlags.dataEncipherment,
  'cert sign': x509.KeyUsageFlags.keyCertSign, 'crl sign': x509.KeyUsageFlags.cRLSign, 'encipher only': x509.KeyUsageFlags.encipherOnly, 'decipher only': x509.KeyUsageFlags.decipherOnly,
}

const EXTENDED_KEY_USAGES: Readonly<Record<string, string>> = {
  'any': '2.5.29.37.0', 'server auth': x509.ExtendedKeyUsage.serverAuth, 'client auth': x509.ExtendedKeyUsage.clientAuth, 'code signing': x509.ExtendedKeyUsage.codeSigning,
  'email protection': x509.ExtendedKeyUsage.emailProtection, 's/mime': x509.ExtendedKeyUsage.emailProtection, 'ipsec end system': '1.3.6.1.5.5.7.3.5', 'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7', 'timestamping': x509.ExtendedKeyUsage.timeStamping, 'ocsp signing': x509.ExtendedKeyUsage.ocspSigning,
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3', 'netscape sgc': '2.16.840.1.113730.4.1',
}

/** The attributes that a certificate takes over, in its order; of the last two only one value. k8s: Go's crypto/x509/pkix Name.ToRDNSequence */
const SUBJECT_ATTRIBUTES = ['C', 'ST', 'L', '2.5.4.9', '2.5.4.17', 'O', 'OU', 'CN', '2.5.4.5']
const SINGLE_ATTRIBUTES = new Set(['CN', '2.5.4.5'])
/** What fits in a PrintableString; everything else is encoded as UTF-8. */
const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?*&]*$/

/** A request's subject as it is issued: values of one attribute stand in one set, whatever their order was. */
function issuedSubject(subject: x509.Name): x509.JsonName {
  const sent = subject.toJSON()
  return SUBJECT_ATTRIBUTES.flatMap((attribute) => {
    const values = sent.flatMap((names) => names[attribute] ?? [])
    if (values.length === 0) return []
    return [{ [attribute]: SINGLE_ATTRIBUTES.has(attribute) ? values.slice(-1) : values.sort(byEncoding) }]
  })
}

/** Members of a set are ordered by their DER: by length, then kind of string, then bytes. */
function byEncoding(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => new TextEncoder().encode(text)) as [Uint8Array, Uint8Array]
  if (left.length !== right.length) return left.length - right.length
  const kind = Number(PRINTABLE.test(a)) - Number(PRINTABLE.test(b))
  if (kind !== 0) return kind
  const differs = left.findIndex((byte, i) => byte !== right[i])
  return differs < 0 ? 0 : left[differs]! - right[differs]!
}

/**
 * Signs a request. @returns the certificate as PEM. @throws Error for a request whose signature is wrong, or an unknown usage
 */
export async function signCsr(authority: CertificateAuthority, signing: SigningRequest, options: { usages: readonly string[]; nowMs: number; expirationSeconds?: number }): Promise<string> {
  const { request } = signing
  if (!(await request.verify())) throw new Error('x509: ECDSA verification failure')
  let keyUsages = 0
  const extended: string[] = []
  for (const usage of options.usages) {
    if (usage in KEY_USAGES) keyUsages |= KEY_USAGES[usage]!
    else if (usage in EXTENDED_KEY_USAGES) extended.push(EXTENDED_KEY_USAGES[usage]!)
    else throw new Error(`unrecognized key usage values: [${JSON.stringify(usage)}]`)
  }
  const validMs = Math.min(YEAR_MS, Math.max(600, options.expirationSeconds ?? Infinity) * 1000)
  const names = (request.getExtension(SUBJECT_ALTERNATIVE_NAME) as x509.SubjectAlternativeNameExtension | null)?.names.toJSON()
  const stamp = new TextEncoder().encode(String(options.nowMs))
  const seed = new Uint8Array(request.rawData.byteLength + stamp.length)
  seed.set(new Uint8Array(request.rawData))
  seed.set(stamp, request.rawData.byteLength)
  return signCertificate(authority, {
    subject: issuedSubject(request.subjectName), publicKey: request.publicKey, serialNumber: await serialOf(seed),
    notBeforeMs: options.nowMs - BACKDATE_MS, notAfterMs: options.nowMs + validMs - BACKDATE_MS, keyUsages, extendedKeyUsages: extended, ...(names ? { alternativeNames: names } : {}),
  })
}
