import type { Proc } from '../../../unix/types.ts'
import type { ConfigMap, EndpointSlice, Ingress, IngressClass, Namespace, Secret, Service } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { createFakeCertificate } from '../front/server-certificate.ts'
import { slicesByService } from '../front/service-endpoints.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import { watchResource } from '../in-cluster/watched-resource.ts'
import type { ClusterObjects } from './cluster-objects.ts'
import type { DynamicConfiguration } from './configuration.ts'
import { loadCustomResources } from './crd-provider.ts'
import type { IngressRoute, Middleware, TraefikServiceObject } from './crd-types.ts'
import { GATEWAY_GROUP } from './gateway/gateway-context.ts'
import type { GatewayObjects } from './gateway/gateway-context.ts'
import { loadGateways } from './gateway/gateway-provider.ts'
import type { BackendTlsPolicy, Gateway, GatewayClass, GrpcRoute, HttpRoute, ReferenceGrant } from './gateway/gateway-types.ts'
import { writeStatuses } from './gateway/status-writer.ts'
import { HttpRouter } from './http-router.ts'
import { isTaken, loadIngresses } from './ingress-provider.ts'
import type { Complain } from './ingress-provider.ts'
import { addRedirections } from './redirections.ts'
import { traefikLog } from './log.ts'
import type { TraefikLog } from './log.ts'
import type { Handler } from './middlewares.ts'
import { readStaticConfiguration } from './static-configuration.ts'
import type { StaticConfiguration } from './static-configuration.ts'

/** Changes are gathered for that long. k8s: traefik/pkg/server ConfigurationWatcher */
const THROTTLE_MS = 500
const NO_GATEWAYS: GatewayObjects = { gatewayClasses: new Map(), gateways: new Map(), httpRoutes: new Map(), grpcRoutes: new Map(), backendTlsPolicies: new Map(), referenceGrants: new Map(), namespaces: new Map() }
/** The release of 3.x that follows BackendTLSPolicies of version v1. */
const FIRST_WITH_POLICIES = 6
/** What entry points speak, with TLS and without. */
const VERSIONS = ['h2', 'http/1.1'] as const
const MEMORY_BYTES = 80 * 2 ** 20

/** Where routers come from, as configuration and log name it. */
type Provider = 'kubernetes' | 'kubernetescrd' | 'kubernetesgateway'

/** Traefik: a proxy whose routers come from Ingresses, IngressRoutes and the Gateway API. @param version e.g. `3.6.13` */
export async function traefik(proc: Proc, version: string): Promise<number> {
  const args = proc.argv.slice(1)
  if (args[0] === 'version') { await proc.stdout.write(`Version:      ${version}\nOS/Arch:      linux/${proc.machine.hardware.architecture ?? 'amd64'}\n`); return 0 }
  let configuration: StaticConfiguration
  try { configuration = readStaticConfiguration(args) } catch (error) {
    await proc.stderr.write(`${new Date(proc.clock.nowMs()).toISOString().slice(0, 19)}Z ERR Command error error=${JSON.stringify((error as Error).message)}\n`)
    return 1
  }
  return new Traefik(proc, configuration, version).run()
}

class Traefik {
  readonly #proc: Proc
  readonly #static: StaticConfiguration
  readonly #log: TraefikLog
  readonly #version: string
  readonly #client: ClusterClient
  readonly #router: HttpRouter
  #objects: ClusterObjects = { ingresses: new Map(), ingressClasses: new Map(), services: new Map(), slices: new Map(), secrets: new Map(), configMaps: new Map(), ingressRoutes: new Map(), middlewares: new Map(), traefikServices: new Map(), gatewayApi: NO_GATEWAYS }
  #slices: ReadonlyMap<string, EndpointSlice> = new Map()
  /** Providers whose objects are all known; the others have no say yet. */
  readonly #synced = new Set<Provider>()
  #isDue = true
  /** What each provider complained about last, so that the same isn't said again. */
  readonly #told = new Map<string, string>()

  constructor(proc: Proc, configuration: StaticConfiguration, version: string) {
    this.#proc = proc
    this.#static = configuration
    this.#version = version
    this.#log = traefikLog(proc, configuration.logLevel)
    this.#client = clusterClient(proc, `traefik/${version}`)
    this.#router = new HttpRouter(proc, this.#log, configuration.accessLog)
  }

