import { rfc3339 } from '../../base/clock.ts'
import { deepEqual } from '../../base/freeze.ts'
import type { Controller, ControllerContext } from '../client/controller-runner.ts'
import type { Namespace, NamespaceCondition, Pod } from '../kinds/generated/types.ts'
import type { KubeObject } from '../kinds/object.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { messageOf } from './pod-control.ts'
import { isPodTerminal, timeMs } from './pods.ts'
import type { ResourceDirectory, ServedResource } from './resource-directory.ts'

/**
 * How long a dying namespace is left alone first, counted from the whole second of its deletionTimestamp. Upstream waits five seconds, so that
 * the caches of further API servers and of etcd members that aren't leading see it; here is one of each, and only watchers need to see it.
 * k8s: namespaceDeletionGracePeriod
 */
const GRACE_MS = 2000
/** Time that finalizers of content are given between looks. k8s: finalizerEstimateSeconds */
const FINALIZER_ESTIMATE_SECONDS = 15

/** What is left of a namespace's content. */
export interface RemainingContent {
  /** Objects by `resource.group`. */
  resources: ReadonlyMap<string, number>
  finalizers: ReadonlyMap<string, number>
  errors: readonly string[]
  /** Group versions that couldn't be looked into. */
  undiscovered?: readonly string[]
}

const CONDITIONS = {
  NamespaceDeletionDiscoveryFailure: ['ResourcesDiscovered', 'All resources successfully discovered'],
  NamespaceDeletionGroupVersionParsingFailure: ['ParsedGroupVersions', 'All legacy kube types successfully parsed'],
  NamespaceDeletionContentFailure: ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
  NamespaceContentRemaining: ['ContentRemoved', 'All content successfully removed'],
  NamespaceFinalizersRemaining: ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
} as const

/** The conditions that tell how far the deletion is. k8s: namespace/deletion/status_condition_utils.go */
export function namespaceConditions(old: readonly NamespaceCondition[], { resources, finalizers, errors, undiscovered = [] }: RemainingContent, nowMs: number): NamespaceCondition[] {
  const bad: Partial<Record<keyof typeof CONDITIONS, [reason: string, message: string]>> = {}
  if (undiscovered.length > 0) bad.NamespaceDeletionDiscoveryFailure = ['DiscoveryFailed', `Discovery failed for some groups, ${undiscovered.length} failing: ${discoveryError(undiscovered)}`]
  if (errors.length > 0) bad.NamespaceDeletionContentFailure = ['ContentDeletionFailed', `Failed to delete all resource types, ${errors.length} remaining: ${[...errors].sort().join(', ')}`]
  if (resources.size > 0)
    bad.NamespaceContentRemaining = ['SomeResourcesRemain', `Some resources are remaining: ${[...resources].map(([name, n]) => `${name} has ${n} resource instances`).sort().join(', ')}`]
  if (finalizers.size > 0)
    bad.NamespaceFinalizersRemaining = ['SomeFinalizersRemain', `Some content in the namespace has finalizers remaining: ${[...finalizers].map(([name, n]) => `${name} in ${n} resource instances`).sort().join(', ')}`]
  const out = [...old]
  for (const type of Object.keys(CONDITIONS) as (keyof typeof CONDITIONS)[]) {
    const status = bad[type] ? 'True' : 'False'
    const [reason, message] = bad[type] ?? CONDITIONS[type]
    const at = out.findIndex((condition) => condition.type === type)
    if (at < 0) out.push({ type, status, lastTransitionTime: rfc3339(nowMs), reason, message })
    else out[at] = { ...out[at]!, status, reason, message, lastTransitionTime: out[at]!.status === status ? out[at]!.lastTransitionTime : rfc3339(nowMs) }
  }
  return out
}

/** k8s: client-go/discovery ErrGroupDiscoveryFailed */
const discoveryError = (groupVersions: readonly string[]) => `unable to retrieve the complete list of server APIs: ${groupVersions.map((gv) => `${gv}: stale GroupVersion discovery: ${gv}`).join(', ')}`

