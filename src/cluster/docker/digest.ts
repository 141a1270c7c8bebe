import type { Clock } from '../../base/clock.ts'
import { sha256 } from '@noble/hashes/sha2.js'

/** More than this isn't worth keeping the worker for. */
const SHORT_BYTES = 32 * 1024
const encoder = new TextEncoder()

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** `sha256:...` of a short text. */
export function digestOfText(text: string): string {
  return `sha256:${hex(sha256(encoder.encode(text)))}`
}

/** `sha256:...` of a file's bytes. */
export async function digestOfBytes(clock: Pick<Clock, 'outside'>, bytes: Uint8Array): Promise<string> {
  if (bytes.length <= SHORT_BYTES) return `sha256:${hex(sha256(bytes))}`
  return `sha256:${hex(new Uint8Array(await clock.outside(crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))))}`
}
