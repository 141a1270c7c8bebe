import type { Clock } from '../../base/clock.ts'
import type { FileSystem, HttpHandler } from '../../unix/types.ts'
import type { ClusterPki } from '../apiserver/pki/cluster-pki.ts'
import type { Api } from '../client/api.ts'
import type { Secret } from '../kinds/generated/types.ts'
import { STATIC_PATH, staticAnswer } from './static-files.ts'

/** What machines show that are to join: `K10HASH::server:SECRET`. */
export const TOKEN_FILE = '/var/lib/rancher/k3s/server/token'

export interface SupervisorOptions {
  /** The server's disk. */
  files: FileSystem
  pki: ClusterPki
  api: Api
  clock: Clock
}

/** What a server of k3s answers besides the API: what a machine needs that wants to join. k3s: pkg/server/handlers */
export function supervised(api: HttpHandler, options: SupervisorOptions): HttpHandler {
  return async (request, peer) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/cacerts') return new Response(options.pki.caCertificatePem, { headers: { 'content-type': 'text/plain' } })
    if (pathname === '/ping') return new Response('pong')
    if (pathname.startsWith(STATIC_PATH)) return staticAnswer(pathname.slice(STATIC_PATH.length), options.files)
    if (!pathname.startsWith('/v1-k3s/')) return api(request, peer)
    if (!await isAllowed(request.headers.get('authorization'), options)) return new Response('not authorized', { status: 401 })
    if (pathname !== '/v1-k3s/client-kubelet.crt') return new Response('404 page not found', { status: 404 })
    const nodeName = request.headers.get('k3s-node-name')
    if (!nodeName) return new Response('node name not set', { status: 400 })
    const { certificatePem, keyPem } = await options.clock.outside(options.pki.issueClientCertificate({ commonName: `system:node:${nodeName}`, organizations: ['system:nodes'], nowMs: options.clock.nowMs() }))
    return new Response(`${certificatePem}${keyPem}`, { headers: { 'content-type': 'text/plain' } })
  }
}

async function isAllowed(authorization: string | null, { files, api, clock }: SupervisorOptions): Promise<boolean> {
  const [scheme, text = ''] = (authorization ?? '').split(' ')
  if (scheme === 'Basic') {
    const password = plainOf(text)?.replace(/^[^:]*:/, '') ?? ''
    return files.exists(TOKEN_FILE) && password !== '' && password === parseToken(files.readText(TOKEN_FILE).trim()).password
  }
  // Tokens that somebody has made for a while.
  const [, id, secret] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(text) ?? []
  if (scheme !== 'Bearer' || id === undefined) return false
  const found = await api.get<Secret>('secrets', `bootstrap-token-${id}`, 'kube-system').catch(() => undefined)
  const read = (key: string) => atob(found?.data?.[key] ?? '')
  return read('token-secret') === secret && read('usage-bootstrap-authentication') === 'true' && (read('expiration') === '' || Date.parse(read('expiration')) > clock.nowMs())
}

/** @returns undefined for what isn't base64 */
function plainOf(base64: string): string | undefined {
  try {
    return atob(base64)
  } catch {
    return undefined
  }
}

/** A token's parts: the hash of the authority that it trusts, if it says so, and what it shows. k3s: pkg/clientaccess */
export function parseToken(text: string): { hash: string | undefined; username: string; password: string } {
  const [, hash, rest = text] = /^K10([0-9a-f]{64})::(.*)$/s.exec(text) ?? []
  const at = rest.indexOf(':')
  return { hash, username: at < 0 ? '' : rest.slice(0, at), password: at < 0 ? rest : rest.slice(at + 1) }
}
