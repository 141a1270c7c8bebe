import { formatDate } from '../../../unix/utilities/date.ts'
import { INFO_MS, Instance, PING_MS, nameOf } from './sentinel-instances.ts'
import type { FailoverState, Watched } from './sentinel-instances.ts'
import type { Sentinel } from './sentinel.ts'

/** Sentinels begin that much apart at most, so that not all stand for election at once. */
const MAX_DESYNC_MS = 1_000
const ELECTION_TIMEOUT_MS = 10_000
const RECONF_TIMEOUT_MS = 10_000

/** Failovers, step by step (sentinelFailoverStateMachine): an election among the sentinels, a replica that becomes the master, the others that follow it. */
export class SentinelFailover {
  readonly #sentinel: Sentinel

  constructor(sentinel: Sentinel) {
    this.#sentinel = sentinel
  }

  /** The failover of a master gets to its next step. */
  enter(watched: Watched, state: FailoverState): void {
    watched.state = state
    watched.stateChangedMs = this.#sentinel.nowMs
  }

  /** Gives a failover up. */
  abort(watched: Watched): void {
    if (watched.promoted) watched.promoted.promoted = false
    watched.promoted = undefined
    watched.forced = false
    this.enter(watched, 'none')
  }

  /** Begins a failover where one is due. @returns whether it did */
  async startWhenDue(watched: Watched): Promise<boolean> {
    if (watched.objectivelyDownMs === undefined || watched.state !== 'none') return false
    const { clock } = this.#sentinel.server.proc
    const notBeforeMs = watched.failoverStartMs + 2 * watched.failoverTimeoutMs
    if (watched.failoverStartMs > 0 && clock.nowMs() < notBeforeMs) {
      if (watched.delayLoggedMs !== watched.failoverStartMs) {
        watched.delayLoggedMs = watched.failoverStartMs
        await this.#sentinel.server.log(`Next failover delay: I will not start a failover before ${formatDate('%a %b %e %H:%M:%S %Y', notBeforeMs)}`, { level: this.#sentinel.server.noticeLevel })
      }
      return false
    }
    await this.begin(watched)
    return true
  }

  /** Begins a failover. */
  async begin(watched: Watched): Promise<void> {
    this.enter(watched, 'wait_start')
    watched.failoverEpoch = ++this.#sentinel.epoch
    watched.failoverStartMs = this.#sentinel.nowMs + this.#sentinel.server.proc.random.int(MAX_DESYNC_MS)
    this.#sentinel.flush()
    await this.#sentinel.event('#', '+new-epoch', String(this.#sentinel.epoch))
    await this.#sentinel.event('#', '+try-failover', nameOf(watched, watched.instance))
  }

