import { beforeEach, expect, test } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { nodePlatform } from '../../host/platform-node.ts'
import { Etcd } from './etcd.ts'
import { EtcdError, FROM_KEY, prefixEnd, type WatchResponse } from './types.ts'

let clock: ClusterClock
let etcd: Etcd
beforeEach(() => {
  clock = new ClusterClock(nodePlatform, { mode: 'paused', startMs: 1_000_000 })
  etcd = new Etcd({ clock })
})

const under = (prefix: string) => ({ key: prefix, rangeEnd: prefixEnd(prefix) })
const settled = () => Promise.resolve().then(() => Promise.resolve())
const failsWith = (code: string, work: () => unknown) => {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(EtcdError)
    expect((error as EtcdError).code).toBe(code)
    return
  }
  throw new Error('nothing was thrown')
}

test('a put counts the revision, the key its versions', () => {
  expect(etcd.put('a', 1).revision).toBe(2)
  expect(etcd.put('a', 2, { prevKv: true }).prevKv).toMatchObject({ value: 1, version: 1 })
  expect(etcd.get('a')).toMatchObject({ value: 2, createRevision: 2, modRevision: 3, version: 2 })
})

test('a value can be made from the revision it gets', () => {
  etcd.put('a', (revision: number) => ({ revision }))
  expect(etcd.get('a')!.value).toEqual({ revision: 2 })
})

test('a key that comes back counts its versions anew', () => {
  etcd.put('a', 1)
  etcd.delete('a')
  etcd.put('a', 2)
  expect(etcd.get('a')).toMatchObject({ createRevision: 4, version: 1 })
})

test('deleting nothing makes no revision', () => {
  expect(etcd.delete('a')).toEqual({ revision: 1, deleted: 0 })
  expect(etcd.revision).toBe(1)
})

test('a range is sorted, limited and counted', () => {
  for (const key of ['/p/c', '/p/a', '/q/x', '/p/b']) etcd.put(key, key)
  expect(etcd.range({ ...under('/p/'), limit: 2 })).toMatchObject({ kvs: [{ key: '/p/a' }, { key: '/p/b' }], more: true, count: 3 })
  expect(etcd.range({ ...under('/p/'), countOnly: true })).toMatchObject({ kvs: [], count: 3, more: false })
  expect(etcd.range({ ...under('/p/'), sort: { by: 'mod', order: 'descend' } }).kvs.map((kv) => kv.key)).toEqual(['/p/b', '/p/a', '/p/c'])
  expect(etcd.range({ key: '/p/c', rangeEnd: FROM_KEY, keysOnly: true }).kvs).toMatchObject([{ key: '/p/c', value: undefined }, { key: '/q/x' }])
})

test('thousands of keys in any order come back in order', () => {
  const keys = Array.from({ length: 5000 }, (_, i) => `/k/${String((i * 7919) % 5000).padStart(4, '0')}`)
  for (const key of keys) etcd.put(key, 1)
  for (const key of keys.slice(0, 2500)) etcd.delete(key)
  etcd.compact(etcd.revision)
  expect(etcd.range(under('/k/')).kvs.map((kv) => kv.key)).toEqual(keys.slice(2500).sort())
})

test('the past can be read until it is compacted', () => {
  etcd.put('a', 1)
  etcd.put('a', 2)
  etcd.delete('a')
  expect(etcd.range({ key: 'a', revision: 2 }).kvs[0]!.value).toBe(1)
  expect(etcd.range({ key: 'a', revision: 3 }).kvs[0]!.value).toBe(2)
  expect(etcd.range({ key: 'a', revision: 4 }).kvs).toEqual([])
  etcd.compact(3)
  failsWith('compacted', () => etcd.range({ key: 'a', revision: 2 }))
  expect(etcd.range({ key: 'a', revision: 3 }).kvs[0]!.value).toBe(2)
  failsWith('compacted', () => etcd.compact(3))
  failsWith('future-revision', () => etcd.range({ key: 'a', revision: 9 }))
})

test('a transaction does one branch, in one revision', () => {
  etcd.put('a', 1)
  const done = etcd.txn({
    compare: [{ key: 'a', target: 'version', result: 'equal', operand: 1 }, { key: 'b', target: 'create', result: 'equal', operand: 0 }],
    success: [{ put: { key: 'b', value: 2 } }, { delete: { key: 'a' } }, { range: { key: 'b' } }],
    failure: [{ put: { key: 'c', value: 3 } }],
  })
  expect(done).toMatchObject({ succeeded: true, revision: 3, responses: [{ put: {} }, { delete: { deleted: 1 } }, { range: { kvs: [{ value: 2 }] } }] })
  expect(etcd.revision).toBe(3)
  expect(etcd.txn({ compare: [{ key: 'a', target: 'value', result: 'equal', operand: 1 }], failure: [] }).succeeded).toBe(false)
  failsWith('duplicate-key', () => etcd.txn({ success: [{ put: { key: 'x', value: 1 } }, { put: { key: 'x', value: 2 } }] }))
})

