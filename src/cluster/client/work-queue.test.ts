import { expect, test } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { testPlatform } from '../../base/test-platform.ts'
import { WorkQueue, type Retry } from './work-queue.ts'

/** Seconds at which a key that always fails is worked on. */
async function runs(retry: Retry | undefined, withinMs: number): Promise<number[]> {
  const clock = new ClusterClock(testPlatform, { startMs: 0, mode: 'paused' })
  const seen: number[] = []
  const queue: WorkQueue = new WorkQueue({ clock, ...(retry ? { retry } : {}), process: (key) => { seen.push(clock.nowMs() / 1000); queue.addRateLimited(key); return Promise.resolve() } })
  queue.add('a')
  await clock.advance(withinMs)
  queue.stop()
  return seen
}

test('a key that fails comes back after waits that double up to the longest', async () => {
  expect(await runs({ firstMs: 1000, maxMs: 3000, isLimited: false }, 13_000)).toEqual([0, 1, 3, 6, 9, 12])
  expect((await runs(undefined, 1000)).slice(0, 4)).toEqual([0, 0.005, 0.015, 0.035])
})

test('a key that has failed as often as it may is left alone', async () => {
  expect(await runs({ times: 3 }, 600_000)).toEqual([0, 0.005, 0.015, 0.035])
})
