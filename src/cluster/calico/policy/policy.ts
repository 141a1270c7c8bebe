import { contains } from '../ipam.ts'
import { NAMESPACE_LABEL, NAMESPACE_PREFIX, SERVICE_ACCOUNT_PREFIX, parseSelector } from '../selector.ts'
import type { Selector } from '../selector.ts'
import type { Packet, PacketEnd } from '../../../unix/types.ts'
import type { Endpoints } from './endpoints.ts'
import type { ServiceEndpoints } from './service-endpoints.ts'

// @k8s part: Calico policies: NetworkPolicy, GlobalNetworkPolicy, tiers, network sets and Kubernetes' NetworkPolicy for pods, over TCP and UDP; HostEndpoints, ClusterNetworkPolicy, doNotTrack, preDNAT, applyOnForward and staged policies have no effect, rules with http take no traffic, and those with source ports none unless the range has all ports that clients use

/** One end of the traffic that a rule takes. */
export interface EntityRule {
  nets?: string[]
  notNets?: string[]
  selector?: string
  notSelector?: string
  namespaceSelector?: string
  /** Numbers, ranges (`80:90`) and names. */
  ports?: (number | string)[]
  notPorts?: (number | string)[]
  serviceAccounts?: { names?: string[]; selector?: string }
  services?: { name?: string; namespace?: string }
}

export type Action = 'Allow' | 'Deny' | 'Log' | 'Pass'

export interface PolicyRule {
  action: Action
  ipVersion?: number
  protocol?: string | number
  notProtocol?: string | number
  icmp?: object
  notICMP?: object
  http?: object
  source?: EntityRule
  destination?: EntityRule
}

/** What NetworkPolicy and GlobalNetworkPolicy have in common. */
export interface PolicyObject {
  metadata: { name: string; namespace?: string; resourceVersion?: string }
  spec?: {
    tier?: string
    order?: number
    selector?: string
    namespaceSelector?: string
    serviceAccountSelector?: string
    types?: string[]
    ingress?: PolicyRule[]
    egress?: PolicyRule[]
    doNotTrack?: boolean
    preDNAT?: boolean
  }
}

/** Where a rule looks things up. */
export interface Surroundings {
  endpoints: Endpoints
  services: ServiceEndpoints
}

export interface CompiledRule {
  action: Action
  takes(packet: Packet, surroundings: Surroundings): boolean
}

/** A policy that was read. */
export interface CompiledPolicy {
  /** What was read. */
  source: readonly [kind: string, policy: PolicyObject]
  /** Name, namespace and kind: what settles the order of policies with the same. */
  key: string
  tier: string
  order: number
  selects: Selector
  /** Without the direction where the policy says nothing of it. */
  Ingress?: readonly CompiledRule[]
  Egress?: readonly CompiledRule[]
}

const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'ICMP', 6: 'TCP', 17: 'UDP', 58: 'ICMPV6', 132: 'SCTP', 136: 'UDPLITE' }
const WITH_PORTS: ReadonlySet<string> = new Set(['TCP', 'UDP', 'SCTP'])
/** Ports that clients' sockets have. */
const CLIENT_PORTS = [32_768, 60_999] as const

/**
 * Reads a policy of Calico's. Undefined: it speaks of hosts alone.
 * @throws Error what is wrong with it; Felix leaves such a policy away
 */
// calico: libcalico-go/lib/backend/syncersv1/updateprocessors ConvertNetworkPolicyV3ToV1Value, ConvertGlobalNetworkPolicyV3ToV1Value
export function compilePolicy(kind: string, { metadata: { name, namespace }, spec = {} }: PolicyObject): CompiledPolicy | undefined {
  if (spec.doNotTrack || spec.preDNAT) return undefined
  const parts = [parseSelector(spec.selector ?? '')]
  if (namespace !== undefined) parts.push(ofNamespace(namespace))
  else if (spec.namespaceSelector) parts.push(parseSelector(spec.namespaceSelector, NAMESPACE_PREFIX))
  if (spec.serviceAccountSelector) parts.push(parseSelector(spec.serviceAccountSelector, SERVICE_ACCOUNT_PREFIX))
  // Without types, as only those who write past Calico's own tools can leave them, a policy is for both.
  const types = spec.types ?? ['Ingress', 'Egress']
  const rules = (list: PolicyRule[] = []) => list.map((rule) => compileRule(rule, namespace))
  return {
    source: [kind, { metadata: { name, ...(namespace === undefined ? {} : { namespace }) }, spec }], key: `${name}/${namespace ?? ''}/${kind}`, tier: spec.tier || 'default', order: spec.order ?? Infinity, selects: (labels) => parts.every((part) => part(labels)),
    ...(types.includes('Ingress') ? { Ingress: rules(spec.ingress) } : {}), ...(types.includes('Egress') ? { Egress: rules(spec.egress) } : {}),
  }
}

