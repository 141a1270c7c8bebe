/** Rules for what a persistent volume is. k8s: pkg/apis/core/validation ValidatePersistentVolumeSpec */
import { checkAlternatives, checkDnsLabel, checkDnsSubdomain, checkName, checkNoBacksteps } from '../checks.ts'
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

/** `at`: where the spec is. */
export function checkVolumeSource(out: Finding[], spec: Readonly<PersistentVolume['spec']>, volumeName: string, at: string): void {
  const need = (value: unknown, field: string) => {
    if (!value) out.push(required(`${at}.${field}`))
  }
  /** k8s: validatePVSecretReference */
  const secret = (ref: { name?: string; namespace?: string } | undefined, field: string) => {
    if (!ref) return
    if (ref.name) checkDnsSubdomain(out, ref.name, `${at}.${field}.name`)
    else need(ref.name, `${field}.name`)
    if (ref.namespace) checkDnsLabel(out, ref.namespace, `${at}.${field}.namespace`)
    else need(ref.namespace, `${field}.namespace`)
  }
  const checks: Record<(typeof VOLUME_SOURCES)[number], () => void> = {
    hostPath() {
      const { path, type } = spec.hostPath!
      need(path, 'hostPath.path')
      if (!path) return
      checkNoBacksteps(out, path, `${at}.hostPath.path`)
      if (type !== undefined && !HOST_PATH_TYPES.includes(type)) out.push(notSupported(`${at}.hostPath.type`, type, HOST_PATH_TYPES))
    },
    gcePersistentDisk: () => checkGceDisk(out, spec.gcePersistentDisk!, `${at}.persistentDisk`),
    awsElasticBlockStore: () => checkAwsDisk(out, spec.awsElasticBlockStore!, `${at}.awsElasticBlockStore`),
    glusterfs() {
      const { endpoints, path, endpointsNamespace } = spec.glusterfs!
      need(endpoints, 'glusterfs.endpoints')
      need(path, 'glusterfs.path')
      const here = `${at}.glusterfs.endpointsNamespace`
      if (endpointsNamespace === '') out.push(invalid(here, endpointsNamespace, 'if the endpointnamespace is set, it must be a valid namespace name'))
      else if (endpointsNamespace !== undefined) checkName(out, endpointsNamespace, labelName, here)
    },
    flocker: () => checkFlocker(out, spec.flocker!, `${at}.flocker`),
    nfs: () => checkNfs(out, spec.nfs!, `${at}.nfs`),
    rbd() {
      need(spec.rbd!.monitors?.length, 'rbd.monitors')
      need(spec.rbd!.image, 'rbd.image')
    },
    quobyte: () => checkQuobyte(out, spec.quobyte!, `${at}.quobyte`),
    cephfs: () => need(spec.cephfs!.monitors?.length, 'cephfs.monitors'),
    iscsi() {
      const { initiatorName, targetPortal } = spec.iscsi!
      need(targetPortal, 'iscsi.targetPortal')
      if (initiatorName !== undefined && byteLength(`${volumeName}:${targetPortal}`) > 64) out.push(invalid(`${at}.iscsi.targetportal`, targetPortal, 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'))
      checkIscsi(out, { ...spec.iscsi!, targetPortal: targetPortal || ' ' }, `${at}.iscsi`, { persistent: true })
    },
    cinder: () => checkCinder(out, spec.cinder!, `${at}.cinder`, true),
    fc: () => checkFibreChannel(out, spec.fc!, `${at}.fc`),
    flexVolume: () => checkFlexVolume(out, spec.flexVolume as never, `${at}.flexVolume`),
    azureFile() {
      need(spec.azureFile!.secretName, 'azureFile.secretName')
      need(spec.azureFile!.shareName, 'azureFile.shareName')
      if (spec.azureFile!.secretNamespace === '') out.push(required(`${at}.azureFile.secretNamespace`))
    },
    vsphereVolume: () => need(spec.vsphereVolume!.volumePath, 'vsphereVolume.volumePath'),
    photonPersistentDisk: () => need(spec.photonPersistentDisk!.pdID, 'photonPersistentDisk.pdID'),
    portworxVolume: () => need(spec.portworxVolume!.volumeID, 'portworxVolume.volumeID'),
    azureDisk: () => checkAzureDisk(out, spec.azureDisk!, `${at}.azureDisk`),
    scaleIO: () => checkScaleIo(out, spec.scaleIO!, `${at}.scaleIO`),
    local() {
      need(spec.local!.path, 'local.path')
      if (spec.local!.path) checkNoBacksteps(out, spec.local!.path, `${at}.local.path`)
      if (!spec.nodeAffinity) out.push(required(`${at}.nodeAffinity`, 'Local volume requires node affinity'))
    },
    storageos: () => checkStorageOs(out, spec.storageos!, `${at}.storageos`, true),
    csi() {
      checkDriverName(out, spec.csi!.driver, `${at}.csi.driver`)
      need(spec.csi!.volumeHandle, 'csi.volumeHandle')
      for (const field of ['controllerPublishSecretRef', 'controllerExpandSecretRef', 'nodePublishSecretRef', 'nodeExpandSecretRef'] as const) secret(spec.csi![field], `csi.${field}`)
    },
  }
  const taken = checkAlternatives(out, spec, VOLUME_SOURCES.map((source) => [source, checks[source], source === 'cephfs' ? 'cephFS' : source]), at, 'may not specify more than 1 volume type', ['flexVolume'])
  if (taken === 0) out.push(required(at, 'must specify a volume type'))
}
