import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { isStatusError } from '../kinds/status-error.ts'
import type { KubeObject, ResourceRef } from '../kinds/object.ts'
import type { Api } from './api.ts'
import type { EventRecorder } from './event-recorder.ts'
import { keyOf, type Change, type Informer, type Informers, type ObjectKey } from './informers.ts'
import { controllerOf } from './owner-references.ts'
import { WorkQueue, type Retry } from './work-queue.ts'
import type { QueueCounters } from './work-queue-metrics.ts'

/** Reads of the shared caches. Everything is frozen and may be a moment old. */
export interface Cache {
  get<T extends KubeObject = KubeObject>(resource: ResourceRef, key: ObjectKey): T | undefined
  list<T extends KubeObject = KubeObject>(resource: ResourceRef, namespace?: string): readonly T[]
  /** Objects of `resource` that `owner` controls. */
  ownedBy<T extends KubeObject = KubeObject>(owner: KubeObject, resource: ResourceRef): readonly T[]
  byIndex<T extends KubeObject = KubeObject>(resource: ResourceRef, index: string, value: string): readonly T[]
}

export interface ControllerContext {
  /** The API as the controller's own user. The runner remembers its writes until the cache shows them. */
  api: Api
  cache: Cache
  informers: Informers
  clock: Clock
  random: Random
  log: Log
  events: EventRecorder
  /** Adds another key of this controller, now or later. */
  enqueue(key: ObjectKey, delayMs?: number): void
  /** Consecutive failures of a key. */
  failures(key: ObjectKey): number
}

export interface ReconcileResult {
  /** Look again after this time. */
  requeueAfterMs?: number
}

/** Maps changes of another resource to keys of this controller. */
export interface ControllerWatch {
  resource: ResourceRef
  /** Keys that a change concerns. */
  keys: (change: Change<any>, context: ControllerContext) => Iterable<ObjectKey>
}

/** A control loop over one resource: what it watches, and what it does for a key. */
export interface Controller {
  name: string
  /** The resource whose keys are reconciled. */
  for: ResourceRef
  /** Resources whose objects lead to the key of their controlling owner. */
  owns?: readonly ResourceRef[]
  watches?: readonly ControllerWatch[]
  /** Resources that are only read. */
  reads?: readonly ResourceRef[]
  /** Indexes the controller needs. */
  indexes?: readonly { resource: ResourceRef; name: string; values: (object: any) => readonly string[] }[]
  /** Keys worked on at once (default 5). */
  workers?: number
  /** Least time between two runs for the same key; see {@link WorkQueueOptions.minIntervalMs}. */
  minIntervalMs?: number | ((key: ObjectKey, cache: ControllerContext['cache']) => number)
  /** How keys that failed come back. */
  retry?: Retry
  /** Whether a change of the own resource leads to a run (default: always). */
  wants?: (change: Change<any>) => boolean
  /** Called once before the first run, after the caches have synced. */
  start?(context: ControllerContext): void | (() => void)
  reconcile(key: ObjectKey, context: ControllerContext): Promise<ReconcileResult | void>
}

export interface ControllerRunnerOptions {
  informers: Informers
  api: Api
  clock: Clock
  random: Random
  log: Log
  events: EventRecorder
  /** Counts the controller's work. */
  counters?: QueueCounters
}

export interface RunningController {
  stop(): void
}

/** How long a run waits to see its own writes. k8s: ExpectationsTimeout */
const EXPECTATIONS_TIMEOUT_MS = 300_000

