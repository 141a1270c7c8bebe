import { httpResponse } from '../../base/http.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import { deepFreeze } from '../../base/freeze.ts'
import type { HttpRequest } from '../../base/http.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Api } from '../client/api.ts'
import type { Etcd } from '../etcd/etcd.ts'
import type { Kind } from '../kinds/kind.ts'
import { hasProtobufMessages, loadProtobufMessages } from '../kinds/protobuf-messages.ts'
import { apiError, isStatusError, StatusError } from '../kinds/status-error.ts'
import { forbiddenError, isDenial } from './access.ts'
import { AdmissionChain } from './admission-chain.ts'
import { Aggregator } from './aggregation/aggregator.ts'
import { AuditLog, endingWith, type AuditedRequest, type AuditOptions, type AuditTrail } from './audit/audit-log.ts'
import { authenticate, impersonated } from './authentication.ts'
import { CustomResources } from './custom-resources/custom-resources.ts'
import { claimStatusCheck } from './claim-status-access.ts'
import { DeviceAdminAccess } from './device-admin-access.ts'
import { InProcessApi, type InProcessParts } from './in-process-api.ts'
import { FlowControl, TooManyRequests } from './flowcontrol/flow-control.ts'
import { FlowController } from './flowcontrol/flow-controller.ts'
import type { Classification } from './flowcontrol/flow-schemas.ts'
import type { ApiServerConfiguration } from './configuration.ts'
import { FROM_KEY, prefixEnd } from '../etcd/types.ts'
import { AdmissionMetrics } from './metrics/admission-metrics.ts'
import { RequestMetrics } from './metrics/request-metrics.ts'
import { serverMetrics } from './metrics/server-metrics.ts'
import { checkProducible, refusalStyle, speaksProtobuf } from './media-types.ts'
import { NonResourceHandler, type VersionInfo } from './non-resource-handler.ts'
import { wantsPretty } from './wants-pretty.ts'
import { OpenApi } from './openapi/open-api.ts'
import { Registry } from './registry.ts'
import { requestInfo, type RequestInfo } from './request-info.ts'
import { RequestTimedOut, isLongRunning, timeoutOf, withTimeout, workTimeoutMs } from './request-timeout.ts'
import { ResourceCatalog } from './resource-catalog.ts'
import { methodNotAllowed } from './resource-routes.ts'
import { ResourceHandler } from './resource-handler.ts'
import { pathNotFound, plainText, statusAnswer, type TextStyle } from './responses.ts'
import type { AdmissionContext, AdmissionPlugin, AuthenticationNotes, Authenticator, AuthorizationAttributes, Authorizer, ClusterDialer, ConnectionInfo, ControlPlaneHealth, EtcdOutage, Reader, UserInfo, VirtualResource } from './seams.ts'
import { ServiceAllocation } from './services/service-allocation.ts'
import { Subresources } from './subresources/subresources.ts'
import { notingRefusal, type RequestTrace, RequestTracer } from './tracing/request-tracer.ts'
import { warningHeaders } from './warnings.ts'
import { WriteOperations } from './write-operations.ts'

export type { VersionInfo } from './non-resource-handler.ts'

export interface ApiServerOptions {
  etcd: Etcd
  clock: Clock
  random: Random
  log: Log
  /** Kinds that are served from the start. */
  kinds: readonly Kind[]
  dialer: ClusterDialer
  version: VersionInfo
  /** Address and port that clients are told to use. */
  advertiseAddress?: string
  /** Addresses of Services; 10.96.0.0/16 by default. */
  serviceCidr?: string
  /** The certificate by which extension API servers know this one: of the front-proxy authority. Without it they don't believe who asks. */
  proxyClientCertificatePem?: string
  /** Writes down who asked for what. */
  audit?: AuditOptions
  /** Why a value can't be read from etcd; undefined: it can. Asked only where something was encrypted. */
  unreadable?: () => ((key: string, modRevision: number) => string | undefined) | undefined
  /** Of the components beside this server; all are well without it. */
  health?: ControlPlaneHealth
  /** Makes the parts that decide who may do what; called once. */
  parts(core: ApiServerCore): ApiServerParts
}

/** What the parts may use. */
export interface ApiServerCore {
  reader: Reader
  /** The API with the server's own rights: system:apiserver in system:masters. Not to be used before the server exists. */
  api: Api
  clock: Clock
  random: Random
  log: Log
  etcd: Etcd
  dialer: ClusterDialer
}

