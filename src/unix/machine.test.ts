import { expect, test } from 'vitest'
import { createPipe } from '../base/streams.ts'
import { testMachine } from './test-machine.ts'
import { sendSignal } from './machine.ts'
import { ProcessKilled } from './types.ts'
import type { Program, User } from './types.ts'

const root: User = { uid: 0, gid: 0, groups: [], name: 'root', home: '/' }
const nowhere = { write: async () => {}, close() {} }
const start = { env: { PATH: '/bin' }, cwd: '/', user: root, stdout: nowhere, stderr: nowhere }
const forever: Program = () => new Promise(() => {})

test('a killed process ends at once, even if its program ignores it', async () => {
  let seen: unknown
  const stubborn: Program = async (proc) => { for (;;) await proc.sleep(1000).catch((error: unknown) => { seen = error; return new Promise(() => {}) }) }
  const { machine, clock } = testMachine({ programs: { '/bin/x': stubborn } })
  const process = machine.start(['x'], start)
  await clock.settle()
  process.kill('SIGTERM')
  expect(process.status).toEqual({ code: 143, signal: 'SIGTERM' })
  await clock.settle()
  expect(seen).toBeInstanceOf(ProcessKilled)
})

test('pid 1 of a container has no default actions, and takes the rest with it', async () => {
  const parent: Program = async (proc) => { proc.spawn(['child']); await proc.signal('SIGUSR1'); return 0 }
  const { machine, clock } = testMachine({ programs: { '/bin/x': parent, '/bin/child': forever }, ownInit: false })
  const process = machine.start(['x'], start)
  await clock.settle()
  process.kill('SIGTERM')
  expect(process.status).toBeUndefined()
  process.kill('SIGKILL')
  expect(process.status?.code).toBe(137)
  await clock.settle()
  expect(machine.processes()).toEqual([])
})

test('from inside, nobody kills pid 1', async () => {
  const child: Program = (proc) => { sendSignal(proc, 1, 'SIGKILL'); return 0 }
  const init: Program = async (proc) => { await proc.spawn(['child']).wait(); return new Promise(() => {}) }
  const { machine, clock } = testMachine({ programs: { '/bin/init': init, '/bin/child': child }, ownInit: false })
  const process = machine.start(['init'], start)
  await clock.settle()
  expect(process.status).toBeUndefined()
})

test('memory beyond the limit is an OOM kill', async () => {
  const greedy: Program = async (proc) => { proc.useMemory(200 * 2 ** 20); return 0 }
  const { machine, clock } = testMachine({ programs: { '/bin/x': greedy }, limits: { memoryBytes: 100 * 2 ** 20 }, ownInit: false })
  const process = machine.start(['x'], start)
  await clock.settle()
  expect(process.status).toEqual({ code: 137, signal: 'SIGKILL', oomKilled: true })
})

test('writing to a pipe that nobody reads is SIGPIPE', async () => {
  const { machine, clock } = testMachine({ programs: { '/bin/x': async (proc) => { for (;;) await proc.stdout.write('y\n') } } })
  const pipe = createPipe()
  const process = machine.start(['x'], { ...start, stdout: pipe.writer })
  await clock.settle()
  pipe.reader.cancel()
  await clock.settle()
  expect(process.status).toEqual({ code: 141, signal: 'SIGPIPE' })
})

test('a stopped process goes on only after SIGCONT', async () => {
  let ticks = 0
  const { machine, clock } = testMachine({ programs: { '/bin/x': async (proc) => { for (;;) { await proc.sleep(1000); ticks += 1 } } } })
  const process = machine.start(['x'], start)
  await clock.advance(2500)
  process.kill('SIGSTOP')
  await clock.advance(10_000)
  expect(ticks).toBe(2)
  process.kill('SIGCONT')
  await clock.advance(2500)
  expect(ticks).toBeGreaterThan(3)
})

test('a child that nobody waited for is a zombie until its parent ends', async () => {
  const { machine, clock } = testMachine({ programs: { '/bin/parent': async (proc) => { proc.spawn(['child']); await proc.sleep(1000); return 0 }, '/bin/child': () => 0 } })
  machine.start(['parent'], start)
  await clock.settle()
  expect(machine.processes().map((p) => [p.argv[0], p.status?.code])).toEqual([['/sbin/init', undefined], ['parent', undefined], ['child', 0]])
  await clock.advance(2000)
  expect(machine.processes()).toHaveLength(1)
})

test('files that can\'t be executed say why', () => {
  const { machine } = testMachine({ files: { '/bin/text': { content: 'x', mode: 0o755 }, '/bin/plain': 'x', '/bin/bad': { content: '#!/bin/none\n', mode: 0o755 } } })
  const code = (argv: string[]) => { try { machine.start(argv, start); return '' } catch (error) { return (error as { code: string }).code } }
  expect(['nothing', '/bin/plain', '/bin/text', '/bin/bad'].map((name) => code([name]))).toEqual(['ENOENT', 'EACCES', 'ENOEXEC', 'ENOENT'])
})

test('what a process listens on closes with it, and its clients see a reset', async () => {
  const server: Program = async (proc) => { proc.net.listenHttp(80, () => new Promise(() => {})); return new Promise(() => {}) }
  const { machine, clock } = testMachine({ programs: { '/bin/x': server } })
  const process = machine.start(['x'], start)
  await clock.settle()
  const { httpRequest } = await import('../base/http.ts')
  const answer = machine.net.fetch(httpRequest('http://localhost/')).then(() => 'answered', (error: { code: string }) => error.code)
  await clock.settle()
  process.kill('SIGKILL')
  expect(await answer).toBe('ECONNRESET')
  await expect(machine.net.fetch(httpRequest('http://localhost/'))).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})
