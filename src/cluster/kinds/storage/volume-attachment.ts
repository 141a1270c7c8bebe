import { defineKind } from '../define-kind.ts'
import type { VolumeAttachment } from '../generated/types.ts'
import { specAndStatus } from '../strategies.ts'
import { validateVolumeAttachment, validateVolumeAttachmentUpdate } from './validate-storage.ts'

export const volumeAttachment = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io', version: 'v1', resource: 'volumeattachments',
  validate: validateVolumeAttachment,
  validateUpdate: validateVolumeAttachmentUpdate,
  strategy: { ...specAndStatus<VolumeAttachment>('io.k8s.api.storage.v1.VolumeAttachmentStatus', { generation: false }), allowUnconditionalUpdate: false },
  cells: {
    Attacher: ({ spec }) => spec.attacher, PV: ({ spec }) => spec.source.persistentVolumeName ?? '', Node: ({ spec }) => spec.nodeName, Attached: ({ status }) => status?.attached ?? false,
  },
})
