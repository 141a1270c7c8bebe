/** The `drydock` command under Node: `serve`, `kubectl`, `shell`. Wires the parts to this machine and decides nothing. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { K3S_ADDONS } from '../cluster/topology.ts'
import type { K3sAddon, Topology } from '../cluster/topology.ts'
import type { CriImplementation } from '../cluster/runtime/cri-implementation.ts'
import { ARCHITECTURES, isArchitecture } from '../unix/architecture.ts'
import type { Architecture } from '../unix/architecture.ts'
import { tuneEngine } from './node-engine.ts'
import { runOnHost } from './node-proc.ts'

const USAGE = `Drydock: a Kubernetes cluster in one process.

Usage:
  drydock serve [--port N|0] [--address IP] [--nodes N] [--control-planes M] [--single-node [--disable ADDON,...]] [--kubeconfig FILE] [--seed S] [--time-scale X]
                [--cni kindnet|none] [--container-runtime containerd|cri-o] [--arch amd64|arm64]
                [--audit-policy-file FILE] [--audit-log-path FILE|-]
      Serves a fresh cluster on https://127.0.0.1:PORT until SIGTERM. The first line of output is the path of an admin kubeconfig.
      With --cni none, nodes stay NotReady until somebody installs a network plugin (kind's disableDefaultCNI).
      With --container-runtime and --arch, nodes have another container runtime or processor.
      With --single-node: one node as k3s sets it up; --disable leaves add-ons away: ${K3S_ADDONS.join(', ')}.
      With --control-planes M: so many of the nodes make up the control plane, with a load balancer in front of their API servers.
      With --nodes 0: the control plane alone, without add-ons; the kubeconfig is of a member of system:masters.
  drydock kubectl ...
      kubectl, on $KUBECONFIG, with this machine's files and terminal.
  drydock shell [--nodes N] [--control-planes M] [--single-node [--disable ADDON,...]] [--seed S] [--time-scale X] [--cni kindnet|none]
                [--container-runtime containerd|cri-o] [--arch amd64|arm64] [--audit-policy-file FILE] [--audit-log-path FILE|-]
      A terminal in front of a fresh cluster.
`

/** Thrown for arguments that can't be taken; printed without a stack, exit code 2. */
class UsageError extends Error {}

interface Flags {
  port: number
  address: string
  nodes: number
  controlPlanes: number
  singleNode: boolean
  disabled: K3sAddon[]
  kubeconfig: string | undefined
  seed: string | undefined
  timeScale: number
  cni: 'kindnet' | 'none'
  runtime: CriImplementation['name']
  architecture: Architecture
  auditPolicyFile: string | undefined
  auditLogPath: string | undefined
}

/** Flags that say where a cluster is served. */
const SERVE_ONLY = new Set(['port', 'address', 'kubeconfig'])

