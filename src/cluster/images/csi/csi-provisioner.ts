import { GrpcError } from '../../../unix/net/grpc.ts'
import type { Proc } from '../../../unix/types.ts'
import type { CSINode, Node, PersistentVolume, PersistentVolumeClaim, StorageClass, VolumeAttributesClass } from '../../kinds/generated/types.ts'
import { quantityValue } from '../../kinds/quantity.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { klog } from '../in-cluster/klog.ts'
import { bytesQuantity } from './bytes-quantity.ts'
import { CapacityController } from './capacity-controller.ts'
import { IgnoredClaim, RescheduleError, runProvisionController } from './provision-controller.ts'
import type { ProvisionOptions } from './provision-controller.ts'
import { secretData } from './secret-data.ts'
import { runSidecar } from './sidecar.ts'
import type { Sidecar } from './sidecar.ts'

const PREFIX = 'csi.storage.k8s.io/'
const SNAPSHOT_GROUP = 'snapshot.storage.k8s.io'
/** Null where a node has none. */
type CSIDrivers = NonNullable<CSINode['spec']>['drivers']

const KNOWN = ['volume-name-prefix', 'volume-name-uuid-length', 'default-fstype', 'extra-create-metadata', 'strict-topology', 'immediate-topology', 'controller-publish-readonly', 'prevent-volume-mode-conversion', 'enable-capacity', 'capacity-ownerref-level', 'capacity-poll-interval', 'capacity-for-immediate-binding', 'capacity-threads', 'kube-api-capacity-qps', 'kube-api-capacity-burst', 'node-deployment']
/** Which driver errors leave no volume behind. k8s: external-provisioner isFinalError */
const NOT_FINAL = new Set(['Canceled', 'DeadlineExceeded', 'Unavailable', 'ResourceExhausted', 'Aborted'])
const MODES: Readonly<Record<string, string>> = { ReadWriteOnce: 'SINGLE_NODE_WRITER', ReadOnlyMany: 'MULTI_NODE_READER_ONLY', ReadWriteMany: 'MULTI_NODE_MULTI_WRITER', ReadWriteOncePod: 'SINGLE_NODE_SINGLE_WRITER' }

interface Topology { segments: Record<string, string> }
interface CreatedVolume { volumeId: string; capacityBytes: number; volumeContext?: Record<string, string>; contentSource?: object; accessibleTopology?: Topology[] }

/** The sidecar that has a driver make and delete the volumes of its StorageClasses. */
export const csiProvisioner = (proc: Proc) => runSidecar(proc, { known: KNOWN, lock: (driver) => driver.replace(/[^a-zA-Z0-9]/g, '-'), run })

async function run(sidecar: Sidecar): Promise<void> {
  const { proc, client, driver, flags } = sidecar
  const identity = `${proc.clock.nowMs()}-${proc.random.int(10_000)}-${driver.name}`
  let capacities: CapacityController | undefined
  if (flags.get('enable-capacity') === 'true') {
    try {
      capacities = await CapacityController.start(sidecar)
    } catch (error) {
      klog(proc, 'F', 'csi-provisioner.go:482', (error as Error).message)
      return proc.exit(255)
    }
  }
  await runProvisionController({
    proc, client, name: driver.name, addFinalizer: true,
    async provision(options) {
      const className = options.storageClass.metadata.name!
      try {
        const volume = await provision(options, identity, sidecar)
        capacities?.provisioned(className, volume)
        return volume
      } catch (error) {
        if (error instanceof GrpcError || error instanceof RescheduleError) capacities?.provisioned(className, undefined)
        throw error
      }
    },
    async remove(volume) {
      const source = volume.spec?.csi
      if (!source) throw new Error('invalid CSI PV')
      await driver.call('Controller/DeleteVolume', { volumeId: source.volumeHandle, secrets: {} })
      capacities?.deleted(volume)
    },
  })
}

