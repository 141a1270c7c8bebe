import type { Route, ValueMatch, VirtualHost } from './configuration.ts'

/** The virtual host for a host name without port: the name itself, else the longest wildcard, else `*`. Envoy: RouteMatcher::findVirtualHost */
export function virtualHostFor<T extends VirtualHost>(hosts: readonly T[], host: string): T | undefined {
  const wanted = host.toLowerCase()
  let best: T | undefined
  for (const each of hosts) {
    const domain = each.domain.toLowerCase()
    if (domain === wanted) return each
    const fits = domain === '*' || (domain.startsWith('*.') && wanted.endsWith(domain.slice(1)) && wanted.length > domain.length - 1)
    if (fits && (!best || domain.length > best.domain.length)) best = each
  }
  return best
}

/** What of a request routes look at. */
export interface RoutedRequest {
  /** Without the query, as it was sent. */
  path: string
  /** The host as the client named it, without port; conditions know it as `:authority`. */
  authority: string
  headers: Headers
  query: URLSearchParams
}

/** The first route that takes a request. */
export function routeFor({ routes }: VirtualHost, request: RoutedRequest): Route | undefined {
  return routes.find((route) => matchesPath(route, request.path) && route.headers.every((match) => matchesValue(match, match.name === ':authority' ? request.authority : request.headers.get(match.name))) && route.query.every((match) => matchesValue(match, request.query.get(match.name))))
}

function matchesPath({ path: { kind, path } }: Route, wanted: string): boolean {
  switch (kind) {
    case 'exact': return wanted === path
    case 'prefix': return wanted.startsWith(path)
    case 'segment': return wanted === path || wanted.startsWith(`${path}/`)
    case 'regex': return patternOf(`^(?:${path})$`).test(wanted)
  }
}

function matchesValue({ kind, value, invert, ignoreCase, missingIsEmpty }: ValueMatch, found: string | null): boolean {
  if (kind === 'present') return (found !== null) !== invert
  // A header that isn't there fits no comparison, inverted or not.
  if (found === null && !missingIsEmpty) return false
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text)
  const [have, want] = [fold(found ?? ''), fold(value)]
  const fits = kind === 'exact' ? have === want : kind === 'contains' ? have.includes(want) : kind === 'prefix' ? have.startsWith(want) : kind === 'suffix' ? have.endsWith(want) : patternOf(`^(?:${value})$`).test(found ?? '')
  return fits !== invert
}

const patterns = new Map<string, RegExp>()

function patternOf(text: string): RegExp {
  let pattern = patterns.get(text)
  if (!pattern) {
    if (patterns.size > 1000) patterns.clear()
    patterns.set(text, pattern = new RegExp(text))
  }
  return pattern
}
