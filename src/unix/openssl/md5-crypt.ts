import { md5 } from '@noble/hashes/legacy.js'

const LETTERS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** A password as `htpasswd` (`apr1`) and old /etc/shadow (`1`) keep it: `$apr1$salt$hash`. */
export function md5Crypt(password: string, salt: string, kind: 'apr1' | '1'): string {
  const encoder = new TextEncoder()
  const secret = encoder.encode(password)
  const grain = encoder.encode(salt)
  const join = (...parts: Uint8Array[]): Uint8Array => {
    const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of parts) { out.set(part, at); at += part.length }
    return out
  }
  const other: Uint8Array = md5(join(secret, grain, secret))
  const parts: Uint8Array[] = [secret, encoder.encode(`$${kind}$`), grain]
  for (let left = secret.length; left > 0; left -= 16) parts.push(other.subarray(0, Math.min(16, left)))
  for (let bits = secret.length; bits > 0; bits >>= 1) parts.push(bits & 1 ? new Uint8Array(1) : secret.subarray(0, 1))
  let digest: Uint8Array = md5(join(...parts))
  const none = new Uint8Array(0)
  for (let i = 0; i < 1000; i++) digest = md5(join(i & 1 ? secret : digest, i % 3 ? grain : none, i % 7 ? secret : none, i & 1 ? digest : secret))
  const text = (value: number, length: number) => Array.from({ length }, (_, i) => LETTERS[(value >> (6 * i)) & 63]!).join('')
  const triples = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]].map(([x, y, z]) => text((digest[x!]! << 16) | (digest[y!]! << 8) | digest[z!]!, 4))
  return `$${kind}$${salt}$${triples.join('')}${text(digest[11]!, 2)}`
}
