import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { isStatusError } from '../kinds/status-error.ts'
import type { KubeObject, ResourceRef, WatchEvent } from '../kinds/object.ts'
import type { Api, WatchHandle } from './api.ts'
import { controllerOf } from './owner-references.ts'

/** `namespace/name`, or `name` for cluster objects. */
export type ObjectKey = string

export function keyOf(object: KubeObject): ObjectKey {
  const { namespace, name } = object.metadata
  return namespace ? `${namespace}/${name}` : name!
}

/** What became of one object. */
export type Change<T = KubeObject> =
  | { type: 'add'; object: T; old?: undefined }
  | { type: 'update'; object: T; old: T }
  /** `object` is the last state that was seen. */
  | { type: 'delete'; object: T; old?: undefined }

export type ChangeHandler<T = KubeObject> = (changes: readonly Change<T>[]) => void

/** Values under which an object is found; computed once per revision. */
export type IndexFunction<T> = (object: T) => readonly string[]

/** A shared, always current copy of one resource, with indexes. Everything that comes out is frozen. */
export interface Informer<T extends KubeObject = KubeObject> {
  readonly resource: ResourceRef
  readonly hasSynced: boolean
  /** Resolves once the first list is in the cache. */
  synced(): Promise<void>
  get(key: ObjectKey): T | undefined
  /** All objects (of a namespace), oldest arrival first. */
  list(namespace?: string): readonly T[]
  readonly size: number
  /** Adds an index; a second one of the same name is ignored, so that sharers needn't agree who comes first. */
  addIndex(name: string, values: IndexFunction<T>): void
  /** Objects under a value of an index. @throws Error for an index nobody added. */
  byIndex(name: string, value: string): readonly T[]
  /** Objects whose controller reference has this uid. */
  ownedBy(uid: string): readonly T[]
  /** Calls `handler` with every batch of changes, and once with all that is there already. Returns the way to stop. */
  onChanges(handler: ChangeHandler<T>): () => void
  /** The newest revision this cache has seen. */
  readonly seenRevision: number
  /** Resolves once {@link seenRevision} is at least `revision`; undefined when it is already. */
  whenSeen(revision: number): Promise<void> | undefined
}

/** Informers by resource, shared by everyone in the process. */
export interface Informers {
  /** The resource's informer; it starts listing at once. */
  for<T extends KubeObject = KubeObject>(resource: ResourceRef): Informer<T>
  /** The informer if someone asked for it before. */
  existing<T extends KubeObject = KubeObject>(resource: ResourceRef): Informer<T> | undefined
  /** Ends and forgets one informer (its resource is gone). */
  drop(resource: ResourceRef): void
  /** Resolves once every informer asked for so far has its first list. */
  synced(): Promise<void>
  stop(): void
}

export interface InformersOptions {
  api: Api
  clock: Clock
  log: Log
}

const OWNER_INDEX = 'controller-uid'
const NAMESPACE_INDEX = 'namespace'
/** k8s: client-go/tools/cache reflector (800 ms to 30 s, factor 2) */
const RELIST_FIRST_MS = 800
const RELIST_MAX_MS = 30_000

export function createInformers(options: InformersOptions): Informers {
  const informers = new Map<ResourceRef, SharedInformer>()
  let stopped = false
  return {
    for<T extends KubeObject>(resource: ResourceRef) {
      let informer = informers.get(resource)
      if (!informer) {
        informer = new SharedInformer(resource, options)
        informers.set(resource, informer)
        if (!stopped) informer.start()
      }
      return informer as unknown as Informer<T>
    },
    existing<T extends KubeObject>(resource: ResourceRef) {
      return informers.get(resource) as unknown as Informer<T> | undefined
    },
    drop(resource) {
      informers.get(resource)?.stop()
      informers.delete(resource)
    },
    async synced() {
      await Promise.all([...informers.values()].map((informer) => informer.synced()))
    },
    stop() {
      stopped = true
      for (const informer of informers.values()) informer.stop()
    },
  }
}

interface Index {
  values: IndexFunction<KubeObject>
  entries: Map<string, Map<ObjectKey, KubeObject>>
}

