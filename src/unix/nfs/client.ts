import type { Clock } from '../../base/clock.ts'
import { httpRequest } from '../../base/http.ts'
import { errno, strerror } from '../errno.ts'
import { createRemoteFileSystem } from '../file-system.ts'
import type { MemoryFileSystem } from '../file-system.ts'
import type { RemoteLocation } from '../fs/mount-space.ts'
import { hostPort, isAddress } from '../net/addresses.ts'
import { UnixError } from '../types.ts'
import type { NetStack } from '../types.ts'
import { MOUNT_METHOD, MOUNTD_PORT, MountResponse, NFS_PORT, RPCBIND_PORT } from './server.ts'
import type { ServedDirectory } from './server.ts'

/** A mount that failed: what mount.nfs prints. It ends with 32 then. */
export class NfsMountError extends Error {}

/** Options that say how to wait, cache or what to speak: accepted as the original does, and of no effect where there is one process. */
const OPTION = /^(ro|rw|hard|soft|softerr|bg|fg|sync|async|(no)?(atime|diratime|lock|ac|cto|acl|resvport|sharecache|intr)|relatime|nosuid|nodev|noexec|_netdev|tcp|sec=sys|proto=(tcp|tcp6)|mountproto=(tcp|udp)|(timeo|retrans|rsize|wsize|actimeo|acregmin|acregmax|acdirmin|acdirmax|namlen|nconnect|mountport|clientaddr|addr)=\S+|local_lock=(none|all|flock|posix)|lookupcache=(all|none|pos|positive)|(nfsvers|vers|minorversion|port|retry)=\d+(\.\d)?)$/
/** How long a mount in the foreground is tried, in minutes. */
const RETRY_MINUTES = 2
const FIRST_WAIT_MS = 1_000
const MAX_WAIT_MS = 10_000
/** How long a packet that nobody answers is waited for. */
const CONNECT_TIMEOUT_MS = 10_000
/** What may be otherwise in a moment. */
const TRANSIENT = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ECONNRESET', 'EPIPE'])

export interface NfsMountOptions {
  net: NetStack
  clock: Clock
  /** `server:/path`. */
  source: string
  /** Where it will be seen; only said in messages. */
  target: string
  /** As after `mount -o`. */
  options: readonly string[]
  /** Ends the attempts, and the mount too. */
  signal: AbortSignal
}

export interface NfsMount {
  files: MemoryFileSystem
  /** Ends it; files that are still held fail from then on. */
  close(): void
}

