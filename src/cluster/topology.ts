import type { Architecture } from '../unix/architecture.ts'
import type { Taint } from './kinds/generated/types.ts'
import { formatIPv4, parseCidr } from './network/cidr.ts'
import type { CriImplementation } from './runtime/cri-implementation.ts'

/** One machine of the cluster. */
export interface NodeSpec {
  name: string
  ip: string
  controlPlane: boolean
  labels: Record<string, string>
  taints: Taint[]
  /** Capacity, as Kubernetes quantities. */
  cpu: string
  memory: string
  ephemeralStorage: string
  maxPods: number
  /** The processor; amd64 by default. */
  architecture?: Architecture
  /** The container runtime; containerd by default. */
  runtime?: CriImplementation['name']
  /** Labels that its kubelet registers it with. */
  nodeLabels?: Record<string, string>
  /** What its provider calls it; `kind://docker/CLUSTER/NODE` by default. */
  providerID?: string
  /** Without power, or about to start; on otherwise. */
  power?: 'off' | 'starting'
}

/** Add-ons of k3s that its users may do without. */
export const K3S_ADDONS = ['coredns', 'servicelb', 'traefik', 'local-storage', 'metrics-server'] as const
export type K3sAddon = (typeof K3S_ADDONS)[number]

/** What a cluster consists of before anything runs in it. */
export interface Topology {
  /** Name of context, cluster and user in kubeconfigs; prefix of node names. */
  name: string
  nodes: NodeSpec[]
  /** The machine in front of several API servers. */
  loadBalancer?: { name: string; ip: string }
  podCidr: string
  serviceCidr: string
  /** The network of the nodes. Its first address is the learner's machine. */
  hostCidr: string
  clusterDomain: string
  /** Which distribution's layout: kubeadm's with static pods, k3s's single process, or the control plane's programs alone, without nodes and add-ons. */
  flavour: 'kubeadm' | 'k3s' | 'bare'
  /** `none`: kubeadm's cluster comes without a network plugin, and somebody has to install one. kindnet otherwise. */
  cni?: 'none'
  /** Which of k3s' add-ons are left away. */
  disabled?: readonly K3sAddon[]
  /** The lowest address that a new machine gets; by default the second of {@link hostCidr}. */
  firstAddress?: string
  /** The control plane that somebody has installed on one of the machines; nothing where it was there from the beginning. */
  installed?: Installed
}

/** What is known of a control plane that was installed on a machine that had been there before. */
export interface Installed {
  /** The machine's name. */
  on: string
  /** Where its API server says that it is. */
  advertiseAddress: string
  /** Names and addresses besides its own by which clients find it: what its certificate is for, too. */
  names: readonly string[]
  /** What {@link Topology.name} was before. */
  networkName: string
  /** Whether k3s' servers keep their objects in an etcd that more of them may join. */
  isEtcdEmbedded?: boolean
}

/** A network for machines, without any. Somebody may install a control plane on one of those that come. */
export function blankTopology(name: string, hostCidr: string, firstAddress?: string): Topology {
  return { name, nodes: [], podCidr: '', serviceCidr: '', hostCidr, clusterDomain: 'cluster.local', flavour: 'kubeadm', cni: 'none', ...(firstAddress === undefined ? {} : { firstAddress }) }
}

/** The nodes of a control plane, the one first on which it began. */
export function controlPlaneNodes({ nodes, installed }: Pick<Topology, 'nodes' | 'installed'>): NodeSpec[] {
  const all = nodes.filter((node) => node.controlPlane)
  return installed ? all.sort((a, b) => Number(b.name === installed.on) - Number(a.name === installed.on)) : all
}

/** The network of the first cluster's nodes. */
const HOST_CIDR = '10.89.0.0/16'

const CONTROL_PLANE_TAINT: Taint = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }

/** What distinguishes a node of the control plane once kubeadm has been there. */
const CONTROL_PLANE_MARKS = { controlPlane: true, labels: { 'node-role.kubernetes.io/control-plane': '', 'node.kubernetes.io/exclude-from-external-load-balancers': '' }, taints: [CONTROL_PLANE_TAINT] }
/** As many members as etcd advises at most. */
export const MAX_CONTROL_PLANES = 7

/**
 * The cluster that learners get: a control plane and workers, as kind lays it out.
 * @param nodes how many machines, the control plane included; a single one isn't tainted.
 * @param controlPlanes how many of them make up the control plane; several have a load balancer in front of them.
 */
