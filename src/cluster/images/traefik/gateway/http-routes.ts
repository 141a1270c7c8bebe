import type { Condition, Service } from '../../../kinds/generated/types.ts'
import { serversOf } from '../cluster-objects.ts'
import type { DynamicConfiguration, Router, TraefikService } from '../configuration.ts'
import { normalized } from '../ingress-provider.ts'
import type { Complain } from '../ingress-provider.ts'
import { ruleKey } from '../names.ts'
import { policyTls } from './backend-tls-policies.ts'
import type { PolicyReports, PolicyTls } from './backend-tls-policies.ts'
import { filterMiddleware } from './filters.ts'
import { CONTROLLER, GATEWAY_GROUP, conditionsOf, demandGrant } from './gateway-context.ts'
import type { GatewayContext, MakeCondition } from './gateway-context.ts'
import type { Gateway, HttpBackendReference, HttpRoute, HttpRouteFilter, ParentReference, PathMatch, Route, RouteParentStatus } from './gateway-types.ts'
import type { BoundListener } from './listeners.ts'
import { commonHostnames, matchRule } from './match-rule.ts'

/** A Gateway of Traefik's classes with its listeners. */
export interface BoundGateway {
  gateway: Gateway
  listeners: readonly BoundListener[]
}

type Configuration = Pick<DynamicConfiguration, 'routers' | 'services' | 'middlewares'>

const PROVIDER = '@kubernetesgateway'

/** What a route's parents say of it: whether each listener takes it, and what `load` finds about its references. k8s: loadHTTPRoutes */
export function parentStatuses(route: Route, kind: string, gateways: readonly BoundGateway[], condition: MakeCondition, load: (gateway: Gateway, listener: BoundListener, hostnames: readonly string[], isAttached: boolean) => Condition): RouteParentStatus[] {
  return (route.spec.parentRefs ?? []).flatMap((parentRef) => {
    const parent = gateways.find(({ gateway }) => isParent(parentRef, gateway, route.metadata.namespace))
    if (!parent) return []
    let reason = 'NoMatchingParent'
    let isAccepted = false
    let references: Condition | undefined
    for (const listener of parent.listeners) {
      const hostnames = commonHostnames(listener.listener.hostname, route.spec.hostnames)
      const refusal = isMeant(parentRef, listener) ? refusalOf(listener, route.metadata.namespace, kind, hostnames) : 'NoMatchingParent'
      if (refusal === undefined) listener.status.attachedRoutes++
      else if (!isAccepted && refusal !== 'NoMatchingParent') reason = refusal
      const isAttached = refusal === undefined && listener.attached
      const found = load(parent.gateway, listener, hostnames ?? [], isAttached)
      if (references === undefined || references.status === 'True') references = found
      if (isAttached) [isAccepted, reason] = [true, 'Accepted']
    }
    return [{ parentRef, controllerName: CONTROLLER, conditions: [condition('Accepted', isAccepted ? 'True' : 'False', reason), ...references ? [references] : []] }]
  })
}

function isParent({ group = GATEWAY_GROUP, kind = 'Gateway', name, namespace }: ParentReference, { metadata }: Gateway, own: string): boolean {
  return group === GATEWAY_GROUP && kind === 'Gateway' && name === metadata.name && (namespace ?? own) === metadata.namespace
}

function isMeant({ sectionName, port }: ParentReference, { listener }: BoundListener): boolean {
  return (!sectionName || sectionName === listener.name) && (port === undefined || port === listener.port)
}

function refusalOf({ routeKinds, namespaces }: BoundListener, namespace: string, kind: string, hostnames: readonly string[] | undefined): string | undefined {
  if (!routeKinds.includes(kind) || namespaces?.has(namespace) === false) return 'NotAllowedByListeners'
  return hostnames === undefined ? 'NoMatchingListenerHostname' : undefined
}

