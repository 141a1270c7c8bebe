import { cidrContains, parseCidr, parseIPv4 } from '../../network/cidr.ts'
import type { EncapsulationMode, IpPoolSpec } from '../../calico/resources.ts'
import { isFailure } from '../../calico/resources.ts'
import { parseSelector } from '../../calico/selector.ts'
import type { ConfigMap, Node } from '../../kinds/generated/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { calicoLog } from './log.ts'
import type { Log } from './log.ts'
import { NODE_NAME_FILE, PREFIX, annotateNode, calicoClient, nodeNameOf } from './node-client.ts'
import type { CalicoClient } from './node-client.ts'

const DEFAULT_POOL = 'default-ipv4-ippool'
const DEFAULT_RANGE = '192.168.0.0/16'
/** Taken instead where the node itself is in the default range. */
const OTHER_RANGE = '172.16.0.0/16'
const RETRY_MS = 1_000
/** Tiers that every cluster has. */
const TIERS = [['default', 1_000_000, 'Deny'], ['kube-admin', 1_000, 'Pass'], ['kube-baseline', 10_000_000, 'Pass']] as const

/** Thrown for what ends calico-node's start, after it was said. */
class Terminating extends Error {}

/** `calico-node -startup`: says on the Node where it is, and makes the resources without which nothing works. calico: node/pkg/lifecycle/startup Run */
export async function startup(proc: Proc, version: string): Promise<number> {
  const log = calicoLog(proc, 'startup')
  const terminate = (text: string): never => {
    log('ERROR', 'startup.go 205', text)
    log('WARNING', 'utils.go 47', 'Terminating')
    throw new Terminating()
  }
  try {
    await run(proc, version, log, terminate)
    return 0
  } catch (error) {
    if (proc.killed.aborted) throw error
    if (!(error instanceof Terminating)) {
      log('ERROR', 'startup.go 205', 'Unable to set node resource configuration', { error: (error as Error).message })
      log('WARNING', 'utils.go 47', 'Terminating')
    }
    return 1
  }
}

type Terminate = (text: string) => never

async function run(proc: Proc, version: string, log: Log, terminate: Terminate): Promise<void> {
  const { env } = proc
  if (env.DATASTORE_TYPE !== 'kubernetes') terminate('drydock: only the datastore kubernetes is supported')
  const node = nodeNameOf(proc)
  log('INFO', 'startup.go 110', `Starting node ${node} with version ${version}`)
  const calico = calicoClient(proc)
  if (env.WAIT_FOR_DATASTORE === 'true') {
    for (;;) {
      const failure = await calico.call('GET', '/api/v1/nodes/foo').then(() => undefined, (error: Error) => (isFailure(error, 'NotFound', 'Forbidden') ? undefined : error))
      if (!failure) break
      if (isFailure(failure, 'Unauthorized')) { log('WARNING', 'startup.go 566', 'Connection to the datastore is unauthorized', { error: failure.message }); terminate('connection is unauthorized: Unauthorized') }
      log('INFO', 'startup.go 571', 'Hit error connecting to datastore - retry', { error: failure.message })
      await proc.sleep(RETRY_MS)
    }
    log('INFO', 'startup.go 118', 'Datastore is ready')
  }
  const object = await calico.call<Node>('GET', `/api/v1/nodes/${node}`)
  const kubeadm = await configMap(calico, 'kubeadm-config')
  if (env.CALICO_NETWORKING_BACKEND !== 'none') await configureAddress(proc, calico, object, log, terminate)
  await configurePool(proc, calico, kubeadm, log, terminate)
  await ensureDefaults(proc, calico, version, kubeadm !== undefined)
  proc.fs.mkdir('/var/lib/calico', { recursive: true })
  proc.fs.writeFile(NODE_NAME_FILE, node, { mode: 0o644 })
  log('INFO', 'startup.go 238', `Using node name: ${node}`)
}

async function configMap({ call }: CalicoClient, name: string): Promise<ConfigMap | undefined> {
  return call<ConfigMap>('GET', `/api/v1/namespaces/kube-system/configmaps/${name}`).catch((error: Error) => {
    if (isFailure(error, 'NotFound', 'Forbidden', 'Unauthorized')) return undefined
    throw error
  })
}

