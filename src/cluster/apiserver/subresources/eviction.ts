import { rfc3339, type Clock } from '../../../base/clock.ts'
import { deepEqual, thaw } from '../../../base/freeze.ts'
import { invalid } from '../../kinds/findings.ts'
import { matchesLabelSelector } from '../../kinds/label-selector.ts'
import type { Condition, KubeObject } from '../../kinds/object.ts'
import { apiError, isStatusError, type StatusError } from '../../kinds/status-error.ts'
import type { AdmissionChain } from '../admission-chain.ts'
import type { Endpoint } from '../endpoint.ts'
import { plainError, type Registry } from '../registry.ts'
import type { ResourceCatalog } from '../resource-catalog.ts'
import { checkDeleteOptions } from '../write-options.ts'
import type { ManagedWrite } from '../write-operations.ts'

export interface EvictionParts {
  clock: Clock
  admission: AdmissionChain
  registry: Registry
  catalog: ResourceCatalog
}

interface DeleteOptions {
  dryRun?: string[]
  gracePeriodSeconds?: number
  preconditions?: { uid?: string; resourceVersion?: string }
  ignoreStoreReadErrorWithClusterBreakingPotential?: boolean
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground'
}

const BUDGET_TEXT = "Cannot evict pod as it would violate the pod's disruption budget."
/** k8s: eviction.go MaxDisruptedPodSize */
const MAX_DISRUPTED_PODS = 2000
const SUCCESS: KubeObject = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }

/** Deletes a Pod if its disruption budget allows. k8s: registry/core/pod/storage EvictionREST */
export async function evictPod(parts: EvictionParts, pods: Endpoint, body: KubeObject, write: ManagedWrite): Promise<KubeObject> {
  if (body.metadata.name !== write.name) throw apiError.badRequest('name in URL does not match name in Eviction object')
  const admission = { operation: 'CREATE' as const, kind: pods.kind, subresource: 'eviction', namespace: write.namespace, name: write.name, options: write.options, dryRun: write.dryRun }
  await parts.admission.mutate(admission, write, body)
  const options = (body['deleteOptions'] ?? {}) as DeleteOptions
  if (options.ignoreStoreReadErrorWithClusterBreakingPotential)
    throw apiError.invalid({ group: 'policy', kind: 'Eviction' }, write.name, [invalid('deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential', true, 'can not be set for pod eviction, try after removing the option')])
  await parts.admission.validate(admission, write, body)
  const asked = (write.options as DeleteOptions | undefined)?.dryRun ?? []
  if (asked.length > 0 && options.dryRun?.length && !deepEqual(asked, options.dryRun)) throw plainError(`Non-matching dry-run options in request and content: [${asked.join(' ')}] and [${options.dryRun.join(' ')}]`)
  const dryRun = write.dryRun || (options.dryRun?.length ?? 0) > 0
  const pod = pods.store.get(write.namespace, write.name)
  if (!pod) throw apiError.notFound(pods.groupResource, write.name)
  const phase = pod['status']?.phase as string | undefined
  const ended = phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending' || Boolean(pod.metadata.deletionTimestamp)
  if (!ended) {
    const refusal = spendBudget(parts, pods, pod, dryRun)
    if (refusal) return refusal
  }
  checkDeleteOptions(options as Record<string, unknown>)
  await deleteEvicted(parts, pods, pod, options, write, dryRun)
  return SUCCESS
}