/** @throws UsageError for flags that there aren't, and for those that the others make meaningless */
function parseFlags(command: 'serve' | 'shell', args: readonly string[]): Flags {
  const flags: Flags = { port: 6443, address: '127.0.0.1', nodes: 3, controlPlanes: 1, singleNode: false, disabled: [], kubeconfig: undefined, seed: undefined, timeScale: 1, cni: 'kindnet', runtime: 'containerd', architecture: 'amd64', auditPolicyFile: undefined, auditLogPath: undefined }
  const rest = [...args]
  const number = (name: string, text: string, min: number, max: number, whole = true) => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isFinite(value) || value < min || value > max || (whole && !Number.isInteger(value))) throw new UsageError(`--${name} takes ${whole ? 'a whole number' : 'a number'} from ${min} to ${max}, not "${text}"`)
    return value
  }
  const fail = (text: string): never => { throw new UsageError(text) }
  const given = new Set<string>()
  while (rest.length > 0) {
    const [, name, inline] = /^--([a-z-]+)(?:=(.*))?$/s.exec(rest.shift()!) ?? []
    if (name === 'single-node') { flags.singleNode = true; continue }
    const value = inline ?? rest.shift()
    if (name === undefined || value === undefined) throw new UsageError(name === undefined ? 'flags begin with --' : `--${name} needs a value`)
    if (command === 'shell' && SERVE_ONLY.has(name)) fail(`--${name} goes with serve`)
    given.add(name)
    switch (name) {
      case 'port': flags.port = number(name, value, 0, 65_535); break
      case 'address': flags.address = value; break
      case 'nodes': flags.nodes = number(name, value, 0, 5_000); break
      case 'disable': flags.disabled.push(...value.split(',').map((addon) => K3S_ADDONS.find((known) => known === addon) ?? fail(`--disable takes ${K3S_ADDONS.join(' and ')}, not "${addon}"`))); break
      case 'control-planes': flags.controlPlanes = number(name, value, 1, 7); break
      case 'kubeconfig': flags.kubeconfig = value; break
      case 'seed': flags.seed = value; break
      case 'time-scale': flags.timeScale = number(name, value, 0.001, 10_000, false); break
      case 'cni':
        if (value !== 'kindnet' && value !== 'none') throw new UsageError(`--cni takes kindnet or none, not "${value}"`)
        flags.cni = value
        break
      case 'container-runtime':
        if (value !== 'containerd' && value !== 'cri-o') throw new UsageError(`--container-runtime takes containerd or cri-o, not "${value}"`)
        flags.runtime = value
        break
      case 'arch':
        if (!isArchitecture(value)) throw new UsageError(`--arch takes ${ARCHITECTURES.join(' or ')}, not "${value}"`)
        flags.architecture = value
        break
      case 'audit-policy-file': flags.auditPolicyFile = value; break
      case 'audit-log-path': flags.auditLogPath = value; break
      default: throw new UsageError(`unknown flag: --${name}`)
    }
  }
  if (flags.cni === 'none' && (flags.singleNode || flags.nodes === 0)) throw new UsageError(`--cni none is for clusters with nodes of kubeadm's`)
  if (flags.runtime !== 'containerd' && flags.singleNode) fail('--container-runtime is for clusters of kubeadm\'s: k3s brings its own')
  for (const name of ['container-runtime', 'arch']) if (given.has(name) && flags.nodes === 0) fail(`--${name} is for clusters with nodes`)
  if (flags.singleNode && given.has('nodes') && flags.nodes !== 1) fail('--single-node has one node: --nodes does not go with it')
  if (flags.disabled.length > 0 && !flags.singleNode) fail('--disable goes with --single-node')
  if (flags.controlPlanes > 1 && (flags.singleNode || flags.nodes < flags.controlPlanes)) throw new UsageError(`--control-planes ${flags.controlPlanes} needs at least as many --nodes`)
  return flags
}

async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args
  switch (command) {
    case 'serve': return serve(parseFlags('serve', rest))
    case 'kubectl': {
      const { kubectl } = await import('../cli/kubectl/kubectl.ts')
      return runOnHost(kubectl, ['kubectl', ...rest])
    }
    case 'shell': {
      const { runShell } = await import('./node-shell.ts')
      const flags = parseFlags('shell', rest)
      return runShell(await startCluster(flags))
    }
    case undefined: case 'help': case '--help': case '-h':
      process.stdout.write(USAGE)
      return command === undefined ? 2 : 0
    default:
      throw new UsageError(`unknown command "${command}"`)
  }
}

function topologyOf({ singleNode, disabled, nodes, controlPlanes, cni, runtime, architecture }: Flags, { bareTopology, kubeadmTopology, singleNodeTopology, withArchitecture, withRuntime }: typeof import('../cluster/topology.ts')): Topology {
  if (nodes === 0) return bareTopology()
  let topology = singleNode ? singleNodeTopology(undefined, disabled) : kubeadmTopology(nodes, undefined, undefined, controlPlanes)
  if (cni === 'none') topology = { ...topology, cni }
  if (runtime !== 'containerd') topology = withRuntime(topology, runtime)
  return architecture === 'amd64' ? topology : withArchitecture(topology, architecture)
}

