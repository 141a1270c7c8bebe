import { parseYaml } from '../../cli/yaml.ts'
import { KIND_NODE_VERSION } from '../../cluster/images/kind-node.ts'
import type { Taint } from '../../cluster/kinds/generated/types.ts'
import { MAX_CONTROL_PLANES } from '../../cluster/topology.ts'
import { isIPv4 } from '../../unix/net/addresses.ts'
import { kubeadmPatch } from './kubeadm-patch.ts'

const DEFAULT_NODE_IMAGE = `kindest/node:${KIND_NODE_VERSION}`

/** A port of the learner's machine that leads to a node. kind: extraPortMappings */
export interface PortMapping {
  containerPort: number
  /** 0: any that is free. */
  hostPort: number
  listenAddress: string
  protocol: 'TCP' | 'UDP'
}

export interface KindNode {
  role: 'control-plane' | 'worker'
  image: string
  labels: Readonly<Record<string, string>>
  ports: readonly PortMapping[]
  /** What kubeadm is told of its taints; undefined: what it gives by itself. */
  taints: readonly Taint[] | undefined
}

/** What a cluster of kind's is to be like. */
export interface KindConfig {
  name: string
  nodes: readonly KindNode[]
  podSubnet: string
  serviceSubnet: string
  /** No network plugin is installed. */
  disableDefaultCni: boolean
  /** 0: any that is free. */
  apiServerPort: number
}

/** Thrown with the words of kind for a configuration that it can't take, or in ours for one that has no effect here. */
export class KindConfigError extends Error {}

type Raw = Record<string, unknown>
const isObject = (value: unknown): value is Raw => value !== null && typeof value === 'object' && !Array.isArray(value)

const CLUSTER_FIELDS = ['kind', 'apiVersion', 'name', 'nodes', 'networking', 'featureGates', 'runtimeConfig', 'kubeadmConfigPatches', 'kubeadmConfigPatchesJSON6902', 'containerdConfigPatches', 'containerdConfigPatchesJSON6902']
const NODE_FIELDS = ['role', 'image', 'labels', 'extraMounts', 'extraPortMappings', 'kubeadmConfigPatches', 'kubeadmConfigPatchesJSON6902']
const NETWORKING_FIELDS = ['ipFamily', 'apiServerPort', 'apiServerAddress', 'podSubnet', 'serviceSubnet', 'disableDefaultCNI', 'kubeProxyMode', 'dnsSearch']
const PORT_FIELDS = ['containerPort', 'hostPort', 'listenAddress', 'protocol']

function checkFields(object: Raw, known: readonly string[], type: string): void {
  const unknown = Object.keys(object).filter((field) => !known.includes(field))
  if (unknown.length > 0) throw new KindConfigError(`unable to decode config: yaml: unmarshal errors:\n${unknown.map((field) => `  field ${field} not found in type v1alpha4.${type}`).join('\n')}`)
}

const unavailable = (what: string): never => { throw new KindConfigError(`${what} is not available in Drydock`) }
const isEmpty = (value: unknown) => value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)

