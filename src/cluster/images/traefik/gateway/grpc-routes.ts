import type { Condition } from '../../../kinds/generated/types.ts'
import { serversOf } from '../cluster-objects.ts'
import type { DynamicConfiguration, Router, TraefikService } from '../configuration.ts'
import { normalized } from '../ingress-provider.ts'
import type { Complain } from '../ingress-provider.ts'
import { ruleKey } from '../names.ts'
import { filterMiddleware } from './filters.ts'
import { conditionsOf, demandGrant } from './gateway-context.ts'
import type { GatewayContext, MakeCondition } from './gateway-context.ts'
import type { Gateway, GrpcBackendReference, GrpcRoute, GrpcRouteMatch, HttpRouteFilter, RouteParentStatus } from './gateway-types.ts'
import { parentStatuses } from './http-routes.ts'
import type { BoundGateway } from './http-routes.ts'
import type { BoundListener } from './listeners.ts'
import { hostRule, quoted, valueRule } from './match-rule.ts'
import type { RankedRule } from './match-rule.ts'

type Configuration = Pick<DynamicConfiguration, 'routers' | 'services' | 'middlewares'>

const PROVIDER = '@kubernetesgateway'
/** What calls get whose backend can't be had. */
const UNAVAILABLE = { code: 14, message: 'Service Unavailable' }
const FILTERS: readonly string[] = ['RequestHeaderModifier', 'ExtensionRef']

/** Routers, services and middlewares of a GRPCRoute at its listeners, and what its parents say of it. k8s: traefik/pkg/provider/kubernetes/gateway loadGRPCRoute */
export function loadGrpcRoute(route: GrpcRoute, gateways: readonly BoundGateway[], context: GatewayContext, into: Configuration, complain: Complain): RouteParentStatus[] {
  const condition = conditionsOf(route.metadata.generation, context.nowMs)
  return parentStatuses(route, 'GRPCRoute', gateways, condition, (gateway, listener, hostnames, isAttached) => {
    const own: Configuration = { routers: new Map(), services: new Map(), middlewares: new Map() }
    const references = addRoute(route, gateway, listener, hostnames, context, condition, own, isAttached ? complain : () => {})
    if (isAttached) {
      for (const [name, router] of own.routers) into.routers.set(name, router)
      for (const [name, service] of own.services) into.services.set(name, service)
      for (const [name, middleware] of own.middlewares) into.middlewares.set(name, middleware)
    }
    return references
  })
}

function addRoute({ metadata: { namespace, name }, spec: { rules = [] } }: GrpcRoute, gateway: Gateway, { listener, entryPoint }: BoundListener, hostnames: readonly string[], context: GatewayContext, condition: MakeCondition, into: Configuration, complain: Complain): Condition {
  let references = condition('ResolvedRefs', 'True', 'ResolvedRefs')
  for (const [i, { matches = [{}], filters = [], backendRefs = [] }] of rules.entries()) {
    const routeKey = normalized(`grpcroute-${namespace}-${name}-gw-${gateway.metadata.namespace}-${gateway.metadata.name}-ep-${entryPoint}-${i}`)
    for (const match of matches) {
      const { rule, priority } = grpcMatchRule(hostnames, match)
      const key = `${routeKey}-${ruleKey(rule)}`
      const router: Router = { name: `${key}${PROVIDER}`, entryPoints: [entryPoint], rule, priority, middlewares: [], service: `${routeKey}-wrr${PROVIDER}`, tls: listener.protocol === 'HTTPS' }
      into.routers.set(router.name, router)
      try { router.middlewares = addFilters(filters, key, namespace, context, into) } catch (error) {
        complain('Unable to load GRPC route filters', { grpc_route: name, namespace, error: (error as Error).message })
        router.service = `${key}-err-wrr${PROVIDER}`
        into.services.set(router.service, { kind: 'weighted', services: [{ name: `invalid-grpcroute-filter${PROVIDER}`, weight: 1, grpc: UNAVAILABLE }], sticky: undefined })
        continue
      }
      // One of a rule serves all of its matches.
      if (into.services.has(router.service)) continue
      const services = backendRefs.map((reference) => {
        const weight = reference.weight ?? 1
        const found = backendOf(reference, namespace, context)
        if ('reason' in found) {
          references = condition('ResolvedRefs', 'False', found.reason, found.message)
          return { name: `${normalized(`${reference.namespace || namespace}-${reference.name}`)}${PROVIDER}`, weight, grpc: UNAVAILABLE }
        }
        into.services.set(found.name, found.service)
        return { name: found.name, weight }
      })
      into.services.set(router.service, { kind: 'weighted', services, sticky: undefined })
    }
  }
  return references
}

