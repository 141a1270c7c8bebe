import type { KubeList, KubeObject, ResourceRef, WatchEvent } from '../kinds/object.ts'

export interface ListOptions {
  /** Undefined: all namespaces. */
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
  limit?: number
  continue?: string
  resourceVersion?: string
}

export interface WriteOptions {
  dryRun?: boolean
  fieldManager?: string
  /** Writes this subresource (`status`, `scale`, ...). */
  subresource?: string
}

export interface DeleteOptions {
  gracePeriodSeconds?: number
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground'
  preconditions?: { uid?: string; resourceVersion?: string }
  dryRun?: boolean
}

export type PatchType = 'application/json-patch+json' | 'application/merge-patch+json' | 'application/strategic-merge-patch+json' | 'application/apply-patch+yaml'

/** A running watch. */
export interface WatchHandle {
  stop(): void
}

/**
 * A client of the API inside the process: what controllers, scheduler and kubelets use. It skips the text codec and nothing else.
 * Objects that come out are deeply frozen and shared; `thaw` (base/freeze.ts) before changing. Objects that go in are not kept or changed.
 * Every method rejects with StatusError.
 */
export interface Api {
  get<T = KubeObject>(resource: ResourceRef, name: string, namespace?: string): Promise<T>
  list<T = KubeObject>(resource: ResourceRef, options?: ListOptions): Promise<KubeList<T>>
  /**
   * Events after `resourceVersion`, in order, in batches, never synchronously. When the server ends the watch (410 Gone, shutdown),
   * `onEnd` is called once with the reason.
   */
  watch<T = KubeObject>(resource: ResourceRef, options: ListOptions & { resourceVersion: string }, onEvents: (events: readonly WatchEvent<T>[]) => void, onEnd?: (error?: unknown) => void): WatchHandle
  create<T = KubeObject>(resource: ResourceRef, object: T, options?: WriteOptions): Promise<T>
  /** PUT: conflicts when the object's resourceVersion is not the current one. */
  update<T = KubeObject>(resource: ResourceRef, object: T, options?: WriteOptions): Promise<T>
  updateStatus<T = KubeObject>(resource: ResourceRef, object: T, options?: WriteOptions): Promise<T>
  patch<T = KubeObject>(resource: ResourceRef, name: string, namespace: string | undefined, type: PatchType, patch: unknown, options?: WriteOptions & { force?: boolean }): Promise<T>
  delete(resource: ResourceRef, name: string, namespace?: string, options?: DeleteOptions): Promise<void>
  deleteCollection(resource: ResourceRef, list: ListOptions, options?: DeleteOptions): Promise<void>
  /** POST to a subresource of an object: binding, eviction, token. */
  createSubresource<T = KubeObject>(resource: ResourceRef, name: string, namespace: string | undefined, subresource: string, body: unknown): Promise<T>
}
