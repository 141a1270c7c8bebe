import { trailersOf } from '../../../base/http.ts'
import { concatBytes } from '../../../base/streams.ts'
import { GrpcError } from '../grpc.ts'
import type { GrpcCode } from '../grpc.ts'
import { reasonPhrase } from '../http1.ts'

/** gRPC's codes by number. */
export const GRPC_CODES: readonly (GrpcCode | 'OK' | 'DataLoss' | 'Unauthenticated')[] = ['OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists', 'PermissionDenied', 'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented', 'Internal', 'Unavailable', 'DataLoss', 'Unauthenticated']

/** Bytes before each message: whether it is compressed, and its length. */
export const PREFIX_BYTES = 5
/** What clients take an answer for that isn't gRPC's, by its HTTP status. Go: internal/transport/http_util.go HTTPStatusConvTab */
const CODES_BY_STATUS: Readonly<Record<number, number>> = { 400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14 }
const UNKNOWN = 2
const INTERNAL = 13

/** Whether a content type is one of gRPC's. Go: internal/grpcutil ContentSubtype */
export const isGrpcType = (type: string): boolean => /^application\/grpc(?:[+;]|$)/i.test(type)

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

/** What a client's call came to. */
export interface GrpcOutcome {
  /** By number. */
  code: number
  message: string
}

/** The outcome of a call whose body has been read. */
export async function outcomeOf(response: Response): Promise<GrpcOutcome> {
  const trailers = await trailersOf(response)
  return grpcOutcome(response.status, (name) => trailers?.get(name) ?? response.headers.get(name) ?? undefined)
}

/** What an HTTP status and the fields around an answer's body say of a call. What answers is no gRPC server where its content type isn't gRPC's. Go: internal/transport/http2_client.go operateHeaders, handleData */
export function grpcOutcome(httpStatus: number, field: (name: string) => string | undefined): GrpcOutcome {
  const type = field('content-type')
  if (type === undefined || !isGrpcType(type))
    return { code: CODES_BY_STATUS[httpStatus] ?? UNKNOWN, message: `unexpected HTTP status code received from server: ${httpStatus} (${reasonPhrase(httpStatus)}); ${type === undefined ? 'malformed header: missing HTTP content-type' : `transport: received unexpected content-type "${type}"`}` }
  const status = field('grpc-status')
  return status === undefined ? { code: INTERNAL, message: 'server closed the stream without sending trailers' } : { code: Number(status), message: decodeStatusMessage(field('grpc-message') ?? '') }
}

/** An outcome's text as a header has it: percent signs and what isn't printable ASCII are escaped. */
export function encodeStatusMessage(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

/** The text of such a header; what isn't escaped rightly stands for itself. */
function decodeStatusMessage(text: string): string {
  const bytes = new TextEncoder().encode(text)
  const out: number[] = []
  for (let i = 0; i < bytes.length; i++) {
    const escaped = /^%([0-9A-Fa-f]{2})$/.exec(String.fromCharCode(...bytes.subarray(i, i + 3)))?.[1]
    out.push(escaped === undefined ? bytes[i]! : Number.parseInt(escaped, 16))
    if (escaped !== undefined) i += 2
  }
  return new TextDecoder().decode(Uint8Array.from(out))
}
