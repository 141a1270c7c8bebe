import { expect, test } from 'vitest'
import { testMachine } from '../test-machine.ts'
import { ash } from '../shell/sh.ts'
import { utilityPrograms } from './list.ts'

const sh = (script: string, flavour: 'gnu' | 'busybox' = 'gnu') => testMachine({ programs: { ...utilityPrograms(flavour, { directory: '/bin' }), '/bin/sh': ash } }).run(['/bin/sh', '-c', script])

test('base64 gives back the very bytes, whatever they are', async () => {
  expect((await sh('echo gP8A/w== | base64 -d > /x; hexdump -C /x | head -1 | cut -c11-21; base64 /x')).stdout).toBe('80 ff 00 ff\ngP8A/w==\n')
  expect((await sh('head -c 300000 /dev/urandom > /a; base64 /a | base64 -d > /b; base64 -w 0 /a | base64 --decode > /c; sha256sum /a /b /c | cut -c1-64 | uniq | wc -l')).stdout.trim()).toBe('1')
})

test('base64 folds lines, and says what is no base64', async () => {
  expect((await sh('printf %080d 0 | base64 | wc -L; printf %080d 0 | base64 -w 20 | head -1; printf hi | base64 -w0')).stdout).toBe('76\nMDAwMDAwMDAwMDAwMDAw\naGk=')
  expect(await sh('echo "aGk=!" | base64 -d')).toMatchObject({ stdout: 'hi', stderr: 'base64: invalid input\n', status: { code: 1 } })
  expect((await sh('printf aGk | base64 -d; echo; printf "YQ==Yg==\\nYw==" | base64 -d; echo; printf "aGk!" | base64 -d 2>/dev/null')).stdout).toBe('hi\nabc\nhi')
})
