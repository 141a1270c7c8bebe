import { hardwareAddress } from '../../unix/net/addresses.ts'
import type { KernelNetwork, NetworkLink, NetworkRoute, PacketFilter, RouteLookup } from '../../unix/types.ts'
import { formatIPv4, parseCidr } from './cidr.ts'
import { RouteTable, rangeOf } from './route-table.ts'

/** Devices of a node's pods and the routes to them, as the plugin that made them left them. */
export interface PodDevices {
  links: readonly NetworkLink[]
  routes: readonly NetworkRoute[]
}

/** What agents leave behind: it outlasts them, as long as the machine runs. */
export interface LeftBehind {
  links: readonly NetworkLink[]
  routes: readonly NetworkRoute[]
  /** Rules by whose they are. */
  filters: readonly { owner: string; rules: unknown }[]
}

const MTU = 1500

/** What a node's kernel knows of networks, besides what its pods have. */
export class NodeKernel implements KernelNetwork {
  readonly filters = new Set<PacketFilter>()
  readonly #links = new Map<string, NetworkLink>()
  readonly #routes = new RouteTable()
  /** Routes that never count, because another one for the same range was there first. */
  readonly #shadowed = new Map<string, NetworkRoute>()
  /** Tables that an agent keeps for several nodes. */
  readonly #shared = new Set<RouteLookup>()
  readonly #nodeIp: string
  readonly #pods: () => PodDevices
  readonly #keep: (left: LeftBehind | undefined) => void
  /** Devices and routes that a kernel begins with. */
  readonly #first: { links: ReadonlySet<string>; routes: ReadonlySet<string> }

  /**
   * @param hostCidr the nodes' network; its first address is the way out
   * @param keep writes down what an agent left, or that there is one again
   */
  constructor(nodeIp: string, hostCidr: string, pods: () => PodDevices, keep: (left: LeftBehind | undefined) => void) {
    this.#nodeIp = nodeIp
    this.#pods = pods
    this.#keep = keep
    const { first } = parseCidr(hostCidr)
    this.addLink({ name: 'lo', kind: 'loopback', mtu: 65_536, hardwareAddress: '00:00:00:00:00:00', addresses: ['127.0.0.1/8'] })
    this.addLink({ name: 'eth0', kind: 'device', mtu: MTU, hardwareAddress: hardwareAddress(nodeIp), addresses: [`${nodeIp}/${hostCidr.split('/')[1]}`] })
    this.replaceRoute({ destination: 'default', via: formatIPv4(first + 1), device: 'eth0' })
    this.replaceRoute({ destination: hostCidr, device: 'eth0', protocol: 'kernel', scope: 'link', source: nodeIp })
    this.#first = { links: new Set(this.#links.keys()), routes: new Set(this.routes().map(({ destination }) => destination)) }
  }

  addLink(link: NetworkLink): void {
    this.#links.set(link.name, link)
  }

  removeLink(name: string): void {
    this.#links.delete(name)
  }

  hasLink(name: string): boolean {
    return this.#links.has(name)
  }

  /** A second way into the range of a device stays behind the first one, as the kernel has it for addresses of devices. */
  replaceRoute(route: NetworkRoute): void {
    const known = route.protocol === 'kernel' ? this.#routes.find(route.destination.split('/')[0]!) : undefined
    if (known?.protocol === 'kernel' && known.destination === route.destination && known.device !== route.device) this.#shadowed.set(route.destination, route)
    else this.#routes.replace(route)
  }

  removeRoute(destination: string): void {
    if (!this.#shadowed.delete(destination)) this.#routes.remove(destination)
  }

  routes(): readonly NetworkRoute[] {
    return this.#routes.all()
  }

  /** An agent's routes count from now on, and follow its table. */
  share(table: RouteLookup): void {
    this.#shared.add(table)
    this.#keep(undefined)
  }

  /** The agent has ended: its routes stay as they are. */
  unshare(table: RouteLookup): void {
    if (!this.#shared.delete(table)) return
    for (const route of table.all()) if (route.via !== this.#nodeIp) this.#routes.replace(route)
    this.leave()
  }

  /** What agents made stays, also once they have ended. */
  leave(): void {
    this.#keep({
      links: [...this.#links.values()].filter(({ name }) => !this.#first.links.has(name)), routes: this.routes().filter(({ destination }) => !this.#first.routes.has(destination)),
      filters: [...this.filters].flatMap((filter) => (filter.owner !== undefined && filter.keep ? [{ owner: filter.owner, rules: filter.keep() }] : [])),
    })
  }

  /** Takes up what an agent left before this process began. @param filterOf makes a filter of rules */
  recall({ links, routes, filters }: LeftBehind, filterOf: (owner: string, rules: unknown) => PacketFilter): void {
    for (const link of links) this.addLink(link)
    for (const route of routes) this.replaceRoute(route)
    for (const { owner, rules } of filters) this.filters.add(filterOf(owner, rules))
  }

  /** The route for an address; its own come before those of agents with the same range. */
  find(ip: string): NetworkRoute | undefined {
    let found = this.#routes.find(ip)
    for (const table of this.#shared) {
      const other = table.find(ip)
      if (other && (!found || rangeOf(other.destination).size < rangeOf(found.destination).size)) found = other
    }
    return found
  }

  /** All devices and routes, as `ip` lists them. */
  devices(): { links: readonly NetworkLink[]; routes: readonly NetworkRoute[] } {
    const pods = this.#pods()
    const own = this.routes()
    const known = new Set(own.map(({ destination }) => destination))
    const routes = [...own, ...this.#shadowed.values(), ...[...this.#shared].flatMap((table) => table.all().filter(({ destination, via }) => !known.has(destination) && via !== this.#nodeIp)), ...pods.routes]
    return { links: [...this.#links.values(), ...pods.links], routes: routes.sort((a, b) => rangeOf(a.destination).first - rangeOf(b.destination).first || rangeOf(b.destination).size - rangeOf(a.destination).size) }
  }
}
