import { expect, it } from 'vitest'
import { KernelLog } from './kernel-log.ts'

it('keeps the newest lines, and numbers lines on after older ones were dropped', () => {
  let nowMs = 0
  const log = new KernelLog(() => nowMs)
  for (; nowMs < 2_000; nowMs++) log.add((atMs, serial) => `${atMs}:${serial}`)
  expect(log.lines().at(-1)).toBe('[    1.999000] 1999:2000')
  expect(log.lines().length).toBeLessThanOrEqual(1_500)
  expect(log.lines((atMs) => `at ${atMs}`)[0]).toMatch(/^\[at (\d+)\] \1:\d+$/)
})
