import { isCapable } from '../../../../unix/capabilities.ts'
import { hardwareAddress } from '../../../../unix/net/addresses.ts'
import type { KernelNetwork, Proc } from '../../../../unix/types.ts'
import type { BlockSpec } from '../../../calico/ipam-block.ts'
import { poolOf } from '../../../calico/ipam.ts'
import { CALICO_API } from '../../../calico/resources.ts'
import type { Datastore, IpPool, Resource } from '../../../calico/resources.ts'
import type { Node } from '../../../kinds/generated/types.ts'
import type { ClusterClient } from '../../in-cluster/cluster-client.ts'
import { watchResource } from '../../in-cluster/watched-resource.ts'
import { calicoLog, watchFailure } from '../log.ts'
import type { Log } from '../log.ts'
import { PREFIX, annotateNode, annotationOf, calicoClient, nodeNameOf } from '../node-client.ts'
import type { EndpointToHostAction } from '../../../calico/policy/policy-filter.ts'
import { Policies } from './policies.ts'

const HEALTH_PORT = 9099
const MTU_FILE = '/var/lib/calico/mtu'
const HOST_MTU = 1500
/** What packets of each tunnel have around them, in bytes. */
const OVERHEAD = { ipip: 20, vxlan: 50 }
const IPIP_DEVICE = 'tunl0'
const VXLAN_DEVICE = 'vxlan.calico'
const VXLAN_ID = 4096
/** How long changes of pods and other endpoints are gathered before they are written down. */
const KEEP_AFTER_MS = 2_000

// @k8s part: Calico's Felix: the dataplane of iptables for IPv4; eBPF, nftables, WireGuard and Typha are refused, other settings of FelixConfiguration and FELIX_ variables than those of health, MTU and traffic to the node have no effect, which its log says; those of single nodes have none

/** Felix ends and is started again when its settings change: it says so and ends a little later. */
const CHANGED_CODE = 129
const EXIT_AFTER_MS = 2_000

/** Variables that have an effect here, or ask for what is done anyway. */
const FOLLOWED: ReadonlySet<string> = new Set(['HEALTHENABLED', 'HEALTHHOST', 'HEALTHPORT', 'FELIXHOSTNAME', 'IPINIPMTU', 'VXLANMTU', 'WIREGUARDMTU', 'DEFAULTENDPOINTTOHOSTACTION', 'IPTABLESREFRESHINTERVAL', 'DATASTORETYPE', 'LOGSEVERITYSCREEN'])
/** Fields of FelixConfiguration that are there from the beginning. */
const FOLLOWED_FIELDS: ReadonlySet<string> = new Set(['logSeverityScreen', 'reportingInterval', 'defaultEndpointToHostAction'])
const isOn = (value: unknown) => /^(?:1|t|true|yes|y|enabled)$/i.test(String(value ?? ''))

/** What this Felix can't be. */
function refusal(env: Readonly<Record<string, string>>, spec: Readonly<Record<string, unknown>>): string | undefined {
  if (isOn(env.FELIX_BPFENABLED) || isOn(spec.bpfEnabled)) return 'eBPF'
  if (isOn(env.FELIX_NFTABLESMODE) || isOn(spec.nftablesMode)) return 'nftables'
  if (isOn(env.FELIX_WIREGUARDENABLED) || isOn(spec.wireguardEnabled)) return 'WireGuard'
  if (isOn(env.FELIX_IPV6SUPPORT)) return 'IPv6'
  return (env.FELIX_TYPHAK8SSERVICENAME || 'none') !== 'none' || env.FELIX_TYPHAADDR ? 'Typha' : undefined
}

