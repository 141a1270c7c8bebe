import type { ClusterClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import type { Platform } from '../base/platform.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { createInformers } from '../cluster/client/informers.ts'
import type { Informers } from '../cluster/client/informers.ts'
import { controlPlaneNodes } from '../cluster/topology.ts'
import type { Topology } from '../cluster/topology.ts'
import { ADMINISTRATOR } from './administrator.ts'
import { ClusterView } from './cluster-view.ts'
import type { Fleet } from './fleet/fleet.ts'
import { FIRST_CLUSTER } from './protocol.ts'
import type { Client, ClusterEntry, ClusterViewChange } from './protocol.ts'

/** Changes of the fleet within so many milliseconds are told together. */
const BATCH_MS = 50

interface Open {
  cluster: Cluster
  /** On whose machine the control plane was installed that is followed; undefined where there is none. */
  controlPlane: string | undefined
  informers: Informers | undefined
  view: ClusterView
}

interface Looker {
  client: Client
  /** Id of the cluster that it shows. */
  shown: string
}

/** Which clusters there are, and what each page sees of the one that it shows. A further cluster is followed for as long as a page shows it. */
export class ClusterViews {
  readonly #first: Cluster
  readonly #fleet: Fleet
  readonly #platform: Platform
  readonly #clock: ClusterClock
  readonly #open = new Map<string, Open>()
  readonly #lookers = new Map<string, Looker>()
  readonly #stopFollowing: () => void
  #entries: readonly ClusterEntry[]
  #cancelTimer: (() => void) | undefined

  constructor({ first, fleet, platform, clock }: { first: Cluster; fleet: Fleet; platform: Platform; clock: ClusterClock }) {
    this.#first = first
    this.#fleet = fleet
    this.#platform = platform
    this.#clock = clock
    this.#entries = this.#list()
    this.#follow(FIRST_CLUSTER, first)
    this.#stopFollowing = fleet.onChange(() => { this.#cancelTimer ??= platform.setTimer(() => this.#fleetChanged(), BATCH_MS) })
  }

  /** A page begins to look, at the first cluster. */
  add(client: Client): void {
    const looker = { client, shown: FIRST_CLUSTER }
    this.#lookers.set(client.id, looker)
    this.#tellAll(looker)
  }

  /** A page has gone. */
  remove(clientId: string): void {
    this.#lookers.delete(clientId)
    this.#forgetUnseen()
  }

  /** A page wants to see another cluster. @returns the one that it sees from now on: the first one where there is no such */
  show(clientId: string, wanted: string): string {
    const looker = this.#lookers.get(clientId)
    if (!looker) return FIRST_CLUSTER
    looker.shown = this.#list().some(({ id }) => id === wanted) ? wanted : FIRST_CLUSTER
    this.#tellAll(looker)
    this.#forgetUnseen()
    return looker.shown
  }

  /** The cluster with this id; undefined while it is off. @throws Error where there is no such */
  cluster(id: string = FIRST_CLUSTER): Cluster | undefined {
    if (id === FIRST_CLUSTER) return this.#first
    const found = this.#fleet.list().find(({ record }) => record.id === id)
    if (!found) throw new Error(`there is no cluster ${id}`)
    return found.cluster
  }

  stop(): void {
    this.#stopFollowing()
    this.#cancelTimer?.()
    for (const id of [...this.#open.keys()]) this.#forget(id)
  }

  #list(): readonly ClusterEntry[] {
    return [
      { id: FIRST_CLUSTER, name: this.#first.topology.name, state: 'running', canGrow: this.#first.topology.flavour === 'kubeadm' },
      ...this.#fleet.list().map(({ record: { id, name, provider }, cluster, state }): ClusterEntry => ({ id, name, provider, state: cluster && state === 'running' && controlPlaneOf(cluster) === undefined ? 'blank' : state, canGrow: false })),
    ]
  }

  #fleetChanged(): void {
    this.#cancelTimer = undefined
    const before = this.#entries
    this.#entries = this.#list()
    const isNew = JSON.stringify(before) !== JSON.stringify(this.#entries)
    // Machines that are taken up as they stood have power without being switched on.
    const stateBefore = new Map(before.map(({ id, state }) => [id, state]))
    const replaced = new Set(this.#entries.flatMap(({ id, state }) => stateBefore.get(id) === state ? [] : [id]))
    for (const [id, { cluster, controlPlane }] of [...this.#open]) {
      if (id === FIRST_CLUSTER || (this.#clusterOf(id) === cluster && controlPlaneOf(cluster) === controlPlane)) continue
      this.#forget(id)
      replaced.add(id)
    }
    for (const looker of this.#lookers.values()) {
      const isGone = !this.#entries.some(({ id }) => id === looker.shown)
      if (isGone) looker.shown = FIRST_CLUSTER
      const isClosed = looker.shown !== FIRST_CLUSTER && !this.#open.has(looker.shown)
      if (isGone || isClosed || replaced.has(looker.shown)) this.#tellAll(looker)
      else if (isNew) this.#tellEntries(looker)
    }
  }

  #tellEntries({ client, shown }: Looker): void {
    client.send({ type: 'clusters', clusters: this.#list(), shown })
  }

  #tellAll(looker: Looker): void {
    this.#tellEntries(looker)
    looker.client.send({ type: 'view', change: this.#whole(looker.shown) })
  }

  #whole(id: string): ClusterViewChange {
    const cluster = this.#clusterOf(id)
    if (cluster) return (this.#open.get(id) ?? this.#follow(id, cluster)).view.whole()
    const topology = this.#fleet.list().find(({ record }) => record.id === id)?.record.topology
    return topology ? switchedOff(topology) : { reset: true, nodes: [], pods: [], machines: [] }
  }

  #clusterOf(id: string): Cluster | undefined {
    return id === FIRST_CLUSTER ? this.#first : this.#fleet.list().find(({ record }) => record.id === id)?.cluster
  }

  #follow(id: string, cluster: Cluster): Open {
    const controlPlane = controlPlaneOf(cluster)
    const informers = controlPlane === undefined ? undefined : createInformers({ api: cluster.apiAs(ADMINISTRATOR), clock: this.#clock, log: silentLog })
    const view = new ClusterView(informers, cluster, this.#platform, (change) => {
      for (const { client, shown } of this.#lookers.values()) if (shown === id) client.send({ type: 'view', change })
    })
    const open = { cluster, controlPlane, informers, view }
    this.#open.set(id, open)
    return open
  }

  #forgetUnseen(): void {
    const seen = new Set([FIRST_CLUSTER, ...Array.from(this.#lookers.values(), ({ shown }) => shown)])
    for (const id of [...this.#open.keys()]) if (!seen.has(id)) this.#forget(id)
  }

  #forget(id: string): void {
    const open = this.#open.get(id)
    this.#open.delete(id)
    open?.view.stop()
    open?.informers?.stop()
  }
}

/** The machine on which the control plane began: another one is another API server. Undefined where nobody has installed one. */
function controlPlaneOf({ topology }: Cluster): string | undefined {
  return controlPlaneNodes(topology)[0]?.name
}

/** What is seen of a cluster whose machines have no power. */
function switchedOff({ nodes, loadBalancer }: Topology): ClusterViewChange {
  return {
    reset: true, nodes: [], pods: [], machines: nodes.map(({ name, controlPlane }) => ({ name, controlPlane, power: 'off' })),
    ...(loadBalancer ? { loadBalancer: loadBalancer.name } : {}),
  }
}
