import type { AdmissionPlugin } from '../seams.ts'
import { isAbout } from './forbidden.ts'

const FINALIZERS = [['persistentvolumes', '', 'kubernetes.io/pv-protection'], ['persistentvolumeclaims', '', 'kubernetes.io/pvc-protection'], ['volumeattributesclasses', 'storage.k8s.io', 'kubernetes.io/vac-protection']] as const

/** Volumes and claims aren't deleted under those who use them. k8s: plugin/pkg/admission/storage/storageobjectinuseprotection */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  mutate(attributes) {
    if (attributes.operation !== 'CREATE' || !attributes.object) return
    for (const [resource, group, finalizer] of FINALIZERS) {
      if (!isAbout(attributes, resource, group)) continue
      const { metadata } = attributes.object
      if (!metadata.finalizers?.includes(finalizer)) metadata.finalizers = [...metadata.finalizers ?? [], finalizer]
    }
  },
}