// k8s: external-provisioner pkg/controller/controller.go Provision, prepareProvision
async function provision({ claim, storageClass, volumeName, selectedNode }: ProvisionOptions, identity: string, sidecar: Sidecar): Promise<PersistentVolume> {
  const { client, driver, flags } = sidecar
  const can = (name: string) => driver.controllerCapabilities.has(name)
  if (!can('CREATE_DELETE_VOLUME')) throw new Error('CSI driver does not support dynamic provisioning: plugin CREATE_DELETE_VOLUME capability is not reported')
  const source = claim.spec?.dataSource ?? claim.spec?.dataSourceRef
  if (source && source.kind !== 'VolumeSnapshot' && source.kind !== 'PersistentVolumeClaim') throw new IgnoredClaim(`data source (${source.kind}) is not handled by the provisioner, assuming an external populator will provision it`)
  if (source?.kind === 'VolumeSnapshot' && !can('CREATE_DELETE_SNAPSHOT')) throw new Error('CSI driver does not support snapshot restore: plugin CREATE_DELETE_SNAPSHOT capability is not reported')
  if (source?.kind === 'PersistentVolumeClaim' && !can('CLONE_VOLUME')) throw new Error('CSI driver does not support clone operations: plugin CLONE_VOLUME capability is not reported')
  const attributes = claim.spec?.volumeAttributesClassName
  if (attributes && !can('MODIFY_VOLUME')) throw new Error('CSI driver does not support VolumeAttributesClass: plugin MODIFY_VOLUME capability is not reported')
  if (claim.spec?.selector) throw new Error('claim Selector is not supported')
  const parameters = storageClass.parameters ?? {}
  const fsType = parameters[`${PREFIX}fstype`] ?? Object.entries(parameters).find(([key]) => key.toLowerCase() === 'fstype')?.[1] ?? flags.get('default-fstype') ?? ''
  const isBlock = claim.spec?.volumeMode === 'Block'
  const single = can('SINGLE_NODE_MULTI_WRITER')
  const capabilities = (claim.spec?.accessModes ?? []).map((mode) => ({
    ...(isBlock ? { block: {} } : { mount: { fsType, mountFlags: storageClass.mountOptions ?? [] } }), accessMode: { mode: mode === 'ReadWriteOnce' && single ? 'SINGLE_NODE_MULTI_WRITER' : mode === 'ReadWriteOncePod' && !single ? 'SINGLE_NODE_WRITER' : MODES[mode] },
  }))
  const requiredBytes = quantityValue(claim.spec?.resources?.requests?.storage ?? '0')
  const own = Object.fromEntries(Object.entries(parameters).filter(([key]) => !key.startsWith(PREFIX) && key.toLowerCase() !== 'fstype'))
  const content = source && await contentSource(claim, storageClass, source, sidecar).catch((error: unknown) => { throw new Error(`error getting handle for DataSource Type ${source.kind} by Name ${source.name}: ${(error as Error).message}`) })
  const topology = driver.pluginCapabilities.has('VOLUME_ACCESSIBILITY_CONSTRAINTS')
  const secretOf = (kind: string) => secretReference(kind, parameters, volumeName, claim)
  const secret = secretOf('provisioner')
  const mutable = attributes ? await apiCall<VolumeAttributesClass>(client, 'GET', `/apis/storage.k8s.io/v1/volumeattributesclasses/${attributes}`) : undefined
  if (mutable && mutable.driverName !== driver.name) throw new Error(`VAC ${attributes} referenced in PVC is for driver ${mutable.driverName} which does not match driver name ${driver.name}`)
  const accessibilityRequirements = topology ? await requirements(storageClass, selectedNode, sidecar) : undefined
  let created: CreatedVolume
  try {
    const answer = await driver.call('Controller/CreateVolume', {
      name: volumeName, capacityRange: { requiredBytes }, volumeCapabilities: capabilities, secrets: await secretData(sidecar.client, secret),
      parameters: { ...own, ...(flags.get('extra-create-metadata') === 'true' ? { [`${PREFIX}pvc/name`]: claim.metadata.name, [`${PREFIX}pvc/namespace`]: claim.metadata.namespace, [`${PREFIX}pv/name`]: volumeName } : {}) },
      ...(content ? { volumeContentSource: content } : {}), ...(accessibilityRequirements ? { accessibilityRequirements } : {}), ...(mutable ? { mutableParameters: mutable.parameters ?? {} } : {}),
    }) as { volume: CreatedVolume }
    created = answer.volume
  } catch (error) {
    const mayReschedule = topology && selectedNode !== undefined && error instanceof GrpcError && (error.code === 'ResourceExhausted' || !NOT_FINAL.has(error.code))
    throw mayReschedule ? new RescheduleError((error as Error).message) : error
  }
  const bytes = created.capacityBytes || requiredBytes
  if (bytes < requiredBytes) throw new Error(`created volume capacity ${bytes} less than requested capacity ${requiredBytes}`)
  if (content && !created.contentSource) throw new Error('volume content source missing')
  const references = Object.fromEntries(([['controllerPublishSecretRef', 'controller-publish'], ['nodeStageSecretRef', 'node-stage'], ['nodePublishSecretRef', 'node-publish'], ['controllerExpandSecretRef', 'controller-expand'], ['nodeExpandSecretRef', 'node-expand']] as const).flatMap(([field, kind]) => {
    const ref = secretOf(kind)
    return ref ? [[field, ref]] : []
  }))
  const segments = (created.accessibleTopology ?? []).map((each) => each.segments)
  return {
    metadata: { name: volumeName, annotations: { 'volume.kubernetes.io/provisioner-deletion-secret-name': secret?.name ?? '', 'volume.kubernetes.io/provisioner-deletion-secret-namespace': secret?.namespace ?? '' } },
    spec: {
      accessModes: claim.spec!.accessModes!, capacity: { storage: bytesQuantity(bytes) }, ...(storageClass.mountOptions ? { mountOptions: storageClass.mountOptions } : {}), ...(storageClass.reclaimPolicy ? { persistentVolumeReclaimPolicy: storageClass.reclaimPolicy } : {}),
      ...(claim.spec!.volumeMode ? { volumeMode: claim.spec!.volumeMode } : {}), ...(attributes ? { volumeAttributesClassName: attributes } : {}),
      ...(topology && segments.length > 0 ? { nodeAffinity: { required: { nodeSelectorTerms: segments.map((each) => ({ matchExpressions: Object.entries(each).sort(([a], [b]) => a < b ? -1 : 1).map(([key, value]) => ({ key, operator: 'In', values: [value] })) })) } } } : {}),
      csi: { driver: driver.name, volumeHandle: created.volumeId, volumeAttributes: { 'storage.kubernetes.io/csiProvisionerIdentity': identity, ...created.volumeContext }, ...(isBlock || fsType === '' ? {} : { fsType }), ...references },
    },
  } as unknown as PersistentVolume
}

