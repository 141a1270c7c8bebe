import { errorText } from '../../../unix/errno.ts'
import { imageProgram } from '../../../unix/lazy-program.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, Program } from '../../../unix/types.ts'
import { accountFiles } from '../accounts.ts'
import { alpine } from '../alpine.ts'
import { debianDirectories, debianPrograms, debianReleaseFiles } from '../debian.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition, ImageFile } from '../image.ts'
import { LATEST_NGINX, debianOf, nginxVersions, packageEnvironment, unprivilegedVersions } from './nginx-versions.ts'
import type { Versions } from './nginx-versions.ts'

/** /docker-entrypoint.sh: prepares the configuration, then becomes the command. */
const entrypoint: Program = async (proc) => {
  const command = proc.argv.slice(1)
  if (command[0] === 'nginx' || command[0] === 'nginx-debug') {
    const quiet = proc.env.NGINX_ENTRYPOINT_QUIET_LOGS !== undefined && proc.env.NGINX_ENTRYPOINT_QUIET_LOGS !== ''
    const lines: string[] = []
    const scripts = proc.fs.exists('/docker-entrypoint.d') ? proc.fs.readdir('/docker-entrypoint.d') : []
    if (scripts.length > 0) {
      lines.push('/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt to perform configuration', '/docker-entrypoint.sh: Looking for shell scripts in /docker-entrypoint.d/')
      for (const script of scripts) {
        const path = `/docker-entrypoint.d/${script}`
        if (/\.envsh$/.test(script)) lines.push(`/docker-entrypoint.sh: Sourcing ${path}`)
        else if (/\.sh$/.test(script)) {
          lines.push(`/docker-entrypoint.sh: Launching ${path}`)
          if (script === '10-listen-on-ipv6-by-default.sh') lines.push(...listenOnIPv6(proc))
          else if (script === '20-envsubst-on-templates.sh') lines.push(...substituteTemplates(proc))
          else if (script !== '30-tune-worker-processes.sh') {
            if (lines.length > 0 && !quiet) await proc.stdout.write(lines.splice(0).map((line) => `${line}\n`).join(''))
            const status = await proc.spawn([path]).wait()
            if (status.code !== 0) return status.code
          }
        } else lines.push(`/docker-entrypoint.sh: Ignoring ${path}`)
      }
      lines.push('/docker-entrypoint.sh: Configuration complete; ready for start up')
    } else lines.push('/docker-entrypoint.sh: No files found in /docker-entrypoint.d/, skipping configuration')
    if (!quiet) await proc.stdout.write(lines.map((line) => `${line}\n`).join(''))
  }
  try {
    return await proc.exec!(command)
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    await proc.stderr.write(`/docker-entrypoint.sh: 47: exec: ${command[0]}: ${error.code === 'ENOENT' ? 'not found' : errorText(error)}\n`)
    return error.code === 'ENOENT' ? 127 : 126
  }
}

const DEFAULT_CONF = '/etc/nginx/conf.d/default.conf'

function listenOnIPv6(proc: Proc): string[] {
  const me = '10-listen-on-ipv6-by-default.sh: info:'
  if (!proc.fs.exists(DEFAULT_CONF)) return [`${me} ${DEFAULT_CONF} is not a file or does not exist`]
  if (!proc.fs.access?.(DEFAULT_CONF, 2)) return [`${me} can not modify ${DEFAULT_CONF} (read-only file system?)`]
  const text = proc.fs.readText(DEFAULT_CONF)
  if (/listen\s+\[::\]:80;/.test(text)) return [`${me} IPv6 listen already enabled`]
  if (text !== defaultConf) return [`${me} Getting the checksum of ${DEFAULT_CONF}`, `${me} ${DEFAULT_CONF} differs from the packaged version`]
  proc.fs.writeFile(DEFAULT_CONF, defaultConfIPv6)
  return [`${me} Getting the checksum of ${DEFAULT_CONF}`, `${me} Enabled listen on IPv6 in ${DEFAULT_CONF}`]
}

