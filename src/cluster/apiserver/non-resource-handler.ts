import type { Clock } from '../../base/clock.ts'
import type { HttpRequest } from '../../base/http.ts'
import { PROMETHEUS_TYPE, prometheusPieces } from '../../base/prometheus.ts'
import type { MetricFamily } from '../../base/prometheus.ts'
import { textStream } from '../../base/text-stream.ts'
import type { Kind } from '../kinds/kind.ts'
import type { Aggregator } from './aggregation/aggregator.ts'
import { aggregatedDiscoveryDocument, apiGroupDocument, apiGroupListDocument, apiResourceListDocument, apiVersionsDocument } from './discovery/discovery.ts'
import { healthAnswer, healthPaths, type HealthChecks } from './health.ts'
import type { FlowControl } from './flowcontrol/flow-control.ts'
import { jsonText } from './json-text.ts'
import { wantsPretty } from './wants-pretty.ts'
import { checkProducible, negotiate, parseAccept, type Encoding } from './media-types.ts'
import type { RequestInfo } from './request-info.ts'
import { methodNotAllowed } from './resource-routes.ts'
import { unknownResource, type ResourceCatalog } from './resource-catalog.ts'
import { answer, pathNotFound, plainText, type TextStyle } from './responses.ts'
import type { ControlPlaneHealth } from './seams.ts'
import { zpageForm, statuszObject, statuszText } from './statusz.ts'
import { textHash } from './text-hash.ts'

/** What `/version` says. */
export type VersionInfo = Readonly<Record<string, string>>

export interface NonResourceOptions {
  catalog: ResourceCatalog
  aggregator: Aggregator
  version: VersionInfo
  /** Host and port that clients are told to use. */
  serverAddress: string
  flow: FlowControl
  metrics(): MetricFamily[]
  clock: Clock
  startedMs: number
  /** The command line that the server was started with. */
  argv(): readonly string[]
  /** Of the components beside this server. */
  health?: ControlPlaneHealth
}

/** Paths that name no resource: discovery, health, version, metrics. */
export class NonResourceHandler {
  readonly #catalog: ResourceCatalog
  readonly #aggregator: Aggregator
  readonly #version: VersionInfo
  readonly #options: NonResourceOptions
  readonly #checks: HealthChecks

  constructor(options: NonResourceOptions) {
    this.#options = options
    this.#checks = checksOf(options.health)
    this.#catalog = options.catalog
    this.#aggregator = options.aggregator
    this.#version = options.version
  }

  /** Whether a path that looks like one of a resource is a group version's own document (`/apis/apps/v1/`). */
  serves(info: RequestInfo): boolean {
    return info.isResourceRequest && info.parts.length === 0
  }

