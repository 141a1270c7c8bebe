import { GrpcError } from '../grpc.ts'
import type { GrpcCode } from '../grpc.ts'
import type { Http2Client } from './http2-client.ts'
import type { HeaderField } from './hpack.ts'

/** gRPC's codes by number. */
export const GRPC_CODES: readonly (GrpcCode | 'OK' | 'DataLoss' | 'Unauthenticated')[] = ['OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists', 'PermissionDenied', 'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented', 'Internal', 'Unavailable', 'DataLoss', 'Unauthenticated']

/** One call over a connection, its message as bytes. @throws GrpcError */
export async function callOverHttp2(connection: Http2Client, method: string, message: Uint8Array): Promise<Uint8Array> {
  const body = new Uint8Array(5 + message.length)
  new DataView(body.buffer).setUint32(1, message.length)
  body.set(message, 5)
  let answer
  try {
    answer = await connection.request([[':method', 'POST'], [':scheme', 'http'], [':path', `/${method}`], [':authority', 'localhost'], ['content-type', 'application/grpc'], ['user-agent', 'grpc-go/1.78.0'], ['te', 'trailers']], body)
  } catch (error) {
    throw new GrpcError('Unavailable', (error as Error).message)
  }
  // An answer without a message has its status among the headers.
  const field = (name: string) => [...answer.trailers, ...answer.headers].find(([each]) => each === name)?.[1]
  const status = field('grpc-status')
  if (status === undefined) throw new GrpcError('Unknown', `unexpected HTTP status code received from server: ${headerOf(answer.headers, ':status') ?? ''}`)
  if (status !== '0') throw new GrpcError((GRPC_CODES[Number(status)] ?? 'Unknown') as GrpcCode, decodeURIComponent((field('grpc-message') ?? '').replace(/%(?![0-9A-Fa-f]{2})/g, '%25')))
  if (answer.body.length < 5) throw new GrpcError('Internal', 'cardinality violation: received no response message from non-server-streaming RPC')
  return answer.body.subarray(5, 5 + new DataView(answer.body.buffer, answer.body.byteOffset).getUint32(1))
}

function headerOf(headers: readonly HeaderField[], name: string): string | undefined {
  return headers.find(([each]) => each === name)?.[1]
}
