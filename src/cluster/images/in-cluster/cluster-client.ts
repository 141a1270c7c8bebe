import { httpRequest } from '../../../base/http.ts'
import type { HttpRequestInit } from '../../../base/http.ts'
import type { Proc } from '../../../unix/types.ts'

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Requests to the API server with the pod's service account. k8s: client-go/rest InClusterConfig */
export interface ClusterClient {
  /** @param path below the server, e.g. `/api/v1/services`. Rejects with UnixError where the server can't be reached. */
  fetch(path: string, init?: HttpRequestInit): Promise<Response>
}

export function clusterClient(proc: Proc, userAgent: string): ClusterClient {
  const server = `https://${proc.env.KUBERNETES_SERVICE_HOST}:${proc.env.KUBERNETES_SERVICE_PORT}`
  return {
    fetch(path, init = {}) {
      // Read each time: tokens are renewed.
      const headers = new Headers({ accept: 'application/json', authorization: `Bearer ${proc.fs.readText(`${ACCOUNT}/token`).trim()}`, 'user-agent': userAgent })
      new Headers(init.headers).forEach((value, name) => headers.set(name, value))
      return proc.net.fetch(httpRequest(`${server}${path}`, { ...init, headers }), { caPem: proc.fs.readText(`${ACCOUNT}/ca.crt`), connectTimeoutMs: 10_000 })
    },
  }
}