  /** @param neighbours of the components beside the API server that is asked, where there are several */
  handle(request: HttpRequest, fullPath: string, query: URLSearchParams, neighbours?: ControlPlaneHealth): Response | Promise<Response> {
    if (fullPath.startsWith('//')) return pathNotFound()
    const path = '/' + fullPath.replace(/^\/+|\/+$/g, '')
    // Only go-restful's routes have a slash at their end.
    if (fullPath !== '/' && fullPath.endsWith('/') && !/^\/(api|apis|version|openid|\.well-known)(\/|$)/.test(path)) return pathNotFound()
    const pretty = wantsPretty(query, request)
    if (path === '/statusz') return this.#statusz(request.headers.get('accept'), pretty)
    if (path === '/flagz') return this.#flagz(request.headers.get('accept'), pretty)
    const health = healthAnswer(path, query, neighbours ? checksOf(neighbours) : this.#checks)
    if (health) return health
    const families = path === '/metrics' ? this.#options.metrics() : path === '/metrics/slis' ? sliMetrics() : undefined
    if (path === '/version' || path === '/api' || (/^\/(api|apis\/[^/]+)\/[^/]+$/.test(path) && this.#isRouted(path))) {
      // go-restful's routes; the rest is served whatever the method.
      if (request.method !== 'GET') throw methodNotAllowed()
      checkProducible(request.headers.get('accept'), path === '/version' ? ['application/json'] : undefined)
    }
    const document = families ? {} : this.#document(path, request)
    if (!document) {
      if (path.startsWith('/api/') || path.startsWith('/version/') || this.#catalog.hasBuiltInGroup(/^\/apis\/([^/]+)\/[^/]+$/.exec(path)?.[1] ?? '-')) throw unknownResource()
      return pathNotFound()
    }
    if (families) return new Response(textStream(prometheusPieces(families), this.#options.clock), { headers: { 'content-type': PROMETHEUS_TYPE, 'process-start-time-unix': String(Math.floor(this.#options.startedMs / 1000)) } })
    if (document.text !== undefined) {
      const response = plainText(200, document.text)
      response.headers.delete('x-content-type-options')
      return response
    }
    const style = { encoding: document.encoding ?? 'json' as Encoding, pretty: pretty || document.pretty === true }
    const text = jsonText(document.body!)
    return document.contentType === AGGREGATED_TYPE ? tagged(request, text, style) : answer(200, text, style, document.contentType)
  }

  /** Whether a path is the document of a group version of built-in kinds. */
  #isRouted(path: string): boolean {
    const [, first, ...rest] = path.split('/')
    const [group, version] = first === 'api' ? ['', rest[0]] : rest
    return this.#catalog.kinds().some((kind) => !kind.custom && kind.group === group && kind.version === version)
  }

  #document(path: string, request: HttpRequest): { body?: Record<string, unknown>; text?: string; contentType?: string; encoding?: Encoding; pretty?: boolean } | undefined {
    const kinds = this.#catalog.kinds()
    if (path === '/version') return { body: this.#version as Record<string, unknown>, pretty: true }
    if (path === '/' || path === '/index.html') return { body: { paths: this.#paths(kinds) }, pretty: true }
    if (path.startsWith('/debug/api_priority_and_fairness/')) return textOf(this.#options.flow.debugText(path.slice('/debug/api_priority_and_fairness/'.length)))
    if (path === '/api' || path === '/apis') {
      const of = path.slice(1) as 'api' | 'apis'
      const accept = request.headers.get('accept')
      const source = this.#aggregator.discoverySource(kinds)
      if (wantsAggregated(accept)) return { body: aggregatedDiscoveryDocument(source, of), contentType: AGGREGATED_TYPE }
      const { encoding, pretty = false } = negotiate(accept)
      return { body: of === 'api' ? apiVersionsDocument(this.#options.serverAddress) : apiGroupListDocument(source), encoding, pretty }
    }
    const segments = path.slice(1).split('/')
    let body: Record<string, unknown> | undefined
    if (segments[0] === 'api' && segments.length === 2) body = apiResourceListDocument(kinds, '', segments[1]!)
    if (segments[0] === 'apis' && segments.length === 2) body = apiGroupDocument(this.#aggregator.discoverySource(kinds), segments[1]!)
    if (segments[0] === 'apis' && segments.length === 3) body = apiResourceListDocument(kinds, segments[1]!, segments[2]!)
    // What isn't there is missing in every format.
    if (!body) return undefined
    const { encoding, pretty = false } = negotiate(request.headers.get('accept'))
    return { body, encoding, pretty }
  }

  #statusz(accept: string | null, pretty: boolean): Response {
    const { clock, startedMs, version } = this.#options
    const state = { startedMs, nowMs: clock.nowMs(), version }
    const form = zpageForm(accept, 'Statusz')
    return zpage('statusz', form, pretty, (version) => statuszObject(state, version), () => statuszText(state))
  }

  async #flagz(accept: string | null, pretty: boolean): Promise<Response> {
    const form = zpageForm(accept, 'Flagz')
    const { clock, argv } = this.#options
    const { flagValues, flagzObject, flagzText } = await clock.outside(import('./flagz.ts'))
    const values = flagValues(argv())
    return zpage('flagz', form, pretty, (version) => flagzObject(values, version), () => flagzText(values))
  }

  #paths(kinds: readonly Kind[]): string[] {
    const groups = new Set<string>()
    for (const kind of kinds) {
      if (kind.group) groups.add(`/apis/${kind.group}`).add(`/apis/${kind.group}/${kind.version}`)
    }
    return ['/.well-known/openid-configuration', '/api', '/api/v1', '/apis', '/apis/', ...groups, '/flagz', ...healthPaths(), '/metrics', '/metrics/slis', '/openapi/v2', '/openapi/v3', '/openapi/v3/', '/openid/v1/jwks', '/statusz', '/version'].sort()
  }
}

/** A page about the server, as text or as an object. k8s: component-base/zpages */
function zpage(name: string, form: ReturnType<typeof zpageForm>, pretty: boolean, objectOf: (version: string) => Record<string, unknown>, textOf: () => string): Response {
  if (form !== 'text') {
    const response = answer(200, jsonText(objectOf(form.version)), { encoding: form.encoding, pretty }, form.contentType)
    if (form.version === 'v1alpha1') response.headers.append('warning', `299 - "This version of the ${name} endpoint is deprecated. Please use a newer version."`)
    return response
  }
  const response = plainText(200, textOf())
  response.headers.delete('x-content-type-options')
  return response
}

/** Answers with 304 to whoever has the document already. k8s: discovery/aggregated ServeHTTPWithETag */
function tagged(request: HttpRequest, text: string, style: TextStyle): Response {
  const headers = { etag: `"${textHash(text)}"`, vary: 'Accept', 'cache-control': 'public' }
  if (request.headers.get('if-none-match') === headers.etag) return new Response(null, { status: 304, headers })
  const response = answer(200, text, style, AGGREGATED_TYPE)
  for (const [key, value] of Object.entries(headers)) response.headers.set(key, value)
  return response
}

const AGGREGATED_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** Whether the client's first usable choice is aggregated discovery. */
function wantsAggregated(accept: string | null): boolean {
  if (!accept) return false
  for (const { type, subType, parameters } of parseAccept(accept)) {
    if (type !== 'application' || subType !== 'json') continue
    if (parameters['as'] === 'APIGroupDiscoveryList' && parameters['g'] === 'apidiscovery.k8s.io' && parameters['v'] === 'v2') return true
    if (!parameters['as']) return false
  }
  return false
}

const textOf = (text: string | undefined) => (text === undefined ? undefined : { text })

/** `/metrics/slis`: whether each check passes. k8s: component-base/metrics/prometheus/slis */
function sliMetrics(): MetricFamily[] {
  const samples = healthPaths().flatMap((path) => {
    const [, endpoint = '', ...name] = path.split('/')
    return name.length > 0 ? [{ labels: { name: name.join('/'), type: endpoint }, value: 1 }] : []
  })
  return [{ name: 'kubernetes_healthcheck', type: 'gauge', help: '[STABLE] This metric records the result of a single healthcheck.', samples }]
}

/** The checks that depend on others. k8s: storagebackend/factory newETCD3HealthCheck */
function checksOf(health: ControlPlaneHealth | undefined): HealthChecks {
  const etcd = () => {
    const outage = health?.etcdOutage()
    return outage && (outage.refusal ? 'error getting data from etcd: context deadline exceeded' : 'etcd client connection not yet established')
  }
  return { etcd, 'etcd-readiness': etcd }
}
