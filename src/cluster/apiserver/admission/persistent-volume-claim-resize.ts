import type { PersistentVolumeClaim, StorageClass } from '../../kinds/generated/types.ts'
import { compareQuantities } from '../../kinds/quantity.ts'
import type { AdmissionPlugin } from '../seams.ts'
import { forbidden, isAbout } from './forbidden.ts'

const classOf = (claim: PersistentVolumeClaim) => claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? claim.spec?.storageClassName ?? ''

/** k8s: plugin/pkg/admission/storage/persistentvolume/resize */
export const persistentVolumeClaimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  validate(attributes, { reader }) {
    if (attributes.operation !== 'UPDATE' || !isAbout(attributes, 'persistentvolumeclaims')) return
    const claim = attributes.object as PersistentVolumeClaim
    const old = attributes.oldObject as PersistentVolumeClaim
    if (compareQuantities(claim.spec?.resources?.requests?.storage ?? '0', old.spec?.resources?.requests?.storage ?? '0') <= 0) return
    if (old.status?.phase !== 'Bound') throw forbidden(attributes, 'Only bound persistent volume claims can be expanded')
    const className = classOf(claim)
    const allowed = className !== '' && className === classOf(old) && reader.get<StorageClass>('storageclasses.storage.k8s.io', undefined, className)?.allowVolumeExpansion === true
    if (!allowed) throw forbidden(attributes, 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize')
  },
}
