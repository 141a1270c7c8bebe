/** What objects count for in ResourceQuotas: pure functions, for admission and for the quota controller. k8s: pkg/quota/v1/evaluator */
import type { PersistentVolumeClaim, Pod, PodAffinityTerm, ResourceQuota, Service } from '../../kinds/generated/types.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { addQuantities, compareQuantities, quantityOf, quantityValue, parseQuantity, subQuantities } from '../../kinds/quantity.ts'
import { type ResourceList, podResources } from './pod-resources.ts'
import { resourceClaimQuota } from './resource-claim-quota.ts'

export type { ResourceList }

interface ScopeSelector {
  scopeName: string
  operator: string
  values?: string[]
}

/** How objects of one resource use quota. */
export interface QuotaEvaluator {
  /** `pods`, `services`, `deployments.apps`. */
  readonly resource: string
  /** What an object uses. @param nowMs for Pods that have overstayed their deletion */
  usage(object: KubeObject, nowMs: number): ResourceList
  /** Which of these quota names the resource counts for. */
  matchingNames(names: readonly string[]): string[]
  /** Whether an object falls under a scope. */
  matchesScope(selector: ScopeSelector, object: KubeObject): boolean
  /** What an object fails to state though a quota limits it. */
  missing?(names: readonly string[], object: KubeObject): string | undefined
}

/** The evaluator of a resource. Those without rules of their own are counted. */
export function quotaEvaluatorOf(resource: string): QuotaEvaluator {
  return SPECIAL[resource] ?? (counters.get(resource) ?? remember(countEvaluator(resource)))
}

/** Resources that have usage of their own, or an old name for their count. */
export const QUOTA_RESOURCES: readonly string[] = ['pods', 'services', 'persistentvolumeclaims', 'configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets', 'resourceclaims.resource.k8s.io']

const counters = new Map<string, QuotaEvaluator>()
function remember(evaluator: QuotaEvaluator): QuotaEvaluator {
  counters.set(evaluator.resource, evaluator)
  return evaluator
}

const LEGACY_COUNTS = ['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets']

function countEvaluator(resource: string): QuotaEvaluator {
  const names = [`count/${resource}`, ...LEGACY_COUNTS.includes(resource) ? [resource] : []]
  return {
    resource,
    usage: () => Object.fromEntries(names.map((name) => [name, '1'])),
    matchingNames: (wanted) => wanted.filter((name) => names.includes(name)),
    matchesScope: () => false,
  }
}

/** Scopes and scope selector of a quota as one list. */
function scopesOf(quota: ResourceQuota): ScopeSelector[] {
  return [...(quota.spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })), ...(quota.spec?.scopeSelector?.matchExpressions ?? []) as ScopeSelector[]]
}

/** Whether a quota covers an object: all its scopes do, and it limits something that the object's kind uses. k8s: generic.Matches */
export function quotaMatches(quota: ResourceQuota, evaluator: QuotaEvaluator, object: KubeObject, hard: Readonly<ResourceList> = quota.status?.hard ?? {}): boolean {
  return evaluator.matchingNames(Object.keys(hard)).length > 0 && scopesOf(quota).every((scope) => evaluator.matchesScope(scope, object))
}

/**
 * What a quota's hard limits are used by. k8s: pkg/quota/v1 CalculateUsage
 * @param objectsOf all objects of a resource in the quota's namespace; undefined for one that can't be counted, whose names stay out of the result
 */
export function quotaUsage(quota: ResourceQuota, objectsOf: (resource: string) => readonly KubeObject[] | undefined, nowMs: number): ResourceList {
  const hard = quota.spec?.hard ?? {}
  const names = Object.keys(hard)
  const counted = names.filter((name) => name.startsWith('count/')).map((name) => name.slice('count/'.length))
  let used: ResourceList = {}
  for (const resource of new Set([...QUOTA_RESOURCES, ...counted])) {
    const evaluator = quotaEvaluatorOf(resource)
    const matching = evaluator.matchingNames(names)
    if (matching.length === 0) continue
    const objects = objectsOf(resource)
    if (!objects) continue
    for (const name of matching) used[name] ??= '0'
    const scopes = scopesOf(quota)
    for (const object of objects)
      if (scopes.every((scope) => evaluator.matchesScope(scope, object))) used = addLists(used, masked(evaluator.usage(object, nowMs), matching))
  }
  return masked(used, names)
}


