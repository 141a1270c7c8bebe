import type { Random } from '../../base/random.ts'
import { isLoopback } from '../../unix/net/addresses.ts'
import { cidrContains, parseCidr, parseIPv4 } from './cidr.ts'
import { usableEndpoints } from './service-endpoints.ts'
import type { ServiceEndpoint } from './service-endpoints.ts'

/** How kube-proxy treats one port of one Service. */
export interface ServicePortRule {
  /** `namespace/name`. */
  service: string
  /** Name of the port; empty where the Service has only one. */
  portName: string
  protocol: 'TCP' | 'UDP' | 'SCTP'
  port: number
  nodePort: number | undefined
  /** Addresses inside the cluster. */
  addresses: readonly string[]
  /** External addresses, which follow externalTrafficPolicy, as node ports do. */
  externalAddresses: readonly string[]
  /** Those of load balancers, which do so too. */
  loadBalancerAddresses?: readonly string[]
  /** Ranges of IPv4 addresses that may come by a load balancer's address; everybody when absent. */
  sourceRanges?: readonly string[]
  /** Where nodes say whether they have endpoints. */
  healthCheckNodePort?: number
  endpoints: readonly ServiceEndpoint[]
  internalLocal: boolean
  externalLocal: boolean
  /** Session affinity by client address, with its time-out. */
  affinityMs: number | undefined
}

/** Who sends a packet, as a node's rules tell clients apart. */
export interface ServiceClient {
  ip: string
  /** A pod of the cluster, the node on which the rules are, or somebody else. */
  kind: 'pod' | 'node' | 'other'
}

/** What a destination turned into. */
export type Translation =
  | { kind: 'none' }
  /** `masquerade`: the endpoint sees the node instead of the client. */
  | { kind: 'endpoint'; endpoint: ServiceEndpoint; masquerade: boolean }
  /** A known port without endpoints: kube-proxy rejects. */
  | { kind: 'reject' }
  /** A policy of Local without endpoints on the node, or a client who may not come: packets are dropped. */
  | { kind: 'drop' }

/** What the rules need to know of a node. */
export interface NodeTraits {
  zone: string | undefined
  /** It is being deleted, or the cluster autoscaler is about to. */
  isLeaving: boolean
}

interface RuleSet {
  byAddress: Map<string, ServicePortRule>
  byNodePort: Map<string, ServicePortRule>
  addresses: Set<string>
  /** Those that have a health check's port. */
  healthChecked: readonly ServicePortRule[]
}

const NO_RULES: RuleSet = { byAddress: new Map(), byNodePort: new Map(), addresses: new Set(), healthChecked: [] }

/**
 * The rules of kube-proxy in iptables mode: cluster addresses, node ports, session affinity, traffic policies.
 * k8s: pkg/proxy/iptables
 */
export class ServiceTable {
  readonly #random: Random
  readonly #nowMs: () => number
  #live: RuleSet = NO_RULES
  /** Rules of nodes on which kube-proxy doesn't run: the last that it wrote. */
  readonly #frozen = new Map<string, RuleSet>()
  #nodes: ReadonlyMap<string, NodeTraits> = new Map()
  /** Connections to node ports of loopback addresses, by node. */
  readonly #onLoopback = new Map<string, number>()
  #affinity = new Map<string, { endpoint: string; untilMs: number }>()
  readonly #listeners = new Set<() => void>()

  constructor(random: Random, nowMs: () => number) {
    this.#random = random
    this.#nowMs = nowMs
  }

