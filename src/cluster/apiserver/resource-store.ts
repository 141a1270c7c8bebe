import { deepFreeze } from '../../base/freeze.ts'
import type { Etcd } from '../etcd/etcd.ts'
import type { ObjectLeases } from './object-leases.ts'
import { prefixEnd, type Change, type KeyValue } from '../etcd/types.ts'
import type { Kind } from '../kinds/kind.ts'
import type { KubeObject, WatchEvent } from '../kinds/object.ts'
import { apiError } from '../kinds/status-error.ts'

/** Namespaces whose list is kept. */
const MAX_LISTED = 100

export type ChangeListener = (change: { object?: KubeObject; old?: KubeObject }) => void

/** One change of one object, kept for watches that start in the past. */
export interface StoreEvent {
  readonly revision: number
  /** The new state; for a deletion the last state, with the deletion's revision. */
  readonly object: KubeObject
  readonly old: KubeObject | undefined
  readonly deleted: boolean
  /** Events as watches send them, made when first needed and shared by all watchers. */
  added?: WatchEvent
  modified?: WatchEvent
  removed?: WatchEvent
}

/** What a watch of one resource wants to see. */
export interface WatchSelection {
  namespace?: string
  /** From a field selector on metadata.name. */
  name?: string
  /** From a field selector on spec.nodeName, for Pods. */
  nodeName?: string
  /** The whole of the selectors; absent: everything. */
  matches?: (object: KubeObject) => boolean
}

export interface StoreWatch {
  stop(): void
}

/** Events in order, and the revision up to which nothing else happened. */
export type WatchSink = (events: readonly WatchEvent[], revision: number) => void

/**
 * All objects of one resource in etcd, in the storage version, with the recent history that watches start from.
 * k8s: registry/generic/registry Store's storage and apiserver/pkg/storage/cacher
 */
export class ResourceStore {
  readonly #etcd: Etcd
  readonly #leases: ObjectLeases
  /** The version that etcd holds. */
  kind: Kind
  /** `/registry/pods/` */
  readonly prefix: string
  readonly #listeners: ChangeListener[] = []
  #events: StoreEvent[] = []
  /** Watches can start from this revision on. */
  #eventsSince: number
  readonly #watches = new WatchIndex()
  /** By namespace; '' for all. */
  readonly #listed = new Map<string, readonly KubeObject[]>()

  constructor(etcd: Etcd, kind: Kind, leases: ObjectLeases) {
    this.#etcd = etcd
    this.#leases = leases
    this.kind = kind
    this.prefix = `/registry/${kind.storagePrefix}/`
    this.#eventsSince = etcd.revision
  }

  /** etcd's key of an object. */
  key(namespace: string, name: string): string {
    return this.kind.namespaced ? `${this.prefix}${namespace}/${name}` : this.prefix + name
  }

  get(namespace: string, name: string): KubeObject | undefined {
    return this.#etcd.get<KubeObject>(this.key(namespace, name))?.value
  }

  /** Objects of a namespace, or all, in the order of their keys. */
  list(namespace?: string): KubeObject[] {
    const prefix = this.listPrefix(namespace)
    return this.#etcd.range<KubeObject>({ key: prefix, rangeEnd: prefixEnd(prefix) }).kvs.map((kv) => kv.value)
  }

