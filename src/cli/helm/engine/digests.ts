/** Digests of short texts, without waiting for WebCrypto. */

/** SHA-1 as hexadecimal digits. FIPS 180-4 */
export function sha1Hex(bytes: Uint8Array): string {
  const padded = new Uint8Array(((bytes.length + 8 >> 6) + 1) << 6)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 0x2000_0000))
  view.setUint32(padded.length - 4, bytes.length << 3)
  const h = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]
  const w = new Int32Array(80)
  const rotate = (x: number, n: number) => (x << n) | (x >>> (32 - n))
  for (let block = 0; block < padded.length; block += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(block + i * 4)
    for (let i = 16; i < 80; i++) w[i] = rotate(w[i - 3]! ^ w[i - 8]! ^ w[i - 14]! ^ w[i - 16]!, 1)
    let [a, b, c, d, e] = h as [number, number, number, number, number]
    for (let i = 0; i < 80; i++) {
      const [f, k] = i < 20 ? [(b & c) | (~b & d), 0x5a827999] : i < 40 ? [b ^ c ^ d, 0x6ed9eba1] : i < 60 ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc] : [b ^ c ^ d, 0xca62c1d6]
      const t = (rotate(a, 5) + f + e + k + w[i]!) | 0
      e = d; d = c; c = rotate(b, 30); b = a; a = t
    }
    h[0] = (h[0]! + a) | 0; h[1] = (h[1]! + b) | 0; h[2] = (h[2]! + c) | 0; h[3] = (h[3]! + d) | 0; h[4] = (h[4]! + e) | 0
  }
  return h.map((x) => (x >>> 0).toString(16).padStart(8, '0')).join('')
}

const PRIMES: bigint[] = []
for (let n = 2n; PRIMES.length < 80; n++) if (PRIMES.every((p) => n % p !== 0n)) PRIMES.push(n)
const MASK = (1n << 64n) - 1n

/** The first 64 bits of the fractional part of a root. */
function rootBits(n: bigint, degree: bigint): bigint {
  const scaled = n << (64n * degree)
  let low = 0n
  let high = 1n << 80n
  while (low < high) {
    const middle = (low + high + 1n) >> 1n
    if (middle ** degree <= scaled) low = middle
    else high = middle - 1n
  }
  return low & MASK
}

let constants: { k: bigint[]; start: bigint[] } | undefined

/** SHA-512 as hexadecimal digits. FIPS 180-4 */
export function sha512Hex(bytes: Uint8Array): string {
  constants ??= { k: PRIMES.map((p) => rootBits(p, 3n)), start: PRIMES.slice(0, 8).map((p) => rootBits(p, 2n)) }
  const padded = new Uint8Array(((bytes.length + 16 >> 7) + 1) << 7)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n)
  const rotate = (x: bigint, n: bigint) => ((x >> n) | (x << (64n - n))) & MASK
  const h = [...constants.start]
  const w: bigint[] = []
  for (let block = 0; block < padded.length; block += 128) {
    for (let i = 0; i < 16; i++) w[i] = view.getBigUint64(block + i * 8)
    for (let i = 16; i < 80; i++) {
      const x = w[i - 15]!
      const y = w[i - 2]!
      w[i] = (w[i - 16]! + (rotate(x, 1n) ^ rotate(x, 8n) ^ (x >> 7n)) + w[i - 7]! + (rotate(y, 19n) ^ rotate(y, 61n) ^ (y >> 6n))) & MASK
    }
    let [a, b, c, d, e, f, g, z] = h as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint]
    for (let i = 0; i < 80; i++) {
      const one = (z + (rotate(e, 14n) ^ rotate(e, 18n) ^ rotate(e, 41n)) + ((e & f) ^ (~e & MASK & g)) + constants.k[i]! + w[i]!) & MASK
      const two = ((rotate(a, 28n) ^ rotate(a, 34n) ^ rotate(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c))) & MASK
      z = g; g = f; f = e; e = (d + one) & MASK; d = c; c = b; b = a; a = (one + two) & MASK
    }
    for (const [i, x] of [a, b, c, d, e, f, g, z].entries()) h[i] = (h[i]! + x) & MASK
  }
  return h.map((x) => x.toString(16).padStart(16, '0')).join('')
}

/** RFC 1950's checksum, in decimal digits. */
export function adler32Text(bytes: Uint8Array): string {
  let a = 1
  let b = 0
  for (const byte of bytes) { a = (a + byte) % 65_521; b = (b + a) % 65_521 }
  return String(((b << 16) | a) >>> 0)
}
