import type { Pod } from '../../kinds/generated/types.ts'

/** An index of pods by the claims that they use. k8s: pkg/controller/volume/common PodPVCIndexFunc */
export const PODS_BY_CLAIM = {
  name: 'claim',
  values: (pod: Pod): readonly string[] => (pod.spec.volumes ?? []).flatMap((volume) => volume.persistentVolumeClaim ? [`${pod.metadata.namespace}/${volume.persistentVolumeClaim.claimName}`]
    : volume.ephemeral ? [`${pod.metadata.namespace}/${pod.metadata.name}-${volume.name}`] : []),
}
