import type { Exchange } from './http-proxy.ts'

/** A line of the access log, in Envoy's own format. */
export function accessLogLine({ request, authority, path, requestId, forwardedFor, bytesReceived, upstreamHost, upstreamMs, flags, startMs }: Exchange, status: number, bytes: number, nowMs: number): string {
  const shown = [forwardedFor, request.headers.get('user-agent'), requestId, authority, upstreamHost].map((value) => `"${value || '-'}"`).join(' ')
  return `[${new Date(startMs).toISOString()}] "${request.method} ${path} HTTP/1.1" ${status} ${flags} ${bytesReceived} ${bytes} ${Math.round(nowMs - startMs)} ${upstreamMs === undefined ? '-' : Math.round(upstreamMs)} ${shown}\n`
}
