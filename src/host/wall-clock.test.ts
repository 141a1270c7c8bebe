import { expect, it } from 'vitest'
import { ClusterClock } from '../base/clock.ts'
import { testPlatform } from '../base/test-platform.ts'
import { catchUpWithWall } from './wall-clock.ts'

it('a clock that fell behind while its cluster booted is set to the machine, and timers on the way come', async () => {
  const clock = new ClusterClock(testPlatform, { startMs: 1_000_000, mode: 'paused' })
  let fired = false
  clock.after(2_000, () => { fired = true })
  await catchUpWithWall(clock, { wallMs: () => 1_004_500 })
  expect(clock.nowMs()).toBe(1_004_500)
  expect(fired).toBe(true)
  await catchUpWithWall(clock, { wallMs: () => 1_000_000 })
  expect(clock.nowMs()).toBe(1_004_500)
})
