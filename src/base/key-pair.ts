import { bytesOfBase64 } from './base64.ts'
import { hexOf } from './pem.ts'
import { children, oidOf, readDer } from './der.ts'
import type { DerNode } from './der.ts'

const RSA = '1.2.840.113549.1.1.1'
const EC = '1.2.840.10045.2.1'
const ED25519 = '1.3.101.112'

interface PemBlock { type: string; bytes: Uint8Array }

/** The blocks of a PEM text; what can't be decoded is none. k8s: Go encoding/pem Decode */
function pemBlocks(text: string): PemBlock[] {
  const out: PemBlock[] = []
  for (const [, type, body] of text.matchAll(/^-----BEGIN ([^\n-]+)-----[ \t]*\r?\n([\s\S]*?)^-----END \1-----/gm)) {
    try {
      out.push({ type: type!, bytes: bytesOfBase64(body!.replace(/^[^\n:]+:[^\n]*\n/gm, '').replace(/\s/g, '')) })
    } catch { /* not a block */ }
  }
  return out
}

interface PublicPart { algorithm: string; /** Hexadecimal; undefined where it can't be told. */ value: string | undefined }

const rsaPart = (modulus: DerNode, exponent: DerNode): PublicPart => ({ algorithm: RSA, value: `${hexOf(modulus.value)}:${hexOf(exponent.value)}` })

function ofCertificate(der: Uint8Array): PublicPart {
  const fields = children(children(readDer(der))[0]!)
  // The version is optional.
  const [algorithm, bits] = children(fields[fields[0]!.tag === 0xa0 ? 6 : 5]!)
  const oid = oidOf(children(algorithm!)[0]!.value)
  const value = bits!.value.subarray(1)
  if (oid !== RSA) return { algorithm: oid, value: hexOf(value) }
  const [modulus, exponent] = children(readDer(value))
  return rsaPart(modulus!, exponent!)
}

/** Whether bytes are a certificate with a public key, as far as its parts are looked at. */
export function isCertificate(der: Uint8Array): boolean {
  try {
    ofCertificate(der)
    return true
  } catch {
    return false
  }
}

function ofKey(der: Uint8Array, curveKnown = false): PublicPart | undefined {
  const fields = children(readDer(der))
  // Every form begins with its version.
  if (fields[0]?.tag !== 0x02) return undefined
  if (fields[1]?.tag === 0x30 && fields[2]?.tag === 0x04) {
    const oid = oidOf(children(fields[1])[0]!.value)
    if (oid === RSA || oid === EC) return ofKey(fields[2]!.value, true)
    return { algorithm: oid, value: undefined }
  }
  if (fields[1]?.tag === 0x04 && (curveKnown || fields.some((f) => f.tag === 0xa0))) {
    const point = fields.find((f) => f.tag === 0xa1)
    return { algorithm: EC, value: point ? hexOf(children(point)[0]!.value.subarray(1)) : undefined }
  }
  return fields[1]?.tag === 0x02 && fields[2] ? rsaPart(fields[1], fields[2]) : undefined
}

/**
 * Why a certificate and a private key (both PEM) are no pair, in the words of Go, or undefined for a pair.
 * Keys that don't carry their public part are taken as fitting. k8s: Go crypto/tls X509KeyPair
 */
export function keyPairProblem(certificatePem: string, keyPem: string): string | undefined {
  const blocks = pemBlocks(certificatePem)
  const certificate = blocks.find((b) => b.type === 'CERTIFICATE')
  if (!certificate) {
    if (blocks.length === 0) return 'tls: failed to find any PEM data in certificate input'
    if (blocks.length === 1 && blocks[0]!.type.endsWith('PRIVATE KEY')) return 'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched'
    return `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [${blocks.map((b) => b.type).join(' ')}]`
  }
  const keyBlocks = pemBlocks(keyPem)
  const key = keyBlocks.find((b) => b.type === 'PRIVATE KEY' || b.type.endsWith(' PRIVATE KEY'))
  if (!key) {
    if (keyBlocks.length === 0) return 'tls: failed to find any PEM data in key input'
    if (keyBlocks.length === 1 && keyBlocks[0]!.type === 'CERTIFICATE') return 'tls: found a certificate rather than a key in the PEM for the private key'
    return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [${keyBlocks.map((b) => b.type).join(' ')}]`
  }
  let theirs: PublicPart
  try {
    theirs = ofCertificate(certificate.bytes)
  } catch {
    return 'x509: malformed certificate'
  }
  let ours: PublicPart | undefined
  try {
    ours = ofKey(key.bytes)
  } catch { /* said below */ }
  if (!ours) return 'tls: failed to parse private key'
  if (![RSA, EC, ED25519].includes(theirs.algorithm)) return 'tls: unknown public key algorithm'
  if (ours.algorithm !== theirs.algorithm) return 'tls: private key type does not match public key type'
  return ours.value !== undefined && ours.value !== theirs.value ? 'tls: private key does not match public key' : undefined
}
