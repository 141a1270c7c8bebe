import { accessModesText } from '../cells.ts'
import { defineKind } from '../define-kind.ts'
import type { PersistentVolume } from '../generated/types.ts'
import { keep } from '../strategies.ts'
import { timeText } from '../time-text.ts'
import { roundUpToMillis } from './pod-defaults.ts'

export const persistentVolume = defineKind<PersistentVolume>({
  group: '', version: 'v1', resource: 'persistentvolumes',
  defaults({ spec, status }) {
    if (status) status.phase ??= 'Pending'
    spec.persistentVolumeReclaimPolicy ??= 'Retain'
    spec.volumeMode ??= 'Filesystem'
    if (spec.capacity) roundUpToMillis(spec.capacity)
    if (spec.hostPath) spec.hostPath.type ??= ''
    if (spec.iscsi) spec.iscsi.iscsiInterface ??= 'default'
    if (spec.rbd) {
      spec.rbd.pool ??= 'rbd'
      spec.rbd.user ??= 'admin'
      spec.rbd.keyring ??= '/etc/ceph/keyring'
    }
    if (spec.azureDisk) {
      spec.azureDisk.cachingMode ??= 'ReadWrite'
      spec.azureDisk.fsType ??= 'ext4'
      spec.azureDisk.readOnly ??= false
      spec.azureDisk.kind ??= 'Shared'
    }
    if (spec.scaleIO) {
      spec.scaleIO.storageMode ??= 'ThinProvisioned'
      spec.scaleIO.fsType ??= 'xfs'
    }
  },
  strategy: {
    beforeCreate(draft, { nowMs }) {
      draft.status = { phase: 'Pending', lastPhaseTransitionTime: timeText(nowMs) }
    },
    beforeUpdate: (draft, old) => keep(draft, old, 'status'),
    beforeStatusUpdate(draft, old, { nowMs }) {
      keep(draft, old, 'spec')
      if (!draft.status) return
      if (draft.status.phase !== old.status?.phase && draft.status.lastPhaseTransitionTime === old.status?.lastPhaseTransitionTime) draft.status.lastPhaseTransitionTime = timeText(nowMs)
    },
  },
  cells: {
    Capacity: ({ spec }) => spec.capacity?.storage ?? '0',
    'Access Modes': ({ spec }) => accessModesText(spec.accessModes),
    'Reclaim Policy': ({ spec }) => spec.persistentVolumeReclaimPolicy ?? '',
    Status: ({ status, metadata }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? '')),
    Claim: ({ spec }) => (spec.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : ''),
    StorageClass: ({ spec, metadata }) => metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? '',
    VolumeAttributesClass: ({ spec }) => spec.volumeAttributesClassName ?? '<unset>',
    Reason: ({ status }) => status?.reason ?? '',
    VolumeMode: ({ spec }) => spec.volumeMode ?? '<unset>',
  },
})
