import { grpcServer, unary } from '../../../unix/net/http2/grpc-server.ts'
import { GrpcError } from '../../../unix/net/grpc.ts'
import type { HttpHandler, Proc } from '../../../unix/types.ts'
import { goError, goFlags, agnhostLog, goResponse, showDuration, untilKilled } from './go-server.ts'

/** The method that gRPC's health protocol is about. */
export const GRPC_HEALTH_PATH = '/grpc.health.v1.Health/Check'
/** A message that says of a service whether it serves. */
const healthMessage = (isServing: boolean) => Uint8Array.of(8, isServing ? 1 : 2)

/** A server that has gRPC's health protocol alone, and is well. */
export const healthyGrpcServer: HttpHandler = grpcServer({ [GRPC_HEALTH_PATH.slice(1)]: unary(() => healthMessage(true)) })

/** gRPC's health protocol, with an HTTP port that makes it well or ill. k8s: test/images/agnhost/grpc-health-checking */
export function grpcHealthChecking(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags } = goFlags(args)
  const startedMs = proc.clock.nowMs()
  const unhealthyAfter = Number(flags.get('delay-unhealthy-sec') ?? -1)
  const served = flags.get('service') ?? ''
  const certificate = flags.get('tls-cert-file')
  let forced: boolean | undefined
  const httpPort = Number(flags.get('http-port') ?? 8080)
  const port = Number(flags.get('port') ?? 5000)
  proc.net.listenHttp(httpPort, (request) => {
    const { pathname } = new URL(request.url)
    if (pathname !== '/make-serving' && pathname !== '/make-not-serving') return goError(proc, '404 page not found', 404)
    forced = pathname === '/make-serving'
    agnhostLog(proc, `Mark as ${forced ? 'healthy' : 'unhealthy'}`)
    return goResponse(proc, showDuration(proc.clock.nowMs() - startedMs))
  })
  agnhostLog(proc, `Http server starting to listen on :${httpPort}`)
  const check = unary((message) => {
    agnhostLog(proc, `Serving the Check request for health check, started at ${new Date(startedMs).toISOString()}`)
    // Field 1 with its length.
    const asked = message[0] === 10 ? new TextDecoder().decode(message.subarray(2, 2 + message[1]!)) : ''
    if (asked !== served) throw new GrpcError('NotFound', 'unknown service')
    const isIll = forced === undefined ? unhealthyAfter >= 0 && proc.clock.nowMs() - startedMs >= unhealthyAfter * 1000 : !forced
    return healthMessage(!isIll)
  })
  proc.net.listenHttp(port, grpcServer({ [GRPC_HEALTH_PATH.slice(1)]: check }), { versions: ['h2'], ...(certificate ? { tls: { certificatePem: proc.fs.readText(certificate) } } : {}) })
  agnhostLog(proc, `gRPC server starting to listen on :${port}`)
  return untilKilled(proc)
}
