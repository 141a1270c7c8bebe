import { trailersOf, withTrailers } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { concatBytes } from '../../../base/streams.ts'
import { GrpcError } from '../grpc.ts'
import type { HttpHandler, HttpPeer } from '../../types.ts'
import { reasonPhrase } from '../http1.ts'
import { GRPC_CODES } from './grpc-client.ts'

/** One call that came to a server. */
export interface GrpcCall {
  request: HttpRequest
  peer: HttpPeer
  /** The client's messages, as bytes and as they come. */
  messages: AsyncIterable<Uint8Array>
}

/** Answers a call with any number of messages. @throws GrpcError */
export type GrpcHandler = (call: GrpcCall) => AsyncIterable<Uint8Array>

/** What clients take an answer for that isn't gRPC's, by its HTTP status. */
const CODES_BY_STATUS: Readonly<Record<number, number>> = { 400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14 }
/** Bytes before each message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5

/** A gRPC server over HTTP/2, to listen with. @param methods by full name, as in `grpc.health.v1.Health/Check` */
export function grpcServer(methods: Readonly<Record<string, GrpcHandler>>): HttpHandler {
  return (request, peer) => {
    const type = request.headers.get('content-type') ?? ''
    if (!/^application\/grpc(?:[+;]|$)/.test(type)) return new Response(null, { status: 415, headers: { 'content-type': 'application/grpc', 'grpc-status': '3', 'grpc-message': `invalid gRPC request content-type "${type}"` } })
    if (request.method !== 'POST') return new Response(null, { status: 405, headers: { 'content-type': 'application/grpc', 'grpc-status': '13', 'grpc-message': `Received a HEADERS frame with :method "${request.method}" which should be POST` } })
    const path = new URL(request.url).pathname.slice(1)
    const handler = methods[path]
    return handler ? answer(handler, { request, peer, messages: messagesIn(request) }) : refusal(unknownMethod(path, methods))
  }
}

/** One message from one message. */
export function unary(handle: (message: Uint8Array, call: GrpcCall) => Uint8Array | Promise<Uint8Array>): GrpcHandler {
  return async function* (call) {
    for await (const message of call.messages) {
      yield await handle(message, call)
      return
    }
    throw new GrpcError('Internal', 'cardinality violation: received no request message from non-client-streaming RPC')
  }
}

/** What a client's call came to. */
export interface GrpcOutcome {
  /** By number. */
  code: number
  message: string
}

/** The outcome of a call whose body has been read; what answers is no gRPC server where it doesn't say. Go: internal/transport/http_util.go HTTPStatusConvTab */
export async function outcomeOf(response: Response): Promise<GrpcOutcome> {
  const trailers = await trailersOf(response)
  const field = (name: string) => trailers?.get(name) ?? response.headers.get(name)
  const status = field('grpc-status')
  if (status === null) {
    const type = response.headers.get('content-type')
    const code = CODES_BY_STATUS[response.status] ?? 2
    return { code, message: `unexpected HTTP status code received from server: ${response.status} (${reasonPhrase(response.status)}); ${type === null ? 'malformed header: missing HTTP content-type' : `transport: received unexpected content-type "${type}"`}` }
  }
  return { code: Number(status), message: decodeURIComponent((field('grpc-message') ?? '').replace(/%(?![0-9A-Fa-f]{2})/g, '%25')) }
}

/** A message with what goes before it. */
export function framed(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(PREFIX_BYTES + message.length)
  new DataView(body.buffer).setUint32(1, message.length)
  body.set(message, PREFIX_BYTES)
  return body
}

/** The messages that a body is made of. */
export async function* framesIn(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array = new Uint8Array(0)
  for await (const chunk of body) {
    held = held.length === 0 ? chunk : concatBytes([held, chunk])
    while (held.length >= PREFIX_BYTES) {
      const end = PREFIX_BYTES + new DataView(held.buffer, held.byteOffset).getUint32(1)
      if (held.length < end) break
      if (held[0] !== 0) throw new GrpcError('Unimplemented', 'grpc: Decompressor is not installed for grpc-encoding')
      yield held.subarray(PREFIX_BYTES, end)
      held = held.subarray(end)
    }
  }
}

function messagesIn(request: HttpRequest): AsyncIterable<Uint8Array> {
  return framesIn((request.body ?? []) as unknown as AsyncIterable<Uint8Array>)
}

/** Waits for the first message, so that a call that fails at once is told so in its headers, as Go's server does. */
async function answer(handler: GrpcHandler, call: GrpcCall): Promise<Response> {
  const messages = handler(call)[Symbol.asyncIterator]()
  let next: IteratorResult<Uint8Array>
  try { next = await messages.next() } catch (error) { return refusal(error) }
  let end!: (trailers: Headers) => void
  const trailers = new Promise<Headers>((resolve) => { end = resolve })
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (next.done) {
        end(new Headers(statusHeaders(undefined)))
        return controller.close()
      }
      controller.enqueue(framed(next.value))
      try { next = await messages.next() } catch (error) {
        end(new Headers(statusHeaders(error)))
        controller.close()
      }
    },
    async cancel() { await messages.return?.() },
  }, { highWaterMark: 0 })
  return withTrailers(new Response(body, { headers: { 'content-type': 'application/grpc' } }), trailers)
}

function refusal(error: unknown): Response {
  return new Response(null, { headers: { 'content-type': 'application/grpc', ...statusHeaders(error) } })
}

function statusHeaders(error: unknown): Record<string, string> {
  if (error === undefined) return { 'grpc-status': '0', 'grpc-message': '' }
  const { code, description } = error instanceof GrpcError ? error : new GrpcError('Unknown', (error as Error).message)
  return { 'grpc-status': String(GRPC_CODES.indexOf(code)), 'grpc-message': encodeMessage(description) }
}

/** Percent signs and what isn't printable ASCII are escaped. */
function encodeMessage(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

function unknownMethod(path: string, methods: Readonly<Record<string, GrpcHandler>>): GrpcError {
  const at = path.lastIndexOf('/')
  if (at < 0) return new GrpcError('Unimplemented', `malformed method name: "/${path}"`)
  const service = path.slice(0, at)
  return new GrpcError('Unimplemented', Object.keys(methods).some((each) => each.startsWith(`${service}/`)) ? `unknown method ${path.slice(at + 1)} for service ${service}` : `unknown service ${service}`)
}
