import { cidrContains, parseCidr, parseIPv4 } from '../../network/cidr.ts'
import type { EncapsulationMode, IpPoolSpec } from '../../calico/resources.ts'
import { isFailure } from '../../calico/resources.ts'
import { parseSelector } from '../../calico/selector.ts'
import type { ConfigMap, Node } from '../../kinds/generated/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { calicoLog } from './log.ts'
import type { Log } from './log.ts'
import { NODE_NAME_FILE, PREFIX, annotateNode, annotationOf, calicoClient, nodeNameOf } from './node-client.ts'
import type { CalicoClient } from './node-client.ts'

const DEFAULT_POOL = 'default-ipv4-ippool'
const DEFAULT_RANGE = '192.168.0.0/16'
/** Taken instead where the node itself is in the default range. */
const OTHER_RANGE = '172.16.0.0/16'
const RETRY_MS = 1_000
/** Tiers that every cluster has, by the first minor release with these names. */
const TIERS = [
  { since: 32, tiers: [['default', 1_000_000, 'Deny'], ['kube-admin', 1_000, 'Pass'], ['kube-baseline', 10_000_000, 'Pass']] },
  { since: 30, tiers: [['default', 1_000_000, 'Deny'], ['adminnetworkpolicy', 1_000, 'Pass'], ['baselineadminnetworkpolicy', 10_000_000, 'Pass']] },
  { since: 0, tiers: [['default', 1_000_000, 'Deny'], ['adminnetworkpolicy', 1_000, 'Pass']] },
] as const

/** Thrown for what ends calico-node's start, after it was said. */
class Terminating extends Error {}

/** `calico-node -startup`: says on the Node where it is, and makes the resources without which nothing works. calico: node/pkg/lifecycle/startup Run */
export async function startup(proc: Proc, version: string): Promise<number> {
  const log = calicoLog(proc, 'startup')
  const terminate: Terminate = (at, text, details) => {
    log('ERROR', at, text, details)
    throw new Terminating()
  }
  try {
    await run(proc, version, log, terminate)
    return 0
  } catch (error) {
    if (proc.killed.aborted) throw error
    if (!(error instanceof Terminating)) log('ERROR', 'startup.go 220', 'Unable to set node resource configuration', { error: (error as Error).message })
    log('WARNING', 'utils.go 47', 'Terminating')
    return 1
  }
}

/** Says why calico-node can't start, and ends it. */
type Terminate = (at: string | undefined, text: string, details?: Readonly<Record<string, string>>) => never

async function run(proc: Proc, version: string, log: Log, terminate: Terminate): Promise<void> {
  const { env } = proc
  if (env.DATASTORE_TYPE !== 'kubernetes') terminate(undefined, 'drydock: only the datastore kubernetes is supported')
  const node = nodeNameOf(proc)
  log('INFO', 'startup.go 111', `Starting node ${node} with version ${version}`)
  const calico = calicoClient(proc)
  if (env.WAIT_FOR_DATASTORE === 'true') {
    for (;;) {
      const failure = await calico.call('GET', '/api/v1/nodes/foo').then(() => undefined, (error: Error) => (isFailure(error, 'NotFound', 'Forbidden') ? undefined : error))
      if (!failure) break
      if (isFailure(failure, 'Unauthorized')) { log('WARNING', 'startup.go 569', 'Connection to the datastore is unauthorized', { error: failure.message }); throw new Terminating() }
      log('INFO', 'startup.go 572', 'Hit error connecting to datastore - retry', { error: failure.message })
      await proc.sleep(RETRY_MS)
    }
    log('INFO', 'startup.go 121', 'Datastore is ready')
  }
  const object = await calico.call<Node>('GET', `/api/v1/nodes/${node}`)
  const kubeadm = await configMap(calico, 'kubeadm-config')
  if (env.CALICO_NETWORKING_BACKEND !== 'none') {
    await configureAddress(proc, calico, object, log, terminate)
    await configureAsNumber(proc, calico, object, log, terminate)
  }
  await configurePool(proc, calico, kubeadm, log, terminate)
  await ensureDefaults(proc, calico, version, kubeadm !== undefined)
  proc.fs.mkdir('/var/lib/calico', { recursive: true })
  proc.fs.writeFile(NODE_NAME_FILE, node, { mode: 0o644 })
  log('INFO', 'startup.go 241', `Using node name: ${node}`)
}

