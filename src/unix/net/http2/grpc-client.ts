import { concatBytes } from '../../../base/streams.ts'
import { GrpcError } from '../grpc.ts'
import type { GrpcCode } from '../grpc.ts'
import type { Http2Answer, Http2Client } from './http2-client.ts'
import { GRPC_CODES, PREFIX_BYTES, framed, grpcOutcome } from './grpc-wire.ts'
import type { HeaderField } from './hpack.ts'

/** One call over a connection, its message as bytes. @throws GrpcError */
export async function callOverHttp2(connection: Http2Client, method: string, message: Uint8Array): Promise<Uint8Array> {
  let answer
  try {
    answer = await connection.request(headersOf(method), framed(message))
  } catch (error) {
    throw new GrpcError('Unavailable', (error as Error).message)
  }
  const failure = failureOf(answer)
  if (failure) throw failure
  if (answer.body.length < PREFIX_BYTES) throw new GrpcError('Internal', 'cardinality violation: received no response message from non-server-streaming RPC')
  return answer.body.subarray(PREFIX_BYTES, PREFIX_BYTES + lengthIn(answer.body))
}

/** A call whose answer is any number of messages, as they come, until there are no more or `stopped` aborts. @throws GrpcError */
export async function* streamOverHttp2(connection: Http2Client, method: string, message: Uint8Array, stopped: AbortSignal): AsyncGenerator<Uint8Array> {
  let held: Uint8Array = new Uint8Array(0)
  let answer: Http2Answer | Error | undefined
  let wake = () => {}
  const onData = (chunk: Uint8Array) => {
    held = held.length === 0 ? chunk : concatBytes([held, chunk])
    wake()
  }
  const end = (how: Http2Answer | Error) => {
    answer = how
    wake()
  }
  const given = new AbortController()
  const giveUp = () => given.abort()
  stopped.addEventListener('abort', giveUp, { once: true })
  if (stopped.aborted) giveUp()
  void connection.request(headersOf(method), framed(message), { onData, stopped: given.signal }).then(end, (error: unknown) => end(error as Error))
  try {
    for (;;) {
      if (held.length >= PREFIX_BYTES && held.length >= PREFIX_BYTES + lengthIn(held)) {
        const rest = PREFIX_BYTES + lengthIn(held)
        const next = held.subarray(PREFIX_BYTES, rest)
        held = held.subarray(rest)
        yield next
      } else if (answer instanceof Error) throw new GrpcError(stopped.aborted ? 'Canceled' : 'Unavailable', answer.message)
      else if (answer) {
        const failure = failureOf(answer)
        if (failure) throw failure
        return
      } else await new Promise<void>((resolve) => { wake = resolve })
    }
  } finally {
    stopped.removeEventListener('abort', giveUp)
    given.abort()
  }
}

const lengthIn = (body: Uint8Array): number => new DataView(body.buffer, body.byteOffset).getUint32(1)

const headersOf = (method: string): HeaderField[] => [[':method', 'POST'], [':scheme', 'http'], [':path', `/${method}`], [':authority', 'localhost'], ['content-type', 'application/grpc'], ['user-agent', 'grpc-go/1.78.0'], ['te', 'trailers']]

function failureOf({ headers, trailers }: Http2Answer): GrpcError | undefined {
  // An answer without a message has its status among the headers.
  const field = (name: string) => [...trailers, ...headers].find(([each]) => each === name)?.[1]
  const { code, message } = grpcOutcome(Number(field(':status')), field)
  return code === 0 ? undefined : new GrpcError((GRPC_CODES[code] ?? 'Unknown') as GrpcCode, message)
}
