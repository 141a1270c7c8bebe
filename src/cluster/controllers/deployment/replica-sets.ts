/** Arithmetic over a Deployment's ReplicaSets. k8s: pkg/controller/deployment/util */
import { deepEqual } from '../../../base/freeze.ts'
import type { Deployment, DeploymentStatus, PodTemplateSpec, ReplicaSet } from '../../kinds/generated/types.ts'
import { scaledValue } from '../int-or-percent.ts'
import { timeMs } from '../pods.ts'

export const REVISION = 'deployment.kubernetes.io/revision'
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history'
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas'
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas'
export const POD_TEMPLATE_HASH = 'pod-template-hash'
const SKIPPED_ANNOTATIONS = new Set(['kubectl.kubernetes.io/last-applied-configuration', REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS, 'deprecated.deployment.rollback.to'])
/** Room for about 100 revisions. */
const MAX_HISTORY_CHARS = 2000
/** k8s: math.MaxInt32, "no deadline" and "no limit" */
const NO_LIMIT = 2 ** 31 - 1

export const specReplicas = (sets: readonly ReplicaSet[]) => sets.reduce((sum, rs) => sum + (rs.spec!.replicas ?? 0), 0)
export const actualReplicas = (sets: readonly ReplicaSet[]) => sets.reduce((sum, rs) => sum + (rs.status?.replicas ?? 0), 0)
export const readyReplicas = (sets: readonly ReplicaSet[]) => sets.reduce((sum, rs) => sum + (rs.status?.readyReplicas ?? 0), 0)
export const availableReplicas = (sets: readonly ReplicaSet[]) => sets.reduce((sum, rs) => sum + (rs.status?.availableReplicas ?? 0), 0)

/** Undefined unless every set counts them. */
export function terminatingReplicas(sets: readonly ReplicaSet[]): number | undefined {
  let sum = 0
  for (const { status } of sets) {
    if (status?.terminatingReplicas === undefined) return undefined
    sum += status.terminatingReplicas
  }
  return sum
}

export const hasProgressDeadline = (d: Readonly<Deployment>) => d.spec!.progressDeadlineSeconds !== undefined && d.spec!.progressDeadlineSeconds !== NO_LIMIT
export const hasHistoryLimit = (d: Readonly<Deployment>) => d.spec!.revisionHistoryLimit !== undefined && d.spec!.revisionHistoryLimit !== NO_LIMIT
export const isRollingUpdate = (d: Readonly<Deployment>) => d.spec!.strategy?.type === 'RollingUpdate'

export function maxSurge(d: Readonly<Deployment>): number {
  return isRollingUpdate(d) ? fenceposts(d).surge : 0
}

export function maxUnavailable(d: Readonly<Deployment>): number {
  const replicas = d.spec!.replicas!
  if (!isRollingUpdate(d) || replicas === 0) return 0
  return Math.min(fenceposts(d).unavailable, replicas)
}

/** Both may not be 0, or nothing could move. k8s: ResolveFenceposts */
function fenceposts(d: Readonly<Deployment>): { surge: number; unavailable: number } {
  const surge = scaledValue(d.spec!.strategy?.rollingUpdate?.maxSurge, d.spec!.replicas!, true)
  const unavailable = scaledValue(d.spec!.strategy?.rollingUpdate?.maxUnavailable, d.spec!.replicas!, false)
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable }
}

/** Oldest first. */
export function byCreation(a: ReplicaSet, b: ReplicaSet): number {
  return timeMs(a.metadata.creationTimestamp) - timeMs(b.metadata.creationTimestamp) || (a.metadata.name! < b.metadata.name! ? -1 : 1)
}

/** The number of a revision, 0 where there is none. Revisions are 64 bits wide. */
export function revisionOf(object: { metadata: { annotations?: Record<string, string> } }): bigint {
  return parseRevision(object.metadata.annotations?.[REVISION])
}

export function parseRevision(text: string | undefined): bigint {
  return text && /^\d+$/.test(text) ? BigInt(text) : 0n
}

