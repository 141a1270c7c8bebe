import type { Clock, Timer } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import { quorumOf } from '../raft/configuration.ts'
import { Raft, firstState } from '../raft/raft.ts'
import type { ConfigurationChange, Entry, MemberId, Message, Output } from '../raft/types.ts'
import type { Etcd } from '../etcd.ts'
import { EtcdError } from '../types.ts'
import { computeClusterId, computeMemberId } from './member-id.ts'
import { configurationOf, readRecord, stateOf, writeRecord } from './member-record.ts'
import type { MemberDisk, MemberInfo } from './member-record.ts'

export interface EtcdMembersOptions {
  etcd: Etcd
  clock: Clock
  random: Random
  /** The one that the cluster began with. */
  founder: { host: string; ip: string }
  /** The disk of a host that is on. */
  disk(host: string): MemberDisk
  /** Whether what a host sends reaches another one's peer port. */
  reaches(from: string, to: string): boolean
  /** A member's process can't go on; its last words. */
  onCrash(host: string, lastWords: string): void
}

/** A member whose process runs. */
interface RunningMember {
  readonly id: MemberId
  readonly host: string
  readonly raft: Raft
  /** The store's revision behind what is certain for this member. */
  revision: number
  /** What of its record is on its disk. */
  written: string
}

/** What a member answers about itself. */
export interface MemberStatus {
  readonly id: MemberId
  readonly leader: MemberId | undefined
  readonly term: number
  readonly index: number
  readonly revision: number
  readonly isLearner: boolean
}

/** An entry of a change says more of the member than its number. */
interface ChangeData {
  readonly member?: MemberInfo
}

const TICK_MS = 100
/** How often a cluster is looked at in which nothing happens. */
const QUIET_MS = 1_000
/** k8s: etcd's --snapshot-count, and how many entries it keeps behind one */
const COMPACT_AFTER = 10_000
const TRAILING = 5_000
/** A learner that has this share of the leader's log may be promoted. k8s: etcdserver readyPercentThreshold */
const READY_SHARE = 0.9

/**
 * The members of an etcd cluster and their agreement. The store is kept once: what a majority of running members that reach each other has in its log goes
 * into it, and nothing else. As long as there is one member there is nothing to agree about, and writes go straight into the store.
 */
export class EtcdMembers {
  /** The cluster's number. */
  readonly clusterId: string
  readonly #founderId: MemberId
  readonly #options: EtcdMembersOptions
  readonly #members = new Map<MemberId, MemberInfo>()
  readonly #removed = new Set<MemberId>()
  readonly #running = new Map<MemberId, RunningMember>()
  /** Up to which entry {@link #members} is. */
  #knownIndex = 0
  /** The one member's process, while it is the only one ever. */
  #isSoloRunning = false
  #isShared = false
  #starts = 0
  #queue: { message: Message; from: string }[] = []
  #isDelivering = false
  #tick: Timer | undefined
  /** Up to when ticks were counted. */
  #tickedMs = 0
  #waiting: (() => void)[] = []
  /** Who led when everything stood still. */
  #resumeFrom: MemberId | undefined
  /** Takes the numbers of the reads that are confirmed while somebody asks. */
  #confirmed: Set<number> | undefined
  /** What is said of members whose changes are under way. */
  readonly #pending = new Map<MemberId, ChangeData>()

