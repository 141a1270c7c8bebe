import type { RespConnection } from './resp-connection.ts'

/** How often servers are pinged, and asked for INFO. */
export const PING_MS = 1_000
export const INFO_MS = 10_000
/** A replica's priority unless its configuration says another. */
export const DEFAULT_PRIORITY = 100

/** What a server says that it is. */
export type Role = 'master' | 'slave'
/** How far a failover has got, in the words of sentinelFailoverStateStr. */
export type FailoverState = 'none' | 'wait_start' | 'select_slave' | 'send_slaveof_noone' | 'wait_promotion' | 'reconf_slaves' | 'update_config'

/** A server that a sentinel watches: a master, one of its replicas, or another sentinel of it. */
export class Instance {
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
export interface Watched {
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

/** A master and all that belongs to it. */
export function all(watched: Watched): Instance[] {
  return [watched.instance, ...watched.slaves.values(), ...watched.sentinels.values()]
}

/** An instance as events name it. */
export function nameOf(watched: Watched, instance: Instance): string {
  const { ip, port } = watched.instance
  return instance.kind === 'master' ? `master ${watched.name} ${instance.ip} ${instance.port}` : `${instance.kind} ${instance.kind === 'sentinel' ? instance.runId : instance.address} ${instance.ip} ${instance.port} @ ${watched.name} ${ip} ${port}`
}

/** An instance as SENTINEL MASTER, REPLICAS and SENTINELS tell of it: names and values by turns. */
export function describe(watched: Watched, instance: Instance, nowMs: number): string[] {
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
