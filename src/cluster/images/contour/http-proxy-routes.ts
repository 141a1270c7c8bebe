import { parseCidr } from '../../kinds/ip.ts'
import { parseGoDuration } from '../../kinds/duration.ts'
import type { Service } from '../../kinds/generated/types.ts'
import type { Cluster, Route, RouteAction, WeightedCluster } from '../envoy/configuration.ts'
import { DelegationNotPermitted, upstreamProtocol } from './cluster-view.ts'
import type { ClusterView, ServicePort } from './cluster-view.ts'
import { headersPolicy } from './headers-policy.ts'
import type { HttpProxy, IpFilter, MatchCondition, ProxyRoute, ProxyService } from './http-proxy-types.ts'
import { CONNECT_TIMEOUT_MS, RESPONSE_TIMEOUT_MS, wildcardMatch } from './ingress-routes.ts'
import { headerProblem, mergedHeaders, mergedPath, mergedQuery, pathProblem, queryProblem, regexProblem } from './match-conditions.ts'
import type { ProxyVerdict } from './proxy-status.ts'
import type { RouteGraph } from './route-graph.ts'

/** What routes of an HTTPProxy are worked out with. */
export interface RouteContext {
  view: ClusterView
  graph: RouteGraph
  /** The host of the root. */
  fqdn: string
  /** Of the root: plain requests are sent to HTTPS. */
  requiresTls: boolean
  disablesPermitInsecure: boolean
}

/** Ends the work on a proxy whose verdict says why. */
class Refused extends Error {}

const SUPPORTED = new Set(['conditions', 'services', 'enableWebsockets', 'permitInsecure', 'timeoutPolicy', 'retryPolicy', 'loadBalancerPolicy', 'pathRewritePolicy', 'requestHeadersPolicy', 'responseHeadersPolicy', 'requestRedirectPolicy', 'directResponsePolicy', 'ipAllowPolicy', 'ipDenyPolicy'])
const SUPPORTED_OF_SERVICE = new Set(['name', 'port', 'weight', 'protocol', 'validation', 'requestHeadersPolicy', 'responseHeadersPolicy'])

/** The routes of an HTTPProxy below conditions of its includes; none where one of them can't be. k8s: contour/internal/dag computeRoutes */
export function routesOf(proxy: HttpProxy, conditions: readonly MatchCondition[], verdict: ProxyVerdict, context: RouteContext): Route[] | undefined {
  try {
    return (proxy.spec.routes ?? []).map((route) => routeOf(route, proxy, conditions, verdict, context))
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return undefined
  }
}

function routeOf(route: ProxyRoute, { metadata: { namespace } }: HttpProxy, above: readonly MatchCondition[], verdict: ProxyVerdict, context: RouteContext): Route {
  const refuse = (type: string, reason: string, message: string): never => { verdict.error(type, reason, message); throw new Refused(message) }
  const tried = <T>(reason: string, where: string, make: () => T): T => { try { return make() } catch (error) { return refuse('RouteError', reason, `${(error as Error).message}${where}`) } }
  if ([route.services?.length, route.requestRedirectPolicy, route.directResponsePolicy].filter(Boolean).length !== 1) refuse('RouteError', 'RouteActionCountNotValid', 'must set exactly one of route.services or route.requestRedirectPolicy or route.directResponsePolicy')
  const unknown = Object.keys(route).find((key) => !SUPPORTED.has(key))
  if (unknown !== undefined) refuse('RouteError', 'NotSupported', `route.${unknown} is not supported by this Contour`)
  const own = route.conditions ?? []
  const pathIssue = pathProblem(own)
  if (pathIssue !== undefined) refuse('RouteError', 'PathMatchConditionsNotValid', `route: ${pathIssue}`)
  const conditions = [...above, ...own]
  const headerIssue = headerProblem(conditions)
  if (headerIssue !== undefined) refuse('RouteError', 'HeaderMatchConditionsNotValid', headerIssue)
  const queryIssue = queryProblem(conditions)
  if (queryIssue !== undefined) refuse('RouteError', 'QueryParameterMatchConditionsNotValid', queryIssue)
  const variables = { CONTOUR_NAMESPACE: namespace }
  const requestHeaders = tried('RequestHeadersPolicyInvalid', ' on request headers', () => headersPolicy(route.requestHeadersPolicy, true, variables))
  const responseHeaders = tried('ResponseHeaderPolicyInvalid', ' on response headers', () => headersPolicy(route.responseHeadersPolicy, false, variables))
  const timeoutMs = tried('TimeoutPolicyNotValid', '', () => responseTimeout(route.timeoutPolicy))
  const redirect = route.requestRedirectPolicy
  if (redirect?.path !== undefined && redirect.prefix !== undefined) refuse('RouteError', 'RequestRedirectPolicy', 'route.requestRedirectPolicy is invalid: cannot specify both redirect path and redirect prefix')
  const path = mergedPath(conditions)
  if (path.kind === 'regex' && regexProblem(path.path) !== undefined) refuse('RouteError', 'PathMatchConditionsNotValid', 'route: regex invalid after merging with include prefix')
  const balancing = balancingOf(route, verdict)
  const prefixRewrite = rewriteOf(route, path.kind === 'prefix' ? path.path : undefined, refuse)
  const clusters = (route.services ?? []).flatMap((service) => clusterOf(service, namespace, balancing.policy, variables, verdict, refuse, context))
  const action: RouteAction = redirect
    ? { kind: 'redirect', host: redirect.hostname ?? '', scheme: redirect.scheme ?? '', port: redirect.port ?? 0, status: redirect.statusCode ?? 302, path: redirect.path, prefix: redirect.prefix }
    : route.directResponsePolicy ? { kind: 'answer', status: route.directResponsePolicy.statusCode, body: route.directResponsePolicy.body ?? '' }
    : clusters.length === 0 ? { kind: 'answer', status: 503, body: '' }
    : { kind: 'forward', clusters, prefixRewrite, timeoutMs, retry: retryOf(route), allowsUpgrade: route.enableWebsockets === true, affinity: balancing.affinity, hashHeaders: balancing.headers }
  return {
    path, headers: [...mergedHeaders(conditions), ...wildcardMatch(context.fqdn)], query: mergedQuery(conditions), requestHeaders, responseHeaders, action,
    requiresTls: context.requiresTls && !(route.permitInsecure && !context.disablesPermitInsecure), addresses: addressesOf(route.ipAllowPolicy, route.ipDenyPolicy, verdict),
  }
}

