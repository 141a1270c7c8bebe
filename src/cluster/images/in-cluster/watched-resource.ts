import type { Proc } from '../../../unix/types.ts'
import type { ClusterClient } from './cluster-client.ts'
import { followResource } from './follow-resource.ts'

interface Named {
  metadata: { name?: string; resourceVersion?: string }
}

export interface WatchedResource<T> {
  /** By `namespace/name`, or the name alone for what has no namespace. */
  objects: ReadonlyMap<string, T>
  /** Resolves once everything that exists is known. */
  synced: Promise<void>
}

/** Keeps a copy of a resource for a program in a pod. @param path below the server @param onChange told after each change, and with the key; not while the first list comes in */
export function watchResource<T extends Named>(proc: Proc, client: ClusterClient, path: string, onChange: (key: string, object: T | undefined, before: T | undefined) => void, onError?: (message: string) => void): WatchedResource<T> {
  const objects = new Map<string, T>()
  const synced = new Promise<void>((resolve) => {
    followResource<T & { metadata: { name: string } }>({
      proc, client, path, onSynced: resolve, ...(onError ? { onError } : {}),
      onChange(full, object) {
        const key = full.startsWith('/') ? full.slice(1) : full
        const before = objects.get(key)
        if (object) objects.set(key, object)
        else objects.delete(key)
        if (before?.metadata.resourceVersion !== object?.metadata.resourceVersion || !object) onChange(key, object, before)
      },
    }).catch(() => {})
  })
  return { objects, synced }
}