async function configMap({ call }: CalicoClient, name: string): Promise<ConfigMap | undefined> {
  return call<ConfigMap>('GET', `/api/v1/namespaces/kube-system/configmaps/${name}`).catch((error: Error) => {
    if (isFailure(error, 'NotFound', 'Forbidden', 'Unauthorized')) return undefined
    throw error
  })
}

/** The address by which other nodes find this one. calico: configureIPsAndSubnets, autodetection */
async function configureAddress(proc: Proc, { call }: CalicoClient, node: Node, log: Log, terminate: Terminate): Promise<void> {
  const { env } = proc
  const { metadata: { name }, status } = node
  const known = annotationOf(node, 'IPv4Address')
  const own = proc.net.devices?.().links.find((link) => link.name === 'eth0')?.addresses[0] ?? `${proc.net.addresses[0]}/32`
  const said = env.IP ?? ''
  const failed = (error: string) => terminate('startup.go 368', 'Failed to configure IP addresses', { error })
  if (env.IP6 && env.IP6 !== 'none') terminate(undefined, 'drydock: IPv6 is not supported here')
  let address: string | undefined
  if (said === 'autodetect' || (said === '' && known === undefined)) {
    const method = env.IP_AUTODETECTION_METHOD || 'first-found'
    address = detect(method, own, status?.addresses?.find(({ type }) => type === 'InternalIP')?.address, log, terminate)
    if (address === undefined && known !== undefined) log('WARNING', 'startup.go 639', `Autodetection of IPv4 address failed, keeping existing value: ${known}`)
    else if (address === undefined) {
      log('WARNING', 'startup.go 633', "Couldn't autodetect an IPv4 address. If auto-detecting, choose a different autodetection method. Otherwise provide an explicit address.")
      failed('failed to configure IP addresses and subnets: failed to autodetect an IPv4 address')
    }
  } else if (said !== 'none' && said !== '') {
    address = said.includes('/') ? said : said === own.split('/')[0] ? own : `${said}/32`
    log('INFO', 'startup.go 756', `Using IPv4 address from environment: IP=${address}`)
  }
  address ??= known
  if (address === undefined) return failed('no IPv4 or IPv6 addresses configured or detected, required for Calico networking')
  if (address === known) return
  if (known === undefined) log('INFO', 'startup.go 727', 'Node IPv4 changed, will check for conflicts')
  const { items } = await call<{ items: Node[] }>('GET', '/api/v1/nodes')
  const ip = address.split('/')[0]
  for (const other of items) {
    if (other.metadata.name === name || annotationOf(other, 'IPv4Address')?.split('/')[0] !== ip) continue
    log('WARNING', 'startup.go 1207', `Calico node '${other.metadata.name}' is already using the IPv4 address ${ip}.`)
    if (env.DISABLE_NODE_IP_CHECK !== 'true') failed('IPv4 address conflict')
  }
  await annotateNode(call, name!, { [`${PREFIX}/IPv4Address`]: address })
}

/** calico: autodetection_methods.go AutoDetectCIDR */
function detect(method: string, own: string, internalIp: string | undefined, log: Log, terminate: Terminate): string | undefined {
  const [kind = '', argument = ''] = method.split(/=(.*)/s)
  const ip = own.split('/')[0]!
  const parts = argument.split(',').map((part) => part.trim())
  const isEth0 = () => parts.some((pattern) => new RegExp(pattern).test('eth0'))
  const found = (line: number, text: string) => {
    log('INFO', `autodetection_methods.go ${line}`, `Using autodetected IPv4 address ${text}`)
    return own
  }
  switch (kind) {
    case 'first-found': return found(103, `on interface eth0: ${own}`)
    case 'interface': return isEth0() ? found(117, `${own} on matching interface eth0`) : undefined
    case 'cidr': return parts.some((range) => cidrContains(parseCidr(range), parseIPv4(ip))) ? found(131, `${own} on interface eth0 matching cidrs [${parts.join(' ')}]`) : undefined
    // There is one way out.
    case 'can-reach': return found(143, `${own}, detected by connecting to ${argument}`)
    case 'skip-interface': return isEth0() ? undefined : found(161, `on interface eth0: ${own} while skipping matching interfaces`)
    case 'kubernetes-internal-ip': return internalIp === ip ? own : undefined
    default: return terminate('autodetection_methods.go 87', `Invalid IP autodetection method: ${method}`)
  }
}