/** /etc/nginx/templates/*.template with environment variables filled in. */
function substituteTemplates(proc: Proc): string[] {
  const directory = '/etc/nginx/templates'
  if (!proc.fs.exists(directory)) return []
  const out: string[] = []
  for (const name of proc.fs.readdir(directory)) {
    if (!name.endsWith('.template')) continue
    const target = `/etc/nginx/conf.d/${name.replace(/\.template$/, '')}`
    out.push(`20-envsubst-on-templates.sh: Running envsubst on ${directory}/${name} to ${target}`)
    proc.fs.writeFile(target, proc.fs.readText(`${directory}/${name}`).replace(/\$\{(\w+)\}|\$(\w+)/g, (match, a?: string, b?: string) => proc.env[(a ?? b)!] ?? match))
  }
  return out
}

const defaultConf = `server {
    listen       80;
    server_name  localhost;

    #access_log  /var/log/nginx/host.access.log  main;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }

    #error_page  404              /404.html;

    # redirect server error pages to the static page /50x.html
    #
    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}

`
const defaultConfIPv6 = new TextEncoder().encode(defaultConf.replace('listen       80;\n', 'listen       80;\n    listen  [::]:80;\n'))

const mainConf = `
user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;


events {
    worker_connections  1024;
}


http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;

    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for"';

    access_log  /var/log/nginx/access.log  main;

    sendfile        on;
    #tcp_nopush     on;

    keepalive_timeout  65;

    #gzip  on;

    include /etc/nginx/conf.d/*.conf;
}
`

const mimeTypes = `
types {
    text/html                                        html htm shtml;
    text/css                                         css;
    text/xml                                         xml;
    image/gif                                        gif;
    image/jpeg                                       jpeg jpg;
    application/javascript                           js;
    text/plain                                       txt;
    image/png                                        png;
    image/svg+xml                                    svg svgz;
    image/x-icon                                     ico;
    image/webp                                       webp;
    image/avif                                       avif;
    font/woff                                        woff;
    font/woff2                                       woff2;
    application/atom+xml                             atom;
    application/rss+xml                              rss;
    application/xhtml+xml                            xhtml;
    audio/mpeg                                       mp3;
    audio/ogg                                        ogg;
    video/mp4                                        mp4;
    video/webm                                       webm;
    application/json                                 json;
    application/pdf                                  pdf;
    application/wasm                                 wasm;
    application/zip                                  zip;
}
`

const welcomePage = `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
<style>
html { color-scheme: light dark; }
body { width: 35em; margin: 0 auto;
font-family: Tahoma, Verdana, Arial, sans-serif; }
</style>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the nginx web server is successfully installed and
working. Further configuration is required.</p>

<p>For online documentation and support please refer to
<a href="http://nginx.org/">nginx.org</a>.<br/>
Commercial support is available at
<a href="http://nginx.com/">nginx.com</a>.</p>

<p><em>Thank you for using nginx.</em></p>
</body>
</html>
`

const errorPage = `<!DOCTYPE html>
<html>
<head>
<title>Error</title>
</head>
<body>
<h1>An error occurred.</h1>
<p>Sorry, the page you are looking for is currently unavailable.<br/>
Please try again later.</p>
<p><em>Faithfully yours, nginx.</em></p>
</body>
</html>
`

const script = (text: string): ImageFile => ({ content: `#!/bin/sh\n${text}\n`, mode: 0o755 })
const nginxFiles: Record<string, ImageFile> = {
  '/etc/nginx/nginx.conf': mainConf, '/etc/nginx/mime.types': mimeTypes, '/etc/nginx/conf.d/default.conf': defaultConf,
  '/usr/share/nginx/html/index.html': welcomePage, '/usr/share/nginx/html/50x.html': errorPage,
  '/var/log/nginx/access.log': { link: '/dev/stdout' }, '/var/log/nginx/error.log': { link: '/dev/stderr' },
  '/var/cache/nginx': { directory: true }, '/run': { directory: true }, '/var/run': { link: '/run' },
  '/docker-entrypoint.d/10-listen-on-ipv6-by-default.sh': script('# listens on IPv6 too, unless the configuration was changed'),
  '/docker-entrypoint.d/15-local-resolvers.envsh': script('# names of resolvers for templates'),
  '/docker-entrypoint.d/20-envsubst-on-templates.sh': script('# fills environment variables into templates'),
  '/docker-entrypoint.d/30-tune-worker-processes.sh': script('# number of workers'),
}

const alpineCompiler = 'gcc 15.2.0 (Alpine 15.2.0)'

