import type { EndpointSlice, Ingress, IngressBackend, IngressServiceBackend, Service } from '../../kinds/generated/types.ts'
import { readyEndpoints } from '../front/service-endpoints.ts'
import type { CanaryOptions, IngressOptions } from './annotations.ts'
import type { ServerCertificate } from '../front/server-certificate.ts'
import { isForHost } from '../front/server-certificate.ts'

/** An Ingress of this controller with what its annotations say. */
export interface TakenIngress {
  ingress: Ingress
  options: IngressOptions
}

/** Where requests of a location go. */
export interface Backend {
  /** `namespace-service-port`. */
  name: string
  /** `host:port` each. */
  endpoints: string[]
  /** Of an Ingress that only lends its backends: which requests they take over. */
  canary: CanaryOptions | undefined
  /** Names of the backends that take over some of its requests. */
  alternatives: string[]
  /** How clients are kept at an endpoint. */
  affinity: IngressOptions['affinity']
}

export interface Location {
  path: string
  /** The path as the Ingress has it: a prefix gets a second location without its slash. */
  ingressPath: string
  pathType: 'Exact' | 'Prefix'
  backend: string
  /** Name of the backend for what `default-backend` and `custom-http-errors` say. */
  errorBackend: string
  /** Nobody asked for it: requests that nothing else takes. */
  isDefault: boolean
  /** Undefined for the default server's own location. */
  taken: TakenIngress | undefined
  service: { name: string; port: string } | undefined
}

export interface Server {
  /** `_` for hosts that nobody names. */
  hostname: string
  aliases: string[]
  certificate: ServerCertificate | undefined
  /** Whether `www.` of it leads here, or it leads there. */
  redirectsFromToWww: boolean
  locations: Location[]
}

/** What the server is to do: everything that Ingresses, Services, endpoints and Secrets come to. */
export interface Configuration {
  backends: Map<string, Backend>
  servers: Server[]
}

/** What the controller knows of the cluster. */
export interface ConfigurationSource {
  service(key: string): Service | undefined
  slices(serviceKey: string): readonly EndpointSlice[]
  certificate(secretKey: string): ServerCertificate | undefined
  defaultCertificate: ServerCertificate
  /** `namespace/name` of the Service for requests that nothing takes; empty: the server's own 404. */
  defaultService: string
  nowMs: number
  warn(at: string, text: string): void
}

export const DEFAULT_BACKEND = 'upstream-default-backend'
export const CATCH_ALL = '_'
/** The server's own answer to what nothing takes. */
export const DEFAULT_ENDPOINT = '127.0.0.1:8181'
const TEN_DAYS_MS = 240 * 3600 * 1000

const portOf = ({ port }: IngressServiceBackend) => String(port?.number || port?.name || '')
const backendName = (namespace: string, service: IngressServiceBackend | undefined) => (service && portOf(service) ? `${namespace}-${service.name}-${portOf(service)}` : `${namespace}-INVALID`)

/** Puts the Ingresses together, oldest first. Pure but for warnings. k8s: ingress-nginx/internal/ingress/controller getConfiguration */
export function buildConfiguration(taken: readonly TakenIngress[], source: ConfigurationSource): Configuration {
  const backends = createBackends(taken, source)
  const servers = createServers(taken, backends, source)
  addLocations(taken, backends, servers)
  if (taken.some(({ options }) => !options.canary)) for (const each of taken) if (each.options.canary) lendBackends(each, backends, servers, source)
  for (const server of servers.values()) for (const location of server.locations) addErrorBackend(location, backends, source)
  const byPath = (a: Location, b: Location) => b.path.length - a.path.length || (a.path < b.path ? 1 : a.path > b.path ? -1 : 0)
  for (const server of servers.values()) server.locations = withExactPrefixes(server.locations.sort(byPath))
  return { backends, servers: [...servers.values()].sort((a, b) => (a.hostname < b.hostname ? -1 : 1)) }
}

/** Whether the paths of a server are regular expressions. k8s: enforceRegexModifier */
export function usesRegex(server: Server): boolean {
  return server.locations.some((location) => isRewritten(location) || location.taken?.options.usesRegex)
}

/** Whether a location changes the path. k8s: needsRewrite */
export function isRewritten({ path, taken, isDefault }: Location): boolean {
  const target = isDefault && !taken ? '' : taken?.options.rewriteTarget ?? ''
  return target !== '' && target !== path
}

