import { expect, test } from 'vitest'
import { allHeaderLines, appendHeaderLine, httpRequest, httpResponse, versionOf } from '../../../base/http.ts'
import { createSelfSignedServer } from '../../../base/certificates.ts'
import { createPipe } from '../../../base/streams.ts'
import { grpcServer, unary } from '../../../unix/net/http2/grpc-server.ts'
import { framed, outcomeOf } from '../../../unix/net/http2/grpc-wire.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import type { TestMachine } from '../../../unix/test-machine.ts'
import type { Process } from '../../../unix/types.ts'
import { utilityPrograms } from '../../../unix/utilities/list.ts'
import { nginxProgram } from './nginx-program.ts'

const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }

interface Answer {
  status: number
  text: string
  headers: Headers
}

function run(on: TestMachine, ...args: string[]) {
  let log = ''
  const writer = { write: async (data: Uint8Array | string) => { log += typeof data === 'string' ? data : new TextDecoder().decode(data) }, close() {} }
  const process = on.machine.start(['/usr/sbin/nginx', ...args], { env: {}, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: writer, stderr: writer })
  return { process, log: () => log }
}

function machine(http: string, files: Record<string, string> = {}): TestMachine {
  return testMachine({
    programs: { ...utilityPrograms('gnu', { names: ['cat'] }), '/usr/sbin/nginx': nginxProgram('1.29.4', 'gcc 14.2.0 (Debian 14.2.0-19)') },
    files: { '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nnginx:x:101:101::/nonexistent:/bin/false\n', '/etc/group': 'root:x:0:\nnginx:x:101:\n', '/var/cache/nginx/.keep': '', '/var/log/nginx/error.log': '', '/run/.keep': '', '/etc/nginx/nginx.conf': `events {}\nhttp {\n${http}\n}\n`, ...files },
  })
}

/** nginx with a configuration of http, and how one asks it. */
async function serving(http: string, files: Record<string, string> = {}): Promise<{ on: TestMachine; process: Process; ask: (path: string, init?: { method?: string; headers?: Record<string, string>; body?: string }) => Promise<Answer> }> {
  const on = machine(http, files)
  const { process, log } = run(on, '-g', 'daemon off;')
  await on.clock.until(() => on.machine.net.listeners().some((listener) => listener.port === 80) || log().includes('[emerg]'), { withinMs: 10_000 })
  return { on, process, ask: async (path, init = {}) => { const response = await on.machine.net.fetch(httpRequest(`http://127.0.0.1${path}`, init)); return { status: response.status, text: await response.text(), headers: response.headers } } }
}

test('auth_basic lets in whom the file of passwords knows, by each way of keeping them', async () => {
  const { on, ask } = await serving('server { listen 80; root /site; auth_basic "Staff only"; auth_basic_user_file .htpasswd; location /open { auth_basic off; return 200 open; } location /lost { auth_basic_user_file absent; } }', {
    '/site/index.html': 'secret', '/etc/nginx/.htpasswd': '# staff\nann:$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/\nbob:{PLAIN}word:comment\n',
  })
  const as = (user: string, password: string, path = '/') => ask(path, { headers: { authorization: `Basic ${btoa(`${user}:${password}`)}` } })
  const refused = await ask('/')
  expect([refused.status, refused.headers.get('www-authenticate'), refused.text]).toEqual([401, 'Basic realm="Staff only"', expect.stringContaining('401 Authorization Required')])
  expect([(await as('ann', 'myPassword')).text, (await as('bob', 'word')).text, (await ask('/open')).text]).toEqual(['secret', 'secret', 'open'])
  expect([(await as('ann', 'wrong')).status, (await as('eve', 'x')).status, (await as('ann', 'myPassword', '/lost')).status]).toEqual([401, 401, 403])
  expect((await on.run(['cat', '/var/log/nginx/error.log'])).stdout).toMatch(/\*\d+ user "ann": password mismatch, client: 127[\s\S]*user "eve" was not found in "\/etc\/nginx\/\.htpasswd"[\s\S]*open\(\) "\/etc\/nginx\/absent" failed \(2: No such file or directory\)/)
})

