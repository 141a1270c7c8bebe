import type { MemoryFileSystem } from '../../unix/file-system.ts'
import type { Signal } from '../../unix/types.ts'
import type { HealthCheck } from './docker-image.ts'
import type { GuestContainer } from './guest-container.ts'

/** A port of the container that is one of the machine's too. */
export interface PortBinding {
  containerPort: number
  protocol: 'tcp' | 'udp'
  /** Empty: all addresses of the machine. */
  hostIp: string
  /** 0: any that is free. */
  hostPort: number
}

export interface ContainerMount {
  type: 'bind' | 'volume' | 'tmpfs'
  /** A path of the machine, or a volume's name. */
  source: string
  target: string
  readOnly: boolean
}

export interface RestartPolicy {
  name: 'no' | 'on-failure' | 'always' | 'unless-stopped'
  /** 0: as often as needed. */
  maximumRetryCount: number
}

/** What a container is made from. */
export interface ContainerSpec {
  name?: string
  /** As the user wrote it. */
  image: string
  entrypoint: readonly string[]
  cmd: readonly string[]
  /** `NAME=value`, the image's first. */
  env: readonly string[]
  workingDir: string
  user: string
  hostname?: string
  labels: Readonly<Record<string, string>>
  exposedPorts: readonly string[]
  ports: readonly PortBinding[]
  publishAll: boolean
  mounts: readonly ContainerMount[]
  tty: boolean
  openStdin: boolean
  /** 0: no limit. */
  memoryBytes: number
  /** 0: not said; -1: as much as there is. */
  memorySwapBytes: number
  /** 0: 1024. */
  cpuShares: number
  /** Billionths of a processor; 0: no limit. */
  nanoCpus: number
  /** The processors that it may use (`0-2`); empty: all. */
  cpuset: string
  restart: RestartPolicy
  autoRemove: boolean
  networkMode: string
  extraHosts: readonly string[]
  readOnly: boolean
  privileged: boolean
  capAdd: readonly string[]
  capDrop: readonly string[]
  /** `--security-opt`, with the text of a seccomp profile instead of its file's name. */
  securityOpt?: readonly string[]
  stopSignal?: Signal
  stopTimeoutSeconds?: number
  healthCheck?: HealthCheck
}

export type ContainerStatusName = 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'removing'

export interface HealthState {
  status: 'starting' | 'healthy' | 'unhealthy'
  failingStreak: number
  /** The last checks, the newest last. */
  log: { startMs: number; endMs: number; exitCode: number; output: string }[]
}

/** One start of a container: what the container runtime knows it by. */
export interface ContainerRun {
  runtimeId: string
  attempt: number
  startedMs: number
}

/** A container as it is written down. */
export interface ContainerRecord {
  readonly id: string
  name: string
  readonly createdMs: number
  readonly imageId: string
  readonly spec: ContainerSpec
  status: ContainerStatusName
  /** 0: never. */
  startedMs: number
  finishedMs: number
  exitCode: number
  oomKilled: boolean
  error: string
  restartCount: number
  /** Somebody stopped it, so that it isn't started again. */
  stoppedByUser: boolean
  ip: string
  /** Ports of the machine as long as it runs. */
  bindings: PortBinding[]
  runs: ContainerRun[]
  health?: HealthState
  /** Volumes that were made for it and go with it. */
  anonymousVolumes: string[]
}

/** A container of this process. */
export interface DockerContainer extends ContainerRecord {
  /** For one that another program looks after. */
  guest?: GuestContainer
  /** Its writable layer. */
  layer: MemoryFileSystem
}
