import { BrokenPipeError } from '../../../base/streams.ts'
import { errorText } from '../../../unix/errno.ts'
import { joinPath } from '../../../unix/path.ts'
import { ProcessKilled, UnixError } from '../../../unix/types.ts'
import type { Listener, Proc, Program, TcpSocket } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { dataCommands, globPattern } from './commands.ts'
import type { Command, CommandContext } from './commands.ts'
import { Replication } from './replication.ts'
import { CommandParser, ProtocolError, byteStringOf, encodeCommand, encodeReply, fromByteString, splitArguments, textOf } from './resp.ts'
import type { Reply } from './resp.ts'
import { Sentinel } from './sentinel.ts'
import { sentinelCommands, serverCommands } from './server-commands.ts'
import { CommandError, Store } from './store.ts'
import type { KeySnapshot } from './store.ts'

const BASE_MEMORY_BYTES = 8 * 2 ** 20
/** After so many bytes of commands the memory in use is reckoned anew. */
const MEMORY_STEP_BYTES = 2 ** 20
const DUMP_MAGIC = 'REDIS0011 drydock\n'

interface Dump { version: string; savedMs: number; usedBytes: number; databases: Record<number, KeySnapshot[]> }

/** A connected client. */
export interface Client {
  readonly id: number
  readonly socket: TcpSocket
  readonly connectedMs: number
  lastMs: number
  lastCommand: string
  name: string
  library: string
  libraryVersion: string
  database: number
  authenticated: boolean
  /** Commands since MULTI. */
  queued: { command: Command<ServerContext>; name: string; args: readonly string[] }[] | undefined
  /** A command could not be queued: EXEC fails. */
  aborted: boolean
  /** Keys watched by WATCH, with their database. */
  readonly watched: Set<string>
  /** A watched key was changed. */
  stale: boolean
  readonly channels: Set<string>
  readonly patterns: Set<string>
  /** Sends out of turn: messages of subscriptions. */
  send(reply: Reply): void
  /** Ends a blocking command when the connection is gone. */
  cancelWait: (() => void) | undefined
  closing: boolean
}

/** What commands about connections and the server work on. */
export interface ServerContext extends CommandContext {
  readonly server: RedisServer
  readonly client: Client
}

const allCommands: Readonly<Record<string, Command<ServerContext>>> = { ...dataCommands, ...serverCommands }
const DEFAULT_PORT = '6379'
const SENTINEL_PORT = '26379'
/** Versions that first have a command. */
const INTRODUCED: Readonly<Record<string, readonly [number, number]>> = { hello: [6, 0], reset: [6, 2], replicaof: [5, 0], getdel: [6, 2], unlink: [4, 0], touch: [3, 2], smismember: [6, 2] }
const WITHOUT_PASSWORD = new Set(['auth', 'hello', 'quit', 'reset'])
const WHILE_SUBSCRIBED = new Set(['subscribe', 'unsubscribe', 'psubscribe', 'punsubscribe', 'ping', 'quit', 'reset'])
const NEVER_QUEUED = new Set(['multi', 'exec', 'discard', 'watch', 'quit', 'reset'])

/** Settings that CONFIG GET shows, with their defaults. */
const DEFAULTS: Readonly<Record<string, string>> = {
  appendonly: 'no', appendfsync: 'everysec', appendfilename: 'appendonly.aof', appenddirname: 'appendonlydir', bind: '* -::*', databases: '16', dbfilename: 'dump.rdb', dir: '/data', logfile: '', loglevel: 'notice',
  maxclients: '10000', maxmemory: '0', 'maxmemory-policy': 'noeviction', masterauth: '', port: DEFAULT_PORT, 'protected-mode': 'no', replicaof: '', requirepass: '', save: '3600 1 300 100 60 10000', 'slave-priority': '100', 'slave-read-only': 'yes', 'stop-writes-on-bgsave-error': 'yes', 'tcp-keepalive': '300', timeout: '0',
}
/** Settings that only the start can set. */
const IMMUTABLE = new Set(['databases', 'appendfilename', 'appenddirname', 'bind', 'port', 'logfile', 'dir', 'replicaof'])
const YES_OR_NO = ['appendonly', 'protected-mode', 'slave-read-only', 'stop-writes-on-bgsave-error']
const NUMBERS = ['maxclients', 'slave-priority', 'tcp-keepalive', 'timeout']