/** Takes one disruption from the Pod's budget. @throws StatusError 429 when there is none left. */
function spendBudget({ catalog, clock }: EvictionParts, pods: Endpoint, pod: KubeObject, dryRun: boolean): KubeObject | undefined {
  const budgets = catalog.byRef('poddisruptionbudgets.policy')
  const namespace = pod.metadata.namespace!
  const covering = budgets.store.list(namespace).filter((budget) => matchesLabelSelector(budget['spec']?.selector, pod.metadata.labels))
  if (covering.length > 1)
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.', code: 500 }
  const budget = covering[0]
  if (!budget) return undefined
  const { name } = budget.metadata
  const status = (budget['status'] ?? {}) as Record<string, any>
  const ready = ((pod['status']?.conditions ?? []) as Condition[]).some((condition) => condition.type === 'Ready' && condition.status === 'True')
  if (!ready) {
    if (budget['spec'].unhealthyPodEvictionPolicy === 'AlwaysAllow') return undefined
    if ((status['currentHealthy'] ?? 0) >= (status['desiredHealthy'] ?? 0) && (status['desiredHealthy'] ?? 0) > 0) return undefined
  }
  if ((status['observedGeneration'] ?? 0) < (budget.metadata.generation ?? 0)) throw stillProcessed(name!)
  const allowed = (status['disruptionsAllowed'] ?? 0) as number
  const of = { group: 'policy', resource: 'poddisruptionbudget' }
  if (allowed < 0) throw apiError.forbidden(of, name!, 'pdb disruptions allowed is negative')
  if (Object.keys(status['disruptedPods'] ?? {}).length > MAX_DISRUPTED_PODS)
    throw apiError.forbidden(of, name!, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller')
  if (allowed === 0)
    throw tooMany(whyNot(name!, status))
  if (dryRun) return undefined
  const now = rfc3339(clock.nowMs())
  const draft = thaw(budget)
  const left = allowed - 1
  draft['status'].disruptionsAllowed = left
  if (left === 0) {
    const conditions = (draft['status'].conditions ?? []) as Condition[]
    const known = conditions.find((condition) => condition.type === 'DisruptionAllowed')
    const made: Condition = { type: 'DisruptionAllowed', status: 'False', observedGeneration: status['observedGeneration'], lastTransitionTime: known?.status === 'False' ? known.lastTransitionTime : now, reason: 'InsufficientPods', message: '' }
    draft['status'].conditions = known ? conditions.map((condition) => condition === known ? made : condition) : [...conditions, made]
  }
  draft['status'].disruptedPods = { ...draft['status'].disruptedPods, [pod.metadata.name!]: now }
  budgets.store.replace(namespace, draft)
  void pods
  return undefined
}

/** Marks the Pod as evicted, so that its owner knows, and deletes it. */
async function deleteEvicted({ registry, clock }: EvictionParts, pods: Endpoint, pod: KubeObject, options: DeleteOptions, write: ManagedWrite, dryRun: boolean): Promise<void> {
  const { uid, resourceVersion } = options.preconditions ?? {}
  const precondition = (why: string) => apiError.conflict({ group: '', resource: 'Pod' }, write.name, why)
  if (uid !== undefined && uid !== pod.metadata.uid) throw precondition(`the UID in the precondition (${uid}) does not match the UID in record (${pod.metadata.uid}). The object might have been deleted and then recreated`)
  if (resourceVersion && resourceVersion !== pod.metadata.resourceVersion)
    throw precondition(`the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${pod.metadata.resourceVersion}). The object might have been modified`)
  if (!dryRun) {
    const draft = thaw(pod)
    const now = rfc3339(clock.nowMs())
    const status = draft['status'] ??= {}
    const conditions = (status.conditions ?? []) as Condition[]
    const known = conditions.find((condition) => condition.type === 'DisruptionTarget')
    const made: Condition = { type: 'DisruptionTarget', status: 'True', lastProbeTime: null, lastTransitionTime: known?.status === 'True' ? known.lastTransitionTime : now, reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' }
    status.conditions = known ? conditions.map((condition) => condition === known ? made : condition) : [...conditions, made]
    pods.store.replace(write.namespace, draft)
  }
  try {
    await registry.deleteAdmitted(pods, { ...write, subresource: '', dryRun, gracePeriodSeconds: options.gracePeriodSeconds, propagationPolicy: options.propagationPolicy, preconditions: uid ? { uid } : undefined })
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
}

/** Why a budget allows no disruption, as told to the evicter. */
function whyNot(name: string, status: Record<string, any>): string {
  const condition = ((status['conditions'] ?? []) as Condition[]).find((candidate) => candidate.type === 'DisruptionAllowed' && candidate.status === 'False' && candidate.message)
  const denied = `The disruption budget ${name} does not allow evicting pods currently`
  if (condition?.reason === 'SyncFailed') return `${denied} because it failed sync: ${condition.message}`
  const desired = status['desiredHealthy'] ?? 0
  const current = status['currentHealthy'] ?? 0
  if (current <= desired) return `The disruption budget ${name} needs ${desired} healthy pods and has ${current} currently`
  return condition ? `${denied} (${condition.reason}): ${condition.message}` : denied
}

function stillProcessed(name: string): StatusError {
  const error = tooMany(`The disruption budget ${name} is still being processed by the server.`)
  error.status.details!.retryAfterSeconds = 10
  return error
}

function tooMany(cause: string): StatusError {
  return apiError.generic(429, 'TooManyRequests', BUDGET_TEXT, { causes: [{ reason: 'DisruptionBudget', message: cause }] })
}