export interface ApiServerParts {
  authenticators: readonly Authenticator[]
  authorizer: Authorizer
  admission: readonly AdmissionPlugin[]
  virtualResources: readonly VirtualResource[]
  /** Takes what the server was started with this time. @returns the admission plugins that are on */
  configure?(configuration: ApiServerConfiguration): readonly AdmissionPlugin[]
  /** Documents that the parts publish at paths of their own; undefined for every other path. */
  published?(path: string): Promise<Response | undefined>
}

export interface ApiServer {
  /** Answers a request; never rejects. */
  handle(request: HttpRequest, connection?: ConnectionInfo): Promise<Response>
  /** A client inside the process that acts as this user. */
  as(user: UserInfo): Api
  /** Answers a request of such a client that {@link Api} has no words for. Like {@link as}, it enters at authorization; never rejects. */
  fetchAs(user: UserInfo, request: HttpRequest): Promise<Response>
  readonly reader: Reader
  /** Follows requests on their way, while somebody looks. */
  readonly tracer: RequestTracer
  /** Takes other flags, as another start of its program gives them. `commandLine`: as it was given, for `/flagz` */
  configure(configuration: ApiServerConfiguration, commandLine?: readonly string[]): void
  /** Serves one more kind (a version of a custom resource); replaces the one of the same group, version and resource. */
  installKind(kind: Kind): void
  removeKind(kind: Kind): void
  /** Starts the server's own controllers: APIServices and their availability, definitions left unfinished. Without it requests are answered all the same. */
  start(): void
  /** Ends all watches and timers. */
  stop(): void
}

const SERVER_USER: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }
/** k8s: storagebackend DefaultCompactInterval */
const COMPACT_EVERY_MS = 5 * 60_000
/** Commits that are kept at most, whatever their age, so that a busy cluster's history doesn't fill memory. */
const MAX_HISTORY = 50_000

