import { parseGoDuration } from '../../kinds/duration.ts'
import type { CSINode, CSIStorageCapacity, Node, OwnerReference, PersistentVolume, StorageClass } from '../../kinds/generated/types.ts'
import { quantityValue } from '../../kinds/quantity.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import { klog } from '../in-cluster/klog.ts'
import { bytesQuantity } from './bytes-quantity.ts'
import { keyedWork, objectPath, ObjectCache } from './cluster-cache.ts'
import type { Sidecar } from './sidecar.ts'

const DRIVER_LABEL = 'csi.storage.k8s.io/drivername'
const MANAGER_LABEL = 'csi.storage.k8s.io/managed-by'
const GROUP = '/apis/storage.k8s.io/v1'
const POLL_MS = 60_000

/** Labels that say from where storage can be reached. */
type Segment = Readonly<Record<string, string>>

/** Where a CSIStorageCapacity is needed: for a class, from nodes with some labels. */
interface Item {
  className: string
  segment: Segment
}

/**
 * Keeps CSIStorageCapacity objects of a driver: for each of its classes, from each place of which nodes with the driver tell.
 * k8s: external-provisioner pkg/capacity, pkg/capacity/topology
 */
export class CapacityController {
  readonly #sidecar: Sidecar
  readonly #namespace: string
  readonly #owner: OwnerReference | undefined
  readonly #manager: string
  readonly #fixed: Segment | undefined
  readonly #classes: ObjectCache<StorageClass>
  readonly #nodes: ObjectCache<Node>
  readonly #csiNodes: ObjectCache<CSINode>
  readonly #objects: ObjectCache<CSIStorageCapacity>
  readonly #items = new Map<string, Item>()
  readonly #sync: (key: string) => void
  #isReady = false