/** Sorts bigints. */
export function compareRevisions(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function withoutHash(template: Readonly<PodTemplateSpec> | undefined): unknown {
  const { [POD_TEMPLATE_HASH]: _, ...labels } = template?.metadata?.labels ?? {}
  return { ...template, metadata: { ...template?.metadata, creationTimestamp: undefined, labels } }
}

export function isSameTemplate(a: Readonly<PodTemplateSpec> | undefined, b: Readonly<PodTemplateSpec> | undefined): boolean {
  return deepEqual(withoutHash(a), withoutHash(b))
}

/** The set that the Deployment's template means; of several the oldest. */
export function findNewReplicaSet(d: Readonly<Deployment>, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return [...sets].sort(byCreation).find((rs) => isSameTemplate(rs.spec!.template, d.spec!.template))
}

/** The one set that takes all scaling; undefined when several have pods. k8s: FindActiveOrLatest */
export function findActiveOrLatest(newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): ReplicaSet | undefined {
  if (!newSet && oldSets.length === 0) return undefined
  const active = [...oldSets, ...newSet ? [newSet] : []].filter((rs) => rs.spec!.replicas! > 0)
  if (active.length === 0) return newSet ?? [...oldSets].sort(byCreation).at(-1)
  return active.length === 1 ? active[0] : undefined
}

/** Whether the new set holds everything. k8s: IsSaturated */
export function isSaturated(d: Readonly<Deployment>, rs: ReplicaSet | undefined): boolean {
  const replicas = d.spec!.replicas!
  return rs !== undefined && rs.spec!.replicas === replicas && Number(rs.metadata.annotations?.[DESIRED_REPLICAS]) === replicas && (rs.status?.availableReplicas ?? 0) === replicas
}

/** How many pods the new set should have now. k8s: NewRSNewReplicas */
export function newSetReplicas(d: Readonly<Deployment>, allSets: readonly ReplicaSet[], current: number): number {
  const replicas = d.spec!.replicas!
  if (!isRollingUpdate(d)) return replicas
  const total = specReplicas(allSets)
  const maxTotal = replicas + scaledValue(d.spec!.strategy?.rollingUpdate?.maxSurge, replicas, true)
  return total >= maxTotal ? current : current + Math.min(maxTotal - total, replicas - current)
}

/** The annotations that say for which size the set was scaled. */
export function replicasAnnotations(d: Readonly<Deployment>): Record<string, string> {
  return { [DESIRED_REPLICAS]: String(d.spec!.replicas!), [MAX_REPLICAS]: String(d.spec!.replicas! + maxSurge(d)) }
}

/**
 * The new set's annotations: the Deployment's own, and its revision; earlier revisions of a set that comes back are remembered.
 * Returns undefined when nothing changes. k8s: SetNewReplicaSetAnnotations
 */
export function newSetAnnotations(d: Readonly<Deployment>, current: Readonly<Record<string, string>>, newRevision: bigint): Record<string, string> | undefined {
  const out = { ...current }
  let changed = false
  for (const [key, value] of Object.entries(d.metadata.annotations ?? {})) {
    if (SKIPPED_ANNOTATIONS.has(key) || out[key] === value) continue
    out[key] = value
    changed = true
  }
  const oldText = current[REVISION]
  if (oldText && !/^\d+$/.test(oldText)) return undefined
  const oldRevision = parseRevision(oldText)
  if (oldRevision < newRevision) {
    out[REVISION] = String(newRevision)
    changed = true
    if (oldText !== undefined) {
      const history = out[REVISION_HISTORY] ? out[REVISION_HISTORY].split(',') : []
      history.push(oldText)
      while (history.length > 1 && history.join(',').length > MAX_HISTORY_CHARS) history.shift()
      out[REVISION_HISTORY] = history.join(',')
    }
  }
  return changed ? out : undefined
}

/** New sizes for all active sets when the size changes in the middle of a rollout. k8s: DeploymentController.scale */
export function planProportions(d: Readonly<Deployment>, activeSets: readonly ReplicaSet[]): Map<ReplicaSet, number> {
  const replicas = d.spec!.replicas!
  const allowed = replicas > 0 ? replicas + maxSurge(d) : 0
  const toAdd = allowed - specReplicas(activeSets)
  const sets = [...activeSets]
  // Scaling up favours larger, then newer sets; scaling down larger, then older ones.
  if (toAdd > 0) sets.sort((a, b) => b.spec!.replicas! - a.spec!.replicas! || byCreation(b, a))
  else if (toAdd < 0) sets.sort((a, b) => b.spec!.replicas! - a.spec!.replicas! || byCreation(a, b))
  const sizes = new Map<ReplicaSet, number>()
  let added = 0
  for (const rs of sets) {
    const share = toAdd === 0 ? 0 : proportion(d, rs, toAdd, added)
    sizes.set(rs, rs.spec!.replicas! + share)
    added += share
  }
  const largest = sets[0]
  if (largest && toAdd !== 0) sizes.set(largest, Math.max(0, sizes.get(largest)! + toAdd - added))
  return sizes
}

function proportion(d: Readonly<Deployment>, rs: ReplicaSet, toAdd: number, added: number): number {
  const size = rs.spec!.replicas!
  if (size === 0 || toAdd === added) return 0
  const rest = toAdd - added
  const fraction = fractionOf(d, rs)
  return toAdd > 0 ? Math.min(fraction, rest) : Math.max(fraction, rest)
}

function fractionOf(d: Readonly<Deployment>, rs: ReplicaSet): number {
  const size = rs.spec!.replicas!
  if (d.spec!.replicas === 0) return -size
  const text = rs.metadata.annotations?.[MAX_REPLICAS]
  let before = text && /^\d+$/.test(text) ? Number(text) : 0
  if (before === 0) before = d.status?.replicas ?? 0
  if (before === 0) return 0
  return Math.round(size * (d.spec!.replicas! + maxSurge(d)) / before) - size
}

export function isComplete(d: Readonly<Deployment>, status: DeploymentStatus | undefined): boolean {
  const replicas = d.spec!.replicas!
  return (status?.updatedReplicas ?? 0) === replicas && (status?.replicas ?? 0) === replicas && (status?.availableReplicas ?? 0) === replicas &&
    (status?.observedGeneration ?? 0) >= d.metadata.generation!
}

/** Whether the new status shows any progress over the old one. */
export function isProgressing(old: DeploymentStatus | undefined, next: DeploymentStatus): boolean {
  const oldPods = (status: DeploymentStatus | undefined) => (status?.replicas ?? 0) - (status?.updatedReplicas ?? 0)
  return (next.updatedReplicas ?? 0) > (old?.updatedReplicas ?? 0) || oldPods(next) < oldPods(old) ||
    (next.readyReplicas ?? 0) > (old?.readyReplicas ?? 0) || (next.availableReplicas ?? 0) > (old?.availableReplicas ?? 0)
}
