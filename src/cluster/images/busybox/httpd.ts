import { resolvePath } from '../../../unix/path.ts'
import type { Program } from '../../../unix/types.ts'
import { contentType } from '../http/content-type.ts'
import { parseOptions } from '../../../unix/utilities/utility.ts'

/** BusyBox' httpd: serves files of a directory (`httpd -f -p 8080 -h /www`). */
export const httpd: Program = async (proc) => {
  const options = parseOptions(proc.argv.slice(1), 'fvip:u:h:c:r:e:d:m:')
  const [ip, port] = /^(?:(.*):)?(\d+)$/.exec(options.value('p') ?? '80')?.slice(1) ?? []
  const root = proc.resolve(options.value('h') ?? '.')
  const serve = () => proc.net.listenHttp(Number(port), (request) => {
    const path = resolvePath('/', decodeURIComponent(new URL(request.url).pathname))
    let file = resolvePath(root, `.${path}`)
    if (proc.fs.exists(file) && proc.fs.stat(file).type === 'directory') file = resolvePath(file, 'index.html')
    if (!proc.fs.exists(file)) return new Response('<HTML><HEAD><TITLE>404 Not Found</TITLE></HEAD>\n<BODY><H1>404 Not Found</H1>\nThe requested URL was not found\n</BODY></HTML>\n', { status: 404, headers: { 'content-type': 'text/html' } })
    return new Response(proc.fs.readFile(file).slice(), { headers: { 'content-type': contentType(file), 'last-modified': new Date(proc.fs.stat(file).modifiedMs).toUTCString() } })
  }, ip ? { ip } : {})
  if (!options.has('f')) {
    // Without -f it goes to the background: a child of its own keeps serving.
    proc.spawn([proc.argv[0]!, '-f', ...proc.argv.slice(1)], { newGroup: true })
    await proc.clock.breathe()
    return 0
  }
  serve()
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}
