import type { Clock } from './clock.ts'

/** SHA-256 of a text, in hexadecimal digits. */
export async function sha256Hex(text: string, clock: Pick<Clock, 'outside'>): Promise<string> {
  const digest = await clock.outside(crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
