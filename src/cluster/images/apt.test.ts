import { expect, it } from 'vitest'
import { testMachine } from '../../unix/test-machine.ts'
import { apt } from './apt.ts'

it('what is there is the newest version, what is not cannot be fetched', async () => {
  const { run } = testMachine({ programs: { '/usr/bin/apt-get': apt, '/usr/bin/curl': () => 0, '/usr/bin/ps': () => 0 } })
  expect(await run(['apt-get', 'install', '-y', 'curl', 'procps'])).toMatchObject({ stdout: expect.stringMatching(/curl is already the newest version\.\nprocps is already the newest version\.\n0 upgraded/), status: { code: 0 } })
  expect(await run(['apt-get', 'install', 'vim'])).toMatchObject({ stderr: 'E: Unable to locate package vim\n', status: { code: 100 } })
  expect((await run(['apt-get', 'update'])).stderr).toContain("Temporary failure resolving 'deb.debian.org'")
})

it('what it cannot do it says', async () => {
  const { run } = testMachine({ programs: { '/usr/bin/apt-get': apt, '/usr/bin/curl': () => 0 } })
  expect(await run(['apt-get', 'remove', '-y', 'curl'])).toMatchObject({ stderr: "E: curl belongs to the image and can't be removed here\n", status: { code: 100 } })
  expect(await run(['apt-get', 'fly'])).toMatchObject({ stderr: 'E: Invalid operation fly\n', status: { code: 100 } })
  expect((await run(['apt-get', 'clean'])).status.code).toBe(0)
})
