/** Rules for volume sources that pods and persistent volumes share. k8s: pkg/apis/core/validation */
import { checkDnsLabel } from '../checks.ts'
import { invalid, notSupported, required, type Finding } from '../findings.ts'
import { rangeText } from '../names.ts'
import type {
  AWSElasticBlockStoreVolumeSource, AzureDiskVolumeSource, FCVolumeSource, FlexVolumeSource, FlockerVolumeSource, GCEPersistentDiskVolumeSource, ISCSIVolumeSource, NFSVolumeSource, QuobyteVolumeSource,
} from '../generated/types.ts'

/** A reference to a secret, with or without namespace. */
interface NamedRef {
  name?: string
  namespace?: string
}

const PARTITION = 'must be between 1 and 255, inclusive'

function need(out: Finding[], value: unknown, at: string): void {
  if (!value) out.push(required(at))
}

/** k8s: validateGCEPersistentDiskVolumeSource */
export function checkGceDisk(out: Finding[], disk: Readonly<GCEPersistentDiskVolumeSource>, at: string): void {
  need(out, disk.pdName, `${at}.pdName`)
  checkPartition(out, disk.partition, at)
}

/** k8s: validateAWSElasticBlockStoreVolumeSource */
export function checkAwsDisk(out: Finding[], disk: Readonly<AWSElasticBlockStoreVolumeSource>, at: string): void {
  need(out, disk.volumeID, `${at}.volumeID`)
  checkPartition(out, disk.partition, at)
}

function checkPartition(out: Finding[], partition = 0, at: string): void {
  if (partition < 0 || partition > 255) out.push(invalid(`${at}.partition`, partition, PARTITION))
}

/** k8s: validateNFSVolumeSource */
export function checkNfs(out: Finding[], nfs: Readonly<NFSVolumeSource>, at: string): void {
  need(out, nfs.server, `${at}.server`)
  need(out, nfs.path, `${at}.path`)
  if (!nfs.path?.startsWith('/')) out.push(invalid(`${at}.path`, nfs.path ?? '', 'must be an absolute path'))
}

const ISCSI_NAMES: readonly [string, RegExp][] = [
  ['iqn', /iqn\.\d{4}-\d{2}\.([A-Za-z0-9\-.]+)(:[^,;*&$|\s]+)$/], ['eui', /^eui.[A-Za-z0-9]{16}$/], ['naa', /^naa.[A-Za-z0-9]{32}$/],
]

function checkIscsiName(out: Finding[], name: string, at: string, persistent: boolean | undefined): void {
  const format = ISCSI_NAMES.find(([prefix]) => name.startsWith(prefix))
  if (!format) out.push(invalid(at, name, persistent ? 'must be valid format' : 'must be valid format starting with iqn, eui, or naa'))
  else if (!format[1].test(name)) out.push(invalid(at, name, 'must be valid format'))
}

/** k8s: validateISCSIVolumeSource, validateISCSIPersistentVolumeSource (where secrets have namespaces) */
export function checkIscsi(out: Finding[], iscsi: Readonly<Omit<ISCSIVolumeSource, 'secretRef'> & { secretRef?: NamedRef }>, at: string, options: { persistent?: boolean } = {}): void {
  need(out, iscsi.targetPortal, `${at}.targetPortal`)
  if (!iscsi.iqn) out.push(required(`${at}.iqn`))
  else checkIscsiName(out, iscsi.iqn, `${at}.iqn`, options.persistent)
  if (iscsi.lun < 0 || iscsi.lun > 255) out.push(invalid(`${at}.lun`, iscsi.lun, rangeText(0, 255)))
  if ((iscsi.chapAuthDiscovery || iscsi.chapAuthSession) && !iscsi.secretRef) out.push(required(`${at}.secretRef`))
  if (options.persistent && iscsi.secretRef && !iscsi.secretRef.name) out.push(required(`${at}.secretRef.name`))
  if (iscsi.initiatorName !== undefined) checkIscsiName(out, iscsi.initiatorName, `${at}.initiatorname`, options.persistent)
}

