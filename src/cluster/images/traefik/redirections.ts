import type { DynamicConfiguration } from './configuration.ts'
import { normalized } from './ingress-provider.ts'
import type { Complain } from './ingress-provider.ts'
import type { EntryPoint } from './static-configuration.ts'

/** Routers of entry points that send every request on to another one. k8s: traefik/pkg/provider/traefik internal.go redirection */
export function addRedirections(entryPoints: readonly EntryPoint[], into: DynamicConfiguration, complain: Complain): void {
  for (const { name, redirection } of entryPoints) {
    if (!redirection) continue
    const { to, scheme, permanent, priority } = redirection
    const port = /^:(\d+)$/.exec(to)?.[1] ?? entryPoints.find((each) => each.name === to)?.port
    if (port === undefined) { complain(`'to' entry point field references a non-existing entry point: ${to}`, { entryPointName: name }); continue }
    const key = normalized(`${name}-to-${to}`)
    const middleware = `redirect-${key}@internal`
    into.middlewares.set(middleware, { namespace: '', spec: { redirectScheme: { scheme, port: String(port), permanent } } })
    into.routers.set(`${key}@internal`, { name: `${key}@internal`, entryPoints: [name], rule: 'HostRegexp(`^.+$`)', priority, middlewares: [middleware], service: 'noop@internal', tls: false })
  }
}
