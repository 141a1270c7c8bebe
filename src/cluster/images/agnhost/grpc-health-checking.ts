import type { Proc } from '../../../unix/types.ts'
import { goError, goFlags, goLog, goResponse, showDuration, untilKilled } from './go-server.ts'

const SERVING = 1
const NOT_SERVING = 2
const NOT_FOUND = '5'
const UNIMPLEMENTED = '12'

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
    goLog(proc, `Mark as ${forced ? 'healthy' : 'unhealthy'}`)
    return goResponse(proc, showDuration(proc.clock.nowMs() - startedMs))
  })
  goLog(proc, `Http server starting to listen on :${httpPort}`)
  proc.net.listenHttp(port, async (request) => {
    const grpc = (status: string, message?: Uint8Array<ArrayBuffer>) => new Response(message ?? null, { headers: { 'content-type': 'application/grpc', 'grpc-status': status } })
    if (new URL(request.url).pathname !== '/grpc.health.v1.Health/Check') return grpc(UNIMPLEMENTED)
    goLog(proc, `Serving the Check request for health check, started at ${new Date(startedMs).toISOString()}`)
    // A five byte prefix, then field 1 with its length.
    const body = new Uint8Array(await request.arrayBuffer())
    const asked = body[5] === 10 ? new TextDecoder().decode(body.subarray(7, 7 + body[6]!)) : ''
    if (asked !== served) return grpc(NOT_FOUND)
    const isIll = forced === undefined ? unhealthyAfter >= 0 && proc.clock.nowMs() - startedMs >= unhealthyAfter * 1000 : !forced
    return grpc('0', Uint8Array.of(0, 0, 0, 0, 2, 8, isIll ? NOT_SERVING : SERVING))
  }, certificate ? { tls: { certificatePem: proc.fs.readText(certificate) } } : {})
  goLog(proc, `gRPC server starting to listen on :${port}`)
  return untilKilled(proc)
}