/** Where the volume may and should be. k8s: external-provisioner pkg/controller/topology.go GenerateAccessibilityRequirements */
async function requirements(storageClass: StorageClass, selectedNode: string | undefined, { client, driver, flags }: Sidecar): Promise<{ requisite: Topology[]; preferred: Topology[] }> {
  const csiNodes = (await apiCall<{ items: CSINode[] }>(client, 'GET', '/apis/storage.k8s.io/v1/csinodes')).items
  const nodes = new Map((await apiCall<{ items: Node[] }>(client, 'GET', '/api/v1/nodes')).items.map((node) => [node.metadata.name!, node]))
  const keysOf = (csiNode: CSINode) => (csiNode.spec?.drivers as CSIDrivers | null | undefined)?.find(({ name }) => name === driver.name)?.topologyKeys ?? []
  const termOf = (csiNode: CSINode): Topology | undefined => {
    const labels = nodes.get(csiNode.metadata.name!)?.metadata.labels ?? {}
    const keys = keysOf(csiNode)
    return keys.length > 0 && keys.every((key) => labels[key] !== undefined) ? { segments: Object.fromEntries(keys.map((key) => [key, labels[key]!])) } : undefined
  }
  let selected: Topology | undefined
  if (selectedNode !== undefined) {
    const csiNode = csiNodes.find(({ metadata }) => metadata.name === selectedNode)
    if (!csiNode) throw new RescheduleError(`error getting CSINode for selected node ${JSON.stringify(selectedNode)}: csinode.storage.k8s.io ${JSON.stringify(selectedNode)} not found`)
    if (keysOf(csiNode).length === 0) throw new Error(`error generating accessibility requirements: no topology key found on CSINode ${selectedNode}`)
    selected = termOf(csiNode)
    if (!selected) throw new Error(`error generating accessibility requirements: topology labels from selected node ${JSON.stringify(selectedNode)} does not match topology keys from CSINode`)
  }
  let requisite: Topology[]
  const allowed = storageClass.allowedTopologies ?? []
  if (selected && flags.get('strict-topology') === 'true') requisite = [selected]
  else if (allowed.length > 0) requisite = allowed.flatMap((term) => (term.matchLabelExpressions ?? []).reduce<Topology[]>((all, { key, values }) => all.flatMap((each) => values.map((value) => ({ segments: { ...each.segments, [key]: value } }))), [{ segments: {} }]))
  else {
    requisite = csiNodes.flatMap((csiNode) => termOf(csiNode) ?? [])
    if (requisite.length === 0) throw new Error('error generating accessibility requirements: no available topology found')
  }
  const text = (each: Topology) => JSON.stringify(Object.entries(each.segments).sort())
  const unique = [...new Map(requisite.map((each) => [text(each), each])).values()].sort((a, b) => text(a) < text(b) ? -1 : 1)
  const first = selected ? unique.findIndex((each) => Object.entries(each.segments).every(([key, value]) => selected.segments[key] === value)) : 0
  if (first < 0) throw new RescheduleError(`error generating accessibility requirements: selected node '${JSON.stringify(selectedNode)}' topology '${text(selected!)}' is not in requisite: ${unique.map(text).join(' ')}`)
  return { requisite: unique, preferred: [...unique.slice(first), ...unique.slice(0, first)] }
}

