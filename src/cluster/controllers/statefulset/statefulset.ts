import { deepEqual } from '../../../base/freeze.ts'
import type { Controller, ControllerContext, ReconcileResult } from '../../client/controller-runner.ts'
import { keyOf } from '../../client/informers.ts'
import { selects } from '../../client/label-selection.ts'
import { controllerOf } from '../../client/owner-references.ts'
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet, StatefulSetStatus } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { compact } from '../compact.ts'
import { currentRevision, hashRevisionData, REVISION_HASH, revisionData, REVISIONS, templateOf, truncateHistory } from '../controller-revisions.ts'
import { claim, ORPHANS } from '../ownership.ts'
import { isNamespaceTerminating, messageOf } from '../pod-control.ts'
import { isPodAvailable, isPodReady, nextAvailabilityMs } from '../pods.ts'
import { hasConflictingController, isStaleClaim, wantedOwners } from './claim-retention.ts'
import { claimsOf, firstOrdinal, isIntact, newStatefulPod, ordinalOf, withIdentity } from './stateful-pod.ts'

const PODS_BATCH_MS = 10
/** k8s: client-go retry.DefaultBackoff */
const CONFLICT_ATTEMPTS = 4
/** Label of a set's revisions. k8s: pkg/controller/history ControllerRevisionHashLabel */
const HASH_LABEL = 'controller.kubernetes.io/hash'

/** Pods with names, order and storage of their own. k8s: pkg/controller/statefulset */
export const statefulSetController: Controller = {
  name: 'statefulset-controller', for: 'statefulsets.apps', owns: ['pods', REVISIONS], reads: ['persistentvolumeclaims'], minIntervalMs: PODS_BATCH_MS,
  indexes: [{ resource: 'pods', ...ORPHANS }, { resource: REVISIONS, ...ORPHANS }],
  watches: [{
    resource: 'pods',
    keys: ({ type, object }, { cache }) => type === 'delete' || controllerOf(object) ? []
      : cache.list<StatefulSet>('statefulsets.apps', object.metadata.namespace).filter((set) => selects(set.spec!.selector, object.metadata.labels)).map(keyOf),
  }],
  async reconcile(key, context) {
    const set = context.cache.get<StatefulSet>('statefulsets.apps', key)
    if (!set) return
    return new StatefulSetSync(set, context).run()
  },
}

class StatefulSetSync {
  readonly #set: StatefulSet
  readonly #context: ControllerContext
  #current!: ControllerRevision
  #update!: ControllerRevision

  constructor(set: StatefulSet, context: ControllerContext) {
    this.#set = set
    this.#context = context
  }

  get #minReadySeconds() { return this.#set.spec!.minReadySeconds ?? 0 }

