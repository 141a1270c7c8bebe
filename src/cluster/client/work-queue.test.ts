import { expect, test } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { testPlatform } from '../../base/test-platform.ts'
import { QueueCounters } from './work-queue-metrics.ts'
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

test('a key that is added while it is worked on waits from then on, and counts once', async () => {
  const clock = new ClusterClock(testPlatform, { startMs: 0, mode: 'paused' })
  const counters = new QueueCounters()
  const depths: number[] = []
  const queue: WorkQueue = new WorkQueue({
    clock, counters, process: async (key) => {
      if (counters.adds > 1) return
      await clock.sleep(1000)
      queue.add(key)
      queue.add(key)
      depths.push(counters.waiting.size)
      await clock.sleep(2000)
    },
  })
  queue.add('a')
  await clock.advance(10_000)
  queue.stop()
  expect({ adds: counters.adds, depths, waiting: counters.waiting.size, running: counters.running.size }).toEqual({ adds: 2, depths: [1], waiting: 0, running: 0 })
  expect(counters.waitSeconds.samples({}).find(({ suffix }) => suffix === '_sum')!.value).toBe(2)
})
