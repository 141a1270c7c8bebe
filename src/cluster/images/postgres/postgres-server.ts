import { base64Of } from '../../../base/base64.ts'
import { BrokenPipeError } from '../../../base/streams.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, TcpSocket } from '../../../unix/types.ts'
import { scramField, serverFinal } from '../mongo/scram.ts'
import { ClientSession } from './client-session.ts'
import { EngineCrashed, EngineTurns } from './engine-turns.ts'
import { accessRule, isMapped, parseAccessRules } from './host-based-access.ts'
import type { AccessRule } from './host-based-access.ts'
import { BodyReader, BodyWriter, CANCEL_REQUEST, GSS_REQUEST, MessageStream, PROTOCOL_3, SSL_REQUEST, message, reportMessage } from './protocol.ts'
import type { Report } from './protocol.ts'
import { md5 } from '@noble/hashes/legacy.js'
import { majorOf, readSettings, releaseText, versionText } from './release.ts'

const MEMORY_BYTES = 40_000_000
const START_MS = 400
const encoder = new TextEncoder()
const decoder = new TextDecoder()
const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')

/** The server: `postgres`. */
export async function postgresServer(proc: Proc, version: string): Promise<number> {
  return new PostgresServer(proc, version).run()
}

class FatalError extends Error {
  readonly report: Report
  constructor(report: Report) { super(report.message); this.report = report }
}

const fatal = (code: string, text: string, detail?: string): FatalError => new FatalError({ severity: 'FATAL', code, message: text, ...(detail ? { detail } : {}) })

class PostgresServer {
  readonly #proc: Proc
  readonly #version: string
  readonly #settings = new Map<string, string>()
  #directory = ''
  #rules: AccessRule[] = []
  #turns!: EngineTurns
  readonly #sessions = new Map<number, ClientSession>()
  #nextPid: number
  #phase: 'starting' | 'ready' | 'stopping' = 'starting'
  #shutdown!: (how: 'smart' | 'fast' | 'immediate' | 'crash') => void
  #port = 5432
  /** Tells those who wait for the server how far it is. */
  #writePid: (status: 'starting' | 'ready') => void = () => {}

  constructor(proc: Proc, version: string) {
    this.#proc = proc
    this.#version = version
    this.#nextPid = proc.pid + 27
  }