  async run(): Promise<ReconcileResult | void> {
    const set = this.#set
    const { api, cache, clock } = this.#context
    const { selector, template } = set.spec!
    const revisions = await claim<ControllerRevision>(REVISIONS, set, (revision) => selects(selector, revision.metadata.labels), { api, cache })
    const pods = await claim<Pod>('pods', set, (pod) => selects(selector, pod.metadata.labels), { api, cache, wants: (pod) => ordinalOf(set, pod) !== undefined })
    const { revision, collisionCount = 0 } = await currentRevision(set, template, revisions, set.status?.collisionCount ?? 0, { label: HASH_LABEL, of: (collisions) => hashRevisionData(revisionData(template), collisions) }, this.#context, set.metadata.annotations)
    this.#update = revision
    this.#current = revisions.find((r) => r.metadata.name === set.status?.currentRevision) ?? revision
    let failure: unknown
    // What is there now, and what this run makes of it.
    let removedForUpdate = 0
    try {
      if (set.metadata.deletionTimestamp === undefined) removedForUpdate = await this.#manage(pods)
    } catch (error) {
      if (!isNamespaceTerminating(error)) failure = error
    }
    // Of the pods as they were: what this round made or deleted counts when it is seen.
    const status = this.#computeStatus(pods, collisionCount, removedForUpdate)
    if (!deepEqual(status, set.status)) await api.updateStatus('statefulsets.apps', { ...set, status })
    const live = new Set([this.#current.metadata.name, this.#update.metadata.name, ...pods.map((pod) => pod.metadata.labels?.[REVISION_HASH])])
    await truncateHistory(revisions, (r) => live.has(r.metadata.name), set.spec!.revisionHistoryLimit ?? 10, this.#context)
    if (failure !== undefined) throw failure
    const nowMs = clock.nowMs()
    if (this.#minReadySeconds > 0 && status.readyReplicas !== status.availableReplicas) return { requeueAfterMs: nextAvailabilityMs(pods, this.#minReadySeconds, nowMs) ?? this.#minReadySeconds * 1000 }
  }

  /** One step at a time (or all at once with Parallel). Returns how many pods were deleted for an update. k8s: updateStatefulSet */
  async #manage(pods: readonly Pod[]): Promise<number> {
    const set = this.#set
    const start = firstOrdinal(set)
    const replicas = set.spec!.replicas ?? 1
    const monotonic = set.spec!.podManagementPolicy !== 'Parallel'
    const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod)!, pod]))
    const condemned = [...byOrdinal].filter(([ordinal]) => ordinal < start || ordinal >= start + replicas).sort(([a], [b]) => b - a)
    let failure: unknown
    let wait = false

    for (let ordinal = start; ordinal < start + replicas; ordinal++) {
      try {
        if (await this.#processReplica(ordinal, byOrdinal.get(ordinal), monotonic)) {
          wait = true
          if (monotonic) return 0
        }
      } catch (error) {
        if (monotonic) throw error
        failure ??= error
      }
    }
    if (failure !== undefined) throw failure
    if (wait) return 0

    const firstUnavailable = [...Array.from({ length: replicas }, (_, i) => byOrdinal.get(start + i)), ...[...condemned].reverse().map(([, pod]) => pod)].find((pod) => pod && this.#isUnavailable(pod))
    for (const [ordinal, pod] of condemned) if (!this.#hasOwnersWanted(ordinal, pod)) await this.#applyRetention(ordinal, pod)
    for (const [, pod] of condemned) {
      if (pod.metadata.deletionTimestamp !== undefined) {
        if (monotonic) return 0
        continue
      }
      if (monotonic && this.#isUnavailable(pod) && pod !== firstUnavailable) return 0
      await this.#delete(pod)
      wait = true
      if (monotonic) return 0
    }
    if (wait || set.spec!.updateStrategy?.type === 'OnDelete') return 0

    const partition = set.spec!.updateStrategy?.rollingUpdate?.partition ?? 0
    for (let ordinal = start + replicas - 1; ordinal >= start + partition; ordinal--) {
      const pod = byOrdinal.get(ordinal)
      if (pod && pod.metadata.labels?.[REVISION_HASH] !== this.#update.metadata.name && pod.metadata.deletionTimestamp === undefined) {
        await this.#delete(pod)
        return pod.metadata.labels?.[REVISION_HASH] === this.#current.metadata.name ? 1 : 0
      }
      if (!pod || this.#isUnavailable(pod)) return 0
    }
    return 0
  }

  /** Returns whether everyone behind has to wait. k8s: processReplica */
  async #processReplica(ordinal: number, pod: Pod | undefined, monotonic: boolean): Promise<boolean> {
    const set = this.#set
    if (pod && (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded')) {
      if (pod.metadata.deletionTimestamp === undefined) await this.#delete(pod)
      return true
    }
    if (!pod) {
      await this.#create(ordinal)
      return monotonic
    }
    if (pod.status?.phase === 'Pending') await this.#createMissingClaims(ordinal, pod)
    if (monotonic && (pod.metadata.deletionTimestamp !== undefined || pod.status?.phase !== 'Running' || this.#isUnavailable(pod))) return true
    const hasOwnersWanted = this.#hasOwnersWanted(ordinal, pod)
    const isAsItShouldBe = isIntact(set, pod, ordinal) || pod.metadata.deletionTimestamp !== undefined
    if (isAsItShouldBe && hasOwnersWanted) return false
    // Also where only its claims had the wrong owners, the pod itself is written again, which changes nothing, and told of. k8s: UpdateStatefulPod
    await this.#recorded('update', pod.metadata.name!, async () => {
      if (!isAsItShouldBe) await this.#createClaims(ordinal, pod)
      if (!hasOwnersWanted) await this.#applyRetention(ordinal, pod)
      await this.#updatePod(ordinal, pod)
    })
    return false
  }

  /** Gives a pod its identity, also where somebody else writes it meanwhile. k8s: client-go retry.RetryOnConflict */
  async #updatePod(ordinal: number, known: Pod): Promise<void> {
    const { api } = this.#context
    let pod = known
    for (let attempt = 1; ; attempt++) {
      try {
        await api.update('pods', withIdentity(this.#set, pod, ordinal))
        return
      } catch (error) {
        if (!isStatusError(error, 'Conflict') || attempt === CONFLICT_ATTEMPTS) throw error
        pod = await api.get<Pod>('pods', known.metadata.name!, known.metadata.namespace)
      }
    }
  }

  async #create(ordinal: number): Promise<void> {
    const set = this.#set
    const { api } = this.#context
    const strategy = set.spec!.updateStrategy
    // Below the partition (or what is still to be updated) pods come back as they were.
    const keepsOld = strategy?.type !== 'OnDelete' && (strategy?.rollingUpdate
      ? ordinal < firstOrdinal(set) + (strategy.rollingUpdate.partition ?? 0) : ordinal < firstOrdinal(set) + (set.status?.currentReplicas ?? 0))
    const revision = keepsOld ? this.#current : this.#update
    const pod = newStatefulPod(set, templateOf(revision), ordinal, revision.metadata.name!)
    const name = pod.metadata.name!
    const stale = this.#heldClaims(ordinal).find((claim) => isStaleClaim(claim, set, pod))
    // Upstream does nothing more in this round and looks again at the next occasion; here that comes for certain.
    if (stale) throw new Error(`pvc ${stale.metadata.name} goes with the pod before this one`)
    try {
      await this.#createClaims(ordinal, pod)
    } catch (error) {
      this.#event('create', name, error)
      throw error
    }
    let created: Pod | undefined
    let failure: unknown
    try {
      created = await api.create<Pod>('pods', pod)
    } catch (error) {
      // Somebody else's pod has the name, perhaps one on its way out: no event, but another try.
      if (isStatusError(error, 'AlreadyExists')) throw error
      failure = error
    }
    await this.#tellFailure(name, () => this.#applyRetention(ordinal, created ?? pod))
    if (failure === undefined || !isNamespaceTerminating(failure)) this.#event('create', name, failure)
    if (failure !== undefined) throw failure
  }

  /** What a pod that waits may be waiting for. k8s: createMissingPersistentVolumeClaims */
  async #createMissingClaims(ordinal: number, pod: Pod): Promise<void> {
    await this.#createClaims(ordinal, pod)
    await this.#tellFailure(pod.metadata.name!, () => this.#applyRetention(ordinal, pod))
  }

  /** Does what belongs to a pod's claims: only that it failed is told. */
  async #tellFailure(podName: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#event('update', podName, error)
      throw error
    }
  }

  async #createClaims(ordinal: number, pod: Pod): Promise<void> {
    const { api, cache, events } = this.#context
    for (const wanted of claimsOf(this.#set, ordinal).values()) {
      const { name } = wanted.metadata
      const held = cache.get<PersistentVolumeClaim>('persistentvolumeclaims', keyOf(wanted))
      // One on its way out must be gone first.
      if (held?.metadata.deletionTimestamp !== undefined) throw new Error(`pvc ${name} is being deleted`)
      if (held) continue
      try {
        await api.create('persistentvolumeclaims', wanted)
        events.event(this.#set, 'Normal', 'SuccessfulCreate', `Create Claim ${name} Pod ${pod.metadata.name} in StatefulSet ${this.#set.metadata.name} success`)
      } catch (error) {
        if (isStatusError(error, 'AlreadyExists')) continue
        events.event(this.#set, 'Warning', 'FailedCreate', `Create Claim ${name} for Pod ${pod.metadata.name} in StatefulSet ${this.#set.metadata.name} failed error: ${messageOf(error)}`)
        throw new Error(`failed to create PVC ${name}: ${messageOf(error)}`)
      }
    }
  }

  /** Makes claims go with their set or pod where the set says so, and tells of those that something else controls. k8s: UpdatePodClaimForRetentionPolicy */
  async #applyRetention(ordinal: number, pod: Pod): Promise<void> {
    const set = this.#set
    const { api, events } = this.#context
    for (const claim of this.#heldClaims(ordinal)) {
      if (hasConflictingController(claim, set, pod))
        events.event(set, 'Warning', 'ConflictingController', `PersistentVolumeClaim ${claim.metadata.name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`)
      const ownerReferences = wantedOwners(claim, set, pod, this.#isCondemned(ordinal))
      if (!ownerReferences) continue
      try {
        await api.update('persistentvolumeclaims', { ...claim, metadata: { ...claim.metadata, ownerReferences } })
      } catch (error) {
        throw new Error(`could not update claim ${claim.metadata.name} for delete policy ownerRefs: ${messageOf(error)}`)
      }
    }
  }

  /** Whether the claims of a pod have the owners that the set's policy asks for. k8s: ClaimsMatchRetentionPolicy */
  #hasOwnersWanted(ordinal: number, pod: Pod): boolean {
    return this.#heldClaims(ordinal).every((claim) => wantedOwners(claim, this.#set, pod, this.#isCondemned(ordinal)) === undefined)
  }

  #isCondemned(ordinal: number): boolean {
    const start = firstOrdinal(this.#set)
    return ordinal < start || ordinal >= start + (this.#set.spec!.replicas ?? 1)
  }

  /** The claims of a pod that are there. */
  #heldClaims(ordinal: number): PersistentVolumeClaim[] {
    return [...claimsOf(this.#set, ordinal).values()].flatMap((wanted) => this.#context.cache.get<PersistentVolumeClaim>('persistentvolumeclaims', keyOf(wanted)) ?? [])
  }

  async #delete(pod: Pod): Promise<void> {
    await this.#recorded('delete', pod.metadata.name!, () => this.#context.api.delete('pods', pod.metadata.name!, pod.metadata.namespace))
  }

  async #recorded(verb: 'delete' | 'update', name: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
      this.#event(verb, name)
    } catch (error) {
      if (verb === 'delete' && isStatusError(error, 'NotFound')) return
      this.#event(verb, name, error)
      throw error
    }
  }

  #event(verb: 'create' | 'delete' | 'update', podName: string, error?: unknown): void {
    const title = verb[0]!.toUpperCase() + verb.slice(1)
    const { name } = this.#set.metadata
    if (error === undefined) this.#context.events.event(this.#set, 'Normal', `Successful${title}`, `${title} Pod ${podName} in StatefulSet ${name} successful`)
    else this.#context.events.event(this.#set, 'Warning', `Failed${title}`, `${title} Pod ${podName} in StatefulSet ${name} failed error: ${messageOf(error)}`)
  }

