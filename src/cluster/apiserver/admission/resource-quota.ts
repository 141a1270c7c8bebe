import type { Pod, ResourceQuota } from '../../kinds/generated/types.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { compareQuantities, parseQuantity } from '../../kinds/quantity.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../seams.ts'
import { forbidden } from './forbidden.ts'
import { type QuotaEvaluator, type ResourceList, addLists, equalLists, masked, quotaEvaluatorOf, quotaMatches, subtractLists } from './quota-evaluators.ts'

/** k8s: pkg/quota/v1/install DefaultIgnoredResources */
const IGNORED = new Set(['bindings', 'componentstatuses', 'events', 'events.events.k8s.io', 'localsubjectaccessreviews.authorization.k8s.io'])
const RETRIES = 3

/**
 * Refuses what would exceed a quota, and books what is let through. Requests of a namespace take their turns, so that two of them can't
 * both take the last of it. k8s: apiserver/pkg/admission/plugin/resourcequota
 */
export function resourceQuota(): AdmissionPlugin {
  const turns = new Map<string, Promise<unknown>>()
  return {
    name: 'ResourceQuota',
    validate(attributes, context) {
      const { kind, namespace, object } = attributes
      if (namespace === '' || !object || (kind.resource === 'namespaces' && kind.group === '')) return
      if (context.reader.list('resourcequotas', namespace).length === 0) return
      const resource = kind.group ? `${kind.resource}.${kind.group}` : kind.resource
      if (IGNORED.has(resource)) return
      const evaluator = quotaEvaluatorOf(resource)
      if (!handles(resource, attributes)) return
      const turn = (turns.get(namespace) ?? Promise.resolve()).catch(() => {}).then(() => evaluate(attributes, context, evaluator))
      turns.set(namespace, turn)
      const done = () => { if (turns.get(namespace) === turn) turns.delete(namespace) }
      turn.then(done, done)
      return turn
    },
  }
}

function handles(resource: string, { operation, subresource, object, oldObject }: AdmissionAttributes): boolean {
  const isCreate = operation === 'CREATE'
  switch (resource) {
    case 'pods': {
      if (subresource === 'resize') return operation === 'UPDATE'
      if (subresource !== '') return false
      const hasDeadline = (pod: KubeObject | undefined) => ((pod as Pod | undefined)?.spec.activeDeadlineSeconds ?? -1) >= 0
      return isCreate || (operation === 'UPDATE' && hasDeadline(object) !== hasDeadline(oldObject))
    }
    case 'services': case 'persistentvolumeclaims': return subresource === '' && (isCreate || operation === 'UPDATE')
    default: return subresource === '' && isCreate
  }
}

async function evaluate(attributes: AdmissionAttributes, context: AdmissionContext, evaluator: QuotaEvaluator): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const quotas = [...context.reader.list<ResourceQuota>('resourcequotas', attributes.namespace)].sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1))
    const updates = check(quotas, attributes, evaluator, context.nowMs())
    if (attributes.dryRun) return
    try {
      for (const [quota, used] of updates) if (!equalLists(quota.status?.used ?? {}, used)) await context.api.updateStatus('resourcequotas', { ...quota, status: { ...quota.status, used } })
      return
    } catch (error) {
      if (attempt >= RETRIES || !isStatusError(error, 'Conflict')) throw error
    }
  }
}

/** The new usage of each quota that the request counts for. @throws StatusError 403 */
function check(quotas: readonly ResourceQuota[], attributes: AdmissionAttributes, evaluator: QuotaEvaluator, nowMs: number): [ResourceQuota, ResourceList][] {
  const object = attributes.object!
  const covering: ResourceQuota[] = []
  for (const quota of quotas) {
    if (!quotaMatches(quota, evaluator, object)) continue
    const { name } = quota.metadata
    const limited = evaluator.matchingNames(Object.keys(quota.status?.hard ?? {}))
    const missing = evaluator.missing?.(limited, object)
    if (missing) throw forbidden(attributes, `failed quota: ${name}: ${missing}`)
    if (limited.some((resource) => quota.status?.used?.[resource] === undefined)) throw forbidden(attributes, `status unknown for quota: ${name}, resources: ${[...limited].sort().join(',')}`)
    covering.push(quota)
  }
  if (covering.length === 0) return []
  const usage = evaluator.usage(object, nowMs)
  const negative = Object.keys(usage).filter((name) => parseQuantity(usage[name]!).nanos < 0n)
  if (negative.length > 0) throw forbidden(attributes, `quota usage is negative for resource(s): ${negative.sort().join(',')}`)
  const before = attributes.operation === 'UPDATE' && attributes.oldObject?.metadata.resourceVersion ? attributes.oldObject : undefined
  const out: [ResourceQuota, ResourceList][] = []
  for (const quota of covering) {
    const delta = withoutZeros(before && quotaMatches(quota, evaluator, before) ? subtractLists(usage, evaluator.usage(before, nowMs)) : usage)
    const hard = quota.status?.hard ?? {}
    const requested = masked(delta, Object.keys(hard))
    const names = Object.keys(requested)
    if (names.length === 0) continue
    const used = addLists(quota.status?.used ?? {}, requested)
    const exceeded = names.filter((name) => compareQuantities(used[name]!, hard[name]!) > 0)
    if (exceeded.length > 0)
      throw forbidden(attributes, `exceeded quota: ${quota.metadata.name}, requested: ${shown(masked(requested, exceeded))}, used: ${shown(masked(quota.status?.used ?? {}, exceeded))}, limited: ${shown(masked(hard, exceeded))}`)
    out.push([quota, used])
  }
  return out
}

function withoutZeros(list: ResourceList): ResourceList {
  return Object.fromEntries(Object.entries(list).filter(([, quantity]) => parseQuantity(quantity).nanos !== 0n))
}

const shown = (list: ResourceList) => Object.keys(list).sort().map((name) => `${name}=${list[name]}`).join(',')
