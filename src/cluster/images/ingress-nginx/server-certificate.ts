import { SubjectAlternativeNameExtension, X509Certificate } from '../../../base/x509.ts'
import { keyPairProblem } from '../../../base/key-pair.ts'
import { ALGORITHM, YEAR_MS, generateKeys, privateKeyPem, serialOf } from '../../../base/certificates.ts'
import { pemOf } from '../../../base/pem.ts'
import * as x509 from '../../../base/x509.ts'
import type { Secret } from '../../kinds/generated/types.ts'

/** A certificate that the server shows. */
export interface ServerCertificate {
  /** `namespace/name` of its Secret; empty for the one that the controller made. */
  secret: string
  pem: string
  keyPem: string
  names: readonly string[]
  commonName: string
  expiresMs: number
}

/** The certificate in a Secret; undefined for Secrets with something else, such as passwords. @throws Error with the controller's words for a certificate that can't be used */
export function certificateOfSecret({ metadata, data = {} }: Secret): ServerCertificate | undefined {
  const key = `${metadata.namespace}/${metadata.name}`
  const [certificate, privateKey] = [data['tls.crt'], data['tls.key']]
  if (certificate === undefined || privateKey === undefined) {
    if (data['ca.crt'] !== undefined || data['auth'] !== undefined) return undefined
    throw new Error(`secret "${key}" contains no keypair or CA certificate`)
  }
  const fail = (why: string) => { throw new Error(`unexpected error creating SSL Cert: ${why}`) }
  const [pem, keyPem] = [atob(certificate), atob(privateKey)]
  const block = /-----BEGIN ([^-]+)-----[^-]+-----END [^-]+-----/.exec(`${pem}\n${keyPem}`)
  if (!block) fail('no valid PEM formatted block found')
  if (block![1] !== 'CERTIFICATE') fail("no certificate PEM data found, make sure certificate content starts with 'BEGIN CERTIFICATE'")
  let read: X509Certificate
  try { read = new X509Certificate(block![0]) } catch { return fail('x509: malformed certificate') as never }
  const mismatch = keyPairProblem(pem, keyPem)
  if (mismatch !== undefined) fail(`certificate and private key does not have a matching public key: ${mismatch}`)
  const names = read.getExtension(SubjectAlternativeNameExtension)?.names.items.filter(({ type }) => type === 'dns').map(({ value }) => value) ?? []
  return { secret: key, pem, keyPem, names, commonName: read.subjectName.getField('CN')[0] ?? '', expiresMs: read.notAfter.getTime() }
}

/** Whether a certificate is for a host: by its alternative names, by its common name only where it has none. */
export function isForHost({ names, commonName }: ServerCertificate, host: string): boolean {
  return (names.length > 0 ? names : [commonName]).some((pattern) => {
    const wanted = host.toLowerCase().replace(/\.$/, '').split('.')
    const parts = pattern.toLowerCase().replace(/\.$/, '').split('.')
    return wanted.length === parts.length && parts.every((part, i) => (i === 0 && part === '*') || part === wanted[i])
  })
}

/** What HTTPS shows where no Secret says otherwise. k8s: ingress-nginx/internal/net/ssl getFakeHostSSLCert */
export async function createFakeCertificate(nowMs: number): Promise<ServerCertificate> {
  const keys = await generateKeys()
  const commonName = 'Kubernetes Ingress Controller Fake Certificate'
  const notBefore = new Date(Math.floor(nowMs / 1000) * 1000)
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: await serialOf(await crypto.subtle.exportKey('spki', keys.publicKey)), name: [{ O: ['Acme Co'] }, { CN: [commonName] }], keys, signingAlgorithm: ALGORITHM, notBefore, notAfter: new Date(notBefore.getTime() + YEAR_MS),
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true), new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]), new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'ingress.local' }]),
    ],
  })
  return { secret: '', keyPem: await privateKeyPem(keys.privateKey), pem: pemOf('CERTIFICATE', new Uint8Array(made.rawData)), names: ['ingress.local'], commonName, expiresMs: made.notAfter.getTime() }
}
