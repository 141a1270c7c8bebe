import { UpgradeResponse, webSocketPair } from '../../../base/http.ts'
import type { HttpRequest, WebSocketEnd } from '../../../base/http.ts'

const SPDY = 'SPDY/3.1'
const PROTOCOL_HEADER = 'X-Stream-Protocol-Version'

/** Whether a client wants the connection to go on as SPDY: those before WebSockets, or that use client-go's SPDY executor. */
export function asksForSpdy(request: HttpRequest): boolean {
  return request.headers.get('upgrade')?.toLowerCase() === SPDY.toLowerCase() && /\bupgrade\b/i.test(request.headers.get('connection') ?? '')
}

/**
 * Agrees on a protocol and goes over to SPDY; `serve` gets the protocol and the connection, whose messages are bytes as they come.
 * Otherwise the refusal. k8s: streaming/pkg/httpstream Handshake, spdy responseUpgrader
 */
export function upgradeToSpdy(request: HttpRequest, supported: readonly string[], serve: (connection: WebSocketEnd, protocol: string) => void): Response {
  const header = request.headers.get(PROTOCOL_HEADER)
  if (header === null) return new Response(`unable to upgrade: header ${PROTOCOL_HEADER} does not exist in request with ${[...request.headers].length} headers\n`, { status: 400 })
  const asked = header.split(',').map((name) => name.trim()).filter(Boolean)
  if (asked.length === 0) return new Response(`unable to upgrade: header ${PROTOCOL_HEADER} contains [${header}], but no valid protocols\n`, { status: 400 })
  const protocol = asked.find((name) => supported.includes(name))
  if (protocol === undefined) {
    const refusal = new Response(`unable to upgrade: unable to negotiate protocol: client supports [${asked.join(' ')}], server accepts [${supported.join(' ')}]\n`, { status: 403 })
    for (const name of supported) refusal.headers.append('X-Accepted-Stream-Protocol-Versions', name)
    return refusal
  }
  const [client, server] = webSocketPair()
  serve(server, protocol)
  return new UpgradeResponse(client, { upgrade: SPDY, [PROTOCOL_HEADER]: protocol })
}
