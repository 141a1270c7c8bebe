import { beforeEach, describe, expect, test } from 'vitest'
import type { BlockSpec } from './ipam-block.ts'
import { Ipam } from './ipam.ts'
import { CALICO_API, Datastore } from './resources.ts'
import { TestStore } from './test-store.ts'

describe("Calico's address management", () => {
  let store: TestStore
  let ipam: Ipam
  let nowMs = 0
  beforeEach(async () => {
    nowMs = 1_000_000
    store = new TestStore()
    ipam = new Ipam(new Datastore(store.call), () => nowMs)
    for (const name of ['a', 'b', 'c']) await store.call('POST', '/api/v1/nodes', { metadata: { name, labels: { 'kubernetes.io/hostname': name } }, spec: {} })
  })
  const pool = (name: string, spec: object) => store.call('POST', `${CALICO_API}/ippools`, { metadata: { name }, spec: { blockSize: 30, ...spec } })
  const want = (node: string, handle: string, more: object = {}) => ipam.autoAssign({ node, handle, attributes: { node, pod: handle, namespace: 'default' }, use: 'Workload', ...more })

  test('a node takes block after block, and borrows from others when there are no more', async () => {
    await pool('small', { cidr: '10.0.0.0/28' })
    const own = [await want('a', 'h1'), await want('a', 'h2'), await want('a', 'h3'), await want('a', 'h4'), await want('a', 'h5')]
    expect(new Set(own).size).toBe(5)
    expect(store.names('blockaffinities')).toHaveLength(2)
    for (let i = 0; i < 2; i++) await want('b', `b${i}`)
    for (let i = 0; i < 4; i++) await want('c', `c${i}`)
    expect(store.names('blockaffinities').map((name) => name[0])).toEqual(['a', 'a', 'b', 'c'])
    // Its own are full: the next ones are those of others.
    await want('c', 'c4')
    expect(store.names('blockaffinities').map((name) => name[0])).toEqual(['a', 'a', 'b', 'c'])
    for (let i = 0; i < 4; i++) await want('c', `more${i}`)
    await expect(want('c', 'last')).rejects.toThrow('Assigned 0 out of 1 requested IPv4 addresses; No IPs available in pools: [10.0.0.0/28]')
    await ipam.releaseByHandle('h3')
    expect(await want('c', 'last')).toBe(own[2])
  })

  test('an empty block of another node is taken over once it is a minute old', async () => {
    await pool('one', { cidr: '10.0.0.0/30' })
    await want('a', 'h1')
    await ipam.releaseByHandle('h1')
    expect(store.names('ipamhandles')).toEqual([])
    nowMs += 61_000
    await want('b', 'h2')
    expect(store.names('blockaffinities')).toEqual(['b-10-0-0-0-30'])
  })

  test('with strict affinity nobody borrows', async () => {
    await pool('one', { cidr: '10.0.0.0/30' })
    await store.call('POST', `${CALICO_API}/ipamconfigs`, { metadata: { name: 'default' }, spec: { strictAffinity: true, autoAllocateBlocks: true, maxBlocksPerHost: 0 } })
    await want('a', 'h1')
    await expect(want('b', 'h2')).rejects.toThrow('Assigned 0 out of 1 requested IPv4 addresses; No more free affine blocks and strict affinity enabled')
    expect(await want('a', 'h3')).toMatch(/^10\.0\.0\./)
  })

  test('pools are chosen by node, namespace, use and name', async () => {
    await pool('for-b', { cidr: '10.1.0.0/24', nodeSelector: "kubernetes.io/hostname == 'b'" })
    await pool('shop', { cidr: '10.2.0.0/24', namespaceSelector: "team == 'shop'" })
    await pool('tunnels', { cidr: '10.3.0.0/24', allowedUses: ['Tunnel'] })
    await pool('by-hand', { cidr: '10.4.0.0/24', assignmentMode: 'Manual' })
    await pool('off', { cidr: '10.0.0.0/24', disabled: true })
    expect(await want('b', 'h1', { namespaceLabels: {} })).toMatch(/^10\.1\./)
    expect(await want('a', 'h2', { namespaceLabels: { team: 'shop' } })).toMatch(/^10\.2\./)
    await expect(want('a', 'h3', { namespaceLabels: {} })).rejects.toThrow('cannot find a qualified ippool, no pools match the required use (Workload)')
    expect(await want('a', 'h3', { namespaceLabels: {}, use: 'Tunnel' })).toMatch(/^10\.3\./)
    expect(await want('a', 'h4', { pools: ['10.4.0.0/24'] })).toMatch(/^10\.4\./)
    await expect(want('a', 'h5', { pools: ['10.0.0.0/24'] })).rejects.toThrow('the given pool (10.0.0.0/24) does not exist, or is not enabled')
  })

  test('who is slower tries again, and a handle counts what it has', async () => {
    await pool('small', { cidr: '10.0.0.0/28' })
    const all = await Promise.all(['h1', 'h2', 'h3'].map((handle) => want('a', handle)))
    expect(new Set(all).size).toBe(3)
    const shared = await Promise.all([want('a', 'h4'), want('b', 'h4')])
    const { spec } = store.objects.get(`${CALICO_API}/ipamhandles/h4`)!
    expect(Object.values(spec.block as Record<string, number>).reduce((sum, count) => sum + count, 0)).toBe(2)
    await ipam.releaseByHandle('h4')
    expect(store.names('ipamhandles')).toEqual(['h1', 'h2', 'h3'])
    expect(await ipam.attributesOf(shared[0])).toBeUndefined()
    expect((await ipam.attributesOf(all[0]!))?.secondary?.pod).toBe('h1')
  })

  test('a certain address is given once', async () => {
    await pool('small', { cidr: '10.0.0.0/28' })
    const request = { node: 'a', handle: 'h1', attributes: { node: 'a' }, use: 'Workload' as const }
    await ipam.assignAddress('10.0.0.6', request)
    await expect(ipam.assignAddress('10.0.0.6', { ...request, handle: 'h2' })).rejects.toThrow('Address already assigned in block')
    await expect(ipam.assignAddress('192.0.2.1', request)).rejects.toThrow('the provided IP address 192.0.2.1 is not in a configured pool')
    await ipam.releaseAddress('10.0.0.6', ({ handle_id: handle }) => handle === 'h2')
    expect(await ipam.attributesOf('10.0.0.6')).toBeDefined()
    await ipam.releaseAddress('10.0.0.6', ({ handle_id: handle }) => handle === 'h1')
    expect(await ipam.attributesOf('10.0.0.6')).toBeUndefined()
  })

  test('a block that loses its node stays until nobody is in it', async () => {
    await pool('small', { cidr: '10.0.0.0/28' })
    const ip = await want('a', 'h1')
    const [affinity] = await ipam.affinities('a')
    expect(await ipam.releaseAffinity(affinity!, { mustBeEmpty: true })).toBe(false)
    expect(await ipam.releaseAffinity(affinity!, { mustBeEmpty: false })).toBe(true)
    expect(store.names('blockaffinities')).toEqual([])
    const [name] = store.names('ipamblocks')
    expect((store.objects.get(`${CALICO_API}/ipamblocks/${name}`)!.spec as BlockSpec).affinity).toBeUndefined()
    await ipam.releaseAddress(ip, () => true)
    expect(store.names('ipamblocks')).toEqual([])
  })
})
