import { bytesOfBase64 } from '../../../base/pem.ts'
import { md5Crypt } from '../../../unix/openssl/md5-crypt.ts'
import type { Secret } from '../../kinds/generated/types.ts'

/** Who may see a location. */
export interface BasicAuth {
  realm: string
  /** Where nginx keeps the passwords, for its log. */
  file: string
  /** Passwords by user, in the forms of htpasswd. */
  passwords: ReadonlyMap<string, string>
}

/** The passwords in a Secret: a file of htpasswd at `auth`, or one key for each user. Undefined where the file is missing. */
export function passwordsOf({ data = {} }: Secret, isMap: boolean): Map<string, string> | undefined {
  if (isMap) return new Map(Object.entries(data).map(([user, password]) => [user, atob(password)]))
  if (data.auth === undefined) return undefined
  return new Map(atob(data.auth).split(/\r?\n/).filter((line) => line.includes(':') && !line.startsWith('#')).map((line) => { const [user = '', password = ''] = line.split(':'); return [user, password] }))
}

/** User and password of an Authorization header. */
export function credentialsOf(header: string | null): { user: string; password: string } | undefined {
  const encoded = /^basic\s+(\S+)$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return undefined
  let text: string
  try { text = new TextDecoder().decode(bytesOfBase64(encoded)) } catch { return undefined }
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

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
