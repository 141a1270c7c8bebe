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

/** Answers that lead elsewhere, and how often one follows them. k8s: Go's net/http redirectBehavior, pkg/probe/http RedirectChecker */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const MAX_REDIRECTS = 10
/** What is read of an answer, in bytes. k8s: pkg/probe/http maxRespBodyLength */
const MAX_BODY_BYTES = 10 * 1024

async function beginningOf(answer: Response): Promise<string> {
  return new TextDecoder().decode(new Uint8Array(await answer.arrayBuffer()).subarray(0, MAX_BODY_BYTES))
}

/** An HTTP GET as probes and hooks make it; redirects on the same host are followed. k8s: pkg/probe/http DoHTTPProbe */
export async function fetchForProbe(action: HTTPGetAction, podIp: string, port: number, { stack, clock, timeoutMs, userAgent }: HttpActionContext): Promise<HttpActionResult> {
  const host = action.host || podIp
  const scheme = (action.scheme ?? 'HTTP').toLowerCase()
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const path = action.path ?? '/'
  let url = `${scheme}://${authority}${path.startsWith('/') ? path : `/${path}`}`
  const first = new URL(url)
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
      if (REDIRECTS.has(answer.status) && location) {
        const next = new URL(location, url)
        if (next.hostname === first.hostname) {
          await answer.body?.cancel()
          url = next.href
          if (hops === MAX_REDIRECTS - 1) return { result: 'failure', output: `Get ${JSON.stringify(url)}: stopped after ${MAX_REDIRECTS} redirects` }
          continue
        }
      }
      if (answer.status >= 300 && answer.status < 400) return { result: 'warning', output: `Probe terminated redirects, Response body: ${await beginningOf(answer)}` }
      await answer.body?.cancel()
      return answer.status >= 200 && answer.status < 300 ? { result: 'success', output: '' } : { result: 'failure', output: `HTTP probe failed with statuscode: ${answer.status}` }
    }
  } catch (error) {
    return { result: 'failure', output: `Get ${JSON.stringify(url)}: ${goNetError(error, host, port)}` }
  } finally {
    limit.abort()
  }
}
