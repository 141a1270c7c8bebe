import type { Cluster } from '../cluster/cluster.ts'
import type { EndpointSlice, Service } from '../cluster/kinds/generated/types.ts'
import { controlPlaneNodes } from '../cluster/topology.ts'
import { runOn } from './machine-actions.ts'

/** Where a packet for a Service may end: one of its pods, mostly. */
export interface TrafficTarget {
  /** `10.244.1.2:80`. */
  address: string
  /** How likely it is chosen, of 1. */
  share: number
  /** The rule that chooses it, and the one that writes its address into the packet. */
  choice: string
  translation: string
  pod?: string
  /** The node that it is on, and the route there. */
  node?: string
  route?: string
}

/** The way of a packet from a node (or a pod there) to a port of a Service. */
export interface TrafficPath {
  /** `80/TCP`, with the port's name, if it has one. */
  port: string
  /** The rule that takes the packet for the Service's address; undefined where the node has none. */
  entry?: string
  /** What happens where nobody is there to take it: the node's rule that refuses it. */
  refusal?: string
  targets: TrafficTarget[]
}

/** What a node does with packets for a Service, from the rules and routes that the node really has. */
export interface ServiceTraffic {
  /** `NAMESPACE/NAME` of all Services with an address of their own. */
  services: string[]
  /** Nodes that are on. */
  nodes: string[]
  service?: string
  node?: string
  /** The name by which pods find it, and the address that the name has. */
  dnsName?: string
  clusterIP?: string
  paths: TrafficPath[]
}

const isAddressed = ({ spec }: Service) => spec.clusterIP !== undefined && spec.clusterIP !== 'None' && spec.clusterIP !== '' && spec.type !== 'ExternalName'
const nameOf = ({ metadata }: Service) => `${metadata.namespace}/${metadata.name}`

/** Follows packets for a Service on a node. What isn't there (any more) of what was asked for is replaced by the first there is. @throws Error */
export async function serviceTraffic(cluster: Cluster, wanted: { service?: string; node?: string }): Promise<ServiceTraffic> {
  const api = cluster.apiAs({ name: 'system:apiserver', groups: ['system:masters'] })
  const all = (await api.list<Service>('services')).items.filter(isAddressed)
  const services = all.map(nameOf).sort((a, b) => Number(isSystem(a)) - Number(isSystem(b)) || (a < b ? -1 : 1))
  const controlPlane = new Set(controlPlaneNodes(cluster.topology).map(({ name }) => name))
  const nodes = cluster.computers.states().filter(({ power }) => power === 'on').map(({ name }) => name).sort((a, b) => Number(controlPlane.has(a)) - Number(controlPlane.has(b)))
  const service = services.includes(wanted.service ?? '') ? wanted.service : services[0]
  const node = nodes.includes(wanted.node ?? '') ? wanted.node : nodes[0]
  const machine = node === undefined ? undefined : await cluster.computers.machine(node)
  const object = all.find((each) => nameOf(each) === service)
  if (!object || !machine) return { services, nodes, paths: [] }
  const { clusterIP, ports = [] } = object.spec
  const { namespace, name } = object.metadata
  const slices = (await api.list<EndpointSlice>('endpointslices.discovery.k8s.io', { namespace: namespace!, labelSelector: `kubernetes.io/service-name=${name}` })).items
  const endpoints = new Map(slices.flatMap((slice) => (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses.map((address) => [address, endpoint] as const))))
  const rules = (await runOn(machine, 'iptables-save')).split('\n').filter((line) => line.startsWith('-A '))
  const routes = (await runOn(machine, 'ip route')).split('\n').map((line) => line.trim())
  const paths = ports.map(({ port, name: portName, protocol = 'TCP' }): TrafficPath => {
    const takes = (rule: string) => rule.startsWith('-A KUBE-SERVICES ') && rule.includes(` -d ${clusterIP}/32 `) && rule.includes(` -p ${protocol.toLowerCase()} `) && / --dport (\d+)/.exec(rule)?.[1] === String(port)
    const entry = rules.find((rule) => takes(rule) && jumpOf(rule).startsWith('KUBE-SVC-'))
    const refusal = rules.find((rule) => takes(rule) && /^(?:REJECT|DROP)$/.test(jumpOf(rule)))
    const targets = entry ? targetsOf(rules, jumpOf(entry)).map((target): TrafficTarget => {
      const ip = target.address.replace(/:\d+$/, '')
      const endpoint = endpoints.get(ip)
      const route = routes.find((line) => covers(line.split(' ')[0]!, ip))
      return { ...target, ...(endpoint?.targetRef?.name ? { pod: endpoint.targetRef.name } : {}), ...(endpoint?.nodeName ? { node: endpoint.nodeName } : {}), ...(route ? { route } : {}) }
    }) : []
    return { port: `${portName ? `${portName} ` : ''}${port}/${protocol}`, ...(entry ? { entry } : {}), ...(refusal ? { refusal } : {}), targets }
  })
  return { services, nodes, service: service!, node: node!, dnsName: `${name}.${namespace}.svc.${cluster.topology.clusterDomain}`, clusterIP: clusterIP!, paths }
}

const isSystem = (service: string) => /^kube-|\/kubernetes$/.test(service)
const jumpOf = (rule: string) => / -j (\S+)/.exec(rule)?.[1] ?? ''

/** The endpoints that a Service's chain chooses from. Each rule is asked in turn: its probability is of those that are left. */
function targetsOf(rules: readonly string[], chain: string): TrafficTarget[] {
  let left = 1
  return rules.filter((rule) => rule.startsWith(`-A ${chain} `) && jumpOf(rule).startsWith('KUBE-SEP-') && !rule.includes(' -m recent ')).map((choice) => {
    const chance = Number(/ --probability (\S+)/.exec(choice)?.[1] ?? 1)
    const share = left * chance
    left -= share
    const translation = rules.find((rule) => rule.startsWith(`-A ${jumpOf(choice)} `) && jumpOf(rule) === 'DNAT') ?? ''
    return { address: / --to-destination (\S+)/.exec(translation)?.[1] ?? '', share, choice, translation }
  })
}

/** Whether a route's destination, `10.244.1.0/24` or a single address, is the way to an address. */
function covers(destination: string, ip: string): boolean {
  const [network, bits = '32'] = destination.split('/')
  const number = (text: string) => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(network!)) return false
  const size = 2 ** (32 - Number(bits))
  return Math.floor(number(network!) / size) === Math.floor(number(ip) / size)
}
