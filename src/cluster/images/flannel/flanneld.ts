import { isCapable } from '../../../unix/capabilities.ts'
import { hardwareAddress } from '../../../unix/net/addresses.ts'
import { UnixError } from '../../../unix/types.ts'
import type { KernelNetwork, NetworkRoute, Proc, Program } from '../../../unix/types.ts'
import type { Node, Pod } from '../../kinds/generated/types.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import { followResource } from '../in-cluster/follow-resource.ts'
import { FLANNEL_PREFIX, flannelAnnotations, lacks } from '../../network/flannel-annotations.ts'
import { klog } from '../in-cluster/klog.ts'
import { containsRange, readNetConf } from './net-conf.ts'
import type { NetConf } from './net-conf.ts'

// @k8s part: flannel: backends vxlan and host-gw for IPv4 with the Kubernetes subnet manager; others, nftables rules and masquerading are missing, and --iptables-resync, --iptables-forward-rules and --healthz-ip change nothing

/** What a packet of the tunnel has around it, in bytes. */
const VXLAN_OVERHEAD = 50
const MTU = 1500
const VALUES = ['healthz-ip', 'healthz-port', 'iface', 'net-config-path', 'subnet-file', 'iptables-resync', 'v', 'public-ip']
const SWITCHES = ['ip-masq', 'kube-subnet-mgr', 'iptables-forward-rules', 'set-node-network-unavailable']

/** Thrown for what ends the daemon: where it is said, and what. */
class FlannelError extends Error {
  readonly at: string
  constructor(at: string, message: string) {
    super(message)
    this.at = at
  }
}

/** flanneld: gives its node a part of the network and leads the other nodes' parts to them. flannel: main.go, pkg/subnet/kube */
export const flanneld: Program = async (proc) => {
  const flags = readFlags(proc)
  if (typeof flags === 'string') {
    await proc.stderr.write(`${flags}\n`)
    return 2
  }
  proc.useMemory(20 * 2 ** 20)
  try {
    await run(proc, flags)
    return 0
  } catch (error) {
    if (proc.killed.aborted || !(error instanceof FlannelError)) throw error
    klog(proc, 'E', error.at, error.message)
    return 1
  }
}

/** Flags by their names, or what is wrong with them. Each may come from the environment. */
function readFlags({ argv, env }: Proc): Map<string, string> | string {
  const flags = new Map<string, string>()
  for (const name of [...VALUES, ...SWITCHES]) {
    const said = env[`FLANNELD_${name.toUpperCase().replaceAll('-', '_')}`]
    if (said) flags.set(name, said)
  }
  const rest = argv.slice(1)
  for (let i = 0; i < rest.length; i++) {
    const [, name = '', value] = /^--?([\w-]+)(?:=(.*))?$/s.exec(rest[i]!) ?? []
    if (!VALUES.includes(name) && !SWITCHES.includes(name)) return `flag provided but not defined: -${name || rest[i]}`
    flags.set(name, value ?? (SWITCHES.includes(name) ? 'true' : rest[++i] ?? ''))
  }
  return flags
}