/** One running server. */
export class RedisServer {
  readonly proc: Proc
  readonly version: string
  readonly store: Store
  readonly config = new Map<string, string>()
  readonly clients = new Map<number, Client>()
  readonly startedMs: number
  readonly runId: string
  readonly replication: Replication
  /** Set when the server is a sentinel: it has no data, and other commands. */
  readonly sentinel: Sentinel | undefined
  readonly #commands: Readonly<Record<string, Command<ServerContext>>>
  configFile = ''
  /** Writes since the last save. */
  dirty = 0
  lastSaveMs: number
  lastSaveFailed = false
  commandsProcessed = 0
  connectionsReceived = 0
  readonly #waiting = new Map<string, Set<() => void>>()
  #lastClient = 0
  #bytesSinceReckoning = 0
  #saveTimer: { cancel(): void } | undefined
  #stop: (code: number) => void = () => {}

  constructor(proc: Proc, version: string, mode: 'standalone' | 'sentinel' = 'standalone') {
    this.proc = proc
    this.version = version
    this.store = new Store(() => proc.clock.nowMs())
    this.startedMs = this.lastSaveMs = proc.clock.nowMs()
    this.runId = this.randomId()
    for (const [name, value] of Object.entries(DEFAULTS)) this.config.set(name, value)
    this.config.set('dir', proc.cwd)
    this.replication = new Replication(this)
    this.sentinel = mode === 'sentinel' ? new Sentinel(this) : undefined
    this.#commands = this.sentinel ? sentinelCommands : allCommands
    if (this.sentinel) {
      this.config.set('port', SENTINEL_PORT)
      this.config.set('save', '')
    }
  }

  /** Forty random hexadecimal digits. */
  randomId(): string {
    return [...this.proc.random.bytes(20)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  }

  /** Lets work go on beside the commands. */
  background(work: Promise<unknown>): void {
    work.catch(ignoreEnd)
  }

  /** A line of the log; roles: M master, S replica, X sentinel, C child or start-up. */
  log(text: string, options: { level?: '*' | '#'; role?: 'C'; pid?: number } = {}): Promise<void> {
    const role = options.role ?? (this.sentinel ? 'X' : this.config.get('replicaof') !== '' ? 'S' : 'M')
    return this.proc.stdout.write(`${options.pid ?? this.proc.pid}:${role} ${formatDate(this.atLeast(5, 0) ? '%d %b %Y %H:%M:%S' : '%d %b %H:%M:%S', this.proc.clock.nowMs())}.${String(Math.floor(this.proc.clock.nowMs()) % 1000).padStart(3, '0')} ${options.level ?? '*'} ${text}\n`)
  }

  /** Notices that older versions write as warnings. */
  get noticeLevel(): '*' | '#' {
    return this.atLeast(7, 2) ? '*' : '#'
  }

  atLeast(major: number, minor: number): boolean {
    const [a = 0, b = 0] = this.version.split('.').map(Number)
    return a > major || (a === major && b >= minor)
  }

  get passwordRequired(): boolean {
    return this.config.get('requirepass') !== ''
  }

  /** Sets what may be set at run time. @throws CommandError */
  setConfig(name: string, value: string): void {
    name = oldName(name)
    const failed = (why: string): never => { throw new CommandError(`ERR CONFIG SET failed (possibly related to argument '${name}') - ${why}`) }
    if (!this.config.has(name)) throw new CommandError(`ERR Unknown option or number of arguments for CONFIG SET - '${name}'`)
    if (IMMUTABLE.has(name)) failed("can't set immutable config")
    if (YES_OR_NO.includes(name) && !['yes', 'no'].includes(value)) failed("argument must be 'yes' or 'no'")
    if (NUMBERS.includes(name) && !/^\d+$/.test(value)) failed("argument couldn't be parsed into an integer")
    if (name === 'maxmemory') {
      const bytes = memoryBytes(value)
      if (bytes === undefined) failed('argument must be a memory value')
      this.config.set(name, String(bytes))
      return
    }
    this.config.set(name, value)
    if (name === 'appendonly' && value === 'yes') this.#rewriteAppendOnly()
    if (name === 'save') this.#scheduleSave()
  }

  // --- disk

  get #dumpPath(): string {
    return joinPath(this.config.get('dir')!, this.config.get('dbfilename')!)
  }

