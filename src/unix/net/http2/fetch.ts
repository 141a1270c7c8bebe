import { allHeaderLines, appendHeaderLine, httpResponse, withTrailers, withVersion } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { NO_HTTP2 } from '../http1.ts'
import { UnixError } from '../../types.ts'
import type { TcpSocket } from '../../types.ts'
import { Http2Client } from './http2-client.ts'
import type { HeaderField } from './hpack.ts'

/** Headers that say something of a connection of HTTP/1.1. */
const LEFT_OUT = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'host'])

/** One exchange over a fresh connection of HTTP/2, which ends with it. The request's body is sent once it is whole. @throws UnixError EPROTO where the other side doesn't speak HTTP/2 */
export async function fetchHttp2(socket: TcpSocket, request: HttpRequest): Promise<Response> {
  const url = new URL(request.url)
  const body = request.body ? new Uint8Array(await request.arrayBuffer()) : new Uint8Array(0)
  const fields: HeaderField[] = [
    [':method', request.method], [':scheme', url.protocol.slice(0, -1)], [':path', `${url.pathname}${url.search}`], [':authority', request.headers.get('host') ?? url.host],
    ...allHeaderLines(request.headers).filter(([name]) => !LEFT_OUT.has(name)),
  ]
  const client = new Http2Client(socket)
  return new Promise((resolve, reject) => {
    let controller!: ReadableStreamDefaultController<Uint8Array>
    let isLeft = false
    /** Data that the body's reader hasn't asked for yet. */
    const waiting: (() => void)[] = []
    const stream = new ReadableStream<Uint8Array>({
      start(given) { controller = given },
      pull() { for (const makeRoom of waiting.splice(0)) makeRoom() },
      cancel() {
        isLeft = true
        client.close()
      },
    })
    let isAnswered = false
    const answer = client.request(fields, body, {
      stopped: request.signal,
      onHeaders(received) {
        const headers = new Headers()
        for (const [name, value] of received) if (!name.startsWith(':')) appendHeaderLine(headers, name, value)
        const status = Number(received.find(([name]) => name === ':status')?.[1])
        if (!(status >= 200 && status <= 599)) return
        isAnswered = true
        const bodyless = request.method === 'HEAD' || status === 204 || status === 304
        const response = httpResponse(bodyless ? null : stream, { status, headers })
        resolve(withVersion(withTrailers(response, answer.then(({ trailers }) => new Headers(trailers.map(([name, value]): [string, string] => [name, value])))), 'h2'))
      },
      onData(chunk) {
        if (isLeft) return
        controller.enqueue(chunk)
        return controller.desiredSize! > 0 ? undefined : new Promise((makeRoom) => { waiting.push(makeRoom) })
      },
    })
    answer.then(() => {
      if (!isAnswered) reject(new UnixError('EPROTO', 'malformed HTTP response'))
      if (!isLeft) controller.close()
    }, (error: unknown) => {
      if (request.signal.aborted) {
        reject(request.signal.reason)
        controller.error(request.signal.reason)
      } else if (!isAnswered) {
        // Nothing came at all, or something that is no frame.
        reject(error instanceof UnixError ? error : new UnixError('EPROTO', NO_HTTP2))
      } else controller.error(new UnixError('ECONNRESET', (error as Error).message))
    }).finally(() => client.close())
  })
}
