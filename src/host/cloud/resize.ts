import type { Fleet, FleetCluster } from '../fleet/fleet.ts'
import { FleetError } from '../fleet/fleet.ts'
import { removeNode } from '../machine-actions.ts'
import { runningCloud, workersOf } from './cloud-cluster.ts'
import { NodePool } from './node-pool.ts'

/** Adds or takes away workers until there are so many; new ones are like the first ones. @returns the cluster as it is then @throws FleetError, also with what kubeadm or kubectl complained about */
export async function resize(fleet: Fleet, found: FleetCluster, count: number): Promise<FleetCluster> {
  const cluster = runningCloud(found)
  const { provider, name: clusterName } = found.record
  const workers = workersOf(found)
  const pool = new NodePool(fleet, found.record)
  try {
    for (const { name } of workers.slice(count)) await removeNode(cluster, name)
  } catch (error) {
    throw new FleetError(`the cluster "${clusterName}" couldn't be resized: ${(error as Error).message}`)
  }
  for (let index = workers.length; index < count; index++) await pool.add()
  return fleet.get(provider, clusterName)!
}
