import { thaw } from '../../base/freeze.ts'
import type { Clock, Lane } from '../../base/clock.ts'
import type { Etcd } from '../etcd/etcd.ts'
import type { Api, DeleteOptions, ListOptions, PatchType, WatchHandle, WriteOptions } from '../client/api.ts'
import { DecodeError, decodeObject } from '../kinds/decode.ts'
import type { KubeList, KubeObject, ResourceRef, WatchEvent } from '../kinds/object.ts'
import { apiError } from '../kinds/status-error.ts'
import { checkAccess } from './access.ts'
import { convertedWatch } from './converted-watch.ts'
import { ignoreWarning } from './admission-chain.ts'
import type { Endpoint } from './endpoint.ts'
import { listObjects, selectionOf } from './listing.ts'
import type { DeleteRequest, Registry } from './registry.ts'
import type { ResourceCatalog } from './resource-catalog.ts'
import type { Authorizer, UserInfo } from './seams.ts'
import type { SubresourceOperations } from './subresources/subresource-operations.ts'
import type { ManagedWrite, WriteOperations } from './write-operations.ts'

/** The parts of the server that in-process clients work with. */
export interface InProcessParts {
  clock: Clock
  etcd: Etcd
  catalog: ResourceCatalog
  registry: Registry
  writes: WriteOperations
  subresources: SubresourceOperations
  authorizer: Authorizer
}

const ignore = () => {}

/** A client inside the process: authorization, admission and registry as over HTTP, but frozen objects instead of text. */
export class InProcessApi implements Api {
  readonly #parts: InProcessParts
  readonly #user: UserInfo
  /** Who calls for a node gives way to the others. */
  readonly #lane: Lane

  constructor(parts: InProcessParts, user: UserInfo) {
    this.#parts = parts
    this.#user = user
    this.#lane = user.groups?.includes('system:nodes') ? 'patient' : 'prompt'
  }

  async get<T = KubeObject>(ref: ResourceRef, name: string, namespace = ''): Promise<T> {
    const endpoint = this.#parts.catalog.byRef(ref)
    this.#check(endpoint, 'get', namespace, name)
    const object = endpoint.store.get(namespace, name)
    if (!object) throw apiError.notFound(endpoint.groupResource, name)
    await endpoint.ready([object])
    return endpoint.fromStorage(object) as T
  }

