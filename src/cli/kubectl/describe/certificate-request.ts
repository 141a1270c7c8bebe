import { Name, Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509'
import { decodeBase64 } from '../factory.ts'

/** Subject and alternative names of a request. @param request base64 of its PEM. @throws Error where it is none */
export function requestParts(request: string): { subject: Record<string, string[]>; names: { dns: string[]; email: string[]; uri: string[]; ip: string[] } } {
  const pem = decodeBase64(request)
  // k8s: kubectl/pkg/util/certificate ParseCSR
  if (!/-----BEGIN CERTIFICATE REQUEST-----[^]*-----END CERTIFICATE REQUEST-----/.test(pem)) throw new Error('Error parsing CSR: PEM block type must be CERTIFICATE REQUEST')
  const parsed = new Pkcs10CertificateRequest(pem)
  const subject: Record<string, string[]> = {}
  for (const part of new Name(parsed.subject).toJSON()) for (const [key, values] of Object.entries(part)) subject[key] = [...(subject[key] ?? []), ...values]
  const extension = parsed.extensions.find((e): e is SubjectAlternativeNameExtension => e instanceof SubjectAlternativeNameExtension)
  const of = (type: string) => (extension?.names.items ?? []).filter((n) => n.type === type).map((n) => n.value)
  return { subject, names: { dns: of('dns'), email: of('email'), uri: of('url'), ip: of('ip') } }
}
