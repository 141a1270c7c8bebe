import { fromWebStream, readLines } from '../../../base/streams.ts'
import type { Proc } from '../../../unix/types.ts'
import type { ClusterClient } from './cluster-client.ts'

const RETRY_FIRST_MS = 1_000
const RETRY_MAX_MS = 30_000

interface ApiObject {
  metadata: { name: string; namespace?: string; resourceVersion?: string }
}

export interface FollowOptions<T> {
  proc: Proc
  client: ClusterClient
  /** Below the server, e.g. `/api/v1/services`. */
  path: string
  /** The new state of an object, or undefined with its key (`namespace/name`) when it is gone. */
  onChange(key: string, object: T | undefined): void
  onSynced?(): void
  /** Told why listing or watching failed; it is tried again. */
  onError?(message: string): void
  /** Ends it before the process does. */
  until?: AbortSignal
}

/** Keeps a copy of all objects of a resource, over HTTP with the pod's service account: list, then watch, then again. */
export async function followResource<T extends ApiObject>({ proc, client, path, onChange, onSynced, onError, until }: FollowOptions<T>): Promise<never> {
  const keyOf = (object: ApiObject) => `${object.metadata.namespace ?? ''}/${object.metadata.name}`
  const known = new Set<string>()
  let request = new AbortController()
  // A watch has no end of its own: it ends with the process.
  atEndOf(proc, () => request.abort())
  until?.addEventListener('abort', () => request.abort(), { once: true })
  const get = async (query: string) => {
    request = new AbortController()
    const response = await client.fetch(`${path}${query}`, { signal: request.signal })
    if (response.status !== 200) throw new Error(`${response.status} ${(await response.text()).slice(0, 200)}`)
    return response
  }
  for (let retryMs = RETRY_FIRST_MS; ;) {
    try {
      const list = await (await get('?resourceVersion=0')).json() as { metadata: { resourceVersion: string }; items: T[] }
      const present = new Set(list.items.map(keyOf))
      for (const key of known) if (!present.has(key)) { known.delete(key); onChange(key, undefined) }
      for (const object of list.items) { known.add(keyOf(object)); onChange(keyOf(object), object) }
      onSynced?.()
      retryMs = RETRY_FIRST_MS
      let version = list.metadata.resourceVersion
      for (;;) {
        const response = await get(`?watch=true&allowWatchBookmarks=true&resourceVersion=${version}`)
        for await (const line of readLines(fromWebStream(response.body!))) {
          if (proc.killed.aborted || until?.aborted) throw new Error('the process has ended')
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
      if (proc.killed.aborted || until?.aborted) throw error
      if (!/expired/.test((error as Error).message)) onError?.((error as Error).message)
    }
    await proc.sleep(retryMs)
    until?.throwIfAborted()
    retryMs = Math.min(retryMs * 2, RETRY_MAX_MS)
  }
}

/** What is to be done when a process ends: one listener for all that it follows. */
const endings = new WeakMap<AbortSignal, (() => void)[]>()

function atEndOf({ killed }: Proc, work: () => void): void {
  const known = endings.get(killed)
  if (known) { known.push(work); return }
  const all = [work]
  endings.set(killed, all)
  killed.addEventListener('abort', () => { for (const each of all) each() }, { once: true })
}
