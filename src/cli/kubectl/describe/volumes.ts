import { canonicalQuantity, compareQuantities } from '../../../cluster/kinds/quantity.ts'
import { claimClass } from './storage-texts.ts'
import type { DescribeWriter } from './writer.ts'
import { goList, printAnnotations, printMap, sortedKeys } from './writer.ts'

type Field = readonly [title: string, value: string]
/** Heading and fields of a volume's source; nothing from those that write their lines themselves. */
type SourceText = (source: any, w: DescribeWriter) => readonly [heading: string, ...fields: Field[]] | void

const none = (value: unknown) => value === undefined || value === null ? '<none>' : String(value)
const text = (value: unknown) => value === undefined || value === null ? '' : String(value)
const flag = (value: unknown) => String(Boolean(value))
const number = (value: unknown) => String(value ?? 0)
/** Titles that kubectl writes unlike the others. */
const UNUSUAL_TITLES: Record<string, string> = { ISCSIInterface: 'ISCSIInterface', Kind: 'Kind: ' }
const readOnly = (v: any): Field => ['ReadOnly', flag(v.readOnly)]
const fsType = (v: any): Field => ['FSType', text(v.fsType)]

/** A reference to a Secret as Go prints the pointer to it: `&LocalObjectReference{Name:x,}`. */
const localSecret = (v: any): Field => ['SecretRef', v.secretRef ? `&LocalObjectReference{Name:${text(v.secretRef.name)},}` : 'nil']
const secretOfNamespace = (v: any): Field => ['SecretRef', v.secretRef ? `&SecretReference{Name:${text(v.secretRef.name)},Namespace:${text(v.secretRef.namespace)},}` : 'nil']

const iscsi = (secret: (v: any) => Field): SourceText => (v) => [
  "ISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and then exposed to the pod)", ['TargetPortal', text(v.targetPortal)], ['IQN', text(v.iqn)], ['Lun', number(v.lun)],
  ['ISCSIInterface', text(v.iscsiInterface)], fsType(v), readOnly(v), ['Portals', goList(v.portals)], ['DiscoveryCHAPAuth', flag(v.chapAuthDiscovery)], ['SessionCHAPAuth', flag(v.chapAuthSession)], secret(v),
  ['InitiatorName', none(v.initiatorName)],
]
const rbd = (secret: (v: any) => Field): SourceText => (v) => [
  "RBD (a Rados Block Device mount on the host that shares a pod's lifetime)", ['CephMonitors', goList(v.monitors)], ['RBDImage', text(v.image)], fsType(v), ['RBDPool', text(v.pool)], ['RadosUser', text(v.user)],
  ['Keyring', text(v.keyring)], secret(v), readOnly(v),
]
const cinder = (secret: (v: any) => Field): SourceText => (v) => ['Cinder (a Persistent Disk resource in OpenStack)', ['VolumeID', text(v.volumeID)], fsType(v), readOnly(v), secret(v)]
const cephfs = (secret: (v: any) => Field): SourceText => (v) => [
  "CephFS (a CephFS mount on the host that shares a pod's lifetime)", ['Monitors', goList(v.monitors)], ['Path', text(v.path)], ['User', text(v.user)], ['SecretFile', text(v.secretFile)], secret(v), readOnly(v),
]
const flexVolume = (secret: (v: any) => Field): SourceText => (v) => [
  'FlexVolume (a generic volume resource that is provisioned/attached using an exec based plugin)', ['Driver', text(v.driver)], fsType(v), secret(v), readOnly(v),
  ['Options', `map[${sortedKeys(v.options).map((k) => `${k}:${v.options[k]}`).join(' ')}]`],
]
const storageOS: SourceText = (v) => ['StorageOS (a StorageOS Persistent Disk resource)', ['VolumeName', text(v.volumeName)], ['VolumeNamespace', text(v.volumeNamespace)], fsType(v), readOnly(v)]
const scaleIO = (secret: (v: any) => Field[]): SourceText => (v) => [
  'ScaleIO (a persistent volume backed by a block device in ScaleIO)', ['Gateway', text(v.gateway)], ['System', text(v.system)], ['Protection Domain', text(v.protectionDomain)], ['Storage Pool', text(v.storagePool)],
  ['Storage Mode', text(v.storageMode)], ['VolumeName', text(v.volumeName)], ...secret(v), fsType(v), readOnly(v),
]