async function run(proc: Proc, flags: ReadonlyMap<string, string>): Promise<void> {
  if (flags.get('kube-subnet-mgr') !== 'true') throw new FlannelError('main.go:251', 'Failed to create SubnetManager: drydock: only --kube-subnet-mgr is supported')
  const wanted = flags.get('iface')
  if (wanted && wanted !== 'eth0' && !proc.net.addresses.includes(wanted)) throw new FlannelError('main.go:251', `Failed to create SubnetManager: drydock: --iface=${wanted}: nodes have no device but eth0`)
  const client = clusterClient(proc, 'flanneld')
  const manager = (message: string) => new FlannelError('main.go:251', `Failed to create SubnetManager: ${message}`)
  const { POD_NAME: podName, POD_NAMESPACE: podNamespace } = proc.env
  let nodeName = proc.env.NODE_NAME
  if (!nodeName) {
    if (!podName || !podNamespace) throw manager('env variables POD_NAME and POD_NAMESPACE must be set')
    const pod = await ask<Pod>(client, `/api/v1/namespaces/${podNamespace}/pods/${podName}`).catch((error: Error) => { throw manager(`error retrieving pod spec for '${podNamespace}/${podName}': ${error.message}`) })
    nodeName = pod.spec.nodeName!
  }
  const configPath = flags.get('net-config-path') ?? '/etc/kube-flannel/net-conf.json'
  let text
  try {
    text = proc.fs.readText(configPath)
  } catch (error) {
    throw manager(`failed to read net conf: open ${configPath}: ${error instanceof UnixError && error.code === 'ENOENT' ? 'no such file or directory' : (error as Error).message}`)
  }
  let config: NetConf
  try {
    config = readNetConf(text)
  } catch (error) {
    throw /drydock|backend type/.test((error as Error).message) ? new FlannelError('main.go:376', `Error fetching backend: ${(error as Error).message}`) : manager(`error parsing subnet config: ${(error as Error).message}`)
  }
  klog(proc, 'I', 'main.go:255', `Created subnet manager: Kubernetes Subnet Manager - ${nodeName}`)
  klog(proc, 'I', 'main.go:258', 'Installing signal handlers')
  let isReady = false
  const port = Number(flags.get('healthz-port') ?? 0)
  if (port > 0) {
    klog(proc, 'I', 'main.go:554', `Start healthz server on ${flags.get('healthz-ip') ?? '0.0.0.0'}:${port}`)
    proc.net.listenHttp(port, (request) => {
      const path = new URL(request.url).pathname
      if (path === '/healthz') return new Response('flanneld is running')
      if (path === '/readyz') return isReady ? new Response('flanneld is ready') : new Response('flanneld is not ready yet', { status: 503 })
      return new Response('404 page not found\n', { status: 404 })
    })
  }
  klog(proc, 'I', 'main.go:540', `Found network config - Backend type: ${config.backend}`)
  const publicIp = flags.get('public-ip') || proc.net.addresses[0]!
  klog(proc, 'I', 'match.go:211', 'Determining IP address of default interface')
  klog(proc, 'I', 'match.go:269', `Using interface with name eth0 and address ${publicIp}`)
  klog(proc, 'I', 'match.go:291', `Defaulting external address to interface address (${publicIp})`)

  const failed = (message: string) => new FlannelError('main.go:384', `Error registering network: ${message}`)
  const { kernel } = proc.net
  if (!kernel || !isCapable(proc, 'NET_ADMIN')) throw failed('failed to create vxlan device: operation not permitted')
  const device = config.backend === 'vxlan' ? `flannel.${config.vni}` : 'eth0'
  if (config.backend === 'vxlan') klog(proc, 'I', 'vxlan.go:128', `VXLAN config: VNI=${config.vni} Port=0 GBP=false Learning=false DirectRouting=${config.directRouting}`)
  const subnet = await acquireLease(client, nodeName, config, publicIp).catch((error: Error) => { throw failed(`failed to acquire lease: ${error.message}`) })
  const mtu = config.backend === 'vxlan' ? MTU - VXLAN_OVERHEAD : MTU
  const first = subnet.split('/')[0]!
  if (config.backend === 'vxlan') kernel.addLink({ name: device, kind: 'vxlan', mtu, hardwareAddress: hardwareAddress(first), addresses: [`${first}/32`], details: `vxlan id ${config.vni} local ${publicIp} dev eth0 srcport 0 0 dstport 8472 nolearning ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx` })
  const file = flags.get('subnet-file') ?? '/run/flannel/subnet.env'
  proc.fs.mkdir(file.slice(0, file.lastIndexOf('/')), { recursive: true })
  proc.fs.writeFile(file, `FLANNEL_NETWORK=${config.network}\nFLANNEL_SUBNET=${first.replace(/\d+$/, (last) => String(Number(last) + 1))}/${subnet.split('/')[1]}\nFLANNEL_MTU=${mtu}\nFLANNEL_IPMASQ=${flags.get('ip-masq') === 'true'}\n`, { mode: 0o644 })
  klog(proc, 'I', 'main.go:481', `Wrote subnet file to ${file}`)
  isReady = true
  klog(proc, 'I', 'main.go:484', 'flannel is ready')
  klog(proc, 'I', 'main.go:488', 'Running backend.')
  proc.killed.addEventListener('abort', () => kernel.leave())
  void followNodes(proc, client, nodeName, config, device, kernel).catch(() => {})
  if (flags.get('set-node-network-unavailable') !== 'false') await completeLease(proc, client, nodeName)
  klog(proc, 'I', 'main.go:509', 'Waiting for all goroutines to exit')
  proc.useCpuSteadily(2)
  await proc.signal('SIGTERM', 'SIGINT')
  kernel.leave()
  klog(proc, 'I', 'main.go:524', 'shutdownHandler sent cancel signal...')
  klog(proc, 'I', 'main.go:512', 'Exiting cleanly...')
}

