import { machineName } from '../../../unix/architecture.ts'
import { rfc3339Micro } from '../../../base/clock.ts'
import { ProcessKilled, UnixError } from '../../../unix/types.ts'
import type { Listener, Proc, TcpSocket } from '../../../unix/types.ts'
import { passwordHash, proves } from './authentication.ts'
import type { AuthenticationPlugin } from './authentication.ts'
import { CAPABILITIES, COMMANDS, FIELD_TYPES, NOT_NULL_FLAG, PacketReader, PacketStream, PacketWriter, STATUS, VAR_STRING } from './protocol.ts'
import { findAccount } from './sql/accounts.ts'
import { SqlError } from './sql/errors.ts'
import { Instance } from './sql/instance.ts'
import type { ResultSet } from './sql/select.ts'
import { Session } from './sql/session.ts'
import type { Result } from './sql/session.ts'
import { statusRows } from './sql/show.ts'
import { RowLocked } from './sql/table.ts'
import { Decimal, toText } from './sql/values.ts'

/** What a server of that age takes, which can't run in less. Bytes. */
const MEMORY = { old: 200 * 2 ** 20, recent: 380 * 2 ** 20 }
const INITIALIZE_MS = 4_000
const START_MS = 900
const SHUTDOWN_MS = 400
const LOCK_WAIT_MS = 50_000
/** How often a server asks for a data directory that another has, once a second. */
const LOCK_TRIES = 100
/** Options that mean something here; others that exist are accepted. */
const KNOWN_OPTIONS = new Set('admin_address admin_port authentication_policy auto_increment_increment auto_increment_offset back_log basedir bind_address binlog_cache_size binlog_expire_logs_seconds binlog_format binlog_row_image character_set_client_handshake character_set_filesystem character_set_server collation_server connect_timeout console daemonize datadir default_authentication_plugin default_storage_engine default_time_zone disable_log_bin enforce_gtid_consistency event_scheduler expire_logs_days explicit_defaults_for_timestamp federated general_log general_log_file group_concat_max_len gtid_mode host_cache_size ignore_db_dir init_connect init_file initialize initialize_insecure innodb_autoinc_lock_mode innodb_buffer_pool_instances innodb_buffer_pool_size innodb_data_file_path innodb_data_home_dir innodb_dedicated_server innodb_file_format innodb_file_per_table innodb_flush_log_at_trx_commit innodb_flush_method innodb_force_recovery innodb_io_capacity innodb_large_prefix innodb_lock_wait_timeout innodb_log_buffer_size innodb_log_file_size innodb_log_group_home_dir innodb_open_files innodb_redo_log_capacity innodb_use_native_aio interactive_timeout join_buffer_size key_buffer_size lc_messages local_infile lock_wait_timeout log_bin log_bin_index log_bin_trust_function_creators log_error log_error_verbosity log_output log_queries_not_using_indexes log_replica_updates log_slave_updates long_query_time loose_mysqlx lower_case_table_names max_allowed_packet max_binlog_size max_connect_errors max_connections max_execution_time max_heap_table_size mysql_native_password mysqlx mysqlx_port net_buffer_length net_read_timeout net_write_timeout open_files_limit performance_schema pid_file plugin_load plugin_load_add port query_cache_limit query_cache_size query_cache_type read_buffer_size read_only read_rnd_buffer_size relay_log relay_log_index replicate_do_db report_host require_secure_transport secure_file_priv server_id skip_external_locking skip_grant_tables skip_host_cache skip_innodb skip_log_bin skip_mysqlx skip_name_resolve skip_networking skip_slave_start skip_ssl slow_query_log slow_query_log_file socket sort_buffer_size sql_mode ssl super_read_only symbolic_links sync_binlog table_definition_cache table_open_cache thread_cache_size thread_stack tls_version tmp_table_size tmpdir transaction_isolation user verbose wait_timeout help version'.split(' '))
/** Families of options that are too many to be listed. */
const KNOWN_FAMILIES = /^(?:admin|binlog|caching_sha2_password|character_set|collation|default|group_replication|gtid|innodb|key|log|max|min|myisam|mysqlx|net|optimizer|performance_schema|read|relay|replica|replicate|slave|sql|ssl|sync|table|thread|tls|validate_password)_/
/** Options that went with 8.0 and 8.4. */
const REMOVED: Readonly<Record<string, number>> = { ignore_db_dir: 8, query_cache_limit: 8, query_cache_size: 8, query_cache_type: 8, innodb_file_format: 8, innodb_large_prefix: 8, innodb_undo_logs: 8, skip_innodb: 8, default_authentication_plugin: 8.4, expire_logs_days: 8.4, skip_host_cache: 8.4 }
const CONFIGURATION_FILES = ['/etc/my.cnf', '/etc/mysql/my.cnf']
const CONFIGURATION_DIRECTORIES = ['/etc/mysql/conf.d', '/etc/mysql/mysql.conf.d', '/etc/my.cnf.d']

