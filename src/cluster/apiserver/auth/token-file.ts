import type { UserInfo } from '../seams.ts'

/**
 * Who the tokens of --token-auth-file speak for: lines of token, name, uid and groups in quotes.
 * @throws Error in upstream's words. k8s: apiserver/plugin/pkg/authenticator/token/tokenfile NewCSV
 */
export function parseTokenFile(text: string, path: string): ReadonlyMap<string, UserInfo> {
  const users = new Map<string, UserInfo>()
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const fields = Array.from(line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, plain]) => (quoted?.replaceAll('""', '"') ?? plain ?? '').trim())
    if (fields.length < 3) throw new Error(`token file '${path}' must have at least 3 columns (token, user name, user uid), found ${fields.length}`)
    const [token = '', name = '', uid = '', groups = ''] = fields
    if (token === '') continue
    users.set(token, { name, ...(uid ? { uid } : {}), groups: groups.split(',').map((group) => group.trim()).filter(Boolean) })
  }
  return users
}
