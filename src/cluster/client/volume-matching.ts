/** Which volume suits which claim. k8s: component-helpers/storage/volume */
import type { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../kinds/generated/types.ts'
import { compareQuantities } from '../kinds/quantity.ts'
import { selects } from './label-selection.ts'
import { matchesNodeSelector } from './node-selection.ts'

export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed'
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller'
/** The provisioner of kind's clusters, which makes directories on nodes. */
export const LOCAL_PATH = 'rancher.io/local-path'
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by'
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node'
export const STORAGE_PROVISIONER = 'volume.kubernetes.io/storage-provisioner'
export const BETA_STORAGE_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner'
export const NO_PROVISIONER = 'kubernetes.io/no-provisioner'
const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class'

/** The claim's class; '' for none. */
export function classOfClaim({ metadata, spec }: Readonly<PersistentVolumeClaim>): string {
  return metadata.annotations?.[BETA_CLASS] ?? spec?.storageClassName ?? ''
}

export function classOfVolume({ metadata, spec }: Readonly<PersistentVolume>): string {
  return metadata.annotations?.[BETA_CLASS] ?? spec?.storageClassName ?? ''
}

/** Whether binding waits for a pod. */
export function delaysBinding(claim: Readonly<PersistentVolumeClaim>, getClass: (name: string) => StorageClass | undefined): boolean {
  const name = classOfClaim(claim)
  return name !== '' && getClass(name)?.volumeBindingMode === 'WaitForFirstConsumer'
}

export function isBoundToClaim({ spec }: Readonly<PersistentVolume>, { metadata }: Readonly<PersistentVolumeClaim>): boolean {
  const ref = spec?.claimRef
  return ref !== undefined && ref.name === metadata.name && ref.namespace === metadata.namespace && (!ref.uid || ref.uid === metadata.uid)
}

/** Whether a node can reach the volume. k8s: volume.CheckNodeAffinity */
export function volumeAllowsNode({ spec }: Readonly<PersistentVolume>, node: Readonly<Node>): boolean {
  const required = spec?.nodeAffinity?.required
  return !required || matchesNodeSelector(required, node)
}

/**
 * The smallest volume that will do; a volume that names the claim wins. `node` undefined: where the pod runs isn't known (yet).
 * k8s: volume.FindMatchingVolume
 */
export function findMatchingVolume(claim: Readonly<PersistentVolumeClaim>, volumes: readonly PersistentVolume[], { node, taken, delayBinding = false }: { node?: Node; taken?: ReadonlySet<string>; delayBinding?: boolean } = {}): PersistentVolume | undefined {
  const asked = claim.spec?.resources?.requests?.storage ?? '0'
  const className = classOfClaim(claim)
  let smallest: PersistentVolume | undefined
  for (const volume of volumes) {
    if (taken?.has(volume.metadata.name!)) continue
    if ((volume.spec?.volumeMode ?? 'Filesystem') !== (claim.spec?.volumeMode ?? 'Filesystem')) continue
    if ((claim.spec?.volumeAttributesClassName ?? '') !== (volume.spec?.volumeAttributesClassName ?? '')) continue
    if (volume.metadata.deletionTimestamp !== undefined) continue
    if (isBoundToClaim(volume, claim)) {
      if (compareQuantities(volume.spec?.capacity?.storage ?? '0', asked) < 0) continue
      if (node && !volumeAllowsNode(volume, node)) return undefined
      return volume
    }
    if (node ? !volumeAllowsNode(volume, node) : false) continue
    // Which node isn't known: leave it to the scheduler.
    if (!node && delayBinding) continue
    if (volume.status?.phase !== 'Available' || volume.spec?.claimRef) continue
    if (claim.spec?.selector && !selects(claim.spec.selector, volume.metadata.labels)) continue
    if (classOfVolume(volume) !== className) continue
    if (!claim.spec?.accessModes?.every((mode) => volume.spec?.accessModes?.includes(mode))) continue
    const size = volume.spec?.capacity?.storage ?? '0'
    if (compareQuantities(size, asked) < 0) continue
    if (!smallest || compareQuantities(size, smallest.spec?.capacity?.storage ?? '0') < 0) smallest = volume
  }
  return smallest
}
