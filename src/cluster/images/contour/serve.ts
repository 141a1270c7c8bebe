import { CertificateTrust } from '../../../base/certificate-trust.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { errorText } from '../../../unix/errno.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import type { EndpointSlice, Ingress, Secret, Service } from '../../kinds/generated/types.ts'
import { DISCOVERY_PATH } from '../envoy/server.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import { runLeaderElection } from '../in-cluster/leader-election.ts'
import { watchResource } from '../in-cluster/watched-resource.ts'
import type { WatchedResource } from '../in-cluster/watched-resource.ts'
import { ClusterView } from './cluster-view.ts'
import { UsageError, kingpinFlags } from './flags.ts'
import type { KingpinFlags } from './flags.ts'
import { addHttpProxies } from './http-proxies.ts'
import type { CertificateDelegation, HttpProxy } from './http-proxy-types.ts'
import { addIngress } from './ingress-routes.ts'
import { logrus } from './log.ts'
import type { ProxyVerdict } from './proxy-status.ts'
import { RouteGraph } from './route-graph.ts'
import { readSettings } from './settings.ts'
import type { Settings } from './settings.ts'
import { StatusWriter } from './status-writer.ts'

const VALUES = new Set(['config-path', 'contour-cafile', 'contour-cert-file', 'contour-key-file', 'envoy-service-name', 'envoy-service-namespace', 'http-address', 'http-port', 'health-address', 'health-port', 'ingress-class-name', 'ingress-status-address', 'leader-election-resource-name', 'leader-election-resource-namespace',
  'root-namespaces', 'xds-address', 'xds-port', 'log-format', 'accesslog-format', 'stats-address', 'stats-port'])
const SWITCHES = new Set(['incluster', 'insecure', 'disable-leader-election'])
const REFUSED = new Set(['contour-config-name', 'debug', 'debug-http-address', 'debug-http-port', 'disable-feature', 'envoy-http-access-log', 'envoy-https-access-log', 'envoy-service-http-address', 'envoy-service-http-port', 'envoy-service-https-address', 'envoy-service-https-port', 'kubeconfig', 'kubernetes-client-burst', 'kubernetes-client-qps', 'kubernetes-debug', 'leader-election-lease-duration',
  'leader-election-renew-deadline', 'leader-election-retry-period', 'use-proxy-protocol', 'watch-namespaces'])
const LEASE_MS = 15_000
/** Changes are gathered for that long, and never longer. k8s: contourEventHandler */
const HOLDOFF_MS = 100
const MEMORY_BYTES = 60 * 2 ** 20

/** `contour serve`: makes routes for Envoy of Ingresses and HTTPProxies, and keeps their status. k8s: contour/cmd/contour/serve.go */
export async function serve(proc: Proc, args: readonly string[], release: string): Promise<number> {
  const { flags, rest: [strange] } = kingpinFlags(args, VALUES, SWITCHES, REFUSED)
  if (strange !== undefined) throw new UsageError(`unexpected ${strange}`)
  for (const [name, value] of [['log-format', 'text'], ['http-address', '0.0.0.0'], ['health-address', '0.0.0.0'], ['stats-address', '0.0.0.0'], ['stats-port', '8002']] as const) flags.only(name, value)
  let settings: Settings
  try { settings = readSettings(flags.text('config-path') === '' ? '' : proc.fs.readText(flags.text('config-path'))) } catch (error) {
    await proc.stderr.write(`contour: error: failed to parse configuration: ${errorText(error)}, try --help\n`)
    return 1
  }
  const format = flags.text('accesslog-format', 'envoy')
  if (format !== 'envoy') { await proc.stderr.write(`contour: error: access log format "${format}" is not supported by this build\n`); return 1 }
  return new ContourServer(proc, flags, settings, release).run()
}

class ContourServer {
  readonly #proc: Proc
  readonly #flags: KingpinFlags
  readonly #settings: Settings
  readonly #client: ClusterClient
  readonly #classes: readonly string[]
  readonly #status: StatusWriter
  readonly #streams = new Set<(line: string) => void>()
  #ingresses!: WatchedResource<Ingress>
  #proxies!: WatchedResource<HttpProxy>
  #delegations!: WatchedResource<CertificateDelegation>
  #services!: WatchedResource<Service>
  #slices!: WatchedResource<EndpointSlice>
  #secrets!: WatchedResource<Secret>
  #latest = ''
  #isDue = false

