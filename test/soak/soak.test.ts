import { expect, test } from 'vitest'
import { soak } from './soak-run.ts'

test('ten clients end with what etcd has, after cuts and compaction', { timeout: 120_000 }, async () => {
  const report = await soak({ seed: 'drydock', writes: 8_000 })
  expect(report.differences).toEqual([])
  expect(report.compactions).toBeGreaterThan(0)
  expect(report.clients).toHaveLength(10)
  // The run is worth nothing unless clients lost their place.
  expect(report.clients.reduce((sum, client) => sum + client.gone, 0)).toBeGreaterThan(0)
})