const ofNamespace = (namespace: string): Selector => (labels) => labels[NAMESPACE_LABEL] === namespace

function compileRule({ action, ipVersion, protocol, notProtocol, icmp, http, source, destination }: PolicyRule, namespace: string | undefined): CompiledRule {
  const wanted = protocolName(protocol)
  if ((source?.ports?.length || destination?.ports?.length || source?.notPorts?.length || destination?.notPorts?.length) && (wanted === undefined || !WITH_PORTS.has(wanted))) throw new Error("rules that specify ports must set protocol to TCP or UDP or SCTP")
  // What travels here is TCP and UDP of IPv4.
  const isPossible = ipVersion !== 6 && icmp === undefined && http === undefined
  const unwanted = protocolName(notProtocol)
  const from = compileEntity(source ?? {}, namespace)
  const to = compileEntity(destination ?? {}, namespace)
  return {
    action,
    takes: (packet, surroundings) => isPossible && (wanted === undefined || wanted === packet.protocol) && unwanted !== packet.protocol
      && from(packet.source, undefined, packet.protocol, surroundings) && to(packet.destination, packet.port, packet.protocol, surroundings),
  }
}

type EntityMatcher = (end: PacketEnd, port: number | undefined, protocol: string, surroundings: Surroundings) => boolean

/** calico: getEndpointSelector */
function compileEntity({ nets = [], notNets = [], selector, notSelector, namespaceSelector, ports = [], notPorts = [], serviceAccounts, services }: EntityRule, namespace: string | undefined): EntityMatcher {
  const selectors: Selector[] = []
  const { names = [], selector: accounts } = serviceAccounts ?? {}
  if (names.length > 0) selectors.push((labels) => names.includes(labels['projectcalico.org/serviceaccount'] ?? ''))
  if (accounts) selectors.push(parseSelector(accounts, SERVICE_ACCOUNT_PREFIX))
  if (selector) selectors.push(parseSelector(selector))
  const isSelecting = selectors.length > 0
  if (namespaceSelector) selectors.unshift(parseSelector(namespaceSelector, NAMESPACE_PREFIX))
  else if (namespace !== undefined && (isSelecting || notSelector)) selectors.unshift(ofNamespace(namespace))
  const unwanted = notSelector ? parseSelector(notSelector) : undefined
  const checks: EntityMatcher[] = []
  if (selectors.length > 0) checks.push(({ ip }, _port, _protocol, { endpoints }) => endpoints.matches(ip, (labels) => selectors.every((each) => each(labels))))
  if (unwanted) checks.push(({ ip }, _port, _protocol, { endpoints }) => !endpoints.matches(ip, unwanted))
  if (nets.length > 0) checks.push(({ ip }) => nets.some((net) => contains(net, ip)))
  if (notNets.length > 0) checks.push(({ ip }) => !notNets.some((net) => contains(net, ip)))
  if (ports.length > 0) checks.push((end, port, protocol, { endpoints }) => ports.some((each) => isPort(each, end, port, protocol, endpoints)))
  if (notPorts.length > 0) checks.push((end, port, protocol, { endpoints }) => !notPorts.some((each) => isPort(each, end, port, protocol, endpoints)))
  if (services?.name) checks.push(({ ip }, port, protocol, { services: known }) => known.has(services.namespace ?? namespace ?? '', services.name!, ip, port, protocol))
  return (end, port, protocol, surroundings) => checks.every((check) => check(end, port, protocol, surroundings))
}

/** @param port undefined: of the client, which nobody chose */
function isPort(wanted: number | string, { ip }: PacketEnd, port: number | undefined, protocol: string, endpoints: Endpoints): boolean {
  const [first, last] = rangeOf(wanted)
  if (first !== undefined) return port === undefined ? first <= CLIENT_PORTS[0] && last! >= CLIENT_PORTS[1] : port >= first && port <= last!
  return port !== undefined && (endpoints.at(ip)?.ports.some((each) => each.name === wanted && each.port === port && each.protocol === protocol) ?? false)
}

function rangeOf(wanted: number | string): [first: number, last: number] | [undefined, undefined] {
  if (typeof wanted === 'number') return [wanted, wanted]
  const [, first, last] = /^(\d+)(?::(\d+))?$/.exec(wanted) ?? []
  return first === undefined ? [undefined, undefined] : [Number(first), Number(last ?? first)]
}

function protocolName(protocol: string | number | undefined): string | undefined {
  if (protocol === undefined || protocol === '') return undefined
  const number = Number(protocol)
  return Number.isNaN(number) ? String(protocol).toUpperCase() : PROTOCOLS[number] ?? String(number)
}
