import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { TcpSocket } from '../../../unix/types.ts'
import type { Client, RedisServer } from './redis-server.ts'
import { CommandParser, NO_REPLY, OK, encodeCommand, fromByteString, toByteString } from './resp.ts'
import type { Reply } from './resp.ts'
import { CommandError } from './store.ts'

const BACKLOG_BYTES = 2 ** 20
const CONNECT_TIMEOUT_MS = 60_000
const RETRY_MS = 1_000
const ACK_MS = 1_000
const PING_REPLICAS_MS = 10_000
const TIMEOUT_MS = 60_000
const NO_ID = '0'.repeat(40)

/** A server that copies this one. */
interface Follower {
  readonly client: Client
  port: number
  online: boolean
  ackOffset: number
  ackMs: number
}

/** This server's own copying of a master. */
interface Link {
  readonly host: string
  readonly port: number
  state: 'connect' | 'connecting' | 'sync' | 'connected'
  socket: TcpSocket | undefined
  lastMs: number
  downSinceMs: number
}

/** Both sides of replication: a stream of commands, counted in bytes, from a master to those who copy it. */
export class Replication {
  readonly #server: RedisServer
  readonly #followers = new Map<Client, Follower>()
  #link: Link | undefined
  /** Names the history of the data; a replica takes over its master's. */
  #id: string
  #previousId = NO_ID
  #previousOffset = -1
  #offset = 0
  /** The last bytes of the stream, for those who were away shortly. */
  #backlog = ''
  #hasBacklog = false
  /** The database that the stream's next command is for. */
  #selected = -1
  #pingTimer: { cancel(): void } | undefined
  #acknowledged = () => {}

  constructor(server: RedisServer) {
    this.#server = server
    this.#id = server.randomId()
  }

  get isReplica(): boolean {
    return this.#link !== undefined
  }

  /** Replica, or slave as older versions say. */
  get word(): string {
    return this.#server.atLeast(5, 0) ? 'replica' : 'slave'
  }

