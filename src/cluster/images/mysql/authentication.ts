import { concatBytes } from '../../../base/streams.ts'
import { sha1 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'

/** How a password is proven without being sent. */
export type AuthenticationPlugin = 'mysql_native_password' | 'caching_sha2_password'

const encoder = new TextEncoder()
const digestOf = (plugin: AuthenticationPlugin) => plugin === 'caching_sha2_password' ? sha256 : sha1
const xor = (a: Uint8Array, b: Uint8Array) => a.map((byte, i) => byte ^ b[i]!)
const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')

/** What the server keeps of a password; nothing of an empty one. */
export function passwordHash(plugin: AuthenticationPlugin, password: string): string {
  const digest = digestOf(plugin)
  return password === '' ? '' : hex(digest(digest(encoder.encode(password))))
}

const mask = (plugin: AuthenticationPlugin, stored: Uint8Array, nonce: Uint8Array) => digestOf(plugin)(plugin === 'caching_sha2_password' ? concatBytes([stored, nonce]) : concatBytes([nonce, stored]))

/** What a client sends for a password. */
export function scramble(plugin: AuthenticationPlugin, password: string, nonce: Uint8Array): Uint8Array {
  if (password === '') return new Uint8Array(0)
  const digest = digestOf(plugin)
  const once = digest(encoder.encode(password))
  return xor(once, mask(plugin, digest(once), nonce))
}

/** Whether what a client sent proves that it knows the password. */
export function proves(plugin: AuthenticationPlugin, answer: Uint8Array, stored: string, nonce: Uint8Array): boolean {
  if (stored === '') return answer.length === 0
  const hash = Uint8Array.from(stored.match(/../g) ?? [], (byte) => parseInt(byte, 16))
  return answer.length === hash.length && hex(digestOf(plugin)(xor(answer, mask(plugin, hash, nonce)))) === stored
}
