import { expect, test } from 'vitest'
import { bash } from '../shell/sh.ts'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from './list.ts'

test('nc -U listens and connects at a socket in the file system, which stays', async () => {
  const on = testMachine({ programs: { '/bin/bash': bash, ...utilityPrograms('gnu') } })
  const { stdout } = await on.run(['bash', '-c', 'nc -lU /tmp/s > /tmp/got & sleep 1; test -S /tmp/s && echo socket; echo hello | nc -U /tmp/s; wait; cat /tmp/got; test -S /tmp/s && echo stays'])
  expect(stdout).toBe('socket\nhello\nstays\n')
  expect(await on.run(['nc', '-U', '/tmp/s'])).toMatchObject({ status: { code: 1 }, stderr: 'nc: unix connect failed: Connection refused\n' })
  expect(await on.run(['nc', '-lU', '/tmp/s'])).toMatchObject({ stderr: 'nc: unix bind failed: Address already in use\n' })
})

test('mknod b makes a block device, also where nothing answers for its numbers', async () => {
  const on = testMachine({ programs: { '/bin/bash': bash, ...utilityPrograms('gnu') } })
  expect((await on.run(['bash', '-c', 'mknod /tmp/b b 89 1; mknod /tmp/c c 89 1; test -b /tmp/b && echo block; test -b /tmp/c || echo other; test -c /tmp/c && echo character'])).stdout).toBe('block\nother\ncharacter\n')
})
