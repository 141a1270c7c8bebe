import { describe, expect, test } from 'vitest'
import { Random } from '../../../base/random.ts'
import { Raft, firstState } from './raft.ts'
import type { ConfigurationChange, DurableState, Entry, MemberId, Message, Output, Refusal } from './types.ts'

/** Members on a network that may lose, delay, double and part; it watches over what may never happen. */
class World {
  readonly random: Random
  readonly members = new Map<MemberId, Raft>()
  readonly #stopped = new Map<MemberId, DurableState>()
  /** What is certain, as whoever said so first said it. */
  readonly certain: Entry[] = []
  readonly #applied = new Map<MemberId, number>()
  readonly #leaders = new Map<number, MemberId>()
  readonly confirmed: number[] = []
  #flight: { message: Message; inTicks: number }[] = []
  cut: (a: MemberId, b: MemberId) => boolean = () => false
  loss = 0
  delay = 0
  #starts = 0

  constructor(seed: string, count: number) {
    this.random = new Random(seed)
    const voters = Array.from({ length: count }, (_, i) => String(i + 1))
    for (const id of voters) this.#begin(id, firstState({ voters, learners: [] }))
  }

  #begin(id: MemberId, state?: DurableState): Raft {
    const raft = new Raft({ id, random: this.random.fork(`${id}/${this.#starts++}`), ...(state ? { state } : {}) })
    this.members.set(id, raft)
    return raft
  }

  add(id: MemberId): void {
    this.#begin(id)
  }

  stop(id: MemberId): void {
    const raft = this.members.get(id)
    if (!raft) return
    this.#stopped.set(id, raft.state)
    this.members.delete(id)
    this.#flight = this.#flight.filter(({ message }) => message.to !== id)
  }

  restart(id: MemberId): void {
    const state = this.#stopped.get(id)
    if (state && !this.members.has(id)) this.#begin(id, state)
  }

  get leader(): Raft | undefined {
    return [...this.members.values()].filter(({ role }) => role === 'leader').sort((a, b) => b.term - a.term)[0]
  }

  get(id: MemberId): Raft {
    return this.members.get(id)!
  }

  take(raft: Raft, output: Output): void {
    if (raft.role === 'leader') {
      const known = this.#leaders.get(raft.term)
      if (known !== undefined && known !== raft.id) throw new Error(`term ${raft.term} has two leaders, ${known} and ${raft.id}`)
      this.#leaders.set(raft.term, raft.id)
    }
    if (output.installed) this.#applied.set(raft.id, output.installed.index)
    for (const entry of output.committed) {
      const known = this.certain[entry.index - 1]
      if (known && (known.term !== entry.term || known.data !== entry.data)) throw new Error(`${raft.id} says that ${JSON.stringify(entry)} is certain, and it was ${JSON.stringify(known)}`)
      this.certain[entry.index - 1] = entry
      const before = this.#applied.get(raft.id)
      if (before !== undefined && entry.index > before + 1) throw new Error(`${raft.id} skips from ${before} to ${entry.index}`)
      this.#applied.set(raft.id, Math.max(before ?? 0, entry.index))
    }
    this.confirmed.push(...output.confirmedReads)
    for (const message of output.messages) {
      if (this.random.float() < this.loss) continue
      this.#flight.push({ message, inTicks: this.random.int(this.delay + 1) })
      if (this.loss > 0 && this.random.float() < 0.05) this.#flight.push({ message, inTicks: this.random.int(this.delay + 3) })
    }
  }

  /** Delivers what is due until nothing is. */
  settle(): void {
    for (let at = this.#flight.findIndex(({ inTicks }) => inTicks <= 0); at >= 0; at = this.#flight.findIndex(({ inTicks }) => inTicks <= 0)) {
      const { message } = this.#flight.splice(at, 1)[0]!
      const raft = this.members.get(message.to)
      if (raft && !this.cut(message.from, message.to)) this.take(raft, raft.step(message))
    }
  }

  tick(times = 1): void {
    for (let i = 0; i < times; i++) {
      for (const each of this.#flight) each.inTicks--
      for (const raft of [...this.members.values()]) this.take(raft, raft.tick())
      this.settle()
    }
  }

  propose(data: unknown, raft = this.leader): Output | Refusal | undefined {
    const output = raft?.propose(data)
    if (raft && typeof output === 'object') {
      this.take(raft, output)
      this.settle()
    }
    return output
  }

  change(change: ConfigurationChange): Output | Refusal | undefined {
    const raft = this.leader
    const output = raft?.change(change)
    if (raft && typeof output === 'object') {
      this.take(raft, output)
      this.settle()
    }
    return output
  }

  data(): unknown[] {
    return this.certain.filter((entry) => entry?.data !== undefined).map(({ data }) => data)
  }
}

const seen = ({ id, role, term, leader, configuration }: Raft) => ({ id, role, term, leader, configuration })

const electedAmong = (count: number) => {
  const world = new World(`of ${count}`, count)
  world.tick(25)
  return world
}

