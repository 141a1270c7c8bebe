import { httpRequest } from '../../../base/http.ts'
import { goNetError } from '../../../unix/net/go-net-error.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { parseToken } from '../../k3s/supervisor.ts'
import { authorityHash } from './server-files.ts'

/** A server that let this machine in. */
export interface JoinedServer {
  caPem: string
  /** Certificate and key of the node's kubelet. */
  kubelet: string
}

/** Asks a server to let a machine in, with a token. k3s: pkg/clientaccess ParseAndValidateToken @throws Error in k3s' words */
export async function joinServer(proc: Proc, server: string, token: string, nodeName: string): Promise<JoinedServer> {
  const { hash, username, password } = parseToken(token)
  const caPem = await ask(proc, `${server}/cacerts`, undefined, {}).catch((error: Error) => { throw new Error(`failed to get CA certs: ${error.message}`) })
  const actual = authorityHash(caPem)
  if (hash !== undefined && hash !== actual) throw new Error(`token CA hash does not match the Cluster CA certificate hash: ${hash} != ${actual}`)
  const isBootstrap = /^[a-z0-9]{6}\.[a-z0-9]{16}$/.test(password)
  const authorization = isBootstrap ? `Bearer ${password}` : `Basic ${btoa(`${username || 'node'}:${password}`)}`
  return { caPem, kubelet: await ask(proc, `${server}/v1-k3s/client-kubelet.crt`, caPem, { authorization, 'k3s-node-name': nodeName }) }
}

async function ask(proc: Proc, url: string, caPem: string | undefined, headers: Record<string, string>): Promise<string> {
  let response: Response
  try {
    response = await proc.net.fetch(httpRequest(url, { headers }), { ...caPem === undefined ? { insecure: true } : { caPem }, connectTimeoutMs: 10_000 })
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    const { hostname, port } = new URL(url)
    throw new Error(`Get ${JSON.stringify(url)}: ${goNetError(error, hostname, Number(port || 443))}`)
  }
  if (response.status === 401) throw new Error(`${url}: 401 Unauthorized`)
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`)
  return response.text()
}