  async list<T = KubeObject>(ref: ResourceRef, options: ListOptions = {}): Promise<KubeList<T>> {
    const endpoint = this.#parts.catalog.byRef(ref)
    const { kind } = endpoint
    this.#check(endpoint, 'list', options.namespace ?? '', '', options)
    await this.#parts.clock.breathe(this.#lane)
    if (endpoint.convertsByWebhook) await endpoint.ready(endpoint.store.list(options.namespace))
    const listing = listObjects(this.#parts.etcd, endpoint, options.namespace, options)
    const items = endpoint.isStorageVersion ? listing.objects : listing.objects.map((object) => endpoint.fromStorage(object))
    return {
      apiVersion: endpoint.apiVersion, kind: kind.listKind, items: items as readonly T[],
      metadata: { resourceVersion: listing.resourceVersion, continue: listing.continue, remainingItemCount: listing.remainingItemCount },
    }
  }

  watch<T = KubeObject>(ref: ResourceRef, options: ListOptions & { resourceVersion: string }, onEvents: (events: readonly WatchEvent<T>[]) => void, onEnd?: (error?: unknown) => void): WatchHandle {
    let stopped = false
    try {
      const endpoint = this.#parts.catalog.byRef(ref)
      this.#check(endpoint, 'watch', options.namespace ?? '', '', options)
      const deliver = onEvents as (events: readonly WatchEvent[]) => void
      const convert = (event: WatchEvent): WatchEvent => ({ type: event.type, object: endpoint.fromStorage(event.object) })
      const from = Number(options.resourceVersion || 0)
      const { selection, sink } = convertedWatch(endpoint, selectionOf(endpoint, options.namespace, options), from, (events) => deliver(endpoint.isStorageVersion ? events : events.map(convert)), onEnd)
      return endpoint.store.watch(selection, from, from === 0, sink, onEnd)
    } catch (error) {
      Promise.resolve().then(() => { if (!stopped) onEnd?.(error) })
      return { stop: () => { stopped = true } }
    }
  }

  async create<T = KubeObject>(ref: ResourceRef, object: T, options: WriteOptions = {}): Promise<T> {
    const given = object as KubeObject
    const endpoint = this.#parts.catalog.forObject(ref, given)
    const namespace = endpoint.kind.namespaced ? given.metadata.namespace ?? '' : ''
    this.#check(endpoint, 'create', namespace, '', undefined, options.subresource)
    await this.#parts.clock.breathe(this.#lane)
    if (options.subresource) return this.createSubresource(ref, given.metadata.name ?? '', namespace, options.subresource, given) as Promise<T>
    const draft = this.#draftOf(endpoint, given)
    const virtual = this.#parts.subresources.virtualOf(endpoint)
    if (virtual) return await virtual(draft, this.#write(namespace, '', options, 'CreateOptions')) as T
    const stored = await this.#parts.writes.create(endpoint, draft, this.#write(namespace, '', options, 'CreateOptions'))
    return endpoint.fromStorage(stored) as T
  }

  async update<T = KubeObject>(ref: ResourceRef, object: T, options: WriteOptions = {}): Promise<T> {
    const given = object as KubeObject
    const endpoint = this.#parts.catalog.forObject(ref, given)
    const namespace = endpoint.kind.namespaced ? given.metadata.namespace ?? '' : ''
    const name = given.metadata.name ?? ''
    this.#check(endpoint, 'update', namespace, name, undefined, options.subresource)
    await this.#parts.clock.breathe(this.#lane)
    const request = this.#write(namespace, name, options, 'UpdateOptions')
    if (options.subresource && options.subresource !== 'status')
      return await this.#parts.subresources.update(endpoint, options.subresource, thaw(given), request) as T
    // A status write can't touch the rest, which its draft may therefore share with what is stored.
    const current = options.subresource && endpoint.isStorageVersion ? endpoint.store.get(namespace, name) : undefined
    const { object: stored } = await this.#parts.writes.update(endpoint, this.#draftOf(endpoint, given, current), request)
    return endpoint.fromStorage(stored) as T
  }

  updateStatus<T = KubeObject>(ref: ResourceRef, object: T, options: WriteOptions = {}): Promise<T> {
    return this.update(ref, object, { ...options, subresource: 'status' })
  }

  async patch<T = KubeObject>(ref: ResourceRef, name: string, namespace: string | undefined, type: PatchType, patch: unknown, options: WriteOptions & { force?: boolean } = {}): Promise<T> {
    const endpoint = this.#parts.catalog.byRef(ref)
    const inNamespace = endpoint.kind.namespaced ? namespace ?? '' : ''
    this.#check(endpoint, 'patch', inNamespace, name, undefined, options.subresource)
    await this.#parts.clock.breathe(this.#lane)
    const request = this.#write(inNamespace, name, options, 'PatchOptions')
    request.force = options.force
    if (options.subresource && options.subresource !== 'status')
      return await this.#parts.subresources.patch(endpoint, options.subresource, type, patch, request) as T
    const { object } = await this.#parts.writes.patch(endpoint, type, patch, request)
    return endpoint.fromStorage(object) as T
  }

  async delete(ref: ResourceRef, name: string, namespace?: string, options: DeleteOptions = {}): Promise<void> {
    const endpoint = this.#parts.catalog.byRef(ref)
    const inNamespace = endpoint.kind.namespaced ? namespace ?? '' : ''
    this.#check(endpoint, 'delete', inNamespace, name)
    await this.#parts.clock.breathe(this.#lane)
    await this.#parts.registry.delete(endpoint, this.#deletion(inNamespace, name, options))
  }

  async deleteCollection(ref: ResourceRef, list: ListOptions, options: DeleteOptions = {}): Promise<void> {
    const endpoint = this.#parts.catalog.byRef(ref)
    this.#check(endpoint, 'deletecollection', list.namespace ?? '', '', list)
    for (const object of listObjects(this.#parts.etcd, endpoint, list.namespace, list).objects) {
      await this.#parts.clock.breathe(this.#lane)
      await this.#parts.registry.delete(endpoint, { ...this.#deletion(object.metadata.namespace ?? '', object.metadata.name!, options), isOneOfMany: true }).catch((error) => {
        if (error?.reason !== 'NotFound') throw error
      })
    }
  }

  async createSubresource<T = KubeObject>(ref: ResourceRef, name: string, namespace: string | undefined, subresource: string, body: unknown): Promise<T> {
    const endpoint = this.#parts.catalog.byRef(ref)
    const inNamespace = endpoint.kind.namespaced ? namespace ?? '' : ''
    this.#check(endpoint, 'create', inNamespace, name, undefined, subresource)
    await this.#parts.clock.breathe(this.#lane)
    return await this.#parts.subresources.create(endpoint, subresource, thaw(body) as KubeObject, this.#write(inNamespace, name, { subresource }, 'CreateOptions')) as T
  }

  /** A fresh draft, completed and canonical as if it had come over HTTP; it shares what the giver left as it is in `current`. */
  #draftOf(endpoint: Endpoint, given: KubeObject, current?: KubeObject): KubeObject {
    let draft: KubeObject
    try {
      // Components speak protobuf.
      draft = decodeObject(endpoint.kind, given, current, true).object
    } catch (error) {
      if (error instanceof DecodeError) throw apiError.badRequest(`${endpoint.kind.kind} in version ${JSON.stringify(endpoint.kind.version)} cannot be handled as a ${endpoint.kind.kind}: ${error.message}`)
      throw error
    }
    draft.metadata ??= {}
    return draft
  }

