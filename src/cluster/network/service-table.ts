import type { Random } from '../../base/random.ts'

/** One pod behind a service port. */
export interface ServiceEndpoint {
  ip: string
  port: number
  nodeName: string | undefined
  /** For whom it is near; undefined: nobody in particular. */
  hints?: { nodes: readonly string[]; zones: readonly string[] }
}

/** How kube-proxy treats one port of one Service. */
export interface ServicePortRule {
  /** `namespace/name`. */
  service: string
  /** Name of the port; empty where the Service has only one. */
  portName: string
  protocol: 'TCP' | 'UDP' | 'SCTP'
  port: number
  nodePort: number | undefined
  /** Cluster, external and load-balancer addresses. */
  addresses: readonly string[]
  /** External and load-balancer addresses follow externalTrafficPolicy. */
  externalAddresses: readonly string[]
  endpoints: readonly ServiceEndpoint[]
  internalLocal: boolean
  externalLocal: boolean
  /** Session affinity by client address, with its time-out. */
  affinityMs: number | undefined
}

/** What a destination turned into. */
export type Translation =
  | { kind: 'none' }
  | { kind: 'endpoint'; endpoint: ServiceEndpoint; rule: ServicePortRule; external: boolean }
  /** A known port without endpoints: kube-proxy rejects. */
  | { kind: 'reject' }
  /** A policy of Local without endpoints on the node: packets are dropped. */
  | { kind: 'drop' }

interface RuleSet {
  byAddress: Map<string, ServicePortRule>
  byNodePort: Map<string, ServicePortRule>
  addresses: Set<string>
}

const NO_RULES: RuleSet = { byAddress: new Map(), byNodePort: new Map(), addresses: new Set() }

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
  /** Zones by node. */
  #zones: ReadonlyMap<string, string> = new Map()
  #affinity = new Map<string, { endpoint: string; untilMs: number }>()

  constructor(random: Random, nowMs: () => number) {
    this.#random = random
    this.#nowMs = nowMs
  }

  /** Puts new rules in place of all old ones. */
  replace(rules: readonly ServicePortRule[]): void {
    const live: RuleSet = { byAddress: new Map(), byNodePort: new Map(), addresses: new Set() }
    for (const rule of rules) {
      for (const ip of [...rule.addresses, ...rule.externalAddresses]) {
        live.byAddress.set(`${rule.protocol}/${ip}:${rule.port}`, rule)
        live.addresses.add(ip)
      }
      if (rule.nodePort) live.byNodePort.set(`${rule.protocol}/${rule.nodePort}`, rule)
    }
    this.#live = live
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

  /** In which zone each node is. */
  setZones(zones: ReadonlyMap<string, string>): void {
    this.#zones = zones
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
   * @param clientIp for session affinity.
   * @param toNode whether the address is a node's own, so that node ports apply.
   */
  translate(protocol: 'TCP' | 'UDP', ip: string, port: number, clientIp: string, nodeName: string | undefined, toNode: boolean): Translation {
    const { byAddress, byNodePort } = this.#on(nodeName)
    const rule = byAddress.get(`${protocol}/${ip}:${port}`) ?? (toNode ? byNodePort.get(`${protocol}/${port}`) : undefined)
    if (!rule) return { kind: 'none' }
    const external = toNode || rule.externalAddresses.includes(ip)
    const local = external ? rule.externalLocal : rule.internalLocal
    if (rule.endpoints.length === 0) return { kind: 'reject' }
    const usable = local ? rule.endpoints.filter((e) => e.nodeName === nodeName) : this.#near(rule.endpoints, nodeName)
    if (usable.length === 0) return { kind: 'drop' }
    return { kind: 'endpoint', endpoint: this.#choose(rule, usable, clientIp), rule, external }
  }

  /** Those on the node, or in its zone, where all endpoints say for whom they are. k8s: pkg/proxy/topology.go topologyModeFromHints */
  #near(endpoints: readonly ServiceEndpoint[], nodeName: string | undefined): readonly ServiceEndpoint[] {
    if (nodeName === undefined || endpoints[0]?.hints === undefined) return endpoints
    for (const [kind, own] of [['nodes', nodeName], ['zones', this.#zones.get(nodeName)]] as const) {
      if (own === undefined || !endpoints.every(({ hints }) => hints?.[kind].length)) continue
      const near = endpoints.filter(({ hints }) => hints![kind].includes(own))
      if (near.length > 0) return near
    }
    return endpoints
  }

  #choose(rule: ServicePortRule, usable: readonly ServiceEndpoint[], clientIp: string): ServiceEndpoint {
    if (rule.affinityMs === undefined) return this.#random.pick(usable)
    const key = `${rule.service}/${rule.protocol}/${rule.port}/${clientIp}`
    const nowMs = this.#nowMs()
    const held = this.#affinity.get(key)
    const chosen = (held && held.untilMs > nowMs && usable.find((e) => `${e.ip}:${e.port}` === held.endpoint)) || this.#random.pick(usable)
    this.#affinity.set(key, { endpoint: `${chosen.ip}:${chosen.port}`, untilMs: nowMs + rule.affinityMs })
    return chosen
  }
}