function responseTimeout(policy: ProxyRoute['timeoutPolicy']): number | undefined {
  for (const key of ['idle', 'idleConnection'] as const) if (policy?.[key] && !/^infini(ty|te)$/.test(policy[key])) throw new Error(`route.timeoutPolicy.${key} is not supported by this Contour`)
  const text = policy?.response ?? ''
  if (text === '') return RESPONSE_TIMEOUT_MS
  if (text === 'infinity' || text === 'infinite') return undefined
  const ms = parseGoDuration(text)
  if (ms === undefined) throw new Error(`route.timeoutPolicy failed to parse: error parsing response timeout: unable to parse timeout string "${text}": time: invalid duration "${text}"`)
  return ms || undefined
}

function retryOf({ retryPolicy: policy }: ProxyRoute) {
  if (!policy) return undefined
  const { count = 0, perTryTimeout = '', retryOn = [], retriableStatusCodes = [] } = policy
  return { on: retryOn.length > 0 ? retryOn : ['5xx'], statusCodes: retriableStatusCodes, retries: count === -1 ? 0 : Math.max(1, count), perTryTimeoutMs: parseGoDuration(perTryTimeout) || undefined }
}

/** k8s: loadBalancerRequestHashPolicies */
function balancingOf({ loadBalancerPolicy: policy }: ProxyRoute, verdict: ProxyVerdict): { policy: Cluster['policy']; affinity: { name: string } | undefined; headers: string[] } {
  const none = { affinity: undefined, headers: [] }
  switch (policy?.strategy) {
    case 'Random': case 'WeightedLeastRequest': return { policy: policy.strategy, ...none }
    case 'Cookie': return { policy: 'Hash', affinity: { name: 'X-Contour-Session-Affinity' }, headers: [] }
    case 'RequestHash': {
      const headers: string[] = []
      for (const { headerHashOptions, queryParameterHashOptions, hashSourceIP } of policy.requestHashPolicies ?? []) {
        if (queryParameterHashOptions !== undefined || hashSourceIP) verdict.warning('SpecError', 'IgnoredField', 'ignoring invalid request hash policy: only headers are supported by this Contour')
        else if (!headerHashOptions?.headerName) verdict.warning('SpecError', 'IgnoredField', 'ignoring invalid header hash policy options with an invalid header name')
        else headers.push(headerHashOptions.headerName)
      }
      if (headers.length > 0) return { policy: 'Hash', affinity: undefined, headers }
      verdict.warning('SpecError', 'IgnoredField', `ignoring field "Spec.Routes.LoadBalancerPolicy"; RequestHash load balancer policy set without request hash options specified`)
      return { policy: 'RoundRobin', ...none }
    }
    default: return { policy: 'RoundRobin', ...none }
  }
}

