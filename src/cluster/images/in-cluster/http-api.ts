import { fromWebStream, readLines } from '../../../base/streams.ts'
import type { Proc } from '../../../unix/types.ts'
import type { Api, ListOptions, WriteOptions } from '../../client/api.ts'
import type { KubeList, KubeObject, ResourceRef, WatchEvent } from '../../kinds/object.ts'
import { StatusError } from '../../kinds/status-error.ts'
import type { Status } from '../../kinds/status-error.ts'
import type { ClusterClient } from './cluster-client.ts'

/** The API as programs in pods reach it: over HTTP, with the pod's service account. Groups are asked for their version v1. What comes out has its kind, also from lists. */
export function httpApi(proc: Proc, client: ClusterClient): Api {
  /** Watches that go on: one listener ends them all with the process. */
  const open = new Set<AbortController>()
  proc.killed.addEventListener('abort', () => { for (const each of open) each.abort() }, { once: true })
  const folder = (resource: ResourceRef, namespace?: string) => {
    const at = resource.indexOf('.')
    const group = at < 0 ? '/api/v1' : `/apis/${resource.slice(at + 1)}/v1`
    return `${group}${namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''}/${at < 0 ? resource : resource.slice(0, at)}`
  }
  const one = (resource: ResourceRef, name: string, namespace?: string, subresource?: string) => `${folder(resource, namespace)}/${encodeURIComponent(name)}${subresource ? `/${subresource}` : ''}`
  const query = (entries: Readonly<Record<string, string | number | boolean | undefined>>) => {
    const text = new URLSearchParams(Object.entries(entries).flatMap(([key, value]) => value === undefined || value === false ? [] : [[key, String(value)]])).toString()
    return text === '' ? '' : `?${text}`
  }
  const written = ({ dryRun, fieldManager }: WriteOptions = {}) => query({ dryRun: dryRun ? 'All' : undefined, fieldManager })
  const selected = ({ labelSelector, fieldSelector, limit, continue: next, resourceVersion }: ListOptions) => ({ labelSelector, fieldSelector, limit, continue: next, resourceVersion })
  const call = async <T>(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<T> => {
    const response = await client.fetch(path, { method, ...(body === undefined ? {} : { headers: { 'content-type': contentType }, body: JSON.stringify(body) }) })
    const answer = await response.json() as unknown
    if (response.status >= 400) throw new StatusError(answer as Status)
    return answer as T
  }
  const named = (object: unknown) => (object as KubeObject).metadata
  return {
    get: (resource, name, namespace) => call('GET', one(resource, name, namespace)),
    async list<T = KubeObject>(resource: ResourceRef, options: ListOptions = {}) {
      const list = await call<KubeList<T>>('GET', `${folder(resource, options.namespace)}${query(selected(options))}`)
      const { apiVersion, kind } = list as unknown as { apiVersion: string; kind: string }
      return { ...list, items: list.items.map((item) => ({ apiVersion, kind: kind.replace(/List$/, ''), ...item })) }
    },
    watch(resource, options, onEvents, onEnd) {
      const abort = new AbortController()
      open.add(abort)
      const follow = async () => {
        const response = await client.fetch(`${folder(resource, options.namespace)}${query({ ...selected(options), watch: true, allowWatchBookmarks: true })}`, { signal: abort.signal })
        if (response.status !== 200) throw new StatusError(await response.json() as Status)
        for await (const line of readLines(fromWebStream(response.body!))) {
          if (abort.signal.aborted) return
          const event = JSON.parse(line) as WatchEvent<never> & { type: string; object: unknown }
          if (event.type === 'ERROR') throw new StatusError(event.object as Status)
          onEvents([event])
        }
      }
      follow().then(() => { if (!abort.signal.aborted) onEnd?.() }, (error: unknown) => { if (!abort.signal.aborted) onEnd?.(error) }).finally(() => open.delete(abort))
      return { stop: () => abort.abort() }
    },
    create: (resource, object, options) => call('POST', `${folder(resource, named(object).namespace)}${written(options)}`, object),
    update: (resource, object, options) => call('PUT', `${one(resource, named(object).name!, named(object).namespace, options?.subresource)}${written(options)}`, object),
    updateStatus: (resource, object, options) => call('PUT', `${one(resource, named(object).name!, named(object).namespace, 'status')}${written(options)}`, object),
    patch: (resource, name, namespace, type, patch, options) => call('PATCH', `${one(resource, name, namespace, options?.subresource)}${written(options)}`, patch, type),
    async delete(resource, name, namespace, { dryRun, ...options } = {}) {
      await call('DELETE', `${one(resource, name, namespace)}${written(dryRun ? { dryRun } : {})}`, { apiVersion: 'v1', kind: 'DeleteOptions', ...options })
    },
    async deleteCollection(resource, list, { dryRun, ...options } = {}) {
      await call('DELETE', `${folder(resource, list.namespace)}${query({ ...selected(list), dryRun: dryRun ? 'All' : undefined })}`, { apiVersion: 'v1', kind: 'DeleteOptions', ...options })
    },
    createSubresource: (resource, name, namespace, subresource, body) => call('POST', one(resource, name, namespace, subresource), body),
  }
}
