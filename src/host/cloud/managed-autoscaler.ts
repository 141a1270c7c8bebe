import { silentLog } from '../../base/log.ts'
import { Random } from '../../base/random.ts'
import { ClusterAutoscaler } from '../../cluster/autoscaler/autoscaler.ts'
import type { CloudProvider, NodeGroup } from '../../cluster/autoscaler/cloud-provider.ts'
import { DEFAULT_OPTIONS } from '../../cluster/autoscaler/options.ts'
import type { AutoscalingOptions } from '../../cluster/autoscaler/options.ts'
import { createEventRecorder } from '../../cluster/client/event-recorder.ts'
import { createInformers } from '../../cluster/client/informers.ts'
import type { Informers } from '../../cluster/client/informers.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Node } from '../../cluster/kinds/generated/types.ts'
import type { NodePool } from './node-pool.ts'

const USER = { name: 'system:cluster-autoscaler', groups: ['system:masters', 'system:authenticated'] }

/** The pool as a cluster autoscaler sees it. */
class PoolProvider implements CloudProvider {
  readonly #pool: NodePool
  readonly #cluster: Cluster
  #group: NodeGroup | undefined
  #names = new Set<string>()

  constructor(pool: NodePool, cluster: Cluster) {
    this.#pool = pool
    this.#cluster = cluster
  }

  async refresh(): Promise<void> {
    if (!this.#cluster.isServing) throw new Error('the API server does not answer')
    const { limits, machines, id } = this.#pool
    this.#names = new Set(machines.map(({ name }) => name))
    this.#group = limits && { id, minSize: limits.min, maxSize: limits.max, targetSize: machines.length }
  }

  nodeGroups(): readonly NodeGroup[] {
    return this.#group ? [this.#group] : []
  }

  nodeGroupFor({ metadata }: Node): NodeGroup | undefined {
    return this.#names.has(metadata.name!) ? this.#group : undefined
  }

  template(): Node {
    return this.#pool.template()
  }

  async increaseSize(_group: NodeGroup, delta: number): Promise<void> {
    this.#pool.order(delta)
  }

  async deleteNodes(_group: NodeGroup, nodes: readonly Node[]): Promise<void> {
    for (const { metadata } of nodes) await this.#pool.terminate(metadata.name!)
  }
}

/** The cluster autoscaler that a cloud runs beside its control plane, for as long as the pool has limits. Its pods can't be seen, its status and its events can. */
export class ManagedAutoscaler {
  readonly #pool: NodePool
  readonly #cluster: Cluster
  #running: { autoscaler: ClusterAutoscaler; informers: Informers } | undefined
  /** What {@link #running} was started with. */
  #settings = ''

  constructor(pool: NodePool, cluster: Cluster) {
    this.#pool = pool
    this.#cluster = cluster
  }

  /** Begins or ends as the pool says by now. */
  follow(): void {
    const profile = this.#pool.record.details['profile'] as Partial<AutoscalingOptions> | undefined
    const settings = this.#pool.limits ? JSON.stringify(profile ?? {}) : ''
    if (settings === this.#settings) return
    this.stop()
    this.#settings = settings
    if (settings === '') return
    const { clock } = this.#cluster
    const api = this.#cluster.apiAs(USER)
    const informers = createInformers({ api, clock, log: silentLog })
    const autoscaler = new ClusterAutoscaler({
      api, informers, clock, random: new Random(`autoscaler ${this.#pool.record.id} ${clock.nowMs()}`), events: createEventRecorder({ api, clock, log: silentLog, component: 'cluster-autoscaler' }),
      cloud: new PoolProvider(this.#pool, this.#cluster), options: { ...DEFAULT_OPTIONS, ...profile }, log: () => { /* nobody can read it */ },
    })
    this.#running = { autoscaler, informers }
    void autoscaler.run()
  }

  stop(): void {
    this.#running?.autoscaler.stop()
    this.#running?.informers.stop()
    this.#running = undefined
    this.#settings = ''
  }
}
