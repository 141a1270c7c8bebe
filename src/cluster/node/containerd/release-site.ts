import type { Clock } from '../../../base/clock.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { fromWebStream, readAll } from '../../../base/streams.ts'
import { encodeHeader, paddingOf } from '../../../unix/utilities/tar-format.ts'
import { containerdBinary } from './installed-program.ts'

const DOWNLOADS = 'https://github.com/containerd/containerd/releases/download/'
/** The releases that nodes can be given; all of them serve the CRI that Kubernetes v1.36 asks for. */
const RELEASES: readonly string[] = ['2.2.8', '2.2.9', '2.3.4', '2.3.5', '2.3.6', '2.3.7', '2.4.0', '2.4.1', '2.4.2']
const ARCHIVE = /^v([\d.]+)\/containerd-([\d.]+)-linux-(?:amd64|arm64)\.tar\.gz(\.sha256sum)?$/

/** The place from which containerd's releases are downloaded; undefined: another place. */
export function containerdSite({ url, method }: HttpRequest, clock: Clock): Promise<Response> | undefined {
  const address = url.split('?')[0]!
  if (!address.startsWith(DOWNLOADS)) return undefined
  const name = address.slice(DOWNLOADS.length)
  const [, tag, version = '', isSum] = ARCHIVE.exec(name) ?? []
  if (tag !== version || !RELEASES.includes(version)) return Promise.resolve(new Response('Not Found', { status: 404 }))
  return clock.outside((async () => {
    const archive = await releaseArchive(version)
    const body = isSum ? new TextEncoder().encode(`${await sha256(archive)}  ${baseOf(name).replace(/\.sha256sum$/, '')}\n`) : archive
    return new Response(method === 'HEAD' ? null : body, { headers: { 'content-type': 'application/octet-stream', 'content-length': String(body.length) } })
  })())
}

const baseOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** A release as it is packed, with the one of its programs that nodes have. */
async function releaseArchive(version: string): Promise<Uint8Array<ArrayBuffer>> {
  const content = new TextEncoder().encode(containerdBinary(version))
  const of = (type: 'file' | 'directory', name: string, sizeBytes: number) => encodeHeader({ type, name, linkName: '', mode: 0o755, uid: 0, gid: 0, userName: 'root', groupName: 'root', sizeBytes, modifiedMs: 0 }) as Uint8Array<ArrayBuffer>
  const parts = [of('directory', 'bin/', 0), of('file', 'bin/containerd', content.length), content, new Uint8Array(paddingOf(content.length)), new Uint8Array(1024)]
  return await readAll(fromWebStream(new Blob(parts).stream().pipeThrough(new CompressionStream('gzip')))) as Uint8Array<ArrayBuffer>
}
