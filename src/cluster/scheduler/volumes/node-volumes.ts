/** Which volumes a pod's claims would get on a node. k8s: plugins/volumebinding/binder.go FindPodVolumes */
import { selects } from '../../client/label-selection.ts'
import { classOfClaim, findMatchingVolume, isBoundToClaim, BOUND_BY_CONTROLLER, NO_PROVISIONER, SELECTED_NODE, volumeAllowsNode } from '../../client/volume-matching.ts'
import type { CSIDriver, CSIStorageCapacity, Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../kinds/generated/types.ts'
import { compareQuantities, quantityValue } from '../../kinds/quantity.ts'
import type { Handle } from '../framework.ts'
import { assumedVolumesOf } from './assumed-volumes.ts'

export interface VolumeBindingPair {
  volume: PersistentVolume
  claim: PersistentVolumeClaim
}

/** What has to be done for a pod's claims on a node: volumes that are there to bind, and claims to provision for. */
export interface NodeVolumes {
  bindings: VolumeBindingPair[]
  provisions: PersistentVolumeClaim[]
}

export interface Claims {
  bound: readonly PersistentVolumeClaim[]
  /** Unbound, of classes that wait for a pod. */
  delayed: readonly PersistentVolumeClaim[]
}

/** What stands in the way of a pod's claims on a node; `error`: something that makes the whole attempt fail. */
export type VolumeProblem = { reasons: string[] } | { error: string }

const NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity"
const NO_VOLUME = "node(s) didn't find available persistent volumes to bind"
const NOT_ENOUGH_SPACE = 'node(s) did not have enough free storage'
const VOLUME_GONE = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'

/** The volumes on this node, or why it can't be. */
export function findNodeVolumes(claims: Claims, node: Node, handle: Handle): NodeVolumes | VolumeProblem {
  const reasons: string[] = []
  const found: NodeVolumes = { bindings: [], provisions: [] }
  const bound = checkBound(claims.bound, node, handle)
  const open = findDelayed(claims.delayed, node, handle, found)
  if (open !== undefined && open !== NO_VOLUME && open !== NOT_ENOUGH_SPACE) return { error: open }
  if (bound === NODE_CONFLICT) reasons.push(bound)
  if (open !== undefined) reasons.push(open)
  if (bound === VOLUME_GONE) reasons.push(bound)
  return reasons.length > 0 ? { reasons } : found
}

function checkBound(claims: readonly PersistentVolumeClaim[], node: Node, { informers }: Handle): string | undefined {
  const volumes = informers.for<PersistentVolume>('persistentvolumes')
  for (const claim of claims) {
    const volume = volumes.get(claim.spec!.volumeName!)
    if (!volume) return VOLUME_GONE
    if (!volumeAllowsNode(volume, node)) return NODE_CONFLICT
  }
  return undefined
}

/** Small claims choose first. Undefined: all is well. */
function findDelayed(claims: readonly PersistentVolumeClaim[], node: Node, handle: Handle, found: NodeVolumes): string | undefined {
  if (claims.length === 0) return undefined
  const { informers } = handle
  const assumed = assumedVolumesOf(handle)
  const toProvision: PersistentVolumeClaim[] = []
  const toMatch: PersistentVolumeClaim[] = []
  for (const claim of claims) {
    const selected = claim.metadata.annotations?.[SELECTED_NODE]
    if (selected !== undefined && selected !== node.metadata.name) return NO_VOLUME
    ;(selected === undefined ? toMatch : toProvision).push(claim)
  }
  const volumes = toMatch.length === 0 ? [] : informers.for<PersistentVolume>('persistentvolumes').list().map((volume) => assumed.volume(volume))
  const taken = new Set<string>()
  for (const claim of toMatch.sort((a, b) => compareQuantities(sizeOf(a) ?? '0', sizeOf(b) ?? '0'))) {
    const volume = findMatchingVolume(claim, volumes, { node, taken, delayBinding: true })
    if (!volume) {
      toProvision.push(claim)
      continue
    }
    taken.add(volume.metadata.name!)
    found.bindings.push({ volume, claim })
  }
  for (const claim of toProvision) {
    const problem = whyNotProvisioned(claim, node, handle)
    if (problem !== undefined) return problem
    found.provisions.push(claim)
  }
  return undefined
}

const sizeOf = ({ spec }: PersistentVolumeClaim) => spec?.resources?.requests?.storage

/** k8s: checkVolumeProvisions */
function whyNotProvisioned(claim: PersistentVolumeClaim, node: Node, handle: Handle): string | undefined {
  const className = classOfClaim(claim)
  if (className === '') return `no class for claim "${claim.metadata.namespace}/${claim.metadata.name}"`
  const storageClass = handle.informers.for<StorageClass>('storageclasses.storage.k8s.io').get(className)
  if (!storageClass) return `failed to find storage class "${className}"`
  if (!storageClass.provisioner || storageClass.provisioner === NO_PROVISIONER) return NO_VOLUME
  const topologies = storageClass.allowedTopologies
  if (topologies?.length && !topologies.some(({ matchLabelExpressions = [] }) => matchLabelExpressions.length > 0 && matchLabelExpressions.every(({ key, values }) => {
    const value = node.metadata.labels?.[key]
    return value !== undefined && values.includes(value)
  }))) return NO_VOLUME
  return hasCapacity(claim, storageClass, node, handle) ? undefined : NOT_ENOUGH_SPACE
}

/** The size that the largest volume of a capacity may have. */
export const volumeLimit = ({ maximumVolumeSize, capacity }: CSIStorageCapacity) => maximumVolumeSize ?? capacity

/** Whether the class's driver says that there is room where the node gets its volumes, if it says so at all. k8s: hasEnoughCapacity */
function hasCapacity(claim: PersistentVolumeClaim, { metadata, provisioner }: StorageClass, node: Node, { informers }: Handle): boolean {
  const size = sizeOf(claim)
  if (size === undefined || !informers.for<CSIDriver>('csidrivers.storage.k8s.io').get(provisioner)?.spec.storageCapacity) return true
  return informers.for<CSIStorageCapacity>('csistoragecapacities.storage.k8s.io').list().some((capacity) => {
    const limit = volumeLimit(capacity)
    return capacity.storageClassName === metadata.name && limit !== undefined && quantityValue(limit) >= quantityValue(size) && capacity.nodeTopology !== undefined && selects(capacity.nodeTopology, node.metadata.labels)
  })
}

/** A volume with its claim written into it. k8s: component-helpers volume.GetBindVolumeToClaim */
export function withClaim(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume {
  const { metadata, apiVersion, kind } = claim
  const ref = volume.spec?.claimRef
  const isWritten = ref !== undefined && ref.name === metadata.name && ref.namespace === metadata.namespace && ref.uid === metadata.uid
  const annotate = !isBoundToClaim(volume, claim) && volume.metadata.annotations?.[BOUND_BY_CONTROLLER] === undefined
  if (isWritten && !annotate) return volume
  return {
    ...volume,
    ...(annotate ? { metadata: { ...volume.metadata, annotations: { ...volume.metadata.annotations, [BOUND_BY_CONTROLLER]: 'yes' } } } : {}),
    ...(isWritten ? {} : { spec: { ...volume.spec!, claimRef: { kind, namespace: metadata.namespace!, name: metadata.name!, uid: metadata.uid!, apiVersion, resourceVersion: metadata.resourceVersion! } } }),
  }
}

/** A claim for which a volume is to be made on a node. */
export function withSelectedNode(claim: PersistentVolumeClaim, nodeName: string): PersistentVolumeClaim {
  return { ...claim, metadata: { ...claim.metadata, annotations: { ...claim.metadata.annotations, [SELECTED_NODE]: nodeName } } }
}
