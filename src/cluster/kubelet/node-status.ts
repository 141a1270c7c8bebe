import { rfc3339 } from '../../base/clock.ts'
import type { Node, NodeCondition, NodeStatus, Taint } from '../kinds/generated/types.ts'
import { KERNEL_RELEASE } from '../../unix/kernel.ts'
import type { Architecture } from '../../unix/architecture.ts'
import type { ImageSummary, RuntimeService } from '../runtime/cri.ts'

/** What a kubelet is told of its node. */
export interface NodeConfig {
  labels: Readonly<Record<string, string>>
  taints: readonly Taint[]
  addresses: readonly { type: string; address: string }[]
  capacity: Readonly<Record<string, string>>
  /** Capacity without what the system keeps; capacity by default. */
  allocatable?: Readonly<Record<string, string>>
  providerID?: string
  /** The machine's processor; amd64 by default. */
  architecture?: Architecture
  /** What a distribution adds to the versions of its parts, `k3s1`. */
  versionSuffix?: string
}

/** Facts of the machine. */
export interface NodeIdentity {
  machineID: string
  systemUUID: string
  bootID: string
}

/** k8s: nodeStatusMaxImages */
const MAX_IMAGES = 50

/** The Node object that a kubelet registers. k8s: pkg/kubelet initialNode */
export function initialNode(name: string, config: NodeConfig, status: NodeStatus): Node {
  const { architecture = 'amd64' } = config
  return {
    apiVersion: 'v1', kind: 'Node',
    metadata: {
      name, annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
      labels: {
        'beta.kubernetes.io/arch': architecture, 'beta.kubernetes.io/os': 'linux', 'kubernetes.io/arch': architecture, 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...config.labels,
      },
    },
    spec: { ...(config.providerID ? { providerID: config.providerID } : {}), ...(config.taints.length > 0 ? { taints: [...config.taints] } : {}) },
    status,
  }
}

export interface NodeStatusInput {
  config: NodeConfig
  identity: NodeIdentity
  runtime: Pick<RuntimeService, 'name' | 'version' | 'handlers'>
  images: readonly ImageSummary[]
  old: NodeStatus | undefined
  nowMs: number
  /** Why the node isn't ready; undefined: it is. */
  notReady?: string | undefined
  pressure: { memory: boolean; disk: boolean; pid: boolean }
  /** Names of attachable volumes that pods use. */
  volumesInUse?: readonly string[]
}

/** k8s: pkg/kubelet/nodestatus setters.go */
export function nodeStatus({ config, identity, runtime, images, old, nowMs, notReady, pressure, volumesInUse = [] }: NodeStatusInput): NodeStatus {
  const nowText = rfc3339(nowMs)
  const condition = (type: string, status: 'True' | 'False', reason: string, message: string): NodeCondition => {
    const before = old?.conditions?.find((c) => c.type === type)
    return { type, status, lastHeartbeatTime: nowText, lastTransitionTime: before && before.status === status ? before.lastTransitionTime! : nowText, reason, message }
  }
  const has = (yes: boolean, type: string, noun: string, good: string, bad: string) =>
    yes ? condition(type, 'True', bad, `kubelet has ${bad === 'KubeletHasDiskPressure' ? 'disk pressure' : `insufficient ${noun} available`}`)
      : condition(type, 'False', good, good === 'KubeletHasNoDiskPressure' ? 'kubelet has no disk pressure' : `kubelet has sufficient ${noun} available`)
  return {
    ...(old?.volumesAttached ? { volumesAttached: old.volumesAttached } : {}), ...(volumesInUse.length > 0 ? { volumesInUse: [...volumesInUse] } : {}),
    addresses: config.addresses.map((a) => ({ ...a })) as NonNullable<NodeStatus['addresses']>,
    // Resources that somebody else has announced (extended resources) stay, and are there for pods.
    allocatable: { ...old?.capacity, ...config.allocatable ?? config.capacity }, capacity: { ...old?.capacity, ...config.capacity },
    conditions: [
      ...(old?.conditions ?? []).filter((c) => !OWN_CONDITIONS.has(c.type)),
      has(pressure.memory, 'MemoryPressure', 'memory', 'KubeletHasSufficientMemory', 'KubeletHasInsufficientMemory'),
      has(pressure.disk, 'DiskPressure', 'disk', 'KubeletHasNoDiskPressure', 'KubeletHasDiskPressure'),
      has(pressure.pid, 'PIDPressure', 'PID', 'KubeletHasSufficientPID', 'KubeletHasInsufficientPID'),
      notReady === undefined ? condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status') : condition('Ready', 'False', 'KubeletNotReady', notReady),
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    declaredFeatures: ['ExtendWebSocketsToKubelet', 'InPlacePodLevelResourcesVerticalScaling', 'InPlacePodVerticalScalingInitContainers', 'RestartAllContainersOnContainerExits'],
    features: { supplementalGroupsPolicy: true },
    images: [...images].sort((a, b) => b.sizeBytes - a.sizeBytes).slice(0, MAX_IMAGES).map(({ names, sizeBytes }) => ({ names: [...names], sizeBytes })),
    nodeInfo: {
      ...identity, architecture: config.architecture ?? 'amd64', containerRuntimeVersion: `${runtime.name}://${runtime.version}${config.versionSuffix ? `-${config.versionSuffix}` : ''}`, kernelVersion: KERNEL_RELEASE, kubeProxyVersion: '', kubeletVersion: `v1.36.3${config.versionSuffix ? `+${config.versionSuffix}` : ''}`,
      operatingSystem: 'linux', osImage: 'Debian GNU/Linux 12 (bookworm)',
    },
    runtimeHandlers: runtime.handlers.map((handler) => ({ features: { recursiveReadOnlyMounts: true, userNamespaces: true }, name: handler })),
  }
}

const OWN_CONDITIONS: ReadonlySet<string> = new Set(['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'])
