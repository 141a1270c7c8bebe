import { expect, it } from 'vitest'
import { ClusterClock } from '../base/clock.ts'
import type { Platform } from '../base/platform.ts'
import { testPlatform } from '../base/test-platform.ts'
import { catchUpWithWall, followWall } from './wall-clock.ts'

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

it('a clock that stood still while the process got no time runs faster until it has caught up', () => {
  let realMs = 0
  const timers: { dueMs: number; fn: () => void }[] = []
  const platform: Platform = {
    ...testPlatform, wallMs: () => 1_000_000 + realMs, monotonicMs: () => realMs,
    setTimer(fn, delayMs) { const timer = { dueMs: realMs + delayMs, fn }; timers.push(timer); return () => { timers.splice(timers.indexOf(timer), 1) } },
  }
  const run = (ms: number) => {
    for (const endMs = realMs + ms; ;) {
      const next = timers.filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0]
      if (!next) { realMs = endMs; return }
      realMs = Math.max(realMs, next.dueMs)
      timers.splice(timers.indexOf(next), 1)
      next.fn()
    }
  }
  const clock = new ClusterClock(platform, { startMs: 1_000_000 })
  clock.after(1_000, () => {})
  const stop = followWall(clock, platform)
  // Nobody was there for a minute.
  realMs += 60_000
  expect(platform.wallMs() - clock.nowMs()).toBeGreaterThan(50_000)
  run(10_000)
  expect(clock.scale).toBe(1.1)
  run(700_000)
  expect(clock.scale).toBe(1)
  expect(Math.abs(platform.wallMs() - clock.nowMs())).toBeLessThan(200)
  stop()
  expect(timers.length).toBeLessThanOrEqual(1)
})