/** Mounts a directory of an NFS server, trying for two minutes while nobody answers. @throws NfsMountError */
export async function mountNfs({ net, clock, source, target, options, signal }: NfsMountOptions): Promise<NfsMount> {
  const at = source.lastIndexOf(':/')
  const server = source.slice(0, at).replace(/^\[|\]$/g, '')
  const path = source.slice(at + 1)
  const value = (...names: string[]) => options.findLast((option) => names.includes(option.split('=')[0]!) && option.includes('='))?.split('=')[1]
  if (options.some((option) => option !== '' && !OPTION.test(option))) throw new NfsMountError(`mount.nfs: an incorrect mount option was specified for ${target}`)
  const version = value('nfsvers', 'vers')
  if (version !== undefined && !/^(3|4|4\.[0-2])$/.test(version)) throw new NfsMountError(`mount.nfs: ${version === '2' ? 'requested NFS version or transport protocol is not supported' : 'an incorrect mount option was specified'} for ${target}`)
  const port = Number(value('port') ?? NFS_PORT)
  let ip: string
  try {
    ip = isAddress(server) ? server : (await net.lookup(server))[0]!
  } catch (error) {
    throw new NfsMountError(`mount.nfs: Failed to resolve server ${server}: ${strerror((error as UnixError).code === 'EAI_AGAIN' ? 'EAI_AGAIN' : 'ENOTFOUND')}`)
  }
  const ask = async (vers: 3 | 4): Promise<Response> => {
    if (vers === 3) for (const each of [RPCBIND_PORT, MOUNTD_PORT]) (await net.connectTcp(ip, each, { timeoutMs: CONNECT_TIMEOUT_MS })).destroy()
    const url = `http://${hostPort(ip, port)}${path.split('/').map(encodeURIComponent).join('/')}?vers=${vers}`
    return net.fetch(httpRequest(url, { method: MOUNT_METHOD, signal }), { connectTimeoutMs: CONNECT_TIMEOUT_MS })
  }
  /** @throws UnixError where nobody answers, NfsMountError for a refusal */
  const negotiate = async (): Promise<ServedDirectory> => {
    let refusal = 0
    for (const vers of version?.startsWith('3') ? [3] as const : version ? [4] as const : [4, 3] as const) {
      let response: Response
      try {
        response = await ask(vers)
      } catch (error) {
        if (refusal === 0 || !(error instanceof UnixError)) throw error
        break
      }
      if (response instanceof MountResponse) return response.served
      if (refusal === 0 || response.status !== 505) refusal = response.status
    }
    if (refusal === 404) throw new NfsMountError(`mount.nfs: mounting ${source} failed, reason given by server: No such file or directory`)
    if (refusal === 403) throw new NfsMountError(`mount.nfs: access denied by server while mounting ${source}`)
    if (refusal === 505) throw new NfsMountError(`mount.nfs: requested NFS version or transport protocol is not supported for ${target}`)
    throw new NfsMountError(`mount.nfs: mount system call failed for ${target}`)
  }

  const untilMs = clock.nowMs() + Number(value('retry') ?? RETRY_MINUTES) * 60_000
  let served: ServedDirectory
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
    try {
      served = await negotiate()
      break
    } catch (error) {
      if (!(error instanceof UnixError) || !TRANSIENT.has(error.code)) throw error
      if (clock.nowMs() >= untilMs) throw new NfsMountError(`mount.nfs: ${strerror(error.code)} for ${source} on ${target}`)
    }
    await clock.sleep(waitMs, signal)
  }
  return hold(served, negotiate, { clock, source, readOnly: options.includes('ro'), signal })
}

/** Keeps a mount: when its server ends, another one is looked for at the same address until the mount is closed. */
function hold(first: ServedDirectory, negotiate: () => Promise<ServedDirectory>, { clock, source, readOnly, signal }: { clock: Clock; source: string; readOnly: boolean; signal: AbortSignal }): NfsMount {
  const { tree, inode } = first.locate()
  let served: ServedDirectory | undefined = first
  const closed = new AbortController()
  signal.addEventListener('abort', () => closed.abort(signal.reason), { once: true })
  const locate = (): RemoteLocation => {
    if (!served || closed.signal.aborted) throw errno('EIO')
    let now: RemoteLocation
    try {
      now = served.locate()
    } catch (error) {
      throw (error as UnixError).code === 'EIO' ? error : errno('ESTALE')
    }
    // A handle names a file of one disk: another directory of the same name is not it.
    if (now.tree !== tree || now.inode !== inode) throw errno('ESTALE')
    return now
  }
  const follow = async (current: ServedDirectory): Promise<void> => {
    await current.ended
    served = undefined
    for (let waitMs = FIRST_WAIT_MS; !closed.signal.aborted; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
      const next = await negotiate().catch(() => undefined)
      if (next) {
        served = next
        return follow(next)
      }
      await clock.sleep(waitMs, closed.signal)
    }
  }
  follow(first).catch(() => { /* closed */ })
  return {
    files: createRemoteFileSystem(clock, { locate, userOf: (user) => (served ?? first).userOf(user) }, { readOnly: readOnly || first.readOnly, source, type: 'nfs4' }),
    close: () => { closed.abort(new Error('the mount was closed')) },
  }
}
