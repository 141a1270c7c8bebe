const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]
const SINES = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0)
const LETTERS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** MD5 (RFC 1321), which WebCrypto hasn't. */
export function md5(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array((((message.length + 8) >> 6) + 1) << 6)
  padded.set(message)
  padded[message.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, message.length << 3, true)
  view.setUint32(padded.length - 4, Math.floor(message.length / 2 ** 29), true)
  let [a0, b0, c0, d0] = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476]
  for (let at = 0; at < padded.length; at += 64) {
    let [a, b, c, d] = [a0, b0, c0, d0]
    for (let i = 0; i < 64; i++) {
      const round = i >> 4
      const mixed = round === 0 ? (b & c) | (~b & d) : round === 1 ? (d & b) | (~d & c) : round === 2 ? b ^ c ^ d : c ^ (b | ~d)
      const word = round === 0 ? i : round === 1 ? (5 * i + 1) & 15 : round === 2 ? (3 * i + 5) & 15 : (7 * i) & 15
      const sum = (a + mixed + SINES[i]! + view.getInt32(at + word * 4, true)) | 0
      const shift = SHIFTS[(round << 2) | (i & 3)]!
      a = d
      d = c
      c = b
      b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0
    }
    a0 = (a0 + a) | 0
    b0 = (b0 + b) | 0
    c0 = (c0 + c) | 0
    d0 = (d0 + d) | 0
  }
  const digest = new DataView(new ArrayBuffer(16))
  for (const [i, part] of [a0, b0, c0, d0].entries()) digest.setInt32(i * 4, part, true)
  return new Uint8Array(digest.buffer)
}

/** A password as `htpasswd` (`apr1`) and old /etc/shadow (`1`) keep it: `$apr1$salt$hash`. */
export function md5Crypt(password: string, salt: string, kind: 'apr1' | '1'): string {
  const encoder = new TextEncoder()
  const secret = encoder.encode(password)
  const grain = encoder.encode(salt)
  const join = (...parts: Uint8Array[]) => {
    const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of parts) { out.set(part, at); at += part.length }
    return out
  }
  const other = md5(join(secret, grain, secret))
  const parts = [secret, encoder.encode(`$${kind}$`), grain]
  for (let left = secret.length; left > 0; left -= 16) parts.push(other.subarray(0, Math.min(16, left)))
  for (let bits = secret.length; bits > 0; bits >>= 1) parts.push(bits & 1 ? new Uint8Array(1) : secret.subarray(0, 1))
  let digest = md5(join(...parts))
  const none = new Uint8Array(0)
  for (let i = 0; i < 1000; i++) digest = md5(join(i & 1 ? secret : digest, i % 3 ? grain : none, i % 7 ? secret : none, i & 1 ? digest : secret))
  const text = (value: number, length: number) => Array.from({ length }, (_, i) => LETTERS[(value >> (6 * i)) & 63]!).join('')
  const triples = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]].map(([x, y, z]) => text((digest[x!]! << 16) | (digest[y!]! << 8) | digest[z!]!, 4))
  return `$${kind}$${salt}$${triples.join('')}${text(digest[11]!, 2)}`
}
