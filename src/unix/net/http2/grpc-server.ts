import { withTrailers } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { GrpcError } from '../grpc.ts'
import type { HttpHandler, HttpPeer } from '../../types.ts'
import { GRPC_CODES, encodeStatusMessage, framed, framesIn, isGrpcType } from './grpc-wire.ts'

/** One call that came to a server. */
export interface GrpcCall {
  request: HttpRequest
  peer: HttpPeer
  /** The client's messages, as bytes and as they come. */
  messages: AsyncIterable<Uint8Array>
}

/** Answers a call with any number of messages. @throws GrpcError */
export type GrpcHandler = (call: GrpcCall) => AsyncIterable<Uint8Array>

/** A gRPC server over HTTP/2, to listen with. @param methods by full name, as in `grpc.health.v1.Health/Check` */
export function grpcServer(methods: Readonly<Record<string, GrpcHandler>>): HttpHandler {
  return (request, peer) => {
    const type = request.headers.get('content-type') ?? ''
    if (!isGrpcType(type)) return new Response(null, { status: 415, headers: { 'content-type': 'application/grpc', 'grpc-status': '3', 'grpc-message': encodeStatusMessage(`invalid gRPC request content-type "${type}"`) } })
    if (request.method !== 'POST') return new Response(null, { status: 405, headers: { 'content-type': 'application/grpc', 'grpc-status': '13', 'grpc-message': encodeStatusMessage(`Received a HEADERS frame with :method "${request.method}" which should be POST`) } })
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
  return { 'grpc-status': String(GRPC_CODES.indexOf(code)), 'grpc-message': encodeStatusMessage(description) }
}

function unknownMethod(path: string, methods: Readonly<Record<string, GrpcHandler>>): GrpcError {
  const at = path.lastIndexOf('/')
  if (at < 0) return new GrpcError('Unimplemented', `malformed method name: "/${path}"`)
  const service = path.slice(0, at)
  return new GrpcError('Unimplemented', Object.keys(methods).some((each) => each.startsWith(`${service}/`)) ? `unknown method ${path.slice(at + 1)} for service ${service}` : `unknown service ${service}`)
}