  /** Puts new rules in place of all old ones. */
  replace(rules: readonly ServicePortRule[]): void {
    const live: RuleSet = { byAddress: new Map(), byNodePort: new Map(), addresses: new Set(), healthChecked: rules.filter(({ healthCheckNodePort }) => healthCheckNodePort !== undefined) }
    for (const rule of rules) {
      for (const ip of [...rule.addresses, ...rule.externalAddresses, ...rule.loadBalancerAddresses ?? []]) {
        live.byAddress.set(`${rule.protocol}/${ip}:${rule.port}`, rule)
        live.addresses.add(ip)
      }
      if (rule.nodePort) live.byNodePort.set(`${rule.protocol}/${rule.nodePort}`, rule)
    }
    this.#live = live
    const nowMs = this.#nowMs()
    for (const [key, { untilMs }] of this.#affinity) if (untilMs <= nowMs) this.#affinity.delete(key)
    for (const listener of this.#listeners) listener()
  }

  /** Calls back when there are new rules. Returns the way to stop. */
  onReplaced(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  /** kube-proxy has ended on a node: its rules stay as they are. */
  freeze(nodeName: string): void {
    if (!this.#frozen.has(nodeName)) this.#frozen.set(nodeName, this.#live)
  }

  /** A node's kernel has begun anew: without rules, until kube-proxy runs. */
  flush(nodeName: string): void {
    this.#frozen.set(nodeName, NO_RULES)
  }

  /** kube-proxy runs again on a node. */
  thaw(nodeName: string): void {
    this.#frozen.delete(nodeName)
  }

  /** Rules in force on a node, for listings such as iptables-save. */
  rules(nodeName?: string): readonly ServicePortRule[] {
    const { byAddress, byNodePort } = this.#on(nodeName)
    return [...new Set([...byAddress.values(), ...byNodePort.values()])]
  }

  /** Those of the rules in force on a node that have a health check's port: few, whereas {@link rules} goes through all. */
  healthChecked(nodeName: string): readonly ServicePortRule[] {
    return this.#on(nodeName).healthChecked
  }

  /** What is known of each node. */
  setNodes(nodes: ReadonlyMap<string, NodeTraits>): void {
    this.#nodes = nodes
  }

  /** In which zone a node is. */
  zoneOf(nodeName: string): string | undefined {
    return this.#nodes.get(nodeName)?.zone
  }

  /** Whether load balancers may send new connections to a node: one that is about to go says no. k8s: pkg/proxy/healthcheck NodeEligible */
  isEligible(nodeName: string): boolean {
    return this.#nodes.get(nodeName)?.isLeaving === false
  }

  /** How many connections to node ports of its loopback addresses a node has let in. */
  acceptedOnLoopback(nodeName: string): number {
    return this.#onLoopback.get(nodeName) ?? 0
  }

  #on(nodeName: string | undefined): RuleSet {
    return nodeName !== undefined && this.#frozen.size > 0 ? this.#frozen.get(nodeName) ?? this.#live : this.#live
  }

  isServiceAddress(ip: string): boolean {
    return this.#live.addresses.has(ip)
  }

  isNodePort(protocol: 'TCP' | 'UDP', port: number): boolean {
    return this.#live.byNodePort.has(`${protocol}/${port}`)
  }

  /**
   * Translates a destination as the rules on `nodeName` do.
   * @param toNode whether the address is the node's own, so that node ports apply.
   */
  translate(protocol: 'TCP' | 'UDP', ip: string, port: number, client: ServiceClient, nodeName: string | undefined, toNode: boolean): Translation {
    const { byAddress, byNodePort } = this.#on(nodeName)
    const rule = byAddress.get(`${protocol}/${ip}:${port}`) ?? (toNode ? byNodePort.get(`${protocol}/${port}`) : undefined)
    if (!rule) return { kind: 'none' }
    if (rule.endpoints.length === 0) return { kind: 'reject' }
    const isExternal = !rule.addresses.includes(ip)
    if (rule.sourceRanges && rule.loadBalancerAddresses?.includes(ip) && !rule.sourceRanges.some((range) => cidrContains(parseCidr(range), parseIPv4(client.ip)))) return { kind: 'drop' }
    const { cluster, local } = usableEndpoints(rule.endpoints, nodeName, nodeName === undefined ? undefined : this.zoneOf(nodeName))
    // What begins on the cluster's side is treated as if it had gone out to a load balancer and come in again: by no policy.
    const byPolicy = isExternal ? rule.externalLocal && client.kind === 'other' : rule.internalLocal
    const usable = byPolicy ? local : cluster
    if (usable.length === 0) return { kind: 'drop' }
    if (toNode && nodeName !== undefined && isLoopback(ip)) this.#onLoopback.set(nodeName, this.acceptedOnLoopback(nodeName) + 1)
    const endpoint = this.#choose(rule, usable, client.ip, nodeName)
    const masquerade = endpoint.ip === client.ip || (isExternal ? !rule.externalLocal || client.kind === 'node' : client.kind !== 'pod')
    return { kind: 'endpoint', endpoint, masquerade }
  }

  /** Each node remembers its own clients: k8s: xt_recent in the chain of an endpoint. */
  #choose(rule: ServicePortRule, usable: readonly ServiceEndpoint[], clientIp: string, nodeName: string | undefined): ServiceEndpoint {
    if (rule.affinityMs === undefined) return this.#random.pick(usable)
    const key = `${nodeName ?? ''}/${rule.service}/${rule.protocol}/${rule.port}/${clientIp}`
    const nowMs = this.#nowMs()
    const held = this.#affinity.get(key)
    const chosen = (held && held.untilMs > nowMs && usable.find((e) => `${e.ip}:${e.port}` === held.endpoint)) || this.#random.pick(usable)
    this.#affinity.set(key, { endpoint: `${chosen.ip}:${chosen.port}`, untilMs: nowMs + rule.affinityMs })
    return chosen
  }
}
