import { allHeaderLines } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { canonicalHeader } from '../../../unix/net/http1.ts'

/** A request as Go's net/http shows it: the headers besides Host, by their canonical names, in order. */
export function goHeaders(request: HttpRequest): [name: string, value: string][] {
  return allHeaderLines(request.headers).filter(([name]) => name !== 'host').map(([name, value]): [string, string] => [canonicalHeader(name), value]).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
}

/** What the client wrote into Host. */
export function requestHost(request: HttpRequest): string {
  return request.headers.get('host') ?? new URL(request.url).host
}

/** Path and query, as they stand in the request line. */
export function requestUri(request: HttpRequest): string {
  const { pathname, search } = new URL(request.url)
  return pathname + search
}