/** The address by which other nodes find this one. calico: configureIPsAndSubnets, autodetection */
async function configureAddress(proc: Proc, { call }: CalicoClient, { metadata, status }: Node, log: Log, terminate: Terminate): Promise<void> {
  const { env } = proc
  const name = metadata.name!
  const known = (metadata.annotations as Record<string, string> | undefined)?.[`${PREFIX}/IPv4Address`]
  const own = proc.net.devices?.().links.find((link) => link.name === 'eth0')?.addresses[0] ?? `${proc.net.addresses[0]}/32`
  const said = env.IP ?? ''
  if (env.IP6 && env.IP6 !== 'none') terminate('drydock: IPv6 is not supported here')
  let address: string | undefined
  if (said === 'autodetect' || (said === '' && known === undefined)) {
    const method = env.IP_AUTODETECTION_METHOD || 'first-found'
    address = detect(method, own, status?.addresses?.find(({ type }) => type === 'InternalIP')?.address)
    if (address !== undefined) log('INFO', 'autodetection_interfaces.go 83', `Using autodetected IPv4 address on interface eth0: ${address}`)
    else if (known === undefined) {
      log('WARNING', 'startup.go 641', "Couldn't autodetect an IPv4 address. If auto-detecting, choose a different autodetection method. Otherwise provide an explicit address.")
      terminate('Failed to configure IP addresses error=failed to configure IP addresses and subnets: failed to autodetect an IPv4 address')
    }
  } else if (said !== 'none' && said !== '') {
    address = said.includes('/') ? said : said === own.split('/')[0] ? own : `${said}/32`
    log('INFO', 'startup.go 757', `Using IPv4 address from environment: IP=${address}`)
  }
  address ??= known
  if (address === undefined) return terminate('Failed to configure IP addresses error=no IPv4 or IPv6 addresses configured or detected, required for Calico networking')
  if (address === known) return
  if (known === undefined) log('INFO', 'startup.go 727', 'Node IPv4 changed, will check for conflicts')
  const { items } = await call<{ items: Node[] }>('GET', '/api/v1/nodes')
  const ip = address.split('/')[0]
  for (const other of items) {
    if (other.metadata.name === name || (other.metadata.annotations as Record<string, string> | undefined)?.[`${PREFIX}/IPv4Address`]?.split('/')[0] !== ip) continue
    log('WARNING', 'startup.go 1190', `Calico node '${other.metadata.name}' is already using the IPv4 address ${ip}.`)
    if (env.DISABLE_NODE_IP_CHECK !== 'true') terminate('Failed to configure IP addresses error=IPv4 address conflict')
  }
  await annotateNode(call, name, { [`${PREFIX}/IPv4Address`]: address })
}

function detect(method: string, own: string, internalIp: string | undefined): string | undefined {
  const [kind = '', argument = ''] = method.split(/=(.*)/s)
  const ip = own.split('/')[0]!
  const isEth0 = () => argument.split(',').some((pattern) => new RegExp(pattern).test('eth0'))
  switch (kind) {
    case 'first-found': case 'can-reach': return own
    case 'kubernetes-internal-ip': return internalIp === ip ? own : undefined
    case 'interface': return isEth0() ? own : undefined
    case 'skip-interface': return isEth0() ? undefined : own
    case 'cidr': return argument.split(',').some((range) => cidrContains(parseCidr(range), parseIPv4(ip))) ? own : undefined
    default: return undefined
  }
}

