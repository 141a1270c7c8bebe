import type { PersistentVolume } from '../generated/types.ts'
import { roundUpToMillis } from './pod-defaults.ts'
import { defaultCommonSources } from './volume-source-defaults.ts'

/** What a PersistentVolume's spec defaults to, also where it is inline in a VolumeAttachment. Mutates. k8s: SetObjectDefaults_PersistentVolume, SetObjectDefaults_VolumeAttachment */
export function defaultVolumeSources(spec: PersistentVolume['spec']): void {
  if (spec.capacity) roundUpToMillis(spec.capacity)
  defaultCommonSources(spec)
}
