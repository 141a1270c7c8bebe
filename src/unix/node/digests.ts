import { sha256 } from '../../base/sha256.ts'
import { md5 } from '../openssl/md5-crypt.ts'

/** Digests by name, computed at once: WebCrypto would make scripts wait. */
export const digests: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = { md5, sha1, sha256, sha512 }

/** FIPS 180-4, SHA-1. */
export function sha1(bytes: Uint8Array): Uint8Array {
  const words = padded(bytes, 64)
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]
  const schedule = new Uint32Array(80)
  for (let block = 0; block < words.byteLength; block += 64) {
    for (let i = 0; i < 16; i++) schedule[i] = words.getUint32(block + i * 4)
    for (let i = 16; i < 80; i++) schedule[i] = rotated(schedule[i - 3]! ^ schedule[i - 8]! ^ schedule[i - 14]! ^ schedule[i - 16]!, 1)
    let [a, b, c, d, e] = state as [number, number, number, number, number]
    for (let i = 0; i < 80; i++) {
      const [mixed, constant] = i < 20 ? [(b & c) | (~b & d), 0x5a827999] : i < 40 ? [b ^ c ^ d, 0x6ed9eba1] : i < 60 ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc] : [b ^ c ^ d, 0xca62c1d6]
      const next = (rotated(a, 5) + mixed + e + constant + schedule[i]!) | 0
      ;[e, d, c, b, a] = [d, c, rotated(b, 30), a, next]
    }
    ;[a, b, c, d, e].forEach((value, i) => { state[i] = (state[i]! + value) | 0 })
  }
  const out = new DataView(new ArrayBuffer(20))
  state.forEach((value, i) => out.setInt32(i * 4, value))
  return new Uint8Array(out.buffer)
}

const MASK = (1n << 64n) - 1n

/** The first 64 bits of the fractional parts of a root of primes, as FIPS 180-4 makes its constants. */
function fractions(count: number, root: 2n | 3n): bigint[] {
  const found: bigint[] = []
  for (let candidate = 2n; found.length < count; candidate++) {
    let isPrime = true
    for (let factor = 2n; factor * factor <= candidate; factor++) if (candidate % factor === 0n) isPrime = false
    if (!isPrime) continue
    // The integer root of the prime, moved up so far that 64 bits of its fraction remain.
    const target = candidate << (64n * root)
    let low = 0n
    let high = 1n << 72n
    while (high - low > 1n) {
      const middle = (low + high) >> 1n
      if (middle ** root <= target) low = middle
      else high = middle
    }
    found.push(low & MASK)
  }
  return found
}

let constants: { round: bigint[]; initial: bigint[] } | undefined

/** FIPS 180-4, SHA-512. */
export function sha512(bytes: Uint8Array): Uint8Array {
  constants ??= { round: fractions(80, 3n), initial: fractions(8, 2n) }
  const words = padded(bytes, 128)
  const state = [...constants.initial]
  const turn = (value: bigint, by: bigint) => ((value >> by) | (value << (64n - by))) & MASK
  for (let block = 0; block < words.byteLength; block += 128) {
    const schedule = Array.from({ length: 16 }, (_, i) => words.getBigUint64(block + i * 8))
    for (let i = 16; i < 80; i++) {
      const [early, late] = [schedule[i - 15]!, schedule[i - 2]!]
      schedule.push((schedule[i - 16]! + (turn(early, 1n) ^ turn(early, 8n) ^ (early >> 7n)) + schedule[i - 7]! + (turn(late, 19n) ^ turn(late, 61n) ^ (late >> 6n))) & MASK)
    }
    let [a, b, c, d, e, f, g, h] = state as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint]
    for (let i = 0; i < 80; i++) {
      const first = (h + (turn(e, 14n) ^ turn(e, 18n) ^ turn(e, 41n)) + ((e & f) ^ (~e & MASK & g)) + constants.round[i]! + schedule[i]!) & MASK
      const second = ((turn(a, 28n) ^ turn(a, 34n) ^ turn(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c))) & MASK
      ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + first) & MASK, c, b, a, (first + second) & MASK]
    }
    ;[a, b, c, d, e, f, g, h].forEach((value, i) => { state[i] = (state[i]! + value) & MASK })
  }
  const out = new DataView(new ArrayBuffer(64))
  state.forEach((value, i) => out.setBigUint64(i * 8, value))
  return new Uint8Array(out.buffer)
}

function rotated(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by))
}

/** The message with a one bit, zeros and its length, in whole blocks. */
function padded(bytes: Uint8Array, blockBytes: 64 | 128): DataView {
  const length = Math.ceil((bytes.length + 1 + blockBytes / 8) / blockBytes) * blockBytes
  const all = new Uint8Array(length)
  all.set(bytes)
  all[bytes.length] = 0x80
  const view = new DataView(all.buffer)
  view.setBigUint64(length - 8, BigInt(bytes.length) * 8n)
  return view
}
