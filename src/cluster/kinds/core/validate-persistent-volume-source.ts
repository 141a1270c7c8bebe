/** Rules for what a persistent volume is. k8s: pkg/apis/core/validation ValidatePersistentVolumeSpec */
import { checkAlternatives, checkName, checkNoBacksteps } from '../checks.ts'
import { invalid, notSupported, required, type Finding } from '../findings.ts'
import { byteLength, labelName } from '../names.ts'
import type { PersistentVolume } from '../generated/types.ts'
import {
  checkAwsDisk, checkAzureDisk, checkCinder, checkFibreChannel, checkFlexVolume, checkFlocker, checkGceDisk, checkIscsi, checkNfs, checkQuobyte, checkScaleIo, checkStorageOs,
} from './validate-volume-source.ts'
import { checkDriverName, HOST_PATH_TYPES } from './validate-volume.ts'

/** Kinds of volumes, in the order in which they are looked at. */
export const VOLUME_SOURCES = [
  'hostPath', 'gcePersistentDisk', 'awsElasticBlockStore', 'glusterfs', 'flocker', 'nfs', 'rbd', 'quobyte', 'cephfs', 'iscsi', 'cinder', 'fc', 'flexVolume', 'azureFile', 'vsphereVolume',
  'photonPersistentDisk', 'portworxVolume', 'azureDisk', 'scaleIO', 'local', 'storageos', 'csi',
] as const

export function checkVolumeSource(out: Finding[], spec: Readonly<PersistentVolume['spec']>, volumeName: string): void {
  const need = (value: unknown, at: string) => {
    if (!value) out.push(required(`spec.${at}`))
  }
  const secret = (ref: { name?: string; namespace?: string } | undefined, at: string) => {
    if (!ref) return
    need(ref.name, `${at}.name`)
    need(ref.namespace, `${at}.namespace`)
  }
  const checks: Record<(typeof VOLUME_SOURCES)[number], () => void> = {
    hostPath() {
      const { path, type } = spec.hostPath!
      need(path, 'hostPath.path')
      if (!path) return
      checkNoBacksteps(out, path, 'spec.hostPath.path')
      if (type !== undefined && !HOST_PATH_TYPES.includes(type)) out.push(notSupported('spec.hostPath.type', type, HOST_PATH_TYPES))
    },
    gcePersistentDisk: () => checkGceDisk(out, spec.gcePersistentDisk!, 'spec.persistentDisk'),
    awsElasticBlockStore: () => checkAwsDisk(out, spec.awsElasticBlockStore!, 'spec.awsElasticBlockStore'),
    glusterfs() {
      const { endpoints, path, endpointsNamespace } = spec.glusterfs!
      need(endpoints, 'glusterfs.endpoints')
      need(path, 'glusterfs.path')
      const at = 'spec.glusterfs.endpointsNamespace'
      if (endpointsNamespace === '') out.push(invalid(at, endpointsNamespace, 'if the endpointnamespace is set, it must be a valid namespace name'))
      else if (endpointsNamespace !== undefined) checkName(out, endpointsNamespace, labelName, at)
    },
    flocker: () => checkFlocker(out, spec.flocker!, 'spec.flocker'),
    nfs: () => checkNfs(out, spec.nfs!, 'spec.nfs'),
    rbd() {
      need(spec.rbd!.monitors?.length, 'rbd.monitors')
      need(spec.rbd!.image, 'rbd.image')
    },
    quobyte: () => checkQuobyte(out, spec.quobyte!, 'spec.quobyte'),
    cephfs: () => need(spec.cephfs!.monitors?.length, 'cephfs.monitors'),
    iscsi() {
      const { initiatorName, targetPortal } = spec.iscsi!
      need(targetPortal, 'iscsi.targetPortal')
      if (initiatorName !== undefined && byteLength(`${volumeName}:${targetPortal}`) > 64) out.push(invalid('spec.iscsi.targetPortal', targetPortal, 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'))
      checkIscsi(out, { ...spec.iscsi!, targetPortal: targetPortal || ' ' }, 'spec.iscsi', { persistent: true })
    },
    cinder: () => checkCinder(out, spec.cinder!, 'spec.cinder', true),
    fc: () => checkFibreChannel(out, spec.fc!, 'spec.fc'),
    flexVolume: () => checkFlexVolume(out, spec.flexVolume as never, 'spec.flexVolume'),
    azureFile() {
      need(spec.azureFile!.secretName, 'azureFile.secretName')
      need(spec.azureFile!.shareName, 'azureFile.shareName')
      if (spec.azureFile!.secretNamespace === '') out.push(required('spec.azureFile.secretNamespace'))
    },
    vsphereVolume: () => need(spec.vsphereVolume!.volumePath, 'vsphereVolume.volumePath'),
    photonPersistentDisk: () => need(spec.photonPersistentDisk!.pdID, 'photonPersistentDisk.pdID'),
    portworxVolume: () => need(spec.portworxVolume!.volumeID, 'portworxVolume.volumeID'),
    azureDisk: () => checkAzureDisk(out, spec.azureDisk!, 'spec.azureDisk'),
    scaleIO: () => checkScaleIo(out, spec.scaleIO!, 'spec.scaleIO'),
    local() {
      need(spec.local!.path, 'local.path')
      if (spec.local!.path) checkNoBacksteps(out, spec.local!.path, 'spec.local.path')
      if (!spec.nodeAffinity) out.push(required('spec.nodeAffinity', 'Local volume requires node affinity'))
    },
    storageos: () => checkStorageOs(out, spec.storageos!, 'spec.storageos', true),
    csi() {
      checkDriverName(out, spec.csi!.driver, 'spec.csi.driver')
      need(spec.csi!.volumeHandle, 'csi.volumeHandle')
      for (const field of ['controllerPublishSecretRef', 'controllerExpandSecretRef', 'nodePublishSecretRef', 'nodeExpandSecretRef'] as const) secret(spec.csi![field], `csi.${field}`)
    },
  }
  const taken = checkAlternatives(out, spec, VOLUME_SOURCES.map((source) => [source, checks[source], source === 'cephfs' ? 'cephFS' : source]), 'spec', 'may not specify more than 1 volume type', ['flexVolume'])
  if (taken === 0) out.push(required('spec', 'must specify a volume type'))
}
