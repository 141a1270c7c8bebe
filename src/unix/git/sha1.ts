import { sha1 as digest } from '@noble/hashes/legacy.js'
import { bytesToHex } from '@noble/hashes/utils.js'

/** SHA-1 of some bytes, in hexadecimal: the names of objects. Synchronous, which WebCrypto's isn't, and Git asks for thousands of them. */
export function sha1(...parts: readonly Uint8Array[]): string {
  const hash = digest.create()
  for (const part of parts) hash.update(part)
  return bytesToHex(hash.digest())
}
