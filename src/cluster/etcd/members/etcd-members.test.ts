import { beforeEach, expect, test } from 'vitest'
import { Random } from '../../../base/random.ts'
import { OrderedClock } from '../../../../test/ordered-clock.ts'
import { Etcd } from '../etcd.ts'
import { EtcdMembers, peerUrl } from './etcd-members.ts'
import type { MemberDisk } from './member-record.ts'

const IPS: Readonly<Record<string, string>> = { a: '10.0.0.1', b: '10.0.0.2', c: '10.0.0.3' }
let clock: OrderedClock
let etcd: Etcd
let disks: Map<string, Map<string, string>>
let crashes: string[]
let members: EtcdMembers

function diskOf(host: string): MemberDisk {
  const files = disks.get(host) ?? new Map<string, string>()
  disks.set(host, files)
  return { exists: (path) => files.has(path), readText: (path) => files.get(path)!, mkdir() {}, writeFile(path, text) { files.set(path, text) } }
}

const create = (store: Etcd) => new EtcdMembers({ etcd: store, clock, random: new Random('members'), founder: { host: 'a', ip: IPS['a']! }, disk: diskOf, reaches: () => true, onCrash: (host, words) => crashes.push(`${host}: ${words}`) })

/** Three members that run. */
async function grow(): Promise<void> {
  members.start('a', IPS['a']!)
  for (const host of ['b', 'c']) {
    const { id } = members.add([peerUrl(IPS[host]!)], true)
    members.start(host, IPS[host]!)
    await clock.advance(500)
    members.promote(id)
  }
}

beforeEach(() => {
  clock = new OrderedClock({ startMs: Date.UTC(2026, 5, 1) })
  etcd = new Etcd({ clock })
  disks = new Map()
  crashes = []
  members = create(etcd)
})

test('one member alone agrees with nobody', () => {
  members.start('a', IPS['a']!)
  etcd.put('key', 1)
  expect(members.isShared).toBe(false)
  expect(members.status('a')).toMatchObject({ term: 2, index: etcd.revision, leader: members.list()[0]!.id })
  expect(disks.get('a')!.size).toBe(0)
})

test('what is put is with a majority at once, and in no store without one', async () => {
  await grow()
  etcd.put('key', 1)
  for (const host of ['a', 'b', 'c']) expect(members.status(host)!.revision).toBe(etcd.revision)
  members.stop('c')
  etcd.put('key', 2)
  members.stop('b')
  const { revision } = etcd
  expect(() => etcd.put('key', 3)).toThrow('etcdserver: request timed out')
  expect(() => members.confirmLeader()).toThrow('etcdserver: request timed out')
  expect(etcd.get('key')!.value).toBe(2)
  expect(etcd.revision).toBe(revision)
  const over = members.outage()
  expect(over).toBeDefined()
  members.start('c', IPS['c']!)
  await clock.advance(4_000)
  await over
  etcd.put('key', 4)
  expect(members.status('c')).toMatchObject({ revision: etcd.revision, index: members.status('a')!.index })
})

test('a member that was behind has what it had, until it hears the rest', async () => {
  await grow()
  members.stop('c')
  const behind = etcd.revision
  etcd.put('key', 1)
  members.stop('a')
  members.stop('b')
  members.start('c', IPS['c']!)
  expect(members.status('c')).toMatchObject({ revision: behind, leader: undefined })
  expect(members.isAvailable).toBe(false)
})

test('members find themselves again by what their disks say, also those that never ended', async () => {
  await grow()
  members.stop('b')
  for (let i = 0; i < 20; i++) etcd.put('key', i)
  const before = members.status('a')!
  const list = members.list()
  const again = Etcd.restore(etcd.snapshot(), [], { clock })
  members = create(again)
  for (const host of ['a', 'c', 'b']) members.start(host, IPS[host]!)
  members.resume()
  expect(members.isAvailable).toBe(true)
  expect(members.list()).toEqual(list)
  again.put('key', 'after')
  await clock.advance(300)
  expect(members.status('a')).toMatchObject({ term: before.term + 1, leader: before.leader, index: before.index + 2 })
  expect(members.status('b')).toMatchObject({ revision: again.revision, index: members.status('a')!.index })
})

test('a member that was removed may not begin, and one without its data panics where others count on them', async () => {
  await grow()
  const third = members.list().find(({ name }) => name === 'c')!
  members.remove(third.id)
  expect(crashes).toEqual(['c: the member has been permanently removed from the cluster'])
  expect(members.refusal('c', IPS['c']!)).toBe('the member has been permanently removed from the cluster')
  expect(members.list().map(({ name }) => name).sort()).toEqual(['a', 'b'])
  members.stop('b')
  disks.get('b')!.clear()
  members.start('b', IPS['b']!)
  await clock.advance(200)
  expect(crashes.at(-1)).toMatch(/^b: tocommit\(\d+\) is out of range \[lastIndex\(0\)\]/)
})

test('changes that would take the majority away are refused', async () => {
  await grow()
  const [b, c] = ['b', 'c'].map((host) => members.list().find(({ name }) => name === host)!.id)
  members.stop('b')
  expect(() => members.remove(c!)).toThrow('etcdserver: re-configuration failed due to not enough started members')
  members.remove(b!)
  expect(members.list()).toHaveLength(2)
  expect(() => members.add([peerUrl(IPS['a']!)], false)).toThrow('etcdserver: Peer URLs already exists')
  expect(() => members.remove('1')).toThrow('etcdserver: member not found')
  expect(() => members.promote(c!)).toThrow('etcdserver: can only promote a learner member')
})
