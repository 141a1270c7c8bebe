import { rfc3339 } from '../../../base/clock.ts'
import { deepEqual, thaw } from '../../../base/freeze.ts'
import { findCondition } from '../../client/conditions.ts'
import type { Controller, ControllerContext, ReconcileResult } from '../../client/controller-runner.ts'
import { keyOf } from '../../client/informers.ts'
import { selects, withSelectedLabel } from '../../client/label-selection.ts'
import { controllerOf, controllerReference } from '../../client/owner-references.ts'
import type { Deployment, DeploymentCondition, DeploymentStatus, Pod, ReplicaSet } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { compact } from '../compact.ts'
import { claim, ORPHANS } from '../ownership.ts'
import { isNamespaceTerminating, messageOf } from '../pod-control.ts'
import { isPodTerminal, timeMs } from '../pods.ts'
import { restMs } from '../replicaset.ts'
import { computeTemplateHash } from '../template-hash.ts'
import {
  actualReplicas, availableReplicas, byCreation, compareRevisions, DESIRED_REPLICAS, findActiveOrLatest, findNewReplicaSet, hasHistoryLimit, hasProgressDeadline, isComplete,
  isProgressing, isRollingUpdate, isSameTemplate, isSaturated, MAX_REPLICAS, maxUnavailable, newSetAnnotations, newSetReplicas, planProportions,
  POD_TEMPLATE_HASH, readyReplicas, replicasAnnotations, parseRevision, REVISION, revisionOf, specReplicas, terminatingReplicas,
} from './replica-sets.ts'

const ROLLBACK_TO = 'deprecated.deployment.rollback.to'

/** Rolls a Deployment's template out over ReplicaSets. k8s: pkg/controller/deployment */
export const deploymentController: Controller = {
  name: 'deployment-controller', for: 'deployments.apps', owns: ['replicasets.apps'], reads: ['pods'], retry: { times: 15 },
  minIntervalMs: (key, cache) => restMs(cache.get<Deployment>('deployments.apps', key)?.spec?.replicas),
  indexes: [{ resource: 'replicasets.apps', ...ORPHANS }],
  watches: [
    {
      resource: 'replicasets.apps',
      keys: ({ type, object }, { cache }) => type === 'delete' || controllerOf(object) ? []
        : cache.list<Deployment>('deployments.apps', object.metadata.namespace).filter((d) => selects(d.spec!.selector, object.metadata.labels)).map(keyOf),
    },
    {
      // Recreate waits for the last old pod to be gone.
      resource: 'pods',
      keys: ({ type, object }, { cache }) => {
        if (type !== 'delete') return []
        const rs = controllerOf(object)?.kind === 'ReplicaSet' ? cache.get<ReplicaSet>('replicasets.apps', `${object.metadata.namespace}/${controllerOf(object)!.name}`) : undefined
        const owner = rs && controllerOf(rs)
        const d = owner?.kind === 'Deployment' ? cache.get<Deployment>('deployments.apps', `${object.metadata.namespace}/${owner.name}`) : undefined
        return d?.spec!.strategy?.type === 'Recreate' ? [keyOf(d)] : []
      },
    },
  ],
  async reconcile(key, context) {
    const current = context.cache.get<Deployment>('deployments.apps', key)
    if (!current) return
    return new DeploymentSync(thaw(current), context).run()
  },
}

/** One run for one Deployment; `d` is a draft that follows what has been written. */
class DeploymentSync {
  readonly #context: ControllerContext
  #d: Deployment

  constructor(d: Deployment, context: ControllerContext) {
    this.#d = d
    this.#context = context
  }

