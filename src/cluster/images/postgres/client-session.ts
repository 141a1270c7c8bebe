import { concatBytes } from '../../../base/streams.ts'
import type { Proc } from '../../../unix/types.ts'
import { EngineCrashed, SessionState } from './engine-turns.ts'
import type { EngineTurns } from './engine-turns.ts'
import { BodyReader, BodyWriter, MessageStream, message, messagesOf, reportMessage, textMessage } from './protocol.ts'
import type { Message, Report } from './protocol.ts'
import { literal, quoted } from './sql-text.ts'

/** Settings that clients are told of when they change. */
const REPORTED = ['application_name', 'client_encoding', 'DateStyle', 'default_transaction_read_only', 'in_hot_standby', 'integer_datetimes', 'IntervalStyle', 'is_superuser', 'search_path', 'server_encoding', 'server_version', 'session_authorization', 'standard_conforming_strings', 'TimeZone']
const COPY_IN = /\bcopy\b[\s\S]*\bfrom\s+stdin\b/i
const CHANGES_SETTINGS = /^(?:SET|RESET|DISCARD ALL|DO|CALL)$/
const CHANGES_CATALOG = /ROLE|DATABASE|^DO$|^CALL$/
/** Of the engine's work: a question, and a byte of its answer, in nanoseconds of a core. */
const QUESTION_NS = 400_000
const BYTE_NS = 20
const WRITE_BYTES = 64 * 1024

class CancelledError extends Error {}

/** A client that has proven who it is: what it asks goes to the engine when it is its turn. */
export class ClientSession {
  readonly pid: number
  readonly secret: number
  readonly user: string
  readonly database: string
  readonly state: SessionState
  readonly channels = new Set<string>()
  readonly #proc: Proc
  readonly #stream: MessageStream
  readonly #turns: EngineTurns
  readonly #serverVersion: string
  readonly #notify: (channel: string, note: Uint8Array, from: ClientSession) => void
  readonly #log: (line: string) => void
  #status = 'I'
  #hasTurn = false
  #reported = new Map<string, string>()
  #cancel: () => void = () => {}
  #ended: Report | undefined

  constructor(options: { proc: Proc; stream: MessageStream; turns: EngineTurns; pid: number; user: string; database: string; serverVersion: string; notify: (channel: string, note: Uint8Array, from: ClientSession) => void; log: (line: string) => void }) {
    this.#proc = options.proc
    this.#stream = options.stream
    this.#turns = options.turns
    this.#serverVersion = options.serverVersion
    this.#notify = options.notify
    this.#log = options.log
    this.pid = options.pid
    this.user = options.user
    this.database = options.database
    this.secret = options.proc.random.uint32()
    this.state = new SessionState(options.user, options.database)
  }

