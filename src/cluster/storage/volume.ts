/** What volumes are to a kubelet: plugins set a volume up for a pod and give a tree of files to mount. CSI-shaped. */
import type { Clock } from '../../base/clock.ts'
import type { BlockDevice } from '../../unix/fs/block-device.ts'
import type { MountableFileSystem, NetStack } from '../../unix/types.ts'
import type { CsiContext } from './csi/csi-volume.ts'
import type { ExpansionReports } from './node-expansion.ts'
import type { ConfigMap, Node, PersistentVolume, PersistentVolumeClaim, Pod, Secret, Volume } from '../kinds/generated/types.ts'

/** Objects that volumes are made of. Every method rejects with StatusError, also with NotFound. */
export interface VolumeObjects {
  configMap(namespace: string, name: string): Promise<ConfigMap>
  secret(namespace: string, name: string): Promise<Secret>
  claim(namespace: string, name: string): Promise<PersistentVolumeClaim>
  persistentVolume(name: string): Promise<PersistentVolume>
  /** TokenRequest for the pod's ServiceAccount, bound to the pod. */
  token(pod: Pod, audience: string | undefined, expirationSeconds: number): Promise<{ token: string; expirationMs: number }>
}

export interface VolumeContext {
  clock: Clock
  objects: VolumeObjects
  csi: CsiContext
  /** Aborts when the kubelet stops. */
  stopped: AbortSignal
  /** The node's own sockets. */
  net: NetStack
  /** The node's own files. */
  nodeFiles: MountableFileSystem
  nodeName: string
  /** The node as the kubelet last saw it; undefined before it is registered. */
  node(): Node | undefined
  hostIps: readonly string[]
  nodeAllocatable: Readonly<Record<string, string>>
  podIps(): readonly string[]
  /** For file systems that are made. */
  newUuid(): string
  expansion: ExpansionReports
  /** Whether another pod of the node has a PersistentVolume. */
  isMountedElsewhere(volume: string, podUid: string): boolean
  createFileSystem(options?: { maxBytes?: number }): MountableFileSystem
  /** Root of an image, pulled if need be. */
  imageRoot?(reference: string, pullPolicy: string | undefined): Promise<MountableFileSystem>
}

/** A volume that is set up. */
export interface MountedVolume {
  readonly plugin: string
  readonly tree: MountableFileSystem
  /** The volume's root within the tree; `/` for most. */
  readonly root: string
  /** Containers can't write, whatever their mount says. */
  readonly readOnly: boolean
  /** A group that the pod's processes have because of the volume. */
  readonly group?: number
  /** Name of the PersistentVolume that it is. */
  readonly persistentVolume?: string
  /** The volume is a device (volumeMode Block), not files. */
  readonly device?: BlockDevice
  /** A tmpfs; else on the node's disk. */
  readonly inMemory?: boolean
  /** Brings changed contents in. */
  update?(pod: Pod): Promise<void>
  /** When {@link update} is due at the latest (a token to refresh), in cluster milliseconds. */
  readonly refreshMs?: number | undefined
  usedBytes(): number
  /** Rejects where that has to be tried again. */
  tearDown?(): void | Promise<void>
}

/** A volume that can't be mounted at all yet, of which no event tells before the pod has waited for it. k8s: desiredStateOfWorld.AddErrorToPod */
export class VolumeProcessingError extends Error {}

/** The node can have no more volumes of a kind: the pod has to go elsewhere. k8s: pkg/kubelet/volumemanager VolumeAttachLimitExceededError */
export class VolumeAttachLimitExceededError extends Error {}

/** A volume of which nobody knows whether it is set up: who no longer wants it has to have it taken down. k8s: pkg/volume/util/types UncertainProgressError */
export class UncertainMountError extends Error {
  /** Rejects where that has to be tried again. */
  readonly tearDown: () => Promise<void>
  constructor(message: string, tearDown: () => Promise<void>) {
    super(message)
    this.tearDown = tearDown
  }
}

export interface VolumePlugin {
  /** As in `kubernetes.io/configmap`. */
  readonly name: string
  supports(volume: Volume): boolean
  /** @param signal aborts when nobody waits for it any more @throws Error with the text that goes into a FailedMount event. */
  setUp(volume: Volume, pod: Pod, context: VolumeContext, signal: AbortSignal): Promise<MountedVolume>
  /** Whether a volume that isn't there in time won't ever be, as the node can have no more of them. */
  isExhausted?(volume: Volume, pod: Pod, context: VolumeContext): Promise<boolean>
}

/** One file of a volume that is made of data. */
export interface PayloadFile {
  data: Uint8Array
  mode: number
  /** Owner, where it isn't root. */
  uid?: number
}

export type Payload = Map<string, PayloadFile>

export interface KeyToPath { key: string; path: string; mode?: number }

export function isNotFound(error: unknown): boolean {
  return (error as { reason?: string } | undefined)?.reason === 'NotFound'
}
