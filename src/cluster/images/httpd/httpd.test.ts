import { expect, test } from 'vitest'
import { httpRequest } from '../../../base/http.ts'
import { createPipe, readAll } from '../../../base/streams.ts'
import type { InitialFile } from '../../../unix/file-system.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import { httpd } from './httpd.ts'

const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }
const CONFIGURATION = '/usr/local/apache2/conf/httpd.conf'

/** httpd on a machine of its own, with further files; what it says is had once it has ended. */
async function start(files: Record<string, string> = {}) {
  const on = testMachine({ programs: { '/usr/local/apache2/bin/httpd': httpd.programs!['/usr/local/apache2/bin/httpd']! }, files: { ...httpd.files as Record<string, InitialFile>, ...files } })
  const out = createPipe(1 << 20)
  const process = on.machine.start(['/usr/local/apache2/bin/httpd', '-DFOREGROUND'], { env: {}, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: out.writer, stderr: out.writer })
  await on.clock.until(() => process.status !== undefined || on.machine.net.listeners().length > 0, { withinMs: 5_000 })
  return {
    async ask(url: string, method = 'GET') {
      const response = await on.machine.net.fetch(httpRequest(url, { method }))
      return { status: response.status, location: response.headers.get('location'), text: await response.text() }
    },
    async end() {
      process.kill('SIGWINCH')
      const { code } = await process.wait()
      out.writer.close()
      return { code, output: new TextDecoder().decode(await readAll(out.reader)) }
    },
  }
}

test('the page of the official image is served, and requests are logged in the common format', async () => {
  const server = await start()
  const { status, text } = await server.ask('http://127.0.0.1/')
  expect({ status, length: text.length }).toEqual({ status: 200, length: 191 })
  expect(text).toContain('<p>It works!</p>')
  expect(await server.ask('http://127.0.0.1/nope')).toMatchObject({ status: 404, text: expect.stringContaining('<p>The requested URL was not found on this server.</p>') as string })
  expect((await server.ask('http://127.0.0.1/', 'DELETE')).status).toBe(405)
  const { code, output } = await server.end()
  expect(code).toBe(0)
  expect(output).toMatch(/^AH00558: httpd: Could not reliably determine the server's fully qualified domain name/)
  expect(output).toMatch(/\[mpm_event:notice\] \[pid \d+:tid \d+\] AH00489: Apache\/2\.4\.\d+ \(Unix\) configured -- resuming normal operations\n/)
  expect(output).toMatch(/127\.0\.0\.1 - - \[[^\]]+\] "GET \/ HTTP\/1\.1" 200 191\n/)
  expect(output).toMatch(/"GET \/nope HTTP\/1\.1" 404 196\n/)
  expect(output).toMatch(/AH00492: caught SIGWINCH, shutting down gracefully\n$/)
})

test('a configuration of one\'s own decides on port, names, redirects and who may see what', async () => {
  const server = await start({
    [CONFIGURATION]: 'Listen 8080\nServerName example\nDocumentRoot /srv\n<Directory /srv>\n  Require all granted\n  Options +Indexes\n</Directory>\n<Directory /srv/secret>\n  Require all denied\n</Directory>\nRedirect permanent /old /new\nErrorDocument 404 "not here"\n<VirtualHost *:8080>\n  ServerName other\n  DocumentRoot /other\n</VirtualHost>\n<VirtualHost *:8080>\n  ServerName 127.0.0.1\n</VirtualHost>\n',
    '/srv/a.txt': 'a', '/srv/secret/b.txt': 'b', '/other/index.html': 'the other',
  })
  expect(await server.ask('http://127.0.0.1:8080/a.txt')).toMatchObject({ status: 200, text: 'a' })
  expect((await server.ask('http://127.0.0.1:8080/')).text).toContain('<li><a href="secret/"> secret/</a></li>')
  expect((await server.ask('http://127.0.0.1:8080/secret/b.txt')).status).toBe(403)
  expect(await server.ask('http://127.0.0.1:8080/old/x')).toMatchObject({ status: 301, location: 'http://127.0.0.1:8080/new/x' })
  expect(await server.ask('http://127.0.0.1:8080/gone')).toMatchObject({ status: 404, text: 'not here' })
  expect((await server.end()).output).not.toContain('AH00558')
})

test('mistakes in the configuration are told as httpd tells them', async () => {
  const server = await start({ [CONFIGURATION]: 'Listen 80\n\nFoo bar\n' })
  expect(await server.end()).toEqual({ code: 1, output: `AH00526: Syntax error on line 3 of ${CONFIGURATION}:\nInvalid command 'Foo', perhaps misspelled or defined by a module not included in the server configuration\n` })
})
