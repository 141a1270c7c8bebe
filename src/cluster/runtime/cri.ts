/**
 * What a kubelet asks of a container runtime: the shape of the CRI (pods are sandboxes, containers live in them, images come from
 * registries), as plain calls.
 */
import type { BlockDevice } from '../../unix/fs/block-device.ts'
import type { HostPort } from '../network/types.ts'
import type { ByteReader, ByteWriter } from '../../base/streams.ts'
import type { ExitStatus, Machine, MachineLimits, MountableFileSystem, Signal, TcpSocket } from '../../unix/types.ts'
import type { ContainerLog } from './container-log.ts'
import type { RegistryCredentials } from './image-registry.ts'

export interface DnsConfig {
  servers: readonly string[]
  searches: readonly string[]
  options: readonly string[]
}

export interface PodSandboxConfig {
  uid: string
  namespace: string
  name: string
  /** How many sandboxes this pod had before. */
  attempt: number
  hostname: string
  /** Appended to the host name where the pod asks for its FQDN. */
  hostDomain: string
  /** Where log files of its containers go, an absolute directory of the node. */
  logDirectory: string
  dns: DnsConfig
  hostNetwork: boolean
  /** Ports of the node that lead to the pod. */
  portMappings: readonly HostPort[]
  /** Kernel parameters of its own, by name. */
  sysctls: Readonly<Record<string, string>>
  /** Containers see each other's processes. */
  shareProcesses: boolean
  /** Containers see the node's processes. */
  hostProcesses?: boolean
  /** A container mounts what the node has mounted: its root, or what its kernel shows. */
  hostMounts?: boolean
  /** The pod's control group: a path below /sys/fs/cgroup of the node. */
  cgroupParent?: string
  /** What all its containers together may have. */
  resources?: MachineLimits
  /** Takes exactly this address (taking a pod over). */
  ip?: string
}

export interface PodSandbox {
  readonly id: string
  readonly config: PodSandboxConfig
  readonly state: 'ready' | 'notready'
  readonly createdMs: number
  /** Empty for the host network. */
  readonly ips: readonly string[]
  /** What all its containers together may have now. */
  readonly resources: MachineLimits
}

/** A device that appears in a container. */
export interface BlockDeviceMapping {
  containerPath: string
  device: BlockDevice
  readOnly: boolean
}

/** A tree that appears in a container. */
export interface Mount {
  containerPath: string
  tree: MountableFileSystem
  subPath?: string
  readOnly: boolean
  /** Lies in memory (a tmpfs), not on the node's disk. */
  inMemory?: boolean
  /** Which mounts are seen on the other side; those that are there when the container begins always are. */
  propagation?: 'None' | 'HostToContainer' | 'Bidirectional'
}

/** What confines containers that don't say otherwise, and the only profile of AppArmor that nodes have loaded. */
export const DEFAULT_APPARMOR_PROFILE = 'cri-containerd.apparmor.d'

export interface ContainerSecurity {
  runAsUser?: number
  runAsGroup?: number
  supplementalGroups: readonly number[]
  /** Groups of the image's /etc/group count too (policy Merge). */
  mergeImageGroups: boolean
  readOnlyRootFilesystem: boolean
  privileged: boolean
  addCapabilities?: readonly string[]
  dropCapabilities?: readonly string[]
  noNewPrivileges?: boolean
  /** System calls are filtered. */
  seccomp?: boolean
  /** The file of the node that says how; the runtime's own rules without. */
  seccompFile?: string
  /** The profile itself, where no file has it. */
  seccompText?: string
  /** The AppArmor profile that confines it; `undefined`: none. */
  appArmor?: string
  /** In a user namespace of its own. */
  ownUsers?: boolean
}

export interface ContainerConfig {
  name: string
  /** Restart count. */
  attempt: number
  /** What the pod asked for. */
  image: string
  /** Id of an image that is here. */
  imageRef: string
  command: readonly string[]
  args: readonly string[]
  workingDir: string
  env: Readonly<Record<string, string>>
  mounts: readonly Mount[]
  /** Block devices that the container has files for. */
  devices?: readonly BlockDeviceMapping[]
  /** Full names of devices, as in `vendor.com/class=device`. */
  cdiDevices?: readonly string[]
  stdin: boolean
  stdinOnce: boolean
  tty: boolean
  /** Below the sandbox's log directory. */
  logPath: string
  security: ContainerSecurity
  resources: MachineLimits
  stopSignal?: Signal
  /** The container's files where it has had some before; otherwise a fresh layer on its image. */
  root?: MountableFileSystem
  /** The container whose processes this one sees too. */
  targetId?: string
  /** Kept for the kubelet: its hash of the spec and the like. */
  annotations: Readonly<Record<string, string>>
}

export type ContainerState = 'created' | 'running' | 'exited' | 'unknown'

export interface ContainerUser {
  uid: number
  gid: number
  supplementalGroups: readonly number[]
}

export interface ContainerStatus {
  readonly id: string
  readonly sandboxId: string
  readonly podUid: string
  readonly name: string
  readonly attempt: number
  /** Full name of the image, `docker.io/library/nginx:1.27`. */
  readonly image: string
  /** `docker.io/library/nginx@sha256:...`. */
  readonly imageRef: string
  readonly state: ContainerState
  readonly createdMs: number
  readonly startedMs: number
  readonly finishedMs: number
  readonly exitCode: number
  /** Completed, Error, OOMKilled, StartError; empty while it runs. */
  readonly reason: string
  readonly message: string
  readonly user: ContainerUser
  readonly resources: MachineLimits
  readonly annotations: Readonly<Record<string, string>>
}