/** What the volume begins with. k8s: getVolumeContentSource */
async function contentSource(claim: PersistentVolumeClaim, storageClass: StorageClass, source: { kind?: string; name?: string; apiGroup?: string }, { client, driver }: Sidecar): Promise<object> {
  const { namespace } = claim.metadata
  const wantedBytes = quantityValue(claim.spec?.resources?.requests?.storage ?? '0')
  if (source.kind === 'PersistentVolumeClaim') {
    const from = await apiCall<PersistentVolumeClaim>(client, 'GET', `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${source.name}`).catch((error: unknown) => { throw new Error(`error getting PVC ${source.name} (namespace ${JSON.stringify(namespace)}) from api server: ${(error as Error).message}`) })
    if (from.status?.phase === 'Lost') throw new Error(`the PVC ${source.name} (namespace ${JSON.stringify(namespace)}) is in lost state`)
    if (from.metadata.deletionTimestamp) throw new Error('the PVC is being deleted')
    if (from.status?.phase !== 'Bound' || !from.spec?.volumeName) throw new Error(`clone from PVC ${source.name} not bound`)
    const fromBytes = quantityValue(from.status.capacity?.storage ?? '0')
    if (wantedBytes < fromBytes) throw new Error(`error, new PVC request must be greater than or equal in size to the specified PVC data source, requested ${wantedBytes} but source is ${fromBytes}`)
    if ((from.spec.volumeMode ?? 'Filesystem') !== (claim.spec?.volumeMode ?? 'Filesystem')) throw new Error(`the source PVC and destination PVCs have different volume modes`)
    const volume = await apiCall<PersistentVolume>(client, 'GET', `/api/v1/persistentvolumes/${from.spec.volumeName}`)
    if (volume.spec?.csi?.driver !== driver.name) throw new Error(`the source volume ${from.spec.volumeName} for PVC ${from.metadata.name} is handled by a different CSI driver than requested by StorageClass ${storageClass.metadata.name}`)
    return { volume: { volumeId: volume.spec.csi.volumeHandle } }
  }
  if (source.apiGroup !== SNAPSHOT_GROUP) throw new Error(`the PVC source does not belong to the right APIGroup. Expected ${SNAPSHOT_GROUP}, Got ${source.apiGroup ?? ''}`)
  const base = `/apis/${SNAPSHOT_GROUP}/v1`
  const snapshot = await apiCall<{ metadata: { deletionTimestamp?: string }; status?: { readyToUse?: boolean; boundVolumeSnapshotContentName?: string; restoreSize?: string } }>(client, 'GET', `${base}/namespaces/${namespace}/volumesnapshots/${source.name}`).catch((error: unknown) => { throw new Error(`error getting snapshot ${source.name} from api server: ${(error as Error).message}`) })
  if (snapshot.metadata.deletionTimestamp) throw new Error(`snapshot ${source.name} is currently being deleted`)
  if (!snapshot.status?.boundVolumeSnapshotContentName) throw new Error(`snapshot ${source.name} not bound`)
  const content = await apiCall<{ spec: { driver: string }; status?: { snapshotHandle?: string; readyToUse?: boolean } }>(client, 'GET', `${base}/volumesnapshotcontents/${snapshot.status.boundVolumeSnapshotContentName}`)
  if (content.spec.driver !== driver.name) throw new Error(`snapshot ${source.name} was created by a different CSI driver (${content.spec.driver}) than requested by StorageClass ${storageClass.metadata.name}`)
  if (!snapshot.status.readyToUse) throw new Error(`snapshot ${source.name} is not Ready`)
  if (!content.status?.snapshotHandle) throw new Error(`snapshot handle ${snapshot.status.boundVolumeSnapshotContentName} is not available`)
  const restoreBytes = quantityValue(snapshot.status.restoreSize ?? '0')
  if (wantedBytes < restoreBytes) throw new Error(`requested volume size ${wantedBytes} is less than the size ${restoreBytes} for the source snapshot ${source.name}`)
  return { snapshot: { snapshotId: content.status.snapshotHandle } }
}

