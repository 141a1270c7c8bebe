import { expect, it } from 'vitest'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from './list.ts'

it('tr knows the classes of characters, also what can be printed', async () => {
  const on = testMachine({ programs: utilityPrograms('gnu', { names: ['tr'] }) })
  const tr = async (stdin: string, ...args: string[]) => (await on.run(['tr', ...args], { stdin, env: { PATH: '/usr/bin:/bin' } })).stdout
  expect(await tr('ab\x01 d\n', '-c', '[:print:]\\n', '.')).toBe('ab. d\n')
  expect(await tr('ab d\n', '-cd', '[:graph:]')).toBe('abd')
  expect(await tr('a-b\n', '-d', '[:punct:]')).toBe('ab\n')
})
