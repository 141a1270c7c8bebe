import { callGrpc, isServed } from '../../../unix/net/grpc.ts'
import type { Proc } from '../../../unix/types.ts'
import { goFlags } from '../agnhost/go-server.ts'
import { backgroundExit } from '../in-cluster/background-exit.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import { klog } from '../in-cluster/klog.ts'
import { runLeaderElection } from '../in-cluster/leader-election.ts'

const POLL_MS = 1_000
const STILL_CONNECTING_MS = 10_000

/** A driver as the containers beside it see it: through the socket in a directory that they share. */
export interface DriverConnection {
  readonly name: string
  call(method: string, request: object): Promise<any>
  /** What the driver's controller says that it can do. */
  readonly controllerCapabilities: ReadonlySet<string>
  readonly pluginCapabilities: ReadonlySet<string>
}

export interface Sidecar {
  proc: Proc
  client: ClusterClient
  flags: ReadonlyMap<string, string>
  driver: DriverConnection
}

const BOOLEANS = new Set(['leader-election', 'logtostderr', 'extra-create-metadata', 'strict-topology', 'immediate-topology', 'enable-capacity', 'enable-node-deployment', 'node-deployment', 'enable-node-watcher', 'handle-volume-inuse-error', 'automaxprocs', 'enable-pprof', 'controller-publish-readonly', 'node-deployment-immediate-binding', 'http-endpoint-tls', 'enable-distributed-snapshotting'])

/** Flags of a program in Go whose flags are known; ends with 2 as Go does for one that isn't. */
export async function sidecarFlags(proc: Proc, known: ReadonlySet<string>): Promise<ReadonlyMap<string, string> | undefined> {
  const { flags } = goFlags(proc.argv.slice(1), BOOLEANS)
  const bad = [...flags.keys()].find((name) => !known.has(name) && !COMMON.has(name))
  if (bad === undefined) return flags
  await proc.stderr.write(`flag provided but not defined: -${bad}\nUsage of ${proc.argv[0]}:\n`)
  return undefined
}

const COMMON = new Set(['v', 'csi-address', 'leader-election', 'leader-election-namespace', 'leader-election-lease-duration', 'leader-election-renew-deadline', 'leader-election-retry-period', 'leader-election-identity', 'timeout', 'http-endpoint', 'metrics-address', 'metrics-path', 'worker-threads', 'retry-interval-start', 'retry-interval-max', 'kube-api-qps', 'kube-api-burst', 'resync', 'feature-gates', 'logtostderr', 'automaxprocs', 'connection-timeout'])

/** Waits for a driver at a socket and asks for its name. */
export async function awaitDriver(proc: Proc, address: string): Promise<Pick<DriverConnection, 'name' | 'call'>> {
  const path = address.replace(/^unix:\/\//, '')
  for (let waitedMs = 0; !isServed(proc.fs, path); waitedMs += POLL_MS) {
    if (waitedMs > 0 && waitedMs % STILL_CONNECTING_MS === 0) klog(proc, 'W', 'connection.go:234', `Still connecting to unix://${path}`)
    await proc.sleep(POLL_MS)
  }
  const call = (method: string, request: object, timeoutMs = 60_000) => callGrpc(proc.fs, path, `csi.v1.${method}`, request, { clock: proc.clock, timeoutMs })
  const { name } = await call('Identity/GetPluginInfo', {}) as { name: string }
  return { name, call }
}

/** Waits for a driver and asks what it can do. */
async function connectDriver(proc: Proc, address: string): Promise<DriverConnection> {
  const { name, call } = await awaitDriver(proc, address)
  const plugin = await call('Identity/GetPluginCapabilities', {}) as { capabilities: { service?: { type: string }; volumeExpansion?: { type: string } }[] }
  const pluginCapabilities = new Set(plugin.capabilities.map(({ service, volumeExpansion }) => service?.type ?? `VOLUME_EXPANSION_${volumeExpansion?.type}`))
  const controller = pluginCapabilities.has('CONTROLLER_SERVICE') ? await call('Controller/ControllerGetCapabilities', {}) as { capabilities: { rpc: { type: string } }[] } : { capabilities: [] }
  return { name, call, pluginCapabilities, controllerCapabilities: new Set(controller.capabilities.map(({ rpc }) => rpc.type)) }
}

/** How sidecars begin: flags, the driver, an endpoint for their health, and the election of the one that acts. Runs until SIGTERM. */
export async function runSidecar(proc: Proc, { known, lock, run }: { known: readonly string[]; lock(driver: string): string; run(sidecar: Sidecar): void | Promise<void> }): Promise<number> {
  const flags = await sidecarFlags(proc, new Set(known))
  if (!flags) return 2
  const binary = proc.argv[0]!.split('/').pop()!
  const { ended, isExit } = backgroundExit()
  const main = (async () => {
    const driver = await connectDriver(proc, flags.get('csi-address') ?? '/run/csi/socket')
    klog(proc, 'I', 'main.go:173', `"CSI driver name" driver=${JSON.stringify(driver.name)}`)
    const client = clusterClient(proc, binary)
    serveHealth(proc, flags.get('http-endpoint') ?? '', () => true)
    const act = () => void Promise.resolve(run({ proc, client, flags, driver })).catch((error: unknown) => { if (!isExit(error) && !proc.killed.aborted) klog(proc, 'E', 'main.go:290', `"Failed" err=${JSON.stringify((error as Error).message)}`) })
    if (flags.get('leader-election') !== 'true') return act()
    await runLeaderElection({
      proc, client, namespace: flags.get('leader-election-namespace') ?? proc.fs.readText('/var/run/secrets/kubernetes.io/serviceaccount/namespace').trim(), name: lock(driver.name), identity: flags.get('leader-election-identity') ?? proc.machine.hostname, leaseDurationMs: 15_000,
      onStartedLeading: act, onStoppedLeading: () => proc.exit(1), onNewLeader: (identity) => klog(proc, 'I', 'leader_election.go:177', `"New leader elected" identity=${JSON.stringify(identity)}`),
    })
  })()
  main.catch((error: unknown) => { if (!isExit(error) && !proc.killed.aborted) klog(proc, 'E', 'main.go:153', `"Failed to connect to the CSI driver" err=${JSON.stringify((error as Error).message)}`) })
  await Promise.race([proc.signal('SIGTERM', 'SIGINT'), ended])
  return 0
}

/** An endpoint such as `:9809` that tells by its status whether all is well. */
export function serveHealth(proc: Proc, endpoint: string, isHealthy: () => boolean | Promise<boolean>): void {
  const port = Number(endpoint.slice(endpoint.lastIndexOf(':') + 1))
  if (endpoint === '' || !(port > 0)) return
  proc.net.listenHttp(port, async (request) => {
    if (!new URL(request.url).pathname.startsWith('/healthz')) return new Response('404 page not found\n', { status: 404 })
    return await isHealthy() ? new Response('ok') : new Response('health check failed', { status: 500 })
  })
}
