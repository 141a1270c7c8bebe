import type { Ingress, IngressBackend } from '../../kinds/generated/types.ts'
import { parseGoDuration } from '../../kinds/duration.ts'
import type { PathMatch, RetryPolicy, Route } from '../envoy/configuration.ts'
import { upstreamProtocol } from './cluster-view.ts'
import type { ClusterView } from './cluster-view.ts'
import { regexProblem } from './match-conditions.ts'
import type { RouteGraph } from './route-graph.ts'

export type LogFields = Readonly<Record<string, string | number>>
export type Complain = (message: string, fields: LogFields) => void

export const CONNECT_TIMEOUT_MS = 2_000
/** How long Envoy waits for an answer unless a route says otherwise. */
export const RESPONSE_TIMEOUT_MS = 15_000

/** Adds what an Ingress asks for; what it can't have is complained of and left out. k8s: contour/internal/dag IngressProcessor */
export function addIngress(ingress: Ingress, view: ClusterView, graph: RouteGraph, complain: Complain): void {
  const { metadata: { name = '', namespace = '', annotations = {} }, spec } = ingress
  const of = { name, namespace }
  for (const { secretName, hosts = [] } of spec.tls ?? []) {
    const [first = '', second] = (secretName ?? '').split('/')
    const key = second === undefined ? `${annotations['projectcontour.io/tls-cert-namespace'] || namespace}/${first}` : `${first}/${second}`
    try {
      const pair = view.tlsSecret(key, namespace)
      for (const host of hosts) graph.addSecureHost(host, pair)
    } catch (error) {
      complain((error as Error).message === 'certificate delegation not permitted' ? 'certificate delegation not permitted' : 'unresolved secret reference', { error: (error as Error).message, ...of, secret: key })
    }
  }
  const rules = [...spec.defaultBackend ? [{ host: '', http: { paths: [{ path: '', pathType: undefined, backend: spec.defaultBackend }] } }] : [], ...spec.rules ?? []]
  for (const { host = '', http } of rules) {
    for (const { path = '', pathType, backend } of http?.paths ?? []) {
      const match = pathOf(path || '/', pathType)
      const problem = match.kind === 'regex' ? regexProblem(match.path) : undefined
      if (problem !== undefined) { complain('path regex is not valid', { error: problem, ...of, regex: match.path }); break }
      const cluster = clusterOf(backend, namespace, path || '/', of, view, graph, complain)
      if (cluster === undefined) continue
      const route = routeOf(ingress, host, path || '/', match, cluster)
      if (route.requiresTls || annotations['kubernetes.io/ingress.allow-http'] !== 'false') graph.addRoute(host || '*', route)
      if (host !== '') graph.addSecureRoute(host, route)
    }
  }
}

function clusterOf(backend: IngressBackend, namespace: string, path: string, of: LogFields, view: ClusterView, graph: RouteGraph, complain: Complain): string | undefined {
  if (!backend.service) { complain('ingress backend does not reference a service, resource backends are not supported', { ...of, path }); return undefined }
  const key = `${namespace}/${backend.service.name}`
  try {
    const { service, port } = view.service(key, backend.service.port?.name || backend.service.port?.number || 0)
    const protocol = upstreamProtocol(service, port)
    return graph.addCluster(`${key}/${port.port}`, { endpoints: view.endpoints(key, port), tls: protocol === 'tls' || protocol === 'h2', validation: undefined, policy: 'RoundRobin', connectTimeoutMs: CONNECT_TIMEOUT_MS })
  } catch (error) {
    complain(backend.service.port?.name ? 'service is not found' : 'unresolved service reference', { error: (error as Error).message, ...of, service: backend.service.name })
    return undefined
  }
}

function pathOf(path: string, pathType: string | undefined): PathMatch {
  if (pathType === 'Exact') return { kind: 'exact', path }
  if (pathType === 'Prefix') return path === '/' ? { kind: 'prefix', path } : { kind: 'segment', path: path.replace(/\/+$/, '') }
  return /[\^+*[\]%]/.test(path) ? { kind: 'regex', path } : { kind: 'prefix', path }
}

function routeOf({ metadata: { annotations = {} } }: Ingress, host: string, path: string, match: PathMatch, cluster: string): Route {
  const own = (key: string) => annotations[`projectcontour.io/${key}`] ?? ''
  const text = own('response-timeout') || own('request-timeout')
  const timeoutMs = text === '' ? RESPONSE_TIMEOUT_MS : text === 'infinity' || text === 'infinite' ? undefined : parseGoDuration(text) ?? RESPONSE_TIMEOUT_MS
  const retry: RetryPolicy | undefined = own('retry-on') === '' ? undefined : { on: own('retry-on').split(','), statusCodes: [], retries: Math.max(0, Number(own('num-retries')) || 0) || 1, perTryTimeoutMs: parseGoDuration(own('per-try-timeout')) }
  const websockets = own('websocket-routes').split(',').map((each) => each.trim())
  return {
    path: match, query: [], requiresTls: annotations['ingress.kubernetes.io/force-ssl-redirect'] === 'true', requestHeaders: undefined, responseHeaders: undefined, addresses: undefined, headers: wildcardMatch(host),
    action: { kind: 'forward', clusters: [{ name: cluster, weight: 0, requestHeaders: undefined, responseHeaders: undefined }], prefixRewrite: undefined, timeoutMs: timeoutMs || undefined, retry, allowsUpgrade: websockets.includes(path), affinity: undefined, hashHeaders: [] },
  }
}

/** A wildcard of Kubernetes stands for one label, Envoy's for several. k8s: wildcardDomainHeaderMatch */
export function wildcardMatch(host: string): Route['headers'] {
  return host.startsWith('*.') ? [{ name: ':authority', kind: 'regex', value: `[a-z0-9]([-a-z0-9]*[a-z0-9])?${host.slice(1).replaceAll('.', '\\.')}`, invert: false, ignoreCase: false, missingIsEmpty: false }] : []
}
