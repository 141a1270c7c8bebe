import type { Proc } from '../../../unix/types.ts'
import { goError, goFlags, agnhostLog, goResponse, showDuration, untilKilled } from './go-server.ts'

/** The method that gRPC's health protocol is about. */
export const GRPC_HEALTH_PATH = '/grpc.health.v1.Health/Check'
const UNIMPLEMENTED = '12'
/** What the protocol says of a service: grpc-status and the message's status. */
const HEALTH = { serving: ['0', 1], 'not serving': ['0', 2], unknown: ['5', undefined] } as const

/** The answer to a health check. `unknown`: there is no such service. */
export function grpcHealth(state: keyof typeof HEALTH): Response {
  const [status, serving] = HEALTH[state]
  return grpcResponse(status, serving === undefined ? undefined : Uint8Array.of(0, 0, 0, 0, 2, 8, serving))
}

function grpcResponse(status: string, message?: Uint8Array<ArrayBuffer>): Response {
  return new Response(message ?? null, { headers: { 'content-type': 'application/grpc', 'grpc-status': status } })
}

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
  proc.net.listenHttp(port, async (request) => {
    if (new URL(request.url).pathname !== GRPC_HEALTH_PATH) return grpcResponse(UNIMPLEMENTED)
    agnhostLog(proc, `Serving the Check request for health check, started at ${new Date(startedMs).toISOString()}`)
    // A five byte prefix, then field 1 with its length.
    const body = new Uint8Array(await request.arrayBuffer())
    const asked = body[5] === 10 ? new TextDecoder().decode(body.subarray(7, 7 + body[6]!)) : ''
    if (asked !== served) return grpcHealth('unknown')
    const isIll = forced === undefined ? unhealthyAfter >= 0 && proc.clock.nowMs() - startedMs >= unhealthyAfter * 1000 : !forced
    return grpcHealth(isIll ? 'not serving' : 'serving')
  }, certificate ? { tls: { certificatePem: proc.fs.readText(certificate) } } : {})
  agnhostLog(proc, `gRPC server starting to listen on :${port}`)
  return untilKilled(proc)
}
