import { Long, ObjectId, Timestamp } from 'bson'
import type { Document } from 'bson'
import { ProcessKilled, UnixError } from '../../../unix/types.ts'
import { MongoClient } from './mongo-client.ts'
import { MongoError } from './mongo-error.ts'
import type { ClientSession, MongoServer } from './mongod.ts'
import type { OplogEntry } from './store.ts'

export interface MemberConfig { _id: number; host: string; arbiterOnly: boolean; buildIndexes: boolean; hidden: boolean; priority: number; tags: Document; secondaryDelaySecs: number; votes: number }
export interface SetConfig { _id: string; version: number; term: number; members: MemberConfig[]; protocolVersion: number; writeConcernMajorityJournalDefault: boolean; settings: Document }

const HEARTBEAT_MS = 2_000
const ELECTION_TIMEOUT_MS = 10_000
/** Elections are spread over so much time, so that members don't ask for votes at once. */
const ELECTION_SPREAD_MS = 1_500
const CALL_TIMEOUT_MS = 10_000
/** How long an oplog's reader waits for news. */
const AWAIT_MS = 5_000
const STATES: Readonly<Record<number, string>> = { 0: 'STARTUP', 1: 'PRIMARY', 2: 'SECONDARY', 3: 'RECOVERING', 5: 'STARTUP2', 7: 'ARBITER', 8: '(not reachable/healthy)', 10: 'REMOVED' }
const EMPTY = { ts: new Timestamp({ t: 0, i: 0 }), t: -1 }

interface OpTime { ts: Timestamp; t: number }

/** What is known of another member. */
interface Peer {
  state: number
  health: 0 | 1
  upSinceMs: number
  lastHeartbeatMs: number
  lastReceivedMs: number
  message: string
  applied: OpTime
  configVersion: number
  configTerm: number
  term: number
  electionTime?: Timestamp
  syncSource: string
  client?: MongoClient
}

/** Whether a configuration replaces another: one of a later term, or a later version. */
const isNewer = (a: Pick<SetConfig, 'version' | 'term'>, b: Pick<SetConfig, 'version' | 'term'>) => a.term !== b.term ? a.term > b.term : a.version > b.version

const isLater = (a: OpTime, b: OpTime) => a.t !== b.t ? a.t > b.t : a.ts.comp(b.ts) > 0

/** One member's part in a replica set: heartbeats, elections, and the others' operations. */
export class ReplicaSet {
  readonly name: string
  readonly #server: MongoServer
  config: SetConfig | undefined
  state = 0
  #term = 0
  #votedTerm = 0
  #self: MemberConfig | undefined
  readonly #peers = new Map<string, Peer>()
  #lastPrimaryMs: number
  #electionDelayMs: number
  #electionTime: Timestamp | undefined
  #electionMs = 0
  #syncSource = ''
  #lastTs = new Timestamp({ t: 0, i: 0 })
  #frozenUntilMs = 0
  #majorityWaiters = new Set<() => void>()
  #rounds = 0

  constructor(server: MongoServer, name: string) {
    this.#server = server
    this.name = name
    this.#lastPrimaryMs = server.proc.clock.nowMs()
    this.#electionDelayMs = this.#newDelay()
    const [saved] = server.store.collection('local.system.replset')?.documents.values() ?? []
    const [vote] = server.store.collection('local.replset.election')?.documents.values() ?? []
    this.#term = this.#votedTerm = Number(vote?.term ?? 0)
    if (saved) this.#server.background(this.#install(saved as unknown as SetConfig, false))
    const last = server.store.oplog[server.store.oplog.length - 1]
    if (last) this.#lastTs = last.ts
  }

  get #nowMs(): number { return this.#server.proc.clock.nowMs() }

  #newDelay(): number { return ELECTION_TIMEOUT_MS + this.#server.proc.random.int(ELECTION_SPREAD_MS) }

  get isPrimary(): boolean { return this.state === 1 }

  get isReadable(): boolean { return this.state === 1 || this.state === 2 }

  get applied(): OpTime {
    const last = this.#server.store.oplog[this.#server.store.oplog.length - 1]
    return last ? { ts: last.ts, t: Number(last.t) } : EMPTY
  }