  /** As {@link list}, kept until something changes: for what is asked with every request, such as policies and quotas. */
  listed(namespace?: string): readonly KubeObject[] {
    const key = namespace ?? ''
    const known = this.#listed.get(key)
    if (known) return known
    if (this.#listed.size >= MAX_LISTED) this.#listed.clear()
    const list = Object.freeze(this.list(namespace))
    this.#listed.set(key, list)
    return list
  }

  listPrefix(namespace: string | undefined): string {
    return namespace && this.kind.namespaced ? `${this.prefix}${namespace}/` : this.prefix
  }

  /** Stores a new object. Takes the draft over: gives it its resourceVersion and freezes it. */
  create(namespace: string, draft: KubeObject): KubeObject {
    return this.#put(this.key(namespace, draft.metadata.name!), draft)
  }

  /** Replaces `current`, which must be the object stored now. Takes the draft over. */
  replace(namespace: string, draft: KubeObject): KubeObject {
    return this.#put(this.key(namespace, draft.metadata.name!), draft)
  }

  /** Removes an object and returns its last state with the revision of the deletion. */
  remove(namespace: string, object: KubeObject): KubeObject {
    const { revision } = this.#etcd.delete(this.key(namespace, object.metadata.name!))
    return withRevision(object, revision)
  }

  onChange(listener: ChangeListener): () => void {
    this.#listeners.push(listener)
    return () => {
      const at = this.#listeners.indexOf(listener)
      if (at >= 0) this.#listeners.splice(at, 1)
    }
  }

  /** Takes note of a commit's change to one of this resource's keys. */
  apply(change: Change, previous: KeyValue | undefined): void {
    const old = previous?.value as KubeObject | undefined
    const deleted = change.type === 'delete'
    const event: StoreEvent = deleted
      ? { revision: change.modRevision, object: withRevision(old!, change.modRevision), old, deleted }
      : { revision: change.modRevision, object: change.value as KubeObject, old, deleted }
    this.#events.push(event)
    if (this.#listed.size > 0) this.#listed.clear()
    const note = deleted ? { old } : { object: event.object, old }
    for (let i = 0; i < this.#listeners.length; i++) this.#listeners[i]!(note)
    this.#watches.publish(event)
  }

  /** Forgets events up to a revision. */
  compact(revision: number): void {
    if (revision <= this.#eventsSince) return
    let gone = 0
    while (gone < this.#events.length && this.#events[gone]!.revision <= revision) gone++
    if (gone > 0) this.#events = this.#events.slice(gone)
    this.#eventsSince = revision
  }

  /**
   * Sends what happens after `fromRevision`, never synchronously.
   * With `initial`, the state now comes first as ADDED events.
   * @throws StatusError 410 when `fromRevision` is too old.
   */
  watch(selection: WatchSelection, fromRevision: number, initial: boolean, sink: WatchSink, onEnd?: () => void): StoreWatch {
    const watch = new ActiveWatch(selection, sink, () => this.#etcd.revision, onEnd)
    if (initial) {
      for (const object of this.select(selection)) watch.send({ type: 'ADDED', object })
    } else {
      if (fromRevision < this.#eventsSince) throw apiError.expired(`too old resource version: ${fromRevision} (${this.#eventsSince})`)
      for (let i = firstAfter(this.#events, fromRevision); i < this.#events.length; i++) watch.take(this.#events[i]!)
      watch.start = fromRevision
    }
    this.#watches.add(watch)
    return { stop: () => this.#watches.remove(watch) }
  }

  /** Ends all watches of the resource. */
  stopWatches(): void {
    this.#watches.clear()
  }

  select(selection: WatchSelection): KubeObject[] {
    const { matches } = selection
    if (selection.name !== undefined && (selection.namespace || !this.kind.namespaced)) {
      const object = this.get(selection.namespace ?? '', selection.name)
      return object && (!matches || matches(object)) ? [object] : []
    }
    const all = this.list(selection.namespace)
    return matches ? all.filter(matches) : all
  }

  #put(key: string, draft: KubeObject): KubeObject {
    const { ttlSeconds } = this.kind.strategy
    this.#etcd.put(key, (revision: number) => {
      draft.metadata.resourceVersion = String(revision)
      return deepFreeze(draft)
    }, ttlSeconds === undefined ? undefined : { lease: this.#leases.leaseFor(ttlSeconds) })
    return draft
  }
}

function withRevision(object: KubeObject, revision: number): KubeObject {
  return deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } })
}

function firstAfter(events: readonly StoreEvent[], revision: number): number {
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (events[middle]!.revision <= revision) low = middle + 1
    else high = middle
  }
  return low
}

class ActiveWatch {
  readonly selection: WatchSelection
  readonly #sink: WatchSink
  readonly #revision: () => number
  #pending: WatchEvent[] = []
  #awake = false
  stopped = false
  /** Called when the server ends the watch. */
  readonly onEnd: (() => void) | undefined
  /** Events up to this revision are not for this watch (a start in the future). */
  start = 0

  constructor(selection: WatchSelection, sink: WatchSink, revision: () => number, onEnd: (() => void) | undefined) {
    this.onEnd = onEnd
    this.selection = selection
    this.#sink = sink
    this.#revision = revision
  }

  take(event: StoreEvent): void {
    if (event.revision <= this.start) return
    const { namespace, name, matches } = this.selection
    const meta = event.object.metadata
    if (namespace !== undefined && meta.namespace !== namespace) return
    if (name !== undefined && meta.name !== name) return
    if (!matches) {
      this.send(event.deleted ? removedEvent(event) : event.old ? modifiedEvent(event) : addedEvent(event))
      return
    }
    // What leaves the selection is told as deleted, what enters it as added. k8s: storage/cacher cacheWatcher convertToWatchEvent
    const now = !event.deleted && matches(event.object)
    const before = event.old !== undefined && matches(event.old)
    if (now) this.send(before ? modifiedEvent(event) : addedEvent(event))
    else if (before) this.send(removedEvent(event))
  }

  send(event: WatchEvent): void {
    this.#pending.push(event)
    if (this.#awake) return
    this.#awake = true
    waiting.push(this)
    if (waiting.length === 1) Promise.resolve().then(flushWaiting)
  }

  flush(): void {
    this.#awake = false
    const events = this.#pending
    this.#pending = []
    if (!this.stopped && events.length > 0) this.#sink(events, this.#revision())
  }
}

/** Watches with something to deliver; they get what gathers until the microtask runs as one batch. */
let waiting: ActiveWatch[] = []

function flushWaiting(): void {
  const now = waiting
  waiting = []
  for (const watch of now) watch.flush()
}

function addedEvent(event: StoreEvent): WatchEvent {
  return event.added ??= Object.freeze({ type: 'ADDED', object: event.object })
}

function modifiedEvent(event: StoreEvent): WatchEvent {
  return event.modified ??= Object.freeze({ type: 'MODIFIED', object: event.object })
}

/** Carries the state that was last inside the selection, with the revision of the change. */
function removedEvent(event: StoreEvent): WatchEvent {
  return event.removed ??= Object.freeze({ type: 'DELETED', object: event.deleted ? event.object : withRevision(event.old!, event.revision) })
}

/**
 * Watches filed by what they select, so that an event reaches those it may concern without asking all: a hundred kubelets that
 * watch `spec.nodeName` cost a Pod's change one lookup. k8s: storage/cacher indexedWatchers
 */
class WatchIndex {
  readonly #all = new Set<ActiveWatch>()
  readonly #byNamespace = new Map<string, Set<ActiveWatch>>()
  readonly #byName = new Map<string, Set<ActiveWatch>>()
  readonly #byNode = new Map<string, Set<ActiveWatch>>()

  add(watch: ActiveWatch): void {
    const [index, key] = this.#placeOf(watch)
    if (!index) {
      this.#all.add(watch)
      return
    }
    const group = index.get(key)
    if (group) group.add(watch)
    else index.set(key, new Set([watch]))
  }

  remove(watch: ActiveWatch): void {
    watch.stopped = true
    const [index, key] = this.#placeOf(watch)
    if (!index) {
      this.#all.delete(watch)
      return
    }
    const group = index.get(key)
    if (group?.delete(watch) && group.size === 0) index.delete(key)
  }

  clear(): void {
    const watches = [...this.#all, ...[this.#byNamespace, this.#byName, this.#byNode].flatMap((index) => [...index.values()].flatMap((group) => [...group]))]
    for (const watch of watches) {
      this.remove(watch)
      watch.onEnd?.()
    }
  }

  publish(event: StoreEvent): void {
    for (const watch of this.#all) watch.take(event)
    if (this.#byNode.size > 0) {
      const node = nodeNameOf(event.object)
      const before = event.old && nodeNameOf(event.old)
      this.#offer(this.#byNode.get(node), event)
      if (before !== undefined && before !== node) this.#offer(this.#byNode.get(before), event)
    }
    if (this.#byName.size > 0) this.#offer(this.#byName.get(event.object.metadata.name!), event)
    if (this.#byNamespace.size > 0) this.#offer(this.#byNamespace.get(event.object.metadata.namespace ?? ''), event)
  }

  #offer(group: Set<ActiveWatch> | undefined, event: StoreEvent): void {
    if (group) for (const watch of group) watch.take(event)
  }

  #placeOf(watch: ActiveWatch): [Map<string, Set<ActiveWatch>> | undefined, string] {
    const { nodeName, name, namespace } = watch.selection
    if (nodeName !== undefined) return [this.#byNode, nodeName]
    if (name !== undefined) return [this.#byName, name]
    if (namespace !== undefined) return [this.#byNamespace, namespace]
    return [undefined, '']
  }
}

function nodeNameOf(object: KubeObject): string {
  return object['spec']?.nodeName ?? ''
}
