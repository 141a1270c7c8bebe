import { httpResponse } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { NO_HTTP1, NO_HTTP2 } from '../../../unix/net/http1.ts'
import { CertificateError } from '../../../unix/net/server-certificate.ts'
import { UnixError } from '../../../unix/types.ts'
import type { FetchOptions, Proc } from '../../../unix/types.ts'

/** Why a backend gave no answer: nobody listens, nobody is there, the connection broke, it speaks another version of HTTP, its certificate isn't trusted, it took too long to connect or to answer, or the client itself left. */
export type UpstreamFailure = 'refused' | 'unreachable' | 'reset' | 'other-version' | 'untrusted' | 'connect-timeout' | 'read-timeout' | 'client-gone'

export interface UpstreamOptions extends Pick<FetchOptions, 'caPem' | 'serverName' | 'versions'> {
  connectTimeoutMs: number
  /** Until the answer's headers are there; undefined: for ever. */
  readTimeoutMs: number | undefined
  /** Aborts when the client leaves. */
  client: AbortSignal
}

/** One attempt to have a backend answer, as a proxy makes it. Certificates are verified only where an authority is named. */
export async function askUpstream(proc: Proc, make: (signal: AbortSignal) => HttpRequest, { connectTimeoutMs, readTimeoutMs, client, caPem, serverName, versions }: UpstreamOptions): Promise<Response | UpstreamFailure> {
  const late = new AbortController()
  const timer = readTimeoutMs === undefined ? undefined : proc.clock.after(readTimeoutMs, () => late.abort(new UnixError('ETIMEDOUT', 'Connection timed out')))
  const onGone = () => late.abort(client.reason)
  client.addEventListener('abort', onGone, { once: true })
  try {
    return await proc.net.fetch(make(late.signal), { ...(caPem === undefined ? { insecure: true } : { caPem }), ...(serverName === undefined ? {} : { serverName }), ...(versions === undefined ? {} : { versions }), connectTimeoutMs })
  } catch (error) {
    if (proc.killed.aborted) throw error
    if (client.aborted) return 'client-gone'
    if (error instanceof CertificateError) return 'untrusted'
    if (!(error instanceof UnixError)) throw error
    switch (error.code) {
      case 'ETIMEDOUT': return late.signal.aborted ? 'read-timeout' : 'connect-timeout'
      case 'ECONNRESET': return 'reset'
      case 'ECONNREFUSED': return 'refused'
      case 'EPROTO': return error.message === NO_HTTP1 || error.message === NO_HTTP2 ? 'other-version' : 'unreachable'
      default: return 'unreachable'
    }
  } finally {
    timer?.cancel()
    client.removeEventListener('abort', onGone)
  }
}

/** Headers that end with a connection and are not handed on. */
export const HOP_HEADERS = ['connection', 'transfer-encoding', 'keep-alive'] as const

/** An answer whose bytes are counted; `done` is told once the last of them is sent, or the client has left. */
export function countedResponse(response: Response, method: string, done: (bytes: number) => void): Response {
  const length = response.headers.get('content-length')
  if (!response.body || method === 'HEAD' || length !== null) {
    done(method === 'HEAD' || !response.body ? 0 : Number(length))
    return response
  }
  let bytes = 0
  const reader = response.body.getReader()
  const counted = new ReadableStream<Uint8Array>({
    async pull(controller) {
      // A backend that breaks off has ended the answer, too.
      const { done: isOver, value } = await reader.read().catch((error: unknown) => { done(bytes); throw error })
      if (isOver) { done(bytes); controller.close(); return }
      bytes += value.length
      controller.enqueue(value)
    },
    cancel(reason) { done(bytes); return reader.cancel(reason) },
  }, { highWaterMark: 0 })
  return httpResponse(counted, { status: response.status, statusText: response.statusText, headers: response.headers })
}
