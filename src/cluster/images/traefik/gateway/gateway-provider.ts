import type { Condition } from '../../../kinds/generated/types.ts'
import type { ClusterObjects } from '../cluster-objects.ts'
import type { DynamicConfiguration } from '../configuration.ts'
import type { Complain } from '../ingress-provider.ts'
import type { EntryPoint } from '../static-configuration.ts'
import type { PolicyReports } from './backend-tls-policies.ts'
import { CONTROLLER, conditionsOf } from './gateway-context.ts'
import type { GatewayContext, GatewayObjects } from './gateway-context.ts'
import type { Gateway, GatewayClassStatus, GatewayStatus, RouteParentStatus } from './gateway-types.ts'
import { loadGrpcRoute } from './grpc-routes.ts'
import { loadHttpRoute } from './http-routes.ts'
import type { BoundGateway } from './http-routes.ts'
import { bindListeners } from './listeners.ts'
import type { BoundListener } from './listeners.ts'

export interface GatewayProviderOptions {
  /** The Service, as `namespace/name`, whose addresses Gateways get; empty: none. */
  publishedService: string
  ip: string
  hostname: string
  knowsMiddlewares: boolean
}

/** The statuses that objects of the Gateway API should have, by the keys of the objects. */
export interface GatewayReport {
  gatewayClasses: Map<string, GatewayClassStatus>
  gateways: Map<string, GatewayStatus>
  httpRoutes: Map<string, RouteParentStatus[]>
  grpcRoutes: Map<string, RouteParentStatus[]>
  backendTlsPolicies: PolicyReports
}

/** What Traefik offers of the Gateway API, of that what is followed here. k8s: traefik/pkg/provider/kubernetes/gateway SupportedFeatures */
const FEATURES: readonly string[] = [
  'BackendTLSPolicy', 'GRPCRoute', 'GRPCRouteNamedRouteRule', 'Gateway', 'GatewayPort8080', 'HTTPRoute', 'HTTPRoute303RedirectStatusCode', 'HTTPRoute307RedirectStatusCode', 'HTTPRoute308RedirectStatusCode', 'HTTPRouteBackendProtocolH2C', 'HTTPRouteBackendProtocolWebSocket', 'HTTPRouteBackendRequestHeaderModification',
  'HTTPRouteCORS', 'HTTPRouteDestinationPortMatching', 'HTTPRouteHostRewrite', 'HTTPRouteMethodMatching', 'HTTPRouteNamedRouteRule', 'HTTPRouteParentRefPort', 'HTTPRoutePathRedirect', 'HTTPRoutePathRewrite', 'HTTPRoutePortRedirect', 'HTTPRouteQueryParamMatching',
  'HTTPRouteResponseHeaderModification', 'HTTPRouteSchemeRedirect', 'ReferenceGrant',
]

/** Routers, services and middlewares of Gateways and their HTTPRoutes and GRPCRoutes, and the statuses to write. k8s: loadConfigurationFromGateways */
export function loadGateways(cluster: ClusterObjects, objects: GatewayObjects, options: GatewayProviderOptions, entryPoints: readonly EntryPoint[], nowMs: number, into: DynamicConfiguration, complain: Complain): GatewayReport {
  const report: GatewayReport = { gatewayClasses: new Map(), gateways: new Map(), httpRoutes: new Map(), grpcRoutes: new Map(), backendTlsPolicies: new Map() }
  const context: GatewayContext = { cluster, objects, entryPoints, knowsMiddlewares: options.knowsMiddlewares, nowMs }
  const addresses = addressesOf(options, cluster)
  for (const [name, { metadata, spec, status }] of objects.gatewayClasses) {
    if (spec.controllerName !== CONTROLLER) continue
    const others = (status?.conditions ?? []).filter(({ type }) => type !== 'Accepted')
    const accepted = conditionsOf(metadata.generation, nowMs)('Accepted', 'True', 'Handled', 'Handled by Traefik controller')
    report.gatewayClasses.set(name, { conditions: [...others, accepted], supportedFeatures: FEATURES.map((feature) => ({ name: feature })) })
  }
  const bound: BoundGateway[] = [...objects.gateways.values()].filter(({ spec }) => report.gatewayClasses.has(spec.gatewayClassName)).map((gateway) => ({ gateway, listeners: bindListeners(gateway, context, into) }))
  for (const [key, route] of objects.httpRoutes) {
    const parents = loadHttpRoute(route, bound, context, into, report.backendTlsPolicies, complain)
    if (parents.length > 0) report.httpRoutes.set(key, parents)
  }
  for (const [key, route] of objects.grpcRoutes) {
    const parents = loadGrpcRoute(route, bound, context, into, complain)
    if (parents.length > 0) report.grpcRoutes.set(key, parents)
  }
  for (const { gateway, listeners } of bound) {
    const faults = listeners.flatMap(({ status }) => status.conditions)
    if (faults.length > 0) complain('Gateway Not Accepted', { gateway: gateway.metadata.name, namespace: gateway.metadata.namespace, error: [...new Set(faults.map(({ message }) => message))].join('\n') })
    report.gateways.set(`${gateway.metadata.namespace}/${gateway.metadata.name}`, statusOf(gateway, listeners, addresses, nowMs))
  }
  return report
}

function addressesOf({ publishedService, ip, hostname }: GatewayProviderOptions, { services }: ClusterObjects): NonNullable<GatewayStatus['addresses']> {
  if (ip !== '') return [{ type: 'IPAddress', value: ip }]
  if (hostname !== '') return [{ type: 'Hostname', value: hostname }]
  return (services.get(publishedService)?.status?.loadBalancer?.ingress ?? []).flatMap((each) => (each.ip ? [{ type: 'IPAddress', value: each.ip }] : each.hostname ? [{ type: 'Hostname', value: each.hostname }] : []))
}

/** k8s: makeGatewayStatus */
function statusOf({ metadata: { generation } }: Gateway, listeners: readonly BoundListener[], addresses: NonNullable<GatewayStatus['addresses']>, nowMs: number): GatewayStatus {
  const condition = conditionsOf(generation, nowMs)
  const fine = () => [condition('Accepted', 'True', 'Accepted', 'No error found'), condition('ResolvedRefs', 'True', 'ResolvedRefs', 'No error found'), condition('Programmed', 'True', 'Programmed', 'No error found')]
  const conditions: Condition[] = listeners.every(({ attached }) => attached)
    ? [condition('Accepted', 'True', 'Accepted', 'Gateway successfully scheduled'), condition('Programmed', 'True', 'Programmed', 'Gateway successfully scheduled')]
    : [condition('Accepted', 'False', 'ListenersNotValid', 'All Listeners must be valid')]
  return { ...addresses.length > 0 ? { addresses } : {}, conditions, listeners: listeners.map(({ status, attached }) => (attached ? { ...status, conditions: fine() } : status)) }
}