const hostPath: SourceText = (v) => ['HostPath (bare host directory volume)', ['Path', text(v.path)], ['HostPathType', none(v.type)]]
const gcePersistentDisk: SourceText = (v) => ['GCEPersistentDisk (a Persistent Disk resource in Google Compute Engine)', ['PDName', text(v.pdName)], fsType(v), ['Partition', number(v.partition)], readOnly(v)]
const awsElasticBlockStore: SourceText = (v) => ['AWSElasticBlockStore (a Persistent Disk resource in AWS)', ['VolumeID', text(v.volumeID)], fsType(v), ['Partition', number(v.partition)], readOnly(v)]
const nfs: SourceText = (v) => ['NFS (an NFS mount that lasts the lifetime of a pod)', ['Server', text(v.server)], ['Path', text(v.path)], readOnly(v)]
const quobyte: SourceText = (v) => ["Quobyte (a Quobyte mount on the host that shares a pod's lifetime)", ['Registry', text(v.registry)], ['Volume', text(v.volume)], readOnly(v)]
const vsphereVolume: SourceText = (v) => ['vSphereVolume (a Persistent Disk resource in vSphere)', ['VolumePath', text(v.volumePath)], fsType(v), ['StoragePolicyName', text(v.storagePolicyName)]]
const azureDisk: SourceText = (v) => [
  'AzureDisk (an Azure Data Disk mount on the host and bind mount to the pod)', ['DiskName', text(v.diskName)], ['DiskURI', text(v.diskURI)], ['Kind', text(v.kind)], fsType(v), ['CachingMode', text(v.cachingMode)], readOnly(v),
]
const photonPersistentDisk: SourceText = (v) => ['PhotonPersistentDisk (a Persistent Disk resource in photon platform)', ['PdID', text(v.pdID)], fsType(v)]
const portworxVolume: SourceText = (v) => ['PortworxVolume (a Portworx Volume resource)', ['VolumeID', text(v.volumeID)]]
const fc: SourceText = (v) => ['FC (a Fibre Channel disk)', ['TargetWWNs', (v.targetWWNs ?? []).join(', ')], ['LUN', none(v.lun)], fsType(v), readOnly(v)]
const flocker: SourceText = (v) => ['Flocker (a Flocker volume mounted by the Flocker agent)', ['DatasetName', text(v.datasetName)], ['DatasetUUID', text(v.datasetUUID)]]

/** What a pod's volumes can be, in the order in which kubectl looks. k8s: kubectl/pkg/describe describeVolumes */
const POD_SOURCES: Record<string, SourceText> = {
  hostPath,
  emptyDir: (v) => ["EmptyDir (a temporary directory that shares a pod's lifetime)", ['Medium', text(v.medium)], ['SizeLimit', v.sizeLimit && compareQuantities(v.sizeLimit, '0') > 0 ? canonicalQuantity(v.sizeLimit) : '<unset>']],
  gcePersistentDisk,
  awsElasticBlockStore,
  gitRepo: (v) => ['GitRepo (a volume that is pulled from git when the pod is created)', ['Repository', text(v.repository)], ['Revision', text(v.revision)]],
  secret: (v) => ['Secret (a volume populated by a Secret)', ['SecretName', text(v.secretName)], ['Optional', flag(v.optional)]],
  configMap: (v) => ['ConfigMap (a volume populated by a ConfigMap)', ['Name', text(v.name)], ['Optional', flag(v.optional)]],
  nfs,
  iscsi: iscsi(localSecret),
  glusterfs: (v) => ["Glusterfs (a Glusterfs mount on the host that shares a pod's lifetime)", ['EndpointsName', text(v.endpoints)], ['Path', text(v.path)], readOnly(v)],
  persistentVolumeClaim: (v) => ['PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)', ['ClaimName', text(v.claimName)], readOnly(v)],
  ephemeral,
  rbd: rbd(localSecret),
  quobyte,
  downwardAPI,
  azureDisk,
  vsphereVolume,
  cinder: cinder(localSecret),
  photonPersistentDisk,
  portworxVolume,
  scaleIO: scaleIO(() => []),
  cephfs: cephfs(localSecret),
  storageos: storageOS,
  fc,
  azureFile: (v) => ['AzureFile (an Azure File Service mount on the host and bind mount to the pod)', ['SecretName', text(v.secretName)], ['ShareName', text(v.shareName)], readOnly(v)],
  flexVolume: flexVolume(localSecret),
  flocker,
  projected,
  csi: (v, w) => csi(v, false, w),
  image: (v) => ['Image (a container image or OCI artifact)', ['Reference', text(v.reference)], ['PullPolicy', text(v.pullPolicy)]],
}