test('map, if and set choose by what the request says', async () => {
  const { ask } = await serving(`map $http_user_agent $kind { default other; ~*bot robot; "exact" same; "~^v(?<major>\\d+)" major-$major; }
server { listen 80; if ($request_method = POST) { return 405; } if ($arg_go) { return 302 /at/$arg_go; }
  location / { set $who nobody; if ($http_cookie ~* "user=([^;]+)") { set $who $1; } return 200 "$kind $who"; } }`)
  const by = async (agent: string, cookie?: string) => (await ask('/', { headers: { 'user-agent': agent, ...(cookie ? { cookie } : {}) } })).text
  expect([await by('GoogleBot'), await by('EXACT'), await by('v12'), await by('curl', 'a=b; User=zoe; c=d')]).toEqual(['robot nobody', 'same nobody', 'major-12 nobody', 'other zoe'])
  expect((await ask('/', { method: 'POST', body: 'x' })).status).toBe(405)
  expect((await ask('/?go=there')).headers.get('location')).toBe('http://127.0.0.1/at/there')
})

test('allow, deny, internal, limit_except and satisfy say who may', async () => {
  const { ask } = await serving(`server { listen 80; root /site;
  location /in { allow 127.0.0.0/8; deny all; return 200 never; try_files /index.html =404; } location /near { allow 127.0.0.0/8; deny all; try_files /index.html =404; } location /far { allow 10.1.0.0/16; allow 127.0.0.2; deny all; }
  location /hidden { internal; try_files /index.html =404; } location /way { rewrite ^ /hidden last; } location /read { limit_except GET { deny all; } try_files /index.html =404; } error_page 403 = @denied; location @denied { return 403 "not you"; } }`, { '/site/index.html': 'in' })
  const statuses = await Promise.all(['/near', '/far', '/hidden', '/way', '/read'].map(async (path) => (await ask(path)).status))
  expect(statuses).toEqual([200, 403, 404, 200, 200])
  expect([(await ask('/far')).text, (await ask('/in')).text, (await ask('/read', { method: 'PUT', body: 'x' })).status]).toEqual(['not you', 'never', 403])
})

test('rewrites change what an upstream is asked, and headers are those of the innermost level', async () => {
  const { ask } = await serving(`upstream app { server 127.0.0.1:8081; server 127.0.0.1:9 down; }
server { listen 80; add_header X-Outer 1; client_max_body_size 4; location /api/ { rewrite ^/api/(.*)$ /$1?via=front break; proxy_pass http://app; proxy_hide_header X-Inner; sub_filter name "<b>$host</b>"; expires 1h; add_header X-Own 2; } }
server { listen 8081; location / { default_type text/html; add_header X-Inner 1; return 200 "$request_uri name name"; } }`)
  const { text, headers } = await ask('/api/users?id=3')
  expect(text).toBe('/users?via=front&id=3 <b>127.0.0.1</b> name')
  expect(['x-own', 'x-outer', 'x-inner', 'cache-control', 'content-length'].map((name) => headers.get(name))).toEqual(['2', null, null, 'max-age=3600', String(text.length)])
  expect([(await ask('/api/', { method: 'POST', body: '12345' })).status, (await ask('/api/', { method: 'POST', body: '1234' })).status]).toEqual([413, 200])
})

test('what cannot be served is refused when nginx starts or tests its configuration, and -T shows the files', async () => {
  const test = async (http: string, flag = '-t', files: Record<string, string> = {}) => {
    const on = machine(http, files)
    const { process, log } = run(on, flag)
    await on.clock.until(() => process.status !== undefined, { withinMs: 10_000 })
    return { code: process.status?.code, log: log() }
  }
  expect(await test('server { location ~ "(" { } }')).toEqual({ code: 1, log: 'nginx: [emerg] pcre2_compile() failed in "(" in /etc/nginx/nginx.conf:3\nnginx: configuration file /etc/nginx/nginx.conf test failed\n' })
  expect((await test('', '-t', { '/etc/nginx/nginx.conf': 'load_module modules/x.so;\nevents {}\n' })).log).toContain('dlopen() "/etc/nginx/modules/x.so" failed')
  expect((await test('', '-t', { '/etc/nginx/nginx.conf': 'events {}\nstream {}\n' })).log).toContain('the "stream" module is not supported here in /etc/nginx/nginx.conf:2')
  expect((await test('', '-x')).log).toBe('nginx: invalid option: "x"\n')
  expect((await test('include part;', '-T', { '/etc/nginx/part': 'server { }\n' })).log).toBe('nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\nnginx: configuration file /etc/nginx/nginx.conf test is successful\n# configuration file /etc/nginx/nginx.conf:\nevents {}\nhttp {\ninclude part;\n}\n\n# configuration file /etc/nginx/part:\nserver { }\n\n')
})

