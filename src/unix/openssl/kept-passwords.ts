import { md5Crypt } from './md5-crypt.ts'

const known = new Map<string, boolean>()

/** Whether a password is the one that htpasswd keeps as `kept`: bcrypt, MD5, SHA-1 or plain. Uses WebCrypto: wrap in `clock.outside`. */
export async function isPassword(password: string, kept: string): Promise<boolean> {
  const plain = /^\{PLAIN\}(.*)$/.exec(kept)?.[1]
  if (plain !== undefined) return plain === password
  const sha = /^\{SHA\}(.*)$/.exec(kept)?.[1]
  if (sha !== undefined) return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest('SHA-1', new TextEncoder().encode(password))))) === sha
  if (/^\$2[aby]\$/.test(kept)) return (await import('bcryptjs')).compare(password, kept)
  const [, kind, salt = ''] = /^\$(apr1|1)\$([^$]*)\$/.exec(kept) ?? []
  if (kind !== 'apr1' && kind !== '1') return false
  const key = `${kept} ${password}`
  let fits = known.get(key)
  if (fits === undefined) {
    if (known.size > 1000) known.clear()
    known.set(key, fits = md5Crypt(password, salt, kind) === kept)
  }
  return fits
}
