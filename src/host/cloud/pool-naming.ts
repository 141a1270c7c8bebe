import type { Clock } from '../../base/clock.ts'
import { Random } from '../../base/random.ts'
import type { FleetRecord } from '../fleet/fleet-storage.ts'
import type { CloudPlan } from './cloud-cluster.ts'

/** What a provider calls the machines of a pool, and how they are labelled. */
export type PoolNaming = Pick<CloudPlan, 'nodeName' | 'nodeLabels'>

export function gkeNaming(name: string, pool: unknown, clock: Clock): PoolNaming {
  return { nodeName: (ip) => `gke-${name}-default-pool-${String(pool)}-${new Random(`node ${name} ${ip} ${clock.nowMs()}`).hex(2)}`, nodeLabels: { 'cloud.google.com/gke-nodepool': 'default-pool' } }
}

/** Machines of a scale set are numbered, in base 36. */
export function aksNaming(pool: unknown): PoolNaming {
  return { nodeName: (_ip, index) => `aks-nodepool1-${String(pool)}-vmss${index.toString(36).padStart(6, '0')}`, nodeLabels: { agentpool: 'nodepool1' } }
}

export function eksNaming(region: string, cluster: string, group: string): PoolNaming {
  return { nodeName: (ip) => `ip-${ip.replaceAll('.', '-')}.${region}.compute.internal`, nodeLabels: { 'alpha.eksctl.io/cluster-name': cluster, 'alpha.eksctl.io/nodegroup-name': group } }
}

/** Those of a cluster that there is. */
export function namingOf({ provider, name, details }: FleetRecord, clock: Clock): PoolNaming {
  if (provider === 'gke') return gkeNaming(name, details['pool'], clock)
  if (provider === 'aks') return aksNaming(details['pool'])
  return eksNaming(String(details['location']), name, String(details['group']))
}

/** What the provider's API calls the pool's group of machines. */
export function groupIdOf({ provider, name, details }: FleetRecord): string {
  if (provider === 'gke') return `https://www.googleapis.com/compute/v1/projects/${String(details['project'])}/zones/${String(details['location'])}/instanceGroups/gke-${name}-default-pool-${String(details['pool'])}-grp`
  if (provider === 'aks') return `aks-nodepool1-${String(details['pool'])}-vmss`
  const group = String(details['group'])
  return `eks-${group}-${new Random(`group ${name} ${group}`).uuid()}`
}

/** How a provider calls a machine where nodes name theirs. */
export function providerIdOf({ provider, details }: Pick<FleetRecord, 'provider' | 'details'>, nodeName: string): string {
  const location = String(details['location'])
  if (provider === 'gke') return `gce://${String(details['project'])}/${location}/${nodeName}`
  if (provider === 'aks') return `azure:///subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/mc_${String(details['group'])}/providers/Microsoft.Compute/virtualMachineScaleSets/aks-nodepool1-${String(details['pool'])}-vmss/virtualMachines/${Number.parseInt(nodeName.slice(-6), 36)}`
  return `aws:///${location}a/${instanceIdOf(nodeName)}`
}

/** Amazon's name of a machine. */
export const instanceIdOf = (nodeName: string) => `i-0${new Random(`instance ${nodeName}`).hex(8)}`