/** Empties namespaces that are being deleted and lets go of them. k8s: pkg/controller/namespace */
export function namespaceController(directory: ResourceDirectory): Controller {
  return {
    name: 'namespace-controller', for: 'namespaces', workers: 10, retry: { maxMs: 60_000 },
    wants: ({ type, object }) => type !== 'delete' && object.metadata.deletionTimestamp !== undefined,
    async reconcile(key, context) {
      const { api, cache, clock } = context
      const cached = cache.get<Namespace>('namespaces', key)
      if (!cached?.metadata.deletionTimestamp) return
      const waitMs = timeMs(cached.metadata.deletionTimestamp) + GRACE_MS - clock.nowMs()
      if (waitMs > 0) return { requeueAfterMs: waitMs }
      let namespace: Namespace
      try {
        namespace = await api.get<Namespace>('namespaces', key)
        if (namespace.metadata.deletionTimestamp === undefined) return
        if (namespace.status?.phase !== 'Terminating')
          namespace = await api.updateStatus<Namespace>('namespaces', { ...namespace, status: { ...namespace.status, phase: 'Terminating' } })
        if (!namespace.spec?.finalizers?.length) return
        const content = await emptyNamespace(key, timeMs(namespace.metadata.deletionTimestamp), directory, context)
        const conditions = namespaceConditions(namespace.status?.conditions ?? [], content, clock.nowMs())
        if (!deepEqual(conditions, namespace.status?.conditions))
          namespace = await api.updateStatus<Namespace>('namespaces', { ...namespace, status: { ...namespace.status, conditions } })
        if (content.errors.length > 0) throw new Error(content.errors.join(', '))
        if (content.undiscovered?.length) throw new Error(discoveryError(content.undiscovered))
        if (content.estimateSeconds > 0) return { requeueAfterMs: (Math.trunc(content.estimateSeconds / 2) + 1) * 1000 }
        await api.update('namespaces', { ...namespace, spec: { ...namespace.spec, finalizers: namespace.spec!.finalizers!.filter((name) => name !== 'kubernetes') } }, { subresource: 'finalize' })
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error
      }
    },
  }
}

type Emptied = RemainingContent & { estimateSeconds: number }

async function emptyNamespace(namespace: string, deletedMs: number, directory: ResourceDirectory, context: ControllerContext): Promise<Emptied> {
  const resources = new Map<string, number>()
  const finalizers = new Map<string, number>()
  const errors: string[] = []
  let estimateSeconds = 0
  const empty = async (resource: ServedResource) => {
    try {
      const { items, estimate } = await emptyResource(resource, namespace, deletedMs, context)
      estimateSeconds = Math.max(estimateSeconds, estimate)
      if (items.length === 0) return
      resources.set(`${resource.resource}.${resource.group}`, items.length)
      for (const item of items) for (const name of item.metadata.finalizers ?? []) finalizers.set(name, (finalizers.get(name) ?? 0) + 1)
      if (estimate === 0) errors.push(`unexpected items still remain in namespace: ${namespace} for gvr: ${resource.group}/v1, Resource=${resource.resource}`)
    } catch (error) {
      errors.push(messageOf(error))
    }
  }
  const all = directory.list().filter((resource) => resource.namespaced && resource.verbs.includes('delete') && resource.verbs.includes('list'))
  const pods = all.find((resource) => resource.ref === 'pods')
  if (pods) await empty(pods)
  // Policies and secrets outlive the pods that they protect. k8s: OrderedNamespaceDeletion
  const undiscovered = directory.undiscovered()
  // Upstream counts what remains only when it has come to the rest.
  if (resources.size > 0) return { resources: new Map(), finalizers: new Map(), errors, undiscovered, estimateSeconds }
  for (const resource of all) if (resource !== pods) await empty(resource)
  return { resources, finalizers, errors, undiscovered, estimateSeconds }
}

async function emptyResource({ ref, verbs }: ServedResource, namespace: string, deletedMs: number, { api, clock }: ControllerContext): Promise<{ items: readonly KubeObject[]; estimate: number }> {
  const before = await api.list(ref, { namespace })
  if (before.items.length === 0) return { items: [], estimate: 0 }
  let estimate = 0
  if (ref === 'pods') {
    for (const pod of before.items as readonly Pod[]) if (!isPodTerminal(pod)) estimate = Math.max(estimate, pod.spec.terminationGracePeriodSeconds ?? 0)
    if (clock.nowMs() - deletedMs >= estimate * 1000) estimate = 0
  }
  if (verbs.includes('deletecollection')) await api.deleteCollection(ref, { namespace }, { propagationPolicy: 'Background' })
  else for (const item of before.items) {
    await api.delete(ref, item.metadata.name!, namespace, { propagationPolicy: 'Background' }).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error })
  }
  const { items } = await api.list(ref, { namespace })
  if (items.length > 0 && estimate === 0 && items.some((item) => item.metadata.finalizers?.length)) estimate = FINALIZER_ESTIMATE_SECONDS
  return { items, estimate: items.length === 0 ? 0 : estimate }
}
