import { Random } from '../../base/random.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { ComputerError } from '../../cluster/computers/computers.ts'
import type { ComputerState, Computers } from '../../cluster/computers/computers.ts'
import { parseCidr, parseIPv4 } from '../../cluster/network/cidr.ts'
import { blankTopology } from '../../cluster/topology.ts'
import type { Fleet, FleetCluster } from '../fleet/fleet.ts'
import type { NetworkDefinition } from './network-xml.ts'

/** A network of machines: libvirt's `default` is the first cluster's, others have machines alone until somebody installs something on them. */
export interface MachineNetwork {
  definition: NetworkDefinition
  uuid: string
  bridge: string
  isActive: boolean
  isPersistent: boolean
  /** While it is active. */
  computers: Computers | undefined
  states: readonly ComputerState[]
}

/** A machine with the network that it is on. */
export interface Domain {
  state: ComputerState
  network: MachineNetwork
}

export const DEFAULT_NETWORK = 'default'
/** What Docker has for its containers on the same host. */
const DOCKER_CIDRS = ['172.17.0.0/16', '172.18.0.0/16']

/** What libvirt knows of machines and their networks. Each network that somebody makes is one of the fleet's, and kept as they are. */
export class Libvirt {
  readonly #home: Cluster
  readonly #fleet: Fleet

  constructor(home: Cluster, fleet: Fleet) {
    this.#home = home
    this.#fleet = fleet
  }

  /** All networks by their names, `default` among them. */
  networks(): MachineNetwork[] {
    const own: MachineNetwork = {
      definition: { name: DEFAULT_NETWORK, cidr: this.#home.topology.hostCidr }, uuid: uuidOf(DEFAULT_NETWORK), bridge: 'virbr0', isActive: true, isPersistent: true, computers: this.#home.computers, states: this.#home.computers.states(),
    }
    const further = this.#fleet.list().filter(({ record }) => record.provider === 'libvirt').map(networkOf)
    return [own, ...further].sort((a, b) => (a.definition.name < b.definition.name ? -1 : 1))
  }

  network(name: string): MachineNetwork | undefined {
    return this.networks().find(({ definition }) => definition.name === name)
  }

  /** The machines of all networks, the first cluster's first. */
  domains(): Domain[] {
    return this.networks().sort((a, b) => Number(b.definition.name === DEFAULT_NETWORK) - Number(a.definition.name === DEFAULT_NETWORK)).flatMap((network) => network.states.map((state) => ({ state, network })))
  }

  /** Makes a network; one that is only defined is to be started. @throws ComputerError */
  async create(definition: NetworkDefinition, { isPersistent, isActive }: { isPersistent: boolean; isActive: boolean }): Promise<void> {
    const { name, cidr, range, uuid, bridge } = definition
    const known = this.network(name)
    if (known) throw new ComputerError(`operation failed: network '${name}' already exists with uuid ${known.uuid}`)
    const like = this.networks().find((other) => (uuid !== undefined && other.uuid === uuid) || (bridge !== undefined && other.bridge === bridge))
    if (like) throw new ComputerError(like.uuid === uuid ? `operation failed: network '${like.definition.name}' already exists with uuid ${uuid}` : `internal error: bridge name '${bridge}' already in use.`)
    const taken = [...DOCKER_CIDRS, this.#home.topology.hostCidr, ...this.#fleet.list().map(({ record }) => record.topology.hostCidr)]
    if (taken.some((other) => overlaps(other, cidr))) throw new ComputerError(`internal error: Network is already in use by interface ${this.networks().find(({ definition: other }) => overlaps(other.cidr, cidr))?.bridge ?? 'docker0'}`)
    await this.#fleet.create({ provider: 'libvirt', name, isReachedByAddress: true, topology: () => blankTopology(name, cidr, range?.start), details: { isPersistent, ...range ? { range } : {}, ...uuid === undefined ? {} : { uuid }, ...bridge === undefined ? {} : { bridge } } })
    if (!isActive) await this.#fleet.stop({ provider: 'libvirt', name })
  }

  /** Its machines stay off. */
  async start(name: string): Promise<void> {
    await this.#fleet.start({ provider: 'libvirt', name }, [])
  }

  /** The network ends, and is gone if nobody has defined it. @throws ComputerError while machines need it */
  async destroy({ definition: { name }, isPersistent, states }: MachineNetwork): Promise<void> {
    this.#refuseDefault(name)
    const running = states.filter(({ power }) => power !== 'off').map((state) => state.name)
    if (running.length > 0) throw new ComputerError(`drydock: machines of the network run: ${running.join(', ')}; destroy them first`)
    // Nobody else knows of their disks.
    if (!isPersistent && states.length > 0) throw new ComputerError(`drydock: machines belong to the network, which is gone once it ends: ${states.map((state) => state.name).join(', ')}; undefine them first`)
    await (isPersistent ? this.#fleet.stop({ provider: 'libvirt', name }) : this.#fleet.delete({ provider: 'libvirt', name }))
  }

  /** @throws ComputerError while it is active, or has machines */
  async undefine({ definition: { name }, isActive, states }: MachineNetwork): Promise<void> {
    this.#refuseDefault(name)
    if (isActive) throw new ComputerError('drydock: the network is active; destroy it first')
    if (states.length > 0) throw new ComputerError(`drydock: machines belong to the network: ${states.map((state) => state.name).join(', ')}; start it and undefine them first`)
    await this.#fleet.delete({ provider: 'libvirt', name })
  }

  #refuseDefault(name: string): void {
    if (name === DEFAULT_NETWORK) throw new ComputerError("drydock: the network default is the first cluster's and stays")
  }
}

function networkOf({ record, cluster }: FleetCluster): MachineNetwork {
  const { name, number, topology, details } = record
  const range = details['range'] as NetworkDefinition['range']
  return {
    definition: { name, cidr: topology.hostCidr, ...range ? { range } : {} }, uuid: String(details['uuid'] ?? uuidOf(record.id)), bridge: String(details['bridge'] ?? `virbr${number + 1}`), isActive: record.running, isPersistent: details['isPersistent'] === true,
    computers: cluster?.computers, states: cluster?.computers.states() ?? topology.nodes.map(({ name: machine, ip, controlPlane }) => ({ name: machine, ip, controlPlane, power: 'off' })),
  }
}

const uuidOf = (name: string) => new Random(`libvirt network ${name}`).uuid()

function overlaps(one: string, other: string): boolean {
  const [a, b] = [parseCidr(one), parseCidr(other)]
  return a.first < b.first + b.size && b.first < a.first + a.size
}

/** Whether an address is among those that a network gives to machines. */
export function isInRange({ range }: NetworkDefinition, ip: string): boolean {
  return range === undefined || (parseIPv4(ip) >= parseIPv4(range.start) && parseIPv4(ip) <= parseIPv4(range.end))
}
