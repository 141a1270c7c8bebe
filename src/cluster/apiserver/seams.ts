/**
 * Where the API server's parts meet: who asks (authentication), may they (authorization), and what the cluster adds or refuses (admission).
 */
import type { RequestTrace } from './tracing/request-tracer.ts'
import type { AdmissionMetrics } from './metrics/admission-metrics.ts'
import type { HttpRequest } from '../../base/http.ts'
import type { KubeObject, ResourceRef } from '../kinds/object.ts'
import type { Kind } from '../kinds/kind.ts'
import type { Api } from '../client/api.ts'

export interface UserInfo {
  name: string
  uid?: string
  groups: readonly string[]
  extra?: Readonly<Record<string, readonly string[]>>
}

/** What the host knows of the connection a request came over. */
export interface ConnectionInfo {
  /** PEM of the certificate that the client proved to own; the API server checks who signed it. */
  clientCertificatePem?: string
  remoteAddress?: string
  /** Of the components beside the API server that the connection leads to, where there are several. */
  health?: ControlPlaneHealth
}

/** One way to tell who asks. `undefined`: this way sees no credentials; the next one is tried. @throws StatusError 401 for bad ones. */
export interface Authenticator {
  /** @param notes where it says what it thinks of the credentials that it takes */
  authenticate(request: HttpRequest, connection: ConnectionInfo, notes?: AuthenticationNotes): Promise<UserInfo | undefined>
}

/** What is said of credentials that were accepted. */
export interface AuthenticationNotes {
  /** Texts of Warning headers. */
  warnings: string[]
  /** Annotations of the audit event. */
  annotations: Record<string, string>
}

/** k8s: authorization/authorizer Attributes */
export interface AuthorizationAttributes {
  user: UserInfo
  verb: string
  /** False for non-resource requests: only `path` and `verb` count. */
  resourceRequest: boolean
  group: string
  version: string
  resource: string
  subresource: string
  namespace: string
  name: string
  path: string
  fieldSelector?: string
  labelSelector?: string
}

export interface Decision {
  allowed: boolean
  /** Denied for good: later authorizers are not asked. */
  denied?: boolean
  reason?: string
}

export interface Authorizer {
  /** Synchronous: rules are in memory. */
  authorize(attributes: AuthorizationAttributes): Decision
}

/** Synchronous reads of current objects (frozen), for authorizers, admission and strategies. */
export interface Reader {
  /** The kind that is served under this name, built-in or custom. */
  kindOf(apiVersion: string, kind: string): Kind | undefined
  /** Every version and group under which the kind's objects are served, itself included. k8s: runtime.EquivalentResourceMapper */
  equivalentsOf(kind: Kind): readonly Kind[]
  get<T = KubeObject>(resource: ResourceRef, namespace: string | undefined, name: string): T | undefined
  list<T = KubeObject>(resource: ResourceRef, namespace?: string): readonly T[]
  /** Called after every change of the resource, synchronously after commit; must be cheap. Returns the way to stop. */
  onChange(resource: ResourceRef, listener: (change: { object?: KubeObject; old?: KubeObject }) => void): () => void
}

export interface GroupVersionKind {
  group: string
  version: string
  kind: string
}

/** What plugins remember of a request when its object is to be looked at once more. k8s: admission.ReinvocationContext */
export interface Reinvocation {
  /** This is the second round. */
  again: boolean
  /** A webhook or policy changed the object: what came before it has to see that. */
  needed: boolean
  /** Notes of the plugins, by their name. */
  readonly notes: Map<string, unknown>
}