/** Settings of a group of the configuration files, later ones last. Values of options without one are empty. */
export function readConfiguration(proc: Proc, groups: readonly string[], files: readonly string[] = [...CONFIGURATION_FILES, ...CONFIGURATION_DIRECTORIES.flatMap((directory) => { try { return proc.fs.readdir(directory).filter((name) => name.endsWith('.cnf')).map((name) => `${directory}/${name}`) } catch { return [] } })]): [string, string | undefined][] {
  const out: [string, string | undefined][] = []
  for (const file of files) {
    let text: string
    try { text = proc.fs.readText(file) } catch (error) { if (error instanceof UnixError) continue; throw error }
    let group = ''
    for (const raw of text.split('\n')) {
      const line = raw.trim()
      if (line === '' || /^[#;!]/.test(line)) continue
      const heading = /^\[(.*)\]$/.exec(line)
      if (heading) { group = heading[1]!; continue }
      if (!groups.includes(group)) continue
      const [, name, value] = /^([^=\s]+)\s*(?:=\s*(.*))?$/.exec(line) ?? []
      if (name) out.push([name.replaceAll('-', '_').toLowerCase(), value?.replace(/\s+#.*$/, '').replace(/^(["'])(.*)\1$/, '$2')])
    }
  }
  return out
}

/** mysqld of one version. */
export async function mysqld(proc: Proc, version: string): Promise<number> {
  return new MysqlServer(proc, version).run()
}

class MysqlServer {
  readonly #proc: Proc
  readonly #version: string
  readonly #old: boolean
  readonly #plugin: AuthenticationPlugin
  readonly #options = new Map<string, string | undefined>()
  #instance!: Instance
  #connections = new Set<PacketStream>()
  #nextId: number
  #stop!: () => void

  constructor(proc: Proc, version: string) {
    this.#proc = proc
    this.#version = version
    this.#old = version.startsWith('5.')
    this.#plugin = this.#old ? 'mysql_native_password' : 'caching_sha2_password'
    this.#nextId = this.#old ? 2 : 8
  }

  async #log(level: 'System' | 'Warning' | 'ERROR' | 'Note', code: number, subsystem: 'Server' | 'InnoDB', text: string): Promise<void> {
    const now = rfc3339Micro(this.#proc.clock.nowMs())
    if (this.#old) await this.#proc.stderr.write(`${now} 0 [${level === 'System' ? 'Note' : level}] ${subsystem === 'InnoDB' ? 'InnoDB: ' : ''}${text.replace('/usr/sbin/mysqld', 'mysqld')}\n`)
    else await this.#proc.stderr.write(`${now} 0 [${level}] [MY-${String(code).padStart(6, '0')}] [${subsystem}] ${text}\n`)
  }

  #option(name: string, otherwise: string): string { return this.#options.get(name) ?? otherwise }

  async #abort(): Promise<number> {
    await this.#log('ERROR', 10119, 'Server', 'Aborting')
    return 1
  }

  /** Options of files and the command line; false when one is unknown. */
  async #readOptions(): Promise<boolean> {
    const { argv } = this.#proc
    const own = argv.slice(1).find((arg) => arg.startsWith('--defaults-file='))
    const settings = readConfiguration(this.#proc, ['mysqld', 'server', `mysqld-${this.#version.split('.').slice(0, 2).join('.')}`], own ? [own.slice('--defaults-file='.length)] : undefined)
    for (let i = 1; i < argv.length; i++) {
      const arg = argv[i]!
      const [, name, value] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(arg) ?? []
      if (name && /^(?:no-defaults|defaults-)/.test(name)) continue
      if (name) settings.push([name.replaceAll('-', '_').toLowerCase(), value])
      else if (/^-[uhPWD]/.test(arg)) { const short = { u: 'user', h: 'datadir', P: 'port' }[arg[1]!]; if (short) settings.push([short, arg.slice(2) || argv[++i]]) } else if (arg.startsWith('-')) { await this.#log('ERROR', 67, 'Server', `unknown option '${arg}'.`); return false } else { await this.#log('ERROR', 10147, 'Server', `Too many arguments (first extra is '${arg}').`); return false }
    }
    for (const [raw, value] of settings) {
      const loose = raw.startsWith('loose_')
      const name = raw.replace(/^loose_/, '')
      const removed = REMOVED[name]
      const gone = removed !== undefined && Number(this.#version.split('.').slice(0, 2).join('.')) >= removed
      if ((!(KNOWN_OPTIONS.has(name) || KNOWN_FAMILIES.test(name)) || gone) && !loose) {
        await this.#log('ERROR', value === undefined ? 68 : 67, 'Server', value === undefined ? `unknown option '--${name.replaceAll('_', '-')}'.` : `unknown variable '${name}=${value}'.`)
        return false
      }
      this.#options.set(name, value)
    }
    return true
  }

  async run(): Promise<number> {
    const proc = this.#proc
    if (proc.argv.includes('--version') || proc.argv.includes('-V')) {
      await proc.stdout.write(`/usr/sbin/mysqld  Ver ${this.#version} for Linux on ${machineName(proc.machine.hardware.architecture)} (MySQL Community Server ${this.#old ? '(GPL)' : '- GPL'})\n`)
      return 0
    }
    if (!await this.#readOptions()) return this.#abort()
    if (proc.user.uid === 0 && this.#options.get('user') !== 'root') {
      if (this.#options.get('user') === undefined) {
        await this.#log('ERROR', 10123, 'Server', 'Fatal error: Please read "Security" section of the manual to find out how to run mysqld as root!')
        return this.#abort()
      }
    }
    const directory = this.#option('datadir', '/var/lib/mysql').replace(/\/$/, '')
    this.#instance = new Instance({ version: this.#version, files: proc.fs, directory, hostname: proc.machine.hostname, nowMs: () => proc.clock.nowMs(), random: () => proc.random.float(), hashPassword: (password) => passwordHash(this.#plugin, password) })
    for (const [name, value] of this.#options) if (this.#instance.variables.has(name)) this.#instance.variables.set(name, this.#asVariable(name, value))
    const initialize = this.#options.has('initialize') || this.#options.has('initialize_insecure')
    return initialize ? this.#initialize(directory) : this.#serve(directory)
  }

  #asVariable(name: string, value: string | undefined): string {
    const known = this.#instance.variables.get(name)!
    if (known !== 'ON' && known !== 'OFF') return (value ?? '').replace(/^(\d+)([KMG])$/i, (_, n: string, unit: string) => String(Number(n) * 1024 ** ('KMG'.indexOf(unit.toUpperCase()) + 1)))
    return value === undefined || /^(?:1|on|true)$/i.test(value) ? 'ON' : 'OFF'
  }

  async #initialize(directory: string): Promise<number> {
    const proc = this.#proc
    if (!this.#old) {
      await this.#log('System', 15017, 'Server', 'MySQL Server Initialization - start.')
      await this.#log('System', 13169, 'Server', `/usr/sbin/mysqld (mysqld ${this.#version}) initializing of server in progress as process ${proc.pid}`)
    }
    let content: string[]
    try {
      proc.fs.mkdir(directory, { recursive: true })
      content = proc.fs.readdir(directory).filter((name) => name !== 'lost+found' && !name.startsWith('.'))
      if (content.length === 0) this.#instance.initialize()
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await this.#log('ERROR', 10187, 'Server', `Could not open file '${directory}' for error logging: ${error.code === 'EROFS' ? 'Read-only file system' : 'Permission denied'}`)
      return this.#abort()
    }
    if (content.length > 0) {
      await this.#log('ERROR', 10457, 'Server', '--initialize specified but the data directory has files in it. Aborting.')
      await this.#log('ERROR', 13236, 'Server', `The designated data directory ${directory}/ is unusable. You can remove all files that the server added to it.`)
      return this.#abort()
    }
    await this.#log('System', 13576, 'InnoDB', 'InnoDB initialization has started.')
    proc.useCpu(2_000_000_000)
    await proc.sleep(INITIALIZE_MS * 0.4)
    await this.#log('System', 13577, 'InnoDB', 'InnoDB initialization has ended.')
    await proc.sleep(INITIALIZE_MS * 0.6)
    if (this.#options.has('initialize')) {
      const password = Array.from({ length: 12 }, () => 'abcdefghijkmnpqrstuvwxyzABCDEFGH23456789,;+-'[proc.random.int(44)]).join('')
      this.#instance.accounts[0]!.password = passwordHash(this.#plugin, password)
      this.#instance.saveAccounts()
      await this.#log('Note', 10454, 'Server', `A temporary password is generated for root@localhost: ${password}`)
    } else await this.#log('Warning', 10453, 'Server', 'root@localhost is created with an empty password ! Please consider switching off the --initialize-insecure option.')
    if (!this.#old) await this.#log('System', 15018, 'Server', 'MySQL Server Initialization - end.')
    return 0
  }

  async #serve(directory: string): Promise<number> {
    const proc = this.#proc
    const name = `/usr/sbin/mysqld (mysqld ${this.#version})`
    if (!this.#old) await this.#log('System', 15015, 'Server', 'MySQL Server - start.')
    await this.#log('System', 10116, 'Server', `${name} starting as process ${proc.pid}${this.#old ? ' ...' : ''}`)
    proc.useMemory(this.#old ? MEMORY.old : MEMORY.recent, { figurative: true })
    await this.#log('System', 13576, 'InnoDB', 'InnoDB initialization has started.')
    if (!this.#instance.initialized) {
      await this.#log('ERROR', 10020, 'Server', `Data Dictionary initialization failed.`)
      return this.#abort()
    }
    if (!await this.#lock(directory)) return this.#abort()
    try { this.#instance.load() } catch (error) {
      if (!(error instanceof UnixError || error instanceof SyntaxError)) throw error
      await this.#log('ERROR', 12592, 'InnoDB', error instanceof UnixError ? `Operating system error number 13 in a file operation.` : 'Corrupted page in the data directory.')
      return this.#abort()
    }
    proc.useCpu(600_000_000)
    await proc.sleep(START_MS)
    await this.#log('System', 13577, 'InnoDB', 'InnoDB initialization has ended.')
    await this.#log('Warning', 10068, 'Server', 'CA certificate ca.pem is self signed.')
    if (!this.#old) await this.#log('System', 13602, 'Server', 'Channel mysql_main configured to support TLS. Encrypted connections are now supported for this channel.')
    const networking = !this.#options.has('skip_networking')
    const port = Number(this.#option('port', '3306'))
    const socket = this.#option('socket', '/var/run/mysqld/mysqld.sock')
    const listeners: Listener[] = []
    try {
      if (networking) listeners.push(proc.net.listenTcp(port, (connection) => { void this.#accept(connection, false) }, this.#options.get('bind_address') && !['*', '0.0.0.0', '::'].includes(this.#options.get('bind_address')!) ? { ip: this.#options.get('bind_address')! } : {}))
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await this.#log('ERROR', 10262, 'Server', `Can't start server: Bind on TCP/IP port: Address already in use`)
      await this.#log('ERROR', 10257, 'Server', `Do you already have another mysqld server running on port: ${port} ?`)
      return this.#abort()
    }
    // There are no sockets in the file system: the file names a port that only this machine reaches.
    const local = proc.net.listenTcp(0, (connection) => { void this.#accept(connection, true) }, { ip: '127.0.0.1' })
    listeners.push(local)
    proc.fs.mkdir(socket.replace(/\/[^/]*$/, ''), { recursive: true })
    proc.fs.writeFile(socket, String(await local.ready ?? local.port), { mode: 0o777 })
    if (!this.#old && !this.#options.has('skip_mysqlx')) await this.#log('System', 11323, 'Server', `X Plugin ready for connections. ${networking ? "Bind-address: '::' port: 33060, socket" : 'Socket'}: /var/run/mysqld/mysqlx.sock`)
    const description = `Version: '${this.#version}'  socket: '${socket}'  port: ${networking ? port : 0}  MySQL Community Server ${this.#old ? '(GPL)' : '- GPL.'}`
    await this.#log('System', 10931, 'Server', `/usr/sbin/mysqld: ready for connections.${this.#old ? '' : ` ${description}`}`)
    if (this.#old) await proc.stderr.write(`${description}\n`)
    const stopped = new Promise<void>((resolve) => { this.#stop = resolve })
    const by = await Promise.race([proc.signal('SIGTERM'), stopped])
    await this.#log('System', by ? 13172 : 13105, 'Server', by && !this.#old ? `Received SHUTDOWN from user <via user signal>. Shutting down mysqld (Version: ${this.#version}).` : this.#old ? 'Giving 0 client threads a chance to die gracefully' : `/usr/sbin/mysqld: Normal shutdown.`)
    for (const listener of listeners) listener.close()
    for (const connection of this.#connections) connection.socket.destroy()
    for (const session of this.#instance.sessions.values()) session.rollback()
    this.#instance.checkpoint()
    proc.fs.remove(socket, { force: true })
    await proc.sleep(SHUTDOWN_MS)
    await this.#log('System', 10910, 'Server', `/usr/sbin/mysqld: Shutdown complete${this.#old ? '' : ` (mysqld ${this.#version})  MySQL Community Server - GPL.`}`)
    if (!this.#old) await this.#log('System', 15016, 'Server', 'MySQL Server - end.')
    return 0
  }

  /** Takes the data directory for itself; false when another server doesn't give it back. */
  async #lock(directory: string): Promise<boolean> {
    const { fs, killed } = this.#proc
    const file = `${directory}/ibdata1`
    for (let tries = 0; fs.exists(file) && fs.lock?.(file, killed) === false; tries++) {
      if (tries === LOCK_TRIES) {
        await this.#log('ERROR', 12592, 'InnoDB', 'Operating system error number 11 in a file operation.')
        await this.#log('ERROR', 12596, 'InnoDB', "Error number 11 means 'Resource temporarily unavailable'")
        await this.#log('ERROR', 12215, 'InnoDB', "Cannot open datafile './ibdata1'")
        await this.#log('ERROR', 10334, 'Server', 'Failed to initialize DD Storage Engine')
        await this.#log('ERROR', 10020, 'Server', 'Data Dictionary initialization failed.')
        return false
      }
      await this.#log('ERROR', 12574, 'InnoDB', 'Unable to lock ./ibdata1 error: 11')
      await this.#proc.sleep(1000)
    }
    return true
  }

  async #accept(socket: TcpSocket, local: boolean): Promise<void> {
    const stream = new PacketStream(socket)
    this.#connections.add(stream)
    try { await this.#converse(stream, local) } catch (error) {
      if (!(error instanceof UnixError || error instanceof ProcessKilled || (error as { code?: string }).code !== undefined)) throw error
    } finally {
      this.#connections.delete(stream)
      socket.destroy()
    }
  }

  #random(length: number): Uint8Array { return Uint8Array.from({ length }, () => 33 + this.#proc.random.int(94)) }

  async #converse(stream: PacketStream, local: boolean): Promise<void> {
    const instance = this.#instance
    const id = this.#nextId++
    const nonce = this.#random(20)
    instance.count('Connections')
    const { old, variables } = instance
    if (instance.sessions.size > Number(variables.get('max_connections'))) return stream.write(errorPacket(new SqlError(1040, 'Too many connections')))
    const capabilities = CAPABILITIES.longPassword | CAPABILITIES.foundRows | CAPABILITIES.longFlag | CAPABILITIES.connectWithDatabase | CAPABILITIES.protocol41 | CAPABILITIES.transactions | CAPABILITIES.secureConnection | CAPABILITIES.multiStatements | CAPABILITIES.multiResults | CAPABILITIES.pluginAuthentication
    await stream.write(new PacketWriter().int(10, 1).zeroText(this.#version).int(id, 4).bytes(nonce.subarray(0, 8)).int(0, 1).int(capabilities & 0xffff, 2).int(old ? 8 : 255, 1).int(STATUS.autocommit, 2).int(capabilities >>> 16, 2).int(21, 1).bytes(new Uint8Array(10)).bytes(nonce.subarray(8)).int(0, 1).zeroText(this.#plugin).packet)
    const hello = await stream.read()
    if (!hello || hello.length < 32) { instance.count('Aborted_connects'); return }
    const reader = new PacketReader(hello)
    const flags = reader.int(4)
    reader.bytes(28)
    const name = reader.zeroText()
    let answer = reader.bytes(reader.int(1)).slice()
    const database = flags & CAPABILITIES.connectWithDatabase ? reader.zeroText() : ''
    const plugin = flags & CAPABILITIES.pluginAuthentication ? reader.zeroText() : 'mysql_native_password'
    if (plugin !== this.#plugin) {
      await stream.write(new PacketWriter().int(0xfe, 1).zeroText(this.#plugin).bytes(nonce).int(0, 1).packet)
      const again = await stream.read()
      if (!again) return
      answer = again.slice()
    }
    const host = local ? 'localhost' : stream.socket.remote.ip
    const account = findAccount(instance.accounts, name, host)
    if (!account || !proves(this.#plugin, answer, account.password, nonce)) {
      instance.count('Aborted_connects')
      return stream.write(errorPacket(new SqlError(1045, `Access denied for user '${name}'@'${host}' (using password: ${answer.length > 0 ? 'YES' : 'NO'})`)))
    }
    const session = new Session(instance, id, account, `${name}@${host}`)
    instance.sessions.set(id, session)
    session.kill = () => stream.socket.destroy()
    session.shutdown = () => this.#stop()
    try {
      if (database !== '') session.use(database)
      if (!old && answer.length > 0) await stream.write(new PacketWriter().int(1, 1).int(3, 1).packet)
      await stream.write(okPacket(session, 0, 0n, ''))
      while (await this.#command(stream, session));
    } catch (error) {
      if (!(error instanceof SqlError)) throw error
      await stream.write(errorPacket(error))
    } finally {
      session.rollback()
      instance.sessions.delete(id)
    }
  }

  /** Answers one command; false when it was the last. */
  async #command(stream: PacketStream, session: Session): Promise<boolean> {
    const packet = await stream.read()
    if (!packet || packet[0] === COMMANDS.quit) return false
    const reader = new PacketReader(packet)
    const command = reader.int(1)
    this.#proc.useCpu(300_000)
    session.command = 'Query'
    session.sinceMs = this.#proc.clock.nowMs()
    try {
      if (command === COMMANDS.ping || command === COMMANDS.resetConnection) await stream.write(okPacket(session, 0, 0n, ''))
      else if (command === COMMANDS.useDatabase) { session.use(reader.rest()); await stream.write(okPacket(session, 0, 0n, '')) } else if (command === COMMANDS.statistics) {
        const status = new Map(statusRows(session))
        const uptime = Number(status.get('Uptime'))
        await stream.write(new PacketWriter().text(`Uptime: ${uptime}  Threads: ${session.instance.sessions.size}  Questions: ${status.get('Questions')}  Open tables: ${status.get('Open_tables')}  Queries per second avg: ${(Number(status.get('Questions')) / Math.max(1, uptime)).toFixed(3)}`).packet)
      } else if (command === COMMANDS.query) await this.#query(stream, session, reader.rest())
      else await stream.write(errorPacket(new SqlError(1047, 'Unknown command')))
    } catch (error) {
      if (!(error instanceof SqlError)) throw error
      await stream.write(errorPacket(error))
    }
    session.command = 'Sleep'
    session.state = ''
    session.info = null
    session.sinceMs = this.#proc.clock.nowMs()
    return true
  }

  async #query(stream: PacketStream, session: Session, sql: string): Promise<void> {
    session.info = sql
    const results: Result[] = []
    let failure: SqlError | undefined
    let isInterrupted = false
    const interrupted = new Promise<void>((resolve) => { session.killQuery = () => { isInterrupted = true; resolve() } })
    const run = session.execute(sql)
    // A statement that meets another transaction's rows waits for its end and begins again.
    let deadlineMs: number | undefined
    let pending = run
    for (;;) {
      try {
        const next = pending.next()
        if (next.done) break
        results.push(next.value)
        deadlineMs = undefined
      } catch (error) {
        if (error instanceof RowLocked) {
          deadlineMs ??= this.#proc.clock.nowMs() + LOCK_WAIT_MS
          const left = deadlineMs - this.#proc.clock.nowMs()
          if (left <= 0) { failure = new SqlError(1205, 'Lock wait timeout exceeded; try restarting transaction'); break }
          session.state = 'updating'
          await Promise.race([new Promise<void>((resolve) => error.holder.onEnd(resolve)), interrupted, this.#proc.sleep(left)])
          if (isInterrupted) { failure = new SqlError(1317, 'Query execution was interrupted'); break }
          pending = session.executeAfter(sql, results.length)
          continue
        }
        if (!(error instanceof SqlError)) throw error
        failure = error
        break
      }
    }
    if (session.sleepMs > 0) {
      session.state = 'User sleep'
      const ms = session.sleepMs
      session.sleepMs = 0
      await Promise.race([interrupted, this.#proc.sleep(ms)])
      if (isInterrupted) { results.pop(); failure = new SqlError(1317, 'Query execution was interrupted') }
    }
    session.killQuery = () => {}
    const count = results.length
    for (const [i, result] of results.entries()) {
      const more = i < count - 1 || failure ? STATUS.moreResults : 0
      if (result.kind === 'ok') await stream.write(okPacket(session, result.affected, result.insertId, result.info, result.warnings, more))
      else await this.#sendRows(stream, result.set, result.warnings, more)
    }
    if (failure) throw failure
  }

  async #sendRows(stream: PacketStream, set: ResultSet, warnings: number, more: number): Promise<void> {
    const { columns, rows } = set
    const packets = [new PacketWriter().lengthEncoded(columns.length).packet]
    columns.forEach((column, i) => {
      const type = column.type ? FIELD_TYPES[column.type.name] ?? VAR_STRING : inferredType(rows, i)
      packets.push(new PacketWriter().lengthEncodedText('def').lengthEncodedText(column.database ?? '').lengthEncodedText(column.table ?? '').lengthEncodedText(column.table ?? '').lengthEncodedText(column.name).lengthEncodedText(column.name).lengthEncoded(12).int(255, 2).int(1024, 4).int(type, 1).int(column.nullable ? 0 : NOT_NULL_FLAG, 2).int(type === 0xf6 ? column.type?.scale ?? 0 : 0, 1).int(0, 2).packet)
    })
    const end = new PacketWriter().int(0xfe, 1).int(warnings, 2).int(STATUS.autocommit | more, 2).packet
    await stream.write(...packets, end)
    let batch: Uint8Array[] = []
    for (const row of rows) {
      const packet = new PacketWriter()
      for (const value of row) { if (value === null) packet.int(0xfb, 1); else packet.lengthEncodedText(toText(value)) }
      batch.push(packet.packet)
      if (batch.length < 256) continue
      await stream.write(...batch)
      batch = []
      await this.#proc.clock.breathe()
    }
    await stream.write(...batch, end)
  }
}

/** The type of a computed column: what its values are. */
function inferredType(rows: readonly (readonly unknown[])[], column: number): number {
  let type: number | undefined
  for (const row of rows) {
    const value = row[column]
    if (value === null || value === undefined) continue
    const own = typeof value === 'bigint' ? FIELD_TYPES.bigint! : typeof value === 'number' ? FIELD_TYPES.double! : value instanceof Decimal ? FIELD_TYPES.decimal! : VAR_STRING
    if (own === VAR_STRING) return own
    type = type === undefined ? own : Math.max(type, own)
  }
  return type ?? VAR_STRING
}

function okPacket(session: Session, affected: number, insertId: bigint, info: string, warnings = 0, more = 0): Uint8Array {
  const writer = new PacketWriter().int(0, 1).lengthEncoded(affected).lengthEncoded(Number(insertId)).int((session.autocommit ? STATUS.autocommit : 0) | more, 2).int(warnings, 2)
  return info === '' ? writer.packet : writer.lengthEncodedText(info).packet
}

function errorPacket(error: SqlError): Uint8Array {
  return new PacketWriter().int(0xff, 1).int(error.code, 2).text(`#${error.state}${error.message}`).packet
}