export function createApiServer(options: ApiServerOptions): ApiServer {
  const { etcd, clock, random, log } = options
  layOutEtcd(etcd, options.serviceCidr ?? '10.96.0.0/16')
  const catalog = new ResourceCatalog({ etcd, clock, kinds: options.kinds })
  const { reader } = catalog
  // The parts want the server's own client, which in turn needs their authorizer: it is looked up when used.
  let inProcess: InProcessParts | undefined
  const lateApi = lateBound(() => new InProcessApi(inProcess!, SERVER_USER))
  const parts = options.parts({ reader, api: lateApi, clock, random, log, etcd, dialer: options.dialer })
  const { authorizer } = parts
  const admissionContext: AdmissionContext = { reader, api: lateApi, nowMs: () => clock.nowMs(), authorizer }
  const admission = new AdmissionChain(parts.admission, admissionContext)
  const registry = new Registry({ clock, random, admission })
  for (const resource of ['resourceclaims.resource.k8s.io', 'resourceclaimtemplates.resource.k8s.io']) registry.hook(resource, new DeviceAdminAccess(catalog, resource))
  registry.checkStatus('resourceclaims', claimStatusCheck(catalog, authorizer))
  const services = new ServiceAllocation({ catalog, clock, random, serviceCidr: options.serviceCidr ?? '10.96.0.0/16' })
  registry.hook('services', services)
  const writes = new WriteOperations(registry, clock)
  const subresources = new Subresources({ clock, random, catalog, registry, writes, admission, dialer: options.dialer, virtualResources: parts.virtualResources })
  inProcess = { clock, etcd, catalog, registry, writes, subresources, authorizer }
  const resources = new ResourceHandler({ clock, random, etcd, catalog, registry, writes, subresources, ...(options.health ? { health: options.health } : {}) })
  const aggregator = new Aggregator({ clock, log: log.named('aggregator'), reader, api: lateApi, dialer: options.dialer, proxyClientCertificatePem: options.proxyClientCertificatePem })
  const customResources = new CustomResources({ clock, log: log.named('apiextensions'), random, reader, api: lateApi, catalog, registry, dialer: options.dialer })
  const flow = new FlowControl({ clock, reader })
  const flowController = new FlowController({ clock, log: log.named('flowcontrol'), reader, api: lateApi })
  const metrics = new RequestMetrics()
  const admissionMetrics = new AdmissionMetrics()
  const tracer = new RequestTracer(clock)
  let auditLog = options.audit && new AuditLog(options.audit, clock)
  const startedMs = clock.nowMs()
  let argv: readonly string[] = []
  const nonResources = new NonResourceHandler({
    argv: () => argv,
    catalog, aggregator, version: options.version, flow, clock, startedMs, serverAddress: options.advertiseAddress ?? '127.0.0.1:6443', ...(options.health ? { health: options.health } : {}),
    metrics: () => serverMetrics({ requests: metrics, admission: admissionMetrics, flow, catalog, aggregator, version: options.version, startedMs }),
  })
  const openApi = new OpenApi({
    clock, kinds: () => catalog.kinds(), gitVersion: options.version.gitVersion, remote: aggregator.openApi,
    descriptions: async () => (await clock.outside(import('../kinds/generated/descriptions.json', { with: { type: 'json' } }))).default,
  })
  const stopCompacting = compactRegularly(clock, etcd, catalog)

  /** A request on its way through the filters. k8s: server/config.go DefaultBuildHandlerChain */
  interface Passage {
    request: HttpRequest
    connection: ConnectionInfo
    auditId: string
    target: Target
    info: RequestInfo
    style: TextStyle
    warnings: string[]
    classification?: Classification
    trail?: AuditTrail | undefined
    /** Whether it was found out who asks. */
    isKnown?: boolean
    trace?: RequestTrace | undefined
    /** When the server stops working on it, in cluster time. */
    deadlineMs?: number
  }

  function auditedOf({ auditId, request, target, info, connection: { remoteAddress } }: Passage): Omit<AuditedRequest, 'user'> {
    return { auditId, request, uri: target.rawPath + queryText(request.url), info, ...(remoteAddress ? { remoteAddress } : {}) }
  }

  async function pass(passage: Passage): Promise<Response> {
    const { connection, info, trace } = passage
    const notes: AuthenticationNotes = { warnings: passage.warnings, annotations: {} }
    const authenticated = await notingRefusal(trace, 'authentication', '', () => authenticate(parts.authenticators, passage.request, connection, notes))
    passage.isKnown = true
    passage.trail = auditLog?.begin({ ...auditedOf(passage), user: authenticated })
    for (const [key, value] of Object.entries(notes.annotations)) passage.trail?.annotate(key, value)
    trace?.user('authentication', authenticated)
    const user = notingRefusal(trace, 'impersonation', passage.request.headers.get('impersonate-user') ?? '', () => impersonated(authorizer, authenticated, passage.request))
    if (user !== authenticated) {
      passage.trail?.impersonate(user)
      trace?.user('impersonation', user)
    }
    const isWatch = info.verb === 'watch'
    const classification = isWatch || !isLongRunning(info) ? flow.classify(user, info) : undefined
    if (!classification) return serve(passage, user)
    passage.classification = classification
    const level = classification.priorityLevel.metadata.name!
    const admitted = notingRefusal(trace, 'flow', level, () => flow.admit(classification))
    const leave = admitted instanceof Promise ? await admitted : admitted
    trace?.step('flow', level, 'passed', `FlowSchema ${classification.flowSchema.metadata.name}`)
    try {
      // A watch holds its seat only until it has begun.
      return await serve(passage, user)
    } finally {
      leave()
    }
  }

  async function serve(passage: Passage, user: UserInfo): Promise<Response> {
    const { connection, warnings, style, target, info, trail, trace, auditId } = passage
    const attributes: AuthorizationAttributes = info.isResourceRequest
      ? { user, verb: info.verb, resourceRequest: true, group: info.group, version: info.version, resource: info.resource, subresource: info.subresource, namespace: info.namespace, name: info.name, path: info.path, fieldSelector: info.fieldSelector, labelSelector: info.labelSelector }
      : { user, verb: info.verb, resourceRequest: false, group: '', version: '', resource: '', subresource: '', namespace: '', name: '', path: info.path }
    const decision = authorizer.authorize(attributes)
    if (trail) {
      trail.annotate('authorization.k8s.io/decision', decision.allowed ? 'allow' : 'forbid')
      trail.annotate('authorization.k8s.io/reason', decision.reason ?? '')
    }
    trace?.step('authorization', info.isResourceRequest ? `${info.verb} ${info.resource}${info.subresource ? `/${info.subresource}` : ''}` : `${info.verb} ${info.path}`, decision.allowed ? 'passed' : 'refused', decision.reason)
    if (!decision.allowed) throw forbiddenError(attributes, decision.reason)
    const request = trail ? await trail.read(passage.request) : passage.request
    const warn = (text: string) => { if (!warnings.includes(text)) warnings.push(text) }
    const annotate = trail ? (key: string, value: string, level?: 'Request') => trail.annotate(key, value, level) : () => {}
    const remote = aggregator.remoteFor(target.path)
    if (remote) {
      trace?.step('aggregation', remote.metadata.name!)
      return aggregator.serve(remote, { request, path: target.rawPath, query: target.query, user, auditId, ...(connection.remoteAddress ? { remoteAddress: connection.remoteAddress } : {}) })
    }
    // No route begins with two slashes, whatever is meant by it.
    if (target.path.startsWith('//')) return pathNotFound()
    const isKnownNonResource = nonResources.serves(info)
    if (target.path.startsWith('/openapi/')) {
      const document = await openApi.handle(request, target.path)
      if (document) return document
    }
    if (!info.isResourceRequest && parts.published) {
      const document = await parts.published(target.path.replace(/\/$/, ''))
      if (document) {
        if (request.method !== 'GET') throw methodNotAllowed()
        checkProducible(request.headers.get('accept'), [document.headers.get('content-type') ?? ''])
        return document
      }
    }
    if (!info.isResourceRequest || isKnownNonResource) return nonResources.handle(request, target.path, target.query, connection.health)
    checkReadable(info)
    const outage = (connection.health ?? options.health)?.etcdOutage()
    if (outage && info.resource !== 'componentstatuses') await etcdAnswers(outage, passage)
    return resources.handle({ request, query: target.query, info, user, pretty: style.pretty, warn, annotate, admissionMetrics, ...(trace ? { trace } : {}), ...(passage.deadlineMs === undefined ? {} : { deadlineMs: passage.deadlineMs }) })
  }

  /** Fails as a server does that has lost the keys of what it has written. k8s: apiserver/pkg/storage/etcd3 transformer errors */
  function checkReadable(info: RequestInfo): void {
    const problemOf = options.unreadable?.()
    const kind = problemOf && info.isResourceRequest && info.verb !== 'create' ? catalog.find(info.group, info.version, info.resource)?.kind : undefined
    if (!kind) return
    const place = `${kind.custom ? `${kind.group}/` : ''}${kind.resource}/${info.namespace ? `${info.namespace}/` : ''}`
    const key = `/registry/${place}${info.name}`
    for (const kv of etcd.range(info.name ? { key } : { key, rangeEnd: prefixEnd(key) }).kvs) {
      const problem = problemOf!(kv.key, kv.modRevision)
      if (problem !== undefined) throw apiError.internal(`unable to transform key ${JSON.stringify(kv.key)}: ${problem}`)
    }
  }

  /** Reads wait for etcd as long as their client does, writes as long as the server works on them. */
  async function etcdAnswers({ over, refusal }: EtcdOutage, { info, deadlineMs }: Passage): Promise<void> {
    if (deadlineMs === undefined || ['get', 'list', 'watch'].includes(info.verb)) return over
    const limit = new AbortController()
    const leftMs = Math.min(deadlineMs - clock.nowMs(), refusal?.afterMs ?? Infinity)
    const hasPassed = await Promise.race([over.then(() => false), clock.sleep(leftMs, limit.signal).then(() => true, () => false)])
    limit.abort()
    if (hasPassed && refusal) throw apiError.generic(500, '', refusal.message, {})
    if (hasPassed) throw apiError.generic(504, 'Timeout', 'Timeout: request did not complete within requested timeout - context deadline exceeded', {})
  }

  /** Whether a path names a resource that this server knows, and one that is deprecated. */
  function served({ isResourceRequest, group, version, resource, subresource }: RequestInfo): { isServed: boolean; isDeprecated: boolean } {
    const kind = isResourceRequest ? catalog.find(group, version, resource)?.kind : undefined
    const isServed = kind !== undefined && (subresource === '' || Object.hasOwn(kind.subresources, subresource))
    return { isServed, isDeprecated: isServed && kind.deprecationWarning !== undefined && !kind.custom }
  }

  async function handle(request: HttpRequest, connection: ConnectionInfo = {}): Promise<Response> {
    let target: Target
    try {
      target = parseTarget(request.url)
    } catch (error) {
      if (!(error instanceof MalformedTarget)) throw error
      return new Response('400 Bad Request', { status: 400, headers: { 'content-type': 'text/plain; charset=utf-8' } })
    }
    const info = requestInfo(request.method, target.path, target.query)
    const passage: Passage = { request, connection, auditId: request.headers.get('audit-id') ?? random.uuid(), target, info, style: { encoding: 'json', pretty: wantsPretty(target.query, request) }, warnings: [], trace: tracer.begin(request, target.rawPath + queryText(request.url)) }
    const observed = { method: request.method, info, contentType: request.headers.get('content-type'), dryRun: target.query.get('dryRun') ?? '', path: target.path, ...served(info) }
    const beganMs = clock.nowMs()
    const answered = metrics.begin(observed)
    const isLong = isLongRunning(info)
    if (!hasProtobufMessages() && speaksProtobuf(request.headers)) await clock.outside(loadProtobufMessages())
    let response: Response
    let problem: string | undefined
    try {
      if (isLong) response = await pass(passage)
      else {
        const timeoutMs = timeoutOf(target.query)
        passage.deadlineMs = beganMs + Math.min(timeoutMs, workTimeoutMs(info))
        response = await withTimeout(clock, timeoutMs, pass(passage))
      }
    } catch (error) {
      if (error instanceof TooManyRequests) {
        problem = 'Too many requests, please try again later.'
        response = plainText(429, `${problem}\n`)
        response.headers.set('retry-after', '1')
      } else {
        const status = asStatusError(error, log, request)
        problem = status.message
        if (status.code === 504 && !isLong) metrics.timedOut(observed)
        response = error instanceof RequestTimedOut ? error.answer() : statusAnswer(status, refusalStyle(request.headers.get('accept'), passage.style.pretty))
        // k8s: handlers/responsewriters Forbidden
        if (isDenial(status)) response.headers.set('x-content-type-options', 'nosniff')
      }
    }
    if (passage.trail) response = await passage.trail.complete(response, isLong)
    else if (!passage.isKnown && response.status === 401 && auditLog) response = await auditLog.refused(auditedOf(passage), response)
    answered()
    if (passage.trace) tracer.end(passage.trace, response.status, problem)
    const ended = (code: number, bytes: number) => { metrics.ended(observed, code, clock.nowMs() - beganMs, bytes) }
    const length = response.headers.get('content-length')
    if (response.status === 101 || !response.body || (length !== null && !isLong)) ended(response.status, Number(length ?? 0))
    else {
      // What is still being written ends when it was read.
      const { status, headers } = response
      const close = isLong && status === 200 ? metrics.open(observed) : undefined
      response = httpResponse(endingWith(response.body, (bytes) => {
        close?.()
        ended(status, bytes)
      }), { status, headers })
    }
    return finished(response, passage)
  }

  async function fetchAs(user: UserInfo, request: HttpRequest): Promise<Response> {
    const target = parseTarget(request.url)
    const passage: Passage = { request, connection: {}, auditId: '', target, info: requestInfo(request.method, target.path, target.query), style: { encoding: 'json', pretty: false }, warnings: [] }
    try {
      return await withTimeout(clock, timeoutOf(target.query), serve(passage, user))
    } catch (error) {
      return statusAnswer(asStatusError(error, log, request), refusalStyle(request.headers.get('accept'), false))
    }
  }

  /** What every answer says. */
  function finished(response: Response, { request, auditId, classification, warnings }: Passage): Response {
    if (response.status === 101) return response
    if (request.method === 'HEAD' && response.body) {
      // The headers alone; a watch would never end.
      response.body.cancel().catch(() => {})
      response = httpResponse(null, { status: response.status, headers: response.headers })
    }
    const { headers } = response
    headers.set('audit-id', auditId)
    if (classification) {
      headers.set('x-kubernetes-pf-flowschema-uid', classification.flowSchema.metadata.uid!)
      headers.set('x-kubernetes-pf-prioritylevel-uid', classification.priorityLevel.metadata.uid!)
    }
    if (!headers.has('cache-control')) headers.set('cache-control', 'no-cache, private')
    for (const header of warningHeaders(warnings)) headers.append('warning', header)
    return response
  }

  return {
    reader,
    handle,
    as: (user) => new InProcessApi(inProcess!, user),
    fetchAs,
    tracer,
    configure(configuration, commandLine) {
      argv = commandLine ?? argv
      const plugins = parts.configure?.(configuration)
      if (plugins) admission.use(plugins)
      services.useNodePorts(configuration.nodePorts)
      catalog.leases.ttlSeconds = configuration.eventTtlSeconds
      const audit = configuration.audit ?? options.audit
      auditLog = audit && new AuditLog(audit, clock)
    },
    installKind: (kind) => catalog.install(kind),
    removeKind: (kind) => catalog.remove(kind),
    start() {
      aggregator.start()
      flowController.start()
      customResources.start()
    },
    stop() {
      stopCompacting()
      aggregator.stop()
      flow.stop()
      flowController.stop()
      customResources.stop()
      catalog.stop()
    },
  }
}

