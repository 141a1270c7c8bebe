import type { Resource } from '../../calico/resources.ts'
import { CALICO_API } from '../../calico/resources.ts'
import type { Node, Pod } from '../../kinds/generated/types.ts'
import type { Proc, Program } from '../../../unix/types.ts'
import { watchResource } from '../in-cluster/watched-resource.ts'
import { IpamCollector } from './ipam-collector.ts'
import { calicoLog, watchFailure } from './log.ts'
import { calicoClient } from './node-client.ts'

// @k8s part: Calico's kube-controllers: the node controller's care for addresses (of nodes that are gone, of pods that are gone, of blocks in which nobody is); addresses of LoadBalancer Services, automatic host endpoints and migrations are missing, and of its settings leakGracePeriod counts

const STATUS_FILE = '/status/status.json'
const HEALTH_MS = 10_000
const INITIALIZE_WITHIN_MS = 60_000
const INITIALIZE_AGAIN_MS = 5_000
/** Nodes that went away are looked after this soon. */
const SOON_MS = 1_000
/** How often addresses are looked at where none is ever taken for lost. */
const NO_GRACE_MS = 300_000
const DEFAULT_LEAK_GRACE = '15m0s'
const KNOWN: ReadonlySet<string> = new Set(['node', 'loadbalancer', 'policy', 'namespace', 'serviceaccount', 'workloadendpoint'])

interface ControllersConfiguration { controllers?: { node?: { leakGracePeriod?: string } } }

/** What the probes read. */
type Readiness = Record<string, { Ready: boolean; Reason: string }>

/** Calico's controllers. calico: kube-controllers/cmd/kube-controllers */
export function kubeControllers(version: string): Program {
  return async (proc) => {
    const log = calicoLog(proc, 'kube-controllers')
    const { env } = proc
    for (const arg of proc.argv.slice(1)) {
      const flag = /^--?([^=]+)/.exec(arg)?.[1]
      if (flag === 'version') {
        await proc.stdout.write(`${version}\n`)
        return 0
      }
      await proc.stderr.write(flag === undefined || flag === 'status-file' ? `drydock: ${arg} is not supported here\n` : `flag provided but not defined: -${flag}\n`)
      return 2
    }
    const readiness: Readiness = {}
    const setReady = (name: string, isReady: boolean, reason: string) => {
      if (readiness[name]?.Ready === isReady && readiness[name].Reason === reason) return
      readiness[name] = { Ready: isReady, Reason: reason }
      proc.fs.writeFile(STATUS_FILE, JSON.stringify({ Readiness: readiness }), { mode: 0o644 })
    }
    if ((env.DATASTORE_TYPE ?? 'kubernetes') !== 'kubernetes') {
      log('FATAL', undefined, 'drydock: only the datastore kubernetes is supported')
      return 1
    }
    const enabled = (env.ENABLED_CONTROLLERS ?? 'node').split(',').map((name) => name.trim()).filter(Boolean)
    for (const name of enabled) {
      if (!KNOWN.has(name)) { log('FATAL', 'runconfig.go 676', `Invalid controller '${name}' provided.`); return 1 }
      if (name !== 'node') log('WARNING', undefined, `drydock: the controller ${name} does nothing here`)
    }
    proc.useMemory(40 * 2 ** 20)
    const calico = calicoClient(proc)
    log('INFO', 'main.go 137', 'Ensuring Calico datastore is initialized')
    setReady('Startup', false, 'initialized to false')
    for (const beganMs = proc.clock.nowMs(); ;) {
      try {
        await calico.store.ensure('kubecontrollersconfigurations', 'default', {
          controllers: { loadBalancer: { assignIPs: 'AllServices' }, namespace: { reconcilerPeriod: '5m0s' }, node: { hostEndpoint: { autoCreate: 'Disabled', createDefaultHostEndpoint: 'Enabled' }, leakGracePeriod: DEFAULT_LEAK_GRACE, reconcilerPeriod: '5m0s', syncLabels: 'Enabled' }, policy: { reconcilerPeriod: '5m0s' }, serviceAccount: { reconcilerPeriod: '5m0s' }, workloadEndpoint: { reconcilerPeriod: '5m0s' } },
          etcdV3CompactionPeriod: '10m0s', healthChecks: 'Enabled', logSeverityScreen: 'Info',
        })
        break
      } catch (error) {
        if (proc.killed.aborted) throw error
        const reason = `Error initializing datastore: ${(error as Error).message}`
        log('INFO', 'main.go 144', 'Failed to initialize datastore', { error: (error as Error).message })
        setReady('Startup', false, reason)
        if (proc.clock.nowMs() - beganMs >= INITIALIZE_WITHIN_MS) { log('FATAL', 'main.go 157', 'Failed to initialize Calico datastore'); return 1 }
        await proc.sleep(INITIALIZE_AGAIN_MS)
      }
    }
    log('INFO', 'main.go 162', 'Calico datastore is initialized')
    setReady('Startup', true, '')
    void watchHealth(proc, calico.client, setReady).catch(() => {})
    if (enabled.includes('node')) void runNodeController(proc, log).catch((error: Error) => { if (!proc.killed.aborted) log('ERROR', undefined, `drydock: the node controller has ended: ${error.message}`) })
    proc.useCpuSteadily(3)
    await proc.signal('SIGTERM', 'SIGINT')
    return 0
  }
}

