import type { Random } from '../../../base/random.ts'
import { changed, quorumOf } from './configuration.ts'
import { RaftLog } from './raft-log.ts'
import type { Configuration, ConfigurationChange, DurableState, Entry, MemberId, Message, MessageBody, Output, Refusal, Role, Snapshot } from './types.ts'

export interface RaftOptions {
  id: MemberId
  random: Random
  /** What it was when it last ran; a member that never ran knows nothing, and waits for a leader. */
  state?: DurableState
  /** Ticks without a word of a leader after which a follower asks for votes; each waits up to twice as long. etcd: 10 ticks of 100 ms. */
  electionTicks?: number
}

/** What a leader knows of another member. */
interface Progress {
  /** Up to where its log is the leader's. */
  match: number
  /** The next entry to send. */
  next: number
  /** Nothing is sent ahead before it is clear where the logs part. */
  isProbing: boolean
  /** An answer is awaited before more is sent. */
  isPaused: boolean
  /** Has said something since the leader last counted. */
  isActive: boolean
}

interface PendingRead {
  id: number
  acknowledged: Set<MemberId>
}

const DEFAULT_ELECTION_TICKS = 10
/** Entries in one message. */
const MAX_ENTRIES = 1_000
const EMPTY: Snapshot = { index: 0, term: 0, configuration: { voters: [], learners: [] } }

/**
 * What the first members of a cluster begin with. Who they are counts as so many entries that are certain, so that whoever comes later and has
 * none of them gets a snapshot that says it.
 */
export function firstState(configuration: Configuration, index = configuration.voters.length, term = 1): DurableState {
  const snapshot = { index, term, configuration }
  return { term, votedFor: undefined, commit: index, snapshot, base: { index, term }, entries: [] }
}

/**
 * One member of a Raft cluster: message or tick in, messages and entries that are certain out. It knows neither a clock nor a network; whatever it
 * has to remember is in {@link Raft.state}. Elections have a preliminary round, and a leader that hears from no majority gives up.
 * k8s: go.etcd.io/raft
 */
export class Raft {
  readonly id: MemberId
  readonly #random: Random
  readonly #electionTicks: number
  readonly #log: RaftLog
  #configuration: Configuration
  #term: number
  #votedFor: MemberId | undefined
  #commit: number
  #applied: number
  #role: Role = 'follower'
  #leader: MemberId | undefined
  /** Ticks since a leader was heard, an election began, or (as leader) the others were counted. */
  #elapsed = 0
  #patience = 0
  readonly #votes = new Map<MemberId, boolean>()
  readonly #progress = new Map<MemberId, Progress>()
  #transferee: MemberId | undefined
  /** The place of the latest change of the configuration; before it is applied there is no other. */
  #changeIndex = 0
  #reads: PendingRead[] = []
  #nextRead = 1
  #messages: Message[] = []
  #committed: Entry[] = []
  #installed: Snapshot | undefined
  #confirmedReads: number[] = []

  constructor({ id, random, state, electionTicks = DEFAULT_ELECTION_TICKS }: RaftOptions) {
    this.id = id
    this.#random = random
    this.#electionTicks = electionTicks
    this.#log = state ? new RaftLog(state.snapshot, state.base, state.entries) : new RaftLog(EMPTY)
    this.#configuration = this.#log.snapshot.configuration
    this.#term = state?.term ?? 0
    this.#votedFor = state?.votedFor
    this.#commit = this.#applied = this.#log.snapshot.index
    this.#drawPatience()
    // What was certain before is applied once more, as far as the configuration goes.
    if (state) this.#commitTo(state.commit)
    this.#committed = []
  }

  get role(): Role {
    return this.#role
  }

  get term(): number {
    return this.#term
  }

  /** Whom it takes for the leader. */
  get leader(): MemberId | undefined {
    return this.#leader
  }

  get configuration(): Configuration {
    return this.#configuration
  }

  get lastIndex(): number {
    return this.#log.lastIndex
  }

  /** Up to where entries are certain. */
  get commitIndex(): number {
    return this.#commit
  }

  /** Entries that it still has. */
  get entries(): readonly Entry[] {
    return this.#log.entries
  }

