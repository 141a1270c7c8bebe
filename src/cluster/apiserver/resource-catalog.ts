import type { Clock } from '../../base/clock.ts'
import type { Etcd } from '../etcd/etcd.ts'
import type { Kind } from '../kinds/kind.ts'
import { resourceRef, type KubeObject, type ResourceRef } from '../kinds/object.ts'
import { apiError } from '../kinds/status-error.ts'
import { Endpoint } from './endpoint.ts'
import { ObjectLeases } from './object-leases.ts'
import { ResourceStore } from './resource-store.ts'
import type { Reader } from './seams.ts'

/**
 * Which resources there are: stores by their place in etcd, endpoints by group, version and resource. Feeds every commit of etcd to
 * the store it concerns.
 */
export class ResourceCatalog {
  readonly #etcd: Etcd
  /** Of objects that live for some time only. */
  readonly leases: ObjectLeases
  readonly #stores = new Map<string, ResourceStore>()
  readonly #endpoints = new Map<string, Endpoint>()
  /** Endpoint by which in-process parts name a resource. */
  readonly #byRef = new Map<ResourceRef, Endpoint>()
  readonly #versions = new Map<string, Kind[]>()
  readonly #stopListening: () => void
  readonly reader: Reader

  constructor(options: { etcd: Etcd; clock: Clock; kinds: readonly Kind[] }) {
    this.#etcd = options.etcd
    this.leases = new ObjectLeases(options.etcd, options.clock)
    // Storage versions first: a store must know the kind that etcd holds.
    const kinds = options.kinds
    for (const kind of kinds) if (isStorageKind(kind)) this.install(kind)
    for (const kind of kinds) if (!isStorageKind(kind)) this.install(kind)
    this.#stopListening = this.#etcd.onCommit((commit, previous) => {
      for (let i = 0; i < commit.changes.length; i++) {
        const change = commit.changes[i]!
        this.#storeOfKey(change.key)?.apply(change, previous[i])
      }
    })
    this.reader = {
      kindOf: (apiVersion, kind) => this.#versions.get(apiVersion.includes('/') ? apiVersion : `/${apiVersion}`)?.find((other) => other.kind === kind),
      equivalentsOf: (kind) => this.kinds().filter((other) => other.storagePrefix === kind.storagePrefix),
      get: <T>(ref: ResourceRef, namespace: string | undefined, name: string) => {
        const endpoint = this.byRef(ref)
        const object = endpoint.store.get(namespace ?? '', name)
        return (object && endpoint.kind.custom ? endpoint.inHub(object) : object) as T | undefined
      },
      list: <T>(ref: ResourceRef, namespace?: string) => {
        const endpoint = this.byRef(ref)
        const objects = endpoint.store.listed(namespace)
        return (endpoint.kind.custom ? objects.map((object) => endpoint.inHub(object)) : objects) as readonly T[]
      },
      onChange: (ref, listener) => this.byRef(ref).store.onChange(listener),
    }
  }

  install(kind: Kind): void {
    let store = this.#stores.get(kind.storagePrefix)
    if (!store) {
      store = new ResourceStore(this.#etcd, kind, this.leases)
      this.#stores.set(kind.storagePrefix, store)
    } else if (isStorageKind(kind)) store.kind = kind
    const endpoint = new Endpoint(kind, store)
    this.#endpoints.set(`${kind.group}/${kind.version}/${kind.resource}`, endpoint)
    const ref = resourceRef(kind.resource, kind.group)
    if (!this.#byRef.has(ref) || kind.version === kind.storageVersion) this.#byRef.set(ref, endpoint)
    const gv = `${kind.group}/${kind.version}`
    const others = (this.#versions.get(gv) ?? []).filter((other) => other.resource !== kind.resource)
    this.#versions.set(gv, [...others, kind])
  }

  remove(kind: Kind): void {
    const key = `${kind.group}/${kind.version}/${kind.resource}`
    const endpoint = this.#endpoints.get(key)
    if (!endpoint) return
    this.#endpoints.delete(key)
    const gv = `${kind.group}/${kind.version}`
    const left = (this.#versions.get(gv) ?? []).filter((other) => other.resource !== kind.resource)
    if (left.length > 0) this.#versions.set(gv, left)
    else this.#versions.delete(gv)
    const ref = resourceRef(kind.resource, kind.group)
    const rest = [...this.#endpoints.values()].filter((other) => other.ref === ref)
    if (rest.length > 0) this.#byRef.set(ref, rest.find((other) => other.isStorageVersion) ?? rest[0]!)
    else this.#byRef.delete(ref)
    if (![...this.#endpoints.values()].some((other) => other.store === endpoint.store)) {
      endpoint.store.stopWatches()
      this.#stores.delete(kind.storagePrefix)
    }
  }

  find(group: string, version: string, resource: string): Endpoint | undefined {
    return this.#endpoints.get(`${group}/${version}/${resource}`)
  }

  /** Whether built-in kinds belong to the group. */
  hasBuiltInGroup(group: string): boolean {
    for (const endpoint of this.#endpoints.values()) if (endpoint.kind.group === group && !endpoint.kind.custom) return true
    return false
  }

  /** Every kind that is served. */
  kinds(): Kind[] {
    return [...this.#endpoints.values()].map((endpoint) => endpoint.kind)
  }

  endpoints(): IterableIterator<Endpoint> {
    return this.#endpoints.values()
  }

  /** @throws StatusError 404 for a resource that isn't served. */
  byRef(ref: ResourceRef): Endpoint {
    const endpoint = this.#byRef.get(ref)
    if (!endpoint) throw unknownResource()
    return endpoint
  }

  /** The endpoint for an object as its apiVersion names it, or the one of the ref. */
  forObject(ref: ResourceRef, object: Partial<KubeObject>): Endpoint {
    const endpoint = this.byRef(ref)
    if (!object.apiVersion || object.apiVersion === endpoint.apiVersion) return endpoint
    const version = object.apiVersion.slice(object.apiVersion.lastIndexOf('/') + 1)
    return this.find(endpoint.kind.group, version, endpoint.kind.resource) ?? endpoint
  }

  /** Forgets history up to a revision, in etcd and for watches. */
  compact(revision: number): void {
    if (revision > this.#etcd.compactRevision) this.#etcd.compact(revision)
    for (const store of this.#stores.values()) store.compact(revision)
  }

  stop(): void {
    this.#stopListening()
    for (const store of this.#stores.values()) store.stopWatches()
  }

  #storeOfKey(key: string): ResourceStore | undefined {
    // `/registry/pods/...`, or two segments: `/registry/services/specs/...`, `/registry/example.com/widgets/...`
    const first = key.indexOf('/', PREFIX_LENGTH)
    if (!key.startsWith('/registry/') || first < 0) return undefined
    const one = this.#stores.get(key.slice(PREFIX_LENGTH, first))
    if (one) return one
    const second = key.indexOf('/', first + 1)
    return second < 0 ? undefined : this.#stores.get(key.slice(PREFIX_LENGTH, second))
  }
}

const PREFIX_LENGTH = '/registry/'.length

function isStorageKind(kind: Kind): boolean {
  return kind.version === kind.storageVersion && (kind.storageGroup === undefined || kind.storageGroup === kind.group)
}

/** k8s: go-restful's 404 within a known group version. */
export function unknownResource() {
  return apiError.generic(404, 'NotFound', 'the server could not find the requested resource', {})
}
