import { SubjectAlternativeNameExtension, X509Certificate } from '../../../base/x509.ts'
import { keyPairProblem } from '../../../base/key-pair.ts'
import type { Secret } from '../../kinds/generated/types.ts'
import type { ServerCertificate } from '../front/server-certificate.ts'

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
