import { controllerReference } from '../../client/owner-references.ts'
import type { PersistentVolumeClaim, Pod, StatefulSet } from '../../kinds/generated/types.ts'
import type { KubeObject, OwnerReference } from '../../kinds/object.ts'

const names = (ref: OwnerReference, object: KubeObject) => ref.apiVersion === object.apiVersion && ref.kind === object.kind && ref.name === object.metadata.name

/** Whether a claim belongs to an object that had this one's name before it: the claim goes with its owner, nobody touches it any more. k8s: hasStaleOwnerRef */
function hasStaleOwner(claim: PersistentVolumeClaim, object: KubeObject): boolean {
  const ref = claim.metadata.ownerReferences?.find((owner) => names(owner, object))
  return ref !== undefined && ref.uid !== object.metadata.uid
}

const policyOf = ({ spec }: Readonly<StatefulSet>) => {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = spec!.persistentVolumeClaimRetentionPolicy ?? {}
  return { whenDeleted, whenScaled }
}

/** Whether a claim, made for the pod of this name, still waits to go with the pod before it: a new pod has to wait. k8s: PodClaimIsStale */
export function isStaleClaim(claim: PersistentVolumeClaim, set: Readonly<StatefulSet>, pod: Pod): boolean {
  return policyOf(set).whenScaled === 'Delete' && hasStaleOwner(claim, pod)
}

/** Whether something else manages a claim though the set has a policy for it. k8s: hasUnexpectedController */
export function hasConflictingController(claim: PersistentVolumeClaim, set: Readonly<StatefulSet>, pod: Pod): boolean {
  const { whenDeleted, whenScaled } = policyOf(set)
  if (whenDeleted === 'Retain' && whenScaled === 'Retain') return false
  return (claim.metadata.ownerReferences ?? []).some((ref) => {
    const own = [set as StatefulSet, pod].find((object) => names(ref, object))
    return own ? ref.uid !== own.metadata.uid : ref.controller === true
  })
}

/**
 * The owners that a pod's claim should have by its set's policy; undefined when they are as they should be, or none of the set's business.
 * @param isCondemned whether the pod is beyond the set's replicas
 * k8s: isClaimOwnerUpToDate, updateClaimOwnerRefForSetAndPod
 */
export function wantedOwners(claim: PersistentVolumeClaim, set: Readonly<StatefulSet>, pod: Pod, isCondemned: boolean): OwnerReference[] | undefined {
  if (hasStaleOwner(claim, set as StatefulSet) || hasStaleOwner(claim, pod)) return undefined
  const refs = claim.metadata.ownerReferences ?? []
  const own = (object: { metadata: { uid?: string } }) => refs.find((ref) => ref.uid === object.metadata.uid)
  const ofSet = own(set as StatefulSet)
  const ofPod = own(pod)
  const others = refs.filter((ref) => !names(ref, set as StatefulSet) && !names(ref, pod))
  if (hasConflictingController(claim, set, pod)) return ofSet || ofPod ? others : undefined
  const { whenDeleted, whenScaled } = policyOf(set)
  const goesWithPod = whenScaled === 'Delete' && isCondemned
  const goesWithSet = whenDeleted === 'Delete' && !goesWithPod
  const manages = (ref: OwnerReference | undefined) => ref === undefined || ref.controller === true
  if (Boolean(ofSet) === goesWithSet && Boolean(ofPod) === goesWithPod && manages(ofSet) && manages(ofPod)) return undefined
  return [...others, ...goesWithPod ? [controllerReference(pod)] : goesWithSet ? [controllerReference(set as StatefulSet)] : []]
}