describe('electing', () => {
  test('one of several becomes the leader, whom all follow, in a term of its own', () => {
    for (const count of [1, 2, 3, 5]) {
      const world = electedAmong(count)
      const { id, term } = world.leader!
      for (const member of world.members.values()) expect({ leader: member.leader, term: member.term }).toEqual({ leader: id, term })
    }
  })

  test('when the leader is gone another takes over within two elections, and the old one follows when it is back', () => {
    const world = electedAmong(3)
    const old = world.leader!.id
    world.stop(old)
    world.tick(45)
    const { id, term } = world.leader!
    expect(id).not.toBe(old)
    world.restart(old)
    world.tick(3)
    expect(seen(world.get(old))).toMatchObject({ role: 'follower', leader: id, term })
  })

  test('one of three alone elects nobody, and its term stays, so that it disturbs nobody when it is back', () => {
    const world = electedAmong(3)
    const { id, term } = world.leader!
    const other = [...world.members.keys()].find((each) => each !== id)!
    world.cut = (a, b) => a === other || b === other
    world.tick(100)
    expect(seen(world.get(other))).toMatchObject({ role: 'pre-candidate', term })
    world.cut = () => false
    world.tick(3)
    expect(seen(world.leader!)).toMatchObject({ id, term })
    expect(world.get(other).leader).toBe(id)
  })

  test('a leader that hears from no majority gives up', () => {
    const world = electedAmong(3)
    const { id } = world.leader!
    world.cut = (a, b) => a === id || b === id
    world.tick(21)
    expect(world.get(id).role).not.toBe('leader')
    expect(world.leader!.id).not.toBe(id)
  })

  test('leadership is handed over on demand', () => {
    const world = electedAmong(3)
    const { id, term } = world.leader!
    const other = [...world.members.keys()].find((each) => each !== id)!
    world.take(world.leader!, world.leader!.transferLeadership(other) as Output)
    world.settle()
    expect(seen(world.leader!)).toMatchObject({ id: other, term: term + 1 })
    expect(world.get(id).leader).toBe(other)
  })

  test('leadership that nobody takes over stays where it was after a while, and takes nothing meanwhile', () => {
    const world = electedAmong(3)
    const { id } = world.leader!
    const other = [...world.members.keys()].find((each) => each !== id)!
    world.stop(other)
    world.take(world.leader!, world.leader!.transferLeadership(other) as Output)
    expect(world.propose('x')).toBe('transferring')
    world.tick(11)
    expect(world.leader!.id).toBe(id)
    expect(world.propose('x')).not.toBe('transferring')
  })
})

describe('the log', () => {
  test('what a majority has is certain at once, and only then', () => {
    const world = electedAmong(5)
    const { id } = world.leader!
    const others = [...world.members.keys()].filter((each) => each !== id)
    world.stop(others[0]!)
    world.stop(others[1]!)
    world.propose('with three of five')
    expect(world.data()).toEqual(['with three of five'])
    world.stop(others[2]!)
    world.propose('with two of five')
    world.tick(5)
    expect(world.data()).toEqual(['with three of five'])
    world.restart(others[2]!)
    world.tick(60)
    expect(world.leader).toBeDefined()
    expect(world.data()).toEqual(['with three of five', 'with two of five'])
  })

  test('what only a lost leader had is replaced by what its successor says', () => {
    const world = electedAmong(3)
    const { id } = world.leader!
    world.cut = (a, b) => a === id || b === id
    world.propose('never heard', world.get(id))
    world.tick(45)
    world.propose('of the successor', world.leader!)
    world.cut = () => false
    world.tick(30)
    expect(world.data()).toEqual(['of the successor'])
    expect(world.get(id).entries.map(({ data }) => data)).not.toContain('never heard')
    expect(world.get(id).commitIndex).toBe(world.leader!.commitIndex)
  })

  test('whoever was away gets what it missed; if that is forgotten, as a snapshot', () => {
    const world = electedAmong(3)
    const other = [...world.members.keys()].find((each) => each !== world.leader!.id)!
    world.stop(other)
    for (let i = 0; i < 20; i++) world.propose(i)
    world.leader!.compact(5)
    expect(world.leader!.entries).toHaveLength(5)
    world.restart(other)
    world.tick(5)
    expect(world.get(other).commitIndex).toBe(world.leader!.commitIndex)
    world.propose('later')
    expect(world.get(other).entries.at(-1)!.data).toBe('later')
  })

  test('a follower takes nothing, and one whose log is lost does not pretend to have it', () => {
    const world = electedAmong(3)
    const other = [...world.members.values()].find(({ role }) => role === 'follower')!
    expect(other.propose('x')).toBe('not-leader')
    world.propose('x')
    world.stop(other.id)
    const blank = new Raft({ id: other.id, random: world.random.fork('blank') })
    world.members.set(other.id, blank)
    expect(() => world.tick()).toThrow(/^tocommit\(\d+\) is out of range \[lastIndex\(0\)\]\. Was the raft log corrupted, truncated, or lost\?$/)
  })

  test('a read is confirmed by a majority, and by nobody else', () => {
    const world = electedAmong(3)
    const ask = () => {
      const asked = world.leader!.read()
      if (typeof asked === 'string') throw new Error(asked)
      world.take(world.leader!, asked.output)
      world.settle()
      return asked.read
    }
    expect(world.confirmed).toContain(ask())
    world.cut = () => true
    expect(world.confirmed).not.toContain(ask())
  })
})

