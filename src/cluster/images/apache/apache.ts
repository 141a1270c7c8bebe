import { httpResponse } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'

/** What an Apache answers a request with, before its own headers. */
export interface ApacheAnswer {
  status: number
  type: string
  body: string | Uint8Array
  headers?: Record<string, string>
  /** Lines of Set-Cookie. */
  cookies?: readonly string[]
}

export interface ApacheOptions {
  port?: number
  /** The Server header: `Apache/2.4.65 (Unix)`. */
  server: string
  /** What the notice of the start adds to it: modules and their versions. */
  modules?: string
  commandLine: string
  answer(request: HttpRequest, url: URL, peer: HttpPeer): ApacheAnswer | Promise<ApacheAnswer>
}

/** The page of a path that isn't there. */
export function apacheNotFound(): ApacheAnswer {
  return { status: 404, type: 'text/html; charset=iso-8859-1', body: '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>\n</body></html>\n' }
}

/** Time as Apache's error log writes it. */
function stamp(proc: Proc): string {
  return formatDate('%a %b %d %H:%M:%S.000000 %Y', proc.clock.nowMs())
}

/** A line of the error log. `source` is module and level. */
export async function apacheLog(proc: Proc, source: string, text: string): Promise<void> {
  await proc.stderr.write(`[${stamp(proc)}] [${source}] [pid ${proc.pid}] ${text}\n`)
}

/** Apache as Debian's PHP images have it (mpm_prefork). Serves until it is told to stop: access log on standard output, error log on standard error. @returns the exit code */
export async function runApache(proc: Proc, { port = 80, server, modules, commandLine, answer }: ApacheOptions): Promise<number> {
  proc.net.listenHttp(port, async (request, peer) => {
    const url = new URL(request.url)
    const { status, type, body, headers, cookies = [] } = await answer(request, url, peer)
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body.slice()
    const nowMs = proc.clock.nowMs()
    await proc.stdout.write(`${peer.remote.ip} - - [${formatDate('%d/%b/%Y:%H:%M:%S +0000', nowMs)}] "${request.method} ${url.pathname}${url.search} HTTP/1.1" ${status} ${bytes.length} "${request.headers.get('referer') ?? '-'}" "${request.headers.get('user-agent') ?? '-'}"\n`)
    const all = new Headers({ date: formatDate('%a, %d %b %Y %H:%M:%S GMT', nowMs), server, ...headers, 'content-length': String(bytes.length), 'content-type': type })
    for (const cookie of cookies) all.append('set-cookie', cookie)
    return httpResponse(request.method === 'HEAD' ? null : bytes, { status, headers: all })
  })
  await apacheLog(proc, 'mpm_prefork:notice', `AH00163: ${server}${modules === undefined ? '' : ` ${modules}`} configured -- resuming normal operations`)
  await apacheLog(proc, 'core:notice', `AH00094: Command line: '${commandLine}'`)
  const signal = await proc.signal('SIGTERM', 'SIGWINCH')
  await apacheLog(proc, 'mpm_prefork:notice', signal === 'SIGWINCH' ? 'AH00492: caught SIGWINCH, shutting down gracefully' : 'AH00169: caught SIGTERM, shutting down')
  return 0
}
