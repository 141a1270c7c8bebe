import { sha256 } from './sha256.ts'

const BLOCK_BYTES = 64

/** HMAC with SHA-256, where waiting for the platform's isn't worth it. RFC 2104 */
export function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES)
  block.set(key.length > BLOCK_BYTES ? sha256(key) : key)
  const padded = (mask: number, rest: Uint8Array) => {
    const out = new Uint8Array(BLOCK_BYTES + rest.length)
    block.forEach((byte, i) => { out[i] = byte ^ mask })
    out.set(rest, BLOCK_BYTES)
    return sha256(out)
  }
  return padded(0x5c, padded(0x36, data))
}