  #isUnavailable(pod: Pod): boolean {
    return pod.metadata.deletionTimestamp !== undefined || !isPodAvailable(pod, this.#minReadySeconds, this.#context.clock.nowMs())
  }

  /** k8s: computeReplicaCounts, completeRollingUpdate */
  #computeStatus(pods: readonly Pod[], collisionCount: number, removedForUpdate: number): StatefulSetStatus {
    const set = this.#set
    const nowMs = this.#context.clock.nowMs()
    const wanted = set.spec!.replicas ?? 1
    let replicas = 0, ready = 0, available = 0, current = 0, updated = 0
    for (const pod of pods) {
      if (!pod.status?.phase) continue
      replicas++
      if (pod.status.phase === 'Running' && isPodReady(pod)) {
        ready++
        if (isPodAvailable(pod, this.#minReadySeconds, nowMs)) available++
      }
      if (pod.metadata.deletionTimestamp !== undefined) continue
      const hash = pod.metadata.labels?.[REVISION_HASH]
      if (hash === this.#current.metadata.name) current++
      if (hash === this.#update.metadata.name) updated++
    }
    current -= removedForUpdate
    let currentName = this.#current.metadata.name!
    if (set.spec!.updateStrategy?.type !== 'OnDelete' && updated === wanted && ready === wanted && replicas === wanted) {
      current = updated
      currentName = this.#update.metadata.name!
    }
    return compact({
      ...set.status, observedGeneration: set.metadata.generation, replicas, readyReplicas: ready || undefined, currentReplicas: current || undefined, updatedReplicas: updated || undefined,
      availableReplicas: available, currentRevision: currentName, updateRevision: this.#update.metadata.name!, collisionCount,
    })
  }
}
