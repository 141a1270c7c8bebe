import { expect, test } from 'vitest'
import { runOnHost } from './node-proc.ts'

test('a program may wait for many things at once without a warning', async () => {
  const warnings: string[] = []
  const onWarning = (warning: Error) => warnings.push(warning.message)
  process.on('warning', onWarning)
  expect(await runOnHost(async (proc) => {
    await Promise.all(Array.from({ length: 20 }, () => proc.sleep(1)))
    return 0
  }, ['many'])).toBe(0)
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', onWarning)
  expect(warnings).toEqual([])
})