  /** Gives the vote of this epoch, which only the first candidate gets. */
  async vote(watched: Watched, epoch: number, candidate: string): Promise<void> {
    if (epoch > this.#sentinel.epoch) await this.#sentinel.newEpoch(watched, epoch)
    if (watched.leaderEpoch >= epoch || this.#sentinel.epoch > epoch) return
    watched.leader = candidate
    watched.leaderEpoch = this.#sentinel.epoch
    this.#sentinel.flush()
    await this.#sentinel.event('#', '+vote-for-leader', `${candidate} ${watched.leaderEpoch}`)
    // Who votes for another doesn't stand for a while.
    if (candidate !== this.#sentinel.myId) watched.failoverStartMs = this.#sentinel.nowMs + this.#sentinel.server.proc.random.int(MAX_DESYNC_MS)
  }

  /** Who was elected in this epoch. */
  async #elected(watched: Watched): Promise<string | undefined> {
    const epoch = watched.failoverEpoch
    const votes = new Map<string, number>()
    for (const sentinel of watched.sentinels.values()) if (sentinel.vote !== '*' && sentinel.voteEpoch === epoch) votes.set(sentinel.vote, (votes.get(sentinel.vote) ?? 0) + 1)
    const first = () => [...votes].sort(([, a], [, b]) => b - a)[0]
    await this.vote(watched, epoch, first()?.[0] ?? this.#sentinel.myId)
    if (watched.leaderEpoch === epoch) votes.set(watched.leader, (votes.get(watched.leader) ?? 0) + 1)
    const winner = first()
    const majority = Math.floor((watched.sentinels.size + 1) / 2) + 1
    return winner && winner[1] >= majority && winner[1] >= watched.quorum ? winner[0] : undefined
  }

  /** Goes on with a failover as far as it comes now. */
  async run(watched: Watched): Promise<void> {
    const nowMs = this.#sentinel.nowMs
    const name = () => nameOf(watched, watched.instance)
    const inStateMs = nowMs - watched.stateChangedMs
    switch (watched.state) {
      case 'wait_start': {
        if (!watched.forced && await this.#elected(watched) !== this.#sentinel.myId) {
          if (watched.state === 'wait_start' && nowMs - watched.failoverStartMs > Math.min(ELECTION_TIMEOUT_MS, watched.failoverTimeoutMs)) {
            await this.#sentinel.event('#', '-failover-abort-not-elected', name())
            this.abort(watched)
          }
          return
        }
        await this.#sentinel.event('#', '+elected-leader', name())
        this.enter(watched, 'select_slave')
        await this.#sentinel.event('#', '+failover-state-select-slave', name())
        return
      }
      case 'select_slave': {
        const slave = this.bestSlave(watched)
        if (!slave) {
          await this.#sentinel.event('#', '-failover-abort-no-good-slave', name())
          return this.abort(watched)
        }
        await this.#sentinel.event('#', '+selected-slave', nameOf(watched, slave))
        slave.promoted = true
        watched.promoted = slave
        this.enter(watched, 'send_slaveof_noone')
        await this.#sentinel.event('*', '+failover-state-send-slaveof-noone', nameOf(watched, slave))
        return
      }
      case 'send_slaveof_noone': {
        const slave = watched.promoted!
        if (!slave.commands || slave.commands.isClosed) {
          if (inStateMs <= watched.failoverTimeoutMs) return
          await this.#sentinel.event('#', '-failover-abort-slave-timeout', name())
          return this.abort(watched)
        }
        this.#sentinel.replicate(slave, 'NO', 'ONE')
        await this.#sentinel.event('*', '+failover-state-wait-promotion', nameOf(watched, slave))
        this.enter(watched, 'wait_promotion')
        return
      }
      case 'wait_promotion':
        if (inStateMs <= watched.failoverTimeoutMs) return
        await this.#sentinel.event('#', '-failover-abort-slave-timeout', name())
        return this.abort(watched)
      case 'reconf_slaves': return this.#reconfigure(watched)
      case 'update_config': {
        const { ip, port } = watched.promoted!
        await this.#sentinel.event('#', '+switch-master', `${watched.name} ${watched.instance.ip} ${watched.instance.port} ${ip} ${port}`)
        await this.switchTo(watched, ip, port)
      }
    }
  }

  /** Turns the other replicas to their new master, some at a time. */
  async #reconfigure(watched: Watched): Promise<void> {
    const nowMs = this.#sentinel.nowMs
    const { ip, port } = watched.promoted!
    const others = [...watched.slaves.values()].filter((slave) => slave !== watched.promoted)
    let busy = others.filter((slave) => slave.reconf === 'sent' || slave.reconf === 'inprog').length
    for (const slave of others) {
      if (busy >= watched.parallelSyncs) break
      if (slave.reconf === 'sent' && nowMs - slave.reconfSentMs > RECONF_TIMEOUT_MS) {
        await this.#sentinel.event('*', '-slave-reconf-sent-timeout', nameOf(watched, slave))
        slave.reconf = 'done'
      }
      if (slave.reconf !== 'none' || !slave.commands || slave.commands.isClosed) continue
      this.#sentinel.replicate(slave, ip, port)
      slave.reconf = 'sent'
      slave.reconfSentMs = nowMs
      busy += 1
      await this.#sentinel.event('*', '+slave-reconf-sent', nameOf(watched, slave))
    }
    const isTimeout = nowMs - watched.stateChangedMs > watched.failoverTimeoutMs
    if (!isTimeout && others.some((slave) => slave.reconf !== 'done' && slave.downSinceMs === undefined)) return
    if (isTimeout) await this.#sentinel.event('#', '+failover-end-for-timeout', nameOf(watched, watched.instance))
    await this.#sentinel.event('#', '+failover-end', nameOf(watched, watched.instance))
    if (isTimeout) for (const slave of others) if (slave.reconf === 'none') this.#sentinel.replicate(slave, ip, port)
    this.enter(watched, 'update_config')
  }

  /** The replica that is to be the master: what is reachable and knows most. */
  bestSlave(watched: Watched): Instance | undefined {
    const nowMs = this.#sentinel.nowMs
    const downSinceMs = watched.instance.downSinceMs
    const infoWithinMs = downSinceMs === undefined ? 3 * INFO_MS : 5 * PING_MS
    const linkDownWithinMs = 10 * watched.downAfterMs + (downSinceMs === undefined ? 0 : nowMs - downSinceMs)
    return [...watched.slaves.values()]
      .filter((slave) => slave.downSinceMs === undefined && slave.commands && !slave.commands.isClosed && nowMs - slave.lastOkMs <= 5 * PING_MS && slave.priority !== 0 && nowMs - slave.infoRefreshMs <= infoWithinMs && slave.masterLinkDownMs <= linkDownWithinMs)
      .sort((a, b) => a.priority - b.priority || b.offset - a.offset || (a.runId < b.runId ? -1 : 1))[0]
  }

  /** From now on another is the master; the old one counts as a replica that is to come back. */
  async switchTo(watched: Watched, ip: string, port: number): Promise<void> {
    const others = [...watched.slaves.values(), watched.instance].filter((instance) => instance.ip !== ip || instance.port !== port).map((instance) => ({ ip: instance.ip, port: instance.port }))
    for (const instance of [watched.instance, ...watched.slaves.values()]) instance.disconnect()
    watched.slaves.clear()
    for (const sentinel of watched.sentinels.values()) { sentinel.saysMasterDown = false; sentinel.vote = '*' }
    watched.instance = new Instance('master', ip, port, this.#sentinel.nowMs)
    watched.objectivelyDownMs = undefined
    watched.leader = ''
    watched.failoverStartMs = 0
    watched.promoted = undefined
    watched.forced = false
    this.enter(watched, 'none')
    for (const { ip: slaveIp, port: slavePort } of others) {
      const slave = this.#sentinel.addSlave(watched, slaveIp, slavePort)
      if (slave) await this.#sentinel.event('*', '+slave', nameOf(watched, slave))
    }
    this.#sentinel.flush()
  }
}