  get state(): DurableState {
    return { term: this.#term, votedFor: this.#votedFor, commit: this.#commit, snapshot: this.#log.snapshot, base: this.#log.base, entries: this.#log.entries }
  }

  /** As leader: up to where a member's log is known to be its own. */
  matchOf(id: MemberId): number | undefined {
    return this.#role === 'leader' ? this.#progress.get(id)?.match : undefined
  }

  /** As leader: whether a member has said something lately. */
  isActive(id: MemberId): boolean {
    return id === this.id || (this.#role === 'leader' && (this.#progress.get(id)?.isActive ?? false))
  }

  /** Time passes. */
  tick(): Output {
    this.#elapsed++
    if (this.#role === 'leader') {
      if (this.#elapsed >= this.#electionTicks) {
        this.#elapsed = 0
        this.#transferee = undefined
        if (this.#hasQuorum((id) => this.isActive(id))) for (const progress of this.#progress.values()) progress.isActive = false
        else this.#follow(this.#term, undefined)
      }
      if (this.#role === 'leader') this.#sendHeartbeats()
    } else if (this.#elapsed >= this.#patience) {
      if (this.#isVoter) this.#campaign('pre-candidate')
      else this.#elapsed = 0
    }
    return this.#output()
  }

  /** As leader: puts data into the log. */
  propose(data: unknown): Output | Refusal {
    const refusal = this.#refusal()
    if (refusal) return refusal
    this.#append({ data })
    return this.#output()
  }

  /** As leader: puts a change of the configuration into the log; it holds once it is certain. One at a time. */
  change(change: ConfigurationChange): Output | Refusal {
    const refusal = this.#refusal() ?? (this.#changeIndex > this.#applied ? 'change-under-way' : undefined)
    if (refusal) return refusal
    this.#changeIndex = this.#log.lastIndex + 1
    this.#append({ change })
    return this.#output()
  }

  /** As leader: asks the others whether it still is, and says so in {@link Output.confirmedReads}. @returns the number of the question */
  read(): { read: number; output: Output } | Refusal {
    // A leader knows what is certain once an entry of its own term is.
    if (this.#role !== 'leader' || this.#log.termAt(this.#commit) !== this.#term) return 'not-leader'
    const read: PendingRead = { id: this.#nextRead++, acknowledged: new Set([this.id]) }
    if (this.#hasQuorum((id) => read.acknowledged.has(id))) this.#confirmedReads.push(read.id)
    else {
      this.#reads.push(read)
      this.#sendHeartbeats(read.id)
    }
    return { read: read.id, output: this.#output() }
  }

  /** As leader: lets another voter lead as soon as it has everything. */
  transferLeadership(to: MemberId): Output | Refusal {
    const refusal = this.#refusal()
    if (refusal) return refusal
    if (to !== this.id && this.#configuration.voters.includes(to)) {
      this.#transferee = to
      this.#elapsed = 0
      this.#nudgeTransferee()
    }
    return this.#output()
  }

  /** Begins an election at once. */
  campaign(): Output {
    if (this.#isVoter && this.#role !== 'leader') this.#campaign('pre-candidate')
    return this.#output()
  }

  /** Forgets entries that are certain and applied, but for the last `trailing` ones. */
  compact(trailing: number): void {
    if (this.#applied > this.#log.snapshot.index) this.#log.compact(this.#applied, this.#configuration, trailing)
  }

  /** Takes a message. @throws Error where it is told that something is certain that it doesn't have */
  step(message: Message): Output {
    if (this.#isInTime(message)) this.#take(message)
    return this.#output()
  }

  /** Whether a message is of this term, after what its term itself means. */
  #isInTime(message: Message): boolean {
    const { from, term, type } = message
    if (term > this.#term) {
      if (type === 'vote') {
        // Whoever hears from a leader doesn't let one that doesn't disturb it.
        if (!message.isTransfer && this.#leader !== undefined && this.#elapsed < this.#electionTicks) return false
        if (message.isPreliminary) return true
      }
      if (type === 'vote-response' && message.isPreliminary && message.isGranted) return true
      this.#follow(term, type === 'append' || type === 'heartbeat' || type === 'snapshot' ? from : undefined)
      return true
    }
    if (term === this.#term) return true
    // One that lived in another world learns the present term.
    if (type === 'append' || type === 'heartbeat' || type === 'snapshot') this.#send(from, { type: 'append-response', index: 0, hint: 0 })
    else if (type === 'vote' && message.isPreliminary) this.#send(from, { type: 'vote-response', isPreliminary: true, isGranted: false })
    return false
  }

  #take(message: Message): void {
    const { from } = message
    switch (message.type) {
      case 'vote': return this.#vote(message)
      case 'vote-response': {
        if (this.#role !== (message.isPreliminary ? 'pre-candidate' : 'candidate')) return
        this.#votes.set(from, message.isGranted)
        return this.#countVotes()
      }
      case 'append': {
        this.#hear(from)
        return this.#takeEntries(message)
      }
      case 'heartbeat': {
        this.#hear(from)
        this.#commitTo(message.commit)
        return this.#send(from, { type: 'heartbeat-response', ...(message.read === undefined ? {} : { read: message.read }) })
      }
      case 'snapshot': {
        this.#hear(from)
        const { snapshot } = message
        // Whoever has those entries keeps what it has behind them: the leader may count on it.
        if (this.#log.termAt(snapshot.index) === snapshot.term) this.#commitTo(snapshot.index)
        else if (snapshot.index > this.#commit) this.#install(snapshot)
        return this.#send(from, { type: 'append-response', index: this.#commit })
      }
      case 'append-response': return this.#takeProgress(from, message)
      case 'heartbeat-response': return this.#takeHeartbeat(from, message.read)
      case 'timeout-now': if (this.#isVoter) this.#campaign('candidate', true)
    }
  }

  #vote(message: Message & { type: 'vote' }): void {
    const { from, term, isPreliminary, lastIndex, lastTerm } = message
    const isFree = this.#votedFor === from || (this.#votedFor === undefined && this.#leader === undefined) || (isPreliminary && term > this.#term)
    const isUpToDate = lastTerm > this.#log.lastTerm || (lastTerm === this.#log.lastTerm && lastIndex >= this.#log.lastIndex)
    const isGranted = isFree && isUpToDate
    if (isGranted && !isPreliminary) {
      this.#elapsed = 0
      this.#votedFor = from
    }
    this.#send(from, { type: 'vote-response', isPreliminary, isGranted }, isGranted ? term : this.#term)
  }

  #takeEntries({ from, previousIndex, previousTerm, entries, commit }: Message & { type: 'append' }): void {
    if (previousIndex < this.#commit) return this.#send(from, { type: 'append-response', index: this.#commit })
    if (this.#log.termAt(previousIndex) !== previousTerm) {
      let hint = Math.min(previousIndex, this.#log.lastIndex)
      while (hint > this.#commit && (this.#log.termAt(hint) ?? 0) > previousTerm) hint--
      return this.#send(from, { type: 'append-response', index: previousIndex, hint })
    }
    const last = previousIndex + entries.length
    const parting = entries.find(({ index, term }) => this.#log.termAt(index) !== term)
    if (parting) {
      if (parting.index <= this.#log.lastIndex) this.#log.truncate(parting.index)
      this.#log.append(entries.slice(parting.index - previousIndex - 1))
    }
    this.#commitTo(Math.min(commit, last))
    this.#send(from, { type: 'append-response', index: last })
  }

  #takeProgress(from: MemberId, { index, hint }: Message & { type: 'append-response' }): void {
    const progress = this.#role === 'leader' ? this.#progress.get(from) : undefined
    if (!progress) return
    progress.isActive = true
    progress.isPaused = false
    if (hint !== undefined) {
      // An answer to what was long overtaken.
      if (index <= progress.match || (progress.isProbing && index !== progress.next - 1)) return
      progress.isProbing = true
      progress.next = Math.max(progress.match + 1, Math.min(index, hint + 1))
      return this.#sendEntries(from)
    }
    const isNews = index > progress.match
    progress.match = Math.max(progress.match, index)
    progress.next = Math.max(progress.next, progress.match + 1)
    if (isNews || progress.match === this.#log.lastIndex) progress.isProbing = false
    if (isNews && this.#advanceCommit()) this.#broadcastEntries()
    else if (progress.next <= this.#log.lastIndex) this.#sendEntries(from)
    this.#nudgeTransferee()
  }

  #takeHeartbeat(from: MemberId, readId: number | undefined): void {
    const progress = this.#role === 'leader' ? this.#progress.get(from) : undefined
    if (!progress) return
    progress.isActive = true
    progress.isPaused = false
    if (progress.match < this.#log.lastIndex) this.#sendEntries(from)
    const at = this.#reads.findIndex(({ id }) => id === readId)
    if (at < 0) return
    this.#reads[at]!.acknowledged.add(from)
    // Who is the leader now was it for earlier questions too.
    if (this.#hasQuorum((id) => this.#reads[at]!.acknowledged.has(id))) this.#confirmedReads.push(...this.#reads.splice(0, at + 1).map(({ id }) => id))
  }

  get #isVoter(): boolean {
    return this.#configuration.voters.includes(this.id)
  }

  #refusal(): Refusal | undefined {
    return this.#role !== 'leader' ? 'not-leader' : this.#transferee !== undefined ? 'transferring' : undefined
  }

  #hasQuorum(says: (id: MemberId) => boolean): boolean {
    const { voters } = this.#configuration
    return voters.filter((id) => says(id)).length >= quorumOf(voters.length)
  }

  #hear(leader: MemberId): void {
    if (this.#role !== 'follower' || this.#leader !== leader) this.#follow(this.#term, leader)
    this.#elapsed = 0
  }

  #follow(term: number, leader: MemberId | undefined): void {
    if (term !== this.#term) this.#votedFor = undefined
    this.#term = term
    this.#role = 'follower'
    this.#leader = leader
    this.#beginRole()
  }

  #beginRole(): void {
    this.#elapsed = 0
    this.#transferee = undefined
    this.#reads = []
    this.#votes.clear()
    this.#progress.clear()
    this.#drawPatience()
  }

  #drawPatience(): void {
    this.#patience = this.#electionTicks + this.#random.int(this.#electionTicks)
  }

  #campaign(role: 'pre-candidate' | 'candidate', isTransfer = false): void {
    this.#role = role
    this.#leader = undefined
    this.#beginRole()
    if (role === 'candidate') {
      this.#term++
      this.#votedFor = this.id
    }
    this.#votes.set(this.id, true)
    for (const id of this.#configuration.voters) {
      if (id !== this.id) this.#send(id, { type: 'vote', isPreliminary: role === 'pre-candidate', lastIndex: this.#log.lastIndex, lastTerm: this.#log.lastTerm, isTransfer }, role === 'candidate' ? this.#term : this.#term + 1)
    }
    this.#countVotes()
  }

  #countVotes(): void {
    if (this.#hasQuorum((id) => this.#votes.get(id) === true)) return this.#role === 'pre-candidate' ? this.#campaign('candidate') : this.#lead()
    if (this.#hasQuorum((id) => this.#votes.get(id) === false)) this.#follow(this.#term, undefined)
  }

  #lead(): void {
    this.#role = 'leader'
    this.#leader = this.id
    this.#beginRole()
    this.#changeIndex = this.#log.lastIndex + 1
    this.#watchMembers()
    this.#append({})
  }

  /** Keeps what it knows in step with who belongs to the cluster. */
  #watchMembers(): void {
    const { voters, learners } = this.#configuration
    const ids = [...voters, ...learners]
    for (const id of this.#progress.keys()) if (!ids.includes(id)) this.#progress.delete(id)
    for (const id of ids) if (!this.#progress.has(id)) this.#progress.set(id, { match: id === this.id ? this.#log.lastIndex : 0, next: this.#log.lastIndex + 1, isProbing: true, isPaused: false, isActive: true })
  }

  #append(content: Pick<Entry, 'data' | 'change'>): void {
    this.#log.append([{ index: this.#log.lastIndex + 1, term: this.#term, ...content }])
    const own = this.#progress.get(this.id)
    if (own) Object.assign(own, { match: this.#log.lastIndex, next: this.#log.lastIndex + 1, isActive: true })
    this.#broadcastEntries()
    if (this.#advanceCommit()) this.#broadcastEntries()
  }

  /** Looks up to where a majority has the log. An entry of an earlier term is certain only with one of this term behind it. */
  #advanceCommit(): boolean {
    const { voters } = this.#configuration
    const matches = voters.map((id) => this.#progress.get(id)?.match ?? 0).sort((a, b) => b - a)
    const index = matches[quorumOf(voters.length) - 1] ?? 0
    if (index <= this.#commit || this.#log.termAt(index) !== this.#term) return false
    this.#commitTo(index)
    return this.#role === 'leader'
  }

  #commitTo(index: number): void {
    if (index <= this.#commit) return
    if (index > this.#log.lastIndex) throw new Error(`tocommit(${index}) is out of range [lastIndex(${this.#log.lastIndex})]. Was the raft log corrupted, truncated, or lost?`)
    this.#commit = index
    // Applying a change may make more of the log certain.
    while (this.#applied < this.#commit) {
      const entry = this.#log.slice(this.#applied + 1, this.#applied + 1)[0]!
      this.#applied = entry.index
      this.#committed.push(entry)
      if (entry.change) this.#applyChange(entry.change)
    }
  }

  #applyChange(change: ConfigurationChange): void {
    this.#configuration = changed(this.#configuration, change)
    if (this.#role !== 'leader') return
    if (change.id === this.#transferee && change.type === 'remove') this.#transferee = undefined
    // Who goes learns of it too.
    if (change.type === 'remove' && change.id !== this.id) this.#sendEntries(change.id)
    this.#watchMembers()
    if (this.#isVoter) {
      if (change.type !== 'remove') this.#sendEntries(change.id)
      else this.#advanceCommit()
      return
    }
    this.#broadcastEntries()
    this.#follow(this.#term, undefined)
  }

  #install(snapshot: Snapshot): void {
    this.#log.restore(snapshot)
    this.#configuration = snapshot.configuration
    this.#commit = this.#applied = snapshot.index
    this.#committed = []
    this.#installed = snapshot
  }

  #nudgeTransferee(): void {
    const to = this.#transferee
    if (to === undefined) return
    if (this.#progress.get(to)?.match === this.#log.lastIndex) this.#send(to, { type: 'timeout-now' })
    else this.#sendEntries(to)
  }

  #sendHeartbeats(read?: number): void {
    for (const [id, { match }] of this.#progress) if (id !== this.id) this.#send(id, { type: 'heartbeat', commit: Math.min(match, this.#commit), ...(read === undefined ? {} : { read }) })
  }

  #broadcastEntries(): void {
    for (const id of [...this.#progress.keys()]) if (id !== this.id) this.#sendEntries(id)
  }

  #sendEntries(to: MemberId): void {
    const progress = this.#progress.get(to)
    if (!progress || progress.isPaused) return
    const previousIndex = progress.next - 1
    const previousTerm = this.#log.termAt(previousIndex)
    if (previousTerm === undefined) {
      progress.isPaused = true
      progress.next = this.#log.snapshot.index + 1
      return this.#send(to, { type: 'snapshot', snapshot: this.#log.snapshot })
    }
    const entries = this.#log.slice(progress.next, Math.min(this.#log.lastIndex, previousIndex + MAX_ENTRIES))
    if (progress.isProbing) progress.isPaused = true
    else progress.next += entries.length
    this.#send(to, { type: 'append', previousIndex, previousTerm, entries, commit: this.#commit })
  }

  #send(to: MemberId, body: MessageBody, term = this.#term): void {
    this.#messages.push({ from: this.id, to, term, ...body })
  }

  #output(): Output {
    const output: Output = { messages: this.#messages, committed: this.#committed, confirmedReads: this.#confirmedReads, ...(this.#installed ? { installed: this.#installed } : {}) }
    this.#messages = []
    this.#committed = []
    this.#confirmedReads = []
    this.#installed = undefined
    return output
  }
}