test('a transaction that fails halfway leaves nothing', () => {
  failsWith('lease-not-found', () => etcd.txn({ success: [{ put: { key: 'a', value: 1 } }, { put: { key: 'b', value: 1, lease: 99 } }] }))
  expect(etcd.revision).toBe(1)
  expect(etcd.get('a')).toBeUndefined()
})

test('a watch tells what happened since and what happens next, with what was there before', async () => {
  etcd.put('/p/a', 1)
  etcd.put('/q', 1)
  const seen: WatchResponse[] = []
  etcd.watch({ ...under('/p/'), startRevision: 2, prevKv: true }, (response) => seen.push(response))
  expect(seen).toEqual([])
  await settled()
  etcd.put('/p/a', 2)
  etcd.delete('/p/a')
  etcd.put('/other', 1)
  await settled()
  expect(seen.map((r) => r.events.map((e) => [e.type, e.kv.modRevision, e.prevKv?.value]))).toEqual([[['put', 2, undefined]], [['put', 4, 1], ['delete', 5, 2]]])
})

test('a watch of one key hears nothing of its neighbours, a cancelled one nothing at all', async () => {
  const seen: string[] = []
  etcd.watch({ key: 'a' }, (response) => seen.push(...response.events.map((e) => e.kv.key)))
  const other = etcd.watch({ key: 'ab' }, () => seen.push('cancelled'))
  etcd.put('ab', 1)
  other.cancel()
  etcd.put('a', 1)
  await settled()
  expect(seen).toEqual(['a'])
})

test('a watch from a compacted revision ends with it', async () => {
  etcd.put('a', 1)
  etcd.put('a', 2)
  etcd.compact(3)
  const seen: WatchResponse[] = []
  etcd.watch({ key: 'a', startRevision: 2 }, (response) => seen.push(response))
  await settled()
  expect(seen).toEqual([{ revision: 3, events: [], compactRevision: 3, canceled: true }])
})

test('progress comes when asked for and by the clock', async () => {
  const seen: number[] = []
  const watcher = etcd.watch({ key: 'a', progressIntervalMs: 1000 }, (response) => seen.push(response.revision))
  etcd.put('b', 1)
  watcher.requestProgress()
  await settled()
  await clock.advance(1000)
  expect(seen).toEqual([2, 2])
})

test('keys go with their lease unless it is kept alive', async () => {
  const lease = etcd.grantLease(10)
  etcd.put('a', 1, { lease })
  etcd.put('b', 1)
  await clock.advance(8000)
  expect(etcd.keepAliveLease(lease)).toBe(10)
  await clock.advance(8000)
  expect(etcd.leaseInfo(lease)).toMatchObject({ ttlSeconds: 2, keys: ['a'] })
  await clock.advance(3000)
  expect(etcd.get('a')).toBeUndefined()
  expect(etcd.get('b')).toBeDefined()
  failsWith('lease-not-found', () => etcd.keepAliveLease(lease))
})

test('a put without the lease takes the key off it', () => {
  const lease = etcd.grantLease(10)
  etcd.put('a', 1, { lease })
  etcd.put('a', 2)
  etcd.revokeLease(lease)
  expect(etcd.get('a')!.value).toBe(2)
})

test('a snapshot and the commits after it bring the store back', () => {
  const lease = etcd.grantLease(10)
  etcd.put('a', 1, { lease })
  const snapshot = etcd.snapshot()
  const commits: Parameters<typeof Etcd.restore>[1] = []
  const log = commits as unknown[]
  etcd.onCommit((commit) => { log.push(structuredClone(commit)) })
  etcd.put('b', 2)
  etcd.txn({ success: [{ put: { key: 'c', value: 3 } }, { delete: { key: 'a' } }] })
  const restored = Etcd.restore(structuredClone(snapshot), commits, { clock })
  expect(restored.revision).toBe(etcd.revision)
  expect(restored.range({ key: '', rangeEnd: FROM_KEY }).kvs).toEqual(etcd.range({ key: '', rangeEnd: FROM_KEY }).kvs)
  expect(restored.leaseInfo(lease).keys).toEqual([])
  expect(restored.put('d', 4).revision).toBe(etcd.revision + 1)
})

test('a commit listener may not write', () => {
  etcd.onCommit(() => { etcd.put('x', 1) })
  expect(() => etcd.put('a', 1)).toThrow('must not write')
})