/** What the real server puts into an empty etcd before anything else. k8s: pkg/registry/core/service/allocator/storage, etcd3 compact.go */
function layOutEtcd(etcd: Etcd, serviceCidr: string): void {
  if (etcd.range({ key: '', rangeEnd: FROM_KEY, limit: 1 }).kvs.length > 0) return
  etcd.put('compact_rev_key', '0')
  const range = (of: string) => deepFreeze({ kind: 'RangeAllocation', apiVersion: 'v1', metadata: {}, range: of, data: '' })
  etcd.put('/registry/ranges/serviceips', range(serviceCidr))
  etcd.put('/registry/ranges/servicenodeports', range('30000-32767'))
}

/** An Api whose implementation is looked up at each call. */
function lateBound(api: () => Api): Api {
  let made: Api | undefined
  return new Proxy({} as Api, {
    get: (_target, member) => {
      made ??= api()
      const value = Reflect.get(made, member, made) as unknown
      return typeof value === 'function' ? value.bind(made) : value
    },
  })
}

/** Forgets history older than five to ten minutes. k8s: storage/etcd3 compact.go */
function compactRegularly(clock: Clock, etcd: Etcd, catalog: ResourceCatalog): () => void {
  let before = etcd.revision
  let timer: Timer
  const compact = () => {
    catalog.compact(before)
    before = etcd.revision
    timer = clock.after(COMPACT_EVERY_MS, compact)
  }
  timer = clock.after(COMPACT_EVERY_MS, compact)
  const stopWatching = etcd.onCommit((commit) => {
    if (commit.revision % 1000 === 0 && commit.revision - etcd.compactRevision > MAX_HISTORY) catalog.compact(commit.revision - MAX_HISTORY / 2)
  })
  return () => {
    timer.cancel()
    stopWatching()
  }
}