/** Programs of one version; one object for all tags of it. */
const byVersion = new Map<string, Record<string, Program>>()
function programsOf(version: string, compiler: string): Record<string, Program> {
  const key = `${version} ${compiler}`
  let programs = byVersion.get(key)
  if (!programs) byVersion.set(key, programs = { '/usr/sbin/nginx': imageProgram(async () => (await import('./nginx-program.ts')).nginxProgram(version, compiler)) })
  return programs
}

/** The images of Debian, by tag: each version runs on the Debian of its time. */
function debianVariants(versions: Versions, suffix: string): NonNullable<ImageDefinition['variants']> {
  return Object.fromEntries(Object.entries(versions).map(([tag, version]) => {
    const { codename, compiler } = debianOf(version)
    return [tagWith(tag, suffix), { env: packageEnvironment(version), files: debianReleaseFiles(codename), programs: programsOf(version, compiler) }]
  }))
}

function alpineVariants(versions: Versions, suffix: string): NonNullable<ImageDefinition['variants']> {
  return Object.fromEntries(Object.entries(versions).map(([tag, version]) => [tagWith(tag, suffix), { env: { NGINX_VERSION: version }, programs: programsOf(version, alpineCompiler) }]))
}

function tagWith(tag: string, suffix: string): string {
  return suffix === '' ? tag : tag === 'latest' ? suffix.slice(1) : tag + suffix
}

const common = {
  repository: 'docker.io/library/nginx', sizeBytes: 62_900_000, entrypoint: ['/docker-entrypoint.sh'], cmd: ['nginx', '-g', 'daemon off;'], exposedPorts: [80], stopSignal: 'SIGQUIT' as const,
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', NGINX_VERSION: LATEST_NGINX },
}

const nginxAccount = { passwd: 'nginx:x:101:101:nginx user:/nonexistent:/bin/false\n', group: 'nginx:x:101:\n' }
const latestDebian = debianOf(LATEST_NGINX)
const debianTags = { ...debianVariants(nginxVersions[''], ''), ...debianVariants(nginxVersions['-bookworm'], '-bookworm'), ...debianVariants(nginxVersions['-trixie'], '-trixie') }
const alpineTags = { ...alpineVariants(nginxVersions['-alpine'], '-alpine'), ...alpineVariants(nginxVersions['-alpine-slim'], '-alpine-slim') }

export const nginx = defineImage({
  ...common, tags: Object.keys(debianTags),
  files: { ...debianDirectories, ...accountFiles('/bin/bash', nginxAccount), ...debianReleaseFiles(latestDebian.codename), ...nginxFiles },
  programs: { ...debianPrograms, '/docker-entrypoint.sh': entrypoint, ...programsOf(LATEST_NGINX, latestDebian.compiler) },
  variants: debianTags,
})

// @k8s part: nginx images: of Alpine's images all versions are built on today's Alpine and name its compiler; modules (njs, perl, otel) aren't there
export const nginxAlpine = defineImage({
  ...common, tags: Object.keys(alpineTags), sizeBytes: 21_000_000, base: alpine,
  files: { ...accountFiles('/bin/sh', nginxAccount), ...nginxFiles },
  programs: { '/docker-entrypoint.sh': entrypoint, ...programsOf(LATEST_NGINX, alpineCompiler) },
  variants: alpineTags,
})

/** nginx for those who may not be root: on port 8080, with everything that it writes in /tmp. */
const unprivilegedFiles: Record<string, ImageFile> = {
  '/etc/nginx/nginx.conf': mainConf.replace('user  nginx;\n', '').replace('/run/nginx.pid', '/tmp/nginx.pid').replace('http {\n', 'http {\n    proxy_temp_path /tmp/proxy_temp;\n    client_body_temp_path /tmp/client_temp;\n    fastcgi_temp_path /tmp/fastcgi_temp;\n    uwsgi_temp_path /tmp/uwsgi_temp;\n    scgi_temp_path /tmp/scgi_temp;\n'),
  '/etc/nginx/conf.d': { directory: true, uid: 101 }, '/etc/nginx/conf.d/default.conf': { content: defaultConf.replace('listen       80;', 'listen       8080;'), uid: 101 },
}
const unprivileged = { repository: 'docker.io/nginxinc/nginx-unprivileged', user: '101', exposedPorts: [8080] }
const unprivilegedTags = debianVariants(unprivilegedVersions, '')
const unprivilegedAlpineTags = alpineVariants(unprivilegedVersions, '-alpine')
const unprivilegedImages = [
  defineImage({ ...common, ...unprivileged, base: nginx, tags: Object.keys(unprivilegedTags), files: unprivilegedFiles, programs: {}, variants: unprivilegedTags }),
  defineImage({ ...common, ...unprivileged, base: nginxAlpine, tags: Object.keys(unprivilegedAlpineTags), sizeBytes: 21_000_000, files: unprivilegedFiles, programs: {}, variants: unprivilegedAlpineTags }),
]