export function kubeadmTopology(nodes = 3, name = 'drydock', hostCidr = HOST_CIDR, controlPlanes = 1): Topology {
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > 5_000) throw new RangeError(`a cluster has 1 to 5000 nodes, not ${nodes}`)
  if (!Number.isInteger(controlPlanes) || controlPlanes < 1 || controlPlanes > Math.min(nodes, MAX_CONTROL_PLANES)) throw new RangeError(`a control plane has 1 to ${Math.min(nodes, MAX_CONTROL_PLANES)} of ${nodes} nodes, not ${controlPlanes}`)
  const numbered = (role: string, i: number) => i === 0 ? `${name}-${role}` : `${name}-${role}${i + 1}`
  return {
    name,
    nodes: Array.from({ length: nodes }, (_, i): NodeSpec => i >= controlPlanes ? workerSpec(numbered('worker', i - controlPlanes), i, hostCidr) : {
      ...workerSpec(numbered('control-plane', i), i, hostCidr), ...CONTROL_PLANE_MARKS,
      // kind takes the taint away where there are no workers.
      taints: nodes > controlPlanes ? [CONTROL_PLANE_TAINT] : [],
    }),
    ...(controlPlanes > 1 ? { loadBalancer: { name: `${name}-external-load-balancer`, ip: hostAddress(hostCidr, nodes + 2) } } : {}),
    // A /24 per node; larger clusters get a wider range, as an administrator would choose.
    podCidr: nodes <= 256 ? '10.244.0.0/16' : '10.128.0.0/11',
    serviceCidr: '10.96.0.0/16',
    hostCidr,
    clusterDomain: 'cluster.local',
    flavour: 'kubeadm',
  }
}

/** The same with another container runtime on every node. */
export function withRuntime(topology: Topology, runtime: CriImplementation['name']): Topology {
  return { ...topology, nodes: topology.nodes.map((node): NodeSpec => ({ ...node, runtime })) }
}

/** The same with another processor in every machine. */
export function withArchitecture(topology: Topology, architecture: Architecture): Topology {
  return { ...topology, nodes: topology.nodes.map((node): NodeSpec => ({ ...node, architecture })) }
}

/** A cluster on four small computers of the kind that fits on a shelf: four 64-bit ARM cores and 8 GB each. */
export function raspberryPiTopology(): Topology {
  const plain = kubeadmTopology(4)
  return { ...plain, nodes: plain.nodes.map((node): NodeSpec => ({ ...node, cpu: '4', memory: '8063668Ki', ephemeralStorage: '60974808Ki', architecture: 'arm64' })) }
}

/** A machine for pods; `number` of the cluster's, from 0 on, gives its address. */
export function workerSpec(name: string, number: number, hostCidr = HOST_CIDR): NodeSpec {
  return { name, ip: hostAddress(hostCidr, number + 2), controlPlane: false, labels: {}, taints: [], cpu: '2', memory: '24684084Ki', ephemeralStorage: '264212084Ki', maxPods: 110 }
}

/** What k3s says of the nodes of its servers, and of those with a member of etcd. */
export const K3S_LABELS = { 'node-role.kubernetes.io/control-plane': 'true', 'node.kubernetes.io/instance-type': 'k3s' }
export const K3S_ETCD_LABELS = { ...K3S_LABELS, 'node-role.kubernetes.io/etcd': 'true' }

/** One node that is everything, as k3s sets it up. @param disabled add-ons that aren't installed (`k3s server --disable`) */
export function singleNodeTopology(name = 'drydock', disabled: readonly K3sAddon[] = []): Topology {
  const topology = kubeadmTopology(1, name)
  return { ...topology, flavour: 'k3s', podCidr: '10.42.0.0/16', serviceCidr: '10.43.0.0/16', nodes: [{ ...topology.nodes[0]!, name, labels: K3S_LABELS }], ...disabled.length > 0 ? { disabled } : {} }
}

/** API server, controllers and scheduler without a node, as whoever tests against an API alone starts them. */
export function bareTopology(name = 'drydock'): Topology {
  return { ...kubeadmTopology(1, name), flavour: 'bare' }
}

/** The address of the learner's machine on a cluster's host network, as kind's users have the gateway's. */
export function laptopAddress({ hostCidr }: Pick<Topology, 'hostCidr'>): string {
  return hostAddress(hostCidr, 1)
}

/** The n-th address of a host network. */
function hostAddress(hostCidr: string, n: number): string {
  return formatIPv4(parseCidr(hostCidr).first + n)
}
