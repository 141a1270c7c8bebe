import { interfaceName } from '../../calico/interface-name.ts'
import { Ipam } from '../../calico/ipam.ts'
import { kubeconfigCall } from '../../calico/kubeconfig-call.ts'
import { Datastore, isFailure } from '../../calico/resources.ts'
import type { Call, ClusterInformationSpec, IpPool } from '../../calico/resources.ts'
import type { Node } from '../../kinds/generated/types.ts'
import { hardwareAddress } from '../../../unix/net/addresses.ts'
import { UnixError } from '../../../unix/types.ts'
import type { NodeKernel } from '../node-kernel.ts'
import type { PodNetworkRequest } from '../types.ts'
import type { PluginConfiguration } from './cni-folder.ts'
import { allocateHostLocal } from './host-local.ts'
import { podLinks } from './interface-plugins.ts'
import type { PluginContext, PluginResult } from './plugin.ts'

const NODE_NAME_FILE = '/var/lib/calico/nodename'
const MTU_FILE = '/var/lib/calico/mtu'
const MTU = 1500
/** What every pod takes for its next hop, and no one has: the node answers for it. */
const GATEWAY = '169.254.1.1'
/** Giving an address back is tried this often, so many milliseconds apart. */
const RELEASE_TRIES = 30
const RELEASE_AGAIN_MS = 10_000

interface Named {
  metadata: { labels?: Record<string, string>; annotations?: Record<string, string> }
}

/** Addresses are asked for one after the other on each node, as the plugin's file lock makes it. */
const locks = new WeakMap<NodeKernel, Promise<unknown>>()

/** Plugs a pod in as Calico does: an address alone, and a cable that the node has a route for. calico: cni-plugin/pkg/plugin cmdAdd, pkg/k8s CmdAddK8s */
export async function addCalico(pod: PodNetworkRequest, configuration: PluginConfiguration, context: PluginContext): Promise<PluginResult> {
  const { files, kernel, keeps } = context
  const { ipam, kubernetes, policy } = configuration as { ipam?: { type?: string; ipv4_pools?: string[] }; kubernetes?: { kubeconfig?: string }; policy?: { type?: string } }
  if (configuration.datastore_type !== undefined && configuration.datastore_type !== 'kubernetes') throw new Error('drydock: only the datastore kubernetes is supported')
  if (keeps === undefined && configuration.nodename_file_optional !== true && !files.exists(NODE_NAME_FILE)) throw new Error(`stat ${NODE_NAME_FILE}: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/`)
  const call = () => kubeconfigCall(kubernetes?.kubeconfig ?? '/etc/cni/net.d/calico-kubeconfig', files, context.hostStack)
  const release = ipam?.type === 'calico-ipam' ? (ip: string) => void giveBack(call, ip, pod, context) : undefined
  if (keeps !== undefined) return pluggedIn(pod, keeps, mtuOf(configuration, context), release)

  const api = call()
  const store = new Datastore(api)
  const information = await store.get<ClusterInformationSpec>('clusterinformations', 'default').catch((error: Error) => { throw new Error(`error getting ClusterInformation: ${isFailure(error, 'Unauthorized') ? 'connection is unauthorized: ' : ''}${error.message}`) })
  if (!information) throw new Error('error getting ClusterInformation: resource does not exist: ClusterInformation(default) with error: clusterinformations.crd.projectcalico.org "default" not found')
  if (!information.spec.datastoreReady) throw new Error('Calico is currently not ready to process requests')

  let ip: string
  if (ipam?.type === 'host-local') {
    ip = allocateHostLocal({ ...configuration, ipam: await withPodCidr(configuration.ipam!, api, context.nodeName) }, context).ip
  } else if (ipam?.type === 'calico-ipam') {
    context.findProgram('calico-ipam')
    const before = locks.get(kernel)
    const turn = (async () => {
      await before?.catch(() => {})
      return address(pod, ipam.ipv4_pools, { api, store, context, readsPod: policy?.type === 'k8s' })
    })()
    locks.set(kernel, turn)
    ip = await turn
  } else throw new Error(`drydock: addresses of the IPAM plugin ${ipam?.type ?? ''} are not supported here`)

  await api('PATCH', `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/status`, { metadata: { annotations: { 'cni.projectcalico.org/containerID': pod.sandboxId ?? '', 'cni.projectcalico.org/podIP': `${ip}/32`, 'cni.projectcalico.org/podIPs': `${ip}/32` } } })
    .catch((error: Error) => { release?.(ip); throw error })
  return pluggedIn(pod, ip, mtuOf(configuration, context), release)

  function mtuOf({ mtu }: PluginConfiguration, { files: nodeFiles }: PluginContext): number {
    return mtu || (nodeFiles.exists(MTU_FILE) ? Number(nodeFiles.readText(MTU_FILE).trim()) : 0) || MTU
  }
}

