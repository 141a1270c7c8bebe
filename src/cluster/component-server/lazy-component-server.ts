import { once } from '../../base/once.ts'
import type { HttpHandler } from '../../unix/types.ts'
import type { ComponentServerOptions } from './component-server.ts'

/** Where a component says that it is healthy. */
const HEALTH = { 'kube-controller-manager': ['/healthz'], 'kube-scheduler': ['/healthz', '/livez', '/readyz'] }

/** The port of a component, whose code is loaded when somebody asks for more than its kubelet's probes. */
export function lazyComponentServer(options: ComponentServerOptions): HttpHandler {
  const { component, clock, argv } = options
  const server = once(async () => (await clock.outside(import('./component-server.ts'))).createComponentServer(options))
  const isOpen = !argv.some((word) => word.startsWith('--authorization-always-allow-paths'))
  return async (request, peer) => {
    const { pathname, search } = new URL(request.url)
    if (isOpen && search === '' && HEALTH[component].includes(pathname) && !request.headers.has('authorization'))
      return new Response('ok', { headers: { 'cache-control': 'no-cache, private', 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' } })
    return (await server())(request, peer)
  }
}