  /** Ends what the client waits for. */
  cancel(): void { this.#cancel() }

  /** Tells the client that the server ends it, and hangs up. */
  async end(report: Report): Promise<void> {
    this.#ended = report
    await this.#stream.write(reportMessage('E', report)).catch(() => {})
    this.#stream.socket.destroy()
  }

  /** Passes on what another session notified. */
  async notified(note: Uint8Array): Promise<void> { if (this.#status === 'I') await this.#stream.write(note).catch(() => {}) }

  #cancellation(): Promise<void> { return new Promise((resolve) => { this.#cancel = resolve }) }

  /** @throws CancelledError */
  async #enter(): Promise<void> {
    if (!this.#hasTurn) {
      if (!await this.#turns.take(this.#cancellation())) throw new CancelledError()
      this.#hasTurn = true
    }
    this.#turns.pid = this.pid
    await this.#turns.enter(this.state)
  }

  #leave(): void {
    if (!this.#hasTurn) return
    this.#hasTurn = false
    this.#turns.release()
  }

  /** What a session begins with: rights on the database, settings of role and database and of the client. @returns why it may not */
  async begin(parameters: ReadonlyMap<string, string>): Promise<Report | undefined> {
    try {
      if (!await this.#turns.take(new Promise(() => {}))) return undefined
      this.#hasTurn = true
      await this.#turns.enter(this.state)
      const [[may] = []] = await this.#turns.ask(`select has_database_privilege(current_database(), 'connect')`)
      if (may !== 't') return { severity: 'FATAL', code: '42501', message: `permission denied for database "${this.database}"`, detail: 'User does not have CONNECT privilege.' }
      const stored = await this.#turns.ask(`select unnest(setconfig) from pg_db_role_setting where setdatabase in (0, (select oid from pg_database where datname = current_database())) and setrole in (0, (select oid from pg_roles where rolname = session_user)) order by setrole <> 0, setdatabase <> 0`)
      const settings = new Map(stored.map(([each]) => [each!.slice(0, each!.indexOf('=')), each!.slice(each!.indexOf('=') + 1)]))
      for (const [name, value] of parameters) settings.set(name, value)
      for (const [name, value] of settings) {
        try { await this.#turns.ask(`select set_config(${literal(name)}, ${literal(value)}, false)`) } catch (error) {
          if (parameters.has(name)) return { severity: 'FATAL', code: '22023', message: (error as Error).message }
        }
      }
      this.state.changed = true
      const messages = (await this.#changedSettings()).concat(message('K', new BodyWriter().int(this.pid, 4).int(this.secret, 4).body), message('Z', new TextEncoder().encode('I')))
      await this.#stream.write(...messages)
      return undefined
    } finally { this.#leave() }
  }

  async #changedSettings(): Promise<Uint8Array[]> {
    const out: Uint8Array[] = []
    const values = new Map((await this.#turns.ask(`select name, setting from pg_settings where name in (${REPORTED.map((name) => `'${name}'`).join(', ')})`)).map(([name, value]) => [name!, value!]))
    values.set('server_version', this.#serverVersion)
    values.set('session_authorization', this.user)
    values.set('is_superuser', this.#turns.roles.get(this.user)?.superuser ? 'on' : 'off')
    for (const name of REPORTED) {
      const value = values.get(name)
      if (value === undefined || this.#reported.get(name) === value) continue
      this.#reported.set(name, value)
      out.push(message('S', new BodyWriter().text(name).text(value).body))
    }
    return out
  }

  /** Serves the client until it goes. */
  async serve(): Promise<void> {
    let pending: Message[] = []
    try {
      for (let next = await this.#stream.read(); next && next.type !== 'X'; next = await this.#stream.read()) {
        if (next.type === 'Q') { await this.#query(next); continue }
        if (next.type === 'd' || next.type === 'c' || next.type === 'f') continue
        pending.push(next)
        if (next.type !== 'S' && next.type !== 'H') continue
        const unit = pending
        pending = []
        await this.#answer(() => this.#extended(unit), next.type === 'S')
      }
    } finally { await this.#close() }
  }

  async #close(): Promise<void> {
    if (this.#ended && !this.#hasTurn) return
    if (!this.#hasTurn) {
      if (this.state.known.size === 0 && !this.state.hasTemporary && this.channels.size === 0) return
      await this.#turns.take(new Promise(() => {}))
      this.#hasTurn = true
    }
    try { await this.#turns.forget(this.state, this.#status !== 'I') } catch (error) { if (!(error instanceof EngineCrashed)) this.#log(`WARNING:  ${(error as Error).message}`) } finally { this.#leave() }
  }

  /** Lets the engine answer; the turn ends where no transaction is left open. `complete`: the client waits for ReadyForQuery. */
  async #answer(work: () => Promise<Uint8Array[]>, complete: boolean): Promise<void> {
    let out: Uint8Array[]
    try {
      await this.#enter()
      out = await work()
    } catch (error) {
      if (error instanceof CancelledError) {
        const report = { severity: 'ERROR', code: '57014', message: 'canceling statement due to user request' }
        this.#log(`ERROR:  ${report.message}`)
        await this.#stream.write(reportMessage('E', report), ...(complete ? [message('Z', new TextEncoder().encode(this.#status))] : []))
        return
      }
      this.#leave()
      if (!(error instanceof EngineCrashed)) throw error
      await this.end({ severity: 'FATAL', code: '57P02', message: 'terminating connection because of crash of another server process' })
      throw error
    }
    const bytes = out.reduce((sum, each) => sum + each.length, 0)
    this.#proc.useCpu(QUESTION_NS + bytes * BYTE_NS)
    const aheadMs = this.#turns.takeAheadMs()
    if (complete && this.#status === 'I') this.#leave()
    if (aheadMs >= 1) {
      let cancelled = false
      await Promise.race([this.#proc.sleep(aheadMs), this.#cancellation().then(() => { cancelled = true })])
      if (cancelled) {
        this.#log('ERROR:  canceling statement due to user request')
        out = [reportMessage('E', { severity: 'ERROR', code: '57014', message: 'canceling statement due to user request' }), message('Z', new TextEncoder().encode(this.#status))]
      }
    }
    this.#cancel = () => {}
    let batch: Uint8Array[] = []
    let size = 0
    for (const each of out) {
      batch.push(each)
      size += each.length
      if (size < WRITE_BYTES) continue
      await this.#stream.write(...batch)
      batch = []
      size = 0
      await this.#proc.clock.breathe()
    }
    await this.#stream.write(...batch)
  }

  async #query(query: Message): Promise<void> {
    const text = new BodyReader(query.body).text()
    if (COPY_IN.test(text)) {
      const asked = await this.#copyIn(query, text)
      if (asked) return
    }
    await this.#answer(async () => this.#received(await this.#turns.run(message('Q', query.body)), text), true)
  }

  /**
   * COPY FROM STDIN: the engine wants the data together with the statement, the client sends it when it was asked for it. So the statement is tried without data first, which undoes
   * itself; what the engine asks for is passed on.
   */
  async #copyIn(query: Message, text: string): Promise<boolean> {
    let request: Uint8Array | undefined
    const inside = this.#status === 'T'
    try {
      await this.#enter()
      if (inside) await this.#turns.ask('savepoint drydock_copy')
      try { for (const each of messagesOf(await this.#quietly(concatBytes([message('Q', query.body), textMessage('f', 'not yet')])))) if (each.type === 'G') request = message('G', each.body) } finally { if (inside) await this.#turns.ask('rollback to savepoint drydock_copy; release savepoint drydock_copy') }
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error
    }
    if (!request) return false
    // The data may come from another client, which needs the engine to give it: psql -c 'copy a to stdout' | psql -c 'copy b from stdin'.
    if (!inside) this.#leave()
    await this.#stream.write(request)
    const data: Uint8Array[] = []
    for (let next = await this.#stream.read(); next; next = await this.#stream.read()) {
      if (next.type === 'H' || next.type === 'S') continue
      data.push(message(next.type, next.body))
      if (next.type !== 'c' && next.type !== 'f') continue
      await this.#answer(async () => (await this.#received(await this.#turns.run(concatBytes([message('Q', query.body), ...data])), text)).filter((each) => each[0] !== 0x47), true)
      return true
    }
    // A client that goes before the end of its data has copied nothing.
    return true
  }

  async #quietly(messages: Uint8Array): Promise<Uint8Array> {
    const { pid } = this.#turns
    this.#turns.pid = -1
    try { return await this.#turns.run(messages) } finally { this.#turns.pid = pid }
  }

  /** Names of prepared statements and portals are each session's own. */
  #ownName(name: string): string { return name === '' ? '' : `${this.pid}_${name}` }

  async #extended(unit: readonly Message[]): Promise<Uint8Array[]> {
    const { prepared, known } = this.state
    const messages: Uint8Array[] = []
    let extra = 0
    let text = ''
    const need = (name: string) => {
      const made = prepared.get(name)
      if (known.has(name) || !made) return
      messages.push(made)
      known.add(name)
      extra++
    }
    for (const { type, body } of unit) {
      const reader = new BodyReader(body)
      if (type === 'P') {
        const name = this.#ownName(reader.text())
        const rest = reader.rest()
        const parse = message('P', new BodyWriter().text(name).bytes(rest).body)
        text += `${new BodyReader(rest).text()}\n`
        prepared.set(name, parse)
        known.add(name)
        messages.push(parse)
      } else if (type === 'B') {
        const portal = reader.text()
        const name = this.#ownName(reader.text())
        need(name)
        messages.push(message('B', new BodyWriter().text(this.#ownName(portal)).text(name).bytes(reader.rest()).body))
      } else if (type === 'D' || type === 'C') {
        const kind = reader.int8()
        const name = this.#ownName(reader.text())
        if (kind === 0x53 && type === 'D') need(name)
        if (kind === 0x53 && type === 'C') { prepared.delete(name); known.delete(name) }
        messages.push(message(type, new BodyWriter().int(kind, 1).text(name).body))
      } else if (type === 'E') messages.push(message('E', new BodyWriter().text(this.#ownName(reader.text())).bytes(reader.rest()).body))
      else messages.push(message(type, body))
    }
    const out = await this.#received(await this.#turns.run(concatBytes(messages)), text)
    // What was made anew for the engine nobody waits to hear of.
    return out.filter((each) => each[0] !== 0x31 || extra-- <= 0)
  }

  /** What the engine said, as the client gets it. */
  async #received(data: Uint8Array, text: string): Promise<Uint8Array[]> {
    const out: Uint8Array[] = []
    let changesSettings = /set_config|session\s+authorization/i.test(text)
    let changesCatalog = /pg_authid|pg_database/i.test(text)
    for (const { type, body } of messagesOf(data)) {
      if (type === 'S') continue
      if (type === 'C') {
        const tag = new BodyReader(body).text()
        if (CHANGES_SETTINGS.test(tag)) changesSettings = true
        if (CHANGES_CATALOG.test(tag)) changesCatalog = true
        if (/^(?:CREATE|SELECT)/.test(tag) && /\btemp(?:orary)?\b/i.test(text)) this.state.hasTemporary = true
        if (tag === 'LISTEN') for (const [, quotedName, name] of text.matchAll(/\blisten\s+(?:"([^"]+)"|(\w+))/gi)) this.channels.add(quotedName ?? name!.toLowerCase())
        if (tag === 'UNLISTEN') { if (/\bunlisten\s+\*/i.test(text)) this.channels.clear(); else for (const [, quotedName, name] of text.matchAll(/\bunlisten\s+(?:"([^"]+)"|(\w+))/gi)) this.channels.delete(quotedName ?? name!.toLowerCase()) }
      }
      if (type === 'A') {
        const reader = new BodyReader(body)
        reader.int32()
        const channel = reader.text()
        const note = message('A', new BodyWriter().int(this.pid, 4).bytes(body.subarray(4)).body)
        this.#notify(channel, note, this)
        if (this.channels.has(channel)) out.push(note)
        continue
      }
      if (type === 'Z') {
        this.#status = String.fromCharCode(body[0]!)
        if (this.#status === 'I') {
          if (changesSettings) {
            this.state.changed = true
            // The engine's own user is behind every session, so that nobody may get back to it.
            if (/session\s+authorization|discard\s+all/i.test(text) && !this.#turns.roles.get(this.user)?.superuser) await this.#turns.ask(`set session authorization ${quoted(this.user)}`)
            out.push(...await this.#changedSettings())
          }
          if (changesCatalog) {
            const [[current] = []] = await this.#turns.ask('select current_user')
            await this.#turns.ask('reset session authorization')
            await this.#turns.readCatalog()
            await this.#turns.ask(`set session authorization ${quoted(this.user)}${current && current !== this.user ? `; set role ${quoted(current)}` : ''}`)
          }
        } else if (changesSettings) this.state.changed = true
      }
      out.push(message(type, body))
    }
    return out
  }
}
