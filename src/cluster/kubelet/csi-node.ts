import type { Api } from '../client/api.ts'
import type { CSINode, Node } from '../kinds/generated/types.ts'
import { isStatusError } from '../kinds/status-error.ts'
import type { CsiDrivers, CsiNodeInfo } from '../storage/csi/csi-drivers.ts'
import type { PluginInfo } from './plugin-watcher.ts'

const CSI_NODES = 'csinodes.storage.k8s.io'
const NODE_IDS = 'csi.volume.kubernetes.io/nodeid'
/** Plugins of old whose volumes drivers serve. k8s: pkg/volume/csi csi_plugin.go migratedPlugins */
const MIGRATED = 'kubernetes.io/aws-ebs,kubernetes.io/azure-disk,kubernetes.io/azure-file,kubernetes.io/cinder,kubernetes.io/gce-pd,kubernetes.io/portworx-volume,kubernetes.io/vsphere-volume'

export interface CsiNodeRegistryOptions {
  nodeName: string
  api: Api
  drivers: CsiDrivers
  /** The node changed by what this wrote. */
  onNode(node: Node): void
}

/** Tells the cluster which CSI drivers a node has: in its CSINode, and in annotation and labels of the node. k8s: pkg/volume/csi RegistrationHandler, nodeinfomanager */
export class CsiNodeRegistry {
  readonly #options: CsiNodeRegistryOptions

  constructor(options: CsiNodeRegistryOptions) {
    this.#options = options
  }

  /** k8s: RegisterPlugin */
  async register({ name, endpoint, supportedVersions }: PluginInfo): Promise<void> {
    const { drivers } = this.#options
    if (!supportedVersions.some((version) => /^v?1\./.test(version))) throw new Error(`kubernetes.io/csi: RegisterPlugin for CSI driver ${JSON.stringify(name)} failed. None of the versions specified ${JSON.stringify(supportedVersions)} are supported. err=None of the versions are supported`)
    drivers.set(name, endpoint)
    try {
      const info = await drivers.call(name, 'Node/NodeGetInfo', {}) as CsiNodeInfo
      if (!info.nodeId) throw new Error('error adding CSI driver node info: driverNodeID must not be empty')
      await this.#changeNode((node) => withDriver(node, name, info))
      await this.#putInCsiNode(name, info)
    } catch (error) {
      await this.deregister(name).catch(() => {})
      throw error
    }
  }

  /** Asks a driver again what it says of the node, such as how many volumes it can have. @throws Error when the driver doesn't answer. k8s: updateCSIDriver */
  async update(name: string): Promise<void> {
    await this.#putInCsiNode(name, await this.#options.drivers.call(name, 'Node/NodeGetInfo', {}) as CsiNodeInfo)
  }

  /** k8s: updateCSINode, installDriverToCSINode */
  #putInCsiNode(name: string, info: CsiNodeInfo): Promise<void> {
    const driver = {
      name, nodeID: info.nodeId, topologyKeys: info.accessibleTopology ? Object.keys(info.accessibleTopology.segments).sort() : null, ...(info.maxVolumesPerNode ? { allocatable: { count: info.maxVolumesPerNode } } : {}),
    } as NodeDriver
    return this.#changeCsiNode((all) => all.some((each) => sameDriver(each, driver)) ? all : [...all.filter((each) => each.name !== name), driver])
  }

  /** k8s: UninstallCSIDriver */
  async deregister(name: string): Promise<void> {
    this.#options.drivers.delete(name)
    await this.#changeCsiNode((all) => all.filter((each) => each.name !== name))
    await this.#changeNode((node) => withoutDriver(node, name))
  }

  /** Every node has one, also without drivers. k8s: InitializeCSINodeWithAnnotation */
  async initialize(): Promise<void> {
    await this.#changeCsiNode((all) => all)
  }

  async #changeNode(change: (node: Node) => Node | undefined): Promise<void> {
    const { api, nodeName, onNode } = this.#options
    for (let attempt = 0; ; attempt++) {
      const changed = change(await api.get<Node>('nodes', nodeName))
      if (!changed) return
      try {
        onNode(await api.update<Node>('nodes', changed))
        return
      } catch (error) {
        if (!isStatusError(error, 'Conflict') || attempt >= 10) throw error
      }
    }
  }

  async #changeCsiNode(change: (drivers: readonly NodeDriver[]) => NodeDriver[] | readonly NodeDriver[]): Promise<void> {
    const { api, nodeName } = this.#options
    for (let attempt = 0; ; attempt++) {
      try {
        const current = await api.get<CSINode>(CSI_NODES, nodeName).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error; return undefined })
        if (!current) {
          const node = await api.get<Node>('nodes', nodeName)
          await api.create<CSINode>(CSI_NODES, {
            apiVersion: 'storage.k8s.io/v1', kind: 'CSINode',
            metadata: { name: nodeName, annotations: { 'storage.alpha.kubernetes.io/migrated-plugins': MIGRATED }, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid! }] }, spec: { drivers: [...change([])] },
          } as CSINode)
          return
        }
        const drivers = change(current.spec?.drivers ?? [])
        if (JSON.stringify(drivers) !== JSON.stringify(current.spec?.drivers ?? [])) await api.update<CSINode>(CSI_NODES, { ...current, spec: { ...current.spec!, drivers: [...drivers] } })
        return
      } catch (error) {
        if (!isStatusError(error, 'Conflict', 'AlreadyExists') || attempt >= 10) throw error
      }
    }
  }
}

type NodeDriver = NonNullable<CSINode['spec']>['drivers'][number]

function sameDriver(a: NodeDriver, b: NodeDriver): boolean {
  return a.name === b.name && a.nodeID === b.nodeID && a.allocatable?.count === b.allocatable?.count && JSON.stringify(a.topologyKeys ?? null) === JSON.stringify(b.topologyKeys ?? null)
}

function nodeIds(node: Node): Record<string, string> {
  try {
    return JSON.parse(node.metadata.annotations?.[NODE_IDS] ?? '{}') as Record<string, string>
  } catch {
    return {}
  }
}

function withDriver(node: Node, name: string, { nodeId, accessibleTopology }: CsiNodeInfo): Node | undefined {
  const ids = nodeIds(node)
  const labels = accessibleTopology?.segments ?? {}
  for (const [key, value] of Object.entries(labels)) {
    const old = node.metadata.labels?.[key]
    if (old !== undefined && old !== value) throw new Error(`detected topology value collision: driver reported ${JSON.stringify(`${key}:${value}`)} but existing label is ${JSON.stringify(`${key}:${old}`)}`)
  }
  if (ids[name] === nodeId && Object.keys(labels).every((key) => node.metadata.labels?.[key] !== undefined)) return undefined
  const sorted = Object.fromEntries(Object.entries({ ...ids, [name]: nodeId }).sort(([a], [b]) => a < b ? -1 : 1))
  return { ...node, metadata: { ...node.metadata, annotations: { ...node.metadata.annotations, [NODE_IDS]: JSON.stringify(sorted) }, labels: { ...node.metadata.labels, ...labels } } }
}

function withoutDriver(node: Node, name: string): Node | undefined {
  const { [name]: gone, ...ids } = nodeIds(node)
  if (gone === undefined) return undefined
  const { [NODE_IDS]: _ids, ...annotations } = node.metadata.annotations ?? {}
  return { ...node, metadata: { ...node.metadata, annotations: Object.keys(ids).length > 0 ? { ...annotations, [NODE_IDS]: JSON.stringify(ids) } : annotations } }
}
