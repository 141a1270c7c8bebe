import { imageProgram } from '../../../unix/lazy-program.ts'
import type { Program } from '../../../unix/types.ts'
import { accountFiles } from '../accounts.ts'
import { alpine } from '../alpine.ts'
import { debianPrograms, debianRelease } from '../debian.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition, ImageFile } from '../image.ts'
import { patchRange, releasesByTag, releasesSince } from '../releases.ts'
import type { ReleaseLines } from '../releases.ts'
import { PID_FILE, SERVER_ROOT } from './httpd-paths.ts'

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
const LINES: ReleaseLines = { 2.4: [10, 12, 16, 17, 18, 20, 23, 25, 27, 28, 29, 32, 33, 34, 35, 37, 38, 39, 41, 43, 46, 47, 48, 49, ...patchRange(51, 68)] }
const versionsOf = (lines: ReleaseLines): Readonly<Record<string, string>> => ({ ...releasesByTag(lines), '2': LATEST, latest: LATEST })
const VERSIONS = versionsOf(LINES)
const ALPINE_VERSIONS = versionsOf(releasesSince(LINES, '2.4.23'))
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
    const httpd = imageProgram(async () => (await import('./httpd-program.ts')).httpdProgram(version))
    byVersion.set(version, programs = { [`${SERVER_ROOT}/bin/httpd`]: httpd, [`${SERVER_ROOT}/bin/apachectl`]: httpd })
  }
  return programs
}

function variants(versions: Readonly<Record<string, string>>, suffix: string): NonNullable<ImageDefinition['variants']> {
  return Object.fromEntries(Object.entries(versions).map(([tag, version]) => [tagWith(tag, suffix), { env: { HTTPD_VERSION: version }, programs: programsOf(version), ...(hasOldPage(version) ? { files: { [INDEX]: oldPage } } : {}) }]))
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
  programs: { ...debianUserLand, ...programsOf(LATEST) }, variants: variants(VERSIONS, ''),
})

export const httpdAlpine = defineImage({
  ...common, tags: Object.keys(ALPINE_VERSIONS).map((tag) => tagWith(tag, '-alpine')), sizeBytes: 20_400_000, base: alpine,
  files: { ...accountFiles('/bin/sh'), ...files }, programs: programsOf(LATEST), variants: variants(ALPINE_VERSIONS, '-alpine'),
})
