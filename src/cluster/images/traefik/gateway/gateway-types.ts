/** Objects of the Gateway API, as far as Traefik looks at them. CRDs of gateway.networking.k8s.io/v1 (ReferenceGrants: v1beta1). */
import type { Condition, LabelSelector, ObjectMeta } from '../../../kinds/generated/types.ts'

type Metadata = ObjectMeta & { name: string; namespace: string }

export interface GatewayClass {
  metadata: ObjectMeta & { name: string }
  spec: { controllerName: string }
  status?: GatewayClassStatus
}

export interface GatewayClassStatus {
  conditions?: Condition[]
  supportedFeatures?: { name: string }[]
}

export interface RouteKind {
  group?: string
  kind: string
}

export interface CertificateReference {
  group?: string
  kind?: string
  name: string
  namespace?: string
}

export interface Listener {
  name: string
  hostname?: string
  port: number
  protocol: string
  tls?: { mode?: string; certificateRefs?: CertificateReference[]; options?: Readonly<Record<string, string>> }
  allowedRoutes?: { namespaces?: { from?: string; selector?: LabelSelector }; kinds?: RouteKind[] }
}

export interface Gateway {
  metadata: Metadata
  spec: { gatewayClassName: string; listeners?: Listener[] }
  status?: GatewayStatus
}

export interface ListenerStatus {
  name: string
  supportedKinds: RouteKind[]
  attachedRoutes: number
  conditions: Condition[]
}

export interface GatewayStatus {
  addresses?: { type: string; value: string }[]
  conditions?: Condition[]
  listeners?: ListenerStatus[]
}

export interface ParentReference {
  group?: string
  kind?: string
  namespace?: string
  name: string
  sectionName?: string
  port?: number
}

export interface RouteParentStatus {
  parentRef: ParentReference
  controllerName: string
  conditions: Condition[]
}

/** What every kind of route has. */
export interface Route {
  metadata: Metadata
  spec: { parentRefs?: ParentReference[]; hostnames?: string[] }
  status?: { parents?: RouteParentStatus[] }
}

export interface ValueMatch {
  type?: string
  name: string
  value: string
}

export interface PathMatch {
  type?: string
  value?: string
}

export interface HttpRouteMatch {
  path?: PathMatch
  headers?: ValueMatch[]
  queryParams?: ValueMatch[]
  method?: string
}

export interface HeaderFilter {
  set?: { name: string; value: string }[]
  add?: { name: string; value: string }[]
  remove?: string[]
}

export interface PathModifier {
  type: string
  replaceFullPath?: string
  replacePrefixMatch?: string
}

export interface HttpRouteFilter {
  type: string
  requestHeaderModifier?: HeaderFilter
  responseHeaderModifier?: HeaderFilter
  requestRedirect?: { scheme?: string; hostname?: string; path?: PathModifier; port?: number; statusCode?: number }
  urlRewrite?: { hostname?: string; path?: PathModifier }
  cors?: { allowOrigins?: string[]; allowCredentials?: boolean; allowMethods?: string[]; allowHeaders?: string[]; exposeHeaders?: string[]; maxAge?: number }
  extensionRef?: { group: string; kind: string; name: string }
}

export interface HttpBackendReference {
  group?: string
  kind?: string
  name: string
  namespace?: string
  port?: number
  weight?: number
  filters?: HttpRouteFilter[]
}

export interface HttpRoute extends Route {
  spec: Route['spec'] & { rules?: { name?: string; matches?: HttpRouteMatch[]; filters?: HttpRouteFilter[]; backendRefs?: HttpBackendReference[]; timeouts?: unknown; retry?: unknown; sessionPersistence?: unknown }[] }
}

export interface GrpcRouteMatch {
  method?: { type?: string; service?: string; method?: string }
  headers?: ValueMatch[]
}

export interface GrpcBackendReference {
  group?: string
  kind?: string
  name: string
  namespace?: string
  port?: number
  weight?: number
}

export interface GrpcRoute extends Route {
  spec: Route['spec'] & { rules?: { name?: string; matches?: GrpcRouteMatch[]; filters?: HttpRouteFilter[]; backendRefs?: GrpcBackendReference[] }[] }
}

/** How whoever speaks to a Service's pods is to check their certificates. */
export interface BackendTlsPolicy {
  metadata: Metadata
  spec: {
    targetRefs: { group: string; kind: string; name: string; sectionName?: string }[]
    validation: { hostname: string; wellKnownCACertificates?: string; caCertificateRefs?: { group: string; kind: string; name: string }[] }
  }
  status?: { ancestors?: PolicyAncestorStatus[] }
}

export interface PolicyAncestorStatus {
  ancestorRef: ParentReference
  controllerName: string
  conditions: Condition[]
}

export interface ReferenceGrant {
  metadata: Metadata
  spec: { from: { group: string; kind: string; namespace: string }[]; to: { group: string; kind: string; name?: string }[] }
}