test('lines of one header go through a proxy as lines', async () => {
  const { on } = await serving('server { listen 80; location / { proxy_pass http://127.0.0.1:8080; } }')
  const more = (headers: Headers) => allHeaderLines(headers).filter(([name]) => name === 'x-more').map(([, value]) => value)
  on.machine.net.listenHttp(8080, ({ headers }) => {
    const answer = new Headers()
    for (const value of more(headers)) appendHeaderLine(answer, 'x-more', `${value}!`)
    return httpResponse('ok', { headers: answer })
  })
  const headers = new Headers()
  for (const value of ['a', 'b']) appendHeaderLine(headers, 'x-more', value)
  expect(more((await on.machine.net.fetch(httpRequest('http://127.0.0.1/', { headers }))).headers)).toEqual(['a!', 'b!'])
})

test('a port speaks HTTP/2 where one of its servers says so, and HTTP/1.1 beside it', async () => {
  const { on } = await serving(`server { listen 80; return 200 "$server_protocol"; }
server { listen 81; http2 on; return 200 "$server_protocol"; } server { listen 82 http2; return 200 "$server_protocol $http2"; }`)
  const ask = async (port: number, ...versions: ('h2' | 'http/1.1')[]) => {
    const response = await on.machine.net.fetch(httpRequest(`http://127.0.0.1:${port}/`), { versions })
    return `${versionOf(response)} ${await response.text()}`
  }
  expect([await ask(80, 'h2', 'http/1.1'), await ask(81, 'h2'), await ask(81, 'http/1.1'), await ask(82, 'h2')]).toEqual(['http/1.1 HTTP/1.1', 'h2 HTTP/2.0', 'http/1.1 HTTP/1.1', 'h2 HTTP/2.0 h2c'])
  await expect(ask(80, 'h2')).rejects.toThrow('HTTP2 framing layer')
})

test('grpc_pass asks over HTTP/2, and what follows the answer comes through', async () => {
  const { on } = await serving(`upstream calls { server 127.0.0.1:50051; }
server { listen 80; http2 on; location /a.A/ { grpc_set_header x-from nginx; grpc_pass grpc://calls; } location /a.B/ { grpc_pass 127.0.0.1:50052; } }`)
  on.machine.net.listenHttp(50051, grpcServer({ 'a.A/Say': unary((message, { request }) => new TextEncoder().encode(`${request.headers.get('x-from')} ${message.length}`)) }), { versions: ['h2'] })
  on.machine.net.listenHttp(50052, () => new Response('plain'))
  const call = async (path: string) => {
    const response = await on.machine.net.fetch(httpRequest(`http://127.0.0.1${path}`, { method: 'POST', body: framed(Uint8Array.of(1, 2)), headers: { 'content-type': 'application/grpc' } }), { versions: ['h2'] })
    return [response.status, await response.text(), (await outcomeOf(response)).code]
  }
  expect(await call('/a.A/Say')).toEqual([200, '\0\0\0\0\u0007nginx 2', 0])
  expect(await call('/a.A/Other')).toEqual([200, '', 12])
  expect((await call('/a.B/Say'))[0]).toBe(502)
  expect((await on.run(['cat', '/var/log/nginx/error.log'])).stdout).toContain('upstream sent too large http2 frame: 4740180 while reading response header from upstream, client: 127.0.0.1, server: , request: "POST /a.B/Say HTTP/2.0", upstream: "grpc://127.0.0.1:50052/a.B/Say"')
})

test('a reload takes up a certificate that was renewed, and what a port speaks', async () => {
  const configuration = (more: string) => `listen 80; listen 443 ssl; ${more} ssl_certificate /tls/crt; ssl_certificate_key /tls/key; return 200 "$server_protocol";`
  const [old, renewed] = await Promise.all([0, 1].map((each) => createSelfSignedServer('web', Date.UTC(2023, 10, 14) + each)))
  const { on, process } = await serving(`server { ${configuration('')} }`, { '/tls/crt': old!.certificatePem, '/tls/key': old!.keyPem })
  const ask = async ({ certificatePem }: { certificatePem: string }) => (await on.machine.net.fetch(httpRequest('https://127.0.0.1/'), { caPem: certificatePem, serverName: 'web', versions: ['h2', 'http/1.1'] })).text()
  expect(await ask(old!)).toBe('HTTP/1.1')
  on.machine.fs.writeFile('/tls/crt', renewed!.certificatePem)
  on.machine.fs.writeFile('/tls/key', renewed!.keyPem)
  on.machine.fs.writeFile('/etc/nginx/nginx.conf', `events {}\nhttp { server { ${configuration('http2 on;')} } }`)
  await expect(ask(renewed!)).rejects.toThrow()
  process.kill('SIGHUP')
  await on.clock.advance(1000)
  expect(await ask(renewed!)).toBe('HTTP/2.0')
  await expect(ask(old!)).rejects.toThrow()
})
