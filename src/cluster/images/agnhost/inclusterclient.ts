import { base64Url } from '../../../base/base64.ts'
import { httpRequest } from '../../../base/http.ts'
import { errorText } from '../../../unix/errno.ts'
import { hostPort } from '../../../unix/net/addresses.ts'
import { joinPath } from '../../../unix/path.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { agnhostLog, goFlags, klog } from './go-server.ts'

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Asks the API server for its health with the pod's token, every few seconds; its log tells one token from another. k8s: test/images/agnhost/inclusterclient */
export async function inClusterClient(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags } = goFlags(args)
  const intervalMs = Number(flags.get('poll-interval') ?? 30) * 1000
  klog(proc, 'I', 'main.go:58', 'started')
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = proc.env
  if (!host || !port) {
    agnhostLog(proc, 'err: unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined')
    return 1
  }
  const url = `https://${hostPort(host, Number(port))}/healthz`
  for (;;) {
    await proc.sleep(intervalMs)
    klog(proc, 'I', 'main.go:76', 'calling /healthz')
    const problem = await healthProblem(proc, url)
    if (problem === undefined) continue
    klog(proc, 'E', 'main.go:79', 'status=failed')
    klog(proc, 'E', 'main.go:80', `error checking /healthz: ${problem}\n\n`)
  }
}

/** What is wrong with the server, or with the way to it. */
async function healthProblem(proc: Proc, url: string): Promise<string | undefined> {
  try {
    const authorization = `Bearer ${proc.fs.readText(joinPath(ACCOUNT, 'token')).trim()}`
    const hash = new Uint8Array(await proc.clock.outside(crypto.subtle.digest('SHA-256', new TextEncoder().encode(`salt|${authorization}`))))
    klog(proc, 'I', 'main.go:94', `authz_header=${base64Url(hash)}`)
    const response = await proc.net.fetch(httpRequest(url, { headers: { authorization } }), { caPem: proc.fs.readText(joinPath(ACCOUNT, 'ca.crt')) })
    const text = await response.text()
    return response.ok ? undefined : text
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return errorText(error)
  }
}
