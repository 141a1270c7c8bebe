import type { Clock } from '../../base/clock.ts'
import { apiError, StatusError } from '../kinds/status-error.ts'
import type { RequestInfo } from './request-info.ts'

/** kube-apiserver's --request-timeout. */
const MAX_TIMEOUT_MS = 60_000
const CONNECTIONS = new Set(['attach', 'exec', 'proxy', 'log', 'portforward'])
const UNIT_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, 'µs': 1e-3, 'μs': 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Whether a request may stay open for ever. k8s: genericfilters.BasicLongRunningRequestCheck */
export function isLongRunning(info: RequestInfo): boolean {
  return info.verb === 'watch' || info.verb === 'proxy' || (info.isResourceRequest && CONNECTIONS.has(info.subresource)) || (!info.isResourceRequest && info.path.startsWith('/debug/pprof/'))
}

/** How long a request may take, milliseconds. @throws StatusError 400. k8s: endpoints/filters/request_deadline.go */
export function timeoutOf(query: URLSearchParams): number {
  const text = query.get('timeout') ?? ''
  if (text === '') return MAX_TIMEOUT_MS
  const ms = parseDuration(text)
  return ms > 0 && ms < MAX_TIMEOUT_MS ? ms : MAX_TIMEOUT_MS
}

/** How long the server itself works on a request, milliseconds, whatever the client waits. k8s: endpoints/handlers requestTimeoutUpperBound */
export function workTimeoutMs({ verb }: RequestInfo): number {
  return verb === 'deletecollection' ? MAX_TIMEOUT_MS : 34_000
}

/** Go's time.ParseDuration. @throws StatusError 400 */
function parseDuration(text: string): number {
  const fail = (why: string) => apiError.badRequest(`invalid timeout specified in the request URL - time: ${why} ${JSON.stringify(text)}`)
  const sign = text.startsWith('-') ? -1 : 1
  let rest = text.replace(/^[+-]/, '')
  if (rest === '0') return 0
  if (rest === '') throw fail('invalid duration')
  let sum = 0
  while (rest !== '') {
    const number = /^(\d+\.?\d*|\.\d+)/.exec(rest)?.[0]
    if (number === undefined) throw fail('invalid duration')
    rest = rest.slice(number.length)
    const unit = /^[^.\d]*/.exec(rest)![0]
    if (unit === '') throw fail('missing unit in duration')
    const unitMs = UNIT_MS[unit]
    if (unitMs === undefined) throw fail(`unknown unit ${JSON.stringify(unit)} in duration`)
    sum += Number(number) * unitMs
    rest = rest.slice(unit.length)
  }
  return sign * sum
}

/** A request that took too long. */
export class RequestTimedOut extends StatusError {
  constructor() {
    super({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'Timeout: request did not complete within the allotted timeout', reason: 'Timeout', details: {}, code: 504 })
  }

  /** Written past all codecs: without kind and version, and as text. k8s: server/filters/timeout.go */
  answer(): Response {
    const { kind: _, apiVersion: __, ...status } = this.status
    return new Response(`${JSON.stringify(status)}\n`, { status: 504, headers: { 'content-type': 'text/plain; charset=utf-8', connection: 'close' } })
  }
}

/** The answer to work, or the refusal once its time is over; the work itself goes on. k8s: server/filters/timeout.go */
export function withTimeout(clock: Clock, timeoutMs: number, work: Promise<Response>): Promise<Response> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(timeoutMs, () => reject(new RequestTimedOut()))
    work.then(resolve, reject).finally(() => timer.cancel())
  })
}
