import { textMark } from '../front/text-mark.ts'
import type { Cluster, EnvoyConfiguration, Route } from '../envoy/configuration.ts'

interface SecureHost {
  certificatePem: string
  keyPem: string
  routes: Map<string, Route>
}

/** The hosts and routes that Ingresses and HTTPProxies come to, before Envoy is told. k8s: contour/internal/dag DAG */
export class RouteGraph {
  readonly #http = new Map<string, Map<string, Route>>()
  readonly #https = new Map<string, SecureHost>()
  readonly #clusters = new Map<string, Cluster>()

  /** Adds a host with a certificate; the last one that names it stays. */
  addSecureHost(domain: string, { certificatePem, keyPem }: Omit<SecureHost, 'routes'>): void {
    this.#https.set(domain, { certificatePem, keyPem, routes: this.#https.get(domain)?.routes ?? new Map<string, Route>() })
  }

  /** A later route takes the place of one with the same conditions. */
  addRoute(domain: string, route: Route): void {
    const routes = this.#http.get(domain) ?? new Map<string, Route>()
    this.#http.set(domain, routes.set(conditionsOf(route), route))
  }

  /** Does nothing for a host without certificate. */
  addSecureRoute(domain: string, route: Route): void {
    this.#https.get(domain)?.routes.set(conditionsOf(route), route)
  }

  /** @returns the name by which routes know it */
  addCluster(service: string, settings: Omit<Cluster, 'name'>): string {
    const { policy, tls, validation } = settings
    const name = `${service}/${policy}${tls ? '/tls' : ''}${validation ? `/${validation.subjectName}/${textMark(validation.caPem).toString(16)}` : ''}`
    this.#clusters.set(name, { name, ...settings })
    return name
  }

  configuration(): EnvoyConfiguration {
    const byDomain = <T extends { domain: string }>(a: T, b: T) => (a.domain < b.domain ? -1 : 1)
    return {
      http: [...this.#http].filter(([, routes]) => routes.size > 0).map(([domain, routes]) => ({ domain, routes: inOrder(routes) })).sort(byDomain),
      https: [...this.#https].filter(([, { routes }]) => routes.size > 0).map(([domain, { routes, ...pair }]) => ({ domain, ...pair, routes: inOrder(routes) })).sort(byDomain),
      clusters: [...this.#clusters.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    }
  }
}

function conditionsOf({ path, headers, query }: Route): string {
  return JSON.stringify([path, headers, query])
}

const KINDS = ['exact', 'regex', 'prefix']

/** Exact paths before regular expressions before prefixes, longer ones first, then those with more conditions. k8s: contour/internal/sorter routeSorter */
function inOrder(routes: ReadonlyMap<string, Route>): Route[] {
  const rank = ({ path: { kind } }: Route) => KINDS.indexOf(kind === 'segment' ? 'prefix' : kind)
  return [...routes.values()].sort((a, b) => rank(a) - rank(b) || b.path.path.length - a.path.path.length || (a.path.path > b.path.path ? -1 : a.path.path < b.path.path ? 1 : 0)
    || Number(b.path.kind === 'segment') - Number(a.path.kind === 'segment') || b.headers.length - a.headers.length || b.query.length - a.query.length || compareNames(a, b))
}

function compareNames(a: Route, b: Route): number {
  const shown = ({ headers, query }: Route) => JSON.stringify([...headers, ...query].map(({ name, kind, value, invert }) => [name, Number(invert), kind, value]))
  return shown(a) < shown(b) ? -1 : 1
}
