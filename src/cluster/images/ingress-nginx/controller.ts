import { UnixError } from '../../../unix/types.ts'
import type { HttpPeer, Listener, Proc } from '../../../unix/types.ts'
import type { HttpRequest } from '../../../base/http.ts'
import type { ConfigMap, EndpointSlice, Ingress, IngressClass, Pod, Secret, Service } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { goFlags } from '../agnhost/go-server.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import { inClusterEvents } from '../in-cluster/events.ts'
import { followResource } from '../in-cluster/follow-resource.ts'
import { klog } from '../in-cluster/klog.ts'
import { runLeaderElection } from '../in-cluster/leader-election.ts'
import { errorPage, plainOnTlsPage } from '../nginx/nginx-server.ts'
import { reviewIngress } from './admission.ts'
import { buildConfiguration } from './configuration.ts'
import type { Configuration } from './configuration.ts'
import { FrontServer } from './front-server.ts'
import type { GlobalOptions } from './global-options.ts'
import { IngressStatus } from './ingress-status.ts'
import { IngressStore } from './ingress-store.ts'
import { nginxConfigText } from './nginx-config-text.ts'
import { StreamServices } from './stream-services.ts'
import { createFakeCertificate } from '../front/server-certificate.ts'

const BOOLEANS = new Set(['watch-ingress-without-class', 'ingress-class-by-name', 'profiling', 'update-status', 'update-status-on-shutdown', 'report-node-internal-ip-address', 'version', 'enable-ssl-passthrough', 'disable-leader-election',
  'disable-svc-external-name', 'enable-annotation-validation', 'enable-ssl-chain-completion', 'enable-metrics', 'metrics-per-host', 'disable-catch-all', 'disable-full-test', 'deep-inspect', 'disable-sync-events', 'enable-topology-aware-routing'])
const FAKE_CERTIFICATE_FILE = '/etc/ingress-controller/ssl/default-fake-certificate.pem'
const NGINX_VERSION = '1.27.1'
const CONFIG_FILE = '/etc/nginx/nginx.conf'
const PID_FILE = '/tmp/nginx/nginx.pid'
const STATUS_INTERVAL_MS = 60_000
const MEMORY_BYTES = 70 * 2 ** 20
/** nginx answers a moment after its process has begun. */
const NGINX_START_MS = 100

/** Ends the controller as klog.Fatal does. */
class Fatal extends Error {}

/** The controller of ingress-nginx, with the nginx that it runs. @param release e.g. `v1.15.1` */
export async function ingressNginxController(proc: Proc, release: string): Promise<number> {
  await proc.stdout.write(`-------------------------------------------------------------------------------\nNGINX Ingress controller\n  Release:       ${release}\n  Build:         drydock\n  Repository:    https://github.com/kubernetes/ingress-nginx\n  nginx version: nginx/${NGINX_VERSION}\n\n-------------------------------------------------------------------------------\n\n`)
  const { flags } = goFlags(proc.argv.slice(1), BOOLEANS)
  if (flags.get('version') === 'true') return 0
  try {
    return await new Controller(proc, flags, release).run()
  } catch (error) {
    if (!(error instanceof Fatal)) throw error
    klog(proc, 'F', 'main.go:68', error.message)
    return 255
  }
}

/** What nginx must be reloaded for; endpoints and certificates change without. k8s: ingress-nginx/pkg/util/ingress IsDynamicConfigurationEnough */
function shapeOf({ servers }: Configuration, global: GlobalOptions): string {
  return JSON.stringify([global, servers.map(({ certificate, locations, ...server }) => [server, locations.map(({ taken, ...location }) => [location, taken?.options, taken?.ingress.metadata.namespace, taken?.ingress.metadata.name])])])
}

