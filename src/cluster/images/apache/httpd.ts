import { joinPath, resolvePath } from '../../../unix/path.ts'
import type { Proc, Program } from '../../../unix/types.ts'
import { alpine } from '../alpine.ts'
import { debian } from '../debian.ts'
import { contentType } from '../http/content-type.ts'
import { defineImage } from '../image.ts'
import { apacheLog, apacheNotFound, runApache } from './apache.ts'
import type { ApacheAnswer } from './apache.ts'

const VERSION = '2.4.65'
const DOCUMENT_ROOT = '/usr/local/apache2/htdocs'
const TAGS = ['latest', '2', '2.4', VERSION, '2.4.62', '2.4.58', '2.4.57']

/** The official image's Apache: files of one directory. Its configuration file isn't read. */
const httpd: Program = async (proc) => {
  proc.useMemory(7 * 2 ** 20)
  const warning = `AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using ${proc.net.addresses[0] ?? '127.0.0.1'}. Set the 'ServerName' directive globally to suppress this message\n`
  await proc.stderr.write(warning + warning)
  return runApache(proc, { server: `Apache/${VERSION} (Unix)`, module: 'mpm_event', commandLine: 'httpd -D FOREGROUND', answer: (_, url) => file(proc, resolvePath('/', decodeURIComponent(url.pathname)), url.pathname.endsWith('/')) })
}

async function file(proc: Proc, path: string, asDirectory: boolean): Promise<ApacheAnswer> {
  const target = joinPath(DOCUMENT_ROOT, `.${path}`)
  if (!proc.fs.exists(target)) return apacheNotFound()
  const isDirectory = proc.fs.stat(target).type === 'directory'
  if (isDirectory && !asDirectory) return { status: 301, type: 'text/html; charset=iso-8859-1', body: '', headers: { location: `${path}/` } }
  if (isDirectory) {
    const index = joinPath(target, 'index.html')
    if (proc.fs.exists(index)) return { status: 200, type: 'text/html', body: proc.fs.readFile(index) }
    const names = proc.fs.readdir(target)
    return { status: 200, type: 'text/html;charset=ISO-8859-1', body: `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n<html>\n <head>\n  <title>Index of ${path}</title>\n </head>\n <body>\n<h1>Index of ${path}</h1>\n<ul>${names.map((name) => `<li><a href="${encodeURI(name)}"> ${name}</a></li>\n`).join('')}</ul>\n</body></html>\n` }
  }
  try {
    return { status: 200, type: contentType(target, 'text/plain'), body: proc.fs.readFile(target) }
  } catch {
    await apacheLog(proc, 'core:error', `(13)Permission denied: AH00132: file permissions deny server access: ${target}`)
    return { status: 403, type: 'text/html; charset=iso-8859-1', body: '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>403 Forbidden</title>\n</head><body>\n<h1>Forbidden</h1>\n<p>You don\'t have permission to access this resource.</p>\n</body></html>\n' }
  }
}

const common = {
  repository: 'docker.io/library/httpd', cmd: ['httpd-foreground'], workingDir: '/usr/local/apache2', exposedPorts: [80],
  env: { PATH: '/usr/local/apache2/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HTTPD_PREFIX: '/usr/local/apache2', HTTPD_VERSION: VERSION },
  files: { [`${DOCUMENT_ROOT}/index.html`]: '<html><body><h1>It works!</h1></body></html>\n', '/usr/local/apache2/logs': { directory: true as const } }, programs: { '/usr/local/bin/httpd-foreground': httpd },
}
export const httpdImage = defineImage({ ...common, tags: TAGS, sizeBytes: 56_000_000, base: debian })
export const httpdAlpineImage = defineImage({ ...common, tags: TAGS.map((tag) => tag === 'latest' ? 'alpine' : `${tag}-alpine`), sizeBytes: 21_000_000, base: alpine })
