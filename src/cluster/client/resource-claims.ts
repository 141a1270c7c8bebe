/** Which claims belong to which pods. k8s: dynamic-resource-allocation/resourceclaim */
import type { DeviceTaint, DeviceToleration, Pod, PodResourceClaim, ResourceResourceClaim } from '../kinds/generated/types.ts'
import { controllerOf } from './owner-references.ts'

export const RESOURCE_CLAIMS = 'resourceclaims.resource.k8s.io'
export const RESOURCE_CLAIM_TEMPLATES = 'resourceclaimtemplates.resource.k8s.io'
export const RESOURCE_SLICES = 'resourceslices.resource.k8s.io'
export const DEVICE_CLASSES = 'deviceclasses.resource.k8s.io'

/** Held by claims that have an allocation. k8s: resource/v1 Finalizer */
export const CLAIM_FINALIZER = 'resource.kubernetes.io/delete-protection'
/** On claims made from a template: the pod's name for it. k8s: PodResourceClaimAnnotation */
export const POD_CLAIM_NAME = 'resource.kubernetes.io/pod-claim-name'
/** On claims that the scheduler made for extended resources. k8s: ExtendedResourceClaimAnnotation */
export const EXTENDED_RESOURCE_CLAIM = 'resource.kubernetes.io/extended-resource-claim'
/** In front of a class's name: the extended resource that every class stands for. k8s: ResourceDeviceClassPrefix */
export const DEVICE_CLASS_RESOURCE = 'deviceclass.resource.kubernetes.io/'

/** The claim was not made yet. k8s: ErrClaimNotFound */
export class ClaimNotCreated extends Error {}

export interface ClaimName {
  /** Undefined: there is no claim, on purpose. */
  name: string | undefined
  /** Whether the claim must be the pod's own. */
  isGenerated: boolean
}

/** The claim that an entry of a pod means. @throws ClaimNotCreated k8s: resourceclaim.Name */
export function claimNameOf({ metadata, status }: Readonly<Pod>, { name, resourceClaimName }: Readonly<PodResourceClaim>): ClaimName {
  if (resourceClaimName !== undefined) return { name: resourceClaimName, isGenerated: false }
  const generated = status?.resourceClaimStatuses?.find((each) => each.name === name)
  if (!generated) throw new ClaimNotCreated(`pod "${metadata.namespace}/${metadata.name}": ResourceClaim not created yet`)
  return { name: generated.resourceClaimName, isGenerated: true }
}

/** Why a claim isn't the one that was made for the pod; undefined when it is. k8s: IsForPod */
export function whyNotForPod({ metadata: pod }: Readonly<Pod>, claim: Readonly<ResourceResourceClaim>): string | undefined {
  return controllerOf(claim)?.uid === pod.uid ? undefined : `ResourceClaim ${claim.metadata.namespace}/${claim.metadata.name} was not created for Pod ${pod.namespace}/${pod.name} (Pod is not owner)`
}

export const isReservedFor = ({ metadata }: Readonly<Pod>, { status }: Readonly<ResourceResourceClaim>): boolean => status?.reservedFor?.some(({ uid }) => uid === metadata.uid) ?? false

/** The pod that a claim was made for. k8s: owningPod */
export function owningPod(claim: Readonly<ResourceResourceClaim>): { name: string; uid: string } | undefined {
  return claim.metadata.ownerReferences?.find(({ controller, apiVersion, kind }) => controller && apiVersion === 'v1' && kind === 'Pod')
}

/** k8s: ToleratesTaint of devices */
export function toleratesDeviceTaint(toleration: Readonly<DeviceToleration>, taint: Readonly<DeviceTaint>): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  return toleration.operator === 'Exists' || ((toleration.operator ?? 'Equal') === 'Equal' && (toleration.value ?? '') === (taint.value ?? ''))
}

/** Whether any toleration takes the taint. */
export const isDeviceTaintTolerated = (tolerations: readonly DeviceToleration[] | undefined, taint: Readonly<DeviceTaint>): boolean => tolerations?.some((toleration) => toleratesDeviceTaint(toleration, taint)) ?? false
