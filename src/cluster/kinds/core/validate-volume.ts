/** Rules for the volumes of a pod. k8s: pkg/apis/core/validation ValidateVolumes */
import { checkAlternatives, checkDnsLabel, checkNoBacksteps, checkProjectedPath, checkRelativePath } from '../checks.ts'
import { duplicate, forbidden, invalid, notSupported, required, tooLong, type Finding } from '../findings.ts'
import { byteLength, dnsSubdomainProblems, subdomainName } from '../names.ts'
import { compareQuantities } from '../quantity.ts'
import type { DownwardAPIVolumeFile, KeyToPath, ProjectedVolumeSource, Volume } from '../generated/types.ts'
import { validateClaimTemplate } from './validate-claim.ts'
import {
  checkAwsDisk, checkAzureDisk, checkCinder, checkFibreChannel, checkFlexVolume, checkFlocker, checkGceDisk, checkIscsi, checkNfs, checkQuobyte, checkScaleIo, checkStorageOs,
} from './validate-volume-source.ts'
import { checkFieldRef, checkResourceFieldRef, VOLUME_FIELDS } from './validate-container.ts'

const LONG_ISCSI_NAME = 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'
const FILE_MODE = 'must be a number between 0 and 0777 (octal), both inclusive'
export const HOST_PATH_TYPES = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']

/** Returns the valid volumes by name. `podName`: where known, claims of ephemeral volumes are named after it. */
export function validateVolumes(out: Finding[], volumes: readonly Volume[] | undefined, podName: string | undefined, at: string): Map<string, Volume> {
  const valid = new Map<string, Volume>()
  if (!volumes) return valid
  const created = new Set(podName ? volumes.filter((volume) => volume.ephemeral).map((volume) => `${podName}-${volume.name}`) : [])
  volumes.forEach((volume, i) => {
    const here = `${at}[${i}]`
    const own: Finding[] = []
    checkSource(own, volume, podName, here)
    if (!volume.name) own.push(required(`${here}.name`))
    else checkDnsLabel(own, volume.name, `${here}.name`)
    if (valid.has(volume.name)) own.push(duplicate(`${here}.name`, volume.name))
    if (own.length === 0) valid.set(volume.name, volume)
    else out.push(...own)
    const claim = volume.persistentVolumeClaim?.claimName
    if (claim && created.has(claim)) out.push(invalid(`${here}.persistentVolumeClaim.claimName`, claim, 'must not reference a PVC that gets created for an ephemeral volume'))
  })
  return valid
}

function checkMode(out: Finding[], mode: number | undefined, at: string): void {
  if (mode !== undefined && (mode > 0o777 || mode < 0)) out.push(invalid(at, mode, FILE_MODE))
}

function checkItems(out: Finding[], items: readonly KeyToPath[] | undefined, at: string): void {
  ;(items ?? []).forEach((item, i) => {
    const here = `${at}.items[${i}]`
    if (!item.key) out.push(required(`${here}.key`))
    if (!item.path) out.push(required(`${here}.path`))
    checkProjectedPath(out, item.path ?? '', `${here}.path`)
    checkMode(out, item.mode, `${here}.mode`)
  })
}