/** k8s: admission.Attributes */
export interface AdmissionAttributes {
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  /** The kind of the resource in the URL. */
  kind: Kind
  /** What the object is: of the resource's kind, or the body of a subresource that has one of its own. */
  objectKind: GroupVersionKind
  resource: string
  subresource: string
  namespace: string
  name: string
  /** The new object (for subresources with a body of their own, that body): a mutable draft in `mutate`, to be left alone in `validate`. */
  object?: KubeObject
  /** What is stored now (frozen), for UPDATE and DELETE. */
  oldObject?: KubeObject
  options: Readonly<Record<string, unknown>>
  dryRun: boolean
  user: UserInfo
  /** Adds a Warning header to the answer. */
  warn(text: string): void
  /** Adds an annotation to the audit event; one for the level Request is left out below it. */
  annotate(key: string, value: string, level?: 'Request'): void
  /** Made by the first plugin that needs it, only while objects are mutated. */
  reinvocation?: Reinvocation
  /** When the request's time is over, in cluster time, where that is known. */
  deadlineMs?: number | undefined
  /** Where the time of webhooks is counted, where it is. */
  metrics?: AdmissionMetrics | undefined
  /** Where each step is noted, while somebody looks. */
  trace?: RequestTrace | undefined
}

/** What admission plugins can reach. */
export interface AdmissionContext {
  reader: Reader
  /** The API with the server's own rights (system:apiserver in system:masters), e.g. to write quota usage. */
  api: Api
  nowMs(): number
  authorizer: Authorizer
}

/** One link of the admission chain. Both hooks refuse by throwing StatusError. */
export interface AdmissionPlugin {
  readonly name: string
  mutate?(attributes: AdmissionAttributes, context: AdmissionContext): void | Promise<void>
  validate?(attributes: AdmissionAttributes, context: AdmissionContext): void | Promise<void>
}

/**
 * A resource or subresource that isn't simply stored: reviews, token requests, approvals. The registry calls it after authentication and
 * authorization with the decoded, defaulted body.
 */
export interface VirtualResource {
  /** `tokenreviews.authentication.k8s.io`, `serviceaccounts/token`. */
  readonly resource: string
  /** Fills in what a body leaves out, before admission sees it. */
  defaults?(body: KubeObject): void
  create(body: KubeObject, request: VirtualRequest): Promise<KubeObject>
}

export interface VirtualRequest {
  user: UserInfo
  namespace: string
  /** Name in the URL, for subresources. */
  name: string
  dryRun: boolean
  context: AdmissionContext
  warn(text: string): void
  /** Asks validating admission, once the body was found to be good. */
  admit(body: KubeObject): Promise<void>
}

/** A time in which etcd answers nobody. */
export interface EtcdOutage {
  /** Resolves once it answers again. */
  over: Promise<void>
  /** How long it keeps a write waiting and what it says then; without, the API server doesn't reach it at all. */
  refusal?: { afterMs: number; message: string }
}

/** What a server can learn of the components beside it. */
export interface ControlPlaneHealth {
  /** Undefined while etcd answers. */
  etcdOutage(): EtcdOutage | undefined
  /** What a component's health check says when it isn't healthy. */
  problem(component: string): string | undefined
}

/** How the API server reaches kubelets and pods (log, exec, attach, port-forward, proxy, webhooks): HTTP, like the real one. */
export interface ClusterDialer {
  /** The kubelet's server on port 10250 of a node. Rejects when the node can't be reached. */
  kubelet(nodeName: string, request: HttpRequest): Promise<Response>
  /** HTTP to an address of the pod or service network. Rejects with an Error whose message reads like Go's (`dial tcp 10.244.1.2:80: connect: connection refused`). */
  http(host: string, port: number, request: HttpRequest, options?: { tls?: boolean | TlsClient }): Promise<Response>
}

/** How the API server proves itself to a TLS server and whom it trusts. Plain `true` instead: any server, as for proxied pods and kubelets. */
export interface TlsClient {
  /** Trusts any server. */
  insecure?: boolean
  /** Authorities that are trusted; without them (and not insecure) none is. */
  caPem?: string
  /** The name that the server's certificate must have; the address otherwise. */
  serverName?: string
  clientCertificatePem?: string
}
