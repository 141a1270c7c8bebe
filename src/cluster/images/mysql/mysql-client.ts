import { machineName } from '../../../unix/architecture.ts'
import { readAll, readLines } from '../../../base/streams.ts'
import { displayWidth } from '../../../unix/display-width.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { ClientConnection, ClientError } from './client-connection.ts'
import type { Answer, ConnectionOptions } from './client-connection.ts'
import { readArguments } from './client-options.ts'

const HELP = `
For information about MySQL products and services, visit:
   http://www.mysql.com/
For developer information, including the MySQL Reference Manual, visit:
   http://dev.mysql.com/
To buy MySQL Enterprise support, training, or other products, visit:
   https://shop.mysql.com/

List of all MySQL commands:
Note that all text commands must be first on line and end with ';'
?         (\\?) Synonym for \`help'.
clear     (\\c) Clear the current input statement.
connect   (\\r) Reconnect to the server. Optional arguments are db and host.
delimiter (\\d) Set statement delimiter.
ego       (\\G) Send command to mysql server, display result vertically.
exit      (\\q) Exit mysql. Same as quit.
go        (\\g) Send command to mysql server.
help      (\\h) Display this help.
print     (\\p) Print current command.
prompt    (\\R) Change your mysql prompt.
quit      (\\q) Quit mysql.
source    (\\.) Execute an SQL script file. Takes a file name as an argument.
status    (\\s) Get status information from the server.
system    (\\!) Execute a system shell command.
use       (\\u) Use another database. Takes database name as argument.
warnings  (\\W) Show warnings after every statement.
nowarning (\\w) Don't show warnings after every statement.

For server side help, type 'help contents'

`

/** How results are shown. */
interface Look { table: boolean; names: boolean; vertical: boolean; silent: boolean; interactive: boolean }

