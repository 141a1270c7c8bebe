import type { Clock } from '../../base/clock.ts'
import type { HttpRequest } from '../../base/http.ts'
import type { Random } from '../../base/random.ts'
import { UnixError } from '../../unix/types.ts'
import type { Fabric, FetchOptions, FileSystem, NetStack, Packet, SocketAddress, PacketFilter, StackPort, TcpSocket } from '../../unix/types.ts'
import { isLoopback } from '../../unix/net/addresses.ts'
import { createNetStack } from '../../unix/net/stack.ts'
import { cidrContains, formatIPv4, parseCidr, parseIPv4 } from './cidr.ts'
import { NOT_INITIALIZED } from './cni/cni-folder.ts'
import { CNI_PATHS, NodeCni } from './cni/node-cni.ts'
import type { CniPaths, PluggedIn } from './cni/node-cni.ts'
import { NodeKernel } from './node-kernel.ts'
import { keepLeftBehind, leftBehind } from './left-behind.ts'
import { recallFilter } from './recalled-filter.ts'
import type { PodDevices } from './node-kernel.ts'
import { ServiceTable } from './service-table.ts'
import type { ServiceClient } from './service-table.ts'
import { onDestroy, socketPair } from './socket-pair.ts'
import type { BridgeNetwork, HostPort, NodeNetwork, PodNetwork, PodNetworkRequest } from './types.ts'

/** How long a connection to an address that nobody has waits for an ARP answer, in milliseconds of cluster time. */
const NO_NEIGHBOUR_MS = 3_000
/** How long a TCP client tries when its packets are dropped, unless it says otherwise. */
const CONNECT_TIMEOUT_MS = 127_000

export interface NetworkOptions {
  clock: Clock
  random: Random
  /** All pods, and all Services; empty: not planned yet. */
  podCidr: string
  serviceCidr: string
  /** The network that nodes and the learner's machine are on. */
  hostCidr: string
}

/** A machine on the network: its sockets and where it sits. */
interface Attached {
  port: StackPort
  /** The node that the stack runs on; undefined outside the cluster. */
  nodeName: string | undefined
  /** `namespace/name` of the pod that the stack is; undefined for nodes and hosts. */
  pod: string | undefined
  /** The host whose bridge it is plugged into, and as whom that appears there; others don't reach it. */
  behind?: { host: string; gateway: string }
  /** Ends connections of this address. */
  sockets: Set<TcpSocket>
}

interface MutableNodeNetwork extends NodeNetwork {
  readonly kernel: NodeKernel
  readonly cni: NodeCni
  /** The plugin portmap's rules. */
  hostPorts: (HostPort & { podIp: string })[]
  /** Cables and routes of its pods, by their addresses. */
  pods: Map<string, PodDevices>
}

type Stack = NetStack & StackPort

/** Where a connection leads. */
interface Destination {
  /** Who has the address; undefined: nobody. */
  target: Attached | undefined
  address: SocketAddress
  /** The client as the target sees it. */
  source: SocketAddress
  /** The client's address as the node sees it whose rules led there. */
  arrived: string
  /** The node whose rules led there. */
  ruleNode: string | undefined
}

/** A way from a host into another cluster's network. */
export interface RouteTo {
  network: Network
  /** The host's address there. */
  as: string
  /** Whether an address is reached this way. */
  covers(ip: string): boolean
}

/** A way to somebody. */
type Route = Pick<Destination, 'address' | 'source'> & { target: Attached }

/**
 * The cluster's network: nodes on a host network, pods that network plugins connect to them, and Services translated on the node where a
 * connection starts. Connections are joined in memory; nothing is sent as packets, but what leads to another node's pod follows the routes of both nodes.
 */
