import type { PersistentVolume, Volume } from '../generated/types.ts'

/** What sources default to that Pods' volumes and PersistentVolumes have in common. Mutates. k8s: SetDefaults_HostPathVolumeSource, SetDefaults_ISCSIVolumeSource and their neighbours */
export function defaultCommonSources({ hostPath, iscsi, rbd, azureDisk, scaleIO }: Volume | PersistentVolume['spec']): void {
  if (hostPath) hostPath.type ??= ''
  if (iscsi) iscsi.iscsiInterface ??= 'default'
  if (rbd) {
    rbd.pool ??= 'rbd'
    rbd.user ??= 'admin'
    rbd.keyring ??= '/etc/ceph/keyring'
  }
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite'
    azureDisk.fsType ??= 'ext4'
    azureDisk.readOnly ??= false
    azureDisk.kind ??= 'Shared'
  }
  if (scaleIO) {
    scaleIO.storageMode ??= 'ThinProvisioned'
    scaleIO.fsType ??= 'xfs'
  }
}
