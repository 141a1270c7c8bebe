import type { Proc } from '../../../unix/types.ts'
import { Engine, EngineCrashed } from './engine.ts'
import type { EngineOptions } from './engine.ts'
import { concatBytes } from '../../../base/streams.ts'
import { FIRST_START } from './initdb.ts'
import { literal, quoted } from './sql-text.ts'
import { messagesOf, readReport, readRow, textMessage } from './protocol.ts'

export interface Role { name: string; superuser: boolean; login: boolean; connectionLimit: number; password: string | undefined; groups: readonly string[] }
export interface Database { name: string; allowsConnections: boolean; connectionLimit: number }

/** What the engine must be told when it goes on with another client's session. */
export class SessionState {
  readonly user: string
  readonly database: string
  /** Settings that differ from the server's. */
  settings = new Map<string, string>()
  /** Settings may have changed since they were looked at. */
  changed = false
  /** Prepared statements of the protocol: how they were made. The one without a name is here as the last one was. */
  readonly prepared = new Map<string, Uint8Array>()
  /** Those that the engine has. */
  readonly known = new Set<string>()
  /** The engine that knows them. */
  engine: Engine | undefined
  hasTemporary = false

  constructor(user: string, database: string) {
    this.user = user
    this.database = database
  }
}

/** Which database was open: the next server begins with it, and mostly needs no other. */
const LAST_DATABASE = 'base/last-database'

const CATALOG = `select r.rolname, r.rolsuper, r.rolcanlogin, r.rolconnlimit, r.rolpassword, array_to_string(array(select g.rolname from pg_auth_members m join pg_authid g on g.oid = m.roleid where m.member = r.oid), ',') from pg_authid r`

/**
 * The one engine of a server, and whose turn it is: it works for one session at a time, and from the begin of a transaction to its end for no other. It is connected to one
 * database; for a session of another one it closes that and opens the other.
 */
export class EngineTurns {
  readonly #proc: Proc
  readonly #options: Omit<EngineOptions, 'database' | 'log' | 'clock' | 'random' | 'fs'>
  readonly #log: (line: string, pid: number) => void
  #engine: Engine | undefined
  /** Whom the engine worked for last: its settings are in force. */
  #last: SessionState | undefined
  #busy = false
  readonly #waiting: (() => void)[] = []
  /** Its own questions aren't logged. */
  #quiet = false
  /** Whose messages the engine logs. */
  pid = 0
  roles = new Map<string, Role>()
  databases = new Map<string, Database>()

  constructor(proc: Proc, options: Omit<EngineOptions, 'database' | 'log' | 'clock' | 'random' | 'fs'>, log: (line: string, pid: number) => void) {
    this.#proc = proc
    this.#options = options
    this.#log = log
  }

  /** Opens the cluster for the first time. `onStart` gets what the engine says about it. @throws Error */
  async open(onStart: (line: string) => void): Promise<void> {
    const { fs } = this.#proc
    const last = `${this.#options.directory}/${LAST_DATABASE}`
    const first = `${this.#options.directory}/${FIRST_START}`
    // What initdb made was never in use; the engine only knows how it was packed.
    const isNew = fs.exists(first)
    if (isNew) onStart(`LOG:  database system was shut down at ${new Date(Math.floor(this.#proc.clock.nowMs())).toISOString().slice(0, 19).replace('T', ' ')} UTC`)
    const say = (line: string) => { if (!isNew || !line.startsWith('LOG:')) onStart(line) }
    try { await this.#open(fs.exists(last) ? fs.readText(last) : 'postgres', say) } catch (error) {
      // It may be gone, the others are not.
      if (!fs.exists(last)) throw error
      fs.remove(last)
      await this.#open('postgres', say)
    }
    if (isNew) {
      for (const statement of fs.readText(first).split('\n').filter(Boolean)) await this.ask(statement)
      fs.remove(first)
    }
    await this.readCatalog()
  }

