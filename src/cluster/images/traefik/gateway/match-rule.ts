import type { HttpRouteMatch, PathMatch, ValueMatch } from './gateway-types.ts'

/** A rule of Traefik and what puts it before others. */
export interface RankedRule {
  rule: string
  priority: number
}

/** Strings in double quotes, as rules of this provider have them. */
export const quoted = (text: string) => JSON.stringify(text)

/**
 * The rule of one match of an HTTPRoute. An exact path goes before the longest prefix, then come the method, headers and query parameters,
 * and the length of the host on top. k8s: traefik/pkg/provider/kubernetes/gateway buildMatchRule
 */
export function matchRule(hostnames: readonly string[], { path, method, headers = [], queryParams = [] }: HttpRouteMatch): RankedRule {
  const parts: RankedRule[] = [
    ...hostnames.length > 0 ? [hostRule(hostnames)] : [],
    pathRule(path ?? {}),
    ...method === undefined ? [] : [{ rule: `Method(${quoted(method)})`, priority: 1000 }],
    ...headers.map((match) => ({ rule: valueRule('Header', match), priority: 100 })),
    ...queryParams.map((match) => ({ rule: valueRule('Query', match), priority: 10 })),
  ]
  return { rule: parts.map(({ rule }) => rule).join(' && '), priority: parts.reduce((sum, { priority }) => sum + priority, 0) }
}

/** The longest of the hosts counts. k8s: buildHostRule */
export function hostRule(hostnames: readonly string[]): RankedRule {
  const rules = hostnames.map((host) => (host.includes('*') ? `HostRegexp(${quoted(`^${escaped(host).replace('\\*\\.', '[a-z0-9-\\.]+\\.')}$`)})` : `Host(${quoted(host)})`))
  return { rule: rules.length === 1 ? rules[0]! : `(${rules.join(' || ')})`, priority: Math.max(...hostnames.map((host) => host.length)) }
}

function pathRule({ type = 'PathPrefix', value = '/' }: PathMatch): RankedRule {
  if (type === 'Exact') return { rule: `Path(${quoted(value)})`, priority: 100_000 }
  if (type === 'RegularExpression') return { rule: `PathRegexp(${quoted(value)})`, priority: 10_000 + value.length * 100 }
  if (value === '/') return { rule: 'PathPrefix("/")', priority: 1 }
  // Whole elements only: /foo is no prefix of /foobar.
  const bare = value.replace(/\/$/, '')
  return { rule: `(Path(${quoted(bare)}) || PathPrefix(${quoted(`${bare}/`)}))`, priority: 10_000 + value.length * 100 }
}

/** A header or query parameter. */
export function valueRule(kind: 'Header' | 'Query', { type = 'Exact', name, value }: ValueMatch): string {
  return `${kind}${type === 'RegularExpression' ? 'Regexp' : ''}(${quoted(name)},${quoted(value)})`
}

/** Text for a regular expression that stands for itself. */
export function escaped(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')
}

/** The hosts that a listener and a route have in common; undefined where there are none, empty where both take all. k8s: findMatchingHostnames */
export function commonHostnames(listener: string | undefined, route: readonly string[] = []): string[] | undefined {
  if (listener === undefined || listener === '') return [...route]
  if (route.length === 0) return [listener]
  const common = route.flatMap((host) => narrower(listener, host) ?? narrower(host, listener) ?? [])
  return common.length > 0 ? common : undefined
}

/** The second host where the first one, which may be a wildcard, takes it in. */
function narrower(wide: string, host: string): string | undefined {
  return wide === host || (wide.startsWith('*.') && host.endsWith(wide.slice(1))) ? host : undefined
}