function createBackends(taken: readonly TakenIngress[], source: ConfigurationSource): Map<string, Backend> {
  const backends = new Map<string, Backend>()
  const service = source.defaultService === '' ? undefined : source.service(source.defaultService)
  const ofDefault = service ? endpointsOf(service, service.spec.ports?.[0], source) : []
  backends.set(DEFAULT_BACKEND, { name: DEFAULT_BACKEND, endpoints: ofDefault.length > 0 ? ofDefault : [DEFAULT_ENDPOINT], canary: undefined, alternatives: [], affinity: undefined })
  for (const { ingress: { metadata, spec }, options } of taken) {
    const add = (backend: IngressBackend, isWhole: boolean) => {
      if (!backend.service) return
      const name = backendName(metadata.namespace!, backend.service)
      if (!isWhole && backends.has(name)) return
      const made: Backend = { name, endpoints: [], canary: options.canary, alternatives: [], affinity: undefined }
      backends.set(name, made)
      const key = `${metadata.namespace}/${backend.service.name}`
      const found = source.service(key)
      if (!found) {
        const missing = `no object matching key "${key}" in local store`
        source.warn(isWhole ? 'controller.go:1071' : 'controller.go:1135', isWhole ? `Error creating upstream "${name}": ${missing}` : `Error obtaining Endpoints for Service "${key}": ${missing}`)
        return
      }
      made.endpoints = options.serviceUpstream ? clusterEndpoint(found, backend.service) : serviceEndpoints(found, portOf(backend.service), source)
    }
    if (spec.defaultBackend) add(spec.defaultBackend, true)
    for (const rule of spec.rules ?? []) for (const path of rule.http?.paths ?? []) add(path.backend, false)
  }
  return backends
}

function clusterEndpoint({ spec }: Service, backend: IngressServiceBackend): string[] {
  if (!spec.clusterIP || spec.clusterIP === 'None') return []
  const port = backend.port?.number || spec.ports?.find((each) => each.name === backend.port?.name)?.port
  return port === undefined ? [] : [`${spec.clusterIP}:${port}`]
}

/** Where requests for a port of a Service go, by its number or name, or the number or name that it stands for. k8s: serviceEndpoints */
export function serviceEndpoints(service: Service, port: string, source: ConfigurationSource, protocol = 'TCP'): string[] {
  const key = `${service.metadata.namespace}/${service.metadata.name}`
  const found = service.spec.ports?.find((each) => String(each.port) === port || String(each.targetPort ?? each.port) === port || each.name === port)
  if (service.spec.type === 'ExternalName') {
    if (service.spec.externalName === 'localhost' || /^127\./.test(service.spec.externalName ?? '')) return []
    return [`${service.spec.externalName}:${Number(found?.targetPort ?? found?.port ?? port) || port}`]
  }
  if (!found) return []
  const endpoints = endpointsOf(service, found, source, protocol)
  if (endpoints.length === 0) source.warn('controller.go:1241', `Service "${key}" does not have any active Endpoint.`)
  return endpoints
}

/** k8s: getEndpointsFromSlices */
function endpointsOf(service: Service, port: NonNullable<Service['spec']['ports']>[number] | undefined, source: ConfigurationSource, protocol = 'TCP'): string[] {
  if (!port) return []
  return readyEndpoints(source.slices(`${service.metadata.namespace}/${service.metadata.name}`), (slice) => {
    const ports = slice.ports ?? []
    const numbers = ports.filter((each) => (each.protocol ?? 'TCP') === protocol).flatMap((each) => {
      const number = !port.name || port.name === each.name ? each.port : typeof port.targetPort === 'number' ? port.targetPort : undefined
      return number ? [number] : []
    })
    return ports.length === 0 && typeof port.targetPort === 'number' ? [port.targetPort] : numbers
  })
}

