import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { base64Url } from './base64.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

/**
 * By what a joining node knows that a cluster knows its token: a JSON Web Signature without its payload.
 * k8s: staging/src/k8s.io/cluster-bootstrap/token/jws ComputeDetachedSignature
 */
export function detachedSignature(content: string, tokenId: string, tokenSecret: string): string {
  const header = base64Url(bytes(JSON.stringify({ alg: 'HS256', kid: tokenId })))
  const signature = hmac(sha256, bytes(tokenSecret), bytes(`${header}.${base64Url(bytes(content))}`))
  return `${header}..${base64Url(signature)}`
}