function checkSource(out: Finding[], volume: Readonly<Volume>, podName: string | undefined, at: string): void {
  const need = (value: unknown, field: string) => {
    if (!value) out.push(required(`${at}.${field}`))
  }
  const taken = checkAlternatives(out, volume, [
    ['emptyDir', () => {
      if (volume.emptyDir!.sizeLimit !== undefined && compareQuantities(volume.emptyDir!.sizeLimit, '0') < 0) out.push(forbidden(`${at}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity'))
    }],
    ['hostPath', () => {
      const { path, type } = volume.hostPath!
      if (!path) {
        out.push(required(`${at}.hostPath.path`))
        return
      }
      checkNoBacksteps(out, path, `${at}.hostPath.path`)
      if (type !== undefined && !HOST_PATH_TYPES.includes(type)) out.push(notSupported(`${at}.hostPath.type`, type, HOST_PATH_TYPES))
    }],
    ['gitRepo', () => {
      need(volume.gitRepo!.repository, 'gitRepo.repository')
      checkRelativePath(out, volume.gitRepo!.directory ?? '', `${at}.gitRepo.directory`)
    }],
    ['gcePersistentDisk', () => checkGceDisk(out, volume.gcePersistentDisk!, `${at}.persistentDisk`)],
    ['awsElasticBlockStore', () => checkAwsDisk(out, volume.awsElasticBlockStore!, `${at}.awsElasticBlockStore`)],
    ['secret', () => {
      const source = volume.secret!
      need(source.secretName, 'secret.secretName')
      checkMode(out, source.defaultMode, `${at}.secret.defaultMode`)
      checkItems(out, source.items, `${at}.secret`)
    }],
    ['nfs', () => checkNfs(out, volume.nfs!, `${at}.nfs`)],
    ['iscsi', () => {
      checkIscsi(out, volume.iscsi!, `${at}.iscsi`)
      if (volume.iscsi!.initiatorName !== undefined && byteLength(`${volume.name}:${volume.iscsi!.targetPortal}`) > 64) out.push(invalid(`${at}.name`, volume.name, LONG_ISCSI_NAME))
    }],
    ['glusterfs', () => {
      need(volume.glusterfs!.endpoints, 'glusterfs.endpoints')
      need(volume.glusterfs!.path, 'glusterfs.path')
    }],
    ['flocker', () => checkFlocker(out, volume.flocker!, `${at}.flocker`)],
    ['persistentVolumeClaim', () => need(volume.persistentVolumeClaim!.claimName, 'persistentVolumeClaim.claimName')],
    ['rbd', () => {
      need(volume.rbd!.monitors?.length, 'rbd.monitors')
      need(volume.rbd!.image, 'rbd.image')
    }],
    ['cinder', () => checkCinder(out, volume.cinder!, `${at}.cinder`)],
    ['cephfs', () => need(volume.cephfs!.monitors?.length, 'cephfs.monitors'), 'cephFS'],
    ['quobyte', () => checkQuobyte(out, volume.quobyte!, `${at}.quobyte`)],
    ['downwardAPI', () => {
      checkMode(out, volume.downwardAPI!.defaultMode, `${at}.downwardAPI.defaultMode`)
      for (const file of volume.downwardAPI!.items ?? []) checkDownwardFile(out, file, `${at}.downwardAPI`)
    }, 'downwarAPI'],
    ['fc', () => checkFibreChannel(out, volume.fc!, `${at}.fc`)],
    ['flexVolume', () => checkFlexVolume(out, volume.flexVolume!, `${at}.flexVolume`)],
    ['configMap', () => {
      const source = volume.configMap!
      need(source.name, 'configMap.name')
      checkMode(out, source.defaultMode, `${at}.configMap.defaultMode`)
      checkItems(out, source.items, `${at}.configMap`)
    }],
    ['azureFile', () => {
      need(volume.azureFile!.secretName, 'azureFile.secretName')
      need(volume.azureFile!.shareName, 'azureFile.shareName')
    }],
    ['vsphereVolume', () => need(volume.vsphereVolume!.volumePath, 'vsphereVolume.volumePath')],
    ['photonPersistentDisk', () => need(volume.photonPersistentDisk!.pdID, 'photonPersistentDisk.pdID')],
    ['portworxVolume', () => need(volume.portworxVolume!.volumeID, 'portworxVolume.volumeID')],
    ['azureDisk', () => checkAzureDisk(out, volume.azureDisk!, `${at}.azureDisk`)],
    ['storageos', () => checkStorageOs(out, volume.storageos!, `${at}.storageos`)],
    ['projected', () => {
      checkMode(out, volume.projected!.defaultMode, `${at}.projected.defaultMode`)
      checkProjected(out, volume.projected!, `${at}.projected`)
    }],
    ['scaleIO', () => checkScaleIo(out, volume.scaleIO!, `${at}.scaleIO`)],
    ['csi', () => {
      checkDriverName(out, volume.csi!.driver, `${at}.csi.driver`)
      const ref = volume.csi!.nodePublishSecretRef
      if (!ref) return
      if (!ref.name) out.push(required(`${at}.csi.nodePublishSecretRef.name`))
      else for (const problem of subdomainName(ref.name, false)) out.push(invalid(`${at}.csi.name`, ref.name, problem))
    }],
    ['ephemeral', () => {
      const template = volume.ephemeral!.volumeClaimTemplate
      if (!template) out.push(required(`${at}.ephemeral.volumeClaimTemplate`))
      else validateClaimTemplate(out, template, `${at}.ephemeral.volumeClaimTemplate`)
      if (podName && volume.name) {
        const claim = `${podName}-${volume.name}`
        for (const problem of subdomainName(claim, false)) out.push(invalid(`${at}.name`, volume.name, `PVC name ${JSON.stringify(claim)}: ${problem}`))
      }
    }],
    ['image', () => {
      need(volume.image!.reference, 'image.reference')
      const policy = volume.image!.pullPolicy
      if (!['Always', 'IfNotPresent', 'Never'].includes(policy ?? '')) out.push(notSupported(`${at}.image.pullPolicy`, policy ?? '', ['Always', 'IfNotPresent', 'Never']))
    }],
  ], at, 'may not specify more than 1 volume type')
  if (taken === 0) out.push(required(at, 'must specify a volume type'))
}

/** k8s: ValidateCSIDriverName */
export function checkDriverName(out: Finding[], name: string | undefined, at: string): void {
  if (!name) {
    out.push(required(at))
    return
  }
  if (byteLength(name) > 63) out.push(tooLong(at, 63))
  for (const problem of dnsSubdomainProblems(name.toLowerCase())) out.push(invalid(at, name, problem))
}

function checkDownwardFile(out: Finding[], file: Readonly<DownwardAPIVolumeFile>, at: string): void {
  if (!file.path) out.push(required(`${at}.path`))
  checkProjectedPath(out, file.path ?? '', `${at}.path`)
  if (file.fieldRef) {
    checkFieldRef(out, file.fieldRef, VOLUME_FIELDS, `${at}.fieldRef`)
    if (file.resourceFieldRef) out.push(invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'))
  } else if (file.resourceFieldRef) checkResourceFieldRef(out, file.resourceFieldRef, true, `${at}.resourceFieldRef`)
  else out.push(required(at, 'one of fieldRef and resourceFieldRef is required'))
  checkMode(out, file.mode, `${at}.mode`)
}

/** k8s: validateProjectionSources */
function checkProjected(out: Finding[], projected: Readonly<ProjectedVolumeSource>, at: string): void {
  const paths = new Set<string>()
  const claimPath = (path: string | undefined, shown: string) => {
    if (!path) return
    if (paths.has(path)) out.push(invalid(at, shown, 'conflicting duplicate paths'))
    paths.add(path)
  }
  ;(projected.sources ?? []).forEach((source, i) => {
    const here = `${at}.sources[${i}]`
    let count = 0
    for (const kind of ['secret', 'configMap'] as const) {
      const from = source[kind]
      if (!from) continue
      count++
      if (!from.name) out.push(required(`${here}.${kind}.name`))
      checkItems(out, from.items, `${here}.${kind}`)
      for (const item of from.items ?? []) claimPath(item.path, from.name ?? '')
    }
    if (source.downwardAPI) {
      count++
      for (const file of source.downwardAPI.items ?? []) {
        checkDownwardFile(out, file, `${here}.downwardAPI`)
        claimPath(file.path, file.path)
      }
    }
    const token = source.serviceAccountToken
    if (token) {
      count++
      const seconds = token.expirationSeconds ?? 0
      if (seconds < 600) out.push(invalid(`${here}.serviceAccountToken.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'))
      if (seconds > 2 ** 32) out.push(invalid(`${here}.serviceAccountToken.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'))
      if (!token.path) out.push(required(`${at}.path`))
      else checkProjectedPath(out, token.path, `${at}.path`)
    }
    if (count > 1) out.push(forbidden(here, 'may not specify more than 1 volume type per source'))
  })
}
