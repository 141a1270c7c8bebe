import { expect, test } from 'vitest'
import { readAll } from '../../base/streams.ts'
import { ContainerLog } from './container-log.ts'
import type { LogReadOptions } from './container-log.ts'

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