/** Asks Calico's address management. calico: cni-plugin/pkg/ipamplugin cmdAdd */
async function address(pod: PodNetworkRequest, configured: readonly string[] | undefined, { api, store, context, readsPod }: { api: Call; store: Datastore; context: PluginContext; readsPod: boolean }): Promise<string> {
  const { clock, nodeName, networkName } = context
  const namespace = await api<Named>('GET', `/api/v1/namespaces/${pod.namespace}`)
  const annotations = readsPod ? (await api<Named>('GET', `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`)).metadata.annotations ?? {} : {}
  const management = new Ipam(store, () => clock.nowMs())
  const said = annotations['cni.projectcalico.org/ipv4pools'] ?? (readsPod ? namespace.metadata.annotations?.['cni.projectcalico.org/ipv4pools'] : undefined)
  const wanted = said === undefined ? configured ?? [] : JSON.parse(said) as string[]
  for (const name of ['ipAddrsNoIpam', 'floatingIPs', 'ipFamilies', 'ipv6pools']) if (annotations[`cni.projectcalico.org/${name}`]) throw new Error(name === 'ipAddrsNoIpam' ? 'requested feature is not enabled: ip_addrs_no_ipam' : name === 'floatingIPs' ? 'requested feature is not enabled: floating_ips' : `drydock: the annotation cni.projectcalico.org/${name} is not supported`)
  const request = {
    node: nodeName, handle: `${networkName}.${pod.sandboxId ?? pod.uid}`, use: 'Workload' as const, namespaceLabels: namespace.metadata.labels ?? {},
    attributes: { namespace: pod.namespace, node: nodeName, pod: pod.name, timestamp: goTime(clock.nowMs()) }, pools: wanted.length > 0 ? rangesOf(wanted, await management.pools()) : [],
  }
  const exact = annotations['cni.projectcalico.org/ipAddrs']
  if (!exact) return management.autoAssign(request).catch((error: Error) => { throw /^Assigned 0/.test(error.message) ? new Error(`failed to request IPv4 addresses: ${error.message}`) : error })
  const ips = JSON.parse(exact) as string[]
  if (ips.length !== 1 || ips[0]!.includes(':')) throw new Error('drydock: the annotation cni.projectcalico.org/ipAddrs takes one address of IPv4 here')
  await management.assignAddress(ips[0]!, request)
  return ips[0]!
}

/** Pools may be named or given as their ranges. calico: cni-plugin/internal/pkg/utils ResolvePools */
function rangesOf(wanted: readonly string[], pools: readonly IpPool[]): string[] {
  return wanted.map((each) => {
    if (each.includes('/')) return each
    const pool = pools.find(({ metadata }) => metadata.name === each)
    if (!pool) throw new Error(`error fetching IP pool ${JSON.stringify(each)}: resource does not exist: IPPool(${each}) with error: ippools.crd.projectcalico.org ${JSON.stringify(each)} not found`)
    return pool.spec.cidr
  })
}

/** Puts the node's range where the configuration says so. calico: ReplaceHostLocalIPAMPodCIDRs */
async function withPodCidr(ipam: NonNullable<PluginConfiguration['ipam']>, api: Call, nodeName: string): Promise<NonNullable<PluginConfiguration['ipam']>> {
  const isAsked = (subnet: string | undefined) => subnet?.toLowerCase() === 'usepodcidr'
  if (!isAsked(ipam.subnet) && !ipam.ranges?.some((set) => set.some(({ subnet }) => isAsked(subnet)))) return ipam
  const { spec } = await api<Node>('GET', `/api/v1/nodes/${nodeName}`)
  const range = spec.podCIDRs?.find((each) => !each.includes(':'))
  if (!spec.podCIDRs?.length) throw new Error(`no podCidr for node ${nodeName}`)
  if (range === undefined) throw new Error('usePodCidr found but there is no IPv4 CIDR configured')
  const filled = (subnet: string | undefined) => (isAsked(subnet) ? range : subnet)
  return { ...ipam, ...(ipam.subnet === undefined ? {} : { subnet: filled(ipam.subnet)! }), ...(ipam.ranges ? { ranges: ipam.ranges.map((set) => set.map((each) => ({ ...each, subnet: filled(each.subnet)! }))) } : {}) }
}

function pluggedIn({ namespace, name }: PodNetworkRequest, ip: string, mtu: number, release: ((ip: string) => void) | undefined): PluginResult {
  const device = interfaceName(namespace, name)
  return {
    ip,
    outside: { links: [{ name: device, kind: 'veth', mtu, hardwareAddress: 'ee:ee:ee:ee:ee:ee', addresses: [] }], routes: [{ destination: ip, device, scope: 'link' }] },
    inside: { links: podLinks(ip, 32, mtu).map((link) => (link.kind === 'veth' ? { ...link, hardwareAddress: hardwareAddress(ip) } : link)), routes: [{ destination: 'default', via: GATEWAY, device: 'eth0' }, { destination: GATEWAY, device: 'eth0', scope: 'link' }] },
    ...(release ? { release: () => release(ip) } : {}),
  }
}

/** The command DEL; the kubelet tries again while it fails. */
async function giveBack(call: () => Call, ip: string, { namespace, name }: PodNetworkRequest, { clock }: PluginContext): Promise<void> {
  for (let attempt = 0; attempt < RELEASE_TRIES; attempt++) {
    try {
      await new Ipam(new Datastore(call()), () => clock.nowMs()).releaseAddress(ip, ({ secondary }) => secondary?.pod === name && secondary.namespace === namespace)
      return
    } catch (error) {
      // What nobody can answer now may be answered later; files that have gone with their machine never are.
      if (error instanceof UnixError && error.code === 'ENOENT') return
      await clock.sleep(RELEASE_AGAIN_MS)
    }
  }
}

/** A time as Go prints it. */
function goTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23).replace('T', ' ').replace(/\.?0+$/, '')} +0000 UTC`
}