/** Routers, services and middlewares of an HTTPRoute at its listeners, and what its parents say of it. k8s: loadHTTPRoute */
export function loadHttpRoute(route: HttpRoute, gateways: readonly BoundGateway[], context: GatewayContext, into: Configuration, policies: PolicyReports, complain: Complain): RouteParentStatus[] {
  const condition = conditionsOf(route.metadata.generation, context.nowMs)
  return parentStatuses(route, 'HTTPRoute', gateways, condition, (gateway, listener, hostnames, isAttached) => {
    // References are looked at for every listener; only those that take the route serve it.
    const own: Configuration = { routers: new Map(), services: new Map(), middlewares: new Map() }
    const references = addRoute(route, gateway, listener, hostnames, context, condition, own, isAttached ? policies : new Map(), isAttached ? complain : () => {})
    if (isAttached) {
      for (const [name, router] of own.routers) into.routers.set(name, router)
      for (const [name, service] of own.services) into.services.set(name, service)
      for (const [name, middleware] of own.middlewares) into.middlewares.set(name, middleware)
    }
    return references
  })
}

function addRoute({ metadata: { namespace, name }, spec: { rules = [] } }: HttpRoute, gateway: Gateway, bound: BoundListener, hostnames: readonly string[], context: GatewayContext, condition: MakeCondition, into: Configuration, policies: PolicyReports, complain: Complain): Condition {
  const { listener, entryPoint } = bound
  const of = { http_route: name, namespace }
  let references = condition('ResolvedRefs', 'True', 'ResolvedRefs')
  for (const [i, { matches = [{ path: { type: 'PathPrefix', value: '/' } }], filters = [], backendRefs = [] }] of rules.entries()) {
    const routeKey = normalized(`httproute-${namespace}-${name}-gw-${gateway.metadata.namespace}-${gateway.metadata.name}-ep-${entryPoint}-${i}`)
    for (const match of matches) {
      const { rule, priority } = matchRule(hostnames, match)
      const key = `${routeKey}-${ruleKey(rule)}`
      const router: Router = { name: `${key}${PROVIDER}`, entryPoints: [entryPoint], rule, priority: priority + rules.length - i, middlewares: [], service: `${key}-wrr${PROVIDER}`, tls: listener.protocol === 'HTTPS' }
      try {
        router.middlewares = addFilters(filters, key, namespace, match.path, context, into)
        const [only] = backendRefs
        if (backendRefs.length === 1 && isInternal(only!)) router.service = only!.name
        else {
          const services = backendRefs.map((reference, at) => {
            const as = `${key}-svc-${reference.namespace ?? namespace}-${reference.name}-${at}`
            const weight = reference.weight ?? 1
            try { return { name: addBackend(reference, as, namespace, match.path, context, into, (service, port) => policyTls(reference.namespace || namespace, service, port, gateway, bound, context, policies)), weight } } catch (error) {
              if (!(error instanceof BackendError)) throw error
              complain(`Unable to load HTTPRoute backend: ${error.message}`, of)
              references = condition('ResolvedRefs', 'False', error.reason, error.message)
              return { name: `${as}${PROVIDER}`, weight, status: 500 }
            }
          })
          into.services.set(router.service, { kind: 'weighted', services, sticky: undefined })
        }
      } catch (error) {
        complain('Unable to load HTTPRoute filters', { ...of, error: (error as Error).message })
        router.service = `${key}-err-wrr${PROVIDER}`
        into.services.set(router.service, { kind: 'weighted', services: [{ name: `invalid-httproute-filter${PROVIDER}`, weight: 1, status: 500 }], sticky: undefined })
      }
      into.routers.set(router.name, router)
    }
  }
  return references
}

/** The names of the middlewares that filters come to. @throws Error */
function addFilters(filters: readonly HttpRouteFilter[], parent: string, namespace: string, path: PathMatch | undefined, { knowsMiddlewares }: GatewayContext, into: Configuration): string[] {
  return filters.map((filter, i) => {
    const made = filterMiddleware(filter, namespace, path, knowsMiddlewares)
    if ('name' in made) return made.name
    const name = `${parent}-${filter.type.toLowerCase()}-${i}${PROVIDER}`
    into.middlewares.set(name, { namespace, spec: made.spec })
    return name
  })
}

/** TLS settings that a policy has for a Service's port. @throws Error */
type TlsOf = (service: string, port: NonNullable<Service['spec']['ports']>[number]) => PolicyTls | undefined