  async #open(database: string, onStart: (line: string) => void): Promise<void> {
    let starting = true
    const { clock, random, fs } = this.#proc
    this.#engine = await this.#real(() => Engine.open({
      ...this.#options, database, clock, random, fs,
      log: (line) => { if (starting) onStart(line); else if (!this.#quiet) this.#log(line, this.pid) },
    }))
    starting = false
    this.#last = undefined
    this.#engine.takeAheadMs()
  }

  /** Work that keeps the event loop: it counts as under way until others have had a turn, so that a stepped clock doesn't take what follows for rest. */
  #real<T>(work: () => Promise<T>): Promise<T> {
    const { clock } = this.#proc
    return clock.outside((async () => { try { return await work() } finally { await clock.breathe() } })())
  }

  /** Who may connect, and to what. */
  async readCatalog(): Promise<void> {
    const roles = await this.ask(CATALOG)
    this.roles = new Map(roles.map(([name, superuser, login, limit, password, groups]) => [name!, { name: name!, superuser: superuser === 't', login: login === 't', connectionLimit: Number(limit), password: password ?? undefined, groups: groups ? groups.split(',') : [] }]))
    this.databases = new Map((await this.ask('select datname, datallowconn, datconnlimit from pg_database')).map(([name, allows, limit]) => [name!, { name: name!, allowsConnections: allows === 't', connectionLimit: Number(limit) }]))
  }

  /** Waits for the engine. What {@link cancel} is given ends the waiting. @returns whether it may be used */
  async take(cancelled: Promise<void>): Promise<boolean> {
    if (!this.#busy) { this.#busy = true; return true }
    let go!: () => void
    const mine = new Promise<void>((resolve) => { go = resolve })
    this.#waiting.push(go)
    let gaveUp = false
    await Promise.race([mine, cancelled.then(() => { gaveUp = this.#waiting.includes(go) })])
    if (!gaveUp) return true
    this.#waiting.splice(this.#waiting.indexOf(go), 1)
    return false
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#busy = false
  }

  /** Rows of a question of the server's own, asked with all rights. @throws Error */
  async ask(sql: string): Promise<(string | null)[][]> {
    this.#quiet = true
    try {
      const rows: (string | null)[][] = []
      for (const { type, body } of messagesOf(concatBytes(await this.#real(() => this.#engine!.run(textMessage('Q', sql)))))) {
        if (type === 'D') rows.push(readRow(body))
        if (type === 'E') throw new Error(readReport(body).message)
      }
      return rows
    } finally { this.#quiet = false }
  }

  /** Makes the engine be what a session left: its database, its user, its settings. The caller has the turn. @throws EngineCrashed */
  async enter(session: SessionState): Promise<void> {
    if (this.#engine && this.#last === session && this.#engine === session.engine) return
    await this.#leave()
    if (this.#engine?.database !== session.database) {
      await this.#close()
      await this.#open(session.database, () => {})
    }
    if (session.engine !== this.#engine) { session.known.clear(); session.engine = this.#engine }
    const role = session.settings.get('role')
    const settings = [...session.settings].filter(([name]) => name !== 'role').map(([name, value]) => `set_config(${literal(name)}, ${literal(value)}, false)`)
    await this.ask(`reset all; reset session authorization; ${settings.length > 0 ? `select ${settings.join(', ')}; ` : ''}set session authorization ${quoted(session.user)}${role && role !== 'none' ? `; set role ${quoted(role)}` : ''}`)
    this.#last = session
  }

  /** Looks at what the last session set. */
  async #leave(): Promise<void> {
    const last = this.#last
    this.#last = undefined
    if (!last || !this.#engine || last.engine !== this.#engine) return
    if (last.changed) await this.#save(last)
    // Each session has its own statement without a name.
    last.known.delete('')
    await this.ask('reset session authorization')
  }

  async #save(session: SessionState): Promise<void> {
    session.changed = false
    session.settings = new Map((await this.ask("select name, setting from pg_settings where source = 'session' and name not in ('session_authorization', 'transaction_isolation', 'transaction_read_only', 'transaction_deferrable')")).map(([name, value]) => [name!, value!]))
  }

  /** Runs a client's messages, whose session the engine has entered. @throws EngineCrashed */
  async run(messages: Uint8Array): Promise<Uint8Array> {
    try { return concatBytes(await this.#real(() => this.#engine!.run(messages))) } catch (error) {
      if (error instanceof EngineCrashed) { this.#engine = undefined; this.#last = undefined }
      throw error
    }
  }

  takeAheadMs(): number { return this.#engine?.takeAheadMs() ?? 0 }

  /** Forgets what a session had: its transaction, its prepared statements, its temporary tables. The caller has the turn. */
  async forget(session: SessionState, inTransaction: boolean): Promise<void> {
    if (!this.#engine || session.engine !== this.#engine) return
    if (inTransaction) await this.ask('rollback')
    if (this.#last !== session && !session.hasTemporary && session.known.size === 0) return
    const names = [...session.known].filter((name) => name !== '')
    await this.ask(`reset session authorization; ${names.map((name) => `deallocate ${quoted(name)}; `).join('')}unlisten *; select pg_advisory_unlock_all()`)
    if (session.hasTemporary) await this.ask('discard temp')
    if (this.#last === session) this.#last = undefined
  }

  async #close(): Promise<void> {
    const engine = this.#engine
    this.#engine = undefined
    this.#last = undefined
    if (!engine) return
    this.#quiet = true
    try { await this.#real(() => engine.close()) } finally { this.#quiet = false }
    this.#proc.fs.writeFile(`${this.#options.directory}/${LAST_DATABASE}`, engine.database, { mode: 0o600 })
  }

  /** Writes everything and ends. */
  async close(): Promise<void> {
    const engine = this.#engine
    if (engine && this.#last) { this.#quiet = true; await this.ask('rollback').catch(() => {}) }
    await this.#close()
  }
}

export { EngineCrashed }
