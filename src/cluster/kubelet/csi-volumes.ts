import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import type { Api } from '../client/api.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import { fromBase64 } from '../kinds/base64.ts'
import type { CSIDriver, Node, Secret, VolumeAttachment } from '../kinds/generated/types.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { CsiDrivers } from '../storage/csi/csi-drivers.ts'
import { StagedVolumes } from '../storage/csi/staged-volumes.ts'
import { orUndefined } from '../storage/csi/csi-volume.ts'
import type { CsiContext } from '../storage/csi/csi-volume.ts'
import { CsiNodeRegistry } from './csi-node.ts'
import { CsiNodeUpdater } from './csi-node-updater.ts'
import type { PluginHandler } from './plugin-watcher.ts'

/** Where pods have their volumes. */
export const PODS_FOLDER = '/var/lib/kubelet/pods'

export interface CsiVolumesOptions {
  nodeName: string
  api: Api
  clock: Clock
  log: Log
  files: MountableFileSystem
  events: EventRecorder
  onNode(node: Node): void
  /** What is in use changed, which the node's status is to tell soon. */
  onUse(): void
}

/** A kubelet's part in CSI: drivers that register with it, and what mounting their volumes needs. */
export class CsiVolumes {
  readonly context: CsiContext
  /** What to do with plugins of the kind CSIPlugin. */
  readonly plugins: PluginHandler
  readonly #registry: CsiNodeRegistry
  readonly #updater: CsiNodeUpdater
  readonly #onUse: () => void
  /** Targets by the name of the volume that is mounted there. */
  readonly #used = new Map<string, Set<string>>()

  constructor({ nodeName, api, clock, log, files, events, onNode, onUse }: CsiVolumesOptions) {
    this.#onUse = onUse
    const drivers = new CsiDrivers(files, clock)
    this.#registry = new CsiNodeRegistry({ nodeName, api, drivers, onNode })
    this.#updater = new CsiNodeUpdater({ api, clock, log, isInstalled: (name) => drivers.has(name), update: (name) => this.#registry.update(name) })
    this.plugins = {
      // A driver that couldn't be registered anew is registered no longer.
      register: (plugin) => this.#registry.register(plugin).finally(() => this.#updater.sync(plugin.name)),
      deregister: ({ name }) => this.#registry.deregister(name).finally(() => this.#updater.sync(name)),
    }
    this.context = {
      drivers, staged: new StagedVolumes(),
      driverObject: (name) => orUndefined(api.get<CSIDriver>('csidrivers.storage.k8s.io', name)),
      // A node may not look at what isn't there (yet).
      attachment: (name) => orUndefined(api.get<VolumeAttachment>('volumeattachments.storage.k8s.io', name)).catch((error: unknown) => { if (isStatusError(error, 'Forbidden')) return undefined; throw error }),
      secret: async (namespace, name) => Object.fromEntries(Object.entries((await api.get<Secret>('secrets', name, namespace)).data ?? {}).map(([key, value]) => [key, new TextDecoder().decode(fromBase64(value))])),
      updateLimits: (driver) => this.#registry.update(driver),
      inUse: (unique, target, isUsed) => this.#use(unique, target, isUsed),
    }
  }

  /** A pod has gone: what it was waiting for isn't in use by it. */
  forget(uid: string): void {
    for (const [unique, targets] of [...this.#used]) for (const target of [...targets]) if (target.startsWith(`${PODS_FOLDER}/${uid}/`)) this.#use(unique, target, false)
  }

  #use(unique: string, target: string, isUsed: boolean): void {
    const targets = this.#used.get(unique) ?? new Set()
    const before = targets.size
    if (isUsed) targets.add(target)
    else targets.delete(target)
    if (targets.size > 0) this.#used.set(unique, targets)
    else this.#used.delete(unique)
    if ((before === 0) !== (targets.size === 0)) this.#onUse()
  }

  /** Names of the attachable volumes that pods use, sorted, as in a node's status. */
  inUse(): string[] {
    return [...this.#used.keys()].sort()
  }

  /** The kubelet stops: drivers are asked again once they are registered again. */
  stop(): void {
    this.#updater.stop()
  }

  /** The node is registered. */
  initialize(): Promise<void> {
    return this.#registry.initialize()
  }
}
