import type { Packet, PacketFilter } from '../../../unix/types.ts'
import { Endpoints } from './endpoints.ts'
import type { KeptEndpoints } from './endpoints.ts'
import { compilePolicy } from './policy.ts'
import type { Action, CompiledPolicy, CompiledRule, Surroundings } from './policy.ts'
import { ServiceEndpoints } from './service-endpoints.ts'
import type { KeptServices } from './service-endpoints.ts'

/** A group of policies, that are asked before those of later tiers. */
export interface Tier {
  name: string
  order: number
  /** What becomes of traffic that the tier's policies for a pod don't speak of. */
  defaultAction: 'Deny' | 'Pass'
}

/** What becomes of what pods send to their own node, once their policies have let it out. */
export type EndpointToHostAction = 'Accept' | 'Return' | 'Drop'

/** The node on which policies are enforced. */
export interface FilteredNode {
  node: string
  ips: readonly string[]
  toHost: EndpointToHostAction
}

/** A filter as it is written down. */
interface KeptFilter {
  node: FilteredNode
  /** An order of null is the last one, which JSON has no number for. */
  tiers: readonly (Omit<Tier, 'order'> & { order: number | null })[]
  policies: readonly CompiledPolicy['source'][]
  endpoints: KeptEndpoints
  services: KeptServices
}

/** What a pod's policies say of one direction: tier after tier. */
type Chain = readonly { rules: readonly CompiledRule[]; defaultAction: Tier['defaultAction'] }[]

/** Rules that Felix has put into its node's kernel. They stay when it ends, as they were. */
export class PolicyFilter implements PacketFilter {
  readonly owner = 'calico'
  readonly coversOwnNode = true
  readonly #surroundings: Surroundings
  readonly #node: FilteredNode
  readonly #log: (packet: Packet) => void
  #tiers: readonly Tier[] = []
  #policies: readonly CompiledPolicy[] = []
  /** By a pod's labels, which are others after each change. */
  #chains = new WeakMap<object, { Ingress: Chain; Egress: Chain }>()

  constructor(surroundings: Surroundings, node: FilteredNode, log: (packet: Packet) => void) {
    this.#surroundings = surroundings
    this.#node = node
    this.#log = log
  }

  /** Puts others in the place of all policies. */
  setPolicies(tiers: readonly Tier[], policies: readonly CompiledPolicy[]): void {
    // calico: felix/calc TierLess, PolKVLess
    this.#tiers = [...tiers].sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1))
    this.#policies = [...policies].sort((a, b) => (a.order === b.order ? (a.key < b.key ? -1 : 1) : a.order - b.order))
    this.#chains = new WeakMap()
  }

  /** The rules and all that they ask for, as JSON has it. */
  keep(): unknown {
    const { endpoints, services } = this.#surroundings
    const tiers = this.#tiers.map((tier) => ({ ...tier, order: tier.order === Infinity ? null : tier.order }))
    return { node: this.#node, tiers, policies: this.#policies.map(({ source }) => source), endpoints: endpoints.kept(), services: services.kept() } satisfies KeptFilter
  }

  allowsEgress(packet: Packet): boolean {
    return this.#allows('Egress', packet.source.pod, packet) && !(this.#node.toHost === 'Drop' && packet.source.pod !== undefined && packet.destination.pod === undefined && this.#node.ips.includes(packet.destination.ip))
  }

  allowsIngress(packet: Packet): boolean {
    return this.#allows('Ingress', packet.destination.pod, packet)
  }

  #allows(direction: 'Ingress' | 'Egress', pod: string | undefined, packet: Packet): boolean {
    if (pod === undefined) return true
    const endpoint = this.#surroundings.endpoints.pod(pod)
    // Interfaces that it knows nothing of are dropped.
    if (!endpoint || endpoint.node !== this.#node.node) return false
    const { labels } = endpoint
    let known = this.#chains.get(labels)
    if (!known) this.#chains.set(labels, known = { Ingress: this.#chainFor('Ingress', labels), Egress: this.#chainFor('Egress', labels) })
    for (const { rules, defaultAction } of known[direction]) {
      const action = this.#actionOf(rules, packet) ?? defaultAction
      if (action !== 'Pass') return action === 'Allow'
    }
    // The namespace's profile, which lets everything through.
    return true
  }

  #chainFor(direction: 'Ingress' | 'Egress', labels: Parameters<CompiledPolicy['selects']>[0]): Chain {
    return this.#tiers.flatMap(({ name, defaultAction }) => {
      const policies = this.#policies.filter((policy) => policy.tier === name && policy[direction] && policy.selects(labels))
      return policies.length === 0 ? [] : [{ rules: policies.flatMap((policy) => policy[direction]!), defaultAction }]
    })
  }

  #actionOf(rules: readonly CompiledRule[], packet: Packet): Exclude<Action, 'Log'> | undefined {
    for (const rule of rules) {
      if (!rule.takes(packet, this.#surroundings)) continue
      if (rule.action !== 'Log') return rule.action
      this.#log(packet)
    }
    return undefined
  }
}

/** The filter of rules that were written down; what follows from the action Log is nothing, as there is nobody who would write it. @throws Error for what no filter has written */
export function recallPolicyFilter(rules: unknown): PolicyFilter {
  const { node, tiers, policies, endpoints: known, services: slices } = rules as KeptFilter
  const endpoints = new Endpoints(new Map(), new Map())
  endpoints.recall(known)
  const services = new ServiceEndpoints()
  services.recall(slices)
  const filter = new PolicyFilter({ endpoints, services }, node, () => {})
  filter.setPolicies(tiers.map((tier) => ({ ...tier, order: tier.order ?? Infinity })), policies.flatMap((source) => compilePolicy(...source) ?? []))
  return filter
}