/** Runs one controller until it is stopped. */
export function runController(controller: Controller, options: ControllerRunnerOptions): RunningController {
  const { informers, clock, log } = options
  const stops: (() => void)[] = []
  let stopped = false
  const main = informers.for(controller.for)
  const watched = new Map<ResourceRef, Informer>([[controller.for, main]])
  const informer = (resource: ResourceRef) => {
    let found = watched.get(resource)
    if (!found) watched.set(resource, found = informers.for(resource))
    return found
  }
  for (const resource of [...controller.owns ?? [], ...controller.reads ?? []]) informer(resource)
  for (const { resource } of controller.watches ?? []) informer(resource)
  for (const { resource, name, values } of controller.indexes ?? []) informer(resource).addIndex(name, values)

  const cache = cacheOver(informer)
  const { minIntervalMs } = controller
  const queue = new WorkQueue({
    clock,
    workers: controller.workers ?? 5,
    ...(controller.retry ? { retry: controller.retry } : {}),
    ...(options.counters ? { counters: options.counters } : {}),
    ...(minIntervalMs === undefined ? {} : { minIntervalMs: typeof minIntervalMs === 'number' ? minIntervalMs : (key) => minIntervalMs(key, cache) }),
    process: async (key) => {
      if (stopped) return
      const writes = new SeenWrites(informer, watched, options.api)
      try {
        const result = await controller.reconcile(key, { ...context, api: writes })
        queue.forget(key)
        if (result?.requeueAfterMs !== undefined) queue.addAfter(key, Math.max(1, result.requeueAfterMs))
      } catch (error) {
        if (stopped) return
        // Someone else was faster: expected, and cured by looking again.
        if (isStatusError(error, 'Conflict')) log.debug(`${controller.name}: ${key}`, { error: String(error) })
        else if (isStatusError(error)) log.info(`${controller.name}: ${key}`, { error: String(error), failures: queue.failures(key) })
        else log.error(`${controller.name}: ${key}`, { error: String((error as Error)?.stack ?? error), failures: queue.failures(key) })
        queue.addRateLimited(key)
      }
      const unseen = writes.unseen()
      if (unseen) await withTimeout(unseen, clock)
    },
  })
  const context: ControllerContext = {
    api: options.api, cache, informers, clock, random: options.random, log, events: options.events,
    enqueue: (key, delayMs) => delayMs === undefined ? queue.add(key) : queue.addAfter(key, delayMs),
    failures: (key) => queue.failures(key),
  }

  void (async () => {
    await Promise.all([...watched.values()].map((i) => i.synced()))
    if (stopped) return
    const stop = controller.start?.(context)
    if (stop) stops.push(stop)
    stops.push(main.onChanges((changes) => {
      for (const change of changes) if (!controller.wants || controller.wants(change)) queue.add(keyOf(change.object))
    }))
    for (const resource of controller.owns ?? []) stops.push(informer(resource).onChanges((changes) => {
      for (const { object, old } of changes) {
        const owner = controllerOf(object)
        const before = old && controllerOf(old)
        if (before && before.uid !== owner?.uid) enqueueOwner(object, before.uid, before.name)
        if (owner) enqueueOwner(object, owner.uid, owner.name)
      }
    }))
    for (const { resource, keys } of controller.watches ?? []) stops.push(informer(resource).onChanges((changes) => {
      for (const change of changes) for (const key of keys(change, context)) queue.add(key)
    }))
  })()

  function enqueueOwner(object: KubeObject, uid: string, name: string): void {
    const { namespace } = object.metadata
    const key = namespace ? `${namespace}/${name}` : name
    const owner = main.get(key)
    if (owner && owner.metadata.uid === uid) queue.add(key)
  }

  return {
    stop() {
      stopped = true
      queue.stop()
      for (const stop of stops) stop()
    },
  }
}

function cacheOver(informer: (resource: ResourceRef) => Informer): Cache {
  return {
    get: <T extends KubeObject>(resource: ResourceRef, key: ObjectKey) => informer(resource).get(key) as T | undefined,
    list: <T extends KubeObject>(resource: ResourceRef, namespace?: string) => informer(resource).list(namespace) as readonly T[],
    ownedBy: <T extends KubeObject>(owner: KubeObject, resource: ResourceRef) => informer(resource).ownedBy(owner.metadata.uid!) as readonly T[],
    byIndex: <T extends KubeObject>(resource: ResourceRef, index: string, value: string) => informer(resource).byIndex(index, value) as readonly T[],
  }
}

