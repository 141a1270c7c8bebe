import { expect, test } from 'vitest'
import { readAll } from '../../base/streams.ts'
import { ContainerLog } from './container-log.ts'
import type { LogReadOptions } from './container-log.ts'
import { ClusterClock } from '../../base/clock.ts'
import { testPlatform } from '../../base/test-platform.ts'
import { createMemoryFileSystem } from '../../unix/file-system.ts'
import { keptLog, startsByLogFiles, writeLogFile } from './log-files.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const read = async (log: ContainerLog, options: LogReadOptions = {}) => new TextDecoder().decode(await readAll(log.read(options)))

test('lines come out as they went in, whatever pieces they were written in', async () => {
  const log = new ContainerLog(() => 0)
  log.append('stdout', bytes('on'))
  log.append('stderr', bytes('error\n'))
  log.append('stdout', bytes('e\ntwo\nthr'))
  expect(await read(log)).toBe('error\none\ntwo\n')
  log.close()
  expect(await read(log)).toBe('error\none\ntwo\nthr')
  expect(await read(log, { stream: 'Stderr' })).toBe('error\n')
})

test('very long lines are kept in parts and read as one', async () => {
  const log = new ContainerLog(() => 0)
  const long = 'x'.repeat(40_000)
  log.append('stdout', bytes(`${long}\nshort\n`))
  log.close()
  expect(await read(log)).toBe(`${long}\nshort\n`)
  expect(await read(log, { timestamps: true })).toBe(`1970-01-01T00:00:00.000000000Z ${long}\n1970-01-01T00:00:00.000000000Z short\n`)
})

test('a full log starts over, as a rotated file does', async () => {
  const log = new ContainerLog(() => 0, 1_000)
  for (let i = 0; i < 100; i++) log.append('stdout', bytes(`line ${i}\n`))
  const text = await read(log)
  expect(text.endsWith('line 99\n')).toBe(true)
  expect(text).not.toContain('line 1\n')
  expect(log.bytes).toBeLessThan(1_100)
})

const PATH = '/var/log/pods/default_web_1/c/0.log'

test('the file of a log gives it back: times, streams, parts and bytes that are no text', async () => {
  const clock = new ClusterClock(testPlatform, { startMs: 0, mode: 'paused' })
  const files = createMemoryFileSystem({ clock })
  let nowMs = Date.parse('2026-11-21T14:00:00Z')
  const log = new ContainerLog(() => nowMs += 1_234.5678)
  writeLogFile(log, files, PATH, '/var/log/containers/web.log', clock)
  log.append('stdout', bytes('one\n\nthree \n'))
  log.append('stderr', Uint8Array.from([0xff, 0, 10]))
  log.append('stdout', bytes(`${'x'.repeat(40_000)}\nunfinished`))
  log.close()
  files.writeFile(PATH, 'somebody wrote this by hand\n', { append: true })
  const kept = keptLog(files, PATH, clock)
  for (const options of [{}, { timestamps: true }, { stream: 'Stderr' as const }, { tailLines: 2 }, { sinceMs: nowMs - 3_000, timestamps: true }, { limitBytes: 7 }, { follow: true }])
    expect(await readAll(kept.read(options))).toEqual(await readAll(log.read(options)))
  expect(kept.tail(2, 1_000)).toBe(log.tail(2, 1_000))
  expect(keptLog(files, '/nowhere', clock).tail(80, 100)).toBe('')
})

test('a log is rotated as the kubelet does it: five files at most, older ones packed', async () => {
  const clock = new ClusterClock(testPlatform, { startMs: Date.parse('2026-11-21T14:00:00Z'), mode: 'paused' })
  const files = createMemoryFileSystem({ clock })
  const log = new ContainerLog(() => clock.nowMs(), 1_000)
  writeLogFile(log, files, PATH, '/var/log/containers/web.log', clock)
  for (let i = 0; i < 150; i++) {
    log.append('stdout', bytes(`line ${i}\n`))
    await clock.advance(1_000)
  }
  const names = files.readdir('/var/log/pods/default_web_1/c').sort()
  expect(names).toHaveLength(5)
  expect(names[0]).toBe('0.log')
  expect(names.slice(1, 4).every((name) => /^0\.log\.20261121-14\d{4}\.gz$/.test(name))).toBe(true)
  expect(names[4]).toMatch(/^0\.log\.20261121-14\d{4}$/)
  const unpacked = new Response(new Blob([files.readFile(`/var/log/pods/default_web_1/c/${names[3]}`).slice()]).stream().pipeThrough(new DecompressionStream('gzip')))
  expect(await unpacked.text()).toMatch(/^2026-11-21T14:\d\d:\d\dZ stdout F line \d+\n/)
  expect(startsByLogFiles(files, '/var/log/pods/default_web_1/c')).toBe(1)
  expect(await read(keptLog(files, PATH, clock))).toBe(await read(log))
})