/** Who answers, as plain text or as a small page. */
const helloConf = (type: string, text: string) => `server {\n    listen 80;\n    listen [::]:80;\n\n    location / {\n        default_type ${type};\n        expires -1;\n        return 200 '${text}';\n    }\n}\n`
const helloText = helloConf('text/plain', 'Server address: $server_addr:$server_port\\nServer name: $hostname\\nDate: $time_local\\nURI: $request_uri\\nRequest ID: $request_id\\n')
const helloPage = helloConf('text/html', `<!DOCTYPE html>\n<html>\n<head>\n<title>Hello World</title>\n<style>body { font: 20px Arial, sans-serif; color: #0f1419 } .info { display: table; background: #e8eaec; padding: 20px; border: 1px dashed black; border-radius: 10px; margin: 36px auto } .info p { display: table-row } .info span { display: table-cell; padding: 10px }</style>\n</head>\n<body>\n<div class="info">\n${[['Server&nbsp;name', '$hostname'], ['Server&nbsp;address', '$server_addr:$server_port'], ['URI', '$request_uri'], ['Date', '$time_local'], ['Client&nbsp;IP', '$remote_addr:$remote_port']].map(([name, value]) => `<p><span>${name}:</span> <span>${value}</span></p>\n`).join('')}</div>\n<div align="center">Request ID: $request_id</div>\n</body>\n</html>\n`)
const helloImage = defineImage({
  ...common, repository: 'docker.io/nginxdemos/hello', tags: ['latest', '0.2', '0.3', '0.4', 'plain-text', '0.2-plain-text', '0.3-plain-text', '0.4-plain-text'], sizeBytes: 17_000_000, base: nginxAlpine, programs: {},
  files: { '/etc/nginx/conf.d/default.conf': helloPage }, variants: Object.fromEntries(['plain-text', '0.2-plain-text', '0.3-plain-text', '0.4-plain-text'].map((tag) => [tag, { files: { '/etc/nginx/conf.d/default.conf': helloText } }])),
})
export const nginxDerivatives: readonly ImageDefinition[] = [...unprivilegedImages, helloImage]

/** The copies that the conformance suite uses. */
export const e2eNginx = defineImage({ ...common, repository: 'registry.k8s.io/e2e-test-images/nginx', tags: ['1.14-2', '1.14-4', '1.15-2', '1.15-4', '1.27-0'], base: nginx, variants: { '1.27-0': { programs: programsOf('1.27.5', debianOf('1.27.5').compiler) }, '1.14-4': { programs: programsOf('1.14.2', debianOf('1.14.2').compiler) }, '1.15-4': { programs: programsOf('1.15.12', debianOf('1.15.12').compiler) } } })

const slimVersions: Readonly<Record<string, string>> = { '0.7': '1.9.14', '0.8': '1.11.1', '0.21': '1.21.6', '0.24': '1.23.4', '0.25': '1.25.5', '0.26': '1.26.3', '0.27': '1.27.5' }
/** The small nginx of the documentation's StatefulSets. */
export const nginxSlim = defineImage({
  ...common, repository: 'registry.k8s.io/nginx-slim', tags: Object.keys(slimVersions), sizeBytes: 43_000_000, entrypoint: ['nginx', '-g', 'daemon off;'], cmd: [], base: nginx,
  variants: Object.fromEntries(Object.entries(slimVersions).map(([tag, version]) => [tag, { env: { NGINX_VERSION: version }, programs: programsOf(version, debianOf(version).compiler) }])),
})

/** nginx that starts again with its new files when its configuration changes, as "Connecting Applications with Services" uses it. */
export const nginxHttps = defineImage({ ...common, repository: 'docker.io/bprashanth/nginxhttps', tags: ['1.0'], sizeBytes: 51_000_000, entrypoint: ['nginx', '-g', 'daemon off;'], cmd: [], base: nginx, exposedPorts: [80, 443], programs: programsOf('1.9.15', debianOf('1.9.15').compiler) })
