import { expect, test } from 'vitest'
import { createPipe, readAll } from '../../base/streams.ts'
import { dash } from '../shell/sh.ts'
import { testMachine } from '../test-machine.ts'
import { completeValues } from './just-bash.ts'
import { utilityPrograms } from './list.ts'

test('complete JSON values are told from what is still to come', () => {
  expect(completeValues('{"a":1}{"b":')).toBe(7)
  expect(completeValues('{"a":"}"')).toBe(0)
  expect(completeValues('1\n2')).toBe(2)
  expect(completeValues('["\\"]"]\n')).toBe(8)
})

test('jq answers each value before the next one comes', async () => {
  const { machine, clock } = testMachine({ programs: utilityPrograms('gnu') })
  const input = createPipe()
  let out = ''
  const process = machine.start(['jq', '-c', '.kind'], { env: { PATH: '/usr/bin:/bin' }, cwd: '/', user: { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }, stdin: input.reader, stdout: { write: async (data) => { out += typeof data === 'string' ? data : new TextDecoder().decode(data) }, close() {} }, stderr: { write: async () => {}, close() {} } })
  await input.writer.write('{"kind":\n "Pod"}\n{"ki')
  await expect.poll(async () => { await clock.settle(); return out }).toBe('"Pod"\n')
  await input.writer.write('nd":"Node"}')
  input.writer.close()
  await expect.poll(async () => { await clock.settle(); return process.status }).toEqual({ code: 0 })
  expect(out).toBe('"Pod"\n"Node"\n')
})

test('checksums of files that are not there leave standard input to whoever comes next', async () => {
  const { machine } = testMachine({ programs: { ...utilityPrograms('gnu'), '/bin/sh': dash } })
  const input = createPipe()
  const output = createPipe()
  const process = machine.start(['sh'], { env: { PATH: '/usr/bin:/bin' }, cwd: '/', user: { uid: 0, gid: 0, groups: [], name: 'root', home: '/root' }, stdin: input.reader, stdout: output.writer, stderr: output.writer })
  await input.writer.write('sha256sum /nothing\necho after\n')
  input.writer.close()
  await process.wait()
  output.writer.close()
  expect(new TextDecoder().decode(await readAll(output.reader))).toBe('sha256sum: /nothing: No such file or directory\nafter\n')
})