  #write(namespace: string, name: string, options: WriteOptions, kind: string): ManagedWrite {
    return {
      user: this.#user, warn: ignoreWarning, annotate: ignore, namespace, name, subresource: options.subresource ?? '', dryRun: options.dryRun ?? false,
      manager: options.fieldManager ?? managerOf(this.#user), fieldValidation: 'Ignore', options: { kind, apiVersion: 'meta.k8s.io/v1', fieldManager: options.fieldManager },
    }
  }

  #deletion(namespace: string, name: string, options: DeleteOptions): DeleteRequest {
    return {
      user: this.#user, warn: ignore, annotate: ignore, namespace, name, subresource: '', dryRun: options.dryRun ?? false, options: { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...options },
      gracePeriodSeconds: options.gracePeriodSeconds, propagationPolicy: options.propagationPolicy, preconditions: options.preconditions,
    }
  }

  #check(endpoint: Endpoint, verb: string, namespace: string, name: string, list?: ListOptions, subresource = ''): void {
    const { kind } = endpoint
    // k8s: apiserver/pkg/endpoints/request NewRequestInfo (a list of one name counts as that name)
    name ||= /(?:^|,)metadata\.name==?([^,]*)/.exec(list?.fieldSelector ?? '')?.[1] ?? ''
    checkAccess(this.#parts.authorizer, {
      user: this.#user, verb, resourceRequest: true, group: kind.group, version: kind.version, resource: kind.resource, subresource, namespace, name,
      path: '', fieldSelector: list?.fieldSelector, labelSelector: list?.labelSelector,
    })
  }
}

/** What a user's program would call itself in its user agent. */
function managerOf(user: UserInfo): string {
  if (user.name.startsWith('system:node:')) return 'kubelet'
  if (user.name === 'system:kube-scheduler') return 'kube-scheduler'
  if (user.name === 'system:apiserver') return 'kube-apiserver'
  return 'kube-controller-manager'
}
