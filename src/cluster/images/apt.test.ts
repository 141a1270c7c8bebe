import { expect, it } from 'vitest'
import { testMachine } from '../../unix/test-machine.ts'
import { apt } from './apt.ts'

it('what is there is the newest version, what the mirror has is fetched once its lists are, the rest cannot be found', async () => {
  const { run } = testMachine({ programs: { '/usr/bin/apt-get': apt, '/usr/bin/curl': () => 0, '/usr/bin/ps': () => 0 } })
  expect(await run(['apt-get', 'install', '-y', 'curl', 'procps'])).toMatchObject({ stdout: expect.stringMatching(/curl is already the newest version \(\S+\)\.\nprocps is already the newest version \(\S+\)\.\n0 upgraded/), status: { code: 0 } })
  expect(await run(['apt-get', 'install', '-y', 'jq'])).toMatchObject({ stderr: 'E: Unable to locate package jq\n', status: { code: 100 } })
  expect(await run(['apt-get', 'update'])).toMatchObject({ stderr: '', status: { code: 0 } })
  expect(await run(['apt-get', 'install', 'jq'])).toMatchObject({ stdout: expect.stringMatching(/Do you want to continue\? \[Y\/n\] Abort\.\n$/), status: { code: 1 } })
  expect(await run(['apt-get', 'install', '-y', 'jq'])).toMatchObject({ stdout: expect.stringMatching(/Setting up jq \(1\.6-2\.1\+deb12u1\) \.\.\.\n$/), status: { code: 0 } })
  expect(await run(['jq', '-r', '.a'], { stdin: '{"a": "b"}' })).toMatchObject({ stdout: 'b\n' })
  expect(await run(['apt-get', 'install', '-y', 'emacs'])).toMatchObject({ stderr: 'E: Unable to locate package emacs\n', status: { code: 100 } })
})

it('what it cannot do it says', async () => {
  const { run } = testMachine({ programs: { '/usr/bin/apt-get': apt, '/usr/bin/curl': () => 0 } })
  expect(await run(['apt-get', 'remove', '-y', 'curl'])).toMatchObject({ stderr: "E: curl belongs to the image and can't be removed here\n", status: { code: 100 } })
  expect(await run(['apt-get', 'fly'])).toMatchObject({ stderr: 'E: Invalid operation fly\n', status: { code: 100 } })
  expect((await run(['apt-get', 'clean'])).status.code).toBe(0)
})
