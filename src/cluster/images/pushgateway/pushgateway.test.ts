import { expect, it } from 'vitest'
import { httpRequest } from '../../../base/http.ts'
import { createPipe } from '../../../base/streams.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import { pushgateway } from './program.ts'

const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }

function start() {
  const on = testMachine({ programs: { '/bin/pushgateway': pushgateway } })
  let log = ''
  const write = async (data: Uint8Array | string) => { log += String(data) }
  on.machine.start(['/bin/pushgateway'], { env: {}, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: { write, close() {} }, stderr: { write, close() {} } })
  return { ...on, log: () => log }
}

it('what is pushed is there to be scraped: PUT replaces a group, POST metrics of the same names, DELETE takes it away', async () => {
  const { machine, clock, log } = start()
  await clock.until(() => log().includes('Listening'), { withinMs: 10_000 })
  const ask = async (method: string, path: string, body?: string) => { const response = await machine.net.fetch(httpRequest(`http://127.0.0.1:9091${path}`, { method, ...(body === undefined ? {} : { body }) })); return `${response.status} ${await response.text()}` }
  expect(await ask('PUT', '/metrics/job/backup/instance/db', '# TYPE done gauge\ndone{job="other"} 1\nfiles 7\n')).toBe('200 ')
  expect(await ask('POST', '/metrics/job/backup/instance/db', 'files 8\n')).toBe('200 ')
  const text = await ask('GET', '/metrics')
  expect(text).toContain('# TYPE done gauge\ndone{instance="db",job="backup"} 1\n')
  expect(text).toContain('files{instance="db",job="backup"} 8\n')
  expect(await ask('PUT', '/metrics/job/paths/dir@base64/L3Zhci_DpA', 'files 1\n')).toBe('200 ')
  expect(await ask('GET', '/metrics')).toContain('files{dir="/var/ä",instance="",job="paths"} 1\n')
  expect(await ask('DELETE', '/metrics/job/paths/dir@base64/L3Zhci_DpA=')).toBe('202 ')
  expect(await ask('PUT', '/metrics/job/x', 'broken\n')).toMatch(/^400 text format parsing error: /)
  await ask('PUT', '/metrics/job/backup/instance/db', 'files 9\n')
  expect(await ask('GET', '/metrics')).not.toContain('done{')
  expect(await ask('DELETE', '/metrics/job/backup/instance/db')).toBe('202 ')
  expect(await ask('GET', '/metrics')).not.toContain('files{')
})
