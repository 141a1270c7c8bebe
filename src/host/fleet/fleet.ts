import type { ClusterClock } from '../../base/clock.ts'
import type { Platform } from '../../base/platform.ts'
import { Random } from '../../base/random.ts'
import { createCluster } from '../../cluster/cluster.ts'
import type { Cluster, ClusterOptions } from '../../cluster/cluster.ts'
import type { InstallationStage } from '../../cluster/installation.ts'
import type { DockerHost } from '../../cluster/docker/docker-host.ts'
import type { Topology } from '../../cluster/topology.ts'
import type { Machine } from '../../unix/types.ts'
import type { ClusterDisk, FleetRecord, FleetStorage, NodePortForward, Provider } from './fleet-storage.ts'
import { openNodePort } from './node-port-forward.ts'

/** How long a cluster's machines have to end in order before their power is taken, in milliseconds. */
const SHUTDOWN_MS = 20_000
const POLL_MS = 250
/** Ports that are chosen where any will do. */
const FIRST_ANY_PORT = 32_768
const ANY_PORTS = 28_000

/** Providers that give Services of type LoadBalancer an address. */
const CLOUDS: readonly Provider[] = ['gke', 'aks', 'eks']

/** What a further cluster is made from. */
export interface ClusterPlan {
  provider: Provider
  name: string
  /** Made for the cluster's number, so that no two share addresses. */
  topology(number: number): Topology
  /** 0: any that is free. */
  apiPort?: number
  /** No port of the learner's machine leads to its API server. */
  isReachedByAddress?: boolean
  ports?: readonly NodePortForward[]
  details?: Readonly<Record<string, unknown>>
}

/** How a further cluster stands. `making`: for the first time, and nobody would miss it yet. */
export type FleetState = 'making' | 'starting' | 'running' | 'stopping' | 'off'

/** A cluster besides the first one. */
export interface FleetCluster {
  record: FleetRecord
  /** While it runs, or comes to. */
  cluster: Cluster | undefined
  state: FleetState
}

interface Running {
  cluster: Cluster
  disk: ClusterDisk
  /** Addresses besides those of its nodes that the learner's machine reaches there. */
  routes: Set<(ip: string) => boolean>
  unplug(): void
}

/** Thrown for what can't be done with a cluster; the message is for people. */
export class FleetError extends Error {}

export interface FleetOptions {
  platform: Platform
  clock: ClusterClock
  /** Same seed, same clusters. */
  seed: string
  storage: FleetStorage
  nodePrograms?: ClusterOptions['nodePrograms']
  imagePrograms?: ClusterOptions['imagePrograms']
}

/** Where the clusters' user sits. */
export interface FleetsLaptop {
  machine: Machine
  docker: () => Promise<DockerHost>
  /** The cluster that the machine belongs to: its registries are everybody's. */
  home: Cluster
}

/** Clusters besides the first one, made by programs of the learner's machine. They share its clock and nothing else: own API, own nodes, own network, own place on disk. */
export class Fleet {
  readonly #options: FleetOptions
  readonly #random: Random
  readonly #records = new Map<string, FleetRecord>()
  readonly #running = new Map<string, Running>()
  /** Those that are being made, begun or ended. */
  readonly #busy = new Map<string, Exclude<FleetState, 'running' | 'off'>>()
  /** Those that nobody would miss if the process ended now: they aren't written down before they stand. */
  readonly #unfinished = new Set<string>()
  readonly #listeners = new Set<() => void>()
  #laptop: FleetsLaptop | undefined

  constructor(options: FleetOptions) {
    this.#options = options
    this.#random = new Random(`${options.seed} fleet ${options.clock.nowMs()}`)
  }

  get clock(): ClusterClock {
    return this.#options.clock
  }

  /** The machine from which all clusters are reached. To be said before anything else is asked for. */
  standBefore(laptop: FleetsLaptop): void {
    this.#laptop = laptop
  }