/** The hosts, each with a location for what no path takes. k8s: createServers */
function createServers(taken: readonly TakenIngress[], backends: ReadonlyMap<string, Backend>, source: ConfigurationSource): Map<string, Server> {
  const root = (backend: string, of?: TakenIngress): Location => ({ path: '/', ingressPath: '/', pathType: 'Prefix', backend, errorBackend: DEFAULT_BACKEND, isDefault: true, taken: of, service: undefined })
  const catchAll: Server = { hostname: CATCH_ALL, aliases: [], certificate: source.defaultCertificate, redirectsFromToWww: false, locations: [root(DEFAULT_BACKEND)] }
  const servers = new Map([[CATCH_ALL, catchAll]])
  const main = taken.filter(({ options }) => !options.canary)
  for (const each of main) {
    const { metadata, spec } = each.ingress
    let backend = DEFAULT_BACKEND
    if (spec.defaultBackend?.service) {
      const name = backendName(metadata.namespace!, spec.defaultBackend.service)
      if (backends.has(name)) backend = name
      const [first] = catchAll.locations
      if (backend === name && first!.isDefault && !spec.rules?.length) {
        // Redirects and rewrites don't apply to what nothing else takes.
        const options: IngressOptions = { ...each.options, redirect: undefined, rewriteTarget: '', appRoot: '', usesRegex: false, sslRedirect: false, forceSslRedirect: false }
        catchAll.locations[0] = { ...first!, isDefault: false, backend, taken: { ...each, options }, service: serviceOf(spec.defaultBackend.service) }
      }
    }
    for (const { host = '' } of spec.rules ?? []) {
      const hostname = host || CATCH_ALL
      if (!servers.has(hostname)) servers.set(hostname, { hostname, aliases: [], certificate: undefined, redirectsFromToWww: false, locations: [root(backend, each)] })
    }
  }
  for (const each of main) {
    for (const { host = '' } of each.ingress.spec.rules ?? []) {
      const server = servers.get(host || CATCH_ALL)!
      if (server.aliases.length === 0) server.aliases = each.options.aliases
      else source.warn('controller.go:1422', `Aliases already configured for server "${server.hostname}", skipping (Ingress "${each.ingress.metadata.namespace}/${each.ingress.metadata.name}")`)
      server.certificate ??= certificateFor(server.hostname, each.ingress, source)
    }
  }
  for (const server of servers.values()) server.aliases = server.aliases.filter((alias) => alias !== server.hostname && !servers.has(alias))
  return servers
}

/** The certificate of a host, as the Ingress' TLS section says; undefined without one. */
function certificateFor(host: string, { metadata, spec }: Ingress, source: ConfigurationSource): ServerCertificate | undefined {
  if (!spec.tls?.length) return undefined
  const keyOf = (name: string) => `${metadata.namespace}/${name}`
  const secretName = spec.tls.find(({ hosts }) => hosts?.some((each) => each.toLowerCase() === host.toLowerCase()))?.secretName
    ?? (spec.tls.some(({ hosts }) => hosts?.some((each) => each.toLowerCase() === host.toLowerCase())) ? undefined : spec.tls.find((tls) => {
      const certificate = tls.secretName ? source.certificate(keyOf(tls.secretName)) : undefined
      return certificate !== undefined && isForHost(certificate, host)
    })?.secretName)
  if (!secretName) return source.defaultCertificate
  const key = keyOf(secretName)
  const certificate = source.certificate(key)
  if (!certificate) {
    source.warn('controller.go:1468', `Error getting SSL certificate "${key}": local SSL certificate ${key} was not found. Using default certificate`)
    return source.defaultCertificate
  }
  if (!isForHost(certificate, host)) {
    const why = `x509: certificate is ${certificate.names.length > 0 ? `valid for ${certificate.names.join(', ')}` : 'not valid for any names'}, ${certificate.names.length > 0 ? 'not' : 'but wanted to match'} ${host}`
    source.warn('controller.go:1482', `Unexpected error validating SSL certificate "${key}" for server "${host}": ${why}`)
    source.warn('controller.go:1483', 'Validating certificate against DNS names. This will be deprecated in a future version')
    source.warn('controller.go:1488', `SSL certificate "${key}" does not contain a Common Name or Subject Alternative Name for server "${host}": ${why}`)
    source.warn('controller.go:1489', 'Using default certificate')
    return source.defaultCertificate
  }
  const at = new Date(certificate.expiresMs).toISOString().replace('T', ' ').replace('.000Z', ' +0000 UTC')
  if (certificate.expiresMs < source.nowMs) source.warn('controller.go:1499', `SSL certificate for server "${host}" expired (${at})`)
  else if (certificate.expiresMs < source.nowMs + TEN_DAYS_MS) source.warn('controller.go:1501', `SSL certificate for server "${host}" is about to expire (${at})`)
  return certificate
}

const serviceOf = (service: IngressServiceBackend) => ({ name: service.name, port: portOf(service) })