class SharedInformer implements Informer {
  readonly resource: ResourceRef
  readonly #api: Api
  readonly #clock: Clock
  readonly #log: Log
  readonly #objects = new Map<ObjectKey, KubeObject>()
  readonly #indexes = new Map<string, Index>()
  /** The same, for the way of every event. */
  readonly #indexList: Index[] = []
  #handlers: ChangeHandler[] = []
  #watch: WatchHandle | undefined
  #retry: Timer | undefined
  #retryMs = RELIST_FIRST_MS
  #stopped = false
  #hasSynced = false
  #markSynced!: () => void
  readonly #synced: Promise<void>
  #seenRevision = 0
  #waiting: { revision: number; resolve: () => void }[] = []

  constructor(resource: ResourceRef, { api, clock, log }: InformersOptions) {
    this.resource = resource
    this.#api = api
    this.#clock = clock
    this.#log = log
    this.#synced = new Promise((resolve) => { this.#markSynced = resolve })
    this.addIndex(NAMESPACE_INDEX, (object) => [object.metadata.namespace ?? ''])
  }

  get hasSynced(): boolean { return this.#hasSynced }
  get size(): number { return this.#objects.size }
  get seenRevision(): number { return this.#seenRevision }

  synced(): Promise<void> { return this.#synced }

  get(key: ObjectKey): KubeObject | undefined { return this.#objects.get(key) }

  list(namespace?: string): readonly KubeObject[] {
    return namespace ? this.byIndex(NAMESPACE_INDEX, namespace) : [...this.#objects.values()]
  }

  addIndex(name: string, values: IndexFunction<any>): void {
    if (this.#indexes.has(name)) return
    const index: Index = { values, entries: new Map() }
    this.#indexes.set(name, index)
    this.#indexList.push(index)
    for (const [key, object] of this.#objects) enter(index, key, object)
  }

  byIndex(name: string, value: string): readonly KubeObject[] {
    const index = this.#indexes.get(name)
    if (!index) throw new Error(`informer of ${this.resource} has no index ${name}`)
    const found = index.entries.get(value)
    return found ? [...found.values()] : NOTHING
  }

  ownedBy(uid: string): readonly KubeObject[] {
    this.addIndex(OWNER_INDEX, controllerUid)
    return this.byIndex(OWNER_INDEX, uid)
  }

  onChanges(handler: ChangeHandler<any>): () => void {
    this.#handlers.push(handler)
    if (this.#objects.size > 0) handler([...this.#objects.values()].map((object) => ({ type: 'add', object })))
    return () => { this.#handlers = this.#handlers.filter((h) => h !== handler) }
  }

  whenSeen(revision: number): Promise<void> | undefined {
    if (this.#stopped || revision <= this.#seenRevision) return undefined
    return new Promise((resolve) => this.#waiting.push({ revision, resolve }))
  }

  start(): void {
    void this.#listAndWatch()
  }

  stop(): void {
    this.#stopped = true
    this.#retry?.cancel()
    this.#watch?.stop()
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }

  async #listAndWatch(): Promise<void> {
    this.#watch = undefined
    let resourceVersion: string
    try {
      const list = await this.#api.list(this.resource, { resourceVersion: '0' })
      if (this.#stopped) return
      resourceVersion = list.metadata.resourceVersion ?? '0'
      this.#replace(list.items)
      this.#saw(Number(resourceVersion))
    } catch (error) {
      this.#later(error)
      return
    }
    if (!this.#hasSynced) {
      this.#hasSynced = true
      this.#markSynced()
    }
    this.#retryMs = RELIST_FIRST_MS
    this.#startWatch(resourceVersion)
  }

  #startWatch(resourceVersion: string): void {
    let ended = false
    const watch = this.#api.watch(this.resource, { resourceVersion }, (events) => this.#apply(events), (error) => {
      if (ended || this.#stopped) return
      ended = true
      this.#watch = undefined
      // A watch that ends in peace goes on from the last revision; only a lost history needs a new list. k8s: reflector watchWithResync
      if (error === undefined && this.#seenRevision > 0) this.#retry = this.#clock.after(0, () => this.#startWatch(String(this.#seenRevision)))
      else if (isStatusError(error, 'Expired', 'Gone')) void this.#listAndWatch()
      else this.#later(error)
    })
    if (!ended) this.#watch = watch
  }

  #later(error: unknown): void {
    if (this.#stopped) return
    this.#log.debug(`list and watch of ${this.resource} will be tried again`, { error: String(error), delayMs: this.#retryMs })
    this.#retry = this.#clock.after(this.#retryMs, () => void this.#listAndWatch())
    this.#retryMs = Math.min(this.#retryMs * 2, RELIST_MAX_MS)
  }

  /** Takes a whole list: what isn't in it has been deleted while nobody looked. */
  #replace(items: readonly KubeObject[]): void {
    const changes: Change[] = []
    const gone = new Map(this.#objects)
    for (const object of items) {
      const key = keyOf(object)
      gone.delete(key)
      const old = this.#objects.get(key)
      if (old && old.metadata.resourceVersion === object.metadata.resourceVersion) continue
      this.#put(key, object, old, changes)
    }
    for (const [key, object] of gone) this.#remove(key, object, changes)
    this.#tell(changes)
  }

  #apply(events: readonly WatchEvent[]): void {
    if (this.#stopped) return
    const changes: Change[] = []
    let newest = this.#seenRevision
    for (const { type, object } of events) {
      if (type === 'ERROR') continue
      const revision = Number(object.metadata.resourceVersion)
      if (revision > newest) newest = revision
      if (type === 'BOOKMARK') continue
      const key = keyOf(object)
      const old = this.#objects.get(key)
      if (type === 'DELETED') {
        if (old) this.#remove(key, object, changes)
      } else this.#put(key, object, old, changes)
    }
    this.#tell(changes)
    this.#saw(newest)
  }

  #put(key: ObjectKey, object: KubeObject, old: KubeObject | undefined, changes: Change[]): void {
    // Another object under the same name: its deletion was missed or is in the same batch.
    if (old && old.metadata.uid !== object.metadata.uid) {
      this.#remove(key, old, changes)
      old = undefined
    }
    this.#objects.set(key, object)
    for (let i = 0; i < this.#indexList.length; i++) {
      const index = this.#indexList[i]!
      if (old) replace(index, key, old, object)
      else enter(index, key, object)
    }
    changes.push(old ? { type: 'update', object, old } : { type: 'add', object })
  }

  #remove(key: ObjectKey, last: KubeObject, changes: Change[]): void {
    const old = this.#objects.get(key)
    this.#objects.delete(key)
    if (old) for (const index of this.#indexList) leave(index, key, old)
    changes.push({ type: 'delete', object: last })
  }

  #tell(changes: readonly Change[]): void {
    if (changes.length === 0) return
    for (const handler of this.#handlers) {
      try {
        handler(changes)
      } catch (error) {
        this.#log.error(`a handler of ${this.resource} failed`, { error: String((error as Error)?.stack ?? error) })
      }
    }
  }

  #saw(revision: number): void {
    if (!(revision > this.#seenRevision)) return
    this.#seenRevision = revision
    if (this.#waiting.length === 0) return
    const still = []
    for (const waiter of this.#waiting) {
      if (waiter.revision <= revision) waiter.resolve()
      else still.push(waiter)
    }
    this.#waiting = still
  }
}

const NOTHING: readonly never[] = Object.freeze([])

function controllerUid(object: KubeObject): readonly string[] {
  const owner = controllerOf(object)
  return owner ? [owner.uid] : NOTHING
}

function enter(index: Index, key: ObjectKey, object: KubeObject): void {
  for (const value of index.values(object)) {
    let entry = index.entries.get(value)
    if (!entry) index.entries.set(value, entry = new Map())
    entry.set(key, object)
  }
}

function leave(index: Index, key: ObjectKey, object: KubeObject): void {
  for (const value of index.values(object)) {
    const entry = index.entries.get(value)
    if (entry?.delete(key) && entry.size === 0) index.entries.delete(value)
  }
}

function replace(index: Index, key: ObjectKey, old: KubeObject, object: KubeObject): void {
  const before = index.values(old)
  const after = index.values(object)
  if (before.length === after.length && before.every((value, i) => value === after[i])) {
    for (const value of after) index.entries.get(value)?.set(key, object)
    return
  }
  leave(index, key, old)
  enter(index, key, object)
}
