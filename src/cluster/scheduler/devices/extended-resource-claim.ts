/** The claim that stands for a pod's extended resources. k8s: plugins/dynamicresources/extendeddynamicresources.go */
import { EXTENDED_RESOURCE_CLAIM } from '../../client/resource-claims.ts'
import type { Pod, ResourceResourceClaim } from '../../kinds/generated/types.ts'
import type { Cycle, Handle } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { unresolvable, type SchedulingStatus } from '../status.ts'
import { NOT_YET_MADE } from './claim-binding.ts'
import { trackerOf } from './claim-tracker.ts'
import { classOfResource, mayBeDevices } from './device-class-resolver.ts'
import { extendedResourceRequests } from './extended-resource-requests.ts'
import type { ExtendedClaim } from './state.ts'

/** That of an earlier attempt, or one that isn't in the cluster yet. k8s: preFilterExtendedResources */
export function extendedClaimFor({ metadata }: Pod, handle: Handle): ResourceResourceClaim {
  const made = trackerOf(handle).list().find((claim) => claim.metadata.annotations?.[EXTENDED_RESOURCE_CLAIM] === 'true'
    && claim.metadata.ownerReferences?.some(({ name, controller, uid }) => name === metadata.name && controller && uid === metadata.uid))
  return made ?? {
    apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim',
    metadata: {
      name: NOT_YET_MADE, namespace: metadata.namespace!, uid: handle.random.uuid(), generateName: `${metadata.name}-extended-resources-`, annotations: { [EXTENDED_RESOURCE_CLAIM]: 'true' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: metadata.name!, uid: metadata.uid!, controller: true }],
    },
    spec: {}, status: {},
  }
}

/** The claim for what the node has no device plugin for; undefined when there is nothing to allocate. k8s: filterExtendedResources */
export function extendedClaimOn(claim: ResourceResourceClaim, { pod, info }: Cycle, node: NodeInfo, { informers }: Handle): ExtendedClaim | SchedulingStatus | undefined {
  if (claim.spec.devices?.requests) return unresolvable('cannot schedule extended resource claim')
  const classes = new Map<string, string>()
  for (const [name, amount] of Object.entries(info.requests)) {
    if (amount === 0 || !mayBeDevices(name)) continue
    const found = classOfResource(informers, name)
    if (found && !node.allocatable[name]) classes.set(name, found.metadata.name!)
    else if (node.allocatable[name] === undefined) return unresolvable('cannot fit resource')
  }
  if (classes.size === 0) return undefined
  const { requests, mappings } = extendedResourceRequests(pod, classes)
  return { claim: { ...claim, spec: { devices: { requests } } }, mappings }
}