/** What a PersistentVolume can be. k8s: kubectl/pkg/describe describePersistentVolume */
const PERSISTENT_SOURCES: Record<string, SourceText> = {
  hostPath,
  gcePersistentDisk,
  awsElasticBlockStore,
  nfs,
  iscsi: iscsi(secretOfNamespace),
  glusterfs: (v) => ["Glusterfs (a Glusterfs mount on the host that shares a pod's lifetime)", ['EndpointsName', text(v.endpoints)], ['EndpointsNamespace', v.endpointsNamespace ?? '<unset>'], ['Path', text(v.path)], readOnly(v)],
  rbd: rbd(secretOfNamespace),
  quobyte,
  vsphereVolume,
  cinder: cinder(secretOfNamespace),
  azureDisk,
  photonPersistentDisk,
  portworxVolume,
  scaleIO: scaleIO((v) => [['SecretName', text(v.secretRef?.name)], ['SecretNamespace', text(v.secretRef?.namespace)]]),
  local: (v) => ['LocalVolume (a persistent volume backed by local storage on a node)', ['Path', text(v.path)]],
  cephfs: cephfs(secretOfNamespace),
  storageos: storageOS,
  fc,
  azureFile: (v) => ['AzureFile (an Azure File Service mount on the host and bind mount to the pod)', ['SecretName', text(v.secretName)], ['SecretNamespace', text(v.secretNamespace)], ['ShareName', text(v.shareName)], readOnly(v)],
  flexVolume: flexVolume(secretOfNamespace),
  flocker,
  csi: (v, w) => csi(v, true, w),
}

function projected(value: any, w: DescribeWriter): void {
  w.line(2, 'Type:\tProjected (a volume that contains injected data from multiple sources)')
  for (const s of value.sources ?? []) {
    if (s.secret) { w.line(2, `SecretName:\t${text(s.secret.name)}`); w.line(2, `Optional:\t${flag(s.secret.optional)}`) }
    else if (s.downwardAPI) w.line(2, 'DownwardAPI:\ttrue')
    else if (s.configMap) { w.line(2, `ConfigMapName:\t${text(s.configMap.name)}`); w.line(2, `Optional:\t${flag(s.configMap.optional)}`) }
    else if (s.serviceAccountToken) w.line(2, `TokenExpirationSeconds:\t${s.serviceAccountToken.expirationSeconds}`)
  }
}

function downwardAPI(value: any, w: DescribeWriter): void {
  w.line(2, 'Type:\tDownwardAPI (a volume populated by information about the pod)')
  w.line(2, 'Items:')
  for (const item of value.items ?? []) {
    if (item.fieldRef) w.line(3, `${item.fieldRef.fieldPath} -> ${item.path}`)
    if (item.resourceFieldRef) w.line(3, `${item.resourceFieldRef.resource} -> ${item.path}`)
  }
}