class Controller {
  readonly #proc: Proc
  readonly #flags: ReadonlyMap<string, string>
  readonly #release: string
  readonly #client: ClusterClient
  readonly #front: FrontServer
  readonly #streamConfigMaps: Readonly<Record<'TCP' | 'UDP', string>>
  #streams: StreamServices | undefined
  /** Takes nginx' port for TLS, anew where the configuration wants other versions of HTTP spoken there. */
  #listenForTls: (() => void) | undefined
  #isDirty = true
  #wake = () => {}
  #isShuttingDown = false
  #nginx: 'starting' | 'configured' | 'stopped' = 'starting'
  #running: string | undefined
  #pod!: Pod
  #store!: IngressStore

  constructor(proc: Proc, flags: ReadonlyMap<string, string>, release: string) {
    this.#proc = proc
    this.#flags = flags
    this.#release = release
    this.#client = clusterClient(proc, `nginx-ingress-controller/${release} (linux/${proc.machine.hardware.architecture ?? 'amd64'}) ingress-nginx/drydock`)
    this.#front = new FrontServer(proc)
    this.#streamConfigMaps = { TCP: this.#text('tcp-services-configmap'), UDP: this.#text('udp-services-configmap') }
  }

  #text(name: string, otherwise = ''): string { return this.#flags.get(name) ?? otherwise }
  #number(name: string, otherwise: number): number { return this.#flags.has(name) ? Number(this.#flags.get(name)) : otherwise }
  #flag(name: string, otherwise: boolean): boolean { return this.#flags.has(name) ? this.#flags.get(name) === 'true' : otherwise }
  #info(at: string, text: string): void { klog(this.#proc, 'I', at, text) }

