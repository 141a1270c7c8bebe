import type { Proc } from '../../unix/types.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { kubeadmTopology } from '../../cluster/topology.ts'
import type { NodeSpec, Topology } from '../../cluster/topology.ts'
import { FleetError } from '../fleet/fleet.ts'
import type { Fleet, FleetCluster } from '../fleet/fleet.ts'
import type { Provider } from '../fleet/fleet-storage.ts'
import type { Architecture } from '../../unix/architecture.ts'
import { providerIdOf } from './pool-naming.ts'

/** What a provider calls a cluster's nodes and gives them. */
export interface CloudPlan {
  provider: Extract<Provider, 'gke' | 'aks' | 'eks'>
  name: string
  location: string
  nodes: number
  cpus: number
  memoryMegabytes: number
  machineType: string
  /** The processor of such a machine; amd64 by default. */
  architecture?: Architecture
  /** A node's name, by its address and its place. */
  nodeName(ip: string, index: number): string
  nodeLabels: Record<string, string>
  details?: Readonly<Record<string, unknown>>
}

/** What is kept of a cluster of a cloud. */
export interface CloudDetails {
  location: string
  machineType: string
  cpus: number
  memoryMegabytes: number
  [more: string]: unknown
}

export const KUBERNETES = '1.36.3'
/** Ranges of the nodes' networks. */
const NETWORKS = { gke: (number: number) => `10.128.${number}.0/24`, aks: (number: number) => `10.224.${number}.0/24`, eks: (number: number) => `192.168.${128 + number}.0/24` }

/** A control plane that is a machine too, and workers as the provider has them. */
// @k8s part: clusters of clouds: their control plane is a node that can be seen, addresses are on this machine's networks, there are no accounts, load balancers take TCP alone and lead to one worker that has power (health checks, externalTrafficPolicy and annotations mean nothing to them), machine types only have their size, and versions carry no provider's suffix
function cloudTopology({ provider, name, nodes, cpus, memoryMegabytes, machineType, architecture, location, nodeName, nodeLabels, details = {} }: CloudPlan, number: number): Topology {
  const plain = kubeadmTopology(nodes + 1, name, NETWORKS[provider](number))
  return {
    ...plain,
    nodes: plain.nodes.map((spec, index): NodeSpec => {
      if (spec.controlPlane) return { ...spec, providerID: '' }
      const named = nodeName(spec.ip, index - 1)
      return {
        ...spec, name: named, cpu: String(cpus), memory: `${memoryMegabytes * 1024}Ki`, providerID: providerIdOf({ provider, details: { ...details, location } }, named), ...(architecture ? { architecture } : {}),
        nodeLabels: { ...placeLabels({ machineType, location }), ...nodeLabels },
      }
    }),
  }
}

/** Labels that say what and where a node is. */
export function placeLabels({ machineType, location }: Pick<CloudPlan, 'machineType' | 'location'>): Record<string, string> {
  return { 'node.kubernetes.io/instance-type': machineType, 'topology.kubernetes.io/region': location.replace(/-[a-z]$/, ''), ...(/-[a-z]$/.test(location) ? { 'topology.kubernetes.io/zone': location } : {}) }
}

/** Makes a cluster as a plan says. @throws FleetError */
export async function createCloudCluster(fleet: Fleet, plan: CloudPlan): Promise<FleetCluster> {
  const { provider, name, location, machineType, cpus, memoryMegabytes, details } = plan
  return fleet.create({ provider, name, topology: (number) => cloudTopology(plan, number), details: { location, machineType, cpus, memoryMegabytes, ...details } satisfies CloudDetails })
}

/** The clusters of a provider, by name. */
export function cloudClusters(fleet: Fleet, provider: Provider): readonly FleetCluster[] {
  return fleet.list().filter(({ record }) => record.provider === provider).sort((a, b) => a.record.name < b.record.name ? -1 : 1)
}

/** Nodes that aren't the control plane. */
export const workersOf = ({ record }: FleetCluster): readonly NodeSpec[] => record.topology.nodes.filter(({ controlPlane }) => !controlPlane)

/** @throws FleetError for a cluster that doesn't run */
export function runningCloud({ record, cluster }: FleetCluster): Cluster {
  if (!cluster) throw new FleetError(`the cluster "${record.name}" doesn't run`)
  return cluster
}

export const detailsOf = ({ record }: FleetCluster): CloudDetails => record.details as CloudDetails

/** How kubectl reaches a cluster, under a name. @throws FleetError */
export function cloudKubeconfig(found: FleetCluster, name: string): string {
  return runningCloud(found).adminKubeconfig(`https://127.0.0.1:${found.record.apiPort}`, name)
}

/** A JSON file of the caller's home: what the tool remembers. @throws FleetError for one that somebody has broken */
export function readState(proc: Proc, path: string): Record<string, unknown> {
  const file = `${proc.env['HOME'] || proc.user.home}/${path}`
  if (!proc.fs.exists(file)) return {}
  try {
    return JSON.parse(proc.fs.readText(file)) as Record<string, unknown>
  } catch (error) {
    throw new FleetError(`${file} can't be read: ${(error as Error).message}`)
  }
}

/** Remembers. */
export function writeState(proc: Proc, path: string, state: Record<string, unknown>): void {
  const file = `${proc.env['HOME'] || proc.user.home}/${path}`
  proc.fs.mkdir(file.slice(0, file.lastIndexOf('/')), { recursive: true })
  proc.fs.writeFile(file, `${JSON.stringify(state, undefined, 2)}\n`)
}

/** Those of a program's flags that mean something to one of its commands: flags by what they are called in it. */
export function flagsFor(all: Readonly<Record<string, string>>, ...meanings: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(all).filter(([, meaning]) => meanings.includes(meaning)))
}

/** Flags of a command line: `--name VALUE`, `--name=VALUE`, `-n VALUE`; `switches` take none. Unknown ones are told. */
export function cloudFlags(words: readonly string[], valued: Readonly<Record<string, string>>, switches: Readonly<Record<string, string>> = {}): { values: Map<string, string>; operands: string[]; unknown: string[]; incomplete: string | undefined } {
  const values = new Map<string, string>()
  const operands: string[] = []
  const unknown: string[] = []
  let incomplete: string | undefined
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (!word.startsWith('-') || word === '-') { operands.push(word); continue }
    const at = word.indexOf('=')
    const flag = at < 0 ? word : word.slice(0, at)
    if (flag in switches) values.set(switches[flag]!, at < 0 ? 'true' : word.slice(at + 1))
    else if (flag in valued) {
      const value = at < 0 ? words[++i] : word.slice(at + 1)
      if (value === undefined) incomplete ??= flag
      else values.set(valued[flag]!, value)
    } else unknown.push(word)
  }
  return { values, operands, unknown, incomplete }
}

/** Columns with two blanks between them. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()}\n`).join('')
}
