import type { HttpRequest } from '../../base/http.ts'
import { errno } from '../errno.ts'
import { MemoryFileSystem } from '../file-system.ts'
import type { RemoteDirectory, RemoteLocation } from '../fs/mount-space.ts'
import { resolvePath } from '../path.ts'
import type { HttpPeer, Proc } from '../types.ts'
import { allowsClient } from './exports.ts'
import type { NfsExport } from './exports.ts'

export const NFS_PORT = 2049
/** Where clients of version 3 ask which ports the other services have. */
export const RPCBIND_PORT = 111
export const MOUNTD_PORT = 20_048

/** How a client asks: `MOUNT http://server:2049/path?vers=4`. Between programs of this process requests aren't turned into bytes, and neither is what NFS would carry. */
export const MOUNT_METHOD = 'MOUNT'

/** What a client holds of a directory that it mounted. */
export interface ServedDirectory extends RemoteDirectory {
  readOnly: boolean
  /** Resolves when the server has ended. */
  ended: Promise<void>
}

/** An answer that gives a client a directory of the server. */
export class MountResponse extends Response {
  readonly served: ServedDirectory
  constructor(served: ServedDirectory) {
    super(null, { status: 200 })
    this.served = served
  }
}

export interface NfsServerOptions {
  /** What is exported now. */
  exports(): readonly NfsExport[]
  /** Versions of the protocol that are spoken. */
  versions: readonly (3 | 4)[]
}

/**
 * Serves directories to NFS clients until the process ends or the returned function is called. Clients see what the process sees at a path, without what is mounted below.
 * @throws UnixError EADDRINUSE
 */
export function serveNfs(proc: Proc, { exports, versions }: NfsServerOptions): () => void {
  const files = proc.machine.fs as MemoryFileSystem
  let stopped = false
  let end!: () => void
  const ended = new Promise<void>((resolve) => { end = resolve })
  const isOver = () => stopped || proc.killed.aborted
  proc.killed.addEventListener('abort', () => end(), { once: true })

  const answer = (request: HttpRequest, { remote }: HttpPeer): Response => {
    if (request.method !== MOUNT_METHOD) return new Response(null, { status: 400 })
    const url = new URL(request.url)
    const version = Number(url.searchParams.get('vers'))
    if (!versions.some((each) => each === version)) return new Response(null, { status: 505 })
    const asked = resolvePath('/', decodeURIComponent(url.pathname))
    const all = exports()
    // Version 4 has one tree whose root is the export that says so, or the server's own root with nothing but what leads to exports.
    const root = version === 4 ? all.find((each) => each.isRoot) : undefined
    const path = root ? resolvePath(root.path, asked.replace(/^\/+/, '')) : asked
    const covers = ({ path: exported }: NfsExport) => exported === '/' || path === exported || path.startsWith(`${exported}/`)
    const covering = all.filter(covers).sort((a, b) => b.path.length - a.path.length)
    const found = covering.find((each) => allowsClient(each, remote.ip))
    if (!found) return new Response(null, { status: covering.length > 0 ? 403 : version === 4 ? 404 : 403 })
    try {
      files.locate(path)
    } catch {
      return new Response(null, { status: 404 })
    }
    const locate = (): RemoteLocation => {
      if (isOver()) throw errno('EIO', path)
      return files.locate(path)
    }
    const nobody = { uid: found.anonymousUid, gid: found.anonymousGid, groups: [] }
    const userOf: RemoteDirectory['userOf'] = (user) => found.allSquash || (found.rootSquash && (user?.uid ?? 0) === 0) ? nobody : user
    return new MountResponse({ locate, userOf, readOnly: found.readOnly, ended })
  }
  const listeners = [proc.net.listenHttp(NFS_PORT, answer)]
  if (versions.includes(3)) for (const port of [RPCBIND_PORT, MOUNTD_PORT]) listeners.push(proc.net.listenTcp(port, (socket) => socket.destroy()))
  return () => {
    stopped = true
    for (const listener of listeners) listener.close()
    end()
  }
}