  #log(text: string, pid = this.#proc.pid): void {
    const now = new Date(Math.floor(this.#proc.clock.nowMs())).toISOString()
    const line = /^[A-Z0-9]+: /.test(text) ? `${now.slice(0, 10)} ${now.slice(11, 23)} UTC [${pid}] ${text}` : text
    void this.#proc.stderr.write(`${line}\n`).catch(() => {})
  }

  #setting(name: string, otherwise: string): string { return this.#settings.get(name) ?? otherwise }

  async run(): Promise<number> {
    const proc = this.#proc
    const args = proc.argv.slice(1)
    if (args.includes('--version') || args.includes('-V')) { await proc.stdout.write(`postgres (PostgreSQL) ${releaseText(proc, this.#version)}\n`); return 0 }
    if (proc.user.uid === 0) {
      await proc.stderr.write('"root" execution of the PostgreSQL server is not permitted.\nThe server must be started under an unprivileged user ID to prevent\npossible system security compromise.  See the documentation for\nmore information on how to properly start the server.\n')
      return 1
    }
    const own: string[] = []
    this.#directory = proc.env.PGDATA ?? ''
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!
      const long = /^--([^=]+)=([\s\S]*)$/.exec(arg)
      const short = /^-([cDphkNB])([\s\S]*)$/.exec(arg)
      if (long) own.push(`${long[1]!.replaceAll('-', '_')}=${long[2]}`)
      else if (short) {
        const value = short[2] || args[++i] || ''
        if (short[1] === 'D') this.#directory = value
        else if (short[1] === 'c') own.push(value)
        else { const name = { p: 'port', h: 'listen_addresses', k: 'unix_socket_directories', N: 'max_connections', B: 'shared_buffers' }[short[1]!]!; own.push(`${name}=${value}`) }
      } else if (arg === '-i' || arg === '-F') own.push(arg === '-i' ? 'listen_addresses=*' : 'fsync=off')
      else {
        await proc.stderr.write(arg.startsWith('-') ? `postgres: invalid option -- '${arg.slice(1, 2)}'\nTry "postgres --help" for more information.\n` : `postgres: invalid argument: "${arg}"\nTry "postgres --help" for more information.\n`)
        return 1
      }
    }
    if (this.#directory === '') {
      await proc.stderr.write('postgres does not know where to find the server configuration file.\nYou must specify the --config-file or -D invocation option or set the PGDATA environment variable.\n')
      return 2
    }
    this.#directory = proc.resolve(this.#directory)
    const refusal = this.#checkDirectory()
    if (refusal) { for (const line of refusal.lines) this.#log(line); return refusal.code }
    for (const [name, value] of readSettings(proc, own.find((each) => each.startsWith('config_file='))?.slice('config_file='.length) ?? `${this.#directory}/postgresql.conf`)) this.#settings.set(name, value)
    for (const each of own) this.#settings.set(each.slice(0, each.indexOf('=')).toLowerCase(), each.slice(each.indexOf('=') + 1))
    this.#port = Number(this.#setting('port', '5432'))
    return this.#serve(own)
  }

  #checkDirectory(): { lines: string[]; code: number } | undefined {
    const { fs, user } = this.#proc
    const directory = this.#directory
    if (!fs.exists(`${directory}/postgresql.conf`)) return { lines: [`postgres: could not access the server configuration file "${directory}/postgresql.conf": No such file or directory`], code: 2 }
    const stat = fs.stat(directory)
    if (stat.uid !== user.uid) return { lines: [`FATAL:  data directory "${directory}" has wrong ownership`, 'HINT:  The server must be started by the user that owns the data directory.'], code: 1 }
    if ((stat.mode & 0o27) !== 0) return { lines: [`FATAL:  data directory "${directory}" has invalid permissions`, 'DETAIL:  Permissions should be u=rwx (0700) or u=rwx,g=rx (0750).'], code: 1 }
    if (!fs.exists(`${directory}/PG_VERSION`) || !fs.exists(`${directory}/base/cluster.tar.gz`)) return { lines: [`FATAL:  "${directory}" is not a valid data directory`, `DETAIL:  File "${directory}/PG_VERSION" is missing.`], code: 1 }
    const found = fs.readText(`${directory}/PG_VERSION`).trim()
    if (found !== majorOf(this.#version)) return { lines: ['FATAL:  database files are incompatible with server', `DETAIL:  The data directory was initialized by PostgreSQL version ${found}, which is not compatible with this version ${releaseText(this.#proc, this.#version)}.`], code: 1 }
    return undefined
  }

  async #serve(own: readonly string[]): Promise<number> {
    const proc = this.#proc
    const { fs } = proc
    const text = versionText(proc, this.#version)
    if (fs.lock && !fs.lock(`${this.#directory}/PG_VERSION`, proc.killed)) {
      this.#log('FATAL:  lock file "postmaster.pid" already exists')
      this.#log(`HINT:  Is another postmaster (PID ${this.#readPid()}) running in data directory "${this.#directory}"?`)
      return 1
    }
    this.#log(`LOG:  starting ${text}`)
    proc.useMemory(MEMORY_BYTES, { figurative: true })
    const addresses = this.#setting('listen_addresses', 'localhost')
    const everywhere = addresses.split(',').some((each) => ['*', '0.0.0.0', '::'].includes(each.trim()))
    const closers: (() => void)[] = []
    const startMs = proc.clock.nowMs()
    try {
      if (addresses.trim() !== '') {
        const listener = proc.net.listenTcp(this.#port, (socket) => { void this.#accept(socket, false) }, everywhere ? {} : { ip: '127.0.0.1' })
        closers.push(() => listener.close())
        if (everywhere) { this.#log(`LOG:  listening on IPv4 address "0.0.0.0", port ${this.#port}`); this.#log(`LOG:  listening on IPv6 address "::", port ${this.#port}`) } else this.#log(`LOG:  listening on IPv4 address "127.0.0.1", port ${this.#port}`)
      }
      const socketPath = `${this.#setting('unix_socket_directories', '/var/run/postgresql').split(',')[0]!.trim()}/.s.PGSQL.${this.#port}`
      const local = proc.net.listenTcp(0, (socket) => { void this.#accept(socket, true) }, { ip: '127.0.0.1' })
      closers.push(() => { local.close(); try { fs.remove(socketPath, { force: true }) } catch { /* A read-only directory. */ } })
      // Stands for the Unix socket: who may read the file finds the server.
      fs.remove(socketPath, { force: true })
      fs.writeFile(socketPath, `${local.port}`, { mode: 0o777 })
      this.#log(`LOG:  listening on Unix socket "${socketPath}"`)
      this.#writePid = (status) => fs.writeFile(`${this.#directory}/postmaster.pid`, `${proc.pid}\n${this.#directory}\n${Math.floor(startMs / 1000)}\n${this.#port}\n${socketPath.slice(0, socketPath.lastIndexOf('/'))}\n${everywhere ? '*' : addresses}\n  ${this.#port}001         0\n${status.padEnd(8)}\n`, { mode: 0o600 })
      this.#writePid('starting')
      fs.writeFile(`${this.#directory}/postmaster.opts`, `/usr/lib/postgresql/${majorOf(this.#version)}/bin/postgres${proc.argv.slice(1).map((arg) => ` "${arg}"`).join('')}\n`, { mode: 0o600 })
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      for (const close of closers) close()
      if (error.code === 'EADDRINUSE') {
        this.#log(`LOG:  could not bind IPv4 address "0.0.0.0": Address already in use`)
        this.#log(`HINT:  Is another postmaster already running on port ${this.#port}? If not, wait a few seconds and retry.`)
        this.#log('FATAL:  could not create any TCP/IP sockets')
      } else this.#log(`FATAL:  could not create lock file "/var/run/postgresql/.s.PGSQL.${this.#port}.lock": ${error.code === 'EACCES' ? 'Permission denied' : error.code === 'EROFS' ? 'Read-only file system' : error.code === 'ENOSPC' ? 'No space left on device' : 'No such file or directory'}`)
      return 1
    }
    const stopped = new Promise<'smart' | 'fast' | 'immediate' | 'crash'>((resolve) => { this.#shutdown = resolve })
    proc.onSignal('SIGTERM', () => this.#shutdown('smart'))
    proc.onSignal('SIGINT', () => this.#shutdown('fast'))
    proc.onSignal('SIGQUIT', () => this.#shutdown('immediate'))
    proc.onSignal('SIGHUP', () => { this.#log('LOG:  received SIGHUP, reloading configuration files'); this.#readRules() })
    this.#readRules()
    this.#turns = new EngineTurns(proc, { directory: this.#directory, settings: own.filter((each) => !/^(?:listen_addresses|port|unix_socket_directories|config_file|hba_file|ssl\w*|shared_preload_libraries)=/.test(each)), versionText: text }, (line, pid) => { if (pid >= 0) this.#log(line, pid) })
    const startupPid = this.#nextPid++
    let failed = ''
    try {
      await proc.sleep(START_MS)
      await this.#turns.open((line) => {
        const shown = /^(?:LOG:  (?:database system (?:was|is)|redo|invalid record length|checkpoint)|FATAL|PANIC|DETAIL|HINT|WARNING)/.test(line)
        if (/^(?:FATAL|PANIC)/.test(line)) failed = line
        if (shown) this.#log(line.replace(/ (?:GMT|Etc\/GMT0)$/, ' UTC'), startupPid)
      })
    } catch (error) {
      if (failed === '') throw error
      for (const close of closers) close()
      return 1
    }
    this.#phase = 'ready'
    this.#writePid('ready')
    this.#log('LOG:  database system is ready to accept connections')
    const how = await stopped
    return this.#stop(how, closers)
  }

  async #stop(how: 'smart' | 'fast' | 'immediate' | 'crash', closers: readonly (() => void)[]): Promise<number> {
    const proc = this.#proc
    let mode = how
    this.#phase = 'stopping'
    if (mode !== 'crash') this.#log(`LOG:  received ${mode} shutdown request`)
    if (mode === 'smart' && this.#sessions.size > 0) {
      // A smart shutdown waits for its clients, a second signal doesn't.
      const sooner = new Promise<'fast' | 'immediate'>((resolve) => { proc.onSignal('SIGINT', () => resolve('fast')); proc.onSignal('SIGQUIT', () => resolve('immediate')) })
      const gone = (async () => { while (this.#sessions.size > 0) await proc.sleep(100); return 'smart' as const })()
      mode = await Promise.race([sooner, gone])
      if (mode !== 'smart') this.#log(`LOG:  received ${mode} shutdown request`)
    }
    if (mode === 'fast') this.#log('LOG:  aborting any active transactions')
    for (const [pid, session] of this.#sessions) {
      if (mode === 'fast') this.#log('FATAL:  terminating connection due to administrator command', pid)
      await session.end(mode === 'immediate' ? { severity: 'WARNING', code: '57P02', message: 'terminating connection because of immediate shutdown command' } : { severity: 'FATAL', code: '57P01', message: 'terminating connection due to administrator command' })
    }
    if (mode === 'smart' || mode === 'fast') {
      this.#log(`LOG:  background worker "logical replication launcher" (PID ${proc.pid + 32}) exited with exit code 1`)
      const checkpointer = proc.pid + 28
      this.#log('LOG:  shutting down', checkpointer)
      this.#log('LOG:  checkpoint starting: shutdown immediate', checkpointer)
      await this.#turns.close()
      this.#log('LOG:  checkpoint complete', checkpointer)
      try { proc.fs.remove(`${this.#directory}/postmaster.pid`, { force: true }) } catch (error) { if (!(error instanceof UnixError)) throw error }
    }
    for (const close of closers) close()
    this.#log('LOG:  database system is shut down')
    return mode === 'crash' ? 1 : 0
  }

  #readPid(): string { try { return this.#proc.fs.readText(`${this.#directory}/postmaster.pid`).split('\n')[0]! } catch { return '1' } }

  #readRules(): void {
    const file = this.#setting('hba_file', `${this.#directory}/pg_hba.conf`)
    try { this.#rules = parseAccessRules(this.#proc.fs.readText(file)) } catch (error) {
      if (!(error instanceof UnixError)) throw error
      this.#log(`LOG:  could not open file "${file}": No such file or directory`)
    }
  }

  async #accept(socket: TcpSocket, local: boolean): Promise<void> {
    const pid = this.#nextPid++
    const stream = new MessageStream(socket)
    try {
      const session = await this.#start(stream, pid, local)
      if (session) await session.serve()
    } catch (error) {
      if (error instanceof FatalError) {
        // How a password was wrong is for the log only.
        const { detail, ...told } = error.report
        this.#log(`FATAL:  ${told.message}`, pid)
        if (detail) this.#log(`DETAIL:  ${detail}`, pid)
        await stream.write(reportMessage('E', told.code.startsWith('28') ? told : error.report)).catch(() => {})
      } else if (error instanceof EngineCrashed) {
        this.#log(`LOG:  client backend (PID ${pid}) was terminated by signal 11: Segmentation fault`)
        this.#shutdown('crash')
      } else if (!(error instanceof UnixError) && !(error instanceof BrokenPipeError) && !this.#proc.killed.aborted) throw error
    } finally {
      this.#sessions.delete(pid)
      socket.destroy()
    }
  }

  async #start(stream: MessageStream, pid: number, local: boolean): Promise<ClientSession | undefined> {
    let body: Uint8Array | undefined
    let version = 0
    for (;;) {
      body = await stream.readStartup()
      if (!body || body.length < 4) return undefined
      version = new BodyReader(body).int32()
      if (version !== SSL_REQUEST && version !== GSS_REQUEST) break
      await stream.write(encoder.encode('N'))
    }
    const reader = new BodyReader(body)
    reader.int32()
    if (version === CANCEL_REQUEST) {
      const target = this.#sessions.get(reader.int32())
      if (target && target.secret === reader.int32() >>> 0) target.cancel()
      return undefined
    }
    if (version >> 16 !== PROTOCOL_3 >> 16) throw fatal('0A000', `unsupported frontend protocol ${version >> 16}.${version & 0xffff}: server supports 3.0 to 3.${Number(majorOf(this.#version)) >= 18 ? 2 : 0}`)
    const parameters = new Map<string, string>()
    while (reader.left > 1) { const name = reader.text(); if (name !== '') parameters.set(name, reader.text()) }
    const user = parameters.get('user') ?? ''
    const database = parameters.get('database') || user
    for (const name of ['user', 'database', 'replication']) parameters.delete(name)
    for (const [, name, value] of (parameters.get('options') ?? '').matchAll(/(?:-c\s*|--)([\w.]+)=((?:\\.|\S)*)/g)) parameters.set(name!.replaceAll('-', '_'), value!.replace(/\\(.)/g, '$1'))
    parameters.delete('options')
    for (const name of [...parameters.keys()]) if (name.startsWith('_pq_.')) parameters.delete(name)
    if (user === '') throw fatal('28000', 'no PostgreSQL user name specified in startup packet')
    if (this.#phase === 'starting') throw fatal('57P03', 'the database system is starting up')
    if (this.#phase === 'stopping') throw fatal('57P03', 'the database system is shutting down')
    await this.#authenticate(stream, pid, local ? undefined : stream.socket.remote.ip, user, database)
    const role = this.#turns.roles.get(user)!
    if (!role.login) throw fatal('28000', `role "${user}" is not permitted to log in`)
    const known = this.#turns.databases.get(database)
    if (!known) throw fatal('3D000', `database "${database}" does not exist`)
    if (!known.allowsConnections) throw fatal('55000', `database "${database}" is not currently accepting connections`)
    const most = Number(this.#setting('max_connections', '100'))
    if (this.#sessions.size >= (role.superuser ? most : most - 3)) throw this.#sessions.size >= most ? fatal('53300', 'sorry, too many clients already') : fatal('53300', 'remaining connection slots are reserved for roles with the SUPERUSER attribute')
    const sessions = [...this.#sessions.values()]
    if (role.connectionLimit >= 0 && !role.superuser && sessions.filter((each) => each.user === user).length >= role.connectionLimit) throw fatal('53300', `too many connections for role "${user}"`)
    if (known.connectionLimit >= 0 && !role.superuser && sessions.filter((each) => each.database === database).length >= known.connectionLimit) throw fatal('53300', `too many connections for database "${database}"`)
    const session = new ClientSession({
      proc: this.#proc, stream, turns: this.#turns, pid, user, database, serverVersion: releaseText(this.#proc, this.#version), log: (line) => this.#log(line, pid),
      notify: (channel, note, from) => { for (const each of this.#sessions.values()) if (each !== from && each.database === from.database && each.channels.has(channel)) void each.notified(note) },
    })
    this.#sessions.set(pid, session)
    const refused = await session.begin(parameters)
    if (refused) throw new FatalError(refused)
    return session
  }

  /** @throws FatalError */
  async #authenticate(stream: MessageStream, pid: number, ip: string | undefined, user: string, database: string): Promise<void> {
    const proc = this.#proc
    const role = this.#turns.roles.get(user)
    const rule = accessRule(this.#rules, { ip, database, user, groups: role?.groups ?? [] })
    const from = ip === undefined ? '[local]' : ip
    if (!rule) throw fatal('28000', `no pg_hba.conf entry for host "${from}", user "${user}", database "${database}", no encryption`)
    if (rule.method === 'reject') throw fatal('28000', `pg_hba.conf rejects connection for host "${from}", user "${user}", database "${database}", no encryption`)
    const line = (() => { try { return proc.fs.readText(this.#setting('hba_file', `${this.#directory}/pg_hba.conf`)).split('\n')[rule.line - 1]! } catch { return '' } })()
    const matched = Number(majorOf(this.#version)) >= 16 ? `Connection matched file "${this.#setting('hba_file', `${this.#directory}/pg_hba.conf`)}" line ${rule.line}: "${line}"` : `Connection matched pg_hba.conf line ${rule.line}: "${line}"`
    const failed = (why?: string) => fatal('28P01', `password authentication failed for user "${user}"`, why ? `${why}\n\t${matched}` : matched)
    if (rule.method === 'peer') {
      const peer = proc.net.userAt?.(stream.socket.remote.port) ?? ''
      const map = rule.options.get('map')
      if (map === undefined ? peer !== user : !isMapped(this.#identityMap(), map, peer, user)) {
        this.#log(map === undefined ? `LOG:  provided user name (${user}) and authenticated user name (${peer}) do not match` : `LOG:  no match in usermap "${map}" for user "${user}" authenticated as "${peer}"`, pid)
        throw fatal('28000', `Peer authentication failed for user "${user}"`, matched)
      }
    } else if (['scram-sha-256', 'md5', 'password'].includes(rule.method)) {
      const secret = role?.password
      const scram = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$/.exec(secret ?? '')
      if (rule.method === 'password' || (rule.method === 'md5' && secret?.startsWith('md5'))) {
        const salt = proc.random.bytes(4)
        const isPlain = rule.method === 'password'
        await stream.write(message('R', isPlain ? new BodyWriter().int(3, 4).body : new BodyWriter().int(5, 4).bytes(salt).body))
        const answer = await stream.read()
        if (!answer) throw new UnixError('ECONNRESET')
        const given = new BodyReader(answer.body).text()
        if (!secret) throw failed(role ? `User "${user}" has no password assigned.` : `Role "${user}" does not exist.`)
        const right = isPlain ? scram ? await this.#isPassword(given, scram) : secret === `md5${hex(md5(encoder.encode(given + user)))}` : given === `md5${hex(md5(new Uint8Array([...encoder.encode(secret.slice(3)), ...salt])))}`
        if (!right) throw failed(`Password does not match for user "${user}".`)
      } else await this.#scram(stream, scram, failed, role ? secret ? undefined : `User "${user}" has no password assigned.` : `Role "${user}" does not exist.`)
    } else if (rule.method !== 'trust') throw fatal('28000', `authentication method "${rule.method}" is not supported here`)
    if (!role) throw fatal('28000', `role "${user}" does not exist`)
    await stream.write(message('R', new BodyWriter().int(0, 4).body))
  }

  /** Whom users of the system may be here. */
  #identityMap(): string {
    try { return this.#proc.fs.readText(this.#setting('ident_file', `${this.#directory}/pg_ident.conf`)) } catch (error) {
      if (!(error instanceof UnixError)) throw error
      return ''
    }
  }

  async #isPassword(password: string, [, iterations, salt, , serverKey]: RegExpExecArray): Promise<boolean> {
    const { createCredential } = await import('../mongo/scram.ts')
    return (await this.#proc.clock.outside(createCredential(password, salt!, Number(iterations)))).serverKey === serverKey
  }

  /** Asks for a proof of the password; whoever has none fails as late as others. */
  async #scram(stream: MessageStream, secret: RegExpExecArray | null, failed: (why?: string) => FatalError, why: string | undefined): Promise<void> {
    const proc = this.#proc
    const doomed = secret ? undefined : why ?? 'User does not have a valid SCRAM secret.'
    await stream.write(message('R', new BodyWriter().int(10, 4).text('SCRAM-SHA-256').int(0, 1).body))
    const first = await stream.read()
    if (!first || first.type !== 'p') throw new UnixError('ECONNRESET')
    const reader = new BodyReader(first.body)
    reader.text()
    reader.int32()
    const clientFirst = decoder.decode(reader.rest()).replace(/^[^,]*,[^,]*,/, '')
    const salt = secret?.[2] ?? base64Of(proc.random.bytes(16))
    const serverFirst = `r=${scramField(clientFirst, 'r')}${base64Of(proc.random.bytes(18))},s=${salt},i=${secret?.[1] ?? 4096}`
    await stream.write(message('R', new BodyWriter().int(11, 4).bytes(encoder.encode(serverFirst)).body))
    const last = await stream.read()
    if (!last || last.type !== 'p') throw new UnixError('ECONNRESET')
    if (!secret || doomed) throw failed(doomed)
    const answer = await proc.clock.outside(serverFinal({ iterations: Number(secret[1]), salt, storedKey: secret[3]!, serverKey: secret[4]! }, clientFirst, serverFirst, decoder.decode(last.body)))
    if (answer === undefined) throw failed()
    await stream.write(message('R', new BodyWriter().int(12, 4).bytes(encoder.encode(answer)).body))
  }
}
