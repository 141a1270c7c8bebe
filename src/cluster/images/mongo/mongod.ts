import { machineName } from '../../../unix/architecture.ts'
import { Binary, Long, ObjectId } from 'bson'
import type { Document } from 'bson'
import { ProcessKilled, UnixError } from '../../../unix/types.ts'
import type { Proc, SocketAddress, TcpSocket } from '../../../unix/types.ts'
import { dataCommands } from './commands.ts'
import type { Command } from './commands.ts'
import { authenticate } from './login.ts'
import type { MongoClient } from './mongo-client.ts'
import { MongoError } from './mongo-error.ts'
import { replicaCommands } from './replica-commands.ts'
import { ReplicaSet } from './replica-set.ts'
import { createCredential } from './scram.ts'
import { Store } from './store.ts'
import type { Operation } from './store.ts'
import { isAllowed, userCommands } from './user-commands.ts'
import type { UserDocument } from './user-commands.ts'
import { MessageStream } from './wire.ts'

const MEMORY_BYTES = 90 * 2 ** 20
const START_MS = 700
const WRITE_CONCERN_MS = 60_000

const COMMANDS: Readonly<Record<string, Command>> = { ...dataCommands, ...replicaCommands, ...userCommands }

/** One connected client. */
export interface ClientSession {
  readonly id: number
  readonly remote: SocketAddress
  readonly socket: TcpSocket
  user: UserDocument | undefined
  conversation: { user: UserDocument; clientFirst: string; serverFirst: string } | undefined
  closed: boolean
}

/** mongod of one version. */
export async function mongod(proc: Proc, version: string): Promise<number> {
  return new MongoServer(proc, version).run()
}

/** One running server. */
export class MongoServer {
  readonly proc: Proc
  readonly version: string
  /** Before 5.0: other words (master), other logs, other fields. */
  readonly old: boolean
  readonly startedMs: number
  readonly sessions = new Set<ClientSession>()
  readonly counters = { insert: 0, query: 0, update: 0, delete: 0, getmore: 0, command: 0, messages: 0 }
  readonly startupWarnings: string[] = []
  readonly #options = new Map<string, string>()
  readonly #cursors = new Map<number, { ns: string; documents: Document[] }>()
  store!: Store
  replicaSet: ReplicaSet | undefined
  systemUser: UserDocument | undefined
  connectionCount = 0
  #nextCursor: number
  #idCounter: number
  #idRandom: number[]
  #stop!: () => void
  #auth = false
  #keyFile: string | undefined
  #logFile: string | undefined
  /** Addresses that it listens on; undefined: all. */
  #addresses: readonly string[] | undefined = []

  constructor(proc: Proc, version: string) {
    this.proc = proc
    this.version = version
    this.old = Number(version.split('.')[0]) < 5
    this.startedMs = proc.clock.nowMs()
    this.#nextCursor = 1_000_000 + proc.random.int(2 ** 40)
    this.#idCounter = proc.random.int(2 ** 24)
    this.#idRandom = Array.from({ length: 5 }, () => proc.random.int(256))
  }

