import type { Proc } from '../../../unix/types.ts'
import { goResponse } from '../agnhost/go-server.ts'

/** An answer of kuard's API, which nobody may keep. */
export function json(proc: Proc, value: unknown): Response {
  // Go's encoder escapes what could end a script in HTML.
  const text = JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return goResponse(proc, `${text}\n`, { headers: { 'content-type': 'application/json', 'cache-control': 'no-cache, private, max-age=0', expires: 'Thu, 01 Jan 1970 00:00:00 UTC', pragma: 'no-cache' } })
}
