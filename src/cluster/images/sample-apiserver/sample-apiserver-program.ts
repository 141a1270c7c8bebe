import { createSelfSignedServer } from '../../../base/certificates.ts'
import { httpRequest } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import { forbiddenError } from '../../apiserver/access.ts'
import { createGenericServer } from '../../apiserver/generic-server.ts'
import { jsonText } from '../../apiserver/json-text.ts'
import type { RequestInfo } from '../../apiserver/request-info.ts'
import { answer } from '../../apiserver/responses.ts'
import { apiError, type StatusError } from '../../kinds/status-error.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import { DelegatedAccess, type AccessAttributes } from '../in-cluster/delegated-access.ts'
import { klog } from '../in-cluster/klog.ts'
import { banFlunder, wardleKinds } from './wardle.ts'

const OPEN_PATHS = new Set(['/healthz', '/livez', '/readyz'])
const ETCD_RETRY_MS = 1_000

// differs: objects are kept in this program's memory; the etcd beside it is only waited for

/** The program: an extension API server until it is told to stop. */
export async function sampleApiServer(proc: Proc): Promise<number> {
  const flags = new Map(proc.argv.slice(1).map((argument) => {
    const [name = '', ...value] = argument.replace(/^--?/, '').split('=')
    return [name, value.join('=')]
  }))
  const fail = async (message: string) => {
    await proc.stderr.write(`Error: ${message}\n`)
    return 1
  }
  const etcd = flags.get('etcd-servers')
  if (!etcd) return fail('--etcd-servers must be specified')
  const client = clusterClient(proc, 'sample-apiserver')
  let access: DelegatedAccess
  try {
    access = await DelegatedAccess.load(proc, client)
  } catch (error) {
    return fail((error as Error).message)
  }
  const certificateFile = flags.get('tls-cert-file')
  const keyFile = flags.get('tls-private-key-file')
  const tls = certificateFile ? { certificatePem: proc.fs.readText(certificateFile), ...(keyFile ? { keyPem: proc.fs.readText(keyFile) } : {}) } : await proc.clock.outside(createSelfSignedServer('localhost', proc.clock.nowMs()))
  await etcdIsThere(proc, etcd)
  proc.useMemory(24 * 2 ** 20)
  const server = createGenericServer({ clock: proc.clock, random: proc.random, kinds: wardleKinds(), gitVersion: 'v1.29.2', admission: [banFlunder] })
  const port = Number(flags.get('secure-port') || 443)
  const refused = (error: StatusError) => answer(error.code, jsonText(error.status as unknown as Record<string, unknown>), { encoding: 'json', pretty: false })
  proc.net.listenHttp(port, async (request: HttpRequest, peer: HttpPeer) => {
    const info = server.infoOf(request)
    let user = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
    if (!OPEN_PATHS.has(info.path)) {
      const found = await access.userOf(request, peer)
      if (!found) return refused(apiError.unauthorized())
      user = { ...found, name: found.username, groups: found.groups }
      if (!await access.allows(found, attributesOf(info))) return refused(forbiddenError({ user, resourceRequest: info.isResourceRequest, ...info }))
    }
    return server.handle(request, user)
  }, { tls })
  klog(proc, 'I', 'secure_serving.go:213', `Serving securely on [::]:${port}`)
  await proc.signal('SIGTERM', 'SIGINT')
  server.stop()
  return 0
}

function attributesOf({ isResourceRequest, group, version, resource, subresource, namespace, name, verb, path }: RequestInfo): AccessAttributes {
  return isResourceRequest ? { resourceAttributes: { group, version, resource, subresource, namespace, name, verb } } : { nonResourceAttributes: { path, verb } }
}

/** Waits until etcd answers. */
async function etcdIsThere(proc: Proc, servers: string): Promise<void> {
  for (;;) {
    try {
      const response = await proc.net.fetch(httpRequest(`${servers.split(',')[0]!.replace(/\/$/, '')}/health`), { connectTimeoutMs: 2_000 })
      await response.body?.cancel()
      if (response.ok) return
    } catch {
      proc.killed.throwIfAborted()
    }
    klog(proc, 'W', 'logging.go:59', `[core] [Channel #1] grpc: addrConn.createTransport failed to connect to {Addr: "${servers.replace(/^https?:\/\//, '')}"}. Err: connection error: desc = "transport: Error while dialing: dial tcp ${servers.replace(/^https?:\/\//, '')}: connect: connection refused"`)
    await proc.sleep(ETCD_RETRY_MS)
  }
}
