/** For tests: an API server with the real security parts, bootstrapped, on a stepped clock. */
import { ClusterClock } from '../../../base/clock.ts'
import { httpRequest } from '../../../base/http.ts'
import { silentLog } from '../../../base/log.ts'
import { Random } from '../../../base/random.ts'
import { testPlatform } from '../../../base/test-platform.ts'
import type { Api } from '../../client/api.ts'
import { Etcd } from '../../etcd/etcd.ts'
import { builtInKinds } from '../../kinds/index.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { type ApiServer, type ApiServerParts, createApiServer } from '../api-server.ts'
import { reconcileBootstrap } from '../bootstrap/reconcile.ts'
import { defaultParts } from '../default-parts.ts'
import { type ClusterPki, createClusterPki } from '../pki/cluster-pki.ts'
import type { ClusterDialer, ConnectionInfo } from '../seams.ts'

export interface TestApiServer {
  server: ApiServer
  parts: ApiServerParts
  /** In system:masters. */
  masters: Api
  pki: ClusterPki
  etcd: Etcd
  clock: ClusterClock
  /** A request over HTTP; answers with the JSON and the code. */
  call(method: string, path: string, options?: { body?: unknown; token?: string; connection?: ConnectionInfo; headers?: Record<string, string> }): Promise<{ code: number; body: KubeObject & Record<string, any>; warnings: string[] }>
  stop(): void
}

export async function startTestApiServer(options: { http?: ClusterDialer['http'] } = {}): Promise<TestApiServer> {
  const clock = new ClusterClock(testPlatform, { startMs: Date.UTC(2026, 0, 1), mode: 'paused' })
  const pki = await createClusterPki({ nowMs: clock.nowMs() })
  const etcd = new Etcd({ clock })
  let parts: ApiServerParts | undefined
  const server = createApiServer({
    etcd, clock, random: new Random('test'), log: silentLog, kinds: builtInKinds,
    dialer: { kubelet: () => Promise.reject(new Error('no kubelet')), http: options.http ?? (() => Promise.reject(new Error('no network'))) },
    version: { major: '1', minor: '36', gitVersion: 'v1.36.3', gitCommit: '', gitTreeState: '', buildDate: '', goVersion: '', compiler: '', platform: '' } as never,
    parts: (core) => (parts = defaultParts({ pki, serverUrl: 'https://10.0.0.1:6443' })(core)),
  })
  const masters = server.as({ name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] })
  await reconcileBootstrap(masters, { advertiseAddress: '10.0.0.1', pki })
  return {
    server, parts: parts!, masters, pki, etcd, clock,
    async call(method, path, { body, token, connection, headers = {} } = {}) {
      const response = await server.handle(httpRequest(`https://localhost${path}`, {
        method, body: body === undefined ? null : JSON.stringify(body),
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
      }), connection)
      const text = await response.text()
      const warning = response.headers.get('warning')
      return { code: response.status, body: text ? JSON.parse(text) as never : {} as never, warnings: warning ? [...warning.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map((m) => m[1]!.replace(/\\(.)/g, '$1')) : [] }
    },
    stop: () => server.stop(),
  }
}
