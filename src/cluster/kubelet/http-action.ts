import type { Clock } from '../../base/clock.ts'
import { httpRequest } from '../../base/http.ts'
import { goNetError } from '../../unix/net/go-net-error.ts'
import type { NetStack } from '../../unix/types.ts'
import type { HTTPGetAction } from '../kinds/generated/types.ts'
import type { AnyContainer } from './pod-spec.ts'

/** The number behind a port of an action, which may be a name. k8s: pkg/probe ResolveContainerPort */
export function resolvePort(port: number | string, container: AnyContainer): number | undefined {
  if (typeof port === 'number') return port
  const named = container.ports?.find((p) => p.name === port)
  if (named) return named.containerPort
  return /^\d+$/.test(port) ? Number(port) : undefined
}

export interface HttpActionResult {
  result: 'success' | 'warning' | 'failure'
  output: string
}

export interface HttpActionContext {
  stack: NetStack
  clock: Clock
  timeoutMs: number
  userAgent: string
}

/** An HTTP GET as probes and hooks make it; redirects on the same host are followed. k8s: pkg/probe/http DoHTTPProbe */
export async function fetchForProbe(action: HTTPGetAction, podIp: string, port: number, { stack, clock, timeoutMs, userAgent }: HttpActionContext): Promise<HttpActionResult> {
  const host = action.host || podIp
  const scheme = (action.scheme ?? 'HTTP').toLowerCase()
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const path = action.path ?? '/'
  let url = `${scheme}://${authority}${path.startsWith('/') ? path : `/${path}`}`
  const headers = new Headers({ 'user-agent': userAgent, accept: '*/*', connection: 'close' })
  for (const { name, value } of action.httpHeaders ?? []) {
    if (name.toLowerCase() === 'host') headers.set('host', value)
    else if (value === '' && (name.toLowerCase() === 'accept' || name.toLowerCase() === 'user-agent')) headers.delete(name)
    else headers.set(name, value)
  }
  const limit = new AbortController()
  const late = clock.sleep(timeoutMs, limit.signal).then(() => 'late' as const, () => new Promise<never>(() => {}))
  const gone = new AbortController()
  try {
    for (let hops = 0; ; hops++) {
      const answer = await Promise.race([stack.fetch(httpRequest(url, { headers, signal: gone.signal }), { insecure: true, connectTimeoutMs: timeoutMs }), late])
      if (answer === 'late') {
        gone.abort()
        return { result: 'failure', output: `Get ${JSON.stringify(url)}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)` }
      }
      const location = answer.headers.get('location')
      if (answer.status >= 301 && answer.status <= 308 && answer.status !== 304 && location && hops < 10) {
        await answer.body?.cancel()
        const next = new URL(location, url)
        if (next.hostname !== new URL(url).hostname) return { result: 'warning', output: `Probe terminated redirects, Response body: ` }
        url = next.href
        continue
      }
      await answer.body?.cancel()
      return answer.status >= 200 && answer.status < 400 ? { result: 'success', output: '' } : { result: 'failure', output: `HTTP probe failed with statuscode: ${answer.status}` }
    }
  } catch (error) {
    return { result: 'failure', output: `Get ${JSON.stringify(url)}: ${goNetError(error, host, port)}` }
  } finally {
    limit.abort()
  }
}
