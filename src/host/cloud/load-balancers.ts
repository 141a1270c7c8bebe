import type { Cluster } from '../../cluster/cluster.ts'
import type { Service } from '../../cluster/kinds/generated/types.ts'
import { Random } from '../../base/random.ts'
import { joinSockets } from '../../unix/net/join-sockets.ts'
import type { Listener, Machine, NetStack } from '../../unix/types.ts'
import type { FleetRecord } from '../fleet/fleet-storage.ts'

/** How often a cloud looks after Services, in milliseconds. */
const LOOK_MS = 2_000
/** Addresses for documentation, which nobody else has. RFC 5737 */
const PUBLIC = '203.0.113.'
const FIRST = 10
const LAST = 250
const HOSTS = '/etc/hosts'

/** A load balancer: a machine beside the nodes with the Service's ports. */
interface Balancer {
  ip: string
  hostname: string | undefined
  listeners: Map<string, Listener>
  net: NetStack
}

/**
 * What a cloud does for Services of type LoadBalancer: each gets a load balancer with an address of its own, whose ports lead to node ports. Amazon's are known by a
 * host name only. Services keep their address over a restart of the cluster: it stands in their status.
 */
export class CloudLoadBalancers {
  readonly #cluster: Cluster
  readonly #record: FleetRecord
  readonly #laptop: Machine
  readonly #isTaken: (ip: string) => boolean
  readonly #balancers = new Map<string, Balancer>()
  readonly #end = new AbortController()

  /** @param options `isTaken`: whether somebody's load balancer has an address already, of whatever cluster */
  constructor(options: { cluster: Cluster; record: FleetRecord; laptop: Machine; isTaken(ip: string): boolean }) {
    this.#cluster = options.cluster
    this.#record = options.record
    this.#laptop = options.laptop
    this.#isTaken = options.isTaken
  }

  /** Whether an address is one of its load balancers'. */
  covers(ip: string): boolean {
    return [...this.#balancers.values()].some((balancer) => balancer.ip === ip)
  }

  /** Looks after Services until {@link stop}. */
  async run(): Promise<void> {
    const { clock } = this.#cluster
    const { signal } = this.#end
    while (!signal.aborted) {
      if (this.#cluster.isServing) await this.#look()
      await clock.sleep(LOOK_MS, signal).catch(() => {})
    }
  }

  /** Ends what it looked after; Services keep what their status says. */
  stop(): void {
    this.#end.abort()
    for (const key of [...this.#balancers.keys()]) this.#remove(key)
  }

  async #look(): Promise<void> {
    const key = '/registry/services/specs/'
    const services = this.#cluster.etcd.range<Service>({ key, rangeEnd: `${key.slice(0, -1)}0` }).kvs.map(({ value }) => value).filter(({ spec, metadata }) => spec.type === 'LoadBalancer' && !metadata.deletionTimestamp)
    const wanted = new Set(services.map(({ metadata }) => metadata.uid!))
    for (const uid of this.#balancers.keys()) if (!wanted.has(uid)) this.#remove(uid)
    // Who has an address keeps it.
    const isKnown = ({ status }: Service) => Number(status.loadBalancer?.ingress?.[0] !== undefined)
    for (const service of services.sort((a, b) => isKnown(b) - isKnown(a))) {
      if (this.#end.signal.aborted) return
      await this.#balance(service).catch(() => { /* the API server went away, or refuses: the next look tries again */ })
    }
  }

  async #balance(service: Service): Promise<void> {
    const { uid, name, namespace } = service.metadata
    const balancer = this.#balancers.get(uid!) ?? this.#add(service)
    this.#listen(balancer, service)
    const ingress = balancer.hostname === undefined ? { ip: balancer.ip } : { hostname: balancer.hostname }
    const told = service.status.loadBalancer?.ingress?.[0]
    if (told && (told.hostname ?? told.ip) === (ingress.hostname ?? ingress.ip)) return
    const api = this.#cluster.apiAs({ name: 'system:cloud-controller-manager', groups: ['system:masters', 'system:authenticated'] })
    await api.patch('services', name!, namespace, 'application/merge-patch+json', { status: { loadBalancer: { ingress: [ingress] } } }, { subresource: 'status', fieldManager: 'cloud-controller-manager' })
  }

  #add({ metadata, status }: Service): Balancer {
    const { uid } = metadata
    const record = this.#record
    const [known] = status.loadBalancer?.ingress ?? []
    const ip = known?.ip ?? this.#freeAddress()
    const digits = new Random(`load balancer ${uid}`).hex(8)
    const hostname = record.provider === 'eks' ? known?.hostname ?? `a${uid!.replaceAll('-', '').slice(0, 31)}-${parseInt(digits.slice(0, 7), 16)}.${String(record.details['location'])}.elb.amazonaws.com` : undefined
    const balancer: Balancer = { ip, hostname, listeners: new Map(), net: this.#cluster.network.addHost(`lb-${uid}`, ip) }
    this.#balancers.set(uid!, balancer)
    if (hostname !== undefined) this.#laptop.fs.writeFile(HOSTS, `${this.#hostsWithout(hostname)}${ip}\t${hostname}\n`)
    return balancer
  }

  #listen({ net, listeners, ip }: Balancer, { spec }: Service): void {
    const wanted = new Map((spec.ports ?? []).filter(({ nodePort, protocol }) => nodePort && (protocol ?? 'TCP') === 'TCP').map(({ port, nodePort }) => [`${port} ${nodePort}`, { port, nodePort: nodePort! }]))
    for (const [key, listener] of listeners) if (!wanted.has(key)) { listener.close(); listeners.delete(key) }
    for (const [key, { port, nodePort }] of wanted) {
      if (listeners.has(key)) continue
      listeners.set(key, net.listenTcp(port, (socket) => {
        const node = this.#cluster.topology.nodes.find((each) => !each.controlPlane && this.#cluster.computers.get(each.name)?.isOn)
        if (!node) return socket.destroy()
        net.connectTcp(node.ip, nodePort).then((inside) => joinSockets(socket, inside)).catch(() => socket.destroy())
      }, { ip }))
    }
  }

  #remove(uid: string): void {
    const { listeners, hostname, ip } = this.#balancers.get(uid)!
    this.#balancers.delete(uid)
    for (const listener of listeners.values()) listener.close()
    this.#cluster.network.removeHost(ip)
    if (hostname !== undefined) this.#laptop.fs.writeFile(HOSTS, this.#hostsWithout(hostname))
  }

  #hostsWithout(hostname: string): string {
    const { fs } = this.#laptop
    return (fs.exists(HOSTS) ? fs.readText(HOSTS) : '').split('\n').filter((line) => !line.endsWith(`\t${hostname}`)).join('\n')
  }

  /** One that no cluster's load balancer has: each begins to look at another place, so that addresses rarely change hands. @throws Error when there is none left */
  #freeAddress(): string {
    const count = LAST - FIRST + 1
    const start = { gke: 0, aks: 80, eks: 160 }[this.#record.provider as 'gke' | 'aks' | 'eks'] + this.#record.number * 16
    for (let step = 0; step < count; step++) {
      const ip = `${PUBLIC}${FIRST + (start + step) % count}`
      if (!this.#isTaken(ip)) return ip
    }
    throw new Error('there are no more addresses for load balancers')
  }
}
