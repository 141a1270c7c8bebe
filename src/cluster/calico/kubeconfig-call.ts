import { parse } from 'yaml'
import { httpRequest } from '../../base/http.ts'
import { StatusError } from '../kinds/status-error.ts'
import type { Status } from '../kinds/status-error.ts'
import type { FileSystem, NetStack } from '../../unix/types.ts'
import type { Call } from './resources.ts'

interface KubeConfig {
  'current-context'?: string
  contexts?: { name: string; context: { cluster: string; user: string } }[]
  clusters?: { name: string; cluster: { server: string; 'certificate-authority-data'?: string; 'insecure-skip-tls-verify'?: boolean } }[]
  users?: { name: string; user: { token?: string; 'client-certificate-data'?: string; 'client-key-data'?: string } }[]
}

/** Requests as whom a kubeconfig says, of those that have what they need in themselves. @throws Error where it can't be read */
export function kubeconfigCall(path: string, files: FileSystem, net: NetStack): Call {
  const config = parse(files.readText(path)) as KubeConfig
  const context = config.contexts?.find(({ name }) => name === config['current-context'])?.context
  const cluster = config.clusters?.find(({ name }) => name === context?.cluster)?.cluster
  const user = config.users?.find(({ name }) => name === context?.user)?.user
  if (!cluster) throw new Error('invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable')
  const authority = cluster['certificate-authority-data']
  const trust = cluster['insecure-skip-tls-verify'] ? { insecure: true } : authority === undefined ? {} : { caPem: atob(authority) }
  const [certificate, key] = [user?.['client-certificate-data'], user?.['client-key-data']]
  const identity = certificate && key ? { clientCertificatePem: atob(certificate), clientKeyPem: atob(key) } : {}
  return async <T>(method: string, at: string, body?: unknown) => {
    const headers = { accept: 'application/json', 'user-agent': 'calico', ...(user?.token ? { authorization: `Bearer ${user.token}` } : {}), ...(body === undefined ? {} : { 'content-type': method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json' }) }
    const url = `${cluster.server}${at}`
    const response = await net.fetch(httpRequest(url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }), { ...trust, ...identity, connectTimeoutMs: 10_000 })
      .catch((error: Error) => { throw new Error(`${method === 'GET' ? 'Get' : method === 'POST' ? 'Post' : method === 'PUT' ? 'Put' : method[0] + method.slice(1).toLowerCase()} ${JSON.stringify(url)}: ${error.message}`) })
    const answer = await response.json() as unknown
    if (response.status >= 400) throw new StatusError(answer as Status)
    return answer as T
  }
}