/** A reference to a backend that can't be followed. */
class BackendError extends Error {
  readonly reason: string
  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

/** Adds the service of a backend. @returns its name @throws BackendError. k8s: loadService */
function addBackend(reference: HttpBackendReference, as: string, own: string, path: PathMatch | undefined, context: GatewayContext, into: Configuration, tlsOf: TlsOf): string {
  const { kind = 'Service', name, port, filters = [] } = reference
  const group = reference.group || 'core'
  const namespace = reference.namespace || own
  const shown = `${group}/${kind}/${namespace}/${name}`
  if (reference.namespace && name.includes('@')) throw new BackendError('RefNotPermitted', `Cannot load HTTPBackendRef ${shown}: namespace is not allowed with a cross-provider reference`)
  try { demandGrant(context.objects, { kind: 'HTTPRoute', namespace: own }, { group, kind, name, namespace }) } catch (error) {
    throw new BackendError('RefNotPermitted', `Cannot load HTTPBackendRef ${shown}: ${(error as Error).message}`)
  }
  let middlewares: string[]
  try { middlewares = addFilters(filters, as, own, path, context, into) } catch (error) {
    throw new BackendError('InvalidKind', `Cannot load filters on HTTPBackendRef ${shown}: ${(error as Error).message}`)
  }
  if (group !== 'core' || kind !== 'Service') {
    if (kind === 'TraefikService' && name.includes('@')) return name
    throw new BackendError('InvalidKind', `Cannot load HTTPBackendRef ${shown}: unsupported HTTPBackendRef ${group}/${kind}/${name}`)
  }
  if (!port) throw new BackendError('UnsupportedProtocol', `Cannot load HTTPBackendRef ${shown}: port is required`)
  into.services.set(`${as}${PROVIDER}`, { ...serversOfBackend(namespace, name, port, context, tlsOf), middlewares })
  return `${as}${PROVIDER}`
}

/** k8s: getBackendAddresses, getHTTPServiceProtocol. @throws BackendError */
function serversOfBackend(namespace: string, name: string, port: number, { cluster }: GatewayContext, tlsOf: TlsOf): Extract<TraefikService, { kind: 'servers' }> {
  const refuse = (reason: string, why: string): never => { throw new BackendError(reason, `Cannot load HTTPBackendRef ${namespace}/${name}: ${why}`) }
  const service = cluster.services.get(`${namespace}/${name}`)
  if (!service) return refuse('BackendNotFound', `getting service: service "${name}" not found`)
  if (service.spec.type === 'ExternalName') return refuse('BackendNotFound', 'type ExternalName is not supported for Kubernetes Service reference')
  const found = service.spec.ports?.find((each) => each.port === port)
  if (!found) return refuse('BackendNotFound', `service port ${port} not found`)
  if (!cluster.slices.get(`${namespace}/${name}`)?.length) return refuse('BackendNotFound', 'endpointslices not found')
  const { servers } = serversOf(cluster, namespace, name, port)
  let tls: PolicyTls | undefined
  try { tls = tlsOf(name, found) } catch (error) { throw new BackendError('RefNotPermitted', (error as Error).message) }
  if (tls) return { kind: 'servers', servers, scheme: 'https', passHostHeader: true, sticky: undefined, tls }
  return { kind: 'servers', servers, scheme: schemeOf(found) ?? refuse('UnsupportedProtocol', found.protocol === 'TCP' || !found.protocol ? `unsupported application protocol ${found.appProtocol!.toLowerCase()}` : 'only TCP protocol is supported'), passHostHeader: true, sticky: undefined }
}

function schemeOf({ protocol = 'TCP', appProtocol, port, name = '' }: NonNullable<Service['spec']['ports']>[number]): string | undefined {
  if (protocol !== 'TCP') return undefined
  switch (appProtocol?.toLowerCase()) {
    case undefined: return port === 443 || name.startsWith('https') ? 'https' : 'http'
    case 'http': case 'kubernetes.io/ws': return 'http'
    case 'kubernetes.io/h2c': return 'h2c'
    case 'https': case 'kubernetes.io/wss': return 'https'
    default: return undefined
  }
}

function isInternal({ group, kind, name }: HttpBackendReference): boolean {
  return group === 'traefik.io' && kind === 'TraefikService' && name.endsWith('@internal')
}