/** A secret that the class names, with the claim's and the volume's names put in. k8s: getSecretReference */
function secretReference(kind: string, parameters: Readonly<Record<string, string>>, volumeName: string, { metadata }: PersistentVolumeClaim): { name: string; namespace: string } | undefined {
  const name = parameters[`${PREFIX}${kind}-secret-name`]
  const namespace = parameters[`${PREFIX}${kind}-secret-namespace`]
  if (name === undefined && namespace === undefined) return undefined
  if (!name || !namespace) throw new Error(`both ${PREFIX}${kind}-secret-name and ${PREFIX}${kind}-secret-namespace must be specified`)
  const fill = (template: string) => template.replace(/\$\{([^}]*)\}/g, (_, key: string) => {
    const value = key === 'pv.name' ? volumeName : key === 'pvc.namespace' ? metadata.namespace : key === 'pvc.name' ? metadata.name : /^pvc\.annotations\['(.*)'\]$/.exec(key) ? metadata.annotations?.[/^pvc\.annotations\['(.*)'\]$/.exec(key)![1]!] : undefined
    if (value === undefined) throw new Error(`error resolving value ${JSON.stringify(template)}: invalid tokens: [${JSON.stringify(key)}]`)
    return value
  })
  return { name: fill(name), namespace: fill(namespace) }
}
