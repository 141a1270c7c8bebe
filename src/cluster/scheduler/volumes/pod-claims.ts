import { controllerOf } from '../../client/owner-references.ts'
import type { PersistentVolumeClaim, Pod, Volume } from '../../kinds/generated/types.ts'

/** A claim that a pod names or, for a generic ephemeral volume, owns. */
export interface PodClaim {
  name: string
  ephemeral: boolean
}

function claimOf(pod: Pod, volume: Volume): PodClaim | undefined {
  if (volume.persistentVolumeClaim) return { name: volume.persistentVolumeClaim.claimName, ephemeral: false }
  return volume.ephemeral ? { name: `${pod.metadata.name}-${volume.name}`, ephemeral: true } : undefined
}

/** The claims that a pod uses. */
export function claimNames(pod: Pod): PodClaim[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => claimOf(pod, volume) ?? [])
}

/** The claims that a pod names itself. */
export function namedClaims({ spec }: Pod): string[] {
  return (spec.volumes ?? []).flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [])
}

/** Why a claim isn't the one that was made for the pod's ephemeral volume. k8s: ephemeral.VolumeIsForPod */
export function whyNotForPod(pod: Pod, claim: PersistentVolumeClaim): string | undefined {
  const { namespace, name, uid } = pod.metadata
  return controllerOf(claim)?.uid === uid ? undefined : `PVC ${claim.metadata.namespace}/${claim.metadata.name} was not created for pod ${namespace}/${name} (pod is not owner)`
}

export const claimNotFound = (name: string) => `persistentvolumeclaim "${name}" not found`
