import type { Proc } from '../../../unix/types.ts'
import { UnixError } from '../../../unix/types.ts'
import { ClientConnection, ConnectError, QueryError, openSocket } from './client-connection.ts'
import { CONNECTION_OPTIONS, connectionOptions, parseConnectionString, readArguments } from './client-options.ts'
import type { ConnectionWords, OptionTable } from './client-options.ts'
import { BodyWriter, MessageStream, PROTOCOL_3, message, readReport } from './protocol.ts'
import { releaseText } from './release.ts'
import { literal, quoted } from './sql-text.ts'

/** `pg_isready`: whether a server takes connections; it never asks for a password. */
export async function pgIsready(proc: Proc, version: string): Promise<number> {
  const args = readArguments('pg_isready', proc.argv.slice(1), { ...CONNECTION_OPTIONS, dbname: { letter: 'd', value: true }, quiet: { letter: 'q' }, timeout: { letter: 't', value: true } })
  if (typeof args === 'string') { await proc.stderr.write(args); return 3 }
  const words: ConnectionWords = {}
  let quiet = false
  let timeoutMs = 3000
  for (const [name, value] of args.options) {
    if (name === 'version') { await proc.stdout.write(`pg_isready (PostgreSQL) ${releaseText(proc, version)}\n`); return 0 }
    if (name === 'host') words.host = value
    if (name === 'port') words.port = value
    if (name === 'username') words.user = value
    if (name === 'dbname') Object.assign(words, parseConnectionString(value) ?? { dbname: value })
    if (name === 'quiet') quiet = true
    if (name === 'timeout') timeoutMs = Number(value) * 1000
  }
  const options = connectionOptions(proc, words, 'pg_isready')
  const say = async (code: number, text: string) => { if (!quiet) await proc.stdout.write(`${options.host || '/var/run/postgresql'}:${options.port} - ${text}\n`); return code }
  try {
    const attempt = async (): Promise<number> => {
      const { socket } = await openSocket(proc, timeoutMs > 0 ? { ...options, connectTimeoutMs: timeoutMs } : options)
      const stream = new MessageStream(socket)
      try {
        await stream.write(message('', new BodyWriter().int(PROTOCOL_3, 4).text('user').text(options.user).text('database').text(options.database).int(0, 1).body))
        const answer = await stream.read()
        if (!answer) return 2
        return answer.type === 'E' && readReport(answer.body).code === '57P03' ? 1 : 0
      } finally { socket.destroy() }
    }
    const late = async () => { await proc.sleep(timeoutMs); return 2 }
    const code = await (timeoutMs > 0 ? Promise.race([attempt(), late()]) : attempt())
    return await say(code, ['accepting connections', 'rejecting connections', 'no response'][code]!)
  } catch (error) {
    if (!(error instanceof ConnectError || error instanceof UnixError)) throw error
    return say(2, 'no response')
  }
}

/** Connects as the small programs do. @returns undefined where it complained */
async function connect(proc: Proc, program: string, words: ConnectionWords, maintenance: readonly string[]): Promise<ClientConnection | undefined> {
  let last: ConnectError | undefined
  for (const dbname of maintenance) {
    try { return await ClientConnection.open(proc, connectionOptions(proc, { ...words, dbname }, program)) } catch (error) {
      if (!(error instanceof ConnectError)) throw error
      last = error
      if (error.report?.code !== '3D000') break
    }
  }
  await proc.stderr.write(`${program}: error: ${last!.message}\n`)
  return undefined
}

const asksForConnection = (name: string, value: string, words: ConnectionWords): boolean => {
  if (name === 'host') words.host = value
  else if (name === 'port') words.port = value
  else if (name === 'username') words.user = value
  else return name === 'no-password' || name === 'password'
  return true
}

async function runProgram(proc: Proc, version: string, program: string, table: OptionTable, work: (options: ReadonlyMap<string, string>, rest: readonly string[], words: ConnectionWords) => Promise<{ sql: string; failure: string; maintenance: readonly string[] } | string>): Promise<number> {
  const args = readArguments(program, proc.argv.slice(1), { ...CONNECTION_OPTIONS, ...table, echo: { letter: 'e' }, 'maintenance-db': { value: true } })
  if (typeof args === 'string') { await proc.stderr.write(args); return 1 }
  const words: ConnectionWords = {}
  const options = new Map<string, string>()
  for (const [name, value] of args.options) {
    if (name === 'version') { await proc.stdout.write(`${program} (PostgreSQL) ${releaseText(proc, version)}\n`); return 0 }
    if (!asksForConnection(name, value, words)) options.set(name, value)
  }
  const task = await work(options, args.rest, words)
  if (typeof task === 'string') { await proc.stderr.write(task); return 1 }
  const client = await connect(proc, program, words, options.has('maintenance-db') ? [options.get('maintenance-db')!] : task.maintenance)
  if (!client) return 1
  try {
    if (options.has('echo')) await proc.stdout.write(`${task.sql}\n`)
    for await (const answer of client.query(task.sql)) {
      if (answer.kind === 'notice') await proc.stderr.write(`${answer.report.severity}:  ${answer.report.message}\n`)
      if (answer.kind === 'error') throw new QueryError(answer.report)
    }
    return 0
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    const { report } = error
    await proc.stderr.write(`${program}: error: ${task.failure}: ERROR:  ${report.message}${report.detail ? `\nDETAIL:  ${report.detail}` : ''}${report.hint ? `\nHINT:  ${report.hint}` : ''}\n`)
    return 1
  } finally { await client.close() }
}

