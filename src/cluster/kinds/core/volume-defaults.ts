import type { PersistentVolume } from '../generated/types.ts'
import { roundUpToMillis } from './pod-defaults.ts'

/** What the sources of a volume default to, also where the volume is inline in a VolumeAttachment. Mutates. k8s: SetObjectDefaults_PersistentVolume, SetObjectDefaults_VolumeAttachment */
export function defaultVolumeSources(spec: PersistentVolume['spec']): void {
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
}