async function withTimeout(work: Promise<unknown>, clock: Clock): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = clock.after(EXPECTATIONS_TIMEOUT_MS, resolve)
    void work.then(() => { timer.cancel(); resolve() })
  })
}

/**
 * An Api that remembers which revision of which resource its writes made, so that the runner can hold a key until the caches show them:
 * what upstream's controllers do with expectations.
 */
class SeenWrites implements Api {
  readonly #informer: (resource: ResourceRef) => Informer
  readonly #watched: ReadonlyMap<ResourceRef, Informer>
  readonly #api: Api
  readonly #newest = new Map<ResourceRef, number>()
  readonly #deleted: { resource: ResourceRef; key: ObjectKey; uid: string }[] = []

  constructor(informer: (resource: ResourceRef) => Informer, watched: ReadonlyMap<ResourceRef, Informer>, api: Api) {
    this.#informer = informer
    this.#watched = watched
    this.#api = api
  }

  unseen(): Promise<unknown> | undefined {
    const waits: Promise<unknown>[] = []
    for (const [resource, revision] of this.#newest) {
      const wait = this.#informer(resource).whenSeen(revision)
      if (wait) waits.push(wait)
    }
    for (const { resource, key, uid } of this.#deleted) {
      const wait = whenDying(this.#informer(resource), key, uid)
      if (wait) waits.push(wait)
    }
    return waits.length > 0 ? Promise.all(waits) : undefined
  }

  get: Api['get'] = (resource, name, namespace) => this.#api.get(resource, name, namespace)
  list: Api['list'] = (resource, options) => this.#api.list(resource, options)
  watch: Api['watch'] = (resource, options, onEvents, onEnd) => this.#api.watch(resource, options, onEvents, onEnd)
  create: Api['create'] = (resource, object, options) => this.#note(resource, this.#api.create(resource, object, options))
  update: Api['update'] = (resource, object, options) => this.#note(resource, this.#api.update(resource, object, options))
  updateStatus: Api['updateStatus'] = (resource, object, options) => this.#note(resource, this.#api.updateStatus(resource, object, options))
  patch: Api['patch'] = (resource, name, namespace, type, patch, options) => this.#note(resource, this.#api.patch(resource, name, namespace, type, patch, options))
  delete: Api['delete'] = async (resource, name, namespace, options) => {
    const key = namespace ? `${namespace}/${name}` : name
    const uid = this.#watched.has(resource) ? this.#informer(resource).get(key)?.metadata.uid : undefined
    await this.#api.delete(resource, name, namespace, options)
    if (uid) this.#deleted.push({ resource, key, uid })
  }
  deleteCollection: Api['deleteCollection'] = (resource, list, options) => this.#api.deleteCollection(resource, list, options)
  createSubresource: Api['createSubresource'] = (resource, name, namespace, subresource, body) => this.#api.createSubresource(resource, name, namespace, subresource, body)

  async #note<T>(resource: ResourceRef, work: Promise<T>): Promise<T> {
    const result = await work
    if (this.#watched.has(resource)) {
      const revision = Number((result as KubeObject).metadata?.resourceVersion)
      if (revision > (this.#newest.get(resource) ?? 0)) this.#newest.set(resource, revision)
    }
    return result
  }
}

/** Resolves once the cache shows the object as gone, replaced or being deleted; undefined when it does already. */
function whenDying(informer: Informer, key: ObjectKey, uid: string): Promise<void> | undefined {
  const dying = () => {
    const object = informer.get(key)
    return !object || object.metadata.uid !== uid || object.metadata.deletionTimestamp !== undefined
  }
  if (dying()) return undefined
  return new Promise((resolve) => {
    const stop = informer.onChanges(() => {
      if (!dying()) return
      // onChanges calls back at once with what is there: `stop` may not exist yet.
      void Promise.resolve().then(() => stop())
      resolve()
    })
  })
}
