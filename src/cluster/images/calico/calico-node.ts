import type { Proc, Program } from '../../../unix/types.ts'
import { confd } from './confd.ts'
import { felix } from './felix/felix.ts'
import { checkHealth } from './health.ts'
import { calicoLog } from './log.ts'
import { calicoClient, nodeNameOf, setNetworkUnavailable } from './node-client.ts'
import { nodeServices } from './node-services.ts'
import { SERVICES, runServices } from './runit.ts'
import { startup } from './startup.ts'
import { allocateTunnelAddresses } from './tunnel-addresses.ts'

const SWITCHES: ReadonlySet<string> = new Set(['v', 'node-services', 'felix', 'init', 'best-effort', 'startup', 'shutdown', 'allocate-tunnel-addrs', 'allocate-tunnel-addrs-run-once', 'felix-live', 'bird-live', 'bird-ready', 'felix-ready', 'confd', 'bird6-live', 'bird6-ready'])
/** Known to the real program and not to this one. */
const UNSUPPORTED: ReadonlySet<string> = new Set(['complete-startup', 'monitor-addresses', 'monitor-token', 'status-reporter', 'bpf', 'flows', 'hostpath-init', 'show-status', 'confd-run-once', 'confd-keep-stage-file', 'confd-confdir'])
const THRESHOLD_MS = 30_000

/** calico-node: one program for all that Calico does on a node, chosen by its flags. calico: node/cmd/calico-node */
export function calicoNode(version: string): Program {
  return async (proc) => {
    const flags = new Set<string>()
    let thresholdMs = THRESHOLD_MS
    const args = proc.argv.slice(1)
    for (let i = 0; i < args.length; i++) {
      const [, name = '', value] = /^--?([\w-]+)(?:=(.*))?$/s.exec(args[i]!) ?? []
      if (name === 'threshold-time') {
        const [, seconds] = /^(\d+)s$/.exec(value ?? args[++i] ?? '') ?? []
        if (seconds === undefined) return say(proc, `invalid value ${JSON.stringify(args[i] ?? '')} for flag -threshold-time: parse error`, 1)
        thresholdMs = Number(seconds) * 1_000
      } else if (UNSUPPORTED.has(name)) return say(proc, `drydock: -${name} is not supported here`, 1)
      else if (!SWITCHES.has(name)) return say(proc, `flag provided but not defined: -${name || args[i]}`, 1)
      else if (value === undefined || value === 'true') flags.add(name)
    }
    if (flags.has('bird6-live') || flags.has('bird6-ready')) return say(proc, 'drydock: IPv6 is not supported here', 1)
    const checks = { felixLive: flags.has('felix-live'), felixReady: flags.has('felix-ready'), birdLive: flags.has('bird-live'), birdReady: flags.has('bird-ready') }
    if (Object.values(checks).some(Boolean)) {
      const reason = await checkHealth(proc, checks, thresholdMs)
      return reason === undefined ? 0 : say(proc, reason, 1)
    }
    if (['v', 'felix', 'startup', 'confd', 'node-services'].filter((name) => flags.has(name)).length > 1) return say(proc, 'More than one incompatible argument provided', 1)
    if (flags.has('v')) return say(proc, version, 0)
    if (flags.has('felix')) return felix(proc, version)
    if (flags.has('init')) return init(proc, flags.has('best-effort'))
    if (flags.has('startup')) return startup(proc, version)
    if (flags.has('shutdown')) return shutdown(proc)
    if (flags.has('confd')) return confd(proc)
    if (flags.has('node-services')) return nodeServices(proc)
    if (flags.has('allocate-tunnel-addrs')) return flags.has('allocate-tunnel-addrs-run-once') ? allocate(proc) : say(proc, 'drydock: -allocate-tunnel-addrs is supported with -allocate-tunnel-addrs-run-once alone', 1)
    return say(proc, 'No valid options provided. Usage:', 1)
  }
}

