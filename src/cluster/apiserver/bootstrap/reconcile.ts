import { deepEqual } from '../../../base/freeze.ts'
import type { Api } from '../../client/api.ts'
import type { KubeObject, ResourceRef } from '../../kinds/object.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { type PolicyRule, missingRights } from '../auth/rbac-rules.ts'
import { type BootstrapGroup, bootstrapObjects } from './bootstrap-objects.ts'
import { type BootstrapOptions, legacyTokenTracking } from './cluster-objects.ts'

const WRITE = { fieldManager: 'kube-apiserver' }
const RBAC_AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate'
const SPEC_AUTOUPDATE = 'apf.kubernetes.io/autoupdate-spec'

/**
 * Makes sure that everything is there which an API server creates on its own. Objects that users changed stay as they are, except that
 * bootstrap roles get back rights they lost (unless told not to). May be called at every start.
 * @param api a client in system:masters
 */
export async function reconcileBootstrap(api: Api, options: BootstrapOptions = {}): Promise<void> {
  for (const group of bootstrapObjects(options)) if (group.objects.length > 0) await reconcileGroup(api, group)
  await trackLegacyTokens(api)
}

async function reconcileGroup(api: Api, { resource, objects, existing }: BootstrapGroup): Promise<void> {
  const found = new Map<string, KubeObject>()
  for (const object of (await api.list(resource)).items) found.set(keyOf(object), object)
  for (const wanted of objects) {
    const current = found.get(keyOf(wanted))
    if (!current) await create(api, resource, wanted)
    else if (existing !== 'keep') {
      const next = existing === 'rbac' ? reconciledRbac(current, wanted) : existing === 'spec' ? reconciledSpec(current, wanted) : replaced(current, wanted)
      if (next) await api.update(resource, next, WRITE)
    }
  }
}

const keyOf = ({ metadata }: KubeObject) => `${metadata.namespace ?? ''}/${metadata.name}`

async function create(api: Api, resource: ResourceRef, wanted: KubeObject): Promise<void> {
  let made: KubeObject
  try {
    made = await api.create(resource, wanted, WRITE)
  } catch (error) {
    if (isStatusError(error, 'AlreadyExists')) return
    throw error
  }
  const status = initialStatus(wanted, made.metadata.creationTimestamp ?? '')
  if (status) await api.updateStatus(resource, { ...made, status }, WRITE)
}

/** What the server's own controllers say of the objects at once. */
function initialStatus(object: KubeObject, now: string): Record<string, unknown> | undefined {
  const condition = (type: string, status: string, reason: string, message: string) => ({ conditions: [{ type, status, reason, message, lastTransitionTime: now }] })
  switch (object.kind) {
    case 'APIService': return condition('Available', 'True', 'Local', 'Local APIServices are always available')
    case 'ServiceCIDR': return condition('Ready', 'True', '', 'Kubernetes Service CIDR is ready')
    case 'FlowSchema':
      return condition('Dangling', 'False', 'Found', `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify((object.spec as { priorityLevelConfiguration: { name: string } }).priorityLevelConfiguration.name)} and it exists`)
    default: return undefined
  }
}

/** k8s: pkg/registry/rbac/reconciliation: rights and subjects are added, never taken; `autoupdate: false` protects. */
export function reconciledRbac(current: KubeObject, wanted: KubeObject): KubeObject | undefined {
  if (current.metadata.annotations?.[RBAC_AUTOUPDATE] === 'false') return undefined
  const metadata = { ...current.metadata, labels: { ...wanted.metadata.labels, ...current.metadata.labels }, annotations: { ...wanted.metadata.annotations, ...current.metadata.annotations } }
  let next: KubeObject = { ...current, metadata }
  if (wanted.roleRef) {
    const subjects = (current.subjects ?? []) as { kind: string; name: string; namespace?: string }[]
    const missing = ((wanted.subjects ?? []) as typeof subjects).filter((s) => !subjects.some((c) => c.kind === s.kind && c.name === s.name && (c.namespace ?? '') === (s.namespace ?? '')))
    if (missing.length > 0) next = { ...next, subjects: [...subjects, ...missing] }
  } else if (wanted.aggregationRule) {
    if (!current.aggregationRule) next = { ...next, aggregationRule: wanted.aggregationRule }
  } else {
    const rules = (current.rules ?? []) as PolicyRule[]
    const missing = missingRights(rules, (wanted.rules ?? []) as PolicyRule[])
    if (missing.length > 0) next = { ...next, rules: [...rules, ...missing] }
  }
  return deepEqual(next, current) ? undefined : next
}

/** k8s: pkg/registry/flowcontrol/ensurer: the spec is the server's as long as the annotation says so. */
function reconciledSpec(current: KubeObject, wanted: KubeObject): KubeObject | undefined {
  if (current.metadata.annotations?.[SPEC_AUTOUPDATE] === 'false' || deepEqual(current.spec, wanted.spec)) return undefined
  return { ...current, spec: wanted.spec }
}

function replaced(current: KubeObject, wanted: KubeObject): KubeObject | undefined {
  const next: KubeObject = { ...current, ...wanted, metadata: { ...current.metadata, labels: { ...current.metadata.labels, ...wanted.metadata.labels } } }
  if (!wanted.metadata.labels && !current.metadata.labels) delete next.metadata.labels
  return deepEqual(next, current) ? undefined : next
}

async function trackLegacyTokens(api: Api): Promise<void> {
  const { name, namespace } = legacyTokenTracking('').metadata
  try {
    await api.get('configmaps', name!, namespace)
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
    const since = (await api.get('namespaces', 'kube-system')).metadata.creationTimestamp!.slice(0, 10)
    await create(api, 'configmaps', legacyTokenTracking(since))
  }
}
