import { defineKind } from '../define-kind.ts'
import type { StorageClass } from '../generated/types.ts'
import type { Kind } from '../kind.ts'
import { validateKindMetaUpdate, validateObjectMeta } from '../validate-metadata.ts'
import { validateStorageClass, validateStorageClassUpdate } from './validate-storage.ts'

const DEFAULT_ANNOTATIONS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

/** Whether claims without a class get this one. k8s: pkg/apis/storage/util IsDefaultAnnotation */
function isDefaultStorageClass({ metadata }: Pick<StorageClass, 'metadata'>): boolean {
  return DEFAULT_ANNOTATIONS.some((name) => metadata.annotations?.[name] === 'true')
}

export const storageClass: Kind<StorageClass> = defineKind<StorageClass>({
  group: 'storage.k8s.io', version: 'v1', resource: 'storageclasses',
  validate: validateStorageClass,
  updatesWithoutMeta: true,
  validateUpdate: (object, old) => [
    ...validateObjectMeta({ namespaced: false }, object.metadata), ...validateStorageClass(object), ...validateKindMetaUpdate(storageClass, object.metadata, old.metadata), ...validateStorageClassUpdate(object, old),
  ],
  defaults(draft) {
    draft.reclaimPolicy ??= 'Delete'
    draft.volumeBindingMode ??= 'Immediate'
  },
  cells: {
    Name: (object) => (isDefaultStorageClass(object) ? `${object.metadata.name} (default)` : object.metadata.name),
    Provisioner: (object) => object.provisioner,
    ReclaimPolicy: (object) => object.reclaimPolicy ?? 'Delete',
    VolumeBindingMode: (object) => object.volumeBindingMode ?? 'Immediate',
    AllowVolumeExpansion: (object) => object.allowVolumeExpansion ?? false,
  },
})
