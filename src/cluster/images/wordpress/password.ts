import { md5 } from '@noble/hashes/legacy.js'
import { concatBytes } from '../../../base/streams.ts'
import type { Proc } from '../../../unix/types.ts'

const ITOA64 = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** 2^13 rounds. */
const ROUNDS_LOG2 = 13
const ROUNDS_PER_BREATH = 512

function encode64(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const value = bytes[i]! | ((bytes[i + 1] ?? 0) << 8) | ((bytes[i + 2] ?? 0) << 16)
    const signs = Math.min(4, Math.ceil((bytes.length - i) * 8 / 6))
    for (let n = 0; n < signs; n++) text += ITOA64[(value >> (6 * n)) & 63]!
  }
  return text
}

async function portableHash(proc: Proc, password: string, setting: string): Promise<string> {
  const secret = new TextEncoder().encode(password)
  const rounds = 2 ** ITOA64.indexOf(setting[3]!)
  let hash = md5(concatBytes([new TextEncoder().encode(setting.slice(4, 12)), secret]))
  for (let i = 0; i < rounds; i++) {
    if (i % ROUNDS_PER_BREATH === 0) await proc.clock.breathe()
    hash = md5(concatBytes([hash, secret]))
  }
  return `${setting.slice(0, 12)}${encode64(hash)}`
}

/** A password as `wp_users` keeps it: phpass's portable form, which every release reads. */
export function hashPassword(proc: Proc, password: string): Promise<string> {
  return portableHash(proc, password, `$P$${ITOA64[ROUNDS_LOG2]!}${Array.from({ length: 8 }, () => ITOA64[proc.random.int(64)]!).join('')}`)
}

/** Whether a password is the kept one; plain MD5, which people put into the table by hand, counts too. */
export async function isPassword(proc: Proc, password: string, kept: string): Promise<boolean> {
  if (/^\$[PH]\$[./0-9A-Za-z]{31}$/.test(kept)) return await portableHash(proc, password, kept) === kept
  return /^[0-9a-f]{32}$/.test(kept) && Array.from(md5(new TextEncoder().encode(password)), (byte) => byte.toString(16).padStart(2, '0')).join('') === kept
}
