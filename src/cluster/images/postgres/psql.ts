import { readAll, readLines } from '../../../base/streams.ts'
import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { ClientConnection, ConnectError, ConnectionLost, SOCKET_DIRECTORY } from './client-connection.ts'
import type { Answer } from './client-connection.ts'
import { CONNECTION_OPTIONS, connectionOptions, parseConnectionString, readArguments } from './client-options.ts'
import type { ConnectionWords } from './client-options.ts'
import type { Report } from './protocol.ts'
import { describe } from './psql-describe.ts'
import { COMMANDS, HELP } from './psql-help.ts'
import { isBlank, scan } from './psql-scan.ts'
import type { Prompt } from './psql-scan.ts'
import { drawTable, isRightAligned } from './psql-table.ts'
import type { Table, TableLook } from './psql-table.ts'
import { majorOf, releaseText } from './release.ts'

const OPTIONS = {
  ...CONNECTION_OPTIONS, dbname: { letter: 'd', value: true }, command: { letter: 'c', value: true }, file: { letter: 'f', value: true }, list: { letter: 'l' }, 'tuples-only': { letter: 't' }, 'no-align': { letter: 'A' }, expanded: { letter: 'x' }, 'no-psqlrc': { letter: 'X' }, set: { letter: 'v', value: true }, variable: { value: true }, quiet: { letter: 'q' }, 'single-transaction': { letter: '1' },
  'field-separator': { letter: 'F', value: true }, 'record-separator': { letter: 'R', value: true }, pset: { letter: 'P', value: true }, csv: {}, html: { letter: 'H' }, output: { letter: 'o', value: true }, 'echo-all': { letter: 'a' }, 'echo-queries': { letter: 'e' }, 'echo-errors': { letter: 'b' }, 'echo-hidden': { letter: 'E' }, 'no-readline': { letter: 'n' }, 'single-line': { letter: 'S' }, 'single-step': { letter: 's' }, 'log-file': { letter: 'L', value: true }, 'field-separator-zero': { letter: 'z' }, 'record-separator-zero': { letter: '0' },
}

/** `psql`, of one version. */
export async function psql(proc: Proc, version: string): Promise<number> {
  const args = readArguments('psql', proc.argv.slice(1), OPTIONS)
  if (typeof args === 'string') { await proc.stderr.write(args); return 1 }
  const words: ConnectionWords = {}
  const actions: ['command' | 'file' | 'list', string][] = []
  const terminal = new Psql(proc, version)
  let force = false
  let never = false
  for (const [name, value] of args.options) {
    if (name === 'version') { await proc.stdout.write(`psql (PostgreSQL) ${releaseText(proc, version)}\n`); return 0 }
    if (name === 'help') { await proc.stdout.write(HELP); return 0 }
    if (name === 'host') words.host = value
    else if (name === 'port') words.port = value
    else if (name === 'username') words.user = value
    else if (name === 'dbname') Object.assign(words, parseConnectionString(value) ?? { dbname: value })
    else if (name === 'password') force = true
    else if (name === 'no-password') never = true
    else if (name === 'command' || name === 'file' || name === 'list') actions.push([name, value])
    else if (!terminal.option(name, value)) { await proc.stderr.write(`psql: error: could not set printing parameter "${value.split('=')[0]}"\n`); return 1 }
  }
  if (args.rest[0] !== undefined && words.dbname === undefined) Object.assign(words, parseConnectionString(args.rest[0]) ?? { dbname: args.rest[0] })
  if (args.rest[1] !== undefined && words.user === undefined) words.user = args.rest[1]
  for (const extra of args.rest.slice(2)) await proc.stderr.write(`psql: warning: extra command-line argument "${extra}" ignored\n`)
  if (actions.some(([kind]) => kind === 'list') && words.dbname === undefined && !proc.env.PGDATABASE) words.dbname = 'postgres'
  return terminal.run(words, actions, { force, never })
}


class Psql {
  readonly #proc: Proc
  readonly #version: string
  readonly #variables = new Map<string, string>([['AUTOCOMMIT', 'on'], ['QUIET', 'off'], ['ON_ERROR_STOP', 'off'], ['ON_ERROR_ROLLBACK', 'off'], ['ECHO', 'none'], ['VERBOSITY', 'default'], ['FETCH_COUNT', '0']])
  readonly #look: TableLook = { format: 'aligned', border: 1, expanded: 'off', tuplesOnly: false, null: '', fieldSeparator: '|', recordSeparator: '\n', footer: true }
  #client!: ClientConnection
  #timing = false
  #out: string | undefined
  /** What errors begin with: file and line of a script. */
  #where = ''
  #buffer = ''
  #last = ''
  #hasFailed = false
  /** Nested \if: whether the present branch is carried out, and whether one already was. */
  readonly #branches: { active: boolean; done: boolean }[] = []
  #isInteractive = false
  #singleTransaction = false