/** Gives the servers the paths of the rules: who was there first keeps a path. */
function addLocations(taken: readonly TakenIngress[], backends: ReadonlyMap<string, Backend>, servers: ReadonlyMap<string, Server>): void {
  for (const each of taken) {
    const { metadata, spec } = each.ingress
    for (const rule of spec.rules ?? []) {
      const server = servers.get(rule.host || CATCH_ALL) ?? servers.get(CATCH_ALL)!
      for (const { backend: { service }, path: given = '', pathType } of rule.http?.paths ?? []) {
        const backend = service && backends.get(backendName(metadata.namespace!, service))
        if (!backend || backend.canary) continue
        const path = given || '/'
        const held = server.locations.find((location) => location.path === path)
        const asked: Location = { path, ingressPath: path, pathType: effectiveType(pathType), backend: backend.name, errorBackend: DEFAULT_BACKEND, isDefault: false, taken: each, service: serviceOf(service) }
        if (!held || held.pathType !== asked.pathType) server.locations.push(asked)
        else if (held.isDefault) server.locations[server.locations.indexOf(held)] = asked
        if (each.options.redirect?.fromToWww) server.redirectsFromToWww = true
        backend.affinity ??= each.options.affinity
      }
    }
  }
}

/** What is left to the implementation is a prefix here. k8s: SetDefaultNGINXPathType */
function effectiveType(pathType: string | undefined): Location['pathType'] {
  return pathType === 'Exact' ? pathType : 'Prefix'
}

/** Lets the backends of a canary take over requests of the same host and path. k8s: mergeAlternativeBackends */
function lendBackends({ ingress: { metadata, spec } }: TakenIngress, backends: Map<string, Backend>, servers: ReadonlyMap<string, Server>, source: ConfigurationSource): void {
  const lend = (service: IngressServiceBackend | undefined, host: string, fits: (location: Location) => boolean) => {
    const name = backendName(metadata.namespace!, service)
    const server = servers.get(host)
    if (!service || !backends.has(name)) return
    if (!server) return source.warn('controller.go:1680', `cannot merge alternative backend ${name} into hostname ${host} that does not exist`)
    let lent = false
    for (const location of server.locations) {
      const primary = backends.get(location.backend)
      if (!primary) continue
      if (primary.name === name) {
        source.warn('controller.go:1696', `alternative upstream ${name} in Ingress ${metadata.namespace}/${metadata.name} is primary upstream in Other Ingress for location ${server.hostname}${location.path}!`)
        return
      }
      if (primary.name === DEFAULT_BACKEND || primary.canary || !fits(location)) continue
      lent = true
      if (!primary.alternatives.includes(name)) primary.alternatives.push(name)
    }
    if (lent) return
    source.warn('controller.go:1710', `unable to find real backend for alternative backend ${name}. Deleting.`)
    backends.delete(name)
  }
  if (spec.defaultBackend) lend(spec.defaultBackend.service, CATCH_ALL, () => true)
  for (const rule of spec.rules ?? [])
    for (const path of rule.http?.paths ?? []) lend(path.backend.service, rule.host || CATCH_ALL, (location) => location.path === path.path && location.pathType === effectiveType(path.pathType))
}

/** The backend that an Ingress names for errors, which also stands in for one without endpoints. k8s: shouldCreateUpstreamForLocationDefaultBackend */
function addErrorBackend(location: Location, backends: Map<string, Backend>, source: ConfigurationSource): void {
  const { options, ingress } = location.taken ?? {}
  const primary = backends.get(location.backend)
  if (!options?.defaultBackend || !primary || primary.name === DEFAULT_BACKEND || (primary.endpoints.length > 0 && options.customHttpErrors.length === 0)) return
  const service = source.service(`${ingress!.metadata.namespace}/${options.defaultBackend}`)
  const endpoints = service ? endpointsOf(service, service.spec.ports?.[0], source) : []
  if (endpoints.length === 0) return
  const name = `custom-default-backend-${ingress!.metadata.namespace}-${options.defaultBackend}`
  backends.set(name, { name, endpoints, canary: undefined, alternatives: [], affinity: undefined })
  location.errorBackend = name
  if (primary.endpoints.length === 0) location.backend = name
}

/** A prefix holds for whole elements of a path: `/a` is `/a` and what is below `/a/`. k8s: updateServerLocations */
function withExactPrefixes(locations: readonly Location[]): Location[] {
  const exact = new Set(locations.filter(({ pathType }) => pathType === 'Exact').map(({ path }) => path))
  return locations.flatMap((location): Location[] => {
    if (location.path === '/' || location.pathType !== 'Prefix' || isRewritten(location) || location.taken?.options.usesRegex) return [location]
    const below = { ...location, path: location.path.endsWith('/') ? location.path : `${location.path}/` }
    return exact.has(location.path) ? [below] : [below, { ...location, pathType: 'Exact' }]
  })
}
