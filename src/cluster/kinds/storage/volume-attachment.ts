import { defineKind } from '../define-kind.ts'
import type { VolumeAttachment } from '../generated/types.ts'

export const volumeAttachment = defineKind<VolumeAttachment>({ group: 'storage.k8s.io', version: 'v1', resource: 'volumeattachments' })