/** The number of the node's autonomous system, where one is given. calico: configureASNumber */
async function configureAsNumber({ env }: Proc, { call }: CalicoClient, node: Node, log: Log, terminate: Terminate): Promise<void> {
  const known = annotationOf(node, 'ASNumber')
  if (!env.AS) return log('INFO', known === undefined ? 'startup.go 879' : 'startup.go 881', known === undefined ? 'No AS number configured on node resource, using global value' : `Using AS number ${known} configured in node resource`)
  // A number, or two halves with a dot between.
  const [, high, low] = /^(?:(\d+)\.)?(\d+)$/.exec(env.AS) ?? []
  const number = Number(high ?? 0) * 2 ** 16 + Number(low)
  if (low === undefined || number >= 2 ** 32 || (high !== undefined && (Number(high) >= 2 ** 16 || Number(low) >= 2 ** 16))) return terminate('startup.go 870', `The AS number specified in the environment (AS=${env.AS}) is not valid`)
  log('INFO', 'startup.go 873', `Using AS number specified in environment (AS=${number})`)
  if (known !== String(number)) await annotateNode(call, node.metadata.name!, { [`${PREFIX}/ASNumber`]: String(number) })
}

/** calico: configureIPPools, createIPPool */
async function configurePool(proc: Proc, { store }: CalicoClient, kubeadm: ConfigMap | undefined, log: Log, terminate: Terminate): Promise<void> {
  const { env } = proc
  if (env.NO_DEFAULT_POOLS?.toLowerCase() === 'true') {
    if (env.CALICO_IPV4POOL_CIDR) terminate('startup.go 910', 'Invalid configuration with NO_DEFAULT_POOLS defined and CALICO_IPV4POOL_CIDR or CALICO_IPV6POOL_CIDR defined.')
    return log('INFO', 'startup.go 914', 'Skipping IP pool configuration')
  }
  if (env.CALICO_IPV6POOL_CIDR && env.CALICO_IPV6POOL_CIDR !== 'none') terminate(undefined, 'drydock: IPv6 is not supported here')
  if (env.CALICO_IPV4POOL_CIDR === 'none') return log('INFO', 'startup.go 924', 'Skipping IPv4 pool configuration')
  let cidr = env.CALICO_IPV4POOL_CIDR || undefined
  if (cidr === undefined && kubeadm) {
    cidr = Object.values(kubeadm.data as Record<string, string> ?? {}).map((text) => /podSubnet: (.*)/.exec(text)?.[1]?.split(',').find((each) => !each.includes(':'))).find((each) => each !== undefined)
    if (cidr !== undefined) log('INFO', 'startup.go 942', `found v4=${cidr} in the kubeadm config map`)
  }
  if (cidr === undefined) {
    cidr = cidrContains(parseCidr(DEFAULT_RANGE), parseIPv4(proc.net.addresses[0]!)) ? OTHER_RANGE : DEFAULT_RANGE
    log('INFO', 'startup.go 995', `Selected default IP pool is '${cidr}'`)
  }
  const wanted = { ipip: env.CALICO_IPV4POOL_IPIP ?? '', vxlan: env.CALICO_IPV4POOL_VXLAN ?? '' }
  const blockSize = Number(env.CALICO_IPV4POOL_BLOCK_SIZE || 26)
  if (!(blockSize >= 20 && blockSize <= 32)) terminate('startup.go 812', `Invalid blocksize ${env.CALICO_IPV4POOL_BLOCK_SIZE} for version 4`)
  const nodeSelector = env.CALICO_IPV4POOL_NODE_SELECTOR || 'all()'
  try {
    parseCidr(cidr)
  } catch {
    terminate('startup.go 999', `Invalid CIDR specified in CALICO_IPV4POOL_CIDR '${cidr}'`)
  }
  try {
    parseSelector(nodeSelector)
  } catch (error) {
    terminate('startup.go 830', `Invalid node selector '${nodeSelector}' for version 4: ${(error as Error).message}`)
  }
  if ((await store.list<IpPoolSpec>('ippools')).some(({ spec }) => !spec.cidr.includes(':'))) return
  const ipipMode = modeOf(wanted.ipip) ?? terminate('startup.go 1093', `Unrecognized IPIP mode specified in CALICO_IPV4POOL_IPIP '${wanted.ipip}'`)
  const vxlanMode = modeOf(wanted.vxlan) ?? terminate('startup.go 1106', `Unrecognized VXLAN mode specified in CALICO_IPV4POOL_VXLAN '${wanted.vxlan}'`)
  const natOutgoing = truth(env.CALICO_IPV4POOL_NAT_OUTGOING, true)
  const disableBGPExport = truth(env.CALICO_IPV4POOL_DISABLE_BGP_EXPORT, false)
  const how = `IPIP mode: ${ipipMode}, VXLAN mode: ${vxlanMode}, DisableBGPExport: ${disableBGPExport}`
  log('INFO', 'startup.go 1125', `Ensure default IPv4 pool is created. ${how}`)
  const spec: IpPoolSpec = { allowedUses: ['Workload', 'Tunnel'], assignmentMode: 'Automatic', blockSize, cidr, ...(disableBGPExport ? { disableBGPExport } : {}), ipipMode, ...(natOutgoing ? { natOutgoing } : {}), nodeSelector, vxlanMode }
  if (await store.ensure('ippools', DEFAULT_POOL, spec)) log('INFO', 'startup.go 1135', `Created default IPv4 pool (${cidr}) with NAT outgoing ${natOutgoing}. ${how}`)
}