/** `calico-node -felix`: enforces policies on its node, and makes the tunnels' devices and the routes of VXLAN. calico: felix */
export async function felix(proc: Proc, version: string): Promise<number> {
  const log = calicoLog(proc, 'felix')
  const node = proc.env.FELIX_FELIXHOSTNAME || nodeNameOf(proc)
  const { client, call, store } = calicoClient(proc)
  const kernel = isCapable(proc, 'NET_ADMIN') ? proc.net.kernel : undefined
  log('INFO', 'daemon.go 133', 'Felix starting up', { GOMAXPROCS: proc.machine.hardware.cpus, version })
  if (!kernel) {
    log('FATAL', undefined, 'drydock: the dataplane needs the node\'s network and CAP_NET_ADMIN')
    return 1
  }
  proc.useMemory(70 * 2 ** 20)
  const spec = await configuration(proc, store)
  const changed = configurationChange(proc, client, spec, log)
  const refused = refusal(proc.env, spec)
  if (refused !== undefined) {
    log('FATAL', undefined, `drydock: ${refused} is not supported here`)
    return 1
  }
  const ignored = [...Object.keys(proc.env).filter((name) => name.startsWith('FELIX_') && !FOLLOWED.has(name.slice('FELIX_'.length)) && !['FELIX_IPV6SUPPORT', 'FELIX_BPFENABLED', 'FELIX_NFTABLESMODE', 'FELIX_WIREGUARDENABLED', 'FELIX_TYPHAK8SSERVICENAME'].includes(name)), ...Object.keys(spec).filter((name) => !FOLLOWED_FIELDS.has(name))]
  if (ignored.length > 0) log('WARNING', undefined, `drydock: these settings have no effect here: ${ignored.join(', ')}`)
  let isReady = false
  if (isOn(proc.env.FELIX_HEALTHENABLED)) {
    const port = Number(proc.env.FELIX_HEALTHPORT || HEALTH_PORT)
    log('INFO', 'health.go 376', 'Health enabled.  Starting server.', { host: proc.env.FELIX_HEALTHHOST || 'localhost', port })
    proc.net.listenHttp(port, (request) => {
      const path = new URL(request.url).pathname
      if (path === '/liveness') return new Response(null, { status: 204 })
      if (path === '/readiness') return new Response(null, { status: isReady ? 204 : 503 })
      return new Response('404 page not found\n', { status: 404 })
    }, { ip: proc.env.FELIX_HEALTHHOST && proc.env.FELIX_HEALTHHOST !== 'localhost' ? proc.env.FELIX_HEALTHHOST : '127.0.0.1' })
  }
  let isKeeping = false
  /** Rules outlast this process and the page: they are written down after each change, at once where a policy is another one. */
  const keep = (arePolicies = false) => {
    if (!isReady) return
    if (arePolicies) return kernel.leave()
    if (isKeeping) return
    isKeeping = true
    proc.sleep(KEEP_AFTER_MS).then(() => { isKeeping = false; kernel.leave() }, () => {})
  }
  const dataplane = new Dataplane(kernel, node, proc)
  const synced = dataplane.follow((path, onChange) => watchResource(proc, client, path, onChange, watchFailure(log, path)), (mac) => annotateNode(call, node, { [`${PREFIX}/VXLANTunnelMACAddr`]: mac }))
  const policies = new Policies(proc, client, node, toHostAction(proc.env.FELIX_DEFAULTENDPOINTTOHOSTACTION || String(spec.defaultEndpointToHostAction ?? 'Drop')), log, keep)
  await Promise.all([synced, policies.synced])
  // Rules that an earlier one left are replaced at once.
  for (const filter of [...kernel.filters]) if (filter.owner === policies.filter.owner) kernel.filters.delete(filter)
  kernel.filters.add(policies.filter)
  proc.killed.addEventListener('abort', () => kernel.leave())
  isReady = true
  kernel.leave()
  log('INFO', 'int_dataplane.go 2464', 'Completed first update to dataplane.')
  proc.useCpuSteadily(15)
  const isTold = await Promise.race([proc.signal('SIGTERM', 'SIGINT').then(() => true), changed.then(() => false)])
  kernel.leave()
  if (isTold) return 0
  await proc.sleep(EXIT_AFTER_MS)
  log('WARNING', 'daemon.go 931', 'Exiting for config change')
  return CHANGED_CODE
}

/** Resolves once the cluster's settings for all nodes are others than those that were read. calico: handleConfigUpdate */
function configurationChange(proc: Proc, client: ClusterClient, spec: Readonly<Record<string, unknown>>, log: Log): Promise<void> {
  const path = `${CALICO_API}/felixconfigurations`
  return new Promise((resolve) => {
    watchResource<Resource<Record<string, unknown>>>(proc, client, path, (name, object) => {
      const now = object?.spec ?? {}
      const different = [...new Set([...Object.keys(spec), ...Object.keys(now)])].sort().filter((key) => JSON.stringify(spec[key]) !== JSON.stringify(now[key]))
      if (name !== 'default' || different.length === 0) return
      for (const key of different) log('INFO', 'daemon.go 1550', 'Configuration value changed; change DOES require Felix to restart.', { key, newValue: JSON.stringify(now[key] ?? ''), oldValue: JSON.stringify(spec[key] ?? '') })
      resolve()
    }, watchFailure(log, path))
  })
}

/** The cluster's settings for all nodes. */
async function configuration(proc: Proc, store: Datastore): Promise<Record<string, unknown>> {
  for (;;) {
    try {
      return (await store.get<Record<string, unknown>>('felixconfigurations', 'default'))?.spec ?? {}
    } catch (error) {
      if (proc.killed.aborted) throw error
      await proc.sleep(1_000)
    }
  }
}

function toHostAction(text: string): EndpointToHostAction {
  const known = (['Accept', 'Return', 'Drop'] as const).find((action) => action.toLowerCase() === text.toLowerCase())
  return known ?? 'Drop'
}

type Watch = <T extends { metadata: { name?: string } }>(path: string, onChange: () => void) => { objects: ReadonlyMap<string, T>; synced: Promise<void> }

/** Devices and routes of a node's tunnels. */
class Dataplane {
  readonly #kernel: KernelNetwork
  readonly #node: string
  readonly #proc: Proc
  readonly #routes: Set<string>