  constructor(proc: Proc, flags: KingpinFlags, settings: Settings, release: string) {
    this.#proc = proc
    this.#flags = flags
    this.#settings = settings
    this.#client = clusterClient(proc, `contour/${release} (linux/${proc.machine.hardware.architecture ?? 'amd64'})`)
    this.#classes = flags.text('ingress-class-name').split(',').filter(Boolean)
    const [service, namespace] = [flags.text('envoy-service-name', settings.envoyServiceName || 'envoy'), flags.text('envoy-service-namespace', settings.envoyServiceNamespace || this.#namespace)]
    this.#status = new StatusWriter({
      proc, client: this.#client, supplied: flags.text('ingress-status-address', settings.ingressStatusAddress), service: () => this.#services.objects.get(`${namespace}/${service}`), ingresses: () => this.#takenIngresses(), proxies: () => this.#takenProxies(),
    })
  }

  get #namespace(): string { return this.#proc.env.CONTOUR_NAMESPACE || 'projectcontour' }

  async run(): Promise<number> {
    const proc = this.#proc
    proc.useMemory(MEMORY_BYTES)
    proc.useCpuSteadily(3)
    const metrics = Number(this.#flags.text('http-port', '8000'))
    const health = Number(this.#flags.text('health-port', String(metrics)))
    for (const port of new Set([metrics, health])) proc.net.listenHttp(port, (request) => this.#answerHealth(request))
    await this.#watchAll()
    const xds = { context: 'xds' }
    logrus(proc, 'info', 'waiting for the initial dag to be built', xds)
    this.#rebuild()
    logrus(proc, 'info', 'the initial dag is built', xds)
    const address = `${this.#flags.text('xds-address', '127.0.0.1')}:${this.#flags.text('xds-port', '8001')}`
    const read = (flag: string) => proc.fs.readText(this.#flags.text(flag))
    const tls = this.#flags.flag('insecure') ? undefined : { certificatePem: () => Promise.resolve(read('contour-cert-file')), keyPem: () => Promise.resolve(read('contour-key-file')) }
    proc.net.listenHttp(Number(address.split(':').at(-1)), (request, peer) => this.#discover(request, peer), tls ? { tls } : {})
    logrus(proc, 'info', 'started xDS server', { ...xds, address })
    this.#takePartInElection()
    await proc.signal('SIGTERM', 'SIGINT')
    logrus(proc, 'info', 'stopped xDS server', { ...xds, address })
    return 0
  }

  async #watchAll(): Promise<void> {
    const onError = (message: string) => logrus(this.#proc, 'error', `Failed to watch: ${message}`, { context: 'kubernetes' })
    const watch = <T extends { metadata: { name?: string; resourceVersion?: string } }>(path: string) => watchResource<T>(this.#proc, this.#client, path, () => this.#changed(), onError)
    this.#ingresses = watch<Ingress>('/apis/networking.k8s.io/v1/ingresses')
    this.#proxies = watch<HttpProxy>('/apis/projectcontour.io/v1/httpproxies')
    this.#delegations = watch<CertificateDelegation>('/apis/projectcontour.io/v1/tlscertificatedelegations')
    this.#services = watch<Service>('/api/v1/services')
    this.#slices = watch<EndpointSlice>('/apis/discovery.k8s.io/v1/endpointslices')
    this.#secrets = watch<Secret>('/api/v1/secrets')
    this.#isDue = true
    await Promise.all([this.#ingresses, this.#proxies, this.#delegations, this.#services, this.#slices, this.#secrets].map(({ synced }) => synced))
    this.#isDue = false
  }

  #changed(): void {
    if (this.#isDue) return
    this.#isDue = true
    void this.#proc.sleep(HOLDOFF_MS).then(() => { this.#isDue = false; this.#rebuild() }, () => {})
  }

  /** By annotation, else by the field; objects without class are Contour's unless it was given classes. k8s: contour/internal/ingressclass */
  #isTaken(annotations: Readonly<Record<string, string>> = {}, className = ''): boolean {
    const own = annotations['projectcontour.io/ingress.class'] || annotations['kubernetes.io/ingress.class'] || className
    return this.#classes.length === 0 ? own === '' || own === 'contour' : this.#classes.includes(own)
  }

  #takenIngresses(): Ingress[] {
    return sorted([...this.#ingresses.objects.values()].filter(({ metadata, spec }) => this.#isTaken(metadata.annotations, spec.ingressClassName)))
  }

  #takenProxies(): HttpProxy[] {
    return sorted([...this.#proxies.objects.values()].filter(({ metadata, spec }) => this.#isTaken(metadata.annotations, spec.ingressClassName)))
  }

  /** Works everything out anew, tells every Envoy, and has the status written. */
  #rebuild(): void {
    const view = new ClusterView({ ingresses: this.#ingresses.objects, proxies: this.#proxies.objects, delegations: this.#delegations.objects, services: this.#services.objects, slices: this.#slices.objects, secrets: this.#secrets.objects })
    const graph = new RouteGraph()
    for (const ingress of this.#takenIngresses()) addIngress(ingress, view, graph, (message, fields) => logrus(this.#proc, 'error', message, { context: 'IngressProcessor', ...fields }))
    const rootNamespaces = this.#flags.text('root-namespaces').split(',').map((each) => each.trim()).filter(Boolean)
    const verdicts: ReadonlyMap<string, ProxyVerdict> = addHttpProxies(this.#takenProxies(), { view, graph, disablesPermitInsecure: this.#settings.disablePermitInsecure, rootNamespaces })
    const line = `${JSON.stringify(graph.configuration())}\n`
    if (line !== this.#latest) {
      this.#latest = line
      for (const send of this.#streams) send(line)
    }
    this.#status.update(verdicts)
  }

  /** One Envoy's stream of configurations: the present one, and each that follows. */
  async #discover(request: HttpRequest, { clientCertificatePem }: HttpPeer): Promise<Response> {
    if (!this.#flags.flag('insecure')) {
      const trust = new CertificateTrust(this.#proc.fs.readText(this.#flags.text('contour-cafile')), this.#proc.clock)
      if (!clientCertificatePem || !await trust.identify(clientCertificatePem)) return new Response('tls: client didn\'t provide a certificate that is trusted', { status: 403 })
    }
    if (new URL(request.url).pathname !== DISCOVERY_PATH) return new Response('404 page not found\n', { status: 404 })
    const streams = this.#streams
    let send: (line: string) => void
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        send = (line) => controller.enqueue(new TextEncoder().encode(line))
        streams.add(send)
        send(this.#latest)
      },
      cancel() { streams.delete(send) },
    })
    request.signal.addEventListener('abort', () => streams.delete(send))
    return new Response(body, { headers: { 'content-type': 'application/json' } })
  }

  #takePartInElection(): void {
    const proc = this.#proc
    const lead = () => this.#status.lead(true)
    if (this.#flags.flag('disable-leader-election')) { logrus(proc, 'info', 'Leader election disabled'); lead(); return }
    const identity = `${proc.env.POD_NAME || proc.net.hostname}_${proc.random.hex(4)}`
    runLeaderElection({
      proc, client: this.#client, namespace: this.#flags.text('leader-election-resource-namespace', this.#namespace), name: this.#flags.text('leader-election-resource-name', 'leader-elect'), identity, leaseDurationMs: LEASE_MS,
      onStartedLeading: lead, onStoppedLeading: () => this.#status.lead(false), onNewLeader: () => {},
    }).catch(() => {})
  }

  #metrics(): string {
    const counts = new Map<string, number>()
    for (const { metadata: { namespace } } of this.#proxies.objects.values()) counts.set(namespace, (counts.get(namespace) ?? 0) + 1)
    return `# HELP contour_httpproxy Total number of HTTPProxies that exist regardless of status.\n# TYPE contour_httpproxy gauge\n${[...counts].map(([namespace, count]) => `contour_httpproxy{namespace="${namespace}"} ${count}\n`).join('')}`
  }

  async #answerHealth(request: HttpRequest): Promise<Response> {
    const { pathname } = new URL(request.url)
    const plain = { 'content-type': 'text/plain; charset=utf-8' }
    if (pathname === '/metrics') return new Response(this.#metrics(), { headers: plain })
    if (pathname !== '/health' && pathname !== '/healthz') return new Response('404 page not found\n', { status: 404, headers: plain })
    try {
      await apiCall(this.#client, 'GET', '/version')
      return new Response('OK', { headers: plain })
    } catch (error) {
      return new Response(`Failed Kubernetes Check: ${errorText(error)}`, { status: 503, headers: plain })
    }
  }
}

/** By age, then by name, so that the same objects give the same routes. */
function sorted<T extends { metadata: { namespace?: string; name?: string; creationTimestamp?: string | null } }>(objects: T[]): T[] {
  const key = ({ metadata }: T) => `${metadata.creationTimestamp} ${metadata.namespace}/${metadata.name}`
  return objects.sort((a, b) => (key(a) < key(b) ? -1 : 1))
}
