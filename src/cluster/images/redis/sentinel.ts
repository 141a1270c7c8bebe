import { UnixError } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { globPattern } from './commands.ts'
import type { RedisServer } from './redis-server.ts'
import { RespConnection } from './resp-connection.ts'
import type { Reply } from './resp.ts'
import { CommandError } from './store.ts'

const HELLO_CHANNEL = '__sentinel__:hello'
const TICK_MS = 1_000
const FAILOVER_TICK_MS = 100
const PING_MS = 1_000
const INFO_MS = 10_000
const HELLO_MS = 2_000
const ASK_MS = 1_000
const MAX_DESYNC_MS = 1_000
const ELECTION_TIMEOUT_MS = 10_000
const RECONF_TIMEOUT_MS = 10_000
const DEFAULT_PRIORITY = 100

type Role = 'master' | 'slave'
type FailoverState = 'none' | 'wait_start' | 'select_slave' | 'send_slaveof_noone' | 'wait_promotion' | 'reconf_slaves' | 'update_config'

/** A server that a sentinel watches: a master, one of its replicas, or another sentinel of it. */
class Instance {
  readonly kind: 'master' | 'slave' | 'sentinel'
  ip: string
  port: number
  runId = ''
  commands: RespConnection | undefined
  subscription: RespConnection | undefined
  connecting = false
  /** When it last answered well, and at all. */
  lastOkMs: number
  lastPongMs: number
  /** When the ping that isn't answered yet was sent; 0: all are. */
  pingSentMs = 0
  lastPingMs = 0
  lastInfoMs = 0
  infoRefreshMs = 0
  lastHelloMs = 0
  /** When its last hello message came (sentinels). */
  helloMs = 0
  downSinceMs: number | undefined
  roleReported: Role
  roleReportedMs: number
  // Of replicas:
  priority = DEFAULT_PRIORITY
  offset = 0
  masterHost = ''
  masterPort = 0
  masterLinkUp = false
  masterLinkDownMs = 0
  confChangedMs: number
  promoted = false
  reconf: 'none' | 'sent' | 'inprog' | 'done' = 'none'
  reconfSentMs = 0
  // Of sentinels: what they said of the master.
  saysMasterDown = false
  lastMasterDownReplyMs = 0
  lastAskMs = 0
  vote = '*'
  voteEpoch = 0

  constructor(kind: Instance['kind'], ip: string, port: number, nowMs: number) {
    this.kind = kind
    this.ip = ip
    this.port = port
    this.lastOkMs = this.lastPongMs = this.roleReportedMs = this.confChangedMs = nowMs
    this.roleReported = kind === 'slave' ? 'slave' : 'master'
  }

  get address(): string {
    return `${this.ip}:${this.port}`
  }

  disconnect(): void {
    this.commands?.close()
    this.subscription?.close()
    this.commands = this.subscription = undefined
  }
}

/** A master that a sentinel watches, with all that belongs to it. */
interface Watched {
  readonly name: string
  instance: Instance
  quorum: number
  downAfterMs: number
  failoverTimeoutMs: number
  parallelSyncs: number
  password: string
  readonly slaves: Map<string, Instance>
  readonly sentinels: Map<string, Instance>
  configEpoch: number
  leader: string
  leaderEpoch: number
  objectivelyDownMs: number | undefined
  state: FailoverState
  failoverEpoch: number
  failoverStartMs: number
  stateChangedMs: number
  delayLoggedMs: number
  forced: boolean
  promoted: Instance | undefined
}

/** redis-sentinel: watches masters, and puts a replica in the place of one that is gone once enough sentinels agree. */
export class Sentinel {
  readonly #server: RedisServer
  readonly #masters = new Map<string, Watched>()
  #myId: string
  #epoch = 0
  #timer: { cancel(): void } | undefined
  #isWatching = false

  constructor(server: RedisServer) {
    this.#server = server
    this.#myId = server.runId
  }