  async run(): Promise<ReconcileResult | void> {
    const d = this.#d
    const { api, cache, events } = this.#context
    if (Object.keys(d.spec!.selector?.matchLabels ?? {}).length === 0 && !d.spec!.selector?.matchExpressions?.length) {
      events.event(d, 'Warning', 'SelectingAll', 'This deployment is selecting all pods. A non-empty selector is required.')
      if ((d.status?.observedGeneration ?? 0) < d.metadata.generation!) await this.#writeStatus({ ...d.status, observedGeneration: d.metadata.generation! })
      return
    }
    const sets = await claim<ReplicaSet>('replicasets.apps', d, (rs) => selects(d.spec!.selector, rs.metadata.labels), { api, cache })
    if (d.metadata.deletionTimestamp !== undefined) {
      const { newSet, oldSets } = await this.#sets(sets, false)
      return this.#syncStatus(newSet, oldSets)
    }
    await this.#notePause()
    if (d.spec!.paused) return this.#scaleOnly(sets)
    if (d.metadata.annotations?.[ROLLBACK_TO] !== undefined) return this.#rollback(sets)
    if (await this.#isScalingEvent(sets)) return this.#scaleOnly(sets)
    return d.spec!.strategy?.type === 'Recreate' ? this.#recreate(sets) : this.#roll(sets)
  }

  /** k8s: checkPausedConditions */
  async #notePause(): Promise<void> {
    const d = this.#d
    if (!hasProgressDeadline(d)) return
    const condition = findCondition(d.status?.conditions, 'Progressing')
    if (condition?.reason === 'ProgressDeadlineExceeded') return
    const noted = condition?.reason === 'DeploymentPaused'
    if (Boolean(d.spec!.paused) === noted) return
    const next = d.spec!.paused ? this.#condition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused') : this.#condition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed')
    await this.#writeStatus({ ...d.status, conditions: withDeploymentCondition(d.status?.conditions, next) })
  }