  async run(): Promise<number> {
    const proc = this.#proc
    await this.#connect()
    for (const flag of ['default-backend-service', 'publish-service']) if (this.#text(flag) !== '') await this.#checkService(this.#text(flag))
    const fakeCertificate = await proc.clock.outside(createFakeCertificate(proc.clock.nowMs(), { commonName: 'Kubernetes Ingress Controller Fake Certificate', organization: 'Acme Co', dnsName: 'ingress.local' }))
    proc.fs.writeFile(FAKE_CERTIFICATE_FILE, fakeCertificate.pem)
    this.#info('main.go:101', `"SSL fake certificate created" file="${FAKE_CERTIFICATE_FILE}"`)
    this.#pod = await this.#ownPod()
    const webhook = this.#text('validating-webhook')
    const certificateFile = this.#text('validating-webhook-certificate')
    if (webhook !== '') this.#info('ssl.go:535', `"loading tls certificate" path="${certificateFile}" key="${this.#text('validating-webhook-key')}"`)
    const events = inClusterEvents(proc, this.#client, 'nginx-ingress-controller')
    const tell: ConstructorParameters<typeof IngressStore>[0]['onEvent'] = (about, type, reason, message) => {
      const { namespace, name, uid, resourceVersion } = about.metadata
      this.#info('event.go:377', `Event(v1.ObjectReference{Kind:"${about.kind}", Namespace:"${namespace}", Name:"${name}", UID:"${uid}", APIVersion:"${about.apiVersion}", ResourceVersion:"${resourceVersion}", FieldPath:""}): type: '${type}' reason: '${reason}' ${message}`)
      if (!this.#flag('disable-sync-events', false) || reason === 'RELOAD') events.event(about, type, reason, message)
    }
    const [major, minor] = this.#release.replace(/^v/, '').split('.').map(Number)
    this.#store = new IngressStore({
      selection: { controller: this.#text('controller-class', 'k8s.io/ingress-nginx'), annotation: this.#text('ingress-class', 'nginx'), withoutClass: this.#flag('watch-ingress-without-class', false), byName: this.#flag('ingress-class-by-name', false) },
      isStrict: major! > 1 || minor! >= 12, namespace: this.#text('watch-namespace'), disablesCatchAll: this.#flag('disable-catch-all', false), defaultService: this.#text('default-backend-service'), configMap: this.#text('configmap'), streamConfigMaps: this.#streamConfigMaps,
      defaultCertificateSecret: this.#text('default-ssl-certificate'), fakeCertificate, nowMs: () => proc.clock.nowMs(), onEvent: tell, onChange: () => { this.#isDirty = true; this.#wake() },
      log: { info: (at, text) => klog(proc, 'I', at, text), warn: (at, text) => klog(proc, 'W', at, text), error: (at, text) => klog(proc, 'E', at, text) },
    })
    const healthPort = this.#number('healthz-port', 10254)
    proc.net.listenHttp(healthPort, (request) => this.#health(request))
    proc.useMemory(MEMORY_BYTES)
    proc.useCpuSteadily(1)
    this.#info('nginx.go:273', '"Starting NGINX Ingress controller"')
    await this.#watchAll()
    const status = new IngressStatus({
      proc, client: this.#client, pod: this.#pod, publishAddress: this.#text('publish-status-address'), publishService: this.#text('publish-service'), usesInternalIp: this.#flag('report-node-internal-ip-address', false),
      ingresses: () => this.#store.ingresses().map(({ ingress }) => ingress),
    })
    this.#takePartInElection(status)
    this.#info('nginx.go:319', '"Starting NGINX process"')
    const nginx = proc.spawn(['nginx:', 'master', 'process', '/usr/bin/nginx', '-c', CONFIG_FILE], { program: (child) => this.#nginxProcess(child), newGroup: true })
    if (webhook !== '') {
      this.#info('nginx.go:339', `"Starting validation webhook" address="${webhook}" certPath="${certificateFile}" keyPath="${this.#text('validating-webhook-key')}"`)
      const review = { deepInspect: this.#flag('deep-inspect', true), disablesCatchAll: this.#flag('disable-catch-all', false), namespace: this.#text('watch-namespace') }
      // Read each time: the Secret may be renewed.
      const read = (flag: string) => () => Promise.resolve(proc.fs.readText(this.#text(flag)))
      proc.net.listenHttp(Number(webhook.split(':').at(-1)), (request) => reviewIngress(proc, this.#store, review, request), { tls: { certificatePem: read('validating-webhook-certificate'), keyPem: read('validating-webhook-key') } })
    }
    this.#syncForever(tell).catch(() => {})
    await proc.signal('SIGTERM')
    return this.#shutDown(status, webhook !== '', () => nginx.kill('SIGQUIT'), nginx.wait())
  }

  /** k8s: ingress-nginx/cmd/nginx createApiserverClient */
  async #connect(): Promise<void> {
    const { env } = this.#proc
    this.#info('main.go:205', `"Creating API client" host="https://${env.KUBERNETES_SERVICE_HOST}:${env.KUBERNETES_SERVICE_PORT}"`)
    for (let retries = 0, waitMs = 1000; ; retries++, waitMs *= 1.5) {
      try {
        const version = await apiCall<Record<string, string>>(this.#client, 'GET', '/version')
        if (retries > 0) klog(this.#proc, 'W', 'main.go:245', `Initial connection to the Kubernetes API server was retried ${retries} times.`)
        const field = (name: string) => JSON.stringify(version[name])
        this.#info('main.go:248', `"Running in Kubernetes cluster" major=${field('major')} minor=${field('minor')} git=${field('gitVersion')} state=${field('gitTreeState')} commit=${field('gitCommit')} platform=${field('platform')}`)
        return
      } catch (error) {
        this.#proc.killed.throwIfAborted()
        if (retries === 9) throw new Fatal(`Error while initiating a connection to the Kubernetes API server. This could mean the cluster is misconfigured (e.g. it has invalid API server certificates or Service Accounts configuration). Reason: ${(error as Error).message}\nRefer to the troubleshooting guide for more information: https://kubernetes.github.io/ingress-nginx/troubleshooting/`)
        await this.#proc.sleep(waitMs)
      }
    }
  }

  async #checkService(key: string): Promise<void> {
    const [namespace, name] = key.split('/')
    try {
      await apiCall<Service>(this.#client, 'GET', `/api/v1/namespaces/${namespace}/services/${name}`)
    } catch (error) {
      if (!isStatusError(error)) throw error
      if (error.reason === 'Forbidden' || error.reason === 'Unauthorized') throw new Fatal('✖ the cluster seems to be running with a restrictive Authorization mode and the Ingress controller does not have the required permissions to operate normally')
      throw new Fatal(error.reason === 'NotFound' ? `no service with name ${name} found in namespace ${namespace}: ${error.message}` : `unexpected error searching service with name ${name} in namespace ${namespace}: ${error.message}`)
    }
  }

  async #ownPod(): Promise<Pod> {
    const { POD_NAME: name, POD_NAMESPACE: namespace } = this.#proc.env
    if (!name || !namespace) throw new Fatal('Unexpected error obtaining ingress-nginx pod: unable to get POD information (missing POD_NAME or POD_NAMESPACE environment variable')
    try {
      return await apiCall<Pod>(this.#client, 'GET', `/api/v1/namespaces/${namespace}/pods/${name}`)
    } catch (error) {
      if (!isStatusError(error)) throw error
      throw new Fatal(`Unexpected error obtaining ingress-nginx pod: unable to get POD information: ${error.message}`)
    }
  }

  /** Resolves once everything that exists is known. Ingresses come last: what they name must be known before. */
  async #watchAll(): Promise<void> {
    const store = this.#store
    const namespace = this.#text('watch-namespace')
    const pathOf = (group: string, resource: string) => `${group}${namespace === '' || resource === 'ingressclasses' ? '' : `/namespaces/${namespace}`}/${resource}`
    const follow = <T extends { metadata: { name: string } }>(group: string, resource: string, kind: string, onChange: (key: string, object: T | undefined) => void) => new Promise<void>((resolve) => {
      const onError = (message: string) => klog(this.#proc, 'E', 'reflector.go:205', `"Failed to watch" err=${JSON.stringify(`failed to list *${kind}: ${message}`)} logger="UnhandledError" reflector="k8s.io/client-go@v0.35.2/tools/cache/reflector.go:289" type="*${kind}"`)
      followResource<T>({ proc: this.#proc, client: this.#client, path: pathOf(group, resource), onChange, onSynced: resolve, onError }).catch(() => {})
    })
    type Named<T> = T & { metadata: { name: string } }
    await Promise.all([
      follow<Named<IngressClass>>('/apis/networking.k8s.io/v1', 'ingressclasses', 'v1.IngressClass', (key, object) => store.setIngressClass(key.slice(1), object)),
      follow<Named<Service>>('/api/v1', 'services', 'v1.Service', (key, object) => store.setService(key, object)),
      follow<Named<EndpointSlice>>('/apis/discovery.k8s.io/v1', 'endpointslices', 'v1.EndpointSlice', (key, object) => store.setSlice(key, object)),
      follow<Named<Secret>>('/api/v1', 'secrets', 'v1.Secret', (key, object) => store.setSecret(key, object)),
      follow<Named<ConfigMap>>('/api/v1', 'configmaps', 'v1.ConfigMap', (key, object) => store.setConfigMap(key, object)),
    ])
    await follow<Named<Ingress>>('/apis/networking.k8s.io/v1', 'ingresses', 'v1.Ingress', (key, object) => store.setIngress(key, object))
  }

  #takePartInElection(status: IngressStatus): void {
    const proc = this.#proc
    if (this.#flag('disable-leader-election', false)) return
    let isLeader = false
    const keepStatus = async () => {
      while (isLeader && !this.#isShuttingDown) {
        await status.sync().catch((error: Error) => { proc.killed.throwIfAborted(); klog(proc, 'E', 'queue.go:137', `"requeuing" err=${JSON.stringify(error.message)} key="&ObjectMeta{Name:sync status}"`) })
        await proc.sleep(this.#number('status-update-interval', STATUS_INTERVAL_MS / 1000) * 1000)
      }
    }
    runLeaderElection({
      proc, client: this.#client, namespace: this.#pod.metadata.namespace!, name: this.#text('election-id', 'ingress-controller-leader'), identity: this.#pod.metadata.name!, leaseDurationMs: 30_000,
      onStartedLeading: () => { isLeader = true; if (this.#flag('update-status', true)) keepStatus().catch(() => {}) },
      onStoppedLeading: () => { isLeader = false },
      onNewLeader: (identity) => this.#info('status.go:85', `"New leader elected" identity="${identity}"`),
    }).catch(() => {})
  }

  /** Brings changes into force, at most one every few seconds. k8s: syncIngress */
  async #syncForever(tell: ConstructorParameters<typeof IngressStore>[0]['onEvent']): Promise<void> {
    const proc = this.#proc
    const intervalMs = 1000 / this.#number('sync-rate-limit', 0.3)
    for (let nextMs = 0; !this.#isShuttingDown;) {
      if (!this.#isDirty) { await new Promise<void>((resolve) => { this.#wake = resolve }); continue }
      const nowMs = proc.clock.nowMs()
      if (nowMs < nextMs) await proc.sleep(nextMs - nowMs)
      nextMs = Math.max(nextMs, nowMs) + intervalMs
      this.#isDirty = false
      const configuration = buildConfiguration(this.#store.ingresses(), this.#store.source((at, text) => klog(proc, 'W', at, text)))
      const { global } = this.#store
      const shape = shapeOf(configuration, global)
      const isFirst = this.#running === undefined
      if (shape !== this.#running) {
        this.#info('controller.go:217', '"Configuration changes detected, backend reload required"')
        const problem = this.#apply(configuration)
        if (problem !== undefined) {
          klog(proc, 'E', 'controller.go:227', `Unexpected failure reloading the backend:\n${problem}`)
          tell(this.#podReference(), 'Warning', 'RELOAD', `Error reloading NGINX: ${problem}`)
          continue
        }
        proc.fs.writeFile(CONFIG_FILE, nginxConfigText(configuration, global))
        this.#info('controller.go:231', '"Backend successfully reloaded"')
        tell(this.#podReference(), 'Normal', 'RELOAD', 'NGINX reload triggered due to a change in configuration')
        this.#running = shape
      } else this.#apply(configuration)
      this.#listenForTls?.()
      this.#configureStreams()
      if (isFirst) {
        this.#info('controller.go:243', '"Initial sync, sleeping for 1 second"')
        await proc.sleep(1000)
        this.#nginx = 'configured'
      }
    }
  }

  /** Gives nginx a configuration; what it says where it doesn't take it. */
  #apply(configuration: Configuration): string | undefined {
    const { global } = this.#store
    const dataOf = (key: string) => this.#store.configMap(key)?.data ?? {}
    try {
      this.#front.configure({ configuration, global, proxyHeaders: dataOf(global.proxyHeadersConfigMap), responseHeaders: dataOf(global.responseHeadersConfigMap) })
      return undefined
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      const line = '-------------------------------------------------------------------------------'
      return `\n${line}\nError: exit status 1\n[emerg] pcre2_compile() failed: ${error.message}\nnginx: configuration file ${CONFIG_FILE} test failed\n\n${line}\n`
    }
  }

  #configureStreams(): void {
    const dataOf = (protocol: 'TCP' | 'UDP') => this.#store.configMap(this.#streamConfigMaps[protocol])?.data ?? {}
    const reserved = new Set([['http-port', 80], ['https-port', 443], ['ssl-passthrough-proxy-port', 442], ['healthz-port', 10254], ['default-server-port', 8181], ['profiler-port', 10245], ['status-port', 10246], ['stream-port', 10247]].map(([name, port]) => this.#number(name as string, port as number)))
    this.#streams?.configure({ TCP: dataOf('TCP'), UDP: dataOf('UDP') }, reserved, this.#store.source((at, text) => klog(this.#proc, 'W', at, text)))
  }

  #podReference() {
    return { kind: 'Pod', apiVersion: 'v1', metadata: this.#pod.metadata }
  }

  /** The nginx process: what it listens on closes with it. */
  async #nginxProcess(child: Proc): Promise<number> {
    const ports = { http: this.#number('http-port', 80), https: this.#number('https-port', 443), fallback: this.#number('default-server-port', 8181) }
    await child.sleep(NGINX_START_MS)
    child.fs.writeFile(PID_FILE, `${child.pid}\n`)
    const serve = (scheme: 'http' | 'https', port: number) => (request: HttpRequest, peer: HttpPeer) => {
      if (this.#running === undefined) throw new UnixError('ECONNRESET', 'Connection reset by peer')
      return this.#front.answer(request, peer, scheme, port)
    }
    let secure: { listener: Listener; speaksHttp2: boolean } | undefined
    this.#listenForTls = () => {
      const speaksHttp2 = this.#front.usesHttp2
      if (secure?.speaksHttp2 === speaksHttp2) return
      secure?.listener.close()
      const listener = child.net.listenHttp(ports.https, serve('https', ports.https), { tls: { certificatePem: (name) => Promise.resolve(this.#front.certificateFor(name)?.pem ?? ''), keyPem: (name) => Promise.resolve(this.#front.certificateFor(name)?.keyPem ?? ''), plainAnswer: () => plainOnTlsPage('nginx') }, versions: speaksHttp2 ? ['h2', 'http/1.1'] : ['http/1.1'] })
      secure = { listener, speaksHttp2 }
    }
    this.#listenForTls()
    const listeners = [
      child.net.listenHttp(ports.http, serve('http', ports.http)),
      child.net.listenHttp(ports.fallback, () => errorPage(404, 'nginx')),
    ]
    this.#streams = new StreamServices(child)
    if (this.#running !== undefined) this.#configureStreams()
    await child.signal('SIGQUIT', 'SIGTERM')
    this.#listenForTls = undefined
    secure?.listener.close()
    for (const listener of listeners) listener.close()
    this.#nginx = 'stopped'
    return 0
  }

  #health(request: HttpRequest): Response {
    const { pathname } = new URL(request.url)
    const plain = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }
    if (pathname === '/metrics') return new Response(`# HELP process_resident_memory_bytes Resident memory size in bytes.\n# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes ${MEMORY_BYTES}\n`, { headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' } })
    if (pathname !== this.#text('health-check-path', '/healthz')) return new Response('404 page not found\n', { status: 404, headers: plain })
    if (this.#nginx === 'configured' && !this.#isShuttingDown) return new Response('ok', { headers: plain })
    return new Response('[+]ping ok\n[-]nginx-ingress-controller failed: reason withheld\nhealthz check failed\n', { status: 500, headers: plain })
  }

  /** k8s: ingress-nginx/pkg/util/process HandleSigterm, Stop */
  async #shutDown(status: IngressStatus, hasWebhook: boolean, quitNginx: () => void, nginxEnded: Promise<unknown>): Promise<number> {
    const proc = this.#proc
    this.#info('sigterm.go:36', '"Received SIGTERM, shutting down"')
    this.#isShuttingDown = true
    await proc.sleep(this.#number('shutdown-grace-period', 0) * 1000)
    this.#info('nginx.go:395', '"Shutting down controller queues"')
    if (!this.#flag('update-status-on-shutdown', true)) klog(proc, 'W', 'status.go:119', 'skipping update of status of Ingress rules')
    else if (this.#flag('update-status', true)) await status.clear().catch((error: Error) => { proc.killed.throwIfAborted(); klog(proc, 'E', 'status.go:125', `"error obtaining running IP address" err=${JSON.stringify(error.message)}`) })
    if (hasWebhook) this.#info('nginx.go:403', '"Stopping admission controller"')
    this.#info('nginx.go:411', '"Stopping NGINX process"')
    quitNginx()
    await nginxEnded
    await proc.sleep(1000)
    this.#info('nginx.go:424', '"NGINX process has stopped"')
    const delaySeconds = this.#number('post-shutdown-grace-period', 10)
    this.#info('sigterm.go:44', `Handled quit, delaying controller exit for ${delaySeconds} seconds`)
    await proc.sleep(delaySeconds * 1000)
    this.#info('sigterm.go:47', '"Exiting" code=0')
    return 0
  }
}
