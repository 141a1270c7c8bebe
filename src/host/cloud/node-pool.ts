import type { Node } from '../../cluster/kinds/generated/types.ts'
import type { NodeSpec } from '../../cluster/topology.ts'
import { FleetError } from '../fleet/fleet.ts'
import type { Fleet, FleetCluster } from '../fleet/fleet.ts'
import type { FleetRecord } from '../fleet/fleet-storage.ts'
import { addNode } from '../machine-actions.ts'
import { detailsOf, placeLabels, runningCloud, workersOf } from './cloud-cluster.ts'
import { groupIdOf, namingOf, providerIdOf } from './pool-naming.ts'

/** Between which numbers an autoscaler may choose. */
export interface PoolLimits {
  min: number
  max: number
}

const CONTROLLER = { name: 'system:cloud-controller-manager', groups: ['system:masters', 'system:authenticated'] }

/** The machines of a cloud's cluster that are its workers: as many as somebody wants, one like the other. */
export class NodePool {
  readonly #fleet: Fleet
  readonly #key: Pick<FleetRecord, 'provider' | 'name'>

  constructor(fleet: Fleet, { provider, name }: Pick<FleetRecord, 'provider' | 'name'>) {
    this.#fleet = fleet
    this.#key = { provider, name }
  }

  /** @throws FleetError for a cluster that is gone */
  get #found(): FleetCluster {
    const found = this.#fleet.get(this.#key.provider, this.#key.name)
    if (!found) throw new FleetError(`there is no cluster "${this.#key.name}"`)
    return found
  }

  get record(): FleetRecord {
    return this.#found.record
  }

  get id(): string {
    return groupIdOf(this.record)
  }

  /** What was said when it was made, or changed since. */
  get limits(): PoolLimits | undefined {
    return this.record.details['limits'] as PoolLimits | undefined
  }

  /** Those on their way included. */
  get machines(): readonly NodeSpec[] {
    return workersOf(this.#found)
  }

  /** Says between which numbers an autoscaler may choose; undefined: nobody scales it. */
  async limit(limits: PoolLimits | undefined): Promise<void> {
    const { limits: _, ...rest } = this.record.details
    await this.#fleet.remember(this.#key, limits ? { ...rest, limits } : rest)
  }

  /** Adds a machine and makes a node of it. Resolves once it is one. @throws FleetError */
  async add(): Promise<string> {
    const found = this.#found
    const cluster = runningCloud(found)
    const { cpus, memoryMegabytes, machineType, location } = detailsOf(found)
    const { nodeName, nodeLabels } = namingOf(found.record, this.#fleet.clock)
    try {
      const taken = new Set(this.machines.map(({ name }) => name))
      const freeName = (ip: string) => {
        let index = 0
        // Where names are made of addresses the number makes none.
        while (index < 10_000 && taken.has(nodeName(ip, index))) index++
        return nodeName(ip, index)
      }
      const name = await addNode(cluster, freeName, { cpu: String(cpus), memory: `${memoryMegabytes * 1024}Ki` })
      await cluster.apiAs(CONTROLLER).patch('nodes', name, undefined, 'application/merge-patch+json', {
        metadata: { labels: { ...placeLabels({ machineType, location }), ...nodeLabels } }, spec: { providerID: providerIdOf(found.record, name) },
      }, { fieldManager: 'cloud-controller-manager' })
      return name
    } catch (error) {
      throw new FleetError(`the cluster "${found.record.name}" couldn't be resized: ${(error as Error).message}`)
    }
  }

  /** Orders machines. They come one after the other has power, and become nodes on their own; one that doesn't stays a machine. */
  order(count: number): void {
    for (let i = 0; i < count; i++) void this.add().catch((error: unknown) => console.warn((error as Error).message))
  }

  /** Takes a machine away at once, and its node out of the API. */
  async terminate(name: string): Promise<void> {
    const cluster = runningCloud(this.#found)
    await cluster.computers.remove(name)
    // k8s: cloud-provider/controllers/nodelifecycle: a node whose machine is gone is deleted.
    await cluster.apiAs(CONTROLLER).delete('nodes', name).catch(() => {})
  }

  /** What a new machine would be as a node, as far as that is known beforehand. */
  template(): Node {
    const { cpus, memoryMegabytes, machineType, location } = detailsOf(this.#found)
    const amounts = { cpu: String(cpus), memory: `${memoryMegabytes * 1024}Ki`, pods: '110', 'ephemeral-storage': '264212084Ki' }
    const name = `template-node-for-${this.id}`
    return {
      apiVersion: 'v1', kind: 'Node',
      metadata: { name, uid: name, creationTimestamp: new Date(this.#fleet.clock.nowMs()).toISOString(), labels: { ...placeLabels({ machineType, location }), ...namingOf(this.record, this.#fleet.clock).nodeLabels, 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': this.#architecture() } },
      spec: {}, status: { capacity: amounts, allocatable: amounts, conditions: [{ type: 'Ready', status: 'True' }] },
    } as unknown as Node
  }

  #architecture(): string {
    return this.record.topology.nodes.find(({ architecture }) => architecture)?.architecture ?? 'amd64'
  }
}
