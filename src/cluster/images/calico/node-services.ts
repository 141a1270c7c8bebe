import { CALICO_API } from '../../calico/resources.ts'
import type { Call, IpPool } from '../../calico/resources.ts'
import type { Node } from '../../kinds/generated/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { watchResource } from '../in-cluster/watched-resource.ts'
import { writeCredentials } from './cni-credentials.ts'
import { checkHealth } from './health.ts'
import { calicoLog, watchFailure } from './log.ts'
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
  const log = calicoLog(proc, 'node-services')
  const { call } = calicoClient(proc)
  log('INFO', 'nodeservices.go 52', 'Starting complete-startup service')
  const services = [completeStartup(proc, node, call)]
  if (proc.env.USE_POD_CIDR !== 'true' && proc.env.CALICO_NETWORKING_BACKEND !== 'none') {
    log('INFO', 'nodeservices.go 57', 'Starting tunnel IP allocator service')
    services.push(keepTunnels(proc, node))
  }
  if (proc.fs.exists('/host/etc/cni/net.d')) {
    log('INFO', 'nodeservices.go 75', 'Starting CNI token monitor service')
    services.push(keepCredentials(proc, call))
  }
  const failed = Promise.all(services).then(() => new Promise<never>(() => {}), (error: Error) => error)
  const ended = await Promise.race([proc.signal('SIGTERM', 'SIGINT'), failed])
  if (!(ended instanceof Error)) return 0
  if (proc.killed.aborted) throw ended
  log('FATAL', 'nodeservices.go 81', 'Node services exiting due to error', { error: ended.message })
  return 1
}

/** calico: ManageNodeCondition */
async function completeStartup(proc: Proc, node: string, call: Call): Promise<void> {
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
  for (;;) {
    try {
      await setNetworkUnavailable(proc, call, node, false)
      break
    } catch (error) {
      if (proc.killed.aborted) throw error
      log('WARNING', 'utils.go 228', 'Failed to set NetworkUnavailable; will retry', { error: (error as Error).message })
      await proc.sleep(AGAIN_MS)
    }
  }
  log('INFO', 'startup.go 346', 'Calico started successfully')
}

async function keepCredentials(proc: Proc, call: Call): Promise<never> {
  const log = calicoLog(proc, 'cni-config-monitor')
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

/** calico: node/pkg/allocateip, which ends with all services when it can't get an address, and is started again */
async function keepTunnels(proc: Proc, node: string): Promise<never> {
  const log = calicoLog(proc, 'tunnel-ip-allocator')
  const calico = calicoClient(proc)
  let changed = () => {}
  const nodes = watchResource<Node>(proc, calico.client, '/api/v1/nodes', (key) => { if (key === node) changed() }, watchFailure(log, '/api/v1/nodes'))
  const pools = watchResource<IpPool>(proc, calico.client, `${CALICO_API}/ippools`, () => changed(), watchFailure(log, `${CALICO_API}/ippools`))
  await Promise.all([nodes.synced, pools.synced])
  const asked = () => {
    const { labels, annotations } = nodes.objects.get(node)?.metadata ?? {}
    const own = Object.entries(annotations as Record<string, string> ?? {}).filter(([name]) => name.startsWith(`${PREFIX}/IPv4`) && name.endsWith('TunnelAddr'))
    return JSON.stringify([labels, own, [...pools.objects.values()].map(({ metadata, spec }) => [metadata.name, spec])])
  }
  for (let seen: string | undefined; ;) {
    const next = new Promise<void>((resolve) => { changed = resolve })
    const now = asked()
    if (now === seen) { await next; continue }
    seen = now
    try {
      await allocateTunnelAddresses(calico, node, log)
    } catch (error) {
      throw new Error(`failed to reconcile tunnel address: ${(error as Error).message}`)
    }
  }
}