  private constructor(sidecar: Sidecar, namespace: string, owner: OwnerReference | undefined, manager: string, fixed: Segment | undefined) {
    this.#sidecar = sidecar
    this.#namespace = namespace
    this.#owner = owner
    this.#manager = manager
    this.#fixed = fixed
    const { proc, client } = sidecar
    this.#sync = keyedWork(proc, 'CSIStorageCapacity', (key) => this.#syncItem(key))
    const type = { apiVersion: 'storage.k8s.io/v1' }
    const look = () => { if (this.#isReady) this.#look() }
    this.#classes = new ObjectCache(proc, client, `${GROUP}/storageclasses`, { ...type, kind: 'StorageClass' }, look)
    this.#nodes = new ObjectCache(proc, client, '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node' }, (_key, now, before) => { if (textOf(now?.metadata.labels ?? {}) !== textOf(before?.metadata.labels ?? {})) look() })
    this.#csiNodes = new ObjectCache(proc, client, `${GROUP}/csinodes`, { ...type, kind: 'CSINode' }, look)
    this.#objects = new ObjectCache(proc, client, `${GROUP}/namespaces/${namespace}/csistoragecapacities`, { ...type, kind: 'CSIStorageCapacity' }, (_key, now) => { if (!now || this.#isOwn(now)) look() })
  }

  /** @throws Error for settings with which the program ends */
  static async start(sidecar: Sidecar): Promise<CapacityController> {
    const { proc, client, driver, flags } = sidecar
    const { NAMESPACE: namespace, POD_NAME: pod, NODE_NAME: node } = proc.env
    if (!namespace) throw new Error('need NAMESPACE env variable for CSIStorageCapacity objects')
    const level = Number(flags.get('capacity-ownerref-level') ?? 1)
    if (level >= 0 && !pod) throw new Error('need POD_NAME env variable to determine CSIStorageCapacity owner')
    const owner = level < 0 ? undefined : await ownerOf(client, namespace, '/api/v1', 'pods', pod!, level).catch((error: unknown) => { throw new Error(`look up owner(s) of pod: ${(error as Error).message}`) })
    if (owner) klog(proc, 'I', 'csi-provisioner.go:485', `using ${owner.apiVersion}/${owner.kind} ${owner.name} as owner of CSIStorageCapacity objects`)
    const isOnNode = flags.get('node-deployment') === 'true'
    const fixed = isOnNode ? ((await driver.call('Node/NodeGetInfo', {})) as { accessibleTopology?: { segments: Segment } }).accessibleTopology?.segments ?? {} : undefined
    const out = new CapacityController(sidecar, namespace, owner, isOnNode ? `external-provisioner-${node ?? ''}`.slice(0, 63) : 'external-provisioner', fixed)
    out.#run().catch((error: unknown) => { if (!proc.killed.aborted) throw error })
    return out
  }

  /** A volume was made, or could not be: what is left is asked for anew. k8s: provisionWrapper.Provision */
  provisioned(className: string, volume: PersistentVolume | undefined): void {
    if (volume?.spec.nodeAffinity) this.deleted(volume)
    else this.#refresh((item) => item.className === className)
  }

  /** A volume was deleted. k8s: refreshTopology */
  deleted(volume: PersistentVolume): void {
    const terms = volume.spec.nodeAffinity?.required?.nodeSelectorTerms ?? []
    const segments = terms.map(({ matchExpressions = [] }) => textOf(Object.fromEntries(matchExpressions.map(({ key, values = [] }) => [key, values[0] ?? '']))))
    this.#refresh(({ segment }) => segments.includes(textOf(segment)))
  }

  async #run(): Promise<void> {
    const { proc, flags } = this.#sidecar
    klog(proc, 'I', 'capacity.go:245', 'Starting Capacity Controller')
    await Promise.all([this.#classes.synced, this.#nodes.synced, this.#csiNodes.synced, this.#objects.synced])
    this.#isReady = true
    this.#look()
    klog(proc, 'I', 'capacity.go:254', 'Started Capacity Controller')
    for (;;) {
      await proc.sleep(parseGoDuration(flags.get('capacity-poll-interval') ?? '1m') ?? POLL_MS)
      this.#refresh(() => true)
    }
  }

  /** Works out what there has to be, and has what is new made and what isn't needed any more deleted. */
  #look(): void {
    const { name } = this.#sidecar.driver
    const immediate = this.#sidecar.flags.get('capacity-for-immediate-binding') === 'true'
    const segments = this.#segments()
    const wanted = new Map<string, Item>()
    for (const { provisioner, volumeBindingMode, metadata } of this.#classes.list()) {
      if (provisioner !== name || (!immediate && volumeBindingMode !== 'WaitForFirstConsumer')) continue
      for (const segment of segments) wanted.set(keyOf(metadata.name!, segment), { className: metadata.name!, segment })
    }
    const seen = new Set<string>()
    for (const [path, object] of this.#objects.objects) {
      if (!this.#isOwn(object)) continue
      const key = keyOf(object.storageClassName, object.nodeTopology?.matchLabels ?? {})
      // Of several for one place the others go.
      if (!wanted.has(key) || seen.has(key)) this.#sync(DELETE + path)
      seen.add(key)
    }
    for (const key of wanted.keys()) if (!this.#items.has(key) || !seen.has(key)) this.#sync(key)
    this.#items.clear()
    for (const [key, item] of wanted) this.#items.set(key, item)
  }

  #segments(): Segment[] {
    if (this.#fixed) return [this.#fixed]
    const out = new Map<string, Segment>()
    for (const { metadata, spec } of this.#csiNodes.list()) {
      const driver = (spec?.drivers as CSINode['spec']['drivers'] | null | undefined)?.find(({ name }) => name === this.#sidecar.driver.name)
      const labels = this.#nodes.get(metadata.name!)?.metadata.labels
      const keys = [...driver?.topologyKeys ?? []].sort()
      // A label that isn't there yet comes.
      if (!driver || !labels || keys.some((key) => labels[key] === undefined)) continue
      const segment = Object.fromEntries(keys.map((key) => [key, labels[key]!]))
      out.set(textOf(segment), segment)
    }
    return [...out.values()]
  }

  #refresh(concerns: (item: Item) => boolean): void {
    for (const [key, item] of this.#items) if (concerns(item)) this.#sync(key)
  }

  #isOwn({ metadata }: CSIStorageCapacity): boolean {
    return metadata.labels?.[DRIVER_LABEL] === this.#sidecar.driver.name && metadata.labels[MANAGER_LABEL] === this.#manager
  }

  /** k8s: syncCapacity, deleteCapacity */
  async #syncItem(key: string): Promise<void> {
    const { client, driver } = this.#sidecar
    const folder = `${GROUP}/csistoragecapacities`
    if (key.startsWith(DELETE)) {
      const object = this.#objects.get(key.slice(DELETE.length))
      if (object) await apiCall(client, 'DELETE', objectPath(folder, object)).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error })
      return
    }
    const item = this.#items.get(key)
    const storageClass = item && this.#classes.get(item.className)
    if (!item || !storageClass) return
    const answer = await driver.call('Controller/GetCapacity', { parameters: storageClass.parameters ?? {}, accessibleTopology: { segments: item.segment } }).catch((error: unknown) => { throw new Error(`CSI GetCapacity for ${key}: ${(error as Error).message}`) }) as { availableCapacity?: number; maximumVolumeSize?: number }
    const capacity = bytesQuantity(answer.availableCapacity ?? 0)
    const maximumVolumeSize = answer.maximumVolumeSize === undefined ? undefined : bytesQuantity(answer.maximumVolumeSize)
    const present = this.#objects.list().find((object) => this.#isOwn(object) && keyOf(object.storageClassName, object.nodeTopology?.matchLabels ?? {}) === key)
    const sizes = { capacity, ...(maximumVolumeSize === undefined ? {} : { maximumVolumeSize }) }
    if (!present) {
      const made = await apiCall<CSIStorageCapacity>(client, 'POST', `${GROUP}/namespaces/${this.#namespace}/csistoragecapacities`, {
        apiVersion: 'storage.k8s.io/v1', kind: 'CSIStorageCapacity', storageClassName: item.className, nodeTopology: { matchLabels: item.segment }, ...sizes,
        metadata: { generateName: 'csisc-', labels: { [DRIVER_LABEL]: driver.name, [MANAGER_LABEL]: this.#manager }, ...(this.#owner ? { ownerReferences: [this.#owner] } : {}) },
      })
      this.#objects.add(made)
      return
    }
    const { maximumVolumeSize: before, ...rest } = present
    const isOwned = !this.#owner || (present.metadata.ownerReferences ?? []).some(({ controller, uid }) => controller && uid === this.#owner!.uid)
    const isSame = (a: string | undefined, b: string | undefined) => a === undefined || b === undefined ? a === b : quantityValue(a) === quantityValue(b)
    if (isOwned && isSame(present.capacity, capacity) && isSame(before, maximumVolumeSize)) return
    this.#objects.put(await apiCall<CSIStorageCapacity>(client, 'PUT', objectPath(folder, present), {
      ...rest, ...sizes, metadata: { ...present.metadata, ...(isOwned ? {} : { ownerReferences: [...present.metadata.ownerReferences ?? [], this.#owner!] }) },
    }))
  }
}

/** Before the key of an object that is to go; the others' begin with a class. */
const DELETE = '/'

const textOf = (labels: Segment): string => JSON.stringify(Object.entries(labels).sort(([a], [b]) => a < b ? -1 : 1))
const keyOf = (className: string, segment: Segment): string => `${className} ${textOf(segment)}`

/** Who is some levels above an object, as its controller. k8s: external-provisioner pkg/owner */
async function ownerOf(client: ClusterClient, namespace: string, group: string, resource: string, name: string, levels: number): Promise<OwnerReference> {
  const object = await apiCall<{ apiVersion: string; kind: string; metadata: { uid: string; ownerReferences?: OwnerReference[] } }>(client, 'GET', `${group}/namespaces/${namespace}/${resource}/${name}`).catch((error: unknown) => { throw new Error(`get object: ${(error as Error).message}`) })
  const { apiVersion, kind, metadata } = object
  if (levels === 0) return { apiVersion, kind, name, uid: metadata.uid, controller: true }
  const owner = (metadata.ownerReferences ?? []).find(({ controller }) => controller)
  if (!owner) throw new Error(`${apiVersion}/${kind} ${JSON.stringify(name)} in namespace ${JSON.stringify(namespace)} has no controlling owner, cannot unwind the ownership further`)
  if (levels === 1) return { apiVersion: owner.apiVersion, kind: owner.kind, name: owner.name, uid: owner.uid, controller: true }
  return ownerOf(client, namespace, owner.apiVersion === 'v1' ? '/api/v1' : `/apis/${owner.apiVersion}`, `${owner.kind.toLowerCase()}s`, owner.name, levels - 1)
}