describe('who belongs to it', () => {
  test('a learner gets the log and has no say until it is promoted', () => {
    const world = electedAmong(1)
    world.propose('before')
    world.change({ type: 'add-learner', id: '2' })
    world.propose('without waiting for the learner')
    expect(world.data()).toEqual(['before', 'without waiting for the learner'])
    world.add('2')
    world.tick(3)
    expect(seen(world.get('2'))).toMatchObject({ leader: '1', configuration: { voters: ['1'], learners: ['2'] } })
    expect(world.get('2').commitIndex).toBe(world.get('1').commitIndex)
    world.change({ type: 'add-voter', id: '2' })
    world.stop('2')
    world.propose('waits')
    expect(world.data()).not.toContain('waits')
    world.restart('2')
    world.tick(30)
    expect(world.data()).toContain('waits')
  })

  test('a voter that is added to one member is waited for', () => {
    const world = electedAmong(1)
    world.change({ type: 'add-voter', id: '2' })
    world.propose('waits')
    expect(world.data()).toEqual([])
    world.add('2')
    world.tick(30)
    expect(world.data()).toEqual(['waits'])
  })

  test('changes come one at a time', () => {
    const world = electedAmong(3)
    world.cut = () => true
    expect(typeof world.change({ type: 'add-learner', id: '4' })).toBe('object')
    expect(world.change({ type: 'add-learner', id: '5' })).toBe('change-under-way')
  })

  test('whoever is removed learns of it, and the rest is fewer', () => {
    const world = electedAmong(3)
    const gone = [...world.members.keys()].find((each) => each !== world.leader!.id)!
    world.change({ type: 'remove', id: gone })
    expect(world.get(gone).configuration.voters).not.toContain(gone)
    expect(world.leader!.configuration.voters).toHaveLength(2)
  })

  test('a leader that is removed gives way', () => {
    const world = electedAmong(3)
    const { id } = world.leader!
    world.change({ type: 'remove', id })
    expect(world.get(id).role).toBe('follower')
    world.tick(45)
    expect(world.leader!.id).not.toBe(id)
    expect(world.leader!.configuration.voters).toHaveLength(2)
    world.propose('goes on')
    expect(world.data()).toEqual(['goes on'])
  })
})

describe('whatever happens', () => {
  test.each(Array.from({ length: 60 }, (_, i) => i))('no term has two leaders and nothing certain changes (%i)', (seed) => {
    const random = new Random(`storm ${seed}`)
    const count = random.pick([3, 4, 5])
    const world = new World(`storm ${seed}`, count)
    world.loss = random.pick([0, 0.05, 0.3])
    world.delay = random.pick([0, 3, 12])
    let proposed = 0
    let next = count + 1
    for (let round = 0; round < 60; round++) {
      const ids = [...world.members.keys()]
      switch (random.int(9)) {
        case 0: { const half = new Set(ids.filter(() => random.float() < 0.5)); world.cut = (a, b) => half.has(a) !== half.has(b); break }
        case 1: world.cut = () => false; break
        case 2: if (ids.length > 1) world.stop(random.pick(ids)); break
        case 3: for (let id = 1; id < next; id++) if (random.float() < 0.5) world.restart(String(id)); break
        case 4: for (const raft of world.members.values()) if (random.float() < 0.3) raft.compact(random.int(4)); break
        case 5: if (world.leader && next < 8 && typeof world.change({ type: 'add-learner', id: String(next) }) === 'object') world.add(String(next++)); break
        case 6: { const [learner] = world.leader?.configuration.learners ?? []; if (learner !== undefined) world.change({ type: 'add-voter', id: learner }); break }
        case 7: { const voters = world.leader?.configuration.voters ?? []; if (voters.length > 3) world.change({ type: 'remove', id: random.pick(voters) }); break }
        case 8: { const { leader } = world; if (leader) { const output = leader.transferLeadership(random.pick(leader.configuration.voters)); if (typeof output === 'object') world.take(leader, output) } break }
      }
      for (let i = random.int(4); i > 0; i--) world.propose(++proposed)
      world.tick(random.int(20))
    }
    // With everybody back on a sound network it goes on.
    world.cut = () => false
    world.loss = world.delay = 0
    for (let id = 1; id < next; id++) world.restart(String(id))
    world.tick(120)
    const leader = world.leader!
    world.propose('at last')
    world.tick(5)
    expect(world.data().at(-1)).toBe('at last')
    const { voters, learners } = leader.configuration
    for (const id of [...voters, ...learners]) expect(world.get(id).commitIndex).toBe(leader.commitIndex)
    expect(new Set(world.data()).size).toBe(world.data().length)
  })
})
