import { formatDate } from '../../../unix/utilities/date.ts'
import { httpRequest } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'

/** Go's `log.Printf`: a line with the time on standard error. */
export function goLog(proc: Proc, text: string): void {
  proc.stderr.write(`${formatDate('%Y/%m/%d %H:%M:%S', proc.clock.nowMs())} ${text}\n`).catch(() => {})
}

/** A line of klog on standard error. `where` is file and line. */
export function klog(proc: Proc, level: 'I' | 'W' | 'E' | 'F', where: string, text: string): void {
  const nowMs = proc.clock.nowMs()
  proc.stderr.write(`${level}${formatDate('%m%d %H:%M:%S', nowMs)}.${String(Math.floor(nowMs % 1000 * 1000)).padStart(6, '0')} ${String(proc.pid).padStart(7)} ${where}] ${text}\n`).catch(() => {})
}

/** What Go's http.DetectContentType takes for HTML by its first tag */
function looksLikeHtml(body: string): boolean {
  return /^[\t\n\f\r ]*<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|!--)[ >]/i.test(body)
}

/** What agnhost logs: its lines, too, go through klog, which names the standard library's place. k8s: component-base/logs InitLogs */
export function agnhostLog(proc: Proc, text: string): void {
  klog(proc, 'I', 'log.go:245', text)
}

/** A text answer with the headers of Go's server. */
export function goResponse(proc: Proc, body: string, init: { status?: number; headers?: Record<string, string> } = {}): Response {
  const bytes = new TextEncoder().encode(body)
  return new Response(bytes, {
    status: init.status ?? 200,
    headers: { 'content-type': looksLikeHtml(body) ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8', 'content-length': String(bytes.length), date: new Date(proc.clock.nowMs()).toUTCString(), ...init.headers },
  })
}

/** `http.Error` and the default mux: a line of text. */
export function goError(proc: Proc, text: string, status: number): Response {
  return goResponse(proc, `${text}\n`, { status, headers: { 'x-content-type-options': 'nosniff' } })
}

/** A request's form values: from the query, and from a url-encoded body before them. */
export async function formValues(request: HttpRequest): Promise<URLSearchParams> {
  const values = new URLSearchParams()
  if (request.method !== 'GET' && request.method !== 'HEAD' && request.headers.get('content-type')?.startsWith('application/x-www-form-urlencoded'))
    for (const [name, value] of new URLSearchParams(await request.text())) values.append(name, value)
  for (const [name, value] of new URL(request.url).searchParams) values.append(name, value)
  return values
}

/** Milliseconds of a Go duration (`1h2m3.5s`); undefined when it isn't one. */
export function goDuration(text: string): number | undefined {
  if (text === '0') return 0
  const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
  if (!/^[-+]?(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined
  let total = 0
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g)) total += Number(number) * units[unit!]!
  return text.startsWith('-') ? -total : total
}

/** A duration as Go prints it. */
export function showDuration(ms: number): string {
  if (ms === 0) return '0s'
  const seconds = ms / 1000
  if (ms < 1000) return `${Number(ms.toFixed(6))}ms`
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${Number((seconds % 60).toFixed(9))}s`
}

/** Flags of cobra: `--name=value`, `--name value`, `--name`, `-n value`; `booleans` take no value. */
export function goFlags(args: readonly string[], booleans: ReadonlySet<string> = new Set()): { flags: Map<string, string>; args: string[] } {
  const flags = new Map<string, string>()
  const rest: string[] = []
  for (let i = 0; i < args.length; i++) {
    const match = /^--?([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(args[i]!)
    if (!match) { rest.push(args[i]!); continue }
    if (match[2] !== undefined) flags.set(match[1]!, match[2])
    else if (booleans.has(match[1]!)) flags.set(match[1]!, 'true')
    else flags.set(match[1]!, args[++i] ?? '')
  }
  return { flags, args: rest }
}

/** Go's `http.Get` with a client time-out: the body of the answer, whatever its status. @throws UnixError with Go's text of what went wrong */
export async function goGet(proc: Proc, url: string, timeoutMs: number): Promise<string> {
  const abort = new AbortController()
  const timer = proc.clock.after(timeoutMs, () => abort.abort(new UnixError('ETIMEDOUT', 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)')))
  const { host, hostname } = new URL(url)
  try {
    return await (await proc.net.fetch(httpRequest(url, { signal: abort.signal }), { connectTimeoutMs: timeoutMs })).text()
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    const isLookup = error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN'
    const why = error.message.startsWith('context ') ? error.message : isLookup ? `dial tcp: lookup ${hostname}: no such host` : `dial tcp ${host}: connect: ${errorText(error).toLowerCase()}`
    throw new UnixError(error.code, `Get "${url}": ${why}`)
  } finally {
    timer.cancel()
  }
}

/** What ends a Go program that runs until a signal comes. */
const ends = new WeakMap<Proc, (code: number) => void>()

/** Runs a Go program, which {@link untilKilled} may end. */
export function goProgram(proc: Proc, run: () => Promise<number>): Promise<number> {
  const ended = new Promise<number>((resolve) => ends.set(proc, resolve))
  return Promise.race([run(), ended])
}

/** Never settles by itself: Go programs without a handler end by the signal. */
export function untilKilled(proc: Proc): Promise<never> {
  // Go's runtime installs handlers, so that even pid 1 dies of these: it raises the signal again, and exits with 2 when the kernel keeps it from pid 1.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) proc.onSignal(signal, () => { ends.get(proc)?.(proc.pid === 1 ? 2 : signal === 'SIGINT' ? 130 : signal === 'SIGHUP' ? 129 : 143) })
  return new Promise(() => {})
}
