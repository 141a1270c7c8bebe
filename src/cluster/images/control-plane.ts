import { CertificateTrust } from '../../base/certificate-trust.ts'
import { lazyProgram } from '../../unix/lazy-program.ts'
import { UnixError } from '../../unix/types.ts'
import type { HttpHandler, NetStack, Proc, Program } from '../../unix/types.ts'
import { GRPC_HEALTH_PATH, healthyGrpcServer } from './agnhost/grpc-health-checking.ts'
import { defineImage } from './image.ts'
import type { ImageDefinition } from './image.ts'

/** What the containers of the control plane are made of: the parts that run in this process, and live with their containers. */
export interface ControlPlaneParts {
  /** The handler of a node's API server, for port 6443. */
  apiServer(host: string): HttpHandler
  /** Whether a node's components belong to the control plane; what runs elsewhere of the same images is somebody's own. */
  isControlPlane(host: string): boolean
  /**
   * Reads a component's command line and takes what it says. `fs`: its files, `print`: its standard output.
   * @returns its last words where it can't begin so
   */
  launch(host: string, proc: Pick<Proc, 'argv' | 'fs' | 'clock' | 'pid'>, print: (line: string) => void): Promise<string | undefined>
  /** A process of a component has begun; returns what to call when it has ended. */
  begin(component: string): () => void
  /** Resolves once a component runs, or with false after `withinMs`. */
  untilRunning(component: string, withinMs: number): Promise<boolean>
  /** Resolves once what a component needs has been away for `ms` without a break, so that it gives up. */
  lost(component: string, needed: string, ms: number, signal: AbortSignal): Promise<void>
  /** Resolves once a node's etcd answers, or with false after `withinMs`. */
  untilEtcdAnswers(host: string, withinMs: number): Promise<boolean>
  /** Resolves with its last words once a node's etcd can't go on, or can't begin. */
  etcdFailure(host: string, signal: AbortSignal): Promise<string>
  /** Why etcd can't confirm what a client reads, if it can't. */
  etcdHealth(): string | undefined
  /** etcd's API for clients, as a node's member answers. */
  etcd(host: string): HttpHandler
  /** What a node's controller manager or scheduler serves on its port. */
  componentServer(component: 'kube-controller-manager' | 'kube-scheduler', proc: Proc): HttpHandler
  /** PEM of the certificate with which a node's components serve. */
  servingCertificatePem(host: string): string
  /** An agent of kindnet begins; returns what to call when it has ended. */
  kindnet(agent: { hostIp: string; kernel: unknown; write(path: string, text: string): void }): () => void
  /** What a node's kube-proxy serves on its sockets; returns how that ends. */
  kubeProxy(host: string, net: Pick<NetStack, 'listenHttp'>): () => void
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

/** What etcd says last, and its exit code. k8s: etcdserver/server.go run, etcdmain/etcd.go, raft's logger */
function etcdEnd({ clock }: Proc, reason: string): { lines: string; code: number } {
  const line = (level: string, caller: string, msg: string, more: object = {}) => `${JSON.stringify({ level, ts: new Date(clock.nowMs()).toISOString().replace('Z', '000Z'), caller, msg, ...more })}\n`
  if (reason.startsWith('the member has been permanently removed')) return { lines: line('warn', 'etcdserver/server.go:831', 'server error', { error: reason }) + line('warn', 'etcdserver/server.go:832', 'data-dir used by this member must be removed'), code: 0 }
  if (reason.startsWith('tocommit')) return { lines: `${line('panic', 'raft/log.go:343', reason)}panic: ${reason}\n`, code: 2 }
  return { lines: line('fatal', 'etcdmain/etcd.go:182', 'discovery failed', { error: reason }), code: 1 }
}

/** Node ports of loopback addresses need the kernel to route these. k8s: pkg/proxy/iptables/proxier.go NewProxier. Who may not configure the kernel goes without. */
function allowLoopbackNodePorts({ fs }: Proc): void {
  try { fs.writeFile('/proc/sys/net/ipv4/conf/all/route_localnet', '1\n') } catch (error) { if (!(error instanceof UnixError)) throw error }
}

/** Images of kubeadm's static pods and node agents. */
export function controlPlaneImages(parts: ControlPlaneParts): ImageDefinition[] {
  const tls = (proc: Proc) => ({ certificatePem: parts.servingCertificatePem(proc.machine.hostname) })
  /** What each uses while little happens: thousandths of a core and MiB. */
  const component = (name: string, [cpuMillis, memoryMib]: readonly [number, number], { serve, needs, scope }: Component): Program => async (proc) => {
    proc.useMemory(memoryMib * 2 ** 20)
    const host = proc.machine.hostname
    const isOwn = scope === undefined && parts.isControlPlane(host)
    const problem = isOwn ? await parts.launch(host, proc, (line) => { proc.stdout.write(`${line}\n`).catch(() => {}) }) : undefined
    if (problem !== undefined) {
      const { lines, code } = name === 'etcd' ? etcdEnd(proc, problem) : { lines: problem, code: 1 }
      await proc.stderr.write(lines)
      return code
    }
    const needed = needs && (isOwn ? `${needs.component}/${host}` : needs.component)
    if (needs && !await (isOwn && needs.component === 'etcd' ? parts.untilEtcdAnswers(host, needs.patienceMs) : parts.untilRunning(needed!, needs.patienceMs))) {
      await proc.stderr.write(`${klogHead(proc, 'E')} ${needs.problem}\n`)
      return 1
    }
    const stop = parts.logs(name, (text) => { proc.stderr.write(`${text}\n`).catch(() => {}) })
    const ends = [stop, parts.begin(scope === 'cluster' ? name : `${name}/${host}`)]
    const end = () => { for (const each of ends.splice(0)) each() }
    proc.killed.addEventListener('abort', end)
    const stopServing = serve?.(proc)
    if (stopServing) ends.push(stopServing)
    proc.useCpuSteadily(cpuMillis)
    const signalled = proc.signal('SIGTERM', 'SIGINT').then(() => 0)
    const over = new AbortController()
    let lastWords = ''
    const failed = (words: Promise<{ lines: string; code: number }>) => words.then(({ lines, code }) => { lastWords = lines; return code })
    const code = await Promise.race([
      signalled,
      ...(needs?.lossMs === undefined ? [] : [failed(parts.lost(`${name}/${host}`, needed!, needs.lossMs, over.signal).then(() => ({ lines: `${klogHead(proc, 'E')} ${needs.loss}\n`, code: 1 })))]),
      ...(isOwn && name === 'etcd' ? [failed(parts.etcdFailure(host, over.signal).then((reason) => etcdEnd(proc, reason)))] : []),
    ])
    over.abort()
    end()
    await proc.stderr.write(lastWords)
    return code
  }
  const image = (repository: string, tags: string[], sizeBytes: number, binary: string, program: Program, others: Record<string, Program> = {}): ImageDefinition =>
    defineImage({ repository, tags, sizeBytes, entrypoint: [binary], programs: { [binary]: program, ...others } })
  return [
    image('registry.k8s.io/kube-apiserver', ['v1.36.3'], 31_000_000, '/usr/local/bin/kube-apiserver', component('kube-apiserver', [36, 218], { needs: ETCD, serve: (proc) => { proc.net.listenHttp(6443, parts.apiServer(proc.machine.hostname), { tls: tls(proc), versions: ['h2', 'http/1.1'] }) } })),
    image('registry.k8s.io/kube-controller-manager', ['v1.36.3'], 26_000_000, '/usr/local/bin/kube-controller-manager', component('kube-controller-manager', [12, 48], { needs: API_SERVER, serve: (proc) => { proc.net.listenHttp(10257, parts.componentServer('kube-controller-manager', proc), { ip: '127.0.0.1', tls: tls(proc) }) } })),
    image('registry.k8s.io/kube-scheduler', ['v1.36.3'], 20_000_000, '/usr/local/bin/kube-scheduler', component('kube-scheduler', [5, 21], { needs: API_SERVER, serve: (proc) => { proc.net.listenHttp(10259, parts.componentServer('kube-scheduler', proc), { ip: '127.0.0.1', tls: tls(proc) }) } })),
    image('registry.k8s.io/etcd', ['3.6.8-0', '3.5.1-0', '3.5.4-0', '3.5.6-0', '3.5.10-0', '3.5.21-0'], 22_000_000, '/usr/local/bin/etcd', component('etcd', [14, 41], { serve: (proc) => serveEtcd(proc, parts) }), { '/usr/local/bin/etcdctl': lazyProgram(async () => (await import('./etcd/etcdctl.ts')).etcdctl('3.6.8')) }),
    image('registry.k8s.io/kube-proxy', ['v1.36.3'], 33_000_000, '/usr/local/bin/kube-proxy', component('kube-proxy', [1, 14], { scope: 'node', serve: (proc) => { allowLoopbackNodePorts(proc); return parts.kubeProxy(proc.machine.hostname, proc.net) } })),
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
function serveEtcd(proc: Proc, { etcd, isControlPlane, etcdHealth }: ControlPlaneParts): void {
  const host = proc.machine.hostname
  const option = (name: string) => {
    const at = proc.argv.findIndex((argument) => new RegExp(`^--?${name}(=|$)`).test(argument))
    return at < 0 ? '' : proc.argv[at]!.split('=')[1] ?? proc.argv[at + 1] ?? ''
  }
  const urls = option('listen-client-urls').split(',').filter(Boolean).map((url) => new URL(url))
  const plain = urls.filter((url) => url.protocol === 'http:')
  const health: HttpHandler = (request, peer) => {
    const path = new URL(request.url).pathname
    if (path === '/version') return Response.json({ etcdserver: '3.6.8', etcdcluster: '3.6.0', storage: '3.6.0' })
    const problem = isControlPlane(host) ? etcdHealth() : undefined
    if (path === '/health') return problem === undefined ? Response.json({ health: 'true', reason: '' }) : Response.json({ health: 'false', reason: problem }, { status: 503 })
    if (path === '/readyz' && problem !== undefined) return new Response(`[+]data_corruption ok\n[+]serializable_read ok\n[-]linearizable_read failed: ${problem}\n`, { status: 503 })
    if (path === GRPC_HEALTH_PATH && peer.version === 'h2') return healthyGrpcServer(request, peer)
    return /^\/(?:livez|readyz)\b/.test(path) ? new Response('ok\n') : new Response('404 page not found\n', { status: 404 })
  }
  if (plain.length === 0) proc.net.listenHttp(2381, health, { ip: '127.0.0.1' })
  // Peers come here; what they say goes from member to member in this process.
  for (const url of option('listen-peer-urls').split(',').filter(Boolean).map((each) => new URL(each))) {
    const [certificate, key] = ['peer-cert-file', 'peer-key-file'].map(option)
    if (isControlPlane(host) && certificate && key && proc.fs.exists(certificate) && proc.fs.exists(key)) proc.net.listenHttp(Number(url.port), () => new Response('404 page not found\n', { status: 404 }), { ip: url.hostname, tls: { certificatePem: proc.fs.readText(certificate), keyPem: proc.fs.readText(key) } })
  }
  for (const url of plain) proc.net.listenHttp(Number(url.port || 80), health, { ip: url.hostname, versions: ['h2', 'http/1.1'] })
  const [certificate, key, authority] = ['cert-file', 'key-file', 'trusted-ca-file'].map(option)
  // Only the cluster's own etcd has its data; clusters that were kept from before have no certificates for it.
  if (!isControlPlane(host) || ![certificate, key, authority].every((file) => file && proc.fs.exists(file))) return
  const trust = new CertificateTrust(proc.fs.readText(authority!), proc.clock)
  const answerOfMember = etcd(host)
  const answer: HttpHandler = async (request, peer) => peer.clientCertificatePem && await trust.identify(peer.clientCertificatePem) ? answerOfMember(request, peer) : new Response('remote error: tls: bad certificate\n', { status: 401 })
  for (const url of urls) if (url.protocol === 'https:') proc.net.listenHttp(Number(url.port), answer, { ip: url.hostname, tls: { certificatePem: proc.fs.readText(certificate!), keyPem: proc.fs.readText(key!) } })
}