function modeOf(text: string): EncapsulationMode | undefined {
  switch (text.toLowerCase()) {
    case '': case 'off': case 'never': return 'Never'
    case 'crosssubnet': case 'cross-subnet': return 'CrossSubnet'
    case 'always': return 'Always'
    default: return undefined
  }
}

function truth(text: string | undefined, otherwise: boolean): boolean {
  return text === undefined || text === '' ? otherwise : /^(?:1|t|true)$/i.test(text)
}

/** calico: ensureDefaultConfig, libcalico-go/lib/clientv3 EnsureInitialized */
async function ensureDefaults(proc: Proc, { store }: CalicoClient, version: string, isKubeadm: boolean): Promise<void> {
  const guid = proc.random.uuid().replaceAll('-', '')
  const types = [...(proc.env.CLUSTER_TYPE ?? '').split(','), ...(isKubeadm ? ['kubeadm'] : []), 'kdd'].filter(Boolean)
  for (let attempt = 0; ; attempt++) {
    const known = await store.get<Record<string, unknown>>('clusterinformations', 'default')
    try {
      if (!known) await store.create('clusterinformations', 'default', { calicoVersion: version, clusterGUID: guid, clusterType: types.join(','), datastoreReady: true })
      else {
        const before = String(known.spec.clusterType ?? '').split(',').filter(Boolean)
        const spec = { datastoreReady: true, ...known.spec, calicoVersion: version, clusterGUID: known.spec.clusterGUID || guid, clusterType: [...before, ...types.filter((type) => !before.includes(type))].join(',') }
        if (JSON.stringify(Object.entries(spec).sort()) !== JSON.stringify(Object.entries(known.spec).sort())) await store.update('clusterinformations', { ...known, spec })
      }
      break
    } catch (error) {
      if (!isFailure(error, 'AlreadyExists', 'Conflict') || attempt > 20) throw error
      await proc.sleep(RETRY_MS)
    }
  }
  const minor = Number(version.split('.')[1])
  for (const [name, order, defaultAction] of TIERS.find(({ since }) => minor >= since)!.tiers) await store.ensure('tiers', name, { defaultAction, order })
  await store.ensure('felixconfigurations', 'default', { logSeverityScreen: 'Info', reportingInterval: '0s' })
  await store.ensure('bgpconfigurations', 'default', {})
}
