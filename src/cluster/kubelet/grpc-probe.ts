import type { Clock } from '../../base/clock.ts'
import { httpRequest } from '../../base/http.ts'
import { GRPC_CODES, framed, outcomeOf } from '../../unix/net/http2/grpc-wire.ts'
import type { NetStack } from '../../unix/types.ts'

/** gRPC's health protocol: the states of a service, by number. */
const HEALTH_STATES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const
/** A message's length and the tag of the state come before it. */
const STATE_AT = 6

export interface GrpcProbeContext {
  stack: NetStack
  clock: Clock
  timeoutMs: number
}

/** Asks a server by gRPC's health protocol how a service is. k8s: pkg/probe/grpc */
export async function probeGrpc(host: string, port: number, service: string, { stack, clock, timeoutMs }: GrpcProbeContext): Promise<{ result: 'success' | 'failure'; output: string }> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const seconds = `${timeoutMs / 1000}s`
  const failure = (output: string) => ({ result: 'failure' as const, output })
  const limit = new AbortController()
  const late = clock.sleep(timeoutMs, limit.signal).then(() => 'late' as const, () => new Promise<never>(() => {}))
  const gone = new AbortController()
  // Go's client goes on trying to connect until its time is over.
  const unreachable = () => failure(`timeout: failed to connect service "${address}" within ${seconds}: context deadline exceeded`)
  let isConnected = false
  const call = async () => {
    (await stack.connectTcp(host, port, { timeoutMs })).destroy()
    isConnected = true
    const request = httpRequest(`http://${address}/grpc.health.v1.Health/Check`, { method: 'POST', body: framed(checkRequest(service)), headers: { 'content-type': 'application/grpc', te: 'trailers' }, signal: gone.signal })
    const response = await stack.fetch(request, { connectTimeoutMs: timeoutMs, versions: ['h2'] })
    const answer = new Uint8Array(await response.arrayBuffer())
    return { answer, ...await outcomeOf(response) }
  }
  try {
    const outcome = await Promise.race([call(), late])
    if (outcome === 'late' && !isConnected) return unreachable()
    if (outcome === 'late') return failure(`timeout: health rpc did not complete within ${seconds}`)
    const { answer, code, message } = outcome
    const name = GRPC_CODES[code] ?? `Code(${code})`
    if (name === 'Unimplemented') return failure(`error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${message}`)
    if (name === 'DeadlineExceeded') return failure(`timeout: health rpc did not complete within ${seconds}`)
    if (name !== 'OK') return failure(`error: health rpc probe failed: rpc error: code = ${name} desc = ${message}`)
    const state = answer[STATE_AT] ?? 0
    return HEALTH_STATES[state] === 'SERVING' ? { result: 'success', output: 'service healthy' } : failure(`service unhealthy (responded with "${HEALTH_STATES[state] ?? state}")`)
  } catch {
    return unreachable()
  } finally {
    limit.abort()
    gone.abort()
  }
}

/** A HealthCheckRequest: field 1 is the service's name. */
function checkRequest(service: string): Uint8Array {
  const name = new TextEncoder().encode(service)
  if (name.length === 0) return name
  const length: number[] = []
  for (let left = name.length; ; left >>= 7) {
    if (left < 0x80) {
      length.push(left)
      break
    }
    length.push(left & 0x7f | 0x80)
  }
  return Uint8Array.from([10, ...length, ...name])
}
