import * as x509 from './x509.ts'
import { derOf, hexOf, pemOf } from './pem.ts'

/** The one algorithm of the cluster's keys: small and fast, and every TLS stack takes it. */
export const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export const YEAR_MS = 365 * 24 * 3600 * 1000
/** k8s: certificates are valid from a little before they are made, for clocks that differ. */
export const BACKDATE_MS = 5 * 60 * 1000

/** A certificate and its private key, both PEM. */
export interface CertificateAndKey {
  certificatePem: string
  keyPem: string
}

export interface CertificateAuthority {
  certificatePem: string
  certificate: x509.X509Certificate
  key: CryptoKey
}

export async function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<CryptoKeyPair>
}

/** PKCS #8, the form Go and OpenSSL read without asking. */
export async function privateKeyPem(key: CryptoKey): Promise<string> {
  return pemOf('PRIVATE KEY', new Uint8Array(await crypto.subtle.exportKey('pkcs8', key)))
}

/** @throws Error for PEM that holds no P-256 key */
export async function importPrivateKey(pem: string): Promise<CryptoKey> {
  const der = derOf('PRIVATE KEY', pem)
  if (!der) throw new Error('no private key in PEM')
  return crypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign'])
}

/** A serial number that differs for every key (or request): positive, at most 16 bytes. */
export async function serialOf(bytes: BufferSource): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).slice(0, 16)
  digest[0] = (digest[0]! & 0x7f) | 0x40
  return hexOf(digest)
}

/** The subject of a user: organizations are the groups. */
export function subjectName(commonName: string, organizations: readonly string[] = []): x509.JsonName {
  return [...organizations.map((o) => ({ O: [o] })), { CN: [commonName] }]
}

export async function createAuthority(commonName: string, nowMs: number, validMs = 10 * YEAR_MS): Promise<CertificateAuthority> {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: await serialOf(await crypto.subtle.exportKey('spki', keys.publicKey)),
    name: subjectName(commonName), keys, signingAlgorithm: ALGORITHM, notBefore: new Date(seconds(nowMs - BACKDATE_MS)), notAfter: new Date(seconds(nowMs + validMs)),
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment | x509.KeyUsageFlags.keyCertSign, true),
      new x509.BasicConstraintsExtension(true, undefined, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: commonName }]),
    ],
  })
  return { certificatePem: pemOfCertificate(certificate), certificate, key: keys.privateKey }
}

/**
 * What a server without a certificate makes for itself: one that an authority of its own signed, with the authority's behind it, and its key.
 * k8s: client-go/util/cert GenerateSelfSignedCertKey
 */
export async function createSelfSignedServer(host: string, nowMs: number): Promise<CertificateAndKey> {
  const stamp = Math.floor(nowMs / 1000)
  const authority = await createAuthority(`${host}-ca@${stamp}`, nowMs, YEAR_MS)
  const { publicKey, privateKey } = await generateKeys()
  const leaf = await signCertificate(authority, {
    subject: subjectName(`${host}@${stamp}`), publicKey, serialNumber: await serialOf(await crypto.subtle.exportKey('spki', publicKey)), notBeforeMs: nowMs - BACKDATE_MS, notAfterMs: nowMs + YEAR_MS,
    keyUsages: x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, extendedKeyUsages: [x509.ExtendedKeyUsage.serverAuth], alternativeNames: alternativeNames([host]),
  })
  return { certificatePem: leaf + authority.certificatePem, keyPem: await privateKeyPem(privateKey) }
}

export interface CertificateTemplate {
  subject: x509.JsonName | string
  publicKey: CryptoKey | x509.PublicKey
  serialNumber: string
  notBeforeMs: number
  notAfterMs: number
  keyUsages: number
  /** Object identifiers of extended key usages. */
  extendedKeyUsages: readonly string[]
  alternativeNames?: readonly x509.JsonGeneralName[]
}

export async function signCertificate(authority: CertificateAuthority, template: CertificateTemplate): Promise<string> {
  const extensions: x509.Extension[] = [new x509.KeyUsagesExtension(template.keyUsages, true)]
  if (template.extendedKeyUsages.length > 0) extensions.push(new x509.ExtendedKeyUsageExtension([...template.extendedKeyUsages]))
  extensions.push(new x509.BasicConstraintsExtension(false, undefined, true), await x509.AuthorityKeyIdentifierExtension.create(authority.certificate))
  if (template.alternativeNames?.length) extensions.push(new x509.SubjectAlternativeNameExtension([...template.alternativeNames]))
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: template.serialNumber, subject: template.subject, issuer: authority.certificate.subjectName.toJSON(),
    notBefore: new Date(seconds(template.notBeforeMs)), notAfter: new Date(seconds(Math.min(template.notAfterMs, authority.certificate.notAfter.getTime()))),
    signingKey: authority.key, publicKey: template.publicKey, signingAlgorithm: ALGORITHM, extensions,
  })
  return pemOfCertificate(certificate)
}

function pemOfCertificate(certificate: x509.X509Certificate): string {
  return pemOf('CERTIFICATE', new Uint8Array(certificate.rawData))
}

/** DNS names and addresses as a certificate lists them. */
export function alternativeNames(hosts: readonly string[]): x509.JsonGeneralName[] {
  return [...new Set(hosts)].map((host) => ({ type: isAddress(host) ? 'ip' : 'dns', value: host }))
}

function isAddress(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.includes(':')
}

/** X.509 times have whole seconds. */
const seconds = (ms: number) => Math.floor(ms / 1000) * 1000
