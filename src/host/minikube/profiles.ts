import type { Proc } from '../../unix/types.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Fleet, FleetCluster } from '../fleet/fleet.ts'
import { MinikubeExit } from './output.ts'
import type { CriImplementation } from '../../cluster/runtime/cri-implementation.ts'

/** The version that this is like. */
export const MINIKUBE_VERSION = 'v1.38.1'
export const KUBERNETES_VERSION = 'v1.36.3'

/** What a profile's cluster was made with. */
export interface ProfileDetails {
  cpus: number
  memoryMegabytes: number
  addons: readonly string[]
  /** The nodes' container runtime; containerd by default. */
  runtime?: CriImplementation['name']
}

const homeOf = (proc: Proc) => `${proc.env['MINIKUBE_HOME'] || `${proc.env['HOME'] || proc.user.home}/.minikube`}`
const configFile = (proc: Proc) => `${homeOf(proc)}/config/config.json`

/** What `minikube config` keeps. */
export function readConfig(proc: Proc): Record<string, unknown> {
  const path = configFile(proc)
  try {
    return proc.fs.exists(path) ? JSON.parse(proc.fs.readText(path)) as Record<string, unknown> : {}
  } catch {
    return {}
  }
}

/** Keeps what `minikube config` was told. */
export function writeConfig(proc: Proc, config: Record<string, unknown>): void {
  const path = configFile(proc)
  proc.fs.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
  proc.fs.writeFile(path, JSON.stringify(config, undefined, 4))
}

/** The profile in force: the one that was named, chosen, or minikube's own. */
export function profileOf(proc: Proc, named: string): string {
  return named || proc.env['MINIKUBE_PROFILE'] || String(readConfig(proc)['profile'] ?? '') || 'minikube'
}

/** minikube's clusters, by name. */
export function profiles(fleet: Fleet): readonly FleetCluster[] {
  return fleet.list().filter(({ record }) => record.provider === 'minikube').sort((a, b) => a.record.name < b.record.name ? -1 : 1)
}

/** What a profile's cluster was made with. */
export function detailsOf({ record }: FleetCluster): ProfileDetails {
  return record.details as unknown as ProfileDetails
}

/** What is said about a profile that can't be used; the exit code is minikube's. */
export class NoProfile extends Error {
  readonly code: number
  readonly profile: string
  constructor(profile: string, message: string, code: number) {
    super(message)
    this.profile = profile
    this.code = code
  }
}

/** A profile, whether it runs or not. minikube: mustload.Partial @throws NoProfile */
export function partial(fleet: Fleet, profile: string): FleetCluster {
  const found = fleet.get('minikube', profile)
  if (!found) throw new NoProfile(profile, `Profile "${profile}" not found. Run "minikube profile list" to view all profiles.`, 85)
  return found
}

/** A profile whose machine of the control plane runs. minikube: mustload.Running @throws NoProfile */
export function running(fleet: Fleet, profile: string): FleetCluster & { cluster: Cluster } {
  const found = partial(fleet, profile)
  const { cluster } = found
  const controlPlane = found.record.topology.nodes.find((node) => node.controlPlane)!.name
  if (!cluster || cluster.computers.states().find(({ name }) => name === controlPlane)?.power === 'off') throw new NoProfile(profile, `The control-plane node ${controlPlane} host is not running: state=Stopped`, 89)
  return { ...found, cluster }
}

/** A profile whose API server answers. minikube: mustload.Healthy @throws NoProfile, MinikubeExit */
export function healthy(fleet: Fleet, profile: string): FleetCluster & { cluster: Cluster } {
  const found = running(fleet, profile)
  if (!found.cluster.isServing) throw new NoProfile(profile, `The control-plane node ${found.record.topology.nodes[0]!.name} apiserver is not running: (state=Stopped)`, 89)
  return found
}

/** A node by its name or its short form (`m02`). @throws MinikubeExit */
export function nodeOf({ record }: FleetCluster, name: string) {
  const { nodes } = record.topology
  if (name === '') return nodes.find((node) => node.controlPlane)!
  const found = nodes.find((node) => node.name === name || node.name === `${record.name}-${name}`)
  if (!found) throw new MinikubeExit('GUEST_NODE_RETRIEVE', `retrieving node: Could not find node ${name}`, 80)
  return found
}
