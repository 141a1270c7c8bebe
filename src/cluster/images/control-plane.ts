import { CertificateTrust } from '../../base/certificate-trust.ts'
import type { HttpHandler, Proc, Program } from '../../unix/types.ts'
import { GRPC_HEALTH_PATH, grpcHealth } from './agnhost/grpc-health-checking.ts'
import { etcdctl } from './etcd/etcdctl.ts'
import { defineImage } from './image.ts'
import type { ImageDefinition } from './image.ts'

/** What the containers of the control plane are made of: the parts that run in this process, and live with their containers. */
export interface ControlPlaneParts {
  /** The API server's handler, for port 6443. */
  apiServer: HttpHandler
  /** The node whose components make up the control plane; what runs elsewhere of the same images is somebody's own. */
  controlPlaneNode: string
  /**
   * Reads a component's command line and takes what it says. `fs`: its files, `print`: its standard output.
   * @returns its last words where it can't begin so
   */
  launch(proc: Pick<Proc, 'argv' | 'fs' | 'clock' | 'pid'>, print: (line: string) => void): Promise<string | undefined>
  /** A process of a component has begun; returns what to call when it has ended. */
  begin(component: string): () => void
  /** Resolves once a component runs, or with false after `withinMs`. */
  untilRunning(component: string, withinMs: number): Promise<boolean>
  /** Resolves once a component has been away for `ms` without a break. */
  lost(component: string, ms: number, signal: AbortSignal): Promise<void>
  /** etcd's API for clients. */
  etcd: HttpHandler
  /** PEM of its serving certificate. */
  servingCertificatePem: string
  /** An agent of kindnet begins; returns what to call when it has ended. */
  kindnet(agent: { hostIp: string; kernel: unknown; write(path: string, text: string): void }): () => void
  /** Lines that a component has to say, from now on. Returns the way to stop. */
  logs(component: string, line: (text: string) => void): () => void
}

interface Component {
  /** Opens the ports, and does what is to be done on its node; returns how that ends, if it has to. */
  serve?: (proc: Proc) => (() => void) | void
  /** Without what it can't work. */
  needs?: Dependency
  /** Where it counts as the cluster's: on each node for itself, anywhere, or (by default) on the node of the control plane. */
  scope?: 'node' | 'cluster'
}

interface Dependency {
  component: string
  /** How long a start waits for it. */
  patienceMs: number
  /** Last words of a start in vain. */
  problem: string
  /** How long it may be away later on; without, any time. */
  lossMs?: number
  /** Last words then. */
  loss?: string
}

/** k8s: storage/storagebackend/factory newETCD3Client */
const ETCD: Dependency = { component: 'etcd', patienceMs: 20_000, problem: 'run.go:72] "command failed" err="context deadline exceeded"' }
/** k8s: cmd/kube-controller-manager, cmd/kube-scheduler: delegated authentication at the start, leader election later on */
const API_SERVER: Dependency = {
  component: 'kube-apiserver', patienceMs: 10_000, problem: 'run.go:72] "command failed" err="unable to load configmap based request-header-client-ca-file: dial tcp: connect: connection refused"',
  lossMs: 10_000, loss: 'leaderelection.go:436] "Error retrieving lease lock" err="dial tcp: connect: connection refused"',
}

/** Severity, time and process of a line of klog. */
export function klogHead(proc: Pick<Proc, 'clock' | 'pid'>, severity: 'E' | 'I'): string {
  const iso = new Date(proc.clock.nowMs()).toISOString()
  return `${severity}${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}000 ${String(proc.pid).padStart(7)}`
}