  /** In the order in which they were made. */
  list(): readonly FleetCluster[] {
    return [...this.#records.values()].map((record) => this.#found(record))
  }

  get(provider: Provider, name: string): FleetCluster | undefined {
    const record = this.#records.get(`${provider}/${name}`)
    return record && this.#found(record)
  }

  #found(record: FleetRecord): FleetCluster {
    const cluster = this.#running.get(record.id)?.cluster
    return { record, cluster, state: this.#busy.get(record.id) ?? (cluster ? 'running' : record.running ? 'starting' : 'off') }
  }

  /** Calls back whenever a cluster comes, goes, begins or ends to run. Returns the way to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A node of any of them, by its name or address, as who logs in sees it. */
  nodeMachine(nameOrAddress: string): Promise<Machine> | undefined {
    for (const { cluster } of this.#running.values()) {
      const machine = cluster.nodeMachine(nameOrAddress)
      if (machine) return machine
    }
    return undefined
  }

  /** Takes up the clusters that were kept: those that ran run on. */
  async recall(): Promise<void> {
    for (const record of await this.clock.outside(this.#options.storage.records())) this.#records.set(record.id, record)
    this.#tell()
    for (const record of [...this.#records.values()]) {
      if (!record.running) continue
      try {
        await this.#exclusively(record.id, 'starting', async () => { await this.#begin(record, await this.#open(record.id)) })
      } catch (error) {
        console.warn(`the cluster ${record.id} can't be taken up`, error)
        await this.#write({ ...record, running: false })
      }
    }
  }

  /** Makes a cluster and starts it; `onStage` is told how far its installation is. @throws FleetError when there is one already */
  async create(plan: ClusterPlan, onStage: (stage: InstallationStage) => void = () => {}): Promise<FleetCluster> {
    const id = `${plan.provider}/${plan.name}`
    if (this.#records.has(id) || this.#busy.has(id)) throw new FleetError(`there is a cluster "${plan.name}" already`)
    return this.#exclusively(id, 'making', async () => {
      const nowMs = this.clock.nowMs()
      const taken = new Set([...this.#records.values()].filter(({ provider }) => provider === plan.provider).map(({ number }) => number))
      let number = 0
      while (taken.has(number)) number++
      const record: FleetRecord = {
        id, provider: plan.provider, name: plan.name, number, apiPort: plan.isReachedByAddress ? 0 : plan.apiPort || this.freePort(), createdMs: nowMs, since: {}, running: true,
        topology: plan.topology(number), ports: (plan.ports ?? []).map((port) => port.hostPort ? port : { ...port, hostPort: this.freePort() }), details: plan.details ?? {},
      }
      // Its number and its ports are taken from now on.
      this.#records.set(id, record)
      this.#unfinished.add(id)
      this.#tell()
      try {
        await this.clock.outside(this.#options.storage.erase(id))
        await this.#begin(record, await this.#open(id), onStage)
        this.#unfinished.delete(id)
        await this.#write(record)
      } catch (error) {
        await this.#drop(id)
        throw error
      }
      return this.get(plan.provider, plan.name)!
    })
  }

  /** Ends a cluster's machines in order, as one switches computers off. What is on their disks stays. */
  async stop({ provider, name }: Pick<FleetRecord, 'provider' | 'name'>): Promise<void> {
    const { id } = this.#need(provider, name)
    await this.#exclusively(id, 'stopping', async () => {
      const running = this.#running.get(id)
      if (!running) return
      const { computers } = running.cluster
      const endMs = this.clock.nowMs() + SHUTDOWN_MS
      let isDone = false
      const ended = Promise.all(computers.all().map(({ spec }) => computers.shutDown(spec.name))).then(() => { isDone = true })
      while (!isDone && this.clock.nowMs() < endMs) await this.clock.sleep(POLL_MS)
      for (const { spec } of computers.all()) if (computers.get(spec.name)?.isOn) await computers.powerOff(spec.name)
      await ended
      await this.#end(id)
      await this.#write({ ...this.#records.get(id)!, running: false })
    })
  }

  /** Gives the machines of a cluster power again, or only some. Resolves once they have it, not once Kubernetes runs. */
  async start({ provider, name }: Pick<FleetRecord, 'provider' | 'name'>, nodes?: readonly string[]): Promise<FleetCluster> {
    const record = this.#need(provider, name)
    return this.#exclusively(record.id, 'starting', async () => {
      if (!this.#running.has(record.id)) {
        const topology: Topology = { ...record.topology, nodes: record.topology.nodes.map((node) => ({ ...node, power: !nodes || nodes.includes(node.name) ? 'starting' as const : 'off' as const })) }
        const started: FleetRecord = { ...switched(record, topology, this.clock.nowMs()), running: true }
        await this.#begin(started, await this.#open(record.id, { topology }))
        await this.#write({ ...started, topology: this.#running.get(record.id)!.cluster.topology })
      }
      return this.get(provider, name)!
    })
  }

  /** Takes a cluster away with everything that is its own. */
  async delete({ provider, name }: Pick<FleetRecord, 'provider' | 'name'>): Promise<void> {
    const { id } = this.#need(provider, name)
    await this.#exclusively(id, 'stopping', () => this.#drop(id))
  }

  /** Ways of the learner's machine into a cluster besides that to its nodes, for as long as they are wanted. Returns the way to take this one away. */
  addRoute({ id }: Pick<FleetRecord, 'id'>, covers: (ip: string) => boolean): () => void {
    const routes = this.#running.get(id)?.routes
    routes?.add(covers)
    return () => { routes?.delete(covers) }
  }

  /** Changes what is written down of a cluster. @throws FleetError for one that was deleted meanwhile */
  async remember({ provider, name }: Pick<FleetRecord, 'provider' | 'name'>, details: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#write({ ...this.#need(provider, name), details })
  }

  /** A port of the learner's machine that nobody has. */
  freePort(): number {
    const taken = new Set([...this.#onLaptop().machine.net.listeners().map(({ port }) => port), ...[...this.#records.values()].flatMap(({ apiPort, ports }) => [apiPort, ...ports.map(({ hostPort }) => hostPort)])])
    for (;;) {
      const port = FIRST_ANY_PORT + this.#random.int(ANY_PORTS)
      if (!taken.has(port)) return port
    }
  }

  /** Writes what is pending. */
  async flush(): Promise<void> {
    for (const { disk } of this.#running.values()) await this.clock.outside(disk.flush())
  }

  /** Writes everything down and ends what runs, as the process does. Clusters that ran run again with the next one. */
  async close(): Promise<void> {
    for (const id of [...this.#running.keys()]) await this.#end(id)
  }

  async #begin(record: FleetRecord, disk: ClusterDisk, onStage?: (stage: InstallationStage) => void): Promise<void> {
    const { platform, clock, seed, nodePrograms, imagePrograms } = this.#options
    const laptop = this.#onLaptop()
    const cluster = await this.#madeOr(disk, createCluster({
      platform, clock, seed: `${seed} ${record.id} ${record.createdMs}`, topology: record.topology, registries: laptop.home.registry, ...(nodePrograms ? { nodePrograms } : {}), ...(imagePrograms ? { imagePrograms } : {}), bootInTime: onStage ?? (() => {}),
      ...disk.options,
      onTopology: (topology, pki) => {
        disk.options.onTopology?.(topology, pki)
        const known = this.#records.get(record.id)
        if (!known) return
        const changed = switched(known, topology, clock.nowMs())
        this.#records.set(record.id, changed)
        if (changed.since !== known.since) void this.#keepRecords()
        this.#tell()
      },
    }))
    const open: { close(): void }[] = []
    const routes = new Set<(ip: string) => boolean>()
    const unplug = () => { for (const each of open.splice(0)) each.close() }
    try {
      const { unplug: close } = cluster.plugIn({ network: laptop.home.network, net: laptop.machine.net }, { ...record.apiPort ? { apiPort: record.apiPort } : {}, covers: (ip) => [...routes].some((covers) => covers(ip)) })
      open.push({ close })
      for (const port of record.ports) open.push(openNodePort(laptop.machine.net, cluster, port))
      this.#records.set(record.id, record)
      this.#running.set(record.id, { cluster, disk, routes, unplug })
      this.#tell()
      await disk.run(cluster)
      if (CLOUDS.includes(record.provider)) await this.#balanceLoad(record, cluster, routes, open)
    } catch (error) {
      unplug()
      this.#running.delete(record.id)
      await cluster.stop().catch(() => {})
      await this.clock.outside(disk.abandon())
      throw error
    }
  }

  /** A cluster that is being made from what a disk has; the disk is free again where that fails. */
  async #madeOr(disk: ClusterDisk, making: Promise<Cluster>): Promise<Cluster> {
    try {
      return await making
    } catch (error) {
      await this.clock.outside(disk.abandon())
      throw error
    }
  }

  /** A cloud looks after load balancers for as long as the cluster runs. */
  async #balanceLoad(record: FleetRecord, cluster: Cluster, routes: Set<(ip: string) => boolean>, open: { close(): void }[]): Promise<void> {
    const { CloudLoadBalancers } = await this.clock.outside(import('../cloud/load-balancers.ts'))
    const balancers = new CloudLoadBalancers({ cluster, record, laptop: this.#onLaptop().machine, isTaken: (ip) => [...this.#running.values()].some((other) => [...other.routes].some((covers) => covers(ip))) })
    routes.add((ip) => balancers.covers(ip))
    open.push({ close: () => balancers.stop() })
    void balancers.run()
    await this.#autoscale(record, cluster, open)
  }

  /** Google and Microsoft run a cluster autoscaler where that was asked for; Amazon answers one that somebody installs. */
  async #autoscale(record: FleetRecord, cluster: Cluster, open: { close(): void }[]): Promise<void> {
    const { NodePool } = await this.clock.outside(import('../cloud/node-pool.ts'))
    const pool = new NodePool(this, record)
    if (record.provider === 'eks') {
      const { AwsEndpoint } = await this.clock.outside(import('../cloud/aws-endpoint.ts'))
      open.push(new AwsEndpoint(cluster, pool))
      return
    }
    const { ManagedAutoscaler } = await this.clock.outside(import('../cloud/managed-autoscaler.ts'))
    const autoscaler = new ManagedAutoscaler(pool, cluster)
    autoscaler.follow()
    const stop = this.onChange(() => { if (this.#records.has(record.id)) autoscaler.follow() })
    open.push({ close() { stop(); autoscaler.stop() } })
  }

  async #end(id: string): Promise<void> {
    const running = this.#running.get(id)
    if (!running) return
    running.unplug()
    await this.clock.outside(running.disk.close(running.cluster))
    this.#running.delete(id)
    await running.cluster.stop()
    this.#tell()
  }

  async #drop(id: string): Promise<void> {
    await this.#end(id)
    this.#records.delete(id)
    this.#unfinished.delete(id)
    await this.#keepRecords()
    await this.clock.outside(this.#options.storage.erase(id))
    this.#tell()
  }

  #open(id: string, change?: { topology: Topology }): Promise<ClusterDisk> {
    return this.clock.outside(this.#options.storage.open(id, change))
  }

  async #write(record: FleetRecord): Promise<void> {
    this.#records.set(record.id, { ...record, topology: this.#running.get(record.id)?.cluster.topology ?? this.#records.get(record.id)?.topology ?? record.topology })
    await this.#keepRecords()
    this.#tell()
  }

  async #keepRecords(): Promise<void> {
    await this.clock.outside(this.#options.storage.write([...this.#records.values()].filter(({ id }) => !this.#unfinished.has(id))))
  }

  async #exclusively<T>(id: string, state: Exclude<FleetState, 'running' | 'off'>, act: () => Promise<T>): Promise<T> {
    if (this.#busy.has(id)) throw new FleetError(`the cluster "${id.slice(id.indexOf('/') + 1)}" is busy: it is being made, started or stopped`)
    this.#busy.set(id, state)
    this.#tell()
    try {
      return await act()
    } finally {
      this.#busy.delete(id)
      this.#tell()
    }
  }

  #need(provider: Provider, name: string): FleetRecord {
    const record = this.#records.get(`${provider}/${name}`)
    if (!record) throw new FleetError(`there is no cluster "${name}"`)
    return record
  }

  #onLaptop(): FleetsLaptop {
    if (!this.#laptop) throw new Error('the fleet has no machine yet from which it is reached')
    return this.#laptop
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}

/** A record with another topology: whose power is another one than before was switched now. */
function switched(record: FleetRecord, topology: Topology, nowMs: number): FleetRecord {
  const isOff = new Map(record.topology.nodes.map(({ name, power }) => [name, power === 'off']))
  const changed = topology.nodes.filter(({ name, power }) => isOff.get(name) !== (power === 'off'))
  return { ...record, topology, since: changed.length === 0 ? record.since : { ...record.since, ...Object.fromEntries(changed.map(({ name }) => [name, nowMs])) } }
}
