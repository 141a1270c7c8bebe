/** What an allocation says beside its devices. k8s: Allocate, createNodeSelector of the allocator */
import type { DeviceAllocationConfiguration, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, ResourceResourceClaim } from '../../kinds/generated/types.ts'
import type { PickedDevice } from './device-allocator.ts'
import { fullName, type PreparedRequest } from './device-request.ts'

/** Configuration for drivers: that of the classes first. `requests`: the alternatives that were taken, in the claim's order. */
export function allocationConfig({ spec }: Readonly<ResourceResourceClaim>, requests: readonly PreparedRequest[]): DeviceAllocationConfiguration[] {
  const out: DeviceAllocationConfiguration[] = []
  const ofClass = new Map<string, DeviceAllocationConfiguration[]>()
  for (const request of requests) {
    const known = ofClass.get(request.className)
    if (known) {
      for (const config of known) config.requests!.push(fullName(request))
      continue
    }
    const own = (request.class.spec.config ?? []).map((config): DeviceAllocationConfiguration => ({ source: 'FromClass', requests: [fullName(request)], ...config }))
    ofClass.set(request.className, own)
    out.push(...own)
  }
  for (const { requests: names = [], opaque } of spec.devices?.config ?? []) {
    const config: DeviceAllocationConfiguration = { source: 'FromClaim', ...(names.length > 0 ? { requests: [...names] } : {}), ...(opaque ? { opaque } : {}) }
    if (names.length === 0) out.push(config)
    else for (const request of requests) if (names.includes(request.request) || names.includes(fullName(request))) out.push(config)
  }
  return out
}

/** The nodes from which the devices can be reached; undefined: all. */
export function allocationNodeSelector(picked: readonly PickedDevice[], nodeName: string): NodeSelector | undefined {
  const term: Required<NodeSelectorTerm> = { matchFields: [], matchExpressions: [] }
  for (const { device, slice: { spec } } of picked) {
    const from = spec.perDeviceNodeSelection ? device : spec
    if (from.nodeName !== undefined || device.bindsToNode) return { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] }] }
    const [only] = from.nodeSelector?.nodeSelectorTerms ?? []
    for (const field of ['matchFields', 'matchExpressions'] as const) for (const requirement of only?.[field] ?? []) if (!term[field].some((known) => isSame(known, requirement))) term[field].push(requirement)
  }
  const { matchFields, matchExpressions } = term
  if (matchFields.length + matchExpressions.length === 0) return undefined
  return { nodeSelectorTerms: [{ ...(matchExpressions.length > 0 ? { matchExpressions } : {}), ...(matchFields.length > 0 ? { matchFields } : {}) }] }
}

function isSame(a: NodeSelectorRequirement, b: NodeSelectorRequirement): boolean {
  const [mine, theirs] = [new Set(a.values), new Set(b.values)]
  return a.key === b.key && a.operator === b.operator && mine.size === theirs.size && [...mine].every((value) => theirs.has(value))
}