/** What a URL asks for. */
interface Target {
  /** With its percent signs resolved, so that `%2F` parts it as a slash does. k8s: Go's URL.Path */
  path: string
  rawPath: string
  query: URLSearchParams
}

/** @throws MalformedTarget */
function parseTarget(url: string): Target {
  const afterScheme = url.indexOf('://')
  const start = url.indexOf('/', afterScheme < 0 ? 0 : afterScheme + 3)
  const rest = start < 0 ? '/' : url.slice(start)
  const hash = rest.indexOf('#')
  const target = hash < 0 ? rest : rest.slice(0, hash)
  const mark = target.indexOf('?')
  const rawPath = mark < 0 ? target : target.slice(0, mark)
  return { path: rawPath.includes('%') ? unescapedPath(rawPath) : rawPath, rawPath, query: new URLSearchParams(mark < 0 ? '' : readablePairs(target.slice(mark + 1))) }
}

/** A URL that Go's HTTP server refuses before anybody looks at the request. */
class MalformedTarget extends Error {}

function unescapedPath(path: string): string {
  if (/%(?![0-9a-fA-F]{2})/.test(path)) throw new MalformedTarget(path)
  try {
    return decodeURIComponent(path)
  } catch {
    // Bytes that are no UTF-8 stay bytes in Go; here they can only be marked.
    const bytes = new TextEncoder().encode(path)
    const out: number[] = []
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== 0x25) out.push(bytes[i]!)
      else out.push(Number.parseInt(String.fromCharCode(bytes[i + 1]!, bytes[i + 2]!), 16)), i += 2
    }
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(out))
  }
}

/** Go drops pairs that it can't unescape, and such with a semicolon. k8s: net/url ParseQuery */
function readablePairs(query: string): string {
  if (!/;|%(?![0-9a-fA-F]{2})/.test(query)) return query
  return query.split('&').filter((pair) => !/;|%(?![0-9a-fA-F]{2})/.test(pair)).join('&')
}

function asStatusError(error: unknown, log: Log, request: HttpRequest): StatusError {
  if (isStatusError(error)) return error
  log.error('request failed', { method: request.method, url: request.url, error: error instanceof Error ? error.stack : String(error) })
  return apiError.generic(500, 'InternalError', `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`, { causes: [{ message: error instanceof Error ? error.message : String(error) }] })
}

/** The query as it came, with its question mark. */
function queryText(url: string): string {
  const mark = url.indexOf('?')
  return mark < 0 ? '' : url.slice(mark).replace(/#.*$/, '')
}