  get #Word(): string {
    return this.#server.atLeast(5, 0) ? 'Replica' : 'Slave'
  }

  /** From 4.0 on a replica goes on with the same history at another master. */
  get #keepsHistory(): boolean {
    return this.#server.atLeast(4, 0) && this.#hasBacklog
  }

  get #sync(): string {
    return `MASTER <-> ${this.#Word.toUpperCase()} sync`
  }

  /** REPLICAOF. */
  async follow(host: string, port: number, by: string): Promise<Reply> {
    const server = this.#server
    if (this.#link?.host === host && this.#link.port === port) {
      await server.log(`${server.atLeast(5, 0) ? 'REPLICAOF' : 'SLAVE OF'} would result into synchronization with the master we are already connected with. No operation performed.`)
      return { status: 'OK Already connected to specified master' }
    }
    const wasMaster = !this.#link
    this.#drop()
    for (const { client } of this.#followers.values()) client.socket.destroy()
    server.config.set('replicaof', `${host} ${port}`)
    const nowMs = server.proc.clock.nowMs()
    const link: Link = this.#link = { host, port, state: 'connect', socket: undefined, lastMs: 0, downSinceMs: nowMs }
    if (by) await server.log(`${server.atLeast(5, 0) ? 'REPLICAOF' : 'SLAVE OF'} ${host}:${port} enabled (user request from '${by}')`)
    if (by && wasMaster && this.#keepsHistory) await server.log('Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.')
    server.background(this.#copy(link))
    return OK
  }

  /** REPLICAOF NO ONE. */
  async lead(by: string): Promise<Reply> {
    if (!this.#link) return OK
    const server = this.#server
    this.#drop()
    server.config.set('replicaof', '')
    // The old history goes on under a new name, so that fellow replicas need no full copy.
    if (server.atLeast(4, 0)) { this.#previousId = this.#id; this.#previousOffset = this.#offset + 1 }
    this.#id = server.randomId()
    this.#selected = -1
    await server.log(`MASTER MODE enabled (user request from '${by}')`)
    return OK
  }

  #drop(): void {
    const link = this.#link
    this.#link = undefined
    link?.socket?.destroy()
  }

  // --- the master's side

  /** A change, for those who copy this server. */
  feed(database: number, command: readonly string[]): void {
    if (this.#link || !this.#hasBacklog) return
    const select = database === this.#selected ? '' : encodeCommand(['SELECT', String(database)])
    this.#selected = database
    this.#stream(select + encodeCommand(command))
  }

  #stream(bytes: string): void {
    this.#offset += bytes.length
    if (this.#hasBacklog) this.#backlog = (this.#backlog + bytes).slice(-BACKLOG_BYTES)
    for (const follower of this.#followers.values()) if (follower.online) this.#server.background(follower.client.socket.writer.write(fromByteString(bytes)))
  }

  /** REPLCONF. */
  configure(client: Client, args: readonly string[]): Reply {
    for (let i = 0; i + 1 < args.length; i += 2) {
      const value = args[i + 1]!
      switch (args[i]!.toLowerCase()) {
        case 'listening-port': this.#follower(client).port = Number(value); break
        case 'ack': {
          const follower = this.#followers.get(client)
          if (follower) { follower.ackOffset = Number(value); follower.ackMs = this.#server.proc.clock.nowMs() }
          this.#acknowledged()
          return NO_REPLY
        }
        case 'capa': case 'ip-address': break
        case 'getack': return NO_REPLY
        default: throw new CommandError(`ERR Unrecognized REPLCONF option: ${args[i]}`)
      }
    }
    return OK
  }

  #follower(client: Client): Follower {
    let follower = this.#followers.get(client)
    if (!follower) this.#followers.set(client, follower = { client, port: client.socket.remote.port, online: false, ackOffset: 0, ackMs: this.#server.proc.clock.nowMs() })
    return follower
  }

  /** PSYNC and SYNC: the rest of the stream where that is enough, else all of the data, and then what follows. */
  async synchronize(client: Client, id: string, from: number): Promise<Reply> {
    const server = this.#server
    if (this.#link && this.#link.state !== 'connected') throw new CommandError("NOMASTERLINK Can't SYNC while not connected with my master")
    const follower = this.#follower(client)
    const name = `${client.socket.remote.ip}:${follower.port}`
    await server.log(`${this.#Word} ${name} asks for synchronization`)
    if (!this.#hasBacklog) { this.#hasBacklog = true; this.#backlog = ''; if (!server.atLeast(4, 0)) this.#offset += 1 }
    const first = this.#offset - this.#backlog.length + 1
    const isKnown = id === this.#id || (id === this.#previousId && from <= this.#previousOffset)
    const send = (bytes: string) => client.socket.writer.write(fromByteString(bytes))
    if (isKnown && from >= first && from <= this.#offset + 1) {
      await server.log(`Partial resynchronization request from ${name} accepted. Sending ${this.#offset + 1 - from} bytes of backlog starting from offset ${from}.`)
      follower.online = true
      await send(`+CONTINUE${server.atLeast(4, 0) ? ` ${this.#id}` : ''}\r\n${this.#backlog.slice(from - first)}`)
    } else {
      await server.log(this.#whyFull(id, from, isKnown, name))
      await server.log(`Starting BGSAVE for SYNC with target: ${server.atLeast(7, 0) ? 'replicas sockets using: eof' : 'disk'}`)
      this.#selected = -1
      const data = server.dump()
      const at = this.#offset
      await send(`+FULLRESYNC ${this.#id} ${at}\r\n$${data.length}\r\n${data}`)
      await server.logBackgroundSave()
      // What changed in the meantime, before anything else does.
      follower.online = true
      await send(this.#backlog.slice(this.#backlog.length - (this.#offset - at)))
    }
    await server.log(`Synchronization with ${this.word} ${name} succeeded`)
    this.#pingTimer ??= this.#pingLater()
    return NO_REPLY
  }

  #whyFull(id: string, from: number, isKnown: boolean, name: string): string {
    if (id === '?') return `Full resync requested by ${this.word} ${name}`
    if (isKnown) return `Unable to partial resync with ${this.word} ${name} for lack of backlog (${this.#Word} request was: ${from}).`
    if (id === this.#previousId) return `Partial resynchronization not accepted: Requested offset for second ID was ${from}, but I can reply up to ${this.#previousOffset}`
    return this.#server.atLeast(4, 0) ? `Partial resynchronization not accepted: Replication ID mismatch (${this.#Word} asked for '${id}', my replication IDs are '${this.#id}' and '${this.#previousId}')` : `Partial resynchronization not accepted: Runid mismatch (Client asked for runid '${id}', my runid is '${this.#id}')`
  }

  #pingLater(): { cancel(): void } {
    return this.#server.proc.clock.after(PING_REPLICAS_MS, () => {
      this.#pingTimer = undefined
      if (this.#server.proc.killed.aborted || this.#followers.size === 0) return
      if (!this.#link) this.#stream(encodeCommand(['PING']))
      this.#pingTimer = this.#pingLater()
    })
  }

  /** A client is gone; perhaps it was a replica. */
  async forget(client: Client): Promise<void> {
    const follower = this.#followers.get(client)
    if (!follower) return
    this.#followers.delete(client)
    if (follower.online) await this.#server.log(`Connection with ${this.word} ${client.socket.remote.ip}:${follower.port} lost.`, { level: this.#server.atLeast(7, 2) ? '*' : '#' })
  }

  isFollower(client: Client): boolean {
    return this.#followers.has(client)
  }

  /** WAIT: how many replicas have all that was written so far, once they are enough or the time is over. */
  async wait(count: number, timeoutMs: number): Promise<number> {
    if (this.#link) throw new CommandError('ERR WAIT cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated.')
    const { clock } = this.#server.proc
    const target = this.#offset
    const upToDate = () => [...this.#followers.values()].filter((follower) => follower.online && follower.ackOffset >= target).length
    if (upToDate() >= count) return upToDate()
    if ([...this.#followers.values()].some((follower) => follower.online)) this.#stream(encodeCommand(['REPLCONF', 'GETACK', '*']))
    await new Promise<void>((resolve) => {
      const timer = timeoutMs > 0 ? clock.after(timeoutMs, resolve) : undefined
      this.#acknowledged = () => { if (upToDate() >= count) { timer?.cancel(); resolve() } }
    })
    this.#acknowledged = () => {}
    return upToDate()
  }

  // --- the replica's side

  async #copy(link: Link): Promise<void> {
    const server = this.#server
    const { proc } = server
    while (this.#link === link) {
      let failure: UnixError | CommandError | undefined
      try {
        await this.#connection(link)
      } catch (error) {
        if (!(error instanceof UnixError || error instanceof CommandError)) throw error
        failure = error
      }
      if (failure && this.#link === link) {
        if (link.state === 'connect') await server.log(`Unable to connect to MASTER: ${errorText(failure)}`, { level: '#' })
        else if (link.state !== 'connected') await server.log(`Error condition on socket for SYNC: ${errorText(failure)}`, { level: '#' })
      }
      link.socket?.destroy()
      link.socket = undefined
      if (this.#link !== link) return
      if (link.state === 'connected') {
        await server.log('Connection with master lost.', { level: server.noticeLevel })
        await server.log('Caching the disconnected master state.')
        link.downSinceMs = proc.clock.nowMs()
      }
      link.state = 'connect'
      await proc.sleep(RETRY_MS)
    }
  }

  /** One connection to the master, until it ends. @throws UnixError */
  async #connection(link: Link): Promise<void> {
    const server = this.#server
    const { proc } = server
    await server.log(`Connecting to MASTER ${link.host}:${link.port}`)
    const ip = (await proc.net.lookup(link.host))[0]!
    link.state = 'connecting'
    await server.log(`${this.#sync} started`)
    const socket = link.socket = await proc.net.connectTcp(ip, link.port, { timeoutMs: CONNECT_TIMEOUT_MS })
    await server.log('Non blocking connect for SYNC fired the event.')
    const input = new SyncReader(socket)
    const ask = async (...args: string[]) => {
      await socket.writer.write(fromByteString(encodeCommand(args)))
      return input.line()
    }
    const pong = await ask('PING')
    if (!pong.startsWith('+') && !/^-(NOAUTH|NOPERM|ERR operation not permitted)/.test(pong)) throw new CommandError(`Error reply to PING from master: '${pong}'`)
    await server.log('Master replied to PING, replication can continue...')
    const password = server.config.get('masterauth')
    if (password) {
      const reply = await ask('AUTH', password)
      if (reply.startsWith('-')) throw new CommandError(`Unable to AUTH to MASTER: ${reply}`)
    }
    await ask('REPLCONF', 'listening-port', server.config.get('port')!)
    await ask('REPLCONF', 'capa', 'eof', ...(server.atLeast(4, 0) ? ['capa', 'psync2'] : []))
    link.state = 'sync'
    const isCached = link.lastMs > 0 || this.#keepsHistory
    await server.log(isCached ? `Trying a partial resynchronization (request ${this.#id}:${this.#offset + 1}).` : 'Partial resynchronization not possible (no cached master)')
    const reply = await (isCached ? ask('PSYNC', this.#id, String(this.#offset + 1)) : ask('PSYNC', '?', '-1'))
    const [, kind, id, offset] = /^\+(FULLRESYNC|CONTINUE)(?: (\S+))?(?: (\d+))?/.exec(reply) ?? []
    if (kind === 'FULLRESYNC') {
      await server.log(`Full resync from master: ${id}:${offset}`)
      const length = Number((await input.line()).slice(1))
      await server.log(`${this.#sync}: receiving ${length} bytes from master${server.atLeast(6, 0) ? ' to disk' : ''}`)
      const data = await input.bytes(length)
      await server.log(`${this.#sync}: Flushing old data`)
      await server.log(`${this.#sync}: Loading DB in memory`)
      server.loadDump(data)
      this.#id = id!
      this.#offset = Number(offset)
      this.#backlog = ''
      this.#hasBacklog = true
      await server.log(`${this.#sync}: Finished with success`)
    } else if (kind === 'CONTINUE') {
      await server.log('Successful partial resynchronization with master.')
      if (id !== undefined && id !== this.#id) { this.#previousId = this.#id; this.#previousOffset = this.#offset + 1; this.#id = id }
      await server.log(`${this.#sync}: Master accepted a Partial Resynchronization.`)
    } else {
      await server.log(`Master is currently unable to PSYNC: ${reply}`, { level: '#' })
      throw new UnixError('EAGAIN', 'Resource temporarily unavailable')
    }
    if (this.#link !== link) return
    link.state = 'connected'
    link.lastMs = proc.clock.nowMs()
    const acknowledge = () => socket.writer.write(fromByteString(encodeCommand(['REPLCONF', 'ACK', String(this.#offset)])))
    let timer: { cancel(): void } | undefined
    const tick = () => {
      if (proc.killed.aborted || this.#link !== link) return
      if (proc.clock.nowMs() - link.lastMs > TIMEOUT_MS) { socket.destroy(); return }
      server.background(acknowledge())
      timer = proc.clock.after(ACK_MS, tick)
    }
    tick()
    try {
      const parser = new CommandParser()
      for (let chunk = input.rest() ?? await socket.reader.read(); chunk && this.#link === link; chunk = await socket.reader.read()) {
        link.lastMs = proc.clock.nowMs()
        parser.push(chunk)
        this.#stream(toByteString(chunk))
        for (let words = parser.next(); words; words = parser.next()) {
          await proc.clock.breathe()
          if (words[0]!.toUpperCase() === 'REPLCONF') await acknowledge()
          else await server.apply(words)
        }
      }
    } finally {
      timer?.cancel()
    }
  }

  // --- what is told about it

  /** The section of INFO. */
  info(): string[] {
    const server = this.#server
    const nowMs = server.proc.clock.nowMs()
    const seconds = (ms: number) => Math.floor(ms / 1000)
    const link = this.#link
    const lines = [`role:${link ? 'slave' : 'master'}`]
    if (link) {
      const isUp = link.state === 'connected'
      lines.push(`master_host:${link.host}`, `master_port:${link.port}`, `master_link_status:${isUp ? 'up' : 'down'}`, `master_last_io_seconds_ago:${isUp ? seconds(nowMs - link.lastMs) : -1}`, `master_sync_in_progress:${link.state === 'sync' ? 1 : 0}`, ...(server.atLeast(7, 0) ? [`slave_read_repl_offset:${this.#offset}`] : []), `slave_repl_offset:${this.#offset}`)
      if (!isUp) lines.push(`master_link_down_since_seconds:${seconds(nowMs - link.downSinceMs)}`)
      lines.push(`slave_priority:${server.config.get('slave-priority')}`, `slave_read_only:${server.config.get('slave-read-only') === 'yes' ? 1 : 0}`, ...(server.atLeast(6, 2) ? ['replica_announced:1'] : []))
    }
    const online = [...this.#followers.values()].filter((follower) => follower.online)
    lines.push(`connected_slaves:${online.length}`, ...online.map(({ client, port, ackOffset, ackMs }, i) => `slave${i}:ip=${client.socket.remote.ip},port=${port},state=online,offset=${ackOffset},lag=${seconds(nowMs - ackMs)}`))
    if (server.atLeast(6, 2)) lines.push('master_failover_state:no-failover')
    if (server.atLeast(4, 0)) lines.push(`master_replid:${this.#id}`, `master_replid2:${this.#previousId}`)
    lines.push(`master_repl_offset:${this.#offset}`, ...(server.atLeast(4, 0) ? [`second_repl_offset:${this.#previousOffset}`] : []), `repl_backlog_active:${this.#hasBacklog ? 1 : 0}`, `repl_backlog_size:${BACKLOG_BYTES}`, `repl_backlog_first_byte_offset:${this.#hasBacklog ? this.#offset - this.#backlog.length + 1 : 0}`, `repl_backlog_histlen:${this.#backlog.length}`)
    return lines
  }

  /** ROLE. */
  role(): Reply {
    const link = this.#link
    if (link) return ['slave', link.host, link.port, link.state, link.state === 'connected' ? this.#offset : -1]
    return ['master', this.#offset, [...this.#followers.values()].filter((follower) => follower.online).map(({ client, port, ackOffset }) => [client.socket.remote.ip, String(port), String(ackOffset)])]
  }
}

/** Reads lines and lengths of bytes before the stream of commands begins. */
class SyncReader {
  readonly #socket: TcpSocket
  #buffer = ''

  constructor(socket: TcpSocket) {
    this.#socket = socket
  }

  async #more(): Promise<void> {
    const chunk = await this.#socket.reader.read()
    if (!chunk) throw new UnixError('ECONNRESET', 'Connection reset by peer')
    this.#buffer += toByteString(chunk)
  }

  /** A line that isn't empty: those keep the connection alive. @throws UnixError at the end */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf('\n')
      if (end < 0) { await this.#more(); continue }
      const line = this.#buffer.slice(0, end).replace(/\r$/, '')
      this.#buffer = this.#buffer.slice(end + 1)
      if (line !== '') return line
    }
  }

  async bytes(length: number): Promise<string> {
    while (this.#buffer.length < length) await this.#more()
    const bytes = this.#buffer.slice(0, length)
    this.#buffer = this.#buffer.slice(length)
    return bytes
  }

  /** What was read beyond. */
  rest(): Uint8Array | undefined {
    return this.#buffer === '' ? undefined : fromByteString(this.#buffer)
  }
}
