import { expect, it } from 'vitest'
import { httpRequest } from '../../../base/http.ts'
import { createPipe } from '../../../base/streams.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import { configReloader } from '../config-reloader/program.ts'
import { pushgateway } from './program.ts'

const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }

function start(argv: readonly string[], on = testMachine({ programs: { '/bin/pushgateway': pushgateway, '/bin/reloader': configReloader }, files: { '/etc/config/a.yml': 'one' } })) {
  let log = ''
  const write = async (data: Uint8Array | string) => { log += String(data) }
  on.machine.start(argv, { env: {}, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: { write, close() {} }, stderr: { write, close() {} } })
  return { ...on, log: () => log }
}

it('what is pushed is there to be scraped: PUT replaces a group, POST metrics of the same names, DELETE takes it away', async () => {
  const { machine, clock, log } = start(['/bin/pushgateway'])
  await clock.until(() => log().includes('Listening'), { withinMs: 10_000 })
  const ask = async (method: string, path: string, body?: string) => { const response = await machine.net.fetch(httpRequest(`http://127.0.0.1:9091${path}`, { method, ...(body === undefined ? {} : { body }) })); return `${response.status} ${await response.text()}` }
  expect(await ask('PUT', '/metrics/job/backup/instance/db', '# TYPE done gauge\ndone{job="other"} 1\nfiles 7\n')).toBe('200 ')
  expect(await ask('POST', '/metrics/job/backup/instance/db', 'files 8\n')).toBe('200 ')
  const text = await ask('GET', '/metrics')
  expect(text).toContain('# TYPE done gauge\ndone{instance="db",job="backup"} 1\n')
  expect(text).toContain('files{instance="db",job="backup"} 8\n')
  expect(await ask('PUT', '/metrics/job/x', 'broken\n')).toMatch(/^400 text format parsing error: /)
  await ask('PUT', '/metrics/job/backup/instance/db', 'files 9\n')
  expect(await ask('GET', '/metrics')).not.toContain('done{')
  expect(await ask('DELETE', '/metrics/job/backup/instance/db')).toBe('202 ')
  expect(await ask('GET', '/metrics')).not.toContain('files{')
})

it('the reloader asks for a reload at its start, after each change, and again where that failed', async () => {
  const on = testMachine({ programs: { '/bin/reloader': configReloader }, files: { '/etc/config/a.yml': 'one' } })
  const { machine, clock } = start(['/bin/reloader', '--watched-dir=/etc/config', '--listen-address=0.0.0.0:8080', '--reload-url=http://127.0.0.1:9090/-/reload'], on)
  await clock.advance(1_000)
  let reloads = 0
  machine.net.listenHttp(9090, () => { reloads++; return new Response('') })
  await clock.advance(6_000)
  expect(reloads).toBe(1)
  machine.fs.writeFile('/etc/config/a.yml', 'two')
  await clock.advance(3_000)
  expect(reloads).toBe(2)
  await clock.advance(400_000)
  expect(reloads).toBe(2)
})
