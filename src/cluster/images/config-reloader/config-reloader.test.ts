import { expect, it } from 'vitest'
import { createPipe } from '../../../base/streams.ts'
import { testMachine } from '../../../unix/test-machine.ts'
import { configReloader } from './program.ts'

const ROOT = { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }
const SILENT = { async write() {}, close() {} }

function start() {
  const on = testMachine({ programs: { '/bin/reloader': configReloader }, files: { '/etc/rules/a.yml': 'a: 1\n' } })
  const process = on.machine.start(['/bin/reloader', '--watched-dir=/etc/rules', '--listen-address=0.0.0.0:8080', '--reload-url=http://127.0.0.1:9090/-/reload'], { env: {}, cwd: '/', user: ROOT, stdin: createPipe().reader, stdout: SILENT, stderr: SILENT })
  return { ...on, process }
}

it('asks for a reload at its start, after each change, and again where that failed', async () => {
  const { machine, clock } = start()
  await clock.advance(1_000)
  let reloads = 0
  machine.net.listenHttp(9090, () => { reloads++; return new Response('') })
  await clock.advance(6_000)
  expect(reloads).toBe(1)
  machine.fs.writeFile('/etc/rules/a.yml', 'a: 2\n')
  await clock.advance(3_000)
  expect(reloads).toBe(2)
  await clock.advance(400_000)
  expect(reloads).toBe(2)
})

it('asks again for what changes while it asks', async () => {
  const { machine, clock, process } = start()
  let asked = 0
  machine.net.listenHttp(9090, ({ method }) => {
    expect(method).toBe('POST')
    // While the second answer is made.
    if (++asked === 2) machine.fs.writeFile('/etc/rules/a.yml', 'a: 3\n')
    return new Response('')
  })
  await clock.advance(10_000)
  expect(asked).toBe(1)
  machine.fs.writeFile('/etc/rules/a.yml', 'a: 2\n')
  await clock.advance(10_000)
  expect(asked).toBe(3)
  process.kill('SIGTERM')
  await clock.advance(1_000)
  expect(process.status?.code).toBe(0)
})
