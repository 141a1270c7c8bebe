import { UnixError } from '../../../unix/types.ts'
import type { RedisServer } from './redis-server.ts'
import { RespConnection } from './resp-connection.ts'
import type { Reply } from './resp.ts'
import { SentinelFailover } from './sentinel-failover.ts'
import { DEFAULT_PRIORITY, INFO_MS, Instance, PING_MS, all, nameOf } from './sentinel-instances.ts'
import type { Role, Watched } from './sentinel-instances.ts'
import { CommandError } from './store.ts'

const HELLO_CHANNEL = '__sentinel__:hello'
const TICK_MS = 1_000
const FAILOVER_TICK_MS = 100
const HELLO_MS = 2_000
const ASK_MS = 1_000

/** redis-sentinel: watches masters, and puts a replica in the place of one that is gone once enough sentinels agree. */
export class Sentinel {
  readonly server: RedisServer
  readonly masters = new Map<string, Watched>()
  readonly failover = new SentinelFailover(this)
  #myId: string
  /** The current epoch: every failover and every vote has one. */
  epoch = 0
  #timer: { cancel(): void } | undefined
  #isWatching = false

  constructor(server: RedisServer) {
    this.server = server
    this.#myId = server.runId
  }

  get nowMs(): number {
    return this.server.proc.clock.nowMs()
  }

  get myId(): string {
    return this.#myId
  }

  // --- configuration

