import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import type { ConnectionOptions } from './client-connection.ts'

/** What is said of a connection, by libpq's names. */
export type ConnectionWords = Partial<Record<'host' | 'hostaddr' | 'port' | 'user' | 'dbname' | 'password' | 'application_name' | 'options' | 'connect_timeout' | 'sslmode', string>>

/** Reads `postgresql://...` and `host=... dbname=...`; undefined where it is neither. */
export function parseConnectionString(text: string): ConnectionWords | undefined {
  if (/^postgres(?:ql)?:\/\//.test(text)) {
    const [, credentials, hosts = '', path, query] = /^postgres(?:ql)?:\/\/(?:([^@/]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(text) ?? []
    const words: ConnectionWords = {}
    const [user, ...password] = (credentials ?? '').split(':')
    if (user) words.user = decodeURIComponent(user)
    if (password.length > 0) words.password = decodeURIComponent(password.join(':'))
    const [, host, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(hosts) ?? []
    if (host) words.host = decodeURIComponent(host.replace(/^\[|\]$/g, ''))
    if (port) words.port = port
    if (path) words.dbname = decodeURIComponent(path)
    for (const each of (query ?? '').split('&').filter(Boolean)) { const at = each.indexOf('='); words[each.slice(0, at) as keyof ConnectionWords] = decodeURIComponent(each.slice(at + 1)) }
    return words
  }
  if (!text.includes('=')) return undefined
  const words: ConnectionWords = {}
  for (const [, name, quoted, plain] of text.matchAll(/(\w+)\s*=\s*(?:'((?:\\.|[^'\\])*)'|(\S*))/g)) words[name as keyof ConnectionWords] = (quoted ?? plain ?? '').replace(/\\(.)/g, '$1')
  return words
}

/** A password of ~/.pgpass. */
function passwordOfFile(proc: Proc, { host, port, database, user }: { host: string; port: string; database: string; user: string }): string | undefined {
  const file = proc.env.PGPASSFILE || `${proc.env.HOME ?? proc.user.home}/.pgpass`
  try {
    for (const line of proc.fs.readText(file).split('\n')) {
      const parts = line.match(/(?:\\.|[^:\\])*(?::|$)/g)?.map((part) => part.replace(/:$/, '').replace(/\\(.)/g, '$1')) ?? []
      if (parts.length >= 5 && [host || 'localhost', port, database, user].every((value, i) => parts[i] === '*' || parts[i] === value)) return parts[4]
    }
  } catch (error) { if (!(error instanceof UnixError)) throw error }
  return undefined
}

/** Fills in what isn't said: from the environment, and as libpq does. */
export function connectionOptions(proc: Proc, words: ConnectionWords, applicationName: string): ConnectionOptions {
  const { env } = proc
  const host = words.hostaddr ?? words.host ?? (env.PGHOSTADDR || env.PGHOST || '')
  const port = words.port || env.PGPORT || '5432'
  const user = words.user || env.PGUSER || proc.user.name || 'root'
  const database = words.dbname || env.PGDATABASE || user
  const timeout = Number(words.connect_timeout ?? env.PGCONNECT_TIMEOUT ?? 0)
  const options = words.options ?? env.PGOPTIONS
  return { host, port, user, database, password: words.password ?? env.PGPASSWORD ?? passwordOfFile(proc, { host, port, database, user }), applicationName: words.application_name ?? env.PGAPPNAME ?? applicationName, ...(options ? { options } : {}), ...(timeout > 0 ? { connectTimeoutMs: Math.max(2, timeout) * 1000 } : {}) }
}

/** A program's options: letters and long names, with (true) or without a value. */
export interface OptionTable { readonly [name: string]: { letter?: string; value?: boolean } }

export interface ReadArguments { options: [string, string][]; rest: string[] }

/** Reads arguments as getopt_long does, words and options in any order. A text is the complaint. */
export function readArguments(program: string, args: readonly string[], table: OptionTable): ReadArguments | string {
  const options: [string, string][] = []
  const rest: string[] = []
  const hint = `${program}: hint: Try "${program} --help" for more information.\n`
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (arg === '--') { rest.push(...args.slice(i + 1)); break }
    if (arg.startsWith('--')) {
      const [, given, value] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(arg) ?? []
      const found = Object.keys(table).filter((name) => name === given)
      const names = found.length > 0 ? found : Object.keys(table).filter((name) => name.startsWith(given ?? '\0'))
      if (names.length !== 1) return `${program}: ${names.length > 1 ? `option '--${given}' is ambiguous; possibilities: ${names.map((name) => `'--${name}'`).join(' ')}` : `unrecognized option '--${given ?? ''}'`}\n${hint}`
      const name = names[0]!
      if (!table[name]!.value) options.push([name, ''])
      else {
        const next = value ?? args[++i]
        if (next === undefined) return `${program}: option '--${name}' requires an argument\n${hint}`
        options.push([name, next])
      }
    } else if (arg.startsWith('-') && arg.length > 1) {
      for (let at = 1; at < arg.length; at++) {
        const letter = arg[at]!
        const found = Object.entries(table).find(([, option]) => option.letter === letter)
        if (!found) return `${program}: invalid option -- '${letter}'\n${hint}`
        if (!found[1].value) { options.push([found[0], '']); continue }
        const value = arg.slice(at + 1) || args[++i]
        if (value === undefined) return `${program}: option requires an argument -- '${letter}'\n${hint}`
        options.push([found[0], value])
        break
      }
    } else rest.push(arg)
  }
  return { options, rest }
}

/** Options that all clients have. */
export const CONNECTION_OPTIONS: OptionTable = { host: { letter: 'h', value: true }, port: { letter: 'p', value: true }, username: { letter: 'U', value: true }, 'no-password': { letter: 'w' }, password: { letter: 'W' }, version: { letter: 'V' }, help: { letter: '?' } }
