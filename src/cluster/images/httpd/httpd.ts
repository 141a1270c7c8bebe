import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Listener, Proc, Program } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { accountFiles } from '../accounts.ts'
import { alpine } from '../alpine.ts'
import { debianPrograms, debianRelease } from '../debian.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition, ImageFile } from '../image.ts'
import { HttpdConfigError } from './httpd-config.ts'
import { SERVER_ROOT, accessLine, answerRequest, loadHttpdConfig } from './httpd-server.ts'
import type { HttpdSetup } from './httpd-server.ts'

const MEMORY_BYTES = 6 * 2 ** 20
const PID_FILE = `${SERVER_ROOT}/logs/httpd.pid`
const ERRNO: Readonly<Record<string, number>> = { EACCES: 13, EADDRINUSE: 98, EADDRNOTAVAIL: 99, EROFS: 30, ENOENT: 2 }

/** httpd of one version: reads its configuration, serves until it is told to stop. */
function httpdProgram(version: string): Program {
  return async (proc) => {
    const args = proc.argv.slice(1)
    const file = args.includes('-f') ? proc.resolve(args[args.indexOf('-f') + 1]!) : `${SERVER_ROOT}/conf/httpd.conf`
    if (args.includes('-v') || args.includes('-V')) {
      await proc.stdout.write(`Server version: Apache/${version} (Unix)\nServer built:   ${formatDate('%b %e %Y %H:%M:%S', Date.UTC(2026, 5, 9, 3, 14, 7))}\n`)
      return 0
    }
    const control = args.includes('-k') ? args[args.indexOf('-k') + 1] : undefined
    if (control !== undefined && control !== 'start') return signalParent(proc, control)
    const name = nameWarning(proc)
    const loaded = await loadOrComplain(proc, file)
    if (!loaded) return 1
    let setup = loaded
    const unnamed = setup.main.some((d) => d.name === 'servername') ? '' : name
    if (args.includes('-t')) {
      await proc.stderr.write(`${unnamed}Syntax OK\n`)
      return 0
    }
    // Said twice: the configuration is read for a check first.
    await proc.stderr.write(unnamed + unnamed)
    const listeners = new Map<string, Listener>()
    const listenAll = () => {
      const wanted = new Set(setup.listens.map(({ port, ip }) => `${ip ?? '0.0.0.0'}:${port}`))
      for (const [key, listener] of listeners) if (!wanted.has(key)) { listener.close(); listeners.delete(key) }
      for (const { port, ip } of setup.listens) {
        const key = `${ip ?? '0.0.0.0'}:${port}`
        if (!listeners.has(key)) listeners.set(key, proc.net.listenHttp(port, async (request, peer) => {
          const response = await answerRequest(proc, setup, version, port, request, peer)
          const line = accessLine(setup, proc.clock.nowMs(), request, peer, response)
          if (line !== undefined) await proc.stdout.write(`${line}\n`).catch(() => {})
          return response
        }, ip === undefined ? {} : { ip }))
      }
    }
    try {
      listenAll()
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      const { port, ip } = setup.listens.find((each) => !listeners.has(`${each.ip ?? '0.0.0.0'}:${each.port}`))!
      const problem = `(${ERRNO[error.code] ?? 22})${errorText(error)}: AH00072: make_sock: could not bind to address `
      await proc.stderr.write(`${(ip === undefined ? ['[::]', '0.0.0.0'] : [ip]).map((address) => `${problem}${address}:${port}\n`).join('')}no listening sockets available, shutting down\nAH00015: Unable to open logs\n`)
      return 1
    }
    const say = (module: string, level: string, text: string) => proc.stderr.write(`[${formatDate('%a %b %d %H:%M:%S.', proc.clock.nowMs())}${String(Math.floor(proc.clock.nowMs() % 1000)).padStart(3, '0')}000 ${formatDate('%Y', proc.clock.nowMs())}] [${module}:${level}] [pid ${proc.pid}:tid ${proc.pid}] ${text}\n`)
    try {
      proc.fs.writeFile(PID_FILE, `${proc.pid}\n`)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await say('core', 'error', `(${ERRNO[error.code] ?? 22})${errorText(error)}: AH00099: could not create ${PID_FILE}.${proc.random.hex(3)}`)
      await say('core', 'error', `AH00100: httpd: could not log pid to file ${PID_FILE}`)
      return 1
    }
    proc.useMemory(MEMORY_BYTES)
    const announce = async () => {
      await say('mpm_event', 'notice', `AH00489: Apache/${version} (Unix) configured -- resuming normal operations`)
      await say('core', 'notice', "AH00094: Command line: 'httpd -D FOREGROUND'")
    }
    await announce()
    for (;;) {
      const signal = await proc.signal('SIGWINCH', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1')
      if (signal === 'SIGHUP' || signal === 'SIGUSR1') {
        await say('mpm_event', 'notice', signal === 'SIGHUP' ? 'AH00494: SIGHUP received.  Attempting to restart' : 'AH00493: SIGUSR1 received.  Doing graceful restart')
        const fresh = await loadOrComplain(proc, file)
        if (!fresh) return 1
        setup = fresh
        listenAll()
        await announce()
        continue
      }
      await say('mpm_event', 'notice', signal === 'SIGWINCH' ? 'AH00492: caught SIGWINCH, shutting down gracefully' : `AH00491: caught ${signal}, shutting down`)
      return 0
    }
  }
}

/** The configuration, or undefined once the fault in it has been told. */
async function loadOrComplain(proc: Proc, file: string): Promise<HttpdSetup | undefined> {
  try {
    return loadHttpdConfig(proc, file)
  } catch (error) {
    if (!(error instanceof HttpdConfigError)) throw error
    await proc.stderr.write(error.message)
    return undefined
  }
}

/** What httpd says where neither its configuration nor DNS gives the server a name. */
function nameWarning(proc: Proc): string {
  return `AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using ${proc.net.addresses[0] ?? '127.0.0.1'}. Set the 'ServerName' directive globally to suppress this message\n`
}

/** `httpd -k stop` and its kin. */
async function signalParent(proc: Proc, action: string): Promise<number> {
  const signal = ({ stop: 'SIGTERM', restart: 'SIGHUP', graceful: 'SIGUSR1', 'graceful-stop': 'SIGWINCH' } as const)[action]
  if (!signal) {
    await proc.stderr.write(`httpd: unknown action ${action}\n`)
    return 1
  }
  const pid = proc.fs.exists(PID_FILE) ? Number(proc.fs.readText(PID_FILE)) : 0
  const parent = proc.machine.process(pid)
  if (!parent) {
    await proc.stderr.write(`httpd (no pid file) not running\n`)
    return action === 'stop' ? 0 : 1
  }
  parent.kill(signal)
  return 0
}

/** The main settings of the image's httpd.conf; modules of the official one that do nothing here are left out. */
const configuration = `# Main configuration of the Apache HTTP server.
ServerRoot "${SERVER_ROOT}"

Listen 80

LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authn_file_module modules/mod_authn_file.so
LoadModule authn_core_module modules/mod_authn_core.so
LoadModule authz_host_module modules/mod_authz_host.so
LoadModule authz_user_module modules/mod_authz_user.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule access_compat_module modules/mod_access_compat.so
LoadModule auth_basic_module modules/mod_auth_basic.so
LoadModule reqtimeout_module modules/mod_reqtimeout.so
LoadModule filter_module modules/mod_filter.so
LoadModule mime_module modules/mod_mime.so
LoadModule log_config_module modules/mod_log_config.so
LoadModule env_module modules/mod_env.so
LoadModule headers_module modules/mod_headers.so
LoadModule setenvif_module modules/mod_setenvif.so
LoadModule version_module modules/mod_version.so
#LoadModule proxy_module modules/mod_proxy.so
#LoadModule proxy_http_module modules/mod_proxy_http.so
LoadModule unixd_module modules/mod_unixd.so
LoadModule status_module modules/mod_status.so
LoadModule autoindex_module modules/mod_autoindex.so
LoadModule dir_module modules/mod_dir.so
LoadModule alias_module modules/mod_alias.so
#LoadModule rewrite_module modules/mod_rewrite.so

<IfModule unixd_module>
User www-data
Group www-data
</IfModule>

ServerAdmin you@example.com
#ServerName www.example.com:80

<Directory />
    AllowOverride none
    Require all denied
</Directory>

DocumentRoot "${SERVER_ROOT}/htdocs"
<Directory "${SERVER_ROOT}/htdocs">
    Options Indexes FollowSymLinks
    AllowOverride None
    Require all granted
</Directory>

<IfModule dir_module>
    DirectoryIndex index.html
</IfModule>

<Files ".ht*">
    Require all denied
</Files>

ErrorLog /proc/self/fd/2
LogLevel warn

<IfModule log_config_module>
    LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
    LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
    CustomLog /proc/self/fd/1 common
</IfModule>

<IfModule alias_module>
    ScriptAlias /cgi-bin/ "${SERVER_ROOT}/cgi-bin/"
</IfModule>

<Directory "${SERVER_ROOT}/cgi-bin">
    AllowOverride None
    Options None
    Require all granted
</Directory>

<IfModule mime_module>
    TypesConfig conf/mime.types
    AddType application/x-compress .Z
    AddType application/x-gzip .gz .tgz
</IfModule>
`

/** The page since 2.4.66, and the one before. */
const page = `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">
<html>
<head>
<title>It works! Apache httpd</title>
</head>
<body>
<p>It works!</p>
</body>
</html>
`
const oldPage = '<html><body><h1>It works!</h1></body></html>\n'

const INDEX = `${SERVER_ROOT}/htdocs/index.html`
const LATEST = '2.4.68'
const VERSIONS: Readonly<Record<string, string>> = { ...Object.fromEntries(Array.from({ length: 18 }, (_, i) => [`2.4.${51 + i}`, `2.4.${51 + i}`])), '2.4': LATEST, '2': LATEST, latest: LATEST }
const hasOldPage = (version: string) => Number(version.slice(4)) < 66

const files: Record<string, ImageFile> = {
  [INDEX]: page, [`${SERVER_ROOT}/conf/httpd.conf`]: configuration, [`${SERVER_ROOT}/conf/mime.types`]: 'text/html\thtml htm\ntext/css\tcss\ntext/plain\ttxt\nimage/png\tpng\napplication/json\tjson\n', [`${SERVER_ROOT}/conf/extra`]: { directory: true },
  [`${SERVER_ROOT}/logs`]: { directory: true }, [`${SERVER_ROOT}/cgi-bin`]: { directory: true }, [`${SERVER_ROOT}/modules`]: { directory: true },
  '/usr/local/bin/httpd-foreground': { content: `#!/bin/sh\nset -e\n\n# A process id left by an earlier run would keep httpd from starting.\nrm -f ${PID_FILE}\n\nexec httpd -DFOREGROUND "$@"\n`, mode: 0o755 },
}

/** Programs of one version; one object for all tags of it. */
const byVersion = new Map<string, Record<string, Program>>()
function programsOf(version: string): Record<string, Program> {
  let programs = byVersion.get(version)
  if (!programs) {
    const httpd = httpdProgram(version)
    byVersion.set(version, programs = { [`${SERVER_ROOT}/bin/httpd`]: httpd, [`${SERVER_ROOT}/bin/apachectl`]: httpd })
  }
  return programs
}

function variants(suffix: string): NonNullable<ImageDefinition['variants']> {
  return Object.fromEntries(Object.entries(VERSIONS).map(([tag, version]) => [tagWith(tag, suffix), { env: { HTTPD_VERSION: version }, programs: programsOf(version), ...(hasOldPage(version) ? { files: { [INDEX]: oldPage } } : {}) }]))
}

function tagWith(tag: string, suffix: string): string {
  return suffix === '' ? tag : tag === 'latest' ? suffix.slice(1) : tag + suffix
}

const common = {
  repository: 'docker.io/library/httpd', cmd: ['httpd-foreground'], exposedPorts: [80], stopSignal: 'SIGWINCH' as const, workingDir: SERVER_ROOT,
  env: { PATH: `${SERVER_ROOT}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`, HTTPD_PREFIX: SERVER_ROOT, HTTPD_VERSION: LATEST, HTTPD_PATCHES: '' },
}
// Debian's image has no curl for httpd's users.
const debianUserLand = Object.fromEntries(Object.entries(debianPrograms).filter(([path]) => path !== '/usr/bin/curl'))

export const httpd = defineImage({
  ...common, tags: Object.keys(VERSIONS), sizeBytes: 45_200_000,
  files: { ...accountFiles('/bin/bash'), '/etc/os-release': debianRelease, ...files },
  programs: { ...debianUserLand, ...programsOf(LATEST) }, variants: variants(''),
})

export const httpdAlpine = defineImage({
  ...common, tags: Object.keys(VERSIONS).map((tag) => tagWith(tag, '-alpine')), sizeBytes: 20_400_000, base: alpine,
  files: { ...accountFiles('/bin/sh'), ...files }, programs: programsOf(LATEST), variants: variants('-alpine'),
})
