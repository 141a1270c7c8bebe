import type { Clock } from '../../../base/clock.ts'
import type { Log } from '../../../base/log.ts'
import type { Api } from '../../client/api.ts'
import type { EventRecorder } from '../../client/event-recorder.ts'
import type { Informers } from '../../client/informers.ts'
import { WorkQueue } from '../../client/work-queue.ts'
import type { KubeObject, OwnerReference, ResourceRef } from '../../kinds/object.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import type { ResourceDirectory } from '../resource-directory.ts'
import { DependencyGraph, FOREGROUND, ORPHAN, type GraphNode } from './dependency-graph.ts'

export interface GarbageCollectorOptions {
  informers: Informers
  /** The API as generic-garbage-collector. */
  api: Api
  clock: Clock
  log: Log
  events: EventRecorder
  directory: ResourceDirectory
}

/** Events come and go too often, and nobody owns them. */
const IGNORED = new Set<ResourceRef>(['events', 'events.events.k8s.io'])
/** New kinds are looked for this often at most. */
const RESYNC_MS = 1000

/**
 * Deletes what has lost its owners, and lets owners go that wait for their dependents or leave them behind.
 * k8s: pkg/controller/garbagecollector
 */
export function runGarbageCollector({ informers, api, clock, log, events, directory }: GarbageCollectorOptions): { stop(): void } {
  const stops: (() => void)[] = []
  const watched = new Map<ResourceRef, () => void>()
  /** Owners that were looked for and not found. */
  const absent = new Set<string>()
  let stopped = false
  let resync: { cancel(): void } | undefined

  const graph = new DependencyGraph({
    attemptDelete: (node) => deletes.add(node.uid),
    attemptOrphan: (node) => orphans.add(node.uid),
  }, (apiVersion, kind) => directory.find(apiVersion, kind))

  const worker = (work: (node: GraphNode) => Promise<void>) => async (uid: string, queue: () => WorkQueue) => {
    const node = graph.get(uid)
    if (!node || stopped) return
    try {
      await work(node)
      queue().forget(uid)
    } catch (error) {
      log.debug(`garbage collection of ${node.kind} ${node.namespace}/${node.name} failed`, { error: String(error) })
      queue().addRateLimited(uid)
    }
  }
  const tryDelete = worker(attemptToDelete)
  const tryOrphan = worker(attemptToOrphan)
  const deletes: WorkQueue = new WorkQueue({ clock, workers: 20, process: (uid) => tryDelete(uid, () => deletes) })
  const orphans: WorkQueue = new WorkQueue({ clock, workers: 20, process: (uid) => tryOrphan(uid, () => orphans) })

  function watchAll(): void {
    const wanted = new Set<ResourceRef>()
    for (const { ref, verbs } of directory.list())
      if (!IGNORED.has(ref) && ['delete', 'list', 'watch'].every((verb) => verbs.includes(verb))) wanted.add(ref)
    for (const [ref, stop] of watched) {
      if (wanted.has(ref)) continue
      stop()
      watched.delete(ref)
      // The kind is gone, and so are its objects.
      const informer = informers.existing(ref)
      if (informer) for (const object of informer.list()) graph.remove(object.metadata.uid!)
      informers.drop(ref)
    }
    for (const ref of wanted) {
      if (watched.has(ref)) continue
      watched.set(ref, informers.for(ref).onChanges((changes) => {
        for (const { type, object } of changes) {
          if (type === 'delete') {
            absent.add(object.metadata.uid!)
            graph.remove(object.metadata.uid!)
          } else graph.observe(ref, object)
        }
        if (absent.size > 5000) absent.clear()
      }))
    }
  }

  /** The object as the API has it; undefined when it is gone or is another one by now. */
  async function latest(node: GraphNode): Promise<KubeObject | undefined> {
    if (!node.resource) return undefined
    try {
      const object = await api.get(node.resource, node.name, node.namespace || undefined)
      return object.metadata.uid === node.uid ? object : undefined
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return undefined
      throw error
    }
  }

  /** k8s: attemptToDeleteItem */
  async function attemptToDelete(node: GraphNode): Promise<void> {
    if (node.virtual) {
      if (!(await latest(node))) {
        absent.add(node.uid)
        graph.remove(node.uid)
      }
      return
    }
    if (node.dying && !node.deletingDependents) return
    const object = await latest(node)
    if (!object) {
      // The cache hasn't heard yet.
      graph.remove(node.uid)
      return
    }
    if (node.deletingDependents) {
      await processDeletingDependents(node, object)
      return
    }
    const owners = object.metadata.ownerReferences ?? []
    if (owners.length === 0 || object.metadata.deletionTimestamp !== undefined) return
    const solid: OwnerReference[] = []
    const dangling: OwnerReference[] = []
    const waiting: OwnerReference[] = []
    for (const owner of owners) {
      const state = await stateOf(owner, node)
      ;(state === 'solid' ? solid : state === 'waiting' ? waiting : dangling).push(owner)
    }
    if (solid.length > 0) {
      if (dangling.length + waiting.length === 0) return
      await patchOwners(node, object, owners.filter((owner) => solid.includes(owner)))
      return
    }
    const dependents = graph.dependentsOf(node)
    if (waiting.length > 0 && dependents.length > 0) {
      // A circle in which everyone waits for everyone else would stay for ever.
      if (dependents.some((dependent) => dependent.deletingDependents)) await patchOwners(node, object, owners.map((owner) => owner.blockOwnerDeletion ? { ...owner, blockOwnerDeletion: false } : owner))
      await remove(node, object, 'Foreground')
      return
    }
    const finalizers = object.metadata.finalizers ?? []
    await remove(node, object, finalizers.includes(ORPHAN) ? 'Orphan' : finalizers.includes(FOREGROUND) ? 'Foreground' : 'Background')
  }

  async function stateOf(reference: OwnerReference, dependent: GraphNode): Promise<'solid' | 'dangling' | 'waiting'> {
    const known = graph.get(reference.uid)
    if (known && !known.virtual && known.kind === reference.kind && known.name === reference.name && (known.namespace === '' || known.namespace === dependent.namespace))
      return known.deletingDependents ? 'waiting' : 'solid'
    if (absent.has(reference.uid) && !known) return 'dangling'
    const resource = directory.find(reference.apiVersion, reference.kind)
    // Nobody can tell; better to keep the dependent.
    if (!resource) throw new Error(`no matches for kind "${reference.kind}" in version "${reference.apiVersion}"`)
    if (resource.namespaced && dependent.namespace === '') {
      reportBadNamespace(reference, dependent)
      throw new Error(`cluster-scoped object ${dependent.name} can't be owned by a namespaced one`)
    }
    const node: GraphNode = { ...(known ?? dependent), uid: reference.uid, resource: resource.ref, name: reference.name, namespace: resource.namespaced ? dependent.namespace : '' }
    const owner = await latest(node)
    if (!owner) {
      // k8s: GraphBuilder.addDependentToOwners tells of owners that are seen in another namespace
      if (known && !known.virtual) {
        if (known.namespace !== '' && known.namespace !== dependent.namespace) reportBadNamespace(reference, dependent)
      } else {
        absent.add(reference.uid)
        if (known?.virtual) graph.remove(known.uid)
      }
      return 'dangling'
    }
    return owner.metadata.deletionTimestamp !== undefined && owner.metadata.finalizers?.includes(FOREGROUND) ? 'waiting' : 'solid'
  }

  function reportBadNamespace(reference: OwnerReference, { apiVersion, kind, name, namespace, uid }: GraphNode): void {
    events.event({ apiVersion, kind, name, ...(namespace ? { namespace } : {}), uid }, 'Warning', 'OwnerRefInvalidNamespace',
      `ownerRef [${reference.apiVersion}/${reference.kind}, namespace: ${namespace}, name: ${reference.name}, uid: ${reference.uid}] does not exist in namespace "${namespace}"`)
  }

  /** k8s: processDeletingDependentsItem */
  async function processDeletingDependents(node: GraphNode, object: KubeObject): Promise<void> {
    const blocking = graph.dependentsOf(node).filter((dependent) => dependent.owners.some((owner) => owner.uid === node.uid && owner.blockOwnerDeletion))
    if (blocking.length === 0) {
      await withoutFinalizer(node, object, FOREGROUND)
      return
    }
    for (const dependent of blocking) if (!dependent.deletingDependents) deletes.add(dependent.uid)
  }

  /** k8s: attemptToOrphan */
  async function attemptToOrphan(node: GraphNode): Promise<void> {
    for (const dependent of graph.dependentsOf(node)) {
      const object = await latest(dependent)
      if (!object?.metadata.ownerReferences?.some((owner) => owner.uid === node.uid)) continue
      await patchOwners(dependent, object, object.metadata.ownerReferences.filter((owner) => owner.uid !== node.uid))
    }
    const object = await latest(node)
    if (object?.metadata.finalizers?.includes(ORPHAN)) await withoutFinalizer(node, object, ORPHAN)
  }

  async function withoutFinalizer(node: GraphNode, object: KubeObject, finalizer: string): Promise<void> {
    const finalizers = (object.metadata.finalizers ?? []).filter((name) => name !== finalizer)
    if (finalizers.length === (object.metadata.finalizers ?? []).length) return
    await patchMetadata(node, object, { finalizers })
  }

  async function patchOwners(node: GraphNode, object: KubeObject, ownerReferences: readonly OwnerReference[]): Promise<void> {
    await patchMetadata(node, object, { ownerReferences })
  }

  async function patchMetadata({ resource, name, namespace }: GraphNode, object: KubeObject, metadata: object): Promise<void> {
    try {
      await api.patch(resource!, name, namespace || undefined, 'application/merge-patch+json', { metadata: { resourceVersion: object.metadata.resourceVersion, uid: object.metadata.uid, ...metadata } })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }

  async function remove({ resource, name, namespace, uid }: GraphNode, object: KubeObject, propagationPolicy: 'Orphan' | 'Foreground' | 'Background'): Promise<void> {
    try {
      await api.delete(resource!, name, namespace || undefined, { propagationPolicy, preconditions: { uid, resourceVersion: object.metadata.resourceVersion } })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }

  void (async () => {
    watchAll()
    await informers.synced()
    stops.push(directory.onChange(() => {
      resync ??= clock.after(RESYNC_MS, () => {
        resync = undefined
        if (!stopped) watchAll()
      })
    }))
  })()

  return {
    stop() {
      stopped = true
      resync?.cancel()
      deletes.stop()
      orphans.stop()
      for (const stop of [...stops, ...watched.values()]) stop()
    },
  }
}
