import { httpRequest } from '../../../base/http.ts'
import { fromWebStream, readLines } from '../../../base/streams.ts'
import type { Proc } from '../../../unix/types.ts'

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
const RETRY_FIRST_MS = 1_000
const RETRY_MAX_MS = 30_000

interface ApiObject {
  metadata: { name: string; namespace?: string; resourceVersion?: string }
}

/**
 * Keeps a copy of all objects of a resource, over HTTP with the pod's service account: list, then watch, then again.
 * @param path below the server, e.g. `/api/v1/services`.
 * @param onChange the new state of an object, or undefined with its key when it is gone.
 */
export async function followResource<T extends ApiObject>(proc: Proc, path: string, onChange: (key: string, object: T | undefined) => void, onSynced: () => void): Promise<never> {
  const server = `https://${proc.env.KUBERNETES_SERVICE_HOST}:${proc.env.KUBERNETES_SERVICE_PORT}`
  const keyOf = (object: ApiObject) => `${object.metadata.namespace ?? ''}/${object.metadata.name}`
  const known = new Set<string>()
  const get = async (query: string) => {
    const headers = { accept: 'application/json', authorization: `Bearer ${proc.fs.readText(`${ACCOUNT}/token`).trim()}`, 'user-agent': 'coredns' }
    const response = await proc.net.fetch(httpRequest(`${server}${path}${query}`, { headers }), { caPem: proc.fs.readText(`${ACCOUNT}/ca.crt`), connectTimeoutMs: 10_000 })
    if (response.status !== 200) throw new Error(`${response.status} ${(await response.text()).slice(0, 200)}`)
    return response
  }
  for (let retryMs = RETRY_FIRST_MS; ;) {
    try {
      const list = await (await get('?resourceVersion=0')).json() as { metadata: { resourceVersion: string }; items: T[] }
      const present = new Set(list.items.map(keyOf))
      for (const key of known) if (!present.has(key)) { known.delete(key); onChange(key, undefined) }
      for (const object of list.items) { known.add(keyOf(object)); onChange(keyOf(object), object) }
      onSynced()
      retryMs = RETRY_FIRST_MS
      let version = list.metadata.resourceVersion
      for (;;) {
        const response = await get(`?watch=true&allowWatchBookmarks=true&resourceVersion=${version}`)
        for await (const line of readLines(fromWebStream(response.body!))) {
          const { type, object } = JSON.parse(line) as { type: string; object: T }
          if (type === 'ERROR') throw new Error('the watch expired')
          version = object.metadata.resourceVersion ?? version
          if (type === 'BOOKMARK') continue
          const key = keyOf(object)
          if (type === 'DELETED') { known.delete(key); onChange(key, undefined) }
          else { known.add(key); onChange(key, object) }
        }
      }
    } catch (error) {
      if (proc.killed.aborted) throw error
      if (!/expired/.test((error as Error).message)) await proc.stdout.write(`[ERROR] plugin/kubernetes: Failed to watch ${path}: ${(error as Error).message}\n`)
    }
    await proc.sleep(retryMs)
    retryMs = Math.min(retryMs * 2, RETRY_MAX_MS)
  }
}