  constructor(options: EtcdMembersOptions) {
    this.#options = options
    const { host, ip } = options.founder
    this.#founderId = computeMemberId([peerUrl(ip)])
    this.clusterId = computeClusterId([this.#founderId])
    this.#members.set(this.#founderId, { id: this.#founderId, name: host, peerUrls: [peerUrl(ip)], clientUrls: [clientUrl(ip)], isLearner: false })
  }

  /** Whether there were ever several members, so that they have to agree. */
  get isShared(): boolean {
    return this.#isShared
  }

  /** Those that belong to the cluster, by their numbers. */
  list(): readonly MemberInfo[] {
    return [...this.#members.values()].sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1))
  }

  /** Why a host's etcd can't begin, with what its disk and its cluster say: its last words. */
  refusal(host: string, ip: string): string | undefined {
    const record = readRecord(this.#options.disk(host))
    if (record) this.#recall(record)
    if (!record && !this.#isShared) return undefined
    const id = record?.id ?? this.#idAt(ip)
    if (id === undefined) return 'member count is unequal'
    return this.#removed.has(id) ? 'the member has been permanently removed from the cluster' : undefined
  }

  /** A host's process begins. Where it can't nothing happens, see {@link refusal}. */
  start(host: string, ip: string): void {
    if (this.refusal(host, ip) !== undefined) return
    const record = readRecord(this.#options.disk(host))
    if (record) this.#share()
    if (!this.#isShared) {
      this.#isSoloRunning = true
      return
    }
    const id = record?.id ?? this.#idAt(ip)!
    const { etcd, random } = this.#options
    const state = record && stateOf(record, etcd.revision)
    const member: RunningMember = { id, host, raft: new Raft({ id, random: random.fork(`${host}/${this.#starts++}`), ...(state ? { state } : {}) }), revision: record?.isRunning ? etcd.revision : record?.revision ?? 0, written: '' }
    // One that led when everything stood still goes on doing so.
    if (record?.isRunning && record.wasLeader) this.#resumeFrom = id
    this.#catchUp()
    this.#running.set(id, member)
    this.#keep(member)
    this.#disturb()
  }

  /** All processes of before a standstill run again: whoever led asks for votes at once. */
  resume(): void {
    const member = this.#resumeFrom === undefined ? undefined : this.#running.get(this.#resumeFrom)
    this.#resumeFrom = undefined
    if (member) this.#step(member, () => member.raft.campaign())
  }

  /** A host's process has ended. */
  stop(host: string): void {
    if (!this.#isShared) {
      if (host === this.#options.founder.host) this.#isSoloRunning = false
      return
    }
    const member = this.#on(host)
    if (!member) return
    this.#catchUp()
    this.#running.delete(member.id)
    this.#keep(member, false)
    if (this.#running.size > 0) this.#disturb()
    else {
      this.#tick?.cancel()
      this.#tick = undefined
    }
  }

  /** Whether a member's process runs on a host. */
  isRunning(host: string): boolean {
    return this.#isShared ? this.#on(host) !== undefined : this.#isSoloRunning && host === this.#options.founder.host
  }

  /** Whether writes and reads that have to be up to date are possible. */
  get isAvailable(): boolean {
    return !this.#isShared || this.#workingLeader() !== undefined
  }

  /** Undefined while writes and reads that have to be up to date are possible; resolves once they are again. */
  outage(): Promise<void> | undefined {
    if (this.isAvailable) return undefined
    return new Promise((resolve) => { this.#waiting.push(resolve) })
  }

  /** What the member on a host says of itself; undefined while none runs there. */
  status(host: string): MemberStatus | undefined {
    if (!this.isRunning(host)) return undefined
    const { etcd } = this.#options
    if (!this.#isShared) return { id: this.#founderId, leader: this.#founderId, term: 2, index: etcd.revision, revision: etcd.revision, isLearner: false }
    const { id, raft, revision } = this.#on(host)!
    return { id, leader: raft.leader, term: raft.term, index: raft.commitIndex, revision, isLearner: this.#members.get(id)?.isLearner ?? false }
  }

  /** The leader asks the others whether it still is one. @throws EtcdError where a majority doesn't say so */
  confirmLeader(): void {
    if (!this.#isShared) return
    const leader = this.#workingLeader()
    const asked = leader?.raft.read()
    if (!leader || typeof asked !== 'object') throw new EtcdError('timeout')
    const confirmed = new Set<number>(asked.output.confirmedReads)
    this.#confirmed = confirmed
    this.#take(leader, asked.output)
    this.#deliver()
    this.#confirmed = undefined
    if (!confirmed.has(asked.read)) throw new EtcdError('timeout')
  }

  /** k8s: etcdserver AddMember. @throws EtcdError */
  add(peerUrls: readonly string[], isLearner: boolean): MemberInfo {
    for (const url of peerUrls) if (this.list().some((member) => member.peerUrls.includes(url))) throw new EtcdError('peer-url-exists')
    if (isLearner && this.list().some((member) => member.isLearner)) throw new EtcdError('too-many-learners')
    this.#share()
    if (!isLearner && this.#voters().length > 1 && this.#started().length < quorumOf(this.#voters().length + 1)) throw new EtcdError('not-enough-started')
    const id = computeMemberId(peerUrls, Math.floor(this.#options.clock.nowMs() / 1000))
    const member: MemberInfo = { id, name: '', peerUrls: [...peerUrls], clientUrls: [], isLearner }
    this.#change({ type: isLearner ? 'add-learner' : 'add-voter', id }, { member })
    return member
  }

  /** k8s: etcdserver PromoteMember. @throws EtcdError */
  promote(id: MemberId): void {
    const member = this.#need(id)
    if (!member.isLearner) throw new EtcdError('not-learner')
    const leader = this.#workingLeader()
    if (!leader) throw new EtcdError('timeout')
    if ((leader.raft.matchOf(id) ?? 0) < leader.raft.lastIndex * READY_SHARE) throw new EtcdError('learner-not-ready')
    this.#change({ type: 'add-voter', id }, { member: { ...member, isLearner: false } })
  }

  /** k8s: etcdserver RemoveMember. @throws EtcdError */
  remove(id: MemberId): void {
    const member = this.#need(id)
    if (!member.isLearner) {
      const left = this.#voters().filter((voter) => voter !== id)
      if (left.length === 0 || this.#started().filter((voter) => voter !== id).length < quorumOf(left.length)) throw new EtcdError('not-enough-started')
    }
    this.#change({ type: 'remove', id }, {})
  }

  /** k8s: etcdserver MoveLeader. @throws EtcdError */
  moveLeader(from: string, to: MemberId): void {
    const member = this.#on(from)
    if (!member || member.raft.role !== 'leader') throw new EtcdError('not-leader')
    if (!this.#voters().includes(to)) throw new EtcdError('bad-leader-transferee')
    this.#step(member, () => { const output = member.raft.transferLeadership(to); return typeof output === 'string' ? NOTHING : output })
    if (to !== member.id && member.raft.leader !== to) throw new EtcdError('timeout')
  }

  /** From now on members have to agree. */
  #share(): void {
    if (this.#isShared) return
    this.#isShared = true
    const { etcd, founder, random } = this.#options
    etcd.replicateBy((revision) => this.#agree(revision))
    if (!this.#isSoloRunning) return
    this.#catchUp()
    const configuration = configurationOf(this.list())
    const raft = new Raft({ id: this.#founderId, random: random.fork(`${founder.host}/${this.#starts++}`), state: firstState(configuration, etcd.revision, 1) })
    const member: RunningMember = { id: this.#founderId, host: founder.host, raft, revision: etcd.revision, written: '' }
    this.#running.set(this.#founderId, member)
    this.#step(member, () => raft.campaign())
    this.#disturb()
  }

  /** A write becomes part of the store once a majority has it. @throws EtcdError */
  #agree(revision: number): void {
    const leader = this.#workingLeader()
    const output = leader?.raft.propose(revision)
    if (!leader || typeof output !== 'object') throw new EtcdError('timeout')
    const index = leader.raft.lastIndex
    this.#take(leader, output)
    this.#deliver()
    if (leader.raft.commitIndex >= index) return
    // Who was away a moment ago hears from its leader first.
    try {
      this.confirmLeader()
    } catch { /* Then it isn't certain either. */ }
    if (leader.raft.commitIndex < index) throw new EtcdError('timeout')
  }

  #change(change: ConfigurationChange, data: ChangeData): void {
    const leader = this.#workingLeader()
    if (!leader) throw new EtcdError('timeout')
    const { id } = change
    this.#pending.set(id, data)
    this.#step(leader, () => {
      const output = leader.raft.change(change)
      if (typeof output === 'string') throw new EtcdError('timeout')
      return output
    })
  }

  /** The leader, if a majority of the voters reaches it and is reached by it. */
  #workingLeader(): RunningMember | undefined {
    for (const member of this.#running.values()) {
      const { raft, host } = member
      if (raft.role !== 'leader') continue
      const { voters } = raft.configuration
      let count = 0
      for (const id of voters) {
        const other = this.#running.get(id)
        if (other && (other === member || (this.#options.reaches(host, other.host) && this.#options.reaches(other.host, host)))) count++
      }
      if (count >= quorumOf(voters.length)) return member
    }
    return undefined
  }

  #on(host: string): RunningMember | undefined {
    for (const member of this.#running.values()) if (member.host === host) return member
    return undefined
  }

  #idAt(ip: string): MemberId | undefined {
    return this.list().find(({ peerUrls }) => peerUrls.includes(peerUrl(ip)))?.id
  }

  #need(id: MemberId): MemberInfo {
    const member = this.#members.get(id)
    if (!member) throw new EtcdError(this.#removed.has(id) ? 'member-removed' : 'member-not-found')
    return member
  }

  #voters(): MemberId[] {
    return this.list().filter(({ isLearner }) => !isLearner).map(({ id }) => id)
  }

  /** Voters whose processes run. */
  #started(): MemberId[] {
    return this.#voters().filter((id) => this.#running.has(id))
  }

  /** Somebody came or went: from here on each tick counts. */
  #disturb(): void {
    this.#catchUp()
    this.#scheduleSoon()
  }

  #scheduleTick(delayMs: number): void {
    this.#tick = this.#options.clock.after(delayMs, () => {
      this.#tick = undefined
      this.#catchUp()
      if (this.#running.size > 0) this.#scheduleTick(this.#isQuiet() ? QUIET_MS : TICK_MS)
    })
  }

  /** The next tick is looked at by itself. */
  #scheduleSoon(): void {
    this.#tick?.cancel()
    this.#scheduleTick(TICK_MS)
  }

  /** The ticks that have passed since it was last looked. */
  #catchUp(): void {
    const nowMs = this.#options.clock.nowMs()
    if (this.#running.size === 0) this.#tickedMs = nowMs
    for (; this.#tickedMs + TICK_MS <= nowMs; this.#tickedMs += TICK_MS) for (const member of [...this.#running.values()]) this.#step(member, () => member.raft.tick())
    this.#introduce()
    if (this.#waiting.length > 0 && this.#workingLeader()) for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** All that run follow a leader that works: nothing but heartbeats until somebody comes or goes, which may as well be looked at together. */
  #isQuiet(): boolean {
    const leader = this.#workingLeader()
    return leader !== undefined && [...this.#running.values()].every(({ id, raft }) => raft.leader === leader.id && raft.commitIndex === leader.raft.commitIndex && this.#members.get(id)?.name !== '')
  }

  /** Whoever has started for the first time tells the others its name and where clients find it. */
  #introduce(): void {
    for (const { id, host, raft } of this.#running.values()) {
      const info = this.#members.get(id)
      if (!info || info.name !== '' || raft.leader === undefined) continue
      this.#members.set(id, { ...info, name: host, clientUrls: info.peerUrls.map((url) => url.replace(/:\d+$/, ':2379')) })
      for (const member of this.#running.values()) this.#keep(member)
    }
  }

  #step(member: RunningMember, input: () => Output): void {
    try {
      this.#take(member, input())
    } catch (error) {
      if (error instanceof EtcdError) throw error
      this.#crash(member, error as Error)
    }
    this.#deliver()
  }

  /** Messages take no time, and are lost where nobody listens. */
  #deliver(): void {
    if (this.#isDelivering) return
    this.#isDelivering = true
    try {
      for (let sent = this.#queue.shift(); sent; sent = this.#queue.shift()) {
        const to = this.#running.get(sent.message.to)
        if (!to || !this.#options.reaches(sent.from, to.host)) continue
        try {
          this.#take(to, to.raft.step(sent.message))
        } catch (error) {
          this.#crash(to, error as Error)
        }
      }
    } finally {
      this.#isDelivering = false
    }
  }

  #take(member: RunningMember, output: Output): void {
    for (const message of output.messages) this.#queue.push({ message, from: member.host })
    for (const read of output.confirmedReads) this.#confirmed?.add(read)
    if (output.installed) member.revision = this.#options.etcd.revision
    for (const entry of output.committed) {
      if (typeof entry.data === 'number') member.revision = entry.data
      if (entry.change) this.#applyChange(entry, entry.change)
    }
    const { raft } = member
    if (raft.entries.length > COMPACT_AFTER) raft.compact(TRAILING)
    this.#keep(member)
    if (this.#removed.has(member.id) && output.committed.some(({ change }) => change?.type === 'remove' && change.id === member.id)) {
      this.#running.delete(member.id)
      this.#options.onCrash(member.host, 'the member has been permanently removed from the cluster')
    }
  }

  #applyChange({ index }: Entry, { type, id }: ConfigurationChange): void {
    if (index <= this.#knownIndex) return
    this.#knownIndex = index
    const { member } = this.#pending.get(id) ?? {}
    this.#pending.delete(id)
    if (type === 'remove') {
      this.#members.delete(id)
      this.#removed.add(id)
    } else if (member) this.#members.set(id, member)
    for (const each of this.#running.values()) this.#keep(each)
    this.#scheduleSoon()
  }

  #crash(member: RunningMember, error: Error): void {
    this.#running.delete(member.id)
    if (this.#running.size > 0) this.#scheduleSoon()
    this.#options.onCrash(member.host, error.message)
  }

  /** Takes up what a disk knows, if it knows more. */
  #recall({ index, isRunning, revision, members, removed }: { index: number; isRunning: boolean; revision: number; members: readonly MemberInfo[]; removed: readonly MemberId[] }): void {
    const at = index + (isRunning ? this.#options.etcd.revision - revision : 0)
    if (at <= this.#knownIndex) return
    this.#knownIndex = at
    this.#members.clear()
    for (const member of members) this.#members.set(member.id, member)
    for (const id of removed) this.#removed.add(id)
  }

  /** Writes a member's record when something of it has changed but how far it has got, which follows from the store. */
  #keep({ id, host, raft, revision, written }: RunningMember, isRunning = true): void {
    const { state } = raft
    const key = `${state.term} ${state.votedFor} ${state.commit - revision} ${raft.role === 'leader'} ${isRunning} ${this.#knownIndex} ${this.list().map(({ name, isLearner }) => `${name}${isLearner}`).join()}`
    if (key === written) return
    const member = this.#running.get(id)
    if (member) member.written = key
    const place = state.entries.find(({ index }) => index === state.commit) ?? state.base
    writeRecord(this.#options.disk(host), {
      id, term: state.term, ...(state.votedFor === undefined ? {} : { votedFor: state.votedFor }), index: state.commit, indexTerm: place.term, revision,
      isRunning, wasLeader: raft.role === 'leader', members: this.list(), removed: [...this.#removed],
    })
  }
}

const NOTHING: Output = { messages: [], committed: [], confirmedReads: [] }

/** Where members reach each other. */
export function peerUrl(ip: string): string {
  return `https://${ip}:2380`
}

/** Where clients reach a member. */
function clientUrl(ip: string): string {
  return `https://${ip}:2379`
}

