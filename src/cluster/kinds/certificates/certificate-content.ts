import { isCertificate } from '../../../base/key-pair.ts'
import { fromBase64 } from '../base64.ts'

const BLOCK = /-----BEGIN ([^\n-]*)-----[ \t\r]*\n([\s\S]*?)-----END \1-----/g
const HEADER = /^[^:\n]+:[^\n]*\n/

/** What is wrong with certificates (PEM, in base64) that a signer has issued, if anything; none at all is fine. k8s: pkg/apis/certificates/validation validateCertificate */
export function certificateContentProblem(base64: string): string | undefined {
  if (base64 === '') return undefined
  const blocks = [...new TextDecoder().decode(fromBase64(base64)).matchAll(BLOCK)]
  for (const [, type, body] of blocks) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`
    if (HEADER.test(body!)) return 'no PEM block headers are permitted'
    const der = fromBase64(body!.replace(/\s/g, ''))
    if (der.length === 0) return 'found CERTIFICATE PEM block containing 0 certificates'
    if (!isCertificate(der)) return 'x509: malformed certificate'
  }
  return blocks.length === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined
}