/** calico: configureIPPools, createIPPool */
async function configurePool(proc: Proc, { store }: CalicoClient, kubeadm: ConfigMap | undefined, log: Log, terminate: Terminate): Promise<void> {
  const { env } = proc
  if (env.NO_DEFAULT_POOLS?.toLowerCase() === 'true') {
    if (env.CALICO_IPV4POOL_CIDR) terminate('Invalid configuration with NO_DEFAULT_POOLS defined and CALICO_IPV4POOL_CIDR or CALICO_IPV6POOL_CIDR defined.')
    return log('INFO', 'startup.go 919', 'Skipping IP pool configuration')
  }
  if (env.CALICO_IPV6POOL_CIDR && env.CALICO_IPV6POOL_CIDR !== 'none') terminate('drydock: IPv6 is not supported here')
  if (env.CALICO_IPV4POOL_CIDR === 'none') return log('INFO', 'startup.go 929', 'Skipping IPv4 pool configuration')
  let cidr = env.CALICO_IPV4POOL_CIDR || undefined
  if (cidr === undefined && kubeadm) {
    cidr = Object.values(kubeadm.data as Record<string, string> ?? {}).map((text) => /podSubnet: (.*)/.exec(text)?.[1]?.split(',').find((each) => !each.includes(':'))).find((each) => each !== undefined)
    if (cidr !== undefined) log('INFO', 'startup.go 945', `found v4=${cidr} in the kubeadm config map`)
  }
  if (cidr === undefined) {
    cidr = cidrContains(parseCidr(DEFAULT_RANGE), parseIPv4(proc.net.addresses[0]!)) ? OTHER_RANGE : DEFAULT_RANGE
    log('INFO', 'startup.go 994', `Selected default IP pool is '${cidr}'`)
  }
  const wanted = { ipip: env.CALICO_IPV4POOL_IPIP ?? '', vxlan: env.CALICO_IPV4POOL_VXLAN ?? '' }
  const blockSize = Number(env.CALICO_IPV4POOL_BLOCK_SIZE || 26)
  if (!(blockSize >= 20 && blockSize <= 32)) terminate(`Invalid blocksize ${env.CALICO_IPV4POOL_BLOCK_SIZE} for IPv4`)
  const nodeSelector = env.CALICO_IPV4POOL_NODE_SELECTOR || 'all()'
  try {
    parseCidr(cidr)
  } catch {
    terminate(`Invalid CIDR specified in CALICO_IPV4POOL_CIDR '${cidr}'`)
  }
  try {
    parseSelector(nodeSelector)
  } catch (error) {
    terminate(`NodeSelector '${nodeSelector}' is invalid: ${(error as Error).message}`)
  }
  if ((await store.list<IpPoolSpec>('ippools')).some(({ spec }) => !spec.cidr.includes(':'))) return
  const ipipMode = modeOf(wanted.ipip) ?? terminate(`Unrecognized IPIP mode specified in CALICO_IPV4POOL_IPIP '${wanted.ipip}'`)
  const vxlanMode = modeOf(wanted.vxlan) ?? terminate(`Unrecognized VXLAN mode specified in CALICO_IPV4POOL_VXLAN '${wanted.vxlan}'`)
  const natOutgoing = truth(env.CALICO_IPV4POOL_NAT_OUTGOING, true)
  const disableBGPExport = truth(env.CALICO_IPV4POOL_DISABLE_BGP_EXPORT, false)
  const how = `IPIP mode: ${ipipMode}, VXLAN mode: ${vxlanMode}, DisableBGPExport: ${disableBGPExport}`
  log('INFO', 'startup.go 1129', `Ensure default IPv4 pool is created. ${how}`)
  const spec: IpPoolSpec = { allowedUses: ['Workload', 'Tunnel'], assignmentMode: 'Automatic', blockSize, cidr, ...(disableBGPExport ? { disableBGPExport } : {}), ipipMode, ...(natOutgoing ? { natOutgoing } : {}), nodeSelector, vxlanMode }
  if (await store.ensure('ippools', DEFAULT_POOL, spec)) log('INFO', 'startup.go 1139', `Created default IPv4 pool (${cidr}) with NAT outgoing ${natOutgoing}. ${how}`)
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
  for (const [name, order, defaultAction] of TIERS) await store.ensure('tiers', name, { defaultAction, order })
  await store.ensure('felixconfigurations', 'default', { logSeverityScreen: 'Info', reportingInterval: '0s' })
  await store.ensure('bgpconfigurations', 'default', {})
}