export function masked(list: Readonly<ResourceList>, names: readonly string[]): ResourceList {
  const out: ResourceList = {}
  for (const name of names) if (list[name] !== undefined) out[name] = list[name]
  return out
}

export function addLists(a: Readonly<ResourceList>, b: Readonly<ResourceList>): ResourceList {
  const out: ResourceList = { ...a }
  for (const name in b) out[name] = out[name] === undefined ? b[name]! : addQuantities(out[name], b[name]!)
  return out
}

/** a - b, where less than nothing is nothing. k8s: SubtractWithNonNegativeResult */
export function subtractLists(a: Readonly<ResourceList>, b: Readonly<ResourceList>): ResourceList {
  const out: ResourceList = {}
  for (const name in a) {
    const left = b[name] === undefined ? a[name]! : subQuantities(a[name]!, b[name]!)
    out[name] = parseQuantity(left).nanos < 0n ? '0' : left
  }
  for (const name in b) out[name] ??= '0'
  return out
}

export function equalLists(a: Readonly<ResourceList>, b: Readonly<ResourceList>): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => b[name] !== undefined && compareQuantities(a[name]!, b[name]) === 0)
}

const POD_NAMES = new Set(['count/pods', 'pods', 'cpu', 'memory', 'ephemeral-storage', 'requests.cpu', 'requests.memory', 'requests.ephemeral-storage', 'limits.cpu', 'limits.memory', 'limits.ephemeral-storage'])
/** Names that containers must state if a quota limits them. */
const MANDATORY = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']

/** k8s: isExtendedResourceNameForQuota */
function isExtendedName(name: string): boolean {
  if (!name.startsWith('requests.')) return false
  const rest = name.slice('requests.'.length)
  return rest.includes('/') && !/(^|\.)kubernetes\.io\//.test(rest)
}

/** k8s: podComputeUsageHelper */
function computeUsage(requests: Readonly<ResourceList>, limits: Readonly<ResourceList>): ResourceList {
  const out: ResourceList = { pods: '1' }
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
    if (requests[name] !== undefined) out[name] = out[`requests.${name}`] = requests[name]
    if (limits[name] !== undefined) out[`limits.${name}`] = limits[name]
  }
  for (const name in requests) {
    if (name.startsWith('hugepages-')) out[name] = out[`requests.${name}`] = requests[name]!
    else if (isExtendedName(`requests.${name}`)) out[`requests.${name}`] = requests[name]!
  }
  return out
}

const isTerminating = (pod: Pod) => (pod.spec.activeDeadlineSeconds ?? -1) >= 0

function isBestEffort(pod: Pod): boolean {
  const asks = (list: Readonly<ResourceList> | undefined) => ['cpu', 'memory'].some((name) => list?.[name] !== undefined && parseQuantity(list[name]).nanos > 0n)
  return ![pod.spec, ...pod.spec.containers, ...pod.spec.initContainers ?? []].some(({ resources }) => asks(resources?.requests) || asks(resources?.limits))
}

function usesCrossNamespaceAffinity(pod: Pod): boolean {
  const crosses = (term: PodAffinityTerm) => Boolean(term.namespaces?.length) || term.namespaceSelector !== undefined
  return [pod.spec.affinity?.podAffinity, pod.spec.affinity?.podAntiAffinity].some((affinity) =>
    affinity?.requiredDuringSchedulingIgnoredDuringExecution?.some(crosses) || affinity?.preferredDuringSchedulingIgnoredDuringExecution?.some(({ podAffinityTerm }) => crosses(podAffinityTerm)))
}

function matchesValue(value: string | undefined, { operator, values = [] }: ScopeSelector): boolean {
  switch (operator) {
    case 'Exists': return Boolean(value)
    case 'DoesNotExist': return !value
    case 'In': return value !== undefined && values.includes(value)
    case 'NotIn': return value === undefined || !values.includes(value)
    default: return false
  }
}