/** What is remembered of a container that has ended. */
export type EndedContainer = Pick<ContainerStatus, 'id' | 'image' | 'imageRef' | 'user' | 'startedMs' | 'finishedMs' | 'exitCode' | 'reason' | 'message'>

export interface ContainerEvent {
  podUid: string
  containerId: string
  type: 'created' | 'started' | 'stopped' | 'removed'
}

/** The ends of an exec or attach. */
export interface StreamIo {
  stdin?: ByteReader
  stdout?: ByteWriter
  stderr?: ByteWriter
  tty: boolean
  /** Sizes of the client's terminal. */
  resizes?: AsyncIterable<{ columns: number; rows: number }>
  /** Aborts when the client goes away. */
  signal?: AbortSignal
}

/** What differs for a command from the container's first process. */
export interface ExecContext {
  env?: Readonly<Record<string, string>>
  workingDir?: string
  /** `uid`, `name` or `uid:gid`. */
  user?: string
}

export interface ContainerStats {
  id: string
  name: string
  podUid: string
  memoryBytes: number
  cpuNanoseconds: number
  rootfsBytes: number
  logBytes: number
}

/** A refusal, in the runtime's words. */
export class RuntimeError extends Error {
  /** gRPC code: NotFound, Unknown, InvalidArgument, DeadlineExceeded. */
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export interface RuntimeService {
  readonly name: string
  readonly version: string
  /** Where it listens. */
  readonly socket: string
  /** The control group of a container. */
  scopeOf(containerId: string): string
  /** Ways to run pods that its configuration names, the default one (`''`) among them. */
  readonly handlers: readonly string[]
  /** @param handler one of {@link handlers}; the default one without */
  runPodSandbox(config: PodSandboxConfig, handler?: string): Promise<PodSandbox>
  /** Kills what runs in it and gives the address back. */
  stopPodSandbox(id: string): Promise<void>
  removePodSandbox(id: string): void
  /** Newest first. */
  listPodSandboxes(): readonly PodSandbox[]
  podSandbox(podUid: string): PodSandbox | undefined
  updatePodSandboxResources(id: string, limits: MachineLimits): void
  /** @throws RuntimeError */
  createContainer(sandboxId: string, config: ContainerConfig): string
  /** @throws RuntimeError (the container then counts as exited with reason StartError). */
  startContainer(id: string): Promise<void>
  /** A container that ran before this process began: same id, same start time, same log, a new run of its processes. */
  restoreContainer(sandboxId: string, config: ContainerConfig, was: { id: string; startedMs: number }): Promise<void>
  /** Records a sandbox that was there before this process began: it is not ready, and has no address any more. */
  recordPodSandbox(config: PodSandboxConfig): PodSandbox
  /** Records a container that ended before this process began, or with it. Its log is what the node's disk has of it. */
  recordExited(sandboxId: string, config: ContainerConfig, was: EndedContainer): void
  /** Stop signal, then SIGKILL after the grace period; resolves once it has ended. `signal` ends the wait early (for a shorter grace). */
  stopContainer(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void>
  /** `keepLog`: its files stay until the pod goes. */
  removeContainer(id: string, options?: { keepLog: boolean }): void
  /** Newest first. */
  listContainers(podUid?: string): readonly ContainerStatus[]
  containerStatus(id: string): ContainerStatus | undefined
  updateContainerResources(id: string, limits: MachineLimits): void
  /** The machine of a running container. */
  machine(id: string): Machine | undefined
  /** File system of the container, also after its end. */
  containerFiles(id: string): MountableFileSystem | undefined
  containerLog(id: string): ContainerLog | undefined
  /** Runs a command in a container, as its first process was started unless told otherwise. @throws RuntimeError when it can't be started. */
  exec(id: string, argv: readonly string[], io: StreamIo, as?: ExecContext): Promise<ExitStatus>
  /** Runs a command to its end. @throws RuntimeError DeadlineExceeded after `timeoutMs`, or when it can't be started. */
  execSync(id: string, argv: readonly string[], timeoutMs: number): Promise<{ exitCode: number; output: Uint8Array }>
  /** Joins the streams of the container's first process; resolves when that ends or the client leaves, which it also does with the end of its input where that isn't the container's. */
  attach(id: string, io: StreamIo): Promise<void>
  /** A connection to a port on the pod's loopback. @throws RuntimeError */
  portForward(sandboxId: string, port: number): Promise<TcpSocket>
  stats(id: string): ContainerStats | undefined
  onEvent(listener: (event: ContainerEvent) => void): () => void
  /** Ends everything at once (the node goes down). */
  shutdown(): Promise<void>
}

export interface ImageSummary {
  id: string
  /** Tags and digests it goes by here. */
  names: readonly string[]
  sizeBytes: number
  /** uid of its user, or a name where it isn't numeric. */
  uid?: number
  userName?: string
}

export interface ImageService {
  /** @throws RuntimeError */
  pullImage(name: string, credentials?: readonly RegistryCredentials[]): Promise<{ imageRef: string; sizeBytes: number }>
  /** Whether whoever holds these credentials could have pulled an image that is here. */
  mayUse(name: string, credentials: readonly RegistryCredentials[]): boolean
  imageStatus(name: string): ImageSummary | undefined
  listImages(): readonly ImageSummary[]
  removeImage(name: string): void
  /** Adds an image without a pull: those that came with the node. */
  importImage(name: string): boolean
}
