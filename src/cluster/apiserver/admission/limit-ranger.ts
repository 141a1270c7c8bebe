import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../kinds/generated/types.ts'
import { canonicalQuantity, compareQuantities, isZeroQuantity, quantityMilliValue } from '../../kinds/quantity.ts'
import type { AdmissionAttributes, AdmissionPlugin, Reader } from '../seams.ts'
import { aggregated, forbidden, isAbout } from './forbidden.ts'
import { type ResourceList, podResources } from './pod-resources.ts'

const ANNOTATION = 'kubernetes.io/limit-ranger'

/** Defaults and bounds of a namespace's LimitRanges. k8s: plugin/pkg/admission/limitranger */
export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',
  mutate(attributes, { reader }) {
    if (attributes.operation !== 'CREATE' || !isAbout(attributes, 'pods') || !attributes.object) return
    for (const range of rangesIn(reader, attributes.namespace)) setDefaults(range, attributes.object as Pod)
  },
  validate(attributes, { reader }) {
    if (!applies(attributes)) return
    for (const range of rangesIn(reader, attributes.namespace)) {
      const problems = attributes.kind.resource === 'pods' ? podProblems(range, attributes.object as Pod) : claimProblems(range, attributes.object as PersistentVolumeClaim)
      if (problems.length > 0) throw forbidden(attributes, aggregated(problems))
    }
  },
}

function applies(attributes: AdmissionAttributes): boolean {
  const { operation, kind, subresource, object, oldObject } = attributes
  if ((operation !== 'CREATE' && operation !== 'UPDATE') || !object || kind.group !== '' || oldObject?.metadata.deletionTimestamp) return false
  if (kind.resource === 'pods') return operation === 'CREATE' ? subresource === '' : subresource === 'resize'
  return kind.resource === 'persistentvolumeclaims' && subresource === ''
}

function rangesIn(reader: Reader, namespace: string): LimitRange[] {
  const ranges = reader.list<LimitRange>('limitranges', namespace)
  return ranges.length < 2 ? [...ranges] : [...ranges].sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1))
}

function limitsOf(range: LimitRange, type: string): LimitRangeItem[] {
  return (range.spec?.limits ?? []).filter((limit) => limit.type === type)
}

function setDefaults(range: LimitRange, pod: Pod): void {
  const requests: ResourceList = {}
  const limits: ResourceList = {}
  for (const limit of limitsOf(range, 'Container')) {
    Object.assign(requests, limit.defaultRequest)
    Object.assign(limits, limit.default)
  }
  const notes: string[] = []
  for (const container of pod.spec.containers ?? []) setContainerDefaults(container, requests, limits, 'container', notes)
  for (const container of pod.spec.initContainers ?? []) setContainerDefaults(container, requests, limits, 'init container', notes)
  if (notes.length > 0) pod.metadata.annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${notes.join('; ')}` }
}

function setContainerDefaults(container: Container, requests: ResourceList, limits: ResourceList, what: string, notes: string[]): void {
  const set = (field: 'requests' | 'limits', defaults: ResourceList, label: string) => {
    const added = Object.keys(defaults).filter((name) => container.resources?.[field]?.[name] === undefined)
    if (added.length === 0) return
    container.resources = { ...container.resources, [field]: { ...container.resources?.[field], ...Object.fromEntries(added.map((name) => [name, defaults[name]!])) } }
    notes.push(`${added.sort().join(', ')} ${label} for ${what} ${container.name}`)
  }
  set('requests', requests, 'request')
  set('limits', limits, 'limit')
}

function podProblems(range: LimitRange, pod: Pod): string[] {
  const out: string[] = []
  for (const limit of range.spec?.limits ?? []) {
    if (limit.type === 'Container')
      for (const { resources } of [...pod.spec.containers, ...pod.spec.initContainers ?? []]) out.push(...problemsOf(limit, resources?.requests ?? {}, resources?.limits ?? {}))
    if (limit.type === 'Pod') out.push(...problemsOf(limit, podResources(pod, 'requests'), podResources(pod, 'limits')))
  }
  return out
}

function problemsOf(limit: LimitRangeItem, requests: ResourceList, limits: ResourceList): string[] {
  const out: (string | undefined)[] = []
  for (const [name, enforced] of entries(limit.min)) out.push(belowMin(limit.type, name, enforced, requests, limits))
  for (const [name, enforced] of entries(limit.max)) out.push(aboveMax(limit.type, name, enforced, requests, limits))
  for (const [name, enforced] of entries(limit.maxLimitRequestRatio)) out.push(aboveRatio(limit.type, name, enforced, requests, limits))
  return out.filter((problem): problem is string => problem !== undefined)
}

/** In the order of names, so that messages don't depend on how an object was written. */
function entries(list: Record<string, string> | undefined): [string, string][] {
  return Object.entries(list ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
}

const shown = (quantity: string | number) => canonicalQuantity(quantity)

function belowMin(type: string, name: string, enforced: string, requests: ResourceList, limits: ResourceList): string | undefined {
  const [request, limit] = [requests[name], limits[name]]
  const head = `minimum ${name} usage per ${type} is ${shown(enforced)}`
  if (request === undefined) return `${head}.  No request is specified`
  if (compareQuantities(request, enforced) < 0) return `${head}, but request is ${shown(request)}`
  return limit !== undefined && compareQuantities(limit, enforced) < 0 ? `${head}, but limit is ${shown(limit)}` : undefined
}

function aboveMax(type: string, name: string, enforced: string, requests: ResourceList, limits: ResourceList): string | undefined {
  const [request, limit] = [requests[name], limits[name]]
  const head = `maximum ${name} usage per ${type} is ${shown(enforced)}`
  if (limit === undefined) return `${head}.  No limit is specified`
  if (compareQuantities(limit, enforced) > 0) return `${head}, but limit is ${shown(limit)}`
  return request !== undefined && compareQuantities(request, enforced) > 0 ? `${head}, but request is ${shown(request)}` : undefined
}

function aboveRatio(type: string, name: string, enforced: string, requests: ResourceList, limits: ResourceList): string | undefined {
  const [request, limit] = [requests[name], limits[name]]
  const head = `${name} max limit to request ratio per ${type} is ${shown(enforced)}`
  if (request === undefined || isZeroQuantity(request)) return `${head}, but no request is specified or request is 0`
  if (limit === undefined || isZeroQuantity(limit)) return `${head}, but no limit is specified or limit is 0`
  const ratio = quantityMilliValue(limit) / quantityMilliValue(request)
  return ratio * 1000 > quantityMilliValue(enforced) ? `${head}, but provided ratio is ${ratio.toFixed(6)}` : undefined
}

function claimProblems(range: LimitRange, claim: PersistentVolumeClaim): string[] {
  const requests = claim.spec?.resources?.requests ?? {}
  const out: (string | undefined)[] = []
  for (const limit of limitsOf(range, 'PersistentVolumeClaim')) {
    for (const [name, enforced] of entries(limit.min)) out.push(belowMin(limit.type, name, enforced, requests, {}))
    for (const [name, enforced] of entries(limit.max)) {
      const request = requests[name]
      const head = `maximum ${name} usage per PersistentVolumeClaim is ${shown(enforced)}`
      if (request === undefined) out.push(`${head}.  No request is specified`)
      else if (compareQuantities(request, enforced) > 0) out.push(`${head}, but request is ${shown(request)}`)
    }
  }
  return out.filter((problem): problem is string => problem !== undefined)
}
