import { base64Url, bytesOfBase64Url } from '../../../base/base64.ts'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Proc } from '../../../unix/types.ts'

/** The cookie that carries a sealed token. */
export const COOKIE = 'jweToken'


/** Seals users' tokens for their browsers, with a key that all replicas share. */
export class Sessions {
  readonly #proc: Proc
  readonly #secret: Uint8Array
  readonly #ttlMs: number

  /** @param secret 32 bytes */
  constructor(proc: Proc, secret: Uint8Array, ttlMs: number) {
    this.#proc = proc
    this.#secret = secret
    this.#ttlMs = ttlMs
  }

  #key(): Promise<CryptoKey> { return crypto.subtle.importKey('raw', this.#secret as BufferSource, 'AES-GCM', false, ['encrypt', 'decrypt']) }

  /** A token as the cookie has it, for as long as sessions last. */
  async seal(token: string): Promise<string> {
    const iv = Uint8Array.from({ length: 12 }, () => this.#proc.random.int(256))
    const text = new TextEncoder().encode(JSON.stringify({ token, expiresMs: this.#ttlMs === 0 ? null : this.#proc.clock.nowMs() + this.#ttlMs }))
    const sealed = await this.#proc.clock.outside(this.#key().then((key) => crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, text)))
    return `${base64Url(iv)}.${base64Url(new Uint8Array(sealed))}`
  }

  /** The token in a cookie; undefined for one that is too old or not ours. */
  async open(cookie: string): Promise<string | undefined> {
    const [iv = '', sealed = ''] = cookie.split('.')
    try {
      const text = await this.#proc.clock.outside(this.#key().then((key) => crypto.subtle.decrypt({ name: 'AES-GCM', iv: bytesOfBase64Url(iv) as BufferSource }, key, bytesOfBase64Url(sealed) as BufferSource)))
      const { token, expiresMs } = JSON.parse(new TextDecoder().decode(text)) as { token: string; expiresMs: number | null }
      return expiresMs !== null && expiresMs < this.#proc.clock.nowMs() ? undefined : token
    } catch {
      return undefined
    }
  }

  /** What forms of a session carry, so that no other site can send them. */
  formToken(token: string): string { return bytesToHex(hmac(sha256, this.#secret, new TextEncoder().encode(token))).slice(0, 32) }
}
