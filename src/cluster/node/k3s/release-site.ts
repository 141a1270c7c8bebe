import type { HttpRequest } from '../../../base/http.ts'
import { K3S_BINARY, K3S_RELEASE } from './installed-files.ts'

const RELEASES = 'https://github.com/k3s-io/k3s/releases'
const CHANNELS = 'https://update.k3s.io/v1-release/channels/'
const OWN_CHANNELS = ['stable', 'latest', 'v1.36']

/** What the places on the Internet answer from which k3s is installed; undefined: another place. There is one release. */
export function k3sSite({ url, method }: HttpRequest): Promise<Response> | undefined {
  const address = decodeURIComponent(url.split('?')[0]!)
  const text = (body: string) => Promise.resolve(new Response(method === 'HEAD' ? null : body, { headers: { 'content-type': 'text/plain' } }))
  if (/^https:\/\/get\.k3s\.io\/?$/.test(address)) return import('./install-script.ts').then(({ INSTALL_SCRIPT }) => text(INSTALL_SCRIPT))
  if (address.startsWith(CHANNELS)) return Promise.resolve(OWN_CHANNELS.includes(address.slice(CHANNELS.length)) ? new Response(null, { status: 302, headers: { location: `${RELEASES}/tag/${encodeURIComponent(K3S_RELEASE)}` } }) : new Response('404 page not found\n', { status: 404 }))
  if (!address.startsWith(RELEASES)) return undefined
  switch (address.slice(RELEASES.length)) {
    case `/tag/${K3S_RELEASE}`: return text(`${K3S_RELEASE}\n`)
    case `/download/${K3S_RELEASE}/sha256sum-amd64.txt`: return import('./release-hash.ts').then(({ releaseHash }) => text(`${releaseHash()}  k3s\n`))
    case `/download/${K3S_RELEASE}/k3s`: return text(K3S_BINARY)
    default: return Promise.resolve(new Response('Not Found', { status: 404 }))
  }
}
