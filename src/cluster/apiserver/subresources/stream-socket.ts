import { base64Of } from '../../../base/base64.ts'
import { UpgradeResponse, webSocketPair, type HttpRequest } from '../../../base/http.ts'

const BINARY = 'binary.k8s.io'
const BASE64 = 'base64.binary.k8s.io'
/** Bytes under way to a slow client before reading on waits. */
const WINDOW_BYTES = 1 << 20
const DRAIN_POLL_MS = 5

export function asksForWebSocket(request: HttpRequest): boolean {
  return request.headers.get('upgrade')?.toLowerCase() === 'websocket' && /\bupgrade\b/i.test(request.headers.get('connection') ?? '')
}

/**
 * A stream of bytes as messages of a WebSocket, after an empty one; what the client says is ignored. k8s: httpstream/wsstream Reader
 * @param sleep waits until the client may have taken some
 */
export function streamOverWebSocket(request: HttpRequest, body: ReadableStream<Uint8Array> | null, sleep: (ms: number) => Promise<void>): Response {
  const asked = (request.headers.get('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim()).filter(Boolean)
  const protocol = asked.length === 0 ? '' : asked.find((name) => name === BINARY || name === BASE64)
  if (protocol === undefined) {
    void body?.cancel()
    return new Response(`requested protocol(s) are not supported: [${asked.join(' ')}]; supports []`, { status: 403 })
  }
  const [client, server] = webSocketPair(protocol)
  const encode = (bytes: Uint8Array): Uint8Array | string => protocol === BASE64 ? base64Of(bytes) : bytes
  const reader = body?.getReader()
  void server.closed.then(() => reader?.cancel().catch(() => {}))
  void (async () => {
    try {
      server.send(encode(new Uint8Array()))
      for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
        // In pieces, so that a slow client is waited for.
        for (let at = 0; at < next.value.length; at += 8192) server.send(encode(next.value.slice(at, at + 8192)))
        while (server.bufferedBytes > WINDOW_BYTES) await sleep(DRAIN_POLL_MS)
      }
      server.close(1000)
    } catch {
      server.close(1011)
    }
  })()
  return new UpgradeResponse(client, protocol ? { 'sec-websocket-protocol': protocol } : {})
}