/** Reads a configuration file; without a text the default. kind: pkg/internal/apis/config @throws KindConfigError */
export function readKindConfig(text: string | undefined, overrides: { name?: string; image?: string } = {}): KindConfig {
  const raw = text === undefined ? {} : rawConfig(text)
  for (const field of ['featureGates', 'runtimeConfig', 'kubeadmConfigPatchesJSON6902', 'containerdConfigPatches', 'containerdConfigPatchesJSON6902']) if (!isEmpty(raw[field])) unavailable(field)
  const networking = isObject(raw['networking']) ? raw['networking'] : {}
  checkFields(networking, NETWORKING_FIELDS, 'Networking')
  const patches = kubeadmPatch(stringList(raw['kubeadmConfigPatches']), unavailable)
  const given = Array.isArray(raw['nodes']) && raw['nodes'].length > 0 ? raw['nodes'] as unknown[] : [{ role: 'control-plane' }]
  const nodes = given.map((node) => nodeOf(isObject(node) ? node : {}, patches, overrides.image))
  const config: KindConfig = {
    name: overrides.name || String(raw['name'] ?? '') || 'kind', nodes,
    podSubnet: String(networking['podSubnet'] ?? '10.244.0.0/16'), serviceSubnet: String(networking['serviceSubnet'] ?? '10.96.0.0/16'), disableDefaultCni: networking['disableDefaultCNI'] === true, apiServerPort: Number(networking['apiServerPort'] ?? 0),
  }
  const problems = problemsOf(config, networking)
  if (problems.length > 0) throw new KindConfigError(problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`)
  checkEffect(config, networking)
  return config
}

function rawConfig(text: string): Raw {
  let raw: unknown
  try {
    raw = parseYaml(text)
  } catch (error) {
    throw new KindConfigError(`could not determine kind / apiVersion for config: ${(error as Error).message}`)
  }
  const object = isObject(raw) ? raw : {}
  const version = String(object['apiVersion'] ?? '')
  if (version !== 'kind.x-k8s.io/v1alpha4') throw new KindConfigError(`unknown apiVersion: ${version}`)
  if (object['kind'] !== 'Cluster') throw new KindConfigError(`unknown kind ${String(object['kind'] ?? '')} for apiVersion: ${version}`)
  checkFields(object, CLUSTER_FIELDS, 'Cluster')
  return object
}

function stringList(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}

function nodeOf(raw: Raw, clusterPatch: ReturnType<typeof kubeadmPatch>, image: string | undefined): KindNode {
  checkFields(raw, NODE_FIELDS, 'Node')
  if (!isEmpty(raw['extraMounts'])) unavailable('extraMounts')
  if (!isEmpty(raw['kubeadmConfigPatchesJSON6902'])) unavailable('kubeadmConfigPatchesJSON6902')
  const role = String(raw['role'] ?? 'control-plane') as KindNode['role']
  const own = kubeadmPatch(stringList(raw['kubeadmConfigPatches']), unavailable)
  const phase = role === 'control-plane' ? 'init' : 'join'
  const labels = isObject(raw['labels']) ? raw['labels'] : {}
  return {
    role, image: image || String(raw['image'] ?? DEFAULT_NODE_IMAGE),
    labels: { ...Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, String(value)])), ...clusterPatch[phase].labels, ...own[phase].labels },
    ports: (Array.isArray(raw['extraPortMappings']) ? raw['extraPortMappings'] as unknown[] : []).map((port) => portOf(isObject(port) ? port : {})),
    taints: own[phase].taints ?? clusterPatch[phase].taints,
  }
}

function portOf(raw: Raw): PortMapping {
  checkFields(raw, PORT_FIELDS, 'PortMapping')
  const hostPort = Number(raw['hostPort'] ?? 0)
  return { containerPort: Number(raw['containerPort'] ?? 0), hostPort: hostPort === -1 ? 0 : hostPort, listenAddress: String(raw['listenAddress'] ?? '') || '0.0.0.0', protocol: String(raw['protocol'] ?? 'TCP').toUpperCase() as PortMapping['protocol'] }
}

const isPort = (port: number) => Number.isInteger(port) && port >= 0 && port <= 65_535

/** kind: Cluster.Validate */
function problemsOf({ name, nodes, podSubnet, serviceSubnet, apiServerPort }: KindConfig, networking: Raw): string[] {
  const problems: string[] = []
  if (!/^[a-z0-9.-]+$/.test(name)) problems.push(`'${name}' is not a valid cluster name, cluster names must match \`^[a-z0-9.-]+$\``)
  if (!isPort(apiServerPort)) problems.push(`invalid apiServerPort: invalid port number: ${apiServerPort}`)
  const family = String(networking['ipFamily'] ?? 'ipv4')
  if (!['ipv4', 'ipv6', 'dual'].includes(family)) problems.push(`invalid ipFamily: ${family}`)
  for (const [what, subnet] of [['pod', podSubnet], ['service', serviceSubnet]] as const) {
    const [address = '', bits = ''] = subnet.split('/')
    if (!isIPv4(address) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) problems.push(`invalid ${what} subnet failed to parse cidr value:${JSON.stringify(subnet)} with error: invalid CIDR address: ${subnet}`)
  }
  const mode = String(networking['kubeProxyMode'] ?? 'iptables')
  if (!['iptables', 'ipvs', 'none', 'nftables'].includes(mode)) problems.push(`invalid kubeProxyMode: ${mode}`)
  nodes.forEach((node, index) => {
    const own = nodeProblems(node)
    if (own.length > 0) problems.push(`invalid configuration for node ${index}: ${own.length === 1 ? own[0] : `[${own.join(', ')}]`}`)
  })
  if (!nodes.some(({ role }) => role === 'control-plane')) problems.push('must have at least one control-plane node')
  return problems
}

function nodeProblems({ role, ports }: KindNode): string[] {
  const problems: string[] = []
  if (role !== 'control-plane' && role !== 'worker') problems.push(`${JSON.stringify(role)} is not a valid node role`)
  const taken = new Set<string>()
  for (const { hostPort, containerPort, listenAddress, protocol } of ports) {
    if (!isPort(hostPort)) problems.push(`invalid hostPort: invalid port number: ${hostPort}`)
    if (!isPort(containerPort)) problems.push(`invalid containerPort: invalid port number: ${containerPort}`)
    const place = (address: string) => `${address}:${hostPort}/${protocol}`
    if (hostPort !== 0 && (taken.has(place(listenAddress)) || taken.has(place('0.0.0.0')))) problems.push(`invalid portMapping: port mapping with same listen address, port and protocol already configured: ${place(listenAddress)}`)
    taken.add(place(listenAddress))
  }
  return problems
}

/** Refuses what is right and has no effect here. */
function checkEffect({ nodes }: KindConfig, networking: Raw): void {
  if (nodes.filter(({ role }) => role === 'control-plane').length > MAX_CONTROL_PLANES) unavailable(`a cluster with more than ${MAX_CONTROL_PLANES} control-plane nodes`)
  for (const [field, taken] of [['ipFamily', 'ipv4'], ['kubeProxyMode', 'iptables'], ['apiServerAddress', '127.0.0.1']] as const) if (networking[field] !== undefined && networking[field] !== taken) unavailable(`networking.${field} ${JSON.stringify(networking[field])}`)
  if (networking['dnsSearch'] !== undefined) unavailable('networking.dnsSearch')
  for (const { ports } of nodes) for (const { protocol } of ports) if (protocol !== 'TCP' && protocol !== 'UDP') unavailable(`a port mapping of protocol ${JSON.stringify(protocol)}`)
}
