import { concatBytes } from '../../../base/streams.ts'
import { grpcServer, unary } from '../../../unix/net/http2/grpc-server.ts'
import type { GrpcCall } from '../../../unix/net/http2/grpc-server.ts'
import type { HttpHandler, Proc } from '../../../unix/types.ts'

const SERVICE = 'gateway_api_conformance.echo_basic.grpcecho.GrpcEcho'
const encoder = new TextEncoder()

/** gateway-api/echo-basic where GRPC_ECHO_SERVER is set: a call's headers, and at which pod it came, as GrpcEcho's messages say it. */
export function grpcEcho(proc: Proc): HttpHandler {
  const { env } = proc
  const context = message([[1, env.NAMESPACE ?? ''], [2, env.INGRESS_NAME ?? ''], [3, env.SERVICE_NAME ?? ''], [4, env.POD_NAME ?? '']])
  const echo = (method: string) => unary((_asked, { request, peer: { tls } }: GrpcCall) => {
    void proc.stdout.write(`Received over ${tls ? 'TLS' : 'plaintext'}: \n`).catch(() => {})
    const authority = request.headers.get('host') ?? ''
    const headers: [string, string][] = [[':authority', authority]]
    request.headers.forEach((value, name) => { if (name !== 'host' && name !== 'te') headers.push([name, value]) })
    return message([[1, message([
      [1, `/${SERVICE}/${method}`], ...headers.map(([name, value]): Field => [2, message([[1, name], [2, value]])]), [3, authority], [4, context],
      ...tls ? [[5, message([[1, 'TLSv1.3'], [2, 'h2'], [3, tls.serverName ?? ''], [4, 'TLS_AES_128_GCM_SHA256']])] satisfies Field] : [],
    ])], [2, new Uint8Array(0)]])
  })
  // The service has a third method, that nobody has implemented.
  return grpcServer({ [`${SERVICE}/Echo`]: echo('Echo'), [`${SERVICE}/EchoTwo`]: echo('EchoTwo') })
}

type Field = [number: number, value: string | Uint8Array]

/** A message of texts and other messages, as Protocol Buffers write it; empty texts are left out. */
function message(fields: readonly Field[]): Uint8Array {
  return concatBytes(fields.flatMap(([number, value]) => {
    const bytes = typeof value === 'string' ? encoder.encode(value) : value
    return value === '' ? [] : [Uint8Array.of(number << 3 | 2, ...varint(bytes.length)), bytes]
  }))
}

function varint(value: number): number[] {
  const out: number[] = []
  for (; value >= 0x80; value = Math.floor(value / 0x80)) out.push(value % 0x80 + 0x80)
  return [...out, value]
}
