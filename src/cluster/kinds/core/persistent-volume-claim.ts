import { accessModesText } from '../cells.ts'
import { defineKind } from '../define-kind.ts'
import type { PersistentVolumeClaim } from '../generated/types.ts'
import { keep } from '../strategies.ts'
import { roundUpToMillis } from './pod-defaults.ts'

type ClaimSpec = PersistentVolumeClaim['spec']

export const persistentVolumeClaim = defineKind<PersistentVolumeClaim>({
  group: '', version: 'v1', resource: 'persistentvolumeclaims',
  defaults: defaultClaim,
  strategy: {
    beforeCreate(draft) {
      draft.status = { phase: 'Pending' }
      normalizeDataSources(draft.spec)
    },
    beforeUpdate(draft, old) {
      keep(draft, old, 'status')
      // Only fills in what another version of the server left out.
      if (!old.spec.dataSource && !old.spec.dataSourceRef) return
      normalizeDataSources(draft.spec)
    },
    beforeStatusUpdate: (draft, old) => keep(draft, old, 'spec'),
  },
  cells: {
    Status: ({ status, metadata }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? '')),
    Volume: ({ spec }) => spec.volumeName ?? '',
    Capacity: ({ spec, status }) => (spec.volumeName ? (status?.capacity?.storage ?? '0') : ''),
    'Access Modes': ({ spec, status }) => (spec.volumeName ? accessModesText(status?.accessModes) : ''),
    StorageClass: ({ spec, metadata }) => metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? '',
    VolumeAttributesClass: ({ spec }) => spec.volumeAttributesClassName ?? '<unset>',
    VolumeMode: ({ spec }) => spec.volumeMode ?? '<unset>',
  },
})

/** Also for volumeClaimTemplates. */
export function defaultClaim(claim: PersistentVolumeClaim): void {
  if (claim.status) claim.status.phase ??= 'Pending'
  claim.spec.volumeMode ??= 'Filesystem'
  for (const list of [claim.spec.resources?.limits, claim.spec.resources?.requests, claim.status?.capacity]) if (list) roundUpToMillis(list)
}

/** dataSource and dataSourceRef follow each other. k8s: pkg/registry/core/persistentvolumeclaim NormalizeDataSources */
export function normalizeDataSources(spec: ClaimSpec): void {
  if (spec.dataSource && !spec.dataSourceRef) {
    spec.dataSourceRef = { ...(spec.dataSource.apiGroup !== undefined ? { apiGroup: spec.dataSource.apiGroup } : {}), kind: spec.dataSource.kind, name: spec.dataSource.name }
  } else if (spec.dataSourceRef && !spec.dataSource && !spec.dataSourceRef.namespace) {
    spec.dataSource = { ...(spec.dataSourceRef.apiGroup !== undefined ? { apiGroup: spec.dataSourceRef.apiGroup } : {}), kind: spec.dataSourceRef.kind, name: spec.dataSourceRef.name }
  }
}
