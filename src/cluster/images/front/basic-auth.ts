import { bytesOfBase64 } from '../../../base/base64.ts'
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
