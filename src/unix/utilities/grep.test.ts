import { expect, test } from 'vitest'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from './list.ts'

test('grep -o prints every match of a line, the first one too', async () => {
  const { stdout, status } = await testMachine({ programs: utilityPrograms('gnu') }).run(['grep', '-o', '"[a-z]*":"[^"]*"'], { stdin: '{"aud":["x"],"iss":"y","sub":"z"}' })
  expect([stdout, status.code]).toEqual(['"iss":"y"\n"sub":"z"\n', 0])
})

test('each alternative of a basic expression has anchors of its own', async () => {
  const grep = async (...args: string[]) => (await testMachine({ programs: utilityPrograms('gnu') }).run(['grep', ...args], { stdin: 'a\n\n#c\nb^|$\n' })).stdout
  expect(await grep('-v', '^#\\|^$')).toBe('a\nb^|$\n')
  expect(await grep('a$\\|\\(^#\\)')).toBe('a\n#c\n')
  expect(await grep('b^')).toBe('b^|$\n')
})
