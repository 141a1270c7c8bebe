import type { Route } from '../envoy/configuration.ts'
import { DelegationNotPermitted } from './cluster-view.ts'
import type { ClusterView } from './cluster-view.ts'
import { addressesOf, routesOf } from './http-proxy-routes.ts'
import type { RouteContext } from './http-proxy-routes.ts'
import type { HttpProxy, MatchCondition } from './http-proxy-types.ts'
import { headerProblem, includeProblem, mergedHeaders, mergedPath, mergedQuery, pathProblem, queryProblem } from './match-conditions.ts'
import { ProxyVerdict } from './proxy-status.ts'
import type { RouteGraph } from './route-graph.ts'

export interface HttpProxyOptions {
  view: ClusterView
  graph: RouteGraph
  disablesPermitInsecure: boolean
  /** Namespaces whose HTTPProxies may have hosts; all when empty. */
  rootNamespaces: readonly string[]
}

const keyOf = ({ metadata: { namespace, name } }: HttpProxy) => `${namespace}/${name}`
const SUPPORTED_OF_HOST = new Set(['fqdn', 'tls', 'ipAllowPolicy', 'ipDenyPolicy'])

/** Adds the routes of all HTTPProxies, and says of each whether it is valid. k8s: contour/internal/dag HTTPProxyProcessor */
export function addHttpProxies(proxies: readonly HttpProxy[], options: HttpProxyOptions): Map<string, ProxyVerdict> {
  const byKey = new Map(proxies.map((proxy) => [keyOf(proxy), proxy]))
  const verdicts = new Map(proxies.map((proxy) => [keyOf(proxy), new ProxyVerdict()]))
  const orphans = new Set(proxies.filter(({ spec }) => !spec.virtualhost).map(keyOf))
  const byHost = new Map<string, HttpProxy[]>()
  for (const proxy of proxies) if (proxy.spec.virtualhost) { const host = (proxy.spec.virtualhost.fqdn ?? '').toLowerCase(); byHost.set(host, [...byHost.get(host) ?? [], proxy]) }
  const include: Including = { byKey, verdicts, orphans, options }
  for (const [host, roots] of byHost) {
    if (roots.length === 1) { addRoot(roots[0]!, include); continue }
    const names = roots.map(keyOf).sort().join(', ')
    for (const root of roots) verdicts.get(keyOf(root))!.error('VirtualHostError', 'DuplicateVhost', `fqdn "${host}" is used in multiple HTTPProxies: ${names}`)
  }
  for (const key of orphans) verdicts.get(key)!.error('Orphaned', 'Orphaned', 'this HTTPProxy is not part of a delegation chain from a root HTTPProxy')
  return verdicts
}

interface Including {
  byKey: ReadonlyMap<string, HttpProxy>
  verdicts: ReadonlyMap<string, ProxyVerdict>
  orphans: Set<string>
  options: HttpProxyOptions
}

/** k8s: computeHTTPProxy */
function addRoot(proxy: HttpProxy, including: Including): void {
  const { view, graph, disablesPermitInsecure, rootNamespaces } = including.options
  const { metadata: { namespace }, spec } = proxy
  const { fqdn = '', tls, ipAllowPolicy, ipDenyPolicy } = spec.virtualhost!
  const verdict = including.verdicts.get(keyOf(proxy))!
  if (fqdn === '') return verdict.error('VirtualHostError', 'FQDNNotSpecified', 'Spec.VirtualHost.Fqdn must be specified')
  if (rootNamespaces.length > 0 && !rootNamespaces.includes(namespace)) return verdict.error('RootNamespaceError', 'RootProxyNotAllowedInNamespace', 'root HTTPProxy cannot be defined in this namespace')
  if (!spec.routes?.length && !spec.includes?.length && spec.tcpproxy === undefined) return verdict.error('SpecError', 'NothingDefined', 'HTTPProxy.Spec must have at least one Route, Include, or a TCPProxy')
  if (ipAllowPolicy?.length && ipDenyPolicy?.length) return verdict.error('IPFilterError', 'IncompatibleIPAddressFilters', 'Spec.VirtualHost.IPAllowFilterPolicy and Spec.VirtualHost.IPDepnyFilterPolicy cannot both be defined.')
  const unknown = Object.keys(spec.virtualhost!).find((key) => !SUPPORTED_OF_HOST.has(key))
  if (unknown !== undefined) return verdict.error('VirtualHostError', 'NotSupported', `Spec.VirtualHost.${unknown} is not supported by this Contour`)
  if (spec.tcpproxy !== undefined) return verdict.error('TCPProxyError', 'NotSupported', 'Spec.TCPProxy is not supported by this Contour')
  if (tls && !addTls(fqdn, tls, namespace, verdict, view, graph)) return
  const addresses = addressesOf(ipAllowPolicy, ipDenyPolicy, verdict)
  const routes = routesBelow(proxy, [], [], { view, graph, fqdn, requiresTls: tls !== undefined, disablesPermitInsecure }, including)
  for (const route of routes) {
    const limited = { ...route, addresses: route.addresses ?? addresses }
    graph.addRoute(fqdn, limited)
    if (tls) graph.addSecureRoute(fqdn, limited)
  }
}