/** Looks every ten seconds whether the API answers. calico: runHealthChecks */
async function watchHealth(proc: Proc, client: ReturnType<typeof calicoClient>['client'], setReady: (name: string, isReady: boolean, reason: string) => void): Promise<void> {
  setReady('CalicoDatastore', false, 'initialized to false')
  setReady('KubeAPIServer', false, 'initialized to false')
  const answers = (path: string, accepted: readonly number[]) => client.fetch(path).then(({ status }) => (accepted.includes(status) ? undefined : `HTTP status ${status}`), (error: Error) => `Get ${JSON.stringify(path)}: ${error.message}`)
  for (;;) {
    const store = await answers(`${CALICO_API}/clusterinformations/default`, [200, 404])
    setReady('CalicoDatastore', store === undefined, store === undefined ? '' : `Error verifying datastore: ${store}`)
    const server = await answers('/healthz', [200])
    setReady('KubeAPIServer', server === undefined, server === undefined ? '' : `Error reaching apiserver: ${server} with http status code: 0`)
    await proc.sleep(HEALTH_MS)
  }
}

/** calico: kube-controllers/pkg/controllers/node */
async function runNodeController(proc: Proc, log: ReturnType<typeof calicoLog>): Promise<void> {
  const { client, ipam } = calicoClient(proc)
  let isAsked = false
  let wake: (() => void) | undefined
  const ask = () => { isAsked = true; wake?.() }
  const watch = <T extends { metadata: { name?: string } }>(path: string, onChange: (key: string, object: T | undefined, before: T | undefined) => void) => watchResource<T>(proc, client, path, onChange, watchFailure(log, path))
  const nodes = watch<Node>('/api/v1/nodes', (_key, node) => { if (!node) ask() })
  const pods = watch<Pod>('/api/v1/pods', (_key, pod, before) => { if (!pod && before && !nodes.objects.has(before.spec.nodeName ?? '')) ask() })
  const settings = watch<Resource<ControllersConfiguration>>(`${CALICO_API}/kubecontrollersconfigurations`, () => {})
  await Promise.all([nodes.synced, pods.synced, settings.synced])
  proc.killed.addEventListener('abort', () => wake?.(), { once: true })
  const collector = new IpamCollector(ipam, { nodes: nodes.objects, pods: pods.objects }, () => proc.clock.nowMs(), log)
  while (!proc.killed.aborted) {
    isAsked = false
    const graceMs = durationMs(settings.objects.get('default')?.spec.controllers?.node?.leakGracePeriod ?? DEFAULT_LEAK_GRACE)
    await collector.collect(graceMs).catch((error: Error) => { if (proc.killed.aborted) throw error; log('WARNING', 'ipam.go 399', 'error syncing IPAM data', { error: error.message }) })
    if (!isAsked) {
      await new Promise<void>((resolve) => {
        const timer = proc.clock.after(graceMs > 0 ? graceMs / 2 : NO_GRACE_MS, resolve)
        wake = () => { timer.cancel(); resolve() }
      })
      wake = undefined
    }
    // A node takes its pods with it, one after the other.
    if (isAsked) await proc.sleep(SOON_MS)
  }
}

/** A duration as Go writes it. */
function durationMs(text: string): number {
  let sum = 0
  for (const [, number, unit] of text.matchAll(/([\d.]+)(ms|h|m|s)/g)) sum += Number(number) * { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }[unit as 'h' | 'm' | 's' | 'ms']
  return sum
}

/** `check-status -r|-l`: what the controllers say of themselves. calico: kube-controllers/cmd/check-status */
export function checkStatus(version: string): Program {
  return async (proc) => {
    const args = proc.argv.slice(1)
    const say = async (text: string, code: number) => {
      await proc.stdout.write(`${text}\n`)
      return code
    }
    if (args.includes('-v') || args.includes('--version')) return say(version, 0)
    if (!args.some((arg) => ['-r', '--ready', '-l', '--live'].includes(arg))) return say('No command specified to check-status', 1)
    const file = args[args.findIndex((arg) => arg === '-f' || arg === '--file') + 1] ?? ''
    const path = args.includes('-f') || args.includes('--file') ? file : STATUS_FILE
    if (!proc.fs.exists(path)) return say(`Failed to read status file ${path}: open ${path}: no such file or directory`, 1)
    const { Readiness } = JSON.parse(proc.fs.readText(path)) as { Readiness: Readiness }
    const unready = Object.values(Readiness).filter(({ Ready }) => !Ready)
    return unready.length === 0 && Object.keys(Readiness).length > 0 ? say('Ready', 0) : say(unready.map(({ Reason }) => Reason).join('; '), 1)
  }
}