/** @throws Error in the words of client-go */
async function ask<T>(client: ClusterClient, path: string, init?: Parameters<ClusterClient['fetch']>[1]): Promise<T> {
  const response = await client.fetch(path, init).catch((error: Error) => { throw new Error(`Get ${JSON.stringify(path)}: ${error.message}`) })
  const body = await response.json() as T & { message?: string }
  if (response.status >= 300) throw new Error(body.message ?? String(response.status))
  return body
}

const patchStatus = (client: ClusterClient, nodeName: string, patch: unknown) => ask<Node>(client, `/api/v1/nodes/${nodeName}/status`, { method: 'PATCH', headers: { 'content-type': 'application/strategic-merge-patch+json' }, body: JSON.stringify(patch) })

/** Takes the node's range, and says on its Node how to get there. @returns the range @throws Error with flannel's words */
async function acquireLease(client: ClusterClient, nodeName: string, config: NetConf, publicIp: string): Promise<string> {
  const node = await ask<Node>(client, `/api/v1/nodes/${nodeName}`)
  const range = node.spec.podCIDR
  if (!range) throw new Error(`node ${JSON.stringify(nodeName)} pod cidr not assigned`)
  const own = flannelAnnotations({ ...config, range, publicIp })
  if (lacks(node.metadata.annotations, own)) await patchStatus(client, nodeName, { metadata: { annotations: own } })
  if (!containsRange(config.network, range)) throw new Error(`subnet ${JSON.stringify(config.network)} specified in the flannel net config doesn't contain ${JSON.stringify(range)} PodCIDR of the ${JSON.stringify(nodeName)} node`)
  return range
}

/** flannel: CompleteLease */
async function completeLease(proc: Proc, client: ClusterClient, nodeName: string): Promise<void> {
  const now = `${new Date(proc.clock.nowMs()).toISOString().slice(0, 19)}Z`
  await patchStatus(client, nodeName, { status: { conditions: [{ type: 'NetworkUnavailable', status: 'False', lastHeartbeatTime: now, lastTransitionTime: now, reason: 'FlannelIsUp', message: 'Flannel is running on this node' }] } })
    .catch((error: Error) => klog(proc, 'E', 'main.go:502', `CompleteLease execute error err: ${error.message}`))
}

/** Leads each other node's range to it, as long as that has flannel's annotations. flannel: pkg/backend/vxlan handleSubnetEvents */
async function followNodes(proc: Proc, client: ClusterClient, nodeName: string, config: NetConf, device: string, kernel: KernelNetwork): Promise<void> {
  const known = new Map<string, string>()
  klog(proc, 'I', 'vxlan_network.go:68', 'watching for new subnet leases')
  await followResource<Node & { metadata: { name: string } }>({
    proc, client, path: '/api/v1/nodes',
    onChange(key, node) {
      const annotations = node?.metadata.annotations as Record<string, string> | undefined
      const range = node?.spec.podCIDR
      if (!node || !range || annotations?.[`${FLANNEL_PREFIX}/kube-subnet-manager`] !== 'true') {
        const gone = known.get(key)
        if (gone !== undefined) kernel.removeRoute(gone)
        known.delete(key)
        return
      }
      const publicIp = annotations[`${FLANNEL_PREFIX}/public-ip`]
      if (node.metadata.name === nodeName || !publicIp || annotations[`${FLANNEL_PREFIX}/backend-type`] !== config.backend) return
      const hop = range.split('/')[0]!
      const route: NetworkRoute = config.backend === 'vxlan' && !config.directRouting ? { destination: range, via: hop, device, onlink: true, tunnel: publicIp } : { destination: range, via: publicIp, device: 'eth0' }
      const before = known.get(key)
      if (before !== undefined && before !== range) kernel.removeRoute(before)
      if (before !== range) klog(proc, 'I', 'vxlan_network.go:270', `Received Subnet Event with VxLan: BackendType: ${config.backend}, PublicIP: ${publicIp}, PublicIPv6: (nil), BackendData: ${annotations[`${FLANNEL_PREFIX}/backend-data`]}, BackendV6Data: (nil)`)
      known.set(key, range)
      kernel.replaceRoute(route)
    },
  })
}
