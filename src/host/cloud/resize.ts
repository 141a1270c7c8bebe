import type { Fleet, FleetCluster } from '../fleet/fleet.ts'
import { FleetError } from '../fleet/fleet.ts'
import { addNode, removeNode } from '../machine-actions.ts'
import { detailsOf, placeLabels, runningCloud, workersOf } from './cloud-cluster.ts'
import type { CloudPlan } from './cloud-cluster.ts'

/** Adds or takes away workers until there are so many; new ones are like the first ones. @returns the cluster as it is then @throws FleetError, also with what kubeadm or kubectl complained about */
export async function resize(fleet: Fleet, found: FleetCluster, count: number, { nodeName, nodeLabels }: Pick<CloudPlan, 'nodeName' | 'nodeLabels'>): Promise<FleetCluster> {
  const cluster = runningCloud(found)
  const { provider, name: clusterName } = found.record
  const { cpus, memoryMegabytes, machineType, location } = detailsOf(found)
  const workers = workersOf(found)
  const api = cluster.apiAs({ name: 'system:cloud-controller-manager', groups: ['system:masters', 'system:authenticated'] })
  try {
    for (const { name } of workers.slice(count)) await removeNode(cluster, name)
    for (let index = workers.length; index < count; index++) {
      const name = await addNode(cluster, (ip) => nodeName(ip, index), { cpu: String(cpus), memory: `${memoryMegabytes * 1024}Ki` })
      await api.patch('nodes', name, undefined, 'application/merge-patch+json', { metadata: { labels: { ...placeLabels({ machineType, location }), ...nodeLabels } } }, { fieldManager: 'cloud-controller-manager' })
    }
  } catch (error) {
    throw new FleetError(`the cluster "${clusterName}" couldn't be resized: ${(error as Error).message}`)
  }
  return fleet.get(provider, clusterName)!
}
