import { httpRequest } from '../../base/http.ts'
import type { Proc } from '../../unix/types.ts'
import { errorText } from '../../unix/errno.ts'
import { parseYaml } from '../kinds/yaml-text.ts'
import { UnixError } from '../../unix/types.ts'
import { goNetError } from '../../unix/net/go-net-error.ts'

/** How a program of a node reaches the API server, and as whom. */
export interface Access {
  /** `https://host:port` */
  server: string
  /** The authority of the server's certificate; undefined: not checked. */
  caPem: string | undefined
  token?: string
  clientCertificatePem?: string
  clientKeyPem?: string
}

/** What the API server answered that isn't a success; the message is its own. */
export class ApiAnswerError extends Error {
  readonly status: number
  readonly reason: string

  constructor(status: number, reason: string, message: string) {
    super(message)
    this.status = status
    this.reason = reason
  }
}

interface Kubeconfig {
  clusters?: { name: string; cluster: { server?: string; 'certificate-authority-data'?: string; 'certificate-authority'?: string } }[] | null
  users?: { name: string; user: { token?: string; 'client-certificate-data'?: string; 'client-key-data'?: string; 'client-certificate'?: string; 'client-key'?: string } }[] | null
  contexts?: { name: string; context: { cluster?: string; user?: string } }[] | null
  'current-context'?: string
}

/** Reads a kubeconfig's current context; without contexts its only cluster. @throws Error for what can't be read or isn't one */
export function accessOf(text: string, read: (path: string) => string): Access {
  const config = (parseYaml(text).value ?? {}) as Kubeconfig
  const context = config.contexts?.find(({ name }) => name === config['current-context'])?.context
  const cluster = (config.clusters?.find(({ name }) => name === context?.cluster) ?? config.clusters?.[0])?.cluster
  const user = config.users?.find(({ name }) => name === context?.user)?.user
  if (!cluster?.server) throw new Error('the current context is invalid')
  const part = (data: string | undefined, path: string | undefined) => data !== undefined ? atob(data) : path !== undefined ? read(path) : undefined
  const clientCertificatePem = part(user?.['client-certificate-data'], user?.['client-certificate'])
  const clientKeyPem = part(user?.['client-key-data'], user?.['client-key'])
  return {
    server: cluster.server, caPem: part(cluster['certificate-authority-data'], cluster['certificate-authority']),
    ...(user?.token ? { token: user.token } : {}), ...(clientCertificatePem ? { clientCertificatePem } : {}), ...(clientKeyPem ? { clientKeyPem } : {}),
  }
}

/** A request to the API server from a node, with JSON both ways. @throws ApiAnswerError, and Error in the words of Go's client where there is no answer */
export async function askApi<T>(proc: Proc, access: Access, method: string, path: string, body?: unknown): Promise<T> {
  const { server, caPem, token, clientCertificatePem, clientKeyPem } = access
  const url = `${server}${path}`
  let response: Response
  try {
    response = await proc.net.fetch(httpRequest(url, {
      method, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: { accept: 'application/json', 'user-agent': `${proc.argv[0]?.split('/').at(-1)}/v1.36.3 (linux/${proc.machine.hardware.architecture ?? 'amd64'})`, ...(body === undefined ? {} : { 'content-type': method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json' }), ...(token ? { authorization: `Bearer ${token}` } : {}) },
    }), { ...(caPem === undefined ? { insecure: true } : { caPem }), ...(clientCertificatePem ? { clientCertificatePem } : {}), ...(clientKeyPem ? { clientKeyPem } : {}), connectTimeoutMs: 10_000 })
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    const { hostname, port } = new URL(url)
    const verb = `${method[0]}${method.slice(1).toLowerCase()}`
    throw new Error(`${verb} ${JSON.stringify(url)}: ${goNetError(error, hostname, Number(port || 443)) || errorText(error)}`)
  }
  const text = await response.text()
  if (response.ok) return JSON.parse(text) as T
  let status: { message?: string; reason?: string } = {}
  try { status = JSON.parse(text) } catch { /* not of the API's own */ }
  throw new ApiAnswerError(response.status, status.reason ?? '', status.message ?? text)
}