/** A result as the monitor draws it. */
export function drawTable(fields: readonly { name: string; numeric: boolean; notNull: boolean }[], rows: readonly (readonly (string | null)[])[], names = true): string {
  const text = (value: string | null) => value ?? 'NULL'
  // Where NULL may come there is room for it.
  const widths = fields.map(({ name, notNull }, i) => rows.reduce((width, row) => Math.max(width, displayWidth(text(row[i]!))), Math.max(names ? displayWidth(name) : 1, notNull ? 0 : 4)))
  const line = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+\n`
  const pad = (value: string, width: number, right: boolean) => { const space = ' '.repeat(Math.max(0, width - displayWidth(value))); return right ? ` ${space}${value} ` : ` ${value}${space} ` }
  const body = rows.map((row) => `|${row.map((value, i) => pad(text(value), widths[i]!, fields[i]!.numeric)).join('|')}|\n`).join('')
  return `${line}${names ? `|${fields.map(({ name }, i) => pad(name, widths[i]!, false)).join('|')}|\n${line}` : ''}${body}${line}`
}

/** \G: a line per column. */
function drawVertical(fields: readonly { name: string }[], rows: readonly (readonly (string | null)[])[]): string {
  const width = Math.max(0, ...fields.map(({ name }) => displayWidth(name)))
  return rows.map((row, i) => `*************************** ${i + 1}. row ***************************\n${fields.map(({ name }, at) => `${' '.repeat(width - displayWidth(name))}${name}: ${row[at] ?? 'NULL'}\n`).join('')}`).join('')
}

const tabText = (value: string | null) => value === null ? 'NULL' : value.replace(/[\\\n\t\0]/g, (char) => char === '\\' ? '\\\\' : char === '\n' ? '\\n' : char === '\t' ? '\\t' : '\\0')

/** mysql, the monitor of one version. */
export async function mysqlClient(proc: Proc, version: string): Promise<number> {
  const old = version.startsWith('5.')
  const args = await readArguments(proc, 'mysql', old)
  if (typeof args === 'string') { await proc.stderr.write(args); return args.includes('requires') ? 5 : 2 }
  const { options, rest, connection } = args
  if (options.has('version')) { await proc.stdout.write(old ? `mysql  Ver 14.14 Distrib ${version}, for Linux (${machineName(proc.machine.hardware.architecture)}) using  EditLine wrapper\n` : `mysql  Ver ${version} for Linux on ${machineName(proc.machine.hardware.architecture)} (MySQL Community Server - GPL)\n`); return 0 }
  if (rest.length > 1) { await proc.stdout.write('mysql: [ERROR] Too many arguments\n'); return 1 }
  if (rest[0] !== undefined) connection.database = rest[0]
  const interactive = proc.isTty(0) && !options.has('execute')
  const batch = options.has('batch') || options.has('silent')
  const look: Look = { interactive, silent: options.has('silent'), names: !options.has('skip-column-names'), vertical: options.has('vertical'), table: options.has('table') || (!batch && (interactive || proc.isTty(1) && options.has('execute'))) }
  let client: ClientConnection
  try { client = await ClientConnection.open(proc, connection) } catch (error) {
    if (!(error instanceof ClientError)) throw error
    await proc.stderr.write(`ERROR ${error.code} (${error.state}): ${error.message}\n`)
    return 1
  }
  const monitor = new Monitor(proc, version, connection, client, look, options.has('force'))
  const code = options.has('execute') ? await monitor.run(options.get('execute') ?? '') : interactive ? await monitor.converse(options.has('no-auto-rehash')) : await monitor.run(new TextDecoder().decode(await readAll(proc.stdin)))
  await monitor.close()
  return code
}

/** Where a statement of an input ends. */
interface Piece { sql: string; terminator: ';' | '\\g' | '\\G' | 'none'; rest: string; line: number }

class Monitor {
  readonly #proc: Proc
  readonly #version: string
  readonly #options: ConnectionOptions
  readonly #look: Look
  readonly #force: boolean
  #client: ClientConnection | undefined
  #delimiter = ';'
  #warnings = false
  /** Lines of a script before the present one. */
  #line = 1

  constructor(proc: Proc, version: string, options: ConnectionOptions, client: ClientConnection, look: Look, force: boolean) {
    this.#proc = proc
    this.#version = version
    this.#options = options
    this.#client = client
    this.#look = look
    this.#force = force
  }

  async close(): Promise<void> { await this.#client?.close() }

  /** The first statement of a text, up to its delimiter; undefined while it isn't complete. `quote` tells what is open. */
  #next(text: string): { piece: Piece | undefined; quote: string } {
    let quote = ''
    for (let i = 0; i < text.length; i++) {
      const char = text[i]!
      if (quote === '*/') { if (text.startsWith('*/', i)) { quote = ''; i += 1 } continue }
      if (quote) {
        if (char === '\\' && quote !== '`') i += 1
        else if (char === quote) quote = ''
        continue
      }
      if (char === "'" || char === '"' || char === '`') quote = char
      else if (char === '#' || /^--(?:\s|$)/.test(text.slice(i, i + 3))) { const end = text.indexOf('\n', i); if (end < 0) break; i = end } else if (text.startsWith('/*', i) && text[i + 2] !== '!') { quote = '*/'; i += 1 } else if (char === '\\' && /[gG]/.test(text[i + 1] ?? '')) return { piece: { sql: text.slice(0, i), terminator: text[i + 1] === 'G' ? '\\G' : '\\g', rest: text.slice(i + 2), line: 0 }, quote: '' }
      else if (text.startsWith(this.#delimiter, i)) return { piece: { sql: text.slice(0, i), terminator: ';', rest: text.slice(i + this.#delimiter.length), line: 0 }, quote: '' }
    }
    return { piece: undefined, quote }
  }

  /** Statements of a script, up to the first that fails. */
  async run(script: string): Promise<number> {
    let text = script
    this.#line = 1
    for (;;) {
      const leading = /^(?:\s|--(?:[ \t][^\n]*)?(?:\n|$)|#[^\n]*(?:\n|$))*/.exec(text)![0]
      this.#line += leading.split('\n').length - 1
      text = text.slice(leading.length)
      if (text === '') return 0
      const command = /^(use|source|delimiter|status|exit|quit|\\[qusr.!d])\b[ \t]*([^\n;]*?)[ \t]*;?[ \t]*(?:\n|$)/i.exec(text)
      if (command) {
        text = text.slice(command[0].length)
        const done = await this.#command(command[1]!.toLowerCase(), command[2]!)
        if (done !== undefined) { if (done >= 0) return done } else return 1
        this.#line += 1
        continue
      }
      const { piece } = this.#next(text)
      const sql = piece?.sql ?? text
      const code = await this.#send(sql.trim(), piece?.terminator === '\\G')
      if (code !== 0 && !this.#force) return code
      this.#line += sql.split('\n').length - 1
      if (!piece) return code
      text = piece.rest
    }
  }

  async #rehash(): Promise<void> {
    if (!this.#options.database || !this.#client) return
    const answer = await this.#client.ask('show tables').catch(() => undefined)
    if (answer?.kind === 'rows' && answer.rows.length > 0) await this.#proc.stdout.write('Reading table information for completion of table and column names\nYou can turn off this feature to get a quicker startup with -A\n\n')
  }

  async converse(noRehash: boolean): Promise<number> {
    const { stdout } = this.#proc
    if (!noRehash) await this.#rehash()
    const old = this.#version.startsWith('5.')
    await stdout.write(`Welcome to the MySQL monitor.  Commands end with ; or \\g.\nYour MySQL connection id is ${this.#client!.id}\nServer version: ${this.#client!.serverVersion} MySQL Community Server ${this.#client!.serverVersion.startsWith('5.') ? '(GPL)' : '- GPL'}\n\nCopyright (c) 2000, ${old ? '2023' : '2025'}, Oracle and/or its affiliates.\n\nOracle is a registered trademark of Oracle Corporation and/or its\naffiliates. Other names may be trademarks of their respective\nowners.\n\nType 'help;' or '\\h' for help. Type '\\c' to clear the current input statement.\n\n`)
    let text = ''
    let quote = ''
    const prompt = () => stdout.write(text === '' ? 'mysql> ' : quote && quote !== '*/' ? `    ${quote}> ` : quote ? '   /*> ' : '    -> ')
    const stopInterrupt = this.#proc.onSignal('SIGINT', () => {
      text = ''
      quote = ''
      // The terminal shows ^C first.
      this.#proc.clock.after(0, () => { stdout.write('\nmysql> ').catch(() => {}) })
    })
    await prompt()
    try {
      for await (const line of readLines(this.#proc.stdin)) {
        const command = text === '' ? /^\s*(use|source|delimiter|status|exit|quit|help|clear|connect|warnings|nowarning|prompt|system|print|\?|\\[hqusrcWwdR?.!p])(?:[ \t]+(.*?))?[ \t]*;?[ \t]*$/i.exec(line) : undefined
        if (command && !(/^(?:help|\?)$/i.test(command[1]!) && command[2] && command[2] !== 'contents')) {
          const code = await this.#command(command[1]!.length === 2 && command[1]!.startsWith('\\') ? command[1]! : command[1]!.toLowerCase(), command[2] ?? '')
          if (code !== undefined && code >= 0) return code
        } else if (/\\c\s*$/.test(line)) { text = ''; quote = '' } else {
          text += (text === '' ? '' : '\n') + line
          for (;;) {
            const next = this.#next(text)
            quote = next.quote
            if (!next.piece) break
            text = next.piece.rest.trim() === '' ? '' : next.piece.rest.trimStart()
            if (next.piece.sql.trim() === '') await stdout.write('ERROR: \nNo query specified\n\n')
            else await this.#send(next.piece.sql.trim(), next.piece.terminator === '\\G')
          }
          if (text.trim() === '' && !quote) text = ''
        }
        await prompt()
      }
    } finally { stopInterrupt() }
    await stdout.write('Bye\n')
    return 0
  }

  /** A command of the monitor itself: an exit code, -1 to go on, undefined when it failed. */
  async #command(name: string, argument: string): Promise<number | undefined> {
    const { stdout } = this.#proc
    const value = argument.replace(/;$/, '').replace(/^[`'"](.*)[`'"]$/, '$1')
    switch (name) {
      case 'exit': case 'quit': case '\\q': if (this.#look.interactive) await stdout.write('Bye\n'); return 0
      case 'help': case '?': case '\\h': case '\\?': await stdout.write(HELP); return -1
      case 'clear': case '\\c': return -1
      case 'warnings': case '\\W': this.#warnings = true; await stdout.write('Show warnings enabled.\n'); return -1
      case 'nowarning': case '\\w': this.#warnings = false; await stdout.write('Show warnings disabled.\n'); return -1
      case 'delimiter': case '\\d': if (argument) this.#delimiter = argument; return -1
      case 'prompt': case '\\R': case 'print': case '\\p': return -1
      case 'system': case '\\!': await this.#proc.spawn(['sh', '-c', argument], { stdin: this.#proc.stdin, stdout: this.#proc.stdout, stderr: this.#proc.stderr }).wait(); return -1
      case 'status': case '\\s': await this.#status(); return -1
      case 'connect': case '\\r': if (value) this.#options.database = value.split(/\s+/)[0]!; this.#client = undefined; return await this.#reconnect() ? -1 : undefined
      case 'source': case '\\.': {
        let script: string
        try { script = this.#proc.fs.readText(this.#proc.resolve(value)) } catch (error) {
          if (!(error instanceof UnixError)) throw error
          await this.#print(`ERROR: \nFailed to open file '${value}', error: 2\n`)
          return this.#look.interactive ? -1 : undefined
        }
        await this.run(script)
        return -1
      }
      case 'use': case '\\u': {
        if (value === '') { await this.#print('ERROR: \nUSE must be followed by a database name\n'); return -1 }
        try {
          if (!this.#client && !await this.#reconnect()) return -1
          await this.#client!.use(value)
          this.#options.database = value
          if (this.#look.interactive) { await this.#rehash(); await stdout.write('Database changed\n') }
          return -1
        } catch (error) {
          if (!(error instanceof ClientError)) throw error
          await this.#fail(error)
          return this.#look.interactive || this.#force ? -1 : undefined
        }
      }
      default: return -1
    }
  }

  async #status(): Promise<void> {
    const answer = await this.#client!.ask('select user(), database(), connection_id()')
    const [user = null, database = null, id = null] = answer.kind === 'rows' ? answer.rows[0]! : []
    const { host, port, socket } = this.#options
    await this.#proc.stdout.write(`--------------\nmysql  Ver ${this.#version} for Linux on ${machineName(this.#proc.machine.hardware.architecture)} (MySQL Community Server - GPL)\n\nConnection id:\t\t${id ?? ''}\nCurrent database:\t${database ?? ''}\nCurrent user:\t\t${user ?? ''}\nSSL:\t\t\tNot in use\nCurrent pager:\t\tstdout\nUsing outfile:\t\t''\nUsing delimiter:\t${this.#delimiter}\nServer version:\t\t${this.#client!.serverVersion} MySQL Community Server - GPL\nProtocol version:\t10\nConnection:\t\t${host === undefined ? 'Localhost via UNIX socket' : `${host} via TCP/IP`}\nServer characterset:\tutf8mb4\nDb     characterset:\tutf8mb4\nClient characterset:\tutf8mb4\nConn.  characterset:\tutf8mb4\n${host === undefined ? `UNIX socket:\t\t${socket}` : `TCP port:\t\t${port}`}\n${(await this.#client!.statistics()).replace(/^Uptime: (\d+)  /, (_, seconds: string) => `Uptime:\t\t\t${seconds} sec\n\n`)}\n--------------\n\n`)
  }

  async #print(text: string): Promise<void> { await this.#proc.stderr.write(text) }

  async #fail(error: ClientError): Promise<void> {
    await this.#print(`ERROR ${error.code} (${error.state})${this.#look.interactive || error.code >= 2000 && error.code < 3000 ? '' : ` at line ${this.#line}`}: ${error.message}\n`)
  }

  async #reconnect(): Promise<boolean> {
    try {
      this.#client = await ClientConnection.open(this.#proc, this.#options)
      await this.#proc.stdout.write(`Connection id:    ${this.#client.id}\nCurrent database: ${this.#options.database ?? '*** NONE ***'}\n\n`)
      return true
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      await this.#print(`ERROR ${error.code} (${error.state}): ${error.message}\nERROR: \nCan't connect to the server\n\n`)
      return false
    }
  }

  /** Sends one statement and shows what comes back. */
  async #send(sql: string, vertical: boolean): Promise<number> {
    if (sql === '') return 0
    // USE is the monitor's own.
    const use = /^use\s+(\S+)$/i.exec(sql)
    if (use) return await this.#command('use', use[1]!) === undefined ? 1 : 0
    if (!this.#client) {
      await this.#print('No connection. Trying to reconnect...\n')
      if (!await this.#reconnect()) return 1
    }
    const startMs = this.#proc.clock.nowMs()
    try {
      for await (const answer of this.#client!.query(sql)) await this.#show(answer, vertical, (this.#proc.clock.nowMs() - startMs) / 1000)
      return 0
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      if (error.code === 2013) {
        this.#client = undefined
        if (this.#look.interactive) {
          await this.#print('ERROR 2013 (HY000): Lost connection to MySQL server during query\n')
          return 1
        }
      }
      await this.#fail(error)
      return 1
    }
  }

  async #show(answer: Answer, vertical: boolean, seconds: number): Promise<void> {
    const { stdout } = this.#proc
    const { interactive, names } = this.#look
    const time = `(${seconds.toFixed(2)} sec)`
    const warnings = answer.warnings > 0 ? `, ${answer.warnings} warning${answer.warnings === 1 ? '' : 's'}` : ''
    if (answer.kind === 'ok') {
      if (interactive) await stdout.write(`Query OK, ${answer.affected} row${answer.affected === 1 ? '' : 's'} affected${warnings} ${time}\n${answer.info === '' ? '' : `${answer.info}\n`}\n`)
    } else {
      const { fields, rows } = answer
      let text = ''
      if (rows.length > 0) {
        if (vertical || this.#look.vertical) text = drawVertical(fields, rows)
        else if (this.#look.table) text = drawTable(fields, rows, names)
        else text = `${names ? `${fields.map(({ name }) => name).join('\t')}\n` : ''}${rows.map((row) => `${row.map(tabText).join('\t')}\n`).join('')}`
      }
      if (interactive) text += rows.length === 0 ? `Empty set${warnings} ${time}\n\n` : `${rows.length} row${rows.length === 1 ? '' : 's'} in set${warnings} ${time}\n\n`
      await stdout.write(text)
    }
    if (this.#warnings && answer.warnings > 0) {
      const list = await this.#client!.ask('show warnings')
      if (list.kind === 'rows') await stdout.write(list.rows.map(([level, code, message]) => `${level} (Code ${code}): ${message}\n`).join(''))
    }
  }
}