/** A name as these programs write it: in quotes only where it needs them. */
const identifier = (name: string) => /^[a-z_][a-z0-9_]*$/.test(name) ? name : quoted(name)

/** `createdb`. */
export function createdb(proc: Proc, version: string): Promise<number> {
  return runProgram(proc, version, 'createdb', { owner: { letter: 'O', value: true }, encoding: { letter: 'E', value: true }, template: { letter: 'T', value: true }, locale: { letter: 'l', value: true }, tablespace: { letter: 'D', value: true }, strategy: { letter: 'S', value: true }, 'lc-collate': { value: true }, 'lc-ctype': { value: true } }, async (options, rest, words) => {
    if (rest.length > 2) return `createdb: error: too many command-line arguments (first is "${rest[2]}")\ncreatedb: hint: Try "createdb --help" for more information.\n`
    const name = rest[0] ?? (proc.env.PGDATABASE || proc.env.PGUSER || words.user || proc.user.name)
    const clauses = [['owner', 'OWNER'], ['encoding', 'ENCODING'], ['template', 'TEMPLATE'], ['strategy', 'STRATEGY'], ['tablespace', 'TABLESPACE'], ['locale', 'LOCALE'], ['lc-collate', 'LC_COLLATE'], ['lc-ctype', 'LC_CTYPE']].flatMap(([option, word]) => options.has(option!) ? [` ${word} ${['encoding', 'locale', 'lc-collate', 'lc-ctype'].includes(option!) ? literal(options.get(option!)!) : identifier(options.get(option!)!)}`] : []).join('')
    return { sql: `CREATE DATABASE ${identifier(name)}${clauses};`, failure: 'database creation failed', maintenance: [name === 'postgres' ? 'template1' : 'postgres', 'template1'] }
  })
}

/** `dropdb`. */
export function dropdb(proc: Proc, version: string): Promise<number> {
  return runProgram(proc, version, 'dropdb', { 'if-exists': {}, force: { letter: 'f' }, interactive: { letter: 'i' } }, async (options, rest) => {
    if (rest.length === 0) return 'dropdb: error: missing required argument database name\ndropdb: hint: Try "dropdb --help" for more information.\n'
    return { sql: `DROP DATABASE ${options.has('if-exists') ? 'IF EXISTS ' : ''}${identifier(rest[0]!)}${options.has('force') ? ' WITH (FORCE)' : ''};`, failure: 'database removal failed', maintenance: [rest[0] === 'postgres' ? 'template1' : 'postgres', 'template1'] }
  })
}

/** `createuser`. */
export function createuser(proc: Proc, version: string): Promise<number> {
  const flags: OptionTable = { superuser: { letter: 's' }, 'no-superuser': { letter: 'S' }, createdb: { letter: 'd' }, 'no-createdb': { letter: 'D' }, createrole: { letter: 'r' }, 'no-createrole': { letter: 'R' }, login: { letter: 'l' }, 'no-login': { letter: 'L' }, inherit: { letter: 'i' }, 'no-inherit': { letter: 'I' }, replication: {}, 'no-replication': {}, pwprompt: { letter: 'P' }, 'connection-limit': { letter: 'c', value: true }, role: { letter: 'g', value: true }, 'member-of': { value: true }, interactive: {} }
  return runProgram(proc, version, 'createuser', flags, async (options, rest, words) => {
    const name = rest[0] ?? words.user ?? proc.user.name
    const flag = (option: string, word: string, otherwise: boolean) => options.has(option) ? ` ${word}` : options.has(`no-${option}`) || !otherwise ? ` NO${word}` : ` ${word}`
    let password = ''
    if (options.has('pwprompt') && proc.tty) {
      const reader = proc.tty.stdin
      await proc.tty.stdout.write('Enter password for new role: ')
      password = new TextDecoder().decode(await reader.read() ?? new Uint8Array()).trim()
      await proc.tty.stdout.write('Enter it again: ')
      if (new TextDecoder().decode(await reader.read() ?? new Uint8Array()).trim() !== password) return "createuser: error: Passwords didn't match.\n"
    }
    const superuser = options.has('superuser')
    const groups = options.get('role') ?? options.get('member-of')
    return { sql: `CREATE ROLE ${identifier(name)}${password === '' ? '' : ` PASSWORD ${literal(password)}`}${superuser ? ' SUPERUSER' : ' NOSUPERUSER'}${superuser ? ' CREATEDB CREATEROLE' : flag('createdb', 'CREATEDB', false) + flag('createrole', 'CREATEROLE', false)}${flag('inherit', 'INHERIT', true)}${flag('login', 'LOGIN', true)}${flag('replication', 'REPLICATION', false)} NOBYPASSRLS${options.has('connection-limit') ? ` CONNECTION LIMIT ${options.get('connection-limit')}` : ''}${groups ? ` IN ROLE ${identifier(groups)}` : ''};`, failure: 'creation of new role failed', maintenance: ['postgres', 'template1'] }
  })
}

/** `dropuser`. */
export function dropuser(proc: Proc, version: string): Promise<number> {
  return runProgram(proc, version, 'dropuser', { 'if-exists': {}, interactive: { letter: 'i' } }, async (options, rest) => {
    if (rest.length === 0) return 'dropuser: error: missing required argument role name\n'
    return { sql: `DROP ROLE ${options.has('if-exists') ? 'IF EXISTS ' : ''}${identifier(rest[0]!)};`, failure: `removal of role "${rest[0]}" failed`, maintenance: ['postgres', 'template1'] }
  })
}