/** The names of the middlewares that filters come to. @throws Error. k8s: loadGRPCMiddlewares */
function addFilters(filters: readonly HttpRouteFilter[], parent: string, namespace: string, { knowsMiddlewares }: GatewayContext, into: Configuration): string[] {
  return filters.map((filter, i) => {
    if (!FILTERS.includes(filter.type)) throw new Error(`unsupported filter ${filter.type}`)
    const made = filterMiddleware(filter, namespace, undefined, knowsMiddlewares)
    if ('name' in made) return made.name
    const name = `${parent}-${filter.type.toLowerCase()}-${i}${PROVIDER}`
    into.middlewares.set(name, { namespace, spec: made.spec })
    return name
  })
}

/** k8s: loadGRPCBackendRef, loadGRPCServers */
function backendOf({ group: given, kind = 'Service', namespace: other, name, port }: GrpcBackendReference, own: string, { cluster, objects }: GatewayContext): { name: string; service: TraefikService } | { reason: string; message: string } {
  const group = given || 'core'
  const namespace = other || own
  const shown = `${group}/${kind}/${namespace}/${name}`
  const refuse = (reason: string, why: string) => ({ reason, message: `Cannot load GRPCBackendRef ${shown}${why}` })
  if (group !== 'core' || kind !== 'Service') return refuse('InvalidKind', ': only Kubernetes services are supported')
  try { demandGrant(objects, { kind: 'GRPCRoute', namespace: own }, { group, kind, name, namespace }) } catch (error) { return refuse('RefNotPermitted', `: ${(error as Error).message}`) }
  if (!port) return refuse('UnsupportedProtocol', ' port is required')
  const service = cluster.services.get(`${namespace}/${name}`)
  if (!service) return refuse('BackendNotFound', ': service not found')
  if (!service.spec.ports?.some((each) => each.port === port)) return refuse('BackendNotFound', `: service port ${port} not found`)
  if (!cluster.slices.get(`${namespace}/${name}`)?.length || service.spec.type === 'ExternalName') return refuse('BackendNotFound', ': endpointslices not found')
  return { name: `${normalized(`${namespace}-${name}-${port}-grpc`)}${PROVIDER}`, service: { kind: 'servers', servers: serversOf(cluster, namespace, name, port).servers, scheme: 'h2c', passHostHeader: true, sticky: undefined } }
}

/** The longest rule goes first. k8s: buildGRPCMatchRule, buildGRPCMethodRule, buildGRPCHeaderRules */
export function grpcMatchRule(hostnames: readonly string[], { method, headers = [] }: GrpcRouteMatch): RankedRule {
  const any = '[^/]+'
  const rule = [method === undefined ? `PathPrefix(${quoted('/')})` : `PathRegexp(${quoted(`/${method.service || any}/${method.method || any}`)})`, ...headers.map((match) => valueRule('Header', match))].join(' && ')
  if (hostnames.length === 0) return { rule, priority: rule.length }
  const host = hostRule(hostnames)
  return { rule: `${host.rule} && ${rule}`, priority: host.priority + rule.length }
}