  get #nowMs(): number {
    return this.#server.proc.clock.nowMs()
  }

  get myId(): string {
    return this.#myId
  }

  // --- configuration

  /** A `sentinel ...` line of the configuration file. @throws CommandError with what is wrong */
  async configure(words: readonly string[]): Promise<void> {
    const [option, name = '', ...values] = words
    const master = () => this.#masters.get(name) ?? fail('No such master with specified name.')
    const milliseconds = () => /^[1-9]\d*$/.test(values[0] ?? '') ? Number(values[0]) : fail('negative or zero time parameter.')
    switch (option?.toLowerCase()) {
      case 'monitor': {
        const [host, port, quorum] = values
        if (values.length !== 3) fail('Unrecognized sentinel configuration statement.')
        if (!/^[1-9]\d*$/.test(quorum!)) fail('Quorum must be 1 or greater.')
        await this.monitor(name, host!, Number(port), Number(quorum))
        break
      }
      case 'down-after-milliseconds': master().downAfterMs = milliseconds(); break
      case 'failover-timeout': master().failoverTimeoutMs = milliseconds(); break
      case 'parallel-syncs': master().parallelSyncs = Number(values[0]); break
      case 'auth-pass': master().password = values[0] ?? ''; break
      case 'myid': this.#myId = name; break
      case 'config-epoch': { const watched = master(); watched.configEpoch = Number(values[0]); break }
      case 'leader-epoch': master().leaderEpoch = Number(values[0]); break
      case 'current-epoch': this.#epoch = Math.max(this.#epoch, Number(name)); break
      case 'known-slave': case 'known-replica': this.#addSlave(master(), values[0]!, Number(values[1])); break
      case 'known-sentinel': if (values.length === 3) this.#addSentinel(master(), values[2]!, values[0]!, Number(values[1])); break
      case 'resolve-hostnames': this.#server.config.set('resolve-hostnames', name); break
      case 'announce-ip': case 'announce-port': case 'announce-hostnames': case 'notification-script': case 'client-reconfig-script': case 'deny-scripts-reconfig': case 'auth-user': case 'sentinel-pass': break
      default: fail('Unrecognized sentinel configuration statement.')
    }
  }

  /** @throws CommandError when the name can't be looked up */
  async monitor(name: string, host: string, port: number, quorum: number): Promise<Watched> {
    if (this.#masters.has(name)) fail('Duplicated master name.')
    const server = this.#server
    const isAddress = /^[\d.]+$|:/.test(host)
    // From 6.2 on names are only looked up where that is allowed.
    if (!isAddress && server.atLeast(6, 2) && server.config.get('resolve-hostnames') !== 'yes') fail("Can't resolve instance hostname.")
    const [ip] = await server.proc.net.lookup(host).catch(() => fail("Can't resolve instance hostname."))
    const nowMs = this.#nowMs
    const watched: Watched = {
      name, instance: new Instance('master', ip!, port, nowMs), quorum, downAfterMs: 30_000, failoverTimeoutMs: 180_000, parallelSyncs: 1, password: '', slaves: new Map(), sentinels: new Map(),
      configEpoch: 0, leader: '', leaderEpoch: 0, objectivelyDownMs: undefined, state: 'none', failoverEpoch: 0, failoverStartMs: 0, stateChangedMs: 0, delayLoggedMs: -1, forced: false, promoted: undefined,
    }
    this.#masters.set(name, watched)
    return watched
  }

  #addSlave(watched: Watched, ip: string, port: number): Instance | undefined {
    const slave = new Instance('slave', ip, port, this.#nowMs)
    if (watched.slaves.has(slave.address)) return undefined
    watched.slaves.set(slave.address, slave)
    return slave
  }

  #addSentinel(watched: Watched, runId: string, ip: string, port: number): Instance {
    const sentinel = new Instance('sentinel', ip, port, this.#nowMs)
    sentinel.runId = runId
    sentinel.helloMs = this.#nowMs
    watched.sentinels.set(runId, sentinel)
    return sentinel
  }

  /** Begins to watch. */
  async start(): Promise<void> {
    this.#flush()
    await this.#server.log(`Sentinel ID is ${this.#myId}`, { level: this.#server.noticeLevel })
    for (const watched of this.#masters.values()) await this.#announce(watched)
    this.#tick()
  }

  async #announce(watched: Watched): Promise<void> {
    await this.#event('#', '+monitor', `${this.#name(watched, watched.instance)} quorum ${watched.quorum}`)
  }

  /** Writes what is known back into the configuration file, for the next start. */
  #flush(): void {
    const server = this.#server
    const lines = server.proc.fs.readText(server.configFile).split('\n').filter((line) => !/^\s*sentinel\s/i.test(line) && line !== '# Generated by CONFIG REWRITE')
    const known = server.atLeast(5, 0) ? 'known-replica' : 'known-slave'
    const own = [`sentinel myid ${this.#myId}`]
    for (const w of this.#masters.values()) {
      const { ip, port } = w.promoted && w.state === 'reconf_slaves' ? w.promoted : w.instance
      own.push(`sentinel monitor ${w.name} ${ip} ${port} ${w.quorum}`)
      if (w.downAfterMs !== 30_000) own.push(`sentinel down-after-milliseconds ${w.name} ${w.downAfterMs}`)
      if (w.failoverTimeoutMs !== 180_000) own.push(`sentinel failover-timeout ${w.name} ${w.failoverTimeoutMs}`)
      if (w.parallelSyncs !== 1) own.push(`sentinel parallel-syncs ${w.name} ${w.parallelSyncs}`)
      if (w.password) own.push(`sentinel auth-pass ${w.name} ${w.password}`)
      own.push(`sentinel config-epoch ${w.name} ${w.configEpoch}`, `sentinel leader-epoch ${w.name} ${w.leaderEpoch}`)
      for (const slave of w.slaves.values()) own.push(`sentinel ${known} ${w.name} ${slave.ip} ${slave.port}`)
      for (const sentinel of w.sentinels.values()) own.push(`sentinel known-sentinel ${w.name} ${sentinel.ip} ${sentinel.port} ${sentinel.runId}`)
    }
    own.push(`sentinel current-epoch ${this.#epoch}`)
    try {
      server.proc.fs.writeFile(server.configFile, `${lines.join('\n').trimEnd()}\n# Generated by CONFIG REWRITE\n${own.join('\n')}\n`)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
    }
  }

  // --- telling

  /** An instance as events name it. */
  #name(watched: Watched, instance: Instance): string {
    const { ip, port } = watched.instance
    return instance.kind === 'master' ? `master ${watched.name} ${instance.ip} ${instance.port}` : `${instance.kind} ${instance.kind === 'sentinel' ? instance.runId : instance.address} ${instance.ip} ${instance.port} @ ${watched.name} ${ip} ${port}`
  }

  /** Into the log, and to those who subscribed to its name. */
  #event(level: '*' | '#', type: string, text: string): Promise<void> {
    this.#server.publish(type, text)
    return this.#server.log(`${type}${text && ` ${text}`}`, { level: this.#server.atLeast(7, 2) ? '*' : level })
  }

  // --- watching

  #tick(): void {
    const { proc } = this.#server
    if (proc.killed.aborted) return
    // A round that is still under way isn't overtaken.
    if (!this.#isWatching) {
      this.#isWatching = true
      this.#server.background(this.#watch().finally(() => { this.#isWatching = false }))
    }
    const isBusy = [...this.#masters.values()].some((watched) => watched.state !== 'none')
    // Sentinels don't keep step, so that they don't all stand for election at once.
    this.#timer = proc.clock.after((isBusy ? FAILOVER_TICK_MS : TICK_MS) + proc.random.int(50), () => this.#tick())
  }

  stop(): void {
    this.#timer?.cancel()
    for (const watched of this.#masters.values()) for (const instance of all(watched)) instance.disconnect()
  }

  async #watch(): Promise<void> {
    for (const watched of this.#masters.values()) {
      for (const instance of all(watched)) {
        this.#connect(watched, instance)
        this.#talk(watched, instance)
        await this.#judge(watched, instance)
      }
      await this.#judgeTogether(watched)
      if (await this.#startFailover(watched)) this.#askSentinels(watched, true)
      await this.#failover(watched)
      this.#askSentinels(watched, false)
    }
  }

  #connect(watched: Watched, instance: Instance): void {
    if (instance.connecting || (instance.commands && !instance.commands.isClosed && (instance.kind === 'sentinel' || (instance.subscription && !instance.subscription.isClosed)))) return
    const { proc } = this.#server
    const timeoutMs = watched.downAfterMs
    instance.connecting = true
    this.#server.background((async () => {
      try {
        const { ip, port } = instance
        if (!instance.commands || instance.commands.isClosed) {
          const commands = await RespConnection.open(proc, ip, port, { timeoutMs })
          instance.commands = commands
          instance.pingSentMs = 0
          if (watched.password && instance.kind !== 'sentinel') commands.ask('AUTH', watched.password).catch(ignore)
          commands.ask('CLIENT', 'SETNAME', `sentinel-${this.#myId.slice(0, 8)}-cmd`).catch(ignore)
          this.#ping(instance)
        }
        if (instance.kind !== 'sentinel' && (!instance.subscription || instance.subscription.isClosed)) {
          const subscription = await RespConnection.open(proc, ip, port, { timeoutMs, onPush: (reply) => { this.#server.background(this.#hear(watched, reply)) } })
          instance.subscription = subscription
          if (watched.password) subscription.send('AUTH', watched.password)
          subscription.send('CLIENT', 'SETNAME', `sentinel-${this.#myId.slice(0, 8)}-pubsub`)
          subscription.send('SUBSCRIBE', HELLO_CHANNEL)
        }
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        if (instance.pingSentMs === 0) instance.pingSentMs = this.#nowMs
      } finally {
        instance.connecting = false
      }
    })())
  }

  #ping(instance: Instance): void {
    const nowMs = this.#nowMs
    instance.lastPingMs = nowMs
    if (instance.pingSentMs === 0) instance.pingSentMs = nowMs
    instance.commands?.ask('PING').then((reply) => {
      instance.lastPongMs = this.#nowMs
      // Busy and loading servers are alive all the same.
      if (isStatus(reply, 'PONG') || (isError(reply) && /^(LOADING|MASTERDOWN)/.test(reply.error))) {
        instance.lastOkMs = this.#nowMs
        instance.pingSentMs = 0
      }
    }, ignore)
  }

  #talk(watched: Watched, instance: Instance): void {
    const { commands } = instance
    if (!commands || commands.isClosed) return
    const nowMs = this.#nowMs
    // One that doesn't answer any more may be reached over a new connection.
    if (instance.pingSentMs > 0 && nowMs - instance.pingSentMs > watched.downAfterMs / 2 && nowMs - instance.lastPongMs > watched.downAfterMs / 2 && commands.pending > 0) { commands.close(); return }
    if (instance.kind !== 'sentinel') {
      const everyMs = instance.kind === 'slave' && (watched.objectivelyDownMs !== undefined || watched.state !== 'none' || instance.masterLinkDownMs > 0) ? 1_000 : INFO_MS
      if (instance.infoRefreshMs === 0 || nowMs - instance.lastInfoMs >= everyMs) {
        instance.lastInfoMs = nowMs
        commands.ask('INFO').then((reply) => { if (typeof reply === 'string') this.#server.background(this.#learn(watched, instance, reply)) }, ignore)
      }
    }
    if (nowMs - instance.lastPingMs >= Math.min(PING_MS, watched.downAfterMs)) this.#ping(instance)
    if (nowMs - instance.lastHelloMs >= HELLO_MS) this.#hello(watched, instance)
  }

  #hello(watched: Watched, instance: Instance): void {
    const { commands } = instance
    if (!commands || commands.isClosed) return
    instance.lastHelloMs = this.#nowMs
    const { ip, port } = watched.state === 'reconf_slaves' && watched.promoted ? watched.promoted : watched.instance
    commands.ask('PUBLISH', HELLO_CHANNEL, [commands.socket.local.ip, this.#server.config.get('port'), this.#myId, this.#epoch, watched.name, ip, port, watched.configEpoch].join(',')).catch(ignore)
  }

  async #hear(watched: Watched, reply: Reply): Promise<void> {
    if (Array.isArray(reply) && reply[0] === 'message' && reply[1] === HELLO_CHANNEL) await this.hello(String(reply[2]), watched)
  }

  /** What another sentinel told of itself and of the master. */
  async hello(text: string, heardAt?: Watched): Promise<void> {
    const [ip, port, runId, epoch, name, masterIp, masterPort, masterEpoch] = text.split(',')
    const watched = this.#masters.get(name ?? '')
    if (!watched || masterEpoch === undefined || runId === this.#myId || (heardAt && heardAt !== watched)) return
    let sentinel = watched.sentinels.get(runId!)
    if (!sentinel || sentinel.ip !== ip || sentinel.port !== Number(port)) {
      if (sentinel) {
        sentinel.disconnect()
        watched.sentinels.delete(runId!)
        await this.#event('*', '+sentinel-address-switch', `${this.#name(watched, watched.instance)} ip ${ip} port ${port} for ${runId}`)
      } else for (const other of watched.sentinels.values()) {
        if (other.ip !== ip || other.port !== Number(port)) continue
        await this.#event('*', '+sentinel-invalid-addr', this.#name(watched, other))
        other.disconnect()
        watched.sentinels.delete(other.runId)
      }
      const isNew = !sentinel
      sentinel = this.#addSentinel(watched, runId!, ip!, Number(port))
      if (isNew) await this.#event('*', '+sentinel', this.#name(watched, sentinel))
      this.#flush()
    }
    if (Number(epoch) > this.#epoch) await this.#newEpoch(watched, Number(epoch))
    if (watched.configEpoch < Number(masterEpoch)) {
      watched.configEpoch = Number(masterEpoch)
      const { ip: oldIp, port: oldPort } = watched.instance
      if (masterIp !== oldIp || Number(masterPort) !== oldPort) {
        await this.#event('#', '+config-update-from', this.#name(watched, sentinel))
        await this.#event('#', '+switch-master', `${watched.name} ${oldIp} ${oldPort} ${masterIp} ${masterPort}`)
        await this.#switchTo(watched, masterIp!, Number(masterPort))
      }
    }
    sentinel.helloMs = this.#nowMs
  }

  async #newEpoch(watched: Watched, epoch: number): Promise<void> {
    this.#epoch = epoch
    this.#flush()
    await this.#event('#', '+new-epoch', String(epoch))
    if (watched.state === 'wait_start' && watched.failoverEpoch < epoch) this.#abort(watched)
  }

  /** What INFO says of a master or a replica. */
  async #learn(watched: Watched, instance: Instance, info: string): Promise<void> {
    const nowMs = this.#nowMs
    const fields = new Map(info.split('\r\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
    const runId = fields.get('run_id') ?? ''
    if (instance.runId !== '' && instance.runId !== runId) await this.#event('*', '+reboot', this.#name(watched, instance))
    instance.runId = runId
    instance.infoRefreshMs = nowMs
    const role: Role = fields.get('role') === 'slave' ? 'slave' : 'master'
    if (role !== instance.roleReported) {
      instance.roleReported = role
      instance.roleReportedMs = nowMs
      if (role === 'slave') instance.confChangedMs = nowMs
    }
    if (role === 'master') {
      for (const [key, text] of fields) {
        if (!/^slave\d+$/.test(key) || instance.kind !== 'master') continue
        const [, ip, port] = /ip=([^,]+),port=(\d+)/.exec(text) ?? []
        const slave = ip === undefined ? undefined : this.#addSlave(watched, ip, Number(port))
        if (!slave) continue
        this.#flush()
        await this.#event('*', '+slave', this.#name(watched, slave))
      }
    } else {
      const host = fields.get('master_host') ?? ''
      const port = Number(fields.get('master_port'))
      if (host !== instance.masterHost || port !== instance.masterPort) {
        instance.masterHost = host
        instance.masterPort = port
        instance.confChangedMs = nowMs
      }
      instance.masterLinkUp = fields.get('master_link_status') === 'up'
      instance.masterLinkDownMs = Number(fields.get('master_link_down_since_seconds') ?? 0) * 1000
      instance.priority = Number(fields.get('slave_priority') ?? DEFAULT_PRIORITY)
      instance.offset = Number(fields.get('slave_repl_offset') ?? 0)
    }
    if (instance.kind === 'slave') await this.#correct(watched, instance, role)
  }

  /** Sets right what replicas do that isn't as it should be, and sees how a failover goes on. */
  async #correct(watched: Watched, slave: Instance, role: Role): Promise<void> {
    const nowMs = this.#nowMs
    const { ip, port } = watched.instance
    const isMasterSane = watched.instance.roleReported === 'master' && watched.instance.downSinceMs === undefined && watched.objectivelyDownMs === undefined && nowMs - watched.instance.infoRefreshMs < 2 * INFO_MS
    const upFor = (ms: number) => slave.downSinceMs === undefined && nowMs - slave.lastOkMs < ms
    if (role === 'master') {
      if (slave.promoted && watched.state === 'wait_promotion') {
        watched.configEpoch = watched.failoverEpoch
        this.#enter(watched, 'reconf_slaves')
        this.#flush()
        await this.#event('#', '+promoted-slave', this.#name(watched, slave))
        await this.#event('#', '+failover-state-reconf-slaves', this.#name(watched, watched.instance))
        for (const instance of all(watched)) this.#hello(watched, instance)
      } else if (!slave.promoted && isMasterSane && upFor(4 * HELLO_MS) && nowMs - slave.roleReportedMs > 4 * HELLO_MS) {
        this.#replicate(slave, ip, port)
        await this.#event('*', '+convert-to-slave', this.#name(watched, slave))
      }
      return
    }
    if ((slave.masterHost !== ip || slave.masterPort !== port) && watched.state === 'none' && isMasterSane && upFor(watched.failoverTimeoutMs) && nowMs - slave.confChangedMs > watched.failoverTimeoutMs) {
      this.#replicate(slave, ip, port)
      await this.#event('*', '+fix-slave-config', this.#name(watched, slave))
    }
    const { promoted } = watched
    if (slave.reconf === 'sent' && promoted && slave.masterHost === promoted.ip && slave.masterPort === promoted.port) {
      slave.reconf = 'inprog'
      await this.#event('*', '+slave-reconf-inprog', this.#name(watched, slave))
    }
    if (slave.reconf === 'inprog' && slave.masterLinkUp) {
      slave.reconf = 'done'
      await this.#event('*', '+slave-reconf-done', this.#name(watched, slave))
    }
  }

  #replicate(slave: Instance, host: string, port: number | string): void {
    const { commands } = slave
    if (!commands || commands.isClosed) return
    commands.ask('SLAVEOF', host, String(port)).catch(ignore)
    commands.ask('CONFIG', 'REWRITE').catch(ignore)
    commands.ask('CLIENT', 'KILL', 'TYPE', 'normal').catch(ignore)
  }

  // --- down or not

  async #judge(watched: Watched, instance: Instance): Promise<void> {
    const nowMs = this.#nowMs
    const silentMs = instance.pingSentMs > 0 ? nowMs - instance.pingSentMs : !instance.commands || instance.commands.isClosed ? nowMs - instance.lastOkMs : 0
    const isMasterTurnedSlave = instance.kind === 'master' && instance.roleReported === 'slave' && nowMs - instance.roleReportedMs > watched.downAfterMs + 2 * INFO_MS
    if (silentMs > watched.downAfterMs || isMasterTurnedSlave) {
      if (instance.downSinceMs !== undefined) return
      instance.downSinceMs = nowMs
      await this.#event('#', '+sdown', this.#name(watched, instance))
    } else if (instance.downSinceMs !== undefined) {
      instance.downSinceMs = undefined
      await this.#event('#', '-sdown', this.#name(watched, instance))
    }
  }

  /** Whether enough sentinels find the master down. */
  async #judgeTogether(watched: Watched): Promise<void> {
    const { instance } = watched
    const votes = instance.downSinceMs === undefined ? 0 : 1 + [...watched.sentinels.values()].filter((sentinel) => sentinel.saysMasterDown).length
    if (votes >= watched.quorum && votes > 0) {
      if (watched.objectivelyDownMs !== undefined) return
      watched.objectivelyDownMs = this.#nowMs
      await this.#event('#', '+odown', `${this.#name(watched, instance)} #quorum ${votes}/${watched.quorum}`)
    } else if (watched.objectivelyDownMs !== undefined) {
      watched.objectivelyDownMs = undefined
      await this.#event('#', '-odown', this.#name(watched, instance))
    }
  }

  #askSentinels(watched: Watched, force: boolean): void {
    const nowMs = this.#nowMs
    const { ip, port, downSinceMs } = watched.instance
    for (const sentinel of watched.sentinels.values()) {
      if (nowMs - sentinel.lastMasterDownReplyMs > 5 * ASK_MS) { sentinel.saysMasterDown = false; sentinel.vote = '*' }
      if (downSinceMs === undefined && !watched.forced) continue
      const { commands } = sentinel
      if (!commands || commands.isClosed || (!force && nowMs - sentinel.lastAskMs < ASK_MS)) continue
      sentinel.lastAskMs = nowMs
      commands.ask('SENTINEL', 'is-master-down-by-addr', ip, String(port), String(this.#epoch), watched.state === 'none' ? '*' : this.#myId).then((reply) => {
        if (!Array.isArray(reply) || reply.length !== 3) return
        sentinel.lastMasterDownReplyMs = this.#nowMs
        sentinel.saysMasterDown = reply[0] === 1
        if (reply[1] === '*') return
        if (sentinel.voteEpoch !== reply[2]) this.#server.background(this.#server.log(`${sentinel.runId} voted for ${String(reply[1])} ${String(reply[2])}`, { level: this.#server.noticeLevel }))
        sentinel.vote = String(reply[1])
        sentinel.voteEpoch = Number(reply[2])
      }, ignore)
    }
  }

  // --- failover

  #enter(watched: Watched, state: FailoverState): void {
    watched.state = state
    watched.stateChangedMs = this.#nowMs
  }

  #abort(watched: Watched): void {
    if (watched.promoted) watched.promoted.promoted = false
    watched.promoted = undefined
    watched.forced = false
    this.#enter(watched, 'none')
  }

  async #startFailover(watched: Watched): Promise<boolean> {
    if (watched.objectivelyDownMs === undefined || watched.state !== 'none') return false
    const { clock } = this.#server.proc
    const notBeforeMs = watched.failoverStartMs + 2 * watched.failoverTimeoutMs
    if (watched.failoverStartMs > 0 && clock.nowMs() < notBeforeMs) {
      if (watched.delayLoggedMs !== watched.failoverStartMs) {
        watched.delayLoggedMs = watched.failoverStartMs
        await this.#server.log(`Next failover delay: I will not start a failover before ${formatDate('%a %b %e %H:%M:%S %Y', notBeforeMs)}`, { level: this.#server.noticeLevel })
      }
      return false
    }
    await this.#begin(watched)
    return true
  }

  async #begin(watched: Watched): Promise<void> {
    this.#enter(watched, 'wait_start')
    watched.failoverEpoch = ++this.#epoch
    watched.failoverStartMs = this.#nowMs + this.#server.proc.random.int(MAX_DESYNC_MS)
    this.#flush()
    await this.#event('#', '+new-epoch', String(this.#epoch))
    await this.#event('#', '+try-failover', this.#name(watched, watched.instance))
  }

  /** Gives the vote of this epoch, which only the first candidate gets. */
  async #vote(watched: Watched, epoch: number, candidate: string): Promise<void> {
    if (epoch > this.#epoch) await this.#newEpoch(watched, epoch)
    if (watched.leaderEpoch >= epoch || this.#epoch > epoch) return
    watched.leader = candidate
    watched.leaderEpoch = this.#epoch
    this.#flush()
    await this.#event('#', '+vote-for-leader', `${candidate} ${watched.leaderEpoch}`)
    // Who votes for another doesn't stand for a while.
    if (candidate !== this.#myId) watched.failoverStartMs = this.#nowMs + this.#server.proc.random.int(MAX_DESYNC_MS)
  }

  /** Who was elected in this epoch. */
  async #elected(watched: Watched): Promise<string | undefined> {
    const epoch = watched.failoverEpoch
    const votes = new Map<string, number>()
    for (const sentinel of watched.sentinels.values()) if (sentinel.vote !== '*' && sentinel.voteEpoch === epoch) votes.set(sentinel.vote, (votes.get(sentinel.vote) ?? 0) + 1)
    const first = () => [...votes].sort(([, a], [, b]) => b - a)[0]
    await this.#vote(watched, epoch, first()?.[0] ?? this.#myId)
    if (watched.leaderEpoch === epoch) votes.set(watched.leader, (votes.get(watched.leader) ?? 0) + 1)
    const winner = first()
    const majority = Math.floor((watched.sentinels.size + 1) / 2) + 1
    return winner && winner[1] >= majority && winner[1] >= watched.quorum ? winner[0] : undefined
  }

  async #failover(watched: Watched): Promise<void> {
    const nowMs = this.#nowMs
    const name = () => this.#name(watched, watched.instance)
    const inStateMs = nowMs - watched.stateChangedMs
    switch (watched.state) {
      case 'wait_start': {
        if (!watched.forced && await this.#elected(watched) !== this.#myId) {
          if (watched.state === 'wait_start' && nowMs - watched.failoverStartMs > Math.min(ELECTION_TIMEOUT_MS, watched.failoverTimeoutMs)) {
            await this.#event('#', '-failover-abort-not-elected', name())
            this.#abort(watched)
          }
          return
        }
        await this.#event('#', '+elected-leader', name())
        this.#enter(watched, 'select_slave')
        await this.#event('#', '+failover-state-select-slave', name())
        return
      }
      case 'select_slave': {
        const slave = this.#bestSlave(watched)
        if (!slave) {
          await this.#event('#', '-failover-abort-no-good-slave', name())
          return this.#abort(watched)
        }
        await this.#event('#', '+selected-slave', this.#name(watched, slave))
        slave.promoted = true
        watched.promoted = slave
        this.#enter(watched, 'send_slaveof_noone')
        await this.#event('*', '+failover-state-send-slaveof-noone', this.#name(watched, slave))
        return
      }
      case 'send_slaveof_noone': {
        const slave = watched.promoted!
        if (!slave.commands || slave.commands.isClosed) {
          if (inStateMs <= watched.failoverTimeoutMs) return
          await this.#event('#', '-failover-abort-slave-timeout', name())
          return this.#abort(watched)
        }
        this.#replicate(slave, 'NO', 'ONE')
        await this.#event('*', '+failover-state-wait-promotion', this.#name(watched, slave))
        this.#enter(watched, 'wait_promotion')
        return
      }
      case 'wait_promotion':
        if (inStateMs <= watched.failoverTimeoutMs) return
        await this.#event('#', '-failover-abort-slave-timeout', name())
        return this.#abort(watched)
      case 'reconf_slaves': return this.#reconfigure(watched)
      case 'update_config': {
        const { ip, port } = watched.promoted!
        await this.#event('#', '+switch-master', `${watched.name} ${watched.instance.ip} ${watched.instance.port} ${ip} ${port}`)
        await this.#switchTo(watched, ip, port)
      }
    }
  }

  /** Turns the other replicas to their new master, some at a time. */
  async #reconfigure(watched: Watched): Promise<void> {
    const nowMs = this.#nowMs
    const { ip, port } = watched.promoted!
    const others = [...watched.slaves.values()].filter((slave) => slave !== watched.promoted)
    let busy = others.filter((slave) => slave.reconf === 'sent' || slave.reconf === 'inprog').length
    for (const slave of others) {
      if (busy >= watched.parallelSyncs) break
      if (slave.reconf === 'sent' && nowMs - slave.reconfSentMs > RECONF_TIMEOUT_MS) {
        await this.#event('*', '-slave-reconf-sent-timeout', this.#name(watched, slave))
        slave.reconf = 'done'
      }
      if (slave.reconf !== 'none' || !slave.commands || slave.commands.isClosed) continue
      this.#replicate(slave, ip, port)
      slave.reconf = 'sent'
      slave.reconfSentMs = nowMs
      busy += 1
      await this.#event('*', '+slave-reconf-sent', this.#name(watched, slave))
    }
    const isTimeout = nowMs - watched.stateChangedMs > watched.failoverTimeoutMs
    if (!isTimeout && others.some((slave) => slave.reconf !== 'done' && slave.downSinceMs === undefined)) return
    if (isTimeout) await this.#event('#', '+failover-end-for-timeout', this.#name(watched, watched.instance))
    await this.#event('#', '+failover-end', this.#name(watched, watched.instance))
    if (isTimeout) for (const slave of others) if (slave.reconf === 'none') this.#replicate(slave, ip, port)
    this.#enter(watched, 'update_config')
  }

  /** The replica that is to be the master: what is reachable and knows most. */
  #bestSlave(watched: Watched): Instance | undefined {
    const nowMs = this.#nowMs
    const downSinceMs = watched.instance.downSinceMs
    const infoWithinMs = downSinceMs === undefined ? 3 * INFO_MS : 5 * PING_MS
    const linkDownWithinMs = 10 * watched.downAfterMs + (downSinceMs === undefined ? 0 : nowMs - downSinceMs)
    return [...watched.slaves.values()]
      .filter((slave) => slave.downSinceMs === undefined && slave.commands && !slave.commands.isClosed && nowMs - slave.lastOkMs <= 5 * PING_MS && slave.priority !== 0 && nowMs - slave.infoRefreshMs <= infoWithinMs && slave.masterLinkDownMs <= linkDownWithinMs)
      .sort((a, b) => a.priority - b.priority || b.offset - a.offset || (a.runId < b.runId ? -1 : 1))[0]
  }

  /** From now on another is the master; the old one counts as a replica that is to come back. */
  async #switchTo(watched: Watched, ip: string, port: number): Promise<void> {
    const others = [...watched.slaves.values(), watched.instance].filter((instance) => instance.ip !== ip || instance.port !== port).map((instance) => ({ ip: instance.ip, port: instance.port }))
    for (const instance of [watched.instance, ...watched.slaves.values()]) instance.disconnect()
    watched.slaves.clear()
    for (const sentinel of watched.sentinels.values()) { sentinel.saysMasterDown = false; sentinel.vote = '*' }
    watched.instance = new Instance('master', ip, port, this.#nowMs)
    watched.objectivelyDownMs = undefined
    watched.leader = ''
    watched.failoverStartMs = 0
    watched.promoted = undefined
    watched.forced = false
    this.#enter(watched, 'none')
    for (const { ip: slaveIp, port: slavePort } of others) {
      const slave = this.#addSlave(watched, slaveIp, slavePort)
      if (slave) await this.#event('*', '+slave', this.#name(watched, slave))
    }
    this.#flush()
  }

  // --- what is asked of it

  /** The section of INFO. */
  info(): string[] {
    return ['sentinel_masters:' + this.#masters.size, 'sentinel_tilt:0', 'sentinel_running_scripts:0', 'sentinel_scripts_queue_length:0', 'sentinel_simulate_failure_flags:0',
      ...[...this.#masters.values()].map((w, i) => `master${i}:name=${w.name},status=${w.objectivelyDownMs !== undefined ? 'odown' : w.instance.downSinceMs !== undefined ? 'sdown' : 'ok'},address=${w.instance.ip}:${w.instance.port},slaves=${w.slaves.size},sentinels=${w.sentinels.size + 1}`)]
  }

  get masterNames(): string[] {
    return [...this.#masters.keys()]
  }

  /** SENTINEL. @throws CommandError */
  async command(args: readonly string[]): Promise<Reply> {
    const [subcommand, ...rest] = args
    const arity = (count: number) => { if (rest.length !== count) fail(this.#server.atLeast(7, 0) ? `ERR wrong number of arguments for 'sentinel|${subcommand!.toLowerCase()}' command` : `ERR Wrong number of arguments for 'sentinel ${subcommand}'`) }
    const watched = () => this.#masters.get(rest[0]!) ?? fail('ERR No such master with that name')
    switch (subcommand!.toLowerCase()) {
      case 'myid': arity(0); return this.#myId
      case 'masters': arity(0); return [...this.#masters.values()].map((each) => this.#describe(each, each.instance))
      case 'master': arity(1); return this.#describe(watched(), watched().instance)
      case 'slaves': case 'replicas': arity(1); return [...watched().slaves.values()].map((slave) => this.#describe(watched(), slave))
      case 'sentinels': arity(1); return [...watched().sentinels.values()].map((sentinel) => this.#describe(watched(), sentinel))
      case 'get-master-addr-by-name': {
        arity(1)
        const found = this.#masters.get(rest[0]!)
        if (!found) return { nullArray: true }
        const { ip, port } = found.promoted && found.state === 'reconf_slaves' ? found.promoted : found.instance
        return [ip, String(port)]
      }
      case 'is-master-down-by-addr': {
        arity(4)
        const [ip, port, epoch, candidate] = rest
        const found = [...this.#masters.values()].find(({ instance }) => instance.ip === ip && instance.port === Number(port))
        if (found && candidate !== '*') await this.#vote(found, Number(epoch), candidate!)
        return [found?.instance.downSinceMs !== undefined ? 1 : 0, found && candidate !== '*' && found.leader ? found.leader : '*', found && candidate !== '*' ? found.leaderEpoch : 0]
      }
      case 'failover': {
        arity(1)
        const found = watched()
        if (found.state !== 'none') return fail('INPROG Failover already in progress')
        if (!this.#bestSlave(found)) return fail(`NOGOODSLAVE No suitable ${this.#server.atLeast(5, 0) ? 'replica' : 'slave'} to promote`)
        await this.#server.log(`Executing user requested FAILOVER of '${found.name}'`, { level: this.#server.noticeLevel })
        found.forced = true
        await this.#begin(found)
        this.#timer?.cancel()
        this.#tick()
        return { status: 'OK' }
      }
      case 'ckquorum': {
        arity(1)
        const found = watched()
        const usable = 1 + [...found.sentinels.values()].filter((sentinel) => sentinel.downSinceMs === undefined && sentinel.commands && !sentinel.commands.isClosed).length
        const voters = found.sentinels.size + 1
        const canAgree = usable >= found.quorum
        const canElect = usable >= Math.floor(voters / 2) + 1
        if (canAgree && canElect) return { status: `OK ${usable} usable Sentinels. Quorum and failover authorization can be reached` }
        return fail(`NOQUORUM ${usable} usable Sentinels. ${canAgree ? '' : 'Not enough available Sentinels to reach the specified quorum for this master. '}${canElect ? '' : 'Not enough available Sentinels to reach the majority and authorize a failover'}`.trimEnd())
      }
      case 'flushconfig': arity(0); this.#flush(); return { status: 'OK' }
      case 'monitor': {
        arity(4)
        if (!/^[1-9]\d*$/.test(rest[3]!)) fail('ERR Quorum must be 1 or greater.')
        const added = await this.monitor(rest[0]!, rest[1]!, Number(rest[2]), Number(rest[3])).catch((error: Error) => fail(error.message.startsWith("Can't resolve") ? 'ERR Invalid IP address or hostname specified' : `ERR ${error.message}`))
        this.#flush()
        await this.#announce(added)
        return { status: 'OK' }
      }
      case 'remove': {
        arity(1)
        const found = watched()
        await this.#event('#', '-monitor', this.#name(found, found.instance))
        for (const instance of all(found)) instance.disconnect()
        this.#masters.delete(found.name)
        this.#flush()
        return { status: 'OK' }
      }
      case 'reset': {
        arity(1)
        const matches = globPattern(rest[0]!)
        let count = 0
        for (const each of this.#masters.values()) {
          if (!matches(each.name)) continue
          for (const instance of all(each)) instance.disconnect()
          each.slaves.clear()
          each.sentinels.clear()
          each.instance = new Instance('master', each.instance.ip, each.instance.port, this.#nowMs)
          this.#abort(each)
          await this.#event('#', '+reset-master', this.#name(each, each.instance))
          count += 1
        }
        this.#flush()
        return count
      }
      case 'set': {
        if (rest.length < 3) arity(3)
        const found = watched()
        for (let i = 1; i + 1 < rest.length; i += 2) {
          const [option, value] = [rest[i]!, rest[i + 1]!]
          if (option.toLowerCase() === 'quorum' && /^[1-9]\d*$/.test(value)) found.quorum = Number(value)
          else if (['down-after-milliseconds', 'failover-timeout', 'parallel-syncs', 'auth-pass'].includes(option.toLowerCase())) await this.configure([option, found.name, value]).catch(() => fail(`ERR Invalid argument '${value}' for SENTINEL SET '${option}'`))
          else fail(`ERR Unknown option or number of arguments for SENTINEL SET '${option}'`)
          await this.#event('#', '+set', `${this.#name(found, found.instance)} ${option} ${value}`)
        }
        this.#flush()
        return { status: 'OK' }
      }
      case 'pending-scripts': arity(0); return []
      default: return fail(this.#server.atLeast(7, 0) ? `ERR unknown subcommand '${subcommand}'. Try SENTINEL HELP.` : `ERR Unknown sentinel subcommand '${subcommand}'`)
    }
  }

  #describe(watched: Watched, instance: Instance): string[] {
    const nowMs = this.#nowMs
    const isMaster = instance.kind === 'master'
    const flags = [
      instance.downSinceMs !== undefined ? 's_down' : '', isMaster && watched.objectivelyDownMs !== undefined ? 'o_down' : '', instance.kind, !instance.commands || instance.commands.isClosed ? 'disconnected' : '',
      instance.kind === 'sentinel' && instance.saysMasterDown ? 'master_down' : '', isMaster && watched.state !== 'none' ? 'failover_in_progress' : '', instance.promoted ? 'promoted' : '', instance.reconf === 'none' ? '' : `reconf_${instance.reconf}`,
    ].filter(Boolean).join(',')
    const since = (ms: number) => String(Math.floor(nowMs - ms))
    const fields: [string, string | number][] = [
      ['name', isMaster ? watched.name : instance.kind === 'slave' ? instance.address : instance.runId], ['ip', instance.ip], ['port', instance.port], ['runid', instance.runId], ['flags', flags],
      ['link-pending-commands', instance.commands?.pending ?? 0], ['link-refcount', 1], ...(isMaster && watched.state !== 'none' ? [['failover-state', watched.state] as [string, string]] : []),
      ['last-ping-sent', instance.pingSentMs > 0 ? since(instance.pingSentMs) : 0], ['last-ok-ping-reply', since(instance.lastOkMs)], ['last-ping-reply', since(instance.lastPongMs)],
      ...(instance.downSinceMs === undefined ? [] : [['s-down-time', since(instance.downSinceMs)] as [string, string]]), ...(isMaster && watched.objectivelyDownMs !== undefined ? [['o-down-time', since(watched.objectivelyDownMs)] as [string, string]] : []),
      ['down-after-milliseconds', watched.downAfterMs],
    ]
    if (instance.kind !== 'sentinel') fields.push(['info-refresh', instance.infoRefreshMs > 0 ? since(instance.infoRefreshMs) : 0], ['role-reported', instance.roleReported], ['role-reported-time', since(instance.roleReportedMs)])
    if (isMaster) fields.push(['config-epoch', watched.configEpoch], ['num-slaves', watched.slaves.size], ['num-other-sentinels', watched.sentinels.size], ['quorum', watched.quorum], ['failover-timeout', watched.failoverTimeoutMs], ['parallel-syncs', watched.parallelSyncs])
    if (instance.kind === 'slave') fields.push(['master-link-down-time', instance.masterLinkDownMs], ['master-link-status', instance.masterLinkUp ? 'ok' : 'err'], ['master-host', instance.masterHost || '?'], ['master-port', instance.masterPort], ['slave-priority', instance.priority], ['slave-repl-offset', instance.offset])
    if (instance.kind === 'sentinel') fields.push(['last-hello-message', since(instance.helloMs)], ['voted-leader', instance.vote === '*' ? '?' : instance.vote], ['voted-leader-epoch', instance.voteEpoch])
    return fields.flatMap(([name, value]) => [name, String(value)])
  }
}

function all(watched: Watched): Instance[] {
  return [watched.instance, ...watched.slaves.values(), ...watched.sentinels.values()]
}

function fail(message: string): never {
  throw new CommandError(message)
}

/** Connections break; the next round opens new ones. */
function ignore(): void {}

function isStatus(reply: Reply, status: string): boolean {
  return reply !== null && typeof reply === 'object' && 'status' in reply && reply.status === status
}

function isError(reply: Reply): reply is { error: string } {
  return reply !== null && typeof reply === 'object' && 'error' in reply
}