export class Network {
  /** kube-proxy's rules; filled by the service proxy. */
  readonly services: ServiceTable
  readonly #options: NetworkOptions
  #ranges: { pods: { first: number; size: number }; services: { first: number; size: number }; hosts: { first: number; size: number } }
  readonly #attached = new Map<string, Attached>()
  readonly #nodes = new Map<string, MutableNodeNetwork>()
  /** Of hosts, by their addresses. */
  readonly #routes = new Map<string, Set<RouteTo>>()
  /** Machines beside the nodes that these know by name. */
  readonly #neighbours = new Map<string, string>()

  constructor(options: NetworkOptions) {
    this.#options = options
    this.#ranges = rangesOf(options)
    this.services = new ServiceTable(options.random.fork('services'), () => options.clock.nowMs())
  }

  /** The ranges of pods and Services, where they are planned only after machines are there. */
  plan(ranges: Pick<NetworkOptions, 'podCidr' | 'serviceCidr'>): void {
    this.#ranges = rangesOf({ ...ranges, hostCidr: this.#options.hostCidr })
  }

  /**
   * Connects a node. Pods can be added once a network plugin's configuration lies among its files.
   * @param files asked when the first pod comes
   */
  addNode(name: string, ip: string, files: () => FileSystem, paths: CniPaths = CNI_PATHS): NodeNetwork {
    const { clock, hostCidr } = this.#options
    const hostPorts: MutableNodeNetwork['hostPorts'] = []
    const hostStack = this.#createStack(name, [ip], name, {
      ...this.#fabric,
      redirects: (protocol, to) => hostPortFor(hostPorts, protocol, to) !== undefined || ((to.ip === ip || isLoopback(to.ip)) && this.services.isNodePort(protocol, to.port)),
    })
    const lastUsed = { address: 0 }
    const pods: MutableNodeNetwork['pods'] = new Map()
    const kernel = new NodeKernel(ip, hostCidr, () => ({ links: [...pods.values()].flatMap(({ links }) => links), routes: [...pods.values()].flatMap(({ routes }) => routes) }), (left) => keepLeftBehind(files(), left))
    hostStack.kernel = kernel
    hostStack.devices = () => kernel.devices()
    const cni = new NodeCni({ nodeName: name, nodeIp: ip, files, paths, kernel, hostStack: () => hostStack, clock, allocate: (range) => this.#nextAddress(range, lastUsed) })
    const node: MutableNodeNetwork = {
      nodeName: name, nodeIp: ip, hostStack, kernel, cni, hostPorts, pods,
      get notReady() { return cni.notReady },
      onReadiness: (listener) => cni.onReadiness(listener),
      recall: () => { const left = leftBehind(files()); if (left) kernel.recall(left, (owner, rules) => recallFilter(owner, rules, clock)) },
      addPod: (pod) => this.#addPod(node, pod),
      continueAfter: (used) => { lastUsed.address = Math.max(lastUsed.address, parseIPv4(used)) },
    }
    this.#nodes.set(name, node)
    return node
  }

  removeNode(name: string): void {
    const node = this.#nodes.get(name)
    if (!node) return
    this.#nodes.delete(name)
    node.cni.close()
    for (const [ip, attached] of this.#attached) if (attached.nodeName === name) this.#detach(ip)
  }

  node(name: string): (NodeNetwork & Pick<MutableNodeNetwork, 'kernel' | 'cni'>) | undefined {
    return this.#nodes.get(name)
  }

  /**
   * Connects a machine outside the cluster to the host network: the learner's laptop. `publishedPorts` of its own lead to the node on which a pod
   * has that port, as kind's extraPortMappings do for the nodes that are containers of the machine.
   * differs: kind maps to one node that was chosen beforehand
   */
  addHost(hostname: string, ip: string, publishedPorts: readonly number[] = []): NetStack {
    const publishedOn = (to: SocketAddress) => isLoopback(to.ip) && publishedPorts.includes(to.port) ? this.#nodeWithHostPort(to.port) : undefined
    this.#routes.set(ip, new Set())
    const way = (from: SocketAddress, to: SocketAddress) => this.#way(ip, from, to)
    return this.#createStack(hostname, [ip], undefined, {
      redirects: (protocol, to) => protocol === 'TCP' && publishedOn(to) !== undefined,
      openTcp(from, to, options) {
        const [fabric, source] = way(from, to)
        return fabric.openTcp(source, { ip: publishedOn(to) ?? to.ip, port: to.port }, options)
      },
      fetch(from, to, request, options) {
        const [fabric, source] = way(from, to)
        return fabric.fetch(source, { ip: publishedOn(to) ?? to.ip, port: to.port }, request, options)
      },
      askUdp(from, to, payload, timeoutMs) {
        const [fabric, source] = way(from, to)
        return fabric.askUdp(source, to, payload, timeoutMs)
      },
    })
  }

  /** Takes a machine outside the cluster off the host network again. */
  removeHost(ip: string): void {
    this.#routes.delete(ip)
    this.#detach(ip)
  }

  /** Which network a host's connection goes into, and as whom it comes there. */
  #way(hostIp: string, from: SocketAddress, to: SocketAddress): [fabric: Fabric, from: SocketAddress] {
    for (const { network, as, covers } of this.#routes.get(hostIp) ?? []) if (covers(to.ip)) return [network.#fabric, { ip: as, port: from.port }]
    return [this.#fabric, from]
  }

  /** Gives a host of this network a way into another cluster's, where it is a machine outside the cluster too. Returns the way to take it away. */
  addRoute(hostIp: string, route: RouteTo): () => void {
    const { network, as } = route
    const routes = this.#routes.get(hostIp)!
    network.#attached.set(as, { ...this.#attached.get(hostIp)!, sockets: new Set() })
    routes.add(route)
    return () => {
      routes.delete(route)
      network.#detach(as)
    }
  }

  /**
   * A bridge of a host outside the cluster, with a range of its own behind the host's address: what Docker's network `bridge` is. Containers reach
   * each other, the host by the range's first address, and whatever the host reaches, as the host.
   */
  addBridge(host: NetStack, cidr: string): BridgeNetwork {
    const hostIp = host.addresses[0]!
    const range = parseCidr(cidr)
    const gateway = formatIPv4(range.first + 1)
    const behind = { host: hostIp, gateway }
    this.#attached.set(gateway, { ...this.#attached.get(hostIp)!, behind })
    const isInside = (ip: string) => { const address = addressOf(ip); return address !== undefined && cidrContains(range, address) }
    const masqueraded = (from: SocketAddress, to: SocketAddress): [fabric: Fabric, from: SocketAddress] => isInside(to.ip) ? [this.#fabric, from] : this.#way(hostIp, { ip: hostIp, port: from.port }, to)
    const fabric: Fabric = {
      openTcp(from, to, options) {
        const [way, source] = masqueraded(from, to)
        return way.openTcp(source, to, options)
      },
      fetch(from, to, request, options) {
        const [way, source] = masqueraded(from, to)
        return way.fetch(source, to, request, options)
      },
      askUdp(from, to, payload, timeoutMs) {
        const [way, source] = masqueraded(from, to)
        return way.askUdp(source, to, payload, timeoutMs)
      },
    }
    return {
      nodeName: host.hostname, nodeIp: hostIp, hostStack: host, gateway, notReady: undefined, onReadiness() {}, recall() {},
      addPod: (pod) => {
        const ip = pod.ip ?? this.#nextAddress(cidr, { address: 0 })
        if (this.#attached.has(ip)) throw new Error(`address ${ip} is in use`)
        const stack = this.#createStack(pod.hostname, [ip], undefined, fabric)
        stack.outside = host.outside
        this.#attached.get(ip)!.behind = behind
        return { ip, ips: [ip], stack, release: () => this.#detach(ip) }
      },
      continueAfter() {},
    }
  }

  /** Connects a machine that is no node and that nodes know by name. */
  addNeighbour(hostname: string, ip: string): NetStack {
    this.#neighbours.set(hostname, ip)
    return this.addHost(hostname, ip)
  }

  #nodeWithHostPort(port: number): string | undefined {
    for (const node of this.#nodes.values()) if (hostPortFor(node.hostPorts, 'TCP', { ip: node.nodeIp, port })) return node.nodeIp
    return undefined
  }

  /** Whether an address is one of the cluster's: of its pods, Services or nodes. Names aren't. */
  covers(host: string): boolean {
    const address = addressOf(host)
    return address !== undefined && Object.values(this.#ranges).some((range) => cidrContains(range, address))
  }

  /** HTTP as a process on `fromNode` would do it: for the API server's proxying and the kubelets' probes. */
  async fetchFrom(fromIp: string, to: SocketAddress, request: HttpRequest, options: FetchOptions & { tls: boolean }): Promise<Response> {
    return this.#fabric.fetch({ ip: fromIp, port: 0 }, to, request, options)
  }

  #createStack(hostname: string, addresses: string[], nodeName: string | undefined, fabric: Fabric = this.#fabric, pod?: string): Stack {
    const { clock, random } = this.#options
    // Nodes know each other by name, as containers on a network of Docker's do.
    const stack = createNetStack({ hostname, addresses, ...(nodeName !== undefined && pod === undefined ? { neighbour: (name: string) => this.#nodes.get(name)?.nodeIp ?? this.#neighbours.get(name) } : {}), fabric, clock, random: random.fork(`stack/${hostname}`) })
    for (const ip of addresses) this.#attached.set(ip, { port: stack, nodeName, pod, sockets: new Set() })
    return stack
  }

  #detach(ip: string): void {
    const attached = this.#attached.get(ip)
    if (!attached) return
    this.#attached.delete(ip)
    for (const socket of attached.sockets) socket.destroy()
  }

  #addPod(node: MutableNodeNetwork, pod: PodNetworkRequest): PodNetwork | Promise<PodNetwork> {
    const made = pod.ip === undefined ? node.cni.add(pod) : node.cni.takeUp(pod, pod.ip)
    return made instanceof Promise ? made.then((result) => this.#plugIn(node, pod, result)) : this.#plugIn(node, pod, made)
  }

  #plugIn(node: MutableNodeNetwork, pod: PodNetworkRequest, { ip, inside, outside, mapsPorts, release: giveBack }: PluggedIn): PodNetwork {
    // A node that has lost its power takes nobody up any more.
    if (this.#nodes.get(node.nodeName) !== node) throw new Error(NOT_INITIALIZED)
    if (this.#attached.has(ip)) throw new Error(`address ${ip} is in use`)
    const stack = this.#createStack(pod.hostname, [ip], node.nodeName, this.#fabric, `${pod.namespace}/${pod.name}`)
    stack.devices = () => inside
    node.pods.set(ip, outside)
    if (mapsPorts) for (const port of pod.hostPorts ?? []) node.hostPorts.push({ ...port, podIp: ip })
    const release = () => {
      this.#detach(ip)
      node.pods.delete(ip)
      const kept = node.hostPorts.filter((port) => port.podIp !== ip)
      node.hostPorts.splice(0, node.hostPorts.length, ...kept)
      giveBack?.()
    }
    return { ip, ips: [ip], stack, release }
  }

  /** Round-robin through the range, as the host-local IPAM plugin does; the first address is the bridge's. */
  #nextAddress(cidr: string, lastUsed: { address: number }): string {
    const range = parseCidr(cidr)
    const start = cidrContains(range, lastUsed.address) ? lastUsed.address : range.first + 1
    for (let step = 1; step <= range.size; step++) {
      const address = range.first + ((start - range.first + step) % range.size)
      if (address - range.first < 2 || address - range.first === range.size - 1) continue
      const ip = formatIPv4(address)
      if (this.#attached.has(ip)) continue
      lastUsed.address = address
      return ip
    }
    throw new Error(`failed to allocate for range 0: no IP addresses available in range set: ${formatIPv4(range.first + 1)}-${formatIPv4(range.first + range.size - 2)}`)
  }

  readonly #fabric: Fabric = {
    openTcp: async (from, to, options = {}) => {
      const { target, address, source } = await this.#route('TCP', from, to, options.timeoutMs ?? CONNECT_TIMEOUT_MS)
      const [client, server] = socketPair(source, address, to)
      const origin = this.#attached.get(from.ip)
      for (const [attached, socket] of [[origin, client], [target, server]] as const) {
        if (!attached) continue
        attached.sockets.add(socket)
      }
      const forget = () => { origin?.sockets.delete(client); target.sockets.delete(server) }
      onDestroy(client, forget)
      onDestroy(server, forget)
      try {
        target.port.acceptTcp(server)
      } catch (error) {
        forget()
        throw error
      }
      return client
    },
    fetch: async (from, to, request, options) => {
      const { target, address, source } = await this.#route('TCP', from, to, options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS, request.signal)
      return target.port.acceptHttp(address, source, request, options)
    },
    askUdp: async (from, to, payload, timeoutMs) => {
      const timedOut = () => this.#options.clock.sleep(timeoutMs).then(() => { throw new UnixError('ETIMEDOUT', 'Connection timed out') })
      let route
      try {
        route = await this.#route('UDP', from, to, timeoutMs)
      } catch (error) {
        if ((error as UnixError).code === 'ECONNREFUSED' || (error as UnixError).code === 'ETIMEDOUT') throw error
        return timedOut()
      }
      const answer = await route.target.port.acceptUdp(route.address, route.source, payload)
      return answer ?? timedOut()
    },
  }

  /**
   * Finds the stack that a destination means for a client: Service rules first, then nodes, pods and hosts. What policies forbid is dropped.
   * @throws UnixError ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT
   */
  async #route(protocol: 'TCP' | 'UDP', from: SocketAddress, to: SocketAddress, timeoutMs: number, signal?: AbortSignal): Promise<Route> {
    const origin = this.#attached.get(from.ip)
    const found = this.#destination(protocol, from, to, origin)
    if (found === 'reject') throw new UnixError('ECONNREFUSED', 'Connection refused')
    if (found === 'drop' || !this.#isAllowed(protocol, from, to, origin, found)) return this.#unanswered(timeoutMs, signal)
    const { target, address, source } = found
    const way = this.#wayBetween(origin, from.ip, target, address.ip)
    if (way !== 'open') return way === 'lost' ? this.#unanswered(timeoutMs, signal) : this.#noNeighbour(timeoutMs, signal)
    if (target?.behind && from.ip === target.behind.host) return { target, address, source: { ip: target.behind.gateway, port: source.port } }
    if (target?.behind && origin?.behind?.host !== target.behind.host) return this.#unanswered(timeoutMs, signal)
    if (target) return { target, address, source }
    // Who was translated to is thought of as a neighbour.
    if (address !== to) return this.#noNeighbour(timeoutMs, signal)
    const ip = addressOf(to.ip)
    if (ip !== undefined && cidrContains(this.#ranges.services, ip)) return this.#unanswered(timeoutMs, signal)
    if (ip !== undefined && (cidrContains(this.#ranges.pods, ip) || cidrContains(this.#ranges.hosts, ip))) return this.#noNeighbour(timeoutMs, signal)
    throw new UnixError('ENETUNREACH', 'Network is unreachable')
  }

  /** Where the rules of the nodes on its way lead a connection, whether anybody is there or not. */
  #destination(protocol: 'TCP' | 'UDP', from: SocketAddress, to: SocketAddress, origin: Attached | undefined): Destination | 'reject' | 'drop' {
    const receiver = this.#attached.get(to.ip)
    const here = origin?.nodeName
    const hereIp = here === undefined ? undefined : this.#nodes.get(here)?.nodeIp
    const isNode = receiver?.nodeName !== undefined && this.#nodes.get(receiver.nodeName)?.nodeIp === to.ip
    // k8s: kube-proxy's --iptables-localhost-nodeports: a node's own loopback address has them too.
    const isOwn = hereIp !== undefined && (to.ip === hereIp || (isLoopback(to.ip) && from.ip === hereIp))
    // First the rules of the node where the connection starts; where it leads to another node's own address, those of that node follow.
    const client = { ip: from.ip, kind: origin?.pod !== undefined ? 'pod' : here !== undefined ? 'node' : 'other' } as const
    const first = here === undefined && isNode ? undefined : this.#onNode(protocol, from, to, client, here, isOwn)
    if (first) return first
    const isLeaving = origin?.pod !== undefined && !isOwn && receiver?.pod === undefined && !isLoopback(to.ip)
    // Pods go out as their node. k8s: kindnetd's ip-masq, and its like of other plugins
    const outside = isLeaving && hereIp !== undefined ? { ip: hereIp, port: from.port } : from
    if (isNode && !isOwn) {
      const second = this.#onNode(protocol, outside, to, { ip: outside.ip, kind: 'other' }, receiver.nodeName, true)
      if (second) return second
    }
    return { target: receiver, address: to, source: outside, arrived: outside.ip, ruleNode: here ?? receiver?.nodeName }
  }

  /** What a node's rules make of a destination; undefined: nothing. @param isOwn whether the address is its own */
  #onNode(protocol: 'TCP' | 'UDP', from: SocketAddress, to: SocketAddress, client: ServiceClient, nodeName: string | undefined, isOwn: boolean): Destination | 'reject' | 'drop' | undefined {
    const node = nodeName === undefined ? undefined : this.#nodes.get(nodeName)
    const lead = (ip: string, port: number, isMasqueraded: boolean): Destination => {
      const target = this.#attached.get(ip)
      const isHidden = isMasqueraded || (client.kind === 'pod' && target !== undefined && target.pod === undefined && target.nodeName !== nodeName)
      return { target, address: { ip, port }, source: { ip: (isHidden && node?.nodeIp) || from.ip, port: from.port }, arrived: from.ip, ruleNode: nodeName }
    }
    const translated = this.services.translate(protocol, to.ip, to.port, client, nodeName, isOwn)
    if (translated.kind === 'reject' || translated.kind === 'drop') return translated.kind
    if (translated.kind === 'endpoint') return lead(translated.endpoint.ip, translated.endpoint.port, translated.masquerade)
    const mapped = isOwn && node ? hostPortFor(node.hostPorts, protocol, to) : undefined
    // A pod that reaches itself through its node comes from there.
    return mapped && lead(mapped.podIp, mapped.containerPort, mapped.podIp === from.ip)
  }

  /**
   * What the policies of both ends say of a connection. Each node asks before it hides a source: the node of the destination sees what
   * another node has hidden already, and that of the client an address of another node as such. What root does on a node, such as the kubelet's
   * probes, isn't asked about there; what a pod sends to its own node only where a filter covers that.
   */
  #isAllowed(protocol: 'TCP' | 'UDP', from: SocketAddress, to: SocketAddress, origin: Attached | undefined, { target, address, source, arrived, ruleNode }: Destination): boolean {
    if (!origin?.pod && !target?.pod) return true
    const packet = (ip: string, sent: SocketAddress, pod: string | undefined): Packet => ({ protocol, source: { ip, pod: this.#attached.get(ip)?.pod }, destination: { ip: sent.ip, pod }, port: sent.port })
    const staysOnNode = origin !== undefined && origin.nodeName === target?.nodeName && ruleNode === origin.nodeName
    if (origin?.pod) {
      const left = ruleNode === origin.nodeName ? packet(from.ip, address, target?.pod) : packet(from.ip, to, undefined)
      for (const filter of this.#filtersOf(origin)) if ((target?.pod || !staysOnNode || filter.coversOwnNode) && !filter.allowsEgress(left)) return false
    }
    if (!target?.pod || (staysOnNode && !origin.pod)) return true
    for (const filter of this.#filtersOf(target)) if (!filter.allowsIngress(packet(ruleNode === target.nodeName ? arrived : source.ip, address, target.pod))) return false
    return true
  }

  #filtersOf({ nodeName }: Attached): Iterable<PacketFilter> {
    return (nodeName === undefined ? undefined : this.#nodes.get(nodeName)?.kernel.filters) ?? []
  }

  /**
   * Whether the routes of both ends' nodes lead a connection there and its answers back. `lost`: packets go where nobody knows what to do with them,
   * `unreachable`: a node takes the address for that of a neighbour that isn't there.
   */
  #wayBetween(origin: Attached | undefined, from: string, target: Attached | undefined, to: string): 'open' | 'lost' | 'unreachable' {
    const [here, there] = [origin, target].map((end) => end?.nodeName === undefined ? undefined : this.#nodes.get(end.nodeName))
    if (!here || !there) return 'open'
    if (here === there) return wayInside(here, origin?.pod ? from : undefined, target?.pod ? to : undefined)
    const onward = leads(here, to, there)
    return onward === 'open' ? leads(there, from, here) : onward
  }

  async #unanswered(timeoutMs: number, signal?: AbortSignal): Promise<never> {
    await this.#options.clock.sleep(timeoutMs, signal)
    throw new UnixError('ETIMEDOUT', 'Connection timed out')
  }

  async #noNeighbour(timeoutMs: number, signal?: AbortSignal): Promise<never> {
    if (timeoutMs < NO_NEIGHBOUR_MS) return this.#unanswered(timeoutMs, signal)
    await this.#options.clock.sleep(NO_NEIGHBOUR_MS, signal)
    throw new UnixError('EHOSTUNREACH', 'No route to host')
  }
}

function rangesOf({ podCidr, serviceCidr, hostCidr }: Pick<NetworkOptions, 'podCidr' | 'serviceCidr' | 'hostCidr'>) {
  const rangeOf = (cidr: string) => cidr === '' ? { first: 0, size: 0 } : parseCidr(cidr)
  return { pods: rangeOf(podCidr), services: rangeOf(serviceCidr), hosts: parseCidr(hostCidr) }
}

/** The rule that a destination on a node falls under. */
function hostPortFor<T extends HostPort>(ports: readonly T[], protocol: 'TCP' | 'UDP', to: SocketAddress): T | undefined {
  return ports.find((port) => port.protocol === protocol && port.hostPort === to.port && (port.hostIp === undefined || port.hostIp === to.ip))
}

/** Between a node and a pod of its own: packets for an address of the node's own network go there, and not to the pod that has it too. */
function wayInside(node: MutableNodeNetwork, from: string | undefined, to: string | undefined): 'open' | 'lost' | 'unreachable' {
  const pod = from ?? to
  if (pod === undefined || (from !== undefined && to !== undefined) || node.pods.get(pod)?.routes.length) return 'open'
  const route = node.kernel.find(pod)
  if (route?.protocol !== 'kernel' || route.device !== 'eth0') return 'open'
  return from === undefined ? 'unreachable' : 'lost'
}

/** Where a node's routes lead what is for an address that another node has, or a pod there. */
function leads(node: MutableNodeNetwork, ip: string, other: MutableNodeNetwork): 'open' | 'lost' | 'unreachable' {
  const route = node.kernel.find(ip)
  if (!route || route.blackhole) return 'lost'
  const next = route.tunnel ?? route.via ?? ip
  if (next !== other.nodeIp) return route.via === undefined && route.tunnel === undefined ? 'unreachable' : 'lost'
  if (route.tunnel !== undefined) return other.kernel.hasLink(route.device) ? 'open' : 'lost'
  // On a bridge for pods nobody finds a node.
  return route.via !== undefined || route.device === 'eth0' ? 'open' : 'unreachable'
}

function addressOf(ip: string): number | undefined {
  try {
    return parseIPv4(ip)
  } catch {
    return undefined
  }
}