  /** A `sentinel ...` line of the configuration file. @throws CommandError with what is wrong */
  async configure(words: readonly string[]): Promise<void> {
    const [option, name = '', ...values] = words
    const master = () => this.masters.get(name) ?? fail('No such master with specified name.')
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
      case 'current-epoch': this.epoch = Math.max(this.epoch, Number(name)); break
      case 'known-slave': case 'known-replica': this.addSlave(master(), values[0]!, Number(values[1])); break
      case 'known-sentinel': if (values.length === 3) this.#addSentinel(master(), values[2]!, values[0]!, Number(values[1])); break
      case 'resolve-hostnames': this.server.config.set('resolve-hostnames', name); break
      case 'announce-ip': case 'announce-port': case 'announce-hostnames': case 'notification-script': case 'client-reconfig-script': case 'deny-scripts-reconfig': case 'auth-user': case 'sentinel-pass': break
      default: fail('Unrecognized sentinel configuration statement.')
    }
  }

  /** @throws CommandError when the name can't be looked up */
  async monitor(name: string, host: string, port: number, quorum: number): Promise<Watched> {
    if (this.masters.has(name)) fail('Duplicated master name.')
    const server = this.server
    const isAddress = /^[\d.]+$|:/.test(host)
    // From 6.2 on names are only looked up where that is allowed.
    if (!isAddress && server.atLeast(6, 2) && server.config.get('resolve-hostnames') !== 'yes') fail("Can't resolve instance hostname.")
    const [ip] = await server.proc.net.lookup(host).catch(() => fail("Can't resolve instance hostname."))
    const nowMs = this.nowMs
    const watched: Watched = {
      name, instance: new Instance('master', ip!, port, nowMs), quorum, downAfterMs: 30_000, failoverTimeoutMs: 180_000, parallelSyncs: 1, password: '', slaves: new Map(), sentinels: new Map(),
      configEpoch: 0, leader: '', leaderEpoch: 0, objectivelyDownMs: undefined, state: 'none', failoverEpoch: 0, failoverStartMs: 0, stateChangedMs: 0, delayLoggedMs: -1, forced: false, promoted: undefined,
    }
    this.masters.set(name, watched)
    return watched
  }

  /** A replica of a master; undefined: it was known. */
  addSlave(watched: Watched, ip: string, port: number): Instance | undefined {
    const slave = new Instance('slave', ip, port, this.nowMs)
    if (watched.slaves.has(slave.address)) return undefined
    watched.slaves.set(slave.address, slave)
    return slave
  }

  #addSentinel(watched: Watched, runId: string, ip: string, port: number): Instance {
    const sentinel = new Instance('sentinel', ip, port, this.nowMs)
    sentinel.runId = runId
    sentinel.helloMs = this.nowMs
    watched.sentinels.set(runId, sentinel)
    return sentinel
  }

  /** Begins to watch. */
  async start(): Promise<void> {
    this.flush()
    await this.server.log(`Sentinel ID is ${this.#myId}`, { level: this.server.noticeLevel })
    for (const watched of this.masters.values()) await this.announce(watched)
    this.#tick()
  }

  /** Tells that a master is watched. */
  async announce(watched: Watched): Promise<void> {
    await this.event('#', '+monitor', `${nameOf(watched, watched.instance)} quorum ${watched.quorum}`)
  }

  /** Writes what is known back into the configuration file, for the next start. */
  flush(): void {
    const server = this.server
    const lines = server.proc.fs.readText(server.configFile).split('\n').filter((line) => !/^\s*sentinel\s/i.test(line) && line !== '# Generated by CONFIG REWRITE')
    const known = server.atLeast(5, 0) ? 'known-replica' : 'known-slave'
    const own = [`sentinel myid ${this.#myId}`]
    for (const w of this.masters.values()) {
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
    own.push(`sentinel current-epoch ${this.epoch}`)
    try {
      server.proc.fs.writeFile(server.configFile, `${lines.join('\n').trimEnd()}\n# Generated by CONFIG REWRITE\n${own.join('\n')}\n`)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
    }
  }

  // --- telling

  /** Into the log, and to those who subscribed to its name. */
  event(level: '*' | '#', type: string, text: string): Promise<void> {
    this.server.publish(type, text)
    return this.server.log(`${type}${text && ` ${text}`}`, { level: this.server.atLeast(7, 2) ? '*' : level })
  }

  // --- watching

  #tick(): void {
    const { proc } = this.server
    if (proc.killed.aborted) return
    // A round that is still under way isn't overtaken.
    if (!this.#isWatching) {
      this.#isWatching = true
      this.server.background(this.#watch().finally(() => { this.#isWatching = false }))
    }
    const isBusy = [...this.masters.values()].some((watched) => watched.state !== 'none')
    // Sentinels don't keep step, so that they don't all stand for election at once.
    this.#timer = proc.clock.after((isBusy ? FAILOVER_TICK_MS : TICK_MS) + proc.random.int(50), () => this.#tick())
  }

  /** Has a look round at once. */
  hurry(): void {
    this.#timer?.cancel()
    this.#tick()
  }

  stop(): void {
    this.#timer?.cancel()
    for (const watched of this.masters.values()) for (const instance of all(watched)) instance.disconnect()
  }

  async #watch(): Promise<void> {
    for (const watched of this.masters.values()) {
      for (const instance of all(watched)) {
        this.#connect(watched, instance)
        this.#talk(watched, instance)
        await this.#judge(watched, instance)
      }
      await this.#judgeTogether(watched)
      if (await this.failover.startWhenDue(watched)) this.#askSentinels(watched, true)
      await this.failover.run(watched)
      this.#askSentinels(watched, false)
    }
  }

  #connect(watched: Watched, instance: Instance): void {
    if (instance.connecting || (instance.commands && !instance.commands.isClosed && (instance.kind === 'sentinel' || (instance.subscription && !instance.subscription.isClosed)))) return
    const { proc } = this.server
    const timeoutMs = watched.downAfterMs
    instance.connecting = true
    this.server.background((async () => {
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
          const subscription = await RespConnection.open(proc, ip, port, { timeoutMs, onPush: (reply) => { this.server.background(this.#hear(watched, reply)) } })
          instance.subscription = subscription
          if (watched.password) subscription.send('AUTH', watched.password)
          subscription.send('CLIENT', 'SETNAME', `sentinel-${this.#myId.slice(0, 8)}-pubsub`)
          subscription.send('SUBSCRIBE', HELLO_CHANNEL)
        }
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        if (instance.pingSentMs === 0) instance.pingSentMs = this.nowMs
      } finally {
        instance.connecting = false
      }
    })())
  }

  #ping(instance: Instance): void {
    const nowMs = this.nowMs
    instance.lastPingMs = nowMs
    if (instance.pingSentMs === 0) instance.pingSentMs = nowMs
    instance.commands?.ask('PING').then((reply) => {
      instance.lastPongMs = this.nowMs
      // Busy and loading servers are alive all the same.
      if (isStatus(reply, 'PONG') || (isError(reply) && /^(LOADING|MASTERDOWN)/.test(reply.error))) {
        instance.lastOkMs = this.nowMs
        instance.pingSentMs = 0
      }
    }, ignore)
  }

  #talk(watched: Watched, instance: Instance): void {
    const { commands } = instance
    if (!commands || commands.isClosed) return
    const nowMs = this.nowMs
    // One that doesn't answer any more may be reached over a new connection.
    if (instance.pingSentMs > 0 && nowMs - instance.pingSentMs > watched.downAfterMs / 2 && nowMs - instance.lastPongMs > watched.downAfterMs / 2 && commands.pending > 0) { commands.close(); return }
    if (instance.kind !== 'sentinel') {
      const everyMs = instance.kind === 'slave' && (watched.objectivelyDownMs !== undefined || watched.state !== 'none' || instance.masterLinkDownMs > 0) ? 1_000 : INFO_MS
      if (instance.infoRefreshMs === 0 || nowMs - instance.lastInfoMs >= everyMs) {
        instance.lastInfoMs = nowMs
        commands.ask('INFO').then((reply) => { if (typeof reply === 'string') this.server.background(this.#learn(watched, instance, reply)) }, ignore)
      }
    }
    if (nowMs - instance.lastPingMs >= Math.min(PING_MS, watched.downAfterMs)) this.#ping(instance)
    if (nowMs - instance.lastHelloMs >= HELLO_MS) this.#hello(watched, instance)
  }

  #hello(watched: Watched, instance: Instance): void {
    const { commands } = instance
    if (!commands || commands.isClosed) return
    instance.lastHelloMs = this.nowMs
    const { ip, port } = watched.state === 'reconf_slaves' && watched.promoted ? watched.promoted : watched.instance
    commands.ask('PUBLISH', HELLO_CHANNEL, [commands.socket.local.ip, this.server.config.get('port'), this.#myId, this.epoch, watched.name, ip, port, watched.configEpoch].join(',')).catch(ignore)
  }

  async #hear(watched: Watched, reply: Reply): Promise<void> {
    if (Array.isArray(reply) && reply[0] === 'message' && reply[1] === HELLO_CHANNEL) await this.hello(String(reply[2]), watched)
  }

  /** What another sentinel told of itself and of the master. */
  async hello(text: string, heardAt?: Watched): Promise<void> {
    const [ip, port, runId, epoch, name, masterIp, masterPort, masterEpoch] = text.split(',')
    const watched = this.masters.get(name ?? '')
    if (!watched || masterEpoch === undefined || runId === this.#myId || (heardAt && heardAt !== watched)) return
    let sentinel = watched.sentinels.get(runId!)
    if (!sentinel || sentinel.ip !== ip || sentinel.port !== Number(port)) {
      if (sentinel) {
        sentinel.disconnect()
        watched.sentinels.delete(runId!)
        await this.event('*', '+sentinel-address-switch', `${nameOf(watched, watched.instance)} ip ${ip} port ${port} for ${runId}`)
      } else for (const other of watched.sentinels.values()) {
        if (other.ip !== ip || other.port !== Number(port)) continue
        await this.event('*', '+sentinel-invalid-addr', nameOf(watched, other))
        other.disconnect()
        watched.sentinels.delete(other.runId)
      }
      const isNew = !sentinel
      sentinel = this.#addSentinel(watched, runId!, ip!, Number(port))
      if (isNew) await this.event('*', '+sentinel', nameOf(watched, sentinel))
      this.flush()
    }
    if (Number(epoch) > this.epoch) await this.newEpoch(watched, Number(epoch))
    if (watched.configEpoch < Number(masterEpoch)) {
      watched.configEpoch = Number(masterEpoch)
      const { ip: oldIp, port: oldPort } = watched.instance
      if (masterIp !== oldIp || Number(masterPort) !== oldPort) {
        await this.event('#', '+config-update-from', nameOf(watched, sentinel))
        await this.event('#', '+switch-master', `${watched.name} ${oldIp} ${oldPort} ${masterIp} ${masterPort}`)
        await this.failover.switchTo(watched, masterIp!, Number(masterPort))
      }
    }
    sentinel.helloMs = this.nowMs
  }

  /** Others are in a later epoch, in which failovers of the one before have no place. */
  async newEpoch(watched: Watched, epoch: number): Promise<void> {
    this.epoch = epoch
    this.flush()
    await this.event('#', '+new-epoch', String(epoch))
    if (watched.state === 'wait_start' && watched.failoverEpoch < epoch) this.failover.abort(watched)
  }

  /** What INFO says of a master or a replica. */
  async #learn(watched: Watched, instance: Instance, info: string): Promise<void> {
    const nowMs = this.nowMs
    const fields = new Map(info.split('\r\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
    const runId = fields.get('run_id') ?? ''
    if (instance.runId !== '' && instance.runId !== runId) await this.event('*', '+reboot', nameOf(watched, instance))
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
        const slave = ip === undefined ? undefined : this.addSlave(watched, ip, Number(port))
        if (!slave) continue
        this.flush()
        await this.event('*', '+slave', nameOf(watched, slave))
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
    const nowMs = this.nowMs
    const { ip, port } = watched.instance
    const isMasterSane = watched.instance.roleReported === 'master' && watched.instance.downSinceMs === undefined && watched.objectivelyDownMs === undefined && nowMs - watched.instance.infoRefreshMs < 2 * INFO_MS
    const upFor = (ms: number) => slave.downSinceMs === undefined && nowMs - slave.lastOkMs < ms
    if (role === 'master') {
      if (slave.promoted && watched.state === 'wait_promotion') {
        watched.configEpoch = watched.failoverEpoch
        this.failover.enter(watched, 'reconf_slaves')
        this.flush()
        await this.event('#', '+promoted-slave', nameOf(watched, slave))
        await this.event('#', '+failover-state-reconf-slaves', nameOf(watched, watched.instance))
        for (const instance of all(watched)) this.#hello(watched, instance)
      } else if (!slave.promoted && isMasterSane && upFor(4 * HELLO_MS) && nowMs - slave.roleReportedMs > 4 * HELLO_MS) {
        this.replicate(slave, ip, port)
        await this.event('*', '+convert-to-slave', nameOf(watched, slave))
      }
      return
    }
    if ((slave.masterHost !== ip || slave.masterPort !== port) && watched.state === 'none' && isMasterSane && upFor(watched.failoverTimeoutMs) && nowMs - slave.confChangedMs > watched.failoverTimeoutMs) {
      this.replicate(slave, ip, port)
      await this.event('*', '+fix-slave-config', nameOf(watched, slave))
    }
    const { promoted } = watched
    if (slave.reconf === 'sent' && promoted && slave.masterHost === promoted.ip && slave.masterPort === promoted.port) {
      slave.reconf = 'inprog'
      await this.event('*', '+slave-reconf-inprog', nameOf(watched, slave))
    }
    if (slave.reconf === 'inprog' && slave.masterLinkUp) {
      slave.reconf = 'done'
      await this.event('*', '+slave-reconf-done', nameOf(watched, slave))
    }
  }

  /** Makes a replica follow another master, or nobody. */
  replicate(slave: Instance, host: string, port: number | string): void {
    const { commands } = slave
    if (!commands || commands.isClosed) return
    commands.ask('SLAVEOF', host, String(port)).catch(ignore)
    commands.ask('CONFIG', 'REWRITE').catch(ignore)
    commands.ask('CLIENT', 'KILL', 'TYPE', 'normal').catch(ignore)
  }

  // --- down or not

  async #judge(watched: Watched, instance: Instance): Promise<void> {
    const nowMs = this.nowMs
    const silentMs = instance.pingSentMs > 0 ? nowMs - instance.pingSentMs : !instance.commands || instance.commands.isClosed ? nowMs - instance.lastOkMs : 0
    const isMasterTurnedSlave = instance.kind === 'master' && instance.roleReported === 'slave' && nowMs - instance.roleReportedMs > watched.downAfterMs + 2 * INFO_MS
    if (silentMs > watched.downAfterMs || isMasterTurnedSlave) {
      if (instance.downSinceMs !== undefined) return
      instance.downSinceMs = nowMs
      await this.event('#', '+sdown', nameOf(watched, instance))
    } else if (instance.downSinceMs !== undefined) {
      instance.downSinceMs = undefined
      await this.event('#', '-sdown', nameOf(watched, instance))
    }
  }

  /** Whether enough sentinels find the master down. */
  async #judgeTogether(watched: Watched): Promise<void> {
    const { instance } = watched
    const votes = instance.downSinceMs === undefined ? 0 : 1 + [...watched.sentinels.values()].filter((sentinel) => sentinel.saysMasterDown).length
    if (votes >= watched.quorum && votes > 0) {
      if (watched.objectivelyDownMs !== undefined) return
      watched.objectivelyDownMs = this.nowMs
      await this.event('#', '+odown', `${nameOf(watched, instance)} #quorum ${votes}/${watched.quorum}`)
    } else if (watched.objectivelyDownMs !== undefined) {
      watched.objectivelyDownMs = undefined
      await this.event('#', '-odown', nameOf(watched, instance))
    }
  }

  #askSentinels(watched: Watched, force: boolean): void {
    const nowMs = this.nowMs
    const { ip, port, downSinceMs } = watched.instance
    for (const sentinel of watched.sentinels.values()) {
      if (nowMs - sentinel.lastMasterDownReplyMs > 5 * ASK_MS) { sentinel.saysMasterDown = false; sentinel.vote = '*' }
      if (downSinceMs === undefined && !watched.forced) continue
      const { commands } = sentinel
      if (!commands || commands.isClosed || (!force && nowMs - sentinel.lastAskMs < ASK_MS)) continue
      sentinel.lastAskMs = nowMs
      commands.ask('SENTINEL', 'is-master-down-by-addr', ip, String(port), String(this.epoch), watched.state === 'none' ? '*' : this.#myId).then((reply) => {
        if (!Array.isArray(reply) || reply.length !== 3) return
        sentinel.lastMasterDownReplyMs = this.nowMs
        sentinel.saysMasterDown = reply[0] === 1
        if (reply[1] === '*') return
        if (sentinel.voteEpoch !== reply[2]) this.server.background(this.server.log(`${sentinel.runId} voted for ${String(reply[1])} ${String(reply[2])}`, { level: this.server.noticeLevel }))
        sentinel.vote = String(reply[1])
        sentinel.voteEpoch = Number(reply[2])
      }, ignore)
    }
  }

  // --- what is asked of it

  /** The section of INFO. */
  info(): string[] {
    return ['sentinel_masters:' + this.masters.size, 'sentinel_tilt:0', 'sentinel_running_scripts:0', 'sentinel_scripts_queue_length:0', 'sentinel_simulate_failure_flags:0',
      ...[...this.masters.values()].map((w, i) => `master${i}:name=${w.name},status=${w.objectivelyDownMs !== undefined ? 'odown' : w.instance.downSinceMs !== undefined ? 'sdown' : 'ok'},address=${w.instance.ip}:${w.instance.port},slaves=${w.slaves.size},sentinels=${w.sentinels.size + 1}`)]
  }

  get masterNames(): string[] {
    return [...this.masters.keys()]
  }

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