async function startCluster(flags: Flags) {
  tuneEngine()
  const [{ ClusterClock }, { BOOT_MS, createCluster }, { nodePlatform }, { outsideHttp }, { imagePrograms, nodePrograms }, { catchUpWithWall, followWall }] = await Promise.all([
    import('../base/clock.ts'), import('../cluster/cluster.ts'), import('./platform-node.ts'), import('./node-outside.ts'), import('./node-programs.ts'), import('./wall-clock.ts'),
  ])
  const clock = new ClusterClock(nodePlatform, { scale: flags.timeScale, startMs: nodePlatform.wallMs() - BOOT_MS })
  const cluster = await createCluster({
    platform: nodePlatform,
    clock,
    seed: flags.seed ?? Buffer.from(nodePlatform.randomBytes(16)).toString('hex'),
    outside: outsideHttp, nodePrograms, imagePrograms,
    ...await auditOf(flags),
    topology: topologyOf(flags, await import('../cluster/topology.ts')),
  })
  await cluster.start()
  await catchUpWithWall(clock, nodePlatform)
  if (flags.timeScale === 1) followWall(clock, nodePlatform)
  return cluster
}

/** As kube-apiserver: without a policy or a path nothing is logged. */
async function auditOf({ auditPolicyFile, auditLogPath }: Flags): Promise<Pick<import('../cluster/cluster.ts').ClusterOptions, 'audit'>> {
  if (auditPolicyFile === undefined || auditLogPath === undefined) return {}
  const { parseAuditPolicy } = await import('../cluster/apiserver/audit/audit-policy.ts')
  let policy
  try {
    policy = parseAuditPolicy(fs.readFileSync(auditPolicyFile, 'utf8'))
  } catch (error) {
    throw new UsageError(`loading audit policy file: ${(error as Error).message}: from file ${auditPolicyFile}`)
  }
  const out = auditLogPath === '-' ? process.stdout : fs.createWriteStream(auditLogPath, { flags: 'a', mode: 0o600 })
  return { audit: { policy, write: (line) => { out.write(`${line}\n`) } } }
}

async function serve(flags: Flags): Promise<number> {
  // A part that fails in a way nobody thought of must not take the others along.
  process.on('unhandledRejection', (reason) => { console.error(`drydock: a part failed: ${(reason as Error | undefined)?.stack ?? String(reason)}`) })
  const { serveHttps } = await import('./node-server.ts')
  const cluster = await startCluster(flags)
  const certificate = await cluster.pki.issueServerCertificate(['localhost', '127.0.0.1', '::1', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', flags.address])
  const listener = await serveHttps({
    handle: cluster.handle, port: flags.port, address: flags.address,
    certificatePem: certificate.certificatePem, keyPem: certificate.keyPem, clientCaPem: cluster.pki.caCertificatePem,
  })
  cluster.followApiServer((isServing) => { if (isServing) listener.open(); else listener.shut() })
  const file = path.resolve(flags.kubeconfig ?? path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'drydock-')), 'kubeconfig'))
  const host = flags.address === '0.0.0.0' || flags.address === '::' ? '127.0.0.1' : flags.address
  fs.writeFileSync(file, cluster.adminKubeconfig(`https://${host}:${listener.port}`), { mode: 0o600 })
  process.stdout.write(`${file}\nDrydock is up: https://${host}:${listener.port} (export KUBECONFIG=${file})\n`)
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  await listener.close()
  await cluster.stop()
  if (!flags.kubeconfig) fs.rmSync(path.dirname(file), { recursive: true, force: true })
  return 0
}

main(process.argv.slice(2)).then(
  (code) => exitWhenWritten(code),
  (error: unknown) => {
    process.stderr.write(error instanceof UsageError ? `drydock: ${error.message}\nRun 'drydock help' for usage.\n` : `drydock: ${(error as Error).stack ?? String(error)}\n`)
    exitWhenWritten(error instanceof UsageError ? 2 : 1)
  },
)

/** Pipes are written asynchronously; exiting at once would cut them off. */
function exitWhenWritten(code: number): void {
  process.exitCode = code
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
}
