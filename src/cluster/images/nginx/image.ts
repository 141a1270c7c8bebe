import type { Proc, Program } from '../../../unix/types.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'
import { nginx } from './nginx.ts'

const VERSIONS: Record<string, string> = { '1.24': '1.24.0', '1.25': '1.25.5', '1.26': '1.26.3', '1.27': '1.27.5', '1.28': '1.28.0', '1.29': '1.29.3' }
const LATEST = '1.29'

const WELCOME = `<!DOCTYPE html>
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

const MAIN_CONF = `
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

const DEFAULT_CONF = `server {
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

const ERROR_PAGE = '<!DOCTYPE html>\n<html>\n<head>\n<title>Error</title>\n</head>\n<body>\n<h1>An error occurred.</h1>\n<p>Sorry, the page you are looking for is currently unavailable.<br/>\nPlease try again later.</p>\n</body>\n</html>\n'

/** The official image's entrypoint script: says what it prepares, then becomes the command. */
function entrypoint(server: (proc: Proc, args?: readonly string[]) => Promise<number>): Program {
  return async (proc) => {
    const [, command = '', ...args] = proc.argv
    const isServer = command === 'nginx' || command === 'nginx-debug'
    if (isServer) {
      const say = (text: string) => proc.stdout.write(`${text}\n`)
      await say('/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt to perform configuration')
      await say('/docker-entrypoint.sh: Looking for shell scripts in /docker-entrypoint.d/')
      await say('/docker-entrypoint.sh: Launching /docker-entrypoint.d/10-listen-on-ipv6-by-default.sh')
      await say(canWrite(proc) ? '10-listen-on-ipv6-by-default.sh: info: Getting the checksum of /etc/nginx/conf.d/default.conf\n10-listen-on-ipv6-by-default.sh: info: Enabled listen on IPv6 in /etc/nginx/conf.d/default.conf' : '10-listen-on-ipv6-by-default.sh: info: can not modify /etc/nginx/conf.d/default.conf (read-only file system?)')
      await say('/docker-entrypoint.sh: Sourcing /docker-entrypoint.d/15-local-resolvers.envsh')
      await say('/docker-entrypoint.sh: Launching /docker-entrypoint.d/20-envsubst-on-templates.sh')
      substituteTemplates(proc)
      await say('/docker-entrypoint.sh: Launching /docker-entrypoint.d/30-tune-worker-processes.sh')
      await say('/docker-entrypoint.sh: Configuration complete; ready for start up')
      return server(proc, args)
    }
    const child = proc.spawn([command, ...args], { stdin: proc.stdin, stdout: proc.stdout, stderr: proc.stderr, ...(proc.tty ? { tty: proc.tty } : {}) })
    for (const signal of ['SIGTERM', 'SIGQUIT', 'SIGINT'] as const) proc.onSignal(signal, () => child.kill(signal))
    return (await child.wait()).code
  }
}

function canWrite(proc: Proc): boolean {
  const file = '/etc/nginx/conf.d/default.conf'
  try {
    if (!proc.fs.exists(file)) return false
    proc.fs.writeFile(file, proc.fs.readText(file).replace(/listen {7}80;(?!\n {4}listen  \[)/, 'listen       80;\n    listen  [::]:80;'))
    return true
  } catch {
    return false
  }
}

/** envsubst on /etc/nginx/templates/*.template, as the official image does. */
function substituteTemplates(proc: Proc): void {
  const folder = '/etc/nginx/templates'
  if (!proc.fs.exists(folder)) return
  for (const name of proc.fs.readdir(folder)) {
    if (!name.endsWith('.template')) continue
    const text = proc.fs.readText(`${folder}/${name}`).replace(/\$\{(\w+)\}|\$(\w+)/g, (whole, braced?: string, bare?: string) => proc.env[braced ?? bare!] ?? whole)
    proc.fs.writeFile(`/etc/nginx/conf.d/${name.slice(0, -'.template'.length)}`, text)
  }
}

/** nginx with a base of utilities under it. */
export function nginxImage(base: ImageDefinition): ImageDefinition {
  const programs = (version: string): Record<string, Program> => {
    const server = nginx(version)
    return { '/usr/sbin/nginx': (proc) => server(proc), '/docker-entrypoint.sh': entrypoint(server) }
  }
  const variants = Object.fromEntries(Object.entries(VERSIONS).flatMap(([tag, version]) =>
    [tag, version, `${tag}-alpine`, `${version}-alpine`].map((name) => [name, { programs: programs(version), env: { NGINX_VERSION: version, NJS_VERSION: '0.9.0', PKG_RELEASE: '1~bookworm' } }])))
  const latest = VERSIONS[LATEST]!
  return defineImage({
    repository: 'docker.io/library/nginx',
    tags: ['latest', 'alpine', 'stable', 'stable-alpine', 'mainline', '1', '1-alpine', ...Object.keys(variants)],
    sizeBytes: 72_000_000,
    base,
    entrypoint: ['/docker-entrypoint.sh'],
    cmd: ['nginx', '-g', 'daemon off;'],
    env: { NGINX_VERSION: latest, NJS_VERSION: '0.9.0', PKG_RELEASE: '1~bookworm' },
    exposedPorts: [80],
    stopSignal: 'SIGQUIT',
    programs: programs(latest),
    files: {
      '/etc/nginx/nginx.conf': MAIN_CONF,
      '/etc/nginx/mime.types': 'types {\n    text/html  html htm shtml;\n    text/css  css;\n}\n',
      '/etc/nginx/conf.d/default.conf': DEFAULT_CONF,
      '/usr/share/nginx/html/index.html': WELCOME,
      '/usr/share/nginx/html/50x.html': ERROR_PAGE,
      '/var/log/nginx/access.log': { link: '/dev/stdout' },
      '/var/log/nginx/error.log': { link: '/dev/stderr' },
      '/docker-entrypoint.d/30-tune-worker-processes.sh': { content: '#!/bin/sh\nexit 0\n', mode: 0o755 },
      '/var/cache/nginx': { directory: true },
      '/run': { directory: true },
    },
    variants,
  })
}
