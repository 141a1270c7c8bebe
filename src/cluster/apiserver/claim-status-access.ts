/** Who may write which part of a resource claim's status. k8s: pkg/registry/resource utils.go */
import { deepEqual } from '../../base/freeze.ts'
import { forbidden, type Finding } from '../kinds/findings.ts'
import type { AllocatedDeviceStatus, AllocationResult, ResourceResourceClaim } from '../kinds/generated/types.ts'
import type { KubeObject } from '../kinds/object.ts'
import { forbiddenError } from './access.ts'
import { ADMIN_ACCESS_LABEL } from './device-admin-access.ts'
import type { StatusCheck } from './registry.ts'
import type { ResourceCatalog } from './resource-catalog.ts'
import type { Authorizer, UserInfo } from './seams.ts'

const GROUP = 'resource.k8s.io'
const NODE_NAME = 'authentication.kubernetes.io/node-name'

/** Checks a status that is about to be written: allocations and devices take permissions of their own. */
export function claimStatusCheck(catalog: ResourceCatalog, authorizer: Authorizer): StatusCheck {
  return (draft, old, { user, verb }) => {
    // A custom resource may have the same name.
    if (!draft.apiVersion.startsWith(`${GROUP}/`)) return []
    const [now, before] = [(draft as unknown as ResourceResourceClaim).status ?? {}, (old as unknown as ResourceResourceClaim).status ?? {}]
    const out = adminFindings(catalog, draft, now.allocation, before.allocation)
    const denial = (asked: string, subresource: string, namespace: string, name: string): string | undefined => {
      const attributes = { user, verb: asked, resourceRequest: true, group: GROUP, version: 'v1', resource: 'resourceclaims', subresource, namespace, name, path: '' }
      const decision = authorizer.authorize(attributes)
      return decision.allowed ? undefined : forbiddenError(attributes, decision.reason).message
    }
    if (!deepEqual(now.allocation, before.allocation) || !deepEqual(now.reservedFor ?? [], before.reservedFor ?? [])) {
      const problem = denial(verb, 'binding', '', '')
      if (problem) out.push(forbidden('status.allocation', `changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="${verb}" permission: ${problem}`))
    }
    if (!now.allocation) return out
    const verbs = [...(isOnNode(user, nodeOf(now.allocation)) ? ['associated-node'] : []), 'arbitrary-node'].map((prefix) => `${prefix}:${verb}`)
    for (const driver of changedDrivers(now.devices, before.devices)) {
      const problems = verbs.map((asked) => denial(asked, 'driver', draft.metadata.namespace ?? '', driver))
      if (problems.every((problem) => problem !== undefined)) out.push(forbidden('status.devices', `changing status.devices requires resource="resourceclaims/driver", verb="[${verbs.join(' ')}]" permission: ${problems[0]}`))
    }
    return out
  }
}

/** k8s: AuthorizedForAdminStatus */
function adminFindings(catalog: ResourceCatalog, draft: KubeObject, now: AllocationResult | undefined, before: AllocationResult | undefined): Finding[] {
  const isAsked = ({ adminAccess }: { adminAccess?: boolean }) => adminAccess === true
  const index = (now?.devices?.results ?? []).findIndex(isAsked)
  if (index < 0 || before?.devices?.results?.some(isAsked)) return []
  if (catalog.byRef('namespaces').store.get('', draft.metadata.namespace!)?.metadata.labels?.[ADMIN_ACCESS_LABEL] === 'true') return []
  return [forbidden(`status.allocation.devices.results[${index}].adminAccess`, `admin access to devices requires the \`${ADMIN_ACCESS_LABEL}: true\` label on the containing namespace`)]
}

const keyOf = ({ driver, pool, device, shareID }: AllocatedDeviceStatus) => [driver, pool, device, shareID ?? ''].join(' ')

/** k8s: getModifiedDrivers */
function changedDrivers(now: readonly AllocatedDeviceStatus[] = [], before: readonly AllocatedDeviceStatus[] = []): string[] {
  const known = new Map(before.map((device) => [keyOf(device), device]))
  const drivers = new Set<string>()
  for (const device of now) {
    const old = known.get(keyOf(device))
    known.delete(keyOf(device))
    if (!old || !deepEqual(old, device)) drivers.add(device.driver)
  }
  for (const { driver } of known.values()) drivers.add(driver)
  return [...drivers].sort()
}

/** The only node that an allocation is for. k8s: nodeNameFromAllocation */
function nodeOf({ nodeSelector }: AllocationResult): string | undefined {
  const [term, ...others] = nodeSelector?.nodeSelectorTerms ?? []
  const [field, ...more] = term?.matchFields ?? []
  if (!term || others.length > 0 || term.matchExpressions?.length || !field || more.length > 0) return undefined
  return field.key === 'metadata.name' && field.operator === 'In' && field.values?.length === 1 ? field.values[0] : undefined
}

/** Whether the user is the service account of a pod on the node. k8s: saAssociatedWithAllocatedNode */
function isOnNode({ name, extra }: UserInfo, node: string | undefined): boolean {
  const names = extra?.[NODE_NAME] ?? []
  return node !== undefined && name.startsWith('system:serviceaccount:') && names.length === 1 && names[0] === node
}
