import { failureOf } from '../../../cluster/kinds/response-failure.ts'
import type { UnixError } from '../../../unix/types.ts'
import { ConnectionError } from '../errors.ts'
import { unixText } from '../factory.ts'
import { readInput } from '../file-inputs.ts'
import type { Invocation } from './handler.ts'

/** --raw: a request to a path as it is written. k8s: kubectl/pkg/rawhttp */
export async function rawRequest(inv: Invocation, method: string, given: string, file = ''): Promise<void> {
  const { f, out } = inv
  if (!/^(\/|[a-z][a-z0-9+.-]*:)/i.test(given)) throw new Error(`--raw must be a valid URL path: parse ${JSON.stringify(given)}: invalid URI for request`)
  // Of a whole URL only the path counts.
  const path = given.startsWith('/') ? given : /^[^/]+:\/\/[^/?]*(\/.*)$/.exec(given)?.[1] ?? '/'
  const body = file ? await readInput(f, file).catch((error: unknown) => {
    // A directory can be opened; the request fails when it is to be sent.
    if ((error as UnixError).code === 'EISDIR') throw new ConnectionError(method, path, `read ${file}: is a directory`)
    throw new Error(`open ${file}: ${unixText(error)}`)
  }) : undefined
  if (method === 'GET') {
    const response = await f.rest().send('GET', path, { streaming: true })
    if (response.status < 200 || response.status > 299) throw failureOf(response.status, await response.text(), 'GET', path)
    const reader = response.body?.getReader()
    if (!reader) return
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      await out(value)
    }
  }
  void out(await f.rest().text(method, path, body === undefined ? {} : { body, contentType: 'application/json' }))
}