  constructor(proc: Proc, version: string) {
    this.#proc = proc
    this.#version = version
  }

  option(name: string, value: string): boolean {
    const look = this.#look
    switch (name) {
      case 'tuples-only': look.tuplesOnly = true; break
      case 'no-align': look.format = 'unaligned'; break
      case 'csv': look.format = 'csv'; look.fieldSeparator = ','; break
      case 'expanded': look.expanded = 'on'; break
      case 'quiet': this.#variables.set('QUIET', 'on'); break
      case 'field-separator': look.fieldSeparator = value; break
      case 'record-separator': look.recordSeparator = value; break
      case 'field-separator-zero': look.fieldSeparator = '\0'; break
      case 'record-separator-zero': look.recordSeparator = '\0'; break
      case 'single-transaction': this.#singleTransaction = true; break
      case 'output': this.#out = value; break
      case 'echo-all': this.#variables.set('ECHO', 'all'); break
      case 'echo-queries': this.#variables.set('ECHO', 'queries'); break
      case 'set': case 'variable': { const at = value.indexOf('='); if (at < 0) this.#variables.delete(value); else this.#variables.set(value.slice(0, at), value.slice(at + 1)); break }
      case 'pset': { const [key, ...rest] = value.split('='); return this.#pset(key!, rest.length > 0 ? rest.join('=') : undefined) !== undefined }
      default:
    }
    return true
  }

  #isOn(name: string): boolean { return /^(?:on|true|yes|1|t|y)$/i.test(this.#variables.get(name) ?? '') || (name === 'ON_ERROR_STOP' && this.#variables.get(name) === '') }

  async #print(text: string): Promise<void> {
    if (this.#out === undefined) await this.#proc.stdout.write(text)
    else this.#proc.fs.writeFile(this.#proc.resolve(this.#out), text, { append: true })
  }

  async #complain(text: string): Promise<void> { await this.#proc.stderr.write(`${this.#where}${text}\n`) }

  async #askPassword(user: string): Promise<string | undefined> {
    const { tty } = this.#proc
    if (!tty) return undefined
    await tty.stdout.write(`Password for user ${user}: `)
    tty.setRaw(true)
    let text = ''
    try {
      for (let chunk = await tty.stdin.read(); chunk; chunk = await tty.stdin.read()) {
        for (const char of new TextDecoder().decode(chunk)) {
          if (char === '\r' || char === '\n') { await tty.stdout.write('\r\n'); return text }
          if (char === '\x03') { await tty.stdout.write('\r\n'); return this.#proc.exit(130) }
          if (char === '\x7f') text = text.slice(0, -1)
          else text += char
        }
      }
    } finally { tty.setRaw(false) }
    return text
  }

  /** @throws ConnectError */
  async #connect(words: ConnectionWords, { force, never }: { force: boolean; never: boolean }): Promise<ClientConnection> {
    const options = connectionOptions(this.#proc, words, 'psql')
    if (force) options.password = await this.#askPassword(options.user) ?? options.password
    try { return await ClientConnection.open(this.#proc, options) } catch (error) {
      if (!(error instanceof ConnectError) || !error.needsPassword || never || force) throw error
      const password = await this.#askPassword(options.user)
      if (password === undefined) throw error
      return ClientConnection.open(this.#proc, { ...options, password })
    }
  }

  async run(words: ConnectionWords, actions: readonly (['command' | 'file' | 'list', string])[], passwords: { force: boolean; never: boolean }): Promise<number> {
    const proc = this.#proc
    try { this.#client = await this.#connect(words, passwords) } catch (error) {
      if (!(error instanceof ConnectError)) throw error
      await proc.stderr.write(`psql: error: ${error.message}\n`)
      return 2
    }
    const stop = proc.onSignal('SIGINT', () => { if (this.#running) void this.#client.cancel(); else { this.#buffer = ''; this.#proc.clock.after(0, () => { void proc.stdout.write(`\n${this.#isInteractive ? this.#prompt('=') : ''}`).catch(() => {}) }); if (!this.#isInteractive) this.#interrupt() } })
    try {
      if (actions.length > 0) return await this.#actions(actions)
      if (proc.isTty(0) && proc.isTty(1)) return await this.#converse()
      if (this.#singleTransaction) await this.#send('BEGIN')
      const code = await this.#script(await readAll(proc.stdin), '')
      if (this.#singleTransaction && code === 0) await this.#send('COMMIT')
      return code
    } catch (error) {
      if (error instanceof ConnectionLost) {
        await this.#complain('server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n\tbefore or while processing the request.')
        await proc.stderr.write('connection to server was lost\n')
        return 2
      }
      throw error
    } finally { stop(); await this.#client.close() }
  }

  #running = false
  #interrupt: () => void = () => { this.#proc.exit(130) }

  async #actions(actions: readonly (['command' | 'file' | 'list', string])[]): Promise<number> {
    if (this.#singleTransaction) await this.#send('BEGIN')
    let code = 0
    for (const [kind, value] of actions) {
      if (kind === 'list') { await this.#meta('l', ''); return 0 }
      if (kind === 'file') {
        code = await this.#file(value, true)
      } else if (value.startsWith('\\')) {
        const [, name, rest] = /^\\([a-zA-Z?!+]+|\S)([\s\S]*)$/.exec(value) ?? []
        const result = await this.#meta(name ?? '', (rest ?? '').trim())
        code = result.failed ? 1 : 0
      } else {
        const ok = await this.#send(value.replace(/;?\s*$/, ';'))
        code = ok ? 0 : 1
      }
      if (code !== 0 && (this.#isOn('ON_ERROR_STOP') || kind === 'file')) break
    }
    if (this.#singleTransaction && (code === 0 || !this.#isOn('ON_ERROR_STOP'))) await this.#send(code === 0 ? 'COMMIT' : 'ROLLBACK')
    return code
  }

  async #file(path: string, named: boolean): Promise<number> {
    let data: Uint8Array
    try { data = path === '-' ? await readAll(this.#proc.stdin) : this.#proc.fs.readFile(this.#proc.resolve(path)) } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await this.#complain(`${named ? 'psql: error: ' : ''}${path}: ${errorText(error)}`)
      return 1
    }
    return this.#script(data, path === '-' ? '<stdin>' : path)
  }

  /** Carries a script out. `name`: what errors are marked with. @returns 3 where one ended it */
  async #script(data: Uint8Array, name: string): Promise<number> {
    const outer = this.#where
    const lines = new TextDecoder().decode(data).replaceAll('\r\n', '\n').split('\n')
    if (lines.at(-1) === '') lines.pop()
    const kept = this.#buffer
    this.#buffer = ''
    try {
      for (let i = 0; i < lines.length; i++) {
        this.#where = name === '' ? '' : `psql:${name}:${i + 1}: `
        this.#input = { name, lines, at: i }
        const result = await this.#line(lines[i]!)
        i = this.#input.at
        if (result === 'quit') return 0
        if (this.#hasFailed && this.#isOn('ON_ERROR_STOP')) return 3
        await this.#proc.clock.breathe()
      }
      this.#input = undefined
      if (!isBlank(this.#buffer)) {
        await this.#send(this.#buffer)
        if (this.#hasFailed && this.#isOn('ON_ERROR_STOP')) return 3
      }
      return 0
    } finally { this.#where = outer; this.#buffer = kept; this.#input = undefined }
  }

  /** Where COPY FROM STDIN reads on. */
  #input: { name: string; lines: string[]; at: number } | undefined

  #prompt(inside: Prompt): string {
    const { status, options, parameters } = this.#client
    const sign = parameters.get('is_superuser') === 'on' ? '#' : '>'
    return `${options.database}${inside}${status === 'T' ? '*' : status === 'E' ? '!' : ''}${sign} `
  }

  async #converse(): Promise<number> {
    const { stdout, stdin } = this.#proc
    this.#isInteractive = true
    const server = this.#client.parameters.get('server_version') ?? ''
    const own = releaseText(this.#proc, this.#version)
    if (!this.#isOn('QUIET')) await stdout.write(`psql (${own}${server === own ? '' : `, server ${server}`})\n${majorOf(server) > majorOf(own) ? `WARNING: psql major version ${majorOf(own)}, server major version ${majorOf(server)}.\n         Some psql features might not work.\n` : ''}Type "help" for help.\n\n`)
    let inside: Prompt = '='
    await stdout.write(this.#prompt(inside))
    const lines = readLines(stdin)
    this.#more = async () => { const next = await lines.next(); return next.done ? undefined : next.value }
    for (let next = await lines.next(); !next.done; next = await lines.next()) {
      const line = next.value
      if (isBlank(this.#buffer) && /^\s*(?:help)\s*;?\s*$/.test(line)) await stdout.write('You are using psql, the command-line interface to PostgreSQL.\nType:  \\copyright for distribution terms\n       \\h for help with SQL commands\n       \\? for help with psql commands\n       \\g or terminate with semicolon to execute query\n       \\q to quit\n')
      else if (isBlank(this.#buffer) && /^\s*(?:exit|quit)\s*;?\s*$/.test(line)) return 0
      else if (await this.#line(line) === 'quit') return 0
      const scanned = scan(this.#buffer, () => undefined)
      inside = isBlank(this.#buffer) ? '=' : scanned.kind === 'incomplete' ? scanned.inside : '-'
      await stdout.write(this.#prompt(inside))
    }
    await stdout.write('\\q\n')
    return 0
  }

  #more: (() => Promise<string | undefined>) | undefined

  get #isActive(): boolean { return this.#branches.every(({ active }) => active) }

  /** One line of input: statements that end in it, and commands. */
  async #line(line: string): Promise<'quit' | undefined> {
    let text = this.#buffer === '' ? line : `${this.#buffer}\n${line}`
    this.#buffer = ''
    for (;;) {
      const found = scan(text, (name) => this.#variables.get(name))
      if (found.kind === 'incomplete') { this.#buffer = isBlank(text) ? '' : text; return undefined }
      if (found.kind === 'statement') {
        if (this.#isActive && !isBlank(found.sql.slice(0, -1))) {
          if (!await this.#send(found.sql) && this.#isOn('ON_ERROR_STOP')) return undefined
        }
        text = found.rest
        continue
      }
      const [all, name, after] = /^\\([a-zA-Z]+\+?|[?!;\\]\+?|\S?)([^\n]*)/.exec(found.rest)!
      const before = found.before
      const end = after!.indexOf('\\\\')
      const args = (end >= 0 ? after!.slice(0, end) : after!).trim()
      const rest = end >= 0 ? after!.slice(end + 2) + found.rest.slice(all.length) : found.rest.slice(all.length)
      const conditional = /^(?:if|elif|else|endif)$/.test(name!)
      if (!this.#isActive && !conditional) { text = before + rest; continue }
      const result = await this.#meta(name!, args, before)
      if (result.quit) return 'quit'
      text = (result.buffer ?? before) + rest
      if (isBlank(text)) { this.#buffer = ''; return undefined }
      if (rest === '') { this.#buffer = text; return undefined }
    }
  }

  // --- statements ----------------------------------------------------------------------------------------------------------------

  #drawReport(report: Report, sql: string): string {
    const verbose = this.#variables.get('VERBOSITY')
    let out = `${report.severity}:  ${verbose === 'verbose' ? `${report.code}: ` : ''}${report.message}`
    const source = report.internalQuery ?? sql
    const position = report.position ?? report.internalPosition
    if (verbose !== 'terse' && position) {
      const before = [...source].slice(0, position - 1).join('')
      const number = before.split('\n').length
      const start = before.lastIndexOf('\n') + 1
      let line = source.slice(start).split('\n')[0]!.replaceAll('\t', ' ')
      let at = before.length - start
      const label = `LINE ${number}: `
      const width = 60
      let end = line.length
      let begin = 0
      if (end > width) {
        if (at + 10 <= width) end = width
        else {
          if (at + 10 < end) end = at + 10
          begin = Math.max(0, end - width)
        }
      }
      const cut = `${begin > 0 ? '...' : ''}${line.slice(begin, end)}${end < line.length ? '...' : ''}`
      at = at - begin + (begin > 0 ? 3 : 0)
      line = cut
      out += `\n${label}${line}\n${' '.repeat(label.length + at)}^`
    }
    if (verbose !== 'terse') {
      if (report.detail) out += `\nDETAIL:  ${report.detail}`
      if (report.hint) out += `\nHINT:  ${report.hint}`
      if (report.internalQuery) out += `\nQUERY:  ${report.internalQuery}`
      if (report.context && (verbose === 'verbose' || report.severity !== 'NOTICE' && report.severity !== 'INFO')) out += `\nCONTEXT:  ${report.context}`
    }
    return out
  }

  /** Sends what the user wrote and prints what comes back. @returns whether nothing failed */
  async #send(sql: string, show?: (table: Table) => Promise<void>): Promise<boolean> {
    this.#last = sql
    this.#running = true
    if (['all', 'queries'].includes(this.#variables.get('ECHO') ?? '')) await this.#print(`${sql}\n`)
    const startMs = this.#proc.clock.nowMs()
    let ok = true
    try {
      for await (const answer of this.#client.query(sql)) ok = await this.#answer(answer, sql, show) && ok
    } finally { this.#running = false }
    if (!ok) this.#hasFailed = true
    if (this.#timing) await this.#print(`Time: ${(this.#proc.clock.nowMs() - startMs).toFixed(3)} ms\n`)
    return ok
  }

  async #answer(answer: Answer, sql: string, show?: (table: Table) => Promise<void>): Promise<boolean> {
    switch (answer.kind) {
      case 'rows': {
        const table = { columns: answer.fields.map(({ name, typeOid }) => ({ name, right: isRightAligned(typeOid) })), rows: answer.rows }
        if (show) await show(table)
        else await this.#print(drawTable(table, this.#look))
        if (!show && !/^(?:SELECT|FETCH|SHOW|EXPLAIN|VALUES|CALL)/.test(answer.tag) && !this.#isOn('QUIET')) await this.#print(`${answer.tag}\n`)
        this.#variables.set('ROW_COUNT', String(answer.rows.length))
        return true
      }
      case 'done': if (!this.#isOn('QUIET') && !(/^COPY/.test(answer.tag) && /\bto\s+stdout\b/i.test(sql))) await this.#print(`${answer.tag}\n`); return true
      case 'notice': await this.#complain(this.#drawReport(answer.report, sql)); return true
      case 'notification': await this.#print(`Asynchronous notification "${answer.channel}" ${answer.payload ? `with payload "${answer.payload}" ` : ''}received from server process with PID ${answer.pid}.\n`); return true
      case 'error': await this.#complain(this.#drawReport(answer.report, sql)); return false
      case 'copy-out': await this.#print(new TextDecoder().decode(answer.data)); return true
      case 'copy-in': await this.#copyIn(); return true
      default: return true
    }
  }

  /** Data of COPY FROM STDIN: what follows in the script, or is typed. */
  async #copyIn(): Promise<void> {
    const input = this.#input
    const encoder = new TextEncoder()
    if (input) {
      let batch = ''
      for (input.at++; input.at < input.lines.length && input.lines[input.at] !== '\\.'; input.at++) batch += `${input.lines[input.at]}\n`
      if (input.name !== '') this.#where = `psql:${input.name}:${input.at + 1}: `
      await this.#client.copyData(encoder.encode(batch))
    } else if (this.#more) {
      await this.#proc.stdout.write('Enter data to be copied followed by a newline.\nEnd with a backslash and a period on a line by itself, or an EOF signal.\n>> ')
      for (let line = await this.#more(); line !== undefined && line !== '\\.'; line = await this.#more()) { await this.#client.copyData(encoder.encode(`${line}\n`)); await this.#proc.stdout.write('>> ') }
    } else await this.#client.copyData(await readAll(this.#proc.stdin))
    await this.#client.copyData(null)
  }

  // --- commands ------------------------------------------------------------------------------------------------------------------

  #words(args: string): string[] {
    const words: string[] = []
    for (const [, single, double, plain] of args.matchAll(/'((?:''|[^'])*)'|("(?:""|[^"])*"\S*)|(\S+)/g)) {
      const raw = single !== undefined ? single.replaceAll("''", "'").replace(/\\([nt])/g, (_, letter: string) => letter === 'n' ? '\n' : '\t') : double ?? plain!
      words.push(single !== undefined ? raw : raw.replace(/:(?:'(\w+)'|(\w+))/g, (all, quotedName: string | undefined, name: string | undefined) => this.#variables.get(quotedName ?? name!) ?? all))
    }
    return words
  }

  #pset(key: string, value: string | undefined): string | undefined {
    const look = this.#look
    const flag = (old: boolean) => value === undefined ? !old : /^(?:on|true|1|yes)$/i.test(value)
    switch (key) {
      case 'format': look.format = (['aligned', 'unaligned', 'csv', 'html', 'wrapped'] as const).find((each) => each.startsWith(value ?? 'aligned')) ?? 'aligned'; return `Output format is ${look.format}.`
      case 'border': look.border = Number(value ?? 1); return `Border style is ${look.border}.`
      case 'expanded': case 'x': look.expanded = value === 'auto' ? 'auto' : flag(look.expanded === 'on') ? 'on' : 'off'; return look.expanded === 'auto' ? 'Expanded display is used automatically.' : `Expanded display is ${look.expanded}.`
      case 'null': look.null = value ?? ''; return `Null display is "${look.null}".`
      case 'fieldsep': look.fieldSeparator = value ?? '|'; return `Field separator is "${look.fieldSeparator}".`
      case 'recordsep': look.recordSeparator = value ?? '\n'; return 'Record separator is <newline>.'
      case 'tuples_only': case 't': look.tuplesOnly = flag(look.tuplesOnly); return `Tuples only is ${look.tuplesOnly ? 'on' : 'off'}.`
      case 'footer': look.footer = flag(look.footer); return `Default footer is ${look.footer ? 'on' : 'off'}.`
      case 'pager': case 'linestyle': case 'title': case 'columns': case 'pager_min_lines': case 'numericlocale': return key === 'pager' ? 'Pager usage is off.' : ''
      default: return undefined
    }
  }

  async #say(text: string | undefined): Promise<void> { if (text && !this.#isOn('QUIET')) await this.#print(`${text}\n`) }

  /** A backslash command. `buffer`: what was gathered of a statement before it. */
  async #meta(name: string, args: string, buffer = ''): Promise<{ quit?: boolean; failed?: boolean; buffer?: string }> {
    const words = this.#words(args.replace(/;+\s*$/, (end) => /^[dlz]/.test(name) ? '' : end))
    const fail = async (text: string) => { await this.#complain(text); this.#hasFailed = true; return { failed: true, buffer } }
    if (/^(?:d|l|z|sf|sv)/.test(name) && name !== 'drydock') {
      const bare = name.replace(/\+$/, '')
      try {
        const known = await describe({ client: this.#client, major: Number(majorOf(this.#version)), server: Number(majorOf(this.#client.parameters.get('server_version') ?? this.#version)), print: (table) => this.#print(typeof table === 'string' ? table : drawTable(table, this.#look)), complain: async (text) => { this.#hasFailed = true; await this.#complain(text) } }, bare, name.endsWith('+'), words)
        if (known) return known === 'failed' ? { failed: true } : {}
      } catch (error) {
        if ((error as { report?: Report }).report) return fail(this.#drawReport((error as { report: Report }).report, ''))
        throw error
      }
    }
    switch (name) {
      case 'q': case 'quit': return { quit: true }
      case 'if': case 'elif': case 'else': case 'endif': return this.#conditional(name, words, buffer)
      case 'c': case 'connect': return this.#reconnect(words)
      case 'conninfo': {
        const { options, address } = this.#client
        const { database, user, host, port } = options
        const where = address === undefined ? `via socket in "${host || SOCKET_DIRECTORY}"` : host === address ? `on host "${host}"` : `on host "${host}" (address "${address}")`
        await this.#print(`You are connected to database "${database}" as user "${user}" ${where} at port "${port}".\n`)
        return {}
      }
      case 'x': await this.#say(this.#pset('expanded', words[0])); return {}
      case 't': await this.#say(this.#pset('tuples_only', words[0])); return {}
      case 'a': await this.#say(this.#pset('format', this.#look.format === 'aligned' ? 'unaligned' : 'aligned')); return {}
      case 'f': await this.#say(this.#pset('fieldsep', words[0])); return {}
      case 'pset': {
        const said = this.#pset(words[0] ?? '', words[1])
        if (said === undefined) return fail(`\\pset: unknown option: ${words[0] ?? ''}`)
        await this.#say(said)
        return {}
      }
      case 'timing': this.#timing = words[0] ? /^on/i.test(words[0]) : !this.#timing; await this.#say(`Timing is ${this.#timing ? 'on' : 'off'}.`); return {}
      case 'echo': case 'qecho': await this.#print(`${words[0] === '-n' ? words.slice(1).join(' ') : `${words.join(' ')}\n`}`); return {}
      case 'warn': await this.#proc.stderr.write(`${words.join(' ')}\n`); return {}
      case 'set': if (words.length === 0) { for (const [key, value] of [...this.#variables].sort()) await this.#print(`${key} = '${value}'\n`) } else this.#variables.set(words[0]!, words.slice(1).join('')); return {}
      case 'unset': this.#variables.delete(words[0] ?? ''); return {}
      case 'getenv': this.#variables.set(words[0] ?? '', this.#proc.env[words[1] ?? ''] ?? ''); return {}
      case 'setenv': if (words[1] === undefined) delete this.#proc.env[words[0] ?? '']; else this.#proc.env[words[0]!] = words[1]; return {}
      case 'prompt': { await this.#proc.stdout.write(words.length > 1 ? words[0]! : ''); this.#variables.set(words.at(-1) ?? '', await this.#more?.() ?? ''); return {} }
      case 'i': case 'include': case 'ir': {
        if (!words[0]) return fail(`\\${name}: missing required argument`)
        const input = this.#input
        const code = await this.#file(words[0], false)
        this.#input = input
        if (code !== 0) this.#hasFailed = true
        return {}
      }
      case 'o': this.#out = words[0]; if (words[0]) try { this.#proc.fs.writeFile(this.#proc.resolve(words[0]), '') } catch (error) { if (!(error instanceof UnixError)) throw error; this.#out = undefined; return fail(`${words[0]}: ${errorText(error)}`) } return {}
      case 'copy': return this.#copy(args)
      case '!': {
        if (args) await this.#proc.spawn(['sh', '-c', args]).wait()
        return { buffer }
      }
      case 'cd': try { this.#proc.cwd = this.#proc.resolve(words[0] ?? this.#proc.user.home) } catch (error) { if (!(error instanceof UnixError)) throw error } return {}
      case 'encoding': if (!words[0]) await this.#print('UTF8\n'); return {}
      case 'password': return this.#password(words[0])
      case 'g': case 'gx': case 'gset': case 'gexec': case 'gdesc': case 'crosstabview': return this.#go(name, words, buffer)
      case 'watch': return this.#watch(words, buffer)
      case 'p': await this.#print(`${buffer.trim() || this.#last}\n`); return { buffer }
      case 'r': await this.#say('Query buffer reset (cleared).'); return { buffer: '' }
      case 'errverbose': case 'w': case 'e': case 'ef': case 'ev': case 's': case 'h': case 'H': case 'html': case 'C': case 'T': case 'parse': case 'bind': case 'lo_list': case 'lo_import': case 'lo_export': case 'lo_unlink': return fail(`\\${name} isn't supported here`)
      case '?': await this.#print(COMMANDS); return { buffer }
      case 'copyright': await this.#print('PostgreSQL Database Management System\n(also known as Postgres, formerly known as Postgres95)\n\nPortions Copyright (c) 1996-2025, PostgreSQL Global Development Group\n'); return { buffer }
      default: return fail(this.#isInteractive ? `invalid command \\${name}\nTry \\? for help.` : `invalid command \\${name}`)
    }
  }

  async #conditional(name: string, words: readonly string[], buffer: string): Promise<{ failed?: boolean; buffer: string }> {
    const truth = () => /^(?:on|true|yes|1|t|y)$/i.test(words[0] ?? '')
    const top = this.#branches.at(-1)
    if (name === 'if') {
      const active = this.#isActive && truth()
      this.#branches.push({ active, done: active || !this.#isActive })
    } else if (!top) { await this.#complain(`\\${name}: no matching \\if`); this.#hasFailed = true; return { failed: true, buffer } } else if (name === 'endif') this.#branches.pop()
    else {
      top.active = !top.done && (name === 'else' || truth())
      top.done ||= top.active
    }
    return { buffer }
  }

  async #reconnect(words: readonly string[]): Promise<{ failed?: boolean }> {
    const { options } = this.#client
    const given = (i: number) => words[i] === undefined || words[i] === '-' ? undefined : words[i]
    const string = parseConnectionString(words[0] ?? '')
    const next: ConnectionWords = string ?? { dbname: given(0) ?? options.database, user: given(1) ?? options.user, host: given(2) ?? options.host, port: given(3) ?? options.port }
    const samePerson = (next.user ?? options.user) === options.user && (next.host ?? options.host) === options.host
    if (samePerson && options.password !== undefined) next.password ??= options.password
    try {
      const client = await this.#connect(next, { force: false, never: false })
      await this.#client.close()
      this.#client = client
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error
      await this.#complain(`${this.#isInteractive ? '' : '\\connect: '}${error.message}`)
      if (this.#isInteractive) await this.#proc.stderr.write('Previous connection kept\n')
      else { this.#hasFailed = true; this.#variables.set('ON_ERROR_STOP', 'on') }
      return { failed: true }
    }
    const { options: now, address } = this.#client
    const where = now.host === options.host && now.port === options.port ? '' : address === undefined ? ` via socket in "${now.host || SOCKET_DIRECTORY}" at port "${now.port}"` : ` on host "${now.host}"${now.host === address ? '' : ` (address "${address}")`} at port "${now.port}"`
    await this.#say(`You are now connected to database "${now.database}" as user "${now.user}"${where}.`)
    return {}
  }

  async #password(user: string | undefined): Promise<{ failed?: boolean }> {
    const name = user ?? this.#client.options.user
    const { tty } = this.#proc
    if (!tty) return { failed: true }
    await tty.stdout.write(`Enter new password for user "${name}": `)
    const lines = this.#more
    const first = await lines?.()
    await tty.stdout.write('Enter it again: ')
    if (first !== await lines?.()) { await this.#complain("Passwords didn't match."); return { failed: true } }
    await this.#send(`ALTER USER "${name}" PASSWORD '${(first ?? '').replaceAll("'", "''")}'`)
    return {}
  }

  async #go(name: string, words: readonly string[], buffer: string): Promise<{ failed?: boolean; buffer: string }> {
    const sql = isBlank(buffer) ? this.#last : buffer
    if (isBlank(sql)) return { buffer: '' }
    if (name === 'gset') {
      const ok = await this.#send(sql, async ({ columns, rows }) => {
        if (rows.length !== 1) { await this.#complain(rows.length === 0 ? 'no rows returned for \\gset' : 'more than one row returned for \\gset'); this.#hasFailed = true } else columns.forEach((column, i) => { const value = rows[0]![i]; if (value === null || value === undefined) this.#variables.delete(`${words[0] ?? ''}${column.name}`); else this.#variables.set(`${words[0] ?? ''}${column.name}`, value) })
      })
      return { failed: !ok, buffer: '' }
    }
    if (name === 'gexec') {
      const statements: string[] = []
      let ok = await this.#send(sql, async ({ rows }) => { statements.push(...rows.flat().filter((each) => each !== null)) })
      for (const each of statements) ok = await this.#send(each) && ok
      return { failed: !ok, buffer: '' }
    }
    const expanded = this.#look.expanded
    const out = this.#out
    if (name === 'gx') this.#look.expanded = 'on'
    if (words[0]) this.#out = words[0]
    const ok = await this.#send(sql)
    this.#look.expanded = expanded
    this.#out = out
    return { failed: !ok, buffer: '' }
  }

  async #watch(words: readonly string[], buffer: string): Promise<{ buffer: string }> {
    const seconds = Number(/(\d+(?:\.\d+)?)/.exec(words.find((word) => /^(?:i(?:nterval)?=)?\d/.test(word)) ?? '')?.[1] ?? 2)
    const most = Number(/^c(?:ount)?=(\d+)/.exec(words.find((word) => word.startsWith('c')) ?? '')?.[1] ?? Infinity)
    const sql = isBlank(buffer) ? this.#last : buffer
    let stopped = false
    let stop!: () => void
    const interrupted = new Promise<void>((resolve) => { stop = () => { stopped = true; resolve() } })
    const undo = this.#proc.onSignal('SIGINT', stop)
    try {
      for (let i = 0; i < most && !stopped; i++) {
        const now = new Date(Math.floor(this.#proc.clock.nowMs()))
        const stamp = `${now.toUTCString().slice(0, 3)} ${now.toUTCString().slice(8, 11)} ${String(now.getUTCDate()).padStart(2, ' ')} ${now.toISOString().slice(11, 19)} ${now.getUTCFullYear()}`
        if (!await this.#send(sql, async (table) => { await this.#print(drawTable({ ...table, title: `${stamp} (every ${seconds}s)` }, this.#look)) })) break
        if (i + 1 < most) await Promise.race([this.#proc.sleep(seconds * 1000), interrupted])
      }
    } finally { undo() }
    return { buffer: '' }
  }

  /** \copy: COPY with a file of this side. */
  async #copy(args: string): Promise<{ failed?: boolean }> {
    const [, what, direction, program, file, rest] = /^((?:\([\s\S]*\)|[^\s(]+(?:\s*\([^)]*\))?))\s+(from|to)\s+(program\s+)?('(?:''|[^'])*'|\S+)\s*([\s\S]*)$/i.exec(args) ?? []
    if (!what || !file || program) { await this.#complain(program ? '\\copy: PROGRAM isn\'t supported here' : '\\copy: arguments required'); this.#hasFailed = true; return { failed: true } }
    const isFrom = direction!.toLowerCase() === 'from'
    const path = file.startsWith("'") ? file.slice(1, -1).replaceAll("''", "'") : file
    const isStream = /^p?std(?:in|out)$/i.test(file)
    const sql = `COPY ${what} ${isFrom ? 'FROM STDIN' : 'TO STDOUT'} ${rest}`
    let ok = true
    let data: Uint8Array | undefined
    if (isFrom && !isStream) {
      try { data = this.#proc.fs.readFile(this.#proc.resolve(path)) } catch (error) {
        if (!(error instanceof UnixError)) throw error
        await this.#complain(`${path}: ${errorText(error)}`)
        this.#hasFailed = true
        return { failed: true }
      }
    }
    if (!isFrom && !isStream) this.#proc.fs.writeFile(this.#proc.resolve(path), '')
    for await (const answer of this.#client.query(sql)) {
      if (answer.kind === 'copy-in' && data) { await this.#client.copyData(data); await this.#client.copyData(null) } else if (answer.kind === 'copy-out' && !isStream) this.#proc.fs.writeFile(this.#proc.resolve(path), answer.data, { append: true })
      // The count would stand among the data.
      else if (!(answer.kind === 'done' && !isFrom && isStream)) ok = await this.#answer(answer, sql) && ok
    }
    if (!ok) this.#hasFailed = true
    return ok ? {} : { failed: true }
  }
}
