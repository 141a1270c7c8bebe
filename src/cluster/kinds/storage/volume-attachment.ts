import { defineKind } from '../define-kind.ts'
import { defaultVolumeSources } from '../core/volume-defaults.ts'
import type { VolumeAttachment } from '../generated/types.ts'
import { keepMetadata, specAndStatus } from '../strategies.ts'
import { validateVolumeAttachment, validateVolumeAttachmentUpdate } from './validate-storage.ts'

const STATUS_STRATEGY = specAndStatus<VolumeAttachment>('io.k8s.api.storage.v1.VolumeAttachmentStatus', { generation: false })

export const volumeAttachment = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io', version: 'v1', resource: 'volumeattachments',
  defaults({ spec: { source } }) {
    if (source.inlineVolumeSpec) defaultVolumeSources(source.inlineVolumeSpec)
  },
  validate: validateVolumeAttachment,
  validateUpdate: validateVolumeAttachmentUpdate,
  strategy: {
    ...STATUS_STRATEGY,
    allowUnconditionalUpdate: false,
    beforeStatusUpdate(draft, old, context) {
      STATUS_STRATEGY.beforeStatusUpdate(draft, old, context)
      keepMetadata(draft, old)
    },
  },
  cells: {
    Attacher: ({ spec }) => spec.attacher, PV: ({ spec }) => spec.source.persistentVolumeName ?? '', Node: ({ spec }) => spec.nodeName, Attached: ({ status }) => status?.attached ?? false,
  },
})
