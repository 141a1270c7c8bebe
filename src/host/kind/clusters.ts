import { CobraError } from '../../cli/cobra/cobra.ts'
import type { CobraRun } from '../../cli/cobra/cobra.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { NodeSpec } from '../../cluster/topology.ts'
import type { Fleet, FleetCluster } from '../fleet/fleet.ts'

/** `--name`, or what the environment says. kind: cli.OverrideDefaultName */
export function clusterName({ flags, proc }: Pick<CobraRun, 'flags' | 'proc'>): string {
  return (flags.changed('name') ? flags.str('name') : proc.env['KIND_CLUSTER_NAME'] || flags.str('name')) || 'kind'
}

/** kind's clusters, as its nodes' names sort. */
export function kindClusters(fleet: Fleet): readonly FleetCluster[] {
  return fleet.list().filter(({ record }) => record.provider === 'kind').sort((a, b) => a.record.name < b.record.name ? -1 : 1)
}

/** The nodes of a cluster; none where there is no such cluster. */
export function nodesOf(fleet: Fleet, name: string): readonly NodeSpec[] {
  return fleet.get('kind', name)?.record.topology.nodes ?? []
}

/** A cluster's own kubeconfig, for the learner's machine or with the address that other nodes know. @throws CobraError */
export function kindKubeconfig(fleet: Fleet, name: string, internal = false): string {
  const found = fleet.get('kind', name)
  if (!found) throw new CobraError(`could not locate any control plane nodes for cluster named '${name}'. Use the --name option to select a different cluster`)
  const cluster = runningCluster(found)
  return cluster.adminKubeconfig(internal ? `https://${cluster.topology.nodes[0]!.name}:6443` : `https://127.0.0.1:${found.record.apiPort}`, `kind-${name}`)
}

/** @throws CobraError for one whose containers don't run */
export function runningCluster({ cluster, record }: FleetCluster): Cluster {
  if (!cluster) throw new CobraError(`the nodes of the cluster "${record.name}" don't run; docker start brings them back`)
  return cluster
}

/** Go's %q of a list. */
export function quotedList(names: readonly string[]): string {
  return `[${names.map((name) => JSON.stringify(name)).join(' ')}]`
}