function rewriteOf({ pathRewritePolicy }: ProxyRoute, prefix: string | undefined, refuse: (type: string, reason: string, message: string) => never): string | undefined {
  const replacements = pathRewritePolicy?.replacePrefix ?? []
  if (replacements.length === 0) return undefined
  if (prefix === undefined) return refuse('PrefixReplaceError', 'MustHavePrefix', 'cannot specify prefix replacements without a prefix condition')
  const seen = new Set<string>()
  for (const { prefix: of = '' } of replacements) {
    if (seen.has(of)) refuse('PrefixReplaceError', of === '' ? 'AmbiguousReplacement' : 'DuplicateReplacement', of === '' ? 'ambiguous prefix replacement' : `duplicate replacement prefix '${of}'`)
    seen.add(of)
  }
  return (replacements.find((each) => each.prefix && each.prefix === prefix) ?? replacements.find((each) => !each.prefix))?.replacement
}

function clusterOf(service: ProxyService, namespace: string, policy: Cluster['policy'], variables: Readonly<Record<string, string>>, verdict: ProxyVerdict, refuse: (type: string, reason: string, message: string) => never, { view, graph }: RouteContext): WeightedCluster[] {
  const unknown = Object.keys(service).find((key) => !SUPPORTED_OF_SERVICE.has(key))
  if (unknown !== undefined) refuse('ServiceError', 'NotSupported', `service "${service.name}": ${unknown} is not supported by this Contour`)
  if (service.port < 1 || service.port > 65535) refuse('ServiceError', 'ServicePortInvalid', `service "${service.name}": port must be in the range 1-65535`)
  const key = `${namespace}/${service.name}`
  let found: { service: Service; port: ServicePort }
  try { found = view.service(key, service.port) } catch (error) {
    verdict.error('ServiceError', 'ServiceUnresolvedReference', `Spec.Routes unresolved service reference: ${(error as Error).message}`)
    return []
  }
  if (service.protocol !== undefined && !['h2c', 'h2', 'tls'].includes(service.protocol)) refuse('ServiceError', 'UnsupportedProtocol', `unsupported protocol: ${service.protocol}`)
  const protocol = service.protocol ?? upstreamProtocol(found.service, found.port)
  const tls = protocol === 'tls' || protocol === 'h2'
  let validation: Cluster['validation']
  if (tls && service.validation) {
    const { caSecret, subjectName, subjectNames = [] } = service.validation
    if (subjectNames.some((name) => name !== subjectName)) refuse('ServiceError', 'NotSupported', `service "${service.name}": several names in validation.subjectNames are not supported by this Contour`)
    const secret = caSecret.includes('/') ? caSecret : `${namespace}/${caSecret}`
    try { validation = { caPem: view.authority(secret, namespace), subjectName } } catch (error) {
      if (error instanceof DelegationNotPermitted) refuse('TLSError', 'CACertificateNotDelegated', `service.UpstreamValidation.CACertificate Secret "${secret}" is not configured for certificate delegation`)
      refuse('ServiceError', 'TLSUpstreamValidation', `Service [${service.name}:${service.port}] TLS upstream validation policy error: invalid CA Secret "${secret}": ${(error as Error).message}`)
    }
  }
  const more = { ...variables, CONTOUR_SERVICE_NAME: service.name, CONTOUR_SERVICE_PORT: String(service.port) }
  const policyOf = (reason: string, where: string, given: ProxyService['requestHeadersPolicy'], allowsHost: boolean) => { try { return headersPolicy(given, allowsHost, more) } catch (error) { return refuse('ServiceError', reason, `${(error as Error).message} on ${where} headers`) } }
  const name = graph.addCluster(`${key}/${found.port.port}`, { endpoints: view.endpoints(key, found.port), tls, validation, policy, connectTimeoutMs: CONNECT_TIMEOUT_MS })
  return [{ name, weight: service.weight ?? 0, requestHeaders: policyOf('RequestHeadersPolicyInvalid', 'request', service.requestHeadersPolicy, true), responseHeaders: policyOf('ResponseHeadersPolicyInvalid', 'response', service.responseHeadersPolicy, false) }]
}

/** Whom a host or a route lets in. k8s: toIPFilterRules */
export function addressesOf(allow: readonly IpFilter[] | undefined, deny: readonly IpFilter[] | undefined, verdict: ProxyVerdict): Route['addresses'] {
  if (allow?.length && deny?.length) {
    verdict.error('IPFilterError', 'IncompatibleIPAddressFilters', 'cannot specify both `ipAllowPolicy` and `ipDenyPolicy`')
    return undefined
  }
  const policies = allow?.length ? allow : deny
  if (!policies?.length) return undefined
  const ranges = policies.flatMap(({ cidr }) => {
    const range = cidr.includes('/') ? cidr : `${cidr}/${cidr.includes(':') ? 128 : 32}`
    if (parseCidr(range)) return [range]
    verdict.error('IPFilterError', 'InvalidCIDR', `${cidr} failed to parse: invalid CIDR address: ${range}`)
    return []
  })
  return { allow: allow?.length !== undefined && allow.length > 0, ranges }
}
