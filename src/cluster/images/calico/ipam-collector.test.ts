import { beforeEach, describe, expect, test } from 'vitest'
import { Ipam } from '../../calico/ipam.ts'
import { CALICO_API, Datastore } from '../../calico/resources.ts'
import { TestStore } from '../../calico/test-store.ts'
import type { Pod } from '../../kinds/generated/types.ts'
import { IpamCollector } from './ipam-collector.ts'

const GRACE_MS = 900_000

describe('what nobody has any more', () => {
  let store: TestStore
  let ipam: Ipam
  let collector: IpamCollector
  let nowMs: number
  const nodes = new Map<string, unknown>()
  const pods = new Map<string, Pod>()
  beforeEach(async () => {
    nowMs = 1_000_000
    store = new TestStore()
    nodes.clear()
    pods.clear()
    ipam = new Ipam(new Datastore(store.call), () => nowMs)
    collector = new IpamCollector(ipam, { nodes, pods }, () => nowMs, () => {})
    for (const name of ['a', 'b']) {
      nodes.set(name, {})
      await store.call('POST', '/api/v1/nodes', { metadata: { name, labels: {} }, spec: {} })
    }
    await store.call('POST', `${CALICO_API}/ippools`, { metadata: { name: 'pool' }, spec: { cidr: '10.0.0.0/24', blockSize: 31 } })
  })
  /** A pod that got an address; the API may show another, or none. */
  const pod = async (name: string, node: string, shown?: (ip: string) => string | undefined) => {
    const ip = await ipam.autoAssign({ node, handle: name, attributes: { node, pod: name, namespace: 'default' }, use: 'Workload' })
    const said = shown ? shown(ip) : ip
    pods.set(`default/${name}`, { metadata: { name, namespace: 'default' }, spec: { nodeName: node, containers: [] }, status: said === undefined ? {} : { podIPs: [{ ip: said }] } } as unknown as Pod)
    return ip
  }
  const has = async (ip: string) => await ipam.attributesOf(ip) !== undefined

  test('an address is taken back once its pod is gone, or has another, for a while', async () => {
    const [there, gone, moved, coming] = [await pod('there', 'a'), await pod('gone', 'a'), await pod('moved', 'a', () => '10.0.0.200'), await pod('coming', 'a', () => undefined)]
    pods.delete('default/gone')
    await collector.collect(GRACE_MS)
    nowMs += GRACE_MS - 1
    await collector.collect(GRACE_MS)
    expect([await has(there), await has(gone), await has(moved), await has(coming)]).toEqual([true, true, true, true])
    nowMs += 1
    await collector.collect(GRACE_MS)
    expect([await has(there), await has(gone), await has(moved), await has(coming)]).toEqual([true, false, false, true])
  })

  test('one that looks lost for a moment is kept', async () => {
    const ip = await pod('back', 'a')
    const known = pods.get('default/back')!
    pods.delete('default/back')
    await collector.collect(GRACE_MS)
    nowMs += GRACE_MS / 2
    pods.set('default/back', known)
    await collector.collect(GRACE_MS)
    pods.delete('default/back')
    nowMs += GRACE_MS / 2
    await collector.collect(GRACE_MS)
    expect(await has(ip)).toBe(true)
  })

  test('a node that is gone leaves its blocks at once, but not while its pods are there', async () => {
    const [kept, lost] = [await pod('kept', 'a'), await pod('lost', 'b')]
    const tunnel = await ipam.autoAssign({ node: 'b', handle: 'ipip-tunnel-addr-b', attributes: { node: 'b', type: 'ipipTunnelAddress' }, use: 'Tunnel' })
    nodes.delete('b')
    await collector.collect(GRACE_MS)
    expect([await has(lost), await has(tunnel)]).toEqual([true, false])
    expect((await ipam.affinities('b')).length).toBe(1)
    pods.delete('default/lost')
    await collector.collect(GRACE_MS)
    expect([await has(kept), await has(lost)]).toEqual([true, false])
    expect([(await ipam.affinities('a')).length, (await ipam.affinities('b')).length]).toEqual([1, 0])
  })

  test('of several blocks of a node empty ones go after a while, and one stays', async () => {
    for (const name of ['p1', 'p2', 'p3']) await pod(name, 'a')
    expect((await ipam.affinities('a')).length).toBe(2)
    for (const name of ['p1', 'p2', 'p3']) await ipam.releaseByHandle(name)
    await collector.collect(GRACE_MS)
    expect((await ipam.affinities('a')).length).toBe(2)
    nowMs += GRACE_MS
    await collector.collect(GRACE_MS)
    expect((await ipam.affinities('a')).length).toBe(1)
  })
})
