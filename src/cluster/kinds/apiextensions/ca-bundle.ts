const BLOCK = /-----BEGIN ([^\n-]*)-----\s([\s\S]*?)-----END \1-----/g
/** What DER begins a certificate with. */
const SEQUENCE = '\x30'

/** What is wrong with a bundle of certificates (PEM, in base64), if anything. k8s: client-go/transport rootCertPool */
export function caBundleProblem(base64: string): string | undefined {
  const blocks = [...decoded(base64).matchAll(BLOCK)]
  if (blocks.length === 0) return 'unable to parse bytes as PEM block'
  const certificates = blocks.filter(([, type]) => type === 'CERTIFICATE')
  if (certificates.some(([, , body]) => decoded(body!.replace(/\s/g, '')).startsWith(SEQUENCE))) return undefined
  return certificates.length > 0 ? 'failed to parse certificate: x509: malformed certificate' : 'no valid certificate authority data seen'
}

function decoded(base64: string): string {
  try {
    return atob(base64)
  } catch {
    return ''
  }
}
