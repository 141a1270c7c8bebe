import { expect, test } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { testPlatform } from '../../base/test-platform.ts'
import { Etcd } from '../etcd/etcd.ts'
import { builtInKinds } from '../kinds/index.ts'
import type { KubeObject } from '../kinds/object.ts'
import { ResourceCatalog } from './resource-catalog.ts'

const MINUTE_MS = 60_000

function lab(from?: Etcd) {
  const clock = new ClusterClock(testPlatform, { startMs: Date.UTC(2030, 0, 1), mode: 'paused' })
  const etcd = from ? Etcd.restore(structuredClone(from.snapshot()), [], { clock }) : new Etcd({ clock })
  const { store } = new ResourceCatalog({ etcd, clock, kinds: builtInKinds }).byRef('events')
  const write = (name: string, reason = 'r') => {
    store.create('default', { apiVersion: 'v1', kind: 'Event', metadata: { name, namespace: 'default' }, involvedObject: {}, reason } as unknown as KubeObject)
  }
  return { clock, etcd, store, write, names: () => store.list('default').map((event) => event.metadata.name) }
}

test('events go an hour after they were written last, at most a minute later', async () => {
  const { clock, etcd, write, names, store } = lab()
  const deleted: string[] = []
  store.watch({ namespace: 'default' }, etcd.revision, false, (events) => { for (const { type, object } of events) if (type === 'DELETED') deleted.push(object.metadata.name!) })
  write('a')
  write('b')
  await clock.advance(30_000)
  write('c')
  await clock.advance(29 * MINUTE_MS)
  write('b', 'again')
  await clock.advance(30 * MINUTE_MS)
  expect(names()).toEqual(['a', 'b', 'c'])
  await clock.advance(90_000)
  expect(names()).toEqual(['b'])
  expect(deleted).toEqual(['a', 'c'])
  await clock.advance(30 * MINUTE_MS)
  expect(names()).toEqual([])
  expect(etcd.leaseIds()).toEqual([])
})

test('many events of a minute share a lease, a thousand at most', () => {
  const { etcd, write } = lab()
  for (let i = 0; i < 1_500; i++) write(`e${i}`)
  expect(etcd.leaseIds().map((id) => etcd.leaseInfo(id).keys.length)).toEqual([1_000, 500])
})

test('events of a restored cluster have an hour again, as etcd gives leases after a restart', async () => {
  const before = lab()
  before.write('a')
  await before.clock.advance(50 * MINUTE_MS)
  const after = lab(before.etcd)
  after.write('b')
  await after.clock.advance(50 * MINUTE_MS)
  expect(after.names()).toEqual(['a', 'b'])
  await after.clock.advance(12 * MINUTE_MS)
  expect(after.names()).toEqual([])
})
