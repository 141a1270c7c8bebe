import { expect, test } from 'vitest'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from './list.ts'

const files = { '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n', '/etc/group': 'root:x:0:\nusers:x:100:\nnogroup:x:65534:\n' }
const machine = (flavour: 'gnu' | 'busybox') => { const { run, machine: { fs } } = testMachine({ programs: utilityPrograms(flavour), files }); return { run, fs } }

test("BusyBox' adduser makes people with a group of their own and system users in a group", async () => {
  const { run, fs } = machine('busybox')
  expect((await run(['adduser', '-D', 'app'])).status.code).toBe(0)
  await run(['addgroup', '-S', 'web'])
  await run(['adduser', '-S', '-G', 'web', '-H', 'server'])
  await run(['adduser', 'app', 'web'])
  expect(fs.readText('/etc/passwd').split('\n').slice(1)).toEqual(['app:x:1000:1000:Linux User,,,:/home/app:/bin/sh', 'server:x:100:101:Linux User,,,:/home/server:/sbin/nologin', ''])
  expect(fs.readText('/etc/group').split('\n').slice(3)).toEqual(['app:x:1000:', 'web:x:101:app', ''])
  expect(fs.stat('/home/app')).toMatchObject({ uid: 1000, gid: 1000 })
  expect(fs.exists('/home/server')).toBe(false)
  expect(await run(['adduser', '-D', 'app'])).toMatchObject({ stderr: "adduser: user 'app' in use\n", status: { code: 1 } })
})

test('useradd and groupadd number people from below, system users from above, and say what is wrong', async () => {
  const { run, fs } = machine('gnu')
  await run(['groupadd', '-r', 'app'])
  expect((await run(['useradd', '-r', '-g', 'app', '-d', '/srv', 'app'])).status.code).toBe(0)
  await run(['useradd', '-m', '-s', '/bin/bash', '-G', 'users', 'jane'])
  expect(fs.readText('/etc/passwd').split('\n').slice(1)).toEqual(['app:x:999:999::/srv:/bin/sh', 'jane:x:1000:1000::/home/jane:/bin/bash', ''])
  expect(fs.readText('/etc/group')).toContain('users:x:100:jane\n')
  expect(await run(['useradd', 'jane'])).toMatchObject({ stderr: "useradd: user 'jane' already exists\n", status: { code: 9 } })
  expect(await run(['useradd', '-g', 'none', 'joe'])).toMatchObject({ stderr: "useradd: group 'none' does not exist\n", status: { code: 6 } })
})
