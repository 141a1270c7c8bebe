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
  /** Undefined until the node was given a range: the CNI plugin isn't ready before. */
  readonly podCidr: string | undefined
  /** @throws Error when the plugin isn't ready or the range is used up. */
  addPod(pod: PodNetworkRequest): PodNetwork
  /** Pods had addresses up to this one before this process began: new ones get those behind it. */
  continueAfter(ip: string): void
}
