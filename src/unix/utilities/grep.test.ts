import { expect, test } from 'vitest'
import { testMachine } from '../test-machine.ts'
import { utilityPrograms } from './list.ts'

test('grep -o prints every match of a line, the first one too', async () => {
  const { stdout, status } = await testMachine({ programs: utilityPrograms('gnu') }).run(['grep', '-o', '"[a-z]*":"[^"]*"'], { stdin: '{"aud":["x"],"iss":"y","sub":"z"}' })
  expect([stdout, status.code]).toEqual(['"iss":"y"\n"sub":"z"\n', 0])
})