const pods: QuotaEvaluator = {
  resource: 'pods',
  usage(object, nowMs) {
    const pod = object as Pod
    const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata
    const isOver = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded'
      || (deletionTimestamp !== undefined && deletionGracePeriodSeconds !== undefined && nowMs > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000)
    if (isOver) return { 'count/pods': '1' }
    return { 'count/pods': '1', ...computeUsage(podResources(pod, 'requests', { overhead: true }), podResources(pod, 'limits', { overhead: true })) }
  },
  matchingNames: (names) => names.filter((name) => POD_NAMES.has(name) || name.startsWith('hugepages-') || name.startsWith('requests.hugepages-') || isExtendedName(name)),
  matchesScope(selector, object) {
    const pod = object as Pod
    switch (selector.scopeName) {
      case 'Terminating': return isTerminating(pod)
      case 'NotTerminating': return !isTerminating(pod)
      case 'BestEffort': return isBestEffort(pod)
      case 'NotBestEffort': return !isBestEffort(pod)
      case 'PriorityClass': return matchesValue(pod.spec.priorityClassName || undefined, selector)
      case 'CrossNamespacePodAffinity': return usesCrossNamespaceAffinity(pod)
      default: return false
    }
  },
  missing(names, object) {
    const pod = object as Pod
    if (pod.spec.resources && (Object.keys(pod.spec.resources.requests ?? {}).length > 0 || Object.keys(pod.spec.resources.limits ?? {}).length > 0)) return undefined
    const wanted = MANDATORY.filter((name) => names.includes(name)).sort()
    const parts: string[] = []
    for (const name of wanted) {
      const lacking = [...pod.spec.containers, ...pod.spec.initContainers ?? []]
        .filter(({ resources }) => computeUsage(resources?.requests ?? {}, resources?.limits ?? {})[name] === undefined).map((container) => container.name)
      if (lacking.length > 0) parts.push(`${name} for: ${[...new Set(lacking)].sort().join(',')}`)
    }
    return parts.length > 0 ? `must specify ${parts.join('; ')}` : undefined
  },
}

const services: QuotaEvaluator = {
  resource: 'services',
  usage(object) {
    const { spec } = object as Service
    const ports = spec?.ports ?? []
    const isBalancer = spec?.type === 'LoadBalancer'
    let nodePorts = 0
    if (spec?.type === 'NodePort' || isBalancer) nodePorts = isBalancer && spec?.allocateLoadBalancerNodePorts === false ? ports.filter((port) => port.nodePort).length : ports.length
    return { 'count/services': '1', services: '1', 'services.loadbalancers': isBalancer ? '1' : '0', 'services.nodeports': String(nodePorts) }
  },
  matchingNames: (names) => names.filter((name) => ['count/services', 'services', 'services.loadbalancers', 'services.nodeports'].includes(name)),
  matchesScope: () => false,
}

const BY_CLASS = '.storageclass.storage.k8s.io/'
const CLAIM_NAMES = ['persistentvolumeclaims', 'requests.storage']

const claims: QuotaEvaluator = {
  resource: 'persistentvolumeclaims',
  usage(object) {
    const claim = object as PersistentVolumeClaim
    const out: ResourceList = { 'count/persistentvolumeclaims': '1', persistentvolumeclaims: '1' }
    const className = claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? claim.spec?.storageClassName ?? ''
    if (className) out[`${className}${BY_CLASS}persistentvolumeclaims`] = '1'
    const requested = claim.spec?.resources?.requests?.storage
    if (requested !== undefined) {
      const allocated = claim.status?.allocatedResources?.storage
      const storage = roundedUp(allocated !== undefined && compareQuantities(allocated, requested) > 0 ? allocated : requested)
      out['requests.storage'] = storage
      if (className) out[`${className}${BY_CLASS}requests.storage`] = storage
    }
    return out
  },
  matchingNames: (names) => names.filter((name) => name === 'count/persistentvolumeclaims' || CLAIM_NAMES.includes(name) || CLAIM_NAMES.some((claim) => name.endsWith(BY_CLASS + claim))),
  matchesScope(selector, object) {
    if (selector.scopeName !== 'VolumeAttributesClass') return false
    const { spec, status } = object as PersistentVolumeClaim
    const classes = [spec?.volumeAttributesClassName, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus?.targetVolumeAttributesClassName]
    return classes.some((name) => Boolean(name) && matchesValue(name, selector))
  },
}

/** Storage comes in whole bytes. */
function roundedUp(quantity: string): string {
  const parsed = parseQuantity(quantity)
  return parsed.nanos % 1_000_000_000n === 0n ? quantity : quantityOf(quantityValue(quantity), parsed.format)
}

const SPECIAL: Readonly<Record<string, QuotaEvaluator>> = { pods, services, persistentvolumeclaims: claims, [resourceClaimQuota.resource]: resourceClaimQuota }