/** k8s: validateFlockerVolumeSource */
export function checkFlocker(out: Finding[], { datasetName = '', datasetUUID = '' }: Readonly<FlockerVolumeSource>, at: string): void {
  if (!datasetName && !datasetUUID) out.push(required(at, 'one of datasetName and datasetUUID is required'))
  if (datasetName && datasetUUID) out.push(invalid(at, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'))
  if (datasetName.includes('/')) out.push(invalid(`${at}.datasetName`, datasetName, "must not contain '/'"))
}

/** k8s: validateFCVolumeSource */
export function checkFibreChannel(out: Finding[], { targetWWNs = [], wwids = [], lun }: Readonly<FCVolumeSource>, at: string): void {
  if (targetWWNs.length === 0 && wwids.length === 0) out.push(required(`${at}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both'))
  if (targetWWNs.length > 0 && wwids.length > 0) out.push(invalid(`${at}.targetWWNs`, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'))
  if (targetWWNs.length === 0) return
  if (lun === undefined) out.push(required(`${at}.lun`, 'lun is required if targetWWNs is specified'))
  else if (lun < 0 || lun > 255) out.push(invalid(`${at}.lun`, lun, rangeText(0, 255)))
}

const HOST_AND_PORT = /^(?:\[[^[\]]*\]|[^[\]:]*):[^[\]:]*$/

/** k8s: validateQuobyteVolumeSource */
export function checkQuobyte(out: Finding[], { registry, tenant = '', volume }: Readonly<QuobyteVolumeSource>, at: string): void {
  const pairs = 'must be a host:port pair or multiple pairs separated by commas'
  if (!registry) out.push(required(`${at}.registry`, pairs))
  else if (tenant.length >= 65) out.push(required(`${at}.tenant`, 'must be a UUID and may not exceed a length of 64 characters'))
  else for (const pair of registry.split(',')) if (!HOST_AND_PORT.test(pair)) out.push(invalid(`${at}.registry`, registry, pairs))
  need(out, volume, `${at}.volume`)
}

/** k8s: validateCinderVolumeSource, validateCinderPersistentVolumeSource */
export function checkCinder(out: Finding[], cinder: Readonly<{ volumeID?: string; secretRef?: NamedRef }>, at: string, persistent = false): void {
  need(out, cinder.volumeID, `${at}.volumeID`)
  if (!cinder.secretRef) return
  need(out, cinder.secretRef.name, `${at}.secretRef.name`)
  if (persistent) need(out, cinder.secretRef.namespace, `${at}.secretRef.namespace`)
}

/** k8s: validateFlexVolumeSource */
export function checkFlexVolume(out: Finding[], { driver, options = {} }: Readonly<FlexVolumeSource>, at: string): void {
  need(out, driver, `${at}.driver`)
  for (const key in options) {
    const namespace = `.${key.split('/')[0]!.toLowerCase()}`
    if (namespace.endsWith('.kubernetes.io') || namespace.endsWith('.k8s.io')) out.push(invalid(`${at}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved'))
  }
}

const CACHING = ['None', 'ReadOnly', 'ReadWrite']
const DISK_KINDS = ['Dedicated', 'Managed', 'Shared']

/** k8s: validateAzureDisk */
export function checkAzureDisk(out: Finding[], disk: Readonly<AzureDiskVolumeSource>, at: string): void {
  const { diskName, diskURI = '', cachingMode, kind } = disk as { diskName?: string; diskURI?: string; cachingMode?: string; kind?: string }
  need(out, diskName, `${at}.diskName`)
  need(out, diskURI, `${at}.diskURI`)
  if (cachingMode !== undefined && !CACHING.includes(cachingMode)) out.push(notSupported(`${at}.cachingMode`, cachingMode, CACHING))
  if (kind === undefined) return
  if (!DISK_KINDS.includes(kind)) out.push(notSupported(`${at}.kind`, kind, DISK_KINDS))
  if (kind === 'Managed' && !diskURI.startsWith('/subscriptions/')) out.push(notSupported(`${at}.diskURI`, diskURI, ['/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}']))
  if (kind !== 'Managed' && !diskURI.startsWith('https://')) out.push(notSupported(`${at}.diskURI`, diskURI, ['https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd']))
}

/** k8s: validateScaleIOVolumeSource, validateScaleIOPersistentVolumeSource */
export function checkScaleIo(out: Finding[], source: Readonly<{ gateway?: string; system?: string; volumeName?: string }>, at: string): void {
  for (const field of ['gateway', 'system', 'volumeName'] as const) need(out, source[field], `${at}.${field}`)
}

/** k8s: validateStorageOSVolumeSource, validateStorageOSPersistentVolumeSource */
export function checkStorageOs(out: Finding[], source: Readonly<{ volumeName?: string; volumeNamespace?: string; secretRef?: NamedRef }>, at: string, persistent = false): void {
  if (!source.volumeName) out.push(required(`${at}.volumeName`))
  else checkDnsLabel(out, source.volumeName, `${at}.volumeName`)
  if (source.volumeNamespace) checkDnsLabel(out, source.volumeNamespace, `${at}.volumeNamespace`)
  if (!source.secretRef) return
  need(out, source.secretRef.name, `${at}.secretRef.name`)
  if (persistent) need(out, source.secretRef.namespace, `${at}.secretRef.namespace`)
}
