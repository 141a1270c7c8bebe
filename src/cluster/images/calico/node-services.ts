import { CALICO_API } from '../../calico/resources.ts'
import type { IpPool } from '../../calico/resources.ts'
import type { Node } from '../../kinds/generated/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { watchResource } from '../in-cluster/watched-resource.ts'
import { writeCredentials } from './cni-credentials.ts'
import { checkHealth } from './health.ts'
import { calicoLog } from './log.ts'
import { PREFIX, calicoClient, nodeNameOf, setNetworkUnavailable } from './node-client.ts'
import { SERVICES } from './runit.ts'
import { allocateTunnelAddresses } from './tunnel-addresses.ts'

const AGAIN_MS = 1_000
const READY_WITHIN_MS = 300_000
/** The plugin's token is renewed after this part of its time. */
const REFRESH_FRACTION = 4

/** `calico-node -node-services`: says that the network can be used, keeps tunnels' addresses, and the network plugin's token. calico: node/pkg/nodeservices */
export async function nodeServices(proc: Proc): Promise<number> {
  const node = nodeNameOf(proc)
  const watched = <T>(work: Promise<T>) => void work.catch((error: Error) => { if (!proc.killed.aborted) calicoLog(proc, 'node-services')('ERROR', 'nodeservices.go 90', 'Service failed', { error: error.message }) })
  watched(completeStartup(proc, node))
  if (proc.fs.exists('/host/etc/cni/net.d')) watched(keepCredentials(proc))
  if (proc.env.USE_POD_CIDR !== 'true' && proc.env.CALICO_NETWORKING_BACKEND !== 'none') watched(keepTunnels(proc, node))
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}

/** calico: ManageNodeCondition */
async function completeStartup(proc: Proc, node: string): Promise<void> {
  const log = calicoLog(proc, 'complete-startup')
  const checks = { felixLive: false, birdLive: false, felixReady: proc.env.FELIX_HEALTHENABLED === 'true', birdReady: proc.fs.exists(`${SERVICES}/bird`) }
  const began = proc.clock.nowMs()
  log('INFO', 'startup.go 281', 'Waiting for Calico to become ready before continuing...')
  for (let reason = await checkHealth(proc, checks, READY_WITHIN_MS); reason !== undefined; reason = await checkHealth(proc, checks, READY_WITHIN_MS)) {
    if (proc.clock.nowMs() - began > READY_WITHIN_MS) { log('ERROR', 'startup.go 253', 'Calico failed to become ready, continuing anyway', { error: 'timed out waiting for Calico to become ready' }); break }
    log('WARNING', 'startup.go 290', 'Calico is not ready yet, waiting...', { reason })
    await proc.sleep(AGAIN_MS)
  }
  if (proc.env.CALICO_NETWORKING_BACKEND === 'none') return log('INFO', 'startup.go 305', 'Calico is not managing networking, skipping NetworkUnavailable condition update')
  log('INFO', 'utils.go 191', 'Setting NetworkUnavailable to false')
  const { call } = calicoClient(proc)
  for (;;) {
    try {
      await setNetworkUnavailable(proc, call, node, false)
      break
    } catch (error) {
      log('WARNING', 'utils.go 228', 'Failed to set NetworkUnavailable; will retry', { error: (error as Error).message })
      await proc.sleep(AGAIN_MS)
    }
  }
  log('INFO', 'startup.go 346', 'Calico started successfully')
}

async function keepCredentials(proc: Proc): Promise<void> {
  const log = calicoLog(proc, 'cni-config-monitor')
  const { call } = calicoClient(proc)
  for (;;) {
    let waitMs = 10_000
    try {
      waitMs = Math.max(AGAIN_MS, (await writeCredentials(proc, call) - proc.clock.nowMs()) / REFRESH_FRACTION)
    } catch (error) {
      if (proc.killed.aborted) throw error
      log('ERROR', 'token_watch.go 171', 'Failed to update CNI token, retrying...', { error: (error as Error).message })
    }
    await proc.sleep(waitMs)
  }
}

async function keepTunnels(proc: Proc, node: string): Promise<void> {
  const log = calicoLog(proc, 'tunnel-ip-allocator')
  const calico = calicoClient(proc)
  let wanted = ''
  let isBusy = false
  const look = async () => {
    const { labels, annotations } = nodes.objects.get(node)?.metadata ?? {}
    const own = Object.entries(annotations as Record<string, string> ?? {}).filter(([name]) => name.startsWith(`${PREFIX}/IPv4`) && name.endsWith('TunnelAddr'))
    const now = JSON.stringify([labels, own, [...pools.objects.values()].map(({ metadata, spec }) => [metadata.name, spec])])
    if (isBusy || now === wanted) return
    isBusy = true
    wanted = now
    try {
      await allocateTunnelAddresses(calico, node, log)
    } catch (error) {
      if (proc.killed.aborted) return
      log('ERROR', 'allocateip.go 140', 'failed to reconcile tunnel address', { error: (error as Error).message })
      wanted = ''
      await proc.sleep(AGAIN_MS).catch(() => {})
    }
    isBusy = false
    await look()
  }
  const nodes = watchResource<Node>(proc, calico.client, '/api/v1/nodes', (key) => { if (key === node) void look() })
  const pools = watchResource<IpPool>(proc, calico.client, `${CALICO_API}/ippools`, () => void look())
  await Promise.all([nodes.synced, pools.synced])
  await look()
}
