import { expect, test } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { testPlatform } from '../../base/test-platform.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { KeptCluster } from './kept-cluster.ts'
import type { ClusterStore } from './store.ts'

test('pods of a cluster that doesn\'t stand yet don\'t wait for a disk, which holds up its boot; from then on nothing is acknowledged before it is kept', async () => {
  const clock = new ClusterClock(testPlatform)
  const calls: string[] = []
  let begin!: () => void
  const store = {
    begin: () => new Promise<void>((resolve) => { begin = resolve }),
    durable: async (revision: number) => { calls.push(`durable ${revision}`) },
  } as unknown as ClusterStore
  const kept = new KeptCluster(store, undefined)
  const cluster = {
    etcd: { onCommit() {} },
    snapshot: () => ({}),
    async start() {
      await kept.options.durable!(1)
      calls.push('started')
    },
  } as unknown as Cluster
  const run = kept.run(cluster, clock, () => { void kept.options.durable!(2) })
  await expect.poll(() => begin).toBeDefined()
  expect(calls).toEqual(['started'])
  begin()
  await run
  await expect.poll(() => calls).toEqual(['started', 'durable 2'])
})
