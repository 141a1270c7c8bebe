import { errorText } from '../../unix/errno.ts'
import type { Program } from '../../unix/types.ts'
import { goError, goProgram, untilKilled } from './agnhost/go-server.ts'
import { defineImage } from './image.ts'

/** An HTTP proxy on port 8080: the open port that pages about TCP probes look for. */
const goproxy: Program = (proc) => goProgram(proc, () => {
  proc.net.listenHttp(8080, async (request) => {
    const target = new URL(request.url)
    const isOwn = target.hostname === 'localhost' || [...proc.net.addresses, '127.0.0.1'].includes(target.hostname)
    if (isOwn) return goError(proc, 'This is a proxy server. Does not respond to non-proxy requests.', 500)
    try { return await proc.net.fetch(request) } catch (error) { return goError(proc, errorText(error), 500) }
  })
  return untilKilled(proc)
})

export const goproxyImage = defineImage({ repository: 'registry.k8s.io/goproxy', tags: ['0.1'], sizeBytes: 1_700_000, entrypoint: ['/goproxy'], exposedPorts: [8080], programs: { '/goproxy': goproxy } })
