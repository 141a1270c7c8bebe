import type { HttpRequest } from '../../../base/http.ts'
import type { HttpPeer, Program } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'

/** What a million square roots cost in PHP 5, milliseconds of one core. */
const PAGE_CPU_MS = 70
const SERVER = 'Apache/2.4.10 (Debian)'
const PAGE = `<?php
  $x = 0.0001;
  for ($i = 0; $i <= 1000000; $i++) {
    $x += sqrt($x);
  }
  echo "OK!";
?>
`

/** Apache with a page that is nothing but work. Requests share the CPU that the container may use: under load they wait for one another. */
const apache: Program = async (proc) => {
  const stamp = () => formatDate('%a %b %d %H:%M:%S.000000 %Y', proc.clock.nowMs())
  const share = Math.min(1, (proc.machine.limits.cpuMillis ?? 1000) / 1000)
  let freeMs = 0
  const answer = async (request: HttpRequest, peer: HttpPeer) => {
    const { pathname } = new URL(request.url)
    const isPage = pathname === '/' || pathname === '/index.php'
    const body = isPage ? 'OK!' : `<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n<h1>Not Found</h1>\n<p>The requested URL ${pathname} was not found on this server.</p>\n</body></html>\n`
    if (isPage) {
      const nowMs = proc.clock.nowMs()
      freeMs = Math.max(freeMs, nowMs) + PAGE_CPU_MS / share
      await proc.sleep(freeMs - nowMs)
      proc.useCpu(PAGE_CPU_MS * 1e6)
    }
    const status = isPage ? 200 : 404
    await proc.stdout.write(`${peer.remote.ip} - - [${formatDate('%d/%b/%Y:%H:%M:%S +0000', proc.clock.nowMs())}] "${request.method} ${pathname} HTTP/1.1" ${status} ${body.length} "-" "${request.headers.get('user-agent') ?? '-'}"\n`)
    return new Response(request.method === 'HEAD' ? null : body, { status, headers: { date: formatDate('%a, %d %b %Y %H:%M:%S GMT', proc.clock.nowMs()), server: SERVER, ...(isPage ? { 'x-powered-by': 'PHP/5.6.14' } : {}), 'content-length': String(body.length), 'content-type': isPage ? 'text/html; charset=UTF-8' : 'text/html; charset=iso-8859-1' } })
  }
  proc.net.listenHttp(80, answer)
  proc.useMemory(9 * 2 ** 20)
  proc.useCpuSteadily(1)
  await proc.stderr.write(`[${stamp()}] [mpm_prefork:notice] [pid 1] AH00163: ${SERVER} PHP/5.6.14 configured -- resuming normal operations\n[${stamp()}] [core:notice] [pid 1] AH00094: Command line: 'apache2 -D FOREGROUND'\n`)
  const signal = await proc.signal('SIGTERM', 'SIGWINCH')
  await proc.stderr.write(`[${stamp()}] [mpm_prefork:notice] [pid 1] ${signal === 'SIGWINCH' ? 'AH00492: caught SIGWINCH, shutting down gracefully' : 'AH00169: caught SIGTERM, shutting down'}\n`)
  return 0
}

/** The image of the documentation's walkthrough of the HorizontalPodAutoscaler. */
export const hpaExampleImage = defineImage({
  repository: 'registry.k8s.io/hpa-example', tags: ['latest'], sizeBytes: 180_000_000, base: debian, entrypoint: ['apache2-foreground'], workingDir: '/var/www/html', exposedPorts: [80],
  files: { '/var/www/html/index.php': PAGE }, programs: { '/usr/local/bin/apache2-foreground': apache },
})