  get #appendPath(): string {
    const [dir, directory, name] = ['dir', 'appenddirname', 'appendfilename'].map((key) => this.config.get(key)!)
    return this.atLeast(7, 0) ? joinPath(dir!, `${directory}/${name}.1.incr.aof`) : joinPath(dir!, name!)
  }

  /** All data as a snapshot has it. */
  dump(): string {
    return DUMP_MAGIC + JSON.stringify({ version: this.version, savedMs: Math.floor(this.proc.clock.nowMs()), usedBytes: this.store.usedBytes(), databases: this.store.snapshot() })
  }

  /** Puts a snapshot in the place of all data. */
  loadDump(text: string): void {
    this.store.clear()
    this.store.restore((JSON.parse(text.slice(DUMP_MAGIC.length)) as Dump).databases)
    this.proc.useMemory(BASE_MEMORY_BYTES + this.store.usedBytes())
    for (const client of this.clients.values()) if (client.watched.size > 0) client.stale = true
    if (this.config.get('appendonly') === 'yes') this.#rewriteAppendOnly()
  }

  /** Writes the snapshot. @throws UnixError */
  #writeDump(): void {
    const temporary = joinPath(this.config.get('dir')!, `temp-${this.proc.pid}.rdb`)
    this.proc.fs.writeFile(temporary, this.dump())
    this.proc.fs.rename(temporary, this.#dumpPath)
  }

  /** SAVE: false when the disk refused. */
  async save(options: { background?: boolean } = {}): Promise<boolean> {
    const pid = this.proc.pid + 20
    const child = options.background ? { role: 'C' as const, pid } : {}
    if (options.background) await this.log(`Background saving started by pid ${pid}`)
    try {
      this.#writeDump()
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      // Only background saves count for MISCONF.
      if (options.background) this.lastSaveFailed = true
      await this.log(`Failed opening the temp RDB file temp-${this.proc.pid}.rdb (in server root dir ${this.config.get('dir')}) for saving: ${errorText(error)}`, { level: '#', ...child })
      if (options.background) await this.log('Background saving error', { level: '#' })
      return false
    }
    this.lastSaveFailed = false
    this.dirty = 0
    this.lastSaveMs = this.proc.clock.nowMs()
    this.#saveTimer?.cancel()
    this.#saveTimer = undefined
    if (options.background) await this.#logSaved(pid)
    else await this.log('DB saved on disk', child)
    return true
  }

  async #logSaved(pid: number): Promise<void> {
    const child = { role: 'C' as const, pid }
    await this.log('DB saved on disk', child)
    await this.log(this.atLeast(7, 0) ? 'Fork CoW for RDB: current 0 MB, peak 0 MB, average 0 MB' : 'RDB: 0 MB of memory used by copy-on-write', child)
    await this.log('Background saving terminated with success')
  }

  /** What the log says of a save that is made for a replica. */
  async logBackgroundSave(): Promise<void> {
    const pid = this.proc.pid + 20
    await this.log(`Background saving started by pid ${pid}`)
    await this.#logSaved(pid)
  }

  /** Points of time and numbers of changes after which the data is saved. */
  get savePoints(): { seconds: number; changes: number }[] {
    const numbers = this.config.get('save')!.split(' ').filter(Boolean).map(Number)
    return numbers.flatMap((seconds, i) => i % 2 === 0 && numbers[i + 1] !== undefined ? [{ seconds, changes: numbers[i + 1]! }] : [])
  }

  /** One timer, and only while there is something to save. */
  #scheduleSave(): void {
    this.#saveTimer?.cancel()
    this.#saveTimer = undefined
    if (this.dirty === 0) return
    const due = this.savePoints.filter((point) => this.dirty >= point.changes).sort((a, b) => a.seconds - b.seconds)[0]
    if (!due) return
    const delayMs = Math.max(this.lastSaveFailed ? 5_000 : 0, this.lastSaveMs + due.seconds * 1000 - this.proc.clock.nowMs())
    this.#saveTimer = this.proc.clock.after(delayMs, () => {
      if (this.proc.killed.aborted) return
      void (async () => {
        await this.log(`${due.changes} changes in ${due.seconds} seconds. Saving...`)
        if (!await this.save({ background: true })) this.#scheduleSave()
      })().catch(ignoreEnd)
    })
  }

  #rewriteAppendOnly(): void {
    const lines: string[] = []
    for (const [number, database] of this.store.databases.entries()) {
      const keys = database.snapshot()
      if (keys.length > 0) lines.push(encodeCommand(['SELECT', String(number)]), ...keys.map(commandsFor))
    }
    this.#openAppendOnly(lines.join(''))
  }

  #openAppendOnly(content: string): void {
    const path = this.#appendPath
    const { fs } = this.proc
    if (this.atLeast(7, 0)) {
      fs.mkdir(joinPath(this.config.get('dir')!, this.config.get('appenddirname')!), { recursive: true })
      const name = this.config.get('appendfilename')!
      fs.writeFile(joinPath(this.config.get('dir')!, `${this.config.get('appenddirname')}/${name}.manifest`), `file ${name}.1.incr.aof seq 1 type i\n`)
    }
    fs.writeFile(path, fromByteString(content))
  }

  #append(database: number, command: readonly string[]): void {
    this.proc.fs.writeFile(this.#appendPath, fromByteString(encodeCommand(['SELECT', String(database)]) + encodeCommand(command)), { append: true })
  }

  /** What was on disk. @throws UnixError, CommandError when it can't be read */
  async load(): Promise<void> {
    const { fs } = this.proc
    if (this.config.get('appendonly') === 'yes') {
      if (!fs.exists(this.#appendPath)) {
        this.#openAppendOnly('')
        if (this.atLeast(7, 0)) await this.log(`Creating AOF incr file ${this.config.get('appendfilename')}.1.incr.aof on server start`)
        return
      }
      const parser = new CommandParser()
      parser.push(fs.readFile(this.#appendPath))
      let db = this.store.databases[0]!
      for (let args = parser.next(); args; args = parser.next()) {
        await this.proc.clock.breathe()
        const [name, ...rest] = args
        if (name!.toLowerCase() === 'select') { db = this.store.databases[Number(rest[0])] ?? db; continue }
        await dataCommands[name!.toLowerCase()]?.run({ store: this.store, db, nowMs: () => this.proc.clock.nowMs(), random: (below) => this.proc.random.int(below) }, rest)
      }
      await this.log('DB loaded from append only file: 0.000 seconds')
      return
    }
    if (!fs.exists(this.#dumpPath)) return
    const text = fs.readText(this.#dumpPath)
    if (!text.startsWith(DUMP_MAGIC)) throw new CommandError('Wrong signature trying to load DB from file')
    const dump = JSON.parse(text.slice(DUMP_MAGIC.length)) as Dump
    const all = Object.values(dump.databases).reduce((sum, keys) => sum + keys.length, 0)
    this.store.restore(dump.databases)
    const loaded = this.store.size
    await this.log(`Loading RDB produced by version ${dump.version}`)
    await this.log(`RDB age ${Math.max(0, Math.floor((this.proc.clock.nowMs() - dump.savedMs) / 1000))} seconds`)
    await this.log(`RDB memory usage when created ${((dump.usedBytes + 860_000) / 2 ** 20).toFixed(2)} Mb`)
    await this.log(`Done loading RDB, keys loaded: ${loaded}, keys expired: ${all - loaded}.`)
    await this.log('DB loaded from disk: 0.000 seconds')
  }

  // --- commands

  /** Runs a command that a client may run, and notes what it changed. */
  async #call(client: Client, command: Command<ServerContext>, name: string, args: readonly string[], insideTransaction = false): Promise<Reply> {
    this.commandsProcessed += 1
    const database = client.database
    const context: ServerContext = {
      server: this, client, store: this.store, db: this.store.databases[database]!, nowMs: () => this.proc.clock.nowMs(), random: (below) => this.proc.random.int(below),
      ...(insideTransaction ? {} : { waitForPush: (keys: readonly string[], timeoutMs: number) => this.#waitForPush(client, keys, timeoutMs) }),
    }
    if (command.write && this.lastSaveFailed && this.savePoints.length > 0 && this.config.get('stop-writes-on-bgsave-error') === 'yes') {
      return { error: `MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.` }
    }
    let reply: Reply
    try {
      reply = await command.run(context, args)
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      return { error: error.message }
    }
    if (command.write) this.#changed(database, name, args, reply)
    return reply
  }

  #appliedDatabase = 0

  /** Runs a command that the master sent on. */
  async apply(words: readonly string[]): Promise<void> {
    const [name = '', ...args] = words
    const lower = name.toLowerCase()
    if (lower === 'select') { this.#appliedDatabase = Number(args[0]); return }
    if (lower === 'publish') { this.publish(args[0]!, args[1]!); return }
    const command = dataCommands[lower]
    const db = this.store.databases[this.#appliedDatabase]
    if (!command || !db) return
    try {
      const reply = await command.run({ store: this.store, db, nowMs: () => this.proc.clock.nowMs(), random: (below) => this.proc.random.int(below) }, args)
      this.#changed(this.#appliedDatabase, lower, args, reply)
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
    }
  }

  #frozen: Promise<void> | undefined

  /** DEBUG SLEEP: nobody is answered for a while. */
  freeze(ms: number): Promise<void> {
    return this.#frozen = this.proc.sleep(ms).finally(() => { this.#frozen = undefined })
  }

  #changed(database: number, name: string, args: readonly string[], reply: Reply): void {
    if (reply !== null && typeof reply === 'object' && 'nullArray' in reply) return
    this.dirty += 1
    const command = durable(name, args, reply, (text, factor) => String(Math.floor(this.proc.clock.nowMs() + Number(text) * factor)))
    if (command) {
      if (this.config.get('appendonly') === 'yes') this.#append(database, command)
      this.replication.feed(database, command)
    }
    for (const client of this.clients.values()) if (client.watched.size > 0 && (name.startsWith('flush') || args.some((arg) => client.watched.has(`${database} ${arg}`)))) client.stale = true
    if (name.includes('push')) for (const key of args) for (const wake of [...this.#waiting.get(`${database} ${key}`) ?? []]) wake()
    this.#bytesSinceReckoning += args.reduce((sum, arg) => sum + arg.length, 64)
    if (this.#bytesSinceReckoning > MEMORY_STEP_BYTES) {
      this.#bytesSinceReckoning = 0
      this.proc.useMemory(BASE_MEMORY_BYTES + this.store.usedBytes())
    }
    if (!this.#saveTimer || this.savePoints.some((point) => point.changes === this.dirty)) this.#scheduleSave()
  }

  #waitForPush(client: Client, keys: readonly string[], timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const names = keys.map((key) => `${client.database} ${key}`)
      const end = (pushed: boolean) => {
        for (const name of names) { const waiting = this.#waiting.get(name); waiting?.delete(wake); if (waiting?.size === 0) this.#waiting.delete(name) }
        timer?.cancel()
        client.cancelWait = undefined
        resolve(pushed)
      }
      const wake = () => end(true)
      for (const name of names) { let waiting = this.#waiting.get(name); if (!waiting) this.#waiting.set(name, waiting = new Set()); waiting.add(wake) }
      const timer = timeoutMs > 0 ? this.proc.clock.after(timeoutMs, () => end(false)) : undefined
      client.cancelWait = () => end(false)
    })
  }

  /** A command's way: known, allowed, queued or run. */
  async execute(client: Client, words: readonly string[]): Promise<Reply> {
    if (this.#frozen) await this.#frozen
    const name = words[0]!.toLowerCase()
    const args = words.slice(1)
    client.lastMs = this.proc.clock.nowMs()
    client.lastCommand = name
    const reject = (error: string): Reply => { if (client.queued) client.aborted = true; return { error } }
    const command = Object.hasOwn(this.#commands, name) && this.atLeast(...(INTRODUCED[name] ?? [0, 0])) ? this.#commands[name] : undefined
    if (!command) return reject(this.#unknown(words))
    if (command.arity > 0 ? words.length !== command.arity : words.length < -command.arity) return reject(`ERR wrong number of arguments for '${name}' command`)
    if (this.passwordRequired && !client.authenticated && !WITHOUT_PASSWORD.has(name)) return reject('NOAUTH Authentication required.')
    if (command.write && this.replication.isReplica && this.config.get('slave-read-only') === 'yes') return reject(`READONLY You can't write against a read only ${this.replication.word}.`)
    if (client.channels.size + client.patterns.size > 0 && !WHILE_SUBSCRIBED.has(name)) return { error: `ERR Can't execute '${name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context` }
    if (client.queued && !NEVER_QUEUED.has(name)) {
      client.queued.push({ command, name, args })
      return { status: 'QUEUED' }
    }
    return this.#call(client, command, name, args)
  }

  #unknown(words: readonly string[]): string {
    const name = words[0]!.slice(0, 128)
    if (!this.atLeast(5, 0)) return `ERR unknown command '${name}'`
    const args = words.slice(1)
    return this.atLeast(7, 0) ? `ERR unknown command '${name}', with args beginning with: ${args.map((arg) => `'${arg}' `).join('').slice(0, 128)}` : `ERR unknown command \`${name}\`, with args beginning with: ${args.map((arg) => `\`${arg}\`, `).join('').slice(0, 128)}`
  }

  /** EXEC: all of the queue, one after the other. */
  async executeQueue(client: Client, queue: NonNullable<Client['queued']>): Promise<Reply> {
    const replies: Reply[] = []
    for (const { command, name, args } of queue) replies.push(await this.#call(client, command, name, args, true))
    return replies
  }

  publish(channel: string, message: string): number {
    let receivers = 0
    for (const client of this.clients.values()) {
      if (client.channels.has(channel)) { client.send(['message', channel, message]); receivers += 1 }
      for (const pattern of client.patterns) if (globPattern(pattern)(channel)) { client.send(['pmessage', pattern, channel, message]); receivers += 1 }
    }
    return receivers
  }

  // --- connections

  accept(socket: TcpSocket): void {
    const id = ++this.#lastClient
    this.connectionsReceived += 1
    const nowMs = this.proc.clock.nowMs()
    const client: Client = {
      id, socket, connectedMs: nowMs, lastMs: nowMs, lastCommand: 'NULL', name: '', library: '', libraryVersion: '', database: 0, authenticated: false, queued: undefined, aborted: false, watched: new Set(), stale: false, channels: new Set(), patterns: new Set(), cancelWait: undefined, closing: false,
      send: (reply) => { void socket.writer.write(fromByteString(encodeReply(reply))).catch(ignoreEnd) },
    }
    if (this.clients.size >= Number(this.config.get('maxclients'))) {
      client.send({ error: 'ERR max number of clients reached' })
      socket.writer.close()
      return
    }
    this.clients.set(id, client)
    void this.#serve(client).catch(ignoreEnd).finally(() => {
      this.clients.delete(id)
      socket.destroy()
      this.background(this.replication.forget(client))
    })
  }

  async #serve(client: Client): Promise<void> {
    const parser = new CommandParser()
    const { reader, writer } = client.socket
    let reading = reader.read()
    for (let chunk = await reading; chunk; chunk = await reading) {
      parser.push(chunk)
      // Reads ahead, to notice a client that goes while its command waits.
      reading = reader.read()
      void reading.then((next) => { if (!next) client.cancelWait?.() }, () => client.cancelWait?.())
      try {
        for (let words = parser.next(); words; words = parser.next()) {
          await this.proc.clock.breathe()
          const reply = fromByteString(encodeReply(await this.execute(client, words)))
          if (reply.length > 0) await writer.write(reply)
          if (client.closing) { writer.close(); return }
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        await writer.write(`-ERR Protocol error: ${error.message}\r\n`)
        writer.close()
        return
      }
    }
  }

  /** Waits for the end of the server; {@link shutdown} brings it. */
  stopped(): Promise<number> {
    return new Promise((resolve) => { this.#stop = resolve })
  }

  /** Saves if it must and ends; false when saving failed. */
  async shutdown(options: { save?: boolean; force?: boolean } = {}): Promise<boolean> {
    await this.log('User requested shutdown...', { level: this.noticeLevel })
    if (this.config.get('appendonly') === 'yes') await this.log('Calling fsync() on the AOF file.')
    if (options.save ?? this.savePoints.length > 0) {
      await this.log('Saving the final RDB snapshot before exiting.')
      if (!await this.save() && !options.force) {
        await this.log("Error trying to save the DB, can't exit.", { level: '#' })
        if (this.atLeast(7, 0)) await this.log('Errors trying to shut down the server. Check the logs for more information.', { level: '#' })
        return false
      }
    }
    await this.log('Redis is now ready to exit, bye bye...', { level: '#' })
    this.sentinel?.stop()
    for (const client of this.clients.values()) client.socket.destroy()
    this.#saveTimer?.cancel()
    this.#stop(0)
    return true
  }
}

/** Replaces what depends on the moment, and what waits, by what can be run again later. */
function durable(name: string, args: readonly string[], reply: Reply, moment: (text: string, factor: number) => string): string[] | undefined {
  switch (name) {
    case 'set': return ['SET', ...args.flatMap((arg, i) => {
      const unit = args[i - 1]?.toUpperCase()
      const own = arg.toUpperCase()
      if (i > 2 && (unit === 'EX' || unit === 'PX')) return [moment(arg, unit === 'EX' ? 1000 : 1)]
      if (i > 1 && i + 1 < args.length && (own === 'EX' || own === 'PX')) return ['PXAT']
      return [arg]
    })]
    case 'setex': case 'psetex': return ['SET', args[0]!, args[2]!, 'PXAT', moment(args[1]!, name === 'setex' ? 1000 : 1)]
    case 'expire': case 'pexpire': return ['PEXPIREAT', args[0]!, moment(args[1]!, name === 'expire' ? 1000 : 1), ...args.slice(2)]
    case 'blpop': case 'brpop': return Array.isArray(reply) ? [name === 'blpop' ? 'LPOP' : 'RPOP', reply[0] as string] : undefined
    default: return [name, ...args]
  }
}

/** The commands that make a key. */
function commandsFor({ key, type, value, expiresMs }: KeySnapshot): string {
  const flat = typeof value === 'string' ? [value] : value.flatMap((item): string[] => typeof item === 'string' ? [item] : type === 'zset' ? [item[1], item[0]] : [...item])
  const make = encodeCommand([{ string: 'SET', list: 'RPUSH', hash: 'HSET', set: 'SADD', zset: 'ZADD' }[type], key, ...flat])
  return expiresMs === undefined ? make : make + encodeCommand(['PEXPIREAT', key, String(Math.floor(expiresMs))])
}

/** Ends of connections and of the process are no news. */
function ignoreEnd(error: unknown): void {
  if (!(error instanceof UnixError) && !(error instanceof BrokenPipeError) && !(error instanceof ProcessKilled)) throw error
}

function memoryBytes(text: string): number | undefined {
  const match = /^(\d+)(b|k|kb|m|mb|g|gb)?$/i.exec(text)
  if (!match) return undefined
  const unit = match[2]?.toLowerCase() ?? 'b'
  return Number(match[1]) * ({ b: 1, k: 1000, kb: 1024, m: 1e6, mb: 2 ** 20, g: 1e9, gb: 2 ** 30 }[unit] ?? 1)
}

/** What a setting was called when replicas were slaves. */
function oldName(name: string): string {
  return name.replace(/^replica-/, 'slave-')
}

/** Options of the command line as lines of a configuration file. @throws CommandError with the text for standard error */
async function configure(server: RedisServer, args: readonly string[]): Promise<void> {
  const lines: { words: string[]; line: string; number: number }[] = []
  let at = 0
  if (args[0] !== undefined && !args[0].startsWith('-')) {
    at = 1
    const path = server.proc.resolve(args[0])
    let text: string
    try { text = server.proc.fs.readText(path) } catch (error) {
      if (!(error instanceof UnixError)) throw error
      throw new CommandError(`Fatal error, can't open config file '${path}': ${errorText(error)}`)
    }
    server.configFile = path
    for (const [i, line] of text.split('\n').entries()) {
      if (/^\s*(#|$)/.test(line)) continue
      const words = splitArguments(line.trim())
      if (!words) throw new CommandError(configError(i + 1, line.trim(), 'Unbalanced quotes in configuration line'))
      lines.push({ words, line: line.trim(), number: i + 1 })
    }
  }
  let option: string[] | undefined
  for (; at < args.length; at++) {
    const arg = args[at]!
    if (arg.startsWith('--') && arg.length > 2) { option = [arg.slice(2)]; lines.push({ words: option, line: '', number: lines.length + 1 }) }
    else if (arg === '-') continue
    else option?.push(arg)
  }
  let saved = false
  for (const { words, line, number } of lines) {
    const name = oldName(words[0]!.toLowerCase())
    const failed = (why: string): never => { throw new CommandError(configError(number, line || [words[0]!, ...words.slice(1).map((word) => `"${word}"`)].join(' '), why)) }
    if (name === 'save') {
      const value = words.slice(1).join(' ').trim()
      server.config.set('save', value === '' ? '' : saved ? `${server.config.get('save')} ${value}`.trim() : value)
      saved = true
      continue
    }
    if (name === 'replicaof' || name === 'slaveof') {
      if (words.length !== 3) failed('wrong number of arguments')
      server.config.set('replicaof', words[1]!.toLowerCase() === 'no' ? '' : `${words[1]} ${words[2]}`)
      continue
    }
    if (name === 'sentinel') {
      if (!server.sentinel) failed('sentinel directive while not in sentinel mode')
      try { await server.sentinel!.configure(words.slice(1)) } catch (error) {
        if (!(error instanceof CommandError)) throw error
        failed(error.message)
      }
      continue
    }
    if (!server.config.has(name)) {
      if (KNOWN_ELSEWHERE.has(name)) continue
      failed('Bad directive or wrong number of arguments')
    }
    if (words.length < 2) failed('wrong number of arguments')
    const value = words.slice(1).join(' ')
    if (YES_OR_NO.includes(name) && !['yes', 'no'].includes(value)) failed("argument must be 'yes' or 'no'")
    if (name === 'port' && !(/^\d+$/.test(value) && Number(value) <= 65_535)) failed('argument must be between 0 and 65535 inclusive')
    const bytes = name === 'maxmemory' ? memoryBytes(value) : undefined
    if (name === 'maxmemory' && bytes === undefined) failed('argument must be a memory value')
    server.config.set(name, bytes === undefined ? value : String(bytes))
  }
}

/** Directives that change nothing that could be seen here. */
const KNOWN_ELSEWHERE = new Set(['daemonize', 'supervised', 'pidfile', 'always-show-logo', 'set-proc-title', 'proc-title-template', 'rdbcompression', 'rdbchecksum', 'tcp-backlog', 'no-appendfsync-on-rewrite', 'auto-aof-rewrite-percentage', 'auto-aof-rewrite-min-size', 'aof-load-truncated', 'aof-use-rdb-preamble', 'lazyfree-lazy-eviction', 'lazyfree-lazy-expire', 'lazyfree-lazy-server-del', 'slowlog-log-slower-than', 'slowlog-max-len', 'latency-monitor-threshold', 'notify-keyspace-events', 'hz', 'dynamic-hz', 'activerehashing', 'activedefrag', 'io-threads', 'maxmemory-samples', 'locale-collate', 'enable-debug-command', 'client-output-buffer-limit'])

function configError(number: number, line: string, why: string): string {
  return `\n*** FATAL CONFIG FILE ERROR (Redis VERSION) ***\nReading the configuration file, at line ${number}\n>>> '${line}'\n${why}`
}

/** redis-server of one version. */
export function redisServer(version: string): Program {
  return async (proc) => {
    const args = proc.argv.slice(1).map(byteStringOf)
    if (args.includes('-v') || args.includes('--version')) { await proc.stdout.write(`Redis server v=${version} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=0\n`); return 0 }
    const isSentinel = proc.argv[0]!.endsWith('redis-sentinel') || args.includes('--sentinel')
    const server = new RedisServer(proc, version, isSentinel ? 'sentinel' : 'standalone')
    try { await configure(server, args.filter((arg) => arg !== '--sentinel')) } catch (error) {
      if (!(error instanceof CommandError)) throw error
      await proc.stderr.write(`${textOf(error.message.replace('Redis VERSION', `Redis ${version}`))}\n`)
      return 1
    }
    const start = { role: 'C' as const, level: server.noticeLevel }
    if (server.atLeast(4, 0)) {
      await server.log('oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo', start)
      await server.log(`Redis version=${version}, bits=64, commit=00000000, modified=0, pid=${proc.pid}, just started`, start)
      if (args.length > 0) await server.log('Configuration loaded', start)
    }
    if (args.length === 0) await server.log('Warning: no config file specified, using the default config. In order to specify a config file use redis-server /path/to/redis.conf', { role: 'C', level: '#' })
    if (isSentinel) {
      const problem = sentinelFileProblem(server)
      if (problem !== undefined) { await server.log(problem, { level: '#' }); return 1 }
    }
    if (server.atLeast(6, 2)) await server.log('monotonic clock: POSIX clock_gettime')
    const port = Number(server.config.get('port'))
    let listener: Listener
    try {
      listener = proc.net.listenTcp(port, (socket) => server.accept(socket))
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await server.log(`Warning: Could not create server TCP listening socket *:${port}: bind: ${errorText(error)}`, { level: '#' })
      await server.log('Failed listening on port ' + (server.atLeast(7, 2) ? `${port} (tcp), aborting.` : `${port} (TCP), aborting.`), { level: '#' })
      return 1
    }
    const mode = isSentinel ? 'sentinel' : 'standalone'
    if (server.atLeast(4, 0)) await server.log(`Running mode=${mode}, port=${port}.`)
    else await server.log(`Redis ${version} (00000000/0) 64 bit, ${mode} mode, port ${port}, pid ${proc.pid} ready to start.`)
    proc.setTitle?.(`redis-server *:${port}${isSentinel ? ' [sentinel]' : ''}`)
    const endOnSignals = () => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        proc.onSignal(signal, () => {
          server.background((async () => {
            await proc.stdout.write(`${proc.pid}:signal-handler (${Math.floor(proc.clock.nowMs() / 1000)}) Received ${signal} scheduling shutdown...\n`)
            await server.shutdown()
          })())
        })
      }
    }
    if (server.sentinel) {
      const ended = server.stopped()
      endOnSignals()
      await server.sentinel.start()
      const code = await ended
      listener.close()
      return code
    }
    await server.log(server.atLeast(4, 0) ? 'Server initialized' : `Server started, Redis version ${version}`, { level: server.noticeLevel })
    try { await server.load() } catch (error) {
      if (!(error instanceof UnixError || error instanceof CommandError || error instanceof SyntaxError)) throw error
      await server.log(`Fatal error loading the DB, check server logs. Exiting. ${errorText(error)}`, { level: '#' })
      listener.close()
      return 1
    }
    proc.useMemory(BASE_MEMORY_BYTES + server.store.usedBytes())
    await server.log(server.atLeast(4, 0) ? `Ready to accept connections${server.atLeast(7, 2) ? ' tcp' : ''}` : `The server is now ready to accept connections on port ${port}`)
    const stopped = server.stopped()
    endOnSignals()
    const [masterHost, masterPort] = server.config.get('replicaof')!.split(' ')
    if (masterHost) await server.replication.follow(masterHost, Number(masterPort), '')
    const code = await stopped
    listener.close()
    return code
  }
}

/** Why a sentinel can't keep its state; undefined when it can. */
function sentinelFileProblem({ proc, configFile }: RedisServer): string | undefined {
  if (configFile === '') return 'Sentinel needs config file on disk, can\'t save state.  Exiting...'
  try {
    proc.fs.writeFile(configFile, '', { append: true })
    return undefined
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return `Sentinel config file ${configFile} is not writable: ${errorText(error)}. Exiting...`
  }
}