  async run(): Promise<number> {
    const proc = this.#proc
    const { entryPoints, ingress, crd, gateway } = this.#static
    this.#log('INF', `Traefik version ${this.#version}`, { version: this.#version })
    proc.useMemory(MEMORY_BYTES)
    proc.useCpuSteadily(2)
    const fallback = await proc.clock.outside(createFakeCertificate(proc.clock.nowMs(), { commonName: 'TRAEFIK DEFAULT CERT', dnsName: `${proc.random.hex(16)}.${proc.random.hex(16)}.traefik.default` }))
    const listeners = entryPoints.map((entryPoint) => {
      const certificate = (name: string | undefined) => this.#router.certificateFor(name) ?? fallback
      const answer = (request: Parameters<HttpRouter['answer']>[1], peer: Parameters<HttpRouter['answer']>[2], scheme: 'http' | 'https') => this.#own(entryPoint.name, request) ?? this.#router.answer(entryPoint, request, peer, scheme)
      // A listener takes either TLS or plain requests; the chart's are one for each.
      return entryPoint.tls ? proc.net.listenHttp(entryPoint.port, (request, peer) => answer(request, peer, 'https'), { tls: { certificatePem: async (name) => certificate(name).pem, keyPem: async (name) => certificate(name).keyPem }, versions: VERSIONS }) : proc.net.listenHttp(entryPoint.port, (request, peer) => answer(request, peer, 'http'), { versions: VERSIONS })
    })
    if (ingress) this.#log('INF', 'Starting provider *ingress.Provider')
    if (crd) this.#log('INF', 'Starting provider *crd.Provider')
    if (gateway) this.#log('INF', 'Starting provider *gateway.Provider')
    if (ingress || crd || gateway) this.#watchAll().catch(() => {})
    else this.#rebuild()
    await proc.signal('SIGTERM', 'SIGINT')
    this.#log('INF', 'I have to go...')
    this.#log('INF', 'Stopping server gracefully')
    for (const listener of listeners) listener.close()
    this.#log('INF', 'Server stopped')
    this.#log('INF', 'Shutting down')
    return 0
  }

