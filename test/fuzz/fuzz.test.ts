import { expect, test } from 'vitest'
import { fuzz } from './fuzz-run.ts'

/** As many of these as fit into the time; `npm run fuzz` takes longer. */
const REQUESTS = 100_000
const MAX_MS = 40_000

test('random requests: no accident, no hang, no leftover, and a valid answer to each', { timeout: MAX_MS * 3 }, async () => {
  const seed = process.env['FUZZ_SEED'] ?? 'drydock'
  const report = await fuzz({ seed, count: REQUESTS, maxMs: MAX_MS, maxFindings: 5 })
  console.log(`fuzz: ${report.requests.toLocaleString('en')} requests (seed ${seed}), ${report.roundTrips.toLocaleString('en')} stored objects decoded again, longest task ${report.longestMs.toFixed(0)} ms`)
  expect(report.findings).toEqual([])
  expect(report.requests).toBeGreaterThan(2_000)
  expect(report.roundTrips).toBeGreaterThan(50)
})