  /** Whether clients reach it by an address; undefined: by any of its own. */
  listensOn(ip: string | undefined): boolean { return this.#addresses === undefined || this.#addresses.some((each) => each === ip || !/^[\d.]+$/.test(each) || (ip === undefined && each !== '127.0.0.1')) }

  get port(): number { return Number(this.#options.get('port') ?? (this.#options.has('configsvr') ? 27019 : this.#options.has('shardsvr') ? 27018 : 27017)) }

  get wireVersion(): number { const [major, minor] = this.version.split('.').map(Number); return major === 3 ? 5 : major === 4 ? 6 + (minor ?? 0) / 2 + (minor === 4 ? 1 : 0) : major === 5 ? 13 : major === 6 ? 17 : major === 7 ? 21 : 25 }

  get instanceId(): string { return `${this.proc.machine.hostname}:${this.port}` }

  get oplogExists(): boolean { return this.replicaSet?.config !== undefined }

  newId(): ObjectId {
    this.#idCounter = (this.#idCounter + 1) % 2 ** 24
    const seconds = Math.floor(this.proc.clock.nowMs() / 1000)
    return new ObjectId(Uint8Array.of(seconds >>> 24, seconds >>> 16, seconds >>> 8, seconds, ...this.#idRandom, this.#idCounter >>> 16, this.#idCounter >>> 8, this.#idCounter))
  }

  /** A log line: JSON since 4.4, text before (`text`; nothing where there is none). */
  async log(severity: 'I' | 'W' | 'E' | 'F', component: string, id: number, context: string, message: string, attributes: Document = {}, text: string | undefined = message): Promise<void> {
    const time = new Date(Math.floor(this.proc.clock.nowMs())).toISOString()
    const json = Number(this.version.split('.').slice(0, 2).join('.')) >= 4.4
    const line = json
      ? `{"t":{"$date":"${time.slice(0, -1)}+00:00"},"s":"${severity}",  ${`"c":"${component}",`.padEnd(16)}${`"id":${id},`.padEnd(14)}"ctx":"${context}","msg":${JSON.stringify(message)}${Object.keys(attributes).length > 0 ? `,"attr":${JSON.stringify(attributes)}` : ''}}\n`
      : `${time.slice(0, -1)}+0000 ${severity} ${component.padEnd(8)} [${context}] ${text}\n`
    if (this.#logFile === undefined) return this.proc.stdout.write(line)
    this.proc.fs.writeFile(this.#logFile, line, { append: true })
  }

  async #complain(text: string): Promise<number> {
    await this.proc.stderr.write(`${text}\ntry 'mongod --help' for more information\n`)
    return 2
  }

  /** Options of the command line and of the YAML file that --config names; a message when they are wrong. */
  async #readOptions(): Promise<string | undefined> {
    const args = this.proc.argv.slice(1)
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!
      if (arg === '-f' || arg === '--config' || arg.startsWith('--config=')) {
        const file = arg.includes('=') ? arg.slice('--config='.length) : args[++i] ?? ''
        let text: string
        try { text = this.proc.fs.readText(this.proc.resolve(file)) } catch (error) {
          if (!(error instanceof UnixError)) throw error
          return `Error opening config file '${file}': No such file or directory`
        }
        const { parse } = await import('yaml')
        const settings = parse(text) as Record<string, Record<string, unknown>> | null
        const names: Readonly<Record<string, string>> = { 'net.port': 'port', 'net.bindIp': 'bind_ip', 'net.bindIpAll': 'bind_ip_all', 'storage.dbPath': 'dbpath', 'replication.replSetName': 'replSet', 'security.authorization': 'auth', 'security.keyFile': 'keyFile', 'systemLog.path': 'logpath' }
        for (const [group, values] of Object.entries(settings ?? {})) for (const [name, value] of Object.entries(values ?? {})) { const option = names[`${group}.${name}`]; if (option && !(option === 'auth' && value !== 'enabled')) this.#options.set(option, String(value)) }
        continue
      }
      const [, name, value] = /^--?([\w-]+)(?:=(.*))?$/.exec(arg) ?? []
      if (!name) return `Error parsing command line: too many positional options have been specified on the command line`
      if (VALUED.has(name)) {
        const given = value ?? args[++i]
        if (given === undefined) return `Error parsing command line: the required argument for option '--${name}' is missing`
        this.#options.set(name, given)
      } else if (FLAGS.has(name)) this.#options.set(name, '')
      else return `Error parsing command line: unrecognised option '${arg}'`
    }
    return undefined
  }

  async run(): Promise<number> {
    const { proc } = this
    if (proc.argv.includes('--version')) {
      await proc.stdout.write(`db version v${this.version}\nBuild Info: {\n    "version": "${this.version}",\n    "modules": [],\n    "allocator": "tcmalloc-google",\n    "environment": {\n        "distmod": "ubuntu2404",\n        "distarch": "${machineName(proc.machine.hardware.architecture)}",\n        "target_arch": "${machineName(proc.machine.hardware.architecture)}"\n    }\n}\n`)
      return 0
    }
    const wrong = await this.#readOptions()
    if (wrong) return this.#complain(wrong)
    this.#logFile = this.#options.get('logpath')
    const directory = (this.#options.get('dbpath') ?? '/data/db').replace(/\/$/, '')
    await this.log('I', 'CONTROL', 4615611, 'initandlisten', 'MongoDB starting', { pid: proc.pid, port: this.port, dbPath: directory, architecture: '64-bit', host: proc.machine.hostname }, `MongoDB starting : pid=${proc.pid} port=${this.port} dbpath=${directory} 64-bit host=${proc.machine.hostname}`)
    await this.log('I', 'CONTROL', 23403, 'initandlisten', 'Build Info', { buildInfo: { version: this.version } }, `db version v${this.version}`)
    await this.log('I', 'CONTROL', 21951, 'initandlisten', 'Options set by command line', { options: Object.fromEntries(this.#options) }, `options: ${JSON.stringify(Object.fromEntries(this.#options))}`)
    proc.useMemory(MEMORY_BYTES, { figurative: true })
    this.store = new Store(proc.fs, directory)
    try {
      if (!proc.fs.exists(directory)) {
        await this.log('E', 'CONTROL', 20557, 'initandlisten', 'DBException in initAndListen, terminating', { error: `NonExistentPath: Data directory ${directory} not found. Create the missing directory or specify another path using (1) the --dbpath command line option, or (2) by adding the 'storage.dbPath' option in the configuration file.` }, `exception in initAndListen: 29 Data directory ${directory} not found., terminating`)
        return 100
      }
      const lockFile = `${directory}/mongod.lock`
      if (!proc.fs.exists(lockFile)) proc.fs.writeFile(lockFile, '')
      if (proc.fs.lock?.(lockFile, proc.killed) === false) {
        await this.log('E', 'CONTROL', 20557, 'initandlisten', 'DBException in initAndListen, terminating', { error: `DBPathInUse: Unable to lock the lock file: ${lockFile} (Resource temporarily unavailable). Another mongod instance is already running on the ${directory} directory` }, `exception in initAndListen: 98 Unable to lock file: ${lockFile} Resource temporarily unavailable. Is a mongod instance already running?, terminating`)
        return 100
      }
      proc.fs.writeFile(lockFile, `${proc.pid}\n`)
      this.store.open()
      if (!this.store.databases.has('admin')) this.#furnish()
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await this.log('E', 'CONTROL', 20557, 'initandlisten', 'DBException in initAndListen, terminating', { error: `IllegalOperation: Attempted to create a lock file on a read-only directory: ${directory}` }, `exception in initAndListen: 98 Unable to create/open lock file: ${directory}/mongod.lock Permission denied. Is a mongod instance already running?, terminating`)
      return 100
    }
    proc.useCpu(400_000_000)
    await proc.sleep(START_MS)
    await this.log('I', 'STORAGE', 22315, 'initandlisten', 'Opening WiredTiger', { config: 'create,cache_size=7680M,session_max=33000' }, 'wiredtiger_open config: create,cache_size=1024M,session_max=20000')
    this.#auth = this.#options.has('auth') || this.#options.has('keyFile')
    this.#keyFile = this.#options.get('keyFile')
    if (!this.#auth) await this.#warn(22120, 'Access control is not enabled for the database. Read and write access to data and configuration is unrestricted')
    if (this.#keyFile !== undefined) await this.#readKeyFile()
    const name = this.#options.get('replSet')
    if (name !== undefined) this.replicaSet = new ReplicaSet(this, name.split('/')[0]!)
    const everywhere = this.#options.has('bind_ip_all') || (this.#options.get('bind_ip') ?? '').split(',').some((ip) => ['0.0.0.0', '*', '::'].includes(ip)) || (this.old && !this.#options.has('bind_ip'))
    const addresses = everywhere ? [undefined] : [...new Set((this.#options.get('bind_ip') ?? 'localhost').split(',').map((ip) => ip === 'localhost' ? '127.0.0.1' : ip))]
    this.#addresses = everywhere ? undefined : addresses.filter((ip) => ip !== undefined)
    try {
      for (const ip of addresses) {
        const known = ip === undefined || /^[\d.]+$/.test(ip) ? [ip] : await proc.net.lookup(ip)
        for (const each of known) proc.net.listenTcp(this.port, (socket) => this.background(this.#accept(socket)), each === undefined ? {} : { ip: each })
      }
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await this.log('E', 'CONTROL', 20568, 'initandlisten', 'Error setting up listener', { error: { code: 9001, codeName: 'SocketException', errmsg: error.code === 'EADDRINUSE' ? 'Address already in use' : 'Cannot assign requested address' } }, `listen(): bind() failed errno:98 Address already in use for socket: 0.0.0.0:${this.port}`)
      return 48
    }
    if (name !== undefined && !this.replicaSet!.config) await this.log('I', 'REPL', 6005300, 'initandlisten', 'Starting replica set without a configuration', {}, "Did not find local replica set configuration document at startup;  NoMatchingDocument: Did not find replica set configuration document in local.system.replset")
    await this.log('I', 'NETWORK', 23015, 'listener', 'Listening on', { address: everywhere ? '0.0.0.0' : addresses[0] }, undefined)
    await this.log('I', 'NETWORK', 23016, 'listener', 'Waiting for connections', { port: this.port, ssl: 'off' }, `waiting for connections on port ${this.port}`)
    if (this.replicaSet) this.background(this.replicaSet.run())
    const stopped = new Promise<void>((resolve) => { this.#stop = resolve })
    await Promise.race([proc.signal('SIGTERM', 'SIGINT'), stopped])
    await this.log('I', 'CONTROL', 23377, 'SignalHandler', 'Received signal', { signal: 15, error: 'Terminated' }, 'got signal 15 (Terminated), will terminate after current cmd ends')
    if (this.replicaSet?.isPrimary) await this.replicaSet.stepDown(1).catch(() => {})
    for (const session of this.sessions) session.socket.destroy()
    this.store.checkpoint()
    await this.log('I', 'CONTROL', 23138, 'SignalHandler', 'Shutting down', { exitCode: 0 }, 'dbexit:  rc: 0')
    return 0
  }

  /** What every mongod has from its first start on. */
  #furnish(): void {
    const major = this.version.split('.').slice(0, 2).join('.')
    this.store.commit({ op: 'i', ns: 'admin.system.version', o: { _id: 'featureCompatibilityVersion', version: major } })
    this.store.commit({ op: 'i', ns: 'local.startup_log', o: { _id: `${this.proc.machine.hostname}-${Math.floor(this.startedMs)}`, hostname: this.proc.machine.hostname, startTime: new Date(Math.floor(this.startedMs)), pid: this.proc.pid } })
    if (Number(major) < 3.6) return
    this.store.commit({ op: 'c', ns: 'config.$cmd', o: { create: 'system.sessions' } })
    this.store.commit({ op: 'c', ns: 'config.$cmd', o: { createIndexes: 'system.sessions', spec: { v: 2, key: { lastUse: 1 }, name: 'lsidTTLIndex', expireAfterSeconds: 1800 } } })
  }

  async #warn(id: number, text: string): Promise<void> {
    this.startupWarnings.push(JSON.stringify({ t: { $date: `${new Date(Math.floor(this.proc.clock.nowMs())).toISOString().slice(0, -1)}+00:00` }, s: 'W', c: 'CONTROL', id, ctx: 'initandlisten', msg: text }))
    await this.log('W', 'CONTROL', id, 'initandlisten', text, { tags: ['startupWarnings'] }, `** WARNING: ${text.split('. ')[0]}.`)
  }

  async #readKeyFile(): Promise<void> {
    const key = this.proc.fs.readText(this.#keyFile!).replace(/\s/g, '')
    const credential = await this.proc.clock.outside(createCredential(key, btoa('drydock-keyfile-salt-28bytes')))
    this.systemUser = { _id: 'local.__system', user: '__system', db: 'local', roles: [{ role: '__system', db: 'admin' }], credentials: { 'SCRAM-SHA-256': credential } }
  }

  /** Lets a connection to another member be one of a member. */
  async authenticateMember(client: MongoClient): Promise<void> {
    if (this.#keyFile === undefined) return
    await authenticate(this.proc, client, { user: '__system', password: this.proc.fs.readText(this.#keyFile).replace(/\s/g, ''), source: 'local' })
  }

  stop(): void { this.#stop() }

  /** Work that goes on beside, and ends with the process. */
  background(work: Promise<unknown>): void { work.catch((error: unknown) => { if (!(error instanceof ProcessKilled)) throw error }) }

  /** A primary that is none any more hangs up. */
  dropWriters(): void {}

  /** Makes a change, in the oplog of a set too. */
  write(operation: Operation): void {
    if (operation.op === 'i') this.counters.insert += 1
    else if (operation.op === 'u') this.counters.update += 1
    else if (operation.op === 'd') this.counters.delete += 1
    if (!this.replicaSet || operation.ns.startsWith('local.')) return this.store.commit(operation)
    this.store.commit({ ...operation, ...this.replicaSet.nextOpTime(), wall: new Date(Math.floor(this.proc.clock.nowMs())) })
  }

  keepCursor(ns: string, documents: Document[]): number {
    const id = this.#nextCursor++
    this.#cursors.set(id, { ns, documents })
    return id
  }

  /** getMore. @throws MongoError 43 */
  nextBatch(id: number, size: number): Document {
    const cursor = this.#cursors.get(id)
    if (!cursor) throw new MongoError(43, `cursor id ${id} not found`)
    const nextBatch = cursor.documents.splice(0, size)
    if (cursor.documents.length === 0) this.#cursors.delete(id)
    return { cursor: { nextBatch, id: cursor.documents.length > 0 ? id : 0, ns: cursor.ns } }
  }

  buildInfo(): Document { return { version: this.version, gitVersion: '0', modules: [], sysInfo: 'deprecated', versionArray: [...this.version.split('.').map(Number), 0], bits: 64, debug: false, maxBsonObjectSize: 16_777_216, storageEngines: ['devnull', 'wiredTiger'] } }

  async #accept(socket: TcpSocket): Promise<void> {
    const stream = new MessageStream(socket)
    const session: ClientSession = { id: ++this.connectionCount, remote: socket.remote, socket, user: undefined, conversation: undefined, closed: false }
    this.sessions.add(session)
    const remote = `${session.remote.ip}:${session.remote.port}`
    await this.log('I', 'NETWORK', 22943, 'listener', 'Connection accepted', { remote, connectionId: session.id, connectionCount: this.sessions.size }, `connection accepted from ${remote} #${session.id} (${this.sessions.size} connection${this.sessions.size === 1 ? '' : 's'} now open)`)
    try {
      for (let message = await stream.read(); message; message = await stream.read()) {
        this.counters.messages += 1
        this.proc.useCpu(200_000)
        const reply = await this.#reply(session, message.document)
        if (!message.noReply) await stream.write(reply, message.id, message.legacy)
      }
    } catch (error) {
      if (!(error instanceof UnixError || error instanceof ProcessKilled || (error as { code?: unknown }).code !== undefined)) throw error
    } finally {
      session.closed = true
      this.sessions.delete(session)
      socket.destroy()
    }
    await this.log('I', 'NETWORK', 22944, `conn${session.id}`, 'Connection ended', { remote, connectionId: session.id, connectionCount: this.sessions.size }, `end connection ${remote} (${this.sessions.size} connection${this.sessions.size === 1 ? '' : 's'} now open)`)
  }

  async #reply(session: ClientSession, document: Document): Promise<Document> {
    const [name] = Object.keys(document)
    const database = String(document.$db ?? 'admin')
    if (name === 'find') this.counters.query += 1
    else if (name === 'getMore') this.counters.getmore += 1
    else if (name !== 'insert' && name !== 'update' && name !== 'delete') this.counters.command += 1
    let reply: Document
    try {
      const command = name === undefined ? undefined : COMMANDS[name]
      if (!command) throw new MongoError(59, `no such command: '${name ?? ''}'`)
      this.#check(session, name!, command, database, document)
      if (command.write) this.#checkWriteConcern(document)
      reply = await command.run({ server: this, session, database, command: document })
      if (command.write) await this.#writeConcern(document, reply)
      reply = { ...reply, ok: 1 }
    } catch (error) {
      if (!(error instanceof MongoError)) throw error
      reply = { ...error.more, ok: 0, errmsg: error.message, code: error.code, codeName: (this.old && OLD_NAMES[error.code]) || error.codeName }
    }
    const applied = this.replicaSet?.config ? this.replicaSet.applied.ts : undefined
    if (applied && !this.version.startsWith('3.4')) Object.assign(reply, { $clusterTime: { clusterTime: applied, signature: { hash: new Binary(new Uint8Array(20)), keyId: Long.fromNumber(0) } }, operationTime: applied })
    return reply
  }

  #check(session: ClientSession, name: string, command: Command, database: string, document: Document): void {
    if (this.#auth && !command.open) {
      const local = session.remote.ip === '127.0.0.1' && (this.store.collection('admin.system.users')?.documents.size ?? 0) === 0
      if (!session.user && !local && !['hello', 'isMaster'].includes(name)) throw new MongoError(13, this.old ? `not authorized on ${database} to execute command` : `Command ${name} requires authentication`)
      if (session.user && !isAllowed(session.user, name, command.write ? 'write' : command.read ? 'read' : 'other', database)) throw new MongoError(13, `not authorized on ${database} to execute command { ${name}: ${JSON.stringify(document[name])} }`)
    }
    const set = this.replicaSet
    if (!set || database === 'local') return
    const master = this.old ? 'master' : 'primary'
    if (command.write && !set.isPrimary) throw new MongoError(10107, `not ${master}`)
    if (!command.read || set.isPrimary) return
    const mode = (document.$readPreference as Document | undefined)?.mode
    if (!set.isReadable) throw new MongoError(mode && mode !== 'primary' ? 13436 : this.old ? 13435 : 13436, this.old ? mode && mode !== 'primary' ? 'node is not in primary or recovering state' : 'not master and slaveOk=false' : 'node is not in primary or recovering state')
    if (mode === undefined || mode === 'primary') throw new MongoError(13435, this.old ? 'not master and slaveOk=false' : 'not primary and secondaryOk=false')
  }

  /** A write that wants what a server without others can't give is not begun. @throws MongoError 2, 79 */
  #checkWriteConcern(document: Document): void {
    const w = (document.writeConcern as { w?: unknown } | undefined)?.w
    if (w === undefined || w === 'majority') return
    if (typeof w === 'string') throw this.replicaSet ? new MongoError(79, `No write concern mode named '${w}' found in replica set configuration`, {}, 'UnknownReplWriteConcern') : new MongoError(2, `cannot use non-majority 'w' mode ${w} when a host is not a member of a replica set`)
    if (!(Number(w) >= 0)) throw new MongoError(9, 'w has to be a number or a string')
    if (!this.replicaSet && Number(w) > 1) throw new MongoError(2, "cannot use 'w' > 1 when a host is not replicated")
  }

  /** Waits for as many members as the write wants: `w` of them, or most of them, which is what writes want since 5.0 when they don't say. */
  async #writeConcern(document: Document, reply: Document): Promise<void> {
    const set = this.replicaSet
    if (!set) return
    const concern = document.writeConcern as { w?: number | string; wtimeout?: number } | undefined
    const w = concern?.w ?? (this.old ? 1 : 'majority')
    if (w !== 'majority' && Number(w) <= 1) return
    const members = w === 'majority' ? undefined : Number(w)
    if (members !== undefined && members > set.dataMembers) {
      reply.writeConcernError = { code: 100, codeName: 'UnsatisfiableWriteConcern', errmsg: 'Not enough data-bearing nodes' }
      return
    }
    const timeoutMs = concern?.wtimeout || WRITE_CONCERN_MS
    const done = await Promise.race([set.awaitMembers(set.applied, members).then(() => true), this.proc.sleep(timeoutMs).then(() => false)])
    if (!done) reply.writeConcernError = { code: 64, codeName: 'WriteConcernTimeout', errmsg: 'waiting for replication timed out', errInfo: { wtimeout: true } }
  }
}

/** What errors were called before 5.0. */
const OLD_NAMES: Readonly<Record<number, string>> = { 10107: 'NotMaster', 13435: 'NotMasterNoSlaveOk', 13436: 'NotMasterOrSecondary' }
const VALUED = new Set(['port', 'bind_ip', 'dbpath', 'replSet', 'keyFile', 'logpath', 'oplogSize', 'wiredTigerCacheSizeGB', 'maxConns', 'setParameter', 'storageEngine', 'clusterAuthMode', 'tlsMode', 'tlsCertificateKeyFile', 'sslMode', 'pidfilepath', 'unixSocketPrefix', 'profile', 'slowms', 'timeZoneInfo', 'nssize', 'journalCommitInterval', 'syncdelay', 'transitionToAuth'])
const FLAGS = new Set(['auth', 'noauth', 'bind_ip_all', 'quiet', 'smallfiles', 'noprealloc', 'nojournal', 'journal', 'directoryperdb', 'ipv6', 'shardsvr', 'configsvr', 'logappend', 'fork', 'nounixsocket', 'httpinterface', 'rest', 'v', 'verbose', 'vv', 'enableMajorityReadConcern', 'notablescan', 'repair', 'shutdown'])

