/** Where Traefik listens. */
export interface EntryPoint {
  name: string
  port: number
  /** All of its routers are served over TLS. */
  tls: boolean
  /** Routers that name no entry points are served here. */
  isDefault: boolean
  /** Where every request is sent on to: an entry point by name, or `:` and a port. */
  redirection?: { to: string; scheme: string; permanent: boolean; priority: number }
}

export interface StaticConfiguration {
  entryPoints: EntryPoint[]
  logLevel: string
  accessLog: boolean
  ping: boolean
  api: boolean
  apiInsecure: boolean
  /** Name of the entry point for figures; empty: none. */
  metrics: string
  ingress: { ingressClass: string; allowsEmptyServices: boolean; publishedService: string; ip: string; hostname: string } | undefined
  crd: { ingressClass: string; allowsEmptyServices: boolean; allowsCrossNamespace: boolean } | undefined
  gateway: { publishedService: string; ip: string; hostname: string } | undefined
}

/** Flags whose absence changes nothing that can be seen here. */
const QUIET = [/^global\.(checknewversion|sendanonymoususage)$/, /^metrics\.prometheus(\.(addentrypointslabels|addrouterslabels|addserviceslabels|buckets))?$/, /^api\.dashboard$/, /^providers\.\w+\.throttleduration$/, /^providers\.kubernetes(crd|ingress|gateway)$/, /^providers\.kubernetesgateway\.(qps|burst)$/]

/** Before every other router. */
const FIRST = Number.MAX_SAFE_INTEGER

/** Reads the command line. @throws Error with Traefik's words for flags that there aren't, and for those that nothing here follows. k8s: traefik/pkg/config/static */
export function readStaticConfiguration(args: readonly string[]): StaticConfiguration {
  const flags = new Map<string, string>()
  for (let i = 0; i < args.length; i++) {
    const [, name = '', inline] = /^--?([^=]+)(?:=(.*))?$/s.exec(args[i]!) ?? []
    if (name === '') throw new Error(`command traefik error: unexpected argument ${args[i]}`)
    const value = inline ?? (args[i + 1] !== undefined && !args[i + 1]!.startsWith('-') ? args[++i]! : 'true')
    flags.set(name.toLowerCase(), value)
  }
  const read = new Set<string>()
  const text = (name: string, otherwise = '') => { read.add(name); return flags.get(name) ?? otherwise }
  const flag = (name: string) => text(name) === 'true'
  const has = (prefix: string) => flag(prefix) || [...flags.keys()].some((name) => name.startsWith(`${prefix}.`))
  const names = new Set([...flags.keys()].flatMap((name) => /^entrypoints\.(\w+)/.exec(name)?.[1] ?? []))
  const original = (name: string) => args.map((arg) => /^--?entrypoints\.(\w+)/i.exec(arg)?.[1]).find((each) => each?.toLowerCase() === name) ?? name
  const entryPoints: EntryPoint[] = [...names].map((key) => {
    const own = (name: string) => text(`entrypoints.${key}.${name}`)
    const port = Number(/:(\d+)(?:\/tcp)?$/.exec(own('address'))?.[1])
    if (!port) throw new Error(`entry point ${original(key)}: address ${JSON.stringify(own('address'))} is not supported by this build`)
    const to = own('http.redirections.entrypoint.to')
    const [scheme, permanent, priority] = [own('http.redirections.entrypoint.scheme') || 'https', own('http.redirections.entrypoint.permanent') !== 'false', Number(own('http.redirections.entrypoint.priority')) || FIRST]
    return { name: original(key), port, tls: own('http.tls') === 'true', isDefault: own('asdefault') === 'true', ...to === '' ? {} : { redirection: { to, scheme, permanent, priority } } }
  })
  if (entryPoints.length === 0) entryPoints.push({ name: 'http', port: 80, tls: false, isDefault: false })
  const configuration: StaticConfiguration = {
    entryPoints, logLevel: text('log.level', 'ERROR'), accessLog: flag('accesslog'), ping: has('ping'), api: has('api'), apiInsecure: flag('api.insecure'), metrics: has('metrics.prometheus') ? text('metrics.prometheus.entrypoint', 'traefik') : '',
    ingress: has('providers.kubernetesingress') ? {
      ingressClass: text('providers.kubernetesingress.ingressclass'), allowsEmptyServices: flag('providers.kubernetesingress.allowemptyservices'), publishedService: text('providers.kubernetesingress.ingressendpoint.publishedservice'),
      ip: text('providers.kubernetesingress.ingressendpoint.ip'), hostname: text('providers.kubernetesingress.ingressendpoint.hostname'),
    } : undefined,
    crd: has('providers.kubernetescrd') ? { ingressClass: text('providers.kubernetescrd.ingressclass'), allowsEmptyServices: flag('providers.kubernetescrd.allowemptyservices'), allowsCrossNamespace: flag('providers.kubernetescrd.allowcrossnamespace') } : undefined,
    gateway: has('providers.kubernetesgateway') ? {
      publishedService: [text('providers.kubernetesgateway.statusaddress.service.namespace'), text('providers.kubernetesgateway.statusaddress.service.name')].filter(Boolean).join('/'),
      ip: text('providers.kubernetesgateway.statusaddress.ip'), hostname: text('providers.kubernetesgateway.statusaddress.hostname'),
    } : undefined,
  }
  const unknown = [...flags.keys()].find((name) => !read.has(name) && !QUIET.some((pattern) => pattern.test(name)))
  if (unknown !== undefined) throw new Error(`command traefik error: failed to decode configuration from flags: field not found or not supported by this build, node: ${unknown}`)
  if (!entryPoints.some(({ name }) => name === 'traefik') && (configuration.ping || configuration.apiInsecure || configuration.metrics === 'traefik')) entryPoints.push({ name: 'traefik', port: 8080, tls: false, isDefault: false })
  return configuration
}
