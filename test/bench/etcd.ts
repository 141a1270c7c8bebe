/** Measures the store: puts, point gets and watch fan-out. Run: npx tsx test/bench/etcd.ts */
import { ClusterClock } from '../../src/base/clock.ts'
import { Etcd } from '../../src/cluster/etcd/etcd.ts'
import { prefixEnd } from '../../src/cluster/etcd/types.ts'
import { nodePlatform } from '../../src/host/platform-node.ts'

const KEYS = 100_000
const clock = new ClusterClock(nodePlatform)

function rate(what: string, operations: number, work: () => void): void {
  const startMs = performance.now()
  work()
  const perSecond = operations / ((performance.now() - startMs) / 1000)
  console.log(`${what.padEnd(44)} ${Math.round(perSecond).toLocaleString('en')}/s`)
}

const keys = Array.from({ length: KEYS }, (_, i) => `/registry/pods/ns-${i % 50}/pod-${(i * 7919) % KEYS}`)
const etcd = new Etcd({ clock })
rate('put, new keys in random order', KEYS, () => { for (const key of keys) etcd.put(key, (revision: number) => ({ revision })) })
rate('put, existing keys', KEYS, () => { for (const key of keys) etcd.put(key, (revision: number) => ({ revision })) })
rate('get', KEYS * 10, () => { for (let i = 0; i < 10; i++) for (const key of keys) if (!etcd.get(key)) throw new Error('missing') })
rate('range over a prefix, keys visited', KEYS, () => { for (let i = 0; i < 50; i++) etcd.range({ key: `/registry/pods/ns-${i}/`, rangeEnd: prefixEnd(`/registry/pods/ns-${i}/`) }) })
rate('txn (compare and put)', KEYS, () => {
  for (const key of keys) etcd.txn({ compare: [{ key, target: 'mod', result: 'equal', operand: etcd.get(key)!.modRevision }], success: [{ put: { key, value: 1 } }] })
})
rate('compact, revisions', KEYS * 3, () => etcd.compact(etcd.revision))

let delivered = 0
for (let i = 0; i < 1000; i++) etcd.watch({ key: `/registry/pods/ns-${i % 50}/`, rangeEnd: prefixEnd(`/registry/pods/ns-${i % 50}/`) }, (response) => { delivered += response.events.length })
const startMs = performance.now()
for (const key of keys) etcd.put(key, 1)
await clock.settle()
const seconds = (performance.now() - startMs) / 1000
console.log(`${'put with 1,000 watchers (20 hear each)'.padEnd(44)} ${Math.round(KEYS / seconds).toLocaleString('en')}/s, ${Math.round(delivered / seconds).toLocaleString('en')} events/s`)