  /** The time of the next operation of a primary. */
  nextOpTime(): OpTime {
    const t = Math.floor(this.#nowMs / 1000)
    this.#lastTs = this.#lastTs.getHighBits() >= t ? new Timestamp({ t: this.#lastTs.getHighBits(), i: this.#lastTs.getLowBits() + 1 }) : new Timestamp({ t, i: 1 })
    return { ts: this.#lastTs, t: this.#term }
  }

  /** Runs until the process ends. */
  async run(): Promise<void> {
    this.#server.background(this.#replicate())
    for (;;) {
      if (this.config) {
        this.#rounds += 1
        await Promise.all([...this.#peers.keys()].map((host) => this.#heartbeat(host)))
        this.#judge()
      }
      await this.#server.proc.sleep(HEARTBEAT_MS)
    }
  }

  // --- configuration ------------------------------------------------------------------------------------------------------------

  #save(collection: string, document: Document): void { this.#server.store.commit({ op: 'u', ns: `local.${collection}`, o: document, o2: { _id: document._id as unknown } }) }

  async #install(config: SetConfig, save = true): Promise<void> {
    this.config = config
    if (save) this.#save('system.replset', config as unknown as Document)
    let self: MemberConfig | undefined
    for (const member of config.members) if (await this.#isSelf(member.host)) self = member
    if (this.config !== config) return
    this.#self = self
    for (const host of this.#peers.keys()) if (!config.members.some((member) => member.host === host) || host === self?.host) { this.#peers.get(host)!.client?.close(); this.#peers.delete(host) }
    for (const { host } of config.members) if (host !== self?.host && !this.#peers.has(host)) this.#peers.set(host, { state: 6, health: 0, upSinceMs: 0, lastHeartbeatMs: 0, lastReceivedMs: 0, message: '', applied: EMPTY, configVersion: -2, configTerm: -1, term: 0, syncSource: '' })
    if (!self) this.#become(10)
    else if (this.state === 0 || this.state === 10) {
      this.#lastPrimaryMs = this.#nowMs
      this.#become(self.arbiterOnly ? 7 : this.#server.store.oplog.length > 0 ? 2 : 5)
    }
  }

  async #isSelf(host: string): Promise<boolean> {
    const { name, port } = splitHost(host)
    const { proc } = this.#server
    if (port !== this.#server.port) return false
    if (name === 'localhost' || name === '127.0.0.1') return true
    // Who listens to nobody but itself isn't found by its address.
    try { return (await proc.net.lookup(name)).some((ip) => proc.net.addresses.includes(ip) && this.#server.listensOn(ip)) } catch (error) {
      if (!(error instanceof UnixError)) throw error
      // Names of a set that just begins may take a while to be known.
      return name.split('.')[0] === proc.machine.hostname && this.#server.listensOn(undefined)
    }
  }

  #become(state: number): void {
    if (this.state === state) return
    const before = this.state
    this.state = state
    this.#server.background(this.#server.log('I', 'REPL', 21358, 'ReplCoord-0', 'Replica set state transition', { newState: STATES[state], oldState: STATES[before] }, `transition to ${STATES[state]} from ${STATES[before]}`))
    if (before === 1) this.#server.dropWriters()
  }

  /** A configuration with what defaults say. @throws MongoError 93, 2 */
  #complete(given: Document, version: number): SetConfig {
    const members = given.members as Document[] | undefined
    if (typeof given._id !== 'string') throw new MongoError(93, "Missing expected field \"_id\"")
    if (given._id !== this.name) throw new MongoError(93, `Rejecting initiate with a set name that differs from command line set name, initiate set name: ${given._id}, command line set name: ${this.name}`)
    if (!Array.isArray(members) || members.length === 0) throw new MongoError(93, 'Replica set configuration must contain at least one member')
    const hosts = new Set<string>()
    const ids = new Set<number>()
    const complete = members.map((member, i): MemberConfig => {
      if (typeof member.host !== 'string') throw new MongoError(93, `BSON field 'MemberConfig.host' is missing but a required field`)
      if (member._id === undefined) throw new MongoError(93, `BSON field 'MemberConfig._id' is missing but a required field`)
      const host = member.host.includes(':') ? member.host : `${member.host}:27017`
      if (hosts.has(host)) throw new MongoError(93, `Found two member configurations with same host field, members.${members.findIndex((other) => other.host === member.host)}.host == members.${i}.host == ${host}`)
      if (ids.has(Number(member._id))) throw new MongoError(93, `Found two member configurations with same _id field, members.${i - 1}._id == members.${i}._id == ${Number(member._id)}`)
      hosts.add(host)
      ids.add(Number(member._id))
      return { _id: Number(member._id), host, arbiterOnly: member.arbiterOnly === true, buildIndexes: member.buildIndexes !== false, hidden: member.hidden === true, priority: member.arbiterOnly ? 0 : Number(member.priority ?? 1), tags: (member.tags as Document | undefined) ?? {}, secondaryDelaySecs: Number(member.secondaryDelaySecs ?? 0), votes: Number(member.votes ?? 1) }
    })
    return { _id: given._id, version, term: this.#term, members: complete, protocolVersion: 1, writeConcernMajorityJournalDefault: true, settings: (given.settings as Document | undefined) ?? { chainingAllowed: true, heartbeatIntervalMillis: HEARTBEAT_MS, heartbeatTimeoutSecs: 10, electionTimeoutMillis: ELECTION_TIMEOUT_MS, catchUpTimeoutMillis: -1, catchUpTakeoverDelayMillis: 30_000, getLastErrorModes: {}, getLastErrorDefaults: { w: 1, wtimeout: 0 }, replicaSetId: this.#server.newId() } }
  }

  /** replSetInitiate. @throws MongoError 23, 93, 74 */
  async initiate(given: Document | undefined): Promise<Document> {
    if (this.config) throw new MongoError(23, 'already initialized')
    const own = `${this.#server.proc.machine.hostname}:${this.#server.port}`
    const empty = !given || Object.keys(given).length === 0
    const config = this.#complete(empty ? { _id: this.name, members: [{ _id: 0, host: own }] } : given, 1)
    const selves: boolean[] = []
    for (const { host } of config.members) selves.push(await this.#isSelf(host))
    if (!selves.includes(true)) throw new MongoError(93, `No host described in new configuration with {version: 1, term: 0} for replica set ${this.name} maps to this node`)
    const down = await this.#unreachable(config, selves.indexOf(true))
    if (down.length > 0) throw new MongoError(74, `replSetInitiate quorum check failed because not all proposed set members responded affirmatively: ${down.map(({ host, why }) => `${host} failed with ${why}`).join(', ')}`)
    await this.#install(config)
    const { ts } = this.nextOpTime()
    this.#server.store.commit({ op: 'n', ns: '', o: { msg: 'initiating set' }, ts, t: 0, wall: new Date(Math.floor(this.#nowMs)) })
    this.#become(2)
    if (config.members.length === 1 && this.#self!.priority > 0) await this.#elect()
    else this.#electionDelayMs = ELECTION_TIMEOUT_MS
    return empty ? { info2: 'no configuration specified. Using a default configuration for the set', me: own } : {}
  }

  async #unreachable(config: SetConfig, self: number): Promise<{ host: string; why: string }[]> {
    const out: { host: string; why: string }[] = []
    await Promise.all(config.members.map(async ({ host }, i) => {
      if (i === self) return
      try {
        const client = await this.#connect(host)
        try { await client.command('admin', { replSetHeartbeat: config._id, configVersion: config.version, checkEmpty: true, from: '' }, CALL_TIMEOUT_MS) } finally { client.close() }
      } catch (error) {
        const { name, port } = splitHost(host)
        if (error instanceof MongoError) out.push({ host, why: error.message })
        else if (error instanceof UnixError) out.push({ host, why: error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN' ? `Could not find address for ${name}:${port}: SocketException: onInvoke :: caused by :: Host not found (authoritative)` : `Error connecting to ${host} :: caused by :: ${error.code === 'ECONNREFUSED' ? 'Connection refused' : error.code === 'EHOSTUNREACH' ? 'No route to host' : 'Connection timed out'}` })
        else throw error
      }
    }))
    return out
  }

  /** replSetReconfig. @throws MongoError 103, 74, 10107 */
  async reconfigure(given: Document, force: boolean): Promise<Document> {
    if (!this.config) throw new MongoError(94, 'a replica set can\'t be reconfigured before it has been initiated')
    if (!this.isPrimary && !force) throw new MongoError(10107, `New config is rejected :: caused by :: replSetReconfig should only be run on a writable PRIMARY. Current state ${STATES[this.state]};`)
    const config = this.#complete(given, force ? this.config.version + 10_000 : Number(given.version ?? this.config.version + 1))
    if (!force && config.version <= this.config.version) throw new MongoError(103, `version field value of ${config.version} is out of range`)
    const old = this.config
    const changes = config.members.filter((member) => !old.members.some((each) => each.host === member.host) && member.votes > 0).length + old.members.filter((member) => !config.members.some((each) => each.host === member.host) && member.votes > 0).length
    if (changes > 1 && !force && !this.#server.old) throw new MongoError(103, `Non force replica set reconfig can only add or remove at most 1 voting member.`)
    const selves: boolean[] = []
    for (const { host } of config.members) selves.push(await this.#isSelf(host))
    if (!selves.includes(true) && !force) throw new MongoError(103, `No host described in new configuration with {version: ${config.version}, term: ${this.#term}} for replica set ${this.name} maps to this node`)
    const down = force ? [] : await this.#unreachable(config, selves.indexOf(true))
    const voters = config.members.filter(({ votes }) => votes > 0)
    const majority = Math.floor(voters.length / 2) + 1
    const up = voters.filter(({ host }) => !down.some((each) => each.host === host))
    if (up.length < majority) throw new MongoError(74, `Quorum check failed because not enough voting nodes responded; required ${majority} but only the following ${up.length} voting nodes responded: ${up.map(({ host }) => host).join(', ')}; the following nodes did not respond affirmatively: ${down.map(({ host, why }) => `${host} failed with ${why}`).join(', ')}`)
    await this.#install(config)
    this.#server.write({ op: 'n', ns: '', o: { msg: 'Reconfig set', version: config.version } })
    for (const host of this.#peers.keys()) this.#server.background(this.#heartbeat(host))
    return {}
  }

  // --- heartbeats and elections -------------------------------------------------------------------------------------------------

  async #connect(host: string): Promise<MongoClient> {
    const { name, port } = splitHost(host)
    const client = await MongoClient.connect(this.#server.proc, name, port, { timeoutMs: CALL_TIMEOUT_MS })
    await this.#server.authenticateMember(client)
    return client
  }

  async #ask(host: string, command: Document, timeoutMs = CALL_TIMEOUT_MS): Promise<Document> {
    const peer = this.#peers.get(host)
    if (!peer) throw new UnixError('EHOSTUNREACH')
    if (!peer.client || peer.client.closed) peer.client = await this.#connect(host)
    return peer.client.command('admin', command, timeoutMs)
  }

  async #heartbeat(host: string): Promise<void> {
    const { config } = this
    if (!config) return
    const peer = this.#peers.get(host)
    try {
      const reply = await this.#ask(host, { replSetHeartbeat: config._id, configVersion: config.version, configTerm: config.term, from: this.#self?.host ?? '', term: this.#term, fromId: this.#self?._id ?? -1, state: this.state })
      if (!peer || this.#peers.get(host) !== peer) return
      const now = this.#nowMs
      if (peer.health === 0) peer.upSinceMs = now
      Object.assign(peer, { health: 1, state: Number(reply.state), lastHeartbeatMs: now, message: '', configVersion: Number(reply.v), configTerm: Number(reply.configTerm ?? -1), term: Number(reply.term ?? 0), syncSource: String(reply.syncingTo ?? ''), electionTime: reply.electionTime as Timestamp | undefined })
      if (reply.opTime) this.#learnPosition(host, { ts: (reply.opTime as Document).ts as Timestamp, t: Number((reply.opTime as Document).t) })
      this.#learnTerm(peer.term)
      if (reply.config && isNewer(reply.config as SetConfig, this.config!)) await this.#install(reply.config as unknown as SetConfig)
    } catch (error) {
      if (error instanceof ProcessKilled) throw error
      if (!(error instanceof UnixError || error instanceof MongoError)) throw error
      if (!peer) return
      Object.assign(peer, { health: 0, state: 8, message: error instanceof MongoError ? error.message : `Error connecting to ${host} :: caused by :: ${error.code === 'ECONNREFUSED' ? 'Connection refused' : error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN' ? 'Host not found (authoritative)' : error.code === 'ETIMEDOUT' ? 'Connection timed out' : 'No route to host'}` })
    }
  }

  /** The answer to another member's heartbeat. @throws MongoError */
  async heartbeat(command: Document): Promise<Document> {
    if (command.replSetHeartbeat !== this.name) throw new MongoError(103, `Our set name of ${this.name} does not match the set name of ${String(command.replSetHeartbeat)}, reported by remote node`)
    if (command.checkEmpty) return { set: this.name, v: this.config?.version ?? -2, state: this.state }
    const from = String(command.from ?? '')
    const peer = this.#peers.get(from)
    if (peer) { peer.lastReceivedMs = this.#nowMs; if (Number(command.state) === 1) { peer.state = 1; if (peer.health === 0) { peer.health = 1; peer.upSinceMs = this.#nowMs } } }
    this.#learnTerm(Number(command.term ?? 0))
    if (Number(command.state) === 1 && Number(command.term ?? 0) >= this.#term) this.#lastPrimaryMs = this.#nowMs
    // Who has a newer configuration is asked for it.
    if (from !== '' && Number(command.configVersion) > (this.config?.version ?? -2)) this.#server.background(this.#fetchConfig(from))
    const { config } = this
    return { set: this.name, state: this.state, v: config?.version ?? -2, configTerm: config?.term ?? -1, term: this.#term, opTime: this.applied, syncingTo: this.#syncSource, ...(this.#electionTime && this.isPrimary ? { electionTime: this.#electionTime } : {}), ...(config && isNewer(config, { version: Number(command.configVersion), term: Number(command.configTerm ?? -1) }) ? { config } : {}) }
  }

  async #fetchConfig(host: string): Promise<void> {
    try {
      const client = await this.#connect(host)
      try {
        const { config } = await client.command('admin', { replSetHeartbeat: this.name, configVersion: this.config?.version ?? -2, configTerm: -1, from: '', term: this.#term, state: this.state }, CALL_TIMEOUT_MS)
        if (config && Number((config as Document).version) > (this.config?.version ?? -2)) await this.#install(config as SetConfig)
      } finally { client.close() }
    } catch (error) {
      if (!(error instanceof UnixError || error instanceof MongoError || error instanceof ProcessKilled)) throw error
    }
  }

  #learnTerm(term: number): void {
    if (term <= this.#term) return
    this.#term = term
    if (this.isPrimary) this.#become(2)
  }

  #learnPosition(host: string, applied: OpTime): void {
    const peer = this.#peers.get(host)
    if (!peer) return
    peer.applied = applied
    for (const wake of [...this.#majorityWaiters]) wake()
  }

  get #voters(): MemberConfig[] { return this.config?.members.filter(({ votes }) => votes > 0) ?? [] }

  get #majority(): number { return Math.floor(this.#voters.length / 2) + 1 }

  /** What follows from a round of heartbeats: a primary without its majority gives up, a set without a primary elects one. */
  #judge(): void {
    const now = this.#nowMs
    const reachable = this.#voters.filter(({ host }) => host === this.#self?.host || this.#peers.get(host)?.health === 1).length
    if (this.isPrimary) {
      const seen = this.#voters.filter(({ host }) => host === this.#self?.host || now - (this.#peers.get(host)?.lastHeartbeatMs ?? 0) < ELECTION_TIMEOUT_MS).length
      if (seen < this.#majority) {
        this.#server.background(this.#server.log('I', 'REPL', 21809, 'ReplCoord-1', "Can't see a majority of the set, relinquishing primary", {}, "can't see a majority of the set, relinquishing primary"))
        this.#become(2)
      } else if (this.#rounds % 5 === 0) this.#server.write({ op: 'n', ns: '', o: { msg: 'periodic noop' } })
      return
    }
    if ([...this.#peers.values()].some(({ state, health }) => state === 1 && health === 1)) { this.#lastPrimaryMs = now; return }
    if (this.state !== 2 || !this.#self || this.#self.priority === 0 || reachable < this.#majority || now < this.#frozenUntilMs) return
    if (now - this.#lastPrimaryMs >= this.#electionDelayMs) this.#server.background(this.#elect())
  }

  async #elect(): Promise<void> {
    const self = this.#self!
    const term = this.#term + 1
    this.#lastPrimaryMs = this.#nowMs
    this.#electionDelayMs = this.#newDelay()
    this.#server.background(this.#server.log('I', 'ELECTION', 4615652, 'ReplCoord-0', 'Starting an election, since we\'ve seen no PRIMARY in election timeout period', { electionTimeoutPeriodMillis: ELECTION_TIMEOUT_MS }, "Starting an election, since we've seen no PRIMARY in the past 10000ms"))
    this.#term = term
    this.#vote(term, self._id)
    const votes = await Promise.all(this.#voters.map(async ({ host }) => {
      if (host === self.host) return true
      try {
        const reply = await this.#ask(host, { replSetRequestVotes: 1, setName: this.name, term, candidateIndex: self._id, configVersion: this.config!.version, lastAppliedOpTime: this.applied })
        this.#learnTerm(Number(reply.term))
        return reply.voteGranted === true
      } catch (error) {
        if (!(error instanceof UnixError || error instanceof MongoError)) throw error
        return false
      }
    }))
    if (this.#term !== term || votes.filter(Boolean).length < this.#majority || this.state !== 2) return
    this.#server.background(this.#server.log('I', 'ELECTION', 21450, 'ReplCoord-0', 'Election succeeded, assuming primary role', { term }, `election succeeded, assuming primary role in term ${term}`))
    this.#syncSource = ''
    this.#electionTime = this.nextOpTime().ts
    this.#electionMs = this.#nowMs
    this.config = { ...this.config!, term }
    this.#save('system.replset', this.config as unknown as Document)
    this.#become(1)
    this.#server.write({ op: 'n', ns: '', o: { msg: 'new primary' } })
    for (const host of this.#peers.keys()) this.#server.background(this.#heartbeat(host))
  }

  #vote(term: number, candidate: number): void {
    this.#votedTerm = term
    this.#save('replset.election', { _id: new ObjectId('000000000000000000000001'), term, candidateIndex: candidate })
  }

  /** Another member asks for a vote. */
  requestVotes(command: Document): Document {
    const term = Number(command.term)
    const candidate = command.lastAppliedOpTime as Document
    const refuse = (reason: string): Document => ({ term: this.#term, voteGranted: false, reason })
    if (term < this.#term) return refuse('candidate\'s term is lower than mine')
    if (isLater(this.applied, { ts: candidate.ts as Timestamp, t: Number(candidate.t) })) { this.#learnTerm(term); return refuse('candidate\'s data is staler than mine') }
    if (this.#votedTerm >= term) return refuse('already voted for another candidate this term')
    this.#learnTerm(term)
    this.#vote(term, Number(command.candidateIndex))
    this.#lastPrimaryMs = this.#nowMs
    return { term: this.#term, voteGranted: true, reason: '' }
  }

  /** replSetStepDown. @throws MongoError 10107 */
  async stepDown(seconds: number): Promise<Document> {
    if (!this.isPrimary) throw new MongoError(10107, this.#server.old ? 'not primary so can\'t step down' : 'not primary so can\'t step down')
    const now = this.#nowMs
    if (![...this.#peers.values()].some(({ health, applied }) => health === 1 && !isLater(this.applied, applied))) {
      const caught = await Promise.race([this.awaitMembers(this.applied).then(() => true), this.#server.proc.sleep(Math.min(10_000, seconds * 1000)).then(() => false)])
      if (!caught || this.#peers.size === 0) throw new MongoError(262, 'No electable secondaries caught up as of ' + new Date(Math.floor(now)).toISOString() + '. Please use the replSetStepDown command with the argument {force: true} to force node to step down.')
    }
    this.#frozenUntilMs = now + seconds * 1000
    this.#lastPrimaryMs = now
    this.#become(2)
    // Whoever has everything stands for election at once, as after a handover.
    const best = this.config!.members.find(({ host, priority }) => priority > 0 && this.#peers.get(host)?.health === 1 && !isLater(this.applied, this.#peers.get(host)!.applied))
    if (best) void this.#ask(best.host, { replSetStepUp: 1 }).catch(() => {})
    return {}
  }

  /** replSetStepUp: stands for election at once. */
  stepUp(): Document {
    if (this.state === 2) this.#server.background(this.#elect())
    return {}
  }

  freeze(seconds: number): Document { this.#frozenUntilMs = this.#nowMs + seconds * 1000; return {} }

  // --- replication --------------------------------------------------------------------------------------------------------------

  /** How many members have data. */
  get dataMembers(): number { return this.config?.members.filter(({ arbiterOnly }) => !arbiterOnly).length ?? 0 }

  /** Waits until so many members have an operation, or most of those that vote. */
  async awaitMembers(until: OpTime, count?: number): Promise<void> {
    const reached = () => (count === undefined ? this.#voters : this.config?.members ?? []).filter(({ host, arbiterOnly }) => !arbiterOnly && (host === this.#self?.host || !isLater(until, this.#peers.get(host)?.applied ?? EMPTY))).length >= (count ?? this.#majority)
    while (!reached()) {
      if (!this.isPrimary) throw new MongoError(189, 'operation was interrupted', {})
      await new Promise<void>((resolve) => { const wake = () => { this.#majorityWaiters.delete(wake); resolve() }; this.#majorityWaiters.add(wake) })
    }
  }

  /** A member says how far it is. */
  position(command: Document): Document {
    const { ts, t } = command.applied as Document
    this.#learnPosition(String(command.from), { ts: ts as Timestamp, t: Number(t) })
    return {}
  }

  /** Keeps a reader of the oplog waiting until there is something behind what it has. */
  async awaitOplog(command: Document, session: ClientSession): Promise<void> {
    const after = ((command.filter as Document | undefined)?.ts as Document | undefined)?.$gte as Timestamp | undefined
    if (!after) return
    const deadline = this.#nowMs + AWAIT_MS
    while (!session.closed) {
      const last = this.#server.store.oplog[this.#server.store.oplog.length - 1]
      const left = deadline - this.#nowMs
      if ((last && last.ts.comp(after) > 0) || left <= 0) return
      await Promise.race([this.#server.store.changed(), this.#server.proc.sleep(left)])
    }
  }

  /** A secondary's work: copies everything once, then the primary's operations as they come. */
  async #replicate(): Promise<void> {
    let client: MongoClient | undefined
    let source = ''
    for (;;) {
      const primary = [...this.#peers].find(([, { state, health }]) => state === 1 && health === 1)?.[0]
      if (!primary || ![2, 5].includes(this.state)) {
        this.#syncSource = ''
        client?.close()
        await this.#server.proc.sleep(500)
        continue
      }
      try {
        if (!client || client.closed || source !== primary) { client?.close(); client = await this.#connect(primary); source = primary }
        this.#syncSource = primary
        if (this.state === 5) await this.#copyAll(client)
        await this.#fetch(client)
      } catch (error) {
        if (error instanceof ProcessKilled) throw error
        if (!(error instanceof UnixError || error instanceof MongoError)) throw error
        client?.close()
        await this.#server.proc.sleep(1000)
      }
    }
  }

  async #copyAll(client: MongoClient): Promise<void> {
    const { store } = this.#server
    this.#server.background(this.#server.log('I', 'INITSYNC', 21164, 'ReplCoordExtern-0', 'Initial sync attempt starting', { syncSource: this.#syncSource }, `initial sync attempt starting from ${this.#syncSource}`))
    store.reset()
    const newest = await this.#documents(client, 'local', { find: 'oplog.rs', filter: {}, sort: { $natural: -1 }, limit: 1 })
    const { databases } = await client.command('admin', { listDatabases: 1, nameOnly: true, $readPreference: { mode: 'nearest' } }, CALL_TIMEOUT_MS)
    for (const { name: database } of databases as { name: string }[]) {
      if (database === 'local') continue
      for (const { name, options } of await this.#documents(client, database, { listCollections: 1 })) {
        store.commit({ op: 'c', ns: `${database}.$cmd`, o: { create: name, ...options as Document } })
        for (const spec of await this.#documents(client, database, { listIndexes: name })) if (spec.name !== '_id_') store.commit({ op: 'c', ns: `${database}.$cmd`, o: { createIndexes: name, spec } })
        for (const document of await this.#documents(client, database, { find: name, filter: {} })) store.commit({ op: 'i', ns: `${database}.${String(name)}`, o: document })
        await this.#server.proc.clock.breathe()
      }
    }
    // From here on the oplog is the primary's. What it did meanwhile is applied again: every operation says what becomes of a whole document.
    for (const entry of newest) store.commit({ ...entry as unknown as OplogEntry, op: 'n' })
    this.#server.background(this.#server.log('I', 'INITSYNC', 21163, 'ReplCoordExtern-0', 'Initial sync done', {}, 'initial sync done'))
    this.#become(2)
  }

  async #documents(client: MongoClient, database: string, command: Document): Promise<Document[]> {
    const readable = { ...command, $readPreference: { mode: 'nearest' } }
    let { cursor } = await client.command(database, readable, CALL_TIMEOUT_MS) as { cursor: { firstBatch: Document[]; nextBatch?: Document[]; id: unknown; ns: string } }
    const out = [...cursor.firstBatch]
    while (Number(cursor.id) !== 0) {
      cursor = (await client.command(database, { getMore: cursor.id, collection: cursor.ns.slice(cursor.ns.indexOf('.') + 1) }, CALL_TIMEOUT_MS)).cursor as typeof cursor
      out.push(...cursor.nextBatch!)
    }
    return out
  }

  async #fetch(client: MongoClient): Promise<void> {
    const { store } = this.#server
    const { ts } = this.applied
    const entries = await this.#documents(client, 'local', { find: 'oplog.rs', filter: { ts: { $gte: ts } }, tailable: true, awaitData: true }) as unknown as OplogEntry[]
    const [first, ...rest] = entries
    if (!first || !first.ts.equals(ts) || Number(first.t) !== this.applied.t) {
      // The primary doesn't know what we have: it was written to a primary that then was alone.
      this.#server.background(this.#server.log('I', 'ROLLBACK', 21682, 'BackgroundSync', 'Rollback common point not found; copying everything anew', {}, 'rollback: copying everything anew'))
      this.#become(5)
      return
    }
    for (const entry of rest) {
      if (entry.ts.comp(this.applied.ts) <= 0) continue
      store.commit({ ...entry, t: Number(entry.t) })
    }
    this.#lastTs = this.applied.ts
    if (rest.length > 0 && this.#self) await client.command('admin', { replSetUpdatePosition: 1, from: this.#self.host, applied: this.applied }, CALL_TIMEOUT_MS)
  }

  // --- what is told -------------------------------------------------------------------------------------------------------------

  /** replSetGetStatus. @throws MongoError 94 */
  status(): Document {
    const { config } = this
    if (!config) throw new MongoError(94, 'no replset config has been received', { ...(this.#server.old ? { info: 'run rs.initiate(...) if not yet done for the set' } : {}) })
    const now = this.#nowMs
    const date = (ms: number) => new Date(Math.floor(ms))
    const optime = ({ ts, t }: OpTime) => ({ ts, t: Long.fromNumber(t) })
    const wall = ({ ts }: OpTime) => new Date(ts.getHighBits() * 1000)
    const old = this.#server.old
    const members = config.members.map((member) => {
      const own = member.host === this.#self?.host
      const peer = this.#peers.get(member.host)
      const base: Document = { _id: member._id, name: member.host, health: own ? 1 : peer?.health ?? 0, state: own ? this.state : peer?.state ?? 6, stateStr: STATES[own ? this.state : peer?.state ?? 6] ?? 'UNKNOWN', uptime: own ? Math.floor((now - this.#server.startedMs) / 1000) : peer?.health === 1 ? Math.floor((now - peer.upSinceMs) / 1000) : 0 }
      const applied = own ? this.applied : peer?.applied ?? EMPTY
      Object.assign(base, { optime: optime(applied), ...(own ? {} : { optimeDurable: optime(applied) }), optimeDate: wall(applied), ...(own ? {} : { optimeDurableDate: wall(applied) }) })
      if (!old) Object.assign(base, { lastAppliedWallTime: wall(applied), lastDurableWallTime: wall(applied) })
      if (own) {
        if (old) { if (this.#syncSource) base.syncingTo = this.#syncSource } else Object.assign(base, { syncSourceHost: this.#syncSource, syncSourceId: config.members.find(({ host }) => host === this.#syncSource)?._id ?? -1, infoMessage: '' })
        if (this.isPrimary && this.#electionTime) Object.assign(base, { electionTime: this.#electionTime, electionDate: date(this.#electionMs) })
        return { ...base, configVersion: config.version, ...(old ? {} : { configTerm: config.term }), self: true, ...(old ? {} : { lastHeartbeatMessage: '' }) }
      }
      Object.assign(base, { lastHeartbeat: date(peer?.lastHeartbeatMs ?? 0), lastHeartbeatRecv: date(peer?.lastReceivedMs ?? 0), pingMs: Long.fromNumber(0), ...(peer?.message || !old ? { lastHeartbeatMessage: peer?.message ?? '' } : {}) })
      if (old) { if (peer?.syncSource) base.syncingTo = peer.syncSource } else Object.assign(base, { syncSourceHost: peer?.syncSource ?? '', syncSourceId: config.members.find(({ host }) => host === peer?.syncSource)?._id ?? -1, infoMessage: '' })
      if (peer?.state === 1 && peer.electionTime) Object.assign(base, { electionTime: peer.electionTime, electionDate: wall({ ts: peer.electionTime, t: 0 }) })
      return { ...base, configVersion: peer?.configVersion ?? -2, ...(old ? {} : { configTerm: peer?.configTerm ?? -1 }) }
    })
    const applied = this.applied
    return {
      set: config._id, date: date(now), myState: this.state, term: Long.fromNumber(this.#term), ...(old ? this.#syncSource ? { syncingTo: this.#syncSource } : {} : { syncSourceHost: this.#syncSource, syncSourceId: config.members.find(({ host }) => host === this.#syncSource)?._id ?? -1 }), heartbeatIntervalMillis: Long.fromNumber(HEARTBEAT_MS),
      ...(old ? {} : { majorityVoteCount: this.#majority, writeMajorityCount: this.#majority, votingMembersCount: this.#voters.length, writableVotingMembersCount: this.#voters.filter(({ arbiterOnly }) => !arbiterOnly).length }),
      optimes: old ? { lastCommittedOpTime: optime(applied), appliedOpTime: optime(applied), durableOpTime: optime(applied) } : { lastCommittedOpTime: optime(applied), lastCommittedWallTime: wall(applied), readConcernMajorityOpTime: optime(applied), appliedOpTime: optime(applied), durableOpTime: optime(applied), lastAppliedWallTime: wall(applied), lastDurableWallTime: wall(applied) },
      ...(old || !this.isPrimary ? {} : { lastStableRecoveryTimestamp: applied.ts, electionCandidateMetrics: { lastElectionReason: 'electionTimeout', lastElectionDate: date(this.#electionMs), electionTerm: Long.fromNumber(this.#term), numVotesNeeded: this.#majority, priorityAtElection: this.#self?.priority ?? 1, electionTimeoutMillis: ELECTION_TIMEOUT_MS } }), members,
    }
  }

  /** Fields of hello. */
  hello(): Document {
    const { config } = this
    if (!config || !this.#self) return { isreplicaset: true, info: config ? 'Our replica set config is invalid or we are not a member of it' : 'Does not have a valid replica set config' }
    const primary = this.isPrimary ? this.#self.host : [...this.#peers].find(([, { state, health }]) => state === 1 && health === 1)?.[0]
    const hosts = config.members.filter(({ arbiterOnly, hidden, priority }) => !arbiterOnly && !hidden && priority > 0).map(({ host }) => host)
    const arbiters = config.members.filter(({ arbiterOnly }) => arbiterOnly).map(({ host }) => host)
    return { hosts, ...(arbiters.length > 0 ? { arbiters } : {}), setName: config._id, setVersion: config.version, secondary: this.state === 2, ...(primary ? { primary } : {}), ...(this.state === 7 ? { arbiterOnly: true } : {}), me: this.#self.host, ...(this.isPrimary && this.#electionTime ? { electionId: new ObjectId(`7fffffff${this.#term.toString(16).padStart(16, '0')}`) } : {}), lastWrite: { opTime: this.applied, lastWriteDate: new Date(this.applied.ts.getHighBits() * 1000) } }
  }

  get term(): number { return this.#term }
}

/** `host:port`; 27017 where no port is named. */
export function splitHost(host: string): { name: string; port: number } {
  const [, name, port] = /^(.*?)(?::(\d+))?$/.exec(host)!
  return { name: name!, port: Number(port ?? 27017) }
}
