import { expect, it } from 'vitest'
import { testMachine } from '../../../../unix/test-machine.ts'
import { Labels } from '../labels.ts'
import { SampleLog } from './sample-log.ts'
import { Storage } from './storage.ts'

const series = (storage: Storage, name: string) => storage.seriesOf(Labels.fromRecord({ __name__: name }))

it('lets go of the oldest samples where there are too many', () => {
  const storage = new Storage({ retentionMs: Infinity, maxBytes: 40_000 })
  const noise = series(storage, 'noise')
  for (let i = 0; i < 12_000; i++) storage.append(noise, i * 1000, i * Math.PI)
  expect(storage.bytes).toBeGreaterThan(40_000)
  storage.prune(12_000_000)
  expect(storage.bytes).toBeLessThanOrEqual(40_000)
  expect(storage.oldestMs).toBeGreaterThan(0)
  expect(noise.lastMs).toBe(11_999_000)
})

it('ends pruning where nothing is left that could go', () => {
  const storage = new Storage({ retentionMs: Infinity, maxBytes: 1_000 })
  for (const name of ['a', 'b', 'c']) for (let i = 0; i < 50; i++) storage.append(series(storage, name), i * 10_000, i)
  storage.prune(500_000)
  expect(storage.seriesCount).toBe(3)
  expect(storage.newestMs).toBe(490_000)
})

it('a log that has grown too long is written anew with what fits', async () => {
  const storage = new Storage({ retentionMs: Infinity, maxBytes: Infinity })
  const read = new Storage({ retentionMs: Infinity, maxBytes: Infinity })
  const sizes: number[] = []
  const { run, clock } = testMachine({ files: { '/data/.keep': '' }, programs: {
    '/bin/write': async (proc) => {
      const log = new SampleLog(proc, '/data', storage, 40_000)
      const fromMs = proc.clock.nowMs() - 5_000 * 1000
      for (let i = 0; i < 5_000; i++) {
        storage.append(series(storage, 'x'), fromMs + i * 1000, i)
        if (i % 500 < 499) continue
        await log.save()
        sizes.push(proc.fs.readText('/data/samples.log').length)
      }
      await new SampleLog(proc, '/data', read).load()
      return 0
    },
  } })
  await clock.advance(1_000)
  expect((await run(['/bin/write'])).status.code).toBe(0)
  expect(Math.max(...sizes)).toBeLessThan(60_000)
  expect(series(read, 'x').lastMs).toBe(series(storage, 'x').lastMs)
  expect(read.sampleCount).toBeGreaterThan(500)
})