function addTls(fqdn: string, tls: NonNullable<NonNullable<HttpProxy['spec']['virtualhost']>['tls']>, namespace: string, verdict: ProxyVerdict, view: ClusterView, graph: RouteGraph): boolean {
  const fail = (reason: string, message: string) => { verdict.error('TLSError', reason, message); return false }
  const { secretName = '', passthrough, enableFallbackCertificate, clientValidation, minimumProtocolVersion = '1.2', maximumProtocolVersion = '1.3' } = tls
  if (secretName !== '' && passthrough) return fail('TLSConfigNotValid', 'Spec.VirtualHost.TLS: both Passthrough and SecretName were specified')
  if (secretName === '' && !passthrough) return fail('TLSConfigNotValid', 'Spec.VirtualHost.TLS: neither Passthrough nor SecretName were specified')
  if (passthrough) return fail('NotSupported', 'Spec.VirtualHost.TLS.Passthrough is not supported by this Contour')
  const key = secretName.includes('/') ? secretName : `${namespace}/${secretName}`
  let pair: { certificatePem: string; keyPem: string }
  try { pair = view.tlsSecret(key, namespace) } catch (error) {
    return error instanceof DelegationNotPermitted ? fail('DelegationNotPermitted', `Spec.VirtualHost.TLS Secret "${secretName}" certificate delegation not permitted`) : fail('SecretNotValid', `Spec.VirtualHost.TLS Secret "${secretName}" is invalid: ${(error as Error).message}`)
  }
  if (maximumProtocolVersion < minimumProtocolVersion) return fail('TLSConfigNotValid', 'Spec.Virtualhost.TLS the minimum protocol version is greater than the maximum protocol version')
  if (enableFallbackCertificate) return fail('FallbackNotPresent', 'Spec.Virtualhost.TLS enabled fallback but the fallback Certificate Secret is not configured in Contour configuration file')
  if (minimumProtocolVersion !== '1.2' || maximumProtocolVersion !== '1.3') return fail('NotSupported', 'Spec.VirtualHost.TLS: only versions 1.2 to 1.3 are supported by this Contour')
  if (clientValidation !== undefined) return fail('NotSupported', 'Spec.VirtualHost.TLS.ClientValidation is not supported by this Contour')
  graph.addSecureHost(fqdn, pair)
  return true
}

/** The routes of a proxy and of all that it includes. k8s: computeRoutes */
function routesBelow(proxy: HttpProxy, conditions: readonly MatchCondition[], visited: readonly HttpProxy[], context: RouteContext, including: Including): Route[] {
  const verdict = including.verdicts.get(keyOf(proxy))!
  if (visited.includes(proxy)) {
    verdict.error('IncludeError', 'IncludeCreatesCycle', `include creates an include cycle: ${[...visited, proxy].map(keyOf).join(' -> ')}`)
    return []
  }
  const routes: Route[] = []
  const seen = new Set<string>()
  for (const { name, namespace = proxy.metadata.namespace, conditions: own = [] } of proxy.spec.includes ?? []) {
    const pathIssue = includeProblem(own) ?? pathProblem(own)
    if (pathIssue !== undefined) { verdict.error('IncludeError', 'PathMatchConditionsNotValid', `include: ${pathIssue}`); continue }
    const headerIssue = headerProblem(own)
    if (headerIssue !== undefined) { verdict.error('RouteError', 'HeaderMatchConditionsNotValid', headerIssue); continue }
    const queryIssue = queryProblem(own)
    if (queryIssue !== undefined) { verdict.error('RouteError', 'QueryParameterMatchConditionsNotValid', queryIssue); continue }
    const path = mergedPath(own)
    const isPlain = path.path === '/' && mergedHeaders(own).length === 0 && mergedQuery(own).length === 0
    const shown = JSON.stringify([path, mergedHeaders(own).map((each) => JSON.stringify(each)).sort(), mergedQuery(own).map((each) => JSON.stringify(each)).sort()])
    if (!isPlain && seen.has(shown)) { verdict.error('IncludeError', 'DuplicateMatchConditions', 'duplicate conditions defined on an include'); continue }
    seen.add(shown)
    const included = including.byKey.get(`${namespace}/${name}`)
    if (!included || included.spec.virtualhost) {
      if (!included) verdict.error('IncludeError', 'IncludeNotFound', `include ${namespace}/${name} not found`)
      else verdict.error('IncludeError', 'RootIncludesRoot', `root httpproxy cannot include another root httpproxy (${namespace}/${name})`)
      if (own.length > 0) routes.push({ path, headers: mergedHeaders(own), query: mergedQuery(own), requiresTls: false, requestHeaders: undefined, responseHeaders: undefined, addresses: undefined, action: { kind: 'answer', status: 502, body: '' } })
      continue
    }
    routes.push(...routesBelow(included, [...conditions, ...own], [...visited, proxy], context, including))
    including.orphans.delete(keyOf(included))
  }
  const own = routesOf(proxy, conditions, verdict, context)
  return own ? withSlashes([...routes, ...own]) : []
}

/** A prefix that is rewritten gets a second route, so that `/foo` and `/foo/bar` both come out right. k8s: expandPrefixMatches */
function withSlashes(routes: readonly Route[]): Route[] {
  const prefixOf = ({ path: { kind, path } }: Route) => (kind !== 'prefix' ? undefined : path === '/' ? path : path.replace(/\/+$/, ''))
  return routes.flatMap((route) => {
    const prefix = prefixOf(route)
    const { action } = route
    if (prefix === undefined || prefix === '/' || action.kind !== 'forward' || action.prefixRewrite === undefined || routes.filter((other) => prefixOf(other) === prefix).length > 1) return [route]
    const rewrite = action.prefixRewrite.replace(/\/+$/, '')
    return [
      { ...route, path: { kind: 'prefix' as const, path: prefix }, action: { ...action, prefixRewrite: rewrite || '/' } },
      { ...route, path: { kind: 'prefix' as const, path: `${prefix}/` }, action: { ...action, prefixRewrite: `${rewrite}/` } },
    ]
  })
}