  /** The new set (made if need be) and all others. k8s: getAllReplicaSetsAndSyncRevision */
  async #sets(sets: readonly ReplicaSet[], create: boolean): Promise<{ newSet: ReplicaSet | undefined; oldSets: ReplicaSet[] }> {
    const found = findNewReplicaSet(this.#d, sets)
    const oldSets = sets.filter((rs) => rs.metadata.uid !== found?.metadata.uid)
    return { newSet: await this.#newSet(found, sets, oldSets, create), oldSets }
  }

  /** k8s: getNewReplicaSet */
  async #newSet(found: ReplicaSet | undefined, sets: readonly ReplicaSet[], oldSets: readonly ReplicaSet[], create: boolean): Promise<ReplicaSet | undefined> {
    const { api, events, cache } = this.#context
    const d = this.#d
    const revision = oldSets.map(revisionOf).reduce((max, revision) => (revision > max ? revision : max), 0n) + 1n
    if (found) {
      const annotations = newSetAnnotations(d, found.metadata.annotations ?? {}, revision)
      const minReadySeconds = d.spec!.minReadySeconds ?? 0
      if (annotations || (found.spec!.minReadySeconds ?? 0) !== minReadySeconds)
        return api.update('replicasets.apps', {
          ...found, metadata: { ...found.metadata, annotations: annotations ?? found.metadata.annotations }, spec: { ...found.spec!, minReadySeconds },
        })
      let changed = this.#setRevision(found.metadata.annotations?.[REVISION] ?? '')
      let status = d.status
      if (hasProgressDeadline(d) && !findCondition(d.status?.conditions, 'Progressing')) {
        status = { ...d.status, conditions: withDeploymentCondition(d.status?.conditions, this.#condition('Progressing', 'True', 'FoundNewReplicaSet', `Found new replica set "${found.metadata.name}"`)) }
        changed = true
      }
      if (changed) await this.#writeStatus(status!)
      return found
    }
    if (!create) return undefined

    const hash = computeTemplateHash(d.spec!.template!, d.status?.collisionCount)
    const labels = { ...d.spec!.template!.metadata?.labels, [POD_TEMPLATE_HASH]: hash }
    const replicas = newSetReplicas(d, oldSets, 0)
    const name = `${d.metadata.name!.slice(0, 253 - 1 - hash.length)}-${hash}`
    const wanted: ReplicaSet = {
      apiVersion: 'apps/v1', kind: 'ReplicaSet',
      metadata: {
        name, namespace: d.metadata.namespace!, ownerReferences: [controllerReference(d)], labels,
        annotations: { ...newSetAnnotations(d, {}, revision), ...replicasAnnotations(d) },
      },
      spec: compact({
        replicas, minReadySeconds: d.spec!.minReadySeconds, selector: withSelectedLabel(d.spec!.selector, POD_TEMPLATE_HASH, hash),
        template: { ...d.spec!.template!, metadata: { ...d.spec!.template!.metadata, labels } },
      }),
    } as unknown as ReplicaSet
    let created: ReplicaSet
    let isNew = true
    try {
      created = await api.create('replicasets.apps', wanted)
    } catch (error) {
      if (isStatusError(error, 'AlreadyExists')) {
        const existing = cache.get<ReplicaSet>('replicasets.apps', `${d.metadata.namespace}/${name}`) ?? await api.get<ReplicaSet>('replicasets.apps', name, d.metadata.namespace)
        if (controllerOf(existing)?.uid !== d.metadata.uid || !isSameTemplate(d.spec!.template, existing.spec!.template)) {
          // Another template with the same hash: try again with the next count.
          await this.#writeStatus({ ...d.status, collisionCount: (d.status?.collisionCount ?? 0) + 1 })
          throw error
        }
        created = existing
        isNew = false
      } else {
        if (isNamespaceTerminating(error)) throw error
        const message = `Failed to create new replica set "${name}": ${messageOf(error)}`
        if (hasProgressDeadline(d))
          await this.#writeStatus({ ...d.status, conditions: withDeploymentCondition(d.status?.conditions, this.#condition('Progressing', 'False', 'ReplicaSetCreateError', message)) }).catch(() => {})
        events.event(d, 'Warning', 'ReplicaSetCreateError', message)
        throw error
      }
    }
    if (isNew && replicas > 0) events.event(d, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${created.metadata.name} from 0 to ${replicas}`)
    let changed = this.#setRevision(String(revision))
    let status = d.status
    if (isNew && hasProgressDeadline(d)) {
      status = { ...d.status, conditions: withDeploymentCondition(d.status?.conditions, this.#condition('Progressing', 'True', 'NewReplicaSetCreated', `Created new replica set "${created.metadata.name}"`)) }
      changed = true
    }
    if (changed) await this.#writeStatus(status!)
    return created
  }

  #setRevision(revision: string): boolean {
    const { metadata } = this.#d
    if (metadata.annotations?.[REVISION] === revision) return false
    metadata.annotations = { ...metadata.annotations, [REVISION]: revision }
    return true
  }

  async #isScalingEvent(sets: readonly ReplicaSet[]): Promise<boolean> {
    const { newSet, oldSets } = await this.#sets(sets, false)
    return [...oldSets, ...newSet ? [newSet] : []].some((rs) => {
      const text = rs.metadata.annotations?.[DESIRED_REPLICAS]
      return rs.spec!.replicas! > 0 && text !== undefined && /^\d+$/.test(text) && Number(text) !== this.#d.spec!.replicas
    })
  }

  /** Only the size changed, or the Deployment is paused. k8s: sync */
  async #scaleOnly(sets: readonly ReplicaSet[]): Promise<ReconcileResult | void> {
    const { newSet, oldSets } = await this.#sets(sets, false)
    await this.#scale(newSet, oldSets)
    if (this.#d.spec!.paused && this.#d.metadata.annotations?.[ROLLBACK_TO] === undefined) await this.#dropHistory(oldSets)
    return this.#syncStatus(newSet, oldSets)
  }

  async #scale(newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): Promise<void> {
    const d = this.#d
    const single = findActiveOrLatest(newSet, oldSets)
    if (single) {
      await this.#resize(single, d.spec!.replicas!)
      return
    }
    if (isSaturated(d, newSet)) {
      for (const rs of oldSets) if (rs.spec!.replicas! > 0) await this.#resize(rs, 0)
      return
    }
    if (!isRollingUpdate(d)) return
    const active = [...oldSets, ...newSet ? [newSet] : []].filter((rs) => rs.spec!.replicas! > 0)
    for (const [rs, replicas] of planProportions(d, active)) await this.#resize(rs, replicas, true)
  }

  /** k8s: scaleReplicaSet */
  async #resize(rs: ReplicaSet, replicas: number, force = false): Promise<ReplicaSet> {
    const before = rs.spec!.replicas!
    if (!force && before === replicas) return rs
    const d = this.#d
    const annotations = replicasAnnotations(d)
    const stale = rs.metadata.annotations?.[DESIRED_REPLICAS] !== annotations[DESIRED_REPLICAS] || rs.metadata.annotations?.[MAX_REPLICAS] !== annotations[MAX_REPLICAS]
    if (before === replicas && !stale) return rs
    const updated = await this.#context.api.update<ReplicaSet>('replicasets.apps', {
      ...rs, metadata: { ...rs.metadata, annotations: { ...rs.metadata.annotations, ...annotations } }, spec: { ...rs.spec!, replicas },
    })
    if (before !== replicas)
      this.#context.events.event(d, 'Normal', 'ScalingReplicaSet', `Scaled ${before < replicas ? 'up' : 'down'} replica set ${rs.metadata.name} from ${before} to ${replicas}`)
    return updated
  }

  /** k8s: rolloutRolling */
  async #roll(sets: readonly ReplicaSet[]): Promise<ReconcileResult | void> {
    const d = this.#d
    const { newSet, oldSets } = await this.#sets(sets, true)
    const rs = newSet!
    const replicas = d.spec!.replicas!
    const size = rs.spec!.replicas!
    if (size !== replicas) {
      const target = size > replicas ? replicas : newSetReplicas(d, [...oldSets, rs], size)
      if (target !== size) return this.#syncRollout(await this.#resize(rs, target), oldSets)
    }
    if (await this.#shrinkOld(rs, oldSets)) return this.#syncRollout(rs, oldSets)
    if (isComplete(d, d.status)) await this.#dropHistory(oldSets)
    return this.#syncRollout(rs, oldSets)
  }

  /** k8s: reconcileOldReplicaSets */
  async #shrinkOld(newSet: ReplicaSet, oldSets: ReplicaSet[]): Promise<boolean> {
    const active = oldSets.filter((rs) => rs.spec!.replicas! > 0).sort(byCreation)
    if (active.length === 0) return false
    const minAvailable = this.#d.spec!.replicas! - maxUnavailable(this.#d)
    const newUnavailable = newSet.spec!.replicas! - (newSet.status?.availableReplicas ?? 0)
    const maxDown = specReplicas([...oldSets, newSet]) - minAvailable - newUnavailable
    if (maxDown <= 0) return false

    // Pods that don't work go first: losing them costs nothing.
    let down = 0
    for (let i = 0; i < active.length && down < maxDown; i++) {
      const rs = active[i]!
      const size = rs.spec!.replicas!
      const available = rs.status?.availableReplicas ?? 0
      if (size === 0 || size === available) continue
      const count = Math.min(maxDown - down, size - available)
      // More available than wanted: the cache is behind.
      if (count < 0) return false
      active[i] = await this.#resize(rs, size - count)
      down += count
    }

    const canGo = availableReplicas([...active, newSet]) - minAvailable
    let gone = 0
    for (const rs of active) {
      if (gone >= canGo) break
      const size = rs.spec!.replicas!
      if (size === 0) continue
      const count = Math.min(size, canGo - gone)
      await this.#resize(rs, size - count)
      gone += count
    }
    return down + gone > 0
  }

  /** k8s: rolloutRecreate */
  async #recreate(sets: readonly ReplicaSet[]): Promise<ReconcileResult | void> {
    const d = this.#d
    let { newSet, oldSets } = await this.#sets(sets, false)
    let shrunk = false
    for (const rs of oldSets) {
      if (rs.spec!.replicas! === 0) continue
      await this.#resize(rs, 0)
      shrunk = true
    }
    if (shrunk || this.#hasOldPods(newSet, oldSets, sets)) return this.#syncRollout(newSet, oldSets)
    if (!newSet) ({ newSet, oldSets } = await this.#sets(sets, true))
    await this.#resize(newSet!, d.spec!.replicas!)
    if (isComplete(d, d.status)) await this.#dropHistory(oldSets)
    return this.#syncRollout(newSet, oldSets)
  }

  #hasOldPods(newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[], sets: readonly ReplicaSet[]): boolean {
    if (actualReplicas(oldSets) > 0) return true
    return sets.some((rs) => rs.metadata.uid !== newSet?.metadata.uid && this.#context.cache.ownedBy<Pod>(rs, 'pods').some((pod) => !isPodTerminal(pod)))
  }

  /** The old API's way to go back. k8s: rollback */
  async #rollback(sets: readonly ReplicaSet[]): Promise<void> {
    const d = this.#d
    const { newSet, oldSets } = await this.#sets(sets, true)
    const { events, api } = this.#context
    const all = [...oldSets, ...newSet ? [newSet] : []]
    const { [ROLLBACK_TO]: text, ...annotations } = d.metadata.annotations!
    let revision = parseRevision(text)
    if (revision === 0n) revision = all.map(revisionOf).sort((a, b) => compareRevisions(b, a))[1] ?? 0n
    const target = revision > 0n ? all.find((rs) => revisionOf(rs) === revision) : undefined
    let template = d.spec!.template!
    if (!target) events.event(d, 'Warning', 'DeploymentRollbackRevisionNotFound', revision === 0n ? 'Unable to find last revision.' : 'Unable to find the revision to rollback to.')
    else if (isSameTemplate(target.spec!.template, template)) events.event(d, 'Warning', 'DeploymentRollbackTemplateUnchanged', `The rollback revision contains the same template as current deployment "${d.metadata.name}"`)
    else {
      const { [POD_TEMPLATE_HASH]: _, ...labels } = target.spec!.template!.metadata?.labels ?? {}
      template = { ...target.spec!.template!, metadata: { ...target.spec!.template!.metadata, labels } }
      events.event(d, 'Normal', 'DeploymentRollback', `Rolled back deployment "${d.metadata.name}" to revision ${revision}`)
    }
    await api.update('deployments.apps', { ...d, metadata: { ...d.metadata, annotations }, spec: { ...d.spec!, template } })
  }

  /** k8s: cleanupDeployment */
  async #dropHistory(oldSets: readonly ReplicaSet[]): Promise<void> {
    const d = this.#d
    if (!hasHistoryLimit(d)) return
    const alive = oldSets.filter((rs) => rs.metadata.deletionTimestamp === undefined)
    const surplus = alive.length - d.spec!.revisionHistoryLimit!
    if (surplus <= 0) return
    for (const rs of [...alive].sort((a, b) => compareRevisions(revisionOf(a), revisionOf(b)) || byCreation(a, b)).slice(0, surplus)) {
      if ((rs.status?.replicas ?? 0) !== 0 || rs.spec!.replicas !== 0 || rs.metadata.generation! > (rs.status?.observedGeneration ?? 0)) continue
      try {
        await this.#context.api.delete('replicasets.apps', rs.metadata.name!, rs.metadata.namespace)
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error
      }
    }
  }

  /** k8s: calculateStatus */
  #computeStatus(newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): DeploymentStatus {
    const d = this.#d
    const all = [...oldSets, ...newSet ? [newSet] : []]
    const available = availableReplicas(all)
    const enough = available >= d.spec!.replicas! - maxUnavailable(d)
    return compact({
      observedGeneration: d.metadata.generation, replicas: actualReplicas(all) || undefined, updatedReplicas: newSet?.status?.replicas || undefined,
      readyReplicas: readyReplicas(all) || undefined, availableReplicas: available || undefined,
      unavailableReplicas: Math.max(0, specReplicas(all) - available) || undefined,
      terminatingReplicas: terminatingReplicas(all), collisionCount: d.status?.collisionCount,
      conditions: withDeploymentCondition(d.status?.conditions, enough
        ? this.#condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
        : this.#condition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.')),
    })
  }

  async #syncStatus(newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): Promise<void> {
    const status = this.#computeStatus(newSet, oldSets)
    if (!deepEqual(status, this.#d.status)) await this.#writeStatus(status)
  }

  /** k8s: syncRolloutStatus */
  async #syncRollout(newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): Promise<ReconcileResult | void> {
    const d = this.#d
    const status = this.#computeStatus(newSet, oldSets)
    let conditions: readonly DeploymentCondition[] = status.conditions ?? []
    if (!hasProgressDeadline(d)) conditions = conditions.filter(({ type }) => type !== 'Progressing')
    const current = findCondition(d.status?.conditions, 'Progressing')
    const wasComplete = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable'
    const subject = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${d.metadata.name}"`
    if (hasProgressDeadline(d) && !wasComplete) {
      if (isComplete(d, status)) {
        conditions = withDeploymentCondition(conditions, this.#condition('Progressing', 'True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`))
      } else if (isProgressing(d.status, status)) {
        const next = this.#condition('Progressing', 'True', 'ReplicaSetUpdated', `${subject} is progressing.`)
        if (current?.status === 'True') next.lastTransitionTime = current.lastTransitionTime
        conditions = [...conditions.filter(({ type }) => type !== 'Progressing'), next]
      } else if (this.#isTimedOut(conditions)) {
        conditions = withDeploymentCondition(conditions, this.#condition('Progressing', 'False', 'ProgressDeadlineExceeded', `${subject} has timed out progressing.`))
      }
    }
    const failure = [...newSet ? [newSet] : [], ...oldSets].map((rs) => findCondition(rs.status?.conditions, 'ReplicaFailure')).find((c) => c)
    conditions = failure
      ? withDeploymentCondition(conditions, compact({
          type: 'ReplicaFailure', status: failure.status, lastUpdateTime: failure.lastTransitionTime, lastTransitionTime: failure.lastTransitionTime,
          reason: failure.reason, message: failure.message,
        }))
      : conditions.filter(({ type }) => type !== 'ReplicaFailure')
    const next: DeploymentStatus = { ...status, conditions: [...conditions] }
    if (!deepEqual(next, d.status)) {
      await this.#writeStatus(next)
      return
    }
    return this.#requeueStuck(next)
  }

  #isTimedOut(conditions: readonly DeploymentCondition[]): boolean {
    const condition = findCondition(conditions, 'Progressing')
    if (!condition || condition.reason === 'NewReplicaSetAvailable') return false
    if (condition.reason === 'ProgressDeadlineExceeded') return true
    return timeMs(condition.lastUpdateTime) + this.#d.spec!.progressDeadlineSeconds! * 1000 < this.#context.clock.nowMs()
  }

  /** Looks again when the deadline has passed. k8s: requeueStuckDeployment */
  #requeueStuck(status: DeploymentStatus): ReconcileResult | void {
    const d = this.#d
    const condition = findCondition(d.status?.conditions, 'Progressing')
    if (!hasProgressDeadline(d) || !condition || isComplete(d, status) || condition.reason === 'ProgressDeadlineExceeded') return
    const restMs = timeMs(condition.lastUpdateTime) + d.spec!.progressDeadlineSeconds! * 1000 - this.#context.clock.nowMs()
    return { requeueAfterMs: Math.max(0, restMs) + 1000 }
  }

  #condition(type: string, status: 'True' | 'False' | 'Unknown', reason: string, message: string): DeploymentCondition {
    const now = rfc3339(this.#context.clock.nowMs())
    return { type, status, lastUpdateTime: now, lastTransitionTime: now, reason, message }
  }

  /**
   * The Deployment in hand keeps its old version, as upstream's does: a second write in the same round meets a conflict, and the round is
   * repeated a little later, when the ReplicaSet that was just made has mostly reported.
   */
  async #writeStatus(status: DeploymentStatus): Promise<void> {
    this.#d = { ...this.#d, status }
    await this.#context.api.updateStatus<Deployment>('deployments.apps', this.#d)
  }
}

/** Replaces a condition unless status and reason stay the same. k8s: SetDeploymentCondition */
function withDeploymentCondition(conditions: readonly DeploymentCondition[] | undefined, next: DeploymentCondition): DeploymentCondition[] {
  const list = conditions ?? []
  const current = list.find(({ type }) => type === next.type)
  if (current?.status === next.status && current.reason === next.reason) return [...list]
  return [...list.filter((condition) => condition !== current), current?.status === next.status ? { ...next, lastTransitionTime: current.lastTransitionTime } : next]
}
