import { expect, test } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import type { HttpRequest } from '../../base/http.ts'
import { nodePlatform } from '../../host/platform-node.ts'
import { GrpcError } from '../../unix/net/grpc.ts'
import { grpcServer, unary, type GrpcHandler } from '../../unix/net/http2/grpc-server.ts'
import type { HttpPeer, NetStack } from '../../unix/types.ts'
import { probeGrpc } from './grpc-probe.ts'

const clock = new ClusterClock(nodePlatform, { mode: 'paused' })

/** Probes a server that has these methods. */
async function probe(methods: Record<string, GrpcHandler>, service = '', connectTcp: () => Promise<unknown> = async () => ({ destroy() {} })) {
  const server = grpcServer(methods)
  const stack = { connectTcp, fetch: async (request: HttpRequest) => server(request, {} as HttpPeer) } as unknown as NetStack
  let outcome: unknown
  void probeGrpc('fd00::1', 80, service, { stack, clock, timeoutMs: 2_000 }).then((it) => { outcome = it })
  await clock.until(() => outcome !== undefined, { withinMs: 3_000 })
  return outcome
}
const check = (handle: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>) => ({ 'grpc.health.v1.Health/Check': unary(handle) })

test('a probe tells how a service is in the words of a real kubelet', async () => {
  expect(await probe(check(() => Uint8Array.of(8, 1)))).toEqual({ result: 'success', output: 'service healthy' })
  expect(await probe(check(() => Uint8Array.of(8, 2)))).toEqual({ result: 'failure', output: 'service unhealthy (responded with "NOT_SERVING")' })
  expect(await probe(check(() => Uint8Array.of(8, 9)))).toEqual({ result: 'failure', output: 'service unhealthy (responded with "9")' })
  expect(await probe(check(() => { throw new GrpcError('NotFound', 'unknown service') }))).toEqual({ result: 'failure', output: 'error: health rpc probe failed: rpc error: code = NotFound desc = unknown service' })
  expect(await probe({})).toMatchObject({ output: expect.stringMatching(/^error: this server does not implement the grpc health protocol \(grpc\.health\.v1\.Health\): /) })
})

test('a server that never answers, or says that it had no time, is given up', async () => {
  const late = { result: 'failure', output: 'timeout: health rpc did not complete within 2s' }
  expect(await probe(check(() => new Promise<never>(() => {})))).toEqual(late)
  expect(await probe(check(() => { throw new GrpcError('DeadlineExceeded', 'slow') }))).toEqual(late)
  const unreachable = { result: 'failure', output: 'timeout: failed to connect service "[fd00::1]:80" within 2s: context deadline exceeded' }
  expect(await probe({}, '', () => new Promise<never>(() => {}))).toEqual(unreachable)
  expect(await probe({}, '', () => Promise.reject(new Error('refused')))).toEqual(unreachable)
})

test('names of services may be long', async () => {
  const name = 'a'.repeat(300)
  let message = new Uint8Array()
  await probe(check((asked) => { message = Uint8Array.from(asked); return Uint8Array.of(8, 1) }), name)
  expect([...message.subarray(0, 3)]).toEqual([10, 0xac, 2])
  expect(new TextDecoder().decode(message.subarray(3))).toBe(name)
})
