import type { NetStack } from '../../unix/types.ts'

/** A pod's place on the network: what CNI ADD returns. */
export interface PodNetwork {
  readonly ip: string
  readonly ips: readonly string[]
  /** Shared by all containers of the pod. */
  readonly stack: NetStack
  /** CNI DEL: the address goes back, open connections end. */
  release(): void
}

/** What a kubelet asks for. */
export interface PodNetworkRequest {
  uid: string
  /** The sandbox that is made for it: `CNI_CONTAINERID`. */
  sandboxId?: string
  namespace: string
  name: string
  hostname: string
  /** Takes exactly this address (a pod taken over after a restart of the cluster's process). */
  ip?: string
  /** Ports of the node that lead to the pod. */
  hostPorts?: readonly HostPort[]
}

/** A port of a node that leads to a port of a pod: the CNI plugin portmap. */
export interface HostPort {
  protocol: 'TCP' | 'UDP' | 'SCTP'
  hostPort: number
  /** The only address of the node that it holds for; all when absent. */
  hostIp?: string
  containerPort: number
}

/** One node's part of the pod network: CNI-shaped. */
export interface NodeNetwork {
  readonly nodeName: string
  readonly nodeIp: string
  /** The node's own sockets, shared by its hostNetwork pods. */
  readonly hostStack: NetStack
  /** Why the node's container runtime can't plug pods in; undefined: it can. */
  readonly notReady: string | undefined
  /** Calls back when {@link notReady} begins or ends. */
  onReadiness(listener: () => void): void
  /** Takes up the routes that an agent left, when this process began anew and the machine did not. */
  recall(): void
  /** @throws Error when no plugin is ready, or in the words of the plugin that fails. */
  addPod(pod: PodNetworkRequest): PodNetwork | Promise<PodNetwork>
  /** Pods had addresses up to this one before this process began: new ones get those behind it. */
  continueAfter(ip: string): void
}

/** A bridge outside the cluster, which is always ready. */
export interface BridgeNetwork extends NodeNetwork {
  readonly gateway: string
  addPod(pod: PodNetworkRequest): PodNetwork
}