  async #watchAll(): Promise<void> {
    const { ingress, crd, gateway } = this.#static
    const onError = (message: string) => this.#log('ERR', `Failed to watch: ${message}`)
    const watch = <T extends { metadata: { name?: string; resourceVersion?: string } }>(path: string) => watchResource<T>(this.#proc, this.#client, path, () => this.#changed(), onError)
    const none = <T>() => ({ objects: new Map<string, T>(), synced: Promise.resolve() })
    const networking = '/apis/networking.k8s.io/v1'
    const traefikIo = '/apis/traefik.io/v1alpha1'
    const ingresses = ingress ? watch<Ingress>(`${networking}/ingresses`) : none<Ingress>()
    const ingressClasses = ingress ? watch<IngressClass>(`${networking}/ingressclasses`) : none<IngressClass>()
    const services = watch<Service>('/api/v1/services')
    const slices = watch<EndpointSlice>('/apis/discovery.k8s.io/v1/endpointslices')
    const secrets = watch<Secret>('/api/v1/secrets')
    const ingressRoutes = crd ? watch<IngressRoute>(`${traefikIo}/ingressroutes`) : none<IngressRoute>()
    const middlewares = crd ? watch<Middleware>(`${traefikIo}/middlewares`) : none<Middleware>()
    const traefikServices = crd ? watch<TraefikServiceObject>(`${traefikIo}/traefikservices`) : none<TraefikServiceObject>()
    const gatewayV1 = `/apis/${GATEWAY_GROUP}/v1`
    const gatewayClasses = gateway ? watch<GatewayClass>(`${gatewayV1}/gatewayclasses`) : none<GatewayClass>()
    const gateways = gateway ? watch<Gateway>(`${gatewayV1}/gateways`) : none<Gateway>()
    const httpRoutes = gateway ? watch<HttpRoute>(`${gatewayV1}/httproutes`) : none<HttpRoute>()
    const grpcRoutes = gateway ? watch<GrpcRoute>(`${gatewayV1}/grpcroutes`) : none<GrpcRoute>()
    // Before, there were only policies of a version that is none of the standard channel's.
    const knowsPolicies = gateway !== undefined && Number(this.#version.split('.')[1]) >= FIRST_WITH_POLICIES
    const backendTlsPolicies = knowsPolicies ? watch<BackendTlsPolicy>(`${gatewayV1}/backendtlspolicies`) : none<BackendTlsPolicy>()
    const configMaps = knowsPolicies ? watch<ConfigMap>('/api/v1/configmaps') : none<ConfigMap>()
    const referenceGrants = gateway ? watch<ReferenceGrant>(`/apis/${GATEWAY_GROUP}/v1beta1/referencegrants`) : none<ReferenceGrant>()
    const namespaces = gateway ? watch<Namespace>('/api/v1/namespaces') : none<Namespace>()
    this.#objects = { ingresses: ingresses.objects, ingressClasses: ingressClasses.objects, services: services.objects, slices: new Map(), secrets: secrets.objects, configMaps: configMaps.objects, ingressRoutes: ingressRoutes.objects, middlewares: middlewares.objects, traefikServices: traefikServices.objects, gatewayApi: { gatewayClasses: gatewayClasses.objects, gateways: gateways.objects, httpRoutes: httpRoutes.objects, grpcRoutes: grpcRoutes.objects, backendTlsPolicies: backendTlsPolicies.objects, referenceGrants: referenceGrants.objects, namespaces: namespaces.objects } }
    this.#slices = slices.objects
    // Each provider begins by itself: definitions that aren't installed keep only the one that needs them waiting.
    const begin = async (provider: Provider, own: readonly { synced: Promise<void> }[]) => {
      await Promise.all([services, slices, secrets, ...own].map(({ synced }) => synced))
      this.#synced.add(provider)
      this.#isDue = false
      this.#rebuild()
    }
    await Promise.all([
      ...ingress ? [begin('kubernetes', [ingresses, ingressClasses])] : [],
      ...crd ? [begin('kubernetescrd', [ingressRoutes, middlewares, traefikServices])] : [],
      ...gateway ? [begin('kubernetesgateway', [gatewayClasses, gateways, httpRoutes, grpcRoutes, backendTlsPolicies, configMaps, referenceGrants, namespaces])] : [],
    ])
  }

  #changed(): void {
    if (this.#isDue) return
    this.#isDue = true
    void this.#proc.sleep(THROTTLE_MS).then(() => { this.#isDue = false; this.#rebuild() }, () => {})
  }

  #rebuild(): void {
    const { entryPoints } = this.#static
    const configuration: DynamicConfiguration = { routers: new Map(), services: new Map(), middlewares: new Map(), certificates: [] }
    this.#objects = { ...this.#objects, slices: slicesByService(this.#slices.values()) }
    const complaints = new Map<string, [message: string, fields: Readonly<Record<string, string>>][]>()
    const complain = (provider: Provider | 'internal'): Complain => {
      const own: [string, Readonly<Record<string, string>>][] = []
      complaints.set(provider, own)
      return (message, fields = {}) => own.push([message, { providerName: provider, ...fields }])
    }
    const begun = <T>(provider: Provider, options: T | undefined) => (this.#synced.has(provider) ? options : undefined)
    const [ingress, crd, gateway] = [begun('kubernetes', this.#static.ingress), begun('kubernetescrd', this.#static.crd), begun('kubernetesgateway', this.#static.gateway)]
    if (ingress) loadIngresses(this.#objects, ingress, configuration, complain('kubernetes'))
    if (crd) loadCustomResources(this.#objects, crd, configuration, complain('kubernetescrd'))
    const report = gateway && loadGateways(this.#objects, this.#objects.gatewayApi, { ...gateway, knowsMiddlewares: this.#static.crd !== undefined }, entryPoints, this.#proc.clock.nowMs(), configuration, complain('kubernetesgateway'))
    addRedirections(entryPoints, configuration, complain('internal'))
    for (const [provider, own] of complaints) {
      const told = JSON.stringify(own)
      if (told !== this.#told.get(provider)) for (const [message, fields] of own) this.#log('ERR', message, fields)
      this.#told.set(provider, told)
    }
    const internal = new Map<string, Handler>([['noop@internal', () => Promise.resolve(new Response('404 page not found\n', { status: 404 }))]])
    if (this.#static.api) internal.set('api@internal', ({ path }) => Promise.resolve(this.#apiAnswer(path) ?? new Response('404 page not found\n', { status: 404 })))
    if (this.#static.ping) internal.set('ping@internal', () => Promise.resolve(new Response('OK', { headers: { 'content-length': '2' } })))
    this.#router.configure(configuration, entryPoints, this.#objects.secrets, internal)
    if (ingress) this.#writeStatus().catch(() => {})
    if (report) writeStatuses(report, this.#objects.gatewayApi, this.#client, this.#log).catch(() => {})
  }

  /** Copies the address of the Service in front of Traefik to its Ingresses. k8s: updateIngressStatus */
  async #writeStatus(): Promise<void> {
    const { publishedService, ip, hostname, ingressClass } = this.#static.ingress!
    let points: { ip?: string; hostname?: string }[]
    if (publishedService === '') {
      if (ip === '' && hostname === '') return
      points = [{ ...ip ? { ip } : {}, ...hostname ? { hostname } : {} }]
    } else {
      const service = this.#objects.services.get(publishedService)
      if (service?.spec.type !== 'LoadBalancer' || !service.status?.loadBalancer?.ingress) return
      points = service.status.loadBalancer.ingress.map(({ ip: one, hostname: name }) => ({ ...one ? { ip: one } : {}, ...name ? { hostname: name } : {} }))
    }
    const plain = (list: readonly { ip?: string; hostname?: string }[] = []) => list.map((each) => `${each.ip ?? ''} ${each.hostname ?? ''}`).join()
    for (const object of this.#objects.ingresses.values()) {
      if (!isTaken(object, this.#objects, ingressClass) || plain(object.status?.loadBalancer?.ingress) === plain(points)) continue
      const { namespace, name } = object.metadata
      try {
        await apiCall(this.#client, 'PUT', `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses/${name}/status`, { ...object, status: { ...object.status, loadBalancer: { ingress: points } } })
        this.#log('INF', 'Updated ingress status', { ingress: name!, namespace: namespace! })
      } catch (error) {
        if (this.#proc.killed.aborted) throw error
        if (!isStatusError(error, 'Conflict') && !isStatusError(error, 'NotFound')) this.#log('ERR', 'Error while updating ingress status', { ingress: name!, namespace: namespace!, error: (error as Error).message })
      }
    }
  }

  /** What Traefik answers itself on an entry point, before any router. */
  #own(entryPoint: string, request: { url: string }): Response | undefined {
    const { pathname } = new URL(request.url)
    const { ping, apiInsecure, metrics } = this.#static
    if (entryPoint === 'traefik' && ping && pathname === '/ping') return new Response('OK', { headers: { 'content-type': 'text/plain; charset=utf-8', 'content-length': '2' } })
    if (entryPoint === metrics && pathname === '/metrics') return new Response(`# TYPE traefik_entrypoint_requests_total counter\n${[...this.#router.answered].map(([labels, count]) => `traefik_entrypoint_requests_total{${labels}} ${count}\n`).join('')}`, { headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' } })
    return entryPoint === 'traefik' && apiInsecure ? this.#apiAnswer(pathname) : undefined
  }

  /** The API of the dashboard; its pages aren't here. */
  #apiAnswer(path: string): Response | undefined {
    const json = (value: unknown) => new Response(`${JSON.stringify(value)}\n`, { headers: { 'content-type': 'application/json' } })
    const routers = () => this.#router.routers.map(({ name, rule, entryPoints, service, middlewares, priority, tls }) => ({ entryPoints, ...middlewares.length > 0 ? { middlewares } : {}, service, rule, priority: priority || rule.length, ...tls ? { tls: {} } : {}, status: 'enabled', name, provider: name.split('@').at(-1) }))
    const services = () => [...this.#router.services].map(([name, service]) => ({ ...service.kind === 'servers' ? { loadBalancer: { servers: service.servers.map((server) => ({ url: `${service.scheme}://${server}` })), passHostHeader: service.passHostHeader } } : { weighted: { services: service.services } }, status: 'enabled', name, provider: name.split('@').at(-1) }))
    switch (path) {
      case '/api/http/routers': return json(routers())
      case '/api/http/services': return json(services())
      case '/api/version': return json({ Version: this.#version })
      case '/api/entrypoints': return json(this.#static.entryPoints.map(({ name, port }) => ({ address: `:${port}/tcp`, name })))
      case '/api/rawdata': return json({ routers: Object.fromEntries(routers().map(({ name, ...rest }) => [name, rest])), services: Object.fromEntries(services().map(({ name, ...rest }) => [name, rest])) })
      default: return undefined
    }
  }
}
