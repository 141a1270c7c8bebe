import type { Controller } from '../../client/controller-runner.ts'
import { controllerOf } from '../../client/owner-references.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../kinds/generated/types.ts'
import { PODS_BY_CLAIM } from './pods-by-claim.ts'

const CLAIM_FINALIZER = 'kubernetes.io/pvc-protection'
const VOLUME_FINALIZER = 'kubernetes.io/pv-protection'

/** A claim goes only when no pod uses it any more. k8s: pkg/controller/volume/pvcprotection */
export const claimProtectionController: Controller = {
  name: 'persistentvolumeclaim-protection-controller', for: 'persistentvolumeclaims',
  indexes: [{ resource: 'pods', ...PODS_BY_CLAIM }],
  watches: [{ resource: 'pods', keys: ({ type, object }) => type === 'add' ? [] : PODS_BY_CLAIM.values(object) }],
  async reconcile(key, { api, cache }) {
    const claim = cache.get<PersistentVolumeClaim>('persistentvolumeclaims', key)
    if (!claim) return
    const finalizers = claim.metadata.finalizers ?? []
    const held = finalizers.includes(CLAIM_FINALIZER)
    if (claim.metadata.deletionTimestamp === undefined) {
      if (!held) await api.update('persistentvolumeclaims', { ...claim, metadata: { ...claim.metadata, finalizers: [...finalizers, CLAIM_FINALIZER] } })
      return
    }
    if (!held || cache.byIndex<Pod>('pods', PODS_BY_CLAIM.name, key).some((pod) => usesClaim(pod, claim))) return
    await api.update('persistentvolumeclaims', { ...claim, metadata: { ...claim.metadata, finalizers: finalizers.filter((name) => name !== CLAIM_FINALIZER) } })
  },
}

/** k8s: podUsesPVCForDeletion */
function usesClaim(pod: Pod, claim: PersistentVolumeClaim): boolean {
  // Pods that no node has yet will not start with a claim that is going.
  if (!pod.spec.nodeName) return false
  const name = claim.metadata.name
  if (pod.spec.volumes?.some((volume) => volume.persistentVolumeClaim?.claimName === name)) return true
  // A pod that is deleted in the foreground waits for the claims of its ephemeral volumes, so those don't wait for it once it has been shut down.
  if (pod.metadata.deletionTimestamp !== undefined && pod.metadata.deletionGracePeriodSeconds === 0) return false
  return controllerOf(claim)?.uid === pod.metadata.uid && Boolean(pod.spec.volumes?.some((volume) => volume.ephemeral && `${pod.metadata.name}-${volume.name}` === name))
}

/** A volume goes only when it is bound to no claim. k8s: pkg/controller/volume/pvprotection */
export const volumeProtectionController: Controller = {
  name: 'persistentvolume-protection-controller', for: 'persistentvolumes',
  async reconcile(key, { api, cache }) {
    const volume = cache.get<PersistentVolume>('persistentvolumes', key)
    if (!volume) return
    const finalizers = volume.metadata.finalizers ?? []
    const held = finalizers.includes(VOLUME_FINALIZER)
    if (volume.metadata.deletionTimestamp === undefined) {
      if (!held) await api.update('persistentvolumes', { ...volume, metadata: { ...volume.metadata, finalizers: [...finalizers, VOLUME_FINALIZER] } })
    } else if (held && volume.status?.phase !== 'Bound')
      await api.update('persistentvolumes', { ...volume, metadata: { ...volume.metadata, finalizers: finalizers.filter((name) => name !== VOLUME_FINALIZER) } })
  },
}

const CLASSES = 'volumeattributesclasses.storage.k8s.io'
const CLASS_FINALIZER = 'kubernetes.io/vac-protection'

/** Names of the VolumeAttributesClasses that a claim has, gets or wants. */
function classesOfClaim({ spec, status }: PersistentVolumeClaim): string[] {
  return [spec?.volumeAttributesClassName, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus?.targetVolumeAttributesClassName].filter((name) => name !== undefined && name !== '') as string[]
}

/** A VolumeAttributesClass goes only when no claim and no volume names it. k8s: pkg/controller/volume/vacprotection */
export const attributesClassProtectionController: Controller = {
  name: 'volumeattributesclass-protection-controller', for: CLASSES,
  watches: [
    { resource: 'persistentvolumeclaims', keys: ({ type, object, old }) => type === 'add' ? [] : classesOfClaim(old ?? object) },
    { resource: 'persistentvolumes', keys: ({ type, object, old }) => { const name = ((old ?? object) as PersistentVolume).spec?.volumeAttributesClassName; return type === 'add' || !name ? [] : [name] } },
  ],
  async reconcile(key, { api, cache }) {
    const attributes = cache.get(CLASSES, key)
    if (!attributes) return
    const finalizers = attributes.metadata.finalizers ?? []
    const held = finalizers.includes(CLASS_FINALIZER)
    if (attributes.metadata.deletionTimestamp === undefined) {
      if (!held) await api.update(CLASSES, { ...attributes, metadata: { ...attributes.metadata, finalizers: [...finalizers, CLASS_FINALIZER] } })
      return
    }
    if (!held) return
    if (cache.list<PersistentVolumeClaim>('persistentvolumeclaims').some((claim) => classesOfClaim(claim).includes(key))) return
    if (cache.list<PersistentVolume>('persistentvolumes').some((volume) => volume.spec?.volumeAttributesClassName === key)) return
    await api.update(CLASSES, { ...attributes, metadata: { ...attributes.metadata, finalizers: finalizers.filter((name) => name !== CLASS_FINALIZER) } })
  },
}