const MAX_ATTRIBUTE = 140

function csi(value: any, persistent: boolean, w: DescribeWriter): void {
  w.line(2, 'Type:\tCSI (a Container Storage Interface (CSI) volume source)')
  w.line(2, `Driver:\t${text(value.driver)}`)
  w.line(2, `FSType:\t${text(value.fsType)}`)
  if (persistent) w.line(2, `VolumeHandle:\t${text(value.volumeHandle)}`)
  w.line(2, `ReadOnly:\t${flag(value.readOnly)}`)
  w.write(2, 'VolumeAttributes:\t')
  const names = sortedKeys(value.volumeAttributes)
  if (names.length === 0) w.write(0, '<none>\n')
  names.forEach((n, i) => {
    if (i > 0) { w.write(2, ''); w.write(2, '\t') }
    const line = `${n}=${value.volumeAttributes[n]}`
    w.write(2, line.length > MAX_ATTRIBUTE ? `${line.slice(0, MAX_ATTRIBUTE)}...\n` : `${line}\n`)
  })
}

function ephemeral(value: any, w: DescribeWriter): void {
  w.line(2, 'Type:\tEphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)')
  if (value.volumeClaimTemplate) describeClaim(value.volumeClaimTemplate, w.nested(2))
}

/** What a claim asks for, of claims and of templates alike. k8s: kubectl/pkg/describe printPersistentVolumeClaim */
export function describeClaim(claim: any, w: DescribeWriter, own?: { status: string; capacity: string; accessModes: string }): void {
  const { spec = {}, metadata = {} } = claim
  w.line(0, `StorageClass:\t${claimClass(claim)}`)
  if (own) w.line(0, `Status:\t${own.status}`)
  w.line(0, `Volume:\t${text(spec.volumeName)}`)
  printMap(w, 'Labels', metadata.labels)
  printAnnotations(w, metadata.annotations)
  if (own) w.line(0, `Finalizers:\t${goList(metadata.finalizers)}`)
  // A template names a volume of which nothing is known here.
  w.line(0, `Capacity:\t${spec.volumeName ? own?.capacity ?? '0' : ''}`)
  w.line(0, `Access Modes:\t${spec.volumeName ? own?.accessModes ?? '' : ''}`)
  if (spec.volumeMode) w.line(0, `VolumeMode:\t${spec.volumeMode}`)
  if (!spec.dataSource) return
  w.line(0, 'DataSource:')
  if (spec.dataSource.apiGroup !== undefined && spec.dataSource.apiGroup !== null) w.line(1, `APIGroup:\t${spec.dataSource.apiGroup}`)
  w.line(1, `Kind:\t${text(spec.dataSource.kind)}`)
  w.line(1, `Name:\t${text(spec.dataSource.name)}`)
}

function describeSource(sources: Record<string, SourceText>, source: any, w: DescribeWriter): void {
  const key = Object.keys(sources).find((k) => source[k] !== undefined && source[k] !== null)
  if (!key) { w.line(1, '<unknown>'); return }
  const lines = sources[key]!(source[key], w)
  if (!lines) return
  const [heading, ...fields] = lines
  w.line(2, `Type:\t${heading}`)
  for (const [title, value] of fields) w.line(2, `${UNUSUAL_TITLES[title] ?? `${title}:`}\t${value}`)
}

/** The lines of what a PersistentVolume is made of. */
export function describePersistentSource(spec: any, w: DescribeWriter): void {
  describeSource(PERSISTENT_SOURCES, spec, w)
}

/** A pod's or template's volumes. */
export function describeVolumes(volumes: any[] | undefined, w: DescribeWriter, space: string): void {
  if (!volumes?.length) { w.line(0, `${space}Volumes:\t<none>`); return }
  w.line(0, `${space}Volumes:`)
  for (const volume of volumes) {
    w.line(1, `${space ? ' ' : ''}${volume.name}:`)
    describeSource(POD_SOURCES, volume, w)
  }
}