  constructor(kernel: KernelNetwork, node: string, proc: Proc) {
    this.#kernel = kernel
    // Those that an earlier one left go with the others.
    this.#routes = new Set(kernel.routes().filter(({ device, protocol }) => device === VXLAN_DEVICE || protocol === '80').map(({ destination }) => destination))
    this.#node = node
    this.#proc = proc
  }

  /** @param sayMac writes down the hardware address of this end of VXLAN's tunnel */
  async follow(watch: Watch, sayMac: (mac: string) => Promise<void>): Promise<void> {
    let isSynced = false
    const renew = () => { if (isSynced) this.#renew(nodes.objects, pools.objects, blocks.objects, sayMac) }
    const nodes = watch<Node>('/api/v1/nodes', renew)
    const pools = watch<IpPool>(`${CALICO_API}/ippools`, renew)
    const blocks = watch<Resource<BlockSpec>>(`${CALICO_API}/ipamblocks`, renew)
    await Promise.all([nodes.synced, pools.synced, blocks.synced])
    isSynced = true
    renew()
  }

  #renew(nodes: ReadonlyMap<string, Node>, pools: ReadonlyMap<string, IpPool>, blocks: ReadonlyMap<string, Resource<BlockSpec>>, sayMac: (mac: string) => Promise<void>): void {
    const kernel = this.#kernel
    const own = nodes.get(this.#node)
    const all = [...pools.values()].filter(({ spec }) => !spec.cidr.includes(':'))
    const hasIpip = all.some(({ spec }) => !spec.disabled && (spec.ipipMode ?? 'Never') !== 'Never')
    const hasVxlan = all.some(({ spec }) => !spec.disabled && (spec.vxlanMode ?? 'Never') !== 'Never')
    const isTunnelling = this.#proc.env.CALICO_NETWORKING_BACKEND !== 'none'
    const mtu = HOST_MTU - (isTunnelling ? Math.max(hasIpip ? OVERHEAD.ipip : 0, hasVxlan ? OVERHEAD.vxlan : 0) : OVERHEAD.vxlan)
    const wanted = Number(this.#proc.env.FELIX_IPINIPMTU || 0)
    if (!this.#proc.fs.exists(MTU_FILE) || this.#proc.fs.readText(MTU_FILE) !== String(mtu)) this.#proc.fs.writeFile(MTU_FILE, String(mtu), { mode: 0o644 })
    if (!isTunnelling) return
    const ipip = annotationOf(own, 'IPv4IPIPTunnelAddr')
    if (hasIpip) kernel.addLink({ name: IPIP_DEVICE, kind: 'ipip', mtu: wanted || HOST_MTU - OVERHEAD.ipip, hardwareAddress: '00:00:00:00:00:00', addresses: ipip === undefined ? [] : [`${ipip}/32`], details: 'ipip any remote any local any ttl inherit nopmtudisc' })
    const vxlan = annotationOf(own, 'IPv4VXLANTunnelAddr')
    const address = annotationOf(own, 'IPv4Address')?.split('/')[0] ?? this.#proc.net.addresses[0]!
    if (hasVxlan && vxlan !== undefined) {
      const mac = `66${hardwareAddress(vxlan).slice(2)}`
      kernel.addLink({ name: VXLAN_DEVICE, kind: 'vxlan', mtu: Number(this.#proc.env.FELIX_VXLANMTU || 0) || HOST_MTU - OVERHEAD.vxlan, hardwareAddress: mac, addresses: [`${vxlan}/32`], details: `vxlan id ${VXLAN_ID} local ${address} dev eth0 srcport 0 0 dstport 4789 nolearning ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx` })
      if (annotationOf(own, 'VXLANTunnelMACAddr') !== mac) void sayMac(mac).catch(() => {})
    } else kernel.removeLink(VXLAN_DEVICE)
    const routes = new Set<string>()
    for (const { spec: { cidr, affinity } } of blocks.values()) {
      const mode = poolOf(all, cidr)?.spec.vxlanMode ?? 'Never'
      if (mode === 'Never' || !affinity?.startsWith('host:')) continue
      const name = affinity.slice('host:'.length)
      if (name === this.#node) {
        kernel.replaceRoute({ destination: cidr, device: 'lo', protocol: '80', blackhole: true })
        routes.add(cidr)
        continue
      }
      const other = nodes.get(name)
      const tunnel = annotationOf(other, 'IPv4VXLANTunnelAddr')
      const ip = annotationOf(other, 'IPv4Address')?.split('/')[0]
      if (ip === undefined || (mode === 'Always' && tunnel === undefined)) continue
      // All nodes here are in one network.
      if (mode === 'CrossSubnet') kernel.replaceRoute({ destination: cidr, via: ip, device: 'eth0', protocol: '80', onlink: true })
      else kernel.replaceRoute({ destination: cidr, via: tunnel!, device: VXLAN_DEVICE, onlink: true, tunnel: ip })
      routes.add(cidr)
    }
    for (const destination of this.#routes) if (!routes.has(destination)) kernel.removeRoute(destination)
    this.#routes.clear()
    for (const destination of routes) this.#routes.add(destination)
  }
}
