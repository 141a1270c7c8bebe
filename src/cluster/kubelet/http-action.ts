import type { Clock } from '../../base/clock.ts'
import { httpRequest } from '../../base/http.ts'
import { concatBytes } from '../../base/streams.ts'
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

/** The beginning of a body, which need not end; undefined when the time is over first. */
async function beginningOf(answer: Response, late: Promise<'late'>): Promise<string | undefined> {
  const reader = answer.body?.getReader()
  const parts: Uint8Array[] = []
  try {
    for (let left = MAX_BODY_BYTES; reader && left > 0;) {
      const next = await Promise.race([reader.read(), late])
      if (next === 'late') return undefined
      if (next.done) break
      parts.push(next.value.subarray(0, left))
      left -= next.value.length
    }
  } finally {
    void reader?.cancel().catch(() => { /* nobody reads on */ })
  }
  return new TextDecoder().decode(concatBytes(parts))
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
          if (hops === MAX_REDIRECTS - 1) return { result: 'failure', output: `Get ${JSON.stringify(location)}: stopped after ${MAX_REDIRECTS} redirects` }
          url = next.href
          continue
        }
      }
      if (answer.status >= 300 && answer.status < 400) {
        const body = await beginningOf(answer, late)
        return body === undefined ? { result: 'failure', output: 'context deadline exceeded (Client.Timeout or context cancellation while reading body)' } : { result: 'warning', output: `Probe terminated redirects, Response body: ${body}` }
      }
      await answer.body?.cancel()
      return answer.status >= 200 && answer.status < 300 ? { result: 'success', output: '' } : { result: 'failure', output: `HTTP probe failed with statuscode: ${answer.status}` }
    }
  } catch (error) {
    return { result: 'failure', output: `Get ${JSON.stringify(url)}: ${goNetError(error, host, port)}` }
  } finally {
    limit.abort()
  }
}
