import { ALGORITHM, YEAR_MS, generateKeys, privateKeyPem, serialOf } from '../../../base/certificates.ts'
import { pemOf } from '../../../base/pem.ts'
import * as x509 from '../../../base/x509.ts'

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

/** Whether a certificate is for a host: by its alternative names, by its common name only where it has none. */
export function isForHost({ names, commonName }: ServerCertificate, host: string): boolean {
  return (names.length > 0 ? names : [commonName]).some((pattern) => {
    const wanted = host.toLowerCase().replace(/\.$/, '').split('.')
    const parts = pattern.toLowerCase().replace(/\.$/, '').split('.')
    return wanted.length === parts.length && parts.every((part, i) => (i === 0 && part === '*') || part === wanted[i])
  })
}

/** What HTTPS shows where no Secret says otherwise: a certificate that signs itself, for a year. Uses WebCrypto: wrap in `clock.outside`. */
export async function createFakeCertificate(nowMs: number, { commonName, organization, dnsName }: { commonName: string; organization?: string; dnsName: string }): Promise<ServerCertificate> {
  const keys = await generateKeys()
  const notBefore = new Date(Math.floor(nowMs / 1000) * 1000)
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: await serialOf(await crypto.subtle.exportKey('spki', keys.publicKey)), name: [...organization ? [{ O: [organization] }] : [], { CN: [commonName] }], keys, signingAlgorithm: ALGORITHM, notBefore, notAfter: new Date(notBefore.getTime() + YEAR_MS),
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true), new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]), new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: dnsName }]),
    ],
  })
  return { secret: '', keyPem: await privateKeyPem(keys.privateKey), pem: pemOf('CERTIFICATE', new Uint8Array(made.rawData)), names: [dnsName], commonName, expiresMs: made.notAfter.getTime() }
}
