import * as x509 from '../../../base/x509.ts'
import {
  ALGORITHM, BACKDATE_MS, type CertificateAndKey, type CertificateAuthority, YEAR_MS, alternativeNames, createAuthority, generateKeys, importPrivateKey, privateKeyPem, serialOf, signCertificate, subjectName,
} from '../../../base/certificates.ts'
import { base64Url } from '../../../base/base64.ts'
import { pemOf } from '../../../base/pem.ts'

/** The keys of a cluster, as JSON that can be stored. */
export interface ClusterPkiSnapshot {
  caCertificatePem: string
  caKeyPem: string
  frontProxyCaCertificatePem: string
  frontProxyCaKeyPem: string
  serviceAccountKeyPem: string
  /** Cluster time at creation, milliseconds since 1970. */
  createdMs: number
}

/** The key that signs service-account tokens (ES256). */
export interface TokenKey {
  privateKey: CryptoKey
  publicKey: CryptoKey
  /** `kid` in the header of tokens. k8s: pkg/serviceaccount keyIDFromPublicKey */
  keyId: string
  publicKeyPem: string
  /** Signs without WebCrypto, see Platform.signerOf. */
  sign?: (data: Uint8Array) => Promise<Uint8Array>
}

/** Keys and certificates of a cluster, as kubeadm makes them. */
export interface ClusterPki {
  readonly ca: CertificateAuthority
  readonly caCertificatePem: string
  readonly frontProxyCaCertificatePem: string
  readonly tokenKey: TokenKey
  /** A certificate for servers at these DNS names and addresses. Valid a year from `nowMs`, or as long as the CA. */
  issueServerCertificate(hosts: readonly string[], options?: { commonName?: string; nowMs?: number }): Promise<CertificateAndKey>
  /** A certificate that says who a client is. Valid a year from `nowMs`, or as long as the CA. */
  issueClientCertificate(options: { commonName: string; organizations?: readonly string[]; nowMs?: number }): Promise<CertificateAndKey>
  /** The certificate by which the API server's proxy proves itself to extension API servers. */
  issueFrontProxyClientCertificate(): Promise<CertificateAndKey>
  snapshot(): ClusterPkiSnapshot
}

/** New keys. Takes some milliseconds of real time: wrap in `clock.outside`. */
export async function createClusterPki(options: { nowMs: number; clusterName?: string }): Promise<ClusterPki> {
  const [ca, frontProxyCa, tokenKeys] = await Promise.all([createAuthority('kubernetes', options.nowMs), createAuthority('front-proxy-ca', options.nowMs), generateKeys()])
  const [caKeyPem, frontProxyCaKeyPem, serviceAccountKeyPem] = await Promise.all([privateKeyPem(ca.key), privateKeyPem(frontProxyCa.key), privateKeyPem(tokenKeys.privateKey)])
  return assemble(ca, frontProxyCa, await tokenKeyOf(tokenKeys.privateKey, tokenKeys.publicKey), {
    caCertificatePem: ca.certificatePem, caKeyPem, frontProxyCaCertificatePem: frontProxyCa.certificatePem, frontProxyCaKeyPem, serviceAccountKeyPem, createdMs: options.nowMs,
  })
}

/** The keys that {@link ClusterPki.snapshot} gave. @throws Error for a damaged snapshot */
export async function restoreClusterPki(snapshot: ClusterPkiSnapshot): Promise<ClusterPki> {
  const [caKey, frontProxyCaKey, tokenPrivateKey] = await Promise.all([importPrivateKey(snapshot.caKeyPem), importPrivateKey(snapshot.frontProxyCaKeyPem), importPrivateKey(snapshot.serviceAccountKeyPem)])
  const jwk = await crypto.subtle.exportKey('jwk', tokenPrivateKey)
  const tokenPublicKey = await crypto.subtle.importKey('jwk', { kty: 'EC', crv: 'P-256', x: jwk.x!, y: jwk.y! }, ALGORITHM, true, ['verify'])
  const ca = { certificatePem: snapshot.caCertificatePem, certificate: new x509.X509Certificate(snapshot.caCertificatePem), key: caKey }
  const frontProxyCa = { certificatePem: snapshot.frontProxyCaCertificatePem, certificate: new x509.X509Certificate(snapshot.frontProxyCaCertificatePem), key: frontProxyCaKey }
  return assemble(ca, frontProxyCa, await tokenKeyOf(tokenPrivateKey, tokenPublicKey), snapshot)
}

async function tokenKeyOf(privateKey: CryptoKey, publicKey: CryptoKey): Promise<TokenKey> {
  const spki = await crypto.subtle.exportKey('spki', publicKey)
  const digest = await crypto.subtle.digest('SHA-256', spki)
  return { privateKey, publicKey, keyId: base64Url(new Uint8Array(digest)), publicKeyPem: pemOf('PUBLIC KEY', new Uint8Array(spki)) }
}

function assemble(ca: CertificateAuthority, frontProxyCa: CertificateAuthority, tokenKey: TokenKey, snapshot: ClusterPkiSnapshot): ClusterPki {
  const issue = async (subject: x509.JsonName, keyUsages: number, extendedKeyUsage: string, names: x509.JsonGeneralName[], nowMs: number | undefined, authority = ca): Promise<CertificateAndKey> => {
    const keys = await generateKeys()
    const certificatePem = await signCertificate(authority, {
      subject, publicKey: keys.publicKey, serialNumber: await serialOf(await crypto.subtle.exportKey('spki', keys.publicKey)),
      notBeforeMs: Math.min(snapshot.createdMs, nowMs ?? Infinity) - BACKDATE_MS, notAfterMs: nowMs === undefined ? Infinity : nowMs + YEAR_MS,
      keyUsages, extendedKeyUsages: [extendedKeyUsage], alternativeNames: names,
    })
    return { certificatePem, keyPem: await privateKeyPem(keys.privateKey) }
  }
  const usages = x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment
  return {
    ca, caCertificatePem: ca.certificatePem, frontProxyCaCertificatePem: snapshot.frontProxyCaCertificatePem, tokenKey,
    issueServerCertificate: (hosts, { commonName = 'kube-apiserver', nowMs } = {}) => issue(subjectName(commonName), usages, x509.ExtendedKeyUsage.serverAuth, alternativeNames(hosts), nowMs),
    issueClientCertificate: ({ commonName, organizations, nowMs }) => issue(subjectName(commonName, organizations), usages, x509.ExtendedKeyUsage.clientAuth, [], nowMs),
    issueFrontProxyClientCertificate: () => issue(subjectName('front-proxy-client'), usages, x509.ExtendedKeyUsage.clientAuth, [], undefined, frontProxyCa),
    snapshot: () => snapshot,
  }
}