/** Images of kubeadm's static pods and node agents. */
export function controlPlaneImages(parts: ControlPlaneParts): ImageDefinition[] {
  const tls = { certificatePem: parts.servingCertificatePem }
  /** What each uses while little happens: thousandths of a core and MiB. */
  const component = (name: string, [cpuMillis, memoryMib]: readonly [number, number], { serve, needs, scope }: Component): Program => async (proc) => {
    proc.useMemory(memoryMib * 2 ** 20)
    const isOwn = proc.machine.hostname === parts.controlPlaneNode && scope === undefined
    const problem = isOwn ? await parts.launch(proc, (line) => { proc.stdout.write(`${line}\n`).catch(() => {}) }) : undefined
    if (problem !== undefined) {
      await proc.stderr.write(problem)
      return 1
    }
    if (needs && !await parts.untilRunning(needs.component, needs.patienceMs)) {
      await proc.stderr.write(`${klogHead(proc, 'E')} ${needs.problem}\n`)
      return 1
    }
    const stop = parts.logs(name, (text) => { proc.stderr.write(`${text}\n`).catch(() => {}) })
    const host = proc.machine.hostname
    const ends = [stop, parts.begin(scope === 'cluster' || (scope === undefined && host === parts.controlPlaneNode) ? name : `${name}/${host}`)]
    const end = () => { for (const each of ends.splice(0)) each() }
    proc.killed.addEventListener('abort', end)
    const stopServing = serve?.(proc)
    if (stopServing) ends.push(stopServing)
    proc.useCpuSteadily(cpuMillis)
    const signalled = proc.signal('SIGTERM', 'SIGINT').then(() => 0)
    const over = new AbortController()
    const code = await Promise.race([signalled, ...(needs?.lossMs === undefined ? [] : [parts.lost(needs.component, needs.lossMs, over.signal).then(() => 1)])])
    over.abort()
    end()
    if (code !== 0) await proc.stderr.write(`${klogHead(proc, 'E')} ${needs!.loss}\n`)
    return code
  }
  const healthy: HttpHandler = (request) => {
    const path = new URL(request.url).pathname
    return /^\/(?:healthz|livez|readyz)\b/.test(path) ? new Response('ok') : new Response('404 page not found\n', { status: 404 })
  }
  const image = (repository: string, tags: string[], sizeBytes: number, binary: string, program: Program, others: Record<string, Program> = {}): ImageDefinition =>
    defineImage({ repository, tags, sizeBytes, entrypoint: [binary], programs: { [binary]: program, ...others } })
  return [
    image('registry.k8s.io/kube-apiserver', ['v1.36.3'], 31_000_000, '/usr/local/bin/kube-apiserver', component('kube-apiserver', [36, 218], { needs: ETCD, serve: (proc) => { proc.net.listenHttp(6443, parts.apiServer, { tls }) } })),
    image('registry.k8s.io/kube-controller-manager', ['v1.36.3'], 26_000_000, '/usr/local/bin/kube-controller-manager', component('kube-controller-manager', [12, 48], { needs: API_SERVER, serve: (proc) => { proc.net.listenHttp(10257, healthy, { ip: '127.0.0.1', tls }) } })),
    image('registry.k8s.io/kube-scheduler', ['v1.36.3'], 20_000_000, '/usr/local/bin/kube-scheduler', component('kube-scheduler', [5, 21], { needs: API_SERVER, serve: (proc) => { proc.net.listenHttp(10259, healthy, { ip: '127.0.0.1', tls }) } })),
    image('registry.k8s.io/etcd', ['3.6.8-0', '3.5.1-0', '3.5.4-0', '3.5.6-0', '3.5.10-0', '3.5.21-0'], 22_000_000, '/usr/local/bin/etcd', component('etcd', [14, 41], { serve: (proc) => serveEtcd(proc, parts) }), { '/usr/local/bin/etcdctl': etcdctl('3.6.8') }),
    image('registry.k8s.io/kube-proxy', ['v1.36.3'], 33_000_000, '/usr/local/bin/kube-proxy', component('kube-proxy', [1, 14], { scope: 'node', serve: (proc) => { proc.net.listenHttp(10256, healthy) } })),
    image('docker.io/kindest/kindnetd', ['v20260213'], 40_000_000, '/bin/kindnetd', component('kindnet', [1, 10], { scope: 'node', serve: (proc) => parts.kindnet({
      hostIp: proc.env.HOST_IP ?? '', kernel: proc.net.kernel,
      write(path, text) {
        if (proc.fs.exists(path) && proc.fs.readText(path) === text) return
        proc.fs.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
        // Under a name that nobody reads, until it is whole.
        proc.fs.writeFile(`${path}.temp`, text)
        proc.fs.rename(`${path}.temp`, path)
      },
    }) })),
    image('docker.io/kindest/local-path-provisioner', ['v20260213'], 21_000_000, '/usr/local/bin/local-path-provisioner', component('local-path-provisioner', [1, 8], { scope: 'cluster' })),
  ]
}

/** Where kubeadm's etcd answers its clients, who show certificates, and about its health; another one where it is told to listen for clients without TLS. */
function serveEtcd(proc: Proc, { etcd, controlPlaneNode }: ControlPlaneParts): void {
  const option = (name: string) => {
    const at = proc.argv.findIndex((argument) => new RegExp(`^--?${name}(=|$)`).test(argument))
    return at < 0 ? '' : proc.argv[at]!.split('=')[1] ?? proc.argv[at + 1] ?? ''
  }
  const urls = option('listen-client-urls').split(',').filter(Boolean).map((url) => new URL(url))
  const plain = urls.filter((url) => url.protocol === 'http:')
  const health: HttpHandler = (request) => {
    const path = new URL(request.url).pathname
    if (path === '/version') return Response.json({ etcdserver: '3.6.8', etcdcluster: '3.6.0', storage: '3.6.0' })
    if (path === '/health') return Response.json({ health: 'true', reason: '' })
    if (path === GRPC_HEALTH_PATH) return grpcHealth('serving')
    return /^\/(?:livez|readyz)\b/.test(path) ? new Response('ok\n') : new Response('404 page not found\n', { status: 404 })
  }
  if (plain.length === 0) proc.net.listenHttp(2381, health, { ip: '127.0.0.1' })
  for (const url of plain) proc.net.listenHttp(Number(url.port || 80), health, { ip: url.hostname })
  const [certificate, key, authority] = ['cert-file', 'key-file', 'trusted-ca-file'].map(option)
  // Only the cluster's own etcd has its data; clusters that were kept from before have no certificates for it.
  if (proc.machine.hostname !== controlPlaneNode || ![certificate, key, authority].every((file) => file && proc.fs.exists(file))) return
  const trust = new CertificateTrust(proc.fs.readText(authority!), proc.clock)
  const answer: HttpHandler = async (request, peer) => peer.clientCertificatePem && await trust.identify(peer.clientCertificatePem) ? etcd(request, peer) : new Response('remote error: tls: bad certificate\n', { status: 401 })
  for (const url of urls) if (url.protocol === 'https:') proc.net.listenHttp(Number(url.port), answer, { ip: url.hostname, tls: { certificatePem: proc.fs.readText(certificate!), keyPem: proc.fs.readText(key!) } })
}
