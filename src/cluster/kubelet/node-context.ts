import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { MountableFileSystem } from '../../unix/types.ts'
import type { Api } from '../client/api.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Pod, Service } from '../kinds/generated/types.ts'
import type { NodeNetwork } from '../network/types.ts'
import type { ImageService, RuntimeService } from '../runtime/cri.ts'
import type { BackOff } from './back-off.ts'
import type { DeviceClaims } from './devices/device-claims.ts'
import type { DnsSettings } from './dns-config.ts'
import type { ImageManager } from './image-manager.ts'
import type { KubeletCounters } from './kubelet-counters.ts'
import type { ObjectSource } from './object-source.ts'
import type { ResizeRefusal } from './pod-resize.ts'
import type { ProbeManager } from './probes.ts'
import type { StatusManager } from './status-manager.ts'
import type { VolumeManager } from './volume-manager.ts'

/** What the parts of one kubelet share. */
export interface NodeContext {
  readonly nodeName: string
  readonly hostIps: readonly string[]
  readonly capacity: Readonly<Record<string, string>>
  readonly allocatable: Readonly<Record<string, string>>
  readonly api: Api
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly runtime: RuntimeService
  /** The node's own files. */
  readonly nodeFiles: MountableFileSystem
  readonly images: ImageService
  readonly network: NodeNetwork
  readonly events: EventRecorder
  readonly statuses: StatusManager
  readonly probes: ProbeManager
  readonly volumes: VolumeManager
  readonly objects: ObjectSource
  readonly devices: DeviceClaims
  readonly imageManager: ImageManager
  readonly counters: KubeletCounters
  readonly crashLoop: BackOff
  readonly dns: DnsSettings
  services(): readonly Service[]
  servicesReady(): Promise<void>
  createFileSystem(options?: { maxBytes?: number }): MountableFileSystem
  /** Makes sure that a static pod has its mirror. */
  reconcileMirror(pod: Pod): void
  /** Why the pod can't be given the resources it asks for; undefined: it can. */
  refuseResize(pod: Pod): ResizeRefusal | undefined
  /** Whether the kubelet doesn't run at present, while containers do: nobody looks after them. */
  isSuspended(): boolean
  /** The machine was switched on before the kubelet began: what ran before has ended. */
  readonly isColdBoot: boolean
  /** The pod's worker has nothing left to do. */
  onFinished(uid: string): void
}