async function say(proc: Proc, text: string, code: number): Promise<number> {
  await proc.stdout.write(`${text}\n`)
  return code
}

/** What eBPF would need; nothing here uses it. calico: node/pkg/nodeinit */
async function init(proc: Proc, isBestEffort: boolean): Promise<number> {
  calicoLog(proc, isBestEffort ? 'init-best-effort' : 'init')('INFO', undefined, 'drydock: there are no BPF and cgroup file systems to mount; only the dataplane of iptables is supported')
  return 0
}

/** calico: node/pkg/lifecycle/shutdown */
async function shutdown(proc: Proc): Promise<number> {
  const log = calicoLog(proc, 'shutdown')
  const time = `${new Date(proc.clock.nowMs()).toISOString().slice(0, 19)}Z`
  log('INFO', 'utils.go 104', `Writing shutdown timestamp ${time} to /var/lib/calico/shutdownTS`)
  proc.fs.writeFile('/var/lib/calico/shutdownTS', time, { mode: 0o644 })
  const node = nodeNameOf(proc)
  log('INFO', 'shutdown.go 41', `Shutting down node ${node}`)
  if (proc.env.CALICO_NETWORKING_BACKEND === 'none') return 0
  log('INFO', 'utils.go 191', 'Setting NetworkUnavailable to true')
  await setNetworkUnavailable(proc, calicoClient(proc).call, node, true).catch((error: Error) => log('ERROR', 'shutdown.go 78', 'Unable to set NetworkUnavailable to true', { error: error.message }))
  return 0
}

async function allocate(proc: Proc): Promise<number> {
  const log = calicoLog(proc, 'tunnel-ip-allocator')
  if (proc.env.USE_POD_CIDR === 'true') return 0
  try {
    await allocateTunnelAddresses(calicoClient(proc), nodeNameOf(proc), log)
    return 0
  } catch (error) {
    if (proc.killed.aborted) throw error
    log('FATAL', 'main.go 206', 'Tunnel IP allocator failed', { error: (error as Error).message })
    return 1
  }
}

/** The image's entrypoint: starts the node, then keeps its services. calico: node/filesystem/sbin/start_runit, etc/rc.local */
export const startRunit: Program = async (proc) => {
  const step = (...argv: string[]) => proc.spawn(['calico-node', ...argv], { stdout: proc.stdout, stderr: proc.stderr }).wait()
  const fail = async () => {
    await proc.stderr.write('Calico node failed to start\n')
    return 1
  }
  if ((await step('-startup')).code !== 0) return fail()
  const backend = proc.env.CALICO_NETWORKING_BACKEND ?? ''
  proc.env.NODENAME = nodeNameOf(proc)
  if (backend !== 'none' && (await step('-allocate-tunnel-addrs', '-allocate-tunnel-addrs-run-once')).code !== 0) return fail()
  const services = new Map<string, readonly string[]>([['node-services', ['calico-node', '-node-services']]])
  if (!proc.env.CALICO_DISABLE_FELIX) services.set('felix', ['calico-node', '-felix'])
  if (backend === 'none') await proc.stdout.write('CALICO_NETWORKING_BACKEND is none - no BGP daemon running\n')
  else if (backend === 'vxlan') await proc.stdout.write('CALICO_NETWORKING_BACKEND is vxlan - no need to run a BGP daemon\n')
  else {
    const bird = (name: string) => [name, '-R', '-s', `/var/run/calico/${name}.ctl`, '-d', '-c', `/etc/calico/confd/config/${name}.cfg`]
    for (const [name, argv] of [['bird', bird('bird')], ['bird6', bird('bird6')], ['confd', ['calico-node', '-confd']]] as const) services.set(name, argv)
  }
  await proc.stdout.write('Calico node started successfully\n')
  proc.setTitle?.(`/usr/local/bin/runsvdir -P ${SERVICES}`)
  return runServices(proc, services)
}
