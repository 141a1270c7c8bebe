import type { Packet, PacketEnd, PacketFilter } from '../../unix/types.ts'
import type { Informer, Informers } from '../client/informers.ts'
import { matcherOf } from '../client/label-selection.ts'
import type { IPBlock, Namespace, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, Pod } from '../kinds/generated/types.ts'
import { cidrContains, parseCidr, parseIPv4 } from './cidr.ts'

/**
 * NetworkPolicies as kindnet enforces them: when a connection is opened; what is open stays open. Pods and namespaces are followed from
 * the first policy on, and cost nothing before. k8s: sigs.k8s.io/kube-network-policies v0.8.0, which kindnetd v20260213 is built with
 */
export class NetworkPolicyTable implements PacketFilter {
  readonly #policies: Informer<NetworkPolicy>
  #pods: Informer<Pod> | undefined
  #namespaces: Informer<Namespace> | undefined
  readonly #stop: () => void

  constructor(informers: Informers) {
    this.#policies = informers.for<NetworkPolicy>('networkpolicies.networking.k8s.io')
    this.#stop = this.#policies.onChanges(() => {
      if (this.#policies.size === 0) return
      this.#pods ??= informers.for<Pod>('pods')
      this.#namespaces ??= informers.for<Namespace>('namespaces')
    })
  }

  stop(): void {
    this.#stop()
  }

  /** Whether the policies for the source's pod let a connection out. */
  allowsEgress({ protocol, source, destination, port }: Packet): boolean {
    if (this.#policies.size === 0) return true
    return this.#allows('Egress', source, destination, (rule) => this.#hasPort(rule, destination.pod, port, protocol))
  }

  /** Whether the policies for the destination's pod let a connection in. */
  allowsIngress({ protocol, source, destination, port }: Packet): boolean {
    if (this.#policies.size === 0) return true
    return this.#allows('Ingress', destination, source, (rule) => this.#hasPort(rule, destination.pod, port, protocol))
  }

  /** Rules add up; a pod that no policy of the direction selects is open. k8s: evaluator */
  #allows(direction: 'Ingress' | 'Egress', own: PacketEnd, other: PacketEnd, hasPort: (ports: readonly NetworkPolicyPort[] | undefined) => boolean): boolean {
    const pod = this.#podOf(own)
    if (!pod) return true
    let isIsolated = false
    for (const { metadata, spec } of this.#policies.list(pod.metadata.namespace)) {
      if (!spec?.policyTypes?.includes(direction) || !matcherOf(spec.podSelector ?? {})(pod.metadata.labels as Record<string, string> | undefined)) continue
      isIsolated = true
      const rules = direction === 'Ingress' ? spec.ingress?.map(({ ports, from }) => ({ ports, peers: from })) : spec.egress?.map(({ ports, to }) => ({ ports, peers: to }))
      if (rules?.some(({ ports, peers }) => hasPort(ports) && (!peers?.length || peers.some((peer) => this.#isPeer(peer, other, metadata.namespace!))))) return true
    }
    return !isIsolated
  }

  #podOf({ pod }: PacketEnd): Pod | undefined {
    return pod === undefined ? undefined : this.#pods?.get(pod)
  }

  #isPeer({ ipBlock, podSelector, namespaceSelector }: NetworkPolicyPeer, end: PacketEnd, policyNamespace: string): boolean {
    if (ipBlock) return isInBlock(ipBlock, end.ip)
    const pod = this.#podOf(end)
    if (!pod) return false
    if (podSelector && !matcherOf(podSelector)(pod.metadata.labels as Record<string, string> | undefined)) return false
    if (!namespaceSelector) return pod.metadata.namespace === policyNamespace
    return matcherOf(namespaceSelector)(this.#namespaces?.get(pod.metadata.namespace!)?.metadata.labels as Record<string, string> | undefined)
  }

  /** Named ports are those of the destination's containers. k8s: evaluatePorts */
  #hasPort(ports: readonly NetworkPolicyPort[] | undefined, destination: string | undefined, port: number, protocol: 'TCP' | 'UDP'): boolean {
    if (!ports?.length) return true
    return ports.some((allowed) => {
      if ((allowed.protocol ?? 'TCP') !== protocol) return false
      if (allowed.port === undefined) return true
      if (typeof allowed.port === 'number') return port === allowed.port || (allowed.endPort !== undefined && port > allowed.port && port <= allowed.endPort)
      const pod = destination === undefined ? undefined : this.#pods?.get(destination)
      return pod?.spec.containers.some(({ ports: own }) => own?.some(({ name, containerPort, protocol: of = 'TCP' }) => name === allowed.port && containerPort === port && of === protocol)) ?? false
    })
  }
}

function isInBlock({ cidr, except = [] }: IPBlock, ip: string): boolean {
  const contains = (range: string) => !range.includes(':') && cidrContains(parseCidr(range), parseIPv4(ip))
  try {
    return contains(cidr) && !except.some(contains)
  } catch {
    // Ranges that only a lax parser takes (leading zeros) let everybody through, as upstream.
    return true
  }
}
